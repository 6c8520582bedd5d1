/* SPDX-License-Identifier: Apache-2.0 */
/* queue-policy.c - retries and throttling as pure functions, and the settings of named queues over
 * any back end. See queue-policy.h. */
#include <config.h>
#include "queue-policy.h"

#include <string.h>

#include "queue-backend.h"
#include "text.h"

/* ---- Names ----------------------------------------------------------------------------------- */

static const char *const retry_names[] = {
    [QUEUE_RETRY_NONE] = "none",
    [QUEUE_RETRY_LINEAR] = "linear",
    [QUEUE_RETRY_EXPONENTIAL] = "exponential",
};

const char *queue_retry_name(enum queue_retry_kind kind)
{
    return retry_names[kind];
}

int queue_retry_from_name(const char *name, enum queue_retry_kind *out_kind)
{
    for (unsigned kind = QUEUE_RETRY_NONE; kind <= QUEUE_RETRY_EXPONENTIAL; kind++) {
        if (!text_equal_nocase(name, retry_names[kind]))
            continue;
        *out_kind = (enum queue_retry_kind)kind;
        return 0;
    }
    return -1;
}

/* ---- What may be set ------------------------------------------------------------------------- */

static int policy_check_name(const char *what, const char *name, struct error *err)
{
    size_t size = strlen(name);
    if (size == 0 || size > QUEUE_NAME_MAX)
        return error_set(err, ERROR_USAGE, "the name of %s has 1 to %u bytes, not %zu", what,
                         QUEUE_NAME_MAX, size);
    if (!text_is_utf8(name, size) || text_has_control(name))
        return error_set(err, ERROR_USAGE, "the name of %s holds characters that no name should; "
                         "type it again", what);
    return 0;
}

static int policy_check_range(const char *what, uint32_t value, uint32_t min, uint32_t max,
                              struct error *err)
{
    return value >= min && value <= max
               ? 0
               : error_set(err, ERROR_USAGE, "%s: %u is not within %u and %u", what, value, min,
                           max);
}

static int policy_check_retry(const struct queue_policy *policy, struct error *err)
{
    if (policy->retry == QUEUE_RETRY_NONE)
        return 0;
    if (policy_check_range("retries", policy->retries, 1, QUEUE_RETRIES_MAX, err) < 0 ||
        policy_check_range("retry interval in seconds", policy->retry_s, 1, QUEUE_DELAY_MAX_S,
                           err) < 0)
        return -1;
    return policy->retry == QUEUE_RETRY_LINEAR
               ? 0
               : policy_check_range("base of exponential retries, times 1,000", policy->base_milli,
                                    QUEUE_BASE_MILLI_MIN, QUEUE_BASE_MILLI_MAX, err);
}

int queue_policy_check(const char *name, const struct queue_policy *policy, struct error *err)
{
    if (policy_check_name("a work queue", name, err) < 0 || policy_check_retry(policy, err) < 0)
        return -1;
    if (policy->error_queue[0] != '\0' &&
        policy_check_name("an error queue", policy->error_queue, err) < 0)
        return -1;
    if (strlen(policy->condition) > QUEUE_CONDITION_MAX ||
        !text_is_utf8(policy->condition, strlen(policy->condition)) ||
        text_has_control(policy->condition))
        return error_set(err, ERROR_USAGE, "the condition of work queue '%s' holds characters that "
                         "none should; type it again", name);
    if (strcmp(policy->error_queue, name) == 0)
        return error_set(err, ERROR_USAGE,
                         "the work queue '%s' cannot be its own error queue; name "
                         "another",
                         name);
    if (policy->throttle_items == 0)
        return 0;
    return policy_check_range("items per interval", policy->throttle_items, 1,
                              QUEUE_THROTTLE_ITEMS_MAX, err) < 0
               ? -1
               : policy_check_range("throttling interval in seconds", policy->throttle_s, 1,
                                    QUEUE_DELAY_MAX_S, err);
}

/* ---- Retries --------------------------------------------------------------------------------- */

/* interval * base^exponent, at most QUEUE_DELAY_MAX_S. A base above 1 gets there in few steps. */
static double policy_power(const struct queue_policy *policy, uint32_t exponent)
{
    double delay_s = policy->retry_s;
    for (uint32_t i = 0; i < exponent && delay_s < QUEUE_DELAY_MAX_S; i++)
        delay_s *= policy->base_milli / 1000.0;
    return delay_s < QUEUE_DELAY_MAX_S ? delay_s : QUEUE_DELAY_MAX_S;
}

