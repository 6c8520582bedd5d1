/* SPDX-License-Identifier: Apache-2.0 */
/* imap-move.c - take stored messages out of the mailbox. See imap-move.h.
 *
 * A job is up to IMAP_MOVE_MAX messages that go the same way. Its functions call each other through
 * the session: each step's answer starts the next.
 *
 *   job_start ─ MOVE ──> job_moved ──────────────────────┐
 *             ─ COPY ──> job_copied ─> job_store ─> ─────┤ job_verify ─> job_verified ─> job_end
 *             ─ ......   job_stored ─> job_expunge ──────┘                    │
 *                                                             job_again <─────┘  (still there)
 *
 * What a refused COPY may have copied is not copied again before somebody looked (imap-reconcile.h):
 * job_again gives that order anew only where the target has not grown since. */
#include <config.h>
#include "imap-move.h"

#include <stdlib.h>
#include <string.h>

#include "imap-move-job.h"

#define IMAP_JOB_TRIES 2u          /* orders given for one message in one session */

/* ---- Refusals -------------------------------------------------------------------------------- */

static int imap_job_start(struct imap_job *job, struct error *err);

/* Nothing is under way: whoever was told is not in a job any more, and may come into one again. So
 * it is enough to look for it now, and for all at the cost of one sort. */
static int imap_moves_remember_told(struct imap_moves *moves)
{
    struct imap_set *now = &moves->told_now;
    if (moves->jobs != NULL || now->count == 0)
        return 0;
    imap_set_sort(now);
    for (size_t i = 0; i < now->count; i++)
        if (imap_set_add(&moves->told, now->ranges[i].first, now->ranges[i].last) < 0)
            return -1;
    imap_set_clear(now);
    return 0;
}

/* The folder takes nothing more, or the server no order. */
static bool imap_job_is_hopeless(const struct imap_job *job)
{
    const struct imap_moves *moves = job->moves;
    return moves->bads >= IMAP_MOVE_BADS_MAX || (job->target != NULL && job->target == moves->full);
}

/* Each message once, however often it is tried. Where nothing is taken it is told at the end, for
 * all. */
static int imap_job_tell_refused(struct imap_job *job, struct error *err)
{
    struct imap_moves *moves = job->moves;
    if (imap_job_is_hopeless(job))
        return 0;
    for (size_t i = 0; i < job->count; i++) {
        uint32_t uid = job->items[i].uid;
        if (imap_set_has(&moves->told, uid))
            continue;
        if (imap_set_add(&moves->told_now, uid, uid) < 0)
            return error_oom(err, "moving mail");
        imap_host_log(moves->host, IMAP_LOG_ERROR,
                      "message %u stays in '%s' though its entry is stored: %s", uid,
                      moves->folders->mailbox.name, moves->why.text);
    }
    return 0;
}

/* The server will not: these stay in the mailbox and, as stored, in the ledger. */
static int imap_job_refused(struct imap_job *job, struct error *err)
{
    struct imap_moves *moves = job->moves;
    if (moves->why.class == ERROR_NONE)
        error_set(&moves->why, ERROR_CONFIG,
                  "the server says OK and leaves the message where it is; see to "
                  "the rights on both folders, the entries are safe");
    moves->refused += job->count;
    if (imap_job_tell_refused(job, err) < 0)
        return -1;
    /* No MOVE is under way any more: should the message be gone later, it was not this one. */
    if (job->way == IMAP_WAY_MOVE && imap_job_note(job, IMAP_STEP_STORED, false, err) < 0)
        return -1;
    imap_job_end(job);
    return 0;
}

/* ---- What the target tells ------------------------------------------------------------------- */

static int imap_job_told_data(void *context, const struct imap_event *event, bool *out_taken,
                              struct error *err)
{
    struct imap_job *job = context;
    (void)err;
    if (!imap_folder_is_told(job->target, event))
        return 0;
    *out_taken = true;
    job->told_uidnext = event->uidnext;
    job->told_uidvalidity = event->uidvalidity;
    return 0;
}

