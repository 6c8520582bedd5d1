/* SPDX-License-Identifier: Apache-2.0 */
/* text-walk.c - see text-walk.h. */
#include <config.h>
#include "text-walk.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

static size_t window(const char *from, const char *end)
{
    size_t left = (size_t)(end - from);
    return left < BUFFER_WINDOW ? left : BUFFER_WINDOW;
}

const void *text_walk_find(struct text_walk *walk, const void *from, const void *end, char byte)
{
    const char *found = NULL;
    for (const char *at = from; at < (const char *)end && found == NULL; at += window(at, end)) {
        text_walk_at(walk, at);
        found = memchr(at, byte, window(at, end));
    }
    return found;
}

const char *text_walk_find_text(struct text_walk *walk, const char *from, const char *end,
                                const char *text)
{
    size_t length = strlen(text);
    const char *found = NULL;
    for (const char *at = from; (size_t)(end - at) >= length && found == NULL;) {
        const char *last = end - length + 1; /* it begins before this */
        size_t begins = window(at, last);
        text_walk_at(walk, at);
        found = memmem(at, begins + length - 1, text, length);
        at += begins;
    }
    return found;
}

void text_walk_move(struct text_walk *walk, char *to, const char *from, size_t count)
{
    const char *end = from + count;
    for (size_t piece; from < end && to != from; from += piece, to += piece) {
        piece = window(from, end);
        text_walk_at(walk, from);
        memmove(to, from, piece);
    }
}

int text_walk_append(struct text_walk *walk, const char *text, size_t count, struct buffer *out)
{
    const char *end = text + count;
    for (size_t piece; text < end; text += piece) {
        piece = window(text, end);
        while (text + piece < end && piece > 1 && ((uint8_t)text[piece] & 0xC0) == 0x80)
            piece--; /* not within a character */
        text_walk_at(walk, text);
        if (text_append_fitting(out, text, piece) < 0)
            return -1;
    }
    return 0;
}

bool text_walk_next(struct buffer *text, struct span *piece)
{
    const char *data = buffer_text(text), *end = data + text->len;
    const char *at = piece->bytes == NULL ? data : (const char *)piece->bytes + piece->len;
    buffer_passed(text);
    *piece = (struct span){(const uint8_t *)at, window(at, end)};
    return piece->len > 0;
}

char *text_walk_take(struct buffer *text, size_t *out_size, struct file_memory **out_file)
{
    *out_size = text->len;
    return buffer_take_file(text, out_file);
}

void text_walk_free(char *text, struct file_memory *file)
{
    if (file != NULL)
        file_memory_free(file);
    else
        free(text);
}

struct buffer text_walk_over(char *text, size_t size, struct file_memory *file)
{
    return (struct buffer){.data = text, .len = size, .cap = size + 1, .limit = size, .file = file};
}
