/* SPDX-License-Identifier: Apache-2.0 */
/* imap-epoch-test.c - promises about messages that come under another UID, or come back: a mailbox
 * numbered anew, restored from a backup, whose UIDs do not last or are given twice; each rule at
 * its border. */
#include <config.h>
#include "check-main.h"

#include "imap-epoch-fixture.h"
#include "imap-epoch.h"
#include "imap-hold.h"

/* ---- Nothing happened ------------------------------------------------------------------------ */

START_TEST(a_usual_pass_asks_nothing_more_and_remembers_its_numbering)
{
    for (uint32_t i = 1; i <= 30; i++)
        put_message(i, i, 0);
    for (uint32_t i = 101; i <= 130; i++)
        before(8, i, i, IMAP_STEP_MOVED); /* moved before, of the same size */
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 30);
    ck_assert_uint_eq(mailbox().uidvalidity, 8);
    SILENT("SEARCH ALL");
    w.count = 0; /* the next finds 20 more: too few to be looked at */
    for (uint32_t i = 201; i <= 220; i++)
        put_message(i, i, 0);
    ck_session(ERROR_NONE);
    SILENT("HEADER.FIELDS");
}
END_TEST

START_TEST(mail_of_a_size_seen_before_costs_one_question_for_message_ids)
{
    worked_in(8);
    for (uint32_t i = 1; i <= 30; i++) {
        before(8, i, i, IMAP_STEP_MOVED);
        put_message(100 + i, 100 + i, 0);
    }
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 30);
    SAYS("HEADER.FIELDS (MESSAGE-ID)");
    const char *body = strstr(w.trace, "BODY.PEEK[])");
    ck_assert(body != NULL && strstr(body + 1, "BODY.PEEK[])") == NULL);
}
END_TEST

START_TEST(mail_of_sizes_not_seen_before_costs_no_question)
{
    worked_in(8);
    for (uint32_t i = 1; i <= 30; i++) {
        before(8, i, i, IMAP_STEP_MOVED);
        put_message(100 + i, 100 + i, 2); /* four bytes longer */
    }
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 30);
    SILENT("HEADER.FIELDS");
}
END_TEST

/* Two listings: what the first one found is moved when the second one is looked at. */
START_TEST(what_one_search_found_is_not_held_against_each_other)
{
    for (uint32_t i = 1; i <= 600; i++)
        put_message(i, 7, 0);
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 600);
    ck_assert_ptr_null(strstr(w.trace, "HEADER.FIELDS"));
}
END_TEST

/* ---- Numbered anew --------------------------------------------------------------------------- */

START_TEST(a_new_numbering_is_accepted_from_twenty_or_eighty_in_a_hundred_on)
{
    static const struct {
        unsigned expected, found;
        bool accepted;
    } rows[] = {{30, 20, true}, {30, 19, false}, {5, 4, true},  {19, 15, false},
                {20, 16, true}, {24, 19, false}, {1, 0, false}, {100, 20, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        teardown();
        setup();
        worked_in(7);
        for (uint32_t k = 1; k <= rows[i].expected; k++)
            before(7, k, k, IMAP_STEP_STORED);
        for (uint32_t k = 1; k <= rows[i].found; k++)
            put_message(500 + k, k, 0);
        put_message(800, 501, 0);
        ck_session(rows[i].accepted ? ERROR_NONE : ERROR_HELD);
        ck_assert_uint_eq(w.handed, rows[i].accepted ? 1 : 0);
        ck_assert_uint_eq(entries(), rows[i].expected + (rows[i].accepted ? 1 : 0));
        ck_assert_uint_eq(mailbox().uidvalidity, rows[i].accepted ? 8 : 7);
        ck_assert_uint_eq(mailbox().held, rows[i].accepted ? IMAP_HOLD_NONE : IMAP_HOLD_NUMBERS);
        if (rows[i].accepted) {
            ck_assert_uint_eq(step_of(8, 501), IMAP_STEP_MOVED);
            ck_assert_uint_eq(step_of(7, rows[i].expected), IMAP_STEP_MOVED);
        }
    }
}
END_TEST

START_TEST(a_new_numbering_without_anything_unmoved_costs_nothing)
{
    worked_in(7);
    before(7, 1, 1, IMAP_STEP_MOVED);
    put_message(1, 2, 0);
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 1);
    ck_assert_uint_eq(mailbox().uidvalidity, 8);
    SILENT("SEARCH ALL");
}
END_TEST

