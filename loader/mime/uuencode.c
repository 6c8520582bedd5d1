/* SPDX-License-Identifier: Apache-2.0 */
/* uuencode.c - files inside plain text. See uuencode.h.
 *
 *     TEXT -> MAYBE    a begin line, held until the next line says whether it is one
 *     MAYBE -> FILE    data or end follows;  MAYBE -> TEXT: it was prose
 *     FILE -> TEXT     end, or a line that is no data
 *     TEXT -> YENC -> TEXT    "=ybegin" needs no second opinion; "=yend" or the end of the text
 *
 * Lines are gathered whole. One that is longer than UUENCODE_LINE_MAX is taken in pieces
 * (long_line): it is text, or yEnc data, whose lines may be as long as they like. */
#include <config.h>
#include "uuencode.h"

#include <stdlib.h>
#include <string.h>

#define UUENCODE_PIECE 512u         /* bytes decoded between two calls of the sink */
#define UUENCODE_SIZE_MAX (1ull << 50) /* a yEnc size above says nothing */

enum uuencode_state { UU_TEXT, UU_MAYBE, UU_FILE, UU_YENC };

struct uuencode_filter {
    struct uuencode_sink sink;
    enum uuencode_state state;
    bool long_line;  /* the line goes on that has been taken in part */
    bool zero;       /* FILE: the line of length zero has been seen */
    bool escaped;    /* YENC: the byte before was "=" */
    bool has_size;   /* YENC: size holds what the first line said */
    uint8_t full;    /* FILE: length of the first data line, that of most others */
    uint64_t size, written; /* YENC: bytes announced, bytes decoded */
    size_t len;      /* bytes in line */
    size_t held_len; /* bytes in held */
    uint8_t line[UUENCODE_LINE_MAX];
    uint8_t held[UUENCODE_LINE_MAX]; /* MAYBE: the begin line, its end included */
};

struct uuencode_filter *uuencode_filter_new(const struct uuencode_sink *sink)
{
    struct uuencode_filter *f = calloc(1, sizeof *f);
    if (f != NULL)
        f->sink = *sink;
    return f;
}

void uuencode_filter_free(struct uuencode_filter *f)
{
    free(f);
}

static struct span uu_trim_end(struct span s)
{
    while (s.len > 0 && (s.bytes[s.len - 1] == '\n' || s.bytes[s.len - 1] == '\r' ||
                         s.bytes[s.len - 1] == ' '))
        s.len--;
    return s;
}

static struct span uu_without_line_end(struct span s)
{
    if (s.len > 0 && s.bytes[s.len - 1] == '\n')
        s.len--;
    if (s.len > 0 && s.bytes[s.len - 1] == '\r')
        s.len--;
    return s;
}

/* "begin" SP 3*5OCTAL SP name */
static bool uu_is_begin(struct span line, struct span *out_name)
{
    struct span s = uu_trim_end(line);
    struct cursor c = cursor_over(s.bytes, s.len);
    if (cursor_text(&c, "begin ") != PARSE_OK)
        return false;
    size_t digits = 0;
    for (; cursor_peek(&c) >= '0' && cursor_peek(&c) <= '7'; digits++)
        c.pos++;
    if (digits < 3 || digits > 5 || cursor_byte(&c, ' ') != PARSE_OK)
        return false;
    while (cursor_peek(&c) == ' ')
        c.pos++;
    *out_name = (struct span){c.bytes + c.pos, cursor_left(&c)};
    return out_name->len > 0;
}

/* Where " key=" ends in the line, 0 when it is not there. */
static size_t yenc_find(struct span line, const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 0; i + len <= line.len; i++)
        if (memcmp(line.bytes + i, key, len) == 0)
            return i + len;
    return 0;
}

static bool yenc_size(struct span line, uint64_t *out_size)
{
    size_t at = yenc_find(line, " size=");
    struct cursor c = cursor_over(line.bytes, line.len);
    c.pos = at;
    return at > 0 && cursor_number(&c, UUENCODE_SIZE_MAX, out_size) == PARSE_OK;
}

/* "=ybegin" SP ... "name=" name: yEnc 1.3, name is the last key and ends with the line */
static bool yenc_is_begin(struct span line, struct span *out_name)
{
    struct span s = uu_trim_end(line);
    struct cursor c = cursor_over(s.bytes, s.len);
    if (cursor_text(&c, "=ybegin ") != PARSE_OK)
        return false;
    size_t at = yenc_find(s, " name=");
    if (at == 0 || at == s.len)
        return false;
    *out_name = (struct span){s.bytes + at, s.len - at};
    return true;
}

