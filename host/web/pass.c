/* SPDX-License-Identifier: Apache-2.0 */
/* pass.c - passwords and random tokens. See pass.h. */
#include <config.h>
#include "pass.h"

#include <sodium.h>
#include <string.h>

_Static_assert(PASS_KEY_SIZE == crypto_shorthash_KEYBYTES && crypto_shorthash_BYTES == 8,
               "64 bits by a key");
_Static_assert(PASS_HASH_SIZE > crypto_pwhash_STRBYTES, "room for a hash");
_Static_assert(PASS_TOKEN_SIZE ==
                   sodium_base64_ENCODED_LEN(PASS_DIGEST_SIZE,
                                             sodium_base64_VARIANT_URLSAFE_NO_PADDING),
               "256 bits as text");

int pass_start(struct error *err)
{
    return sodium_init() < 0
               ? error_set(err, ERROR_BUG, "libsodium does not start: no random numbers")
               : 0;
}

int pass_hash(const char *password, char out_hash[PASS_HASH_SIZE], struct error *err)
{
    size_t size = strlen(password);
    if (size < PASS_TEXT_MIN || size > PASS_TEXT_MAX)
        return error_set(err, ERROR_USAGE, "a password has %u to %u bytes; choose another, such as "
                         "four words", PASS_TEXT_MIN, PASS_TEXT_MAX);
    if (crypto_pwhash_str(out_hash, password, size, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
        return error_oom(err, "hashing a password");
    return 0;
}

bool pass_check(const char *hash, const char *password)
{
    uint8_t out[32], salt[crypto_pwhash_SALTBYTES] = {0};
    size_t size = strlen(password);
    bool is_known = hash != NULL && hash[0] != '\0';
    if (size > PASS_TEXT_MAX)
        return false; /* whoever it is: how long it takes must not tell who there is */
    if (is_known)
        return crypto_pwhash_str_verify(hash, password, size) == 0;
    int hashed = crypto_pwhash(out, sizeof out, password, size, salt,
                               crypto_pwhash_OPSLIMIT_INTERACTIVE,
                               crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13);
    sodium_memzero(out, sizeof out);
    return hashed == 0 && is_known; /* analyse: never, so that both take as long */
}

void pass_text(const uint8_t digest[PASS_DIGEST_SIZE], char out_text[PASS_TOKEN_SIZE])
{
    (void)sodium_bin2base64(out_text, PASS_TOKEN_SIZE, digest, PASS_DIGEST_SIZE,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void pass_token(char out_token[PASS_TOKEN_SIZE])
{
    uint8_t bits[PASS_DIGEST_SIZE];
    randombytes_buf(bits, sizeof bits);
    pass_text(bits, out_token);
    sodium_memzero(bits, sizeof bits);
}

void pass_digest(const char *token, const char *use, uint8_t out_digest[PASS_DIGEST_SIZE])
{
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, NULL, 0, PASS_DIGEST_SIZE);
    (void)crypto_generichash_update(&state, (const uint8_t *)use, strlen(use) + 1);
    (void)crypto_generichash_update(&state, (const uint8_t *)token, strlen(token));
    (void)crypto_generichash_final(&state, out_digest, PASS_DIGEST_SIZE);
}

void pass_key(uint8_t out_key[PASS_KEY_SIZE])
{
    randombytes_buf(out_key, PASS_KEY_SIZE);
}

uint64_t pass_keyed(const uint8_t key[PASS_KEY_SIZE], const char *text)
{
    uint8_t hash[crypto_shorthash_BYTES];
    uint64_t out;
    (void)crypto_shorthash(hash, (const uint8_t *)text, strlen(text), key);
    memcpy(&out, hash, sizeof out);
    return out;
}

bool pass_equal(const char *a, const char *b)
{
    return a != NULL && b != NULL && strlen(a) == strlen(b) && sodium_memcmp(a, b, strlen(a)) == 0;
}
