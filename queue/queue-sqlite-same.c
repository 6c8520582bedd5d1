/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-same.c - see queue-sqlite-same.h. */
#include <config.h>
#include "queue-sqlite-same.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool same_is_unseen(int why)
{
    return why != ENOENT && why != ENOTDIR;
}

static int same_fail(const char *path, struct error *err)
{
    if (same_is_unseen(errno))
        return error_set(err, ERROR_STORE,
                         "cannot see whether '%.300s' is still what was opened: %s; check its disk "
                         "and its rights",
                         path, strerror(errno));
    return error_set(
        err, ERROR_STORE,
        "'%.250s' was moved or deleted while this process had it open; mail stays where "
        "it is; stop mailchute before a queue's files are moved or restored, and "
        "start it again",
        path);
}

static int same_fail_other(const char *path, struct error *err)
{
    return error_set(
        err, ERROR_STORE,
        "'%.250s' was replaced by another one while this process had it open; mail stays "
        "where it is; stop mailchute before a queue's files are moved or restored, "
        "and start it again",
        path);
}

static void same_know(struct queue_sqlite_inode *part, const struct stat *info)
{
    part->device = info->st_dev;
    part->number = info->st_ino;
    part->known = true;
}

/* O_PATH: to close any other descriptor of the database would drop the locks that this process has
 * on it. */
static int same_keep(struct queue_sqlite_same *same, int raw_fd, struct error *err)
{
    struct queue_sqlite_inode *db = &same->parts[QUEUE_SQLITE_DB];
    struct queue_sqlite_inode *raw = &same->parts[QUEUE_SQLITE_RAW];
    struct stat info;
    same->db_fd = open(db->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (same->db_fd < 0 || fstat(same->db_fd, &info) < 0)
        return same_fail(db->path, err);
    same_know(db, &info);
    if (fstat(raw_fd, &info) < 0)
        return same_fail(raw->path, err);
    same_know(raw, &info);
    return 0;
}

int queue_sqlite_same_init(struct queue_sqlite_same *same, const char *folder, int raw_fd,
                           struct error *err)
{
    static const char *const names[] = {[QUEUE_SQLITE_DB] = "queue.db",
                                        [QUEUE_SQLITE_LOG] = "queue.db-wal",
                                        [QUEUE_SQLITE_RAW] = "raw"};
    *same = (struct queue_sqlite_same){.lock = PTHREAD_MUTEX_INITIALIZER, .db_fd = -1};
    for (unsigned i = 0; i < QUEUE_SQLITE_PARTS; i++)
        if (asprintf(&same->parts[i].path, "%s/%s", folder, names[i]) < 0) {
            same->parts[i].path = NULL;
            return error_oom(err, "opening the queue");
        }
    return same_keep(same, raw_fd, err);
}

void queue_sqlite_same_done(struct queue_sqlite_same *same)
{
    bool began = same->parts[0].path != NULL; /* else db_fd may be 0, and not ours */
    for (unsigned i = 0; i < QUEUE_SQLITE_PARTS; i++)
        free(same->parts[i].path);
    if (began && same->db_fd >= 0)
        (void)close(same->db_fd);
    *same = (struct queue_sqlite_same){.db_fd = -1};
}

int queue_sqlite_same_log(struct queue_sqlite_same *same, bool opened, struct error *err)
{
    struct queue_sqlite_inode *log = &same->parts[QUEUE_SQLITE_LOG];
    struct stat info;
    int bad = 0;
    (void)pthread_mutex_lock(&same->lock);
    log->known = false;
    if (opened && lstat(log->path, &info) < 0)
        bad = same_fail(log->path, err);
    else if (opened)
        same_know(log, &info);
    (void)pthread_mutex_unlock(&same->lock);
    return bad;
}

static int same_check_part(const struct queue_sqlite_inode *part, bool unseen_is_well,
                           struct error *err)
{
    struct stat info;
    if (!part->known)
        return 0;
    if (lstat(part->path, &info) < 0)
        return unseen_is_well && same_is_unseen(errno) ? 0 : same_fail(part->path, err);
    return info.st_dev == part->device && info.st_ino == part->number
               ? 0
               : same_fail_other(part->path, err);
}

static int same_check(struct queue_sqlite_same *same, bool unseen_is_well, struct error *err)
{
    int bad = 0;
    (void)pthread_mutex_lock(&same->lock);
    for (unsigned i = 0; i < QUEUE_SQLITE_PARTS && bad == 0; i++)
        bad = same_check_part(&same->parts[i], unseen_is_well, err);
    (void)pthread_mutex_unlock(&same->lock);
    return bad;
}

int queue_sqlite_same_check(struct queue_sqlite_same *same, struct error *err)
{
    return same_check(same, false, err);
}

int queue_sqlite_same_lost(struct queue_sqlite_same *same, struct error *err)
{
    return same_check(same, true, err);
}
