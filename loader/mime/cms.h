/* SPDX-License-Identifier: Apache-2.0 */
/* cms.h - the message inside an opaque S/MIME signature (CMS SignedData, RFC 5652), without keys.
 *
 * application/pkcs7-mime; smime-type=signed-data wraps a whole MIME entity in a signature. To read
 * it nothing need be verified: a walker over BER (X.690) finds eContent and streams it out,
 * definite or indefinite lengths, one OCTET STRING or many, as Outlook, OpenSSL and Java write
 * them. It holds no bytes of the message, where a library would hold all of them: memory is the
 * struct below whatever the size, time is linear. Nothing here says that a signature is valid.
 *
 * Every split gives the same result. Not thread-safe; walkers share nothing. */
#ifndef MAILCHUTE_MIME_CMS_H
#define MAILCHUTE_MIME_CMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"

#define CMS_DEPTH_MAX 24u /* nesting of BER values; the content stands at 6 or 7 */

/* What the ContentInfo says it is (RFC 5652 s.14, RFC 5083, RFC 3274, RFC 3851). */
enum cms_kind {
    CMS_NONE,       /* no CMS, or none that we know */
    CMS_SIGNED,     /* id-signedData */
    CMS_ENCRYPTED,  /* id-envelopedData, id-encryptedData, id-ct-authEnvelopedData */
    CMS_COMPRESSED, /* id-ct-compressedData */
};

/* Takes the next bytes of the inner entity; -1 stops. */
typedef int (*cms_take)(void *context, const uint8_t *bytes, size_t count);

struct cms_unwrap;

/** cms_unwrap_new - a walker that gives the content to @take. Yours: cms_unwrap_free(). NULL only
 * out of memory. */
struct cms_unwrap *cms_unwrap_new(cms_take take, void *context);
void cms_unwrap_free(struct cms_unwrap *u);
AUTO_DEFINE(cms_unwrap, cms_unwrap_free);

/** cms_unwrap_feed - the next bytes, decoded from base64. Bytes that are no CMS are swallowed. -1
 * only when @take said so. */
int cms_unwrap_feed(struct cms_unwrap *u, const uint8_t *bytes, size_t count);

/* What has been seen so far; final when all bytes are fed. */
enum cms_kind cms_unwrap_kind(const struct cms_unwrap *u); /* known after about 20 bytes */
bool cms_unwrap_has_content(const struct cms_unwrap *u);   /* eContent is there (not detached) */
bool cms_unwrap_is_whole(const struct cms_unwrap *u);      /* and it came to its end */

#endif
