/* SPDX-License-Identifier: Apache-2.0 */
/* deliver.c - see deliver.h. */
#include <config.h>
#include "deliver.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "json-line.h"
#include "loader-error.h"
#include "queue-append.h"
#include "text.h"

/* One entry on its way. Texts are its own. */
struct deliver_item {
    struct queue_append row;
    char *folder, *message_id, *former_id, *date;
    uint32_t flags;
    int fd;
    uint64_t size;
};

static void deliver_item_done(struct deliver_item *item)
{
    free(item->folder);
    free(item->message_id);
    free(item->former_id);
    free(item->date);
    if (item->fd >= 0)
        close(item->fd);
    *item = (struct deliver_item){.fd = -1};
}

int deliver_claim(struct queue *queue, const char *target, struct error *err)
{
    return queue_claim(queue, "deliver", target, "*", err);
}

/* ---- What an entry says of itself ------------------------------------------------------------ */

static int deliver_copy(const json_t *content, const char *key, char **out)
{
    const char *text = json_string_value(json_object_get(content, key));
    *out = NULL;
    if (text == NULL || text[0] == '\0')
        return 0;
    *out = strdup(text);
    return *out == NULL ? -1 : 0;
}

/* <id>, and where the source names the message by it, the key alone. */
static int deliver_ids(const struct queue_entry *entry, struct deliver_item *item, const char *id)
{
    size_t key = entry->key == NULL ? 0 : strlen(entry->key);
    bool named = entry->uid == 0 && key > 0 && strncmp(id, entry->key, key) == 0 &&
                 (id[key] == '@' || id[key] == '\0');
    if (asprintf(&item->message_id, "<%s>", id) < 0) {
        item->message_id = NULL;
        return -1;
    }
    if (!named)
        return 0;
    item->flags |= LOADER_DELIVER_LOOK | LOADER_DELIVER_BY_ID;
    item->former_id = strdup(entry->key);
    return item->former_id == NULL ? -1 : 0;
}

static int deliver_read_content(const struct queue_entry *entry, struct deliver_item *item)
{
    AUTO_JSON content =
        entry->content == NULL ? NULL
                               : json_loadb(entry->content, entry->content_size, 0, NULL);
    AUTO_TEXT id = NULL;
    if (deliver_copy(content, "message_id", &id) < 0 ||
        deliver_copy(content, "date_sent", &item->date) < 0)
        return -1;
    if (item->date == NULL && entry->date_received != NULL &&
        (item->date = strdup(entry->date_received)) == NULL)
        return -1;
    return id == NULL ? 0 : deliver_ids(entry, item, id);
}

/* ---- Filling a batch ------------------------------------------------------------------------- */

enum deliver_need { DELIVER_FAILED = -1, DELIVER_NOT, DELIVER_GO, DELIVER_IS_THERE };

static enum deliver_need deliver_prepare(struct deliver *d, const struct queue_append *row,
                           struct deliver_item *item, struct error *err)
{
    AUTO(queue_entry) entry = NULL;
    *item = (struct deliver_item){.row = *row, .fd = -1};
    if (queue_get(d->queue, row->id, &entry, err) < 0)
        return DELIVER_FAILED;
    if ((d->queue_name != NULL && !text_equal(entry->queue, d->queue_name)) ||
        (d->source != NULL && !text_equal(entry->source, d->source)))
        return DELIVER_NOT;
    if (d->known != NULL && d->known(d->known_context, entry))
        return DELIVER_IS_THERE;
    if (!entry->has_raw || (row->step == QUEUE_APPEND_REFUSED && row->attempts >= DELIVER_TRIES)) {
        ++*(entry->has_raw ? &d->counts.aside : &d->counts.bodiless);
        return DELIVER_NOT;
    }
    if (row->step != QUEUE_APPEND_NONE)
        item->flags |= LOADER_DELIVER_LOOK;
    if (deliver_read_content(entry, item) < 0)
        return (void)error_oom(err, "reading an entry"), DELIVER_FAILED;
    item->size = entry->raw_size;
    if (deliver_folder_path(d->folder, entry, item->date, &item->folder, err) < 0)
        return DELIVER_FAILED;
    /* analyse: no leak, deliver_item_done() frees what item has */
    if (!d->dry_run && queue_raw(d->queue, row->id, &item->fd, err) < 0)
        return DELIVER_FAILED;
    if (d->told != NULL)
        d->told(d->told_context, entry, item->folder);
    return DELIVER_GO;
}

/* Those that are there by another program's doing. */
static int deliver_note_known(struct deliver *d, const struct queue_append *known, size_t count,
                              struct error *err)
{
    d->counts.found += count;
    return d->dry_run || count == 0 ? 0 : queue_append_note(d->queue, d->target, known, count, err);
}

