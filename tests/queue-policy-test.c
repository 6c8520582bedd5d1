/* SPDX-License-Identifier: Apache-2.0 */
/* queue-policy-test.c - retries, error queues and throttling: the decisions by themselves, and
 * every back end that carries them out. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <string.h>

#include "queue-fixture.h"
#include "queue-policy.h"

/* ---- Decisions ------------------------------------------------------------------------------- */

static const struct queue_policy linear = {
    .retry = QUEUE_RETRY_LINEAR, .retries = 3, .retry_s = 60};
static const struct queue_policy exponential = {
    .retry = QUEUE_RETRY_EXPONENTIAL, .retries = 1000, .retry_s = 10, .base_milli = 2000};

static int64_t delay(const struct queue_policy *policy, uint32_t attempts, uint32_t random)
{
    int64_t due_s = -1;
    ck_assert_int_eq(queue_policy_failed(policy, attempts, 1000, random, &due_s),
                     QUEUE_VERDICT_RETRY);
    return due_s - 1000;
}

START_TEST(without_a_policy_a_failed_entry_stays_failed)
{
    const struct queue_policy none = {.retry = QUEUE_RETRY_NONE};
    int64_t due_s;
    ck_assert_int_eq(queue_policy_failed(&none, 1, 1000, 7, &due_s), QUEUE_VERDICT_FAIL);
    ck_assert_int_eq(due_s, 0);
}
END_TEST

START_TEST(linear_retries_wait_the_same_time_until_they_are_used_up)
{
    int64_t due_s;
    for (uint32_t attempts = 1; attempts <= 3; attempts++)
        ck_assert_int_eq(delay(&linear, attempts, attempts * 1000000007u), 60);
    ck_assert_int_eq(queue_policy_failed(&linear, 4, 1000, 7, &due_s), QUEUE_VERDICT_FAIL);
    struct queue_policy aside = linear;
    memcpy(aside.error_queue, "errors", sizeof "errors");
    ck_assert_int_eq(queue_policy_failed(&aside, 4, 1000, 7, &due_s), QUEUE_VERDICT_ASIDE);
    ck_assert_int_eq(due_s, 0);
}
END_TEST

START_TEST(the_kth_exponential_retry_waits_from_base_to_the_k_less_one_to_base_to_the_k_intervals)
{
    for (uint32_t k = 1; k <= 10; k++) {
        int64_t from_s = 10 * (INT64_C(1) << (k - 1));
        ck_assert_int_eq(delay(&exponential, k, 0), from_s);
        ck_assert_int_eq(delay(&exponential, k, UINT32_C(1) << 31), from_s + from_s / 2);
        ck_assert_int_eq(delay(&exponential, k, UINT32_MAX), 2 * from_s - 1);
    }
}
END_TEST

START_TEST(no_retry_waits_longer_than_the_limit_however_often_it_failed)
{
    ck_assert_int_eq(delay(&exponential, 1000, UINT32_MAX), QUEUE_DELAY_MAX_S);
    struct queue_policy slow = exponential;
    slow.base_milli = QUEUE_BASE_MILLI_MIN;
    slow.retries = QUEUE_RETRIES_MAX;
    ck_assert_int_eq(delay(&slow, QUEUE_RETRIES_MAX, 0), QUEUE_DELAY_MAX_S);
}
END_TEST

START_TEST(a_window_closes_with_its_last_item_and_opens_when_its_interval_is_over)
{
    const struct queue_policy policy = {.throttle_items = 2, .throttle_s = 60};
    struct queue_window window = {.start_s = 0};
    ck_assert(queue_window_is_open(&window, 1000));
    window = queue_window_count(&policy, &window, 1000);
    ck_assert(queue_window_is_open(&window, 1010));
    window = queue_window_count(&policy, &window, 1010);
    ck_assert(!queue_window_is_open(&window, 1010));
    ck_assert(!queue_window_is_open(&window, 1059));
    ck_assert(queue_window_is_open(&window, 1060));
    ck_assert(queue_window_is_open(&window, 900)); /* the clock was set back */
    window = queue_window_count(&policy, &window, 1075);
    ck_assert(window.start_s == 1075 && window.taken == 1 && window.open_s == 0);
}
END_TEST

