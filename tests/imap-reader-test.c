/* SPDX-License-Identifier: Apache-2.0 */
/* imap-reader-test.c - promises of imap-reader.h: the server's order, bodies with their responses,
 * and that nothing grows while nobody takes. The stream is a pair of sockets, in the place of
 * libcurl. */
#include <config.h>
#include "check-main.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "imap-reader.h"

#define READER_PATIENCE_MS 20000 /* for what must happen */
#define READER_QUIET_MS 2000 /* so long without room: it waits, and is not only kept from running  \
                              */
#define READER_BODY 50000u

struct stream {
    int fd;
    const void *input; /* where the first bytes were received */
    size_t elsewhere;  /* bytes that were not */
};

int stream_fd(const struct stream *stream)
{
    return stream->fd;
}

enum stream_result stream_receive(struct stream *stream, void *bytes, size_t capacity,
                                  size_t *out_count, struct error *err)
{
    ssize_t n = recv(stream->fd, bytes, capacity, MSG_DONTWAIT);
    (void)err;
    if (n < 0)
        return STREAM_AGAIN;
    *out_count = (size_t)n;
    if (stream->input == NULL)
        stream->input = bytes;
    stream->elsewhere += bytes != stream->input ? (size_t)n : 0;
    return n == 0 ? STREAM_END : STREAM_OK;
}

static struct stream stream;
static int server;
static struct imap_reader *reader;
static struct imap_parser *parser;
static struct imap_arrivals taken;
static struct error err;

static int on_parsed(void *context, const struct imap_event *event, struct error *why)
{
    (void)context;
    return imap_reader_event(reader, event, why);
}

static void setup(void)
{
    int pair[2];
    const struct imap_body like = {.max_size = 1000000};
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    stream = (struct stream){.fd = pair[0]};
    server = pair[1];
    ck_assert_int_eq(fcntl(server, F_SETFL, O_NONBLOCK), 0);
    parser = imap_parser_new(on_parsed, NULL, false);
    ck_assert_int_eq(imap_reader_start(&stream, parser, &like, &reader, &err), 0);
    imap_arrivals_init(&taken);
}

static void teardown(void)
{
    imap_reader_free(reader);
    imap_parser_free(parser);
    imap_arrivals_free(&taken);
    close(stream.fd);
    close(server);
}

static void say(const char *text)
{
    ck_assert_int_eq(write(server, text, strlen(text)), (ssize_t)strlen(text));
}

/* The next arrival: yours. NULL once the reader is at its end with *out_state. */
static struct imap_arrival *next(enum imap_reader_state *out_state)
{
    size_t received;
    *out_state = IMAP_READER_RUNS;
    while (taken.first == NULL && *out_state == IMAP_READER_RUNS) {
        imap_reader_wait(reader, READER_PATIENCE_MS);
        *out_state = imap_reader_take(reader, &taken, &received, &err);
    }
    return imap_arrivals_take(&taken);
}

START_TEST(events_arrive_in_the_servers_order_with_whole_bodies_in_their_responses)
{
    enum imap_reader_state state;
    say("* 3 EXISTS\r\n* 1 FETCH (BODY[] {17}\r\nSubject: x\r\n\r\nhi\n UID 7)\r\nx1 OK done\r\n");
    struct imap_arrival *arrival = next(&state);
    ck_assert_int_eq(arrival->event.kind, IMAP_EVENT_EXISTS);
    imap_arrival_free(arrival);
    arrival = next(&state);
    ck_assert_int_eq(arrival->event.kind, IMAP_EVENT_FETCH);
    ck_assert_uint_eq(arrival->event.fetch.uid, 7);
    ck_assert_ptr_eq(arrival->event.body, &arrival->body);
    ck_assert_str_eq(arrival->body.mail->subject, "x");
    ck_assert_uint_eq(spool_size(arrival->body.spool), 17);
    imap_arrival_free(arrival);
    arrival = next(&state);
    ck_assert_int_eq(arrival->event.kind, IMAP_EVENT_TAGGED);
    ck_assert_mem_eq(arrival->event.tag.bytes, "x1", 2);
    ck_assert_mem_eq(arrival->event.text.bytes, "done", 4);
    imap_arrival_free(arrival);
}
END_TEST

#define READER_LARGE 900000u /* bytes of a message, four blocks of a spool */

/* All of it, whatever time the other side takes. */
static void say_bytes(const char *bytes, size_t count)
{
    for (size_t sent = 0; sent < count;) {
        struct pollfd at = {server, POLLOUT, 0};
        ck_assert_int_eq(poll(&at, 1, READER_PATIENCE_MS), 1);
        ssize_t n = write(server, bytes + sent, count - sent);
        sent += n > 0 ? (size_t)n : 0;
    }
}

