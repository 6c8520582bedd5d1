/* SPDX-License-Identifier: Apache-2.0 */
/* queue-append.h - which entries were put into folders of a mail account: the ledger of deliver.
 *
 * A target is an account, "ann@mail.example.org". Per target and entry there is one row, which is
 * written before the message is sent and again when the server has answered:
 *
 *     (none) ──> BEGUN ──> DONE       it is there, or was: never again, whoever deleted it since
 *                 ^ │
 *                 │ └────> REFUSED    the server does not take this message
 *                 └──────────┘        tried again, as long as its attempts are few
 *
 * A row that is BEGUN and not DONE tells: it may be there already, look before it is sent. Rows are
 * by the entry's place, a number that ascends in the order in which entries came; nothing of the
 * message is kept in them. Threads and ownership as in queue.h. */
#ifndef MAILCHUTE_QUEUE_QUEUE_APPEND_H
#define MAILCHUTE_QUEUE_QUEUE_APPEND_H

#include "queue.h"

#define QUEUE_APPEND_TARGET_MAX 512u /* bytes of a target's name */

/* The numbers stand in databases. */
enum queue_append_step {
    QUEUE_APPEND_NONE = 0,
    QUEUE_APPEND_BEGUN = 1,
    QUEUE_APPEND_REFUSED = 2,
    QUEUE_APPEND_DONE = 3
};

struct queue_append {
    uint64_t place;         /* of the entry; never 0, never another's */
    char id[QUEUE_ID_TEXT]; /* of the entry; queue_append_note() does not look at it */
    enum queue_append_step step;
    uint32_t attempts;      /* how often REFUSED was noted */
};

/** queue_append_check - can @target be one's name? ERROR_USAGE: 1 to QUEUE_APPEND_TARGET_MAX bytes of
 * UTF-8, without control characters. */
int queue_append_check(const char *target, struct error *err);

/** queue_append_open - up to @capacity entries that are not DONE at this target, in the order in
 * which they came, behind the place @after (0: from the start). Entries of an open batch are left
 * out. Cost: one walk over the entries behind @after, a million in about a second. */
int queue_append_open(struct queue *queue, const char *target, uint64_t after,
                      struct queue_append *out_items, size_t capacity, size_t *out_count,
                      struct error *err);

/** queue_append_note - write these steps down, durably, all or none, in one flush; never inside an
 * open batch (ERROR_BUG). REFUSED raises attempts; DONE stays what it is. */
int queue_append_note(struct queue *queue, const char *target, const struct queue_append *items,
                      size_t count, struct error *err);

/** queue_append_adopt - the rows of the target @from become rows of @to; of two for one entry the
 * step that is further counts, and more attempts. Durable, all or none; never inside an open batch.
 * Nothing is written where @from has none. */
int queue_append_adopt(struct queue *queue, const char *from, const char *to, struct error *err);

#endif
