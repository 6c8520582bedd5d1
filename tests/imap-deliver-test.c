/* SPDX-License-Identifier: Apache-2.0 */
/* imap-deliver-test.c - messages into folders of servers that can much, can little, refuse and
 * break off. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imap-deliver-fixture.h"

START_TEST(messages_of_one_folder_go_in_one_append_with_the_line_ends_of_mail)
{
    static const struct script_rule rules[] = {EMPTY, {"*APPEND", OK}};
    struct host *h = DELIVER(rules, ALL, 0);
    results(h, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED);
    TRACE(h, "-SEARCH",
          "APPEND \"INBOX/a\" \" 1-Mar-2026 12:00:00 +0200\" {38+}[Subject: 1|Message-ID: "
          "<1@x>||one|] \" 1-Mar-2026 "
          "12:00:00 +0200\" {38+}[Subject: 2|Message-ID: <2@x>||two|] \" 1-Mar-2026 12:00:00 "
          "+0200\" {40+}[Subject: "
          "3|Message-ID: <3@x>||three|]\n");
    host_stop(h);
}
END_TEST

START_TEST(a_server_without_extensions_gets_one_append_each_and_is_waited_for)
{
    static const struct script_rule rules[] = {EMPTY, {"*APPEND", OK}};
    struct host *h = DELIVER(rules, "", 0);
    results(h, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED);
    TRACE(h, "{38}[Subject: 1|Message-ID: <1@x>||one|]\n",
          "{38}[Subject: 2|Message-ID: <2@x>||two|]\n",
          "{40}[Subject: 3|Message-ID: <3@x>||three|]\n");
    host_stop(h);
}
END_TEST

START_TEST(small_messages_need_no_plus_where_the_server_has_literal_minus)
{
    static const struct script_rule rules[] = {EMPTY, {"*APPEND", OK}};
    struct host *h = DELIVER(rules, "LITERAL-", 0);
    TRACE(h, "{38+}[Subject: 1|Message-ID: <1@x>||one|]\n");
    host_stop(h);
}
END_TEST

START_TEST(a_path_is_made_in_one_go_with_the_servers_separator_and_each_new_level_subscribed)
{
    static const struct script_rule rules[] = {
        {"*LIST \"\" \"\"", "* LIST (\\Noselect) \".\" \"\"\r\n" OK},
        {"*LIST \"\" \"INBOX\"", "* LIST () \".\" INBOX\r\n" OK},
        {"*LIST", OK},
        {"*APPEND", OK}};
    for (size_t i = 0; i < MESSAGES; i++)
        items[i].folder = "Inbox/ethereum/mainnet/0x1f";
    struct host *h = DELIVER(rules, ALL, 0);
    TRACE(h, "-CREATE \"INBOX\"\n", "CREATE \"INBOX.ethereum.mainnet.0x1f\"\n",
          "-SUBSCRIBE \"INBOX\"\n", "SUBSCRIBE \"INBOX.ethereum.mainnet.0x1f\"\n",
          "SUBSCRIBE \"INBOX.ethereum\"\n", "SUBSCRIBE \"INBOX.ethereum.mainnet\"\n",
          "APPEND \"INBOX.ethereum.mainnet.0x1f\"");
    TRACE(h, "-CREATE \"INBOX.ethereum\"", "-EXAMINE", "-SEARCH");
    host_stop(h);
}
END_TEST

START_TEST(a_server_that_makes_no_upper_levels_is_given_each_with_a_separator_at_its_end)
{
    static const struct script_rule rules[] = {
        {"*LIST \"\" \"\"", "* LIST (\\Noselect) \"/\" \"\"\r\n" OK},
        {"*LIST", OK},
        {"CREATE \"Chain/x/y\"", "@ NO no such parent\r\n"},
        {"*APPEND", OK}};
    for (size_t i = 0; i < MESSAGES; i++)
        items[i].folder = "Chain/x/y";
    struct host *h = DELIVER(rules, ALL, 0);
    TRACE(h, "CREATE \"Chain/x/y\"\n", "CREATE \"Chain/\"\n", "CREATE \"Chain/x/\"\n",
          "CREATE \"Chain/x/y\"\n", "SUBSCRIBE \"Chain\"\n", "APPEND \"Chain/x/y\"");
    host_stop(h);
}
END_TEST

START_TEST(what_the_server_takes_for_a_separator_in_a_value_becomes_another_sign)
{
    static const struct script_rule rules[] = {
        {"*LIST \"\" \"\"", "* LIST (\\Noselect) \".\" \"\"\r\n" OK},
        {"*LIST", OK},
        {"*APPEND", OK}};
    for (size_t i = 0; i < MESSAGES; i++) {
        items[i].folder = "INBOX.Chain/a.b/x";
        items[i].root = strlen("INBOX.Chain");
    }
    struct host *h = DELIVER(rules, ALL, 0);
    TRACE(h, "APPEND \"INBOX.Chain.a_b.x\"");
    host_stop(h);
}
END_TEST

START_TEST(a_name_that_the_server_refuses_is_made_of_signs_that_none_minds)
{
    static const struct script_rule rules[] = {
        {"*LIST \"\" \"\"", "* LIST (\\Noselect) \"/\" \"\"\r\n" OK},
        {"*LIST", OK},
        {"*CREATE \"INBOX/ann@example.org", "@ NO [CANNOT] a dot\r\n"},
        {"*CREATE \"INBOX/~x", "@ BAD a tilde\r\n"},
        {"*APPEND", OK}};
    for (size_t i = 0; i < MESSAGES; i++)
        items[i].root = strlen("Inbox");
    items[0].folder = "Inbox/ann@example.org";
    items[1].folder = "Inbox/~x";
    struct host *h = DELIVER(rules, ALL, 0);
    results(h, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED);
    TRACE(h, "APPEND \"INBOX/ann@example_org\"", "APPEND \"INBOX/_x\"");
    host_stop(h);
}
END_TEST

START_TEST(where_no_folder_can_be_below_inbox_it_is_made_beside_it)
{
    static const struct script_rule rules[] = {
        {"*LIST \"\" \"\"", "* LIST (\\Noselect) \"/\" \"\"\r\n" OK},
        {"*LIST \"\" \"INBOX\"", "* LIST (\\NoInferiors) \"/\" INBOX\r\n" OK},
        {"*LIST", OK},
        {"*CREATE \"INBOX/", "@ NO no\r\n"},
        {"*APPEND", OK}};
    for (size_t i = 0; i < MESSAGES; i++) {
        items[i].folder = "Inbox/ethereum/0x1f";
        items[i].root = strlen("Inbox");
    }
    struct host *h = DELIVER(rules, ALL, 0);
    results(h, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED);
    TRACE(h, "CREATE \"ethereum/0x1f\"", "APPEND \"ethereum/0x1f\"");
    host_stop(h);
}
END_TEST

/* ---- Limits ---------------------------------------------------------------------------------- */

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
    char(*paths)[24] = calloc(FOLDERS, sizeof *paths);
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

