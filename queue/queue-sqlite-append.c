/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-append.c - the ledger of deliver in the queue's database. See queue-append.h.
 *
 * An entry's place is its n. Rows are in the order of the entries, so that one walk over both finds
 * what is open. */
#include <config.h>
#include "queue-sqlite.h"

static const char append_reading[] = "reading what was delivered";
static const char append_writing[] = "writing what was delivered";

/* What is open. A target nobody delivered to yet has no number, and 0 is nobody's. */
static int append_page(struct queue_sqlite *store, int64_t target, uint64_t after,
                       struct queue_append *out_items, size_t capacity, size_t *out_count,
                       struct error *err)
{
    sqlite3_stmt *each = queue_sqlite_use(&store->db, SQL_APPEND_OPEN);
    queue_sqlite_bind_int(each, 1, target);
    queue_sqlite_bind_int(each, 2, (int64_t)after);
    queue_sqlite_bind_int(each, 3, (int64_t)capacity);
    int got;
    while ((got = queue_sqlite_step(&store->db, each, append_reading, err)) > 0) {
        struct queue_append *item = &out_items[(*out_count)++];
        *item = (struct queue_append){
            .place = (uint64_t)sqlite3_column_int64(each, 0),
            .step = (enum queue_append_step)sqlite3_column_int(each, 2),
            .attempts = (uint32_t)sqlite3_column_int64(each, 3)};
        const void *id = sqlite3_column_blob(each, 1);
        if (id != NULL) /* its size is checked by the schema */
            queue_id_text(id, item->id);
    }
    return got;
}

int queue_sqlite_append_open(void *store_, const char *target, uint64_t after,
                             struct queue_append *out_items, size_t capacity, size_t *out_count,
                             struct error *err)
{
    struct queue_sqlite *store = store_;
    int64_t number = 0;
    *out_count = 0;
    if (queue_sqlite_read_begin(store, err) < 0)
        return -1;
    int failed =
        queue_sqlite_word_find(store, QUEUE_SQLITE_USE_TARGET, target, &number, err) < 0 ||
        append_page(store, number, after, out_items, capacity, out_count, err) < 0;
    queue_sqlite_read_end(store);
    return failed ? -1 : 0;
}

static int append_write(struct queue_sqlite *store, const char *target,
                        const struct queue_append *items, size_t count, struct error *err)
{
    int64_t number;
    if (queue_sqlite_word_get(store, QUEUE_SQLITE_USE_TARGET, target, &number, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        sqlite3_stmt *note = queue_sqlite_use(&store->db, SQL_APPEND_NOTE);
        queue_sqlite_bind_int(note, 1, number);
        queue_sqlite_bind_int(note, 2, (int64_t)items[i].place);
        queue_sqlite_bind_int(note, 3, items[i].step);
        if (queue_sqlite_run(&store->db, note, append_writing, err) < 0)
            return -1;
    }
    return 0;
}

int queue_sqlite_append_note(void *store_, const char *target, const struct queue_append *items,
                             size_t count, struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_db_ready(&store->db, err) < 0 ||
        queue_sqlite_begin(&store->db, SQL_BEGIN_WRITE, err) < 0)
        return -1;
    if (append_write(store, target, items, count, err) == 0 &&
        queue_sqlite_commit(&store->db, err) == 0)
        return 0;
    queue_sqlite_rollback(&store->db);
    queue_sqlite_forget(store);
    return -1;
}

/* *out_from: the number of that target; 0: it has no rows. */
static int append_has(struct queue_sqlite *store, const char *from, int64_t *out_from,
                      struct error *err)
{
    int64_t number = 0;
    *out_from = 0;
    if (queue_sqlite_read_begin(store, err) < 0)
        return -1;
    int got = queue_sqlite_word_find(store, QUEUE_SQLITE_USE_TARGET, from, &number, err);
    if (got >= 0 && number != 0) {
        sqlite3_stmt *has = queue_sqlite_use(&store->db, SQL_APPEND_HAS);
        queue_sqlite_bind_int(has, 1, number);
        got = queue_sqlite_step(&store->db, has, append_reading, err);
        if (got > 0) {
            *out_from = number;
            queue_sqlite_end(has);
        }
    }
    queue_sqlite_read_end(store);
    return got < 0 ? -1 : 0;
}

static int append_move(struct queue_sqlite *store, int64_t from, const char *to, struct error *err)
{
    int64_t number;
    if (queue_sqlite_word_get(store, QUEUE_SQLITE_USE_TARGET, to, &number, err) < 0)
        return -1;
    sqlite3_stmt *adopt = queue_sqlite_use(&store->db, SQL_APPEND_ADOPT);
    queue_sqlite_bind_int(adopt, 1, from);
    queue_sqlite_bind_int(adopt, 2, number);
    if (queue_sqlite_run(&store->db, adopt, append_writing, err) < 0)
        return -1;
    sqlite3_stmt *forget = queue_sqlite_use(&store->db, SQL_APPEND_FORGET);
    queue_sqlite_bind_int(forget, 1, from);
    return queue_sqlite_run(&store->db, forget, append_writing, err);
}

int queue_sqlite_append_adopt(void *store_, const char *from, const char *to, struct error *err)
{
    struct queue_sqlite *store = store_;
    int64_t number;
    if (append_has(store, from, &number, err) < 0)
        return -1;
    if (number == 0)
        return 0;
    if (queue_sqlite_db_ready(&store->db, err) < 0 ||
        queue_sqlite_begin(&store->db, SQL_BEGIN_WRITE, err) < 0)
        return -1;
    if (append_move(store, number, to, err) == 0 && queue_sqlite_commit(&store->db, err) == 0)
        return 0;
    queue_sqlite_rollback(&store->db);
    queue_sqlite_forget(store);
    return -1;
}
