/* SPDX-License-Identifier: Apache-2.0 */
/* imap-response-fetch.c - one FETCH response, piece by piece. See imap-response.h.
 *
 *   msg-att = "(" item SP value *(SP item SP value) ")"        (RFC 9051 s.9)
 *
 * A piece is the text of one line: up to the closing parenthesis or to a literal's announcement.
 * What is awaited between two pieces stands in parser->item and parser->depth. */
#include <config.h>
#include "imap-response-private.h"

#include "clock.h"
#include "text.h"

static int imap_fetch_bad(const char *what, const struct cursor *c, struct error *err)
{
    return imap_protocol_error(err, what, (struct span){c->bytes + c->pos, cursor_left(c)});
}

/* ---- Names ----------------------------------------------------------------------------------- */

/* "BODY[HEADER.FIELDS (A B)]<0>": brackets may hold spaces. */
static struct span imap_fetch_name(struct cursor *c)
{
    struct span name = {c->bytes + c->pos, 0};
    bool bracket = false;
    int byte;
    while ((byte = cursor_peek(c)) >= 0) {
        if (!bracket && (byte == ' ' || byte == '(' || byte == ')'))
            break;
        bracket = byte == '[' || (bracket && byte != ']');
        name.len++;
        c->pos++;
    }
    return name;
}

static bool imap_fetch_starts(struct span name, const char *start)
{
    struct cursor c = cursor_over(name.bytes, name.len);
    return cursor_text_nocase(&c, start) == PARSE_OK;
}

static enum imap_item imap_fetch_item(struct span name)
{
    static const struct {
        const char *name;
        enum imap_item item;
    } items[] = {
        {"UID", IMAP_ITEM_UID},           {"BODY[]", IMAP_ITEM_WHOLE},
        {"RFC822.SIZE", IMAP_ITEM_SIZE},  {"RFC822", IMAP_ITEM_WHOLE},
        {"FLAGS", IMAP_ITEM_FLAGS},       {"BODY[HEADER]", IMAP_ITEM_HEADER},
        {"INTERNALDATE", IMAP_ITEM_DATE}, {"RFC822.HEADER", IMAP_ITEM_HEADER},
    };
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++)
        if (span_is(name, items[i].name))
            return items[i].item;
    if (imap_fetch_starts(name, "BODY[") || imap_fetch_starts(name, "BINARY["))
        return IMAP_ITEM_SECTION;
    return IMAP_ITEM_OTHER;
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* flag-list = "(" [flag *(SP flag)] ")" */
static int imap_fetch_flags(struct imap_parser *parser, struct cursor *c, struct error *err)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } flags[] = {{"\\Deleted", IMAP_FLAG_DELETED},
                 {"\\Seen", IMAP_FLAG_SEEN},
                 {"\\Flagged", IMAP_FLAG_FLAGGED},
                 {IMAP_KEYWORD, IMAP_FLAG_MARKED}};
    parser->fetch.flags = 0;
    if (cursor_byte(c, '(') != PARSE_OK)
        return imap_fetch_bad("FLAGS without '('", c, err);
    while (cursor_byte(c, ')') != PARSE_OK) {
        struct span flag = imap_parse_atom(c);
        for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
            if (span_is(flag, flags[i].name))
                parser->fetch.flags |= flags[i].bit;
        if (cursor_byte(c, ' ') != PARSE_OK && cursor_peek(c) != ')')
            return imap_fetch_bad("FLAGS without ')'", c, err);
    }
    parser->fetch.has |= IMAP_FETCH_FLAGS;
    return 0;
}

static bool imap_date_two(struct cursor *c, uint32_t max, uint32_t *out)
{
    int tens = cursor_next(c), ones = cursor_next(c);
    tens = tens == ' ' ? '0' : tens;
    if (tens < '0' || tens > '9' || ones < '0' || ones > '9')
        return false;
    *out = (uint32_t)(tens - '0') * 10 + (uint32_t)(ones - '0');
    return *out <= max;
}

static bool imap_date_month(struct cursor *c, uint32_t *out_month)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (uint32_t i = 0; i < 12; i++) {
        if (cursor_text_nocase(c, months[i]) == PARSE_OK) {
            *out_month = i + 1;
            return true;
        }
    }
    return false;
}

