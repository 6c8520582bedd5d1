/* SPDX-License-Identifier: Apache-2.0 */
/* mail-smime.h - a part that may be an opaque S/MIME signature: the message inside is read as well.
 *
 * The part itself stays the attachment that it is, for whoever wants to verify the signature. Its
 * content goes through a MIME parser of its own, whose parts the handler sees like any others while
 * mail_smime_write() and mail_smime_finish() run, and never outside of them. */
#ifndef MAILCHUTE_MIME_MAIL_SMIME_H
#define MAILCHUTE_MIME_MAIL_SMIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "cms.h"
#include "mime-parser.h"

#define MAIL_SMIME_ROOM (17u * 1024) /* bytes for what is decoded at a time */

struct mail_smime;

/** mail_smime_is - a part of this type and name (NULL: it has none) may be one. */
bool mail_smime_is(const char *content_type, const char *filename);

/** mail_smime_new - @handler is copied, @problems borrowed. Yours: mail_smime_free(). NULL only out
 * of memory. */
struct mail_smime *mail_smime_new(const struct mime_handler *handler, struct mail_texts *problems);
void mail_smime_free(struct mail_smime *s);
AUTO_DEFINE(mail_smime, mail_smime_free);

/** mail_smime_room - MAIL_SMIME_ROOM bytes for decoding this part: those of the handler are in use
 * by the parts inside at the same time. */
uint8_t *mail_smime_room(struct mail_smime *s);

/** mail_smime_write, mail_smime_finish - the next decoded bytes; no more. -1: out of memory, or the
 * handler said stop. */
int mail_smime_write(struct mail_smime *s, const uint8_t *bytes, size_t count);
int mail_smime_finish(struct mail_smime *s);

/** mail_smime_kind - what the part turned out to be; final after mail_smime_finish(). A signature
 * without content (detached, or certificates only) is CMS_NONE. */
enum cms_kind mail_smime_kind(const struct mail_smime *s);

#endif
