/* SPDX-License-Identifier: Apache-2.0 */
/* imap-search-test.c - a mailbox whose UIDs have more gaps than are held: it is found in pieces,
 * and no numbers cost a sort each. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imap-looks.h"
#include "imap-pickup-fixture.h"
#include "imap-pickup-private.h"

/* ---- What is put in order -------------------------------------------------------------------- */

static size_t sorted; /* elements, in all calls */

static int sort_compare(const void *a, const void *b, void *compare)
{
    return (*(int (**)(const void *, const void *))compare)(a, b);
}

/* The program finds this one instead of the C library's. */
__attribute__((visibility("default"))) void qsort(void *base, size_t count, size_t size,
                                                  int (*compare)(const void *, const void *))
{
    sorted += count;
    qsort_r(base, count, size, sort_compare, &compare);
}

/* ---- Memory that runs out -------------------------------------------------------------------- */

static _Thread_local uint32_t fail_in; /* growths of this thread until one fails; 0: none does */

/* The linker sends ours through this one (--wrap). */
void *__real_realloc(void *at, size_t size);
void *__wrap_realloc(void *at, size_t size);
void *__wrap_realloc(void *at, size_t size)
{
    return fail_in > 0 && --fail_in == 0 ? NULL : __real_realloc(at, size);
}

/* ---- Pieces ---------------------------------------------------------------------------------- */

/* Two runs of UIDs are held at a time here. The last server answers more than it was asked for. */
START_TEST(of_uids_with_many_gaps_the_lowest_come_first_and_the_others_by_later_searches)
{
    static const char *const found[][3] = {
        {"* SEARCH 5 7 9 11 13\r\n" OK, "* SEARCH 9 11 13\r\n" OK, "* SEARCH 13\r\n" OK},
        {"* SEARCH 13 11 9 7 5\r\n" OK, "* SEARCH 13 9 11\r\n" OK, "* SEARCH 13\r\n" OK},
        {"* SEARCH 5 7 9 11 13\r\n" OK, "* SEARCH 5 7 9 11 13\r\n" OK,
         "* SEARCH 5 7 9 11 13\r\n" OK}};
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++) {
        const struct script_rule rules[] = {
            {"SEARCH", found[i][0]},
            {"FETCH 5,7 (UID FLAGS", LISTED(5) LISTED(7) OK},
            {"BODY.PEEK[]", BODY(5) BODY(7) OK},
            {"UID 9:*", found[i][1]},
            {"FETCH 9,11 (UID FLAGS", LISTED(9) LISTED(11) OK},
            {"BODY.PEEK[]", BODY(9) BODY(11) OK},
            {"UID 13:*", found[i][2]},
            {"FETCH 13 (UID FLAGS", LISTED(13) OK},
            {"BODY.PEEK[]", BODY(13) OK},
            {"UID MOVE 5,7,9,11,13",
             "@ OK [COPYUID 9 5,7,9,11,13 105,107,109,111,113] moved\r\n"}};
        const struct script script = {NULL, "MOVE UIDPLUS", rules, sizeof rules / sizeof rules[0]};
        struct host *h = host_start_pieces(&script, 2);
        ck_assert_str_eq(host_run(h), "5 7 9 11 13 ");
        TRACE(h, "UID 9:*", "UID 13:*", "note 5 MOVED", "note 13 MOVED");
        host_stop(h);
    }
}
END_TEST

START_TEST(what_the_server_did_not_give_out_is_told_whatever_piece_it_was_in)
{
    static const char no[] = "@ NO [SERVERBUG] Internal error\r\n";
    static const struct script_rule rules[] = {
        {"SEARCH", "* SEARCH 5 7\r\n" OK},
        {"FETCH 5 (UID FLAGS", LISTED(5) OK},
        {"FETCH 5 (UID BODY.PEEK[])", no},
        {"FETCH 5 (UID BODY.PEEK[])", no},
        {"FETCH 5 (UID BODY.PEEK[])", no},
        {"UID 7:*", "* SEARCH 7\r\n" OK},
        {"FETCH 7 (UID FLAGS", LISTED(7) OK},
        {"FETCH 7 (UID BODY.PEEK[])", BODY(7) OK},
        {"UID MOVE 7", "@ OK [COPYUID 9 7 107] moved\r\n"}};
    const struct script script = {NULL, "MOVE UIDPLUS", rules, sizeof rules / sizeof rules[0]};
    struct host *h = host_start_pieces(&script, 1);
    ck_assert_str_eq(host_run(h), "7 ");
    ck_assert_int_eq(h->trouble.class, ERROR_LINK);
    ck_assert_ptr_nonnull(strstr(h->trouble.text, "message 5"));
    host_stop(h);
}
END_TEST

