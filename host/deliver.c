/* SPDX-License-Identifier: Apache-2.0 */
/* deliver.c - see deliver.h. */
#include <config.h>
#include "deliver.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deliver-account.h"
#include "fault.h"
#include "json-line.h"
#include "loader-error.h"
#include "queue-append.h"
#include "text.h"

/* One entry on its way. Texts are its own. */
struct deliver_item {
    struct queue_append row;
    char *folder, *message_id, *former_id, *date;
    char *former_folders[DELIVER_FORMER_MAX]; /* where it may be as well; NULL: none */
    uint32_t flags;
    int fd;
    uint64_t size;
    uint8_t sha256[QUEUE_DIGEST_SIZE];
    bool found;     /* in one of those */
    char *left_why; /* or why that cannot be told of one of them now; NULL: it can */
};

static void deliver_item_done(struct deliver_item *item)
{
    free(item->folder);
    free(item->message_id);
    free(item->former_id);
    free(item->date);
    free(item->left_why);
    for (unsigned i = 0; i < DELIVER_FORMER_MAX; i++)
        free(item->former_folders[i]);
    if (item->fd >= 0)
        close(item->fd);
    *item = (struct deliver_item){.fd = -1};
}

int deliver_claim(struct queue *queue, const char *account, const char *named, char **out_target,
                  struct error *err)
{
    *out_target = named != NULL ? strdup(named) : deliver_account_name(account);
    if (*out_target == NULL)
        return error_oom(err, "opening an account");
    if (queue_claim(queue, "deliver", *out_target, "*", err) < 0)
        return -1;
    return named != NULL ? 0 : deliver_account_adopt(queue, account, *out_target, err);
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

/* Where an older program may have put it, but for the folder that it goes to. */
static int deliver_add_former(const struct queue_entry *entry, struct deliver_item *item,
                              struct error *err)
{
    for (unsigned i = 0; i < DELIVER_FORMER_MAX && item->former_id != NULL; i++) {
        char **path = &item->former_folders[i];
        if (deliver_folder_former(entry, i, path, err) < 0)
            return -1;
        if (text_equal_nocase(*path, item->folder)) {
            free(*path);
            *path = NULL;
        }
    }
    return 0;
}

/* The same reason is told once, where many are left for it. */
static void deliver_tell_left(struct deliver *d, const struct deliver_item *item, const char *why)
{
    char told[sizeof d->left_why];
    text_copy(told, sizeof told, why[0] != '\0' ? why : "the loader does not say why");
    log_hide(d->log, told); /* it is kept and shown, not only logged */
    d->counts.left++;
    if (text_equal(d->left_why, told))
        return;
    text_copy(d->left_why, sizeof d->left_why, told);
    log_warning(d->log, "entry %s is left for now: %s", item->row.id, d->left_why);
}

/* ---- Filling a batch ------------------------------------------------------------------------- */

enum deliver_need { DELIVER_FAILED = -1, DELIVER_NOT, DELIVER_GO, DELIVER_IS_THERE };

/* Raw bytes that cannot be read are one message's trouble; a database that is broken ends the step
 * at its next note. */
static enum deliver_need deliver_open_raw(struct deliver *d, struct deliver_item *item,
                                          struct error *err)
{
    struct error why;
    if (d->dry_run || queue_raw(d->queue, item->row.id, &item->fd, &why) == 0)
        return DELIVER_GO;
    if (why.class == ERROR_CANCELLED) {
        *err = why;
        return DELIVER_FAILED;
    }
    deliver_tell_left(d, item, why.text);
    d->counts.unreadable++;
    return DELIVER_NOT;
}

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
    item->flags = LOADER_DELIVER_ROOT(strlen(d->folder->root));
    if (row->step != QUEUE_APPEND_NONE || (entry->uid == 0 && entry->key != NULL))
        item->flags |= LOADER_DELIVER_LOOK;
    if (deliver_read_content(entry, item) < 0)
        return (void)error_oom(err, "reading an entry"), DELIVER_FAILED;
    item->size = entry->raw_size;
    memcpy(item->sha256, entry->raw_sha256, sizeof item->sha256);
    /* analyse: no leak, deliver_item_done() frees what item has */
    int bad = deliver_folder_path(d->folder, entry, item->date, &item->folder, err);
    if (bad < 0 || deliver_add_former(entry, item, err) < 0)
        return DELIVER_FAILED;
    /* analyse: no leak, deliver_item_done() frees what item has */
    enum deliver_need need = deliver_open_raw(d, item, err);
    if (need == DELIVER_GO && d->told != NULL)
        d->told(d->told_context, entry, item->folder);
    return need;
}

