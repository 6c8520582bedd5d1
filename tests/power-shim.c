/* SPDX-License-Identifier: Apache-2.0 */
/* power-shim.c - preloaded into a program: writes down all that it does to files, and what it
 * sends and receives.
 *
 * POWER_LOG names the file that gets the record, POWER_ROOT a folder: of calls on other disks than
 * that folder's nothing is kept. torture_power.py reads the record; it holds calls that succeeded,
 * in their order, each as a struct record with `size` bytes behind it:
 *
 *   CREATE    file, a=1: a folder; the number means a new file from here on
 *   LINK      file has the name behind the record, in folder a
 *   UNLINK    that name is gone from folder a
 *   RENAME    file, from folder a to folder b; both names, with a NUL between them
 *   WRITE     file, at byte a, the bytes
 *   TRUNCATE  file, a its new size
 *   SYNC      file is flushed
 *   SENT      the bytes, over some socket
 *   RECEIVED  a bytes came, over some socket
 *
 * Files are named by their inodes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct record {
    uint64_t what, file, a, b, size;
};
enum { CREATE = 'C', LINK = 'L', UNLINK = 'U', RENAME = 'R', WRITE = 'W', TRUNCATE = 'T',
       SYNC = 'S', SENT = 'X', RECEIVED = 'V' };

static pthread_mutex_t shim_lock = PTHREAD_MUTEX_INITIALIZER; /* a call and its record are one */
static int shim_fd = -1;
static dev_t shim_disk;

