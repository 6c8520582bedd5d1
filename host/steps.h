/* SPDX-License-Identifier: Apache-2.0 */
/* steps.h - the steps of a loader's check, shown as they are taken: a line each, or JSON. */
#ifndef MAILCHUTE_HOST_STEPS_H
#define MAILCHUTE_HOST_STEPS_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "secret.h"

struct steps {
    bool json, quiet;            /* quiet: nothing is shown */
    const struct secret *secret; /* taken out of every text, NULL: there is none */
    /* Its own. */
    bool signs, color; /* what standard output can show */
    struct error output_error;
    int output_failed; /* -1: with output_error */
};

void steps_init(struct steps *steps, bool json, bool quiet);

/** steps_report - @context is a struct steps: fits loader_plugin.check. */
void steps_report(void *context, const char *step, uint32_t state, const char *text);

#endif