/* Its STATUS; what it does not tell is 0 by the time of @done. */
static int imap_job_ask_target(struct imap_job *job,
                               int (*done)(void *, const struct imap_event *, struct error *),
                               struct error *err)
{
    struct imap_call call = {
        .what = "STATUS", .context = job, .data = imap_job_told_data, .done = done};
    struct imap_command command;
    job->told_uidnext = job->told_uidvalidity = 0;
    imap_folder_status_command(job->target, &command);
    return imap_session_send(job->moves->session, &command, &call, err);
}

/* ---- Once more ------------------------------------------------------------------------------- */

/* Each message of a refused job for itself, beginning with another one each time: after some that
 * are answered BAD no other is tried. */
static int imap_job_split(struct imap_job *job, struct error *err)
{
    size_t from = clock_draw(&job->moves->host->clock, job->count);
    for (size_t i = 0; i < job->count; i++) {
        struct imap_job *one = imap_job_new(job->moves, job, job->elsewhere, 1);
        if (one == NULL)
            return error_oom(err, "moving mail");
        one->created = true;
        one->alone = true;
        one->items[0] = job->items[(from + i) % job->count];
        one->count = 1;
    }
    imap_job_end(job);
    return 0;
}

static int imap_job_anew(struct imap_job *job, struct error *err)
{
    return job->count > 1 ? imap_job_split(job, err) : imap_job_start(job, err);
}

/* A COPY is whole or nothing, says RFC 9051 s.6.4.7, and not all servers keep to that: was nothing
 * copied? In the ledger they are MOVING still, and stay so where that is not known. What others put
 * there since looks the same; the next order is held against what is told now. */
static int imap_job_weighed(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_job *job = context;
    bool told = answer->status == IMAP_OK && job->told_uidnext != 0 && job->noted_uidnext != 0 &&
                job->told_uidvalidity == job->target_uidvalidity;
    if (told && job->told_uidnext == job->noted_uidnext)
        return imap_job_anew(job, err);
    if (told && job->told_uidnext > job->target->uidnext && imap_job_is_alone_on_its_way(job))
        job->target->uidnext = job->told_uidnext;
    return imap_job_refused(job, err);
}

/* These are still there after an order that was refused, or that said OK and did nothing. */
static int imap_job_again(struct imap_job *job, struct error *err)
{
    bool copies = (job->way == IMAP_WAY_COPY || job->way == IMAP_WAY_KEEP) && !job->copied;
    if (imap_job_is_hopeless(job) || job->alone ||
        (job->count == 1 && job->tries >= IMAP_JOB_TRIES) || (copies && job->named > 0))
        return imap_job_refused(job, err);
    return copies ? imap_job_ask_target(job, imap_job_weighed, err) : imap_job_anew(job, err);
}

/* ---- Looking --------------------------------------------------------------------------------- */

static int imap_job_verify_data(void *context, const struct imap_event *event, bool *out_taken,
                                struct error *err)
{
    struct imap_job *job = context;
    (void)err;
    if (event->kind != IMAP_EVENT_FETCH || (event->fetch.has & IMAP_FETCH_UID) == 0)
        return 0;
    struct imap_moving *item = imap_job_find(job, event->fetch.uid);
    if (item == NULL)
        return 0;
    item->there = true;
    *out_taken = true;
    return 0;
}

static int imap_job_verify(struct imap_job *job, struct error *err);

static int imap_job_go_on(struct imap_job *job, struct error *err)
{
    imap_job_keep_there(job);
    if (job->count > 0)
        return imap_job_again(job, err);
    imap_job_end(job);
    return 0;
}

/* A server may say NO when some of them were expunged by somebody else (RFC 2180 s.4.1.2): asked once
 * more, and what is not named then either stays in the ledger as it is, for the next run. */
