/* SPDX-License-Identifier: Apache-2.0 */
/* audit-judge.c - hold a survey of the source against the queue: what it means. See audit.h.
 *
 * Two equal messages are two messages with two entries, so copies and entries of one digest are
 * paired off one to one; what is left over on either side is a disagreement. */
#include <config.h>
#include "audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit-private.h"
#include "cleanup.h"

const char audit_why_waiting[] = "it was not picked up yet";
#define AUDIT_WHY_MAX 512u

static const char audit_why_unread[] =
    "its bytes could not be had, to compare them with those of entries of that size";
const char audit_why_marked[] = "it is marked as picked up, and the queue does not know it";
const char audit_why_deleted[] = "somebody flagged it for deletion, so it is not picked up";

/* ---- Pairs ----------------------------------------------------------------------------------- */

static void audit_match(struct audit *audit, struct audit_stray *stray, struct audit_row *row)
{
    stray->match = row;
    audit->counts.agreed++;
    if (stray->place == LOADER_PLACE_MAILBOX)
        row->in_mailbox = true;
    else
        row->copies++;
}

/* The ledger, or its UID, says whose it is, and so does the digest. */
static void audit_pair_hints(struct audit *audit)
{
    for (size_t i = 0; i < audit->stray_count; i++) {
        struct audit_stray *stray = &audit->strays[i];
        struct audit_row *row = stray->hint;
        bool taken = row != NULL && stray->place != LOADER_PLACE_MAILBOX && row->copies > 0;
        if (row != NULL && !taken && stray->digested && row->entries > 0 && row->has_raw &&
            memcmp(row->sha256, stray->sha256, sizeof row->sha256) == 0)
            audit_match(audit, stray, row);
    }
}

/* Which rows may be paired with strays of which place; where an original stays, its copy is no
 * reason that it should not. */
enum audit_pairing {
    AUDIT_PAIR_GONE,    /* copies, with entries whose message is not in the mailbox */
    AUDIT_PAIR_PRESENT, /* copies, with entries whose message is there too */
    AUDIT_PAIR_MARKED,  /* marked messages in the mailbox, with entries of another UIDVALIDITY whose
                          message would not be there without that mark */
    AUDIT_PAIR_OLD,     /* messages in the mailbox, with other entries of another UIDVALIDITY */
    AUDIT_PAIRINGS
};

bool audit_may_stay(const struct audit_place *mailbox, const struct audit_row *row, bool marked)
{
    bool unnamed = row->target_uid == 0 && mailbox->keeps_unnamed;
    return row->step < QUEUE_STEP_MOVED || mailbox->keeps || row->target == 0 || unnamed || marked;
}

bool audit_may_be_old(const struct audit_place *mailbox, const struct audit_row *row)
{
    bool deleted = mailbox->deletes && !mailbox->keeps && row->target == 0 &&
                   row->step == QUEUE_STEP_MOVED && row->fate == QUEUE_FATE_QUEUED;
    return !deleted && audit_may_stay(mailbox, row, false);
}

static bool audit_may_pair(const struct audit *audit, const struct audit_row *row,
                           enum audit_pairing pairing)
{
    const struct audit_place *mailbox = audit_mailbox_of(audit, row);
    if (row->entries == 0 || !row->has_raw)
        return false;
    switch (pairing) {
    case AUDIT_PAIR_GONE:
        return row->copies == 0 && !row->in_mailbox;
    case AUDIT_PAIR_PRESENT:
        return row->copies == 0 && row->in_mailbox;
    case AUDIT_PAIR_MARKED:
    case AUDIT_PAIR_OLD:
    case AUDIT_PAIRINGS:
        break;
    }
    return !row->in_mailbox && mailbox != NULL && row->uidvalidity != mailbox->uidvalidity &&
           audit_may_be_old(mailbox, row) == (pairing == AUDIT_PAIR_OLD);
}

static int audit_compare_stray(const void *a, const void *b)
{
    const struct audit_stray *left = *(struct audit_stray *const *)a;
    const struct audit_stray *right = *(struct audit_stray *const *)b;
    int order = memcmp(left->sha256, right->sha256, sizeof left->sha256);
    return order != 0 ? order : (left->number > right->number) - (left->number < right->number);
}

