/* SPDX-License-Identifier: Apache-2.0 */
/* common-test.c - promises of common/: errors, buffers, cursors, text, time. */
#include <config.h>
#include "check-main.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "buffer.h"
#include "clock.h"
#include "cursor.h"
#include "error.h"
#include "text.h"

START_TEST(an_error_longer_than_its_room_is_cut_at_a_character_and_says_so)
{
    struct error err;
    char longest[2 * ERROR_TEXT_MAX];
    for (size_t i = 0; i + 1 < sizeof longest; i += 2)
        memcpy(longest + i, "\xC3\xA4", 2);
    longest[sizeof longest - 2] = '\0';
    ck_assert_int_eq(error_set(&err, ERROR_MAIL, "x%s", longest), -1);
    ck_assert(text_is_utf8(err.text, strlen(err.text)));
    ck_assert_str_eq(err.text + strlen(err.text) - 4, " ...");
}
END_TEST

START_TEST(a_lack_of_descriptors_has_a_remedy_of_its_own)
{
    ck_assert_ptr_nonnull(strstr(error_remedy(EMFILE, "look"), "ulimit -n"));
    ck_assert_str_eq(error_remedy(ENFILE, "look"), error_remedy(EMFILE, "look"));
    ck_assert_str_eq(error_remedy(EACCES, "look"), "look");
}
END_TEST

START_TEST(an_error_is_cut_in_no_word_of_usual_length)
{
    struct error err;
    for (int before = 0; before < 20; before++) {
        ck_assert_int_eq(error_set(&err, ERROR_MAIL, "%*s a-password %0600d",
                                   ERROR_TEXT_MAX - 20 + before, "", 0),
                         -1);
        const char *at = strstr(err.text, "a-p");
        ck_assert_msg(at == NULL || strncmp(at, "a-password ", 11) == 0, "%s", err.text);
    }
}
END_TEST

START_TEST(each_class_has_a_name_a_reach_and_an_exit_code)
{
    for (int class = ERROR_MAIL; class <= ERROR_BUG; class++) {
        ck_assert_str_ne(error_class_name((enum error_class)class), "unknown");
        ck_assert_int_ge(error_exit_code((enum error_class)class), 64);
    }
    ck_assert_int_eq(error_exit_code(ERROR_CREDENTIALS), 77);
    ck_assert_int_eq(error_exit_code((enum error_class)99), 70);
}
END_TEST

START_TEST(a_prefix_says_where_before_what)
{
    struct error err;
    error_set(&err, ERROR_LINK, "link lost");
    error_prefix(&err, "mail.example.org, folder '%s'", "INBOX");
    ck_assert_str_eq(err.text, "mail.example.org, folder 'INBOX': link lost");
}
END_TEST

START_TEST(a_buffer_refuses_what_goes_over_its_limit_and_keeps_what_it_has)
{
    struct buffer b;
    buffer_init(&b, 10);
    ck_assert_int_eq(buffer_append_text(&b, "0123456789"), 0);
    ck_assert(!buffer_is_full(&b));
    ck_assert_int_eq(buffer_append_byte(&b, 'x'), -1);
    ck_assert(buffer_is_full(&b));
    ck_assert_str_eq(buffer_text(&b), "0123456789");
    buffer_drop(&b, 4);
    ck_assert_int_eq(buffer_printf(&b, "%d", 1234), 0);
    ck_assert_str_eq(buffer_text(&b), "4567891234");
    buffer_done(&b);
}
END_TEST

START_TEST(text_that_does_not_fit_is_a_beginning_cut_at_a_character)
{
    struct buffer b;
    buffer_init(&b, 4);
    ck_assert_int_eq(text_append_fitting(&b, "a", 1), 0);
    ck_assert(!buffer_is_full(&b));
    ck_assert_int_eq(text_append_fitting(&b, "\xC3\xA4\xC3\xA4", 4), 0);
    ck_assert(buffer_is_full(&b));
    ck_assert_int_eq(text_append_fitting(&b, "x", 1), 0); /* no hole */
    ck_assert_str_eq(buffer_text(&b), "a\xC3\xA4");
    buffer_done(&b);
}
END_TEST

