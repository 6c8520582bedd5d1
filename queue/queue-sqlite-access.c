/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-access.c - users, tokens and the audit, in the queue's database. See
 * queue-access.h. */
#include <config.h>
#include "queue-sqlite.h"

#include <string.h>

#include "queue-access.h"
#include "text.h"

static const char access_reading[] = "reading users";
static const char access_writing[] = "writing users";

/* ---- Columns --------------------------------------------------------------------------------- */

static void access_text(sqlite3_stmt *row, int at, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(row, at);
    text_copy(out, size, text == NULL ? "" : text);
}

static void access_user_read(sqlite3_stmt *row, struct queue_user *out)
{
    memset(out, 0, sizeof *out);
    access_text(row, 0, out->id, sizeof out->id);
    access_text(row, 1, out->name, sizeof out->name);
    access_text(row, 2, out->password, sizeof out->password);
    out->role = (uint32_t)sqlite3_column_int64(row, 3);
    out->created_s = sqlite3_column_int64(row, 4);
}

static void access_token_read(sqlite3_stmt *row, struct queue_token *out)
{
    const void *digest = sqlite3_column_blob(row, 3);
    memset(out, 0, sizeof *out);
    access_text(row, 0, out->id, sizeof out->id);
    out->kind = (uint32_t)sqlite3_column_int64(row, 1);
    out->role = (uint32_t)sqlite3_column_int64(row, 2);
    if (digest != NULL) /* its size is checked by the schema */
        memcpy(out->digest, digest, sizeof out->digest);
    access_text(row, 4, out->user_id, sizeof out->user_id);
    access_text(row, 5, out->name, sizeof out->name);
    out->created_s = sqlite3_column_int64(row, 6);
    out->ends_s = sqlite3_column_int64(row, 7);
    out->used_s = sqlite3_column_int64(row, 8);
}

static void access_audit_read(sqlite3_stmt *row, struct queue_audit *out)
{
    out->number = (uint64_t)sqlite3_column_int64(row, 0);
    out->time_s = sqlite3_column_int64(row, 1);
    access_text(row, 2, out->who, sizeof out->who);
    access_text(row, 3, out->from, sizeof out->from);
    access_text(row, 4, out->what, sizeof out->what);
    access_text(row, 5, out->object, sizeof out->object);
    out->result = (uint32_t)sqlite3_column_int64(row, 6);
}

/* ---- Running --------------------------------------------------------------------------------- */

/* Run each of @statements, in one durable transaction; *out_changed tells of the first. */
static int access_write(struct queue_sqlite *store, sqlite3_stmt *const statements[], size_t count,
                        bool *out_changed, struct error *err)
{
    if (queue_sqlite_begin(&store->db, SQL_BEGIN_WRITE, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (queue_sqlite_run(&store->db, statements[i], access_writing, err) < 0) {
            queue_sqlite_rollback(&store->db);
            return -1;
        }
        if (i == 0)
            *out_changed = sqlite3_changes(store->db.handle) > 0;
    }
    if (queue_sqlite_commit(&store->db, err) == 0)
        return 0;
    queue_sqlite_rollback(&store->db);
    return -1;
}

/* ---- Users ----------------------------------------------------------------------------------- */

static int access_user_add(void *store_, const struct queue_user *user, bool *out_done,
                           struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_db_ready(&store->db, err) < 0)
        return -1;
    sqlite3_stmt *add = queue_sqlite_use(&store->db, SQL_USER_ADD);
    queue_sqlite_bind_text(add, 1, user->id);
    queue_sqlite_bind_text(add, 2, user->name);
    queue_sqlite_bind_text(add, 3, user->password);
    queue_sqlite_bind_int(add, 4, user->role);
    queue_sqlite_bind_int(add, 5, user->created_s);
    return access_write(store, &add, 1, out_done, err);
}

