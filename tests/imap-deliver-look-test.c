/* SPDX-License-Identifier: Apache-2.0 */
/* imap-deliver-look-test.c - what is in a folder already, and what only looks like it. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imap-deliver-fixture.h"

/* Message 5 has these header fields. */
#define LIKE(header)                                                                               \
    {                                                                                              \
        "*(MESSAGE-ID SUBJECT TO)", "* 5 FETCH (UID 5 RFC822.SIZE 77 BODY[HEADER.FIELDS "          \
                                    "(MESSAGE-ID SUBJECT TO)] {?}\r\n" header "\r\n\r\n\1)\r\n" OK \
    }
#define NAMED(id) LIKE("Subject: 1\r\nMessage-ID:" id)
#define SIZED(uid, size)                                                                           \
    "* 1 FETCH (UID " #uid " RFC822.SIZE " #size                                                   \
    " BODY[HEADER.FIELDS (MESSAGE-ID SUBJECT TO)] {?}\r\nSubject: report\r\n\r\n\1)\r\n"
#define BYTES(uid, text) "* 1 FETCH (UID " #uid " BODY[] {?}\r\n" text "\1)\r\n"
#define FIRST "Subject: 1\r\nMessage-ID: <1@x>\r\n\r\none\r\n"

START_TEST(what_is_there_already_under_one_of_its_ids_is_not_appended)
{
    static const struct script_rule rules[] = {
        EIGHT, {"SEARCH", "* SEARCH 5\r\n" OK}, NAMED(" 1bare"), {"*APPEND", OK}};
    struct host *h = DELIVER(rules, ALL, 0);
    results(h, IMAP_DELIVERED_FOUND, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED);
    TRACE(h,
          "UID SEARCH UID 1:7 OR HEADER Message-ID \"<1@x>\" OR HEADER Message-ID \"1bare\" OR "
          "HEADER Message-ID \"<2@x>\" HEADER Message-ID \"<3@x>\"\n",
          "{38+}[Subject: 2", "[Subject: 3");
    TRACE(h, "-[Subject: 1");
    host_stop(h);
}
END_TEST

#define HIDDEN                                                                                     \
    {"*LIST \"\" \"INBOX/a\"", OK},                                                                \
    {                                                                                              \
        "*CREATE", "@ NO [ALREADYEXISTS] it is there\r\n"                                          \
    }

START_TEST(a_folder_that_create_alone_tells_of_is_looked_into)
{
    static const struct script_rule rules[] = {
        HIDDEN, EIGHT, {"SEARCH", "* SEARCH 5\r\n" OK}, NAMED(" 1bare"), {"*APPEND", OK}};
    struct host *h = DELIVER(rules, ALL, 0);
    results(h, IMAP_DELIVERED_FOUND, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED);
    host_stop(h);
}
END_TEST

START_TEST(a_folder_that_is_hidden_and_closed_gets_nothing_that_may_be_there)
{
    static const struct script_rule rules[] = {
        HIDDEN, {"*EXAMINE", "@ NO [NONEXISTENT] not for you\r\n"}, EIGHT, {"*APPEND", OK}};
    struct host *h = DELIVER(rules, ALL, 0);
    results(h, IMAP_DELIVERED_NOT, IMAP_DELIVERED_NOT, IMAP_DELIVERED_NOT);
    ck_assert_ptr_nonnull(strstr(items[0].why.text, "cannot be looked into"));
    host_stop(h);
    messages();
    items[0].look = items[1].look = items[2].look = false;
    h = DELIVER(rules, ALL, 0);
    results(h, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED);
    host_stop(h);
}
END_TEST

/* All that a search finds is message 5, whose header is as the rule tells. Only the first of ours
 * is known by its id. */
#define FINDS_5                                                                                    \
    {                                                                                              \
        "*SEARCH", "* SEARCH 5\r\n" OK                                                             \
    }
#define OTHER                                                                                      \
    {                                                                                              \
        "*BODY.PEEK[]", BYTES(5, "Subject: 1\r\n\r\nnot ours\r\n") OK                              \
    }
