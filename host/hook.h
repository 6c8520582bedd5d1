/* SPDX-License-Identifier: Apache-2.0 */
/* hook.h - tell a command or a webhook of one entry.
 *
 *     command   a line of words, the first a path that begins with '/': no shell, quotes '...' and
 *               "..." keep spaces, '\' in front of a character takes it as it is. It reads the
 *               entry's JSON; its exit code 0 says that it arrived. What it prints is logged, cut.
 *               Its environment is PATH, HOME, LANG, TZ and MAILCHUTE_ENTRY_ID, _QUEUE, _SOURCE,
 *               _EVENT (created, moved), _KEY, _ATTEMPT (1 ...); nothing else of ours.
 *     webhook   a URL (post.h says which), posted the same JSON; 2xx says that it arrived, 410 that
 *               it is never to be tried again. Headers: Webhook-Id and Idempotency-Key (the key),
 *               Webhook-Timestamp, Webhook-Signature where there is a secret (vault-sign.h),
 *               X-Mailchute-Event, -Queue, -Attempt.
 *
 * A delivery may arrive twice, where a crash came between; its key is the same then. */
#ifndef MAILCHUTE_HOST_HOOK_H
#define MAILCHUTE_HOST_HOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "log.h"
#include "queue-hook.h"
#include "secret.h"
#include "vault.h"

#define HOOK_WORDS_MAX 64u      /* words of a command */
#define HOOK_OUTPUT_SHOWN 200u  /* bytes of what it prints that are told */
#define HOOK_BODY_MAX (256u << 20) /* bytes of an entry as JSON */

/** hook_words - the words of @line in *out_memory, which is yours: free(). @out_words ends in NULL
 * and points into it. ERROR_USAGE says what is wrong. */
int hook_words(const char *line, char *out_words[HOOK_WORDS_MAX + 1], char **out_memory,
               struct error *err);

/** hook_check - whether this is a target of that kind at all. ERROR_USAGE. */
int hook_check(enum queue_hook_kind kind, const char *target, struct error *err);

/** hook_secret_id - what the secret of the webhook of this work queue is sealed for (vault.h). */
#define HOOK_SECRET_ID_MAX (QUEUE_NAME_MAX + 16u)
void hook_secret_id(const char *queue_name, char out_id[HOOK_SECRET_ID_MAX]);

struct hook_options {
    uint32_t limit_ms;
    const char *ca_file; /* NULL: those of the system */
    const struct vault *vault;
    const struct log *log;
    int64_t now_s;
    int (*cancelled)(void *context);
    void *cancel_context;
};

struct hook_answer {
    bool never;             /* it is not to be tried again */
    uint32_t retry_after_s; /* the receiver asks to be left alone for so long */
};

/** hook_tell - 0: it arrived. -1 with err why not; ERROR_CANCELLED when it was stopped: that is no
 * failure of its. */
int hook_tell(const struct queue_hook *hook, const struct queue_delivery *delivery,
              const struct hook_options *options, struct hook_answer *out_answer,
              struct error *err);

#endif
