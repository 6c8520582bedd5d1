/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-ledger.c - how far each message has come. See queue-sqlite.h. */
#include <config.h>
#include "queue-sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "queue-entry.h"
#include "text.h"

static const char ledger_reading[] = "reading the ledger";
static const char ledger_writing[] = "writing the ledger";

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

/* ---- Runs ------------------------------------------------------------------------------------ */

/* How many of these are of one mailbox and have UIDs that follow each other: one statement does for
 * all of them. */
static size_t ledger_run(const struct queue_record *records, size_t count)
{
    const struct queue_origin *first = &records[0].origin;
    size_t run = 1;
    while (run < count && first->uid != 0 &&
           first->uid + (uint64_t)run == records[run].origin.uid &&
           first->uidvalidity == records[run].origin.uidvalidity &&
           text_equal(first->mailbox, records[run].origin.mailbox) &&
           text_equal(first->account, records[run].origin.account) &&
           text_equal_nocase(first->loader, records[run].origin.loader))
        run++;
    return run;
}

/* The same, of records that are noted alike; *out_stride: by how much target_uid ascends. */
static size_t ledger_run_alike(const struct queue_record *records, size_t count,
                               uint32_t *out_stride)
{
    const struct queue_record *first = &records[0];
    size_t run = 1, most = ledger_run(records, count);
    uint32_t stride = most > 1 && records[1].target_uid != first->target_uid ? 1 : 0;
    while (run < most && records[run].step == first->step && records[run].fate == first->fate &&
           records[run].target_uidvalidity == first->target_uidvalidity &&
           records[run].target_uid == first->target_uid + (uint64_t)stride * run &&
           text_equal(records[run].target, first->target))
        run++;
    *out_stride = stride;
    return run;
}

/* A statement whose first five parameters tell of a run. */
static sqlite3_stmt *ledger_use_run(struct queue_sqlite *store, enum queue_sqlite_sql which,
                                    int64_t scope, const struct queue_record *run, size_t count)
{
    sqlite3_stmt *statement = queue_sqlite_use(&store->db, which);
    queue_sqlite_bind_int(statement, 1, scope);
    queue_sqlite_bind_int(statement, 2, run[0].origin.uidvalidity);
    queue_sqlite_bind_int(statement, 3, run[0].origin.uid);
    queue_sqlite_bind_int(statement, 4, run[count - 1].origin.uid);
    queue_sqlite_bind_text(statement, 5, run[0].origin.key);
    return statement;
}

/* ---- Known ----------------------------------------------------------------------------------- */

/* Columns 0 to 5 of SQL_LEDGER_RUN, _PAGE and SQL_UNSETTLED; the origin is left as it is. */
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

/* Read this run's rows; of records that have none only the origin is left. */
static int ledger_known_run(struct queue_sqlite *store, struct queue_record *run, size_t count,
                            struct error *err)
{
    int64_t scope;
    for (size_t i = 0; i < count; i++)
        run[i] = (struct queue_record){.origin = run[i].origin};
    int got = queue_sqlite_scope_find(store, &run[0].origin, &scope, err);
    if (got <= 0)
        return got;
    sqlite3_stmt *get = ledger_use_run(store, SQL_LEDGER_RUN, scope, run, count);
    while ((got = queue_sqlite_step(&store->db, get, ledger_reading, err)) > 0) {
        size_t at = (size_t)(sqlite3_column_int64(get, 6) - run[0].origin.uid);
        if (ledger_read(store, get, &run[at], err) == 0)
            continue;
        queue_sqlite_end(get);
        return -1;
    }
    return got;
}

int queue_sqlite_known(void *store_, struct queue_record *records, size_t count, struct error *err)
{
    struct queue_sqlite *store = store_;
    texts_clear(&store->texts);
    if (queue_sqlite_read_begin(store, err) < 0)
        return -1;
    int failed = 0;
    for (size_t at = 0, run; at < count && failed == 0; at += run) {
        run = ledger_run(records + at, count - at);
        failed = ledger_known_run(store, records + at, run, err);
    }
    queue_sqlite_read_end(store);
    return failed;
}

/* ---- Note ------------------------------------------------------------------------------------ */

/* Records of a mailbox that are noted alike. */
struct ledger_notes {
    const struct queue_record *records;
    size_t count;
    uint32_t stride; /* of target_uid */
    int64_t scope, target; /* target 0: none */
};

/* ATTEMPTED counts, and changes nothing that came later; UNKNOWN takes one attempt back. */
static bool ledger_notes_count(const struct ledger_notes *notes)
{
    return notes->records[0].step <= QUEUE_STEP_ATTEMPTED;
}

