/* SPDX-License-Identifier: Apache-2.0 */
/* audit-rows.c - what the queue says of one account. See audit-rows.h. */
#include <config.h>
#include "audit-rows.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

#define AUDIT_PAGE 500u /* records of the ledger read at once */

static const char audit_reading[] = "reading the queue";

/* ---- Names ----------------------------------------------------------------------------------- */

const char *audit_rows_name(const struct audit_rows *rows, uint16_t number)
{
    return number == 0 ? NULL : rows->names[number - 1];
}

uint16_t audit_rows_number(const struct audit_rows *rows, const char *name)
{
    for (size_t i = 0; name != NULL && i < rows->name_count; i++)
        if (strcmp(rows->names[i], name) == 0)
            return (uint16_t)(i + 1);
    return 0;
}

/* *out_number is 0 for NULL. Names are looked for one by one, the last one first. */
static int audit_rows_number_get(struct audit_rows *rows, const char *name, uint16_t *out_number,
                                 struct error *err)
{
    const char *last = audit_rows_name(rows, rows->last_number);
    *out_number = last != NULL && name != NULL && strcmp(last, name) == 0
                      ? rows->last_number
                      : audit_rows_number(rows, name);
    rows->last_number = *out_number != 0 ? *out_number : rows->last_number;
    if (name == NULL || *out_number != 0)
        return 0;
    if (rows->name_count == AUDIT_NAMES_MAX)
        return error_set(err, ERROR_CONFIG, "the account has more than %u folders in the queue",
                         AUDIT_NAMES_MAX);
    char **names = realloc(rows->names, (rows->name_count + 1) * sizeof *names);
    /* analyse: no leak, rows keeps the names */
    if (names == NULL)
        return error_oom(err, audit_reading);
    rows->names = names;
    names[rows->name_count] = strdup(name); /* analyse: the same */
    if (names[rows->name_count] == NULL)
        return error_oom(err, audit_reading);
    *out_number = (uint16_t)++rows->name_count;
    return 0;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static struct audit_row *audit_rows_add(struct audit_rows *rows, const char *mailbox,
                                        struct error *err)
{
    uint16_t number;
    if (audit_rows_number_get(rows, mailbox, &number, err) < 0)
        return NULL;
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity == 0 ? 256 : rows->capacity * 2;
        struct audit_row *items = reallocarray(rows->items, capacity, sizeof *items);
        if (items == NULL) {
            error_oom(err, audit_reading);
            return NULL;
        }
        rows->items = items;
        rows->capacity = capacity;
    }
    struct audit_row *row = &rows->items[rows->count++];
    *row = (struct audit_row){.mailbox = number};
    return row;
}

static int audit_rows_add_record(struct audit_rows *rows, const struct queue_record *record,
                                 struct error *err)
{
    char key[QUEUE_KEY_MAX];
    uint16_t target;
    if (record->step < QUEUE_STEP_STORED)
        return 0;
    struct queue_origin named = record->origin; /* what the entry's id was made of */
    if (record->named_uid != 0) {
        named.uidvalidity = record->named_uidvalidity;
        named.uid = record->named_uid;
    }
    if (queue_origin_key(&named, key, err) < 0 ||
        audit_rows_number_get(rows, record->target, &target, err) < 0)
        return -1;
    struct audit_row *row = audit_rows_add(rows, record->origin.mailbox, err);
    if (row == NULL)
        return -1;
    queue_entry_id(key, row->id);
    row->uidvalidity = record->origin.uidvalidity;
    row->uid = record->origin.uid;
    row->target = target;
    row->target_uidvalidity = record->target_uidvalidity;
    /* Before that it is but a lower bound. */
    row->target_uid = record->step >= QUEUE_STEP_COPIED ? record->target_uid : 0;
    row->step = (uint8_t)record->step;
    row->fate = (uint8_t)record->fate;
    row->in_ledger = true;
    return 0;
}

static int audit_rows_read_ledger(struct audit_rows *rows, struct queue *queue, const char *loader,
                                  const char *account, struct error *err)
{
    struct queue_record records[AUDIT_PAGE];
    const struct queue_origin *after = NULL;
    size_t count;
    do {
        if (queue_ledger(queue, loader, account, after, records, AUDIT_PAGE, &count, err) < 0)
            return -1;
        for (size_t i = 0; i < count; i++)
            if (audit_rows_add_record(rows, &records[i], err) < 0)
                return -1;
        after = count > 0 ? &records[count - 1].origin : NULL;
    } while (count == AUDIT_PAGE);
    return 0;
}

