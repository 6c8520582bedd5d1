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

static struct retry_plan retry_refused(struct retry_history *history,
                                       const struct retry_limits *limits, uint64_t link_ms)
{
    history->refusals += history->refusals < UINT32_MAX ? 1 : 0;
    if (history->refusals < limits->refused_tries)
        return (struct retry_plan){RETRY_DEGRADED, link_ms};
    return (struct retry_plan){RETRY_PERSON, limits->refused_ms};
}

struct retry_plan retry_failed(struct retry_history *history, const struct retry_limits *limits,
                               const struct error *err, uint32_t random)
{
    history->failures += history->failures < UINT32_MAX ? 1 : 0;
    uint64_t link_ms = retry_pause(limits->first_ms, limits->max_ms, history->failures, random);
    uint64_t person_ms = retry_doubled(limits->person_ms, limits->max_ms, history->failures);
    switch (err->class) {
    case ERROR_PAUSE:
        return (struct retry_plan){RETRY_THROTTLED, err->pause_s > 0
                                                        ? err->pause_s * UINT64_C(1000)
                                                        : person_ms};
    case ERROR_CREDENTIALS:
        return retry_refused(history, limits, link_ms);
    case ERROR_CERTIFICATE:
    case ERROR_CONFIG:
    case ERROR_CREATE:
        return (struct retry_plan){RETRY_PERSON, person_ms};
    case ERROR_USAGE:
    case ERROR_HELD:
        return (struct retry_plan){RETRY_PERSON, limits->refused_ms};
    default:
        return (struct retry_plan){RETRY_DEGRADED, link_ms};
    }
}
