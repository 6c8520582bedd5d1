/* SPDX-License-Identifier: Apache-2.0 */
/* folder.c - files that others put into a folder. See folder.h. */
#include <config.h>
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"

struct folder {
    char *path;
    int fd;
};

int folder_open(const char *path, struct folder **out_folder, struct error *err)
{
    AUTO(folder) folder = calloc(1, sizeof *folder);
    if (folder == NULL)
        return error_oom(err, "opening a folder");
    folder->fd = -1;
    folder->path = realpath(path, NULL);
    if (folder->path != NULL)
        folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->fd < 0)
        return error_set(
            err, ERROR_CONFIG,
            "cannot open the folder '%s': %s; correct the path, or let this user read it", path,
            strerror(errno));
    if (strlen(folder->path) > FOLDER_PATH_MAX || !text_is_utf8(folder->path, strlen(folder->path)))
        return error_set(err, ERROR_CONFIG,
                         "the path of the folder '%s' is longer than %u bytes or no UTF-8; choose "
                         "another", path, FOLDER_PATH_MAX);
    *out_folder = TAKE(folder);
    return 0;
}

void folder_close(struct folder *folder)
{
    if (folder == NULL)
        return;
    cleanup_fd_at(&folder->fd);
    free(folder->path);
    free(folder);
}

const char *folder_path(const struct folder *folder)
{
    return folder->path;
}

int folder_check_writable(const struct folder *folder, struct error *err)
{
    if (faccessat(folder->fd, ".", W_OK | X_OK, AT_EACCESS) == 0)
        return 0;
    return error_set(
        err, ERROR_CONFIG,
        "cannot write to the folder '%s': %s; let this user write there, so that files "
        "can be moved",
        folder->path, strerror(errno));
}

/* ---- Listing --------------------------------------------------------------------------------- */

static int64_t folder_mtime_ns(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

/* The name comes last and may be cut: the rest tells files apart already. */
static void folder_key(const char *name, const struct stat *st, char out[FOLDER_KEY_MAX])
{
    char printable[FOLDER_KEY_MAX - 70]; /* three numbers and their colons need 63 */
    text_printable(printable, sizeof printable, name, strlen(name));
    (void)snprintf(out, FOLDER_KEY_MAX, "%" PRIu64 ":%" PRIi64 ":%" PRIu64 ":%s",
                   (uint64_t)st->st_size, folder_mtime_ns(st), (uint64_t)st->st_ino, printable);
}

static int folder_add(struct folder_files *files, const char *name, const struct stat *st)
{
    if ((files->count & (files->count - 1)) == 0) { /* 0, 1, 2, 4, ...: full */
        size_t room = files->count == 0 ? 1 : files->count * 2;
        struct folder_file *items = reallocarray(files->items, room, sizeof *items);
        if (items == NULL)
            return -1;
        files->items = items;
    }
    char key[FOLDER_KEY_MAX];
    folder_key(name, st, key);
    struct folder_file *file = &files->items[files->count++];
    /* analyse: no leak, items keep both, also where one of them is NULL */
    *file = (struct folder_file){strdup(name), strdup(key), (uint64_t)st->st_size,
                                 folder_mtime_ns(st)};
    return file->name == NULL || file->key == NULL ? -1 : 0;
}

static int folder_read_names(const struct folder *folder, DIR *dir, const char *pattern,
                             struct folder_files *files, struct error *err)
{
    for (;;) {
        struct stat st;
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL && errno != 0)
            return error_set(err, ERROR_CONFIG,
                             "cannot read the folder '%s': %s; look after its disk", folder->path,
                             strerror(errno));
        if (entry == NULL)
            return 0;
        if (entry->d_name[0] != '.' && fnmatch(pattern, entry->d_name, 0) == 0 &&
            fstatat(folder->fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode) && folder_add(files, entry->d_name, &st) < 0)
            return error_oom(err, "listing a folder");
    }
}

static int folder_compare(const void *a, const void *b)
{
    const struct folder_file *x = a, *y = b;
    if (x->mtime_ns != y->mtime_ns)
        return x->mtime_ns < y->mtime_ns ? -1 : 1;
    return strcmp(x->name, y->name);
}

int folder_list(const struct folder *folder, const char *pattern, struct folder_files *out_files,
                struct error *err)
{
    AUTO_DONE(folder_files) files = {0};
    int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        error_set(err, ERROR_CONFIG, "cannot read the folder '%s': %s; let this user read it",
                  folder->path, strerror(errno));
        cleanup_fd_at(&fd);
        return -1;
    }
    int result = folder_read_names(folder, dir, pattern, &files, err);
    (void)closedir(dir);
    if (result < 0)
        return -1;
    if (files.count > 0)
        qsort(files.items, files.count, sizeof *files.items, folder_compare);
    *out_files = files;
    files = (struct folder_files){0};
    return 0;
}

void folder_files_done(struct folder_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->items[i].name);
        free(files->items[i].key);
    }
    free(files->items);
    *files = (struct folder_files){0};
}

/* ---- One file -------------------------------------------------------------------------------- */

/* O_NONBLOCK: a pipe that took the file's place must not hold us up. */
int folder_file_open(const struct folder *folder, const struct folder_file *file)
{
    return openat(folder->fd, file->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

bool folder_file_is_same(const struct folder_file *file, int fd)
{
    struct stat st;
    char key[FOLDER_KEY_MAX];
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return false;
    folder_key(file->name, &st, key);
    return text_equal(key, file->key);
}

/* Where the file system cannot promise to overwrite nothing (NFS), by a second link, which can. */
static int folder_rename(int from, const char *name, int to, const char *new_name)
{
    if (renameat2(from, name, to, new_name, RENAME_NOREPLACE) == 0)
        return 0;
    if ((errno != EINVAL && errno != ENOSYS) || linkat(from, name, to, new_name, 0) < 0)
        return -1;
    return unlinkat(from, name, 0);
}

static int folder_rename_free(int from, const char *name, int to)
{
    char new_name[NAME_MAX + 1];
    int result = folder_rename(from, name, to, name);
    for (uint32_t n = 1; result < 0 && errno == EEXIST && n <= FOLDER_SUFFIX_MAX; n++) {
        (void)snprintf(new_name, sizeof new_name, "%.240s.%u", name, n);
        result = folder_rename(from, name, to, new_name);
    }
    return result;
}

static int folder_open_subfolder(const struct folder *folder, const char *name)
{
    if (mkdirat(folder->fd, name, 0700) < 0 && errno != EEXIST)
        return -1;
    return openat(folder->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Between the look and the renaming another file could slip in; whoever replaces files within
 * microseconds of their arrival has been warned by folder.h. */
enum folder_move_result folder_move(const struct folder *folder, const char *name, const char *key,
                                    const char *subfolder, struct error *err)
{
    struct stat st;
    char now[FOLDER_KEY_MAX];
    if (fstatat(folder->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return FOLDER_CHANGED;
    folder_key(name, &st, now);
    if (!text_equal(now, key))
        return FOLDER_CHANGED;
    AUTO_FD target = folder_open_subfolder(folder, subfolder);
    if (target >= 0 && folder_rename_free(folder->fd, name, target) == 0)
        return FOLDER_MOVED;
    (void)error_set(err, ERROR_CONFIG,
                    "cannot move '%.100s' to '%s/%s': %s; let this user write to both folders",
                    name, folder->path, subfolder, strerror(errno));
    return FOLDER_MOVE_FAILED;
}