static bool audit_pairs(const struct audit_stray *stray, enum audit_pairing pairing)
{
    bool archive = pairing == AUDIT_PAIR_GONE || pairing == AUDIT_PAIR_PRESENT;
    return (stray->place != LOADER_PLACE_MAILBOX) == archive &&
           (stray->marked || pairing != AUDIT_PAIR_MARKED);
}

/* Strays of one digest, in order; both sides are walked once. */
static void audit_pair_group(struct audit *audit, struct audit_stray *const *strays, size_t count,
                             enum audit_pairing pairing)
{
    struct audit_row *const *rows;
    size_t at = 0, left = audit_rows_of_sha256(&audit->rows, strays[0]->sha256, &rows);
    for (size_t i = 0; i < count; i++) {
        if (strays[i]->match != NULL || !audit_pairs(strays[i], pairing))
            continue;
        while (at < left && !audit_may_pair(audit, rows[at], pairing))
            at++;
        if (at < left)
            audit_match(audit, strays[i], rows[at++]);
    }
}

static void audit_pair(struct audit *audit, struct audit_stray *const *strays, size_t count)
{
    for (unsigned pairing = 0; pairing < AUDIT_PAIRINGS; pairing++) {
        for (size_t first = 0, end; first < count; first = end) {
            for (end = first + 1; end < count && memcmp(strays[first]->sha256, strays[end]->sha256,
                                                        sizeof strays[first]->sha256) == 0;)
                end++;
            audit_pair_group(audit, strays + first, end - first, (enum audit_pairing)pairing);
        }
    }
}

static int audit_pair_digests(struct audit *audit)
{
    size_t count = 0;
    struct audit_stray **strays = calloc(audit->stray_count + 1, sizeof(struct audit_stray *));
    if (strays == NULL)
        return error_oom(&audit->err, "holding mail against the queue");
    for (size_t i = 0; i < audit->stray_count; i++)
        if (audit->strays[i].digested && audit->strays[i].match == NULL)
            strays[count++] = &audit->strays[i];
    qsort(strays, count, sizeof(struct audit_stray *), audit_compare_stray);
    audit_pair(audit, strays, count);
    free(strays);
    return 0;
}

/* Bad mail whose bytes were never fetched has nothing but a size, and not always that. */
static struct audit_row *audit_unread_row(const struct audit *audit, uint64_t size)
{
    struct audit_row *const *rows;
    size_t count = audit_rows_of_size(&audit->rows, size, &rows);
    for (size_t i = 0; i < count; i++)
        if (rows[i]->entries > 0 && !rows[i]->has_raw && rows[i]->copies == 0)
            return rows[i];
    return NULL;
}

static void audit_pair_unread(struct audit *audit)
{
    for (size_t i = 0; i < audit->stray_count; i++) {
        struct audit_stray *stray = &audit->strays[i];
        if (stray->place != LOADER_PLACE_BADMAIL || stray->match != NULL)
            continue;
        struct audit_row *row = audit_unread_row(audit, stray->size);
        if (row == NULL)
            row = audit_unread_row(audit, 0);
        if (row != NULL)
            audit_match(audit, stray, row);
    }
}

/* ---- Messages left over ---------------------------------------------------------------------- */

/* An entry this is one copy too many of, or NULL. */
static const struct audit_row *audit_twin(const struct audit *audit,
                                          const struct audit_stray *stray)
{
    struct audit_row *const *rows;
    size_t count = stray->digested ? audit_rows_of_sha256(&audit->rows, stray->sha256, &rows) : 0;
    for (size_t i = 0; i < count; i++)
        if (rows[i]->entries > 0 && rows[i]->has_raw)
            return rows[i];
    return NULL;
}

