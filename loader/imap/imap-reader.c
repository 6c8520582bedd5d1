/* SPDX-License-Identifier: Apache-2.0 */
/* imap-reader.c - a thread that receives while the host stores. See imap-reader.h.
 *
 * Two locks: one for the stream, held for one call of libcurl; one for what both threads see, held
 * for a few assignments. Neither is held while waiting for the other. */
#include <config.h>
#include "imap-reader.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "spool-writer.h"

#define READER_ROOM_MIN (32u * 1024) /* less is not worth a call of its own */
#define READER_ARRIVAL_COST 4096u /* memory of one message's texts and structs, about */

struct imap_reader {
    struct stream *stream;
    struct imap_parser *parser;
    pthread_t thread;
    bool started;   /* and not joined yet */
    int wake_fd;    /* readable: stop */
    uint8_t *input; /* the thread's, as is all that follows */
    struct imap_body body;
    struct imap_arrivals fresh; /* of the bytes that are being read */

    pthread_mutex_t stream_lock, lock;
    pthread_cond_t came, room;
    /* Under lock: */
    struct imap_arrivals arrivals;
    size_t received;
    bool stop, allow;
    enum imap_reader_state state;
    struct error failure;
};

/* ---- Arrivals -------------------------------------------------------------------------------- */

void imap_arrivals_init(struct imap_arrivals *list)
{
    *list = (struct imap_arrivals){.end = &list->first};
}

void imap_arrival_free(struct imap_arrival *arrival)
{
    if (arrival == NULL)
        return;
    imap_body_done(&arrival->body);
    free(arrival);
}

struct imap_arrival *imap_arrivals_take(struct imap_arrivals *list)
{
    struct imap_arrival *arrival = list->first;
    if (arrival == NULL)
        return NULL;
    list->first = arrival->next;
    if (list->first == NULL)
        list->end = &list->first;
    list->count--;
    list->memory -= arrival->memory;
    return arrival;
}

void imap_arrivals_free(struct imap_arrivals *list)
{
    struct imap_arrival *arrival;
    while ((arrival = imap_arrivals_take(list)) != NULL)
        imap_arrival_free(arrival);
}

static void imap_arrivals_add(struct imap_arrivals *list, struct imap_arrival *arrival)
{
    *list->end = arrival;
    list->end = &arrival->next;
    list->count++;
    list->memory += arrival->memory;
}

/* All of @from goes behind @to. */
static void imap_arrivals_join(struct imap_arrivals *to, struct imap_arrivals *from)
{
    if (from->first == NULL)
        return;
    *to->end = from->first;
    to->end = from->end;
    to->count += from->count;
    to->memory += from->memory;
    imap_arrivals_init(from);
}

/* Take what stands in @from up to its first answer to a command, all where there is none. */
static void imap_arrivals_split(struct imap_arrivals *from, struct imap_arrivals *out)
{
    bool answered = false;
    imap_arrivals_init(out);
    while (!answered && from->first != NULL) {
        struct imap_arrival *arrival = imap_arrivals_take(from);
        answered = arrival->event.kind == IMAP_EVENT_TAGGED;
        arrival->next = NULL;
        imap_arrivals_add(out, arrival);
    }
}

/* ---- Room, in the reader's thread ------------------------------------------------------------ */

static bool imap_arrivals_full(const struct imap_arrivals *list)
{
    return list->memory >= IMAP_ARRIVALS_BYTES || list->count >= IMAP_ARRIVALS_MAX;
}

/* Under lock. */
static void imap_reader_wait_room(struct imap_reader *reader)
{
    while (!reader->stop && imap_arrivals_full(&reader->arrivals))
        pthread_cond_wait(&reader->room, &reader->lock);
}

/* Show what is fresh to the other thread. */
static void imap_reader_show(struct imap_reader *reader, size_t received)
{
    pthread_mutex_lock(&reader->lock);
    imap_arrivals_join(&reader->arrivals, &reader->fresh);
    reader->received += received;
    if (reader->arrivals.count > 0) /* bytes alone are nothing to wake up for */
        pthread_cond_signal(&reader->came);
    pthread_mutex_unlock(&reader->lock);
}

/* One input can hold many small responses, and mails that take many times their bytes. To stop is
 * heeded behind it. */
static void imap_reader_make_room(struct imap_reader *reader)
{
    if (reader->fresh.memory < IMAP_READER_INPUT && reader->fresh.count < IMAP_ARRIVALS_MAX)
        return;
    imap_reader_show(reader, 0);
    pthread_mutex_lock(&reader->lock);
    imap_reader_wait_room(reader);
    pthread_mutex_unlock(&reader->lock);
}

/* ---- Events, in the reader's thread ---------------------------------------------------------- */

static struct span imap_arrival_keep(char **at, struct span from)
{
    struct span kept = {(const uint8_t *)*at, from.len};
    if (from.len > 0)
        memcpy(*at, from.bytes, from.len);
    *at += from.len;
    return kept;
}

