/* SPDX-License-Identifier: Apache-2.0 */
/* unit-private.h - what the files of units share. Internal.
 *
 * unit.c           opening, closing, and the turn of a source that picks up
 * unit-deliver.c   the turn of one that delivers */
#ifndef MAILCHUTE_HOST_UNIT_PRIVATE_H
#define MAILCHUTE_HOST_UNIT_PRIVATE_H

#include "unit.h"

/** unit_asked_to_stop - @context is the unit. */
int unit_asked_to_stop(void *context);

/** unit_use_loader - with the plug-in, its table of functions and the password, call @use; @flags
 * are those of its settings. No handle may be open. */
typedef int (*unit_use)(struct unit *unit, const struct loader_settings *settings,
                        struct loader_error *theirs);
int unit_use_loader(struct unit *unit, struct unit_worker *worker, uint32_t flags, unit_use use,
                    struct error *err);

int unit_open(struct unit *unit, struct unit_worker *worker, uint32_t flags, struct error *err);

/** unit_deliver - as unit_turn(), of a source that delivers.
 *
 *     open (nothing is sent) ─> the entries behind the last one that was looked at, until the share
 *     of a turn is used up ─> none is left: a turn that sent nothing looks whether the account
 *     answers
 *
 * A turn comes when a source of the same work queue has stored something, and after an interval:
 * then all is looked at again, what was refused, moved into the queue, or put there by another
 * program. That is a walk over the queue, done so seldom that it takes a hundredth of the time.
 *
 * What is open stays open until a turn sends nothing, UNIT_DELIVER_IDLE_MS later at the latest:
 * mail that comes one by one is not a log-in each. */
#define UNIT_DELIVER_IDLE_MS 60000u
int unit_deliver(struct unit *unit, struct unit_worker *worker, struct error *err);

#endif
