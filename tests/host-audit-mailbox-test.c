/* SPDX-License-Identifier: Apache-2.0 */
/* host-audit-mailbox-test.c - promises of host/audit about what is in the mailbox: whose it is, and
 * what it means that it is there (host-audit-fixture.h). */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <string.h>

#include "host-audit-fixture.h"

START_TEST(another_message_under_an_entrys_uid_in_the_mailbox_is_none_of_it)
{
    mailbox_flags = LOADER_FOLDER_KEEPS;
    put(1, "one");
    note(1, QUEUE_STEP_MOVED, NULL, 0); /* it stays */
    put(2, "two");                      /* its move is to come */
    archive(3, "three", 0);             /* its copy is in the archive, and it stays as well */
    put(4, NULL);
    see(M, 1, "another");
    see(M, 2, "another");
    see_flagged(M, 3, "another", LOADER_SEEN_MARKED);
    see(M, 4, "another"); /* of which nothing is known but its size */
    see(D, 13, "three");
    verdict();
    for (unsigned uid = 1; uid <= 4; uid++) {
        char lines[2][40];
        (void)snprintf(lines[0], sizeof lines[0], "no-entry INBOX %u;", uid);
        (void)snprintf(lines[1], sizeof lines[1], "no-message INBOX %u e;", uid);
        ck_assert_msg(strstr(story, lines[0]) != NULL, "%u: %s", uid, story);
        ck_assert_msg((strstr(story, lines[1]) != NULL) == (uid != 3), "%u: %s", uid, story);
    }
    ck_assert_uint_eq(audit_disagreements(audit_counts(audit)), 7);
    ck_assert_uint_eq(COUNT(agreed), 1);
}
END_TEST

START_TEST(a_server_whose_sizes_are_not_those_of_the_bytes_is_asked_for_the_bytes)
{
    mailbox_flags = LOADER_FOLDER_KEEPS;
    archive(1, "one", 0);
    begin();
    struct loader_seen seen = {.struct_size = sizeof seen,
                               .place = M,
                               .number = ++told,
                               .origin = {"ann@h", "INBOX", EPOCH, 1, NULL},
                               .size = 4};
    ck_assert_uint_eq(audit_message(audit, &seen), LOADER_ANSWER_SHA256);
    seen.flags = LOADER_SEEN_SHA256;
    digest_of("one", seen.sha256);
    ck_assert_uint_eq(audit_message(audit, &seen), LOADER_ANSWER_GO_ON);
    see(D, 11, "one");
    ck_assert_str_eq(verdict(), "");
    ck_assert_uint_eq(COUNT(agreed), 2);
    ck_assert_uint_eq(COUNT(left), 1);
}
END_TEST

START_TEST(deep_reads_each_message_in_the_mailbox_that_has_an_entry)
{
    mailbox_flags = LOADER_FOLDER_KEEPS;
    put(1, "one");
    put(2, "two");
    note(2, QUEUE_STEP_MOVED, NULL, 0);
    put(3, NULL);
    for (unsigned deep = 0; deep <= 1; deep++) {
        settings.deep = deep == 1;
        see(M, 1, "one");
        see(M, 2, "six");
        see(M, 4, "new");
        ck_assert_str_eq(story, "");
        verdict();
        ck_assert_ptr_nonnull(strstr(story, "no-message INBOX 3 e;"));
        ck_assert_uint_eq(strstr(story, "no-entry INBOX 2;") != NULL, deep);
        ck_assert_uint_eq(strstr(story, "no-message INBOX 2 e;") != NULL, deep);
        ck_assert_uint_eq(audit_disagreements(audit_counts(audit)), 1 + 2 * deep);
        ck_assert_uint_eq(COUNT(agreed), 2 - deep);
        ck_assert_uint_eq(COUNT(unfinished), 1);
        ck_assert_uint_eq(downloads, 2 * deep);
        again();
    }
}
END_TEST

