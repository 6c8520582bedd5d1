/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-mail.c - see mailchain-mail.h. */
#include <config.h>
#include "mailchain-mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "header-address.h"
#include "header-date.h"
#include "mailchain-text.h"
#include "text.h"

#define MAIL_FIELD_NAME_MAX 60u /* bytes of a Mailchain header's name; longer ones are left out */
#define MAIL_YEAR_MIN 1900u      /* RFC 5322 s.3.3 */
#define MAIL_ADDRESS_MAX 320u    /* bytes of an address (RFC 5321 s.4.5.3.1) */
#define MAIL_NAME_MAX 400u       /* of a name that is made of what is no address, NUL included */
#define MAIL_UNKNOWN "unknown@" MAILCHAIN_DOMAIN ".invalid"
#define MAIL_DIGEST_KEY "sha256:" /* what a key begins with that is a digest */
#define MAIL_DIGEST_ID "sha256-"  /* the same in a Message-ID */
#define MAIL_FOOTER "Delivered by Mailchain IMAP Connector"
#define MAIL_FOOTER_HTML "<br/><br/>" MAIL_FOOTER

static struct span mail_span(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

/* ---- Names ----------------------------------------------------------------------------------- */

static bool mail_is_word(char c)
{
    char low = text_lower(c);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9');
}

static bool mail_id_is_plain(struct span id)
{
    for (size_t i = 0; i < id.len; i++)
        if (!mail_is_word((char)id.bytes[i]) && strchr("._-@", id.bytes[i]) == NULL)
            return false;
    return id.len > 0 && id.len <= MAILCHAIN_ID_MAX && memchr(id.bytes, '\0', id.len) == NULL;
}

/* Each text with its length in front: no two lists of texts are the same bytes. */
static int mail_digest_text(struct digest *digest, struct span text)
{
    char size[24];
    int n = snprintf(size, sizeof size, "%zu:", text.len);
    return digest_add(digest, (const uint8_t *)size, (size_t)n) < 0 ||
                   (text.len > 0 && digest_add(digest, text.bytes, text.len) < 0)
               ? -1
               : 0;
}

static int mail_digest_all(struct digest *digest, const struct mailchain_message *m)
{
    const struct span texts[] = {m->from, m->to, m->date, m->content_type, m->subject, m->body};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (mail_digest_text(digest, texts[i]) < 0)
            return -1;
    for (size_t i = 0; i < m->field_count; i++)
        if (mail_digest_text(digest, mail_span(m->fields[i].name)) < 0 ||
            mail_digest_text(digest, m->fields[i].value) < 0)
            return -1;
    return 0;
}

#define MAIL_DIGEST_HEX (2u * DIGEST_SIZE + 1u)

static int mail_digest_hex(struct digest *digest, char out[MAIL_DIGEST_HEX])
{
    uint8_t sha256[DIGEST_SIZE];
    if (digest_finish(digest, sha256) < 0)
        return -1;
    for (size_t i = 0; i < DIGEST_SIZE; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", sha256[i]);
    return 0;
}

int mailchain_mail_key(const struct mailchain_message *message, char out_key[MAILCHAIN_KEY_MAX])
{
    char hex[MAIL_DIGEST_HEX];
    if (mail_id_is_plain(message->message_id)) {
        memcpy(out_key, message->message_id.bytes, message->message_id.len);
        out_key[message->message_id.len] = '\0';
        return 0;
    }
    AUTO(digest) digest = digest_new();
    if (digest == NULL ||
        (message->message_id.len > 0 ? mail_digest_text(digest, message->message_id)
                                     : mail_digest_all(digest, message)) < 0 ||
        mail_digest_hex(digest, hex) < 0)
        return -1;
    (void)snprintf(out_key, MAILCHAIN_KEY_MAX, MAIL_DIGEST_KEY "%s", hex);
    return 0;
}

int mailchain_mail_sight(const struct mailchain_message *message, char out_key[MAILCHAIN_KEY_MAX])
{
    char key[MAILCHAIN_KEY_MAX], status[MAILCHAIN_KEY_MAX - MAILCHAIN_ID_MAX - 2];
    if (message->ok)
        return mailchain_mail_key(message, out_key);
    if (mailchain_mail_key(message, key) < 0)
        return -1;
    text_printable(status, sizeof status, message->status.bytes, message->status.len);
    (void)snprintf(out_key, MAILCHAIN_KEY_MAX, "!%.*s %s", (int)MAILCHAIN_ID_MAX, key, status);
    return 0;
}

/* ---- Fields ---------------------------------------------------------------------------------- */

static uint32_t mail_digits(const char *at, size_t count)
{
    uint32_t number = 0;
    for (size_t i = 0; i < count; i++)
        number = number * 10 + (uint32_t)(at[i] - '0'); /* analyse: 20 characters are there */
    return number;
}

void mailchain_mail_date(const struct mailchain_message *message, char out[CLOCK_RFC3339_MAX])
{
    if (message->date.len == 0 || header_parse_date(message->date, out) < 0 || strlen(out) < 20 ||
        mail_digits(out, 4) < MAIL_YEAR_MIN)
        out[0] = '\0';
}

/* date-time of RFC 5322 s.3.3 out of what clock_rfc3339() writes, and a comment. */
static int mail_write_date(struct buffer *out, const char *rfc3339, const char *comment)
{
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    uint32_t year = mail_digits(rfc3339, 4), month = mail_digits(rfc3339 + 5, 2),
             day = mail_digits(rfc3339 + 8, 2);
    month = month >= 1 && month <= 12 ? month : 1; /* analyse: it is, always */
    int64_t number = clock_unix_from_date((int32_t)year, month, day, 12, 0, 0) / 86400;
    bool utc = rfc3339[19] == 'Z';
    return buffer_printf(out, "Date: %s, %02u %s %04u %.8s %c%.2s%.2s%s\r\n",
                         days[((number % 7) + 7) % 7], day, months[month - 1], year, rfc3339 + 11,
                         utc ? '+' : rfc3339[19], utc ? "00" : rfc3339 + 20,
                         utc ? "00" : rfc3339 + 23, comment);
}

/* The time of picking it up, where it has none. */
static int mail_add_date(struct buffer *out, const struct mailchain_message *m, int64_t now_s)
{
    char date[CLOCK_RFC3339_MAX];
    mailchain_mail_date(m, date);
    if (date[0] != '\0')
        return mail_write_date(out, date, "");
    clock_rfc3339(now_s, 0, date);
    if (date[0] == '\0')
        clock_rfc3339(0, 0, date); /* a clock beyond the year 9999 */
    return mail_write_date(out, date, " (picked up)");
}

/* dot-atom-text of RFC 5322 s.3.2.3. */
static bool mail_is_dot_atom(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool atom = mail_is_word(text[i]) ||
                    (text[i] != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", text[i]) != NULL);
        bool dot = text[i] == '.' && i > 0 && i + 1 < size && text[i - 1] != '.';
        if (!atom && !dot)
            return false;
    }
    return size > 0;
}

/* addr-spec of RFC 5322 s.3.4.1 as it may stand in angle brackets without quotes; others go into
 * the name. */
static bool mail_address_is_sound(const char *address)
{
    size_t size = address == NULL ? 0 : strlen(address);
    size_t local = size == 0 ? 0 : strcspn(address, "@");
    return local < size && size <= MAIL_ADDRESS_MAX && mail_is_dot_atom(address, local) &&
           mail_is_dot_atom(address + local + 1, size - local - 1);
}

static int mail_write_address(struct buffer *out, const char *name, const char *address)
{
    char bracketed[MAIL_ADDRESS_MAX + 3];
    (void)snprintf(bracketed, sizeof bracketed, "<%s>", address);
    if (name == NULL || name[0] == '\0')
        return buffer_append_text(out, bracketed);
    return mailchain_text_phrase(out, mail_span(name)) < 0
               ? -1
               : mailchain_text_piece(out, bracketed, MAILCHAIN_LINE_WORDS - 1); /* and a comma */
}

static int mail_add_address(struct buffer *out, const struct mail_address *at)
{
    bool sound = mail_address_is_sound(at->address);
    const char *name = at->name != NULL ? at->name : sound ? NULL : at->address;
    return mail_write_address(out, name, sound ? at->address : MAIL_UNKNOWN);
}

/* "Name: list", folded before each address but the first. A list without any leaves no field. */
static int mail_write_addresses(struct buffer *out, const char *name,
                                const struct mail_address *items, size_t count)
{
    int bad = count > 0 ? buffer_printf(out, "%s: ", name) : 0;
    for (size_t i = 0; bad == 0 && i < count; i++) {
        bad = i > 0 ? buffer_append_text(out, ",\r\n ") : 0;
        bad = bad == 0 ? mail_add_address(out, &items[i]) : bad;
    }
    return bad == 0 && count > 0 ? buffer_append_text(out, "\r\n") : bad;
}

static int mail_read_addresses(struct span value, struct mail_addresses *out)
{
    return value.len == 0 ? 0 : header_parse_addresses(value, out, NULL);
}

/* A mail has a sender (s.3.6), of several the first one sent it (s.3.6.2). What is no address at
 * all is an unknown one's name. */
static int mail_add_from(struct buffer *out, struct span value)
{
    struct mail_addresses list = {0};
    char name[MAIL_NAME_MAX] = "unknown sender";
    int bad = mail_read_addresses(value, &list);
    if (list.count == 0 && value.len > 0)
        text_printable(name, sizeof name, value.bytes, value.len);
    const struct mail_address unknown = {name, NULL};
    if (bad == 0)
        bad = list.count > 0 ? mail_write_addresses(out, "From", list.items, list.count)
                             : mail_write_addresses(out, "From", &unknown, 1);
    if (bad == 0 && list.count > 1)
        bad = mail_write_addresses(out, "Sender", list.items, 1);
    mail_addresses_done(&list);
    return bad;
}

/* Whom it was picked up for, where it names nobody. */
static int mail_add_to(struct buffer *out, struct span value,
                       const struct mailchain_mail_options *options)
{
    struct mail_addresses list = {0};
    char address[3 * MAILCHAIN_NAME_MAX + 8];
    int bad = mail_read_addresses(value, &list);
    (void)snprintf(address, sizeof address, "%s@%s.%s", options->address, options->network,
                   options->protocol);
    const struct mail_address own = {NULL, address};
    if (bad == 0)
        bad = list.count > 0 ? mail_write_addresses(out, "To", list.items, list.count)
              : mail_address_is_sound(address) ? mail_write_addresses(out, "To", &own, 1)
                                               : 0;
    mail_addresses_done(&list);
    return bad;
}

static int mail_add_reply_to(struct buffer *out, struct span value)
{
    struct mail_addresses list = {0};
    int bad = mail_read_addresses(value, &list);
    if (bad == 0)
        bad = mail_write_addresses(out, "Reply-To", list.items, list.count);
    mail_addresses_done(&list);
    return bad;
}

/* "block-id" as X-Mailchain-Block-Id. What is no field's name is left out. */
static int mail_add_own(struct buffer *out, const char *name, struct span value)
{
    char field[sizeof "X-Mailchain-" + MAIL_FIELD_NAME_MAX] = "X-Mailchain-";
    size_t at = strlen(field), size = strlen(name);
    if (size == 0 || size > MAIL_FIELD_NAME_MAX)
        return 0;
    for (size_t i = 0; i < size; i++) {
        if (!mail_is_word(name[i]) && name[i] != '-')
            return 0;
        bool first = i == 0 || name[i - 1] == '-';
        field[at++] = first && name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - ('a' - 'A'))
                                                                : name[i];
    }
    field[at] = '\0';
    return mailchain_text_field(out, field, value);
}

static int mail_add_own_fields(struct buffer *out, const struct mailchain_message *m,
                               const struct mailchain_mail_options *options)
{
    const struct mailchain_field own[] = {
        {"message-id", m->message_id}, {"from", m->from}, {"to", m->to}, {"date", m->date},
        {"reply-to", m->reply_to}, {"content-type", m->content_type}};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (own[i].value.len > 0 && mail_add_own(out, own[i].name, own[i].value) < 0)
            return -1;
    for (size_t i = 0; i < m->field_count; i++)
        if (mail_add_own(out, m->fields[i].name, m->fields[i].value) < 0)
            return -1;
    return mail_add_own(out, "protocol", mail_span(options->protocol)) < 0 ||
                   mail_add_own(out, "network", mail_span(options->network)) < 0 ||
                   mail_add_own(out, "address", mail_span(options->address)) < 0
               ? -1
               : 0;
}

/* No two keys have one Message-ID, and each has one that RFC 5322 s.3.6.4 allows:
 *
 *     0a1b          <0a1b@mailchain>
 *     0a1b@x.org    <0a1b@x.org>         but none that ends as ours do: <0a1b@mailchain> is 0a1b's
 *     all others    <sha256-...@mailchain> */
static int mail_add_id(struct buffer *out, const char *key)
{
    size_t size = strlen(key), left = strcspn(key, "@");
    const char *domain = left < size ? key + left + 1 : "";
    bool digest_like = text_starts_nocase(key, MAIL_DIGEST_ID);
    if (left == size && mail_is_dot_atom(key, size) && !digest_like)
        return buffer_printf(out, "Message-ID: <%s@" MAILCHAIN_DOMAIN ">\r\n", key);
    if (left < size && mail_is_dot_atom(key, left) && mail_is_dot_atom(domain, strlen(domain)) &&
        !text_equal_nocase(domain, MAILCHAIN_DOMAIN))
        return buffer_printf(out, "Message-ID: <%s>\r\n", key);
    char hex[MAIL_DIGEST_HEX];
    if (text_starts_nocase(key, MAIL_DIGEST_KEY)) {
        text_copy(hex, sizeof hex, key + strlen(MAIL_DIGEST_KEY));
    } else {
        AUTO(digest) digest = digest_new();
        if (digest == NULL || mail_digest_text(digest, mail_span(key)) < 0 ||
            mail_digest_hex(digest, hex) < 0)
            return -1;
    }
    return buffer_printf(out, "Message-ID: <" MAIL_DIGEST_ID "%s@" MAILCHAIN_DOMAIN ">\r\n", hex);
}

/* ---- The mail -------------------------------------------------------------------------------- */

/* The message says so, as a MIME type or in part: "text/html; charset=..." */
static bool mail_is_html(const struct mailchain_message *m)
{
    static const char type[] = "text/html";
    struct cursor at = cursor_over(m->content_type.bytes, m->content_type.len);
    int c = cursor_peek(&at);
    for (; c == '"' || (c >= 0 && text_is_space((char)c)); c = cursor_peek(&at))
        (void)cursor_next(&at);
    if (cursor_text_nocase(&at, type) != PARSE_OK)
        return false;
    c = cursor_peek(&at); /* text/html5 is another type */
    return c < 0 || c == ';' || c == ',' || c == '"' || c == '(' || text_is_space((char)c);
}

static int mail_add_body(struct buffer *out, const struct mailchain_message *m, bool footer)
{
    AUTO_DONE(buffer) whole;
    buffer_init(&whole, out->limit);
    bool html = mail_is_html(m);
    struct span body = m->body;
    if (footer) {
        if ((body.len > 0 && buffer_append(&whole, body.bytes, body.len) < 0) ||
            buffer_append_text(&whole, html ? " " MAIL_FOOTER_HTML : " \r\n" MAIL_FOOTER) < 0)
            return -1;
        body = (struct span){(const uint8_t *)whole.data, whole.len};
    }
    enum mailchain_encoding encoding = mailchain_text_encoding(body);
    if (buffer_printf(out,
                      "MIME-Version: 1.0\r\nContent-Type: text/%s; charset=UTF-8\r\n"
                      "Content-Transfer-Encoding: %s\r\n\r\n",
                      html ? "html" : "plain", mailchain_text_encoding_name(encoding)) < 0)
        return -1;
    return mailchain_text_body(out, body, encoding);
}

int mailchain_mail_build(const struct mailchain_message *m, const char *key,
                         const struct mailchain_mail_options *options, struct buffer *out)
{
    if (mail_add_date(out, m, options->now_s) < 0 || mail_add_from(out, m->from) < 0 ||
        mail_add_to(out, m->to, options) < 0 || mail_add_reply_to(out, m->reply_to) < 0 ||
        mail_add_id(out, key) < 0 ||
        (m->subject.len > 0 && mailchain_text_field(out, "Subject", m->subject) < 0) ||
        mail_add_own_fields(out, m, options) < 0)
        return -1;
    return mail_add_body(out, m, options->footer);
}
