/* SPDX-License-Identifier: Apache-2.0 */
/* queue-memory-mailbox.c - what messages are known by, what is known of a mailbox, and messages
 * that come under another name, in memory. See queue-memory-private.h. */
#include <config.h>
#include "queue-memory-private.h"

#include <search.h>
#include <string.h>

static void memory_evidence_of(const struct queue_memory *store, const struct memory_row *row,
                               struct queue_evidence *item)
{
    const struct memory_entry *at = &store->entries[row->entry];
    item->step = row->record.step;
    item->has_digest = at->entry->has_raw;
    item->size = at->entry->raw_size;
    item->message_id = at->message_id;
    if (item->has_digest)
        memcpy(item->sha256, at->entry->raw_sha256, sizeof item->sha256);
}

int memory_evidence(void *store_, struct queue_evidence *items, size_t count,
                           struct error *err)
{
    const struct queue_memory *store = store_;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const struct memory_row *row = memory_row_find(store, &items[i].origin);
        if (row != NULL && row->has_entry)
            memory_evidence_of(store, row, &items[i]);
    }
    return 0;
}

/* Is entry @at a settled message of this mailbox that may come again? */
static bool memory_is_settled(const struct queue_memory *store, const struct memory_entry *at,
                              const struct memory_scope *scope)
{
    int64_t since_s = clock_unix_s(store->clock) - QUEUE_EVIDENCE_DAYS * INT64_C(86400);
    const struct memory_row *row = at->row;
    return row->scope == scope && at->entry->has_raw && at->entry->created_s >= since_s &&
           row->record.step == QUEUE_STEP_MOVED && row->record.origin.uid != 0;
}

int memory_settled_like(void *store_, const struct queue_origin *scope_, uint64_t size,
                               struct queue_evidence *out_items, size_t capacity,
                               size_t *out_count, struct error *err)
{
    const struct queue_memory *store = store_;
    const struct memory_scope *scope = memory_scope_find(store, scope_);
    (void)err;
    *out_count = 0;
    for (size_t i = store->count; i-- > 0 && *out_count < capacity;) {
        const struct memory_entry *at = &store->entries[i];
        if (at->entry->raw_size != size || !memory_is_settled(store, at, scope))
            continue;
        struct queue_evidence *item = &out_items[(*out_count)++];
        *item = (struct queue_evidence){.origin = *scope_};
        item->origin.uidvalidity = at->row->record.origin.uidvalidity;
        item->origin.uid = at->row->record.origin.uid;
        memory_evidence_of(store, at->row, item);
    }
    return 0;
}

static bool memory_is_like(const struct memory_entry *at, const struct queue_lookalike *item)
{
    return at->entry->raw_size == item->size &&
           (item->likeness < QUEUE_LIKENESS_MESSAGE_ID || at->message_id == 0 ||
            at->message_id == item->message_id) &&
           (item->likeness < QUEUE_LIKENESS_SHA256 ||
            memcmp(at->entry->raw_sha256, item->sha256, sizeof item->sha256) == 0);
}

int memory_lookalikes(void *store_, const struct queue_origin *scope_,
                      struct queue_lookalike *items, size_t count, struct error *err)
{
    const struct queue_memory *store = store_;
    const struct memory_scope *scope = memory_scope_find(store, scope_);
    (void)err;
    for (size_t i = 0; i < store->count; i++) {
        const struct memory_entry *at = &store->entries[i];
        const struct queue_origin *origin = &at->row->record.origin;
        if (!memory_is_settled(store, at, scope) ||
            (origin->uidvalidity == scope_->uidvalidity && origin->uid > scope_->uid))
            continue;
        for (size_t k = 0; k < count; k++)
            items[k].found |= memory_is_like(at, &items[k]) ? 1 : 0;
    }
    return 0;
}

struct memory_highest {
    const struct memory_scope *scope;
    uint32_t uidvalidity, uid;
};

