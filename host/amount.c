/* SPDX-License-Identifier: Apache-2.0 */
/* amount.c - numbers as people read them. See amount.h. */
#include <config.h>
#include "amount.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int amount_append_count(struct buffer *out, uint64_t count)
{
    char digits[24], grouped[32];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, count);
    size_t used = 0;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            grouped[used++] = ',';
        grouped[used++] = digits[i];
    }
    return buffer_append(out, grouped, used);
}

int amount_append_size(struct buffer *out, uint64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1024)
        return buffer_printf(out, "%" PRIu64 " B", bytes);
    size_t unit = 0;
    uint64_t whole = bytes / 1024, rest = bytes % 1024; /* rest in 1024ths */
    while (whole >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        rest = whole % 1024;
        whole /= 1024;
        unit++;
    }
    return buffer_printf(out, "%" PRIu64 ".%" PRIu64 " %s", whole, rest * 10 / 1024, units[unit]);
}

int amount_append_time(struct buffer *out, uint64_t ms)
{
    if (ms < 10000)
        return buffer_printf(out, "%" PRIu64 ".%" PRIu64 " s", ms / 1000, ms % 1000 / 100);
    if (ms < 120000)
        return buffer_printf(out, "%" PRIu64 " s", ms / 1000);
    if (ms < 7200000)
        return buffer_printf(out, "%" PRIu64 " min", ms / 60000);
    return buffer_printf(out, "%" PRIu64 " h", ms / 3600000);
}
