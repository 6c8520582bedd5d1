/* SPDX-License-Identifier: Apache-2.0 */
/* cancel.c - signals as a request to leave. See cancel.h. */
#include <config.h>
#include "cancel.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void cancel_signals(sigset_t *out_set)
{
    sigemptyset(out_set);
    sigaddset(out_set, SIGINT);
    sigaddset(out_set, SIGTERM);
    sigaddset(out_set, SIGHUP);
}

static void cancel_tell(int fd)
{
    const uint64_t one = 1;
    (void)!write(fd, &one, sizeof one); /* it has room for 2^64 - 2 of them */
}

/* The signal that came; 0 when we are to end. */
static int cancel_wait(struct cancel *cancel)
{
    struct pollfd either[] = {{cancel->signals, POLLIN, 0}, {cancel->ending, POLLIN, 0}};
    struct signalfd_siginfo info;
    for (;;) {
        (void)poll(either, 2, -1);
        if (either[1].revents != 0)
            return 0;
        if (read(cancel->signals, &info, sizeof info) == (ssize_t)sizeof info)
            return (int)info.ssi_signo;
    }
}

/* A thread of its own, for the others may stand still in a call that no signal ends. */
static void *cancel_watch(void *context)
{
    struct cancel *cancel = context;
    int signal = cancel_wait(cancel);
    if (signal == 0)
        return NULL;
    atomic_store(&cancel->signal, signal);
    cancel_tell(cancel->fd);
    sigset_t set;
    cancel_signals(&set);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL); /* the next one ends the process */
    struct pollfd end = {cancel->ending, POLLIN, 0};
    while (end.revents == 0)
        (void)poll(&end, 1, -1);
    return NULL;
}

static int cancel_start(struct cancel *cancel)
{
    sigset_t set;
    cancel_signals(&set);
    cancel->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    cancel->ending = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    cancel->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (cancel->signals < 0 || cancel->ending < 0 || cancel->fd < 0)
        return errno;
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    int why = pthread_create(&cancel->watcher, NULL, cancel_watch, cancel);
    cancel->watched = why == 0;
    return why;
}

int cancel_init(struct cancel *cancel, const struct clock *clock, struct error *err)
{
    *cancel = (struct cancel){.clock = clock, .fd = -1, .signals = -1, .ending = -1};
    int why = cancel_start(cancel);
    if (why == 0)
        return 0;
    cancel_done(cancel);
    return error_set(err, ERROR_BUG,
                     "signals cannot be watched: %s; close some programs and run again",
                     strerror(why));
}

/* One that waits was meant for what has just ended. */
static void cancel_unblock(struct cancel *cancel)
{
    struct signalfd_siginfo info;
    sigset_t set;
    while (read(cancel->signals, &info, sizeof info) == (ssize_t)sizeof info)
        ;
    cancel_signals(&set);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void cancel_done(struct cancel *cancel)
{
    if (cancel->watched) {
        cancel_tell(cancel->ending);
        pthread_join(cancel->watcher, NULL);
    }
    if (cancel->signals >= 0)
        cancel_unblock(cancel);
    int *fds[] = {&cancel->fd, &cancel->signals, &cancel->ending};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
    cancel->watched = false;
}

int cancel_asked(void *context)
{
    struct cancel *cancel = context;
    uint64_t told;
    if (atomic_load(&cancel->signal) == 0)
        return 0;
    (void)!read(cancel->fd, &told, sizeof told); /* nobody is to be woken by it any more */
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
