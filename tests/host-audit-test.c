/* SPDX-License-Identifier: Apache-2.0 */
/* host-audit-test.c - promises of host/audit: what a survey and a queue that are given mean
 * (host-audit-fixture.h). */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "host-audit-fixture.h"

/* ---- Tests ----------------------------------------------------------------------------------- */

START_TEST(what_the_ledger_tells_of_and_is_there_agrees_without_a_download)
{
    archive(1, "one", 11);
    archive(2, "two", 12);
    archive(3, NULL, 13);
    see(D, 11, "one");
    see(D, 12, "two");
    see(B, 13, "x");
    ck_assert_str_eq(verdict(), "no-entry BADMAIL 13;no-message BADMAIL 13 e;");
    ck_assert_uint_eq(downloads, 0);
    ck_assert_uint_eq(COUNT(agreed), 2);
}
END_TEST

START_TEST(mail_in_the_mailbox_waits_or_is_on_its_way)
{
    put(1, "one");
    note(1, QUEUE_STEP_MOVING, "DROPBOX", 50);
    see(M, 1, "one");
    see(M, 2, "two");
    see_flagged(M, 3, "three", LOADER_SEEN_DELETED);
    ck_assert_str_eq(verdict(), "");
    ck_assert_uint_eq(COUNT(unfinished), 1);
    ck_assert_uint_eq(COUNT(waiting), 1);
    ck_assert_uint_eq(COUNT(others), 1);
}
END_TEST

START_TEST(strict_tells_what_waits_and_what_is_on_its_way)
{
    settings.strict = true;
    put(1, "one");
    put(4, "four");
    note(4, QUEUE_STEP_MOVING, "DROPBOX", 50);
    see(M, 1, "one");
    see(M, 2, "two");
    see(D, 51, "four"); /* moved, the answer was lost */
    ck_assert_str_eq(verdict(), "unfinished INBOX 1 e;waiting INBOX 2;unfinished INBOX 4 e;");
}
END_TEST

START_TEST(a_message_in_the_archive_that_no_entry_has_the_size_of_is_told_and_not_downloaded)
{
    archive(1, "one", 11);
    see(D, 11, "one");
    see(D, 12, "stranger");
    ck_assert_str_eq(verdict(), "no-entry DROPBOX 12;");
    ck_assert_uint_eq(downloads, 0);
}
END_TEST

START_TEST(a_copy_whose_uid_is_not_known_is_found_by_its_digest)
{
    archive(1, "one", 0);
    archive(2, "two", 0);
    see(D, 12, "two");
    see(D, 11, "one");
    see(D, 13, "six");
    ck_assert_str_eq(verdict(), "no-entry DROPBOX 13;");
    ck_assert_uint_eq(downloads, 3);
}
END_TEST

START_TEST(equal_messages_and_their_entries_are_paired_off)
{
    for (uint32_t uid = 1; uid <= 3; uid++)
        archive(uid, "one", uid == 2 ? 12 : 0);
    see(D, 11, "one");
    see(D, 12, "one");
    verdict();
    ck_assert_uint_eq(COUNT(agreed), 2);
    ck_assert_uint_eq(COUNT(found)[AUDIT_NO_MESSAGE], 1);
    ck_assert_uint_eq(audit_disagreements(audit_counts(audit)), 1);
}
END_TEST

START_TEST(one_copy_too_many_is_told_with_its_entry)
{
    archive(1, "one", 0);
    archive(2, "one", 12);
    see(D, 11, "one");
    see(D, 12, "one");
    see(D, 13, "one");
    ck_assert_str_eq(verdict(), "twice DROPBOX 13 e;");
}
END_TEST

START_TEST(a_copy_is_given_to_the_entry_that_lacks_its_message_first)
{
    char texts[16][8];
    for (uint32_t i = 0; i < 16; i++) { /* whichever of two equal ones comes first in any order */
        (void)snprintf(texts[i], sizeof texts[i], "same%u", i);
        put(2 * i + 1, texts[i]); /* still in the mailbox: needs no copy */
        archive(2 * i + 2, texts[i], 0);
    }
    for (uint32_t i = 0; i < 16; i++)
        see(M, 2 * i + 1, texts[i]);
    for (uint32_t i = 0; i < 16; i++)
        see(D, 11 + i, texts[i]);
    ck_assert_str_eq(verdict(), "");
}
END_TEST

