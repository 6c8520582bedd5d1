/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sql.c - see queue-sql.h. */
#include <config.h>
#include "queue-sql.h"

#include <stdio.h>

sqlite3 *queue_sql_open(const struct queue_fixture *fixture)
{
    char path[200];
    sqlite3 *db = NULL;
    (void)snprintf(path, sizeof path, "%s/q/queue.db", fixture->dir);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "PRAGMA temp_store = MEMORY", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

void queue_sql_run(const struct queue_fixture *fixture, const char *sql)
{
    sqlite3 *db = queue_sql_open(fixture);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

int64_t queue_sql_number(const struct queue_fixture *fixture, const char *sql)
{
    sqlite3 *db = queue_sql_open(fixture);
    sqlite3_stmt *statement = NULL;
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK, "%s",
                  sqlite3_errmsg(db));
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return number;
}
