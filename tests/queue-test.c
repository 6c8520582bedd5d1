/* SPDX-License-Identifier: Apache-2.0 */
/* queue-test.c - what queue.h promises, of every back end alike. */
#include <config.h>
#include "check-main.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue-fixture.h"

/* Each test runs once per back end: _i is its number. */
static struct queue_fixture f;

static void setup(void)
{
    /* done by START: the loop number is not known here */
}

static void teardown(void)
{
    queue_fixture_done(&f);
}

#define START() queue_fixture_init(&f, _i)

static enum queue_put_result put(const struct queue_item *item)
{
    return queue_put(f.queue, item, &f.err);
}

/* ---- Putting --------------------------------------------------------------------------------- */

START_TEST(an_origin_has_one_entry_however_often_it_is_put)
{
    START();
    struct queue_item item = queue_fixture_item(1);
    ck_assert_int_eq(put(&item), QUEUE_PUT_ADDED);
    ck_assert_int_eq(put(&item), QUEUE_PUT_DUPLICATE);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    ck_assert_int_eq(put(&item), QUEUE_PUT_DUPLICATE);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    ck_assert_uint_eq(queue_fixture_count(&f), 1);
}
END_TEST

START_TEST(a_duplicate_changes_nothing)
{
    START();
    queue_fixture_add(&f, 1, 1);
    queue_fixture_note(&f, 1, QUEUE_STEP_MOVING);
    struct queue_item item = queue_fixture_item(1);
    item.subject = "another";
    item.error = "another";
    item.queue = "another";
    ck_assert_int_eq(put(&item), QUEUE_PUT_DUPLICATE);
    queue_fixture_note(&f, 2, QUEUE_STEP_ATTEMPTED); /* no batch is open */
    AUTO(queue_entry) entry = NULL;
    char id[QUEUE_ID_TEXT];
    queue_fixture_id(1, id);
    ck_well(&f, queue_get(f.queue, id, &entry, &f.err));
    ck_assert_str_eq(entry->subject, "hello");
    ck_assert_str_eq(entry->queue, "default");
    ck_assert_ptr_null(entry->error);
    ck_assert_int_eq(queue_fixture_record(&f, 1).step, QUEUE_STEP_MOVING);
}
END_TEST

