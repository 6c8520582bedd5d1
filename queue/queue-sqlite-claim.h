/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-claim.h - locks that say who picks up from which mailbox. Internal.
 *
 * One empty file per mailbox in FOLDER/claims, locked by flock(2) as long as its descriptor is
 * open: the kernel gives it back however the process ends. The files stay; only locks count. */
#ifndef MAILCHUTE_QUEUE_QUEUE_SQLITE_CLAIM_H
#define MAILCHUTE_QUEUE_QUEUE_SQLITE_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "queue-id.h"
#include "queue-sqlite-folder.h"

/** queue_sqlite_claim - see queue_backend.claim. */
int queue_sqlite_claim(const struct queue_sqlite_folder *folder, const uint8_t id[QUEUE_UUID_SIZE],
                       bool *out_claimed, int *out_fd, struct error *err);

#endif
