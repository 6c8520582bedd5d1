/* SPDX-License-Identifier: Apache-2.0 */
/* encoded-word.c - RFC 2047 words. See encoded-word.h. */
#include <config.h>
#include "encoded-word.h"

#include <string.h>

#include "charset-names.h"
#include "text.h"

/* charset = 1*<printable, no space, no "?">, followed by "?" */
static bool word_charset(struct cursor *c, char charset[ENCODED_WORD_CHARSET_MAX])
{
    size_t n = 0;
    int byte;
    while ((byte = cursor_peek(c)) > ' ' && byte < 0x7F && byte != '?' &&
           n < ENCODED_WORD_CHARSET_MAX - 1) {
        charset[n++] = (char)byte;
        c->pos++;
    }
    charset[n] = '\0';
    return cursor_byte(c, '?') == PARSE_OK;
}

/* The payload ends before "?="; also before "=?", where the next word begins and this one has lost
 * its end; a lone "?" is part of it, though it should not be. */
static void word_payload(struct cursor *c, struct encoded_word *word)
{
    size_t from = c->pos;
    word->whole = false;
    for (; c->pos < c->len; c->pos++) {
        if (c->bytes[c->pos] != '?')
            continue;
        word->whole = c->pos + 1 < c->len && c->bytes[c->pos + 1] == '=';
        bool next = c->pos > from && c->bytes[c->pos - 1] == '=';
        if (word->whole || next) {
            c->pos -= word->whole ? 0 : 1;
            break;
        }
    }
    word->payload = (struct span){c->bytes + from, c->pos - from};
    if (word->whole)
        c->pos += 2;
}

enum parse encoded_word_parse(struct cursor *c, struct encoded_word *out_word)
{
    struct cursor try = *c;
    if (cursor_text(&try, "=?") != PARSE_OK)
        return PARSE_BAD;
    c->pos = try.pos - 1; /* its "?" may end what the next "=" begins: "=?=?utf-8?..." */
    if (!word_charset(&try, out_word->charset))
        return PARSE_BAD;
    int encoding = cursor_next(&try);
    if ((encoding != 'b' && encoding != 'B' && encoding != 'q' && encoding != 'Q') ||
        cursor_byte(&try, '?') != PARSE_OK)
        return PARSE_BAD;
    out_word->base64 = encoding == 'b' || encoding == 'B';
    word_payload(&try, out_word);
    if (!out_word->whole && charset_name(out_word->charset) == NULL) {
        c->pos = try.pos; /* looked at already */
        return PARSE_BAD;
    }
    *c = try;
    return PARSE_OK;
}

static int hex_digit(int byte)
{
    int lower = byte >= 'A' && byte <= 'F' ? byte + 32 : byte;
    return lower >= '0' && lower <= '9'   ? lower - '0'
           : lower >= 'a' && lower <= 'f' ? lower - 87
                                          : -1;
}

/* Q (RFC 2047 s.4.2); "=" without two digits stands for itself, unless it was cut off there. */
static int word_decode_q(struct cursor c, bool whole, struct buffer *out)
{
    for (size_t i = 0; i < 2 && !whole && c.len > i; i++)
        if (c.bytes[c.len - 1 - i] == '=')
            c.len -= i + 1;
    if (buffer_reserve(out, c.len) < 0)
        return -1;
    size_t n = 0;
    char *to = out->data + out->len;
    while (c.pos < c.len) {
        uint8_t byte = c.bytes[c.pos++];
        int high = cursor_left(&c) >= 2 ? hex_digit(c.bytes[c.pos]) : -1;
        int low = cursor_left(&c) >= 2 ? hex_digit(c.bytes[c.pos + 1]) : -1;
        if (byte == '\r' || byte == '\n')
            continue;
        if (byte == '=' && high >= 0 && low >= 0) {
            to[n++] = (char)(high * 16 + low);
            c.pos += 2;
        } else {
            to[n++] = byte == '_' ? ' ' : (char)byte;
        }
    }
    buffer_added(out, n);
    return 0;
}

static int base64_digit(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52;
    return byte == '+' || byte == '-' ? 62 : byte == '/' || byte == '_' ? 63 : -1;
}

/* B (RFC 2047 s.4.1); what is no digit is skipped, padding ends a group. */
static int word_decode_b(struct cursor c, struct encoded_word_bits *bits, struct buffer *out)
{
    if (buffer_reserve(out, c.len) < 0)
        return -1;
    size_t n = 0;
    char *to = out->data + out->len;
    while (c.pos < c.len) {
        uint8_t byte = c.bytes[c.pos++];
        int digit = base64_digit(byte);
        if (byte == '=')
            *bits = (struct encoded_word_bits){0};
        if (digit < 0)
            continue;
        bits->bits = (bits->bits << 6) | (uint32_t)digit;
        bits->count += 6;
        if (bits->count >= 8) {
            bits->count -= 8;
            to[n++] = (char)(uint8_t)(bits->bits >> bits->count);
            bits->bits &= (1u << bits->count) - 1;
        }
    }
    if (bits->bits == 0 && bits->count != 6) /* it only lacks its padding */
        bits->count = 0;
    buffer_added(out, n);
    return 0;
}

int encoded_word_decode(const struct encoded_word *word, struct encoded_word_bits *bits,
                        struct buffer *out)
{
    struct cursor c = cursor_over(word->payload.bytes, word->payload.len);
    return word->base64 ? word_decode_b(c, bits, out) : word_decode_q(c, word->whole, out);
}