static int imap_job_unverified(struct imap_job *job, const struct imap_event *answer,
                               struct error *err)
{
    struct imap_moves *moves = job->moves;
    struct error why;
    size_t unknown = 0;
    (void)imap_answer_messages_error(answer, ERROR_LINK, "looking for moved mail",
                                     "try again later", &why);
    if (answer->status != IMAP_NO || why.class == ERROR_PAUSE) {
        *err = why;
        return -1;
    }
    job->doubted = !job->doubted;
    if (job->doubted)
        return imap_job_verify(job, err);
    for (size_t i = 0; i < job->count; i++)
        unknown += job->items[i].there ? 0 : 1;
    moves->refused += unknown;
    if (unknown > 0 && moves->why.class == ERROR_NONE)
        moves->why = why;
    return imap_job_go_on(job, err);
}

static int imap_job_verified(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_job *job = context;
    if (answer->status != IMAP_OK)
        return imap_job_unverified(job, answer, err);
    job->doubted = false;
    return imap_job_note(job, IMAP_STEP_MOVED, true, err) < 0 ? -1 : imap_job_go_on(job, err);
}

/* Which of them are still in the mailbox? OK alone proves nothing. */
static int imap_job_verify(struct imap_job *job, struct error *err)
{
    struct imap_call call = {.what = "UID FETCH",
                             .context = job,
                             .data = imap_job_verify_data,
                             .done = imap_job_verified};
    for (size_t i = 0; i < job->count; i++)
        job->items[i].there = false;
    return imap_job_send(job, "UID FETCH ", " (UID)", NULL, &call, err);
}

/* ---- COPYUID --------------------------------------------------------------------------------- */

/* Believed for what it names: each once, or twice by a server that says all twice, so that the work
 * goes by what came and not by that times the items. The target's UIDNEXT is above all that were
 * given. */
static void imap_job_copyuid(struct imap_job *job, struct span args)
{
    struct imap_copyuid copyuid;
    struct imap_copyuid_run run;
    if (job->target == NULL || imap_copyuid_init(&copyuid, args) < 0)
        return;
    while (job->named <= 2 * job->count && imap_copyuid_next(&copyuid, &run)) {
        struct imap_moving *item = &job->items[imap_job_from(job, run.from)];
        for (; item < &job->items[job->count] && item->uid - run.from < run.count; item++) {
            item->target_uid = run.to + (item->uid - run.from);
            job->target_uidvalidity = copyuid.uidvalidity;
            job->named++;
        }
        uint64_t next = (uint64_t)run.to + run.count;
        if (job->target->uidvalidity == copyuid.uidvalidity && next <= UINT32_MAX &&
            next > job->target->uidnext)
            job->target->uidnext = (uint32_t)next;
    }
}

static int imap_job_copyuid_data(void *context, const struct imap_event *event, bool *out_taken,
                                 struct error *err)
{
    struct imap_job *job = context;
    (void)err;
    if (event->kind == IMAP_EVENT_STATUS && event->code == IMAP_CODE_COPYUID) {
        imap_job_copyuid(job, event->args); /* names UIDs: harmless for the jobs it is not for */
        *out_taken = job->count > 0 && job->items[0].target_uid != 0;
    }
    return 0;
}

/* "There" are those COPYUID did not name. */
static void imap_job_mark_unnamed(struct imap_job *job)
{
    for (size_t i = 0; i < job->count; i++)
        job->items[i].there = job->items[i].target_uid == 0;
}

/* ---- Creating the target --------------------------------------------------------------------- */

/* A new folder numbers its messages anew: what is noted of the old one would find no copy in it. */
static int imap_job_target_told(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_job *job = context;
    if (imap_answer_heed(answer, "STATUS", err) < 0)
        return -1; /* refused else: what is noted then is that nothing is known */
    job->target->uidnext = job->told_uidnext;
    job->target->uidvalidity = job->told_uidvalidity;
    return imap_job_start(job, err);
}

static int imap_job_target_made(void *context, const struct imap_event *answer, struct error *err)
{
    if (imap_answer_heed(answer, "CREATE", err) < 0)
        return -1; /* if it was refused else the order is refused again, and that is told */
    return imap_job_ask_target(context, imap_job_target_told, err);
}