/* A FETCH response with a message of an attachment, base64 of so many 'h', without line ends. */
static char *large_response(size_t *out_count, uint8_t out_digest[DIGEST_SIZE])
{
    static const char head[] =
        "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    static const char end[] = ")\r\nx1 OK done\r\n";
    char begin[64];
    int len = snprintf(begin, sizeof begin, "* 1 FETCH (UID 7 BODY[] {%u}\r\n", READER_LARGE);
    size_t body = (size_t)len;
    char *text = malloc(body + READER_LARGE + sizeof end);
    ck_assert_ptr_nonnull(text);
    memcpy(text, begin, body);
    memcpy(text + body, head, sizeof head - 1);
    for (size_t at = sizeof head - 1; at < READER_LARGE; at++)
        text[body + at] = "aGho"[(at - (sizeof head - 1)) % 4];
    memcpy(text + body + READER_LARGE, end, sizeof end);
    AUTO(digest) digest = digest_new();
    ck_assert_int_eq(digest_add(digest, (uint8_t *)text + body, READER_LARGE), 0);
    ck_assert_int_eq(digest_finish(digest, out_digest), 0);
    *out_count = body + READER_LARGE + sizeof end - 1;
    return text;
}

START_TEST(the_middle_of_a_large_body_is_received_where_it_is_written_from)
{
    enum imap_reader_state state;
    size_t count, decoded;
    uint8_t want[DIGEST_SIZE], have[DIGEST_SIZE];
    char *text = large_response(&count, want);
    say_bytes(text, count);
    struct imap_arrival *arrival = next(&state);
    ck_assert_int_eq(spool_finish(arrival->body.spool, have, &err), 0);
    ck_assert_mem_eq(have, want, DIGEST_SIZE);
    ck_assert_uint_eq(arrival->body.mail->attachment_count, 1);
    decoded = (size_t)arrival->body.mail->attachments[0].size;
    memset(text, 'h', decoded);
    AUTO(digest) digest = digest_new();
    ck_assert_int_eq(digest_add(digest, (uint8_t *)text, decoded), 0);
    ck_assert_int_eq(digest_finish(digest, have), 0);
    ck_assert_mem_eq(arrival->body.mail->attachments[0].sha256, have, DIGEST_SIZE);
    ck_assert_uint_gt(stream.elsewhere, READER_LARGE / 2);
    imap_arrival_free(arrival);
    imap_arrival_free(next(&state));
    free(text);
}
END_TEST

START_TEST(half_a_body_never_arrives_and_the_end_is_told_behind_all_that_did)
{
    enum imap_reader_state state;
    say("* 3 EXISTS\r\n* 1 FETCH (UID 7 BODY[] {17}\r\nSubject:");
    ck_assert_int_eq(shutdown(server, SHUT_WR), 0);
    struct imap_arrival *arrival = next(&state);
    ck_assert_int_eq(arrival->event.kind, IMAP_EVENT_EXISTS);
    imap_arrival_free(arrival);
    ck_assert_ptr_null(next(&state));
    ck_assert_int_eq(state, IMAP_READER_ENDED);
}
END_TEST

START_TEST(what_breaks_the_protocol_is_told_as_it_would_be_without_a_thread)
{
    enum imap_reader_state state;
    say("* 1 FETCH (UID 0)\r\n");
    ck_assert_ptr_null(next(&state));
    ck_assert_int_eq(state, IMAP_READER_FAILED);
    ck_assert_int_eq(err.class, ERROR_PROTOCOL);
}
END_TEST

/* @message again and again, as the reader and the sockets between take it; false when it took @most
 * bytes. */
static bool say_again_until_it_waits(const char *message, size_t len, size_t most)
{
    size_t sent = 0;
    while (sent < most) {
        struct pollfd at = {server, POLLOUT, 0};
        if (poll(&at, 1, READER_QUIET_MS) == 0)
            return true;
        ssize_t n = write(server, message + sent % len, len - sent % len);
        ck_assert_msg(n > 0 || errno == EAGAIN, "%s", strerror(errno));
        sent += n > 0 ? (size_t)n : 0;
    }
    return false;
}

static bool say_until_it_waits(size_t most)
{
    static char message[READER_BODY + 100];
    int head = snprintf(message, sizeof message, "* 1 FETCH (UID 7 BODY[] {%u}\r\n", READER_BODY);
    memset(message + head, '\n', READER_BODY);
    memcpy(message + head + READER_BODY, ")\r\n", 3);
    return say_again_until_it_waits(message, (size_t)head + READER_BODY + 3, most);
}

/* All lines come in one piece: of three answers none is taken together with the one before. */
START_TEST(what_is_taken_ends_with_an_answer_and_the_end_is_told_behind_all)
{
    enum imap_reader_state state = IMAP_READER_RUNS;
    size_t received, count = 0, takes = 0;
    say("* 3 EXISTS\r\nx1 OK done\r\n* 4 EXISTS\r\nx2 OK done\r\n* 5 EXISTS\r\nx3 OK done\r\n");
    ck_assert_int_eq(shutdown(server, SHUT_WR), 0);
    while (state == IMAP_READER_RUNS) {
        imap_reader_wait(reader, READER_PATIENCE_MS);
        state = imap_reader_take(reader, &taken, &received, &err);
        takes += taken.count > 0;
        for (const struct imap_arrival *at = taken.first; at != NULL; at = at->next, count++)
            ck_assert(at->event.kind != IMAP_EVENT_TAGGED || at->next == NULL);
        imap_arrivals_free(&taken);
    }
    ck_assert_int_eq(state, IMAP_READER_ENDED);
    ck_assert_uint_eq(count, 6);
    ck_assert_uint_eq(takes, 3);
}
END_TEST

