/* SPDX-License-Identifier: Apache-2.0 */
/* mime-parser.c - structure as a stream. See mime-parser.h.
 *
 * One stack of open parts, one of three states:
 *
 *   HEADER -- empty line, boundary --> BODY -- boundary --> HEADER
 *   REST is BODY that never ends
 *
 * A scan takes as many bytes as it understands. What it cannot tell yet - the beginning of a line
 * that may be a boundary - is held back, at most WINDOW bytes, and seen again with the next piece.
 * So a decision looks only at bytes within one window, and never depends on how the input was cut.
 */
#include <config.h>
#include "mime-parser.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "header-charset.h"
#include "mime-capture.h"
#include "mime-header.h"
#include "problem.h"
#include "text.h"

#define WINDOW 4096u /* bytes that may be held back */
#define LINE_WINDOW                                                                                \
    (WINDOW - 2)    /* bytes of a line that are looked at; a CR LF may stand before it */
#define PROBE 1024u /* bytes in which the kind of line ends shows */

enum stage { STAGE_PREAMBLE, STAGE_PARTS, STAGE_EPILOGUE };

struct frame {
    struct mime_part part; /* first: a part's parent is its frame */
    char *boundary;        /* of a multipart */
    size_t boundary_len;
    enum stage stage;
    uint32_t children;
    bool digest; /* multipart/digest: parts without a type are messages */
};

enum state { STATE_HEADER, STATE_BODY, STATE_REST };
enum line_ends { ENDS_UNKNOWN, ENDS_LF, ENDS_CR };
enum header_tail { TAIL_NONE, TAIL_KEEP, TAIL_DROP };

struct mime_parser {
    struct mime_handler handler;
    struct mail_texts *problems; /* borrowed */
    struct frame frames[MAIL_DEPTH_MAX + 1];
    size_t depth;   /* frames in use */
    size_t open;    /* multiparts among them whose boundary counts */
    size_t capture; /* the outermost attached message's frame + 1; 0: none */
    struct mime_capture captured; /* its bytes */
    uint32_t parts;
    enum state state;
    bool line_start; /* BODY: the next byte begins a line */

    struct buffer header;
    uint8_t header_last; /* the last byte in it that is no white space; 0: none */
    uint32_t fields;
    bool first_line, dropping, header_full;
    enum header_tail tail; /* HEADER: inside a line longer than the window */

    enum line_ends ends;
    bool after_cr;
    size_t probed, held;
    uint8_t probe[PROBE];
    uint8_t hold[WINDOW];
};

/* ---- parts begin and end ---- */

static void header_reset(struct mime_parser *p)
{
    buffer_clear(&p->header);
    p->header_last = 0;
    p->fields = 0;
    p->first_line = true;
    p->dropping = p->header_full = false;
    p->tail = TAIL_NONE;
    p->state = STATE_HEADER;
}

static struct frame *top(struct mime_parser *p)
{
    return &p->frames[p->depth - 1];
}

/* What kind of part this is, and its boundary if it has one. */
static int frame_decide(struct mime_parser *p, struct frame *f, const struct header_value *type)
{
    bool multipart = text_starts_nocase(type->value, "multipart/");
    bool message = strcmp(type->value, "message/rfc822") == 0 ||
                   strcmp(type->value, "message/global") == 0 ||
                   strcmp(type->value, "message/news") == 0;
    if (!multipart && !message)
        return 0;
    if (p->depth >= MAIL_DEPTH_MAX) {
        f->part.opaque = true;
        return problem_add(p->problems, "parts nested deeper than %u: not taken apart",
                           MAIL_DEPTH_MAX);
    }
    if (message) {
        f->part.kind = f->part.encoding == MIME_IDENTITY ? MIME_MESSAGE : MIME_LEAF;
        return 0;
    }
    const char *boundary = header_value_get(type, "boundary");
    size_t len = boundary != NULL ? strlen(boundary) : 0;
    if (len == 0 || len > MIME_BOUNDARY_MAX) {
        f->part.unparted = true;
        return problem_add(p->problems, "multipart without a usable boundary: read as text");
    }
    f->boundary = strndup(boundary, len);
    if (f->boundary == NULL)
        return -1;
    f->boundary_len = len;
    f->digest = strcmp(type->value, "multipart/digest") == 0;
    f->part.kind = MIME_MULTIPART;
    return 0;
}

