/* SPDX-License-Identifier: Apache-2.0 */
/* serve-turn.c - who is given to a worker, and what the end of a turn means. See serve-private.h.
 *
 *     RESTING ──deadline, edit, resume──> READY ──a worker is free──> WORKING ──drained──> WAITING
 *        ^                                  ^                          │   │                  │
 *        └──────── failed, closed ──────────│──────────────────────────┘   │                  │
 *                                           └──share used up, again────────┴──news, deadline──┘ */
#include <config.h>
#include "serve-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "text.h"

/* ---- Polling --------------------------------------------------------------------------------- */

/* Ours is a duplicate of nothing: the loader closes it, so it leaves the set before the loader
 * may. */
static void served_unpoll(struct serve *serve, struct served *served)
{
    if (served->polled_fd >= 0)
        (void)epoll_ctl(serve->epoll_fd, EPOLL_CTL_DEL, served->polled_fd, NULL);
    served->polled_fd = -1;
}

static void served_poll(struct serve *serve, struct served *served)
{
    const struct unit_turn *turn = &served->unit->turn;
    struct epoll_event event = {.events = turn->wait_events & (EPOLLIN | EPOLLOUT | EPOLLPRI),
                                .data = {.ptr = served}};
    served->wait_until_ms = serve_ms(serve) + turn->wait_ms;
    served->phase = SERVED_WAITING;
    if (turn->wait_fd >= 0 &&
        epoll_ctl(serve->epoll_fd, EPOLL_CTL_ADD, turn->wait_fd, &event) == 0)
        served->polled_fd = turn->wait_fd;
    else if (turn->wait_fd >= 0) /* then the time alone is waited for */
        log_warning(serve->options.log, "source '%s' cannot be polled: %s",
                    served->unit->source->name, strerror(errno));
}

/* ---- Wanting a turn -------------------------------------------------------------------------- */

static void serve_list(struct serve *serve, struct served *served)
{
    served->phase = SERVED_READY;
    served->next_ready = NULL;
    *serve->ready_last = served;
    serve->ready_last = &served->next_ready;
}

void serve_ready(struct serve *serve, struct served *served)
{
    switch (served->phase) {
    case SERVED_READY:
        return;
    case SERVED_WORKING:
        served->again = true;
        return;
    case SERVED_WAITING:
        served_unpoll(serve, served);
        break;
    case SERVED_RESTING:
        break;
    }
    serve_list(serve, served);
}

/* A turn that only closes is a turn too: a worker says good-bye to the server. */
void serve_halt(struct serve *serve, struct served *served)
{
    atomic_store(&served->unit->stop, true);
    if (served->phase != SERVED_WORKING && served->unit->handle != NULL)
        serve_ready(serve, served);
}

void serve_sync(struct serve *serve, struct served *served)
{
    if (served->phase == SERVED_WORKING)
        atomic_store(&served->unit->stop, true);
    else
        served->unit->close_first = true; /* nobody else has it now */
    serve_ready(serve, served);
}

void serve_polled(struct serve *serve, struct served *served)
{
    if (served->phase == SERVED_WAITING)
        serve_ready(serve, served);
}

/* ---- Giving out ------------------------------------------------------------------------------ */

static bool served_only_closes(const struct served *served)
{
    return atomic_load(&served->unit->stop);
}

static bool served_logs_in(const struct served *served)
{
    return served->unit->handle == NULL || served->unit->close_first;
}

/* A server may have all workers but a quarter, for the others' sake, and few log-ins at once. */
static bool serve_may_start(const struct serve *serve, const struct served *served)
{
    uint64_t workers = serve->options.settings->workers;
    const struct serve_host *host = served->host;
    if (served_only_closes(served) || host == NULL)
        return true;
    if (host->running >= workers - workers / 4)
        return false;
    return !served_logs_in(served) || host->is_local ||
           host->logins < serve->options.settings->logins_per_host;
}

/* Out of the list, which *at points into. */
static void serve_unlist(struct serve *serve, struct served **at)
{
    struct served *served = *at;
    *at = served->next_ready;
    if (serve->ready_last == &served->next_ready)
        serve->ready_last = at;
    served->next_ready = NULL;
}

static void served_run(struct workers_job *job, struct unit_worker *worker)
{
    struct served *served = job->context;
    if (worker != NULL) {
        unit_turn(served->unit, worker);
        return;
    }
    unit_close(served->unit);
    served->unit->turn = (struct unit_turn){.end = UNIT_FAILED, .wait_fd = -1};
    error_set(&served->unit->turn.err, ERROR_STORE, "the queue cannot be opened; see the log");
    unit_blame_descriptors(&served->unit->turn.err);
}