START_TEST(a_copy_beside_its_original_is_an_unfinished_move_and_a_second_one_too_many)
{
    put(1, "one");
    note(1, QUEUE_STEP_MOVING, "DROPBOX", 10);
    see(M, 1, "one");
    see(D, 11, "one");
    see(D, 12, "one");
    ck_assert_str_eq(verdict(), "twice DROPBOX 12 e;");
}
END_TEST

START_TEST(the_ledger_alone_makes_no_message_known)
{
    note(1, QUEUE_STEP_MOVED, "DROPBOX", 11);
    note(2, QUEUE_STEP_STORED, NULL, 0);
    note(3, QUEUE_STEP_MOVED, "DROPBOX", 13);
    see(M, 2, "two");
    see(D, 11, "one");
    ck_assert_str_eq(verdict(), "no-entry INBOX 2;no-entry DROPBOX 11;ledger DROPBOX 13 e;");
}
END_TEST

START_TEST(a_copys_uid_in_the_ledger_is_believed_only_where_its_size_agrees)
{
    archive(1, "one", 11);
    archive(2, "twenty", 12);
    see(D, 11, "twenty");
    see(D, 12, "one");
    see(D, 13, "thirteen");
    ck_assert_str_eq(verdict(), "no-entry DROPBOX 13;");
    ck_assert_uint_eq(downloads, 2);
}
END_TEST

START_TEST(the_lower_bound_of_a_move_that_is_not_done_is_no_uid_of_a_copy)
{
    put(1, "one");
    note(1, QUEUE_STEP_MOVING, "DROPBOX", 50);
    see(M, 1, "one");
    see(D, 50, "two");
    ck_assert_str_eq(verdict(), "no-entry DROPBOX 50;");
}
END_TEST

START_TEST(deep_believes_no_size)
{
    archive(1, "one", 11);
    see(D, 11, "two");
    ck_assert_str_eq(verdict(), "");
    audit_free(audit);
    audit = NULL;
    settings.deep = true;
    see(D, 11, "two");
    ck_assert_str_eq(verdict(), "no-entry DROPBOX 11;no-message DROPBOX 11 e;");
}
END_TEST

START_TEST(deep_reads_the_raw_bytes_of_every_entry)
{
    settings.deep = true;
    raw_text = "two";
    archive(1, "one", 11);
    archive(2, "two", 12);
    see(D, 11, "one");
    see(D, 12, "two");
    ck_assert_str_eq(verdict(), "damaged DROPBOX 11 e;");
}
END_TEST

START_TEST(an_entry_whose_message_is_nowhere_is_told)
{
    archive(1, "one", 11);
    archive(2, "two", 0);
    put(3, "three");
    note(4, QUEUE_STEP_ATTEMPTED, NULL, 0); /* gone before it was picked up: nobody's loss */
    verdict();
    ck_assert_uint_eq(COUNT(found)[AUDIT_NO_MESSAGE], 3);
    ck_assert_uint_eq(audit_disagreements(audit_counts(audit)), 3);
    ck_assert_ptr_nonnull(strstr(story, "no-message DROPBOX 11 e;"));
    ck_assert_ptr_nonnull(strstr(story, "no-message DROPBOX 0 e;"));
    ck_assert_ptr_nonnull(strstr(story, "no-message INBOX 3 e;"));
}
END_TEST

START_TEST(bad_mail_that_was_never_read_is_known_by_its_size)
{
    archive(1, NULL, 0); /* its size is 1001 */
    char text[1002];
    memset(text, 'x', 1001);
    text[1001] = '\0';
    see(B, 11, "other");
    if (audit != NULL)
        see(B, 12, text);
    ck_assert_str_eq(verdict(), "no-entry BADMAIL 11;");
    ck_assert_uint_eq(downloads, 0);
}
END_TEST

START_TEST(a_message_that_says_moved_and_is_in_the_mailbox_is_told_unless_it_is_to_stay)
{
    archive(1, "one", 11);
    see(M, 1, "one");
    see(D, 11, "one");
    ck_assert_str_eq(verdict(), "still-there INBOX 1 e;");
    audit_free(audit);
    audit = NULL;
    story[0] = '\0';
    mailbox_flags = LOADER_FOLDER_KEEPS;
    see_flagged(M, 1, "one", LOADER_SEEN_MARKED);
    see(D, 11, "one");
    ck_assert_str_eq(verdict(), "");
    ck_assert_uint_eq(COUNT(left), 1);
}
END_TEST

