/* SPDX-License-Identifier: Apache-2.0 */
/* imap-stayed-test.c - promises about messages that were picked up and left in the mailbox on
 * purpose, and about what becomes of them when the settings, or the server, have them moved. */
#include <config.h>
#include "check-main.h"

#include "imap-epoch-fixture.h"
#include "imap-hold.h"

START_TEST(mail_that_was_to_stay_is_moved_when_the_settings_say_so_however_much_it_is)
{
    worked_in(8);
    for (uint32_t k = 1; k <= 300; k++) {
        stayed(8, k, k);
        put_message(k, k, 0);
    }
    ck_session(ERROR_NONE);
    SAYS("UID MOVE 1:300 ");
    ck_assert_ptr_null(strstr(w.log, "again"));
    ck_assert_uint_eq(w.handed, 0);
    ck_assert_uint_eq(step_of(8, 300), IMAP_STEP_MOVED);
    ck_assert_uint_eq(entries(), 300);
}
END_TEST

START_TEST(another_message_under_the_uid_of_one_that_was_to_stay_holds)
{
    worked_in(8);
    stayed(8, 5, 5);
    put_message(5, 6, 0);
    ck_session(ERROR_HELD);
    ck_assert_uint_eq(mailbox().held, IMAP_HOLD_REUSED);
    SILENT("UID MOVE");
}
END_TEST

START_TEST(a_message_that_was_to_stay_and_cannot_be_looked_at_is_left_and_told)
{
    static const struct script_rule no = {"*UID FETCH 5 (UID RFC822.SIZE", "@ NO not now\r\n"};
    worked_in(8);
    stayed(8, 5, 5);
    put_message(5, 5, 0);
    put_message(6, 6, 0);
    ck_assert_int_eq(session_with(&no), ERROR_NONE);
    SILENT("UID MOVE 5");
    SAYS("UID MOVE 6 ");
    ck_assert_ptr_nonnull(strstr(w.log, "message 5, which was left in 'INBOX' on purpose"));
}
END_TEST

/* Some servers tell sizes that are not those of the bytes, and other ones the next time. */
START_TEST(a_message_that_was_not_read_and_has_another_size_now_stays_and_holds_nothing)
{
    static const char *const more[] = {NULL, "after=Leave"};
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        teardown();
        setup();
        w.more = more[i];
        worked_in(8);
        stayed_unread(8, 5, 70000000);
        put_message(5, 5, 0);
        put_message(6, 6, 0);
        ck_session(ERROR_NONE);
        ck_session(ERROR_NONE);
        ck_assert_uint_eq(mailbox().held, IMAP_HOLD_NONE);
        SILENT("UID MOVE 5");
        ck_assert_uint_eq(entries(), 2);
    }
}
END_TEST

/* Picked up and copied, by a server that did not tell where the copies are. */
static void put_thirty_beside_their_copies(void)
{
    for (uint32_t k = 1; k <= 30; k++) {
        const struct imap_record kept = {.uidvalidity = 8,
                                         .uid = k,
                                         .step = IMAP_STEP_MOVED,
                                         .target_uidvalidity = 9,
                                         .target = "DROPBOX"};
        stayed(8, k, k);
        note(&kept);
        put_message(k, k, 0);
    }
}

/* UIDPLUS, and a copy that the server did not name: marked, or flagged where it takes no keyword.
 */
START_TEST(an_original_that_stays_beside_its_copy_is_not_copied_once_more)
{
    w.capabilities = "UIDPLUS";
    worked_in(8);
    put_thirty_beside_their_copies();
    put_message(31, 31, 0);
    (void)session_with(NULL);
    SILENT("UID COPY 1");
    SAYS("UID COPY 31 ");
    ck_assert_uint_eq(w.handed, 1);
}
END_TEST

START_TEST(what_was_to_stay_is_known_again_where_the_settings_have_it_moved_since)
{
    worked_in(7);
    for (uint32_t k = 1; k <= 30; k++)
        stayed(7, k, k);
    for (uint32_t k = 1; k <= 3; k++) /* the others went */
        put_message(500 + k, k, 0);
    put_message(800, 501, 0);
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 1);
    ck_assert_uint_eq(entries(), 31);
    SAYS("UID MOVE 501:503");
}
END_TEST

START_TEST(mail_that_after_flag_left_is_moved_when_the_settings_say_so)
{
    w.marked = 30;
    worked_in(8);
    for (uint32_t k = 1; k <= 30; k++) {
        stayed(8, k, k);
        put_message(k, k, 0);
    }
    put_message(31, 31, 0);
    ck_session(ERROR_NONE);
    SAYS("UID MOVE 1:30 ");
    ck_assert_uint_eq(w.handed, 1);
    ck_assert_uint_eq(entries(), 31);
    ck_assert_ptr_null(strstr(w.log, "again"));
}
END_TEST

