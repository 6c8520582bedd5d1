/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-set.h - a set of texts, over tsearch(3). An empty one is a NULL pointer. */
#ifndef MAILCHUTE_LOADER_MAILCHAIN_SET_H
#define MAILCHUTE_LOADER_MAILCHAIN_SET_H

#include <stdbool.h>

/** mailchain_set_add - 1: it is new. 0: it was there. -1: out of memory. */
int mailchain_set_add(void **set, const char *text);
bool mailchain_set_has(void *const *set, const char *text);
void mailchain_set_remove(void **set, const char *text); /* what is not there is fine */
void mailchain_set_clear(void **set);

#endif
