/* SPDX-License-Identifier: Apache-2.0 */
/* header-charset.h - 8-bit bytes in a header block, in whatever character set its author uses.
 *
 * A header says nothing about its raw 8-bit bytes. UTF-8 tells itself (RFC 6532); for the rest mail
 * programs ask the charset of the message's text. So do we, and then that of its encoded words. */
#ifndef MAILCHUTE_MIME_HEADER_CHARSET_H
#define MAILCHUTE_MIME_HEADER_CHARSET_H

#include "buffer.h"
#include "cursor.h"
#include "mail.h"

/** header_charset_hint - the charset of the block's Content-Type, else that of its first encoded
 * word (RFC 2047) that says more than ASCII, UTF-8 or windows-1252; for a 7-bit charset its 8-bit
 * kin. *out_name is static, NULL where there is none, and where Content-Type says windows-1252 (or
 * iso-8859-1): that needs no hint. Linear time. -1 only out of memory. */
int header_charset_hint(struct span block, const char **out_name);

/** header_charset_mend - append @block to @out, where each field that is neither ASCII nor UTF-8 is
 * read as @charset and told in @problems (may be NULL). A field that is not all in @charset, or
 * that has a boundary, stays as it is. At most three bytes come out for one. -1: the buffer is
 * full, or out of memory. */
int header_charset_mend(struct span block, const char *charset, struct buffer *out,
                        struct mail_texts *problems);

#endif
