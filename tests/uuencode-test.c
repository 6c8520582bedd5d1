/* SPDX-License-Identifier: Apache-2.0 */
/* uuencode-test.c - promises of uuencode.h: files come out of a text, prose stays in it. */
#include <config.h>
#include "check-main.h"

#include <string.h>

#include "buffer.h"
#include "uuencode.h"

/* What came out, in one text: "<name|bytes|+>" for a whole file, "<name|bytes|->" for one cut off;
 * NUL shows as '@'. */
static int take(void *context, const uint8_t *bytes, size_t count)
{
    struct buffer *b = context;
    if (buffer_append(b, bytes, count) < 0)
        return -1;
    for (size_t i = b->len - count; i < b->len; i++)
        if (b->data[i] == '\0')
            b->data[i] = '@';
    return 0;
}

static int take_begin(void *context, struct span name)
{
    return buffer_printf(context, "<%.*s|", (int)name.len, (const char *)name.bytes);
}

static int take_end(void *context, bool whole)
{
    return buffer_append_text(context, whole ? "|+>" : "|->");
}

/* Fed in two pieces (cut == count: in one; 0: byte by byte). */
static void filter(const char *text, size_t count, size_t cut, struct buffer *out)
{
    struct uuencode_sink sink = {take, take_begin, take, take_end, out};
    buffer_init(out, 1 << 26);
    AUTO(uuencode_filter) f = uuencode_filter_new(&sink);
    const uint8_t *bytes = (const uint8_t *)text;
    int failed = 0;
    for (size_t i = 0; cut == 0 && i < count; i++)
        failed |= uuencode_filter_feed(f, bytes + i, 1);
    if (cut > 0)
        failed = uuencode_filter_feed(f, bytes, cut) |
                 uuencode_filter_feed(f, bytes + cut, count - cut);
    failed |= uuencode_filter_finish(f);
    ck_assert_int_eq(failed, 0);
}

#define DATA "%:&5L;&\\`\n" /* "hello" */

