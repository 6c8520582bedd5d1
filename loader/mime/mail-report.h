/* SPDX-License-Identifier: Apache-2.0 */
/* mail-report.h - a delivery status (RFC 3464, RFC 6533) as it passes by: the mail is a bounce, and
 * each recipient that failed is told in problems, "delivery to 'ann@example.org' failed: 5.1.1";
 * without a status, what the other server said stands there.
 *
 * Only the first MAIL_REPORT_MAX bytes are read. The functions are those of a part handler. */
#ifndef MAILCHUTE_MIME_MAIL_REPORT_H
#define MAILCHUTE_MIME_MAIL_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "mail.h"

#define MAIL_REPORT_MAX (64u * 1024)

void *mail_report_open(struct mail *mail); /* @mail is borrowed until free */
int mail_report_write(void *report, const uint8_t *bytes, size_t count);
int mail_report_close(void *report);
void mail_report_free(void *report);

#endif
