/* SPDX-License-Identifier: Apache-2.0 */
/* queue-append.c - the ledger of deliver over any back end. See queue-append.h. */
#include <config.h>
#include "queue-append.h"

#include <string.h>

#include "fault.h"
#include "queue-backend.h"
#include "text.h"

int queue_append_check(const char *target, struct error *err)
{
    size_t size = target == NULL ? 0 : strlen(target);
    if (size == 0 || size > QUEUE_APPEND_TARGET_MAX || !text_is_utf8(target, size) ||
        text_has_control(target))
        return error_set(err, ERROR_USAGE, "the account to deliver to has a name of %zu bytes that "
                         "cannot be kept (1 to %u, no control characters); check the user name, or the "
                         "name that was given",
                         size, QUEUE_APPEND_TARGET_MAX);
    return 0;
}

int queue_append_open(struct queue *queue, const char *target, uint64_t after,
                      struct queue_append *out_items, size_t capacity, size_t *out_count,
                      struct error *err)
{
    if (queue_append_check(target, err) < 0)
        return -1;
    return queue_backend_of(queue)->append_open(queue_store(queue), target, after, out_items,
                                                capacity, out_count, err);
}

int queue_append_note(struct queue *queue, const char *target, const struct queue_append *items,
                      size_t count, struct error *err)
{
    if (queue_in_batch(queue))
        return error_set(err, ERROR_BUG, "a delivery was to be noted inside an open batch");
    if (queue_append_check(target, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (items[i].place == 0 || items[i].step == QUEUE_APPEND_NONE ||
            (unsigned int)items[i].step > QUEUE_APPEND_DONE)
            return error_set(err, ERROR_BUG, "delivery step %d cannot be noted",
                             (int)items[i].step);
    fault_point("append note");
    int failed = count == 0 ? 0
                            : queue_backend_of(queue)->append_note(queue_store(queue), target,
                                                                   items, count, err);
    fault_point("append note done");
    return failed;
}

int queue_append_adopt(struct queue *queue, const char *from, const char *to, struct error *err)
{
    if (queue_in_batch(queue))
        return error_set(err, ERROR_BUG, "deliveries were to be adopted inside an open batch");
    if (queue_append_check(from, err) < 0 || queue_append_check(to, err) < 0)
        return -1;
    fault_point("append adopt");
    int failed = queue_backend_of(queue)->append_adopt(queue_store(queue), from, to, err);
    fault_point("append adopted");
    return failed;
}
