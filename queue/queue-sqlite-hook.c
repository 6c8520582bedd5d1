/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-hook.c - hooks and their deliveries, in the queue's database. See queue-hook.h.
 *
 * Triggers write the deliveries and count them (queue-sqlite-schema.c): whatever brings an entry
 * into a queue, its deliveries are in the same transaction. */
#include <config.h>
#include "queue-sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

static const char hook_reading[] = "reading the hooks";
static const char hook_writing[] = "writing a hook";
static const char delivery_writing[] = "writing what a hook was told";

static uint64_t hook_number(sqlite3_stmt *row, int at)
{
    int64_t number = sqlite3_column_int64(row, at);
    return number < 0 ? 0 : (uint64_t)number;
}

/* What a column holds, borrowed until the next step. */
static char *hook_text(sqlite3_stmt *row, int at)
{
    const unsigned char *text = sqlite3_column_text(row, at);
    char *out;
    memcpy(&out, &text, sizeof out);
    return out;
}

static uint8_t *hook_bytes(sqlite3_stmt *row, int at)
{
    const void *bytes = sqlite3_column_blob(row, at);
    uint8_t *out;
    memcpy(&out, &bytes, sizeof out);
    return out;
}

/* The columns of SQL_HOOK_EACH. */
static struct queue_hook hook_read(sqlite3_stmt *row)
{
    struct queue_hook hook = {
        .number = hook_number(row, 0),
        .kind = sqlite3_column_int(row, 2) == QUEUE_HOOK_COMMAND ? QUEUE_HOOK_COMMAND
                                                                 : QUEUE_HOOK_WEBHOOK,
        .target = hook_text(row, 3),
        .secret = hook_bytes(row, 4),
        .secret_size = (size_t)sqlite3_column_bytes(row, 4),
        .pending = hook_number(row, 5),
        .failed = hook_number(row, 6),
        .delivered = hook_number(row, 7),
        .error = hook_text(row, 9),
        .error_s = sqlite3_column_int64(row, 10),
    };
    /* Those that an entry's move brought are due since ever: 0 means that none is pending. */
    hook.due_s = sqlite3_column_type(row, 8) == SQLITE_NULL ? 0 : sqlite3_column_int64(row, 8);
    if (hook.pending > 0 && hook.due_s == 0)
        hook.due_s = 1;
    const char *name = hook_text(row, 1);
    text_copy(hook.queue, sizeof hook.queue, name == NULL ? "" : name);
    return hook;
}

int queue_sqlite_hook_each(void *store_,
                           int (*each)(void *context, const struct queue_hook *hook),
                           void *context, struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_read_begin(store, err) < 0)
        return -1;
    sqlite3_stmt *row = queue_sqlite_use(&store->db, SQL_HOOK_EACH);
    queue_sqlite_bind_int(row, 1, 0);
    int got;
    while ((got = queue_sqlite_step(&store->db, row, hook_reading, err)) > 0) {
        struct queue_hook hook = hook_read(row);
        if (hook.target == NULL) /* it is NOT NULL: there was no memory for it */
            got = error_oom(err, hook_reading);
        else if (each(context, &hook) == 0)
            continue;
        queue_sqlite_end(row);
        break;
    }
    queue_sqlite_read_end(store);
    return got < 0 ? -1 : 0;
}

/* ---- Setting --------------------------------------------------------------------------------- */

struct hook_setting {
    const char *name;
    enum queue_hook_kind kind;
    const char *target;
    const uint8_t *secret;
    size_t secret_size;
};

static int hook_write(struct queue_sqlite *store, const struct hook_setting *setting,
                      struct error *err)
{
    int64_t queue;
    if (queue_sqlite_word_get(store, QUEUE_SQLITE_USE_QUEUE, setting->name, &queue, err) < 0)
        return -1;
    bool remove = setting->target == NULL;
    sqlite3_stmt *set = queue_sqlite_use(&store->db, remove ? SQL_HOOK_REMOVE : SQL_HOOK_SET);
    queue_sqlite_bind_int(set, 1, queue);
    queue_sqlite_bind_int(set, 2, setting->kind);
    if (!remove) {
        queue_sqlite_bind_text(set, 3, setting->target);
        queue_sqlite_bind_bytes(set, 4, setting->secret, setting->secret_size);
    }
    return queue_sqlite_run(&store->db, set, hook_writing, err);
}

/* In a transaction of its own. */
static int hook_transact(struct queue_sqlite *store,
                         int (*write)(struct queue_sqlite *store, void *context, struct error *err),
                         void *context, struct error *err)
{
    if (queue_sqlite_db_ready(&store->db, err) < 0 ||
        queue_sqlite_begin(&store->db, SQL_BEGIN_WRITE, err) < 0)
        return -1;
    if (write(store, context, err) == 0 && queue_sqlite_commit(&store->db, err) == 0)
        return 0;
    queue_sqlite_rollback(&store->db);
    queue_sqlite_forget(store);
    return -1;
}

static int hook_set_within(struct queue_sqlite *store, void *context, struct error *err)
{
    return hook_write(store, context, err);
}

int queue_sqlite_hook_set(void *store, const char *name, enum queue_hook_kind kind,
                          const char *target, const uint8_t *secret, size_t secret_size,
                          struct error *err)
{
    struct hook_setting setting = {name, kind, target, secret, secret_size};
    return hook_transact(store, hook_set_within, &setting, err);
}

/* ---- Deliveries ------------------------------------------------------------------------------ */

