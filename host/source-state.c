/* SPDX-License-Identifier: Apache-2.0 */
/* source-state.c - how a source is. See source-state.h. */
#include <config.h>
#include "source-state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

static const char *const status_names[SOURCE_STATUSES] = {
    [SOURCE_PENDING] = "pending", [SOURCE_IMPORTING] = "importing", [SOURCE_ACTIVE] = "active",
    [SOURCE_PAUSED] = "paused",   [SOURCE_ERROR] = "error",         [SOURCE_HELD] = "held"};

static const char *const detail_names[SOURCE_DETAILS] = {
    [SOURCE_IDLE] = "idle",
    [SOURCE_SYNCING] = "syncing",
    [SOURCE_THROTTLED] = "throttled",
    [SOURCE_DEGRADED] = "degraded"};

const char *source_status_name(enum source_status status)
{
    return status_names[status];
}

const char *source_detail_name(enum source_detail detail)
{
    return detail_names[detail];
}

enum source_status source_status_from_name(const char *name)
{
    for (unsigned i = 0; i < SOURCE_STATUSES; i++)
        if (text_equal(name, status_names[i]))
            return (enum source_status)i;
    return SOURCE_PENDING;
}

/* ---- The setter ------------------------------------------------------------------------------ */

#define TO(status) (1u << (status))
#define ANYWHERE (TO(SOURCE_PAUSED) | TO(SOURCE_HELD) | TO(SOURCE_ERROR))
static const uint8_t status_moves[SOURCE_STATUSES] = {
    [SOURCE_PENDING] = TO(SOURCE_PENDING) | TO(SOURCE_IMPORTING) | ANYWHERE,
    [SOURCE_IMPORTING] = TO(SOURCE_IMPORTING) | TO(SOURCE_ACTIVE) | ANYWHERE,
    [SOURCE_ACTIVE] = TO(SOURCE_ACTIVE) | ANYWHERE,
    [SOURCE_PAUSED] = TO(SOURCE_PAUSED) | TO(SOURCE_PENDING) | TO(SOURCE_ACTIVE) | TO(SOURCE_HELD),
    [SOURCE_ERROR] = TO(SOURCE_PENDING) | TO(SOURCE_IMPORTING) | TO(SOURCE_ACTIVE) | ANYWHERE,
    [SOURCE_HELD] = TO(SOURCE_HELD) | TO(SOURCE_PENDING) | TO(SOURCE_ACTIVE) | TO(SOURCE_PAUSED),
};

/* The only place that writes status, detail and message; @message may not be the state's own. */
static void state_enter(struct source_state *state, enum source_status status,
                        enum source_detail detail, const char *message, struct source_now now)
{
    assert((status_moves[state->status] & TO(status)) != 0);
    assert(status != SOURCE_ACTIVE || state->imported);
    if (status != state->status || state->since_s == 0) /* 0: just made */
        state->since_s = now.unix_s;
    state->status = status;
    state->detail = detail;
    state->waits = false; /* but behind source_state_drained() */
    text_copy(state->message, sizeof state->message, message);
}

/* ---- Time ------------------------------------------------------------------------------------ */

static void state_try_after(struct source_state *state, uint64_t wait_ms, struct source_now now)
{
    state->next_try_ms = now.monotonic_ms + wait_ms;
    state->next_try_s = now.unix_s + (int64_t)((wait_ms + 999) / 1000);
}

static void state_try_now(struct source_state *state, struct source_now now)
{
    state->next_try_ms = now.monotonic_ms;
    state->next_try_s = 0;
}

static bool state_may_work(const struct source_state *state)
{
    return state->status != SOURCE_PAUSED && state->status != SOURCE_HELD;
}

/* Where a source goes on that is neither paused nor held any more. */
static enum source_status state_ready(const struct source_state *state)
{
    return state->imported ? SOURCE_ACTIVE : SOURCE_PENDING;
}

/* ---- Events ---------------------------------------------------------------------------------- */

void source_state_init(struct source_state *state, bool paused, int64_t import_started_s,
                       int64_t import_ended_s, struct source_now now)
{
    *state = (struct source_state){.status = SOURCE_PENDING,
                                   .imported = import_ended_s != 0,
                                   .import_started_s = import_started_s,
                                   .import_ended_s = import_ended_s};
    if (state->imported)
        state->status = SOURCE_ACTIVE; /* where it was: no move */
    state_enter(state, paused ? SOURCE_PAUSED : state->status,
                paused || !state->imported ? SOURCE_NO_DETAIL : SOURCE_DEGRADED,
                paused ? "" : "not connected yet", now);
    state_try_now(state, now);
}

