/* SPDX-License-Identifier: Apache-2.0 */
/* header-comment.c - see header-comment.h. */
#include <config.h>
#include "header-comment.h"

size_t header_comment_length(const struct cursor *c)
{
    size_t depth = 0;
    for (size_t at = c->pos; at < c->len; at++) {
        uint8_t byte = c->bytes[at];
        if (byte == '\\')
            at++;
        else if (byte == '(')
            depth++;
        else if (byte == ')' && --depth == 0)
            return at + 1 - c->pos;
    }
    return 0;
}
