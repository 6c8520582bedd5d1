/* SPDX-License-Identifier: Apache-2.0 */
/* fail-shim.c - preloaded into a program: the n-th call that changes a file fails.
 *
 * FAIL_AT=n: that call fails and does nothing; FAIL_ERRNO: with this error. FAIL_TRACE names a file
 * that gets one line, the name of the call, when that has happened. FAIL_COUNT names one that gets
 * the number of calls that were counted, when the program exits: without it, nothing is known of
 * how far it came. Calls on anything but files and folders of a disk are not counted. With FAIL_ALL
 * set those that only look are counted too - open, read, stat, lock, map - which is all that SQLite
 * asks of a system. FAIL_ONLY=NAME,NAME,...: only calls of these names are counted. All are looked
 * up at each call, so that a test may set them within its process, and fail_shim_restart(). */
#undef _FORTIFY_SOURCE /* it makes some of the calls functions of their own in clang */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_long shim_calls;

/* Not by fstat(), which is watched. */
static int shim_on_disk(int fd)
{
    struct statx info;
    return statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &info) == 0 &&
           (S_ISREG(info.stx_mode) || S_ISDIR(info.stx_mode));
}

/* Into the file that @variable names, by other means than the calls that are watched. */
static void shim_tell(const char *variable, const char *text)
{
    const char *path = getenv(variable);
    long fd = path == NULL ? -1
                           : syscall(SYS_openat, AT_FDCWD, path,
                                     O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    (void)syscall(SYS_write, fd, text, strlen(text));
    (void)syscall(SYS_close, fd);
}

/* Is it one of those that are asked for? */
static int shim_counts(const char *name)
{
    const char *only = getenv("FAIL_ONLY");
    size_t len = strlen(name);
    for (const char *at = only; at != NULL && (at = strstr(at, name)) != NULL; at += len)
        if ((at == only || at[-1] == ',') && (at[len] == ',' || at[len] == '\0'))
            return 1;
    return only == NULL;
}

/* Is this the one? errno is set then. */
static int shim_fails(const char *name)
{
    const char *at = getenv("FAIL_AT"), *why = getenv("FAIL_ERRNO");
    if (at == NULL || !shim_counts(name) || atomic_fetch_add(&shim_calls, 1) + 1 != strtol(at, NULL, 10))
        return 0;
    shim_tell("FAIL_TRACE", name);
    errno = why == NULL ? EIO : (int)strtol(why, NULL, 10);
    return 1;
}

/* Calls are counted anew; how many there were. */
__attribute__((visibility("default"))) long fail_shim_restart(void);
long fail_shim_restart(void)
{
    return atomic_exchange(&shim_calls, 0);
}

__attribute__((destructor)) static void shim_end(void)
{
    char count[32];
    (void)snprintf(count, sizeof count, "%ld", atomic_load(&shim_calls));
    shim_tell("FAIL_COUNT", count);
}

#define SHIM(counts, type, name, parameters, arguments)                                            \
    __attribute__((visibility("default"))) type name parameters;                                   \
    type name parameters                                                                           \
    {                                                                                              \
        static type(*real) parameters;                                                             \
        if (real == NULL)                                                                          \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        if ((counts) && shim_fails(#name))                                                         \
            return (type)-1;                                                                       \
        return real arguments;                                                                     \
    }

SHIM(shim_on_disk(fd), ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size))
SHIM(shim_on_disk(fd), ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at),
     (fd, data, size, at))
SHIM(shim_on_disk(fd), ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t at),
     (fd, data, size, at))
SHIM(1, int, fsync, (int fd), (fd))
SHIM(1, int, fdatasync, (int fd), (fd))
SHIM(1, int, ftruncate, (int fd, off_t size), (fd, size))
SHIM(1, int, ftruncate64, (int fd, off64_t size), (fd, size))
SHIM(1, int, mkdirat, (int fd, const char *path, mode_t mode), (fd, path, mode))
SHIM(1, int, linkat, (int from_fd, const char *from, int to_fd, const char *to, int flags),
     (from_fd, from, to_fd, to, flags))
SHIM(1, int, renameat, (int from_fd, const char *from, int to_fd, const char *to),
     (from_fd, from, to_fd, to))
SHIM(1, int, renameat2,
     (int from_fd, const char *from, int to_fd, const char *to, unsigned int flags),
     (from_fd, from, to_fd, to, flags))
SHIM(1, int, rename, (const char *from, const char *to), (from, to))
SHIM(1, int, mkdir, (const char *path, mode_t mode), (path, mode))
SHIM(1, int, mkostemp, (char *path, int flags), (path, flags))
SHIM(shim_on_disk(fd), int, fchmod, (int fd, mode_t mode), (fd, mode))

