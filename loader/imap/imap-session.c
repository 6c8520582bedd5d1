/* SPDX-License-Identifier: Apache-2.0 */
/* imap-session.c - one dialogue with an IMAP server. See imap-session.h. */
#include <config.h>
#include "imap-session-private.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "imap-reader.h"
#include "login-log.h"
#include "text.h"

#define IMAP_INPUT_SIZE 65536u /* bytes received at once */
#define IMAP_INPUT_BUDGET (1024u * 1024) /* bytes taken in one turn before the caller's turn */
#define IMAP_BLOCKED_MS 10u      /* between two looks at a reader while the server takes no bytes */
#define IMAP_PATIENCE_FACTOR 10u /* times the timeout, for an answer that only drips */

#define TO(state) (1u << (state))
static const uint8_t imap_session_moves[] = {
    [IMAP_CLOSED] = TO(IMAP_OPEN),
    [IMAP_OPEN] = TO(IMAP_SELECTING) | TO(IMAP_CLOSED),
    [IMAP_SELECTING] = TO(IMAP_SELECTED) | TO(IMAP_OPEN) | TO(IMAP_CLOSED),
    [IMAP_SELECTED] = TO(IMAP_SELECTING) | TO(IMAP_IDLE_ASKED) | TO(IMAP_CLOSED),
    [IMAP_IDLE_ASKED] = TO(IMAP_IDLE) | TO(IMAP_SELECTED) | TO(IMAP_CLOSED),
    [IMAP_IDLE] = TO(IMAP_IDLE_ENDING) | TO(IMAP_SELECTED) | TO(IMAP_CLOSED),
    [IMAP_IDLE_ENDING] = TO(IMAP_SELECTED) | TO(IMAP_CLOSED),
};

void imap_session_enter(struct imap_session *session, enum imap_session_state next)
{
    assert(imap_session_moves[session->state] & TO(next)); /* our bug, never the server's */
    assert(next != IMAP_SELECTED || session->selected.uidvalidity != 0);
    session->state = next;
}

int imap_session_fail(struct imap_session *session)
{
    if (session->state != IMAP_CLOSED)
        imap_session_enter(session, IMAP_CLOSED);
    return -1;
}

static int imap_session_bye(struct imap_session *session, const struct imap_event *event,
                            struct error *err)
{
    char said[200];
    uint32_t pause_s = login_pause_s(event->text);
    text_said(said, sizeof said, event->text.bytes, event->text.len);
    bool pause =
        pause_s > 0 || event->code == IMAP_CODE_THROTTLED || event->code == IMAP_CODE_UNAVAILABLE;
    error_set(err, pause ? ERROR_PAUSE : ERROR_LINK,
              "%s: the server ended the connection, it says '%s'; "
              "try again later",
              session->settings->host, said);
    if (err != NULL)
        err->pause_s = pause_s;
    return -1;
}

/* ---- Events ---------------------------------------------------------------------------------- */

/* Untagged OK, NO, BAD: most tell something about the mailbox that is being selected. */
static int imap_session_status(struct imap_session *session, const struct imap_event *event,
                               struct error *err)
{
    struct imap_selected *selected = &session->selected;
    bool selecting = session->state == IMAP_SELECTING;
    char said[200];
    if (event->status == IMAP_BYE)
        return imap_session_bye(session, event, err);
    switch (event->code) {
    case IMAP_CODE_UIDVALIDITY:
        if (!selecting && event->number != selected->uidvalidity)
            return error_set(err, ERROR_LINK,
                             "%s: the server numbered the mailbox anew while we worked in "
                             "it (UIDVALIDITY); try again",
                             session->settings->host);
        selected->uidvalidity = event->number;
        break;
    case IMAP_CODE_UIDNEXT:
        selected->uidnext = event->number;
        break;
    case IMAP_CODE_UIDNOTSTICKY:
        selected->fleeting = true;
        break;
    case IMAP_CODE_PERMANENTFLAGS:
        selected->keywords = memmem(event->args.bytes, event->args.len, "\\*", 2) != NULL;
        break;
    case IMAP_CODE_ALERT:
        text_said(said, sizeof said, event->text.bytes, event->text.len);
        imap_host_log(session->host, IMAP_LOG_WARNING, "%s says: %s", session->settings->host,
                      said);
        break;
    default:
        break;
    }
    return 0;
}

