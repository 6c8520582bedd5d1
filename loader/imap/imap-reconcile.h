/* SPDX-License-Identifier: Apache-2.0 */
/* imap-reconcile.h - finish what an earlier session left undone: looked into and noted before
 * anything is fetched; what that session may have ordered is ordered again behind new mail.
 *
 * For every message of the ledger that is stored but not moved yet:
 *
 *   no longer in the mailbox     it was moved, the answer was lost: note MOVED; but if no move was
 *                                under way it may have another UID now: imap-again.h
 *   not said: the server's NO    nothing now; the next run looks again
 *   STORED                       move it
 *   MOVING                       a COPY may have been done, or a MOVE by half: look in the target,
 *                                from the UIDNEXT noted before (unknown, or of another UIDVALIDITY:
 *                                from UID 1), for the same size, date and header. Found: note
 *                                COPIED, and go on from there; else move or copy it. Where the
 *                                target cannot be looked into, or one of the three is not told (a
 *                                header that is NIL is not), it is left, and told; but where there
 *                                is MOVE it is moved
 *   MOVING, MOVE, no UIDPLUS     move it: an original beside its copy could not be deleted
 *   COPIED, DELETING             delete the original: both orders may be repeated
 *
 * Records of another UIDVALIDITY were not found again when the mailbox was numbered anew
 * (imap-epoch.h): somebody else moved them, note MOVED. With a host that knows nothing of
 * numberings they are left as they are, and told. */
#ifndef MAILCHUTE_LOADER_IMAP_RECONCILE_H
#define MAILCHUTE_LOADER_IMAP_RECONCILE_H

#include "error.h"
#include "imap-again.h"
#include "imap-folder.h"
#include "imap-host.h"
#include "imap-move.h"
#include "imap-session.h"
#include "imap-set.h"

/** imap_reconcile - the mailbox is selected, and is so again afterwards. What is left to do is
 * added to @moves; the UIDs that were looked at are added to @reconciled: nobody else may move
 * them in this session, for some are left on purpose; what may have another UID now to @again. */
int imap_reconcile(struct imap_session *session, const struct imap_settings *settings,
                   const struct imap_host *host, struct imap_folders *folders,
                   struct imap_moves *moves, struct imap_set *reconciled,
                   struct imap_again *again, struct error *err);

#endif
