/* SPDX-License-Identifier: Apache-2.0 */
/* queue-hook-test.c - who is told of entries, entries that move, entries without work to do, and
 * leases that run out, over every back end; and a database of before there was any of it. */
#include <config.h>
#include "check-main.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "queue-fixture.h"
#include "queue-hook.h"

static struct queue_fixture f;

static void teardown(void)
{
    queue_fixture_done(&f);
}

#define START() queue_fixture_init(&f, _i)

static void reopen(void)
{
    if (f.keeps)
        queue_fixture_reopen(&f);
}

static void set_hook(const char *name, enum queue_hook_kind kind, const char *target)
{
    ck_well(&f, queue_hook_set(f.queue, name, kind, target, NULL, 0, &f.err));
}

/* The hook of this kind that "default" has, its texts gone. */
static struct queue_hook seen;
static int hook_visit(void *context, const struct queue_hook *hook)
{
    const struct queue_hook *wanted = context;
    if (hook->kind == wanted->kind && strcmp(hook->queue, wanted->queue) == 0) {
        seen = *hook;
        seen.target = seen.error = NULL;
        seen.secret = NULL;
    }
    return 0;
}

static const struct queue_hook *hook_of(const char *name, enum queue_hook_kind kind)
{
    struct queue_hook wanted = {.kind = kind};
    (void)snprintf(wanted.queue, sizeof wanted.queue, "%s", name);
    seen = (struct queue_hook){.number = 0};
    ck_well(&f, queue_hook_each(f.queue, hook_visit, &wanted, &f.err));
    return &seen;
}

/* What is due of it now: "1 2" by UID, in the order it is told. */
static const char *due_of(const char *name, enum queue_hook_kind kind)
{
    static char text[200];
    struct queue_delivery_place at = {0};
    uint64_t number = hook_of(name, kind)->number;
    text[0] = '\0';
    for (;;) {
        AUTO(queue_delivery) delivery = NULL;
        ck_well(&f, queue_delivery_next(f.queue, number, &at, &delivery, &f.err));
        if (delivery == NULL)
            return text;
        size_t size = strlen(text);
        (void)snprintf(text + size, sizeof text - size, "%s%u", size == 0 ? "" : " ",
                       delivery->entry->uid);
    }
}

static struct queue_delivery *first_of(const char *name, enum queue_hook_kind kind)
{
    struct queue_delivery_place at = {0};
    struct queue_delivery *delivery = NULL;
    uint64_t number = hook_of(name, kind)->number;
    ck_well(&f, queue_delivery_next(f.queue, number, &at, &delivery, &f.err));
    ck_assert_ptr_nonnull(delivery);
    return delivery;
}

static void tell(const struct queue_delivery *delivery, enum queue_outcome outcome, int64_t due_s)
{
    const struct queue_delivery_outcome told = {delivery->number, delivery->hook, outcome, due_s,
                                                outcome == QUEUE_ARRIVED ? NULL : "nobody there"};
    ck_well(&f, queue_delivery_tell(f.queue, &told, 1, &f.err));
}

/* ---- Deliveries ------------------------------------------------------------------------------ */

START_TEST(each_entry_that_comes_is_to_be_told_to_each_hook_of_its_queue)
{
    START();
    set_hook("default", QUEUE_HOOK_COMMAND, "/bin/true");
    set_hook("default", QUEUE_HOOK_WEBHOOK, "https://hooks.example.org/");
    set_hook("other", QUEUE_HOOK_COMMAND, "/bin/false");
    queue_fixture_add(&f, 1, 3);
    reopen();
    ck_assert_str_eq(due_of("default", QUEUE_HOOK_COMMAND), "1 2 3");
    ck_assert_str_eq(due_of("default", QUEUE_HOOK_WEBHOOK), "1 2 3");
    ck_assert_str_eq(due_of("other", QUEUE_HOOK_COMMAND), "");
    ck_assert_uint_eq(hook_of("default", QUEUE_HOOK_COMMAND)->pending, 3);
    ck_assert_int_eq(hook_of("default", QUEUE_HOOK_COMMAND)->due_s, f.now_s);
    ck_assert_int_eq(hook_of("other", QUEUE_HOOK_COMMAND)->due_s, 0);
}
END_TEST

