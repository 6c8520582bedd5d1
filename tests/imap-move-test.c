/* SPDX-License-Identifier: Apache-2.0 */
/* imap-move-test.c - promises of the way from the mailbox to the archive, held against servers that
 * refuse, lie and forget (imap-script.h), and of what a run finishes that an earlier one left. */
#include <config.h>
#include "check-main.h"

#include <string.h>

#include "imap-pickup-fixture.h"

/* ---- By what the server can ------------------------------------------------------------------ */

START_TEST(uidplus_copies_sees_the_copy_and_deletes_its_own)
{
    static const struct script_rule rules[] = {FOUND_ONE,
                                               LIST_ONE,
                                               BODY_ONE,
                                               {"UID COPY 5", "@ OK [COPYUID 9 5 105] copied\r\n"},
                                               {"UID STORE 5 +FLAGS.SILENT (\\Deleted)", OK},
                                               {"UID EXPUNGE 5", "* 1 EXPUNGE\r\n" OK},
                                               {"UID FETCH 5 (UID)", OK}};
    struct host *h = RUN(rules, "UIDPLUS", "", "5 ");
    TRACE(h, "note 5 MOVING", "UID COPY 5", "note 5 COPIED target 105", "UID STORE 5",
          "note 5 DELETING target 105", "UID EXPUNGE 5", "UID FETCH 5 (UID)",
          "note 5 MOVED target 105");
    host_stop(h);
}
END_TEST

START_TEST(without_uidplus_the_original_is_marked_and_nothing_is_expunged)
{
    static const struct script_rule rules[] = {
        FOUND_ONE,
        LIST_ONE,
        BODY_ONE,
        {"UID COPY 5", OK},
        {"UID STORE 5 +FLAGS.SILENT ($MailchutePickedUp)", OK}};
    struct host *h = RUN(rules, "", "", "5 ");
    TRACE(h, "UNKEYWORD $MailchutePickedUp", "note 5 MOVED", "-EXPUNGE", "-CLOSE", "-\\Deleted");
    host_stop(h);
}
END_TEST

/* ---- Moves that fail ------------------------------------------------------------------------- */

START_TEST(ok_without_copyuid_is_believed_only_when_the_message_is_gone)
{
    static const struct script_rule gone[] = {
        FOUND_ONE, LIST_ONE, BODY_ONE, {"UID MOVE 5", OK}, {"UID FETCH 5 (UID)", OK}};
    struct host *h = RUN(gone, FULL, "", "5 ");
    TRACE(h, "UID MOVE 5", "UID FETCH 5 (UID)", "note 5 MOVED");
    host_stop(h);
    static const struct script_rule there[] = {FOUND_ONE,
                                               LIST_ONE,
                                               BODY_ONE,
                                               {"*UID MOVE 5", OK},
                                               {"*UID FETCH 5 (UID)", "* 1 FETCH (UID 5)\r\n" OK}};
    h = RUN(there, FULL, "", "5 failed: config");
    TRACE(h, "UID MOVE 5", "UID MOVE 5", "-MOVED");
    ck_assert_uint_eq(h->ledger[5].step, IMAP_STEP_STORED); /* no move is under way */
    host_stop(h);
}
END_TEST

START_TEST(what_a_refused_order_named_is_no_proof_for_the_next)
{
    static const struct script_rule rules[] = {
        FOUND_ONE,
        LIST_ONE,
        BODY_ONE,
        {"UID MOVE 5", "* OK [COPYUID 9 5 105] begun\r\n@ NO held\r\n"},
        {"*UID MOVE 5", OK},
        {"*UID FETCH 5 (UID)", "* 1 FETCH (UID 5)\r\n" OK}};
    struct host *h = RUN(rules, FULL, "", "5 failed: config");
    TRACE(h, "UID MOVE 5", "UID MOVE 5", "UID FETCH 5 (UID)", "-MOVED");
    host_stop(h);
}
END_TEST

START_TEST(a_refused_copy_is_never_followed_by_a_deletion)
{
    static const struct script_rule rules[] = {FOUND_ONE,
                                               LIST_ONE,
                                               BODY_ONE,
                                               {"*UID COPY", "@ NO [OVERQUOTA] full\r\n"},
                                               {"*UID FETCH 5 (UID)", "* 1 FETCH (UID 5)\r\n" OK}};
    struct host *h = RUN(rules, "UIDPLUS", "", "5 failed: config");
    TRACE(h, "UID COPY", "-STORE", "-EXPUNGE", "-COPIED");
    ck_assert_ptr_nonnull(strstr(h->err.text, "full"));
    host_stop(h);
}
END_TEST

