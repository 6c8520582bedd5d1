/* SPDX-License-Identifier: Apache-2.0 */
/* mime-capture.h - the bytes of an attached message as they stand, while its parts are read.
 *
 * The line end before a boundary belongs to the boundary (RFC 2046 s.5.1.1), also where the message
 * before it ends in a boundary of its own, or in its header: so the last line end is held back
 * until it is known what follows. */
#ifndef MAILCHUTE_MIME_MIME_CAPTURE_H
#define MAILCHUTE_MIME_MIME_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "mime-parser.h"

struct mime_capture {
    const struct mime_handler *handler; /* borrowed */
    struct mime_part *part;             /* borrowed: the message */
    uint8_t end[2];                     /* the line end that is held back */
    size_t end_len;
};

void mime_capture_init(struct mime_capture *c, const struct mime_handler *handler,
                       struct mime_part *part);

/** mime_capture_bytes - the next bytes, line ends and all. -1: the handler said stop. */
int mime_capture_bytes(struct mime_capture *c, const uint8_t *bytes, size_t count);

/** mime_capture_drop_end - the line end that is held belongs to somebody else. */
void mime_capture_drop_end(struct mime_capture *c);

/** mime_capture_end - no more bytes: what is held is the message's. */
int mime_capture_end(struct mime_capture *c);

#endif
