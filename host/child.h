/* SPDX-License-Identifier: Apache-2.0 */
/* child.h - run another program, with an end in sight: a time limit, a way to stop it, its output
 * bounded.
 *
 * It gets a process group of its own, so that all it starts can be ended with it, no signal mask
 * and no descriptor of ours. Any thread. */
#ifndef MAILCHUTE_HOST_CHILD_H
#define MAILCHUTE_HOST_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"

#define CHILD_SLICE_MS 50u    /* a request to stop is seen within this */
#define CHILD_GRACE_MS 1000u  /* from SIGTERM to SIGKILL */

struct child_task {
    char *const *words;       /* of the command, ends in NULL; the first is the path of a program */
    char *const *environment; /* all of it, ends in NULL */
    const void *input;        /* what it reads; NULL: nothing */
    size_t input_size;
    bool with_errors; /* what it prints on standard error is output as well; else it is lost */
    bool one_line;            /* nothing behind the first line end is wanted */
    uint32_t limit_ms;        /* for all of it ... */
    uint32_t end_ms; /* ... but where one line is wanted, so long to end once it is there */
    int (*cancelled)(void *context); /* NULL: never */
    void *cancel_context;
};

enum child_end {
    CHILD_ENDED,      /* by itself: status tells how */
    CHILD_LATE,       /* the limit came, it was ended */
    CHILD_CANCELLED,  /* it was ended as asked */
    CHILD_NOT_STARTED /* errno_ tells why */
};

struct child_result {
    enum child_end end;
    int status;  /* as waitpid() tells it; exit code 255 where SIGCHLD is ignored: it cannot tell */
    int errno_;  /* CHILD_NOT_STARTED */
    bool told;   /* all it had to say, or its one line, came in time */
    size_t size; /* bytes of output that were kept */
    bool cut;    /* there was more */
};

/** child_run - until it has ended. @output takes up to @capacity bytes of what it prints. */
struct child_result child_run(const struct child_task *task, char *output, size_t capacity);

#endif
