/* SPDX-License-Identifier: Apache-2.0 */
/* serve-watch.c - what others want to know of a running daemon: metrics, and whether it is well.
 * See serve.h.
 *
 * Metric names follow Prometheus' conventions; a source is labelled by its name alone: no address,
 * no server, no subject. */
#include <config.h>
#include "serve-private.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "json-line.h"
#include "source-json.h"
#include "text.h"

#define SERVE_BEAT_MAX_MS 30000u /* a loop that did not turn for so long is not live */
#define SERVE_LOCK_S 1 /* who asks does not wait longer for a loop that is stuck */

/* -1: the loop holds it, and does not let go. */
static int watch_lock(struct serve *serve)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += SERVE_LOCK_S;
    return pthread_mutex_timedlock(&serve->lock, &end) == 0 ? 0 : -1;
}

/* ---- Metrics --------------------------------------------------------------------------------- */

/* A label's value: '\\', '"' and line ends escaped. */
static int metric_append_label(struct buffer *out, const char *text)
{
    int bad = 0;
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '"')
            bad |= buffer_append_byte(out, '\\');
        bad |= *text == '\n' ? buffer_append_text(out, "\\n")
                             : buffer_append_byte(out, (uint8_t)*text);
    }
    return bad;
}

enum metric {
    METRIC_STATUS,
    METRIC_DEGRADED,
    METRIC_CONTACT,
    METRIC_SUCCESS,
    METRIC_INTERVAL,
    METRIC_LEFT,
    METRIC_ITEMS,
    METRIC_TURNS,
    METRIC_LOGINS,
    METRIC_FAILURES,
    METRIC_COUNT
};

static const struct {
    const char *name, *type, *help;
} metrics[METRIC_COUNT] = {
    [METRIC_STATUS] = {"mailchute_source_status", "gauge", "1 for the status that a source has."},
    [METRIC_DEGRADED] = {"mailchute_source_degraded", "gauge",
                         "1 while it is out of contact, or a part of it is left out."},
    [METRIC_CONTACT] = {"mailchute_source_last_contact_timestamp_seconds", "gauge",
                        "When the server last proved to be there."},
    [METRIC_SUCCESS] = {"mailchute_source_last_success_timestamp_seconds", "gauge",
                        "When all mail was last picked up."},
    [METRIC_INTERVAL] = {"mailchute_source_interval_seconds", "gauge",
                         "How often it is looked at where its server does not tell of mail."},
    [METRIC_LEFT] = {"mailchute_source_left_messages", "gauge",
                     "Messages known to be at the source and not queued yet."},
    [METRIC_ITEMS] = {"mailchute_source_messages_total", "counter",
                      "Messages made entries since the daemon started."},
    [METRIC_TURNS] = {"mailchute_source_turns_total", "counter", "Turns of work."},
    [METRIC_LOGINS] = {"mailchute_source_logins_total", "counter", "Connections that were opened."},
    [METRIC_FAILURES] = {"mailchute_source_failures_total", "counter", "Turns that failed."},
};

