/* SPDX-License-Identifier: Apache-2.0 */
/* http-client-test.c - answers are whole and within their limits, or errors, whatever a server
 * does. */
#include <config.h>
#include "check-main.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http-client.h"
#include "text.h"

/* ---- A server that says one thing -------------------------------------------------------------
 */

static struct server {
    int listener;
    unsigned int port;
    const char *reply;  /* to each question */
    bool endless;       /* the end of reply again and again */
    pthread_t thread;
    char asked[4096];   /* the last question */
    atomic_uint connections, questions;
} server;

static bool server_read(int fd)
{
    char asked[sizeof server.asked] = "";
    size_t used = 0, body = 0;
    const char *head = NULL;
    while (head == NULL || used < (size_t)(head - asked) + 4 + body) {
        ssize_t got = recv(fd, asked + used, sizeof asked - 1 - used, 0);
        if (got <= 0)
            return false;
        used += (size_t)got;
        head = strstr(asked, "\r\n\r\n");
        const char *length = strstr(asked, "Content-Length: ");
        body = length == NULL ? 0 : strtoul(length + 16, NULL, 10);
    }
    memcpy(server.asked, asked, sizeof asked);
    atomic_fetch_add(&server.questions, 1);
    return true;
}

static void server_talk(int fd)
{
    while (server_read(fd)) {
        if (send(fd, server.reply, strlen(server.reply), MSG_NOSIGNAL) < 0)
            return;
        while (server.endless && send(fd, "xxxxxxxx", 8, MSG_NOSIGNAL) > 0)
            ;
        if (strstr(server.reply, "Content-Length") == NULL || server.endless)
            return;
    }
}

static void *server_run(void *context)
{
    (void)context;
    for (;;) {
        int fd = accept(server.listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        atomic_fetch_add(&server.connections, 1);
        server_talk(fd);
        close(fd);
    }
}

static void start(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    memset(&server, 0, sizeof server);
    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(server.listener, (struct sockaddr *)&at, size), 0);
    ck_assert_int_eq(listen(server.listener, 5), 0);
    ck_assert_int_eq(getsockname(server.listener, (struct sockaddr *)&at, &size), 0);
    server.port = ntohs(at.sin_port);
    ck_assert_int_eq(pthread_create(&server.thread, NULL, server_run, NULL), 0);
}

static void stop(void)
{
    shutdown(server.listener, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.listener);
}

/* ---- Asking ------------------------------------------------------------------------------------
 */

static struct http_client_answer answer;
static struct error err;
static bool cancel;

static bool cancelled(void *context)
{
    (void)context;
    return cancel;
}

static int ask(struct http_client *client, const char *method, const char *path, const char *body)
{
    static const char *const headers[] = {"X-Test: yes", NULL};
    char url[200];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", server.port, path);
    const struct http_client_request request = {
        method, url, headers, body, body == NULL ? 0 : strlen(body)};
    err = (struct error){0};
    return http_client_run(client, &request, &answer, &err);
}

/* One question to a server that says @reply. */
static int ask_once(const char *reply, uint32_t timeout_ms, size_t limit)
{
    const struct http_client_settings settings = {
        .timeout_ms = timeout_ms, .clock = clock_system(), .cancelled = cancelled};
    AUTO(http_client) client = NULL;
    server.reply = reply;
    buffer_done(&answer.body);
    buffer_init(&answer.body, limit);
    ck_assert_int_eq(http_client_open(&settings, &client, &err), 0);
    return ask(client, "GET", "/", NULL);
}

static void clean(void)
{
    buffer_done(&answer.body);
    stop();
}

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

