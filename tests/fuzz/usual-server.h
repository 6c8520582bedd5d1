/* SPDX-License-Identifier: Apache-2.0 */
/* usual-server.h - what a good IMAP server says, for fuzz targets: it has messages 5, 6 and 7. */
#ifndef MAILCHUTE_TESTS_USUAL_SERVER_H
#define MAILCHUTE_TESTS_USUAL_SERVER_H

#include <stdint.h>

#include "buffer.h"
#include "cursor.h"

struct usual_server {
    struct buffer *said; /* what it says is added */
    const char *capabilities;
    unsigned int there, deleted; /* bit n: message 5 + n */
};

/** usual_answer - it answers the command @text, which came with this tag. */
void usual_answer(struct usual_server *server, const char *tag, const char *text);

/** usual_set_number - the next UID of a set; aborts where there is none, or one of 0 or too much.
 */
uint64_t usual_set_number(struct cursor *c);

/** usual_last_quoted - the last quoted string of a command, with its quotes. */
struct span usual_last_quoted(const char *text);

#endif
