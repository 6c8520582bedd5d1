/* SPDX-License-Identifier: Apache-2.0 */
/* imap-settings-test.c - the connection string of the IMAP loader, as its users write it. */
#include <config.h>
#include "check-main.h"

#include <stdlib.h>
#include <string.h>

#include "imap-settings.h"

#define PIN "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

/* Where it connects to. */
static const struct url_row {
    const char *text, *host;
    uint32_t port;
    bool ssl;
} url_rows[] = {
    {"url=mail.example.org", "mail.example.org", 143, false},
    {"url=mail.example.org;ssl=True", "mail.example.org", 993, true},
    {"url=mail.example.org;port=1143;ssl=true", "mail.example.org", 1143, true},
    {"url=imap://mail.example.org", "mail.example.org", 143, false},
    {"url=imap://mail.example.org/", "mail.example.org", 143, false},
    {"url=IMAP://mail.example.org:1143", "mail.example.org", 1143, false},
    {"url=imap://mail.example.org:993;ssl=True", "mail.example.org", 993, true},
    {"url=imaps://mail.example.org", "mail.example.org", 993, true},
    {"url=imaps://mail.example.org:1993/", "mail.example.org", 1993, true},
    {"url=imaps://mail.example.org:1993;port=1993", "mail.example.org", 1993, true},
    {"url=imaps://mail.example.org;ssl=True;port=1993", "mail.example.org", 1993, true},
    {"url=[::1]", "::1", 143, false},
    {"url=::1;port=1143", "::1", 1143, false},
    {"url=2001:db8::25", "2001:db8::25", 143, false},
    {"url=imap://[::1]:1143", "::1", 1143, false},
    {"url=imaps://[2001:db8::25]", "2001:db8::25", 993, true},
    {"url=[fe80::1%eth0]", "fe80::1%eth0", 143, false},
    {"url=192.0.2.7", "192.0.2.7", 143, false},
    {"url=b\xC3\xBC" "cher.example", "b\xC3\xBC" "cher.example", 143, false},
    {"url=mail_1.internal.", "mail_1.internal.", 143, false},
};

START_TEST(each_form_of_url_names_host_port_and_tls)
{
    const struct url_row *row = &url_rows[_i];
    AUTO(imap_settings) s = NULL;
    struct error err = {0};
    ck_assert_msg(imap_settings_read(row->text, &s, &err) == 0, "%s: %s", row->text, err.text);
    ck_assert_str_eq(s->host, row->host);
    ck_assert_uint_eq(s->port, row->port);
    ck_assert_int_eq(s->ssl, row->ssl);
}
END_TEST

START_TEST(what_is_left_out_has_the_documented_default)
{
    AUTO(imap_settings) s = NULL;
    ck_assert_int_eq(imap_settings_read("url=h", &s, NULL), 0);
    ck_assert_str_eq(s->mailbox, "INBOX");
    ck_assert_str_eq(s->dropbox, "DROPBOX");
    ck_assert_str_eq(s->badmail, "BADMAIL");
    ck_assert(!s->attach_html && !s->sanitize && !s->allow_insecure_cert && s->idle);
    ck_assert_uint_eq(s->starttls, IMAP_STARTTLS_AUTO);
    ck_assert_uint_eq(s->after, IMAP_AFTER_MOVE);
    ck_assert_str_eq(s->min_tls, "1.2");
    ck_assert_str_eq(s->auth, "Auto");
    ck_assert_uint_eq(s->max_size, 50u << 20);
    ck_assert_uint_eq(s->poll_ms, 300000);
    ck_assert_uint_eq(s->timeout_ms, 60000);
    ck_assert_uint_eq(s->batch, 0);
    ck_assert(s->ca_file == NULL && s->pinned_key == NULL && s->search == NULL &&
              s->accept == NULL && s->skip == NULL && s->proxy == NULL);
}
END_TEST

