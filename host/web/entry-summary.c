/* SPDX-License-Identifier: Apache-2.0 */
/* entry-summary.c - an entry as it stands in a list. See entry-summary.h. */
#include <config.h>
#include "entry-summary.h"

#include <string.h>
#include <strings.h>

#include "clock.h"
#include "json-line.h"
#include "text.h"

static json_t *summary_time(int64_t unix_s)
{
    char text[CLOCK_RFC3339_MAX];
    if (unix_s == 0)
        return json_null();
    clock_rfc3339(unix_s, 0, text);
    return json_line_text(text);
}

json_t *entry_summary_json(const struct queue_entry *entry)
{
    AUTO_JSON out = json_object();
    if (json_line_set(out, "id", json_line_text(entry->id)) < 0 ||
        json_line_set(out, "class", json_line_text(entry->class)) < 0 ||
        json_line_set(out, "queue", json_line_text(entry->queue)) < 0 ||
        json_line_set(out, "source", json_line_text(entry->source)) < 0 ||
        json_line_set(out, "state", json_line_text(queue_state_name(entry->state))) < 0 ||
        json_line_set(out, "error", json_line_text(entry->error)) < 0 ||
        json_line_set(out, "attempts", json_line_size(entry->attempts)) < 0 ||
        json_line_set(out, "created", summary_time(entry->created_s)) < 0 ||
        json_line_set(out, "due", summary_time(entry->due_s)) < 0 ||
        json_line_set(out, "mailbox", json_line_text(entry->mailbox)) < 0 ||
        json_line_set(out, "sender", json_line_text(entry->sender)) < 0 ||
        json_line_set(out, "subject", json_line_text(entry->subject)) < 0 ||
        json_line_set(out, "date_received", json_line_text(entry->date_received)) < 0 ||
        json_line_set(out, "size", json_line_size(entry->raw_size)) < 0)
        return NULL;
    return TAKE(out);
}

static bool summary_has(const char *text, const char *search, size_t size)
{
    if (text == NULL)
        return false;
    for (; *text != '\0'; text++)
        if (text_lower(*text) == text_lower(*search) && strncasecmp(text, search, size) == 0)
            return true;
    return false;
}

bool entry_summary_matches(const struct queue_entry *entry, const char *search)
{
    size_t size = strlen(search);
    return summary_has(entry->subject, search, size) || summary_has(entry->sender, search, size) ||
           summary_has(entry->error, search, size) || summary_has(entry->id, search, size);
}
