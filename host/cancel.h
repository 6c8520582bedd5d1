/* SPDX-License-Identifier: Apache-2.0 */
/* cancel.h - SIGINT, SIGTERM and SIGHUP as a request to finish what is in hand and leave.
 *
 * The signals are blocked and read from a descriptor: no handler, no global. The first one is the
 * request; from then on they have their usual effect again, so a second one ends the process at
 * once, whatever it does: a thread waits for them. */
#ifndef MAILCHUTE_HOST_CANCEL_H
#define MAILCHUTE_HOST_CANCEL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "error.h"

#define CANCEL_GRACE_MS 5000u /* to settle a batch whose entries are durable */

struct cancel {
    const struct clock *clock;
    int fd;            /* readable from a signal to the next cancel_asked(); poll it */
    atomic_int signal; /* the signal that came, 0: none */
    atomic_uint_least64_t grace_until_ms;
    int signals, ending; /* the watcher's: signals come, it is to end */
    pthread_t watcher;
    bool watched;
};

/* One that cancel_done() may get though cancel_init() was never called. */
#define CANCEL_NONE                                                                                \
    {                                                                                              \
        .fd = -1, .signals = -1, .ending = -1                                                      \
    }

/** cancel_init - from now on. Call it before other threads are begun, or they take the signals. */
int cancel_init(struct cancel *cancel, const struct clock *clock, struct error *err);
void cancel_done(struct cancel *cancel); /* the signals are as before, one not yet seen is lost */

/** cancel_asked - a signal came. Any thread. */
int cancel_asked(void *cancel);

/** cancel_now - a signal came and no grace is left: what a loader is told. Any thread. */
int cancel_now(void *cancel);

/** cancel_grace - let calls that follow go on for CANCEL_GRACE_MS although a signal came. */
void cancel_grace(void *cancel);

#endif
