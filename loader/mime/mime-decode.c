/* SPDX-License-Identifier: Apache-2.0 */
/* mime-decode.c - base64, quoted-printable and uuencode as streams. See mime-decode.h. */
#include <config.h>
#include "mime-decode.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "cursor.h"
#include "header-comment.h"
#include "text.h"

/* ---- base64 ---- */

/* Values of characters, and what is no character of the alphabet. */
#define B64_SKIP 0x40u  /* white space and stray bytes */
#define B64_STRAY 0x80u /* of these: the stray ones */
#define B64_PAD 0xC0u   /* "=" */

/* Where base64 stands: state of a MIME_BASE64 decoder. B64_LINE: the data begins, or an empty line
 * came, or the line with the padding has ended. The next line is held: it may be text, at the end
 * what a mailing list put below. */
enum { B64_LINE, B64_INSIDE, B64_PADDED, B64_BEHIND };

#define PROSE_WORD_MAX 30u /* letters of a word; lines of base64 are longer */

/* d->lines: what stood before. */
enum { B64_NO_DATA, B64_DATA, B64_DATA_LINE };

/* One character, 0..63 or one of the marks above. */
static inline uint8_t base64_value(uint8_t c)
{
#define R4(v) (v), (v), (v), (v)
#define R16(v) R4(v), R4(v), R4(v), R4(v)
#define S B64_STRAY
#define W B64_SKIP
    /* clang-format off */
    static const uint8_t values[256] = {
        S,  S,  S,  S,  S,  S,  S,  S,  S,  W,  W,  W,  W,  W,  S,  S,  R16(S),
        W,  S,  S,  S,  S,  S,  S,  S,  S,  S,  S,  62, S,  S,  S,  63,
        52, 53, 54, 55, 56, 57, 58, 59, 60, 61, S,  S,  S,  B64_PAD, S, S,
        S,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14,
        15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, S,  S,  S,  S,  S,
        S,  26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
        41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, S,  S,  S,  S,  S,
        R16(S), R16(S), R16(S), R16(S), R16(S), R16(S), R16(S), R16(S),
    };
    /* clang-format on */
#undef W
#undef S
#undef R16
#undef R4
    return values[c];
}

/* Four characters of the alphabet as one word; bits 6 and 7 of *marks gather what is none. */
static inline uint32_t base64_four(const uint8_t *in, uint8_t *marks)
{
    uint8_t a = base64_value(in[0]), b = base64_value(in[1]);
    uint8_t c = base64_value(in[2]), d = base64_value(in[3]);
    *marks |= a | b | c | d;
    return (uint32_t)a << 18 | (uint32_t)b << 12 | (uint32_t)c << 6 | d;
}

/* Groups of four characters of the alphabet, as long as they come; returns how many characters were
 * taken: a multiple of four. */
static size_t base64_groups(const uint8_t *in, size_t count, uint8_t *out)
{
    size_t at = 0;
    for (; count - at >= 4; at += 4, out += 3) {
        uint8_t marks = 0;
        uint32_t bits = base64_four(in + at, &marks);
        if ((marks & 0xC0u) != 0)
            break;
        out[0] = (uint8_t)(bits >> 16);
        out[1] = (uint8_t)(bits >> 8);
        out[2] = (uint8_t)bits;
    }
    return at;
}

#if defined(__x86_64__)
/* The same, 32 characters a turn, for processors that have AVX2. High and low half of a byte each
 * choose a set of bits; they share one where the byte is not of the alphabet. The high half chooses
 * too what turns a character into its value ('/' alone needs its own). The last turn ends before
 * such a byte, and then *out_ended; 32 bytes are written all the same, over what is behind the
 * result: *out has room for as many bytes as there are characters (mime_decoder_feed). */