/* date-time = DQUOTE date-day-fixed "-" month "-" year SP time SP zone DQUOTE, its inside. */
static bool imap_fetch_read_date(struct span text, struct imap_fetch *fetch)
{
    struct cursor c = cursor_over(text.bytes, text.len);
    uint32_t day, month, century, year, hour, minute, second, zone_h, zone_m;
    if (!imap_date_two(&c, 31, &day) || cursor_byte(&c, '-') != PARSE_OK ||
        !imap_date_month(&c, &month) || cursor_byte(&c, '-') != PARSE_OK ||
        !imap_date_two(&c, 99, &century) || !imap_date_two(&c, 99, &year) ||
        cursor_byte(&c, ' ') != PARSE_OK || !imap_date_two(&c, 23, &hour) ||
        cursor_byte(&c, ':') != PARSE_OK || !imap_date_two(&c, 59, &minute) ||
        cursor_byte(&c, ':') != PARSE_OK || !imap_date_two(&c, 60, &second) ||
        cursor_byte(&c, ' ') != PARSE_OK || day == 0)
        return false;
    int sign = cursor_next(&c);
    if ((sign != '+' && sign != '-') || !imap_date_two(&c, 23, &zone_h) ||
        !imap_date_two(&c, 59, &zone_m) || cursor_left(&c) != 0)
        return false;
    int32_t offset = (int32_t)(zone_h * 60 + zone_m);
    fetch->date_offset_min = sign == '-' ? -offset : offset;
    fetch->date_s =
        clock_unix_from_date((int32_t)(century * 100 + year), month, day, hour, minute, second) -
        (int64_t)fetch->date_offset_min * 60;
    return true;
}

/* A quoted string into @out, which is the caller's to end. */
static int imap_fetch_quoted(struct cursor *c, const char *bad, struct buffer *out,
                             struct error *err)
{
    buffer_init(out, IMAP_LINE_MAX);
    if (buffer_reserve(out, cursor_left(c)) < 0 && !buffer_is_full(out))
        return error_oom(err, "reading from the server");
    return imap_parse_quoted(c, out) == PARSE_OK ? 0 : imap_fetch_bad(bad, c, err);
}

/* A date that is none costs the date, not the mail. */
static int imap_fetch_date(struct imap_parser *parser, struct cursor *c, struct error *err)
{
    struct buffer text;
    int r = imap_fetch_quoted(c, "INTERNALDATE that is no string", &text, err);
    if (r == 0 &&
        imap_fetch_read_date((struct span){(const uint8_t *)buffer_text(&text), text.len},
                             &parser->fetch))
        parser->fetch.has |= IMAP_FETCH_DATE;
    buffer_done(&text);
    return r;
}

/* ---- Bodies ---------------------------------------------------------------------------------- */

static int imap_fetch_body_start(struct imap_parser *parser, uint64_t size, struct error *err)
{
    struct imap_event event = {.kind = IMAP_EVENT_BODY,
                               .number = parser->fetch_number,
                               .size = size,
                               .fetch = parser->fetch};
    event.section = parser->item == IMAP_ITEM_WHOLE    ? IMAP_SECTION_WHOLE
                    : parser->item == IMAP_ITEM_HEADER ? IMAP_SECTION_HEADER
                                                       : IMAP_SECTION_OTHER;
    parser->fetch.has |= parser->item == IMAP_ITEM_WHOLE    ? IMAP_FETCH_WHOLE
                         : parser->item == IMAP_ITEM_HEADER ? IMAP_FETCH_HEADER
                                                            : 0;
    return imap_parser_emit(parser, &event, err);
}

static int imap_fetch_body_end(struct imap_parser *parser, struct error *err)
{
    struct imap_event event = {.kind = IMAP_EVENT_BODY_END, .number = parser->fetch_number};
    return imap_parser_emit(parser, &event, err);
}

/* A body as quoted string: short, and all there. */
static int imap_fetch_body_quoted(struct imap_parser *parser, struct cursor *c, struct error *err)
{
    struct buffer text;
    int r = imap_fetch_quoted(c, "a string without end", &text, err);
    if (r == 0)
        r = imap_fetch_body_start(parser, text.len, err);
    if (r == 0 && text.len > 0) {
        struct imap_event event = {.kind = IMAP_EVENT_BODY_BYTES,
                                   .text = {(const uint8_t *)text.data, text.len}};
        r = imap_parser_emit(parser, &event, err);
    }
    if (r == 0)
        r = imap_fetch_body_end(parser, err);
    buffer_done(&text);
    return r;
}

/* A literal is announced; from here the bytes are handed through. */
static int imap_fetch_literal(struct imap_parser *parser, struct cursor *c, bool body,
                              struct error *err)
{
    uint64_t size;
    if (imap_parse_announced(c, &size) != PARSE_OK || size > IMAP_LITERAL_MAX)
        return imap_fetch_bad("a literal that is broken or larger than 1 GB", c, err);
    parser->body_wanted = body;
    parser->literal_left = size;
    if (body && imap_fetch_body_start(parser, size, err) < 0)
        return -1;
    parser->state = IMAP_PARSER_LITERAL; /* also for no bytes: it ends with the next one */
    return 0;
}

int imap_parser_fetch_literal_end(struct imap_parser *parser, struct error *err)
{
    if (parser->depth == 0)
        parser->item = IMAP_ITEM_NONE;
    return parser->body_wanted ? imap_fetch_body_end(parser, err) : 0;
}

