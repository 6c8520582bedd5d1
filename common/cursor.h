/* SPDX-License-Identifier: Apache-2.0 */
/* cursor.h - bounded reading of bytes that somebody else sent.
 *
 * A step succeeds and moves the cursor, or leaves it where it was. PARSE_MORE means: fine so far,
 * feed more bytes and ask again; whoever knows that no more will come (a whole line, a whole
 * header) treats it as PARSE_BAD. No step reads past len, none writes, none allocates. */
#ifndef MAILCHUTE_COMMON_CURSOR_H
#define MAILCHUTE_COMMON_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
    const uint8_t *bytes; /* borrowed */
    size_t len, pos;      /* pos <= len, always */
};

struct span {
    const uint8_t *bytes; /* borrowed, the same lifetime as the cursor's */
    size_t len;
};

enum parse { PARSE_OK, PARSE_MORE, PARSE_BAD };

/** cursor_over - a cursor at the start of these bytes. */
static inline struct cursor cursor_over(const void *bytes, size_t len)
{
    return (struct cursor){(const uint8_t *)bytes, len, 0};
}

static inline size_t cursor_left(const struct cursor *c)
{
    return c->len - c->pos;
}

/** cursor_peek - the next byte, or -1 at the end. */
static inline int cursor_peek(const struct cursor *c)
{
    return c->pos < c->len ? c->bytes[c->pos] : -1;
}

/** cursor_next - the next byte and past it, or -1 at the end. */
static inline int cursor_next(struct cursor *c)
{
    return c->pos < c->len ? c->bytes[c->pos++] : -1;
}

enum parse cursor_byte(struct cursor *c, uint8_t want);
enum parse cursor_text(struct cursor *c, const char *want);        /* exactly these bytes */
enum parse cursor_text_nocase(struct cursor *c, const char *want); /* ASCII case ignored */

/** cursor_number - 1*DIGIT, at most @max (>= 9): more is PARSE_BAD, never a wrap. PARSE_MORE where
 * the bytes end behind a digit. */
enum parse cursor_number(struct cursor *c, uint64_t max, uint64_t *out_number);

/** cursor_until - the bytes before the next @stop, which must come within @max bytes (else BAD);
 * the cursor then stands on @stop. */
enum parse cursor_until(struct cursor *c, uint8_t stop, size_t max, struct span *out_bytes);

/** cursor_line - the bytes before the next CR LF or bare LF; the cursor stands behind the line end.
 * A line longer than @max bytes is BAD. */
enum parse cursor_line(struct cursor *c, size_t max, struct span *out_line);

/** span_is - the span equals this text, ASCII case ignored. */
bool span_is(struct span s, const char *text);

/** span_copy - the span as text of its own (NULs kept out: cut at the first). Yours: free(). */
char *span_copy(struct span s);

#endif
