/* SPDX-License-Identifier: Apache-2.0 */
/* terminal.c - what the user's terminal can show. See terminal.h. */
#include <config.h>
#include "terminal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "text.h"

#define TERMINAL_CELL_MAX 1024u /* bytes of a text that are looked at for one cell */

bool terminal_is(int fd)
{
    return isatty(fd) == 1;
}

size_t terminal_width(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    const char *columns = getenv("COLUMNS");
    uint64_t n;
    return columns != NULL && text_to_u64(columns, 1000, &n) == 0 && n > 0 ? (size_t)n : 80;
}

bool terminal_has_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && value[0] != '\0')
            return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
    }
    return false;
}

bool terminal_has_color(int fd)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return terminal_is(fd) && (no_color == NULL || no_color[0] == '\0') &&
           !(term != NULL && strcmp(term, "dumb") == 0);
}

static bool terminal_is_combining(const uint8_t *bytes, size_t length)
{
    return length == 2 && (bytes[0] == 0xCC || (bytes[0] == 0xCD && bytes[1] < 0xB0));
}

int terminal_append_cell(struct buffer *out, const char *text, size_t columns)
{
    struct buffer shown;
    buffer_init(&shown, TERMINAL_CELL_MAX * 4 + 1);
    const char *from = text == NULL ? "" : text;
    int bad = text_append_printable(&shown, from, strlen(from), TERMINAL_CELL_MAX);
    const uint8_t *bytes = (const uint8_t *)buffer_text(&shown);
    size_t end = 0, cut = 0, used = 0; /* cut: where columns - 1 columns end */
    while (end < shown.len && used <= columns) {
        size_t length = text_utf8_length(bytes + end, shown.len - end);
        length = length == 0 ? 1 : length;
        used += terminal_is_combining(bytes + end, length) ? 0 : 1;
        end += length;
        if (used < columns)
            cut = end;
    }
    if (used > columns)
        bad |= buffer_append(out, bytes, cut) | (columns > 0 ? buffer_append_text(out, "~") : 0);
    else
        bad |= buffer_append(out, bytes, end);
    for (; used < columns; used++)
        bad |= buffer_append_byte(out, ' ');
    buffer_done(&shown);
    return bad < 0 ? -1 : 0;
}