START_TEST(origins_that_differ_in_one_part_have_entries_of_their_own)
{
    START();
    struct queue_item items[7];
    for (int i = 0; i < 7; i++)
        items[i] = queue_fixture_item(5);
    items[1].origin.account = "bob@mail.example.org";
    items[2].origin.mailbox = "INBOX/2";
    items[3].origin.uidvalidity = 8;
    items[4].origin.uid = 6;
    items[5].origin.loader = "Other";
    items[6].origin.uid = 0;
    items[6].origin.key = "5";
    for (int i = 0; i < 7; i++)
        ck_assert_int_eq(put(&items[i]), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    ck_assert_uint_eq(queue_fixture_count(&f), 7);
}
END_TEST

START_TEST(what_does_not_belong_to_an_origin_does_not_make_another_one)
{
    START();
    struct queue_item item = queue_fixture_item(5);
    ck_assert_int_eq(put(&item), QUEUE_PUT_ADDED);
    item.origin.key = "ignored where there is a UID";
    ck_assert_int_eq(put(&item), QUEUE_PUT_DUPLICATE);
    item.origin.loader = "imap";
    ck_assert_int_eq(put(&item), QUEUE_PUT_DUPLICATE);
    item.origin.uid = 0;
    ck_assert_int_eq(put(&item), QUEUE_PUT_ADDED);
    item.origin.uidvalidity = 99;
    ck_assert_int_eq(put(&item), QUEUE_PUT_DUPLICATE);
}
END_TEST

START_TEST(nothing_of_a_batch_is_there_after_its_rollback)
{
    START();
    queue_fixture_add(&f, 1, 1);
    queue_fixture_note(&f, 2, QUEUE_STEP_ATTEMPTED);
    struct queue_item item = queue_fixture_item(2);
    item.queue = "made by the batch";
    item.source = "made by the batch";
    ck_assert_int_eq(put(&item), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_fixture_record(&f, 2).step, QUEUE_STEP_STORED);
    queue_rollback(f.queue);
    ck_assert_uint_eq(queue_fixture_count(&f), 1);
    ck_assert_int_eq(queue_fixture_record(&f, 2).step, QUEUE_STEP_ATTEMPTED);
    ck_assert_int_eq(put(&item), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    const struct queue_filter filter = {.queue = "made by the batch"};
    ck_assert_str_eq(queue_fixture_uids(&f, &filter), "2");
}
END_TEST

START_TEST(an_entry_comes_back_as_it_was_put)
{
    START();
    struct queue_item item = queue_fixture_item(4294967295u);
    item.origin.uidvalidity = 4294967294u;
    item.origin.mailbox = "\xC3\x84rchiv/2026";
    ck_assert_int_eq(put(&item), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    char key[QUEUE_KEY_MAX], id[QUEUE_ID_TEXT];
    ck_well(&f, queue_origin_key(&item.origin, key, &f.err));
    queue_entry_id(key, id);
    AUTO(queue_entry) entry = NULL;
    ck_well(&f, queue_get(f.queue, id, &entry, &f.err));
    ck_assert_str_eq(entry->id, id);
    ck_assert_str_eq(entry->class, "Mail");
    ck_assert_str_eq(entry->queue, "default");
    ck_assert_str_eq(entry->source, "office");
    ck_assert_int_eq(entry->state, QUEUE_NEW);
    ck_assert_ptr_null(entry->error);
    ck_assert_int_eq(entry->created_s, 1000);
    ck_assert_str_eq(entry->loader, "IMAP");
    ck_assert_str_eq(entry->account, "ann@mail.example.org");
    ck_assert_str_eq(entry->mailbox, "\xC3\x84rchiv/2026");
    ck_assert_uint_eq(entry->uid, 4294967295u);
    ck_assert_uint_eq(entry->uidvalidity, 4294967294u);
    ck_assert_str_eq(entry->content, item.content);
    ck_assert_uint_eq(entry->content_size, item.content_size);
    ck_assert_str_eq(entry->sender, item.sender);
    ck_assert_str_eq(entry->subject, item.subject);
    ck_assert_str_eq(entry->date_received, item.date_received);
    ck_assert(entry->has_raw);
    ck_assert_uint_eq(entry->raw_size, item.raw_size);
    ck_assert_mem_eq(entry->raw_sha256, item.raw_sha256, QUEUE_DIGEST_SIZE);
}
END_TEST

START_TEST(what_may_be_missing_may_be_missing)
{
    START();
    struct queue_item item = queue_fixture_item(1);
    item.sender = item.subject = item.date_received = item.content = NULL;
    item.error = "larger than 'maxSize'";
    item.raw_bytes = NULL;
    item.raw_size = 123456;
    ck_assert_int_eq(put(&item), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    char id[QUEUE_ID_TEXT];
    queue_fixture_id(1, id);
    AUTO(queue_entry) entry = NULL;
    ck_well(&f, queue_get(f.queue, id, &entry, &f.err));
    ck_assert_int_eq(entry->state, QUEUE_BAD);
    ck_assert_str_eq(entry->error, "larger than 'maxSize'");
    ck_assert_str_eq(entry->content, "{}");
    ck_assert_ptr_null(entry->sender);
    ck_assert(!entry->has_raw);
    ck_assert_uint_eq(entry->raw_size, 123456);
    int fd;
    ck_assert_int_eq(queue_raw(f.queue, id, &fd, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_USAGE);
    struct queue_record record = queue_fixture_record(&f, 1);
    ck_assert_int_eq(record.step, QUEUE_STEP_STORED);
    ck_assert_uint_eq(record.fate, QUEUE_FATE_BAD);
}
END_TEST

START_TEST(an_item_over_a_limit_fails_and_takes_its_batch_with_it)
{
    START();
    struct queue_item item = queue_fixture_item(1);
    ck_assert_int_eq(put(&item), QUEUE_PUT_ADDED);
    item = queue_fixture_item(2);
    item.raw_size = QUEUE_RAW_MAX + 1ull;
    ck_assert_int_eq(put(&item), QUEUE_PUT_FAILED);
    ck_assert_int_eq(f.err.class, ERROR_MAIL);
    ck_assert_uint_eq(queue_fixture_count(&f), 0);
    item = queue_fixture_item(2);
    item.content_size = QUEUE_CONTENT_MAX + 1ull;
    ck_assert_int_eq(put(&item), QUEUE_PUT_FAILED);
    item = queue_fixture_item(2);
    item.origin.mailbox = "";
    ck_assert_int_eq(put(&item), QUEUE_PUT_FAILED);
    ck_assert_int_eq(f.err.class, ERROR_BUG);
}
END_TEST

static const int kinds = QUEUE_FIXTURE_KINDS;

static Suite *suite(void)
{
    Suite *s = suite_create("queue");
    TCase *putting = tcase_create("putting");
    tcase_add_checked_fixture(putting, setup, teardown);
    tcase_add_loop_test(putting, an_origin_has_one_entry_however_often_it_is_put, 0, kinds);
    tcase_add_loop_test(putting, a_duplicate_changes_nothing, 0, kinds);
    tcase_add_loop_test(putting, origins_that_differ_in_one_part_have_entries_of_their_own, 0,
                        kinds);
    tcase_add_loop_test(putting, what_does_not_belong_to_an_origin_does_not_make_another_one, 0,
                        kinds);
    tcase_add_loop_test(putting, nothing_of_a_batch_is_there_after_its_rollback, 0, kinds);
    tcase_add_loop_test(putting, an_entry_comes_back_as_it_was_put, 0, kinds);
    tcase_add_loop_test(putting, what_may_be_missing_may_be_missing, 0, kinds);
    tcase_add_loop_test(putting, an_item_over_a_limit_fails_and_takes_its_batch_with_it, 0, kinds);
    suite_add_tcase(s, putting);
    return s;
}

CHECK_MAIN(suite)
