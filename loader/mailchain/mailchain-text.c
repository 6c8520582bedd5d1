/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-text.c - see mailchain-text.h. */
#include <config.h>
#include "mailchain-text.h"

#include <string.h>

#include "cleanup.h"
#include "text.h"

#define TEXT_LINE_MAX 900u    /* bytes of a field that stands on one line as it is */
#define TEXT_WORD_BYTES 45u   /* of text in an encoded word: 60 characters of base64, 75 in all */
#define TEXT_BODY_LINE 998u   /* bytes of a line in 7bit (RFC 5322 s.2.1.1) */
#define TEXT_QUOTED_LINE 75u  /* of quoted-printable, its soft break not counted */
#define TEXT_BASE64_LINE 57u  /* bytes: 76 characters */

/* ---- Base64 ---------------------------------------------------------------------------------- */

static int text_base64(struct buffer *out, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < count; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16;
        size_t have = count - i < 3 ? count - i : 3;
        if (have > 1)
            group |= (uint32_t)bytes[i + 1] << 8;
        if (have > 2)
            group |= bytes[i + 2];
        const char four[4] = {digits[group >> 18], digits[group >> 12 & 63],
                              have > 1 ? digits[group >> 6 & 63] : '=',
                              have > 2 ? digits[group & 63] : '='};
        if (buffer_append(out, four, sizeof four) < 0)
            return -1;
    }
    return 0;
}

/* ---- Fields ---------------------------------------------------------------------------------- */

static bool text_is_plain(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.bytes[i] < 0x20 || text.bytes[i] > 0x7E)
            return false;
    return text.len <= TEXT_LINE_MAX;
}

/* How much of @text fits into one encoded word, whole characters (RFC 2047 s.5). */
static size_t text_word_size(struct span text)
{
    size_t size = 0;
    while (size < text.len) {
        size_t more = text_utf8_length(text.bytes + size, text.len - size);
        more = more == 0 ? 1 : more;
        if (size + more > TEXT_WORD_BYTES)
            break;
        size += more;
    }
    return size;
}

