/* SPDX-License-Identifier: Apache-2.0 */
/* retry.c - when to try again. See retry.h. */
#include <config.h>
#include "retry.h"

const struct retry_limits retry_limits_default = {.first_ms = 1000,
                                                  .max_ms = 900000,
                                                  .person_ms = 60000,
                                                  .refused_ms = 3600000,
                                                  .refused_tries = 3};

/* @first_ms doubled once for each failure but the first, up to the limit. */
static uint64_t retry_doubled(uint64_t first_ms, uint64_t max_ms, uint32_t failures)
{
    uint64_t pause_ms = first_ms;
    for (uint32_t i = 1; i < failures && pause_ms < max_ms; i++)
        pause_ms *= 2;
    return pause_ms < max_ms ? pause_ms : max_ms;
}

/* 1..pause_ms. */
static uint64_t retry_jitter(uint64_t pause_ms, uint32_t random)
{
    return 1 + (uint64_t)(((double)random / ((double)UINT32_MAX + 1)) * (double)pause_ms);
}

uint64_t retry_pause(uint64_t first_ms, uint64_t max_ms, uint32_t failures, uint32_t random)
{
    return retry_jitter(retry_doubled(first_ms, max_ms, failures), random);
}

/* A quarter more at most: who was sent away together does not come back together. */
static uint64_t retry_spread(uint64_t pause_ms, uint32_t random)
{
    return pause_ms + retry_jitter(pause_ms / 4, random) - 1;
}

static struct retry_plan retry_refused(struct retry_history *history,
                                       const struct retry_limits *limits, uint32_t random)
{
    history->refusals += history->refusals < UINT32_MAX ? 1 : 0;
    if (history->refusals < limits->refused_tries) {
        uint64_t pause_ms = retry_doubled(limits->person_ms, limits->max_ms, history->refusals);
        return (struct retry_plan){RETRY_DEGRADED, retry_spread(pause_ms, random)};
    }
    return (struct retry_plan){RETRY_PERSON, retry_spread(limits->refused_ms, random)};
}

/* As long as the server says, but one that says "a second" for ever is not asked each second. */
static uint64_t retry_named(const struct error *err, const struct retry_limits *limits,
                            uint32_t times)
{
    uint64_t named_ms = err->pause_s * UINT64_C(1000);
    uint64_t least_ms = retry_doubled(limits->first_ms, limits->max_ms, times);
    return named_ms > least_ms ? named_ms : least_ms;
}

static uint32_t retry_sum(uint32_t a, uint32_t b)
{
    return a < UINT32_MAX - b ? a + b : UINT32_MAX;
}

struct retry_plan retry_failed(struct retry_history *history, const struct retry_limits *limits,
                               const struct error *err, uint32_t random, uint64_t now_ms)
{
    if (now_ms - history->well_ms >= RETRY_LASTS_MS)
        history->before = 0;
    history->failures = retry_sum(history->failures, 1);
    uint32_t times = retry_sum(history->before, history->failures);
    uint64_t link_ms = retry_pause(limits->first_ms, limits->max_ms, times, random);
    uint64_t person_ms = retry_spread(
        retry_doubled(limits->person_ms, limits->max_ms, history->failures), random);
    switch (err->class) {
    case ERROR_PAUSE:
        return (struct retry_plan){RETRY_THROTTLED,
                                   err->pause_s > 0
                                       ? retry_spread(retry_named(err, limits, times), random)
                                       : person_ms};
    case ERROR_CREDENTIALS:
        return retry_refused(history, limits, random);
    case ERROR_CERTIFICATE:
    case ERROR_CONFIG:
    case ERROR_CREATE:
        return (struct retry_plan){RETRY_PERSON, person_ms};
    case ERROR_USAGE:
    case ERROR_HELD:
        return (struct retry_plan){RETRY_PERSON, retry_spread(limits->refused_ms, random)};
    default:
        return (struct retry_plan){RETRY_DEGRADED, link_ms};
    }
}

void retry_well(struct retry_history *history, bool progress, uint64_t now_ms)
{
    if (history->failures > 0) {
        uint32_t before = retry_sum(history->before, history->failures);
        history->before = before < RETRY_BEFORE_MAX ? before : RETRY_BEFORE_MAX;
        history->well_ms = now_ms;
    }
    history->failures = history->refusals = 0;
    if (progress)
        history->before = 0;
}