/* No COPYUID told where its copy is: the server could have deleted it, and was not asked to. */
START_TEST(a_moved_message_that_bears_our_mark_stays_on_purpose)
{
    archive(1, "one", 11);
    see_flagged(M, 1, "one", LOADER_SEEN_MARKED);
    see(D, 11, "one");
    ck_assert_str_eq(verdict(), "");
    ck_assert_uint_eq(COUNT(left), 1);
}
END_TEST

/* The folders of an archive are mailboxes, each with a numbering of its own. */
static void begin_archive(void)
{
    static const char *const folders[] = {"INBOX", "Work", "Übung"};
    audit = audit_new(&settings);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        const struct loader_folder folder = {
            .struct_size = sizeof folder,
            .place = LOADER_PLACE_MAILBOX,
            .uidnext = NEXT,
            .account = "ann@h",
            .flags = LOADER_FOLDER_KEEPS | LOADER_FOLDER_ARCHIVED,
            .uidvalidity = mailbox_epoch,
            .path = folders[i]};
        ck_assert_uint_eq(audit_folder(audit, &folder), LOADER_ANSWER_GO_ON);
    }
}

static void see_in(const char *folder, uint32_t uid)
{
    const struct loader_seen seen = {.struct_size = sizeof seen,
                                     .place = LOADER_PLACE_MAILBOX,
                                     .number = ++told,
                                     .origin = {"ann@h", folder, mailbox_epoch, uid, NULL},
                                     .size = 3,
                                     .date_received = "2026-03-01T12:00:00+02:00"};
    ck_assert_uint_eq(audit_message(audit, &seen), LOADER_ANSWER_GO_ON);
}

START_TEST(each_folder_of_an_archive_is_held_against_its_own_entries)
{
    put(1, "one");
    note(1, QUEUE_STEP_MOVED, NULL, 0);
    begin_archive();
    see_in("INBOX", 1);
    see_in("Work", 1); /* the same UID in another folder: not picked up yet */
    ck_assert_str_eq(verdict(), "");
    ck_assert_uint_eq(COUNT(agreed), 1);
    ck_assert_uint_eq(COUNT(waiting), 1);
    ck_assert_uint_eq(COUNT(removed), 0);
}
END_TEST

START_TEST(mail_that_stays_is_known_by_its_new_name_when_its_folder_was_numbered_anew)
{
    const struct queue_adoption item = {EPOCH, 5, EPOCH + 1, 1};
    put(5, "one");
    put_epoch = mailbox_epoch = EPOCH + 1;
    ck_assert_int_eq(queue_adopt(queue, "IMAP", "ann@h", "INBOX", &item, 1, NULL, &err), 0);
    note(1, QUEUE_STEP_MOVED, NULL, 0);
    begin_archive();
    see_in("INBOX", 1);
    ck_assert_str_eq(verdict(), "");
    ck_assert_uint_eq(COUNT(agreed), 1);
}
END_TEST

START_TEST(mail_may_be_taken_out_of_an_archived_folder_afterwards)
{
    put(1, "one");
    note(1, QUEUE_STEP_MOVED, NULL, 0);
    begin_archive();
    ck_assert_str_eq(verdict(), "");
    ck_assert_uint_eq(COUNT(removed), 1);
}
END_TEST

START_TEST(a_mark_without_an_entry_is_told)
{
    see_flagged(M, 1, "one", LOADER_SEEN_MARKED);
    ck_assert_str_eq(verdict(), "no-entry INBOX 1;");
}
END_TEST

START_TEST(mail_that_was_to_be_deleted_may_be_gone)
{
    put(1, "one");
    note(1, QUEUE_STEP_MOVED, NULL, 0);
    mailbox_flags = LOADER_FOLDER_DELETES;
    ck_assert_str_eq(verdict(), "");
    ck_assert_uint_eq(COUNT(gone), 1);
}
END_TEST

START_TEST(bad_mail_and_what_was_archived_before_may_not_be_gone)
{
    put(1, NULL);
    note(1, QUEUE_STEP_MOVED, NULL, 0);
    archive(2, "two", 12);
    mailbox_flags = LOADER_FOLDER_DELETES;
    verdict();
    ck_assert_ptr_nonnull(strstr(story, "no-message INBOX 1 e;"));
    ck_assert_ptr_nonnull(strstr(story, "no-message DROPBOX 12 e;"));
}
END_TEST

