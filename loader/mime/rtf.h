/* SPDX-License-Identifier: Apache-2.0 */
/* rtf.h - RTF read as a stream into the HTML it was made from (MS-OXRTFEX), or else into plain
 * text.
 *
 * Outlook wraps the HTML of a message in RTF (\fromhtml1) and undoes that when it shows it; so do
 * we, byte by byte as specified. RTF that was never HTML becomes text: paragraphs, tabs, cells,
 * quotes and dashes; pictures, fields' instructions, styles and everything ignorable are left out.
 *
 * Output is UTF-8 without NUL: \uN (with its \ucN substitutes skipped, surrogates joined), \'xx and
 * 8-bit bytes by the code page of the font in use. One pass, no recursion, constant memory, linear
 * time; broken RTF is no error. Every split gives the same result. Not thread-safe. */
#ifndef MAILCHUTE_MIME_RTF_H
#define MAILCHUTE_MIME_RTF_H

#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "cleanup.h"

#define RTF_DEPTH_MAX 500u     /* groups whose state is kept; deeper ones share their parent's */
#define RTF_FONT_MAX 32767u    /* highest font number (\fN) */
#define RTF_WORD_MAX 32u       /* letters of a control word, RTF 1.9 */

enum rtf_kind { RTF_IS_TEXT, RTF_IS_HTML };

struct rtf_reader;

/** rtf_reader_new - a reader that appends to @out (borrowed until rtf_reader_finish()). A full
 * buffer is no failure: what fits is a beginning, buffer_is_full() tells. NULL only out of memory.
 */
struct rtf_reader *rtf_reader_new(struct buffer *out);
void rtf_reader_free(struct rtf_reader *r);
AUTO_DEFINE(rtf_reader, rtf_reader_free);

/** rtf_reader_feed - the next bytes. -1 out of memory. */
int rtf_reader_feed(struct rtf_reader *r, const uint8_t *bytes, size_t count);

/** rtf_reader_finish - no more will come; *out_kind tells what stands in the buffer. Once only. */
int rtf_reader_finish(struct rtf_reader *r, enum rtf_kind *out_kind);

#endif