START_TEST(a_message_whose_bytes_cannot_be_had_agrees_only_where_its_copy_does)
{
    settings.deep = true;
    put(1, "one"); /* moved while we look */
    put(2, "two"); /* gone, or it cannot be read */
    begin();
    for (uint32_t uid = 1; uid <= 2; uid++) {
        const struct loader_seen seen = {.struct_size = sizeof seen,
                                         .place = M,
                                         .number = ++told,
                                         .origin = {"ann@h", "INBOX", EPOCH, uid, NULL},
                                         .size = 3};
        ck_assert_uint_eq(audit_message(audit, &seen), LOADER_ANSWER_SHA256);
    }
    see(D, NEXT, "one");
    ck_assert_str_eq(verdict(), "no-entry INBOX 2;no-message INBOX 2 e;");
    ck_assert_uint_eq(COUNT(later), 1);
}
END_TEST

START_TEST(a_copy_that_the_archive_lacks_while_the_original_stays_is_told_when_strict)
{
    mailbox_flags = LOADER_FOLDER_KEEPS;
    archive(1, "one", 0);
    archive(2, "two", 0);
    put(3, "three");
    note(3, QUEUE_STEP_MOVED, NULL, 0); /* was never to be archived */
    put(4, "four");
    note(4, QUEUE_STEP_MOVED, "Old", 0); /* nobody looked there */
    for (unsigned strict = 0; strict <= 1; strict++) {
        settings.strict = strict == 1;
        see_flagged(M, 1, "one", LOADER_SEEN_MARKED);
        see_flagged(M, 2, "two", LOADER_SEEN_MARKED);
        see(M, 3, "three");
        see(M, 4, "four");
        see(D, 12, "two");
        ck_assert_str_eq(verdict(), strict == 1 ? "no-copy DROPBOX 0 e;" : "");
        ck_assert_uint_eq(COUNT(no_copy), 1);
        again();
    }
}
END_TEST

START_TEST(an_original_stays_where_no_copy_of_it_was_named_and_none_is_deleted_unnamed)
{
    archive(1, "one", 0);
    archive(2, "two", 12);
    for (unsigned keeps = 0; keeps <= 1; keeps++) {
        mailbox_flags = keeps == 1 ? LOADER_FOLDER_KEEPS_UNNAMED : 0;
        see(M, 1, "one");
        see(M, 2, "two");
        see(D, 11, "one");
        see(D, 12, "two");
        ck_assert_str_eq(verdict(), keeps == 1 ? "still-there INBOX 2 e;"
                                               : "still-there INBOX 1 e;still-there INBOX 2 e;");
        ck_assert_uint_eq(COUNT(left), keeps);
        again();
    }
}
END_TEST

START_TEST(strict_tells_what_is_never_picked_up_because_somebody_deleted_it)
{
    settings.strict = true;
    see(M, 1, "one");
    see_flagged(M, 2, "two", LOADER_SEEN_DELETED);
    ck_assert_str_eq(verdict(), "waiting INBOX 1;deleted INBOX 2;");
    again();
    put(1, "old"); /* a move of an earlier numbering is unfinished: told in the end */
    mailbox_epoch = EPOCH + 1;
    see_flagged(M, 2, "two", LOADER_SEEN_DELETED);
    ck_assert_str_eq(verdict(), "deleted INBOX 2;no-message INBOX 1 e;");
}
END_TEST

START_TEST(mail_that_stays_is_known_by_its_bytes_where_the_mailbox_was_numbered_anew)
{
    mailbox_flags = LOADER_FOLDER_KEEPS;
    put(1, "one");
    note(1, QUEUE_STEP_MOVED, NULL, 0);
    put(2, "two");
    note(2, QUEUE_STEP_MOVED, NULL, 0); /* taken out meanwhile */
    archive(3, "three", 13);            /* copied; the server cannot remove the original */
    mailbox_epoch = EPOCH + 1;
    for (unsigned deep = 0; deep <= 1; deep++) {
        settings.deep = deep == 1;
        see(M, 41, "one");
        see_flagged(M, 43, "three", LOADER_SEEN_MARKED);
        see(M, 44, "new");
        see_flagged(M, 45, "strange", LOADER_SEEN_MARKED);
        see(D, 13, "three");
        ck_assert_str_eq(verdict(), "no-entry INBOX 45;no-message INBOX 2 e;");
        ck_assert_uint_eq(COUNT(left), 2);
        ck_assert_uint_eq(COUNT(agreed), 3);
        ck_assert_uint_eq(COUNT(waiting), 1);
        ck_assert_uint_eq(COUNT(no_copy), 0);
        again();
    }
}
END_TEST

