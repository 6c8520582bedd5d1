/* SPDX-License-Identifier: Apache-2.0 */
/* serve-watch-test.c - what is told of a daemon whose loop is stuck, also with its lock in hand. */
#include <config.h>
#include "check-main.h"

#include <stdlib.h>
#include <string.h>

#include "serve-private.h"

static uint64_t now_ms;

static uint64_t test_monotonic_ms(void *context)
{
    (void)context;
    return now_ms;
}

static int64_t test_unix_s(void *context)
{
    (void)context;
    return (int64_t)(now_ms / 1000);
}

static struct clock test_clock = {test_monotonic_ms, test_unix_s, NULL};
static struct serve *serve;
static struct buffer told;

static void setup(void)
{
    now_ms = 1000000;
    serve = calloc(1, sizeof *serve);
    ck_assert_ptr_nonnull(serve);
    serve->options.clock = &test_clock;
    serve->loaded = true;
    ck_assert_int_eq(pthread_mutex_init(&serve->lock, NULL), 0);
    atomic_store(&serve->beat_ms, now_ms);
    buffer_init(&told, 1u << 20);
}

static void teardown(void)
{
    pthread_mutex_destroy(&serve->lock);
    free(serve);
    buffer_done(&told);
}

static int asked(enum serve_health what)
{
    buffer_clear(&told);
    return serve_append_health(serve, what, "office", &told);
}

START_TEST(a_loop_that_turns_is_live_and_ready)
{
    ck_assert_int_eq(asked(SERVE_LIVE), 200);
    ck_assert_int_eq(asked(SERVE_READY), 200);
    ck_assert_int_eq(asked(SERVE_SOURCE), 404);
    now_ms += 29000;
    ck_assert_int_eq(asked(SERVE_LIVE), 200);
}
END_TEST

START_TEST(a_loop_that_stopped_turning_is_stuck_whatever_is_asked)
{
    now_ms += 31000;
    for (unsigned what = SERVE_LIVE; what <= SERVE_SOURCE; what++) {
        ck_assert_int_eq(asked((enum serve_health)what), 503);
        ck_assert_ptr_nonnull(strstr(buffer_text(&told), "stuck"));
    }
}
END_TEST

START_TEST(a_loop_that_is_stuck_with_its_lock_is_told_of_and_nobody_hangs_with_it)
{
    ck_assert_int_eq(pthread_mutex_lock(&serve->lock), 0);
    ck_assert_int_eq(asked(SERVE_LIVE), 200); /* it has turned a moment ago */
    ck_assert_int_eq(asked(SERVE_READY), 503); /* and does not let go */
    ck_assert_ptr_nonnull(strstr(buffer_text(&told), "does not turn"));
    ck_assert_int_eq(serve_append_metrics(serve, &told), -1);
    now_ms += 31000;
    ck_assert_int_eq(asked(SERVE_LIVE), 503);
    pthread_mutex_unlock(&serve->lock);
}
END_TEST

START_TEST(a_queue_that_cannot_be_written_is_not_ready_and_yet_live)
{
    serve->queue_fails = true;
    ck_assert_int_eq(asked(SERVE_LIVE), 200);
    ck_assert_int_eq(asked(SERVE_READY), 503);
    serve->queue_fails = false;
    serve->stopping = true;
    ck_assert_int_eq(asked(SERVE_READY), 503);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("serve watch");
    TCase *all = tcase_create("health");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, a_loop_that_turns_is_live_and_ready);
    tcase_add_test(all, a_loop_that_stopped_turning_is_stuck_whatever_is_asked);
    tcase_add_test(all, a_loop_that_is_stuck_with_its_lock_is_told_of_and_nobody_hangs_with_it);
    tcase_add_test(all, a_queue_that_cannot_be_written_is_not_ready_and_yet_live);
    suite_add_tcase(s, all);
    return s;
}

CHECK_MAIN(suite)
