/* SPDX-License-Identifier: Apache-2.0 */
/* queue.h - the durable work queue: entries, and the ledger of what became of each message.
 *
 * An entry is one piece of work. Its origin names the message it was made of, for ever; the entry's
 * id is the UUIDv5 of that name, so one message can become one entry at most, whatever is killed,
 * whenever. The ledger holds, per origin, how far its message has come (queue_step); an entry and
 * its ledger row are written in one transaction.
 *
 * The raw bytes of a message are kept once, exactly: small ones in the database, large ones as
 * files next to it.
 *
 * Ownership: what is passed in is borrowed for the call; what comes out says so itself. Threads:
 * one struct queue is used by one thread at a time; several processes may open the same queue. Text
 * is valid UTF-8 without NUL (whoever puts it makes it so). */
#ifndef MAILCHUTE_QUEUE_QUEUE_H
#define MAILCHUTE_QUEUE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "clock.h"
#include "error.h"

#define QUEUE_ID_TEXT 37u             /* bytes of an entry id as text, NUL included */
#define QUEUE_KEY_MAX 1024u           /* bytes of an origin key as text, NUL included */
#define QUEUE_RAW_MAX (1u << 30)      /* bytes of one raw message */
#define QUEUE_CONTENT_MAX (64u << 20) /* bytes of one entry's content */
#define QUEUE_INLINE_MAX (256u << 10) /* raw bytes kept in the database; above: a file (measured) */
#define QUEUE_DIGEST_SIZE 32u         /* SHA-256 */

struct queue;

/** queue_open - open, or make, the queue at @url: "sqlite:PATH" (a folder that holds the database
 * and the raw files; made with mode 0700; "sqlite:" alone means @default_dir) or "memory:" (gone
 * when closed). Brings an older schema up to date; refuses a newer one, a network file system, a
 * folder others can write. *out_queue is yours: queue_close(). */
int queue_open(const char *url, const char *default_dir, const struct clock *clock,
               struct queue **out_queue, struct error *err);
void queue_close(struct queue *queue); /* what is not committed is gone; NULL is fine */
AUTO_DEFINE(queue, queue_close);

/** queue_heed - from now on look at @stopped while another process's transaction makes us wait:
 * once it is not 0, a call waits a second at most and fails with ERROR_CANCELLED. From the thread
 * that calls. */
void queue_heed(struct queue *queue, int (*stopped)(void *context), void *context);

/** queue_check - 0, or -1 with err (ERROR_STORE) where the queue's files were moved, deleted or
 * replaced under this handle; not where they cannot be seen for now. Nothing can be changed through
 * it any more then, and whatever was may be gone with it. Nobody may go on with what he knows of the
 * queue; end, and let a new process open what lies there. Costs a few microseconds; from any thread,
 * also while another one uses it. */
int queue_check(const struct queue *queue, struct error *err);

/** queue_folder - the folder that holds all of the queue. Borrowed until queue_close(); NULL for a
 * queue without files. */
const char *queue_folder(const struct queue *queue);

/** queue_spool_dir - a folder on the queue's file system for files that queue_put() can keep
 * instead of copying. Borrowed until queue_close(); NULL for a queue without files. */
const char *queue_spool_dir(const struct queue *queue);

/* ---- Names ----------------------------------------------------------------------------------- */

/* Names one message for ever. uid 0: the source has no UIDs, key names the message. */
struct queue_origin {
    const char *loader;  /* "IMAP" */
    const char *account; /* "ann@mail.example.org" */
    const char *mailbox; /* "INBOX" */
    uint32_t uidvalidity, uid;
    const char *key; /* used only where uid is 0 */
};

/** queue_origin_key - the origin as one text: "imap:<account>:<uidvalidity>:<uid>:<mailbox>", or
 * "<loader>:<account>:<mailbox>:<key>" where uid is 0; loader in lower case. No two origins share a
 * key: ':' and '%' in all but the last part are written %3A and %25, and so (%31) is a digit that
 * starts a mailbox of the second form. -1 when a part is missing (ERROR_BUG) or the whole is longer
 * than QUEUE_KEY_MAX (ERROR_CONFIG). */
int queue_origin_key(const struct queue_origin *origin, char out_key[QUEUE_KEY_MAX],
                     struct error *err);

