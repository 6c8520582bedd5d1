/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-source.c - the sources, in the queue's database. See queue-source.h.
 *
 * Triggers raise the epoch and keep the counts (queue-sqlite-schema.c): whoever writes, they are
 * right. */
#include <config.h>
#include "queue-sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "queue-entry.h"
#include "text.h"

static const char source_reading[] = "reading the sources";
static const char source_writing[] = "writing a source";

/* ---- Reading --------------------------------------------------------------------------------- */

static const char *source_column(sqlite3_stmt *row, int at)
{
    return (const char *)sqlite3_column_text(row, at);
}

static uint64_t source_number(sqlite3_stmt *row, int at)
{
    int64_t number = sqlite3_column_int64(row, at);
    return number < 0 ? 0 : (uint64_t)number;
}

static void source_read_id(sqlite3_stmt *row, int at, char out_id[QUEUE_ID_TEXT])
{
    const void *id = sqlite3_column_blob(row, at);
    out_id[0] = '\0';
    if (id != NULL && sqlite3_column_bytes(row, at) == (int)QUEUE_UUID_SIZE)
        queue_id_text(id, out_id);
}

static int source_read_secret(sqlite3_stmt *row, int at, struct queue_source *source)
{
    const void *bytes = sqlite3_column_blob(row, at);
    if (bytes == NULL)
        return 0;
    source->secret_size = (size_t)sqlite3_column_bytes(row, at);
    source->secret = malloc(source->secret_size + 1);
    if (source->secret == NULL)
        return -1;
    memcpy(source->secret, bytes, source->secret_size);
    return 0;
}

/* Columns 12 to 25 of SQL_SOURCE_EACH. */
static int source_read_report(sqlite3_stmt *row, struct queue_source_report *report)
{
    int failed = 0;
    failed |= queue_text_copy(source_column(row, 12), &report->status);
    failed |= queue_text_copy(source_column(row, 13), &report->detail);
    failed |= queue_text_copy(source_column(row, 14), &report->status_message);
    failed |= queue_text_copy(source_column(row, 15), &report->last_message);
    failed |= queue_text_copy(source_column(row, 16), &report->cursor);
    report->status_since_s = sqlite3_column_int64(row, 17);
    report->last_contact_s = sqlite3_column_int64(row, 18);
    report->last_success_s = sqlite3_column_int64(row, 19);
    report->next_try_s = sqlite3_column_int64(row, 20);
    report->import_started_s = sqlite3_column_int64(row, 21);
    report->import_ended_s = sqlite3_column_int64(row, 22);
    report->left = source_number(row, 23);
    report->failures = source_number(row, 24);
    report->rate_milli = source_number(row, 25);
    return failed;
}

static struct queue_source *source_read(sqlite3_stmt *row)
{
    AUTO(queue_source) source = queue_source_new();
    if (source == NULL)
        return NULL;
    source_read_id(row, 0, source->id);
    text_copy(source->report.id, sizeof source->report.id, source->id);
    source->version = source_number(row, 1);
    int failed = 0;
    failed |= queue_text_copy(source_column(row, 2), &source->name);
    failed |= queue_text_copy(source_column(row, 3), &source->loader);
    failed |= queue_text_copy(source_column(row, 4), &source->connection);
    failed |= queue_text_copy(source_column(row, 5), &source->user);
    failed |= queue_text_copy(source_column(row, 6), &source->queue);
    failed |= queue_text_copy(source_column(row, 7), &source->secret_kind);
    failed |= source_read_secret(row, 8, source);
    source->interval_s = source_number(row, 9);
    source->paused = sqlite3_column_int(row, 10) != 0;
    source->syncs = source_number(row, 11);
    failed |= source_read_report(row, &source->report);
    source->created_s = sqlite3_column_int64(row, 26);
    source->queued = source_number(row, 27);
    source->bad = source_number(row, 28);
    source->guarded = sqlite3_column_int(row, 29) != 0;
    return failed != 0 ? NULL : TAKE(source);
}

static int source_walk(struct queue_sqlite *store, const char *after,
                       int (*each)(void *context, const struct queue_source *source), void *context,
                       struct error *err)
{
    sqlite3_stmt *row = queue_sqlite_use(&store->db, SQL_SOURCE_EACH);
    queue_sqlite_bind_text(row, 1, after);
    int got;
    while ((got = queue_sqlite_step(&store->db, row, source_reading, err)) > 0) {
        AUTO(queue_source) source = source_read(row);
        int stop = source == NULL ? error_oom(err, source_reading) : each(context, source);
        if (stop == 0)
            continue;
        queue_sqlite_end(row);
        return source == NULL ? -1 : 0;
    }
    return got;
}

