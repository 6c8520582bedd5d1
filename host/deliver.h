/* SPDX-License-Identifier: Apache-2.0 */
/* deliver.h - entries of the queue into folders of a mail account, each once.
 *
 *     queue_append_open ─> folder, date, ids ─> plug-in's look() ─> note BEGUN ─> its deliver()
 *             ^                                     └─FOUND─> note DONE or REFUSED <────┘
 *             └───────────────────── the next some dozens ───────────┘
 *
 * BEGUN is on disk before a byte is sent. What was begun and is not done, after a crash or a lost
 * connection, may be there: the loader is told to look first, for the same bytes; each find counts
 * for one entry. So is every message that its source names for ever (its origin has no UID). Of one
 * whose Message-ID is that name (its key is the id's left part, or all of it) an older program may
 * have put a mail of its own making there, under the key alone, or into one of that program's own
 * folders (deliver_folder_former()), which are looked into as well. Others are not looked for,
 * since two messages that are the same are both wanted. One that is there stays BEGUN while of
 * another of the same bytes, in the same batch, nobody knows.
 *
 * What is DONE is never sent again, also when its owner deleted it. A message that was refused
 * DELIVER_TRIES times is left aside. One whose folder cannot be used, for which there is no room,
 * or whose raw bytes cannot be read, keeps nobody else back: it is left for the next run, which is
 * told at the end. Whether work was done on an entry makes no difference; one without raw bytes
 * (too large, never loaded) cannot be delivered. */
#ifndef MAILCHUTE_HOST_DELIVER_H
#define MAILCHUTE_HOST_DELIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "deliver-folder.h"
#include "error.h"
#include "loader-plugin.h"
#include "log.h"
#include "queue.h"

#define DELIVER_BATCH 64u /* entries of one call */
#define DELIVER_TRIES 3u  /* of a message that is refused */

struct deliver_counts {
    uint64_t appended, found, refused;
    uint64_t aside;    /* refused too often before */
    uint64_t bodiless; /* no raw bytes */
    uint64_t left;     /* no folder, no room, or unreadable now: left_why of one of them */
    uint64_t unreadable; /* of those: nobody was asked about them */
};

/* All borrowed. */
struct deliver {
    const struct loader_plugin *plugin; /* whose deliver() is there */
    void *handle;                       /* opened with LOADER_DELIVER; NULL in a dry run */
    struct queue *queue;
    const char *target; /* the account, for the ledger */
    const struct deliver_folder *folder;
    const char *queue_name, *source; /* only their entries; NULL: all */
    bool dry_run; /* tell what would be delivered, and change nothing */
    const struct log *log;
    int (*cancelled)(void *context);
    void *cancel_context;
    /* An entry is about to go (dry run: would go) to this folder. NULL: not wanted. */
    void (*told)(void *context, const struct queue_entry *entry, const char *folder);
    void *told_context;
    /* Whether another program is known to have delivered it: then it is DONE. NULL: of none. */
    bool (*known)(void *context, const struct queue_entry *entry);
    void *known_context;
    uint64_t after; /* place of the last entry that was looked at; 0: begin anew */
    struct deliver_counts counts;
    char left_why[LOADER_DELIVERY_ERROR_MAX];
};

/** deliver_step - some dozens of those that are open behind deliver->after, which moves; *out_more
 * is false once none is left. -1 as deliver_run(). */
int deliver_step(struct deliver *deliver, bool *out_more, struct error *err);

/** deliver_left - some were left: err tells how many and why (ERROR_CONFIG). */
void deliver_left(const struct deliver *deliver, struct error *err);

/** deliver_run - until nothing is open: 0. -1 with err: what the loader or the queue failed with,
 * ERROR_CANCELLED, or that some were left; the handle is to be closed then. */
int deliver_run(struct deliver *deliver, struct error *err);

/** deliver_claim - nobody else delivers from this queue to this account until it is closed.
 * @account is as a loader tells it; @named, if not NULL, is its name in the ledger, else
 * deliver_account_name() is. *out_target, for struct deliver, is yours: free(), after a failure
 * too. */
int deliver_claim(struct queue *queue, const char *account, const char *named, char **out_target,
                  struct error *err);

#endif
