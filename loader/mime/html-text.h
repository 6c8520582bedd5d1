/* SPDX-License-Identifier: Apache-2.0 */
/* html-text.h - HTML as a mail reader without a browser would show it.
 *
 * Links as "text <url>" (once where both say the same), lists with bullets and numbers, cells of a
 * table apart by a tab, quotes as "> ", preformatted text as it is, character references
 * resolved, scripts, styles, comments and the head left out. No tree is built and nothing recurses:
 * a tokeniser of its own, a small stack for lists and quotes. Time is linear; nothing is fetched. */
#ifndef MAILCHUTE_MIME_HTML_TEXT_H
#define MAILCHUTE_MIME_HTML_TEXT_H

#include <stddef.h>

#include "buffer.h"

/** html_to_text - append the text of @html (UTF-8, @len bytes) to @out, lines ended by LF. A full
 * buffer is no failure: what fits is a beginning. -1 is out of memory. */
int html_to_text(const char *html, size_t len, struct buffer *out);

#endif
