/* SPDX-License-Identifier: Apache-2.0 */
/* http-server.c - a small HTTP server. See http-server.h.
 *
 * A request is a struct http_call from its head to its end:
 *
 *     READING ─ body complete ─> GIVEN (suspended) ─ a thread is done, resumed ─> ANSWERED ─> sent
 *        └─────── HTTP_AT_ONCE ──────────────────────────────────────────────────────^ */
#include <config.h>
#include "http-server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "http-check.h"
#include "http-listen.h"
#include "http-stream.h"
#include "http-threads.h"
#include "text.h"

#define HTTP_TICK_MS 100u
#define HTTP_ALIVE_TICKS 150u /* 15 s: something is sent to each stream, that proxies keep it */
#define HTTP_PEM_MAX (1u << 20)

static const struct http_lane_size http_lanes[HTTP_AT_ONCE] = {
    [HTTP_QUICK] = {HTTP_QUICK_THREADS, HTTP_QUICK_WAITING},
    [HTTP_HASH] = {HTTP_HASH_THREADS, HTTP_HASH_WAITING},
    [HTTP_FILE] = {HTTP_FILE_THREADS, HTTP_FILE_WAITING},
    [HTTP_REMOTE] = {HTTP_REMOTE_THREADS, HTTP_REMOTE_WAITING},
};

enum http_phase { HTTP_READING, HTTP_GIVEN, HTTP_ANSWERED };

struct http_call {
    struct http_job job; /* first */
    struct http_server *server;
    struct http_request request;
    char from[HTTP_CLIENT_SIZE];
    struct buffer body;
    enum http_lane lane;
    enum http_phase phase;
    bool ends; /* the connection, with this answer */
    struct http_answer answer;
};

/* One connection, for the ticker. */
struct http_peer {
    struct http_peer *next, **at;
    struct http_server *server;
    int fd;
    uint64_t until_ms; /* 0: as long as it likes */
};

struct http_server {
    struct MHD_Daemon *daemon;
    struct http_options options;
    struct http_threads *threads;
    struct http_streams *streams;
    struct http_listener listener;
    char *hosts;
    struct buffer certificate, key;
    pthread_t ticker;
    bool ticks;
    pthread_mutex_t lock; /* over all below */
    pthread_cond_t ended;
    bool ending;
    struct http_peer *peers;
};

static uint64_t http_now_ms(void)
{
    return clock_monotonic_ms(clock_system());
}

const char *http_method_name(enum http_method method)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OTHER"};
    return names[method];
}

static enum http_method http_method_of(const char *name)
{
    for (unsigned i = HTTP_GET; i < HTTP_OTHER; i++)
        if (text_equal(name, http_method_name((enum http_method)i)))
            return (enum http_method)i;
    return HTTP_OTHER;
}

const char *http_request_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *http_request_query(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *http_request_cookie(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND, name);
}

/* ---- Answers --------------------------------------------------------------------------------- */

bool http_answer_header(struct http_answer *answer, const char *name, const char *value)
{
    if (answer->header_count == HTTP_HEADERS_MAX || strlen(value) >= HTTP_HEADER_SIZE ||
        text_has_control(value))
        return false;
    answer->headers[answer->header_count].name = name;
    text_copy(answer->headers[answer->header_count++].value, HTTP_HEADER_SIZE, value);
    return true;
}

static void http_answer_init(struct http_answer *answer)
{
    *answer = (struct http_answer){.code = MHD_HTTP_OK, .type = "application/json", .fd = -1};
    buffer_init(&answer->body, HTTP_ANSWER_MAX);
}

static void http_answer_done(struct http_answer *answer)
{
    buffer_done(&answer->body);
    cleanup_fd_at(&answer->fd);
    if (answer->ended != NULL)
        answer->ended(answer->ended_context, answer->held);
}

