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
#include "digest.h"
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
enum imap_fate {
    IMAP_FATE_QUEUED = 0,
    IMAP_FATE_BAD = 1,
    IMAP_FATE_RELEASE = 2,
    IMAP_FATE_SPARE = 3 /* of ours: as RELEASE, and no attempt was noted that could be taken back */
};
enum imap_log { IMAP_LOG_ERROR = 3, IMAP_LOG_WARNING = 4, IMAP_LOG_INFO = 6, IMAP_LOG_DEBUG = 7 };

/* How far one message has come (struct loader_record). */
struct imap_record {
    uint32_t uidvalidity, uid;
    uint32_t step, attempts, fate;
    uint32_t target_uidvalidity, target_uid;
    const char *target; /* borrowed; folder, Unicode; NULL: none */
};

/* What is known of a stored message (struct loader_evidence). */
struct imap_evidence {
    uint32_t uidvalidity, uid;
    uint32_t step; /* IMAP_STEP_UNKNOWN: nothing is known */
    bool has_sha256;
    uint64_t size, message_id; /* message_id: text_fingerprint(), 0: none is known */
    uint8_t sha256[DIGEST_SIZE];
};

/* As enum loader_likeness. */
enum imap_likeness {
    IMAP_LIKENESS_SIZE = 1,
    IMAP_LIKENESS_MESSAGE_ID = 2,
    IMAP_LIKENESS_SHA256 = 3
};

/* A message that may have been settled before (struct loader_lookalike). */
struct imap_lookalike {
    uint64_t size, message_id;
    uint32_t likeness, found;
    uint8_t sha256[DIGEST_SIZE];
};

/* As enum loader_hold. */
enum imap_hold {
    IMAP_HOLD_NONE = 0,
    IMAP_HOLD_NUMBERS = 1,
    IMAP_HOLD_RESTORED = 2,
    IMAP_HOLD_FLAPPING = 3,
    IMAP_HOLD_REUSED = 4
};

#define IMAP_CHANGES 3u

/* What is known of the mailbox (struct loader_mailbox). */
struct imap_mailbox {
    uint32_t uidvalidity, highest_uid;
    uint32_t held; /* enum imap_hold */
    int64_t held_s, changed_s[IMAP_CHANGES];
    char why[ERROR_TEXT_MAX];
};

/* A stored message that has another name now (struct loader_adoption). */
struct imap_adoption {
    uint32_t from_uidvalidity, from_uid, to_uidvalidity, to_uid;
};

/* Every function is there but where it says so. context comes first in each. */
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
    /* From here on NULL where the host is older and cannot; adopt also in a dry run. */
    int (*evidence)(void *context, struct imap_evidence *items, size_t count, struct error *err);
    /* @path: of the mailbox, as in imap-folder.h. */
    int (*mailbox)(void *context, const char *path, struct imap_mailbox *out_state,
                   struct error *err);
    int (*adopt)(void *context, const struct imap_adoption *items, size_t count,
                 const struct imap_mailbox *state, struct error *err);
    /* As unsettled(), of what is MOVED. */
    int (*settled)(void *context, const struct imap_record *after, struct imap_record *out_records,
                   size_t capacity, size_t *out_count, struct error *err);
    /* A part of the source cannot be picked up from, the rest is. NULL: all is well. */
    void (*trouble)(void *context, const struct error *why);
    /* As in struct loader_host, of the mailbox that is picked up from. */
    int (*lookalikes)(void *context, uint32_t uidvalidity, uint32_t above,
                      struct imap_lookalike *items, size_t count, struct error *err);
};

#define IMAP_RECORDS_MAX 500u /* in one call of known(), note(), and so on */

/** imap_host_log - one line of text. */
void imap_host_log(const struct imap_host *host, enum imap_log level, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#endif