struct part_fields {
    struct header_value type, disposition;
};

static void part_fields_done(struct part_fields *fields)
{
    header_value_done(&fields->type);
    header_value_done(&fields->disposition);
}

/* The type a part has without a usable Content-Type (RFC 2045 s.5.2, RFC 2046 s.5.1.5). */
static int type_default(struct mime_parser *p, const struct mime_part *parent,
                        struct header_value *type)
{
    const char *slash = strchr(type->value, '/');
    if (slash != NULL && slash > type->value && slash[1] != '\0')
        return 0;
    size_t main = strcspn(type->value, "/");
    const struct frame *around = (const struct frame *)parent;
    const char *better = "application/octet-stream";
    if (type->value[0] == '\0')
        better = around != NULL && around->digest ? "message/rfc822" : "text/plain";
    else if (main == 4 && text_starts_nocase(type->value, "text"))
        better = "text/plain";
    else if (strcmp(type->value, "html") == 0)
        better = "text/html";
    else if (main == 9 && text_starts_nocase(type->value, "multipart"))
        better = "multipart/mixed";
    if (type->value[0] != '\0' &&
        problem_add(p->problems, "content type '%s' is none: read as %s", type->value, better) < 0)
        return -1;
    char *value = strdup(better);
    if (value == NULL)
        return -1;
    free(type->value);
    type->value = value;
    return 0;
}

/* The value of a field that should stand there once; empty without it. Where two programs may
 * choose different ones a reader should know. */
static int field_once(struct mime_parser *p, struct span header, const char *name, struct span *out)
{
    struct cursor c = cursor_over(header.bytes, header.len);
    struct mime_field field;
    bool found = false;
    *out = (struct span){(const uint8_t *)"", 0};
    while (mime_field_next(&c, &field)) {
        if (!span_is(field.name, name))
            continue;
        if (found)
            return problem_add(p->problems, "several %s fields: the first one counts", name);
        *out = field.value;
        found = true;
    }
    return 0;
}

static int part_fields_read(struct mime_parser *p, struct frame *f, struct part_fields *out)
{
    struct span value, header = f->part.header;
    bool known;
    if (field_once(p, header, "Content-Type", &value) < 0 ||
        header_parse_value(value, &out->type, p->problems) < 0 ||
        type_default(p, f->part.parent, &out->type) < 0)
        return -1;
    if (field_once(p, header, "Content-Disposition", &value) < 0 ||
        header_parse_value(value, &out->disposition, p->problems) < 0)
        return -1;
    if (field_once(p, header, "Content-Transfer-Encoding", &value) < 0)
        return -1;
    f->part.encoding = mime_encoding_named(value.bytes, value.len, &known);
    if (known)
        return 0;
    while (value.len > 0 && text_is_space((char)value.bytes[0]))
        value = (struct span){value.bytes + 1, value.len - 1};
    return problem_add(p->problems, "transfer encoding '%.*s' unknown, read as it stands",
                       (int)(value.len < 40 ? value.len : 40), (const char *)value.bytes);
}

/* A new frame on top, child of the one below. */
static struct frame *frame_push(struct mime_parser *p)
{
    struct frame *below = p->depth > 0 ? top(p) : NULL;
    struct frame *f = &p->frames[p->depth++];
    *f = (struct frame){.part = {.number = ++p->parts}};
    if (below != NULL) {
        f->part.parent = &below->part;
        f->part.index = below->children++;
        f->part.messages = below->part.messages + (below->part.kind == MIME_MESSAGE ? 1 : 0);
    }
    return f;
}

/* What comes next after a part's header block. */
static void frame_enter(struct mime_parser *p, struct frame *f)
{
    p->state = STATE_BODY;
    p->line_start = true;
    if (f->part.kind == MIME_MULTIPART)
        p->open++;
    if (f->part.kind == MIME_MESSAGE) {
        if (p->capture == 0) {
            p->capture = p->depth;
            mime_capture_init(&p->captured, &p->handler, &f->part);
        }
        header_reset(p);
    }
}

