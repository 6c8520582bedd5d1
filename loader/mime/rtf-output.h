/* SPDX-License-Identifier: Apache-2.0 */
/* rtf-output.h - what rtf.c writes through: bytes in some code page, and UTF-16, become UTF-8.
 *
 * Single-byte pages go through a table made once for each; bytes of the others are gathered into
 * runs for a charset decoder, so that a character may be spread over many control words. NUL is
 * dropped. Every function returns -1 only out of memory; a full buffer swallows the rest. */
#ifndef MAILCHUTE_MIME_RTF_OUTPUT_H
#define MAILCHUTE_MIME_RTF_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "charset.h"

#define RTF_OUTPUT_PAGES_MAX 24u /* single-byte pages with a table; RTF can name about 20 */
#define RTF_OUTPUT_RUN 256u      /* bytes gathered before the decoder gets them */
#define RTF_OUTPUT_RUNS_MAX 100000u /* each costs a decoder: later bytes become U+FFFD */

struct rtf_output_page {
    uint32_t page;
    uint16_t chars[128]; /* for the bytes 0x80..0xFF */
};

struct rtf_output {
    struct buffer *out; /* borrowed */
    bool full;          /* the buffer refused something: nothing more goes into it */
    uint16_t high;      /* the first half of a surrogate pair, 0: none waits */
    struct charset_decoder *decoder; /* of the run that is open, or NULL */
    uint32_t run_page;
    uint32_t runs; /* so far */
    size_t run_len;
    uint8_t run[RTF_OUTPUT_RUN];
    size_t page_count;
    struct rtf_output_page pages[RTF_OUTPUT_PAGES_MAX];
};

void rtf_output_init(struct rtf_output *o, struct buffer *out);
void rtf_output_done(struct rtf_output *o); /* what was not flushed is lost */

int rtf_output_byte(struct rtf_output *o, uint32_t page, uint8_t byte);
int rtf_output_text(struct rtf_output *o, const char *ascii);

/** rtf_output_ascii - many bytes of 0x01..0x7F at once. */
int rtf_output_ascii(struct rtf_output *o, const uint8_t *bytes, size_t count);
int rtf_output_utf16(struct rtf_output *o, uint16_t unit);

/** rtf_output_flush - everything that waits goes out, halves as U+FFFD. */
int rtf_output_flush(struct rtf_output *o);

#endif
