/* SPDX-License-Identifier: Apache-2.0 */
/* imap-suspect-test.c - messages that were tried before, or that end the session: they keep no
 * other one back, and no broken line makes them bad. So also stored ones whose orders do. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imap-pickup-fixture.h"
#include "imap-pickup-private.h"

START_TEST(what_is_too_large_or_killed_us_thrice_is_told_and_not_fetched)
{
    static const struct script_rule rules[] = {
        {"SEARCH", "* SEARCH 5 6\r\n" OK},
        {"RFC822.SIZE", "* 1 FETCH (UID 5 RFC822.SIZE 2000000)\r\n" LISTED(6) OK},
        {"UID MOVE 5:6", "* OK [COPYUID 9 5:6 105:106] moved\r\n" OK}};
    static struct script script = {NULL, FULL, rules, 3};
    struct host *h = host_start(&script, "maxSize=1MB");
    h->ledger[6] = (struct imap_record){.uidvalidity = 7, .uid = 6, .step = 1, .attempts = 3};
    ck_assert_str_eq(host_run(h), "5! 6! ");
    TRACE(h, "-BODY.PEEK[]");
    host_stop(h);
}
END_TEST

START_TEST(suspects_go_alone_after_the_second_time_each_settled_before_the_next)
{
    static const struct script_rule rules[] = {{"SEARCH", "* SEARCH 5 6 7\r\n" OK},
                                               {"*RFC822.SIZE", LISTED(5) LISTED(6) LISTED(7) OK},
                                               {"FETCH 5 (UID BODY.PEEK[])", BODY(5) OK},
                                               {"FETCH 6 (UID BODY.PEEK[])", BODY(6) OK},
                                               {"FETCH 7 (UID BODY.PEEK[])", BODY(7) OK},
                                               MOVE_ONE,
                                               {"UID MOVE 6", "@ OK [COPYUID 9 6 106] moved\r\n"},
                                               {"UID MOVE 7", "@ OK [COPYUID 9 7 107] moved\r\n"}};
    static struct script script = {NULL, FULL, rules, 8};
    struct host *h = host_start(&script, "");
    for (uint32_t uid = 5; uid <= 6; uid++)
        h->ledger[uid] =
            (struct imap_record){.uidvalidity = 7, .uid = uid, .step = 1, .attempts = uid - 4};
    ck_assert_str_eq(host_run(h), "7 5 6 ");
    TRACE(h, "note 7 ATTEMPTED", "note 7 MOVING", "note 5 ATTEMPTED", "note 5 MOVING",
          "note 6 ATTEMPTED");
    host_stop(h);
}
END_TEST

START_TEST(an_attempt_that_could_not_be_noted_takes_back_none_that_killed_a_run)
{
    static const struct script_rule rules[] = {FOUND_ONE, LIST_ONE, BODY_ONE};
    static struct script script = {NULL, FULL, rules, 3};
    struct host *h = host_start(&script, "");
    h->ledger[5] = (struct imap_record){.uidvalidity = 7, .uid = 5, .step = 1, .attempts = 1};
    h->note_fails = true;
    ck_assert_str_eq(host_run(h), "failed: store");
    h->note_fails = false;
    imap_pickup_close(TAKE(h->pickup));
    ck_assert_uint_eq(h->ledger[5].attempts, 1);
    host_stop(h);
}
END_TEST

/* Messages 5 to 21, one more than go in one window, were tried once; 22 was not. */
#define MANY_LISTED                                                                                \
    LISTED(5) LISTED(6) LISTED(7) LISTED(8) LISTED(9) LISTED(10) LISTED(11) LISTED(12) LISTED(13)  \
    LISTED(14) LISTED(15) LISTED(16) LISTED(17) LISTED(18) LISTED(19) LISTED(20) LISTED(21)        \
    LISTED(22) OK
#define MANY_BODIES                                                                                \
    BODY(5) BODY(6) BODY(7) BODY(8) BODY(9) BODY(10) BODY(11) BODY(12) BODY(13) BODY(14) BODY(15)  \
    BODY(16) BODY(17) BODY(18) BODY(19) BODY(20) OK