START_TEST(a_message_found_again_goes_on_from_its_step_and_has_one_entry)
{
    worked_in(7);
    before(7, 3, 3, IMAP_STEP_MOVING);
    put_message(3, 4, 0); /* another one has its old UID */
    put_message(4, 3, 0);
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 1);
    ck_assert_uint_eq(entries(), 2);
    ck_assert_uint_eq(step_of(8, 4), IMAP_STEP_MOVED);
    ck_assert_ptr_nonnull(strstr(w.log, "1 were found again"));
    SAYS("UID MOVE 4");
}
END_TEST

START_TEST(only_the_digest_confirms_and_what_contradicts_holds)
{
    worked_in(7);
    for (uint32_t k = 1; k <= 30; k++) {
        before(7, k, k, IMAP_STEP_STORED);
        put_message(500 + k, k, k == 30 ? 1 : 0); /* same Message-ID and size, other bytes */
    }
    ck_session(ERROR_HELD);
    ck_assert_ptr_nonnull(strstr(w.err.text, "29 were found again, 1 were altered"));
    ck_assert_uint_eq(step_of(8, 501), IMAP_STEP_UNKNOWN);
    SILENT("UID MOVE");
}
END_TEST

START_TEST(equal_messages_are_found_one_for_one)
{
    worked_in(7);
    before(7, 1, 1, IMAP_STEP_STORED);
    before(7, 2, 1, IMAP_STEP_STORED);
    for (uint32_t uid = 11; uid <= 13; uid++)
        put_message(uid, 1, 0);
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 1); /* the third is a third message */
    ck_assert_uint_eq(entries(), 3);
}
END_TEST

START_TEST(a_hold_stays_until_a_person_releases_it_and_then_the_rest_is_new)
{
    worked_in(7);
    for (uint32_t k = 1; k <= 3; k++)
        before(7, k, k, IMAP_STEP_STORED);
    put_message(11, 1, 0);
    put_message(12, 2, 1);
    ck_session(ERROR_HELD);
    char why[ERROR_TEXT_MAX];
    memcpy(why, w.err.text, sizeof why);
    ck_assert_ptr_nonnull(strstr(why, "--accept-new-uids"));
    for (int again = 0; again < 2; again++) {
        ck_session(ERROR_HELD);
        ck_assert_str_eq(w.err.text, why);
        SILENT("SEARCH");
    }
    w.accept = true;
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 1);
    ck_assert_uint_eq(step_of(8, 11), IMAP_STEP_MOVED);
    ck_assert_uint_eq(step_of(7, 3), IMAP_STEP_MOVED);
    w.accept = false;
    w.count = 0;
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(mailbox().held, IMAP_HOLD_NONE);
}
END_TEST

START_TEST(a_dry_run_tells_of_a_new_numbering_and_keeps_nothing)
{
    worked_in(7);
    before(7, 1, 1, IMAP_STEP_STORED);
    put_message(11, 2, 0);
    w.read_only = true;
    ck_assert_int_eq(session_with(&(struct script_rule){
                         "*EXAMINE", "* 1 EXISTS\r\n* OK [UIDVALIDITY 8] x\r\n@ OK [READ-ONLY] "
                                     "done\r\n"}),
                     ERROR_NONE);
    ck_assert_ptr_nonnull(strstr(w.log, "numbered anew"));
    ck_assert_uint_eq(mailbox().uidvalidity, 7);
}
END_TEST

START_TEST(the_third_new_numbering_within_a_day_holds)
{
    worked_in(8);
    for (unsigned change = 1; change <= 3; change++) {
        w.now_s += IMAP_FLAPPING_S / 2;
        w.uidvalidity = 8 + change;
        ck_session(change < 3 ? ERROR_NONE : ERROR_HELD);
    }
    ck_assert_uint_eq(mailbox().held, IMAP_HOLD_FLAPPING);
    w.accept = true;
    ck_session(ERROR_NONE);
    w.accept = false;
    w.uidvalidity = 20; /* the count has started afresh */
    ck_session(ERROR_NONE);
}
END_TEST

