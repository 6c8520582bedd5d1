/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-test.c - answers of Mailchain clients however they are cut, and mail made of messages
 * whatever they hold. */
#include <config.h>
#include "check-main.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader-plugin.h"
#include "mail.h"
#include "mailchain-api.h"
#include "mailchain-mail.h"
#include "mailchain-settings.h"
#include "mailchain-text.h"
#include "mailchain-trouble.h"
#include "text.h"

static struct error err;

/* ---- Answers --------------------------------------------------------------------------------- */

static const char page_text[] =
    "{\"messages\":[{\"headers\":{\"date\":\"2020-09-01T07:05:00+02:00\",\"from\":\"\\u003c0x9a@"
    "mainnet."
    "ethereum\\u003e\",\"to\":\"\\\"Ann\\\" \\u003c0x1f@mainnet.ethereum\\u003e\",\"message-id\":"
    "\"0a1b\",\"content-type\":\"text/html; "
    "charset=\\\"UTF-8\\\"\",\"rekey-to\":\"0xab\",\"odd\":7},"
    "\"body\":\"Hi \\u0000 Ann\",\"subject\":\"Gr\xC3\xBC\xC3\x9F\x65\",\"status\":\"ok\",\"status-"
    "code\":\"\",\"read\":false,\"block-id\":\"0xc801\"},{\"status\":\"could not read\"},7]}\n";

START_TEST(an_answer_cut_anywhere_is_no_answer)
{
    struct mailchain_pairs pairs;
    struct mailchain_page *page = NULL;
    size_t whole = sizeof page_text - 2; /* without its line end */
    for (size_t cut = 0; cut < whole; cut++) {
        char *exactly = malloc(cut + 1);
        memcpy(exactly, page_text, cut);
        ck_assert_int_eq(mailchain_page_read(exactly, cut, &page, &err), -1);
        ck_assert_int_eq(err.class, ERROR_PROTOCOL);
        ck_assert_int_eq(mailchain_read_networks(exactly, cut, &pairs, &err), -1);
        ck_assert_int_eq(mailchain_read_addresses(exactly, cut, &pairs, &err), -1);
        free(exactly);
    }
    ck_assert_int_eq(mailchain_page_read(page_text, whole, &page, &err), 0);
    ck_assert_uint_eq(mailchain_page_count(page), 3);
    mailchain_page_free(page);
}
END_TEST

static bool is(struct span got, const char *want)
{
    return got.len == strlen(want) && memcmp(got.bytes, want, got.len) == 0;
}

START_TEST(a_message_has_its_members_and_all_others_as_fields)
{
    struct mailchain_page *page = NULL;
    struct mailchain_message m;
    ck_assert_int_eq(mailchain_page_read(page_text, sizeof page_text - 1, &page, &err), 0);
    mailchain_page_message(page, 0, &m);
    ck_assert(m.ok && is(m.from, "<0x9a@mainnet.ethereum>") && is(m.message_id, "0a1b"));
    ck_assert(m.body.len == 8 && memcmp(m.body.bytes, "Hi \0 Ann", 8) == 0);
    ck_assert_uint_eq(m.field_count, 2);
    ck_assert_str_eq(m.fields[0].name, "rekey-to");
    ck_assert_str_eq(m.fields[1].name, "block-id");
    mailchain_page_message(page, 1, &m);
    ck_assert(!m.ok && is(m.status, "could not read") && m.body.bytes == NULL);
    mailchain_page_message(page, 2, &m);
    ck_assert(!m.ok && m.field_count == 0);
    mailchain_page_free(page);
}
END_TEST

