/* SPDX-License-Identifier: Apache-2.0 */
/* write-all.h - bytes into a file, a pipe or a terminal, all of them. */
#ifndef MAILCHUTE_COMMON_WRITE_ALL_H
#define MAILCHUTE_COMMON_WRITE_ALL_H

#include <stddef.h>

/** write_all - write @count bytes at the descriptor's own offset, in as many pieces as it takes; a
 * signal does not end it, and where a descriptor does not block it waits for room. -1: errno says
 * why, and part of them may be written. */
int write_all(int fd, const void *bytes, size_t count);

#endif
