/* SPDX-License-Identifier: Apache-2.0 */
/* html-charset.h - the character set that an HTML document says of itself, for documents whose part
 * says nothing (HTML standard, "prescan a byte stream to determine its encoding"). */
#ifndef MAILCHUTE_MIME_HTML_CHARSET_H
#define MAILCHUTE_MIME_HTML_CHARSET_H

#include <stdbool.h>

#include "cursor.h"

#define HTML_CHARSET_HEAD 1024u /* bytes at the beginning that are looked at */
#define HTML_CHARSET_MAX 64u    /* bytes of a label, its NUL included */

/** html_charset - the label in a <meta charset=x> or <meta ... content="...; charset=x">, false if
 * there is none. Who can read this far has no UTF-16, whatever it says: that is told as utf-8. */
bool html_charset(struct span head, char out_label[HTML_CHARSET_MAX]);

#endif
