/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-decode.c - any bytes in any transfer encoding: the same bytes come out however they are cut,
 * never more than went in, and what had to be repaired is the same.
 *
 * The first byte of the input tells the encoding, the second where the rest is cut. */
#include <config.h>
#include "oracle.h"

#include <stdlib.h>
#include <string.h>

#include "mime-decode.h"

struct decoding {
    struct mime_decoder decoder;
    struct buffer out;
};

static int decode_piece(void *context, const uint8_t *bytes, size_t count)
{
    struct decoding *d = context;
    uint8_t *room = malloc(count + MIME_DECODE_PENDING);
    MUST(room != NULL);
    size_t made = mime_decoder_feed(&d->decoder, bytes, count, room);
    MUST(made <= count + MIME_DECODE_PENDING);
    oracle_log_bytes(&d->out, room, made);
    free(room);
    return 0;
}

static void decode(struct decoding *d, const uint8_t *data, size_t size, uint8_t encoding,
                   uint8_t cut)
{
    uint8_t *room = malloc(MIME_DECODE_PENDING);
    MUST(room != NULL);
    buffer_init(&d->out, ORACLE_LOG_MAX);
    mime_decoder_init(&d->decoder, (enum mime_encoding)(encoding % 4));
    MUST(oracle_feed(data, size, cut, decode_piece, d) == 0);
    size_t made = mime_decoder_finish(&d->decoder, room);
    MUST(made <= MIME_DECODE_PENDING);
    oracle_log_bytes(&d->out, room, made);
    free(room);
    MUST(d->out.len <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct decoding whole, pieces;
    if (size < 2)
        return 0;
    uint64_t before = oracle_work();
    decode(&whole, data + 2, size - 2, data[0], 0);
    oracle_linear(before, size, 100);
    decode(&pieces, data + 2, size - 2, data[0], data[1] != 0 ? data[1] : 1);
    oracle_same(&whole.out, &pieces.out);
    MUST(mime_decoder_problem(&whole.decoder) == mime_decoder_problem(&pieces.decoder));
    if (data[0] % 4 == MIME_IDENTITY)
        MUST(whole.out.len == size - 2);
    buffer_done(&whole.out);
    buffer_done(&pieces.out);
    return 0;
}
