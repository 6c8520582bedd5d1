/* SPDX-License-Identifier: Apache-2.0 */
/* queue-id.h - entry ids: UUIDv5 (RFC 9562 s.5.5) in mailchute's own namespace, as 16 bytes and as
 * text. The one door to libuuid. Nothing allocates; any thread. */
#ifndef MAILCHUTE_QUEUE_QUEUE_ID_H
#define MAILCHUTE_QUEUE_QUEUE_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "queue.h"

#define QUEUE_UUID_SIZE 16u
#define QUEUE_ID_START_MIN 4u /* characters an id must at least be started with */

/* The ids that share a start, both ends included; first equals last for a whole id. */
struct queue_id_range {
    uint8_t first[QUEUE_UUID_SIZE], last[QUEUE_UUID_SIZE];
};

void queue_id_of_key(const char *key, uint8_t out_id[QUEUE_UUID_SIZE]);
void queue_id_random(uint8_t out_id[QUEUE_UUID_SIZE]); /* UUIDv4 */
void queue_id_text(const uint8_t id[QUEUE_UUID_SIZE], char out_text[QUEUE_ID_TEXT]);

/** queue_id_range_of - the ids that start with @start: hexadecimal digits in any case, dashes where
 * an id has them. -1 when it is none, or shorter than QUEUE_ID_START_MIN. */
int queue_id_range_of(const char *start, struct queue_id_range *out_range);

/** queue_id_in_range - whether it lies between both ends. */
bool queue_id_in_range(const uint8_t id[QUEUE_UUID_SIZE], const struct queue_id_range *range);

#endif
