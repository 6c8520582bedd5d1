/* SPDX-License-Identifier: Apache-2.0 */
/* pump.c - next, put, commit, settle, and again. See pump.h. */
#include <config.h>
#include "pump.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "entry.h"
#include "fault.h"
#include "loader-error.h"
#include "loader-mail.h"
#include "log.h"
#include "nameless.h"
#include "queue-policy.h"
#include "text.h"

/* ---- One batch ------------------------------------------------------------------------------- */

static struct queue_origin pump_origin(const struct pump *pump, const struct loader_item *item)
{
    return (struct queue_origin){.loader = pump->plugin->name,
                                 .account = item->origin.account,
                                 .mailbox = item->origin.mailbox,
                                 .uidvalidity = item->origin.uidvalidity,
                                 .uid = item->origin.uid,
                                 .key = item->origin.key};
}

static const char *pump_slot_error(const struct pump_slot *slot)
{
    return slot->error != NULL ? slot->error : slot->item->error;
}

/* Text for the queue's columns: only valid UTF-8 goes there. */
static const char *pump_utf8(const char *text)
{
    return text != NULL && text_is_utf8(text, strlen(text)) ? text : NULL;
}

/* What the queue is to keep of an item besides its message. */
struct pump_content {
    struct buffer text; /* where all texts of it are in memory */
    uint64_t filed;     /* else the first so many bytes of a file */
    int fd;
};

static void pump_content_done(struct pump_content *content)
{
    buffer_done(&content->text);
    cleanup_fd_at(&content->fd);
}

static int pump_content_make(const struct pump *pump, const struct loader_item *item,
                             struct pump_content *out, struct error *err)
{
    const struct loader_mail mail = loader_mail_read(item->mail);
    if (!entry_is_filed(item) && loader_mail_memory(&mail) <= PUMP_CONTENT_MEMORY)
        return entry_content_text(item, &out->text, err);
    const char *folder = nameless_folder(queue_spool_dir(pump->queue));
    out->fd = nameless_open(folder, 0);
    if (out->fd < 0 && (errno == EMFILE || errno == ENFILE)) /* memory will do once more */
        return entry_content_text(item, &out->text, err);
    if (out->fd < 0)
        return error_set(err, ERROR_STORE,
                         "no file for the content of an entry can be made in '%.300s': %s; look at "
                         "its disk, and who may write there",
                         folder, strerror(errno));
    return entry_content_file(item, QUEUE_CONTENT_MAX, out->fd, &out->filed, err);
}

static enum queue_put_result pump_put_slot(struct pump *pump, const struct pump_slot *slot,
                                           struct error *err)
{
    const struct loader_item *item = slot->item;
    const struct loader_mail *mail = item->mail;
    AUTO_DONE(pump_content) content = {.fd = -1};
    buffer_init(&content.text, QUEUE_CONTENT_MAX);
    if (pump_content_make(pump, item, &content, err) < 0)
        return QUEUE_PUT_FAILED;
    struct queue_item put = {
        .origin = pump_origin(pump, item),
        .class = item->item_class,
        .queue = pump->queue_name,
        .source = pump->source,
        .error = pump_slot_error(slot),
        .skipped = slot->skipped ? "the condition of its work queue is not met" : NULL,
        .content = buffer_text(&content.text),
        .content_size = content.text.len,
        .content_filed = content.filed,
        .content_fd = content.fd,
        .sender = mail == NULL ? NULL : pump_utf8(mail->sender),
        .subject = mail == NULL ? NULL : pump_utf8(mail->subject),
        .date_received = mail == NULL ? NULL : pump_utf8(mail->date_received),
        .raw_bytes = item->raw_bytes,
        .raw_size = item->raw_size,
        .raw_fd = item->raw_bytes == NULL ? item->raw_fd : -1,
    };
    put.message_id = mail == NULL ? NULL : mail->message_id;
    memcpy(put.raw_sha256, item->raw_sha256, sizeof put.raw_sha256);
    if (pump->dry_run)
        return queue_takes(&put, err) == 0 ? QUEUE_PUT_ADDED : QUEUE_PUT_FAILED;
    return queue_put(pump->queue, &put, err);
}

