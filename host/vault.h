/* SPDX-License-Identifier: Apache-2.0 */
/* vault.h - seal secrets that have to be kept, so that who gets the database gets nothing. The door
 * to libsodium, beside secret-shadow.h and web/pass.h.
 *
 * A sealed secret is XChaCha20-Poly1305 (a fresh nonce each time) with the id of its source as
 * associated data: one that is moved to another source does not open. Its layout:
 *
 *     1 byte 0x01 | 8 bytes of the key's fingerprint | 24 bytes nonce | ciphertext | 16 bytes tag
 *
 * The key (32 random bytes) is, in this order:
 *
 *     the systemd credential "mailchute.key" ($CREDENTIALS_DIRECTORY), 32 bytes or 64 hex digits
 *     FOLDER/secret.key, made when it is first needed with mode 0400, in the queue's folder
 *
 * Who has the credential opens what the file sealed as well, so that a queue can go over from the
 * one to the other, and leaves a note in the folder (secret.key.id: whose key, and its
 * fingerprint). Who finds that note and has no credential is refused and told how to get it: a key
 * that was made beside it would seal what the daemon should not have to trust, and lie in clear.
 *
 * A copy of the database without the key is of no use to anybody, and so is a backup of it: keep
 * the key apart. The key is held in guarded, locked memory and wiped at the end. Nothing here is
 * ever part of an error. One vault may be used by several threads at a time. */
#ifndef MAILCHUTE_HOST_VAULT_H
#define MAILCHUTE_HOST_VAULT_H

#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "error.h"
#include "secret.h"

#define VAULT_CREDENTIAL "mailchute.key"
#define VAULT_FILE "secret.key"
#define VAULT_NOTE "secret.key.id"
#define VAULT_SEALED_MAX (SECRET_MAX + 49u) /* bytes of a sealed secret */

struct vault;

/** vault_open - @folder: the queue's, NULL for a key that lives as long as the vault (a queue in
 * memory). *out_vault is yours: vault_close(). ERROR_CONFIG when the key cannot be used, others may
 * read it, or it is the credential's and that is not here; ERROR_CREATE when it cannot be made. */
int vault_open(const char *folder, struct vault **out_vault, struct error *err);
void vault_close(struct vault *vault); /* wipes the key; NULL is fine */
AUTO_DEFINE(vault, vault_close);

/** vault_seal - *out_sealed is yours: free(). @id: of the source. */
int vault_seal(const struct vault *vault, const char *id, const struct secret *secret,
               uint8_t **out_sealed, size_t *out_size, struct error *err);

/** vault_unseal - *out_secret is yours: secret_free(). ERROR_CONFIG when it was sealed by another
 * key, for another source, or changed. */
int vault_unseal(const struct vault *vault, const char *id, const uint8_t *sealed, size_t size,
                 struct secret **out_secret, struct error *err);

#endif
