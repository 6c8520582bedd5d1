/* SPDX-License-Identifier: Apache-2.0 */
/* source-json.h - a stored source as programs read it, from the command and over HTTP alike. Pure.
 *
 * Keys in this order: id, name, loader, connection, user, password (where it comes from, never
 * what it is), queue, interval, status, detail, status_message, status_since, next_try,
 * last_contact, last_success, last_message, counts {found, queued, bad, left}, import {started,
 * ended, cursor, rate, seconds_left}, created, version. Times are RFC 3339 in UTC, null where
 * there is none. */
#ifndef MAILCHUTE_HOST_SOURCE_JSON_H
#define MAILCHUTE_HOST_SOURCE_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "error.h"
#include "queue-source.h"

/** source_status_shown - the status as it is to be shown: what people ordered counts at once, what
 * was last told else. Borrowed. */
const char *source_status_shown(const struct queue_source *source);

/** source_detail_shown, source_message_shown - the same of what lies beneath. @served: a daemon
 * serves this queue; without one nothing is at work, whatever was told last. Borrowed, or NULL. */
const char *source_detail_shown(const struct queue_source *source, bool served);
const char *source_message_shown(const struct queue_source *source, bool served);

/** source_rate_shown - thousandths of messages a second of an import that is at work, 0 for all
 * others: what was measured before a pause or a crash is no promise. */
uint64_t source_rate_shown(const struct queue_source *source, bool served);

/** source_seconds_left - until an import at that rate, not 0, has picked up what is left. */
uint64_t source_seconds_left(const struct queue_source *source, uint64_t rate_milli);

/** source_json - *out_json is yours: json_decref(). */
int source_json(const struct queue_source *source, bool served, json_t **out_json,
                struct error *err);

#endif
