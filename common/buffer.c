/* SPDX-License-Identifier: Apache-2.0 */
/* buffer.c - growing bytes with a limit. See buffer.h. */
#include <config.h>
#include "buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_FIRST 64 /* bytes of the first allocation */

void buffer_init(struct buffer *b, size_t limit)
{
    *b = (struct buffer){.limit = limit < SIZE_MAX / 2 ? limit : SIZE_MAX / 2};
}

void buffer_done(struct buffer *b)
{
    free(b->data);
    b->data = NULL;
    b->len = b->cap = 0;
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
    if (cap > b->limit + 1)
        cap = b->limit + 1;
    char *data = realloc(b->data, cap);
    if (data == NULL)
        return -1;
    b->data = data;
    b->cap = cap;
    b->data[b->len] = '\0';
    return 0;
}

void buffer_added(struct buffer *b, size_t count)
{
    b->len += count;
    b->data[b->len] = '\0';
}

int buffer_append(struct buffer *b, const void *bytes, size_t count)
{
    if (buffer_reserve(b, count) < 0)
        return -1;
    if (count > 0)
        memcpy(b->data + b->len, bytes, count);
    buffer_added(b, count);
    return 0;
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

char *buffer_take(struct buffer *b)
{
    if (b->data == NULL)
        return calloc(1, 1);
    char *taken = b->data, *fit = NULL;
    if (b->cap - b->len > b->cap / 4) /* it may be kept for long */
        fit = realloc(taken, b->len + 1);
    taken = fit != NULL ? fit : taken;
    b->data = NULL;
    b->len = b->cap = 0;
    return taken;
}
