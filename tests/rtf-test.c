/* SPDX-License-Identifier: Apache-2.0 */
/* rtf-test.c - promises of rtf-lzfu.h and rtf.h: compressed RTF becomes HTML or text. */
#include <config.h>
#include "check-main.h"

#include <string.h>

#include "codepage.h"
#include "rtf-lzfu.h"
#include "rtf-output.h"
#include "rtf.h"
#include "text.h"

/* -- compressed RTF -- */

static int take(void *context, const uint8_t *bytes, size_t count)
{
    return buffer_append(context, bytes, count);
}

/* In two pieces (cut == count: in one; 0: byte by byte). */
static struct rtf_lzfu unpack(const uint8_t *bytes, size_t count, size_t cut, size_t limit,
                              struct buffer *out)
{
    struct rtf_lzfu z;
    buffer_init(out, 1 << 26);
    rtf_lzfu_init(&z, limit);
    int failed = 0;
    for (size_t i = 0; cut == 0 && i < count; i++)
        failed |= rtf_lzfu_feed(&z, bytes + i, 1, take, out);
    if (cut > 0)
        failed |= rtf_lzfu_feed(&z, bytes, cut, take, out) |
                  rtf_lzfu_feed(&z, bytes + cut, count - cut, take, out);
    ck_assert_int_eq(failed, 0);
    return z;
}

/* The two examples of MS-OXRTFCP s.3.1. */
static const uint8_t hello[] = {
    0x2d, 0x00, 0x00, 0x00, 0x2b, 0x00, 0x00, 0x00, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7,
    0x03, 0x00, 0x0a, 0x00, 0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20,
    0x68, 0x65, 0x6c, 0x09, 0x00, 0x20, 0x62, 0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f,
    0xa0};
static const uint8_t overlap[] = {0x1a, 0x00, 0x00, 0x00, 0x1c, 0x00, 0x00, 0x00, 0x4c, 0x5a,
                                  0x46, 0x75, 0xe2, 0xd4, 0x4b, 0x51, 0x41, 0x00, 0x04, 0x20,
                                  0x57, 0x58, 0x59, 0x5a, 0x0d, 0x6e, 0x7d, 0x01, 0x0e, 0xb0};

