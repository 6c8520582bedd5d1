/* SPDX-License-Identifier: Apache-2.0 */
/* sha256-lanes.h - blocks of SHA-256 (FIPS 180-4 s.6.2), of one message or of two at the same time.
 *
 * The processor's instructions for it wait for one another: of one message, four rounds need the
 * result of the four before. Those of a second message fit in between, so that two take hardly
 * longer than one: `make bench-micro` has both, and libcrypto's one. That is why this is here:
 * libcrypto has something like it inside, for TLS alone, and libipsec-mb takes messages that are
 * whole. Thread-safe: there is no state but the caller's. */
#ifndef MAILCHUTE_LOADER_LIB_SHA256_LANES_H
#define MAILCHUTE_LOADER_LIB_SHA256_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BLOCK 64u
#define SHA256_WORDS 8u

/* A message on its way: the hash of the blocks that were worked in, and what comes next. */
struct sha256_lane {
    uint32_t *hash; /* SHA256_WORDS words, s.5.3.3 at first */
    const uint8_t *bytes;
};

/** sha256_lanes_can - has this processor the instructions? Without, nothing below may be called. */
bool sha256_lanes_can(void);

/** sha256_lanes_one, sha256_lanes_two - the next @blocks blocks, of each; lane->bytes then points
 * behind them. */
void sha256_lanes_one(struct sha256_lane *lane, size_t blocks);
void sha256_lanes_two(struct sha256_lane lanes[2], size_t blocks);

#endif
