/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-imap-response.c - any bytes as what an IMAP server says: the same events and the same end
 * however they are cut, never more events than bytes, and reasons that are fit to print.
 *
 * The first byte of the input tells where the rest is cut ('a': behind every byte), its lowest bit
 * whether the first line may be the tail of one. */
#include <config.h>
#include "imap-response.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LOG_MAX (64u << 20)

struct heard {
    struct buffer log;
    size_t events;
    uint64_t body_size, body_left;
    bool in_body;
};

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void heard_span(struct heard *heard, struct span span)
{
    must(span.len == 0 || span.bytes != NULL);
    must(buffer_printf(&heard->log, " %zu:", span.len) == 0);
    must(span.len == 0 || buffer_append(&heard->log, span.bytes, span.len) == 0);
}

/* A body comes in order: announced, its bytes, its end; not one byte more or less. */
static void heard_body(struct heard *heard, const struct imap_event *event)
{
    if (event->kind == IMAP_EVENT_BODY) {
        must(!heard->in_body && event->size <= IMAP_LITERAL_MAX);
        heard->in_body = true;
        heard->body_left = event->size;
    } else if (event->kind == IMAP_EVENT_BODY_BYTES) {
        must(heard->in_body && event->text.len > 0 && event->text.len <= heard->body_left);
        heard->body_left -= event->text.len;
    } else if (event->kind == IMAP_EVENT_BODY_END) {
        must(heard->in_body && heard->body_left == 0);
        heard->in_body = false;
    } else {
        must(!heard->in_body);
    }
}

/* What COPYUID names is bounded by its text. */
static void heard_copyuid(struct heard *heard, struct span args)
{
    struct imap_copyuid copyuid;
    struct imap_copyuid_run run;
    size_t runs = 0;
    if (imap_copyuid_init(&copyuid, args) < 0)
        return;
    for (; imap_copyuid_next(&copyuid, &run); runs++) {
        must(runs <= args.len && run.count > 0 && run.from > 0 && run.to > 0);
        must(run.count - 1 <= UINT32_MAX - run.from && run.count - 1 <= UINT32_MAX - run.to);
        buffer_printf(&heard->log, " %u>%u*%u", run.from, run.to, run.count);
    }
}

static int heard_event(void *context, const struct imap_event *e, struct error *err)
{
    struct heard *heard = context;
    struct cursor tag = cursor_over(e->tag.bytes, e->tag.len);
    uint32_t number;
    (void)err;
    heard_body(heard, e);
    if (e->kind == IMAP_EVENT_BODY_BYTES) /* their pieces depend on the cut */
        return buffer_append(&heard->log, e->text.bytes, e->text.len);
    heard->events++;
    const struct imap_fetch *f = &e->fetch;
    must((f->has & IMAP_FETCH_UID) == 0 || f->uid != 0);
    must(e->kind != IMAP_EVENT_SEARCH || (e->range.first > 0 && e->range.first <= e->range.last));
    must(buffer_printf(&heard->log, "\n%d %d %d %u %u %u %u %d %d %llu %u:%u %x %u %x %d %llu %lld",
                       (int)e->kind, (int)e->status, (int)e->code, e->number, e->uidnext,
                       e->uidvalidity, e->list_flags, e->delimiter, (int)e->section,
                       (unsigned long long)e->size, e->range.first, e->range.last, f->has, f->uid,
                       f->flags, f->date_offset_min, (unsigned long long)f->size,
                       (long long)f->date_s) == 0);
    heard_span(heard, e->tag);
    heard_span(heard, e->args);
    heard_span(heard, e->text);
    if (e->code == IMAP_CODE_COPYUID)
        heard_copyuid(heard, e->args);
    (void)imap_capability_has(e->text, "IMAP4rev1");
    (void)imap_parse_tag_number(&tag, &number);
    return 0;
}

/* 1..64 bytes, another length each time. */
static size_t next_piece(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return 1 + (*state >> 24) % 64;
}

/* @cut: 0 not at all, 'a' behind every byte, else somewhere. */
static void hear(struct heard *heard, const uint8_t *data, size_t size, uint8_t cut, bool lenient)
{
    struct error err = {0};
    uint32_t state = cut;
    *heard = (struct heard){0};
    buffer_init(&heard->log, LOG_MAX);
    struct imap_parser *parser = imap_parser_new(heard_event, heard, lenient);
    must(parser != NULL);
    for (size_t at = 0; at < size;) {
        size_t piece = cut == 0 ? size : cut == 'a' ? 1 : next_piece(&state);
        piece = piece < size - at ? piece : size - at;
        uint8_t *exact = malloc(piece); /* one too far is seen */
        must(exact != NULL);
        memcpy(exact, data + at, piece);
        int r = imap_parser_feed(parser, exact, piece, &err);
        free(exact);
        if (r < 0) {
            must(err.class == ERROR_PROTOCOL && err.text[0] != '\0' &&
                 !text_has_control(err.text) && text_is_utf8(err.text, strlen(err.text)));
            buffer_printf(&heard->log, "\n%s", err.text);
            break;
        }
        at += piece;
    }
    imap_parser_free(parser);
    must(heard->events <= 2 * size + 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heard whole, pieces;
    if (size == 0)
        return 0;
    bool lenient = (data[0] & 1) != 0;
    hear(&whole, data + 1, size - 1, 0, lenient);
    hear(&pieces, data + 1, size - 1, data[0] != 0 ? data[0] : 1, lenient);
    must(whole.log.len == pieces.log.len && whole.events == pieces.events &&
         memcmp(buffer_text(&whole.log), buffer_text(&pieces.log), whole.log.len) == 0);
    buffer_done(&whole.log);
    buffer_done(&pieces.log);
    return 0;
}
