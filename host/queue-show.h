/* SPDX-License-Identifier: Apache-2.0 */
/* queue-show.h - mailchute queue queues: what work queues do, and how many entries they have. */
#ifndef MAILCHUTE_HOST_QUEUE_SHOW_H
#define MAILCHUTE_HOST_QUEUE_SHOW_H

#include <stdbool.h>

#include "queue-policy.h"

/** queue_show - the work queue @name, or all of them for NULL, on standard output. @width: of the
 * terminal, 0: none. */
int queue_show(struct queue *queue, const char *name, bool json, size_t width, struct error *err);

#endif
