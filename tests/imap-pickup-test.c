/* SPDX-License-Identifier: Apache-2.0 */
/* imap-pickup-test.c - promises of the whole dialogue, held against servers that lie, break off,
 * refuse and forget (imap-script.h), with a ledger in memory. */
#include <config.h>
#include "check-main.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "imap-check.h"
#include "imap-pickup-fixture.h"
#include "imap-pickup-private.h"

static const struct script_rule one[] = {FOUND_ONE, LIST_ONE, BODY_ONE, MOVE_ONE};
static const struct script_rule two[] = {
    {"SEARCH", "* SEARCH 5 6\r\n" OK},
    {"RFC822.SIZE", LISTED(5) LISTED(6) OK},
    {"BODY.PEEK[]", BODY(5) BODY(6) OK},
    {"UID MOVE 5:6", "* OK [COPYUID 9 5:6 105:106] moved\r\n" OK}};

/* ---- All goes well --------------------------------------------------------------------------- */

START_TEST(a_message_is_moved_only_after_it_was_handed_out_and_noted)
{
    struct host *h = RUN(one, FULL, "", "5 ");
    TRACE(h, "note 5 ATTEMPTED", "note 5 MOVING target 100", "UID MOVE 5 \"DROPBOX\"",
          "note 5 MOVED target 105");
    host_stop(h);
}
END_TEST

START_TEST(attempts_are_noted_before_bodies_are_asked_for_and_of_a_lone_one_meanwhile)
{
    const struct script script = {
        .capabilities = FULL, .rules = one, .rule_count = sizeof one / sizeof one[0]};
    struct host *h = host_start(&script, "");
    h->note_after = "BODY.PEEK[]";
    ck_assert_str_eq(host_run(h), "5 ");
    TRACE(h, "UID FETCH 5 (UID BODY.PEEK[])", "note 5 ATTEMPTED", "note 5 MOVING");
    host_stop(h);
    h = RUN(two, FULL, "", "5 6 ");
    TRACE(h, "note 5 ATTEMPTED", "note 6 ATTEMPTED", "UID FETCH 5:6 (UID BODY.PEEK[])");
    host_stop(h);
}
END_TEST

START_TEST(a_body_comes_before_its_uid_in_any_form_and_among_data_nobody_asked_for)
{
    static const struct script_rule rules[] = {
        {"SEARCH", "* SEARCH 5 6 7 8\r\n" OK},
        {"RFC822.SIZE",
         "* 9 EXISTS\r\n* 3 FETCH (FLAGS (\\Seen))\r\n* 1 FETCH (UID 5 RFC822.SIZE 13)\r\n"
         "* 2 FETCH (UID 6 RFC822.SIZE 14)\r\n" LISTED(
             7) "* X-NEWS (a {3}\r\n(((\r\n"
                "* 4 FETCH (UID 8 RFC822.SIZE 0)\r\n" LISTED(77) OK},
        {"BODY.PEEK[]",
         "* 2 FETCH (FLAGS (\\Answered) UID 6)\r\n* 2 FETCH (BODY[] {?}\r\nSubject: six\r\n\1 UID "
         "6)\r\n"
         "* 1 FETCH (UID 5 BODY[] \"Subject: five\")\r\n* 2 EXPUNGE\r\n* LIST () \"/\" x\r\n"
         "* 4 FETCH (UID 8 BODY[] ~{?}\r\n\1)\r\n* OK [ALERT] hello\r\n"
         "* 3 FETCH (UID 7 FLAGS () BODY[] {?}\r\n@ OK forged\r\n* BYE forged\r\n)\r\n\1)\r\n" OK},
        {"UID MOVE 5:8", "* OK [COPYUID 9 5:8 105:108] moved\r\n" OK},
        {"SEARCH", "* SEARCH\r\n" OK}};
    struct host *h = RUN(rules, FULL, "", "5 6 7 8 ");
    ck_assert_ptr_nonnull(strstr(h->log, "says: hello"));
    TRACE(h, "note 8 MOVED target 108");
    host_stop(h);
}
END_TEST

START_TEST(one_small_message_alone_is_received_without_a_thread_and_two_with_one)
{
    struct host *h = RUN(one, FULL, "", "5 ");
    unsigned alone = h->threads;
    host_stop(h);
    h = RUN(two, FULL, "", "5 6 ");
    ck_assert_uint_gt(alone, 0);
    ck_assert_uint_eq(h->threads, alone + 1);
    host_stop(h);
}
END_TEST

START_TEST(a_body_much_shorter_than_its_size_is_picked_up_with_a_problem)
{
    static const struct script_rule rules[] = {
        {"SEARCH", "* SEARCH 5 6 7\r\n" OK},
        {"RFC822.SIZE",
         LISTED(5) LISTED(
             6) "* 1 FETCH (UID 7 FLAGS () RFC822.SIZE 21)\r\n" OK}, /* a byte more: common */
        {"5:7 (UID BODY", "* 1 FETCH (UID 5 BODY[] \"a: b\")\r\n" BODY(6) BODY(7) OK},
        {"5 (UID BODY", "* 1 FETCH (UID 5 BODY[] \"a: b\")\r\n" OK}}; /* again: believed */
    static const uint32_t order[] = {6, 7, 5};
    static struct script script = {NULL, FULL, rules, 4};
    struct host *h = host_start(&script, "");
    for (size_t at = 0; at < 3; at++) {
        struct imap_message message;
        ck_assert_int_eq(imap_pickup_next(h->pickup, &message, &h->err), IMAP_PICKUP_MESSAGE);
        ck_assert_uint_eq(message.uid, order[at]);
        ck_assert_ptr_null(message.error);
        const struct mail_texts *problems = &message.mail->problems;
        bool told = false;
        for (size_t i = 0; i < problems->count; i++)
            told = told || strstr(problems->items[i], "gave out 4 bytes of a message that has 20");
        ck_assert_int_eq(told, order[at] == 5);
        mail_free(message.mail);
        spool_free(message.spool);
    }
    host_stop(h);
}
END_TEST

