/* SPDX-License-Identifier: Apache-2.0 */
/* tnef-body.c - see tnef-body.h. */
#include <config.h>
#include "tnef-body.h"

#include <stdlib.h>
#include <string.h>

#include "charset.h"
#include "codepage.h"
#include "mail.h"

void tnef_body_init(struct tnef_body *b, size_t limit, const char *dir, size_t *rtf_left)
{
    memset(b, 0, sizeof *b);
    b->dir = dir;
    b->limit = limit;
    b->rtf_left = rtf_left;
    for (int i = 0; i < TNEF_PARTS; i++) {
        buffer_init(&b->bytes[i], limit);
        buffer_file(&b->bytes[i], dir, MAIL_TEXT_MEMORY_MAX);
    }
}

void tnef_body_done(struct tnef_body *b)
{
    for (int i = 0; i < TNEF_PARTS; i++)
        buffer_done(&b->bytes[i]);
    free(b->lzfu);
    b->lzfu = NULL;
    rtf_reader_free(b->rtf);
    b->rtf = NULL;
}

int tnef_body_start(struct tnef_body *b, enum tnef_part part, bool unicode, bool *out_wanted)
{
    *out_wanted = !b->seen[part];
    if (b->seen[part])
        return 0;
    b->seen[part] = true;
    b->unicode[part] = unicode;
    if (part != TNEF_RTF)
        return 0;
    b->lzfu = malloc(sizeof *b->lzfu);
    b->rtf = rtf_reader_new(&b->bytes[TNEF_RTF]);
    if (b->lzfu == NULL || b->rtf == NULL)
        return -1;
    size_t most = b->limit * TNEF_RTF_FACTOR;
    rtf_lzfu_init(b->lzfu, most < *b->rtf_left ? most : *b->rtf_left);
    return 0;
}

static int tnef_body_take_rtf(void *context, const uint8_t *bytes, size_t count)
{
    return rtf_reader_feed(context, bytes, count);
}

int tnef_body_bytes(struct tnef_body *b, enum tnef_part part, const uint8_t *bytes, size_t count)
{
    if (part == TNEF_RTF)
        return rtf_lzfu_feed(b->lzfu, bytes, count, tnef_body_take_rtf, b->rtf);
    struct buffer *kept = &b->bytes[part];
    size_t room = kept->limit - kept->len;
    if (count > room) {
        b->cut = true;
        count = room;
    }
    return buffer_append(kept, bytes, count);
}

int tnef_body_end(struct tnef_body *b, enum tnef_part part)
{
    if (part != TNEF_RTF)
        return 0;
    int result = rtf_reader_finish(b->rtf, &b->rtf_kind);
    b->bad_rtf = b->lzfu->broken;
    *b->rtf_left -= b->lzfu->made;
    b->cut |= b->lzfu->cut || buffer_is_full(&b->bytes[TNEF_RTF]);
    free(b->lzfu);
    b->lzfu = NULL;
    rtf_reader_free(b->rtf);
    b->rtf = NULL;
    return result;
}

/* All of @from, a window after the other. */
static int tnef_body_decode(struct charset_decoder *decoder, struct buffer *from,
                            struct buffer *out)
{
    struct span piece = {0};
    while (text_walk_next(from, &piece))
        if (charset_decoder_feed(decoder, piece.bytes, piece.len, out) < 0)
            return -1;
    return charset_decoder_finish(decoder, out);
}

static int tnef_body_hand_over(struct buffer *b, struct tnef_text *out)
{
    out->text = text_walk_take(b, &out->size, &out->file);
    return out->text != NULL ? 0 : -1;
}

/* A part as UTF-8, nothing where there is nothing in it; the part is given up. */
static int tnef_body_take(struct tnef_body *b, enum tnef_part part, uint32_t page,
                          struct tnef_text *out)
{
    struct buffer *kept = &b->bytes[part];
    if (kept->len == 0)
        return 0;
    char label[CODEPAGE_LABEL_MAX];
    codepage_label(b->unicode[part] ? 1200 : page, label);
    bool guess = page == 0 && !b->unicode[part];
    AUTO_DONE(buffer) utf8;
    buffer_init(&utf8, b->limit);
    buffer_file(&utf8, b->dir, MAIL_TEXT_MEMORY_MAX);
    AUTO(charset_decoder) decoder = charset_decoder_new(guess ? NULL : label);
    if (decoder == NULL || tnef_body_decode(decoder, kept, &utf8) < 0)
        return -1;
    b->cut |= buffer_is_full(&utf8);
    buffer_done(kept);
    return utf8.len == 0 ? 0 : tnef_body_hand_over(&utf8, out);
}

/* What the RTF became, where it is of this kind. */
static int tnef_body_take_rtf_text(struct tnef_body *b, enum rtf_kind kind, struct tnef_text *out)
{
    if (b->rtf_kind != kind || b->bytes[TNEF_RTF].len == 0)
        return 0;
    return tnef_body_hand_over(&b->bytes[TNEF_RTF], out);
}

int tnef_body_finish(struct tnef_body *b, uint32_t text_page, uint32_t html_page,
                     struct tnef_text *out_text, struct tnef_text *out_html)
{
    struct tnef_text text = {.text = NULL}, html = {.text = NULL};
    if (tnef_body_take(b, TNEF_TEXT, text_page, &text) < 0 ||
        (text.text == NULL && tnef_body_take(b, TNEF_OLD_TEXT, text_page, &text) < 0) ||
        (text.text == NULL && tnef_body_take_rtf_text(b, RTF_IS_TEXT, &text) < 0) ||
        tnef_body_take(b, TNEF_HTML, html_page, &html) < 0 ||
        (html.text == NULL && tnef_body_take_rtf_text(b, RTF_IS_HTML, &html) < 0)) {
        text_walk_free(text.text, text.file);
        text_walk_free(html.text, html.file);
        return -1;
    }
    *out_text = text;
    *out_html = html;
    return 0;
}