/* Nothing else will tell of it: it has no entry, and its mailbox is as it was. */
static void pump_tell_left(const struct pump *pump, const struct loader_item *item, const char *why)
{
    char name[16];
    (void)snprintf(name, sizeof name, "%u", (unsigned)item->origin.uid);
    if (pump->log != NULL)
        log_warning(pump->log,
                    "message %.100s of '%.100s' is left where it is, the queue cannot "
                    "take it: %s",
                    item->origin.uid != 0 ? name : item->origin.key, item->origin.mailbox, why);
}

/* The queue cannot take this one for a reason of its own: once as a bad entry, then not at all. */
static int pump_demote(const struct pump *pump, struct pump_slot *slot, const struct error *why,
                       struct error *err)
{
    if (slot->error != NULL) {
        pump_tell_left(pump, slot->item, why->text);
        slot->fate = LOADER_FATE_RELEASE;
        return 0;
    }
    slot->error = strdup(why->text);
    slot->fate = LOADER_FATE_BAD; /* analyse: no leak, the slot keeps the text */
    return slot->error == NULL ? error_oom(err, "setting a message aside") : 0;
}

/* Its entry was there before: the fate that was written down then is the one that counts. */
static int pump_recall_fate(struct pump *pump, struct pump_slot *slot, struct error *err)
{
    struct queue_record record = {.origin = pump_origin(pump, slot->item)};
    if (queue_known(pump->queue, &record, 1, err) < 0)
        return -1;
    slot->fate = record.fate == QUEUE_FATE_BAD ? LOADER_FATE_BAD : LOADER_FATE_QUEUED;
    return 0;
}

enum pump_put { PUMP_PUT_ALL, PUMP_PUT_AGAIN, PUMP_PUT_FAILED };

/* Put what is in hand, oldest first. AGAIN: one item was demoted, nothing is in the open batch. */
static enum pump_put pump_put_all(struct pump *pump, struct error *err)
{
    for (size_t i = 0; i < pump->slot_count; i++) {
        struct pump_slot *slot = &pump->slots[i];
        if (slot->fate == LOADER_FATE_RELEASE)
            continue;
        switch (pump_put_slot(pump, slot, err)) {
        case QUEUE_PUT_ADDED:
            slot->added = true;
            break;
        case QUEUE_PUT_DUPLICATE: /* or stored by a commit that we were not told of */
            if (!slot->added && pump_recall_fate(pump, slot, err) < 0)
                return PUMP_PUT_FAILED;
            break;
        default:
            queue_rollback(pump->queue);
            if (err->class != ERROR_MAIL)
                return PUMP_PUT_FAILED;
            return pump_demote(pump, slot, err, err) < 0 ? PUMP_PUT_FAILED : PUMP_PUT_AGAIN;
        }
    }
    return PUMP_PUT_ALL;
}

static int pump_put_batch(struct pump *pump, struct error *err)
{
    enum pump_put put;
    while ((put = pump_put_all(pump, err)) == PUMP_PUT_AGAIN)
        ; /* each time one slot is demoted, twice at most */
    if (put == PUMP_PUT_FAILED)
        queue_rollback(pump->queue);
    return put == PUMP_PUT_ALL ? 0 : -1;
}

/* The condition as it is now, and which of the batch meet it. */
static int pump_ask_condition(struct pump *pump, struct error *err)
{
    struct queue_named named;
    if (queue_named_get(pump->queue, pump->queue_name, &named, err) < 0)
        return -1;
    if (!text_equal(named.policy.condition, condition_text(pump->condition))) {
        condition_free(TAKE(pump->condition));
        if (named.policy.condition[0] != '\0' &&
            condition_new(named.policy.condition, &pump->condition, err) < 0) {
            struct error why = *err;
            return error_set(err, ERROR_CONFIG,
                             "work queue '%.100s': %.250s; set it anew by mailchute "
                             "queue configure",
                             pump->queue_name, why.text);
        }
    }
    for (size_t i = 0; i < pump->slot_count; i++)
        pump->slots[i].skipped = !condition_is_met(pump->condition, pump->slots[i].item->mail);
    return 0;
}