static bool uu_is_end(struct span line)
{
    return span_is(uu_trim_end(line), "end");
}

/* The bytes that a line says it holds; -1 when it is no data line. Characters that are missing at
 * its end were spaces which a mailer cut: any number in a line as long as @full, else at most half.
 * One more is a checksum of old encoders, further spaces are padding. A line of the full length is
 * data even where a gateway changed characters in it: one bad line, not a page of rubbish. */
static int uu_data_length(struct span line, uint8_t full)
{
    struct span s = uu_without_line_end(line);
    if (full != 0 && s.len == 1 + ((size_t)full + 2) / 3 * 4 && s.bytes[0] == 0x20 + full)
        return full;
    for (size_t i = 0; i < s.len; i++)
        if (s.bytes[i] < 0x20 || s.bytes[i] > 0x60)
            return -1;
    if (s.len == 0)
        return 0;
    uint8_t n = (s.bytes[0] - 0x20u) & 0x3Fu;
    if (n == 0)
        return uu_trim_end(s).len <= 1 ? 0 : -1;
    size_t want = ((size_t)n + 2) / 3 * 4, have = s.len - 1;
    if (have < want)
        return n == full || 2 * have >= want ? n : -1;
    size_t surplus = uu_trim_end(s).len;
    return surplus <= want + 2 ? n : -1;
}

/* At most 63 bytes come out of one line. */
static int uu_decode(struct uuencode_filter *f, struct span line, size_t n)
{
    struct span s = uu_without_line_end(line);
    uint8_t out[66];
    size_t len = 0;
    for (size_t at = 1; len < n; at += 4) {
        uint32_t group = 0;
        for (size_t i = at; i < at + 4; i++)
            group = group << 6 | (i < s.len ? (s.bytes[i] - 0x20u) & 0x3Fu : 0);
        out[len++] = (uint8_t)(group >> 16);
        out[len++] = (uint8_t)(group >> 8);
        out[len++] = (uint8_t)group;
    }
    return f->sink.bytes(f->sink.context, out, n);
}

/* Decode: each byte is less by 42, behind "=" by 64 more; line ends are no data. */
static int yenc_decode(struct uuencode_filter *f, struct span data)
{
    uint8_t out[UUENCODE_PIECE];
    size_t len = 0;
    for (size_t i = 0; i < data.len; i++) {
        uint8_t byte = data.bytes[i];
        if (byte == '\r' || byte == '\n')
            continue;
        if (byte == '=' && !f->escaped) {
            f->escaped = true;
            continue;
        }
        out[len++] = (uint8_t)(byte - 42u - (f->escaped ? 64u : 0u));
        f->escaped = false;
        f->written++;
        if (len == sizeof out || i + 1 == data.len) {
            if (f->sink.bytes(f->sink.context, out, len) < 0)
                return -1;
            len = 0;
        }
    }
    return len > 0 ? f->sink.bytes(f->sink.context, out, len) : 0;
}

static int uu_text(struct uuencode_filter *f, struct span text)
{
    return text.len > 0 ? f->sink.text(f->sink.context, text.bytes, text.len) : 0;
}

static int uu_end(struct uuencode_filter *f, bool whole)
{
    f->state = UU_TEXT;
    return f->sink.end(f->sink.context, whole);
}

static int uu_line_in_text(struct uuencode_filter *f, struct span line)
{
    struct span name;
    if (uu_is_begin(line, &name)) {
        memcpy(f->held, line.bytes, line.len);
        f->held_len = line.len;
        f->state = UU_MAYBE;
        return 0;
    }
    if (yenc_is_begin(line, &name)) {
        f->state = UU_YENC;
        f->escaped = false;
        f->written = 0;
        f->has_size = yenc_size(line, &f->size);
        return f->sink.begin(f->sink.context, name);
    }
    return uu_text(f, line);
}

static int uu_line_in_file(struct uuencode_filter *f, struct span line)
{
    if (uu_is_end(line))
        return uu_end(f, true);
    int n = uu_data_length(line, f->full);
    if (n < 0 || (n > 0 && f->zero)) {
        if (uu_end(f, f->zero) < 0)
            return -1;
        return uu_line_in_text(f, line);
    }
    if (n == 0) {
        f->zero |= uu_without_line_end(line).len > 0; /* a blank line says nothing */
        return 0;
    }
    return uu_decode(f, line, (size_t)n);
}

/* The begin line was prose after all. */
static int uu_release(struct uuencode_filter *f)
{
    f->state = UU_TEXT;
    return uu_text(f, (struct span){f->held, f->held_len});
}