__attribute__((target("avx2"))) static size_t base64_groups_avx2(const uint8_t *in, size_t count,
                                                                 uint8_t *out, bool *out_ended)
{
    const __m256i low_sets =
        _mm256_setr_epi8(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1A,
                         0x1B, 0x1B, 0x1B, 0x1A, 0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                         0x11, 0x11, 0x13, 0x1A, 0x1B, 0x1B, 0x1B, 0x1A);
    const __m256i high_sets =
        _mm256_setr_epi8(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10,
                         0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08,
                         0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
    const __m256i shifts =
        _mm256_setr_epi8(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 19, 4,
                         -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i order = _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1,
                                           2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    const __m256i slash = _mm256_set1_epi8('/');
    size_t at = 0;
    for (; count - at >= 32; at += 32, out += 24) {
        __m256i chars = _mm256_loadu_si256((const __m256i_u *)(const void *)(in + at));
        __m256i high = _mm256_and_si256(_mm256_srli_epi32(chars, 4), slash);
        __m256i low = _mm256_and_si256(chars, slash);
        __m256i shared = _mm256_and_si256(_mm256_shuffle_epi8(low_sets, low),
                                          _mm256_shuffle_epi8(high_sets, high));
        unsigned int good =
            (unsigned int)_mm256_movemask_epi8(_mm256_cmpeq_epi8(shared, _mm256_setzero_si256()));
        __m256i shift =
            _mm256_shuffle_epi8(shifts, _mm256_add_epi8(_mm256_cmpeq_epi8(chars, slash), high));
        __m256i values = _mm256_add_epi8(chars, shift);
        __m256i pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
        __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
        __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(fours, order),
                                                    _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7));
        _mm256_storeu_si256((__m256i_u *)(void *)out, bytes);
        if (good != UINT32_MAX) {
            *out_ended = true;
            return at + (size_t)__builtin_ctz(~good) / 4 * 4;
        }
    }
    return at;
}
#endif

/* As many characters of the alphabet as come, in whole groups of four. */
static size_t base64_run(const uint8_t *in, size_t count, uint8_t *out)
{
    size_t at = 0;
#if defined(__x86_64__)
    bool ended = false;
    if (count >= 32 && __builtin_cpu_supports("avx2"))
        at = base64_groups_avx2(in, count, out, &ended);
    if (ended)
        return at;
#endif
    return at + base64_groups(in + at, count - at, out + at / 4 * 3);
}

/* The bytes of an unfinished group: two characters hold one, three hold two, one holds none. */
static size_t base64_flush(struct mime_decoder *d, uint8_t *out)
{
    size_t n = d->have > 1 ? (size_t)d->have - 1 : 0;
    uint32_t bits = d->bits << (6 * (4 - d->have));
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(bits >> (16 - 8 * i));
    d->bits = 0;
    d->have = 0;
    return n;
}

/* A byte that is no character of the alphabet. Behind the padding anything but white space is text
 * that somebody added to the message, a mailing list's footer for example. */
static size_t base64_mark(struct mime_decoder *d, uint8_t mark, uint8_t *out)
{
    if (mark == B64_PAD) {
        if (d->have == 1)
            d->repairs |= MIME_REPAIR_CUT;
        if (d->have != 0)
            d->state = B64_PADDED;
        return base64_flush(d, out);
    }
    if (mark == B64_STRAY && d->state == B64_PADDED)
        d->state = B64_BEHIND;
    d->repairs |= d->state == B64_BEHIND ? MIME_REPAIR_TRAILING
                  : mark == B64_STRAY    ? MIME_REPAIR_STRAY
                                         : 0u;
    return 0;
}

/* A line that nobody would encode so: blanks between its words, or many bytes that are no base64.
 */
static bool base64_is_text(const uint8_t *line, size_t len)
{
    size_t strays = 0;
    bool blank = false;
    for (size_t i = 0; i < len; i++) {
        uint8_t value = base64_value(line[i]);
        blank = blank || value == B64_SKIP;
        strays += value == B64_STRAY ? 1 : 0;
    }
    return blank || strays * 8 >= len;
}

static size_t base64_feed(struct mime_decoder *d, const uint8_t *in, size_t count, uint8_t *out);

/* A first line that was never encoded, whatever the header says: several words, and a byte that is
 * no base64, or a word before the last one whose length base64 has not. Blanks alone say little:
 * lines of base64 that somebody put behind one another have them too, but not between words so
 * short. */
