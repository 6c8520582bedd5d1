/* SPDX-License-Identifier: Apache-2.0 */
/* event.c - what happens in a queue, as events. See event.h.
 *
 * Of each source a fingerprint is remembered, in the order of their names, so that one walk finds
 * what changed, came and went. */
#include <config.h>
#include "event.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "entry-summary.h"
#include "json-line.h"
#include "queue-source.h"
#include "source-form.h"
#include "text.h"

#define EVENTS_ENTRIES 50u /* new ones that are told at a time */
#define EVENTS_SOURCE_TICKS 10u

struct event_source {
    char id[QUEUE_ID_TEXT];
    uint64_t print;
};

struct web_events {
    const struct web_options *options;
    _Atomic(struct http_server *) server;
    struct queue *queue;
    bool watching; /* the last tick had listeners */
    bool failed;   /* the last tick; it is logged once */
    unsigned ticks, hearer_ticks;
    char last[QUEUE_ID_TEXT]; /* the newest entry that was told, "": none was there */
    uint64_t by_state[QUEUE_BAD + 1];
    struct event_source *sources, *fresh; /* as they were; as they are */
    size_t source_count, fresh_count, capacity;
};

/* @value is given. */
static void events_publish(struct web_events *events, const char *name, json_t *value)
{
    AUTO_JSON own = value;
    AUTO_DONE(buffer) out;
    buffer_init(&out, HTTP_EVENT_MAX);
    if (own != NULL && buffer_printf(&out, "event: %s\ndata: ", name) == 0 &&
        json_line_append(&out, own) == 0 && buffer_append_text(&out, "\n\n") == 0)
        (void)http_server_publish(events->server, out.data, out.len);
}

/* ---- Entries --------------------------------------------------------------------------------- */

struct event_entries {
    const char *last;
    json_t *items[EVENTS_ENTRIES]; /* newest first */
    size_t count;
    bool more;
    char newest[QUEUE_ID_TEXT];
};

static int events_entry(void *context, const struct queue_entry *entry)
{
    struct event_entries *found = context;
    if (found->newest[0] == '\0')
        text_copy(found->newest, sizeof found->newest, entry->id);
    if (text_equal(entry->id, found->last))
        return 1;
    if (found->count == EVENTS_ENTRIES) {
        found->more = true;
        return 1;
    }
    found->items[found->count++] = entry_summary_json(entry);
    return 0;
}

/* @tell: what is there was seen before; else it is only remembered. */
static int events_entries(struct web_events *events, bool tell, struct error *err)
{
    struct event_entries found = {.last = events->last};
    const struct queue_filter filter = {.newest_first = true,
                                        .limit = tell ? EVENTS_ENTRIES + 1 : 1};
    int failed = queue_list(events->queue, &filter, events_entry, &found, err);
    if (failed == 0 && tell && found.more)
        events_publish(events, "more", json_object());
    for (size_t i = found.count; i-- > 0;) {
        if (failed == 0 && tell && !found.more)
            events_publish(events, "entry", TAKE(found.items[i]));
        json_decref(found.items[i]);
    }
    if (failed == 0)
        text_copy(events->last, sizeof events->last, found.newest);
    return failed;
}

static json_t *events_counts_json(const uint64_t by_state[QUEUE_BAD + 1])
{
    AUTO_JSON out = json_object();
    for (enum queue_state state = QUEUE_NEW; state <= QUEUE_BAD; state++)
        if (json_line_set(out, queue_state_name(state), json_line_size(by_state[state])) < 0)
            return NULL;
    return TAKE(out);
}

static int events_counts(struct web_events *events, bool tell, struct error *err)
{
    struct queue_stats stats = {0};
    if (queue_stats(events->queue, NULL, &stats, err) < 0)
        return -1;
    if (tell && memcmp(stats.by_state, events->by_state, sizeof stats.by_state) != 0)
        events_publish(events, "counts", events_counts_json(stats.by_state));
    memcpy(events->by_state, stats.by_state, sizeof events->by_state);
    return 0;
}

/* ---- Sources --------------------------------------------------------------------------------- */

static uint64_t events_mix(uint64_t print, uint64_t value)
{
    return (print ^ value) * UINT64_C(0x100000001B3) + (print >> 29);
}

/* All that is shown of it but the password's kind, which raises the version. */
static uint64_t events_print(const struct queue_source *source)
{
    const struct queue_source_report *told = &source->report;
    const uint64_t values[] = {source->version, source->queued, source->bad, told->left,
                               told->failures, told->rate_milli, (uint64_t)told->last_contact_s,
                               (uint64_t)told->last_success_s, (uint64_t)told->next_try_s,
                               (uint64_t)told->status_since_s, (uint64_t)told->import_ended_s,
                               text_fingerprint(told->status), text_fingerprint(told->detail),
                               text_fingerprint(told->status_message),
                               text_fingerprint(told->last_message)};
    uint64_t print = 1;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        print = events_mix(print, values[i]);
    return print;
}

