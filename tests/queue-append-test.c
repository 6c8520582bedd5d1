/* SPDX-License-Identifier: Apache-2.0 */
/* queue-append-test.c - what queue-append.h promises, over every back end. */
#include <config.h>
#include "check-main.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "queue-append.h"
#include "queue-fixture.h"

static struct queue_fixture f;
static const char ann[] = "ann@mail.example.org";
static struct queue_append items[16];
static size_t count;

#define START() queue_fixture_init(&f, _i)

static void teardown(void)
{
    queue_fixture_done(&f);
}

/* The UIDs of what is open behind @after, as a number each: 1, 2, 3 as 123. */
static unsigned open_behind(uint64_t after, size_t capacity)
{
    unsigned uids = 0;
    ck_well(&f, queue_append_open(f.queue, ann, after, items, capacity, &count, &f.err));
    for (size_t i = 0; i < count; i++) {
        AUTO(queue_entry) entry = NULL;
        ck_well(&f, queue_get(f.queue, items[i].id, &entry, &f.err));
        uids = uids * 10 + entry->uid;
    }
    return uids;
}

static void note(size_t first, size_t number, enum queue_append_step step)
{
    for (size_t i = first; i < first + number; i++)
        items[i].step = step;
    ck_well(&f, queue_append_note(f.queue, ann, items + first, number, &f.err));
}

START_TEST(every_entry_is_open_until_it_is_done_and_then_never_again)
{
    START();
    queue_fixture_add(&f, 1, 4);
    ck_assert_uint_eq(open_behind(0, 16), 1234);
    for (size_t i = 0; i < count; i++)
        ck_assert(items[i].step == QUEUE_APPEND_NONE && items[i].attempts == 0);
    note(0, 4, QUEUE_APPEND_BEGUN);
    note(1, 2, QUEUE_APPEND_DONE);
    ck_assert_uint_eq(open_behind(0, 16), 14);
    ck_assert(items[0].step == QUEUE_APPEND_BEGUN && items[0].attempts == 0);
    items[0].place++; /* the second entry: done */
    note(0, 1, QUEUE_APPEND_BEGUN);
    ck_assert_uint_eq(open_behind(0, 16), 14);
}
END_TEST

START_TEST(pages_go_on_behind_the_last_place)
{
    START();
    queue_fixture_add(&f, 1, 5);
    ck_assert_uint_eq(open_behind(0, 2), 12);
    ck_assert_uint_eq(open_behind(items[1].place, 2), 34);
    ck_assert_uint_eq(open_behind(items[1].place, 2), 5);
    ck_assert_uint_eq(open_behind(items[0].place, 2), 0);
    queue_fixture_add(&f, 6, 6);
    ck_assert_uint_eq(open_behind(items[0].place, 2), 6);
}
END_TEST

START_TEST(attempts_count_refusals_alone_and_each_can_be_tried_again)
{
    START();
    queue_fixture_add(&f, 1, 1);
    ck_assert_uint_eq(open_behind(0, 16), 1);
    for (unsigned i = 1; i <= 3; i++) {
        note(0, 1, QUEUE_APPEND_BEGUN); /* a link that broke */
        note(0, 1, QUEUE_APPEND_BEGUN);
        note(0, 1, QUEUE_APPEND_REFUSED);
        ck_assert_uint_eq(open_behind(0, 16), 1);
        ck_assert(items[0].step == QUEUE_APPEND_REFUSED && items[0].attempts == i);
    }
    note(0, 1, QUEUE_APPEND_DONE);
    ck_assert_uint_eq(open_behind(0, 16), 0);
}
END_TEST

START_TEST(one_account_knows_nothing_of_what_another_got)
{
    START();
    queue_fixture_add(&f, 1, 2);
    ck_assert_uint_eq(open_behind(0, 16), 12);
    note(0, 2, QUEUE_APPEND_DONE);
    ck_well(&f, queue_append_open(f.queue, "ben@mail.example.org", 0, items, 16, &count, &f.err));
    ck_assert_uint_eq(count, 2);
    if (f.keeps)
        queue_fixture_reopen(&f);
    ck_assert_uint_eq(open_behind(0, 16), 0);
}
END_TEST

