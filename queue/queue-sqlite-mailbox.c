/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-mailbox.c - what messages are known by, what is known of a mailbox, and messages
 * that come under another name. See queue-sqlite.h.
 *
 * A message whose name changed keeps its entry and the entry's origin. Its row in the ledger goes
 * on under the new name; the row under the old one stays (renamed), so that the id that was made of
 * the old name can never be made again. */
#include <config.h>
#include "queue-sqlite.h"

#include <string.h>

#include "text.h"

static const char mailbox_reading[] = "reading what is known of a mailbox";
static const char mailbox_writing[] = "writing what is known of a mailbox";

/* ---- Evidence -------------------------------------------------------------------------------- */

/* Columns 0 to 4 of SQL_EVIDENCE_GET, _RUN and _SORTED. */
static void evidence_read(sqlite3_stmt *row, struct queue_evidence *item)
{
    const void *digest = sqlite3_column_blob(row, 3);
    item->step = (enum queue_step)sqlite3_column_int(row, 0);
    item->has_digest = sqlite3_column_int(row, 1) != QUEUE_SQLITE_NOWHERE && digest != NULL &&
                       sqlite3_column_bytes(row, 3) == (int)QUEUE_DIGEST_SIZE;
    item->size = (uint64_t)sqlite3_column_int64(row, 2);
    item->message_id = (uint64_t)sqlite3_column_int64(row, 4);
    if (item->has_digest)
        memcpy(item->sha256, digest, sizeof item->sha256);
}

static int evidence_get(struct queue_sqlite *store, struct queue_evidence *item, struct error *err)
{
    int64_t scope;
    int got = queue_sqlite_scope_find(store, &item->origin, &scope, err);
    if (got <= 0)
        return got;
    sqlite3_stmt *get = queue_sqlite_use(&store->db, SQL_EVIDENCE_GET);
    queue_sqlite_bind_int(get, 1, scope);
    queue_sqlite_bind_int(get, 2, item->origin.uidvalidity);
    queue_sqlite_bind_int(get, 3, item->origin.uid);
    queue_sqlite_bind_text(get, 4, item->origin.key);
    got = queue_sqlite_step(&store->db, get, mailbox_reading, err);
    if (got <= 0)
        return got;
    evidence_read(get, item);
    queue_sqlite_end(get);
    return 0;
}

int queue_sqlite_evidence(void *store_, struct queue_evidence *items, size_t count,
                          struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_read_begin(store, err) < 0)
        return -1;
    int failed = 0;
    for (size_t i = 0; i < count && failed == 0; i++)
        failed = evidence_get(store, &items[i], err);
    queue_sqlite_read_end(store);
    return failed;
}

/* A search for settled messages. */
struct evidence_search {
    const struct queue_origin *scope;
    int64_t scope_id, since_s;
    int64_t last, sorted; /* the newest entry; the newest of those that are sorted in */
    uint64_t size;
    struct queue_evidence *out;
    size_t capacity, count;
};

/* 1, or 0 where nothing is known of this mailbox. */
static int evidence_search_begin(struct queue_sqlite *store, struct evidence_search *search,
                                 struct error *err)
{
    search->since_s = clock_unix_s(store->clock) - QUEUE_EVIDENCE_DAYS * INT64_C(86400);
    search->last = search->sorted = -1;
    int got = queue_sqlite_scope_find(store, search->scope, &search->scope_id, err);
    if (got <= 0)
        return got;
    return queue_sqlite_number(&store->db, queue_sqlite_use(&store->db, SQL_ENTRY_LAST),
                               mailbox_reading, &search->last, err) < 0 ||
                   queue_sqlite_number(&store->db, queue_sqlite_use(&store->db, SQL_SORTED),
                                       mailbox_reading, &search->sorted, err) < 0
               ? -1
               : 1;
}

