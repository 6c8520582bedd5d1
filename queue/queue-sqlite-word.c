/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-word.c - names that come again and again, as numbers. See queue-sqlite.h.
 *
 * Names are never removed, so what was looked up once stays right; only a rollback takes back those
 * that were numbered in it. */
#include <config.h>
#include "queue-sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "queue-entry.h"

static const char word_doing[] = "looking up a name";

static int word_remember(struct queue_sqlite_word *word, const char *text, int64_t id,
                         struct error *err)
{
    char *copy;
    if (queue_text_copy(text, &copy) < 0)
        return error_oom(err, word_doing);
    free(word->text);
    word->text = copy;
    word->id = id;
    return 0;
}

int queue_sqlite_word_find(struct queue_sqlite *store, enum queue_sqlite_word_use use,
                           const char *text, int64_t *out_id, struct error *err)
{
    struct queue_sqlite_word *word = &store->words[use];
    if (word->text != NULL && strcmp(word->text, text) == 0) {
        *out_id = word->id;
        return 1;
    }
    sqlite3_stmt *get =
        queue_sqlite_use(&store->db, use == QUEUE_SQLITE_USE_QUEUE ? SQL_QUEUE_GET : SQL_WORD_GET);
    queue_sqlite_bind_text(get, 1, text);
    int got = queue_sqlite_number(&store->db, get, word_doing, out_id, err);
    if (got > 0 && word_remember(word, text, *out_id, err) < 0)
        return -1;
    return got;
}

int queue_sqlite_word_get(struct queue_sqlite *store, enum queue_sqlite_word_use use,
                          const char *text, int64_t *out_id, struct error *err)
{
    int got = queue_sqlite_word_find(store, use, text, out_id, err);
    if (got != 0)
        return got < 0 ? -1 : 0;
    sqlite3_stmt *add =
        queue_sqlite_use(&store->db, use == QUEUE_SQLITE_USE_QUEUE ? SQL_QUEUE_ADD : SQL_WORD_ADD);
    queue_sqlite_bind_text(add, 1, text);
    if (queue_sqlite_run(&store->db, add, "adding a name", err) < 0)
        return -1;
    *out_id = sqlite3_last_insert_rowid(store->db.handle);
    return word_remember(&store->words[use], text, *out_id, err);
}

static void scope_forget(struct queue_sqlite *store)
{
    free(store->scope.loader);
    free(store->scope.account);
    free(store->scope.mailbox);
    store->scope.loader = store->scope.account = store->scope.mailbox = NULL;
}

static int scope_remember(struct queue_sqlite *store, const struct queue_origin *origin, int64_t id,
                          struct error *err)
{
    scope_forget(store);
    store->scope.id = id;
    if (queue_text_copy(origin->loader, &store->scope.loader) < 0 ||
        queue_text_copy(origin->account, &store->scope.account) < 0 ||
        queue_text_copy(origin->mailbox, &store->scope.mailbox) < 0) {
        scope_forget(store);
        return error_oom(err, word_doing);
    }
    return 0;
}

static void scope_bind(sqlite3_stmt *statement, const struct queue_origin *origin)
{
    queue_sqlite_bind_text(statement, 1, origin->loader);
    queue_sqlite_bind_text(statement, 2, origin->account);
    queue_sqlite_bind_text(statement, 3, origin->mailbox);
}

int queue_sqlite_scope_find(struct queue_sqlite *store, const struct queue_origin *origin,
                            int64_t *out_id, struct error *err)
{
    if (store->scope.mailbox != NULL && strcmp(store->scope.mailbox, origin->mailbox) == 0 &&
        strcmp(store->scope.account, origin->account) == 0 &&
        strcmp(store->scope.loader, origin->loader) == 0) {
        *out_id = store->scope.id;
        return 1;
    }
    sqlite3_stmt *get = queue_sqlite_use(&store->db, SQL_SCOPE_GET);
    scope_bind(get, origin);
    int got = queue_sqlite_number(&store->db, get, word_doing, out_id, err);
    if (got > 0 && scope_remember(store, origin, *out_id, err) < 0)
        return -1;
    return got;
}

int queue_sqlite_scope_get(struct queue_sqlite *store, const struct queue_origin *origin,
                           int64_t *out_id, struct error *err)
{
    int got = queue_sqlite_scope_find(store, origin, out_id, err);
    if (got != 0)
        return got < 0 ? -1 : 0;
    sqlite3_stmt *add = queue_sqlite_use(&store->db, SQL_SCOPE_ADD);
    scope_bind(add, origin);
    if (queue_sqlite_run(&store->db, add, "adding a mailbox", err) < 0)
        return -1;
    *out_id = sqlite3_last_insert_rowid(store->db.handle);
    return scope_remember(store, origin, *out_id, err);
}

void queue_sqlite_forget(struct queue_sqlite *store)
{
    for (unsigned use = 0; use < QUEUE_SQLITE_USES; use++) {
        free(store->words[use].text);
        store->words[use].text = NULL;
    }
    scope_forget(store);
    memset(store->found, 0, sizeof store->found);
}