static const struct {
    const char *answer, *want; /* "given=normal " of each; NULL: no answer */
} address_rows[] = {
    {"{\"addresses\":[\"1F2E\",\"aa\"]}", "1F2E=0x1f2e aa=0xaa "},
    {"{\"addresses\":[\"0x1F2E\"]}", "0x1F2E=0x1f2e "},
    {"{\"addresses\":[\"0x0x1f\"]}", "0x0x1f=0x1f "},
    {"{\"addresses\":[{\"value\":\"0xAB\",\"encoding\":\"hex/0x-prefix\"}]}", "0xAB=0xab "},
    {"{\"addresses\":[{\"value\":\"AB\",\"encoding\":\"hex/0x-prefix\"}]}", "AB=0xab "},
    {"{\"addresses\":[{\"value\":\"5AbC\",\"encoding\":\"base58/plain\"}]}", "5AbC=5AbC "},
    {"{\"addresses\":[{\"value\":\"ABCD\",\"encoding\":\"base32/plain\"}]}", "ABCD=ABCD "},
    {"{\"addresses\":[{\"value\":7},null,\"a/b\",\"a b\",\"\",{},[],\"a\\u0000b\"]}", ""},
    {"{\"addresses\":null}", ""},
    {"{\"addresses\":[]}", ""},
    {"{\"addresses\":{}}", NULL},
    {"{}", NULL},
    {"[]", NULL},
    {"null", NULL},
    {"", NULL},
};

START_TEST(addresses_of_every_generation_read_the_same_with_one_0x)
{
    struct mailchain_pairs pairs;
    char got[200] = "";
    int failed = mailchain_read_addresses(address_rows[_i].answer, strlen(address_rows[_i].answer),
                                          &pairs, &err);
    ck_assert_int_eq(failed, address_rows[_i].want == NULL ? -1 : 0);
    size_t size = 0;
    for (size_t i = 0; i < pairs.count && size < sizeof got; i++)
        size += (size_t)snprintf(got + size, sizeof got - size, "%s=%s ", pairs.items[i].first,
                                 pairs.items[i].second);
    ck_assert_str_eq(got, address_rows[_i].want == NULL ? "" : address_rows[_i].want);
    mailchain_pairs_done(&pairs);
}
END_TEST

START_TEST(names_that_lead_elsewhere_are_no_networks)
{
    static const char answer[] =
        "{\"protocols\":[{\"name\":\"ethereum\",\"networks\":[{\"name\":\"mainnet\"},{\"name\":\"a/"
        "b\"},"
        "{\"name\":\"..\\n\"},{\"name\":7},7]},{\"name\":\"x y\",\"networks\":[{\"name\":\"n\"}]},"
        "{\"name\":\"z\"},null]}";
    struct mailchain_pairs pairs;
    ck_assert_int_eq(mailchain_read_networks(answer, sizeof answer - 1, &pairs, &err), 0);
    ck_assert_uint_eq(pairs.count, 1);
    ck_assert_str_eq(pairs.items[0].second, "mainnet");
    mailchain_pairs_done(&pairs);
}
END_TEST

/* {"addresses":["","",...]} of so many values in all, with @text in the first one. */
static char *answer_of(size_t values, const char *first)
{
    static const char head[] = "{\"addresses\":[\"";
    size_t size = sizeof head + strlen(first) + 3 * values;
    char *answer = malloc(size);
    char *at = answer + snprintf(answer, size, "%s%s\"", head, first);
    for (size_t i = 4; i < values; i++, at += 3) /* the object, a name, the list, its first text */
        memcpy(at, ",\"\"", 3);
    memcpy(at, "]}", 3);
    return answer;
}

START_TEST(an_answer_of_more_values_than_may_be_is_not_read)
{
    struct mailchain_pairs pairs;
    for (size_t more = 0; more < 2; more++) {
        char *answer = answer_of(MAILCHAIN_VALUES_MAX + more + 1, "0x1f ,[{: \\\" ,,");
        size_t size = strlen(answer);
        ck_assert(mailchain_read_is_large(answer, size) == (more == 1));
        ck_assert_int_eq(mailchain_read_addresses(answer, size, &pairs, &err), more == 0 ? 0 : -1);
        ck_assert(more == 0 || strstr(err.text, "more than 500000 values") != NULL);
        mailchain_pairs_done(&pairs);
        free(answer);
    }
}
END_TEST

