/* SPDX-License-Identifier: Apache-2.0 */
/* cancel.c - signals as a request to leave. See cancel.h. */
#include <config.h>
#include "cancel.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void cancel_signals(sigset_t *out_set)
{
    sigemptyset(out_set);
    sigaddset(out_set, SIGINT);
    sigaddset(out_set, SIGTERM);
    sigaddset(out_set, SIGHUP);
}

int cancel_init(struct cancel *cancel, const struct clock *clock, struct error *err)
{
    *cancel = (struct cancel){.clock = clock, .fd = -1};
    sigset_t set;
    cancel_signals(&set);
    cancel->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (cancel->fd < 0)
        return error_set(err, ERROR_BUG, "signals cannot be watched: %s; close some programs and "
                         "run again", strerror(errno));
    sigprocmask(SIG_BLOCK, &set, NULL);
    return 0;
}

void cancel_done(struct cancel *cancel)
{
    if (cancel->fd < 0)
        return;
    cancel_asked(cancel); /* takes one that is waiting: it was meant for what has just ended */
    sigset_t set;
    cancel_signals(&set);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    close(cancel->fd);
    cancel->fd = -1;
}

int cancel_asked(void *context)
{
    struct cancel *cancel = context;
    if (atomic_load(&cancel->signal) != 0)
        return 1;
    struct signalfd_siginfo info;
    if (cancel->fd < 0 || read(cancel->fd, &info, sizeof info) != (ssize_t)sizeof info)
        return 0;
    atomic_store(&cancel->signal, (int)info.ssi_signo);
    sigset_t set;
    cancel_signals(&set);
    sigprocmask(SIG_UNBLOCK, &set, NULL); /* the next one ends us */
    return 1;
}

int cancel_now(void *context)
{
    struct cancel *cancel = context;
    return cancel_asked(cancel) &&
           clock_monotonic_ms(cancel->clock) >= atomic_load(&cancel->grace_until_ms);
}

void cancel_grace(void *context)
{
    struct cancel *cancel = context;
    atomic_store(&cancel->grace_until_ms, clock_monotonic_ms(cancel->clock) + CANCEL_GRACE_MS);
}
