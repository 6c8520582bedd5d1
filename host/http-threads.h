/* SPDX-License-Identifier: Apache-2.0 */
/* http-threads.h - threads that answer requests which may block, in lanes: one that is full of what
 * takes long keeps nobody in another waiting. */
#ifndef MAILCHUTE_HOST_HTTP_THREADS_H
#define MAILCHUTE_HOST_HTTP_THREADS_H

#include <stdbool.h>

#include "cleanup.h"
#include "error.h"

struct http_job {
    struct http_job *next; /* the threads' own */
    void (*run)(struct http_job *job, unsigned thread); /* the job is not touched any more */
};

struct http_lane_size {
    unsigned threads, waiting; /* that run, and that wait for one of them, at most */
};

struct http_threads;

/** http_threads_new - threads 0.. are those of the first lane, the next ones those of the next. */
int http_threads_new(const struct http_lane_size *lanes, unsigned count,
                     struct http_threads **out_threads, struct error *err);

/** http_threads_give - run @job as soon as a thread of this lane is free; false when too many wait
 * there already. */
bool http_threads_give(struct http_threads *threads, unsigned lane, struct http_job *job);

/** http_threads_free - runs what waits, then ends. NULL is fine. */
void http_threads_free(struct http_threads *threads);
AUTO_DEFINE(http_threads, http_threads_free);

#endif