/* Answers that jansson refuses: as a page that may be asked for in pieces, or as none. */
static const struct {
    const char *text;
    bool broken;
} broken_rows[] = {
    {"{\"messages\":[{\"body\":\"\\ud800\"}]}\n", true},
    {" {\"messages\":[{\"body\":\"\xFF\"}]}", true},
    {"{\"messages\":[{\"n\":1e999}]}", true},
    {"{\"messages\":[{\"n\":18446744073709551616}]}", true},
    {"{\"messages\":[{\"\\u0000\":1}]}", true},
    {"{\"messages\":[]}", false},
    {"{\"messages\":[{\"body\":\"", false},
    {"[1e999]", false},
    {"<html>", false},
    {"{", false},
    {"}", false},
    {" \n", false},
    {"", false},
};

START_TEST(what_is_no_json_is_broken_if_it_looks_whole)
{
    const char *text = broken_rows[_i].text;
    size_t size = strlen(text);
    char *exactly = malloc(size + (size == 0));
    ck_assert_ptr_nonnull(exactly);
    memcpy(exactly, text, size);
    ck_assert_int_eq(mailchain_read_is_broken(exactly, size), broken_rows[_i].broken);
    free(exactly);
}
END_TEST

/* ---- Mail ------------------------------------------------------------------------------------ */

static struct mail *read_back(const struct buffer *bytes)
{
    const struct mail_options options = {.attach_html = false};
    struct mail *mail = NULL;
    AUTO(mail_parser) parser = mail_parser_new(&options);
    ck_assert_int_eq(
        mail_parser_feed(parser, (const uint8_t *)buffer_text(bytes), bytes->len, &err), 0);
    ck_assert_int_eq(mail_parser_finish(parser, &mail, &err), 0);
    return mail;
}

static struct span text(const char *of)
{
    return (struct span){(const uint8_t *)of, strlen(of)};
}

static const struct mailchain_mail_options where = {
    .protocol = "ethereum", .network = "mainnet", .address = "0x1f", .now_s = 1600000000};

static void build(const struct mailchain_message *m, struct buffer *out)
{
    char key[MAILCHAIN_KEY_MAX];
    buffer_init(out, 1 << 20);
    ck_assert_int_eq(mailchain_mail_key(m, key), 0);
    ck_assert_int_eq(mailchain_mail_build(m, key, &where, out), 0);
}

START_TEST(the_same_message_makes_the_same_mail_and_what_was_written_is_read)
{
    struct mailchain_page *page = NULL;
    struct mailchain_message m;
    AUTO_DONE(buffer) once, twice;
    ck_assert_int_eq(mailchain_page_read(page_text, sizeof page_text - 1, &page, &err), 0);
    mailchain_page_message(page, 0, &m);
    build(&m, &once);
    build(&m, &twice);
    ck_assert_str_eq(buffer_text(&once), buffer_text(&twice));
    ck_assert_ptr_nonnull(strstr(buffer_text(&once), "Date: Tue, 01 Sep 2020 07:05:00 +0200\r\n"));
    struct mail *mail = read_back(&once);
    ck_assert_str_eq(mail->message_id, "0a1b@mailchain");
    ck_assert_str_eq(mail->subject, "Gr\xC3\xBC\xC3\x9F\x65");
    ck_assert_str_eq(mail->date_sent, "2020-09-01T07:05:00+02:00");
    ck_assert_str_eq(mail->from_list.items[0].address, "0x9a@mainnet.ethereum");
    ck_assert_str_eq(mail->to_list.items[0].name, "Ann");
    ck_assert_ptr_nonnull(mail->html);
    mail_free(mail);
    mailchain_page_free(page);
}
END_TEST

static const struct {
    const char *type;
    bool html;
} type_rows[] = {
    {"text/html", true},         {"\ttext/html", true},      {" TEXT/HTML ;charset=x", true},
    {"\"text/html\"", true},     {"\r\n text/html\r\n", true}, {"text/html5", false},
    {"text/html-x", false},      {"text/htm", false},        {"text/plain; text/html", false},
    {"", false},                 {"text/html(x)", true},
};

START_TEST(html_is_what_says_that_it_is)
{
    const struct mailchain_message m = {.message_id = text("0a"),
                                        .content_type = text(type_rows[_i].type),
                                        .body = text("b")};
    AUTO_DONE(buffer) out;
    build(&m, &out);
    ck_assert_ptr_nonnull(strstr(buffer_text(&out), type_rows[_i].html
                                                        ? "\r\nContent-Type: text/html;"
                                                        : "\r\nContent-Type: text/plain;"));
}
END_TEST

