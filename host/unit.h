/* SPDX-License-Identifier: Apache-2.0 */
/* unit.h - one source at work: its settings, its loader's handle, and one turn of it at a time.
 *
 *     turn: open (first: password, log-in) ─> pump until drained, or the turn's share is used up
 *                                              ├─ drained ─> wait(): what to poll, and a deadline
 *                                              ├─ share used up: another turn, behind the others
 *                                              └─ failed ─> closed; the state says when to retry
 *
 * A unit that waits holds its handle, nothing else: no thread, no lock on its mailbox, and of its
 * password no more than it takes to keep that out of what the server says (secret-shadow.h). The
 * contract is used as it stands: next, settle, wait, one thread at a time.
 *
 * Threads: unit_turn() and unit_close() run in a worker, one at a time; all else belongs to
 * whoever runs the units (serve.h). Between them only `stop` and `left` are shared. */
#ifndef MAILCHUTE_HOST_UNIT_H
#define MAILCHUTE_HOST_UNIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "host-table.h"
#include "log.h"
#include "plugin.h"
#include "pump.h"
#include "queue-source.h"
#include "queue.h"
#include "secret-shadow.h"
#include "vault.h"

#define UNIT_TURN_MS 1000u     /* a turn hands over behind the batch that ends after so long */
#define UNIT_GRACE_MS 4000u    /* for a batch in hand when it is to stop */
#define UNIT_CURSOR_MAX QUEUE_KEY_MAX

/* How a turn ended; written by the worker. */
enum unit_end { UNIT_DRAINED, UNIT_SHARE_USED, UNIT_FAILED, UNIT_CLOSED };

struct unit_turn {
    enum unit_end end;
    struct error err;  /* UNIT_FAILED */
    bool contact;      /* the server has answered */
    bool logged_in;    /* it was opened in this turn */
    uint64_t items;    /* made entries in this turn, bad ones too */
    char *cursor;      /* origin key of the last one: whoever reads it takes it; NULL: none */
    int wait_fd;       /* UNIT_DRAINED: poll it, -1: there is none */
    uint32_t wait_events, wait_ms;
};

struct unit {
    struct queue_source *source; /* settings; changed only while no worker has the unit */

    /* What the next turn needs. */
    struct secret *asked; /* typed at the start, NULL: read it as source-secret.h says */
    bool guarded;         /* whoever wrote its settings is not trusted: LOADER_GUARDED */
    bool releases;        /* a person looked at what it holds: LOADER_ACCEPT_NEW_UIDS */
    bool close_first;     /* what is open is to be closed before anything else */
    atomic_bool stop;     /* end the turn soon, close, and do nothing else */
    atomic_uint_least64_t grace_until_ms;
    atomic_uint_least64_t left; /* known to be at the source still, also in the midst of a turn;
                                   what was known last, while nothing is */

    /* While a handle is open. */
    struct plugin *plugin;
    void *handle;
    struct host_table table;
    struct queue_claims claims;
    struct log log;              /* set before each turn by who gives it: unit_set_log() */
    struct secret_shadow shadow; /* of its password; taken out of log, table.trouble, turn.err */
    uint64_t expected, seen; /* items of this pass: told by the loader, and stored of them */

    /* Of one that delivers (unit-deliver.h); else all zero but the first. */
    bool delivers;
    struct {
        uint64_t after;   /* place of the last entry that was looked at */
        uint64_t walk_ms; /* when all are looked at again; 0: at once */
        uint64_t cost_ms; /* what that took last */
        uint64_t refused; /* of them, by the server */
        uint64_t left;    /* of them, as their folder cannot be used: left_why */
        char left_why[LOADER_DELIVERY_ERROR_MAX];
    } delivery;

    struct unit_turn turn;
};

/* What a worker brings along. */
struct unit_worker {
    struct queue *queue;       /* its own */
    const struct clock *clock;
    const struct vault *vault;
    const struct log *log;     /* for what is about no unit */
    struct pump pump;
};

/** unit_new - @source is given. NULL out of memory (then it is freed). */
struct unit *unit_new(struct queue_source *source, const struct clock *clock);
void unit_free(struct unit *unit); /* its handle must be closed; NULL is fine */

/** unit_set_source - @source is given, in place of the one it has. No worker may have the unit. */
void unit_set_source(struct unit *unit, struct queue_source *source);

/** unit_set_log - a copy of @log, for what is about this unit. No worker may have the unit. */
void unit_set_log(struct unit *unit, const struct log *log);

/** unit_turn - one turn; tells all in unit->turn. */
void unit_turn(struct unit *unit, struct unit_worker *worker);

/** unit_forget_plugin - its source has another loader now. Its handle must be closed. */
void unit_forget_plugin(struct unit *unit);

/** unit_blame_descriptors - where hardly a descriptor is left, @err was no fault of the file or server
 * that it names: it tells that instead. */
void unit_blame_descriptors(struct error *err);

/** unit_close - close its handle, politely. */
void unit_close(struct unit *unit);

#endif