/* What one of two statements finds of them: in a run, or in a part of what is sorted in. */
static int evidence_search_by(struct queue_sqlite *store, struct evidence_search *search,
                              enum queue_sqlite_sql sql, int64_t where, struct error *err)
{
    sqlite3_stmt *each = queue_sqlite_use(&store->db, sql);
    queue_sqlite_bind_int(each, 1, search->scope_id);
    queue_sqlite_bind_int(each, 2, (int64_t)search->size);
    queue_sqlite_bind_int(each, 3, search->since_s);
    queue_sqlite_bind_int(each, 4, (int64_t)(search->capacity - search->count));
    queue_sqlite_bind_int(each, 5, where);
    int got;
    while ((got = queue_sqlite_step(&store->db, each, mailbox_reading, err)) > 0) {
        struct queue_evidence *item = &search->out[search->count++];
        *item = (struct queue_evidence){.origin = *search->scope};
        item->origin.uidvalidity = (uint32_t)sqlite3_column_int64(each, 5);
        item->origin.uid = (uint32_t)sqlite3_column_int64(each, 6);
        evidence_read(each, item);
    }
    return got;
}

/* The newest first: those of the runs that are not sorted in yet, then all others. */
static int evidence_search_all(struct queue_sqlite *store, struct evidence_search *search,
                               struct error *err)
{
    int got = evidence_search_begin(store, search, err);
    if (got <= 0)
        return got;
    got = 0;
    for (int64_t n = search->last;
         got == 0 && n > search->sorted && search->count < search->capacity;
         n -= INT64_C(1) << QUEUE_SQLITE_RUN_SHIFT)
        got = evidence_search_by(store, search, SQL_EVIDENCE_RUN, n >> QUEUE_SQLITE_RUN_SHIFT, err);
    for (int64_t part = search->sorted >> QUEUE_SQLITE_PART_SHIFT;
         got == 0 && part >= 0 && search->count < search->capacity; part--)
        got = evidence_search_by(store, search, SQL_EVIDENCE_SORTED, part, err);
    return got;
}

int queue_sqlite_settled_like(void *store_, const struct queue_origin *scope, uint64_t size,
                              struct queue_evidence *out_items, size_t capacity, size_t *out_count,
                              struct error *err)
{
    struct queue_sqlite *store = store_;
    struct evidence_search search = {
        .scope = scope, .size = size, .out = out_items, .capacity = capacity};
    if (queue_sqlite_read_begin(store, err) < 0)
        return -1;
    int failed = evidence_search_all(store, &search, err);
    queue_sqlite_read_end(store);
    *out_count = failed < 0 ? 0 : search.count;
    return failed < 0 ? -1 : 0;
}

/* ---- Lookalikes ------------------------------------------------------------------------------ */

static const enum queue_sqlite_sql like_in_run[] = {[QUEUE_LIKENESS_SIZE] = SQL_LIKE_RUN_SIZE,
                                                    [QUEUE_LIKENESS_MESSAGE_ID] =
                                                        SQL_LIKE_RUN_MESSAGE_ID,
                                                    [QUEUE_LIKENESS_SHA256] = SQL_LIKE_RUN_SHA256};
static const enum queue_sqlite_sql like_in_sorted[] = {
    [QUEUE_LIKENESS_SIZE] = SQL_LIKE_SORTED_SIZE,
    [QUEUE_LIKENESS_MESSAGE_ID] = SQL_LIKE_SORTED_MESSAGE_ID,
    [QUEUE_LIKENESS_SHA256] = SQL_LIKE_SORTED_SHA256};

/* Is there one among those that @sql finds, in a run or in a part? 1, 0, or -1. */
static int lookalike_by(struct queue_sqlite *store, const struct evidence_search *search,
                        const struct queue_lookalike *item, uint64_t message_id,
                        enum queue_sqlite_sql sql, int64_t where, struct error *err)
{
    bool exact = item->likeness == QUEUE_LIKENESS_SHA256;
    size_t most = exact ? QUEUE_LOOKALIKES_COMPARED : QUEUE_LOOKALIKES_LOOKED_AT, seen = 0;
    sqlite3_stmt *each = queue_sqlite_use(&store->db, sql);
    queue_sqlite_bind_int(each, 1, search->scope_id);
    queue_sqlite_bind_int(each, 2, (int64_t)item->size);
    queue_sqlite_bind_int(each, 3, search->since_s);
    queue_sqlite_bind_int(each, 4, search->scope->uidvalidity);
    queue_sqlite_bind_int(each, 5, search->scope->uid);
    queue_sqlite_bind_int(each, 6, where);
    queue_sqlite_bind_int(each, 7, (int64_t)message_id);
    queue_sqlite_bind_bytes(each, 8, item->sha256, sizeof item->sha256);
    queue_sqlite_bind_int(each, 9, (int64_t)most);
    int got;
    while ((got = queue_sqlite_step(&store->db, each, mailbox_reading, err)) > 0) {
        bool counts = sqlite3_column_int(each, 0) == 1;
        if (counts || (++seen == most && !exact)) {
            queue_sqlite_end(each);
            return 1;
        }
    }
    return got;
}

