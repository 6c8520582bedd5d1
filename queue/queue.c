/* SPDX-License-Identifier: Apache-2.0 */
/* queue.c - the policy of the work queue over any back end. See queue.h and queue-backend.h.
 *
 * Here are: which back end a URL means; what may be put; the states of an entry and the one
 * function that moves it; leases and fences. How and where things are kept is the back end's. */
#include <config.h>
#include "queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fault.h"
#include "queue-backend.h"
#include "queue-id.h"
#include "queue-origin.h"
#include "text.h"

#define QUEUE_TRIES 16u           /* how often somebody else may be faster at the same entry */
#define QUEUE_LEASE_MAX 31536000u /* seconds: a year */

struct queue {
    const struct queue_backend *backend;
    void *store;
    const struct clock *clock;
    bool in_batch; /* something was added that is not committed yet */
    struct queue_claims claims;
};

static const struct queue_backend *const queue_backends[] = {&queue_sqlite_backend,
                                                             &queue_memory_backend};

/* ---- Open and close -------------------------------------------------------------------------- */

static const struct queue_backend *queue_backend_for(const char *url, const char **out_path)
{
    for (size_t i = 0; i < sizeof queue_backends / sizeof queue_backends[0]; i++) {
        size_t len = strlen(queue_backends[i]->name);
        if (!text_starts_nocase(url, queue_backends[i]->name) || url[len] != ':')
            continue;
        *out_path = url + len + 1;
        return queue_backends[i];
    }
    return NULL;
}

int queue_open(const char *url, const char *default_dir, const struct clock *clock,
               struct queue **out_queue, struct error *err)
{
    const char *path;
    const struct queue_backend *backend = queue_backend_for(url, &path);
    if (backend == NULL)
        return error_set(err, ERROR_USAGE,
                         "queue '%.200s' is of no known kind; use sqlite:FOLDER or memory:", url);
    if (path[0] == '\0')
        path = default_dir;
    if (backend->needs_path && (path == NULL || path[0] == '\0'))
        return error_set(err, ERROR_USAGE, "queue '%.200s' lacks its folder; use %s:FOLDER", url,
                         backend->name);
    AUTO(queue) queue = calloc(1, sizeof *queue);
    if (queue == NULL)
        return error_oom(err, "opening the queue");
    queue->backend = backend;
    queue->clock = clock;
    if (backend->open(path, clock, &queue->store, err) < 0)
        return -1;
    fault_point("queue opened");
    *out_queue = TAKE(queue);
    return 0;
}

void queue_close(struct queue *queue)
{
    if (queue == NULL)
        return;
    fault_point("queue_close");
    queue->backend->close(queue->store);
    queue_claims_done(&queue->claims);
    fault_point("queue closed");
    free(queue);
}

const char *queue_spool_dir(const struct queue *queue)
{
    return queue->backend->spool_dir(queue->store);
}

void queue_heed(struct queue *queue, int (*stopped)(void *context), void *context)
{
    if (queue->backend->heed != NULL)
        queue->backend->heed(queue->store, stopped, context);
}

int queue_check(const struct queue *queue, struct error *err)
{
    return queue->backend->check == NULL ? 0 : queue->backend->check(queue->store, err);
}

const char *queue_folder(const struct queue *queue)
{
    return queue->backend->folder(queue->store);
}

void *queue_store(struct queue *queue)
{
    return queue->store;
}

const struct queue_backend *queue_backend_of(const struct queue *queue)
{
    return queue->backend;
}

bool queue_in_batch(const struct queue *queue)
{
    return queue->in_batch;
}

int64_t queue_now_s(const struct queue *queue)
{
    return clock_unix_s(queue->clock);
}

void queue_entry_id(const char *key, char out_id[QUEUE_ID_TEXT])
{
    uint8_t id[QUEUE_UUID_SIZE];
    queue_id_of_key(key, id);
    queue_id_text(id, out_id);
}

/* ---- Putting --------------------------------------------------------------------------------- */

enum queue_state queue_item_state(const struct queue_item *item)
{
    if (item->error != NULL)
        return QUEUE_BAD;
    return item->skipped != NULL ? QUEUE_DONE : QUEUE_NEW;
}

