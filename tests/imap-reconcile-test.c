/* SPDX-License-Identifier: Apache-2.0 */
/* imap-reconcile-test.c - what an earlier session left undone, in mailboxes and archives that are
 * not as they should be. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imap-pickup-fixture.h"

#define LOOKS(uid)                                                                                 \
    "* 1 FETCH (UID " #uid " RFC822.SIZE 20 INTERNALDATE \"01-Mar-2026 12:00:00 +0000\" "          \
    "BODY[HEADER] {?}\r\nSubject: x\r\n\r\n\1)\r\n"
#define COPY_OF_5                                                                                  \
    {                                                                                              \
        "*SEARCH UID 100:*", "* SEARCH 107\r\n" OK                                                 \
    }
#define NEW_6                                                                                      \
    {"SEARCH UNDEL", "* SEARCH 6\r\n" OK}, {"RFC822.SIZE", LISTED(6) OK},                          \
    {                                                                                              \
        "BODY.PEEK[]", BODY(6) OK                                                                  \
    }
#define STARTED(rules, capabilities, pieces)                                                       \
    host_start_pieces(                                                                             \
        &(const struct script){NULL, capabilities, rules, sizeof rules / sizeof rules[0], 0},      \
        pieces)

static void put(struct host *h, uint32_t uid, enum imap_step step)
{
    h->ledger[uid] = (struct imap_record){.uidvalidity = 7, .uid = uid, .step = step};
    if (step == IMAP_STEP_MOVING) {
        h->ledger[uid].target_uidvalidity = 9;
        h->ledger[uid].target_uid = 100;
    }
}

START_TEST(a_full_archive_keeps_back_no_mail_of_a_later_piece)
{
    static const struct script_rule rules[] = {{"*UID FETCH 5 (UID)", "* 1 FETCH (UID 5)\r\n" OK},
                                               {"*UID MOVE", "@ NO [OVERQUOTA] full\r\n"},
                                               {"UID 7:*", "* SEARCH 7\r\n" OK},
                                               {"SEARCH", "* SEARCH 5 7\r\n" OK},
                                               {"RFC822.SIZE", LISTED(7) OK},
                                               {"BODY.PEEK[]", BODY(7) OK}};
    for (uint32_t pieces = 0; pieces < 2; pieces++) {
        struct host *h = STARTED(rules, FULL, pieces);
        put(h, 5, IMAP_STEP_STORED);
        ck_assert_str_eq(host_run(h), "7 failed: config"); /* and the refusal is told, in the end */
        host_stop(h);
    }
}
END_TEST

/* The COPY of 9 was answered OK and shows nothing: only a look tells what became of it. */
START_TEST(what_was_left_on_purpose_is_not_moved_in_a_later_piece)
{
    static const struct script_rule rules[] = {
        {"*UID FETCH 9 (UID RFC822.SIZE", LOOKS(9) OK},
        {"*SEARCH UID 100:*", "* SEARCH\r\n" OK},
        {"*UID COPY", OK},
        {"*UID FETCH 9 (UID)", "* 1 FETCH (UID 9)\r\n" OK},
        {"UID 7:*", "* SEARCH 7 9\r\n" OK},
        {"UID 9:*", "* SEARCH 9\r\n" OK},
        {"SEARCH", "* SEARCH 5 7 9\r\n" OK},
        {"FETCH 5 (UID FLAGS", "* 1 FETCH (UID 5 FLAGS (\\Deleted) RFC822.SIZE 20)\r\n" OK},
        {"FETCH 7 (UID FLAGS", "* 1 FETCH (UID 7 FLAGS (\\Deleted) RFC822.SIZE 20)\r\n" OK},
        {"FETCH 9 (UID FLAGS", LISTED(9) OK}};
    struct host *h = STARTED(rules, "UIDPLUS", 1);
    put(h, 9, IMAP_STEP_MOVING);
    (void)host_run(h);
    TRACE(h, "UID COPY 9", "-UID FETCH 9 (UID FLAGS");
    char *trace = script_trace(h->server), *first = strstr(trace, "UID COPY 9");
    ck_assert(first != NULL && strstr(first + 1, "UID COPY 9") == NULL);
    free(trace);
    host_stop(h);
}
END_TEST

