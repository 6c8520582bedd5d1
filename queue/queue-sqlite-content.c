/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-content.c - content that came as a file. See queue-sqlite.h.
 *
 * SQLite builds a row in memory, and what is bound to it is there besides. So large content goes
 * into rows of QUEUE_SQLITE_PIECE bytes in a table of its own, in the transaction of its entry; the
 * page cache writes them out as it fills. Its text in body is the number of its bytes then; what
 * else stands there begins with "{". */
#include <config.h>
#include "queue-sqlite.h"

#include <stdlib.h>

#include "queue-entry.h"

static const char content_reading[] = "reading an entry's content";

bool queue_sqlite_content_is_large(const struct queue_item *item)
{
    return item->content_filed > QUEUE_SQLITE_PIECE;
}

int queue_sqlite_content_add(struct queue_sqlite *store, int64_t n, const struct queue_item *item,
                             struct error *err)
{
    AUTO_TEXT piece = NULL;
    for (uint64_t at = 0, left = item->content_filed; left > 0;) {
        size_t count = left < QUEUE_SQLITE_PIECE ? (size_t)left : QUEUE_SQLITE_PIECE;
        if (queue_content_load(item, at, count, &piece, err) < 0)
            return -1;
        sqlite3_stmt *add = queue_sqlite_use(&store->db, SQL_PIECE_ADD);
        queue_sqlite_bind_int(add, 1, n);
        queue_sqlite_bind_int(add, 2, (int64_t)at);
        queue_sqlite_bind_bytes(add, 3, piece, count);
        if (queue_sqlite_run(&store->db, add, "adding an entry's content", err) < 0)
            return -1;
        at += count;
        left -= count;
    }
    return 0;
}

static int content_lacks(const struct queue_sqlite *store, struct error *err)
{
    return error_set(err, ERROR_STORE,
                     "'%s' lacks a piece of an entry's content; put back a copy of its folder",
                     store->db.path);
}

/* The next row: it must begin where the one before ended. */
static int content_append(struct queue_sqlite *store, sqlite3_stmt *piece, struct buffer *out,
                          struct error *err)
{
    const void *bytes = sqlite3_column_blob(piece, 1);
    if (bytes == NULL)
        return error_oom(err, content_reading);
    if ((uint64_t)sqlite3_column_int64(piece, 0) != out->len)
        return content_lacks(store, err);
    return buffer_append(out, bytes, (size_t)sqlite3_column_bytes(piece, 1)) < 0
               ? error_oom(err, content_reading)
               : 0;
}

uint64_t queue_sqlite_content_size(const char *content)
{
    return content[0] >= '0' && content[0] <= '9' ? strtoull(content, NULL, 10) : 0;
}

int queue_sqlite_content_read(struct queue_sqlite *store, int64_t n, uint64_t size,
                              struct buffer *out, struct error *err)
{
    int got;
    sqlite3_stmt *piece = queue_sqlite_use(&store->db, SQL_PIECE_EACH);
    queue_sqlite_bind_int(piece, 1, n);
    while ((got = queue_sqlite_step(&store->db, piece, content_reading, err)) > 0)
        if (content_append(store, piece, out, err) < 0) {
            queue_sqlite_end(piece);
            return -1;
        }
    return got == 0 && out->len != size ? content_lacks(store, err) : got;
}
