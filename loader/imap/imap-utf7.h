/* SPDX-License-Identifier: Apache-2.0 */
/* imap-utf7.h - mailbox names between Unicode and modified UTF-7 (RFC 3501 s.5.1.3).
 *
 * Strict both ways: what decodes encodes back to the same bytes, so that two names never mean one
 * mailbox. Pure; any thread. */
#ifndef MAILCHUTE_LOADER_IMAP_UTF7_H
#define MAILCHUTE_LOADER_IMAP_UTF7_H

#include <stddef.h>

#include "buffer.h"

/** imap_utf7_encode - append @text (UTF-8 without control characters) as modified UTF-7. -1: not
 * such text, or @out is full. */
int imap_utf7_encode(struct buffer *out, const char *text);

/** imap_utf7_decode - append the name as UTF-8. -1: bytes that are no ASCII, base64 that is broken,
 * unended, empty, or hides what could stand for itself; or @out is full. @out may then hold a
 * part. */
int imap_utf7_decode(struct buffer *out, const void *bytes, size_t count);

#endif