/* ---- Refusals -------------------------------------------------------------------------------- */

START_TEST(a_message_that_is_refused_keeps_no_other_back)
{
    static const struct script_rule rules[] = {
        EMPTY,
        {"[Subject: 1|Message-ID: <1@x>||one|] ", "@ NO [TOOBIG] one of them\r\n"},
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
        EMPTY, {"#{40}", "@ NO [TOOBIG] no\r\n"}, {"*APPEND", OK}};
    struct host *h = DELIVER(rules, "", 0);
    results(h, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_REFUSED);
    TRACE(h, "refused before its literal\n");
    TRACE(h, "-Subject: 3");
    host_stop(h);
}
END_TEST

START_TEST(of_a_full_mailbox_what_fits_is_delivered_and_no_message_is_blamed)
{
    static const struct script_rule rules[] = {
        EMPTY,
        {"[Subject: 1|Message-ID: <1@x>||one|] ", "@ NO [OVERQUOTA] full\r\n"},
        {"*Subject: 3", "@ NO [OVERQUOTA] full\r\n"},
        {"*Subject: 9", "@ NO [OVERQUOTA] full\r\n"},
        {"*APPEND", OK}};
    static const char large[] = "Subject: 9\r\nMessage-ID: <9@x>\r\n\r\nvery large\r\n";
    items[0].raw.bytes = (const uint8_t *)items[2].raw.bytes;
    items[0].raw.size = items[2].raw.size;
    items[2].raw =
        (struct imap_literal){.bytes = (const uint8_t *)large, .size = sizeof large - 1, .fd = -1};
    struct host *h = DELIVER(rules, ALL, 0);
    results(h, IMAP_DELIVERED_NOT, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_NOT);
    ck_assert_ptr_nonnull(strstr(items[0].why.text, "make room"));
    ck_assert_ptr_nonnull(strstr(items[2].why.text, "INBOX/a"));
    TRACE(h, "[Subject: 3", "[Subject: 3", "[Subject: 2");
    TRACE(h, "-APPEND \"INBOX/a\" \" 1-Mar-2026 12:00:00 +0200\" {45+}"); /* what is larger */
    host_stop(h);
}
END_TEST

START_TEST(a_message_over_a_limit_is_refused_where_one_after_it_is_taken)
{
    static const struct script_rule rules[] = {
        EMPTY, {"Subject: 1", "@ NO [LIMIT] too large\r\n"}, {"*APPEND", OK}};
    struct host *h = DELIVER(rules, "", 0);
    results(h, IMAP_DELIVERED_NOT, IMAP_DELIVERED_NOT, IMAP_DELIVERED_NOT); /* of one size */
    host_stop(h);
    messages();
    items[1].raw.size--;
    h = DELIVER(rules, "", 0);
    results(h, IMAP_DELIVERED_REFUSED, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_NOT);
    ck_assert_ptr_nonnull(strstr(items[0].why.text, "may be larger"));
    host_stop(h);
}
END_TEST

static const char *const no_room[] = {"@ NO [LIMIT] too many messages in this mailbox\r\n",
                                      "@ NO [OVERQUOTA] this folder is full\r\n"};