START_TEST(three_new_numberings_in_more_than_a_day_do_not_hold)
{
    worked_in(8);
    for (unsigned change = 1; change <= 5; change++) {
        w.now_s += IMAP_FLAPPING_S / 2 + 1;
        w.uidvalidity = 8 + change;
        ck_session(ERROR_NONE);
    }
}
END_TEST

START_TEST(a_next_uid_that_was_seen_before_holds)
{
    worked_in(8);
    before(8, 40, 1, IMAP_STEP_MOVED);
    w.uidnext = 41;
    ck_session(ERROR_NONE);
    w.uidnext = 40;
    ck_session(ERROR_HELD);
    ck_assert_uint_eq(mailbox().held, IMAP_HOLD_REUSED);
    w.accept = true; /* does not help as long as it is so */
    ck_session(ERROR_HELD);
    w.uidvalidity = 9; /* as the reason says */
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(mailbox().held, IMAP_HOLD_NONE);
}
END_TEST

START_TEST(a_message_whose_new_name_is_anothers_holds_until_it_is_moved_by_hand)
{
    worked_in(7);
    before(7, 1, 1, IMAP_STEP_STORED);
    before(8, 501, 2, IMAP_STEP_MOVED); /* from the time when 8 was its numbering once before */
    put_message(501, 1, 0);
    for (int again = 0; again < 2; again++) {
        ck_session(ERROR_HELD);
        ck_assert_ptr_nonnull(strstr(w.err.text, "move"));
        ck_assert_uint_eq(step_of(7, 1), IMAP_STEP_STORED);
        w.accept = true; /* does not help as long as it is there */
    }
    w.count = 0; /* done */
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(step_of(7, 1), IMAP_STEP_MOVED);
    ck_assert_uint_eq(entries(), 2);
}
END_TEST

/* ---- Numbered anew, where mail stays --------------------------------------------------------- */

