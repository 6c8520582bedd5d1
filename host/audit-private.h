/* SPDX-License-Identifier: Apache-2.0 */
/* audit-private.h - what audit.c (what is seen) and audit-judge.c (what it means in the end) share.
 */
#ifndef MAILCHUTE_HOST_AUDIT_PRIVATE_H
#define MAILCHUTE_HOST_AUDIT_PRIVATE_H

#include "audit-rows.h"
#include "audit.h"

#define AUDIT_PLACES (LOADER_PLACE_BADMAIL + 1u)
#define AUDIT_DATE_MAX 32u

extern const char audit_why_waiting[], audit_why_deleted[], audit_why_marked[];

/* A place of the source. Of LOADER_PLACE_MAILBOX there may be several: the folders of an archive.
 */
struct audit_place {
    char *path; /* NULL: not told */
    bool missing, keeps, keeps_unnamed, deletes, archived;
    /* Of a mailbox: messages are known of another UIDVALIDITY; such as may be in it unmarked. */
    bool old_rows, old_stays;
    uint32_t uidvalidity, uidnext;
    uint16_t number; /* of its path (audit_rows_number), of mailboxes; 0: no row has it */
};

/* Entries of other accounts, or loaders, that all have the same bytes; the first of them. */
struct audit_foreign {
    struct audit_foreign *next;
    uint64_t left; /* that explain no message yet */
    char id[QUEUE_ID_TEXT];
    char *loader, *account, *mailbox, *key;
    uint32_t uidvalidity, uid, target_uidvalidity; /* target_: 0 = not known */
    char *target;                                  /* NULL: it was not moved, or nobody knows */
};

/* A message that its place does not explain. */
struct audit_stray {
    uint64_t number, size;
    struct audit_row *hint;  /* the ledger, or its UID in a mailbox, says so; NULL: nothing does */
    struct audit_row *match; /* judged: it is this one's */
    struct audit_foreign *foreign; /* judged: there are entries of these bytes; NULL: none */
    char *key;               /* NULL where there is a UID */
    char date[AUDIT_DATE_MAX];
    uint32_t uidvalidity, uid;
    const struct audit_place *at; /* where it is; NULL: in a folder that was not told */
    uint8_t place;
    bool deleted, marked, asked, digested, later;
    uint8_t sha256[QUEUE_DIGEST_SIZE];
};

struct audit {
    const struct audit_settings *settings;
    struct audit_place targets[AUDIT_PLACES]; /* but for LOADER_PLACE_MAILBOX: */
    struct audit_place *mailboxes;            /* in the order told */
    size_t mailbox_count;
    struct audit_place **by_number;       /* of the mailboxes' names (audit-rows.h) */
    const struct audit_place *last;       /* where the last message of a mailbox was */
    char *account;
    bool read; /* rows are there */
    struct audit_rows rows;
    struct audit_stray *strays; /* by number */
    size_t stray_count, stray_capacity;
    struct audit_foreign *foreign; /* all there are */
    struct audit_counts counts;
    struct error err;
    bool failed;
};

/** audit_tell - count a disagreement and tell it, unless it is older than since (@when_s, 0 = not
 * known). -1: stop. */
int audit_tell(struct audit *audit, const struct audit_finding *finding, int64_t when_s);

/** audit_original - this row's message is in its mailbox, where it bears our mark, or \Deleted, or
 * not: counted; the kind of disagreement, with *out_why, or AUDIT_KINDS: none. */
enum audit_kind audit_original(struct audit *audit, struct audit_row *row, bool marked,
                               const char **out_why);

/** audit_may_stay - may this row's original be in its mailbox still, where it bears our mark, or
 * \Deleted, or not: its move is not done, or it is one that stays? */
bool audit_may_stay(const struct audit_place *mailbox, const struct audit_row *row, bool marked);

/** audit_may_be_old - may it be there unmarked, under another UIDVALIDITY than the ledger says? Of
 * what was deleted nothing is there, and whatever is like it is new. */
bool audit_may_be_old(const struct audit_place *mailbox, const struct audit_row *row);

/** audit_mailbox_of - the mailbox this row's message came from, as it was told; NULL: it was not.
 */
const struct audit_place *audit_mailbox_of(const struct audit *audit, const struct audit_row *row);

/** audit_find_foreign - which strays have the bytes of an entry of another account? Asked of those
 * in the archive, or marked, that no row explains. -1 with audit->err. */
int audit_find_foreign(struct audit *audit);
void audit_foreign_free(struct audit_foreign *foreign);

/** audit_foreign_explains - such an entry is spoken for: true once for each that there is. Where
 * (@has_twin) this may be a second copy of an entry of ours, only if the other account has this very
 * archive. */
bool audit_foreign_explains(const struct audit_stray *stray, bool has_twin);

/** audit_judge - all was seen: pair strays with rows, tell what is left over. -1 with audit->err,
 * or because tell() said so. */
int audit_judge(struct audit *audit);

#endif