#define REAL(type, name, parameters)                                                               \
    static type(*real) parameters;                                                                 \
    if (real == NULL)                                                                              \
        *(void **)&real = dlsym(RTLD_NEXT, #name)

#define EXPORT __attribute__((visibility("default")))

static void shim_put(const void *bytes, size_t size)
{
    REAL(ssize_t, write, (int, const void *, size_t));
    if (real(shim_fd, bytes, size) != (ssize_t)size)
        abort(); /* half a record is worth nothing */
}

static void shim_record(uint64_t what, uint64_t file, uint64_t a, uint64_t b, const void *bytes,
                        size_t size)
{
    int kept = errno;
    const struct record record = {what, file, a, b, size};
    if (shim_fd >= 0) {
        shim_put(&record, sizeof record);
        if (size > 0)
            shim_put(bytes, size);
    }
    errno = kept;
}

__attribute__((constructor)) static void shim_open_log(void)
{
    REAL(int, open, (const char *, int, ...));
    const char *log = getenv("POWER_LOG"), *root = getenv("POWER_ROOT");
    struct stat info;
    if (log == NULL || root == NULL || stat(root, &info) < 0)
        return;
    shim_disk = info.st_dev;
    shim_fd = real(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static bool shim_file(int fd, struct stat *out_info)
{
    return shim_fd >= 0 && fstat(fd, out_info) == 0 && out_info->st_dev == shim_disk &&
           (S_ISREG(out_info->st_mode) || S_ISDIR(out_info->st_mode));
}

/* The folder that holds @path and the name in it; false: not on that disk. */
static bool shim_place(int at, const char *path, uint64_t *out_folder, const char **out_name)
{
    char folder[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    struct stat info;
    *out_name = slash == NULL ? path : slash + 1;
    if (slash != NULL)
        (void)snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path),
                       path);
    if (shim_fd < 0 || fstatat(at, folder, &info, 0) < 0 || info.st_dev != shim_disk)
        return false;
    *out_folder = info.st_ino;
    return true;
}

static uint64_t shim_inode(int at, const char *path, bool *out_folder)
{
    struct stat info;
    if (fstatat(at, path, &info, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    *out_folder = S_ISDIR(info.st_mode);
    return info.st_ino;
}

/* A name that has just been given; @made: its file is new. */
static void shim_named(int at, const char *path, bool made)
{
    bool is_folder = false;
    uint64_t folder, file = shim_inode(at, path, &is_folder);
    const char *name;
    if (!shim_place(at, path, &folder, &name))
        return;
    if (made)
        shim_record(CREATE, file, is_folder, 0, NULL, 0);
    shim_record(LINK, file, folder, 0, name, strlen(name));
}

/* ---- Files that appear ----------------------------------------------------------------------- */

static void shim_opened(int fd, int at, const char *path, int flags, bool was_there)
{
    struct stat info;
    if (fd < 0 || !shim_file(fd, &info))
        return;
    if ((flags & O_TMPFILE) == O_TMPFILE)
        shim_record(CREATE, info.st_ino, 0, 0, NULL, 0);
    else if ((flags & O_CREAT) != 0 && !was_there)
        shim_named(at, path, true);
    else if ((flags & O_TRUNC) != 0)
        shim_record(TRUNCATE, info.st_ino, 0, 0, NULL, 0);
}

#define OPEN(name, parameters, arguments, at)                                                      \
    EXPORT int name parameters;                                                                    \
    int name parameters                                                                            \
    {                                                                                              \
        REAL(int, name, parameters);                                                               \
        mode_t mode = 0;                                                                           \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        if ((flags & (O_CREAT | O_TMPFILE)) != 0)                                                  \
            mode = va_arg(more, mode_t);                                                           \
        va_end(more);                                                                              \
        pthread_mutex_lock(&shim_lock);                                                            \
        bool was_there = (flags & O_CREAT) != 0 && faccessat(at, path, F_OK, 0) == 0;              \
        int fd = real arguments;                                                                   \
        shim_opened(fd, at, path, flags, was_there);                                               \
        pthread_mutex_unlock(&shim_lock);                                                          \
        return fd;                                                                                 \
    }

OPEN(open, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPEN(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode), at)
OPEN(openat64, (int at, const char *path, int flags, ...), (at, path, flags, mode), at)

/* A call, and if it does not fail, what is to be written down of it. */
#define CALL(type, name, parameters, arguments, before, after)                                     \
    EXPORT type name parameters;                                                                   \
    type name parameters                                                                           \
    {                                                                                              \
        REAL(type, name, parameters);                                                              \
        struct stat info;                                                                          \
        (void)info;                                                                                \
        pthread_mutex_lock(&shim_lock);                                                            \
        before;                                                                                    \
        type done = real arguments;                                                                \
        if (done >= 0) {                                                                           \
            after;                                                                                 \
        }                                                                                          \
        pthread_mutex_unlock(&shim_lock);                                                          \
        return done;                                                                               \
    }

CALL(int, mkostemp, (char *path, int flags), (path, flags), , shim_named(AT_FDCWD, path, true))
CALL(int, mkstemp, (char *path), (path), , shim_named(AT_FDCWD, path, true))
CALL(int, mkdir, (const char *path, mode_t mode), (path, mode), , shim_named(AT_FDCWD, path, true))
CALL(int, mkdirat, (int at, const char *path, mode_t mode), (at, path, mode), ,
     shim_named(at, path, true))
CALL(int, linkat, (int from_at, const char *from, int at, const char *path, int flags),
     (from_at, from, at, path, flags), , shim_named(at, path, false))

/* ---- Names that go --------------------------------------------------------------------------- */

static void shim_unnamed(int at, const char *path)
{
    uint64_t folder;
    const char *name;
    if (shim_place(at, path, &folder, &name))
        shim_record(UNLINK, 0, folder, 0, name, strlen(name));
}

/* Both names, with a NUL between them. */
static void shim_renamed(int from_at, const char *from, int at, const char *path)
{
    uint64_t from_folder, folder;
    const char *from_name, *name;
    char names[2 * NAME_MAX + 2];
    if (!shim_place(from_at, from, &from_folder, &from_name) ||
        !shim_place(at, path, &folder, &name))
        return;
    int size = snprintf(names, sizeof names, "%s%c%s", from_name, 0, name);
    bool is_folder;
    shim_record(RENAME, shim_inode(at, path, &is_folder), from_folder, folder, names, (size_t)size);
}

CALL(int, unlink, (const char *path), (path), , shim_unnamed(AT_FDCWD, path))
CALL(int, rmdir, (const char *path), (path), , shim_unnamed(AT_FDCWD, path))
CALL(int, unlinkat, (int at, const char *path, int flags), (at, path, flags), ,
     shim_unnamed(at, path))
CALL(int, rename, (const char *from, const char *path), (from, path), ,
     shim_renamed(AT_FDCWD, from, AT_FDCWD, path))
CALL(int, renameat, (int from_at, const char *from, int at, const char *path),
     (from_at, from, at, path), , shim_renamed(from_at, from, at, path))
CALL(int, renameat2, (int from_at, const char *from, int at, const char *path, unsigned int flags),
     (from_at, from, at, path, flags), , shim_renamed(from_at, from, at, path))

/* ---- Contents, and what makes them last ------------------------------------------------------ */

static void shim_written(int fd, off_t at, const void *data, ssize_t size)
{
    struct stat info;
    if (shim_file(fd, &info) && S_ISREG(info.st_mode))
        shim_record(WRITE, info.st_ino, (uint64_t)at, 0, data, (size_t)size);
    else if (shim_fd >= 0 && fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode))
        shim_record(SENT, 0, 0, 0, data, (size_t)size);
}

CALL(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size),
     off_t at = lseek(fd, 0, SEEK_CUR), shim_written(fd, at, data, done))
CALL(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at), ,
     shim_written(fd, at, data, done))
CALL(ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t at),
     (fd, data, size, at), , shim_written(fd, at, data, done))
CALL(ssize_t, send, (int fd, const void *data, size_t size, int flags), (fd, data, size, flags), ,
     shim_written(fd, 0, data, done))
CALL(ssize_t, recv, (int fd, void *data, size_t size, int flags), (fd, data, size, flags), ,
     if (done > 0) shim_record(RECEIVED, 0, (uint64_t)done, 0, NULL, 0))

#define FILE_CALL(name, parameters, arguments, what, a)                                            \
    CALL(int, name, parameters, arguments, ,                                                       \
         if (shim_file(fd, &info)) shim_record(what, info.st_ino, (uint64_t)(a), 0, NULL, 0))

FILE_CALL(ftruncate, (int fd, off_t size), (fd, size), TRUNCATE, size)
FILE_CALL(ftruncate64, (int fd, off64_t size), (fd, size), TRUNCATE, size)
FILE_CALL(fsync, (int fd), (fd), SYNC, 0)
FILE_CALL(fdatasync, (int fd), (fd), SYNC, 0)
