/* SPDX-License-Identifier: Apache-2.0 */
/* queue-memory.c - a work queue that is gone when it is closed: for tests and trying out.
 *
 * Entries lie in an array in the order they came, ledger rows in a tree by name. All bytes are kept
 * in memory, and looking for entries walks the array: not meant for a million of them. */
#include <config.h>
#include "queue-memory-private.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "queue-entry.h"
#include "queue-file.h"
#include "text.h"

/* ---- Ledger rows ----------------------------------------------------------------------------- */

static int memory_row_compare(const void *a, const void *b)
{
    const struct memory_row *left = a, *right = b;
    if (left->scope != right->scope)
        return (uintptr_t)left->scope < (uintptr_t)right->scope ? -1 : 1;
    const struct queue_origin *x = &left->record.origin, *y = &right->record.origin;
    if (x->uidvalidity != y->uidvalidity)
        return x->uidvalidity < y->uidvalidity ? -1 : 1;
    if (x->uid != y->uid)
        return x->uid < y->uid ? -1 : 1;
    return strcmp(x->key, y->key);
}

static void memory_row_free(void *row_)
{
    struct memory_row *row = row_;
    if (row == NULL)
        return;
    free(row->key);
    free(row);
}

static void memory_scope_free(struct memory_scope *scope)
{
    if (scope == NULL)
        return;
    free(scope->loader);
    free(scope->account);
    free(scope->mailbox);
    free(scope);
}

struct memory_scope *memory_scope_find(const struct queue_memory *store,
                                       const struct queue_origin *origin)
{
    struct memory_scope *scope = store->scopes;
    while (scope != NULL && (strcmp(scope->mailbox, origin->mailbox) != 0 ||
                             strcmp(scope->account, origin->account) != 0 ||
                             !text_equal_nocase(scope->loader, origin->loader)))
        scope = scope->next;
    return scope;
}

/* NULL only out of memory. */
struct memory_scope *memory_scope_get(struct queue_memory *store,
                                      const struct queue_origin *origin)
{
    struct memory_scope *scope = memory_scope_find(store, origin);
    if (scope != NULL)
        return scope;
    scope = calloc(1, sizeof *scope);
    if (scope == NULL || queue_text_copy(origin->loader, &scope->loader) < 0 ||
        queue_text_copy(origin->account, &scope->account) < 0 ||
        queue_text_copy(origin->mailbox, &scope->mailbox) < 0) {
        memory_scope_free(scope);
        return NULL;
    }
    scope->next = store->scopes;
    store->scopes = scope;
    return scope;
}

/* *out_name is NULL where @name is. -1 only out of memory. */
static int memory_target_get(struct queue_memory *store, const char *name, const char **out_name)
{
    *out_name = NULL;
    if (name == NULL)
        return 0;
    struct memory_target *target = store->targets;
    while (target != NULL && strcmp(target->name, name) != 0)
        target = target->next;
    if (target == NULL) {
        target = calloc(1, sizeof *target);
        if (target == NULL || queue_text_copy(name, &target->name) < 0) {
            free(target);
            return -1;
        }
        target->next = store->targets;
        store->targets = target;
    }
    *out_name = target->name;
    return 0;
}

/* NULL when the ledger does not know it. */
struct memory_row *memory_row_find(const struct queue_memory *store,
                                   const struct queue_origin *origin)
{
    struct memory_row want = {.scope = memory_scope_find(store, origin), .record.origin = *origin};
    if (want.scope == NULL)
        return NULL;
    void *const *found = tfind(&want, &store->ledger, memory_row_compare);
    return found == NULL ? NULL : *found;
}

/* NULL only out of memory. */
struct memory_row *memory_row_get(struct queue_memory *store,
                                  const struct queue_origin *origin)
{
    struct memory_row *row = memory_row_find(store, origin);
    if (row != NULL)
        return row;
    row = calloc(1, sizeof *row);
    struct memory_scope *scope = memory_scope_get(store, origin);
    if (row == NULL || scope == NULL || queue_text_copy(origin->key, &row->key) < 0) {
        memory_row_free(row);
        return NULL;
    }
    row->scope = scope;
    row->record.origin = (struct queue_origin){scope->loader,       scope->account, scope->mailbox,
                                               origin->uidvalidity, origin->uid,    row->key};
    if (tsearch(row, &store->ledger, memory_row_compare) == NULL) {
        memory_row_free(row);
        return NULL;
    }
    return row;
}