/* ---- Those that look --------------------------------------------------------------------------
 */

static int shim_looks(void)
{
    return getenv("FAIL_ALL") != NULL;
}

/* Only names of files that the program under test has made: FAIL_ALL is the folder above them. */
static int shim_named(int at, const char *path)
{
    const char *below = getenv("FAIL_ALL");
    return below != NULL && (at != AT_FDCWD || strncmp(path, below, strlen(below)) == 0);
}

SHIM(shim_looks() && shim_on_disk(fd), ssize_t, read, (int fd, void *data, size_t size),
     (fd, data, size))
SHIM(shim_looks() && shim_on_disk(fd), ssize_t, pread, (int fd, void *data, size_t size, off_t at),
     (fd, data, size, at))
SHIM(shim_looks() && shim_on_disk(fd), ssize_t, pread64,
     (int fd, void *data, size_t size, off64_t at), (fd, data, size, at))
SHIM(shim_looks() && shim_on_disk(fd), void *, mmap,
     (void *where, size_t size, int rights, int flags, int fd, off_t at),
     (where, size, rights, flags, fd, at))
SHIM(shim_looks() && shim_on_disk(fd), void *, mmap64,
     (void *where, size_t size, int rights, int flags, int fd, off64_t at),
     (where, size, rights, flags, fd, at))
SHIM(shim_looks() && shim_on_disk(fd), int, fstat, (int fd, struct stat *info), (fd, info))
SHIM(shim_looks() && shim_on_disk(fd), int, fstat64, (int fd, struct stat64 *info), (fd, info))
SHIM(shim_looks() && shim_on_disk(fd), int, fstatfs, (int fd, struct statfs *info), (fd, info))
SHIM(shim_looks() && shim_on_disk(fd), int, fstatvfs, (int fd, struct statvfs *info), (fd, info))
SHIM(shim_looks() && shim_on_disk(fd), off_t, lseek, (int fd, off_t at, int from), (fd, at, from))
SHIM(shim_looks() && shim_on_disk(fd), int, sync_file_range,
     (int fd, off64_t at, off64_t size, unsigned int how), (fd, at, size, how))
SHIM(shim_looks(), int, flock, (int fd, int how), (fd, how))
SHIM(shim_named(AT_FDCWD, path), int, unlink, (const char *path), (path))
SHIM(shim_named(at, path), int, unlinkat, (int at, const char *path, int flags), (at, path, flags))
SHIM(shim_named(AT_FDCWD, path), int, stat, (const char *path, struct stat *info), (path, info))
SHIM(shim_named(AT_FDCWD, path), int, stat64, (const char *path, struct stat64 *info), (path, info))
SHIM(shim_named(AT_FDCWD, path), int, lstat, (const char *path, struct stat *info), (path, info))
SHIM(shim_named(AT_FDCWD, path), int, lstat64, (const char *path, struct stat64 *info),
     (path, info))
SHIM(shim_named(AT_FDCWD, path), int, access, (const char *path, int how), (path, how))

#define SHIM_OPEN(name, at, parameters, arguments)                                                 \
    __attribute__((visibility("default"))) int name parameters;                                    \
    int name parameters                                                                            \
    {                                                                                              \
        static int(*real) parameters;                                                              \
        va_list more;                                                                              \
        mode_t mode;                                                                               \
        va_start(more, flags);                                                                     \
        mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;                    \
        va_end(more);                                                                              \
        if (real == NULL)                                                                          \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        if (shim_named(at, path) && shim_fails(#name))                                             \
            return -1;                                                                             \
        return real arguments;                                                                     \
    }

SHIM_OPEN(open, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
SHIM_OPEN(open64, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
SHIM_OPEN(openat, at, (int at, const char *path, int flags, ...), (at, path, flags, mode))

#define SHIM_FCNTL(name)                                                                           \
    __attribute__((visibility("default"))) int name(int fd, int what, ...);                        \
    int name(int fd, int what, ...)                                                                \
    {                                                                                              \
        static int (*real)(int, int, ...);                                                         \
        va_list more;                                                                              \
        va_start(more, what);                                                                      \
        void *argument = va_arg(more, void *); /* as long as any that there is */                  \
        va_end(more);                                                                              \
        if (real == NULL)                                                                          \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        if (shim_looks() && shim_on_disk(fd) && (what == F_SETLK || what == F_DUPFD_CLOEXEC) &&    \
            shim_fails(#name))                                                                     \
            return -1;                                                                             \
        return real(fd, what, argument);                                                           \
    }

SHIM_FCNTL(fcntl)
SHIM_FCNTL(fcntl64)
