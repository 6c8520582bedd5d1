/* SPDX-License-Identifier: Apache-2.0 */
/* charset.c - bytes to UTF-8. See charset.h.
 *
 *     START -> GUESS -> HELD -> UTF8 | WINDOWS1252      nothing sure is known of the charset
 *                    -> ESCAPE -> SHIFT | ICONV | GUESS
 *           -> UTF8 | WINDOWS1252 | SHIFT | ICONV       the label or a byte order mark says it
 *
 * A mode takes bytes until it knows enough to pass the rest on; charset_enter() moves. */
#include <config.h>
#include "charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "charset-names.h"
#include "charset-shift.h"
#include "text.h"

#define ESC 0x1B
#define CARRY_MAX 16   /* bytes of one character that is not complete; no charset needs more */
#define CHUNK 2048     /* bytes converted at a time */
#define GUESS_RUN 512  /* bytes of ASCII looked at and taken in one turn */
#define GOOD_PER_BAD 4 /* well-formed characters that outweigh a malformed one */

static const char utf8_bom[] = "\xEF\xBB\xBF";
static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

enum charset_mode {
    MODE_START,       /* looking for a byte order mark, up to 4 bytes held */
    MODE_GUESS,       /* ASCII so far */
    MODE_ESCAPE,      /* ASCII, then ESC: up to 4 bytes held */
    MODE_HELD,        /* 8-bit: a window is held */
    MODE_UTF8,        /* decided */
    MODE_WINDOWS1252, /* decided */
    MODE_SHIFT,       /* decided: unfold, then iconv */
    MODE_ICONV,       /* decided */
};

struct charset_decoder {
    enum charset_mode mode;
    const char *name;    /* what the label means: see charset_name() */
    const char *read_as; /* what it is read as; NULL: only ASCII so far */
    const char *guess;   /* what 8-bit text without a label is, else windows-1252 */
    char label[40];      /* printable, for the problem; "" if there was none */
    bool swapped_bad;    /* MODE_UTF8: bytes that are none are windows-1252, not U+FFFD */
    bool bad;            /* some became U+FFFD */
    bool stepwise;       /* iconv gets one byte more at a time: see charset_enter() */
    iconv_t iconv;       /* (iconv_t)-1: not open */
    struct charset_shift shift;
    struct buffer held;
    uint8_t carry[CARRY_MAX];
    size_t carry_len;
    char problem[CHARSET_PROBLEM_MAX];
};

struct charset_decoder *charset_decoder_new(const char *label)
{
    struct charset_decoder *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    d->name = charset_name(label);
    if (label != NULL)
        text_printable(d->label, sizeof d->label, label, strlen(label));
    d->iconv = (iconv_t)-1;
    buffer_init(&d->held, CHARSET_WINDOW);
    return d;
}

void charset_decoder_guess(struct charset_decoder *d, const char *name)
{
    d->guess = name;
}

void charset_decoder_free(struct charset_decoder *d)
{
    if (d == NULL)
        return;
    if (d->iconv != (iconv_t)-1)
        (void)iconv_close(d->iconv);
    buffer_done(&d->held);
    free(d);
}

/* --- UTF-8 --- */

/* How many bytes from here begin a character: all of a valid one, part of one that is cut off or
 * goes wrong; 0 if not even the first can. */
static size_t utf8_beginning(const uint8_t *bytes, size_t left)
{
    uint8_t filled[4] = {0, 0x80, 0x80, 0x80};
    size_t best = 0;
    for (size_t n = 1; n <= 3 && n <= left; n++) {
        filled[n - 1] = bytes[n - 1];
        if (n == 1 && (bytes[0] == 0xE0 || bytes[0] == 0xF0))
            filled[1] = 0xA0; /* fits both: the lowest that is not overlong is 0xA0 or 0x90 */
        if (text_utf8_length(filled, 4) <= n - 1 || text_utf8_length(filled, 4) == 0)
            break;
        best = n;
    }
    return best;
}

/* How many bytes from here are valid UTF-8 without NUL. */
static size_t utf8_run(const uint8_t *bytes, size_t count)
{
    size_t at = 0;
    while (at < count) {
        size_t length = bytes[at] < 0x80 ? text_ascii_run(bytes + at, count - at)
                                         : text_utf8_length(bytes + at, count - at);
        if (length == 0)
            break;
        at += length;
    }
    return at;
}

