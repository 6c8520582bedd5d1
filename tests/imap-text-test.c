/* SPDX-License-Identifier: Apache-2.0 */
/* imap-text-test.c - promises of the small pure modules of the IMAP dialogue: sets of UIDs,
 * modified UTF-7, commands, what was said during the login, addresses that count as local. */
#include <config.h>
#include "check-main.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "imap-command.h"
#include "imap-set.h"
#include "imap-utf7.h"
#include "login-log.h"
#include "stream.h"
#include "text.h"

/* ---- Sets ------------------------------------------------------------------------------------ */

static const char *set_text(struct imap_set *set)
{
    static char text[1000];
    struct imap_command command;
    imap_command_init(&command, "");
    imap_command_set(&command, set);
    text_copy(text, sizeof text, set->count > 0 ? buffer_text(&command.bytes) : "");
    imap_command_done(&command);
    return text;
}

START_TEST(a_set_joins_neighbours_whatever_the_order)
{
    struct imap_set set;
    imap_set_init(&set);
    static const uint32_t uids[] = {5, 3, 4, 9, 1, 9, 4294967295u};
    for (size_t i = 0; i < sizeof uids / sizeof uids[0]; i++)
        ck_assert_int_eq(imap_set_add(&set, uids[i], uids[i]), 0);
    ck_assert_int_eq(imap_set_add(&set, 20, 4294967295u), 0);
    ck_assert_str_eq((imap_set_sort(&set), set_text(&set)), "1,3:5,9,20:4294967295");
    ck_assert(imap_set_has(&set, 4));
    ck_assert(imap_set_has(&set, 4294967295u));
    ck_assert(!imap_set_has(&set, 2));
    ck_assert(!imap_set_has(&set, 10));
    ck_assert_uint_eq(imap_set_size(&set), 5 + 4294967295u - 19);
    imap_set_done(&set);
}
END_TEST

START_TEST(taking_out_and_taking_the_lowest_leave_the_rest)
{
    struct imap_set set, other, low;
    imap_set_init(&set);
    imap_set_init(&other);
    imap_set_init(&low);
    imap_set_add(&set, 1, 100);
    imap_set_add(&set, 200, 210);
    imap_set_add(&other, 1, 1);
    imap_set_add(&other, 50, 60);
    imap_set_add(&other, 100, 204);
    imap_set_add(&other, 300, 400);
    ck_assert_int_eq(imap_set_subtract(&set, &other), 0);
    ck_assert_str_eq(set_text(&set), "2:49,61:99,205:210");
    ck_assert_int_eq(imap_set_take(&set, 50, &low), 0);
    ck_assert_str_eq(set_text(&low), "2:49,61:62");
    ck_assert_str_eq(set_text(&set), "63:99,205:210");
    imap_set_clear(&low);
    ck_assert_int_eq(imap_set_take(&set, 1000, &low), 0);
    ck_assert_uint_eq(set.count, 0);
    imap_set_done(&set);
    imap_set_done(&other);
    imap_set_done(&low);
}
END_TEST

START_TEST(a_million_scattered_uids_backwards_are_sorted_once_and_one_more_is_refused)
{
    struct imap_set set;
    imap_set_init(&set);
    for (uint32_t i = IMAP_SET_RANGES_MAX; i > 0; i--)
        ck_assert_int_eq(imap_set_add(&set, i * 2, i * 2), 0);
    ck_assert_int_eq(imap_set_add(&set, 3000001, 3000001), -1);
    ck_assert_int_eq(imap_set_add(&set, 1, 4294967295u), -1);
    ck_assert_uint_eq(imap_set_size(&set), IMAP_SET_RANGES_MAX);
    imap_set_done(&set);
}
END_TEST

START_TEST(a_full_set_in_disorder_is_not_sorted_for_every_uid_that_comes_twice)
{
    struct imap_set set;
    imap_set_init(&set);
    for (uint32_t i = IMAP_SET_RANGES_MAX; i > 1; i--)
        ck_assert_int_eq(imap_set_add(&set, i * 4, i * 4), 0);
    ck_assert_int_eq(imap_set_add(&set, 12, 12), 0);
    ck_assert_int_eq(imap_set_add(&set, 8, 8), -1);
    ck_assert_uint_eq(imap_set_size(&set), IMAP_SET_RANGES_MAX - 1);
    imap_set_done(&set);
    for (uint32_t i = 0; i < IMAP_SET_RANGES_MAX; i++) { /* each comes twice: the sort pays */
        uint32_t uid = (IMAP_SET_RANGES_MAX - i % (IMAP_SET_RANGES_MAX / 2)) * 2;
        ck_assert_int_eq(imap_set_add(&set, uid, uid), 0);
    }
    ck_assert_int_eq(imap_set_add(&set, 3000000, 3000000), 0);
    imap_set_done(&set);
}
END_TEST