static int metric_append_head(struct buffer *out, const char *name, const char *type,
                              const char *help)
{
    return buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static uint64_t metric_value(const struct served *served, enum metric metric)
{
    switch (metric) {
    case METRIC_DEGRADED: return served->state.detail == SOURCE_DEGRADED;
    case METRIC_CONTACT: return (uint64_t)served->state.contact_s;
    case METRIC_SUCCESS: return (uint64_t)served->state.success_s;
    case METRIC_INTERVAL: return served->unit->source->interval_s;
    case METRIC_LEFT: return served->left;
    case METRIC_ITEMS: return served->items;
    case METRIC_TURNS: return served->turns;
    case METRIC_LOGINS: return served->logins;
    case METRIC_FAILURES: return served->failures;
    default: return 0;
    }
}

static int metric_append_status(struct buffer *out, const struct served *served)
{
    int bad = 0;
    for (unsigned i = 0; i < SOURCE_STATUSES; i++) {
        bad |= buffer_printf(out, "%s{source=\"", metrics[METRIC_STATUS].name);
        bad |= metric_append_label(out, served->unit->source->name);
        bad |= buffer_printf(out, "\",status=\"%s\"} %d\n",
                             source_status_name((enum source_status)i),
                             served->state.status == i);
    }
    return bad;
}

static int metric_append_each(const struct serve *serve, struct buffer *out, enum metric metric)
{
    int bad = metric_append_head(out, metrics[metric].name, metrics[metric].type,
                                 metrics[metric].help);
    for (size_t i = 0; i < serve->count; i++) {
        const struct served *served = serve->items[i];
        if (served->gone)
            continue;
        if (metric == METRIC_STATUS) {
            bad |= metric_append_status(out, served);
            continue;
        }
        bad |= buffer_printf(out, "%s{source=\"", metrics[metric].name);
        bad |= metric_append_label(out, served->unit->source->name);
        bad |= buffer_printf(out, "\"} %" PRIu64 "\n", metric_value(served, metric));
    }
    return bad;
}

enum hook_metric { HOOK_PENDING, HOOK_FAILED, HOOK_DELIVERED, HOOK_METRICS };

static const struct {
    const char *name, *type, *help;
} hook_metrics[HOOK_METRICS] = {
    [HOOK_PENDING] = {"mailchute_hook_pending_deliveries", "gauge",
                      "Entries that a hook is still to be told of."},
    [HOOK_FAILED] = {"mailchute_hook_failed_deliveries", "gauge",
                     "Entries that a hook was told of in vain and is no longer."},
    [HOOK_DELIVERED] = {"mailchute_hook_deliveries_total", "counter",
                        "Entries that a hook was told of since it was set."},
};

struct hook_metric_list {
    struct buffer *out;
    enum hook_metric metric;
};

static uint64_t hook_metric_value(const struct queue_hook *hook, enum hook_metric metric)
{
    switch (metric) {
    case HOOK_PENDING: return hook->pending;
    case HOOK_FAILED: return hook->failed;
    default: return hook->delivered;
    }
}

static int hook_metric_visit(void *context, const struct queue_hook *hook)
{
    const struct hook_metric_list *list = context;
    int bad = buffer_printf(list->out, "%s{queue=\"", hook_metrics[list->metric].name);
    bad |= metric_append_label(list->out, hook->queue);
    return bad | buffer_printf(list->out, "\",kind=\"%s\"} %" PRIu64 "\n",
                               queue_hook_kind_name(hook->kind),
                               hook_metric_value(hook, list->metric));
}

static int metric_append_hooks(const struct serve *serve, struct buffer *out)
{
    int bad = 0;
    for (unsigned i = 0; i < HOOK_METRICS; i++) {
        struct hook_metric_list list = {out, (enum hook_metric)i};
        bad |= metric_append_head(out, hook_metrics[i].name, hook_metrics[i].type,
                                  hook_metrics[i].help);
        bad |= serve_hooks_each(serve, hook_metric_visit, &list);
    }
    return bad;
}

static int metric_append_own(const struct serve *serve, struct buffer *out)
{
    unsigned waiting = 0, ready = 0;
    for (size_t i = 0; i < serve->count; i++) {
        waiting += serve->items[i]->phase == SERVED_WAITING;
        ready += serve->items[i]->phase == SERVED_READY;
    }
    int bad = metric_append_head(out, "mailchute_sources", "gauge",
                                 "Sources by what the daemon does with them.");
    bad |= buffer_printf(out, "mailchute_sources{phase=\"waiting\"} %u\n"
                              "mailchute_sources{phase=\"ready\"} %u\n"
                              "mailchute_sources{phase=\"working\"} %u\n",
                         waiting, ready, serve->working);
    bad |= metric_append_head(out, "mailchute_queue_writable", "gauge",
                              "1 unless the queue could not be written last time.");
    bad |= buffer_printf(out, "mailchute_queue_writable %d\n", !serve->queue_fails);
    bad |= metric_append_head(out, "mailchute_build_info", "gauge", "Which mailchute this is.");
    return bad | buffer_printf(out, "mailchute_build_info{version=\"" PACKAGE_VERSION "\"} 1\n");
}

int serve_append_metrics(struct serve *serve, struct buffer *out)
{
    if (watch_lock(serve) < 0)
        return -1;
    int bad = metric_append_own(serve, out);
    for (unsigned i = 0; i < METRIC_COUNT; i++)
        bad |= metric_append_each(serve, out, (enum metric)i);
    bad |= metric_append_hooks(serve, out);
    pthread_mutex_unlock(&serve->lock);
    return bad;
}

/* ---- Health ---------------------------------------------------------------------------------- */

struct health {
    int code;
    const char *status, *detail, *why;
};

static struct health health_of_source(const struct serve *serve, const char *name)
{
    for (size_t i = 0; i < serve->count; i++) {
        const struct served *served = serve->items[i];
        const struct source_state *state = &served->state;
        if (served->gone || !text_equal(served->unit->source->name, name))
            continue;
        bool ill = state->status == SOURCE_ERROR || state->status == SOURCE_HELD ||
                   state->detail == SOURCE_DEGRADED;
        return (struct health){ill ? 503 : 200, source_status_name(state->status),
                               source_detail_name(state->detail),
                               state->message[0] == '\0' ? NULL : state->message};
    }
    return (struct health){404, "unknown", NULL, "there is no source of that name"};
}

static bool health_loop_turns(const struct serve *serve)
{
    return serve_ms(serve) - atomic_load(&serve->beat_ms) < SERVE_BEAT_MAX_MS;
}

static struct health health_stuck(void)
{
    return (struct health){503, "stuck", NULL, "the daemon's loop does not turn"};
}

static struct health health_of(const struct serve *serve, enum serve_health what,
                               const char *source)
{
    if (what == SERVE_SOURCE)
        return health_of_source(serve, source);
    if (serve->stopping)
        return (struct health){503, "stopping", NULL, NULL};
    if (!serve->loaded || serve->read_fails || serve->queue_fails)
        return (struct health){503, "waiting", NULL, "the queue cannot be read or written"};
    return (struct health){200, "ok", NULL, NULL};
}

static int health_append(const struct health *health, struct buffer *out)
{
    AUTO_JSON line = json_object();
    int bad = json_line_set(line, "status", json_line_text(health->status)) |
              json_line_set(line, "detail", json_line_text(health->detail)) |
              json_line_set(line, "why", json_line_text(health->why));
    if (bad < 0 || json_line_append(out, line) < 0 || buffer_append_byte(out, '\n') < 0)
        return 500;
    return health->code;
}

/* Whether the loop turns is known without its lock: it may be stuck with it. */
int serve_append_health(struct serve *serve, enum serve_health what, const char *source,
                        struct buffer *out)
{
    struct health health = {200, "ok", NULL, NULL};
    if (!health_loop_turns(serve))
        health = health_stuck();
    if (what == SERVE_LIVE || health.code != 200)
        return health_append(&health, out);
    if (watch_lock(serve) < 0) {
        health = health_stuck();
        return health_append(&health, out);
    }
    health = health_of(serve, what, source);
    int code = health_append(&health, out); /* it borrows from what the lock keeps */
    pthread_mutex_unlock(&serve->lock);
    return code;
}