START_TEST(what_stayed_when_it_was_picked_up_is_known_again_and_not_queued_again)
{
    static const struct {
        const char *more, *capabilities;
    } rows[] = {{"after=Leave", NULL}, {"after=Flag", NULL}, {"", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        teardown();
        setup();
        w.more = rows[i].more;
        w.capabilities = rows[i].capabilities;
        worked_in(7);
        for (uint32_t k = 1; k <= 30; k++) {
            before(7, k, k, IMAP_STEP_MOVED);
            put_message(500 + k, k, 0);
        }
        put_message(800, 501, 0);
        const struct script_rule copy = {"*UID COPY",
                                         "@ OK [COPYUID 9 1:9999 10001:19999] copied\r\n"};
        ck_assert_msg(session_with(&copy) == ERROR_NONE, "row %zu: %s", i, w.err.text);
        ck_assert_uint_eq(w.handed, 1);
        ck_assert_uint_eq(entries(), 31);
        ck_assert_uint_eq(step_of(8, 501), IMAP_STEP_MOVED);
        ck_assert_uint_eq(mailbox().uidvalidity, 8);
        ck_assert_ptr_nonnull(strstr(w.log, "30 were found again"));
        ck_assert_int_eq(session_with(&copy), ERROR_NONE); /* and is no news to the next run */
        ck_assert_uint_eq(w.handed, 0);
    }
}
END_TEST

START_TEST(where_mail_stays_enough_is_what_is_enough_of_all_that_is_in_the_mailbox)
{
    static const struct {
        unsigned stored, known, others;
        bool accepted;
    } rows[] = {{100, 3, 0, true}, {100, 0, 0, true},  {5, 4, 1, true},   {5, 3, 2, false},
                {100, 0, 4, false}, {40, 20, 30, true}, {40, 19, 30, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        teardown();
        setup();
        w.more = "after=Leave";
        worked_in(7);
        for (uint32_t k = 1; k <= rows[i].stored; k++)
            before(7, k, k, IMAP_STEP_MOVED);
        for (uint32_t k = 1; k <= rows[i].known; k++)
            put_message(500 + k, k, 0);
        for (uint32_t k = 1; k <= rows[i].others; k++)
            put_message(800 + k, 500 + k, 0);
        ck_assert_msg(session_with(NULL) == (rows[i].accepted ? ERROR_NONE : ERROR_HELD),
                      "row %zu: %s", i, w.err.text);
        ck_assert_uint_eq(w.handed, rows[i].accepted ? rows[i].others : 0);
        ck_assert_uint_eq(mailbox().held, rows[i].accepted ? IMAP_HOLD_NONE : IMAP_HOLD_NUMBERS);
    }
}
END_TEST

START_TEST(where_more_mail_stayed_than_is_looked_for_it_is_held_and_none_of_it_is_new)
{
    w.more = "after=Leave";
    worked_in(7);
    w.flood_of = 7;
    w.flood = IMAP_EPOCH_STAYED_MAX + 2 * IMAP_RECORDS_MAX;
    for (uint32_t k = 1; k <= 30; k++) { /* behind them, and not all is read */
        before(7, w.flood + k, k, IMAP_STEP_MOVED);
        put_message(500 + k, k, 0);
    }
    ck_session(ERROR_HELD);
    ck_assert_ptr_nonnull(strstr(w.err.text, "more than 1000000 messages"));
    ck_assert_ptr_nonnull(strstr(w.err.text, "--accept-new-uids"));
    ck_assert_uint_eq(w.handed, 0);
    ck_assert_uint_eq(mailbox().held, IMAP_HOLD_NUMBERS);
}
END_TEST

START_TEST(where_more_is_unmoved_than_is_looked_for_it_is_held_until_a_person_releases_it)
{
    worked_in(7);
    w.flood_of = 7;
    w.flood = IMAP_EPOCH_ROWS_MAX + 2 * IMAP_RECORDS_MAX;
    w.flood_unmoved = true;
    before(7, 3, 3, IMAP_STEP_STORED);
    put_message(503, 3, 0);
    before(7, w.flood + 4, 4, IMAP_STEP_STORED); /* behind what is looked for */
    put_message(504, 4, 0);
    ck_session(ERROR_HELD);
    ck_assert_ptr_nonnull(strstr(w.err.text, "more than 100000 stored messages"));
    ck_assert_ptr_nonnull(strstr(w.err.text, "--accept-new-uids: "));
    ck_assert_ptr_nonnull(strstr(w.err.text, " is new mail then"));
    ck_assert_uint_eq(w.handed, 0);
    ck_assert_uint_eq(mailbox().held, IMAP_HOLD_NUMBERS);
    SILENT("UID SEARCH");
    w.accept = true;
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(mailbox().held, IMAP_HOLD_NONE);
    ck_assert_uint_eq(w.handed, 1);
    ck_assert_uint_eq(entries(), 3);
    ck_assert_uint_eq(step_of(8, 503), IMAP_STEP_MOVED);
    ck_assert_uint_eq(step_of(7, w.flood + 4), IMAP_STEP_MOVED);
}
END_TEST

START_TEST(rows_of_older_numberings_leave_room_for_those_of_the_last)
{
    w.more = "after=Leave";
    worked_in(7);
    w.flood_of = 6;
    w.flood = IMAP_EPOCH_STAYED_MAX + 2 * IMAP_RECORDS_MAX;
    for (uint32_t k = 1; k <= 30; k++) {
        before(7, k, k, IMAP_STEP_MOVED);
        put_message(500 + k, k, 0);
    }
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 0);
    ck_assert_uint_eq(entries(), 30);
    ck_assert_ptr_nonnull(strstr(w.log, "older numberings"));
}
END_TEST

START_TEST(where_mail_stays_an_altered_message_holds_and_an_archived_one_is_not_looked_for)
{
    w.more = "after=Leave";
    worked_in(7);
    for (uint32_t k = 1; k <= 30; k++) {
        before(7, k, k, IMAP_STEP_MOVED);
        put_message(500 + k, k, k == 30 ? 1 : 0);
    }
    ck_session(ERROR_HELD);
    ck_assert_ptr_nonnull(strstr(w.err.text, "1 were altered"));
    teardown();
    setup();
    w.more = "after=Leave";
    worked_in(7);
    before(7, 1, 1, IMAP_STEP_STORED);
    const struct queue_record archived = {
        .origin = {SCOPE, 7, 1, NULL}, .step = QUEUE_STEP_MOVED, .target = "DROPBOX"};
    ck_assert_int_eq(queue_note(w.queue, &archived, 1, &w.err), 0);
    put_message(9, 2, 0);
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 1);
    SILENT("SEARCH ALL");
}
END_TEST

/* ---- Come back ------------------------------------------------------------------------------- */

