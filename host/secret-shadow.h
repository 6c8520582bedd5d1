/* SPDX-License-Identifier: Apache-2.0 */
/* secret-shadow.h - what is kept of a secret to take it out of texts, when it is not here itself.
 *
 * A server is told a password once and may say it again as long as the link stands, for a source of
 * mailchute serve that is weeks. Kept meanwhile are the secret's length and a short keyed hash of
 * it (SipHash-2-4): 16 bytes for each source, none of which has to be locked or wiped. The key is
 * random, the process's own, and lies in guarded, locked memory that no core holds: who has the
 * hash without it, from a swap device say, cannot even guess. A text is hashed at each of its
 * places, which takes microseconds for a line; that another piece of it has the same hash happens
 * once in 2^64.
 *
 * Found is what secret_hide() finds, put in its place is what that puts. */
#ifndef MAILCHUTE_HOST_SECRET_SHADOW_H
#define MAILCHUTE_HOST_SECRET_SHADOW_H

#include <stdint.h>

#include "error.h"
#include "secret.h"

/* All zero: of no secret. Copied as it is, valid in this process alone. */
struct secret_shadow {
    uint32_t size; /* of the secret; 0: nothing is looked for */
    uint64_t hash;
};

/** secret_shadow_cast - of @secret (NULL: of none). Any thread. Fails out of memory alone. */
int secret_shadow_cast(const struct secret *secret, struct secret_shadow *out_shadow,
                       struct error *err);

/** secret_shadow_hide - put "***" wherever the secret stands in @text, in place. The time taken
 * grows with the product of both lengths. */
void secret_shadow_hide(const struct secret_shadow *shadow, char *text);

#endif