static int audit_tell_stray(struct audit *audit, const struct audit_stray *stray,
                            enum audit_kind kind, const char *entry, const char *why)
{
    const char *date = stray->date[0] != '\0' ? stray->date : NULL;
    const struct audit_finding finding = {
        .kind = kind,
        .folder = stray->at != NULL ? stray->at->path : NULL,
        .uidvalidity = stray->uidvalidity,
        .uid = stray->uid,
        .key = stray->key,
        .size = stray->size,
        .date = date,
        .entry = entry,
        .why = why,
    };
    return audit_tell(audit, &finding, audit_unix_s(date));
}

/* The queue has its entry, so it must not be picked up once more. */
static int audit_tell_foreign(struct audit *audit, const struct audit_stray *stray)
{
    char why[AUDIT_WHY_MAX];
    audit->counts.foreign++;
    if (!audit->settings->strict)
        return 0;
    (void)snprintf(why, sizeof why,
                   "its entry is one of account '%.200s': another source has this folder as well, "
                   "or it is another name of this account; keep to one name of the server",
                   stray->foreign->account);
    return audit_tell_stray(audit, stray, AUDIT_FOREIGN, stray->foreign->id, why);
}

enum audit_kind audit_original(struct audit *audit, struct audit_row *row, bool marked,
                               const char **out_why)
{
    row->in_mailbox = true;
    if (row->step < QUEUE_STEP_MOVED) {
        audit->counts.unfinished++;
        *out_why = "its entry is stored, its move is not done";
        return audit->settings->strict ? AUDIT_UNFINISHED : AUDIT_KINDS;
    }
    if (audit_may_stay(&audit->mailboxes[0], row, marked)) { /* all are of one fashion */
        audit->counts.left++;
        return AUDIT_KINDS;
    }
    *out_why = "the ledger says that it was moved, and it is still in the mailbox";
    return AUDIT_STILL_THERE;
}

/* Under the UID of an entry's message, and its size was another one, or nothing is believed. */
static int audit_named_in_mailbox(struct audit *audit, const struct audit_stray *stray)
{
    const char *why = "its UID is that of an entry's message, and it is another one";
    if (stray->match == stray->hint) {
        enum audit_kind kind =
            audit_original(audit, stray->match, stray->deleted || stray->marked, &why);
        return kind == AUDIT_KINDS ? 0
                                   : audit_tell_stray(audit, stray, kind, stray->match->id, why);
    }
    bool unread = stray->asked && !stray->digested;
    if (unread && stray->size == stray->hint->size && stray->hint->copies > 0) {
        audit->counts.later++; /* it was moved meanwhile */
        return 0;
    }
    if (unread)
        why = "its bytes could not be had, to compare them with those of its entry";
    return audit_tell_stray(audit, stray, AUDIT_NO_ENTRY, NULL, why);
}

/* The message of an entry, under a number that the ledger does not know yet. */
static int audit_old_in_mailbox(struct audit *audit, const struct audit_stray *stray)
{
    if (stray->match->step >= QUEUE_STEP_MOVED) {
        audit->counts.left++;
        return 0;
    }
    audit->counts.unfinished++;
    return audit->settings->strict
               ? audit_tell_stray(audit, stray, AUDIT_UNFINISHED, stray->match->id,
                                  "its entry is stored; the mailbox was numbered anew before "
                                  "it was moved")
               : 0;
}

/* No row explains it. */
static int audit_marked_in_mailbox(struct audit *audit, const struct audit_stray *stray)
{
    if (stray->later) {
        audit->counts.later++;
        return 0;
    }
    if (audit_foreign_explains(stray, false))
        return audit_tell_foreign(audit, stray);
    return audit_tell_stray(audit, stray, AUDIT_NO_ENTRY, NULL,
                            stray->asked && !stray->digested ? audit_why_unread : audit_why_marked);
}

static int audit_left_in_mailbox(struct audit *audit, const struct audit_stray *stray)
{
    bool strict = audit->settings->strict;
    if (stray->hint != NULL && (stray->match == NULL || stray->match == stray->hint))
        return audit_named_in_mailbox(audit, stray);
    if (stray->match != NULL)
        return audit_old_in_mailbox(audit, stray);
    if (stray->marked)
        return audit_marked_in_mailbox(audit, stray);
    uint64_t *count = stray->deleted ? &audit->counts.others : &audit->counts.waiting;
    ++*count;
    if (!strict)
        return 0;
    return stray->deleted ? audit_tell_stray(audit, stray, AUDIT_DELETED, NULL, audit_why_deleted)
                          : audit_tell_stray(audit, stray, AUDIT_WAITING, NULL, audit_why_waiting);
}