/* So many messages that were moved come back among so many that are listed. */
static void come_back(unsigned back, unsigned listed)
{
    worked_in(8);
    for (uint32_t k = 1; k <= back; k++) {
        before(k % 2 == 0 ? 8 : 7, k, k, IMAP_STEP_MOVED); /* of whatever numbering */
        put_message(1000 + k, k, 0);
    }
    for (uint32_t k = back + 1; k <= listed; k++)
        put_message(1000 + k, k, 0);
}

START_TEST(up_to_twenty_that_come_back_are_processed_again)
{
    come_back(20, 20);
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 20);
    ck_assert_uint_eq(entries(), 40);
}
END_TEST

START_TEST(twenty_one_that_come_back_hold_until_a_person_says_so)
{
    come_back(21, 21);
    ck_session(ERROR_HELD);
    ck_assert_uint_eq(mailbox().held, IMAP_HOLD_RESTORED);
    ck_assert_ptr_nonnull(strstr(w.err.text, "21 of 21 messages"));
    ck_assert_uint_eq(w.handed, 0);
    ck_assert_uint_eq(entries(), 21);
    w.accept = true;
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 21);
}
END_TEST

START_TEST(a_tenth_that_comes_back_is_processed_again_and_more_holds)
{
    come_back(21, 210);
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 210);
    teardown();
    setup();
    come_back(21, 209);
    ck_session(ERROR_HELD);
}
END_TEST

START_TEST(what_comes_back_is_known_among_any_number_of_messages_of_its_size)
{
    worked_in(8);
    for (uint32_t k = 1; k <= 700; k++)
        before(8, k, k, IMAP_STEP_MOVED);
    for (uint32_t k = 1; k <= 21; k++)
        put_message(1000 + k, k, 0); /* the oldest of them */
    ck_session(ERROR_HELD);
    ck_assert_uint_eq(mailbox().held, IMAP_HOLD_RESTORED);
    ck_assert_uint_eq(w.handed, 0);
}
END_TEST

START_TEST(other_mail_with_ids_and_sizes_seen_before_has_not_come_back)
{
    worked_in(8);
    for (uint32_t k = 1; k <= 30; k++) {
        before(8, k, k, IMAP_STEP_MOVED);
        put_message(1000 + k, k, 1);
    }
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 30);
}
END_TEST

/* However often it was tried before it was stored, as one is that was set aside. */
START_TEST(a_moved_message_that_is_there_again_is_moved_again_but_not_for_ever)
{
    const struct imap_record attempt = {.uidvalidity = 8, .uid = 5, .step = IMAP_STEP_ATTEMPTED};
    worked_in(8);
    for (int i = 0; i < _i; i++)
        note(&attempt);
    before(8, 5, 5, IMAP_STEP_MOVED);
    put_message(5, 5, 0);
    for (unsigned pass = 0; pass < 5; pass++) {
        ck_session(ERROR_NONE);
        ck_assert_uint_eq(w.handed, 0);
        ck_assert_ptr_nonnull(strstr(w.log, "message 5 was moved, and is in 'INBOX' again"));
        if (pass < 3)
            SAYS("UID MOVE 5");
        else
            SILENT("UID MOVE 5");
        ck_assert_uint_eq(step_of(8, 5), IMAP_STEP_MOVED);
    }
    ck_assert_uint_eq(entries(), 1);
}
END_TEST

START_TEST(another_message_under_the_uid_of_a_moved_one_holds)
{
    worked_in(8);
    before(8, 5, 5, IMAP_STEP_MOVED);
    put_message(5, 6, 0);
    ck_session(ERROR_HELD);
    ck_assert_uint_eq(mailbox().held, IMAP_HOLD_REUSED);
    SILENT("UID MOVE");
}
END_TEST

START_TEST(mail_restored_under_its_own_uids_is_moved_once_more_when_a_person_says_so)
{
    worked_in(8);
    for (uint32_t k = 1; k <= 30; k++) {
        before(8, k, k, IMAP_STEP_MOVED);
        put_message(k, k, 0);
    }
    for (int again = 0; again < 2; again++) {
        ck_session(ERROR_HELD);
        ck_assert_uint_eq(mailbox().held, IMAP_HOLD_RESTORED);
        ck_assert_ptr_nonnull(strstr(w.err.text, "30 of 30 messages"));
        ck_assert_ptr_nonnull(strstr(w.err.text, "are moved once more"));
    }
    w.accept = true;
    ck_session(ERROR_NONE);
    SAYS("UID MOVE 1:30");
    ck_assert_uint_eq(w.handed, 0);
    w.accept = false;
    w.count = 0;
    put_message(31, 31, 0);
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 1);
    ck_assert_uint_eq(entries(), 31);
}
END_TEST