/** queue_entry_id - UUIDv5 (RFC 9562 s.5.5) of an origin key in mailchute's own namespace. */
void queue_entry_id(const char *key, char out_id[QUEUE_ID_TEXT]);

/* ---- Putting --------------------------------------------------------------------------------- */

/* How far a message has come. The numbers are those of enum loader_step. */
enum queue_step {
    QUEUE_STEP_UNKNOWN = 0,
    QUEUE_STEP_ATTEMPTED = 1,
    QUEUE_STEP_STORED = 2,
    QUEUE_STEP_MOVING = 3,
    QUEUE_STEP_COPIED = 4,
    QUEUE_STEP_DELETING = 5,
    QUEUE_STEP_MOVED = 6
};

enum queue_state { QUEUE_NEW, QUEUE_TAKEN, QUEUE_DONE, QUEUE_FAILED, QUEUE_BAD };
const char *queue_state_name(enum queue_state state); /* "new" ... "bad"; static */
int queue_state_from_name(const char *name, enum queue_state *out_state);

struct queue_item {
    struct queue_origin origin;
    const char *class;   /* "Mail" */
    const char *queue;   /* name of the work queue, "default" */
    const char *source;  /* name of the source */
    const char *error;   /* not NULL: state bad, for this reason */
    const char *skipped; /* not NULL, and error NULL: there is no work to do on it, for this reason.
                            It is put as done, so that the message has its trace and its bytes */
    const char *content; /* the entry's content, a JSON object as text, kept as it is; NULL: "{}" */
    size_t content_size;
    /* Not 0: instead, so many bytes of the file content_fd, from offset 0, which nobody changes
     * meanwhile. Large content need not be in memory so. */
    uint64_t content_filed;
    int content_fd;
    /* For lists and searches without reading content. NULL: none. */
    const char *sender, *subject;
    const char *date_received; /* RFC 3339 */
    /* Raw bytes: in memory, or the file raw_fd from offset 0 (raw_bytes NULL), or none (raw_fd -1).
     */
    const uint8_t *raw_bytes;
    uint64_t raw_size; /* for bad mail without raw bytes: the size the source told, 0 unknown */
    int raw_fd;
    uint8_t raw_sha256[QUEUE_DIGEST_SIZE];
    const char *message_id; /* for queue_evidence(); NULL: none */
};

enum queue_put_result {
    QUEUE_PUT_ADDED,     /* part of the open batch: durable after queue_commit() */
    QUEUE_PUT_DUPLICATE, /* this origin has its entry already; nothing changed: as good as stored
                            (if its entry is in the open batch: after the commit) */
    QUEUE_PUT_FAILED     /* err tells; the batch is rolled back, all of it is to be put again */
};

/** queue_put - add an entry and its ledger row (QUEUE_STEP_STORED) to the open batch; opens one if
 * there is none. A raw_fd without a name on the same file system is given one (linkat), else
 * copied. */
enum queue_put_result queue_put(struct queue *queue, const struct queue_item *item,
                                struct error *err);

/** queue_takes - would queue_put() take it, if it is not there yet? Its errors when not, but for
 * those of the disk: nothing is kept, and no byte of it is looked at. For dry runs. */
int queue_takes(const struct queue_item *item, struct error *err);

enum queue_commit_result {
    QUEUE_COMMITTED,     /* all of the batch is on disk and survives a power cut */
    QUEUE_COMMIT_UNSURE, /* unknown: put the same items again, none will be doubled */
    QUEUE_COMMIT_FAILED  /* nothing of the batch is stored; err tells */
};

/** queue_commit - make the batch durable: files first, then the database. One flush for all. */
enum queue_commit_result queue_commit(struct queue *queue, struct error *err);

/** queue_rollback - forget the open batch, if there is one. */
void queue_rollback(struct queue *queue);

/* ---- Ledger ---------------------------------------------------------------------------------- */

/** queue_claim - from here until queue_close() nobody else, in this process or another, can claim
 * this mailbox of this queue: two pick-ups at once would count each other's attempts, and copy
 * twice. Claiming again is fine. ERROR_PAUSE when somebody else has it. A claim ends with its
 * process. Each costs a descriptor: whoever claims more than QUEUE_CLAIMS_MAX keeps the first and
 * the latest, so that of two pick-ups of all folders of an account, which begin with the same one,
 * the second waits. */
#define QUEUE_CLAIMS_MAX 64u
int queue_claim(struct queue *queue, const char *loader, const char *account, const char *mailbox,
                struct error *err);

