/* SPDX-License-Identifier: Apache-2.0 */
/* imap-move-test.c - promises of the way from the mailbox to the archive, held against servers that
 * refuse, lie and forget (imap-script.h), and of what a run finishes that an earlier one left. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imap-pickup-fixture.h"
#include "imap-pickup-private.h"

#define LOOKS(uid)                                                                                 \
    "* 1 FETCH (UID " #uid " RFC822.SIZE 20 INTERNALDATE \"01-Mar-2026 12:00:00 +0000\" "          \
    "BODY[HEADER] {?}\r\nSubject: x\r\n\r\n\1)\r\n"

/* The archive before a copy, and afterwards. */
#define GROWS                                                                                      \
    {"STATUS \"DROPBOX\"", "* STATUS $ (UIDNEXT 100 UIDVALIDITY 9)\r\n" OK},                       \
    {                                                                                              \
        "*STATUS \"DROPBOX\"", "* STATUS $ (UIDNEXT 101 UIDVALIDITY 9)\r\n" OK                     \
    }

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
        GROWS,
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

START_TEST(a_move_that_is_refused_because_the_message_is_gone_is_done_with)
{
    static const struct script_rule rules[] = {
        FOUND_ONE, LIST_ONE, BODY_ONE, {"UID MOVE 5", "@ NO [EXPUNGEISSUED] gone already\r\n"},
        {"UID FETCH 5 (UID)", OK}};
    struct host *h = RUN(rules, FULL, "", "5 ");
    TRACE(h, "UID MOVE 5", "UID FETCH 5 (UID)", "note 5 MOVED");
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
        GROWS,
        {"UID COPY 5", OK},
        {"UID STORE 5 +FLAGS.SILENT ($MailchutePickedUp)", OK}};
    struct host *h = RUN(rules, "UIDPLUS", "", "5 ");
    TRACE(h, "UID STORE 5", "-EXPUNGE", "-\\Deleted");
    host_stop(h);
}
END_TEST

/* Else the next session would take the one whose copy was named for moved, and back. */
START_TEST(of_originals_that_stay_no_copy_is_noted_by_its_uid)
{
    static const struct script_rule rules[] = {
        {"SEARCH", "* SEARCH 5 6\r\n" OK},
        {"RFC822.SIZE", LISTED(5) LISTED(6) OK},
        {"BODY.PEEK[]", BODY(5) BODY(6) OK},
        {"STATUS \"DROPBOX\"", "* STATUS $ (UIDNEXT 100 UIDVALIDITY 9)\r\n" OK},
        {"*STATUS \"DROPBOX\"", "* STATUS $ (UIDNEXT 102 UIDVALIDITY 9)\r\n" OK},
        {"UID COPY 5:6", "@ OK [COPYUID 9 5 100] copied\r\n"},
        {"UID STORE 5:6 +FLAGS.SILENT ($MailchutePickedUp)", OK}};
    struct host *h = RUN(rules, "UIDPLUS", "", "5 6 ");
    ck_assert_uint_eq(h->ledger[5].step, IMAP_STEP_MOVED);
    ck_assert_uint_eq(h->ledger[5].target_uid, 0);
    ck_assert_uint_eq(h->ledger[6].target_uid, 0);
    host_stop(h);
}
END_TEST

