/* SPDX-License-Identifier: Apache-2.0 */
/* rtf-output.c - see rtf-output.h. */
#include <config.h>
#include "rtf-output.h"

#include <string.h>

#include "codepage.h"
#include "text.h"

#define REPLACEMENT 0xFFFDu

void rtf_output_init(struct rtf_output *o, struct buffer *out)
{
    memset(o, 0, sizeof *o);
    o->out = out;
}

void rtf_output_done(struct rtf_output *o)
{
    charset_decoder_free(o->decoder);
    o->decoder = NULL;
}

/* What an append to the buffer came to: full is fine, out of memory is not. */
static int rtf_output_result(struct rtf_output *o, int result)
{
    if (buffer_is_full(o->out)) {
        o->full = true;
        return 0;
    }
    return result;
}

static int rtf_output_char(struct rtf_output *o, uint32_t character)
{
    return o->full ? 0 : rtf_output_result(o, text_utf8_append(o->out, character));
}

static int rtf_output_feed(struct rtf_output *o)
{
    size_t len = o->run_len;
    o->run_len = 0;
    if (o->full)
        return 0;
    return rtf_output_result(o, charset_decoder_feed(o->decoder, o->run, len, o->out));
}

static int rtf_output_end_run(struct rtf_output *o)
{
    if (o->decoder == NULL)
        return 0;
    int result = rtf_output_feed(o);
    if (result == 0 && !o->full)
        result = rtf_output_result(o, charset_decoder_finish(o->decoder, o->out));
    charset_decoder_free(o->decoder);
    o->decoder = NULL;
    return result;
}

static int rtf_output_end_pair(struct rtf_output *o)
{
    if (o->high == 0)
        return 0;
    o->high = 0;
    return rtf_output_char(o, REPLACEMENT);
}

static bool rtf_output_is_single_byte(uint32_t page)
{
    return (page >= 437 && page <= 874) || (page >= 1250 && page <= 1258) || page == 10000 ||
           page == 10007 || page == 1125 || page == 20866 || page == 21866 ||
           (page >= 28591 && page <= 28606);
}

/* The first character of valid UTF-8, where it is in the basic plane. */
static uint16_t rtf_output_first_char(const char *utf8, size_t len)
{
    const uint8_t *b = (const uint8_t *)utf8;
    switch (text_utf8_length(b, len)) {
    case 1:
        return b[0];
    case 2:
        return (uint16_t)((b[0] & 0x1F) << 6 | (b[1] & 0x3F));
    case 3:
        return (uint16_t)((b[0] & 0x0F) << 12 | (b[1] & 0x3F) << 6 | (b[2] & 0x3F));
    default:
        return REPLACEMENT;
    }
}

static int rtf_output_make_page(struct rtf_output_page *table, uint32_t page)
{
    char label[CODEPAGE_LABEL_MAX], problem[CHARSET_PROBLEM_MAX];
    codepage_label(page, label);
    table->page = page;
    for (unsigned i = 0; i < 128; i++) {
        uint8_t byte = (uint8_t)(0x80 + i);
        AUTO_DONE(buffer) utf8;
        buffer_init(&utf8, 16);
        if (charset_to_utf8(label, (struct span){&byte, 1}, &utf8, problem) < 0)
            return -1;
        table->chars[i] = rtf_output_first_char(buffer_text(&utf8), utf8.len);
    }
    return 0;
}

/* The table of a single-byte page; *out_table NULL: it has none. */
static int rtf_output_find_page(struct rtf_output *o, uint32_t page,
                                const struct rtf_output_page **out_table)
{
    *out_table = NULL;
    if (!rtf_output_is_single_byte(page))
        return 0;
    for (size_t i = 0; i < o->page_count; i++)
        if (o->pages[i].page == page) {
            *out_table = &o->pages[i];
            return 0;
        }
    if (o->page_count == RTF_OUTPUT_PAGES_MAX)
        return 0;
    if (rtf_output_make_page(&o->pages[o->page_count], page) < 0)
        return -1;
    *out_table = &o->pages[o->page_count++];
    return 0;
}

static int rtf_output_start_run(struct rtf_output *o, uint32_t page)
{
    char label[CODEPAGE_LABEL_MAX];
    codepage_label(page, label);
    o->decoder = charset_decoder_new(label);
    o->run_page = page;
    o->runs++;
    return o->decoder != NULL ? 0 : -1;
}

int rtf_output_byte(struct rtf_output *o, uint32_t page, uint8_t byte)
{
    if (byte == 0 || o->full)
        return 0;
    if (rtf_output_end_pair(o) < 0)
        return -1;
    if (o->decoder != NULL && byte >= 0x80 && page != o->run_page && rtf_output_end_run(o) < 0)
        return -1;
    if (o->decoder == NULL) {
        if (byte < 0x80)
            return rtf_output_char(o, byte);
        const struct rtf_output_page *table;
        if (rtf_output_find_page(o, page, &table) < 0)
            return -1;
        if (table != NULL)
            return rtf_output_char(o, table->chars[byte - 0x80]);
        if (o->runs == RTF_OUTPUT_RUNS_MAX)
            return rtf_output_char(o, REPLACEMENT);
        if (rtf_output_start_run(o, page) < 0)
            return -1;
    }
    o->run[o->run_len++] = byte;
    return o->run_len == RTF_OUTPUT_RUN ? rtf_output_feed(o) : 0;
}

int rtf_output_ascii(struct rtf_output *o, const uint8_t *bytes, size_t count)
{
    size_t room = o->out->limit - o->out->len;
    if (o->decoder == NULL && o->high == 0 && !o->full && count <= room)
        return buffer_append(o->out, bytes, count);
    for (size_t i = 0; i < count; i++)
        if (rtf_output_byte(o, CODEPAGE_DEFAULT, bytes[i]) < 0)
            return -1;
    return 0;
}

int rtf_output_text(struct rtf_output *o, const char *ascii)
{
    for (; *ascii != '\0'; ascii++)
        if (rtf_output_byte(o, CODEPAGE_DEFAULT, (uint8_t)*ascii) < 0)
            return -1;
    return 0;
}

int rtf_output_utf16(struct rtf_output *o, uint16_t unit)
{
    if (rtf_output_end_run(o) < 0)
        return -1;
    uint16_t high = o->high;
    if (unit >= 0xDC00 && unit <= 0xDFFF && high != 0) {
        o->high = 0;
        return rtf_output_char(o, 0x10000u + ((uint32_t)(high - 0xD800) << 10) + (unit - 0xDC00u));
    }
    if (rtf_output_end_pair(o) < 0)
        return -1;
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        o->high = unit;
        return 0;
    }
    return unit != 0 ? rtf_output_char(o, unit) : 0;
}

int rtf_output_flush(struct rtf_output *o)
{
    return rtf_output_end_run(o) < 0 ? -1 : rtf_output_end_pair(o);
}