/* 0x80..0x9F of windows-1252; 0: not in use. */
static const uint16_t windows1252[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178,
};

static int emit_windows1252(uint8_t byte, struct buffer *out)
{
    uint32_t c = byte >= 0x80 && byte < 0xA0 ? windows1252[byte - 0x80] : byte;
    char one[5];
    struct buffer b = {.data = one, .cap = sizeof one, .limit = 4};
    (void)text_utf8_append(&b, c == 0 ? 0xFFFD : c);
    return text_append_fitting(out, one, b.len);
}

/* Emit valid UTF-8 and mend the rest. Returns how many bytes it has dealt with: all of them if
 * @final, else a character cut off by the end stays; SIZE_MAX out of memory. */
static size_t utf8_emit(struct charset_decoder *d, const uint8_t *bytes, size_t count, bool final,
                        struct buffer *out)
{
    size_t at = 0;
    while (at < count) {
        size_t run = utf8_run(bytes + at, count - at);
        if (run > 0 && text_append_fitting(out, bytes + at, run) < 0)
            return SIZE_MAX;
        at += run;
        if (at == count)
            break;
        if (bytes[at] == '\0') {
            at++;
            continue;
        }
        size_t part = utf8_beginning(bytes + at, count - at);
        if (part == count - at && !final)
            break;
        int r = d->swapped_bad ? emit_windows1252(bytes[at], out)
                               : text_append_fitting(out, replacement, 3);
        if (r < 0)
            return SIZE_MAX;
        d->bad = d->bad || !d->swapped_bad;
        at += part == 0 || d->swapped_bad ? 1 : part;
    }
    return at;
}

/* --- iconv --- */

static int iconv_emit(struct charset_decoder *d, const char *bytes, size_t count,
                      struct buffer *out)
{
    return utf8_emit(d, (const uint8_t *)bytes, count, true, out) == SIZE_MAX ? -1 : 0;
}

/* Bytes of one unit of the charset: what is skipped where it has no such character. */
static size_t iconv_unit(const struct charset_decoder *d)
{
    return strncmp(d->read_as, "UTF-16", 6) == 0   ? 2
           : strncmp(d->read_as, "UTF-32", 6) == 0 ? 4
                                                   : 1;
}

/* Windows has the euro in its code pages 936 and 950 where iconv's charsets, of which they are
 * parts otherwise, have nothing. Its bytes, 0 where none stands here. */
static size_t iconv_lacks_euro(const struct charset_decoder *d, const char *bytes, size_t count)
{
    if (strcmp(d->read_as, "GB18030") == 0 && bytes[0] == '\x80')
        return 1;
    return count > 1 && strcmp(d->read_as, "BIG5-HKSCS") == 0 && memcmp(bytes, "\xA3\xE1", 2) == 0
               ? 2 : 0;
}

/* What iconv does not take at @bytes; returns how many bytes that is, SIZE_MAX out of memory. */
static size_t iconv_mend(struct charset_decoder *d, const char *bytes, size_t count,
                         struct buffer *out)
{
    size_t euro = iconv_lacks_euro(d, bytes, count);
    if (text_append_fitting(out, euro > 0 ? "\xE2\x82\xAC" : replacement, 3) < 0)
        return SIZE_MAX;
    if (euro > 0)
        return euro;
    d->bad = true;
    return iconv_unit(d) < count ? iconv_unit(d) : count;
}

/* Convert; what is left at the end is part of a character, unless @final. SIZE_MAX: memory. */
static size_t iconv_run(struct charset_decoder *d, const uint8_t *bytes, size_t count, bool final,
                        struct buffer *out)
{
    union {
        const uint8_t *bytes;
        char *text; /* iconv's prototype; it does not write there */
    } in = {bytes};
    size_t left = count;
    while (left > 0) {
        char chunk[CHUNK];
        char *to = chunk;
        size_t room = sizeof chunk, before = left;
        size_t r = iconv(d->iconv, &in.text, &left, &to, &room);
        int why = r == (size_t)-1 ? errno : 0;
        size_t got = (size_t)(to - chunk);
        if (iconv_emit(d, chunk, got, out) < 0)
            return SIZE_MAX;
        if (why == 0 || (why == E2BIG && (got > 0 || left < before)))
            continue;
        if (why == EINVAL && !final && left < CARRY_MAX)
            break;
        size_t skip = iconv_mend(d, in.text, left, out);
        if (skip == SIZE_MAX)
            return SIZE_MAX;
        in.text += skip;
        left -= skip;
    }
    return count - left;
}