/* A copy may be there already: 5 is neither copied again nor deleted, that is told, and new mail is
 * picked up. */
START_TEST(an_archive_that_cannot_be_looked_into_keeps_nobody_else_back)
{
    static const struct script_rule unread[] = {{"*EXAMINE", "@ NO [NOPERM] not yours to read\r\n"},
                                                {"*UID FETCH 5 (UID RFC822.SIZE", LOOKS(5) OK},
                                                NEW_6};
    static const struct script_rule broken[] = {
        {"*UID FETCH 5 (UID RFC822.SIZE", LOOKS(5) OK},
        COPY_OF_5,
        {"*UID FETCH 107", "@ NO [SERVERBUG] cannot read it\r\n"},
        NEW_6};
    static const struct script_rule sizeless[] = {
        {"*UID FETCH 5 (UID RFC822.SIZE", "* 1 FETCH (UID 5)\r\n" OK},
        COPY_OF_5,
        {"*UID FETCH 107", LOOKS(107) OK},
        NEW_6};
    static const struct script_rule unsearched[] = {
        {"*UID FETCH 5 (UID RFC822.SIZE", LOOKS(5) OK},
        {"*SEARCH UID 100:*", "@ NO [SERVERBUG] cannot search it\r\n"},
        NEW_6};
    struct host *hosts[] = {STARTED(unread, "UIDPLUS", 0), STARTED(broken, "UIDPLUS", 0),
                            STARTED(sizeless, "UIDPLUS", 0), STARTED(unsearched, "UIDPLUS", 0)};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        put(hosts[i], 5, IMAP_STEP_MOVING);
        ck_assert_ptr_nonnull(strstr(host_run(hosts[i]), "6 failed: "));
        TRACE(hosts[i], "UID FETCH 6 (UID BODY", "-UID COPY 5", "-Deleted");
        ck_assert_ptr_nonnull(strstr(hosts[i]->log, "it cannot be seen whether they are in"));
        host_stop(hosts[i]);
    }
}
END_TEST

/* While a session waits, with nothing of the mailbox in hand, others may work in it: here one that
 * died when its COPY, or MOVE, was obeyed and not answered for. */
START_TEST(what_another_run_left_in_the_middle_of_a_move_is_looked_for_by_a_session_that_waited)
{
    static const struct script_rule rules[] = {
        {"SEARCH UNDEL", "* SEARCH\r\n" OK},
        {"SEARCH UNDEL", "* SEARCH 5\r\n" OK},
        {"*RFC822.SIZE INTERNALDATE)", LISTED(5) OK},
        {"*UID FETCH 5 (UID RFC822.SIZE", LOOKS(5) OK},
        COPY_OF_5,
        {"*UID FETCH 107", LOOKS(107) OK},
        {"*UID STORE 5", OK},
        {"*UID EXPUNGE 5", "* 1 EXPUNGE\r\n" OK},
        {"*UID FETCH 5 (UID)", OK},
    };
    static const char *const capabilities[] = {"UIDPLUS", FULL, ""};
    struct host *h = STARTED(rules, capabilities[_i], 0);
    ck_assert_str_eq(host_run(h), "");
    put(h, 5, IMAP_STEP_MOVING);
    ck_assert_str_eq(host_run(h), "");
    TRACE(h, "SEARCH UNDEL", "SEARCH UID 100:*", "-UID COPY", "-UID MOVE");
    ck_assert_uint_ge(h->ledger[5].step, IMAP_STEP_COPIED);
    host_stop(h);
}
END_TEST

