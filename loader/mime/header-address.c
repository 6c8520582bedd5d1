/* SPDX-License-Identifier: Apache-2.0 */
/* header-address.c - address lists. See header-address.h.
 *
 * One scan from left to right collects what belongs to a mailbox: its words, its last comment, what
 * stood in angle brackets. A comma, a semicolon or the end closes it; a colon makes the words
 * before it the name of a group, which is dropped. What was collected is then read by its looks. */
#include <config.h>
#include "header-address.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "encoded-word.h"
#include "header-comment.h"
#include "header-text.h"
#include "problem.h"
#include "text.h"

struct address_scan {
    struct cursor c;
    bool quotes_off;       /* no quote closes any more: they are letters */
    bool comments_off;     /* a comment was not closed: parentheses are letters */
    bool spaced;           /* white space came before what comes next */
    struct buffer words;   /* as a name: quotes undone */
    struct buffer raw;     /* as an address: quotes kept */
    struct buffer comment; /* the last comment */
    struct buffer angle;   /* inside the last brackets that held something */
    bool has_angle;
    struct buffer before; /* the name before an unquoted comma: "Doe, John <...>" */
    bool before_is_word;  /* it is one unquoted word: maybe an address without a domain */
    struct mail_addresses *out;
    struct mail_texts *problems;
};

static void mail_address_done(struct mail_address *a)
{
    free(a->name);
    free(a->address);
    *a = (struct mail_address){0}; /* analyse: no leak of items either, s->out keeps them */
}

static void mail_address_forget_name(struct mail_address *a)
{
    free(a->name);
    a->name = NULL;
}

void mail_addresses_done(struct mail_addresses *addresses)
{
    for (size_t i = 0; i < addresses->count; i++)
        mail_address_done(&addresses->items[i]);
    free(addresses->items);
    *addresses = (struct mail_addresses){0};
}

void header_addresses_cut(struct mail_addresses *addresses, size_t count)
{
    while (addresses->count > count)
        mail_address_done(&addresses->items[--addresses->count]);
}

/* --- from collected bytes to an item --- */

static struct span buffer_span(const struct buffer *b)
{
    return (struct span){(const uint8_t *)b->data, b->len};
}

/* As UTF-8; *out NULL when nothing is left. */
static int name_decode(struct span raw, struct mail_texts *problems, char **out)
{
    *out = NULL;
    if (raw.len == 0)
        return 0;
    AUTO_TEXT text = header_take_text(raw, SIZE_MAX, problems);
    if (text == NULL)
        return -1;
    size_t length = strlen(text);
    if (length > 2 && text[0] == '"' && text[length - 1] == '"') { /* quotes inside a word */
        memmove(text, text + 1, length - 2);
        text[length - 2] = '\0';
    }
    if (text[0] != '\0')
        *out = TAKE(text);
    return 0;
}

static int address_decode(struct span raw, struct mail_texts *problems, char **out)
{
    *out = NULL;
    AUTO_TEXT text = raw.len > 0 ? header_take_text(raw, SIZE_MAX, problems) : NULL;
    if (raw.len > 0 && text == NULL)
        return -1;
    if (text != NULL && text[0] != '\0')
        *out = TAKE(text);
    return 0;
}

/* A name that only repeats the address names nobody: "ann@x <ann@x>", and "'ann@x'" of Outlook. */
static bool name_repeats(const char *name, const char *address)
{
    size_t length = strlen(name), skip = length > 2 && name[0] == '\'' && name[length - 1] == '\'';
    struct span bare = {(const uint8_t *)name + skip, length - 2 * skip};
    return span_is(bare, address);
}

/* Append the mailbox; name and address may be empty, both empty is none. */
static int address_emit(struct address_scan *s, struct span name, struct span address)
{
    AUTO_DONE(mail_address) item = {0};
    struct mail_addresses *out = s->out;
    if (name.len == 0 && address.len == 0)
        return 0;
    if (out->count >= MAIL_ADDRESSES_MAX)
        return problem_add(s->problems, "more than %u addresses: the rest is not listed",
                           MAIL_ADDRESSES_MAX);
    if (name_decode(name, s->problems, &item.name) < 0 ||
        address_decode(address, s->problems, &item.address) < 0)
        return -1;
    if (item.name == NULL && item.address == NULL)
        return 0;
    if (item.name != NULL && item.address != NULL && name_repeats(item.name, item.address))
        mail_address_forget_name(&item);
    if ((out->count & (out->count - 1)) == 0) {
        struct mail_address *items =
            reallocarray(out->items, out->count == 0 ? 1 : out->count * 2, sizeof *items);
        if (items == NULL)
            return -1;
        out->items = items;
    }
    out->items[out->count++] = item;
    item = (struct mail_address){0}; /* analyse: not dead, AUTO_DONE looks at it */
    return 0;
}

