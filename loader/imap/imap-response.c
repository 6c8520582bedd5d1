/* SPDX-License-Identifier: Apache-2.0 */
/* imap-response.c - lines and literals. See imap-response.h. */
#include <config.h>
#include "imap-response-private.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

#define IMAP_HEAD 10u /* bytes that tell a SEARCH response: "* ESEARCH " */

struct imap_parser *imap_parser_new(imap_event_function *function, void *context,
                                    bool lenient_start)
{
    struct imap_parser *parser = calloc(1, sizeof *parser);
    if (parser == NULL)
        return NULL;
    parser->function = function;
    parser->context = context;
    parser->first_line = lenient_start;
    buffer_init(&parser->line, IMAP_LINE_MAX);
    return parser;
}

void imap_parser_free(struct imap_parser *parser)
{
    if (parser == NULL)
        return;
    buffer_done(&parser->line);
    free(parser);
}

void imap_parser_allow(struct imap_parser *parser)
{
    parser->untagged = parser->numbers = parser->skipped = 0;
}

void imap_parser_spare(struct imap_parser *parser)
{
    buffer_spare(&parser->line);
}

int imap_protocol_error(struct error *err, const char *what, struct span at)
{
    char shown[81];
    text_said(shown, sizeof shown, at.bytes, at.len);
    return error_set(err, ERROR_PROTOCOL,
                     "the server does not keep to the IMAP protocol: %s near '%s'; "
                     "try again later, or tell its administrator",
                     what, shown);
}

int imap_parser_emit(struct imap_parser *parser, const struct imap_event *event, struct error *err)
{
    if (event->kind == IMAP_EVENT_TAGGED)
        imap_parser_allow(parser);
    return parser->function(parser->context, event, err);
}

/* ---- Small pieces of grammar, for the other files too ---------------------------------------- */

enum parse imap_parse_u64(struct cursor *c, uint64_t *out_number)
{
    uint64_t n = 0;
    size_t at = c->pos;
    for (; at < c->len && c->bytes[at] >= '0' && c->bytes[at] <= '9'; at++) {
        uint64_t digit = (uint64_t)(c->bytes[at] - '0');
        if (n > (INT64_MAX - digit) / 10)
            return PARSE_BAD;
        n = n * 10 + digit;
    }
    if (at == c->pos)
        return PARSE_BAD;
    c->pos = at;
    *out_number = n;
    return PARSE_OK;
}

enum parse imap_parse_u32(struct cursor *c, uint32_t *out_number)
{
    struct cursor try = *c;
    uint64_t n;
    if (imap_parse_u64(&try, &n) != PARSE_OK || n > UINT32_MAX)
        return PARSE_BAD;
    *c = try;
    *out_number = (uint32_t)n;
    return PARSE_OK;
}

enum parse imap_parse_tag_number(struct cursor *c, uint32_t *out_number)
{
    struct cursor try = *c;
    if (imap_parse_u32(&try, out_number) != PARSE_OK || cursor_left(&try) != 0)
        return PARSE_BAD;
    *c = try;
    return PARSE_OK;
}

struct span imap_parse_atom(struct cursor *c)
{
    struct span atom = {c->bytes + c->pos, 0};
    int byte;
    while ((byte = cursor_peek(c)) >= 0 && byte != ' ' && byte != '(' && byte != ')') {
        atom.len++;
        c->pos++;
    }
    return atom;
}

enum parse imap_parse_quoted(struct cursor *c, struct buffer *scratch)
{
    struct cursor try = *c;
    int byte;
    buffer_clear(scratch);
    if (cursor_byte(&try, '"') != PARSE_OK)
        return PARSE_BAD;
    while ((byte = cursor_next(&try)) >= 0 && byte != '"') {
        if (byte == '\\' && (byte = cursor_next(&try)) < 0)
            return PARSE_BAD;
        if (buffer_append_byte(scratch, (uint8_t)byte) < 0)
            return PARSE_BAD;
    }
    if (byte < 0)
        return PARSE_BAD;
    *c = try;
    return PARSE_OK;
}

/* literal = "{" number64 ["+"] "}" CRLF; literal8 = "~{" number64 "}" CRLF (RFC 9051 s.9). */
enum parse imap_parse_announced(struct cursor *c, uint64_t *out_size)
{
    struct cursor try = *c;
    uint64_t n;
    (void)cursor_byte(&try, '~');
    if (cursor_byte(&try, '{') != PARSE_OK || imap_parse_u64(&try, &n) != PARSE_OK)
        return PARSE_BAD;
    (void)cursor_byte(&try, '+');
    if (cursor_byte(&try, '}') != PARSE_OK || cursor_left(&try) != 0)
        return PARSE_BAD;
    *c = try;
    *out_size = n;
    return PARSE_OK;
}