/* Nothing to do for it: paused or removed, and nothing open. */
static bool served_has_nothing(const struct served *served)
{
    return served_only_closes(served) && served->unit->handle == NULL;
}

static void serve_rest(struct served *served)
{
    served->phase = SERVED_RESTING;
    if (!served->gone)
        atomic_store(&served->unit->stop, false);
}

static int serve_start(struct serve *serve, struct served *served)
{
    struct error err;
    if (!served_only_closes(served) && !source_state_start(&served->state, serve_now(serve))) {
        serve_rest(served);
        return 0;
    }
    served->job = (struct workers_job){.run = served_run, .context = served};
    unit_set_log(served->unit, serve->options.log); /* a reload may change that one meanwhile */
    served->unit->guarded =
        served->unit->source->guarded && serve->options.settings->private_hosts == 0;
    served->logs_in = !served_only_closes(served) && served_logs_in(served);
    if (workers_give(serve->workers, &served->job, &err) < 0) {
        log_error(serve->options.log, &err);
        serve_list(serve, served);
        return -1;
    }
    served->phase = SERVED_WORKING;
    served->turn_since_ms = serve_ms(serve);
    pace_begin(&served->pace, served->turn_since_ms);
    served->again = false;
    serve->working++;
    if (served->host != NULL) {
        served->host->running++;
        served->host->logins += served->logs_in;
    }
    served_changed(served);
    return 0;
}

unsigned serve_threads_most(const struct serve *serve)
{
    return 2 * (unsigned)serve->options.settings->workers;
}

/* A turn ends behind the batch of its second: one that goes on for much longer waits for a server.
 * Others are not to wait with it, so a thread more works meanwhile, up to twice as many. */
static unsigned serve_turns_most(const struct serve *serve)
{
    unsigned most = (unsigned)serve->options.settings->workers;
    return most + (serve->stalled < most ? serve->stalled : most);
}

void serve_dispatch(struct serve *serve)
{
    unsigned most = serve_turns_most(serve);
    struct served **at = &serve->ready_first;
    while (*at != NULL && serve->working < most) {
        struct served *served = *at;
        serve_take_fresh(serve, served);
        if (!serve_may_start(serve, served)) {
            at = &served->next_ready;
            continue;
        }
        serve_unlist(serve, at);
        if (served_has_nothing(served))
            serve_rest(served);
        else if (serve_start(serve, served) < 0)
            return;
    }
}

/* ---- The end of a turn ----------------------------------------------------------------------- */

static void served_count(struct serve *serve, struct served *served)
{
    struct unit_turn *turn = &served->unit->turn;
    served->turns++;
    served->logins += turn->logged_in;
    served->items += turn->items;
    served->pass_items += turn->items;
    served->left = atomic_load(&served->unit->left);
    if (turn->cursor != NULL) {
        free(served->cursor);
        served->cursor = TAKE(turn->cursor);
    }
    pace_count(&served->pace, turn->items, serve_ms(serve));
    if (turn->end != UNIT_SHARE_USED)
        pace_end(&served->pace);
}

/* The loader's reason tells of pickup, which knows neither the source's password nor its queue. */
static void served_tell_release(const struct served *served, struct error *err)
{
    struct error why = *err;
    if (err->class == ERROR_HELD)
        error_set(err, ERROR_HELD, "%.400s; of this source: mailchute source resume '%.64s' "
                  "--accept-new-uids", why.text, served->unit->source->name);
}

static void served_failed(struct serve *serve, struct served *served)
{
    struct error *err = &served->unit->turn.err;
    served_tell_release(served, err);
    struct log log = *serve->options.log;
    enum source_status before = served->state.status;
    bool told = source_state_tells(&served->state, err->text); /* once is enough */
    log.source = served->unit->source->name;
    source_state_failed(&served->state, &serve->limits, err, arc4random(), serve_now(serve));
    served->failures++;
    if (served->state.status == SOURCE_ERROR && before != SOURCE_ERROR)
        log_error(&log, err);
    else
        log_event(&log, told ? LOADER_LOG_DEBUG : LOADER_LOG_WARNING, err->text);
    served->phase = SERVED_RESTING;
}

/* Of a part of the source, NULL: none is in trouble. */
static const char *served_trouble(const struct served *served)
{
    const struct host_table *table = &served->unit->table;
    if (table->trouble_class == ERROR_NONE)
        return NULL;
    return table->trouble != NULL ? table->trouble : "a part of it was not picked up from";
}

