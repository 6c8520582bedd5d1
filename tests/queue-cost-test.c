/* SPDX-License-Identifier: Apache-2.0 */
/* queue-cost-test.c - what must not cost more the more entries there are: counted are the steps of
 * SQLite's machine, at two sizes of a queue; the plan of each statement; and databases of before
 * that. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "queue-fixture.h"
#include "queue-sql.h"
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

static const struct queue_sqlite *store(void)
{
    return queue_store(f.queue);
}

/* ---- The database from outside --------------------------------------------------------------- */

/* More entries, up to place @last: moved, of 1,000 sizes from 1,000 bytes on. Their Message-ID is
 * 1,000,000 + their place, and their digest ten digits of that. */
static void grow(int64_t last, int state, int64_t due_s)
{
    char sql[1500];
    (void)snprintf(
        sql, sizeof sql,
        "BEGIN; CREATE TEMP TABLE old AS SELECT max(n) AS n FROM entry;"
        "WITH RECURSIVE c(i) AS (SELECT n + 1 FROM old UNION ALL"
        "  SELECT i + 1 FROM c WHERE i < %lld)"
        " INSERT INTO entry (n, id, class, queue, source, state, created_s, due_s, scope,"
        "  uidvalidity, uid, key, raw_place, raw_size, raw_sha256, message_id)"
        " SELECT i, randomblob(16), class, queue, source, %d, created_s, %lld, scope, uidvalidity,"
        "  i + 1000, key, raw_place, 1000 + i %% 1000,"
        "  CAST(printf('%%010d', 1000000 + i) || printf('%%022d', 0) AS BLOB), 1000000 + i"
        " FROM c JOIN entry e ON e.n = 1;"
        "INSERT INTO ledger (scope, uidvalidity, uid, key, step, attempts, fate, entry)"
        " SELECT scope, uidvalidity, uid, key, 6, 0, 0, n FROM entry"
        " WHERE n > (SELECT n FROM old);"
        "UPDATE meta SET value = (SELECT max(n) FROM entry) WHERE key = 'counted'; COMMIT",
        (long long)last, state, (long long)due_s);
    queue_sql_run(&f, sql);
}

/* ---- What it costs --------------------------------------------------------------------------- */

/* Steps of all statements of the queue since the last call. */
static int steps(void)
{
    int sum = 0;
    for (unsigned which = 0; which < SQL_COUNT; which++)
        if (store()->db.statements[which] != NULL)
            sum += sqlite3_stmt_status(store()->db.statements[which], SQLITE_STMTSTATUS_VM_STEP, 1);
    return sum;
}

static size_t like(uint64_t size, struct queue_evidence *out, size_t capacity)
{
    size_t count;
    ck_well(&f, queue_settled_like(f.queue, ANN, size, out, capacity, &count, &f.err));
    return count;
}

/* A message of grow(): that at place @n. */
static struct queue_lookalike grown(int64_t n, enum queue_likeness likeness)
{
    char digest[64];
    struct queue_lookalike item = {.size = 1000 + (uint64_t)n % 1000,
                                   .message_id = 1000000 + (uint64_t)n,
                                   .likeness = likeness};
    (void)snprintf(digest, sizeof digest, "%010d%022d", 1000000 + (int)n, 0);
    memcpy(item.sha256, digest, sizeof item.sha256);
    return item;
}

/* Is there a message like it? Those with a UID above @above do not count. */
static bool seen(struct queue_lookalike item, uint32_t above)
{
    ck_well(&f, queue_lookalikes(f.queue, ANN, 7, above, &item, 1, &f.err));
    return item.found != 0;
}

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

/* Steps of asking whether messages like some of grow() are there, up to place @last, and what only
 * looks like one is not. */
