/* SPDX-License-Identifier: Apache-2.0 */
/* encoded-word.h - one encoded word (RFC 2047 s.2): found in text, and undone to bytes. */
#ifndef MAILCHUTE_MIME_ENCODED_WORD_H
#define MAILCHUTE_MIME_ENCODED_WORD_H

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"
#include "cursor.h"

#define ENCODED_WORD_CHARSET_MAX 64 /* bytes of a word's charset, NUL included */

struct encoded_word {
    char charset[ENCODED_WORD_CHARSET_MAX];
    bool base64; /* else Q */
    bool whole;  /* it has its "?=" */
    struct span payload;
};

/* Base64 across words: some mailers cut a text anywhere. */
struct encoded_word_bits {
    uint32_t bits;
    uint32_t count; /* of them are waiting: 0, 2, 4 or 6 */
};

/** encoded_word_parse - the word at the cursor, which then stands behind it. Lenient: spaces in the
 * payload, no "?=" where the next word or the end of the text comes instead. PARSE_BAD: no word;
 * the cursor then stands behind what surely begins none, so that asking on is linear. */
enum parse encoded_word_parse(struct cursor *c, struct encoded_word *out_word);

/** encoded_word_decode - append the bytes of the word. @bits is zero before the first word of a
 * chain in the same charset and encoding. -1: the buffer is full or memory ran out. */
int encoded_word_decode(const struct encoded_word *word, struct encoded_word_bits *bits,
                        struct buffer *out);

#endif
