/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-trouble.c - see mailchain-trouble.h. */
#include <config.h>
#include "mailchain-trouble.h"

#include <stdlib.h>
#include <string.h>

#define TROUBLE_DOUBLINGS 6u

struct mailchain_trouble {
    char *where;
    uint32_t failures;
    uint64_t again_ms;
};

static struct mailchain_trouble *trouble_find(const struct mailchain_troubles *troubles,
                                              const char *where)
{
    for (size_t i = 0; i < troubles->count; i++)
        if (strcmp(troubles->items[i].where, where) == 0)
            return &troubles->items[i];
    return NULL;
}

bool mailchain_trouble_rests(const struct mailchain_troubles *troubles, const char *where,
                             uint64_t now_ms)
{
    const struct mailchain_trouble *at = trouble_find(troubles, where);
    return at != NULL && now_ms < at->again_ms;
}

static struct mailchain_trouble *trouble_make(struct mailchain_troubles *troubles,
                                              const char *where)
{
    struct mailchain_trouble *items =
        realloc(troubles->items, (troubles->count + 1) * sizeof *items);
    char *own = strdup(where);
    if (items != NULL)
        troubles->items = items;
    if (items == NULL || own == NULL) {
        free(own);
        return NULL;
    }
    items[troubles->count] = (struct mailchain_trouble){.where = own};
    return &items[troubles->count++];
}

int mailchain_trouble_failed(struct mailchain_troubles *troubles, const char *where,
                             uint64_t now_ms, uint64_t poll_ms, uint64_t asked_ms)
{
    struct mailchain_trouble *at = trouble_find(troubles, where);
    if (at == NULL && (at = trouble_make(troubles, where)) == NULL)
        return -1;
    uint64_t rest_ms =
        poll_ms << (at->failures < TROUBLE_DOUBLINGS ? at->failures : TROUBLE_DOUBLINGS);
    at->failures++;
    rest_ms = rest_ms < MAILCHAIN_REST_MAX_MS ? rest_ms : MAILCHAIN_REST_MAX_MS;
    at->again_ms = now_ms + (rest_ms > asked_ms ? rest_ms : asked_ms);
    return 0;
}

void mailchain_trouble_over(struct mailchain_troubles *troubles, const char *where)
{
    struct mailchain_trouble *at = trouble_find(troubles, where);
    if (at == NULL)
        return;
    free(at->where);
    *at = troubles->items[--troubles->count];
}

void mailchain_troubles_done(struct mailchain_troubles *troubles)
{
    for (size_t i = 0; i < troubles->count; i++)
        free(troubles->items[i].where);
    free(troubles->items);
    *troubles = (struct mailchain_troubles){0};
}