START_TEST(questions_of_one_client_share_a_connection_and_say_what_was_asked)
{
    const struct http_client_settings settings = {.timeout_ms = 5000, .clock = clock_system()};
    AUTO(http_client) client = NULL;
    server.reply = HELLO;
    buffer_init(&answer.body, 5);
    ck_assert_int_eq(http_client_open(&settings, &client, &err), 0);
    ck_assert_msg(ask(client, "POST", "/a?b=c", "body") == 0, "%s", err.text);
    ck_assert_uint_eq(answer.status, 200);
    ck_assert_str_eq(buffer_text(&answer.body), "hello");
    ck_assert_int_eq(strncmp(server.asked, "POST /a?b=c HTTP/1.1\r\n", 22), 0);
    ck_assert_ptr_nonnull(strstr(server.asked, "\r\nX-Test: yes\r\n"));
    ck_assert_ptr_nonnull(strstr(server.asked, "\r\n\r\nbody"));
    ck_assert_int_eq(ask(client, "GET", "/d", NULL), 0);
    ck_assert_int_eq(strncmp(server.asked, "GET /d HTTP/1.1\r\n", 17), 0);
    ck_assert_int_eq(ask(client, "PUT", "/e", NULL), 0);
    ck_assert_int_eq(strncmp(server.asked, "PUT /e HTTP/1.1\r\n", 17), 0);
    ck_assert_uint_eq(atomic_load(&server.connections), 1);
}
END_TEST

START_TEST(any_status_is_an_answer_and_nobody_is_led_elsewhere)
{
    ck_assert_int_eq(ask_once("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
                              "Content-Length: 0\r\n\r\n", 5000, 100), 0);
    ck_assert_uint_eq(answer.status, 302);
    ck_assert_int_eq(ask_once("HTTP/1.1 503 Busy\r\nRetry-After: 99999999\r\nContent-Length: 2\r\n"
                              "\r\nno", 5000, 100), 0);
    ck_assert(answer.status == 503 && answer.pause_s == HTTP_CLIENT_PAUSE_MAX_S);
    ck_assert_str_eq(buffer_text(&answer.body), "no");
}
END_TEST

START_TEST(an_answer_beyond_its_limit_is_an_error_and_one_at_it_is_not)
{
    ck_assert_int_eq(ask_once(HELLO, 5000, 5), 0);
    ck_assert_int_eq(ask_once(HELLO, 5000, 4), -1);
    ck_assert_int_eq(err.class, ERROR_PROTOCOL);
    server.endless = true;
    ck_assert_int_eq(ask_once("HTTP/1.1 200 OK\r\n\r\n", 60000, 100000), -1);
    ck_assert_int_eq(err.class, ERROR_PROTOCOL);
}
END_TEST

static const struct {
    const char *reply;
    enum error_class class;
} broken[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", ERROR_LINK},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", ERROR_LINK},
    {"", ERROR_LINK},
    {"SSH-2.0-OpenSSH\r\n", ERROR_PROTOCOL},
};

START_TEST(half_an_answer_is_none)
{
    int got = ask_once(broken[_i].reply, 500, 100);
    ck_assert_int_eq(got, -1);
    ck_assert_msg(err.class == broken[_i].class, "%d: %s", err.class, err.text);
}
END_TEST

START_TEST(a_connection_that_was_used_before_and_breaks_is_no_server_that_is_not_there)
{
    const struct http_client_settings settings = {.timeout_ms = 5000, .clock = clock_system()};
    AUTO(http_client) client = NULL;
    server.reply = HELLO;
    buffer_init(&answer.body, 100);
    ck_assert_int_eq(http_client_open(&settings, &client, &err), 0);
    ck_assert_int_eq(ask(client, "GET", "/", NULL), 0);
    server.reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel";
    ck_assert_int_eq(ask(client, "GET", "/", NULL), -1);
    ck_assert_msg(err.class == ERROR_LINK, "%s", err.text);
}
END_TEST

START_TEST(a_stop_is_heeded_and_an_answer_that_does_not_end_is_ended)
{
    static const char slow[] = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";
    ck_assert_int_eq(ask_once(slow, 300, 100), -1);
    ck_assert_int_eq(err.class, ERROR_LINK);
    cancel = true;
    ck_assert_int_eq(ask_once(slow, 60000, 100), -1);
    ck_assert_int_eq(err.class, ERROR_CANCELLED);
}
END_TEST

START_TEST(a_server_that_is_not_there_is_told_and_no_secret_of_the_url)
{
    const struct http_client_settings settings = {.timeout_ms = 5000, .clock = clock_system()};
    static const struct {
        const char *url;
        enum error_class class;
    } rows[] = {{"http://127.0.0.1:1/sesame", ERROR_UNREACHABLE},
                {"http://8.8.8.8:80/sesame", ERROR_CONFIG}, /* plain text to a public address */
                {"ftp://127.0.0.1/sesame", ERROR_USAGE},
                {"sesame", ERROR_USAGE}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO(http_client) client = NULL;
        const struct http_client_request request = {"GET", rows[i].url, NULL, NULL, 0};
        buffer_done(&answer.body);
        buffer_init(&answer.body, 100);
        ck_assert_int_eq(http_client_open(&settings, &client, &err), 0);
        ck_assert_int_eq(http_client_run(client, &request, &answer, &err), -1);
        ck_assert_msg(i == 3 || err.class == rows[i].class, "%s: %s", rows[i].url, err.text);
        ck_assert_ptr_null(i == 3 ? NULL : strstr(err.text, "sesame"));
    }
}
END_TEST

