/* SPDX-License-Identifier: Apache-2.0 */
/* mail-memory-test.c - for every n: the n-th allocation fails, the mail is told as a failure of
 * ours, nothing leaks and nothing is used that is not there. The linker leads our allocations here.
 */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <string.h>

#include "mail.h"

static long allocations_left = -1; /* -1: all succeed */
static bool refused;               /* one of them did not */

static bool allocation_fails(void)
{
    if (allocations_left < 0)
        return false;
    if (allocations_left == 0) {
        refused = true;
        return true;
    }
    allocations_left--;
    return false;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t max);

void *__wrap_malloc(size_t size)
{
    return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return allocation_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return allocation_fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    return allocation_fails() ? NULL : __real_reallocarray(old, count, size);
}

char *__wrap_strdup(const char *text)
{
    return allocation_fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t max)
{
    return allocation_fails() ? NULL : __real_strndup(text, max);
}

/* A bit of everything that allocates. */
static const char message[] =
    "Return-Path: <>\nFrom: =?utf-8?q?Ann?= <ann@example.org>\nTo: b@example.org, g: "
    "c@example.org;\n"
    "Cc: d@example.org\nBcc: e@example.org\nReply-To: f@example.org\nSender: g@example.org\n"
    "Subject: =?iso-8859-1?q?caf=E9?=\nDate: Sun, 1 Mar 2026 12:00:00 +0200\n"
    "Message-ID: <1@x>\nIn-Reply-To: <0@x>\nReferences: <a@x> <b@x>\n"
    "Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b\n"
    "Content-Type: multipart/alternative; boundary=c\n\n--c\nContent-Type: text/plain; "
    "charset=foo\n\n"
    "caf\xE9\nbegin 644 a.txt\n%:&5L;&\\\n`\nend\n--c\nContent-Type: text/html\n\n"
    "<meta charset=koi8-r><p>x</p>\n--c--\n--b\nContent-Type: image/png; name*0=a; name*1=.png\n"
    "Content-ID: <i@x>\nContent-Transfer-Encoding: base64\n\nAAAA!\n--b\n"
    "Content-Type: message/rfc822\n\nSubject: in\n\nx\n--b\nContent-Type: "
    "text/html\n\n<b>more</b>\n--b\n"
    "Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@x\nAction: "
    "failed\n\n--b--\n";

/* ERROR_NONE, or what failed. No check of the test library in here: it allocates too. */
static enum error_class read_message(void)
{
    const struct mail_options options = {.attach_html = true, .sanitize = true};
    struct error err = {0};
    AUTO(mail) mail = NULL;
    AUTO(mail_parser) p = mail_parser_new(&options);
    if (p == NULL)
        return ERROR_BUG;
    if (mail_parser_feed(p, (const uint8_t *)message, sizeof message - 1, &err) < 0 ||
        mail_parser_finish(p, &mail, &err) < 0)
        return err.class;
    return ERROR_NONE;
}

START_TEST(whichever_allocation_fails_the_mail_fails_cleanly)
{
    long n = 0;
    for (refused = true; refused; n++) {
        refused = false;
        allocations_left = n;
        enum error_class class = read_message();
        allocations_left = -1;
        ck_assert_msg(class == (refused ? ERROR_BUG : ERROR_NONE), "allocation %ld: %s", n,
                      error_class_name(class));
        ck_assert_int_lt(n, 100000);
    }
    ck_assert_int_gt(n, 100);
}
END_TEST

/* A mail of many addresses, references and attachments: what is to be laid side by side stays where
 * it is when there is no memory for that. */
static bool read_many(const char *many, size_t size, enum error_class *out_class)
{
    struct error err = {0};
    AUTO(mail) mail = NULL;
    AUTO(mail_parser) p = mail_parser_new(NULL);
    bool whole = true;
    *out_class = ERROR_BUG;
    if (p == NULL)
        return true;
    if (mail_parser_feed(p, (const uint8_t *)many, size, &err) < 0 ||
        mail_parser_finish(p, &mail, &err) < 0) {
        *out_class = err.class;
        return true;
    }
    *out_class = ERROR_NONE;
    whole = mail->to_list.count == 40 && mail->attachment_count == 40;
    for (size_t i = 0; whole && i < 40; i++)
        whole = strcmp(mail->to_list.items[i].address, "a@b") == 0 &&
                strcmp(mail->attachments[i].content_type, "c/d") == 0;
    return whole;
}

START_TEST(where_there_is_no_memory_to_lay_texts_side_by_side_they_stay_where_they_are)
{
    char many[4000] = "To: a@b";
    size_t at = strlen(many);
    for (int i = 1; i < 40; i++)
        at += (size_t)snprintf(many + at, sizeof many - at, ",a@b");
    at += (size_t)snprintf(many + at, sizeof many - at,
                           "\nContent-Type: multipart/mixed; boundary=q\n\n");
    for (int i = 0; i < 40; i++)
        at += (size_t)snprintf(many + at, sizeof many - at, "--q\nContent-Type: c/d\n\nx\n");
    at += (size_t)snprintf(many + at, sizeof many - at, "--q--\n");
    long n = 0, stayed = 0;
    for (refused = true; refused; n++) {
        enum error_class class;
        refused = false;
        allocations_left = n;
        bool whole = read_many(many, at, &class);
        allocations_left = -1;
        ck_assert_msg(whole && (class == ERROR_NONE || class == ERROR_BUG), "allocation %ld", n);
        stayed += refused && class == ERROR_NONE;
        ck_assert_int_lt(n, 100000);
    }
    ck_assert_int_eq(stayed, 2); /* to make the list of attachments fit, and the texts */
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("mail-memory");
    TCase *t = tcase_create("memory");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, whichever_allocation_fails_the_mail_fails_cleanly);
    tcase_add_test(t, where_there_is_no_memory_to_lay_texts_side_by_side_they_stay_where_they_are);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
