/* SPDX-License-Identifier: Apache-2.0 */
/* imap-response-data.c - status, tagged and data responses that are whole lines. See
 * imap-response.h. */
#include <config.h>
#include "imap-response-private.h"

#include <string.h>

#include "text.h"

static const char *const imap_status_names[] = {"OK", "NO", "BAD", "BYE", "PREAUTH"};

static const char *const imap_code_names[] = {
    [IMAP_CODE_ALERT] = "ALERT",
    [IMAP_CODE_ALREADYEXISTS] = "ALREADYEXISTS",
    [IMAP_CODE_APPENDUID] = "APPENDUID",
    [IMAP_CODE_CAPABILITY] = "CAPABILITY",
    [IMAP_CODE_COPYUID] = "COPYUID",
    [IMAP_CODE_EXPUNGEISSUED] = "EXPUNGEISSUED",
    [IMAP_CODE_INUSE] = "INUSE",
    [IMAP_CODE_LIMIT] = "LIMIT",
    [IMAP_CODE_NONEXISTENT] = "NONEXISTENT",
    [IMAP_CODE_NOPERM] = "NOPERM",
    [IMAP_CODE_OVERQUOTA] = "OVERQUOTA",
    [IMAP_CODE_PERMANENTFLAGS] = "PERMANENTFLAGS",
    [IMAP_CODE_READ_ONLY] = "READ-ONLY",
    [IMAP_CODE_READ_WRITE] = "READ-WRITE",
    [IMAP_CODE_SERVERBUG] = "SERVERBUG",
    [IMAP_CODE_THROTTLED] = "THROTTLED",
    [IMAP_CODE_TRYCREATE] = "TRYCREATE",
    [IMAP_CODE_UIDNEXT] = "UIDNEXT",
    [IMAP_CODE_UIDNOTSTICKY] = "UIDNOTSTICKY",
    [IMAP_CODE_UIDVALIDITY] = "UIDVALIDITY",
    [IMAP_CODE_UNAVAILABLE] = "UNAVAILABLE",
};

static struct span imap_rest(const struct cursor *c)
{
    return (struct span){c->bytes + c->pos, cursor_left(c)};
}

/* ---- Status ---------------------------------------------------------------------------------- */

static bool imap_parse_status(struct cursor *c, enum imap_status *out_status)
{
    struct cursor try = *c;
    struct span word = imap_parse_atom(&try);
    for (size_t i = 0; i < sizeof imap_status_names / sizeof imap_status_names[0]; i++) {
        if (span_is(word, imap_status_names[i])) {
            (void)cursor_byte(&try, ' ');
            *out_status = (enum imap_status)i;
            *c = try;
            return true;
        }
    }
    return false;
}

static enum imap_code imap_code_find(struct span name)
{
    for (size_t i = 1; i < sizeof imap_code_names / sizeof imap_code_names[0]; i++)
        if (span_is(name, imap_code_names[i]))
            return (enum imap_code)i;
    return IMAP_CODE_OTHER;
}

/* resp-text = ["[" resp-text-code "]" SP] [text]; a '[' without its ']' is text. The code's
 * arguments may hold a quoted ']' (BADCHARSET, REFERRAL): nobody here reads those. */
static void imap_parse_resp_text(struct cursor *c, struct imap_event *event)
{
    struct cursor try = *c;
    struct span inside;
    event->code = IMAP_CODE_NONE;
    if (cursor_byte(&try, '[') == PARSE_OK &&
        cursor_until(&try, ']', IMAP_LINE_MAX, &inside) == PARSE_OK) {
        struct cursor code = cursor_over(inside.bytes, inside.len);
        struct span name = imap_parse_atom(&code);
        event->code = imap_code_find(name);
        (void)cursor_byte(&code, ' ');
        event->args = imap_rest(&code);
        (void)imap_parse_u32(&code, &event->number);
        try.pos++;
        (void)cursor_byte(&try, ' ');
        *c = try;
    }
    event->text = imap_rest(c);
}

bool imap_parser_is_text(struct span line)
{
    struct cursor c = cursor_over(line.bytes, line.len);
    enum imap_status status;
    if (cursor_byte(&c, '+') == PARSE_OK)
        return true;
    (void)imap_parse_atom(&c);
    return cursor_byte(&c, ' ') == PARSE_OK && imap_parse_status(&c, &status);
}

