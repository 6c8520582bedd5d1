/* SPDX-License-Identifier: Apache-2.0 */
/* child-test.c - promises about programs that are run: what they read, say, inherit and when they
 * are ended. */
#include <config.h>
#include "check-main.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "cleanup.h"
#include "text.h"

#define OUTPUT_MAX 256u
#define LARGE (300u << 10) /* bytes; a pipe holds 64 kB */
#define LONG_MS 60000u

static char output[OUTPUT_MAX + 1];
static char *large;

static void setup(void)
{
    (void)signal(SIGPIPE, SIG_IGN); /* as the program has it */
    large = malloc(LARGE);
    ck_assert_ptr_nonnull(large);
    memset(large, 'x', LARGE);
}

static void teardown(void)
{
    free(large);
}

/* The task of a shell that does what @script says; one at a time. */
static struct child_task shell(const char *script)
{
    static char text[400], sh[] = "/bin/sh", c[] = "-c", path[] = "PATH=/usr/bin:/bin";
    static char *words[] = {sh, c, text, NULL}, *environment[] = {path, NULL};
    text_copy(text, sizeof text, script);
    return (struct child_task){.words = words,
                               .environment = environment,
                               .with_errors = true,
                               .limit_ms = LONG_MS,
                               .end_ms = LONG_MS};
}

static struct child_result run(const struct child_task *task)
{
    struct child_result result = child_run(task, output, OUTPUT_MAX);
    output[result.size] = '\0';
    return result;
}

static void ck_ended(const struct child_result *result, int code)
{
    ck_assert_int_eq(result->end, CHILD_ENDED);
    ck_assert(WIFEXITED(result->status));
    ck_assert_int_eq(WEXITSTATUS(result->status), code);
}

START_TEST(what_it_says_is_kept_and_how_it_ended_is_told)
{
    struct child_task task = shell("echo out; echo err >&2; exit 7");
    struct child_result result = run(&task);
    ck_ended(&result, 7);
    ck_assert(result.told);
    ck_assert_str_eq(output, "out\nerr\n");
}
END_TEST

START_TEST(one_whose_end_cannot_be_known_has_not_ended_well)
{
    struct child_task task = shell("exit 0");
    (void)signal(SIGCHLD, SIG_IGN); /* as a careless starter leaves it */
    struct child_result result = run(&task);
    (void)signal(SIGCHLD, SIG_DFL);
    ck_assert(!WIFEXITED(result.status) || WEXITSTATUS(result.status) != 0);
}
END_TEST

START_TEST(a_large_input_is_read_to_its_end)
{
    struct child_task task = shell("wc -c");
    task.input = large;
    task.input_size = LARGE;
    struct child_result result = run(&task);
    ck_ended(&result, 0);
    ck_assert_uint_eq(strtoul(output, NULL, 10), LARGE);
}
END_TEST

START_TEST(one_that_says_nothing_more_reads_its_input_to_the_end)
{
    struct child_task task = shell("exec >/dev/null 2>&1; sleep 0.2; test $(wc -c) -eq 307200");
    task.input = large;
    task.input_size = LARGE;
    struct child_result result = run(&task);
    ck_ended(&result, 0);
}
END_TEST

START_TEST(one_that_does_not_read_has_ended_all_the_same)
{
    struct child_task task = shell("exec <&-; sleep 0.1; echo done");
    task.input = large;
    task.input_size = LARGE;
    struct child_result result = run(&task);
    ck_ended(&result, 0);
    ck_assert_str_eq(output, "done\n");
}
END_TEST

/* The grandchild would hold it up for longer than the limit. */
START_TEST(who_holds_the_input_of_one_that_is_over_is_not_waited_for)
{
    struct child_task task = shell("exec >/dev/null 2>&1; sleep 100 <&0 & exit 3");
    task.input = large;
    task.input_size = LARGE;
    task.limit_ms = 20000;
    struct child_result result = run(&task);
    ck_ended(&result, 3);
}
END_TEST

START_TEST(one_line_is_all_that_is_wanted_where_it_is)
{
    struct child_task task = shell("echo first; echo second");
    task.one_line = true;
    struct child_result result = run(&task);
    ck_assert(result.told);
    ck_assert_str_eq(output, "first");
}
END_TEST