/* A file that should hold @size bytes of @what. */
static int queue_check_file(int fd, uint64_t size, const char *what, struct error *err)
{
    struct stat info = {.st_size = 0};
    if (fstat(fd, &info) < 0 && errno != EBADF)
        return error_set(err, ERROR_STORE, "the file of %s cannot be looked at: %s; check its disk",
                         what, strerror(errno));
    if (S_ISREG(info.st_mode) && info.st_size >= 0 && (uint64_t)info.st_size >= size)
        return 0;
    return error_set(err, ERROR_BUG,
                     "the file of %s holds less than the %llu bytes it should; report this as a "
                     "bug of its loader",
                     what, (unsigned long long)size);
}

static int queue_check_content(const struct queue_item *item, struct error *err)
{
    uint64_t size = item->content_filed > 0 ? item->content_filed : item->content_size;
    if (size > QUEUE_CONTENT_MAX)
        return error_set(err, ERROR_MAIL,
                         "an entry's content of %llu bytes is above the limit of %u",
                         (unsigned long long)size, QUEUE_CONTENT_MAX);
    return item->content_filed == 0
               ? 0
               : queue_check_file(item->content_fd, size, "an entry's content", err);
}

static int queue_check_raw(const struct queue_item *item, struct error *err)
{
    bool has_raw = item->raw_bytes != NULL || item->raw_fd >= 0;
    if (!has_raw)
        return 0;
    if (item->raw_size > QUEUE_RAW_MAX)
        return error_set(err, ERROR_MAIL,
                         "a message of %llu bytes is larger than the %u a queue can keep; set "
                         "'maxSize' lower",
                         (unsigned long long)item->raw_size, QUEUE_RAW_MAX);
    return item->raw_bytes != NULL
               ? 0
               : queue_check_file(item->raw_fd, item->raw_size, "a message", err);
}

/* What a back end gets is a copy of the item with its origin normal and no content missing. */
static int queue_check_item(const struct queue_item *item, uint8_t out_id[QUEUE_UUID_SIZE],
                            struct queue_item *out_item, struct error *err)
{
    if (item->class == NULL || item->queue == NULL || item->source == NULL)
        return error_set(err, ERROR_BUG, "an entry lacks its class, queue or source");
    char key[QUEUE_KEY_MAX];
    *out_item = *item;
    if (queue_check_content(item, err) < 0 || queue_check_raw(item, err) < 0 ||
        queue_origin_normal(&item->origin, &out_item->origin, err) < 0 ||
        queue_origin_key(&out_item->origin, key, err) < 0)
        return -1;
    if (item->content_filed > 0) {
        out_item->content = NULL;
        out_item->content_size = 0;
    } else if (item->content == NULL) {
        out_item->content = "{}";
        out_item->content_size = 2;
    }
    queue_id_of_key(key, out_id);
    return 0;
}

int queue_takes(const struct queue_item *item, struct error *err)
{
    uint8_t id[QUEUE_UUID_SIZE];
    struct queue_item checked;
    return queue_check_item(item, id, &checked, err);
}

enum queue_put_result queue_put(struct queue *queue, const struct queue_item *item,
                                struct error *err)
{
    uint8_t id[QUEUE_UUID_SIZE];
    struct queue_item checked;
    enum queue_put_result result = QUEUE_PUT_FAILED;
    fault_point("queue_put");
    if (queue_check_item(item, id, &checked, err) == 0)
        result = queue->backend->put(queue->store, &checked, id, err);
    if (result == QUEUE_PUT_ADDED)
        queue->in_batch = true;
    /* A batch that holds nothing would only keep other processes waiting. */
    else if (result == QUEUE_PUT_FAILED || !queue->in_batch)
        queue_rollback(queue);
    fault_point("queue put done");
    return result;
}

enum queue_commit_result queue_commit(struct queue *queue, struct error *err)
{
    if (!queue->in_batch)
        return QUEUE_COMMITTED;
    queue->in_batch = false;
    fault_point("queue_commit");
    enum queue_commit_result result = queue->backend->commit(queue->store, err);
    fault_point("queue commit done");
    return result;
}

void queue_rollback(struct queue *queue)
{
    queue->in_batch = false;
    queue->backend->rollback(queue->store);
}

/* ---- Ledger ---------------------------------------------------------------------------------- */

int queue_claim(struct queue *queue, const char *loader, const char *account, const char *mailbox,
                struct error *err)
{
    return queue_claims_take(&queue->claims, queue, loader, account, mailbox, err);
}

