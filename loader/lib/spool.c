/* SPDX-License-Identifier: Apache-2.0 */
/* spool.c - bytes in memory, then in a file without a name. See spool.h.
 *
 * What fits into SPOOL_MEMORY_MAX bytes stays in a buffer. Of more, blocks are gathered for a
 * writer (spool-writer.h), which puts them into the file. */
#include <config.h>
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "nameless.h"
#include "spool-writer.h"

_Static_assert(SPOOL_BLOCK >= SPOOL_MEMORY_MAX, "what was in memory fits into a block");

struct spool {
    struct buffer bytes;         /* all of them, as long as there is no file */
    struct spool_writer *writer; /* of the file; NULL: none yet, or all is on its way */
    bool own_writer;             /* it is nobody else's */
    uint8_t *block;              /* from the writer: what is not on its way yet; NULL: nothing */
    size_t in_block;
    char *dir;
    struct spool_file file;
    int why; /* errno of a block that was not written, as far as that is known; 0: none */
    uint64_t size;
    struct digest *digest;
};

static int spool_fail_create(const struct spool *spool, struct error *err)
{
    int why = errno;
    return error_set(err, ERROR_CREATE, "cannot make a file in the spool folder '%s': %s; %s",
                     spool->dir, strerror(why),
                     error_remedy(why, "name a folder that this user can write to"));
}

static void spool_drop_writer(struct spool *spool)
{
    if (spool->block != NULL)
        spool_writer_drop(spool->writer, TAKE(spool->block));
    if (spool->own_writer)
        spool_writer_free(spool->writer);
    spool->writer = NULL;
    spool->own_writer = false;
}

static int spool_take_block(struct spool *spool, struct error *err)
{
    if (spool->writer == NULL) {
        spool->writer = spool_writer_new(false);
        spool->own_writer = true;
    }
    if (spool->block == NULL && spool->writer != NULL)
        spool->block = spool_writer_block(spool->writer);
    return spool->block == NULL ? error_oom(err, "holding a mail") : 0;
}

/* A file without a name, and what there is so far in the block that fills it. */
static int spool_open_file(struct spool *spool, struct error *err)
{
    struct spool_file *file = &spool->file;
    file->fd = nameless_open(spool->dir, O_DIRECT);
    if (file->fd < 0)
        return spool_fail_create(spool, err);
    int flags = fcntl(file->fd, F_GETFL);
    file->direct = flags >= 0 && (flags & O_DIRECT) != 0;
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

static int spool_fail_write(const struct spool *spool, int why, struct error *err)
{
    return error_set(err, ERROR_STORE,
                     "cannot write to the spool folder '%s': %s; make room on its disk", spool->dir,
                     strerror(why));
}

static int spool_put_block(struct spool *spool, struct error *err)
{
    spool->why = spool_writer_put(spool->writer, &spool->file, TAKE(spool->block), spool->in_block);
    spool->in_block = 0;
    return spool->why == 0 ? 0 : spool_fail_write(spool, spool->why, err);
}

int spool_new(const char *dir, uint64_t expected, struct spool **out_spool, struct error *err)
{
    AUTO(spool) spool = calloc(1, sizeof *spool);
    if (spool == NULL)
        return error_oom(err, "making room for a mail");
    spool_file_init(&spool->file);
    buffer_init(&spool->bytes, SPOOL_MEMORY_MAX);
    spool->dir = strdup(nameless_folder(dir));
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
    spool_file_done(&spool->file);
    buffer_done(&spool->bytes);
    spool_drop_writer(spool);
    digest_free(spool->digest);
    free(spool->dir);
    free(spool);
}

void spool_lend(struct spool *spool, struct spool_writer *writer)
{
    spool->writer = writer;
}

/* What fails here is told by the next write. */
uint8_t *spool_room(struct spool *spool, size_t *out_count)
{
    if (spool->file.fd < 0 || spool->why != 0 ||
        (spool->in_block == SPOOL_BLOCK && spool_put_block(spool, NULL) < 0) ||
        (spool->block == NULL && spool_take_block(spool, NULL) < 0))
        return NULL;
    *out_count = SPOOL_BLOCK - spool->in_block;
    return spool->block + spool->in_block;
}

static int spool_write_block(struct spool *spool, const uint8_t *bytes, size_t count,
                             struct error *err)
{
    if (spool->block != NULL && bytes == spool->block + spool->in_block &&
        count <= SPOOL_BLOCK - spool->in_block) { /* spool_room() */
        spool->in_block += count;
        return 0;
    }
    if (spool->why != 0)
        return spool_fail_write(spool, spool->why, err);
    while (count > 0) {
        if (spool->in_block == SPOOL_BLOCK && spool_put_block(spool, err) < 0)
            return -1;
        if (spool->block == NULL && spool_take_block(spool, err) < 0)
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
    int r = spool_write_lent(spool, bytes, count, err);
    spool_work(spool);
    return r;
}

void spool_work(struct spool *spool)
{
    digest_work(spool->digest);
}

struct digest *spool_digest(struct spool *spool)
{
    return spool->digest;
}

int spool_write_lent(struct spool *spool, const uint8_t *bytes, size_t count, struct error *err)
{
    if (digest_lend(spool->digest, bytes, count) < 0)
        return error_oom(err, "taking the digest of a mail");
    spool->size += count;
    if (spool->file.fd < 0 && spool->size > SPOOL_MEMORY_MAX && spool_open_file(spool, err) < 0)
        return -1;
    if (spool->file.fd >= 0)
        return spool_write_block(spool, bytes, count, err);
    return buffer_append(&spool->bytes, bytes, count) < 0 ? error_oom(err, "holding a mail") : 0;
}

int spool_end(struct spool *spool, struct error *err)
{
    int r = spool->in_block > 0 ? spool_put_block(spool, err) : 0;
    spool_drop_writer(spool); /* the lender may be gone before the spool is */
    return r;
}

int spool_finish(struct spool *spool, uint8_t out_digest[DIGEST_SIZE], struct error *err)
{
    if (spool_end(spool, err) < 0)
        return -1;
    int why = spool_file_wait(&spool->file);
    if (why != 0)
        return spool_fail_write(spool, why, err);
    if (spool->file.fd >= 0) {
        spool_file_end_direct(&spool->file);
        (void)lseek(spool->file.fd, 0, SEEK_SET);
    }
    if (digest_finish(spool->digest, out_digest) < 0)
        return error_oom(err, "taking the digest of a mail");
    return 0;
}

const uint8_t *spool_bytes(const struct spool *spool)
{
    return spool->file.fd < 0 ? (const uint8_t *)buffer_text(&spool->bytes) : NULL;
}

int spool_fd(const struct spool *spool)
{
    return spool->file.fd;
}

uint64_t spool_size(const struct spool *spool)
{
    return spool->size;
}