START_TEST(a_batch_that_is_rolled_back_is_told_to_nobody)
{
    START();
    set_hook("default", QUEUE_HOOK_COMMAND, "/bin/true");
    struct queue_item item = queue_fixture_item(1);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    queue_rollback(f.queue);
    ck_assert_str_eq(due_of("default", QUEUE_HOOK_COMMAND), "");
    ck_assert_uint_eq(hook_of("default", QUEUE_HOOK_COMMAND)->pending, 0);
}
END_TEST

START_TEST(a_message_that_comes_again_is_told_once)
{
    START();
    set_hook("default", QUEUE_HOOK_COMMAND, "/bin/true");
    queue_fixture_add(&f, 1, 1);
    struct queue_item item = queue_fixture_item(1);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_DUPLICATE);
    ck_assert_str_eq(due_of("default", QUEUE_HOOK_COMMAND), "1");
}
END_TEST

START_TEST(what_came_before_the_hook_was_set_is_not_told)
{
    START();
    queue_fixture_add(&f, 1, 1);
    set_hook("default", QUEUE_HOOK_COMMAND, "/bin/true");
    queue_fixture_add(&f, 2, 2);
    ck_assert_str_eq(due_of("default", QUEUE_HOOK_COMMAND), "2");
}
END_TEST

