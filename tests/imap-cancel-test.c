/* SPDX-License-Identifier: Apache-2.0 */
/* imap-cancel-test.c - promises about stopping: in whatever phase, and however much the server says
 * meanwhile, a pick-up that is told to stop does so the next few times it asks, and nothing is lost
 * by it. No time is measured: each server here would go on for ever. */
#include <config.h>
#include "check-main.h"

#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imap-pickup-fixture.h"
#include "imap-pickup-private.h"

#define TOLD_MAX 4u /* times that it is asked, and told to stop, until it has stopped */

/* ---- A name server that never answers -------------------------------------------------------- */

static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;

/* libcurl's thread finds this one instead of the C library's. Addresses are no names: they do not
 * come here. */
__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **out)
{
    (void)name;
    (void)service;
    (void)hints;
    (void)out;
    pthread_mutex_lock(&names_lock);
    pthread_mutex_unlock(&names_lock);
    return EAI_AGAIN;
}

/* ---- Phases ---------------------------------------------------------------------------------- */

/* What is said once, and then again and again. */
struct phase {
    const char *at; /* the command after which we are told to stop */
    const char *match, *reply;
};

#define CHATTER "\4* OK still here\r\n"
#define ENDLESS "* 1 FETCH (UID 5 BODY[] {40000000}\r\n\4all work and no play\r\n"
#define ENDLESS_LITTLE "\4* 77 FETCH (UID 77 BODY[] {3}\r\nabc)\r\n"

static const struct phase phases[] = {
    {"LOGIN", "LOGIN", "\3"},
    {"LIST", "LIST", CHATTER},
    {"LIST", "LIST", "\4* LIST () \"/\" Other\r\n"},
    {"STATUS", "STATUS", CHATTER},
    {"SELECT", "SELECT", "\4* 3 EXISTS\r\n"},
    {"SEARCH", "SEARCH", CHATTER},
    {"SEARCH", "SEARCH", "\4* SEARCH 5\r\n"},
    {"RFC822.SIZE", "RFC822.SIZE", CHATTER},
    {"RFC822.SIZE", "RFC822.SIZE", "\4* 1 FETCH (FLAGS (\\Seen))\r\n"},
    {"BODY.PEEK", "BODY.PEEK", CHATTER},
    {"BODY.PEEK", "BODY.PEEK", ENDLESS},
    {"BODY.PEEK", "BODY.PEEK", ENDLESS_LITTLE},
    {"BODY.PEEK", "BODY.PEEK", "\4* 77 FETCH (UID 77 BODY[] NIL)\r\n"},
    {"UID MOVE", "UID MOVE", CHATTER},
    {"UID MOVE", "UID MOVE", "\4* 1 EXPUNGE\r\n"},
};

/* @two messages: a thread receives. */
static void stop_in(const struct phase *phase, bool two)
{
    const struct script_rule rules[] = {
        {phase->match, phase->reply},
        {"SEARCH", two ? "* SEARCH 5 6\r\n" OK : "* SEARCH 5\r\n" OK},
        {"RFC822.SIZE", LISTED(5) LISTED(6) OK},
        {"BODY.PEEK[]", BODY(5) BODY(6) OK}};
    const struct script script = {NULL, "MOVE UIDPLUS", rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "");
    h->cancel_at = phase->at;
    const char *seen = host_run(h);
    const char *end = strstr(seen, "failed: ");
    ck_assert_msg(end != NULL && strcmp(end, "failed: cancelled") == 0, "%s '%s': %s: %s",
                  phase->at, phase->reply, seen, h->err.text);
    ck_assert_msg(h->told <= TOLD_MAX, "%s '%s': told %u times", phase->at, phase->reply, h->told);
    imap_pickup_close(h->pickup);
    h->pickup = NULL;
    ck_assert(h->ledger[5].step == IMAP_STEP_MOVING || h->ledger[5].attempts == 0);
    host_stop(h);
}

START_TEST(a_server_that_never_stops_talking_delays_no_stop)
{
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) {
        stop_in(&phases[i], false);
        stop_in(&phases[i], true);
    }
}
END_TEST

