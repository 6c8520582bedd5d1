/* SPDX-License-Identifier: Apache-2.0 */
/* imap-tour.h - the way of mail out of a source: of its one mailbox, or of all folders it archives.
 *
 * With the key mailbox a tour is one pick-up (imap-pickup.h), passed through. With folders it
 * walks:
 *
 *     connect ─> list, choose ─> each folder that may have news: EXAMINE, pick up, leave
 *                ^  (imap-tree.h)           │ all visited
 *                └──── each poll ───────────┴─> DRAINED ─> home: IDLE in INBOX, or in the first
 *
 * Nothing is ever changed at the server: the commands are LIST, STATUS, EXAMINE, SEARCH, FETCH with
 * BODY.PEEK, IDLE. The home is visited first, and opened again when all is settled, to be told of
 * new mail at once; news of the others is found by the next sweep.
 *
 * A folder is not opened when it is empty, or when UIDVALIDITY, UIDNEXT, MESSAGES and HIGHESTMODSEQ
 * are what they were before it was last drained; without HIGHESTMODSEQ, only where no search is
 * set, which may depend on flags. That is remembered by the handle alone, and for
 * IMAP_TOUR_BELIEF_MS at most; what counts is the ledger, which each folder that is opened is held
 * against, so that a wrong memory can delay mail until then and lose none.
 *
 * A folder that cannot be opened, listed, is held, or is another pick-up's stops nobody: it is told
 * once, and at the end of each sweep as the source's trouble; the next sweep tries again. When none
 * at all can be picked up from, that is the source's failure.
 *
 * A message is named by its folder: the same mail in two folders is two messages, and so is one
 * that was moved between them, or whose folder was renamed. One handle, one thread. */
#ifndef MAILCHUTE_LOADER_IMAP_TOUR_H
#define MAILCHUTE_LOADER_IMAP_TOUR_H

#include <stdint.h>

#include "cleanup.h"
#include "error.h"
#include "imap-pickup.h"

#define IMAP_TOUR_BELIEF_MS                                                                        \
    (24u * 3600 * 1000) /* then each folder is opened, whatever STATUS says */

struct imap_tour;

/** imap_tour_open - as imap_pickup_open(). *out_tour is yours: imap_tour_close(). */
int imap_tour_open(const struct imap_pickup_options *options, struct imap_tour **out_tour,
                   struct error *err);
void imap_tour_close(struct imap_tour *tour); /* NULL is fine */
AUTO_DEFINE(imap_tour, imap_tour_close);

/** imap_tour_mailbox - the path of the folder that the host's functions are being called about, and
 * whose message was handed out last. Borrowed until the next call. */
const char *imap_tour_mailbox(const struct imap_tour *tour);

/** imap_tour_next - as imap_pickup_next(). *out_token names the message, never 0, for _settle(). */
enum imap_pickup_result imap_tour_next(struct imap_tour *tour, struct imap_message *out_message,
                                       uint64_t *out_token, struct error *err);

/** imap_tour_settle - as imap_pickup_settle(): up to IMAP_RECORDS_MAX messages, each once. */
int imap_tour_settle(struct imap_tour *tour, const uint64_t *tokens, size_t count, uint32_t fate,
                     struct error *err);

/** imap_tour_wait - as imap_pickup_wait(). */
int imap_tour_wait(struct imap_tour *tour, int *out_fd, uint32_t *out_timeout_ms,
                   struct error *err);

#endif