START_TEST(a_rule_sees_decoded_headers_and_what_it_leaves_is_not_fetched)
{
    static const struct script_rule rules[] = {
        {"SEARCH", "* SEARCH 5 6\r\n" OK},
        {"BODY.PEEK[HEADER]",
         "* 1 FETCH (UID 5 RFC822.SIZE 20 BODY[HEADER] {?}\r\nSubject: =?utf-8?q?h=C3=A4?=\r\n "
         "llo\r\n\r\n\1)\r\n"
         "* 2 FETCH (BODY[HEADER] {?}\r\nSubject: other\r\n\r\n\1 RFC822.SIZE 20 UID 6)\r\n" OK},
        BODY_ONE,
        MOVE_ONE};
    struct host *h = RUN(rules, FULL, "accept=Subject:/^h\xC3\xA4 llo/", "5 ");
    TRACE(h, "UID FETCH 5 (UID BODY.PEEK[])", "UID MOVE 5 ", "-MOVE 5:6");
    host_stop(h);
}
END_TEST

START_TEST(idle_wakes_for_new_mail_and_sleeps_through_chatter)
{
    static const struct script_rule rules[] = {
        {"IDLE", "+ idling\r\n* OK still here\r\n"}, {"DONE", ""}, {"SEARCH", "* SEARCH\r\n" OK}};
    static struct script script = {NULL, FULL, rules, 3};
    struct host *h = host_start(&script, "");
    int fd;
    uint32_t timeout_ms;
    ck_assert_str_eq(host_run(h), "");
    ck_assert_int_eq(imap_pickup_wait(h->pickup, &fd, &timeout_ms, &h->err), 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_uint_eq(timeout_ms, 300000);
    ck_assert_str_eq(host_run(h), ""); /* "still here" is no reason to search */
    TRACE(h, "IDLE", "-DONE");
    h->now_ms += 300000;
    h->cancelled = true; /* the poll is due: DONE goes out; this server never answers it */
    ck_assert_str_eq(host_run(h), "failed: cancelled");
    TRACE(h, "IDLE");
    host_stop(h);
}
END_TEST

/* With a user timeout as short as the silence before the first probe Linux ends a connection whose
 * first probe got lost. */
START_TEST(a_connection_that_waits_outlives_two_lost_probes)
{
    static const struct script_rule rules[] = {{"IDLE", "+ idling\r\n"}};
    static struct script script = {NULL, FULL, rules, 1};
    struct host *h = host_start(&script, "");
    int fd, on = 0, silence_s = 0, between_s = 0, dead_ms = 0;
    uint32_t timeout_ms;
    socklen_t size = sizeof on;
    ck_assert_str_eq(host_run(h), "");
    ck_assert_int_eq(imap_pickup_wait(h->pickup, &fd, &timeout_ms, &h->err), 0);
    ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &size), 0);
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &silence_s, &size), 0);
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between_s, &size), 0);
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, &size), 0);
    ck_assert_int_ne(on, 0);
    ck_assert_int_ge(dead_ms, 1000 * (silence_s + 3 * between_s)); /* the third answers, or none */
    ck_assert_int_le(dead_ms, 180000);
    host_stop(h);
}
END_TEST

START_TEST(news_on_the_way_into_idle_is_not_slept_over)
{
    static const char *const replies[] = {"+ idling\r\n* 4 EXISTS\r\n",
                                          "* 4 EXISTS\r\n+ idling\r\n"};
    for (size_t i = 0; i < 2; i++) {
        struct script_rule rules[] = {{"IDLE", replies[i]}};
        struct script script = {NULL, FULL, rules, 1};
        struct host *h = host_start(&script, "");
        int fd;
        uint32_t timeout_ms;
        ck_assert_str_eq(host_run(h), "");
        ck_assert_int_eq(imap_pickup_wait(h->pickup, &fd, &timeout_ms, &h->err), 0);
        struct pollfd at = {.fd = fd, .events = POLLIN}; /* it may come in a piece of its own */
        ck_assert(timeout_ms == 0 || poll(&at, 1, 1000) == 1);
        host_stop(h);
    }
}
END_TEST

START_TEST(a_mailbox_that_waits_has_no_room_for_mail_until_some_comes)
{
    static const struct script_rule rules[] = {
        FOUND_ONE,
        LIST_ONE,
        BODY_ONE,
        MOVE_ONE,
        {"*IDLE", "+ idling\r\n"},
        {"*DONE", "@ OK ended\r\n"},
        {"SEARCH", "* SEARCH 6\r\n" OK},
        {"RFC822.SIZE", LISTED(6) OK},
        {"BODY.PEEK[]", BODY(6) OK},
        {"UID MOVE 6", "* OK [COPYUID 9 6 106] moved\r\n" OK}};
    struct host *h = RUN(rules, FULL, "", "5 ");
    int fd;
    uint32_t timeout_ms;
    ck_assert_ptr_nonnull(h->pickup->room);
    ck_assert_int_eq(imap_pickup_wait(h->pickup, &fd, &timeout_ms, &h->err), 0);
    ck_assert_ptr_null(h->pickup->room);
    h->now_ms += timeout_ms; /* the poll is due */
    ck_assert_str_eq(host_run(h), "6 ");
    host_stop(h);
}
END_TEST

