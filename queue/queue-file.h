/* SPDX-License-Identifier: Apache-2.0 */
/* queue-file.h - bytes to descriptors and back, whole or not at all. Results are 0, or -1 with
 * errno. */
#ifndef MAILCHUTE_QUEUE_QUEUE_FILE_H
#define MAILCHUTE_QUEUE_QUEUE_FILE_H

#include <stddef.h>
#include <stdint.h>

/** queue_file_of_bytes - a file in memory that holds these bytes and can no longer be changed, at
 * offset 0: yours to close(). */
int queue_file_of_bytes(const void *bytes, size_t count, int *out_fd);

/** queue_file_read - exactly @count bytes from @offset on; a shorter file is EIO. */
int queue_file_read(int fd, uint64_t offset, void *out_bytes, size_t count);

/** queue_file_copy - the first @count bytes of @from, appended to @to. */
int queue_file_copy(int from, int to, uint64_t count);

#endif