START_TEST(a_turn_that_brought_bytes_heeds_a_stop_too)
{
    static const struct script_rule rules[] = {{"NOOP", "* OK still here\r\n"}};
    static const struct script script = {NULL, FULL, rules, 1, 0};
    struct host *h = host_start(&script, "");
    struct imap_call call = {.what = "NOOP"};
    struct imap_command command;
    ck_assert_str_eq(host_run(h), "");
    imap_command_init(&command, "NOOP");
    ck_assert_int_eq(imap_session_send(h->pickup->session, &command, &call, &h->err), 0);
    ck_assert_int_eq(imap_session_flush(h->pickup->session, &h->err), 0);
    struct pollfd at = {.fd = imap_session_fd(h->pickup->session), .events = POLLIN};
    ck_assert_int_eq(poll(&at, 1, -1), 1); /* they are there */
    h->cancelled = true;
    ck_assert_int_lt(imap_session_turn(h->pickup->session, &h->err), 0);
    ck_assert_int_eq(h->err.class, ERROR_CANCELLED);
    ck_assert_uint_eq(h->told, 1);
    host_stop(h);
}
END_TEST

struct numbers {
    struct host *host;
    size_t count; /* that came since the stop, which comes with the first one */
};

static int stop_at_number(void *context, const struct imap_event *event, bool *out_taken,
                          struct error *err)
{
    struct numbers *numbers = context;
    (void)err;
    *out_taken = event->kind == IMAP_EVENT_SEARCH;
    numbers->host->cancelled = numbers->host->cancelled || *out_taken;
    numbers->count += *out_taken ? 1 : 0;
    return 0;
}

/* Time goes by while bytes are looked at, as it does where each costs much: then fewer are taken in
 * before somebody asks. */
START_TEST(what_takes_long_to_be_taken_in_delays_no_stop_until_a_megabyte_of_it_is)
{
    static const char one[] = "* SEARCH 5\r\n";
    static const struct script_rule rules[] = {{"UID SEARCH ALL", "\4* SEARCH 5\r\n"}};
    static const struct script script = {NULL, FULL, rules, 1, 0};
    struct host *h = host_start(&script, "");
    struct numbers numbers = {.host = h};
    struct imap_call call = {.what = "UID SEARCH", .context = &numbers, .data = stop_at_number};
    struct imap_command command;
    ck_assert_str_eq(host_run(h), "");
    h->step_ms = IMAP_POLL_MS;
    imap_command_init(&command, "UID SEARCH ALL");
    ck_assert_int_lt(imap_session_run(h->pickup->session, &command, &call, &h->err), 0);
    ck_assert_int_eq(h->err.class, ERROR_CANCELLED);
    ck_assert_uint_eq(h->told, 1);
    ck_assert_uint_gt(numbers.count, 0);
    ck_assert_uint_le(numbers.count, 65536 / strlen(one) + 1); /* of one receive */
    host_stop(h);
}
END_TEST

static int count_data(void *context, const struct imap_event *event, bool *out_taken,
                      struct error *err)
{
    (void)event;
    (void)out_taken;
    (void)err;
    ++*(unsigned *)context;
    return 0;
}

START_TEST(who_stopped_waiting_for_an_answer_is_not_called_when_it_comes)
{
    static const struct script_rule rules[] = {{"NOOP", ""},
                                               {"CHECK", "* OK more\r\n" OK}};
    static const struct script script = {NULL, FULL, rules, 2, 0};
    struct host *h = host_start(&script, "");
    unsigned calls = 0, heard = 0;
    struct imap_call call = {.what = "NOOP", .context = &calls, .data = count_data};
    struct imap_call next = {.what = "CHECK", .context = &heard, .data = count_data};
    struct imap_command command;
    ck_assert_str_eq(host_run(h), "");
    h->cancelled = true;
    imap_command_init(&command, "NOOP");
    ck_assert_int_lt(imap_session_run(h->pickup->session, &command, &call, &h->err), 0);
    ck_assert_int_eq(h->err.class, ERROR_CANCELLED);
    h->cancelled = false;
    imap_command_init(&command, "CHECK");
    ck_assert_int_eq(imap_session_run(h->pickup->session, &command, &next, &h->err), 0);
    ck_assert_uint_eq(calls, 0);
    ck_assert_uint_eq(heard, 1); /* not once more in the place of the first */
    host_stop(h);
}
END_TEST

static bool has_come(struct host *h, const char *piece)
{
    char *trace = script_trace(h->server);
    bool there = strstr(trace, piece) != NULL;
    free(trace);
    return there;
}

