/* SPDX-License-Identifier: Apache-2.0 */
/* queue-memory-source.c - the sources of a queue in memory. See queue-memory-source.h. */
#include <config.h>
#include "queue-memory-source.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

static struct queue_source **memory_source_find(const struct queue_memory_sources *sources,
                                                const char *id)
{
    for (size_t i = 0; i < sources->count; i++)
        if (text_equal_nocase(sources->items[i]->id, id))
            return &sources->items[i];
    return NULL;
}

int queue_memory_source_add(struct queue_memory_sources *sources,
                            const struct queue_source *source, bool *out_done, struct error *err)
{
    size_t at = 0;
    while (at < sources->count && strcmp(sources->items[at]->name, source->name) < 0)
        at++;
    *out_done = (at == sources->count || strcmp(sources->items[at]->name, source->name) != 0) &&
                memory_source_find(sources, source->id) == NULL;
    if (!*out_done)
        return 0;
    AUTO(queue_source) copy = queue_source_copy(source);
    struct queue_source **items =
        reallocarray(sources->items, sources->count + 1, sizeof *items); /* analyse: pointers */
    if (items != NULL)
        sources->items = items;
    if (copy == NULL || items == NULL)
        return error_oom(err, "adding a source");
    /* analyse: pointers */
    memmove(items + at + 1, items + at, (sources->count - at) * sizeof *items);
    items[at] = TAKE(copy);
    sources->count++;
    sources->epoch++;
    return 0;
}

/* The settings of @source, with all that others wrote as it is. */
int queue_memory_source_change(struct queue_memory_sources *sources,
                               const struct queue_source *source, bool *out_done,
                               struct error *err)
{
    struct queue_source **at = memory_source_find(sources, source->id);
    *out_done = at != NULL && (*at)->version == source->version &&
                text_equal((*at)->name, source->name);
    if (!*out_done)
        return 0;
    struct queue_source both = *source;
    both.report = (*at)->report;
    both.created_s = (*at)->created_s;
    both.version++;
    struct queue_source *copy = queue_source_copy(&both);
    if (copy == NULL)
        return error_oom(err, "changing a source");
    queue_source_free(*at);
    *at = copy;
    sources->epoch++;
    return 0;
}

bool queue_memory_source_remove(struct queue_memory_sources *sources,
                                const uint8_t id[QUEUE_UUID_SIZE])
{
    char text[QUEUE_ID_TEXT];
    queue_id_text(id, text);
    struct queue_source **at = memory_source_find(sources, text);
    if (at == NULL)
        return false;
    queue_source_free(*at);
    size_t behind = sources->count - (size_t)(at - sources->items) - 1;
    memmove(at, at + 1, behind * sizeof *at); /* analyse: pointers */
    sources->count--;
    sources->epoch++;
    return true;
}

/* The copy of a source that bears the report has its texts copied with all the others. */
static int memory_source_tell_one(struct queue_source **at,
                                  const struct queue_source_report *report)
{
    struct queue_source both = **at;
    both.report = *report;
    struct queue_source *copy = queue_source_copy(&both);
    if (copy == NULL)
        return -1;
    queue_source_free(*at);
    *at = copy;
    return 0;
}

int queue_memory_source_tell(struct queue_memory_sources *sources,
                             const struct queue_source_report *reports, size_t count,
                             struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct queue_source **at = memory_source_find(sources, reports[i].id);
        if (at != NULL && memory_source_tell_one(at, &reports[i]) < 0)
            return error_oom(err, "keeping the report of a source");
    }
    return 0;
}

void queue_memory_sources_done(struct queue_memory_sources *sources)
{
    for (size_t i = 0; i < sources->count; i++)
        queue_source_free(sources->items[i]);
    free(sources->items);
}
