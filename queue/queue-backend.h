/* SPDX-License-Identifier: Apache-2.0 */
/* queue-backend.h - what a store must be able to do to serve as a work queue. Internal.
 *
 * queue.c holds the policy: it checks arguments, makes ids, knows the states and who may move to
 * which, leases and fences. A back end stores, finds, and changes one entry if it is still as it
 * was (change): that much SQLite, PostgreSQL and memory can all do, in one transaction where it
 * says so.
 *
 * What queue.c warrants to each function: arguments within the limits of queue.h; origins whole,
 * with key "" where uid is not 0 and uidvalidity 0 where it is (loader: equal in any ASCII case);
 * note(), adopt() and change() never inside an open batch; after a failed put() comes a rollback();
 * commit() only with something in the batch; content of an item is NULL only where it is in a file
 * (content_filed), which has so many bytes. Ownership, results and errors otherwise as queue.h
 * tells for the function of the same name.
 *
 * A store that only publishes (RabbitMQ) can stand behind put() and commit() alone, with the ledger
 * and all the rest in another one. */
#ifndef MAILCHUTE_QUEUE_QUEUE_BACKEND_H
#define MAILCHUTE_QUEUE_QUEUE_BACKEND_H

#include "queue-access.h"
#include "queue-append.h"
#include "queue-hook.h"
#include "queue-id.h"
#include "queue-policy.h"
#include "queue-source.h"
#include "queue.h"

/* What becomes of an entry, provided that its state and fence are still from and from_fence. */
struct queue_change {
    enum queue_state from, to;
    uint64_t from_fence, fence;
    uint32_t attempts;
    int64_t due_s, lease_until_s;
    const char *error; /* NULL: none */
    const char *queue; /* where it goes; NULL: it stays */
    /* The window of the queue that it is in, provided that it is still from_window. NULL: left. */
    const struct queue_window *from_window, *window;
};

/* Which records of the ledger are wanted. */
struct queue_ledger_page {
    const char *loader, *account;
    const char *mailbox;              /* NULL: all of the account */
    bool unsettled;                   /* only those from STORED to DELETING */
    bool settled;                     /* only those that are MOVED */
    const struct queue_origin *after; /* whole; NULL: from the start. None of it is the store's */
};

/* Users, tokens, audit, see queue-access.h; none of these inside an open batch. *out_done is false
 * where there is one of that name (user_add), or none of that id, or no room (token_add). */
struct queue_access_backend {
    int (*user_add)(void *store, const struct queue_user *user, bool *out_done, struct error *err);
    int (*user_change)(void *store, const struct queue_user *user, uint32_t kept_kind,
                       bool *out_done, struct error *err);
    int (*user_remove)(void *store, const char *id, bool *out_done, struct error *err);
    int (*user_find)(void *store, const char *id, const char *name, struct queue_user *out_user,
                     bool *out_found, struct error *err);
    int (*user_each)(void *store, int (*each)(void *context, const struct queue_user *user),
                     void *context, struct error *err);
    int (*token_add)(void *store, const struct queue_token *token, bool *out_done,
                     struct error *err);
    int (*token_find)(void *store, const uint8_t digest[QUEUE_TOKEN_DIGEST_SIZE], int64_t now_s,
                      struct queue_token *out_token, bool *out_found, struct error *err);
    int (*token_used)(void *store, const char *id, int64_t used_s, struct error *err);
    int (*token_remove)(void *store, const char *id, bool *out_removed, struct error *err);
    int (*token_each)(void *store, uint32_t kind, const char *user_id, int64_t now_s,
                      int (*each)(void *context, const struct queue_token *token), void *context,
                      struct error *err);
    int (*audit_add)(void *store, const struct queue_audit *line, struct error *err);
    int (*audit_each)(void *store, uint64_t before, uint64_t limit,
                      int (*each)(void *context, const struct queue_audit *line), void *context,
                      struct error *err);
};

struct queue_backend {
    const char *name; /* scheme of its URLs, "sqlite" */

    /* @path: what follows the colon, or the default; may be NULL if needs_path is not set. */
    bool needs_path;
    int (*open)(const char *path, const struct clock *clock, void **out_store, struct error *err);
    void (*close)(void *store); /* an open batch is rolled back; NULL is fine */
    void (*heed)(void *store, int (*stopped)(void *context), void *context); /* NULL: never waits */
    int (*check)(void *store, struct error *err); /* NULL: nothing that could be lost */
    const char *(*folder)(const void *store); /* NULL: it has none */
    const char *(*spool_dir)(const void *store);

    /* @id names the mailbox. *out_claimed is false when somebody else has it; *out_fd holds the
     * claim until it is closed, -1 where nobody else could have it. */
    int (*claim)(void *store, const uint8_t id[QUEUE_UUID_SIZE], bool *out_claimed, int *out_fd,
                 struct error *err);

    enum queue_put_result (*put)(void *store, const struct queue_item *item,
                                 const uint8_t id[QUEUE_UUID_SIZE], struct error *err);
    enum queue_commit_result (*commit)(void *store, struct error *err);
    void (*rollback)(void *store); /* without a batch: nothing */

    int (*known)(void *store, struct queue_record *records, size_t count, struct error *err);
    int (*note)(void *store, const struct queue_record *records, size_t count, struct error *err);
    int (*ledger)(void *store, const struct queue_ledger_page *page,
                  struct queue_record *out_records, size_t capacity, size_t *out_count,
                  struct error *err);