/* Make the batch durable; a dry run only sees that it could be. */
static int pump_store(struct pump *pump, struct error *err)
{
    if (pump_ask_condition(pump, err) < 0)
        return -1;
    for (uint32_t try = 0; try < PUMP_COMMIT_TRIES; try++) {
        if (pump_put_batch(pump, err) < 0)
            return -1;
        if (pump->dry_run)
            return 0;
        error_set(err, ERROR_STORE, "the queue does not tell whether a batch is stored; run again, "
                  "nothing is doubled");
        switch (queue_commit(pump->queue, err)) {
        case QUEUE_COMMITTED:
            return 0;
        case QUEUE_COMMIT_UNSURE:
            continue;
        case QUEUE_COMMIT_FAILED:
            return -1;
        }
    }
    return -1; /* err tells of the last try */
}

static void pump_count(struct pump *pump, const struct pump_slot *slot)
{
    struct pump_counts *counts = &pump->counts;
    counts->pass++;
    pump->since_trim += slot->item->raw_size;
    if (slot->fate == LOADER_FATE_RELEASE) {
        counts->released++;
    } else if (!slot->added) {
        counts->duplicates++;
    } else if (slot->fate == LOADER_FATE_BAD) {
        counts->bad++;
    } else {
        counts->stored++;
        counts->stored_bytes += slot->item->raw_size;
    }
}

static void pump_tell(struct pump *pump, const struct pump_slot *slot)
{
    char key[QUEUE_KEY_MAX], id[QUEUE_ID_TEXT];
    struct queue_origin origin = pump_origin(pump, slot->item);
    struct error ignored; /* put() made the same key */
    if (pump->stored == NULL || slot->fate == LOADER_FATE_RELEASE ||
        queue_origin_key(&origin, key, &ignored) < 0)
        return;
    queue_entry_id(key, id);
    const struct pump_event event = {.item = slot->item,
                                     .key = key,
                                     .id = id,
                                     .duplicate = !slot->added,
                                     .error = pump_slot_error(slot),
                                     .skipped = slot->skipped};
    if (pump->stored(pump->stored_context, &event) != 0)
        pump->stopped = true;
}

static void pump_told(struct pump *pump)
{
    if (pump->told != NULL && pump->told(pump->stored_context) != 0)
        pump->stopped = true;
}

static int pump_settle_fate(struct pump *pump, uint32_t fate, struct error *err)
{
    uint64_t tokens[PUMP_BATCH_ITEMS], count = 0;
    for (size_t i = 0; i < pump->slot_count; i++)
        if ((pump->dry_run ? LOADER_FATE_RELEASE : pump->slots[i].fate) == fate)
            tokens[count++] = pump->slots[i].item->token;
    struct loader_error theirs;
    loader_error_clear(&theirs);
    if (count == 0)
        return 0;
    fault_point("settle");
    int failed = pump->plugin->settle(pump->handle, tokens, count, fate, &theirs);
    fault_point("settle done");
    return failed != 0 ? loader_error_read(&theirs, pump->plugin->name, err) : 0;
}

/* All three fates are tried: what is left unsettled now costs the next run work. */
static int pump_settle(struct pump *pump, struct error *err)
{
    static const uint32_t fates[] = {LOADER_FATE_QUEUED, LOADER_FATE_BAD, LOADER_FATE_RELEASE};
    int bad = 0;
    for (size_t i = 0; i < sizeof fates / sizeof fates[0]; i++) {
        struct error ignored;
        if (pump_settle_fate(pump, fates[i], bad == 0 ? err : &ignored) < 0)
            bad = -1;
    }
    return bad;
}

static void pump_forget(struct pump *pump)
{
    for (size_t i = 0; i < pump->slot_count; i++)
        free(pump->slots[i].error);
    pump->slot_count = 0;
    pump->batch_bytes = pump->batch_filed = 0;
}

