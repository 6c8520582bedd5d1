/* SPDX-License-Identifier: Apache-2.0 */
/* pace.c - how fast a source is picked up from. See pace.h. */
#include <config.h>
#include "pace.h"

void pace_begin(struct pace *pace, uint64_t now_ms)
{
    if (!pace->runs)
        *pace = (struct pace){.runs = true, .since_ms = now_ms};
}

void pace_count(struct pace *pace, uint64_t items, uint64_t now_ms)
{
    uint64_t passed_ms = now_ms - pace->since_ms;
    pace->milli_items += items * 1000;
    if (passed_ms < 2 * PACE_FADES_MS)
        return;
    pace->milli_items /= passed_ms / PACE_FADES_MS;
    pace->since_ms = now_ms - passed_ms / (passed_ms / PACE_FADES_MS);
}

void pace_end(struct pace *pace)
{
    *pace = (struct pace){0};
}

uint64_t pace_rate(const struct pace *pace, uint64_t now_ms)
{
    uint64_t passed_ms = now_ms - pace->since_ms;
    return pace->runs && passed_ms > 0 ? pace->milli_items * 1000 / passed_ms : 0;
}