START_TEST(a_folder_that_takes_no_more_keeps_no_other_back_and_blames_no_message)
{
    const struct script_rule rules[] = {
        EMPTY, {"*APPEND \"INBOX/full\"", no_room[_i]}, {"*APPEND", OK}};
    items[0].folder = "Inbox/full";
    struct host *h = DELIVER(rules, "", 0);
    results(h, IMAP_DELIVERED_NOT, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED);
    ck_assert_ptr_nonnull(strstr(items[0].why.text, "INBOX/full"));
    host_stop(h);
}
END_TEST

START_TEST(what_was_taken_with_a_warning_of_a_limit_was_taken)
{
    static const struct script_rule rules[] = {EMPTY, {"*APPEND", "@ OK [LIMIT] nearly full\r\n"}};
    struct host *h = DELIVER(rules, ALL, 0);
    results(h, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_APPENDED);
    host_stop(h);
}
END_TEST

START_TEST(a_server_that_fails_each_time_is_left_alone)
{
    static const struct script_rule rules[] = {EMPTY, {"*APPEND", "@ NO [SERVERBUG] oops\r\n"}};
    struct host *h = DELIVER(rules, "", -1);
    ck_assert_int_eq(err.class, ERROR_PAUSE);
    host_stop(h);
}
END_TEST

START_TEST(a_folder_without_rights_holds_its_own_messages_alone)
{
    static const struct script_rule rules[] = {
        {"EXAMINE \"INBOX/closed\"", "@ NO [NOPERM] not yours\r\n"},
        EMPTY,
        {"APPEND \"INBOX/a\"", "@ NO [NOPERM] read only\r\n"},
        {"*APPEND", OK}};
    items[0].folder = "Inbox/closed";
    items[2].folder = "Inbox/c";
    struct host *h = DELIVER(rules, ALL, 0);
    results(h, IMAP_DELIVERED_NOT, IMAP_DELIVERED_NOT, IMAP_DELIVERED_APPENDED);
    ck_assert_ptr_nonnull(strstr(items[1].why.text, "who may write"));
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

START_TEST(a_large_message_in_a_file_goes_out_whole_and_alone_and_one_that_is_cut_keeps_none_back)
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
    TRACE(h, "{38+}[Subject: 1|Message-ID: <1@x>||one|]\n", "{5050000+}[xxx",
          "{40+}[Subject: 3|Message-ID: <3@x>||three|]\n");
    ck_assert_int_eq(ftruncate(fd, 1000), 0);
    host_stop(h);
    messages();
    items[1].raw = (struct imap_literal){.bytes = NULL, .size = 5000000, .fd = fd};
    h = DELIVER(rules, ALL, 0); /* before a byte of it is sent */
    results(h, IMAP_DELIVERED_APPENDED, IMAP_DELIVERED_NOT, IMAP_DELIVERED_APPENDED);
    ck_assert_int_eq(items[1].why.class, ERROR_STORE);
    TRACE(h, "-xxx");
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
        a_path_is_made_in_one_go_with_the_servers_separator_and_each_new_level_subscribed,
        a_server_that_makes_no_upper_levels_is_given_each_with_a_separator_at_its_end,
        what_the_server_takes_for_a_separator_in_a_value_becomes_another_sign,
        a_name_that_the_server_refuses_is_made_of_signs_that_none_minds,
        where_no_folder_can_be_below_inbox_it_is_made_beside_it,
        a_path_that_is_too_long_costs_the_messages_of_that_folder_alone,
        a_folder_that_cannot_be_looked_into_keeps_its_messages_back_and_no_others,
        more_folders_than_are_remembered_are_delivered_to_all_the_same,
        a_message_that_is_refused_keeps_no_other_back,
        a_message_that_is_refused_before_its_bytes_keeps_them,
        of_a_full_mailbox_what_fits_is_delivered_and_no_message_is_blamed,
        a_message_over_a_limit_is_refused_where_one_after_it_is_taken,
        what_was_taken_with_a_warning_of_a_limit_was_taken,
        a_server_that_fails_each_time_is_left_alone,
        a_folder_without_rights_holds_its_own_messages_alone,
        a_folder_that_went_meanwhile_is_made_again,
        where_the_link_breaks_nobody_knows_what_became_of_a_message,
        a_large_message_in_a_file_goes_out_whole_and_alone_and_one_that_is_cut_keeps_none_back,
    };
    Suite *s = suite_create("imap deliver");
    TCase *all = tcase_create("deliver");
    tcase_add_checked_fixture(all, messages, NULL);
    tcase_set_timeout(all, 60);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(all, tests[i]);
    tcase_add_loop_test(all, a_folder_that_cannot_be_made_keeps_no_other_back, 0,
                        sizeof no_folder / sizeof no_folder[0]);
    tcase_add_loop_test(all, a_folder_that_takes_no_more_keeps_no_other_back_and_blames_no_message,
                        0, sizeof no_room / sizeof no_room[0]);
    tcase_add_loop_test(all, a_date_is_told_as_the_server_wants_it_or_not_at_all, 0,
                        sizeof dates / sizeof dates[0]);
    suite_add_tcase(s, all);
    return s;
}

CHECK_MAIN(suite)
