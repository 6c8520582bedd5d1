/* SPDX-License-Identifier: Apache-2.0 */
/* imap-move-job.h - messages that go the same way: up to IMAP_MOVE_MAX, in one command. Part of
 * imap-move.h: who orders what, and what follows from the answers, is told there. */
#ifndef MAILCHUTE_LOADER_IMAP_MOVE_JOB_H
#define MAILCHUTE_LOADER_IMAP_MOVE_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "imap-folder.h"
#include "imap-host.h"
#include "imap-move.h"
#include "imap-session.h"
#include "imap-set.h"

enum imap_way {
    IMAP_WAY_MOVE,
    IMAP_WAY_COPY,
    IMAP_WAY_KEEP,
    IMAP_WAY_DELETE,
    IMAP_WAY_FLAG,
    IMAP_WAY_LEAVE
};

/* One message of a job, in ascending order of UIDs. */
struct imap_moving {
    uint32_t uid, target_uid; /* target_uid 0: not known */
    bool there;               /* seen in the mailbox by job_verify */
};

struct imap_job {
    struct imap_job *next;
    struct imap_moves *moves;
    enum imap_way way;
    enum imap_fate fate;
    bool copied;  /* the copies are confirmed: start with \Deleted */
    bool last;    /* of an earlier session: waits for imap_moves_start_last() */
    bool alone;   /* tried one by one already */
    bool created; /* TRYCREATE was obeyed once */
    bool running;
    bool doubted;      /* job_verify was answered with NO once */
    uint64_t since_ms; /* when it was made */
    unsigned int tries;
    struct imap_folder *target; /* NULL: none */
    char *elsewhere;            /* where the copies are, by other settings; NULL: in target */
    uint32_t target_uidvalidity;
    uint32_t noted_uidnext;                  /* of target, when it was ordered; 0: not known */
    uint32_t told_uidnext, told_uidvalidity; /* of target, by its STATUS; 0: not told */
    size_t count, room;
    size_t named;  /* by COPYUID, since it was ordered */
    size_t ranges; /* of UIDs that follow each other, at most: what the command's length goes by */
    struct imap_moving items[];
};

struct imap_moves {
    struct imap_session *session;
    const struct imap_settings *settings;
    const struct imap_host *host;
    struct imap_folders *folders;
    uint32_t uidvalidity;  /* of the mailbox, whose UIDs these are */
    struct imap_job *jobs; /* newest first */
    bool warned;
    size_t last_size;  /* messages in the last order of those that wait; 0: there was none */
    unsigned int bads; /* orders in a row that were answered BAD */
    const struct imap_folder *full; /* it takes nothing more in this session; NULL: none */
    uint64_t refused;
    struct error why;
    struct imap_set told;     /* UIDs whose refusal was logged ... */
    struct imap_set told_now; /* ... since there was nothing under way: in any order, not asked */
};

/** imap_job_new - an empty job, with room for so many, of the kind of @like: its way, fate and
 * target; its copies are @elsewhere (NULL: in the target), which is copied. It is one of @moves
 * until imap_job_end(). NULL: out of memory. */
struct imap_job *imap_job_new(struct imap_moves *moves, const struct imap_job *like,
                              const char *elsewhere, size_t room);
void imap_job_end(struct imap_job *job);

/** imap_moves_find - a job of that kind that has not begun and has room; NULL: there is none. */
struct imap_job *imap_moves_find(const struct imap_moves *moves, const struct imap_job *like,
                                 const char *elsewhere);

/** imap_job_put - one more, in its place; nothing happens where it is there already. */
void imap_job_put(struct imap_job *job, const struct imap_moving *item);
bool imap_job_is_full(const struct imap_job *job);

/** imap_job_find - the item with this UID, or NULL.
 * imap_job_from - where the items with this and higher UIDs begin; count: there is none. */
struct imap_moving *imap_job_find(struct imap_job *job, uint32_t uid);
size_t imap_job_from(const struct imap_job *job, uint32_t uid);

/** imap_job_is_alone_on_its_way - no other job of its moves is running. */
bool imap_job_is_alone_on_its_way(const struct imap_job *job);

/** imap_job_keep_there - keep the items that are still in the mailbox. */
void imap_job_keep_there(struct imap_job *job);

/** imap_job_note - note @step of all items, or of those only that are no longer there. */
int imap_job_note(struct imap_job *job, enum imap_step step, bool gone_only, struct error *err);

/** imap_job_send - "<text><set><rest>", then the name of @target where there is one. */
int imap_job_send(struct imap_job *job, const char *text, const char *rest,
                  const struct imap_folder *target, const struct imap_call *call,
                  struct error *err);

#endif