START_TEST(idle_is_renewed_however_seldom_the_poll_is)
{
    static const struct script_rule rules[] = {
        {"*IDLE", "+ idling\r\n"}, {"*DONE", "@ OK ended\r\n"}, {"SEARCH", "* SEARCH\r\n" OK}};
    static struct script script = {NULL, FULL, rules, 3};
    struct host *h = host_start(&script, "poll=2h");
    int fd;
    uint32_t timeout_ms;
    ck_assert_str_eq(host_run(h), "");
    for (int round = 0; round < 3; round++) {
        ck_assert_int_eq(imap_pickup_wait(h->pickup, &fd, &timeout_ms, &h->err), 0);
        ck_assert_uint_eq(timeout_ms, IMAP_IDLE_MS);
        h->now_ms += IMAP_IDLE_MS / 3;
        ck_assert_str_eq(host_run(h), ""); /* woken for nothing */
        ck_assert_int_eq(imap_pickup_wait(h->pickup, &fd, &timeout_ms, &h->err), 0);
        ck_assert_uint_eq(timeout_ms, IMAP_IDLE_MS - IMAP_IDLE_MS / 3);
        h->now_ms += timeout_ms;
        ck_assert_str_eq(host_run(h), "");
    }
    TRACE(h, "SEARCH", "IDLE", "DONE", "IDLE", "DONE", "IDLE", "DONE");
    host_stop(h);
}
END_TEST

START_TEST(a_server_that_ends_idle_at_once_is_polled_instead)
{
    static const struct script_rule rules[] = {{"*IDLE", "+ idling\r\n@ OK ended\r\n"}};
    static struct script script = {NULL, FULL, rules, 1};
    struct host *h = host_start(&script, "");
    uint32_t timeout_ms = 0;
    int fd;
    ck_assert_str_eq(host_run(h), "");
    for (int round = 0; round < 8; round++) {
        ck_assert_int_eq(imap_pickup_wait(h->pickup, &fd, &timeout_ms, &h->err), 0);
        ck_assert_str_eq(host_run(h), "");
    }
    ck_assert_uint_eq(timeout_ms, 300000);
    ck_assert_ptr_nonnull(strstr(h->log, "by polling instead"));
    char *trace = script_trace(h->server);
    unsigned int idles = 0;
    for (const char *at = trace; (at = strstr(at, "IDLE")) != NULL; at++)
        idles++;
    free(trace);
    ck_assert_uint_eq(idles, IMAP_IDLES_SHORT);
    host_stop(h);
}
END_TEST

