/* SPDX-License-Identifier: Apache-2.0 */
/* pace.h - how fast a source is picked up from, for telling how long the rest will take. Pure.
 *
 * Measured over the time it is at work in one go, of which the past fades: what was PACE_FADES_MS
 * ago counts half. A failure or a pause ends it, so that waiting is not taken for slowness. */
#ifndef MAILCHUTE_HOST_PACE_H
#define MAILCHUTE_HOST_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_FADES_MS 120000u

struct pace {
    bool runs;
    uint64_t since_ms;
    uint64_t milli_items; /* thousandths of items since then: halving them loses none */
};

/** pace_begin - it is at work from now on; one that is already goes on. */
void pace_begin(struct pace *pace, uint64_t now_ms);

/** pace_count - so many more were picked up. */
void pace_count(struct pace *pace, uint64_t items, uint64_t now_ms);

/** pace_end - it is not at work any more. */
void pace_end(struct pace *pace);

/** pace_rate - thousandths of items a second; 0: not known, or none. */
uint64_t pace_rate(const struct pace *pace, uint64_t now_ms);

#endif
