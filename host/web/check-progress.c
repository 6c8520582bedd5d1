/* SPDX-License-Identifier: Apache-2.0 */
/* check-progress.c - what running tests have found so far. See check-progress.h. */
#include <config.h>
#include "check-progress.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

struct check_progress {
    pthread_mutex_t lock; /* over runs; what is in it belongs to nobody else */
    struct {
        char name[CHECK_PROGRESS_NAME_MAX + 1]; /* "": free */
        json_t *steps;
    } runs[CHECK_PROGRESS_RUNS];
};

int check_progress_new(struct check_progress **out_progress, struct error *err)
{
    struct check_progress *progress = calloc(1, sizeof *progress);
    if (progress == NULL)
        return error_oom(err, "following tests");
    pthread_mutex_init(&progress->lock, NULL);
    *out_progress = progress;
    return 0;
}

void check_progress_free(struct check_progress *progress)
{
    if (progress == NULL)
        return;
    for (size_t i = 0; i < CHECK_PROGRESS_RUNS; i++)
        json_decref(progress->runs[i].steps);
    pthread_mutex_destroy(&progress->lock);
    free(progress);
}

/* The run of this name, "" for a free place; -1: there is none. Locked. */
static int check_progress_find(const struct check_progress *progress, const char *name)
{
    for (int i = 0; i < (int)CHECK_PROGRESS_RUNS; i++)
        if (text_equal(progress->runs[i].name, name))
            return i;
    return -1;
}

int check_progress_begin(struct check_progress *progress, const char *name)
{
    int run = -1;
    if (name == NULL || name[0] == '\0' || strlen(name) > CHECK_PROGRESS_NAME_MAX)
        return -1;
    pthread_mutex_lock(&progress->lock);
    if (check_progress_find(progress, name) < 0)
        run = check_progress_find(progress, "");
    if (run >= 0 && (progress->runs[run].steps = json_array()) == NULL)
        run = -1;
    if (run >= 0)
        text_copy(progress->runs[run].name, sizeof progress->runs[run].name, name);
    pthread_mutex_unlock(&progress->lock);
    return run;
}

void check_progress_step(struct check_progress *progress, int run, const json_t *step)
{
    if (run < 0)
        return;
    pthread_mutex_lock(&progress->lock);
    (void)json_array_append_new(progress->runs[run].steps, json_deep_copy(step));
    pthread_mutex_unlock(&progress->lock);
}

void check_progress_end(struct check_progress *progress, int run)
{
    if (run < 0)
        return;
    pthread_mutex_lock(&progress->lock);
    json_decref(progress->runs[run].steps);
    progress->runs[run].steps = NULL;
    progress->runs[run].name[0] = '\0';
    pthread_mutex_unlock(&progress->lock);
}

json_t *check_progress_steps(struct check_progress *progress, const char *name)
{
    json_t *steps = NULL;
    pthread_mutex_lock(&progress->lock);
    int run = name[0] == '\0' ? -1 : check_progress_find(progress, name);
    if (run >= 0)
        steps = json_deep_copy(progress->runs[run].steps);
    pthread_mutex_unlock(&progress->lock);
    return steps;
}
