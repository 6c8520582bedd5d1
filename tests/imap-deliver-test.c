/* SPDX-License-Identifier: Apache-2.0 */
/* imap-deliver-test.c - messages into folders of servers that can much, can little, refuse and
 * break off. */
#include <config.h>
#include "check-main.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imap-deliver.h"
#include "imap-pickup-fixture.h"

#define ALL "LITERAL+ MULTIAPPEND"
#define MESSAGES 3

static struct imap_delivery items[MESSAGES];
static struct script script;
static struct error err;

/* Three messages for "Inbox/a", the second with lines as files have them. */
static void messages(void)
{
    static const char *const texts[MESSAGES] = {"Subject: 1\r\n\r\none\r\n", "Subject: 2\n\ntwo\n",
                                                "Subject: 3\r\n\r\nthree\r\n"};
    static const char *const ids[MESSAGES] = {"<1@x>", "<2@x>", "<3@x>"};
    for (size_t i = 0; i < MESSAGES; i++)
        items[i] = (struct imap_delivery){
            .folder = "Inbox/a",
            .look = true,
            .ids = {ids[i], NULL},
            .date = "2026-03-01T12:00:00+02:00",
            .raw = {.bytes = (const uint8_t *)texts[i], .size = strlen(texts[i]), .fd = -1}};
    items[0].ids[1] = "1bare";
    items[0].by_id = true;
}

static struct host *deliver(const struct script_rule *rules, size_t count, const char *can,
                            int want)
{
    struct imap_deliver *d = NULL;
    script = (struct script){NULL, can, rules, count};
    struct host *h = host_start(&script, "");
    err = (struct error){0};
    ck_assert_int_eq(imap_deliver_open(h->settings, "ann", "sesame", &h->table, &d, &err), 0);
    int got = imap_deliver_run(d, items, MESSAGES, &err);
    imap_deliver_close(d);
    ck_assert_msg(got == want, "%d: %s\n%s", got, err.text, script_trace(h->server));
    return h;
}
#define DELIVER(rules, can, want) deliver(rules, sizeof rules / sizeof rules[0], can, want)

static void results(struct host *h, int first, int second, int third)
{
    ck_assert_msg((int)items[0].result == first && (int)items[1].result == second &&
                      (int)items[2].result == third,
                  "%d %d %d\n%s", items[0].result, items[1].result, items[2].result,
                  script_trace(h->server));
}

/* Message 5 has this Message-ID. */
#define NAMED(id)                                                                                  \
    {                                                                                              \
        "*UID FETCH 5 (UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])",                                \
            "* 5 FETCH (UID 5 BODY[HEADER.FIELDS (MESSAGE-ID)] {?}\r\nMessage-ID:" id              \
            "\r\n\r\n\1)\r\n" OK                                                                  \
    }

#define EMPTY                                                                                      \
    {                                                                                              \
        "*EXAMINE", "* 0 EXISTS\r\n* OK [UIDVALIDITY 9] x\r\n" OK                                  \
    }
#define EIGHT                                                                                      \
    {                                                                                              \
        "*EXAMINE", "* 7 EXISTS\r\n* OK [UIDVALIDITY 9] x\r\n* OK [UIDNEXT 8] x\r\n" OK            \
    }

START_TEST(messages_of_one_folder_go_in_one_append_with_the_line_ends_of_mail)
{
    static const struct script_rule rules[] = {EMPTY, {"*APPEND", OK}};
    struct host *h = DELIVER(rules, ALL, 0);
    results(h, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED);
    TRACE(h, "-SEARCH",
          "APPEND \"INBOX/a\" \" 1-Mar-2026 12:00:00 +0200\" {19+}[Subject: 1||one|] \" 1-Mar-2026 "
          "12:00:00 +0200\" {19+}[Subject: 2||two|] \" 1-Mar-2026 12:00:00 +0200\" {21+}[Subject: "
          "3||three|]\n");
    host_stop(h);
}
END_TEST

START_TEST(a_server_without_extensions_gets_one_append_each_and_is_waited_for)
{
    static const struct script_rule rules[] = {EMPTY, {"*APPEND", OK}};
    struct host *h = DELIVER(rules, "", 0);
    results(h, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED);
    TRACE(h, "{19}[Subject: 1||one|]\n", "{19}[Subject: 2||two|]\n", "{21}[Subject: 3||three|]\n");
    host_stop(h);
}
END_TEST