START_TEST(folders_that_were_not_looked_at_are_counted)
{
    put(1, "one");
    note(1, QUEUE_STEP_MOVED, "Old", 11);
    ck_assert_str_eq(verdict(), "");
    ck_assert_uint_eq(COUNT(elsewhere), 1);
    audit_free(audit);
    audit = NULL;
    settings.strict = true;
    ck_assert_str_eq(verdict(), "elsewhere Old 11 e;");
}
END_TEST

START_TEST(an_archive_that_was_numbered_anew_is_known_by_content)
{
    archive(1, "one", 11);
    target_epoch = TARGET + 1;
    see(D, 1, "one");
    ck_assert_str_eq(verdict(), "");
}
END_TEST

START_TEST(a_mailbox_numbered_anew_before_the_move_is_known_by_content)
{
    put(1, "one");
    mailbox_epoch = EPOCH + 1;
    see(M, 1, "one");
    see(M, 2, "one");
    see_flagged(M, 3, "three", LOADER_SEEN_DELETED);
    ck_assert_str_eq(verdict(), "");
    ck_assert_uint_eq(COUNT(unfinished), 1);
    ck_assert_uint_eq(COUNT(waiting), 1);
    ck_assert_uint_eq(COUNT(others), 1);
}
END_TEST

START_TEST(a_message_with_a_uid_of_its_own_is_not_another_one_of_the_same_numbering)
{
    put(1, "old");
    put_epoch = mailbox_epoch = EPOCH + 1;
    put(1, "one"); /* gone from the mailbox; message 2 only looks like it */
    see(M, 2, "one");
    see(M, 3, "old");
    ck_assert_str_eq(verdict(), "no-message INBOX 1 e;");
    ck_assert_uint_eq(COUNT(waiting), 1);
    ck_assert_uint_eq(COUNT(unfinished), 1);
}
END_TEST

START_TEST(what_came_while_we_looked_is_not_held_against_anybody)
{
    see(D, NEXT - 1, "one");
    see(D, NEXT, "two");
    ck_assert_str_eq(verdict(), "no-entry DROPBOX 99;");
    ck_assert_uint_eq(COUNT(later), 1);
}
END_TEST

START_TEST(what_is_older_is_counted_and_not_told)
{
    settings.since_s = clock_unix_from_date(2026, 3, 1, 10, 0, 1);
    see(D, 1, "one"); /* 10:00:00 UTC */
    ck_assert_str_eq(verdict(), "");
    ck_assert_uint_eq(COUNT(older), 1);
    audit_free(audit);
    audit = NULL;
    settings.since_s--;
    see(D, 1, "one");
    ck_assert_str_eq(verdict(), "no-entry DROPBOX 1;");
}
END_TEST

START_TEST(a_digest_that_never_came_leaves_the_message_unexplained)
{
    archive(1, "one", 0);
    begin();
    const struct loader_seen seen = {.struct_size = sizeof seen,
                                     .place = D,
                                     .number = 1,
                                     .size = 3,
                                     .origin = {"ann@h", "DROPBOX", TARGET, 11, NULL}};
    ck_assert_uint_eq(audit_message(audit, &seen), LOADER_ANSWER_SHA256);
    ck_assert_str_eq(verdict(), "no-entry DROPBOX 11;no-message DROPBOX 0 e;");
}
END_TEST

