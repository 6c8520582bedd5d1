/* SPDX-License-Identifier: Apache-2.0 */
/* source-content.c - what the content of a source's newest entries adds up to. See
 * source-content.h. */
#include <config.h>
#include "source-content.h"

#include <jansson.h>
#include <stdlib.h>

#include "json-line.h"
#include "text.h"

static uint64_t content_thread(const json_t *mail, const struct queue_entry *entry)
{
    const json_t *const names[] = {json_array_get(json_object_get(mail, "references"), 0),
                                   json_object_get(mail, "in_reply_to"),
                                   json_object_get(mail, "message_id")};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_string_length(names[i]) > 0)
            return text_fingerprint(json_string_value(names[i]));
    return text_fingerprint(entry->id);
}

static void content_attachments(struct source_content *content, const json_t *list)
{
    size_t i;
    json_t *one;
    json_array_foreach (list, i, one) {
        json_int_t size = json_integer_value(json_object_get(one, "size"));
        content->attachment_bytes += size > 0 ? (uint64_t)size : 0;
    }
    content->attachments += json_array_size(list);
    content->with_attachments += json_array_size(list) > 0;
}

bool source_content_add(struct source_content *content, const struct queue_entry *entry)
{
    if (content->entries == SOURCE_CONTENT_MAX ||
        entry->content_size > SOURCE_CONTENT_BYTES - content->bytes)
        return false;
    AUTO_JSON mail =
        entry->content == NULL ? NULL : json_loadb(entry->content, entry->content_size, 0, NULL);
    content->bytes += entry->content_size;
    content->threads[content->entries++] = content_thread(mail, entry);
    content_attachments(content, json_object_get(mail, "attachments"));
    return true;
}

static int content_compare(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return *left < *right ? -1 : *left > *right;
}

uint64_t source_content_threads(struct source_content *content)
{
    uint64_t count = 0;
    qsort(content->threads, content->entries, sizeof content->threads[0], content_compare);
    for (uint64_t i = 0; i < content->entries; i++)
        count += i == 0 || content->threads[i] != content->threads[i - 1];
    return count;
}