void http_answer_refuse(struct http_answer *answer, int code, const char *title, const char *what,
                        const char *to_do)
{
    answer->code = code;
    answer->stream = false;
    answer->type = "application/problem+json";
    buffer_clear(&answer->body);
    (void)buffer_printf(&answer->body, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,"
                                       "\"detail\":\"%s\",\"to_do\":\"%s\","
                                       "\"message\":\"%s; %s\"}\n",
                        title, code, what, to_do, what, to_do);
}

static void http_add_headers(struct MHD_Response *response, const struct http_call *call)
{
    const struct http_answer *answer = &call->answer;
    static const char policy[] = "default-src 'none'; frame-ancestors 'none'";
    (void)MHD_add_response_header(response, "Content-Type", answer->type);
    (void)MHD_add_response_header(response, "Cache-Control",
                                  answer->cached ? "no-cache" : "no-store");
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    (void)MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    (void)MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
    (void)MHD_add_response_header(response, "Cross-Origin-Opener-Policy", "same-origin");
    (void)MHD_add_response_header(response, "Content-Security-Policy",
                                  answer->policy != NULL ? answer->policy : policy);
    if (call->ends)
        (void)MHD_add_response_header(response, "Connection", "close");
    if (call->request.secure)
        (void)MHD_add_response_header(response, "Strict-Transport-Security", "max-age=31536000");
    for (size_t i = 0; i < answer->header_count; i++)
        (void)MHD_add_response_header(response, answer->headers[i].name, answer->headers[i].value);
}

/* The part of the file that is wanted. */
static struct MHD_Response *http_file_response(struct http_call *call)
{
    struct http_answer *answer = &call->answer;
    uint64_t first = 0, count = answer->fd_size;
    char range[80];
    enum http_range wanted = answer->code != MHD_HTTP_OK
                                 ? HTTP_RANGE_NONE
                                 : http_check_range(http_request_header(&call->request, "Range"),
                                                    answer->fd_size, &first, &count);
    (void)http_answer_header(answer, "Accept-Ranges", "bytes");
    if (wanted == HTTP_RANGE_BAD) {
        (void)snprintf(range, sizeof range, "bytes */%llu", (unsigned long long)answer->fd_size);
        (void)http_answer_header(answer, "Content-Range", range);
        http_answer_refuse(answer, MHD_HTTP_RANGE_NOT_SATISFIABLE, "Range Not Satisfiable",
                           "there are no such bytes", "Content-Range tells how many there are");
        return MHD_create_response_from_buffer(answer->body.len, answer->body.data,
                                               MHD_RESPMEM_MUST_COPY);
    }
    if (wanted == HTTP_RANGE_PART) {
        (void)snprintf(range, sizeof range, "bytes %llu-%llu/%llu", (unsigned long long)first,
                       (unsigned long long)(first + count - 1),
                       (unsigned long long)answer->fd_size);
        (void)http_answer_header(answer, "Content-Range", range);
        answer->code = MHD_HTTP_PARTIAL_CONTENT;
    }
    return MHD_create_response_from_fd_at_offset64(count, TAKE_FD(answer->fd), first);
}

uint64_t http_server_publish(struct http_server *server, const char *event, size_t size)
{
    return http_streams_publish(server->streams, event, size, true);
}

unsigned http_server_streams(struct http_server *server)
{
    return http_streams_count(server->streams);
}

void http_server_hearers(struct http_server *server,
                         bool (*may)(void *context, const struct http_hearer *hearer),
                         void *context)
{
    http_streams_hearers(server->streams, may, context);
}

/* ---- Connections ----------------------------------------------------------------------------- */

static void http_peer_end(struct http_peer *peer)
{
    *peer->at = peer->next;
    if (peer->next != NULL)
        peer->next->at = peer->at;
    free(peer);
}

static void http_peer_begin(struct http_server *server, struct MHD_Connection *connection,
                            void **out_peer)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct http_peer *peer = calloc(1, sizeof *peer);
    *out_peer = peer;
    if (peer == NULL || info == NULL)
        return;
    *peer = (struct http_peer){.server = server, .fd = info->connect_fd, .next = server->peers,
                               .at = &server->peers, .until_ms = http_now_ms() + HTTP_HEAD_MS};
    if (peer->next != NULL)
        peer->next->at = &peer->next;
    server->peers = peer;
}