START_TEST(a_bad_entry_is_told_as_well_and_one_without_work_is_not)
{
    START();
    set_hook("default", QUEUE_HOOK_COMMAND, "/bin/true");
    struct queue_item bad = queue_fixture_item(1), idle = queue_fixture_item(2);
    bad.error = "it is cut";
    idle.skipped = "no order";
    ck_assert_int_eq(queue_put(f.queue, &bad, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_put(f.queue, &idle, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    ck_assert_str_eq(due_of("default", QUEUE_HOOK_COMMAND), "1");
}
END_TEST

START_TEST(a_delivery_is_there_until_it_arrived_whoever_dies_before)
{
    START();
    set_hook("default", QUEUE_HOOK_COMMAND, "/bin/true");
    queue_fixture_add(&f, 1, 2);
    AUTO(queue_delivery) told = first_of("default", QUEUE_HOOK_COMMAND);
    reopen(); /* delivered, and nobody wrote it down */
    ck_assert_str_eq(due_of("default", QUEUE_HOOK_COMMAND), "1 2");
    tell(told, QUEUE_ARRIVED, 0);
    tell(told, QUEUE_ARRIVED, 0); /* twice is once */
    reopen();
    ck_assert_str_eq(due_of("default", QUEUE_HOOK_COMMAND), "2");
    const struct queue_hook *hook = hook_of("default", QUEUE_HOOK_COMMAND);
    ck_assert(hook->pending == 1 && hook->failed == 0 && hook->delivered == 1);
    ck_assert_ptr_nonnull(told->entry->content);
}
END_TEST

START_TEST(a_failed_delivery_waits_and_holds_up_no_other)
{
    START();
    set_hook("default", QUEUE_HOOK_WEBHOOK, "https://hooks.example.org/");
    queue_fixture_add(&f, 1, 2);
    AUTO(queue_delivery) first = first_of("default", QUEUE_HOOK_WEBHOOK);
    tell(first, QUEUE_AGAIN, f.now_s + 30);
    ck_assert_str_eq(due_of("default", QUEUE_HOOK_WEBHOOK), "2");
    f.now_s += 30;
    ck_assert_str_eq(due_of("default", QUEUE_HOOK_WEBHOOK), "2 1");
    ck_assert_int_eq(hook_of("default", QUEUE_HOOK_WEBHOOK)->error_s, f.now_s - 30);
    AUTO(queue_delivery) second = first_of("default", QUEUE_HOOK_WEBHOOK);
    tell(second, QUEUE_ARRIVED, 0);
    AUTO(queue_delivery) again = first_of("default", QUEUE_HOOK_WEBHOOK);
    ck_assert_uint_eq(again->number, first->number);
    ck_assert_uint_eq(again->tries, 1);
}
END_TEST

START_TEST(what_was_given_up_is_counted_and_comes_back_when_it_is_asked_for)
{
    START();
    uint64_t count = 0;
    set_hook("default", QUEUE_HOOK_COMMAND, "/bin/true");
    queue_fixture_add(&f, 1, 1);
    AUTO(queue_delivery) first = first_of("default", QUEUE_HOOK_COMMAND);
    tell(first, QUEUE_GIVEN_UP, 0);
    reopen();
    const struct queue_hook *hook = hook_of("default", QUEUE_HOOK_COMMAND);
    ck_assert(hook->pending == 0 && hook->failed == 1 && hook->due_s == 0);
    ck_assert_str_eq(due_of("default", QUEUE_HOOK_COMMAND), "");
    ck_well(&f, queue_delivery_again(f.queue, "default", &count, &f.err));
    ck_assert_uint_eq(count, 1);
    AUTO(queue_delivery) again = first_of("default", QUEUE_HOOK_COMMAND);
    ck_assert(again->tries == 0 && again->number == first->number);
    ck_assert_uint_eq(hook_of("default", QUEUE_HOOK_COMMAND)->failed, 0);
    ck_well(&f, queue_delivery_again(f.queue, "default", &count, &f.err));
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(another_target_gets_what_is_pending_and_none_drops_it)
{
    START();
    set_hook("default", QUEUE_HOOK_COMMAND, "/bin/false");
    queue_fixture_add(&f, 1, 1);
    uint64_t number = hook_of("default", QUEUE_HOOK_COMMAND)->number;
    set_hook("default", QUEUE_HOOK_COMMAND, "/bin/true");
    ck_assert_uint_eq(hook_of("default", QUEUE_HOOK_COMMAND)->number, number);
    ck_assert_str_eq(due_of("default", QUEUE_HOOK_COMMAND), "1");
    AUTO(queue_delivery) late = first_of("default", QUEUE_HOOK_COMMAND);
    set_hook("default", QUEUE_HOOK_COMMAND, NULL);
    ck_assert_uint_eq(hook_of("default", QUEUE_HOOK_COMMAND)->number, 0);
    tell(late, QUEUE_ARRIVED, 0); /* it was under way */
    set_hook("default", QUEUE_HOOK_COMMAND, "/bin/true");
    ck_assert_uint_ne(hook_of("default", QUEUE_HOOK_COMMAND)->number, number);
    ck_assert_str_eq(due_of("default", QUEUE_HOOK_COMMAND), "");
}
END_TEST

static bool short_of_memory;
const unsigned char *__real_sqlite3_column_text(sqlite3_stmt *row, int at);
const unsigned char *__wrap_sqlite3_column_text(sqlite3_stmt *row, int at);
const unsigned char *__wrap_sqlite3_column_text(sqlite3_stmt *row, int at)
{
    return short_of_memory ? NULL : __real_sqlite3_column_text(row, at);
}

static int count_visit(void *context, const struct queue_hook *hook)
{
    size_t *count = context;
    (void)hook;
    ++*count;
    return 0;
}

START_TEST(hooks_that_memory_does_not_suffice_for_are_an_error_not_the_end_of_the_list)
{
    queue_fixture_init(&f, QUEUE_FIXTURE_SQLITE);
    set_hook("default", QUEUE_HOOK_COMMAND, "/bin/true");
    size_t count = 0;
    short_of_memory = true;
    int result = queue_hook_each(f.queue, count_visit, &count, &f.err);
    short_of_memory = false;
    ck_assert_int_eq(result, -1);
    ck_assert_uint_eq(count, 0);
    ck_assert_ptr_nonnull(strstr(f.err.text, "memory"));
    ck_well(&f, queue_hook_each(f.queue, count_visit, &count, &f.err));
    ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(a_secret_is_kept_as_it_is)
{
    START();
    static const uint8_t sealed[] = {1, 0, 2, 255};
    ck_well(&f, queue_hook_set(f.queue, "default", QUEUE_HOOK_WEBHOOK, "https://hooks.example.org/",
                               sealed, sizeof sealed, &f.err));
    reopen();
    ck_assert_uint_eq(hook_of("default", QUEUE_HOOK_WEBHOOK)->secret_size, sizeof sealed);
}
END_TEST

START_TEST(a_hook_that_no_terminal_should_see_is_refused)
{
    START();
    ck_assert_int_eq(queue_hook_set(f.queue, "default", QUEUE_HOOK_COMMAND, "/bin/a\n", NULL, 0,
                                    &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_USAGE);
    ck_assert_int_eq(queue_hook_set(f.queue, "default", QUEUE_HOOK_COMMAND, "", NULL, 0, &f.err),
                     -1);
}
END_TEST

/* ---- Entries that move ----------------------------------------------------------------------- */

static char moved_id[QUEUE_ID_TEXT];
static void move(uint32_t uid, const char *name)
{
    queue_fixture_id(uid, moved_id);
    ck_well(&f, queue_move(f.queue, moved_id, name, &f.err));
}

static struct queue_entry *entry_of(uint32_t uid)
{
    char id[QUEUE_ID_TEXT];
    struct queue_entry *entry = NULL;
    queue_fixture_id(uid, id);
    ck_well(&f, queue_get(f.queue, id, &entry, &f.err));
    return entry;
}

static uint32_t take(const char *name)
{
    AUTO(queue_entry) entry = NULL;
    ck_well(&f, queue_take(f.queue, name, 60, &entry, &f.err));
    return entry == NULL ? 0 : entry->uid;
}

START_TEST(a_moved_entry_is_new_in_the_other_queue_with_no_attempts)
{
    START();
    queue_fixture_add(&f, 1, 1);
    ck_assert_uint_eq(take("default"), 1);
    char id[QUEUE_ID_TEXT];
    queue_fixture_id(1, id);
    ck_assert_int_eq(queue_move(f.queue, id, "second", &f.err), -1);
    ck_assert_ptr_nonnull(strstr(f.err.text, "somebody works on it"));
    ck_well(&f, queue_fail(f.queue, id, 0, "no invoice number", &f.err));
    move(1, "second");
    AUTO(queue_entry) entry = entry_of(1);
    ck_assert_str_eq(entry->queue, "second");
    ck_assert(entry->state == QUEUE_NEW && entry->attempts == 0);
    ck_assert_str_eq(entry->error, "no invoice number");
    ck_assert_int_eq(queue_move(f.queue, id, "second", &f.err), -1);
    ck_assert_ptr_nonnull(strstr(f.err.text, "already"));
    struct queue_stats stats;
    ck_well(&f, queue_stats(f.queue, "default", &stats, &f.err));
    ck_assert(stats.by_state[QUEUE_NEW] == 0 && stats.by_state[QUEUE_FAILED] == 0);
    ck_assert_uint_eq(take("second"), 1);
}
END_TEST

START_TEST(an_entry_that_is_done_can_be_moved_but_not_tried_again)
{
    START();
    queue_fixture_add(&f, 1, 1);
    ck_assert_uint_eq(take("default"), 1);
    AUTO(queue_entry) taken = entry_of(1);
    ck_well(&f, queue_done(f.queue, taken->id, 0, &f.err));
    ck_assert_int_eq(queue_retry(f.queue, taken->id, &f.err), -1);
    move(1, "second");
    ck_assert_uint_eq(take("second"), 1);
}
END_TEST

START_TEST(what_is_moved_is_told_in_its_new_queue_under_a_name_of_its_own)
{
    START();
    char first[QUEUE_DELIVERY_KEY_MAX], key[QUEUE_DELIVERY_KEY_MAX], want[QUEUE_DELIVERY_KEY_MAX];
    set_hook("default", QUEUE_HOOK_COMMAND, "/bin/true");
    set_hook("second", QUEUE_HOOK_COMMAND, "/bin/true");
    queue_fixture_add(&f, 1, 1);
    AUTO(queue_delivery) created = first_of("default", QUEUE_HOOK_COMMAND);
    queue_delivery_key(created, QUEUE_HOOK_COMMAND, first);
    (void)snprintf(want, sizeof want, "%s:command", created->entry->id);
    ck_assert_str_eq(first, want);
    move(1, "second");
    AUTO(queue_delivery) moved = first_of("second", QUEUE_HOOK_COMMAND);
    ck_assert(moved->moved && !created->moved);
    queue_delivery_key(moved, QUEUE_HOOK_COMMAND, key);
    ck_assert_str_ne(key, first);
    ck_assert(strncmp(key, want, strlen(want)) == 0);
}
END_TEST

START_TEST(what_comes_into_an_error_queue_is_told_to_its_hooks)
{
    START();
    const struct queue_policy policy = {.error_queue = "errors"};
    ck_well(&f, queue_configure(f.queue, "default", &policy, &f.err));
    set_hook("errors", QUEUE_HOOK_WEBHOOK, "https://hooks.example.org/");
    queue_fixture_add(&f, 1, 1);
    ck_assert_uint_eq(take("default"), 1);
    AUTO(queue_entry) taken = entry_of(1);
    ck_well(&f, queue_fail(f.queue, taken->id, 0, "why", &f.err));
    ck_assert_str_eq(due_of("errors", QUEUE_HOOK_WEBHOOK), "1");
}
END_TEST

/* ---- Entries without work -------------------------------------------------------------------- */

START_TEST(an_entry_without_work_is_done_counted_and_keeps_its_message)
{
    START();
    struct queue_policy policy = {.condition = "Subject:/order/"};
    ck_well(&f, queue_configure(f.queue, "default", &policy, &f.err));
    struct queue_item item = queue_fixture_item(1);
    item.skipped = "the condition is not met";
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    reopen();
    ck_assert_uint_eq(take("default"), 0);
    AUTO(queue_entry) entry = entry_of(1);
    ck_assert(entry->state == QUEUE_DONE && entry->has_raw);
    ck_assert_str_eq(entry->error, "the condition is not met");
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_DUPLICATE);
    ck_assert_int_eq(queue_fixture_record(&f, 1).step, QUEUE_STEP_STORED);
    ck_assert_int_eq(queue_fixture_record(&f, 1).fate, QUEUE_FATE_QUEUED);
    struct queue_named named;
    ck_well(&f, queue_named_get(f.queue, "default", &named, &f.err));
    ck_assert_uint_eq(named.skipped, 1);
    ck_assert_str_eq(named.policy.condition, "Subject:/order/");
    policy.throttle_items = 1;
    policy.throttle_s = 60;
    ck_well(&f, queue_configure(f.queue, "default", &policy, &f.err)); /* the count goes on */
    ck_well(&f, queue_named_get(f.queue, "default", &named, &f.err));
    ck_assert_uint_eq(named.skipped, 1);
}
END_TEST

/* ---- Leases that run out --------------------------------------------------------------------- */

static void configure(const char *name, struct queue_policy policy)
{
    ck_well(&f, queue_configure(f.queue, name, &policy, &f.err));
}

START_TEST(a_lease_that_ran_out_is_a_failure_of_its_entry)
{
    START();
    configure("default", (struct queue_policy){.retry = QUEUE_RETRY_LINEAR, .retries = 1,
                                               .retry_s = 100, .error_queue = "errors"});
    queue_fixture_add(&f, 1, 1);
    ck_assert_uint_eq(take(NULL), 1);
    f.now_s += 60;
    ck_assert_uint_eq(take(NULL), 0); /* it waits for its retry now */
    AUTO(queue_entry) waiting = entry_of(1);
    ck_assert(waiting->state == QUEUE_NEW && waiting->attempts == 1);
    ck_assert_int_eq(waiting->due_s, f.now_s + 100);
    ck_assert_ptr_nonnull(strstr(waiting->error, "lease ran out"));
    f.now_s += 100;
    ck_assert_uint_eq(take(NULL), 1);
    f.now_s += 60;
    ck_assert_uint_eq(take(NULL), 0);
    AUTO(queue_entry) aside = entry_of(1);
    ck_assert_str_eq(aside->queue, "errors");
    ck_assert_uint_eq(aside->attempts, 0);
}
END_TEST

START_TEST(a_lease_that_ran_out_does_not_stop_who_takes_next)
{
    START();
    configure("default", (struct queue_policy){.retry = QUEUE_RETRY_LINEAR, .retries = 1,
                                               .retry_s = 100});
    queue_fixture_add(&f, 1, 40);
    for (uint32_t uid = 1; uid <= 39; uid++)
        ck_assert_uint_eq(take(NULL), uid);
    f.now_s += 60;
    ck_assert_uint_eq(take(NULL), 40);
}
END_TEST

START_TEST(the_result_of_a_lease_that_ran_out_and_was_counted_is_refused)
{
    START();
    configure("default", (struct queue_policy){.retry = QUEUE_RETRY_LINEAR, .retries = 3,
                                               .retry_s = 100});
    queue_fixture_add(&f, 1, 1);
    ck_assert_uint_eq(take(NULL), 1);
    AUTO(queue_entry) mine = entry_of(1);
    f.now_s += 60;
    ck_assert_uint_eq(take(NULL), 0);
    ck_assert_int_eq(queue_done(f.queue, mine->id, mine->fence, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_USAGE);
}
END_TEST

START_TEST(without_retries_an_entry_whose_lease_ran_out_goes_to_who_takes_next)
{
    START();
    configure("default", (struct queue_policy){.throttle_items = 10, .throttle_s = 1});
    queue_fixture_add(&f, 1, 1);
    ck_assert_uint_eq(take(NULL), 1);
    f.now_s += 60;
    ck_assert_uint_eq(take(NULL), 1);
    AUTO(queue_entry) entry = entry_of(1);
    ck_assert_uint_eq(entry->attempts, 2);
}
END_TEST

START_TEST(error_queues_that_lead_back_are_refused)
{
    START();
    configure("a", (struct queue_policy){.error_queue = "b"});
    configure("b", (struct queue_policy){.error_queue = "c"});
    const struct queue_policy back = {.error_queue = "a"};
    ck_assert_int_eq(queue_configure(f.queue, "c", &back, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_USAGE);
    ck_assert_ptr_nonnull(strstr(f.err.text, "come back"));
    configure("c", (struct queue_policy){.retry = QUEUE_RETRY_LINEAR, .retries = 1, .retry_s = 1});
}
END_TEST

/* ---- A database of before -------------------------------------------------------------------- */

static void run_dump(const char *path, const char *sql_path)
{
    static char sql[65536];
    sqlite3 *db = NULL;
    FILE *file = fopen(sql_path, "r");
    ck_assert_ptr_nonnull(file);
    sql[fread(sql, 1, sizeof sql - 1, file)] = '\0';
    fclose(file);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

START_TEST(a_queue_of_schema_4_opens_and_tells_of_what_comes_from_then_on)
{
    char path[200];
    queue_fixture_init(&f, QUEUE_FIXTURE_SQLITE);
    queue_close(f.queue);
    f.queue = NULL;
    (void)snprintf(path, sizeof path, "%s/q/queue.db", f.dir);
    ck_assert_int_eq(unlink(path), 0);
    run_dump(path, SRCDIR "/data/queue-v4.sql");
    f.now_s = 1772366500; /* a lease of its has run out */
    ck_well(&f, queue_open(f.url, NULL, &f.clock, &f.queue, &f.err));
    struct queue_named named;
    ck_well(&f, queue_named_get(f.queue, "default", &named, &f.err));
    ck_assert(named.policy.retry == QUEUE_RETRY_LINEAR && named.policy.throttle_items == 10);
    ck_assert(named.policy.condition[0] == '\0' && named.skipped == 0);
    set_hook("errors", QUEUE_HOOK_COMMAND, "/bin/true");
    const struct queue_filter all = {0};
    ck_assert_str_eq(queue_fixture_uids(&f, &all), "0 0 0");
    for (unsigned i = 0; i < 2; i++) {
        AUTO(queue_entry) entry = NULL;
        ck_well(&f, queue_take(f.queue, NULL, 60, &entry, &f.err));
        ck_assert_ptr_nonnull(entry);
    }
    ck_assert_uint_eq(take(NULL), 0); /* the third waits for its retry */
    ck_well(&f, queue_move(f.queue, "5a1b2cf8", "errors", &f.err));
    ck_assert_uint_eq(hook_of("errors", QUEUE_HOOK_COMMAND)->pending, 1);
}
END_TEST

static Suite *suite(void)
{
    const TTest *const tests[] = {
        each_entry_that_comes_is_to_be_told_to_each_hook_of_its_queue,
        a_batch_that_is_rolled_back_is_told_to_nobody,
        a_message_that_comes_again_is_told_once,
        what_came_before_the_hook_was_set_is_not_told,
        a_bad_entry_is_told_as_well_and_one_without_work_is_not,
        a_delivery_is_there_until_it_arrived_whoever_dies_before,
        a_failed_delivery_waits_and_holds_up_no_other,
        what_was_given_up_is_counted_and_comes_back_when_it_is_asked_for,
        another_target_gets_what_is_pending_and_none_drops_it,
        a_secret_is_kept_as_it_is,
        a_hook_that_no_terminal_should_see_is_refused,
        a_moved_entry_is_new_in_the_other_queue_with_no_attempts,
        an_entry_that_is_done_can_be_moved_but_not_tried_again,
        what_is_moved_is_told_in_its_new_queue_under_a_name_of_its_own,
        what_comes_into_an_error_queue_is_told_to_its_hooks,
        an_entry_without_work_is_done_counted_and_keeps_its_message,
        a_lease_that_ran_out_is_a_failure_of_its_entry,
        a_lease_that_ran_out_does_not_stop_who_takes_next,
        the_result_of_a_lease_that_ran_out_and_was_counted_is_refused,
        without_retries_an_entry_whose_lease_ran_out_goes_to_who_takes_next,
        error_queues_that_lead_back_are_refused,
    };
    Suite *s = suite_create("queue hook");
    TCase *kinds = tcase_create("back ends"), *old = tcase_create("SQLite alone");
    tcase_add_checked_fixture(kinds, NULL, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_loop_test(kinds, tests[i], 0, QUEUE_FIXTURE_KINDS);
    tcase_add_checked_fixture(old, NULL, teardown);
    tcase_add_test(old, a_queue_of_schema_4_opens_and_tells_of_what_comes_from_then_on);
    tcase_add_test(old,
                   hooks_that_memory_does_not_suffice_for_are_an_error_not_the_end_of_the_list);
    suite_add_tcase(s, kinds);
    suite_add_tcase(s, old);
    return s;
}

CHECK_MAIN(suite)
