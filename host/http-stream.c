/* SPDX-License-Identifier: Apache-2.0 */
/* http-stream.c - the event streams of an HTTP server. See http-stream.h. */
#include <config.h>
#include "http-stream.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

struct http_event {
    char *bytes;
    size_t size;
};

struct http_stream {
    struct http_stream *next, **at;
    struct http_streams *streams;
    struct MHD_Connection *connection;
    struct http_hearer hearer;
    struct buffer start; /* is sent first */
    size_t sent;         /* of start, or of the event */
    uint64_t event;      /* comes next */
    bool suspended;
    bool ended; /* he may not listen any more */
};

struct http_streams {
    pthread_mutex_t lock; /* over all below */
    bool ending;
    struct http_stream *first;
    unsigned count;
    struct http_event events[HTTP_EVENTS_KEPT];
    uint64_t last_event;
};

/* ---- One stream ------------------------------------------------------------------------------ */

static void http_stream_free(void *context)
{
    struct http_stream *stream = context;
    struct http_streams *streams = stream->streams;
    pthread_mutex_lock(&streams->lock);
    *stream->at = stream->next;
    if (stream->next != NULL)
        stream->next->at = stream->at;
    streams->count--;
    pthread_mutex_unlock(&streams->lock);
    buffer_done(&stream->start);
    free(stream);
}

/* What is to be sent next; false when it fell behind what is kept. Locked. */
static bool http_stream_next(const struct http_stream *stream, const char **out_bytes,
                             size_t *out_size)
{
    const struct http_streams *streams = stream->streams;
    *out_bytes = stream->start.data;
    *out_size = stream->start.len;
    if (stream->start.len > 0)
        return true;
    if (stream->event > streams->last_event)
        return true; /* nothing yet */
    if (streams->last_event - stream->event >= HTTP_EVENTS_KEPT)
        return false;
    const struct http_event *event = &streams->events[stream->event % HTTP_EVENTS_KEPT];
    *out_bytes = event->bytes;
    *out_size = event->size;
    return true;
}

static ssize_t http_stream_copy(struct http_stream *stream, char *out, size_t most)
{
    const char *bytes;
    size_t size;
    if (stream->streams->ending || stream->ended || !http_stream_next(stream, &bytes, &size))
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (size == 0) {
        stream->suspended = true;
        MHD_suspend_connection(stream->connection);
        return 0;
    }
    size_t count = size - stream->sent < most ? size - stream->sent : most;
    memcpy(out, bytes + stream->sent, count);
    stream->sent += count;
    if (stream->sent == size) {
        stream->sent = 0;
        if (stream->start.len > 0)
            buffer_clear(&stream->start);
        else
            stream->event++;
    }
    return (ssize_t)count;
}

static ssize_t http_stream_read(void *context, uint64_t at, char *out, size_t most)
{
    struct http_stream *stream = context;
    (void)at;
    pthread_mutex_lock(&stream->streams->lock);
    ssize_t count = http_stream_copy(stream, out, most);
    pthread_mutex_unlock(&stream->streams->lock);
    return count;
}

/* From which event on it goes. Somebody who was away for too long is told to look at all anew.
 * Locked. */
static void http_stream_place(struct http_stream *stream, uint64_t after)
{
    const struct http_streams *streams = stream->streams;
    uint64_t first = streams->last_event >= HTTP_EVENTS_KEPT
                         ? streams->last_event - HTTP_EVENTS_KEPT + 1 : 1;
    stream->event = streams->last_event + 1;
    if (after == 0)
        return;
    if (after + 1 >= first && after <= streams->last_event)
        stream->event = after + 1;
    else
        (void)buffer_append_text(&stream->start, "event: reset\ndata: {}\n\n");
}

/* ---- All of them ----------------------------------------------------------------------------- */

struct MHD_Response *http_streams_respond(struct http_streams *streams,
                                          struct MHD_Connection *connection,
                                          struct http_answer *answer)
{
    struct http_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return NULL;
    *stream = (struct http_stream){.streams = streams, .connection = connection,
                                   .start = answer->body, .hearer = answer->hearer};
    buffer_init(&answer->body, HTTP_ANSWER_MAX); /* the bytes are the stream's */
    pthread_mutex_lock(&streams->lock);
    http_stream_place(stream, answer->events_after);
    stream->next = streams->first;
    stream->at = &streams->first;
    if (stream->next != NULL)
        stream->next->at = &stream->next;
    streams->first = stream;
    streams->count++;
    pthread_mutex_unlock(&streams->lock);
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, 4096, http_stream_read, stream, http_stream_free);
    if (response == NULL)
        http_stream_free(stream);
    return response;
}

enum http_room http_streams_room(struct http_streams *streams, const struct http_hearer *hearer)
{
    unsigned his = 0;
    pthread_mutex_lock(&streams->lock);
    bool room = streams->count < HTTP_STREAMS_MAX;
    for (const struct http_stream *stream = streams->first; stream != NULL; stream = stream->next)
        his += strcmp(stream->hearer.who, hearer->who) == 0;
    pthread_mutex_unlock(&streams->lock);
    return his >= HTTP_STREAMS_EACH_MAX ? HTTP_ROOM_NONE_FOR_HIM
           : room                       ? HTTP_ROOM
                                        : HTTP_ROOM_NONE;
}