static int64_t policy_delay(const struct queue_policy *policy, uint32_t attempts, uint32_t random)
{
    if (policy->retry == QUEUE_RETRY_LINEAR)
        return policy->retry_s;
    double from_s = policy_power(policy, attempts - 1), to_s = policy_power(policy, attempts);
    return (int64_t)(from_s + (to_s - from_s) * (random / ((double)UINT32_MAX + 1)));
}

bool queue_policy_counts_lapses(const struct queue_policy *policy)
{
    return policy->retry != QUEUE_RETRY_NONE || policy->error_queue[0] != '\0';
}

enum queue_verdict queue_policy_failed(const struct queue_policy *policy, uint32_t attempts,
                                       int64_t now_s, uint32_t random, int64_t *out_due_s)
{
    if (policy->retry != QUEUE_RETRY_NONE && attempts > 0 && attempts <= policy->retries) {
        *out_due_s = now_s + policy_delay(policy, attempts, random);
        return QUEUE_VERDICT_RETRY;
    }
    *out_due_s = 0;
    return policy->error_queue[0] != '\0' ? QUEUE_VERDICT_ASIDE : QUEUE_VERDICT_FAIL;
}

/* ---- Throttling ------------------------------------------------------------------------------ */

bool queue_window_is_open(const struct queue_window *window, int64_t now_s)
{
    return now_s >= window->open_s || now_s < window->start_s;
}

struct queue_window queue_window_count(const struct queue_policy *policy,
                                       const struct queue_window *window, int64_t now_s)
{
    struct queue_window next = *window;
    if (now_s < window->start_s || now_s - window->start_s >= policy->throttle_s)
        next = (struct queue_window){.start_s = now_s};
    next.taken++;
    if (next.taken >= policy->throttle_items)
        next.open_s = next.start_s + policy->throttle_s;
    return next;
}

/* ---- Named queues ---------------------------------------------------------------------------- */

/* Follows the error queues of @first to their end. */
static int policy_check_circle(struct queue *queue, const char *name, const char *first,
                               struct error *err)
{
    struct queue_named at = {.is_error_queue = false};
    text_copy(at.policy.error_queue, sizeof at.policy.error_queue, first);
    for (unsigned steps = 0; at.policy.error_queue[0] != '\0'; steps++) {
        char next[QUEUE_NAME_MAX + 1];
        text_copy(next, sizeof next, at.policy.error_queue);
        if (strcmp(next, name) == 0 || steps == QUEUE_ERROR_CHAIN_MAX)
            return error_set(err, ERROR_USAGE,
                             "with the error queue '%.200s' what fails in '%.200s' "
                             "would come back to it in the end; name one that does not lead there",
                             first, name);
        at = (struct queue_named){.is_error_queue = false};
        if (queue_backend_of(queue)->named_get(queue_store(queue), next, &at, err) < 0)
            return -1;
    }
    return 0;
}

int queue_configure(struct queue *queue, const char *name, const struct queue_policy *policy,
                    struct error *err)
{
    if (queue_in_batch(queue))
        return error_set(err, ERROR_BUG, "a work queue was to be configured inside an open batch");
    if (queue_policy_check(name, policy, err) < 0 ||
        policy_check_circle(queue, name, policy->error_queue, err) < 0)
        return -1;
    return queue_backend_of(queue)->named_set(queue_store(queue), name, policy, err);
}

int queue_named_get(struct queue *queue, const char *name, struct queue_named *out_named,
                    struct error *err)
{
    struct queue_named named = {.is_error_queue = false};
    if (policy_check_name("a work queue", name, err) < 0 ||
        queue_backend_of(queue)->named_get(queue_store(queue), name, &named, err) < 0)
        return -1;
    text_copy(named.name, sizeof named.name, name);
    *out_named = named;
    return 0;
}

int queue_named_each(struct queue *queue,
                     int (*each)(void *context, const struct queue_named *named), void *context,
                     struct error *err)
{
    return queue_backend_of(queue)->named_each(queue_store(queue), each, context, err);
}