/* Let the commands on their way, oldest first, and then the listener have it. */
static int imap_session_offer(struct imap_session *session, const struct imap_event *event,
                              struct error *err)
{
    for (size_t i = 0; i < session->outstanding_count; i++) {
        const struct imap_call *call = &session->outstanding[i].call;
        bool taken = false;
        if (call->data == NULL)
            continue;
        if (call->data(call->context, event, &taken, err) < 0)
            return -1;
        if (taken)
            return 0;
    }
    return session->listener != NULL ? session->listener(session->listener_context, event, err) : 0;
}

/* The server ended IDLE by itself, our DONE was on its way, and it complains of a command without a
 * tag: "DONE BAD ...". */
static bool imap_session_is_done_refused(struct imap_session *session,
                                         const struct imap_event *event)
{
    bool refused = session->done_sent && event->status != IMAP_OK &&
                   event->tag.len == 4 && memcmp(event->tag.bytes, "DONE", 4) == 0;
    session->done_sent = session->done_sent && !refused;
    return refused;
}

static int imap_session_unasked(const struct imap_event *event, struct error *err)
{
    char tag[40];
    text_said(tag, sizeof tag, event->tag.bytes, event->tag.len);
    return error_set(err, ERROR_PROTOCOL,
                     "the server answers a command that was not sent (tag '%s'); "
                     "try again later, or tell its administrator",
                     tag);
}

static int imap_session_tagged(struct imap_session *session, const struct imap_event *event,
                               struct error *err)
{
    struct cursor c = cursor_over(event->tag.bytes, event->tag.len);
    uint32_t number = 0;
    size_t at = 0;
    bool first = session->answers++ == 0;
    bool ours = cursor_text(&c, session->prefix) == PARSE_OK &&
                imap_parse_tag_number(&c, &number) == PARSE_OK;
    while (ours && at < session->outstanding_count && session->outstanding[at].number != number)
        at++;
    if (!ours || at == session->outstanding_count) /* first: the login's own, cut */
        return first || imap_session_is_done_refused(session, event)
                   ? 0
                   : imap_session_unasked(event, err);
    struct imap_call call = session->outstanding[at].call;
    session->outstanding_count--;
    memmove(&session->outstanding[at], &session->outstanding[at + 1],
            (session->outstanding_count - at) * sizeof session->outstanding[0]);
    session->answer_ms = 0;
    fault_point("answer %s", call.what);
    if (call.done != NULL) {
        int failed = call.done(call.context, event, err);
        fault_point("handled %s", call.what);
        return failed;
    }
    if (event->status == IMAP_OK)
        return 0;
    return imap_answer_error(event, ERROR_PROTOCOL, call.what, "try again later", err);
}

static int imap_session_on_event(void *context, const struct imap_event *event, struct error *err)
{
    struct imap_session *session = context;
    switch (event->kind) {
    case IMAP_EVENT_TAGGED:
        return imap_session_tagged(session, event, err);
    case IMAP_EVENT_STATUS:
        if (imap_session_status(session, event, err) < 0)
            return -1;
        return imap_session_offer(session, event, err);
    case IMAP_EVENT_CONTINUE:
        session->continued++;
        if (session->state == IMAP_IDLE_ASKED)
            imap_session_enter(session, IMAP_IDLE);
        return 0;
    case IMAP_EVENT_CAPABILITY:
        session->can = imap_answer_capabilities(event->text);
        return 0;
    case IMAP_EVENT_EXISTS:
        session->news = session->news || event->number > session->selected.exists;
        session->selected.exists = event->number;
        return 0;
    case IMAP_EVENT_EXPUNGE:
        if (session->selected.exists > 0)
            session->selected.exists--;
        return 0;
    case IMAP_EVENT_OTHER:
        return 0;
    default:
        return imap_session_offer(session, event, err);
    }
}

