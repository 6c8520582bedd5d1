/* SPDX-License-Identifier: Apache-2.0 */
/* queue-count-test.c - sums and hooks of entries that are counted batch by batch, and a database of
 * before that; steps of many messages that are noted at once, over every back end. */
#include <config.h>
#include "check-main.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "queue-fixture.h"
#include "queue-sql.h"
#include "queue-hook.h"
#include "queue-policy.h"
#include "queue-source.h"

static struct queue_fixture f;

static void setup(void)
{
    queue_fixture_init(&f, QUEUE_FIXTURE_SQLITE);
    f.now_s = 1772366400 + 3600;
}

static void teardown(void)
{
    queue_fixture_done(&f);
}

/* ---- The database from outside --------------------------------------------------------------- */

static const char *database(void)
{
    static char path[200];
    (void)snprintf(path, sizeof path, "%s/q/queue.db", f.dir);
    return path;
}

/* Open the queue that was dumped to @path by an older version. */
static void open_old(const char *path)
{
    static char sql[65536];
    queue_close(f.queue);
    f.queue = NULL;
    ck_assert_int_eq(unlink(database()), 0);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    sql[fread(sql, 1, sizeof sql - 1, file)] = '\0';
    fclose(file);
    queue_sql_run(&f, sql);
    ck_well(&f, queue_open(f.url, NULL, &f.clock, &f.queue, &f.err));
}

/* What each table of sums says and the entries do not, in both directions. */
static void check_sums(void)
{
    static const char *const tables[][2] = {
        {"SELECT queue, state, entries, raw_bytes FROM tally WHERE entries > 0",
         "SELECT queue, state, count(*), sum(iif(raw_place = 0, 0, raw_size)) FROM entry"
         " GROUP BY queue, state"},
        {"SELECT source, queued + bad FROM source_tally",
         "SELECT source, count(*) FROM entry GROUP BY source"},
        {"SELECT source, day, entries, raw_bytes FROM source_day",
         "SELECT source, created_s / 86400, count(*), sum(iif(raw_place = 0, 0, raw_size))"
         " FROM entry GROUP BY source, created_s / 86400"},
    };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (unsigned way = 0; way < 2; way++) {
            char sql[1024];
            (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM (%s EXCEPT %s)", tables[i][way],
                           tables[i][1 - way]);
            ck_assert_msg(queue_sql_number(&f, sql) == 0, "%s", sql);
        }
}

/* ---- Sums ------------------------------------------------------------------------------------ */

static void put(uint32_t uid, const char *queue, const char *error, const char *skipped)
{
    struct queue_item item = queue_fixture_item(uid);
    item.queue = queue;
    item.error = error;
    item.skipped = skipped;
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
}

START_TEST(a_batch_for_several_queues_and_states_is_counted_in_each)
{
    put(1, "default", NULL, NULL);
    put(2, "second", NULL, NULL);
    put(3, "default", "broken", NULL);
    put(4, "default", NULL, "not met");
    put(5, "default", NULL, NULL);
    ck_well(&f, queue_commit(f.queue, &f.err));
    check_sums();
    f.now_s += 86400;
    put(6, "second", NULL, NULL);
    ck_well(&f, queue_commit(f.queue, &f.err));
    check_sums();
    ck_assert_int_eq(queue_sql_number(&f, "SELECT count(*) FROM source_day"), 2);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT sum(bad) FROM source_tally"), 1);
}
END_TEST

START_TEST(the_tally_agrees_with_the_entries)
{
    queue_fixture_add(&f, 1, 9);
    for (unsigned i = 0; i < 6; i++) {
        AUTO(queue_entry) entry = NULL;
        ck_well(&f, queue_take(f.queue, NULL, 60, &entry, &f.err));
        if (i % 3 == 0)
            ck_well(&f, queue_done(f.queue, entry->id, entry->fence, &f.err));
        if (i % 3 == 1)
            ck_well(&f, queue_fail(f.queue, entry->id, entry->fence, "why", &f.err));
    }
    check_sums();
    ck_assert_int_eq(queue_sql_number(&f, "SELECT sum(entries) FROM tally"), 9);
}
END_TEST

START_TEST(a_batch_that_was_rolled_back_counts_nowhere)
{
    queue_fixture_add(&f, 1, 2);
    put(3, "default", NULL, NULL);
    queue_rollback(f.queue);
    check_sums();
    queue_fixture_add(&f, 3, 4);
    check_sums();
    ck_assert_int_eq(queue_sql_number(&f, "SELECT value FROM meta WHERE key = 'counted'"), 4);
}
END_TEST

START_TEST(a_batch_of_known_messages_counts_nothing_again)
{
    queue_fixture_add(&f, 1, 3);
    struct queue_item again = queue_fixture_item(2);
    ck_assert_int_eq(queue_put(f.queue, &again, &f.err), QUEUE_PUT_DUPLICATE);
    put(4, "default", NULL, NULL);
    ck_assert_int_eq(queue_put(f.queue, &again, &f.err), QUEUE_PUT_DUPLICATE);
    ck_well(&f, queue_commit(f.queue, &f.err));
    check_sums();
    ck_assert_uint_eq(queue_fixture_count(&f), 4);
}
END_TEST

