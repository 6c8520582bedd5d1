/* SPDX-License-Identifier: Apache-2.0 */
/* check-run.h - test a source's settings by its loader's own check, for a web page: steps as JSON,
 * no terminal, no change at the server. */
#ifndef MAILCHUTE_HOST_WEB_CHECK_RUN_H
#define MAILCHUTE_HOST_WEB_CHECK_RUN_H

#include <jansson.h>

#include "check-progress.h"
#include "clock.h"
#include "log.h"
#include "queue-source.h"
#include "secret.h"

/* Whom the steps are told to as they pass. */
struct check_follower {
    struct check_progress *progress; /* NULL: nobody */
    int run;
};

/** check_run - may take as long as a login may. *out_steps: [{step, state, text}], yours also after
 * a failure, NULL only out of memory. -1: a pick-up would fail; err says why, with advice. The
 * secret stands in neither. */
int check_run(const struct queue_source *source, const struct secret *secret, bool guarded,
              const struct clock *clock, const struct log *log, struct check_follower follower,
              json_t **out_steps, struct error *err);

#endif
