/* SPDX-License-Identifier: Apache-2.0 */
/* digest.c - SHA-256, two at a time where the processor can. See digest.h. */
#include <config.h>
#include "digest.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "sha256-lanes.h"

struct digest {
    EVP_MD_CTX *context;   /* NULL: all below is used */
    struct digest *lender; /* borrowed, may be NULL */
    uint64_t size;         /* bytes so far */
    const uint8_t *lent;   /* not worked in yet; in_tail is 0 while there are any ... */
    size_t lent_count;     /* ... or all of them went into tail */
    size_t in_tail;
    uint8_t tail[SHA256_BLOCK]; /* of a block that is not complete */
    uint32_t hash[SHA256_WORDS];
};

static void digest_start(struct digest *digest)
{
    static const uint32_t initial[SHA256_WORDS] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(digest->hash, initial, sizeof initial); /* s.5.3.3 */
    digest->size = 0;
    digest->in_tail = 0;
}

struct digest *digest_new_beside(struct digest *lender)
{
    AUTO(digest) digest = calloc(1, sizeof *digest);
    if (digest == NULL)
        return NULL;
    digest->lender = lender;
    digest_start(digest);
    if (sha256_lanes_can())
        return TAKE(digest);
    digest->context = EVP_MD_CTX_new();
    if (digest->context == NULL || EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1)
        return NULL;
    return TAKE(digest);
}

struct digest *digest_new(void)
{
    return digest_new_beside(NULL);
}

void digest_free(struct digest *digest)
{
    if (digest == NULL)
        return;
    EVP_MD_CTX_free(digest->context);
    free(digest);
}

static void digest_blocks(struct digest *digest, const uint8_t *bytes, size_t blocks)
{
    sha256_lanes_one(&(struct sha256_lane){digest->hash, bytes}, blocks);
}

/* Fills the block that was begun; returns how many bytes that took. */
static size_t digest_fill(struct digest *digest, const uint8_t *bytes, size_t count)
{
    size_t room = SHA256_BLOCK - digest->in_tail, taken = count < room ? count : room;
    if (digest->in_tail == 0)
        return 0;
    memcpy(digest->tail + digest->in_tail, bytes, taken);
    digest->in_tail += taken;
    if (digest->in_tail == SHA256_BLOCK) {
        digest_blocks(digest, digest->tail, 1);
        digest->in_tail = 0;
    }
    return taken;
}

static void digest_keep(struct digest *digest, const uint8_t *bytes, size_t count)
{
    if (count == 0)
        return; /* what a block that is not complete holds stays */
    memcpy(digest->tail, bytes, count);
    digest->in_tail = count;
}

/* As many of @blocks as the lender has waiting, with its own; returns how many that were. */
static size_t digest_blocks_beside(struct digest *digest, const uint8_t *bytes, size_t blocks)
{
    struct digest *lender = digest->lender;
    size_t waiting = lender != NULL ? lender->lent_count / SHA256_BLOCK : 0;
    size_t both = blocks < waiting ? blocks : waiting;
    if (both == 0)
        return 0;
    struct sha256_lane lanes[2] = {{digest->hash, bytes}, {lender->hash, lender->lent}};
    sha256_lanes_two(lanes, both);
    lender->lent = lanes[1].bytes;
    lender->lent_count -= both * SHA256_BLOCK;
    return both;
}

int digest_add(struct digest *digest, const uint8_t *bytes, size_t count)
{
    if (digest->context != NULL)
        return EVP_DigestUpdate(digest->context, bytes, count) == 1 ? 0 : -1;
    digest_work(digest);
    if (count == 0)
        return 0;
    digest->size += count;
    size_t at = digest_fill(digest, bytes, count), blocks = (count - at) / SHA256_BLOCK;
    size_t both = digest_blocks_beside(digest, bytes + at, blocks);
    digest_blocks(digest, bytes + at + both * SHA256_BLOCK, blocks - both);
    at += blocks * SHA256_BLOCK;
    digest_keep(digest, bytes + at, count - at);
    return 0;
}

int digest_lend(struct digest *digest, const uint8_t *bytes, size_t count)
{
    if (digest->context != NULL)
        return digest_add(digest, bytes, count);
    digest_work(digest);
    if (count == 0)
        return 0;
    digest->size += count;
    size_t at = digest_fill(digest, bytes, count);
    digest->lent = bytes + at;
    digest->lent_count = count - at;
    return 0;
}

void digest_work(struct digest *digest)
{
    size_t count = digest->lent_count, blocks = count / SHA256_BLOCK;
    if (count == 0)
        return;
    digest->lent_count = 0;
    digest_blocks(digest, digest->lent, blocks);
    digest_keep(digest, digest->lent + blocks * SHA256_BLOCK, count % SHA256_BLOCK);
}

/* s.5.1.1: a bit, zeros, and the number of bits as the last eight bytes of a block. */
static void digest_pad(struct digest *digest)
{
    uint8_t padding[2 * SHA256_BLOCK] = {0x80};
    digest_work(digest);
    size_t count = SHA256_BLOCK - digest->in_tail;
    if (count < 1 + sizeof digest->size)
        count += SHA256_BLOCK;
    for (size_t i = 0; i < sizeof digest->size; i++)
        padding[count - 1 - i] = (uint8_t)(digest->size * 8 >> 8 * i);
    (void)digest_add(digest, padding, count);
}

int digest_finish(struct digest *digest, uint8_t out_digest[DIGEST_SIZE])
{
    if (digest->context != NULL)
        return EVP_DigestFinal_ex(digest->context, out_digest, NULL) == 1 &&
                       EVP_DigestInit_ex(digest->context, NULL, NULL) == 1
                   ? 0
                   : -1;
    digest_pad(digest);
    for (size_t i = 0; i < DIGEST_SIZE; i++)
        out_digest[i] = (uint8_t)(digest->hash[i / 4] >> (24 - 8 * (i % 4)));
    digest_start(digest);
    return 0;
}