/* What the converter has kept for itself, such as a letter that waits for its accent. */
static int iconv_flush(struct charset_decoder *d, struct buffer *out)
{
    char chunk[64];
    char *to = chunk;
    size_t room = sizeof chunk;
    (void)iconv(d->iconv, NULL, NULL, &to, &room);
    return iconv_emit(d, chunk, (size_t)(to - chunk), out);
}

/* --- modes --- */

/* Pass on to the mode that reads charset @name. */
static int charset_enter(struct charset_decoder *d, const char *name)
{
    bool jp = strcmp(name, CHARSET_JP) == 0, hz = strcmp(name, CHARSET_HZ) == 0;
    d->read_as = name;
    d->mode = MODE_ICONV;
    if (strcmp(name, "UTF-8") == 0)
        d->mode = MODE_UTF8;
    else if (strcmp(name, "WINDOWS-1252") == 0)
        d->mode = MODE_WINDOWS1252;
    else if (jp || hz)
        d->mode = MODE_SHIFT;
    if (d->mode == MODE_UTF8 || d->mode == MODE_WINDOWS1252)
        return 0;
    /* After an error glibc's Korean, Chinese and UTF-7 converters go on otherwise when they see
     * more bytes. */
    d->stepwise = (strncmp(name, "ISO-2022-", 9) == 0 && !jp) || strcmp(name, "UTF-7") == 0;
    charset_shift_init(&d->shift, hz);
    d->iconv = iconv_open("UTF-8", jp ? "EUC-JP-MS" : hz ? "GB18030" : name);
    if (d->iconv == (iconv_t)-1 && errno == ENOMEM)
        return -1;
    if (d->iconv == (iconv_t)-1) { /* a system without that converter */
        d->read_as = "windows-1252";
        d->mode = MODE_WINDOWS1252;
    }
    return 0;
}

/* Bytes that were held go through the mode that came out of them. */
static int charset_replay(struct charset_decoder *d, size_t from, struct buffer *out)
{
    struct buffer held = d->held;
    buffer_init(&d->held, CHARSET_WINDOW);
    int r = held.len > from
                ? charset_decoder_feed(d, (const uint8_t *)held.data + from, held.len - from, out)
                : 0;
    buffer_done(&held);
    return r;
}

static bool charset_is_wide(const char *name)
{
    return name != NULL && strncmp(name, "UTF-", 4) == 0 && strcmp(name, "UTF-8") != 0;
}

/* What a byte order mark says, NULL if there is none; *out_skip: its length. */
static const char *charset_by_bom(const struct charset_decoder *d, size_t *out_skip)
{
    static const struct {
        const char *bytes;
        size_t count;
        const char *name;
    } marks[] = {
        {utf8_bom, 3, "UTF-8"},          {"\xFF\xFE\0\0", 4, "UTF-32LE"},
        {"\0\0\xFE\xFF", 4, "UTF-32BE"}, {"\xFF\xFE", 2, "UTF-16LE"},
        {"\xFE\xFF", 2, "UTF-16BE"},
    };
    bool guess = d->name == NULL || d->name[0] == '\0';
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        bool wide = marks[i].name[4] != '8';
        bool fits = guess || (wide ? charset_is_wide(d->name) && marks[i].name[4] == d->name[4]
                                   : !charset_is_wide(d->name));
        if (!fits || d->held.len < marks[i].count ||
            memcmp(d->held.data, marks[i].bytes, marks[i].count) != 0)
            continue;
        *out_skip = marks[i].count;
        return marks[i].name;
    }
    *out_skip = 0;
    return NULL;
}

/* Labels that bytes may prove wrong: utf-8, and a 7-bit one on 8-bit text. */
static bool charset_is_doubted(const char *name)
{
    return strcmp(name, "UTF-8") == 0 || strcmp(name, CHARSET_JP) == 0;
}

