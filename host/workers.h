/* SPDX-License-Identifier: Apache-2.0 */
/* workers.h - a few threads that do jobs which block: turns of units, writes to the queue.
 *
 * A thread is started when there is a job and none is free, up to the limit; each has a queue
 * handle of its own. A loader's call may block as long as its server is silent, so the limit is
 * not the number of processors but how many silent servers may be waited for at once; who gives
 * jobs out sees to it that no server takes them all.
 *
 * A job that has ended is collected by workers_collect(); workers_fd() gets readable then. */
#ifndef MAILCHUTE_HOST_WORKERS_H
#define MAILCHUTE_HOST_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "unit.h"

struct workers;

/* One thing to do; embedded in what it is about. */
struct workers_job {
    void (*run)(struct workers_job *job, struct unit_worker *worker); /* in a worker */
    void *context;
    struct workers_job *next; /* the workers' own */
};

struct workers_options {
    unsigned most; /* threads */
    const char *queue_url;
    const struct queue *queue; /* one that is open: theirs have to be of the same files */
    const struct clock *clock;
    const struct vault *vault;
    const struct log *log;
    int (*open_queue)(const char *url, struct queue **out_queue, struct error *err);
};

int workers_new(const struct workers_options *options, struct workers **out_workers,
                struct error *err);

/** workers_free - waits for jobs that run for up to @wait_ms. False when some still do: then
 * nothing they use may be freed, and the process has to end. */
bool workers_free(struct workers *workers, unsigned wait_ms);

/** workers_give - a job; free until the next call of workers_collect() that returns it. -1 when no
 * thread could be started and there is none. */
int workers_give(struct workers *workers, struct workers_job *job, struct error *err);

/** workers_threads - how many there are now. They come with the jobs, and go when they are not
 * needed for some time. */
unsigned workers_threads(struct workers *workers);

int workers_fd(const struct workers *workers);
struct workers_job *workers_collect(struct workers *workers); /* NULL: none (any more) */

#endif
