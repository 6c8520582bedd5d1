/* SPDX-License-Identifier: Apache-2.0 */
/* vault-sign.h - sign a message with a shared secret, as standardwebhooks.com tells it.
 *
 * The signature is "v1," and the base64 of HMAC-SHA256 over "<id>.<time>.<body>". The key is the
 * secret's bytes; behind "whsec_" they are base64. */
#ifndef MAILCHUTE_HOST_VAULT_SIGN_H
#define MAILCHUTE_HOST_VAULT_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "secret.h"

#define VAULT_SIGNATURE_MAX 52u /* bytes with the NUL: "v1," and 44 digits */

/** vault_sign - ERROR_CONFIG when what stands behind "whsec_" is no base64. */
int vault_sign(const struct secret *secret, const char *id, int64_t unix_s, const char *body,
               size_t size, char out_signature[VAULT_SIGNATURE_MAX], struct error *err);

#endif
