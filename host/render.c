/* SPDX-License-Identifier: Apache-2.0 */
/* render.c - an entry as a person reads it. See render.h. */
#include <config.h>
#include "render.h"

#include <string.h>

#include "amount.h"
#include "text.h"

#define RENDER_FIELD_MAX 4096u /* bytes of one field that are shown */

const char *render_text(const json_t *entry, const char *key)
{
    return json_string_value(json_object_get(entry, key));
}

static int render_field(struct buffer *out, const char *title, const char *text)
{
    if (text == NULL)
        return 0;
    return buffer_printf(out, "%-12s ", title) |
           text_append_printable(out, text, strlen(text), RENDER_FIELD_MAX) |
           buffer_append_byte(out, '\n');
}

/* "  1  report.pdf  application/pdf  12.3 kB" */
static int render_attachment(struct buffer *out, const json_t *one)
{
    const char *name = render_text(one, "filename"), *type = render_text(one, "content_type");
    int bad = buffer_printf(out, "%11lld  ",
                            (long long)json_integer_value(json_object_get(one, "ordinal")));
    bad |= text_append_printable(out, name == NULL ? "" : name, name == NULL ? 0 : strlen(name),
                                 RENDER_FIELD_MAX);
    bad |= buffer_append_text(out, "  ");
    bad |= text_append_printable(out, type == NULL ? "" : type, type == NULL ? 0 : strlen(type),
                                 RENDER_FIELD_MAX);
    bad |= buffer_append_text(out, "  ");
    bad |= amount_append_size(out, (uint64_t)json_integer_value(json_object_get(one, "size")));
    return bad | buffer_append_byte(out, '\n');
}

static int render_lists(struct buffer *out, const json_t *entry)
{
    int bad = 0;
    size_t i;
    json_t *one;
    json_array_foreach (json_object_get(entry, "attachments"), i, one) {
        if (i == 0)
            bad |= buffer_append_text(out, "Attachments:\n");
        bad |= render_attachment(out, one);
    }
    json_array_foreach (json_object_get(entry, "problems"), i, one)
        bad |= render_field(out, "Problem:", json_string_value(one));
    return bad;
}

/* Bytes up to a line end, a tab or the end; of a long run some @most, without dividing a character
 * or CR LF. */
static size_t render_run(const char *text, size_t most)
{
    size_t n = 0;
    while (n < most && text[n] != '\0' && text[n] != '\n' && text[n] != '\t')
        n++;
    if (n < most)
        return n;
    for (int i = 0; i < 3 && n > 1 && (text[n] & 0xC0) == 0x80; i++)
        n--;
    return n > 1 && text[n - 1] == '\r' ? n - 1 : n;
}

int render_append_text(struct buffer *out, const char **text, size_t most)
{
    int bad = 0;
    const char *at = *text, *start = at;
    while (*at != '\0' && (size_t)(at - start) < most) {
        size_t length = render_run(at, most);
        bool line_end = at[length] == '\n' && length > 0 && at[length - 1] == '\r';
        size_t shown = line_end ? length - 1 : length;
        bad |= text_append_printable(out, at, shown, shown);
        at += length;
        if (*at == '\n' || *at == '\t')
            bad |= buffer_append_byte(out, (uint8_t)*at++);
    }
    *text = at;
    return bad;
}

static int render_body(struct buffer *out, const char *body)
{
    int bad = buffer_append_byte(out, '\n');
    while (*body != '\0' && bad == 0)
        bad = render_append_text(out, &body, RENDER_PIECE);
    return bad | buffer_append_byte(out, '\n');
}

int render_append_entry(struct buffer *out, const json_t *entry)
{
    static const char *const fields[][2] = {
        {"file", "File:"},        {"id", "Id:"},         {"queue", "Queue:"},
        {"source", "Source:"},    {"state", "State:"},   {"error", "Error:"},
        {"created", "Created:"},  {"sender", "From:"},   {"recipient", "To:"},
        {"cc", "Cc:"},            {"bcc", "Bcc:"},       {"subject", "Subject:"},
        {"date_sent", "Date:"},   {"date_received", "Received:"},
        {"message_id", "Message-ID:"},
    };
    int bad = 0;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        bad |= render_field(out, fields[i][1], render_text(entry, fields[i][0]));
    bad |= render_lists(out, entry);
    const char *body = render_text(entry, "message_body");
    if (body != NULL)
        bad |= render_body(out, body);
    return bad;
}
