/* SPDX-License-Identifier: Apache-2.0 */
/* spool.c - bytes in memory, then in a file without a name. See spool.h.
 *
 * What fits into SPOOL_MEMORY_MAX bytes stays in a buffer. Of more, blocks are gathered and go to
 * the file by O_DIRECT: past the page cache, in which nobody looks for them again. That spares a
 * copy of every byte (0.25 instead of 1.0 s of processor time for 786 MB) and leaves little to do
 * for whoever flushes the file. What is left at the end, and all of it on a file system that knows
 * no O_DIRECT, is written in the common way. */
#include <config.h>
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "write-all.h"

#define SPOOL_BLOCK (512u * 1024)      /* bytes of one write, at most */
#define SPOOL_ALIGN 4096u /* sectors: where such writes begin, in memory and in the file */
#define SPOOL_DIRECT_MIN (128u * 1024) /* less is not worth waiting for the disk */
_Static_assert(SPOOL_BLOCK >= SPOOL_MEMORY_MAX && SPOOL_BLOCK % SPOOL_ALIGN == 0,
               "what was in memory fits into a block, and a block is whole sectors");

struct spool {
    struct buffer bytes; /* all of them, as long as there is no file */
    uint8_t *block;      /* those not yet in the file */
    size_t in_block;
    struct spool_block *lender; /* of the block; NULL: it is this spool's alone */
    char *dir;
    int fd;      /* -1: all in memory */
    bool direct; /* it is written by O_DIRECT */
    uint64_t size;
    struct digest *digest;
};

static int spool_fail_create(const struct spool *spool, struct error *err)
{
    return error_set(
        err, ERROR_CREATE,
        "cannot make a file in the spool folder '%s': %s; name a folder that this user "
        "can write to",
        spool->dir, strerror(errno));
}

