/* SPDX-License-Identifier: Apache-2.0 */
/* header-date.h - dates of messages (RFC 5322 s.3.3, s.4.3), and what mailers write instead.
 *
 * Also read: two-digit years, no seconds, no weekday, names of zones, "GMT+2", comments, ISO 8601,
 * the form of ctime(), month before day, full names of months. Unknown zones are +00:00. */
#ifndef MAILCHUTE_MIME_HEADER_DATE_H
#define MAILCHUTE_MIME_HEADER_DATE_H

#include "clock.h"
#include "cursor.h"

/** header_parse_date - the date with the sender's offset (RFC 3339), "" and -1 when it is none. */
int header_parse_date(struct span value, char out[CLOCK_RFC3339_MAX]);

#endif
