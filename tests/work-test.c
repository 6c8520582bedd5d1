/* SPDX-License-Identifier: Apache-2.0 */
/* work-test.c - the modules that read messages do work in proportion to their input.
 *
 * They are built once more with -fsanitize-coverage=trace-pc, so that every basic block they run
 * calls the function below: work is counted, not timed. Each hostile piece is repeated n and 2 n
 * times, alone, behind the beginning of a parameter, and with as many of what may close it behind
 * it; what is linear does at most twice the work, what is quadratic four times. */
#include <config.h>
#include "check-main.h"

#include <stdint.h>
#include <string.h>

#include "buffer.h"
#include "charset.h"
#include "header-address.h"
#include "header-charset.h"
#include "header-date.h"
#include "header-id.h"
#include "header-text.h"
#include "header-value.h"
#include "html-text.h"
#include "mail-flow.h"
#include "mime-decode.h"
#include "mime-parser.h"
#include "problem.h"

#define PIECES 1000u      /* times a piece is repeated first */
#define BLOCKS_A_BYTE 200u /* that a byte of a message may cost its parser */

static uint64_t work_done;

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
    work_done++;
}

static void work_addresses(struct span value)
{
    struct mail_addresses list = {0};
    ck_assert_int_eq(header_parse_addresses(value, &list, NULL), 0);
    mail_addresses_done(&list);
}

static void work_value(struct span value)
{
    struct header_value parsed;
    ck_assert_int_eq(header_parse_value(value, &parsed, NULL), 0);
    header_value_done(&parsed);
}

static void work_ids(struct span value)
{
    struct mail_texts ids = {0};
    ck_assert_int_eq(header_parse_ids(value, &ids, MAIL_REFERENCES_MAX), 0);
    mail_texts_done(&ids);
}

static void work_text(struct span value)
{
    struct buffer out;
    buffer_init(&out, SIZE_MAX);
    ck_assert_int_eq(header_decode_text(value, &out, NULL), 0);
    buffer_done(&out);
}

static void work_date(struct span value)
{
    char date[CLOCK_RFC3339_MAX];
    (void)header_parse_date(value, date);
}

static void work_html(struct span value)
{
    struct buffer out;
    buffer_init(&out, SIZE_MAX);
    ck_assert_int_eq(html_to_text((const char *)value.bytes, value.len, NULL, &out), 0);
    buffer_done(&out);
}

static void work_charset(struct span value)
{
    struct buffer out;
    char problem[CHARSET_PROBLEM_MAX];
    buffer_init(&out, SIZE_MAX);
    ck_assert_int_eq(charset_to_utf8(NULL, value, &out, problem), 0);
    buffer_done(&out);
}

/* A header block with a raw byte in its last field. */
static void work_header_charset(struct span value)
{
    static const char end[] = "\nA: =?x?q?\nB: \xE4";
    struct buffer block, out;
    const char *name;
    buffer_init(&block, SIZE_MAX);
    buffer_init(&out, SIZE_MAX);
    int failed = buffer_append_text(&block, "A: ") | buffer_append(&block, value.bytes, value.len) |
                 buffer_append_text(&block, end);
    struct span all = {(const uint8_t *)block.data, block.len};
    ck_assert_int_eq(failed | header_charset_hint(all, &name), 0);
    ck_assert_int_eq(header_charset_mend(all, "KOI8-R", &out, NULL), 0);
    buffer_done(&block);
    buffer_done(&out);
}

static void work_flow(struct span value)
{
    struct buffer text;
    buffer_init(&text, SIZE_MAX);
    ck_assert_int_eq(buffer_append(&text, value.bytes, value.len), 0);
    (void)mail_flow_join(MAIL_FLOW_DELSP, text.data, text.len, NULL);
    buffer_done(&text);
}

static void work_base64(struct span value)
{
    struct mime_decoder d;
    uint8_t out[1 + MIME_DECODE_PENDING];
    mime_decoder_init(&d, MIME_BASE64);
    for (size_t at = 0; at < value.len; at++)
        (void)mime_decoder_feed(&d, value.bytes + at, 1, out);
    (void)mime_decoder_finish(&d, out);
}

static int no_part(void *context, struct mime_part *part)
{
    (void)context, (void)part;
    return 0;
}

static int no_body(void *context, struct mime_part *part, const uint8_t *bytes, size_t count)
{
    (void)context, (void)part, (void)bytes, (void)count;
    return 0;
}

/* A message. */
static void work_structure(struct span value)
{
    struct mail_texts problems = {0};
    const struct mime_handler handler = {no_part, no_body, no_part, NULL};
    AUTO(mime_parser) parser = mime_parser_new(&handler, &problems);
    ck_assert_ptr_nonnull(parser);
    ck_assert_int_eq(mime_parser_feed(parser, value.bytes, value.len), 0);
    ck_assert_int_eq(mime_parser_finish(parser), 0);
    mail_texts_done(&problems);
}

static const struct {
    const char *name;
    void (*run)(struct span value);
} works[] = {
    {"header charset", work_header_charset}, {"flow", work_flow}, {"base64", work_base64},
    {"addresses", work_addresses}, {"value", work_value}, {"ids", work_ids},
    {"text", work_text},           {"date", work_date},   {"html", work_html},
    {"charset", work_charset},     {"structure", work_structure},
};

