/* SPDX-License-Identifier: Apache-2.0 */
/* queue-claim.c - who picks up from which mailbox. See queue.h.
 *
 * The lock itself is the back end's; here stands what one holder has, so that asking again is
 * cheap. */
#include <config.h>
#include "queue.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "queue-backend.h"
#include "queue-id.h"

struct queue_claimed {
    uint8_t id[QUEUE_UUID_SIZE];
    int fd; /* holds it; -1: nothing has to */
};

static bool claims_have(const struct queue_claims *claims, const uint8_t id[QUEUE_UUID_SIZE])
{
    for (size_t i = 0; i < claims->count; i++)
        if (memcmp(claims->items[i].id, id, QUEUE_UUID_SIZE) == 0)
            return true;
    return false;
}

/* The first one stays; of the others, the oldest goes. */
static void claims_drop_oldest(struct queue_claims *claims)
{
    if (claims->items[1].fd >= 0)
        (void)close(claims->items[1].fd);
    claims->count--;
    memmove(claims->items + 1, claims->items + 2, (claims->count - 1) * sizeof *claims->items);
}

/* @fd is given. */
static int claims_keep(struct queue_claims *claims, const uint8_t id[QUEUE_UUID_SIZE], int fd,
                       struct error *err)
{
    if (claims->count == QUEUE_CLAIMS_MAX)
        claims_drop_oldest(claims);
    struct queue_claimed *items = reallocarray(claims->items, claims->count + 1, sizeof *items);
    if (items == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return error_oom(err, "locking a mailbox");
    }
    claims->items = items;
    memcpy(items[claims->count].id, id, QUEUE_UUID_SIZE);
    items[claims->count++].fd = fd;
    return 0;
}

int queue_claims_take(struct queue_claims *claims, struct queue *queue, const char *loader,
                      const char *account, const char *mailbox, struct error *err)
{
    const struct queue_origin origin = {loader, account, mailbox, 0, 0, "claim"};
    char key[QUEUE_KEY_MAX];
    uint8_t id[QUEUE_UUID_SIZE];
    bool claimed = false;
    int fd = -1;
    if (queue_origin_key(&origin, key, err) < 0)
        return -1;
    queue_id_of_key(key, id);
    if (claims_have(claims, id))
        return 0;
    if (queue_backend_of(queue)->claim(queue_store(queue), id, &claimed, &fd, err) < 0)
        return -1;
    if (claimed)
        return claims_keep(claims, id, fd, err);
    return error_set(err, ERROR_PAUSE,
                     "another pick-up of '%.100s' of '%.100s' into this queue is under way; wait "
                     "until it ends, or stop it",
                     mailbox, account);
}

void queue_claims_done(struct queue_claims *claims)
{
    for (size_t i = 0; i < claims->count; i++)
        if (claims->items[i].fd >= 0)
            (void)close(claims->items[i].fd);
    free(claims->items);
    *claims = (struct queue_claims){0};
}
