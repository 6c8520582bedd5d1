/* SPDX-License-Identifier: Apache-2.0 */
/* kept-thread.c - one thread for all the short ones of a fuzz target.
 *
 * A sanitizer's thread costs more to make than a dialogue to hold. What libFuzzer runs is compiled
 * with pthread_create and pthread_join renamed to these two (fuzz.mk): the same functions run
 * beside the same caller, in a thread that then waits for the next. One at a time, which is what a
 * loader has. */
#include <config.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

int kept_thread_create(pthread_t *out_thread, const pthread_attr_t *attr, void *(*run)(void *),
                       void *context);
int kept_thread_join(pthread_t thread, void **out_result);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_t kept;
static bool started, busy;
static void *(*job)(void *); /* NULL: it ended */
static void *job_context, *job_result;

static void *kept_thread_main(void *unused)
{
    pthread_mutex_lock(&lock);
    for (;;) {
        while (job == NULL)
            pthread_cond_wait(&changed, &lock);
        pthread_mutex_unlock(&lock);
        job_result = job(job_context);
        pthread_mutex_lock(&lock);
        job = NULL;
        pthread_cond_broadcast(&changed);
    }
    return unused;
}

int kept_thread_create(pthread_t *out_thread, const pthread_attr_t *attr, void *(*run)(void *),
                       void *context)
{
    if (busy)
        abort(); /* a second one beside the first: then this file must learn it */
    if (!started && pthread_create(&kept, attr, kept_thread_main, NULL) != 0)
        abort();
    started = busy = true;
    pthread_mutex_lock(&lock);
    job_context = context;
    job = run;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    *out_thread = kept;
    return 0;
}

int kept_thread_join(pthread_t thread, void **out_result)
{
    if (!busy || !pthread_equal(thread, kept))
        abort();
    pthread_mutex_lock(&lock);
    while (job != NULL)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    busy = false;
    if (out_result != NULL)
        *out_result = job_result;
    return 0;
}