static bool base64_is_prose(const uint8_t *line, size_t len)
{
    size_t word = 0, longest = 0;
    bool odd = false, stray = false, blank = false;
    for (size_t i = 0; i < len; i++) {
        bool space = base64_value(line[i]) == B64_SKIP;
        odd = odd || (space && word > 2 && word % 4 != 0);
        stray = stray || base64_value(line[i]) == B64_STRAY;
        blank = blank || space;
        word = space ? 0 : word + 1;
        longest = word > longest ? word : longest;
    }
    return blank && (stray || (odd && longest <= PROSE_WORD_MAX));
}

/* Nothing here is base64: all of it is as it stands, the held line first. */
static size_t base64_give_up(struct mime_decoder *d, const uint8_t *line, size_t len, uint8_t *out)
{
    d->encoding = MIME_IDENTITY;
    d->repairs |= MIME_REPAIR_NONE;
    memcpy(out, line, len);
    return len;
}

/* The held line is complete: text ends the data, an empty one says nothing yet. */
static size_t base64_line(struct mime_decoder *d, uint8_t *out)
{
    uint8_t line[MIME_DECODE_PENDING];
    size_t len = d->held, from = 0, all = len;
    memcpy(line, d->pending, len);
    d->held = 0;
    while (len > 0 && base64_value(line[len - 1]) == B64_SKIP)
        len--;
    while (from < len && base64_value(line[from]) == B64_SKIP)
        from++;
    if (from == len)
        return 0;
    d->state = B64_INSIDE;
    if (d->lines == B64_NO_DATA && base64_is_prose(line + from, len - from))
        return base64_give_up(d, line, all, out);
    if (d->lines == B64_NO_DATA || !base64_is_text(line + from, len - from))
        return base64_feed(d, line + from, len - from, out);
    d->state = B64_BEHIND;
    d->repairs |= MIME_REPAIR_TRAILING;
    return 0;
}

/* One byte of a held line. *out_taken is false: it is still to be looked at. */
static size_t base64_hold(struct mime_decoder *d, uint8_t c, bool *out_taken, uint8_t *out)
{
    *out_taken = true;
    if (c != '\n' && d->held < MIME_DECODE_PENDING) {
        d->pending[d->held++] = c;
        return 0;
    }
    size_t made = base64_line(d, out);
    *out_taken = d->state == B64_LINE;
    return made;
}

/* A line ends: the second time in a row, or behind padding, the next one is held. */
static void base64_newline(struct mime_decoder *d)
{
    if (d->state == B64_PADDED || (d->state == B64_INSIDE && d->lines == B64_DATA_LINE))
        d->state = B64_LINE;
    else if (d->lines == B64_DATA)
        d->lines = B64_DATA_LINE;
}

/* Behind the line end at @at, if there is one. */
static inline size_t base64_line_end(struct mime_decoder *d, const uint8_t *in, size_t count,
                                     size_t at)
{
    size_t lf = at < count && in[at] == '\r' ? at + 1 : at;
    if (lf == count || in[lf] != '\n')
        return at;
    base64_newline(d);
    return lf + 1;
}

/* Data behind padding is further base64: some programs encode piece by piece. */
static size_t base64_feed(struct mime_decoder *d, const uint8_t *in, size_t count, uint8_t *out)
{
    size_t made = 0, at = 0;
    while (at < count && d->state != B64_BEHIND) {
        if (d->state == B64_LINE) {
            bool taken;
            made += base64_hold(d, in[at], &taken, out + made);
            at += taken ? 1 : 0;
            if (d->encoding == MIME_BASE64)
                continue;
            memcpy(out + made, in + at, count - at);
            return made + count - at;
        }
        size_t taken = d->have == 0 ? base64_run(in + at, count - at, out + made) : 0;
        if (taken > 0) {
            d->state = B64_INSIDE;
            d->lines = B64_DATA;
            made += taken / 4 * 3;
            at = base64_line_end(d, in, count, at + taken);
            continue;
        }
        uint8_t c = in[at++], value = base64_value(c);
        if (value >= 64) {
            made += base64_mark(d, value, out + made);
            if (c == '\n')
                base64_newline(d);
            continue;
        }
        d->state = B64_INSIDE;
        d->lines = B64_DATA;
        d->bits = d->bits << 6 | value;
        if (++d->have == 4)
            made += base64_flush(d, out + made);
    }
    return made;
}