START_TEST(the_examples_of_the_specification_unpack_at_every_split)
{
    struct buffer out;
    for (size_t cut = 0; cut <= sizeof hello; cut++) {
        unpack(hello, sizeof hello, cut, 1000, &out);
        ck_assert_str_eq(buffer_text(&out), "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
        buffer_done(&out);
    }
    for (size_t cut = 0; cut <= sizeof overlap; cut++) {
        unpack(overlap, sizeof overlap, cut, 1000, &out);
        ck_assert_str_eq(buffer_text(&out), "{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}");
        buffer_done(&out);
    }
}
END_TEST

START_TEST(stored_rtf_comes_out_as_long_as_it_says)
{
    static const char stored[] = "\x11\0\0\0\x05\0\0\0MELA\0\0\0\0{abc}rest";
    struct buffer out;
    struct rtf_lzfu z = unpack((const uint8_t *)stored, sizeof stored - 1, 0, 1000, &out);
    ck_assert_str_eq(buffer_text(&out), "{abc}");
    ck_assert(!z.cut); /* what stands behind is padding */
    buffer_done(&out);
}
END_TEST

START_TEST(what_is_neither_is_broken_and_gives_nothing)
{
    struct buffer out;
    struct rtf_lzfu z = unpack((const uint8_t *)"0123456701234567abcdef", 22, 0, 1000, &out);
    ck_assert(z.broken);
    ck_assert_uint_eq(out.len, 0);
    buffer_done(&out);
}
END_TEST

/* References only, each 16 bytes long: nearly the most that can come out of each byte. */
START_TEST(a_bomb_stops_at_the_limit)
{
    struct buffer bomb, out;
    buffer_init(&bomb, 1 << 24);
    buffer_append(&bomb, hello, RTF_LZFU_HEADER);
    for (unsigned i = 0; i < 500000; i++)
        buffer_append(&bomb, "\xFF\x00\x0E\x00\x0E\x00\x0E\x00\x0E\x00\x0E\x00\x0E\x00\x0E\x00\x0E",
                      17);
    for (size_t limit = 5u << 20; limit <= (5u << 20) + 1; limit++) {
        struct rtf_lzfu z = unpack((const uint8_t *)bomb.data, bomb.len, bomb.len, limit, &out);
        ck_assert_uint_eq(out.len, limit);
        ck_assert(z.cut);
        buffer_done(&out);
    }
    buffer_done(&bomb);
}
END_TEST

START_TEST(any_byte_changed_unpacks_without_harm)
{
    uint8_t copy[sizeof hello];
    for (size_t at = 0; at < sizeof hello; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            struct buffer out;
            memcpy(copy, hello, sizeof copy);
            copy[at] ^= (uint8_t)(1u << bit);
            unpack(copy, sizeof copy, sizeof copy, 200, &out);
            ck_assert_uint_le(out.len, 200);
            buffer_done(&out);
        }
}
END_TEST

/* -- RTF -- */

static enum rtf_kind read_rtf(const char *rtf, size_t count, size_t cut, struct buffer *out)
{
    enum rtf_kind kind;
    AUTO(rtf_reader) r = rtf_reader_new(out);
    const uint8_t *bytes = (const uint8_t *)rtf;
    int failed = 0;
    for (size_t i = 0; cut == 0 && i < count; i++)
        failed |= rtf_reader_feed(r, bytes + i, 1);
    if (cut > 0)
        failed = rtf_reader_feed(r, bytes, cut) | rtf_reader_feed(r, bytes + cut, count - cut);
    ck_assert_int_eq(failed | rtf_reader_finish(r, &kind), 0);
    return kind;
}

#define HTML                                                                                       \
    "{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 \\deff0{\\fonttbl{\\f0\\fswiss\\fcharset0 Arial;}"      \
    "{\\f5\\fcharset204 Arial Cyr;}{\\f7\\fcharset128 MS Gothic;}}{\\colortbl\\red0;}\r\n"

static const struct row {
    const char *why, *rtf, *want;
    enum rtf_kind kind;
} rows[] = {
    {"text", "{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}}\\f0\\fs20 Hello\\par\r\nthere\\par}",
     "Hello\nthere\n", RTF_IS_TEXT},
    {"a space is eaten behind a word, not behind a symbol", "{\\rtf1 a\\b  b\\b0c\\~ d}",
     "a bc\xC2\xA0 d", RTF_IS_TEXT},
    {"escaped braces", "{\\rtf1 \\{a\\}\\\\}", "{a}\\", RTF_IS_TEXT},
    {"quotes and dashes", "{\\rtf1 \\ldblquote a\\rdblquote\\emdash b\\rquote s}",
     "\xE2\x80\x9C"
     "a\xE2\x80\x9D\xE2\x80\x94"
     "b\xE2\x80\x99s",
     RTF_IS_TEXT},
    {"a table", "{\\rtf1 a\\cell b\\cell\\row c}", "a\tb\t\nc", RTF_IS_TEXT},
    {"unicode with a substitute", "{\\rtf1 \\u8364?x}", "\xE2\x82\xACx", RTF_IS_TEXT},
    {"unicode with three", "{\\rtf1{\\uc3 \\u8364 EURx}\\u8364?y}", "\xE2\x82\xACx\xE2\x82\xACy",
     RTF_IS_TEXT},
    {"unicode with none", "{\\rtf1\\uc0 \\u8364 x}", "\xE2\x82\xACx", RTF_IS_TEXT},
    {"a hex substitute", "{\\rtf1 \\u8364\\'80x}", "\xE2\x82\xACx", RTF_IS_TEXT},
    {"a word as substitute", "{\\rtf1 \\u8217\\rquote s}", "\xE2\x80\x99s", RTF_IS_TEXT},
    {"a group ends the substitutes", "{\\rtf1{\\uc9 \\u8364}x}", "\xE2\x82\xACx", RTF_IS_TEXT},
    {"negative unicode", "{\\rtf1 \\u-10?}", "\xEF\xBF\xB6", RTF_IS_TEXT},
    {"a surrogate pair", "{\\rtf1 \\u-10179?\\u-8704?}", "\xF0\x9F\x98\x80", RTF_IS_TEXT},
    {"half a pair", "{\\rtf1 \\u-10179?x\\u-8704?}", "\xEF\xBF\xBDx\xEF\xBF\xBD", RTF_IS_TEXT},
    {"half a pair at the end", "{\\rtf1 \\u-10179?}", "\xEF\xBF\xBD", RTF_IS_TEXT},
    {"the code page of the text", "{\\rtf1\\ansi\\ansicpg1251 \\'cf\xF0}", "\xD0\x9F\xD1\x80",
     RTF_IS_TEXT},
    {"the code page of a font",
     "{\\rtf1{\\fonttbl{\\f0\\fcharset0 A;}{\\f1\\fcharset204 B;}}\\'e4{\\f1\\'e4}\\'e4}",
     "\xC3\xA4\xD0\xB4\xC3\xA4", RTF_IS_TEXT},
    {"two bytes for a character, one of them literal",
     "{\\rtf1{\\fonttbl{\\f1\\fcharset128 B;}}\\f1\\'83\\'65\\'83X\\'83g\\par x}",
     "\xE3\x83\x86\xE3\x82\xB9\xE3\x83\x88\nx", RTF_IS_TEXT},
    {"a macintosh", "{\\rtf1\\mac \\'8a}", "\xC3\xA4", RTF_IS_TEXT},
    {"the default font comes back",
     "{\\rtf1\\deff3{\\fonttbl{\\f3\\fcharset238 A;}"
     "{\\f4\\fcharset204 B;}}\\'b9\\f4\\'b9\\plain\\'b9}",
     "\xC4\x85\xE2\x84\x96\xC4\x85", RTF_IS_TEXT},
    {"destinations that are no text",
     "{\\rtf1{\\info{\\title t}}{\\*\\unknown u{\\b v}}"
     "{\\pict\\wmetafile8 0102}{\\field{\\*\\fldinst HYPERLINK \"x\"}{\\fldrslt link}}a}",
     "linka", RTF_IS_TEXT},
    {"binary data with braces", "{\\rtf1 a{\\pict\\bin4 }}\\{}b}", "ab", RTF_IS_TEXT},
    {"hidden text", "{\\rtf1 a{\\v b}\\v c\\v0 d}", "ad", RTF_IS_TEXT},
    {"a word that is too long", "{\\rtf1 a\\abcdefghijklmnopqrstuvwxyzabcdefghijkl1 b}", "ab",
     RTF_IS_TEXT},
    {"a number that is too long", "{\\rtf1 a\\u99999999999999999999?b}", "ab", RTF_IS_TEXT},
    {"a broken hex escape", "{\\rtf1 a\\'4zb}", "azb", RTF_IS_TEXT},
    {"too many braces", "{\\rtf1 a}}} b", "a", RTF_IS_TEXT},
    {"no end", "{\\rtf1 a{\\b b", "ab", RTF_IS_TEXT},
    {"no RTF", "hello", "", RTF_IS_TEXT},
    {"nothing", "", "", RTF_IS_TEXT},

    {"html",
     HTML "{\\*\\htmltag19 <html>}{\\*\\htmltag64 <p>}\\htmlrtf {\\htmlrtf0 Hi & bye"
          "{\\*\\htmltag72 </p>}\\htmlrtf\\par}\\htmlrtf0\r\n{\\*\\htmltag27 </html>}}",
     "<html><p>Hi & bye</p></html>", RTF_IS_HTML},
    {"entities",
     HTML "\\lquote a\\rquote\\~\\_\\bullet\\endash{\\*\\htmltag84 &lt;}\\htmlrtf <"
          "\\htmlrtf0}",
     "&lsquo;a&rsquo;&nbsp;&shy;&bull;&ndash;&lt;", RTF_IS_HTML},
    {"line ends and tabs", HTML "{\\*\\htmltag a\\par b\\tab c}\\line x}", "a\r\nb\tc\r\nx",
     RTF_IS_HTML},
    {"attributes with escapes", HTML "{\\*\\htmltag84 <a href=\"x\\'e4\\{\\}\">}}",
     "<a href=\"x\xC3\xA4{}\">", RTF_IS_HTML},
    {"mhtmltag is left out", HTML "{\\*\\mhtmltag84 <img src=x>}{\\*\\htmltag84 <img src=y>}}",
     "<img src=y>", RTF_IS_HTML},
    {"a font set where RTF is kept in", HTML "\\htmlrtf\\f5\\htmlrtf0\\'e4}", "\xD0\xB4",
     RTF_IS_HTML},
    {"\\htmlrtf ends with its group", HTML "{\\htmlrtf a}b}", "b", RTF_IS_HTML},
    {"japanese", HTML "{\\htmlrtf\\f7\\htmlrtf0\\'93\\'fa\\'96\\'7b{\\*\\htmltag84 <b>}}}",
     "\xE6\x97\xA5\xE6\x9C\xAC<b>", RTF_IS_HTML},
    {"no htmltag without fromhtml", "{\\rtf1{\\*\\htmltag84 <b>}x}", "x", RTF_IS_TEXT},
};

START_TEST(rtf_becomes_html_or_text_at_every_split)
{
    const struct row *row = &rows[_i];
    size_t count = strlen(row->rtf);
    for (size_t cut = 0; cut <= count; cut++) {
        AUTO_DONE(buffer) out;
        buffer_init(&out, 4096);
        enum rtf_kind kind = read_rtf(row->rtf, count, cut, &out);
        ck_assert_msg(strcmp(buffer_text(&out), row->want) == 0 && kind == row->kind,
                      "%s, cut at %zu: '%s'", row->why, cut, buffer_text(&out));
    }
}
END_TEST

/* @piece over and over in one group: @want_len bytes come out, valid UTF-8, in linear time. */
static void check_flood(const char *start, const char *piece, unsigned times, size_t want_len)
{
    AUTO_DONE(buffer) rtf;
    AUTO_DONE(buffer) out;
    buffer_init(&rtf, 1 << 26);
    buffer_init(&out, 1 << 26);
    buffer_append_text(&rtf, start);
    for (unsigned i = 0; i < times; i++)
        buffer_append_text(&rtf, piece);
    read_rtf(rtf.data, rtf.len, rtf.len, &out);
    ck_assert_uint_eq(out.len, want_len);
    ck_assert(text_is_utf8(buffer_text(&out), out.len));
}

START_TEST(floods_are_read_in_linear_time)
{
    check_flood("{\\rtf1 ", "{", 1000000, 0);
    check_flood("{\\rtf1 ", "{a}", 1000000, 1000000);
    check_flood("{\\rtf1{\\fonttbl", "{\\f1\\fcharset128 x;}", 100000, 0);
    check_flood("{\\rtf1 ", "\\f1\\ansicpg1250\\'e4\\ansicpg1251\\'e4\\ansicpg1253\\'e4", 100000,
                600000);
    check_flood("{\\rtf1 ", "\\u-10179?", 100000, 300000);
    check_flood("{\\rtf1 ", "\\*\\x", 1000000, 0);
    check_flood("{\\rtf1 \\bin999999999 ", "text", 100000, 0);
}
END_TEST

START_TEST(runs_beyond_the_limit_cost_no_decoder)
{
    check_flood("{\\rtf1\\ansicpg932 ", "\\'93\\'fa\\u32 ?", RTF_OUTPUT_RUNS_MAX + 1000,
                4 * RTF_OUTPUT_RUNS_MAX + 7 * 1000);
}
END_TEST

START_TEST(every_code_page_gives_valid_utf8)
{
    static const unsigned pages[] = {0,    437,  708,  850,   866,   874,   932,   936,   949,
                                     950,  1200, 1250, 1258,  1361,  10000, 20127, 20866, 28591,
                                     28605, 50220, 51932, 54936, 65000, 65001, 65535, 4294967};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        AUTO_DONE(buffer) rtf;
        AUTO_DONE(buffer) out;
        buffer_init(&rtf, 1 << 16);
        buffer_init(&out, 1 << 16);
        buffer_printf(&rtf, "{\\rtf1\\ansicpg%u ", pages[i]);
        for (unsigned byte = 1; byte < 256; byte++)
            buffer_printf(&rtf, "\\'%02x", byte);
        read_rtf(rtf.data, rtf.len, rtf.len, &out);
        ck_assert_msg(out.len > 126 && text_is_utf8(buffer_text(&out), out.len), "page %u",
                      pages[i]);
    }
}
END_TEST

