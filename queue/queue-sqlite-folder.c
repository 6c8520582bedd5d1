/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-folder.c - see queue-sqlite-folder.h. */
#include <config.h>
#include "queue-sqlite-folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "fault.h"

#define FOLDER_LOCK_SLICE_MS 20

/* File systems whose locks, shared memory or flushes a database cannot rely on (magic numbers of
 * statfs(2); not all of them have a name in the C library's headers). */
static const struct {
    uint32_t magic;
    const char *name;
} folder_networks[] = {
    {0x6969, "NFS"},      {0x517B, "SMB"},       {0xFF534D42, "CIFS"},   {0xFE534D42, "SMB2"},
    {0x5346414F, "AFS"},  {0x6B414653, "AFS"},   {0x73757245, "Coda"},   {0x01021997, "9P"},
    {0x00C36400, "Ceph"}, {0x65735546, "FUSE"},  {0x0BD00BD0, "Lustre"}, {0x47504653, "GPFS"},
    {0x564C, "NCP"},      {0x19830326, "FhGFS"}, {0x7461636F, "OCFS2"},  {0x01161970, "GFS2"},
};

static int folder_fail(const char *what, const char *path, struct error *err)
{
    return error_set(err, ERROR_CREATE,
                     "cannot %s '%.300s': %s; give the queue another folder, or "
                     "the right to write there",
                     what, path, strerror(errno));
}

/* Make the name of @part last. A parent that may not be read is one in which we made nothing. */
static int folder_flush_name(const char *part, struct error *err)
{
    const char *slash = strrchr(part, '/');
    size_t len = slash == NULL || slash == part ? 1 : (size_t)(slash - part);
    AUTO_TEXT parent = strndup(slash == NULL ? "." : part, len);
    if (parent == NULL)
        return error_oom(err, "opening the queue");
    AUTO_FD fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == EACCES ? 0 : folder_fail("open", parent, err);
    if (fsync(fd) < 0 && errno != EINVAL && errno != EROFS) /* not every file system can */
        return folder_fail("write", parent, err);
    return 0;
}

/* mkdir -p: each missing part with mode 0700. The queue's own name is always flushed: whoever made
 * it may have died before it was on disk, and without it all that is flushed below is lost. */
static int folder_make(const char *path, struct error *err)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len >= sizeof part)
        return error_set(err, ERROR_USAGE, "the queue's folder has a name of more than %zu bytes",
                         sizeof part - 1);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        bool made = mkdir(part, 0700) == 0;
        if (!made && errno != EEXIST && errno != EISDIR && errno != EROFS)
            return folder_fail("make the folder", part, err);
        if ((made || i == len) && folder_flush_name(part, err) < 0)
            return -1;
    }
    return 0;
}

static int folder_check_owner(const struct queue_sqlite_folder *folder, struct error *err)
{
    struct stat info;
    if (fstat(folder->fd, &info) < 0)
        return folder_fail("look at", folder->path, err);
    if (info.st_uid != geteuid())
        return error_set(err, ERROR_CONFIG,
                         "queue folder '%.300s' belongs to user %u, not to you (%u); run as that "
                         "user, or give the queue a folder of its own",
                         folder->path, (unsigned)info.st_uid, (unsigned)geteuid());
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return error_set(
            err, ERROR_CONFIG,
            "queue folder '%.300s' can be written by others (mode %03o); chmod 700 it, "
            "or give the queue a folder of its own",
            folder->path, (unsigned)(info.st_mode & 0777));
    return 0;
}

static int folder_check_disk(const struct queue_sqlite_folder *folder, struct error *err)
{
    struct statfs disk;
    if (fstatfs(folder->fd, &disk) < 0)
        return folder_fail("look at the disk of", folder->path, err);
    for (size_t i = 0; i < sizeof folder_networks / sizeof folder_networks[0]; i++)
        if ((uint32_t)disk.f_type == folder_networks[i].magic)
            return error_set(err, ERROR_CONFIG,
                             "queue folder '%.300s' lies on %s, where a database is not safe; put "
                             "it on a local disk",
                             folder->path, folder_networks[i].name);
    return 0;
}

