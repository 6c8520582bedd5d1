/* SPDX-License-Identifier: Apache-2.0 */
/* write-all.c - see write-all.h. */
#include <config.h>
#include "write-all.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

int write_all(int fd, const void *bytes, size_t count)
{
    const uint8_t *at = bytes;
    while (count > 0) {
        ssize_t n = write(fd, at, count);
        if (n > 0) {
            at += n;
            count -= (size_t)n;
            continue;
        }
        if (n == 0)
            errno = EIO; /* asking again might not end */
        struct pollfd room = {fd, POLLOUT, 0};
        bool waited = n < 0 && errno == EAGAIN && poll(&room, 1, -1) >= 0;
        if (!waited && errno != EINTR)
            return -1;
    }
    return 0;
}
