/* SPDX-License-Identifier: Apache-2.0 */
/* text-walk.h - walking over a text that may lie in a file (buffer.h), with only a window of it in
 * memory.
 *
 * Who looks at such a text, in order or nearly, tells now and then where; what lies behind leaves
 * memory. In a text that lies in memory all of this does nothing but what it says. Positions are
 * pointers into the text. */
#ifndef MAILCHUTE_MIME_TEXT_WALK_H
#define MAILCHUTE_MIME_TEXT_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "cursor.h"
#include "file-memory.h"

struct text_walk {
    struct buffer *text; /* borrowed; NULL: it lies in memory, whoever has it */
    const char *last;    /* where the window began */
};

/** text_walk_at - the walk has come to @here. A NULL walk is fine. */
static inline void text_walk_at(struct text_walk *walk, const void *here)
{
    if (walk == NULL || walk->text == NULL)
        return;
    uintptr_t gone = (uintptr_t)here - (uintptr_t)walk->last; /* wraps on the way back: large */
    if (gone < BUFFER_WINDOW)
        return;
    walk->last = here;
    buffer_passed(walk->text);
}

/** text_walk_find - the first @byte in @from..@end; NULL: there is none. */
const void *text_walk_find(struct text_walk *walk, const void *from, const void *end, char byte);

/** text_walk_find_text - the first occurrence of @text (short); NULL: there is none. */
const char *text_walk_find_text(struct text_walk *walk, const char *from, const char *end,
                                const char *text);

/** text_walk_move - memmove() within the text; @to lies before @from, or there. */
void text_walk_move(struct text_walk *walk, char *to, const char *from, size_t count);

/** text_walk_append - text_append_fitting() of @count bytes of it (UTF-8). */
int text_walk_append(struct text_walk *walk, const char *text, size_t count, struct buffer *out);

/** text_walk_next - the next window of @text: *piece, all zero at first, becomes it. False: it was
 * the last. */
bool text_walk_next(struct buffer *text, struct span *piece);

/* ---- A text that was handed over: pointer, size, its file (NULL: malloc()) ------------------- */

/** text_walk_take - out of a buffer. NULL only out of memory. */
char *text_walk_take(struct buffer *text, size_t *out_size, struct file_memory **out_file);
void text_walk_free(char *text, struct file_memory *file);

/** text_walk_over - as a buffer that can be walked over and changed in place; borrowed, it does not
 * grow and is not to be done with. */
struct buffer text_walk_over(char *text, size_t size, struct file_memory *file);

#endif
