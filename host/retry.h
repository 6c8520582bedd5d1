/* SPDX-License-Identifier: Apache-2.0 */
/* retry.h - after a failure: when to try again, and whether a person has to act. Pure.
 *
 *     what failed                       status     next try
 *     no connection, link, protocol     degraded   1 s, doubled to 15 min, any part of it
 *     disk, database, our own fault     degraded   the same
 *     the server asks us to slow down   throttled  as long as it says, and no less than a link;
 *                                                  else 1 min, doubled to 15 min
 *     credentials refused               degraded   1 min, 2 min (a server may err for a moment);
 *                                       error      the third time on hourly: more would lock the
 *                                                  account
 *     certificate, mailbox, right       error      1 min, doubled to 15 min
 *     connection string                 error      hourly (an edit is tried at once)
 *     mailbox held                      error      hourly: it stays so until a person releases it
 *
 * Jitter keeps many sources of one server from coming back at the same moment: of the pause of a
 * link any part is taken, every other one is up to a quarter longer.
 *
 * An edit of the source clears the history, and so does a message that was picked up. Mere contact
 * does once it has lasted: a server that takes each log-in and then breaks the link would else be
 * logged in to each second. */
#ifndef MAILCHUTE_HOST_RETRY_H
#define MAILCHUTE_HOST_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

/* Set by the administrator; retry_limits_default are those above. */
struct retry_limits {
    uint64_t first_ms, max_ms;  /* pauses of a link */
    uint64_t person_ms;         /* first pause where a person must act */
    uint64_t refused_ms;        /* between tries of what was refused */
    uint32_t refused_tries;     /* refusals before that */
};
extern const struct retry_limits retry_limits_default;

/* What happened before. Zero: nothing. */
struct retry_history {
    uint32_t failures; /* in a row */
    uint32_t refusals; /* of them, refused credentials */
    uint32_t before;   /* failures that the last contact ended, which has not lasted yet */
    uint64_t well_ms;  /* when that contact came; monotonic */
};

#define RETRY_LASTS_MS 60000u /* contact that lasts so long makes up for all that was before */
#define RETRY_BEFORE_MAX 6u /* of what was before counts: a second becomes a minute, no more, as mail
                               still comes through now and then */

enum retry_kind { RETRY_DEGRADED, RETRY_THROTTLED, RETRY_PERSON };

struct retry_plan {
    enum retry_kind kind;
    uint64_t wait_ms;
};

/** retry_pause - anything up to @first_ms doubled once for each failure but the first, at most
 * @max_ms; 1 ms at least. */
uint64_t retry_pause(uint64_t first_ms, uint64_t max_ms, uint32_t failures, uint32_t random);

/** retry_failed - one more failure. @random: any number, for the jitter. */
struct retry_plan retry_failed(struct retry_history *history, const struct retry_limits *limits,
                               const struct error *err, uint32_t random, uint64_t now_ms);

/** retry_well - the server has answered: no failures are in a row any more. @progress: messages
 * were picked up. */
void retry_well(struct retry_history *history, bool progress, uint64_t now_ms);

#endif
