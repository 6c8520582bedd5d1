/* SPDX-License-Identifier: Apache-2.0 */
/* http-threads.c - threads that answer requests which may block. See http-threads.h. */
#include <config.h>
#include "http-threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct http_lane_jobs {
    struct http_job *first, **last;
    unsigned count;
};

struct http_thread {
    struct http_threads *threads;
    pthread_t id;
    unsigned number;
    bool slow;
};

struct http_threads {
    pthread_mutex_t lock;
    pthread_cond_t news;
    struct http_lane_jobs lanes[2]; /* quick, slow */
    struct http_thread *items;
    unsigned count, most_waiting;
    bool ending;
};

static struct http_job *http_threads_next(struct http_threads *threads, bool slow)
{
    struct http_lane_jobs *lane = &threads->lanes[slow];
    pthread_mutex_lock(&threads->lock);
    while (lane->first == NULL && !threads->ending)
        pthread_cond_wait(&threads->news, &threads->lock);
    struct http_job *job = lane->first;
    if (job != NULL) {
        lane->first = job->next;
        lane->count--;
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
    while ((job = http_threads_next(thread->threads, thread->slow)) != NULL)
        job->run(job, thread->number);
    return NULL;
}

bool http_threads_give(struct http_threads *threads, bool slow, struct http_job *job)
{
    struct http_lane_jobs *lane = &threads->lanes[slow];
    pthread_mutex_lock(&threads->lock);
    bool room = lane->count < threads->most_waiting && !threads->ending;
    if (room) {
        job->next = NULL;
        *lane->last = job;
        lane->last = &job->next;
        lane->count++;
        pthread_cond_broadcast(&threads->news);
    }
    pthread_mutex_unlock(&threads->lock);
    return room;
}

/* Signals are the main thread's. */
static int http_threads_start(struct http_threads *threads, unsigned quick, unsigned all)
{
    sigset_t every, before;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    for (; threads->count < all; threads->count++) {
        struct http_thread *thread = &threads->items[threads->count];
        *thread = (struct http_thread){.threads = threads, .number = threads->count,
                                       .slow = threads->count >= quick};
        if (pthread_create(&thread->id, NULL, http_thread_run, thread) != 0)
            break;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return threads->count == all ? 0 : -1;
}

int http_threads_new(unsigned quick, unsigned slow, unsigned most_waiting,
                     struct http_threads **out_threads, struct error *err)
{
    AUTO(http_threads) threads = calloc(1, sizeof *threads);
    if (threads == NULL)
        return error_oom(err, "starting threads");
    pthread_mutex_init(&threads->lock, NULL);
    pthread_cond_init(&threads->news, NULL);
    threads->most_waiting = most_waiting;
    for (unsigned i = 0; i < 2; i++)
        threads->lanes[i].last = &threads->lanes[i].first;
    threads->items = calloc(quick + slow, sizeof *threads->items);
    if (threads->items == NULL || http_threads_start(threads, quick, quick + slow) < 0)
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
    pthread_cond_broadcast(&threads->news);
    pthread_mutex_unlock(&threads->lock);
    for (unsigned i = 0; i < threads->count; i++)
        pthread_join(threads->items[i].id, NULL);
    pthread_cond_destroy(&threads->news);
    pthread_mutex_destroy(&threads->lock);
    free(threads->items);
    free(threads);
}
