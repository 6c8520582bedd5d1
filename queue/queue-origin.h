/* SPDX-License-Identifier: Apache-2.0 */
/* queue-origin.h - origins in their one normal form. Internal; see queue.h for the key's shape. */
#ifndef MAILCHUTE_QUEUE_QUEUE_ORIGIN_H
#define MAILCHUTE_QUEUE_QUEUE_ORIGIN_H

#include "queue.h"

/** queue_origin_normal - @origin with no key where there is a UID, and no uidvalidity where there
 * is none. Borrows from @origin. -1 when a part is missing (ERROR_BUG). */
int queue_origin_normal(const struct queue_origin *origin, struct queue_origin *out_normal,
                        struct error *err);

#endif
