/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-raw.c - see queue-sqlite-raw.h. All that is done to raw files is done here. */
#include <config.h>
#include "queue-sqlite-raw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "queue-file.h"
#include "queue-flush.h"
#include "write-all.h"

#define RAW_OLD_MAX (6u + QUEUE_ID_TEXT) /* "3f/a0/3fa0..." */

/* Where the file of this id lies, below raw/. */
struct raw_name {
    char path[QUEUE_ID_TEXT];
};

static struct raw_name raw_name_of(const uint8_t id[QUEUE_UUID_SIZE])
{
    struct raw_name name;
    queue_id_text(id, name.path); /* analyse: it fills all of it */
    return name;
}

static int raw_fail(const struct queue_sqlite_raw *raw, const char *what, struct error *err)
{
    int why = errno;
    return error_set(err, ERROR_STORE, "cannot %s a message below '%.300s/raw': %s; %s", what,
                     raw->folder->path, strerror(why), error_remedy(why, "check that disk"));
}

/* ---- Into place ------------------------------------------------------------------------------ */

/* Give a file without a name this one. What has the name already belongs to no entry. */
static int raw_link(const struct queue_sqlite_raw *raw, int fd, const struct raw_name *name)
{
    char file[32];
    (void)snprintf(file, sizeof file, "/proc/self/fd/%d", fd);
    for (unsigned tries = 0; tries < 3; tries++) {
        if (linkat(AT_FDCWD, file, raw->folder->raw_fd, name->path, AT_SYMLINK_FOLLOW) == 0)
            return 0;
        if (errno != EEXIST || unlinkat(raw->folder->raw_fd, name->path, 0) < 0)
            return -1;
    }
    return -1;
}

static bool raw_can_link(const struct queue_sqlite_raw *raw, const struct queue_item *item)
{
    struct stat file, folder;
    return item->raw_bytes == NULL && fstat(item->raw_fd, &file) == 0 &&
           fstat(raw->folder->raw_fd, &folder) == 0 && S_ISREG(file.st_mode) &&
           file.st_nlink == 0 && file.st_dev == folder.st_dev &&
           (uint64_t)file.st_size == item->raw_size;
}

/* *out_fd is yours. */
static int raw_copy(const struct queue_sqlite_raw *raw, const struct queue_item *item,
                    const struct raw_name *name, int *out_fd)
{
    AUTO_TEXT path = NULL;
    if (asprintf(&path, "%s/copy-XXXXXX", raw->folder->spool) < 0) {
        path = NULL;
        errno = ENOMEM;
        return -1;
    }
    AUTO_FD fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return -1;
    int failed = item->raw_bytes != NULL
                     ? write_all(fd, item->raw_bytes, (size_t)item->raw_size)
                     : queue_file_copy(item->raw_fd, fd, item->raw_size);
    if (failed < 0 || renameat(AT_FDCWD, path, raw->folder->raw_fd, name->path) < 0) {
        int why = errno;
        (void)unlink(path);
        errno = why;
        return -1;
    }
    *out_fd = TAKE_FD(fd);
    return 0;
}

/* *out_fd is yours: the file in its place. */
static int raw_place(const struct queue_sqlite_raw *raw, const struct queue_item *item,
                     const struct raw_name *name, int *out_fd)
{
    if (raw_can_link(raw, item)) {
        AUTO_FD fd = fcntl(item->raw_fd, F_DUPFD_CLOEXEC, 0);
        if (fd < 0)
            return -1;
        if (fchmod(fd, 0600) == 0 && raw_link(raw, fd, name) == 0) {
            *out_fd = TAKE_FD(fd);
            return 0;
        }
        if (errno == ENOSPC || errno == EDQUOT || errno == EIO)
            return -1;
    }
    return raw_copy(raw, item, name, out_fd);
}

/* ---- Onto the disk --------------------------------------------------------------------------- */

static int raw_flush_bytes(struct queue_sqlite_raw *raw, struct error *err)
{
    int fds[QUEUE_SQLITE_RAW_OPEN];
    size_t unflushed = raw->count - raw->flushed; /* not more: queue_sqlite_raw_add() */
    for (size_t i = 0; i < unflushed; i++)
        fds[i] = raw->files[raw->flushed + i].fd;
    if (queue_flush(fds, unflushed) < 0)
        return raw_fail(raw, "flush", err);
    for (; raw->flushed < raw->count; raw->flushed++) {
        struct queue_sqlite_file *file = &raw->files[raw->flushed];
        (void)close(file->fd);
        file->fd = -1;
    }
    return 0;
}