/* ---- Lines ----------------------------------------------------------------------------------- */

/* Does a line end in a literal that has to be held with it? What stands before @from is a literal's
 * own, and announces nothing. */
static bool imap_line_announces(struct span line, size_t from, uint64_t *out_size)
{
    if (line.len < from + 3 || line.bytes[line.len - 1] != '}')
        return false;
    size_t at = line.len - 1;
    while (at > from && line.bytes[at] != '{' && line.len - at < 24)
        at--;
    struct cursor c = cursor_over(line.bytes + at, line.len - at);
    return imap_parse_announced(&c, out_size) == PARSE_OK;
}

/* "* 7 FETCH (": the cursor then stands behind FETCH and its space. */
static bool imap_line_is_fetch(struct cursor *c, uint32_t *out_number)
{
    struct cursor try = *c;
    if (cursor_text(&try, "* ") != PARSE_OK || imap_parse_u32(&try, out_number) != PARSE_OK ||
        cursor_text_nocase(&try, " FETCH ") != PARSE_OK)
        return false;
    *c = try;
    return true;
}

static int imap_parser_count(uint64_t *counter, uint64_t more, uint64_t max, const char *name,
                             struct error *err)
{
    *counter += more;
    if (*counter <= max)
        return 0;
    return error_set(err, ERROR_PROTOCOL,
                     "the server sends without end: more than %llu bytes of %s and "
                     "no answer to a command; try again later, or tell its administrator",
                     (unsigned long long)max, name);
}

/* More of a line that is not complete yet. */
static int imap_parser_hold(struct imap_parser *parser, struct span piece, const char *too_long,
                            struct error *err)
{
    if (buffer_append(&parser->line, piece.bytes, piece.len) == 0)
        return 0;
    return buffer_is_full(&parser->line) ? imap_protocol_error(err, too_long, piece)
                                         : error_oom(err, "reading from the server");
}

static const char imap_long_line[] = "a line is longer than 64 kB",
                  imap_long_inline[] = "a line with its literals is longer than 64 kB";

/* A literal inside a line that is held: what was read of the line stays, the literal follows it. */
static int imap_parser_inline(struct imap_parser *parser, struct span line, uint64_t size,
                              struct error *err)
{
    bool held = parser->line.data != NULL && line.bytes == (const uint8_t *)parser->line.data;
    if (size > IMAP_LINE_MAX)
        return imap_protocol_error(err, imap_long_inline, line);
    if ((!held && imap_parser_hold(parser, line, imap_long_inline, err) < 0) ||
        imap_parser_hold(parser, (struct span){(const uint8_t *)"\r\n", 2}, imap_long_inline, err) <
            0)
        return -1;
    parser->literal_left = size;
    parser->state = IMAP_PARSER_INLINE;
    return 0;
}

/* A whole line, without its line end. When it was held, it is in parser->line. */
static int imap_parser_line(struct imap_parser *parser, struct span line, struct error *err)
{
    struct cursor c = cursor_over(line.bytes, line.len);
    uint64_t size;
    int r;
    if (imap_parser_count(&parser->untagged, line.len + 2, IMAP_UNTAGGED_MAX, "untagged data",
                          err) < 0)
        return -1;
    if (parser->in_fetch) {
        r = imap_parser_fetch(parser, line, err);
    } else if (imap_line_is_fetch(&c, &parser->fetch_number)) {
        parser->in_fetch = true;
        parser->item = IMAP_ITEM_NONE;
        parser->depth = 0;
        parser->fetch = (struct imap_fetch){0};
        if (cursor_byte(&c, '(') != PARSE_OK)
            return imap_protocol_error(err, "FETCH without '('", line);
        r = imap_parser_fetch(parser, (struct span){c.bytes + c.pos, cursor_left(&c)}, err);
    } else if (!imap_parser_is_text(line) &&
               imap_line_announces(line, parser->literal_end, &size)) {
        return imap_parser_inline(parser, line, size, err);
    } else {
        r = imap_parser_data(parser, line, err);
    }
    buffer_clear(&parser->line);
    parser->literal_end = 0;
    parser->first_line = false;
    return r;
}

/* The head of what is held and what is there, to see whether it is a SEARCH response. */
static bool imap_parser_is_numbers(struct imap_parser *parser, struct span piece, size_t *out_skip)
{
    uint8_t head[IMAP_HEAD];
    size_t held = parser->line.len < IMAP_HEAD ? parser->line.len : IMAP_HEAD;
    size_t more = piece.len < IMAP_HEAD - held ? piece.len : IMAP_HEAD - held;
    if (parser->in_fetch)
        return false;
    if (held > 0)
        memcpy(head, parser->line.data, held);
    if (more > 0)
        memcpy(head + held, piece.bytes, more);
    return imap_parser_numbers_start(parser, (struct span){head, held + more}, out_skip);
}

