/* SPDX-License-Identifier: Apache-2.0 */
/* header-text.h - an unstructured header field (RFC 5322 s.2.2.1) as text a person reads.
 *
 * Encoded words (RFC 2047) are decoded, also broken ones that mail programs understand: words
 * without space between them, with spaces inside, without padding, a character split over two
 * words, in the middle of other text. Raw 8-bit bytes are UTF-8 (RFC 6532) or follow the rule of
 * charset.h. Folds become spaces, other control characters vanish: CR, LF and NUL never come out,
 * not even out of an encoded word. Linear time. */
#ifndef MAILCHUTE_MIME_HEADER_TEXT_H
#define MAILCHUTE_MIME_HEADER_TEXT_H

#include "buffer.h"
#include "cursor.h"
#include "mail.h"

/** header_decode_text - append @value, a field's body with its folds, to @out as UTF-8; white space
 * around it is dropped. What had to be repaired goes to @problems (may be NULL). A full buffer is
 * no failure (see charset.h); -1 is out of memory. */
int header_decode_text(struct span value, struct buffer *out, struct mail_texts *problems);

/** header_take_text - the same as text of its own, free() it; NULL only out of memory. */
char *header_take_text(struct span value, size_t max, struct mail_texts *problems);

#endif
