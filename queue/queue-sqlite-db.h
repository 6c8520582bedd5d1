/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-db.h - the connection to queue.db: settings, statements, transactions, errors.
 * Internal.
 *
 * Each statement stands once in one table (queue-sqlite-schema.c) and is prepared once per
 * connection, when it is first used. Once an I/O error was seen, nothing this connection remembers
 * is to be believed (suspect): it is closed, and opened again by the next queue_sqlite_db_ready().
 */
#ifndef MAILCHUTE_QUEUE_QUEUE_SQLITE_DB_H
#define MAILCHUTE_QUEUE_QUEUE_SQLITE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "queue-sqlite-same.h"

#define QUEUE_SQLITE_PAGE 16384             /* bytes a page; measured: 1.2 times as fast as 4096 */
#define QUEUE_SQLITE_BUSY_MS 10000u         /* how long to wait for another process's transaction */
#define QUEUE_SQLITE_STOPPED_MS 1000u       /* the same, once we are to stop */
#define QUEUE_SQLITE_CACHE_KIB 1536         /* page cache of one connection */
#define QUEUE_SQLITE_APPLICATION 0x6D636874 /* "mcht", in the file's header */
#define QUEUE_SQLITE_RUN_SHIFT 13u          /* ids are sorted within runs of 2^13 entries */
#define QUEUE_SQLITE_PART_SHIFT 18u         /* what they are like, in parts of 2^18 */

enum queue_sqlite_sql {
    SQL_BEGIN_READ,
    SQL_BEGIN_WRITE,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_WORD_GET,
    SQL_WORD_ADD,
    SQL_QUEUE_GET,
    SQL_QUEUE_ADD,
    SQL_QUEUE_EACH,
    SQL_QUEUE_OPEN,
    SQL_QUEUE_NEXT_OPEN,
    SQL_SCOPE_GET,
    SQL_SCOPE_NEXT,
    SQL_SCOPE_ADD,
    SQL_LEDGER_PUT,
    SQL_LEDGER_RUN,
    SQL_LEDGER_STORED,
    SQL_LEDGER_TRIED,
    SQL_LEDGER_STEP,
    SQL_LEDGER_TARGET,
    SQL_LEDGER_ADD,
    SQL_LEDGER_PAGE,
    SQL_UNSETTLED,
    SQL_SETTLED,
    SQL_UNSETTLED_COUNT,
    SQL_EVIDENCE_GET,
    SQL_EVIDENCE_RUN,
    SQL_EVIDENCE_SORTED,
    SQL_LIKE_RUN_SIZE,
    SQL_LIKE_RUN_MESSAGE_ID,
    SQL_LIKE_RUN_SHA256,
    SQL_LIKE_SORTED_SIZE,
    SQL_LIKE_SORTED_MESSAGE_ID,
    SQL_LIKE_SORTED_SHA256,
    SQL_SORTED,
    SQL_SORT_LIKES,
    SQL_SORT_DONE,
    SQL_MAILBOX_GET,
    SQL_MAILBOX_PUT,
    SQL_MAILBOX_ADOPTED,
    SQL_ADOPT_ROW,
    SQL_ADOPT_NAME,
    SQL_ADOPT_DONE,
    SQL_ENTRY_ADD,
    SQL_BODY_ADD,
    SQL_PIECE_ADD,
    SQL_ENTRY_LAST,
    SQL_ENTRY_BY_ID,
    SQL_ENTRY_GET,
    SQL_CONTENT_GET,
    SQL_PIECE_EACH,
    SQL_RAW_GET,
    SQL_ENTRY_CHANGE,
    SQL_DUE_NEW,
    SQL_DUE_LATER,
    SQL_DUE_TAKEN,
    SQL_NEXT_ANY_UP,
    SQL_NEXT_ANY_DOWN,
    SQL_NEXT_QUEUE_UP,
    SQL_NEXT_QUEUE_DOWN,
    SQL_NEXT_SOURCE_UP,
    SQL_NEXT_SOURCE_DOWN,
    SQL_COUNT_TALLY,
    SQL_COUNT_SOURCE,
    SQL_COUNT_DAY,
    SQL_COUNT_SKIPPED,
    SQL_COUNT_HOOKED,
    SQL_COUNTED,
    SQL_TALLY,
    SQL_MEND,
    SQL_SOURCE_EACH,
    SQL_SOURCE_BY_ID,
    SQL_SOURCE_BY_NAME,
    SQL_SOURCE_DAYS,
    SQL_SOURCE_EPOCH,
    SQL_SOURCE_ADD,
    SQL_SOURCE_CHANGE,
    SQL_SOURCE_REMOVE,
    SQL_SOURCE_TELL,
    SQL_NAMED_GET,
    SQL_NAMED_SET,
    SQL_NAMED_EACH,
    SQL_NAMED_COUNT,
    SQL_HOOK_EACH,
    SQL_HOOK_SET,
    SQL_HOOK_REMOVE,
    SQL_HOOK_ARRIVED,
    SQL_HOOK_FAILED,
    SQL_DELIVERY_NEXT,
    SQL_DELIVERY_REMOVE,
    SQL_DELIVERY_LATER,
    SQL_DELIVERY_AGAIN,
    SQL_APPEND_OPEN,
    SQL_APPEND_NOTE,
    SQL_APPEND_HAS,
    SQL_APPEND_ADOPT,
    SQL_APPEND_FORGET,
    SQL_USER_ADD,
    SQL_USER_CHANGE,
    SQL_USER_REMOVE,
    SQL_USER_BY_ID,
    SQL_USER_BY_NAME,
    SQL_USER_EACH,
    SQL_TOKEN_ADD,
    SQL_TOKEN_SWEEP,
    SQL_TOKEN_END,
    SQL_TOKEN_GET,
    SQL_TOKEN_USED,
    SQL_TOKEN_REMOVE,
    SQL_TOKEN_OF_USER,
    SQL_TOKEN_OF_KIND,
    SQL_AUDIT_ADD,
    SQL_AUDIT_DROP,
    SQL_AUDIT_PAGE,
    SQL_COUNT
};

