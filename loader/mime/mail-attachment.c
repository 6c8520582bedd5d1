/* SPDX-License-Identifier: Apache-2.0 */
/* mail-attachment.c - see mail-attachment.h. */
#include <config.h>
#include "mail-attachment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "filename.h"
#include "text.h"

#define TYPE_MAX 256u /* bytes of a content type, NUL included; RFC 6838 allows 127 + 1 + 127 */
#define DISPOSITION_MAX 64u  /* likewise */
#define CONTENT_ID_MAX 1000u /* likewise; more does not fit in a line */

struct mail_attachment_writer {
    struct mail_attachments *list;
    size_t index;
    uint64_t size;
    struct digest *digest;
};

_Static_assert(MAIL_DIGEST_SIZE == DIGEST_SIZE, "both are SHA-256");

static char *copy_cut(const char *text, size_t max)
{
    size_t len = strlen(text);
    char *copy = malloc(len < max ? len + 1 : max);
    if (copy != NULL)
        text_copy(copy, len < max ? len + 1 : max, text);
    return copy;
}

/* NULL stays NULL; false only out of memory. */
static bool copy_maybe(const char *text, size_t max, char **out)
{
    if (text == NULL || text[0] == '\0')
        return true;
    *out = copy_cut(text, max);
    return *out != NULL;
}

static char *attachment_name(struct mail_attachments *list, const struct mail_attachment_head *head)
{
    if (head->filename != NULL) { /* analyse: no leak, item keeps what is returned */
        AUTO_TEXT clean = filename_clean(head->filename);
        if (clean == NULL)
            return NULL;
        if (clean[0] != '\0')
            return TAKE(clean);
    }
    char name[64];
    (void)snprintf(name, sizeof name, "noname%u%s", ++list->unnamed,
             filename_extension(head->content_type));
    return strdup(name);
}

static int list_grow(struct mail_attachments *list)
{
    struct mail *mail = list->mail;
    if (mail->attachment_count < list->capacity)
        return 0;
    size_t capacity = list->capacity == 0 ? 4 : list->capacity * 2;
    struct mail_attachment *items =
        reallocarray(mail->attachments, capacity, sizeof mail->attachments[0]);
    if (items == NULL)
        return -1;
    mail->attachments = items;
    list->capacity = capacity;
    return 0;
}

int mail_attachment_describe(struct mail_attachment_writer *writer,
                             const struct mail_attachment_head *head)
{
    struct mail_attachments *list = writer->list;
    struct mail_attachment *item = &list->mail->attachments[writer->index];
    item->content_type = copy_cut(head->content_type, TYPE_MAX);
    item->filename = attachment_name(list, head);
    if (item->content_type == NULL || item->filename == NULL ||
        !copy_maybe(head->disposition, DISPOSITION_MAX, &item->disposition) ||
        !copy_maybe(head->content_id, CONTENT_ID_MAX, &item->content_id))
        return -1;
    return 0;
}

struct mail_attachment_writer *mail_attachment_open(struct mail_attachments *list,
                                                    const struct mail_attachment_head *head)
{
    AUTO(mail_attachment_writer) writer = calloc(1, sizeof *writer);
    if (writer == NULL || list_grow(list) < 0 ||
        (writer->digest = digest_new_beside(list->beside)) == NULL)
        return NULL;
    writer->list = list;
    writer->index = list->mail->attachment_count++;
    memset(&list->mail->attachments[writer->index], 0, sizeof list->mail->attachments[0]);
    if (head != NULL && mail_attachment_describe(writer, head) < 0)
        return NULL;
    return TAKE(writer);
}

static int sink_bytes(struct mail_attachment_writer *writer, const uint8_t *bytes, size_t count)
{
    const struct mail_sink *sink = writer->list->sink;
    if (sink == NULL || sink->attachment == NULL)
        return 0;
    if (sink->attachment(sink->context, (uint32_t)writer->index + 1, bytes, count) == 0)
        return 0;
    writer->list->cancelled = true;
    return -1;
}

int mail_attachment_write(struct mail_attachment_writer *writer, const uint8_t *bytes, size_t count)
{
    if (count == 0)
        return 0;
    writer->size += count;
    if (digest_add(writer->digest, bytes, count) < 0)
        return -1;
    return sink_bytes(writer, bytes, count);
}

int mail_attachment_close(struct mail_attachment_writer *writer)
{
    static const uint8_t nothing[1];
    struct mail_attachment *item = &writer->list->mail->attachments[writer->index];
    item->size = writer->size;
    if (digest_finish(writer->digest, item->sha256) < 0)
        return -1;
    return writer->size == 0 ? sink_bytes(writer, nothing, 0) : 0;
}

void mail_attachment_writer_free(struct mail_attachment_writer *writer)
{
    if (writer == NULL)
        return;
    digest_free(writer->digest);
    free(writer);
}