static const struct {
    const char *id, *want; /* NULL: a digest */
} key_rows[] = {
    {"0a1b", "0a1b"},
    {"0a1b@mailchain", "0a1b@mailchain"},
    {"a_b-c.d", "a_b-c.d"},
    {"sha256:00", NULL},
    {"a b", NULL},
    {"a\r\nb", NULL},
    {"\xC3\xA9", NULL},
    {"", NULL},
};

START_TEST(a_key_is_the_id_where_that_is_plain_and_else_a_digest)
{
    const struct mailchain_message m = {.message_id = text(key_rows[_i].id), .body = text("b")};
    char key[MAILCHAIN_KEY_MAX];
    ck_assert_int_eq(mailchain_mail_key(&m, key), 0);
    if (key_rows[_i].want != NULL)
        ck_assert_str_eq(key, key_rows[_i].want);
    else
        ck_assert(strncmp(key, "sha256:", 7) == 0 && strlen(key) == 71);
}
END_TEST

/* Of ids that look alike, and of what is made of ids that cannot stand in a Message-ID. */
static const char *const ids[] = {
    "a", "a@mailchain", "a@MAILCHAIN", "a@mailchain.mailchain", "a@b", "a@b.c", "a@b@c", "a-b-c",
    "a@b-c", "a-b@c", "a@", "@a", "a.", ".a", "a..b", "a.b", "a@.b", "a@b.", "a b", "a\r\nb", "A",
    "sha256-00", "sha256-a", "\xC3\xA9"};

static struct mail *mail_of_id(const char *id)
{
    const struct mailchain_message m = {.message_id = text(id), .body = text("b")};
    AUTO_DONE(buffer) out;
    build(&m, &out);
    return read_back(&out);
}

/* msg-id = "<" dot-atom-text "@" dot-atom-text ">" (RFC 5322 s.3.6.4) */
static bool is_msg_id(const char *id)
{
    size_t ats = 0;
    for (size_t i = 0; id[i] != '\0'; i++) {
        bool edge = i == 0 || id[i - 1] == '.' || id[i - 1] == '@';
        ats += id[i] == '@';
        if ((id[i] == '.' || id[i] == '@') ? edge : strchr("()<>[]:;\\,\" \r\n", id[i]) != NULL)
            return false;
    }
    char last = id[0] == '\0' ? '.' : id[strlen(id) - 1];
    return ats == 1 && last != '.' && last != '@';
}

START_TEST(no_two_ids_have_one_message_id_and_each_is_one_that_may_stand_there)
{
    struct mail *mails[sizeof ids / sizeof ids[0]];
    size_t count = sizeof ids / sizeof ids[0];
    for (size_t i = 0; i < count; i++) {
        mails[i] = mail_of_id(ids[i]);
        ck_assert_msg(is_msg_id(mails[i]->message_id), "%s: %s", ids[i], mails[i]->message_id);
        for (size_t j = 0; j < i; j++)
            ck_assert_msg(!text_equal_nocase(mails[i]->message_id, mails[j]->message_id) ||
                              text_equal_nocase(ids[i], ids[j]),
                          "%s and %s: %s", ids[i], ids[j], mails[i]->message_id);
    }
    ck_assert_str_eq(mails[0]->message_id, "a@mailchain");
    ck_assert_str_eq(mails[5]->message_id, "a@b.c");
    /* an id that another's Message-ID was made to look like */
    struct mail *other = mail_of_id("a b");
    char taken[200];
    text_copy(taken, sizeof taken, other->message_id);
    *strchr(taken, '@') = '\0';
    struct mail *mimic = mail_of_id(taken);
    ck_assert_str_ne(mimic->message_id, other->message_id);
    mail_free(mimic);
    mail_free(other);
    for (size_t i = 0; i < count; i++)
        mail_free(mails[i]);
}
END_TEST

