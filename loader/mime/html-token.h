/* SPDX-License-Identifier: Apache-2.0 */
/* html-token.h - HTML cut into text and tags, as browsers cut it, without a tree.
 *
 * Comments, declarations and the contents of script, style, title and their kin never come out.
 * Each byte is looked at a fixed number of times, whatever is left open. */
#ifndef MAILCHUTE_MIME_HTML_TOKEN_H
#define MAILCHUTE_MIME_HTML_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"
#include "cursor.h"
#include "text-walk.h"

#define HTML_NAME_MAX 16 /* bytes of a tag's name, NUL included; longer ones are cut */

struct html_token {
    struct span text;         /* text with its character references; empty for a tag */
    char name[HTML_NAME_MAX]; /* of a tag, lower case; "" for text */
    bool closes;              /* </name> */
    struct span attributes;   /* of a tag, as they stand */
    struct text_walk *walk;   /* as of the tokens */
};

struct html_tokens {
    struct cursor c;
    bool quotes_off; /* a quote in a tag was never closed: quotes mean nothing any more */
    bool tags_off;   /* no ">" is left: what follows is text */
    struct text_walk *walk; /* borrowed; NULL: all lies in memory */
};

/** html_tokens_over - at the start of these bytes, which are borrowed; @walk: of the text that they
 * are of, or NULL. */
struct html_tokens html_tokens_over(const char *html, size_t len, struct text_walk *walk);

/** html_next - the next token, false at the end. */
bool html_next(struct html_tokens *t, struct html_token *out_token);

/** html_attribute - the value of an attribute, undecoded; false if the tag does not have it. */
bool html_attribute(const struct html_token *tag, const char *name, struct span *out_value);

/** html_reference - the character reference at the cursor, which stands on "&", as UTF-8 (up to 8
 * bytes and NUL); the cursor moves past it. False if it is none: an ordinary "&". */
bool html_reference(struct cursor *c, char out[HTML_NAME_MAX]);

/** html_decode - append text with its character references undone. -1: full or out of memory. */
int html_decode(struct span text, struct buffer *out);

#endif