static const struct {
    struct script_rule rules[5];
    int first;
} names[] = {
    {{EIGHT, FINDS_5, NAMED(" <1bare.example@x>"), OTHER, {"*APPEND", OK}},
     IMAP_DELIVERED_APPENDED},
    {{EIGHT, FINDS_5, NAMED(" 11bare"), OTHER, {"*APPEND", OK}}, IMAP_DELIVERED_APPENDED},
    {{EIGHT, FINDS_5, NAMED(" 1BARE"), OTHER, {"*APPEND", OK}}, IMAP_DELIVERED_APPENDED},
    {{EIGHT, FINDS_5, NAMED(" <2@x>"), OTHER, {"*APPEND", OK}}, IMAP_DELIVERED_APPENDED},
    {{EIGHT, FINDS_5, NAMED(""), OTHER, {"*APPEND", OK}}, IMAP_DELIVERED_APPENDED},
    {{EIGHT, FINDS_5, NAMED("\r\n\t1bare "), OTHER, {"*APPEND", OK}}, IMAP_DELIVERED_FOUND},
    {{EIGHT,
      FINDS_5,
      LIKE("Message-ID: 1bare\r\nSubject:  =?utf-8?q?1?= "),
      OTHER,
      {"*APPEND", OK}},
     IMAP_DELIVERED_FOUND},
    {{EIGHT,
      FINDS_5,
      LIKE("Message-ID: 1bare\r\nSubject: 1\r\nTo: <0x12@ropsten.ethereum>"),
      OTHER,
      {"*APPEND", OK}},
     IMAP_DELIVERED_FOUND},
    /* planted */
    {{EIGHT, FINDS_5, LIKE("Message-ID: 1bare\r\nSubject: 9"), OTHER, {"*APPEND", OK}},
     IMAP_DELIVERED_APPENDED},
    /* of our own making: only the bytes tell */
    {{EIGHT, FINDS_5, NAMED("\r\n <1@x>"), OTHER, {"*APPEND", OK}}, IMAP_DELIVERED_APPENDED},
    {{EIGHT, FINDS_5, NAMED(" <1@x>"), {"*BODY.PEEK[]", BYTES(5, FIRST) OK}, {"*APPEND", OK}},
     IMAP_DELIVERED_FOUND},
};

START_TEST(what_only_looks_like_a_message_is_not_taken_for_it)
{
    struct host *h = deliver(names[_i].rules, 5, ALL, 0);
    results(h, names[_i].first, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED);
    host_stop(h);
}
END_TEST

/* The first message, to somebody. */
static const struct {
    const char *ours;
    struct script_rule theirs;
    int result;
} recipients[] = {
    {"To: Ann <0x1f2e3d4c5b6a79880123456789abcdef01234567@ropsten.ethereum>",
     LIKE("Message-ID: 1bare\r\nSubject: 1\r\n"
          "To: <0x0x1F2E3d4c5b6a79880123456789abcdef01234567@ropsten.ethereum>"),
     IMAP_DELIVERED_FOUND},
    {"To: Ann <0x1f2e3d4c5b6a79880123456789abcdef01234567@ropsten.ethereum>",
     LIKE("Message-ID: 1bare\r\nSubject: 1\r\n"
          "To: <0x1f2e3d4c5b6a79880123456789abcdef01234568@ropsten.ethereum>"),
     IMAP_DELIVERED_APPENDED},
};

START_TEST(a_message_of_the_same_id_to_another_address_is_another)
{
    const struct script_rule rules[] = {
        EIGHT, FINDS_5, recipients[_i].theirs, OTHER, {"*APPEND", OK}};
    char text[200];
    (void)snprintf(text, sizeof text, "%s\r\n" FIRST, recipients[_i].ours);
    items[0].raw =
        (struct imap_literal){.bytes = (const uint8_t *)text, .size = strlen(text), .fd = -1};
    items[1].look = items[2].look = false;
    struct host *h = DELIVER(rules, ALL, 0);
    results(h, recipients[_i].result, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED);
    host_stop(h);
}
END_TEST

