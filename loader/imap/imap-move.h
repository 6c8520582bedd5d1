/* SPDX-License-Identifier: Apache-2.0 */
/* imap-move.h - take stored messages out of the mailbox: move, copy and delete, flag, or leave.
 *
 * What the settings want and the server can decides the way; every step is noted in the ledger
 * before it is ordered, and nothing is believed but what the server shows:
 *
 *   MOVE (RFC 6851)     note MOVING -> UID MOVE -> COPYUID names it, or it is seen to be gone
 *                       -> note MOVED
 *   UIDPLUS (RFC 4315)  note MOVING -> UID COPY -> COPYUID names it -> note COPIED -> \Deleted
 *                       -> note DELETING -> UID EXPUNGE -> it is seen to be gone -> note MOVED
 *   neither             note MOVING -> UID COPY -> STATUS of the folder shows as many new messages
 *                       -> note COPIED -> keyword IMAP_KEYWORD (where the server takes none:
 *                       \Flagged) -> note MOVED; the original stays. So also where COPYUID fails to
 *                       name a copy
 *   after=Delete        note DELETING -> \Deleted -> UID EXPUNGE, where there is UIDPLUS
 *   after=Flag          the keyword; after=Leave: nothing but note MOVED
 *
 * A bare EXPUNGE or CLOSE is never sent: they would take other people's messages along. A step is
 * sent only after the one before it was answered OK, so that a refused COPY can never be followed
 * by its EXPUNGE. Up to IMAP_MOVE_MAX messages go in one command; several commands may be on their
 * way. When a command is refused (NO or BAD), its messages are tried one by one; those refused again
 * stay where they are, in the ledger as stored, and imap_moves_refused() tells. A COPY that may have
 * been obeyed all the same is not tried again: its messages stay MOVING, and imap_reconcile() looks
 * for them. A folder that is full or in use, or that we have no right to, is asked once; a server that
 * knows no order, and answers BAD to each, IMAP_MOVE_BADS_MAX times. Only throttling is a failure of
 * the session.
 *
 * What an earlier session may have ordered may be what ended it: it goes last, behind all new mail,
 * the first of it alone, then two, four ... while nothing else is under way. */
#ifndef MAILCHUTE_LOADER_IMAP_MOVE_H
#define MAILCHUTE_LOADER_IMAP_MOVE_H

#include <stdbool.h>
#include <stdint.h>

#include "cleanup.h"
#include "error.h"
#include "imap-folder.h"
#include "imap-host.h"
#include "imap-session.h"
#include "imap-settings.h"

#define IMAP_MOVE_MAX 1000u  /* messages in one command ... */
#define IMAP_MOVE_RANGES 500u /* ... in so many ranges of UIDs: not all servers read long lines */
#define IMAP_MOVE_BADS_MAX 8u /* orders in a row that are answered BAD: it is no single message */
#define IMAP_MOVES_OUTSTANDING 32u /* commands of ours and others on their way, before we wait */

struct imap_moves;

/** imap_moves_leave - is a message no longer in the mailbox when it is done with? @can: IMAP_CAN_*.
 */
bool imap_moves_leave(const struct imap_settings *settings, uint32_t can);

/** imap_moves_stayed - was the message of this record, which is done with (MOVED), left in the
 * mailbox on purpose, though by these settings it would not be? By after=Leave or after=Flag then,
 * or where a copy could not be told from others (no COPYUID). Not known of after=Delete, which
 * notes of what is gone as much as after=Leave of what stays: false. */
bool imap_moves_stayed(const struct imap_settings *settings, uint32_t can,
                       const struct imap_record *record);

/** imap_moves_new - everything is borrowed until imap_moves_free(), which must come before the
 * session is used again. folders->mailbox is selected now. NULL: out of memory. */
struct imap_moves *imap_moves_new(struct imap_session *session,
                                  const struct imap_settings *settings,
                                  const struct imap_host *host, struct imap_folders *folders);
void imap_moves_free(struct imap_moves *moves);
AUTO_DEFINE(imap_moves, imap_moves_free);

/** imap_moves_add - this message's entry is durable: its way out of the mailbox, from record->step
 * (STORED, MOVING: from the start; COPIED, DELETING: from there, and only a copy whose UID is known
 * lets the original go) on. Nothing is sent yet. */
int imap_moves_add(struct imap_moves *moves, const struct imap_record *record, struct error *err);

/** imap_moves_add_last - the same for what an earlier session may have ordered already: it waits for
 * imap_moves_start_last(). */
int imap_moves_add_last(struct imap_moves *moves, const struct imap_record *record,
                        struct error *err);

/** imap_moves_wait - some wait for imap_moves_start_last(), which orders some of them, and is to be
 * called when nothing is under way: any one of them alone, and each time twice as many. So a
 * message whose order ends the session keeps back those that are in that order and behind it, others
 * each time until it is left alone, and a thousand that an outage left go in ten orders. */
bool imap_moves_wait(const struct imap_moves *moves);
int imap_moves_start_last(struct imap_moves *moves, struct error *err);

#define IMAP_MOVE_WAIT_MS 1000u /* an order waits no longer for others to join it */

/** imap_moves_start - note and send what was added. Does not wait. @more: bodies are on their way,
 * so that more will be added soon; then an order that is not full may be left to grow. While
 * another folder is selected, or the mailbox under another UIDVALIDITY, nothing is: a UID means
 * another message there. */
int imap_moves_start(struct imap_moves *moves, bool more, struct error *err);

/** imap_moves_busy - some are on their way or wait to be sent; not those of imap_moves_wait(). */
bool imap_moves_busy(const struct imap_moves *moves);

/** imap_moves_under_way - how many are ordered and not answered; *out_first is the lowest UID of
 * them. */
size_t imap_moves_under_way(const struct imap_moves *moves, uint32_t *out_first);

/** imap_moves_refused - how many the server refused to take out of the mailbox; *out_why (may be
 * NULL) tells the last reason. */
uint64_t imap_moves_refused(const struct imap_moves *moves, struct error *out_why);

/** imap_moves_refuse - one more that stays in the mailbox: it was not added, because of @why. */
void imap_moves_refuse(struct imap_moves *moves, const struct error *why);

/** imap_moves_retry - forget that some were refused: they are added anew (imap_reconcile()), and a
 * folder that was full is asked again. A message that was told stays told. */
void imap_moves_retry(struct imap_moves *moves);

#endif
