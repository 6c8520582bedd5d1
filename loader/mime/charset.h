/* SPDX-License-Identifier: Apache-2.0 */
/* charset.h - bytes in whatever character set, labelled rightly, wrongly or not at all, to UTF-8.
 *
 * Never an error, never invalid UTF-8, never NUL (dropped). The rule, first match wins:
 *   1. a UTF-8 byte order mark: UTF-8, whatever the label (not for UTF-16, UTF-32, UTF-7);
 *   2. the label, through a table of aliases that reads charsets as mail programs do: iso-8859-1 as
 *      windows-1252, gb2312 as gb18030, ks_c_5601-1987 as cp949, shift_jis as cp932 ... Only names
 *      in that table ever reach iconv. Bytes that the charset does not have become U+FFFD;
 *   3. no label, us-ascii, "unknown-8bit" and its kin, a label nobody knows: a byte order mark of
 *      UTF-16 or UTF-32; else an ISO-2022 escape sequence before any 8-bit byte (Japanese, Korean,
 *      Chinese); else UTF-8 where it is (nearly) valid UTF-8; else what the message's own header
 *      makes likely (charset_decoder_guess()); else windows-1252.
 * A label of utf-8 on text without a single valid multibyte character reads as windows-1252 too,
 * and one of iso-2022-jp on 8-bit text as UTF-8 or Shift_JIS.
 *
 * Streaming: ASCII passes as it comes. To tell UTF-8 from windows-1252 up to CHARSET_WINDOW bytes
 * from the first 8-bit byte are held back; their well-formed and malformed characters are counted
 * when the window is full or the text ends, and what they say holds for the rest. The window begins
 * at a byte of the text, not at a piece fed: every split gives the same result, in constant memory.
 *
 * A full output buffer is no failure: what fits is a whole beginning of the text, cut at a
 * character, and buffer_is_full() tells. -1 is out of memory. One decoder, one thread. */
#ifndef MAILCHUTE_MIME_CHARSET_H
#define MAILCHUTE_MIME_CHARSET_H

#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "cleanup.h"
#include "cursor.h"

#define CHARSET_WINDOW (16u * 1024) /* bytes held back until a charset is guessed */
#define CHARSET_PROBLEM_MAX 128     /* bytes of a problem's text, its NUL included */

struct charset_decoder;

/** charset_decoder_new - a decoder for one text. @label as it stands in the message, NULL when
 * there is none; copied. NULL only out of memory. */
struct charset_decoder *charset_decoder_new(const char *label);
void charset_decoder_free(struct charset_decoder *d);
AUTO_DEFINE(charset_decoder, charset_decoder_free);

/** charset_decoder_guess - 8-bit bytes that no label explains and that are no UTF-8 are in @name
 * (charset-names.h), not windows-1252. Before the first byte; NULL changes nothing. */
void charset_decoder_guess(struct charset_decoder *d, const char *name);

int charset_decoder_feed(struct charset_decoder *d, const uint8_t *bytes, size_t count,
                         struct buffer *out);

/** charset_decoder_finish - no more bytes will come: what is held comes out. Once only. */
int charset_decoder_finish(struct charset_decoder *d, struct buffer *out);

/** charset_decoder_problem - what was not in order, such as "charset 'foo' unknown, read as
 * windows-1252"; NULL if all was. Complete after finish; borrowed until free. */
const char *charset_decoder_problem(const struct charset_decoder *d);

/** charset_to_utf8 - all at once, appended to @out. @problem is "" if there was none. */
int charset_to_utf8(const char *label, struct span bytes, struct buffer *out,
                    char problem[CHARSET_PROBLEM_MAX]);

#endif
