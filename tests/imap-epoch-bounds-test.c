/* SPDX-License-Identifier: Apache-2.0 */
/* imap-epoch-bounds-test.c - promises about a mailbox that was numbered anew, or seems to be: what
 * another run does in it meanwhile holds nothing, and of any number of messages few are held in
 * memory. */
#include <config.h>
#include "check-main.h"

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

static Suite *suite(void)
{
    Suite *s = suite_create("imap-epoch-bounds");
    TCase *t = tcase_create("dialogue");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, an_answer_to_select_that_comes_late_holds_nothing);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