static int uu_line_behind_begin(struct uuencode_filter *f, struct span line)
{
    int n = uu_data_length(line, 0);
    if (!uu_is_end(line) && n <= 0 && !span_is(uu_trim_end(line), "`")) {
        if (uu_release(f) < 0)
            return -1;
        return uu_line_in_text(f, line);
    }
    struct span name;
    (void)uu_is_begin((struct span){f->held, f->held_len},
                      &name); /* it is: that is why it is held */
    f->state = UU_FILE;
    f->full = n > 0 ? (uint8_t)n : 0;
    f->zero = false;
    /* analyse: name is set, see above */
    if (f->sink.begin(f->sink.context, name) < 0)
        return -1;
    return uu_line_in_file(f, line);
}

static int uu_line_in_yenc(struct uuencode_filter *f, struct span line)
{
    struct cursor c = cursor_over(line.bytes, line.len);
    f->escaped = false;
    if (cursor_text(&c, "=yend") == PARSE_OK) {
        uint64_t size;
        bool agrees = !yenc_size(line, &size) || size == f->written;
        return uu_end(f, agrees);
    }
    if (cursor_text(&c, "=ypart ") == PARSE_OK)
        return 0;
    return yenc_decode(f, line);
}

static int uu_line(struct uuencode_filter *f, struct span line)
{
    switch (f->state) {
    case UU_TEXT:
        return uu_line_in_text(f, line);
    case UU_MAYBE:
        return uu_line_behind_begin(f, line);
    case UU_FILE:
        return uu_line_in_file(f, line);
    case UU_YENC:
        return uu_line_in_yenc(f, line);
    }
    return 0;
}

/* A line grows too long to be gathered: from here it is taken in pieces. */
static int uu_start_long_line(struct uuencode_filter *f)
{
    f->long_line = true;
    f->escaped = false;
    if (f->state == UU_MAYBE && uu_release(f) < 0)
        return -1;
    if (f->state == UU_FILE && uu_end(f, f->zero) < 0)
        return -1;
    struct span start = {f->line, f->len};
    f->len = 0;
    return f->state == UU_YENC ? yenc_decode(f, start) : uu_text(f, start);
}

/* @piece ends a line (@ends), or is all there is for now. */
static int uu_piece(struct uuencode_filter *f, struct span piece, bool ends)
{
    if (!f->long_line && f->len == 0 && ends && piece.len <= UUENCODE_LINE_MAX)
        return uu_line(f, piece);
    if (!f->long_line && piece.len > UUENCODE_LINE_MAX - f->len && uu_start_long_line(f) < 0)
        return -1;
    if (f->long_line) {
        f->long_line = !ends;
        return f->state == UU_YENC ? yenc_decode(f, piece) : uu_text(f, piece);
    }
    memcpy(f->line + f->len, piece.bytes, piece.len);
    f->len += piece.len;
    if (!ends)
        return 0;
    struct span line = {f->line, f->len};
    f->len = 0;
    return uu_line(f, line);
}

/* How many bytes of whole lines there are from here on none of which can begin a file. */
static size_t uu_prose(const uint8_t *bytes, size_t count)
{
    size_t done = 0;
    while (done < count && bytes[done] != 'b' && bytes[done] != '=') {
        const uint8_t *lf = memchr(bytes + done, '\n', count - done);
        if (lf == NULL)
            break;
        done = (size_t)(lf - bytes) + 1;
    }
    return done;
}

int uuencode_filter_feed(struct uuencode_filter *f, const uint8_t *bytes, size_t count)
{
    while (count > 0) {
        size_t prose =
            f->state == UU_TEXT && f->len == 0 && !f->long_line ? uu_prose(bytes, count) : 0;
        if (uu_text(f, (struct span){bytes, prose}) < 0)
            return -1;
        bytes += prose;
        count -= prose;
        if (count == 0)
            break;
        const uint8_t *lf = memchr(bytes, '\n', count);
        size_t take = lf != NULL ? (size_t)(lf - bytes) + 1 : count;
        if (uu_piece(f, (struct span){bytes, take}, lf != NULL) < 0)
            return -1;
        bytes += take;
        count -= take;
    }
    return 0;
}

int uuencode_filter_finish(struct uuencode_filter *f)
{
    struct span line = {f->line, f->len};
    f->len = 0;
    if (line.len > 0 && uu_line(f, line) < 0)
        return -1;
    if (f->state == UU_MAYBE)
        return uu_release(f);
    if (f->state == UU_FILE)
        return uu_end(f, f->zero);
    return f->state == UU_YENC ? uu_end(f, f->has_size && f->size == f->written) : 0;
}