/* TRYCREATE (RFC 9051 s.7.1): somebody deleted the folder while we worked. */
static int imap_job_create(struct imap_job *job, struct error *err)
{
    struct imap_call call = {.what = "CREATE", .context = job, .done = imap_job_target_made};
    struct imap_command command;
    job->created = true;
    imap_command_init(&command, "CREATE ");
    imap_command_quoted(&command, job->target->wire);
    return imap_session_send(job->moves->session, &command, &call, err);
}

/* Of the folder, not of one of the messages: nobody is helped by trying them one by one. */
static bool imap_answer_is_of_folder(const struct imap_event *answer)
{
    return answer->code == IMAP_CODE_OVERQUOTA || answer->code == IMAP_CODE_NOPERM ||
           answer->code == IMAP_CODE_INUSE || answer->code == IMAP_CODE_UNAVAILABLE;
}

/* A NO to an order, or a BAD, which may be of one message as well. Throttling ends the session. The
 * rest is looked into, and keeps no new mail back, which needs no move to be stored: what else asks for
 * a pause (SERVERBUG, LIMIT ...) lets the moves wait for the next run. */
static int imap_job_no(struct imap_job *job, const struct imap_event *answer, const char *what,
                       struct error *err)
{
    struct error *why = &job->moves->why;
    if (answer->code == IMAP_CODE_TRYCREATE && !job->created && job->target != NULL)
        return imap_job_create(job, err);
    (void)imap_answer_error(answer, ERROR_CONFIG, what,
                            "see to the folder, its rights and its quota; "
                            "the entries are safe",
                            why);
    if (!job->copied && job->target != NULL && imap_answer_is_of_folder(answer))
        job->moves->full = job->target;
    job->moves->bads = answer->status == IMAP_BAD ? job->moves->bads + 1 : 0;
    if (why->class == ERROR_PROTOCOL)
        why->class = ERROR_CONFIG; /* it is of this order: the session goes on */
    if (why->pause_s > 0 || answer->code == IMAP_CODE_THROTTLED) {
        *err = *why;
        return -1;
    }
    return imap_job_verify(job, err);
}

/* ---- The steps ------------------------------------------------------------------------------- */

static int imap_job_moved(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_job *job = context;
    if (answer->status != IMAP_OK)
        return imap_job_no(job, answer, "UID MOVE", err);
    job->moves->bads = 0;
    if (answer->code == IMAP_CODE_COPYUID)
        imap_job_copyuid(job, answer->args);
    imap_job_mark_unnamed(job);
    if (imap_job_note(job, IMAP_STEP_MOVED, true, err) < 0)
        return -1;
    imap_job_keep_there(job);
    if (job->count > 0)
        return imap_job_verify(job, err);
    imap_job_end(job);
    return 0;
}

static int imap_job_expunged(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_job *job = context;
    if (answer->status != IMAP_OK)
        return imap_job_no(job, answer, "UID EXPUNGE", err);
    job->moves->bads = 0;
    return imap_job_verify(job, err);
}

/* Of an original that stays on purpose no copy is known: imap_moves_stayed(). */
static int imap_job_finish(struct imap_job *job, struct error *err)
{
    for (size_t i = 0; i < job->count; i++)
        job->items[i].target_uid = 0;
    int r = imap_job_note(job, IMAP_STEP_MOVED, false, err);
    imap_job_end(job);
    return r;
}

static int imap_job_stored(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_job *job = context;
    struct imap_call call = {.what = "UID EXPUNGE",
                             .context = job,
                             .done = imap_job_expunged,
                             .patience_ms = IMAP_MOVE_MS};
    bool uidplus = (imap_session_can(job->moves->session) & IMAP_CAN_UIDPLUS) != 0;
    if (answer->status != IMAP_OK)
        return imap_job_no(job, answer, "UID STORE", err);
    job->moves->bads = 0;
    if (job->way == IMAP_WAY_FLAG || job->way == IMAP_WAY_KEEP || !uidplus)
        return imap_job_finish(job, err);
    if (job->way == IMAP_WAY_COPY && imap_job_note(job, IMAP_STEP_DELETING, false, err) < 0)
        return -1;
    return imap_job_send(job, "UID EXPUNGE ", "", NULL, &call, err);
}

