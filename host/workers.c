/* SPDX-License-Identifier: Apache-2.0 */
/* workers.c - a few threads for what blocks. See workers.h. */
#include <config.h>
#include "workers.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define WORKERS_WINDOW_MS 10000u
#define WORKERS_SPARE 2u /* threads kept beyond what was needed in this window and the last */
#define WORKERS_TELL_MS 60000u /* that the queue cannot be opened is told so often at most */
#define WORKERS_STACK (1u << 20) /* bytes; loaders keep large things off the stack */

struct workers_list {
    struct workers_job *first, **last;
};

struct worker_thread {
    struct worker_thread *next;
    struct workers *workers;
    pthread_t id;
    bool ended; /* it is about to return, or has */
};

struct workers {
    struct workers_options options;
    pthread_mutex_t lock;
    pthread_cond_t given, ended;
    struct worker_thread *all; /* that were not joined yet */
    struct workers_list waiting, done;
    unsigned threads, idle, queued;
    unsigned alive; /* threads, and those that are about to end */
    unsigned busiest, busiest_before; /* threads with a job at once, in this window and the last */
    uint64_t window_ms;               /* its start */
    uint64_t told_ms; /* when it was told that the queue cannot be opened; 0: never */
    bool closing;
    int fd;
};

static void list_init(struct workers_list *list)
{
    list->first = NULL;
    list->last = &list->first;
}

static void list_put(struct workers_list *list, struct workers_job *job)
{
    job->next = NULL;
    *list->last = job;
    list->last = &job->next;
}

static struct workers_job *list_take(struct workers_list *list)
{
    struct workers_job *job = list->first;
    if (job == NULL)
        return NULL;
    list->first = job->next;
    if (list->first == NULL)
        list->last = &list->first;
    return job;
}

/* ---- In a worker ----------------------------------------------------------------------------- */

static void workers_count_busy(struct workers *workers)
{
    uint64_t now_ms = clock_monotonic_ms(workers->options.clock);
    uint64_t passed_ms = now_ms - workers->window_ms;
    unsigned busy = workers->threads - workers->idle;
    if (passed_ms >= WORKERS_WINDOW_MS) {
        workers->busiest_before = passed_ms < 2 * WORKERS_WINDOW_MS ? workers->busiest : 0;
        workers->busiest = 0;
        workers->window_ms = now_ms;
    }
    workers->busiest = busy > workers->busiest ? busy : workers->busiest;
}

/* A thread holds a connection to the database, with what that has read: those that a start needed
 * are not kept for ever. */
static bool workers_are_many(struct workers *workers)
{
    unsigned needed = workers->busiest > workers->busiest_before ? workers->busiest
                                                                 : workers->busiest_before;
    return workers->threads > needed + WORKERS_SPARE;
}

static void workers_sleep(struct workers *workers)
{
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += WORKERS_WINDOW_MS / 1000 + 1;
    (void)pthread_cond_timedwait(&workers->given, &workers->lock, &end);
}

/* NULL: the end of this thread. */
static struct workers_job *worker_await(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    workers->idle++;
    workers_count_busy(workers);
    while (workers->waiting.first == NULL && !workers->closing && !workers_are_many(workers)) {
        workers_sleep(workers);
        workers_count_busy(workers);
    }
    workers->idle--;
    struct workers_job *job = list_take(&workers->waiting);
    if (job != NULL) {
        workers->queued--;
        workers_count_busy(workers);
    } else {
        workers->threads--;
    }
    pthread_mutex_unlock(&workers->lock);
    return job;
}

static void worker_ended(struct workers *workers, struct workers_job *job)
{
    const uint64_t one = 1;
    pthread_mutex_lock(&workers->lock);
    list_put(&workers->done, job);
    pthread_mutex_unlock(&workers->lock);
    ssize_t written = write(workers->fd, &one, sizeof one);
    (void)written; /* full: readable already */
}

/* Not a queue that lies where ours was: sources know of mail that is in ours. */
static int worker_open_same(const struct workers_options *options, struct queue **out_queue,
                            struct error *err)
{
    AUTO(queue) queue = NULL;
    if (queue_check(options->queue, err) < 0 ||
        options->open_queue(options->queue_url, &queue, err) < 0 ||
        queue_check(options->queue, err) < 0)
        return -1;
    *out_queue = TAKE(queue);
    return 0;
}

/* It may fail in each thread, and at each job: that is told now and then. */
static void worker_open_queue(struct workers *workers, struct unit_worker *worker)
{
    const struct workers_options *options = &workers->options;
    struct error err;
    if (worker->queue != NULL || worker_open_same(options, &worker->queue, &err) == 0)
        return;
    uint64_t now_ms = clock_monotonic_ms(options->clock);
    pthread_mutex_lock(&workers->lock);
    bool told = workers->told_ms != 0 && now_ms - workers->told_ms < WORKERS_TELL_MS;
    if (!told)
        workers->told_ms = now_ms;
    pthread_mutex_unlock(&workers->lock);
    if (!told)
        log_error(options->log, &err);
}

