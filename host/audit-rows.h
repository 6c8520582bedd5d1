/* SPDX-License-Identifier: Apache-2.0 */
/* audit-rows.h - what the queue says of one account: ledger and entries, joined, to be held against
 * a survey of the source.
 *
 * Everything is read once, first the ledger, then the entries, and kept as one row of some 150
 * bytes per message: 150 MB for a million. Pick-up pays nothing for it: no index is kept for this
 * alone. */
#ifndef MAILCHUTE_HOST_AUDIT_ROWS_H
#define MAILCHUTE_HOST_AUDIT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "queue.h"

#define AUDIT_NAMES_MAX 65535u /* folders of one account */
#define AUDIT_OTHER_SIZES (1u << 20) /* a bit each, of sizes modulo this: 128 kB */

/* One message the queue knows: by its ledger row, from QUEUE_STEP_STORED on, or by its entry. */
struct audit_row {
    char id[QUEUE_ID_TEXT]; /* of its entry */
    uint8_t sha256[QUEUE_DIGEST_SIZE];
    uint64_t size; /* of the raw bytes, or as the source told it; 0 = not known */
    int64_t created_s;
    uint32_t uidvalidity, uid;
    uint32_t target_uidvalidity, target_uid; /* of its copy; 0 = not known */
    uint16_t mailbox, target;                /* audit_rows_name(); target 0: none */
    uint8_t step, fate, entries;             /* entries of this id; 2: or more */
    bool in_ledger, has_raw;
    /* What the survey found. */
    bool in_mailbox, told;
    uint32_t copies; /* in dropbox and badmail */
};

struct audit_rows {
    struct audit_row *items; /* by id */
    size_t count, capacity, sorted;
    struct audit_row **by_target, **by_size, **by_sha256, **by_name;
    char **names;
    size_t name_count;
    uint8_t *others;      /* sizes of entries of other accounts and loaders */
    uint16_t last_number; /* that was looked for: rows of one mailbox come together */
};

/** audit_rows_read - all of this loader and account. @rows was zeroed; audit_rows_done() frees it.
 */
int audit_rows_read(struct audit_rows *rows, struct queue *queue, const char *loader,
                    const char *account, struct error *err);
void audit_rows_done(struct audit_rows *rows);

/** audit_rows_is_ours - is it an entry of this loader and account? */
bool audit_rows_is_ours(const struct queue_entry *entry, const char *loader, const char *account);

/** audit_rows_may_be_other - is there an entry of another account, or loader, with raw bytes of this
 * size? False is certain, true is nearly. */
bool audit_rows_may_be_other(const struct audit_rows *rows, uint64_t size);

/** audit_rows_name - the text of a number, NULL for 0; _number - the number of a text, 0: not
 * there. */
const char *audit_rows_name(const struct audit_rows *rows, uint16_t number);
uint16_t audit_rows_number(const struct audit_rows *rows, const char *name);

/** audit_rows_find - the row of this entry id, or NULL. */
struct audit_row *audit_rows_find(const struct audit_rows *rows, const char *id);

/** audit_rows_named - the row of the message that has this name now: not the one that its id was
 * made of, where its mailbox was numbered anew since. NULL: there is none. */
struct audit_row *audit_rows_named(const struct audit_rows *rows, uint16_t mailbox,
                                   uint32_t uidvalidity, uint32_t uid);

/** audit_rows_of - those rows whose message is at this place of a target; whose size, whose digest
 * is this: *out_first points to the first of the *returned number. */
size_t audit_rows_of_target(const struct audit_rows *rows, uint16_t target, uint32_t uidvalidity,
                            uint32_t uid, struct audit_row *const **out_first);
size_t audit_rows_of_size(const struct audit_rows *rows, uint64_t size,
                          struct audit_row *const **out_first);
size_t audit_rows_of_sha256(const struct audit_rows *rows, const uint8_t sha256[QUEUE_DIGEST_SIZE],
                            struct audit_row *const **out_first);

#endif
