/* SPDX-License-Identifier: Apache-2.0 */
/* sync-state.h - how far a source has come, in the words of other clients. Pure. */
#ifndef MAILCHUTE_HOST_WEB_SYNC_STATE_H
#define MAILCHUTE_HOST_WEB_SYNC_STATE_H

#include <jansson.h>

/** sync_state_json - {"imap": {"INBOX": {"maxUid": 4711}}} of the origin key of the message that
 * was stored last, "imap:user@host:UIDVALIDITY:4711:INBOX"; {} where there is none, or it is none
 * of IMAP. NULL: out of memory. */
json_t *sync_state_json(const char *cursor);

#endif