START_TEST(of_equal_mail_in_a_mailbox_numbered_anew_as_many_are_known_as_there_are_entries)
{
    settings.strict = true;
    mailbox_flags = LOADER_FOLDER_KEEPS;
    for (uint32_t uid = 1; uid <= 2; uid++) {
        put(uid, "one");
        note(uid, QUEUE_STEP_MOVED, NULL, 0);
    }
    mailbox_epoch = EPOCH + 1;
    for (uint32_t uid = 41; uid <= 43; uid++)
        see(M, uid, "one");
    ck_assert_str_eq(verdict(), "waiting INBOX 43;");
    ck_assert_uint_eq(COUNT(left), 2);
}
END_TEST

START_TEST(what_was_moved_or_deleted_is_not_looked_for_in_a_mailbox_numbered_anew_but_where_marked)
{
    archive(1, "one", 11);
    put(2, "two");
    note(2, QUEUE_STEP_MOVED, NULL, 0);
    archive(3, "six", 13);
    mailbox_flags = LOADER_FOLDER_DELETES;
    mailbox_epoch = EPOCH + 1;
    see(M, 41, "one"); /* sent once more, and waits */
    see(M, 42, "two");
    ck_assert_uint_eq(downloads, 0);
    see_flagged(M, 43, "six", LOADER_SEEN_MARKED);
    see(D, 11, "one");
    see(D, 13, "six");
    ck_assert_str_eq(verdict(), "");
    ck_assert_uint_eq(downloads, 1);
    ck_assert_uint_eq(COUNT(waiting), 2);
    ck_assert_uint_eq(COUNT(left), 1);
    ck_assert_uint_eq(COUNT(gone), 1);
}
END_TEST

START_TEST(a_marked_message_whose_bytes_cannot_be_had_has_no_entry_and_one_that_came_since_is_left)
{
    put(1, "one");
    note(1, QUEUE_STEP_MOVED, NULL, 0);
    mailbox_flags = LOADER_FOLDER_KEEPS;
    mailbox_epoch = EPOCH + 1;
    begin();
    struct loader_seen seen = {.struct_size = sizeof seen,
                               .place = M,
                               .flags = LOADER_SEEN_MARKED,
                               .number = ++told,
                               .origin = {"ann@h", "INBOX", EPOCH + 1, 41, NULL},
                               .size = 3};
    ck_assert_uint_eq(audit_message(audit, &seen), LOADER_ANSWER_SHA256);
    see_flagged(M, NEXT, "strange", LOADER_SEEN_MARKED);
    ck_assert_str_eq(verdict(), "no-entry INBOX 41;no-message INBOX 1 e;");
    ck_assert_uint_eq(COUNT(later), 1);
}
END_TEST

static Suite *suite(void)
{
    const TTest *const tests[] = {
        another_message_under_an_entrys_uid_in_the_mailbox_is_none_of_it,
        a_server_whose_sizes_are_not_those_of_the_bytes_is_asked_for_the_bytes,
        deep_reads_each_message_in_the_mailbox_that_has_an_entry,
        a_message_whose_bytes_cannot_be_had_agrees_only_where_its_copy_does,
        a_copy_that_the_archive_lacks_while_the_original_stays_is_told_when_strict,
        an_original_stays_where_no_copy_of_it_was_named_and_none_is_deleted_unnamed,
        strict_tells_what_is_never_picked_up_because_somebody_deleted_it,
        mail_that_stays_is_known_by_its_bytes_where_the_mailbox_was_numbered_anew,
        of_equal_mail_in_a_mailbox_numbered_anew_as_many_are_known_as_there_are_entries,
        what_was_moved_or_deleted_is_not_looked_for_in_a_mailbox_numbered_anew_but_where_marked,
        a_marked_message_whose_bytes_cannot_be_had_has_no_entry_and_one_that_came_since_is_left,
    };
    Suite *s = suite_create("host-audit-mailbox");
    TCase *t = tcase_create("audit");
    tcase_add_checked_fixture(t, set_up, tear_down);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