/* Those that are sorted in first: they are older, and mostly all there are. */
static int lookalike_named(struct queue_sqlite *store, const struct evidence_search *search,
                           const struct queue_lookalike *item, uint64_t message_id,
                           struct error *err)
{
    int got = 0;
    for (int64_t part = 0; got == 0 && part <= search->sorted >> QUEUE_SQLITE_PART_SHIFT; part++)
        got = lookalike_by(store, search, item, message_id, like_in_sorted[item->likeness], part,
                           err);
    for (int64_t n = search->last; got == 0 && n > search->sorted;
         n -= INT64_C(1) << QUEUE_SQLITE_RUN_SHIFT)
        got = lookalike_by(store, search, item, message_id, like_in_run[item->likeness],
                           n >> QUEUE_SQLITE_RUN_SHIFT, err);
    return got;
}

static int lookalikes_find(struct queue_sqlite *store, struct evidence_search *search,
                           struct queue_lookalike *items, size_t count, struct error *err)
{
    int got = evidence_search_begin(store, search, err);
    for (size_t i = 0; i < count && got > 0; i++) {
        int found = lookalike_named(store, search, &items[i], items[i].message_id, err);
        if (found == 0 && items[i].likeness != QUEUE_LIKENESS_SIZE && items[i].message_id != 0)
            found = lookalike_named(store, search, &items[i], 0, err);
        items[i].found = found > 0 ? 1 : 0;
        got = found < 0 ? -1 : got;
    }
    return got < 0 ? -1 : 0;
}

int queue_sqlite_lookalikes(void *store_, const struct queue_origin *scope,
                            struct queue_lookalike *items, size_t count, struct error *err)
{
    struct queue_sqlite *store = store_;
    struct evidence_search search = {.scope = scope};
    if (queue_sqlite_read_begin(store, err) < 0)
        return -1;
    int failed = lookalikes_find(store, &search, items, count, err);
    queue_sqlite_read_end(store);
    return failed;
}

/* ---- Mailboxes ------------------------------------------------------------------------------- */

static int mailbox_read(struct queue_sqlite *store, const struct queue_origin *scope,
                        struct queue_mailbox *out, struct error *err)
{
    int64_t id;
    int got = queue_sqlite_scope_find(store, scope, &id, err);
    if (got <= 0)
        return got;
    sqlite3_stmt *get = queue_sqlite_use(&store->db, SQL_MAILBOX_GET);
    queue_sqlite_bind_int(get, 1, id);
    got = queue_sqlite_step(&store->db, get, mailbox_reading, err);
    if (got <= 0)
        return got;
    out->uidvalidity = (uint32_t)sqlite3_column_int64(get, 0);
    out->highest_uid = (uint32_t)sqlite3_column_int64(get, 1);
    out->held = (uint32_t)sqlite3_column_int64(get, 2);
    out->held_s = sqlite3_column_int64(get, 3);
    for (int i = 0; i < (int)QUEUE_MAILBOX_CHANGES; i++)
        out->changed_s[i] = sqlite3_column_int64(get, 4 + i);
    out->adopted = (uint64_t)sqlite3_column_int64(get, 7);
    const char *why = (const char *)sqlite3_column_text(get, 8);
    text_copy(out->why, sizeof out->why, why == NULL ? "" : why);
    queue_sqlite_end(get);
    return 0;
}

int queue_sqlite_mailbox_get(void *store_, const struct queue_origin *scope,
                             struct queue_mailbox *out_state, struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_read_begin(store, err) < 0)
        return -1;
    int failed = mailbox_read(store, scope, out_state, err);
    queue_sqlite_read_end(store);
    return failed;
}