static bool span_has(struct span s, uint8_t byte)
{
    return s.len > 0 && memchr(s.bytes, byte, s.len) != NULL;
}

/* Spaces and comments do not belong to an address, unless they are quoted. */
static int address_without_spaces(struct span from, struct buffer *out)
{
    bool quoted = false;
    size_t depth = 0, before = out->len;
    for (size_t i = 0; i < from.len; i++) {
        uint8_t byte = from.bytes[i];
        quoted = byte == '"' && depth == 0 ? !quoted : quoted;
        depth += byte == '(' && !quoted ? 1 : 0;
        bool keep = depth == 0 && (quoted || !text_is_space((char)byte));
        depth -= byte == ')' && !quoted && depth > 0 ? 1 : 0;
        if (keep && buffer_append_byte(out, byte) < 0)
            return -1;
    }
    if (depth == 0)
        return 0;
    buffer_truncate(out, before); /* no comment after all */
    return buffer_append(out, from.bytes, from.len);
}

static struct span span_trim(struct span s)
{
    while (s.len > 0 && text_is_space((char)s.bytes[0]))
        s = (struct span){s.bytes + 1, s.len - 1};
    while (s.len > 0 && text_is_space((char)s.bytes[s.len - 1]))
        s.len--;
    return s;
}

/* obs-route (RFC 5322 s.4.4) = "@a,@b:" before the address: goes. */
static struct span address_without_route(struct span s)
{
    s = span_trim(s);
    const uint8_t *colon = s.len > 0 && s.bytes[0] == '@' ? memchr(s.bytes, ':', s.len) : NULL;
    if (colon == NULL)
        return s;
    size_t skip = (size_t)(colon - s.bytes) + 1;
    return (struct span){s.bytes + skip, s.len - skip};
}

/* "mailto:" is what programs paste, and Outlook "[mailto:ann@x]". */
static struct span address_without_scheme(struct span s)
{
    static const size_t length = sizeof "mailto:" - 1;
    if (s.len > 2 && s.bytes[0] == '[' && s.bytes[s.len - 1] == ']' &&
        s.len - 2 > length && span_is((struct span){s.bytes + 1, length}, "mailto:"))
        s = (struct span){s.bytes + 1, s.len - 2};
    if (s.len > length && span_is((struct span){s.bytes, length}, "mailto:"))
        return (struct span){s.bytes + length, s.len - length};
    return s;
}

/* A mailbox with brackets: <address>, its name before it, or in a comment. */
static int address_end_angle(struct address_scan *s)
{
    AUTO_DONE(buffer) address;
    buffer_init(&address, SIZE_MAX);
    struct span inside = address_without_scheme(address_without_route(buffer_span(&s->angle)));
    if (address_without_spaces(inside, &address) < 0)
        return -1;
    struct span name = span_trim(buffer_span(&s->words));
    if (s->before.len > 0) { /* only with words behind it: see address_end() */
        if (buffer_append_text(&s->before, ", ") < 0 ||
            buffer_append(&s->before, name.bytes, name.len) < 0)
            return -1;
        name = buffer_span(&s->before);
    }
    if (name.len == 0)
        name = span_trim(buffer_span(&s->comment));
    return address_emit(s, name, buffer_span(&address));
}

static bool address_joins(struct span raw, size_t at)
{
    return at < raw.len && (raw.bytes[at] == '@' || raw.bytes[at] == '.');
}

/* The first of several words that has an "@", with spaces around its "@" and before its dots, which
 * obsolete addresses may have (RFC 5322 s.4.4). */
static struct span address_word(struct span raw)
{
    const uint8_t *at = memchr(raw.bytes, '@', raw.len);
    size_t from = (size_t)(at - raw.bytes), to = from + 1;
    if (from > 0 && text_is_space((char)raw.bytes[from - 1]))
        from--;
    while (from > 0 && !text_is_space((char)raw.bytes[from - 1]))
        from--;
    while (to < raw.len) {
        bool space = text_is_space((char)raw.bytes[to]);
        if (space && !address_joins(raw, to - 1) && !address_joins(raw, to + 1))
            break;
        to++;
    }
    return (struct span){raw.bytes + from, to - from};
}