static size_t base64_finish(struct mime_decoder *d, uint8_t *out)
{
    size_t made = d->state == B64_LINE ? base64_line(d, out) : 0;
    if (d->have != 0)
        d->repairs |= MIME_REPAIR_CUT;
    return made + base64_flush(d, out + made);
}

/* ---- quoted-printable ---- */

/* pending holds white space that falls away if the line ends behind it, or an escape begun: "=",
 * "=4", "=  ". A run of white space longer than pending is kept as it stands. */
enum { QP_PLAIN, QP_ESCAPE, QP_LONG_SPACE };

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline bool qp_is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static size_t qp_release(struct mime_decoder *d, uint8_t *out)
{
    size_t n = d->held;
    memcpy(out, d->pending, n);
    d->held = 0;
    d->state = QP_PLAIN;
    return n;
}

/* The line ends: blanks before it go, but for the CR that belongs to it. */
static size_t qp_line_end(struct mime_decoder *d, uint8_t *out)
{
    size_t n = 0;
    bool soft = d->state == QP_ESCAPE;
    if (!soft && d->held > 0 && d->pending[d->held - 1] == '\r')
        out[n++] = '\r';
    if (!soft)
        out[n++] = '\n';
    d->held = 0;
    d->state = QP_PLAIN;
    return n;
}

/* One byte inside an escape: "=" hex hex, or "=" blanks line end. */
static size_t qp_escape(struct mime_decoder *d, uint8_t c, bool *out_taken, uint8_t *out)
{
    bool digits = d->held == 2 && hex_value(d->pending[1]) >= 0;
    *out_taken = true;
    if (c == '\n' && !digits)
        return qp_line_end(d, out);
    if (digits && hex_value(c) >= 0) {
        /* analyse: not negative, which digits says */
        out[0] = (uint8_t)(hex_value(d->pending[1]) << 4 | hex_value(c));
        d->held = 0;
        d->state = QP_PLAIN;
        return 1;
    }
    bool fits = d->held < MIME_DECODE_PENDING;
    if (!digits && fits && (qp_is_blank(c) || (d->held == 1 && hex_value(c) >= 0))) {
        d->pending[d->held++] = c;
        return 0;
    }
    *out_taken = false; /* not an escape after all */
    d->repairs |= MIME_REPAIR_ESCAPE;
    return qp_release(d, out);
}

/* One byte while blanks are held, or the first of them, or "=". */
static size_t qp_special(struct mime_decoder *d, uint8_t c, uint8_t *out)
{
    size_t n = 0;
    if (c == '\n')
        return qp_line_end(d, out);
    if (qp_is_blank(c) && d->state == QP_PLAIN && d->held < MIME_DECODE_PENDING) {
        d->pending[d->held++] = c;
        return 0;
    }
    bool blank = qp_is_blank(c);
    n = qp_release(d, out);
    if (c == '=') {
        d->pending[d->held++] = c;
        d->state = QP_ESCAPE;
        return n;
    }
    d->state = blank ? QP_LONG_SPACE : QP_PLAIN;
    out[n++] = c;
    return n;
}

/* How many bytes from here on stand for themselves: no "=", and no blank before a line
 * end or, where nobody knows yet what follows, at the very end. */
static size_t qp_plain_run(const uint8_t *in, size_t count)
{
    const uint8_t *stop = memchr(in, '=', count);
    size_t len = stop != NULL ? (size_t)(stop - in) : count, at = 0;
    while (at < len) {
        const uint8_t *line_end = memchr(in + at, '\n', len - at);
        size_t end = line_end != NULL ? (size_t)(line_end - in) : len;
        if (end > at && qp_is_blank(in[end - 1])) {
            size_t text = end - 1;
            while (text > at && qp_is_blank(in[text - 1]))
                text--;
            bool kept = line_end != NULL ? end - text == 1 && in[text] == '\r' : stop != NULL;
            if (!kept)
                return text;
        }
        at = line_end != NULL ? end + 1 : len;
    }
    return len;
}

