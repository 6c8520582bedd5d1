/* SPDX-License-Identifier: Apache-2.0 */
/* file-memory.h - memory whose bytes lie in a file without a name (mmap), so that a process need
 * hold only what it looks at.
 *
 * What was looked at or written stays in memory until file_memory_passed(); the bytes are kept in
 * the file all the while. Room in the file is taken before it becomes memory (fallocate), so a full
 * disk is a refusal here and no signal later; therefore there are such files only on ext2 to ext4,
 * XFS and tmpfs, which do not want new room for what is written again. A disk that fails to give
 * back what was written ends the process by SIGBUS, as a failing swap disk would. Not thread-safe.
 */
#ifndef MAILCHUTE_COMMON_FILE_MEMORY_H
#define MAILCHUTE_COMMON_FILE_MEMORY_H

#include <stddef.h>

#include "cleanup.h"

struct file_memory;

/** file_memory_new - @size bytes (not 0) in a file in the folder @dir; the first @count are those of
 * @bytes. Yours: file_memory_free(). NULL: there can be no such file there, no memory, or half
 * of the descriptors that the process may have are in use. */
struct file_memory *file_memory_new(const char *dir, const void *bytes, size_t count, size_t size);
void file_memory_free(struct file_memory *memory);
AUTO_DEFINE(file_memory, file_memory_free);

/** file_memory_grow - @size bytes (more than before); they may lie elsewhere then. -1: there is no
 * room, and all is as it was. */
int file_memory_grow(struct file_memory *memory, size_t size);

void *file_memory_at(const struct file_memory *memory); /* until it grows */
int file_memory_fd(const struct file_memory *memory);   /* borrowed; from offset 0 */

/** file_memory_passed - none of it has to be in memory. */
void file_memory_passed(const struct file_memory *memory);

#endif