/* ---- Data ------------------------------------------------------------------------------------ */

/* string = quoted / literal (held in the line: "{5}" CRLF and its bytes), into @scratch, which has
 * room for it. */
static enum parse imap_parse_string(struct cursor *c, struct buffer *scratch)
{
    struct cursor try = *c;
    uint64_t size;
    if (cursor_peek(c) == '"')
        return imap_parse_quoted(c, scratch);
    (void)cursor_byte(&try, '~');
    if (cursor_byte(&try, '{') != PARSE_OK || imap_parse_u64(&try, &size) != PARSE_OK)
        return PARSE_BAD;
    (void)cursor_byte(&try, '+');
    if (cursor_text(&try, "}\r\n") != PARSE_OK || cursor_left(&try) < size)
        return PARSE_BAD;
    buffer_clear(scratch);
    if (buffer_append(scratch, try.bytes + try.pos, (size_t)size) < 0)
        return PARSE_BAD;
    try.pos += (size_t)size;
    *c = try;
    return PARSE_OK;
}

/* astring, or a bare word with characters that servers should not leave bare. */
static enum parse imap_parse_astring(struct cursor *c, struct buffer *scratch)
{
    int byte = cursor_peek(c);
    if (byte == '"' || byte == '{' || byte == '~')
        return imap_parse_string(c, scratch);
    struct span atom = imap_parse_atom(c);
    buffer_clear(scratch);
    return atom.len > 0 && buffer_append(scratch, atom.bytes, atom.len) == 0 ? PARSE_OK : PARSE_BAD;
}

/* (DQUOTE [QUOTED-CHAR] DQUOTE / nil), between separator and name. */
static bool imap_parse_delimiter(struct cursor *c, char *out_delimiter)
{
    *out_delimiter = '\0';
    if (cursor_byte(c, '"') != PARSE_OK)
        return span_is(imap_parse_atom(c), "NIL");
    if (cursor_byte(c, '"') == PARSE_OK)
        return true;
    (void)cursor_byte(c, '\\');
    int byte = cursor_next(c);
    *out_delimiter = byte >= 0 ? (char)byte : '\0';
    return byte >= 0 && cursor_byte(c, '"') == PARSE_OK;
}

static struct span imap_scratch(const struct buffer *scratch)
{
    return (struct span){(const uint8_t *)buffer_text(scratch), scratch->len};
}

/* mailbox-list = "(" [mbx-list-flags] ")" SP delimiter SP mailbox [SP extended] */
static bool imap_parse_list(struct cursor *c, struct buffer *scratch, struct imap_event *event)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } flags[] = {{"\\Noselect", IMAP_LIST_NOSELECT},
                 {"\\NonExistent", IMAP_LIST_NOSELECT},
                 {"\\Noinferiors", IMAP_LIST_NOINFERIORS},
                 {"\\All", IMAP_LIST_ALL},
                 {"\\Archive", IMAP_LIST_ARCHIVE},
                 {"\\Drafts", IMAP_LIST_DRAFTS},
                 {"\\Flagged", IMAP_LIST_FLAGGED},
                 {"\\Important", IMAP_LIST_IMPORTANT},
                 {"\\Junk", IMAP_LIST_JUNK},
                 {"\\Sent", IMAP_LIST_SENT},
                 {"\\Trash", IMAP_LIST_TRASH}};
    event->kind = IMAP_EVENT_LIST;
    if (cursor_byte(c, '(') != PARSE_OK)
        return false;
    while (cursor_byte(c, ')') != PARSE_OK) {
        struct span flag = imap_parse_atom(c);
        for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
            if (span_is(flag, flags[i].name))
                event->list_flags |= flags[i].bit;
        if (cursor_byte(c, ' ') != PARSE_OK && cursor_peek(c) != ')')
            return false;
    }
    if (cursor_byte(c, ' ') != PARSE_OK || !imap_parse_delimiter(c, &event->delimiter) ||
        cursor_byte(c, ' ') != PARSE_OK || imap_parse_astring(c, scratch) != PARSE_OK)
        return false;
    event->text = imap_scratch(scratch);
    return true;
}

