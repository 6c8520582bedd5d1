/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - one line on the terminal that tells how far a pick-up has come; nothing at all where
 * standard error is no terminal.
 *
 *     [##########..........] 512 of 1,000 (12.3 MB), 204/s, 2 s left */
#ifndef MAILCHUTE_HOST_PROGRESS_H
#define MAILCHUTE_HOST_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"
#include "clock.h"

#define PROGRESS_REDRAW_MS 100u

struct progress {
    const struct clock *clock;
    int fd; /* borrowed; -1: show nothing */
    bool shown;
    uint64_t started_ms, drawn_ms;
    uint64_t done, total, bytes; /* total 0: not known */
};

void progress_init(struct progress *progress, const struct clock *clock, int fd);
void progress_total(struct progress *progress, uint64_t total);
void progress_done(struct progress *progress, uint64_t done, uint64_t bytes); /* so far */
void progress_hide(struct progress *progress); /* take it from the screen until the next change */

/** progress_append - the line itself for @columns columns at @now_ms. Pure. */
int progress_append(struct buffer *out, const struct progress *progress, uint64_t now_ms,
                    size_t columns);

#endif
