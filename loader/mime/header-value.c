/* SPDX-License-Identifier: Apache-2.0 */
/* header-value.c - fields with parameters. See header-value.h.
 *
 * First the pieces as they stand, quotes undone; then pieces of one name are joined and decoded. */
#include <config.h>
#include "header-value.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "charset.h"
#include "charset-names.h"
#include "header-comment.h"
#include "header-text.h"
#include "problem.h"
#include "text.h"

#define WHOLE UINT32_MAX /* not a piece of several */
#define PIECE_MAX 9999u  /* largest number of a piece */

/* One "name*3*=value" as it stands. */
struct piece {
    struct span name;    /* without what RFC 2231 appends */
    uint32_t number;     /* WHOLE, or that of a continuation (RFC 2231 s.3) */
    bool extended;       /* charset and percent (RFC 2231 s.4) */
    bool taken;          /* part of a parameter already */
    struct buffer value; /* quotes undone */
};

struct pieces {
    struct piece at[MAIL_PARAMETERS_MAX];
    size_t count;
};

static void pieces_free(struct pieces *p)
{
    for (size_t i = 0; p != NULL && i < p->count; i++)
        buffer_done(&p->at[i].value);
    free(p);
}
AUTO_DEFINE(pieces, pieces_free);

void header_value_done(struct header_value *value)
{
    free(value->value);
    for (size_t i = 0; i < value->count; i++) {
        free(value->parameters[i].name);
        free(value->parameters[i].value);
    }
    free(value->parameters);
    *value = (struct header_value){0};
}

/* --- pieces --- */

static bool is_space(int byte)
{
    return byte >= 0 && text_is_space((char)byte);
}

static bool is_token(int byte)
{
    return byte > ' ' && byte < 0x7F && strchr("()<>@,;:\\\"/[]?=", byte) == NULL;
}

static void skip_space(struct cursor *c)
{
    while (is_space(cursor_peek(c)))
        c->pos++;
}

/* A comment at the cursor; false if it is not closed. */
static bool skip_comment(struct cursor *c)
{
    size_t length = header_comment_length(c);
    c->pos += length;
    return length > 0;
}

/* Does "token =" stand here? Then a parameter begins whose ";" was forgotten. */
static bool at_parameter(struct cursor c)
{
    size_t from = c.pos;
    while (is_token(cursor_peek(&c)))
        c.pos++;
    size_t length = c.pos - from;
    skip_space(&c);
    return length > 0 && length < 40 && cursor_peek(&c) == '=';
}

/* What may follow the end of a quoted string: nothing, ";", a comment, the next parameter. */
static bool at_value_end(struct cursor c)
{
    size_t from = c.pos;
    skip_space(&c);
    int byte = cursor_peek(&c);
    return byte < 0 || byte == ';' || byte == '(' || byte == ',' ||
           (c.pos > from && at_parameter(c));
}

/* The backslash at the cursor escapes what follows (RFC 5322 s.3.2.4): a quote, another one, and
 * signs that some programs escape without need; but in a path of Windows it parts folders. */
static bool at_escape(const struct cursor *c, const struct buffer *value)
{
    const char *text = buffer_text(value);
    bool path = text[0] == '\\' || (text[0] != '\0' && text[1] == ':');
    int next = cursor_left(c) > 1 ? c->bytes[c->pos + 1] : -1;
    return next == '"' || next == '\\' ||
           (next > 0 && !path && strchr(" ()<>@,;:[]?='", next) != NULL);
}

/* A quoted string at the cursor. Quotes inside that nobody escaped belong to it. */
static int read_quoted(struct cursor *c, struct buffer *out, struct mail_texts *problems)
{
    bool inside = true;
    c->pos++;
    while (c->pos < c->len) {
        uint8_t byte = c->bytes[c->pos];
        if (byte == ';' && !inside)
            return 0;
        bool escape = byte == '\\' && at_escape(c, out);
        c->pos++;
        if (byte == '"' && at_value_end(*c))
            return 0;
        inside = byte == '"' ? !inside : inside;
        if (escape)
            byte = (uint8_t)cursor_next(c);
        if (byte != '\r' && byte != '\n' && buffer_append_byte(out, byte) < 0)
            return -1;
    }
    return problem_add(problems, "parameter: quote without an end");
}

