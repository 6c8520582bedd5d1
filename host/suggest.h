/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.h - the nearest of some names to a word that was mistyped.
 *
 *     suggest_start(&s, word);  for each name: suggest_offer(&s, name);  suggest_best(&s)
 *
 * Near is: the word is the start of the name (from two letters on), or a third of its letters are
 * wrong at most. Pure; word and names are borrowed. */
#ifndef MAILCHUTE_HOST_SUGGEST_H
#define MAILCHUTE_HOST_SUGGEST_H

#include <stddef.h>

struct suggest {
    const char *word, *best;
    size_t distance; /* of best */
};

void suggest_start(struct suggest *suggest, const char *word);
void suggest_offer(struct suggest *suggest, const char *name);
const char *suggest_best(const struct suggest *suggest); /* NULL: none is near */

#endif
