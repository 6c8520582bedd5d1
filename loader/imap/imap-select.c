/* SPDX-License-Identifier: Apache-2.0 */
/* imap-select.c - SELECT, EXAMINE and IDLE. See imap-session.h. */
#include <config.h>
#include "imap-session-private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Selecting ------------------------------------------------------------------------------- */

struct imap_selecting {
    struct imap_session *session;
    const char *wire;
    bool read_only;
    struct error *why; /* a refusal goes there; NULL: it is a failure */
};

static int imap_select_done(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_selecting *selecting = context;
    struct imap_session *session = selecting->session;
    char what[300];
    if (answer->status != IMAP_OK) {
        imap_session_enter(session, IMAP_OPEN);
        (void)snprintf(what, sizeof what, "opening the folder '%.200s'", selecting->wire);
        if (selecting->why == NULL)
            return imap_answer_error(
                answer, ERROR_CONFIG, what,
                "check mailbox in the connection string, and its access rights", err);
        (void)imap_answer_folder_error(answer, ERROR_CONFIG, what, "check its access rights",
                                       selecting->why);
        return 0;
    }
    if (session->selected.uidvalidity == 0) {
        imap_session_enter(session, IMAP_OPEN);
        error_set(selecting->why != NULL ? selecting->why : err, ERROR_PROTOCOL,
                  "the server gives '%.200s' no UIDVALIDITY, without which mail "
                  "cannot be told apart; it cannot be used",
                  selecting->wire);
        return selecting->why != NULL ? 0 : -1;
    }
    session->selected.read_only = selecting->read_only || answer->code == IMAP_CODE_READ_ONLY;
    imap_session_enter(session, IMAP_SELECTED);
    return 0;
}

static int imap_session_choose(struct imap_session *session, const char *wire, bool read_only,
                               struct error *why, struct error *err)
{
    struct imap_selecting selecting = {session, wire, read_only, why};
    struct imap_call call = {
        .what = read_only ? "EXAMINE" : "SELECT", .context = &selecting, .done = imap_select_done};
    struct imap_command command;
    char *chosen = strdup(wire);
    if (chosen == NULL)
        return error_oom(err, "opening a folder");
    free(session->chosen);
    session->chosen = chosen;
    session->selected = (struct imap_selected){0};
    imap_session_enter(session, IMAP_SELECTING);
    imap_command_init(&command, read_only ? "EXAMINE " : "SELECT ");
    imap_command_quoted(&command, wire);
    if (imap_session_run(session, &command, &call, err) < 0)
        return session->state == IMAP_SELECTING ? imap_session_fail(session) : -1;
    session->news = false;
    return 0;
}

int imap_session_select(struct imap_session *session, const char *wire, bool read_only,
                        struct error *err)
{
    return imap_session_choose(session, wire, read_only, NULL, err);
}

int imap_session_examine(struct imap_session *session, const char *wire, bool *out_open,
                         struct error *out_why, struct error *err)
{
    int failed = imap_session_choose(session, wire, true, out_why, err);
    *out_open = failed == 0 && session->state == IMAP_SELECTED;
    return failed;
}

bool imap_session_is_in(const struct imap_session *session, const char *wire, uint32_t uidvalidity)
{
    return session->state >= IMAP_SELECTED && session->selected.uidvalidity == uidvalidity &&
           strcmp(session->chosen, wire) == 0;
}

/* ---- IDLE ------------------------------------------------------------------------------------ */

static int imap_idle_done(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_session *session = context;
    if (answer->status != IMAP_OK) /* then we poll, and ask no more */
        session->can &= ~IMAP_CAN_IDLE;
    imap_session_enter(session, IMAP_SELECTED);
    return imap_answer_heed(answer, "IDLE", err);
}

int imap_session_idle(struct imap_session *session, struct error *err)
{
    struct imap_call call = {.what = "IDLE", .context = session, .done = imap_idle_done};
    struct imap_command command;
    if (session->state != IMAP_SELECTED)
        return 0;
    imap_command_init(&command, "IDLE");
    imap_session_enter(session, IMAP_IDLE_ASKED);
    if (imap_session_send(session, &command, &call, err) < 0)
        return imap_session_fail(session);
    while (session->state == IMAP_IDLE_ASKED)
        if (imap_session_turn(session, err) < 0)
            return -1;
    return 0;
}

int imap_session_wake(struct imap_session *session, struct error *err)
{
    if (session->state != IMAP_IDLE)
        return 0;
    imap_session_enter(session, IMAP_IDLE_ENDING);
    session->done_sent = true;
    session->answer_ms = 0;
    if (buffer_append_text(&session->waiting, "DONE\r\n") < 0)
        return error_oom(err, "ending IDLE");
    while (session->state == IMAP_IDLE_ENDING)
        if (imap_session_turn(session, err) < 0)
            return -1;
    return 0;
}

bool imap_session_idling(const struct imap_session *session)
{
    return session->state == IMAP_IDLE;
}