static int steps_of_looking(int64_t last)
{
    (void)steps();
    for (int64_t n = last - 50; n <= last; n++) {
        for (int likeness = QUEUE_LIKENESS_SIZE; likeness <= QUEUE_LIKENESS_SHA256; likeness++)
            ck_assert(seen(grown(n, (enum queue_likeness)likeness), UINT32_MAX));
        struct queue_lookalike other = grown(n, QUEUE_LIKENESS_MESSAGE_ID);
        other.message_id++;
        ck_assert(!seen(other, UINT32_MAX));
        other = grown(n, QUEUE_LIKENESS_SHA256);
        other.sha256[31]++;
        ck_assert(!seen(other, UINT32_MAX));
    }
    return steps();
}

START_TEST(looking_for_a_message_seen_before_costs_the_same_in_a_queue_twelve_times_as_long)
{
    queue_fixture_add(&f, 1, 1);
    grow(RUN - 1, QUEUE_DONE, 0);
    put_moved(2, 300); /* what lies before is sorted in */
    int few = steps_of_looking(RUN - 1);
    grow(12 * RUN - 1, QUEUE_DONE, 0);
    put_moved(3, 300);
    int many = steps_of_looking(12 * RUN - 1);
    ck_assert_msg(few > 0 && many <= few + few / 10, "%d steps, then %d", few, many);
    grow(13 * RUN - 2, QUEUE_DONE, 0); /* as much as may lie there and not be sorted in */
    many = steps_of_looking(13 * RUN - 2);
    ck_assert_msg(many <= 8 * few, "%d steps, then %d", few, many);
}
END_TEST

START_TEST(any_number_of_one_size_or_older_than_ninety_days_is_not_walked_over)
{
    queue_fixture_add(&f, 1, 1);
    grow(RUN - 1, QUEUE_DONE, 0);
    queue_sql_run(&f, "UPDATE entry SET raw_size = 400 WHERE n > 1"); /* all of one size */
    put_moved(2, 300);
    struct queue_lookalike item = grown(RUN - 1, QUEUE_LIKENESS_SIZE);
    item.size = 400;
    (void)steps();
    ck_assert(seen(item, UINT32_MAX));
    ck_assert(seen(item, 1000)); /* none counts: so many look so that each is looked at closely */
    item.likeness = QUEUE_LIKENESS_MESSAGE_ID;
    ck_assert(seen(item, UINT32_MAX));
    ck_assert(!seen(item, 1000));
    item.message_id++;
    ck_assert(!seen(item, UINT32_MAX));
    f.now_s += (QUEUE_EVIDENCE_DAYS + 1) * INT64_C(86400);
    item = grown(RUN - 1, QUEUE_LIKENESS_SHA256);
    item.size = 400;
    ck_assert(!seen(item, UINT32_MAX));
    ck_assert_int_lt(steps(), 2000);
}
END_TEST

START_TEST(what_lies_millions_of_entries_apart_is_found)
{
    struct queue_evidence found[4];
    put_moved(1, 400);
    put_moved(2, 400);
    queue_sql_run(&f, "PRAGMA foreign_keys = OFF; UPDATE entry SET n = 2097151 WHERE n = 2;"
                      "UPDATE body SET n = 2097151 WHERE n = 2;"
                      "UPDATE ledger SET entry = 2097151 WHERE entry = 2;"
                      "UPDATE meta SET value = 2097151 WHERE key = 'counted'");
    queue_fixture_reopen(&f);
    put_moved(3, 300);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT value FROM meta WHERE key = 'sorted'"), 2097151);
    ck_assert_int_eq(
        queue_sql_number(&f, "SELECT sum(part = 0) * 10 + sum(part = 7) FROM known_like"), 11);
    ck_assert_uint_eq(like(400, found, 4), 2);
    ck_assert_uint_eq(found[0].origin.uid, 2);
    ck_assert_uint_eq(found[1].origin.uid, 1);
    struct queue_lookalike item = {.size = 400, .likeness = QUEUE_LIKENESS_SHA256};
    memcpy(item.sha256, found[0].sha256, sizeof item.sha256);
    ck_assert(seen(item, 2));
    ck_assert(seen(item, 1));
    ck_assert(!seen(item, 0));
    f.now_s += QUEUE_EVIDENCE_DAYS * INT64_C(86400) + 1;
    ck_assert(!seen(item, 2));
}
END_TEST

