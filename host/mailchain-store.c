/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-store.c - see mailchain-store.h. */
#include <config.h>
#include "mailchain-store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "cursor.h"
#include "md5.h"
#include "text.h"

#define STORE_KEY "append_"
#define STORE_READ 65536u

struct mailchain_store {
    struct buffer digests; /* MD5_SIZE bytes each, sorted */
};

void mailchain_store_free(struct mailchain_store *store)
{
    if (store == NULL)
        return;
    buffer_done(&store->digests);
    free(store);
}

static int store_compare(const void *a, const void *b)
{
    return memcmp(a, b, MD5_SIZE);
}

/* ---- The file -------------------------------------------------------------------------------- */

static int store_unread(const char *path, struct error *err)
{
    return error_set(err, ERROR_CONFIG, "'%s' cannot be read: %s; messages that were delivered and "
                     "deleted would come again: check its rights, or move it away", path,
                     strerror(errno));
}

/* All of it; nothing where there is no file. */
static int store_read_file(const char *path, struct buffer *out, struct error *err)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : store_unread(path, err);
    ssize_t got;
    do {
        if (buffer_reserve(out, STORE_READ) < 0)
            return buffer_is_full(out)
                       ? error_set(err, ERROR_CONFIG, "'%s' has more than %u MB; it is no store of "
                                   "the connector's: move it away", path, MAILCHAIN_STORE_MAX >> 20)
                       : error_oom(err, "reading the old connector's store");
        got = read(fd, out->data + out->len, STORE_READ);
        if (got < 0 && errno != EINTR)
            return store_unread(path, err);
        buffer_added(out, got > 0 ? (size_t)got : 0);
    } while (got != 0);
    return 0;
}

static int store_hex(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 32 hexadecimal digits. */
static bool store_digest(struct cursor *at, uint8_t out[MD5_SIZE])
{
    struct cursor try = *at;
    if (cursor_left(&try) < 2 * MD5_SIZE)
        return false;
    for (size_t i = 0; i < MD5_SIZE; i++) {
        int high = store_hex((uint8_t)cursor_next(&try)),
            low = store_hex((uint8_t)cursor_next(&try));
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    *at = try;
    return true;
}

static int store_collect(struct mailchain_store *store, const struct buffer *file)
{
    struct cursor at = cursor_over(file->data, file->len);
    while (cursor_left(&at) > 0) {
        uint8_t digest[MD5_SIZE];
        const uint8_t *key =
            memmem(at.bytes + at.pos, cursor_left(&at), STORE_KEY, sizeof STORE_KEY - 1);
        if (key == NULL)
            break;
        at.pos = (size_t)(key - at.bytes) + sizeof STORE_KEY - 1;
        if (store_digest(&at, digest) && buffer_append(&store->digests, digest, sizeof digest) < 0)
            return -1;
    }
    if (store->digests.len > 0)
        qsort(store->digests.data, mailchain_store_count(store), MD5_SIZE, store_compare);
    return 0;
}

int mailchain_store_read(const char *folder, struct mailchain_store **out_store, struct error *err)
{
    AUTO(mailchain_store) store = calloc(1, sizeof *store);
    AUTO_DONE(buffer) file;
    AUTO_TEXT path = NULL;
    buffer_init(&file, MAILCHAIN_STORE_MAX);
    if (store == NULL || asprintf(&path, "%s/" MAILCHAIN_STORE_FILE, folder) < 0) {
        path = NULL;
        return error_oom(err, "reading the old connector's store");
    }
    buffer_init(&store->digests, MAILCHAIN_STORE_MAX);
    if (store_read_file(path, &file, err) < 0)
        return -1;
    if (store_collect(store, &file) < 0)
        return error_oom(err, "reading the old connector's store");
    *out_store = TAKE(store);
    return 0;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

size_t mailchain_store_count(const struct mailchain_store *store)
{
    return store->digests.len / MD5_SIZE;
}

bool mailchain_store_has(const struct mailchain_store *store, const char *message_id)
{
    uint8_t digest[MD5_SIZE];
    md5(message_id, strlen(message_id), digest);
    return store->digests.len > 0 && bsearch(digest, store->digests.data,
                                             mailchain_store_count(store), MD5_SIZE,
                                             store_compare) != NULL;
}
