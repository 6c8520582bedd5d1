/* SPDX-License-Identifier: Apache-2.0 */
/* html-frame.c - the HTML of a message for a frame. See html-frame.h. */
#include <config.h>
#include "html-frame.h"

#include <string.h>

#include "text.h"

static bool html_is_forbidden(const char *name)
{
    static const char *const names[] = {"base",   "embed", "fencedframe", "frame", "iframe",
                                        "link",   "meta",  "object",      "portal"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (text_starts_nocase(name, names[i]))
            return true;
    return false;
}

int html_frame_append(struct buffer *out, const char *html)
{
    for (const char *tag; (tag = strchr(html, '<')) != NULL; html = tag + 1) {
        if (buffer_append(out, html, (size_t)(tag + 1 - html)) < 0 ||
            (html_is_forbidden(tag + 1) && buffer_append_text(out, "x-") < 0))
            return -1;
    }
    return buffer_append_text(out, html);
}
