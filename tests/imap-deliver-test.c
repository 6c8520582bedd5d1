/* SPDX-License-Identifier: Apache-2.0 */
/* imap-deliver-test.c - messages into folders of servers that can much, can little, refuse and
 * break off. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
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

/* imap_deliver_run() or imap_deliver_look(). */
typedef int work(struct imap_deliver *deliver, struct imap_delivery *of, size_t count,
                 struct error *why);

static struct host *deliver_these(work *with, struct imap_delivery *of, size_t of_count,
                                  const struct script_rule *rules, size_t count, const char *can,
                                  int want)
{
    struct imap_deliver *d = NULL;
    script = (struct script){NULL, can, rules, count};
    struct host *h = host_start(&script, "");
    err = (struct error){0};
    ck_assert_int_eq(imap_deliver_open(h->settings, "ann", "sesame", &h->table, &d, &err), 0);
    int got = with(d, of, of_count, &err);
    imap_deliver_close(d);
    ck_assert_msg(got == want, "%d: %s\n%s", got, err.text, script_trace(h->server));
    ck_assert((err.class == ERROR_NONE) == (got == 0));
    return h;
}

static struct host *deliver(const struct script_rule *rules, size_t count, const char *can,
                            int want)
{
    return deliver_these(imap_deliver_run, items, MESSAGES, rules, count, can, want);
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

/* All of message 5. */
#define WHOLE(text)                                                                                \
    {                                                                                              \
        "*UID FETCH 5 (UID BODY.PEEK[])",                                                          \
            "* 5 FETCH (UID 5 BODY[] {?}\r\n" text "\1)\r\n" OK                                    \
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

/* All that a search finds is message 5, which is as the rules tell. */
#define FINDS_5 {"*SEARCH", "* SEARCH 5\r\n" OK}
#define TWO "Subject: 2\r\n\r\ntwo\r\n"
static const struct {
    struct script_rule rules[5];
    int first, second;
} names[] = {
    {{EIGHT, FINDS_5, NAMED(" <1bare.example@x>"), {"*APPEND", OK}},
     IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED},
    {{EIGHT, FINDS_5, NAMED(" 11bare"), {"*APPEND", OK}},
     IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED},
    {{EIGHT, FINDS_5, NAMED(" 1BARE"), {"*APPEND", OK}},
     IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED},
    {{EIGHT, FINDS_5, NAMED(" <2@x.example>"), WHOLE(TWO), {"*APPEND", OK}},
     IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED},
    {{EIGHT, FINDS_5, NAMED(""), WHOLE(TWO), {"*APPEND", OK}},
     IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED},
    {{EIGHT, FINDS_5, NAMED("\r\n\t1bare "), {"*APPEND", OK}},
     IMAP_DELIVERED_FOUND, IMAP_DELIVERED_APPENDED},
    {{EIGHT, FINDS_5, NAMED("\r\n <1@x>"), {"*APPEND", OK}},
     IMAP_DELIVERED_FOUND, IMAP_DELIVERED_APPENDED},
    {{EIGHT, FINDS_5, NAMED(" <2@x>"), WHOLE(TWO), {"*APPEND", OK}},
     IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_FOUND},
    /* id and size alone prove nothing */
    {{EIGHT, FINDS_5, NAMED(" <2@x>"), WHOLE("Subject: 2\r\n\r\nTWO\r\n"), {"*APPEND", OK}},
     IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED},
    {{EIGHT, FINDS_5, NAMED(" <2@x>"), {"*BODY.PEEK[]", "@ NO not given out\r\n"}, {"*APPEND", OK}},
     IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED},
};

START_TEST(what_only_looks_like_a_message_is_not_taken_for_it)
{
    size_t count = names[_i].rules[4].match != NULL ? 5 : 4;
    struct host *h = deliver(names[_i].rules, count, ALL, 0);
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

START_TEST(a_message_without_an_id_that_can_be_searched_for_is_known_by_its_bytes)
{
    static const struct script_rule rules[] = {
        EIGHT, FINDS_5, WHOLE("Subject: 1\r\n\r\none\r\n"), {"*APPEND", OK}};
    items[0].ids[0] = items[0].ids[1] = NULL;
    items[1].ids[0] = "<a\r\nLOGOUT>";
    items[2].look = false;
    struct host *h = DELIVER(rules, ALL, 0);
    results(h, IMAP_DELIVERED_FOUND, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED);
    TRACE(h,
          "OR (NOT HEADER Message-ID \"\" LARGER 18 SMALLER 20) (LARGER 18 SMALLER 20)\n");
    TRACE(h, "-LOGOUT>");
    host_stop(h);
}
END_TEST

/* ---- Limits ---------------------------------------------------------------------------------- */

#define MANY 64

/* So many messages with two ids of 250 bytes each, for "Inbox/a". */
static void many(struct imap_delivery of[MANY], char ids[MANY][2][251])
{
    for (unsigned i = 0; i < MANY; i++) {
        of[i] = items[0];
        of[i].look = of[i].by_id = true;
        for (size_t form = 0; form < 2; form++) {
            memset(ids[i][form], 'a', 250);
            ids[i][form][250] = '\0';
            ids[i][form][i] = (char)('b' + form);
            of[i].ids[form] = ids[i][form];
        }
    }
}

START_TEST(no_search_is_longer_than_servers_take_and_all_messages_are_looked_for)
{
    static const struct script_rule rules[] = {
        EIGHT, {"*SEARCH", "* SEARCH\r\n" OK}, {"*APPEND", OK}};
    struct imap_delivery of[MANY];
    char ids[MANY][2][251];
    many(of, ids);
    struct host *h = deliver_these(imap_deliver_run, of, MANY, rules, 3, ALL, 0);
    char *trace = script_trace(h->server);
    for (unsigned i = 0; i < MANY; i++)
        ck_assert(strstr(trace, ids[i][0]) != NULL && strstr(trace, ids[i][1]) != NULL);
    size_t searches = 0;
    for (char *line = strtok(trace, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        bool search = strncmp(line, "UID SEARCH", 10) == 0;
        searches += search;
        ck_assert_msg(!search || strlen(line) + 12 <= 8000, "%zu bytes", strlen(line));
    }
    ck_assert_uint_ge(searches, 4);
    ck_assert_uint_le(searches, 8);
    free(trace);
    host_stop(h);
}
END_TEST

START_TEST(a_path_that_is_too_long_costs_the_messages_of_that_folder_alone)
{
    static const struct script_rule rules[] = {EMPTY, {"*APPEND", OK}};
    char path[1202];
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    items[0].folder = path;
    items[1].folder = "Inbox/\x01";
    struct host *h = DELIVER(rules, ALL, 0);
    results(h, IMAP_DELIVERED_NOT, IMAP_DELIVERED_NOT, IMAP_DELIVERED_APPENDED);
    ck_assert_int_eq(items[0].why.class, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(items[0].why.text, "has 1201 bytes"));
    ck_assert_ptr_nonnull(strstr(items[0].why.text, "choose a shorter template"));
    ck_assert_int_eq(items[1].why.class, ERROR_CONFIG);
    host_stop(h);
}
END_TEST

static const char *const no_folder[] = {"@ NO [NOPERM] not you\r\n",
                                        "@ NO [LIMIT] too many folders\r\n",
                                        "@ NO name too long\r\n", "@ NO [CANNOT] bad name\r\n"};

START_TEST(a_folder_that_cannot_be_made_keeps_no_other_back)
{
    const struct script_rule rules[] = {{"*LIST \"\" \"INBOX/b\"", OK},
                                        {"*CREATE", no_folder[_i]},
                                        {"*EXAMINE", "* 0 EXISTS\r\n* OK [UIDVALIDITY 9] x\r\n" OK},
                                        {"*APPEND", OK}};
    items[1].folder = "Inbox/b";
    struct host *h = DELIVER(rules, ALL, 0);
    results(h, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_NOT, IMAP_DELIVERED_APPENDED);
    ck_assert_ptr_nonnull(strstr(items[1].why.text, "INBOX/b"));
    host_stop(h);
}
END_TEST

START_TEST(a_folder_that_cannot_be_looked_into_keeps_its_messages_back_and_no_others)
{
    static const struct script_rule rules[] = {
        {"EXAMINE \"INBOX/b\"", "@ NO [NOPERM] not you\r\n"}, EMPTY, {"*APPEND", OK}};
    items[0].folder = "Inbox/b";
    struct host *h = DELIVER(rules, ALL, 0);
    results(h, IMAP_DELIVERED_NOT, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED);
    ck_assert_ptr_nonnull(strstr(items[0].why.text, "Inbox/b"));
    host_stop(h);
}
END_TEST

START_TEST(more_folders_than_are_remembered_are_delivered_to_all_the_same)
{
    static const struct script_rule rules[] = {EMPTY, {"*APPEND", OK}};
    enum { FOLDERS = IMAP_DELIVER_FOLDERS + 20 };
    struct imap_delivery *of = calloc(FOLDERS + 1, sizeof *of);
    char (*paths)[24] = calloc(FOLDERS, sizeof *paths);
    for (unsigned i = 0; i < FOLDERS; i++) {
        (void)snprintf(paths[i], sizeof paths[i], "folder %u", i);
        of[i] = items[0];
        of[i].look = false;
        of[i].folder = paths[i];
    }
    of[FOLDERS] = of[0]; /* which was forgotten meanwhile */
    struct host *h = deliver_these(imap_deliver_run, of, FOLDERS + 1, rules, 2, ALL, 0);
    for (unsigned i = 0; i <= FOLDERS; i++)
        ck_assert_int_eq(of[i].result, IMAP_DELIVERED_APPENDED);
    host_stop(h);
    free(paths);
    free(of);
}
END_TEST

/* ---- Looking only ---------------------------------------------------------------------------- */

START_TEST(who_only_looks_makes_no_folder_and_sends_no_message)
{
    static const struct script_rule rules[] = {{"*LIST \"\" \"INBOX/b\"", OK},
                                               EIGHT,
                                               {"*SEARCH", "* SEARCH 5\r\n" OK},
                                               NAMED(" 1bare")};
    for (size_t i = 0; i < MESSAGES; i++) {
        items[i].by_id = true;
        items[i].raw = (struct imap_literal){.fd = -1};
    }
    items[2].folder = "Inbox/b";
    struct host *h = deliver_these(imap_deliver_look, items, MESSAGES, rules, 4, ALL, 0);
    results(h, IMAP_DELIVERED_FOUND, IMAP_DELIVERED_NOT, IMAP_DELIVERED_NOT);
    ck_assert_int_eq(items[1].why.class, ERROR_NONE);
    ck_assert_int_eq(items[2].why.class, ERROR_NONE);
    TRACE(h, "-CREATE");
    TRACE(h, "-SUBSCRIBE");
    TRACE(h, "-APPEND");
    TRACE(h, "-BODY.PEEK[]");
    host_stop(h);
}
END_TEST

/* ---- Refusals -------------------------------------------------------------------------------- */

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
        a_message_without_an_id_that_can_be_searched_for_is_known_by_its_bytes,
        no_search_is_longer_than_servers_take_and_all_messages_are_looked_for,
        a_path_that_is_too_long_costs_the_messages_of_that_folder_alone,
        a_folder_that_cannot_be_looked_into_keeps_its_messages_back_and_no_others,
        more_folders_than_are_remembered_are_delivered_to_all_the_same,
        who_only_looks_makes_no_folder_and_sends_no_message,
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
    tcase_add_loop_test(all, what_only_looks_like_a_message_is_not_taken_for_it, 0,
                        sizeof names / sizeof names[0]);
    tcase_add_loop_test(all, a_folder_that_cannot_be_made_keeps_no_other_back, 0,
                        sizeof no_folder / sizeof no_folder[0]);
    tcase_add_loop_test(all, a_date_is_told_as_the_server_wants_it_or_not_at_all, 0,
                        sizeof dates / sizeof dates[0]);
    suite_add_tcase(s, all);
    return s;
}

CHECK_MAIN(suite)
