/* SPDX-License-Identifier: Apache-2.0 */
/* imap-literal.h - a message as the literal of an APPEND (RFC 9051 s.4.3).
 *
 * Messages on the wire have CR LF at the ends of their lines; one that was picked up from a file
 * may have LF alone, which some servers refuse. A CR is put before each LF that has none; nothing
 * else is changed. The message is read in pieces, each time anew: to count, to compare, to send. */
#ifndef MAILCHUTE_LOADER_IMAP_LITERAL_H
#define MAILCHUTE_LOADER_IMAP_LITERAL_H

#include <stdint.h>

#include "buffer.h"
#include "digest.h"
#include "error.h"
#include "imap-session.h"

/* Borrowed: the bytes, or where they are NULL the file fd from offset 0 to size. */
struct imap_literal {
    const uint8_t *bytes;
    uint64_t size;
    int fd;
};

/** imap_literal_measure - bytes on the wire. ERROR_STORE when the file cannot be read. */
int imap_literal_measure(const struct imap_literal *literal, uint64_t *out_size, struct error *err);

/** imap_literal_digest - SHA-256 of what goes over the wire. */
int imap_literal_digest(const struct imap_literal *literal, uint8_t out_sha256[DIGEST_SIZE],
                        struct error *err);

/** imap_literal_send - all of it, right behind a command that ended in its size. -1 leaves the
 * session of no use: the server waits for the rest. */
int imap_literal_send(struct imap_session *session, const struct imap_literal *literal,
                      struct error *err);

/** imap_literal_header - the message's header as it is, up to its empty line or @out's limit, added
 * to @out. */
int imap_literal_header(const struct imap_literal *literal, struct buffer *out, struct error *err);

#endif