/* As an older version does that was running when the queue got its new schema. */
static void add_uncounted(void)
{
    ck_well(&f,
            queue_hook_set(f.queue, "default", QUEUE_HOOK_COMMAND, "/bin/true", NULL, 0, &f.err));
    queue_fixture_add(&f, 1, 3);
    queue_sql_run(&f, "UPDATE meta SET value = 0 WHERE key = 'counted'; DELETE FROM tally;"
                      "DELETE FROM source_tally; DELETE FROM source_day; DELETE FROM delivery");
}

START_TEST(what_was_added_without_being_counted_is_counted_with_the_next_batch)
{
    add_uncounted();
    AUTO(queue_entry) entry = NULL; /* it changes, and was counted nowhere */
    ck_well(&f, queue_take(f.queue, NULL, 60, &entry, &f.err));
    ck_assert_int_eq(queue_sql_number(&f, "SELECT count(*) FROM tally"), 0);
    queue_fixture_add(&f, 4, 4);
    check_sums();
    ck_assert_int_eq(queue_sql_number(&f, "SELECT count(*) FROM delivery"), 4);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT pending FROM hook"), 4);
    ck_well(&f, queue_done(f.queue, entry->id, entry->fence, &f.err));
    check_sums();
}
END_TEST

START_TEST(what_moves_to_another_queue_before_it_is_counted_is_told_of_once)
{
    const struct queue_policy policy = {.error_queue = "errors"};
    ck_well(&f, queue_configure(f.queue, "default", &policy, &f.err));
    ck_well(&f,
            queue_hook_set(f.queue, "errors", QUEUE_HOOK_COMMAND, "/bin/true", NULL, 0, &f.err));
    add_uncounted();
    AUTO(queue_entry) entry = NULL;
    ck_well(&f, queue_take(f.queue, NULL, 60, &entry, &f.err));
    ck_well(&f, queue_fail(f.queue, entry->id, entry->fence, "why", &f.err));
    queue_fixture_add(&f, 4, 4);
    check_sums();
    ck_assert_int_eq(
        queue_sql_number(&f, "SELECT count(*) FROM delivery d JOIN hook h ON h.id = d.hook"
                             " JOIN work_queue q ON q.id = h.queue WHERE q.name = 'errors'"),
        1);
}
END_TEST

START_TEST(a_queue_of_schema_7_opens_and_goes_on_counting)
{
    open_old(SRCDIR "/data/queue-v7.sql");
    check_sums();
    ck_assert_int_eq(queue_sql_number(&f, "SELECT value FROM meta WHERE key = 'counted'"), 6);
    ck_well(&f, queue_hook_set(f.queue, "default", QUEUE_HOOK_WEBHOOK, "https://a.example/", NULL,
                               0, &f.err));
    queue_fixture_add(&f, 101, 103);
    check_sums();
    ck_assert_int_eq(queue_sql_number(&f, "SELECT count(*) FROM delivery WHERE moved = 0"), 3);
    AUTO(queue_entry) entry = NULL;
    ck_well(&f, queue_take(f.queue, "default", 60, &entry, &f.err));
    ck_well(&f, queue_done(f.queue, entry->id, entry->fence, &f.err));
    check_sums();
}
END_TEST

/* ---- Many at once ---------------------------------------------------------------------------- */

/* These steps of messages @first to @last, whose copies have UIDs from @target_uid on. */
static void note_all(uint32_t first, uint32_t last, enum queue_step step, uint32_t target_uid,
                     const char *target)
{
    struct queue_record records[32];
    size_t count = 0;
    for (uint32_t uid = first; uid <= last; uid++) {
        records[count] = (struct queue_record){.origin = queue_fixture_item(uid).origin,
                                               .step = step,
                                               .target_uidvalidity = target == NULL ? 0 : 3,
                                               .target = target};
        if (target_uid != 0)
            records[count].target_uid = target_uid + (uint32_t)count;
        count++;
    }
    ck_well(&f, queue_note(f.queue, records, count, &f.err));
}

#define START() queue_fixture_init(&f, _i)

START_TEST(attempts_are_counted_for_each_message_whichever_were_counted_before)
{
    static const uint32_t expected[] = {0, 1, 2, 3, 2, 1, 1, 0};
    START();
    note_all(1, 4, QUEUE_STEP_ATTEMPTED, 0, NULL);
    note_all(2, 6, QUEUE_STEP_ATTEMPTED, 0, NULL);
    note_all(3, 3, QUEUE_STEP_ATTEMPTED, 0, NULL);
    for (uint32_t uid = 1; uid <= 6; uid++) {
        const struct queue_record record = queue_fixture_record(&f, uid);
        ck_assert_int_eq(record.step, QUEUE_STEP_ATTEMPTED);
        ck_assert_uint_eq(record.attempts, expected[uid]);
    }
    note_all(1, 7, QUEUE_STEP_UNKNOWN, 0, NULL);
    for (uint32_t uid = 1; uid <= 7; uid++)
        ck_assert_uint_eq(queue_fixture_record(&f, uid).attempts,
                          expected[uid] > 0 ? expected[uid] - 1 : 0);
}
END_TEST