/* ---- Entries --------------------------------------------------------------------------------- */

static void memory_entry_done(struct memory_entry *at)
{
    queue_entry_free(at->entry);
    free(at->raw);
}

static int memory_grow(struct queue_memory *store)
{
    if (store->count < store->capacity)
        return 0;
    size_t capacity = store->capacity == 0 ? 64 : store->capacity * 2;
    struct memory_entry *entries = realloc(store->entries, capacity * sizeof *entries);
    if (entries == NULL)
        return -1;
    store->entries = entries;
    store->capacity = capacity;
    return 0;
}

static int memory_read_raw(const struct queue_item *item, uint8_t **out_raw, struct error *err)
{
    uint8_t *raw = malloc((size_t)item->raw_size + 1);
    if (raw == NULL)
        return error_oom(err, "keeping a message");
    if (item->raw_bytes != NULL) {
        memcpy(raw, item->raw_bytes, (size_t)item->raw_size);
    } else if (queue_file_read(item->raw_fd, 0, raw, (size_t)item->raw_size) < 0) {
        int why = errno;
        free(raw);
        return error_set(err, ERROR_STORE, "cannot read the file of a message: %s", strerror(why));
    }
    *out_raw = raw;
    return 0;
}

/* Content that came as a file becomes the copy's own. */
static int memory_read_content(const struct queue_item *item, struct queue_entry *copy,
                               struct error *err)
{
    if (item->content_filed == 0)
        return 0;
    copy->content_size = (size_t)item->content_filed;
    return queue_content_load(item, 0, copy->content_size, &copy->content, err);
}