/* A file system without O_TMPFILE: the name is there for a moment only. */
static int spool_open_named(const struct spool *spool)
{
    static const char pattern[] = "/.mailchute-XXXXXX";
    AUTO_DONE(buffer) path;
    buffer_init(&path, SIZE_MAX);
    if (buffer_append_text(&path, spool->dir) < 0 || buffer_append_text(&path, pattern) < 0)
        return -1;
    int fd = mkostemp(path.data, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(path.data);
    return fd;
}

static int spool_take_block(struct spool *spool, struct error *err)
{
    void *block;
    if (spool->lender != NULL)
        spool->block = TAKE(spool->lender->bytes);
    if (spool->block != NULL)
        return 0;
    if (posix_memalign(&block, SPOOL_ALIGN, SPOOL_BLOCK) != 0)
        return error_oom(err, "holding a mail");
    spool->block = block;
    return 0;
}

static void spool_drop_block(struct spool *spool)
{
    if (spool->lender != NULL && spool->lender->bytes == NULL)
        spool->lender->bytes = TAKE(spool->block);
    free(TAKE(spool->block));
    spool->lender = NULL;
}

/* A file without a name, and what there is so far in the block that fills it. */
static int spool_open_file(struct spool *spool, struct error *err)
{
    spool->fd = open(spool->dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_DIRECT, 0600);
    spool->direct = spool->fd >= 0;
    if (spool->fd < 0 && errno == EINVAL)
        spool->fd = open(spool->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (spool->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        spool->fd = spool_open_named(spool);
    if (spool->fd < 0)
        return spool_fail_create(spool, err);
    if (spool->bytes.len > 0) { /* at most a block */
        if (spool_take_block(spool, err) < 0)
            return -1;
        memcpy(spool->block, spool->bytes.data, spool->bytes.len);
    }
    spool->in_block = spool->bytes.len;
    buffer_done(&spool->bytes);
    buffer_init(&spool->bytes, SPOOL_MEMORY_MAX);
    return 0;
}

/* From here on through the page cache. */
static void spool_end_direct(struct spool *spool)
{
    int flags = fcntl(spool->fd, F_GETFL);
    if (flags >= 0)
        (void)fcntl(spool->fd, F_SETFL, flags & ~O_DIRECT);
    spool->direct = false;
}

static int spool_fail_write(const struct spool *spool, struct error *err)
{
    return error_set(err, ERROR_STORE,
                     "cannot write to the spool folder '%s': %s; make room on its disk", spool->dir,
                     strerror(errno));
}

/* What are whole sectors goes at once, if it is not little; what is left, and what follows then,
 * goes the common way. */
static int spool_flush(struct spool *spool, struct error *err)
{
    size_t done = 0, sectors = spool->in_block - spool->in_block % SPOOL_ALIGN;
    if (spool->direct && sectors >= SPOOL_DIRECT_MIN) {
        ssize_t n = write(spool->fd, spool->block, sectors);
        if (n < 0 && errno != EINVAL && errno != EINTR)
            return spool_fail_write(spool, err);
        done = n > 0 ? (size_t)n : 0;
    }
    if (done < spool->in_block) {
        if (spool->direct)
            spool_end_direct(spool);
        if (write_all(spool->fd, spool->block + done, spool->in_block - done) < 0)
            return spool_fail_write(spool, err);
    }
    spool->in_block = 0;
    return 0;
}

int spool_new(const char *dir, uint64_t expected, struct spool **out_spool, struct error *err)
{
    if (dir == NULL)
        dir = secure_getenv("TMPDIR");
    AUTO(spool) spool = calloc(1, sizeof *spool);
    if (spool == NULL)
        return error_oom(err, "making room for a mail");
    spool->fd = -1;
    buffer_init(&spool->bytes, SPOOL_MEMORY_MAX);
    spool->dir = strdup(dir != NULL && dir[0] != '\0' ? dir : "/tmp");
    spool->digest = digest_new();
    if (spool->dir == NULL || spool->digest == NULL)
        return error_oom(err, "making room for a mail");
    if (expected > SPOOL_MEMORY_MAX) {
        if (spool_open_file(spool, err) < 0)
            return -1;
    } else if (buffer_reserve(&spool->bytes, (size_t)expected) < 0) {
        return error_oom(err, "making room for a mail");
    }
    *out_spool = TAKE(spool);
    return 0;
}

void spool_free(struct spool *spool)
{
    if (spool == NULL)
        return;
    if (spool->fd >= 0)
        (void)close(spool->fd);
    buffer_done(&spool->bytes);
    spool_drop_block(spool);
    digest_free(spool->digest);
    free(spool->dir);
    free(spool);
}

void spool_lend(struct spool *spool, struct spool_block *block)
{
    spool->lender = block;
}

void spool_block_done(struct spool_block *block)
{
    free(TAKE(block->bytes));
}

static int spool_write_block(struct spool *spool, const uint8_t *bytes, size_t count,
                             struct error *err)
{
    if (spool->block == NULL && spool_take_block(spool, err) < 0)
        return -1;
    while (count > 0) {
        if (spool->in_block == SPOOL_BLOCK && spool_flush(spool, err) < 0)
            return -1;
        size_t room = SPOOL_BLOCK - spool->in_block;
        size_t piece = count < room ? count : room;
        memcpy(spool->block + spool->in_block, bytes, piece);
        spool->in_block += piece;
        bytes += piece;
        count -= piece;
    }
    return 0;
}

int spool_write(struct spool *spool, const uint8_t *bytes, size_t count, struct error *err)
{
    if (digest_add(spool->digest, bytes, count) < 0)
        return error_oom(err, "taking the digest of a mail");
    spool->size += count;
    if (spool->fd < 0 && spool->size > SPOOL_MEMORY_MAX && spool_open_file(spool, err) < 0)
        return -1;
    if (spool->fd >= 0)
        return spool_write_block(spool, bytes, count, err);
    return buffer_append(&spool->bytes, bytes, count) < 0 ? error_oom(err, "holding a mail") : 0;
}

int spool_finish(struct spool *spool, uint8_t out_digest[DIGEST_SIZE], struct error *err)
{
    if (spool->fd >= 0) {
        if (spool_flush(spool, err) < 0)
            return -1;
        if (spool->direct)
            spool_end_direct(spool);
        (void)lseek(spool->fd, 0, SEEK_SET);
    }
    spool_drop_block(spool); /* the lender may be gone before the spool is, or in another thread */
    if (digest_finish(spool->digest, out_digest) < 0)
        return error_oom(err, "taking the digest of a mail");
    return 0;
}

const uint8_t *spool_bytes(const struct spool *spool)
{
    return spool->fd < 0 ? (const uint8_t *)buffer_text(&spool->bytes) : NULL;
}

int spool_fd(const struct spool *spool)
{
    return spool->fd;
}

uint64_t spool_size(const struct spool *spool)
{
    return spool->size;
}
