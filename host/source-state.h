/* SPDX-License-Identifier: Apache-2.0 */
/* source-state.h - how a source is: one state, one table of allowed moves, one setter. Pure.
 *
 *                 start              drained
 *     PENDING ──────────> IMPORTING ──────────> ACTIVE <─┐ start, drained, failed for a while
 *        │                 │  ^  │               │ ^ └───┘
 *        │                 │  │  └──failed,──┐   │ │
 *        │                 │  └──start────┐  v   v │ drained
 *        │                 │            ERROR <──┘ ┘           ERROR, HELD: a person must act.
 *        │      pause      v                ^                  ERROR is tried again, slowly;
 *        └────────────> PAUSED <────────────┘                  HELD is not.
 *                          └── resume: ──> PENDING (never drained yet), else ACTIVE
 *
 * From anywhere: pause -> PAUSED, hold -> HELD. resume leads from HELD as it does from PAUSED, and
 * so does edited from ERROR: what was wrong may be right now. A source that was paused and resumed
 * while it was at work is PENDING until that work ends, well (ACTIVE) or badly (ERROR). What lies
 * beneath a status stands in detail: an ACTIVE source that lost its link is `degraded`, not an
 * error, as it will mend itself, and so is one of whose folders some cannot be picked up from while
 * the others are, or some of whose mail cannot be moved; one that the server asks to slow down is
 * `throttled`. A source is `idle` only as long as contact is proven: the server has answered lately.
 * Evidence decides, never intent.
 *
 * Times are handed in: seconds since 1970 UTC to show, monotonic milliseconds to wait. */
#ifndef MAILCHUTE_HOST_SOURCE_STATE_H
#define MAILCHUTE_HOST_SOURCE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "retry.h"

enum source_status {
    SOURCE_PENDING,
    SOURCE_IMPORTING,
    SOURCE_ACTIVE,
    SOURCE_PAUSED,
    SOURCE_ERROR,
    SOURCE_HELD,
    SOURCE_STATUSES
};

enum source_detail {
    SOURCE_NO_DETAIL,
    SOURCE_IDLE,      /* waits for new mail; contact is proven */
    SOURCE_SYNCING,   /* at work */
    SOURCE_THROTTLED, /* the server asked to wait until next_try */
    SOURCE_DEGRADED,  /* out of contact, tries again by itself at next_try; or a part is left out */
    SOURCE_DETAILS
};

const char *source_status_name(enum source_status status); /* "pending" ...; static */
const char *source_detail_name(enum source_detail detail); /* NULL for SOURCE_NO_DETAIL; static */
enum source_status source_status_from_name(const char *name); /* SOURCE_PENDING for others, NULL */

struct source_now {
    int64_t unix_s;
    uint64_t monotonic_ms;
};

struct source_state {
    enum source_status status;
    enum source_detail detail;
    bool imported;        /* was drained once: what was there at the start is queued */
    bool waits;           /* for mail, in contact: idle, or degraded because a part is left out */
    int64_t since_s;      /* of the status */
    int64_t contact_s;    /* the server last proved to be there, 0 = never */
    uint64_t contact_ms;  /* the same to wait for: the clock on the wall may be set */
    int64_t success_s;    /* all was picked up */
    int64_t import_started_s, import_ended_s;
    int64_t next_try_s;   /* shown; 0 = none is planned */
    uint64_t next_try_ms; /* the same to wait for */
    struct retry_history history;
    char message[ERROR_TEXT_MAX];           /* why; "" = nothing to tell */
    char last_message[ERROR_TEXT_MAX + 16]; /* "OK; 3 items.", "Error: ..."; "" = none yet */
};

/** source_state_init - @paused as the settings say; @imported_s: when an earlier run was drained
 * first, 0 never. */
void source_state_init(struct source_state *state, bool paused, int64_t import_started_s,
                       int64_t import_ended_s, struct source_now now);

/** source_state_start - it is about to be worked on. False when that is not allowed now. */
bool source_state_start(struct source_state *state, struct source_now now);

/** source_state_contact - the server has answered just now; @progress: with messages that were
 * picked up. */
void source_state_contact(struct source_state *state, bool progress, struct source_now now);

/** source_state_drained - nothing is left to pick up; @items were since the last time. @trouble: a
 * part of the source could not be picked up from, and this is why (degraded); NULL: all could. */
void source_state_drained(struct source_state *state, uint64_t items, const char *trouble,
                          struct source_now now);

/** source_state_failed - as retry.h says; a mailbox that the loader holds (ERROR_HELD): HELD. */
void source_state_failed(struct source_state *state, const struct retry_limits *limits,
                         const struct error *err, uint32_t random, struct source_now now);

/** source_state_is_silent - it waits for mail and nothing was heard for longer than @limit_ms. */
bool source_state_is_silent(const struct source_state *state, uint64_t limit_ms,
                            struct source_now now);

/** source_state_silent - no answer since contact_s although there should have been one. */
void source_state_silent(struct source_state *state, struct source_now now);

/** source_state_tells - its message is @text, but for numbers: a try that fails after 12 ms failed
 * as the one after 5 ms did. */
bool source_state_tells(const struct source_state *state, const char *text);

void source_state_pause(struct source_state *state, struct source_now now);
void source_state_resume(struct source_state *state, struct source_now now); /* from PAUSED, HELD */
void source_state_hold(struct source_state *state, const char *why, struct source_now now);

/** source_state_edited - its settings changed: what was wrong may be right now. */
void source_state_edited(struct source_state *state, struct source_now now);

#endif