/* The flag that this way wants. */
static int imap_job_store(struct imap_job *job, struct error *err)
{
    struct imap_call call = {.what = "UID STORE", .context = job, .done = imap_job_stored};
    bool keywords = imap_session_selected(job->moves->session)->keywords;
    bool mark = job->way == IMAP_WAY_FLAG || job->way == IMAP_WAY_KEEP;
    const char *flags = !mark      ? " +FLAGS.SILENT (\\Deleted)"
                        : keywords ? " +FLAGS.SILENT (" IMAP_KEYWORD ")"
                                   : " +FLAGS.SILENT (\\Flagged)";
    return imap_job_send(job, "UID STORE ", flags, NULL, &call, err);
}

/* The copies are there: now the originals. */
static int imap_job_copies_there(struct imap_job *job, struct error *err)
{
    job->copied = true;
    if (imap_job_note(job, IMAP_STEP_COPIED, false, err) < 0)
        return -1;
    return imap_job_store(job, err);
}

/* Has the target got as many messages as COPYUID did not name? What it grew by counts for one job. One
 * that does not tell is believed: the originals stay. */
static bool imap_job_has_grown(struct imap_job *job)
{
    struct imap_folder *target = job->target;
    uint32_t unnamed = 0;
    for (size_t i = 0; i < job->count; i++)
        unnamed += job->items[i].there ? 1 : 0;
    if (job->told_uidnext == 0)
        return true;
    if (target->uidnext == 0 || target->uidvalidity != job->told_uidvalidity) {
        target->uidvalidity = job->told_uidvalidity; /* it was made while we worked */
        target->uidnext = 1;
    }
    if (job->told_uidnext < target->uidnext || job->told_uidnext - target->uidnext < unnamed)
        return false;
    target->uidnext += unnamed;
    return true;
}

/* In the ledger they stay as they are, MOVING: whoever tries again looks into the target first. */
static int imap_job_grown(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_job *job = context;
    struct imap_moves *moves = job->moves;
    if (imap_answer_heed(answer, "STATUS", err) < 0)
        return -1;
    if (answer->status != IMAP_OK || !imap_job_has_grown(job)) {
        error_set(&moves->why, ERROR_LINK,
                  "the server says OK to a copy, and it is not to be seen that it came to '%s'; see to "
                  "the folder, the entries are safe",
                  job->target->name);
        return imap_job_refused(job, err);
    }
    if (job->way == IMAP_WAY_COPY) /* no proof of each copy: the original stays */
        imap_host_log(moves->host, IMAP_LOG_WARNING,
                      "the server copied mail to '%s' but does not say to "
                      "where (no COPYUID); the originals in '%s' are marked, not deleted",
                      job->target->name, moves->folders->mailbox.name);
    job->way = IMAP_WAY_KEEP;
    return imap_job_copies_there(job, err);
}

static int imap_job_copied(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_job *job = context;
    if (answer->status != IMAP_OK)
        return imap_job_no(job, answer, "UID COPY", err);
    job->moves->bads = 0;
    if (answer->code == IMAP_CODE_COPYUID)
        imap_job_copyuid(job, answer->args);
    imap_job_mark_unnamed(job);
    for (size_t i = 0; i < job->count; i++)
        if (job->items[i].there)
            return imap_job_ask_target(job, imap_job_grown, err); /* OK alone proves nothing */
    return imap_job_copies_there(job, err);
}

