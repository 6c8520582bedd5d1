/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-folder.h - the folder of a queue: who may write there, on what disk, how full.
 * Internal.
 *
 *     FOLDER/queue.db (-wal, -shm)   the database
 *     FOLDER/raw/3fa0....            large messages, each by its entry's id
 *     FOLDER/spool/                  files on their way in; strays are removed at open
 *     FOLDER/claims/                 empty files, locked by who picks up from a mailbox */
#ifndef MAILCHUTE_QUEUE_QUEUE_SQLITE_FOLDER_H
#define MAILCHUTE_QUEUE_QUEUE_SQLITE_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

#define QUEUE_SQLITE_RESERVE_MIN (512ull << 20) /* bytes of the disk that stay free, at least */
#define QUEUE_SQLITE_RESERVE_PART 20u           /* and at least one in so many of all */
#define QUEUE_SQLITE_SPACE_EVERY (1u << 20)     /* look again after so many bytes were written */

#define QUEUE_SQLITE_LOCK_MS 10000u /* for others who open the same queue */

struct queue_sqlite_folder {
    char *path;  /* absolute, without symbolic links */
    char *spool; /* path of spool/ */
    int fd, raw_fd, spool_fd;
    uint64_t reserve_min; /* QUEUE_SQLITE_RESERVE_MIN, other values for tests */
    uint32_t lock_ms;     /* how long to wait for others who open it; 0: QUEUE_SQLITE_LOCK_MS */
    uint64_t unseen;      /* bytes written since the disk was looked at */
    bool seen;
};

/** queue_sqlite_folder_open - make what is missing (mode 0700), refuse what is not safe, and lock
 * it against others who open it until queue_sqlite_folder_unlock(). Zero *folder first. Waits for
 * them lock_ms at most: ERROR_STORE. What this leaves behind on
 * failure is cleaned by _close(). */
int queue_sqlite_folder_open(struct queue_sqlite_folder *folder, const char *path,
                             struct error *err);
void queue_sqlite_folder_unlock(struct queue_sqlite_folder *folder);
void queue_sqlite_folder_close(struct queue_sqlite_folder *folder);

/** queue_sqlite_folder_space - room for @more bytes without touching the reserve. Cheap: asks the
 * kernel once per QUEUE_SQLITE_SPACE_EVERY bytes, and whenever @afresh. */
int queue_sqlite_folder_space(struct queue_sqlite_folder *folder, uint64_t more, bool afresh,
                              struct error *err);

#endif
