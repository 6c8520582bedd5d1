/* SPDX-License-Identifier: Apache-2.0 */
/* charset-test.c - promises of charset.h: whatever bytes, whatever label, UTF-8 comes out. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <string.h>

#include "buffer.h"
#include "charset-names.h"
#include "charset.h"
#include "text.h"

#define BYTES(literal) (literal), sizeof(literal) - 1

static const struct charset_row {
    const char *label, *bytes;
    size_t count;
    const char *want, *problem;
} charset_rows[] = {
    {NULL, BYTES("plain"), "plain", ""},
    {NULL, BYTES(""), "", ""},
    {"utf-8", BYTES("Gr\xC3\xBC\xC3\x9F"), "Grüß", ""},
    {"UTF8",
     BYTES("\xEF\xBB\xBF"
           "a"),
     "a", ""},
    {"utf-8", BYTES("\xE2\x82\xAC \xE2\x82 x"), "€ \uFFFD x",
     "bytes that charset 'utf-8' does not have became U+FFFD"},
    {"utf-8",
     BYTES("Gr\xFC\xDF"
           "e"),
     "Grüße", "text is not in its charset 'utf-8', read as windows-1252"},
    {"utf-8", BYTES("\xED\xA0\x80\xC3\xA4"), "\uFFFD\uFFFD\uFFFDä",
     "bytes that charset 'utf-8' does not have became U+FFFD"},
    {"iso-8859-1",
     BYTES("\x93"
           "a\x94 \x80"),
     "“a” €", ""},
    {"ISO_8859-1:1987", BYTES("\xE4"), "ä", ""},
    {"latin1", BYTES("\xEF\xBB\xBF\xC3\xA4"), "ä", ""},
    {"iso-8859-15", BYTES("\xA4"), "€", ""},
    {"us-ascii", BYTES("caf\xE9"), "café",
     "text is not in its charset 'us-ascii', read as windows-1252"},
    {"us-ascii", BYTES("caf\xC3\xA9"), "café",
     "text is not in its charset 'us-ascii', read as utf-8"},
    {NULL, BYTES("caf\xE9"), "café", "8-bit text without charset, read as windows-1252"},
    {NULL, BYTES("caf\xC3\xA9"), "café", "8-bit text without charset, read as utf-8"},
    {"x-foo", BYTES("caf\xE9"), "café", "charset 'x-foo' unknown, read as windows-1252"},
    {"x-foo", BYTES("a"), "a", "charset 'x-foo' unknown, read as us-ascii"},
    {"utf-8//TRANSLIT", BYTES("\xC3\xA4"), "ä", ""},
    {"/etc/passwd", BYTES("a"), "a", ""},
    {"gb2312", BYTES("\xC4\xE3\xBA\xC3 \x81\x40"), "你好 丂", ""},
    {"ks_c_5601-1987", BYTES("\xC7\xD1 \x81\x41"), "한 갂", ""},
    {"shift_jis", BYTES("\x93\xFA\x96\x7B \x87\x40"), "日本 ①", ""},
    {"euc-jp", BYTES("\xC6\xFC\xCB\xDC \xAD\xA1"), "日本 ①", ""},
    {"big5", BYTES("\xA4\xA4\xA4\xE5"), "中文", ""},
    {"big5", BYTES("5 \xA3\xE1 \xA4\xA4"), "5 € 中", ""}, /* as code page 950 has it */
    {"gbk", BYTES("5 \x80 \xC4\xE3"), "5 € 你", ""},     /* code page 936 */
    {"iso-2022-jp", BYTES("\x1B$B$3$s\x1B(B!"), "こん!", ""},
    {"iso-2022-jp", BYTES("\x1B$B-!\x1B(I1\x1B(B"), "①ｱ", ""},
    {"iso-2022-jp", BYTES("\x1B$B$3$s\nabc"), "こん\nabc", ""},
    {"iso-2022-jp", BYTES("\x93\xFA\x96\x7B"), "日本",
     "text is not in its charset 'iso-2022-jp', read as cp932"},
    {"iso-2022-jp", BYTES("日本"), "日本",
     "text is not in its charset 'iso-2022-jp', read as utf-8"},
    {NULL, BYTES("a \x1B$B$3$s\x1B(B"), "a こん",
     "8-bit text without charset, read as iso-2022-jp"},
    {"us-ascii", BYTES("\x1B$)C\x0EGQ\x0F"), "한",
     "text is not in its charset 'us-ascii', read as iso-2022-kr"},
    {NULL, BYTES("\x1B[1mbold"), "\x1B[1mbold", ""},
    {NULL, BYTES("\x1B"), "\x1B", ""},
    {"hz-gb-2312", BYTES("a~{VPND~}~~b"), "a中文~b", ""},
    {"utf-7", BYTES("Hi +AOQ-+ANY-!"), "Hi äÖ!", ""},
    {"utf-16", BYTES("\xFE\xFF\0a\x20\xAC"), "a€", ""},
    {"utf-16", BYTES("a\0\xAC\x20"), "a€", ""},
    {"utf-16le", BYTES("\x3D\xD8\x00\xDE"), "😀", ""},
    {NULL,
     BYTES("\xFF\xFE"
           "a\0"),
     "a", "8-bit text without charset, read as utf-16le"},
    {"utf-16le",
     BYTES("\x3D\xD8"
           "a\0"),
     "\uFFFD"
     "a",
     "bytes that charset 'utf-16le' does not have became U+FFFD"},
    {"utf-8", BYTES("a\0b\0\xC3\xA4"), "abä", ""},
    {NULL, BYTES("\0\0a"), "a", ""},
    {"windows-1251", BYTES("\xCF\xF0\xE8"), "При", ""},
    {"koi8-r", BYTES("\xF0\xD2\xC9"), "При", ""},
    {"windows-1258", BYTES("a\xEC"), "á", ""},
    {"euc-kr", BYTES("\xC7"), "\uFFFD", "bytes that charset 'euc-kr' does not have became U+FFFD"},
};

