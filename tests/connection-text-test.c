/* SPDX-License-Identifier: Apache-2.0 */
/* connection-text-test.c - single keys of a connection string, and what providers want. */
#include <config.h>
#include "check-main.h"

#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "connection-text.h"
#include "deliver-keys.h"
#include "provider-advice.h"

static struct error err;

static const struct {
    const char *connection, *key, *value;
} gets[] = {
    {"url=mail.example.org;ssl=True", "url", "mail.example.org"},
    {"url=mail.example.org;ssl=True", "SSL", "True"},
    {"url=mail.example.org", "port", NULL},
    {"", "url", NULL},
    {" url = mail.example.org ; ", "url", "mail.example.org"},
    {"mailbox=\"a;b=c\";url=x", "url", "x"},
    {"mailbox=\"a;b=c\";url=x", "mailbox", "a;b=c"},
    {"mailbox=\"a\"\";url=y\";url=x", "url", "x"},
    {"mailbox=\"a\"\"b\";url=x", "mailbox", "a\"b"},
    {"mailbox='it''s; \"so\"';url=x", "mailbox", "it's; \"so\""},
    {"mailbox=it's;url=x", "url", "x"}, /* a quote inside a value opens nothing */
    {"search=SINCE 1-Jan-2026;url=x", "search", "SINCE 1-Jan-2026"},
    {"caFile=a=b;url=x", "caFile", "a=b"},
    {"mailbox=\"open;url=x", "url", NULL}, /* for the loader to complain of */
    {"mailbox=;url=x", "mailbox", ""},
    {";;url=x", "url", "x"},
    {"url", "url", ""},
};

START_TEST(a_key_is_found_without_its_quotes)
{
    AUTO_TEXT value = NULL;
    ck_assert_int_eq(connection_get(gets[_i].connection, gets[_i].key, &value, &err), 0);
    if (gets[_i].value == NULL)
        ck_assert_msg(value == NULL, "%s: %s", gets[_i].connection, value);
    else
        ck_assert_str_eq(value, gets[_i].value);
}
END_TEST

static const struct {
    const char *connection, *key, *value, *want;
} sets[] = {
    {"", "url", "x", "url=x"},
    {"url=x", "ssl", "True", "url=x;ssl=True"},
    {"url=x;ssl=False;mailbox=A", "ssl", "True", "url=x;ssl=True;mailbox=A"},
    {"url=x;SSL=False;mailbox=A", "ssl", NULL, "url=x;mailbox=A"},
    {"ssl=1;url=x", "ssl", NULL, "url=x"},
    {"url=x", "ssl", NULL, "url=x"},
    {"url=x;ssl=1;ssl=2", "ssl", "3", "url=x;ssl=3"},
    {"url=x", "mailbox", "a;b", "url=x;mailbox=\"a;b\""},
    {"url=x", "mailbox", "a\"b", "url=x;mailbox=\"a\"\"b\""},
    {"url=x", "mailbox", " a", "url=x;mailbox=\" a\""},
    {"mailbox=\"a;ssl=0\";url=x", "ssl", "1", "mailbox=\"a;ssl=0\";url=x;ssl=1"},
    {" url = x ;b= c", "b", "d", " url = x ;b=d"},
};

START_TEST(a_key_is_set_and_the_rest_stays_as_it_was_written)
{
    AUTO_TEXT out = NULL;
    ck_assert_int_eq(connection_set(sets[_i].connection, sets[_i].key, sets[_i].value, &out, &err),
                     0);
    ck_assert_str_eq(out, sets[_i].want);
}
END_TEST

START_TEST(what_is_set_is_what_is_found)
{
    static const char *const values[] = {"a", "a;b", "'a'", "\"a\"", " a ", "a=b", "it's", ";\"'"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        AUTO_TEXT out = NULL;
        AUTO_TEXT value = NULL;
        ck_assert_int_eq(connection_set("url=x", "mailbox", values[i], &out, &err), 0);
        ck_assert_int_eq(connection_get(out, "mailbox", &value, &err), 0);
        ck_assert_str_eq(value, values[i]);
    }
}
END_TEST

static const struct {
    const char *a, *b;
    bool same;
} pairs[] = {
    {"url=x;ssl=True", " SSL = True;;url=x", true},
    {"url=x", "url=y", false},
    {"url=x", "url=x;proxy=http://b:80", false},
    {"url=x;caFile=/a", "url=x", false},
    {"url=x;caFile=\"/a\"", "url=x;cafile=/a", true},
    {"url=x;caFile=/a", "url=x;caFile=/A", false},
    {"url=x;mailbox=A", "url=x;mailbox=B;MAILBOX=C", true}, /* free, whatever it is */
    {"url=x;proxy=", "url=x", false},
    {"url=x;url=y", "url=x", false}, /* the first is found, and none is overlooked */
    {"url=x;proxyy=a", "url=x;proxy=a", false},
    {"mailbox=\"a;url=y\";url=x", "url=x", true},
    {"", "", true},
    {"url", "url=", true},
};

START_TEST(two_strings_are_the_same_but_for_keys_that_are_free)
{
    static const char *const free_keys[] = {"mailbox", "dropbox"};
    ck_assert_msg(connection_same(pairs[_i].a, pairs[_i].b, free_keys, 2) == pairs[_i].same, "%s",
                  pairs[_i].a);
    ck_assert_msg(connection_same(pairs[_i].b, pairs[_i].a, free_keys, 2) == pairs[_i].same, "%s",
                  pairs[_i].b);
}
END_TEST