/* A comment that ends the value at the cursor: *c moves behind it. Up to *letters parentheses were
 * looked at before: each is looked at once, so that many cost no square. */
static bool skip_last_comment(struct cursor *c, size_t *letters)
{
    struct cursor behind = *c;
    if (cursor_peek(c) != '(' || c->pos < *letters)
        return false;
    *letters = skip_comment(&behind) ? behind.pos : c->len;
    if (behind.pos == c->pos || !at_value_end(behind))
        return false;
    *c = behind;
    return true;
}

/* A value without quotes: up to ";" or the next parameter, spaces inside and all. */
static int read_bare(struct cursor *c, struct buffer *out)
{
    size_t letters = 0;
    while (c->pos < c->len && c->bytes[c->pos] != ';') {
        uint8_t byte = c->bytes[c->pos];
        struct cursor next = *c;
        if (is_space(byte)) {
            skip_space(&next);
            bool ends = skip_last_comment(&next, &letters) || at_parameter(next);
            *c = next;
            if (ends)
                break;
            byte = ' ';
            if (cursor_peek(c) < 0 || cursor_peek(c) == ';')
                break;
        } else {
            c->pos++;
        }
        if (buffer_append_byte(out, byte) < 0)
            return -1;
    }
    return 0;
}

/* name ["*" number] ["*"], the name itself is left in piece->name. */
static void piece_split_name(struct piece *piece, struct span name)
{
    piece->number = WHOLE;
    if (name.len > 1 && name.bytes[name.len - 1] == '*') {
        piece->extended = true;
        name.len--;
    }
    size_t digits = 0;
    uint32_t number = 0;
    while (digits < name.len && name.bytes[name.len - 1 - digits] >= '0' &&
           name.bytes[name.len - 1 - digits] <= '9')
        digits++;
    for (size_t i = name.len - digits; i < name.len; i++)
        number = number > PIECE_MAX ? number : number * 10 + (uint32_t)(name.bytes[i] - '0');
    if (digits > 0 && digits + 1 < name.len && name.bytes[name.len - 1 - digits] == '*' &&
        number <= PIECE_MAX) {
        piece->number = number;
        name.len -= digits + 1;
    }
    piece->name = name;
}

/* [ws] name [ws] "=" [ws] value; the cursor ends at ";", at the next name or at the end. */
static int read_piece(struct cursor *c, struct pieces *pieces, struct mail_texts *problems)
{
    size_t from = c->pos;
    while (is_token(cursor_peek(c)))
        c->pos++;
    struct span name = {c->bytes + from, c->pos - from};
    skip_space(c);
    if (name.len == 0 || cursor_peek(c) != '=') {
        while (c->pos < c->len && c->bytes[c->pos] != ';')
            c->pos++;
        return 0;
    }
    c->pos++;
    skip_space(c);
    if (pieces->count == MAIL_PARAMETERS_MAX) {
        c->pos = c->len;
        return problem_add(problems, "more than %u parameters: the rest is not read",
                           MAIL_PARAMETERS_MAX);
    }
    struct piece *piece = &pieces->at[pieces->count++];
    buffer_init(&piece->value, SIZE_MAX);
    piece_split_name(piece, name);
    if (cursor_peek(c) == '"')
        return read_quoted(c, &piece->value, problems);
    return read_bare(c, &piece->value);
}

static int read_pieces(struct cursor *c, struct pieces *pieces, struct mail_texts *problems)
{
    while (c->pos < c->len) {
        int byte = cursor_peek(c);
        if (is_space(byte) || byte == ';' || byte == ',' || byte == ':') {
            c->pos++;
        } else if (byte == '(') {
            if (!skip_comment(c))
                c->pos = c->len;
        } else if (read_piece(c, pieces, problems) < 0) {
            return -1;
        }
    }
    return 0;
}

/* What stands before the first ";", or the "," or ":" that some write for it: without comments and
 * white space, in lower case. */