/* The address among the words. A quoted string in front is its local part, unless white space and
 * another address follow: "Ann E." ann@x */
static struct span address_among(struct span raw)
{
    size_t at = 1;
    if (raw.bytes[0] != '"')
        return address_word(raw);
    for (; at < raw.len && raw.bytes[at] != '"'; at++)
        at += raw.bytes[at] == '\\' ? 1 : 0;
    size_t behind = at + 1;
    while (behind < raw.len && text_is_space((char)raw.bytes[behind]))
        behind++;
    if (behind <= at + 1 || behind >= raw.len || address_joins(raw, behind))
        return raw;
    struct span rest = {raw.bytes + behind, raw.len - behind};
    return span_has(rest, '@') ? address_word(rest) : raw;
}

/* A mailbox without brackets: an address, or words with one among them. */
static int address_end_bare(struct address_scan *s)
{
    struct span raw = span_trim(buffer_span(&s->raw));
    while (raw.len > 1 && raw.bytes[raw.len - 1] == '>') /* its "<" is missing */
        raw.len--;
    struct span word = address_among(raw);
    struct span name = span_trim(buffer_span(&s->comment));
    AUTO_DONE(buffer) address;
    AUTO_DONE(buffer) rest;
    buffer_init(&address, SIZE_MAX);
    buffer_init(&rest, SIZE_MAX);
    if (address_without_spaces(address_without_scheme(word), &address) < 0)
        return -1;
    if (word.len < raw.len) {
        size_t before = (size_t)(word.bytes - raw.bytes);
        if (buffer_append(&rest, raw.bytes, before) < 0 ||
            buffer_append(&rest, word.bytes + word.len, raw.len - before - word.len) < 0)
            return -1;
        name = span_trim(buffer_span(&rest));
    }
    return address_emit(s, name, buffer_span(&address));
}

/* A name that no address followed; a single word is an address without a domain. */
static int address_end_name(struct address_scan *s)
{
    struct span none = {0}, before = buffer_span(&s->before);
    int r = s->before_is_word ? address_emit(s, none, before) : address_emit(s, before, none);
    buffer_clear(&s->before);
    return r;
}

/* Words without an address: kept until it is clear whether they are the first half of a name. Some
 * have them the wrong way round: Ann (ann@x) */
static int address_keep_name(struct address_scan *s, struct span words)
{
    struct span comment = span_trim(buffer_span(&s->comment));
    if (address_end_name(s) < 0)
        return -1;
    if (span_has(comment, '@') && !span_has(comment, ' '))
        return address_emit(s, words, comment);
    s->before_is_word = s->raw.data[0] != '"' && !span_has(words, ' ');
    if (s->before_is_word && comment.len > 0)
        return address_emit(s, comment, words);
    return buffer_append(&s->before, words.bytes, words.len);
}

static void address_clear(struct address_scan *s)
{
    buffer_clear(&s->words);
    buffer_clear(&s->raw);
    buffer_clear(&s->comment);
    buffer_clear(&s->angle);
    s->has_angle = s->spaced = false;
}

/* The mailbox is complete; @stop is the byte that ended it, -1 the end. */
static int address_end(struct address_scan *s, int stop)
{
    struct span words = span_trim(buffer_span(&s->words));
    bool bare = !s->has_angle && span_has(buffer_span(&s->raw), '@');
    int r = 0;
    if (bare || (s->has_angle && words.len == 0))
        r = address_end_name(s);
    if (r == 0 && bare)
        r = address_end_bare(s);
    else if (r == 0 && s->has_angle)
        r = address_end_angle(s);
    else if (r == 0 && words.len > 0)
        r = address_keep_name(s, words);
    if (s->has_angle)
        buffer_clear(&s->before);
    if (r == 0 && stop != ',')
        r = address_end_name(s);
    address_clear(s);
    return r;
}

/* --- the scan --- */

static int scan_space(struct address_scan *s, struct buffer *to)
{
    return s->spaced && to->len > 0 && buffer_append_byte(to, ' ') < 0 ? -1 : 0;
}

