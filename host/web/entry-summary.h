/* SPDX-License-Identifier: Apache-2.0 */
/* entry-summary.h - an entry as it stands in a list, without its content. Pure. */
#ifndef MAILCHUTE_HOST_WEB_ENTRY_SUMMARY_H
#define MAILCHUTE_HOST_WEB_ENTRY_SUMMARY_H

#include <jansson.h>
#include <stdbool.h>

#include "queue.h"

/** entry_summary_json - NULL out of memory. */
json_t *entry_summary_json(const struct queue_entry *entry);

/** entry_summary_matches - @search (not "") is part of its subject, sender, error or id, ASCII case
 * ignored. */
bool entry_summary_matches(const struct queue_entry *entry, const char *search);

#endif