/* It bears the keyword, and the ledger has no UID of its copy. */
START_TEST(an_original_beside_its_copy_stays_though_the_server_has_learned_move)
{
    w.marked = 30;
    worked_in(8);
    put_thirty_beside_their_copies();
    put_message(31, 31, 0);
    ck_session(ERROR_NONE);
    SILENT("UID MOVE 1");
    SAYS("UID MOVE 31 ");
    ck_assert_uint_eq(w.handed, 1);
    ck_assert_ptr_null(strstr(w.log, "again"));
}
END_TEST

/* Thirty of them among 31 would be a mailbox that was restored, were they strangers. */
START_TEST(mail_that_another_queue_has_marked_stays_and_is_not_picked_up)
{
    w.marked = 30;
    worked_in(8);
    for (uint32_t k = 1; k <= 30; k++) {
        before(8, 100 + k, k, IMAP_STEP_MOVED);
        put_message(k, k, 0);
    }
    put_message(131, 31, 0);
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 1);
    SILENT("BODY.PEEK[] 1");
    SILENT("UID MOVE 1:");
    SAYS("UID MOVE 131 ");
}
END_TEST

/* What was deleted looks the same in the ledger. */
START_TEST(mail_that_after_flag_left_is_not_deleted_for_that_the_settings_changed)
{
    w.more = "after=Delete";
    w.marked = 30;
    worked_in(8);
    for (uint32_t k = 1; k <= 30; k++) {
        stayed(8, k, k);
        put_message(k, k, 0);
    }
    ck_session(ERROR_NONE);
    SILENT("Deleted)");
}
END_TEST

/* A mailbox that was restored from a backup with four messages: what came since has used UIDs. */
START_TEST(other_mail_under_the_uids_of_mail_that_stays_holds)
{
    static const struct {
        const char *more;
        unsigned others; /* of UIDs 5 and 6 so many are there, and one with a new UID */
        const char *told;
    } rows[] = {{"after=Leave", 2, "2 messages in it (UID 5:6)"},
                {"after=Leave", 1, "1 messages in it (UID 5)"},
                {"after=Flag", 2, "2 messages in it (UID 5:6)"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        teardown();
        setup();
        w.more = rows[i].more;
        worked_in(8);
        for (uint32_t k = 1; k <= 6; k++)
            before(8, k, k, IMAP_STEP_MOVED);
        for (uint32_t k = 1; k <= 4; k++)
            put_message(k, k, 0);
        for (uint32_t k = 5; k < 5 + rows[i].others; k++)
            put_message(k, 70 + k, 0);
        put_message(7, 80, 0);
        ck_session(ERROR_HELD);
        ck_assert_uint_eq(mailbox().held, IMAP_HOLD_REUSED);
        ck_assert_msg(strstr(w.err.text, rows[i].told) != NULL, "%s", w.err.text);
    }
}
END_TEST

/* Three that stay: all orders for a look at the third are answered so. */
static enum error_class session_that_looks(const char *match, const char *reply)
{
    const struct script_rule rule = {match, reply};
    return session_with(&rule);
}

static void three_that_stay(void)
{
    w.more = "after=Leave";
    worked_in(8);
    for (uint32_t k = 1; k <= 3; k++) {
        before(8, k, k, IMAP_STEP_MOVED);
        put_message(k, k, 0);
    }
}

#define LOGGED(text) (strstr(w.log, text) != NULL)

START_TEST(a_look_at_what_stays_that_is_refused_is_left_out_and_keeps_no_new_mail_back)
{
    static const char *const looks[] = {"*UID FETCH 3 (UID RFC822.SIZE",
                                        "*UID FETCH 3 (UID BODY.PEEK[HEADER.FIELDS"};
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        teardown();
        setup();
        three_that_stay();
        for (unsigned n = 0; n < 4; n++) {
            ck_assert_int_eq(session_that_looks(looks[i], "@ BAD what\r\n"), ERROR_NONE);
            ck_assert_msg((strstr(w.trace, looks[i] + 1) != NULL) == (n < 2), "%s", w.trace);
            ck_assert_msg(LOGGED("could not be looked at") == (n < 2), "%s", w.log);
            ck_assert_msg(LOGGED("is looked at no more") == (n == 2), "%s", w.log);
        }
        put_message(4, 4, 0);
        ck_session(ERROR_NONE);
        ck_assert_uint_eq(w.handed, 1);
        ck_session(ERROR_NONE); /* the next highest is another one */
        SAYS("UID FETCH 4 (UID RFC822.SIZE)");
    }
}
END_TEST

