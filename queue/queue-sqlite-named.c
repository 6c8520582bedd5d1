/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-named.c - policies of work queues, in the queue's database. See queue-policy.h. */
#include <config.h>
#include "queue-sqlite.h"

#include <string.h>

#include "text.h"

static const char named_reading[] = "reading the work queues";
static const char named_writing[] = "configuring a work queue";

/* The columns of SQL_NAMED_GET and SQL_NAMED_EACH. A queue without policy has NULLs: zeros. */
static void named_read(sqlite3_stmt *row, struct queue_named *out_named)
{
    const char *name = (const char *)sqlite3_column_text(row, 0);
    const char *error_queue = (const char *)sqlite3_column_text(row, 5);
    *out_named = (struct queue_named){
        .is_error_queue = sqlite3_column_int(row, 11) != 0,
        .policy = {.retry = (enum queue_retry_kind)sqlite3_column_int(row, 1),
                   .retries = (uint32_t)sqlite3_column_int64(row, 2),
                   .retry_s = (uint32_t)sqlite3_column_int64(row, 3),
                   .base_milli = (uint32_t)sqlite3_column_int64(row, 4),
                   .throttle_items = (uint32_t)sqlite3_column_int64(row, 6),
                   .throttle_s = (uint32_t)sqlite3_column_int64(row, 7)},
        .window = {.start_s = sqlite3_column_int64(row, 8),
                   .open_s = sqlite3_column_int64(row, 9),
                   .taken = (uint32_t)sqlite3_column_int64(row, 10)},
        .skipped = (uint64_t)sqlite3_column_int64(row, 13),
    };
    const char *condition = (const char *)sqlite3_column_text(row, 12);
    text_copy(out_named->policy.condition, sizeof out_named->policy.condition,
              condition == NULL ? "" : condition);
    text_copy(out_named->name, sizeof out_named->name, name == NULL ? "" : name);
    text_copy(out_named->policy.error_queue, sizeof out_named->policy.error_queue,
              error_queue == NULL ? "" : error_queue);
}

int queue_sqlite_named_get(void *store_, const char *name, struct queue_named *out_named,
                           struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_db_ready(&store->db, err) < 0)
        return -1;
    sqlite3_stmt *row = queue_sqlite_use(&store->db, SQL_NAMED_GET);
    queue_sqlite_bind_text(row, 1, name);
    int got = queue_sqlite_step(&store->db, row, named_reading, err);
    if (got <= 0)
        return got;
    named_read(row, out_named);
    queue_sqlite_end(row);
    return 0;
}

int queue_sqlite_named_each(void *store_,
                            int (*each)(void *context, const struct queue_named *named),
                            void *context, struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_read_begin(store, err) < 0)
        return -1;
    sqlite3_stmt *row = queue_sqlite_use(&store->db, SQL_NAMED_EACH);
    queue_sqlite_bind_text(row, 1, ""); /* behind no name: all of them */
    int got;
    while ((got = queue_sqlite_step(&store->db, row, named_reading, err)) > 0) {
        struct queue_named named;
        named_read(row, &named);
        if (each(context, &named) == 0)
            continue;
        queue_sqlite_end(row);
        break;
    }
    queue_sqlite_read_end(store);
    return got < 0 ? -1 : 0;
}

static int named_write(struct queue_sqlite *store, const char *name,
                       const struct queue_policy *policy, struct error *err)
{
    int64_t queue, error_queue = 0;
    if (queue_sqlite_word_get(store, QUEUE_SQLITE_USE_QUEUE, name, &queue, err) < 0)
        return -1;
    if (policy->error_queue[0] != '\0' &&
        queue_sqlite_word_get(store, QUEUE_SQLITE_USE_QUEUE, policy->error_queue, &error_queue,
                              err) < 0)
        return -1;
    sqlite3_stmt *set = queue_sqlite_use(&store->db, SQL_NAMED_SET);
    queue_sqlite_bind_int(set, 1, queue);
    queue_sqlite_bind_int(set, 2, policy->retry);
    queue_sqlite_bind_int(set, 3, policy->retries);
    queue_sqlite_bind_int(set, 4, policy->retry_s);
    queue_sqlite_bind_int(set, 5, policy->base_milli);
    queue_sqlite_bind_int(set, 6, error_queue);
    queue_sqlite_bind_int(set, 7, policy->throttle_items);
    queue_sqlite_bind_int(set, 8, policy->throttle_s);
    queue_sqlite_bind_text(set, 9, policy->condition);
    return queue_sqlite_run(&store->db, set, named_writing, err);
}

int queue_sqlite_named_set(void *store_, const char *name, const struct queue_policy *policy,
                           struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_db_ready(&store->db, err) < 0 ||
        queue_sqlite_begin(&store->db, SQL_BEGIN_WRITE, err) < 0)
        return -1;
    if (named_write(store, name, policy, err) == 0 && queue_sqlite_commit(&store->db, err) == 0)
        return 0;
    queue_sqlite_rollback(&store->db);
    queue_sqlite_forget(store);
    return -1;
}