/* What raw 8-bit bytes of the header block are in: it says so itself, else the part around. In
 * @mended the block is read so. */
static int header_mend(struct mime_parser *p, struct frame *f, struct buffer *mended)
{
    const struct mime_part *around = f->part.parent;
    bool clean = text_is_utf8(f->part.header.bytes, f->part.header.len);
    bool first = around == NULL || around->kind == MIME_MESSAGE;
    const char *hint = NULL;
    if ((first || !clean) && header_charset_hint(f->part.header, &hint) < 0)
        return -1;
    f->part.charset_hint = hint != NULL || first ? hint : around->charset_hint;
    if (clean || f->part.charset_hint == NULL)
        return 0;
    if (header_charset_mend(f->part.header, f->part.charset_hint, mended, p->problems) < 0)
        return -1;
    f->part.header = (struct span){(const uint8_t *)buffer_text(mended), mended->len};
    return 0;
}

/* The header block is complete: a part begins. */
static int header_end(struct mime_parser *p)
{
    __attribute__((cleanup(part_fields_done))) struct part_fields fields = {0};
    AUTO_DONE(buffer) mended;
    buffer_init(&mended, MAIL_HEADER_BLOCK_MAX * 3);
    struct frame *f = frame_push(p);
    f->part.header = (struct span){(const uint8_t *)buffer_text(&p->header), p->header.len};
    if (header_mend(p, f, &mended) < 0 || part_fields_read(p, f, &fields) < 0 ||
        frame_decide(p, f, &fields.type) < 0)
        return -1;
    f->part.type = &fields.type;
    f->part.disposition = &fields.disposition;
    int result = p->handler.begin(p->handler.context, &f->part);
    f->part.header = (struct span){NULL, 0};
    f->part.type = f->part.disposition = NULL;
    frame_enter(p, f);
    return result;
}

static int frame_close(struct mime_parser *p)
{
    struct frame *f = top(p);
    bool captured = p->capture == p->depth;
    int result = captured ? mime_capture_end(&p->captured) : 0;
    if (result == 0)
        result = p->handler.end(p->handler.context, &f->part);
    if (f->part.kind == MIME_MULTIPART && f->stage != STAGE_EPILOGUE) {
        p->open--;
        if (problem_add(p->problems, "end boundary of a multipart is missing") < 0)
            result = -1;
    }
    if (captured)
        p->capture = 0;
    free(f->boundary);
    f->boundary = NULL;
    p->depth--;
    return result;
}

/* ---- bytes of bodies ---- */

static int capture(struct mime_parser *p, const uint8_t *bytes, size_t count)
{
    return p->capture > 0 ? mime_capture_bytes(&p->captured, bytes, count) : 0;
}

/* Body bytes of the part on top, and of the attached message around it. */
static int emit(struct mime_parser *p, const uint8_t *bytes, size_t count)
{
    struct frame *f = top(p);
    if (count == 0)
        return 0;
    bool wanted =
        f->part.kind == MIME_LEAF || (f->part.kind == MIME_MULTIPART && f->stage == STAGE_PREAMBLE);
    if (wanted && p->handler.body(p->handler.context, &f->part, bytes, count) < 0)
        return -1;
    return capture(p, bytes, count);
}

/* ---- boundaries ---- */

struct match {
    size_t frame; /* index */
    bool close;   /* "--boundary--" */
};

/* Which multipart's boundary the line "--..." is, the innermost first. All of the line must be the
 * boundary, white space may follow; behind the closing "--" anything may. One comparison of equal
 * lengths per open multipart, so hostile boundaries cost no more than reading them. */
static bool boundary_match(const struct mime_parser *p, const uint8_t *line, size_t len,
                           struct match *out)
{
    if (len < 2 || line[0] != '-' || line[1] != '-')
        return false;
    line += 2;
    len -= 2;
    size_t text = len; /* without white space at the end */
    while (text > 0 && text_is_space((char)line[text - 1]))
        text--;
    for (size_t i = p->depth; i-- > 0;) {
        const struct frame *f = &p->frames[i];
        size_t want = f->boundary_len;
        if (f->boundary == NULL || f->stage == STAGE_EPILOGUE || len < want)
            continue;
        bool close = text >= want + 2 && line[want] == '-' && line[want + 1] == '-';
        if ((text > want && !close) || memcmp(line, f->boundary, want) != 0)
            continue;
        *out = (struct match){.frame = i, .close = close};
        return true;
    }
    return false;
}