START_TEST(what_another_run_had_only_begun_to_move_is_moved_once_and_holds_up_no_new_mail)
{
    static const struct script_rule rules[] = {
        {"SEARCH UNDEL", "* SEARCH\r\n" OK},
        {"SEARCH UNDEL", "* SEARCH 5 6\r\n" OK},
        {"*RFC822.SIZE INTERNALDATE)", LISTED(5) LISTED(6) OK},
        {"BODY.PEEK[]", BODY(6) OK},
        {"UID MOVE 6", "@ OK [COPYUID 9 6 106] moved\r\n"},
        {"*UID FETCH 5 (UID RFC822.SIZE", LOOKS(5) OK},
        {"*SEARCH UID 100:*", "* SEARCH\r\n" OK},
        {"UID MOVE 5", "@ OK [COPYUID 9 5 107] moved\r\n"},
    };
    struct host *h = STARTED(rules, FULL, 0);
    ck_assert_str_eq(host_run(h), "");
    put(h, 5, IMAP_STEP_MOVING);
    ck_assert_str_eq(host_run(h), "6 ");
    TRACE(h, "UID MOVE 6", "SEARCH UID 100:*", "UID MOVE 5");
    ck_assert_uint_eq(h->ledger[5].step, IMAP_STEP_MOVED);
    host_stop(h);
}
END_TEST

START_TEST(mail_that_comes_while_another_runs_moves_are_looked_into_is_not_forgotten)
{
    static const struct script_rule rules[] = {
        {"SEARCH UNDEL", "* SEARCH\r\n" OK},
        {"SEARCH UNDEL", "* SEARCH 5\r\n" OK},
        {"RFC822.SIZE INTERNALDATE)", LISTED(5) "* 99 EXISTS\r\n" OK},
        {"*UID FETCH 5 (UID RFC822.SIZE", LOOKS(5) OK},
        {"*SEARCH UID 100:*", "* SEARCH\r\n" OK},
        {"UID MOVE 5", "@ OK [COPYUID 9 5 107] moved\r\n"},
        {"*SEARCH UNDEL", "* SEARCH 6\r\n" OK},
        {"RFC822.SIZE INTERNALDATE)", LISTED(6) OK},
        {"BODY.PEEK[]", BODY(6) OK},
        {"UID MOVE 6", "@ OK [COPYUID 9 6 106] moved\r\n"},
    };
    struct host *h = STARTED(rules, FULL, 0);
    ck_assert_str_eq(host_run(h), "");
    put(h, 5, IMAP_STEP_MOVING);
    ck_assert_str_eq(host_run(h), "6 ");
    ck_assert_uint_eq(h->ledger[5].step, IMAP_STEP_MOVED);
    host_stop(h);
}
END_TEST

/* Only a NO is about the archive alone. */
START_TEST(a_search_that_is_not_understood_or_comes_too_often_ends_the_run)
{
    static const struct script_rule bad[] = {{"*UID FETCH 5 (UID RFC822.SIZE", LOOKS(5) OK},
                                             {"*SEARCH UID 100:*", "@ BAD what?\r\n"}};
    static const struct script_rule often[] = {
        {"*UID FETCH 5 (UID RFC822.SIZE", LOOKS(5) OK},
        {"*SEARCH UID 100:*", "@ NO [LIMIT] Suggested Backoff Time: 3000\r\n"}};
    struct host *hosts[] = {STARTED(bad, "UIDPLUS", 0), STARTED(often, "UIDPLUS", 0)};
    static const char *const ends[] = {"failed: protocol", "failed: pause"};
    for (size_t i = 0; i < 2; i++) {
        put(hosts[i], 5, IMAP_STEP_MOVING);
        const char *said = host_run(hosts[i]);
        ck_assert_msg(strstr(said, ends[i]) != NULL, "%s", said);
        TRACE(hosts[i], "-UID COPY 5", "-Deleted");
        host_stop(hosts[i]);
    }
}
END_TEST

START_TEST(news_of_a_flag_behind_what_was_asked_for_change_nothing)
{
    static const struct script_rule rules[] = {
        {"*UID FETCH 5 (UID RFC822.SIZE", LOOKS(5) "* 1 FETCH (UID 5 FLAGS (\\Seen))\r\n" OK},
        COPY_OF_5,
        {"*UID FETCH 107", LOOKS(107) "* 1 FETCH (UID 107 FLAGS (\\Seen))\r\n" OK},
        {"*UID STORE", OK},
        {"*UID EXPUNGE", OK},
        {"*UID FETCH 5 (UID)", OK}};
    struct host *h = STARTED(rules, "UIDPLUS", 0);
    put(h, 5, IMAP_STEP_MOVING);
    ck_assert_str_eq(host_run(h), "");
    TRACE(h, "note 5 COPIED", "UID EXPUNGE 5", "note 5 MOVED", "-UID COPY");
    host_stop(h);
}
END_TEST