/* 1: found, with the entry's n. */
static int delivery_find(struct queue_sqlite *store, uint64_t hook,
                         const struct queue_delivery_place *at, int64_t now_s,
                         struct queue_delivery *out_delivery, int64_t *out_n, struct error *err)
{
    sqlite3_stmt *row = queue_sqlite_use(&store->db, SQL_DELIVERY_NEXT);
    queue_sqlite_bind_int(row, 1, (int64_t)hook);
    queue_sqlite_bind_int(row, 2, at->number == 0 ? -1 : at->due_s);
    queue_sqlite_bind_int(row, 3, (int64_t)at->number);
    queue_sqlite_bind_int(row, 4, now_s);
    int got = queue_sqlite_step(&store->db, row, hook_reading, err);
    if (got <= 0)
        return got;
    out_delivery->number = hook_number(row, 0);
    *out_n = sqlite3_column_int64(row, 1);
    out_delivery->moved = sqlite3_column_int(row, 2) != 0;
    out_delivery->tries = (uint32_t)sqlite3_column_int64(row, 3);
    out_delivery->due_s = sqlite3_column_int64(row, 4);
    out_delivery->hook = hook;
    queue_sqlite_end(row);
    return 1;
}

int queue_sqlite_delivery_next(void *store_, uint64_t hook, const struct queue_delivery_place *at,
                               int64_t now_s, struct queue_delivery **out_delivery,
                               struct error *err)
{
    struct queue_sqlite *store = store_;
    int64_t n = 0;
    AUTO(queue_delivery) delivery = calloc(1, sizeof *delivery);
    if (delivery == NULL)
        return error_oom(err, hook_reading);
    if (queue_sqlite_read_begin(store, err) < 0)
        return -1;
    int got = delivery_find(store, hook, at, now_s, delivery, &n, err);
    if (got > 0 && queue_sqlite_entry_read(store, n, true, &delivery->entry, err) < 0)
        got = -1;
    queue_sqlite_read_end(store);
    if (got > 0)
        *out_delivery = TAKE(delivery);
    return got < 0 ? -1 : 0;
}

struct delivery_telling {
    const struct queue_delivery_outcome *outcomes;
    size_t count;
    int64_t now_s;
};

static int delivery_arrived(struct queue_sqlite *store,
                            const struct queue_delivery_outcome *outcome, struct error *err)
{
    sqlite3_stmt *gone = queue_sqlite_use(&store->db, SQL_DELIVERY_REMOVE);
    queue_sqlite_bind_int(gone, 1, (int64_t)outcome->number);
    if (queue_sqlite_run(&store->db, gone, delivery_writing, err) < 0)
        return -1;
    if (sqlite3_changes(store->db.handle) == 0)
        return 0; /* its hook is no longer set */
    sqlite3_stmt *count = queue_sqlite_use(&store->db, SQL_HOOK_ARRIVED);
    queue_sqlite_bind_int(count, 1, (int64_t)outcome->hook);
    return queue_sqlite_run(&store->db, count, delivery_writing, err);
}

static int delivery_failed(struct queue_sqlite *store,
                           const struct queue_delivery_outcome *outcome, int64_t now_s,
                           struct error *err)
{
    char why[QUEUE_HOOK_ERROR_MAX];
    text_copy(why, sizeof why, outcome->error == NULL ? "" : outcome->error);
    sqlite3_stmt *later = queue_sqlite_use(&store->db, SQL_DELIVERY_LATER);
    queue_sqlite_bind_int(later, 1, (int64_t)outcome->number);
    queue_sqlite_bind_int(later, 2, outcome->due_s);
    queue_sqlite_bind_int(later, 3, outcome->outcome == QUEUE_GIVEN_UP);
    if (queue_sqlite_run(&store->db, later, delivery_writing, err) < 0)
        return -1;
    sqlite3_stmt *tell = queue_sqlite_use(&store->db, SQL_HOOK_FAILED);
    queue_sqlite_bind_int(tell, 1, (int64_t)outcome->hook);
    queue_sqlite_bind_text(tell, 2, why);
    queue_sqlite_bind_int(tell, 3, now_s);
    return queue_sqlite_run(&store->db, tell, delivery_writing, err);
}

static int delivery_tell_within(struct queue_sqlite *store, void *context, struct error *err)
{
    const struct delivery_telling *telling = context;
    for (size_t i = 0; i < telling->count; i++) {
        const struct queue_delivery_outcome *outcome = &telling->outcomes[i];
        int bad = outcome->outcome == QUEUE_ARRIVED
                      ? delivery_arrived(store, outcome, err)
                      : delivery_failed(store, outcome, telling->now_s, err);
        if (bad < 0)
            return -1;
    }
    return 0;
}

int queue_sqlite_delivery_tell(void *store, const struct queue_delivery_outcome *outcomes,
                               size_t count, int64_t now_s, struct error *err)
{
    struct delivery_telling telling = {outcomes, count, now_s};
    return hook_transact(store, delivery_tell_within, &telling, err);
}

struct delivery_revival {
    const char *name;
    uint64_t count;
};

static int delivery_again_within(struct queue_sqlite *store, void *context, struct error *err)
{
    struct delivery_revival *revival = context;
    for (unsigned kind = 0; kind < QUEUE_HOOK_KINDS; kind++) {
        sqlite3_stmt *again = queue_sqlite_use(&store->db, SQL_DELIVERY_AGAIN);
        queue_sqlite_bind_text(again, 1, revival->name);
        queue_sqlite_bind_int(again, 2, kind);
        if (queue_sqlite_run(&store->db, again, delivery_writing, err) < 0)
            return -1;
        revival->count += (uint64_t)sqlite3_changes(store->db.handle);
    }
    return 0;
}

int queue_sqlite_delivery_again(void *store, const char *name, uint64_t *out_count,
                                struct error *err)
{
    struct delivery_revival revival = {name, 0};
    if (hook_transact(store, delivery_again_within, &revival, err) < 0)
        return -1;
    *out_count = revival.count;
    return 0;
}
