/* SPDX-License-Identifier: Apache-2.0 */
/* render.h - an entry as a person reads it. Everything is made printable. Pure. */
#ifndef MAILCHUTE_HOST_RENDER_H
#define MAILCHUTE_HOST_RENDER_H

#include <jansson.h>

#include "buffer.h"

#define RENDER_PIECE 65536u /* bytes of a text that are a good deal at once */

/** render_append_entry - fields, attachments, problems, and the text of the message. @entry is what
 * entry.h makes. -1: full, or out of memory. */
int render_append_entry(struct buffer *out, const json_t *entry);

/** render_append_text - some @most (> 3) bytes from the start of *text, as the text of a message
 * is shown: line ends and tabs stay, what else steers a terminal does not. *text moves behind them.
 * -1: full, or out of memory. */
int render_append_text(struct buffer *out, const char **text, size_t most);

/** render_text - entry[key] if it is text, else NULL. Borrowed. */
const char *render_text(const json_t *entry, const char *key);

#endif
