/* SPDX-License-Identifier: Apache-2.0 */
/* json-line.c - one JSON value, one line. See json-line.h. */
#include <config.h>
#include "json-line.h"

#include <stdint.h>
#include <string.h>

#include "text.h"

void json_value_free_at(json_t **at)
{
    json_decref(*at);
}

/* The text with U+FFFD for each byte that belongs to no character. */
static json_t *json_line_cleaned(const char *text, size_t length)
{
    if (length > (SIZE_MAX - 1) / 3)
        return NULL;
    struct buffer clean;
    buffer_init(&clean, length * 3 + 1);
    const uint8_t *at = (const uint8_t *)text;
    int bad = 0;
    for (size_t left = length; left > 0 && bad == 0;) {
        size_t n = text_utf8_length(at, left);
        bad = n > 0 ? buffer_append(&clean, at, n) : text_utf8_append(&clean, 0xFFFD);
        n = n > 0 ? n : 1;
        at += n;
        left -= n;
    }
    json_t *value = bad < 0 ? NULL : json_stringn_nocheck(buffer_text(&clean), clean.len);
    buffer_done(&clean);
    return value;
}

json_t *json_line_text(const char *text)
{
    if (text == NULL)
        return json_null();
    size_t length = strlen(text);
    return text_is_utf8(text, length) ? json_stringn_nocheck(text, length)
                                      : json_line_cleaned(text, length);
}

json_t *json_line_size(uint64_t number)
{
    return json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number);
}

int json_line_set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new_nocheck(object, key, value);
}

/* Characters that end a line for some readers, or steer a terminal: DEL, C1 (with U+0085), U+2028
 * and U+2029. *out_bytes tells how long it is; 0: it is none of these. */
static unsigned json_line_escaped(const uint8_t *bytes, size_t left, size_t *out_bytes)
{
    *out_bytes = 0;
    if (bytes[0] == 0x7F)
        *out_bytes = 1;
    else if (bytes[0] == 0xC2 && left > 1 && bytes[1] < 0xA0)
        *out_bytes = 2;
    else if (bytes[0] == 0xE2 && left > 2 && bytes[1] == 0x80 && (bytes[2] & 0xFE) == 0xA8)
        *out_bytes = 3;
    return *out_bytes == 3 ? 0x2000u + (bytes[2] & 0x3Fu) : bytes[*out_bytes == 2 ? 1 : 0];
}

/* jansson hands over runs of characters, never a part of one. */
static int json_line_take(const char *bytes, size_t size, void *context)
{
    struct buffer *out = context;
    size_t start = 0;
    for (size_t i = 0; i < size; i++) {
        size_t length;
        unsigned character = json_line_escaped((const uint8_t *)bytes + i, size - i, &length);
        if (length == 0)
            continue;
        if (buffer_append(out, bytes + start, i - start) < 0 ||
            buffer_printf(out, "\\u%04x", character) < 0)
            return -1;
        start = i + length;
        i = start - 1;
    }
    return buffer_append(out, bytes + start, size - start);
}

int json_line_append(struct buffer *out, const json_t *value)
{
    return json_dump_callback(value, json_line_take, out, JSON_COMPACT | JSON_ENCODE_ANY);
}

/* ---- Text at once ---------------------------------------------------------------------------- */

/* Does this byte stand for itself wherever it is? Those that do not may still, depending on what is
 * behind them. */
static bool json_line_is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
}

/* Eight bytes at once. A byte is told by the highest bit of what is left of it. */
#define JSON_LINE_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

static uint64_t json_line_has(uint64_t bytes, uint8_t byte)
{
    uint64_t at = bytes ^ JSON_LINE_EACH(byte);
    return (at - JSON_LINE_EACH(1)) & ~at;
}

static bool json_line_are_plain(uint64_t bytes)
{
    uint64_t below = (bytes - JSON_LINE_EACH(0x20)) & ~bytes;
    return ((bytes | below | json_line_has(bytes, '"') | json_line_has(bytes, '\\') |
             json_line_has(bytes, 0x7F)) & JSON_LINE_EACH(0x80)) == 0;
}

/* How many bytes from here on stand for themselves. */
static size_t json_line_plain_run(const uint8_t *at, size_t count)
{
    size_t run = 0;
    for (uint64_t bytes; count - run >= sizeof bytes; run += sizeof bytes) {
        memcpy(&bytes, at + run, sizeof bytes);
        if (!json_line_are_plain(bytes))
            break;
    }
    while (run < count && json_line_is_plain(at[run]))
        run++;
    return run;
}

/* '"', '\', and what is below U+0020. */
static int json_line_write_control(struct buffer *out, uint8_t byte)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *at = memchr(from, byte, sizeof from - 1);
    if (at == NULL)
        return buffer_printf(out, "\\u%04X", byte);
    const char escape[] = {'\\', to[at - from]};
    return buffer_append(out, escape, sizeof escape);
}

/* The character at @at, which is not plain; *out_length tells how long it is in the text. */
static int json_line_write_character(struct buffer *out, const uint8_t *at, size_t left,
                                     size_t *out_length)
{
    size_t escaped, length = text_utf8_length(at, left);
    *out_length = length > 0 ? length : 1;
    if (length == 0)
        return text_utf8_append(out, 0xFFFD);
    unsigned character = json_line_escaped(at, left, &escaped);
    if (escaped > 0)
        return buffer_printf(out, "\\u%04x", character);
    return length == 1 ? json_line_write_control(out, *at) : buffer_append(out, at, length);
}

int json_line_write_piece(struct buffer *out, const char *text, size_t left, size_t most,
                          size_t *out_done)
{
    const uint8_t *at = (const uint8_t *)text;
    size_t stop = left < most ? left : most, done = 0, length;
    while (done < stop) {
        size_t run = json_line_plain_run(at + done, stop - done);
        if (buffer_append(out, at + done, run) < 0)
            return -1;
        done += run;
        if (done == stop)
            break;
        if (json_line_write_character(out, at + done, left - done, &length) < 0)
            return -1;
        done += length;
    }
    *out_done = done;
    return 0;
}
