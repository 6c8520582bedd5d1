/* SPDX-License-Identifier: Apache-2.0 */
/* queue-memory-append.c - the ledger of deliver, in memory. An entry's place is its index and one.
 */
#include <config.h>
#include "queue-memory-private.h"

#include <stdlib.h>
#include <string.h>

#include "queue-entry.h"

/* What one target has of the entries; those behind count have no row yet. */
struct memory_append {
    struct memory_append *next;
    char *target;
    struct queue_append *rows;
    size_t count;
};

static struct memory_append *memory_append_find(const struct queue_memory *store,
                                                const char *target)
{
    struct memory_append *at = store->appends;
    while (at != NULL && strcmp(at->target, target) != 0)
        at = at->next;
    return at;
}

int memory_append_open(void *store_, const char *target, uint64_t after,
                       struct queue_append *out_items, size_t capacity, size_t *out_count,
                       struct error *err)
{
    const struct queue_memory *store = store_;
    const struct memory_append *at = memory_append_find(store, target);
    size_t count = 0;
    (void)err;
    for (size_t i = (size_t)after; i < store->committed && count < capacity; i++) {
        struct queue_append row = {.step = QUEUE_APPEND_NONE};
        if (at != NULL && i < at->count)
            row = at->rows[i];
        if (row.step == QUEUE_APPEND_DONE)
            continue;
        row.place = i + 1;
        memcpy(row.id, store->entries[i].entry->id, sizeof row.id);
        out_items[count++] = row;
    }
    *out_count = count;
    return 0;
}

/* The target, with a row for each entry there is. NULL only out of memory. */
static struct memory_append *memory_append_get(struct queue_memory *store, const char *target)
{
    struct memory_append *at = memory_append_find(store, target);
    if (at == NULL) {
        at = calloc(1, sizeof *at);
        if (at == NULL || queue_text_copy(target, &at->target) < 0) {
            free(at);
            return NULL;
        }
        at->next = store->appends;
        store->appends = at;
    }
    if (at->count == store->committed)
        return at;
    struct queue_append *rows = realloc(at->rows, store->committed * sizeof *rows);
    if (rows == NULL)
        return NULL;
    memset(rows + at->count, 0, (store->committed - at->count) * sizeof *rows);
    at->rows = rows;
    at->count = store->committed;
    return at;
}

int memory_append_note(void *store_, const char *target, const struct queue_append *items,
                       size_t count, struct error *err)
{
    struct memory_append *at = memory_append_get(store_, target);
    if (at == NULL) /* analyse: a new one is in the list of the store */
        return error_oom(err, "noting a delivery");
    for (size_t i = 0; i < count; i++) {
        if (items[i].place > at->count)
            continue; /* no such entry */
        struct queue_append *row = &at->rows[items[i].place - 1];
        row->attempts += items[i].step == QUEUE_APPEND_REFUSED && row->attempts < UINT32_MAX;
        if (row->step != QUEUE_APPEND_DONE)
            row->step = items[i].step;
    }
    return 0;
}

int memory_append_adopt(void *store_, const char *from, const char *to, struct error *err)
{
    struct queue_memory *store = store_;
    struct memory_append *was = memory_append_find(store, from);
    if (was == NULL)
        return 0;
    struct memory_append *at = memory_append_get(store, to);
    if (at == NULL) /* analyse: a new one is in the list of the store */
        return error_oom(err, "noting a delivery");
    for (size_t i = 0; i < was->count; i++) {
        struct queue_append *row = &at->rows[i];
        if (was->rows[i].step > row->step)
            row->step = was->rows[i].step;
        if (was->rows[i].attempts > row->attempts)
            row->attempts = was->rows[i].attempts;
    }
    was->count = 0;
    return 0;
}

void memory_append_done(struct queue_memory *store)
{
    while (store->appends != NULL) {
        struct memory_append *at = store->appends;
        store->appends = at->next;
        free(at->target);
        free(at->rows);
        free(at);
    }
}