START_TEST(messages_without_an_id_are_told_apart_by_all_they_hold)
{
    struct mailchain_message a = {.subject = text("ab"), .body = text("c")};
    struct mailchain_message b = {.subject = text("a"), .body = text("bc")};
    char first[MAILCHAIN_KEY_MAX], second[MAILCHAIN_KEY_MAX];
    ck_assert_int_eq(mailchain_mail_key(&a, first), 0);
    ck_assert_int_eq(mailchain_mail_key(&b, second), 0);
    ck_assert_str_ne(first, second);
}
END_TEST

static const char *const hostile[] = {"x\r\nBcc: evil@example.org\r\n\r\nbody", "\xC3\x28\xFF",
                                      "=?utf-8?q?x?=", "\"\\", "a,b;c:<d>@e", ""};

START_TEST(nothing_in_a_message_makes_a_field_or_a_line_of_its_own)
{
    struct mailchain_message m = {.from = text(hostile[_i]),
                                  .to = text(hostile[_i]),
                                  .date = text(hostile[_i]),
                                  .message_id = text(hostile[_i]),
                                  .reply_to = text(hostile[_i]),
                                  .subject = text(hostile[_i]),
                                  .content_type = text(hostile[_i]),
                                  .body = text("body"),
                                  .field_count = 2,
                                  .fields = {{"block-id", text(hostile[_i])},
                                             {hostile[_i], text("x")}}};
    AUTO_DONE(buffer) out;
    build(&m, &out);
    const char *head_end = strstr(buffer_text(&out), "\r\n\r\n");
    ck_assert_ptr_nonnull(head_end);
    ck_assert_str_eq(head_end + 4, "body\r\n");
    for (const char *at = buffer_text(&out); at < head_end; at = strstr(at, "\r\n") + 2) {
        ck_assert(at[0] == ' ' || text_starts_nocase(at, "From: ") ||
                  text_starts_nocase(at, "Date: ") || text_starts_nocase(at, "Sender: ") ||
                  text_starts_nocase(at, "To: ") || text_starts_nocase(at, "Reply-To: ") ||
                  text_starts_nocase(at, "Message-ID: ") || text_starts_nocase(at, "Subject: ") ||
                  text_starts_nocase(at, "Mime-Version: ") ||
                  text_starts_nocase(at, "Content-T") || text_starts_nocase(at, "X-Mailchain-"));
        for (const char *c = at; *c != '\r'; c++)
            ck_assert((uint8_t)*c >= 0x20 && (uint8_t)*c < 0x7F);
    }
    if (_i == 2) { /* what looks like an encoded word is read as it was written */
        struct mail *mail = read_back(&out);
        ck_assert_str_eq(mail->subject, hostile[2]);
        mail_free(mail);
    }
}
END_TEST

static char long_word[950], long_text[4000], quotes[802];

/* Texts that are hard to write down within the limits of a line. */
static const struct {
    const char *text;
    bool plain; /* it stands there as it is, folded or not */
} hard[] = {
    {"Hello", true},
    {long_text, true},
    {long_word, false},
    {quotes, true},
    {" a ", false},
    {"a   b", true},
    {"                                                                                           "
     "   x", false},
    {"\xC3\xBC", false},
    {"\xE4\xBD\xA0\xE5\xA5\xBD\xEF\xBC\x8C\xE4\xBD\xA0\xE5\xA5\xBD\xEF\xBC\x8C\xE4\xBD\xA0"
     "\xE5\xA5\xBD\xEF\xBC\x8C\xE4\xBD\xA0\xE5\xA5\xBD\xEF\xBC\x8C", false},
};

static void fill_hard(void)
{
    memset(long_word, 'w', sizeof long_word - 1);
    for (size_t i = 0; i + 1 < sizeof quotes; i++)
        quotes[i] = i % 2 == 1 ? '"' : 'q';
    for (size_t i = 0; i + 1 < sizeof long_text; i++)
        long_text[i] = i % 7 == 3 ? ' ' : 't';
    long_text[sizeof long_text - 2] = 't';
}