static void http_on_connection(void *context, struct MHD_Connection *connection, void **peer,
                               enum MHD_ConnectionNotificationCode what)
{
    struct http_server *server = context;
    pthread_mutex_lock(&server->lock);
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        http_peer_begin(server, connection, peer);
    else if (*peer != NULL)
        http_peer_end(*peer);
    pthread_mutex_unlock(&server->lock);
}

/* What comes next has so long; 0: as long as it likes. */
static void http_allow(struct http_server *server, struct MHD_Connection *connection, uint64_t ms)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_peer *peer = info == NULL ? NULL : info->socket_context;
    pthread_mutex_lock(&server->lock);
    if (peer != NULL)
        peer->until_ms = ms == 0 ? 0 : http_now_ms() + ms;
    pthread_mutex_unlock(&server->lock);
}

/* Descriptors of connections stay open until the server's thread was told of their end: it takes
 * the lock for that. */
static void http_end_late(struct http_server *server)
{
    uint64_t now_ms = http_now_ms();
    pthread_mutex_lock(&server->lock);
    for (struct http_peer *peer = server->peers; peer != NULL; peer = peer->next)
        if (peer->until_ms != 0 && now_ms >= peer->until_ms)
            (void)shutdown(peer->fd, SHUT_RDWR);
    pthread_mutex_unlock(&server->lock);
}

/* ---- Requests -------------------------------------------------------------------------------- */

static void http_call_free(struct http_call *call)
{
    if (call == NULL)
        return;
    http_answer_done(&call->answer);
    buffer_done(&call->body);
    free(call);
}

static void http_on_completed(void *context, struct MHD_Connection *connection, void **state,
                              enum MHD_RequestTerminationCode why)
{
    (void)why;
    if (*state != NULL)
        http_allow(context, connection, HTTP_HEAD_MS);
    http_call_free(TAKE(*state));
}

struct http_find {
    const char *name, *value; /* NULL: there is none */
};

static enum MHD_Result http_last(void *context, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    struct http_find *wanted = context;
    (void)kind;
    if (text_equal_nocase(name, wanted->name))
        wanted->value = value;
    return MHD_YES;
}

/* Of a header that comes twice the last one: a proxy adds its own behind what it got. */
static void http_call_from(struct http_call *call, const struct sockaddr *peer)
{
    const struct http_options *options = &call->server->options;
    char text[INET6_ADDRSTRLEN];
    struct http_find list = {http_forwarded_name(options->forwarded), NULL};
    http_listen_peer_text(peer, text, sizeof text);
    (void)MHD_get_connection_values(call->request.connection, MHD_HEADER_KIND, http_last, &list);
    http_forwarded_client(text, options->proxies, options->forwarded, list.value, call->from);
}

static struct http_call *http_call_new(struct http_server *server,
                                       struct MHD_Connection *connection, const char *path,
                                       const char *method)
{
    struct http_call *call = calloc(1, sizeof *call);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (call == NULL)
        return NULL;
    call->server = server;
    buffer_init(&call->body, HTTP_BODY_MAX);
    http_answer_init(&call->answer);
    call->request = (struct http_request){.method = http_method_of(method),
                                          .path = path,
                                          .from = call->from,
                                          .secure = server->certificate.len > 0,
                                          .body = "",
                                          .connection = connection};
    http_call_from(call, info == NULL ? NULL : info->client_addr);
    return call;
}

static void http_stream_admit(struct http_call *call)
{
    enum http_room room = http_streams_room(call->server->streams, &call->answer.hearer);
    if (room == HTTP_ROOM)
        return;
    if (room == HTTP_ROOM_NONE_FOR_HIM)
        http_answer_refuse(&call->answer, MHD_HTTP_TOO_MANY_REQUESTS, "Too Many Requests",
                           "this user listens too often already", "close a page, then try again");
    else
        http_answer_refuse(&call->answer, MHD_HTTP_SERVICE_UNAVAILABLE, "Service Unavailable",
                           "too many listen already", "try again later");
    (void)http_answer_header(&call->answer, "Retry-After", "60");
}

