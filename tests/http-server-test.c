/* SPDX-License-Identifier: Apache-2.0 */
/* http-server-test.c - what http-server.h promises, to clients that are slow, greedy or many. */
#include <config.h>
#include "check-main.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http-server.h"
#include "text.h"

static struct http_server *server;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* /slow waits for it */

static enum http_lane route(void *context, struct http_request *request)
{
    (void)context;
    static const char *const paths[] = {"/quick", "/hash", "/file-lane", "/slow"};
    enum http_lane lane = HTTP_QUICK;
    if (text_equal(request->path, "/held"))
        return HTTP_FILE;
    while (lane < HTTP_AT_ONCE && !text_equal(request->path, paths[lane]))
        lane++;
    return lane;
}

static int file_of(const char *text)
{
    char name[] = "/tmp/http-server-test-XXXXXX";
    int fd = mkstemp(name);
    ck_assert_int_ge(fd, 0);
    unlink(name);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    return fd;
}

static atomic_uint ended;

static void has_ended(void *context, uint64_t held)
{
    ck_assert_ptr_null(context);
    ck_assert_uint_eq(held, 7);
    ended++;
}

static const char *thread_name(unsigned thread)
{
    return thread < HTTP_QUICK_THREADS                                           ? "quick"
           : thread < HTTP_QUICK_THREADS + HTTP_HASH_THREADS                     ? "hash"
           : thread < HTTP_QUICK_THREADS + HTTP_HASH_THREADS + HTTP_FILE_THREADS ? "file"
           : thread < HTTP_THREADS                                               ? "slow"
                                                                                 : "now";
}

static void answer(void *context, unsigned thread, const struct http_request *request,
                   struct http_answer *out)
{
    (void)context;
    if (text_equal(request->path, "/slow") || text_equal(request->path, "/held")) {
        pthread_mutex_lock(&gate);
        pthread_mutex_unlock(&gate);
    }
    if (text_equal(request->path, "/file")) {
        out->fd = file_of("0123456789");
        out->fd_size = 10;
        out->ended = has_ended;
        out->held = 7;
        return;
    }
    if (text_equal(request->path, "/events")) {
        const char *after = http_request_header(request, "Last-Event-ID");
        const char *who = http_request_query(request, "who");
        text_copy(out->hearer.who, sizeof out->hearer.who, who == NULL ? "" : who);
        out->type = "text/event-stream";
        out->stream = true;
        if (after != NULL)
            (void)text_to_u64(after, UINT64_MAX, &out->events_after);
        (void)buffer_append_text(&out->body, ": hello\n\n");
        return;
    }
    out->type = "text/plain";
    (void)http_answer_header(out, "X-Kept", "yes");
    ck_assert(!http_answer_header(out, "X-Split", "a\r\nSet-Cookie: b=c"));
    (void)buffer_printf(&out->body, "%s %s %s q=%s c=%s h=%s %zu:%.20s from %s",
                        http_method_name(request->method), request->path,
                        thread_name(thread),
                        http_request_query(request, "q"), http_request_cookie(request, "c"),
                        http_request_header(request, "X-H"), request->body_size, request->body,
                        request->from);
}

static void setup(void)
{
    const struct http_options options = {.listen = "127.0.0.1:0", .hosts = "mail.example.org",
                                         .proxies = "127.0.0.1",
                                         .certificate = "", .key = "", .route = route,
                                         .answer = answer};
    struct error err;
    ck_assert_msg(http_server_new(&options, &server, &err) == 0, "%s", err.text);
}

static void teardown(void)
{
    http_server_free(server);
    server = NULL;
}

static int dial(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)http_server_port(server))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        ssize_t n = send(fd, text, left, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* it does not want more */
        text += n;
        left -= (size_t)n;
    }
}

/* Read until this text came, or all there is. Static. */
static const char *hear(int fd, const char *until)
{
    static char text[65536];
    size_t len = 0;
    ssize_t n;
    text[0] = '\0';
    while (len < sizeof text - 1 && (until == NULL || strstr(text, until) == NULL) &&
           (n = recv(fd, text + len, sizeof text - 1 - len, 0)) > 0)
        text[len += (size_t)n] = '\0';
    return text;
}

/* One whole exchange. Static. */
static const char *ask(const char *request)
{
    int fd = dial();
    say(fd, request);
    const char *heard = hear(fd, NULL);
    close(fd);
    return heard;
}