START_TEST(bytes_of_a_labelled_or_unlabelled_text_become_what_people_read)
{
    const struct charset_row *row = &charset_rows[_i];
    struct buffer out;
    char problem[CHARSET_PROBLEM_MAX];
    buffer_init(&out, 1000);
    struct span bytes = {(const uint8_t *)row->bytes, row->count};
    ck_assert_int_eq(charset_to_utf8(row->label, bytes, &out, problem), 0);
    ck_assert_str_eq(buffer_text(&out), row->want);
    ck_assert_str_eq(problem, row->problem);
    ck_assert_uint_eq(out.len, strlen(buffer_text(&out)));
    buffer_done(&out);
}
END_TEST

static void decode_split(const char *label, const uint8_t *bytes, size_t count, size_t cut,
                         size_t second, struct buffer *out, char problem[CHARSET_PROBLEM_MAX])
{
    AUTO(charset_decoder) d = charset_decoder_new(label);
    ck_assert_ptr_nonnull(d);
    ck_assert_int_eq(charset_decoder_feed(d, bytes, cut, out), 0);
    ck_assert_int_eq(charset_decoder_feed(d, bytes + cut, second - cut, out), 0);
    ck_assert_int_eq(charset_decoder_feed(d, bytes + second, count - second, out), 0);
    ck_assert_int_eq(charset_decoder_finish(d, out), 0);
    const char *told = charset_decoder_problem(d);
    text_copy(problem, CHARSET_PROBLEM_MAX, told != NULL ? told : "");
}

START_TEST(every_split_gives_the_same_text_and_the_same_problem)
{
    const struct charset_row *row = &charset_rows[_i];
    for (size_t cut = 0; cut <= row->count; cut++) {
        for (size_t second = cut; second <= row->count; second++) {
            struct buffer out;
            char problem[CHARSET_PROBLEM_MAX];
            buffer_init(&out, 1000);
            decode_split(row->label, (const uint8_t *)row->bytes, row->count, cut, second, &out,
                         problem);
            ck_assert_str_eq(buffer_text(&out), row->want);
            ck_assert_str_eq(problem, row->problem);
            buffer_done(&out);
        }
    }
}
END_TEST

START_TEST(no_bytes_under_any_label_give_invalid_utf8_or_nul_and_splits_do_not_matter)
{
    const char *label = charset_alias_at((size_t)_i);
    uint8_t bytes[600];
    uint32_t random = 12345;
    for (size_t i = 0; i < sizeof bytes; i++) {
        random = random * 1103515245 + 12345;
        bytes[i] = i < 256 ? (uint8_t)i : (uint8_t)(random >> 16);
    }
    struct buffer whole, split;
    char problem[2][CHARSET_PROBLEM_MAX];
    buffer_init(&whole, 100000);
    buffer_init(&split, 100000);
    decode_split(label, bytes, sizeof bytes, 0, 0, &whole, problem[0]);
    AUTO(charset_decoder) d = charset_decoder_new(label);
    for (size_t i = 0; i < sizeof bytes; i++)
        ck_assert_int_eq(charset_decoder_feed(d, bytes + i, 1, &split), 0);
    ck_assert_int_eq(charset_decoder_finish(d, &split), 0);
    ck_assert(text_is_utf8(whole.data, whole.len));
    ck_assert_ptr_null(memchr(whole.data, '\0', whole.len));
    ck_assert_str_eq(buffer_text(&split), buffer_text(&whole));
    ck_assert_uint_le(whole.len, 4 * sizeof bytes);
    buffer_done(&whole);
    buffer_done(&split);
}
END_TEST