/* libcurl's allocations, of which one fails, and all behind it. */
static atomic_long curl_room = LONG_MAX;

static bool curl_has_room(void)
{
    return atomic_fetch_sub(&curl_room, 1) > 0;
}

static void *curl_malloc(size_t size)
{
    return curl_has_room() ? malloc(size) : NULL;
}

static void *curl_calloc(size_t count, size_t size)
{
    return curl_has_room() ? calloc(count, size) : NULL;
}

static void *curl_realloc(void *old, size_t size)
{
    return curl_has_room() ? realloc(old, size) : NULL;
}

static char *curl_strdup(const char *text)
{
    return curl_has_room() ? strdup(text) : NULL;
}

/* Some of what libcurl has no memory for it calls a connection that did not come about. */
static bool memory_is_told(void)
{
    return (err.class == ERROR_BUG && strstr(err.text, "out of memory") != NULL) ||
           err.class == ERROR_UNREACHABLE;
}

START_TEST(memory_that_runs_out_is_told_and_no_setting_is_left_out)
{
    const struct http_client_settings settings = {
        .timeout_ms = 5000, .clock = clock_system(), .ca_file = "/dev/null"};
    long told = 0;
    server.reply = HELLO;
    buffer_init(&answer.body, 100);
    ck_assert_int_eq(curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_malloc, free, curl_realloc,
                                          curl_strdup, curl_calloc),
                     CURLE_OK);
    for (long room = 0; told == room; room++) {
        AUTO(http_client) client = NULL;
        atomic_store(&curl_room, room);
        int bad = http_client_open(&settings, &client, &err);
        if (bad == 0)
            bad = ask(client, "PUT", "/", "body");
        long left = atomic_exchange(&curl_room, LONG_MAX);
        ck_assert_msg(bad == 0 ? left >= 0 : memory_is_told(), "with room for %ld: %s", room,
                      bad == 0 ? "done without" : err.text);
        told += bad < 0;
    }
    ck_assert_int_gt(told, 20);
    ck_assert_ptr_nonnull(strstr(server.asked, "PUT / HTTP/1.1"));
    curl_global_cleanup();
}
END_TEST

START_TEST(what_is_special_in_a_query_is_escaped)
{
    AUTO_DONE(buffer) out;
    buffer_init(&out, 100);
    ck_assert_int_eq(http_client_escape(&out, "a-Z.9_~ &=/?#%\xC3\xA9\r\n"), 0);
    ck_assert_str_eq(buffer_text(&out), "a-Z.9_~%20%26%3D%2F%3F%23%25%C3%A9%0D%0A");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("http");
    TCase *all = tcase_create("http");
    tcase_add_checked_fixture(all, start, clean);
    tcase_set_timeout(all, 60);
    tcase_add_test(all, questions_of_one_client_share_a_connection_and_say_what_was_asked);
    tcase_add_test(all, any_status_is_an_answer_and_nobody_is_led_elsewhere);
    tcase_add_test(all, an_answer_beyond_its_limit_is_an_error_and_one_at_it_is_not);
    tcase_add_loop_test(all, half_an_answer_is_none, 0, sizeof broken / sizeof broken[0]);
    tcase_add_test(all,
                   a_connection_that_was_used_before_and_breaks_is_no_server_that_is_not_there);
    tcase_add_test(all, a_stop_is_heeded_and_an_answer_that_does_not_end_is_ended);
    tcase_add_test(all, a_server_that_is_not_there_is_told_and_no_secret_of_the_url);
    tcase_add_test(all, memory_that_runs_out_is_told_and_no_setting_is_left_out);
    tcase_add_test(all, what_is_special_in_a_query_is_escaped);
    suite_add_tcase(s, all);
    return s;
}

CHECK_MAIN(suite)