START_TEST(other_mail_under_used_uids_is_told_as_such_and_picked_up_when_it_has_new_ones)
{
    worked_in(8);
    for (uint32_t k = 1; k <= 25; k++) {
        before(8, k, k, IMAP_STEP_MOVED);
        put_message(k, 100 + k, 0);
    }
    for (int again = 0; again < 3; again++) {
        ck_session(ERROR_HELD);
        ck_assert_uint_eq(mailbox().held, IMAP_HOLD_REUSED);
        ck_assert_ptr_nonnull(strstr(w.err.text, "25 messages in it (UID 1:25) are others"));
        ck_assert_ptr_nonnull(strstr(w.err.text, "move them to another folder and back"));
        SILENT("UID MOVE");
        w.accept = again == 1; /* does not help as long as it is so */
    }
    w.count = 0;
    for (uint32_t k = 1; k <= 25; k++)
        put_message(25 + k, 100 + k, 0);
    w.accept = true;
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 25);
    ck_assert_uint_eq(entries(), 50);
}
END_TEST

/* ---- Another message under the UID of a stored one ------------------------------------------- */

START_TEST(another_message_under_the_uid_of_a_stored_one_holds_before_anything_is_moved)
{
    static const enum imap_step steps[] = {IMAP_STEP_STORED, IMAP_STEP_MOVING, IMAP_STEP_COPIED,
                                           IMAP_STEP_DELETING};
    static const unsigned others[] = {7, NAMELESS + 1}; /* the first has the same size */
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] * 2; i++) {
        teardown();
        setup();
        worked_in(8);
        before(8, 4, 4, IMAP_STEP_STORED);
        before(8, 5, 5, steps[i / 2]);
        put_message(4, 4, 0);
        put_message(5, others[i % 2], 0);
        ck_session(ERROR_HELD);
        ck_assert_uint_eq(mailbox().held, IMAP_HOLD_REUSED);
        ck_assert_ptr_nonnull(strstr(w.err.text, "1 messages in it (UID 5) are others"));
        SILENT("UID MOVE");
        SILENT("UID STORE");
        ck_assert_uint_eq(step_of(8, 5), steps[i / 2]);
        w.count = 1; /* a person moved it to another folder and back */
        put_message(6, others[i % 2], 0);
        w.accept = true;
        ck_session(ERROR_NONE);
        ck_assert_uint_eq(w.handed, 1);
        ck_assert_uint_eq(entries(), 3);
        ck_assert_uint_eq(step_of(8, 5), IMAP_STEP_MOVED);
        ck_assert_uint_eq(step_of(8, 6), IMAP_STEP_MOVED);
    }
}
END_TEST

