/* SPDX-License-Identifier: Apache-2.0 */
/* pickup-calls-test.c - whichever call on a file fails in a pick-up, nothing is lost or doubled, no
 * mail is blamed, no descriptor is left open, and the next pick-up ends as if nothing had been.
 *
 * Each call, one by one, until a pick-up gets through that has fewer: those that change files,
 * which fail for want of space, and all of them - open, read, stat, lock, map - which fail with
 * EIO. The same of a loader whose texts lie in files (filed-plugin.c). */
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
    ck_assert_msg(code != 0 || strncmp(r->said, "1 picked up", 11) != 0,
                  "call %ld failed, all was said to be well, and was not: %s", n, r->said);
    return counted >= n;
}

/* ---- Text in a file -------------------------------------------------------------------------- */

static char *filed_content; /* what the entry is to have: that of a pick-up that nothing disturbs */
static size_t filed_size;

static int filed_look(void *context, const struct queue_entry *entry)
{
    (void)context;
    if (filed_content == NULL) {
        filed_content = strdup(entry->content);
        filed_size = entry->content_size;
    }
    ck_assert_int_eq(entry->state, QUEUE_NEW);
    ck_assert_uint_eq(entry->content_size, filed_size);
    ck_assert(memcmp(entry->content, filed_content, filed_size) == 0);
    return 0;
}

/* Its message stays where it is: what became of it is seen once all is well. */
static void filed_judge(struct rounds *r, bool settled, const char *what, long n)
{
    static const struct queue_filter all = {.with_content = true};
    if (!settled)
        return;
    queue_fixture_reopen(&r->fixture);
    ck_assert_msg(queue_fixture_count(&r->fixture) == 1, "%s %ld failed: %zu entries", what, n,
                  queue_fixture_count(&r->fixture));
    ck_well(&r->fixture, queue_list(r->fixture.queue, &all, filed_look, NULL, &r->fixture.err));
    queue_close(r->fixture.queue);
    r->fixture.queue = NULL;
}

/* filed-plugin.so, and two texts of 200 kB. */
static void filed_init(struct rounds *r)
{
    static char path[PATH_MAX + 16];
    (void)snprintf(path, sizeof path, "%s/text", r->folder);
    FILE *text = fopen(path, "w");
    ck_assert_ptr_nonnull(text);
    for (int i = 0; i < 20000; i++)
        ck_assert_int_gt(fprintf(text, "\xE2\x82\xAC %05d\n", i), 0);
    ck_assert_int_eq(fclose(text), 0);
    (void)snprintf(r->loader, sizeof r->loader, "%s/tests/.libs/filed-plugin.so",
                   getenv("top_builddir"));
    r->connection = path;
    r->judge = filed_judge;
    rounds_next(r);
    ck_assert_msg(rounds_pickup(r) == 0, "%s", r->said);
    filed_judge(r, true, "none", 0);
    ck_assert_uint_gt(filed_size, 2 * 20000 * 10);
}

/* ---- All ------------------------------------------------------------------------------------- */

static void each_call_fails(int why, bool all, void (*prepare)(struct rounds *r))
{
    static struct rounds r;
    char number[32];
    rounds_init(&r);
    if (prepare != NULL)
        prepare(&r);
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
    each_call_fails(ENOSPC, false, NULL);
}
END_TEST

START_TEST(whichever_call_on_a_file_fails_nothing_is_lost_doubled_or_blamed)
{
    each_call_fails(EIO, true, NULL);
}
END_TEST

START_TEST(whichever_change_finds_no_space_while_a_text_in_a_file_is_stored_nothing_is_blamed)
{
    each_call_fails(ENOSPC, false, filed_init);
}
END_TEST

START_TEST(whichever_call_fails_while_a_text_in_a_file_is_stored_nothing_is_lost_or_blamed)
{
    each_call_fails(EIO, true, filed_init);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pickup-calls");
    TCase *t = tcase_create("pickup-calls");
    tcase_set_timeout(t, ROUNDS_TIMEOUT_S);
    tcase_add_test(t, whichever_change_finds_no_space_nothing_is_lost_doubled_or_blamed);
    tcase_add_test(t, whichever_call_on_a_file_fails_nothing_is_lost_doubled_or_blamed);
    tcase_add_test(
        t, whichever_change_finds_no_space_while_a_text_in_a_file_is_stored_nothing_is_blamed);
    tcase_add_test(t,
                   whichever_call_fails_while_a_text_in_a_file_is_stored_nothing_is_lost_or_blamed);
    suite_add_tcase(s, t);
    return s;
}

int main(int argc, char **argv)
{
    (void)argc;
    *(void **)&shim_restart = rounds_preload("fail-shim.so", "fail_shim_restart", argv);
    return check_main(suite());
}
