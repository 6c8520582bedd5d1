/* SPDX-License-Identifier: Apache-2.0 */
/* mail-attachment.h - the list of attachments of a mail, and one that is being written.
 *
 * Bytes go to the digest and to the sink as they come; only name, type and digest are kept. */
#ifndef MAILCHUTE_MIME_MAIL_ATTACHMENT_H
#define MAILCHUTE_MIME_MAIL_ATTACHMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "digest.h"
#include "mail.h"

struct mail_attachments {
    struct mail *mail;            /* borrowed: whose list grows */
    const struct mail_sink *sink; /* borrowed; NULL: nobody wants the bytes */
    struct digest *beside;        /* of the message: theirs go with it; borrowed, may be NULL */
    size_t capacity;              /* of the list */
    uint32_t unnamed;             /* how many were given a name of ours */
    bool cancelled;               /* the sink said stop */
};

/* What its part says about it; each borrowed during the call, NULL when it says nothing. */
struct mail_attachment_head {
    const char *filename; /* as the sender wrote it, UTF-8 */
    const char *content_type;
    const char *disposition;
    const char *content_id;
};

struct mail_attachment_writer;

/** mail_attachment_open - the next attachment of the list. Yours: mail_attachment_close() once all
 * bytes are written, mail_attachment_writer_free() in any case. NULL only out of memory. @list is
 * borrowed until then. @head NULL: not known yet, mail_attachment_describe() must follow. */
struct mail_attachment_writer *mail_attachment_open(struct mail_attachments *list,
                                                    const struct mail_attachment_head *head);
int mail_attachment_describe(struct mail_attachment_writer *writer,
                             const struct mail_attachment_head *head);

/** mail_attachment_write, mail_attachment_close - the next bytes; size and digest are told. -1: out
 * of memory, or the sink said stop (list->cancelled). */
int mail_attachment_write(struct mail_attachment_writer *writer, const uint8_t *bytes,
                          size_t count);
int mail_attachment_close(struct mail_attachment_writer *writer);

void mail_attachment_writer_free(struct mail_attachment_writer *writer);
AUTO_DEFINE(mail_attachment_writer, mail_attachment_writer_free);

#endif