#define HELD 64u /* runs of UIDs, at a time */
#define LAST (10 * (HELD - 1))

/* Runs, as many but one as are held, and then, of the same or of the other end, more numbers that
 * make no sense but to whoever wants a sort for each. From @from on. */
static void say_numbers(char *out, size_t size, unsigned from, bool ends)
{
    size_t at = (size_t)snprintf(out, size, "* SEARCH");
    for (unsigned uid = from; uid <= LAST; uid += 10)
        at += (size_t)snprintf(out + at, size - at, " %u", uid);
    for (unsigned uid = from; uid <= LAST; uid += 10)
        at += ends ? (size_t)snprintf(out + at, size - at, " %u %u", from, 1290 - uid)
                   : (size_t)snprintf(out + at, size - at, " %u", uid + 1);
    (void)snprintf(out + at, size - at, "\r\n" OK);
}

/* All that may be there are marked as deleted: nothing is fetched. */
static void say_listed(char *out, size_t size)
{
    size_t at = 0;
    for (unsigned uid = 1; uid < UIDS; uid++)
        at += (size_t)snprintf(out + at, size - at,
                               "* 1 FETCH (UID %u FLAGS (\\Deleted) RFC822.SIZE 20)\r\n", uid);
    (void)snprintf(out + at, size - at, OK);
}

START_TEST(numbers_in_no_order_cost_no_sort_each_and_are_all_found)
{
    static char first[4000], then[4000], listed[100000];
    for (int ends = 0; ends < 2; ends++) {
        const struct script_rule rules[] = {{" UID 320:*", then},
                                            {"SEARCH UNDELETED", first},
                                            {"*RFC822.SIZE", listed}};
        const struct script script = {NULL, FULL, rules, sizeof rules / sizeof rules[0], 0};
        say_numbers(first, sizeof first, 10, ends != 0);
        say_numbers(then, sizeof then, 320, ends != 0);
        say_listed(listed, sizeof listed);
        struct host *h = host_start_pieces(&script, HELD);
        sorted = 0;
        ck_assert_str_eq(host_run(h), "");
        ck_assert_msg(sorted <= 16 * HELD, "%zu elements", sorted);
        if (ends == 0)
            TRACE(h, "UID FETCH 10:11,20:21,30:31,", ",310:311 (UID FLAGS", " UID 320:*",
                  "UID FETCH 320:321,", ",630:631 (UID FLAGS", "-UID 330:*");
        host_stop(h);
    }
}
END_TEST

#define STORED 400u /* messages, each behind a gap */

