/* SPDX-License-Identifier: Apache-2.0 */
/* header-id.c - message ids. See header-id.h. */
#include <config.h>
#include "header-id.h"

#include <stdbool.h>
#include <stdlib.h>

#include "buffer.h"
#include "cleanup.h"
#include "header-text.h"
#include "problem.h"
#include "text.h"

/* Add the id at the span: without white space in it, as UTF-8. */
static int id_add(struct span raw, struct mail_texts *out)
{
    AUTO_DONE(buffer) text;
    AUTO_DONE(buffer) id;
    buffer_init(&text, SIZE_MAX);
    buffer_init(&id, SIZE_MAX);
    if (header_decode_text(raw, &text, NULL) < 0)
        return -1;
    for (size_t i = 0; i < text.len; i++)
        if (!text_is_space(text.data[i]) && text.data[i] != '<' && text.data[i] != '>' &&
            buffer_append_byte(&id, (uint8_t)text.data[i]) < 0)
            return -1;
    return id.len > 0 ? mail_texts_add(out, buffer_text(&id)) : 0;
}

/* The bytes up to one that @stop accepts, or the end. */
static struct span id_until(struct cursor *c, bool (*stop)(int byte))
{
    size_t from = c->pos;
    while (c->pos < c->len && !stop(c->bytes[c->pos]))
        c->pos++;
    return (struct span){c->bytes + from, c->pos - from};
}

static bool id_ends(int byte)
{
    return byte == '>' || byte == '<';
}

static bool word_ends(int byte)
{
    return text_is_space((char)byte) || byte == '<' || byte == '>' || byte == ',' || byte == ';';
}

static bool span_has(struct span s, uint8_t byte)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.bytes[i] == byte)
            return true;
    return false;
}

/* Ids in brackets; @bare: words with an "@" outside of them instead. */
static int id_scan(struct cursor c, bool bare, struct mail_texts *out, size_t max)
{
    while (c.pos < c.len && out->count < max) {
        bool bracket = cursor_peek(&c) == '<';
        struct span id;
        if (bracket) {
            c.pos++;
            id = id_until(&c, id_ends);
        } else if (word_ends(cursor_peek(&c))) {
            c.pos++;
            continue;
        } else {
            id = id_until(&c, word_ends);
        }
        if ((bare ? span_has(id, '@') : bracket) && id_add(id, out) < 0)
            return -1;
    }
    return 0;
}

int header_parse_ids(struct span value, struct mail_texts *out, size_t max)
{
    size_t before = out->count;
    struct cursor c = cursor_over(value.bytes, value.len);
    if (id_scan(c, false, out, max) < 0)
        return -1;
    if (out->count == before && id_scan(c, true, out, max) < 0)
        return -1;
    if (out->count == before && out->count < max) /* no id as such: what is there is its name */
        return id_add(value, out);
    return 0;
}
