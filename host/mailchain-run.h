/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-run.h - the Mailchain connector for IMAP at work: look for messages, put them into the
 * mailbox, sleep, and again, whatever fails in between.
 *
 * Messages go through a work queue in the connector's own folder (queue/), durably, so that a crash
 * loses none and doubles none. What happens is told in mailchain_connector_imap.log there, a line
 * each: "2026-03-01 12:00:00 +0100 Checking messages", "Done", "Error: ...", the last one also for
 * each address or network that fails while others do not, and while messages are refused by the mail
 * server.
 *
 * Looking is done again an interval after it went well, delivering behind it; what fails has pauses
 * of its own, mailchain_run_pause(), and does not hold up the other. The loader that looks stays
 * open from round to round, as it knows which places rest. */
#ifndef MAILCHUTE_HOST_MAILCHAIN_RUN_H
#define MAILCHUTE_HOST_MAILCHAIN_RUN_H

#include <stdbool.h>

#include "cancel.h"
#include "log.h"
#include "mailchain-config.h"
#include "mailchain-store.h"
#include "retry.h"
#include "source.h"

#define MAILCHAIN_LOG_FILE "mailchain_connector_imap.log"
#define MAILCHAIN_QUEUE_NAME "mailchain"

/* All borrowed. */
struct mailchain_run {
    const char *folder; /* the connector's */
    const struct mailchain_config *config;
    struct source *imap, *chain; /* open */
    struct queue *queue;
    const struct mailchain_store *store; /* what the connector of 2020 delivered */
    struct log *log;
    struct cancel *cancel;
    bool once; /* one round, and its failure is ours */
};

/** mailchain_run_pause - how long until what failed with @err is tried again, in ms, a minute at
 * least: a link 1, 2, 4, ... minutes, up to 15 or the interval; what a person must mend after the
 * interval, doubled likewise; a password that was refused likewise, from the third time on hourly,
 * so that the account is not locked. Pure. */
uint64_t mailchain_run_pause(struct retry_history *history, uint32_t interval_s,
                             const struct error *err, uint64_t now_ms);

/** mailchain_run - until a signal comes: 0; -1 with err when the queue's files were moved or replaced
 * (queue_check()), and with once when the round failed. */
int mailchain_run(struct mailchain_run *run, struct error *err);

#endif