/* Store what is in hand, tell of it, and then alone, and only if @settle, settle it. */
static int pump_flush(struct pump *pump, bool settle, struct error *err)
{
    if (pump->slot_count == 0)
        return 0;
    int bad = 0;
    if (FAULT_SWAPPED && settle) /* never in a real build: see fault.h */
        bad = pump_settle(pump, err);
    if (bad == 0)
        bad = pump_store(pump, err);
    if (bad == 0) {
        for (size_t i = 0; i < pump->slot_count; i++) {
            pump_count(pump, &pump->slots[i]);
            pump_tell(pump, &pump->slots[i]);
        }
        pump_told(pump);
        if (settle && !FAULT_SWAPPED)
            bad = pump_settle(pump, err);
    }
    pump_forget(pump);
    return bad;
}

/* ---- One step -------------------------------------------------------------------------------- */

static bool pump_asked_to_stop(const struct pump *pump)
{
    return pump->cancelled != NULL && pump->cancelled(pump->cancel_context) != 0;
}

/* Does the loader's link stand after a failure of this kind, so that items can be settled? */
static bool pump_can_settle(enum error_class class)
{
    return class != ERROR_UNREACHABLE && class != ERROR_LINK && class != ERROR_PROTOCOL &&
           class != ERROR_BUG;
}

/* Finish what is in hand before the failure @why is returned; nothing is worse than that one. */
static int pump_end(struct pump *pump, const struct error *why, struct error *err)
{
    struct error ignored;
    if (pump_asked_to_stop(pump) && pump->finishing != NULL)
        pump->finishing(pump->cancel_context);
    (void)pump_flush(pump, pump_can_settle(why->class), &ignored);
    *err = *why;
    return -1;
}

static int pump_cancelled(struct pump *pump, struct error *err)
{
    struct error why;
    error_set(&why, ERROR_CANCELLED, "stopped as asked; run again to go on");
    return pump_end(pump, &why, err);
}

/* Poll for the loader's descriptor, a request to stop, or the time. */
static void pump_poll(const struct pump *pump, int fd, short events, uint64_t wait_ms)
{
    uint64_t end_ms = clock_monotonic_ms(pump->clock) + wait_ms;
    while (!pump_asked_to_stop(pump)) {
        uint64_t now_ms = clock_monotonic_ms(pump->clock);
        if (now_ms >= end_ms)
            return;
        uint64_t left = end_ms - now_ms;
        struct pollfd fds[] = {{fd, events, 0}, {pump->cancel_fd, POLLIN, 0}};
        int ready = poll(fds, 2, (int)(left < PUMP_SLICE_MS ? left : PUMP_SLICE_MS));
        if (ready < 0 && errno != EINTR)
            return;
        if (ready > 0 && fds[0].revents != 0)
            return;
    }
}

/* Nothing to do at the source: ask the loader what to wait for. */
static int pump_wait(struct pump *pump, struct error *err)
{
    if (pump->plugin->wait == NULL) {
        pump_poll(pump, -1, 0, PUMP_POLL_MS);
        return 0;
    }
    struct loader_wait wait = {.struct_size = sizeof wait, .fd = -1, .timeout_ms = PUMP_POLL_MS};
    struct loader_error theirs;
    loader_error_clear(&theirs);
    if (pump->plugin->wait(pump->handle, &wait, &theirs) != 0)
        return loader_error_read(&theirs, pump->plugin->name, err);
    pump_poll(pump, wait.fd, (short)wait.events, wait.timeout_ms);
    return 0;
}

static bool pump_item_is_good(const struct loader_item *item)
{
    return item != NULL && item->struct_size >= sizeof *item && item->token != 0 &&
           item->item_class != NULL && item->origin.account != NULL &&
           item->origin.mailbox != NULL && (item->origin.uid != 0 || item->origin.key != NULL) &&
           loader_mail_is_good(item->mail) &&
           (item->raw_size <= QUEUE_RAW_MAX || (item->raw_bytes == NULL && item->raw_fd < 0));
}

static void pump_add_sizes(struct pump *pump, const struct loader_item *item)
{
    const struct loader_mail mail = loader_mail_read(item->mail);
    if (item->raw_bytes != NULL)
        pump->batch_bytes += item->raw_size;
    else if (item->raw_fd >= 0)
        pump->batch_filed += item->raw_size;
    pump->batch_bytes += loader_mail_memory(&mail);
    pump->batch_filed += mail.message_body_file.size + mail.html_file.size;
}

