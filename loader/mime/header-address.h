/* SPDX-License-Identifier: Apache-2.0 */
/* header-address.h - address lists: From, To, Cc, Reply-To and their kin (RFC 5322 s.3.4, s.4.4).
 *
 * Reads what real mail has: comments, groups (flattened), routes, names in a comment behind the
 * address, encoded words anywhere, names with unquoted dots, commas' victims, missing brackets and
 * quotes, semicolons between addresses. Nothing recurses: nesting is counted, and time is linear in
 * the value. An empty group ("undisclosed-recipients:;") yields no item; several words without an
 * address yield a name whose address is NULL, a single word an address without a domain. A name
 * that only repeats the address is dropped. */
#ifndef MAILCHUTE_MIME_HEADER_ADDRESS_H
#define MAILCHUTE_MIME_HEADER_ADDRESS_H

#include "buffer.h"
#include "cleanup.h"
#include "cursor.h"
#include "mail.h"

/** header_parse_addresses - append the mailboxes of @value to @out, up to MAIL_ADDRESSES_MAX in the
 * list; what is left out is told in @problems (may be NULL). -1 is out of memory: what was read
 * before it stays in the list. */
int header_parse_addresses(struct span value, struct mail_addresses *out,
                           struct mail_texts *problems);

/** header_addresses_text - append the list as a person would read it, joined with "; ":
 * "Ann Example <ann@example.org>; bob@example.org". A full buffer is no failure. */
int header_addresses_text(const struct mail_addresses *addresses, struct buffer *out);

/** header_addresses_cut - keep the first @count (<= addresses->count). */
void header_addresses_cut(struct mail_addresses *addresses, size_t count);

/** mail_addresses_done - free the items; the list is empty afterwards. */
void mail_addresses_done(struct mail_addresses *addresses);

#endif
