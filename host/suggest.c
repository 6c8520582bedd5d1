/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.c - the nearest of some names. See suggest.h. */
#include <config.h>
#include "suggest.h"

#include <stdint.h>
#include <string.h>

#include "text.h"

void suggest_start(struct suggest *suggest, const char *word)
{
    *suggest = (struct suggest){word, NULL, SIZE_MAX};
}

void suggest_offer(struct suggest *suggest, const char *name)
{
    size_t distance = text_distance(suggest->word, name);
    if (strlen(suggest->word) >= 2 && text_starts_nocase(name, suggest->word))
        distance = 0;
    if (distance < suggest->distance) {
        suggest->distance = distance;
        suggest->best = name;
    }
}

const char *suggest_best(const struct suggest *suggest)
{
    size_t allowed = strlen(suggest->word) / 3;
    return suggest->distance <= (allowed < 1 ? 1 : allowed) ? suggest->best : NULL;
}