/* Escapes one behind the other, each whole; returns the bytes taken, three for each one made. */
static size_t qp_escapes(const uint8_t *in, size_t count, uint8_t *out)
{
    size_t at = 0;
    for (; count - at >= 3 && in[at] == '='; at += 3) {
        int high = hex_value(in[at + 1]), low = hex_value(in[at + 2]);
        if (high < 0 || low < 0)
            break;
        *out++ = (uint8_t)(high << 4 | low);
    }
    return at;
}

static size_t qp_feed(struct mime_decoder *d, const uint8_t *in, size_t count, uint8_t *out)
{
    size_t made = 0, at = 0;
    while (at < count) {
        if (d->state == QP_ESCAPE) {
            bool taken;
            made += qp_escape(d, in[at], &taken, out + made);
            at += taken ? 1 : 0;
            continue;
        }
        if (d->held == 0 && d->state == QP_PLAIN) {
            size_t run = qp_plain_run(in + at, count - at);
            memcpy(out + made, in + at, run);
            made += run;
            at += run;
            run = qp_escapes(in + at, count - at, out + made);
            made += run / 3;
            at += run;
            if (run > 0 || at == count)
                continue;
        }
        made += qp_special(d, in[at++], out + made);
    }
    return made;
}

static size_t qp_finish(struct mime_decoder *d, uint8_t *out)
{
    bool half = d->state == QP_ESCAPE && d->held > 1 && hex_value(d->pending[1]) >= 0;
    if (half)
        d->repairs |= MIME_REPAIR_ESCAPE;
    if (d->state == QP_ESCAPE && !half)
        d->held = 0; /* a soft line break at the very end */
    if (d->state == QP_PLAIN && (d->held == 0 || d->pending[d->held - 1] != '\r'))
        d->held = 0;
    else if (d->state == QP_PLAIN) {
        d->pending[0] = '\r';
        d->held = 1;
    }
    return qp_release(d, out);
}

/* ---- uuencode ---- */

enum { UU_BEFORE, UU_INSIDE, UU_BEHIND };

static uint8_t uu_value(uint8_t c)
{
    return (uint8_t)((c - 0x20u) & 0x3Fu);
}

/* A line "M<60 characters>": its first character says how many bytes it holds. */
static size_t uu_data_line(struct mime_decoder *d, const uint8_t *line, size_t len, uint8_t *out)
{
    size_t want = uu_value(line[0]), made = 0;
    for (size_t at = 1; made < want; at += 4) {
        uint8_t v[4] = {0};
        if (at >= len) {
            d->repairs |= MIME_REPAIR_CUT;
            break;
        }
        for (size_t i = 0; i < 4 && at + i < len; i++)
            v[i] = uu_value(line[at + i]);
        uint8_t bytes[3] = {(uint8_t)(v[0] << 2 | v[1] >> 4), (uint8_t)(v[1] << 4 | v[2] >> 2),
                            (uint8_t)(v[2] << 6 | v[3])};
        for (size_t i = 0; i < 3 && made < want; i++)
            out[made++] = bytes[i];
    }
    return made;
}

static size_t uu_line(struct mime_decoder *d, uint8_t *out)
{
    const uint8_t *line = d->pending;
    size_t len = d->held;
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n'))
        len--;
    d->held = 0;
    if (d->state == UU_BEFORE) {
        if (len > 6 && memcmp(line, "begin ", 6) == 0)
            d->state = UU_INSIDE;
        return 0;
    }
    if (d->state == UU_BEHIND || len == 0)
        return 0;
    if (len == 3 && memcmp(line, "end", 3) == 0) {
        d->state = UU_BEHIND;
        return 0;
    }
    return uu_data_line(d, line, len, out);
}

/* Lines longer than pending cannot be data: their rest is left out. */
static size_t uu_feed(struct mime_decoder *d, const uint8_t *in, size_t count, uint8_t *out)
{
    size_t made = 0;
    for (size_t at = 0; at < count;) {
        const uint8_t *line_end = memchr(in + at, '\n', count - at);
        size_t end = line_end != NULL ? (size_t)(line_end - in) + 1 : count;
        size_t room = MIME_DECODE_PENDING - d->held, n = end - at < room ? end - at : room;
        memcpy(d->pending + d->held, in + at, n);
        d->held = (uint16_t)(d->held + n);
        if (line_end != NULL)
            made += uu_line(d, out + made);
        at = end;
    }
    return made;
}

