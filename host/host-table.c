/* SPDX-License-Identifier: Apache-2.0 */
/* host-table.c - the functions a loader is handed. See host-table.h. */
#include <config.h>
#include "host-table.h"

#include <stdlib.h>
#include <string.h>

#include "loader-error.h"
#include "text.h"

_Static_assert((int)LOADER_STEP_STORED == (int)QUEUE_STEP_STORED &&
                   (int)LOADER_STEP_MOVED == (int)QUEUE_STEP_MOVED &&
                   (int)LOADER_FATE_BAD == (int)QUEUE_FATE_BAD,
               "the numbers of the contract are those of queue.h");
_Static_assert(sizeof(struct loader_adoption) == sizeof(struct queue_adoption) &&
                   offsetof(struct loader_adoption, to_uid) ==
                       offsetof(struct queue_adoption, to_uid),
               "adoptions are handed through as they are");

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
    return table->cancelled != NULL && table->cancelled(table->cancel_context) != 0;
}

static void host_progress(void *context, uint64_t messages)
{
    struct host_table *table = context;
    if (table->progress != NULL)
        table->progress(table->progress_context, messages);
}

void host_table_trouble(struct host_table *table, const struct error *err)
{
    free(table->trouble);
    table->trouble_class = err->class;
    table->trouble = err->class == ERROR_NONE ? NULL : strdup(err->text);
    if (table->trouble != NULL)
        log_hide(table->log, table->trouble);
}