static struct imap_arrival *imap_arrival_new(const struct imap_event *event)
{
    size_t texts = event->tag.len + event->args.len + event->text.len;
    struct imap_arrival *arrival = malloc(sizeof *arrival + texts);
    if (arrival == NULL)
        return NULL;
    char *at = arrival->bytes;
    arrival->next = NULL;
    arrival->body = (struct imap_body){0};
    arrival->memory = sizeof *arrival + texts;
    arrival->event = *event;
    arrival->event.tag = imap_arrival_keep(&at, event->tag);
    arrival->event.args = imap_arrival_keep(&at, event->args);
    arrival->event.text = imap_arrival_keep(&at, event->text);
    return arrival;
}

/* A FETCH response takes the body along that came in it. */
static void imap_arrival_take_body(struct imap_arrival *arrival, struct imap_body *body)
{
    if (body->complete) {
        imap_body_move(body, &arrival->body);
        arrival->event.body = &arrival->body;
        if (arrival->body.spool != NULL && spool_bytes(arrival->body.spool) != NULL)
            arrival->memory += (size_t)spool_size(arrival->body.spool);
        if (arrival->body.mail != NULL)
            arrival->memory += mail_memory(arrival->body.mail);
        arrival->memory += READER_ARRIVAL_COST;
    }
    imap_body_done(body);
}

static int imap_reader_keep(struct imap_reader *reader, const struct imap_event *event,
                            struct error *err)
{
    imap_reader_make_room(reader);
    struct imap_arrival *arrival = imap_arrival_new(event);
    if (arrival == NULL)
        return error_oom(err, "receiving mail");
    if (event->kind == IMAP_EVENT_FETCH)
        imap_arrival_take_body(arrival, &reader->body);
    imap_arrivals_add(&reader->fresh, arrival);
    return 0;
}

int imap_reader_event(struct imap_reader *reader, const struct imap_event *event, struct error *err)
{
    struct imap_body *body = &reader->body;
    switch (event->kind) {
    case IMAP_EVENT_BODY:
        if (event->section == IMAP_SECTION_WHOLE)
            return imap_body_start(body, event->size, true, err);
        break;
    case IMAP_EVENT_BODY_BYTES:
        if (body->open && !body->complete)
            return imap_body_bytes(body, event->text, err);
        break;
    case IMAP_EVENT_BODY_END:
        if (body->open && !body->complete)
            return imap_body_end(body, err);
        break;
    default:
        break;
    }
    return imap_reader_keep(reader, event, err);
}

/* ---- The thread ------------------------------------------------------------------------------ */

static void imap_reader_end(struct imap_reader *reader, enum imap_reader_state state,
                            const struct error *why)
{
    pthread_mutex_lock(&reader->lock);
    imap_arrivals_join(&reader->arrivals, &reader->fresh);
    reader->state = state;
    reader->failure = *why;
    pthread_cond_signal(&reader->came);
    pthread_mutex_unlock(&reader->lock);
}

/* Before more is received. false: stop. */
static bool imap_reader_room(struct imap_reader *reader)
{
    pthread_mutex_lock(&reader->lock);
    imap_reader_wait_room(reader);
    bool stop = reader->stop, allow = reader->allow;
    reader->allow = false;
    pthread_mutex_unlock(&reader->lock);
    if (allow)
        imap_parser_allow(reader->parser);
    return !stop;
}

/* Wait for the socket, or for the end; nothing else needs this thread. */
static void imap_reader_poll(struct imap_reader *reader)
{
    struct pollfd at[] = {{stream_fd(reader->stream), POLLIN, 0}, {reader->wake_fd, POLLIN, 0}};
    (void)poll(at, 2, -1); /* what fails here fails again when it is read */
}

/* Where the next bytes go, *out_count of them at most: those in the middle of a large body where
 * they are written from. */
static uint8_t *imap_reader_place(struct imap_reader *reader, size_t *out_count)
{
    size_t room = 0;
    uint8_t *place = imap_parser_body_left(reader->parser) >= IMAP_READER_INPUT
                         ? imap_body_room(&reader->body, &room)
                         : NULL;
    bool direct = place != NULL && room >= READER_ROOM_MIN;
    *out_count = direct && room < IMAP_READER_INPUT ? room : IMAP_READER_INPUT;
    return direct ? place : reader->input;
}

static enum stream_result imap_reader_receive(struct imap_reader *reader, struct span *out_bytes,
                                              struct error *err)
{
    size_t most;
    uint8_t *place = imap_reader_place(reader, &most);
    out_bytes->bytes = place;
    imap_reader_lock(reader);
    enum stream_result result = stream_receive(reader->stream, place, most, &out_bytes->len, err);
    imap_reader_unlock(reader);
    return result;
}