START_TEST(one_of_many_equal_messages_is_found_where_it_counts)
{
    queue_fixture_add(&f, 1, 1);
    grow(RUN + 3 * QUEUE_LOOKALIKES_COMPARED, QUEUE_DONE, 0);
    queue_sql_run(&f, "UPDATE entry SET raw_size = 400, message_id = 5, raw_sha256 = zeroblob(32)"
                      " WHERE n > 1");
    struct queue_lookalike item = {.size = 400, .message_id = 5, .likeness = QUEUE_LIKENESS_SHA256};
    for (unsigned sorted = 0; sorted < 2; sorted++) {
        ck_assert(seen(item, 1002)); /* the first of them, that at place 2 */
        (void)steps();
        ck_assert(!seen(item, 1001));
        ck_assert_int_lt(steps(), 50 * 6 * (int)QUEUE_LOOKALIKES_COMPARED);
        item.likeness = QUEUE_LIKENESS_MESSAGE_ID;
        ck_assert(seen(item, 1001)); /* so many look so that each is looked at closely */
        item.likeness = QUEUE_LIKENESS_SHA256;
        put_moved(2 + sorted, 300);
    }
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
    queue_sql_run(&f, "UPDATE entry SET state = 2 WHERE state = 1");
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
    queue_sql_run(&f,
                  "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 50000)"
                  " INSERT INTO delivery (hook, entry, moved, tries, due_s, failed)"
                  " SELECT id, 1, 0, 9, 1772366400, 0 FROM c JOIN hook;"
                  "UPDATE delivery SET failed = 1 WHERE tries = 9");
    ck_well(&f, queue_delivery_again(f.queue, "default", &count, &f.err));
    ck_assert_uint_eq(count, 50000);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT pending FROM hook"), 50001);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT failed FROM hook"), 0);
}
END_TEST

/* ---- Plans ----------------------------------------------------------------------------------- */

/* Statements that walk a whole table or index, each for a reason. */
static bool may_walk(unsigned which, const char *detail)
{
    if (strcmp(detail, "SCAN CONSTANT ROW") == 0)
        return true; /* no table at all */
    if (which >= SQL_COUNT_TALLY && which <= SQL_COUNT_DAY && strstr(detail, "B-TREE") != NULL)
        return true; /* a batch, which is new, is sorted */
    if (which == SQL_SORT_LIKES && strstr(detail, "B-TREE FOR ORDER BY") != NULL)
        return true; /* a number of entries, which is complete, is sorted once */
    if ((which == SQL_EVIDENCE_RUN || which == SQL_EVIDENCE_SORTED) &&
        strstr(detail, "B-TREE FOR ORDER BY") != NULL)
        return true; /* loaders of before lookalikes() ask for it: those of one size are sorted */
    return which == SQL_UNSETTLED_COUNT && /* rows come and go: usually there are few */
           strcmp(detail, "SCAN ledger USING INDEX ledger_unsettled") == 0;
}

static void check_plan(unsigned which)
{
    char sql[2048];
    sqlite3_stmt *plan = NULL;
    (void)snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s",
                   queue_sqlite_sql_text((enum queue_sqlite_sql)which));
    ck_assert_int_eq(sqlite3_prepare_v2(store()->db.handle, sql, -1, &plan, NULL), SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(plan, 3);
        ck_assert_msg((strstr(detail, "SCAN") == NULL && strstr(detail, "TEMP B-TREE") == NULL) ||
                          may_walk(which, detail),
                      "%s: %s", queue_sqlite_sql_text((enum queue_sqlite_sql)which), detail);
    }
    sqlite3_finalize(plan);
}