START_TEST(every_key_can_be_given)
{
    AUTO(imap_settings) s = NULL;
    struct error err = {0};
    ck_assert_msg(
        imap_settings_read(
            "url=h;port=1143;ssl=no;mailbox=Inbox/"
            "\xC3\x84mter;dropbox=Done;badmail=Bad;attachHtml=True;"
            "sanitize=1;starttls=required;allowInsecureCert=yes;caFile=/etc/ca.pem;"
            "pinnedKey='" PIN ";" PIN "';minTls=1.3;after=flag;search=SINCE 1-Jan-2026 UNSEEN;"
            "accept=Subject:/invoice/i;skip=*:/spam/;maxSize=1GB;batch=500;idle=False;poll=1s;"
            "timeout=1h;proxy=socks5h://127.0.0.1:1080;auth=Scram-Sha-256",
            &s, &err) == 0,
        "%s", err.text);
    ck_assert_str_eq(s->mailbox, "Inbox/\xC3\x84mter");
    ck_assert_uint_eq(s->starttls, IMAP_STARTTLS_REQUIRED);
    ck_assert_uint_eq(s->after, IMAP_AFTER_FLAG);
    ck_assert_str_eq(s->pinned_key, PIN ";" PIN);
    ck_assert_str_eq(s->min_tls, "1.3");
    ck_assert_str_eq(s->auth, "SCRAM-SHA-256");
    ck_assert_str_eq(s->search, "SINCE 1-Jan-2026 UNSEEN");
    ck_assert_uint_eq(s->max_size, 1u << 30);
    ck_assert_uint_eq(s->batch, 500);
    ck_assert(!s->idle && s->attach_html && s->sanitize && s->allow_insecure_cert);
}
END_TEST

/* What is refused, and words that the error must hold. */
static const struct bad_row {
    const char *text, *error;
} bad_rows[] = {
    {"ssl=True", "key 'url' is missing"},
    {"url=h;mailbx=x", "unknown key 'mailbx' at position 7; did you mean 'mailbox'?"},
    {"url=h;port=0", "key 'port' at position 7: '0' is not a number from 1 to 65535"},
    {"url=h;bogus=1", "unknown key 'bogus' at position 7; the keys are url"},
    {"url=h;pasword=1", "key 'pasword' at position 7 does not belong here: give the password"},
    {"url=h;user=ann", "key 'user' at position 7 does not belong here: give the user name"},
    {"url=h;USERNAME=ann", "key 'userName' at position 7 does not belong here: give the user name"},
    {"url=h;password=s3cret",
     "key 'password' at position 7 does not belong here: give the password"},
    {"url=h;pass=s3cret", "key 'pass' at position 7 does not belong here: give the password"},
    {"url=h;pwd=s3cret", "--password-file"},
    {"ssl=1;url=imap://ann:s3cret@h", "key 'url' at position 7: a user name or password does not"},
    {"url=ann@h", "key 'url' at position 1: a user name or password does not"},
    {"url=imap://ann:s3cret", "the port in it is not a number from 1 to 65535"},
    {"url=imap://h:0", "the port in it is not a number from 1 to 65535"},
    {"url=imap://h:65536", "the port in it is not a number from 1 to 65535"},
    {"url=imap://h:", "the port in it is not a number from 1 to 65535"},
    {"url=h:993", "a port needs its own key; write port=NUMBER, or url=imap://host:port"},
    {"url=[::1]:993", "a port needs its own key"},
    {"url=imap://h:143;port=993",
     "it names port 143, the key port names 993; take one of them out"},
    {"url=imaps://h;ssl=False", "imaps:// means TLS, but ssl=False is given too"},
    {"url=pop3://h", "only imap:// and imaps:// can be picked up from"},
    {"url=imap://h/INBOX", "a folder belongs into the key mailbox"},
    {"url=h/INBOX", "a folder belongs into the key mailbox"},
    {"url=imap://", "this is not the name or address of a host"},
    {"url=a b", "this is not the name or address of a host"},
    {"url=-oProxy", "this is not the name or address of a host"},
    {"url=[::1", "the ']' behind the address is missing"},
    {"url=[]", "the ']' behind the address is missing"},
    {"url=[1:2:3]", "this is not the name or address of a host"},
    {"url=[::1]x", "there is more than a host and a port in it"},
    {"url=h;mailbox=X;dropbox=x", "key 'dropbox' at position 17: dropbox and mailbox are the same"},
    {"url=h;mailbox=DROPBOX",
     "key 'dropbox' (by default): dropbox and mailbox are the same folder"},
    {"url=h;dropbox=inbox", "dropbox and mailbox are the same folder"},
    {"url=h;badmail=DropBox", "badmail and dropbox are the same folder"},
    {"url=h;badmail=INBOX", "badmail and mailbox are the same folder"},
    {"url=h;dropbox=a//b", "'a//b' has a level without a name"},
    {"url=h;dropbox=/a", "'/a' has a level without a name"},
    {"url=h;ssl=True;starttls=Required",
     "STARTTLS cannot be had where TLS runs from the first byte"},
    {"url=h;accept=Subject", "key 'accept' at position 7: rule 'Subject' does not start with"},
    {"url=h;skip=Subject:/(/",
     "key 'skip' at position 7: rule 'Subject:/(/': the expression is wrong"},
    {"url=h;pinnedKey=abc", "key 'pinnedKey' at position 7: write sha256// and the 44 characters"},
    {"url=h;pinnedKey='" PIN ";'", "key 'pinnedKey' at position 7"},
    {"url=h;minTls=1.1", "key 'minTls' at position 7: '1.1' is not one of 1.2, 1.3"},
    {"url=h;poll=0",
     "key 'poll' at position 7: '0' is not a time such as 90s or 5min, from 1s to 1d"},
    {"url=h;timeout=2h", "from 1s to 1h"},
    {"url=h;maxSize=2GB", "from 1 bytes to 1GB"},
    {"url=h;batch=501", "a number from 1 to 500"},
    {"url=h;proxy=socks5h://ann:s3cret@p", "key 'proxy' at position 7: a user name or password"},
    {"url=h;proxy=ftp://p", "key 'proxy' at position 7: write socks5h://host:port"},
    {"url=h;auth=Magic", "key 'auth' at position 7: 'Magic' is not one of Auto, PLAIN"},
    {"url=h;search=ALL\x02", "key 'search' at position 7: the value holds a control character"},
};