#define ck_heard(heard, part)                                                                      \
    do {                                                                                           \
        const char *text_ = heard;                                                                 \
        ck_assert_msg(strstr(text_, part) != NULL, "'%s' is not in: %s", part, text_);             \
    } while (0)

#define END "Host: localhost\r\nConnection: close\r\n\r\n"

START_TEST(a_request_arrives_with_all_it_carries)
{
    ck_heard(
        ask("POST /quick?q=a%20b HTTP/1.1\r\nCookie: b=1; c=2\r\nX-H: v\r\nContent-Length: 5\r\n"
            "Host: localhost\r\nConnection: close\r\n\r\nhello"),
        "POST /quick quick q=a b c=2 h=v 5:hello");
    ck_heard(
        ask("PUT /slow HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END "3\r\nabc\r\n0\r\n\r\n"),
        "PUT /slow slow q=(null) c=(null) h=(null) 3:abc");
    ck_heard(ask("DELETE /x HTTP/1.1\r\n" END), "DELETE /x now");
    ck_heard(ask("BREW /x HTTP/1.1\r\n" END), "OTHER /x now");
    ck_heard(ask("GET /x HTTP/1.1\r\n" END), "X-Kept: yes");
}
END_TEST

/* What a stranger sends through somebody's proxy, with the start of a request behind it. */
START_TEST(nothing_hides_behind_a_request_that_others_may_read_otherwise)
{
#define SECOND "GET /second HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define OLD_POST "POST /quick HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n"
#define POST "POST /quick HTTP/1.1\r\nHost: localhost\r\n"
    static const char *const smuggled[] = {
        POST "Content-Length: 0\r\nContent-Length: 49\r\n\r\n" SECOND,
        POST "Content-Length: 49\r\nContent-Length: 0\r\n\r\n" SECOND,
        POST "Content-Length: 54\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SECOND,
        POST "Transfer-Encoding: chunked\r\nContent-Length: 54\r\n\r\n0\r\n\r\n" SECOND,
        POST "Transfer-Encoding:\tchunked\r\nContent-Length: 54\r\n\r\n0\r\n\r\n" SECOND,
        POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" SECOND,
        POST "Transfer-Encoding : chunked\r\nContent-Length: 54\r\n\r\n0\r\n\r\n" SECOND,
        POST "Transfer-Encoding:\r\n chunked\r\nContent-Length: 54\r\n\r\n0\r\n\r\n" SECOND,
        POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" SECOND,
        POST "Content-Length: 0, 49\r\n\r\n" SECOND,
        POST "Content-Length: +0\r\n\r\n" SECOND,
        POST "Content-Length : 0\r\n\r\n" SECOND,
        OLD_POST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SECOND,
        POST "Host: evil.example\r\nContent-Length: 0\r\n\r\n" SECOND,
    };
    for (size_t i = 0; i < sizeof smuggled / sizeof smuggled[0]; i++) {
        const char *heard = ask(smuggled[i]); /* nothing: it was reset with what it said */
        ck_assert_msg(heard[0] == '\0' || strstr(heard, "HTTP/1.1 400 ") != NULL, "%s: %s",
                      smuggled[i], heard);
        ck_assert_msg(strstr(heard, "/second") == NULL && strstr(heard, " 200 ") == NULL, "%s",
                      smuggled[i]);
    }
    ck_heard(ask("POST /quick HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: localhost\r\n\r\n"
                 "0\r\n\r\nGET /second HTTP/1.1\r\n" END), "/second"); /* as it should be */
}
END_TEST

START_TEST(for_whom_a_proxy_asks_stands_at_the_end_of_what_it_sends)
{
    ck_heard(ask("GET /x HTTP/1.1\r\n" END), "from 127.0.0.1");
    ck_heard(ask("GET /x HTTP/1.1\r\nX-Forwarded-For: 192.0.2.1\r\n" END), "from 192.0.2.1");
    ck_heard(ask("GET /x HTTP/1.1\r\nX-Forwarded-For: 198.51.100.1\r\nX-H: a\r\n"
                 "x-forwarded-for: 198.51.100.2, 192.0.2.1\r\n" END), "from 192.0.2.1");
    ck_heard(ask("GET /x HTTP/1.1\r\nForwarded: for=192.0.2.1\r\n" END), "from 127.0.0.1");
}
END_TEST

START_TEST(each_answer_forbids_what_a_browser_should_not_do)
{
    const char *heard = ask("GET /x HTTP/1.1\r\n" END);
    ck_heard(heard, "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n");
    ck_heard(heard, "X-Content-Type-Options: nosniff\r\n");
    ck_heard(heard, "Referrer-Policy: no-referrer\r\n");
    ck_heard(heard, "Cache-Control: no-store\r\n");
    ck_assert_ptr_null(strstr(heard, "Set-Cookie"));
    ck_assert_ptr_null(strstr(heard, "Strict-Transport-Security"));
}
END_TEST

START_TEST(whoever_lends_something_to_an_answer_hears_of_its_end)
{
    static const char *const heads[] = {"GET /file HTTP/1.1\r\n" END,
                                        "HEAD /file HTTP/1.1\r\n" END,
                                        "GET /file HTTP/1.1\r\nRange: bytes=3-4\r\n" END,
                                        "GET /file HTTP/1.1\r\nRange: bytes=30-40\r\n" END};
    ended = 0;
    for (unsigned i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        (void)ask(heads[i]);
        while (ended != i + 1) /* the suite has a time limit */
            sched_yield();
    }
    int fd = dial(); /* who does not wait for the answer */
    say(fd, heads[0]);
    close(fd);
    while (ended != sizeof heads / sizeof heads[0] + 1)
        sched_yield();
}
END_TEST

START_TEST(another_host_and_another_sites_page_are_refused)
{
    const char *heard =
        ask("GET /x HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    ck_heard(heard, " 403 ");
    ck_heard(heard, "\"to_do\":\"the setting web-hosts names ");
    ck_heard(ask("GET /x HTTP/1.1\r\nHost: mail.example.org\r\nConnection: close\r\n\r\n"),
             " 200 ");
    ck_heard(ask("POST /x HTTP/1.1\r\nOrigin: http://evil.example\r\n" END), " 403 ");
    ck_heard(ask("POST /x HTTP/1.1\r\nSec-Fetch-Site: cross-site\r\n" END), " 403 ");
    ck_heard(ask("POST /x HTTP/1.1\r\nOrigin: http://localhost\r\n" END), " 200 ");
    ck_heard(ask("GET /x HTTP/1.1\r\nOrigin: http://evil.example\r\n" END), " 200 ");
}
END_TEST

START_TEST(a_body_has_its_limit_told_or_not)
{
    ck_heard(ask("POST /x HTTP/1.1\r\nContent-Length: 1048577\r\n" END), " 413 ");
    ck_heard(ask("POST /x HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n" END), " 4");
    char *big = malloc(HTTP_BODY_MAX + 200);
    int head = snprintf(big, 200, "POST /x HTTP/1.1\r\nContent-Length: %u\r\n" END, HTTP_BODY_MAX);
    memset(big + head, 'x', HTTP_BODY_MAX);
    big[(unsigned)head + HTTP_BODY_MAX] = '\0';
    ck_heard(ask(big), " 1048576:xxxxxxxxxxxxxxxxxxxx");
    free(big);
    int fd = dial(); /* chunks without end */
    say(fd, "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END);
    char chunk[4104] = "1000\r\n";
    memset(chunk + 6, 'x', 4096);
    memcpy(chunk + 6 + 4094, "xx", 3);
    for (unsigned i = 0; i < 300; i++) {
        say(fd, chunk);
        say(fd, "\r\n");
    }
    say(fd, "0\r\n\r\n");
    ck_assert_ptr_null(strstr(hear(fd, NULL), " 200 "));
    close(fd);
}
END_TEST

START_TEST(a_head_has_its_limit)
{
    char head[HTTP_HEAD_MAX + 200] = "GET /x HTTP/1.1\r\nX-H: ";
    size_t len = strlen(head);
    memset(head + len, 'h', HTTP_HEAD_MAX);
    memcpy(head + len + HTTP_HEAD_MAX, "\r\n" END, sizeof "\r\n" END);
    ck_assert_ptr_null(strstr(ask(head), " 200 "));
}
END_TEST

START_TEST(what_is_slow_keeps_nobody_else_waiting)
{
    int slow[HTTP_REMOTE_THREADS + HTTP_REMOTE_WAITING];
    pthread_mutex_lock(&gate);
    for (size_t i = 0; i < sizeof slow / sizeof slow[0]; i++) {
        slow[i] = dial();
        say(slow[i], "GET /slow HTTP/1.1\r\n" END);
    }
    for (unsigned i = 0; i < 20; i++) {
        ck_heard(ask("GET /quick HTTP/1.1\r\n" END), "GET /quick quick");
        ck_heard(ask("GET /hash HTTP/1.1\r\n" END), "GET /hash hash");
        ck_heard(ask("GET /file-lane HTTP/1.1\r\n" END), "GET /file-lane file");
        ck_heard(ask("GET /x HTTP/1.1\r\n" END), "GET /x now");
    }
    pthread_mutex_unlock(&gate);
    for (size_t i = 0; i < sizeof slow / sizeof slow[0]; i++) {
        ck_heard(hear(slow[i], NULL), "GET /slow slow");
        close(slow[i]);
    }
}
END_TEST

START_TEST(more_than_can_wait_are_told_to_come_again)
{
    enum { MANY = HTTP_REMOTE_WAITING + HTTP_REMOTE_THREADS + 8 };
    static int all[MANY];
    unsigned refused = 0;
    pthread_mutex_lock(&gate);
    for (unsigned i = 0; i < MANY; i++) {
        all[i] = dial();
        say(all[i], "GET /slow HTTP/1.1\r\n" END);
    }
    ck_heard(ask("GET /x HTTP/1.1\r\n" END), " 200 "); /* all before it were read */
    pthread_mutex_unlock(&gate);
    for (unsigned i = 0; i < MANY; i++) {
        const char *heard = hear(all[i], NULL);
        ck_assert(strstr(heard, " 200 ") != NULL || strstr(heard, " 503 ") != NULL);
        refused += strstr(heard, "Retry-After: 30") != NULL;
        close(all[i]);
    }
    ck_assert_uint_eq(refused, 8);
}
END_TEST

START_TEST(who_leaves_while_waiting_harms_nobody)
{
    pthread_mutex_lock(&gate);
    for (unsigned i = 0; i < 20; i++) {
        int fd = dial();
        say(fd, "POST /held HTTP/1.1\r\nContent-Length: 3\r\n" END "abc");
        if (i % 2 == 0) {
            const struct linger hard = {1, 0};
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        }
        close(fd);
    }
    pthread_mutex_unlock(&gate);
    ck_heard(ask("GET /held HTTP/1.1\r\n" END), "GET /held file");
}
END_TEST

START_TEST(a_file_is_sent_whole_or_in_part)
{
    ck_heard(ask("GET /file HTTP/1.1\r\n" END), "\r\n\r\n0123456789");
    const char *part = ask("GET /file HTTP/1.1\r\nRange: bytes=3-5\r\n" END);
    ck_heard(part, " 206 ");
    ck_heard(part, "Content-Range: bytes 3-5/10\r\n");
    ck_heard(part, "\r\n\r\n345");
    ck_heard(ask("GET /file HTTP/1.1\r\nRange: bytes=-1\r\n" END), "\r\n\r\n9");
    const char *none = ask("GET /file HTTP/1.1\r\nRange: bytes=10-\r\n" END);
    ck_heard(none, " 416 ");
    ck_heard(none, "Content-Range: bytes */10\r\n");
    const char *head = ask("HEAD /file HTTP/1.1\r\n" END);
    ck_heard(head, "Content-Length: 10\r\n");
    ck_assert_ptr_null(strstr(head, "0123"));
}
END_TEST

static int listen_as(const char *who, const char *last)
{
    char request[200];
    int fd = dial();
    (void)snprintf(request, sizeof request, "GET /events?who=%s HTTP/1.1\r\n%s" END, who, last);
    say(fd, request);
    return fd;
}

static int listen_to_events(const char *last)
{
    return listen_as("ann", last);
}

static uint64_t publish(const char *event)
{
    return http_server_publish(server, event, strlen(event));
}

START_TEST(a_thousand_streams_hear_each_event_in_one_thread)
{
    static int all[HTTP_STREAMS_MAX];
    struct rlimit files;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    unsigned count = files.rlim_cur >= 3 * HTTP_STREAMS_MAX ? HTTP_STREAMS_MAX : 100;
    for (unsigned i = 0; i < count; i++) {
        char who[16];
        (void)snprintf(who, sizeof who, "user%u", i / HTTP_STREAMS_EACH_MAX);
        all[i] = listen_as(who, "");
        ck_heard(hear(all[i], ": hello\n\n"), ": hello");
    }
    ck_assert_uint_eq(http_server_streams(server), count);
    if (count == HTTP_STREAMS_MAX)
        ck_heard(ask("GET /events HTTP/1.1\r\n" END), " 503 ");
    publish("data: one\n\n");
    publish("data: two\n\n");
    for (unsigned i = 0; i < count; i++) {
        ck_heard(hear(all[i], "data: two\n\n"), "data: one\n\n");
        close(all[i]);
    }
    ck_heard(ask("GET /quick HTTP/1.1\r\n" END), "GET /quick quick");
}
END_TEST

static int dial_from(uint32_t address)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)http_server_port(server))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

/* Whether another address is answered while a flood of connections that say nothing is there. They
 * end by themselves after some time, so a machine may be too slow to tell. */
static bool flood_leaves_room(uint32_t address)
{
    enum { FLOOD = HTTP_CONNECTIONS_MAX + 50 };
    static int flood[FLOOD];
    for (unsigned i = 0; i < FLOOD; i++)
        flood[i] = dial();
    int fd = dial_from(address);
    say(fd, "GET /x HTTP/1.1\r\n" END);
    ck_heard(hear(fd, NULL), " 200 ");
    struct pollfd first = {.fd = flood[0], .events = POLLIN};
    bool is_there = poll(&first, 1, 0) == 0;
    close(fd);
    for (unsigned i = 0; i < FLOOD; i++)
        close(flood[i]);
    return is_there;
}

START_TEST(one_address_cannot_take_all_connections)
{
    struct rlimit files;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < 3 * HTTP_CONNECTIONS_MAX)
        return; /* so many descriptors are not allowed here */
    bool room = false;
    for (unsigned round = 0; round < 5 && !room; round++)
        room = flood_leaves_room(0x7F000002 + round);
    ck_assert(room);
}
END_TEST

