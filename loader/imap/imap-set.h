/* SPDX-License-Identifier: Apache-2.0 */
/* imap-set.h - sets of UIDs, kept as ranges (RFC 9051 s.9, sequence-set), never expanded.
 *
 * A million messages in a row cost eight bytes, a million scattered ones eight megabytes, more
 * ranges than IMAP_SET_RANGES_MAX are refused. Adding in ascending order is constant time;
 * otherwise the set is put in order when it is next asked or full, so that a server that answers
 * SEARCH backwards costs a sort, not a square; it is refused what follows where that sort joins
 * less than an eighth. Not thread-safe. */
#ifndef MAILCHUTE_LOADER_IMAP_SET_H
#define MAILCHUTE_LOADER_IMAP_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAP_SET_RANGES_MAX 1000000u

struct imap_range {
    uint32_t first, last; /* first <= last, first >= 1 */
};

struct imap_set {
    struct imap_range *ranges;
    size_t count, capacity;
    bool unsorted;
};

void imap_set_init(struct imap_set *set);
void imap_set_done(struct imap_set *set);
void imap_set_clear(struct imap_set *set); /* keeps the memory */

/** imap_set_add - add first..last. -1: full or out of memory, the set is as before. */
int imap_set_add(struct imap_set *set, uint32_t first, uint32_t last);

/** imap_set_is_full - what imap_set_add() refused it did for that, not for want of memory. */
bool imap_set_is_full(const struct imap_set *set);

bool imap_set_has(struct imap_set *set, uint32_t uid);

/** imap_set_size - how many UIDs are in it. */
uint64_t imap_set_size(struct imap_set *set);

/** imap_set_sort - ascending, nothing twice, neighbours joined. Called by the others as needed;
 * call it before looking at ranges. */
void imap_set_sort(struct imap_set *set);

/** imap_set_subtract - take out of @set what is in @other. -1: out of memory or full. */
int imap_set_subtract(struct imap_set *set, struct imap_set *other);

/** imap_set_take - move the @max lowest UIDs from @set to the end of @out, which should be
 * empty. */
int imap_set_take(struct imap_set *set, uint64_t max, struct imap_set *out);

#endif