/* ---- One batch ------------------------------------------------------------------------------- */

static int deliver_note(struct deliver *d, struct deliver_item *items, size_t count,
                        const struct loader_delivery *results, struct error *err)
{
    struct queue_append rows[DELIVER_BATCH];
    size_t noted = 0;
    for (size_t i = 0; i < count; i++) {
        rows[noted] = items[i].row;
        rows[noted].step = QUEUE_APPEND_BEGUN;
        if (results != NULL) {
            uint32_t result = results[i].result;
            rows[noted].step = result == LOADER_DELIVERED_REFUSED ? QUEUE_APPEND_REFUSED
                                                                  : QUEUE_APPEND_DONE;
            if (result != LOADER_DELIVERED_APPENDED && result != LOADER_DELIVERED_FOUND &&
                result != LOADER_DELIVERED_REFUSED)
                continue;
        }
        noted++;
    }
    return queue_append_note(d->queue, d->target, rows, noted, err);
}

static void deliver_count(struct deliver *d, const struct deliver_item *items,
                          const struct loader_delivery *results, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        d->counts.appended += results[i].result == LOADER_DELIVERED_APPENDED;
        d->counts.found += results[i].result == LOADER_DELIVERED_FOUND;
        if (results[i].result != LOADER_DELIVERED_REFUSED)
            continue;
        d->counts.refused++;
        log_warning(d->log, "entry %s is refused in '%s': %s", items[i].row.id, items[i].folder,
                    results[i].error);
    }
}

static int deliver_batch(struct deliver *d, struct deliver_item *items, size_t count,
                         struct error *err)
{
    struct loader_delivery deliveries[DELIVER_BATCH] = {{0}};
    struct loader_error theirs;
    for (size_t i = 0; i < count; i++)
        deliveries[i] = (struct loader_delivery){.folder = items[i].folder,
                                                 .message_id = items[i].message_id,
                                                 .former_id = items[i].former_id,
                                                 .date = items[i].date,
                                                 .raw_size = items[i].size,
                                                 .raw_fd = items[i].fd,
                                                 .flags = items[i].flags};
    if (deliver_note(d, items, count, NULL, err) < 0)
        return -1;
    fault_point("deliver");
    loader_error_clear(&theirs);
    int failed = d->plugin->deliver(d->handle, deliveries, count, &theirs);
    fault_point("delivered");
    if (failed != 0)
        (void)loader_error_read(&theirs, d->plugin->name, err);
    deliver_count(d, items, deliveries, count);
    struct error noting;
    if (deliver_note(d, items, count, deliveries, &noting) == 0)
        return failed != 0 ? -1 : 0;
    if (failed == 0)
        *err = noting;
    return -1;
}

/* What is to be delivered of these rows goes into @items, and is counted. */
static int deliver_fill(struct deliver *d, const struct queue_append *rows, size_t open,
                        struct deliver_item *items, size_t *count, struct error *err)
{
    struct queue_append known[DELIVER_BATCH];
    size_t known_count = 0;
    enum deliver_need need = DELIVER_NOT;
    for (size_t i = 0; i < open && need != DELIVER_FAILED; i++) {
        need = deliver_prepare(d, &rows[i], &items[*count], err);
        if (need == DELIVER_GO) {
            ++*count;
            continue;
        }
        deliver_item_done(&items[*count]);
        if (need == DELIVER_IS_THERE) {
            known[known_count] = rows[i];
            known[known_count++].step = QUEUE_APPEND_DONE;
        }
    }
    return need == DELIVER_FAILED ? -1 : deliver_note_known(d, known, known_count, err);
}

int deliver_step(struct deliver *d, bool *out_more, struct error *err)
{
    struct queue_append rows[DELIVER_BATCH];
    struct deliver_item items[DELIVER_BATCH];
    size_t open, count = 0;
    if (queue_append_open(d->queue, d->target, d->after, rows, DELIVER_BATCH, &open, err) < 0)
        return -1;
    int bad = deliver_fill(d, rows, open, items, &count, err);
    if (bad == 0 && d->dry_run)
        d->counts.appended += count;
    else if (bad == 0 && count > 0)
        bad = deliver_batch(d, items, count, err);
    for (size_t i = 0; i < count; i++)
        deliver_item_done(&items[i]);
    *out_more = open > 0;
    if (bad == 0 && open > 0)
        d->after = rows[open - 1].place;
    return bad;
}

int deliver_run(struct deliver *d, struct error *err)
{
    bool more = true;
    while (more) {
        if (d->cancelled != NULL && d->cancelled(d->cancel_context))
            return error_set(err, ERROR_CANCELLED, "stopped as asked; run again to go on");
        if (deliver_step(d, &more, err) < 0)
            return -1;
    }
    return 0;
}