START_TEST(a_copy_without_proof_is_marked_and_not_deleted)
{
    static const struct script_rule rules[] = {
        FOUND_ONE,
        LIST_ONE,
        BODY_ONE,
        {"UID COPY 5", OK},
        {"UID STORE 5 +FLAGS.SILENT ($MailchutePickedUp)", OK}};
    struct host *h = RUN(rules, "UIDPLUS", "", "5 ");
    TRACE(h, "UID STORE 5", "-EXPUNGE", "-\\Deleted");
    host_stop(h);
}
END_TEST

START_TEST(a_folder_that_went_is_made_once_more)
{
    static const struct script_rule rules[] = {
        FOUND_ONE,
        LIST_ONE,
        BODY_ONE,
        {"UID MOVE 5", "@ NO [TRYCREATE] no such folder\r\n"},
        MOVE_ONE};
    struct host *h = RUN(rules, FULL, "", "5 ");
    TRACE(h, "UID MOVE 5", "CREATE \"DROPBOX\"", "UID MOVE 5", "note 5 MOVED target 105");
    host_stop(h);
}
END_TEST

START_TEST(one_refused_message_does_not_keep_the_others)
{
    static const struct script_rule rules[] = {
        {"SEARCH", "* SEARCH 5 6\r\n" OK},
        {"RFC822.SIZE", LISTED(5) LISTED(6) OK},
        {"BODY.PEEK[]", BODY(5) BODY(6) OK},
        {"UID MOVE 5:6", "@ NO one of them is held\r\n"},
        {"UID FETCH 5:6 (UID)", "* 1 FETCH (UID 5)\r\n* 2 FETCH (UID 6)\r\n" OK},
        {"UID MOVE 6", "@ OK [COPYUID 9 6 106] moved\r\n"},
        {"*UID MOVE 5", "@ NO held\r\n"},
        {"*UID FETCH 5 (UID)", "* 1 FETCH (UID 5)\r\n" OK}};
    struct host *h = RUN(rules, FULL, "", "5 6 failed: config");
    TRACE(h, "note 6 MOVED target 106", "-note 5 MOVED");
    host_stop(h);
}
END_TEST

START_TEST(a_step_that_cannot_be_noted_is_not_taken)
{
    static const struct script_rule rules[] = {FOUND_ONE, LIST_ONE, BODY_ONE};
    static struct script script = {NULL, FULL, rules, 3};
    struct host *h = host_start(&script, "");
    h->note_fails = true;
    ck_assert_str_eq(host_run(h), "failed: store");
    TRACE(h, "-BODY.PEEK", "-MOVE");
    host_stop(h);
}
END_TEST

/* ---- What an earlier run left ---------------------------------------------------------------- */

static struct host *leftover(const struct script *script, uint32_t step, uint32_t target_uid)
{
    struct host *h = host_start(script, "");
    h->ledger[5] = (struct imap_record){.uidvalidity = 7,
                                        .uid = 5,
                                        .step = step,
                                        .target_uidvalidity = 9,
                                        .target_uid = target_uid};
    return h;
}

START_TEST(a_stored_message_that_is_gone_was_moved)
{
    static const struct script_rule rules[] = {{"UID FETCH 5 (UID)", OK}};
    static struct script script = {NULL, FULL, rules, 1};
    struct host *h = leftover(&script, IMAP_STEP_MOVING, 100);
    ck_assert_str_eq(host_run(h), "");
    TRACE(h, "note 5 MOVED", "-UID MOVE");
    host_stop(h);
}
END_TEST

START_TEST(a_stored_message_is_moved_and_not_handed_out_again)
{
    static const struct script_rule rules[] = {
        {"UID FETCH 5 (UID)", "* 1 FETCH (UID 5)\r\n" OK}, FOUND_ONE, MOVE_ONE};
    static struct script script = {NULL, FULL, rules, 3};
    for (uint32_t step = IMAP_STEP_STORED; step <= IMAP_STEP_MOVING; step++) {
        struct host *h = leftover(&script, step, 100);
        ck_assert_str_eq(host_run(h), "");
        TRACE(h, "UID FETCH 5 (UID)", "note 5 MOVED target 105", "-BODY.PEEK");
        host_stop(h);
    }
}
END_TEST

START_TEST(a_copied_message_is_only_deleted)
{
    static const struct script_rule rules[] = {{"UID FETCH 5 (UID)", "* 1 FETCH (UID 5)\r\n" OK},
                                               {"UID STORE 5 +FLAGS.SILENT (\\Deleted)", OK},
                                               {"UID EXPUNGE 5", OK},
                                               {"UID FETCH 5 (UID)", OK}};
    static struct script script = {NULL, "UIDPLUS", rules, 4};
    for (uint32_t step = IMAP_STEP_COPIED; step <= IMAP_STEP_DELETING; step++) {
        struct host *h = leftover(&script, step, 105);
        ck_assert_str_eq(host_run(h), "");
        TRACE(h, "UID EXPUNGE 5", "note 5 MOVED target 105", "-UID COPY");
        host_stop(h);
    }
}
END_TEST