/* 5 was on its way into "Old", where it may be; 8 has its copy there, as 108. */
START_TEST(what_was_left_under_another_archive_ends_there_or_is_ordered_anew)
{
    static const struct script_rule rules[] = {
        {"*UID FETCH 5 (UID RFC822.SIZE", LOOKS(5) OK},
        {"*UID FETCH 5,8 (UID RFC822.SIZE", LOOKS(5) LOOKS(8) OK},
        {"*UID COPY 5", "* OK [COPYUID 9 5 205] x\r\n" OK},
        {"*UID STORE", OK},
        {"*UID EXPUNGE", OK},
        {"*UID FETCH 5 (UID)", OK},
        {"*UID FETCH 8 (UID)", OK}};
    struct host *h = STARTED(rules, "UIDPLUS", 0);
    put(h, 5, IMAP_STEP_MOVING);
    put(h, 8, IMAP_STEP_COPIED);
    h->ledger[8].target_uidvalidity = 3;
    h->ledger[8].target_uid = 108;
    h->ledger[5].target = h->ledger[8].target = "Old";
    ck_assert_str_eq(host_run(h), "");
    TRACE(h, "note 8 DELETING target 108 in Old", "note 8 MOVED target 108 in Old", "-UID COPY 8");
    TRACE(h, "note 5 STORED target 0 in no folder", "note 5 MOVING target 100 in DROPBOX",
          "UID COPY 5", "note 5 COPIED target 205 in DROPBOX", "UID EXPUNGE 5",
          "note 5 MOVED target 205 in DROPBOX");
    TRACE(h, "-SEARCH UID", "-EXAMINE");
    ck_assert_ptr_nonnull(strstr(h->log, "which earlier settings named"));
    host_stop(h);
}
END_TEST

/* By an order of which we never heard: into the folder of that time. */
START_TEST(what_went_into_an_earlier_archive_is_told_as_gone_there)
{
    static const struct script_rule rules[] = {{"*UID FETCH 5 (UID", OK}};
    struct host *h = STARTED(rules, FULL, 0);
    put(h, 5, IMAP_STEP_MOVING);
    h->ledger[5].target = "Old";
    ck_assert_str_eq(host_run(h), "");
    TRACE(h, "note 5 MOVED target 0 in Old", "-UID MOVE");
    host_stop(h);
}
END_TEST

static void put_copy(struct host *h, uint32_t uid, const char *target, uint32_t uidvalidity,
                     uint32_t target_uid)
{
    put(h, uid, IMAP_STEP_COPIED);
    h->ledger[uid].target = target;
    h->ledger[uid].target_uidvalidity = uidvalidity;
    h->ledger[uid].target_uid = target_uid;
}

static void ck_copy(const struct host *h, uint32_t uid, uint32_t uidvalidity, uint32_t target_uid)
{
    ck_assert_uint_eq(h->ledger[uid].step, IMAP_STEP_MOVED);
    ck_assert_uint_eq(h->ledger[uid].target_uidvalidity, uidvalidity);
    ck_assert_uint_eq(h->ledger[uid].target_uid, target_uid);
}

START_TEST(copies_in_two_archives_and_what_is_in_none_go_their_own_ways)
{
    static const struct script_rule rules[] = {
        {"*UID FETCH 5,8:9 (UID)",
         "* 1 FETCH (UID 5)\r\n* 2 FETCH (UID 8)\r\n* 3 FETCH (UID 9)\r\n" OK},
        {"*UID COPY 9", "* OK [COPYUID 9 9 206] x\r\n" OK},
        {"*UID STORE", OK},
        {"*UID EXPUNGE", OK},
        {"*UID FETCH", OK}};
    struct host *h = STARTED(rules, "UIDPLUS", 0);
    put_copy(h, 5, "Old", 3, 108);
    put_copy(h, 8, "DROPBOX", 9, 205);
    put(h, 9, IMAP_STEP_STORED);
    ck_assert_str_eq(host_run(h), "");
    TRACE(h, "note 5 MOVED target 108 in Old");
    TRACE(h, "note 8 MOVED target 205 in DROPBOX");
    TRACE(h, "UID COPY 9", "note 9 MOVED target 206 in DROPBOX");
    ck_copy(h, 5, 3, 108);
    ck_copy(h, 8, 9, 205);
    host_stop(h);
}
END_TEST