static void *worker_main(void *context)
{
    struct worker_thread *self = context;
    struct workers *workers = self->workers;
    struct unit_worker *worker = calloc(1, sizeof *worker);
    struct workers_job *job;
    while ((job = worker_await(workers)) != NULL) {
        if (worker != NULL) {
            worker->clock = workers->options.clock;
            worker->vault = workers->options.vault;
            worker->log = workers->options.log;
            worker_open_queue(workers, worker);
        }
        job->run(job, worker != NULL && worker->queue != NULL ? worker : NULL);
        worker_ended(workers, job);
    }
    if (worker != NULL)
        queue_close(worker->queue);
    free(worker);
    pthread_mutex_lock(&workers->lock);
    self->ended = true;
    workers->alive--;
    pthread_cond_signal(&workers->ended);
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

/* ---- Outside --------------------------------------------------------------------------------- */

/* Join those that ended: what libraries keep for a thread is freed between its last line and its
 * end, and must be before the process ends. It waits for no more than that. Under the lock. */
static void workers_join(struct workers *workers)
{
    struct worker_thread **at = &workers->all;
    while (*at != NULL) {
        struct worker_thread *thread = *at;
        if (!thread->ended) {
            at = &thread->next;
            continue;
        }
        *at = thread->next;
        pthread_mutex_unlock(&workers->lock); /* its last line */
        (void)pthread_join(thread->id, NULL);
        free(thread);
        pthread_mutex_lock(&workers->lock);
        at = &workers->all; /* it may be another one's by now */
    }
}

/* Under the lock. */
static int workers_start_one(struct workers *workers)
{
    pthread_attr_t how;
    struct worker_thread *thread = calloc(1, sizeof *thread);
    if (thread == NULL)
        return ENOMEM;
    thread->workers = workers;
    pthread_attr_init(&how);
    pthread_attr_setstacksize(&how, WORKERS_STACK);
    int failed = pthread_create(&thread->id, &how, worker_main, thread);
    pthread_attr_destroy(&how);
    if (failed != 0) {
        free(thread);
        return failed;
    }
    thread->next = workers->all;
    workers->all = thread;
    workers->threads++;
    workers->alive++;
    return 0;
}

int workers_new(const struct workers_options *options, struct workers **out_workers,
                struct error *err)
{
    struct workers *workers = calloc(1, sizeof *workers);
    if (workers == NULL)
        return error_oom(err, "starting threads");
    workers->options = *options;
    workers->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (workers->fd < 0) {
        free(workers);
        return error_set(err, ERROR_BUG, "no descriptor is left for the workers: %s; raise "
                         "LimitNOFILE", strerror(errno));
    }
    pthread_condattr_t how;
    pthread_condattr_init(&how);
    pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->given, &how);
    pthread_cond_init(&workers->ended, &how);
    pthread_condattr_destroy(&how);
    list_init(&workers->waiting);
    list_init(&workers->done);
    *out_workers = workers;
    return 0;
}

int workers_give(struct workers *workers, struct workers_job *job, struct error *err)
{
    int failed = 0;
    pthread_mutex_lock(&workers->lock);
    workers_join(workers);
    if (workers->idle <= workers->queued && workers->threads < workers->options.most)
        failed = workers_start_one(workers);
    if (workers->threads > 0) {
        list_put(&workers->waiting, job);
        workers->queued++;
        pthread_cond_signal(&workers->given);
        failed = 0;
    }
    pthread_mutex_unlock(&workers->lock);
    return failed == 0 ? 0
                       : error_set(err, ERROR_BUG, "no thread can be started: %s; raise TasksMax",
                                   strerror(failed));
}

unsigned workers_threads(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    workers_join(workers);
    unsigned threads = workers->alive;
    pthread_mutex_unlock(&workers->lock);
    return threads;
}

int workers_fd(const struct workers *workers)
{
    return workers->fd;
}

struct workers_job *workers_collect(struct workers *workers)
{
    uint64_t count;
    ssize_t got = read(workers->fd, &count, sizeof count);
    (void)got;
    pthread_mutex_lock(&workers->lock);
    struct workers_job *job = list_take(&workers->done);
    pthread_mutex_unlock(&workers->lock);
    return job;
}

bool workers_free(struct workers *workers, unsigned wait_ms)
{
    struct timespec end;
    if (workers == NULL)
        return true;
    clock_gettime(CLOCK_MONOTONIC, &end);
    uint64_t end_ns = (uint64_t)end.tv_nsec + (uint64_t)wait_ms * 1000000;
    end.tv_sec += (time_t)(end_ns / 1000000000);
    end.tv_nsec = (long)(end_ns % 1000000000);
    pthread_mutex_lock(&workers->lock);
    workers->closing = true;
    pthread_cond_broadcast(&workers->given);
    int late = 0;
    while (workers->alive > 0 && late == 0)
        late = pthread_cond_timedwait(&workers->ended, &workers->lock, &end);
    bool all = workers->alive == 0;
    workers_join(workers);
    pthread_mutex_unlock(&workers->lock);
    if (!all)
        return false;
    close(workers->fd);
    pthread_mutex_destroy(&workers->lock);
    pthread_cond_destroy(&workers->given);
    pthread_cond_destroy(&workers->ended);
    free(workers);
    return true;
}