static int imap_job_start(struct imap_job *job, struct error *err)
{
    struct imap_call move = {.what = "UID MOVE",
                             .context = job,
                             .data = imap_job_copyuid_data,
                             .done = imap_job_moved,
                             .patience_ms = IMAP_MOVE_MS};
    struct imap_call copy = {.what = "UID COPY",
                             .context = job,
                             .data = imap_job_copyuid_data,
                             .done = imap_job_copied,
                             .patience_ms = IMAP_MOVE_MS};
    job->running = true;
    if (imap_job_is_hopeless(job) && (!job->copied || job->moves->bads >= IMAP_MOVE_BADS_MAX))
        return imap_job_refused(job, err);
    job->tries++;
    if (job->target != NULL && !job->copied)
        job->target_uidvalidity = job->target->uidvalidity;
    job->noted_uidnext = job->target != NULL ? job->target->uidnext : 0;
    for (size_t i = 0; i < job->count && !job->copied; i++)
        job->items[i].target_uid = 0; /* what an order named that was refused proves nothing */
    job->named = 0;
    switch (job->way) {
    case IMAP_WAY_LEAVE:
        return imap_job_finish(job, err);
    case IMAP_WAY_FLAG:
        return imap_job_store(job, err);
    case IMAP_WAY_DELETE:
        return imap_job_note(job, IMAP_STEP_DELETING, false, err) < 0 ? -1
                                                                      : imap_job_store(job, err);
    case IMAP_WAY_MOVE:
        if (imap_job_note(job, IMAP_STEP_MOVING, false, err) < 0)
            return -1;
        return imap_job_send(job, "UID MOVE ", " ", job->target, &move, err);
    case IMAP_WAY_COPY:
    case IMAP_WAY_KEEP:
        break;
    }
    if (job->copied)
        return imap_job_store(job, err);
    if (imap_job_note(job, IMAP_STEP_MOVING, false, err) < 0)
        return -1;
    return imap_job_send(job, "UID COPY ", " ", job->target, &copy, err);
}

/* ---- Which way ------------------------------------------------------------------------------- */

/* The best way the server knows to get a message into another folder. */
static enum imap_way imap_moves_best(struct imap_moves *moves)
{
    uint32_t can = imap_session_can(moves->session);
    if (can & IMAP_CAN_MOVE)
        return IMAP_WAY_MOVE;
    if (can & IMAP_CAN_UIDPLUS)
        return IMAP_WAY_COPY;
    if (!moves->warned)
        imap_host_log(moves->host, IMAP_LOG_WARNING,
                      "the server knows neither MOVE nor UIDPLUS: mail is "
                      "copied to '%s' and marked with %s, the original stays in '%s'",
                      moves->folders->dropbox.name, IMAP_KEYWORD, moves->folders->mailbox.name);
    moves->warned = true;
    return IMAP_WAY_KEEP;
}

/* Is a copy of it in the target, as far as the server said? DELETING without a copy's UID is what
 * after=Delete leaves. */
static bool imap_record_is_copied(const struct imap_record *record)
{
    return record->step == IMAP_STEP_COPIED ||
           (record->step == IMAP_STEP_DELETING && record->target_uid != 0);
}

static enum imap_way imap_moves_way(struct imap_moves *moves, const struct imap_record *record)
{
    if (moves->settings->after == IMAP_AFTER_LEAVE)
        return IMAP_WAY_LEAVE;
    if (record->fate != IMAP_FATE_BAD && moves->settings->after == IMAP_AFTER_DELETE)
        return IMAP_WAY_DELETE;
    if (record->fate != IMAP_FATE_BAD && moves->settings->after == IMAP_AFTER_FLAG)
        return IMAP_WAY_FLAG;
    enum imap_way way = imap_moves_best(moves);
    if (!imap_record_is_copied(record))
        return way;
    /* What is left is to delete the original; where COPYUID never named the copy, to mark it. */
    return record->target_uid != 0 && (imap_session_can(moves->session) & IMAP_CAN_UIDPLUS) != 0
               ? IMAP_WAY_COPY
               : IMAP_WAY_KEEP;
}