/* Claims with a life of their own, for a pick-up that does not stay with one queue handle. */
struct queue_claims {
    struct queue_claimed *items;
    size_t count;
};

/** queue_claims_take - the same as queue_claim(), until queue_claims_done(). Zeroed claims are
 * none. */
int queue_claims_take(struct queue_claims *claims, struct queue *queue, const char *loader,
                      const char *account, const char *mailbox, struct error *err);
void queue_claims_done(struct queue_claims *claims); /* may be used again */

enum queue_fate { QUEUE_FATE_QUEUED = 0, QUEUE_FATE_BAD = 1 };

struct queue_record {
    struct queue_origin origin;
    enum queue_step step;
    uint32_t attempts;           /* how often ATTEMPTED was noted */
    uint32_t fate;               /* enum queue_fate, from STORED on */
    uint32_t target_uidvalidity, target_uid; /* 0 = not known */
    const char *target;          /* folder the message moves to, or NULL */
    /* queue_ledger() alone: the UIDVALIDITY and UID that its entry's id was made of, where
     * queue_adopt() gave the message another name since; 0: origin's own. */
    uint32_t named_uidvalidity, named_uid;
};

/** queue_known - fill in what the ledger knows of these origins; strangers get QUEUE_STEP_UNKNOWN.
 * Sees the open batch too. target is borrowed until the next call of
 * queue_known/_unsettled/_ledger. */
int queue_known(struct queue *queue, struct queue_record *records, size_t count, struct error *err);

/** queue_note - write these steps down, durably, in one transaction of their own (the open batch,
 * if any, is not touched: commit it first; a batch that is open makes this fail with ERROR_BUG).
 * Where all are MOVED or UNKNOWN they are there at once, and durable with the next note or commit
 * that is: a power cut before that costs another look into the mailbox, or counts an attempt too
 * many. ATTEMPTED raises attempts by one and never lowers a later step; UNKNOWN takes one attempt
 * back: it ended for a reason that was not the message's, such as a lost connection. An origin may
 * stand among them several times: each counts. Other steps are set as told; fate is kept from the
 * row. A step for an origin without row makes one. */
int queue_note(struct queue *queue, const struct queue_record *records, size_t count,
               struct error *err);

/** queue_unsettled - up to @capacity records of this loader, account and mailbox with a step from
 * STORED to DELETING, ordered by uidvalidity, UID and key, behind @after (NULL: from the start),
 * which is the origin of any record of that mailbox, such as the last of the page before. What they
 * point to is borrowed until the next call of queue_known/_unsettled/_ledger; @after may be among
 * it. */
int queue_unsettled(struct queue *queue, const char *loader, const char *account,
                    const char *mailbox, const struct queue_origin *after,
                    struct queue_record *out_records, size_t capacity, size_t *out_count,
                    struct error *err);

/** queue_settled - the same of records that are MOVED. */
int queue_settled(struct queue *queue, const char *loader, const char *account, const char *mailbox,
                  const struct queue_origin *after, struct queue_record *out_records,
                  size_t capacity, size_t *out_count, struct error *err);

/** queue_ledger - the same of all records of this loader and account, whatever their step: those of
 * one mailbox together, the mailboxes in an order of the queue's own. */
int queue_ledger(struct queue *queue, const char *loader, const char *account,
                 const struct queue_origin *after, struct queue_record *out_records,
                 size_t capacity, size_t *out_count, struct error *err);

/* ---- Messages that come under another name --------------------------------------------------- */

/* What is kept of a stored message to know it again: written with its entry, and there as long as
 * that is. size and digest are those of the raw bytes. */
struct queue_evidence {
    struct queue_origin origin;
    enum queue_step step; /* UNKNOWN: it has no entry, nothing below counts */
    bool has_digest;      /* false: it had no raw bytes, size is what the source told */
    uint64_t size;
    uint64_t message_id; /* text_fingerprint() of its Message-ID, 0: none is known */
    uint8_t sha256[QUEUE_DIGEST_SIZE];
};

#define QUEUE_EVIDENCE_DAYS 90 /* a message that was stored before is not known again */

/** queue_evidence - fill in what is kept of these origins. */
int queue_evidence(struct queue *queue, struct queue_evidence *items, size_t count,
                   struct error *err);