START_TEST(a_look_into_the_archive_leaves_what_is_known_of_other_copies)
{
    static const struct script_rule rules[] = {
        {"*UID FETCH 5,8 (UID RFC822.SIZE", LOOKS(5) LOOKS(8) OK},
        COPY_OF_5,
        {"*UID FETCH 107", LOOKS(107) OK},
        {"*UID STORE", OK},
        {"*UID EXPUNGE", OK},
        {"*UID FETCH", OK}};
    struct host *h = STARTED(rules, "UIDPLUS", 0);
    put(h, 5, IMAP_STEP_MOVING);
    put_copy(h, 8, "Old", 3, 108);
    ck_assert_str_eq(host_run(h), "");
    ck_copy(h, 5, 9, 107);
    ck_copy(h, 8, 3, 108);
    host_stop(h);
}
END_TEST

START_TEST(copies_under_two_numberings_of_one_archive_keep_theirs)
{
    static const struct script_rule rules[] = {
        {"*UID FETCH 8:9 (UID)", "* 1 FETCH (UID 8)\r\n* 2 FETCH (UID 9)\r\n" OK},
        {"*UID STORE", OK},
        {"*UID EXPUNGE", OK},
        {"*UID FETCH", OK}};
    struct host *h = STARTED(rules, "UIDPLUS", 0);
    put_copy(h, 8, "Old", 3, 108);
    put_copy(h, 9, "Old", 4, 12);
    ck_assert_str_eq(host_run(h), "");
    ck_copy(h, 8, 3, 108);
    ck_copy(h, 9, 4, 12);
    host_stop(h);
}
END_TEST

/* The STORE of both is refused, and each is tried by itself. */
START_TEST(copies_whose_originals_are_refused_together_go_one_by_one_under_their_archive)
{
    static const struct script_rule rules[] = {
        {"*UID FETCH 8:9 (UID)", "* 1 FETCH (UID 8)\r\n* 2 FETCH (UID 9)\r\n" OK},
        {"*UID STORE 8:9", "@ NO not both\r\n"},
        {"*UID STORE", OK},
        {"*UID EXPUNGE", OK},
        {"*UID FETCH", OK}};
    struct host *h = STARTED(rules, "UIDPLUS", 0);
    put_copy(h, 8, "Old", 3, 108);
    put_copy(h, 9, "Old", 3, 109);
    (void)host_run(h);
    TRACE(h, "note 8 MOVED target 108 in Old");
    TRACE(h, "note 9 MOVED target 109 in Old");
    ck_copy(h, 8, 3, 108);
    ck_copy(h, 9, 3, 109);
    host_stop(h);
}
END_TEST

START_TEST(bad_mail_on_its_way_is_looked_for_where_bad_mail_goes)
{
    static const struct script_rule rules[] = {{"*UID FETCH 5 (UID RFC822.SIZE", LOOKS(5) OK},
                                               COPY_OF_5,
                                               {"*UID FETCH 107", LOOKS(107) OK},
                                               {"*UID STORE", OK},
                                               {"*UID EXPUNGE", OK},
                                               {"*UID FETCH", OK}};
    struct host *h = STARTED(rules, "UIDPLUS", 0);
    put(h, 5, IMAP_STEP_MOVING);
    h->ledger[5].fate = IMAP_FATE_BAD;
    h->ledger[5].target = "BADMAIL";
    ck_assert_str_eq(host_run(h), "");
    TRACE(h, "EXAMINE \"BADMAIL\"", "SEARCH UID 100:*", "note 5 MOVED target 107 in BADMAIL",
          "-UID COPY");
    host_stop(h);
}
END_TEST