int queue_sqlite_source_each(void *store_, const char *after,
                             int (*each)(void *context, const struct queue_source *source),
                             void *context, struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_read_begin(store, err) < 0)
        return -1;
    int failed = source_walk(store, after, each, context, err);
    queue_sqlite_read_end(store);
    return failed;
}

int queue_sqlite_source_find(void *store_, const uint8_t *id, const char *name,
                             struct queue_source **out_source, struct error *err)
{
    struct queue_sqlite *store = store_;
    *out_source = NULL;
    if (queue_sqlite_db_ready(&store->db, err) < 0)
        return -1;
    sqlite3_stmt *row =
        queue_sqlite_use(&store->db, id != NULL ? SQL_SOURCE_BY_ID : SQL_SOURCE_BY_NAME);
    if (id != NULL)
        queue_sqlite_bind_bytes(row, 1, id, QUEUE_UUID_SIZE);
    else
        queue_sqlite_bind_text(row, 1, name);
    int got = queue_sqlite_step(&store->db, row, source_reading, err);
    if (got <= 0)
        return got;
    *out_source = source_read(row);
    queue_sqlite_end(row);
    return *out_source == NULL ? error_oom(err, source_reading) : 0;
}

int queue_sqlite_source_days(void *store_, const char *name, int64_t first_day,
                             int (*each)(void *context, const struct queue_source_day *day),
                             void *context, struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_db_ready(&store->db, err) < 0)
        return -1;
    sqlite3_stmt *row = queue_sqlite_use(&store->db, SQL_SOURCE_DAYS);
    queue_sqlite_bind_text(row, 1, name);
    queue_sqlite_bind_int(row, 2, first_day);
    int got;
    while ((got = queue_sqlite_step(&store->db, row, source_reading, err)) > 0) {
        const struct queue_source_day day = {.day = sqlite3_column_int64(row, 0),
                                             .entries = source_number(row, 1),
                                             .bad = source_number(row, 2),
                                             .raw_bytes = source_number(row, 3)};
        if (each(context, &day) == 0)
            continue;
        queue_sqlite_end(row);
        return 0;
    }
    return got;
}

