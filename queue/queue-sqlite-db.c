/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-db.c - see queue-sqlite-db.h. */
#include <config.h>
#include "queue-sqlite-db.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "queue-sqlite-schema.h"

/* page_size first: it counts only until the first page is written. */
static const char db_settings[] = "PRAGMA page_size = 16384;"
                                  "PRAGMA journal_mode = WAL;"
                                  "PRAGMA synchronous = FULL;"
                                  "PRAGMA foreign_keys = ON;"
                                  "PRAGMA cache_size = -1536;"
                                  "PRAGMA journal_size_limit = 67108864;" /* one huge batch */
                                  "PRAGMA trusted_schema = OFF;"
                                  "PRAGMA cell_size_check = ON;";
_Static_assert(QUEUE_SQLITE_PAGE == 16384 && QUEUE_SQLITE_CACHE_KIB == 1536, "as in db_settings");

/* A statement that changes more than one row keeps copies of pages until it is through. By default
 * they lie in memory in pieces of 1 kB, and cost as much as the rest of the statement; as one
 * piece, of up to DB_COPIES bytes, they cost a tenth. Those of a statement that changes more pages
 * go to a temporary file, a piece at a time: SQLite writes 2^17 - 1 bytes at most in one call, and
 * says of a larger piece that the disk is full. */
#define DB_COPIES ((1 << 17) - 1)
static bool db_copies_whole; /* written once, before anything is opened */
static void db_configure(void)
{
    /* Refused where somebody else in this process uses SQLite already. Nobody asks for sums of its
     * memory, which cost a lock for each piece of it. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    db_copies_whole = sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, DB_COPIES) == SQLITE_OK;
}

static int db_set(struct queue_sqlite_db *db)
{
    static const char *const copies_in_pieces = "PRAGMA temp_store = MEMORY";
    if (sqlite3_exec(db->handle, db_settings, NULL, NULL, NULL) != SQLITE_OK)
        return -1;
    return db_copies_whole ||
                   sqlite3_exec(db->handle, copies_in_pieces, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : -1;
}

/* ---- Errors ---------------------------------------------------------------------------------- */

static const char *db_system_text(const struct queue_sqlite_db *db)
{
    int why = db->handle == NULL ? 0 : sqlite3_system_errno(db->handle);
    return why == 0 ? "no further reason given" : strerror(why);
}

static bool db_is_stopped(const struct queue_sqlite_db *db)
{
    return db->stopped != NULL && db->stopped(db->stopped_context) != 0;
}

/* Another process held the lock for as long as we wait: QUEUE_SQLITE_BUSY_MS, or until a stop. */
static int db_fail_busy(const struct queue_sqlite_db *db, struct error *err)
{
    if (db_is_stopped(db))
        return error_set(err, ERROR_CANCELLED,
                         "stopped while another process was writing to '%s'; run again to go on",
                         db->path);
    return error_set(err, ERROR_STORE,
                     "another process is writing to '%s' and did not finish within the %u seconds "
                     "that are waited for it; try again later",
                     db->path, QUEUE_SQLITE_BUSY_MS / 1000);
}

static int db_fail(struct queue_sqlite_db *db, int code, const char *doing, struct error *err)
{
    switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return db_fail_busy(db, err);
    case SQLITE_FULL:
        db->suspect = true;
        return error_set(err, ERROR_STORE,
                         "the disk of '%s' is full; free some space, nothing is lost", db->path);
    case SQLITE_NOMEM:
        return error_oom(err, doing);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        db->suspect = true;
        return error_set(err, ERROR_CONFIG,
                         "'%s' is damaged (found while %s); put back a copy of its folder, or move "
                         "it away and run 'mailchute audit'",
                         db->path, doing);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
        db->suspect = true;
        return error_set(err, ERROR_CREATE, "cannot open '%s' for writing: %s; %s", db->path,
                         db_system_text(db),
                         error_remedy(sqlite3_system_errno(db->handle), "check its rights"));
    case SQLITE_IOERR:
    case SQLITE_PROTOCOL: /* a lock that could not be had, and nobody holds it */
        db->suspect = true;
        return error_set(err, ERROR_STORE, "cannot read or write '%s' while %s: %s; %s", db->path,
                         doing, db_system_text(db),
                         error_remedy(sqlite3_system_errno(db->handle), "check its disk"));
    default:
        db->suspect = true;
        return error_set(err, ERROR_BUG, "'%s' while %s: %s (%d); report this", db->path, doing,
                         sqlite3_errmsg(db->handle), code);
    }
}