START_TEST(what_is_stored_when_a_stop_comes_is_still_settled)
{
    static const struct script_rule rules[] = {{"SEARCH", "* SEARCH 5 6\r\n" OK},
                                               {"RFC822.SIZE", LISTED(5) LISTED(6) OK},
                                               {"FETCH 5 (UID BODY.PEEK[])", BODY(5) OK},
                                               {"FETCH 6 (UID BODY.PEEK[])", "* OK wait\r\n"},
                                               {"UID MOVE 5", ""}};
    static const struct script script = {NULL, FULL, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "batch=1");
    struct imap_message message;
    const uint32_t uid = 5;
    ck_assert_int_eq(imap_pickup_next(h->pickup, &message, &h->err), IMAP_PICKUP_MESSAGE);
    mail_free(message.mail);
    spool_free(message.spool);
    h->cancel_at = "FETCH 6 (UID BODY";
    h->spared = 1; /* not between two turns, but in one */
    ck_assert_int_eq(imap_pickup_next(h->pickup, &message, &h->err), IMAP_PICKUP_FAILED);
    ck_assert_int_eq(h->err.class, ERROR_CANCELLED);
    h->cancel_at = NULL;
    h->cancelled = false; /* the time that a host gives for this */
    ck_assert_int_eq(imap_pickup_settle(h->pickup, &uid, 1, IMAP_FATE_QUEUED, &h->err), 0);
    imap_pickup_close(TAKE(h->pickup));
    while (!has_come(h, "LOGOUT"))
        (void)poll(NULL, 0, 1);
    TRACE(h, "note 5 MOVING", "UID MOVE 5", "LOGOUT");
    host_stop(h);
}
END_TEST

/* The answer of a server in whose mailbox messages 1 to @last are. */
static void script_looks(char *out, size_t size, unsigned last, bool header)
{
    size_t used = 0;
    for (unsigned uid = 1; uid <= last; uid++)
        used +=
            (size_t)snprintf(out + used, size - used,
                             header ? "* 1 FETCH (UID %u RFC822.SIZE 20 INTERNALDATE "
                                      "\"01-Mar-2026 12:00:00 +0000\" BODY[HEADER] {2}\r\n\r\n)\r\n"
                                    : "* 1 FETCH (UID %u)\r\n",
                             uid);
    (void)snprintf(out + used, size - used, OK);
}

#define MANY (IMAP_RECORDS_MAX + 1) /* more than one page of the ledger */

static void leave_behind(struct host *h, uint32_t uid, uint32_t fate)
{
    h->ledger[uid] = (struct imap_record){.uidvalidity = 7, .uid = uid, .step = IMAP_STEP_MOVING,
                                          .fate = fate, .target_uidvalidity = 9, .target_uid = 100};
}

/* A page of refused copies is looked for again, is to be copied again, and with the next page the
 * stop comes while another folder is selected. */
static void stop_in_archive(const char *at)
{
    static char looks[100000], there[30000];
    const struct script_rule rules[] = {
        {at, "* OK wait\r\n"},
        {"*UID FETCH 1:500 (UID RFC822.SIZE", looks},
        {"*UID FETCH 1:500 (UID)", there},
        {"*UID COPY", "@ NO [OVERQUOTA] full\r\n"},
        {"UID FETCH 501 (UID RFC822.SIZE",
         "* 1 FETCH (UID 501 RFC822.SIZE 30 INTERNALDATE \"01-Mar-2026 12:00:00 +0000\" "
         "BODY[HEADER] {2}\r\n\r\n)\r\n" OK},
        {"*UID FETCH", there}}; /* of the one that is ordered first */
    const struct script script = {NULL, "UIDPLUS", rules, sizeof rules / sizeof rules[0], 0};
    script_looks(looks, sizeof looks, IMAP_RECORDS_MAX, true);
    script_looks(there, sizeof there, IMAP_RECORDS_MAX, false);
    struct host *h = host_start(&script, "poll=2h");
    struct imap_message message;
    h->pickup->options.watch = true;
    for (uint32_t uid = 1; uid < MANY; uid++)
        leave_behind(h, uid, IMAP_FATE_QUEUED);
    ck_assert_str_eq(host_run(h), "");
    leave_behind(h, MANY, IMAP_FATE_BAD);
    h->cancel_at = at;
    h->now_ms += IMAP_REFUSED_MS;
    ck_assert_str_eq(host_run(h), "failed: cancelled");
    h->cancel_at = NULL;
    h->cancelled = false;
    ck_assert_int_eq(imap_pickup_next(h->pickup, &message, &h->err), IMAP_PICKUP_FAILED);
    imap_pickup_close(TAKE(h->pickup));
    while (!has_come(h, SCRIPT_GONE))
        (void)poll(NULL, 0, 1);
    char *trace = script_trace(h->server);
    const char *stopped = strstr(trace, at);
    ck_assert_ptr_nonnull(stopped);
    ck_assert_msg(strstr(stopped, "UID COPY") == NULL && strstr(stopped, "note") == NULL &&
                      strstr(stopped + 1, "SEARCH") == NULL, "%.900s", stopped);
    free(trace);
    for (uint32_t uid = 1; uid <= MANY; uid++)
        ck_assert_uint_eq(h->ledger[uid].uidvalidity, 7);
    host_stop(h);
}