struct audit_listing {
    struct audit_rows *rows;
    const char *loader, *account;
    struct error err;
    bool failed;
};

bool audit_rows_is_ours(const struct queue_entry *entry, const char *loader, const char *account)
{
    return strcmp(entry->account, account) == 0 && text_equal_nocase(entry->loader, loader);
}

static void audit_rows_add_other(struct audit_rows *rows, const struct queue_entry *entry)
{
    size_t bit = (size_t)(entry->raw_size % AUDIT_OTHER_SIZES);
    if (entry->has_raw)
        rows->others[bit / 8] |= (uint8_t)(1u << (bit % 8));
}

bool audit_rows_may_be_other(const struct audit_rows *rows, uint64_t size)
{
    size_t bit = (size_t)(size % AUDIT_OTHER_SIZES);
    return rows->others != NULL && (rows->others[bit / 8] & (1u << (bit % 8))) != 0;
}

/* An entry without a row in the ledger gets one behind those that are sorted. */
static int audit_rows_add_entry(void *context, const struct queue_entry *entry)
{
    struct audit_listing *listing = context;
    struct audit_rows *rows = listing->rows;
    if (!audit_rows_is_ours(entry, listing->loader, listing->account)) {
        audit_rows_add_other(rows, entry);
        return 0;
    }
    struct audit_row *row = audit_rows_find(rows, entry->id);
    if (row == NULL) {
        row = audit_rows_add(rows, entry->mailbox, &listing->err);
        if (row == NULL) {
            listing->failed = true;
            return -1;
        }
        memcpy(row->id, entry->id, sizeof row->id);
        row->uidvalidity = entry->uidvalidity;
        row->uid = entry->uid;
    }
    row->entries = row->entries == 0 ? 1 : 2;
    row->created_s = entry->created_s;
    row->size = entry->raw_size;
    row->has_raw = entry->has_raw;
    memcpy(row->sha256, entry->raw_sha256, sizeof row->sha256);
    return 0;
}

static int audit_rows_read_entries(struct audit_rows *rows, struct queue *queue, const char *loader,
                                   const char *account, struct error *err)
{
    struct audit_listing listing = {rows, loader, account, {0}, false};
    const struct queue_filter all = {.limit = 0};
    rows->others = calloc(AUDIT_OTHER_SIZES / 8, 1);
    if (rows->others == NULL)
        return error_oom(err, audit_reading);
    if (queue_list(queue, &all, audit_rows_add_entry, &listing, err) < 0)
        return -1;
    if (!listing.failed)
        return 0;
    *err = listing.err;
    return -1;
}

/* ---- Order ----------------------------------------------------------------------------------- */