static int mailbox_write(struct queue_sqlite *store, int64_t scope,
                         const struct queue_mailbox *state, struct error *err)
{
    sqlite3_stmt *put = queue_sqlite_use(&store->db, SQL_MAILBOX_PUT);
    queue_sqlite_bind_int(put, 1, scope);
    queue_sqlite_bind_int(put, 2, state->uidvalidity);
    queue_sqlite_bind_int(put, 3, state->held);
    queue_sqlite_bind_int(put, 4, state->held_s);
    for (int i = 0; i < (int)QUEUE_MAILBOX_CHANGES; i++)
        queue_sqlite_bind_int(put, 5 + i, state->changed_s[i]);
    queue_sqlite_bind_text(put, 8, state->held == 0 ? NULL : state->why);
    return queue_sqlite_run(&store->db, put, mailbox_writing, err);
}

/* ---- Other names ----------------------------------------------------------------------------- */

static sqlite3_stmt *adopt_use(struct queue_sqlite *store, enum queue_sqlite_sql which,
                               int64_t scope, const struct queue_adoption *item)
{
    sqlite3_stmt *statement = queue_sqlite_use(&store->db, which);
    queue_sqlite_bind_int(statement, 1, scope);
    queue_sqlite_bind_int(statement, 2, item->from_uidvalidity);
    queue_sqlite_bind_int(statement, 3, item->from_uid);
    return statement;
}

/* The row did not go on under its new name: because it does already, or may not. */
static int adopt_refused(struct queue_sqlite *store, int64_t scope,
                         const struct queue_adoption *item, struct error *err)
{
    int64_t renamed = 0;
    int got = queue_sqlite_number(&store->db, adopt_use(store, SQL_ADOPT_DONE, scope, item),
                                  mailbox_reading, &renamed, err);
    if (got < 0 || renamed != 0)
        return got < 0 ? -1 : 0;
    return error_set(
        err, ERROR_HELD,
        "message %u of the mailbox (UIDVALIDITY %u) is stored as message %u of %u, but "
        "another message with an entry of its own had this UID: the server gave it "
        "twice; move message %u to the archive folder by hand, then run pickup once with "
        "--accept-new-uids",
        item->to_uid, item->to_uidvalidity, item->from_uid, item->from_uidvalidity, item->to_uid);
}

static int adopt_one(struct queue_sqlite *store, int64_t scope, const struct queue_adoption *item,
                     int64_t *adopted, struct error *err)
{
    sqlite3_stmt *row = adopt_use(store, SQL_ADOPT_ROW, scope, item);
    queue_sqlite_bind_int(row, 4, item->to_uidvalidity);
    queue_sqlite_bind_int(row, 5, item->to_uid);
    if (queue_sqlite_run(&store->db, row, mailbox_writing, err) < 0)
        return -1;
    if (sqlite3_changes(store->db.handle) == 0)
        return adopt_refused(store, scope, item, err);
    ++*adopted;
    return queue_sqlite_run(&store->db, adopt_use(store, SQL_ADOPT_NAME, scope, item),
                            mailbox_writing, err);
}

static int adopt_all(struct queue_sqlite *store, const struct queue_origin *scope,
                     const struct queue_adoption *items, size_t count,
                     const struct queue_mailbox *state, struct error *err)
{
    int64_t id, adopted = 0;
    if (queue_sqlite_scope_get(store, scope, &id, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (adopt_one(store, id, &items[i], &adopted, err) < 0)
            return -1;
    if (state != NULL && mailbox_write(store, id, state, err) < 0)
        return -1;
    if (adopted == 0)
        return 0;
    sqlite3_stmt *add = queue_sqlite_use(&store->db, SQL_MAILBOX_ADOPTED);
    queue_sqlite_bind_int(add, 1, id);
    queue_sqlite_bind_int(add, 2, adopted);
    return queue_sqlite_run(&store->db, add, mailbox_writing, err);
}

int queue_sqlite_adopt(void *store_, const struct queue_origin *scope,
                       const struct queue_adoption *items, size_t count,
                       const struct queue_mailbox *state, struct error *err)
{
    struct queue_sqlite *store = store_;
    if (queue_sqlite_db_ready(&store->db, err) < 0 ||
        queue_sqlite_begin(&store->db, SQL_BEGIN_WRITE, err) < 0)
        return -1;
    if (adopt_all(store, scope, items, count, state, err) == 0 &&
        queue_sqlite_commit(&store->db, err) == 0)
        return 0;
    queue_sqlite_rollback(&store->db); /* all of it may be done a second time */
    queue_sqlite_forget(store);
    return -1;
}