/* Take an item into the batch; a full or old one is stored. */
static int pump_take(struct pump *pump, const struct loader_item *item, struct error *err)
{
    if (!pump_item_is_good(item)) {
        struct error why;
        error_set(&why, ERROR_BUG,
                  "loader '%s' hands out an item that breaks the contract; ask its "
                  "maker",
                  pump->plugin->name);
        return pump_end(pump, &why, err);
    }
    uint64_t now_ms = clock_monotonic_ms(pump->clock);
    if (pump->slot_count == 0)
        pump->batch_since_ms = now_ms;
    pump->slots[pump->slot_count++] = (struct pump_slot){
        .item = item, .fate = item->error == NULL ? LOADER_FATE_QUEUED : LOADER_FATE_BAD};
    pump_add_sizes(pump, item);
    pump->taken++;
    if (pump->slot_count == PUMP_BATCH_ITEMS || pump->batch_bytes >= PUMP_BATCH_BYTES ||
        pump->batch_filed >= PUMP_BATCH_FILED ||
        now_ms - pump->batch_since_ms >= PUMP_BATCH_MS)
        return pump_flush(pump, true, err);
    return 0;
}

static bool pump_at_limit(const struct pump *pump)
{
    return pump->limit != 0 && pump->taken >= pump->limit;
}

/* A loader that does not know the limit hands out one more: leave that where it is. */
static int pump_take_beyond(struct pump *pump, const struct loader_item *item, struct error *err)
{
    struct loader_error theirs;
    loader_error_clear(&theirs);
    if (item == NULL ||
        pump->plugin->settle(pump->handle, &item->token, 1, LOADER_FATE_RELEASE, &theirs) != 0)
        return loader_error_read(&theirs, pump->plugin->name, err);
    pump->stopped = true;
    return 0;
}

/* Nothing is left to pick up. */
static int pump_swept(struct pump *pump, struct error *err)
{
    pump->sweeps++;
    if (pump->since_trim >= PUMP_TRIM_BYTES) { /* what lies free would become more with each pass */
        pump->since_trim = 0;
        (void)malloc_trim(0);
    }
    if (!pump->watch || pump->dry_run || pump_at_limit(pump)) {
        pump->stopped = true;
        return 0;
    }
    pump->counts.pass = 0;
    pump->expected = 0;
    return pump_wait(pump, err);
}

/* The loader is drained only when what is in hand is settled, so ask again; but not for items that
 * were released: they would be handed out for ever. */
static int pump_drained(struct pump *pump, struct error *err)
{
    uint64_t released = pump->counts.released;
    if (pump->slot_count == 0)
        return pump_swept(pump, err);
    if (pump_flush(pump, true, err) < 0)
        return -1;
    return pump->dry_run || pump->counts.released > released ? pump_swept(pump, err) : 0;
}

static int pump_failed(struct pump *pump, const struct loader_error *theirs, struct error *err)
{
    struct error why;
    loader_error_read(theirs, pump->plugin->name, &why);
    return pump_end(pump, &why, err);
}

static int pump_step(struct pump *pump, struct error *err)
{
    if (pump_asked_to_stop(pump))
        return pump_cancelled(pump, err);
    if (pump_at_limit(pump) && pump_flush(pump, true, err) < 0)
        return -1;
    const struct loader_item *item = NULL;
    struct loader_error theirs;
    loader_error_clear(&theirs);
    switch (pump->plugin->next(pump->handle, &item, &theirs)) {
    case LOADER_NEXT_ITEM:
        return pump_at_limit(pump) ? pump_take_beyond(pump, item, err) : pump_take(pump, item, err);
    case LOADER_NEXT_DRAINED:
        return pump_drained(pump, err);
    default:
        return pump_failed(pump, &theirs, err);
    }
}

int pump_run(struct pump *pump, struct error *err)
{
    int bad = 0;
    while (bad == 0 && !pump->stopped)
        bad = pump_step(pump, err);
    if (bad == 0)
        bad = pump_flush(pump, true, err);
    pump_forget(pump);
    condition_free(TAKE(pump->condition));
    return bad;
}