unsigned http_streams_count(struct http_streams *streams)
{
    pthread_mutex_lock(&streams->lock);
    unsigned count = streams->count;
    pthread_mutex_unlock(&streams->lock);
    return count;
}

/* Locked. */
static void http_streams_wake(struct http_streams *streams)
{
    for (struct http_stream *stream = streams->first; stream != NULL; stream = stream->next) {
        if (!stream->suspended)
            continue;
        stream->suspended = false;
        MHD_resume_connection(stream->connection);
    }
}

uint64_t http_streams_publish(struct http_streams *streams, const char *event, size_t size,
                              bool numbered)
{
    struct buffer bytes;
    buffer_init(&bytes, HTTP_EVENT_MAX + 64);
    pthread_mutex_lock(&streams->lock);
    uint64_t number = streams->last_event + 1;
    if ((numbered && buffer_printf(&bytes, "id: %llu\n", (unsigned long long)number) < 0) ||
        size > HTTP_EVENT_MAX || buffer_append(&bytes, event, size) < 0) {
        number = 0;
        buffer_done(&bytes);
    } else {
        struct http_event *place = &streams->events[number % HTTP_EVENTS_KEPT];
        free(place->bytes);
        place->size = bytes.len;
        place->bytes = buffer_take(&bytes);
        if (place->bytes == NULL)
            place->size = 0;
        streams->last_event = number;
        http_streams_wake(streams);
    }
    pthread_mutex_unlock(&streams->lock);
    return number;
}

/* ---- Who may listen -------------------------------------------------------------------------- */

struct http_asked {
    struct http_hearer *hearers; /* each once */
    bool *may;
    size_t count;
};

static bool http_hearer_same(const struct http_hearer *a, const struct http_hearer *b)
{
    return memcmp(a->proof, b->proof, sizeof a->proof) == 0 && a->rights == b->rights &&
           strcmp(a->who, b->who) == 0;
}

static size_t http_asked_find(const struct http_asked *asked, const struct http_hearer *hearer)
{
    size_t at = 0;
    while (at < asked->count && !http_hearer_same(&asked->hearers[at], hearer))
        at++;
    return at;
}

/* Who listens now; nobody where memory is short: he is asked about next time. */
static void http_asked_gather(struct http_asked *asked, struct http_streams *streams)
{
    pthread_mutex_lock(&streams->lock);
    asked->hearers = calloc(streams->count + 1, sizeof *asked->hearers);
    asked->may = calloc(streams->count + 1, sizeof *asked->may);
    const struct http_stream *stream =
        asked->hearers == NULL || asked->may == NULL ? NULL : streams->first;
    for (; stream != NULL; stream = stream->next)
        if (http_asked_find(asked, &stream->hearer) == asked->count)
            asked->hearers[asked->count++] = stream->hearer;
    pthread_mutex_unlock(&streams->lock);
}

/* Who came meanwhile is left alone. */
static void http_asked_end(const struct http_asked *asked, struct http_streams *streams)
{
    pthread_mutex_lock(&streams->lock);
    for (struct http_stream *stream = streams->first; stream != NULL; stream = stream->next) {
        size_t at = http_asked_find(asked, &stream->hearer);
        stream->ended = stream->ended || (at < asked->count && !asked->may[at]);
    }
    http_streams_wake(streams);
    pthread_mutex_unlock(&streams->lock);
}

void http_streams_hearers(struct http_streams *streams,
                          bool (*may)(void *context, const struct http_hearer *hearer),
                          void *context)
{
    struct http_asked asked = {.count = 0};
    bool all = true;
    http_asked_gather(&asked, streams);
    for (size_t i = 0; i < asked.count; i++) {
        asked.may[i] = may(context, &asked.hearers[i]);
        all = all && asked.may[i];
    }
    if (!all)
        http_asked_end(&asked, streams);
    free(asked.hearers);
    free(asked.may);
}

/* ---- Start and end --------------------------------------------------------------------------- */

int http_streams_new(struct http_streams **out_streams, struct error *err)
{
    struct http_streams *streams = calloc(1, sizeof *streams);
    if (streams == NULL)
        return error_oom(err, "starting the HTTP server");
    streams->last_event = (uint64_t)clock_unix_s(clock_system()) * 1000; /* rises with each start */
    pthread_mutex_init(&streams->lock, NULL);
    *out_streams = streams;
    return 0;
}

void http_streams_end(struct http_streams *streams)
{
    pthread_mutex_lock(&streams->lock);
    streams->ending = true;
    http_streams_wake(streams);
    pthread_mutex_unlock(&streams->lock);
}

void http_streams_free(struct http_streams *streams)
{
    if (streams == NULL)
        return;
    for (size_t i = 0; i < HTTP_EVENTS_KEPT; i++)
        free(streams->events[i].bytes);
    pthread_mutex_destroy(&streams->lock);
    free(streams);
}
