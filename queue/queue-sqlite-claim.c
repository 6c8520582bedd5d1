/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-claim.c - see queue-sqlite-claim.h. */
#include <config.h>
#include "queue-sqlite-claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"

#define CLAIM_FOLDER "claims"
#define CLAIM_PATH_MAX (sizeof CLAIM_FOLDER + QUEUE_ID_TEXT)

static int claim_fail(const struct queue_sqlite_folder *folder, struct error *err)
{
    return error_set(err, ERROR_CREATE,
                     "cannot lock below '%.300s/" CLAIM_FOLDER "': %s; check its "
                     "rights",
                     folder->path, strerror(errno));
}

int queue_sqlite_claim(const struct queue_sqlite_folder *folder, const uint8_t id[QUEUE_UUID_SIZE],
                       bool *out_claimed, int *out_fd, struct error *err)
{
    char text[QUEUE_ID_TEXT], path[CLAIM_PATH_MAX];
    queue_id_text(id, text);
    (void)snprintf(path, sizeof path, CLAIM_FOLDER "/%s", text);
    if (mkdirat(folder->fd, CLAIM_FOLDER, 0700) < 0 && errno != EEXIST)
        return claim_fail(folder, err);
    AUTO_FD fd = openat(folder->fd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return claim_fail(folder, err);
    *out_claimed = flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (!*out_claimed && errno != EWOULDBLOCK)
        return claim_fail(folder, err);
    *out_fd = *out_claimed ? TAKE_FD(fd) : -1;
    return 0;
}