    /* @scope: loader, account and mailbox; the rest of it is zero. */
    int (*evidence)(void *store, struct queue_evidence *items, size_t count, struct error *err);
    int (*settled_like)(void *store, const struct queue_origin *scope, uint64_t size,
                        struct queue_evidence *out_items, size_t capacity, size_t *out_count,
                        struct error *err);
    /* @scope: uidvalidity and uid are those that queue_lookalikes() is given. */
    int (*lookalikes)(void *store, const struct queue_origin *scope, struct queue_lookalike *items,
                      size_t count, struct error *err);
    int (*mailbox_get)(void *store, const struct queue_origin *scope,
                       struct queue_mailbox *out_state, struct error *err);
    int (*adopt)(void *store, const struct queue_origin *scope,
                 const struct queue_adoption *items, size_t count,
                 const struct queue_mailbox *state, struct error *err);

    /* @after: NULL, or the id of the entry to continue behind (ERROR_USAGE when it is not there).
     */
    int (*list)(void *store, const struct queue_filter *filter, const uint8_t *after,
                int (*each)(void *context, const struct queue_entry *entry), void *context,
                struct error *err);

    /* The entry in this range; its content, which may be large, may be missing unless it is wanted.
     * *out_matches: 0, 1, or 2 for several; *out_entry is NULL unless it is 1. */
    int (*find)(void *store, const struct queue_id_range *range, bool with_content,
                struct queue_entry **out_entry, unsigned *out_matches, struct error *err);

    /* The entry that is to be worked on next at @now_s, with its content, NULL when there is none.
     * Queues whose window is not open are passed over; so are error queues where none is named. */
    int (*due)(void *store, const char *queue_name, int64_t now_s, struct queue_entry **out_entry,
               struct error *err);

    /* All or nothing, durable when it returns. *out_changed is false when the entry, or the window,
     * is no longer as it was. */
    int (*change)(void *store, const uint8_t id[QUEUE_UUID_SIZE], const struct queue_change *change,
                  bool *out_changed, struct error *err);

    int (*raw)(void *store, const uint8_t id[QUEUE_UUID_SIZE], int *out_fd, struct error *err);
    int (*stats)(void *store, const char *queue_name, struct queue_stats *out_stats,
                 struct error *err);

    /* Sources, see queue-source.h; none of these inside an open batch but source_each and _epoch.
     * *out_done is false where there is one of that name (add), or none of that id and version
     * (change: to version + 1), or none of that id (remove). */
    int (*source_add)(void *store, const struct queue_source *source, bool *out_done,
                      struct error *err);
    int (*source_change)(void *store, const struct queue_source *source, bool *out_done,
                         struct error *err);
    int (*source_remove)(void *store, const uint8_t id[QUEUE_UUID_SIZE], bool *out_done,
                         struct error *err);
    /* Those whose names come behind @after ("": all), by name. */
    int (*source_each)(void *store, const char *after,
                       int (*each)(void *context, const struct queue_source *source), void *context,
                       struct error *err);
    /* By @id, or if that is NULL by @name; *out_source is NULL when there is none. */
    int (*source_find)(void *store, const uint8_t *id, const char *name,
                       struct queue_source **out_source, struct error *err);
    int (*source_days)(void *store, const char *name, int64_t first_day,
                       int (*each)(void *context, const struct queue_source_day *day),
                       void *context, struct error *err);
    int (*source_tell)(void *store, const struct queue_source_report *reports, size_t count,
                       struct error *err);
    int (*source_epoch)(void *store, uint64_t *out_epoch, struct error *err);

    /* Work queues, see queue-policy.h; named_set never inside an open batch. named_get leaves
     * *out_named alone where it was never configured, and its name always; named_set empties the
     * window. */
    int (*named_get)(void *store, const char *name, struct queue_named *out_named,
                     struct error *err);
    int (*named_set)(void *store, const char *name, const struct queue_policy *policy,
                     struct error *err);
    int (*named_each)(void *store, int (*each)(void *context, const struct queue_named *named),
                      void *context, struct error *err);

    /* Hooks, see queue-hook.h; hook_set, delivery_tell and _again never inside an open batch.
     * Whatever brings an entry into a queue (put, change) writes its deliveries in the same
     * transaction, unless it is put as done. */
    int (*hook_set)(void *store, const char *name, enum queue_hook_kind kind, const char *target,
                    const uint8_t *secret, size_t secret_size, struct error *err);
    int (*hook_each)(void *store, int (*each)(void *context, const struct queue_hook *hook),
                     void *context, struct error *err);
    int (*delivery_next)(void *store, uint64_t hook, const struct queue_delivery_place *at,
                         int64_t now_s, struct queue_delivery **out_delivery, struct error *err);
    int (*delivery_tell)(void *store, const struct queue_delivery_outcome *outcomes, size_t count,
                         int64_t now_s, struct error *err);
    int (*delivery_again)(void *store, const char *name, uint64_t *out_count, struct error *err);

    /* What was delivered, see queue-append.h; append_note and _adopt never inside an open batch. */
    int (*append_open)(void *store, const char *target, uint64_t after,
                       struct queue_append *out_items, size_t capacity, size_t *out_count,
                       struct error *err);
    int (*append_note)(void *store, const char *target, const struct queue_append *items,
                       size_t count, struct error *err);
    int (*append_adopt)(void *store, const char *from, const char *to, struct error *err);

    const struct queue_access_backend *access; /* NULL: it keeps no users */
};

extern const struct queue_backend queue_memory_backend;
extern const struct queue_backend queue_sqlite_backend;

/** queue_store, queue_backend_of - the back end and its own handle: for queue-source.c and tests.
 */
void *queue_store(struct queue *queue);
const struct queue_backend *queue_backend_of(const struct queue *queue);

/** queue_item_state - the state that an entry is put in. */
enum queue_state queue_item_state(const struct queue_item *item);

/** queue_in_batch - something was put that is not committed yet. */
bool queue_in_batch(const struct queue *queue);
int64_t queue_now_s(const struct queue *queue);

#endif
