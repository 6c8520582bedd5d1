/* SPDX-License-Identifier: Apache-2.0 */
/* imap-epoch-bounds-test.c - promises about a mailbox that was numbered anew, or seems to be: what
 * another run does in it meanwhile holds nothing, and of any number of messages few are held in
 * memory. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <stdlib.h>

#include "imap-epoch-fixture.h"
#include "imap-epoch.h"

/* ---- Another run in the same mailbox --------------------------------------------------------- */

/* Message 2 comes and is picked up after the server has made its answer to our SELECT. */
static void picks_up_the_next(void)
{
    before(8, 2, 2, IMAP_STEP_MOVED);
}

/* It sees the mailbox as it is numbered since then. */
static void works_under_the_next_numbering(void)
{
    worked_in(9);
}

START_TEST(an_answer_to_select_that_comes_late_holds_nothing)
{
    static void (*const others[])(void) = {picks_up_the_next, works_under_the_next_numbering};
    for (size_t i = 0; i < 2; i++)
        for (int dry = 0; dry < 2; dry++) {
            teardown();
            setup();
            worked_in(8);
            before(8, 1, 1, IMAP_STEP_MOVED);
            w.uidnext = 2;
            w.read_only = dry != 0;
            w.meanwhile = others[i];
            const struct script_rule examine = {
                "*EXAMINE", "* 0 EXISTS\r\n* OK [UIDVALIDITY 8] x\r\n* OK [UIDNEXT 2] x\r\n@ OK "
                            "[READ-ONLY] done\r\n"};
            ck_assert_int_eq(session_with(&examine), ERROR_NONE);
            ck_assert_ptr_null(w.meanwhile);
            ck_assert_uint_eq(mailbox().held, IMAP_HOLD_NONE);
            ck_assert_uint_eq(mailbox().uidvalidity, i == 0 ? 8 : 9);
        }
}
END_TEST

/* ---- Any number of messages of one size ------------------------------------------------------ */

/* All that SEARCH ALL finds, and a size for each: that of our messages. Yours: free(). */
static char *say_sizes(uint32_t messages)
{
    const size_t most = (size_t)messages * 48 + 20;
    char *text = malloc(most);
    size_t used = 0;
    for (uint32_t uid = 1; uid <= messages; uid++)
        used += (size_t)snprintf(text + used, most - used, "* 1 FETCH (UID %u RFC822.SIZE 153)\r\n",
                                 uid);
    (void)snprintf(text + used, most - used, "@ OK\r\n");
    return text;
}

/* Four of these are ours, the first, the last and two between, one of them near the limit: all but
 * the first as they were stored, and so the first with @variant 0. */
static enum error_class session_among(uint32_t messages, unsigned variant)
{
    const uint32_t uids[] = {1, IMAP_EPOCH_LOOKS_MAX / 2, IMAP_EPOCH_LOOKS_MAX - 2, messages};
    char found[80], *sizes = say_sizes(messages);
    (void)snprintf(found, sizeof found, "* ESEARCH UID ALL 1:%u\r\n@ OK\r\n", messages);
    const struct script_rule rules[] = {{"SEARCH ALL", found}, {"*(UID RFC822.SIZE)", sizes}};
    teardown();
    setup();
    worked_in(7);
    for (unsigned k = 1; k <= 4; k++) {
        before(7, k, k, IMAP_STEP_STORED);
        put_message(uids[k - 1], k, k == 1 ? variant : 0);
    }
    enum error_class end = session_with_rules(rules, 2);
    free(sizes);
    return end;
}

static size_t count_said(const char *piece)
{
    size_t count = 0;
    for (const char *at = w.trace; (at = strstr(at, piece)) != NULL; at += strlen(piece))
        count++;
    return count;
}

START_TEST(of_messages_that_may_be_stored_ones_so_many_are_held_at_a_time)
{
    static const struct {
        uint32_t messages;
        size_t looks; /* times that whole messages are looked at: ours */
    } rows[] = {{IMAP_EPOCH_LOOKS_MAX - 1, 1},
                {IMAP_EPOCH_LOOKS_MAX, 1},
                {IMAP_EPOCH_LOOKS_MAX + 1, 2},
                {5 * IMAP_EPOCH_LOOKS_MAX, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum error_class end = session_among(rows[i].messages, 0);
        ck_assert_msg(end == ERROR_NONE, "%u: %s\n%s", rows[i].messages, w.err.text, w.trace);
        ck_assert_uint_eq(w.handed, 0);
        ck_assert_uint_eq(entries(), 4);
        ck_assert_ptr_nonnull(strstr(w.log, "4 were found again"));
        ck_assert_uint_eq(step_of(8, rows[i].messages), IMAP_STEP_MOVED);
        ck_assert_uint_eq(count_said("BODY.PEEK[])"), rows[i].looks);
    }
    const char *look = strstr(w.trace, "BODY.PEEK[])"); /* before more of the mailbox is listed */
    ck_assert(look != NULL && strstr(look, "(UID RFC822.SIZE)") != NULL);
}
END_TEST

START_TEST(an_altered_message_holds_wherever_it_is_among_any_number)
{
    for (uint32_t messages = IMAP_EPOCH_LOOKS_MAX; messages < 4000; messages += 1501) {
        ck_assert_int_eq(session_among(messages, 1), ERROR_HELD);
        ck_assert_ptr_nonnull(strstr(w.err.text, "3 were found again, 1 were altered"));
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("imap-epoch-bounds");
    TCase *t = tcase_create("dialogue");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, an_answer_to_select_that_comes_late_holds_nothing);
    tcase_add_test(t, of_messages_that_may_be_stored_ones_so_many_are_held_at_a_time);
    tcase_add_test(t, an_altered_message_holds_wherever_it_is_among_any_number);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