START_TEST(one_who_listens_too_often_leaves_room_for_others)
{
    int all[HTTP_STREAMS_EACH_MAX];
    for (unsigned i = 0; i < HTTP_STREAMS_EACH_MAX; i++) {
        all[i] = listen_as("ann", "");
        ck_heard(hear(all[i], ": hello\n\n"), ": hello");
    }
    ck_heard(ask("GET /events?who=ann HTTP/1.1\r\n" END), " 429 ");
    int other = listen_as("ben", "");
    ck_heard(hear(other, ": hello\n\n"), ": hello");
    close(other);
    for (unsigned i = 0; i < HTTP_STREAMS_EACH_MAX; i++)
        close(all[i]);
}
END_TEST

static bool may_unless(void *context, const struct http_hearer *hearer)
{
    return !text_equal(hearer->who, context);
}

START_TEST(who_may_listen_no_more_is_cut_off_at_once_and_nobody_else)
{
    char ann[] = "ann", nobody[] = "nobody";
    int first = listen_as("ann", ""), second = listen_as("ann", ""), other = listen_as("ben", "");
    ck_heard(hear(first, ": hello\n\n"), ": hello");
    ck_heard(hear(second, ": hello\n\n"), ": hello");
    ck_heard(hear(other, ": hello\n\n"), ": hello");
    http_server_hearers(server, may_unless, nobody);
    publish("data: one\n\n");
    ck_heard(hear(first, "data: one\n\n"), "data: one");
    ck_heard(hear(second, "data: one\n\n"), "data: one");
    http_server_hearers(server, may_unless, ann);
    publish("data: two\n\n");
    ck_assert_ptr_null(strstr(hear(first, NULL), "data: two")); /* it ends */
    ck_assert_ptr_null(strstr(hear(second, NULL), "data: two"));
    ck_heard(hear(other, "data: two\n\n"), "data: one\n\n");
    close(first);
    close(second);
    close(other);
}
END_TEST

