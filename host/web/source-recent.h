/* SPDX-License-Identifier: Apache-2.0 */
/* source-recent.h - what the newest entries of a source tell: how long mail took from its arrival
 * at the server to the queue, how large it is, which folders it came from. Pure.
 *
 * How long it took counts only for mail that arrived after the import: what was there before waited
 * for somebody to set the source up. The server tells whole seconds. */
#ifndef MAILCHUTE_HOST_WEB_SOURCE_RECENT_H
#define MAILCHUTE_HOST_WEB_SOURCE_RECENT_H

#include <jansson.h>

#include "cleanup.h"
#include "queue.h"

#define SOURCE_RECENT_MAX 1000u  /* entries that are looked at */
#define SOURCE_RECENT_FOLDERS 20u /* that are told of by name */

struct source_recent;

/** source_recent_new - @live_s: when the import ended, 0: not yet. NULL out of memory. */
struct source_recent *source_recent_new(int64_t live_s);
void source_recent_free(struct source_recent *recent); /* NULL is fine */
AUTO_DEFINE(source_recent, source_recent_free);

/** source_recent_add - one entry; false when that is enough. */
bool source_recent_add(struct source_recent *recent, const struct queue_entry *entry);

/** source_recent_json - {entries, latency: {count, median, p90, longest, spread: [{upTo, count}]},
 * sizes: [{upTo, count}], folders: [{name, count, bytes}]}; upTo null: all beyond. NULL out of
 * memory. */
json_t *source_recent_json(struct source_recent *recent);

/** source_recent_time - seconds since 1970 of "2026-03-01T12:00:00+02:00"; false when it is none.
 */
bool source_recent_time(const char *text, int64_t *out_unix_s);

#endif