/* The records with their origins normal: yours, free(). NULL with err when one has no name. */
static struct queue_record *queue_records_normal(const struct queue_record *records, size_t count,
                                                 struct error *err)
{
    struct queue_record *names = calloc(count + 1, sizeof *names);
    if (names == NULL) {
        error_oom(err, "reading the ledger");
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        names[i] = records[i];
        if (queue_origin_normal(&records[i].origin, &names[i].origin, err) == 0)
            continue;
        free(names);
        return NULL;
    }
    return names;
}

int queue_known(struct queue *queue, struct queue_record *records, size_t count, struct error *err)
{
    struct queue_record *names = queue_records_normal(records, count, err);
    if (names == NULL)
        return -1;
    int failed = queue->backend->known(queue->store, names, count, err);
    for (size_t i = 0; failed == 0 && i < count; i++) {
        struct queue_origin origin = records[i].origin;
        records[i] = names[i];
        records[i].origin = origin;
    }
    free(names);
    return failed;
}

int queue_note(struct queue *queue, const struct queue_record *records, size_t count,
               struct error *err)
{
    if (queue->in_batch)
        return error_set(err, ERROR_BUG, "a step was to be noted inside an open batch");
    for (size_t i = 0; i < count; i++)
        if ((unsigned int)records[i].step > QUEUE_STEP_MOVED)
            return error_set(err, ERROR_BUG, "step %d cannot be noted", (int)records[i].step);
    struct queue_record *names = queue_records_normal(records, count, err);
    if (names == NULL)
        return -1;
    fault_point("queue_note");
    int failed = count == 0 ? 0 : queue->backend->note(queue->store, names, count, err);
    fault_point("queue note done");
    free(names);
    return failed;
}

/* The page behind @after, of which the texts may be those that the store is about to forget. */
static int queue_ledger_behind(struct queue *queue, const struct queue_ledger_page *page,
                               const struct queue_origin *after, struct queue_record *out_records,
                               size_t capacity, size_t *out_count, struct error *err)
{
    struct queue_ledger_page from = *page;
    char key[QUEUE_KEY_MAX], mailbox[QUEUE_KEY_MAX];
    struct queue_origin behind;
    if (after != NULL) {
        if (queue_origin_normal(after, &behind, err) < 0)
            return -1;
        text_copy(key, sizeof key, behind.key);
        text_copy(mailbox, sizeof mailbox, behind.mailbox);
        behind.key = key;
        behind.mailbox = mailbox;
        behind.loader = page->loader;
        behind.account = page->account;
        from.after = &behind;
    }
    return queue->backend->ledger(queue->store, &from, out_records, capacity, out_count, err);
}

int queue_unsettled(struct queue *queue, const char *loader, const char *account,
                    const char *mailbox, const struct queue_origin *after,
                    struct queue_record *out_records, size_t capacity, size_t *out_count,
                    struct error *err)
{
    struct queue_ledger_page page = {loader, account, mailbox, true, false, NULL};
    if (loader == NULL || account == NULL || mailbox == NULL)
        return error_set(err, ERROR_BUG, "a walk of the ledger lacks loader, account or mailbox");
    return queue_ledger_behind(queue, &page, after, out_records, capacity, out_count, err);
}

int queue_settled(struct queue *queue, const char *loader, const char *account, const char *mailbox,
                  const struct queue_origin *after, struct queue_record *out_records,
                  size_t capacity, size_t *out_count, struct error *err)
{
    struct queue_ledger_page page = {loader, account, mailbox, false, true, NULL};
    if (loader == NULL || account == NULL || mailbox == NULL)
        return error_set(err, ERROR_BUG, "a walk of the ledger lacks loader, account or mailbox");
    return queue_ledger_behind(queue, &page, after, out_records, capacity, out_count, err);
}

int queue_ledger(struct queue *queue, const char *loader, const char *account,
                 const struct queue_origin *after, struct queue_record *out_records,
                 size_t capacity, size_t *out_count, struct error *err)
{
    struct queue_ledger_page page = {loader, account, NULL, false, false, NULL};
    if (loader == NULL || account == NULL)
        return error_set(err, ERROR_BUG, "a walk of the ledger lacks loader or account");
    return queue_ledger_behind(queue, &page, after, out_records, capacity, out_count, err);
}

/* ---- Messages that come under another name --------------------------------------------------- */

