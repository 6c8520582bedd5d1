/* SPDX-License-Identifier: Apache-2.0 */
/* buffer.h - bytes that grow up to a limit which must be given.
 *
 * The struct is the caller's (buffer_init/buffer_done); the bytes are the buffer's until
 * buffer_take(). Always one byte more is kept than used, holding NUL, so text can be read in place.
 * An append either succeeds whole or changes nothing and returns -1: over the limit or out of
 * memory (buffer_is_full() tells which). Growth doubles: linear time over all appends. Not
 * thread-safe.
 *
 * The bytes of a large one may lie in a file (buffer_file()): they are read and written in place as
 * all others are, and only what somebody looks at is in memory. Appends see to that themselves; who
 * walks over such bytes tells by buffer_passed() now and then that they may go. */
#ifndef MAILCHUTE_COMMON_BUFFER_H
#define MAILCHUTE_COMMON_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define BUFFER_WINDOW (256u * 1024) /* bytes of a file that are in memory, about */

struct file_memory;

struct buffer {
    char *data;   /* NULL while empty and unused; else data[len] is NUL */
    size_t len;   /* bytes in use, <= limit */
    size_t cap;   /* bytes allocated, the NUL's included */
    size_t limit; /* bytes allowed */
    bool refused; /* an append was refused by the limit */
    const char *dir;          /* NULL: never in a file */
    size_t memory_max;        /* bytes, the NUL's included; more of them lie in one */
    struct file_memory *file; /* NULL: not in one (yet) */
    size_t fresh;             /* bytes appended to it since buffer_passed() */
};

void buffer_init(struct buffer *b, size_t limit);

/** buffer_file - from here on they may lie in a file without a name in the folder @dir (borrowed),
 * once they and their NUL are more than @memory_max; where none can be made they stay in memory. */
void buffer_file(struct buffer *b, const char *dir, size_t memory_max);

void buffer_done(struct buffer *b); /* frees the bytes; b may be used again after buffer_init() */
void buffer_clear(struct buffer *b); /* len = 0, keeps the memory */
void buffer_spare(struct buffer *b); /* gives the memory back where no byte is in use */

int buffer_append(struct buffer *b, const void *bytes, size_t count);
int buffer_append_text(struct buffer *b, const char *text);
int buffer_append_byte(struct buffer *b, uint8_t byte);
int buffer_printf(struct buffer *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** buffer_reserve - make room for @count more bytes at data + len, within the limit; the caller
 * writes there and then adds to len by buffer_added(). */
int buffer_reserve(struct buffer *b, size_t count);
void buffer_added(struct buffer *b, size_t count);

/** buffer_drop - forget the first @count bytes (<= len), moving the rest to the front. */
void buffer_drop(struct buffer *b, size_t count);

/** buffer_truncate - forget what lies behind the first @len bytes (<= len). */
void buffer_truncate(struct buffer *b, size_t len);

/** buffer_is_full - an append was refused because of the limit (not for want of memory). */
bool buffer_is_full(const struct buffer *b);

/** buffer_text - the bytes as text, "" when empty. Borrowed until the next change. */
const char *buffer_text(const struct buffer *b);

/** buffer_passed - nobody will look at the bytes for now: of a file none has to be in memory. */
void buffer_passed(struct buffer *b);

/** buffer_take_file - as buffer_take(); where *out_file is not NULL they lie in it, and are freed
 * with it by file_memory_free() alone. */
char *buffer_take_file(struct buffer *b, struct file_memory **out_file);

/** buffer_take - of one that is in no file: the bytes, NUL behind them: yours, free() them. NULL
 * only out of memory. The buffer is empty afterwards. */
char *buffer_take(struct buffer *b);

#endif
