/* SPDX-License-Identifier: Apache-2.0 */
/* imap-literal.c - see imap-literal.h. */
#include <config.h>
#include "imap-literal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define LITERAL_PIECE 16384u /* bytes read at once */

/* Who gets the bytes as they go out. */
typedef int literal_visit(void *context, const uint8_t *bytes, size_t count, struct error *err);

/* A piece with its line ends mended; *cr: the last byte before it was a CR. */
static size_t literal_mend(const uint8_t *in, size_t count, bool *cr, uint8_t *out)
{
    size_t to = 0;
    for (size_t i = 0; i < count; i++) {
        if (in[i] == '\n' && !*cr)
            out[to++] = '\r';
        out[to++] = in[i];
        *cr = in[i] == '\r';
    }
    return to;
}

/* The bytes from @at on, up to a piece of them; *in points to them. */
static int literal_read(const struct imap_literal *literal, uint64_t at, uint8_t *room,
                        const uint8_t **in, size_t *out_count, struct error *err)
{
    uint64_t left = literal->size - at;
    size_t want = left < LITERAL_PIECE ? (size_t)left : LITERAL_PIECE;
    if (literal->bytes != NULL) {
        *in = literal->bytes + at;
        *out_count = want;
        return 0;
    }
    ssize_t got = pread(literal->fd, room, want, (off_t)at);
    if (got <= 0)
        return error_set(err, ERROR_STORE, "a message cannot be read to its end (%" PRIu64 " of %"
                         PRIu64 " bytes): %s", at, literal->size,
                         got < 0 ? strerror(errno) : "the file is shorter");
    *in = room;
    *out_count = (size_t)got;
    return 0;
}

static int literal_walk(const struct imap_literal *literal, literal_visit *visit, void *context,
                        struct error *err)
{
    uint8_t room[LITERAL_PIECE], out[2 * LITERAL_PIECE];
    bool cr = false;
    size_t count = 0;
    for (uint64_t at = 0; at < literal->size; at += count) {
        const uint8_t *in = NULL;
        if (literal_read(literal, at, room, &in, &count, err) < 0 ||
            visit(context, out, literal_mend(in, count, &cr, out), err) < 0)
            return -1;
    }
    return 0;
}

static int literal_count(void *context, const uint8_t *bytes, size_t count, struct error *err)
{
    uint64_t *size = context;
    (void)bytes;
    (void)err;
    *size += count;
    return 0;
}

int imap_literal_measure(const struct imap_literal *literal, uint64_t *out_size, struct error *err)
{
    *out_size = 0;
    return literal_walk(literal, literal_count, out_size, err);
}

static int literal_add(void *context, const uint8_t *bytes, size_t count, struct error *err)
{
    return digest_add(context, bytes, count) < 0 ? error_oom(err, "looking at messages") : 0;
}

int imap_literal_digest(const struct imap_literal *literal, uint8_t out_sha256[DIGEST_SIZE],
                        struct error *err)
{
    AUTO(digest) digest = digest_new();
    if (digest == NULL)
        return error_oom(err, "looking at messages");
    if (literal_walk(literal, literal_add, digest, err) < 0)
        return -1;
    return digest_finish(digest, out_sha256) < 0 ? error_oom(err, "looking at messages") : 0;
}

static int literal_put(void *context, const uint8_t *bytes, size_t count, struct error *err)
{
    return imap_session_put(context, bytes, count, err);
}

int imap_literal_send(struct imap_session *session, const struct imap_literal *literal,
                      struct error *err)
{
    return literal_walk(literal, literal_put, session, err);
}

/* Where the empty line ends; 0: there is none yet. */
static size_t literal_header_end(const struct buffer *text)
{
    size_t start = 0;
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] != '\n')
            continue;
        if (i == start || (i == start + 1 && text->data[start] == '\r'))
            return i + 1;
        start = i + 1;
    }
    return 0;
}

int imap_literal_header(const struct imap_literal *literal, struct buffer *out, struct error *err)
{
    uint8_t room[LITERAL_PIECE];
    size_t count = 0;
    for (uint64_t at = 0; at < literal->size && out->len < out->limit; at += count) {
        const uint8_t *in = NULL;
        if (literal_read(literal, at, room, &in, &count, err) < 0)
            return -1;
        size_t fits = out->limit - out->len;
        if (buffer_append(out, in, count < fits ? count : fits) < 0)
            return error_oom(err, "reading a message");
        size_t end = literal_header_end(out);
        if (end > 0) {
            buffer_truncate(out, end);
            return 0;
        }
    }
    return 0;
}
