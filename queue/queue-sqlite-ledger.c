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

/* Columns 0 to 5 of SQL_LEDGER_GET, _PAGE and SQL_UNSETTLED; the origin is left as it is. */
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

static int ledger_note_all(struct queue_sqlite *store, const struct queue_record *records,
                           size_t count, struct error *err)
{
    if (queue_sqlite_begin(&store->db, SQL_BEGIN_WRITE, err) < 0)
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

/* Nothing depends on these: what is lost of them is found out again by looking into the mailbox, or
 * is an attempt too many. */
static bool ledger_may_wait(const struct queue_record *records, size_t count)
{
    size_t i = 0;
    while (i < count &&
           (records[i].step == QUEUE_STEP_MOVED || records[i].step == QUEUE_STEP_UNKNOWN))
        i++;
    return i == count;
}

int queue_sqlite_note(void *store_, const struct queue_record *records, size_t count,
                      struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_db_ready(&store->db, err) < 0)
        return -1;
    if (!ledger_may_wait(records, count))
        return ledger_note_all(store, records, count, err);
    queue_sqlite_db_flush(&store->db, false);
    int failed = ledger_note_all(store, records, count, err);
    queue_sqlite_db_flush(&store->db, true);
    return failed;
}

/* ---- Pages ----------------------------------------------------------------------------------- */

/* A page that is being filled; the texts of origin are kept. */
struct ledger_fill {
    const struct queue_ledger_page *page;
    struct queue_origin origin; /* loader and account, and the mailbox that is being read */
    const struct queue_origin *after;
    struct queue_record *out;
    size_t capacity, count;
};

static int ledger_fill_add(struct queue_sqlite *store, struct ledger_fill *fill, sqlite3_stmt *row,
                           struct error *err)
{
    struct queue_record *record = &fill->out[fill->count];
    *record = (struct queue_record){.origin = fill->origin};
    record->origin.uidvalidity = (uint32_t)sqlite3_column_int64(row, 8);
    record->origin.uid = (uint32_t)sqlite3_column_int64(row, 6);
    record->named_uidvalidity = (uint32_t)sqlite3_column_int64(row, 9);
    record->named_uid = (uint32_t)sqlite3_column_int64(row, 10);
    if (ledger_read(store, row, record, err) < 0 ||
        texts_keep(&store->texts, (const char *)sqlite3_column_text(row, 7), &record->origin.key,
                   err) < 0)
        return -1;
    fill->count++;
    return 0;
}

/* Of one mailbox; only the first one read has something to continue behind. */
static int ledger_fill_scope(struct queue_sqlite *store, struct ledger_fill *fill, int64_t scope,
                             struct error *err)
{
    const struct queue_origin *after = fill->after;
    sqlite3_stmt *each =
        queue_sqlite_use(&store->db, fill->page->unsettled ? SQL_UNSETTLED
                                     : fill->page->settled ? SQL_SETTLED
                                                           : SQL_LEDGER_PAGE);
    queue_sqlite_bind_int(each, 1, scope);
    queue_sqlite_bind_int(each, 2, after == NULL ? -1 : (int64_t)after->uidvalidity);
    queue_sqlite_bind_int(each, 3, after == NULL ? -1 : (int64_t)after->uid);
    queue_sqlite_bind_text(each, 4, after == NULL ? "" : after->key);
    queue_sqlite_bind_int(each, 5, (int64_t)(fill->capacity - fill->count));
    fill->after = NULL;
    int got;
    while ((got = queue_sqlite_step(&store->db, each, ledger_reading, err)) > 0) {
        if (ledger_fill_add(store, fill, each, err) == 0)
            continue;
        queue_sqlite_end(each);
        return -1;
    }
    return got;
}

/* The account's next mailbox behind number *scope: 1, or 0 when there is none. */
static int ledger_next_scope(struct queue_sqlite *store, struct ledger_fill *fill, int64_t *scope,
                             struct error *err)
{
    sqlite3_stmt *next = queue_sqlite_use(&store->db, SQL_SCOPE_NEXT);
    queue_sqlite_bind_int(next, 1, *scope);
    queue_sqlite_bind_text(next, 2, fill->origin.account);
    queue_sqlite_bind_text(next, 3, fill->origin.loader);
    int got = queue_sqlite_step(&store->db, next, ledger_reading, err);
    if (got <= 0)
        return got;
    *scope = sqlite3_column_int64(next, 0);
    got = texts_keep(&store->texts, (const char *)sqlite3_column_text(next, 1),
                     &fill->origin.mailbox, err);
    queue_sqlite_end(next);
    return got < 0 ? -1 : 1;
}

static int ledger_fill_account(struct queue_sqlite *store, struct ledger_fill *fill,
                               struct error *err)
{
    int64_t scope = 0;
    int got = 1;
    if (fill->after != NULL) {
        got = queue_sqlite_scope_find(store, fill->after, &scope, err);
        if (got > 0 &&
            (texts_keep(&store->texts, fill->after->mailbox, &fill->origin.mailbox, err) < 0 ||
             ledger_fill_scope(store, fill, scope, err) < 0))
            return -1;
    }
    while (got > 0 && fill->count < fill->capacity) {
        got = ledger_next_scope(store, fill, &scope, err);
        if (got > 0 && ledger_fill_scope(store, fill, scope, err) < 0)
            return -1;
    }
    return got < 0 ? -1 : 0;
}

static int ledger_fill_page(struct queue_sqlite *store, struct ledger_fill *fill, struct error *err)
{
    int64_t scope;
    if (fill->page->mailbox == NULL)
        return ledger_fill_account(store, fill, err);
    int got = queue_sqlite_scope_find(store, &fill->origin, &scope, err);
    return got <= 0 ? got : ledger_fill_scope(store, fill, scope, err);
}

int queue_sqlite_ledger(void *store_, const struct queue_ledger_page *page,
                        struct queue_record *out_records, size_t capacity, size_t *out_count,
                        struct error *err)
{
    struct queue_sqlite *store = store_;
    struct ledger_fill fill = {page, {0}, page->after, out_records, capacity, 0};
    texts_clear(&store->texts);
    if (texts_keep(&store->texts, page->loader, &fill.origin.loader, err) < 0 ||
        texts_keep(&store->texts, page->account, &fill.origin.account, err) < 0 ||
        texts_keep(&store->texts, page->mailbox, &fill.origin.mailbox, err) < 0 ||
        queue_sqlite_read_begin(store, err) < 0)
        return -1;
    int failed = ledger_fill_page(store, &fill, err);
    queue_sqlite_read_end(store);
    if (failed < 0)
        return -1;
    *out_count = fill.count;
    return 0;
}