START_TEST(other_accounts_and_loaders_do_not_count)
{
    struct queue_item item = {.origin = {"IMAP", "bob@h", "INBOX", EPOCH, 1, NULL},
                              .class = "Mail",
                              .queue = "default",
                              .source = "s",
                              .raw_fd = -1,
                              .raw_bytes = (const uint8_t *)"one",
                              .raw_size = 3};
    ck_assert_int_eq(queue_put(queue, &item, &err), QUEUE_PUT_ADDED);
    item.origin = (struct queue_origin){"Folder", "ann@h", "INBOX", 0, 0, "k"};
    ck_assert_int_eq(queue_put(queue, &item, &err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(queue, &err), QUEUE_COMMITTED);
    see(D, 1, "one");
    ck_assert_str_eq(verdict(), "no-entry DROPBOX 1;");
    ck_assert_uint_eq(COUNT(entries), 0);
}
END_TEST

/* Picked up by another account, and moved to @target: NULL: it stayed. */
static void archive_of(const char *account, uint32_t uid, const char *text, const char *target,
                       uint32_t target_uid)
{
    struct queue_item item = {.origin = {"IMAP", account, "INBOX", EPOCH, uid, NULL},
                              .class = "Mail",
                              .queue = "default",
                              .source = "s",
                              .raw_fd = -1,
                              .raw_bytes = (const uint8_t *)text,
                              .raw_size = strlen(text)};
    digest_of(text, item.raw_sha256);
    ck_assert_int_eq(queue_put(queue, &item, &err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(queue, &err), QUEUE_COMMITTED);
    const struct queue_record record = {.origin = item.origin,
                                        .step = QUEUE_STEP_MOVED,
                                        .target = target,
                                        .target_uidvalidity = target_uid == 0 ? 0 : TARGET,
                                        .target_uid = target_uid};
    ck_assert_int_eq(queue_note(queue, &record, 1, &err), 0);
}

START_TEST(mail_of_another_accounts_entry_is_counted_and_told_when_strict_with_that_entry)
{
    archive(1, "one", 11);
    archive_of("ann@localhost", 1, "two", "DROPBOX", 12);
    archive_of("ann@localhost", 2, "marked", NULL, 0);
    for (unsigned strict = 0; strict <= 1; strict++) {
        settings.strict = strict == 1;
        downloads = 0;
        see_flagged(M, 2, "marked", LOADER_SEEN_MARKED);
        see_flagged(M, 3, "strange", LOADER_SEEN_MARKED);
        see(D, 11, "one");
        see(D, 12, "two");
        see(D, 13, "six");
        verdict();
        ck_assert_ptr_nonnull(strstr(story, "no-entry INBOX 3;"));
        ck_assert_ptr_nonnull(strstr(story, "no-entry DROPBOX 13;"));
        ck_assert_uint_eq(strstr(story, "foreign DROPBOX 12 e;") != NULL, strict);
        ck_assert_uint_eq(strstr(story, "foreign INBOX 2 e;") != NULL, strict);
        ck_assert_uint_eq(audit_disagreements(audit_counts(audit)), 2 + 2 * strict);
        ck_assert_uint_eq(COUNT(foreign), 2);
        ck_assert_uint_eq(COUNT(entries), 1);
        ck_assert_uint_eq(downloads, 3); /* of each size that an entry has */
        again();
    }
}
END_TEST

START_TEST(another_accounts_entries_explain_as_many_messages_as_there_are_entries)
{
    archive_of("bob@h", 1, "one", "Elsewhere", 1);
    archive_of("eve@h", 1, "one", NULL, 0);
    for (uint32_t uid = 1; uid <= 3; uid++)
        see(D, uid, "one");
    ck_assert_str_eq(verdict(), "twice DROPBOX 3 e;");
    ck_assert_uint_eq(COUNT(foreign), 2);
}
END_TEST

START_TEST(a_second_copy_of_ours_is_another_accounts_only_where_that_has_the_same_archive)
{
    static const struct {
        const char *target;
        uint32_t uid;
        bool shares;
    } others[] = {
        {"DROPBOX", 12, true}, {"DROPBOX", 0, true}, {"Elsewhere", 12, false}, {NULL, 0, false}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        tear_down();
        set_up();
        archive(1, "one", 11);
        archive_of("bob@h", 1, "one", others[i].target, others[i].uid);
        see(D, 11, "one");
        see(D, 12, "one");
        ck_assert_str_eq(verdict(), others[i].shares ? "" : "twice DROPBOX 12 e;");
        ck_assert_uint_eq(COUNT(foreign), others[i].shares);
    }
    tear_down();
    set_up();
    target_epoch = TARGET + 1; /* an archive of that name, and another one */
    archive(1, "one", 0);
    archive_of("bob@h", 1, "one", "DROPBOX", 12);
    see(D, 11, "one");
    see(D, 12, "one");
    ck_assert_str_eq(verdict(), "twice DROPBOX 12 e;");
}
END_TEST

START_TEST(another_accounts_entry_hides_no_hole_of_our_own_and_what_is_older_is_not_looked_for)
{
    note(1, QUEUE_STEP_MOVED, "DROPBOX", 11); /* its entry is lost */
    archive_of("bob@h", 1, "one", "DROPBOX", 11);
    see(D, 11, "one");
    ck_assert_str_eq(verdict(), "no-entry DROPBOX 11;");
    again();
    downloads = 0;
    settings.since_s = audit_unix_s("2026-03-02T12:00:00Z");
    see(D, 12, "one");
    ck_assert_str_eq(verdict(), "ledger DROPBOX 11 e;");
    ck_assert_uint_eq(downloads, 0);
    ck_assert_uint_eq(COUNT(foreign), 0);
}
END_TEST

START_TEST(whoever_is_told_may_stop_it)
{
    stop_after = 1;
    note(1, QUEUE_STEP_STORED, NULL, 0);
    see(M, 1, "one");
    ck_assert_int_eq(audit_finish(audit, &err), -1);
    ck_assert_int_eq(err.class, ERROR_NONE);
    ck_assert_str_eq(story, "no-entry INBOX 1;");
}
END_TEST

START_TEST(a_loader_that_tells_messages_before_folders_is_refused)
{
    audit = audit_new(&settings);
    const struct loader_seen seen = {.struct_size = sizeof seen,
                                     .origin = {"ann@h", "INBOX", EPOCH, 1, NULL}};
    ck_assert_uint_eq(audit_message(audit, &seen), LOADER_ANSWER_STOP);
    ck_assert_int_eq(audit_finish(audit, &err), -1);
    ck_assert_int_eq(err.class, ERROR_BUG);
}
END_TEST

START_TEST(dates_are_read_with_their_offset)
{
    static const struct {
        const char *text;
        int64_t at;
    } rows[] = {{"1970-01-02T00:00:00Z", 86400},
                {"1970-01-02T02:00:00+02:00", 86400},
                {"1970-01-01T22:30:00-01:30", 86400},
                {"1970-01-02", 0},
                {"", 0},
                {NULL, 0},
                {"1970-13-02T00:00:00Z", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(audit_unix_s(rows[i].text) == rows[i].at, "%s", rows[i].text);
}
END_TEST

static Suite *suite(void)
{
    const TTest *const tests[] = {
        what_the_ledger_tells_of_and_is_there_agrees_without_a_download,
        mail_in_the_mailbox_waits_or_is_on_its_way,
        strict_tells_what_waits_and_what_is_on_its_way,
        a_message_in_the_archive_that_no_entry_has_the_size_of_is_told_and_not_downloaded,
        a_copy_whose_uid_is_not_known_is_found_by_its_digest,
        equal_messages_and_their_entries_are_paired_off,
        one_copy_too_many_is_told_with_its_entry,
        a_copy_is_given_to_the_entry_that_lacks_its_message_first,
        a_copy_beside_its_original_is_an_unfinished_move_and_a_second_one_too_many,
        the_ledger_alone_makes_no_message_known,
        a_copys_uid_in_the_ledger_is_believed_only_where_its_size_agrees,
        the_lower_bound_of_a_move_that_is_not_done_is_no_uid_of_a_copy,
        deep_believes_no_size,
        deep_reads_the_raw_bytes_of_every_entry,
        an_entry_whose_message_is_nowhere_is_told,
        bad_mail_that_was_never_read_is_known_by_its_size,
        a_message_that_says_moved_and_is_in_the_mailbox_is_told_unless_it_is_to_stay,
        a_moved_message_that_bears_our_mark_stays_on_purpose,
        each_folder_of_an_archive_is_held_against_its_own_entries,
        mail_that_stays_is_known_by_its_new_name_when_its_folder_was_numbered_anew,
        mail_may_be_taken_out_of_an_archived_folder_afterwards,
        a_mark_without_an_entry_is_told,
        mail_that_was_to_be_deleted_may_be_gone,
        bad_mail_and_what_was_archived_before_may_not_be_gone,
        folders_that_were_not_looked_at_are_counted,
        an_archive_that_was_numbered_anew_is_known_by_content,
        a_mailbox_numbered_anew_before_the_move_is_known_by_content,
        a_message_with_a_uid_of_its_own_is_not_another_one_of_the_same_numbering,
        what_came_while_we_looked_is_not_held_against_anybody,
        what_is_older_is_counted_and_not_told,
        a_digest_that_never_came_leaves_the_message_unexplained,
        other_accounts_and_loaders_do_not_count,
        mail_of_another_accounts_entry_is_counted_and_told_when_strict_with_that_entry,
        another_accounts_entries_explain_as_many_messages_as_there_are_entries,
        a_second_copy_of_ours_is_another_accounts_only_where_that_has_the_same_archive,
        another_accounts_entry_hides_no_hole_of_our_own_and_what_is_older_is_not_looked_for,
        whoever_is_told_may_stop_it,
        a_loader_that_tells_messages_before_folders_is_refused,
        dates_are_read_with_their_offset,
    };
    Suite *s = suite_create("host-audit");
    TCase *t = tcase_create("audit");
    tcase_add_checked_fixture(t, set_up, tear_down);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