START_TEST(what_was_delivered_under_another_name_of_the_account_can_be_adopted)
{
    START();
    queue_fixture_add(&f, 1, 4);
    ck_assert_uint_eq(open_behind(0, 16), 1234);
    struct queue_append old[3] = {items[0], items[1], items[2]};
    for (size_t i = 0; i < 3; i++)
        old[i].step = i == 2 ? QUEUE_APPEND_REFUSED : QUEUE_APPEND_DONE;
    ck_well(&f, queue_append_note(f.queue, "Ann@mail:1143", old, 3, &f.err));
    note(1, 1, QUEUE_APPEND_BEGUN);
    note(3, 1, QUEUE_APPEND_DONE);
    for (int i = 0; i < 2; i++) {
        ck_well(&f, queue_append_adopt(f.queue, "Ann@mail:1143", ann, &f.err));
        ck_well(&f, queue_append_adopt(f.queue, "nobody@mail", ann, &f.err));
        if (f.keeps)
            queue_fixture_reopen(&f);
        ck_assert_uint_eq(open_behind(0, 16), 3);
        ck_assert(items[0].step == QUEUE_APPEND_REFUSED && items[0].attempts == 1);
    }
    ck_well(&f, queue_append_open(f.queue, "Ann@mail:1143", 0, items, 16, &count, &f.err));
    ck_assert_uint_eq(count, 4);
}
END_TEST

START_TEST(what_is_not_committed_is_not_open_and_nothing_is_noted_meanwhile)
{
    START();
    queue_fixture_add(&f, 1, 1);
    ck_assert_uint_eq(open_behind(0, 16), 1);
    struct queue_item item = queue_fixture_item(2);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    items[0].step = QUEUE_APPEND_BEGUN;
    ck_assert_int_eq(queue_append_note(f.queue, ann, items, 1, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_BUG);
    queue_rollback(f.queue);
    ck_assert_uint_eq(open_behind(0, 16), 1);
}
END_TEST

START_TEST(a_target_or_a_step_that_cannot_be_kept_is_refused)
{
    START();
    char longer[QUEUE_APPEND_TARGET_MAX + 2];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    const char *const bad[] = {"", "ann\n", "\xff", longer};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_int_eq(queue_append_open(f.queue, bad[i], 0, items, 16, &count, &f.err), -1);
        ck_assert_int_eq(f.err.class, ERROR_USAGE);
    }
    longer[QUEUE_APPEND_TARGET_MAX] = '\0';
    ck_well(&f, queue_append_open(f.queue, longer, 0, items, 16, &count, &f.err));
    items[0] = (struct queue_append){.place = 1, .step = QUEUE_APPEND_NONE};
    ck_assert_int_eq(queue_append_note(f.queue, ann, items, 1, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_BUG);
}
END_TEST

/* Put the queue that was dumped to @path by an older version in the place of this one. */
static void open_old(const char *path)
{
    static char sql[65536];
    char database[1024];
    sqlite3 *db = NULL;
    queue_close(f.queue);
    f.queue = NULL;
    (void)snprintf(database, sizeof database, "%s/queue.db", f.url + strlen("sqlite:"));
    ck_assert_int_eq(unlink(database), 0);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    sql[fread(sql, 1, sizeof sql - 1, file)] = '\0';
    fclose(file);
    ck_assert_int_eq(sqlite3_open(database, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    ck_well(&f, queue_open(f.url, NULL, &f.clock, &f.queue, &f.err));
}

START_TEST(a_queue_of_schema_5_opens_with_nothing_delivered)
{
    queue_fixture_init(&f, QUEUE_FIXTURE_SQLITE);
    open_old(SRCDIR "/data/queue-v5.sql");
    ck_assert_uint_eq(open_behind(0, 16), 123450); /* the last has no UID */
    note(0, 1, QUEUE_APPEND_DONE);
    queue_fixture_reopen(&f);
    ck_assert_uint_eq(open_behind(0, 16), 23450);
}
END_TEST

static Suite *suite(void)
{
    const TTest *const tests[] = {
        every_entry_is_open_until_it_is_done_and_then_never_again,
        pages_go_on_behind_the_last_place,
        attempts_count_refusals_alone_and_each_can_be_tried_again,
        one_account_knows_nothing_of_what_another_got,
        what_was_delivered_under_another_name_of_the_account_can_be_adopted,
        what_is_not_committed_is_not_open_and_nothing_is_noted_meanwhile,
        a_target_or_a_step_that_cannot_be_kept_is_refused,
    };
    Suite *s = suite_create("queue append");
    TCase *kinds = tcase_create("back ends");
    tcase_add_checked_fixture(kinds, NULL, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_loop_test(kinds, tests[i], 0, QUEUE_FIXTURE_KINDS);
    tcase_add_test(kinds, a_queue_of_schema_5_opens_with_nothing_delivered);
    suite_add_tcase(s, kinds);
    return s;
}

CHECK_MAIN(suite)
