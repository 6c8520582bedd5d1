/* SPDX-License-Identifier: Apache-2.0 */
/* mail-flow.h - text/plain; format=flowed (RFC 3676) as its author wrote it.
 *
 * Such text was broken into lines on the way: a line that ends in a space goes on in the next one.
 * Paragraphs are put together again, the space before a line's first letter that was only there for
 * transport (space-stuffing) goes. Quoted lines ("> ") keep their line ends: a reader sees what was
 * quoted line by line. The line "-- " above a signature is never joined. */
#ifndef MAILCHUTE_MIME_MAIL_FLOW_H
#define MAILCHUTE_MIME_MAIL_FLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "text-walk.h"

enum mail_flow {
    MAIL_FLOW_NONE,  /* lines are lines */
    MAIL_FLOW_SPACE, /* format=flowed: the space at the end of a line is one of the text */
    MAIL_FLOW_DELSP, /* format=flowed; delsp=yes: it is not */
};

/** mail_flow_named - from the parameters of Content-Type; each may be NULL. */
enum mail_flow mail_flow_named(const char *format, const char *delsp);

/** mail_flow_join - join in place; lines end in LF. Returns the new length. Linear time. @walk: of
 * the text that these bytes are of, or NULL. */
size_t mail_flow_join(enum mail_flow flow, char *text, size_t len, struct text_walk *walk);

#endif
