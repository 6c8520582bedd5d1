/* SPDX-License-Identifier: Apache-2.0 */
/* http-threads.h - threads that answer requests which may block: some for quick ones, some for slow
 * ones, so that a quick one waits for its like alone. */
#ifndef MAILCHUTE_HOST_HTTP_THREADS_H
#define MAILCHUTE_HOST_HTTP_THREADS_H

#include <stdbool.h>

#include "cleanup.h"
#include "error.h"

struct http_job {
    struct http_job *next; /* the threads' own */
    void (*run)(struct http_job *job, unsigned thread); /* the job is not touched any more */
};

struct http_threads;

/** http_threads_new - threads 0..@quick - 1 run quick jobs, the @slow ones behind them slow jobs.
 */
int http_threads_new(unsigned quick, unsigned slow, unsigned most_waiting,
                     struct http_threads **out_threads, struct error *err);

/** http_threads_give - run @job as soon as a thread is free; false when too many wait already. */
bool http_threads_give(struct http_threads *threads, bool slow, struct http_job *job);

/** http_threads_free - runs what waits, then ends. NULL is fine. */
void http_threads_free(struct http_threads *threads);
AUTO_DEFINE(http_threads, http_threads_free);

#endif