static int scan_word(struct address_scan *s, struct span word)
{
    if (scan_space(s, &s->words) < 0 || scan_space(s, &s->raw) < 0)
        return -1;
    s->spaced = false;
    return buffer_append(&s->words, word.bytes, word.len) < 0 ||
                   buffer_append(&s->raw, word.bytes, word.len) < 0
               ? -1
               : 0;
}

/* The quoted string at the cursor (RFC 5322 s.3.2.4), whole and with its quotes; false if none
 * closes it. */
static bool scan_find_quote(struct address_scan *s, struct span *out_whole)
{
    size_t at = s->c.pos + 1;
    for (; at < s->c.len && s->c.bytes[at] != '"'; at++)
        if (s->c.bytes[at] == '\\')
            at++;
    if (at >= s->c.len) {
        s->quotes_off = true;
        return false;
    }
    *out_whole = (struct span){s->c.bytes + s->c.pos, at + 1 - s->c.pos};
    return true;
}

static int scan_quoted(struct address_scan *s)
{
    struct span whole;
    if (s->quotes_off || !scan_find_quote(s, &whole)) {
        s->c.pos++;
        return problem_add(s->problems, "address: quote without an end");
    }
    s->c.pos += whole.len;
    if (scan_space(s, &s->words) < 0 || scan_space(s, &s->raw) < 0 ||
        buffer_append(&s->raw, whole.bytes, whole.len) < 0)
        return -1;
    s->spaced = false;
    for (size_t i = 1; i + 1 < whole.len; i++) {
        if (whole.bytes[i] == '\\' && i + 2 < whole.len)
            i++;
        if (buffer_append_byte(&s->words, whole.bytes[i]) < 0)
            return -1;
    }
    return 0;
}

static int scan_comment(struct address_scan *s)
{
    size_t length = s->comments_off ? 0 : header_comment_length(&s->c);
    if (length == 0) {
        s->comments_off = true;
        struct span word = {s->c.bytes + s->c.pos++, 1};
        return scan_word(s, word);
    }
    bool behind = s->raw.len > 0 || s->has_angle; /* one in front names nobody */
    buffer_clear(&s->comment);
    for (size_t i = s->c.pos + 1; behind && i + 1 < s->c.pos + length; i++) {
        if (s->c.bytes[i] == '\\' && i + 2 < s->c.pos + length)
            i++;
        if (buffer_append_byte(&s->comment, s->c.bytes[i]) < 0)
            return -1;
    }
    s->c.pos += length;
    s->spaced = true;
    return 0;
}

/* Brackets that held something before turn out to be part of the name: "Ann <work> <ann@...>". */
static int scan_angle_was_name(struct address_scan *s)
{
    if (!s->has_angle || s->angle.len == 0)
        return 0;
    if (scan_space(s, &s->words) < 0 || buffer_append_byte(&s->words, '<') < 0 ||
        buffer_append(&s->words, s->angle.data, s->angle.len) < 0 ||
        buffer_append_byte(&s->words, '>') < 0)
        return -1;
    return 0;
}

/* angle-addr = "<" ... ">". Without the ">" it ends where a list goes on. */
static int scan_angle(struct address_scan *s)
{
    while (cursor_peek(&s->c) == '<')
        s->c.pos++;
    size_t from = s->c.pos;
    bool route = cursor_peek(&s->c) == '@', quoted = false;
    int byte;
    while ((byte = cursor_peek(&s->c)) >= 0) {
        quoted = byte == '"' ? !quoted : quoted;
        route = route && byte != ':';
        if (!quoted && (byte == '>' || byte == '<' || byte == ';' || (byte == ',' && !route)))
            break;
        s->c.pos++;
    }
    struct span inside = {s->c.bytes + from, s->c.pos - from};
    if (byte != '>' && problem_add(s->problems, "address: bracket without an end") < 0)
        return -1;
    while (cursor_peek(&s->c) == '>')
        s->c.pos++;
    if (s->has_angle && !span_has(inside, '@') && span_has(buffer_span(&s->angle), '@'))
        return 0; /* the first one was it */
    if (scan_angle_was_name(s) < 0)
        return -1;
    s->has_angle = s->spaced = true;
    buffer_clear(&s->angle);
    return buffer_append(&s->angle, inside.bytes, inside.len);
}

