/* SPDX-License-Identifier: Apache-2.0 */
/* bench-flush - what flushing costs on a disk: the limit of everything that is made durable on it.
 *
 *     bench-flush FOLDER [TURNS]
 *
 * On the disk that holds FOLDER, in a folder of its own that is made there, TURNS (20) times each,
 * in turn:
 *
 *  - log: 4 KiB are appended to a file and flushed (fdatasync): one commit of a small transaction.
 *  - each: 30 files of 640 kB without names are written past the page cache and given names, then
 *    flushed one after the other, and the folder once.
 *  - beside: the same, eight threads flush. What mailchute does with a batch of large messages.
 *  - folders: as each, but every file in a folder of its own that is flushed too.
 *  - syncfs: as each, but one syncfs() instead of all flushes. It waits for what other programs
 *    wrote as well.
 *  - write1, write3: the files are only written, by one thread or three (what mailchute does).
 *
 * Prints the median, the least and the most of each in milliseconds. Removes what it made, when it
 * fails too (who kills it finds FOLDER/bench-flush.XXXXXX); nothing else in FOLDER is touched. */
#include <config.h>

#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILES 30u
#define FILE_BYTES (640u * 1000)
#define BLOCK (256u * 1024)
#define THREADS 8u
#define TURNS_MAX 1000u
#define FOLDER_MAX 400u /* of its own folder's name, which the names in it are longer than */

static char folder[FOLDER_MAX];
static void *block;
static int fds[FILES];
static atomic_uint next_file;

static double now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void flush_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        err(74, "%s", path);
    (void)close(fd);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static void name_of(unsigned i, bool own_folder, char *out, size_t size)
{
    (void)snprintf(out, size, own_folder ? "%s/d%u/f" : "%s/f%u", folder, i);
}

static int open_file(void)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC | O_DIRECT, 0600);
    if (fd < 0)
        fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        err(73, "%s", folder);
    return fd;
}

/* The last, broken block goes the common way, as a message's does. */
static void write_file(unsigned i)
{
    size_t left = FILE_BYTES;
    fds[i] = open_file();
    for (; left > 0; left -= left < BLOCK ? left : BLOCK) {
        if (left < BLOCK)
            (void)fcntl(fds[i], F_SETFL, fcntl(fds[i], F_GETFL) & ~O_DIRECT);
        size_t count = left < BLOCK ? left : BLOCK;
        if (write(fds[i], block, count) != (ssize_t)count)
            err(74, "%s", folder);
    }
}

/* Written and named, not flushed. */
static void make_file(unsigned i, bool own_folder)
{
    char name[512], file[32], parent[512];
    write_file(i);
    name_of(i, own_folder, name, sizeof name);
    (void)snprintf(parent, sizeof parent, "%s/d%u", folder, i);
    if (own_folder && mkdir(parent, 0700) < 0)
        err(73, "%s", parent);
    (void)snprintf(file, sizeof file, "/proc/self/fd/%d", fds[i]);
    if (linkat(AT_FDCWD, file, AT_FDCWD, name, AT_SYMLINK_FOLLOW) < 0)
        err(73, "%s", name);
    (void)sync_file_range(fds[i], 0, 0, SYNC_FILE_RANGE_WRITE);
}

static void remove_names(bool own_folder)
{
    char name[512];
    for (unsigned i = 0; i < FILES; i++) {
        name_of(i, own_folder, name, sizeof name);
        (void)unlink(name);
        if (own_folder)
            (void)snprintf(name, sizeof name, "%s/d%u", folder, i);
        if (own_folder)
            (void)rmdir(name);
    }
}

static void close_files(void)
{
    for (unsigned i = 0; i < FILES; i++)
        (void)close(fds[i]);
}

static void *flush_some(void *nothing)
{
    unsigned i;
    (void)nothing;
    while ((i = atomic_fetch_add(&next_file, 1)) < FILES)
        if (fdatasync(fds[i]) < 0)
            err(74, "%s", folder);
    return NULL;
}

static void *write_some(void *nothing)
{
    unsigned i;
    (void)nothing;
    while ((i = atomic_fetch_add(&next_file, 1)) < FILES)
        write_file(i);
    return NULL;
}