static const struct check_row {
    struct queue_policy policy;
    const char *says; /* NULL: it is fine */
} check_rows[] = {
    {{.retry = QUEUE_RETRY_NONE}, NULL},
    {{.retry = QUEUE_RETRY_LINEAR, .retries = 1, .retry_s = 1}, NULL},
    {{.retry = QUEUE_RETRY_LINEAR, .retries = 0, .retry_s = 1}, "retries"},
    {{.retry = QUEUE_RETRY_LINEAR, .retries = QUEUE_RETRIES_MAX + 1, .retry_s = 1}, "retries"},
    {{.retry = QUEUE_RETRY_LINEAR, .retries = 1, .retry_s = 0}, "retry interval"},
    {{.retry = QUEUE_RETRY_LINEAR, .retries = 1, .retry_s = QUEUE_DELAY_MAX_S + 1}, "interval"},
    {{.retry = QUEUE_RETRY_EXPONENTIAL, .retries = 1, .retry_s = 1, .base_milli = 1000}, "base"},
    {{.retry = QUEUE_RETRY_EXPONENTIAL, .retries = 1, .retry_s = 1, .base_milli = 1001}, NULL},
    {{.throttle_items = 1, .throttle_s = 0}, "throttling interval"},
    {{.throttle_items = QUEUE_THROTTLE_ITEMS_MAX + 1, .throttle_s = 1}, "items per interval"},
    {{.error_queue = "work"}, "its own error queue"},
    {{.error_queue = "a\nb"}, "characters"},
};

START_TEST(a_policy_beyond_its_limits_is_refused_with_what_is_wrong)
{
    const struct check_row *row = &check_rows[_i];
    struct error err = {.text = ""};
    ck_assert_int_eq(queue_policy_check("work", &row->policy, &err), row->says == NULL ? 0 : -1);
    if (row->says != NULL)
        ck_assert_msg(strstr(err.text, row->says) != NULL, "%s", err.text);
}
END_TEST

/* ---- Back ends ------------------------------------------------------------------------------- */

static struct queue_fixture f;

static void teardown(void)
{
    queue_fixture_done(&f);
}

#define START() queue_fixture_init(&f, _i)

static void configure(const char *name, const struct queue_policy *policy)
{
    ck_well(&f, queue_configure(f.queue, name, policy, &f.err));
}

/* The UID of the entry that is taken, 0 for none; its id and fence are kept. */
static char taken_id[QUEUE_ID_TEXT];
static uint64_t fence;
static uint32_t take(const char *queue_name)
{
    AUTO(queue_entry) entry = NULL;
    ck_well(&f, queue_take(f.queue, queue_name, 60, &entry, &f.err));
    if (entry == NULL)
        return 0;
    memcpy(taken_id, entry->id, sizeof taken_id);
    fence = entry->fence;
    return entry->uid;
}

static struct queue_entry *work_and_fail(uint32_t uid)
{
    struct queue_entry *entry = NULL;
    ck_assert_uint_eq(take("default"), uid);
    ck_well(&f, queue_fail(f.queue, taken_id, fence, "no invoice number", &f.err));
    ck_well(&f, queue_get(f.queue, taken_id, &entry, &f.err));
    return entry;
}

START_TEST(a_failed_entry_waits_for_its_retry_and_is_then_taken)
{
    START();
    configure("default", &linear);
    queue_fixture_add(&f, 1, 1);
    AUTO(queue_entry) waiting = work_and_fail(1);
    ck_assert_int_eq(waiting->state, QUEUE_NEW);
    ck_assert_int_eq(waiting->due_s, f.now_s + 60);
    ck_assert_str_eq(waiting->error, "no invoice number");
    ck_assert_uint_eq(waiting->attempts, 1);
    f.now_s += 59;
    ck_assert_uint_eq(take(NULL), 0);
    f.now_s += 1;
    ck_assert_uint_eq(take(NULL), 1);
}
END_TEST

START_TEST(of_entries_that_were_put_off_the_one_due_longest_goes_before_the_new)
{
    START();
    configure("default", &linear);
    queue_fixture_add(&f, 1, 4);
    ck_assert_uint_eq(take("default"), 1);
    ck_assert_uint_eq(take("default"), 2);
    ck_well(&f, queue_fail(f.queue, taken_id, fence, "why", &f.err));
    f.now_s += 5;
    char id[QUEUE_ID_TEXT];
    queue_fixture_id(1, id);
    ck_well(&f, queue_fail(f.queue, id, 0, "why", &f.err));
    f.now_s += 54;
    ck_assert_uint_eq(take(NULL), 3); /* neither is due */
    f.now_s += 10;
    ck_assert_uint_eq(take(NULL), 2);
    ck_assert_uint_eq(take(NULL), 1);
    ck_assert_uint_eq(take(NULL), 4);
    ck_assert_uint_eq(take(NULL), 0);
}
END_TEST

START_TEST(what_waits_for_a_retry_holds_up_nothing_else)
{
    START();
    configure("default", &linear);
    queue_fixture_add(&f, 1, 2);
    AUTO(queue_entry) waiting = work_and_fail(1);
    ck_assert_int_eq(waiting->state, QUEUE_NEW);
    ck_assert_uint_eq(take(NULL), 2);
}
END_TEST