static const struct row {
    const char *why, *text, *want;
} rows[] = {
    {"the usual form", "a\nbegin 644 x.txt\n" DATA "`\nend\nb\n", "a\n<x.txt|hello|+>b\n"},
    {"CR LF", "a\r\nbegin 644 x.txt\r\n%:&5L;&\\\r\n`\r\nend\r\nb\r\n",
     "a\r\n<x.txt|hello|+>b\r\n"},
    {"a name with spaces", "begin 0666 a b.txt \n" DATA "`\nend\n", "<a b.txt|hello|+>"},
    {"spaces instead of backticks", "begin 644 z\n#    \n \nend\n", "<z|@@@|+>"},
    {"spaces at the end cut off", "begin 644 z\n#\x20\n#\n\nend\n",
     "begin 644 z\n#\x20\n#\n\nend\n"},
    {"spaces at the end cut off behind a full line", "begin 644 z\n#0T)!\n#\n`\nend\n",
     "<z|CBA@@@|+>"},
    {"a last group that is not padded", "begin 644 x\n%:&5L;&\\\n!80\n`\nend\n",
     "<x|helloa|+>"},
    {"a checksum character behind the line", "begin 644 x\n%:&5L;&\\`#\n`\nend\n", "<x|hello|+>"},
    {"padding behind the line", "begin 644 x\n%:&5L;&\\    \n`\nend\n", "<x|hello|+>"},
    {"a damaged line of full length", "begin 644 x\n" DATA "%:&\xA5L;&\\`\n" DATA "`\nend\n",
     "<x|hellohallohello|+>"},
    {"two files", "begin 644 a\n" DATA "`\nend\n\nbegin 644 b\n" DATA "`\nend\n",
     "<a|hello|+>\n<b|hello|+>"},
    {"no zero line", "begin 644 x\n" DATA "end\n", "<x|hello|+>"},
    {"an empty file", "begin 644 x\n`\nend\nb", "<x||+>b"},
    {"no end, the text ends", "begin 644 x\n" DATA, "<x|hello|->"},
    {"no end, the last line has no line end", "begin 644 x\n%:&5L;&\\", "<x|hello|->"},
    {"no end, text follows", "begin 644 x\n" DATA "And so on.\n", "<x|hello|->And so on.\n"},
    {"no end behind the zero line", "begin 644 x\n" DATA "`\nAnd so on.\n",
     "<x|hello|+>And so on.\n"},
    {"capitals behind the zero line", "begin 644 x\n" DATA "`\n" DATA, "<x|hello|+>" DATA},
    {"a blank line inside", "begin 644 x\n" DATA "\n" DATA "`\n\nend\n", "<x|hellohello|+>"},
    {"a file begins where another lacks its end", "begin 644 a\n" DATA "begin 644 b\n" DATA
     "`\nend\n", "<a|hello|-><b|hello|+>"},
    {"prose that begins", "begin 644 things at once\nand you will see\n",
     "begin 644 things at once\nand you will see\n"},
    {"prose, then a file", "begin 644 things\nbegin 644 x\n" DATA "`\nend\n",
     "begin 644 things\n<x|hello|+>"},
    {"prose before a blank line", "begin 644 things\n\n" DATA, "begin 644 things\n\n" DATA},
    {"prose at the end", "x\nbegin 644 y", "x\nbegin 644 y"},
    {"no mode", "begin x\n" DATA, "begin x\n" DATA},
    {"no name", "begin 644 \n" DATA, "begin 644 \n" DATA},
    {"not at the start of a line", " begin 644 x\n" DATA, " begin 644 x\n" DATA},
    {"yEnc", "a\n=ybegin line=128 size=5 name=y z.bin\n\x92\x8f\x96\x96\x99\n"
     "=yend size=5 crc32=3610a686\nb\n", "a\n<y z.bin|hello|+>b\n"},
    {"yEnc with escapes", "=ybegin line=4 size=4 name=y\r\n=}=J\x92=n\r\n=yend size=4\r\n",
     "<y|\x13\xe0h\x04|+>"},
    {"a part of yEnc", "=ybegin part=1 line=128 size=9 name=y\n=ypart begin=1 end=5\n"
     "\x92\x8f\x96\x96\x99\n=yend size=5 part=1\n", "<y|hello|+>"},
    {"yEnc without end", "=ybegin line=128 size=9 name=y\n\x92\x8f", "<y|he|->"},
    {"yEnc with a wrong size", "=ybegin line=128 size=9 name=y\n\x92\x8f\n=yend size=9\n",
     "<y|he|->"},
    {"yEnc without a name", "=ybegin line=128 size=9\n\x92\n", "=ybegin line=128 size=9\n\x92\n"},
    {"nothing", "", ""},
};

START_TEST(files_come_out_and_text_stays_at_every_split)
{
    const struct row *row = &rows[_i];
    size_t count = strlen(row->text);
    for (size_t cut = 0; cut <= count; cut++) {
        struct buffer out;
        filter(row->text, count, cut, &out);
        ck_assert_msg(strcmp(buffer_text(&out), row->want) == 0, "%s, cut at %zu: '%s'", row->why,
                      cut, buffer_text(&out));
        buffer_done(&out);
    }
}
END_TEST

START_TEST(all_byte_values_survive)
{
    struct buffer text, out;
    buffer_init(&text, 4096);
    buffer_append_text(&text, "begin 644 all\n");
    for (unsigned at = 0; at < 255; at += 45) {
        unsigned n = 255 - at < 45 ? 255 - at : 45;
        buffer_append_byte(&text, (uint8_t)(0x20 + n));
        for (unsigned i = 0; i < n; i += 3) {
            uint32_t group = (at + i + 1) << 16 | (at + i + 2) << 8 | ((at + i + 3) & 0xFF);
            for (int shift = 18; shift >= 0; shift -= 6)
                buffer_append_byte(&text, (uint8_t)(0x20 + ((group >> shift) & 0x3F)));
        }
        buffer_append_text(&text, "\n");
    }
    buffer_append_text(&text, "`\nend\n");
    filter(text.data, text.len, text.len, &out);
    ck_assert_uint_eq(out.len, strlen("<all|") + 255 + strlen("|+>"));
    for (unsigned i = 0; i < 255; i++)
        ck_assert_uint_eq((uint8_t)out.data[5 + i], i + 1);
    buffer_done(&out);
    buffer_done(&text);
}
END_TEST

