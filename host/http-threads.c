/* SPDX-License-Identifier: Apache-2.0 */
/* http-threads.c - threads that answer requests which may block. See http-threads.h. */
#include <config.h>
#include "http-threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct http_lane_jobs {
    struct http_job *first, **last;
    unsigned count, most; /* jobs that wait or run */
    pthread_cond_t news; /* for the threads of this lane */
};

struct http_thread {
    struct http_threads *threads;
    pthread_t id;
    unsigned number;
    struct http_lane_jobs *lane;
};

struct http_threads {
    pthread_mutex_t lock;
    struct http_lane_jobs *lanes;
    unsigned lane_count;
    struct http_thread *items;
    unsigned count;
    bool ending;
};

static struct http_job *http_threads_next(struct http_thread *thread)
{
    struct http_threads *threads = thread->threads;
    struct http_lane_jobs *lane = thread->lane;
    pthread_mutex_lock(&threads->lock);
    while (lane->first == NULL && !threads->ending)
        pthread_cond_wait(&lane->news, &threads->lock);
    struct http_job *job = lane->first;
    if (job != NULL) {
        lane->first = job->next;
        if (lane->first == NULL)
            lane->last = &lane->first;
    }
    pthread_mutex_unlock(&threads->lock);
    return job;
}

static void *http_thread_run(void *context)
{
    struct http_thread *thread = context;
    struct http_job *job;
    while ((job = http_threads_next(thread)) != NULL) {
        job->run(job, thread->number);
        pthread_mutex_lock(&thread->threads->lock);
        thread->lane->count--;
        pthread_mutex_unlock(&thread->threads->lock);
    }
    return NULL;
}

bool http_threads_give(struct http_threads *threads, unsigned number, struct http_job *job)
{
    struct http_lane_jobs *lane = &threads->lanes[number];
    pthread_mutex_lock(&threads->lock);
    bool room = lane->count < lane->most && !threads->ending;
    if (room) {
        job->next = NULL;
        *lane->last = job;
        lane->last = &job->next;
        lane->count++;
        pthread_cond_signal(&lane->news);
    }
    pthread_mutex_unlock(&threads->lock);
    return room;
}

static int http_threads_start(struct http_threads *threads, const struct http_lane_size *sizes)
{
    for (unsigned lane = 0; lane < threads->lane_count; lane++)
        for (unsigned i = 0; i < sizes[lane].threads; i++, threads->count++) {
            struct http_thread *thread = &threads->items[threads->count];
            *thread = (struct http_thread){.threads = threads, .number = threads->count,
                                           .lane = &threads->lanes[lane]};
            if (pthread_create(&thread->id, NULL, http_thread_run, thread) != 0)
                return -1;
        }
    return 0;
}

/* Signals are the main thread's. */
static int http_threads_start_quiet(struct http_threads *threads,
                                    const struct http_lane_size *sizes)
{
    sigset_t every, before;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    int bad = http_threads_start(threads, sizes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return bad;
}

static void http_threads_lanes(struct http_threads *threads, const struct http_lane_size *sizes,
                               unsigned count)
{
    for (; threads->lane_count < count; threads->lane_count++) {
        struct http_lane_jobs *lane = &threads->lanes[threads->lane_count];
        lane->last = &lane->first;
        lane->most = sizes[threads->lane_count].threads + sizes[threads->lane_count].waiting;
        pthread_cond_init(&lane->news, NULL);
    }
}

int http_threads_new(const struct http_lane_size *lanes, unsigned count,
                     struct http_threads **out_threads, struct error *err)
{
    unsigned all = 0;
    AUTO(http_threads) threads = calloc(1, sizeof *threads);
    if (threads == NULL)
        return error_oom(err, "starting threads");
    pthread_mutex_init(&threads->lock, NULL);
    for (unsigned i = 0; i < count; i++)
        all += lanes[i].threads;
    /* analyse: there are lanes, and threads in each */
    threads->lanes = calloc(count, sizeof *threads->lanes);
    threads->items = calloc(all, sizeof *threads->items);
    if (threads->lanes == NULL || threads->items == NULL)
        return error_oom(err, "starting threads");
    http_threads_lanes(threads, lanes, count);
    if (http_threads_start_quiet(threads, lanes) < 0)
        return error_oom(err, "starting threads");
    *out_threads = TAKE(threads);
    return 0;
}

void http_threads_free(struct http_threads *threads)
{
    if (threads == NULL)
        return;
    pthread_mutex_lock(&threads->lock);
    threads->ending = true;
    for (unsigned i = 0; i < threads->lane_count; i++)
        pthread_cond_broadcast(&threads->lanes[i].news);
    pthread_mutex_unlock(&threads->lock);
    for (unsigned i = 0; i < threads->count; i++)
        pthread_join(threads->items[i].id, NULL);
    for (unsigned i = 0; i < threads->lane_count; i++)
        pthread_cond_destroy(&threads->lanes[i].news);
    pthread_mutex_destroy(&threads->lock);
    free(threads->lanes);
    free(threads->items);
    free(threads);
}