static const struct number_row {
    const char *bytes;
    uint64_t max, want;
    enum parse result;
} number_rows[] = {
    {"17 ", 99, 17, PARSE_OK},
    {"4294967295)", UINT32_MAX, UINT32_MAX, PARSE_OK},
    {"4294967296)", UINT32_MAX, 0, PARSE_BAD},
    {"18446744073709551615 ", UINT64_MAX, UINT64_MAX, PARSE_OK},
    {"18446744073709551616 ", UINT64_MAX, 0, PARSE_BAD},
    {"12", 99, 0, PARSE_MORE},
    {"x", 99, 0, PARSE_BAD},
    {"", 99, 0, PARSE_MORE},
};

START_TEST(a_number_stops_at_its_maximum_and_asks_for_more_at_the_end)
{
    const struct number_row *row = &number_rows[_i];
    struct cursor c = cursor_over(row->bytes, strlen(row->bytes));
    uint64_t n = 0;
    ck_assert_int_eq((int)cursor_number(&c, row->max, &n), (int)row->result);
    ck_assert_uint_eq(n, row->want);
    if (row->result != PARSE_OK)
        ck_assert_uint_eq(c.pos, 0);
}
END_TEST

START_TEST(a_line_ends_at_crlf_or_lf_and_never_grows_beyond_its_limit)
{
    static const char wire[] = "abc\r\nde\nf";
    struct cursor c = cursor_over(wire, sizeof wire - 1);
    struct span line;
    ck_assert(cursor_line(&c, 3, &line) == PARSE_OK && span_is(line, "abc"));
    ck_assert(cursor_line(&c, 3, &line) == PARSE_OK && span_is(line, "DE"));
    ck_assert(cursor_line(&c, 3, &line) == PARSE_MORE);
    c = cursor_over(wire, sizeof wire - 1);
    ck_assert(cursor_line(&c, 2, &line) == PARSE_BAD);
    ck_assert_uint_eq(c.pos, 0);
}
END_TEST

START_TEST(sizes_and_durations_read_as_people_write_them)
{
    uint64_t n;
    ck_assert(text_to_size("50MB", UINT64_MAX, &n) == 0 && n == 50u << 20);
    ck_assert(text_to_size("64 kb", UINT64_MAX, &n) == 0 && n == 64u << 10);
    ck_assert(text_to_size("1G", UINT32_MAX, &n) == 0 && n == 1u << 30);
    ck_assert_int_eq(text_to_size("5G", UINT32_MAX, &n), -1);
    ck_assert_int_eq(text_to_size("MB", UINT64_MAX, &n), -1);
    ck_assert(text_to_duration("5min", UINT64_MAX, &n) == 0 && n == 300000);
    ck_assert(text_to_duration("60", UINT64_MAX, &n) == 0 && n == 60000);
    ck_assert_int_eq(text_to_duration("60 years", UINT64_MAX, &n), -1);
    ck_assert_int_eq(text_to_u64("9", 8, &n), -1);
}
END_TEST

START_TEST(the_nearest_word_is_found_by_its_edits)
{
    ck_assert_uint_eq(text_distance("mailbx", "mailbox"), 1);
    ck_assert_uint_eq(text_distance("DROPBXO", "dropbox"), 1);
    ck_assert_uint_eq(text_distance("", "url"), 3);
    ck_assert_uint_gt(text_distance("sanitize", "port"), 5);
}
END_TEST

START_TEST(a_run_of_ascii_ends_at_the_first_byte_that_is_none_wherever_that_is)
{
    static const uint8_t ends[] = {0x00, 0x80, 0xC3, 0xFF};
    uint8_t bytes[40];
    for (size_t at = 0; at <= sizeof bytes; at++)
        for (size_t i = 0; i < sizeof ends; i++) {
            memset(bytes, at % 2 == 0 ? 0x01 : 0x7F, sizeof bytes);
            if (at < sizeof bytes)
                bytes[at] = ends[i];
            for (size_t from = 0; from <= at; from++)
                ck_assert_uint_eq(text_ascii_run(bytes + from, sizeof bytes - from), at - from);
        }
}
END_TEST

START_TEST(utf8_is_checked_as_rfc_3629_wants)
{
    ck_assert(text_is_utf8("\xF0\x9F\x93\xAC", 4));
    ck_assert(!text_is_utf8("\xC0\x80", 2));
    ck_assert(!text_is_utf8("\xED\xA0\x80", 3));
    ck_assert(!text_is_utf8("\xF4\x90\x80\x80", 4));
    ck_assert(!text_is_utf8("\xE2\x82", 2));
}
END_TEST

