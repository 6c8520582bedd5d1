/* SPDX-License-Identifier: Apache-2.0 */
/* mail-memory.h - the memory of a parsed mail: mail_memory() and mail_free() of mail.h, and how
 * many small texts come to take no more than they have. Thread-safe for different mails. */
#ifndef MAILCHUTE_MIME_MAIL_MEMORY_H
#define MAILCHUTE_MIME_MAIL_MEMORY_H

#include "mail.h"

/** mail_pack - lay the texts of addresses, references and attachments side by side where they are
 * many and short: malloc() takes 32 bytes for an address of four. Nothing of these may be freed or
 * put in the place of another after that. Where there is no memory for it, all stays as it is. */
void mail_pack(struct mail *mail);

#endif
