/* SPDX-License-Identifier: Apache-2.0 */
/* mime-header.c - see mime-header.h. */
#include <config.h>
#include "mime-header.h"

#include <string.h>

static inline bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* field-name = 1*ftext (RFC 5322 s.3.6.8): printable, no colon. */
static inline bool is_name_byte(uint8_t c)
{
    return c > ' ' && c < 0x7F && c != ':';
}

/* A line such as "X-Odd name: value", whose name is none, but which nobody would take for text. */
static enum mime_line odd_line_kind(const uint8_t *bytes, size_t len)
{
    static const char *const starts[] = {"X-", "Content-"};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        struct cursor c = cursor_over(bytes, len);
        if (cursor_text_nocase(&c, starts[i]) != PARSE_OK)
            continue;
        const uint8_t *lf = memchr(bytes, '\n', len);
        if (memchr(bytes, ':', lf != NULL ? (size_t)(lf - bytes) : len) != NULL)
            return MIME_LINE_FIELD;
        return lf != NULL ? MIME_LINE_OTHER : MIME_LINE_MORE;
    }
    return MIME_LINE_OTHER;
}

enum mime_line mime_line_kind(const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    if (len == 0)
        return MIME_LINE_MORE;
    if (is_blank(bytes[0]))
        return MIME_LINE_FOLD;
    while (at < len && is_name_byte(bytes[at]))
        at++;
    if (at == 0)
        return MIME_LINE_OTHER;
    while (at < len && is_blank(bytes[at])) /* obs-optional (s.4.5.8): white space may follow */
        at++;
    if (at == len)
        return MIME_LINE_MORE;
    return bytes[at] == ':' ? MIME_LINE_FIELD : odd_line_kind(bytes, len);
}

bool mime_line_is_known(const uint8_t *bytes, size_t len)
{
    static const char *const names[] = {
        "Received:",    "Return-Path:",  "Delivered-To:", "From:", "Sender:",     "Reply-To:",
        "To:",          "Cc:",           "Subject:",      "Date:", "Message-ID:", "References:",
        "In-Reply-To:", "MIME-Version:", "Content-",      "DKIM-", "List-",       "X-",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct cursor c = cursor_over(bytes, len);
        if (cursor_text_nocase(&c, names[i]) == PARSE_OK)
            return mime_line_kind(bytes, len) == MIME_LINE_FIELD;
    }
    return false;
}

/* The end of the line that begins at @at, its LF included. */
static size_t line_end(const struct cursor *c, size_t at)
{
    const uint8_t *lf = at < c->len ? memchr(c->bytes + at, '\n', c->len - at) : NULL;
    return lf != NULL ? (size_t)(lf - c->bytes) + 1 : c->len;
}

bool mime_line_is_empty(const uint8_t *line, size_t len)
{
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n'))
        len--;
    return len == 0;
}

bool mime_header_lead(const uint8_t *bytes, size_t len, bool last, size_t *out_skip)
{
    size_t at = 0, line = 0;
    *out_skip = 0;
    if (memcmp(bytes, "\xEF\xBB\xBF", len < 3 ? len : 3) == 0) {
        *out_skip = len >= 3 ? 3 : 0;
        return len >= 3 || last;
    }
    for (; at < len; at += line) {
        const uint8_t *lf = memchr(bytes + at, '\n', len - at);
        line = lf != NULL ? (size_t)(lf - bytes) + 1 - at : len - at;
        if (lf == NULL || !mime_line_is_empty(bytes + at, line))
            break;
    }
    if (at > 0 && !last && (at == len || bytes[at + line - 1] != '\n'))
        return false;
    if (at < len && mime_line_is_known(bytes + at, line))
        *out_skip = at;
    return true;
}

bool mime_field_next(struct cursor *block, struct mime_field *out_field)
{
    while (block->pos < block->len) {
        size_t start = block->pos, end = line_end(block, start);
        while (end < block->len && is_blank(block->bytes[end]))
            end = line_end(block, end);
        block->pos = end;
        const uint8_t *colon = memchr(block->bytes + start, ':', end - start);
        if (colon == NULL)
            continue; /* cut off by the limit */
        size_t name_end = (size_t)(colon - block->bytes), value = name_end + 1;
        while (name_end > start && is_blank(block->bytes[name_end - 1]))
            name_end--;
        while (end > value && (block->bytes[end - 1] == '\n' || block->bytes[end - 1] == '\r'))
            end--;
        out_field->name = (struct span){block->bytes + start, name_end - start};
        out_field->value = (struct span){block->bytes + value, end - value};
        return true;
    }
    return false;
}

bool mime_field_find(struct span block, const char *name, struct span *out_value)
{
    struct cursor c = cursor_over(block.bytes, block.len);
    struct mime_field field;
    while (mime_field_next(&c, &field)) {
        if (!span_is(field.name, name))
            continue;
        *out_value = field.value;
        return true;
    }
    return false;
}