/* ---- Modified UTF-7 -------------------------------------------------------------------------- */

START_TEST(names_go_to_modified_utf7_and_back)
{
    static const struct {
        const char *text, *wire;
    } rows[] = {
        {"INBOX", "INBOX"},
        {"", ""},
        {"Tom & Jerry", "Tom &- Jerry"},
        {"\xC3\x84rchiv/2026", "&AMQ-rchiv/2026"},
        {"~peter/mail/\xE5\x8F\xB0\xE5\x8C\x97/\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E",
         "~peter/mail/&U,BTFw-/&ZeVnLIqe-"},
        {"\xF0\x9F\x93\xA5", "&2D3c5Q-"},
        {"a\xC3\xA4&b", "a&AOQ-&-b"},
        {"\xC3\xA4\xC3\xB6\xC3\xBC", "&AOQA9gD8-"},
        {"say \"hi\" \\ all", "say \"hi\" \\ all"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer wire, text;
        buffer_init(&wire, 200);
        buffer_init(&text, 200);
        ck_assert_int_eq(imap_utf7_encode(&wire, rows[i].text), 0);
        ck_assert_str_eq(buffer_text(&wire), rows[i].wire);
        ck_assert_int_eq(imap_utf7_decode(&text, rows[i].wire, strlen(rows[i].wire)), 0);
        ck_assert_str_eq(buffer_text(&text), rows[i].text);
        buffer_done(&wire);
        buffer_done(&text);
    }
}
END_TEST

START_TEST(names_that_would_not_come_back_the_same_are_refused)
{
    static const char *const wires[] = {
        "&",     "&AMQ",  "&-&",      "&AMQ-&AOQ-", "&AEE-", "&AMR-",    "&AM-",    "&A-",   "&!-",
        "&2D0-", "&3OU-", "\xC3\xA4", "a\x01",      "a\x7F", "&AMQAQQ-", "&AMQAA-", "&AMQ=-"};
    for (size_t i = 0; i < sizeof wires / sizeof wires[0]; i++) {
        struct buffer text;
        buffer_init(&text, 200);
        ck_assert_msg(imap_utf7_decode(&text, wires[i], strlen(wires[i])) == -1, "%s", wires[i]);
        buffer_done(&text);
    }
    static const char *const texts[] = {"a\n", "\x7F", "\xFF", "\xED\xA0\x80"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buffer wire;
        buffer_init(&wire, 200);
        ck_assert_int_eq(imap_utf7_encode(&wire, texts[i]), -1);
        buffer_done(&wire);
    }
}
END_TEST

START_TEST(every_character_survives_the_round_trip)
{
    struct buffer text, wire, back;
    buffer_init(&text, 100);
    buffer_init(&wire, 100);
    buffer_init(&back, 100);
    for (uint32_t c = 0x20; c < 0x110000; c += c < 0x3000 ? 1 : 61) {
        if (c == 0x7F || (c >= 0xD800 && c < 0xE000))
            continue;
        buffer_clear(&text);
        buffer_clear(&wire);
        buffer_clear(&back);
        buffer_append_text(&text, "x");
        text_utf8_append(&text, c);
        text_utf8_append(&text, c);
        ck_assert_int_eq(imap_utf7_encode(&wire, buffer_text(&text)), 0);
        ck_assert_int_eq(imap_utf7_decode(&back, wire.data, wire.len), 0);
        ck_assert_str_eq(buffer_text(&back), buffer_text(&text));
    }
    buffer_done(&text);
    buffer_done(&wire);
    buffer_done(&back);
}
END_TEST

/* ---- Commands -------------------------------------------------------------------------------- */

START_TEST(a_command_holds_sets_and_quoted_names)
{
    struct imap_set set;
    struct imap_command command;
    imap_set_init(&set);
    imap_set_add(&set, 1, 3);
    imap_set_add(&set, 7, 7);
    imap_command_init(&command, "UID MOVE ");
    imap_command_set(&command, &set);
    imap_command_add(&command, " ");
    imap_command_quoted(&command, "a \"b\" \\c");
    ck_assert_int_eq(imap_command_end(&command, NULL), 0);
    ck_assert_str_eq(buffer_text(&command.bytes), "UID MOVE 1:3,7 \"a \\\"b\\\" \\\\c\"\r\n");
    imap_command_done(&command);
    imap_set_done(&set);
}
END_TEST

START_TEST(no_control_character_and_nothing_too_long_gets_into_a_command)
{
    static char lengthy[IMAP_COMMAND_MAX + 1];
    memset(lengthy, 'x', IMAP_COMMAND_MAX);
    const char *const texts[] = {"a\r\nb", "a\n", "\r", "\x7F", "\x01", lengthy};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct imap_command command;
        struct error err = {0};
        imap_command_init(&command, "SELECT ");
        imap_command_quoted(&command, texts[i]);
        ck_assert_int_eq(imap_command_end(&command, &err), -1);
        ck_assert_int_eq(err.class, ERROR_USAGE);
        imap_command_done(&command);
        imap_command_init(&command, "UID SEARCH ");
        imap_command_add(&command, texts[i]);
        ck_assert_int_eq(imap_command_end(&command, &err), -1);
        imap_command_done(&command);
    }
}
END_TEST