int queue_sqlite_db_fail(struct queue_sqlite_db *db, const char *doing, struct error *err)
{
    int code = db->handle == NULL ? SQLITE_NOMEM : sqlite3_extended_errcode(db->handle);
    return db_fail(db, code, doing, err);
}

/* ---- Open and close -------------------------------------------------------------------------- */

static int db_prepare(struct queue_sqlite_db *db, enum queue_sqlite_sql which)
{
    return sqlite3_prepare_v3(db->handle, queue_sqlite_sql_text(which), -1,
                              SQLITE_PREPARE_PERSISTENT, &db->statements[which], NULL);
}

/* What ends a transaction has to be there whatever happens. */
static int db_prepare_first(struct queue_sqlite_db *db, struct error *err)
{
    for (unsigned which = 0; which <= SQL_ROLLBACK; which++)
        if (db_prepare(db, (enum queue_sqlite_sql)which) != SQLITE_OK)
            return queue_sqlite_db_fail(db, "preparing its statements", err);
    return 0;
}

/* A file system without shared memory would silently give another journal than the one asked for.
 */
static int db_check_settings(struct queue_sqlite_db *db, struct error *err)
{
    static const char sql[] = "SELECT 1 FROM pragma_journal_mode, pragma_synchronous, "
                              "pragma_foreign_keys WHERE journal_mode = 'wal' AND synchronous = 2 "
                              "AND foreign_keys = 1";
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL) != SQLITE_OK)
        return queue_sqlite_db_fail(db, "reading its settings", err);
    int64_t one;
    int got = queue_sqlite_number(db, statement, "reading its settings", &one, err);
    (void)sqlite3_finalize(statement);
    if (got == 0)
        return error_set(err, ERROR_CONFIG,
                         "'%s' cannot be written durably where it is (no write-ahead log); put the "
                         "queue on a local disk",
                         db->path);
    return got < 0 ? -1 : 0;
}

#define DB_NAP_MS 10u

/* Called again and again with how often it was before; 0: give up. */
static int db_busy(void *context, int before)
{
    const struct queue_sqlite_db *db = context;
    uint32_t most = db_is_stopped(db) ? QUEUE_SQLITE_STOPPED_MS : QUEUE_SQLITE_BUSY_MS;
    if ((uint32_t)before >= most / DB_NAP_MS)
        return 0;
    (void)sqlite3_sleep((int)DB_NAP_MS);
    return 1;
}

int queue_sqlite_db_open(struct queue_sqlite_db *db, struct error *err)
{
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW;
    static pthread_once_t configured = PTHREAD_ONCE_INIT; /* of SQLite in this process */
    (void)pthread_once(&configured, db_configure);
    db->suspect = false;
    if (queue_sqlite_same_check(&db->same, err) < 0)
        return -1;
    if (sqlite3_open_v2(db->path, &db->handle, flags, NULL) != SQLITE_OK)
        return queue_sqlite_db_fail(db, "opening it", err);
    if (sqlite3_busy_handler(db->handle, db_busy, db) != SQLITE_OK ||
        sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK)
        return queue_sqlite_db_fail(db, "opening it", err);
    int64_t version; /* looked at before anything is set: it may not be ours to change */
    if (queue_sqlite_schema_check(db, &version, err) < 0)
        return -1;
    if (db_set(db) < 0)
        return queue_sqlite_db_fail(db, "opening it", err);
    if (db_check_settings(db, err) < 0 || queue_sqlite_migrate(db, err) < 0 ||
        db_prepare_first(db, err) < 0)
        return -1;
    return queue_sqlite_same_log(&db->same, true, err);
}

void queue_sqlite_db_close(struct queue_sqlite_db *db)
{
    for (unsigned which = 0; which < SQL_COUNT; which++) {
        (void)sqlite3_finalize(db->statements[which]);
        db->statements[which] = NULL;
    }
    (void)sqlite3_close(db->handle); /* cannot be busy: all statements are gone */
    db->handle = NULL;
}

int queue_sqlite_db_ready(struct queue_sqlite_db *db, struct error *err)
{
    if (db->handle != NULL && !db->suspect)
        return 0;
    if (queue_sqlite_same_check(&db->same, err) < 0) /* else it would be opened with a wrong log */
        return -1;
    (void)queue_sqlite_same_log(&db->same, false, err);
    queue_sqlite_db_close(db);
    if (queue_sqlite_db_open(db, err) == 0)
        return 0;
    queue_sqlite_db_close(db);
    return -1;
}