START_TEST(used_up_retries_leave_an_entry_failed_where_there_is_no_error_queue)
{
    START();
    configure("default", &linear);
    queue_fixture_add(&f, 1, 1);
    for (unsigned attempt = 1; attempt <= 4; attempt++) {
        AUTO(queue_entry) entry = work_and_fail(1);
        ck_assert_int_eq(entry->state, attempt <= 3 ? QUEUE_NEW : QUEUE_FAILED);
        ck_assert_uint_eq(entry->attempts, attempt);
        f.now_s += 60;
    }
    ck_assert_uint_eq(take("default"), 0);
}
END_TEST

START_TEST(used_up_retries_bring_an_entry_to_the_error_queue_with_no_attempts)
{
    START();
    struct queue_policy policy = linear;
    policy.retries = 1;
    memcpy(policy.error_queue, "errors", sizeof "errors");
    configure("default", &policy);
    queue_fixture_add(&f, 1, 1);
    AUTO(queue_entry) waiting = work_and_fail(1);
    ck_assert_str_eq(waiting->queue, "default");
    f.now_s += 60;
    AUTO(queue_entry) aside = work_and_fail(1);
    ck_assert_str_eq(aside->queue, "errors");
    ck_assert_int_eq(aside->state, QUEUE_NEW);
    ck_assert_uint_eq(aside->attempts, 0);
    ck_assert_int_eq(aside->due_s, 0);
    ck_assert_str_eq(aside->error, "no invoice number");
    struct queue_stats stats;
    ck_well(&f, queue_stats(f.queue, "default", &stats, &f.err));
    ck_assert(stats.by_state[QUEUE_NEW] == 0 && stats.by_state[QUEUE_TAKEN] == 0);
    ck_well(&f, queue_stats(f.queue, "errors", &stats, &f.err));
    ck_assert(stats.by_state[QUEUE_NEW] == 1 && stats.raw_bytes != 0);
    const struct queue_filter there = {.queue = "errors"}, here = {.queue = "default"};
    ck_assert_str_eq(queue_fixture_uids(&f, &there), "1");
    ck_assert_str_eq(queue_fixture_uids(&f, &here), "");
}
END_TEST

START_TEST(only_who_names_an_error_queue_takes_from_it)
{
    START();
    const struct queue_policy policy = {.error_queue = "errors"};
    configure("default", &policy);
    queue_fixture_add(&f, 1, 1);
    AUTO(queue_entry) aside = work_and_fail(1);
    ck_assert_str_eq(aside->queue, "errors");
    ck_assert_uint_eq(take(NULL), 0);
    ck_assert_uint_eq(take("errors"), 1);
}
END_TEST

START_TEST(a_message_in_the_error_queue_is_not_put_again)
{
    START();
    const struct queue_policy policy = {.error_queue = "errors"};
    configure("default", &policy);
    queue_fixture_add(&f, 1, 1);
    queue_entry_free(work_and_fail(1));
    struct queue_item item = queue_fixture_item(1);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_DUPLICATE);
    queue_rollback(f.queue);
    ck_assert_uint_eq(queue_fixture_count(&f), 1);
}
END_TEST

START_TEST(a_throttled_queue_gives_so_many_in_an_interval_and_goes_on_after_it)
{
    START();
    const struct queue_policy policy = {.throttle_items = 2, .throttle_s = 60};
    configure("default", &policy);
    queue_fixture_add(&f, 1, 5);
    ck_assert_uint_eq(take(NULL), 1);
    f.now_s += 10;
    ck_assert_uint_eq(take("default"), 2);
    ck_assert_uint_eq(take("default"), 0);
    ck_assert_uint_eq(take(NULL), 0);
    queue_fixture_reopen(&f); /* what was taken is known to whoever opens it next */
    if (!f.keeps)
        return;
    ck_assert_uint_eq(take(NULL), 0);
    f.now_s += 50; /* the first lease is over as well, and its entry stands before the rest */
    ck_assert_uint_eq(take(NULL), 1);
    ck_assert_uint_eq(take(NULL), 3);
    ck_assert_uint_eq(take(NULL), 0);
}
END_TEST

START_TEST(a_throttled_queue_holds_up_no_other)
{
    START();
    const struct queue_policy policy = {.throttle_items = 1, .throttle_s = 60};
    configure("default", &policy);
    queue_fixture_add(&f, 1, 2);
    struct queue_item item = queue_fixture_item(3);
    item.queue = "other";
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    ck_assert_uint_eq(take(NULL), 1);
    ck_assert_uint_eq(take(NULL), 3);
    ck_assert_uint_eq(take(NULL), 0);
}
END_TEST

