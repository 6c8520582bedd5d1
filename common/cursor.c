/* SPDX-License-Identifier: Apache-2.0 */
/* cursor.c - bounded reading. See cursor.h. */
#include <config.h>
#include "cursor.h"

#include <string.h>

#include "text.h"

enum parse cursor_byte(struct cursor *c, uint8_t want)
{
    if (c->pos == c->len)
        return PARSE_MORE;
    if (c->bytes[c->pos] != want)
        return PARSE_BAD;
    c->pos++;
    return PARSE_OK;
}

enum parse cursor_text(struct cursor *c, const char *want)
{
    size_t at = c->pos;
    for (; *want != '\0'; want++, at++) {
        if (at == c->len)
            return PARSE_MORE;
        if (c->bytes[at] != (uint8_t)*want)
            return PARSE_BAD;
    }
    c->pos = at;
    return PARSE_OK;
}

enum parse cursor_text_nocase(struct cursor *c, const char *want)
{
    size_t at = c->pos;
    for (; *want != '\0'; want++, at++) {
        if (at == c->len)
            return PARSE_MORE;
        if (text_lower((char)c->bytes[at]) != text_lower(*want))
            return PARSE_BAD;
    }
    c->pos = at;
    return PARSE_OK;
}

enum parse cursor_number(struct cursor *c, uint64_t max, uint64_t *out_number)
{
    uint64_t n = 0;
    size_t at = c->pos;
    for (; at < c->len && c->bytes[at] >= '0' && c->bytes[at] <= '9'; at++) {
        uint64_t digit = (uint64_t)(c->bytes[at] - '0');
        if (n > (max - digit) / 10)
            return PARSE_BAD;
        n = n * 10 + digit;
    }
    if (at == c->len)
        return PARSE_MORE;
    if (at == c->pos)
        return PARSE_BAD;
    c->pos = at;
    *out_number = n;
    return PARSE_OK;
}

enum parse cursor_until(struct cursor *c, uint8_t stop, size_t max, struct span *out_bytes)
{
    const uint8_t *from = c->bytes + c->pos;
    size_t left = cursor_left(c);
    size_t look = left <= max ? left : max + 1; /* max bytes and the stop itself */
    const uint8_t *found = look > 0 ? memchr(from, stop, look) : NULL;
    if (found == NULL)
        return left > max ? PARSE_BAD : PARSE_MORE;
    *out_bytes = (struct span){from, (size_t)(found - from)};
    c->pos += out_bytes->len;
    return PARSE_OK;
}

enum parse cursor_line(struct cursor *c, size_t max, struct span *out_line)
{
    struct span line;
    enum parse r = cursor_until(c, '\n', max < SIZE_MAX - 1 ? max + 1 : max, &line);
    if (r != PARSE_OK)
        return r;
    size_t whole = line.len;
    if (whole > 0 && line.bytes[whole - 1] == '\r')
        line.len--;
    if (line.len > max) {
        c->pos -= whole;
        return PARSE_BAD;
    }
    c->pos++;
    *out_line = line;
    return PARSE_OK;
}

bool span_is(struct span s, const char *text)
{
    size_t i = 0;
    for (; i < s.len && text[i] != '\0'; i++)
        if (text_lower((char)s.bytes[i]) != text_lower(text[i]))
            return false;
    return i == s.len && text[i] == '\0';
}

char *span_copy(struct span s)
{
    return strndup((const char *)s.bytes, s.len);
}
