/* SPDX-License-Identifier: Apache-2.0 */
/* queue-hook.c - hooks of work queues over any back end. See queue-hook.h. */
#include <config.h>
#include "queue-hook.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue-backend.h"
#include "text.h"

static const char *const hook_kind_names[QUEUE_HOOK_KINDS] = {
    [QUEUE_HOOK_COMMAND] = "command", [QUEUE_HOOK_WEBHOOK] = "webhook"};

const char *queue_hook_kind_name(enum queue_hook_kind kind)
{
    return hook_kind_names[kind];
}

static int hook_check(const char *target, size_t secret_size, struct error *err)
{
    size_t size = target == NULL ? 1 : strlen(target);
    if (size == 0 || size > QUEUE_HOOK_TARGET_MAX)
        return error_set(err, ERROR_USAGE, "a hook has 1 to %u bytes, not %zu",
                         QUEUE_HOOK_TARGET_MAX, size);
    if (target != NULL && (!text_is_utf8(target, size) || text_has_control(target)))
        return error_set(err, ERROR_USAGE,
                         "a hook holds characters that none should; type it again");
    return secret_size <= QUEUE_HOOK_SECRET_MAX
               ? 0
               : error_set(err, ERROR_USAGE, "the secret of a hook is too long");
}

int queue_hook_set(struct queue *queue, const char *name, enum queue_hook_kind kind,
                   const char *target, const uint8_t *secret, size_t secret_size,
                   struct error *err)
{
    const struct queue_policy none = {.retry = QUEUE_RETRY_NONE};
    if (queue_in_batch(queue))
        return error_set(err, ERROR_BUG, "a hook was to be set inside an open batch");
    if (queue_policy_check(name, &none, err) < 0 || hook_check(target, secret_size, err) < 0)
        return -1;
    return queue_backend_of(queue)->hook_set(queue_store(queue), name, kind, target, secret,
                                             secret_size, err);
}

int queue_hook_each(struct queue *queue,
                    int (*each)(void *context, const struct queue_hook *hook), void *context,
                    struct error *err)
{
    return queue_backend_of(queue)->hook_each(queue_store(queue), each, context, err);
}

/* ---- Deliveries ------------------------------------------------------------------------------ */

void queue_delivery_free(struct queue_delivery *delivery)
{
    if (delivery == NULL)
        return;
    queue_entry_free(delivery->entry);
    free(delivery);
}

void queue_delivery_key(const struct queue_delivery *delivery, enum queue_hook_kind kind,
                        char out_key[QUEUE_DELIVERY_KEY_MAX])
{
    char number[24] = "";
    if (delivery->moved)
        (void)snprintf(number, sizeof number, ":%" PRIu64, delivery->number);
    (void)snprintf(out_key, QUEUE_DELIVERY_KEY_MAX, "%s:%s%s", delivery->entry->id,
                   hook_kind_names[kind], number);
}

int queue_delivery_next(struct queue *queue, uint64_t hook, struct queue_delivery_place *at,
                        struct queue_delivery **out_delivery, struct error *err)
{
    *out_delivery = NULL;
    if (queue_backend_of(queue)->delivery_next(queue_store(queue), hook, at, queue_now_s(queue),
                                               out_delivery, err) < 0)
        return -1;
    if (*out_delivery != NULL)
        *at = (struct queue_delivery_place){(*out_delivery)->due_s, (*out_delivery)->number};
    return 0;
}

int queue_delivery_tell(struct queue *queue, const struct queue_delivery_outcome *outcomes,
                        size_t count, struct error *err)
{
    if (queue_in_batch(queue))
        return error_set(err, ERROR_BUG, "deliveries were to be written inside an open batch");
    return count == 0 ? 0
                      : queue_backend_of(queue)->delivery_tell(queue_store(queue), outcomes, count,
                                                               queue_now_s(queue), err);
}

int queue_delivery_again(struct queue *queue, const char *name, uint64_t *out_count,
                         struct error *err)
{
    if (queue_in_batch(queue))
        return error_set(err, ERROR_BUG, "deliveries were to be written inside an open batch");
    return queue_backend_of(queue)->delivery_again(queue_store(queue), name, out_count, err);
}
