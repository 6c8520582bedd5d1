/* SPDX-License-Identifier: Apache-2.0 */
/* serve-private.h - what the files of the daemon share. Internal.
 *
 * serve.c          the loop: signals, descriptors, ticks, the end
 * serve-source.c   sources that appear, change and go
 * serve-turn.c     who is given to a worker, and what the end of a turn means
 * serve-report.c   reports into the queue
 * serve-hook.c     hooks of work queues
 * serve-watch.c    metrics and health, for the HTTP server's thread */
#ifndef MAILCHUTE_HOST_SERVE_PRIVATE_H
#define MAILCHUTE_HOST_SERVE_PRIVATE_H

#include <pthread.h>

#include "notify.h"
#include "pace.h"
#include "queue-hook.h"
#include "serve.h"
#include "source-state.h"
#include "unit.h"
#include "vault.h"
#include "workers.h"

enum served_phase {
    SERVED_RESTING, /* not connected, or nothing to do before state.next_try_ms */
    SERVED_READY,   /* wants a turn: in the list */
    SERVED_WORKING, /* a worker has its unit */
    SERVED_WAITING  /* polled for until wait_until_ms */
};

/* One server, by the name in connection strings. Kept to the end: names are few. */
struct serve_host {
    struct serve_host *next;
    char *name;
    bool is_local;            /* on this machine: as many log-ins as it likes */
    unsigned logins, running; /* turns that log in; all turns */
};

struct served {
    struct workers_job job;  /* of its turn */
    struct served *next_ready;
    struct unit *unit;
    struct queue_source *fresh; /* settings that came while a worker had it; NULL: none */
    struct serve_host *host;
    struct source_state state;
    enum served_phase phase;
    bool logs_in;      /* its turn counts as a log-in */
    bool again;        /* wants another turn after this one */
    bool gone;         /* removed: freed as soon as nobody has it */
    bool dirty, urgent; /* its report has to be written; soon */
    int polled_fd;     /* -1: none */
    uint64_t wait_until_ms, told_ms;
    uint64_t turn_since_ms; /* SERVED_WORKING */
    uint64_t pass_items; /* since it was drained last */
    uint64_t left; /* unit->left, as it was looked at last */
    struct pace pace;
    uint64_t turns, logins, failures; /* since the start, for the metrics */
    uint64_t items;
    char *cursor; /* of the import; NULL: none is known */
};

/* A transaction's worth of reports, given to a worker. */
struct serve_tell {
    struct workers_job job;
    struct queue_source_report *reports; /* texts are owned */
    size_t count;
    bool in_flight, failed;
    struct error err;
};

struct serve {
    struct serve_options options;
    struct retry_limits limits;
    struct queue *queue; /* this thread's: reads only */
    struct queue_claims claims; /* that this is the one daemon */
    struct vault *vault;
    struct workers *workers, *hook_workers;
    struct notify notify;
    int epoll_fd, signal_fd;
    atomic_uint_least64_t beat_ms; /* the loop turned last */
    pthread_mutex_t lock; /* over all below; not held while waiting */
    struct served **items; /* by name */
    size_t count;
    struct served *ready_first, **ready_last;
    struct serve_host *hosts;
    struct serve_tell tell;
    struct serve_hook **hooks;
    size_t hook_count;
    unsigned hooks_working; /* turns of theirs in threads */
    uint64_t epoch;
    bool loaded, read_fails, queue_fails, stopping;
    struct error lost; /* the queue's files were moved or replaced: why it ends. NONE: they stay */
    bool asking; /* the first load: passwords may be asked for */
    unsigned working; /* turns in workers */
    unsigned stalled; /* of them, how many a server holds up: each lends its worker's place */
    unsigned deliverers; /* sources that deliver, at the last tick */
    uint64_t turns;   /* since the heap was trimmed last */
    unsigned threads; /* of the workers, when that was looked at */
    uint64_t stop_until_ms, tick_ms, tell_ms, watchdog_ms, status_ms;
};

struct source_now serve_now(const struct serve *serve);
uint64_t serve_ms(const struct serve *serve);

/* ---- serve-source.c -------------------------------------------------------------------------- */

/** serve_load - hold what there is against the queue's sources, if any of them changed. */
int serve_load(struct serve *serve, bool always, struct error *err);
void serve_settle_gone(struct serve *serve); /* free those that were removed and are at rest */
void serve_take_fresh(struct serve *serve, struct served *served);
void served_free(struct served *served);

/* ---- serve-turn.c ---------------------------------------------------------------------------- */

void serve_ready(struct serve *serve, struct served *served); /* it wants a turn */
void serve_halt(struct serve *serve, struct served *served);  /* end its turn, close what is open */
void serve_sync(struct serve *serve, struct served *served);  /* anew, from the log-in on */
void serve_dispatch(struct serve *serve);
unsigned serve_threads_most(const struct serve *serve); /* that turns may take */
void serve_turn_ended(struct serve *serve, struct served *served);
void serve_deadlines(struct serve *serve);
void serve_polled(struct serve *serve, struct served *served); /* its descriptor has news */

/* ---- serve-report.c -------------------------------------------------------------------------- */

void served_changed(struct served *served); /* its status or detail */
void serve_tell(struct serve *serve);       /* write what is due, by a worker */
void serve_tell_ended(struct serve *serve);

/* ---- serve-hook.c ---------------------------------------------------------------------------- */

/** serve_hooks_load - which hooks there are, and what is due: one small read. */
int serve_hooks_load(struct serve *serve, struct error *err);
void serve_hooks_dispatch(struct serve *serve); /* give those that are due to threads */
void serve_hook_ended(struct serve *serve, struct workers_job *job);
void serve_hooks_stop(struct serve *serve);
void serve_hooks_free(struct serve *serve); /* none may be in a thread */

/** serve_hooks_each - all there are, for the metrics: what @each gave, ORed. */
int serve_hooks_each(const struct serve *serve,
                     int (*each)(void *context, const struct queue_hook *hook), void *context);

#endif