START_TEST(a_copy_without_proof_counts_only_when_the_archive_has_grown)
{
    static const struct script_rule rules[] = {FOUND_ONE, LIST_ONE, BODY_ONE, {"*UID COPY 5", OK}};
    static const char *const capabilities[] = {"", "UIDPLUS"};
    for (size_t i = 0; i < 2; i++) {
        struct host *h = RUN(rules, capabilities[i], "", "5 failed: link");
        TRACE(h, "note 5 MOVING", "UID COPY 5", "STATUS \"DROPBOX\"", "-STORE", "-COPIED",
              "-note 5 MOVED");
        ck_assert_ptr_nonnull(strstr(h->err.text, "not to be seen that it came to 'DROPBOX'"));
        ck_assert_uint_eq(h->ledger[5].step, IMAP_STEP_MOVING); /* looked for by the next run */
        host_stop(h);
    }
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
    static const struct {
        const char *no, *want;
    } rows[] = {
        {"@ NO held\r\n", "5 6 failed: config"},
        {"@ NO [CANNOT] held\r\n", "5 6 failed: config"},
        {"@ NO [SERVERBUG] Internal error occurred\r\n", "5 6 failed: pause"},
        {"@ NO [LIMIT] too many at once\r\n", "5 6 failed: pause"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct script_rule rules[] = {
            {"SEARCH", "* SEARCH 5 6\r\n" OK},
            {"RFC822.SIZE", LISTED(5) LISTED(6) OK},
            {"BODY.PEEK[]", BODY(5) BODY(6) OK},
            {"UID MOVE 5:6", rows[i].no},
            {"UID FETCH 5:6 (UID)", "* 1 FETCH (UID 5)\r\n* 2 FETCH (UID 6)\r\n" OK},
            {"UID MOVE 6", "@ OK [COPYUID 9 6 106] moved\r\n"},
            {"*UID MOVE 5", rows[i].no},
            {"*UID FETCH 5 (UID)", "* 1 FETCH (UID 5)\r\n" OK}};
        struct host *h = RUN(rules, FULL, "", rows[i].want);
        TRACE(h, "note 6 MOVED target 106", "-note 5 MOVED");
        ck_assert_ptr_nonnull(strstr(h->err.text, "1 stored messages could not be moved"));
        host_stop(h);
    }
}
END_TEST

/* What another run left stored is refused; what came since is stored all the same. */
START_TEST(moves_that_are_refused_keep_no_new_mail_back)
{
    static const struct {
        const char *no, *want;
    } rows[] = {
        {"@ NO [SERVERBUG] Internal error occurred\r\n", "6 failed: pause"},
        {"@ NO [LIMIT] too many\r\n", "6 failed: pause"},
        {"@ NO [INUSE] locked\r\n", "6 failed: pause"},
        {"@ NO [UNAVAILABLE] not now\r\n", "6 failed: pause"},
        {"@ NO [NOPERM] no\r\n", "6 failed: config"},
        {"@ NO [THROTTLED] too much\r\n", "failed: pause"},
        {"@ NO [INUSE] Suggested Backoff Time: 2000 milliseconds\r\n", "failed: pause"},
        {"@ BAD what\r\n", "6 failed: config"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct script_rule rules[] = {
            {"*UID FETCH 5 (UID", "* 1 FETCH (UID 5)\r\n" OK},
            {"*UID FETCH 6 (UID)", "* 2 FETCH (UID 6)\r\n" OK},
            {"*UID MOVE", rows[i].no},
            {"SEARCH", "* SEARCH 5 6\r\n" OK},
            {"RFC822.SIZE", LISTED(6) OK},
            {"BODY.PEEK[]", BODY(6) OK}};
        static struct script script;
        script = (struct script){NULL, FULL, rules, sizeof rules / sizeof rules[0], 0};
        struct host *h = host_start(&script, "");
        h->ledger[5] = (struct imap_record){.uidvalidity = 7, .uid = 5, .step = IMAP_STEP_STORED};
        ck_assert_str_eq(host_run(h), rows[i].want);
        ck_assert_uint_eq(h->ledger[6].step >= IMAP_STEP_STORED, rows[i].want[0] == '6');
        ck_assert_uint_lt(h->ledger[5].step, IMAP_STEP_MOVED);
        host_stop(h);
    }
}
END_TEST

START_TEST(a_step_that_cannot_be_noted_is_not_taken)
{
    static const struct script_rule rules[] = {{"SEARCH", "* SEARCH 5 6\r\n" OK},
                                               {"RFC822.SIZE", LISTED(5) LISTED(6) OK},
                                               {"BODY.PEEK[]", BODY(5) BODY(6) OK}};
    static struct script script = {NULL, FULL, rules, 3};
    struct host *h = host_start(&script, "");
    h->note_fails = true;
    ck_assert_str_eq(host_run(h), "failed: store");
    TRACE(h, "-BODY.PEEK", "-MOVE");
    host_stop(h);
}
END_TEST

START_TEST(a_lone_message_whose_attempt_cannot_be_noted_is_not_looked_at)
{
    static const struct script_rule rules[] = {FOUND_ONE, LIST_ONE, BODY_ONE};
    static struct script script = {NULL, FULL, rules, 3};
    struct host *h = host_start(&script, "");
    h->note_fails = true;
    ck_assert_str_eq(host_run(h), "failed: store"); /* nothing was handed out */
    ck_assert_uint_eq(h->ledger[5].uid, 0);
    TRACE(h, "-MOVE");
    host_stop(h);
}
END_TEST

/* What a server says of messages that are there: @count from @first on, every @step-th UID. */
static char *listing_of(uint32_t first, uint32_t step, size_t count)
{
    AUTO_DONE(buffer) text;
    buffer_init(&text, 65536);
    for (size_t i = 0; i < count; i++)
        (void)buffer_printf(&text, "* 1 FETCH (UID %zu)\r\n", first + i * step);
    (void)buffer_append_text(&text, OK);
    return buffer_take(&text);
}

/* All that the ledger of the host knows, every @step-th UID, is stored and in the mailbox. */
static struct host *many_stored(const struct script *script, uint32_t step)
{
    struct host *h = host_start(script, "");
    for (uint32_t uid = 1; uid < UIDS; uid += step)
        h->ledger[uid] =
            (struct imap_record){.uidvalidity = 7, .uid = uid, .step = IMAP_STEP_STORED};
    return h;
}

static void check_all_moved(const struct host *h, uint32_t step, uint32_t target_uid)
{
    for (uint32_t uid = 1; uid < UIDS; uid += step) {
        ck_assert_msg(h->ledger[uid].step == IMAP_STEP_MOVED, "message %u", uid);
        ck_assert_uint_eq(h->ledger[uid].target_uid, target_uid != 0 ? target_uid + uid : 0);
    }
}

START_TEST(a_thousand_messages_whose_uids_follow_each_other_go_in_one_order)
{
    AUTO_TEXT first = listing_of(1, 1, 500);
    AUTO_TEXT second = listing_of(501, 1, 500);
    AUTO_TEXT third = listing_of(1001, 1, 299);
    const struct script_rule rules[] = {
        {"UID FETCH 1:500 (UID)", first},
        {"UID FETCH 501:1000 (UID)", second},
        {"UID FETCH 1001:1299 (UID)", third},
        {"UID MOVE 1:1000 ", "@ OK [COPYUID 9 1:1000 5001:6000] moved\r\n"},
        {"UID MOVE 1001:1299 ", "@ OK [COPYUID 9 1001:1299 6001:6299] moved\r\n"},
        {"*SEARCH", "* SEARCH\r\n" OK}};
    const struct script script = {NULL, FULL, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = many_stored(&script, 1);
    ck_assert_str_eq(host_run(h), "");
    check_all_moved(h, 1, 5000);
    host_stop(h);
}
END_TEST

START_TEST(an_order_for_uids_with_gaps_is_no_longer_than_five_hundred_of_them)
{
    AUTO_TEXT first = listing_of(1, 2, 500);
    AUTO_TEXT second = listing_of(1001, 2, 150);
    const struct script_rule rules[] = {{"UID FETCH 1,3,", first},
                                        {"UID FETCH 1001,1003,", second},
                                        {"UID MOVE 1,3,", OK},
                                        {"UID MOVE 1001,1003,", OK},
                                        {"UID FETCH 1,3,", OK}, /* they are gone */
                                        {"UID FETCH 1001,1003,", OK},
                                        {"*SEARCH", "* SEARCH\r\n" OK}};
    const struct script script = {NULL, FULL, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = many_stored(&script, 2);
    ck_assert_str_eq(host_run(h), "");
    check_all_moved(h, 2, 0);
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
    static const struct script_rule rules[] = {{"UID FETCH 5 (UID", OK}};
    static struct script script = {NULL, FULL, rules, 1};
    struct host *h = leftover(&script, IMAP_STEP_MOVING, 100);
    ck_assert_str_eq(host_run(h), "");
    TRACE(h, "note 5 MOVED", "-UID MOVE");
    host_stop(h);
}
END_TEST

#define EXPUNGED "@ NO some of them were expunged\r\n"

START_TEST(what_a_no_leaves_unnamed_is_asked_for_once_more_and_counts_as_unknown_then)
{
    static const struct script_rule said[] = {
        {"UID FETCH 5:6 (UID", "* 1 FETCH (UID 6)\r\n" EXPUNGED},
        {"UID FETCH 5 (UID", OK},
        {"UID MOVE 6", "* OK [COPYUID 9 6 106] moved\r\n" OK}};
    static const struct script_rule unsaid[] = {
        {"UID FETCH 5:6 (UID", "* 1 FETCH (UID 6)\r\n" EXPUNGED},
        {"UID FETCH 5 (UID", EXPUNGED},
        {"UID MOVE 6", "* OK [COPYUID 9 6 106] moved\r\n" OK}};
    for (size_t i = 0; i < 2; i++) {
        const struct script script = {NULL, FULL, i == 0 ? said : unsaid, 3, 0};
        struct host *h = leftover(&script, IMAP_STEP_MOVING, 100);
        h->ledger[6] = h->ledger[5];
        h->ledger[6].uid = 6;
        ck_assert_str_eq(host_run(h), "");
        ck_assert_uint_eq(h->ledger[5].step, i == 0 ? IMAP_STEP_MOVED : IMAP_STEP_MOVING);
        ck_assert_uint_eq(h->ledger[6].step, IMAP_STEP_MOVED);
        host_stop(h);
    }
}
END_TEST

START_TEST(a_move_of_which_the_server_will_not_say_what_became_is_left_for_the_next_run)
{
    static const struct script_rule said[] = {
        FOUND_ONE, LIST_ONE, BODY_ONE, {"UID MOVE 5", OK}, {"UID FETCH 5 (UID)", EXPUNGED},
        {"UID FETCH 5 (UID)", OK}};
    struct host *h = RUN(said, FULL, "", "5 ");
    TRACE(h, "UID MOVE 5", "note 5 MOVED");
    host_stop(h);
    static const struct script_rule unsaid[] = {FOUND_ONE, LIST_ONE, BODY_ONE, {"UID MOVE 5", OK},
                                                {"*UID FETCH 5 (UID)", EXPUNGED}};
    h = RUN(unsaid, FULL, "", "5 failed: link");
    TRACE(h, "UID MOVE 5", "-note 5 MOVED", "-note 5 STORED");
    ck_assert_uint_eq(h->ledger[5].step, IMAP_STEP_MOVING);
    host_stop(h);
}
END_TEST

START_TEST(a_stored_message_is_moved_and_not_handed_out_again)
{
    static const struct script_rule rules[] = {{"UID FETCH 5 (UID", LOOKS(5) OK},
                                               {"*SEARCH UID 100:*", "* SEARCH\r\n" OK},
                                               FOUND_ONE,
                                               MOVE_ONE};
    static struct script script = {NULL, FULL, rules, 4};
    for (uint32_t step = IMAP_STEP_STORED; step <= IMAP_STEP_MOVING; step++) {
        struct host *h = leftover(&script, step, 100);
        ck_assert_str_eq(host_run(h), "");
        TRACE(h, "UID FETCH 5 (UID", "note 5 MOVED target 105", "-BODY.PEEK[]");
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

START_TEST(where_a_copy_can_be_is_noted_of_the_folder_that_was_made_and_else_any_may_be_it)
{
    static const struct script_rule made[] = {
        FOUND_ONE, LIST_ONE, BODY_ONE,
        {"STATUS \"DROPBOX\"", "* STATUS \"DROPBOX\" (UIDNEXT 100 UIDVALIDITY 9)\r\n" OK},
        {"UID COPY 5", "@ NO [TRYCREATE] no such folder\r\n"},
        {"STATUS \"DROPBOX\"", "* STATUS \"DROPBOX\" (UIDNEXT 3 UIDVALIDITY 12)\r\n" OK},
        {"UID COPY 5", "\2"}};
    struct host *h = RUN(made, "UIDPLUS", "", "5 failed: link");
    TRACE(h, "note 5 MOVING target 100", "UID COPY 5", "CREATE \"DROPBOX\"", "STATUS \"DROPBOX\"",
          "note 5 MOVING target 3", "UID COPY 5");
    ck_assert_uint_eq(h->ledger[5].target_uidvalidity, 12);
    host_stop(h);
    static const struct script_rule untold[] = {FOUND_ONE,
                                                LIST_ONE,
                                                BODY_ONE,
                                                {"STATUS \"DROPBOX\"", "@ NO not now\r\n"},
                                                {"UID COPY 5", "\2"}};
    h = RUN(untold, "UIDPLUS", "", "5 failed: link");
    TRACE(h, "note 5 MOVING target 0");
    host_stop(h);
    static const struct script_rule next[] = {
        {"UID FETCH 5 (UID RFC822.SIZE", LOOKS(5) OK},
        {"SEARCH UID 1:* LARGER 19", "* SEARCH 99 107\r\n" OK},
        {"UID FETCH 99,107", LOOKS(99) OK},
        {"UID STORE 5 +FLAGS.SILENT (\\Deleted)", OK},
        {"UID EXPUNGE 5", OK},
        {"UID FETCH 5 (UID)", OK}};
    static const struct script script = {NULL, "UIDPLUS", next, 6, 0};
    h = leftover(&script, IMAP_STEP_MOVING, 0);
    h->ledger[5].target_uidvalidity = 0;
    ck_assert_str_eq(host_run(h), "");
    TRACE(h, "EXAMINE \"DROPBOX\"", "note 5 COPIED target 99", "note 5 MOVED", "-UID COPY");
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
    static const struct {
        const char *no, *want;
    } rows[] = {
        {"@ NO [OVERQUOTA] full\r\n", "5 6 failed: config"},
        {"@ NO [INUSE] full of others\r\n", "5 6 failed: pause"},
        {"@ NO [UNAVAILABLE] full or so\r\n", "5 6 failed: pause"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct script_rule rules[] = {
            {"SEARCH", "* SEARCH 5 6\r\n" OK},
            {"RFC822.SIZE", LISTED(5) LISTED(6) OK},
            {"BODY.PEEK[]", BODY(5) BODY(6) OK},
            {"UID MOVE 5:6", rows[i].no},
            {"UID FETCH 5:6 (UID)", "* 1 FETCH (UID 5)\r\n* 2 FETCH (UID 6)\r\n" OK}};
        struct host *h = RUN(rules, FULL, "", rows[i].want);
        TRACE(h, "UID MOVE 5:6", "UID FETCH 5:6 (UID)", "note 5 STORED", "-UID MOVE 5 ",
              "-UID MOVE 6", "-MOVED");
        ck_assert_ptr_null(strstr(h->log, "message 5 stays"));
        ck_assert_ptr_nonnull(strstr(h->err.text, "2 stored messages could not be moved"));
        ck_assert_ptr_nonnull(strstr(h->err.text, "full"));
        host_stop(h);
    }
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

/* ---- A host that goes on --------------------------------------------------------------------- */

static unsigned int times(const char *text, const char *piece)
{
    unsigned int count = 0;
    for (const char *at = text; (at = strstr(at, piece)) != NULL; at++)
        count++;
    return count;
}

/* Wait as long as we are told to, and look again. */
static void wait_for(struct host *h, uint32_t want_ms, const char *want)
{
    int fd;
    uint32_t timeout_ms;
    ck_assert_int_eq(imap_pickup_wait(h->pickup, &fd, &timeout_ms, &h->err), 0);
    ck_assert_uint_eq(timeout_ms, want_ms);
    h->now_ms += timeout_ms;
    const char *seen = host_run(h);
    ck_assert_msg(strcmp(seen, want) == 0, "%s: %s", seen, h->err.text);
}

static struct host *watching(const struct script *script)
{
    struct host *h = host_start(script, "poll=2h");
    h->pickup->options.watch = true;
    return h;
}

START_TEST(a_host_that_goes_on_tries_refused_moves_again_in_one_session_and_is_told_once)
{
    static const struct {
        const char *no;
        unsigned int tries; /* of one session: a folder that is full is asked once */
    } rows[] = {{"[OVERQUOTA] full", 1}, {"held", 2}};
    for (size_t i = 0; i < 2; i++) {
        struct script_rule rules[12] = {FOUND_ONE, LIST_ONE, BODY_ONE,
                                        {"*UID FETCH 5 (UID)", "* 1 FETCH (UID 5)\r\n" OK}};
        size_t count = 4;
        char no[6][40]; /* each tells the time, as Dovecot's do */
        for (unsigned int n = 0; n < 3 * rows[i].tries; n++) {
            (void)snprintf(no[n], sizeof no[n], "@ NO %s [12:0%u]\r\n", rows[i].no, n);
            rules[count++] = (struct script_rule){"UID MOVE 5", no[n]};
        }
        rules[count++] = (struct script_rule)MOVE_ONE;
        const struct script script = {NULL, FULL, rules, count, 0};
        struct host *h = watching(&script);
        ck_assert_str_eq(host_run(h), "5 ");
        wait_for(h, IMAP_REFUSED_MS, "");
        wait_for(h, 2 * IMAP_REFUSED_MS, "");
        ck_assert_uint_eq(h->ledger[5].step, IMAP_STEP_STORED);
        ck_assert_uint_eq(times(h->log, "could not be moved"), 1);
        ck_assert_int_eq(h->trouble.class, ERROR_CONFIG); /* it shows as long as it is so */
        ck_assert_ptr_nonnull(strstr(h->trouble.text, "1 stored messages could not be moved"));
        ck_assert_uint_le(times(h->log, "message 5 stays"), 1);
        wait_for(h, 4 * IMAP_REFUSED_MS, "");
        ck_assert_uint_eq(h->ledger[5].step, IMAP_STEP_MOVED);
        ck_assert_ptr_nonnull(strstr(h->log, "are moved now"));
        ck_assert_int_eq(h->trouble.class, ERROR_NONE);
        wait_for(h, IMAP_IDLE_MS, ""); /* nothing is left to be tried */
        char *trace = script_trace(h->server);
        ck_assert_uint_eq(times(trace, "LOGIN"), 1);
        ck_assert_uint_eq(times(trace, "UID MOVE 5"), 3 * rows[i].tries + 1);
        free(trace);
        host_stop(h);
    }
}
END_TEST

START_TEST(a_host_that_ends_at_its_limit_is_told_of_refused_moves_all_the_same)
{
    static const struct script_rule rules[] = {
        FOUND_ONE, LIST_ONE, BODY_ONE, {"UID MOVE 5", "@ NO [OVERQUOTA] full\r\n"},
        {"UID FETCH 5 (UID)", "* 1 FETCH (UID 5)\r\n" OK}};
    const struct script script = {NULL, FULL, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = watching(&script);
    h->pickup->options.limit = 1;
    ck_assert_str_eq(host_run(h), "5 failed: config");
    host_stop(h);
}
END_TEST

START_TEST(new_mail_is_picked_up_while_moves_are_refused_and_does_not_put_their_next_try_off)
{
    static const struct script_rule rules[] = {
        {"SEARCH", "* SEARCH 5\r\n" OK},
        {"RFC822.SIZE", LISTED(5) OK},
        BODY_ONE,
        {"UID MOVE 5", "@ NO [OVERQUOTA] full\r\n"},
        {"UID FETCH 5 (UID)", "* 1 FETCH (UID 5)\r\n" OK},
        {"SEARCH", "* SEARCH 5 6\r\n" OK},
        {"RFC822.SIZE", LISTED(6) OK},
        {"BODY.PEEK[]", BODY(6) OK},
        {"UID FETCH 5:6 (UID)", "* 1 FETCH (UID 5)\r\n* 2 FETCH (UID 6)\r\n" OK},
        {"UID MOVE 5:6", "* OK [COPYUID 9 5:6 105:106] moved\r\n" OK}};
    const struct script script = {NULL, "MOVE UIDPLUS", rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = watching(&script);
    ck_assert_str_eq(host_run(h), "5 ");
    h->now_ms += IMAP_REFUSED_MS / 3;
    ck_assert_str_eq(host_run(h), "6 "); /* without IDLE every call looks */
    TRACE(h, "UID MOVE 5 ", "note 6 ATTEMPTED", "-UID MOVE 6");
    wait_for(h, IMAP_REFUSED_MS - IMAP_REFUSED_MS / 3, "");
    TRACE(h, "UID MOVE 5:6", "note 6 MOVED");
    ck_assert_uint_eq(times(h->log, "could not be moved out"), 2); /* the end is told too */
    host_stop(h);
}
END_TEST

START_TEST(a_copy_that_was_made_in_spite_of_a_refusal_is_found_when_it_is_tried_again)
{
    static const struct script_rule rules[] = {
        FOUND_ONE,
        LIST_ONE,
        BODY_ONE,
        {"UID COPY 5", "@ NO what\r\n"},
        {"UID COPY 5", "@ NO what\r\n"},
        {"*UID FETCH 5 (UID RFC822.SIZE", LOOKS(5) OK},
        {"SEARCH UID 100:*", "* SEARCH 107\r\n" OK},
        {"UID FETCH 107", LOOKS(107) OK},
        {"UID STORE 5 +FLAGS.SILENT (\\Deleted)", OK},
        {"UID EXPUNGE 5", OK},
        {"UID FETCH 5 (UID)", "* 1 FETCH (UID 5)\r\n" OK},
        {"UID FETCH 5 (UID)", "* 1 FETCH (UID 5)\r\n" OK},
        {"UID FETCH 5 (UID)", OK}};
    const struct script script = {NULL, "UIDPLUS", rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = watching(&script);
    ck_assert_str_eq(host_run(h), "5 ");
    wait_for(h, IMAP_REFUSED_MS, "");
    TRACE(h, "UID COPY 5", "UID COPY 5", "EXAMINE \"DROPBOX\"", "SELECT \"INBOX\"",
          "note 5 COPIED target 107", "UID EXPUNGE 5", "note 5 MOVED target 107");
    host_stop(h);
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
    tcase_add_test(t, a_move_that_is_refused_because_the_message_is_gone_is_done_with);
    tcase_add_test(t, what_a_refused_order_named_is_no_proof_for_the_next);
    tcase_add_test(t, a_refused_copy_is_never_followed_by_a_deletion);
    tcase_add_test(t, a_copy_without_proof_is_marked_and_not_deleted);
    tcase_add_test(t, of_originals_that_stay_no_copy_is_noted_by_its_uid);
    tcase_add_test(t, a_copy_without_proof_counts_only_when_the_archive_has_grown);
    tcase_add_test(t, a_folder_that_went_is_made_once_more);
    tcase_add_test(t, one_refused_message_does_not_keep_the_others);
    tcase_add_test(t, moves_that_are_refused_keep_no_new_mail_back);
    tcase_add_test(t, a_step_that_cannot_be_noted_is_not_taken);
    tcase_add_test(t, a_lone_message_whose_attempt_cannot_be_noted_is_not_looked_at);
    tcase_add_test(t, a_thousand_messages_whose_uids_follow_each_other_go_in_one_order);
    tcase_add_test(t, an_order_for_uids_with_gaps_is_no_longer_than_five_hundred_of_them);
    tcase_add_test(t, a_stored_message_that_is_gone_was_moved);
    tcase_add_test(t, what_a_no_leaves_unnamed_is_asked_for_once_more_and_counts_as_unknown_then);
    tcase_add_test(t, a_move_of_which_the_server_will_not_say_what_became_is_left_for_the_next_run);
    tcase_add_test(t, a_stored_message_is_moved_and_not_handed_out_again);
    tcase_add_test(t, a_copied_message_is_only_deleted);
    tcase_add_test(t, a_copy_without_proof_is_not_trusted_by_the_next_run_either);
    tcase_add_test(t, before_a_second_copy_the_archive_is_searched);
    tcase_add_test(t,
                   where_a_copy_can_be_is_noted_of_the_folder_that_was_made_and_else_any_may_be_it);
    tcase_add_test(t, a_busy_archive_is_looked_through_in_windows);
    tcase_add_test(t, a_full_archive_is_asked_once_and_told_once);
    tcase_add_test(t, an_expunge_that_is_refused_is_told_and_nothing_is_copied_twice);
    tcase_add_test(t, a_copied_message_that_somebody_else_expunged_is_done_with);
    tcase_add_test(t,
                   a_host_that_goes_on_tries_refused_moves_again_in_one_session_and_is_told_once);
    tcase_add_test(t, a_host_that_ends_at_its_limit_is_told_of_refused_moves_all_the_same);
    tcase_add_test(
        t, new_mail_is_picked_up_while_moves_are_refused_and_does_not_put_their_next_try_off);
    tcase_add_test(t, a_copy_that_was_made_in_spite_of_a_refusal_is_found_when_it_is_tried_again);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
