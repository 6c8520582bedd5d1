/* SPDX-License-Identifier: Apache-2.0 */
/* kept-thread.c - a few threads for all the short ones of a fuzz target.
 *
 * A sanitizer's thread costs more to make than a dialogue to hold. What libFuzzer runs is compiled
 * with pthread_create and pthread_join renamed to these two (fuzz.mk): the same functions run
 * beside the same caller, in threads that then wait for the next. So many at a time as a loader
 * has: one that receives, and those that write large mail. */
#include <config.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#define KEPT_MAX 8u

int kept_thread_create(pthread_t *out_thread, const pthread_attr_t *attr, void *(*run)(void *),
                       void *context);
int kept_thread_join(pthread_t thread, void **out_result);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static struct kept {
    pthread_t thread;
    bool started, busy;   /* busy: not joined yet */
    void *(*job)(void *); /* NULL: it ended */
    void *context, *result;
} kept[KEPT_MAX];

static void *kept_thread_main(void *context)
{
    struct kept *self = context;
    pthread_mutex_lock(&lock);
    for (;;) {
        while (self->job == NULL)
            pthread_cond_wait(&changed, &lock);
        pthread_mutex_unlock(&lock);
        void *result = self->job(self->context);
        pthread_mutex_lock(&lock);
        self->result = result;
        self->job = NULL;
        pthread_cond_broadcast(&changed);
    }
    return NULL;
}

int kept_thread_create(pthread_t *out_thread, const pthread_attr_t *attr, void *(*run)(void *),
                       void *context)
{
    size_t at = 0;
    pthread_mutex_lock(&lock);
    while (at < KEPT_MAX && kept[at].busy)
        at++;
    if (at == KEPT_MAX)
        abort(); /* more than a loader has: then this file must learn it */
    if (!kept[at].started &&
        pthread_create(&kept[at].thread, attr, kept_thread_main, &kept[at]) != 0)
        abort();
    kept[at].started = kept[at].busy = true;
    kept[at].context = context;
    kept[at].job = run;
    *out_thread = kept[at].thread;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return 0;
}

int kept_thread_join(pthread_t thread, void **out_result)
{
    size_t at = 0;
    pthread_mutex_lock(&lock);
    while (at < KEPT_MAX && !(kept[at].busy && pthread_equal(thread, kept[at].thread)))
        at++;
    if (at == KEPT_MAX)
        abort();
    while (kept[at].job != NULL)
        pthread_cond_wait(&changed, &lock);
    kept[at].busy = false;
    if (out_result != NULL)
        *out_result = kept[at].result;
    pthread_mutex_unlock(&lock);
    return 0;
}
