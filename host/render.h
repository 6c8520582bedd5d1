/* SPDX-License-Identifier: Apache-2.0 */
/* render.h - an entry as a person reads it. Everything is made printable. Pure. */
#ifndef MAILCHUTE_HOST_RENDER_H
#define MAILCHUTE_HOST_RENDER_H

#include <jansson.h>

#include "buffer.h"

/** render_append_entry - fields, attachments, problems, and the text of the message. @entry is what
 * entry.h makes. -1: full, or out of memory. */
int render_append_entry(struct buffer *out, const json_t *entry);

/** render_text - entry[key] if it is text, else NULL. Borrowed. */
const char *render_text(const json_t *entry, const char *key);

#endif
