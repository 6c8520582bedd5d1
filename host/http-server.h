/* SPDX-License-Identifier: Apache-2.0 */
/* http-server.h - a small HTTP server. The door to libmicrohttpd, with http-stream.h.
 *
 *     the server's thread   reads requests, sends answers; calls route(), and answer() of what is
 *                           answered at once
 *     HTTP_QUICK, _HASH,    threads of their own, which call answer() of what may block, each kind
 *     _FILE, _REMOTE        in its own: nobody waits for what is of another kind, and only so many
 *                           wait for their like, more are answered 503. Meanwhile the connection
 *                           is suspended and costs nothing
 *     a ticker              ends what takes too long, and calls tick()
 *
 * Limits: HTTP_CONNECTIONS_MAX connections, HTTP_CONNECTIONS_EACH_MAX from one address, of which
 * HTTP_STREAMS_MAX may be event streams, and HTTP_STREAMS_EACH_MAX those of one hearer;
 * HTTP_HEAD_MAX bytes of a request's head within HTTP_HEAD_MS, HTTP_BODY_MAX bytes of body within
 * HTTP_BODY_MS, an answer within HTTP_ANSWER_MS; 10 s without progress end a connection.
 *
 * Refused before anything is asked: a Host header that names neither this machine, nor the address
 * it listens at, nor one of options.hosts (a page elsewhere must not be able to ask through a
 * visitor's browser); requests of other sites' pages that would change something (http-check.h).
 *
 * Every answer says nosniff, no-store unless it has an ETag, no referrer, no frames, and a content
 * security policy. */
#ifndef MAILCHUTE_HOST_HTTP_SERVER_H
#define MAILCHUTE_HOST_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "cleanup.h"
#include "error.h"
#include "http-forwarded.h"

#define HTTP_CONNECTIONS_MAX 1200u
#define HTTP_CONNECTIONS_EACH_MAX 1100u
#define HTTP_STREAMS_MAX 1000u
#define HTTP_STREAMS_EACH_MAX 100u
#define HTTP_HEAD_MAX 16384u
#define HTTP_BODY_MAX (1u << 20)
#define HTTP_TIMEOUT_S 10u
#define HTTP_HEAD_MS 10000u
#define HTTP_BODY_MS 30000u
#define HTTP_ANSWER_MS 600000u
#define HTTP_STREAM_MS 900000u /* then whoever listens comes again, and shows who he is */
#define HTTP_ANSWER_MAX (64u << 20)
#define HTTP_HEADERS_MAX 8u
#define HTTP_HEADER_SIZE 512u
#define HTTP_QUICK_THREADS 2u  /* a question to the database */
#define HTTP_HASH_THREADS 2u   /* a password: a tenth of a second, 64 MB */
#define HTTP_FILE_THREADS 2u   /* a whole message is read: seconds */
#define HTTP_REMOTE_THREADS 4u /* another server is asked: up to a minute */
#define HTTP_THREADS                                                                               \
    (HTTP_QUICK_THREADS + HTTP_HASH_THREADS + HTTP_FILE_THREADS + HTTP_REMOTE_THREADS)
#define HTTP_QUICK_WAITING HTTP_CONNECTIONS_MAX /* all who listen may come back at once */
#define HTTP_HASH_WAITING 64u
#define HTTP_FILE_WAITING 64u
#define HTTP_REMOTE_WAITING 4u
#define HTTP_EVENTS_KEPT 512u /* a stream that is further behind is ended: it comes again */
#define HTTP_EVENT_MAX 65536u

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_DELETE, HTTP_OTHER };
const char *http_method_name(enum http_method method); /* static */

enum http_lane { HTTP_QUICK, HTTP_HASH, HTTP_FILE, HTTP_REMOTE, HTTP_AT_ONCE };

struct http_request {
    enum http_method method;
    const char *path;   /* "/metrics", decoded */
    const char *from;   /* the client's address: the peer's, or whom it asks for */
    bool secure;        /* it came by TLS */
    const char *body;   /* ends in NUL besides; "" where there is none */
    size_t body_size;
    void *route;        /* what route() left here */
    void *connection;   /* the server's */
};

