/* SPDX-License-Identifier: Apache-2.0 */
/* imap-loader.c - External Source "IMAP": picks up mail from an IMAP mailbox.
 *
 * Joins the plug-in contract to imap/imap-tour.h, which does the work: words are translated in
 * both directions, items that are out are kept until they are settled, and that is all. */
#include <config.h>
#include "loader-item.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "imap-check.h"
#include "imap-deliver.h"
#include "imap-survey.h"
#include "imap-tour.h"
#include "text.h"

/* One item that is out. */
struct imap_out {
    uint64_t token; /* 0: settled */
    struct loader_item_box *box;
};

_Static_assert(
    sizeof(struct imap_adoption) == sizeof(struct loader_adoption) &&
        offsetof(struct imap_adoption, to_uid) == offsetof(struct loader_adoption, to_uid) &&
        sizeof(struct imap_lookalike) == sizeof(struct loader_lookalike) &&
        offsetof(struct imap_lookalike, likeness) == offsetof(struct loader_lookalike, likeness) &&
        offsetof(struct imap_lookalike, sha256) == offsetof(struct loader_lookalike, sha256) &&
        (int)IMAP_LIKENESS_SHA256 == (int)LOADER_LIKENESS_SHA256 &&
        IMAP_CHANGES == LOADER_MAILBOX_CHANGES,
    "the same on both sides");

struct imap_loader {
    struct loader_host theirs;
    struct imap_host host;
    struct imap_settings *settings;
    char *account;
    bool read_only;
    struct imap_tour *tour;       /* one of these two is there */
    struct imap_deliver *deliver;
    struct imap_out *out; /* out_first..out_count - 1, in the order they went out */
    size_t out_first, out_count, out_capacity;
    struct loader_item_box *parsed;
};

/* ---- The host, in the words of imap-host.h --------------------------------------------------- */

static bool imap_loader_cancelled(void *context)
{
    const struct imap_loader *loader = context;
    return loader_host_cancelled(&loader->theirs, NULL);
}

static void imap_loader_log(void *context, enum imap_log level, const char *text)
{
    const struct imap_loader *loader = context;
    loader_host_log(&loader->theirs, (enum loader_log_level)level, "%s", text);
}

static void imap_loader_progress(void *context, uint64_t messages)
{
    const struct imap_loader *loader = context;
    loader_host_progress(&loader->theirs, messages);
}

static struct loader_record imap_loader_record(const struct imap_loader *loader,
                                               const struct imap_record *record)
{
    return (struct loader_record){
        .origin = {.account = loader->account,
                   .mailbox = imap_tour_mailbox(loader->tour),
                   .uidvalidity = record->uidvalidity,
                   .uid = record->uid},
        .step = record->step,
        .attempts = record->attempts,
        .fate = record->fate,
        .target_uidvalidity = record->target_uidvalidity,
        .target_uid = record->target_uid,
        .target = record->target,
    };
}

static void imap_loader_unrecord(const struct loader_record *theirs, struct imap_record *out)
{
    *out = (struct imap_record){
        .uidvalidity = theirs->origin.uidvalidity,
        .uid = theirs->origin.uid,
        .step = theirs->step,
        .attempts = theirs->attempts,
        .fate = theirs->fate,
        .target_uidvalidity = theirs->target_uidvalidity,
        .target_uid = theirs->target_uid,
        .target = theirs->target,
    };
}

