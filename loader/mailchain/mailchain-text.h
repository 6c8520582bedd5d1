/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-text.h - text as it may stand in a message: fields (RFC 5322, RFC 2047) and bodies
 * (RFC 2045). Pure; nothing that comes in can make a line of its own. -1: out of memory, or the
 * buffer is full. */
#ifndef MAILCHUTE_LOADER_MAILCHAIN_TEXT_H
#define MAILCHUTE_LOADER_MAILCHAIN_TEXT_H

#include "buffer.h"
#include "cursor.h"

#define MAILCHAIN_LINE_WANTED 78u /* bytes of a line (RFC 5322 s.2.1.1) where that can be kept */
#define MAILCHAIN_LINE_WORDS 76u  /* of a line with an encoded word (RFC 2047 s.2) */

/** mailchain_text_field - "Name: text" and CR LF. Printable ASCII stands as it is, folded at its
 * spaces; a word of it that is longer than a line may be makes all of it encoded words, and so do
 * spaces at its ends, and all that is not printable ASCII. Control characters become spaces. No
 * line has more than 998 bytes, none with an encoded word more than MAILCHAIN_LINE_WORDS. */
int mailchain_text_field(struct buffer *out, const char *name, struct span text);

/** mailchain_text_phrase - a display name, behind what stands on the line: quoted, or in encoded
 * words. */
int mailchain_text_phrase(struct buffer *out, struct span text);

/** mailchain_text_piece - @text, which has no spaces, behind a space; on a line of its own where it
 * would make this one longer than @most. */
int mailchain_text_piece(struct buffer *out, const char *text, size_t most);

/* How a body is written. */
enum mailchain_encoding { MAILCHAIN_7BIT, MAILCHAIN_QUOTED, MAILCHAIN_BASE64 };

/** mailchain_text_encoding - 7bit where it fits, base64 where much is not ASCII, else
 * quoted-printable; and its name in a Content-Transfer-Encoding field. */
enum mailchain_encoding mailchain_text_encoding(struct span body);
const char *mailchain_text_encoding_name(enum mailchain_encoding encoding);

/** mailchain_text_body - @body in lines that end in CR LF, whatever ended them (LF, CR LF, CR). */
int mailchain_text_body(struct buffer *out, struct span body, enum mailchain_encoding encoding);

#endif