START_TEST(a_stop_while_the_archive_is_selected_orders_nothing_there)
{
    stop_in_archive("EXAMINE \"BADMAIL\"");
    stop_in_archive("SEARCH UID 100:* LARGER 29");
}
END_TEST

START_TEST(a_greeting_that_does_not_come_delays_no_stop)
{
    static const char *const greetings[] = {"\3", "* OK", CHATTER, "\4x"};
    for (size_t i = 0; i < sizeof greetings / sizeof greetings[0]; i++) {
        const struct script script = {greetings[i], FULL, NULL, 0, 0};
        struct host *h = host_start(&script, "");
        h->cancel_at = ""; /* at once */
        ck_assert_str_eq(host_run(h), "failed: cancelled");
        ck_assert_uint_le(h->told, TOLD_MAX);
        host_stop(h);
    }
}
END_TEST

START_TEST(a_tls_handshake_that_does_not_end_delays_no_stop)
{
    const struct script script = {"\3", FULL, NULL, 0, 0};
    struct host *h = host_start_at(&script, "url=127.0.0.1;ssl=True;port=", "");
    h->cancel_at = "";
    ck_assert_str_eq(host_run(h), "failed: cancelled");
    ck_assert_uint_le(h->told, TOLD_MAX);
    host_stop(h);
}
END_TEST

START_TEST(a_name_server_that_never_answers_delays_no_stop)
{
    const struct script script = {NULL, FULL, NULL, 0, 0};
    struct host *h = host_start_at(&script, "url=mail.example.org;starttls=Never;port=", "");
    pthread_mutex_lock(&names_lock);
    h->cancel_at = "";
    ck_assert_str_eq(host_run(h), "failed: cancelled");
    ck_assert_uint_le(h->told, TOLD_MAX);
    host_stop(h); /* not before this has returned may the look-up end */
    pthread_mutex_unlock(&names_lock);
}
END_TEST

START_TEST(an_idle_that_does_not_begin_or_end_delays_no_stop)
{
    static const struct script_rule rows[][2] = {
        {{"IDLE", CHATTER}, {"DONE", ""}},
        {{"IDLE", "+ idling\r\n"}, {"DONE", CHATTER}},
        {{"IDLE", "+ idling\r\n"}, {"DONE", "\4* 9 EXISTS\r\n"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct script script = {NULL, FULL, rows[i], 2, 0};
        struct host *h = host_start(&script, "");
        int fd;
        uint32_t timeout_ms;
        ck_assert_str_eq(host_run(h), "");
        h->cancel_at = i == 0 ? "IDLE" : "DONE";
        if (i == 0) {
            ck_assert_int_lt(imap_pickup_wait(h->pickup, &fd, &timeout_ms, &h->err), 0);
            ck_assert_int_eq(h->err.class, ERROR_CANCELLED);
        } else {
            ck_assert_int_eq(imap_pickup_wait(h->pickup, &fd, &timeout_ms, &h->err), 0);
            h->now_ms += timeout_ms;
            ck_assert_str_eq(host_run(h), "failed: cancelled");
        }
        ck_assert_uint_le(h->told, TOLD_MAX);
        host_stop(h);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("imap-cancel");
    TCase *t = tcase_create("stop");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_server_that_never_stops_talking_delays_no_stop);
    tcase_add_test(t, a_turn_that_brought_bytes_heeds_a_stop_too);
    tcase_add_test(t, what_takes_long_to_be_taken_in_delays_no_stop_until_a_megabyte_of_it_is);
    tcase_add_test(t, who_stopped_waiting_for_an_answer_is_not_called_when_it_comes);
    tcase_add_test(t, what_is_stored_when_a_stop_comes_is_still_settled);
    tcase_add_test(t, a_stop_while_the_archive_is_selected_orders_nothing_there);
    tcase_add_test(t, a_greeting_that_does_not_come_delays_no_stop);
    tcase_add_test(t, a_tls_handshake_that_does_not_end_delays_no_stop);
    tcase_add_test(t, a_name_server_that_never_answers_delays_no_stop);
    tcase_add_test(t, an_idle_that_does_not_begin_or_end_delays_no_stop);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
