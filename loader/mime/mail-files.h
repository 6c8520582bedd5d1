/* SPDX-License-Identifier: Apache-2.0 */
/* mail-files.h - files that stand inside a text (uuencode.h) become attachments, the rest of the
 * text goes on to the body. At most MAIL_PARTS_MAX attachments in all; later files are left out,
 * and that is told. */
#ifndef MAILCHUTE_MIME_MAIL_FILES_H
#define MAILCHUTE_MIME_MAIL_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "mail-attachment.h"
#include "mail-body.h"

struct mail_files;

/** mail_files_new - between one text part and @body, whose piece is open. Both are borrowed until
 * free. NULL only out of memory. */
struct mail_files *mail_files_new(struct mail_body *body, struct mail_attachments *attachments);
void mail_files_free(struct mail_files *files);
AUTO_DEFINE(mail_files, mail_files_free);

/** mail_files_write, mail_files_close - the text's decoded bytes, in its own character set. -1: out
 * of memory, or the sink said stop. */
int mail_files_write(struct mail_files *files, const uint8_t *bytes, size_t count);
int mail_files_close(struct mail_files *files);

#endif