/* Those that are there by another program's doing. */
static int deliver_note_known(struct deliver *d, const struct queue_append *known, size_t count,
                              struct error *err)
{
    d->counts.found += count;
    return d->dry_run || count == 0 ? 0 : queue_append_note(d->queue, d->target, known, count, err);
}

/* ---- One batch ------------------------------------------------------------------------------- */

static struct loader_delivery deliver_delivery(const struct deliver_item *item, const char *folder)
{
    return (struct loader_delivery){.folder = folder,
                                    .message_id = item->message_id,
                                    .former_id = item->former_id,
                                    .date = item->date,
                                    .raw_size = item->size,
                                    .raw_fd = item->fd,
                                    .flags = item->flags};
}

static int deliver_call(struct deliver *d,
                        int (*call)(void *handle, struct loader_delivery *items, uint64_t count,
                                    struct loader_error *err),
                        struct loader_delivery *deliveries, size_t count, struct error *err)
{
    struct loader_error theirs;
    loader_error_clear(&theirs);
    if (call(d->handle, deliveries, count, &theirs) == 0)
        return 0;
    (void)loader_error_read(&theirs, d->plugin->name, err);
    return -1;
}

/* Which of @items are in folder @at of those where they may be? One that cannot be looked into
 * leaves a message only where it is in no other. */
static int deliver_look_at(struct deliver *d, struct deliver_item *items, size_t count, unsigned at,
                           struct error *err)
{
    struct loader_delivery deliveries[DELIVER_BATCH];
    struct deliver_item *asked[DELIVER_BATCH];
    size_t asking = 0;
    for (size_t i = 0; i < count; i++)
        if (items[i].former_folders[at] != NULL && !items[i].found) {
            deliveries[asking] = deliver_delivery(&items[i], items[i].former_folders[at]);
            asked[asking++] = &items[i];
        }
    if (asking == 0)
        return 0;
    if (deliver_call(d, d->plugin->look, deliveries, asking, err) < 0)
        return -1;
    for (size_t i = 0; i < asking; i++) {
        asked[i]->found = deliveries[i].result == LOADER_DELIVERED_FOUND;
        if (!asked[i]->found && deliveries[i].error[0] != '\0' && asked[i]->left_why == NULL &&
            (asked[i]->left_why = strdup(deliveries[i].error)) == NULL)
            return error_oom(err, "looking for messages");
    }
    return 0;
}

/* What an older program put into folders of its own is DONE, and leaves @items. */
static int deliver_look_elsewhere(struct deliver *d, struct deliver_item *items, size_t *count,
                                  struct error *err)
{
    struct queue_append known[DELIVER_BATCH];
    size_t found = 0, kept = 0;
    for (unsigned at = 0; at < DELIVER_FORMER_MAX && d->plugin->look != NULL; at++)
        if (deliver_look_at(d, items, *count, at, err) < 0)
            return -1;
    for (size_t i = 0; i < *count; i++) {
        if (items[i].found) {
            known[found] = items[i].row;
            known[found++].step = QUEUE_APPEND_DONE;
        } else if (items[i].left_why != NULL) {
            deliver_tell_left(d, &items[i], items[i].left_why);
        }
        if (items[i].found || items[i].left_why != NULL)
            deliver_item_done(&items[i]);
        else
            items[kept++] = items[i];
    }
    *count = kept;
    return deliver_note_known(d, known, found, err);
}