static enum MHD_Result http_send(struct http_call *call)
{
    struct http_answer *answer = &call->answer;
    struct MHD_Response *response;
    call->phase = HTTP_ANSWERED;
    if (answer->stream)
        http_stream_admit(call);
    if (answer->stream)
        response = http_streams_respond(call->server->streams, call->request.connection, answer);
    else if (answer->fd >= 0)
        response = http_file_response(call);
    else if (answer->fixed != NULL) /* it is never written to */
        response = MHD_create_response_from_buffer(
            answer->fixed_size, (void *)(uintptr_t)answer->fixed, MHD_RESPMEM_PERSISTENT);
    else
        response = MHD_create_response_from_buffer(answer->body.len, answer->body.data,
                                                   MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    http_add_headers(response, call);
    http_allow(call->server, call->request.connection,
               answer->stream ? HTTP_STREAM_MS : HTTP_ANSWER_MS);
    enum MHD_Result queued = MHD_queue_response(call->request.connection, (unsigned)answer->code,
                                                response);
    MHD_destroy_response(response);
    return queued;
}

static bool http_changes(const struct http_request *request)
{
    return request->method != HTTP_GET && request->method != HTTP_HEAD;
}

/* @why is told to others too. */
static void http_refuse(struct http_call *call, int code, const char *title, const char *why,
                        const char *to_do)
{
    const struct http_options *options = &call->server->options;
    http_answer_refuse(&call->answer, code, title, why, to_do);
    if (options->refused != NULL)
        options->refused(options->context, &call->request, why);
}

/* Whether this request is not even read; its answer then. */
static bool http_refuses(struct http_call *call)
{
    const struct http_request *request = &call->request;
    const char *host = http_request_header(request, "Host");
    const char *length = http_request_header(request, "Content-Length");
    uint64_t size;
    if (!http_check_host(host, call->server->listener.address, call->server->hosts))
        http_refuse(call, MHD_HTTP_FORBIDDEN, "Forbidden", "this is another host",
                    "the setting web-hosts names those that it may be called by");
    else if (http_changes(request) &&
             !http_check_site(host, http_request_header(request, "Origin"),
                              http_request_header(request, "Sec-Fetch-Site")))
        http_refuse(call, MHD_HTTP_FORBIDDEN, "Forbidden",
                    "this was sent by a page of another site",
                    "do it on the page of mailchute itself");
    else if (length != NULL && (text_to_u64(length, UINT64_MAX, &size) < 0 || size > HTTP_BODY_MAX))
        http_answer_refuse(&call->answer, MHD_HTTP_CONTENT_TOO_LARGE, "Content Too Large",
                           "a body may have 1 MB", "send less");
    else
        return false;
    return true;
}

static enum MHD_Result http_field(void *context, enum MHD_ValueKind kind, const char *name,
                                  size_t name_size, const char *value, size_t value_size)
{
    (void)kind;
    http_check_field(context, name, name_size, value, value_size);
    return MHD_YES;
}

/* The library is lenient: of two lengths it takes the first. What comes behind a request that is
 * not plain is not looked at. */
static bool http_refuses_head(struct http_call *call, const char *version)
{
    struct http_head head = {.hosts = 0};
    (void)MHD_get_connection_values_n(call->request.connection, MHD_HEADER_KIND, http_field, &head);
    const char *why = http_check_head(&head, version);
    if (why == NULL)
        return false;
    call->ends = true;
    http_refuse(call, MHD_HTTP_BAD_REQUEST, "Bad Request", why,
                "write the request as RFC 9112 has it");
    return true;
}

static enum MHD_Result http_begin(struct http_call *call, const char *version)
{
    if (http_refuses_head(call, version) || http_refuses(call))
        return http_send(call);
    call->lane = call->server->options.route(call->server->options.context, &call->request);
    http_allow(call->server, call->request.connection, HTTP_BODY_MS);
    return MHD_YES;
}

static enum MHD_Result http_take_body(struct http_call *call, const char *bytes, size_t *size)
{
    if (buffer_append(&call->body, bytes, *size) < 0)
        return MHD_NO; /* it goes on although it was told how much there may be */
    *size = 0;
    return MHD_YES;
}

/* A thread of ours. The connection may be gone as soon as it is resumed, and the call with it. */
static void http_run(struct http_job *job, unsigned thread)
{
    struct http_call *call = (struct http_call *)job;
    call->server->options.answer(call->server->options.context, thread, &call->request,
                                 &call->answer);
    call->phase = HTTP_ANSWERED;
    MHD_resume_connection(call->request.connection);
}

static enum MHD_Result http_give(struct http_call *call)
{
    struct http_server *server = call->server;
    pthread_mutex_lock(&server->lock);
    bool ending = server->ending;
    if (!ending) {
        call->phase = HTTP_GIVEN;
        call->job.run = http_run;
        MHD_suspend_connection(call->request.connection);
    }
    pthread_mutex_unlock(&server->lock);
    if (ending)
        return MHD_NO;
    http_allow(server, call->request.connection, 0);
    if (http_threads_give(server->threads, call->lane, &call->job))
        return MHD_YES;
    http_answer_refuse(&call->answer, MHD_HTTP_SERVICE_UNAVAILABLE, "Service Unavailable",
                       "too much is asked at once", "try again in some seconds");
    (void)http_answer_header(&call->answer, "Retry-After",
                             call->lane == HTTP_REMOTE ? "30" : "5");
    call->phase = HTTP_ANSWERED;
    MHD_resume_connection(call->request.connection);
    return MHD_YES;
}

static enum MHD_Result http_answer_now(struct http_call *call)
{
    struct http_server *server = call->server;
    server->options.answer(server->options.context, HTTP_THREADS, &call->request, &call->answer);
    return http_send(call);
}

static enum MHD_Result http_handle(void *context, struct MHD_Connection *connection,
                                   const char *path, const char *method, const char *version,
                                   const char *upload, size_t *upload_size, void **state)
{
    struct http_call *call = *state;
    if (call == NULL) {
        *state = call = http_call_new(context, connection, path, method);
        return call == NULL ? MHD_NO : http_begin(call, version);
    }
    if (*upload_size != 0)
        return http_take_body(call, upload, upload_size);
    if (call->phase == HTTP_ANSWERED)
        return http_send(call);
    call->request.body = buffer_text(&call->body);
    call->request.body_size = call->body.len;
    return call->lane == HTTP_AT_ONCE ? http_answer_now(call) : http_give(call);
}

/* ---- The ticker ------------------------------------------------------------------------------ */

static void *http_tick(void *context)
{
    struct http_server *server = context;
    unsigned ticks = 0;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    pthread_mutex_lock(&server->lock);
    while (!server->ending) {
        until.tv_nsec += (long)HTTP_TICK_MS * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        while (!server->ending &&
               pthread_cond_timedwait(&server->ended, &server->lock, &until) != ETIMEDOUT)
            continue;
        if (server->ending)
            break;
        pthread_mutex_unlock(&server->lock);
        http_end_late(server);
        if (server->options.tick != NULL)
            server->options.tick(server->options.context);
        if (++ticks % HTTP_ALIVE_TICKS == 0)
            (void)http_streams_publish(server->streams, ": alive\n\n", 9, false);
        clock_gettime(CLOCK_MONOTONIC, &until); /* one that took long is not made up for */
        pthread_mutex_lock(&server->lock);
    }
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

static int http_start_ticker(struct http_server *server)
{
    sigset_t every, before; /* signals are the main thread's */
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    server->ticks = pthread_create(&server->ticker, NULL, http_tick, server) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return server->ticks ? 0 : -1;
}

/* ---- Start and end --------------------------------------------------------------------------- */

/* RFC 8996 ends 1.0 and 1.1. Not const: libmicrohttpd asks for it so. */
static char http_tls_versions[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

static struct MHD_Daemon *http_start_daemon(struct http_server *server, int fd)
{
    bool tls = server->certificate.len > 0;
    const struct MHD_OptionItem items[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, server->certificate.data},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, server->key.data},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, http_tls_versions},
        {MHD_OPTION_END, 0, NULL}};
    const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    return MHD_start_daemon( /* AUTO: not select(), which knows 1,024 descriptors */
        MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_ALLOW_SUSPEND_RESUME |
            (tls ? MHD_USE_TLS : 0),
        0, NULL, NULL, http_handle, server, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        HTTP_TIMEOUT_S, MHD_OPTION_PER_IP_CONNECTION_LIMIT, HTTP_CONNECTIONS_EACH_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEAD_MAX,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, http_on_completed, server,
        MHD_OPTION_NOTIFY_CONNECTION, http_on_connection, server, MHD_OPTION_ARRAY,
        tls ? items : none, MHD_OPTION_END);
}