START_TEST(a_new_policy_begins_the_interval_anew)
{
    START();
    const struct queue_policy narrow = {.throttle_items = 1, .throttle_s = 3600};
    const struct queue_policy none = {.throttle_items = 0};
    configure("default", &narrow);
    queue_fixture_add(&f, 1, 3);
    ck_assert_uint_eq(take(NULL), 1);
    ck_assert_uint_eq(take(NULL), 0);
    configure("default", &none);
    ck_assert_uint_eq(take(NULL), 2);
    ck_assert_uint_eq(take(NULL), 3);
}
END_TEST

static int name_visit(void *context, const struct queue_named *named)
{
    char *names = context;
    size_t at = strlen(names);
    (void)snprintf(names + at, 200 - at, "%s%s%s", at == 0 ? "" : " ", named->name,
                   named->is_error_queue ? "!" : "");
    return 0;
}

START_TEST(settings_are_kept_and_all_queues_are_known_by_name)
{
    START();
    const struct queue_policy policy = {QUEUE_RETRY_EXPONENTIAL, 5, 30, 1500, 10, 60, "errors",
                                        "Subject:/order/"};
    configure("work", &policy);
    queue_fixture_add(&f, 1, 1);
    char names[200] = "";
    ck_well(&f, queue_named_each(f.queue, name_visit, names, &f.err));
    ck_assert_str_eq(names, "default errors! work");
    struct queue_named named;
    ck_well(&f, queue_named_get(f.queue, "never seen", &named, &f.err));
    ck_assert(named.policy.retry == QUEUE_RETRY_NONE && named.policy.throttle_items == 0);
    if (f.keeps)
        queue_fixture_reopen(&f);
    ck_well(&f, queue_named_get(f.queue, "work", &named, &f.err));
    ck_assert_str_eq(named.name, "work");
    ck_assert(named.policy.retry == QUEUE_RETRY_EXPONENTIAL && named.policy.retries == 5 &&
              named.policy.retry_s == 30 && named.policy.base_milli == 1500 &&
              named.policy.throttle_items == 10 && named.policy.throttle_s == 60);
    ck_assert_str_eq(named.policy.error_queue, "errors");
}
END_TEST

START_TEST(a_queue_is_not_configured_inside_an_open_batch)
{
    START();
    struct queue_item item = queue_fixture_item(1);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_configure(f.queue, "default", &linear, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_BUG);
}
END_TEST

static Suite *suite(void)
{
    const TTest *const plain_tests[] = {
        without_a_policy_a_failed_entry_stays_failed,
        linear_retries_wait_the_same_time_until_they_are_used_up,
        the_kth_exponential_retry_waits_from_base_to_the_k_less_one_to_base_to_the_k_intervals,
        no_retry_waits_longer_than_the_limit_however_often_it_failed,
        a_window_closes_with_its_last_item_and_opens_when_its_interval_is_over,
    };
    const TTest *const kind_tests[] = {
        a_failed_entry_waits_for_its_retry_and_is_then_taken,
        of_entries_that_were_put_off_the_one_due_longest_goes_before_the_new,
        what_waits_for_a_retry_holds_up_nothing_else,
        used_up_retries_leave_an_entry_failed_where_there_is_no_error_queue,
        used_up_retries_bring_an_entry_to_the_error_queue_with_no_attempts,
        only_who_names_an_error_queue_takes_from_it,
        a_message_in_the_error_queue_is_not_put_again,
        a_throttled_queue_gives_so_many_in_an_interval_and_goes_on_after_it,
        a_throttled_queue_holds_up_no_other,
        a_new_policy_begins_the_interval_anew,
        settings_are_kept_and_all_queues_are_known_by_name,
        a_queue_is_not_configured_inside_an_open_batch,
    };
    Suite *s = suite_create("queue policy");
    TCase *plain = tcase_create("decisions"), *kinds = tcase_create("back ends");
    for (size_t i = 0; i < sizeof plain_tests / sizeof plain_tests[0]; i++)
        tcase_add_test(plain, plain_tests[i]);
    tcase_add_loop_test(plain, a_policy_beyond_its_limits_is_refused_with_what_is_wrong, 0,
                        sizeof check_rows / sizeof check_rows[0]);
    tcase_add_checked_fixture(kinds, NULL, teardown);
    for (size_t i = 0; i < sizeof kind_tests / sizeof kind_tests[0]; i++)
        tcase_add_loop_test(kinds, kind_tests[i], 0, QUEUE_FIXTURE_KINDS);
    suite_add_tcase(s, plain);
    suite_add_tcase(s, kinds);
    return s;
}

CHECK_MAIN(suite)
