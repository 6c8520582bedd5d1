/* SPDX-License-Identifier: Apache-2.0 */
/* queue-configure.h - mailchute queue configure: what work queues do, as key=value settings. */
#ifndef MAILCHUTE_HOST_QUEUE_CONFIGURE_H
#define MAILCHUTE_HOST_QUEUE_CONFIGURE_H

#include <stdbool.h>

#include "queue-policy.h"

/* What is to become of the hooks of a work queue. NULL: they stay; "": none. */
struct queue_configure_hooks {
    const char *command, *webhook;
    const char *secret_file; /* of the webhook; "-": standard input */
};

/** queue_configure_read - change what these @count settings "key=value" name, the last of a key
 * counts:
 *
 *     retry               none, linear, exponential
 *     retries             of one entry; 3 where retrying begins
 *     interval            as a duration; 1min where retrying begins
 *     base                1.001 to 100, of exponential retries; 2 where they begin
 *     error-queue         a name, or nothing for none
 *     throttle-items      so many in one throttle-interval; 0: any number
 *     throttle-interval   as a duration; 1min where throttling begins
 *     condition           as condition.h says, or nothing for none
 *     hook, webhook       a command, a URL (hook.h), or nothing for none: put into @hooks, which
 *                         borrows
 *     webhook-secret-file what the webhook is signed with: a file, - for standard input, or
 *                         nothing
 *
 * ERROR_USAGE names the setting that cannot be, and @policy is then half changed. Limits that hold
 * across settings are queue_configure()'s. */
int queue_configure_read(struct queue_policy *policy, struct queue_configure_hooks *hooks,
                         char *const *settings, int count, struct error *err);

/** queue_configure_run - read, change, store; a secret is sealed (vault.h). */
int queue_configure_run(struct queue *queue, const char *name, char *const *settings, int count,
                        struct error *err);

/** queue_configure_tell - all settings there are, on standard output. */
int queue_configure_tell(bool json, struct error *err);

#endif
