/* SPDX-License-Identifier: Apache-2.0 */
/* tnef-writer.h - winmail.dat for tests: attributes and files, nothing more. */
#ifndef MAILCHUTE_TESTS_TNEF_WRITER_H
#define MAILCHUTE_TESTS_TNEF_WRITER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "buffer.h"

static inline void put_u16(struct buffer *b, unsigned n)
{
    buffer_append(b, (uint8_t[]){(uint8_t)n, (uint8_t)(n >> 8)}, 2);
}

static inline void put_u32(struct buffer *b, uint32_t n)
{
    put_u16(b, n & 0xFFFF);
    put_u16(b, n >> 16);
}

static inline void put_start(struct buffer *b)
{
    buffer_init(b, 1 << 26);
    put_u32(b, 0x223E9F78);
    put_u16(b, 1);
}

static inline void put_attribute(struct buffer *b, uint8_t level, unsigned id, const void *bytes,
                                 size_t count)
{
    buffer_append_byte(b, level);
    put_u16(b, id);
    put_u16(b, 6);
    put_u32(b, (uint32_t)count);
    buffer_append(b, bytes, count);
    put_u16(b, 0xBAD); /* a wrong checksum: Exchange writes them too */
}

static inline void put_text_attribute(struct buffer *b, uint8_t level, unsigned id,
                                      const char *text)
{
    put_attribute(b, level, id, text, strlen(text) + 1);
}

static inline void put_file(struct buffer *b, const char *title, const char *data)
{
    put_attribute(b, 2, 0x9002, "\1\0\0\0\0\0\0\0\0\0\0\0\0", 14);
    put_text_attribute(b, 2, 0x8010, title);
    put_attribute(b, 2, 0x800F, data, strlen(data));
}

#endif
