/* SPDX-License-Identifier: Apache-2.0 */
/* charset-shift.c - escape sequences unfolded. See charset-shift.h. */
#include <config.h>
#include "charset-shift.h"

#include <string.h>

#define ESC 0x1B
#define KANA_LEAD 0x8E /* EUC-JP: single shift 2 */
#define SUPP_LEAD 0x8F /* EUC-JP: single shift 3, JIS X 0212 */

static const struct shift_escape {
    const char *bytes;
    enum charset_set set;
} shift_escapes[] = {
    {"\x1B(B", SET_ASCII},  {"\x1B(J", SET_ASCII},  {"\x1B(H", SET_ASCII},
    {"\x1B(I", SET_KANA},   {"\x1B$@", SET_PAIRS},  {"\x1B$B", SET_PAIRS},
    {"\x1B$(@", SET_PAIRS}, {"\x1B$(B", SET_PAIRS}, {"\x1B$(D", SET_PAIRS_0212},
    {"\x1B$(Q", SET_PAIRS}, {"\x1B$(O", SET_PAIRS}, {"\x1B$(P", SET_PAIRS_0212},
};
static const struct shift_escape shift_tildes[] = {
    {"~{", SET_PAIRS},
    {"~}", SET_ASCII},
};

void charset_shift_init(struct charset_shift *s, bool hz)
{
    *s = (struct charset_shift){.hz = hz};
}

enum shift_match { SHIFT_NONE, SHIFT_PART, SHIFT_WHOLE };

static enum shift_match shift_match(struct charset_shift *s)
{
    const struct shift_escape *table = s->hz ? shift_tildes : shift_escapes;
    size_t count = s->hz ? 2 : sizeof shift_escapes / sizeof shift_escapes[0];
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(table[i].bytes);
        if (s->pending_len > length || memcmp(table[i].bytes, s->pending, s->pending_len) != 0)
            continue;
        if (s->pending_len < length)
            return SHIFT_PART;
        s->set = table[i].set;
        return SHIFT_WHOLE;
    }
    return SHIFT_NONE;
}

/* What is pending and no escape sequence: text. "~~" is a tilde, "~" before a line end is nothing
 * (RFC 1843 s.3). */
static size_t shift_flush(struct charset_shift *s, uint8_t *out)
{
    size_t n = s->pending_len;
    s->pending_len = 0;
    if (s->hz && n == 2 && s->pending[0] == '~' && (s->pending[1] == '~' || s->pending[1] == '\n'))
        n = s->pending[1] == '~' ? 1 : 0;
    memcpy(out, s->pending, n);
    return n;
}

static size_t shift_pair(const struct charset_shift *s, uint8_t first, uint8_t second, uint8_t *out)
{
    size_t n = 0;
    if (s->set == SET_PAIRS_0212)
        out[n++] = SUPP_LEAD;
    out[n++] = first | 0x80;
    out[n++] = second | 0x80;
    return n;
}

/* One byte of text in the set that is on. Pairs are of bytes 0x21..0x7E; a control character, such
 * as the line end where a mailer forgot to switch back, ends the set. */
static size_t shift_text(struct charset_shift *s, uint8_t byte, uint8_t *out)
{
    bool graphic = byte > 0x20 && byte < 0x7F;
    if (s->pending_len == 1) {
        uint8_t first = s->pending[0];
        s->pending_len = 0;
        if (graphic)
            return shift_pair(s, first, byte, out);
        out[0] = first;
        out[1] = byte;
        s->set = byte == '\n' || byte == '\r' ? SET_ASCII : s->set;
        return 2;
    }
    if (byte == '\n' || byte == '\r')
        s->set = SET_ASCII;
    if (s->set == SET_KANA && graphic && byte < 0x60) {
        out[0] = KANA_LEAD;
        out[1] = byte | 0x80;
        return 2;
    }
    if ((s->set == SET_PAIRS || s->set == SET_PAIRS_0212) && graphic) {
        s->pending[0] = byte;
        s->pending_len = 1;
        return 0;
    }
    out[0] = byte;
    return 1;
}

static bool shift_in_escape(const struct charset_shift *s)
{
    return s->pending_len > 0 && s->pending[0] == (s->hz ? '~' : ESC);
}

/* A byte behind the start of an escape sequence. One that does not go on with it starts anew. */
static size_t shift_escape_byte(struct charset_shift *s, uint8_t byte, uint8_t *out)
{
    s->pending[s->pending_len++] = byte;
    enum shift_match match = shift_match(s);
    if (match == SHIFT_WHOLE)
        s->pending_len = 0;
    if (match != SHIFT_NONE)
        return 0;
    if (byte != (s->hz ? '~' : ESC) || s->hz)
        return shift_flush(s, out);
    s->pending_len--;
    size_t n = shift_flush(s, out);
    s->pending[s->pending_len++] = byte;
    return n;
}

size_t charset_shift_feed(struct charset_shift *s, const uint8_t *bytes, size_t count, uint8_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t byte = bytes[i];
        if (shift_in_escape(s)) {
            n += shift_escape_byte(s, byte, out + n);
        } else if (byte == (s->hz ? '~' : ESC)) {
            if (s->pending_len == 1)
                n += shift_flush(s, out + n); /* half a pair */
            s->pending[s->pending_len++] = byte;
        } else {
            n += shift_text(s, byte, out + n);
        }
    }
    return n;
}

size_t charset_shift_finish(struct charset_shift *s, uint8_t *out)
{
    return shift_flush(s, out);
}
