/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-charset.c - any bytes under any label become UTF-8 without NUL, the same however they are
 * cut; a buffer that fills up holds a beginning of it.
 *
 * The first byte of the input tells where the text is cut, its first line is the label ("":
 * none). */
#include <config.h>
#include "oracle.h"

#include <string.h>

#include "charset.h"

#define EXPANSION 6u /* bytes of UTF-8 that a byte of a charset may become */

struct reading {
    struct charset_decoder *decoder;
    struct buffer out;
};

static int read_piece(void *context, const uint8_t *bytes, size_t count)
{
    struct reading *r = context;
    return charset_decoder_feed(r->decoder, bytes, count, &r->out);
}

static void read_text(struct reading *r, const char *label, struct span text, size_t limit,
                      uint8_t cut)
{
    r->decoder = charset_decoder_new(label);
    MUST(r->decoder != NULL);
    buffer_init(&r->out, limit);
    MUST(oracle_feed(text.bytes, text.len, cut, read_piece, r) == 0);
    MUST(charset_decoder_finish(r->decoder, &r->out) == 0);
    oracle_bytes(buffer_text(&r->out), r->out.len, limit);
    oracle_line(charset_decoder_problem(r->decoder), CHARSET_PROBLEM_MAX - 1);
}

static void reading_done(struct reading *r)
{
    charset_decoder_free(r->decoder);
    buffer_done(&r->out);
}

static void check(const char *label, struct span text, uint8_t cut)
{
    struct reading whole, pieces, beginning;
    uint64_t before = oracle_work();
    read_text(&whole, label, text, text.len * EXPANSION + 16, 0);
    oracle_linear(before, text.len, 400);
    MUST(!buffer_is_full(&whole.out));
    read_text(&pieces, label, text, ORACLE_LOG_MAX, cut);
    oracle_same(&whole.out, &pieces.out);
    const char *a = charset_decoder_problem(whole.decoder);
    const char *b = charset_decoder_problem(pieces.decoder);
    MUST((a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0));
    read_text(&beginning, label, text, whole.out.len / 2, cut);
    MUST(memcmp(buffer_text(&whole.out), buffer_text(&beginning.out), beginning.out.len) == 0);
    reading_done(&whole);
    reading_done(&pieces);
    reading_done(&beginning);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char label[100];
    const uint8_t *line_end = size > 1 ? memchr(data + 1, '\n', size - 1) : NULL;
    size_t len = line_end != NULL ? (size_t)(line_end - data) - 1 : 0;
    if (line_end == NULL || len >= sizeof label)
        return 0;
    memcpy(label, data + 1, len);
    label[len] = '\0';
    struct span text = {line_end + 1, size - len - 2};
    check(len > 0 ? label : NULL, text, data[0] != 0 ? data[0] : 1);
    return 0;
}
