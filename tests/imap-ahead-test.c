/* SPDX-License-Identifier: Apache-2.0 */
/* imap-ahead-test.c - how much is asked for while the host still stores what came before. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imap-pickup-fixture.h"

#define AHEAD_MESSAGES 20u  /* UIDs from 5 on, each a window of its own */
#define AHEAD_PATIENCE 2000 /* times 10 ms */

/* The server's list of them, all of @size bytes. */
static void list_all(char *listed, size_t room, unsigned int size)
{
    int at = 0;
    for (unsigned int i = 0; i < AHEAD_MESSAGES; i++)
        at += snprintf(listed + at, room - (size_t)at,
                       "* %u FETCH (UID %u FLAGS () RFC822.SIZE %u "
                       "INTERNALDATE \"01-Mar-2026 12:00:00 +0000\")\r\n",
                       i + 1, i + 5, size);
    snprintf(listed + at, room - (size_t)at, OK);
}

static bool was_asked(struct host *h, unsigned int uid)
{
    char want[40];
    char *trace = script_trace(h->server);
    snprintf(want, sizeof want, "UID FETCH %u (UID BODY.PEEK[])", uid);
    bool found = strstr(trace, want) != NULL;
    free(trace);
    return found;
}

static const struct ahead_row {
    unsigned int size, windows;
} ahead_rows[] = {{20, 16}, {250 * 1024, 16}, {300 * 1024, 14}, {2 * 1024 * 1024, 4}};

/* One is handed out and not settled; of the others nothing is answered. */
START_TEST(much_small_mail_is_asked_for_ahead_and_little_of_large)
{
    const struct ahead_row *row = &ahead_rows[_i];
    const struct timespec moment = {.tv_nsec = 10000000};
    static char listed[4000];
    list_all(listed, sizeof listed, row->size);
    const struct script_rule rules[] = {{"SEARCH", "* SEARCH 5:24\r\n" OK},
                                        {"RFC822.SIZE", listed},
                                        {"FETCH 5 (UID BODY.PEEK[])", BODY(5) OK},
                                        {"*(UID BODY.PEEK[])", ""}};
    const struct script script = {NULL, FULL, rules, sizeof rules / sizeof rules[0]};
    struct host *h = host_start(&script, "batch=1");
    struct imap_message message;
    ck_assert_int_eq(imap_pickup_next(h->pickup, &message, &h->err), IMAP_PICKUP_MESSAGE);
    mail_free(message.mail);
    spool_free(message.spool);
    unsigned int last = 5 + row->windows - 1;
    for (int i = 0; i < AHEAD_PATIENCE && !was_asked(h, last); i++)
        nanosleep(&moment, NULL);
    ck_assert(was_asked(h, last));
    ck_assert(!was_asked(h, last + 1));
    host_stop(h);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("imap-ahead");
    TCase *t = tcase_create("dialogue");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, much_small_mail_is_asked_for_ahead_and_little_of_large, 0,
                        (int)(sizeof ahead_rows / sizeof ahead_rows[0]));
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
