/* SPDX-License-Identifier: Apache-2.0 */
/* imap-set.c - sets of UIDs as ranges. See imap-set.h. */
#include <config.h>
#include "imap-set.h"

#include <stdlib.h>
#include <string.h>

#define IMAP_SET_FIRST 16 /* ranges of the first allocation */
/* A sort of a full set must make room for so many, or the next ones would cost a sort each. */
#define IMAP_SET_ROOM (IMAP_SET_RANGES_MAX / 8)

void imap_set_init(struct imap_set *set)
{
    *set = (struct imap_set){0};
}

void imap_set_done(struct imap_set *set)
{
    free(set->ranges);
    *set = (struct imap_set){0};
}

void imap_set_clear(struct imap_set *set)
{
    set->count = 0;
    set->unsorted = false;
}

static int imap_range_compare(const void *a, const void *b)
{
    const struct imap_range *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

void imap_set_sort(struct imap_set *set)
{
    if (!set->unsorted)
        return;
    /* analyse: not NULL: it takes two ranges to be unsorted */
    qsort(set->ranges, set->count, sizeof *set->ranges, imap_range_compare);
    size_t kept = 0;
    for (size_t i = 1; i < set->count; i++) {
        struct imap_range *last = &set->ranges[kept], next = set->ranges[i];
        if (last->last == UINT32_MAX || next.first <= last->last + 1)
            last->last = next.last > last->last ? next.last : last->last;
        else
            set->ranges[++kept] = next;
    }
    set->count = set->count > 0 ? kept + 1 : 0;
    set->unsorted = false;
}

/* Once it had to be put in order; what has so many ranges has the room of all before that. */
bool imap_set_is_full(const struct imap_set *set)
{
    return set->capacity >= IMAP_SET_RANGES_MAX &&
           set->count > IMAP_SET_RANGES_MAX - IMAP_SET_ROOM;
}

static int imap_set_grow(struct imap_set *set)
{
    if (set->count < set->capacity)
        return 0;
    if (set->count >= IMAP_SET_RANGES_MAX) {
        imap_set_sort(set);
        if (imap_set_is_full(set))
            return -1;
    }
    if (set->count < set->capacity)
        return 0;
    size_t capacity = set->capacity > 0 ? set->capacity * 2 : IMAP_SET_FIRST;
    if (capacity > IMAP_SET_RANGES_MAX)
        capacity = IMAP_SET_RANGES_MAX;
    struct imap_range *ranges = realloc(set->ranges, capacity * sizeof *ranges);
    if (ranges == NULL)
        return -1;
    set->ranges = ranges;
    set->capacity = capacity;
    return 0;
}

int imap_set_add(struct imap_set *set, uint32_t first, uint32_t last)
{
    struct imap_range *end = set->count > 0 ? &set->ranges[set->count - 1] : NULL;
    if (end != NULL && first >= end->first && (end->last == UINT32_MAX || first <= end->last + 1)) {
        end->last = last > end->last ? last : end->last;
        return 0;
    }
    if (imap_set_grow(set) < 0)
        return -1;
    /* analyse: imap_set_grow left room, so there are ranges, and those before count are set */
    if (set->count > 0 && first < set->ranges[set->count - 1].first)
        set->unsorted = true;
    set->ranges[set->count++] = (struct imap_range){first, last};
    return 0;
}

bool imap_set_has(struct imap_set *set, uint32_t uid)
{
    imap_set_sort(set);
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (uid > set->ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < set->count && uid >= set->ranges[low].first;
}

uint64_t imap_set_size(struct imap_set *set)
{
    uint64_t size = 0;
    imap_set_sort(set);
    for (size_t i = 0; i < set->count; i++)
        size += (uint64_t)set->ranges[i].last - set->ranges[i].first + 1;
    return size;
}

/* What is left of one range when all of @other is taken out; *at moves along other. */
static int imap_set_cut(struct imap_set *out, struct imap_range range, const struct imap_set *other,
                        size_t *at)
{
    while (*at < other->count && other->ranges[*at].last < range.first)
        (*at)++;
    for (size_t i = *at; i < other->count && other->ranges[i].first <= range.last; i++) {
        if (other->ranges[i].first > range.first &&
            imap_set_add(out, range.first, other->ranges[i].first - 1) < 0)
            return -1;
        if (other->ranges[i].last >= range.last)
            return 0;
        range.first = other->ranges[i].last + 1;
    }
    return imap_set_add(out, range.first, range.last);
}

int imap_set_subtract(struct imap_set *set, struct imap_set *other)
{
    struct imap_set left;
    size_t at = 0;
    imap_set_sort(set);
    imap_set_sort(other);
    imap_set_init(&left);
    for (size_t i = 0; i < set->count; i++) {
        if (imap_set_cut(&left, set->ranges[i], other, &at) < 0) {
            imap_set_done(&left);
            return -1;
        }
    }
    imap_set_done(set);
    *set = left;
    return 0;
}

int imap_set_take(struct imap_set *set, uint64_t max, struct imap_set *out)
{
    size_t whole = 0;
    imap_set_sort(set);
    while (whole < set->count && max > 0) {
        struct imap_range *range = &set->ranges[whole];
        uint64_t size = (uint64_t)range->last - range->first + 1;
        uint32_t last = size <= max ? range->last : (uint32_t)(range->first + max - 1);
        if (imap_set_add(out, range->first, last) < 0)
            return -1;
        max -= size <= max ? size : max;
        if (last == range->last)
            whole++;
        else
            range->first = last + 1;
    }
    if (whole > 0 && whole < set->count)
        memmove(set->ranges, set->ranges + whole, (set->count - whole) * sizeof *set->ranges);
    set->count -= whole;
    return 0;
}