/* An event of the parser: in a reader's thread it is kept for ours. */
static int imap_session_on_parsed(void *context, const struct imap_event *event, struct error *err)
{
    struct imap_session *session = context;
    return session->reader != NULL ? imap_reader_event(session->reader, event, err)
                                   : imap_session_on_event(session, event, err);
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

static enum stream_result imap_session_push(struct imap_session *session, size_t *out_sent,
                                            struct error *err)
{
    const char *bytes = session->sending.data + session->sent;
    size_t count = session->sending.len - session->sent;
    if (session->reader == NULL)
        return stream_send(session->stream, bytes, count, out_sent, err);
    imap_reader_lock(session->reader);
    enum stream_result result = stream_send(session->stream, bytes, count, out_sent, err);
    imap_reader_unlock(session->reader);
    return result;
}

static int imap_session_write(struct imap_session *session, bool *out_blocked, struct error *err)
{
    *out_blocked = false;
    for (;;) {
        if (session->sent == session->sending.len) {
            struct buffer empty = session->sending;
            session->sent = 0;
            buffer_clear(&empty);
            session->sending = session->waiting;
            session->waiting = empty;
            if (session->sending.len == 0)
                return 0;
        }
        size_t sent = 0;
        switch (imap_session_push(session, &sent, err)) {
        case STREAM_OK:
            session->sent += sent;
            fault_point("sent");
            break;
        case STREAM_AGAIN:
            *out_blocked = true;
            return 0;
        case STREAM_END:
        case STREAM_FAILED:
            return -1;
        }
    }
}

static int imap_session_ended(struct imap_session *session, struct error *err)
{
    return error_set(err, ERROR_LINK, "%s: the server closed the connection%s%s; try again later",
                     session->settings->host,
                     session->outstanding_count > 0 ? " before it answered " : "",
                     session->outstanding_count > 0 ? session->outstanding[0].call.what : "");
}

/* Take what is there: all of it, since TLS keeps bytes that poll() does not see; or up to the
 * budget or this time, whereupon the turn ends without a poll and the next one goes on. */
static int imap_session_read(struct imap_session *session, uint64_t until_ms, size_t *out_count,
                             struct error *err)
{
    *out_count = 0;
    if (session->input == NULL && (session->input = malloc(IMAP_INPUT_SIZE)) == NULL)
        return error_oom(err, "reading from the server");
    do {
        size_t count = 0;
        enum stream_result r =
            stream_receive(session->stream, session->input, IMAP_INPUT_SIZE, &count, err);
        if (r == STREAM_AGAIN)
            return 0;
        if (r != STREAM_OK)
            return r == STREAM_END ? imap_session_ended(session, err) : -1;
        *out_count += count;
        if (imap_parser_feed(session->parser, session->input, count, err) < 0)
            return -1;
    } while (*out_count < IMAP_INPUT_BUDGET &&
             clock_monotonic_ms(&session->host->clock) < until_ms);
    return 0;
}

/* Take what a reader has received, in the same order. */
static int imap_session_collect(struct imap_session *session, size_t *out_count, struct error *err)
{
    struct imap_arrivals list;
    struct imap_arrival *arrival;
    struct error why;
    int r = 0;
    enum imap_reader_state state = imap_reader_take(session->reader, &list, out_count, &why);
    *out_count += list.count; /* a leftover too is progress */
    while (r == 0 && (arrival = imap_arrivals_take(&list)) != NULL) {
        r = imap_session_on_event(session, &arrival->event, err);
        imap_arrival_free(arrival);
    }
    imap_arrivals_free(&list);
    if (r < 0 || state == IMAP_READER_RUNS)
        return r;
    if (state == IMAP_READER_ENDED)
        return imap_session_ended(session, err);
    if (err != NULL)
        *err = why;
    return -1;
}

int imap_session_read_ahead(struct imap_session *session, const struct imap_body *like,
                            struct error *err)
{
    if (session->reader != NULL || session->state == IMAP_CLOSED)
        return 0;
    imap_session_drop_buffers(session);
    stream_expect_much(session->stream);
    return imap_reader_start(session->stream, session->parser, like, &session->reader, err);
}

bool imap_session_reads_ahead(const struct imap_session *session)
{
    return session->reader != NULL;
}

int imap_session_read_no_more(struct imap_session *session, struct error *err)
{
    size_t count;
    if (session->reader == NULL)
        return 0;
    imap_reader_stop(session->reader);
    int r;
    do {
        r = imap_session_collect(session, &count, err);
    } while (r == 0 && count > 0);
    imap_reader_free(TAKE(session->reader));
    return r < 0 ? imap_session_fail(session) : 0;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

static uint64_t imap_session_patience(const struct imap_session *session)
{
    uint64_t patience = session->settings->timeout_ms;
    for (size_t i = 0; i < session->outstanding_count; i++)
        if (session->outstanding[i].call.patience_ms > patience)
            patience = session->outstanding[i].call.patience_ms;
    return patience;
}

static bool imap_session_bulk(const struct imap_session *session)
{
    for (size_t i = 0; i < session->outstanding_count; i++)
        if (session->outstanding[i].call.bulk)
            return true;
    return false;
}

static int imap_session_check_time(struct imap_session *session, struct error *err)
{
    uint64_t patience = imap_session_patience(session);
    const char *what =
        session->outstanding_count > 0 ? session->outstanding[0].call.what : "a command";
    bool bulk = imap_session_bulk(session);
    if (session->silent_ms > patience)
        return error_set(err, ERROR_LINK,
                         "%s: no answer to %s for %llu s; try again later, or raise "
                         "timeout",
                         session->settings->host, what, (unsigned long long)(patience / 1000));
    if (!bulk && session->answer_ms > patience * IMAP_PATIENCE_FACTOR)
        return error_set(err, ERROR_LINK,
                         "%s: %s is still not answered after %llu s; try again later, or "
                         "raise timeout",
                         session->settings->host, what,
                         (unsigned long long)(session->answer_ms / 1000));
    if (!bulk || session->floor_ms < IMAP_FLOOR_MS)
        return 0;
    if (session->floor_bytes < IMAP_FLOOR_BYTES)
        return error_set(err, ERROR_LINK,
                         "%s: the server sends less than 1 kB a second; try again later",
                         session->settings->host);
    session->floor_ms = session->floor_bytes = 0;
    return 0;
}

/* Wait for the reader; while bytes cannot be sent, for the socket, but look often. */
static int imap_session_sleep(struct imap_session *session, bool blocked, struct error *err)
{
    struct pollfd at = {.fd = stream_fd(session->stream),
                        .events = (short)(POLLIN | (blocked ? POLLOUT : 0))};
    uint32_t ms = IMAP_POLL_MS;
    if (session->reader != NULL) {
        if (!blocked) {
            imap_reader_wait(session->reader, ms);
            return 0;
        }
        at.events = POLLOUT;
        ms = IMAP_BLOCKED_MS;
    }
    if (poll(&at, 1, (int)ms) < 0 && errno != EINTR)
        return error_set(err, ERROR_BUG, "poll failed: %s", strerror(errno));
    return 0;
}

/* Wait at most IMAP_POLL_MS for something to come, and count the time. */
static int imap_session_poll(struct imap_session *session, bool blocked, struct error *err)
{
    uint64_t before = clock_monotonic_ms(&session->host->clock);
    if (imap_session_sleep(session, blocked, err) < 0)
        return -1;
    uint64_t waited = clock_monotonic_ms(&session->host->clock) - before;
    session->silent_ms += waited;
    session->answer_ms += waited;
    session->floor_ms += waited;
    return imap_session_check_time(session, err);
}

static int imap_session_once(struct imap_session *session, uint64_t until_ms, bool *out_blocked,
                             size_t *out_count, struct error *err)
{
    if (session->state == IMAP_CLOSED)
        return error_set(err, ERROR_LINK, "%s: the connection is closed; open it again",
                         session->settings->host);
    if (imap_session_write(session, out_blocked, err) < 0)
        return imap_session_fail(session);
    if ((session->reader != NULL ? imap_session_collect(session, out_count, err)
                                 : imap_session_read(session, until_ms, out_count, err)) < 0)
        return imap_session_fail(session);
    if (*out_count > 0) {
        session->silent_ms = 0;
        session->floor_bytes += *out_count;
    }
    return 0;
}

int imap_session_peek(struct imap_session *session, struct error *err)
{
    bool blocked;
    size_t count;
    return imap_session_once(session, UINT64_MAX, &blocked, &count, err);
}

int imap_session_flush(struct imap_session *session, struct error *err)
{
    bool blocked;
    if (session->state == IMAP_CLOSED)
        return 0; /* whoever reads next is told */
    return imap_session_write(session, &blocked, err) < 0 ? imap_session_fail(session) : 0;
}

/* However much comes: a server that never stops talking could else keep us for ever. The dialogue
 * is whole, and what is stored can still be settled. */
static int imap_session_heed(struct imap_session *session, struct error *err)
{
    return session->host->cancelled(session->host->context)
               ? error_set(err, ERROR_CANCELLED, "cancelled")
               : 0;
}

int imap_session_turn(struct imap_session *session, struct error *err)
{
    bool blocked;
    size_t count = 0;
    session->silent_ms = 0;
    while (count == 0) {
        uint64_t until_ms = clock_monotonic_ms(&session->host->clock) + IMAP_POLL_MS;
        if (imap_session_once(session, until_ms, &blocked, &count, err) < 0)
            return -1;
        if (count == 0 && imap_session_poll(session, blocked, err) < 0)
            return imap_session_fail(session);
        if (imap_session_heed(session, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- Commands -------------------------------------------------------------------------------- */

int imap_session_send(struct imap_session *session, struct imap_command *command,
                      const struct imap_call *call, struct error *err)
{
    int r = imap_command_end(command, err);
    if (r == 0 && session->outstanding_count == IMAP_OUTSTANDING_MAX)
        r = error_set(err, ERROR_BUG, "more than %u commands are on their way",
                      IMAP_OUTSTANDING_MAX);
    if (r == 0 &&
        (buffer_printf(&session->waiting, "%s%u ", session->prefix, session->next_number) < 0 ||
         buffer_append(&session->waiting, command->bytes.data, command->bytes.len) < 0))
        r = error_oom(err, "sending a command");
    if (r == 0) {
        if (session->outstanding_count == 0) {
            session->answer_ms = 0;
            if (session->reader != NULL)
                imap_reader_allow(session->reader);
            else
                imap_parser_allow(session->parser);
        }
        if (call->bulk && !imap_session_bulk(session))
            session->floor_ms = session->floor_bytes = 0;
        session->outstanding[session->outstanding_count++] =
            (struct imap_outstanding){session->next_number++, *call};
        fault_point("asked %s", call->what);
    }
    imap_command_done(command);
    return r;
}

int imap_session_put(struct imap_session *session, const void *bytes, size_t count,
                     struct error *err)
{
    bool blocked;
    size_t got, unsent = session->sending.len - session->sent + session->waiting.len;
    if (buffer_append(&session->waiting, bytes, count) < 0)
        return error_oom(err, "sending a message");
    for (unsent += count; unsent > IMAP_PUT_MAX;) {
        size_t before = unsent;
        if (imap_session_once(session, UINT64_MAX, &blocked, &got, err) < 0)
            return -1;
        unsent = session->sending.len - session->sent + session->waiting.len;
        if (unsent < before)
            session->silent_ms = session->answer_ms = 0;
        else if (imap_session_poll(session, blocked, err) < 0)
            return imap_session_fail(session);
    }
    return 0;
}

/* ---- Opening and closing --------------------------------------------------------------------- */

int imap_session_open(const struct imap_settings *settings, const char *user, const char *secret,
                      const struct imap_host *host, struct imap_session **out_session,
                      struct error *err)
{
    struct imap_call call = {.what = "CAPABILITY"};
    struct imap_command command;
    AUTO(imap_session) session = calloc(1, sizeof *session);
    if (session == NULL)
        return error_oom(err, "connecting");
    session->settings = settings;
    session->host = host;
    session->next_number = 1;
    buffer_init(&session->sending, IMAP_OUTPUT_MAX);
    buffer_init(&session->waiting, IMAP_OUTPUT_MAX);
    session->parser = imap_parser_new(imap_session_on_parsed, session, true);
    if (session->parser == NULL)
        return error_oom(err, "connecting");
    if (imap_connect_prefix(session->prefix, err) < 0 ||
        imap_connect(settings, user, secret, host, &session->stream, err) < 0)
        return -1;
    fault_point("logged in");
    imap_session_enter(session, IMAP_OPEN);
    imap_command_init(&command, "CAPABILITY");
    if (imap_session_run(session, &command, &call, err) < 0 ||
        imap_connect_identify(session, err) < 0)
        return -1;
    *out_session = TAKE(session);
    return 0;
}

/* Politely, but without waiting. */
static void imap_session_logout(struct imap_session *session)
{
    bool blocked;
    if (session->state == IMAP_IDLE && buffer_append_text(&session->waiting, "DONE\r\n") < 0)
        return;
    if (buffer_printf(&session->waiting, "%s%u LOGOUT\r\n", session->prefix,
                      session->next_number) == 0)
        (void)imap_session_write(session, &blocked, NULL);
}

void imap_session_close(struct imap_session *session)
{
    if (session == NULL)
        return;
    if (session->reader != NULL)
        imap_reader_stop(session->reader); /* while it lives, events find it there */
    imap_reader_free(TAKE(session->reader));
    if (session->state != IMAP_CLOSED)
        imap_session_logout(session);
    fault_point("logout");
    stream_close(session->stream);
    imap_parser_free(session->parser);
    buffer_done(&session->sending);
    buffer_done(&session->waiting);
    free(session->input);
    free(session->chosen);
    free(session);
}

/* ---- What is known --------------------------------------------------------------------------- */

void imap_session_listen(struct imap_session *session, imap_event_function *function, void *context)
{
    session->listener = function;
    session->listener_context = context;
}

uint32_t imap_session_continued(const struct imap_session *session)
{
    return session->continued;
}

bool imap_session_is_open(const struct imap_session *session)
{
    return session->state != IMAP_CLOSED;
}

uint32_t imap_session_can(const struct imap_session *session)
{
    return session->can;
}

const struct imap_selected *imap_session_selected(const struct imap_session *session)
{
    return &session->selected;
}

void imap_session_facts(const struct imap_session *session, struct stream_facts *out_facts)
{
    stream_facts(session->stream, out_facts);
}

int imap_session_fd(const struct imap_session *session)
{
    return stream_fd(session->stream);
}

size_t imap_session_outstanding(const struct imap_session *session)
{
    return session->outstanding_count;
}

bool imap_session_news(const struct imap_session *session)
{
    return session->news;
}

void imap_session_forget_news(struct imap_session *session)
{
    session->news = false;
}

void imap_session_drop_buffers(struct imap_session *session)
{
    free(session->input);
    session->input = NULL;
    imap_parser_spare(session->parser);
    buffer_spare(&session->sending);
    buffer_spare(&session->waiting);
}