/* The entry that is made of an item, with all texts borrowed from it. */
static struct queue_entry memory_entry_of(const struct queue_item *item, int64_t now_s)
{
    struct queue_entry entry = {
        .state = queue_item_state(item),
        .created_s = now_s,
        .uidvalidity = item->origin.uidvalidity,
        .uid = item->origin.uid,
        .content_size = item->content_size,
        .has_raw = item->raw_bytes != NULL || item->raw_fd >= 0,
        .raw_size = item->raw_size,
    };
    const struct {
        char **to;
        const char *from;
    } texts[] = {
        {&entry.class, item->class},
        {&entry.queue, item->queue},
        {&entry.source, item->source},
        {&entry.error, item->error != NULL ? item->error : item->skipped},
        {&entry.loader, item->origin.loader},
        {&entry.account, item->origin.account},
        {&entry.mailbox, item->origin.mailbox},
        {&entry.key, item->origin.key},
        {&entry.content, item->content},
        {&entry.sender, item->sender},
        {&entry.subject, item->subject},
        {&entry.date_received, item->date_received},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        memcpy(texts[i].to, &texts[i].from, sizeof texts[i].from); /* read only, until copied */
    memcpy(entry.raw_sha256, item->raw_sha256, sizeof entry.raw_sha256);
    return entry;
}

static int memory_add(struct queue_memory *store, const struct queue_item *item,
                      const uint8_t id[QUEUE_UUID_SIZE], struct memory_row *row, struct error *err)
{
    struct queue_entry borrowed = memory_entry_of(item, clock_unix_s(store->clock));
    struct memory_entry added = {.row = row,
                                 .before = row->record,
                                 .came_bad = item->error != NULL,
                                 .message_id = text_fingerprint(item->message_id)};
    memcpy(added.id, id, sizeof added.id);
    queue_id_text(id, borrowed.id);
    if (borrowed.has_raw && memory_read_raw(item, &added.raw, err) < 0)
        return -1;
    added.entry = queue_entry_copy(&borrowed);
    int failed =
        added.entry == NULL || memory_grow(store) < 0 ? error_oom(err, "keeping an entry") : 0;
    if (failed == 0)
        failed = memory_read_content(item, added.entry, err);
    if (failed < 0)
        memory_entry_done(&added);
    else
        store->entries[store->count++] = added;
    return failed;
}

static enum queue_put_result memory_put(void *store_, const struct queue_item *item,
                                        const uint8_t id[QUEUE_UUID_SIZE], struct error *err)
{
    struct queue_memory *store = store_;
    struct memory_row *row = memory_row_get(store, &item->origin);
    if (row == NULL) {
        error_oom(err, "keeping an entry");
        return QUEUE_PUT_FAILED;
    }
    if (row->has_entry)
        return QUEUE_PUT_DUPLICATE;
    if (memory_add(store, item, id, row, err) < 0)
        return QUEUE_PUT_FAILED;
    row->has_entry = true;
    row->entry = store->count - 1;
    row->record.step = QUEUE_STEP_STORED;
    row->record.fate = item->error == NULL ? QUEUE_FATE_QUEUED : QUEUE_FATE_BAD;
    return QUEUE_PUT_ADDED;
}

static enum queue_commit_result memory_commit(void *store_, struct error *err)
{
    struct queue_memory *store = store_;
    for (size_t i = store->committed; i < store->count; i++) {
        if (memory_hook_fire(store, i, false) < 0) {
            error_oom(err, "keeping an entry");
            return QUEUE_COMMIT_UNSURE;
        }
        store->committed = i + 1;
        memory_named_skip(store, store->entries[i].entry);
    }
    return QUEUE_COMMITTED;
}

static void memory_rollback(void *store_)
{
    struct queue_memory *store = store_;
    while (store->count > store->committed) {
        struct memory_entry *last = &store->entries[--store->count];
        last->row->record = last->before;
        last->row->has_entry = false;
        memory_entry_done(last);
    }
}

/* ---- Ledger ---------------------------------------------------------------------------------- */

static int memory_known(void *store_, struct queue_record *records, size_t count, struct error *err)
{
    const struct queue_memory *store = store_;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        struct queue_origin origin = records[i].origin;
        const struct memory_row *row = memory_row_find(store, &origin);
        records[i] = row != NULL ? row->record : (struct queue_record){0};
        records[i].origin = origin;
    }
    return 0;
}

static int memory_note_one(struct queue_memory *store, const struct queue_record *record)
{
    struct memory_row *row = memory_row_get(store, &record->origin);
    if (row == NULL)
        return -1;
    struct queue_record *at = &row->record;
    if (record->step == QUEUE_STEP_UNKNOWN) { /* an attempt is taken back */
        at->attempts -= at->attempts > 0 ? 1 : 0;
        return 0;
    }
    if (record->step == QUEUE_STEP_ATTEMPTED) {
        at->attempts += at->attempts < UINT32_MAX ? 1 : 0;
        if (at->step < QUEUE_STEP_ATTEMPTED)
            at->step = QUEUE_STEP_ATTEMPTED;
        return 0;
    }
    const char *target;
    if (memory_target_get(store, record->target, &target) < 0)
        return -1;
    if (at->step == QUEUE_STEP_UNKNOWN)
        at->fate = record->fate;
    at->step = record->step;
    at->target = target;
    at->target_uidvalidity = record->target_uidvalidity;
    at->target_uid = record->target_uid;
    return 0;
}

static int memory_note(void *store_, const struct queue_record *records, size_t count,
                       struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (memory_note_one(store_, &records[i]) < 0)
            return error_oom(err, "noting a step");
    return 0;
}

struct memory_walk {
    const struct queue_ledger_page *page;
    const struct memory_row *after; /* NULL: from the start */
    struct queue_record *out;
    size_t capacity, count;
};

