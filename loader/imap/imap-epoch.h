/* SPDX-License-Identifier: Apache-2.0 */
/* imap-epoch.h - when a mailbox was numbered anew (UIDVALIDITY, RFC 9051 s.2.3.1.1): which of its
 * messages are the stored ones?
 *
 *   same UIDVALIDITY, UIDNEXT above all UIDs seen    nothing to do, nothing is asked
 *   UIDNEXT at or below a UID seen                   UIDs are given twice: hold
 *   another UIDVALIDITY, the third time in a day     the server's UIDs do not last: hold
 *   another UIDVALIDITY                              find stored, unmoved messages again: by size
 *                                                    (5 % apart at most), then Message-ID, then the
 *                                                    digest of the whole message: it alone counts
 *     enough found (imap-hold.h)                     these get their new names and keep their
 *                                                    entries; the rest was moved by somebody else
 *     else, and where more than IMAP_EPOCH_ROWS_MAX
 *     are stored and not moved                       hold
 *
 * Where messages stay in the mailbox (after=Leave, after=Flag, a server without MOVE and UIDPLUS),
 * those that are done with are looked for as well. People delete some of these: enough is what is
 * enough of all that is in the mailbox. More than IMAP_EPOCH_STAYED_MAX that bore its last
 * numbering hold.
 *
 * What is downloaded is what has a stored message's Message-ID; the mailbox is otherwise listed by
 * UID and size. It may have any number of messages of any size: of IMAP_EPOCH_LOOKS_MAX it is
 * settled which they are before more are listed, and of these nothing is kept but whom they
 * confirm, and whom they contradict. Messages that were moved before and came back are the
 * listing's matter (imap-again.h). */
#ifndef MAILCHUTE_LOADER_IMAP_EPOCH_H
#define MAILCHUTE_LOADER_IMAP_EPOCH_H

#include <stdbool.h>

#include "error.h"
#include "imap-folder.h"
#include "imap-host.h"
#include "imap-session.h"
#include "imap-settings.h"

#define IMAP_EPOCH_ROWS_MAX 100000u   /* stored, unmoved messages that are looked for again */
#define IMAP_EPOCH_STAYED_MAX 1000000u /* and such as stayed when they were done with */
#define IMAP_EPOCH_LOOKS_MAX 1000u     /* messages that may be one of them, held at a time */

/** imap_epoch_begin - what the host knows of @mailbox before it is selected, for imap_epoch(). What
 * another run does in it while the answer to SELECT is on its way, or has done since the server
 * made that answer, is not in it: what the server says is never behind what is known. */
int imap_epoch_begin(const struct imap_host *host, const struct imap_folder *mailbox,
                     struct imap_mailbox *out_before, struct error *err);

/** imap_epoch - @mailbox is selected, @before was known of it then; call it before anything is
 * asked of the ledger. @accept: a person said that a hold is to be released, and what is found to
 * be accepted. With a host that keeps nothing (a dry run) a new numbering is only told. ERROR_HELD
 * when the mailbox is, or is now, held. */
int imap_epoch(struct imap_session *session, const struct imap_settings *settings,
               const struct imap_host *host, const struct imap_folder *mailbox,
               const struct imap_mailbox *before, bool accept, struct error *err);

#endif