/* A colon that ends no group's name: "http://...", "[mailto:...]". */
static bool colon_is_text(const struct address_scan *s)
{
    static const size_t length = sizeof "[mailto" - 1;
    const uint8_t *next = s->c.bytes + s->c.pos + 1;
    struct span raw = buffer_span(&s->raw);
    return (cursor_left(&s->c) > 2 && next[0] == '/' && next[1] == '/') ||
           (raw.len >= length &&
            span_is((struct span){raw.bytes + raw.len - length, length}, "[mailto"));
}

static int scan_colon(struct address_scan *s)
{
    if (span_has(buffer_span(&s->raw), '@') || s->has_angle || colon_is_text(s)) {
        struct span word = {s->c.bytes + s->c.pos++, 1};
        return scan_word(s, word);
    }
    s->c.pos++;
    address_clear(s);
    return address_end_name(s);
}

static bool scan_is_special(int byte)
{
    return byte < 0 || byte == '"' || byte == '(' || byte == '<' || byte == ',' || byte == ';' ||
           byte == ':' || byte <= ' ';
}

static bool scan_is_escape(const struct cursor *c)
{
    static const char escaped[] = "\",;:()<>\\";
    return cursor_left(c) > 1 && c->bytes[c->pos] == '\\' && c->bytes[c->pos + 1] != '\0' &&
           strchr(escaped, c->bytes[c->pos + 1]) != NULL;
}

/* An encoded word in one piece, whatever it has inside; else bytes up to what means something. */
static int scan_atom(struct address_scan *s)
{
    size_t from = s->c.pos;
    struct encoded_word word;
    struct cursor try = s->c;
    if (cursor_peek(&s->c) == '=' && encoded_word_parse(&try, &word) == PARSE_OK && word.whole &&
        !span_has(word.payload, '<') && !span_has(word.payload, '>')) {
        s->c = try;
    } else {
        do
            s->c.pos++;
        while (!scan_is_special(cursor_peek(&s->c)) && cursor_peek(&s->c) != '=' &&
               !scan_is_escape(&s->c));
    }
    return scan_word(s, (struct span){s->c.bytes + from, s->c.pos - from});
}

/* A backslash before what would mean something, outside of quotes, where it should not stand. */
static int scan_escaped(struct address_scan *s)
{
    struct span byte = {s->c.bytes + s->c.pos + 1, 1};
    s->c.pos += 2;
    return scan_word(s, byte);
}

static int scan_step(struct address_scan *s, int byte)
{
    if (scan_is_escape(&s->c))
        return scan_escaped(s);
    switch (byte) {
    case '"':
        return scan_quoted(s);
    case '(':
        return scan_comment(s);
    case '<':
        return scan_angle(s);
    case ':':
        return scan_colon(s);
    case ',':
    case ';':
        s->c.pos++;
        return address_end(s, byte);
    default:
        break;
    }
    if (byte > ' ')
        return scan_atom(s);
    s->c.pos++;
    s->spaced = true;
    return 0;
}

static void address_scan_done(struct address_scan *s)
{
    buffer_done(&s->words);
    buffer_done(&s->raw);
    buffer_done(&s->comment);
    buffer_done(&s->angle);
    buffer_done(&s->before);
}

int header_parse_addresses(struct span value, struct mail_addresses *out,
                           struct mail_texts *problems)
{
    AUTO_DONE(address_scan)
    s = {.c = cursor_over(value.bytes, value.len), .out = out, .problems = problems};
    buffer_init(&s.words, SIZE_MAX);
    buffer_init(&s.raw, SIZE_MAX);
    buffer_init(&s.comment, SIZE_MAX);
    buffer_init(&s.angle, SIZE_MAX);
    buffer_init(&s.before, SIZE_MAX);
    int byte;
    while ((byte = cursor_peek(&s.c)) >= 0)
        if (scan_step(&s, byte) < 0)
            return -1;
    return address_end(&s, -1);
}

int header_addresses_text(const struct mail_addresses *addresses, struct buffer *out)
{
    for (size_t i = 0; i < addresses->count; i++) {
        const struct mail_address *a = &addresses->items[i];
        bool both = a->name != NULL && a->address != NULL;
        const char *pieces[] = {i > 0 ? "; " : "", a->name != NULL ? a->name : "", both ? " <" : "",
                                a->address != NULL ? a->address : "", both ? ">" : ""};
        for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++)
            if (text_append_fitting(out, pieces[k], strlen(pieces[k])) < 0)
                return -1;
    }
    return 0;
}
