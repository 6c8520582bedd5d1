/* SPDX-License-Identifier: Apache-2.0 */
/* host-entry-test.c - promises of the entry as JSON: every key, in its order, valid text always. */
#include <config.h>
#include "check-main.h"

#include <string.h>

#include "entry.h"
#include "json-line.h"
#include "render.h"

static struct error err;

static const struct loader_address froms[] = {{"Ann Lee", "ann@example.org"}};
static const struct loader_address tos[] = {{NULL, "bob@example.org"}, {"Nobody", NULL}};
static const char *const references[] = {"a@x", "b@x"};
static const char *const problems[] = {"charset 'foo' unknown, read as windows-1252"};
static const struct loader_attachment attachments[] = {
    {"report.pdf", "application/pdf", "attachment", NULL, 1234, {0xAB, 0xCD}},
    {"logo.png", "image/png", "inline", "logo@x", 0, {0}}};

static const struct loader_mail whole = {
    .struct_size = sizeof whole,
    .flags = LOADER_MAIL_AUTO | LOADER_MAIL_SIGNED,
    .sender = "Ann Lee <ann@example.org>",
    .recipient = "bob@example.org; Nobody",
    .from_list = {froms, 1},
    .to_list = {tos, 2},
    .subject = "Gr\xC3\xBC\xC3\x9F" "e",
    .date_sent = "2026-03-01T12:00:00+01:00",
    .date_received = "2026-03-01T11:00:05Z",
    .message_id = "1@x",
    .references = {references, 2},
    .message_body = "line 1\nline \"2\"\n",
    .attachments = attachments,
    .attachment_count = 2,
    .problems = {problems, 1},
};

static const struct loader_item item = {
    .struct_size = sizeof item,
    .token = 1,
    .item_class = "Mail",
    .origin = {"ann@mail.example.org", "INBOX", 7, 42, NULL},
    .mail = &whole,
    .raw_bytes = (const uint8_t *)"x",
    .raw_size = 5000,
    .raw_fd = -1,
    .raw_sha256 = {1, 2, 3},
};

#define ZEROS_29 "0000000000000000000000000000000000000000000000000000000000"

static void assert_json(const json_t *value, const char *want)
{
    struct buffer out;
    buffer_init(&out, 1u << 20);
    ck_assert_int_eq(json_line_append(&out, value), 0);
    ck_assert_str_eq(buffer_text(&out), want);
    buffer_done(&out);
}

START_TEST(an_entry_has_every_key_in_the_agreed_order)
{
    struct entry_envelope envelope = {.id = "0f-1", .queue = "default", .source = "imap",
                                      .created = "2026-03-01T11:00:06Z", .loader = "imap",
                                      .key = "imap:k"};
    AUTO_JSON entry = NULL;
    ck_assert_int_eq(entry_from_item(&item, &envelope, &entry, &err), 0);
    assert_json(
        entry,
        "{\"id\":\"0f-1\",\"class\":\"Mail\",\"queue\":\"default\",\"source\":\"imap\","
        "\"state\":\"new\",\"error\":null,\"attempts\":0,\"created\":\"2026-03-01T11:00:06Z\","
        "\"origin\":{\"loader\":\"imap\",\"account\":\"ann@mail.example.org\",\"mailbox\":"
        "\"INBOX\","
        "\"uidvalidity\":7,\"uid\":42,\"key\":\"imap:k\"},"
        "\"sender\":\"Ann Lee <ann@example.org>\",\"recipient\":\"bob@example.org; Nobody\","
        "\"cc\":null,\"bcc\":null,"
        "\"addresses\":{\"from\":[{\"name\":\"Ann Lee\",\"address\":\"ann@example.org\"}],"
        "\"to\":[{\"name\":null,\"address\":\"bob@example.org\"},"
        "{\"name\":\"Nobody\",\"address\":null}],\"cc\":[],\"bcc\":[],\"reply_to\":[]},"
        "\"subject\":\"Gr\xC3\xBC\xC3\x9F"
        "e\",\"date_sent\":\"2026-03-01T12:00:00+01:00\","
        "\"date_received\":\"2026-03-01T11:00:05Z\",\"message_id\":\"1@x\",\"in_reply_to\":null,"
        "\"references\":[\"a@x\",\"b@x\"],\"message_body\":\"line 1\\nline \\\"2\\\"\\n\","
        "\"html\":null,"
        "\"attachments\":[{\"ordinal\":1,\"filename\":\"report.pdf\","
        "\"content_type\":\"application/pdf\",\"disposition\":\"attachment\",\"content_id\":null,"
        "\"size\":1234,\"sha256\":\"abcd00" ZEROS_29 "\"},"
        "{\"ordinal\":2,\"filename\":\"logo.png\",\"content_type\":\"image/png\","
        "\"disposition\":\"inline\",\"content_id\":\"logo@x\",\"size\":0,"
        "\"sha256\":\"000000" ZEROS_29 "\"}],"
        "\"raw\":{\"size\":5000,\"sha256\":\"010203" ZEROS_29 "\"},"
        "\"flags\":{\"auto\":true,\"bounce\":false,\"list\":false,\"signed\":true,"
        "\"encrypted\":false},"
        "\"problems\":[\"charset 'foo' unknown, read as windows-1252\"]}");
}
END_TEST

