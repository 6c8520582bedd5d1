/* SPDX-License-Identifier: Apache-2.0 */
/* queue-flush.c - see queue-flush.h. */
#include <config.h>
#include "queue-flush.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#define FLUSH_STACK (128u * 1024)

struct flush {
    const int *fds;
    size_t count;
    atomic_size_t next; /* the first that nobody has taken */
    atomic_int why;     /* errno of one that failed, 0: none so far */
};

static void *flush_some(void *context)
{
    struct flush *flush = context;
    size_t i;
    while ((i = atomic_fetch_add(&flush->next, 1)) < flush->count)
        if (fdatasync(flush->fds[i]) < 0)
            atomic_store(&flush->why, errno);
    return NULL;
}

/* How many threads were begun, at most @most: signals are not for them. */
static size_t flush_begin(struct flush *flush, pthread_t *threads, size_t most)
{
    sigset_t all, before;
    pthread_attr_t how;
    size_t begun = 0;
    if (pthread_attr_init(&how) != 0)
        return 0;
    (void)pthread_attr_setstacksize(&how, FLUSH_STACK);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (begun < most && pthread_create(&threads[begun], &how, flush_some, flush) == 0)
        begun++;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&how);
    return begun;
}

int queue_flush(const int *fds, size_t count)
{
    pthread_t threads[QUEUE_FLUSH_THREADS - 1];
    struct flush flush = {.fds = fds, .count = count};
    size_t most = count < QUEUE_FLUSH_THREADS ? count : QUEUE_FLUSH_THREADS;
    size_t begun = most > 1 ? flush_begin(&flush, threads, most - 1) : 0;
    (void)flush_some(&flush);
    for (size_t i = 0; i < begun; i++)
        (void)pthread_join(threads[i], NULL);
    errno = atomic_load(&flush.why);
    return errno == 0 ? 0 : -1;
}
