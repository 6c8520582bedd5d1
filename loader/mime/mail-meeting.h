/* SPDX-License-Identifier: Apache-2.0 */
/* mail-meeting.h - a meeting that Outlook sends as TNEF, as a calendar file (RFC 5545, RFC 5546)
 * that every calendar can read. */
#ifndef MAILCHUTE_MIME_MAIL_MEETING_H
#define MAILCHUTE_MIME_MAIL_MEETING_H

#include <stdbool.h>

#include "buffer.h"
#include "tnef.h"

#define MAIL_MEETING_MAX (32u * 1024) /* bytes that mail_meeting_write() needs at most */

/** mail_meeting_is - the message is a request, an answer or a cancellation of a meeting, and tells
 * when it is. */
bool mail_meeting_is(const struct tnef_message *message);

/** mail_meeting_write - append it to @out. @uid: what names it, printable ASCII. -1: out of memory,
 * or the buffer is full. */
int mail_meeting_write(const struct tnef_message *message, const char *uid, struct buffer *out);

#endif
