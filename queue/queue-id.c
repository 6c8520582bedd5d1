/* SPDX-License-Identifier: Apache-2.0 */
/* queue-id.c - entry ids. See queue-id.h. */
#include <config.h>
#include "queue-id.h"

#include <string.h>

#include <uuid/uuid.h>

_Static_assert(sizeof(uuid_t) == QUEUE_UUID_SIZE, "a UUID has 16 bytes");

/* 7b8598e2-eb78-41a3-88f8-1f7da017073d: drawn once at random, never to be changed, for it would
 * make new entries of mail that was picked up long ago. */
static const uint8_t queue_id_namespace[QUEUE_UUID_SIZE] = {
    0x7b, 0x85, 0x98, 0xe2, 0xeb, 0x78, 0x41, 0xa3, 0x88, 0xf8, 0x1f, 0x7d, 0xa0, 0x17, 0x07, 0x3d};

static int id_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool id_dash_at(size_t at)
{
    return at == 8 || at == 13 || at == 18 || at == 23;
}

void queue_id_of_key(const char *key, uint8_t out_id[QUEUE_UUID_SIZE])
{
    uuid_generate_sha1(out_id, queue_id_namespace, key, strlen(key));
}

void queue_id_text(const uint8_t id[QUEUE_UUID_SIZE], char out_text[QUEUE_ID_TEXT])
{
    uuid_unparse_lower(id, out_text);
}

int queue_id_range_of(const char *start, struct queue_id_range *out_range)
{
    struct queue_id_range range;
    memset(range.first, 0x00, sizeof range.first);
    memset(range.last, 0xFF, sizeof range.last);
    size_t at = 0, digits = 0;
    for (; start[at] != '\0'; at++) {
        if (at >= QUEUE_ID_TEXT - 1)
            return -1;
        if (id_dash_at(at) != (start[at] == '-'))
            return -1;
        if (start[at] == '-')
            continue;
        int digit = id_digit(start[at]);
        if (digit < 0)
            return -1;
        unsigned shift = digits % 2 == 0 ? 4 : 0;
        uint8_t keep = (uint8_t) ~(0xFu << shift), set = (uint8_t)((unsigned)digit << shift);
        range.first[digits / 2] = (uint8_t)((range.first[digits / 2] & keep) | set);
        range.last[digits / 2] = (uint8_t)((range.last[digits / 2] & keep) | set);
        digits++;
    }
    if (at < QUEUE_ID_START_MIN)
        return -1;
    *out_range = range;
    return 0;
}

bool queue_id_in_range(const uint8_t id[QUEUE_UUID_SIZE], const struct queue_id_range *range)
{
    return memcmp(id, range->first, QUEUE_UUID_SIZE) >= 0 &&
           memcmp(id, range->last, QUEUE_UUID_SIZE) <= 0;
}

void queue_id_random(uint8_t out_id[QUEUE_UUID_SIZE])
{
    uuid_generate_random(out_id);
}
