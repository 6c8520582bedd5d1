/* SPDX-License-Identifier: Apache-2.0 */
/* mime-decode.h - content transfer encodings (RFC 2045 s.6) undone as a stream.
 *
 * Broken input is no error: it is read as the big mail programs read it, and what had to be
 * repaired is told by mime_decoder_problem(). Pieces of any size give the same result. Nothing
 * allocates; time is linear, near the speed of memory for base64. Not thread-safe; decoders share
 * nothing. */
#ifndef MAILCHUTE_MIME_MIME_DECODE_H
#define MAILCHUTE_MIME_MIME_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mime_encoding {
    MIME_IDENTITY,         /* 7bit, 8bit, binary, and whatever nobody knows */
    MIME_BASE64,           /* RFC 2045 s.6.8 */
    MIME_QUOTED_PRINTABLE, /* RFC 2045 s.6.7 */
    MIME_UUENCODE          /* x-uuencode: between "begin" and "end" */
};

#define MIME_DECODE_PENDING 256u /* white space or line that may be held between two pieces */

/* What was found on the way, kept as bits until somebody asks. */
enum mime_decode_repair {
    MIME_REPAIR_STRAY = 1u << 0,    /* bytes outside the alphabet, left out */
    MIME_REPAIR_CUT = 1u << 1,      /* the last group is not complete */
    MIME_REPAIR_TRAILING = 1u << 2, /* text behind the end, left out */
    MIME_REPAIR_ESCAPE = 1u << 3,   /* "=" without two hex digits, kept as it stands */
    MIME_REPAIR_NONE = 1u << 4,     /* never encoded at all, kept as it stands */
};

struct mime_decoder {
    enum mime_encoding encoding;
    uint32_t repairs; /* enum mime_decode_repair */
    uint32_t bits;    /* base64: bits of an unfinished group */
    uint8_t have;     /* base64: its characters; quoted-printable: bytes of an escape in pending */
    uint8_t state;    /* each encoding's own */
    uint8_t lines;    /* base64: whether data and a line end came last */
    uint16_t held;    /* bytes in pending */
    uint8_t pending[MIME_DECODE_PENDING];
};

/** mime_encoding_named - from the field's value ("Base64", "quoted-printable (why)"); *out_known is
 * false for a name that no RFC knows, which is read as MIME_IDENTITY. */
enum mime_encoding mime_encoding_named(const uint8_t *value, size_t len, bool *out_known);

void mime_decoder_init(struct mime_decoder *d, enum mime_encoding encoding);

/** mime_decoder_feed - decode the next @count bytes into @out, which has room for count +
 * MIME_DECODE_PENDING bytes. Returns the bytes written. @out never overlaps @bytes. */
size_t mime_decoder_feed(struct mime_decoder *d, const uint8_t *bytes, size_t count, uint8_t *out);

/** mime_decoder_finish - what is still held, at most MIME_DECODE_PENDING bytes. Once, at the end.
 */
size_t mime_decoder_finish(struct mime_decoder *d, uint8_t *out);

/** mime_decoder_problem - a text for the user, such as "base64 has stray bytes, left out"; NULL if
 * nothing had to be repaired. Static. */
const char *mime_decoder_problem(const struct mime_decoder *d);

#endif
