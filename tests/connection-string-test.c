/* SPDX-License-Identifier: Apache-2.0 */
/* connection-string-test.c - each rule of "key=value;key=value", each error to the letter. */
#include <config.h>
#include "check-main.h"

#include <stdlib.h>
#include <string.h>

#include "connection-string.h"
#include "text.h"

struct sample {
    char *url, *name, *level, *secret;
    uint32_t port, mode;
    bool ssl;
    uint64_t size, poll_ms;
};

static const struct connection_key keys[] = {
    {"url", CONNECTION_TEXT, offsetof(struct sample, url), .required = true, .help = "the server"},
    {"name", CONNECTION_TEXT, offsetof(struct sample, name), .default_value = "INBOX"},
    {"level", CONNECTION_TEXT, offsetof(struct sample, level), .choices = "Low|High"},
    {"proxyUrl", CONNECTION_TEXT, offsetof(struct sample, secret), .secret = true},
    {"port", CONNECTION_NUMBER, offsetof(struct sample, port), .min = 1, .max = 65535},
    {"mode", CONNECTION_CHOICE, offsetof(struct sample, mode), .default_value = "Auto",
     .choices = "Auto|Required|Never"},
    {"ssl", CONNECTION_BOOLEAN, offsetof(struct sample, ssl), .default_value = "False"},
    {"maxSize", CONNECTION_SIZE, offsetof(struct sample, size), .default_value = "50MB", .min = 1,
     .max = (uint64_t)1 << 30},
    {"poll", CONNECTION_DURATION, offsetof(struct sample, poll_ms), .default_value = "5min",
     .min = 1000, .max = 86400000},
    {"password", CONNECTION_REFUSED, .help = "give it by --password-file"},
};
#define KEYS (sizeof keys / sizeof keys[0])

static int read_sample(const char *text, struct sample *out, struct error *err)
{
    memset(out, 0, sizeof *out);
    return connection_string_read(text, keys, KEYS, out, NULL, err);
}

/* Good strings, and what url and name become. */
static const struct good_row {
    const char *text, *url, *name;
} good_rows[] = {
    {"url=h", "h", "INBOX"},
    {"url=h;", "h", "INBOX"},
    {";;url=h; ;\t;", "h", "INBOX"},
    {" url = h ; name = a b  c ", "h", "a b  c"},
    {"URL=h;NaMe=x", "h", "x"},
    {"url=h;name=a=b==c", "h", "a=b==c"},
    {"url=h;name=\"a;b\"", "h", "a;b"},
    {"url=h;name='a;b'", "h", "a;b"},
    {"url=h;name=' a '", "h", " a "},
    {"url=h;name=\"say \"\"yes\"\"\"", "h", "say \"yes\""},
    {"url=h;name='it''s'", "h", "it's"},
    {"url=h;name=\"it's\"", "h", "it's"},
    {"url=h;name='\"'", "h", "\""},
    {"url=h;name=''''", "h", "'"},
    {"name=\"x\" ;url=h", "h", "x"},
    {"url=h;name=\xC3\x84rger/\xE6\x97\xA5", "h", "\xC3\x84rger/\xE6\x97\xA5"},
    {"url=h;name=Entw\xC3\xBCrfe & Co.", "h", "Entw\xC3\xBCrfe & Co."},
    {"url=h\n;name=x\r\n", "h", "x"},
};

START_TEST(a_good_string_reads_as_it_was_meant)
{
    const struct good_row *row = &good_rows[_i];
    struct sample s;
    struct error err = {0};
    ck_assert_msg(read_sample(row->text, &s, &err) == 0, "%s: %s", row->text, err.text);
    ck_assert_str_eq(s.url, row->url);
    ck_assert_str_eq(s.name, row->name);
    connection_string_free(keys, KEYS, &s);
    ck_assert_ptr_null(s.url);
}
END_TEST