START_TEST(a_copy_without_proof_is_not_trusted_by_the_next_run_either)
{
    static const struct script_rule rules[] = {
        {"UID FETCH 5 (UID)", "* 1 FETCH (UID 5)\r\n" OK},
        {"UID STORE 5 +FLAGS.SILENT ($MailchutePickedUp)", OK}};
    static struct script script = {NULL, "UIDPLUS", rules, 2};
    struct host *h = leftover(&script, IMAP_STEP_COPIED, 0);
    ck_assert_str_eq(host_run(h), "");
    TRACE(h, "UID STORE 5", "note 5 MOVED", "-\\Deleted", "-EXPUNGE", "-UID COPY");
    host_stop(h);
}
END_TEST

#define LOOKS(uid)                                                                                 \
    "* 1 FETCH (UID " #uid " RFC822.SIZE 20 INTERNALDATE \"01-Mar-2026 12:00:00 +0000\" "          \
    "BODY[HEADER] {?}\r\nSubject: x\r\n\r\n\1)\r\n"

START_TEST(before_a_second_copy_the_archive_is_searched)
{
    static const struct script_rule found[] = {{"UID FETCH 5 (UID RFC822.SIZE", LOOKS(5) OK},
                                               {"SEARCH UID 100:* LARGER 19 SMALLER 21",
                                                "* SEARCH 99 107\r\n" OK},
                                               {"UID FETCH 99,107", LOOKS(99) LOOKS(107) OK},
                                               {"UID STORE 5 +FLAGS.SILENT (\\Deleted)", OK},
                                               {"UID EXPUNGE 5", OK},
                                               {"UID FETCH 5 (UID)", OK}};
    static struct script script = {NULL, "UIDPLUS", found, 6};
    struct host *h = leftover(&script, IMAP_STEP_MOVING, 100);
    ck_assert_str_eq(host_run(h), "");
    TRACE(h, "EXAMINE \"DROPBOX\"", "SELECT \"INBOX\"", "note 5 COPIED target 107", "UID EXPUNGE 5",
          "note 5 MOVED", "-UID COPY");
    host_stop(h);
    static const struct script_rule missing[] = {
        {"UID FETCH 5 (UID RFC822.SIZE", LOOKS(5) OK},
        {"SEARCH UID 100:*", "* SEARCH 99\r\n" OK},
        {"UID FETCH 99 ", LOOKS(99) OK},
        {"UID COPY 5", "@ OK [COPYUID 9 5 105] copied\r\n"},
        {"UID STORE 5 +FLAGS.SILENT (\\Deleted)", OK},
        {"UID EXPUNGE 5", OK},
        {"UID FETCH 5 (UID)", OK}};
    static struct script again = {NULL, "UIDPLUS", missing, 7};
    h = leftover(&again, IMAP_STEP_MOVING, 100);
    ck_assert_str_eq(host_run(h), "");
    TRACE(h, "EXAMINE \"DROPBOX\"", "UID COPY 5", "note 5 COPIED target 105", "note 5 MOVED");
    host_stop(h);
}
END_TEST

START_TEST(a_busy_archive_is_looked_through_in_windows)
{
    static const struct script_rule rules[] = {
        {"UID FETCH 5 (UID RFC822.SIZE", LOOKS(5) OK},
        {"SEARCH RETURN (ALL) UID 100:*", "* ESEARCH (TAG \"x\") UID ALL 100:1100\r\n" OK},
        {"UID FETCH 100:599 ", OK},
        {"UID FETCH 600:1099 ", OK},
        {"UID FETCH 1100 ", LOOKS(1100) OK},
        {"UID STORE 5 +FLAGS.SILENT (\\Deleted)", OK},
        {"UID EXPUNGE 5", OK},
        {"UID FETCH 5 (UID)", OK},
        {"*SEARCH RETURN (ALL) UNDELETED", "* ESEARCH (TAG \"x\") UID\r\n" OK}};
    static struct script script = {NULL, "UIDPLUS ESEARCH", rules, 9};
    struct host *h = leftover(&script, IMAP_STEP_MOVING, 100);
    ck_assert_str_eq(host_run(h), "");
    TRACE(h, "UID FETCH 100:599 ", "UID FETCH 600:1099 ", "UID FETCH 1100 ",
          "note 5 COPIED target 1100", "-UID COPY");
    host_stop(h);
}
END_TEST

