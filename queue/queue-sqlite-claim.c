/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-claim.c - see queue-sqlite-claim.h. */
#include <config.h>
#include "queue-sqlite-claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"

#define CLAIM_FOLDER "claims"
#define CLAIM_PATH_MAX (sizeof CLAIM_FOLDER + QUEUE_ID_TEXT)

static int claim_fail(const struct queue_sqlite_folder *folder, struct error *err)
{
    return error_set(err, ERROR_CREATE, "cannot lock below '%.300s/" CLAIM_FOLDER "': %s; check its "
                     "rights", folder->path, strerror(errno));
}

static bool claim_is_ours(const struct queue_sqlite_claims *claims,
                          const uint8_t id[QUEUE_UUID_SIZE])
{
    for (size_t i = 0; i < claims->count; i++)
        if (memcmp(claims->items[i].id, id, QUEUE_UUID_SIZE) == 0)
            return true;
    return false;
}

/* @fd is given. */
static int claim_keep(struct queue_sqlite_claims *claims, const uint8_t id[QUEUE_UUID_SIZE], int fd,
                      struct error *err)
{
    struct queue_sqlite_claimed *items =
        reallocarray(claims->items, claims->count + 1, sizeof *items);
    if (items == NULL) {
        (void)close(fd);
        return error_oom(err, "locking a mailbox");
    }
    claims->items = items;
    memcpy(items[claims->count].id, id, QUEUE_UUID_SIZE);
    items[claims->count++].fd = fd;
    return 0;
}

int queue_sqlite_claim(struct queue_sqlite_claims *claims, const struct queue_sqlite_folder *folder,
                       const uint8_t id[QUEUE_UUID_SIZE], bool *out_claimed, struct error *err)
{
    char text[QUEUE_ID_TEXT], path[CLAIM_PATH_MAX];
    *out_claimed = true;
    if (claim_is_ours(claims, id))
        return 0;
    queue_id_text(id, text);
    (void)snprintf(path, sizeof path, CLAIM_FOLDER "/%s", text);
    if (mkdirat(folder->fd, CLAIM_FOLDER, 0700) < 0 && errno != EEXIST)
        return claim_fail(folder, err);
    AUTO_FD fd = openat(folder->fd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return claim_fail(folder, err);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return claim_keep(claims, id, TAKE_FD(fd), err);
    *out_claimed = false;
    return errno == EWOULDBLOCK ? 0 : claim_fail(folder, err);
}

void queue_sqlite_claims_done(struct queue_sqlite_claims *claims)
{
    for (size_t i = 0; i < claims->count; i++)
        (void)close(claims->items[i].fd);
    free(claims->items);
    *claims = (struct queue_sqlite_claims){0};
}
