/* SPDX-License-Identifier: Apache-2.0 */
/* header-comment.h - comments in header fields: "(a (nested) one, \) and all)". */
#ifndef MAILCHUTE_LOADER_HEADER_COMMENT_H
#define MAILCHUTE_LOADER_HEADER_COMMENT_H

#include <stddef.h>

#include "cursor.h"

/** header_comment_length - how many bytes the comment has that begins with the "(" at the cursor
 * (RFC 5322 s.3.2.2), its brackets included; 0: it is not closed. Looks at the bytes up to its end:
 * who asks again behind an open one does square work. */
size_t header_comment_length(const struct cursor *c);

#endif