/* From here on the line is read number by number. Its name is in what is held or in @in. */
static int imap_parser_to_numbers(struct imap_parser *parser, size_t skip, struct cursor *in,
                                  struct error *err)
{
    size_t held = parser->line.len;
    parser->state = IMAP_PARSER_NUMBERS;
    parser->first_line = false;
    if (skip > held) {
        in->pos += skip - held;
    } else {
        struct cursor c = cursor_over(parser->line.data + skip, held - skip);
        if (imap_parser_numbers(parser, &c, err) < 0)
            return -1;
    }
    buffer_clear(&parser->line);
    return 0;
}

/* LINE: one line, or as much of it as there is. */
static int imap_parser_take_line(struct imap_parser *parser, struct cursor *in, struct error *err)
{
    const uint8_t *from = in->bytes + in->pos;
    const uint8_t *end = memchr(from, '\n', cursor_left(in));
    struct span piece = {from, end != NULL ? (size_t)(end - from) : cursor_left(in)};
    size_t skip;
    if (imap_parser_is_numbers(parser, piece, &skip))
        return imap_parser_to_numbers(parser, skip, in, err);
    in->pos += piece.len + (end != NULL ? 1 : 0);
    if (end == NULL || parser->line.len > 0) {
        if (imap_parser_hold(parser, piece, imap_long_line, err) < 0)
            return -1;
        if (end == NULL)
            return 0;
        piece = (struct span){(const uint8_t *)parser->line.data, parser->line.len};
    }
    if (piece.len > parser->literal_end && piece.bytes[piece.len - 1] == '\r') {
        piece.len--;
        if (piece.bytes == (const uint8_t *)parser->line.data)
            buffer_truncate(&parser->line, piece.len);
    }
    if (piece.len > IMAP_LINE_MAX)
        return imap_protocol_error(err, imap_long_line, piece);
    return imap_parser_line(parser, piece, err);
}

/* ---- Literals -------------------------------------------------------------------------------- */

static int imap_parser_take_literal(struct imap_parser *parser, struct cursor *in,
                                    struct error *err)
{
    struct span piece = {in->bytes + in->pos, cursor_left(in)};
    if (piece.len > parser->literal_left)
        piece.len = (size_t)parser->literal_left;
    in->pos += piece.len;
    parser->literal_left -= piece.len;
    if (parser->body_wanted && piece.len > 0) {
        struct imap_event event = {.kind = IMAP_EVENT_BODY_BYTES, .text = piece};
        if (imap_parser_emit(parser, &event, err) < 0)
            return -1;
    } else if (imap_parser_count(&parser->skipped, piece.len, IMAP_SKIPPED_MAX,
                                 "items nobody asked for", err) < 0) {
        return -1;
    }
    if (parser->literal_left > 0)
        return 0;
    parser->state = IMAP_PARSER_LINE;
    return imap_parser_fetch_literal_end(parser, err);
}

static int imap_parser_take_inline(struct imap_parser *parser, struct cursor *in, struct error *err)
{
    struct span piece = {in->bytes + in->pos, cursor_left(in)};
    if (piece.len > parser->literal_left)
        piece.len = (size_t)parser->literal_left;
    if (imap_parser_hold(parser, piece, imap_long_inline, err) < 0)
        return -1;
    in->pos += piece.len;
    parser->literal_left -= piece.len;
    if (parser->literal_left == 0) {
        parser->state = IMAP_PARSER_LINE;
        parser->literal_end = parser->line.len;
    }
    return 0;
}

uint64_t imap_parser_body_left(const struct imap_parser *parser)
{
    return parser->state == IMAP_PARSER_LITERAL && parser->body_wanted ? parser->literal_left : 0;
}

int imap_parser_feed(struct imap_parser *parser, const void *bytes, size_t count, struct error *err)
{
    struct cursor in = cursor_over(bytes, count);
    int r = 0;
    while (r == 0 && cursor_left(&in) > 0) {
        size_t before = in.pos;
        switch (parser->state) {
        case IMAP_PARSER_LINE:
            r = imap_parser_take_line(parser, &in, err);
            break;
        case IMAP_PARSER_LITERAL:
            r = imap_parser_take_literal(parser, &in, err);
            break;
        case IMAP_PARSER_INLINE:
            r = imap_parser_take_inline(parser, &in, err);
            break;
        case IMAP_PARSER_NUMBERS:
            r = imap_parser_numbers(parser, &in, err);
            if (r == 0)
                r = imap_parser_count(&parser->numbers, in.pos - before, IMAP_NUMBERS_MAX,
                                      "SEARCH answers", err);
            break;
        }
    }
    return r;
}