/* Each that an earlier run stored is still there, and stays. */
START_TEST(moves_that_are_refused_cost_no_sort_each_and_are_told_once)
{
    static char there[STORED * 40 + 40];
    size_t at = 0;
    for (unsigned uid = 2; uid <= 2 * STORED; uid += 2)
        at += (size_t)snprintf(there + at, sizeof there - at, "* 1 FETCH (UID %u)\r\n", uid);
    (void)snprintf(there + at, sizeof there - at, OK);
    static const struct script_rule rules[] = {
        {"*UID SEARCH", "* SEARCH\r\n" OK}, {"*UID MOVE", "@ NO held\r\n"}, {"*(UID)", there}};
    const struct script script = {NULL, FULL, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start_pieces(&script, 0);
    h->pickup->options.watch = true;
    for (uint32_t uid = 2; uid <= 2 * STORED; uid += 2)
        h->ledger[uid] =
            (struct imap_record){.uidvalidity = 7, .uid = uid, .step = IMAP_STEP_STORED};
    for (int again = 0; again < 3; again++) {
        sorted = 0;
        ck_assert_str_eq(host_run(h), "");
        ck_assert_int_eq(strstr(h->log, "stays in") != NULL, again == 0);
        ck_assert_msg(sorted <= 4 * STORED, "%zu elements", sorted);
        h->log[0] = '\0';
        h->now_ms += IMAP_REFUSED_MAX_MS;
    }
    TRACE(h, "UID MOVE 800", "UID MOVE 800", "UID MOVE 800");
    host_stop(h);
}
END_TEST

/* Whichever growth fails, of what a search finds or of a command: no error tells of control
 * characters or of more messages than there are. */
START_TEST(memory_that_runs_out_in_a_search_is_told_as_such)
{
    static char many[2000];
    static const struct script_rule rules[] = {{"SEARCH UNDELETED", "* SEARCH\r\n" OK},
                                               {"SEARCH ALL", many}};
    static const struct script script = {NULL, FULL, rules, 2, 0};
    say_numbers(many, sizeof many, 10, false);
    int failed = -1;
    for (uint32_t n = 1; failed != 0; n++) {
        struct host *h = host_start(&script, "");
        struct imap_set found;
        imap_set_init(&found);
        ck_assert_str_eq(host_run(h), "");
        fail_in = n;
        failed = imap_looks_search(h->pickup->session, "ALL", &found, NULL, &h->err);
        ck_assert(failed == 0 || fail_in == 0);
        fail_in = 0;
        ck_assert_msg(failed == 0 || strstr(h->err.text, "out of memory") != NULL, "%u: %s", n,
                      h->err.text);
        ck_assert_msg(failed != 0 || n > 5, "%u growths", n);
        imap_set_done(&found);
        host_stop(h);
    }
}
END_TEST

START_TEST(memory_that_runs_out_in_a_pickup_is_told_as_such)
{
    static const struct script_rule rules[] = {FOUND_ONE, LIST_ONE, BODY_ONE, MOVE_ONE};
    static const struct script script = {NULL, FULL, rules, 4, 0};
    bool failed = true;
    for (uint32_t n = 1; failed; n++) {
        struct host *h = host_start(&script, "");
        fail_in = n;
        const char *seen = host_run(h);
        failed = fail_in == 0;
        fail_in = 0;
        ck_assert_msg(strstr(seen, "failed") == NULL ||
                          strstr(h->err.text, "out of memory") != NULL, "%u: %s", n, h->err.text);
        ck_assert_msg(failed || n > 20, "%u growths", n);
        host_stop(h);
    }
}
END_TEST

/* ---- News ------------------------------------------------------------------------------------ */

START_TEST(a_server_that_announces_mail_with_each_search_does_not_keep_a_run_from_its_end)
{
    static const struct script_rule none[] = {{"*SEARCH", "* 6 EXISTS\r\n* 5 EXISTS\r\n" OK}};
    struct host *h = RUN(none, FULL, "", "");
    host_stop(h);
    static const struct script_rule some[] = {
        {"SEARCH", "* SEARCH 5\r\n* 6 EXISTS\r\n" OK},
        {"RFC822.SIZE", LISTED(5) OK},
        {"BODY.PEEK[]", BODY(5) OK},

        {"SEARCH", "* SEARCH 6\r\n* 7 EXISTS\r\n" OK},
        {"RFC822.SIZE", LISTED(6) OK},
        {"BODY.PEEK[]", BODY(6) OK},
        {"UID MOVE 5:6", "@ OK [COPYUID 9 5:6 105:106] moved\r\n"},
        {"*SEARCH", "* SEARCH 99\r\n* 7 EXISTS\r\n" OK},
        {"*RFC822.SIZE", OK}};
    h = RUN(some, FULL, "", "5 6 ");
    host_stop(h);
}
END_TEST

START_TEST(a_server_that_announces_mail_with_each_search_leaves_a_host_that_goes_on_its_turns)
{
    static const struct script_rule rules[] = {{"*SEARCH", "* 6 EXISTS\r\n* 5 EXISTS\r\n" OK}};
    static const struct script script = {NULL, FULL, rules, 1, 0};
    struct host *h = host_start(&script, "poll=2h");
    h->pickup->options.watch = true;
    for (unsigned turn = 1; turn < 6; turn++) {
        int fd;
        uint32_t timeout_ms;
        ck_assert_str_eq(host_run(h), "");
        ck_assert_int_eq(imap_pickup_wait(h->pickup, &fd, &timeout_ms, &h->err), 0);
        bool believed = turn < IMAP_NEWS_EMPTY; /* there is news; later not as fast as it can */
        ck_assert_uint_eq(timeout_ms, believed ? 0 : IMAP_NEWS_PAUSE_MS);
        ck_assert_int_eq(fd >= 0, believed);
    }
    TRACE(h, "UID SEARCH", "UID SEARCH", "UID SEARCH", "-IDLE");
    host_stop(h);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("imap-search");
    TCase *t = tcase_create("dialogue");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, of_uids_with_many_gaps_the_lowest_come_first_and_the_others_by_later_searches);
    tcase_add_test(t, what_the_server_did_not_give_out_is_told_whatever_piece_it_was_in);
    tcase_add_test(t, numbers_in_no_order_cost_no_sort_each_and_are_all_found);
    tcase_add_test(t, moves_that_are_refused_cost_no_sort_each_and_are_told_once);
    tcase_add_test(t, memory_that_runs_out_in_a_search_is_told_as_such);
    tcase_add_test(t, memory_that_runs_out_in_a_pickup_is_told_as_such);
    tcase_add_test(t,
                   a_server_that_announces_mail_with_each_search_does_not_keep_a_run_from_its_end);
    tcase_add_test(
        t, a_server_that_announces_mail_with_each_search_leaves_a_host_that_goes_on_its_turns);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