static int charset_end_start(struct charset_decoder *d, struct buffer *out)
{
    size_t skip;
    const char *name = charset_by_bom(d, &skip);
    if (name == NULL && d->name != NULL && d->name[0] != '\0')
        name = d->name;
    if (name != NULL && (strcmp(name, "UTF-16") == 0 || strcmp(name, "UTF-32") == 0))
        name = name[4] == '1' ? "UTF-16LE" : "UTF-32LE"; /* as browsers do */
    if (name == NULL || (charset_is_doubted(name) && skip == 0))
        d->mode = MODE_GUESS;
    else if (charset_enter(d, name) < 0)
        return -1;
    return charset_replay(d, skip, out);
}

/* The charset an escape sequence announces: *out_whole is false while more bytes could tell. */
static const char *charset_by_escape(const struct buffer *held, bool *out_whole)
{
    static const struct {
        const char *bytes, *name;
    } escapes[] = {
        {"\x1B$B", CHARSET_JP},     {"\x1B$@", CHARSET_JP},         {"\x1B(J", CHARSET_JP},
        {"\x1B(I", CHARSET_JP},     {"\x1B$(D", CHARSET_JP},        {"\x1B$(B", CHARSET_JP},
        {"\x1B$)C", "ISO-2022-KR"}, {"\x1B$)A", "ISO-2022-CN-EXT"}, {"\x1B$)G", "ISO-2022-CN-EXT"},
    };
    *out_whole = true;
    for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++) {
        size_t length = strlen(escapes[i].bytes);
        size_t common = held->len < length ? held->len : length;
        if (memcmp(held->data, escapes[i].bytes, common) != 0)
            continue;
        if (common == length)
            return escapes[i].name;
        *out_whole = false;
    }
    return NULL;
}

static int charset_end_escape(struct charset_decoder *d, const char *name, struct buffer *out)
{
    if (name != NULL)
        return charset_enter(d, name) < 0 ? -1 : charset_replay(d, 0, out);
    d->mode = MODE_GUESS;
    if (text_append_fitting(out, "\x1B", 1) < 0)
        return -1;
    return charset_replay(d, 1, out);
}

/* Count what is held: characters of more than one byte, and bytes that belong to none. */
static void charset_count(const struct buffer *held, size_t *out_good, size_t *out_bad)
{
    const uint8_t *bytes = (const uint8_t *)held->data;
    size_t good = 0, bad = 0, length;
    for (size_t at = 0; at < held->len; at += length) {
        length = text_utf8_length(bytes + at, held->len - at);
        if (length > 1)
            good++;
        if (length != 0)
            continue;
        length = utf8_beginning(bytes + at, held->len - at);
        if (length < held->len - at || length == 0)
            bad++;
        if (length == 0)
            length = 1;
    }
    *out_good = good;
    *out_bad = bad;
}

/* The window is full, or the text is over. */
static int charset_end_held(struct charset_decoder *d, struct buffer *out)
{
    size_t good, bad;
    bool labelled = d->name != NULL && strcmp(d->name, "UTF-8") == 0;
    bool jp = d->name != NULL && strcmp(d->name, CHARSET_JP) == 0;
    charset_count(&d->held, &good, &bad);
    bool utf8 = labelled ? good > 0 : good > 0 && good / GOOD_PER_BAD >= bad;
    d->swapped_bad = !labelled;
    const char *other = jp ? "CP932" : labelled || d->guess == NULL ? "WINDOWS-1252" : d->guess;
    if (charset_enter(d, utf8 ? "UTF-8" : other) < 0)
        return -1;
    return charset_replay(d, 0, out);
}

/* --- each mode takes a piece: returns how many bytes it took, SIZE_MAX out of memory --- */

static size_t hold(struct charset_decoder *d, const uint8_t *bytes, size_t count, size_t until)
{
    size_t take = until - d->held.len < count ? until - d->held.len : count;
    return buffer_append(&d->held, bytes, take) < 0 ? SIZE_MAX : take;
}