/* Each line: not blank, printable, within its limit. */
static void check_lines(const char *head, const char *end)
{
    for (const char *at = head; at < end; at = strstr(at, "\r\n") + 2) {
        size_t size = (size_t)(strstr(at, "\r\n") - at);
        bool words = memmem(at, size, "=?UTF-8?", 8) != NULL;
        ck_assert_msg(size <= (words ? MAILCHAIN_LINE_WORDS : 998), "%zu: %.*s", size, (int)size,
                      at);
        ck_assert(strspn(at, " ") < size);
    }
}

START_TEST(every_text_is_written_within_the_lines_of_a_header_and_read_as_it_was)
{
    char to[5000], from[400];
    fill_hard();
    const char *given = hard[_i].text;
    AUTO_DONE(buffer) quoted, out;
    buffer_init(&quoted, sizeof to);
    for (const char *at = given; *at != '\0'; at++)
        ck_assert_int_eq(buffer_printf(&quoted, "%s%c", *at == '"' ? "\\" : "", *at), 0);
    (void)snprintf(to, sizeof to, "\"%s\" <%0300d@mainnet.ethereum>, <0x1f@mainnet.ethereum>",
                   buffer_text(&quoted), 7);
    (void)snprintf(from, sizeof from, "\"%.20s\" <0x9a@mainnet.ethereum>",
                   given[0] == '"' ? "x" : given);
    const struct mailchain_message m = {
        .from = text(from), .to = text(to), .subject = text(given), .message_id = text("1"),
        .field_count = 1,
        .fields = {{"a-name-of-sixty-bytes-of-which-there-are-few-but-this-is-one", text(given)}}};
    build(&m, &out);
    const char *end = strstr(buffer_text(&out), "\r\n\r\n");
    check_lines(buffer_text(&out), end + 2);
    struct mail *mail = read_back(&out);
    ck_assert_uint_eq(mail->to_list.count, 2);
    if (given[0] != ' ') {
        ck_assert_str_eq(mail->subject, given);
        ck_assert_str_eq(mail->to_list.items[0].name, given);
    }
    ck_assert((strstr(buffer_text(&out), "Subject: =?") == NULL &&
               strstr(buffer_text(&out), "Subject: \r\n =?") == NULL) == hard[_i].plain);
    mail_free(mail);
}
END_TEST

static const struct {
    const char *from, *date; /* NULL: not given */
    const char *want_from, *want_date;
} missing[] = {
    {NULL, NULL, "From: \"unknown sender\" <unknown@mailchain.invalid>\r\n",
     "Date: Sun, 13 Sep 2020 12:26:40 +0000 (picked up)\r\n"},
    {"nobody", "yesterday", "From: \"nobody\" <unknown@mailchain.invalid>\r\n", "(picked up)\r\n"},
    {"undisclosed:;", "0001-01-01T00:00:00Z",
     "From: \"undisclosed:;\" <unknown@mailchain.invalid>\r\n", "(picked up)\r\n"},
    {"<a@b@c>", "2020-09-01T07:05:00Z", "<unknown@mailchain.invalid>\r\n",
     "Date: Tue, 01 Sep 2020 07:05:00 +0000\r\n"},
    {"<.a@b>", "2020-09-01T07:05:00Z", "<unknown@mailchain.invalid>\r\n", "+0000\r\n"},
    {"<a..b@c>", "2020-09-01T07:05:00Z", "<unknown@mailchain.invalid>\r\n", "+0000\r\n"},
    {"<a.@b>", "2020-09-01T07:05:00Z", "<unknown@mailchain.invalid>\r\n", "+0000\r\n"},
    {"<a@b.>", "2020-09-01T07:05:00Z", "<unknown@mailchain.invalid>\r\n", "+0000\r\n"},
    {"<a@b>, <c@d>", "2020-09-01T07:05:00Z", "From: <a@b>,\r\n <c@d>\r\nSender: <a@b>\r\n",
     "+0000\r\n"},
    {"<0x9a.b@mainnet.ethereum>", "1970-01-01T00:00:00-05:00",
     "From: <0x9a.b@mainnet.ethereum>\r\n", "Date: Thu, 01 Jan 1970 00:00:00 -0500\r\n"},
};