/* ---- Login ----------------------------------------------------------------------------------- */

static struct login_log log_of(const char *line)
{
    struct login_log log = {0};
    login_log_line(&log, line, strlen(line));
    return log;
}

START_TEST(a_refused_login_is_told_from_a_busy_server)
{
    static const struct {
        const char *line;
        enum error_class class;
    } rows[] = {
        {"A2 NO [AUTHENTICATIONFAILED] Authentication failed.\r\n", ERROR_CREDENTIALS},
        {"A2 NO go away\r\n", ERROR_CREDENTIALS},
        {"A2 NO [UNAVAILABLE] later\r\n", ERROR_PAUSE},
        {"A2 NO [inuse] mailbox locked\r\n", ERROR_PAUSE},
        {"* BYE too many connections\r\n", ERROR_LINK},
        {"* BYE [UNAVAILABLE] shutting down\r\n", ERROR_PAUSE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct login_log log = log_of(rows[i].line);
        ck_assert_msg(login_log_class(&log) == rows[i].class, "%s", rows[i].line);
    }
    struct login_log log = log_of("A2 NO [AUTHENTICATIONFAILED] no\x1B[31m\r\n");
    ck_assert_str_eq(log.text, "[AUTHENTICATIONFAILED] no\\x1B[31m");
    ck_assert_str_eq(log.code, "AUTHENTICATIONFAILED");
}
END_TEST

START_TEST(a_pause_that_the_server_asks_for_is_found_wherever_it_stands)
{
    static const struct {
        const char *text;
        uint32_t pause_s;
    } rows[] = {
        {"Request is throttled. Suggested Backoff Time: 299961 milliseconds", 300},
        {"suggested backoff time: 1000", 1},
        {"Suggested Backoff Time:1001.", 2},
        {"Suggested Backoff Time: 0 milliseconds", 0},
        {"Suggested Backoff Time: soon", 0},
        {"Suggested Backoff Time: ", 0},
        {"Suggested Backoff Time: 99999999999999999999999 milliseconds", LOGIN_PAUSE_MAX_S},
        {"later", 0},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span text = {(const uint8_t *)rows[i].text, strlen(rows[i].text)};
        ck_assert_msg(login_pause_s(text) == rows[i].pause_s, "%s", rows[i].text);
    }
    struct login_log log = log_of("A2 NO busy. Suggested Backoff Time: 7000 milliseconds\r\n");
    ck_assert_int_eq(login_log_class(&log), ERROR_PAUSE);
    ck_assert_uint_eq(log.pause_s, 7);
    ck_assert(login_log_asks_pause(&log));
    log = log_of("A2 NO [throttled] busy\r\n");
    ck_assert(login_log_asks_pause(&log));
    log = log_of("A2 NO [UNAVAILABLE] busy\r\n"); /* of this command, and not of us */
    ck_assert(!login_log_asks_pause(&log));
}
END_TEST

START_TEST(starttls_is_a_whole_word_of_a_capability_line)
{
    ck_assert(log_of("* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN\r\n").starttls);
    ck_assert(log_of("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n").starttls);
    ck_assert(log_of("* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n").plain);
    ck_assert(!log_of("* CAPABILITY IMAP4rev1 XSTARTTLS\r\n").starttls);
    ck_assert(!log_of("* OK STARTTLS\r\n").starttls);
    ck_assert(log_of("* PREAUTH hi\r\n").preauth);
    ck_assert(!log_of("* OK PREAUTH\r\n").preauth);
    ck_assert(!log_of("+ NO\r\n").refused);
}
END_TEST

START_TEST(local_addresses_are_told_from_public_ones)
{
    static const struct {
        const char *text;
        bool local;
    } rows[] = {
        {"127.0.0.1", true},    {"127.9.9.9", true},        {"10.0.0.1", true},
        {"172.16.0.1", true},   {"172.31.0.1", true},       {"172.32.0.1", false},
        {"192.168.1.1", true},  {"192.169.1.1", false},     {"169.254.1.1", true},
        {"8.8.8.8", false},     {"0.0.0.0", false},         {"::1", true},
        {"fe80::1", true},      {"fd00::1", true},          {"fc00::1", true},
        {"2001:db8::1", false}, {"::ffff:127.0.0.1", true}, {"::ffff:8.8.8.8", false},
        {"::", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        bool is_v4 = inet_pton(AF_INET, rows[i].text, &v4.sin_addr) == 1;
        ck_assert(is_v4 || inet_pton(AF_INET6, rows[i].text, &v6.sin6_addr) == 1);
        bool local =
            stream_address_is_local(is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6);
        ck_assert_msg(local == rows[i].local, "%s", rows[i].text);
    }
}
END_TEST

START_TEST(a_secret_that_the_server_says_back_is_known_in_each_of_its_forms_and_where_it_was_cut)
{
    static const struct {
        const char *said;
        bool tells;
    } rows[] = {
        {"A2 NO sesame street is wrong", true},
        {"A2 NO bad argument AGFubgBzZXNhbWUgc3RyZWV0", true},
        {"A2 NO bad argument c2VzYW1lIHN0cmVldA==", true},
        {"A2 NO bad argument dXNlcj1hbm4BYXV0aD1CZWFyZXIgc2VzYW1lIHN0cmVldAEB", true},
        {"A2 NO bad argument eHNlc2FtZSBzdHJlZXQ=", true},
        {"A2 NO no no no no no no no no no no no no no no no no no no no no no no no no no"
         " no no no no no no no no no no no no no no no no no no no no no no no no no no n"
         "o no no no no no no no no no no no sesa", true},
        {"A2 NO no no no no no no no no no no no no no no no no no no no no no no no no no"
         " no no no no no no no no no no no no no no no no no no no no no no no no no no n"
         "o no no no no no no AGFubgBzZXNhbWUgc3Ry", true},
        {"A2 NO sesame is wrong", false},
        {"A2 NO wrong password", false},
        {"A2 NO no no no no no no no no no no no no no no no no no no no no no no no no no"
         " no no no no no no no no no no no no no no no no no no no no no no no no no no n"
         "o no no no no no no no no no no no ses", false},
        {"A2 NO bad argument AGFubgBvcGVu", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct login_log log = log_of(rows[i].said);
        ck_assert_msg(login_log_tells(&log, "sesame street") == rows[i].tells, "%s", rows[i].said);
    }
    struct login_log log = log_of("A2 NO no");
    ck_assert(!login_log_tells(&log, ""));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("imap-text");
    TCase *t = tcase_create("text");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_set_joins_neighbours_whatever_the_order);
    tcase_add_test(t, taking_out_and_taking_the_lowest_leave_the_rest);
    tcase_add_test(t, a_million_scattered_uids_backwards_are_sorted_once_and_one_more_is_refused);
    tcase_add_test(t, a_full_set_in_disorder_is_not_sorted_for_every_uid_that_comes_twice);
    tcase_add_test(t, names_go_to_modified_utf7_and_back);
    tcase_add_test(t, names_that_would_not_come_back_the_same_are_refused);
    tcase_add_test(t, every_character_survives_the_round_trip);
    tcase_add_test(t, a_command_holds_sets_and_quoted_names);
    tcase_add_test(t, no_control_character_and_nothing_too_long_gets_into_a_command);
    tcase_add_test(t, a_refused_login_is_told_from_a_busy_server);
    tcase_add_test(t, a_pause_that_the_server_asks_for_is_found_wherever_it_stands);
    tcase_add_test(t, starttls_is_a_whole_word_of_a_capability_line);
    tcase_add_test(t, local_addresses_are_told_from_public_ones);
    tcase_add_test(
        t, a_secret_that_the_server_says_back_is_known_in_each_of_its_forms_and_where_it_was_cut);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