static size_t take_start(struct charset_decoder *d, const uint8_t *bytes, size_t count,
                         struct buffer *out)
{
    size_t took = hold(d, bytes, count, 4);
    if (took == SIZE_MAX || (d->held.len == 4 && charset_end_start(d, out) < 0))
        return SIZE_MAX;
    return took;
}

static size_t take_guess(struct charset_decoder *d, const uint8_t *bytes, size_t count,
                         struct buffer *out)
{
    bool labelled = d->name != NULL && strcmp(d->name, "UTF-8") == 0;
    size_t at = text_ascii_run(bytes, count < GUESS_RUN ? count : GUESS_RUN);
    const uint8_t *escape = labelled ? NULL : memchr(bytes, ESC, at);
    if (escape != NULL)
        at = (size_t)(escape - bytes);
    if (at > 0)
        return text_append_fitting(out, bytes, at) < 0 ? SIZE_MAX : at;
    if (bytes[0] == '\0')
        return 1;
    d->mode = bytes[0] == ESC ? MODE_ESCAPE : MODE_HELD;
    return 0;
}

static size_t take_escape(struct charset_decoder *d, const uint8_t *bytes, struct buffer *out)
{
    bool whole;
    if (buffer_append(&d->held, bytes, 1) < 0)
        return SIZE_MAX;
    const char *name = charset_by_escape(&d->held, &whole);
    if (whole && charset_end_escape(d, name, out) < 0)
        return SIZE_MAX;
    return 1;
}

/* A label of utf-8 is believed as soon as the first character is one. */
static bool held_is_clear(const struct charset_decoder *d)
{
    return d->name != NULL && strcmp(d->name, "UTF-8") == 0 && d->held.len >= 4 &&
           text_utf8_length((const uint8_t *)d->held.data, d->held.len) > 0;
}

static size_t take_held(struct charset_decoder *d, const uint8_t *bytes, size_t count,
                        struct buffer *out)
{
    size_t took = hold(d, bytes, count, d->held.len < 4 ? 4 : CHARSET_WINDOW);
    if (took == SIZE_MAX)
        return SIZE_MAX;
    if ((d->held.len == CHARSET_WINDOW || held_is_clear(d)) && charset_end_held(d, out) < 0)
        return SIZE_MAX;
    return took;
}

static size_t take_windows1252(const uint8_t *bytes, size_t count, struct buffer *out)
{
    size_t at = text_ascii_run(bytes, count);
    if (at > 0)
        return text_append_fitting(out, bytes, at) < 0 ? SIZE_MAX : at;
    if (bytes[0] != '\0' && emit_windows1252(bytes[0], out) < 0)
        return SIZE_MAX;
    return 1;
}

typedef size_t charset_run(struct charset_decoder *d, const uint8_t *bytes, size_t count,
                           bool final, struct buffer *out);

/* Run over the bytes, with a character that the last piece has cut off in front of them. */
static size_t take_carried(struct charset_decoder *d, charset_run *run, const uint8_t *bytes,
                           size_t count, struct buffer *out)
{
    if (d->carry_len == 0 && !d->stepwise) {
        size_t took = run(d, bytes, count, false, out);
        if (took == SIZE_MAX)
            return SIZE_MAX;
        d->carry_len = count - took;
        memcpy(d->carry, bytes + took, d->carry_len);
        return count;
    }
    d->carry[d->carry_len++] = bytes[0]; /* one at a time until the character is complete */
    size_t took = run(d, d->carry, d->carry_len, false, out);
    if (took == SIZE_MAX)
        return SIZE_MAX;
    d->carry_len -= took;
    memmove(d->carry, d->carry + took, d->carry_len);
    return 1;
}

static size_t take_shift(struct charset_decoder *d, const uint8_t *bytes, size_t count,
                         struct buffer *out)
{
    uint8_t unfolded[CHARSET_SHIFT_ROOM(CHUNK)];
    size_t take = count < CHUNK ? count : CHUNK;
    size_t n = charset_shift_feed(&d->shift, bytes, take, unfolded);
    for (size_t at = 0; at < n;) {
        size_t took = take_carried(d, iconv_run, unfolded + at, n - at, out);
        if (took == SIZE_MAX)
            return SIZE_MAX;
        at += took;
    }
    return take;
}