static bool memory_walk_wants(const struct memory_walk *walk, const struct memory_row *row)
{
    const struct queue_ledger_page *page = walk->page;
    const struct memory_scope *scope = row->scope;
    return strcmp(scope->account, page->account) == 0 &&
           text_equal_nocase(scope->loader, page->loader) &&
           (page->mailbox == NULL || strcmp(scope->mailbox, page->mailbox) == 0) &&
           row->record.step != QUEUE_STEP_UNKNOWN && !row->renamed &&
           (!page->unsettled ||
            (row->record.step >= QUEUE_STEP_STORED && row->record.step <= QUEUE_STEP_DELETING)) &&
           (!page->settled || row->record.step == QUEUE_STEP_MOVED) &&
           (walk->after == NULL || memory_row_compare(row, walk->after) > 0);
}

static void memory_walk_visit(const void *node, VISIT visit, void *context)
{
    struct memory_walk *walk = context;
    const struct memory_row *row = *(struct memory_row *const *)node;
    if ((visit == postorder || visit == leaf) && walk->count < walk->capacity &&
        memory_walk_wants(walk, row))
        walk->out[walk->count++] = row->record;
}

static int memory_ledger(void *store_, const struct queue_ledger_page *page,
                         struct queue_record *out_records, size_t capacity, size_t *out_count,
                         struct error *err)
{
    const struct queue_memory *store = store_;
    (void)err;
    struct memory_walk walk = {page, NULL, out_records, capacity, 0};
    struct memory_row after = {0};
    if (page->after != NULL) {
        after.scope = memory_scope_find(store, page->after);
        after.record.origin = *page->after;
        walk.after = &after;
    }
    twalk_r(store->ledger, memory_walk_visit, &walk);
    *out_count = walk.count;
    return 0;
}

/* ---- Looking and changing -------------------------------------------------------------------- */

static struct memory_entry *memory_entry_find(struct queue_memory *store,
                                              const uint8_t id[QUEUE_UUID_SIZE])
{
    for (size_t i = 0; i < store->count; i++)
        if (memcmp(store->entries[i].id, id, QUEUE_UUID_SIZE) == 0)
            return &store->entries[i];
    return NULL;
}

static bool memory_passes(const struct queue_entry *entry, const struct queue_filter *filter)
{
    return (filter->queue == NULL || strcmp(filter->queue, entry->queue) == 0) &&
           (filter->source == NULL || strcmp(filter->source, entry->source) == 0) &&
           (!filter->by_state || filter->state == entry->state);
}

static int memory_list(void *store_, const struct queue_filter *filter, const uint8_t *after,
                       int (*each)(void *context, const struct queue_entry *entry), void *context,
                       struct error *err)
{
    struct queue_memory *store = store_;
    size_t skip = 0;
    if (after != NULL) {
        const struct memory_entry *behind = memory_entry_find(store, after);
        if (behind == NULL)
            return error_set(err, ERROR_USAGE, "there is no entry '%s' to continue behind",
                             filter->after);
        size_t at = (size_t)(behind - store->entries);
        skip = filter->newest_first ? store->count - at : at + 1;
    }
    uint64_t told = 0;
    for (size_t i = skip; i < store->count && (filter->limit == 0 || told < filter->limit); i++) {
        size_t at = filter->newest_first ? store->count - 1 - i : i;
        struct queue_entry entry = *store->entries[at].entry;
        if (!memory_passes(&entry, filter))
            continue;
        if (!filter->with_content)
            entry.content = NULL;
        told++;
        if (each(context, &entry) != 0)
            break;
    }
    return 0;
}

static int memory_find(void *store_, const struct queue_id_range *range, bool with_content,
                       struct queue_entry **out_entry, unsigned *out_matches, struct error *err)
{
    (void)with_content;
    const struct queue_memory *store = store_;
    const struct queue_entry *found = NULL;
    unsigned matches = 0;
    for (size_t i = 0; i < store->count && matches < 2; i++) {
        if (!queue_id_in_range(store->entries[i].id, range))
            continue;
        found = store->entries[i].entry;
        matches++;
    }
    *out_entry = NULL;
    *out_matches = matches;
    if (matches == 1 && (*out_entry = queue_entry_copy(found)) == NULL)
        return error_oom(err, "reading an entry");
    return 0;
}