START_TEST(what_was_begun_is_there_only_where_the_same_bytes_lie_each_for_one_message)
{
    static const char text[] = "Subject: report\r\n\r\ndisk 1 is full\r\n";
    static const char other[] = "Subject: report\r\n\r\ndisk 2 is full\r\n";
    static const struct script_rule rules[] = {
        EIGHT,
        {"SEARCH", "* SEARCH 3 4 5\r\n" OK},
        {"RFC822.SIZE", SIZED(3, 35) SIZED(4, 35) SIZED(5, 35) OK},
        {"BODY.PEEK[]", BYTES(3, "Subject: report\r\n\r\ndisk 9 is full\r\n")
                            BYTES(4, "Subject: report\r\n\r\ndisk 1 is full\r\n") OK},
        {"*APPEND", OK}};
    const char *const texts[MESSAGES] = {other, text, text};
    for (size_t i = 0; i < MESSAGES; i++) {
        items[i].raw.bytes = (const uint8_t *)texts[i];
        items[i].raw.size = strlen(texts[i]);
        items[i].by_id = false;
    }
    struct host *h = DELIVER(rules, ALL, 0);
    results(h, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_FOUND, IMAP_DELIVERED_APPENDED);
    TRACE(h, "UID SEARCH UID 1:7 OR (LARGER 34 SMALLER 36) OR (LARGER 34 SMALLER 36) (LARGER 34 "
             "SMALLER 36)\n");
    host_stop(h);
}
END_TEST

/* What stands in the message, and what of it a search finds wherever it stands so. */
static const struct {
    const char *field, *search;
} ids[] = {
    {"Message-ID: <a1@example.org>", "HEADER Message-ID \"<a1@example.org>\""},
    {"Message-ID: a2@example.org", "HEADER Message-ID \"a2@example.org\""},
    {"MESSAGE-id :\r\n <A8@Example.ORG>", "HEADER Message-ID \"<A8@Example.ORG>\""},
    {"Message-ID: < a7@example.org >", "HEADER Message-ID \"a7@example.org\""},
    {"Message-ID: <a16\r\n @example.org>", "HEADER Message-ID \"@example.org>\""},
    {"Message-ID: <\xc3\xa4@example.org>", "HEADER Message-ID \"@example.org>\""},
    {"Message-ID: <\"a b\"@example.org>", "HEADER Message-ID \"@example.org>\""},
    {"Message-ID: <no end@example.org", "HEADER Message-ID \"end@example.org\""},
    {"Message-ID:", "(LARGER "},
    {"Message-ID: <>", "(LARGER "},
    {"Message-ID: =?utf-8?q?=3Ca14=40example.org=3E?=", "(LARGER "},
    {"X-Message-ID: <a@x>", "(LARGER "},
};

START_TEST(a_search_is_for_what_stands_in_the_message_or_for_its_size)
{
    static const struct script_rule rules[] = {EIGHT, {"*APPEND", OK}};
    char text[200], want[200];
    (void)snprintf(text, sizeof text, "Subject: x\r\n%s\r\n\r\nx\r\n", ids[_i].field);
    (void)snprintf(want, sizeof want, "UID SEARCH UID 1:7 %s", ids[_i].search);
    items[0].raw =
        (struct imap_literal){.bytes = (const uint8_t *)text, .size = strlen(text), .fd = -1};
    items[0].by_id = items[1].look = items[2].look = false;
    struct host *h = DELIVER(rules, ALL, 0);
    const char *const pieces[] = {want};
    expect_trace(h, pieces, 1);
    host_stop(h);
}
END_TEST