/* Namespace = nil / "((" string SP delimiter ...: the first of the personal ones is all we need. */
static bool imap_parse_namespace(struct cursor *c, struct buffer *scratch, struct imap_event *event)
{
    event->kind = IMAP_EVENT_NAMESPACE;
    if (cursor_text(c, "((") != PARSE_OK) {
        event->kind = IMAP_EVENT_OTHER;
        return true;
    }
    if (imap_parse_string(c, scratch) != PARSE_OK || cursor_byte(c, ' ') != PARSE_OK)
        return false;
    event->text = imap_scratch(scratch);
    return imap_parse_delimiter(c, &event->delimiter);
}

static void imap_mailbox_take(struct imap_event *event, struct span name, uint64_t number)
{
    if (span_is(name, "HIGHESTMODSEQ") && number > 0) {
        event->modseq = number;
        event->status_has |= IMAP_STATUS_MODSEQ;
    }
    if (number > UINT32_MAX)
        return;
    if (span_is(name, "UIDNEXT")) {
        event->uidnext = (uint32_t)number;
        event->status_has |= IMAP_STATUS_UIDNEXT;
    } else if (span_is(name, "UIDVALIDITY")) {
        event->uidvalidity = (uint32_t)number;
        event->status_has |= IMAP_STATUS_UIDVALIDITY;
    } else if (span_is(name, "MESSAGES")) {
        event->number = (uint32_t)number;
        event->status_has |= IMAP_STATUS_MESSAGES;
    }
}

/* "STATUS" SP mailbox SP "(" *(name SP number) ")" */
static bool imap_parse_mailbox(struct cursor *c, struct buffer *scratch, struct imap_event *event)
{
    event->kind = IMAP_EVENT_MAILBOX;
    if (imap_parse_astring(c, scratch) != PARSE_OK || cursor_text(c, " (") != PARSE_OK)
        return false;
    while (cursor_byte(c, ')') != PARSE_OK) {
        uint64_t number;
        struct span name = imap_parse_atom(c);
        if (cursor_byte(c, ' ') != PARSE_OK || imap_parse_u64(c, &number) != PARSE_OK)
            return false;
        imap_mailbox_take(event, name, number);
        (void)cursor_byte(c, ' ');
    }
    event->text = imap_scratch(scratch);
    return true;
}

static bool imap_parse_vanished(struct cursor *c, struct imap_event *event)
{
    event->kind = IMAP_EVENT_VANISHED;
    (void)cursor_text_nocase(c, "(EARLIER) ");
    event->text = imap_rest(c);
    return true;
}

/* Behind "* ". */
static bool imap_parse_untagged(struct cursor *c, struct buffer *scratch, struct imap_event *event)
{
    if (imap_parse_status(c, &event->status)) {
        event->kind = IMAP_EVENT_STATUS;
        imap_parse_resp_text(c, event);
        return true;
    }
    if (imap_parse_u32(c, &event->number) == PARSE_OK) {
        (void)cursor_byte(c, ' ');
        struct span what = imap_parse_atom(c);
        event->kind = span_is(what, "EXISTS")    ? IMAP_EVENT_EXISTS
                      : span_is(what, "EXPUNGE") ? IMAP_EVENT_EXPUNGE
                                                 : IMAP_EVENT_OTHER;
        return what.len > 0;
    }
    struct span what = imap_parse_atom(c);
    (void)cursor_byte(c, ' ');
    if (span_is(what, "CAPABILITY")) {
        event->kind = IMAP_EVENT_CAPABILITY;
        event->text = imap_rest(c);
        return true;
    }
    if (span_is(what, "LIST"))
        return imap_parse_list(c, scratch, event);
    if (span_is(what, "NAMESPACE"))
        return imap_parse_namespace(c, scratch, event);
    if (span_is(what, "STATUS"))
        return imap_parse_mailbox(c, scratch, event);
    if (span_is(what, "VANISHED"))
        return imap_parse_vanished(c, event);
    event->kind = IMAP_EVENT_OTHER;
    return what.len > 0;
}

