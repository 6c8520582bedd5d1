/* SPDX-License-Identifier: Apache-2.0 */
/* serve.h - the daemon: keeps all sources of a queue at work, and their statuses true.
 *
 *     tick, four times a second    sources changed? (the queue's epoch)    deadlines, reports
 *     a descriptor is readable     a source that waited has news           ──> ready
 *     a worker has ended a turn    the state machine moves                 ──> waiting, resting
 *     a signal                     TERM leaves, HUP reloads, USR1 syncs
 *
 * One thread decides (this one) and never blocks on a server, nor on a writer of the queue;
 * workers do what blocks (workers.h). Sources share nothing but them: each has its own turns,
 * which end after a second so that others come by; deadlines; and retries (retry.h). No server
 * takes more than three quarters of the workers, nor more than logins-per-host log-ins at once. A
 * turn that a silent server holds up costs the others no worker: one more is started.
 *
 * One daemon at a time serves a queue. What is in the queue is never more than a batch behind what
 * was told: after kill -9 an import goes on where its ledger ends.
 *
 * serve_append_... may be called by any thread; everything else by the one that runs serve_run().
 */
#ifndef MAILCHUTE_HOST_SERVE_H
#define MAILCHUTE_HOST_SERVE_H

#include <stdbool.h>

#include "buffer.h"
#include "clock.h"
#include "error.h"
#include "log.h"
#include "queue.h"
#include "serve-settings.h"

#define SERVE_TICK_MS 250u     /* a pause acts within this and what a batch needs */
#define SERVE_STALLED_MS 3000u /* a turn that takes longer waits for its server */
#define SERVE_LEAVE_MS 5000u   /* from SIGTERM to the end */
#define SERVE_REPORT_MS 1000u  /* statuses are written so often at most ... */
#define SERVE_CONTACT_MS 5000u /* ... where only the time of contact changed */

struct serve_options {
    struct serve_settings *settings; /* read again by SIGHUP */
    const char *settings_path;       /* NULL: there is no file */
    bool level_given;                /* log->level is the command line's: SIGHUP leaves it */
    const char *queue_url;           /* NULL: the default */
    const struct clock *clock;
    struct log *log;
    int (*open_queue)(const char *url, struct queue **out_queue, struct error *err);
};

struct serve;

/** serve_new - open the queue, read the sources, ask for passwords that are to be asked for. Blocks
 * the signals it serves. *out_serve is yours: serve_free(). ERROR_PAUSE when another daemon serves
 * this queue. */
int serve_new(const struct serve_options *options, struct serve **out_serve, struct error *err);

/** serve_run - until SIGTERM or SIGINT: 0. -1 with err also when the queue's files were moved, deleted
 * or replaced (queue_check()): then everything is stopped, and no mail moved. */
int serve_run(struct serve *serve, struct error *err);

/** serve_free - ends within SERVE_LEAVE_MS. False: threads that are stuck in a loader's call keep
 * what they use; the process is to end by _exit() then. NULL is fine. */
bool serve_free(struct serve *serve);

/** serve_is_running - some daemon, here or in another process, serves this queue. */
bool serve_is_running(struct queue *queue);

/** serve_append_metrics - in Prometheus' text format, version 0.0.4. */
int serve_append_metrics(struct serve *serve, struct buffer *out);

/* What a health check asks. */
enum serve_health {
    SERVE_LIVE,   /* the loop turns */
    SERVE_READY,  /* the sources were read, the queue can be written */
    SERVE_SOURCE  /* this source is not an error and in contact */
};

/** serve_append_health - one JSON line that tells why; 200 when it is well, 503 when not, 404 for a
 * source that is not there. */
int serve_append_health(struct serve *serve, enum serve_health what, const char *source,
                        struct buffer *out);

#endif
