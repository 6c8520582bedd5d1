/* SPDX-License-Identifier: Apache-2.0 */
/* queue-file.c - see queue-file.h. */
#include <config.h>
#include "queue-file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cleanup.h"
#include "write-all.h"

#define FILE_COPY_SIZE 65536u /* bytes moved at a time */

int queue_file_read(int fd, uint64_t offset, void *out_bytes, size_t count)
{
    uint8_t *at = out_bytes;
    while (count > 0) {
        ssize_t got = pread(fd, at, count, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            if (got == 0)
                errno = EIO;
            return -1;
        }
        at += got;
        offset += (uint64_t)got;
        count -= (size_t)got;
    }
    return 0;
}

int queue_file_copy(int from, int to, uint64_t count)
{
    uint8_t some[FILE_COPY_SIZE];
    for (uint64_t done = 0; done < count;) {
        size_t next = count - done < sizeof some ? (size_t)(count - done) : sizeof some;
        if (queue_file_read(from, done, some, next) < 0 || write_all(to, some, next) < 0)
            return -1;
        done += next;
    }
    return 0;
}

int queue_file_of_bytes(const void *bytes, size_t count, int *out_fd)
{
    AUTO_FD fd = memfd_create("mailchute-raw", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || write_all(fd, bytes, count) < 0)
        return -1;
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0 ||
        lseek(fd, 0, SEEK_SET) < 0)
        return -1;
    *out_fd = TAKE_FD(fd);
    return 0;
}