static size_t uu_finish(struct mime_decoder *d, uint8_t *out)
{
    size_t made = d->held > 0 ? uu_line(d, out) : 0;
    if (d->state != UU_BEHIND)
        d->repairs |= MIME_REPAIR_CUT;
    return made;
}

/* ---- the door ---- */

enum mime_encoding mime_encoding_named(const uint8_t *value, size_t len, bool *out_known)
{
    static const struct {
        const char *name;
        enum mime_encoding encoding;
    } names[] = {
        {"7bit", MIME_IDENTITY},
        {"7-bit", MIME_IDENTITY},
        {"8bit", MIME_IDENTITY},
        {"8-bit", MIME_IDENTITY},
        {"binary", MIME_IDENTITY},
        {"base64", MIME_BASE64},
        {"base-64", MIME_BASE64},
        {"quoted-printable", MIME_QUOTED_PRINTABLE},
        {"quotedprintable", MIME_QUOTED_PRINTABLE},
        {"quoted_printable", MIME_QUOTED_PRINTABLE},
        {"x-uuencode", MIME_UUENCODE},
        {"x-uue", MIME_UUENCODE},
        {"uuencode", MIME_UUENCODE},
    };
    struct cursor c = cursor_over(value, len);
    size_t comment = 1, end;
    while (comment > 0 && c.pos < len) { /* what may stand in front (RFC 2045 s.6.1) */
        bool skip = text_is_space((char)value[c.pos]) || value[c.pos] == '"';
        comment = skip ? 1 : value[c.pos] == '(' ? header_comment_length(&c) : 0;
        c.pos += comment;
    }
    size_t at = c.pos;
    for (end = at; end < len && value[end] > ' ' && strchr("\";(,", value[end]) == NULL;)
        end++;
    struct span word = {value + at, end - at};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        *out_known = true;
        if (span_is(word, names[i].name))
            return names[i].encoding;
    }
    *out_known = word.len == 0;
    return MIME_IDENTITY;
}

void mime_decoder_init(struct mime_decoder *d, enum mime_encoding encoding)
{
    d->encoding = encoding;
    d->repairs = d->bits = 0;
    d->have = d->state = d->lines = 0;
    d->held = 0;
}

size_t mime_decoder_feed(struct mime_decoder *d, const uint8_t *bytes, size_t count, uint8_t *out)
{
    switch (d->encoding) {
    case MIME_BASE64:
        return base64_feed(d, bytes, count, out);
    case MIME_QUOTED_PRINTABLE:
        return qp_feed(d, bytes, count, out);
    case MIME_UUENCODE:
        return uu_feed(d, bytes, count, out);
    case MIME_IDENTITY:
        break;
    }
    memcpy(out, bytes, count);
    return count;
}

size_t mime_decoder_finish(struct mime_decoder *d, uint8_t *out)
{
    switch (d->encoding) {
    case MIME_BASE64:
        return base64_finish(d, out);
    case MIME_QUOTED_PRINTABLE:
        return qp_finish(d, out);
    case MIME_UUENCODE:
        return uu_finish(d, out);
    case MIME_IDENTITY:
        break;
    }
    return 0;
}

const char *mime_decoder_problem(const struct mime_decoder *d)
{
    if (d->repairs & MIME_REPAIR_NONE)
        return "text that should be base64 is none, read as it stands";
    if (d->repairs & MIME_REPAIR_TRAILING)
        return "text behind the end of base64, left out";
    if (d->repairs & MIME_REPAIR_STRAY)
        return "base64 has stray bytes, left out";
    if (d->repairs & MIME_REPAIR_CUT)
        return d->encoding == MIME_UUENCODE ? "uuencode is cut off" : "base64 is cut off";
    if (d->repairs & MIME_REPAIR_ESCAPE)
        return "quoted-printable has '=' without two hex digits, kept as it stands";
    return NULL;
}