static void host_trouble(void *context, uint32_t error_class, const char *text)
{
    struct host_table *table = context;
    struct loader_error theirs;
    struct error err = {.class = ERROR_NONE};
    if (text == NULL || error_class == LOADER_ERROR_NONE) {
        host_table_trouble(table, &err);
        return;
    }
    loader_error_clear(&theirs);
    theirs.error_class = error_class;
    text_copy(theirs.text, sizeof theirs.text, text);
    (void)loader_error_read(&theirs, table->loader_name, &err);
    host_table_trouble(table, &err);
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

static void host_evidence_answer(const struct queue_evidence *from, struct loader_evidence *to)
{
    to->step = from->step;
    to->has_sha256 = from->has_digest;
    to->size = from->size;
    to->message_id = from->message_id;
    memcpy(to->sha256, from->sha256, sizeof to->sha256);
}

static int host_claim_one(const struct host_table *table, const char *account, const char *mailbox,
                          struct error *err)
{
    return table->claims != NULL
               ? queue_claims_take(table->claims, table->queue, table->loader_name, account,
                                   mailbox, err)
               : queue_claim(table->queue, table->loader_name, account, mailbox, err);
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
        if (host_claim_one(table, origin->account, origin->mailbox, err) < 0)
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

/* queue_unsettled() and queue_settled(). */
typedef int host_walk(struct queue *queue, const char *loader, const char *account,
                      const char *mailbox, const struct queue_origin *after,
                      struct queue_record *out_records, size_t capacity, size_t *out_count,
                      struct error *err);

static int host_page(struct host_table *table, host_walk *walk, const char *account,
                     const char *mailbox, const struct loader_origin *after,
                     struct loader_record *out_records, uint64_t capacity, uint64_t *out_count,
                     struct loader_error *theirs)
{
    struct error err;
    size_t count;
    struct queue_origin behind = {.loader = table->loader_name};
    if (after != NULL)
        behind = (struct queue_origin){table->loader_name, after->account, after->mailbox,
                                       after->uidvalidity, after->uid, after->key};
    if (host_make_room(table, capacity, &err) < 0 ||
        host_claim_one(table, account, mailbox, &err) < 0 ||
        walk(table->queue, table->loader_name, account, mailbox, after != NULL ? &behind : NULL,
             table->records, (size_t)capacity, &count, &err) < 0)
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

static int host_unsettled(void *context, const char *account, const char *mailbox,
                          const struct loader_origin *after, struct loader_record *out_records,
                          uint64_t capacity, uint64_t *out_count, struct loader_error *theirs)
{
    return host_page(context, queue_unsettled, account, mailbox, after, out_records, capacity,
                     out_count, theirs);
}

static int host_settled(void *context, const char *account, const char *mailbox,
                        const struct loader_origin *after, struct loader_record *out_records,
                        uint64_t capacity, uint64_t *out_count, struct loader_error *theirs)
{
    return host_page(context, queue_settled, account, mailbox, after, out_records, capacity,
                     out_count, theirs);
}

static int host_evidence(void *context, struct loader_evidence *items, uint64_t count,
                         struct loader_error *theirs)
{
    struct host_table *table = context;
    struct error err;
    for (uint64_t i = 0; i < count; i++) {
        const struct loader_origin *origin = &items[i].origin;
        struct queue_evidence ours = {
            .origin = {table->loader_name, origin->account, origin->mailbox, origin->uidvalidity,
                       origin->uid, origin->key}};
        if (queue_evidence(table->queue, &ours, 1, &err) < 0)
            return loader_error_write(&err, theirs);
        host_evidence_answer(&ours, &items[i]);
    }
    return 0;
}

static int host_settled_like(void *context, const char *account, const char *mailbox,
                             uint64_t size, struct loader_evidence *out_items, uint64_t capacity,
                             uint64_t *out_count, struct loader_error *theirs)
{
    struct host_table *table = context;
    struct error err;
    size_t count = 0, most = capacity < HOST_TABLE_RECORDS_MAX ? (size_t)capacity
                                                               : HOST_TABLE_RECORDS_MAX;
    struct queue_evidence *found = calloc(most, sizeof *found);
    int failed = found == NULL ? error_oom(&err, "looking messages up in the queue")
                               : queue_settled_like(table->queue, table->loader_name, account,
                                                    mailbox, size, found, most, &count, &err);
    for (size_t i = 0; failed == 0 && i < count; i++) {
        out_items[i].origin = (struct loader_origin){.account = account,
                                                     .mailbox = mailbox,
                                                     .uidvalidity = found[i].origin.uidvalidity,
                                                     .uid = found[i].origin.uid};
        host_evidence_answer(&found[i], &out_items[i]);
    }
    free(found);
    *out_count = count;
    return failed < 0 ? loader_error_write(&err, theirs) : 0;
}

_Static_assert(sizeof(struct loader_lookalike) == sizeof(struct queue_lookalike) &&
                   offsetof(struct loader_lookalike, likeness) ==
                       offsetof(struct queue_lookalike, likeness) &&
                   offsetof(struct loader_lookalike, sha256) ==
                       offsetof(struct queue_lookalike, sha256) &&
                   (int)LOADER_LIKENESS_SHA256 == (int)QUEUE_LIKENESS_SHA256,
               "a lookalike is the same on both sides");

static int host_lookalikes(void *context, const char *account, const char *mailbox,
                           uint32_t uidvalidity, uint32_t above, struct loader_lookalike *items,
                           uint64_t count, struct loader_error *theirs)
{
    struct host_table *table = context;
    struct error err;
    return queue_lookalikes(table->queue, table->loader_name, account, mailbox, uidvalidity, above,
                            (struct queue_lookalike *)(void *)items, (size_t)count, &err) < 0
               ? loader_error_write(&err, theirs)
               : 0;
}

_Static_assert(LOADER_MAILBOX_CHANGES == QUEUE_MAILBOX_CHANGES &&
                   sizeof((struct loader_mailbox *)0)->why == QUEUE_MAILBOX_WHY,
               "what is known of a mailbox is the same on both sides");

/* Asked before the loader looks at the mailbox: from here on nobody else works in it. */
static int host_mailbox(void *context, const char *account, const char *mailbox,
                        struct loader_mailbox *out_state, struct loader_error *theirs)
{
    struct host_table *table = context;
    struct error err;
    struct queue_mailbox ours;
    if ((!table->read_only && host_claim_one(table, account, mailbox, &err) < 0) ||
        queue_mailbox_get(table->queue, table->loader_name, account, mailbox, &ours, &err) < 0)
        return loader_error_write(&err, theirs);
    struct loader_mailbox state = {.struct_size = out_state->struct_size,
                                   .uidvalidity = ours.uidvalidity,
                                   .highest_uid = ours.highest_uid,
                                   .held = ours.held,
                                   .held_s = ours.held_s,
                                   .adopted = ours.adopted};
    memcpy(state.changed_s, ours.changed_s, sizeof state.changed_s);
    memcpy(state.why, ours.why, sizeof state.why);
    memcpy(out_state, &state,
           state.struct_size < sizeof state ? state.struct_size : sizeof state);
    return 0;
}

static int host_adopt(void *context, const char *account, const char *mailbox,
                      const struct loader_adoption *items, uint64_t count,
                      const struct loader_mailbox *given, struct loader_error *theirs)
{
    struct host_table *table = context;
    struct error err;
    struct loader_mailbox state = {0};
    struct queue_mailbox ours = {0};
    if (given != NULL)
        memcpy(&state, given,
               given->struct_size < sizeof state ? given->struct_size : sizeof state);
    ours.uidvalidity = state.uidvalidity;
    ours.held = state.held;
    ours.held_s = state.held_s;
    memcpy(ours.changed_s, state.changed_s, sizeof ours.changed_s);
    text_copy(ours.why, sizeof ours.why, state.why);
    log_hide(table->log, ours.why);
    if (host_claim_one(table, account, mailbox, &err) < 0 ||
        queue_adopt(table->queue, table->loader_name, account, mailbox,
                    (const struct queue_adoption *)(const void *)items, (size_t)count,
                    given == NULL ? NULL : &ours, &err) < 0)
        return loader_error_write(&err, theirs);
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
        .evidence = ledger ? host_evidence : NULL,
        .settled_like = ledger ? host_settled_like : NULL,
        .mailbox = ledger ? host_mailbox : NULL,
        .adopt = ledger && !table->read_only ? host_adopt : NULL,
        .settled = ledger && !table->read_only ? host_settled : NULL,
        .trouble = host_trouble,
        .lookalikes = ledger ? host_lookalikes : NULL,
    };
    table->trouble_class = ERROR_NONE;
    table->trouble = NULL;
    table->records = NULL;
    table->capacity = 0;
}

void host_table_spare(struct host_table *table)
{
    free(table->records);
    table->records = NULL;
    table->capacity = 0;
}

void host_table_done(struct host_table *table)
{
    host_table_spare(table);
    free(TAKE(table->trouble));
}
