/* SPDX-License-Identifier: Apache-2.0 */
/* mime-parser.h - the structure of a message (RFC 2045, RFC 2046), pushed through as a stream.
 *
 * Feed bytes in pieces of any size; the handler hears of each part: begin with its header block,
 * the bytes of its body as they stand in the message (still encoded), end. Every split gives the
 * same calls, but for where a body is cut into pieces. Time is linear in the bytes, whatever the
 * boundaries; memory is one header block and 4 kB, whatever the message.
 *
 * No input is an error. How broken structure is read:
 * - A boundary of an outer part ends all parts within, closed or not; the innermost comes first.
 * - A header block ends at an empty line, at a boundary, or at a line that can be neither field nor
 *   fold; unless fields go on behind it: then it is left out. A parameter behind a ";" is a fold.
 * - "From " of an mbox file before the first field is left out, as is a byte order mark; and empty
 *   lines are, where a field that mail programs write follows.
 * - Raw 8-bit fields of a header block: see header-charset.h.
 * - A message all of whose lines end in a bare CR is read with LF in their place.
 * - multipart without a usable boundary, what is nested deeper than MAIL_DEPTH_MAX, and messages in
 *   a transfer encoding are leaves. Behind MAIL_PARTS_MAX parts all that is left is one leaf. */
#ifndef MAILCHUTE_MIME_MIME_PARSER_H
#define MAILCHUTE_MIME_MIME_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "cursor.h"
#include "header-value.h"
#include "mail.h"
#include "mime-decode.h"

#define MIME_BOUNDARY_MAX 2048u /* bytes of a boundary; RFC 2046 allows 70 */

enum mime_kind {
    MIME_LEAF,
    MIME_MULTIPART, /* its body bytes are the preamble; children follow */
    MIME_MESSAGE,   /* an attached message: one child. Its body bytes are all of the message */
};

struct mime_part {
    enum mime_kind kind;
    enum mime_encoding encoding; /* of its body; a multipart's children have their own */
    uint32_t number;             /* 1.. in the order of beginnings */
    uint32_t index;              /* 0.. among its siblings */
    uint32_t messages;           /* attached messages around it; 0: a part of this message itself */
    bool opaque;                 /* a leaf only because of a limit */
    bool unparted;               /* a multipart, but a leaf: it has no boundary */
    const char *charset_hint;    /* what 8-bit text without a label is likely in; static or NULL */
    struct mime_part *parent;    /* NULL for the message itself, number 1 */
    void *user;                  /* the handler's, NULL at first */

    /* Only while begin runs. */
    struct span header;                     /* see mime-header.h */
    const struct header_value *type;        /* Content-Type, or what stands for it: never "" */
    const struct header_value *disposition; /* Content-Disposition, value "" when missing */
};

/* Each returns 0, or -1 to stop: the parser's call then returns -1 and it can only be freed. The
 * part lives from begin to end. Bytes of a message's inner parts come twice: as their own, and as
 * the outermost message's. */
struct mime_handler {
    int (*begin)(void *context, struct mime_part *part);
    int (*body)(void *context, struct mime_part *part, const uint8_t *bytes, size_t count);
    int (*end)(void *context, struct mime_part *part);
    void *context;
};

struct mime_parser;

/** mime_parser_new - a parser for one message. Yours: mime_parser_free(). @handler is copied;
 * @problems is borrowed and gets what had to be repaired or was over a limit. */
struct mime_parser *mime_parser_new(const struct mime_handler *handler,
                                    struct mail_texts *problems);
void mime_parser_free(struct mime_parser *parser);
AUTO_DEFINE(mime_parser, mime_parser_free);

/** mime_parser_feed, mime_parser_finish - the next bytes; no more bytes. -1: out of memory, or the
 * handler said stop. */
int mime_parser_feed(struct mime_parser *parser, const uint8_t *bytes, size_t count);
int mime_parser_finish(struct mime_parser *parser);

#endif
