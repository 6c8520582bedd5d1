/* SPDX-License-Identifier: Apache-2.0 */
/* digest.h - SHA-256 on the way (FIPS 180-4), by OpenSSL's libcrypto, which uses the processor's
 * own instructions. The one door to libcrypto. Not thread-safe per digest; digests share nothing.
 */
#ifndef MAILCHUTE_LOADER_LIB_DIGEST_H
#define MAILCHUTE_LOADER_LIB_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"

#define DIGEST_SIZE 32u

struct digest;

/** digest_new - a fresh SHA-256. Yours: digest_free(). NULL only out of memory. */
struct digest *digest_new(void);
void digest_free(struct digest *digest);
AUTO_DEFINE(digest, digest_free);

/** digest_add - the next bytes. 0, or -1 out of memory. */
int digest_add(struct digest *digest, const uint8_t *bytes, size_t count);

/** digest_finish - the result; the digest then starts afresh and can be used again. */
int digest_finish(struct digest *digest, uint8_t out_digest[DIGEST_SIZE]);

#endif
