/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite.c - the work queue in an SQLite database with files beside it: batches. See
 * queue-sqlite.h.
 *
 *   put     (begin, raw file into place, rows) ...   under the write lock of BEGIN IMMEDIATE
 *   commit  flush files, flush their names, COMMIT (flushes the database's log)
 *
 * Files come first, so that no durable entry ever lacks its message. A commit into a database that
 * is not under its path any more is none (queue-sqlite-same.h). */
#include <config.h>
#include "queue-sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "queue-entry.h"
#include "queue-file.h"
#include "text.h"

/* ---- What a failed commit means -------------------------------------------------------------- */

/* How many of the batch's entries are there. -1 when nobody knows. */
static int64_t batch_count(struct queue_sqlite *store)
{
    int64_t count = 0, n;
    for (size_t i = 0; i < store->id_count; i++) {
        int got = queue_sqlite_n_of_id(store, store->ids[i], &n, NULL);
        if (got < 0)
            return -1;
        count += got;
    }
    return count;
}

/* Make sure that a commit whose flush failed can neither appear nor vanish later. Its pages may
 * stand in the log although no connection saw it succeed, and a recovery after a power cut would
 * find it there. So the log is brought into the database and emptied, and one more durable
 * transaction makes whatever was left behind it void. */
static int batch_settle_log(struct queue_sqlite *store)
{
    store->db.suspect = true; /* reopened: it remembers what may never have reached the disk */
    if (queue_sqlite_db_ready(&store->db, NULL) < 0 ||
        queue_sqlite_db_checkpoint(&store->db, NULL) < 0 ||
        queue_sqlite_begin(&store->db, SQL_BEGIN_WRITE, NULL) < 0)
        return -1;
    if (queue_sqlite_run(&store->db, queue_sqlite_use(&store->db, SQL_MEND), "", NULL) == 0 &&
        queue_sqlite_commit(&store->db, NULL) == 0)
        return 0;
    queue_sqlite_rollback(&store->db);
    store->db.suspect = true;
    return -1;
}

/* Sums, and what hooks are to be told, for all entries of the batch at once. */
static int batch_count_entries(struct queue_sqlite *store, struct error *err)
{
    static const enum queue_sqlite_sql counts[] = {SQL_COUNT_TALLY,   SQL_COUNT_SOURCE,
                                                   SQL_COUNT_DAY,     SQL_COUNT_SKIPPED,
                                                   SQL_COUNT_HOOKED,  SQL_COUNTED};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (queue_sqlite_run(&store->db, queue_sqlite_use(&store->db, counts[i]),
                             "counting entries", err) < 0)
            return -1;
    return 0;
}

/* Where the batch begins a new run of entries, sort in what those before that are like. */
static int batch_sort_likes(struct queue_sqlite *store, struct error *err)
{
    static const enum queue_sqlite_sql sorts[] = {SQL_SORT_LIKES, SQL_SORT_DONE};
    int64_t before = store->last - (int64_t)store->id_count;
    int64_t run = store->last >> QUEUE_SQLITE_RUN_SHIFT;
    if (before >> QUEUE_SQLITE_RUN_SHIFT == run)
        return 0;
    for (size_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++) {
        sqlite3_stmt *sort = queue_sqlite_use(&store->db, sorts[i]);
        queue_sqlite_bind_int(sort, 1, run << QUEUE_SQLITE_RUN_SHIFT);
        if (queue_sqlite_run(&store->db, sort, "sorting entries by what they are like", err) < 0)
            return -1;
    }
    return 0;
}

/* The transaction of the batch is gone, and its lock with it: look at what became of it. Its files
 * are removed only when it is sure that no entry needs them. */
static enum queue_commit_result batch_resolve(struct queue_sqlite *store)
{
    enum queue_commit_result result = QUEUE_COMMIT_UNSURE;
    queue_sqlite_forget(store);
    if (batch_settle_log(store) == 0 &&
        queue_sqlite_begin(&store->db, SQL_BEGIN_WRITE, NULL) == 0) {
        int64_t found = batch_count(store);
        if (found == 0)
            result = QUEUE_COMMIT_FAILED;
        else if (found > 0 && (uint64_t)found == store->id_count)
            result = QUEUE_COMMITTED;
        if (result == QUEUE_COMMIT_FAILED)
            queue_sqlite_raw_remove(&store->raw);
        queue_sqlite_rollback(&store->db);
    }
    queue_sqlite_raw_keep(&store->raw);
    return result;
}

static void batch_forget(struct queue_sqlite *store)
{
    store->in_batch = false;
    store->id_count = 0;
}

static void sqlite_rollback(void *store_)
{
    struct queue_sqlite *store = store_;
    if (!store->in_batch)
        return;
    if (queue_sqlite_in_transaction(&store->db)) {
        queue_sqlite_raw_remove(&store->raw);
        queue_sqlite_rollback(&store->db);
    } else if (store->raw.count > 0) {
        (void)batch_resolve(store);
    }
    queue_sqlite_forget(store);
    batch_forget(store);
}

static enum queue_commit_result sqlite_commit(void *store_, struct error *err)
{
    struct queue_sqlite *store = store_;
    struct error why;
    if (batch_count_entries(store, err) < 0 || batch_sort_likes(store, err) < 0 ||
        queue_sqlite_raw_flush(&store->raw, err) < 0) {
        sqlite_rollback(store);
        return QUEUE_COMMIT_FAILED;
    }
    enum queue_commit_result result = QUEUE_COMMITTED;
    fault_point("raw files flushed");
    if (queue_sqlite_commit(&store->db, &why) == 0) {
        queue_sqlite_raw_keep(&store->raw);
    } else if (queue_sqlite_in_transaction(&store->db)) {
        sqlite_rollback(store);
        result = QUEUE_COMMIT_FAILED;
    } else {
        result = batch_resolve(store);
    }
    batch_forget(store);
    if (result != QUEUE_COMMITTED && err != NULL)
        *err = why;
    return result;
}

/* ---- Putting --------------------------------------------------------------------------------- */

static int put_begin(struct queue_sqlite *store, struct error *err)
{
    if (store->in_batch)
        return 0;
    if (queue_sqlite_folder_space(&store->folder, 0, true, err) < 0 ||
        queue_sqlite_db_ready(&store->db, err) < 0 ||
        queue_sqlite_begin(&store->db, SQL_BEGIN_WRITE, err) < 0)
        return -1;
    store->in_batch = true;
    return queue_sqlite_number(&store->db, queue_sqlite_use(&store->db, SQL_ENTRY_LAST),
                               "adding entries", &store->last, err) < 0 ? -1 : 0;
}

static int put_remember_id(struct queue_sqlite *store, const uint8_t id[QUEUE_UUID_SIZE],
                           struct error *err)
{
    if (store->id_count == store->id_capacity) {
        size_t capacity = store->id_capacity == 0 ? 256 : store->id_capacity * 2;
        void *ids = realloc(store->ids, capacity * sizeof store->ids[0]);
        if (ids == NULL)
            return error_oom(err, "keeping an entry");
        store->ids = ids;
        store->id_capacity = capacity;
    }
    memcpy(store->ids[store->id_count++], id, QUEUE_UUID_SIZE);
    return 0;
}

/* One of the two statements that note it as stored: 1, or 0 where it did not apply. */
static int put_ledger_by(struct queue_sqlite *store, enum queue_sqlite_sql sql,
                         const struct queue_item *item, int64_t scope, int64_t n, struct error *err)
{
    sqlite3_stmt *put = queue_sqlite_use(&store->db, sql);
    queue_sqlite_bind_int(put, 1, scope);
    queue_sqlite_bind_int(put, 2, item->origin.uidvalidity);
    queue_sqlite_bind_int(put, 3, item->origin.uid);
    queue_sqlite_bind_text(put, 4, item->origin.key);
    queue_sqlite_bind_int(put, 5, item->error == NULL ? QUEUE_FATE_QUEUED : QUEUE_FATE_BAD);
    queue_sqlite_bind_int(put, 6, n);
    if (queue_sqlite_run(&store->db, put, "writing the ledger", err) < 0)
        return -1;
    return sqlite3_changes(store->db.handle) > 0 ? 1 : 0;
}

/* Entry @n becomes that of this origin: 1; 0: it has one. Mostly its row is there, as attempted. */
static int put_ledger(struct queue_sqlite *store, const struct queue_item *item, int64_t scope,
                      int64_t n, struct error *err)
{
    int stored = put_ledger_by(store, SQL_LEDGER_STORED, item, scope, n, err);
    return stored != 0 ? stored : put_ledger_by(store, SQL_LEDGER_PUT, item, scope, n, err);
}

static enum queue_sqlite_place put_place(const struct queue_item *item)
{
    if (item->raw_bytes == NULL && item->raw_fd < 0)
        return QUEUE_SQLITE_NOWHERE;
    return item->raw_size <= QUEUE_INLINE_MAX ? QUEUE_SQLITE_INLINE : QUEUE_SQLITE_FILE;
}

static int put_entry(struct queue_sqlite *store, const struct queue_item *item,
                     const uint8_t id[QUEUE_UUID_SIZE], int64_t scope, int64_t n,
                     struct error *err)
{
    int64_t class, queue, source;
    if (queue_sqlite_word_get(store, QUEUE_SQLITE_USE_CLASS, item->class, &class, err) < 0 ||
        queue_sqlite_word_get(store, QUEUE_SQLITE_USE_QUEUE, item->queue, &queue, err) < 0 ||
        queue_sqlite_word_get(store, QUEUE_SQLITE_USE_SOURCE, item->source, &source, err) < 0)
        return -1;
    sqlite3_stmt *add = queue_sqlite_use(&store->db, SQL_ENTRY_ADD);
    queue_sqlite_bind_bytes(add, 1, id, QUEUE_UUID_SIZE);
    queue_sqlite_bind_int(add, 2, class);
    queue_sqlite_bind_int(add, 3, queue);
    queue_sqlite_bind_int(add, 4, source);
    queue_sqlite_bind_int(add, 5, queue_item_state(item));
    queue_sqlite_bind_int(add, 6, clock_unix_s(store->clock));
    queue_sqlite_bind_int(add, 7, scope);
    queue_sqlite_bind_int(add, 8, item->origin.uidvalidity);
    queue_sqlite_bind_int(add, 9, item->origin.uid);
    queue_sqlite_bind_text(add, 10, item->origin.key);
    queue_sqlite_bind_text(add, 11, item->error != NULL ? item->error : item->skipped);
    queue_sqlite_bind_text(add, 12, item->sender);
    queue_sqlite_bind_text(add, 13, item->subject);
    queue_sqlite_bind_text(add, 14, item->date_received);
    queue_sqlite_bind_int(add, 15, put_place(item));
    queue_sqlite_bind_int(add, 16, (int64_t)item->raw_size);
    queue_sqlite_bind_bytes(add, 17, item->raw_sha256, QUEUE_DIGEST_SIZE);
    queue_sqlite_bind_int(add, 18, (int64_t)text_fingerprint(item->message_id));
    queue_sqlite_bind_int(add, 19, n);
    return queue_sqlite_run(&store->db, add, "adding an entry", err);
}

static int put_body(struct queue_sqlite *store, const struct queue_item *item, int64_t n,
                    const uint8_t *raw, struct error *err)
{
    bool large = queue_sqlite_content_is_large(item);
    size_t filed = large ? 0 : (size_t)item->content_filed;
    AUTO_TEXT memory = NULL;
    char size[24];
    (void)snprintf(size, sizeof size, "%llu", (unsigned long long)item->content_filed);
    if (filed > 0 && queue_content_load(item, 0, filed, &memory, err) < 0)
        return -1;
    sqlite3_stmt *add = queue_sqlite_use(&store->db, SQL_BODY_ADD);
    queue_sqlite_bind_int(add, 1, n);
    if (large)
        queue_sqlite_bind_text(add, 2, size);
    else if (filed > 0)
        queue_sqlite_bind_chars(add, 2, memory, filed);
    else
        queue_sqlite_bind_chars(add, 2, item->content, item->content_size);
    queue_sqlite_bind_bytes(add, 3, raw, raw == NULL ? 0 : (size_t)item->raw_size);
    if (queue_sqlite_run(&store->db, add, "adding an entry's content", err) < 0)
        return -1;
    return large ? queue_sqlite_content_add(store, n, item, err) : 0;
}

/* The raw bytes that go into the database, NULL for none. They may be read into *out_memory: yours.
 */
static int put_inline(const struct queue_item *item, const uint8_t **out_raw, char **out_memory,
                      struct error *err)
{
    *out_raw = item->raw_bytes;
    if (item->raw_bytes != NULL)
        return 0;
    *out_memory = malloc((size_t)item->raw_size + 1);
    if (*out_memory == NULL)
        return error_oom(err, "keeping a message");
    if (queue_file_read(item->raw_fd, 0, *out_memory, (size_t)item->raw_size) < 0)
        return error_set(err, ERROR_STORE, "cannot read the file of a message: %s",
                         strerror(errno));
    *out_raw = (const uint8_t *)*out_memory;
    return 0;
}

static int put_rows(struct queue_sqlite *store, const struct queue_item *item,
                    const uint8_t id[QUEUE_UUID_SIZE], int64_t scope, int64_t n, struct error *err)
{
    const uint8_t *raw = NULL;
    AUTO_TEXT memory = NULL;
    enum queue_sqlite_place place = put_place(item);
    uint64_t more = item->content_size + item->content_filed;
    more += place == QUEUE_SQLITE_NOWHERE ? 0 : item->raw_size;
    if (queue_sqlite_folder_space(&store->folder, more, false, err) < 0 ||
        put_remember_id(store, id, err) < 0)
        return -1;
    if (place == QUEUE_SQLITE_INLINE && put_inline(item, &raw, &memory, err) < 0)
        return -1;
    if (place == QUEUE_SQLITE_FILE && queue_sqlite_raw_add(&store->raw, id, item, err) < 0)
        return -1;
    if (put_entry(store, item, id, scope, n, err) < 0)
        return -1;
    return put_body(store, item, n, raw, err);
}

static enum queue_put_result sqlite_put(void *store_, const struct queue_item *item,
                                        const uint8_t id[QUEUE_UUID_SIZE], struct error *err)
{
    struct queue_sqlite *store = store_;
    int64_t scope;
    if (put_begin(store, err) < 0 || queue_sqlite_scope_get(store, &item->origin, &scope, err) < 0)
        return QUEUE_PUT_FAILED;
    int64_t n = store->last + 1;
    int stored = put_ledger(store, item, scope, n, err);
    if (stored <= 0)
        return stored == 0 ? QUEUE_PUT_DUPLICATE : QUEUE_PUT_FAILED;
    store->last = n;
    return put_rows(store, item, id, scope, n, err) < 0 ? QUEUE_PUT_FAILED : QUEUE_PUT_ADDED;
}

/* ---- Reading --------------------------------------------------------------------------------- */

int queue_sqlite_read_begin(struct queue_sqlite *store, struct error *err)
{
    if (store->in_batch)
        return 0;
    return queue_sqlite_db_ready(&store->db, err) < 0
               ? -1
               : queue_sqlite_begin(&store->db, SQL_BEGIN_READ, err);
}

void queue_sqlite_read_end(struct queue_sqlite *store)
{
    if (!store->in_batch)
        queue_sqlite_rollback(&store->db);
}

/* ---- Open and close -------------------------------------------------------------------------- */

static void sqlite_close(void *store_)
{
    struct queue_sqlite *store = store_;
    if (store == NULL)
        return;
    sqlite_rollback(store);
    queue_sqlite_db_close(&store->db);
    queue_sqlite_same_done(&store->db.same);
    queue_sqlite_raw_done(&store->raw);
    queue_sqlite_folder_close(&store->folder);
    queue_sqlite_forget(store);
    for (size_t i = 0; i < store->texts.count; i++)
        free(store->texts.items[i]);
    free(store->texts.items);
    free(store->ids);
    free(store->db.path);
    free(store);
}

static int sqlite_open_all(struct queue_sqlite *store, const char *path, struct error *err)
{
    if (queue_sqlite_folder_open(&store->folder, path, err) < 0)
        return -1;
    queue_sqlite_raw_init(&store->raw, &store->folder);
    if (asprintf(&store->db.path, "%s/queue.db", store->folder.path) < 0) {
        store->db.path = NULL;
        return error_oom(err, "opening the queue");
    }
    const struct queue_sqlite_folder *folder = &store->folder;
    if (queue_sqlite_same_init(&store->db.same, folder->path, folder->raw_fd, err) < 0 ||
        queue_sqlite_db_open(&store->db, err) < 0)
        return -1;
    queue_sqlite_folder_unlock(&store->folder);
    return 0;
}

static int sqlite_open(const char *path, const struct clock *clock, void **out_store,
                       struct error *err)
{
    struct queue_sqlite *store = calloc(1, sizeof *store);
    if (store == NULL)
        return error_oom(err, "opening the queue");
    store->clock = clock;
    if (sqlite_open_all(store, path, err) < 0) {
        sqlite_close(store);
        return -1;
    }
    *out_store = store;
    return 0;
}

static int sqlite_claim(void *store_, const uint8_t id[QUEUE_UUID_SIZE], bool *out_claimed,
                        int *out_fd, struct error *err)
{
    const struct queue_sqlite *store = store_;
    return queue_sqlite_claim(&store->folder, id, out_claimed, out_fd, err);
}

static void sqlite_heed(void *store, int (*stopped)(void *context), void *context)
{
    struct queue_sqlite *sqlite = store;
    sqlite->db.stopped = stopped;
    sqlite->db.stopped_context = context;
}

static int sqlite_check(void *store, struct error *err)
{
    return queue_sqlite_same_lost(&((struct queue_sqlite *)store)->db.same, err);
}

static const char *sqlite_folder(const void *store)
{
    return ((const struct queue_sqlite *)store)->folder.path;
}

static const char *sqlite_spool_dir(const void *store)
{
    return ((const struct queue_sqlite *)store)->folder.spool;
}

const struct queue_backend queue_sqlite_backend = {
    .name = "sqlite",
    .needs_path = true,
    .open = sqlite_open,
    .close = sqlite_close,
    .heed = sqlite_heed,
    .check = sqlite_check,
    .folder = sqlite_folder,
    .spool_dir = sqlite_spool_dir,
    .claim = sqlite_claim,
    .put = sqlite_put,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .known = queue_sqlite_known,
    .note = queue_sqlite_note,
    .ledger = queue_sqlite_ledger,
    .evidence = queue_sqlite_evidence,
    .settled_like = queue_sqlite_settled_like,
    .lookalikes = queue_sqlite_lookalikes,
    .mailbox_get = queue_sqlite_mailbox_get,
    .adopt = queue_sqlite_adopt,
    .list = queue_sqlite_list,
    .find = queue_sqlite_find,
    .due = queue_sqlite_due,
    .change = queue_sqlite_change,
    .raw = queue_sqlite_raw_get,
    .stats = queue_sqlite_stats,
    .source_add = queue_sqlite_source_add,
    .source_change = queue_sqlite_source_change,
    .source_remove = queue_sqlite_source_remove,
    .source_each = queue_sqlite_source_each,
    .source_find = queue_sqlite_source_find,
    .source_days = queue_sqlite_source_days,
    .source_tell = queue_sqlite_source_tell,
    .source_epoch = queue_sqlite_source_epoch,
    .named_get = queue_sqlite_named_get,
    .named_set = queue_sqlite_named_set,
    .named_each = queue_sqlite_named_each,
    .hook_set = queue_sqlite_hook_set,
    .hook_each = queue_sqlite_hook_each,
    .delivery_next = queue_sqlite_delivery_next,
    .delivery_tell = queue_sqlite_delivery_tell,
    .delivery_again = queue_sqlite_delivery_again,
    .append_open = queue_sqlite_append_open,
    .append_note = queue_sqlite_append_note,
    .append_adopt = queue_sqlite_append_adopt,
    .access = &queue_sqlite_access,
};
