/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-text.c - see mailchain-text.h. */
#include <config.h>
#include "mailchain-text.h"

#include <string.h>

#include "cleanup.h"
#include "text.h"

#define TEXT_PIECE_MAX 900u   /* bytes without a space that stand in a field as they are */
#define TEXT_PHRASE_MAX 60u   /* of a quoted name */
#define TEXT_WORD_START "=?UTF-8?B?"
#define TEXT_WORD_AROUND 12u  /* bytes of an encoded word besides its base64 */
#define TEXT_WORD_BYTES 45u   /* of text in an encoded word: 60 characters of base64, 72 in all */
#define TEXT_WORD_LEAST 6u    /* of text: less is not worth the rest of a line */
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

/* Bytes of the line that is being written. */
static size_t text_column(const struct buffer *out)
{
    const char *end = out->len == 0 ? NULL : memrchr(out->data, '\n', out->len);
    return end == NULL ? out->len : out->len - (size_t)(end + 1 - out->data);
}

/* Text that looks like an encoded word is made one, so that it reads as it was written. */
static bool text_is_plain(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.bytes[i] < 0x20 || text.bytes[i] > 0x7E ||
            (text.bytes[i] == '=' && i + 1 < text.len && text.bytes[i + 1] == '?'))
            return false;
    return true;
}

/* How much of @text fits into an encoded word of @most bytes of text, whole characters (RFC 2047
 * s.5). */
static size_t text_word_size(struct span text, size_t most)
{
    size_t size = 0;
    while (size < text.len) {
        size_t more = text_utf8_length(text.bytes + size, text.len - size);
        more = more == 0 ? 1 : more;
        if (size + more > most)
            break;
        size += more;
    }
    return size;
}

/* Bytes of text that an encoded word has room for on this line. */
static size_t text_word_room(const struct buffer *out)
{
    size_t used = text_column(out) + TEXT_WORD_AROUND;
    size_t room = used < MAILCHAIN_LINE_WORDS ? (MAILCHAIN_LINE_WORDS - used) / 4 * 3 : 0;
    return room < TEXT_WORD_BYTES ? room : TEXT_WORD_BYTES;
}

/* =?UTF-8?B?...?= and more of them, each on a line of its own but the first, if that has room. */
static int text_words(struct buffer *out, struct span text)
{
    uint8_t word[TEXT_WORD_BYTES];
    for (bool first = true; text.len > 0; first = false) {
        if ((!first || text_word_room(out) < TEXT_WORD_LEAST) &&
            buffer_append_text(out, "\r\n ") < 0)
            return -1;
        size_t size = text_word_size(text, text_word_room(out));
        for (size_t i = 0; i < size; i++)
            word[i] = text.bytes[i] < 0x20 || text.bytes[i] == 0x7F ? ' ' : text.bytes[i];
        if (buffer_append_text(out, TEXT_WORD_START) < 0 || text_base64(out, word, size) < 0 ||
            buffer_append_text(out, "?=") < 0)
            return -1;
        text = (struct span){text.bytes + size, text.len - size};
    }
    return 0;
}

/* Spaces, and what stands behind them up to the next ones. */
static struct span text_take_piece(struct span *text)
{
    size_t size = 0;
    while (size < text->len && text->bytes[size] == ' ')
        size++;
    while (size < text->len && text->bytes[size] != ' ')
        size++;
    struct span piece = {text->bytes, size};
    *text = (struct span){text->bytes + size, text->len - size};
    return piece;
}

static bool text_can_be_folded(struct span text)
{
    if (text.len > 0 && (text.bytes[0] == ' ' || text.bytes[text.len - 1] == ' '))
        return false;
    while (text.len > 0)
        if (text_take_piece(&text).len > TEXT_PIECE_MAX)
            return false;
    return true;
}

/* Each line break stands before spaces of the text: who joins the lines has the text. */
static int text_folded(struct buffer *out, struct span text)
{
    while (text.len > 0) {
        struct span piece = text_take_piece(&text);
        bool fold = piece.bytes[0] == ' ' &&
                    text_column(out) + piece.len > MAILCHAIN_LINE_WANTED;
        if ((fold && buffer_append_text(out, "\r\n") < 0) ||
            buffer_append(out, piece.bytes, piece.len) < 0)
            return -1;
    }
    return 0;
}

int mailchain_text_field(struct buffer *out, const char *name, struct span text)
{
    bool plain = text_is_plain(text) && text_can_be_folded(text);
    if (buffer_printf(out, "%s: ", name) < 0 ||
        (plain ? text_folded(out, text) : text_words(out, text)) < 0)
        return -1;
    return buffer_append_text(out, "\r\n");
}

int mailchain_text_phrase(struct buffer *out, struct span text)
{
    size_t size = text.len;
    for (size_t i = 0; i < text.len; i++)
        size += text.bytes[i] == '"' || text.bytes[i] == '\\';
    if (!text_is_plain(text) || size > TEXT_PHRASE_MAX)
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

int mailchain_text_piece(struct buffer *out, const char *text, size_t most)
{
    bool fold = text_column(out) + 1 + strlen(text) > most;
    return buffer_append_text(out, fold ? "\r\n " : " ") < 0 ? -1
                                                             : buffer_append_text(out, text);
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