START_TEST(no_statement_walks_a_whole_table_or_sorts)
{
    for (unsigned which = 0; which < SQL_COUNT; which++)
        check_plan(which);
}
END_TEST

START_TEST(an_index_of_their_own_answers_who_is_next)
{
    static const struct {
        enum queue_sqlite_sql sql;
        const char *index;
    } rows[] = {
        {SQL_NEXT_QUEUE_UP, "COVERING INDEX entry_queue"},
        {SQL_NEXT_QUEUE_DOWN, "COVERING INDEX entry_queue"},
        {SQL_NEXT_SOURCE_UP, "COVERING INDEX entry_source"},
        {SQL_NEXT_SOURCE_DOWN, "COVERING INDEX entry_source"},
        {SQL_DUE_NEW, "INDEX entry_due (queue=? AND due_s=?)"},
        {SQL_DUE_LATER, "INDEX entry_due (queue=? AND due_s>? AND due_s<?)"},
        {SQL_EVIDENCE_RUN, "INDEX entry_like"},
        {SQL_EVIDENCE_SORTED, "PRIMARY KEY (part=? AND scope=? AND raw_size=?)"},
        {SQL_LIKE_RUN_SIZE, "INDEX entry_like (<expr>=? AND scope=? AND raw_size=?)"},
        {SQL_LIKE_RUN_MESSAGE_ID,
         "INDEX entry_like (<expr>=? AND scope=? AND raw_size=? AND message_id=?)"},
        {SQL_LIKE_RUN_SHA256,
         "INDEX entry_like (<expr>=? AND scope=? AND raw_size=? AND message_id=? AND <expr>=?)"},
        {SQL_LIKE_SORTED_SIZE, "PRIMARY KEY (part=? AND scope=? AND raw_size=?)"},
        {SQL_LIKE_SORTED_MESSAGE_ID,
         "PRIMARY KEY (part=? AND scope=? AND raw_size=? AND message_id=?)"},
        {SQL_LIKE_SORTED_SHA256, "PRIMARY KEY (part=? AND scope=? AND raw_size=? AND message_id=? "
                                 "AND digest=? AND created_s>?)"},
        {SQL_DUE_TAKEN, "INDEX entry_lease"},
        {SQL_ENTRY_BY_ID, "INDEX entry_id"},
        {SQL_UNSETTLED, "INDEX ledger_unsettled (scope=? AND (uidvalidity,uid,key)>(?,?,?))"},
        {SQL_LEDGER_PAGE, "PRIMARY KEY (scope=? AND (uidvalidity,uid,key)>(?,?,?))"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char sql[1024];
        (void)snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s",
                       queue_sqlite_sql_text(rows[i].sql));
        sqlite3_stmt *plan = NULL;
        ck_assert_int_eq(sqlite3_prepare_v2(store()->db.handle, sql, -1, &plan, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_step(plan), SQLITE_ROW);
        const char *detail = (const char *)sqlite3_column_text(plan, 3);
        ck_assert_msg(strstr(detail, rows[i].index) != NULL, "%s: %s", sql, detail);
        sqlite3_finalize(plan);
    }
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
    queue_sql_run(&f, sql);
}

/* What is there of the dump at @path and after, up to 2 * RUN + 100, is found by what it is like.
 */
static void check_old_database(void)
{
    struct queue_evidence found[64];
    queue_sql_run(&f, "UPDATE entry SET state = 0, due_s = 1772369000 WHERE n = 2000");
    ck_well(&f, queue_open(f.url, NULL, &f.clock, &f.queue, &f.err));
    ck_assert_int_eq(queue_sql_number(&f, "PRAGMA user_version"), QUEUE_SQLITE_SCHEMA);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT value FROM meta WHERE key = 'sorted'"),
                     2 * RUN - 1);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT count(*) FROM known_like"),
                     2 * RUN - 1 - 2); /* n is 1 or more; one has no message, one no UID */
    ck_assert_uint_eq(like(25, found, 64), 1);
    ck_assert_uint_eq(found[0].origin.uid, 1);
    ck_assert_uint_eq(like(1440, found, 64), 17); /* n 440 to 16440, in three runs */
    for (size_t i = 0; i < 17; i++)
        ck_assert_uint_eq(found[i].origin.uid, 17440 - 1000 * i);
    ck_assert_int_gt(steps_of_looking(2 * RUN + 50), 0); /* on both sides of 2 * RUN */
    static const uint32_t order[] = {3, 5, 0, 3000}; /* its lease ended; new; new; put off */
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        ck_assert_int_gt(steps_of_take(order[i]), 0);
}