static void memory_highest_visit(const void *node, VISIT visit, void *context)
{
    struct memory_highest *highest = context;
    const struct memory_row *row = *(struct memory_row *const *)node;
    const struct queue_origin *origin = &row->record.origin;
    if ((visit == postorder || visit == leaf) && row->scope == highest->scope &&
        row->record.step != QUEUE_STEP_UNKNOWN && origin->uidvalidity == highest->uidvalidity &&
        origin->uid > highest->uid)
        highest->uid = origin->uid;
}

int memory_mailbox_get(void *store_, const struct queue_origin *scope_,
                              struct queue_mailbox *out_state, struct error *err)
{
    const struct queue_memory *store = store_;
    const struct memory_scope *scope = memory_scope_find(store, scope_);
    (void)err;
    if (scope == NULL)
        return 0;
    struct memory_highest highest = {scope, scope->state.uidvalidity, 0};
    twalk_r(store->ledger, memory_highest_visit, &highest);
    *out_state = scope->state;
    out_state->highest_uid = highest.uid;
    return 0;
}

/* One message in both its names. NULL: the old one has no row. */
struct memory_renaming {
    struct memory_row *from, *to;
};

/* Rows are made for the new names before anything is changed. */
static int memory_adopt_check(struct queue_memory *store, const struct queue_origin *scope,
                              const struct queue_adoption *item, struct memory_renaming *out,
                              struct error *err)
{
    struct queue_origin from = *scope, to = *scope;
    from.uidvalidity = item->from_uidvalidity;
    from.uid = item->from_uid;
    to.uidvalidity = item->to_uidvalidity;
    to.uid = item->to_uid;
    from.key = to.key = "";
    out->from = memory_row_find(store, &from);
    out->to = memory_row_get(store, &to);
    if (out->to == NULL)
        return error_oom(err, "renaming messages");
    if (out->from != NULL && out->from->renamed)
        return 0;
    bool moves = out->from != NULL && out->from->has_entry &&
                 out->from->record.step >= QUEUE_STEP_STORED;
    if (moves && (!out->to->has_entry || out->to->entry == out->from->entry || out->to->renamed))
        return 0;
    return error_set(err, ERROR_HELD,
                     "message %u is stored as message %u, but another message with "
                     "an entry had this UID; move it to the archive folder by hand",
                     item->to_uid, item->from_uid);
}

static void memory_adopt_one(struct queue_memory *store, const struct memory_renaming *names)
{
    struct memory_row *from = names->from, *to = names->to;
    if (from->renamed)
        return;
    struct queue_origin origin = to->record.origin;
    bool named = from->record.named_uid != 0;
    to->record = from->record;
    to->record.origin = origin;
    to->record.attempts = 0;
    to->record.named_uidvalidity =
        named ? from->record.named_uidvalidity : from->record.origin.uidvalidity;
    to->record.named_uid = named ? from->record.named_uid : from->record.origin.uid;
    to->has_entry = true;
    to->entry = from->entry;
    to->renamed = false;
    store->entries[from->entry].row = to;
    from->renamed = true;
    from->record.step = QUEUE_STEP_MOVED;
    from->scope->state.adopted++;
}

int memory_adopt(void *store_, const struct queue_origin *scope_,
                        const struct queue_adoption *items, size_t count,
                        const struct queue_mailbox *state, struct error *err)
{
    struct queue_memory *store = store_;
    struct memory_scope *scope = memory_scope_get(store, scope_);
    struct memory_renaming names;
    if (scope == NULL)
        return error_oom(err, "renaming messages");
    for (size_t i = 0; i < count; i++)
        if (memory_adopt_check(store, scope_, &items[i], &names, err) < 0)
            return -1;
    for (size_t i = 0; i < count; i++)
        if (memory_adopt_check(store, scope_, &items[i], &names, err) == 0)
            memory_adopt_one(store, &names);
    uint64_t adopted = scope->state.adopted;
    if (state != NULL)
        scope->state = *state;
    scope->state.adopted = adopted;
    if (scope->state.held == 0)
        scope->state.why[0] = '\0';
    return 0;
}
