/* SPDX-License-Identifier: Apache-2.0 */
/* imap-search-test.c - a mailbox whose UIDs have more gaps than are held: it is found in pieces. */
#include <config.h>
#include "check-main.h"

#include <string.h>

#include "imap-pickup-fixture.h"

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

static Suite *suite(void)
{
    Suite *s = suite_create("imap-search");
    TCase *t = tcase_create("dialogue");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, of_uids_with_many_gaps_the_lowest_come_first_and_the_others_by_later_searches);
    tcase_add_test(t, what_the_server_did_not_give_out_is_told_whatever_piece_it_was_in);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