/* response-tagged = tag SP ("OK" / "NO" / "BAD") SP resp-text */
static bool imap_parse_tagged(struct cursor *c, struct imap_event *event)
{
    event->kind = IMAP_EVENT_TAGGED;
    event->tag = imap_parse_atom(c);
    if (event->tag.len == 0 || cursor_byte(c, ' ') != PARSE_OK ||
        !imap_parse_status(c, &event->status) || event->status > IMAP_BAD)
        return false;
    imap_parse_resp_text(c, event);
    return true;
}

int imap_parser_data(struct imap_parser *parser, struct span line, struct error *err)
{
    struct imap_event event = {.kind = IMAP_EVENT_OTHER};
    struct cursor c = cursor_over(line.bytes, line.len);
    struct buffer scratch;
    bool fine;
    buffer_init(&scratch, IMAP_LINE_MAX);
    if (buffer_reserve(&scratch, line.len) < 0 && !buffer_is_full(&scratch))
        return error_oom(err, "reading from the server");
    if (cursor_byte(&c, '+') == PARSE_OK) {
        event.kind = IMAP_EVENT_CONTINUE;
        (void)cursor_byte(&c, ' ');
        event.text = imap_rest(&c);
        fine = true;
    } else if (cursor_text(&c, "* ") == PARSE_OK) {
        fine = imap_parse_untagged(&c, &scratch, &event);
    } else {
        fine = imap_parse_tagged(&c, &event);
    }
    if (!fine && parser->first_line) {
        event = (struct imap_event){.kind = IMAP_EVENT_OTHER};
        fine = true;
    }
    int r = fine ? imap_parser_emit(parser, &event, err)
                 : imap_protocol_error(err, "a line that is no response", line);
    buffer_done(&scratch);
    return r;
}

/* ---- Lists of words and UIDs ----------------------------------------------------------------- */

bool imap_capability_has(struct span list, const char *name)
{
    struct cursor c = cursor_over(list.bytes, list.len);
    while (cursor_left(&c) > 0) {
        struct span word = imap_parse_atom(&c);
        if (span_is(word, name))
            return true;
        if (word.len == 0)
            c.pos++;
    }
    return false;
}

/* The next "n" or "n:m" of a set. */
static bool imap_copyuid_range(struct cursor *c, uint64_t *out_first, uint64_t *out_count)
{
    uint32_t first, last;
    if (c->pos > 0 && cursor_byte(c, ',') != PARSE_OK)
        return false;
    if (imap_parse_u32(c, &first) != PARSE_OK || first == 0)
        return false;
    last = first;
    if (cursor_byte(c, ':') == PARSE_OK && (imap_parse_u32(c, &last) != PARSE_OK || last == 0))
        return false;
    *out_first = first < last ? first : last;
    *out_count = (uint64_t)(first < last ? last - first : first - last) + 1;
    return true;
}

int imap_copyuid_init(struct imap_copyuid *copyuid, struct span args)
{
    struct cursor c = cursor_over(args.bytes, args.len);
    *copyuid = (struct imap_copyuid){0};
    if (imap_parse_u32(&c, &copyuid->uidvalidity) != PARSE_OK || cursor_byte(&c, ' ') != PARSE_OK)
        return -1;
    struct span from = imap_parse_atom(&c);
    if (cursor_byte(&c, ' ') != PARSE_OK)
        return -1;
    struct span to = imap_parse_atom(&c);
    copyuid->from = cursor_over(from.bytes, from.len);
    copyuid->to = cursor_over(to.bytes, to.len);
    return from.len > 0 && to.len > 0 ? 0 : -1;
}

bool imap_copyuid_next(struct imap_copyuid *u, struct imap_copyuid_run *out_run)
{
    if ((u->from_left == 0 && !imap_copyuid_range(&u->from, &u->from_first, &u->from_left)) ||
        (u->to_left == 0 && !imap_copyuid_range(&u->to, &u->to_first, &u->to_left)))
        return false;
    uint64_t count = u->from_left < u->to_left ? u->from_left : u->to_left;
    *out_run = (struct imap_copyuid_run){(uint32_t)u->from_first, (uint32_t)u->to_first,
                                         count > UINT32_MAX ? UINT32_MAX : (uint32_t)count};
    u->from_first += count;
    u->to_first += count;
    u->from_left -= count;
    u->to_left -= count;
    return true;
}
