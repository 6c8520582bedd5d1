/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - time. See clock.h. The calendar arithmetic counts days from 1 March of year 0, so that
 * the leap day comes last in its year. */
#include <config.h>
#include "clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t clock_boottime_ms(void *context)
{
    (void)context;
    struct timespec now;
    if (clock_gettime(CLOCK_BOOTTIME, &now) != 0)
        return 0;
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int64_t clock_wall_s(void *context)
{
    (void)context;
    return (int64_t)time(NULL);
}

const struct clock *clock_system(void)
{
    static const struct clock system = {clock_boottime_ms, clock_wall_s, NULL};
    return &system;
}

#define DAYS_TO_1970 719468 /* from 0000-03-01 to 1970-01-01 */
#define DAYS_PER_ERA 146097 /* 400 years */

int64_t clock_unix_from_date(int32_t year, uint32_t month, uint32_t day, uint32_t hour,
                             uint32_t minute, uint32_t second)
{
    int64_t y = month <= 2 ? (int64_t)year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    int64_t days = era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
    return ((days * 24 + hour) * 60 + minute) * 60 + second;
}

void clock_rfc3339(int64_t unix_s, int32_t offset_min, char out[CLOCK_RFC3339_MAX])
{
    out[0] = '\0';
    if (unix_s < -62167219200 || unix_s > 253402300799) /* 0000-01-01 .. 9999-12-31 */
        return;
    int64_t local = unix_s + (int64_t)offset_min * 60;
    int64_t days = local / 86400, second = local % 86400;
    if (second < 0) {
        second += 86400;
        days--;
    }
    days += DAYS_TO_1970;
    int64_t era = (days >= 0 ? days : days - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t doe = days - era * DAYS_PER_ERA; /* day of era */
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t month_from_march = (5 * doy + 2) / 153;
    int64_t day = doy - (153 * month_from_march + 2) / 5 + 1;
    int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    int64_t year = yoe + era * 400 + (month <= 2 ? 1 : 0);
    if (year < 0 || year > 9999)
        return;
    int n = snprintf(out, CLOCK_RFC3339_MAX, "%04d-%02d-%02dT%02d:%02d:%02d", (int)year, (int)month,
                     (int)day, (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60));
    uint32_t off = (uint32_t)(offset_min < 0 ? -offset_min : offset_min) % 6000;
    if (offset_min == 0)
        (void)snprintf(out + n, CLOCK_RFC3339_MAX - (size_t)n, "Z");
    else
        (void)snprintf(out + n, CLOCK_RFC3339_MAX - (size_t)n, "%c%02u:%02u",
                       offset_min < 0 ? '-' : '+', off / 60, off % 60);
}