START_TEST(an_attempt_leaves_what_came_later_as_it_is)
{
    START();
    note_all(1, 3, QUEUE_STEP_MOVED, 40, "DROPBOX");
    note_all(1, 4, QUEUE_STEP_ATTEMPTED, 0, NULL);
    for (uint32_t uid = 1; uid <= 3; uid++) {
        const struct queue_record record = queue_fixture_record(&f, uid);
        ck_assert(record.step == QUEUE_STEP_MOVED && record.attempts == 1);
        ck_assert(record.target_uid == 39 + uid && record.target_uidvalidity == 3);
        ck_assert_str_eq(record.target, "DROPBOX");
    }
    ck_assert_int_eq(queue_fixture_record(&f, 4).step, QUEUE_STEP_ATTEMPTED);
}
END_TEST

START_TEST(each_message_of_many_gets_its_own_place_in_the_target)
{
    START();
    queue_fixture_add(&f, 1, 5);
    note_all(1, 5, QUEUE_STEP_MOVING, 0, "DROPBOX");
    ck_assert_uint_eq(queue_fixture_record(&f, 5).target_uid, 0);
    note_all(2, 4, QUEUE_STEP_MOVED, 70, "DROPBOX");
    note_all(1, 1, QUEUE_STEP_MOVED, 90, "BADMAIL"); /* elsewhere than it was under way to */
    note_all(5, 6, QUEUE_STEP_MOVED, 50, "DROPBOX"); /* one of which nothing was known */
    for (uint32_t uid = 1; uid <= 6; uid++) {
        static const uint32_t places[] = {0, 90, 70, 71, 72, 50, 51};
        const struct queue_record record = queue_fixture_record(&f, uid);
        ck_assert_int_eq(record.step, QUEUE_STEP_MOVED);
        ck_assert_uint_eq(record.target_uid, places[uid]);
        ck_assert_str_eq(record.target, uid == 1 ? "BADMAIL" : "DROPBOX");
    }
}
END_TEST

START_TEST(messages_are_told_apart_whatever_lies_between_them)
{
    static const uint32_t uids[] = {1, 2, 4, 5, 9, UINT32_MAX - 1, UINT32_MAX};
    struct queue_record records[8], asked[8];
    START();
    for (size_t i = 0; i < 7; i++) {
        asked[i] = records[i] = (struct queue_record){.origin = queue_fixture_item(uids[i]).origin};
        records[i].step = i % 3 == 0 ? QUEUE_STEP_MOVING : QUEUE_STEP_ATTEMPTED;
        records[i].target = i % 3 == 0 ? "DROPBOX" : NULL;
    }
    asked[7] = records[7] = records[1]; /* the same UID, of another mailbox */
    asked[7].origin.mailbox = records[7].origin.mailbox = "Other";
    records[7].step = QUEUE_STEP_MOVED;
    ck_well(&f, queue_note(f.queue, records, 8, &f.err));
    ck_assert_int_eq(queue_fixture_record(&f, 3).step, QUEUE_STEP_UNKNOWN);
    ck_well(&f, queue_known(f.queue, asked, 8, &f.err));
    for (size_t i = 0; i < 8; i++) {
        ck_assert_int_eq(asked[i].step, records[i].step);
        ck_assert_uint_eq(asked[i].attempts, records[i].step == QUEUE_STEP_ATTEMPTED);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("queue counts");
    TCase *t = tcase_create("sums");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_batch_for_several_queues_and_states_is_counted_in_each);
    tcase_add_test(t, the_tally_agrees_with_the_entries);
    tcase_add_test(t, a_batch_that_was_rolled_back_counts_nowhere);
    tcase_add_test(t, a_batch_of_known_messages_counts_nothing_again);
    tcase_add_test(t, what_was_added_without_being_counted_is_counted_with_the_next_batch);
    tcase_add_test(t, what_moves_to_another_queue_before_it_is_counted_is_told_of_once);
    tcase_add_test(t, a_queue_of_schema_7_opens_and_goes_on_counting);
    suite_add_tcase(s, t);
    TCase *many = tcase_create("many at once");
    tcase_add_checked_fixture(many, NULL, teardown);
    tcase_add_loop_test(many, attempts_are_counted_for_each_message_whichever_were_counted_before,
                        0, QUEUE_FIXTURE_KINDS);
    tcase_add_loop_test(many, an_attempt_leaves_what_came_later_as_it_is, 0, QUEUE_FIXTURE_KINDS);
    tcase_add_loop_test(many, each_message_of_many_gets_its_own_place_in_the_target, 0,
                        QUEUE_FIXTURE_KINDS);
    tcase_add_loop_test(many, messages_are_told_apart_whatever_lies_between_them, 0,
                        QUEUE_FIXTURE_KINDS);
    suite_add_tcase(s, many);
    return s;
}

CHECK_MAIN(suite)