START_TEST(what_cannot_work_is_refused_with_key_position_and_remedy)
{
    const struct bad_row *row = &bad_rows[_i];
    AUTO(imap_settings) s = NULL;
    struct error err = {0};
    ck_assert_msg(imap_settings_read(row->text, &s, &err) == -1, "%s", row->text);
    ck_assert_msg(strstr(err.text, row->error) != NULL, "%s: got '%s'", row->text, err.text);
    ck_assert_msg(strstr(err.text, "s3cret") == NULL && strstr(err.text, "ann:") == NULL, "%s",
                  err.text);
    ck_assert_int_eq((int)err.class, ERROR_USAGE);
    ck_assert_ptr_null(s);
}
END_TEST

START_TEST(an_account_is_user_at_host_with_only_unusual_ports)
{
    static const struct {
        const char *text, *user, *want;
    } rows[] = {
        {"url=Mail.Example.ORG", "Ann", "Ann@mail.example.org"},
        {"url=imaps://h", "ann@example.org", "ann@example.org@h"},
        {"url=h;port=143;ssl=True", "a", "a@h"},
        {"url=h;port=1143", "a", "a@h:1143"},
        {"url=::1;port=1143", "a", "a@[::1]:1143"},
        {"url=[::1]", NULL, "[::1]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO(imap_settings) s = NULL;
        ck_assert_int_eq(imap_settings_read(rows[i].text, &s, NULL), 0);
        AUTO_TEXT account = imap_settings_account(s, rows[i].user);
        ck_assert_str_eq(account, rows[i].want);
    }
}
END_TEST

START_TEST(whoever_is_guarded_names_no_file_and_no_proxy)
{
    static const struct {
        const char *text, *key;
    } rows[] = {
        {"url=a.example;caFile=/etc/shadow", "'caFile'"},
        {"url=a.example;proxy=http://127.0.0.1:22", "'proxy'"},
        {"url=a.example;ssl=True;port=1993", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO(imap_settings) s = NULL;
        struct error err = {.class = ERROR_NONE};
        ck_assert_int_eq(imap_settings_read(rows[i].text, &s, NULL), 0);
        ck_assert(!s->guarded);
        ck_assert_int_eq(imap_settings_guard(s, &err), rows[i].key == NULL ? 0 : -1);
        ck_assert(s->guarded == (rows[i].key == NULL));
        if (rows[i].key == NULL)
            continue;
        ck_assert_int_eq(err.class, ERROR_USAGE);
        ck_assert_ptr_nonnull(strstr(err.text, rows[i].key));
    }
}
END_TEST

START_TEST(every_key_has_help_and_no_two_keys_are_the_same)
{
    size_t count;
    const struct connection_key *keys = imap_settings_keys(&count);
    ck_assert_uint_le(count, CONNECTION_KEYS_MAX);
    for (size_t i = 0; i < count; i++) {
        ck_assert_msg(keys[i].help != NULL && keys[i].help[0] != '\0', "%s", keys[i].key);
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(keys[i].key, keys[j].key);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("imap-settings");
    TCase *t = tcase_create("imap-settings");
    tcase_add_loop_test(t, each_form_of_url_names_host_port_and_tls, 0,
                        (int)(sizeof url_rows / sizeof url_rows[0]));
    tcase_add_test(t, what_is_left_out_has_the_documented_default);
    tcase_add_test(t, every_key_can_be_given);
    tcase_add_loop_test(t, what_cannot_work_is_refused_with_key_position_and_remedy, 0,
                        (int)(sizeof bad_rows / sizeof bad_rows[0]));
    tcase_add_test(t, an_account_is_user_at_host_with_only_unusual_ports);
    tcase_add_test(t, whoever_is_guarded_names_no_file_and_no_proxy);
    tcase_add_test(t, every_key_has_help_and_no_two_keys_are_the_same);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
