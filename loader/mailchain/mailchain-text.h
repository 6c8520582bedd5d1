/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-text.h - text as it may stand in a message: fields (RFC 5322, RFC 2047) and bodies
 * (RFC 2045). Pure; nothing that comes in can make a line of its own. -1: out of memory, or the
 * buffer is full. */
#ifndef MAILCHUTE_LOADER_MAILCHAIN_TEXT_H
#define MAILCHUTE_LOADER_MAILCHAIN_TEXT_H

#include "buffer.h"
#include "cursor.h"

/** mailchain_text_field - "Name: text" and CR LF. Printable ASCII stands as it is, all else in
 * encoded words, so that no line is longer than 998 bytes. Control characters become spaces. */
int mailchain_text_field(struct buffer *out, const char *name, struct span text);

/** mailchain_text_phrase - a display name: quoted, or in encoded words. */
int mailchain_text_phrase(struct buffer *out, struct span text);

/* How a body is written. */
enum mailchain_encoding { MAILCHAIN_7BIT, MAILCHAIN_QUOTED, MAILCHAIN_BASE64 };

/** mailchain_text_encoding - 7bit where it fits, base64 where much is not ASCII, else
 * quoted-printable; and its name in a Content-Transfer-Encoding field. */
enum mailchain_encoding mailchain_text_encoding(struct span body);
const char *mailchain_text_encoding_name(enum mailchain_encoding encoding);

/** mailchain_text_body - @body in lines that end in CR LF, whatever ended them (LF, CR LF, CR). */
int mailchain_text_body(struct buffer *out, struct span body, enum mailchain_encoding encoding);

#endif