bool source_state_start(struct source_state *state, struct source_now now)
{
    if (!state_may_work(state))
        return false;
    if (!state->imported && state->import_started_s == 0)
        state->import_started_s = now.unix_s;
    /* After a failure all stays as it was told, until the server proves otherwise. */
    if (state->history.failures == 0)
        state_enter(state, state->imported ? SOURCE_ACTIVE : SOURCE_IMPORTING, SOURCE_SYNCING, "",
                    now);
    state->next_try_s = 0;
    return true;
}

void source_state_contact(struct source_state *state, bool progress, struct source_now now)
{
    state->contact_s = now.unix_s;
    state->contact_ms = now.monotonic_ms;
    if (!state_may_work(state))
        return;
    if (state->status == SOURCE_ERROR || state->history.failures > 0)
        state_enter(state, state->imported ? SOURCE_ACTIVE : SOURCE_IMPORTING, SOURCE_SYNCING, "",
                    now);
    retry_well(&state->history, progress, now.monotonic_ms);
}

void source_state_drained(struct source_state *state, uint64_t items, const char *trouble,
                          struct source_now now)
{
    source_state_contact(state, items > 0, now);
    state->success_s = now.unix_s;
    if (!state->imported)
        state->import_ended_s = now.unix_s;
    state->imported = true;
    (void)snprintf(state->last_message, sizeof state->last_message, "OK; %" PRIu64 " items.",
                   items);
    if (!state_may_work(state))
        return; /* paused while it ended */
    if (state->status == SOURCE_PENDING) /* paused and resumed while it was at work */
        state_enter(state, SOURCE_IMPORTING, SOURCE_SYNCING, "", now);
    state_enter(state, SOURCE_ACTIVE, trouble != NULL ? SOURCE_DEGRADED : SOURCE_IDLE,
                trouble != NULL ? trouble : "", now);
    state->waits = true;
    state->next_try_s = 0;
}

void source_state_hold(struct source_state *state, const char *why, struct source_now now)
{
    state_enter(state, SOURCE_HELD, SOURCE_NO_DETAIL, why, now);
    state->next_try_s = 0;
}

void source_state_failed(struct source_state *state, const struct retry_limits *limits,
                         const struct error *err, uint32_t random, struct source_now now)
{
    if (!state_may_work(state))
        return;
    (void)snprintf(state->last_message, sizeof state->last_message, "Error: %s", err->text);
    if (err->class == ERROR_HELD) {
        source_state_hold(state, err->text, now);
        return;
    }
    struct retry_plan plan = retry_failed(&state->history, limits, err, random, now.monotonic_ms);
    enum source_status ready = state->imported                    ? SOURCE_ACTIVE
                               : state->status == SOURCE_PENDING ? SOURCE_PENDING
                                                                 : SOURCE_IMPORTING;
    if (plan.kind == RETRY_PERSON || state->status == SOURCE_ERROR) /* not proven to be mended */
        state_enter(state, SOURCE_ERROR, SOURCE_NO_DETAIL, err->text, now);
    else
        state_enter(state, ready,
                    plan.kind == RETRY_THROTTLED ? SOURCE_THROTTLED : SOURCE_DEGRADED, err->text,
                    now);
    state_try_after(state, plan.wait_ms, now);
}

bool source_state_is_silent(const struct source_state *state, uint64_t limit_ms,
                            struct source_now now)
{
    return state->waits && now.monotonic_ms - state->contact_ms > limit_ms;
}

void source_state_silent(struct source_state *state, struct source_now now)
{
    if (!state->waits)
        return;
    state->history.failures++; /* so that it stays told until the server answers */
    state_enter(state, SOURCE_ACTIVE, SOURCE_DEGRADED,
                "the server has not answered for longer than it should; trying to reach it", now);
}

bool source_state_tells(const struct source_state *state, const char *text)
{
    return text_equal_but_numbers(state->message, text);
}

void source_state_pause(struct source_state *state, struct source_now now)
{
    state_enter(state, SOURCE_PAUSED, SOURCE_NO_DETAIL, "", now);
    state->next_try_s = 0;
}

void source_state_resume(struct source_state *state, struct source_now now)
{
    if (state_may_work(state))
        return;
    state->history = (struct retry_history){0};
    state_enter(state, state_ready(state),
                state->imported ? SOURCE_DEGRADED : SOURCE_NO_DETAIL, "not connected yet", now);
    state_try_now(state, now);
}

void source_state_edited(struct source_state *state, struct source_now now)
{
    state->history = (struct retry_history){0};
    if (!state_may_work(state))
        return;
    if (state->status == SOURCE_ERROR)
        state_enter(state, state_ready(state),
                    state->imported ? SOURCE_DEGRADED : SOURCE_NO_DETAIL, "not connected yet",
                    now);
    state_try_now(state, now);
}
