/* SPDX-License-Identifier: Apache-2.0 */
/* queue-memory-private.h - what the files of the queue in memory share; nobody else includes it.
 *
 *   queue-memory.c          entries, ledger, states
 *   queue-memory-mailbox.c  evidence, mailboxes, and messages that come under another name
 *   queue-memory-named.c    policies of work queues
 *   queue-memory-hook.c     who is told of what comes into them
 *   queue-memory-append.c   what was delivered where */
#ifndef MAILCHUTE_QUEUE_QUEUE_MEMORY_PRIVATE_H
#define MAILCHUTE_QUEUE_QUEUE_MEMORY_PRIVATE_H

#include "queue-backend.h"
#include "queue-memory-source.h"

/* One mailbox, of which all its rows share the name. */
struct memory_scope {
    struct memory_scope *next;
    char *loader, *account, *mailbox;
    struct queue_mailbox state;
};

/* A folder messages move to. Kept to the end: records that were handed out point to it. */
struct memory_target {
    struct memory_target *next;
    char *name;
};

/* What the ledger knows of one message. The names in record point into scope, key and a target. */
struct memory_row {
    struct memory_scope *scope;
    char *key;
    struct queue_record record;
    bool has_entry;
    size_t entry; /* has_entry: where in the array */
    bool renamed; /* its message has another name, and another row, now */
};

struct memory_entry {
    struct queue_entry *entry;
    uint8_t id[QUEUE_UUID_SIZE];
    uint8_t *raw;
    bool came_bad; /* its state when it was put */
    uint64_t message_id;
    struct memory_row *row;     /* of this message */
    struct queue_record before; /* the row as it was, for a rollback */
};

/* A work queue that was configured. */
struct memory_named {
    struct memory_named *next;
    struct queue_named named;
};

struct queue_memory {
    const struct clock *clock;
    struct memory_entry *entries;
    size_t count, capacity, committed; /* committed <= count: behind it lies the open batch */
    struct memory_scope *scopes;
    struct memory_target *targets;
    void *ledger; /* tree of struct memory_row */
    struct queue_memory_sources sources;
    struct memory_named *named; /* by name */
    struct memory_hook *hooks;
    struct memory_delivery *deliveries; /* in the order they came */
    uint64_t last_number; /* of a hook or a delivery */
    struct memory_append *appends;
};

/** memory_scope_find, memory_row_find - NULL when it is not known. */
struct memory_scope *memory_scope_find(const struct queue_memory *store,
                                       const struct queue_origin *origin);
struct memory_row *memory_row_find(const struct queue_memory *store,
                                   const struct queue_origin *origin);

/** memory_scope_get, memory_row_get - made if it is not known; NULL only out of memory. */
struct memory_scope *memory_scope_get(struct queue_memory *store,
                                      const struct queue_origin *origin);
struct memory_row *memory_row_get(struct queue_memory *store, const struct queue_origin *origin);

/* As in the vtable. */
int memory_evidence(void *store, struct queue_evidence *items, size_t count, struct error *err);
int memory_settled_like(void *store, const struct queue_origin *scope, uint64_t size,
                        struct queue_evidence *out_items, size_t capacity, size_t *out_count,
                        struct error *err);
int memory_lookalikes(void *store, const struct queue_origin *scope, struct queue_lookalike *items,
                      size_t count, struct error *err);
int memory_mailbox_get(void *store, const struct queue_origin *scope,
                       struct queue_mailbox *out_state, struct error *err);
int memory_adopt(void *store, const struct queue_origin *scope,
                 const struct queue_adoption *items, size_t count,
                 const struct queue_mailbox *state, struct error *err);

int memory_named_get(void *store, const char *name, struct queue_named *out_named,
                     struct error *err);
int memory_named_set(void *store, const char *name, const struct queue_policy *policy,
                     struct error *err);
int memory_named_each(void *store, int (*each)(void *context, const struct queue_named *named),
                      void *context, struct error *err);

/** memory_named_is_open, _is_error_queue - of the work queue @name. */
bool memory_named_is_open(const struct queue_memory *store, const char *name, int64_t now_s);
bool memory_named_is_error_queue(const struct queue_memory *store, const char *name);

/** memory_named_count - false when the window is no longer @from. */
bool memory_named_count(struct queue_memory *store, const char *name,
                        const struct queue_window *from, const struct queue_window *to);
void memory_named_skip(struct queue_memory *store, const struct queue_entry *entry); /* count it */
void memory_named_done(struct queue_memory *store);

int memory_hook_set(void *store, const char *name, enum queue_hook_kind kind, const char *target,
                    const uint8_t *secret, size_t secret_size, struct error *err);
int memory_hook_each(void *store, int (*each)(void *context, const struct queue_hook *hook),
                     void *context, struct error *err);
int memory_delivery_next(void *store, uint64_t hook, const struct queue_delivery_place *at,
                         int64_t now_s, struct queue_delivery **out_delivery, struct error *err);
int memory_delivery_tell(void *store, const struct queue_delivery_outcome *outcomes, size_t count,
                         int64_t now_s, struct error *err);
int memory_delivery_again(void *store, const char *name, uint64_t *out_count, struct error *err);

/** memory_hook_fire - @entry, by its place in the array, has come into its queue. -1 only out of
 * memory. */
int memory_hook_fire(struct queue_memory *store, size_t entry, bool moved);
void memory_hook_done(struct queue_memory *store);

int memory_append_open(void *store, const char *target, uint64_t after,
                       struct queue_append *out_items, size_t capacity, size_t *out_count,
                       struct error *err);
int memory_append_note(void *store, const char *target, const struct queue_append *items,
                       size_t count, struct error *err);
int memory_append_adopt(void *store, const char *from, const char *to, struct error *err);
void memory_append_done(struct queue_memory *store);

#endif