#define LOOKS_NIL(uid)                                                                             \
    "* 1 FETCH (UID " #uid " RFC822.SIZE 20 INTERNALDATE \"01-Mar-2026 12:00:00 +0000\" "          \
    "BODY[HEADER] NIL)\r\n"
#define LOOKS_DATELESS(uid)                                                                        \
    "* 1 FETCH (UID " #uid " RFC822.SIZE 20 BODY[HEADER] {?}\r\nSubject: x\r\n\r\n\1)\r\n"

/* 107 has the size of 5, and may be its copy or any other message. */
START_TEST(no_original_is_deleted_by_a_header_that_came_for_another_message)
{
    static const char *const told[][2] = {{LOOKS(5), LOOKS_NIL(107)},
                                          {LOOKS(5), LOOKS_DATELESS(107)},
                                          {LOOKS(6) LOOKS_NIL(5), LOOKS(107)},
                                          {LOOKS_DATELESS(5), LOOKS_DATELESS(107)},
                                          {LOOKS_NIL(5), LOOKS_NIL(107)}};
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        char original[300], target[300];
        (void)snprintf(original, sizeof original, "%s" OK, told[i][0]);
        (void)snprintf(target, sizeof target, "%s" OK, told[i][1]);
        const struct script_rule rules[] = {{"*UID FETCH 5 (UID RFC822.SIZE", original},
                                            COPY_OF_5,
                                            {"*UID FETCH 107", target},
                                            NEW_6};
        struct host *h = STARTED(rules, "UIDPLUS", 0);
        put(h, 5, IMAP_STEP_MOVING);
        ck_assert_ptr_nonnull(strstr(host_run(h), "6 failed: "));
        TRACE(h, "UID FETCH 107", "-note 5 COPIED", "-UID COPY 5", "-UID STORE 5");
        ck_assert_ptr_nonnull(strstr(h->log, "does not tell their size, date and header"));
        host_stop(h);
    }
}
END_TEST

/* ---- Copies that were made although they were refused ----------------------------------------- */

#define TWO                                                                                        \
    {"SEARCH", "* SEARCH 5 6\r\n" OK}, {"RFC822.SIZE", LISTED(5) LISTED(6) OK},                    \
        {"BODY.PEEK[]", BODY(5) BODY(6) OK},                                                       \
    {                                                                                              \
        "UID FETCH 5:6 (UID)", "* 1 FETCH (UID 5)\r\n* 2 FETCH (UID 6)\r\n" OK                     \
    }

/* 5 and 6 were ordered where the archive's next UID was 100. */
START_TEST(what_a_refused_copy_may_have_copied_is_not_ordered_again_without_a_look)
{
    static const struct {
        const char *copy, *status;
    } rows[] = {
        {"@ NO what\r\n", "* STATUS $ (UIDNEXT 102 UIDVALIDITY 9)\r\n" OK},
        {"@ NO [SERVERBUG] what\r\n", "* STATUS $ (UIDNEXT 101 UIDVALIDITY 9)\r\n" OK},
        {"@ NO [LIMIT] what\r\n", "* STATUS $ (UIDNEXT 100 UIDVALIDITY 10)\r\n" OK},
        {"@ NO what\r\n", "* STATUS $ (UIDVALIDITY 9)\r\n" OK},
        {"@ NO what\r\n", "@ NO not now\r\n"},
        {"* OK [COPYUID 9 5 100] x\r\n@ NO what\r\n",
         "* STATUS $ (UIDNEXT 100 UIDVALIDITY 9)\r\n" OK},
    };
    static const char *const capabilities[] = {"UIDPLUS", ""};
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        const struct script_rule rules[] = {
            TWO,
            {"STATUS \"DROPBOX\"", "* STATUS $ (UIDNEXT 100 UIDVALIDITY 9)\r\n" OK},
            {"*STATUS \"DROPBOX\"", rows[i / 2].status},
            {"UID COPY 5:6", rows[i / 2].copy}};
        struct host *h = STARTED(rules, capabilities[i % 2], 0);
        ck_assert_ptr_nonnull(strstr(host_run(h), "5 6 failed: "));
        TRACE(h, "UID COPY 5:6", "-UID COPY 5 ", "-UID COPY 6 ", "-STORED", "-STORE");
        ck_assert_uint_eq(h->ledger[5].step, IMAP_STEP_MOVING);
        ck_assert_uint_eq(h->ledger[6].step, IMAP_STEP_MOVING);
        ck_assert_uint_eq(h->ledger[6].target_uid, 100); /* from where the next run looks */
        host_stop(h);
    }
}
END_TEST

