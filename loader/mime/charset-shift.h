/* SPDX-License-Identifier: Apache-2.0 */
/* charset-shift.h - 7-bit charsets that switch by escape sequences, unfolded into 8-bit ones.
 *
 * ISO-2022-JP with all that mail has in it (JIS X 0201 kana, JIS X 0212, NEC's characters: what is
 * called CP50221) becomes EUC-JP; HZ (RFC 1843) becomes GB18030. iconv knows the first one only
 * in its strict form and the second not at all. */
#ifndef MAILCHUTE_MIME_CHARSET_SHIFT_H
#define MAILCHUTE_MIME_CHARSET_SHIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum charset_set { SET_ASCII, SET_KANA, SET_PAIRS, SET_PAIRS_0212 };

struct charset_shift {
    bool hz;
    enum charset_set set;
    uint8_t pending[4]; /* an escape sequence, or a pair, that is not complete */
    size_t pending_len;
};

#define CHARSET_SHIFT_ROOM(count) ((count)*2 + 8) /* bytes that unfolding @count may give */

/** charset_shift_init - at the start of a text; @hz: HZ, else ISO-2022-JP. */
void charset_shift_init(struct charset_shift *s, bool hz);

/** charset_shift_feed - unfold; @out has CHARSET_SHIFT_ROOM(@count) bytes. Returns how many it got.
 */
size_t charset_shift_feed(struct charset_shift *s, const uint8_t *bytes, size_t count,
                          uint8_t *out);

/** charset_shift_finish - what is pending, as it is: up to 8 bytes. */
size_t charset_shift_finish(struct charset_shift *s, uint8_t *out);

#endif
