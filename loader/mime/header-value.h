/* SPDX-License-Identifier: Apache-2.0 */
/* header-value.h - fields with parameters: Content-Type, Content-Disposition (RFC 2045 s.5.1,
 * RFC 2183, RFC 2231).
 *
 * Parameters come out decoded to UTF-8 and whole: pieces of RFC 2231 joined in the order of their
 * numbers, percent and charset undone, encoded words (RFC 2047, which do not belong here) undone as
 * well. Where a parameter is there in both forms the one of RFC 2231 wins; else the first of equal
 * names. Linear time, at most MAIL_PARAMETERS_MAX parameters (pieces counted). */
#ifndef MAILCHUTE_MIME_HEADER_VALUE_H
#define MAILCHUTE_MIME_HEADER_VALUE_H

#include <stddef.h>

#include "cleanup.h"
#include "cursor.h"
#include "mail.h"

struct header_parameter {
    char *name;  /* lower case, without RFC 2231's "*"; ASCII, else it is no parameter */
    char *value; /* UTF-8, no control characters; but "boundary" is bytes as they stand, no NUL */
};

struct header_value {
    char *value; /* "text/plain", "attachment": lower case, "" when it is missing; never NULL */
    struct header_parameter *parameters;
    size_t count;
};

/** header_parse_value - read a field's body with its folds. *out is overwritten; yours:
 * header_value_done(). -1 only out of memory (*out is then empty). */
int header_parse_value(struct span value, struct header_value *out, struct mail_texts *problems);

/** header_value_get - the value of this parameter, NULL if there is none. Borrowed. */
const char *header_value_get(const struct header_value *value, const char *name);

void header_value_done(struct header_value *value);

#endif