bool imap_moves_leave(const struct imap_settings *settings, uint32_t can)
{
    bool moves = settings->after == IMAP_AFTER_MOVE;
    return ((moves || settings->after == IMAP_AFTER_DELETE) && (can & IMAP_CAN_UIDPLUS) != 0) ||
           (moves && (can & IMAP_CAN_MOVE) != 0);
}

bool imap_moves_stayed(const struct imap_settings *settings, uint32_t can,
                       const struct imap_record *record)
{
    if (settings->after != IMAP_AFTER_MOVE)
        return false;
    /* A server without MOVE takes no original away whose copy has no UID. */
    return record->target == NULL || (record->target_uid == 0 && (can & IMAP_CAN_MOVE) == 0);
}

static int imap_moves_put(struct imap_moves *moves, const struct imap_record *record, bool last,
                          struct error *err)
{
    struct imap_job kind = {.way = imap_moves_way(moves, record), .last = last};
    bool targeted =
        kind.way == IMAP_WAY_MOVE || kind.way == IMAP_WAY_COPY || kind.way == IMAP_WAY_KEEP;
    kind.fate = record->fate == IMAP_FATE_BAD ? IMAP_FATE_BAD : IMAP_FATE_QUEUED;
    kind.copied = targeted && kind.way != IMAP_WAY_MOVE && imap_record_is_copied(record);
    kind.target = !targeted                    ? NULL
                  : kind.fate == IMAP_FATE_BAD ? &moves->folders->badmail
                                               : &moves->folders->dropbox;
    const char *elsewhere =
        kind.copied && record->target != NULL && strcmp(record->target, kind.target->path) != 0
            ? record->target
            : NULL;
    kind.target_uidvalidity = kind.copied           ? record->target_uidvalidity
                              : kind.target != NULL ? kind.target->uidvalidity
                                                    : 0;
    if (imap_moves_remember_told(moves) < 0)
        return error_oom(err, "moving mail");
    struct imap_job *job = imap_moves_find(moves, &kind, elsewhere);
    if (job == NULL && (job = imap_job_new(moves, &kind, elsewhere, IMAP_MOVE_MAX)) == NULL)
        return error_oom(err, "moving mail");
    imap_job_put(job,
                 &(struct imap_moving){record->uid, job->copied ? record->target_uid : 0, false});
    return 0;
}

int imap_moves_add(struct imap_moves *moves, const struct imap_record *record, struct error *err)
{
    return imap_moves_put(moves, record, false, err);
}

int imap_moves_add_last(struct imap_moves *moves, const struct imap_record *record,
                        struct error *err)
{
    return imap_moves_put(moves, record, true, err);
}

static bool imap_moves_running(const struct imap_moves *moves)
{
    const struct imap_job *job = moves->jobs;
    while (job != NULL && !job->running)
        job = job->next;
    return job != NULL;
}

/* May more be added before it is ordered? While one order, or @more mail, is on its way, the next
 * grows: servers take a set of 500 in little more than the time of one of 100 (after each, a folder may
 * be read anew), and each set costs a flush of the ledger. */
static bool imap_job_grows(const struct imap_job *job, bool more)
{
    if (job->alone || imap_job_is_full(job))
        return false;
    return imap_moves_running(job->moves) ||
           (more && clock_monotonic_ms(&job->moves->host->clock) - job->since_ms < IMAP_MOVE_WAIT_MS);
}

int imap_moves_start(struct imap_moves *moves, bool more, struct error *err)
{
    struct imap_job *job = moves->jobs;
    if (!imap_session_is_in(moves->session, moves->folders->mailbox.wire, moves->uidvalidity))
        return 0;
    while (job != NULL && imap_session_outstanding(moves->session) < IMAP_MOVES_OUTSTANDING &&
           (moves->bads == 0 || !imap_moves_running(moves))) { /* not many that it may not know */
        /* analyse: job->moves is moves: what was freed is off this list */
        if (job->running || job->last || imap_job_grows(job, more)) {
            job = job->next;
            continue;
        }
        if (imap_job_start(job, err) < 0)
            return -1;
        job = moves->jobs; /* it may be gone */
    }
    return 0;
}

