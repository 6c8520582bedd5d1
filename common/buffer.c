/* SPDX-License-Identifier: Apache-2.0 */
/* buffer.c - growing bytes with a limit. See buffer.h. */
#include <config.h>
#include "buffer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file-memory.h"

#define BUFFER_FIRST 64 /* bytes of the first allocation */

void buffer_init(struct buffer *b, size_t limit)
{
    *b = (struct buffer){.limit = limit < SIZE_MAX / 2 ? limit : SIZE_MAX / 2};
}

void buffer_file(struct buffer *b, const char *dir, size_t memory_max)
{
    b->dir = dir;
    b->memory_max = memory_max;
}

/* The bytes are no longer here. */
static void buffer_leave(struct buffer *b)
{
    b->data = NULL;
    b->file = NULL;
    b->len = b->cap = b->fresh = 0;
}

void buffer_done(struct buffer *b)
{
    if (b->file != NULL)
        file_memory_free(b->file);
    else
        free(b->data);
    buffer_leave(b);
}

void buffer_clear(struct buffer *b)
{
    b->len = 0;
    b->refused = false;
    if (b->data != NULL)
        b->data[0] = '\0';
}

void buffer_spare(struct buffer *b)
{
    if (b->len == 0)
        buffer_done(b);
}

/* A file that cannot be had is no failure: memory is asked for instead. */
static bool buffer_grow_file(struct buffer *b, size_t cap)
{
    if (b->file != NULL)
        return file_memory_grow(b->file, cap) == 0;
    if (b->dir == NULL || cap <= b->memory_max)
        return false;
    b->file = file_memory_new(b->dir, buffer_text(b), b->len, cap);
    if (b->file != NULL)
        free(b->data);
    return b->file != NULL;
}

/* Out of a file that grows no more, back into memory. */
static bool buffer_grow_memory(struct buffer *b, size_t cap)
{
    char *data = realloc(b->file == NULL ? b->data : NULL, cap);
    if (data == NULL)
        return false;
    if (b->file != NULL) {
        memcpy(data, b->data, b->len);
        file_memory_free(TAKE(b->file));
        b->dir = NULL;
    }
    b->data = data;
    return true;
}

int buffer_reserve(struct buffer *b, size_t count)
{
    if (count > b->limit - b->len) {
        b->refused = true;
        return -1;
    }
    size_t need = b->len + count + 1;
    if (need <= b->cap)
        return 0;
    /* What comes first is often all: no more room for it than it wants. */
    size_t cap = b->cap != 0 ? b->cap : need > BUFFER_FIRST ? need : BUFFER_FIRST;
    while (cap < need)
        cap *= 2; /* limit <= SIZE_MAX / 2: no wrap */
    if (b->dir != NULL && b->file == NULL && cap > b->memory_max && need <= b->memory_max)
        cap = b->memory_max; /* all of what may be in memory, before there is a file */
    if (cap > b->limit + 1)
        cap = b->limit + 1;
    if (buffer_grow_file(b, cap))
        b->data = file_memory_at(b->file);
    else if (!buffer_grow_memory(b, cap))
        return -1;
    b->cap = cap;
    b->data[b->len] = '\0';
    return 0;
}

void buffer_added(struct buffer *b, size_t count)
{
    b->len += count;
    b->data[b->len] = '\0';
    b->fresh += count;
    if (b->fresh >= BUFFER_WINDOW)
        buffer_passed(b);
}

int buffer_append(struct buffer *b, const void *bytes, size_t count)
{
    if (buffer_reserve(b, count) < 0)
        return -1;
    for (size_t at = 0, piece; at < count; at += piece) {
        piece = count - at < BUFFER_WINDOW || b->file == NULL ? count - at : BUFFER_WINDOW;
        memcpy(b->data + b->len, (const char *)bytes + at, piece);
        buffer_added(b, piece);
    }
    b->data[b->len] = '\0';
    return 0;
}

void buffer_passed(struct buffer *b)
{
    b->fresh = 0;
    if (b->file != NULL)
        file_memory_passed(b->file);
}

int buffer_append_text(struct buffer *b, const char *text)
{
    return buffer_append(b, text, strlen(text));
}

int buffer_append_byte(struct buffer *b, uint8_t byte)
{
    return buffer_append(b, &byte, 1);
}

int buffer_printf(struct buffer *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int need = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (need < 0 || buffer_reserve(b, (size_t)need) < 0)
        return -1;
    va_start(args, fmt);
    (void)vsnprintf(b->data + b->len, (size_t)need + 1, fmt, args);
    va_end(args);
    buffer_added(b, (size_t)need);
    return 0;
}

void buffer_drop(struct buffer *b, size_t count)
{
    if (count == 0)
        return;
    memmove(b->data, b->data + count, b->len - count + 1);
    b->len -= count;
}

void buffer_truncate(struct buffer *b, size_t len)
{
    if (b->data == NULL)
        return;
    b->len = len;
    b->data[len] = '\0';
}

bool buffer_is_full(const struct buffer *b)
{
    return b->refused;
}

const char *buffer_text(const struct buffer *b)
{
    return b->data != NULL ? b->data : "";
}

char *buffer_take_file(struct buffer *b, struct file_memory **out_file)
{
    *out_file = b->file;
    if (b->file == NULL)
        return buffer_take(b);
    char *taken = b->data;
    buffer_passed(b);
    buffer_leave(b);
    return taken;
}

char *buffer_take(struct buffer *b)
{
    assert(b->file == NULL); /* else buffer_take_file() */
    if (b->data == NULL)
        return calloc(1, 1);
    char *taken = b->data;
    /* It may be kept for long. A copy: what realloc() cuts off is a hole for smaller things, and what
     * is freed is as large as the next buffer will be. */
    char *fit = b->cap - b->len > b->cap / 16 ? malloc(b->len + 1) : NULL;
    if (fit != NULL) {
        memcpy(fit, taken, b->len + 1);
        free(taken);
        taken = fit;
    }
    buffer_leave(b);
    return taken;
}