/* All names of the batch at once. */
static int raw_flush_names(const struct queue_sqlite_raw *raw, struct error *err)
{
    return fsync(raw->folder->raw_fd) < 0 ? raw_fail(raw, "flush the name of", err) : 0;
}

static int raw_grow(struct queue_sqlite_raw *raw)
{
    if (raw->count < raw->capacity)
        return 0;
    size_t capacity = raw->capacity == 0 ? 16 : raw->capacity * 2;
    struct queue_sqlite_file *files = realloc(raw->files, capacity * sizeof *files);
    if (files == NULL)
        return -1;
    raw->files = files;
    raw->capacity = capacity;
    return 0;
}

/* ---- Interface ------------------------------------------------------------------------------- */

void queue_sqlite_raw_init(struct queue_sqlite_raw *raw, const struct queue_sqlite_folder *folder)
{
    *raw = (struct queue_sqlite_raw){.folder = folder};
}

void queue_sqlite_raw_done(struct queue_sqlite_raw *raw)
{
    queue_sqlite_raw_keep(raw);
    free(raw->files);
    raw->files = NULL;
    raw->capacity = 0;
}

int queue_sqlite_raw_add(struct queue_sqlite_raw *raw, const uint8_t id[QUEUE_UUID_SIZE],
                         const struct queue_item *item, struct error *err)
{
    if (raw_grow(raw) < 0)
        return error_oom(err, "keeping a message");
    if (raw->count - raw->flushed >= QUEUE_SQLITE_RAW_OPEN && raw_flush_bytes(raw, err) < 0)
        return -1;
    struct raw_name name = raw_name_of(id);
    struct queue_sqlite_file file = {.fd = -1};
    fault_point("raw file");
    if (raw_place(raw, item, &name, &file.fd) < 0)
        return raw_fail(raw, "store", err);
    fault_point("raw file in place");
    memcpy(file.id, id, sizeof file.id);
    raw->files[raw->count++] = file;
    /* Start writing now; queue_sqlite_raw_flush() waits for it, and hears what went wrong. */
    (void)sync_file_range(file.fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    return 0;
}

int queue_sqlite_raw_flush(struct queue_sqlite_raw *raw, struct error *err)
{
    if (raw->count == 0)
        return 0;
    return raw_flush_bytes(raw, err) < 0 ? -1 : raw_flush_names(raw, err);
}

void queue_sqlite_raw_keep(struct queue_sqlite_raw *raw)
{
    for (size_t i = 0; i < raw->count; i++)
        if (raw->files[i].fd >= 0)
            (void)close(raw->files[i].fd);
    raw->count = 0;
    raw->flushed = 0;
}

void queue_sqlite_raw_remove(struct queue_sqlite_raw *raw)
{
    for (size_t i = 0; i < raw->count; i++) {
        struct raw_name name = raw_name_of(raw->files[i].id);
        (void)unlinkat(raw->folder->raw_fd, name.path, 0);
        fault_point("raw file removed");
    }
    queue_sqlite_raw_keep(raw);
}

/* A descriptor of the file, or -1. */
static int raw_open_file(const struct queue_sqlite_raw *raw, const struct raw_name *name)
{
    char old[RAW_OLD_MAX];
    int fd = openat(raw->folder->raw_fd, name->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    (void)snprintf(old, sizeof old, "%.2s/%.2s/%s", name->path, name->path + 2, name->path);
    return openat(raw->folder->raw_fd, old, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

int queue_sqlite_raw_open(const struct queue_sqlite_raw *raw, const uint8_t id[QUEUE_UUID_SIZE],
                          uint64_t size, int *out_fd, struct error *err)
{
    struct raw_name name = raw_name_of(id);
    struct stat info;
    AUTO_FD fd = raw_open_file(raw, &name);
    if (fd < 0 || fstat(fd, &info) < 0)
        return raw_fail(raw, "open", err);
    if ((uint64_t)info.st_size != size)
        return error_set(err, ERROR_STORE,
                         "'%.300s/raw/%s' has %lld bytes instead of %llu; put back a copy of it",
                         raw->folder->path, name.path, (long long)info.st_size,
                         (unsigned long long)size);
    *out_fd = TAKE_FD(fd);
    return 0;
}