START_TEST(a_stored_message_is_known_by_its_message_id_and_without_one_by_its_bytes)
{
    static const struct {
        unsigned k, variant;
        bool read;
    } rows[] = {{5, 0, false}, {5, 2, false}, {NAMELESS, 0, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        teardown();
        setup();
        worked_in(8);
        before(8, 5, rows[i].k, IMAP_STEP_STORED);
        put_message(5, rows[i].k, rows[i].variant);
        ck_session(ERROR_NONE);
        ck_assert_uint_eq(w.handed, 0);
        SAYS("UID MOVE 5");
        ck_assert_int_eq(strstr(w.trace, "BODY.PEEK[])") != NULL, rows[i].read);
    }
}
END_TEST

START_TEST(a_stored_message_that_cannot_be_told_from_another_stays_and_is_told)
{
    worked_in(8);
    before(8, 5, NAMELESS, IMAP_STEP_STORED);
    put_message(5, NAMELESS, 0);
    const struct script_rule refused = {"*BODY.PEEK[])", "@ NO cannot read it\r\n"};
    ck_assert_int_eq(session_with(&refused), ERROR_LINK);
    ck_assert_ptr_nonnull(strstr(w.log, "message 5 stays in 'INBOX'"));
    SILENT("UID MOVE");
    ck_assert_uint_eq(step_of(8, 5), IMAP_STEP_STORED);
    ck_assert_uint_eq(mailbox().held, IMAP_HOLD_NONE);
}
END_TEST

START_TEST(a_message_that_stays_as_the_server_wants_is_no_news)
{
    worked_in(8);
    before(8, 5, 5, IMAP_STEP_MOVED);
    put_message(5, 5, 0);
    w.capabilities = ""; /* the original stays, marked */
    ck_session(ERROR_NONE);
    SILENT("BODY.PEEK[]");
    ck_assert_ptr_null(strstr(w.log, "again"));
}
END_TEST

/* ---- Changed --------------------------------------------------------------------------------- */

START_TEST(a_stored_message_that_changed_its_uid_keeps_its_entry)
{
    worked_in(8);
    before(8, 5, 5, IMAP_STEP_STORED); /* its move was refused */
    put_message(9, 5, 2);             /* changed: four bytes more */
    put_message(10, 6, 0);
    const struct script_rule gone = {"UID FETCH 5 (UID)", "@ OK\r\n"};
    ck_assert_int_eq(session_with(&gone), ERROR_NONE);
    ck_assert_uint_eq(w.handed, 1);
    ck_assert_uint_eq(entries(), 2);
    ck_assert_uint_eq(step_of(8, 9), IMAP_STEP_MOVED);
    ck_assert_ptr_nonnull(strstr(w.log, "it keeps its entry"));
    struct queue_mailbox state;
    ck_assert_int_eq(queue_mailbox_get(w.queue, SCOPE, &state, &w.err), 0);
    ck_assert_uint_eq(state.adopted, 1);
    SAYS("UID MOVE 9");
}
END_TEST

START_TEST(a_changed_uid_is_found_behind_more_gaps_than_are_held_at_a_time)
{
    worked_in(8);
    w.pieces = 1;
    before(8, 5, 5, IMAP_STEP_STORED);
    put_message(7, 6, 0);
    put_message(9, 5, 2); /* changed: four bytes more */
    const struct script_rule gone = {"UID FETCH 5 (UID)", "@ OK\r\n"};
    ck_assert_int_eq(session_with(&gone), ERROR_NONE);
    ck_assert_uint_eq(w.handed, 1);
    ck_assert_uint_eq(entries(), 2);
    ck_assert_uint_eq(step_of(8, 9), IMAP_STEP_MOVED);
    SAYS("UID 9:*");
    SAYS("UID MOVE 9");
}
END_TEST

START_TEST(what_lay_there_with_what_was_moved_is_not_held_against_it_by_the_next_piece)
{
    worked_in(8);
    w.pieces = 60;
    w.batch = 10;
    for (uint32_t k = 0; k < 180; k++)
        put_message(10 + 2 * k, 1, 0); /* all alike */
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 180);
    ck_assert_uint_eq(entries(), 180);
}
END_TEST

START_TEST(a_stored_message_that_is_gone_and_did_not_come_again_was_moved)
{
    worked_in(8);
    before(8, 5, 5, IMAP_STEP_STORED);
    put_message(9, 6, 0); /* of its size, another one */
    const struct script_rule gone = {"UID FETCH 5 (UID)", "@ OK\r\n"};
    ck_assert_int_eq(session_with(&gone), ERROR_NONE);
    ck_assert_uint_eq(w.handed, 1);
    ck_assert_uint_eq(step_of(8, 5), IMAP_STEP_MOVED);
}
END_TEST

START_TEST(hundreds_that_are_gone_are_written_down_at_once)
{
    worked_in(8);
    for (uint32_t k = 1; k <= 501; k++)
        before(8, k, k, IMAP_STEP_STORED);
    w.notes = 0;
    const struct script_rule gone = {"* (UID)", "@ OK\r\n"};
    ck_assert_int_eq(session_with(&gone), ERROR_NONE);
    ck_assert_uint_eq(w.notes, 2);
    ck_assert_uint_eq(step_of(8, 1), IMAP_STEP_MOVED);
    ck_assert_uint_eq(step_of(8, 501), IMAP_STEP_MOVED);
}
END_TEST