static void beside(void *(*some)(void *), size_t count)
{
    pthread_t threads[THREADS];
    atomic_store(&next_file, 0);
    for (size_t i = 1; i < count; i++)
        if (pthread_create(&threads[i], NULL, some, NULL) != 0)
            errx(71, "no thread");
    (void)some(NULL);
    for (size_t i = 1; i < count; i++)
        (void)pthread_join(threads[i], NULL);
}

static void flush_own_folders(void)
{
    char parent[512];
    (void)flush_some(NULL);
    for (unsigned i = 0; i < FILES; i++) {
        (void)snprintf(parent, sizeof parent, "%s/d%u", folder, i);
        flush_folder(parent);
    }
}

/* ---- What is measured ------------------------------------------------------------------------ */

enum way { LOG, EACH, BESIDE, FOLDERS, SYNCFS, WRITE_1, WRITE_3, WAYS };
static const char *const names[WAYS] = {"log",    "each",   "beside", "folders",
                                        "syncfs", "write1", "write3"};

static double time_log(void)
{
    char name[512];
    (void)snprintf(name, sizeof name, "%s/log", folder);
    int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    double start = now_ms();
    if (fd < 0 || write(fd, block, 4096) != 4096 || fdatasync(fd) < 0)
        err(74, "%s", name);
    (void)close(fd);
    return now_ms() - start;
}

static double time_files(enum way way)
{
    double start = now_ms();
    atomic_store(&next_file, 0);
    for (unsigned i = 0; i < FILES; i++)
        make_file(i, way == FOLDERS);
    if (way == BESIDE)
        beside(flush_some, THREADS);
    else if (way == FOLDERS)
        flush_own_folders();
    else if (way == EACH)
        (void)flush_some(NULL);
    else if (syncfs(fds[0]) < 0)
        err(74, "%s", folder);
    if (way != SYNCFS)
        flush_folder(folder);
    double took = now_ms() - start;
    close_files();
    remove_names(way == FOLDERS);
    return took;
}

static double time_writing(size_t threads)
{
    double start = now_ms();
    beside(write_some, threads);
    double took = now_ms() - start;
    close_files();
    return took;
}

static double time_way(enum way way)
{
    if (way == LOG)
        return time_log();
    if (way == WRITE_1 || way == WRITE_3)
        return time_writing(way == WRITE_1 ? 1 : 3);
    return time_files(way);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---- Its folder ------------------------------------------------------------------------------ */

static void leave_folder(void)
{
    char name[512];
    remove_names(false);
    remove_names(true);
    (void)snprintf(name, sizeof name, "%s/log", folder);
    (void)unlink(name);
    (void)rmdir(folder);
}

static void make_folder(const char *below)
{
    int n = snprintf(folder, sizeof folder, "%s/bench-flush.XXXXXX", below);
    if (n < 0 || (size_t)n >= sizeof folder)
        errx(64, "the folder's name is too long");
    if (mkdtemp(folder) == NULL)
        err(73, "%s", folder);
    if (atexit(leave_folder) != 0)
        errx(71, "out of memory");
}

int main(int argc, char **argv)
{
    static double ms[WAYS][TURNS_MAX];
    if (argc < 2 || argc > 3)
        errx(64, "usage: bench-flush FOLDER [TURNS]");
    unsigned long turns = argc == 3 ? strtoul(argv[2], NULL, 10) : 20;
    if (turns == 0 || turns > TURNS_MAX)
        errx(64, "between 1 and %u turns", TURNS_MAX);
    if (posix_memalign(&block, 4096, BLOCK) != 0)
        errx(71, "out of memory");
    memset(block, 'x', BLOCK);
    make_folder(argv[1]);
    for (unsigned long turn = 0; turn < turns; turn++)
        for (enum way way = LOG; way < WAYS; way++)
            ms[way][turn] = time_way(way);
    free(block);
    (void)printf("ms           median   least    most\n");
    for (enum way way = LOG; way < WAYS; way++) {
        qsort(ms[way], turns, sizeof ms[way][0], by_size);
        (void)printf("%-10s %8.2f %7.2f %7.2f\n", names[way], ms[way][turns / 2], ms[way][0],
                     ms[way][turns - 1]);
    }
    return 0;
}