static int http_start(struct http_server *server, struct error *err)
{
    AUTO_FD fd = -1;
    const struct http_options *options = &server->options;
    if (http_listen_open(options->listen, &server->listener, &fd, err) < 0 ||
        http_listen_read_pem(options->certificate, &server->certificate, err) < 0 ||
        http_listen_read_pem(options->key, &server->key, err) < 0 ||
        http_streams_new(&server->streams, err) < 0 ||
        http_threads_new(http_lanes, HTTP_AT_ONCE, &server->threads, err) < 0)
        return -1;
    if (server->certificate.len > 0 && MHD_is_feature_supported(MHD_FEATURE_SSL) != MHD_YES)
        return error_set(err, ERROR_CONFIG, "this libmicrohttpd was built without TLS; take out "
                         "web-certificate and put a proxy in front");
    server->daemon = http_start_daemon(server, fd);
    if (server->daemon == NULL)
        return error_set(err, ERROR_CONFIG, "the HTTP server does not start at '%.80s'%s",
                         options->listen, server->certificate.len > 0
                             ? "; check that web-certificate and web-key belong together" : "");
    (void)TAKE_FD(fd); /* closed with the daemon */
    return http_start_ticker(server) < 0 ? error_oom(err, "starting a thread") : 0;
}

int http_server_new(const struct http_options *options, struct http_server **out_server,
                    struct error *err)
{
    AUTO(http_server) server = calloc(1, sizeof *server);
    pthread_condattr_t monotonic;
    if (server == NULL || (server->hosts = strdup(options->hosts)) == NULL) {
        free(TAKE(server));
        return error_oom(err, "starting the HTTP server");
    }
    server->options = *options;
    buffer_init(&server->certificate, HTTP_PEM_MAX);
    buffer_init(&server->key, HTTP_PEM_MAX);
    pthread_mutex_init(&server->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&server->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (http_start(server, err) < 0)
        return -1;
    *out_server = TAKE(server);
    return 0;
}

unsigned http_server_port(const struct http_server *server)
{
    return server->listener.port;
}

const char *http_server_host(const struct http_server *server)
{
    return server->listener.address;
}

/* Nothing is suspended from here on: a daemon that is stopped may have nothing of that. */
static void http_end_all(struct http_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->ending = true;
    pthread_cond_broadcast(&server->ended);
    pthread_mutex_unlock(&server->lock);
    if (server->streams != NULL)
        http_streams_end(server->streams);
    if (server->ticks)
        pthread_join(server->ticker, NULL);
    http_threads_free(TAKE(server->threads)); /* what waits is answered and resumed */
}

void http_server_free(struct http_server *server)
{
    if (server == NULL)
        return;
    http_end_all(server);
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon);
    http_streams_free(server->streams);
    pthread_cond_destroy(&server->ended);
    pthread_mutex_destroy(&server->lock);
    if (server->key.data != NULL)
        explicit_bzero(server->key.data, server->key.cap);
    buffer_done(&server->certificate);
    buffer_done(&server->key);
    free(server->hosts);
    free(server);
}
