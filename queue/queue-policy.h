/* SPDX-License-Identifier: Apache-2.0 */
/* queue-policy.h - what a named work queue does with entries that fail, and how fast they may be
 * taken.
 *
 * A work queue comes to be with its first entry and has no policy then: a failed entry waits for a
 * person, and everything may be taken at once. queue_configure() gives it one.
 *
 *     TAKEN --fail--> NEW      at a later time, while its policy leaves retries
 *                     NEW      in the error queue, at once, when they are used up
 *                     FAILED   when they are used up and there is no error queue
 *
 * A lease that ran out is such a failure too: the worker may have died of the entry. Where a queue
 * has neither retries nor an error queue, the entry goes to whoever takes next.
 *
 * An error queue is a work queue like any other, but for this: who takes without naming a queue
 * gets nothing from it, so that what failed for good does not come back to the worker that it
 * failed in. It may have a policy, and an error queue, of its own; a circle of them is refused.
 *
 * The decisions are pure functions of settings, attempts, time and chance; queue.c carries them
 * out. */
#ifndef MAILCHUTE_QUEUE_QUEUE_POLICY_H
#define MAILCHUTE_QUEUE_QUEUE_POLICY_H

#include "queue.h"

#define QUEUE_NAME_MAX 320u                /* bytes of a work queue's name */
#define QUEUE_CONDITION_MAX 1024u          /* bytes of a condition */
#define QUEUE_DELAY_MAX_S (30u * 86400u)   /* the longest wait for a retry, whatever comes out */
#define QUEUE_RETRIES_MAX 1000000u         /* of one entry */
#define QUEUE_THROTTLE_ITEMS_MAX 1000000u  /* in one interval */
#define QUEUE_BASE_MILLI_MIN 1001u         /* 1.001 */
#define QUEUE_BASE_MILLI_MAX 100000u       /* 100 */

enum queue_retry_kind {
    QUEUE_RETRY_NONE,
    QUEUE_RETRY_LINEAR,     /* each after retry_s */
    QUEUE_RETRY_EXPONENTIAL /* the k-th after retry_s times a chance number in [base^(k-1), base^k)
                             */
};
const char *queue_retry_name(enum queue_retry_kind kind); /* "none", ...; static */
int queue_retry_from_name(const char *name, enum queue_retry_kind *out_kind);

/* The settings of one work queue. All zero: it has none. */
struct queue_policy {
    enum queue_retry_kind retry;
    uint32_t retries;         /* retries of one entry, 1..QUEUE_RETRIES_MAX unless retry is NONE */
    uint32_t retry_s;         /* 1..QUEUE_DELAY_MAX_S unless retry is NONE */
    uint32_t base_milli;      /* base times 1,000; QUEUE_BASE_MILLI_MIN.._MAX where EXPONENTIAL */
    uint32_t throttle_items;  /* so many may be taken in throttle_s; 0: any number */
    uint32_t throttle_s;      /* 1..QUEUE_DELAY_MAX_S unless throttle_items is 0 */
    char error_queue[QUEUE_NAME_MAX + 1]; /* "": none */
    /* Which mail makes work, in words of the host's (condition.h there); "": all. What does not is
     * put as done, see queue_item.skipped. */
    char condition[QUEUE_CONDITION_MAX + 1];
};

/* What was taken of a queue lately. The interval begins with the first that is taken in it. */
struct queue_window {
    int64_t start_s; /* 0: nothing was taken yet */
    int64_t open_s;  /* once all of an interval were taken: when the next may be; else 0 */
    uint32_t taken;
};

/** queue_policy_check - ERROR_USAGE when a setting of the queue @name breaks its limits, or the
 * error queue is the queue itself. */
int queue_policy_check(const char *name, const struct queue_policy *policy, struct error *err);

/** queue_policy_counts_lapses - whether a lease that ran out is a failure of its entry. */
bool queue_policy_counts_lapses(const struct queue_policy *policy);

enum queue_verdict {
    QUEUE_VERDICT_RETRY, /* it is new again, to be taken from *out_due_s on */
    QUEUE_VERDICT_ASIDE, /* to the error queue, with no attempts, at once */
    QUEUE_VERDICT_FAIL   /* it stays, failed, until a person looks */
};

/** queue_policy_failed - what becomes of an entry that failed in its @attempts-th attempt (1, 2,
 * ...).
 * @random: any 32 bits; the same give the same. */
enum queue_verdict queue_policy_failed(const struct queue_policy *policy, uint32_t attempts,
                                       int64_t now_s, uint32_t random, int64_t *out_due_s);

/** queue_window_is_open - whether another entry may be taken at @now_s. */
bool queue_window_is_open(const struct queue_window *window, int64_t now_s);

/** queue_window_count - the window after one more was taken at @now_s. A clock that was set back
 * begins a new interval. */
struct queue_window queue_window_count(const struct queue_policy *policy,
                                       const struct queue_window *window, int64_t now_s);

/* ---- Named queues ---------------------------------------------------------------------------- */

struct queue_named {
    char name[QUEUE_NAME_MAX + 1];
    bool is_error_queue; /* of another one */
    struct queue_policy policy;
    struct queue_window window;
    uint64_t skipped; /* entries that were put as done, since the queue was configured first */
};

#define QUEUE_ERROR_CHAIN_MAX 32u /* error queues of error queues */

/** queue_configure - give the work queue @name this policy, durably; it need not have entries yet.
 * ERROR_USAGE when a setting breaks its limit, or its error queues lead back to it.
 * What waits for a retry goes on waiting; its interval of taking begins anew. */
int queue_configure(struct queue *queue, const char *name, const struct queue_policy *policy,
                    struct error *err);

/** queue_named_get - all zero but the name where it was never configured. */
int queue_named_get(struct queue *queue, const char *name, struct queue_named *out_named,
                    struct error *err);

/** queue_named_each - each work queue that has had an entry, or was configured, or is an error
 * queue, by name. @each may not call the queue; not 0 stops. */
int queue_named_each(struct queue *queue,
                     int (*each)(void *context, const struct queue_named *named), void *context,
                     struct error *err);

#endif