START_TEST(of_a_refused_set_of_which_nothing_was_copied_the_others_go)
{
    static const struct script_rule rules[] = {TWO,
                                               {"UID COPY 5:6", "@ NO held\r\n"},
                                               {"UID COPY 6", "* OK [COPYUID 9 6 100] x\r\n" OK},
                                               {"UID COPY 5", "@ NO held\r\n"},
                                               {"UID STORE 6", OK},
                                               {"UID EXPUNGE 6", OK},
                                               {"UID FETCH 6 (UID)", OK},
                                               {"UID FETCH 5 (UID)", "* 1 FETCH (UID 5)\r\n" OK}};
    struct host *h = STARTED(rules, "UIDPLUS", 0);
    ck_assert_str_eq(host_run(h), "5 6 failed: config");
    TRACE(h, "UID COPY 5:6", "STATUS \"DROPBOX\"", "note 6 MOVED target 100");
    ck_assert_uint_eq(h->ledger[5].step, IMAP_STEP_MOVING);
    host_stop(h);
}
END_TEST

/* ---- Archives and servers that are others by now ----------------------------------------------- */

static void finds_107_and_copies_nothing(struct host *h)
{
    ck_assert_str_eq(host_run(h), "");
    TRACE(h, "note 5 COPIED target 107", "UID EXPUNGE 5", "note 5 MOVED target 107", "-UID COPY",
          "-UID MOVE");
    ck_copy(h, 5, 9, 107);
    host_stop(h);
}

START_TEST(an_archive_that_was_numbered_anew_since_is_looked_through_from_its_first_message)
{
    static const struct script_rule rules[] = {
        {"*UID FETCH 5 (UID RFC822.SIZE", LOOKS(5) OK},
        {"*SEARCH UID 1:* LARGER 19 SMALLER 21", "* SEARCH 107\r\n" OK},
        {"*UID FETCH 107", LOOKS(107) OK},
        {"*UID STORE", OK},
        {"*UID EXPUNGE", OK},
        {"*UID FETCH 5 (UID)", OK}};
    struct host *h = STARTED(rules, "UIDPLUS", 0);
    put(h, 5, IMAP_STEP_MOVING);
    h->ledger[5].target_uidvalidity = 8;
    h->ledger[5].target_uid = 900;
    finds_107_and_copies_nothing(h);
}
END_TEST

#define FOUND_107                                                                                  \
    COPY_OF_5, {"*UID FETCH 107", LOOKS(107) OK}, {"*UID STORE", OK}, {"*UID EXPUNGE", OK},        \
    {                                                                                              \
        "*UID FETCH 5 (UID)", OK                                                                   \
    }

START_TEST(a_copy_is_looked_for_also_where_the_server_has_learned_move_since)
{
    static const struct script_rule rules[] = {{"*UID FETCH 5 (UID RFC822.SIZE", LOOKS(5) OK},
                                               FOUND_107};
    struct host *h = STARTED(rules, FULL, 0);
    put(h, 5, IMAP_STEP_MOVING);
    finds_107_and_copies_nothing(h);
}
END_TEST

/* It is not known to be a copy; and where there is MOVE alone, its original could not be deleted. */
START_TEST(what_cannot_be_looked_for_is_moved_where_there_is_move)
{
    static const struct script_rule unread[] = {{"*EXAMINE", "@ NO [NOPERM] not yours to read\r\n"},
                                                {"*UID FETCH 5 (UID", LOOKS(5) OK},
                                                MOVE_ONE};
    static const struct script_rule alone[] = {{"*UID FETCH 5 (UID", LOOKS(5) OK}, MOVE_ONE};
    struct host *hosts[] = {STARTED(unread, FULL, 0), STARTED(alone, "MOVE", 0)};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        put(hosts[i], 5, IMAP_STEP_MOVING);
        ck_assert_str_eq(host_run(hosts[i]), "");
        TRACE(hosts[i], "UID MOVE 5", "note 5 MOVED target 105");
        host_stop(hosts[i]);
    }
}
END_TEST