static int audit_compare_number(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int audit_compare_id(const void *a, const void *b)
{
    return strcmp(((const struct audit_row *)a)->id, ((const struct audit_row *)b)->id);
}

static int audit_order_target(const struct audit_row *a, const struct audit_row *b)
{
    int order = audit_compare_number(a->target, b->target);
    order = order != 0 ? order : audit_compare_number(a->target_uidvalidity, b->target_uidvalidity);
    return order != 0 ? order : audit_compare_number(a->target_uid, b->target_uid);
}

static int audit_order_name(const struct audit_row *a, const struct audit_row *b)
{
    int order = audit_compare_number(a->mailbox, b->mailbox);
    if (order == 0)
        order = audit_compare_number(a->uidvalidity, b->uidvalidity);
    return order != 0 ? order : audit_compare_number(a->uid, b->uid);
}

static int audit_order_size(const struct audit_row *a, const struct audit_row *b)
{
    return audit_compare_number(a->size, b->size);
}

static int audit_order_sha256(const struct audit_row *a, const struct audit_row *b)
{
    return memcmp(a->sha256, b->sha256, sizeof a->sha256);
}

typedef int audit_order(const struct audit_row *a, const struct audit_row *b);

#define AUDIT_COMPARE(order)                                                                       \
    static int audit_compare_##order(const void *a, const void *b)                                 \
    {                                                                                              \
        return audit_order_##order(*(struct audit_row *const *)a, *(struct audit_row *const *)b);  \
    }
AUDIT_COMPARE(target)
AUDIT_COMPARE(size)
AUDIT_COMPARE(sha256)
AUDIT_COMPARE(name)

static int audit_rows_index(const struct audit_rows *rows,
                            int (*compare)(const void *a, const void *b),
                            struct audit_row ***out_index, struct error *err)
{
    struct audit_row **index = calloc(rows->count + 1, sizeof(struct audit_row *));
    if (index == NULL)
        return error_oom(err, audit_reading);
    for (size_t i = 0; i < rows->count; i++)
        index[i] = &rows->items[i];
    qsort(index, rows->count, sizeof *index, compare); /* analyse: of pointers, yes */
    *out_index = index;
    return 0;
}

static void audit_rows_sort(struct audit_rows *rows)
{
    if (rows->count > 0)
        qsort(rows->items, rows->count, sizeof *rows->items, audit_compare_id);
    rows->sorted = rows->count;
}

int audit_rows_read(struct audit_rows *rows, struct queue *queue, const char *loader,
                    const char *account, struct error *err)
{
    if (audit_rows_read_ledger(rows, queue, loader, account, err) < 0)
        return -1;
    audit_rows_sort(rows);
    if (audit_rows_read_entries(rows, queue, loader, account, err) < 0)
        return -1;
    audit_rows_sort(rows);
    if (audit_rows_index(rows, audit_compare_target, &rows->by_target, err) < 0 ||
        audit_rows_index(rows, audit_compare_size, &rows->by_size, err) < 0 ||
        audit_rows_index(rows, audit_compare_sha256, &rows->by_sha256, err) < 0 ||
        audit_rows_index(rows, audit_compare_name, &rows->by_name, err) < 0)
        return -1;
    return 0;
}

void audit_rows_done(struct audit_rows *rows)
{
    for (size_t i = 0; i < rows->name_count; i++)
        free(rows->names[i]);
    free(rows->names);
    free(rows->by_target);
    free(rows->by_size);
    free(rows->by_sha256);
    free(rows->by_name);
    free(rows->items);
    free(rows->others);
    *rows = (struct audit_rows){0};
}

/* ---- Looking --------------------------------------------------------------------------------- */

struct audit_row *audit_rows_find(const struct audit_rows *rows, const char *id)
{
    struct audit_row want;
    memcpy(want.id, id, sizeof want.id);
    return rows->sorted == 0
               ? NULL
               /* analyse: audit_compare_id looks at the id alone */
               : bsearch(&want, rows->items, rows->sorted, sizeof *rows->items, audit_compare_id);
}

/* The first row that is not below @want, or (behind) that is above it. */
static size_t audit_rows_bound(struct audit_row *const *index, size_t count, audit_order *order,
                               const struct audit_row *want, bool behind)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int at = order(index[middle], want);
        if (at < 0 || (behind && at == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t audit_rows_range(const struct audit_rows *rows, struct audit_row *const *index,
                               audit_order *order, const struct audit_row *want,
                               struct audit_row *const **out_first)
{
    size_t first = audit_rows_bound(index, rows->count, order, want, false);
    *out_first = index + first;
    return audit_rows_bound(index, rows->count, order, want, true) - first;
}

struct audit_row *audit_rows_named(const struct audit_rows *rows, uint16_t mailbox,
                                   uint32_t uidvalidity, uint32_t uid)
{
    const struct audit_row want = {.mailbox = mailbox, .uidvalidity = uidvalidity, .uid = uid};
    struct audit_row *const *first;
    return mailbox != 0 && uid != 0 &&
                   audit_rows_range(rows, rows->by_name, audit_order_name, &want, &first) > 0
               ? *first
               : NULL;
}

size_t audit_rows_of_target(const struct audit_rows *rows, uint16_t target, uint32_t uidvalidity,
                            uint32_t uid, struct audit_row *const **out_first)
{
    const struct audit_row want = {
        .target = target, .target_uidvalidity = uidvalidity, .target_uid = uid};
    return target == 0 || uid == 0
               ? 0
               : audit_rows_range(rows, rows->by_target, audit_order_target, &want, out_first);
}

size_t audit_rows_of_size(const struct audit_rows *rows, uint64_t size,
                          struct audit_row *const **out_first)
{
    const struct audit_row want = {.size = size};
    return audit_rows_range(rows, rows->by_size, audit_order_size, &want, out_first);
}

size_t audit_rows_of_sha256(const struct audit_rows *rows, const uint8_t sha256[QUEUE_DIGEST_SIZE],
                            struct audit_row *const **out_first)
{
    struct audit_row want = {0};
    memcpy(want.sha256, sha256, sizeof want.sha256);
    return audit_rows_range(rows, rows->by_sha256, audit_order_sha256, &want, out_first);
}
