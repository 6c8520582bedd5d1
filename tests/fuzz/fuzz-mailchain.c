/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-mailchain.c - any bytes as an answer of a Mailchain client: names are sound and within their
 * limits; each message that is ready makes the same mail each time, whose lines are within their
 * limits, whose fields are its own and no stranger's, and whose body reads as it was written; work
 * is in proportion.
 *
 * The first byte of the input tells what was asked for: 0 messages, 1 networks, 2 addresses, 3 what
 * is shown to people, 4 messages, and mail with a footer. */
#include <config.h>
#include "oracle.h"

#include <stdlib.h>
#include <string.h>

#include "mailchain-api.h"
#include "mailchain-mail.h"
#include "mailchain-text.h"
#include "mime-decode.h"
#include "text.h"

#define LINE_MAX_SENT 998u /* RFC 5322 s.2.1.1 */
#define SHOWN 64u

/* ---- Names ----------------------------------------------------------------------------------- */

static void check_name(const char *name, size_t max)
{
    oracle_line(name, max);
    MUST(name != NULL && name[0] != '\0' && strpbrk(name, " /") == NULL);
}

static void check_pairs(struct mailchain_pairs *pairs, size_t most)
{
    MUST(pairs->count <= most);
    for (size_t i = 0; i < pairs->count; i++) {
        check_name(pairs->items[i].first, MAILCHAIN_NAME_MAX);
        check_name(pairs->items[i].second, MAILCHAIN_NAME_MAX + 2);
    }
    mailchain_pairs_done(pairs);
}

static void check_networks(const uint8_t *data, size_t size)
{
    struct mailchain_pairs pairs;
    struct error err = {0};
    if (mailchain_read_networks(data, size, &pairs, &err) < 0)
        MUST(err.class == ERROR_PROTOCOL);
    check_pairs(&pairs, MAILCHAIN_NETWORKS_MAX);
}

static void check_addresses(const uint8_t *data, size_t size)
{
    struct mailchain_pairs pairs;
    struct error err = {0};
    if (mailchain_read_addresses(data, size, &pairs, &err) < 0)
        MUST(err.class == ERROR_PROTOCOL);
    check_pairs(&pairs, MAILCHAIN_ADDRESSES_MAX);
}

static void check_shown(const uint8_t *data, size_t size)
{
    char text[SHOWN];
    mailchain_read_error(data, size, text, sizeof text);
    oracle_line(text, sizeof text - 1);
    mailchain_read_version(data, size, text, sizeof text);
    oracle_line(text, sizeof text - 1);
}

/* ---- The mail -------------------------------------------------------------------------------- */

/* Fields that a mail has once at most; all others are Mailchain's. */
static const char *const fields[] = {"Date: ", "From: ", "To: ", "Message-ID: ", "MIME-Version: ",
                                     "Content-Type: ", "Content-Transfer-Encoding: ", "Reply-To: ",
                                     "Sender: ", "Subject: "};
#define FIELDS (sizeof fields / sizeof fields[0])
#define FIELDS_NEEDED 7u /* the first of them */

/* The next line, without its end; false when none ends. */
static bool take_line(struct span *rest, struct span *out_line)
{
    const uint8_t *end = memmem(rest->bytes, rest->len, "\r\n", 2);
    if (end == NULL)
        return false;
    *out_line = (struct span){rest->bytes, (size_t)(end - rest->bytes)};
    *rest = (struct span){end + 2, rest->len - out_line->len - 2};
    MUST(out_line->len <= LINE_MAX_SENT);
    MUST(memchr(out_line->bytes, '\r', out_line->len) == NULL);
    MUST(memchr(out_line->bytes, '\n', out_line->len) == NULL);
    return true;
}

static bool begins(struct span line, const char *text)
{
    return line.len >= strlen(text) && memcmp(line.bytes, text, strlen(text)) == 0;
}

static void check_field(struct span line, unsigned seen[FIELDS])
{
    if (line.bytes[0] == ' ') /* folded */
        return;
    for (size_t i = 0; i < FIELDS; i++)
        if (begins(line, fields[i])) {
            MUST(seen[i]++ == 0);
            return;
        }
    MUST(begins(line, "X-Mailchain-"));
    MUST(memmem(line.bytes, line.len, ": ", 2) != NULL);
}

/* The transfer encoding of the mail, whose header *mail moves behind. */
static enum mime_encoding check_header(struct span *mail)
{
    unsigned seen[FIELDS] = {0};
    enum mime_encoding encoding = MIME_UUENCODE; /* none was named */
    static const char name[] = "Content-Transfer-Encoding: ";
    struct span line = {NULL, 1}; /* none is no empty one */
    while (take_line(mail, &line) && line.len > 0) {
        bool known, blank = true;
        for (size_t i = 0; i < line.len; i++)
            blank = blank && line.bytes[i] == ' ';
        MUST(!blank); /* RFC 5322 s.3.2.2 */
        MUST(memmem(line.bytes, line.len, "=?", 2) == NULL || line.len <= MAILCHAIN_LINE_WORDS);
        for (size_t i = 0; i < line.len; i++)
            MUST(line.bytes[i] >= 0x20 && line.bytes[i] <= 0x7E);
        check_field(line, seen);
        if (begins(line, name))
            encoding = mime_encoding_named(line.bytes + sizeof name - 1,
                                           line.len - (sizeof name - 1), &known);
    }
    MUST(line.len == 0 && encoding != MIME_UUENCODE);
    for (size_t i = 0; i < FIELDS_NEEDED; i++)
        MUST(seen[i] == 1);
    return encoding;
}