START_TEST(a_bad_item_without_mail_has_every_key_too)
{
    static const struct loader_item bad = {.struct_size = sizeof bad,
                                           .token = 1,
                                           .item_class = "Mail",
                                           .origin = {"a@h", "INBOX", 7, 43, NULL},
                                           .error = "larger than maxSize",
                                           .raw_size = 99999999,
                                           .raw_fd = -1};
    struct entry_envelope envelope = {.file = "x.eml", .loader = "imap"};
    AUTO_JSON entry = NULL;
    ck_assert_int_eq(entry_from_item(&bad, &envelope, &entry, &err), 0);
    assert_json(entry,
        "{\"file\":\"x.eml\",\"id\":null,\"class\":\"Mail\",\"queue\":null,\"source\":null,"
        "\"state\":\"bad\",\"error\":\"larger than maxSize\",\"attempts\":0,\"created\":null,"
        "\"origin\":{\"loader\":\"imap\",\"account\":\"a@h\",\"mailbox\":\"INBOX\","
        "\"uidvalidity\":7,\"uid\":43,\"key\":null},"
        "\"sender\":null,\"recipient\":null,\"cc\":null,\"bcc\":null,"
        "\"addresses\":{\"from\":[],\"to\":[],\"cc\":[],\"bcc\":[],\"reply_to\":[]},"
        "\"subject\":null,\"date_sent\":null,\"date_received\":null,\"message_id\":null,"
        "\"in_reply_to\":null,\"references\":[],\"message_body\":null,\"html\":null,"
        "\"attachments\":[],\"raw\":{\"size\":99999999,\"sha256\":null},"
        "\"flags\":{\"auto\":false,\"bounce\":false,\"list\":false,\"signed\":false,"
        "\"encrypted\":false},\"problems\":[]}");
}
END_TEST

START_TEST(what_comes_out_of_the_queue_is_what_went_in)
{
    struct buffer content;
    buffer_init(&content, QUEUE_CONTENT_MAX);
    ck_assert_int_eq(entry_content_text(&item, &content, &err), 0);
    struct queue_entry stored = {.id = "0f-1",
                                 .class = (char[]){"Mail"},
                                 .queue = (char[]){"default"},
                                 .source = (char[]){"imap"},
                                 .created_s = 1772362806,
                                 .loader = (char[]){"imap"},
                                 .account = (char[]){"ann@mail.example.org"},
                                 .mailbox = (char[]){"INBOX"},
                                 .uidvalidity = 7,
                                 .uid = 42,
                                 .content = content.data,
                                 .content_size = content.len,
                                 .has_raw = true,
                                 .raw_size = 5000,
                                 .raw_sha256 = {1, 2, 3}};
    struct entry_envelope envelope = {.id = "0f-1", .queue = "default", .source = "imap",
                                      .created = "2026-03-01T11:00:06Z", .loader = "imap",
                                      .key = "imap:ann@mail.example.org:7:42:INBOX"};
    AUTO_JSON before = NULL;
    AUTO_JSON after = NULL;
    ck_assert_int_eq(entry_from_item(&item, &envelope, &before, &err), 0);
    ck_assert_int_eq(entry_from_queue(&stored, &after, &err), 0);
    struct buffer want;
    buffer_init(&want, 1u << 20);
    ck_assert_int_eq(json_line_append(&want, before), 0);
    assert_json(after, buffer_text(&want));
    buffer_done(&want);
    buffer_done(&content);
}
END_TEST

START_TEST(content_that_is_no_json_is_an_error_and_no_crash)
{
    static const char *const contents[] = {"", "{", "nonsense", "{\"a\":\"\xFF\"}"};
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        struct queue_entry stored = {.id = "0f-1", .content = strdup(contents[i]),
                                     .content_size = strlen(contents[i])};
        AUTO_JSON entry = NULL;
        ck_assert_int_eq(entry_from_queue(&stored, &entry, &err), -1);
        ck_assert_int_eq(err.class, ERROR_STORE);
        free(stored.content);
    }
}
END_TEST

