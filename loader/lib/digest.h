/* SPDX-License-Identifier: Apache-2.0 */
/* digest.h - SHA-256 on the way (FIPS 180-4), by the processor's own instructions: of x86
 * (sha256-lanes.h), else by OpenSSL's libcrypto, whose one door this is.
 *
 * A message and an attachment in it are two digests of nearly the same bytes. Each alone waits for
 * its own last result all the time; both at once take half as long as one after the other:
 *
 *     digest_lend(message, received)      its bytes wait
 *       digest_add(attachment, decoded)   beside it: as many bytes of both
 *     digest_work(message)                what is left
 *
 * Not thread-safe per digest, nor for two that are beside one another; others share nothing. */
#ifndef MAILCHUTE_LOADER_LIB_DIGEST_H
#define MAILCHUTE_LOADER_LIB_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"

#define DIGEST_SIZE 32u

struct digest;

/** digest_new - a fresh SHA-256. Yours: digest_free(). NULL only out of memory. */
struct digest *digest_new(void);

/** digest_new_beside - the same, for bytes that come while @lender has lent ones, which are then
 * worked in together with them. @lender is borrowed for every call but digest_free(); NULL:
 * nobody. */
struct digest *digest_new_beside(struct digest *lender);
void digest_free(struct digest *digest);
AUTO_DEFINE(digest, digest_free);

/** digest_add - the next bytes. 0, or -1 out of memory. */
int digest_add(struct digest *digest, const uint8_t *bytes, size_t count);

/** digest_lend - the next bytes, which stay readable until digest_work(): they may wait for
 * company. As digest_add() else. */
int digest_lend(struct digest *digest, const uint8_t *bytes, size_t count);

/** digest_work - what was lent is worked in: it may be overwritten from here on. */
void digest_work(struct digest *digest);

/** digest_finish - the result; the digest then starts afresh and can be used again. */
int digest_finish(struct digest *digest, uint8_t out_digest[DIGEST_SIZE]);

#endif
