/* SPDX-License-Identifier: Apache-2.0 */
/* queue-memory-named.c - policies of work queues, in memory. See queue-policy.h. */
#include <config.h>
#include "queue-memory-private.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

static struct memory_named *memory_named_find(const struct queue_memory *store, const char *name)
{
    struct memory_named *at = store->named;
    while (at != NULL && strcmp(at->named.name, name) != 0)
        at = at->next;
    return at;
}

/* Kept in the order of names. NULL only out of memory. */
static struct memory_named *memory_named_make(struct queue_memory *store, const char *name)
{
    struct memory_named **at = &store->named;
    while (*at != NULL && strcmp((*at)->named.name, name) < 0)
        at = &(*at)->next;
    if (*at != NULL && strcmp((*at)->named.name, name) == 0)
        return *at;
    struct memory_named *made = calloc(1, sizeof *made);
    if (made == NULL)
        return NULL;
    text_copy(made->named.name, sizeof made->named.name, name);
    made->next = *at;
    *at = made;
    return made;
}

bool memory_named_is_error_queue(const struct queue_memory *store, const char *name)
{
    for (const struct memory_named *at = store->named; at != NULL; at = at->next)
        if (strcmp(at->named.policy.error_queue, name) == 0)
            return true;
    return false;
}

bool memory_named_is_open(const struct queue_memory *store, const char *name, int64_t now_s)
{
    const struct memory_named *at = memory_named_find(store, name);
    return at == NULL || queue_window_is_open(&at->named.window, now_s);
}

bool memory_named_count(struct queue_memory *store, const char *name,
                        const struct queue_window *from, const struct queue_window *to)
{
    struct memory_named *at = memory_named_find(store, name);
    if (at == NULL || at->named.window.start_s != from->start_s ||
        at->named.window.open_s != from->open_s || at->named.window.taken != from->taken)
        return false;
    at->named.window = *to;
    return true;
}

void memory_named_skip(struct queue_memory *store, const struct queue_entry *entry)
{
    struct memory_named *at = memory_named_find(store, entry->queue);
    if (at != NULL && entry->state == QUEUE_DONE)
        at->named.skipped++;
}

int memory_named_get(void *store_, const char *name, struct queue_named *out_named,
                     struct error *err)
{
    const struct queue_memory *store = store_;
    (void)err;
    const struct memory_named *at = memory_named_find(store, name);
    if (at != NULL)
        *out_named = at->named;
    out_named->is_error_queue = memory_named_is_error_queue(store, name);
    return 0;
}

int memory_named_set(void *store_, const char *name, const struct queue_policy *policy,
                     struct error *err)
{
    struct queue_memory *store = store_;
    struct memory_named *at = memory_named_make(store, name);
    if (at == NULL ||
        (policy->error_queue[0] != '\0' && memory_named_make(store, policy->error_queue) == NULL))
        return error_oom(err, "configuring a work queue");
    at->named.policy = *policy; /* analyse: it is in the list of the store */
    at->named.window = (struct queue_window){0};
    return 0;
}

/* A queue is known by its entries as well. */
static int memory_named_gather(struct queue_memory *store)
{
    /* analyse: what is made is in the list of the store */
    for (size_t i = 0; i < store->committed; i++)
        if (memory_named_make(store, store->entries[i].entry->queue) == NULL)
            return -1;
    return 0;
}

int memory_named_each(void *store_, int (*each)(void *context, const struct queue_named *named),
                      void *context, struct error *err)
{
    struct queue_memory *store = store_;
    if (memory_named_gather(store) < 0)
        return error_oom(err, "reading the work queues");
    for (struct memory_named *at = store->named; at != NULL; at = at->next) {
        at->named.is_error_queue = memory_named_is_error_queue(store, at->named.name);
        if (each(context, &at->named) != 0)
            break;
    }
    return 0;
}

void memory_named_done(struct queue_memory *store)
{
    while (store->named != NULL) {
        struct memory_named *at = store->named;
        store->named = at->next;
        free(at);
    }
}
