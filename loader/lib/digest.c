/* SPDX-License-Identifier: Apache-2.0 */
/* digest.c - SHA-256 by libcrypto's EVP interface. See digest.h. */
#include <config.h>
#include "digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct digest {
    EVP_MD_CTX *context;
};

struct digest *digest_new(void)
{
    AUTO(digest) digest = calloc(1, sizeof *digest);
    if (digest == NULL)
        return NULL;
    digest->context = EVP_MD_CTX_new();
    if (digest->context == NULL || EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1)
        return NULL;
    return TAKE(digest);
}

void digest_free(struct digest *digest)
{
    if (digest == NULL)
        return;
    EVP_MD_CTX_free(digest->context);
    free(digest);
}

int digest_add(struct digest *digest, const uint8_t *bytes, size_t count)
{
    return EVP_DigestUpdate(digest->context, bytes, count) == 1 ? 0 : -1;
}

int digest_finish(struct digest *digest, uint8_t out_digest[DIGEST_SIZE])
{
    if (EVP_DigestFinal_ex(digest->context, out_digest, NULL) != 1)
        return -1;
    return EVP_DigestInit_ex(digest->context, NULL, NULL) == 1 ? 0 : -1;
}
