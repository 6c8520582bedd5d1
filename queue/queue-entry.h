/* SPDX-License-Identifier: Apache-2.0 */
/* queue-entry.h - copies of entries and origins, for back ends. Texts are NULL or end in NUL. */
#ifndef MAILCHUTE_QUEUE_QUEUE_ENTRY_H
#define MAILCHUTE_QUEUE_QUEUE_ENTRY_H

#include "queue.h"

/** queue_entry_copy - a deep copy, yours: queue_entry_free(). NULL only out of memory. */
struct queue_entry *queue_entry_copy(const struct queue_entry *entry);

/** queue_text_copy - strdup() that copies NULL as NULL; -1 only out of memory. */
int queue_text_copy(const char *text, char **out_copy);

/** queue_content_load - @count bytes of an item's content, which came as a file, from @at on, NUL
 * behind them. *out_bytes is yours, free(); where it is not NULL, there is room in it. */
int queue_content_load(const struct queue_item *item, uint64_t at, size_t count, char **out_bytes,
                       struct error *err);

#endif