START_TEST(a_full_archive_is_asked_once_and_told_once)
{
    static const struct script_rule rules[] = {
        {"SEARCH", "* SEARCH 5 6\r\n" OK},
        {"RFC822.SIZE", LISTED(5) LISTED(6) OK},
        {"BODY.PEEK[]", BODY(5) BODY(6) OK},
        {"UID MOVE 5:6", "@ NO [OVERQUOTA] full\r\n"},
        {"UID FETCH 5:6 (UID)", "* 1 FETCH (UID 5)\r\n* 2 FETCH (UID 6)\r\n" OK}};
    struct host *h = RUN(rules, FULL, "", "5 6 failed: config");
    TRACE(h, "UID MOVE 5:6", "UID FETCH 5:6 (UID)", "note 5 STORED", "-UID MOVE 5 ", "-UID MOVE 6",
          "-MOVED");
    ck_assert_ptr_null(strstr(h->log, "message 5 stays"));
    ck_assert_ptr_nonnull(strstr(h->err.text, "2 stored messages could not be moved"));
    ck_assert_ptr_nonnull(strstr(h->err.text, "full"));
    host_stop(h);
}
END_TEST

START_TEST(an_expunge_that_is_refused_is_told_and_nothing_is_copied_twice)
{
    static const struct script_rule rules[] = {
        FOUND_ONE,
        LIST_ONE,
        BODY_ONE,
        {"UID COPY 5", "@ OK [COPYUID 9 5 105] copied\r\n"},
        {"*UID STORE 5 +FLAGS.SILENT (\\Deleted)", OK},
        {"*UID EXPUNGE 5", "@ NO [NOPERM] not you\r\n"},
        {"*UID FETCH 5 (UID)", "* 1 FETCH (UID 5)\r\n" OK}};
    struct host *h = RUN(rules, "UIDPLUS", "", "5 failed: config");
    ck_assert_ptr_nonnull(strstr(h->err.text, "not you"));
    ck_assert_uint_eq(h->ledger[5].step, IMAP_STEP_DELETING);
    host_stop(h);
    static struct script again = {NULL, "UIDPLUS", rules + 4, 3}; /* the next run */
    h = leftover(&again, IMAP_STEP_DELETING, 105);
    ck_assert_str_eq(host_run(h), "failed: config");
    TRACE(h, "UID EXPUNGE 5", "-UID COPY", "-BODY.PEEK", "-MOVED");
    host_stop(h);
}
END_TEST

START_TEST(a_copied_message_that_somebody_else_expunged_is_done_with)
{
    static const struct script_rule rules[] = {{"UID FETCH 5 (UID)", OK}};
    static struct script script = {NULL, "UIDPLUS", rules, 1};
    for (uint32_t step = IMAP_STEP_COPIED; step <= IMAP_STEP_DELETING; step++) {
        struct host *h = leftover(&script, step, 105);
        ck_assert_str_eq(host_run(h), "");
        TRACE(h, "note 5 MOVED target 105", "-UID STORE", "-UID EXPUNGE", "-UID COPY");
        host_stop(h);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("imap-move");
    TCase *t = tcase_create("dialogue");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, uidplus_copies_sees_the_copy_and_deletes_its_own);
    tcase_add_test(t, without_uidplus_the_original_is_marked_and_nothing_is_expunged);
    tcase_add_test(t, ok_without_copyuid_is_believed_only_when_the_message_is_gone);
    tcase_add_test(t, what_a_refused_order_named_is_no_proof_for_the_next);
    tcase_add_test(t, a_refused_copy_is_never_followed_by_a_deletion);
    tcase_add_test(t, a_copy_without_proof_is_marked_and_not_deleted);
    tcase_add_test(t, a_folder_that_went_is_made_once_more);
    tcase_add_test(t, one_refused_message_does_not_keep_the_others);
    tcase_add_test(t, a_step_that_cannot_be_noted_is_not_taken);
    tcase_add_test(t, a_stored_message_that_is_gone_was_moved);
    tcase_add_test(t, a_stored_message_is_moved_and_not_handed_out_again);
    tcase_add_test(t, a_copied_message_is_only_deleted);
    tcase_add_test(t, a_copy_without_proof_is_not_trusted_by_the_next_run_either);
    tcase_add_test(t, before_a_second_copy_the_archive_is_searched);
    tcase_add_test(t, a_busy_archive_is_looked_through_in_windows);
    tcase_add_test(t, a_full_archive_is_asked_once_and_told_once);
    tcase_add_test(t, an_expunge_that_is_refused_is_told_and_nothing_is_copied_twice);
    tcase_add_test(t, a_copied_message_that_somebody_else_expunged_is_done_with);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
