/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sql.h - the database of a fixture's queue (queue-fixture.h, sqlite) from outside, as a test
 * looks at it or spoils it: each call by a connection of its own. */
#ifndef MAILCHUTE_TESTS_QUEUE_SQL_H
#define MAILCHUTE_TESTS_QUEUE_SQL_H

#include <sqlite3.h>
#include <stdint.h>

#include "queue-fixture.h"

/** queue_sql_open - yours: sqlite3_close(). Temporary tables stay in memory. */
sqlite3 *queue_sql_open(const struct queue_fixture *fixture);

/** queue_sql_run - statements whose rows nobody wants. */
void queue_sql_run(const struct queue_fixture *fixture, const char *sql);

/** queue_sql_number - the first column of the first row, which is to be there. */
int64_t queue_sql_number(const struct queue_fixture *fixture, const char *sql);

#endif
