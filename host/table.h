/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - rows of text: columns that fit a terminal's width, TAB between them elsewhere.
 *
 * Cells may be NULL and may hold anything: they are made printable. */
#ifndef MAILCHUTE_HOST_TABLE_H
#define MAILCHUTE_HOST_TABLE_H

#include <stddef.h>

#include "buffer.h"

#define TABLE_CELL_MAX 4096u /* bytes of a cell that are shown */

struct table_column {
    const char *title;
    size_t width; /* columns of the terminal; 0: what is left of the line, in the last one */
};

/** table_append_row - @width: of the terminal, 0 when there is none. */
int table_append_row(struct buffer *out, const struct table_column *columns, size_t count,
                     const char *const *cells, size_t width);

/** table_append_head - the titles, on a terminal only. */
int table_append_head(struct buffer *out, const struct table_column *columns, size_t count,
                      size_t width);

/** table_date - "2026-03-01 12:00" of an RFC 3339 text; "" for NULL. */
void table_date(const char *rfc3339, char out[17]);

#endif
