/* SPDX-License-Identifier: Apache-2.0 */
/* vault-sign.c - sign a message with a shared secret. See vault-sign.h. */
#include <config.h>
#include "vault-sign.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

#define SIGN_PREFIX "whsec_"

/* *out_size bytes of key in @key, of SECRET_MAX. */
static int sign_key(const char *text, uint8_t *key, size_t *out_size, struct error *err)
{
    if (!text_starts_nocase(text, SIGN_PREFIX)) {
        *out_size = strlen(text);
        memcpy(key, text, *out_size);
        return 0;
    }
    const char *digits = text + strlen(SIGN_PREFIX);
    if (sodium_base642bin(key, SECRET_MAX, digits, strlen(digits), NULL, out_size, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        *out_size == 0)
        return error_set(err, ERROR_CONFIG, "the webhook's secret is no base64 behind '" SIGN_PREFIX
                         "'; set it anew");
    return 0;
}

int vault_sign(const struct secret *secret, const char *id, int64_t unix_s, const char *body,
               size_t size, char out_signature[VAULT_SIGNATURE_MAX], struct error *err)
{
    uint8_t key[SECRET_MAX], sum[crypto_auth_hmacsha256_BYTES];
    size_t key_size = 0;
    char head[160];
    crypto_auth_hmacsha256_state state;
    int bad = sign_key(secret_text(secret), key, &key_size, err);
    if (bad == 0) {
        size_t head_size = (size_t)snprintf(head, sizeof head, "%.100s.%" PRId64 ".", id, unix_s);
        (void)crypto_auth_hmacsha256_init(&state, key, key_size);
        (void)crypto_auth_hmacsha256_update(&state, (const uint8_t *)head, head_size);
        (void)crypto_auth_hmacsha256_update(&state, (const uint8_t *)body, size);
        (void)crypto_auth_hmacsha256_final(&state, sum);
        memcpy(out_signature, "v1,", 3); /* analyse: the digits follow, with the NUL */
        (void)sodium_bin2base64(out_signature + 3, VAULT_SIGNATURE_MAX - 3, sum, sizeof sum,
                                sodium_base64_VARIANT_ORIGINAL);
    }
    sodium_memzero(key, sizeof key);
    sodium_memzero(&state, sizeof state);
    return bad;
}