/* Of this queue's entries, or of all that are open: the oldest that was never put off, and of those
 * that were, and of those whose lease ended, the one that is due longest. NULL: none. */
struct memory_due {
    const struct memory_entry *fresh, *later, *lapsed;
};

static void memory_due_see(struct memory_due *due, const struct memory_entry *at, int64_t now_s)
{
    const struct queue_entry *entry = at->entry;
    if (entry->state == QUEUE_NEW && entry->due_s == 0) {
        if (due->fresh == NULL)
            due->fresh = at;
    } else if (entry->state == QUEUE_NEW && entry->due_s <= now_s) {
        if (due->later == NULL || entry->due_s < due->later->entry->due_s)
            due->later = at;
    } else if (entry->state == QUEUE_TAKEN && entry->lease_until_s <= now_s) {
        if (due->lapsed == NULL || entry->lease_until_s < due->lapsed->entry->lease_until_s)
            due->lapsed = at;
    }
}

/* Entries lie in the order they came. */
static const struct memory_entry *memory_older(const struct memory_entry *a,
                                               const struct memory_entry *b)
{
    return a == NULL || (b != NULL && b < a) ? b : a;
}

static int memory_due(void *store_, const char *queue_name, int64_t now_s,
                      struct queue_entry **out_entry, struct error *err)
{
    const struct queue_memory *store = store_;
    struct memory_due due = {NULL, NULL, NULL};
    for (size_t i = 0; i < store->count; i++) {
        const char *queue = store->entries[i].entry->queue;
        if (queue_name != NULL ? strcmp(queue_name, queue) != 0
                               : memory_named_is_error_queue(store, queue))
            continue;
        if (memory_named_is_open(store, queue, now_s))
            memory_due_see(&due, &store->entries[i], now_s);
    }
    const struct memory_entry *found = memory_older(memory_older(due.fresh, due.later), due.lapsed);
    *out_entry = NULL;
    if (found != NULL && (*out_entry = queue_entry_copy(found->entry)) == NULL)
        return error_oom(err, "reading an entry");
    return 0;
}

static int memory_change(void *store_, const uint8_t id[QUEUE_UUID_SIZE],
                         const struct queue_change *change, bool *out_changed, struct error *err)
{
    struct memory_entry *at = memory_entry_find(store_, id);
    *out_changed =
        at != NULL && at->entry->state == change->from && at->entry->fence == change->from_fence;
    if (!*out_changed)
        return 0;
    char *error, *queue = NULL;
    if (queue_text_copy(change->error, &error) < 0 || queue_text_copy(change->queue, &queue) < 0) {
        free(error);
        return error_oom(err, "changing an entry");
    }
    if (change->window != NULL &&
        !memory_named_count(store_, at->entry->queue, change->from_window, change->window)) {
        *out_changed = false;
        free(error);
        free(queue);
        return 0;
    }
    free(at->entry->error);
    at->entry->error = error;
    if (queue != NULL) {
        free(at->entry->queue);
        at->entry->queue = queue;
    }
    at->entry->due_s = change->due_s;
    at->entry->state = change->to;
    at->entry->fence = change->fence;
    at->entry->attempts = change->attempts;
    at->entry->lease_until_s = change->lease_until_s;
    struct queue_memory *store = store_;
    if (queue != NULL && memory_hook_fire(store, (size_t)(at - store->entries), true) < 0)
        return error_oom(err, "changing an entry");
    return 0;
}

static int memory_raw(void *store_, const uint8_t id[QUEUE_UUID_SIZE], int *out_fd,
                      struct error *err)
{
    const struct memory_entry *at = memory_entry_find(store_, id);
    if (at == NULL || at->raw == NULL)
        return error_set(err, ERROR_BUG, "an entry lost its raw message");
    if (queue_file_of_bytes(at->raw, (size_t)at->entry->raw_size, out_fd) < 0)
        return error_set(err, ERROR_STORE, "cannot hand out the message of entry '%s': %s",
                         at->entry->id, strerror(errno));
    return 0;
}

