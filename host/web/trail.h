/* SPDX-License-Identifier: Apache-2.0 */
/* trail.h - which requests are written into the audit. Pure but for its key and its lock: the time
 * is handed in. Any thread.
 *
 *     what changes something   always, done or failed
 *     what shows a message     once in TRAIL_AGAIN_MS for the same user, message and way: downloads
 *                              come in parts, a page looks again. TRAIL_TOGETHER of these are
 *                              never written twice for want of room, of more hardly any
 *     what is refused          (401, 403, 429, and all that a stranger fails at) TRAIL_EACH in a
 *                              minute for each who asks, and of all strangers together
 *                              TRAIL_STRANGERS an hour: a flood of them must not drive out what was
 *                              done, of which so many lines are kept. How many were left out is
 *                              told with the next that is not
 *
 * A list shows no message. Who shows nothing at all and only looks is told nothing, and not written
 * down: so does every page before somebody signs in. */
#ifndef MAILCHUTE_HOST_WEB_TRAIL_H
#define MAILCHUTE_HOST_WEB_TRAIL_H

#include <stdbool.h>

#include "cleanup.h"
#include "queue-access.h"

#define TRAIL_AGAIN_MS 300000u
#define TRAIL_TOGETHER 8u
#define TRAIL_EACH 20u
#define TRAIL_STRANGERS 600u

enum trail_kind {
    TRAIL_LOOKED,  /* nothing changed, no message was shown */
    TRAIL_SHOWN,   /* a message was */
    TRAIL_CHANGED, /* something was to change */
};

struct trail;

int trail_new(struct trail **out_trail, struct error *err); /* after pass_start() */
void trail_free(struct trail *trail);                       /* NULL is fine */
AUTO_DEFINE(trail, trail_free);

/** trail_wants - whether @line is to be written. @shown: whoever asks showed something to prove who
 * he is. *out_left_out: refusals that nobody was told of since the last that was written; they are
 * forgotten with that. */
bool trail_wants(struct trail *trail, const struct queue_audit *line, enum trail_kind kind,
                 bool shown, uint64_t now_ms, uint64_t *out_left_out);

#endif
