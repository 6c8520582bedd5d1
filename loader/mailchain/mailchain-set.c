/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-set.c - a set of texts. See mailchain-set.h. */
#include <config.h>
#include "mailchain-set.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

static int set_compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

int mailchain_set_add(void **set, const char *text)
{
    if (mailchain_set_has(set, text))
        return 0;
    char *own = strdup(text);
    /* analyse: no leak, the tree keeps it */
    if (own != NULL && tsearch(own, set, set_compare) != NULL)
        return 1;
    free(own);
    return -1;
}

bool mailchain_set_has(void *const *set, const char *text)
{
    return tfind(text, set, set_compare) != NULL;
}

void mailchain_set_remove(void **set, const char *text)
{
    void *node = tfind(text, set, set_compare);
    if (node == NULL)
        return;
    char *own = *(char **)node;
    (void)tdelete(text, set, set_compare);
    free(own);
}

void mailchain_set_clear(void **set)
{
    tdestroy(*set, free);
    *set = NULL;
}