static int access_user_change(void *store_, const struct queue_user *user, uint32_t kept_kind,
                              bool *out_done, struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_db_ready(&store->db, err) < 0)
        return -1;
    sqlite3_stmt *change = queue_sqlite_use(&store->db, SQL_USER_CHANGE);
    queue_sqlite_bind_text(change, 1, user->id);
    queue_sqlite_bind_text(change, 2, user->password);
    queue_sqlite_bind_int(change, 3, user->role);
    sqlite3_stmt *end = queue_sqlite_use(&store->db, SQL_TOKEN_END);
    queue_sqlite_bind_text(end, 1, user->id);
    queue_sqlite_bind_int(end, 2, kept_kind);
    return access_write(store, (sqlite3_stmt *[]){change, end}, 2, out_done, err);
}

static int access_user_remove(void *store_, const char *id, bool *out_done, struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_db_ready(&store->db, err) < 0)
        return -1;
    sqlite3_stmt *drop = queue_sqlite_use(&store->db, SQL_USER_REMOVE);
    queue_sqlite_bind_text(drop, 1, id);
    return access_write(store, &drop, 1, out_done, err);
}

static int access_user_find(void *store_, const char *id, const char *name,
                            struct queue_user *out_user, bool *out_found, struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_db_ready(&store->db, err) < 0)
        return -1;
    sqlite3_stmt *get =
        queue_sqlite_use(&store->db, id != NULL ? SQL_USER_BY_ID : SQL_USER_BY_NAME);
    queue_sqlite_bind_text(get, 1, id != NULL ? id : name);
    int got = queue_sqlite_step(&store->db, get, access_reading, err);
    *out_found = got > 0;
    if (got <= 0)
        return got;
    access_user_read(get, out_user);
    queue_sqlite_end(get);
    return 0;
}

static int access_user_each(void *store_, int (*each)(void *context, const struct queue_user *user),
                            void *context, struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_db_ready(&store->db, err) < 0)
        return -1;
    sqlite3_stmt *row = queue_sqlite_use(&store->db, SQL_USER_EACH);
    queue_sqlite_bind_text(row, 1, ""); /* behind no name: all of them */
    int got;
    while ((got = queue_sqlite_step(&store->db, row, access_reading, err)) > 0) {
        struct queue_user user;
        access_user_read(row, &user);
        if (each(context, &user) == 0)
            continue;
        queue_sqlite_end(row);
        return 0;
    }
    return got;
}

/* ---- Tokens ---------------------------------------------------------------------------------- */

static int access_token_add(void *store_, const struct queue_token *token, bool *out_done,
                            struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_db_ready(&store->db, err) < 0)
        return -1;
    sqlite3_stmt *add = queue_sqlite_use(&store->db, SQL_TOKEN_ADD);
    queue_sqlite_bind_text(add, 1, token->id);
    queue_sqlite_bind_int(add, 2, token->kind);
    queue_sqlite_bind_int(add, 3, token->role);
    queue_sqlite_bind_bytes(add, 4, token->digest, sizeof token->digest);
    queue_sqlite_bind_text(add, 5, token->user_id[0] == '\0' ? NULL : token->user_id);
    queue_sqlite_bind_text(add, 6, token->name);
    queue_sqlite_bind_int(add, 7, token->created_s);
    queue_sqlite_bind_int(add, 8, token->ends_s);
    queue_sqlite_bind_int(add, 9, QUEUE_TOKENS_MAX);
    sqlite3_stmt *sweep = queue_sqlite_use(&store->db, SQL_TOKEN_SWEEP);
    queue_sqlite_bind_int(sweep, 1, token->created_s);
    return access_write(store, (sqlite3_stmt *[]){add, sweep}, 2, out_done, err);
}

static int access_token_find(void *store_, const uint8_t digest[QUEUE_TOKEN_DIGEST_SIZE],
                             int64_t now_s, struct queue_token *out_token, bool *out_found,
                             struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_db_ready(&store->db, err) < 0)
        return -1;
    sqlite3_stmt *get = queue_sqlite_use(&store->db, SQL_TOKEN_GET);
    queue_sqlite_bind_bytes(get, 1, digest, QUEUE_TOKEN_DIGEST_SIZE);
    queue_sqlite_bind_int(get, 2, now_s);
    int got = queue_sqlite_step(&store->db, get, access_reading, err);
    *out_found = got > 0;
    if (got <= 0)
        return got;
    access_token_read(get, out_token);
    queue_sqlite_end(get);
    return 0;
}