START_TEST(small_messages_need_no_plus_where_the_server_has_literal_minus)
{
    static const struct script_rule rules[] = {EMPTY, {"*APPEND", OK}};
    struct host *h = DELIVER(rules, "LITERAL-", 0);
    TRACE(h, "{19+}[Subject: 1||one|]\n");
    host_stop(h);
}
END_TEST

START_TEST(missing_levels_are_made_one_by_one_with_the_servers_separator_and_subscribed)
{
    static const struct script_rule rules[] = {
        {"*LIST \"\" \"\"", "* LIST (\\Noselect) \".\" \"\"\r\n" OK},
        {"*LIST \"\" \"INBOX\"", "* LIST () \".\" INBOX\r\n" OK},
        {"*LIST", OK},
        {"*APPEND", OK}};
    for (size_t i = 0; i < MESSAGES; i++)
        items[i].folder = "Inbox/ethereum/mainnet/0x1f";
    struct host *h = DELIVER(rules, ALL, 0);
    TRACE(h, "-CREATE \"INBOX\"\n", "CREATE \"INBOX.ethereum\"\n", "SUBSCRIBE \"INBOX.ethereum\"\n",
          "CREATE \"INBOX.ethereum.mainnet\"\n", "SUBSCRIBE \"INBOX.ethereum.mainnet\"\n",
          "CREATE \"INBOX.ethereum.mainnet.0x1f\"\n", "SUBSCRIBE \"INBOX.ethereum.mainnet.0x1f\"\n",
          "-EXAMINE", "-SEARCH", "APPEND \"INBOX.ethereum.mainnet.0x1f\"");
    host_stop(h);
}
END_TEST

START_TEST(what_is_there_already_under_one_of_its_ids_is_not_appended)
{
    static const struct script_rule rules[] = {EIGHT,
                                               {"SEARCH", "* SEARCH 5\r\n" OK},
                                               {"1bare", "* SEARCH 5\r\n" OK},
                                               {"*SEARCH", "* SEARCH\r\n" OK},
                                               NAMED(" 1bare"),
                                               {"*APPEND", OK}};
    struct host *h = DELIVER(rules, ALL, 0);
    results(h, IMAP_DELIVERED_FOUND, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED);
    TRACE(h,
          "UID SEARCH UID 1:7 OR (OR HEADER Message-ID \"<1@x>\" HEADER Message-ID \"1bare\") OR "
          "(HEADER Message-ID \"<2@x>\" LARGER 18 SMALLER 20) (HEADER Message-ID \"<3@x>\" LARGER "
          "20 SMALLER 22)\n",
          "UID SEARCH UID 1:7 (OR HEADER Message-ID \"<1@x>\" HEADER Message-ID \"1bare\")\n",
          "UID SEARCH UID 1:7 (HEADER Message-ID \"<2@x>\"", "{19+}[Subject: 2", "[Subject: 3");
    TRACE(h, "-Subject: 1");
    host_stop(h);
}
END_TEST

/* All that a search finds is message 5, whose Message-ID is as the rule tells. */
#define FINDS_5 {"*SEARCH", "* SEARCH 5\r\n" OK}
static const struct {
    struct script_rule rules[4];
    int first, second;
} names[] = {
    {{EIGHT, FINDS_5, NAMED(" <1bare.example@x>"), {"*APPEND", OK}},
     IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED},
    {{EIGHT, FINDS_5, NAMED(" 11bare"), {"*APPEND", OK}},
     IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED},
    {{EIGHT, FINDS_5, NAMED(" 1BARE"), {"*APPEND", OK}},
     IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED},
    {{EIGHT, FINDS_5, NAMED(" <2@x.example>"), {"*APPEND", OK}},
     IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED},
    {{EIGHT, FINDS_5, NAMED(""), {"*APPEND", OK}},
     IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED},
    {{EIGHT, FINDS_5, NAMED("\r\n\t1bare "), {"*APPEND", OK}},
     IMAP_DELIVERED_FOUND, IMAP_DELIVERED_APPENDED},
    {{EIGHT, FINDS_5, NAMED("\r\n <1@x>"), {"*APPEND", OK}},
     IMAP_DELIVERED_FOUND, IMAP_DELIVERED_APPENDED},
    {{EIGHT, FINDS_5, NAMED(" <2@x>"), {"*APPEND", OK}},
     IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_FOUND},
};

