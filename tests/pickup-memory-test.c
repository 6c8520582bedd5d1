/* SPDX-License-Identifier: Apache-2.0 */
/* pickup-memory-test.c - whichever allocation of a pick-up fails, alone or with all behind it: it
 * is told, nothing is lost, doubled or leaked, and the next pick-up ends as if nothing had been.
 *
 * A pick-up has some 13,000 allocations, most of them SQLite's, which come by some 1,850
 * call paths. The first of each path fails, and of each fourth all behind it as well; with
 * PICKUP_MEMORY=all every one (make sweep-oom). */
#include <config.h>
#include "check-main.h"

#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "oom-shim.h"
#include "pickup-rounds.h"

#define LEAST_ALLOCATIONS 500 /* of a pick-up: with fewer the shim looked elsewhere */
#define APART 4 /* of so many paths one where all behind it fails as well: each takes as long */
#define LEAST_PATHS 500
#define HOST_NOT_FOUND 69 /* exit code */

static const char allocation[] = "allocation";
static void (*shim_arm)(long at, bool goes_on);
static void (*shim_list)(int fd);
static long (*shim_disarm)(bool *out_failed);

/* Of want of memory. What libcurl lacks it for while it looks up a host, it calls a host that is
 * not found. */
static bool tells(const char *line, int code)
{
    bool memory = strstr(line, "out of memory") != NULL ||
                  strstr(line, "Cannot allocate memory") != NULL; /* ENOMEM */
    bool host = code == HOST_NOT_FOUND && strstr(line, ": host not found (") != NULL &&
                (strstr(line, "Could not resolve host") != NULL ||
                 strstr(line, "thread failed to start") != NULL);
    return strncmp(line, "mailchute: ", 11) == 0 && (memory || host);
}

/* A line, and maybe one before it of attempts that could not be taken back: each tells, and of
 * nothing else. */
static void judge_end(struct rounds *r, int code, long n)
{
    char said[ROUNDS_SAID_MAX], *rest = said;
    int lines = 0;
    (void)snprintf(said, sizeof said, "%s", r->said);
    for (char *line = strsep(&rest, "\n"); code != 0 && rest != NULL;
         line = strsep(&rest, "\n"), lines++)
        ck_assert_msg(tells(line, code),
                      "allocation %ld failed, and with exit code %d was said '%s'", n, code,
                      r->said);
    ck_assert_msg(code == 0 || (lines >= 1 && lines <= 2 && *said != '\0'),
                  "allocation %ld failed, and with exit code %d was said '%s'", n, code, r->said);
}

/* What a pick-up does while something is armed to fail, and the one behind it. */
static long rounds_fail(struct rounds *r, long n, bool *out_failed)
{
    int code = rounds_pickup(r);
    long counted = shim_disarm(out_failed);
    ck_assert_msg(*out_failed || (code == 0 && counted > LEAST_ALLOCATIONS),
                  "nothing failed, and of %ld allocations exit code %d: %s", counted, code,
                  r->said);
    judge_end(r, code, n);
    rounds_judge(r, code == 0, allocation, n);
    rounds_go_on(r, allocation, n);
    return counted;
}

/* "NUMBER PATH" of the first allocation of each call path in an undisturbed pick-up; one before it
 * makes what is made once. The number is what is asked for then: a path begins at who calls, here.
 */
static FILE *rounds_list(struct rounds *r)
{
    bool failed;
    int fd = memfd_create("paths", MFD_CLOEXEC);
    FILE *list = fdopen(fd, "r");
    ck_assert_ptr_nonnull(list);
    for (int i = 0; i < 2; i++) {
        rounds_next(r);
        if (i == 1)
            shim_list(fd);
        int code = rounds_pickup(r);
        ck_assert_msg(code == 0, "undisturbed, with exit code %d: %s", code, r->said);
    }
    (void)shim_disarm(&failed);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    return list;
}

static void fail_each(bool goes_on)
{
    static struct rounds r = {.keep_open = true};
    long paths = 0, missed = 0;
    char line[64];
    rounds_init(&r);
    FILE *list = rounds_list(&r);
    for (; fgets(line, sizeof line, list) != NULL; paths++) {
        bool failed;
        long n = strtol(line, NULL, 10);
        if (goes_on && paths % APART != 0)
            continue;
        rounds_next(&r);
        shim_arm(n, goes_on);
        (void)rounds_fail(&r, n, &failed);
        missed += !failed;
    }
    ck_assert_msg(paths > LEAST_PATHS && missed <= paths / 100, "%ld of %ld did not fail", missed,
                  paths);
    (void)fclose(list);
    rounds_done(&r);
}

static void fail_all(bool goes_on)
{
    static struct rounds r = {.keep_open = true};
    bool failed = true;
    rounds_init(&r);
    for (long n = 1; failed; n++) {
        rounds_next(&r);
        shim_arm(n, goes_on);
        long counted = rounds_fail(&r, n, &failed);
        ck_assert_msg(failed || counted < n, "of %ld allocations number %ld did not fail", counted,
                      n);
    }
    rounds_done(&r);
}

static void pickups_fail(bool goes_on)
{
    const char *all = getenv("PICKUP_MEMORY");
    if (all != NULL && strcmp(all, "all") == 0)
        fail_all(goes_on);
    else
        fail_each(goes_on);
}

START_TEST(whichever_allocation_fails_nothing_is_lost_doubled_or_leaked)
{
    pickups_fail(false);
}
END_TEST

START_TEST(from_whichever_allocation_on_all_fail_nothing_is_lost_doubled_or_leaked)
{
    pickups_fail(true);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pickup-memory");
    TCase *t = tcase_create("pickup-memory");
    tcase_set_timeout(t, ROUNDS_TIMEOUT_S);
    tcase_add_test(t, whichever_allocation_fails_nothing_is_lost_doubled_or_leaked);
    tcase_add_test(t, from_whichever_allocation_on_all_fail_nothing_is_lost_doubled_or_leaked);
    suite_add_tcase(s, t);
    return s;
}

int main(int argc, char **argv)
{
    (void)argc;
    *(void **)&shim_arm = rounds_preload("oom-shim.so", "oom_shim_arm", argv);
    *(void **)&shim_list = rounds_preload("oom-shim.so", "oom_shim_list", argv);
    *(void **)&shim_disarm = rounds_preload("oom-shim.so", "oom_shim_disarm", argv);
    return check_main(suite());
}