/* Too many parts: inside an attached message the rest is not looked at, it comes with the message;
 * else all that is left of the mail is one part. */
static int parts_over(struct mime_parser *p)
{
    if (problem_add(p->problems, "more than %u parts: the rest is not taken apart",
                    MAIL_PARTS_MAX) < 0)
        return -1;
    if (p->capture != 0) {
        top(p)->stage = STAGE_EPILOGUE;
        p->open--;
        return 0;
    }
    static const char octets[] = "application/octet-stream";
    __attribute__((cleanup(part_fields_done))) struct part_fields fields = {0};
    struct span type = {(const uint8_t *)octets, sizeof octets - 1}, none = {type.bytes, 0};
    if (header_parse_value(type, &fields.type, NULL) < 0 ||
        header_parse_value(none, &fields.disposition, NULL) < 0)
        return -1;
    struct frame *f = frame_push(p);
    f->part.opaque = true;
    f->part.type = &fields.type;
    f->part.disposition = &fields.disposition;
    int result = p->handler.begin(p->handler.context, &f->part);
    f->part.type = f->part.disposition = NULL;
    p->state = STATE_REST;
    return result;
}

/* The boundary line @line (with the line end before it) belongs to this multipart. */
static int boundary_take(struct mime_parser *p, struct match match, struct span line)
{
    if (p->capture != 0 && match.frame >= p->capture && capture(p, line.bytes, line.len) < 0)
        return -1;
    if (p->capture > match.frame && line.bytes[0] == '-')
        mime_capture_drop_end(&p->captured); /* it stands right before this boundary */
    while (p->depth > match.frame + 1) {
        if (frame_close(p) < 0)
            return -1;
    }
    struct frame *f = top(p);
    p->state = STATE_BODY;
    p->line_start = true;
    if (match.close) {
        f->stage = STAGE_EPILOGUE;
        p->open--;
        return 0;
    }
    f->stage = STAGE_PARTS;
    if (p->parts >= MAIL_PARTS_MAX)
        return parts_over(p);
    header_reset(p);
    return 0;
}

/* ---- scanning. Each step sets *used and returns 1, 0 (more bytes are needed), or -1. ---- */

struct piece {
    const uint8_t *bytes;
    size_t len;
    bool last; /* nothing will follow */
};

static inline size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int header_append(struct mime_parser *p, const uint8_t *bytes, size_t count)
{
    size_t room = MAIL_HEADER_BLOCK_MAX - p->header.len, n = smaller(room, count);
    if (n < count && !p->header_full) {
        p->header_full = true;
        if (problem_add(p->problems, "header block longer than %u kB: the rest is not read",
                        MAIL_HEADER_BLOCK_MAX / 1024) < 0)
            return -1;
    }
    for (size_t at = n; at > 0; at--) {
        if (text_is_space((char)bytes[at - 1]))
            continue;
        p->header_last = bytes[at - 1];
        break;
    }
    return buffer_append(&p->header, bytes, n);
}

/* A whole line of the header, or as much of it as there is. */
static int header_take_line(struct mime_parser *p, const struct piece *in, size_t len, size_t *used)
{
    p->first_line = false;
    p->tail = in->bytes[len - 1] == '\n' ? TAIL_NONE : p->dropping ? TAIL_DROP : TAIL_KEEP;
    *used = len;
    if (!p->dropping && header_append(p, in->bytes, len) < 0)
        return -1;
    return capture(p, in->bytes, len) < 0 ? -1 : 1;
}

static int header_tail(struct mime_parser *p, const struct piece *in, size_t *used)
{
    const uint8_t *lf = memchr(in->bytes, '\n', in->len);
    return header_take_line(p, in, lf != NULL ? (size_t)(lf - in->bytes) + 1 : in->len, used);
}

