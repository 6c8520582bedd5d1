/* SPDX-License-Identifier: Apache-2.0 */
/* name-server-test.c - promises about a name server that is silent: who stops does not wait for it.
 *
 * getaddrinfo() is ours: libcurl calls it, in a thread of its own. */
#include <config.h>
#include "check-main.h"

#include <netdb.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#include "http-client.h"
#include "post.h"

#define SILENT_S 30 /* at most, so that a test that fails ends */

static sem_t answer_now, answered;
static atomic_bool is_asked, has_answered;

__attribute__((visibility("default")))
int getaddrinfo(const char *restrict name, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict found)
{
    struct timespec end;
    (void)name;
    (void)service;
    (void)hints;
    *found = NULL;
    atomic_store(&is_asked, true);
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += SILENT_S;
    (void)sem_timedwait(&answer_now, &end);
    atomic_store(&has_answered, true);
    sem_post(&answered);
    return EAI_AGAIN;
}

static void setup(void)
{
    ck_assert_int_eq(sem_init(&answer_now, 0, 0), 0);
    ck_assert_int_eq(sem_init(&answered, 0, 0), 0);
    atomic_store(&is_asked, false); /* anew: valgrind runs all tests in one process */
    atomic_store(&has_answered, false);
}

/* The stop came while it was silent, and was heeded while it still was. */
static void ck_stopped(const struct error *err)
{
    ck_assert_int_eq(err->class, ERROR_CANCELLED);
    ck_assert(atomic_load(&is_asked));
    ck_assert(!atomic_load(&has_answered));
    sem_post(&answer_now);
    while (sem_wait(&answered) < 0)
        ;
}

static bool stop_client(void *context)
{
    (void)context;
    return atomic_load(&is_asked);
}

START_TEST(a_client_that_is_stopped_closes_without_waiting_for_it)
{
    const struct http_client_settings settings = {.clock = clock_system(),
                                                  .cancelled = stop_client};
    const struct http_client_request request = {.method = "GET", .url = "https://silent.example/"};
    struct http_client *client = NULL;
    struct http_client_answer answer = {.status = 0};
    struct error err = {0};
    buffer_init(&answer.body, 100);
    ck_assert_int_eq(http_client_open(&settings, &client, &err), 0);
    ck_assert_int_eq(http_client_run(client, &request, &answer, &err), -1);
    http_client_close(client);
    buffer_done(&answer.body);
    ck_stopped(&err);
}
END_TEST

static int stop_post(void *context)
{
    (void)context;
    return atomic_load(&is_asked);
}

START_TEST(a_post_that_is_stopped_ends_without_waiting_for_it)
{
    static const char *const headers[] = {NULL};
    const struct post post = {.url = "https://silent.example/", .headers = headers, .body = "{}",
                              .body_size = 2, .limit_ms = 60000, .cancelled = stop_post};
    struct post_answer answer = {0};
    struct error err = {0};
    ck_assert_int_eq(post_send(&post, &answer, &err), -1);
    ck_stopped(&err);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("name server");
    TCase *tests = tcase_create("silent");
    tcase_set_timeout(tests, 2 * SILENT_S);
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, a_client_that_is_stopped_closes_without_waiting_for_it);
    tcase_add_test(tests, a_post_that_is_stopped_ends_without_waiting_for_it);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(suite)