static const char *const heads[] = {"", "a/b; x=", "a/b; x=a"};
static const char *const closers[] = {"", ")", ">", "\"", ") x"};

static const char *const pieces[] = {
    "a:",
    " (",
    " (a",
    "(",
    "((",
    ")",
    "(a)",
    "\\",
    "<",
    ">",
    "<a",
    "\"",
    "\"a",
    "\" ",
    "\"\\",
    "a@b,",
    "a,",
    "a b ",
    "a b@",
    "@",
    " @ ",
    ". ",
    "; \"",
    ";x=",
    ";x*1=%",
    ";x*=a'",
    "x*0=\"",
    "=",
    "%",
    "'",
    "x=y ",
    "=?",
    "=?a?q?<",
    "=?a?q?",
    "=?a?q?x?= ",
    "=?a?b?YQ",
    "=?utf-8?q?=C3?= ",
    "=?a?q??",
    "\r\n ",
    " ",
    "\x1B",
    "\x1B!",
    "\x1B$B",
    "\xC3",
    "\xFF",
    "\xE2\x82",
    "</",
    "<!--",
    "<!",
    "<?",
    "<a ",
    "<a href=\"",
    "<a href='x'>y",
    "</a>",
    "&",
    "&#",
    "&#x1",
    "&a",
    "<ul><li>",
    "<blockquote>x<br>",
    "<pre>\n",
    "<br>",
    "<td>x",
    "<script>",
    "<style ",
    "<b a='",
    "<img alt=\"<img alt='",
    "-->",
    "<title>",
    "<b =",
    "<b a=b c ",
    "a \n",
    "AAAA\n\n",
    "AA=\n",
    "boundar",
    "A: x;\n=\n",
    "\n=",
    "\n--a",
};

static uint64_t work_for(size_t work, const char *head, const char *piece, const char *closer,
                         size_t times)
{
    struct buffer b;
    buffer_init(&b, SIZE_MAX);
    int failed = buffer_append_text(&b, head);
    for (size_t i = 0; i < times; i++)
        failed |= buffer_append_text(&b, piece);
    for (size_t i = 0; i < times; i++)
        failed |= buffer_append_text(&b, closer);
    ck_assert_int_eq(failed, 0);
    work_done = 0;
    works[work].run((struct span){(const uint8_t *)b.data, b.len});
    uint64_t done = work_done;
    buffer_done(&b);
    return done;
}

static void work_compare(const char *head, const char *piece, const char *closer)
{
    for (size_t work = 0; work < sizeof works / sizeof works[0]; work++) {
        uint64_t once = work_for(work, head, piece, closer, PIECES);
        uint64_t twice = work_for(work, head, piece, closer, 2 * PIECES);
        ck_assert_msg(twice <= 2 * once + once / 2 + 1000,
                      "%s: '%s' '%s' '%s': %ju blocks, then %ju", works[work].name, head, piece,
                      closer, (uintmax_t)once, (uintmax_t)twice);
        ck_assert_msg(once > 0, "%s is not counted", works[work].name);
    }
}

START_TEST(twice_the_input_is_at_most_twice_the_work)
{
    for (size_t h = 0; h < sizeof heads / sizeof heads[0]; h++)
        for (size_t c = 0; c < sizeof closers / sizeof closers[0]; c++)
            work_compare(heads[h], pieces[_i], closers[c]);
}
END_TEST

static const char *const fills[] = {" \n", "\t\r\n", " ;\n", " x\n"};
static const char *const lines[] = {"=\n", "a=b;\r\n", "a\n", " \n", "A: b\n", "-=\n"};

/* Of a header block that is full of @fill, and of @times lines behind it. */
static uint64_t work_behind_block(const char *fill, const char *line, size_t times)
{
    struct buffer b;
    buffer_init(&b, SIZE_MAX);
    int failed = buffer_append_text(&b, "A: x;\n");
    while (b.len <= MAIL_HEADER_BLOCK_MAX)
        failed |= buffer_append_text(&b, fill);
    for (size_t i = 0; i < times; i++)
        failed |= buffer_append_text(&b, line);
    ck_assert_int_eq(failed, 0);
    work_done = 0;
    work_structure((struct span){(const uint8_t *)b.data, b.len});
    uint64_t done = work_done;
    buffer_done(&b);
    return done;
}

START_TEST(a_line_behind_a_full_header_block_costs_what_its_own_bytes_cost)
{
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        uint64_t without = work_behind_block(fills[_i], lines[i], 0);
        uint64_t with = work_behind_block(fills[_i], lines[i], PIECES);
        uint64_t most = PIECES * strlen(lines[i]) * BLOCKS_A_BYTE;
        ck_assert_uint_gt(without, 0);
        ck_assert_msg(with <= without + most, "block of '%s', lines '%s': %ju blocks more than %ju",
                      fills[_i], lines[i], (uintmax_t)(with - without), (uintmax_t)without);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("work");
    TCase *t = tcase_create("work");
    tcase_add_loop_test(t, twice_the_input_is_at_most_twice_the_work, 0,
                        (int)(sizeof pieces / sizeof pieces[0]));
    tcase_add_loop_test(t, a_line_behind_a_full_header_block_costs_what_its_own_bytes_cost, 0,
                        (int)(sizeof fills / sizeof fills[0]));
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
