/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - rows of text. See table.h. */
#include <config.h>
#include "table.h"

#include <string.h>

#include "terminal.h"
#include "text.h"

static int table_append_cell(struct buffer *out, const char *cell, size_t width, size_t left)
{
    if (width != 0)
        return terminal_append_cell(out, cell, width);
    /* The last one: cut where it must be, but no spaces behind it. */
    size_t before = out->len;
    int bad = terminal_append_cell(out, cell, left);
    size_t end = out->len;
    while (end > before && out->data[end - 1] == ' ')
        end--;
    buffer_truncate(out, end);
    return bad;
}

static int table_append_terminal_row(struct buffer *out, const struct table_column *columns,
                                     size_t count, const char *const *cells, size_t width)
{
    size_t used = 0;
    int bad = 0;
    for (size_t i = 0; i < count; i++) {
        bad |= table_append_cell(out, cells[i], columns[i].width, width > used ? width - used : 0);
        used += columns[i].width + 2;
        if (i + 1 < count)
            bad |= buffer_append_text(out, "  ");
    }
    return bad | buffer_append_byte(out, '\n');
}

int table_append_row(struct buffer *out, const struct table_column *columns, size_t count,
                     const char *const *cells, size_t width)
{
    if (width != 0)
        return table_append_terminal_row(out, columns, count, cells, width);
    int bad = 0;
    for (size_t i = 0; i < count; i++) {
        const char *cell = cells[i] == NULL ? "" : cells[i];
        bad |= text_append_printable(out, cell, strlen(cell), TABLE_CELL_MAX);
        bad |= buffer_append_byte(out, i + 1 < count ? '\t' : '\n');
    }
    return bad;
}

int table_append_head(struct buffer *out, const struct table_column *columns, size_t count,
                      size_t width)
{
    int bad = 0;
    size_t used = 0;
    for (size_t i = 0; width != 0 && i < count; i++) {
        bad |= table_append_cell(out, columns[i].title, columns[i].width,
                                 width > used ? width - used : 0);
        used += columns[i].width + 2;
        bad |= buffer_append_text(out, i + 1 < count ? "  " : "\n");
    }
    return bad;
}

void table_date(const char *rfc3339, char out[17])
{
    text_copy(out, 17, rfc3339 == NULL ? "" : rfc3339);
    if (strlen(out) == 16 && out[10] == 'T')
        out[10] = ' ';
}