START_TEST(what_a_mail_must_have_is_there_and_tells_no_more_than_is_known)
{
    struct mailchain_message m = {.body = text("b")};
    AUTO_DONE(buffer) out;
    if (missing[_i].from != NULL)
        m.from = text(missing[_i].from);
    if (missing[_i].date != NULL)
        m.date = text(missing[_i].date);
    build(&m, &out);
    const char *head = buffer_text(&out);
    ck_assert_msg(strstr(head, missing[_i].want_from) != NULL, "%s", head);
    ck_assert_msg(strstr(head, missing[_i].want_date) != NULL, "%s", head);
    ck_assert_ptr_nonnull(strstr(head, "To: <0x1f@mainnet.ethereum>\r\n"));
    ck_assert_ptr_nonnull(strstr(head, "\r\nFrom: "));
    if (missing[_i].from != NULL) { /* what came stands there as well */
        ck_assert_ptr_nonnull(strstr(head, "X-Mailchain-From: "));
        ck_assert_ptr_nonnull(strstr(head, "X-Mailchain-Date: "));
    }
    struct mail *mail = read_back(&out);
    ck_assert_ptr_nonnull(mail->date_sent);
    ck_assert_uint_eq(mail->problems.count, 0);
    mail_free(mail);
}
END_TEST