static bool deliver_is_there(const struct loader_delivery *result)
{
    return result->result == LOADER_DELIVERED_APPENDED || result->result == LOADER_DELIVERED_FOUND;
}

/* Is one of the same bytes left of which nobody knows whether it is there? The next look can tell
 * one from the other only if it asks for both. */
static bool deliver_has_twin(const struct deliver_item *items, size_t count,
                             const struct loader_delivery *results, const struct deliver_item *item)
{
    for (size_t i = 0; i < count; i++)
        if (!deliver_is_there(&results[i]) && results[i].result != LOADER_DELIVERED_REFUSED &&
            results[i].error[0] == '\0' && items[i].size == item->size &&
            memcmp(items[i].sha256, item->sha256, sizeof item->sha256) == 0)
            return true;
    return false;
}

/* What is to be noted of one; QUEUE_APPEND_NONE: it stays BEGUN. */
static enum queue_append_step deliver_result(const struct deliver_item *items, size_t count,
                                             const struct loader_delivery *results, size_t i)
{
    if (deliver_is_there(&results[i]))
        return deliver_has_twin(items, count, results, &items[i]) ? QUEUE_APPEND_NONE
                                                                  : QUEUE_APPEND_DONE;
    return results[i].result == LOADER_DELIVERED_REFUSED ? QUEUE_APPEND_REFUSED
                                                         : QUEUE_APPEND_NONE;
}

static int deliver_note(struct deliver *d, struct deliver_item *items, size_t count,
                        const struct loader_delivery *results, struct error *err)
{
    struct queue_append rows[DELIVER_BATCH];
    size_t noted = 0;
    for (size_t i = 0; i < count; i++) {
        rows[noted] = items[i].row;
        rows[noted].step = results == NULL ? QUEUE_APPEND_BEGUN
                                           : deliver_result(items, count, results, i);
        noted += rows[noted].step != QUEUE_APPEND_NONE;
    }
    return queue_append_note(d->queue, d->target, rows, noted, err);
}

/* @whole: the call went well, so what was not delivered is left. */
static void deliver_count(struct deliver *d, const struct deliver_item *items,
                          const struct loader_delivery *results, size_t count, bool whole)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t result = results[i].result;
        d->counts.appended += result == LOADER_DELIVERED_APPENDED;
        d->counts.found += result == LOADER_DELIVERED_FOUND;
        if (result == LOADER_DELIVERED_REFUSED) {
            d->counts.refused++;
            log_warning(d->log, "entry %s is refused in '%.200s': %s", items[i].row.id,
                        items[i].folder, results[i].error);
        } else if (whole && result != LOADER_DELIVERED_APPENDED &&
                   result != LOADER_DELIVERED_FOUND) {
            deliver_tell_left(d, &items[i], results[i].error);
        }
    }
}

static int deliver_batch(struct deliver *d, struct deliver_item *items, size_t count,
                         struct error *err)
{
    struct loader_delivery deliveries[DELIVER_BATCH];
    for (size_t i = 0; i < count; i++)
        deliveries[i] = deliver_delivery(&items[i], items[i].folder);
    if (deliver_note(d, items, count, NULL, err) < 0)
        return -1;
    fault_point("deliver");
    int failed = deliver_call(d, d->plugin->deliver, deliveries, count, err);
    fault_point("delivered");
    deliver_count(d, items, deliveries, count, failed == 0);
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
    else if (bad == 0)
        bad = deliver_look_elsewhere(d, items, &count, err);
    if (bad == 0 && !d->dry_run && count > 0)
        bad = deliver_batch(d, items, count, err);
    for (size_t i = 0; i < count; i++)
        deliver_item_done(&items[i]);
    *out_more = open > 0;
    if (bad == 0 && open > 0)
        d->after = rows[open - 1].place;
    return bad;
}

void deliver_left(const struct deliver *d, struct error *err)
{
    error_set(err, ERROR_CONFIG, "%" PRIu64 " messages are not delivered: %s", d->counts.left,
              d->left_why);
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
    if (d->counts.left == 0)
        return 0;
    deliver_left(d, err);
    return -1;
}