START_TEST(a_message_with_a_lower_uid_is_not_the_changed_one)
{
    worked_in(8);
    before(8, 5, 5, IMAP_STEP_STORED);
    put_message(4, 5, 0);
    const struct script_rule gone = {"UID FETCH 5 (UID)", "@ OK\r\n"};
    ck_assert_int_eq(session_with(&gone), ERROR_NONE);
    ck_assert_uint_eq(w.handed, 1);
    ck_assert_uint_eq(entries(), 2);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("imap-epoch");
    TCase *t = tcase_create("epoch");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_usual_pass_asks_nothing_more_and_remembers_its_numbering);
    tcase_add_test(t, mail_of_a_size_seen_before_costs_one_question_for_message_ids);
    tcase_add_test(t, mail_of_sizes_not_seen_before_costs_no_question);
    tcase_add_test(t, what_one_search_found_is_not_held_against_each_other);
    tcase_add_test(t, a_new_numbering_is_accepted_from_twenty_or_eighty_in_a_hundred_on);
    tcase_add_test(t, a_new_numbering_without_anything_unmoved_costs_nothing);
    tcase_add_test(t, a_message_found_again_goes_on_from_its_step_and_has_one_entry);
    tcase_add_test(t, only_the_digest_confirms_and_what_contradicts_holds);
    tcase_add_test(t, equal_messages_are_found_one_for_one);
    tcase_add_test(t, a_hold_stays_until_a_person_releases_it_and_then_the_rest_is_new);
    tcase_add_test(t, a_dry_run_tells_of_a_new_numbering_and_keeps_nothing);
    tcase_add_test(t, the_third_new_numbering_within_a_day_holds);
    tcase_add_test(t, three_new_numberings_in_more_than_a_day_do_not_hold);
    tcase_add_test(t, a_next_uid_that_was_seen_before_holds);
    tcase_add_test(t, a_message_whose_new_name_is_anothers_holds_until_it_is_moved_by_hand);
    tcase_add_test(t, what_stayed_when_it_was_picked_up_is_known_again_and_not_queued_again);
    tcase_add_test(t, where_mail_stays_enough_is_what_is_enough_of_all_that_is_in_the_mailbox);
    tcase_add_test(t, where_more_mail_stayed_than_is_looked_for_it_is_held_and_none_of_it_is_new);
    tcase_add_test(t,
                   where_more_is_unmoved_than_is_looked_for_it_is_held_until_a_person_releases_it);
    tcase_add_test(t, rows_of_older_numberings_leave_room_for_those_of_the_last);
    tcase_add_test(t,
                   where_mail_stays_an_altered_message_holds_and_an_archived_one_is_not_looked_for);
    tcase_add_test(t, what_comes_back_is_known_among_any_number_of_messages_of_its_size);
    tcase_add_test(t, up_to_twenty_that_come_back_are_processed_again);
    tcase_add_test(t, twenty_one_that_come_back_hold_until_a_person_says_so);
    tcase_add_test(t, a_tenth_that_comes_back_is_processed_again_and_more_holds);
    tcase_add_test(t, other_mail_with_ids_and_sizes_seen_before_has_not_come_back);
    tcase_add_loop_test(t, a_moved_message_that_is_there_again_is_moved_again_but_not_for_ever, 0,
                        IMAP_ATTEMPTS_MAX + 1);
    tcase_add_test(t, another_message_under_the_uid_of_a_moved_one_holds);
    tcase_add_test(t, mail_restored_under_its_own_uids_is_moved_once_more_when_a_person_says_so);
    tcase_add_test(t,
                   other_mail_under_used_uids_is_told_as_such_and_picked_up_when_it_has_new_ones);
    tcase_add_test(t, another_message_under_the_uid_of_a_stored_one_holds_before_anything_is_moved);
    tcase_add_test(t, a_stored_message_is_known_by_its_message_id_and_without_one_by_its_bytes);
    tcase_add_test(t, a_stored_message_that_cannot_be_told_from_another_stays_and_is_told);
    tcase_add_test(t, a_message_that_stays_as_the_server_wants_is_no_news);
    tcase_add_test(t, a_stored_message_that_changed_its_uid_keeps_its_entry);
    tcase_add_test(t, a_changed_uid_is_found_behind_more_gaps_than_are_held_at_a_time);
    tcase_add_test(t, what_lay_there_with_what_was_moved_is_not_held_against_it_by_the_next_piece);
    tcase_add_test(t, a_stored_message_that_is_gone_and_did_not_come_again_was_moved);
    tcase_add_test(t, hundreds_that_are_gone_are_written_down_at_once);
    tcase_add_test(t, a_message_with_a_lower_uid_is_not_the_changed_one);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
