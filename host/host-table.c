/* SPDX-License-Identifier: Apache-2.0 */
/* host-table.c - the functions a loader is handed. See host-table.h. */
#include <config.h>
#include "host-table.h"

#include <stdlib.h>

#include "loader-error.h"
#include "text.h"

_Static_assert((int)LOADER_STEP_STORED == (int)QUEUE_STEP_STORED &&
                   (int)LOADER_STEP_MOVED == (int)QUEUE_STEP_MOVED &&
                   (int)LOADER_FATE_BAD == (int)QUEUE_FATE_BAD,
               "the numbers of the contract are those of queue.h");

static uint64_t host_monotonic_ms(void *context)
{
    return clock_monotonic_ms(((struct host_table *)context)->clock);
}

static int64_t host_unix_s(void *context)
{
    return clock_unix_s(((struct host_table *)context)->clock);
}

static void host_log(void *context, uint32_t level, const char *text)
{
    log_event(((struct host_table *)context)->log, level, text);
}

static int host_cancelled(void *context)
{
    struct host_table *table = context;
    return table->cancel != NULL && cancel_now(table->cancel);
}

static void host_progress(void *context, uint64_t messages)
{
    struct host_table *table = context;
    if (table->progress != NULL)
        table->progress(table->progress_context, messages);
}

static int host_make_room(struct host_table *table, uint64_t count, struct error *err)
{
    if (count > HOST_TABLE_RECORDS_MAX)
        return error_set(err, ERROR_BUG,
                         "the loader asks for %llu records at once; ask its maker for "
                         "windows of some hundred",
                         (unsigned long long)count);
    if (count <= table->capacity)
        return 0;
    void *grown = reallocarray(table->records, (size_t)count, sizeof *table->records);
    if (grown == NULL)
        return error_oom(err, "looking messages up in the queue");
    table->records = grown;
    table->capacity = (size_t)count;
    return 0;
}

static struct queue_record host_record_to_queue(const struct host_table *table,
                                                const struct loader_record *from)
{
    const struct loader_origin *origin = &from->origin;
    return (struct queue_record){
        .origin = {.loader = table->loader_name,
                   .account = origin->account,
                   .mailbox = origin->mailbox,
                   .uidvalidity = origin->uidvalidity,
                   .uid = origin->uid,
                   .key = origin->key},
        .step = (enum queue_step)from->step,
        .attempts = from->attempts,
        .fate = from->fate,
        .target_uidvalidity = from->target_uidvalidity,
        .target_uid = from->target_uid,
        .target = from->target,
    };
}

/* All but the origin, which known() leaves as the caller set it. */
static void host_record_answer(const struct queue_record *from, struct loader_record *to)
{
    to->step = from->step;
    to->attempts = from->attempts;
    to->fate = from->fate;
    to->target_uidvalidity = from->target_uidvalidity;
    to->target_uid = from->target_uid;
    to->target = from->target;
}

static int host_known(void *context, struct loader_record *records, uint64_t count,
                      struct loader_error *theirs)
{
    struct host_table *table = context;
    struct error err;
    if (host_make_room(table, count, &err) < 0)
        return loader_error_write(&err, theirs);
    for (size_t i = 0; i < count; i++)
        table->records[i] = host_record_to_queue(table, &records[i]);
    if (queue_known(table->queue, table->records, (size_t)count, &err) < 0)
        return loader_error_write(&err, theirs);
    for (size_t i = 0; i < count; i++)
        host_record_answer(&table->records[i], &records[i]);
    return 0;
}

/* Every mailbox in these records is this queue's alone; mostly there is one. */
static int host_claim(const struct host_table *table, uint64_t count, struct error *err)
{
    const struct queue_origin *last = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct queue_origin *origin = &table->records[i].origin;
        if (last != NULL && text_equal(origin->mailbox, last->mailbox) &&
            text_equal(origin->account, last->account))
            continue;
        last = origin;
        if (queue_claim(table->queue, origin->loader, origin->account, origin->mailbox, err) < 0)
            return -1;
    }
    return 0;
}

static int host_note(void *context, const struct loader_record *records, uint64_t count,
                     struct loader_error *theirs)
{
    struct host_table *table = context;
    struct error err;
    if (host_make_room(table, count, &err) < 0)
        return loader_error_write(&err, theirs);
    for (size_t i = 0; i < count; i++)
        table->records[i] = host_record_to_queue(table, &records[i]);
    if (host_claim(table, count, &err) < 0)
        return loader_error_write(&err, theirs);
    if (queue_note(table->queue, table->records, (size_t)count, &err) < 0)
        return loader_error_write(&err, theirs);
    return 0;
}

static int host_unsettled(void *context, const char *account, const char *mailbox,
                          const struct loader_origin *after, struct loader_record *out_records,
                          uint64_t capacity, uint64_t *out_count, struct loader_error *theirs)
{
    struct host_table *table = context;
    struct error err;
    size_t count;
    struct queue_origin behind = {.loader = table->loader_name};
    if (after != NULL)
        behind = (struct queue_origin){table->loader_name, after->account, after->mailbox,
                                       after->uidvalidity, after->uid, after->key};
    if (host_make_room(table, capacity, &err) < 0 ||
        queue_claim(table->queue, table->loader_name, account, mailbox, &err) < 0 ||
        queue_unsettled(table->queue, table->loader_name, account, mailbox,
                        after != NULL ? &behind : NULL, table->records, (size_t)capacity, &count,
                        &err) < 0)
        return loader_error_write(&err, theirs);
    for (size_t i = 0; i < count; i++) {
        const struct queue_origin *origin = &table->records[i].origin;
        out_records[i].origin =
            (struct loader_origin){.account = origin->account, .mailbox = origin->mailbox,
                                   .uidvalidity = origin->uidvalidity, .uid = origin->uid,
                                   .key = origin->key};
        host_record_answer(&table->records[i], &out_records[i]);
    }
    *out_count = count;
    return 0;
}

void host_table_init(struct host_table *table)
{
    bool ledger = table->queue != NULL;
    table->loader = (struct loader_host){
        .struct_size = sizeof table->loader,
        .api_version = LOADER_API_VERSION,
        .context = table,
        .log = host_log,
        .monotonic_ms = host_monotonic_ms,
        .unix_s = host_unix_s,
        .cancelled = host_cancelled,
        .spool_dir = ledger && !table->read_only ? queue_spool_dir(table->queue) : NULL,
        .known = ledger ? host_known : NULL,
        .note = ledger && !table->read_only ? host_note : NULL,
        .unsettled = ledger && !table->read_only ? host_unsettled : NULL,
        .progress = host_progress,
    };
    table->records = NULL;
    table->capacity = 0;
}

void host_table_done(struct host_table *table)
{
    free(table->records);
    table->records = NULL;
    table->capacity = 0;
}