static bool is_mbox_from(const uint8_t *line, size_t len)
{
    return (len >= 5 && memcmp(line, "From ", 5) == 0) ||
           (len >= 6 && memcmp(line, ">From ", 6) == 0);
}

enum lines { LINES_MORE, LINES_HEADER, LINES_BODY };

/* What follows a line that can be neither field nor fold. Garbage among fields: the next line is a
 * field, or a field that mail programs write comes before any empty line; *out_skip bytes stand
 * before it. Else the body, for which the empty line is missing. */
static enum lines lines_behind(const struct piece *in, size_t at, size_t *out_skip)
{
    size_t window = smaller(in->len, LINE_WINDOW);
    bool next = true;
    while (at < window) {
        const uint8_t *lf = memchr(in->bytes + at, '\n', window - at);
        size_t len = lf != NULL ? (size_t)(lf - in->bytes) + 1 - at : window - at;
        enum mime_line kind = mime_line_kind(in->bytes + at, window - at);
        bool whole = lf != NULL || in->last;
        *out_skip = at;
        if (kind == MIME_LINE_FIELD && (next || mime_line_is_known(in->bytes + at, len)))
            return LINES_HEADER;
        if (!whole)
            break;
        if (mime_line_is_empty(in->bytes + at, len) || in->bytes[at] == '-')
            return LINES_BODY;
        next = next && kind == MIME_LINE_FOLD;
        at += len;
    }
    return in->len < LINE_WINDOW && !in->last ? LINES_MORE : LINES_BODY;
}

static int header_other(struct mime_parser *p, const struct piece *in, size_t len, size_t *used)
{
    bool mbox = p->first_line && is_mbox_from(in->bytes, len);
    size_t skip = len;
    enum lines behind = LINES_HEADER;
    if (!mbox)
        behind = lines_behind(in, len, &skip);
    if (behind == LINES_MORE)
        return 0;
    if (behind == LINES_HEADER) {
        p->dropping = true;
        if (!is_mbox_from(in->bytes, len) &&
            problem_add(p->problems, "header lines that are no fields, left out") < 0)
            return -1;
        return header_take_line(p, in, skip, used);
    }
    if (problem_add(p->problems, "no empty line between header and body") < 0)
        return -1;
    return header_end(p) < 0 ? -1 : 1;
}

/* A parameter whose fold has lost its white space: the line before ends in ";". */
static bool is_lost_fold(const struct mime_parser *p, const uint8_t *line, size_t len)
{
    return !p->dropping && p->header_last == ';' && memchr(line, '=', len) != NULL;
}

static int header_field(struct mime_parser *p, const struct piece *in, size_t len, size_t *used)
{
    p->dropping = ++p->fields > MAIL_HEADER_FIELDS_MAX;
    if (p->fields == MAIL_HEADER_FIELDS_MAX + 1 &&
        problem_add(p->problems, "more than %u header fields: the rest is not read",
                    MAIL_HEADER_FIELDS_MAX) < 0)
        return -1;
    return header_take_line(p, in, len, used);
}

/* A line of the header block. */
static int header_step(struct mime_parser *p, const struct piece *in, size_t *used)
{
    struct match match;
    if (p->tail != TAIL_NONE)
        return header_tail(p, in, used);
    if (p->parts == 0 && p->first_line) {
        size_t window = smaller(in->len, LINE_WINDOW);
        if (!mime_header_lead(in->bytes, window, in->last || window == LINE_WINDOW, used))
            return 0;
        if (*used > 0)
            return 1;
    }
    const uint8_t *lf = memchr(in->bytes, '\n', in->len);
    if (lf == NULL && in->len < LINE_WINDOW && !in->last)
        return 0;
    size_t len = lf != NULL ? (size_t)(lf - in->bytes) + 1 : in->len;
    size_t window = smaller(len, LINE_WINDOW);
    bool seen = len <= LINE_WINDOW && (lf != NULL || in->last);
    if (seen && mime_line_is_empty(in->bytes, len)) {
        *used = len;
        if (capture(p, in->bytes, len) < 0)
            return -1;
        return header_end(p) < 0 ? -1 : 1;
    }
    if (seen && p->open > 0 && boundary_match(p, in->bytes, len, &match))
        return header_end(p) < 0 ? -1 : 1;
    enum mime_line kind = mime_line_kind(in->bytes, window);
    if (kind == MIME_LINE_FOLD && (p->fields > 0 || p->dropping))
        return header_take_line(p, in, len, used);
    if (kind == MIME_LINE_FIELD)
        return header_field(p, in, len, used);
    if (is_lost_fold(p, in->bytes, window))
        return header_append(p, (const uint8_t *)" ", 1) < 0 ? -1
                                                             : header_take_line(p, in, len, used);
    return header_other(p, in, len, used);
}