static char *read_main(struct cursor *c)
{
    AUTO_DONE(buffer) out;
    buffer_init(&out, SIZE_MAX);
    /* analyse: three bytes, without the NUL */
    while (c->pos < c->len && memchr(";,:", c->bytes[c->pos], 3) == NULL) {
        uint8_t byte = c->bytes[c->pos];
        if (is_space(byte)) {
            skip_space(c);
            if (at_parameter(*c))
                break;
            continue;
        }
        if (byte == '(') {
            if (!skip_comment(c))
                c->pos = c->len;
            continue;
        }
        c->pos++;
        if (byte > ' ' && byte < 0x7F && byte != '"' &&
            buffer_append_byte(&out, (uint8_t)text_lower((char)byte)) < 0)
            return NULL;
    }
    return buffer_take(&out);
}

/* --- parameters --- */

static int hex_digit(uint8_t byte)
{
    char lower = text_lower((char)byte);
    return lower >= '0' && lower <= '9'   ? lower - '0'
           : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10
                                          : -1;
}

static int percent_decode(struct span s, struct buffer *out)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t byte = s.bytes[i];
        int high = byte == '%' && s.len - i > 2 ? hex_digit(s.bytes[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(s.bytes[i + 2]) : -1;
        if (low >= 0) {
            byte = (uint8_t)(high * 16 + low);
            i += 2;
        }
        if (buffer_append_byte(out, byte) < 0)
            return -1;
    }
    return 0;
}

/* charset "'" [language] "'" (RFC 2231 s.4) at the front of @s: moved past it, into @charset. */
static bool split_charset(struct span *s, char charset[CHARSET_NAME_MAX])
{
    const uint8_t *first = s->len > 0 ? memchr(s->bytes, '\'', s->len) : NULL;
    size_t name = first != NULL ? (size_t)(first - s->bytes) : 0;
    const uint8_t *second = first != NULL ? memchr(first + 1, '\'', s->len - name - 1) : NULL;
    if (second == NULL || name >= CHARSET_NAME_MAX)
        return false;
    memcpy(charset, s->bytes, name);
    charset[name] = '\0';
    size_t skip = (size_t)(second - s->bytes) + 1;
    *s = (struct span){s->bytes + skip, s->len - skip};
    return true;
}

static struct span piece_span(const struct piece *piece)
{
    return (struct span){(const uint8_t *)piece->value.data, piece->value.len};
}

static bool span_same(struct span a, struct span b)
{
    for (size_t i = 0; i < a.len && a.len == b.len; i++)
        if (text_lower((char)a.bytes[i]) != text_lower((char)b.bytes[i]))
            return false;
    return a.len == b.len;
}

/* The next piece of the same name: the smallest number from @number on. NULL: no more. */
static struct piece *piece_next(struct pieces *pieces, struct span name, uint32_t number)
{
    struct piece *best = NULL;
    for (size_t i = 0; i < pieces->count; i++) {
        struct piece *p = &pieces->at[i];
        if (!p->taken && p->number != WHOLE && p->number >= number && span_same(p->name, name) &&
            (best == NULL || p->number < best->number))
            best = p;
    }
    return best;
}

/* Join the numbered pieces of @name: bytes, in the charset that the first one names. */
static int join_pieces(struct pieces *pieces, struct span name, struct buffer *bytes,
                       char charset[CHARSET_NAME_MAX], bool *out_extended)
{
    uint32_t number = 0;
    struct piece *p;
    *out_extended = false;
    while ((p = piece_next(pieces, name, number)) != NULL) {
        struct span value = piece_span(p);
        if (p->extended && number == 0)
            (void)split_charset(&value, charset);
        *out_extended = *out_extended || p->extended;
        number = p->number + 1;
        p->taken = true;
        int r = p->extended ? percent_decode(value, bytes)
                            : buffer_append(bytes, value.bytes, value.len);
        if (r < 0)
            return -1;
    }
    return 0;
}

/* From RFC 2231 bytes to text: their charset first, then encoded words that do not belong there. */
static char *decode_extended(const char *charset, const struct buffer *bytes,
                             struct mail_texts *problems)
{
    char problem[CHARSET_PROBLEM_MAX];
    AUTO_DONE(buffer) text;
    buffer_init(&text, SIZE_MAX);
    struct span raw = {(const uint8_t *)bytes->data, bytes->len};
    if (charset_to_utf8(charset[0] != '\0' ? charset : NULL, raw, &text, problem) < 0 ||
        (problem[0] != '\0' && problem_add(problems, "parameter: %s", problem) < 0))
        return NULL;
    return header_take_text((struct span){(const uint8_t *)text.data, text.len}, SIZE_MAX,
                            problems);
}