START_TEST(a_line_around_the_limit_is_text_and_ends_a_file)
{
    for (size_t len = UUENCODE_LINE_MAX - 2; len <= UUENCODE_LINE_MAX + 2; len++) {
        struct buffer text, out, want;
        buffer_init(&text, 1 << 16);
        buffer_init(&want, 1 << 16);
        buffer_append_text(&text, "begin 644 x\n" DATA);
        size_t before = text.len;
        for (size_t i = 0; i < len; i++)
            buffer_append_byte(&text, 'x');
        buffer_append_text(&text, "\nend\n");
        buffer_append_text(&want, "<x|hello|->");
        buffer_append_text(&want, text.data + before);
        for (size_t cut = 0; cut <= text.len; cut += 7) {
            filter(text.data, text.len, cut, &out);
            ck_assert_str_eq(buffer_text(&out), buffer_text(&want));
            buffer_done(&out);
        }
        buffer_done(&text);
        buffer_done(&want);
    }
}
END_TEST

START_TEST(a_yenc_line_of_any_length_is_data)
{
    struct buffer text, out;
    buffer_init(&text, 1 << 20);
    buffer_append_text(&text, "=ybegin line=9999 size=5000 name=y\n");
    for (unsigned i = 0; i < 2500; i++)
        buffer_append_text(&text, "\x92=\xd2"); /* "hh" */
    buffer_append_text(&text, "\n=yend size=5000\n");
    for (size_t cut = 0; cut <= text.len; cut += 111) {
        filter(text.data, text.len, cut, &out);
        ck_assert_uint_eq(out.len, strlen("<y|") + 5000 + strlen("|+>"));
        ck_assert_str_eq(out.data + out.len - 5, "hh|+>");
        buffer_done(&out);
    }
    buffer_done(&text);
}
END_TEST

START_TEST(a_million_begin_lines_are_prose_in_linear_time)
{
    struct buffer text, out;
    buffer_init(&text, 1 << 26);
    for (unsigned i = 0; i < 1000000; i++)
        buffer_append_text(&text, "begin 644 x\n");
    filter(text.data, text.len, text.len, &out);
    ck_assert_uint_eq(out.len, text.len);
    buffer_done(&out);
    buffer_done(&text);
}
END_TEST

static int refuse(void *context, const uint8_t *bytes, size_t count)
{
    (void)context, (void)bytes, (void)count;
    return -1;
}

START_TEST(a_sink_that_says_stop_stops_the_filter)
{
    struct buffer out;
    buffer_init(&out, 100);
    struct uuencode_sink sink = {refuse, take_begin, refuse, take_end, &out};
    AUTO(uuencode_filter) f = uuencode_filter_new(&sink);
    ck_assert_int_eq(uuencode_filter_feed(f, (const uint8_t *)"x\n", 2), -1);
    buffer_done(&out);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("uuencode");
    TCase *t = tcase_create("uuencode");
    tcase_add_loop_test(t, files_come_out_and_text_stays_at_every_split, 0,
                        sizeof rows / sizeof *rows);
    tcase_add_test(t, all_byte_values_survive);
    tcase_add_test(t, a_line_around_the_limit_is_text_and_ends_a_file);
    tcase_add_test(t, a_yenc_line_of_any_length_is_data);
    tcase_add_test(t, a_million_begin_lines_are_prose_in_linear_time);
    tcase_add_test(t, a_sink_that_says_stop_stops_the_filter);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
