/* SPDX-License-Identifier: Apache-2.0 */
/* spool.c - bytes in memory, then in a file without a name. See spool.h.
 *
 * One buffer of SPOOL_MEMORY_MAX bytes serves both lives: what fits stays in it; once it overflows it
 * gathers what goes to the file, so that small pieces off a socket become large writes. */
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

struct spool {
    struct buffer bytes; /* all of them, or those not yet in the file */
    char *dir;
    int fd; /* -1: all in memory */
    uint64_t size;
    struct digest *digest;
};

static int spool_fail_create(const struct spool *spool, struct error *err)
{
    return error_set(err, ERROR_CREATE,
                     "cannot make a file in the spool folder '%s': %s; name a folder that this user "
                     "can write to", spool->dir, strerror(errno));
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

static int spool_open_file(struct spool *spool, struct error *err)
{
    spool->fd = open(spool->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (spool->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        spool->fd = spool_open_named(spool);
    return spool->fd < 0 ? spool_fail_create(spool, err) : 0;
}

static int spool_flush(struct spool *spool, struct error *err)
{
    if (write_all(spool->fd, spool->bytes.data, spool->bytes.len) < 0)
        return error_set(err, ERROR_STORE,
                         "cannot write to the spool folder '%s': %s; make room on its disk",
                         spool->dir, strerror(errno));
    buffer_clear(&spool->bytes);
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
    if (expected > SPOOL_MEMORY_MAX && spool_open_file(spool, err) < 0)
        return -1;
    if (buffer_reserve(&spool->bytes, expected < SPOOL_MEMORY_MAX ? (size_t)expected
                                                                  : SPOOL_MEMORY_MAX) < 0)
        return error_oom(err, "making room for a mail");
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
    digest_free(spool->digest);
    free(spool->dir);
    free(spool);
}

int spool_write(struct spool *spool, const uint8_t *bytes, size_t count, struct error *err)
{
    if (digest_add(spool->digest, bytes, count) < 0)
        return error_oom(err, "taking the digest of a mail");
    spool->size += count;
    while (count > 0) {
        if (spool->bytes.len == SPOOL_MEMORY_MAX) {
            if (spool->fd < 0 && spool_open_file(spool, err) < 0)
                return -1;
            if (spool_flush(spool, err) < 0)
                return -1;
        }
        size_t room = SPOOL_MEMORY_MAX - spool->bytes.len;
        size_t piece = count < room ? count : room;
        if (buffer_append(&spool->bytes, bytes, piece) < 0)
            return error_oom(err, "holding a mail");
        bytes += piece;
        count -= piece;
    }
    return 0;
}

int spool_finish(struct spool *spool, uint8_t out_digest[DIGEST_SIZE], struct error *err)
{
    if (spool->fd >= 0) {
        if (spool_flush(spool, err) < 0)
            return -1;
        buffer_done(&spool->bytes);
        (void)lseek(spool->fd, 0, SEEK_SET);
    }
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
