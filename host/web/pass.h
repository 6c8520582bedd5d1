/* SPDX-License-Identifier: Apache-2.0 */
/* pass.h - what users prove themselves with: passwords and random tokens. The second door to
 * libsodium, beside vault.h. pass_start() comes first, once.
 *
 * A password is kept as Argon2id (crypto_pwhash_str: 64 MB, 2 passes, its own salt). A token has
 * 256 random bits, is written as 43 characters of base64url, and only its digest is kept: what is
 * in the database lets nobody in. Any thread. */
#ifndef MAILCHUTE_HOST_WEB_PASS_H
#define MAILCHUTE_HOST_WEB_PASS_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

#define PASS_TEXT_MIN 10u /* bytes of a password */
#define PASS_TEXT_MAX 1024u
#define PASS_HASH_SIZE 129u /* of a hashed one as text, NUL included */
#define PASS_TOKEN_SIZE 44u /* of a token as text, NUL included */
#define PASS_DIGEST_SIZE 32u
#define PASS_KEY_SIZE 16u

/** pass_start - ERROR_BUG when there are no random numbers. */
int pass_start(struct error *err);

/** pass_hash - takes some 0.1 s and 64 MB. ERROR_USAGE when it is too short or too long. */
int pass_hash(const char *password, char out_hash[PASS_HASH_SIZE], struct error *err);

/** pass_check - whether this is the password. @hash NULL or "": it is not, but that takes as long.
 */
bool pass_check(const char *hash, const char *password);

/** pass_token - a new one. */
void pass_token(char out_token[PASS_TOKEN_SIZE]);

/** pass_digest - of a token, for one use: another @use gives another. */
void pass_digest(const char *token, const char *use, uint8_t out_digest[PASS_DIGEST_SIZE]);

/** pass_text - a digest as text. */
void pass_text(const uint8_t digest[PASS_DIGEST_SIZE], char out_text[PASS_TOKEN_SIZE]);

/** pass_key - a random one; pass_keyed: 64 bits of a text that nobody can tell, nor aim at, who has
 * not the key (SipHash-2-4). */
void pass_key(uint8_t out_key[PASS_KEY_SIZE]);
uint64_t pass_keyed(const uint8_t key[PASS_KEY_SIZE], const char *text);

/** pass_equal - in a time that does not depend on where they differ. NULL equals nothing. */
bool pass_equal(const char *a, const char *b);

#endif
