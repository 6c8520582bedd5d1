/* SPDX-License-Identifier: Apache-2.0 */
/* queue-configure.h - mailchute queue configure and queue queues: the policies of work queues as
 * key=value settings, and as they are shown. */
#ifndef MAILCHUTE_HOST_QUEUE_CONFIGURE_H
#define MAILCHUTE_HOST_QUEUE_CONFIGURE_H

#include <stdbool.h>

#include "queue-policy.h"

/** queue_configure_read - change what these @count settings "key=value" name, the last of a key counts:
 *
 *     retry               none, linear, exponential
 *     retries             of one entry; 3 where retrying begins
 *     interval            as a duration; 1min where retrying begins
 *     base                1.001 to 100, of exponential retries; 2 where they begin
 *     error-queue         a name, or nothing for none
 *     throttle-items      so many in one throttle-interval; 0: any number
 *     throttle-interval   as a duration; 1min where throttling begins
 *     condition           as condition.h says, or nothing for none
 *
 * ERROR_USAGE names the setting that cannot be, and @policy is then half changed. Limits that hold
 * across settings are queue_configure()'s. */
int queue_configure_read(struct queue_policy *policy, char *const *settings, int count,
                         struct error *err);

/** queue_configure_run - read, change, store. */
int queue_configure_run(struct queue *queue, const char *name, char *const *settings, int count,
                        struct error *err);

/** queue_configure_show - the work queue @name, or all of them for NULL, on standard output. @width: of
 * the terminal, 0: none. */
int queue_configure_show(struct queue *queue, const char *name, bool json, size_t width,
                         struct error *err);

#endif