START_TEST(an_id_of_very_many_bytes_is_searched_for_by_some_of_them)
{
    static const struct script_rule rules[] = {EIGHT, {"*APPEND", OK}};
    char text[700], want[400];
    char id[321];
    memset(id, 'x', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    (void)snprintf(text, sizeof text, "Message-ID: <%s@x>\r\n\r\n", id);
    (void)snprintf(want, sizeof want, "HEADER Message-ID \"<%.249s\"", id);
    items[0].raw =
        (struct imap_literal){.bytes = (const uint8_t *)text, .size = strlen(text), .fd = -1};
    items[0].by_id = items[1].look = items[2].look = false;
    struct host *h = DELIVER(rules, ALL, 0);
    const char *const pieces[] = {want};
    expect_trace(h, pieces, 1);
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
    TRACE(h, "UID SEARCH UID 1:* OR", "UID FETCH 4001:4500 (UID RFC822.SIZE",
          "UID FETCH 4501:5000 (UID RFC822.SIZE", "APPEND");
    TRACE(h, "-UID FETCH 3");
    host_stop(h);
}
END_TEST

/* The same three messages twice, over one connection. */
static struct host *work_again(work *with, const struct script_rule *rules, size_t count)
{
    struct imap_deliver *d = NULL;
    script = (struct script){NULL, ALL, rules, count};
    struct host *h = host_start(&script, "");
    err = (struct error){0};
    ck_assert_int_eq(imap_deliver_open(h->settings, "ann", "sesame", &h->table, &d, &err), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_msg(with(d, items, MESSAGES, &err) == 0, "%s", err.text);
    imap_deliver_close(d);
    return h;
}

static struct host *deliver_again(const struct script_rule *rules, size_t count)
{
    return work_again(imap_deliver_run, rules, count);
}

START_TEST(a_look_sees_what_another_program_put_there_since_the_last_one)
{
    static const struct script_rule rules[] = {
        {"EXAMINE", "* 0 EXISTS\r\n* OK [UIDVALIDITY 9] x\r\n* OK [UIDNEXT 2] x\r\n" OK},
        {"EXAMINE", "* 4 EXISTS\r\n* OK [UIDVALIDITY 9] x\r\n* OK [UIDNEXT 6] x\r\n" OK},
        FINDS_5,
        NAMED(" 1bare"),
        {"*APPEND", OK}};
    struct host *h = deliver_again(rules, sizeof rules / sizeof rules[0]);
    results(h, IMAP_DELIVERED_FOUND, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED);
    TRACE(h, "EXAMINE", "APPEND", "EXAMINE", "UID SEARCH UID 1:5 ");
    host_stop(h);
}
END_TEST

START_TEST(what_this_connection_put_there_is_not_searched)
{
    static const struct script_rule rules[] = {
        {"EXAMINE", "* 1 EXISTS\r\n* OK [UIDVALIDITY 9] x\r\n* OK [UIDNEXT 2] x\r\n" OK},
        {"EXAMINE", "* 4 EXISTS\r\n* OK [UIDVALIDITY 9] x\r\n* OK [UIDNEXT 5] x\r\n" OK},
        {"*APPEND", OK}};
    struct host *h = deliver_again(rules, sizeof rules / sizeof rules[0]);
    TRACE(h, "EXAMINE", "UID SEARCH UID 1:1 ", "APPEND", "EXAMINE", "UID SEARCH UID 1:1 ");
    host_stop(h);
}
END_TEST

START_TEST(no_search_is_longer_than_servers_take_and_all_messages_are_looked_for)
{
    static const struct script_rule rules[] = {EIGHT, {"*APPEND", OK}};
    static struct imap_delivery many[IMAP_APPEND_MESSAGES];
    static char texts[IMAP_APPEND_MESSAGES][400];
    struct imap_deliver *d = NULL;
    for (size_t i = 0; i < IMAP_APPEND_MESSAGES; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "Message-ID: <%0240zu>\r\n\r\n", i);
        many[i] = (struct imap_delivery){
            .folder = "Inbox/a",
            .look = true,
            .raw = {.bytes = (const uint8_t *)texts[i], .size = strlen(texts[i]), .fd = -1}};
    }
    script = (struct script){NULL, ALL, rules, sizeof rules / sizeof rules[0]};
    struct host *h = host_start(&script, "");
    ck_assert_int_eq(imap_deliver_open(h->settings, "ann", "sesame", &h->table, &d, &err), 0);
    ck_assert_msg(imap_deliver_run(d, many, IMAP_APPEND_MESSAGES, &err) == 0, "%s", err.text);
    imap_deliver_close(d);
    char *trace = script_trace(h->server);
    size_t searches = 0, found = 0;
    for (const char *line = trace; line != NULL && *line != '\0';) {
        size_t size = strcspn(line, "\n");
        if (strstr(line, "UID SEARCH") != NULL && strstr(line, "UID SEARCH") < line + size) {
            ck_assert_uint_le(size, 8000);
            searches++;
            for (const char *at = line;
                 (at = strstr(at, "HEADER Message-ID")) != NULL && at < line + size; at++)
                found++;
        }
        line += size + (line[size] == '\n');
    }
    free(trace);
    ck_assert_uint_gt(searches, 1);
    ck_assert_uint_eq(found, IMAP_APPEND_MESSAGES);
    host_stop(h);
}
END_TEST

/* ---- Looking only ---------------------------------------------------------------------------- */

START_TEST(who_only_looks_makes_no_folder_and_sends_no_message)
{
    static const struct script_rule rules[] = {
        {"*LIST \"\" \"INBOX/b\"", OK}, EIGHT, {"*SEARCH", "* SEARCH 5\r\n" OK}, NAMED(" 1bare")};
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

START_TEST(a_folder_that_another_program_made_since_the_last_look_is_looked_into)
{
    static const struct script_rule rules[] = {
        {"LIST \"\" \"INBOX/a\"", OK}, EIGHT, {"*SEARCH", "* SEARCH 5\r\n" OK}, NAMED(" 1bare")};
    for (size_t i = 0; i < MESSAGES; i++) {
        items[i].by_id = true;
        items[i].raw = (struct imap_literal){.fd = -1};
    }
    struct host *h = work_again(imap_deliver_look, rules, sizeof rules / sizeof rules[0]);
    results(h, IMAP_DELIVERED_FOUND, IMAP_DELIVERED_NOT, IMAP_DELIVERED_NOT);
    host_stop(h);
}
END_TEST

static Suite *suite(void)
{
    const TTest *const tests[] = {
        what_is_there_already_under_one_of_its_ids_is_not_appended,
        a_folder_that_create_alone_tells_of_is_looked_into,
        a_folder_that_is_hidden_and_closed_gets_nothing_that_may_be_there,
        what_was_begun_is_there_only_where_the_same_bytes_lie_each_for_one_message,
        an_id_of_very_many_bytes_is_searched_for_by_some_of_them,
        of_very_many_that_a_search_finds_the_newest_are_looked_at,
        a_look_sees_what_another_program_put_there_since_the_last_one,
        what_this_connection_put_there_is_not_searched,
        no_search_is_longer_than_servers_take_and_all_messages_are_looked_for,
        who_only_looks_makes_no_folder_and_sends_no_message,
        a_folder_that_another_program_made_since_the_last_look_is_looked_into,
    };
    Suite *s = suite_create("imap deliver look");
    TCase *all = tcase_create("look");
    tcase_add_checked_fixture(all, messages, NULL);
    tcase_set_timeout(all, 60);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(all, tests[i]);
    tcase_add_loop_test(all, what_only_looks_like_a_message_is_not_taken_for_it, 0,
                        sizeof names / sizeof names[0]);
    tcase_add_loop_test(all, a_message_of_the_same_id_to_another_address_is_another, 0,
                        sizeof recipients / sizeof recipients[0]);
    tcase_add_loop_test(all, a_search_is_for_what_stands_in_the_message_or_for_its_size, 0,
                        sizeof ids / sizeof ids[0]);
    suite_add_tcase(s, all);
    return s;
}

CHECK_MAIN(suite)