struct queue_sqlite_db {
    char *path;      /* of queue.db */
    struct queue_sqlite_same same;
    sqlite3 *handle; /* NULL: closed after a failure */
    sqlite3_stmt *statements[SQL_COUNT];
    bool suspect;
    int unprepared; /* what SQLite said of the last statement that it was to prepare */
    int (*stopped)(void *context); /* NULL: nobody stops us */
    void *stopped_context;
};

/** queue_sqlite_db_open - open the database (an empty file is made one), bring its schema up to
 * date. db->path and ->same have been set; a file that is not the same is not opened. What this
 * leaves behind on failure is cleaned by _close(). */
int queue_sqlite_db_open(struct queue_sqlite_db *db, struct error *err);
void queue_sqlite_db_close(struct queue_sqlite_db *db); /* path stays */

/** queue_sqlite_db_ready - a connection that can be believed, opened again if need be. */
int queue_sqlite_db_ready(struct queue_sqlite_db *db, struct error *err);

/** queue_sqlite_db_fail - fill err with what SQLite says went wrong @while doing; returns -1. */
int queue_sqlite_db_fail(struct queue_sqlite_db *db, const char *doing, struct error *err);

/* ---- Statements ------------------------------------------------------------------------------ */

/** queue_sqlite_use - this statement, ready for binding; it is prepared when it is first used. NULL:
 * it could not be, which queue_sqlite_step() tells; whatever is bound to it is ignored. */
sqlite3_stmt *queue_sqlite_use(struct queue_sqlite_db *db, enum queue_sqlite_sql which);

/* Bind parameter @at. Texts and bytes are borrowed until the statement has run; NULL is NULL. */
void queue_sqlite_bind_int(sqlite3_stmt *statement, int at, int64_t value);
void queue_sqlite_bind_text(sqlite3_stmt *statement, int at, const char *text);
void queue_sqlite_bind_chars(sqlite3_stmt *statement, int at, const char *chars, size_t count);
void queue_sqlite_bind_bytes(sqlite3_stmt *statement, int at, const void *bytes, size_t count);

/** queue_sqlite_step - the next row: 1, no more: 0, failed: -1 with err. Whoever does not step on
 * to the end calls queue_sqlite_end(). */
int queue_sqlite_step(struct queue_sqlite_db *db, sqlite3_stmt *statement, const char *doing,
                      struct error *err);
void queue_sqlite_end(sqlite3_stmt *statement);

/** queue_sqlite_run - a statement without rows, or whose rows do not matter. */
int queue_sqlite_run(struct queue_sqlite_db *db, sqlite3_stmt *statement, const char *doing,
                     struct error *err);

/** queue_sqlite_number - the one number this statement finds; 1, or 0 when it finds none. */
int queue_sqlite_number(struct queue_sqlite_db *db, sqlite3_stmt *statement, const char *doing,
                        int64_t *out_number, struct error *err);

/* ---- Transactions ---------------------------------------------------------------------------- */

/** queue_sqlite_begin - SQL_BEGIN_READ: all reads see one state. SQL_BEGIN_WRITE: and no other
 * process writes until it ends. Neither a transaction that writes nor its commit succeeds where the
 * database is not the same any more (queue-sqlite-same.h): what was committed then is in a file
 * that nobody will find. */
int queue_sqlite_begin(struct queue_sqlite_db *db, enum queue_sqlite_sql how, struct error *err);
int queue_sqlite_commit(struct queue_sqlite_db *db, struct error *err);
void queue_sqlite_rollback(struct queue_sqlite_db *db); /* without a transaction: nothing */
bool queue_sqlite_in_transaction(const struct queue_sqlite_db *db);

/** queue_sqlite_db_flush - whether each commit from now on is flushed before it returns (as it is
 * from the start), or with the next one that is. Outside transactions only. */
void queue_sqlite_db_flush(struct queue_sqlite_db *db, bool at_once);

/** queue_sqlite_db_checkpoint - bring all that is in the write-ahead log into the database and
 * empty the log. */
int queue_sqlite_db_checkpoint(struct queue_sqlite_db *db, struct error *err);

#endif