/* The end of IDLE and our DONE may cross: then DONE is a command that the server does not know. */
START_TEST(an_idle_that_the_server_ends_in_whatever_order_goes_on_with_a_search)
{
    static const struct {
        const char *idle, *done;
        const char *want; /* in the trace; "-": must not be */
    } rows[] = {
        {"+ idling\r\n", "@ OK ended\r\nDONE BAD what\r\n", "DONE"},
        {"+ idling\r\n", "DONE BAD what\r\n@ OK ended\r\n", "DONE"},
        {"+ idling\r\n", "@ OK ended\r\nDONE NO what\r\n", "DONE"},
        {"+ idling\r\n", "@ OK ended\r\n* BAD what\r\n", "DONE"},
        {"+ idling\r\n", "@ BAD never heard of it\r\n", "DONE"},
        {"+ idling\r\n@ OK ended\r\n", "DONE BAD what\r\n", "-DONE"},
        {"@ OK ended\r\n+ idling\r\n", "", "-DONE"},
        {"@ BAD never heard of it\r\n", "", "-DONE"},
        {"@ NO not now\r\n", "", "-DONE"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct script_rule rules[] = {{"IDLE", rows[i].idle},
                                            {"DONE", rows[i].done},
                                            {"*SEARCH", "* SEARCH\r\n" OK}};
        const struct script script = {NULL, FULL, rules, 3, 0};
        struct host *h = host_start(&script, "");
        int fd;
        uint32_t timeout_ms;
        ck_assert_str_eq(host_run(h), "");
        ck_assert_int_eq(imap_pickup_wait(h->pickup, &fd, &timeout_ms, &h->err), 0);
        h->now_ms += timeout_ms; /* the poll is due */
        const char *seen = host_run(h);
        ck_assert_msg(seen[0] == '\0', "row %zu: %s: %s", i, seen, h->err.text);
        seen = host_run(h); /* what else the server said is read by then */
        ck_assert_msg(seen[0] == '\0', "row %zu: %s: %s", i, seen, h->err.text);
        expect_trace(h, &rows[i].want, 1);
        TRACE(h, "SEARCH", "IDLE", "SEARCH");
        host_stop(h);
    }
}
END_TEST

START_TEST(an_answer_to_a_command_that_was_never_sent_is_still_an_error)
{
    static const char *const replies[] = {"DONE BAD what\r\n* SEARCH\r\n" OK,
                                          "DONE OK what\r\n* SEARCH\r\n" OK};
    for (size_t i = 0; i < 2; i++) {
        const struct script_rule rules[] = {{"SEARCH", replies[i]}};
        struct host *h = RUN(rules, FULL, "", "failed: protocol");
        host_stop(h);
    }
}
END_TEST

/* ---- Servers that fail ----------------------------------------------------------------------- */

START_TEST(a_link_that_breaks_while_we_send_keeps_what_was_not_handed_out)
{
    static const struct script_rule rules[] = {{"SEARCH", "* SEARCH 5 6\r\n" OK},
                                               {"RFC822.SIZE", LISTED(5) LISTED(6) OK},
                                               {"BODY.PEEK[]", BODY(5) BODY(6) OK}};
    static struct script script = {NULL, FULL, rules, 3};
    struct host *h = host_start(&script, "");
    struct imap_message message;
    struct imap_call call = {.what = "NOOP"};
    struct imap_command command;
    ck_assert_int_eq(imap_pickup_next(h->pickup, &message, &h->err), IMAP_PICKUP_MESSAGE);
    mail_free(message.mail);
    spool_free(message.spool);
    imap_command_init(&command, "NOOP"); /* it waits to be sent when the link breaks */
    ck_assert_int_eq(imap_session_send(h->pickup->session, &command, &call, &h->err), 0);
    ck_assert_int_eq(shutdown(imap_session_fd(h->pickup->session), SHUT_RDWR), 0);
    ck_assert_int_eq(imap_pickup_next(h->pickup, &message, &h->err), IMAP_PICKUP_FAILED);
    ck_assert_int_eq(h->err.class, ERROR_LINK);
    imap_pickup_close(h->pickup);
    h->pickup = NULL;
    ck_assert_uint_eq(h->ledger[5].attempts, 1);
    ck_assert_uint_eq(h->ledger[6].attempts, 0);
    host_stop(h);
}
END_TEST

START_TEST(behind_a_proxy_no_password_goes_out_in_plain_text)
{
    static const struct script_rule rules[] = {
        {"HTTP/1.", "HTTP/1.1 200 yes\r\n\r\n* OK hello\r\n"},
        {"*LOGIN", "@ NO [AUTHENTICATIONFAILED] heard it\r\n"},
        {"*", ""}};
    static struct script script = {"", "", rules, 3};
    struct host *h = host_start_at(
        &script, "url=mail.example.org;starttls=Never;proxy=http://127.0.0.1:", "");
    ck_assert_str_eq(host_run(h), "failed: config");
    ck_assert_ptr_nonnull(strstr(h->err.text, "proxy"));
    TRACE(h, "-HTTP");
    host_stop(h);
    h = host_start_at(&script, "url=10.0.0.1;starttls=Never;proxy=http://127.0.0.1:", "");
    ck_assert_str_eq(host_run(h), "failed: credentials");
    TRACE(h, "10.0.0.1:143 HTTP");
    host_stop(h);
}
END_TEST

START_TEST(a_message_that_did_not_come_whole_is_not_handed_out)
{
    static const struct {
        const char *reply, *want;
    } rows[] = {
        {"* 1 FETCH (UID 5 BODY[] {500}\r\nSubject: x\r\n\2", "failed: link"},
        {"* 1 FETCH (UID 5 BODY[] {10}\r\n* BYE gone\2", "failed: link"},
        {"* 1 FETCH (UID 5 BODY[] {4}\r\nab\r\n)\r\n* BYE gone\r\n", "failed: link"},
        {"* BYE [UNAVAILABLE] gone\r\n", "failed: pause"},
        {BODY(5) "\2", "failed: link"},
        {BODY(5) "@ BAD what\r\n", "failed: protocol"},
        {BODY(5) "zzzzzz1 OK done\r\n", "failed: protocol"},
        {BODY(5) "@ NO [THROTTLED] Suggested Backoff Time: 90500 milliseconds\r\n",
         "failed: pause"},
        {"* 1 FETCH (UID 5 BODY[] {9999999999}\r\n", "failed: protocol"},
        {"garbage\r\n", "failed: protocol"},
        {"* OK [UIDVALIDITY 8] new\r\n" OK, "failed: link"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct script_rule rules[] = {FOUND_ONE, LIST_ONE, {"BODY.PEEK[]", rows[i].reply}};
        struct host *h = RUN(rules, FULL, "", rows[i].want);
        if (strcmp(rows[i].want, "failed: pause") == 0 && i == 7)
            ck_assert_uint_eq(h->err.pause_s, 91);
        imap_pickup_close(h->pickup);
        h->pickup = NULL;
        TRACE(h, "note 5 ATTEMPTED", "-MOVE");
        /* where the server asks for a pause it is nobody's fault */
        ck_assert_uint_eq(h->ledger[5].attempts, strcmp(rows[i].want, "failed: pause") != 0);
        host_stop(h);
    }
}
END_TEST

START_TEST(a_body_that_never_comes_is_asked_for_again_and_then_left_in_place)
{
    static const char *const replies[] = {OK,
                                          "* 1 FETCH (UID 5 BODY[] NIL)\r\n" OK,
                                          BODY(6) OK,
                                          "* 1 FETCH (UID 5)\r\n" OK,
                                          "* 1 FETCH (BODY[] {2}\r\nxx)\r\n" OK,
                                          BODY(5) "@ NO not now\r\n"};
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        struct script_rule rules[] = {FOUND_ONE, LIST_ONE, {"*BODY.PEEK[]", replies[i]}};
        struct host *h = RUN(rules, FULL, "", "");
        TRACE(h, "BODY.PEEK[]", "BODY.PEEK[]", "BODY.PEEK[]", "note 5 withdraw", "-MOVE");
        ck_assert_ptr_nonnull(strstr(h->log, "left for a later run"));
        host_stop(h);
    }
}
END_TEST

/* The next pass asks again; what is given out then is told no more. */
START_TEST(after_a_no_each_message_is_asked_for_alone_and_what_is_left_is_told)
{
    static const char *const nos[] = {
        "@ NO some messages could not be read\r\n", "@ NO [SERVERBUG] Internal error\r\n",
        "@ NO [LIMIT] too many\r\n", "@ NO [INUSE] locked\r\n"};
    for (size_t i = 0; i < sizeof nos / sizeof nos[0]; i++) {
        char some[200];
        (void)snprintf(some, sizeof some, "%s%s", BODY(5), nos[i]);
        const struct script_rule rules[] = {
            {"SEARCH", "* SEARCH 5 6 7\r\n" OK},
            {"RFC822.SIZE", LISTED(5) LISTED(6) LISTED(7) OK},
            {"FETCH 5:7 (UID BODY.PEEK[])", some},
            {"FETCH 5 (UID BODY.PEEK[])", BODY(5) OK},
            {"FETCH 6 (UID BODY.PEEK[])", nos[i]},
            {"FETCH 6 (UID BODY.PEEK[])", nos[i]},
            {"FETCH 7 (UID BODY.PEEK[])", BODY(7) OK},
            {"UID MOVE 5,7", "@ OK [COPYUID 9 5,7 105,107] moved\r\n"},
            {"SEARCH", "* SEARCH 6\r\n" OK},
            {"FETCH 6 (UID FLAGS", LISTED(6) OK},
            {"FETCH 6 (UID BODY.PEEK[])", BODY(6) OK},
            {"UID MOVE 6", "@ OK [COPYUID 9 6 106] moved\r\n"}};
        struct host *h = RUN(rules, "MOVE UIDPLUS", "", "5 7 ");
        ck_assert_int_eq(h->trouble.class, ERROR_LINK);
        ck_assert_ptr_nonnull(strstr(h->trouble.text, "message 6"));
        ck_assert_uint_eq(h->ledger[6].attempts, 0);
        ck_assert_str_eq(host_run(h), "6 ");
        ck_assert_int_eq(h->trouble.class, ERROR_NONE);
        host_stop(h);
    }
}
END_TEST

START_TEST(a_body_that_was_to_be_asked_for_again_counts_no_attempt_when_the_link_breaks)
{
    static const struct script_rule rules[] = {{"SEARCH", "* SEARCH 5 6\r\n" OK},
                                               {"RFC822.SIZE", LISTED(5) LISTED(6) OK},
                                               {"FETCH 5 (UID BODY.PEEK[])", OK},
                                               {"FETCH 6 (UID BODY.PEEK[])", "\2"}};
    struct host *h = RUN(rules, FULL, "batch=1", "failed: link");
    imap_pickup_close(h->pickup);
    h->pickup = NULL;
    ck_assert_uint_eq(h->ledger[5].attempts, 0);
    ck_assert_uint_eq(h->ledger[6].attempts, 1); /* it was on its way */
    host_stop(h);
}
END_TEST

START_TEST(a_window_that_came_in_part_when_the_ledger_failed_is_freed_once)
{
    static const struct script_rule rules[] = {
        {"SEARCH", "* SEARCH 5 6 7\r\n" OK}, {"RFC822.SIZE", LISTED(5) LISTED(6) LISTED(7) OK},
        {"BODY.PEEK[]", OK},                {"BODY.PEEK[]", OK},
        {"BODY.PEEK[]", BODY(6) OK}};
    static struct script script = {NULL, FULL, rules, sizeof rules / sizeof rules[0]};
    struct host *h = host_start(&script, "");
    h->keeps = 7;
    ck_assert_str_eq(host_run(h), "failed: store");
    imap_pickup_close(h->pickup);
    h->pickup = NULL;
    ck_assert_uint_eq(h->ledger[5].attempts, 0);
    ck_assert_uint_eq(h->ledger[6].attempts, 0);
    host_stop(h);
}
END_TEST

START_TEST(silence_ends_by_the_clock_and_cancel_at_once)
{
    static const struct script_rule silent[] = {FOUND_ONE, {"RFC822.SIZE", "* OK wait\r\n\3"}};
    static struct script script = {NULL, FULL, silent, 2};
    struct host *h = host_start(&script, "timeout=60s");
    h->step_ms = 7000;
    ck_assert_str_eq(host_run(h), "failed: link");
    ck_assert_ptr_nonnull(strstr(h->err.text, "no answer to UID FETCH for 60 s"));
    host_stop(h);
    h = host_start(&script, "");
    h->cancelled = true;
    ck_assert_str_eq(host_run(h), "failed: cancelled");
    host_stop(h);
}
END_TEST

/* What the server says while it is closed is nobody's any more; least of all told by the thread
 * that receives. A race: some of these rounds close while that thread has hundreds of lines before
 * it. */
START_TEST(closing_while_the_server_talks_calls_the_host_from_no_other_thread)
{
    static const char line[] = "* OK [ALERT] and so on\r\n";
    static char chatter[20000 * (sizeof line - 1) + 1];
    for (size_t i = 0; i < sizeof chatter - 1; i++)
        chatter[i] = line[i % (sizeof line - 1)];
    struct script_rule rules[] = {{"SEARCH", "* SEARCH 5 6\r\n" OK},
                                  {"RFC822.SIZE", LISTED(5) LISTED(6) OK},
                                  {"UID FETCH 5 (UID BODY.PEEK[])", BODY(5) OK},
                                  {"UID FETCH 6 (UID BODY.PEEK[])", chatter}};
    struct script script = {NULL, FULL, rules, sizeof rules / sizeof rules[0], 0};
    for (int round = 0; round < 60; round++) {
        struct timespec later = {.tv_nsec = round % 20 * 200000};
        struct host *h = host_start(&script, "batch=1");
        struct imap_message message;
        ck_assert_int_eq(imap_pickup_next(h->pickup, &message, &h->err), IMAP_PICKUP_MESSAGE);
        mail_free(message.mail);
        spool_free(message.spool);
        nanosleep(&later, NULL);
        imap_pickup_close(TAKE(h->pickup));
        ck_assert_msg(!h->foreign, "round %d", round);
        host_stop(h);
    }
}
END_TEST

START_TEST(a_login_that_fails_says_of_what_kind)
{
    static const struct {
        const char *greeting, *login, *want, *text;
    } rows[] = {
        {NULL, "@ NO [AUTHENTICATIONFAILED] no\r\n", "failed: credentials", "app password"},
        {NULL, "@ NO [UNAVAILABLE] later\r\n", "failed: pause", "later"},
        {NULL, "@ NO slow. Suggested Backoff Time: 4500\r\n", "failed: pause", "4500"},
        {NULL, "* BYE Suggested Backoff Time: 4001 milliseconds\r\n\2", "failed: pause", "4001"},
        {NULL, "* BYE busy\r\n\2", "failed: link", "busy"},
        {NULL, "@ NO sesame is wrong\r\n", "failed: credentials", "withheld"},
        {NULL, "@ NO AGFubgBzZXNhbWU= is wrong\r\n", "failed: credentials", "withheld"},
        {"* PREAUTH hi\r\n", "", "failed: protocol", "PREAUTH"},
        {"* BYE too many\r\n\2", "", "failed: link", "too many"},
        {"\2", "", "failed: unreachable", "before the server said a word"},
        {"hello there\r\n", "", "failed: unreachable", "within 30 s"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct script_rule rules[] = {{"*LOGIN", rows[i].login}};
        struct script script = {rows[i].greeting, FULL, rules, 1};
        struct host *h = host_start(&script, "");
        h->step_ms = strstr(rows[i].text, "within") != NULL ? 5000 : 0;
        const char *seen = host_run(h);
        ck_assert_msg(strcmp(seen, rows[i].want) == 0, "row %zu: %s: %s", i, seen, h->err.text);
        ck_assert_msg(strstr(h->err.text, rows[i].text) != NULL, "%s", h->err.text);
        ck_assert_uint_eq(h->err.pause_s, strstr(rows[i].login, "Backoff") != NULL ? 5 : 0);
        ck_assert_ptr_null(strstr(h->err.text, "sesame"));
        TRACE(h, "-SELECT");
        host_stop(h);
    }
}
END_TEST

START_TEST(what_a_listing_left_out_is_asked_for_once_more_in_the_same_pass)
{
    static const char *const listings[] = {LISTED(5) OK, LISTED(5) "@ NO some are gone\r\n"};
    for (size_t i = 0; i < 2; i++) {
        const struct script_rule rules[] = {
            {"SEARCH", "* SEARCH 5 6\r\n" OK}, {"FETCH 5:6 (UID FLAGS", listings[i]},
            {"FETCH 6 (UID FLAGS", LISTED(6) OK}, {"BODY.PEEK[]", BODY(5) OK},
            {"BODY.PEEK[]", BODY(6) OK},
            {"UID MOVE 5:6", "@ OK [COPYUID 9 5:6 105:106] moved\r\n"}};
        struct host *h = RUN(rules, "MOVE UIDPLUS", "", "5 6 ");
        TRACE(h, "SEARCH", "note 5 MOVED", "note 6 MOVED");
        host_stop(h);
    }
}
END_TEST

START_TEST(what_the_server_did_not_list_or_give_is_looked_for_again_in_the_next_pass)
{
    static const struct script_rule rules[] = {
        {"SEARCH", "* SEARCH 5 6\r\n" OK},
        {"FETCH 5:6 (UID FLAGS", LISTED(5) OK},
        {"FETCH 6 (UID FLAGS", OK},
        {"BODY.PEEK[]", BODY(5) OK},
        MOVE_ONE,
        {"SEARCH", "* SEARCH 6\r\n" OK},
        {"FETCH 6 (UID FLAGS", LISTED(6) OK},
        {"BODY.PEEK[]", BODY(6) OK},
        {"UID MOVE 6", "@ OK [COPYUID 9 6 106] moved\r\n"}};
    struct host *h = RUN(rules, "MOVE UIDPLUS", "", "5 ");
    ck_assert_str_eq(host_run(h), "6 ");
    TRACE(h, "note 5 MOVED", "note 6 MOVED");
    host_stop(h);
}
END_TEST

START_TEST(one_message_that_cannot_be_listed_keeps_no_other_back)
{
    static const char *const nos[] = {"@ NO cannot be read\r\n",
                                      "@ NO [SERVERBUG] Internal error occurred\r\n"};
    for (size_t i = 0; i < 2; i++) {
        const struct script_rule rules[] = {
            {"SEARCH", "* SEARCH 4 5 6\r\n" OK},    {"FETCH 4:6 (UID FLAGS", nos[i]},
            {"FETCH 4 (UID FLAGS", nos[i]},          {"FETCH 5 (UID FLAGS", LISTED(5) OK},
            {"FETCH 6 (UID FLAGS", LISTED(6) OK},    {"FETCH 5 (UID BODY", BODY(5) OK},
            {"FETCH 6 (UID BODY", BODY(6) OK},
            {"UID MOVE 5:6", "@ OK [COPYUID 9 5:6 105:106] moved\r\n"}};
        struct host *h = RUN(rules, "MOVE UIDPLUS", "", "5 6 ");
        ck_assert_int_eq(h->trouble.class, ERROR_LINK);
        ck_assert_ptr_nonnull(strstr(h->trouble.text, "message 4"));
        host_stop(h);
    }
}
END_TEST

START_TEST(a_listing_that_is_refused_twice_and_tells_nothing_is_a_failure)
{
    static const struct script_rule rules[] = {FOUND_ONE,
                                               {"*RFC822.SIZE", "@ NO internal error\r\n"}};
    struct host *h = RUN(rules, FULL, "", "failed: protocol");
    TRACE(h, "RFC822.SIZE", "RFC822.SIZE", "-BODY");
    host_stop(h);
}
END_TEST

START_TEST(after_a_pause_at_the_start_the_next_call_tries_again)
{
    static const struct script_rule rules[] = {{"LOGIN", "@ NO [UNAVAILABLE] later\r\n\2"},
                                               {"SELECT", "@ NO [INUSE] locked\r\n\2"},
                                               FOUND_ONE,
                                               LIST_ONE,
                                               BODY_ONE,
                                               MOVE_ONE};
    struct host *h = RUN(rules, FULL, "", "failed: pause");
    ck_assert_str_eq(host_run(h), "failed: pause");
    ck_assert_str_eq(host_run(h), "5 ");
    host_stop(h);
}
END_TEST

START_TEST(a_connection_cut_at_any_byte_hands_out_only_what_came_whole_and_was_answered)
{
    static const struct script_rule rules[] = {FOUND_ONE, LIST_ONE, BODY_ONE, MOVE_ONE};
    bool whole = false;
    for (size_t cut = 1; !whole; cut += 3) {
        struct script script = {NULL, "MOVE UIDPLUS", rules, 4, cut};
        struct host *h = host_start(&script, "");
        const char *seen = host_run(h);
        whole = strcmp(seen, "5 ") == 0;
        ck_assert_msg(whole || strstr(seen, "failed: ") != NULL, "cut at %zu: %s", cut, seen);
        char *trace = script_trace(h->server);
        if (strncmp(seen, "5", 1) == 0) /* its FETCH was answered: the MOVE came after it */
            ck_assert_msg(strstr(trace, "note 5 MOVING") != NULL, "cut at %zu: %s", cut, trace);
        else
            ck_assert_msg(strstr(trace, "MOVE 5") == NULL, "cut at %zu: %s", cut, trace);
        free(trace);
        host_stop(h);
        ck_assert_uint_lt(cut, 5000);
    }
}
END_TEST

/* ---- Folders --------------------------------------------------------------------------------- */

START_TEST(a_folder_is_found_behind_namespace_and_separator_or_made_there)
{
    static const struct script_rule rules[] = {
        {"NAMESPACE", "* NAMESPACE ((\"INBOX.\" \".\")) NIL NIL\r\n" OK},
        {"*LIST \"\" \"\"", "* LIST (\\Noselect) \".\" \"\"\r\n" OK},
        {"*LIST \"\" \"INBOX\"", "* LIST () \".\" inbox\r\n" OK},
        {"*LIST \"\" \"INBOX.&AMQ-rchiv.2026\"", "* LIST () \".\" $\r\n" OK},
        {"*LIST", OK},
        {"CREATE \"INBOX.bad \\\"ones\\\" &-c\"", "@ NO no upper level\r\n"},
    };
    static struct script script = {NULL, FULL " NAMESPACE", rules, 6};
    struct host *h = host_start(&script, "dropbox=\xC3\x84rchiv/2026;badmail='bad \"ones\" &c'");
    ck_assert_str_eq(host_run(h), "");
    TRACE(h, "CREATE \"INBOX\"", "CREATE \"INBOX.bad", "STATUS \"INBOX.&AMQ-rchiv.2026\"",
          "-CREATE \"INBOX.&");
    host_stop(h);
}
END_TEST

START_TEST(a_mailbox_that_is_not_there_is_never_made)
{
    static const struct script_rule rules[] = {{"*LIST \"\" \"Nowhere\"", OK}};
    struct host *h = RUN(rules, FULL, "mailbox=Nowhere", "failed: config");
    TRACE(h, "LIST", "-CREATE", "-SELECT");
    ck_assert_ptr_nonnull(strstr(h->err.text, "no folder 'Nowhere'"));
    host_stop(h);
}
END_TEST

START_TEST(two_names_of_one_folder_are_found_out)
{
    static const struct script_rule rules[] = {
        {"*LIST \"\" \"\"", "* LIST (\\Noselect) \".\" \"\"\r\n" OK}, {"*LIST \"\" \"a/b\"", OK}};
    struct host *h = RUN(rules, FULL, "dropbox=a/b;badmail=a.b;", "failed: config");
    TRACE(h, "-SELECT");
    host_stop(h);
}
END_TEST

/* ---- Check ----------------------------------------------------------------------------------- */

static void check_report(void *context, const char *step, enum imap_check_state state,
                         const char *text)
{
    struct host *h = context;
    size_t used = strlen(h->log);
    (void)snprintf(h->log + used, sizeof h->log - used, "%s %d %s\n", step, (int)state, text);
}

START_TEST(check_tells_each_step_and_changes_nothing)
{
    static const struct script_rule rules[] = {{"*LIST \"\" \"DROPBOX\"", OK},
                                               {"SEARCH", "* SEARCH 5 6\r\n" OK}};
    static struct script script = {NULL, FULL, rules, 2};
    struct host *h = host_start(&script, "");
    ck_assert_int_eq(imap_check(h->settings, "ann", "sesame", &h->table, check_report, h, &h->err),
                     0);
    ck_assert_ptr_nonnull(strstr(h->log, "dropbox 0 'DROPBOX' is not there, it would be made"));
    ck_assert_ptr_nonnull(strstr(h->log, "badmail 0 'BADMAIL' is there"));
    ck_assert_ptr_nonnull(strstr(h->log, "would find 2 messages"));
    TRACE(h, "EXAMINE", "-SELECT", "-CREATE", "-STORE", "-SUBSCRIBE");
    host_stop(h);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("imap-pickup");
    TCase *t = tcase_create("dialogue");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_message_is_moved_only_after_it_was_handed_out_and_noted);
    tcase_add_test(t, attempts_are_noted_before_bodies_are_asked_for_and_of_a_lone_one_meanwhile);
    tcase_add_test(t, a_body_comes_before_its_uid_in_any_form_and_among_data_nobody_asked_for);
    tcase_add_test(t, one_small_message_alone_is_received_without_a_thread_and_two_with_one);
    tcase_add_test(t, a_body_much_shorter_than_its_size_is_picked_up_with_a_problem);
    tcase_add_test(t, a_rule_sees_decoded_headers_and_what_it_leaves_is_not_fetched);
    tcase_add_test(t, idle_wakes_for_new_mail_and_sleeps_through_chatter);
    tcase_add_test(t, a_connection_that_waits_outlives_two_lost_probes);
    tcase_add_test(t, news_on_the_way_into_idle_is_not_slept_over);
    tcase_add_test(t, a_mailbox_that_waits_has_no_room_for_mail_until_some_comes);
    tcase_add_test(t, idle_is_renewed_however_seldom_the_poll_is);
    tcase_add_test(t, a_server_that_ends_idle_at_once_is_polled_instead);
    tcase_add_test(t, an_idle_that_the_server_ends_in_whatever_order_goes_on_with_a_search);
    tcase_add_test(t, an_answer_to_a_command_that_was_never_sent_is_still_an_error);
    tcase_add_test(t, a_link_that_breaks_while_we_send_keeps_what_was_not_handed_out);
    tcase_add_test(t, behind_a_proxy_no_password_goes_out_in_plain_text);
    tcase_add_test(t, a_message_that_did_not_come_whole_is_not_handed_out);
    tcase_add_test(t, a_body_that_never_comes_is_asked_for_again_and_then_left_in_place);
    tcase_add_test(t, after_a_no_each_message_is_asked_for_alone_and_what_is_left_is_told);
    tcase_add_test(t, a_body_that_was_to_be_asked_for_again_counts_no_attempt_when_the_link_breaks);
    tcase_add_test(t, a_window_that_came_in_part_when_the_ledger_failed_is_freed_once);
    tcase_add_test(t, silence_ends_by_the_clock_and_cancel_at_once);
    tcase_add_test(t, closing_while_the_server_talks_calls_the_host_from_no_other_thread);
    tcase_add_test(t, a_login_that_fails_says_of_what_kind);
    tcase_add_test(t, what_a_listing_left_out_is_asked_for_once_more_in_the_same_pass);
    tcase_add_test(t, a_listing_that_is_refused_twice_and_tells_nothing_is_a_failure);
    tcase_add_test(t, one_message_that_cannot_be_listed_keeps_no_other_back);
    tcase_add_test(t, what_the_server_did_not_list_or_give_is_looked_for_again_in_the_next_pass);
    tcase_add_test(t, after_a_pause_at_the_start_the_next_call_tries_again);
    tcase_add_test(t, a_connection_cut_at_any_byte_hands_out_only_what_came_whole_and_was_answered);
    tcase_add_test(t, a_folder_is_found_behind_namespace_and_separator_or_made_there);
    tcase_add_test(t, a_mailbox_that_is_not_there_is_never_made);
    tcase_add_test(t, two_names_of_one_folder_are_found_out);
    tcase_add_test(t, check_tells_each_step_and_changes_nothing);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