static void memory_count_unsettled(const void *node, VISIT visit, void *context)
{
    const struct memory_row *row = *(struct memory_row *const *)node;
    if ((visit == postorder || visit == leaf) && row->record.step >= QUEUE_STEP_STORED &&
        row->record.step <= QUEUE_STEP_DELETING)
        ++*(uint64_t *)context;
}

static int memory_stats(void *store_, const char *queue_name, struct queue_stats *out_stats,
                        struct error *err)
{
    const struct queue_memory *store = store_;
    (void)err;
    struct queue_stats stats = {.raw_bytes = 0};
    for (size_t i = 0; i < store->count; i++) {
        const struct queue_entry *entry = store->entries[i].entry;
        if (queue_name != NULL && strcmp(queue_name, entry->queue) != 0)
            continue;
        if (entry->state == QUEUE_NEW && stats.by_state[QUEUE_NEW] == 0)
            stats.oldest_new_s = entry->created_s;
        stats.by_state[entry->state]++;
        if (entry->has_raw)
            stats.raw_bytes += entry->raw_size;
    }
    twalk_r(store->ledger, memory_count_unsettled, &stats.unsettled);
    *out_stats = stats;
    return 0;
}

/* ---- Open and close -------------------------------------------------------------------------- */

static int memory_open(const char *path, const struct clock *clock, void **out_store,
                       struct error *err)
{
    (void)path;
    struct queue_memory *store = calloc(1, sizeof *store);
    if (store == NULL)
        return error_oom(err, "opening the queue");
    store->clock = clock;
    *out_store = store;
    return 0;
}

static void memory_close(void *store_)
{
    struct queue_memory *store = store_;
    if (store == NULL)
        return;
    for (size_t i = 0; i < store->count; i++)
        memory_entry_done(&store->entries[i]);
    free(store->entries);
    queue_memory_sources_done(&store->sources);
    memory_named_done(store);
    memory_hook_done(store);
    memory_append_done(store);
    tdestroy(store->ledger, memory_row_free);
    while (store->scopes != NULL) {
        struct memory_scope *scope = store->scopes;
        store->scopes = scope->next;
        memory_scope_free(scope);
    }
    while (store->targets != NULL) {
        struct memory_target *target = store->targets;
        store->targets = target->next;
        free(target->name);
        free(target);
    }
    free(store);
}

/* Nobody else can open this store. */
static int memory_claim(void *store, const uint8_t id[QUEUE_UUID_SIZE], bool *out_claimed,
                        int *out_fd, struct error *err)
{
    (void)store;
    (void)id;
    (void)err;
    *out_claimed = true;
    *out_fd = -1;
    return 0;
}

static const char *memory_spool_dir(const void *store)
{
    (void)store;
    return NULL;
}

/* ---- Sources --------------------------------------------------------------------------------- */

static int memory_source_add(void *store_, const struct queue_source *source, bool *out_done,
                             struct error *err)
{
    struct queue_memory *store = store_;
    return queue_memory_source_add(&store->sources, source, out_done, err);
}

static int memory_source_change(void *store_, const struct queue_source *source, bool *out_done,
                                struct error *err)
{
    struct queue_memory *store = store_;
    return queue_memory_source_change(&store->sources, source, out_done, err);
}

static int memory_source_remove(void *store_, const uint8_t id[QUEUE_UUID_SIZE], bool *out_done,
                                struct error *err)
{
    struct queue_memory *store = store_;
    (void)err;
    *out_done = queue_memory_source_remove(&store->sources, id);
    return 0;
}

static void memory_source_count(const struct queue_memory *store, struct queue_source *source)
{
    source->queued = source->bad = 0;
    for (size_t i = 0; i < store->committed; i++)
        if (strcmp(store->entries[i].entry->source, source->name) == 0)
            ++*(store->entries[i].came_bad ? &source->bad : &source->queued);
}

