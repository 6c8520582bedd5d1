/* SPDX-License-Identifier: Apache-2.0 */
/* mail-report.c - see mail-report.h. */
#include <config.h>
#include "mail-report.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "mime-header.h"
#include "problem.h"
#include "text.h"

struct mail_report {
    struct mail *mail;
    struct buffer text;
};

void *mail_report_open(struct mail *mail)
{
    struct mail_report *report = calloc(1, sizeof *report);
    if (report == NULL)
        return NULL;
    report->mail = mail;
    buffer_init(&report->text, MAIL_REPORT_MAX);
    return report;
}

int mail_report_write(void *state, const uint8_t *bytes, size_t count)
{
    struct mail_report *report = state;
    size_t room = MAIL_REPORT_MAX - report->text.len;
    return buffer_append(&report->text, bytes, count < room ? count : room);
}

static struct span trimmed(struct span s)
{
    while (s.len > 0 && text_is_space((char)s.bytes[0])) {
        s.bytes++;
        s.len--;
    }
    while (s.len > 0 && text_is_space((char)s.bytes[s.len - 1]))
        s.len--;
    return s;
}

/* "rfc822; ann@example.org" without the type, and without brackets that some write. */
static struct span after_type(struct span s)
{
    const uint8_t *semicolon = s.len > 0 ? memchr(s.bytes, ';', s.len) : NULL;
    size_t skip = semicolon != NULL ? (size_t)(semicolon - s.bytes) + 1 : 0;
    s = trimmed((struct span){s.bytes + skip, s.len - skip});
    bool angle = s.len > 2 && s.bytes[0] == '<' && s.bytes[s.len - 1] == '>';
    return angle ? (struct span){s.bytes + 1, s.len - 2} : s;
}

static struct span field_of(struct span group, const char *name)
{
    struct span value = {(const uint8_t *)"", 0};
    (void)mime_field_find(group, name, &value);
    return trimmed(value);
}

/* Action says so, a comment may follow; where it is missing or a word of the sender's own, a status
 * of class 5 does. */
static bool is_failure(struct span action, struct span status)
{
    static const char *const others[] = {"delayed", "delivered", "relayed", "expanded"};
    const uint8_t *comment = action.len > 0 ? memchr(action.bytes, '(', action.len) : NULL;
    if (comment != NULL)
        action = trimmed((struct span){action.bytes, (size_t)(comment - action.bytes)});
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (span_is(action, others[i]))
            return false;
    return span_is(action, "failed") || (status.len > 0 && status.bytes[0] == '5');
}

/* The group of fields of one recipient (RFC 3464 s.2.3); that of the message itself has none. */
static int report_group(struct mail_report *report, struct span group)
{
    struct span recipient = after_type(field_of(group, "Final-Recipient"));
    struct span status = field_of(group, "Status");
    if (recipient.len == 0)
        recipient = after_type(field_of(group, "Original-Recipient"));
    if (recipient.len == 0 || !is_failure(field_of(group, "Action"), status))
        return 0;
    if (status.len == 0)
        status = after_type(field_of(group, "Diagnostic-Code"));
    return problem_add(&report->mail->problems, "delivery to '%.*s' failed%s%.*s",
                       (int)(recipient.len < 256 ? recipient.len : 256),
                       (const char *)recipient.bytes, status.len > 0 ? ": " : "",
                       (int)(status.len < 64 ? status.len : 64), (const char *)status.bytes);
}

/* Groups are parted by empty lines. */
int mail_report_close(void *state)
{
    struct mail_report *report = state;
    const uint8_t *text = (const uint8_t *)buffer_text(&report->text);
    size_t len = report->text.len, start = 0, at = 0;
    report->mail->flags |= MAIL_BOUNCE;
    while (at < len) {
        const uint8_t *lf = memchr(text + at, '\n', len - at);
        size_t end = lf != NULL ? (size_t)(lf - text) + 1 : len;
        bool empty = trimmed((struct span){text + at, end - at}).len == 0;
        if (empty || end == len) {
            if (report_group(report, (struct span){text + start, end - start}) < 0)
                return -1;
            start = end;
        }
        at = end;
    }
    return 0;
}

void mail_report_free(void *state)
{
    struct mail_report *report = state;
    if (report == NULL)
        return;
    buffer_done(&report->text);
    free(report);
}