static struct host *host_of_many(const struct script *script)
{
    struct host *h = host_start(script, "");
    for (uint32_t uid = 5; uid <= 21; uid++)
        h->ledger[uid] =
            (struct imap_record){.uidvalidity = 7, .uid = uid, .step = 1, .attempts = 1};
    return h;
}

START_TEST(many_suspects_go_some_together_after_the_first_time_behind_the_others)
{
    static const struct script_rule rules[] = {
        {"SEARCH", "* SEARCH 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22\r\n" OK},
        {"*RFC822.SIZE", MANY_LISTED},
        {"FETCH 22 (UID BODY.PEEK[])", BODY(22) OK},
        {"FETCH 5:20 (UID BODY.PEEK[])", MANY_BODIES},
        {"FETCH 21 (UID BODY.PEEK[])", BODY(21) OK},
        {"UID MOVE 22", "@ OK [COPYUID 9 22 122] moved\r\n"},
        {"UID MOVE 5:20", "@ OK [COPYUID 9 5:20 105:120] moved\r\n"},
        {"UID MOVE 21", "@ OK [COPYUID 9 21 121] moved\r\n"}};
    static struct script script = {NULL, FULL, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_of_many(&script);
    ck_assert_str_eq(host_run(h), "22 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 ");
    TRACE(h, "note 22 ATTEMPTED", "note 22 MOVING", "note 5 ATTEMPTED", "note 20 ATTEMPTED",
          "note 5 MOVING", "note 21 ATTEMPTED");
    host_stop(h);
}
END_TEST

/* There it goes alone in any case, behind those that were tried once. */
START_TEST(one_of_many_suspects_that_breaks_the_link_goes_behind_them)
{
    static const struct script_rule rules[] = {
        {"SEARCH", "* SEARCH 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21\r\n" OK},
        {"*RFC822.SIZE", MANY_LISTED},
        {"FETCH 5:20 (UID BODY.PEEK[])", BODY(5) "\2"}};
    static struct script script = {NULL, FULL, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_of_many(&script);
    ck_assert_str_eq(host_run(h), "failed: link");
    imap_pickup_close(TAKE(h->pickup));
    for (uint32_t uid = 5; uid <= 21; uid++)
        ck_assert_uint_eq(h->ledger[uid].attempts, uid == 6 ? 2 : 1);
    host_stop(h);
}
END_TEST

/* The next session of the same host, which is yours. */
static struct host *host_again(struct host *before, const struct script *script)
{
    struct host *h = host_start(script, "");
    memcpy(h->ledger, before->ledger, sizeof h->ledger);
    host_stop(before);
    return h;
}

START_TEST(a_message_that_ends_the_session_goes_last_and_alone_and_keeps_no_other_back)
{
    static const char *const ends[] = {
        "* 1 FETCH (UID 6 BODY[] {500}\r\nSubject: 6\r\n\2",
        "* BYE FETCH failed: Internal error occurred\r\n\2",
        "garbage\r\n", "@ BAD Internal error\r\n"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char some[300];
        (void)snprintf(some, sizeof some, "%s%s", BODY(5), ends[i]);
        const struct script_rule first[] = {
            {"SEARCH", "* SEARCH 5 6 7\r\n" OK},
            {"RFC822.SIZE", LISTED(5) LISTED(6) LISTED(7) OK},
            {"FETCH 5:7 (UID BODY.PEEK[])", some}};
        const struct script_rule next[] = {
            {"SEARCH", "* SEARCH 5 6 7\r\n" OK},
            {"*RFC822.SIZE", LISTED(5) LISTED(6) LISTED(7) OK},
            {"FETCH 5,7 (UID BODY.PEEK[])", BODY(5) BODY(7) OK},
            {"UID MOVE 5,7", "@ OK [COPYUID 9 5,7 105,107] moved\r\n"},
            {"FETCH 6 (UID BODY.PEEK[])", ends[i]}};
        const struct script script = {NULL, FULL, next, sizeof next / sizeof next[0], 0};
        struct host *h = RUN(first, FULL, "", i < 2 ? "failed: link" : "failed: protocol");
        ck_assert_ptr_nonnull(strstr(h->err.text, "message 6 of 'INBOX'"));
        for (size_t more = 0; more < 4; more++) {
            imap_pickup_close(TAKE(h->pickup));
            ck_assert_uint_eq(h->ledger[5].attempts, 0);
            ck_assert_uint_eq(h->ledger[6].attempts, 1); /* never the third: not its fault */
            ck_assert_uint_eq(h->ledger[7].attempts, 0);
            h = host_again(h, &script);
            h->ledger[5].step = h->ledger[7].step = IMAP_STEP_UNKNOWN;
            ck_assert_str_eq(host_run(h), i < 2 ? "5 7 failed: link" : "5 7 failed: protocol");
            ck_assert_ptr_nonnull(strstr(h->err.text, "message 6 of 'INBOX'"));
            TRACE(h, "note 5 MOVING", "note 7 MOVING", "note 6 ATTEMPTED");
            h->ledger[5].attempts = h->ledger[7].attempts = 0;
        }
        host_stop(h);
    }
}
END_TEST

START_TEST(a_message_that_ends_the_session_when_it_is_listed_keeps_no_other_back)
{
    static const struct script_rule first[] = {{"SEARCH", "* SEARCH 5 6 7\r\n" OK},
                                               {"FETCH 5:7 (UID FLAGS", LISTED(5) "* BYE\r\n\2"}};
    static const struct script_rule next[] = {
        {"SEARCH", "* SEARCH 5 6 7\r\n" OK},
        {"FETCH 5,7 (UID FLAGS", LISTED(5) LISTED(7) OK},
        {"FETCH 5,7 (UID BODY.PEEK[])", BODY(5) BODY(7) OK},
        {"FETCH 6 (UID FLAGS", "* BYE\r\n\2"},
        {"UID MOVE 5,7", "@ OK [COPYUID 9 5,7 105,107] moved\r\n"}};
    static const struct script script = {NULL, FULL, next, sizeof next / sizeof next[0], 0};
    struct host *h = RUN(first, FULL, "", "failed: link");
    for (uint32_t session = 1; session <= 4; session++) {
        ck_assert_ptr_nonnull(strstr(h->err.text, "message 6 of 'INBOX'"));
        imap_pickup_close(TAKE(h->pickup));
        ck_assert_uint_eq(h->ledger[5].attempts, 0);
        ck_assert_uint_eq(h->ledger[6].attempts, session < 2 ? session : 2); /* never the third */
        ck_assert_uint_eq(h->ledger[7].attempts, 0);
        h = host_again(h, &script);
        h->ledger[5].step = h->ledger[7].step = IMAP_STEP_UNKNOWN;
        ck_assert_str_eq(host_run(h), "5 7 failed: link");
        h->ledger[5].attempts = h->ledger[7].attempts = 0;
    }
    host_stop(h);
}
END_TEST

START_TEST(of_two_that_were_tried_another_one_goes_first_each_time)
{
    static const struct script_rule rules[] = {{"SEARCH", "* SEARCH 5 6\r\n" OK},
                                               {"*RFC822.SIZE", LISTED(5) LISTED(6) OK},
                                               {"FETCH 5 (UID BODY.PEEK[])", "\2"},
                                               {"FETCH 6 (UID BODY.PEEK[])", BODY(6) OK},
                                               {"UID MOVE 6", "@ OK [COPYUID 9 6 106] moved\r\n"}};
    static struct script script = {NULL, FULL, rules, sizeof rules / sizeof rules[0], 0};
    unsigned through = 0, back = 0;
    for (int64_t now_s = 0; now_s < 16; now_s++) {
        struct host *h = host_start(&script, "");
        h->now_s = now_s;
        for (uint32_t uid = 5; uid <= 6; uid++)
            h->ledger[uid] =
                (struct imap_record){.uidvalidity = 7, .uid = uid, .step = 1, .attempts = 1};
        const char *seen = host_run(h);
        through += strcmp(seen, "6 failed: link") == 0;
        back += strcmp(seen, "failed: link") == 0;
        host_stop(h);
    }
    ck_assert_uint_eq(through + back, 16);
    ck_assert_uint_gt(through, 0);
    ck_assert_uint_gt(back, 0);
}
END_TEST

START_TEST(a_dry_run_shows_suspects_in_their_place_and_counts_nothing)
{
    static const struct script_rule rules[] = {
        {"SEARCH", "* SEARCH 5 6\r\n" OK},
        {"RFC822.SIZE", LISTED(5) LISTED(6) OK},
        {"FETCH 5:6 (UID BODY.PEEK[])", BODY(5) BODY(6) OK}};
    static struct script script = {NULL, FULL, rules, 3};
    struct host *h = host_start_as(&script, "url=127.0.0.1;starttls=Never;port=", "", true);
    h->ledger[5] = (struct imap_record){.uidvalidity = 7, .uid = 5, .step = 1, .attempts = 2};
    ck_assert_str_eq(host_run(h), "5 6 ");
    TRACE(h, "-note");
    host_stop(h);
}
END_TEST

/* ---- Orders that end the session ------------------------------------------------------------- */

/* Message 8 is new. */
#define NEW_MAIL                                                                                   \
    {"SEARCH", "* SEARCH 8\r\n" OK}, {"RFC822.SIZE", LISTED(8) OK},                                \
    {                                                                                              \
        "BODY.PEEK[]", BODY(8) OK                                                                  \
    }

static void host_left(struct host *h, uint32_t first, uint32_t last, enum imap_step step)
{
    for (uint32_t uid = first; uid <= last; uid++)
        h->ledger[uid] = (struct imap_record){.uidvalidity = 7,
                                              .uid = uid,
                                              .step = step,
                                              .target_uid = step > 3 ? uid + 100 : 0,
                                              .target_uidvalidity = 9,
                                              .target = "DROPBOX"};
}

static size_t host_orders(struct host *h, const char *order)
{
    char *trace = script_trace(h->server);
    size_t count = 0;
    for (const char *at = trace; (at = strstr(at, order)) != NULL; at++)
        count++;
    free(trace);
    return count;
}

START_TEST(a_stored_message_whose_order_ends_the_session_goes_behind_new_mail)
{
    static const struct {
        const char *can, *more, *order, *new_order;
        enum imap_step step;
    } rows[] = {
        {"MOVE", "", "UID MOVE 5", "UID MOVE 8", IMAP_STEP_MOVING},
        {"UIDPLUS", "", "UID STORE 5", "UID EXPUNGE 8", IMAP_STEP_COPIED},
        {"UIDPLUS", "", "UID EXPUNGE 5", "UID EXPUNGE 8", IMAP_STEP_DELETING},
        {"", "after=Flag", "UID STORE 5", "UID STORE 8", IMAP_STEP_STORED},
    };
    static const char *const ends[] = {"\2", "* BYE Internal error occurred\r\n\2"};
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        const struct script_rule rules[] = {{rows[i / 2].order, ends[i % 2]},
                                            {"*UID FETCH 5 (UID)", "* 1 FETCH (UID 5)\r\n" OK},
                                            NEW_MAIL,
                                            {"UID MOVE 8", "@ OK [COPYUID 9 8 108] moved\r\n"},
                                            {"UID COPY 8", "@ OK [COPYUID 9 8 108] copied\r\n"},
                                            {"*UID STORE", OK},
                                            {"UID EXPUNGE 8", OK},
                                            {"UID FETCH 8 (UID)", OK}};
        struct script script = {NULL, rows[i / 2].can, rules, sizeof rules / sizeof rules[0], 0};
        struct host *h = host_start(&script, rows[i / 2].more);
        host_left(h, 5, 5, rows[i / 2].step);
        ck_assert_str_eq(host_run(h), "8 failed: link");
        ck_assert_ptr_nonnull(strstr(h->err.text, "message 5 of 'INBOX' was being moved"));
        ck_assert_uint_eq(h->ledger[8].step, IMAP_STEP_MOVED);
        ck_assert_uint_lt(h->ledger[5].step, IMAP_STEP_MOVED);
        const char *const pieces[] = {"UID FETCH 5 (UID)", "BODY.PEEK[]", rows[i / 2].new_order,
                                      "note 8 MOVED", rows[i / 2].order};
        expect_trace(h, pieces, 5);
        host_stop(h);
    }
}
END_TEST

START_TEST(of_those_that_were_ordered_before_another_one_goes_first_and_alone_each_time)
{
    static const struct script_rule rules[] = {
        {"*UID FETCH 5:6 (UID)", "* 1 FETCH (UID 5)\r\n* 2 FETCH (UID 6)\r\n" OK},
        {"UID MOVE 5", "\2"},
        {"UID MOVE 6", "@ OK [COPYUID 9 6 106] moved\r\n"}};
    static struct script script = {NULL, "MOVE", rules, sizeof rules / sizeof rules[0], 0};
    unsigned through = 0;
    for (int64_t now_s = 0; now_s < 16; now_s++) {
        struct host *h = host_start(&script, "");
        h->now_s = now_s;
        host_left(h, 5, 6, IMAP_STEP_MOVING);
        ck_assert_str_eq(host_run(h), "failed: link");
        ck_assert_uint_eq(host_orders(h, "UID MOVE 5:6"), 0);
        ck_assert_uint_eq(h->ledger[5].step, IMAP_STEP_MOVING);
        through += h->ledger[6].step == IMAP_STEP_MOVED;
        host_stop(h);
    }
    ck_assert_uint_gt(through, 0);
    ck_assert_uint_lt(through, 16);
}
END_TEST

/* The FETCH lines of messages @first to @last. */
static char *listed_there(uint32_t first, uint32_t last)
{
    struct buffer text;
    buffer_init(&text, 100000);
    for (uint32_t uid = first; uid <= last; uid++)
        ck_assert_int_eq(buffer_printf(&text, "* %u FETCH (UID %u)\r\n", uid, uid), 0);
    ck_assert_int_eq(buffer_append_text(&text, OK), 0);
    return buffer_take(&text);
}

START_TEST(a_thousand_that_an_outage_left_go_in_ten_orders)
{
    char *there = listed_there(1, 1000);
    const struct script_rule rules[] = {
        {"UID FETCH 1:", there}, {"UID FETCH", there}, {"*UID MOVE", OK}, {"*UID FETCH", OK}};
    struct script script = {NULL, FULL, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "");
    host_left(h, 1, 1000, IMAP_STEP_MOVING);
    ck_assert_str_eq(host_run(h), "");
    for (uint32_t uid = 1; uid <= 1000; uid++)
        ck_assert_uint_eq(h->ledger[uid].step, IMAP_STEP_MOVED);
    ck_assert_uint_eq(host_orders(h, "UID MOVE"), 10);
    host_stop(h);
    free(there);
}
END_TEST

START_TEST(a_message_whose_order_is_answered_bad_keeps_no_other_back)
{
    static const struct script_rule rules[] = {
        {"*UID FETCH 5:7 (UID)",
         "* 1 FETCH (UID 5)\r\n* 2 FETCH (UID 6)\r\n* 3 FETCH (UID 7)\r\n" OK},
        {"*UID FETCH 6 (UID)", "* 2 FETCH (UID 6)\r\n" OK},
        {"UID MOVE 5:7", "@ BAD what\r\n"},
        {"UID MOVE 5", "@ OK [COPYUID 9 5 105] moved\r\n"},
        {"*UID MOVE 6", "@ BAD what\r\n"},
        {"UID MOVE 7", "@ OK [COPYUID 9 7 107] moved\r\n"},
        NEW_MAIL};
    static struct script script = {NULL, FULL, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "");
    host_left(h, 5, 7, IMAP_STEP_STORED);
    ck_assert_str_eq(host_run(h), "8 failed: config");
    for (uint32_t uid = 5; uid <= 7; uid++)
        ck_assert_uint_eq(h->ledger[uid].step, uid == 6 ? IMAP_STEP_STORED : IMAP_STEP_MOVED);
    ck_assert_ptr_nonnull(strstr(h->log, "message 6 stays in 'INBOX'"));
    host_stop(h);
}
END_TEST

/* Servers end a connection over a score of them. */
START_TEST(a_server_that_answers_bad_to_each_order_is_asked_a_few_times)
{
    char *there = listed_there(100, 199);
    const struct script_rule rules[] = {
        {"*UID FETCH 1", there}, {"*UID MOVE", "@ BAD what\r\n"}, NEW_MAIL};
    struct script script = {NULL, FULL, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "");
    host_left(h, 100, 199, IMAP_STEP_STORED);
    ck_assert_str_eq(host_run(h), "8 failed: config");
    ck_assert_uint_le(host_orders(h, "UID MOVE"), IMAP_MOVE_BADS_MAX);
    ck_assert_uint_ge(h->ledger[8].step, IMAP_STEP_STORED);
    host_stop(h);
    free(there);
}
END_TEST

#define BAD_ONE(uid)                                                                               \
    {                                                                                              \
        "UID MOVE " #uid " ", "@ BAD what\r\n"                                                     \
    }

/* The eight that it always begins with would be these, whichever way it goes: so it begins with
 * others, another one each second. */
START_TEST(those_that_are_answered_bad_do_not_always_keep_the_same_others_back)
{
    static const struct script_rule rules[] = {BAD_ONE(100),
                                               BAD_ONE(101),
                                               BAD_ONE(102),
                                               BAD_ONE(103),
                                               BAD_ONE(104),
                                               BAD_ONE(105),
                                               BAD_ONE(106),
                                               BAD_ONE(107),
                                               BAD_ONE(122),
                                               BAD_ONE(123),
                                               BAD_ONE(124),
                                               BAD_ONE(125),
                                               BAD_ONE(126),
                                               BAD_ONE(127),
                                               BAD_ONE(128),
                                               BAD_ONE(129),
                                               {"UID MOVE 100:129", "@ BAD what\r\n"},
                                               {"*UID MOVE", OK},
                                               {"*UID FETCH 1", NULL}};
    struct script_rule ours[sizeof rules / sizeof rules[0]];
    char *there = listed_there(100, 129);
    size_t moved = 0;
    memcpy(ours, rules, sizeof rules);
    ours[sizeof rules / sizeof rules[0] - 1].reply = there;
    const struct script script = {NULL, FULL, ours, sizeof rules / sizeof rules[0], 0};
    for (int64_t now_s = 1; now_s <= 12; now_s++) {
        struct host *h = host_start(&script, "");
        h->now_s = now_s;
        host_left(h, 100, 129, IMAP_STEP_STORED);
        (void)host_run(h);
        moved += host_orders(h, "UID MOVE 110 ");
        host_stop(h);
    }
    free(there);
    ck_assert_uint_ge(moved, 3);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("imap-suspect");
    TCase *t = tcase_create("dialogue");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, what_is_too_large_or_killed_us_thrice_is_told_and_not_fetched);
    tcase_add_test(t, an_attempt_that_could_not_be_noted_takes_back_none_that_killed_a_run);
    tcase_add_test(t, suspects_go_alone_after_the_second_time_each_settled_before_the_next);
    tcase_add_test(t, many_suspects_go_some_together_after_the_first_time_behind_the_others);
    tcase_add_test(t, one_of_many_suspects_that_breaks_the_link_goes_behind_them);
    tcase_add_test(t, a_message_that_ends_the_session_goes_last_and_alone_and_keeps_no_other_back);
    tcase_add_test(t, a_message_that_ends_the_session_when_it_is_listed_keeps_no_other_back);
    tcase_add_test(t, of_two_that_were_tried_another_one_goes_first_each_time);
    tcase_add_test(t, a_dry_run_shows_suspects_in_their_place_and_counts_nothing);
    suite_add_tcase(s, t);
    t = tcase_create("orders");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_stored_message_whose_order_ends_the_session_goes_behind_new_mail);
    tcase_add_test(t, of_those_that_were_ordered_before_another_one_goes_first_and_alone_each_time);
    tcase_add_test(t, a_thousand_that_an_outage_left_go_in_ten_orders);
    tcase_add_test(t, a_message_whose_order_is_answered_bad_keeps_no_other_back);
    tcase_add_test(t, a_server_that_answers_bad_to_each_order_is_asked_a_few_times);
    tcase_add_test(t, those_that_are_answered_bad_do_not_always_keep_the_same_others_back);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