static const struct bad_row {
    const char *text, *error;
} bad_rows[] = {
    {"", "key 'url' is missing; add url=... (the server)"},
    {"name=x", "key 'url' is missing; add url=... (the server)"},
    {"url=h;nmae=x", "unknown key 'nmae' at position 7; did you mean 'name'?"},
    {"url=h; PROT =1", "unknown key 'PROT' at position 8; did you mean 'port'?"},
    {"url=h;attachments=x", "unknown key 'attachments' at position 7; the keys are url, name, "
                            "level, proxyUrl, port, mode, "
                            "ssl, maxSize, poll"},
    {"url=h;k\"=x",
     "what stands before '=' at position 7 is not a key; a value that holds ';' or a "
     "quote must stand in quotes"},
    {"url=h;port=1;PORT=2",
     "key 'port' at position 14 was given before, at position 7; keep one of them"},
    {"url=h;name",
     "there is no '=' in the part at position 7; write key=value, and a value that holds "
     "';' in quotes"},
    {"=x;url=h", "there is no key before '=' at position 1"},
    {"url=h;name=", "key 'name' at position 7 has no value; give one, or leave the key out"},
    {"url=h;name= ;", "key 'name' at position 7 has no value; give one, or leave the key out"},
    {"url=h;name=\"\"", "key 'name' at position 7 has no value; give one, or leave the key out"},
    {"url=h;name=\"abc",
     "key 'name': the quote at position 12 is not closed; add \" at the end of the value"},
    {"url=h;name='it''s",
     "key 'name': the quote at position 12 is not closed; add ' at the end of the value"},
    {"url=h;name=it's",
     "key 'name' at position 7: unexpected text at position 14; a value that holds ';', a quote or "
     "spaces at its ends stands in quotes as a whole, that quote doubled inside"},
    {"url=h;name=\"a\"b",
     "key 'name' at position 7: unexpected text at position 15; a value that holds ';', a quote or "
     "spaces at its ends stands in quotes as a whole, that quote doubled inside"},
    {"url=h;port=0", "key 'port' at position 7: '0' is not a number from 1 to 65535"},
    {"url=h;port=65536", "key 'port' at position 7: '65536' is not a number from 1 to 65535"},
    {"url=h;port=-1", "key 'port' at position 7: '-1' is not a number from 1 to 65535"},
    {"url=h;port=14x", "key 'port' at position 7: '14x' is not a number from 1 to 65535"},
    {"url=h;port=4294967439",
     "key 'port' at position 7: '4294967439' is not a number from 1 to 65535"},
    {"url=h;ssl=on", "key 'ssl' at position 7: 'on' is not True or False (or Yes, No, 1, 0)"},
    {"url=h;mode=Sometimes",
     "key 'mode' at position 7: 'Sometimes' is not one of Auto, Required, Never"},
    {"url=h;level=Mid", "key 'level' at position 7: 'Mid' is not one of Low, High"},
    {"url=h;maxSize=2GB",
     "key 'maxSize' at position 7: '2GB' is not a size such as 50MB, from 1 bytes to 1GB"},
    {"url=h;maxSize=0",
     "key 'maxSize' at position 7: '0' is not a size such as 50MB, from 1 bytes to 1GB"},
    {"url=h;poll=999ms",
     "key 'poll' at position 7: '999ms' is not a time such as 90s or 5min, from 1s to 1d"},
    {"url=h;poll=2d",
     "key 'poll' at position 7: '2d' is not a time such as 90s or 5min, from 1s to 1d"},
    {"url=h;password=hunter2",
     "key 'password' at position 7 does not belong here: give it by --password-file"},
    {"url=h;pasword=hunter2",
     "key 'pasword' at position 7 does not belong here: give it by --password-file"},
    {"url=h;name=a\x01z",
     "key 'name' at position 7: the value holds a control character; remove it"},
    {"url=h;name='a\nb'",
     "key 'name' at position 7: the value holds a control character; remove it"},
    {"url=h;name=\xFF", "the connection string is not valid UTF-8; write it in this encoding"},
};

START_TEST(a_bad_string_is_told_by_key_and_position)
{
    const struct bad_row *row = &bad_rows[_i];
    struct sample s;
    struct error err = {0};
    ck_assert_msg(read_sample(row->text, &s, &err) == -1, "%s", row->text);
    ck_assert_str_eq(err.text, row->error);
    ck_assert_int_eq((int)err.class, ERROR_USAGE);
    ck_assert(s.url == NULL && s.name == NULL && s.secret == NULL);
}
END_TEST

START_TEST(no_error_repeats_what_may_be_a_secret)
{
    static const char *const texts[] = {
        "url=h;password=s3cr;et", "url=h;secr=s3cret", "url=h;s3cret", "url=h;p=a;s3cret!x=1",
        "url=h;proxyUrl=http://s3cret\x01", "url=h;proxyUrl='s3cret", "url=h;proxyUrl=a's3cret",
        "url=h;pass'word=s3cret",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct sample s;
        struct error err = {0};
        ck_assert_int_eq(read_sample(texts[i], &s, &err), -1);
        ck_assert_msg(strstr(err.text, "s3cr") == NULL, "%s -> %s", texts[i], err.text);
    }
}
END_TEST

