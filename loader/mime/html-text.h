/* SPDX-License-Identifier: Apache-2.0 */
/* html-text.h - HTML as a mail reader without a browser would show it.
 *
 * Links as "text <url>" (once where both say the same), "* " and "1. " before items of lists, a tab
 * between the cells of a row, "> " before lines of a quote, images as their alternative text,
 * preformatted text as it is, character references resolved; scripts, styles, titles and comments
 * left out. No tree is built and nothing recurses: one pass over tokens with a small stack of
 * lists. Time is linear; nothing is fetched. */
#ifndef MAILCHUTE_MIME_HTML_TEXT_H
#define MAILCHUTE_MIME_HTML_TEXT_H

#include <stddef.h>

#include "buffer.h"
#include "text-walk.h"

#define HTML_LISTS_MAX 16u  /* lists inside lists that are told apart; deeper ones look alike */
#define HTML_QUOTES_MAX 16u /* "> " in front of a line, at most */
#define HTML_BREAKS_MAX 3u  /* line ends in a row: two empty lines */
#define HTML_URL_MAX 2000u  /* bytes; a longer link is shown without its url */

/** html_to_text - append the text of @html (UTF-8, @len bytes) to @out, lines ended by LF, none at
 * the end. A full buffer is no failure: what fits is a beginning. -1 is out of memory. @walk: of
 * the text that the HTML is of, or NULL. */
int html_to_text(const char *html, size_t len, struct text_walk *walk, struct buffer *out);

#endif
