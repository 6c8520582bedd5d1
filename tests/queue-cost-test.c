/* SPDX-License-Identifier: Apache-2.0 */
/* queue-cost-test.c - what must not cost more the more entries there are: counted are the steps of
 * SQLite's machine, at two sizes of a queue; and a database of before that. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "queue-fixture.h"
#include "queue-hook.h"
#include "queue-sqlite-schema.h"
#include "queue-sqlite.h"

#define ANN "IMAP", "ann@mail.example.org", "INBOX"
#define RUN (INT64_C(1) << QUEUE_SQLITE_RUN_SHIFT)
#define STORED_S INT64_C(1772366400) /* when the entries of old queues were made */

static struct queue_fixture f;

static void setup(void)
{
    queue_fixture_init(&f, QUEUE_FIXTURE_SQLITE);
    f.now_s = STORED_S + 3600;
}

static void teardown(void)
{
    queue_fixture_done(&f);
}

/* ---- The database from outside --------------------------------------------------------------- */

static sqlite3 *database_open(void)
{
    char path[200];
    sqlite3 *db = NULL;
    (void)snprintf(path, sizeof path, "%s/q/queue.db", f.dir);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "PRAGMA temp_store = MEMORY", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static void run_sql(const char *sql)
{
    sqlite3 *db = database_open();
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

static int64_t sql_number(const char *sql)
{
    sqlite3 *db = database_open();
    sqlite3_stmt *statement = NULL;
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return number;
}

/* More entries like the first one, up to place @last: moved, of 1,000 sizes from 1,000 bytes on. */
static void grow(int64_t last, int state, int64_t due_s)
{
    char sql[1500];
    (void)snprintf(
        sql, sizeof sql,
        "BEGIN; CREATE TEMP TABLE old AS SELECT max(n) AS n FROM entry;"
        "WITH RECURSIVE c(i) AS (SELECT n + 1 FROM old UNION ALL"
        "  SELECT i + 1 FROM c WHERE i < %lld)"
        " INSERT INTO entry (n, id, class, queue, source, state, created_s, due_s, scope,"
        "  uidvalidity, uid, key, raw_place, raw_size, raw_sha256)"
        " SELECT i, randomblob(16), class, queue, source, %d, created_s, %lld, scope, uidvalidity,"
        "  i + 1000, key, raw_place, 1000 + i %% 1000, raw_sha256 FROM c JOIN entry e ON e.n = 1;"
        "INSERT INTO ledger (scope, uidvalidity, uid, key, step, attempts, fate, entry)"
        " SELECT scope, uidvalidity, uid, key, 6, 0, 0, n FROM entry"
        " WHERE n > (SELECT n FROM old);"
        "UPDATE meta SET value = (SELECT max(n) FROM entry) WHERE key = 'counted'; COMMIT",
        (long long)last, state, (long long)due_s);
    run_sql(sql);
}

/* ---- What it costs --------------------------------------------------------------------------- */

/* Steps of all statements of the queue since the last call. */
static int steps(void)
{
    const struct queue_sqlite *store = queue_store(f.queue);
    int sum = 0;
    for (unsigned which = 0; which < SQL_COUNT; which++)
        if (store->db.statements[which] != NULL)
            sum += sqlite3_stmt_status(store->db.statements[which], SQLITE_STMTSTATUS_VM_STEP, 1);
    return sum;
}

static size_t like(uint64_t size, struct queue_evidence *out, size_t capacity)
{
    size_t count;
    ck_well(&f, queue_settled_like(f.queue, ANN, size, out, capacity, &count, &f.err));
    return count;
}

/* Put and move message @uid, which has this size. */
static void put_moved(uint32_t uid, uint64_t size)
{
    static const uint8_t raw[500];
    struct queue_item item = queue_fixture_item(uid);
    item.raw_bytes = raw;
    item.raw_size = size;
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    ck_well(&f, queue_commit(f.queue, &f.err));
    queue_fixture_note(&f, uid, QUEUE_STEP_MOVED);
}

/* Steps of asking for messages of 400 bytes, of which there are these, in this order. */
static int steps_of_like(size_t count, const uint32_t *uids)
{
    struct queue_evidence found[8];
    (void)steps();
    ck_assert_uint_eq(like(400, found, 8), count);
    for (size_t i = 0; i < count; i++)
        ck_assert_uint_eq(found[i].origin.uid, uids[i]);
    return steps();
}

START_TEST(asking_for_messages_of_a_size_costs_the_same_in_a_queue_ten_times_as_long)
{
    const uint32_t first = 2, both[] = {5, 2};
    queue_fixture_add(&f, 1, 1);
    put_moved(2, 400);
    grow(RUN - 1, QUEUE_DONE, 0);
    put_moved(3, 300); /* a new run begins */
    int few = steps_of_like(1, &first);
    grow(12 * RUN - 1, QUEUE_DONE, 0);
    put_moved(4, 300);
    int many = steps_of_like(1, &first);
    ck_assert_msg(few > 0 && many <= few + few / 10, "%d steps, then %d", few, many);
    put_moved(5, 400); /* in a run that is not complete */
    ck_assert_int_gt(steps_of_like(2, both), 0);
    struct queue_evidence found[8];
    (void)steps();
    ck_assert_uint_eq(like(1400, found, 8), 8); /* of nearly a hundred */
    ck_assert_int_lt(steps(), 8 * many);
}
END_TEST

START_TEST(what_is_older_than_ninety_days_is_not_walked_over)
{
    struct queue_evidence found[8];
    queue_fixture_add(&f, 1, 1);
    grow(4 * RUN - 1, QUEUE_DONE, 0);
    run_sql("UPDATE entry SET raw_size = 400 WHERE n > 1"); /* all of one size */
    f.now_s += (QUEUE_EVIDENCE_DAYS + 1) * INT64_C(86400);
    put_moved(2, 300);
    put_moved(3, 400);
    (void)steps();
    ck_assert_uint_eq(like(400, found, 8), 1);
    ck_assert_uint_eq(found[0].origin.uid, 3);
    ck_assert_int_lt(steps(), 1000);
}
END_TEST

/* Steps of taking one entry, which is message @uid. */
static int steps_of_take(uint32_t uid)
{
    AUTO(queue_entry) entry = NULL;
    (void)steps();
    ck_well(&f, queue_take(f.queue, NULL, 60, &entry, &f.err));
    ck_assert_ptr_nonnull(entry);
    ck_assert_uint_eq(entry->uid, uid);
    return steps();
}

START_TEST(taking_an_entry_costs_the_same_behind_any_number_that_are_put_off)
{
    queue_fixture_add(&f, 1, 2);
    ck_assert_int_gt(steps_of_take(1), 0); /* prepares its statements */
    int few = steps_of_take(2);
    grow(20000, QUEUE_NEW, f.now_s + 100);
    queue_fixture_add(&f, 3, 3);
    int many = steps_of_take(3);
    ck_assert_msg(few > 0 && many <= few + few / 10, "%d steps, then %d", few, many);
    AUTO(queue_entry) none = NULL;
    ck_well(&f, queue_take(f.queue, NULL, 60, &none, &f.err));
    ck_assert_ptr_null(none);
    f.now_s += 100; /* all of them are due now, and the two leases have ended */
    run_sql("UPDATE entry SET state = 2 WHERE state = 1");
    many = steps_of_take(1003);
    ck_assert_msg(many <= few + few / 5, "%d steps, then %d", few, many);
}
END_TEST

/* Many pages change in one statement: SQLite puts what it copies of them into a file, in pieces. */
START_TEST(any_number_of_failed_deliveries_is_tried_again_in_one_go)
{
    uint64_t count = 0;
    ck_well(&f, queue_hook_set(f.queue, "default", QUEUE_HOOK_WEBHOOK, "https://a.example/", NULL,
                               0, &f.err));
    queue_fixture_add(&f, 1, 1);
    run_sql("WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 50000)"
            " INSERT INTO delivery (hook, entry, moved, tries, due_s, failed)"
            " SELECT id, 1, 0, 9, 1772366400, 0 FROM c JOIN hook;"
            "UPDATE delivery SET failed = 1 WHERE tries = 9");
    ck_well(&f, queue_delivery_again(f.queue, "default", &count, &f.err));
    ck_assert_uint_eq(count, 50000);
    ck_assert_int_eq(sql_number("SELECT pending FROM hook"), 50001);
    ck_assert_int_eq(sql_number("SELECT failed FROM hook"), 0);
}
END_TEST

/* ---- An old database ------------------------------------------------------------------------- */

static void replace_database(const char *path)
{
    static char sql[65536];
    char database[200];
    queue_close(f.queue);
    f.queue = NULL;
    (void)snprintf(database, sizeof database, "%s/q/queue.db", f.dir);
    ck_assert_int_eq(unlink(database), 0);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    sql[fread(sql, 1, sizeof sql - 1, file)] = '\0';
    fclose(file);
    run_sql(sql);
}

START_TEST(a_queue_of_schema_8_opens_and_knows_what_it_held_by_size)
{
    struct queue_evidence found[64];
    replace_database(SRCDIR "/data/queue-v8.sql");
    grow(2 * RUN + 100, QUEUE_DONE, 0);
    run_sql("UPDATE entry SET state = 0, due_s = 1772369000 WHERE n = 2000");
    ck_well(&f, queue_open(f.url, NULL, &f.clock, &f.queue, &f.err));
    ck_assert_int_eq(sql_number("PRAGMA user_version"), QUEUE_SQLITE_SCHEMA);
    ck_assert_int_eq(sql_number("SELECT value FROM meta WHERE key = 'sorted'"), 2 * RUN - 1);
    ck_assert_int_eq(sql_number("SELECT count(*) FROM known_size"),
                     2 * RUN - 1 - 2); /* n is 1 or more; one has no message, one no UID */
    ck_assert_uint_eq(like(25, found, 64), 1);
    ck_assert_uint_eq(found[0].origin.uid, 1);
    ck_assert_uint_eq(like(1440, found, 64), 17); /* n 440 to 16440, in three runs */
    for (size_t i = 0; i < 17; i++)
        ck_assert_uint_eq(found[i].origin.uid, 17440 - 1000 * i);
    static const uint32_t order[] = {3, 5, 0, 3000}; /* its lease ended; new; new; put off */
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        ck_assert_int_gt(steps_of_take(order[i]), 0);
}
END_TEST

START_TEST(what_another_version_added_without_sorting_it_in_is_found_and_sorted_in_later)
{
    const uint32_t first = 2, both[] = {3, 2};
    queue_fixture_add(&f, 1, 1);
    put_moved(2, 400);
    grow(3 * RUN - 1, QUEUE_DONE, 0);
    ck_assert_int_eq(sql_number("SELECT value FROM meta WHERE key = 'sorted'"), -1);
    ck_assert_int_gt(steps_of_like(1, &first), 0);
    put_moved(3, 400);
    ck_assert_int_eq(sql_number("SELECT value FROM meta WHERE key = 'sorted'"), 3 * RUN - 1);
    ck_assert_int_eq(sql_number("SELECT count(*) FROM known_size"), 3 * RUN - 1);
    ck_assert_int_gt(steps_of_like(2, both), 0);
}
END_TEST

START_TEST(a_batch_that_was_rolled_back_sorts_nothing_in)
{
    queue_fixture_add(&f, 1, 1);
    grow(RUN - 2, QUEUE_DONE, 0);
    for (uint32_t uid = 2; uid <= 4; uid++) {
        struct queue_item item = queue_fixture_item(uid);
        ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    }
    queue_rollback(f.queue);
    ck_assert_int_eq(sql_number("SELECT count(*) FROM known_size"), 0);
    queue_fixture_add(&f, 2, 4);
    ck_assert_int_eq(sql_number("SELECT count(*) FROM known_size"), RUN - 1);
    queue_fixture_add(&f, 5, 6);
    ck_assert_int_eq(sql_number("SELECT count(*) FROM known_size"), RUN - 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("queue costs");
    TCase *t = tcase_create("costs");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, asking_for_messages_of_a_size_costs_the_same_in_a_queue_ten_times_as_long);
    tcase_add_test(t, what_is_older_than_ninety_days_is_not_walked_over);
    tcase_add_test(t, taking_an_entry_costs_the_same_behind_any_number_that_are_put_off);
    tcase_add_test(t, any_number_of_failed_deliveries_is_tried_again_in_one_go);
    tcase_add_test(t, a_queue_of_schema_8_opens_and_knows_what_it_held_by_size);
    tcase_add_test(
        t, what_another_version_added_without_sorting_it_in_is_found_and_sorted_in_later);
    tcase_add_test(t, a_batch_that_was_rolled_back_sorts_nothing_in);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