static void served_drained(struct serve *serve, struct served *served)
{
    bool imported = served->state.imported;
    source_state_drained(&served->state, served->pass_items, served_trouble(served),
                         serve_now(serve));
    if (!imported || served->pass_items > 0) {
        struct log log = *serve->options.log;
        log.source = served->unit->source->name;
        log_info(&log, "%s%s", served->state.last_message, imported ? "" : " All is imported.");
    }
    served->pass_items = 0;
    served_poll(serve, served);
    if (served->again)
        serve_ready(serve, served);
}

/* It was stopped: for good, for a pause, or to go on with other settings. */
static void served_closed(struct serve *serve, struct served *served)
{
    serve_rest(served);
    if (served->state.status != SOURCE_PAUSED && served->state.status != SOURCE_HELD &&
        !served->gone && !serve->stopping)
        serve_ready(serve, served);
}

/* Those that deliver what is in the work queue of this one, which has stored something. */
static void serve_wake_deliverers(struct serve *serve, const struct served *served)
{
    for (size_t i = 0; i < serve->count; i++) {
        struct served *other = serve->items[i];
        const char *queue = other->unit->source->queue;
        if (other->unit->delivers && text_equal(queue, served->unit->source->queue) &&
            (other->phase == SERVED_WAITING || other->phase == SERVED_WORKING))
            serve_ready(serve, other);
    }
}

void serve_turn_ended(struct serve *serve, struct served *served)
{
    const struct unit_turn *turn = &served->unit->turn;
    serve->working--;
    serve->turns++;
    if (served->host != NULL) {
        served->host->running--;
        served->host->logins -= served->logs_in;
    }
    served_count(serve, served);
    if (turn->items > 0 && !served->unit->delivers && serve->deliverers > 0)
        serve_wake_deliverers(serve, served);
    served->phase = SERVED_RESTING;
    serve_take_fresh(serve, served);
    /* One that was stopped, or has other settings by now, failed by what is gone. */
    bool failed = turn->end == UNIT_FAILED && !atomic_load(&served->unit->stop);
    if (turn->contact)
        source_state_contact(&served->state, turn->items > 0, serve_now(serve));
    if (failed)
        served_failed(serve, served);
    else if (turn->end == UNIT_DRAINED)
        served_drained(serve, served);
    else if (turn->end == UNIT_SHARE_USED)
        serve_ready(serve, served);
    else
        served_closed(serve, served);
    /* Stopped, paused or edited while it ended by itself: what is open goes. One that failed rests,
     * whatever it was wanted for meanwhile: who arrives in its work queue does not shorten that. */
    if (atomic_load(&served->unit->stop))
        serve_halt(serve, served);
    served_changed(served);
}

/* ---- Time ------------------------------------------------------------------------------------ */

/* One whose turn has not come yet is too: a server that is a black hole has all its sources want
 * one, and few get it. */
static bool served_is_silent(const struct serve *serve, const struct served *served)
{
    uint64_t limit_ms =
        serve->options.settings->silence_ms + served->unit->source->interval_s * 1000;
    return (served->phase == SERVED_WAITING || served->phase == SERVED_READY) &&
           source_state_is_silent(&served->state, limit_ms, serve_now(serve));
}

/* A turn takes as long as a server likes. */
static void served_look(struct served *served)
{
    uint64_t left = atomic_load(&served->unit->left);
    if (left == served->left)
        return;
    served->left = left;
    served_changed(served);
}

void serve_deadlines(struct serve *serve)
{
    uint64_t now_ms = serve_ms(serve);
    serve->stalled = serve->deliverers = 0;
    for (size_t i = 0; i < serve->count; i++) {
        struct served *served = serve->items[i];
        serve->deliverers += served->unit->delivers;
        serve->stalled += served->phase == SERVED_WORKING &&
                          now_ms - served->turn_since_ms > SERVE_STALLED_MS;
        bool may_work = served->state.status != SOURCE_PAUSED &&
                        served->state.status != SOURCE_HELD && !served->gone;
        if (served->phase == SERVED_WORKING)
            served_look(served);
        if (served_is_silent(serve, served)) {
            source_state_silent(&served->state, serve_now(serve));
            served_changed(served);
            serve_sync(serve, served);
        } else if ((served->phase == SERVED_WAITING && now_ms >= served->wait_until_ms) ||
                   (served->phase == SERVED_RESTING && may_work &&
                    now_ms >= served->state.next_try_ms)) {
            serve_ready(serve, served);
        }
    }
}