static size_t charset_take(struct charset_decoder *d, const uint8_t *bytes, size_t count,
                           struct buffer *out)
{
    switch (d->mode) {
    case MODE_START:
        return take_start(d, bytes, count, out);
    case MODE_GUESS:
        return take_guess(d, bytes, count, out);
    case MODE_ESCAPE:
        return take_escape(d, bytes, out);
    case MODE_HELD:
        return take_held(d, bytes, count, out);
    case MODE_UTF8:
        return take_carried(d, utf8_emit, bytes, count, out);
    case MODE_WINDOWS1252:
        return take_windows1252(bytes, count, out);
    case MODE_SHIFT:
        return take_shift(d, bytes, count, out);
    case MODE_ICONV:
        break;
    }
    return take_carried(d, iconv_run, bytes, count, out);
}

int charset_decoder_feed(struct charset_decoder *d, const uint8_t *bytes, size_t count,
                         struct buffer *out)
{
    for (size_t at = 0; at < count;) {
        size_t took = charset_take(d, bytes + at, count - at, out);
        if (took == SIZE_MAX)
            return -1;
        at += took;
    }
    return 0;
}

/* End what is still open; each step leads to a later mode. */
static int charset_end(struct charset_decoder *d, struct buffer *out)
{
    if (d->mode == MODE_START && charset_end_start(d, out) < 0)
        return -1;
    while (d->mode == MODE_ESCAPE) /* at most 3 bytes are held, one goes each time */
        if (charset_end_escape(d, NULL, out) < 0)
            return -1;
    if (d->mode == MODE_HELD && charset_end_held(d, out) < 0)
        return -1;
    if (d->mode == MODE_SHIFT) {
        uint8_t rest[8];
        size_t n = charset_shift_finish(&d->shift, rest);
        for (size_t at = 0; at < n; at++)
            if (take_carried(d, iconv_run, rest + at, 1, out) == SIZE_MAX)
                return -1;
    }
    charset_run *run = d->mode == MODE_UTF8 ? utf8_emit : iconv_run;
    if (d->carry_len > 0 && run(d, d->carry, d->carry_len, true, out) == SIZE_MAX)
        return -1;
    return d->iconv != (iconv_t)-1 ? iconv_flush(d, out) : 0;
}

static void charset_tell(struct charset_decoder *d)
{
    char as[CHARSET_NAME_MAX];
    text_copy(as, sizeof as, d->read_as == NULL ? "us-ascii" : d->read_as);
    for (char *at = as; *at != '\0'; at++)
        *at = text_lower(*at);
    struct buffer b = {
        .data = d->problem, .cap = sizeof d->problem, .limit = sizeof d->problem - 1};
    bool guessed = d->name != NULL && d->name[0] == '\0' && d->read_as != NULL;
    if (d->name == NULL)
        (void)buffer_printf(&b, "charset '%s' unknown, read as %s", d->label, as);
    else if (guessed && d->label[0] == '\0')
        (void)buffer_printf(&b, "8-bit text without charset, read as %s", as);
    else if (guessed || (charset_is_doubted(d->name) && d->read_as != NULL &&
                         strcmp(d->read_as, d->name) != 0))
        (void)buffer_printf(&b, "text is not in its charset '%s', read as %s", d->label, as);
    else if (d->bad)
        (void)buffer_printf(&b, "bytes that charset '%s' does not have became U+FFFD", d->label);
}

int charset_decoder_finish(struct charset_decoder *d, struct buffer *out)
{
    if (charset_end(d, out) < 0)
        return -1;
    charset_tell(d);
    return 0;
}

const char *charset_decoder_problem(const struct charset_decoder *d)
{
    return d->problem[0] != '\0' ? d->problem : NULL;
}

int charset_to_utf8(const char *label, struct span bytes, struct buffer *out,
                    char problem[CHARSET_PROBLEM_MAX])
{
    problem[0] = '\0';
    AUTO(charset_decoder) d = charset_decoder_new(label);
    if (d == NULL || charset_decoder_feed(d, bytes.bytes, bytes.len, out) < 0 ||
        charset_decoder_finish(d, out) < 0)
        return -1;
    text_copy(problem, CHARSET_PROBLEM_MAX, d->problem);
    return 0;
}
