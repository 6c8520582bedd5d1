/* SPDX-License-Identifier: Apache-2.0 */
/* header-id.h - message ids: Message-ID, In-Reply-To, References, Content-ID (RFC 5322 s.3.6.4).
 *
 * Tolerant: ids without brackets, with too many of them, folded in the middle, with comments or
 * phrases between them (as old In-Reply-To has). Ids come out without angle brackets and white
 * space. */
#ifndef MAILCHUTE_MIME_HEADER_ID_H
#define MAILCHUTE_MIME_HEADER_ID_H

#include <stddef.h>

#include "cursor.h"
#include "mail.h"

/** header_parse_ids - append the ids of @value to @out until it has @max of them. -1 is out of
 * memory. */
int header_parse_ids(struct span value, struct mail_texts *out, size_t max);

#endif