START_TEST(an_id_within_a_longer_one_is_another_messages)
{
    struct host *h = deliver(names[_i].rules, 4, ALL, 0);
    results(h, names[_i].first, names[_i].second, IMAP_DELIVERED_APPENDED);
    host_stop(h);
}
END_TEST

START_TEST(of_very_many_that_a_search_finds_the_newest_are_looked_at)
{
    static const struct script_rule rules[] = {
        {"*EXAMINE", "* 5000 EXISTS\r\n* OK [UIDVALIDITY 9] x\r\n" OK},
        {"*SEARCH", "* ESEARCH (TAG \"@\") UID ALL 1:5000\r\n" OK},
        {"*UID FETCH", OK},
        {"*APPEND", OK}};
    items[1].look = items[2].look = false;
    struct host *h = DELIVER(rules, ALL, 0);
    results(h, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED);
    TRACE(h, "UID FETCH 4001:4500 (UID BODY.PEEK", "UID FETCH 4501:5000 (UID BODY.PEEK", "APPEND");
    TRACE(h, "-UID FETCH 3");
    host_stop(h);
}
END_TEST

START_TEST(a_message_without_an_id_that_can_be_searched_for_is_looked_for_by_its_size)
{
    static const struct script_rule rules[] = {EIGHT, {"*APPEND", OK}};
    items[0].ids[0] = items[0].ids[1] = NULL;
    items[1].ids[0] = "<a\r\nLOGOUT>";
    items[2].look = false;
    struct host *h = DELIVER(rules, ALL, 0);
    TRACE(h,
          "OR (NOT HEADER Message-ID \"\" LARGER 18 SMALLER 20) (NOT HEADER Message-ID \"\" LARGER"
          " 18 SMALLER 20)\n");
    TRACE(h, "-LOGOUT>");
    host_stop(h);
}
END_TEST

START_TEST(a_message_that_is_refused_keeps_no_other_back)
{
    static const struct script_rule rules[] = {
        EMPTY,
        {"[Subject: 1||one|] ", "@ NO [TOOBIG] one of them\r\n"},
        {"[Subject: 2", "@ NO [TOOBIG] not this one\r\n"},
        {"*APPEND", OK}};
    struct host *h = DELIVER(rules, ALL, 0);
    results(h, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_REFUSED, IMAP_DELIVERED_APPENDED);
    ck_assert_ptr_nonnull(strstr(items[1].why.text, "not this one"));
    host_stop(h);
}
END_TEST

START_TEST(a_message_that_is_refused_before_its_bytes_keeps_them)
{
    static const struct script_rule rules[] = {
        EMPTY, {"#{21}", "@ NO [TOOBIG] no\r\n"}, {"*APPEND", OK}};
    struct host *h = DELIVER(rules, "", 0);
    results(h, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_REFUSED);
    TRACE(h, "refused before its literal\n");
    TRACE(h, "-Subject: 3");
    host_stop(h);
}
END_TEST

START_TEST(a_full_mailbox_stops_all_and_blames_no_message)
{
    static const struct script_rule rules[] = {EMPTY, {"*APPEND", "@ NO [OVERQUOTA] full\r\n"}};
    struct host *h = DELIVER(rules, ALL, -1);
    results(h, IMAP_DELIVERED_NOT, IMAP_DELIVERED_NOT, IMAP_DELIVERED_NOT);
    ck_assert_int_eq(err.class, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "INBOX/a"));
    host_stop(h);
}
END_TEST

START_TEST(a_folder_that_went_meanwhile_is_made_again)
{
    static const struct script_rule rules[] = {
        EMPTY, {"APPEND", "@ NO [TRYCREATE] gone\r\n"}, {"*APPEND", OK}};
    struct host *h = DELIVER(rules, ALL, 0);
    results(h, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED);
    TRACE(h, "APPEND", "CREATE \"INBOX/a\"\n", "APPEND");
    host_stop(h);
}
END_TEST

START_TEST(where_the_link_breaks_nobody_knows_what_became_of_a_message)
{
    static const struct script_rule rules[] = {EMPTY, {"APPEND", "\2"}};
    struct host *h = DELIVER(rules, ALL, -1);
    results(h, IMAP_DELIVERED_NOT, IMAP_DELIVERED_NOT, IMAP_DELIVERED_NOT);
    ck_assert_int_eq(err.class, ERROR_LINK);
    host_stop(h);
}
END_TEST