START_TEST(while_nobody_takes_nothing_grows_and_the_server_waits)
{
    size_t received;
    ck_assert(say_until_it_waits(10 * IMAP_ARRIVALS_BYTES));
    ck_assert_int_eq(imap_reader_take(reader, &taken, &received, &err), IMAP_READER_RUNS);
    ck_assert_uint_ge(taken.memory, IMAP_ARRIVALS_BYTES);
    ck_assert_uint_le(taken.memory, IMAP_ARRIVALS_BYTES + 8 * READER_BODY + IMAP_READER_INPUT);
    struct pollfd at = {server, POLLOUT, 0}; /* and goes on when somebody does */
    ck_assert_int_eq(poll(&at, 1, READER_PATIENCE_MS), 1);
}
END_TEST

/* Addresses of four bytes, which are twenty in memory: they count as what they take. */
START_TEST(what_mails_are_taken_apart_to_does_not_grow_either)
{
    static char message[READER_BODY];
    char addresses[4 * 900 + 1];
    size_t received;
    for (size_t i = 0; i < sizeof addresses - 1; i++)
        addresses[i] = "a@b,"[i % 4];
    addresses[sizeof addresses - 1] = '\0';
    int len =
        snprintf(message, sizeof message, "* 1 FETCH (UID 7 BODY[] {%zu}\r\nTo: %sx@y\r\n\r\n)\r\n",
                 strlen(addresses) + 11, addresses);
    ck_assert(say_again_until_it_waits(message, (size_t)len, 10 * IMAP_ARRIVALS_BYTES));
    ck_assert_int_eq(imap_reader_take(reader, &taken, &received, &err), IMAP_READER_RUNS);
    size_t each = mail_memory(taken.first->body.mail);
    ck_assert_uint_ge(each, 900 * sizeof(struct mail_address));
    /* what one input brings comes on top of it */
    ck_assert_uint_le(taken.count,
                      IMAP_ARRIVALS_BYTES / each + IMAP_READER_INPUT / (size_t)len + 1);
}
END_TEST

/* A hundred thousand numbers, each an event, in some inputs. */
START_TEST(many_small_responses_of_one_input_do_not_grow_either)
{
    size_t received, most = 0, count = 0;
    static char numbers[IMAP_READER_INPUT];
    size_t at = (size_t)snprintf(numbers, sizeof numbers, "* SEARCH");
    for (; at + 8 < sizeof numbers - 16; at += 2)
        memcpy(numbers + at, " 7", 2);
    memcpy(numbers + at, "\r\nx1 OK\r\n", 10);
    at += 10;
    say_bytes(numbers, at);
    for (bool answered = false; !answered;) {
        imap_reader_wait(reader, READER_PATIENCE_MS);
        ck_assert_int_eq(imap_reader_take(reader, &taken, &received, &err), IMAP_READER_RUNS);
        most = taken.count > most ? taken.count : most;
        count += taken.count;
        for (const struct imap_arrival *a = taken.first; a != NULL; a = a->next)
            answered = answered || a->event.kind == IMAP_EVENT_TAGGED;
        imap_arrivals_free(&taken);
        (void)poll(NULL, 0, 20); /* slower than it receives */
    }
    ck_assert_uint_gt(count, IMAP_READER_INPUT / 4);
    ck_assert_uint_le(most, 2 * IMAP_ARRIVALS_MAX);
}
END_TEST

START_TEST(it_stops_wherever_it_stands)
{
    size_t received;
    if (_i == 1)
        ck_assert(say_until_it_waits(10 * IMAP_ARRIVALS_BYTES));
    imap_reader_stop(reader);
    imap_reader_stop(reader);
    ck_assert_int_eq(imap_reader_take(reader, &taken, &received, &err), IMAP_READER_RUNS);
    ck_assert_int_eq(taken.count > 0, _i == 1); /* what had arrived is not lost */
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("imap-reader");
    TCase *t = tcase_create("imap-reader");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, events_arrive_in_the_servers_order_with_whole_bodies_in_their_responses);
    tcase_add_test(t, the_middle_of_a_large_body_is_received_where_it_is_written_from);
    tcase_add_test(t, half_a_body_never_arrives_and_the_end_is_told_behind_all_that_did);
    tcase_add_test(t, what_breaks_the_protocol_is_told_as_it_would_be_without_a_thread);
    tcase_add_test(t, what_is_taken_ends_with_an_answer_and_the_end_is_told_behind_all);
    tcase_add_test(t, while_nobody_takes_nothing_grows_and_the_server_waits);
    tcase_add_test(t, what_mails_are_taken_apart_to_does_not_grow_either);
    tcase_add_test(t, many_small_responses_of_one_input_do_not_grow_either);
    tcase_add_loop_test(t, it_stops_wherever_it_stands, 0, 2);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