/** http_request_header, _query, _cookie - borrowed until the answer; NULL: there is none. */
const char *http_request_header(const struct http_request *request, const char *name);
const char *http_request_query(const struct http_request *request, const char *name);
const char *http_request_cookie(const struct http_request *request, const char *name);

/* Who listens to an event stream, in the words of whoever answered: what it needs to say later
 * whether he still may. */
struct http_hearer {
    char who[40]; /* HTTP_STREAMS_EACH_MAX streams for each */
    uint8_t proof[32];
    uint32_t rights;
};

struct http_answer {
    int code;           /* 200 before */
    const char *type;   /* "application/json" before; static */
    const char *policy; /* content security policy; NULL: nothing may be loaded. Static */
    struct buffer body;
    const void *fixed;  /* not NULL: static bytes instead of body */
    size_t fixed_size;
    int fd;             /* not -1: @fd_size bytes of this file instead; given */
    uint64_t fd_size;
    void (*ended)(void *context, uint64_t held); /* it was sent, or will not be; NULL: nobody needs
                                                    to know. Any thread */
    void *ended_context;
    uint64_t held;      /* for ended() */
    bool cached;        /* it may be kept, if it is asked about: it has an ETag */
    bool stream;        /* behind body come the events that are published from now on */
    uint64_t events_after; /* ... or all behind this number, if they are still kept; 0: from now */
    struct http_hearer hearer; /* ... for this one */
    struct {
        const char *name; /* static */
        char value[HTTP_HEADER_SIZE];
    } headers[HTTP_HEADERS_MAX];
    size_t header_count;
};

/** http_answer_refuse - instead of what is there: a problem (RFC 9457) that says what is wrong and
 * what to do; texts of our own without quotes or backslashes. */
void http_answer_refuse(struct http_answer *answer, int code, const char *title, const char *what,
                        const char *to_do) __attribute__((nonnull));

/** http_answer_header - add one; false when there is no room, or it would not stay one line. */
bool http_answer_header(struct http_answer *answer, const char *name, const char *value);

struct http_options {
    const char *listen;      /* "127.0.0.1:8425" or "[::1]:8425", port 0 for any that is free */
    const char *hosts;       /* other names that a Host header may have, with spaces between; "" */
    const char *proxies;     /* http-forwarded.h: whose word for whom they ask is taken; "" */
    enum http_forwarded forwarded; /* ... in this header */
    const char *certificate; /* PEM files: TLS; "": without */
    const char *key;
    /* Where a request is to be answered. @request has no body yet. */
    enum http_lane (*route)(void *context, struct http_request *request);
    /* @thread: 0..HTTP_THREADS - 1 in the lanes, HTTP_THREADS in the server's. 404 is its business
     * too. */
    void (*answer)(void *context, unsigned thread, const struct http_request *request,
                   struct http_answer *out_answer);
    /* A request that was not even looked at: another host, another site's page, a head that is
     * none. In the server's thread; NULL: nobody is told. @why is borrowed. */
    void (*refused)(void *context, const struct http_request *request, const char *why);
    void (*tick)(void *context); /* ten times a second, in the ticker's thread; NULL: never */
    void *context;
};

struct http_server;

/** http_server_new - listen. ERROR_CONFIG when it cannot. */
int http_server_new(const struct http_options *options, struct http_server **out_server,
                    struct error *err);
void http_server_free(struct http_server *server); /* ends its threads; NULL is fine */
AUTO_DEFINE(http_server, http_server_free);
unsigned http_server_port(const struct http_server *server);
const char *http_server_host(const struct http_server *server); /* "127.0.0.1", "[::1]" */

/** http_server_publish - send these bytes (<= HTTP_EVENT_MAX), which end with an empty line, to all
 * event streams, "id: NUMBER" before them. Any thread. Returns the number, 0 when it was not done.
 */
uint64_t http_server_publish(struct http_server *server, const char *event, size_t size);

/** http_server_streams - how many event streams there are. Any thread. */
unsigned http_server_streams(struct http_server *server);

/** http_server_hearers - end the event streams of those who may not listen any more: @may is asked
 * about each hearer once, without a lock. Any thread. */
void http_server_hearers(struct http_server *server,
                         bool (*may)(void *context, const struct http_hearer *hearer),
                         void *context);

#endif
