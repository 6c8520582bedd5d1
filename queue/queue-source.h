/* SPDX-License-Identifier: Apache-2.0 */
/* queue-source.h - the sources that a queue is filled from: configured mailboxes, kept in the
 * queue's own database, so that one folder holds all there is.
 *
 * A source has three kinds of fields, each with its own writer, so that nobody overwrites what
 * another wrote:
 *
 *     settings  people, by queue_source_add/_change: each change raises version and the epoch
 *     report    whoever runs the sources, by queue_source_tell: how it goes; raises nothing
 *     counts    the queue itself, in the transaction that adds an entry: they never drift
 *
 * What the words mean (loaders, statuses, kinds of secrets) is the host's business: here they are
 * texts.
 * A program that runs sources learns of changes by asking for the epoch now and then: one small
 * read, which nobody's writing delays.
 *
 * Text is valid UTF-8 without control characters. Threads and ownership as in queue.h. */
#ifndef MAILCHUTE_QUEUE_QUEUE_SOURCE_H
#define MAILCHUTE_QUEUE_QUEUE_SOURCE_H

#include "queue.h"

#define QUEUE_SOURCE_NAME_MAX 64u        /* bytes of a source's name */
#define QUEUE_SOURCE_TEXT_MAX 320u       /* of its loader, user and queue each */
#define QUEUE_SOURCE_CONNECTION_MAX 8192u /* of its connection string */
#define QUEUE_SOURCE_SECRET_MAX 20000u   /* of its secret, sealed */

/* How it goes. Texts are NULL where there is none; times are seconds since 1970 UTC, 0 = never. */
struct queue_source_report {
    char id[QUEUE_ID_TEXT]; /* of the source */
    char *status, *detail;  /* "active", "idle" */
    char *status_message;   /* why it is so, for a person */
    char *last_message;     /* "OK; 3 items." or "Error: ..." */
    char *cursor;           /* origin key of the last message that was stored */
    int64_t status_since_s, last_contact_s, last_success_s, next_try_s;
    int64_t import_started_s, import_ended_s;
    uint64_t left;     /* known to be at the source and not stored yet */
    uint64_t failures; /* in a row */
    uint64_t rate_milli; /* messages a second in the import, times 1,000 */
};

struct queue_source {
    /* Given by queue_source_add. */
    char id[QUEUE_ID_TEXT]; /* a random UUID */
    uint64_t version;       /* 1, 2, ...: see queue_source_change */
    int64_t created_s;
    /* Settings. */
    char
        *name; /* 1..QUEUE_SOURCE_NAME_MAX bytes, one of a kind; stands in entries: never changes */
    char *loader, *connection, *queue;
    char *user;        /* NULL: none */
    char *secret_kind; /* what secret is, in a word */
    uint8_t *secret;   /* NULL: none. Never a secret in clear */
    size_t secret_size;
    uint64_t interval_s;
    bool paused;
    uint64_t syncs; /* raised by whoever wants it looked at now */
    bool guarded;   /* whoever wrote connection and user is not trusted with this machine */
    /* What others write. */
    struct queue_source_report report; /* texts NULL until it is told */
    uint64_t queued, bad;              /* entries that came from it, good and bad ones */
};

void queue_source_free(struct queue_source *source); /* with its texts; NULL is fine */
AUTO_DEFINE(queue_source, queue_source_free);

/** queue_source_new - an empty one, to be filled with texts from malloc. NULL out of memory. */
struct queue_source *queue_source_new(void);

/** queue_source_copy - a deep copy: yours. NULL out of memory. */
struct queue_source *queue_source_copy(const struct queue_source *from);

/** queue_source_id - a random UUID for a source that is to be added: what seals a secret needs it
 * first. */
void queue_source_id(char out_id[QUEUE_ID_TEXT]);

/** queue_source_add - durable when it returns. Fills in version and created_s, and id where it is
 * empty. ERROR_USAGE when there is one of that name, or a field breaks its limit. */
int queue_source_add(struct queue *queue, struct queue_source *source, struct error *err);

/** queue_source_change - replace its settings, provided that it still has @source's version, which
 * is raised then. ERROR_USAGE when somebody else was faster or it is gone. */
int queue_source_change(struct queue *queue, struct queue_source *source, struct error *err);

/** queue_source_remove - it, its secret and its report; its entries stay. ERROR_USAGE when it is
 * gone. */
int queue_source_remove(struct queue *queue, const char *id, struct error *err);

/** queue_source_get - by its name or its whole id. ERROR_USAGE when there is none. */
int queue_source_get(struct queue *queue, const char *name, struct queue_source **out_source,
                     struct error *err);

/** queue_source_each - call @each for each source, by name; it borrows the source and may not call
 * the queue; not 0 stops. */
int queue_source_each(struct queue *queue,
                      int (*each)(void *context, const struct queue_source *source), void *context,
                      struct error *err);

/** queue_source_each_after - the same of those whose names come behind @after (by strcmp). */
int queue_source_each_after(struct queue *queue, const char *after,
                            int (*each)(void *context, const struct queue_source *source),
                            void *context, struct error *err);

/* What came on one day (of UTC; 0: 1970-01-01). */
struct queue_source_day {
    int64_t day;
    uint64_t entries, bad; /* bad ones are among entries */
    uint64_t raw_bytes;
};

/** queue_source_days - each day from @first_day on on which anything came from the source @name,
 * oldest first; not 0 from @each stops. */
int queue_source_days(struct queue *queue, const char *name, int64_t first_day,
                      int (*each)(void *context, const struct queue_source_day *day), void *context,
                      struct error *err);

/** queue_source_tell - write these reports in one transaction; those of sources that are gone are
 * dropped. Not inside an open batch. */
int queue_source_tell(struct queue *queue, const struct queue_source_report *reports, size_t count,
                      struct error *err);

/** queue_source_epoch - a number that has another value after any change of any source's
 * settings. */
int queue_source_epoch(struct queue *queue, uint64_t *out_epoch, struct error *err);

#endif