static const struct {
    const char *connection, *left, *template, *root;
    bool mainnet;
} delivers[] = {
    {"url=x;ssl=True", "url=x;ssl=True", NULL, NULL, false},
    {"url=x;deliver=;ssl=True", "url=x;ssl=True", DELIVER_FOLDER_DEFAULT, DELIVER_FOLDER_ROOT,
     false},
    {"Deliver=Year > x", NULL, NULL, NULL, false},
    {"DELIVER=Year>'a;b';url=x", NULL, NULL, NULL, false}, /* the ';' ends it: it is to be quoted */
    {"deliver=\"Year>'a;b'\";url=x", "url=x", "Year>'a;b'", DELIVER_FOLDER_ROOT, false},
    {"mainnetToInbox=yes;deliver=Account;url=x;deliverRoot=Archive/Chain", "url=x", "Account",
     "Archive/Chain", true},
    {"url=x;mainnetToInbox=maybe;deliver=", NULL, NULL, NULL, false},
    {"url=x;deliverRoot=/;deliver=", NULL, NULL, NULL, false},
    {"url=x;deliverRoot=Archive", "url=x;deliverRoot=Archive", NULL, NULL, false},
};

START_TEST(keys_of_a_source_that_delivers_are_kept_from_the_loader)
{
    AUTO(deliver_keys) keys = NULL;
    const char *connection = delivers[_i].connection;
    int read = deliver_keys_read(connection, &keys, &err);
    if (delivers[_i].left == NULL) {
        ck_assert_int_eq(read, -1);
        ck_assert_int_eq(err.class, ERROR_USAGE);
        ck_assert_ptr_nonnull(strstr(err.text, "key"));
        return;
    }
    ck_assert_msg(read == 0, "%s", err.text);
    ck_assert_str_eq(keys->connection, delivers[_i].left);
    ck_assert_int_eq(deliver_keys_deliver(connection), delivers[_i].template != NULL);
    ck_assert_int_eq(keys->template != NULL, delivers[_i].template != NULL);
    if (delivers[_i].template == NULL)
        return;
    ck_assert_str_eq(keys->folder.template, delivers[_i].template);
    ck_assert_str_eq(keys->folder.root, delivers[_i].root);
    ck_assert_int_eq(keys->folder.mainnet_to_root, delivers[_i].mainnet);
}
END_TEST

START_TEST(the_server_is_found_in_each_way_to_write_it)
{
    static const char *const rows[][2] = {
        {"mail.example.org", "mail.example.org"},
        {"mail.example.org:993", "mail.example.org"},
        {"imaps://mail.example.org", "mail.example.org"},
        {"imap://mail.example.org:143/", "mail.example.org"},
        {"[::1]", "::1"},
        {"::1", "::1"},
        {"imaps://[2001:db8::7]:993", "2001:db8::7"},
        {"imaps://2001:db8::7", "2001:db8::7"},
        {"", ""},
        {"[", ""},
        {"imap://", ""},
        {":", ""},
    };
    char host[CONNECTION_HOST_MAX], longest[CONNECTION_HOST_MAX + 1];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        connection_host(rows[i][0], host);
        ck_assert_str_eq(host, rows[i][1]);
    }
    memset(longest, 'x', CONNECTION_HOST_MAX);
    longest[CONNECTION_HOST_MAX] = '\0';
    connection_host(longest, host);
    ck_assert_str_eq(host, "");
    connection_host(longest + 1, host);
    ck_assert_uint_eq(strlen(host), CONNECTION_HOST_MAX - 1);
}
END_TEST

START_TEST(known_providers_are_told_of_their_app_passwords)
{
    static const char *const hosts[] = {"imap.gmail.com",      "IMAP.GMAIL.COM",
                                        "imap.mail.yahoo.com", "imap.mail.me.com",
                                        "imap.aol.com",        "imap.fastmail.com",
                                        "imaps://imap.gmail.com:993", "imap.gmail.com:993"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        const char *advice = provider_advice(hosts[i], ERROR_CREDENTIALS);
        ck_assert_msg(strstr(advice, "app password") != NULL ||
                          strstr(advice, "app-specific password") != NULL,
                      "%s: %s", hosts[i], advice);
    }
    ck_assert_ptr_nonnull(
        strstr(provider_advice("outlook.office365.com", ERROR_CREDENTIALS), "XOAuth2"));
    ck_assert_ptr_nonnull(strstr(provider_advice("notgmail.com", ERROR_CREDENTIALS), "many"));
    ck_assert_ptr_nonnull(strstr(provider_advice(NULL, ERROR_CREDENTIALS), "many"));
    ck_assert_ptr_null(strstr(provider_advice("imap.gmail.com", ERROR_UNREACHABLE), "Gmail"));
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static Suite *suite(void)
{
    Suite *all = suite_create("connection-text");
    TCase *one = tcase_create("keys");
    tcase_add_loop_test(one, a_key_is_found_without_its_quotes, 0, COUNT(gets));
    tcase_add_loop_test(one, a_key_is_set_and_the_rest_stays_as_it_was_written, 0, COUNT(sets));
    tcase_add_test(one, what_is_set_is_what_is_found);
    tcase_add_loop_test(one, two_strings_are_the_same_but_for_keys_that_are_free, 0, COUNT(pairs));
    tcase_add_loop_test(one, keys_of_a_source_that_delivers_are_kept_from_the_loader, 0,
                        COUNT(delivers));
    tcase_add_test(one, the_server_is_found_in_each_way_to_write_it);
    tcase_add_test(one, known_providers_are_told_of_their_app_passwords);
    suite_add_tcase(all, one);
    return all;
}

CHECK_MAIN(suite)
