/* SPDX-License-Identifier: Apache-2.0 */
/* terminal.h - what the user's terminal can show. No locale is asked but the environment. */
#ifndef MAILCHUTE_HOST_TERMINAL_H
#define MAILCHUTE_HOST_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"

bool terminal_is(int fd);
size_t terminal_width(int fd); /* columns, 80 where nobody knows */
bool terminal_has_utf8(void);  /* by LC_ALL, LC_CTYPE, LANG */
bool terminal_has_color(int fd); /* a terminal, NO_COLOR empty or not set, TERM not "dumb" */

/** terminal_append_cell - @text (NULL: nothing) printable in exactly @columns columns: filled with
 * spaces, or cut with "~". Characters count as one column, combining marks (U+0300..U+036F) as
 * none; East Asian wide ones are not measured. */
int terminal_append_cell(struct buffer *out, const char *text, size_t columns);

#endif