static int audit_left_over(struct audit *audit, const struct audit_stray *stray)
{
    if (stray->place == LOADER_PLACE_MAILBOX)
        return audit_left_in_mailbox(audit, stray);
    if (stray->match != NULL)
        return 0;
    if (stray->hint != NULL && stray->hint->entries == 0 && stray->hint->copies == 0)
        stray->hint->told = true;
    if (stray->later) {
        audit->counts.later++;
        return 0;
    }
    const struct audit_row *twin = audit_twin(audit, stray);
    if (audit_foreign_explains(stray, twin != NULL))
        return audit_tell_foreign(audit, stray);
    if (twin != NULL || stray->foreign != NULL)
        return audit_tell_stray(audit, stray, AUDIT_TWICE,
                                twin != NULL ? twin->id : stray->foreign->id,
                                "another copy of this entry's message is there already");
    const char *why =
        stray->hint == NULL ? "the queue has no entry of it"
        : stray->hint->entries == 0
            ? "the ledger says that its entry was stored, and it is not there"
            : "it lies where the ledger says an entry's message is, and is another one";
    if (stray->asked && !stray->digested)
        why = audit_why_unread;
    return audit_tell_stray(audit, stray, AUDIT_NO_ENTRY, NULL, why);
}

/* ---- Entries left over ----------------------------------------------------------------------- */

static int audit_tell_row(struct audit *audit, const struct audit_row *row, enum audit_kind kind,
                          const char *why)
{
    bool moved = row->target != 0 && row->step >= QUEUE_STEP_COPIED;
    const struct audit_finding finding = {
        .kind = kind,
        .folder = audit_rows_name(&audit->rows, moved ? row->target : row->mailbox),
        .uidvalidity = moved ? row->target_uidvalidity : row->uidvalidity,
        .uid = moved ? row->target_uid : row->uid,
        .size = row->size,
        .entry = row->entries > 0 || kind == AUDIT_LEDGER ? row->id : NULL,
        .why = why,
    };
    return audit_tell(audit, &finding, row->created_s);
}

/* Is the folder it was moved to one of those that were looked at? */
static bool audit_was_looked_at(const struct audit *audit, const struct audit_row *row)
{
    const char *target = audit_rows_name(&audit->rows, row->target);
    for (size_t i = 0; i < AUDIT_PLACES; i++)
        if (audit->targets[i].path != NULL && strcmp(audit->targets[i].path, target) == 0)
            return true;
    return false;
}

/* Its message is in none of the places. */
static int audit_missing(struct audit *audit, const struct audit_row *row)
{
    bool deletes = audit->mailboxes[0].deletes;
    if (row->target == 0 && audit_mailbox_of(audit, row)->archived) {
        audit->counts.removed++;
        return 0;
    }
    if (row->in_ledger && row->step < QUEUE_STEP_MOVED)
        return audit_tell_row(audit, row, AUDIT_NO_MESSAGE,
                              "the ledger says that it is to be moved, and it is in no folder");
    if (row->target == 0 && deletes && row->fate == QUEUE_FATE_QUEUED) {
        audit->counts.gone++;
        return 0;
    }
    if (row->target != 0 && !audit_was_looked_at(audit, row)) {
        audit->counts.elsewhere++;
        return audit->settings->strict
                   ? audit_tell_row(audit, row, AUDIT_ELSEWHERE,
                                    "it was moved to a folder that was not looked at")
                   : 0;
    }
    return audit_tell_row(audit, row, AUDIT_NO_MESSAGE,
                          row->target != 0
                              ? "it was moved there, and is not there any more: was it deleted?"
                              : "it is in no folder any more: was it moved or deleted?");
}