int queue_sqlite_source_epoch(void *store_, uint64_t *out_epoch, struct error *err)
{
    struct queue_sqlite *store = store_;
    int64_t epoch = 0;
    if (queue_sqlite_db_ready(&store->db, err) < 0 ||
        queue_sqlite_number(&store->db, queue_sqlite_use(&store->db, SQL_SOURCE_EPOCH),
                            source_reading, &epoch, err) < 0)
        return -1;
    *out_epoch = (uint64_t)epoch;
    return 0;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* ?1 id, ?2 version, ?3... as in SQL_SOURCE_ADD and SQL_SOURCE_CHANGE. */
static void source_bind(sqlite3_stmt *to, const struct queue_source *source,
                        const uint8_t id[QUEUE_UUID_SIZE])
{
    queue_sqlite_bind_bytes(to, 1, id, QUEUE_UUID_SIZE);
    queue_sqlite_bind_int(to, 2, (int64_t)source->version);
    queue_sqlite_bind_text(to, 3, source->name);
    queue_sqlite_bind_text(to, 4, source->loader);
    queue_sqlite_bind_text(to, 5, source->connection);
    queue_sqlite_bind_text(to, 6, source->user);
    queue_sqlite_bind_text(to, 7, source->queue);
    queue_sqlite_bind_text(to, 8, source->secret_kind);
    queue_sqlite_bind_bytes(to, 9, source->secret, source->secret_size);
    queue_sqlite_bind_int(to, 10, (int64_t)source->interval_s);
    queue_sqlite_bind_int(to, 11, source->paused ? 1 : 0);
    queue_sqlite_bind_int(to, 12, (int64_t)source->syncs);
    queue_sqlite_bind_int(to, 13, source->guarded ? 1 : 0);
}

static void source_id_of(const char *text, uint8_t out_id[QUEUE_UUID_SIZE])
{
    struct queue_id_range range = {0};
    (void)queue_id_range_of(text, &range); /* queue-source.c looked at it */
    memcpy(out_id, range.first, QUEUE_UUID_SIZE);
}

/* Run @statement, a single one, durably. */
static int source_write(struct queue_sqlite *store, sqlite3_stmt *statement, bool *out_done,
                        struct error *err)
{
    if (queue_sqlite_begin(&store->db, SQL_BEGIN_WRITE, err) < 0)
        return -1;
    if (queue_sqlite_run(&store->db, statement, source_writing, err) < 0) {
        queue_sqlite_rollback(&store->db);
        return -1;
    }
    *out_done = sqlite3_changes(store->db.handle) > 0;
    if (queue_sqlite_commit(&store->db, err) == 0)
        return 0;
    queue_sqlite_rollback(&store->db);
    return -1;
}

int queue_sqlite_source_add(void *store_, const struct queue_source *source, bool *out_done,
                            struct error *err)
{
    struct queue_sqlite *store = store_;
    uint8_t id[QUEUE_UUID_SIZE];
    source_id_of(source->id, id);
    if (queue_sqlite_db_ready(&store->db, err) < 0)
        return -1;
    sqlite3_stmt *add = queue_sqlite_use(&store->db, SQL_SOURCE_ADD);
    source_bind(add, source, id);
    queue_sqlite_bind_int(add, 14, source->created_s);
    return source_write(store, add, out_done, err);
}

int queue_sqlite_source_change(void *store_, const struct queue_source *source, bool *out_done,
                               struct error *err)
{
    struct queue_sqlite *store = store_;
    uint8_t id[QUEUE_UUID_SIZE];
    source_id_of(source->id, id);
    if (queue_sqlite_db_ready(&store->db, err) < 0)
        return -1;
    sqlite3_stmt *change = queue_sqlite_use(&store->db, SQL_SOURCE_CHANGE);
    source_bind(change, source, id);
    return source_write(store, change, out_done, err);
}

int queue_sqlite_source_remove(void *store_, const uint8_t id[QUEUE_UUID_SIZE], bool *out_done,
                               struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_db_ready(&store->db, err) < 0)
        return -1;
    sqlite3_stmt *drop = queue_sqlite_use(&store->db, SQL_SOURCE_REMOVE);
    queue_sqlite_bind_bytes(drop, 1, id, QUEUE_UUID_SIZE);
    return source_write(store, drop, out_done, err);
}

static int source_tell_one(struct queue_sqlite *store, const struct queue_source_report *report,
                           struct error *err)
{
    uint8_t id[QUEUE_UUID_SIZE];
    source_id_of(report->id, id);
    sqlite3_stmt *tell = queue_sqlite_use(&store->db, SQL_SOURCE_TELL);
    queue_sqlite_bind_bytes(tell, 1, id, QUEUE_UUID_SIZE);
    queue_sqlite_bind_text(tell, 2, report->status);
    queue_sqlite_bind_text(tell, 3, report->detail);
    queue_sqlite_bind_text(tell, 4, report->status_message);
    queue_sqlite_bind_text(tell, 5, report->last_message);
    queue_sqlite_bind_text(tell, 6, report->cursor);
    queue_sqlite_bind_int(tell, 7, report->status_since_s);
    queue_sqlite_bind_int(tell, 8, report->last_contact_s);
    queue_sqlite_bind_int(tell, 9, report->last_success_s);
    queue_sqlite_bind_int(tell, 10, report->next_try_s);
    queue_sqlite_bind_int(tell, 11, report->import_started_s);
    queue_sqlite_bind_int(tell, 12, report->import_ended_s);
    queue_sqlite_bind_int(tell, 13, (int64_t)report->left);
    queue_sqlite_bind_int(tell, 14, (int64_t)report->failures);
    queue_sqlite_bind_int(tell, 15, (int64_t)report->rate_milli);
    return queue_sqlite_run(&store->db, tell, "writing the report of a source", err);
}

int queue_sqlite_source_tell(void *store_, const struct queue_source_report *reports, size_t count,
                             struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_db_ready(&store->db, err) < 0 ||
        queue_sqlite_begin(&store->db, SQL_BEGIN_WRITE, err) < 0)
        return -1;
    int failed = 0;
    for (size_t i = 0; i < count && failed == 0; i++)
        failed = source_tell_one(store, &reports[i], err);
    if (failed == 0 && queue_sqlite_commit(&store->db, err) == 0)
        return 0;
    queue_sqlite_rollback(&store->db);
    return -1;
}