START_TEST(a_look_at_what_stays_that_ends_the_session_is_left_out_after_the_second_time)
{
    three_that_stay();
    for (unsigned n = 0; n < 4; n++) {
        enum error_class want = n < 2 ? ERROR_LINK : ERROR_NONE;
        ck_assert_int_eq(session_that_looks("*UID FETCH 3 (UID RFC822.SIZE", "\2"), want);
        ck_assert_msg(n >= 2 || strstr(w.err.text, "message 3, which was picked up") != NULL, "%s",
                      w.err.text);
        ck_assert_msg(LOGGED("is looked at no more") == (n == 2), "%s", w.log);
    }
}
END_TEST

START_TEST(a_look_at_what_stays_that_comes_to_an_end_takes_back_the_ones_that_did_not)
{
    three_that_stay();
    for (unsigned n = 0; n < 4; n++) {
        ck_assert_int_eq(session_that_looks("*UID FETCH 3 (UID RFC822.SIZE", "\2"), ERROR_LINK);
        ck_session(ERROR_NONE);
    }
}
END_TEST

START_TEST(other_mail_under_the_uid_of_mail_that_stays_holds_though_the_others_end_the_session)
{
    static const struct script_rule end = {"*UID FETCH 1:3 (UID RFC822.SIZE)", "\2"};
    three_that_stay();
    w.messages[2].k = 70;
    ck_assert_int_eq(session_with(&end), ERROR_LINK);
    ck_assert_uint_eq(mailbox().held, IMAP_HOLD_REUSED);
    ck_session(ERROR_HELD);
}
END_TEST

START_TEST(mail_that_stays_costs_a_look_at_one_message_a_session)
{
    w.more = "after=Leave";
    worked_in(8);
    for (uint32_t k = 1; k <= 30; k++) {
        before(8, k, k, IMAP_STEP_MOVED);
        put_message(k, k, 0);
    }
    put_message(31, 31, 0);
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 1);
    SAYS("UID FETCH 30 (UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])");
    SILENT("UID FETCH 30 (UID BODY.PEEK[])");
    SILENT("UID FETCH 29 ");
}
END_TEST

START_TEST(of_several_folders_one_visit_in_four_looks_at_what_stays)
{
    size_t looks = 0;
    w.shared = true;
    w.more = "folders=*";
    worked_in(8);
    stayed(8, 5, 5);
    put_message(5, 5, 0);
    for (unsigned i = 0; i < 40; i++, w.now_s++) {
        ck_session(ERROR_NONE);
        looks += strstr(w.trace, "UID FETCH 5 (UID RFC822.SIZE)") != NULL ? 1 : 0;
    }
    ck_assert_uint_ge(looks, 5);
    ck_assert_uint_le(looks, 20);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("imap-stayed");
    TCase *t = tcase_create("stayed");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, mail_that_was_to_stay_is_moved_when_the_settings_say_so_however_much_it_is);
    tcase_add_test(t, another_message_under_the_uid_of_one_that_was_to_stay_holds);
    tcase_add_test(t, a_message_that_was_to_stay_and_cannot_be_looked_at_is_left_and_told);
    tcase_add_test(t, a_message_that_was_not_read_and_has_another_size_now_stays_and_holds_nothing);
    tcase_add_test(t, of_several_folders_one_visit_in_four_looks_at_what_stays);
    tcase_add_test(t, an_original_that_stays_beside_its_copy_is_not_copied_once_more);
    tcase_add_test(t, what_was_to_stay_is_known_again_where_the_settings_have_it_moved_since);
    tcase_add_test(t, mail_that_after_flag_left_is_moved_when_the_settings_say_so);
    tcase_add_test(t, an_original_beside_its_copy_stays_though_the_server_has_learned_move);
    tcase_add_test(t, mail_that_another_queue_has_marked_stays_and_is_not_picked_up);
    tcase_add_test(t, mail_that_after_flag_left_is_not_deleted_for_that_the_settings_changed);
    tcase_add_test(t, other_mail_under_the_uids_of_mail_that_stays_holds);
    tcase_add_test(t, a_look_at_what_stays_that_is_refused_is_left_out_and_keeps_no_new_mail_back);
    tcase_add_test(t, a_look_at_what_stays_that_ends_the_session_is_left_out_after_the_second_time);
    tcase_add_test(t, a_look_at_what_stays_that_comes_to_an_end_takes_back_the_ones_that_did_not);
    tcase_add_test(
        t, other_mail_under_the_uid_of_mail_that_stays_holds_though_the_others_end_the_session);
    tcase_add_test(t, mail_that_stays_costs_a_look_at_one_message_a_session);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