/** queue_settled_like - up to @capacity messages of this mailbox, whatever their uidvalidity, with
 * raw bytes of this size, that are MOVED and were stored within QUEUE_EVIDENCE_DAYS; newest first,
 * only such as have a UID. Their origins borrow the arguments. Cost: the same for any number of
 * entries, and then in proportion to those of this size. */
int queue_settled_like(struct queue *queue, const char *loader, const char *account,
                       const char *mailbox, uint64_t size, struct queue_evidence *out_items,
                       size_t capacity, size_t *out_count, struct error *err);

/* How much of a message has to be that of one that was settled. */
enum queue_likeness {
    QUEUE_LIKENESS_SIZE = 1,       /* its size */
    QUEUE_LIKENESS_MESSAGE_ID = 2, /* and its message_id, unless none is known of the settled one */
    QUEUE_LIKENESS_SHA256 = 3      /* and its digest */
};

/* A message that may have been settled before. */
struct queue_lookalike {
    uint64_t size, message_id; /* as in struct queue_evidence */
    uint32_t likeness;         /* enum queue_likeness: what is asked */
    uint32_t found;            /* the answer: 1, or 0 where there is none */
    uint8_t sha256[QUEUE_DIGEST_SIZE];
};

#define QUEUE_LOOKALIKES_LOOKED_AT 16u /* of one size, or of one size and message_id */
#define QUEUE_LOOKALIKES_COMPARED 256u /* of one digest */

/** queue_lookalikes - is one of the messages that queue_settled_like() would find like this one?
 * Those do not count that have this @uidvalidity and a UID above @above. Cost: about the same for
 * each item, whatever the queue holds (a look more for each 262,144 entries). For that only
 * some are looked at, of one digest the oldest. Where so many were looked at and none counts - as
 * they are too old, not MOVED, or above @above - the answer is 1 for size and message_id, so that
 * it is looked at more closely, and 0 for the digest. */
int queue_lookalikes(struct queue *queue, const char *loader, const char *account,
                     const char *mailbox, uint32_t uidvalidity, uint32_t above,
                     struct queue_lookalike *items, size_t count, struct error *err);

#define QUEUE_MAILBOX_CHANGES 3u
#define QUEUE_MAILBOX_WHY 512u

/* What is known of a mailbox as a whole. */
struct queue_mailbox {
    uint32_t uidvalidity; /* under which it was last worked in; 0: never */
    uint32_t highest_uid; /* of the ledger under that; 0: none. Not set by queue_mailbox_set() */
    uint32_t held;        /* enum loader_hold of the contract; 0: it is not */
    int64_t held_s;       /* since when */
    int64_t changed_s[QUEUE_MAILBOX_CHANGES]; /* when uidvalidity changed, newest first; 0: never */
    uint64_t adopted; /* messages that queue_adopt() gave another name. Not set by _set() */
    char why[QUEUE_MAILBOX_WHY]; /* of the hold */
};

/** queue_mailbox_get, _set - read it; make it durable. All zero where nothing is known. */
int queue_mailbox_get(struct queue *queue, const char *loader, const char *account,
                      const char *mailbox, struct queue_mailbox *out_state, struct error *err);
int queue_mailbox_set(struct queue *queue, const char *loader, const char *account,
                      const char *mailbox, const struct queue_mailbox *state, struct error *err);

/* A message of the mailbox, by UIDVALIDITY and UID, and what it is called from now on. */
struct queue_adoption {
    uint32_t from_uidvalidity, from_uid, to_uidvalidity, to_uid;
};

/** queue_adopt - these messages, which are stored, have other names: their steps go on under those,
 * with the same entry, whose id stays. The old names are used up for ever, but for another message
 * that is adopted. All of them, and @state (NULL: as it is), in one durable transaction; what was
 * adopted before is passed over. ERROR_HELD when a message that still has one of the new names has
 * an entry of its own: then nothing is changed, and a person has to part the two. */
int queue_adopt(struct queue *queue, const char *loader, const char *account, const char *mailbox,
                const struct queue_adoption *items, size_t count,
                const struct queue_mailbox *state, struct error *err);

/* ---- Working --------------------------------------------------------------------------------- */

