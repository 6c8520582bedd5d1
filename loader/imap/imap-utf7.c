/* SPDX-License-Identifier: Apache-2.0 */
/* imap-utf7.c - modified UTF-7. See imap-utf7.h. */
#include <config.h>
#include "imap-utf7.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "cursor.h"
#include "text.h"

static const char utf7_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* ---- Encoding -------------------------------------------------------------------------------- */

/* Bits that wait for a base64 digit. */
struct utf7_bits {
    uint32_t value;
    unsigned int count;
};

static int utf7_put_unit(struct buffer *out, struct utf7_bits *bits, uint32_t unit)
{
    bits->value = bits->value << 16 | unit;
    bits->count += 16;
    while (bits->count >= 6) {
        bits->count -= 6;
        if (buffer_append_byte(out, (uint8_t)utf7_digits[bits->value >> bits->count & 63]) < 0)
            return -1;
    }
    bits->value &= (1u << bits->count) - 1;
    return 0;
}

static int utf7_put(struct buffer *out, struct utf7_bits *bits, uint32_t character)
{
    if (character < 0x10000)
        return utf7_put_unit(out, bits, character);
    character -= 0x10000;
    if (utf7_put_unit(out, bits, 0xD800 | character >> 10) < 0)
        return -1;
    return utf7_put_unit(out, bits, 0xDC00 | (character & 0x3FF));
}

/* The end of a shift: bits left over, and '-'. */
static int utf7_close(struct buffer *out, struct utf7_bits *bits)
{
    if (bits->count > 0 &&
        buffer_append_byte(out, (uint8_t)utf7_digits[bits->value << (6 - bits->count) & 63]) < 0)
        return -1;
    *bits = (struct utf7_bits){0};
    return buffer_append_byte(out, '-');
}

static uint32_t utf7_character(const uint8_t *at, size_t length)
{
    static const uint8_t first[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t character = at[0] & first[length];
    for (size_t i = 1; i < length; i++)
        character = character << 6 | (at[i] & 0x3F);
    return character;
}

int imap_utf7_encode(struct buffer *out, const char *text)
{
    const uint8_t *at = (const uint8_t *)text;
    size_t left = strlen(text);
    struct utf7_bits bits = {0};
    bool shifted = false;
    while (left > 0) {
        size_t length = text_utf8_length(at, left);
        if (length == 0 || *at < 0x20 || *at == 0x7F)
            return -1;
        if (length > 1 && !shifted && buffer_append_byte(out, '&') < 0)
            return -1;
        if (length == 1 && shifted && utf7_close(out, &bits) < 0)
            return -1;
        shifted = length > 1;
        if (shifted
                ? utf7_put(out, &bits, utf7_character(at, length)) < 0
                : buffer_append(out, *at == '&' ? "&-" : (const char *)at, *at == '&' ? 2 : 1) < 0)
            return -1;
        at += length;
        left -= length;
    }
    return shifted ? utf7_close(out, &bits) : 0;
}

/* ---- Decoding -------------------------------------------------------------------------------- */

/* One UTF-16 unit of a shift; *high keeps the first half of a pair. */
static int utf7_take_unit(struct buffer *out, uint32_t unit, uint32_t *high)
{
    if (*high != 0) {
        if (unit < 0xDC00 || unit > 0xDFFF)
            return -1;
        uint32_t character = 0x10000 + ((*high & 0x3FF) << 10 | (unit & 0x3FF));
        *high = 0;
        return text_utf8_append(out, character);
    }
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        *high = unit;
        return 0;
    }
    if ((unit >= 0xDC00 && unit <= 0xDFFF) || unit < 0x80) /* ASCII stands for itself */
        return -1;
    return text_utf8_append(out, unit);
}

/* Behind '&', up to and with '-'. */
static int utf7_decode_shift(struct buffer *out, struct cursor *c)
{
    uint32_t value = 0, high = 0;
    unsigned int count = 0, units = 0;
    int byte;
    while ((byte = cursor_next(c)) >= 0 && byte != '-') {
        const char *digit = byte != 0 ? strchr(utf7_digits, byte) : NULL;
        if (digit == NULL)
            return -1;
        value = value << 6 | (uint32_t)(digit - utf7_digits);
        count += 6;
        if (count < 16)
            continue;
        count -= 16;
        if (utf7_take_unit(out, value >> count & 0xFFFF, &high) < 0)
            return -1;
        value &= (1u << count) - 1;
        units++;
    }
    return byte == '-' && units > 0 && high == 0 && count < 6 && value == 0 ? 0 : -1;
}

int imap_utf7_decode(struct buffer *out, const void *bytes, size_t count)
{
    struct cursor c = cursor_over(bytes, count);
    int byte;
    bool after_shift = false;
    while ((byte = cursor_next(&c)) >= 0) {
        if (byte < 0x20 || byte > 0x7E)
            return -1;
        bool shift = byte == '&' && cursor_peek(&c) != '-';
        if (shift && after_shift) /* one shift would have done */
            return -1;
        after_shift = shift;
        if (byte == '&' && !shift)
            (void)cursor_next(&c);
        if (shift ? utf7_decode_shift(out, &c) < 0 : buffer_append_byte(out, (uint8_t)byte) < 0)
            return -1;
    }
    return 0;
}
