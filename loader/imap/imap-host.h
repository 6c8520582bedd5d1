/* SPDX-License-Identifier: Apache-2.0 */
/* imap-host.h - what the IMAP modules need of whoever runs them: time, log, and the ledger.
 *
 * The plug-in contract in the words of this folder, with account and mailbox left out: the top file
 * adds them. Numbers of steps and fates are those of the contract. */
#ifndef MAILCHUTE_LOADER_IMAP_HOST_H
#define MAILCHUTE_LOADER_IMAP_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "error.h"

/* As enum loader_step, enum loader_fate, enum loader_log_level. */
enum imap_step {
    IMAP_STEP_UNKNOWN = 0,
    IMAP_STEP_ATTEMPTED = 1,
    IMAP_STEP_STORED = 2,
    IMAP_STEP_MOVING = 3,
    IMAP_STEP_COPIED = 4,
    IMAP_STEP_DELETING = 5,
    IMAP_STEP_MOVED = 6
};
enum imap_fate { IMAP_FATE_QUEUED = 0, IMAP_FATE_BAD = 1, IMAP_FATE_RELEASE = 2 };
enum imap_log { IMAP_LOG_ERROR = 3, IMAP_LOG_WARNING = 4, IMAP_LOG_INFO = 6, IMAP_LOG_DEBUG = 7 };

/* How far one message has come (struct loader_record). */
struct imap_record {
    uint32_t uidvalidity, uid;
    uint32_t step, attempts, fate;
    uint32_t target_uidvalidity, target_uid;
    const char *target; /* borrowed; folder, Unicode; NULL: none */
};

/* Every function is there. context comes first in each. */
struct imap_host {
    void *context;
    struct clock clock;
    const char *spool_dir; /* NULL: the system's */
    bool (*cancelled)(void *context);
    void (*log)(void *context, enum imap_log level, const char *text);
    int (*known)(void *context, struct imap_record *records, size_t count, struct error *err);
    int (*note)(void *context, const struct imap_record *records, size_t count, struct error *err);
    /* Behind @after (NULL: from the start), of which uidvalidity and uid count. */
    int (*unsettled)(void *context, const struct imap_record *after,
                     struct imap_record *out_records, size_t capacity, size_t *out_count,
                     struct error *err);
    void (*progress)(void *context, uint64_t messages);
};

#define IMAP_RECORDS_MAX 500u /* in one call of known(), note(), unsettled() */

/** imap_host_log - one line of text. */
void imap_host_log(const struct imap_host *host, enum imap_log level, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#endif
