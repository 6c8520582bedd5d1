/* SPDX-License-Identifier: Apache-2.0 */
/* queue-hook.h - who is told of the entries that come into a work queue, and what is still to be
 * told.
 *
 * A work queue may have a command and a webhook. For each entry that comes into it, new or bad, by
 * being put or moved there, and for each hook it has then, a delivery is written in the transaction
 * that brings the entry: a crash leaves both or neither. A delivery is there until whoever delivers
 * (the host) tells that it arrived, so each arrives at least once; twice where a crash came
 * between.
 *
 *     (entry comes) -> PENDING --arrived--> gone, counted
 *                       ^   |
 *                       |   +--failed, again later--> PENDING
 *                       |   +--given up-------------> FAILED --queue_delivery_again--> PENDING
 *
 * What a target means, and how it is told, is the host's business: here it is a text, and its
 * secret sealed bytes. Threads and ownership as in queue.h. */
#ifndef MAILCHUTE_QUEUE_QUEUE_HOOK_H
#define MAILCHUTE_QUEUE_QUEUE_HOOK_H

#include "queue-policy.h"

#define QUEUE_HOOK_TARGET_MAX 4096u  /* bytes of a command line, or a URL */
#define QUEUE_HOOK_SECRET_MAX 20000u /* of its secret, sealed */
#define QUEUE_HOOK_ERROR_MAX 512u    /* of why a delivery failed; what is longer is cut */
#define QUEUE_DELIVERY_KEY_MAX 80u   /* bytes of queue_delivery_key(), NUL included */

/* The numbers stand in databases. */
enum queue_hook_kind { QUEUE_HOOK_COMMAND = 0, QUEUE_HOOK_WEBHOOK = 1 };
#define QUEUE_HOOK_KINDS 2u
const char *queue_hook_kind_name(enum queue_hook_kind kind); /* "command", "webhook"; static */

/* One hook, and how it goes. */
struct queue_hook {
    uint64_t number; /* of this hook for as long as it is set; never another's */
    char queue[QUEUE_NAME_MAX + 1];
    enum queue_hook_kind kind;
    char *target;
    uint8_t *secret; /* sealed; NULL: none */
    size_t secret_size;
    uint64_t pending, failed, delivered; /* deliveries; the last since the hook was set */
    int64_t due_s;   /* when the next pending one is due; 0: none is pending */
    char *error;     /* why the last one that failed did, NULL once one arrived since */
    int64_t error_s; /* when that was */
};

/** queue_hook_set - the work queue @name tells of its entries to @target from now on, signed by
 * @secret (NULL: not). @target NULL: no longer; what was pending or failed is dropped. What is
 * pending goes to the new target. ERROR_USAGE when a text breaks its limit. */
int queue_hook_set(struct queue *queue, const char *name, enum queue_hook_kind kind,
                   const char *target, const uint8_t *secret, size_t secret_size,
                   struct error *err);

/** queue_hook_each - each hook there is, in the order they were set first; @each borrows it, and
 * may not call the queue; not 0 stops. Small: whoever delivers may call it several times a second.
 */
int queue_hook_each(struct queue *queue,
                    int (*each)(void *context, const struct queue_hook *hook), void *context,
                    struct error *err);

/* One entry that a hook is to be told of. Yours: queue_delivery_free(). */
struct queue_delivery {
    uint64_t number; /* never another's */
    uint64_t hook;
    bool moved;      /* the entry came from another work queue */
    uint32_t tries;  /* that failed */
    int64_t due_s;
    struct queue_entry *entry; /* as it is now, with its content */
};
void queue_delivery_free(struct queue_delivery *delivery);
AUTO_DEFINE(queue_delivery, queue_delivery_free);

/** queue_delivery_key - what names this telling for ever, whatever is repeated: "<entry
 * id>:<kind>", for an entry that was moved "<entry id>:<kind>:<number>". */
void queue_delivery_key(const struct queue_delivery *delivery, enum queue_hook_kind kind,
                        char out_key[QUEUE_DELIVERY_KEY_MAX]);

/* Where a walk over a hook's deliveries stands; zero: before the first. */
struct queue_delivery_place {
    int64_t due_s;
    uint64_t number;
};

/** queue_delivery_next - the first pending delivery of @hook behind *at that is due, oldest due
 * time first; *at moves on. *out_delivery is NULL when there is none. */
int queue_delivery_next(struct queue *queue, uint64_t hook, struct queue_delivery_place *at,
                        struct queue_delivery **out_delivery, struct error *err);

enum queue_outcome {
    QUEUE_ARRIVED,
    QUEUE_AGAIN,   /* it failed, and is due again at due_s */
    QUEUE_GIVEN_UP /* it failed for the last time, and waits for a person */
};

struct queue_delivery_outcome {
    uint64_t number, hook; /* of the delivery */
    enum queue_outcome outcome;
    int64_t due_s;
    const char *error; /* why it failed; never a secret */
};

/** queue_delivery_tell - write these down, all or nothing, durably. Those of hooks that are no
 * longer set are passed over. */
int queue_delivery_tell(struct queue *queue, const struct queue_delivery_outcome *outcomes,
                        size_t count, struct error *err);

/** queue_delivery_again - all failed deliveries of the work queue @name are pending again, due at
 * once, as if they had never been tried. */
int queue_delivery_again(struct queue *queue, const char *name, uint64_t *out_count,
                         struct error *err);

#endif
