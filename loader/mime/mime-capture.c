/* SPDX-License-Identifier: Apache-2.0 */
/* mime-capture.c - the bytes of an attached message. See mime-capture.h. */
#include <config.h>
#include "mime-capture.h"

#include <string.h>

static int capture_send(struct mime_capture *c, const uint8_t *bytes, size_t count)
{
    return count > 0 ? c->handler->body(c->handler->context, c->part, bytes, count) : 0;
}

/* Bytes of the line end at the end: LF, CR LF, or a CR whose LF may follow. */
static size_t line_end_length(const uint8_t *bytes, size_t count)
{
    if (bytes[count - 1] == '\r')
        return 1;
    if (bytes[count - 1] != '\n')
        return 0;
    return count > 1 && bytes[count - 2] == '\r' ? 2 : 1;
}

void mime_capture_init(struct mime_capture *c, const struct mime_handler *handler,
                       struct mime_part *part)
{
    *c = (struct mime_capture){.handler = handler, .part = part};
}

int mime_capture_bytes(struct mime_capture *c, const uint8_t *bytes, size_t count)
{
    if (count > 0 && c->end_len == 1 && c->end[0] == '\r' && bytes[0] == '\n') {
        c->end[c->end_len++] = '\n'; /* it was cut in the middle */
        bytes++;
        count--;
    }
    if (count == 0)
        return 0;
    size_t keep = line_end_length(bytes, count);
    if (mime_capture_end(c) < 0 || capture_send(c, bytes, count - keep) < 0)
        return -1;
    memcpy(c->end, bytes + count - keep, keep);
    c->end_len = keep;
    return 0;
}

void mime_capture_drop_end(struct mime_capture *c)
{
    c->end_len = 0;
}

int mime_capture_end(struct mime_capture *c)
{
    size_t held = c->end_len;
    c->end_len = 0;
    return capture_send(c, c->end, held);
}