static int queue_scope_check(const struct queue_origin *scope, struct error *err)
{
    return scope->loader != NULL && scope->account != NULL && scope->mailbox != NULL
               ? 0
               : error_set(err, ERROR_BUG, "a mailbox lacks its loader, account or name");
}

int queue_evidence(struct queue *queue, struct queue_evidence *items, size_t count,
                   struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct queue_origin normal, given = items[i].origin;
        if (queue_origin_normal(&given, &normal, err) < 0)
            return -1;
        items[i] = (struct queue_evidence){.origin = normal};
        int failed = queue->backend->evidence(queue->store, &items[i], 1, err);
        items[i].origin = given;
        if (failed < 0)
            return -1;
    }
    return 0;
}

int queue_settled_like(struct queue *queue, const char *loader, const char *account,
                       const char *mailbox, uint64_t size, struct queue_evidence *out_items,
                       size_t capacity, size_t *out_count, struct error *err)
{
    const struct queue_origin scope = {.loader = loader, .account = account, .mailbox = mailbox};
    *out_count = 0;
    if (queue_scope_check(&scope, err) < 0)
        return -1;
    return queue->backend->settled_like(queue->store, &scope, size, out_items, capacity, out_count,
                                        err);
}

int queue_lookalikes(struct queue *queue, const char *loader, const char *account,
                     const char *mailbox, uint32_t uidvalidity, uint32_t above,
                     struct queue_lookalike *items, size_t count, struct error *err)
{
    const struct queue_origin scope = {.loader = loader,
                                       .account = account,
                                       .mailbox = mailbox,
                                       .uidvalidity = uidvalidity,
                                       .uid = above};
    for (size_t i = 0; i < count; i++) {
        items[i].found = 0;
        if (items[i].likeness < QUEUE_LIKENESS_SIZE || items[i].likeness > QUEUE_LIKENESS_SHA256)
            return error_set(err, ERROR_BUG, "a likeness of kind %u is asked for",
                             items[i].likeness);
    }
    return queue_scope_check(&scope, err) < 0
               ? -1
               : queue->backend->lookalikes(queue->store, &scope, items, count, err);
}

int queue_mailbox_get(struct queue *queue, const char *loader, const char *account,
                      const char *mailbox, struct queue_mailbox *out_state, struct error *err)
{
    const struct queue_origin scope = {.loader = loader, .account = account, .mailbox = mailbox};
    *out_state = (struct queue_mailbox){0};
    return queue_scope_check(&scope, err) < 0
               ? -1
               : queue->backend->mailbox_get(queue->store, &scope, out_state, err);
}

