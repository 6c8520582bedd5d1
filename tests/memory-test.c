/* SPDX-License-Identifier: Apache-2.0 */
/* memory-test.c - whichever allocation fails, the modules that read headers and text say -1, leak
 * nothing and do not crash.
 *
 * The linker sends our own allocations through the functions below (--wrap); the n-th one fails. */
#include <config.h>
#include "check-main.h"

#include <stdint.h>
#include <string.h>

#include "buffer.h"
#include "charset.h"
#include "filename.h"
#include "header-address.h"
#include "header-id.h"
#include "header-text.h"
#include "header-value.h"
#include "html-text.h"
#include "problem.h"

static uint32_t fail_in; /* 0: never; else allocations until one fails */

static int memory_fails(void)
{
    return fail_in > 0 && --fail_in == 0;
}

#define WRAP(type, name, parameters, arguments)                                                    \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return memory_fails() ? NULL : __real_##name arguments;                                    \
    }

WRAP(void *, malloc, (size_t size), (size))
WRAP(void *, calloc, (size_t count, size_t size), (count, size))
WRAP(void *, realloc, (void *at, size_t size), (at, size))
WRAP(void *, reallocarray, (void *at, size_t count, size_t size), (at, count, size))
WRAP(char *, strdup, (const char *text), (text))
WRAP(char *, strndup, (const char *text, size_t size), (text, size))

static struct span span_of(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

/* Ends the work under test: from here on nothing fails. True if something did. */
static int memory_end(void)
{
    int failed = fail_in == 0;
    fail_in = 0;
    return failed;
}

/* Each work appends what came out to @result; *out_failed: an allocation was refused. */
static int memory_addresses(struct buffer *result, int *out_failed)
{
    struct mail_addresses list = {0};
    struct mail_texts problems = {0};
    int r = header_parse_addresses(
        span_of("Doe, \"J \\\" D\" (c) <j@x>, =?foo?Q?=E4?= <@r:a@b, root, a b c@d (E), g: f@g;"),
        &list, &problems);
    *out_failed = memory_end();
    ck_assert_int_eq(header_addresses_text(&list, result), 0);
    mail_addresses_done(&list);
    mail_texts_done(&problems);
    return r;
}

static int memory_value(struct buffer *result, int *out_failed)
{
    struct header_value v;
    struct mail_texts problems = {0};
    int r = header_parse_value(
        span_of("a/b (c); x*0*=foo''%E4; x*1=b; y=\"q\\\"; n=\"=?utf-8?Q?a?=\""), &v, &problems);
    *out_failed = memory_end();
    for (size_t i = 0; i < v.count; i++)
        ck_assert_int_eq(
            buffer_printf(result, "%s=%s;", v.parameters[i].name, v.parameters[i].value), 0);
    header_value_done(&v);
    mail_texts_done(&problems);
    return r;
}

static int memory_ids(struct buffer *result, int *out_failed)
{
    struct mail_texts ids = {0};
    int r = header_parse_ids(span_of("<a@b> <c@d> <e@f> <g@h>"), &ids, 10);
    *out_failed = memory_end();
    for (size_t i = 0; i < ids.count; i++)
        ck_assert_int_eq(buffer_append_text(result, ids.items[i]), 0);
    mail_texts_done(&ids);
    return r;
}

static int memory_text(struct buffer *result, int *out_failed)
{
    struct mail_texts problems = {0};
    char *text = header_take_text(span_of("a =?foo?Q?=E4?= =?iso-2022-jp?B?GyRCJDM=?= \xE4"), 1000,
                                  &problems);
    *out_failed = memory_end();
    int r = text != NULL ? buffer_append_text(result, text) : -1;
    free(text);
    mail_texts_done(&problems);
    return r;
}

static int memory_html(struct buffer *result, int *out_failed)
{
    static const char html[] = "<p>a<ul><li><a href='http://x/&amp;'>b</a></ul><pre>c\nd</pre>";
    struct buffer out;
    buffer_init(&out, 1000);
    int r = html_to_text(html, sizeof html - 1, NULL, &out);
    *out_failed = memory_end();
    ck_assert_int_eq(buffer_append_text(result, buffer_text(&out)), 0);
    buffer_done(&out);
    return r;
}

static int memory_filename(struct buffer *result, int *out_failed)
{
    char *name = filename_clean("dir/con.\xC3\xA4");
    *out_failed = memory_end();
    int r = name != NULL ? buffer_append_text(result, name) : -1;
    free(name);
    return r;
}

static int (*const memory_works[])(struct buffer *result, int *out_failed) = {
    memory_addresses, memory_value, memory_ids, memory_text, memory_html, memory_filename,
};

/* The text of a problem may be cut for want of memory; what was read may not. */
START_TEST(whichever_allocation_fails_it_is_told_or_the_result_is_whole)
{
    struct buffer want, got;
    int failed = 0, told = 0;
    buffer_init(&want, 10000);
    buffer_init(&got, 10000);
    fail_in = UINT32_MAX;
    ck_assert_int_eq(memory_works[_i](&want, &failed), 0);
    ck_assert_uint_gt(want.len, 0);
    failed = 1;
    for (uint32_t n = 1; failed; n++) {
        buffer_clear(&got);
        fail_in = n;
        int r = memory_works[_i](&got, &failed);
        ck_assert(failed || r == 0);
        if (r == 0)
            ck_assert_str_eq(buffer_text(&got), buffer_text(&want));
        told += r < 0;
    }
    ck_assert_int_gt(told, 1);
    buffer_done(&want);
    buffer_done(&got);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("memory");
    TCase *t = tcase_create("memory");
    tcase_add_loop_test(t, whichever_allocation_fails_it_is_told_or_the_result_is_whole, 0,
                        (int)(sizeof memory_works / sizeof memory_works[0]));
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
