/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-same.h - are the files of a queue still those that were opened? Internal.
 *
 * A database that is deleted, renamed, or replaced by a copy stays open: what is written goes into
 * a file that has no name any more, and is gone with this process. Nothing may be done to a mail
 * because of that. Compared are device and inode number of what lies under the paths: of queue.db,
 * of its log, which is part of it, and of raw/. */
#ifndef MAILCHUTE_QUEUE_QUEUE_SQLITE_SAME_H
#define MAILCHUTE_QUEUE_QUEUE_SQLITE_SAME_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "error.h"

struct queue_sqlite_inode {
    char *path; /* yours */
    dev_t device;
    ino_t number;
    bool known; /* what it has to be */
};

enum queue_sqlite_part { QUEUE_SQLITE_DB, QUEUE_SQLITE_LOG, QUEUE_SQLITE_RAW, QUEUE_SQLITE_PARTS };

struct queue_sqlite_same {
    pthread_mutex_t lock; /* over what is known of the log */
    struct queue_sqlite_inode parts[QUEUE_SQLITE_PARTS];
    int db_fd; /* keeps its inode, so that no other file can get that number; -1: none */
};

/** queue_sqlite_same_init - what lies in the queue's @folder now, and what @raw_fd is, has to stay.
 * What this leaves behind on failure is cleaned by _done(). The log is not known yet. */
int queue_sqlite_same_init(struct queue_sqlite_same *same, const char *folder, int raw_fd,
                           struct error *err);
void queue_sqlite_same_done(struct queue_sqlite_same *same); /* all zero is fine */

/** queue_sqlite_same_log - the log that lies there now has to stay, or if @opened is false: none
 * has to, as before a connection is closed. It comes and goes with those of all processes. */
int queue_sqlite_same_log(struct queue_sqlite_same *same, bool opened, struct error *err);

/** queue_sqlite_same_check - 0, or -1 where one of them is gone or another one, or cannot be seen:
 * ERROR_STORE with what and where. From any thread; costs three lstat(). */
int queue_sqlite_same_check(struct queue_sqlite_same *same, struct error *err);

/** queue_sqlite_same_lost - the same, but what cannot be seen (a disk that fails, a folder without
 * rights) may be there. */
int queue_sqlite_same_lost(struct queue_sqlite_same *same, struct error *err);

#endif