START_TEST(a_large_message_in_a_file_goes_out_whole_and_in_an_append_of_its_own)
{
    static const struct script_rule rules[] = {EMPTY, {"*APPEND", OK}};
    char line[100], path[] = "imap-deliver-XXXXXX";
    int fd = mkstemp(path);
    ck_assert(fd >= 0 && unlink(path) == 0);
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    for (unsigned i = 0; i < 50000; i++)
        ck_assert_int_eq(write(fd, line, sizeof line), sizeof line);
    items[1].raw = (struct imap_literal){.bytes = NULL, .size = 5000000, .fd = fd};
    struct host *h = DELIVER(rules, ALL, 0);
    results(h, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED);
    TRACE(h, "{19+}[Subject: 1||one|]\n", "{5050000+}[xxx", "{21+}[Subject: 3||three|]\n");
    ck_assert_int_eq(ftruncate(fd, 1000), 0);
    host_stop(h);
    messages();
    items[1].raw = (struct imap_literal){.bytes = NULL, .size = 5000000, .fd = fd};
    h = DELIVER(rules, ALL, -1); /* before a byte is sent */
    ck_assert_int_eq(err.class, ERROR_STORE);
    TRACE(h, "-APPEND");
    host_stop(h);
    close(fd);
}
END_TEST

static const struct {
    const char *given, *want; /* NULL: it is none */
} dates[] = {
    {"2026-03-01T12:00:00+02:00", "\" 1-Mar-2026 12:00:00 +0200\""},
    {"2026-12-31T23:59:60Z", "\"31-Dec-2026 23:59:59 +0000\""},
    {"2020-09-01T07:05:00.123456-05:30", "\" 1-Sep-2020 07:05:00 -0530\""},
    {"", NULL},
    {"2026-13-01T12:00:00Z", NULL},
    {"2026-00-01T12:00:00Z", NULL},
    {"2026-01-01T12:00:00", NULL},
    {"2026-01-01T12:00:00+0200", NULL},
    {"2026-01-01T12:00:00+02:00x", NULL},
    {"2026-01-01T24:00:00Z", NULL},
    {"2026-01-0", NULL},
    {"yesterday", NULL},
};

START_TEST(a_date_is_told_as_the_server_wants_it_or_not_at_all)
{
    char out[32];
    int got = imap_date_time(dates[_i].given, out);
    ck_assert_int_eq(got, dates[_i].want == NULL ? -1 : 0);
    if (got == 0)
        ck_assert_str_eq(out, dates[_i].want);
}
END_TEST

static Suite *suite(void)
{
    const TTest *const tests[] = {
        messages_of_one_folder_go_in_one_append_with_the_line_ends_of_mail,
        a_server_without_extensions_gets_one_append_each_and_is_waited_for,
        small_messages_need_no_plus_where_the_server_has_literal_minus,
        missing_levels_are_made_one_by_one_with_the_servers_separator_and_subscribed,
        what_is_there_already_under_one_of_its_ids_is_not_appended,
        of_very_many_that_a_search_finds_the_newest_are_looked_at,
        a_message_without_an_id_that_can_be_searched_for_is_looked_for_by_its_size,
        a_message_that_is_refused_keeps_no_other_back,
        a_message_that_is_refused_before_its_bytes_keeps_them,
        a_full_mailbox_stops_all_and_blames_no_message,
        a_folder_that_went_meanwhile_is_made_again,
        where_the_link_breaks_nobody_knows_what_became_of_a_message,
        a_large_message_in_a_file_goes_out_whole_and_in_an_append_of_its_own,
    };
    Suite *s = suite_create("imap deliver");
    TCase *all = tcase_create("deliver");
    tcase_add_checked_fixture(all, messages, NULL);
    tcase_set_timeout(all, 60);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(all, tests[i]);
    tcase_add_loop_test(all, an_id_within_a_longer_one_is_another_messages, 0,
                        sizeof names / sizeof names[0]);
    tcase_add_loop_test(all, a_date_is_told_as_the_server_wants_it_or_not_at_all, 0,
                        sizeof dates / sizeof dates[0]);
    suite_add_tcase(s, all);
    return s;
}

CHECK_MAIN(suite)
