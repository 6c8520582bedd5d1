/* SPDX-License-Identifier: Apache-2.0 */
/* serve-report.c - how the sources are, written into the queue. See serve-private.h.
 *
 * All that changed goes into one transaction a second at most, by a worker: this thread would wait
 * for whoever is writing to the queue. */
#include <config.h>
#include "serve-private.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

void served_changed(struct served *served)
{
    served->dirty = served->urgent = true;
}

static void report_done(struct queue_source_report *report)
{
    free(report->status);
    free(report->detail);
    free(report->status_message);
    free(report->last_message);
    free(report->cursor);
}

static void tell_clear(struct serve_tell *tell)
{
    for (size_t i = 0; i < tell->count; i++)
        report_done(&tell->reports[i]);
    free(TAKE(tell->reports));
    tell->count = 0;
}

/* NULL for an empty text, and out of memory: then it is not told this time. */
static char *report_text(const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : strdup(text);
}

static void report_fill(const struct serve *serve, const struct served *served,
                        struct queue_source_report *out)
{
    const struct source_state *state = &served->state;
    bool rests = serve->stopping && state->status != SOURCE_PAUSED &&
                 state->status != SOURCE_ERROR && state->status != SOURCE_HELD;
    /* analyse: report_done() frees what is handed over here */
    *out = (struct queue_source_report){
        .status = strdup(source_status_name(state->status)),
        .detail = rests ? NULL : report_text(source_detail_name(state->detail)),
        .status_message = report_text(rests ? "mailchute serve was stopped" : state->message),
        .last_message = report_text(state->last_message),
        .cursor = report_text(served->cursor),
        .status_since_s = state->since_s,
        .last_contact_s = state->contact_s,
        .last_success_s = state->success_s,
        .next_try_s = rests ? 0 : state->next_try_s,
        .import_started_s = state->import_started_s,
        .import_ended_s = state->import_ended_s,
        .left = served->left,
        .failures = state->history.failures,
        .rate_milli = pace_rate(&served->pace, serve_ms(serve)),
    };
    text_copy(out->id, sizeof out->id, served->unit->source->id);
}

static bool served_is_due(const struct serve *serve, const struct served *served)
{
    return !served->gone && served->dirty &&
           (served->urgent || serve->stopping ||
            serve_ms(serve) - served->told_ms >= SERVE_CONTACT_MS);
}

/* The reports that are due, in serve->tell; 0 for none, and out of memory. */
static size_t tell_collect(struct serve *serve)
{
    struct serve_tell *tell = &serve->tell;
    tell->reports = calloc(serve->count + 1, sizeof *tell->reports);
    for (size_t i = 0; tell->reports != NULL && i < serve->count; i++) {
        struct served *served = serve->items[i];
        if (!served_is_due(serve, served))
            continue;
        report_fill(serve, served, &tell->reports[tell->count]);
        if (tell->reports[tell->count].status == NULL) {
            report_done(&tell->reports[tell->count]);
            continue;
        }
        tell->count++;
        served->dirty = served->urgent = false;
        served->told_ms = serve_ms(serve);
    }
    if (tell->count == 0)
        tell_clear(tell);
    return tell->count;
}

static void tell_run(struct workers_job *job, struct unit_worker *worker)
{
    struct serve_tell *tell = job->context;
    tell->failed = worker == NULL || queue_source_tell(worker->queue, tell->reports, tell->count,
                                                       &tell->err) < 0;
    if (worker == NULL)
        error_set(&tell->err, ERROR_STORE, "the queue cannot be opened");
}

void serve_tell(struct serve *serve)
{
    struct serve_tell *tell = &serve->tell;
    struct error err;
    uint64_t now_ms = serve_ms(serve);
    if (tell->in_flight || now_ms < serve->tell_ms || tell_collect(serve) == 0)
        return;
    serve->tell_ms = now_ms + SERVE_REPORT_MS;
    tell->job = (struct workers_job){.run = tell_run, .context = tell};
    tell->in_flight = workers_give(serve->workers, &tell->job, &err) == 0;
    if (!tell->in_flight)
        tell_clear(tell);
}

void serve_tell_ended(struct serve *serve)
{
    struct serve_tell *tell = &serve->tell;
    tell->in_flight = false;
    if (tell->failed && !serve->queue_fails)
        log_error(serve->options.log, &tell->err);
    serve->queue_fails = tell->failed;
    for (size_t i = 0; tell->failed && !serve->stopping && i < serve->count; i++)
        serve->items[i]->dirty = true;
    tell_clear(tell);
}
