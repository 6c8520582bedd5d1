/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-ledger.c - how far each message has come. See queue-sqlite.h. */
#include <config.h>
#include "queue-sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "queue-entry.h"

static const char ledger_reading[] = "reading the ledger";

/* ---- Texts of records that are handed out ---------------------------------------------------- */

static void texts_clear(struct queue_sqlite_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        free(texts->items[i]);
    texts->count = 0;
}

/* *out_kept lives until texts_clear(); one that equals the last is not kept twice. */
static int texts_keep(struct queue_sqlite_texts *texts, const char *text, const char **out_kept,
                      struct error *err)
{
    if (text != NULL && texts->count > 0 && strcmp(texts->items[texts->count - 1], text) == 0) {
        *out_kept = texts->items[texts->count - 1];
        return 0;
    }
    *out_kept = NULL;
    if (text == NULL)
        return 0;
    if (texts->count == texts->capacity) {
        size_t capacity = texts->capacity == 0 ? 16 : texts->capacity * 2;
        char **items = realloc(texts->items, capacity * sizeof *items);
        if (items == NULL)
            return error_oom(err, ledger_reading);
        texts->items = items;
        texts->capacity = capacity;
    }
    if (queue_text_copy(text, &texts->items[texts->count]) < 0)
        return error_oom(err, ledger_reading);
    *out_kept = texts->items[texts->count++];
    return 0;
}

/* ---- Known ----------------------------------------------------------------------------------- */

/* Columns 0 to 5 of SQL_LEDGER_GET and SQL_UNSETTLED; the origin is left as it is. */
static int ledger_read(struct queue_sqlite *store, sqlite3_stmt *row, struct queue_record *record,
                       struct error *err)
{
    record->step = (enum queue_step)sqlite3_column_int(row, 0);
    record->attempts = (uint32_t)sqlite3_column_int64(row, 1);
    record->fate = (uint32_t)sqlite3_column_int64(row, 2);
    record->target_uidvalidity = (uint32_t)sqlite3_column_int64(row, 3);
    record->target_uid = (uint32_t)sqlite3_column_int64(row, 4);
    return texts_keep(&store->texts, (const char *)sqlite3_column_text(row, 5), &record->target,
                      err);
}

static int ledger_known(struct queue_sqlite *store, struct queue_record *record, struct error *err)
{
    int64_t scope;
    struct queue_origin origin = record->origin;
    *record = (struct queue_record){.origin = origin};
    int got = queue_sqlite_scope_find(store, &origin, &scope, err);
    if (got <= 0)
        return got;
    sqlite3_stmt *get = queue_sqlite_use(&store->db, SQL_LEDGER_GET);
    queue_sqlite_bind_int(get, 1, scope);
    queue_sqlite_bind_int(get, 2, origin.uidvalidity);
    queue_sqlite_bind_int(get, 3, origin.uid);
    queue_sqlite_bind_text(get, 4, origin.key);
    got = queue_sqlite_step(&store->db, get, ledger_reading, err);
    if (got <= 0)
        return got;
    int failed = ledger_read(store, get, record, err);
    queue_sqlite_end(get);
    return failed;
}

int queue_sqlite_known(void *store_, struct queue_record *records, size_t count, struct error *err)
{
    struct queue_sqlite *store = store_;
    texts_clear(&store->texts);
    if (queue_sqlite_read_begin(store, err) < 0)
        return -1;
    int failed = 0;
    for (size_t i = 0; i < count && failed == 0; i++)
        failed = ledger_known(store, &records[i], err);
    queue_sqlite_read_end(store);
    return failed;
}

/* ---- Note ------------------------------------------------------------------------------------ */

static int ledger_note(struct queue_sqlite *store, const struct queue_record *record,
                       struct error *err)
{
    int64_t scope, target = 0;
    if (queue_sqlite_scope_get(store, &record->origin, &scope, err) < 0)
        return -1;
    if (record->target != NULL &&
        queue_sqlite_word_get(store, QUEUE_SQLITE_USE_TARGET, record->target, &target, err) < 0)
        return -1;
    sqlite3_stmt *note = queue_sqlite_use(&store->db, SQL_LEDGER_NOTE);
    queue_sqlite_bind_int(note, 1, scope);
    queue_sqlite_bind_int(note, 2, record->origin.uidvalidity);
    queue_sqlite_bind_int(note, 3, record->origin.uid);
    queue_sqlite_bind_text(note, 4, record->origin.key);
    queue_sqlite_bind_int(note, 5, record->step);
    queue_sqlite_bind_int(note, 6, record->fate);
    queue_sqlite_bind_int(note, 7, record->target_uidvalidity);
    queue_sqlite_bind_int(note, 8, record->target_uid);
    if (record->target != NULL)
        queue_sqlite_bind_int(note, 9, target);
    else
        queue_sqlite_bind_text(note, 9, NULL);
    return queue_sqlite_run(&store->db, note, "writing the ledger", err);
}

