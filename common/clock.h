/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - time as the caller provides it, so that tests need no sleep.
 *
 * Two times: monotonic milliseconds for deadlines (never set back, counts while suspended:
 * CLOCK_BOOTTIME), and seconds since 1970-01-01 UTC for what people read. */
#ifndef MAILCHUTE_COMMON_CLOCK_H
#define MAILCHUTE_COMMON_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct clock {
    uint64_t (*monotonic_ms)(void *context);
    int64_t (*unix_s)(void *context);
    void *context;
};

/** clock_system - the machine's clock. Static, any thread. */
const struct clock *clock_system(void);

static inline uint64_t clock_monotonic_ms(const struct clock *clock)
{
    return clock->monotonic_ms(clock->context);
}
static inline int64_t clock_unix_s(const struct clock *clock)
{
    return clock->unix_s(clock->context);
}

/** clock_draw - a number below @below (not 0): any, another one each second. For turns that whoever
 * makes trouble must not foresee for long; no secret. */
static inline size_t clock_draw(const struct clock *clock, size_t below)
{
    uint64_t seconds = (uint64_t)clock_unix_s(clock);
    return (size_t)((seconds * UINT64_C(0x9e3779b97f4a7c15) >> 32) % below);
}

#define CLOCK_RFC3339_MAX 32 /* bytes, NUL included */

/** clock_rfc3339 - "2026-03-01T12:00:00+02:00" (RFC 3339 s.5.6; "Z" for an offset
 * of 0). Years outside 0..9999 give "" (RFC 3339 cannot write them). */
void clock_rfc3339(int64_t unix_s, int32_t offset_min, char out[CLOCK_RFC3339_MAX]);

/** clock_unix_from_date - seconds since 1970 of a calendar date and time of day in UTC (proleptic
 * Gregorian; month 1..12, day 1..31, second up to 60). No range check. */
int64_t clock_unix_from_date(int32_t year, uint32_t month, uint32_t day, uint32_t hour,
                             uint32_t minute, uint32_t second);

#endif