START_TEST(the_table_of_aliases_is_sorted_and_each_names_a_charset)
{
    for (size_t i = 1; i < charset_alias_count(); i++)
        ck_assert_str_lt(charset_alias_at(i - 1), charset_alias_at(i));
    for (size_t i = 0; i < charset_alias_count(); i++)
        ck_assert_ptr_nonnull(charset_name(charset_alias_at(i)));
    ck_assert_ptr_null(charset_name("no such charset"));
}
END_TEST

START_TEST(a_guess_waits_for_the_window_and_then_holds_for_the_rest)
{
    struct buffer text, out;
    char problem[CHARSET_PROBLEM_MAX];
    buffer_init(&text, 4 * CHARSET_WINDOW);
    buffer_init(&out, 8 * CHARSET_WINDOW);
    for (size_t i = 0; i < CHARSET_WINDOW; i++)
        ck_assert_int_eq(buffer_append(&text, "\xC3\xA4", 2), 0);
    ck_assert_int_eq(buffer_append_byte(&text, 0xE4), 0); /* behind the window: still UTF-8 */
    AUTO(charset_decoder) d = charset_decoder_new(NULL);
    const uint8_t *bytes = (const uint8_t *)text.data;
    ck_assert_int_eq(charset_decoder_feed(d, bytes, CHARSET_WINDOW - 1, &out), 0);
    ck_assert_uint_eq(out.len, 0);
    ck_assert_int_eq(charset_decoder_feed(d, bytes + CHARSET_WINDOW - 1, 1, &out), 0);
    ck_assert_uint_eq(out.len, CHARSET_WINDOW);
    ck_assert_int_eq(
        charset_decoder_feed(d, bytes + CHARSET_WINDOW, text.len - CHARSET_WINDOW, &out), 0);
    ck_assert_int_eq(charset_decoder_finish(d, &out), 0);
    ck_assert_uint_eq(out.len, text.len + 1);
    ck_assert_str_eq(out.data + out.len - 4, "ää");
    (void)problem;
    buffer_done(&text);
    buffer_done(&out);
}
END_TEST

START_TEST(one_broken_byte_does_not_spoil_a_text_in_utf8_nor_one_lucky_pair_make_one)
{
    static const char mostly_utf8[] = "äöüßäöüß \xE4 äöüß";
    static const char mostly_1252[] = "\xC9\xAE \xE4 \xF6 \xFC";
    struct buffer out;
    char problem[CHARSET_PROBLEM_MAX];
    buffer_init(&out, 1000);
    struct span bytes = {(const uint8_t *)mostly_utf8, sizeof mostly_utf8 - 1};
    ck_assert_int_eq(charset_to_utf8(NULL, bytes, &out, problem), 0);
    ck_assert_str_eq(buffer_text(&out), "äöüßäöüß ä äöüß");
    buffer_clear(&out);
    bytes = (struct span){(const uint8_t *)mostly_1252, sizeof mostly_1252 - 1};
    ck_assert_int_eq(charset_to_utf8(NULL, bytes, &out, problem), 0);
    ck_assert_str_eq(buffer_text(&out), "É® ä ö ü");
    buffer_done(&out);
}
END_TEST

START_TEST(a_full_buffer_keeps_a_beginning_cut_at_a_character_and_is_no_failure)
{
    for (size_t limit = 0; limit <= 6; limit++) {
        struct buffer out;
        char problem[CHARSET_PROBLEM_MAX];
        buffer_init(&out, limit);
        struct span bytes = {(const uint8_t *)"aäößb", 8};
        ck_assert_int_eq(charset_to_utf8("utf-8", bytes, &out, problem), 0);
        ck_assert(buffer_is_full(&out));
        ck_assert_uint_eq(out.len, limit == 0 ? 0 : (limit - 1) / 2 * 2 + 1);
        ck_assert(text_is_utf8(buffer_text(&out), out.len));
        buffer_done(&out);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("charset");
    TCase *t = tcase_create("charset");
    int rows = (int)(sizeof charset_rows / sizeof charset_rows[0]);
    tcase_add_loop_test(t, bytes_of_a_labelled_or_unlabelled_text_become_what_people_read, 0, rows);
    tcase_add_loop_test(t, every_split_gives_the_same_text_and_the_same_problem, 0, rows);
    tcase_add_loop_test(t,
                        no_bytes_under_any_label_give_invalid_utf8_or_nul_and_splits_do_not_matter,
                        0, (int)charset_alias_count());
    tcase_add_test(t, the_table_of_aliases_is_sorted_and_each_names_a_charset);
    tcase_add_test(t, a_guess_waits_for_the_window_and_then_holds_for_the_rest);
    tcase_add_test(t, one_broken_byte_does_not_spoil_a_text_in_utf8_nor_one_lucky_pair_make_one);
    tcase_add_test(t, a_full_buffer_keeps_a_beginning_cut_at_a_character_and_is_no_failure);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
