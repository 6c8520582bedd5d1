/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-structure.c - any bytes as a message for mime-parser.h: the same parts with the same bytes
 * however it is cut; parts end in the reverse order of their beginnings; limits hold; a part never
 * has more bytes than the message; work is in proportion.
 *
 * The first byte of the input tells where the rest is cut. */
#include <config.h>
#include "oracle.h"

#include <stdlib.h>
#include <string.h>

#include "mime-parser.h"
#include "problem.h"

struct telling {
    struct mime_parser *parser;
    struct mail_texts problems;
    struct buffer log;
    size_t size, depth;
    uint32_t parts;
    struct mime_part *open[MAIL_DEPTH_MAX + 1];
};

/* What came of a part's body. */
struct body {
    size_t bytes;
    uint64_t hash; /* FNV-1a */
};

static int on_begin(void *context, struct mime_part *part)
{
    struct telling *t = context;
    MUST(t->depth <= MAIL_DEPTH_MAX);
    MUST(part->parent == (t->depth > 0 ? t->open[t->depth - 1] : NULL));
    MUST(part->number == ++t->parts && t->parts <= MAIL_PARTS_MAX + 1);
    MUST(part->header.len <= MAIL_HEADER_BLOCK_MAX && part->type->value[0] != '\0');
    t->open[t->depth++] = part;
    oracle_log(&t->log, "begin %u %u %u kind %d encoding %d%s%s %s %s", part->number, part->index,
               part->messages, (int)part->kind, (int)part->encoding, part->opaque ? " opaque" : "",
               part->unparted ? " unparted" : "", part->type->value, part->disposition->value);
    oracle_log_bytes(&t->log, part->header.bytes, part->header.len);
    struct body *body = calloc(1, sizeof *body);
    MUST(body != NULL);
    part->user = body;
    return 0;
}

static int on_body(void *context, struct mime_part *part, const uint8_t *bytes, size_t count)
{
    struct telling *t = context;
    struct body *body = part->user;
    MUST(body != NULL && count > 0); /* analyse: it does not return */
    body->bytes += count;
    for (size_t i = 0; i < count; i++)
        body->hash = (body->hash ^ bytes[i]) * 1099511628211u;
    MUST(body->bytes <= t->size);
    return 0;
}

static int on_end(void *context, struct mime_part *part)
{
    struct telling *t = context;
    struct body *body = part->user;
    MUST(t->depth > 0 && t->open[t->depth - 1] == part && body != NULL);
    t->depth--;
    oracle_log(&t->log, "end %u: %zu bytes, %ju", part->number, body->bytes, (uintmax_t)body->hash);
    free(body);
    part->user = NULL;
    return 0;
}

static int feed(void *context, const uint8_t *bytes, size_t count)
{
    struct telling *t = context;
    return mime_parser_feed(t->parser, bytes, count);
}

static void tell(struct telling *t, const uint8_t *data, size_t size, uint8_t cut)
{
    *t = (struct telling){.size = size};
    buffer_init(&t->log, ORACLE_LOG_MAX);
    t->parser = mime_parser_new(&(struct mime_handler){on_begin, on_body, on_end, t}, &t->problems);
    MUST(t->parser != NULL);
    MUST(oracle_feed(data, size, cut, feed, t) == 0);
    MUST(mime_parser_finish(t->parser) == 0);
    MUST(t->depth == 0 && t->parts > 0);
    mime_parser_free(t->parser);
    oracle_problems(&t->problems);
    oracle_log_texts(&t->log, &t->problems);
    mail_texts_done(&t->problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct telling whole, pieces;
    if (size == 0)
        return 0;
    uint64_t before = oracle_work();
    tell(&whole, data + 1, size - 1, 0);
    oracle_linear(before, size, 2000);
    tell(&pieces, data + 1, size - 1, data[0] != 0 ? data[0] : 1);
    oracle_same(&whole.log, &pieces.log);
    buffer_done(&whole.log);
    buffer_done(&pieces.log);
    return 0;
}
