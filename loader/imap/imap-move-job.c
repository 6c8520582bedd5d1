/* SPDX-License-Identifier: Apache-2.0 */
/* imap-move-job.c - messages that go the same way. See imap-move-job.h. */
#include <config.h>
#include "imap-move-job.h"

#include <stdlib.h>
#include <string.h>

struct imap_job *imap_job_new(struct imap_moves *moves, const struct imap_job *like,
                              const char *elsewhere, size_t room)
{
    struct imap_job *job = calloc(1, sizeof *job + room * sizeof job->items[0]);
    char *copy = elsewhere != NULL ? strdup(elsewhere) : NULL;
    if (job == NULL || (elsewhere != NULL && copy == NULL)) {
        free(copy);
        free(job);
        return NULL;
    }
    *job = (struct imap_job){.next = moves->jobs,
                             .moves = moves,
                             .way = like->way,
                             .fate = like->fate,
                             .copied = like->copied,
                             .last = like->last,
                             .target = like->target,
                             .elsewhere = copy,
                             .target_uidvalidity = like->target_uidvalidity,
                             .since_ms = clock_monotonic_ms(&moves->host->clock),
                             .room = room};
    moves->jobs = job;
    return job;
}

void imap_job_end(struct imap_job *job)
{
    struct imap_job **at = &job->moves->jobs;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    free(job->elsewhere);
    free(job);
}

bool imap_job_is_alone_on_its_way(const struct imap_job *job)
{
    const struct imap_job *other = job->moves->jobs;
    while (other != NULL && (other == job || !other->running))
        other = other->next;
    return other == NULL;
}

void imap_job_keep_there(struct imap_job *job)
{
    size_t kept = 0;
    for (size_t i = 0; i < job->count; i++)
        if (job->items[i].there)
            job->items[kept++] = job->items[i];
    job->count = kept;
}

static struct imap_record imap_job_record(const struct imap_job *job, enum imap_step step,
                                          const struct imap_moving *item)
{
    return (struct imap_record){
        .uidvalidity = job->moves->uidvalidity,
        .uid = item->uid,
        .step = step,
        .fate = job->fate,
        .target_uidvalidity = job->target_uidvalidity,
        .target_uid = step == IMAP_STEP_MOVING && job->target != NULL ? job->target->uidnext
                                                                      : item->target_uid,
        .target = job->elsewhere != NULL ? job->elsewhere
                  : job->target != NULL  ? job->target->path
                                         : NULL,
    };
}

int imap_job_note(struct imap_job *job, enum imap_step step, bool gone_only, struct error *err)
{
    const struct imap_host *host = job->moves->host;
    struct imap_record records[IMAP_RECORDS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < job->count; i++) {
        if (gone_only && job->items[i].there)
            continue;
        if (count == IMAP_RECORDS_MAX) {
            if (host->note(host->context, records, count, err) < 0)
                return -1;
            count = 0;
        }
        records[count++] = imap_job_record(job, step, &job->items[i]);
    }
    return count > 0 ? host->note(host->context, records, count, err) : 0;
}

int imap_job_send(struct imap_job *job, const char *text, const char *rest,
                  const struct imap_folder *target, const struct imap_call *call, struct error *err)
{
    struct imap_command command;
    struct imap_set set;
    imap_set_init(&set);
    imap_command_init(&command, text);
    for (size_t i = 0; i < job->count; i++)
        if (imap_set_add(&set, job->items[i].uid, job->items[i].uid) < 0)
            command.oom = true;
    imap_command_set(&command, &set);
    imap_command_add(&command, rest);
    if (target != NULL)
        imap_command_quoted(&command, target->wire);
    imap_set_done(&set);
    return imap_session_send(job->moves->session, &command, call, err);
}

size_t imap_job_from(const struct imap_job *job, uint32_t uid)
{
    size_t low = 0, high = job->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (job->items[middle].uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct imap_moving *imap_job_find(struct imap_job *job, uint32_t uid)
{
    size_t at = imap_job_from(job, uid);
    return at < job->count && job->items[at].uid == uid ? &job->items[at] : NULL;
}

bool imap_job_is_full(const struct imap_job *job)
{
    return job->count == job->room || job->ranges == IMAP_MOVE_RANGES;
}

void imap_job_put(struct imap_job *job, const struct imap_moving *item)
{
    size_t at = job->count;
    while (at > 0 && job->items[at - 1].uid > item->uid)
        at--;
    if (at > 0 && job->items[at - 1].uid == item->uid)
        return;
    if (at == 0 || job->items[at - 1].uid + 1 != item->uid)
        job->ranges++;
    memmove(&job->items[at + 1], &job->items[at], (job->count - at) * sizeof job->items[0]);
    job->items[at] = *item;
    job->count++;
}

static bool imap_job_is_like(const struct imap_job *job, const struct imap_job *like,
                             const char *elsewhere)
{
    return job->way == like->way && job->fate == like->fate && job->copied == like->copied &&
           job->last == like->last &&
           (!job->copied || job->target_uidvalidity == like->target_uidvalidity) &&
           (elsewhere == NULL ? job->elsewhere == NULL
                              : job->elsewhere != NULL && strcmp(job->elsewhere, elsewhere) == 0);
}

struct imap_job *imap_moves_find(const struct imap_moves *moves, const struct imap_job *like,
                                 const char *elsewhere)
{
    struct imap_job *job = moves->jobs;
    while (job != NULL && (job->running || job->alone || imap_job_is_full(job) ||
                           !imap_job_is_like(job, like, elsewhere)))
        job = job->next;
    return job;
}