static void *imap_reader_main(void *context)
{
    struct imap_reader *reader = context;
    struct error err = {0};
    while (imap_reader_room(reader)) {
        struct span came = {0};
        enum stream_result result = imap_reader_receive(reader, &came, &err);
        if (result == STREAM_AGAIN) {
            imap_reader_poll(reader);
            continue;
        }
        if (result != STREAM_OK) {
            imap_reader_end(reader, result == STREAM_END ? IMAP_READER_ENDED : IMAP_READER_FAILED,
                            &err);
            break;
        }
        if (imap_parser_feed(reader->parser, came.bytes, came.len, &err) < 0) {
            imap_reader_end(reader, IMAP_READER_FAILED, &err);
            break;
        }
        imap_reader_show(reader, came.len);
    }
    return NULL;
}

/* ---- Start and stop -------------------------------------------------------------------------- */

/* The program's signals are for its own threads. */
static int imap_reader_spawn(struct imap_reader *reader)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int why = pthread_create(&reader->thread, NULL, imap_reader_main, reader);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    reader->started = why == 0;
    return why;
}

static void imap_reader_init_locks(struct imap_reader *reader)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&reader->stream_lock, NULL);
    pthread_mutex_init(&reader->lock, NULL);
    pthread_cond_init(&reader->came, &monotonic);
    pthread_cond_init(&reader->room, NULL);
    pthread_condattr_destroy(&monotonic);
}

int imap_reader_start(struct stream *stream, struct imap_parser *parser,
                      const struct imap_body *body, struct imap_reader **out_reader,
                      struct error *err)
{
    struct imap_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return error_oom(err, "receiving mail");
    imap_reader_init_locks(reader);
    imap_arrivals_init(&reader->fresh);
    imap_arrivals_init(&reader->arrivals);
    reader->stream = stream;
    reader->parser = parser;
    reader->body = (struct imap_body){
        .spool_dir = body->spool_dir, .options = body->options, .max_size = body->max_size};
    reader->body.writer = spool_writer_new(true);
    reader->input = malloc(IMAP_READER_INPUT);
    reader->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    *out_reader = reader; /* the parser's events come here from now on */
    int why = reader->input == NULL || reader->body.writer == NULL ? ENOMEM
              : reader->wake_fd < 0                                ? errno
                                                                   : imap_reader_spawn(reader);
    if (why == 0)
        return 0;
    *out_reader = NULL;
    imap_reader_free(reader);
    return error_set(err, ERROR_STORE, "no thread for receiving mail: %s; try again later",
                     strerror(why));
}

void imap_reader_stop(struct imap_reader *reader)
{
    static const uint64_t one = 1;
    if (!reader->started)
        return;
    pthread_mutex_lock(&reader->lock);
    reader->stop = true;
    pthread_cond_signal(&reader->room);
    pthread_mutex_unlock(&reader->lock);
    ssize_t written = write(reader->wake_fd, &one, sizeof one);
    (void)written; /* it is readable already when there is no room */
    pthread_join(reader->thread, NULL);
    reader->started = false;
}

void imap_reader_free(struct imap_reader *reader)
{
    if (reader == NULL)
        return;
    imap_reader_stop(reader);
    imap_arrivals_free(&reader->fresh);
    imap_arrivals_free(&reader->arrivals);
    imap_body_close(&reader->body);
    if (reader->wake_fd >= 0)
        (void)close(reader->wake_fd);
    pthread_mutex_destroy(&reader->stream_lock);
    pthread_mutex_destroy(&reader->lock);
    pthread_cond_destroy(&reader->came);
    pthread_cond_destroy(&reader->room);
    free(reader->input);
    free(reader);
}

/* ---- The other side -------------------------------------------------------------------------- */

enum imap_reader_state imap_reader_take(struct imap_reader *reader,
                                        struct imap_arrivals *out_arrivals, size_t *out_received,
                                        struct error *err)
{
    pthread_mutex_lock(&reader->lock);
    imap_arrivals_split(&reader->arrivals, out_arrivals);
    *out_received = reader->received;
    reader->received = 0;
    enum imap_reader_state state =
        reader->arrivals.first != NULL ? IMAP_READER_RUNS : reader->state;
    if (state == IMAP_READER_FAILED && err != NULL)
        *err = reader->failure;
    pthread_cond_signal(&reader->room);
    pthread_mutex_unlock(&reader->lock);
    return state;
}

void imap_reader_wait(struct imap_reader *reader, uint32_t ms)
{
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += ms / 1000;
    end.tv_nsec += (long)(ms % 1000) * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&reader->lock);
    int why = 0;
    while (reader->arrivals.count == 0 && reader->state == IMAP_READER_RUNS && why == 0)
        why = pthread_cond_timedwait(&reader->came, &reader->lock, &end);
    pthread_mutex_unlock(&reader->lock);
}

void imap_reader_allow(struct imap_reader *reader)
{
    pthread_mutex_lock(&reader->lock);
    reader->allow = true;
    pthread_mutex_unlock(&reader->lock);
}

void imap_reader_lock(struct imap_reader *reader)
{
    pthread_mutex_lock(&reader->stream_lock);
}

void imap_reader_unlock(struct imap_reader *reader)
{
    pthread_mutex_unlock(&reader->stream_lock);
}
