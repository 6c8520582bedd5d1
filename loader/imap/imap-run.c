/* SPDX-License-Identifier: Apache-2.0 */
/* imap-run.c - a command that is waited for. See imap-session.h. */
#include <config.h>
#include "imap-session-private.h"

/* Stands before the caller's done(), to see that it has come. */
struct imap_run {
    const struct imap_call *call;
    bool done;
};

static int imap_run_data(void *context, const struct imap_event *event, bool *out_taken,
                         struct error *err)
{
    const struct imap_run *run = context;
    return run->call->data != NULL ? run->call->data(run->call->context, event, out_taken, err) : 0;
}

static int imap_run_done(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_run *run = context;
    run->done = true;
    if (run->call->done != NULL)
        return run->call->done(run->call->context, answer, err);
    if (answer->status == IMAP_OK)
        return 0;
    return imap_answer_error(answer, ERROR_PROTOCOL, run->call->what, "try again later", err);
}

static int imap_run_ignore(void *context, const struct imap_event *answer, struct error *err)
{
    (void)context;
    (void)answer;
    (void)err;
    return 0;
}

/* Nobody waits any more: what still comes for this command is for nobody. */
static void imap_run_abandon(struct imap_session *session, const struct imap_run *run)
{
    for (size_t i = 0; i < session->outstanding_count; i++) {
        struct imap_call *call = &session->outstanding[i].call;
        if (call->context != run)
            continue;
        call->context = NULL;
        call->data = NULL;
        call->done = imap_run_ignore;
    }
}

int imap_session_run(struct imap_session *session, struct imap_command *command,
                     const struct imap_call *call, struct error *err)
{
    struct imap_run run = {.call = call};
    struct imap_call inner = *call;
    inner.context = &run;
    inner.data = imap_run_data;
    inner.done = imap_run_done;
    if (imap_session_send(session, command, &inner, err) < 0)
        return -1;
    while (!run.done)
        if (imap_session_turn(session, err) < 0) {
            imap_run_abandon(session, &run);
            return -1;
        }
    return 0;
}