START_TEST(a_body_is_encoded_only_as_far_as_it_must_be)
{
    static const struct {
        const char *body;
        enum mailchain_encoding encoding;
        const char *want;
    } rows[] = {
        {"a\nb\r\nc\rd", MAILCHAIN_7BIT, "a\r\nb\r\nc\r\nd\r\n"},
        {"", MAILCHAIN_7BIT, ""},
        {"100% = gr\xC3\xBCn und ", MAILCHAIN_QUOTED, "100% =3D gr=C3=BCn und=20\r\n"},
        {"\x01", MAILCHAIN_QUOTED, "=01\r\n"},
        {"\xE4\xBD\xA0", MAILCHAIN_BASE64, "5L2gDQo=\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO_DONE(buffer) out;
        buffer_init(&out, 1000);
        ck_assert_int_eq(mailchain_text_encoding(text(rows[i].body)), rows[i].encoding);
        ck_assert_int_eq(mailchain_text_body(&out, text(rows[i].body), rows[i].encoding), 0);
        ck_assert_str_eq(buffer_text(&out), rows[i].want);
    }
}
END_TEST

/* ---- The rest -------------------------------------------------------------------------------- */

START_TEST(a_url_and_a_port_become_one_address)
{
    static const struct {
        const char *connection, *base; /* NULL: refused */
    } rows[] = {{"", "http://127.0.0.1:8080/api"},
                {"url=http://h:81/api/", "http://h:81/api"},
                {"url=https://h", "https://h:8080/api"},
                {"url=[::1];port=9;ssl=True", "https://[::1]:9/api"},
                {"url=::1", "http://[::1]:8080/api"},
                {"url=h/x", NULL},
                {"url=http://u@h", NULL},
                {"url=http://h:0", NULL},
                {"url=h:1", "http://h:1/api"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO(mailchain_settings) s = NULL;
        int failed = mailchain_settings_read(rows[i].connection, &s, &err);
        ck_assert_msg(failed == (rows[i].base == NULL ? -1 : 0), "%s", rows[i].connection);
        if (s != NULL)
            ck_assert_str_eq(s->base, rows[i].base);
    }
}
END_TEST

START_TEST(what_fails_rests_twice_as_long_each_time_and_an_answer_ends_it)
{
    struct mailchain_troubles t = {0};
    uint64_t now = 1000, poll = 60000;
    ck_assert(!mailchain_trouble_rests(&t, "a", now));
    for (unsigned i = 0; i < 10; i++) {
        uint64_t rest = poll << i < MAILCHAIN_REST_MAX_MS ? poll << i : MAILCHAIN_REST_MAX_MS;
        ck_assert_int_eq(mailchain_trouble_failed(&t, "a", now, poll, 0), 0);
        ck_assert(mailchain_trouble_rests(&t, "a", now + rest - 1));
        ck_assert(!mailchain_trouble_rests(&t, "a", now + rest));
        ck_assert(!mailchain_trouble_rests(&t, "b", now));
        now += rest;
    }
    mailchain_trouble_over(&t, "a");
    ck_assert(!mailchain_trouble_rests(&t, "a", now));
    ck_assert_int_eq(mailchain_trouble_failed(&t, "b", now, poll, 7 * poll), 0); /* as it asks */
    ck_assert(mailchain_trouble_rests(&t, "b", now + 7 * poll - 1));
    ck_assert(!mailchain_trouble_rests(&t, "b", now + 7 * poll));
    mailchain_troubles_done(&t);
}
END_TEST

/* ---- Who may not reach this machine -----------------------------------------------------------
 */

START_TEST(no_client_is_asked_for_those_who_may_not_reach_this_machine)
{
    static const char *const urls[] = {"127.0.0.1", "localhost", "[::1]", "192.168.0.1", "10.0.0.1",
                                       "example.org", "8.8.8.8"};
    void *library = dlopen("../loader/.libs/mailchain.so", RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(library != NULL, "%s", dlerror());
    loader_plugin_function *function;
    *(void **)&function = dlsym(library, LOADER_PLUGIN_SYMBOL);
    const struct loader_host host = {.struct_size = sizeof host, .api_version = LOADER_API_VERSION};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        char connection[64];
        void *handle = NULL;
        struct loader_error why = {.struct_size = sizeof why};
        (void)snprintf(connection, sizeof connection, "url=%s;ssl=True", urls[i]);
        struct loader_settings settings = {.struct_size = sizeof settings,
                                           .connection = connection};
        ck_assert_msg(function()->open(&host, &settings, &handle, &why) == 0, "%s", why.text);
        function()->close(handle);
        settings.flags = LOADER_GUARDED;
        ck_assert_int_eq(function()->open(&host, &settings, &handle, &why), -1);
        ck_assert_uint_eq(why.error_class, LOADER_ERROR_USAGE);
        ck_assert_ptr_nonnull(strstr(why.text, "not trusted"));
    }
}
END_TEST

static Suite *suite(void)
{
    const TTest *const tests[] = {
        an_answer_cut_anywhere_is_no_answer,
        a_message_has_its_members_and_all_others_as_fields,
        names_that_lead_elsewhere_are_no_networks,
        an_answer_of_more_values_than_may_be_is_not_read,
        the_same_message_makes_the_same_mail_and_what_was_written_is_read,
        no_two_ids_have_one_message_id_and_each_is_one_that_may_stand_there,
        messages_without_an_id_are_told_apart_by_all_they_hold,
        a_body_is_encoded_only_as_far_as_it_must_be,
        a_url_and_a_port_become_one_address,
        what_fails_rests_twice_as_long_each_time_and_an_answer_ends_it,
        no_client_is_asked_for_those_who_may_not_reach_this_machine,
    };
    Suite *s = suite_create("mailchain");
    TCase *all = tcase_create("mailchain");
    tcase_set_timeout(all, 60);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(all, tests[i]);
    tcase_add_loop_test(all, addresses_of_every_generation_read_the_same_with_one_0x, 0,
                        sizeof address_rows / sizeof address_rows[0]);
    tcase_add_loop_test(all, what_is_no_json_is_broken_if_it_looks_whole, 0,
                        sizeof broken_rows / sizeof broken_rows[0]);
    tcase_add_loop_test(all, html_is_what_says_that_it_is, 0,
                        sizeof type_rows / sizeof type_rows[0]);
    tcase_add_loop_test(all, a_key_is_the_id_where_that_is_plain_and_else_a_digest, 0,
                        sizeof key_rows / sizeof key_rows[0]);
    tcase_add_loop_test(all, every_text_is_written_within_the_lines_of_a_header_and_read_as_it_was,
                        0, sizeof hard / sizeof hard[0]);
    tcase_add_loop_test(all, what_a_mail_must_have_is_there_and_tells_no_more_than_is_known, 0,
                        sizeof missing / sizeof missing[0]);
    tcase_add_loop_test(all, nothing_in_a_message_makes_a_field_or_a_line_of_its_own, 0,
                        sizeof hostile / sizeof hostile[0]);
    suite_add_tcase(s, all);
    return s;
}

CHECK_MAIN(suite)