START_TEST(who_comes_again_hears_what_was_missed)
{
    char last[64];
    uint64_t first = publish("data: one\n\n");
    ck_assert_uint_gt(first, 0);
    publish("data: two\n\n");
    (void)snprintf(last, sizeof last, "Last-Event-ID: %llu\r\n", (unsigned long long)first);
    int fd = listen_to_events(last);
    const char *heard = hear(fd, "data: two\n\n");
    ck_heard(heard, "data: two\n\n");
    ck_assert_ptr_null(strstr(heard, "data: one"));
    close(fd);
    for (unsigned i = 0; i < HTTP_EVENTS_KEPT + 5; i++)
        publish("data: more\n\n");
    fd = listen_to_events(last); /* too long ago */
    ck_heard(hear(fd, "event: reset\n"), "event: reset\n");
    close(fd);
    fd = listen_to_events("Last-Event-ID: 7\r\n"); /* of another life */
    ck_heard(hear(fd, "event: reset\n"), "event: reset\n");
    close(fd);
}
END_TEST

START_TEST(an_event_that_is_too_large_is_not_sent)
{
    static char big[HTTP_EVENT_MAX + 2];
    memset(big, 'x', sizeof big - 1);
    ck_assert_uint_eq(publish(big), 0);
    ck_assert_uint_gt(publish("data: after\n\n"), 0);
}
END_TEST

