/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite.h - the SQLite back end's handle, shared by its files. Internal.
 *
 * queue-sqlite.c         open, close, put, commit: what a batch is, and what a failed commit means
 * queue-sqlite-ledger.c  known, note, pages
 * queue-sqlite-mailbox.c evidence, mailboxes, and messages that come under another name
 * queue-sqlite-entry.c   list, find, due, change, raw, stats
 * queue-sqlite-content.c content that came as a file
 * queue-sqlite-word.c    names that come again and again, as numbers
 * queue-sqlite-source.c  the sources
 * queue-sqlite-named.c   policies of work queues
 * queue-sqlite-access.c  who may look into it over the network
 * queue-sqlite-hook.c    who is told of what comes into them
 * queue-sqlite-append.c  what was delivered where
 * queue-sqlite-claim.c   who picks up from which mailbox
 * below: -db (connection), -schema (tables, statements), -folder, -raw (files), -same (are they
 * still what was opened?) */
#ifndef MAILCHUTE_QUEUE_QUEUE_SQLITE_H
#define MAILCHUTE_QUEUE_QUEUE_SQLITE_H

#include "buffer.h"
#include "queue-backend.h"
#include "queue-sqlite-claim.h"
#include "queue-sqlite-db.h"
#include "queue-sqlite-folder.h"
#include "queue-sqlite-raw.h"

/* Where the raw bytes of an entry are. The numbers stand in the database. */
enum queue_sqlite_place {
    QUEUE_SQLITE_NOWHERE = 0,
    QUEUE_SQLITE_INLINE = 1,
    QUEUE_SQLITE_FILE = 2
};

/* A name that was looked up last, and its number. */
struct queue_sqlite_word {
    char *text; /* NULL: none */
    int64_t id;
};

/* What words are for: each use remembers its own last one. */
enum queue_sqlite_word_use {
    QUEUE_SQLITE_USE_CLASS,
    QUEUE_SQLITE_USE_SOURCE,
    QUEUE_SQLITE_USE_TARGET,
    QUEUE_SQLITE_USE_QUEUE, /* numbered apart from the others */
    QUEUE_SQLITE_USES
};

#define QUEUE_SQLITE_FOUND 1024u /* entries whose place is remembered; a power of two */

/* Where an entry was found: the next step with it needs no search. n 0: nothing. */
struct queue_sqlite_found {
    uint8_t id[QUEUE_UUID_SIZE];
    int64_t n;
};

/* Texts that records which were handed out point to. */
struct queue_sqlite_texts {
    char **items;
    size_t count, capacity;
};

struct queue_sqlite {
    struct queue_sqlite_db db;
    struct queue_sqlite_folder folder;
    struct queue_sqlite_raw raw;
    const struct clock *clock;
    bool in_batch;
    int64_t last; /* in a batch: n of the last entry */
    uint8_t (*ids)[QUEUE_UUID_SIZE]; /* of the entries in the open batch */
    size_t id_count, id_capacity;
    struct queue_sqlite_word words[QUEUE_SQLITE_USES];
    struct {
        char *loader, *account, *mailbox; /* NULL: none */
        int64_t id;
    } scope; /* the one looked up last */
    struct queue_sqlite_texts texts;
    struct queue_sqlite_found found[QUEUE_SQLITE_FOUND]; /* by the first bits of the id */
};

/* ---- Words ----------------------------------------------------------------------------------- */

/** queue_sqlite_word_find - the number of a name: 1, or 0 when it has none. */
int queue_sqlite_word_find(struct queue_sqlite *store, enum queue_sqlite_word_use use,
                           const char *text, int64_t *out_id, struct error *err);
int queue_sqlite_scope_find(struct queue_sqlite *store, const struct queue_origin *origin,
                            int64_t *out_id, struct error *err);

/** queue_sqlite_word_get - the same, and gives it a number. Inside a write transaction only. */
int queue_sqlite_word_get(struct queue_sqlite *store, enum queue_sqlite_word_use use,
                          const char *text, int64_t *out_id, struct error *err);
int queue_sqlite_scope_get(struct queue_sqlite *store, const struct queue_origin *origin,
                           int64_t *out_id, struct error *err);

/** queue_sqlite_forget - after a rollback: numbers of names and entries may have been given in it.
 */
void queue_sqlite_forget(struct queue_sqlite *store);

/* ---- Reading --------------------------------------------------------------------------------- */

/** queue_sqlite_read_begin - all reads until _read_end see one state: the open batch's, or that of
 * a transaction of their own. */
int queue_sqlite_read_begin(struct queue_sqlite *store, struct error *err);
void queue_sqlite_read_end(struct queue_sqlite *store);

/** queue_sqlite_n_of_id - n of the entry of this very id: 1, or 0 when there is none. */
int queue_sqlite_n_of_id(struct queue_sqlite *store, const uint8_t id[QUEUE_UUID_SIZE],
                         int64_t *out_n, struct error *err);

/** queue_sqlite_entry_read - entry @n; *out_entry is yours. While reading. */
int queue_sqlite_entry_read(struct queue_sqlite *store, int64_t n, bool with_content,
                            struct queue_entry **out_entry, struct error *err);

/* ---- Large content --------------------------------------------------------------------------- */

/* Bytes of a piece; content of more that came as a file is kept in pieces. Measured: 32 kB to 512
 * kB take the same time; larger ones more memory, smaller ones more of the disk (this: 5 %). */
#define QUEUE_SQLITE_PIECE (128u << 10)