/* All messages are the same; what is asked of one alone, under its UID, is not known. */
static int evidence_of_two(void *context, struct imap_evidence *items, size_t count,
                           struct error *err)
{
    (void)context;
    (void)err;
    for (size_t i = 0; i < count && count > 1; i++) {
        items[i].step = IMAP_STEP_MOVING;
        items[i].has_sha256 = true;
        items[i].size = 20;
    }
    return 0;
}

START_TEST(of_two_that_are_the_same_the_copy_of_one_that_was_moved_is_not_taken_for_the_others)
{
    static const struct script_rule rules[] = {{"*UID FETCH 4:5 (UID RFC822.SIZE", LOOKS(5) OK},
                                               {"*UID FETCH 5 (UID RFC822.SIZE", LISTED(5) OK},
                                               MOVE_ONE,
                                               FOUND_107};
    struct host *h = STARTED(rules, FULL, 0);
    h->table.evidence = evidence_of_two;
    put(h, 4, IMAP_STEP_MOVING);
    put(h, 5, IMAP_STEP_MOVING);
    ck_assert_str_eq(host_run(h), "");
    TRACE(h, "EXAMINE", "UID FETCH 107", "UID MOVE 5", "note 5 MOVED target 105", "-COPIED");
    host_stop(h);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("imap-reconcile");
    TCase *t = tcase_create("dialogue");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_full_archive_keeps_back_no_mail_of_a_later_piece);
    tcase_add_test(t, what_was_left_on_purpose_is_not_moved_in_a_later_piece);
    tcase_add_test(t, an_archive_that_cannot_be_looked_into_keeps_nobody_else_back);
    tcase_add_loop_test(
        t, what_another_run_left_in_the_middle_of_a_move_is_looked_for_by_a_session_that_waited, 0,
        3);
    tcase_add_test(t,
                   what_another_run_had_only_begun_to_move_is_moved_once_and_holds_up_no_new_mail);
    tcase_add_test(t, mail_that_comes_while_another_runs_moves_are_looked_into_is_not_forgotten);
    tcase_add_test(t, what_was_left_under_another_archive_ends_there_or_is_ordered_anew);
    tcase_add_test(t, copies_in_two_archives_and_what_is_in_none_go_their_own_ways);
    tcase_add_test(t, a_look_into_the_archive_leaves_what_is_known_of_other_copies);
    tcase_add_test(t, copies_under_two_numberings_of_one_archive_keep_theirs);
    tcase_add_test(t,
                   copies_whose_originals_are_refused_together_go_one_by_one_under_their_archive);
    tcase_add_test(t, bad_mail_on_its_way_is_looked_for_where_bad_mail_goes);
    tcase_add_test(t, what_went_into_an_earlier_archive_is_told_as_gone_there);
    tcase_add_test(t, a_search_that_is_not_understood_or_comes_too_often_ends_the_run);
    tcase_add_test(t, news_of_a_flag_behind_what_was_asked_for_change_nothing);
    tcase_add_test(t, no_original_is_deleted_by_a_header_that_came_for_another_message);
    tcase_add_test(t, what_a_refused_copy_may_have_copied_is_not_ordered_again_without_a_look);
    tcase_add_test(t, of_a_refused_set_of_which_nothing_was_copied_the_others_go);
    tcase_add_test(
        t, an_archive_that_was_numbered_anew_since_is_looked_through_from_its_first_message);
    tcase_add_test(t, a_copy_is_looked_for_also_where_the_server_has_learned_move_since);
    tcase_add_test(t, what_cannot_be_looked_for_is_moved_where_there_is_move);
    tcase_add_test(
        t, of_two_that_are_the_same_the_copy_of_one_that_was_moved_is_not_taken_for_the_others);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
