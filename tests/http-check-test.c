/* SPDX-License-Identifier: Apache-2.0 */
/* http-check-test.c - where a request comes from, and which part it wants. */
#include <config.h>
#include "check-main.h"

#include <inttypes.h>
#include <string.h>

#include "http-check.h"
#include "http-forwarded.h"

START_TEST(a_request_that_can_be_read_in_two_ways_is_none)
{
    static const struct {
        const char *fields; /* "Name:value|Name:value" */
        bool plain;
    } rows[] = {
        {"Host:a|Content-Length:3|X-A:b", true},
        {"", true},
        {"host:a|transfer-encoding:CHUNKED", true},
        {"Host:a|HOST:a", false},
        {"Content-Length:0|Content-Length:5", false},
        {"Content-Length:5|content-length:5", false},
        {"Content-Length:5|Transfer-Encoding:chunked", false},
        {"Transfer-Encoding:chunked|Transfer-Encoding:chunked", false},
        {"Transfer-Encoding:xchunked", false},
        {"Transfer-Encoding:chunked, identity", false},
        {"Transfer-Encoding:gzip, chunked", false},
        {"Transfer-Encoding:", false},
        {"Transfer-Encoding:chunked ", false},
        {"Transfer-Encoding :chunked", false},
        {"Transfer-Encodingchunked:", false}, /* it was folded */
        {"Transfer_Encoding:chunked", true}, /* another one, and nothing to us */
        {" X:a", false},
        {"X Y:a", false},
        {"X\x01:a", false},
        {"X\xC3\xA9:a", false},
        {":a", false},
        {"X:a\rb", false},
        {"X:a\nb", false},
        {"X:a\tb\xFF", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_head head = {.hosts = 0};
        for (const char *at = rows[i].fields; *at != '\0';) {
            size_t whole = strcspn(at, "|"), name = strcspn(at, ":");
            http_check_field(&head, at, name, at + name + 1, whole - name - 1);
            at += whole + (at[whole] == '|');
        }
        ck_assert_msg((http_check_head(&head, "HTTP/1.1") == NULL) == rows[i].plain, "%s",
                      rows[i].fields);
    }
    struct http_head old = {.codings = 1}, nul = {.hosts = 1};
    ck_assert_ptr_null(http_check_head(&old, "HTTP/1.1"));
    ck_assert_ptr_nonnull(http_check_head(&old, "HTTP/1.0"));
    http_check_field(&nul, "X", 1, "a\0b", 3);
    ck_assert_ptr_nonnull(http_check_head(&nul, "HTTP/1.1"));
}
END_TEST

START_TEST(only_names_of_this_machine_are_a_host)
{
    static const struct {
        const char *header, *names;
        bool is_ours;
    } rows[] = {
        {NULL, "", true},
        {"localhost", "", true},
        {"LOCALHOST:8425", "", true},
        {"127.0.0.1:1", "", true},
        {"[::1]:8425", "", true},
        {"192.0.2.7:8425", "", true}, /* where it listens */
        {"", "", false},
        {"evil.example", "", false},
        {"localhost.evil.example", "", false},
        {"localhost:80@evil.example", "", false},
        {"localhost:", "", true},
        {"127.0.0.1.evil.example", "", false},
        {"127.0.0.2", "", false},
        {"mail.example.org", "", false},
        {"mail.example.org", "mail.example.org", true},
        {"mail.example.org:443", "a.example mail.example.org", true},
        {"Mail.Example.ORG", " mail.example.org  b.example ", true},
        {"mail.example.org.evil", "mail.example.org", false},
        {"xmail.example.org", "mail.example.org", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(http_check_host(rows[i].header, "192.0.2.7", rows[i].names) ==
                          rows[i].is_ours, "%s", rows[i].header);
}
END_TEST

START_TEST(only_our_own_page_may_change_anything)
{
    static const char host[] = "mail.example.org:8425";
    static const struct {
        const char *origin, *site;
        bool is_ours;
    } rows[] = {
        {NULL, NULL, true}, /* no browser */
        {NULL, "same-origin", true},
        {NULL, "none", true},
        {NULL, "same-site", false},
        {NULL, "cross-site", false},
        {NULL, "", false},
        {"http://mail.example.org:8425", "same-origin", true},
        {"https://MAIL.example.org:8425", NULL, true},
        {"http://mail.example.org:8425", "cross-site", false},
        {"http://mail.example.org", NULL, false},
        {"http://mail.example.org:8425.evil.example", NULL, false},
        {"http://evil.example", NULL, false},
        {"ftp://mail.example.org:8425", NULL, false},
        {"null", NULL, false},
        {"", NULL, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(http_check_site(host, rows[i].origin, rows[i].site) == rows[i].is_ours,
                      "%s, %s", rows[i].origin, rows[i].site);
    ck_assert(!http_check_site(NULL, "http://a", NULL));
}
END_TEST

START_TEST(a_range_is_a_part_of_what_there_is)
{
    static const struct {
        const char *header;
        uint64_t size;
        enum http_range want;
        uint64_t first, count;
    } rows[] = {
        {NULL, 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=0-0", 10, HTTP_RANGE_PART, 0, 1},
        {"bytes=2-5", 10, HTTP_RANGE_PART, 2, 4},
        {"Bytes=9-", 10, HTTP_RANGE_PART, 9, 1},
        {"bytes=0-99", 10, HTTP_RANGE_PART, 0, 10},
        {"bytes=-3", 10, HTTP_RANGE_PART, 7, 3},
        {"bytes=-30", 10, HTTP_RANGE_PART, 0, 10},
        {"bytes=10-", 10, HTTP_RANGE_BAD, 0, 0},
        {"bytes=-0", 10, HTTP_RANGE_BAD, 0, 0},
        {"bytes=0-", 0, HTTP_RANGE_BAD, 0, 0},
        {"bytes=5-2", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=0-1,3-4", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=-", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=a-b", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=1 -2", 10, HTTP_RANGE_NONE, 0, 0},
        {"items=0-1", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=99999999999999999999-", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=0-9223372036854775807", 10, HTTP_RANGE_PART, 0, 10},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t first = 0, count = 0;
        ck_assert_msg(http_check_range(rows[i].header, rows[i].size, &first, &count) ==
                          rows[i].want, "%s", rows[i].header);
        ck_assert_msg(first == rows[i].first && count == rows[i].count, "%s: %" PRIu64 " %" PRIu64,
                      rows[i].header, first, count);
    }
}
END_TEST

START_TEST(an_etag_is_known_among_others)
{
    ck_assert(http_check_etag("\"abc\"", "\"abc\""));
    ck_assert(http_check_etag("W/\"x\", \"abc\", \"y\"", "\"abc\""));
    ck_assert(http_check_etag("*", "\"abc\""));
    ck_assert(!http_check_etag("\"abcd\"", "\"abc\""));
    ck_assert(!http_check_etag("\"abc\"d", "\"abc\""));
    ck_assert(!http_check_etag("", "\"abc\""));
    ck_assert(!http_check_etag(NULL, "\"abc\""));
}
END_TEST

/* ---- For whom a proxy asks ------------------------------------------------------------------- */

START_TEST(a_client_is_the_last_in_the_list_who_is_no_proxy)
{
    static const char one[] = "127.0.0.1";
    static const char nets[] = " 10.0.0.0/8  2001:db8:7::/48 ::1 192.0.2.128/25";
    static const struct {
        const char *peer, *proxies, *list, *client;
        enum http_forwarded kind;
    } rows[] = {
        {"127.0.0.1", one, "198.51.100.1", "198.51.100.1", 0},
        {"127.0.0.1", one, NULL, "127.0.0.1", 0},
        {"127.0.0.1", one, "", "127.0.0.1", 0},
        {"127.0.0.1", "", "198.51.100.1", "127.0.0.1", 0},       /* nobody is believed */
        {"127.0.0.2", one, "198.51.100.1", "127.0.0.2", 0},      /* he is no proxy of ours */
        {"::ffff:127.0.0.1", one, "198.51.100.1", "198.51.100.1", 0},
        {"127.0.0.1", "::ffff:127.0.0.1", "198.51.100.1", "198.51.100.1", 0},
        {"127.0.0.1", one, "127.0.0.9, 198.51.100.1", "198.51.100.1", 0}, /* he wrote the first */
        {"127.0.0.1", one, " 203.0.113.1 ,\t198.51.100.1 ", "198.51.100.1", 0},
        {"127.0.0.1", one, "203.0.113.1, 127.0.0.1", "203.0.113.1", 0},
        {"127.0.0.1", one, "127.0.0.1", "127.0.0.1", 0},
        {"127.0.0.1", one, "203.0.113.1,", "127.0.0.1", 0},      /* what cannot be read ends it */
        {"127.0.0.1", one, "203.0.113.1, unknown", "127.0.0.1", 0},
        {"127.0.0.1", one, "203.0.113.1, 1.2.3", "127.0.0.1", 0},
        {"127.0.0.1", one, "203.0.113.1, 203.0.113.2 x", "127.0.0.1", 0},
        {"127.0.0.1", one, "198.51.100.1:4711", "198.51.100.1", 0},
        {"127.0.0.1", one, "2001:db8::1", "2001:db8::1", 0},
        {"127.0.0.1", one, "[2001:DB8:0::1]:4711", "2001:db8::1", 0},
        {"127.0.0.1", one, "[2001:db8::1", "127.0.0.1", 0},
        {"127.0.0.1", one, "fe80::1%eth0", "127.0.0.1", 0},
        {"127.0.0.1", one, "::ffff:198.51.100.1", "198.51.100.1", 0},
        {"10.200.0.9", nets, "203.0.113.1, 198.51.100.1, 10.1.1.1", "198.51.100.1", 0},
        {"2001:db8:7:ffff::1", nets, "198.51.100.1", "198.51.100.1", 0},
        {"2001:db8:8::1", nets, "198.51.100.1", "2001:db8:8::1", 0},
        {"192.0.2.128", nets, "198.51.100.1", "198.51.100.1", 0},
        {"192.0.2.127", nets, "198.51.100.1", "192.0.2.127", 0},
        {"11.0.0.1", nets, "198.51.100.1", "11.0.0.1", 0},
        {"192.0.2.9", "0.0.0.0/0", "198.51.100.1", "198.51.100.1", 0},
        {"2001:db8::9", "0.0.0.0/0", "198.51.100.1", "2001:db8::9", 0},
        {"", one, "198.51.100.1", "", 0},
        {"127.0.0.1", one, "for=198.51.100.1", "198.51.100.1", HTTP_FORWARDED},
        {"127.0.0.1", one, "For=\"[2001:db8::1]:47011\";proto=https", "2001:db8::1",
         HTTP_FORWARDED},
        {"127.0.0.1", one, "for=203.0.113.1, by=a; proto=http ;FOR=\"198.51.100.1:80\"",
         "198.51.100.1", HTTP_FORWARDED},
        {"127.0.0.1", one, "for=\"x, for=198.51.100.1", "198.51.100.1", HTTP_FORWARDED},
        {"127.0.0.1", one, "for=198.51.100.1;host=\"x, for=127.0.0.1;a=\"", "unknown",
         HTTP_FORWARDED},
        {"127.0.0.1", one, "for=198.51.100.1;host=\"x\\\", for=127.0.0.1;a=\"", "unknown",
         HTTP_FORWARDED},
        {"127.0.0.1", one, "for=203.0.113.1, for=_hidden", "127.0.0.1", HTTP_FORWARDED},
        {"127.0.0.1", one, "for=203.0.113.1, by=198.51.100.1", "127.0.0.1", HTTP_FORWARDED},
        {"127.0.0.1", one, "198.51.100.1", "127.0.0.1", HTTP_FORWARDED},
        {"127.0.0.1", one, "for=198.51.100.1", "127.0.0.1", 0},
        {"127.0.0.1", one, "for=", "127.0.0.1", HTTP_FORWARDED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char client[HTTP_CLIENT_SIZE];
        http_forwarded_client(rows[i].peer, rows[i].proxies, rows[i].kind, rows[i].list, client);
        ck_assert_msg(strcmp(client, rows[i].client) == 0, "row %zu: %s", i, client);
    }
}
END_TEST

START_TEST(proxies_are_addresses_and_networks)
{
    static const char *const good[] = {"", " ", "127.0.0.1", "::1", "10.0.0.0/8 ::1/128", "::/0"};
    static const char *const bad[] = {"localhost", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0/8",
                                      "127.0.0.1,::1", "[::1]", "127.0.0.1:80", "10.0.0.0/-1",
                                      "1111:2222:3333:4444:5555:6666:7777:8888:9999/128"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert_msg(http_forwarded_proxies(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!http_forwarded_proxies(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(this_machine_is_known_by_its_loopback_addresses)
{
    static const char *const local[] = {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"};
    static const char *const others[] = {"", "128.0.0.1", "192.0.2.1", "::2", "::", "::127.0.0.1",
                                         "localhost", "0.0.0.0"};
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
        ck_assert_msg(http_forwarded_is_local(local[i]), "%s", local[i]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        ck_assert_msg(!http_forwarded_is_local(others[i]), "%s", others[i]);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("http-check");
    TCase *t = tcase_create("check");
    tcase_add_test(t, a_request_that_can_be_read_in_two_ways_is_none);
    tcase_add_test(t, only_names_of_this_machine_are_a_host);
    tcase_add_test(t, only_our_own_page_may_change_anything);
    tcase_add_test(t, a_range_is_a_part_of_what_there_is);
    tcase_add_test(t, an_etag_is_known_among_others);
    tcase_add_test(t, a_client_is_the_last_in_the_list_who_is_no_proxy);
    tcase_add_test(t, proxies_are_addresses_and_networks);
    tcase_add_test(t, this_machine_is_known_by_its_loopback_addresses);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
