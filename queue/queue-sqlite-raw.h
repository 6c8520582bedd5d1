/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-raw.h - large messages as files, raw/3fa0..., each by its entry's id. Internal.
 *
 * All lie in one folder, so that a batch flushes one folder, however many files it has: ids are
 * digests, and in folders by their first digits nearly each file would have one of its own to make
 * and flush. File systems find a name among millions by its hash. A file that an earlier version
 * put into raw/3f/a0/ is found there.
 *
 * A file comes into its place before the database knows of it; until then nobody looks at it. So a
 * file without an entry is harmless: it stems from a batch that never was, and is replaced when its
 * message comes again. For that to be safe, files come and go under the database's write lock only.
 */
#ifndef MAILCHUTE_QUEUE_QUEUE_SQLITE_RAW_H
#define MAILCHUTE_QUEUE_QUEUE_SQLITE_RAW_H

#include "queue-id.h"
#include "queue-sqlite-folder.h"

#define QUEUE_SQLITE_RAW_OPEN 64u /* files of a batch that are kept open until they are flushed */

struct queue_sqlite_file {
    uint8_t id[QUEUE_UUID_SIZE];
    int fd; /* -1: its bytes are on disk already */
};

/* Files of the open batch. */
struct queue_sqlite_raw {
    const struct queue_sqlite_folder *folder; /* borrowed */
    struct queue_sqlite_file *files;
    size_t count, capacity, flushed; /* the first flushed ones have their bytes on disk */
};

void queue_sqlite_raw_init(struct queue_sqlite_raw *raw, const struct queue_sqlite_folder *folder);
void queue_sqlite_raw_done(struct queue_sqlite_raw *raw); /* what is in place stays there */

/** queue_sqlite_raw_add - the message of @item under this id: its file itself where that has no
 * name yet and lies on the same file system, else a copy. */
int queue_sqlite_raw_add(struct queue_sqlite_raw *raw, const uint8_t id[QUEUE_UUID_SIZE],
                         const struct queue_item *item, struct error *err);

/** queue_sqlite_raw_flush - all files of the batch, and their names, on disk. A flush that failed
 * is not tried again: the batch must be given up. */
int queue_sqlite_raw_flush(struct queue_sqlite_raw *raw, struct error *err);

/* The batch is over: keep its files, or remove them. */
void queue_sqlite_raw_keep(struct queue_sqlite_raw *raw);
void queue_sqlite_raw_remove(struct queue_sqlite_raw *raw);

/** queue_sqlite_raw_open - the file of this id, read only: yours to close(). */
int queue_sqlite_raw_open(const struct queue_sqlite_raw *raw, const uint8_t id[QUEUE_UUID_SIZE],
                          uint64_t size, int *out_fd, struct error *err);

#endif
