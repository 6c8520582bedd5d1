/* SPDX-License-Identifier: Apache-2.0 */
/* mime-header.h - the fields of a header block (RFC 5322 s.2.2), one after the other.
 *
 * A block as mime-parser hands it out holds only whole fields: "Name: value" and lines that begin
 * with white space behind it. Nothing is copied, nothing is changed, time is linear. */
#ifndef MAILCHUTE_MIME_MIME_HEADER_H
#define MAILCHUTE_MIME_MIME_HEADER_H

#include <stdbool.h>

#include "cursor.h"

struct mime_field {
    struct span name;  /* without white space before the colon */
    struct span value; /* what follows the colon, folds inside, without the last line end */
};

enum mime_line {
    MIME_LINE_MORE,  /* cannot be told from these bytes */
    MIME_LINE_FIELD, /* begins a field */
    MIME_LINE_FOLD,  /* goes on with the field before it */
    MIME_LINE_OTHER
};

/** mime_line_kind - what a line of a header block is by its first bytes. */
enum mime_line mime_line_kind(const uint8_t *bytes, size_t len);

/** mime_line_is_known - the line begins a field that mail programs write, such as "Received:". A
 * line of text can look like a field, hardly like one of these. */
bool mime_line_is_known(const uint8_t *bytes, size_t len);

/** mime_line_is_empty - nothing but its line end. */
bool mime_line_is_empty(const uint8_t *line, size_t len);

/** mime_header_lead - what stands before the first field of a message and is none: a byte order
 * mark; empty lines, if a field that mail programs write follows. *out_skip bytes. False: more
 * bytes tell, which never happens when these are all there are, or all that will be looked at
 * (@last). */
bool mime_header_lead(const uint8_t *bytes, size_t len, bool last, size_t *out_skip);

/** mime_field_next - the next field of the block; false at its end. */
bool mime_field_next(struct cursor *block, struct mime_field *out_field);

/** mime_field_find - the value of the first field of this name; false if there is none. */
bool mime_field_find(struct span block, const char *name, struct span *out_value);

#endif