START_TEST(a_server_that_ends_ends_streams_and_what_waits)
{
    int stream = listen_to_events("");
    ck_heard(hear(stream, ": hello\n\n"), ": hello");
    int slow = dial();
    say(slow, "GET /slow HTTP/1.1\r\n" END);
    http_server_free(TAKE(server));
    ck_assert_ptr_null(strstr(hear(stream, NULL), "data:"));
    (void)hear(slow, NULL);
    close(stream);
    close(slow);
}
END_TEST

START_TEST(where_it_cannot_listen_is_told)
{
    struct http_server *second = NULL;
    struct error err;
    char taken[32];
    (void)snprintf(taken, sizeof taken, "127.0.0.1:%u", http_server_port(server));
    const char *const bad[] = {taken, "127.0.0.1", "mail.example.org:80", "127.0.0.1:99999", ":80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct http_options options = {.listen = bad[i], .hosts = "", .proxies = "",
                                             .certificate = "",
                                             .key = "", .route = route, .answer = answer};
        ck_assert_int_eq(http_server_new(&options, &second, &err), -1);
        ck_assert_int_eq(err.class, ERROR_CONFIG);
    }
    const struct http_options options = {.listen = "127.0.0.1:0", .hosts = "", .proxies = "",
                                         .key = "",
                                         .certificate = "/dev/null", .route = route,
                                         .answer = answer};
    ck_assert_int_eq(http_server_new(&options, &second, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "no PEM file"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("http-server");
    TCase *t = tcase_create("server");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_request_arrives_with_all_it_carries);
    tcase_add_test(t, nothing_hides_behind_a_request_that_others_may_read_otherwise);
    tcase_add_test(t, for_whom_a_proxy_asks_stands_at_the_end_of_what_it_sends);
    tcase_add_test(t, each_answer_forbids_what_a_browser_should_not_do);
    tcase_add_test(t, whoever_lends_something_to_an_answer_hears_of_its_end);
    tcase_add_test(t, another_host_and_another_sites_page_are_refused);
    tcase_add_test(t, a_body_has_its_limit_told_or_not);
    tcase_add_test(t, a_head_has_its_limit);
    tcase_add_test(t, what_is_slow_keeps_nobody_else_waiting);
    tcase_add_test(t, more_than_can_wait_are_told_to_come_again);
    tcase_add_test(t, who_leaves_while_waiting_harms_nobody);
    tcase_add_test(t, a_file_is_sent_whole_or_in_part);
    tcase_add_test(t, a_thousand_streams_hear_each_event_in_one_thread);
    tcase_add_test(t, one_address_cannot_take_all_connections);
    tcase_add_test(t, one_who_listens_too_often_leaves_room_for_others);
    tcase_add_test(t, who_may_listen_no_more_is_cut_off_at_once_and_nobody_else);
    tcase_add_test(t, who_comes_again_hears_what_was_missed);
    tcase_add_test(t, an_event_that_is_too_large_is_not_sent);
    tcase_add_test(t, a_server_that_ends_ends_streams_and_what_waits);
    tcase_add_test(t, where_it_cannot_listen_is_told);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
