/* SPDX-License-Identifier: Apache-2.0 */
/* unpack.c - room for attachments that are unpacked to be sent. See unpack.h. */
#include <config.h>
#include "unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "nameless.h"

struct unpack {
    pthread_mutex_t lock; /* over held */
    uint64_t held;
};

int unpack_new(struct unpack **out_unpack, struct error *err)
{
    struct unpack *unpack = calloc(1, sizeof *unpack);
    if (unpack == NULL)
        return error_oom(err, "starting the REST interface");
    pthread_mutex_init(&unpack->lock, NULL);
    *out_unpack = unpack;
    return 0;
}

void unpack_free(struct unpack *unpack)
{
    if (unpack == NULL)
        return;
    pthread_mutex_destroy(&unpack->lock);
    free(unpack);
}

int unpack_file(const char *folder, struct error *err)
{
    folder = nameless_folder(folder);
    int fd = nameless_open(folder, 0);
    if (fd < 0)
        error_set(err, ERROR_STORE,
                  "no file can be made in '%.300s': %s; look at its disk, and who "
                  "may write there",
                  folder, strerror(errno));
    return fd;
}

static int unpack_space(int fd, uint64_t size, struct error *err)
{
    struct statvfs disk;
    if (fstatvfs(fd, &disk) < 0)
        return error_set(err, ERROR_STORE, "it cannot be told how full the disk of the queue is: %s; "
                         "look at it", strerror(errno));
    uint64_t all = (uint64_t)disk.f_blocks * disk.f_frsize,
             left = (uint64_t)disk.f_bavail * disk.f_frsize,
             reserve = all / UNPACK_RESERVE_PART;
    if (reserve < UNPACK_RESERVE)
        reserve = UNPACK_RESERVE;
    if (left >= reserve && left - reserve >= size)
        return 0;
    return error_set(err, ERROR_STORE,
                     "the disk of the queue has no room to unpack this: %llu MB are free, and %llu MB "
                     "of them are kept for mail; free some space, or take the raw message",
                     (unsigned long long)(left >> 20), (unsigned long long)(reserve >> 20));
}

int unpack_take(struct unpack *unpack, int fd, uint64_t size, struct error *err)
{
    pthread_mutex_lock(&unpack->lock);
    bool room = unpack->held == 0 || (size <= UNPACK_MAX && unpack->held <= UNPACK_MAX - size);
    if (room)
        unpack->held += size;
    pthread_mutex_unlock(&unpack->lock);
    if (!room)
        return error_set(err, ERROR_PAUSE, "too many attachments are being sent; try again when "
                         "some have gone, or take the raw message");
    if (unpack_space(fd, size, err) == 0)
        return 0;
    unpack_release(unpack, size);
    return -1;
}

void unpack_release(void *unpack, uint64_t size)
{
    struct unpack *own = unpack;
    pthread_mutex_lock(&own->lock);
    own->held -= size;
    pthread_mutex_unlock(&own->lock);
}
