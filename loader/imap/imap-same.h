/* SPDX-License-Identifier: Apache-2.0 */
/* imap-same.h - is what lies in the mailbox under a stored message's UID that message?
 *
 * A server that was restored from a backup may give UIDs a second time that came after the backup,
 * with the same UIDVALIDITY and without going back: then another message lies there, which nobody
 * has picked up. Rows of the ledger that a run left unmoved are asked for this before anything is
 * moved:
 *
 *   same     its Message-ID, and a size at most 5 % apart (some servers tell sizes that are not
 *            those of the bytes, some change what they keep); else its digest; where the queue has
 *            no bytes of it, the size that was listed
 *   other    none of these
 *   untold   the server does not give out what would tell, or the queue has nothing but another
 *            size: of a message that was too large to be read
 *
 * It costs a size and a Message-ID each, and the whole message where these leave a doubt, as they
 * do for mail without Message-ID. */
#ifndef MAILCHUTE_LOADER_IMAP_SAME_H
#define MAILCHUTE_LOADER_IMAP_SAME_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "imap-folder.h"
#include "imap-host.h"
#include "imap-looks.h"

enum imap_same { IMAP_SAME_UNTOLD, IMAP_SAME_YES, IMAP_SAME_OTHER };

/** imap_same_ask - of each of @looks (uid is set, ascending, at most IMAP_RECORDS_MAX) tag becomes
 * an enum imap_same. The mailbox is selected, and no body of anybody else is on its way. */
int imap_same_ask(struct imap_session *session, const struct imap_host *host,
                  struct imap_look *looks, size_t count, struct error *err);

/** imap_same_try - the same, but a BAD of the server is no failure: it is told in @out_bad
 * (ERROR_NONE: there was none), and then no tag means anything. */
int imap_same_try(struct imap_session *session, const struct imap_host *host,
                  struct imap_look *looks, size_t count, struct error *out_bad, struct error *err);

/** imap_same_hold - those of @looks that bear @tag have UIDs of others: hold the mailbox, and say
 * what a person can do. Returns -1 with err, ERROR_HELD. */
int imap_same_hold(const struct imap_host *host, const struct imap_folder *mailbox,
                   const struct imap_look *looks, size_t count, uint32_t tag, struct error *err);

#endif
