/* SPDX-License-Identifier: Apache-2.0 */
/* folder.h - a folder into which others put files, and which is emptied by renaming them.
 *
 * Others may add, change, replace or take files at any time. So a file is named not by its name
 * alone but by size, time, inode and name (its key), and is taken for the same only while that
 * holds. Nothing but plain files is ever opened: no links, folders, pipes or devices. One folder is
 * used by one thread at a time. */
#ifndef MAILCHUTE_LOADER_LIB_FOLDER_H
#define MAILCHUTE_LOADER_LIB_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "error.h"

#define FOLDER_PATH_MAX 500u    /* bytes of the folder's path: it becomes part of entry keys */
#define FOLDER_KEY_MAX 400u     /* bytes, NUL included */
#define FOLDER_SUFFIX_MAX 9999u /* files of one name in a subfolder */

struct folder;

/** folder_open - *out_folder is yours: folder_close(). ERROR_CONFIG when it cannot be read. */
int folder_open(const char *path, struct folder **out_folder, struct error *err);
void folder_close(struct folder *folder);
AUTO_DEFINE(folder, folder_close);

/** folder_path - absolute, links resolved. Borrowed. */
const char *folder_path(const struct folder *folder);

/** folder_check_writable - files can be moved out of it. */
int folder_check_writable(const struct folder *folder, struct error *err);

struct folder_file {
    char *name;
    char *key; /* valid UTF-8 */
    uint64_t size;
    int64_t mtime_ns; /* since 1970 UTC */
};

struct folder_files {
    struct folder_file *items; /* oldest first; of one age by name */
    size_t count;
};

/** folder_list - the plain files whose names match @pattern (as in a shell; never those that begin
 * with '.'). *out_files is zeroed before, and yours: folder_files_done(). */
int folder_list(const struct folder *folder, const char *pattern, struct folder_files *out_files,
                struct error *err);
void folder_files_done(struct folder_files *files);

/** folder_file_open - a descriptor for reading, yours to close; -1 (errno tells why) when it is
 * gone; and whether what is open still is that file, unchanged: ask before and after reading. */
int folder_file_open(const struct folder *folder, const struct folder_file *file);
bool folder_file_is_same(const struct folder_file *file, int fd);

enum folder_move_result {
    FOLDER_MOVED,
    FOLDER_CHANGED,    /* it is not that file any more: left as it is */
    FOLDER_MOVE_FAILED /* err tells */
};

/** folder_move - rename a file into @subfolder (one path component), which is made if missing (mode
 * 0700). A name that is taken there gets a suffix, ".1" and up; no file is ever overwritten. */
enum folder_move_result folder_move(const struct folder *folder, const char *name, const char *key,
                                    const char *subfolder, struct error *err);

#endif