/* What the queue itself is not at one about. */
static int audit_inner(struct audit *audit, const struct audit_row *row)
{
    if (row->entries == 0 && !row->told)
        return audit_tell_row(audit, row, AUDIT_LEDGER,
                              "the ledger says that its entry was stored, and it is not there");
    if (row->entries > 1 &&
        audit_tell_row(audit, row, AUDIT_TWICE, "the queue has more than one entry of it") < 0)
        return -1;
    if (row->entries > 0 && !row->in_ledger)
        return audit_tell_row(audit, row, AUDIT_LEDGER,
                              "the ledger does not know its message: it may be picked up again");
    return 0;
}

/* 0, or -1: stop. What is wrong with the bytes goes to *out_why. */
static int audit_read_raw(struct audit *audit, const struct audit_row *row, struct error *out_why)
{
    const struct audit_settings *s = audit->settings;
    uint8_t sha256[QUEUE_DIGEST_SIZE];
    uint64_t size;
    int fd = -1;
    *out_why = (struct error){0};
    if (queue_raw(s->queue, row->id, &fd, out_why) < 0)
        return 0; /* gone, or of another size */
    if (!s->deep || s->digest == NULL) {
        close(fd);
        return 0;
    }
    int failed = s->digest(s->context, fd, &size, sha256, out_why);
    close(fd);
    if (failed < 0 && out_why->class == ERROR_CANCELLED) {
        audit->err = *out_why;
        return -1;
    }
    if (failed == 0 && (size != row->size || memcmp(sha256, row->sha256, sizeof sha256) != 0))
        error_set(out_why, ERROR_STORE, "its raw bytes (%llu) are not those that were put (%llu)",
                  (unsigned long long)size, (unsigned long long)row->size);
    return 0;
}

static int audit_kept(struct audit *audit, const struct audit_row *row)
{
    struct error why;
    if (audit_read_raw(audit, row, &why) < 0)
        return -1;
    return why.class == ERROR_NONE ? 0 : audit_tell_row(audit, row, AUDIT_DAMAGED, why.text);
}

/* Its original is where it may be: so should its copy be. */
static int audit_judge_original(struct audit *audit, const struct audit_row *row)
{
    if (row->copies > 0 || row->target == 0 || row->step != QUEUE_STEP_MOVED ||
        !audit_was_looked_at(audit, row))
        return 0;
    audit->counts.no_copy++;
    return audit->settings->strict
               ? audit_tell_row(audit, row, AUDIT_NO_COPY,
                                "it was copied there, and is not there any more; its original is "
                                "still in the mailbox")
               : 0;
}

static int audit_judge_row(struct audit *audit, const struct audit_row *row, bool of_mailbox)
{
    const struct audit_settings *s = audit->settings;
    if (audit_inner(audit, row) < 0)
        return -1;
    if (row->entries > 0 && row->has_raw && audit_kept(audit, row) < 0)
        return -1;
    if (row->entries == 0 || !of_mailbox)
        return 0;
    if (row->in_mailbox)
        return audit_judge_original(audit, row);
    if (row->copies == 0)
        return audit_missing(audit, row);
    if (!row->in_ledger || row->step == QUEUE_STEP_MOVED)
        return 0;
    audit->counts.unfinished++;
    return s->strict ? audit_tell_row(audit, row, AUDIT_UNFINISHED,
                                      "it was moved, and the ledger does not know that yet")
                     : 0;
}

/* ---- Both ------------------------------------------------------------------------------------ */

int audit_judge(struct audit *audit)
{
    audit_pair_hints(audit);
    if (audit_pair_digests(audit) < 0)
        return -1;
    audit_pair_unread(audit);
    if (audit_find_foreign(audit) < 0)
        return -1;
    for (size_t i = 0; i < audit->stray_count; i++)
        if (audit_left_over(audit, &audit->strays[i]) < 0)
            return -1;
    for (size_t i = 0; i < audit->rows.count; i++)
        if (audit_judge_row(audit, &audit->rows.items[i],
                            audit_mailbox_of(audit, &audit->rows.items[i]) != NULL) < 0)
            return -1;
    return 0;
}
