/* SPDX-License-Identifier: Apache-2.0 */
/* mail-meeting.c - see mail-meeting.h. */
#include <config.h>
#include "mail-meeting.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "clock.h"
#include "cursor.h"
#include "text.h"

#define LINE_MAX_BYTES 74u /* RFC 5545 s.3.1: 75 octets, one of them is the fold's space */
#define FILETIME_PER_S 10000000u        /* MS-DTYP s.2.3.3 */
#define FILETIME_1970 11644473600       /* seconds from 1601 to 1970 */

/* What Outlook calls it, and what a calendar does (RFC 5546 s.1.4). Longer names come first. */
static const struct meeting_class {
    const char *start, *method;
} meeting_classes[] = {
    {"IPM.Schedule.Meeting.Canceled", "CANCEL"},
    {"IPM.Schedule.Meeting.Resp", "REPLY"},
    {"IPM.Schedule.Meeting", "REQUEST"},
    {"IPM.Microsoft Schedule.MtgCncl", "CANCEL"},
    {"IPM.Microsoft Schedule.MtgResp", "REPLY"},
    {"IPM.Microsoft Schedule.Mtg", "REQUEST"},
    {"IPM.Appointment", "PUBLISH"},
};

static const char *meeting_method(const struct tnef_message *m)
{
    for (size_t i = 0; i < sizeof meeting_classes / sizeof meeting_classes[0]; i++)
        if (m->message_class != NULL &&
            text_starts_nocase(m->message_class, meeting_classes[i].start))
            return meeting_classes[i].method;
    return NULL;
}

bool mail_meeting_is(const struct tnef_message *message)
{
    return message->start != 0 && meeting_method(message) != NULL;
}

/* "name:20260301T120000Z" */
static int put_time(struct buffer *out, const char *name, uint64_t filetime)
{
    char text[CLOCK_RFC3339_MAX];
    clock_rfc3339((int64_t)(filetime / FILETIME_PER_S) - FILETIME_1970, 0, text);
    if (text[0] == '\0')
        return 0;
    if (buffer_printf(out, "%s:", name) < 0)
        return -1;
    for (const char *at = text; *at != '\0'; at++)
        if (*at != '-' && *at != ':' && buffer_append_byte(out, (uint8_t)*at) < 0)
            return -1;
    return buffer_append_text(out, "\r\n");
}

/* One character of a text (RFC 5545 s.3.3.11). */
static int put_escaped(struct buffer *out, const char *at, size_t length)
{
    if (*at == '\n')
        return buffer_append_text(out, "\\n");
    if (length == 1 && (uint8_t)*at < ' ')
        return 0;
    if ((*at == '\\' || *at == ';' || *at == ',') && buffer_append_byte(out, '\\') < 0)
        return -1;
    return buffer_append(out, at, length);
}

/* "name:text", folded between characters. */
static int put_text(struct buffer *out, const char *name, const char *text)
{
    if (text == NULL)
        return 0;
    size_t line = out->len;
    if (buffer_printf(out, "%s:", name) < 0)
        return -1;
    for (size_t left = strlen(text), length; left > 0; text += length, left -= length) {
        length = text_utf8_length((const uint8_t *)text, left);
        length = length == 0 ? 1 : length;
        if (out->len - line + length + 1 > LINE_MAX_BYTES) {
            if (buffer_append_text(out, "\r\n ") < 0)
                return -1;
            line = out->len;
        }
        if (put_escaped(out, text, length) < 0)
            return -1;
    }
    return buffer_append_text(out, "\r\n");
}

int mail_meeting_write(const struct tnef_message *message, const char *uid, struct buffer *out)
{
    if (buffer_printf(out,
                      "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//mailchute//winmail.dat//EN\r\n"
                      "METHOD:%s\r\nBEGIN:VEVENT\r\nUID:%s\r\n",
                      meeting_method(message), uid) < 0 ||
        put_time(out, "DTSTAMP", message->start) < 0 ||
        put_time(out, "DTSTART", message->start) < 0 ||
        (message->end != 0 && put_time(out, "DTEND", message->end) < 0) ||
        put_text(out, "SUMMARY", message->subject) < 0 ||
        put_text(out, "LOCATION", message->location) < 0)
        return -1;
    return buffer_append_text(out, "END:VEVENT\r\nEND:VCALENDAR\r\n");
}