static const struct {
    const char *text, *json;
} texts[] = {
    {NULL, "null"},
    {"", "\"\""},
    {"\b\f\r\x1F", "\"\\b\\f\\r\\u001F\""},
    {"a\"\\\n\t\x01", "\"a\\\"\\\\\\n\\t\\u0001\""},
    {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\""},
    {"a\xFF" "b", "\"a\xEF\xBF\xBD" "b\""},
    {"\xC3", "\"\xEF\xBF\xBD\""},
    {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {"x\x7Fy", "\"x\\u007fy\""},
    {"a\xC2\x85z", "\"a\\u0085z\""},
    {"a\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA", "\"a\\u2028\\u2029\xE2\x80\xAA\""},
    {"x\xC2\x9B" "31m\xC2\xA0", "\"x\\u009b31m\xC2\xA0\""},
};

START_TEST(text_is_valid_and_harmless_whatever_comes_in)
{
    AUTO_JSON value = json_line_text(texts[_i].text);
    ck_assert_ptr_nonnull(value);
    assert_json(value, texts[_i].json);
}
END_TEST

/* Between the quotes, however small the pieces. */
START_TEST(text_in_pieces_is_the_same_text)
{
    for (size_t most = 1; texts[_i].text != NULL && most < 8; most++) {
        struct buffer pieces;
        buffer_init(&pieces, 1000);
        buffer_append_byte(&pieces, '"');
        const char *at = texts[_i].text;
        for (size_t left = strlen(at), done; left > 0; at += done, left -= done)
            ck_assert_int_eq(json_line_write_piece(&pieces, at, left, most, &done), 0);
        buffer_append_byte(&pieces, '"');
        ck_assert_str_eq(buffer_text(&pieces), texts[_i].json);
        buffer_done(&pieces);
    }
}
END_TEST

/* Runs of plain bytes are passed eight at a time: at every place among them each byte is written as
 * it is alone. */
START_TEST(a_byte_is_written_the_same_wherever_it_stands)
{
    static const char plain[] = "abcdefghijklmnopqrs";
    for (unsigned byte = 1; byte < 0x100; byte++) {
        struct buffer alone;
        size_t done;
        const char one[] = {(char)byte, '\0'};
        buffer_init(&alone, 1000);
        ck_assert_int_eq(json_line_write_piece(&alone, one, 1, 1, &done), 0);
        for (size_t at = 0; at < sizeof plain - 1; at++) {
            struct buffer got, want;
            char text[sizeof plain];
            memcpy(text, plain, sizeof plain);
            text[at] = (char)byte;
            buffer_init(&got, 1000);
            buffer_init(&want, 1000);
            ck_assert_int_eq(json_line_write_piece(&got, text, sizeof plain - 1, 1000, &done), 0);
            ck_assert_int_eq(buffer_append(&want, plain, at), 0);
            ck_assert_int_eq(buffer_append_text(&want, buffer_text(&alone)), 0);
            ck_assert_int_eq(buffer_append_text(&want, plain + at + 1), 0);
            ck_assert_str_eq(buffer_text(&got), buffer_text(&want));
            buffer_done(&got);
            buffer_done(&want);
        }
        buffer_done(&alone);
    }
}
END_TEST

struct taken {
    struct buffer line;
    size_t largest, calls, fails_at;
};

static int take(const struct buffer *piece, void *context, struct error *why)
{
    struct taken *taken = context;
    taken->largest = piece->len > taken->largest ? piece->len : taken->largest;
    if (++taken->calls == taken->fails_at)
        return error_set(why, ERROR_STORE, "the disk is full");
    return buffer_append(&taken->line, buffer_text(piece), piece->len);
}

START_TEST(an_entry_of_any_size_is_written_in_small_pieces)
{
    enum { LONG = 3000000 };
    struct buffer text;
    buffer_init(&text, LONG + 10);
    while (text.len < LONG)
        buffer_append_text(&text, "\xE2\x82\xAC\"\x01");
    struct loader_mail mail = whole;
    mail.message_body = mail.html = buffer_text(&text);
    struct loader_item large = item;
    large.mail = &mail;
    struct entry_envelope envelope = {.id = "0f-1"};
    struct taken taken = {.fails_at = 0};
    buffer_init(&taken.line, 64u << 20);
    ck_assert_int_eq(entry_write_item(&large, &envelope, take, &taken, &err), 0);
    ck_assert_uint_lt(taken.largest, 1u << 20);
    AUTO_JSON entry = json_loadb(taken.line.data, taken.line.len, 0, NULL);
    ck_assert_str_eq(render_text(entry, "html"), mail.html);
    ck_assert_str_eq(render_text(entry, "message_body"), mail.html);
    ck_assert_int_eq(taken.line.data[taken.line.len - 1], '\n');
    buffer_done(&taken.line);
    buffer_done(&text);
}
END_TEST

START_TEST(who_takes_no_more_of_an_entry_says_why)
{
    struct entry_envelope envelope = {.id = "0f-1"};
    struct taken taken = {.fails_at = 1};
    ck_assert_int_eq(entry_write_item(&item, &envelope, take, &taken, &err), -1);
    ck_assert_int_eq(err.class, ERROR_STORE);
    ck_assert_str_eq(err.text, "the disk is full");
    buffer_done(&taken.line);
}
END_TEST

static void assert_problem(const struct buffer *content, size_t count)
{
    AUTO_JSON value = json_loadb(content->data, content->len, 0, NULL);
    ck_assert_uint_eq(json_array_size(json_object_get(value, "problems")), count);
    ck_assert(json_is_null(json_object_get(value, "html")));
}

START_TEST(content_too_large_loses_its_html_first_then_its_text_and_says_so)
{
    enum { LONG = 1000 };
    char text[LONG + 1];
    memset(text, 'x', LONG);
    text[LONG] = '\0';
    struct loader_mail mail = {.struct_size = sizeof mail, .message_body = text, .html = text};
    struct loader_item large = item;
    large.mail = &mail;
    struct buffer content;
    buffer_init(&content, 2000);
    ck_assert_int_eq(entry_content_text(&large, &content, &err), 0);
    assert_problem(&content, 1);
    buffer_done(&content);
    buffer_init(&content, 1000);
    ck_assert_int_eq(entry_content_text(&large, &content, &err), 0);
    assert_problem(&content, 2);
    buffer_done(&content);
    buffer_init(&content, 100);
    ck_assert_int_eq(entry_content_text(&large, &content, &err), -1);
    ck_assert_int_eq(err.class, ERROR_MAIL);
    buffer_done(&content);
}
END_TEST

START_TEST(an_entry_for_people_has_nothing_that_steers_a_terminal)
{
    struct loader_mail mail = whole;
    struct loader_item evil = item;
    evil.mail = &mail;
    mail.subject = "\x1b]0;owned\x07";
    mail.message_body = "one\r\ntwo\x1b[2J\tthree";
    struct entry_envelope envelope = {.id = "0f-1"};
    AUTO_JSON entry = NULL;
    ck_assert_int_eq(entry_from_item(&evil, &envelope, &entry, &err), 0);
    struct buffer out;
    buffer_init(&out, 65536);
    ck_assert_int_eq(render_append_entry(&out, entry), 0);
    ck_assert_ptr_null(strchr(buffer_text(&out), '\x1b'));
    ck_assert_ptr_nonnull(strstr(buffer_text(&out), "one\ntwo\\x1B[2J\tthree\n"));
    ck_assert_ptr_nonnull(strstr(buffer_text(&out), "report.pdf  application/pdf  1.2 kB\n"));
    buffer_done(&out);
}
END_TEST

START_TEST(text_shown_in_pieces_is_the_same_text)
{
    static const char text[] = "one\r\ntwo\x1b[2J\tthr\xC3\xA9\xE2\x82\xAC\r\n\r\n\rx\x9B";
    for (size_t most = 4; most < sizeof text; most++) {
        struct buffer out;
        buffer_init(&out, 1000);
        const char *at = text;
        while (*at != '\0')
            ck_assert_int_eq(render_append_text(&out, &at, most), 0);
        ck_assert_str_eq(buffer_text(&out),
                         "one\ntwo\\x1B[2J\tthr\xC3\xA9\xE2\x82\xAC\n\n\\x0Dx\\x9B");
        buffer_done(&out);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("entry");
    TCase *cases = tcase_create("entry");
    tcase_add_test(cases, an_entry_has_every_key_in_the_agreed_order);
    tcase_add_test(cases, a_bad_item_without_mail_has_every_key_too);
    tcase_add_test(cases, what_comes_out_of_the_queue_is_what_went_in);
    tcase_add_test(cases, content_that_is_no_json_is_an_error_and_no_crash);
    tcase_add_loop_test(cases, text_is_valid_and_harmless_whatever_comes_in, 0,
                        (int)(sizeof texts / sizeof texts[0]));
    tcase_add_test(cases, a_byte_is_written_the_same_wherever_it_stands);
    tcase_add_loop_test(cases, text_in_pieces_is_the_same_text, 0,
                        (int)(sizeof texts / sizeof texts[0]));
    tcase_add_test(cases, an_entry_of_any_size_is_written_in_small_pieces);
    tcase_add_test(cases, who_takes_no_more_of_an_entry_says_why);
    tcase_add_test(cases, content_too_large_loses_its_html_first_then_its_text_and_says_so);
    tcase_add_test(cases, an_entry_for_people_has_nothing_that_steers_a_terminal);
    tcase_add_test(cases, text_shown_in_pieces_is_the_same_text);
    suite_add_tcase(all, cases);
    return all;
}

CHECK_MAIN(suite)