static void ledger_bind_target(sqlite3_stmt *statement, const struct ledger_notes *notes)
{
    if (notes->target != 0)
        queue_sqlite_bind_int(statement, 10, notes->target);
    else
        queue_sqlite_bind_text(statement, 10, NULL);
}

/* Note it in the rows that are there; *out_there: how many. */
static int ledger_note_there(struct queue_sqlite *store, enum queue_sqlite_sql which,
                             const struct ledger_notes *notes, size_t *out_there, struct error *err)
{
    const struct queue_record *first = &notes->records[0];
    sqlite3_stmt *note = ledger_use_run(store, which, notes->scope, first, notes->count);
    if (which == SQL_LEDGER_TRIED) {
        queue_sqlite_bind_int(note, 6, first->step == QUEUE_STEP_ATTEMPTED ? 1 : -1);
    } else {
        queue_sqlite_bind_int(note, 6, first->step);
        queue_sqlite_bind_int(note, 7, first->target_uid);
        queue_sqlite_bind_int(note, 8, notes->stride);
        queue_sqlite_bind_int(note, 9, first->target_uidvalidity);
        ledger_bind_target(note, notes);
    }
    if (queue_sqlite_run(&store->db, note, ledger_writing, err) < 0)
        return -1;
    *out_there = (size_t)sqlite3_changes(store->db.handle);
    return 0;
}

/* A row of its own, unless it has one. */
static int ledger_note_add(struct queue_sqlite *store, const struct ledger_notes *notes,
                           const struct queue_record *record, struct error *err)
{
    bool counts = ledger_notes_count(notes);
    sqlite3_stmt *add = queue_sqlite_use(&store->db, SQL_LEDGER_ADD);
    queue_sqlite_bind_int(add, 1, notes->scope);
    queue_sqlite_bind_int(add, 2, record->origin.uidvalidity);
    queue_sqlite_bind_int(add, 3, record->origin.uid);
    queue_sqlite_bind_text(add, 4, record->origin.key);
    queue_sqlite_bind_int(add, 5, counts ? QUEUE_STEP_ATTEMPTED : record->step);
    queue_sqlite_bind_int(add, 6, record->step == QUEUE_STEP_ATTEMPTED ? 1 : 0);
    queue_sqlite_bind_int(add, 7, counts ? 0 : record->fate);
    queue_sqlite_bind_int(add, 8, counts ? 0 : record->target_uidvalidity);
    queue_sqlite_bind_int(add, 9, counts ? 0 : record->target_uid);
    if (counts)
        queue_sqlite_bind_text(add, 10, NULL);
    else
        ledger_bind_target(add, notes);
    return queue_sqlite_run(&store->db, add, ledger_writing, err);
}

/* First the rows that are there, of which no step may be counted twice, then those that are not. */
static int ledger_note_alike(struct queue_sqlite *store, const struct ledger_notes *notes,
                             struct error *err)
{
    size_t there = 0;
    bool counts = ledger_notes_count(notes);
    if (ledger_note_there(store, counts ? SQL_LEDGER_TRIED : SQL_LEDGER_STEP, notes, &there, err) <
        0)
        return -1;
    if (there < notes->count && !counts &&
        ledger_note_there(store, SQL_LEDGER_TARGET, notes, &there, err) < 0)
        return -1;
    for (size_t i = 0; there < notes->count && i < notes->count; i++)
        if (ledger_note_add(store, notes, &notes->records[i], err) < 0)
            return -1;
    return 0;
}

/* As many of these as can be noted at once. */
static int ledger_note(struct queue_sqlite *store, const struct queue_record *records, size_t count,
                       size_t *out_noted, struct error *err)
{
    struct ledger_notes notes = {.records = records};
    notes.count = ledger_run_alike(records, count, &notes.stride);
    if (queue_sqlite_scope_get(store, &records[0].origin, &notes.scope, err) < 0)
        return -1;
    if (records[0].target != NULL &&
        queue_sqlite_word_get(store, QUEUE_SQLITE_USE_TARGET, records[0].target, &notes.target,
                              err) < 0)
        return -1;
    *out_noted = notes.count;
    return ledger_note_alike(store, &notes, err);
}

static int ledger_note_all(struct queue_sqlite *store, const struct queue_record *records,
                           size_t count, struct error *err)
{
    if (queue_sqlite_begin(&store->db, SQL_BEGIN_WRITE, err) < 0)
        return -1;
    int failed = 0;
    for (size_t at = 0, noted = 0; at < count && failed == 0; at += noted)
        failed = ledger_note(store, records + at, count - at, &noted, err);
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