START_TEST(each_type_reads_its_values)
{
    struct sample s;
    struct error err = {0};
    ck_assert_msg(
        read_sample("url=h;port=65535;ssl=YES;maxSize=64 kB;poll=90;mode=nEVER;level=hIGH;"
                    "proxyUrl=x",
                    &s, &err) == 0,
        "%s", err.text);
    ck_assert_uint_eq(s.port, 65535);
    ck_assert(s.ssl);
    ck_assert_uint_eq(s.size, 65536);
    ck_assert_uint_eq(s.poll_ms, 90000);
    ck_assert_uint_eq(s.mode, 2);
    ck_assert_str_eq(s.level, "High");
    ck_assert_str_eq(s.secret, "x");
    connection_string_free(keys, KEYS, &s);
}
END_TEST

START_TEST(booleans_read_in_any_case_and_nothing_else_does)
{
    static const struct {
        const char *text;
        bool value;
    } rows[] = {{"url=h;ssl=True", true},  {"url=h;ssl=false", false}, {"url=h;ssl=yes", true},
                {"url=h;ssl=NO", false},   {"url=h;ssl=1", true},      {"url=h;ssl=0", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sample s;
        ck_assert_int_eq(read_sample(rows[i].text, &s, NULL), 0);
        ck_assert_int_eq(s.ssl, rows[i].value);
        connection_string_free(keys, KEYS, &s);
    }
}
END_TEST

START_TEST(what_was_named_is_told_apart_from_defaults)
{
    struct sample s = {0};
    uint64_t given;
    ck_assert_int_eq(connection_string_read("url=h;ssl=False", keys, KEYS, &s, &given, NULL), 0);
    ck_assert_uint_eq(given, 1u << 0 | 1u << 6);
    connection_string_free(keys, KEYS, &s);
}
END_TEST

START_TEST(a_string_above_its_limit_is_refused)
{
    char *text = malloc(CONNECTION_STRING_MAX + 2);
    memset(text, 'x', CONNECTION_STRING_MAX + 1);
    memcpy(text, "url=", 4);
    text[CONNECTION_STRING_MAX] = '\0';
    struct sample s;
    struct error err = {0};
    ck_assert_int_eq(read_sample(text, &s, &err), 0);
    connection_string_free(keys, KEYS, &s);
    text[CONNECTION_STRING_MAX] = 'x';
    text[CONNECTION_STRING_MAX + 1] = '\0';
    ck_assert_int_eq(read_sample(text, &s, &err), -1);
    ck_assert_str_eq(err.text, "the connection string has 16385 bytes; at most 16384 can be read");
    free(text);
}
END_TEST

START_TEST(a_key_is_found_at_its_position_and_not_inside_a_value)
{
    static const char text[] = "url=h;name='port=1;ssl=0'; Port = 7";
    ck_assert_uint_eq(connection_string_position(text, "port"), 28);
    ck_assert_uint_eq(connection_string_position(text, "ssl"), 0);
    ck_assert_uint_eq(connection_string_position(text, "URL"), 1);
    ck_assert_uint_eq(connection_string_position("url='h", "port"), 0);
}
END_TEST

START_TEST(a_string_cut_anywhere_is_read_or_refused_and_nothing_leaks)
{
    static const char text[] = "url=h;name=\"a;\"\"b\" ; port = 7;level='Low';;mode=never";
    for (size_t cut = 0; cut < sizeof text; cut++) {
        char *piece = strndup(text, cut); /* exact: a read behind the end is seen */
        struct sample s;
        struct error err = {0};
        if (read_sample(piece, &s, &err) == 0)
            connection_string_free(keys, KEYS, &s);
        else
            ck_assert_str_ne(err.text, "");
        free(piece);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("connection-string");
    TCase *t = tcase_create("connection-string");
    tcase_add_loop_test(t, a_good_string_reads_as_it_was_meant, 0,
                        (int)(sizeof good_rows / sizeof good_rows[0]));
    tcase_add_loop_test(t, a_bad_string_is_told_by_key_and_position, 0,
                        (int)(sizeof bad_rows / sizeof bad_rows[0]));
    tcase_add_test(t, no_error_repeats_what_may_be_a_secret);
    tcase_add_test(t, each_type_reads_its_values);
    tcase_add_test(t, booleans_read_in_any_case_and_nothing_else_does);
    tcase_add_test(t, what_was_named_is_told_apart_from_defaults);
    tcase_add_test(t, a_string_above_its_limit_is_refused);
    tcase_add_test(t, a_key_is_found_at_its_position_and_not_inside_a_value);
    tcase_add_test(t, a_string_cut_anywhere_is_read_or_refused_and_nothing_leaks);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