/* nstring = string / "NIL" */
static int imap_fetch_body(struct imap_parser *parser, struct cursor *c, struct error *err)
{
    int byte = cursor_peek(c);
    if (byte == '{' || byte == '~')
        return imap_fetch_literal(parser, c, true, err);
    if (byte == '"')
        return imap_fetch_body_quoted(parser, c, err);
    if (!span_is(imap_parse_atom(c), "NIL"))
        return imap_fetch_bad("a body that is no string", c, err);
    if (parser->item == IMAP_ITEM_WHOLE)
        parser->fetch.has |= IMAP_FETCH_WHOLE_NIL;
    if (parser->item == IMAP_ITEM_HEADER)
        parser->fetch.has |= IMAP_FETCH_HEADER;
    return 0;
}

static const char imap_fetch_endless[] = "a FETCH response without end";

/* A value of no use: atoms, strings, literals and lists of them. Returns where depth is 0 again, or
 * at a literal. */
static int imap_fetch_skip(struct imap_parser *parser, struct cursor *c, struct error *err)
{
    struct buffer text;
    int r = 0, byte;
    do {
        byte = cursor_peek(c);
        if (byte == '(' && ++parser->depth > IMAP_NESTING_MAX)
            return imap_fetch_bad("parentheses nested too deep", c, err);
        if (byte == ')' && parser->depth == 0)
            return imap_fetch_bad("a FETCH item without value", c, err);
        if (byte == ')')
            parser->depth--;
        if (byte == '(' || byte == ')' || byte == ' ') {
            c->pos++;
        } else if (byte == '{' ||
                   (byte == '~' && c->pos + 1 < c->len && c->bytes[c->pos + 1] == '{')) {
            return imap_fetch_literal(parser, c, false, err);
        } else if (byte == '"') {
            r = imap_fetch_quoted(c, imap_fetch_endless, &text, err);
            buffer_done(&text);
        } else if (imap_parse_atom(c).len == 0) {
            r = imap_fetch_bad(imap_fetch_endless, c, err);
        }
    } while (r == 0 && parser->depth > 0);
    return r;
}

static int imap_fetch_value(struct imap_parser *parser, struct cursor *c, struct error *err)
{
    struct imap_fetch *fetch = &parser->fetch;
    switch (parser->item) {
    case IMAP_ITEM_UID:
        if (imap_parse_u32(c, &fetch->uid) != PARSE_OK || fetch->uid == 0)
            return imap_fetch_bad("UID that is no number", c, err);
        fetch->has |= IMAP_FETCH_UID;
        return 0;
    case IMAP_ITEM_SIZE:
        if (imap_parse_u64(c, &fetch->size) != PARSE_OK)
            return imap_fetch_bad("RFC822.SIZE that is no number", c, err);
        fetch->has |= IMAP_FETCH_SIZE;
        return 0;
    case IMAP_ITEM_FLAGS:
        return imap_fetch_flags(parser, c, err);
    case IMAP_ITEM_DATE:
        return imap_fetch_date(parser, c, err);
    case IMAP_ITEM_WHOLE:
    case IMAP_ITEM_HEADER:
    case IMAP_ITEM_SECTION:
        return imap_fetch_body(parser, c, err);
    case IMAP_ITEM_NONE:
    case IMAP_ITEM_OTHER:
        break;
    }
    return imap_fetch_skip(parser, c, err);
}

static int imap_fetch_end(struct imap_parser *parser, const struct cursor *c, struct error *err)
{
    struct imap_event event = {
        .kind = IMAP_EVENT_FETCH, .number = parser->fetch_number, .fetch = parser->fetch};
    if (cursor_left(c) != 0)
        return imap_fetch_bad("more bytes behind a FETCH response", c, err);
    parser->in_fetch = false;
    return imap_parser_emit(parser, &event, err);
}

int imap_parser_fetch(struct imap_parser *parser, struct span piece, struct error *err)
{
    struct cursor c = cursor_over(piece.bytes, piece.len);
    for (;;) {
        while (cursor_byte(&c, ' ') == PARSE_OK)
            ;
        if (parser->item == IMAP_ITEM_NONE) {
            if (cursor_byte(&c, ')') == PARSE_OK)
                return imap_fetch_end(parser, &c, err);
            struct span name = imap_fetch_name(&c);
            if (name.len == 0)
                return imap_fetch_bad(imap_fetch_endless, &c, err);
            parser->item = imap_fetch_item(name);
            continue;
        }
        bool skipping = parser->depth > 0;
        if ((skipping ? imap_fetch_skip(parser, &c, err) : imap_fetch_value(parser, &c, err)) < 0)
            return -1;
        if (parser->state == IMAP_PARSER_LITERAL)
            return 0;
        if (parser->depth == 0)
            parser->item = IMAP_ITEM_NONE;
    }
}
