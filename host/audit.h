/* SPDX-License-Identifier: Apache-2.0 */
/* audit.h - hold a survey of the source against the queue: is each message where it should be, and
 * does each entry have its message?
 *
 *     audit_new ─> audit_folder (each place) ─> audit_message (each message) ─> audit_finish
 *
 * A source has one mailbox, or several: folders that are archived as they are. Entries of folders
 * that are not among them are not held against anybody.
 *
 * audit_folder() and audit_message() are those of struct loader_surveyor. As little as possible is
 * believed of what pick-up wrote down: the ledger alone makes no message known, its entry must be
 * there; a UID, of a copy in the ledger or of a message in its mailbox, counts only where the size
 * agrees; whatever is in doubt is decided by the SHA-256 of the raw bytes. In the archive, and in a
 * mailbox that was numbered anew since and in which mail stays, a digest is asked for where the size
 * is that of an entry (a message of any other size cannot be one), so that mail which was there
 * before is not downloaded. What no entry of the account explains is looked for among those of all
 * others: two may share an archive, or be two names of one.
 *
 * A pick-up may run meanwhile: folders are told, then the queue is read, then messages are told, in
 * the order in which mail moves. So whatever was in the archive at the start has its entry in what
 * was read, and a message with a UID from uidnext on is never held against anybody.
 *
 * Memory: audit-rows.h, and some 150 bytes for each message that only its digest, or nothing,
 * explains. */
#ifndef MAILCHUTE_HOST_AUDIT_H
#define MAILCHUTE_HOST_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "cleanup.h"
#include "error.h"
#include "loader-plugin.h"
#include "queue.h"

enum audit_kind {
    AUDIT_NO_ENTRY, /* a message that was picked up, or lies where such mail lies, without entry */
    AUDIT_NO_MESSAGE,  /* an entry whose message is nowhere */
    AUDIT_TWICE,       /* a second copy of an entry's message in the archive, or a second entry */
    AUDIT_STILL_THERE, /* moved, says the ledger, and is still in the mailbox */
    AUDIT_LEDGER,      /* an entry without its row in the ledger, a row without its entry */
    AUDIT_DAMAGED,     /* the raw bytes of an entry cannot be read, or are not those put */
    AUDIT_WAITING,     /* strict: not picked up yet */
    AUDIT_UNFINISHED,  /* strict: its entry is stored, its move not done */
    AUDIT_ELSEWHERE,   /* strict: archived in a folder that was not looked at */
    AUDIT_FOREIGN,     /* strict: a message whose entry is one of another account of this queue */
    AUDIT_NO_COPY,     /* strict: archived, says the ledger, and only the original is there */
    AUDIT_DELETED,     /* strict: flagged \Deleted by somebody, so it is not picked up */
    AUDIT_KINDS
};
const char *audit_kind_name(enum audit_kind kind); /* "no-entry"; static */

/* One disagreement. Borrowed. */
struct audit_finding {
    enum audit_kind kind;
    const char *folder; /* where the message is, or, without one, where it should be or came from */
    uint32_t uidvalidity, uid; /* there; 0 = not known */
    const char *key;           /* where there are no UIDs, or NULL */
    uint64_t size;
    const char *date;  /* RFC 3339, NULL: not known */
    const char *entry; /* id, NULL: none */
    const char *why;
};

struct audit_counts {
    uint64_t places[LOADER_PLACE_BADMAIL + 1]; /* messages seen in each */
    uint64_t entries;                          /* of the account */
    uint64_t agreed; /* messages that have their entry, where they should be */
    uint64_t waiting, unfinished;
    uint64_t left;               /* still in the mailbox after pick-up, as told */
    uint64_t no_copy;            /* originals that are left, whose copy is not in the archive */
    uint64_t elsewhere;          /* entries archived in folders that were not looked at */
    uint64_t foreign;            /* messages whose entry is one of another account */
    uint64_t gone;               /* entries whose message was to be deleted, and is */
    uint64_t removed;            /* entries of archived folders that their owner took out since */
    uint64_t others;             /* messages in the mailbox that somebody flagged \Deleted */
    uint64_t older;              /* disagreements from before since_s, not told */
    uint64_t later;              /* messages that came while we looked, not judged */
    uint64_t found[AUDIT_KINDS]; /* disagreements, by kind */
};

struct audit_settings {
    struct queue *queue;
    const char *loader; /* its name, as in origins */
    int64_t since_s;    /* older messages and entries are not held against anybody; 0: none are */
    bool strict;        /* what bears "strict" above is a disagreement too */
    bool deep;          /* believe no size: compare the digests of all that has an entry */
    void *context;
    /* Each disagreement. Not 0 stops. */
    int (*tell)(void *context, const struct audit_finding *finding);
    /* deep: size and SHA-256 of what @fd holds, read from its start. */
    int (*digest)(void *context, int fd, uint64_t *out_size, uint8_t out_sha256[QUEUE_DIGEST_SIZE],
                  struct error *err);
};

struct audit;

/** audit_new - @settings is borrowed until audit_free(). NULL only out of memory. */
struct audit *audit_new(const struct audit_settings *settings);
void audit_free(struct audit *audit);
AUTO_DEFINE(audit, audit_free);

/** audit_folder, audit_message - @audit is the context of a struct loader_surveyor. They answer
 * LOADER_ANSWER_STOP once something failed, or tell() said so: audit_failed() tells. */
uint32_t audit_folder(void *audit, const struct loader_folder *folder);
uint32_t audit_message(void *audit, const struct loader_seen *seen);

/** audit_failed - why the survey was to stop: -1 with err, which is ERROR_NONE where tell() said
 * so; 0 if nothing failed. */
int audit_failed(const struct audit *audit, struct error *err);

/** audit_finish - the survey went through: judge. -1 with err when that failed. */
int audit_finish(struct audit *audit, struct error *err);

const struct audit_counts *audit_counts(const struct audit *audit);

/** audit_disagreements - how many there are in all. */
uint64_t audit_disagreements(const struct audit_counts *counts);

/** audit_unix_s - seconds since 1970 of an RFC 3339 date; 0: NULL, or none. Pure. */
int64_t audit_unix_s(const char *date);

#endif
