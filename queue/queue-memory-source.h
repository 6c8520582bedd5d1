/* SPDX-License-Identifier: Apache-2.0 */
/* queue-memory-source.h - the sources of a queue in memory, by name. Internal. See queue-backend.h
 * for what each function does. */
#ifndef MAILCHUTE_QUEUE_QUEUE_MEMORY_SOURCE_H
#define MAILCHUTE_QUEUE_QUEUE_MEMORY_SOURCE_H

#include "queue-id.h"
#include "queue-source.h"

struct queue_memory_sources {
    struct queue_source **items; /* by name */
    size_t count;
    uint64_t epoch;
};

int queue_memory_source_add(struct queue_memory_sources *sources,
                            const struct queue_source *source, bool *out_done, struct error *err);
int queue_memory_source_change(struct queue_memory_sources *sources,
                               const struct queue_source *source, bool *out_done,
                               struct error *err);
bool queue_memory_source_remove(struct queue_memory_sources *sources,
                                const uint8_t id[QUEUE_UUID_SIZE]);
int queue_memory_source_tell(struct queue_memory_sources *sources,
                             const struct queue_source_report *reports, size_t count,
                             struct error *err);
void queue_memory_sources_done(struct queue_memory_sources *sources);

#endif