START_TEST(a_queue_of_schema_8_opens_and_knows_what_its_messages_are_like)
{
    replace_database(SRCDIR "/data/queue-v8.sql");
    grow(2 * RUN + 100, QUEUE_DONE, 0);
    check_old_database();
}
END_TEST

START_TEST(a_queue_of_schema_9_opens_and_knows_what_its_messages_are_like)
{
    replace_database(SRCDIR "/data/queue-v9.sql");
    grow(2 * RUN + 100, QUEUE_DONE, 0);
    queue_sql_run(&f, "UPDATE meta SET value = 16383 WHERE key = 'sorted';"
                      "INSERT INTO known_size SELECT scope, raw_size, created_s, n FROM entry"
                      " WHERE n <= 16383 AND raw_place <> 0 AND uid <> 0");
    check_old_database();
}
END_TEST

START_TEST(what_another_version_added_without_sorting_it_in_is_found_and_sorted_in_later)
{
    queue_fixture_add(&f, 1, 1);
    grow(3 * RUN - 1, QUEUE_DONE, 0);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT value FROM meta WHERE key = 'sorted'"), -1);
    ck_assert_int_gt(steps_of_looking(2 * RUN + 25), 0);
    put_moved(3, 400);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT value FROM meta WHERE key = 'sorted'"),
                     3 * RUN - 1);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT count(*) FROM known_like"), 3 * RUN - 1);
    ck_assert_int_gt(steps_of_looking(2 * RUN + 25), 0);
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
    ck_assert_int_eq(queue_sql_number(&f, "SELECT count(*) FROM known_like"), 0);
    queue_fixture_add(&f, 2, 4);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT count(*) FROM known_like"), RUN - 1);
    queue_fixture_add(&f, 5, 6);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT count(*) FROM known_like"), RUN - 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("queue costs");
    TCase *t = tcase_create("costs");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(
        t, looking_for_a_message_seen_before_costs_the_same_in_a_queue_twelve_times_as_long);
    tcase_add_test(t, any_number_of_one_size_or_older_than_ninety_days_is_not_walked_over);
    tcase_add_test(t, what_lies_millions_of_entries_apart_is_found);
    tcase_add_test(t, one_of_many_equal_messages_is_found_where_it_counts);
    tcase_add_test(t, taking_an_entry_costs_the_same_behind_any_number_that_are_put_off);
    tcase_add_test(t, any_number_of_failed_deliveries_is_tried_again_in_one_go);
    tcase_add_test(t, no_statement_walks_a_whole_table_or_sorts);
    tcase_add_test(t, an_index_of_their_own_answers_who_is_next);
    tcase_add_test(t, a_queue_of_schema_8_opens_and_knows_what_its_messages_are_like);
    tcase_add_test(t, a_queue_of_schema_9_opens_and_knows_what_its_messages_are_like);
    tcase_add_test(
        t, what_another_version_added_without_sorting_it_in_is_found_and_sorted_in_later);
    tcase_add_test(t, a_batch_that_was_rolled_back_sorts_nothing_in);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
