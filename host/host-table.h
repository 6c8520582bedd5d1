/* SPDX-License-Identifier: Apache-2.0 */
/* host-table.h - the functions a loader is handed: log, clock, cancel, spool folder, ledger.
 *
 * Records of the contract and of the queue are the same but for the loader's name, which is added
 * here. Whoever asks what is known of a mailbox or unsettled in it, or notes a step, claims it
 * first (not where nothing is kept): a second pick-up of it into the same queue is told to wait.
 * One table serves one handle; it must outlive it. */
#ifndef MAILCHUTE_HOST_HOST_TABLE_H
#define MAILCHUTE_HOST_HOST_TABLE_H

#include "clock.h"
#include "loader-plugin.h"
#include "log.h"
#include "queue.h"

#define HOST_TABLE_RECORDS_MAX (1u << 20) /* records of one call */

/* All borrowed; set the upper part, then host_table_init(). */
struct host_table {
    const struct clock *clock;
    struct log *log;
    int (*cancelled)(void *context); /* what the loader is told; any thread. NULL: never */
    void *cancel_context;
    struct queue *queue;         /* NULL: nothing is known and nothing kept */
    struct queue_claims *claims; /* hold the mailboxes that are claimed; NULL: the queue does */
    const char *loader_name;
    /* The loader's progress() is passed on. NULL: not wanted. */
    void (*progress)(void *context, uint64_t messages);
    void *progress_context;
    bool read_only; /* dry run: what is known is told, nothing is noted, nothing is left to
                       settle */

    struct loader_host loader; /* hand &loader in */
    /* A part of the source that is in trouble, as the loader told last; the class NONE: none is,
     * and the text NULL (also out of memory). The class is there after host_table_done() too. */
    enum error_class trouble_class;
    char *trouble;
    struct queue_record *records;
    size_t capacity;
};

void host_table_init(struct host_table *table);
void host_table_spare(struct host_table *table); /* give back what is not in use between calls */
void host_table_done(struct host_table *table);

/** host_table_trouble - what is wrong with a part of the source; class ERROR_NONE: nothing (any
 * more). What the log takes out of its lines is taken out of the text that is kept. */
void host_table_trouble(struct host_table *table, const struct error *err);

#endif
