/* SPDX-License-Identifier: Apache-2.0 */
/* imap-hold.h - when a mailbox is held, and the rules that decide it.
 *
 * A held mailbox stays as it is, run after run, until a person has looked at it and says so
 * (LOADER_ACCEPT_NEW_UIDS, which the host's pickup has as --accept-new-uids): where the evidence
 * does not show whether messages are new or were picked up before, every way of going on by itself
 * may be wrong. */
#ifndef MAILCHUTE_LOADER_IMAP_HOLD_H
#define MAILCHUTE_LOADER_IMAP_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "imap-folder.h"
#include "imap-host.h"

#define IMAP_FOUND_MIN 20u          /* stored messages found again that are enough ... */
#define IMAP_FOUND_PERCENT 80u      /* ... or so many of a hundred */
#define IMAP_BACK_MAX 20u           /* messages that came back: not more are a person's doing ... */
#define IMAP_BACK_PERCENT 10u       /* ... unless they are few among what is listed with them */
#define IMAP_FLAPPING_S 86400       /* IMAP_CHANGES new numberings within this time are too many */

/** imap_hold_found_enough - may a new numbering be accepted? @expected stored messages should still
 * be in the mailbox, @found of them were found again, and @contradicted were not, though a message
 * that claims to be them is there. Pure. */
bool imap_hold_found_enough(uint64_t expected, uint64_t found, uint64_t contradicted);

/** imap_hold_too_many - do so many messages of @listed that were picked up before look like a
 * mailbox restored from a backup? Pure. */
bool imap_hold_too_many(uint64_t back, uint64_t listed);

/** imap_hold_set - hold the mailbox: kept (unless the host keeps nothing: a dry run) and told.
 * @state is what is known of it, else NULL. Returns -1 with err, ERROR_HELD. */
int imap_hold_set(const struct imap_host *host, const struct imap_folder *mailbox,
                  const struct imap_mailbox *state, enum imap_hold held, struct error *err,
                  const char *fmt, ...) PRINTF_LIKE(6, 7);

#endif