bool queue_sqlite_content_is_large(const struct queue_item *item);

/** queue_sqlite_content_add - the large content of entry @n. Inside a write transaction. */
int queue_sqlite_content_add(struct queue_sqlite *store, int64_t n, const struct queue_item *item,
                             struct error *err);

/** queue_sqlite_content_size - of what stands in body.content: the bytes that lie in pieces, 0: it
 * is the content itself. */
uint64_t queue_sqlite_content_size(const char *content);

/** queue_sqlite_content_read - append the pieces of entry @n to @out, which is empty: @size bytes.
 * While reading. */
int queue_sqlite_content_read(struct queue_sqlite *store, int64_t n, uint64_t size,
                              struct buffer *out, struct error *err);

/* ---- As in the vtable ------------------------------------------------------------------------ */

int queue_sqlite_known(void *store, struct queue_record *records, size_t count, struct error *err);
int queue_sqlite_note(void *store, const struct queue_record *records, size_t count,
                      struct error *err);
int queue_sqlite_ledger(void *store, const struct queue_ledger_page *page,
                        struct queue_record *out_records, size_t capacity, size_t *out_count,
                        struct error *err);

int queue_sqlite_evidence(void *store, struct queue_evidence *items, size_t count,
                          struct error *err);
int queue_sqlite_settled_like(void *store, const struct queue_origin *scope, uint64_t size,
                              struct queue_evidence *out_items, size_t capacity, size_t *out_count,
                              struct error *err);
int queue_sqlite_lookalikes(void *store, const struct queue_origin *scope,
                            struct queue_lookalike *items, size_t count, struct error *err);
int queue_sqlite_mailbox_get(void *store, const struct queue_origin *scope,
                             struct queue_mailbox *out_state, struct error *err);
int queue_sqlite_adopt(void *store, const struct queue_origin *scope,
                       const struct queue_adoption *items, size_t count,
                       const struct queue_mailbox *state, struct error *err);

int queue_sqlite_list(void *store, const struct queue_filter *filter, const uint8_t *after,
                      int (*each)(void *context, const struct queue_entry *entry), void *context,
                      struct error *err);
int queue_sqlite_find(void *store, const struct queue_id_range *range, bool with_content,
                      struct queue_entry **out_entry, unsigned *out_matches, struct error *err);
int queue_sqlite_due(void *store, const char *queue_name, int64_t now_s,
                     struct queue_entry **out_entry, struct error *err);
int queue_sqlite_change(void *store, const uint8_t id[QUEUE_UUID_SIZE],
                        const struct queue_change *change, bool *out_changed, struct error *err);
int queue_sqlite_raw_get(void *store, const uint8_t id[QUEUE_UUID_SIZE], int *out_fd,
                         struct error *err);
int queue_sqlite_stats(void *store, const char *queue_name, struct queue_stats *out_stats,
                       struct error *err);

int queue_sqlite_source_add(void *store, const struct queue_source *source, bool *out_done,
                            struct error *err);
int queue_sqlite_source_change(void *store, const struct queue_source *source, bool *out_done,
                               struct error *err);
int queue_sqlite_source_remove(void *store, const uint8_t id[QUEUE_UUID_SIZE], bool *out_done,
                               struct error *err);
int queue_sqlite_source_each(void *store, const char *after,
                             int (*each)(void *context, const struct queue_source *source),
                             void *context, struct error *err);
int queue_sqlite_source_find(void *store, const uint8_t *id, const char *name,
                             struct queue_source **out_source, struct error *err);
int queue_sqlite_source_days(void *store, const char *name, int64_t first_day,
                             int (*each)(void *context, const struct queue_source_day *day),
                             void *context, struct error *err);
int queue_sqlite_source_tell(void *store, const struct queue_source_report *reports, size_t count,
                             struct error *err);
int queue_sqlite_source_epoch(void *store, uint64_t *out_epoch, struct error *err);

int queue_sqlite_named_get(void *store, const char *name, struct queue_named *out_named,
                           struct error *err);
int queue_sqlite_named_set(void *store, const char *name, const struct queue_policy *policy,
                           struct error *err);
int queue_sqlite_named_each(void *store,
                            int (*each)(void *context, const struct queue_named *named),
                            void *context, struct error *err);

int queue_sqlite_hook_set(void *store, const char *name, enum queue_hook_kind kind,
                          const char *target, const uint8_t *secret, size_t secret_size,
                          struct error *err);
int queue_sqlite_hook_each(void *store,
                           int (*each)(void *context, const struct queue_hook *hook),
                           void *context, struct error *err);
int queue_sqlite_delivery_next(void *store, uint64_t hook, const struct queue_delivery_place *at,
                               int64_t now_s, struct queue_delivery **out_delivery,
                               struct error *err);
int queue_sqlite_delivery_tell(void *store, const struct queue_delivery_outcome *outcomes,
                               size_t count, int64_t now_s, struct error *err);
int queue_sqlite_delivery_again(void *store, const char *name, uint64_t *out_count,
                                struct error *err);

int queue_sqlite_append_open(void *store, const char *target, uint64_t after,
                             struct queue_append *out_items, size_t capacity, size_t *out_count,
                             struct error *err);
int queue_sqlite_append_note(void *store, const char *target, const struct queue_append *items,
                             size_t count, struct error *err);
int queue_sqlite_append_adopt(void *store, const char *from, const char *to, struct error *err);
extern const struct queue_access_backend queue_sqlite_access;

#endif
