/* SPDX-License-Identifier: Apache-2.0 */
/* html-text.c - HTML as text. See html-text.h. */
#include <config.h>
#include "html-text.h"

#include "text.h"

int html_to_text(const char *html, size_t len, struct buffer *out)
{
    return text_append_fitting(out, html, len);
}
