/* SPDX-License-Identifier: Apache-2.0 */
/* html-charset.c - see html-charset.h. */
#include <config.h>
#include "html-charset.h"

#include <string.h>

#include "text.h"

static bool is_label_byte(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c > 0 && strchr("-_.:", c) != NULL);
}

static void skip_blank(struct cursor *c)
{
    while (cursor_peek(c) >= 0 && (text_is_space((char)cursor_peek(c)) || cursor_peek(c) == '\f'))
        c->pos++;
}

/* What stands behind "charset" in a tag: "=" and a label, with or without quotes. */
static bool read_label(struct cursor *c, char out_label[HTML_CHARSET_MAX])
{
    char label[HTML_CHARSET_MAX];
    size_t len = 0;
    skip_blank(c);
    if (cursor_byte(c, '=') != PARSE_OK)
        return false;
    skip_blank(c);
    if (cursor_peek(c) == '"' || cursor_peek(c) == '\'')
        c->pos++;
    skip_blank(c);
    while (is_label_byte(cursor_peek(c)) && len + 1 < sizeof label)
        label[len++] = (char)cursor_next(c);
    label[len] = '\0';
    if (len == 0)
        return false;
    bool wide = text_starts_nocase(label, "utf-16") || text_starts_nocase(label, "utf-32");
    text_copy(out_label, HTML_CHARSET_MAX, wide ? "utf-8" : label);
    return true;
}

/* One tag, from behind "<meta" to before ">". */
static bool meta_charset(struct cursor tag, char out_label[HTML_CHARSET_MAX])
{
    while (cursor_left(&tag) > 0) {
        if (cursor_text_nocase(&tag, "charset") == PARSE_OK) {
            struct cursor behind = tag;
            if (read_label(&behind, out_label))
                return true;
        } else {
            tag.pos++;
        }
    }
    return false;
}

bool html_charset(struct span head, char out_label[HTML_CHARSET_MAX])
{
    struct cursor c = cursor_over(head.bytes, head.len);
    for (;;) {
        const uint8_t *open =
            cursor_left(&c) > 0 ? memchr(c.bytes + c.pos, '<', cursor_left(&c)) : NULL;
        if (open == NULL)
            return false;
        c.pos = (size_t)(open - c.bytes);
        if (cursor_text_nocase(&c, "<meta") != PARSE_OK) {
            c.pos++;
            continue;
        }
        const uint8_t *close =
            cursor_left(&c) > 0 ? memchr(c.bytes + c.pos, '>', cursor_left(&c)) : NULL;
        size_t end = close != NULL ? (size_t)(close - c.bytes) : c.len;
        if (meta_charset(cursor_over(c.bytes + c.pos, end - c.pos), out_label))
            return true;
        c.pos = end;
    }
}
