/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-uuencode.c - any bytes as a text with files in it: the same text and files however it is
 * cut, one file at a time, no more bytes than the lines can hold; a text without a file comes out
 * as it is.
 *
 * The first byte of the input tells where the rest is cut. */
#include <config.h>
#include "oracle.h"

#include <string.h>

#include "uuencode.h"

/* A data line whose spaces a mailer cut off is down to its length and its end, and holds up to 63
 * bytes all the same. */
#define LINE_EXPANDS (63u / 2u + 1u)

struct filtering {
    struct uuencode_filter *filter;
    struct buffer log, text;
    size_t files, bytes;
    bool inside;
};

static int on_text(void *context, const uint8_t *bytes, size_t count)
{
    struct filtering *f = context;
    MUST(!f->inside);
    oracle_log_bytes(&f->text, bytes, count);
    return 0;
}

static int on_begin(void *context, struct span name)
{
    struct filtering *f = context;
    MUST(!f->inside && name.len > 0 && name.len <= UUENCODE_LINE_MAX);
    f->inside = true;
    f->files++;
    oracle_log(&f->log, "begin at %zu ", f->text.len);
    oracle_log_bytes(&f->log, name.bytes, name.len);
    oracle_log(&f->log, "bytes ");
    return 0;
}

static int on_bytes(void *context, const uint8_t *bytes, size_t count)
{
    struct filtering *f = context;
    MUST(f->inside);
    f->bytes += count;
    oracle_log_bytes(&f->log, bytes, count);
    return 0;
}

static int on_end(void *context, bool whole)
{
    struct filtering *f = context;
    MUST(f->inside);
    f->inside = false;
    oracle_log(&f->log, "end %d", whole);
    return 0;
}

static int feed(void *context, const uint8_t *bytes, size_t count)
{
    struct filtering *f = context;
    return uuencode_filter_feed(f->filter, bytes, count);
}

static void filter(struct filtering *f, const uint8_t *data, size_t size, uint8_t cut)
{
    *f = (struct filtering){0};
    buffer_init(&f->log, ORACLE_LOG_MAX);
    buffer_init(&f->text, ORACLE_LOG_MAX);
    f->filter =
        uuencode_filter_new(&(struct uuencode_sink){on_text, on_begin, on_bytes, on_end, f});
    MUST(f->filter != NULL);
    MUST(oracle_feed(data, size, cut, feed, f) == 0);
    MUST(uuencode_filter_finish(f->filter) == 0);
    MUST(!f->inside && f->text.len <= size && f->bytes <= size * LINE_EXPANDS);
    uuencode_filter_free(f->filter);
}

static void filtering_done(struct filtering *f)
{
    buffer_done(&f->log);
    buffer_done(&f->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct filtering whole, pieces;
    if (size == 0)
        return 0;
    uint64_t before = oracle_work();
    filter(&whole, data + 1, size - 1, 0);
    oracle_linear(before, size, 200);
    filter(&pieces, data + 1, size - 1, data[0] != 0 ? data[0] : 1);
    oracle_same(&whole.log, &pieces.log);
    oracle_same(&whole.text, &pieces.text);
    if (whole.files == 0)
        MUST(whole.text.len == size - 1 &&
             memcmp(buffer_text(&whole.text), data + 1, size - 1) == 0);
    filtering_done(&whole);
    filtering_done(&pieces);
    return 0;
}
