/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-schema.h - tables, statements, and the way from an older schema to this one.
 * Internal. */
#ifndef MAILCHUTE_QUEUE_QUEUE_SQLITE_SCHEMA_H
#define MAILCHUTE_QUEUE_QUEUE_SQLITE_SCHEMA_H

#include "queue-sqlite-db.h"

#define QUEUE_SQLITE_SCHEMA 11 /* PRAGMA user_version of the newest schema */

/** queue_sqlite_schema_check - what schema it has, 0 for none; changes nothing. -1 when it is newer
 * than ours, or of another program. */
int queue_sqlite_schema_check(struct queue_sqlite_db *db, int64_t *out_version, struct error *err);

/** queue_sqlite_migrate - make this connection's database one of the newest schema, in one
 * transaction. Refuses what queue_sqlite_schema_check() refuses. */
int queue_sqlite_migrate(struct queue_sqlite_db *db, struct error *err);

/** queue_sqlite_sql_text - what is prepared for @which. Static. */
const char *queue_sqlite_sql_text(enum queue_sqlite_sql which);

#endif
