/* SPDX-License-Identifier: Apache-2.0 */
/* source-json.c - a stored source as programs read it. See source-json.h. */
#include <config.h>
#include "source-json.h"

#include "clock.h"
#include "json-line.h"
#include "source-state.h"
#include "text.h"

const char *source_status_shown(const struct queue_source *source)
{
    const char *paused = source_status_name(SOURCE_PAUSED);
    if (source->paused)
        return paused;
    if (source->report.status == NULL || text_equal(source->report.status, paused))
        return source->report.import_ended_s != 0 ? source_status_name(SOURCE_ACTIVE)
                                                  : source_status_name(SOURCE_PENDING);
    return source->report.status;
}

/* What was told of a status that has passed since is not shown. */
static bool source_told(const struct queue_source *source)
{
    return text_equal(source_status_shown(source), source->report.status);
}

const char *source_detail_shown(const struct queue_source *source, bool served)
{
    return served && source_told(source) ? source->report.detail : NULL;
}

const char *source_message_shown(const struct queue_source *source, bool served)
{
    enum source_status status = source_status_from_name(source_status_shown(source));
    bool lasts = status == SOURCE_PAUSED || status == SOURCE_ERROR || status == SOURCE_HELD;
    if (served || lasts)
        return source_told(source) ? source->report.status_message : NULL;
    return "mailchute serve does not run";
}

uint64_t source_rate_shown(const struct queue_source *source, bool served)
{
    return text_equal(source_status_shown(source), source_status_name(SOURCE_IMPORTING)) &&
                   text_equal(source_detail_shown(source, served),
                              source_detail_name(SOURCE_SYNCING))
               ? source->report.rate_milli
               : 0;
}

uint64_t source_seconds_left(const struct queue_source *source, uint64_t rate_milli)
{
    return (source->report.left * 1000 + rate_milli - 1) / rate_milli;
}

static json_t *source_time(int64_t unix_s)
{
    char text[CLOCK_RFC3339_MAX];
    if (unix_s == 0)
        return json_null();
    clock_rfc3339(unix_s, 0, text);
    return json_line_text(text);
}

static json_t *source_counts(const struct queue_source *source)
{
    const struct queue_source_report *told = &source->report;
    json_t *counts = json_object();
    if (json_line_set(counts, "found",
                      json_line_size(source->queued + source->bad + told->left)) < 0 ||
        json_line_set(counts, "queued", json_line_size(source->queued)) < 0 ||
        json_line_set(counts, "bad", json_line_size(source->bad)) < 0 ||
        json_line_set(counts, "left", json_line_size(told->left)) < 0) {
        json_decref(counts);
        return NULL;
    }
    return counts;
}

static json_t *source_import(const struct queue_source *source, bool served)
{
    const struct queue_source_report *told = &source->report;
    uint64_t rate = source_rate_shown(source, served);
    json_t *import = json_object();
    if (json_line_set(import, "started", source_time(told->import_started_s)) < 0 ||
        json_line_set(import, "ended", source_time(told->import_ended_s)) < 0 ||
        json_line_set(import, "cursor", json_line_text(told->cursor)) < 0 ||
        json_line_set(import, "rate",
                      rate > 0 ? json_real((double)rate / 1000) : json_null()) < 0 ||
        json_line_set(import, "seconds_left",
                      rate > 0 ? json_line_size(source_seconds_left(source, rate))
                               : json_null()) < 0) {
        json_decref(import);
        return NULL;
    }
    return import;
}

static int source_json_settings(const struct queue_source *source, json_t *out)
{
    return json_line_set(out, "id", json_line_text(source->id)) |
           json_line_set(out, "name", json_line_text(source->name)) |
           json_line_set(out, "loader", json_line_text(source->loader)) |
           json_line_set(out, "connection", json_line_text(source->connection)) |
           json_line_set(out, "user", json_line_text(source->user)) |
           json_line_set(out, "password", json_line_text(source->secret_kind)) |
           json_line_set(out, "queue", json_line_text(source->queue)) |
           json_line_set(out, "interval", json_line_size(source->interval_s));
}

static int source_json_report(const struct queue_source *source, bool served, json_t *out)
{
    const struct queue_source_report *told = &source->report;
    return json_line_set(out, "status", json_line_text(source_status_shown(source))) |
           json_line_set(out, "detail", json_line_text(source_detail_shown(source, served))) |
           json_line_set(out, "status_message",
                         json_line_text(source_message_shown(source, served))) |
           json_line_set(out, "status_since", source_time(told->status_since_s)) |
           json_line_set(out, "next_try", source_time(told->next_try_s)) |
           json_line_set(out, "last_contact", source_time(told->last_contact_s)) |
           json_line_set(out, "last_success", source_time(told->last_success_s)) |
           json_line_set(out, "last_message", json_line_text(told->last_message));
}

int source_json(const struct queue_source *source, bool served, json_t **out_json,
                struct error *err)
{
    AUTO_JSON out = json_object();
    if (out == NULL || source_json_settings(source, out) < 0 ||
        source_json_report(source, served, out) < 0 ||
        json_line_set(out, "counts", source_counts(source)) < 0 ||
        json_line_set(out, "import", source_import(source, served)) < 0 ||
        json_line_set(out, "created", source_time(source->created_s)) < 0 ||
        json_line_set(out, "version", json_line_size(source->version)) < 0)
        return error_oom(err, "telling of a source");
    *out_json = TAKE(out);
    return 0;
}