static int access_token_used(void *store_, const char *id, int64_t used_s, struct error *err)
{
    struct queue_sqlite *store = store_;
    bool changed;
    if (queue_sqlite_db_ready(&store->db, err) < 0)
        return -1;
    sqlite3_stmt *use = queue_sqlite_use(&store->db, SQL_TOKEN_USED);
    queue_sqlite_bind_text(use, 1, id);
    queue_sqlite_bind_int(use, 2, used_s);
    return access_write(store, &use, 1, &changed, err);
}

static int access_token_remove(void *store_, const char *id, bool *out_removed, struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_db_ready(&store->db, err) < 0)
        return -1;
    sqlite3_stmt *drop = queue_sqlite_use(&store->db, SQL_TOKEN_REMOVE);
    queue_sqlite_bind_text(drop, 1, id);
    return access_write(store, &drop, 1, out_removed, err);
}

static int access_token_each(void *store_, uint32_t kind, const char *user_id, int64_t now_s,
                             int (*each)(void *context, const struct queue_token *token),
                             void *context, struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_db_ready(&store->db, err) < 0)
        return -1;
    sqlite3_stmt *row =
        queue_sqlite_use(&store->db, user_id != NULL ? SQL_TOKEN_OF_USER : SQL_TOKEN_OF_KIND);
    queue_sqlite_bind_int(row, 1, kind);
    queue_sqlite_bind_int(row, 2, now_s);
    if (user_id != NULL)
        queue_sqlite_bind_text(row, 3, user_id);
    int got;
    while ((got = queue_sqlite_step(&store->db, row, access_reading, err)) > 0) {
        struct queue_token token;
        access_token_read(row, &token);
        if (each(context, &token) == 0)
            continue;
        queue_sqlite_end(row);
        return 0;
    }
    return got;
}

/* ---- Audit ----------------------------------------------------------------------------------- */

static int access_audit_add(void *store_, const struct queue_audit *line, struct error *err)
{
    struct queue_sqlite *store = store_;
    bool changed;
    if (queue_sqlite_db_ready(&store->db, err) < 0)
        return -1;
    sqlite3_stmt *add = queue_sqlite_use(&store->db, SQL_AUDIT_ADD);
    queue_sqlite_bind_int(add, 1, line->time_s);
    queue_sqlite_bind_text(add, 2, line->who);
    queue_sqlite_bind_text(add, 3, line->from);
    queue_sqlite_bind_text(add, 4, line->what);
    queue_sqlite_bind_text(add, 5, line->object);
    queue_sqlite_bind_int(add, 6, line->result);
    sqlite3_stmt *drop = queue_sqlite_use(&store->db, SQL_AUDIT_DROP);
    queue_sqlite_bind_int(drop, 1, QUEUE_AUDIT_MAX);
    return access_write(store, (sqlite3_stmt *[]){add, drop}, 2, &changed, err);
}

static int access_audit_each(void *store_, uint64_t before, uint64_t limit,
                             int (*each)(void *context, const struct queue_audit *line),
                             void *context, struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_db_ready(&store->db, err) < 0)
        return -1;
    sqlite3_stmt *row = queue_sqlite_use(&store->db, SQL_AUDIT_PAGE);
    queue_sqlite_bind_int(row, 1, (int64_t)before);
    queue_sqlite_bind_int(row, 2, (int64_t)limit);
    int got;
    while ((got = queue_sqlite_step(&store->db, row, access_reading, err)) > 0) {
        struct queue_audit line;
        access_audit_read(row, &line);
        if (each(context, &line) == 0)
            continue;
        queue_sqlite_end(row);
        return 0;
    }
    return got;
}

const struct queue_access_backend queue_sqlite_access = {
    .user_add = access_user_add,
    .user_change = access_user_change,
    .user_remove = access_user_remove,
    .user_find = access_user_find,
    .user_each = access_user_each,
    .token_add = access_token_add,
    .token_find = access_token_find,
    .token_used = access_token_used,
    .token_remove = access_token_remove,
    .token_each = access_token_each,
    .audit_add = access_audit_add,
    .audit_each = access_audit_each,
};