static int events_room(struct web_events *events)
{
    if (events->fresh_count < events->capacity)
        return 0;
    size_t capacity = events->capacity == 0 ? 64 : events->capacity * 2;
    struct event_source *fresh =
        reallocarray(events->fresh, capacity, sizeof *fresh);
    if (fresh != NULL)
        events->fresh = fresh;
    struct event_source *sources =
        fresh == NULL ? NULL : reallocarray(events->sources, capacity, sizeof *sources);
    /* analyse: no leak, events keep both */
    if (sources == NULL)
        return -1;
    events->sources = sources;
    events->capacity = capacity; /* analyse: the same */
    return 0;
}

struct event_walk {
    struct web_events *events;
    size_t at; /* in sources: the next that was there */
    bool tell, failed;
};

static void events_gone(struct event_walk *walk)
{
    struct event_source *gone = &walk->events->sources[walk->at++];
    AUTO_JSON out = json_object();
    if (walk->tell && json_line_set(out, "id", json_line_text(gone->id)) == 0)
        events_publish(walk->events, "removed", TAKE(out));
}

/* Where among those that were there, from walk->at on, this one is; source_count: it is new. */
static size_t events_find(const struct event_walk *walk, const char *id)
{
    size_t at = walk->at;
    while (at < walk->events->source_count && strcmp(walk->events->sources[at].id, id) != 0)
        at++;
    return at;
}

static int events_source(void *context, const struct queue_source *source)
{
    struct event_walk *walk = context;
    struct web_events *events = walk->events;
    if (events_room(events) < 0) {
        walk->failed = true;
        return 1;
    }
    uint64_t print = events_print(source);
    size_t was = events_find(walk, source->id);
    bool changed = was == events->source_count || events->sources[was].print != print;
    if (was < events->source_count) {
        while (walk->at < was)
            events_gone(walk);
        walk->at = was + 1;
    }
    if (walk->tell && changed)
        events_publish(events, "source", source_form_json(source));
    struct event_source *kept = &events->fresh[events->fresh_count++];
    text_copy(kept->id, sizeof kept->id, source->id);
    kept->print = print;
    return 0;
}

static int events_sources(struct web_events *events, bool tell, struct error *err)
{
    struct event_walk walk = {.events = events, .tell = tell};
    events->fresh_count = 0;
    if (queue_source_each(events->queue, events_source, &walk, err) < 0)
        return -1;
    if (walk.failed)
        return error_oom(err, "looking at sources");
    while (walk.at < events->source_count)
        events_gone(&walk);
    struct event_source *before = events->sources;
    events->sources = events->fresh;
    events->source_count = events->fresh_count;
    events->fresh = before;
    return 0;
}

/* ---- Who listens ----------------------------------------------------------------------------- */

static bool events_hears(void *context, const struct http_hearer *hearer)
{
    const struct web_events *events = context;
    return access_hears(events->queue, hearer, clock_unix_s(events->options->clock));
}

/* ---- Looking --------------------------------------------------------------------------------- */

static int events_look(struct web_events *events, bool tell, struct error *err)
{
    if (events->queue == NULL &&
        events->options->open_queue(events->options->queue_url, &events->queue, err) < 0)
        return -1;
    if (events_entries(events, tell, err) < 0)
        return -1;
    if (tell && events->ticks++ % EVENTS_SOURCE_TICKS != 0)
        return 0;
    return events_counts(events, tell, err) < 0 ? -1 : events_sources(events, tell, err);
}

void web_events_tick(struct web_events *events)
{
    struct http_server *server = events->server;
    struct error err;
    if (server == NULL || http_server_streams(server) == 0) {
        events->watching = false;
        return;
    }
    bool failed = events_look(events, events->watching, &err) < 0;
    if (failed && !events->failed)
        log_error(events->options->log, &err);
    events->failed = failed;
    if (!failed && !events->watching) /* what happened until now was not told */
        events_publish(events, "reset", json_object());
    events->watching = !failed;
    if (events->queue != NULL && events->hearer_ticks++ % EVENTS_SOURCE_TICKS == 0)
        http_server_hearers(server, events_hears, events);
}

void web_events_listening(struct web_events *events, struct http_server *server)
{
    events->server = server;
}

int web_events_new(const struct web_options *options, struct web_events **out_events,
                   struct error *err)
{
    struct web_events *events = calloc(1, sizeof *events);
    if (events == NULL)
        return error_oom(err, "starting the stream of events");
    events->options = options;
    *out_events = events;
    return 0;
}

void web_events_free(struct web_events *events)
{
    if (events == NULL)
        return;
    queue_close(events->queue);
    free(events->sources);
    free(events->fresh);
    free(events);
}
