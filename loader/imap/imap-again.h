/* SPDX-License-Identifier: Apache-2.0 */
/* imap-again.h - messages of a listing that were seen before: under another UID, or under the one
 * they have although they were moved.
 *
 *   back    unknown, with the digest of a message that was moved: somebody put it back. A few are
 *           to be processed again; many at once look like a mailbox restored from a backup: hold
 *           (imap-hold.h)
 *   again   moved, says the ledger, and still there under its UID: the same message is moved once
 *           more (IMAP_AGAIN_MAX times at most, then only told), and many at once hold first, as
 *           above; another one has a UID that was given before: hold, until it has another
 *   stayed  done with, and in the mailbox on purpose: after=Leave or after=Flag had it so, or no
 *           COPYUID told where its copy is. Where the settings have it moved now it is, if it is
 *           still the same message; one beside its copy stays
 *   renamed stored, never moved, and gone, while a message with its Message-ID and a size at most
 *           5 % apart came with a higher UID: a server gave a message that it changed a new UID
 *           (MS-STANXIMAP V0004). It keeps its entry and is moved
 *   reused  done with, in the mailbox on purpose, and another message: UIDs are given a second time
 *           from that of a backup on, so that it is enough to look at the highest known one that is
 *           there, once in a session, of several folders in one visit of IMAP_TOP_EVERY. Then all
 *           like it hold, until they have others. One that cannot be looked at keeps no new mail
 *           back: after IMAP_TOP_TRIES it is left out, and that is said
 *
 * What a search finds lies in the mailbox at the same time: of two such messages none is the other
 * one put back, so that only what was on record before the search is held against what it found.
 *
 * Nothing of this costs a question to the server as long as nothing looks like it: candidates are
 * found in the ledger, by size (or because too many are alike to be told apart there), and for back
 * only where a listing has more than IMAP_BACK_MAX strangers. */
#ifndef MAILCHUTE_LOADER_IMAP_AGAIN_H
#define MAILCHUTE_LOADER_IMAP_AGAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "imap-host.h"
#include "imap-looks.h"
#include "imap-window.h"

/* Times a message that stays where it is is moved once more. The ledger counts them in attempts,
 * from IMAP_ATTEMPTS_MAX on, which those of picking it up never exceed. */
#define IMAP_AGAIN_MAX 3u
#define IMAP_TOP_TRIES 2u /* looks at one that stays that end the session, or are answered BAD */
#define IMAP_TOP_EVERY 4u /* visits of one of several folders, of which one looks at what stays */

/* A stored message, never moved, that is gone. */
struct imap_gone {
    uint32_t uid;
    uint64_t size, message_id; /* message_id: never 0 */
};

struct imap_again {
    struct imap_gone *gone;
    size_t gone_count, gone_capacity;
    struct imap_set told; /* UIDs of "again" that were dealt with in this session */
    struct imap_set sure; /* UIDs that are those of stored messages, seen in this session */
    bool history;         /* something of this mailbox was on record when the session began */
    uint32_t before;      /* highest UID that was on record before the last search; 0: none */
    uint32_t highest;     /* highest UID that is on record, or was listed in this session */
    uint32_t top;         /* the highest UID that is done with and still in the mailbox; 0: none */
    bool top_checked;
    uint64_t listed;      /* messages of the listing that is being looked at */
    size_t count;         /* of these, what is looked at more closely; 0: nothing */
    struct imap_look *looks; /* theirs: room->looks (imap-pickup-private.h) */
};

void imap_again_done(struct imap_again *again);

/** imap_again_add_gone - remember it; noted as MOVED at the end of the pass unless it is found. */
int imap_again_add_gone(struct imap_again *again, uint32_t uid, uint64_t size,
                        uint64_t message_id, struct error *err);

struct imap_pickup;

/** imap_again_begin - the mailbox is selected; what is on record of it? Before imap_epoch(). */
int imap_again_begin(struct imap_pickup *pickup, struct error *err);

/** imap_again_collect - @records are what the ledger knows of the listing's entries, in their
 * order: what of it is to be looked at more closely? Asks the ledger alone. */
int imap_again_collect(struct imap_pickup *pickup, const struct imap_record *records,
                       struct error *err);

/** imap_again_see - this one is done with, and still in the mailbox. */
void imap_again_see(struct imap_again *again, uint32_t uid);

/** imap_again_inspect - look at it, now that no body is on its way; what is not to be fetched is
 * left out of the listing. ERROR_HELD when the mailbox is held from now on. */
int imap_again_inspect(struct imap_pickup *pickup, struct error *err);

/** imap_again_settle - the pass is over: what is gone and did not come under another UID was moved
 * by somebody else; is what stays still the same? ERROR_HELD when it is not. */
int imap_again_settle(struct imap_pickup *pickup, struct error *err);

#endif