/* How many bytes at the end may be the line end before a boundary, and its first dash. */
static size_t body_tail(const struct piece *in)
{
    const uint8_t *b = in->bytes;
    size_t n = in->len, keep = 0;
    if (in->last)
        return 0;
    if (n > 1 && b[n - 1] == '-' && b[n - 2] == '\n')
        keep = 2;
    else if (n > 0 && (b[n - 1] == '\n' || b[n - 1] == '\r'))
        keep = 1;
    if (keep > 0 && keep < n && b[n - keep] == '\n' && b[n - keep - 1] == '\r')
        keep++;
    return keep;
}

/* The next line that begins with "--", from @at on; in->len if there is none. */
static size_t body_find_dashes(const struct mime_parser *p, const struct piece *in, size_t at)
{
    const uint8_t *b = in->bytes;
    if (at == 0 && p->line_start && in->len >= 2 && b[0] == '-' && b[1] == '-')
        return 0;
    while (at < in->len) {
        const uint8_t *dash = memchr(b + at, '-', in->len - at);
        if (dash == NULL)
            break;
        at = (size_t)(dash - b);
        if (at > 0 && b[at - 1] == '\n' && at + 1 < in->len && b[at + 1] == '-')
            return at;
        at++;
    }
    return in->len;
}

/* Where the line end before the line at @line begins. */
static size_t line_end_before(const uint8_t *b, size_t line)
{
    if (line > 0)
        line--;
    return line > 0 && b[line] == '\n' && b[line - 1] == '\r' ? line - 1 : line;
}

/* Body bytes up to @count go out; 1 if that is progress. */
static int body_release(struct mime_parser *p, const struct piece *in, size_t from, size_t count,
                        size_t *used)
{
    *used = count;
    if (count == 0)
        return 0;
    p->line_start = false;
    return emit(p, in->bytes + from, count - from) < 0 ? -1 : 1;
}

static int body_step(struct mime_parser *p, const struct piece *in, size_t *used)
{
    struct match match;
    size_t at = 0;
    if (p->open == 0 || p->state == STATE_REST)
        return body_release(p, in, 0, in->len, used);
    if (p->line_start && in->len == 1 && in->bytes[0] == '-' && !in->last)
        return 0;
    for (;;) {
        size_t line = body_find_dashes(p, in, at), room = smaller(in->len - line, LINE_WINDOW);
        if (line == in->len)
            return body_release(p, in, 0, in->len - body_tail(in), used);
        size_t before = line_end_before(in->bytes, line);
        const uint8_t *lf = memchr(in->bytes + line, '\n', room);
        if (lf == NULL && room < LINE_WINDOW && !in->last)
            return body_release(p, in, 0, before, used);
        size_t end = lf != NULL ? (size_t)(lf - in->bytes) + 1 : line + room;
        bool whole = lf != NULL || (in->last && end == in->len);
        if (whole && boundary_match(p, in->bytes + line, end - line, &match)) {
            if (emit(p, in->bytes, before) < 0)
                return -1;
            *used = end;
            struct span boundary = {in->bytes + before, end - before};
            return boundary_take(p, match, boundary) < 0 ? -1 : 1;
        }
        at = line + 2;
    }
}

/* Take what can be understood; *out_used bytes of @in were. */
static int scan(struct mime_parser *p, struct piece in, size_t *out_used)
{
    *out_used = 0;
    while (in.len > 0) {
        size_t used = 0;
        int result =
            p->state == STATE_HEADER ? header_step(p, &in, &used) : body_step(p, &in, &used);
        if (result <= 0)
            return result;
        in.bytes += used;
        in.len -= used;
        *out_used += used;
    }
    return 0;
}

