/* SPDX-License-Identifier: Apache-2.0 */
/* spool.h - the raw bytes of one message while it is on its way: written once, digested as they
 * pass.
 *
 * Up to SPOOL_MEMORY_MAX bytes stay in memory; a larger message goes to a file without a name
 * (O_TMPFILE; where the file system has none, a file that is unlinked at once) in the spool folder,
 * so that a crash leaves nothing behind and the queue can give it a name instead of copying it. Not
 * thread-safe per spool; spools share nothing. */
#ifndef MAILCHUTE_LOADER_LIB_SPOOL_H
#define MAILCHUTE_LOADER_LIB_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "digest.h"
#include "error.h"

#define SPOOL_MEMORY_MAX (256u * 1024) /* bytes; the queue keeps as many inside its database */

struct spool;

/** spool_new - an empty spool; @dir NULL: $TMPDIR or /tmp. @expected bytes (0: unknown) are a hint:
 * more than SPOOL_MEMORY_MAX goes straight to the file. Yours: spool_free(). */
int spool_new(const char *dir, uint64_t expected, struct spool **out_spool, struct error *err);
void spool_free(struct spool *spool); /* closes and forgets; NULL is fine */
AUTO_DEFINE(spool, spool_free);

/** spool_lend - a large one is written by @writer (spool-writer.h), which outlives this one's
 * spool_end() or spool_free(), and serves one spool at a time. Before the first write; without, the
 * caller waits for the disk. */
struct spool_writer;
void spool_lend(struct spool *spool, struct spool_writer *writer);

/** spool_write - the next bytes. ERROR_STORE when the disk refuses them, or did before. */
int spool_write(struct spool *spool, const uint8_t *bytes, size_t count, struct error *err);

/** spool_write_lent, spool_work - the same; the digest waits for company until spool_work(), until
 * when @bytes stay readable: what comes to one beside spool_digest() is worked in with them
 * (digest.h). */
int spool_write_lent(struct spool *spool, const uint8_t *bytes, size_t count, struct error *err);
void spool_work(struct spool *spool);
struct digest *spool_digest(struct spool *spool); /* borrowed until spool_free() */

/** spool_room - where its next bytes may be received, *out_count of them at most: what is written from
 * there is not copied. NULL: nowhere, it is to be written as usual. Borrowed until the next call. */
uint8_t *spool_room(struct spool *spool, size_t *out_count);

/** spool_end - no more will come; what is left is on its way. Another thread may have the spool from
 * here on. */
int spool_end(struct spool *spool, struct error *err);

/** spool_finish - ends it if need be, and waits until all is written, not flushed. *out_digest is
 * SHA-256 of all bytes. */
int spool_finish(struct spool *spool, uint8_t out_digest[DIGEST_SIZE], struct error *err);

/** After spool_finish(): the bytes in memory, or NULL when they are in the file spool_fd(). */
const uint8_t *spool_bytes(const struct spool *spool);
int spool_fd(const struct spool *spool); /* -1 when in memory; borrowed until spool_free() */
uint64_t spool_size(const struct spool *spool);

#endif