int queue_sqlite_note(void *store_, const struct queue_record *records, size_t count,
                      struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_db_ready(&store->db, err) < 0 ||
        queue_sqlite_begin(&store->db, SQL_BEGIN_WRITE, err) < 0)
        return -1;
    int failed = 0;
    for (size_t i = 0; i < count && failed == 0; i++)
        failed = ledger_note(store, &records[i], err);
    if (failed == 0 && queue_sqlite_commit(&store->db, err) == 0)
        return 0;
    /* Whether a failed commit counts is not asked: each step may be noted twice, and none that
     * was refused is taken. */
    queue_sqlite_rollback(&store->db);
    queue_sqlite_forget(store);
    return -1;
}

/* ---- Unsettled ------------------------------------------------------------------------------- */

struct ledger_page {
    const struct queue_origin *mailbox; /* its texts are kept */
    int64_t scope;
    uint32_t after_uid;
    struct queue_record *out;
    size_t capacity, count;
};

static int ledger_page_add(struct queue_sqlite *store, struct ledger_page *page, sqlite3_stmt *row,
                           uint32_t uidvalidity, struct error *err)
{
    struct queue_record *record = &page->out[page->count];
    *record = (struct queue_record){.origin = *page->mailbox};
    record->origin.uidvalidity = uidvalidity;
    record->origin.uid = (uint32_t)sqlite3_column_int64(row, 6);
    if (ledger_read(store, row, record, err) < 0 ||
        texts_keep(&store->texts, (const char *)sqlite3_column_text(row, 7), &record->origin.key,
                   err) < 0)
        return -1;
    page->count++;
    return 0;
}

/* What is unsettled of one epoch. */
static int ledger_page_epoch(struct queue_sqlite *store, struct ledger_page *page,
                             uint32_t uidvalidity, struct error *err)
{
    sqlite3_stmt *each = queue_sqlite_use(&store->db, SQL_UNSETTLED);
    queue_sqlite_bind_int(each, 1, page->scope);
    queue_sqlite_bind_int(each, 2, uidvalidity);
    queue_sqlite_bind_int(each, 3, page->after_uid == 0 ? -1 : (int64_t)page->after_uid);
    queue_sqlite_bind_int(each, 4, (int64_t)(page->capacity - page->count));
    int got;
    while ((got = queue_sqlite_step(&store->db, each, ledger_reading, err)) > 0) {
        if (ledger_page_add(store, page, each, uidvalidity, err) == 0)
            continue;
        queue_sqlite_end(each);
        return -1;
    }
    return got;
}

static int ledger_page_fill(struct queue_sqlite *store, struct ledger_page *page, struct error *err)
{
    int64_t epoch = -1;
    while (page->count < page->capacity) {
        sqlite3_stmt *next = queue_sqlite_use(&store->db, SQL_UNSETTLED_EPOCH);
        queue_sqlite_bind_int(next, 1, page->scope);
        queue_sqlite_bind_int(next, 2, epoch);
        int got = queue_sqlite_number(&store->db, next, ledger_reading, &epoch, err);
        if (got <= 0)
            return got;
        if (ledger_page_epoch(store, page, (uint32_t)epoch, err) < 0)
            return -1;
    }
    return 0;
}

int queue_sqlite_unsettled(void *store_, const struct queue_origin *mailbox, uint32_t after_uid,
                           struct queue_record *out_records, size_t capacity, size_t *out_count,
                           struct error *err)
{
    struct queue_sqlite *store = store_;
    struct queue_origin kept = {0};
    struct ledger_page page = {&kept, 0, after_uid, out_records, capacity, 0};
    texts_clear(&store->texts);
    if (texts_keep(&store->texts, mailbox->loader, &kept.loader, err) < 0 ||
        texts_keep(&store->texts, mailbox->account, &kept.account, err) < 0 ||
        texts_keep(&store->texts, mailbox->mailbox, &kept.mailbox, err) < 0 ||
        queue_sqlite_read_begin(store, err) < 0)
        return -1;
    int got = queue_sqlite_scope_find(store, mailbox, &page.scope, err);
    if (got > 0)
        got = ledger_page_fill(store, &page, err);
    queue_sqlite_read_end(store);
    if (got < 0)
        return -1;
    *out_count = page.count;
    return 0;
}
