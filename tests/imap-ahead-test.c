/* SPDX-License-Identifier: Apache-2.0 */
/* imap-ahead-test.c - how much is asked for while the host still stores what came before. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "imap-pickup-fixture.h"
#include "imap-pickup-private.h"
#include "imap-window.h"

#define AHEAD_MESSAGES 20u  /* UIDs from 5 on, each a window of its own */
#define AHEAD_PATIENCE 2000 /* times 10 ms */

/* The server's list of @count of them, all of @size bytes. */
static void list_all(char *listed, size_t room, unsigned int count, unsigned int size)
{
    int at = 0;
    for (unsigned int i = 0; i < count; i++)
        at += snprintf(listed + at, room - (size_t)at,
                       "* %u FETCH (UID %u FLAGS () RFC822.SIZE %u "
                       "INTERNALDATE \"01-Mar-2026 12:00:00 +0000\")\r\n",
                       i + 1, i + 5, i == 0 ? 20 : size);
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
} ahead_rows[] = {{20, 16}, {250 * 1024, 16}, {300 * 1024, 15}, {2 * 1024 * 1024, 4}};

/* A small one is handed out and not settled; of the others nothing is answered. */
START_TEST(much_small_mail_is_asked_for_ahead_and_little_of_large)
{
    const struct ahead_row *row = &ahead_rows[_i];
    const struct timespec moment = {.tv_nsec = 10000000};
    static char listed[4000];
    list_all(listed, sizeof listed, AHEAD_MESSAGES, row->size);
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

/* Each flush is a wait. Before any of them is asked for, and as many as a note may hold. */
START_TEST(the_attempts_of_a_whole_listing_are_noted_at_once)
{
    static char listed[IMAP_WINDOW_MAX * 120];
    list_all(listed, sizeof listed, IMAP_WINDOW_MAX, 20);
    const struct script_rule rules[] = {{"SEARCH", "* SEARCH 5:504\r\n" OK},
                                        {"RFC822.SIZE", listed},
                                        {"FETCH 5 (UID BODY.PEEK[])", BODY(5) OK},
                                        {"*(UID BODY.PEEK[])", ""}};
    const struct script script = {NULL, FULL, rules, sizeof rules / sizeof rules[0]};
    struct host *h = host_start(&script, "batch=1");
    struct imap_message message;
    ck_assert_int_eq(imap_pickup_next(h->pickup, &message, &h->err), IMAP_PICKUP_MESSAGE);
    mail_free(message.mail);
    spool_free(message.spool);
    TRACE(h, "note 5 ATTEMPTED", "note 504 ATTEMPTED", "FETCH 5 (UID BODY");
    ck_assert_uint_eq(h->notes, 1);
    host_stop(h);
}
END_TEST

/* Of three messages that are told to have 20 bytes two would be more than a window may hold: those
 * are asked for again, alone, as they are large. */
START_TEST(more_than_was_told_is_not_held_but_asked_for_again)
{
    enum { WIDTH = 64, LARGE = 1300000 };
    char *bodies[3], *all = NULL;
    for (unsigned int i = 0; i < 3; i++) {
        char *text = malloc(LARGE + 1);
        for (size_t at = 0; at < LARGE; at++)
            text[at] = at % WIDTH == WIDTH - 1 ? '\n' : 'x';
        text[LARGE] = '\0';
        ck_assert_int_gt(asprintf(&bodies[i],
                                  "* 1 FETCH (UID %u BODY[] {?}\r\nSubject: x\r\n\r\n%s\1)\r\n",
                                  5 + i, text),
                         0);
        free(text);
    }
    char *alone[2];
    ck_assert_int_gt(asprintf(&all, "%s%s%s" OK, bodies[0], bodies[1], bodies[2]), 0);
    for (unsigned int i = 0; i < 2; i++)
        ck_assert_int_gt(asprintf(&alone[i], "%s" OK, bodies[i + 1]), 0);
    const struct script_rule rules[] = {{"SEARCH", "* SEARCH 5 6 7\r\n" OK},
                                        {"RFC822.SIZE", LISTED(5) LISTED(6) LISTED(7) OK},
                                        {"FETCH 5:7 (UID BODY.PEEK[])", all},
                                        {"FETCH 6 (UID BODY.PEEK[])", alone[0]},
                                        {"FETCH 7 (UID BODY.PEEK[])", alone[1]}};
    const struct script script = {NULL, FULL, rules, sizeof rules / sizeof rules[0]};
    struct host *h = host_start(&script, "after=Leave");
    ck_assert_str_eq(host_run(h), "5 6 7 ");
    TRACE(h, "FETCH 5:7 (UID BODY", "FETCH 6 (UID BODY", "FETCH 7 (UID BODY");
    host_stop(h);
    free(all);
    for (unsigned int i = 0; i < 3; i++)
        free(bodies[i]);
    for (unsigned int i = 0; i < 2; i++)
        free(alone[i]);
}
END_TEST

/* ---- What mails are taken apart to ----------------------------------------------------------- */

/* The answer to a FETCH of @count mails from UID 5 on: each with 990 parts whose ids have @width
 * bytes. Yours: free(). */
static char *many_parts(unsigned int count, unsigned int width)
{
    struct buffer all;
    buffer_init(&all, 16u << 20);
    for (unsigned int i = 0; i < count; i++) {
        buffer_printf(&all,
                      "* 1 FETCH (UID %u BODY[] {?}\r\nSubject: s%u\r\nContent-Type: "
                      "multipart/mixed; boundary=q\r\n\r\n",
                      5 + i, 5 + i);
        for (unsigned int part = 0; part < 990; part++)
            buffer_printf(&all, "--q\r\nContent-Type: a/b\r\nContent-ID: <%0*u>\r\n\r\n\r\n",
                          (int)width, part);
        buffer_printf(&all, "--q--\r\n\1)\r\n");
    }
    buffer_printf(&all, OK);
    ck_assert(!all.refused);
    return buffer_take(&all);
}

static size_t count_forgotten(const struct host *h)
{
    size_t count = 0;
    const struct imap_window *w = &h->pickup->windows[h->pickup->first_window];
    for (size_t i = w->next; i < w->count; i++)
        count += w->entries[i].apart_later;
    return count;
}

static void check_next(struct host *h, unsigned int uid)
{
    struct imap_message message;
    char subject[12];
    (void)snprintf(subject, sizeof subject, "s%u", uid);
    ck_assert_int_eq(imap_pickup_next(h->pickup, &message, &h->err), IMAP_PICKUP_MESSAGE);
    ck_assert_str_eq(message.mail->subject, subject);
    ck_assert_uint_eq(message.mail->attachment_count, 990);
    mail_free(message.mail);
    spool_free(message.spool);
}

/* The first of @count such mails, all in one window, is handed out. */
static struct host *start_with_many(unsigned int count, unsigned int width)
{
    static char found[40], listed[IMAP_WINDOW_MAX * 120], fetch[40];
    static char *bodies;
    static struct script_rule rules[] = {{"SEARCH", found}, {"RFC822.SIZE", listed}, {fetch, NULL}};
    static const struct script script = {NULL, FULL, rules, sizeof rules / sizeof rules[0]};
    free(bodies);
    bodies = many_parts(count, width);
    rules[2].reply = bodies;
    list_all(listed, sizeof listed, count, 20);
    (void)snprintf(found, sizeof found, "* SEARCH 5:%u\r\n" OK, 4 + count);
    (void)snprintf(fetch, sizeof fetch, "FETCH 5:%u (UID BODY.PEEK[])", 4 + count);
    struct host *h = host_start(&script, "after=Leave");
    check_next(h, 5);
    return h;
}

START_TEST(mails_that_take_much_memory_come_whole_out_of_a_window)
{
    enum { MAILS = 20 };
    struct host *h = start_with_many(MAILS, 9);
    ck_assert_uint_gt(count_forgotten(h), 0);
    for (unsigned int i = 1; i < MAILS; i++)
        check_next(h, 5 + i);
    host_stop(h);
}
END_TEST

/* The disk has lost a part of the last one's bytes, which are to be taken apart again. */
START_TEST(what_cannot_be_read_back_ends_the_run_and_its_attempt_does_not_count)
{
    enum { MAILS = 6, LAST = 4 + MAILS };
    struct imap_message message;
    struct host *h = start_with_many(MAILS, 250);
    struct imap_window *w = &h->pickup->windows[h->pickup->first_window];
    struct imap_entry *last = &w->entries[w->count - 1];
    ck_assert(last->uid == LAST && last->apart_later);
    ck_assert_int_eq(ftruncate(spool_fd(last->spool), 1000), 0);
    for (unsigned int uid = 6; uid < LAST; uid++)
        check_next(h, uid);
    ck_assert_int_eq(imap_pickup_next(h->pickup, &message, &h->err), IMAP_PICKUP_FAILED);
    ck_assert_int_eq(h->err.class, ERROR_STORE);
    ck_assert_uint_eq(h->ledger[LAST].attempts, 1);
    imap_pickup_close(TAKE(h->pickup));
    ck_assert_uint_eq(h->ledger[LAST].attempts, 0);
    ck_assert_uint_eq(h->ledger[LAST - 1].attempts, 1); /* that one was handed out */
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
    tcase_add_test(t, the_attempts_of_a_whole_listing_are_noted_at_once);
    tcase_add_test(t, mails_that_take_much_memory_come_whole_out_of_a_window);
    tcase_add_test(t, what_cannot_be_read_back_ends_the_run_and_its_attempt_does_not_count);
    tcase_add_test(t, more_than_was_told_is_not_held_but_asked_for_again);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