/* A value in the plain form. Some mailers put the extended form there, without the star. */
static char *decode_plain(struct span name, struct span value, struct mail_texts *problems)
{
    char charset[CHARSET_NAME_MAX] = "";
    struct span rest = value;
    if (span_is(name, "boundary")) /* compared with bytes of the body */
        return value.len > 0 ? span_copy(value) : strdup("");
    if (!split_charset(&rest, charset) || charset[0] == '\0' || charset_name(charset) == NULL)
        return header_take_text(value, SIZE_MAX, problems);
    AUTO_DONE(buffer) bytes;
    buffer_init(&bytes, SIZE_MAX);
    if (percent_decode(rest, &bytes) < 0)
        return NULL;
    return decode_extended(charset, &bytes, problems);
}

/* The value of @name in its best form; marks all of its pieces as taken. */
static char *decode_parameter(struct pieces *pieces, struct span name, struct mail_texts *problems)
{
    char charset[CHARSET_NAME_MAX] = "";
    bool extended = false;
    struct piece *plain = NULL, *single = NULL;
    AUTO_DONE(buffer) bytes;
    buffer_init(&bytes, SIZE_MAX);
    for (size_t i = 0; i < pieces->count; i++) {
        struct piece *p = &pieces->at[i];
        if (p->number != WHOLE || !span_same(p->name, name))
            continue;
        p->taken = true;
        if (p->extended && single == NULL)
            single = p;
        if (!p->extended && plain == NULL)
            plain = p;
    }
    if (join_pieces(pieces, name, &bytes, charset, &extended) < 0)
        return NULL;
    for (size_t i = 0; i < pieces->count; i++) /* pieces that came twice */
        pieces->at[i].taken = pieces->at[i].taken || span_same(pieces->at[i].name, name);
    if (single != NULL) {
        struct span value = piece_span(single);
        (void)split_charset(&value, charset);
        buffer_clear(&bytes);
        if (percent_decode(value, &bytes) < 0)
            return NULL;
        return decode_extended(charset, &bytes, problems);
    }
    if (extended)
        return decode_extended(charset, &bytes, problems);
    struct span joined = {(const uint8_t *)bytes.data, bytes.len};
    return decode_plain(name, plain != NULL && bytes.len == 0 ? piece_span(plain) : joined,
                        problems);
}

static int add_parameter(struct pieces *pieces, struct span name, struct header_value *out,
                         struct mail_texts *problems)
{
    AUTO_TEXT value = decode_parameter(pieces, name, problems);
    AUTO_TEXT lower = span_copy(name);
    if (value == NULL || lower == NULL)
        return -1;
    for (char *at = lower; *at != '\0'; at++)
        *at = text_lower(*at);
    out->parameters[out->count++] = (struct header_parameter){TAKE(lower), TAKE(value)};
    return 0;
}

int header_parse_value(struct span value, struct header_value *out, struct mail_texts *problems)
{
    *out = (struct header_value){0};
    AUTO_DONE(header_value) v = {0};
    AUTO(pieces) pieces = calloc(1, sizeof *pieces);
    struct cursor c = cursor_over(value.bytes, value.len);
    if (pieces == NULL || (v.value = read_main(&c)) == NULL ||
        read_pieces(&c, pieces, problems) < 0)
        return -1;
    v.parameters = calloc(pieces->count + 1, sizeof *v.parameters);
    if (v.parameters == NULL)
        return -1;
    for (size_t i = 0; i < pieces->count; i++)
        if (!pieces->at[i].taken && add_parameter(pieces, pieces->at[i].name, &v, problems) < 0)
            return -1;
    *out = v;
    v = (struct header_value){0};
    return 0;
}

const char *header_value_get(const struct header_value *value, const char *name)
{
    for (size_t i = 0; i < value->count; i++)
        if (text_equal_nocase(value->parameters[i].name, name))
            return value->parameters[i].value;
    return NULL;
}