START_TEST(a_full_buffer_keeps_a_beginning_cut_at_a_character)
{
    static const char rtf[] = "{\\rtf1\\ansicpg932 ab\\'93\\'fa\\'96\\'7b\\u8364?xyz}";
    static const char whole[] = "ab\xE6\x97\xA5\xE6\x9C\xAC\xE2\x82\xACxyz";
    for (size_t limit = 0; limit < sizeof whole - 1; limit++) {
        AUTO_DONE(buffer) out;
        buffer_init(&out, limit);
        read_rtf(rtf, sizeof rtf - 1, sizeof rtf - 1, &out);
        ck_assert(buffer_is_full(&out));
        ck_assert(text_is_utf8(buffer_text(&out), out.len));
        ck_assert_int_eq(strncmp(buffer_text(&out), whole, out.len), 0);
    }
}
END_TEST

START_TEST(code_pages_have_labels)
{
    char label[CODEPAGE_LABEL_MAX];
    codepage_label(1252, label);
    ck_assert_str_eq(label, "cp1252");
    codepage_label(28605, label);
    ck_assert_str_eq(label, "iso-8859-15");
    codepage_label(65001, label);
    ck_assert_str_eq(label, "utf-8");
    codepage_label(UINT32_MAX, label);
    ck_assert_str_eq(label, "cp4294967295");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("rtf");
    TCase *t = tcase_create("rtf");
    tcase_add_test(t, the_examples_of_the_specification_unpack_at_every_split);
    tcase_add_test(t, stored_rtf_comes_out_as_long_as_it_says);
    tcase_add_test(t, what_is_neither_is_broken_and_gives_nothing);
    tcase_add_test(t, a_bomb_stops_at_the_limit);
    tcase_add_test(t, any_byte_changed_unpacks_without_harm);
    tcase_add_loop_test(t, rtf_becomes_html_or_text_at_every_split, 0, sizeof rows / sizeof *rows);
    tcase_add_test(t, floods_are_read_in_linear_time);
    tcase_add_test(t, runs_beyond_the_limit_cost_no_decoder);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, every_code_page_gives_valid_utf8);
    tcase_add_test(t, a_full_buffer_keeps_a_beginning_cut_at_a_character);
    tcase_add_test(t, code_pages_have_labels);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