static int memory_source_each(void *store_, const char *after,
                              int (*each)(void *context, const struct queue_source *source),
                              void *context, struct error *err)
{
    struct queue_memory *store = store_;
    (void)err;
    for (size_t i = 0; i < store->sources.count; i++) {
        if (strcmp(store->sources.items[i]->name, after) <= 0)
            continue;
        memory_source_count(store, store->sources.items[i]);
        if (each(context, store->sources.items[i]) != 0)
            break;
    }
    return 0;
}

static int memory_source_find(void *store_, const uint8_t *id, const char *name,
                              struct queue_source **out_source, struct error *err)
{
    struct queue_memory *store = store_;
    char text[QUEUE_ID_TEXT] = "";
    *out_source = NULL;
    if (id != NULL)
        queue_id_text(id, text);
    for (size_t i = 0; i < store->sources.count; i++) {
        struct queue_source *source = store->sources.items[i];
        if (id != NULL ? strcmp(source->id, text) != 0 : strcmp(source->name, name) != 0)
            continue;
        memory_source_count(store, source);
        *out_source = queue_source_copy(source);
        return *out_source == NULL ? error_oom(err, "reading a source") : 0;
    }
    return 0;
}

/* Entries come in the order of time, unless the clock is set back: then a day is told in pieces. */
static int memory_source_days(void *store_, const char *name, int64_t first_day,
                              int (*each)(void *context, const struct queue_source_day *day),
                              void *context, struct error *err)
{
    const struct queue_memory *store = store_;
    struct queue_source_day day = {.day = INT64_MIN};
    (void)err;
    for (size_t i = 0; i < store->committed; i++) {
        const struct queue_entry *entry = store->entries[i].entry;
        int64_t at = entry->created_s / 86400;
        if (at < first_day || strcmp(entry->source, name) != 0)
            continue;
        if (at != day.day && day.entries > 0 && each(context, &day) != 0)
            return 0;
        if (at != day.day)
            day = (struct queue_source_day){.day = at};
        day.entries++;
        day.bad += store->entries[i].came_bad;
        day.raw_bytes += entry->has_raw ? entry->raw_size : 0;
    }
    if (day.entries > 0)
        (void)each(context, &day);
    return 0;
}

static int memory_source_tell(void *store_, const struct queue_source_report *reports,
                              size_t count, struct error *err)
{
    struct queue_memory *store = store_;
    return queue_memory_source_tell(&store->sources, reports, count, err);
}

static int memory_source_epoch(void *store_, uint64_t *out_epoch, struct error *err)
{
    const struct queue_memory *store = store_;
    (void)err;
    *out_epoch = store->sources.epoch;
    return 0;
}

const struct queue_backend queue_memory_backend = {
    .name = "memory",
    .open = memory_open,
    .close = memory_close,
    .folder = memory_spool_dir, /* none */
    .spool_dir = memory_spool_dir,
    .claim = memory_claim,
    .put = memory_put,
    .commit = memory_commit,
    .rollback = memory_rollback,
    .known = memory_known,
    .note = memory_note,
    .ledger = memory_ledger,
    .evidence = memory_evidence,
    .settled_like = memory_settled_like,
    .lookalikes = memory_lookalikes,
    .mailbox_get = memory_mailbox_get,
    .adopt = memory_adopt,
    .list = memory_list,
    .find = memory_find,
    .due = memory_due,
    .change = memory_change,
    .raw = memory_raw,
    .stats = memory_stats,
    .source_add = memory_source_add,
    .source_change = memory_source_change,
    .source_remove = memory_source_remove,
    .source_each = memory_source_each,
    .source_find = memory_source_find,
    .source_days = memory_source_days,
    .source_tell = memory_source_tell,
    .source_epoch = memory_source_epoch,
    .named_get = memory_named_get,
    .named_set = memory_named_set,
    .named_each = memory_named_each,
    .hook_set = memory_hook_set,
    .hook_each = memory_hook_each,
    .delivery_next = memory_delivery_next,
    .delivery_tell = memory_delivery_tell,
    .delivery_again = memory_delivery_again,
    .append_open = memory_append_open,
    .append_note = memory_append_note,
    .append_adopt = memory_append_adopt,
};