/* ---- Statements ------------------------------------------------------------------------------ */

sqlite3_stmt *queue_sqlite_use(struct queue_sqlite_db *db, enum queue_sqlite_sql which)
{
    if (db->statements[which] == NULL) {
        db->unprepared = db_prepare(db, which);
        return db->statements[which];
    }
    (void)sqlite3_reset(db->statements[which]); /* its last failure was told then */
    return db->statements[which];
}

/* Fails only for a parameter that is not there: nothing is copied. */
static void db_bound(const sqlite3_stmt *statement, int code)
{
    assert(code == SQLITE_OK || statement == NULL);
    (void)statement;
    (void)code;
}

void queue_sqlite_bind_int(sqlite3_stmt *statement, int at, int64_t value)
{
    db_bound(statement, sqlite3_bind_int64(statement, at, value));
}

void queue_sqlite_bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    db_bound(statement, sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC));
}

void queue_sqlite_bind_chars(sqlite3_stmt *statement, int at, const char *chars, size_t count)
{
    db_bound(statement,
             sqlite3_bind_text64(statement, at, chars, count, SQLITE_STATIC, SQLITE_UTF8));
}

void queue_sqlite_bind_bytes(sqlite3_stmt *statement, int at, const void *bytes, size_t count)
{
    db_bound(statement, sqlite3_bind_blob64(statement, at, bytes, count, SQLITE_STATIC));
}

int queue_sqlite_step(struct queue_sqlite_db *db, sqlite3_stmt *statement, const char *doing,
                      struct error *err)
{
    if (statement == NULL)
        return db_fail(db, db->unprepared, doing, err);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return 1;
    int failed = code == SQLITE_DONE ? 0 : queue_sqlite_db_fail(db, doing, err);
    (void)sqlite3_reset(statement);
    return failed;
}

void queue_sqlite_end(sqlite3_stmt *statement)
{
    (void)sqlite3_reset(statement);
}

int queue_sqlite_run(struct queue_sqlite_db *db, sqlite3_stmt *statement, const char *doing,
                     struct error *err)
{
    int got = queue_sqlite_step(db, statement, doing, err);
    if (got > 0)
        queue_sqlite_end(statement);
    return got < 0 ? -1 : 0;
}

int queue_sqlite_number(struct queue_sqlite_db *db, sqlite3_stmt *statement, const char *doing,
                        int64_t *out_number, struct error *err)
{
    int got = queue_sqlite_step(db, statement, doing, err);
    if (got <= 0)
        return got;
    *out_number = sqlite3_column_int64(statement, 0);
    queue_sqlite_end(statement);
    return 1;
}

/* ---- Transactions ---------------------------------------------------------------------------- */

int queue_sqlite_begin(struct queue_sqlite_db *db, enum queue_sqlite_sql how, struct error *err)
{
    if (how == SQL_BEGIN_WRITE && queue_sqlite_same_check(&db->same, err) < 0)
        return -1;
    return queue_sqlite_run(db, queue_sqlite_use(db, how), "starting a transaction", err);
}

int queue_sqlite_commit(struct queue_sqlite_db *db, struct error *err)
{
    return queue_sqlite_run(db, queue_sqlite_use(db, SQL_COMMIT), "committing", err) < 0
               ? -1
               : queue_sqlite_same_check(&db->same, err);
}

bool queue_sqlite_in_transaction(const struct queue_sqlite_db *db)
{
    return db->handle != NULL && sqlite3_get_autocommit(db->handle) == 0;
}

void queue_sqlite_rollback(struct queue_sqlite_db *db)
{
    struct error ignored; /* what fails to roll back is rolled back by closing */
    if (queue_sqlite_in_transaction(db) &&
        queue_sqlite_run(db, queue_sqlite_use(db, SQL_ROLLBACK), "rolling back", &ignored) < 0)
        db->suspect = true;
}

void queue_sqlite_db_flush(struct queue_sqlite_db *db, bool at_once)
{
    /* Not a prepared statement: it takes effect when it is prepared. */
    const char *how = at_once ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL";
    if (db->handle == NULL || sqlite3_exec(db->handle, how, NULL, NULL, NULL) != SQLITE_OK)
        db->suspect = true; /* opened afresh, with FULL */
}

int queue_sqlite_db_checkpoint(struct queue_sqlite_db *db, struct error *err)
{
    return sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) ==
                   SQLITE_OK
               ? 0
               : queue_sqlite_db_fail(db, "emptying its log", err);
}
