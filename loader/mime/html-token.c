/* SPDX-License-Identifier: Apache-2.0 */
/* html-token.c - HTML cut into tokens. See html-token.h. */
#include <config.h>
#include "html-token.h"

#include <stdint.h>
#include <string.h>

#include "html-entities.h"
#include "text.h"

#define HTML_DIGITS_MAX 1000u /* of a reference by number */

/* Elements whose contents are no text for a reader. */
static const char *const html_dropped[] = {"script", "style", "title", "template", "noframes"};

static bool is_letter(int byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_blank(int byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r' || byte == '\f';
}

struct html_tokens html_tokens_over(const char *html, size_t len, struct text_walk *walk)
{
    return (struct html_tokens){.c = cursor_over(html, len), .walk = walk};
}

/* Move behind the next occurrence of @mark (ASCII case ignored), or to the end. */
static void skip_past(struct cursor *c, struct text_walk *walk, const char *mark)
{
    while (c->pos < c->len) {
        const uint8_t *at = text_walk_find(walk, c->bytes + c->pos, c->bytes + c->len, mark[0]);
        if (at == NULL)
            break;
        c->pos = (size_t)(at - c->bytes);
        if (cursor_text_nocase(c, mark) == PARSE_OK)
            return;
        c->pos++;
    }
    c->pos = c->len;
}

/* "<!--...-->", "<!DOCTYPE ...>", "<![if ...]>", "<?xml ...>": nothing to see. */
static bool skip_declaration(struct cursor *c, struct text_walk *walk)
{
    if (cursor_text(c, "<!--") == PARSE_OK) {
        if (cursor_text(c, ">") != PARSE_OK && cursor_text(c, "->") != PARSE_OK)
            skip_past(c, walk, "-->");
        return true;
    }
    if (cursor_text(c, "<!") != PARSE_OK && cursor_text(c, "<?") != PARSE_OK)
        return false;
    skip_past(c, walk, ">");
    return true;
}

/* The end of the tag whose name ends at @at: its ">", quotes minded where they are closed.
 * SIZE_MAX: there is none. */
static size_t tag_end(struct html_tokens *t, size_t at)
{
    const struct cursor *c = &t->c;
    uint8_t quote = 0, before = ' ';
    for (size_t i = at; i < c->len && !t->quotes_off; i++) {
        uint8_t byte = c->bytes[i];
        text_walk_at(t->walk, c->bytes + i);
        if (quote == 0 && byte == '>')
            return i;
        if (quote != 0)
            quote = byte == quote ? 0 : quote;
        else if ((byte == '"' || byte == '\'') && before == '=')
            quote = byte;
        if (!is_blank(byte))
            before = byte;
    }
    t->quotes_off = t->quotes_off || quote != 0;
    const uint8_t *end = text_walk_find(t->walk, c->bytes + at, c->bytes + c->len, '>');
    t->tags_off = end == NULL;
    return end != NULL ? (size_t)(end - c->bytes) : SIZE_MAX;
}

/* "<" ["/"] letter ... ">". The cursor stands on "<". */
static bool read_tag(struct html_tokens *t, struct html_token *out)
{
    struct cursor c = t->c;
    c.pos++;
    bool closes = cursor_byte(&c, '/') == PARSE_OK;
    if (!is_letter(cursor_peek(&c)) || t->tags_off)
        return false;
    size_t n = 0;
    *out = (struct html_token){.closes = closes, .walk = t->walk};
    for (; !is_blank(cursor_peek(&c)) && cursor_peek(&c) != '>' && cursor_peek(&c) != '/' &&
           c.pos < c.len;
         c.pos++) {
        text_walk_at(t->walk, c.bytes + c.pos);
        if (n < HTML_NAME_MAX - 1)
            out->name[n++] = text_lower((char)c.bytes[c.pos]);
    }
    size_t end = tag_end(t, c.pos);
    if (end == SIZE_MAX)
        return false;
    out->attributes = (struct span){c.bytes + c.pos, end - c.pos};
    t->c.pos = end + 1;
    return true;
}

/* Behind <script> and the like: go behind their contents. The next token is their end tag. */
static void skip_contents(struct html_tokens *t, const struct html_token *tag)
{
    for (size_t i = 0; i < sizeof html_dropped / sizeof html_dropped[0] && !tag->closes; i++) {
        if (strcmp(tag->name, html_dropped[i]) != 0)
            continue;
        char mark[HTML_NAME_MAX + 2] = "</";
        text_copy(mark + 2, HTML_NAME_MAX, tag->name);
        struct cursor c = t->c;
        skip_past(&c, t->walk, mark);
        t->c.pos = c.pos < c.len ? c.pos - strlen(mark) : c.pos;
    }
}

bool html_next(struct html_tokens *t, struct html_token *out_token)
{
    struct cursor *c = &t->c;
    while (cursor_peek(c) == '<' && skip_declaration(c, t->walk))
        ;
    if (c->pos == c->len)
        return false;
    if (cursor_peek(c) == '<' && read_tag(t, out_token)) {
        skip_contents(t, out_token);
        return true;
    }
    size_t from = c->pos++; /* a "<" that begins no tag is text */
    const uint8_t *next = text_walk_find(t->walk, c->bytes + c->pos, c->bytes + c->len, '<');
    c->pos = next != NULL ? (size_t)(next - c->bytes) : c->len;
    *out_token = (struct html_token){.text = {c->bytes + from, c->pos - from}, .walk = t->walk};
    return true;
}

/* Behind blanks, and behind every @other (0: none). */
static void skip_blanks(struct cursor *c, char other, struct text_walk *walk)
{
    for (; is_blank(cursor_peek(c)) || (other != 0 && cursor_peek(c) == other); c->pos++)
        text_walk_at(walk, c->bytes + c->pos);
}

/* The name of an attribute: up to a blank or "=". */
static struct span attribute_name(struct cursor *c, struct text_walk *walk)
{
    size_t from = c->pos;
    for (; c->pos < c->len && !is_blank(c->bytes[c->pos]) &&
           (c->bytes[c->pos] != '=' || c->pos == from);
         c->pos++)
        text_walk_at(walk, c->bytes + c->pos);
    return (struct span){c->bytes + from, c->pos - from};
}

/* What stands behind its "=", quoted or up to a blank. */
static struct span attribute_value(struct cursor *c, struct text_walk *walk)
{
    skip_blanks(c, 0, walk);
    int quote = cursor_peek(c);
    bool quoted = quote == '"' || quote == '\'';
    c->pos += quoted ? 1 : 0;
    size_t from = c->pos;
    if (quoted) {
        const uint8_t *end = text_walk_find(walk, c->bytes + from, c->bytes + c->len, (char)quote);
        c->pos = end != NULL ? (size_t)(end - c->bytes) : c->len;
    }
    for (; !quoted && c->pos < c->len && !is_blank(c->bytes[c->pos]); c->pos++)
        text_walk_at(walk, c->bytes + c->pos);
    struct span value = {c->bytes + from, c->pos - from};
    c->pos += quoted && c->pos < c->len ? 1 : 0;
    return value;
}

bool html_attribute(const struct html_token *tag, const char *name, struct span *out_value)
{
    struct cursor c = cursor_over(tag->attributes.bytes, tag->attributes.len);
    while (c.pos < c.len) {
        skip_blanks(&c, '/', tag->walk);
        bool wanted = span_is(attribute_name(&c, tag->walk), name);
        skip_blanks(&c, 0, tag->walk);
        struct span value = {c.bytes + c.pos, 0};
        if (cursor_byte(&c, '=') == PARSE_OK)
            value = attribute_value(&c, tag->walk);
        if (wanted) {
            *out_value = value;
            return true;
        }
    }
    return false;
}

/* What programs meant by the numbers of C1 controls: windows-1252 (HTML standard s.13.2.5.80). */
static uint32_t reference_repair(uint32_t c)
{
    static const uint16_t windows1252[32] = {
        0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
        0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
        0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178,
    };
    return c >= 0x80 && c < 0xA0 ? windows1252[c - 0x80] : c == 0 ? 0xFFFD : c;
}

/* "&#" digits, "&#x" hexadecimal digits; the ";" may be missing. Of too many digits the rest is
 * text.
 */
static bool reference_number(struct cursor *c, char out[HTML_NAME_MAX])
{
    struct cursor try = *c;
    uint32_t number = 0;
    if (cursor_text(&try, "&#") != PARSE_OK)
        return false;
    bool hex = cursor_text_nocase(&try, "x") == PARSE_OK;
    size_t from = try.pos;
    for (int byte; (byte = cursor_peek(&try)) >= 0 && try.pos - from < HTML_DIGITS_MAX; try.pos++) {
        char lower = text_lower((char)byte);
        uint32_t digit = is_digit(byte)                        ? (uint32_t)byte - '0'
                         : hex && lower >= 'a' && lower <= 'f' ? (uint32_t)lower - 'a' + 10
                                                               : 16;
        if (digit == 16)
            break;
        number = number > 0x10FFFF ? number : number * (hex ? 16 : 10) + digit;
    }
    if (try.pos == from)
        return false;
    (void)cursor_byte(&try, ';');
    struct buffer b = {.data = out, .cap = HTML_NAME_MAX, .limit = HTML_NAME_MAX - 1};
    (void)text_utf8_append(&b, reference_repair(number));
    *c = try;
    return true;
}

bool html_reference(struct cursor *c, char out[HTML_NAME_MAX])
{
    struct cursor try = *c;
    char name[HTML_ENTITY_MAX];
    size_t n = 0;
    if (reference_number(c, out))
        return true;
    try.pos++;
    while ((is_letter(cursor_peek(&try)) || is_digit(cursor_peek(&try))) && n < HTML_ENTITY_MAX - 1)
        name[n++] = (char)cursor_next(&try);
    name[n] = '\0';
    bool whole = cursor_byte(&try, ';') == PARSE_OK;
    const char *text = whole || (html_entity_is_legacy(name) && cursor_peek(&try) != '=')
                           ? html_entity(name)
                           : NULL;
    if (text == NULL)
        return false;
    text_copy(out, HTML_NAME_MAX, text);
    *c = try;
    return true;
}

int html_decode(struct span text, struct buffer *out)
{
    struct cursor c = cursor_over(text.bytes, text.len);
    while (c.pos < c.len) {
        char reference[HTML_NAME_MAX];
        int r;
        if (c.bytes[c.pos] == '&' && html_reference(&c, reference))
            r = buffer_append_text(out, reference);
        else
            r = buffer_append_byte(out, c.bytes[c.pos++]);
        if (r < 0)
            return -1;
    }
    return 0;
}