/* =?UTF-8?B?...?= and more of them, each on a line of its own but the first. */
static int text_words(struct buffer *out, struct span text)
{
    uint8_t word[TEXT_WORD_BYTES];
    for (bool first = true; text.len > 0; first = false) {
        size_t size = text_word_size(text);
        for (size_t i = 0; i < size; i++)
            word[i] = text.bytes[i] < 0x20 || text.bytes[i] == 0x7F ? ' ' : text.bytes[i];
        if (buffer_append_text(out, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?") < 0 ||
            text_base64(out, word, size) < 0 || buffer_append_text(out, "?=") < 0)
            return -1;
        text = (struct span){text.bytes + size, text.len - size};
    }
    return 0;
}

/* Text that looks like an encoded word is made one, so that it reads as it was written. */
static bool text_looks_encoded(struct span text)
{
    return text.len > 0 && memmem(text.bytes, text.len, "=?", 2) != NULL;
}

int mailchain_text_field(struct buffer *out, const char *name, struct span text)
{
    bool plain = text_is_plain(text) && !text_looks_encoded(text);
    if (buffer_printf(out, "%s: ", name) < 0 ||
        (plain ? text.len > 0 && buffer_append(out, text.bytes, text.len) < 0
               : text_words(out, text) < 0))
        return -1;
    return buffer_append_text(out, "\r\n");
}

int mailchain_text_phrase(struct buffer *out, struct span text)
{
    if (!text_is_plain(text) || text_looks_encoded(text))
        return text_words(out, text);
    if (buffer_append_byte(out, '"') < 0)
        return -1;
    for (size_t i = 0; i < text.len; i++)
        if (((text.bytes[i] == '"' || text.bytes[i] == '\\') &&
             buffer_append_byte(out, '\\') < 0) ||
            buffer_append_byte(out, text.bytes[i]) < 0)
            return -1;
    return buffer_append_byte(out, '"');
}

/* ---- Bodies ---------------------------------------------------------------------------------- */

/* The next line of @body, without its end; false behind the last. */
static bool text_next_line(struct cursor *body, struct span *out_line)
{
    size_t left = cursor_left(body), len = 0;
    if (left == 0)
        return false; /* it may be no bytes at all: NULL */
    const uint8_t *start = body->bytes + body->pos;
    while (len < left && start[len] != '\r' && start[len] != '\n')
        len++;
    *out_line = (struct span){start, len};
    body->pos += len;
    if (len < left) /* CR LF, CR or LF */
        body->pos += start[len] == '\r' && len + 1 < left && start[len + 1] == '\n' ? 2 : 1;
    return true;
}

enum mailchain_encoding mailchain_text_encoding(struct span body)
{
    struct cursor at = cursor_over(body.bytes, body.len);
    struct span line;
    size_t high = 0;
    bool plain = true;
    while (text_next_line(&at, &line)) {
        plain = plain && line.len <= TEXT_BODY_LINE;
        for (size_t i = 0; i < line.len; i++) {
            uint8_t c = line.bytes[i];
            high += c > 0x7E;
            plain = plain && ((c >= 0x20 && c <= 0x7E) || c == '\t');
        }
    }
    return plain ? MAILCHAIN_7BIT : high > body.len / 4 ? MAILCHAIN_BASE64 : MAILCHAIN_QUOTED;
}

const char *mailchain_text_encoding_name(enum mailchain_encoding encoding)
{
    static const char *const names[] = {[MAILCHAIN_7BIT] = "7bit",
                                        [MAILCHAIN_QUOTED] = "quoted-printable",
                                        [MAILCHAIN_BASE64] = "base64"};
    return names[encoding];
}

/* Spaces at the end of a line would be lost on the way (RFC 2045 s.6.7, rule 3). */
static int text_quoted_line(struct buffer *out, struct span line)
{
    size_t column = 0;
    for (size_t i = 0; i < line.len; i++) {
        uint8_t c = line.bytes[i];
        bool last = i + 1 == line.len;
        bool plain = (c > 0x20 && c <= 0x7E && c != '=') || ((c == ' ' || c == '\t') && !last);
        size_t width = plain ? 1 : 3;
        if (column + width > TEXT_QUOTED_LINE) {
            if (buffer_append_text(out, "=\r\n") < 0)
                return -1;
            column = 0;
        }
        column += width;
        if ((plain ? buffer_append_byte(out, c) : buffer_printf(out, "=%02X", c)) < 0)
            return -1;
    }
    return 0;
}

static int text_lines(struct buffer *out, struct span body, bool quoted)
{
    struct cursor at = cursor_over(body.bytes, body.len);
    struct span line;
    while (text_next_line(&at, &line))
        if ((quoted ? text_quoted_line(out, line) < 0
                    : line.len > 0 && buffer_append(out, line.bytes, line.len) < 0) ||
            buffer_append_text(out, "\r\n") < 0)
            return -1;
    return 0;
}

int mailchain_text_body(struct buffer *out, struct span body, enum mailchain_encoding encoding)
{
    if (encoding != MAILCHAIN_BASE64)
        return text_lines(out, body, encoding == MAILCHAIN_QUOTED);
    AUTO_DONE(buffer) lines;
    buffer_init(&lines, out->limit);
    if (text_lines(&lines, body, false) < 0)
        return -1;
    const uint8_t *bytes = (const uint8_t *)buffer_text(&lines);
    for (size_t i = 0; i < lines.len; i += TEXT_BASE64_LINE) {
        size_t left = lines.len - i;
        if (text_base64(out, bytes + i, left < TEXT_BASE64_LINE ? left : TEXT_BASE64_LINE) < 0 ||
            buffer_append_text(out, "\r\n") < 0)
            return -1;
    }
    return 0;
}