int queue_adopt(struct queue *queue, const char *loader, const char *account, const char *mailbox,
                const struct queue_adoption *items, size_t count,
                const struct queue_mailbox *state, struct error *err)
{
    const struct queue_origin scope = {.loader = loader, .account = account, .mailbox = mailbox};
    if (queue->in_batch)
        return error_set(err, ERROR_BUG, "messages were to be renamed inside an open batch");
    if (queue_scope_check(&scope, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (items[i].from_uid == 0 || items[i].to_uid == 0)
            return error_set(err, ERROR_BUG, "a message without UID cannot be renamed");
    fault_point("queue_adopt");
    int failed = queue->backend->adopt(queue->store, &scope, items, count, state, err);
    fault_point("queue adopt done");
    return failed;
}

int queue_mailbox_set(struct queue *queue, const char *loader, const char *account,
                      const char *mailbox, const struct queue_mailbox *state, struct error *err)
{
    return queue_adopt(queue, loader, account, mailbox, NULL, 0, state, err);
}

/* ---- Looking --------------------------------------------------------------------------------- */

/* *out_entry is yours. */
static int queue_find(struct queue *queue, const char *id, bool with_content,
                      struct queue_entry **out_entry, struct queue_id_range *out_range,
                      struct error *err)
{
    unsigned matches;
    if (queue_id_range_of(id, out_range) < 0) {
        error_set(
            err, ERROR_USAGE,
            "'%.80s' is no entry id; an id has %u characters of 0-9, a-f and '-', of which at "
            "least the first %u are needed",
            id, QUEUE_ID_TEXT - 1, QUEUE_ID_START_MIN);
        return -1;
    }
    if (queue->backend->find(queue->store, out_range, with_content, out_entry, &matches, err) < 0)
        return -1;
    if (*out_entry == NULL) {
        error_set(err, ERROR_USAGE,
                  matches > 1
                      ? "several entries have an id that starts with '%s'; give more of it"
                      : "there is no entry '%s'; 'mailchute queue list' shows those there are",
                  id);
        return -1;
    }
    /* From here on the one that was found is meant, even if others come that start alike. */
    return queue_id_range_of((*out_entry)->id, out_range);
}

int queue_get(struct queue *queue, const char *id, struct queue_entry **out_entry,
              struct error *err)
{
    struct queue_id_range range;
    return queue_find(queue, id, true, out_entry, &range, err);
}

int queue_get_envelope(struct queue *queue, const char *id, struct queue_entry **out_entry,
                       struct error *err)
{
    struct queue_id_range range;
    return queue_find(queue, id, false, out_entry, &range, err);
}

int queue_raw(struct queue *queue, const char *id, int *out_fd, struct error *err)
{
    AUTO(queue_entry) entry = NULL;
    struct queue_id_range range;
    if (queue_find(queue, id, false, &entry, &range, err) < 0)
        return -1;
    if (!entry->has_raw)
        return error_set(err, ERROR_USAGE,
                         "entry '%s' has no raw message: it was set aside without being downloaded",
                         entry->id);
    return queue->backend->raw(queue->store, range.first, out_fd, err);
}

int queue_list(struct queue *queue, const struct queue_filter *filter,
               int (*each)(void *context, const struct queue_entry *entry), void *context,
               struct error *err)
{
    struct queue_id_range after;
    if (filter->after != NULL && (queue_id_range_of(filter->after, &after) < 0 ||
                                  memcmp(after.first, after.last, sizeof after.first) != 0))
        return error_set(err, ERROR_USAGE, "'%.80s' is no whole entry id to continue behind",
                         filter->after);
    return queue->backend->list(queue->store, filter, filter->after == NULL ? NULL : after.first,
                                each, context, err);
}

int queue_stats(struct queue *queue, const char *queue_name, struct queue_stats *out_stats,
                struct error *err)
{
    return queue->backend->stats(queue->store, queue_name, out_stats, err);
}

/* ---- States ---------------------------------------------------------------------------------- */

/*  put -> NEW -> TAKEN -> DONE             TAKEN repeats: a lease that ran out goes to the next.
 *          ^       +----> NEW              (fail or lapse, as the policy of the work queue says)
 *          ^       +----> FAILED -> NEW    (retry)
 *  put -> BAD -------------------> NEW     (retry)
 *  put -> DONE                             (no work to do)
 *  All but TAKEN -> NEW, in another work queue (move) */
#define TO(state) (1u << (state))
static const uint8_t queue_moves[] = {
    [QUEUE_NEW] = TO(QUEUE_TAKEN),
    [QUEUE_TAKEN] = TO(QUEUE_TAKEN) | TO(QUEUE_DONE) | TO(QUEUE_FAILED),
    [QUEUE_DONE] = 0,
    [QUEUE_FAILED] = TO(QUEUE_NEW),
    [QUEUE_BAD] = TO(QUEUE_NEW),
};

/* What a refused move says: the state wanted, then what to do about it. */
static const char *const queue_move_advice[] = {
    [QUEUE_NEW] = "only a failed or bad entry can be tried again",
    [QUEUE_TAKEN] = "only a new entry can be taken",
    [QUEUE_DONE] = "take it first",
    [QUEUE_FAILED] = "take it first",
    [QUEUE_BAD] = "that state is given at pick-up alone",
};

static uint32_t queue_chance(void)
{
    uint8_t id[QUEUE_UUID_SIZE];
    uint32_t chance;
    queue_id_random(id);
    memcpy(&chance, id, sizeof chance); /* bits without a meaning of their own */
    return chance;
}

/* What its work queue does with an entry that failed: where it goes, and when it is due again. */
static void queue_apply_policy(const struct queue_policy *policy, int64_t now_s,
                               struct queue_change *change)
{
    switch (queue_policy_failed(policy, change->attempts, now_s, queue_chance(), &change->due_s)) {
    case QUEUE_VERDICT_RETRY:
        change->to = QUEUE_NEW;
        break;
    case QUEUE_VERDICT_ASIDE:
        change->to = QUEUE_NEW;
        change->queue = policy->error_queue;
        change->attempts = 0;
        break;
    case QUEUE_VERDICT_FAIL:
        break;
    }
}

static int queue_store_change(struct queue *queue, struct queue_entry *entry,
                              const struct queue_change *change, bool *out_changed,
                              struct error *err)
{
    struct queue_id_range id;
    if (queue_id_range_of(entry->id, &id) < 0)
        return error_set(err, ERROR_BUG, "entry '%s' has a broken id", entry->id);
    if (queue->backend->change(queue->store, id.first, change, out_changed, err) < 0)
        return -1;
    if (*out_changed) {
        entry->state = change->to;
        entry->fence = change->fence;
        entry->attempts = change->attempts;
        entry->due_s = change->due_s;
        entry->lease_until_s = change->lease_until_s;
    }
    return 0;
}

/* What is to become of an entry. */
struct queue_step_to {
    enum queue_state state;
    int64_t lease_until_s; /* QUEUE_TAKEN */
    const char *why;       /* the error it has from then on */
    const char *queue;     /* the work queue it is moved to; NULL: it stays */
};

static int queue_check_step(const struct queue_entry *entry, const struct queue_step_to *step,
                            struct error *err)
{
    bool allowed = step->queue != NULL ? entry->state != QUEUE_TAKEN
                                       : (queue_moves[entry->state] & TO(step->state)) != 0;
    if (allowed)
        return 0;
    return error_set(err, ERROR_USAGE, "entry '%s' is %s, not to become %s: %s", entry->id,
                     queue_state_name(entry->state), queue_state_name(step->state),
                     step->queue != NULL ? "somebody works on it" : queue_move_advice[step->state]);
}

/* The only place that changes an entry's state. *out_changed is false when somebody else was
 * faster: look again. */
static int queue_enter(struct queue *queue, struct queue_entry *entry,
                       const struct queue_step_to *step, bool *out_changed, struct error *err)
{
    enum queue_state next = step->state;
    if (queue_check_step(entry, step, err) < 0)
        return -1;
    struct queue_named named = {.is_error_queue = false};
    struct queue_window window;
    int64_t now_s = clock_unix_s(queue->clock);
    bool take = next == QUEUE_TAKEN;
    struct queue_change change = {
        .from = entry->state,
        .to = next,
        .from_fence = entry->fence,
        .fence = entry->fence + (take ? 1 : 0),
        .attempts = step->queue != NULL
                        ? 0
                        : entry->attempts + (take && entry->attempts < UINT32_MAX ? 1 : 0),
        .lease_until_s = take ? step->lease_until_s : 0,
        .error = step->why,
        .queue = step->queue,
    };
    if ((take || next == QUEUE_FAILED) &&
        queue->backend->named_get(queue->store, entry->queue, &named, err) < 0)
        return -1;
    if (next == QUEUE_FAILED)
        queue_apply_policy(&named.policy, now_s, &change);
    if (take && named.policy.throttle_items != 0) {
        window = queue_window_count(&named.policy, &named.window, now_s);
        change.from_window = &named.window;
        change.window = &window;
    }
    return queue_store_change(queue, entry, &change, out_changed, err);
}

static int queue_give_up(struct error *err)
{
    return error_set(err, ERROR_STORE, "other workers were faster %u times in a row; try again",
                     QUEUE_TRIES);
}

/* Its lease ran out, and its queue counts that: it has failed. *out_lapsed is false where it does
 * not. */
static int queue_lapse(struct queue *queue, struct queue_entry *entry, bool *out_lapsed,
                       struct error *err)
{
    struct queue_named named = {.is_error_queue = false};
    const struct queue_step_to failed = {
        .state = QUEUE_FAILED, .why = "its lease ran out before anybody told how it went"};
    bool changed; /* if not, somebody else was faster: either way it is to be looked at again */
    *out_lapsed = false;
    if (entry->state != QUEUE_TAKEN)
        return 0;
    if (queue->backend->named_get(queue->store, entry->queue, &named, err) < 0)
        return -1;
    *out_lapsed = queue_policy_counts_lapses(&named.policy);
    return *out_lapsed ? queue_enter(queue, entry, &failed, &changed, err) : 0;
}

/* The entry that is to be taken next: NULL when there is none, or too many were dealt with. */
static int queue_next_due(struct queue *queue, const char *queue_name, int64_t now_s,
                          struct queue_entry **out_entry, struct error *err)
{
    *out_entry = NULL;
    for (unsigned lapses = 0; lapses < QUEUE_LAPSES; lapses++) {
        AUTO(queue_entry) entry = NULL;
        bool lapsed = false;
        if (queue->backend->due(queue->store, queue_name, now_s, &entry, err) < 0 ||
            (entry != NULL && queue_lapse(queue, entry, &lapsed, err) < 0))
            return -1;
        if (lapsed)
            continue;
        *out_entry = TAKE(entry);
        return 0;
    }
    return 0;
}

int queue_take(struct queue *queue, const char *queue_name, uint32_t lease_s,
               struct queue_entry **out_entry, struct error *err)
{
    if (queue->in_batch)
        return error_set(err, ERROR_BUG, "an entry was to be taken inside an open batch");
    if (lease_s == 0 || lease_s > QUEUE_LEASE_MAX)
        return error_set(err, ERROR_USAGE, "a lease lasts 1 to %u seconds, not %u", QUEUE_LEASE_MAX,
                         lease_s);
    for (unsigned tries = 0; tries < QUEUE_TRIES; tries++) {
        AUTO(queue_entry) entry = NULL;
        bool changed = false;
        int64_t now_s = clock_unix_s(queue->clock);
        if (queue_next_due(queue, queue_name, now_s, &entry, err) < 0)
            return -1;
        if (entry == NULL) {
            *out_entry = NULL;
            return 0;
        }
        const struct queue_step_to taken = {.state = QUEUE_TAKEN, .lease_until_s = now_s + lease_s};
        if (queue_enter(queue, entry, &taken, &changed, err) < 0)
            return -1;
        if (!changed)
            continue;
        free(entry->error);
        entry->error = NULL;
        *out_entry = TAKE(entry);
        return 0;
    }
    return queue_give_up(err);
}

/* step->why NULL: the error the entry has is kept. */
static int queue_settle(struct queue *queue, const char *id, uint64_t fence,
                        const struct queue_step_to *wanted, struct error *err)
{
    if (queue->in_batch)
        return error_set(err, ERROR_BUG, "an entry was to become %s inside an open batch",
                         queue_state_name(wanted->state));
    for (unsigned tries = 0; tries < QUEUE_TRIES; tries++) {
        AUTO(queue_entry) entry = NULL;
        struct queue_id_range range;
        bool changed = false;
        if (queue_find(queue, id, false, &entry, &range, err) < 0)
            return -1;
        if (fence != 0 && entry->state == QUEUE_TAKEN && entry->fence != fence)
            return error_set(err, ERROR_USAGE,
                             "the lease of entry '%s' ran out and somebody else has it now; drop "
                             "your result",
                             entry->id);
        if (wanted->queue != NULL && strcmp(wanted->queue, entry->queue) == 0)
            return error_set(err, ERROR_USAGE, "entry '%s' is in the work queue '%s' already",
                             entry->id, wanted->queue);
        struct queue_step_to step = *wanted;
        if (step.why == NULL)
            step.why = entry->error;
        if (queue_enter(queue, entry, &step, &changed, err) < 0)
            return -1;
        if (changed)
            return 0;
    }
    return queue_give_up(err);
}

int queue_done(struct queue *queue, const char *id, uint64_t fence, struct error *err)
{
    return queue_settle(queue, id, fence, &(struct queue_step_to){.state = QUEUE_DONE}, err);
}

int queue_fail(struct queue *queue, const char *id, uint64_t fence, const char *why,
               struct error *err)
{
    if (why == NULL || why[0] == '\0')
        return error_set(err, ERROR_USAGE, "say why entry '%.80s' failed", id);
    return queue_settle(queue, id, fence,
                        &(struct queue_step_to){.state = QUEUE_FAILED, .why = why}, err);
}

int queue_retry(struct queue *queue, const char *id, struct error *err)
{
    return queue_settle(queue, id, 0, &(struct queue_step_to){.state = QUEUE_NEW}, err);
}

int queue_move(struct queue *queue, const char *id, const char *name, struct error *err)
{
    const struct queue_policy none = {.retry = QUEUE_RETRY_NONE};
    if (queue_policy_check(name, &none, err) < 0)
        return -1;
    return queue_settle(queue, id, 0,
                        &(struct queue_step_to){.state = QUEUE_NEW, .queue = name}, err);
}