static int imap_loader_known(void *context, struct imap_record *records, size_t count,
                             struct error *err)
{
    const struct imap_loader *loader = context;
    struct loader_record theirs[IMAP_RECORDS_MAX];
    for (size_t i = 0; i < count; i++)
        theirs[i] = imap_loader_record(loader, &records[i]);
    if (loader_host_known(&loader->theirs, theirs, count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        imap_loader_unrecord(&theirs[i], &records[i]);
    return 0;
}

static int imap_loader_note(void *context, const struct imap_record *records, size_t count,
                            struct error *err)
{
    const struct imap_loader *loader = context;
    struct loader_record theirs[IMAP_RECORDS_MAX];
    for (size_t i = 0; i < count; i++)
        theirs[i] = imap_loader_record(loader, &records[i]);
    return loader_host_note(&loader->theirs, theirs, count, err);
}

/* loader_host_unsettled() and _settled(). */
typedef int imap_loader_walk(const struct loader_host *host, const char *account,
                             const char *mailbox, const struct loader_origin *after,
                             struct loader_record *out_records, size_t capacity, size_t *out_count,
                             struct error *err);

static int imap_loader_page(const struct imap_loader *loader, imap_loader_walk *walk,
                            const struct imap_record *after, struct imap_record *out_records,
                            size_t capacity, size_t *out_count, struct error *err)
{
    struct loader_record behind = {0};
    struct loader_record theirs[IMAP_RECORDS_MAX];
    size_t most = capacity < IMAP_RECORDS_MAX ? capacity : IMAP_RECORDS_MAX;
    if (after != NULL)
        behind = imap_loader_record(loader, after);
    if (walk(&loader->theirs, loader->account, imap_tour_mailbox(loader->tour),
             after != NULL ? &behind.origin : NULL, theirs, most, out_count, err) < 0)
        return -1;
    for (size_t i = 0; i < *out_count; i++)
        imap_loader_unrecord(&theirs[i], &out_records[i]);
    return 0;
}

static int imap_loader_unsettled(void *context, const struct imap_record *after,
                                 struct imap_record *out_records, size_t capacity,
                                 size_t *out_count, struct error *err)
{
    return imap_loader_page(context, loader_host_unsettled, after, out_records, capacity, out_count,
                            err);
}

static int imap_loader_settled_page(void *context, const struct imap_record *after,
                               struct imap_record *out_records, size_t capacity,
                               size_t *out_count, struct error *err)
{
    return imap_loader_page(context, loader_host_settled, after, out_records, capacity, out_count,
                            err);
}

static void imap_loader_known_by(const struct loader_evidence *theirs, struct imap_evidence *out)
{
    *out = (struct imap_evidence){.uidvalidity = theirs->origin.uidvalidity,
                                  .uid = theirs->origin.uid,
                                  .step = theirs->step,
                                  .has_sha256 = theirs->has_sha256 != 0,
                                  .size = theirs->size,
                                  .message_id = theirs->message_id};
    memcpy(out->sha256, theirs->sha256, sizeof out->sha256);
}

static int imap_loader_evidence(void *context, struct imap_evidence *items, size_t count,
                                struct error *err)
{
    const struct imap_loader *loader = context;
    struct loader_evidence theirs[IMAP_RECORDS_MAX];
    for (size_t i = 0; i < count; i++)
        theirs[i] = (struct loader_evidence){
            .origin = {.account = loader->account,
                       .mailbox = imap_tour_mailbox(loader->tour),
                       .uidvalidity = items[i].uidvalidity,
                       .uid = items[i].uid}};
    if (loader_host_evidence(&loader->theirs, theirs, count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        imap_loader_known_by(&theirs[i], &items[i]);
    return 0;
}

static int imap_loader_lookalikes(void *context, uint32_t uidvalidity, uint32_t above,
                                  struct imap_lookalike *items, size_t count, struct error *err)
{
    const struct imap_loader *loader = context;
    return loader_host_lookalikes(&loader->theirs, loader->account, imap_tour_mailbox(loader->tour),
                                  uidvalidity, above, (struct loader_lookalike *)(void *)items,
                                  count, err);
}

static int imap_loader_mailbox(void *context, const char *path, struct imap_mailbox *out_state,
                               struct error *err)
{
    const struct imap_loader *loader = context;
    struct loader_mailbox theirs;
    if (loader_host_mailbox(&loader->theirs, loader->account, path, &theirs, err) < 0)
        return -1;
    *out_state = (struct imap_mailbox){.uidvalidity = theirs.uidvalidity,
                                       .highest_uid = theirs.highest_uid,
                                       .held = theirs.held,
                                       .held_s = theirs.held_s};
    memcpy(out_state->changed_s, theirs.changed_s, sizeof out_state->changed_s);
    theirs.why[sizeof theirs.why - 1] = '\0';
    text_copy(out_state->why, sizeof out_state->why, theirs.why);
    return 0;
}

static int imap_loader_adopt(void *context, const struct imap_adoption *items, size_t count,
                             const struct imap_mailbox *state, struct error *err)
{
    const struct imap_loader *loader = context;
    struct loader_mailbox theirs = {.struct_size = sizeof theirs};
    if (state != NULL) {
        theirs.uidvalidity = state->uidvalidity;
        theirs.held = state->held;
        theirs.held_s = state->held_s;
        memcpy(theirs.changed_s, state->changed_s, sizeof theirs.changed_s);
        text_copy(theirs.why, sizeof theirs.why, state->why);
    }
    return loader_host_adopt(&loader->theirs, loader->account, imap_tour_mailbox(loader->tour),
                             (const struct loader_adoption *)(const void *)items, count,
                             state != NULL ? &theirs : NULL, err);
}

static void imap_loader_trouble(void *context, const struct error *why)
{
    const struct imap_loader *loader = context;
    loader_host_trouble(&loader->theirs, why);
}

static void imap_loader_set_host(struct imap_loader *loader)
{
    loader->host = (struct imap_host){
        .context = loader,
        .clock = loader_host_clock(&loader->theirs),
        .spool_dir = loader->theirs.spool_dir,
        .cancelled = imap_loader_cancelled,
        .log = imap_loader_log,
        .known = imap_loader_known,
        .note = imap_loader_note,
        .unsettled = imap_loader_unsettled,
        .progress = imap_loader_progress,
        .evidence = loader->theirs.evidence != NULL ? imap_loader_evidence : NULL,
        .mailbox = loader->theirs.mailbox != NULL ? imap_loader_mailbox : NULL,
        .adopt = loader->theirs.adopt != NULL ? imap_loader_adopt : NULL,
        .settled = loader->theirs.settled != NULL ? imap_loader_settled_page : NULL,
        .trouble = imap_loader_trouble,
        .lookalikes = loader->theirs.lookalikes != NULL ? imap_loader_lookalikes : NULL,
    };
}

/* ---- Making and freeing a handle ------------------------------------------------------------- */

static void imap_loader_free(struct imap_loader *loader)
{
    if (loader == NULL)
        return;
    for (size_t i = loader->out_first; i < loader->out_count; i++)
        loader_item_box_free(loader->out[i].box);
    free(loader->out);
    loader_item_box_free(loader->parsed);
    imap_tour_close(loader->tour);
    imap_deliver_close(loader->deliver);
    imap_settings_free(loader->settings);
    free(loader->account);
    free(loader);
}
AUTO_DEFINE(imap_loader, imap_loader_free);

static int imap_loader_new(const struct loader_host *host, const struct loader_settings *given,
                           struct imap_loader **out_loader, struct error *err)
{
    AUTO(imap_loader) loader = calloc(1, sizeof *loader);
    if (loader == NULL)
        return error_oom(err, "opening a mailbox");
    if (loader_host_copy(host, &loader->theirs, err) < 0)
        return -1;
    imap_loader_set_host(loader);
    loader->read_only = (given->flags & LOADER_READ_ONLY) != 0;
    if (imap_settings_read(given->connection != NULL ? given->connection : "", &loader->settings,
                           err) < 0)
        return -1;
    if ((given->flags & LOADER_GUARDED) != 0 && imap_settings_guard(loader->settings, err) < 0)
        return -1;
    *out_loader = TAKE(loader);
    return 0;
}

static int imap_loader_open(const struct loader_host *host, const struct loader_settings *settings,
                            struct imap_loader **out_loader, struct error *err)
{
    struct loader_settings given;
    loader_settings_copy(settings, &given);
    AUTO(imap_loader) loader = NULL;
    if (imap_loader_new(host, &given, &loader, err) < 0)
        return -1;
    if (given.user == NULL || given.user[0] == '\0')
        return error_set(err, ERROR_USAGE, "no user name given for %s; give one with --user",
                         loader->settings->host);
    loader->account = given.account != NULL ? strdup(given.account)
                                            : imap_settings_account(loader->settings, given.user);
    if (loader->account == NULL)
        return error_oom(err, "opening a mailbox");
    struct imap_pickup_options options = {.settings = loader->settings,
                                          .host = &loader->host,
                                          .user = given.user,
                                          .secret = given.secret,
                                          .read_only = loader->read_only,
                                          .accept_new_uids =
                                              (given.flags & LOADER_ACCEPT_NEW_UIDS) != 0,
                                          .watch = (given.flags & LOADER_WATCH) != 0,
                                          .limit = given.limit};
    if ((given.flags & LOADER_DELIVER) != 0
            ? imap_deliver_open(loader->settings, given.user, given.secret, &loader->host,
                                &loader->deliver, err) < 0
            : imap_tour_open(&options, &loader->tour, err) < 0)
        return -1;
    *out_loader = TAKE(loader);
    return 0;
}

/* ---- Items that are out ---------------------------------------------------------------------- */

static int imap_loader_make_room(struct imap_loader *loader, struct error *err)
{
    if (loader->out_first > 0 && loader->out_first == loader->out_count)
        loader->out_first = loader->out_count = 0;
    if (loader->out_count < loader->out_capacity)
        return 0;
    size_t live = loader->out_count - loader->out_first;
    if (loader->out_first > loader->out_capacity / 2) {
        memmove(loader->out, loader->out + loader->out_first, live * sizeof *loader->out);
        loader->out_first = 0;
        loader->out_count = live;
        return 0;
    }
    size_t capacity = loader->out_capacity > 0 ? loader->out_capacity * 2 : 64;
    struct imap_out *out = realloc(loader->out, capacity * sizeof *out);
    if (out == NULL)
        return error_oom(err, "handing out mail");
    loader->out = out;
    loader->out_capacity = capacity;
    return 0;
}

/* Hosts settle in the order in which they got: the search ends at its start. */
static struct imap_out *imap_loader_find(struct imap_loader *loader, uint64_t token)
{
    for (size_t i = loader->out_first; i < loader->out_count; i++)
        if (loader->out[i].token == token && token != 0)
            return &loader->out[i];
    return NULL;
}

static void imap_loader_settled(struct imap_loader *loader, struct imap_out *out)
{
    if (!FAULT_SWAPPED) /* see fault.h: a host that stores after settling still reads it */
        loader_item_box_free(out->box);
    *out = (struct imap_out){0};
    while (loader->out_first < loader->out_count && loader->out[loader->out_first].token == 0)
        loader->out_first++;
}

static int imap_loader_hand_out(struct imap_loader *loader, const struct imap_message *message,
                                uint64_t token, const struct loader_item **out_item,
                                struct error *err)
{
    AUTO_DONE(loader_item_parts)
    parts = {
        .token = token,
        .account = loader->account,
        .mailbox = imap_tour_mailbox(loader->tour),
        .uidvalidity = message->uidvalidity,
        .uid = message->uid,
        .date_received = message->date_received,
        .error = message->error,
        .raw_size = message->raw_size,
        .mail = message->mail,
        .spool = message->spool,
    };
    memcpy(parts.sha256, message->sha256, sizeof parts.sha256);
    AUTO(loader_item_box) box = NULL;
    if (imap_loader_make_room(loader, err) < 0 || loader_item_new(&parts, &box, err) < 0)
        return -1;
    *out_item = loader_item_of(box);
    loader->out[loader->out_count++] = (struct imap_out){token, TAKE(box)};
    return 0;
}

/* Settle up to a window of tokens. */
static int imap_loader_settle(struct imap_loader *loader, const uint64_t *tokens, size_t count,
                              uint32_t fate, struct error *err)
{
    uint64_t known[IMAP_RECORDS_MAX];
    size_t settled = 0;
    for (size_t i = 0; i < count; i++) {
        struct imap_out *out = imap_loader_find(loader, tokens[i]);
        if (out == NULL)
            continue; /* never handed out, or settled before */
        known[settled++] = out->token;
        imap_loader_settled(loader, out);
    }
    return imap_tour_settle(loader->tour, known, settled, fate, err);
}

/* ---- Entry points: what the host calls ------------------------------------------------------- */

static int imap_entry_open(const struct loader_host *host, const struct loader_settings *settings,
                           void **out_handle, struct loader_error *out_err)
{
    struct imap_loader *loader;
    struct error err = {0};
    if (imap_loader_open(host, settings, &loader, &err) < 0)
        return loader_error_from(&err, out_err);
    *out_handle = loader;
    return 0;
}

static enum loader_next imap_entry_next(void *handle, const struct loader_item **out_item,
                                        struct loader_error *out_err)
{
    struct imap_loader *loader = handle;
    struct imap_message message;
    struct error err = {0};
    uint64_t token;
    switch (imap_tour_next(loader->tour, &message, &token, &err)) {
    case IMAP_PICKUP_MESSAGE:
        if (imap_loader_hand_out(loader, &message, token, out_item, &err) == 0)
            return LOADER_NEXT_ITEM;
        break;
    case IMAP_PICKUP_DRAINED:
        return LOADER_NEXT_DRAINED;
    case IMAP_PICKUP_FAILED:
        break;
    }
    if (strstr(err.text, loader->settings->host) == NULL)
        error_prefix(&err, "%s", loader->account);
    (void)loader_error_from(&err, out_err);
    return LOADER_NEXT_FAILED;
}

static int imap_entry_settle(void *handle, const uint64_t *tokens, uint64_t count, uint32_t fate,
                             struct loader_error *out_err)
{
    struct imap_loader *loader = handle;
    struct error err = {0};
    for (uint64_t at = 0; at < count; at += IMAP_RECORDS_MAX) {
        uint64_t left = count - at;
        size_t some = left < IMAP_RECORDS_MAX ? (size_t)left : IMAP_RECORDS_MAX;
        if (imap_loader_settle(loader, tokens + at, some, fate, &err) < 0)
            return loader_error_from(&err, out_err);
    }
    return 0;
}

/* What is still out was not stored: release it. */
static void imap_loader_release(struct imap_loader *loader)
{
    uint64_t tokens[IMAP_RECORDS_MAX];
    struct error err;
    while (loader->out_first < loader->out_count) {
        size_t count = 0;
        for (size_t i = loader->out_first; i < loader->out_count && count < IMAP_RECORDS_MAX; i++)
            if (loader->out[i].token != 0)
                tokens[count++] = loader->out[i].token;
        (void)imap_loader_settle(loader, tokens, count, LOADER_FATE_RELEASE, &err);
    }
}

static void imap_entry_close(void *handle)
{
    struct imap_loader *loader = handle;
    if (loader != NULL)
        imap_loader_release(loader);
    imap_loader_free(loader);
}

static int imap_entry_wait(void *handle, struct loader_wait *out_wait, struct loader_error *out_err)
{
    struct imap_loader *loader = handle;
    struct error err = {0};
    int fd;
    uint32_t timeout_ms;
    if (imap_tour_wait(loader->tour, &fd, &timeout_ms, &err) < 0)
        return loader_error_from(&err, out_err);
    if (loader->out_first == loader->out_count) { /* waiting costs no more than it must */
        free(TAKE(loader->out));
        loader->out_first = loader->out_count = loader->out_capacity = 0;
    }
    out_wait->fd = fd;
    out_wait->events = 1; /* POLLIN */
    out_wait->timeout_ms = timeout_ms;
    return 0;
}

/* The mail options of a connection string; without one, those that a bare url would have. */
static int imap_loader_parse_options(const struct loader_settings *settings,
                                     struct mail_options *out, struct error *err)
{
    struct loader_settings given;
    AUTO(imap_settings) read = NULL;
    loader_settings_copy(settings, &given);
    *out = (struct mail_options){0};
    if (given.connection == NULL || given.connection[0] == '\0')
        return 0;
    if (imap_settings_read(given.connection, &read, err) < 0)
        return -1;
    out->attach_html = read->attach_html;
    out->sanitize = read->sanitize;
    return 0;
}

static int imap_entry_parse(const struct loader_host *host, const struct loader_settings *settings,
                            int32_t fd, const struct loader_sink *sink, void **out_handle,
                            const struct loader_item **out_item, struct loader_error *out_err)
{
    AUTO(imap_loader) loader = calloc(1, sizeof *loader);
    struct mail_options options;
    struct error err = {0};
    if (loader == NULL)
        error_oom(&err, "reading a mail");
    if (loader == NULL || loader_host_copy(host, &loader->theirs, &err) < 0 ||
        imap_loader_parse_options(settings, &options, &err) < 0 ||
        loader_parse(&loader->theirs, &options, fd, sink, &loader->parsed, &err) < 0)
        return loader_error_from(&err, out_err);
    *out_item = loader_item_of(loader->parsed);
    *out_handle = TAKE(loader);
    return 0;
}

/* report() in the words of imap-check.h. */
struct imap_reporter {
    void (*report)(void *context, const char *step, uint32_t state, const char *text);
    void *context;
};

static void imap_entry_report(void *context, const char *step, enum imap_check_state state,
                              const char *text)
{
    const struct imap_reporter *reporter = context;
    if (reporter->report != NULL)
        reporter->report(reporter->context, step, (uint32_t)state, text);
}

static int imap_entry_check(const struct loader_host *host, const struct loader_settings *settings,
                            void (*report)(void *context, const char *step, uint32_t state,
                                           const char *text),
                            void *report_context, struct loader_error *out_err)
{
    struct imap_reporter reporter = {report, report_context};
    struct loader_settings given;
    AUTO(imap_loader) loader = NULL;
    struct error err = {0};
    loader_settings_copy(settings, &given);
    if (imap_loader_open(host, settings, &loader, &err) < 0) {
        imap_entry_report(&reporter, "settings", IMAP_CHECK_FAILED, err.text);
        return loader_error_from(&err, out_err);
    }
    imap_entry_report(&reporter, "settings", IMAP_CHECK_OK, loader->account);
    if (imap_check(loader->settings, given.user, given.secret, &loader->host, imap_entry_report,
                   &reporter, &err) < 0)
        return loader_error_from(&err, out_err);
    return 0;
}

/* The surveyor in the words of imap-survey.h. */
struct imap_witness {
    struct loader_surveyor theirs;
    const char *account;
};

static uint32_t imap_entry_folder(void *context, const struct imap_surveyed_folder *folder)
{
    const struct imap_witness *witness = context;
    const struct loader_folder told = {.struct_size = sizeof told,
                                       .place = (uint32_t)folder->place,
                                       .flags = folder->flags,
                                       .uidvalidity = folder->uidvalidity,
                                       .uidnext = folder->uidnext,
                                       .account = witness->account,
                                       .path = folder->path};
    return witness->theirs.folder != NULL ? witness->theirs.folder(witness->theirs.context, &told)
                                          : LOADER_ANSWER_GO_ON;
}

static uint32_t imap_entry_seen(void *context, const struct imap_seen *seen)
{
    const struct imap_witness *witness = context;
    struct loader_seen told = {.struct_size = sizeof told,
                               .place = (uint32_t)seen->place,
                               .flags = seen->flags,
                               .number = seen->number,
                               .origin = {.account = witness->account,
                                          .mailbox = seen->path,
                                          .uidvalidity = seen->uidvalidity,
                                          .uid = seen->uid},
                               .size = seen->size,
                               .date_received = seen->date_received};
    if (seen->sha256 != NULL)
        memcpy(told.sha256, seen->sha256, sizeof told.sha256);
    return witness->theirs.message != NULL ? witness->theirs.message(witness->theirs.context, &told)
                                           : LOADER_ANSWER_GO_ON;
}

static int imap_entry_survey(const struct loader_host *host, const struct loader_settings *settings,
                             const struct loader_surveyor *surveyor, struct loader_error *out_err)
{
    struct imap_witness witness;
    struct imap_surveyor ours = {&witness, imap_entry_folder, imap_entry_seen};
    struct loader_settings given;
    AUTO(imap_loader) loader = NULL;
    struct error err = {0};
    loader_settings_copy(settings, &given);
    loader_surveyor_copy(surveyor, &witness.theirs);
    if (imap_loader_open(host, settings, &loader, &err) < 0)
        return loader_error_from(&err, out_err);
    witness.account = loader->account;
    if (imap_survey(loader->settings, given.user, given.secret, &loader->host, &ours, &err) < 0)
        return loader_error_from(&err, out_err);
    return 0;
}

static const char *imap_entry_account(void *handle)
{
    const struct imap_loader *loader = handle;
    return loader->account;
}

static struct imap_delivery imap_loader_delivery(const struct loader_delivery *item)
{
    return (struct imap_delivery){
        .folder = item->folder,
        .root = item->flags / LOADER_DELIVER_ROOT(1),
        .look = (item->flags & LOADER_DELIVER_LOOK) != 0,
        .by_id = (item->flags & LOADER_DELIVER_BY_ID) != 0,
        .ids = {item->message_id, item->former_id},
        .date = item->date,
        .raw = {.bytes = item->raw_bytes, .size = item->raw_size, .fd = item->raw_fd}};
}

/* imap_deliver_run() or imap_deliver_look(). */
typedef int imap_loader_work(struct imap_deliver *deliver, struct imap_delivery *items,
                             size_t count, struct error *err);

/* Up to a window of messages. */
static int imap_loader_deliver(struct imap_loader *loader, imap_loader_work *work,
                               struct loader_delivery *items, size_t count, struct error *err)
{
    struct imap_delivery ours[IMAP_APPEND_MESSAGES];
    for (size_t i = 0; i < count; i++)
        ours[i] = imap_loader_delivery(&items[i]);
    int failed = work(loader->deliver, ours, count, err);
    for (size_t i = 0; i < count; i++) {
        items[i].result = (uint32_t)ours[i].result;
        text_copy(items[i].error, sizeof items[i].error,
                  ours[i].why.class != ERROR_NONE ? ours[i].why.text : "");
    }
    return failed;
}

static int imap_loader_deliver_all(struct imap_loader *loader, imap_loader_work *work,
                                   struct loader_delivery *items, uint64_t count,
                                   struct loader_error *out_err)
{
    struct error err = {0};
    for (uint64_t i = 0; i < count; i++) {
        items[i].result = LOADER_DELIVERED_NOT;
        items[i].error[0] = '\0';
    }
    if (loader->deliver == NULL)
        error_set(&err, ERROR_BUG, "the handle was not opened to deliver");
    for (uint64_t at = 0; at < count && err.class == ERROR_NONE; at += IMAP_APPEND_MESSAGES) {
        uint64_t left = count - at;
        (void)imap_loader_deliver(loader, work, items + at,
                                  left < IMAP_APPEND_MESSAGES ? (size_t)left : IMAP_APPEND_MESSAGES,
                                  &err);
    }
    return err.class == ERROR_NONE ? 0 : loader_error_from(&err, out_err);
}

static int imap_entry_deliver(void *handle, struct loader_delivery *items, uint64_t count,
                              struct loader_error *out_err)
{
    return imap_loader_deliver_all(handle, imap_deliver_run, items, count, out_err);
}

static int imap_entry_look(void *handle, struct loader_delivery *items, uint64_t count,
                           struct loader_error *out_err)
{
    return imap_loader_deliver_all(handle, imap_deliver_look, items, count, out_err);
}

/* ---- The table --------------------------------------------------------------------------------
 */

static struct loader_option imap_options[CONNECTION_KEYS_MAX];
static struct loader_plugin imap_plugin = {
    LOADER_PLUGIN_HEAD,          .name = "IMAP",
    .version = PACKAGE_VERSION,  .summary = "mail from an IMAP mailbox",
    .options = imap_options,     .open = imap_entry_open,
    .next = imap_entry_next,     .settle = imap_entry_settle,
    .close = imap_entry_close,   .wait = imap_entry_wait,
    .parse = imap_entry_parse,   .check = imap_entry_check,
    .survey = imap_entry_survey, .account = imap_entry_account,
    .deliver = imap_entry_deliver, .look = imap_entry_look,
};

/* Runs when the plug-in is loaded, before anybody can look; constant from then on: threads may load
 * it at the same time. */
__attribute__((constructor)) static void imap_entry_describe(void)
{
    size_t count;
    const struct connection_key *keys = imap_settings_keys(&count);
    imap_plugin.option_count = loader_options_from(keys, count, imap_options, CONNECTION_KEYS_MAX);
}

const struct loader_plugin *mailchute_loader_plugin(void)
{
    return &imap_plugin;
}