static const char *const hanging[] = {"sleep 100", "exec >/dev/null 2>&1; sleep 100"};

START_TEST(one_that_is_late_is_ended)
{
    struct child_task task = shell(hanging[_i]);
    task.input = large;
    task.input_size = LARGE;
    task.limit_ms = 200;
    struct child_result result = run(&task);
    ck_assert_int_eq(result.end, CHILD_LATE);
    ck_assert(WIFSIGNALED(result.status));
}
END_TEST

static int at_the_third_time(void *context)
{
    int *asked = context;
    return ++*asked >= 3;
}

START_TEST(one_that_is_cancelled_is_ended)
{
    int asked = 0;
    struct child_task task = shell(hanging[_i]);
    task.input = large;
    task.input_size = LARGE;
    task.cancelled = at_the_third_time;
    task.cancel_context = &asked;
    struct child_result result = run(&task);
    ck_assert_int_eq(result.end, CHILD_CANCELLED);
    ck_assert(WIFSIGNALED(result.status));
}
END_TEST

#ifdef HAVE_POSIX_SPAWN_FILE_ACTIONS_ADDCLOSEFROM_NP
/* As libcurl opens some, without O_CLOEXEC. */
START_TEST(descriptors_that_libraries_leave_open_are_not_inherited)
{
    AUTO_FD left = open("/dev/null", O_RDONLY);
    AUTO_FD high = fcntl(left, F_DUPFD, 60);
    ck_assert_int_ge(high, 60);
    struct child_task task = shell("exec ls /proc/self/fd");
    struct child_result result = run(&task);
    ck_ended(&result, 0);
    ck_assert_str_eq(output, "0\n1\n2\n3\n"); /* 3: the folder itself */
}
END_TEST
#endif

/* run() while there are descriptors for @more than those that are open. */
static struct child_result run_with_descriptors(const struct child_task *task, unsigned more)
{
    struct rlimit usual;
    AUTO_FD next = dup(STDIN_FILENO); /* one of those that are open */
    ck_assert_int_ge(next, 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
    const struct rlimit few = {(rlim_t)next + 1 + more, usual.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    struct child_result result = run(task);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
    return result;
}

/* None for the output's pipe; one pipe, and none for the input's. */
static const unsigned left_open[] = {0, 2};

START_TEST(without_descriptors_it_is_not_started_and_standard_input_stays_open)
{
    struct child_task task = shell("true");
    task.input = large;
    task.input_size = LARGE;
    struct child_result result = run_with_descriptors(&task, left_open[_i]);
    ck_assert_int_eq(result.end, CHILD_NOT_STARTED);
    ck_assert_int_eq(result.errno_, EMFILE);
    ck_assert_int_ge(fcntl(STDIN_FILENO, F_GETFD), 0);
}
END_TEST

#define COUNT(of) ((int)(sizeof(of) / sizeof(of)[0]))

static Suite *suite(void)
{
    Suite *suite = suite_create("child");
    TCase *tests = tcase_create("child");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_it_says_is_kept_and_how_it_ended_is_told);
    tcase_add_test(tests, one_whose_end_cannot_be_known_has_not_ended_well);
    tcase_add_test(tests, a_large_input_is_read_to_its_end);
    tcase_add_test(tests, one_that_says_nothing_more_reads_its_input_to_the_end);
    tcase_add_test(tests, one_that_does_not_read_has_ended_all_the_same);
    tcase_add_test(tests, who_holds_the_input_of_one_that_is_over_is_not_waited_for);
    tcase_add_test(tests, one_line_is_all_that_is_wanted_where_it_is);
    tcase_add_loop_test(tests, one_that_is_late_is_ended, 0, COUNT(hanging));
    tcase_add_loop_test(tests, one_that_is_cancelled_is_ended, 0, COUNT(hanging));
#ifdef HAVE_POSIX_SPAWN_FILE_ACTIONS_ADDCLOSEFROM_NP
    tcase_add_test(tests, descriptors_that_libraries_leave_open_are_not_inherited);
#endif
    tcase_add_loop_test(tests, without_descriptors_it_is_not_started_and_standard_input_stays_open,
                        0, COUNT(left_open));
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(suite)