/* ---- Last ------------------------------------------------------------------------------------ */

bool imap_moves_wait(const struct imap_moves *moves)
{
    const struct imap_job *job = moves->jobs;
    while (job != NULL && !job->last)
        job = job->next;
    return job != NULL;
}

/* Any of those that wait, another one each second; NULL: none does. */
static struct imap_job *imap_moves_draw(const struct imap_moves *moves, size_t *out_at)
{
    size_t total = 0;
    for (const struct imap_job *each = moves->jobs; each != NULL; each = each->next)
        total += each->last ? each->count : 0;
    if (total == 0)
        return NULL;
    size_t at = clock_draw(&moves->host->clock, total);
    struct imap_job *job = moves->jobs;
    while (job != NULL && (!job->last || at >= job->count)) {
        at -= job->last ? job->count : 0;
        job = job->next;
    }
    *out_at = at;
    return job;
}

int imap_moves_start_last(struct imap_moves *moves, struct error *err)
{
    size_t at = 0, size = moves->last_size == 0 ? 1 : 2 * moves->last_size;
    struct imap_job *from = imap_moves_draw(moves, &at);
    if (from == NULL)
        return 0;
    size = size < from->count ? size : from->count;
    at = at < from->count - size ? at : from->count - size;
    struct imap_job *job = imap_job_new(moves, from, from->elsewhere, size);
    if (job == NULL)
        return error_oom(err, "moving mail");
    job->last = false;
    for (size_t i = 0; i < size; i++)
        imap_job_put(job, &from->items[at + i]);
    from->count -= size;
    memmove(&from->items[at], &from->items[at + size], (from->count - at) * sizeof from->items[0]);
    if (from->count == 0)
        imap_job_end(from);
    moves->last_size = imap_moves_wait(moves) ? size : 0;
    return imap_moves_start(moves, false, err);
}

/* ---- Life ------------------------------------------------------------------------------------ */

struct imap_moves *imap_moves_new(struct imap_session *session,
                                  const struct imap_settings *settings,
                                  const struct imap_host *host, struct imap_folders *folders)
{
    struct imap_moves *moves = calloc(1, sizeof *moves);
    if (moves == NULL)
        return NULL;
    moves->session = session;
    moves->settings = settings;
    moves->host = host;
    moves->folders = folders;
    moves->uidvalidity = imap_session_selected(session)->uidvalidity;
    return moves;
}

void imap_moves_free(struct imap_moves *moves)
{
    if (moves == NULL)
        return;
    while (moves->jobs != NULL)
        imap_job_end(moves->jobs);
    imap_set_done(&moves->told);
    imap_set_done(&moves->told_now);
    free(moves);
}

bool imap_moves_busy(const struct imap_moves *moves)
{
    const struct imap_job *job = moves->jobs;
    while (job != NULL && job->last)
        job = job->next;
    return job != NULL;
}

size_t imap_moves_under_way(const struct imap_moves *moves, uint32_t *out_first)
{
    size_t count = 0;
    *out_first = UINT32_MAX;
    for (const struct imap_job *job = moves->jobs; job != NULL; job = job->next) {
        if (!job->running || job->count == 0)
            continue;
        count += job->count;
        *out_first = job->items[0].uid < *out_first ? job->items[0].uid : *out_first;
    }
    return count;
}

void imap_moves_refuse(struct imap_moves *moves, const struct error *why)
{
    moves->refused++;
    moves->why = *why;
}

void imap_moves_retry(struct imap_moves *moves)
{
    moves->refused = 0;
    moves->full = NULL;
    moves->bads = 0;
    moves->why = (struct error){0};
}

uint64_t imap_moves_refused(const struct imap_moves *moves, struct error *out_why)
{
    if (out_why != NULL && moves->refused > 0)
        *out_why = moves->why;
    return moves->refused;
}
