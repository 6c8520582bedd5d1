/* SPDX-License-Identifier: Apache-2.0 */
/* mail-fields.h - the fields of a message's own header (RFC 5322 s.3.6) and what they tell about
 * it: automatic (RFC 3834), from a mailing list (RFC 2369, RFC 2919). */
#ifndef MAILCHUTE_MIME_MAIL_FIELDS_H
#define MAILCHUTE_MIME_MAIL_FIELDS_H

#include <stdbool.h>

#include "cursor.h"
#include "mail.h"

/** mail_fields_read - fill @mail from the header block. *out_null_path: Return-Path is "<>". -1
 * only out of memory. */
int mail_fields_read(struct mail *mail, struct span header, bool *out_null_path);

#endif
