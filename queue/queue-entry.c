/* SPDX-License-Identifier: Apache-2.0 */
/* queue-entry.c - entries in memory, and the names of their states. See queue.h, queue-entry.h. */
#include <config.h>
#include "queue-entry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "queue-file.h"
#include "text.h"

static const char *const queue_state_names[] = {
    [QUEUE_NEW] = "new",       [QUEUE_TAKEN] = "taken", [QUEUE_DONE] = "done",
    [QUEUE_FAILED] = "failed", [QUEUE_BAD] = "bad",
};

const char *queue_state_name(enum queue_state state)
{
    return (unsigned)state <= QUEUE_BAD ? queue_state_names[state] : "unknown";
}

int queue_state_from_name(const char *name, enum queue_state *out_state)
{
    for (unsigned state = QUEUE_NEW; state <= QUEUE_BAD; state++) {
        if (!text_equal_nocase(name, queue_state_names[state]))
            continue;
        *out_state = (enum queue_state)state;
        return 0;
    }
    return -1;
}

int queue_text_copy(const char *text, char **out_copy)
{
    *out_copy = NULL;
    if (text == NULL)
        return 0;
    *out_copy = strdup(text);
    return *out_copy == NULL ? -1 : 0;
}

static int entry_copy_content(const struct queue_entry *from, struct queue_entry *to)
{
    to->content = NULL;
    if (from->content == NULL)
        return 0;
    to->content = malloc(from->content_size + 1);
    if (to->content == NULL)
        return -1;
    memcpy(to->content, from->content, from->content_size);
    to->content[from->content_size] = '\0';
    return 0;
}

struct queue_entry *queue_entry_copy(const struct queue_entry *entry)
{
    struct queue_entry *copy = malloc(sizeof *copy);
    if (copy == NULL)
        return NULL;
    *copy = *entry;
    /* All are tried, so that afterwards each text is the copy's own, or NULL. */
    int failed = 0;
    failed |= queue_text_copy(entry->class, &copy->class);
    failed |= queue_text_copy(entry->queue, &copy->queue);
    failed |= queue_text_copy(entry->source, &copy->source);
    failed |= queue_text_copy(entry->error, &copy->error);
    failed |= queue_text_copy(entry->loader, &copy->loader);
    failed |= queue_text_copy(entry->account, &copy->account);
    failed |= queue_text_copy(entry->mailbox, &copy->mailbox);
    failed |= queue_text_copy(entry->key, &copy->key);
    failed |= queue_text_copy(entry->sender, &copy->sender);
    failed |= queue_text_copy(entry->subject, &copy->subject);
    failed |= queue_text_copy(entry->date_received, &copy->date_received);
    failed |= entry_copy_content(entry, copy);
    if (failed != 0) {
        queue_entry_free(copy);
        return NULL;
    }
    return copy;
}

void queue_entry_free(struct queue_entry *entry)
{
    if (entry == NULL)
        return;
    free(entry->class);
    free(entry->queue);
    free(entry->source);
    free(entry->error);
    free(entry->loader);
    free(entry->account);
    free(entry->mailbox);
    free(entry->key);
    free(entry->content);
    free(entry->sender);
    free(entry->subject);
    free(entry->date_received);
    free(entry);
}

int queue_content_load(const struct queue_item *item, uint64_t at, size_t count, char **out_bytes,
                       struct error *err)
{
    if (*out_bytes == NULL)
        *out_bytes = malloc(count + 1);
    if (*out_bytes == NULL)
        return error_oom(err, "keeping an entry");
    (*out_bytes)[count] = '\0';
    if (queue_file_read(item->content_fd, at, *out_bytes, count) == 0)
        return 0;
    return error_set(err, ERROR_STORE,
                     "cannot read the file of an entry's content: %s; check the disk that it is on",
                     strerror(errno));
}