/* Bytes with LF or CR LF line ends. What was held back is seen again with as much of the new bytes
 * as the window takes, until the scan stands in the new bytes. */
static int feed_lines(struct mime_parser *p, const uint8_t *bytes, size_t count)
{
    size_t used;
    while (p->held > 0 && count > 0) {
        size_t old = p->held, n = smaller(WINDOW - old, count);
        memcpy(p->hold + old, bytes, n);
        if (scan(p, (struct piece){p->hold, old + n, false}, &used) < 0)
            return -1;
        if (used >= old) {
            bytes += used - old;
            count -= used - old;
            p->held = 0;
            break;
        }
        memmove(p->hold, p->hold + used, old + n - used);
        p->held = old + n - used;
        bytes += n;
        count -= n;
    }
    if (count == 0)
        return 0;
    if (scan(p, (struct piece){bytes, count, false}, &used) < 0)
        return -1;
    p->held = count - used;
    memcpy(p->hold, bytes + used, p->held);
    return 0;
}

/* ---- line ends ---- */

/* Each CR becomes LF, the LF of a CR LF goes. */
static int feed_cr(struct mime_parser *p, const uint8_t *bytes, size_t count)
{
    uint8_t lines[PROBE];
    for (size_t at = 0; at < count;) {
        size_t n = 0;
        for (; at < count && n < sizeof lines; at++) {
            bool skip = bytes[at] == '\n' && p->after_cr;
            p->after_cr = bytes[at] == '\r';
            if (!skip)
                lines[n++] = p->after_cr ? '\n' : bytes[at];
        }
        if (feed_lines(p, lines, n) < 0)
            return -1;
    }
    return 0;
}

static int feed_ends(struct mime_parser *p, const uint8_t *bytes, size_t count)
{
    return p->ends == ENDS_CR ? feed_cr(p, bytes, count) : feed_lines(p, bytes, count);
}

/* A message without any LF in its first bytes, but with CR, has bare CR line ends. A byte order
 * mark of UTF-8 before the header was put there by an editor. */
static int probe_decide(struct mime_parser *p)
{
    bool lf = memchr(p->probe, '\n', p->probed) != NULL;
    bool cr = memchr(p->probe, '\r', p->probed) != NULL;
    size_t mark = p->probed >= 3 && memcmp(p->probe, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    p->ends = cr && !lf ? ENDS_CR : ENDS_LF;
    return feed_ends(p, p->probe + mark, p->probed - mark);
}

/* ---- the door ---- */

struct mime_parser *mime_parser_new(const struct mime_handler *handler, struct mail_texts *problems)
{
    struct mime_parser *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->handler = *handler;
    p->problems = problems;
    buffer_init(&p->header, MAIL_HEADER_BLOCK_MAX);
    header_reset(p);
    return p;
}

void mime_parser_free(struct mime_parser *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->depth; i++)
        free(p->frames[i].boundary);
    buffer_done(&p->header);
    free(p);
}

int mime_parser_feed(struct mime_parser *p, const uint8_t *bytes, size_t count)
{
    if (count == 0)
        return 0;
    if (p->ends == ENDS_UNKNOWN) {
        size_t n = smaller(PROBE - p->probed, count);
        memcpy(p->probe + p->probed, bytes, n);
        bool found = memchr(bytes, '\n', n) != NULL;
        p->probed += n;
        bytes += n;
        count -= n;
        if (!found && p->probed < PROBE)
            return 0;
        if (probe_decide(p) < 0)
            return -1;
    }
    return count > 0 ? feed_ends(p, bytes, count) : 0;
}

int mime_parser_finish(struct mime_parser *p)
{
    size_t used;
    if (p->ends == ENDS_UNKNOWN && probe_decide(p) < 0)
        return -1;
    if (scan(p, (struct piece){p->hold, p->held, true}, &used) < 0)
        return -1;
    while (p->state == STATE_HEADER) { /* a message without a body; one in it without a header */
        if (header_end(p) < 0)
            return -1;
    }
    while (p->depth > 0) {
        if (frame_close(p) < 0)
            return -1;
    }
    return 0;
}
