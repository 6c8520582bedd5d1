/* SPDX-License-Identifier: Apache-2.0 */
/* pickup-calls-test.c - whichever call on a file fails in a pick-up, nothing is lost or doubled, no
 * mail is blamed, no descriptor is left open, and the next pick-up ends as if nothing had been.
 *
 * Each call, one by one, until a pick-up gets through that has fewer: those that change files,
 * which fail for want of space, and all of them - open, read, stat, lock, map - which fail with
 * EIO. */
#include <config.h>
#include "check-main.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pickup-rounds.h"

#define LEAST_CHANGES 20 /* of a pick-up: with fewer the shim looked elsewhere */
#define LEAST_CALLS 100
#define BUG 70 /* exit code */

static long (*shim_restart)(void);

/* Lines that tell, and not of a bug. */
static void judge_end(struct rounds *r, int code, long n)
{
    for (char *line = r->said; code != 0 && *line != '\0'; line += *line == '\n') {
        ck_assert_msg(strncmp(line, "mailchute: ", 11) == 0 && code != BUG,
                      "call %ld failed, and with exit code %d was said '%s'", n, code, r->said);
        line += strcspn(line, "\n");
    }
    ck_assert_msg(code == 0 || r->said[0] != '\0', "call %ld failed, and none told why", n);
}

/* Whether call @n is one that there is. */
static bool rounds_fail(struct rounds *r, long n, long least)
{
    char at[32];
    (void)snprintf(at, sizeof at, "%ld", n);
    rounds_next(r);
    (void)setenv("FAIL_AT", at, 1);
    (void)shim_restart();
    int code = rounds_pickup(r);
    long counted = shim_restart();
    (void)unsetenv("FAIL_AT");
    ck_assert_msg(counted >= n || (code == 0 && counted >= least),
                  "call %ld of %ld did not fail, exit code %d: %s", n, counted, code, r->said);
    judge_end(r, code, n);
    rounds_judge(r, false, "call", n);
    rounds_go_on(r, "call", n);
    return counted >= n;
}

static void each_call_fails(int why, bool all)
{
    static struct rounds r;
    char number[32];
    rounds_init(&r);
    (void)snprintf(number, sizeof number, "%d", why);
    (void)setenv("FAIL_ERRNO", number, 1);
    if (all)
        (void)setenv("FAIL_ALL", r.folder, 1);
    for (long n = 1; rounds_fail(&r, n, all ? LEAST_CALLS : LEAST_CHANGES); n++)
        ;
    rounds_done(&r);
}

START_TEST(whichever_change_finds_no_space_nothing_is_lost_doubled_or_blamed)
{
    each_call_fails(ENOSPC, false);
}
END_TEST

START_TEST(whichever_call_on_a_file_fails_nothing_is_lost_doubled_or_blamed)
{
    each_call_fails(EIO, true);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pickup-calls");
    TCase *t = tcase_create("pickup-calls");
    tcase_set_timeout(t, ROUNDS_TIMEOUT_S);
    tcase_add_test(t, whichever_change_finds_no_space_nothing_is_lost_doubled_or_blamed);
    tcase_add_test(t, whichever_call_on_a_file_fails_nothing_is_lost_doubled_or_blamed);
    suite_add_tcase(s, t);
    return s;
}

int main(int argc, char **argv)
{
    (void)argc;
    *(void **)&shim_restart = rounds_preload("fail-shim.so", "fail_shim_restart", argv);
    return check_main(suite());
}