/* A body as it is to arrive: each line, whatever ended it, ends in CR LF. */
static void append_lines(struct buffer *out, struct span body)
{
    for (size_t i = 0; i < body.len; i++) {
        bool pair = body.bytes[i] == '\r' && i + 1 < body.len && body.bytes[i + 1] == '\n';
        if (body.bytes[i] == '\r' || body.bytes[i] == '\n')
            MUST(buffer_append_text(out, "\r\n") == 0);
        else
            MUST(buffer_append_byte(out, body.bytes[i]) == 0);
        i += pair;
    }
    if (body.len > 0 && body.bytes[body.len - 1] != '\r' && body.bytes[body.len - 1] != '\n')
        MUST(buffer_append_text(out, "\r\n") == 0);
}

static void check_body(struct span sent, enum mime_encoding encoding, struct span body, bool footer)
{
    struct mime_decoder decoder;
    struct buffer wanted;
    uint8_t *room = malloc(sent.len + 2 * MIME_DECODE_PENDING);
    MUST(room != NULL);
    mime_decoder_init(&decoder, encoding);
    size_t made = mime_decoder_feed(&decoder, sent.bytes, sent.len, room);
    made += mime_decoder_finish(&decoder, room + made);
    MUST(mime_decoder_problem(&decoder) == NULL);
    buffer_init(&wanted, ORACLE_LOG_MAX);
    append_lines(&wanted, body);
    size_t same = footer && wanted.len >= 2 ? wanted.len - 2 : wanted.len;
    MUST(footer ? made > wanted.len : made == wanted.len);
    MUST(same == 0 || memcmp(room, buffer_text(&wanted), same) == 0);
    buffer_done(&wanted);
    free(room);
}

static void check_lines(struct span rest)
{
    struct span line;
    while (take_line(&rest, &line))
        ;
    MUST(rest.len == 0);
}

/* It is read like any other mail, under the name that it was given. */
static void check_read(struct span mail, const char *key)
{
    struct error err = {0};
    struct mail *read = NULL;
    struct mail_parser *parser = mail_parser_new(&(struct mail_options){.sanitize = false});
    MUST(parser != NULL);
    MUST(mail_parser_feed(parser, mail.bytes, mail.len, &err) == 0);
    MUST(mail_parser_finish(parser, &read, &err) == 0);
    oracle_problems(&read->problems);
    oracle_text(read->message_body, MAIL_TEXT_MAX);
    MUST(read->message_id != NULL && strchr(read->message_id, '@') != NULL);
    MUST(strncmp(read->message_id, "sha256-", 7) == 0 ||
         strncmp(read->message_id, key, strcspn(key, "@")) == 0);
    mail_free(read);
    mail_parser_free(parser);
}

static void check_key(const char *key)
{
    oracle_line(key, MAILCHAIN_KEY_MAX - 1);
    MUST(key[0] != '\0' && strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789._-@:") == strlen(key));
}

static void check_message(const struct mailchain_message *message, bool footer)
{
    const struct mailchain_mail_options options = {"ethereum", "mainnet", "0x1f", footer, 0};
    char key[MAILCHAIN_KEY_MAX], date[CLOCK_RFC3339_MAX];
    struct buffer mail, again;
    uint64_t before = oracle_work();
    buffer_init(&mail, ORACLE_LOG_MAX);
    buffer_init(&again, ORACLE_LOG_MAX);
    MUST(mailchain_mail_key(message, key) == 0);
    check_key(key);
    mailchain_mail_date(message, date);
    oracle_line(date, sizeof date - 1);
    MUST(mailchain_mail_build(message, key, &options, &mail) == 0);
    MUST(mailchain_mail_build(message, key, &options, &again) == 0);
    oracle_same(&mail, &again);
    struct span whole = {(const uint8_t *)mail.data, mail.len}, rest = whole;
    check_lines(whole);
    enum mime_encoding encoding = check_header(&rest);
    check_body(rest, encoding, message->body, footer);
    check_read(whole, key);
    oracle_linear(before, mail.len, 5000);
    buffer_done(&mail);
    buffer_done(&again);
}

static void check_page(const uint8_t *data, size_t size, bool footer)
{
    struct mailchain_page *page = NULL;
    struct error err = {0};
    if (mailchain_page_read(data, size, &page, &err) < 0) {
        MUST(page == NULL && err.class == ERROR_PROTOCOL);
        return;
    }
    for (size_t i = 0; i < mailchain_page_count(page); i++) {
        struct mailchain_message message;
        mailchain_page_message(page, i, &message);
        MUST(message.field_count <= MAILCHAIN_FIELDS_MAX);
        if (message.ok)
            check_message(&message, footer);
    }
    mailchain_page_free(page);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    switch (data[0] % 8) {
    case 1:
        check_networks(data + 1, size - 1);
        break;
    case 2:
        check_addresses(data + 1, size - 1);
        break;
    case 3:
        check_shown(data + 1, size - 1);
        break;
    default:
        check_page(data + 1, size - 1, data[0] % 8 == 4);
        break;
    }
    return 0;
}
