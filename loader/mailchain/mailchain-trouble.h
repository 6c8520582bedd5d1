/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-trouble.h - networks and addresses that failed, and when they are asked again. Pure.
 *
 * A place that fails rests for one poll, then two, four, ... up to MAILCHAIN_REST_MAX_MS, and at
 * least for as long as the client asks; one that answers is forgotten. Times are monotonic
 * milliseconds. Zeroed troubles are none. */
#ifndef MAILCHUTE_LOADER_MAILCHAIN_TROUBLE_H
#define MAILCHUTE_LOADER_MAILCHAIN_TROUBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAILCHAIN_REST_MAX_MS 3600000u

struct mailchain_troubles {
    struct mailchain_trouble *items;
    size_t count;
};
void mailchain_troubles_done(struct mailchain_troubles *troubles);

/** mailchain_trouble_rests - it failed before, and its time has not come. */
bool mailchain_trouble_rests(const struct mailchain_troubles *troubles, const char *where,
                             uint64_t now_ms);

/** mailchain_trouble_failed - it failed (again). @asked_ms: how long the client asks to be left
 * alone, 0: it does not. -1: out of memory. */
int mailchain_trouble_failed(struct mailchain_troubles *troubles, const char *where,
                             uint64_t now_ms, uint64_t poll_ms, uint64_t asked_ms);

void mailchain_trouble_over(struct mailchain_troubles *troubles, const char *where);

#endif