/* One entry as it is stored. Yours: queue_entry_free(). */
struct queue_entry {
    char id[QUEUE_ID_TEXT];
    char *class, *queue, *source;
    enum queue_state state;
    char *error;       /* NULL: none */
    uint32_t attempts; /* times it was taken, in this work queue */
    int64_t created_s; /* seconds since 1970 UTC */
    int64_t due_s;     /* not to be taken before; 0 = at once */
    int64_t lease_until_s; /* QUEUE_TAKEN: when the lease ends, 0 otherwise */
    uint64_t fence;    /* rises with each take: done and fail of an older lease are refused */
    char *loader, *account, *mailbox, *key;
    uint32_t uidvalidity, uid;
    char *content; /* JSON object; NULL where only a summary was asked for */
    size_t content_size;
    char *sender, *subject, *date_received;
    bool has_raw;
    uint64_t raw_size;
    uint8_t raw_sha256[QUEUE_DIGEST_SIZE];
};
void queue_entry_free(struct queue_entry *entry);
AUTO_DEFINE(queue_entry, queue_entry_free);

struct queue_filter {
    const char *queue, *source; /* NULL: any */
    bool by_state;              /* only entries in @state */
    enum queue_state state;
    bool newest_first; /* default oldest first */
    bool with_content;
    uint64_t limit;    /* 0: all */
    const char *after; /* continue behind this entry id (its neighbour in the order), NULL: start */
};

/** queue_list - call @each for each entry, which borrows it; it may not call the queue; not 0
 * stops. */
int queue_list(struct queue *queue, const struct queue_filter *filter,
               int (*each)(void *context, const struct queue_entry *entry), void *context,
               struct error *err);

/** queue_get - one entry by its id or an unambiguous start of it (at least 4 characters).
 * ERROR_USAGE when there is none, or several. */
int queue_get(struct queue *queue, const char *id, struct queue_entry **out_entry,
              struct error *err);

/** queue_get_envelope - the same without its content, which may be large; it may be there all the
 * same. */
int queue_get_envelope(struct queue *queue, const char *id, struct queue_entry **out_entry,
                       struct error *err);

/** queue_raw - a descriptor with the raw message, at offset 0, read only: yours to close(). */
int queue_raw(struct queue *queue, const char *id, int *out_fd, struct error *err);

#define QUEUE_LAPSES 64u /* leases that ran out, and are dealt with, in one queue_take() */

/** queue_take - lease the oldest due entry (new, or taken with its lease run out; of those the one
 * whose lease ended first stands for all, and of new ones that were put off the one that is due
 * longest) for @lease_s seconds. *out_entry is NULL when there is none, or all that is there is
 * throttled, or waits (queue-policy.h). @queue_name NULL: any but error queues. Where a queue's
 * policy counts it, an entry whose lease ran out has failed, and is not taken but goes where its
 * policy says. Cost: the same however many wait, are due or are done. */
int queue_take(struct queue *queue, const char *queue_name, uint32_t lease_s,
               struct queue_entry **out_entry, struct error *err);

/** queue_done, queue_fail - end a lease: the work is done, or failed for the reason @why. @fence 0:
 * whoever holds it. ERROR_USAGE when the entry is not taken or its lease went to somebody else; a
 * lease that ran out and went to nobody may still be ended. @id as for queue_get(), here and below.
 */
int queue_done(struct queue *queue, const char *id, uint64_t fence, struct error *err);
/* A failed entry is tried again, or goes to the error queue, as the policy of its work queue says
 * (queue-policy.h); without one it is failed. Its error is @why, until it is taken. */
int queue_fail(struct queue *queue, const char *id, uint64_t fence, const char *why,
               struct error *err);

/** queue_retry - a failed or bad entry becomes new again, to be taken at once; its error is kept
 * until it is taken. */
int queue_retry(struct queue *queue, const char *id, struct error *err);

/** queue_move - an entry that nobody has taken goes to the work queue @name, new, to be taken at
 * once, with no attempts; its error is kept until it is taken. Its condition is not asked: a person
 * was. ERROR_USAGE when it is taken, or there already. */
int queue_move(struct queue *queue, const char *id, const char *name, struct error *err);

struct queue_stats {
    uint64_t by_state[QUEUE_BAD + 1];
    uint64_t raw_bytes;   /* of all entries */
    int64_t oldest_new_s; /* creation of the oldest new entry, 0 = none */
    uint64_t unsettled;   /* ledger rows from STORED to DELETING */
};
int queue_stats(struct queue *queue, const char *queue_name, struct queue_stats *out_stats,
                struct error *err);

#endif
