/* SPDX-License-Identifier: Apache-2.0 */
/* mail-tnef.h - winmail.dat of a mail, opened when the mail is complete.
 *
 * Its files stand behind the message's own attachments, so they have no number before all parts are
 * read: the bytes wait in a spool (in memory while small, else a file without a name). */
#ifndef MAILCHUTE_MIME_MAIL_TNEF_H
#define MAILCHUTE_MIME_MAIL_TNEF_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "mail-attachment.h"
#include "mail-body.h"
#include "spool.h"

#define MAIL_TNEF_MAX 4u /* parts opened in one mail; more stay what they are, attachments */

struct mail_tnef {
    struct spool *spools[MAIL_TNEF_MAX];
    size_t count;
    const char *dir; /* of the spools, NULL: the default; borrowed */
    struct mail_texts *problems; /* borrowed */
};

void mail_tnef_done(struct mail_tnef *list);

/** mail_tnef_is - a part of this type and name (NULL: it has none) is TNEF, or should be. */
bool mail_tnef_is(const char *content_type, const char *filename);

/** mail_tnef_open - *out_spool is where the bytes of the next part go, by spool_write(): the
 * list's. NULL when there were too many. -1: out of memory, or the spool folder refuses. */
int mail_tnef_open(struct mail_tnef *list, struct spool **out_spool, struct error *err);

/** mail_tnef_finish - all parts are there: files go behind the attachments, a meeting behind them
 * as meeting.ics, and a text or HTML in them is the body of a mail that has none. -1: out of
 * memory, or the sink said stop (attachments->cancelled), or the spool cannot be read. */
int mail_tnef_finish(struct mail_tnef *list, struct mail_attachments *attachments,
                     struct mail_body *body, struct error *err);

#endif