START_TEST(text_for_a_terminal_has_no_control_characters)
{
    char out[64];
    text_printable(out, sizeof out, "a\x1b[31m\r\n\xC2\x85\xFF", 11);
    ck_assert_str_eq(out, "a\\x1B[31m\\x0D\\x0A\\xC2\\x85\\xFF");
    text_printable(out, 8, "0123456789", 10);
    ck_assert_str_eq(out, "0123...");
    text_printable(out, 8, "0123456", 7);
    ck_assert_str_eq(out, "0123456");
    text_printable(out, 8, "012\x1b\x1b", 5);
    ck_assert_str_eq(out, "012\\...");
    text_printable(out, 8, "01\xC3\xA9\xC3\xA9\xC3\xA9", 8);
    ck_assert_str_eq(out, "01\xC3\xA9...");
    text_printable(out, 4, "0123456", 7);
    ck_assert_str_eq(out, "012");
}
END_TEST

START_TEST(what_a_server_says_is_cut_behind_a_blank_so_that_no_word_is_shown_in_part)
{
    static const struct {
        const char *said, *shown;
    } rows[] = {{"bad word", "bad word"},
                {"a bad password", "a bad ..."},
                {"LOGIN ann secret", "LOGIN ..."},
                {"secretsecretsecret", "..."},
                {"a bad w\xC3\xB6"
                 "rd too",
                 "a bad ..."},
                {"LOG secret2 is bad", "LOG ..."}};
    char out[13];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        text_said(out, sizeof out, rows[i].said, strlen(rows[i].said));
        ck_assert_str_eq(out, rows[i].shown);
    }
}
END_TEST

START_TEST(dates_go_to_rfc_3339_and_back)
{
    char out[CLOCK_RFC3339_MAX];
    int64_t t = clock_unix_from_date(2026, 3, 1, 10, 0, 0);
    clock_rfc3339(t, 120, out);
    ck_assert_str_eq(out, "2026-03-01T12:00:00+02:00");
    clock_rfc3339(clock_unix_from_date(2000, 2, 29, 23, 59, 59), 0, out);
    ck_assert_str_eq(out, "2000-02-29T23:59:59Z");
    clock_rfc3339(-1, -570, out);
    ck_assert_str_eq(out, "1969-12-31T14:29:59-09:30");
    clock_rfc3339(INT64_MAX, 0, out);
    ck_assert_str_eq(out, "");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("common");
    TCase *t = tcase_create("common");
    tcase_add_test(t, an_error_longer_than_its_room_is_cut_at_a_character_and_says_so);
    tcase_add_test(t, a_lack_of_descriptors_has_a_remedy_of_its_own);
    tcase_add_test(t, an_error_is_cut_in_no_word_of_usual_length);
    tcase_add_test(t, each_class_has_a_name_a_reach_and_an_exit_code);
    tcase_add_test(t, a_prefix_says_where_before_what);
    tcase_add_test(t, a_buffer_refuses_what_goes_over_its_limit_and_keeps_what_it_has);
    tcase_add_test(t, text_that_does_not_fit_is_a_beginning_cut_at_a_character);
    tcase_add_loop_test(t, a_number_stops_at_its_maximum_and_asks_for_more_at_the_end, 0,
                        (int)(sizeof number_rows / sizeof number_rows[0]));
    tcase_add_test(t, a_line_ends_at_crlf_or_lf_and_never_grows_beyond_its_limit);
    tcase_add_test(t, sizes_and_durations_read_as_people_write_them);
    tcase_add_test(t, the_nearest_word_is_found_by_its_edits);
    tcase_add_test(t, utf8_is_checked_as_rfc_3629_wants);
    tcase_add_test(t, a_run_of_ascii_ends_at_the_first_byte_that_is_none_wherever_that_is);
    tcase_add_test(t, text_for_a_terminal_has_no_control_characters);
    tcase_add_test(t, what_a_server_says_is_cut_behind_a_blank_so_that_no_word_is_shown_in_part);
    tcase_add_test(t, dates_go_to_rfc_3339_and_back);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
