/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rtf.c - any bytes as RTF, compressed or not: the same text of the same kind however they
 * are cut, UTF-8, no more unpacked than the format allows, work in proportion.
 *
 * The first byte of the input tells where the rest is cut, the second, when odd, that it is
 * packed. */
#include <config.h>
#include "oracle.h"

#include "rtf-lzfu.h"
#include "rtf.h"

#define UNPACKED_MAX (1u << 20)

struct reading {
    bool packed;
    struct rtf_lzfu lzfu;
    struct rtf_reader *reader;
    size_t unpacked;
    struct buffer out;
};

static int unpacked(void *context, const uint8_t *bytes, size_t count)
{
    struct reading *r = context;
    r->unpacked += count;
    return rtf_reader_feed(r->reader, bytes, count);
}

static int feed(void *context, const uint8_t *bytes, size_t count)
{
    struct reading *r = context;
    return r->packed ? rtf_lzfu_feed(&r->lzfu, bytes, count, unpacked, r)
                     : unpacked(r, bytes, count);
}

static enum rtf_kind read_rtf(struct reading *r, const uint8_t *data, size_t size, bool packed,
                              uint8_t cut)
{
    enum rtf_kind kind;
    *r = (struct reading){.packed = packed};
    rtf_lzfu_init(&r->lzfu, UNPACKED_MAX);
    buffer_init(&r->out, ORACLE_LOG_MAX);
    r->reader = rtf_reader_new(&r->out);
    MUST(r->reader != NULL);
    MUST(oracle_feed(data, size, cut, feed, r) == 0);
    MUST(rtf_reader_finish(r->reader, &kind) == 0);
    MUST(r->unpacked <= UNPACKED_MAX && r->unpacked <= size * 9);
    oracle_bytes(buffer_text(&r->out), r->out.len, r->unpacked * 6 + 16);
    rtf_reader_free(r->reader);
    return kind;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading whole, pieces;
    if (size < 2)
        return 0;
    bool packed = (data[1] & 1) != 0;
    uint64_t before = oracle_work();
    enum rtf_kind kind = read_rtf(&whole, data + 2, size - 2, packed, 0);
    oracle_linear(before, size, 4000);
    MUST(read_rtf(&pieces, data + 2, size - 2, packed, data[0] != 0 ? data[0] : 1) == kind);
    MUST(whole.lzfu.broken == pieces.lzfu.broken && whole.lzfu.cut == pieces.lzfu.cut);
    oracle_same(&whole.out, &pieces.out);
    buffer_done(&whole.out);
    buffer_done(&pieces.out);
    return 0;
}