static int folder_open_at(const struct queue_sqlite_folder *folder, const char *name, int *out_fd,
                          struct error *err)
{
    if (mkdirat(folder->fd, name, 0700) < 0 && errno != EEXIST)
        return folder_fail("make the folders of", folder->path, err);
    *out_fd = openat(folder->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return *out_fd < 0 ? folder_fail("open the folders of", folder->path, err) : 0;
}

/* Others hold it while they open the queue: for long only if they are stopped, or their disk is. */
static int folder_lock(const struct queue_sqlite_folder *folder, struct error *err)
{
    const struct timespec slice = {.tv_nsec = FOLDER_LOCK_SLICE_MS * 1000000};
    uint32_t most_ms = folder->lock_ms != 0 ? folder->lock_ms : QUEUE_SQLITE_LOCK_MS;
    for (uint32_t waited_ms = 0;; waited_ms += FOLDER_LOCK_SLICE_MS) {
        if (flock(folder->fd, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return folder_fail("lock", folder->path, err);
        if (waited_ms >= most_ms)
            return error_set(err, ERROR_STORE,
                             "another process is opening the queue '%.300s' and did not finish "
                             "within %u seconds; see whether it hangs, and run again",
                             folder->path, most_ms / 1000);
        (void)nanosleep(&slice, NULL);
    }
}

/* Whoever uses the spool holds its lock shared: if it can be had alone, what lies there was left
 * behind by somebody who died. A spool file is never the only copy of a message. */
static int folder_clear_spool(const struct queue_sqlite_folder *folder, struct error *err)
{
    if (flock(folder->spool_fd, LOCK_EX | LOCK_NB) == 0) {
        int list_fd = openat(folder->spool_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *list = list_fd < 0 ? NULL : fdopendir(list_fd);
        if (list == NULL) {
            (void)close(list_fd);
            return folder_fail("read", folder->spool, err);
        }
        for (const struct dirent *file; (file = readdir(list)) != NULL;)
            if (file->d_type != DT_DIR)
                (void)unlinkat(folder->spool_fd, file->d_name, 0);
        (void)closedir(list);
    }
    return flock(folder->spool_fd, LOCK_SH) < 0 ? folder_fail("lock", folder->spool, err) : 0;
}

/* SQLite would make it readable for others, and gives its other files the mode of this one. One
 * that is there is not opened: to close it would drop the locks (fcntl) of every handle that this
 * process has on it already, and another process could then take itself for the last one and remove
 * the log. */
static int folder_make_database(const struct queue_sqlite_folder *folder, struct error *err)
{
    fault_point("queue folders made");
    AUTO_FD fd = openat(folder->fd, "queue.db", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return 0;
    if (fd < 0)
        return folder_fail("make the database in", folder->path, err);
    return fsync(folder->fd) < 0 ? folder_fail("write", folder->path, err) : 0;
}

int queue_sqlite_folder_open(struct queue_sqlite_folder *folder, const char *path,
                             struct error *err)
{
    *folder = (struct queue_sqlite_folder){.lock_ms = folder->lock_ms, .fd = -1, .raw_fd = -1,
                                           .spool_fd = -1};
    folder->reserve_min = QUEUE_SQLITE_RESERVE_MIN;
    if (folder_make(path, err) < 0)
        return -1;
    folder->path = realpath(path, NULL);
    if (folder->path == NULL)
        return folder_fail("find", path, err);
    if (asprintf(&folder->spool, "%s/spool", folder->path) < 0) {
        folder->spool = NULL;
        return error_oom(err, "opening the queue");
    }
    fault_point("queue folder made");
    folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->fd < 0)
        return folder_fail("open", folder->path, err);
    if (folder_check_owner(folder, err) < 0 || folder_check_disk(folder, err) < 0)
        return -1;
    if (folder_lock(folder, err) < 0)
        return -1;
    if (folder_open_at(folder, "raw", &folder->raw_fd, err) < 0 ||
        folder_open_at(folder, "spool", &folder->spool_fd, err) < 0 ||
        folder_clear_spool(folder, err) < 0)
        return -1;
    return folder_make_database(folder, err);
}

void queue_sqlite_folder_unlock(struct queue_sqlite_folder *folder)
{
    (void)flock(folder->fd, LOCK_UN);
}

static void folder_close_fd(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

void queue_sqlite_folder_close(struct queue_sqlite_folder *folder)
{
    folder_close_fd(folder->spool_fd);
    folder_close_fd(folder->raw_fd);
    folder_close_fd(folder->fd);
    free(folder->spool);
    free(folder->path);
}

int queue_sqlite_folder_space(struct queue_sqlite_folder *folder, uint64_t more, bool afresh,
                              struct error *err)
{
    folder->unseen += more;
    if (folder->seen && !afresh && folder->unseen < QUEUE_SQLITE_SPACE_EVERY)
        return 0;
    struct statvfs disk;
    if (fstatvfs(folder->fd, &disk) < 0)
        return error_set(err, ERROR_STORE, "cannot tell how full the disk of '%.300s' is: %s",
                         folder->path, strerror(errno));
    uint64_t all = (uint64_t)disk.f_blocks * disk.f_frsize;
    uint64_t left = (uint64_t)disk.f_bavail * disk.f_frsize;
    uint64_t reserve = all / QUEUE_SQLITE_RESERVE_PART;
    if (reserve < folder->reserve_min)
        reserve = folder->reserve_min;
    folder->seen = left >= reserve && left - reserve >= more;
    folder->unseen = more;
    if (folder->seen)
        return 0;
    return error_set(
        err, ERROR_STORE,
        "the disk of '%.300s' has %llu MB free, and %llu MB of it are kept in reserve; "
        "free some space, then mail goes on: nothing is lost",
        folder->path, (unsigned long long)(left >> 20), (unsigned long long)(reserve >> 20));
}
