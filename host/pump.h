/* SPDX-License-Identifier: Apache-2.0 */
/* pump.h - the way of the mail through the host: next, put, commit, settle, and again.
 *
 *     ┌─> next ──ITEM──> batch ──(full, old, drained, stopping)──> put all ─> commit ─> stored() ─┐
 *     │                                                                                  settle <─┘
 *     └── wait <──DRAINED, nothing in hand
 *
 * The one rule: nothing is settled before the commit that made it durable has returned. A commit
 * whose outcome is unknown is repeated with the same items; the queue doubles none. A dry run
 * looks whether the queue would take them, keeps nothing and releases.
 *
 * What does not meet the condition of its work queue (condition.h) is put as done, for its trace,
 * and settled like all that is queued.
 *
 * Nothing is put while the loader runs: it may write to the ledger from inside next() and settle().
 *
 * One pump drives one handle in one thread; all state is in the struct; pumps share nothing. */
#ifndef MAILCHUTE_HOST_PUMP_H
#define MAILCHUTE_HOST_PUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"
#include "clock.h"
#include "condition.h"
#include "error.h"
#include "loader-plugin.h"
#include "queue.h"

#define PUMP_BATCH_ITEMS 128u         /* items of one commit */
#define PUMP_BATCH_BYTES (5u << 18)   /* of raw bytes and mails in memory: a batch is full */
#define PUMP_BATCH_FILED (32u << 20)  /* raw bytes and texts in files, likewise */
#define PUMP_TRIM_BYTES (16u << 20)   /* of messages: free memory is given back once drained */
#define PUMP_CONTENT_MEMORY (192u * 1024) /* bytes of a mail; the content of more goes to a file */
/* An item that comes so long behind the first ends the batch. That is looked at when one comes, not
 * while next() waits: for a large, slow message what is in hand waits as long as the loader. */
#define PUMP_BATCH_MS 2000u
#define PUMP_COMMIT_TRIES 3u          /* a commit whose outcome is unknown */
#define PUMP_POLL_MS 60000u           /* between sweeps of a loader that has no wait() */
#define PUMP_SLICE_MS 1000u           /* a wait looks for a request to stop so often at least */

struct log;

/* What became of one item; told once it is durable and before it is settled. All borrowed. */
struct pump_event {
    const struct loader_item *item;
    const char *key, *id; /* of its entry */
    bool duplicate;       /* its entry was there before */
    const char *error;    /* why it is bad; NULL: it is not */
    bool skipped;         /* its work queue's condition is not met: it was put as done */
};

struct pump_counts {
    uint64_t stored, stored_bytes; /* good items made entries (in a dry run: would have) */
    uint64_t bad;                  /* items made entries in state bad */
    uint64_t duplicates;           /* items whose entry was there before */
    uint64_t released;             /* items left at the source: not even a bad entry was possible */
    uint64_t pass;                 /* items handled since the last time all was drained */
};

struct pump_slot {
    const struct loader_item *item; /* the loader's until settled */
    uint32_t fate;                  /* enum loader_fate */
    bool added;                     /* its entry is this batch's */
    char *error;                    /* ours: why the queue did not take it as it is */
    bool skipped;                   /* the condition is not met */
};

struct pump {
    /* Set by the caller, all borrowed. */
    const struct loader_plugin *plugin;
    void *handle;
    struct queue *queue;
    const struct clock *clock;
    const char *queue_name, *source;
    uint64_t limit; /* items, 0: none */
    bool dry_run;
    bool watch; /* wait for more instead of ending when all is drained */
    int cancel_fd; /* poll it while waiting, -1: none */
    int (*cancelled)(void *context);  /* NULL: never */
    void (*finishing)(void *context); /* a request to stop is being followed; NULL: not wanted */
    void *cancel_context;
    /* Not 0 ends the pump behind this batch. NULL: not wanted. */
    int (*stored)(void *context, const struct pump_event *event);
    int (*told)(void *context); /* likewise: all of a batch was told of; not settled yet */
    void *stored_context;
    const struct log *log; /* why an item is left at the source; NULL: not wanted */

    /* The pump's own; zero at the start. */
    struct pump_counts counts;
    struct pump_slot slots[PUMP_BATCH_ITEMS];
    size_t slot_count;
    uint64_t batch_bytes, batch_filed, batch_since_ms;
    uint64_t taken;    /* items handed out by the loader */
    uint64_t since_trim; /* bytes of messages since free memory was given back */
    uint64_t sweeps;   /* how often all was drained */
    uint64_t expected; /* items of this pass as the caller knows from the loader, for the caller */
    bool stopped;   /* stored() said so */
    struct condition *condition; /* of the work queue, as of the last batch; NULL: none */
};

/** pump_run - (again, after 0: it goes on) until all is drained, the limit is reached or stored()
 * says stop: 0. -1 with err: the failure of the loader (a pause that it asks for is one: retry.h)
 * or of the queue, ERROR_CANCELLED after a request to stop; what was in hand is durable and settled
 * as far as the failure allowed, the rest is as it was at the source. The handle is to be closed
 * then. */
int pump_run(struct pump *pump, struct error *err);

#endif
