/* SPDX-License-Identifier: Apache-2.0 */
/* check-progress.h - what tests that are still running have found so far, for whoever started them:
 * a page asks beside the request that waits for the end. Any thread. */
#ifndef MAILCHUTE_HOST_WEB_CHECK_PROGRESS_H
#define MAILCHUTE_HOST_WEB_CHECK_PROGRESS_H

#include <jansson.h>

#include "cleanup.h"
#include "error.h"

#define CHECK_PROGRESS_NAME_MAX 64u /* bytes of a run's name, which whoever starts it makes up */
#define CHECK_PROGRESS_RUNS 8u      /* at a time; of more nothing is told before their end */

struct check_progress;

int check_progress_new(struct check_progress **out_progress, struct error *err);
void check_progress_free(struct check_progress *progress); /* NULL is fine */
AUTO_DEFINE(check_progress, check_progress_free);

/** check_progress_begin - a run of this name begins: a number for the calls below, -1 when nothing
 * will be told of it (name NULL, too long or taken, too many runs, no memory). */
int check_progress_begin(struct check_progress *progress, const char *name);

/** check_progress_step - one more step of @run; -1 is fine. @step is copied. */
void check_progress_step(struct check_progress *progress, int run, const json_t *step);

/** check_progress_end - it is forgotten. -1 is fine. */
void check_progress_end(struct check_progress *progress, int run);

/** check_progress_steps - a copy of the steps so far, yours; NULL: no run has this name. */
json_t *check_progress_steps(struct check_progress *progress, const char *name);

#endif
