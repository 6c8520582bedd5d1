/* SPDX-License-Identifier: Apache-2.0 */
/* file-memory.c - see file-memory.h. */
#include <config.h>
#include "file-memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "nameless.h"
#include "write-all.h"

struct file_memory {
    void *at; /* NULL: nothing yet */
    size_t size;
    int fd; /* -1: none */
};

void file_memory_free(struct file_memory *memory)
{
    if (memory == NULL)
        return;
    if (memory->at != NULL)
        (void)munmap(memory->at, memory->size);
    if (memory->fd >= 0)
        (void)close(memory->fd);
    free(memory);
}

/* On these file systems what has room is written again where it is. Others (btrfs, ZFS) look for
 * new room each time, and may find none; what lies above them (overlayfs) does not tell. */
static bool keeps_its_room(int fd)
{
    struct statfs where;
    return fstatfs(fd, &where) == 0 &&
           (where.f_type == EXT4_SUPER_MAGIC || where.f_type == XFS_SUPER_MAGIC ||
            where.f_type == TMPFS_MAGIC);
}

/* Half of the descriptors are for what has no other way than a file. */
static bool is_spare(int fd)
{
    struct rlimit most;
    return getrlimit(RLIMIT_NOFILE, &most) == 0 && (rlim_t)fd < most.rlim_cur / 2;
}

struct file_memory *file_memory_new(const char *dir, const void *bytes, size_t count, size_t size)
{
    AUTO(file_memory) memory = calloc(1, sizeof *memory);
    if (memory == NULL)
        return NULL;
    memory->fd = nameless_open(dir, 0);
    if (memory->fd < 0 || !is_spare(memory->fd) || !keeps_its_room(memory->fd) ||
        write_all(memory->fd, bytes, count) < 0 || file_memory_grow(memory, size) < 0)
        return NULL;
    return TAKE(memory);
}

int file_memory_grow(struct file_memory *memory, size_t size)
{
    int taken;
    while ((taken = fallocate(memory->fd, 0, 0, (off_t)size)) < 0 && errno == EINTR)
        ;
    if (taken < 0)
        return -1;
    void *at = memory->at == NULL
                   ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd, 0)
                   : mremap(memory->at, memory->size, size, MREMAP_MAYMOVE);
    if (at == MAP_FAILED)
        return -1;
    memory->at = at;
    memory->size = size;
    return 0;
}

void *file_memory_at(const struct file_memory *memory)
{
    return memory->at;
}

int file_memory_fd(const struct file_memory *memory)
{
    return memory->fd;
}

/* Of a shared file this only forgets where the pages are; what was written stays in them. */
void file_memory_passed(const struct file_memory *memory)
{
    (void)madvise(memory->at, memory->size, MADV_DONTNEED);
}
