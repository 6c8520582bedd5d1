/* SPDX-License-Identifier: Apache-2.0 */
/* hook.c - tell a command or a webhook of one entry. See hook.h. */
#include <config.h>
#include "hook.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "child.h"
#include "entry.h"
#include "post.h"
#include "json-line.h"
#include "text.h"
#include "vault-sign.h"

#define HOOK_VARIABLES 16u
#define HOOK_VARIABLE_MAX 4096u
#define HOOK_OUTPUT_KEPT 1024u

/* All that is told of one delivery. */
struct hook_telling {
    const struct queue_hook *hook;
    const struct queue_delivery *delivery;
    const struct hook_options *options;
    struct hook_answer *answer;
    const char *event;
    char key[QUEUE_DELIVERY_KEY_MAX];
    struct buffer body;
};

void hook_secret_id(const char *queue_name, char out_id[HOOK_SECRET_ID_MAX])
{
    (void)snprintf(out_id, HOOK_SECRET_ID_MAX, "webhook:%s", queue_name);
}

int hook_check(enum queue_hook_kind kind, const char *target, struct error *err)
{
    char *words[HOOK_WORDS_MAX + 1];
    AUTO_TEXT memory = NULL;
    return kind == QUEUE_HOOK_COMMAND ? hook_words(target, words, &memory, err)
                                      : post_check_url(target, err);
}

static int hook_body(const struct queue_entry *stored, struct buffer *out, struct error *err)
{
    AUTO_JSON entry = NULL;
    if (entry_from_queue(stored, &entry, err) < 0)
        return -1;
    return json_line_append(out, entry) < 0 ? error_oom(err, "writing an entry for a hook") : 0;
}

/* ---- Command --------------------------------------------------------------------------------- */

struct hook_environment {
    char texts[HOOK_VARIABLES][HOOK_VARIABLE_MAX];
    char *items[HOOK_VARIABLES + 1];
    size_t count;
};

static void environment_add(struct hook_environment *environment, const char *name,
                            const char *value)
{
    if (value == NULL || environment->count == HOOK_VARIABLES)
        return;
    char *text = environment->texts[environment->count];
    (void)snprintf(text, HOOK_VARIABLE_MAX, "%s=%s", name, value);
    environment->items[environment->count++] = text;
    environment->items[environment->count] = NULL;
}

static void environment_fill(struct hook_environment *environment,
                             const struct hook_telling *telling)
{
    static const char *const kept[] = {"HOME", "LANG", "TZ"};
    const char *path = getenv("PATH");
    char attempt[16];
    const struct queue_entry *entry = telling->delivery->entry;
    (void)snprintf(attempt, sizeof attempt, "%" PRIu32, telling->delivery->tries + 1);
    environment_add(environment, "PATH", path == NULL ? "/usr/bin:/bin" : path);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        environment_add(environment, kept[i], getenv(kept[i]));
    environment_add(environment, "MAILCHUTE_ENTRY_ID", entry->id);
    environment_add(environment, "MAILCHUTE_QUEUE", entry->queue);
    environment_add(environment, "MAILCHUTE_SOURCE", entry->source);
    environment_add(environment, "MAILCHUTE_EVENT", telling->event);
    environment_add(environment, "MAILCHUTE_KEY", telling->key);
    environment_add(environment, "MAILCHUTE_ATTEMPT", attempt);
}

/* ": what it said", on one line, or "". */
static void hook_said(const char *output, size_t size, char *out, size_t out_size)
{
    char line[HOOK_OUTPUT_SHOWN * 2];
    while (size > 0 && text_is_space(output[size - 1]))
        size--;
    text_printable(line, sizeof line, output, size < HOOK_OUTPUT_SHOWN ? size : HOOK_OUTPUT_SHOWN);
    (void)snprintf(out, out_size, "%s%s", size == 0 ? "" : ": ", line);
}

static int hook_judge(const struct hook_telling *telling, const char *program,
                      const struct child_result *result, const char *said, struct error *err)
{
    if (result->end == CHILD_CANCELLED)
        return error_set(err, ERROR_CANCELLED, "stopped while a hook ran");
    if (result->end == CHILD_NOT_STARTED)
        return error_set(err, ERROR_CONFIG, "'%.150s' cannot be started: %s", program,
                         strerror(result->errno_));
    if (result->end == CHILD_LATE)
        return error_set(err, ERROR_LINK, "'%.150s' did not end within %" PRIu32 " seconds, it was "
                         "ended%s", program, telling->options->limit_ms / 1000, said);
    if (WIFSIGNALED(result->status))
        return error_set(err, ERROR_LINK, "'%.150s' was ended by signal %d%s", program,
                         WTERMSIG(result->status), said);
    if (WEXITSTATUS(result->status) != 0)
        return error_set(err, ERROR_LINK, "'%.150s' ended with exit code %d%s", program,
                         WEXITSTATUS(result->status), said);
    return 0;
}

static int hook_run(struct hook_telling *telling, struct error *err)
{
    char *words[HOOK_WORDS_MAX + 1], output[HOOK_OUTPUT_KEPT], said[HOOK_OUTPUT_SHOWN * 2 + 4];
    AUTO_TEXT memory = NULL;
    if (hook_words(telling->hook->target, words, &memory, err) < 0)
        return -1;
    struct hook_environment *environment = calloc(1, sizeof *environment);
    if (environment == NULL)
        return error_oom(err, "running a hook");
    environment_fill(environment, telling);
    const struct child_task task = {.words = words,
                                    .environment = environment->items,
                                    .input = buffer_text(&telling->body),
                                    .input_size = telling->body.len,
                                    .with_errors = true,
                                    .limit_ms = telling->options->limit_ms,
                                    .cancelled = telling->options->cancelled,
                                    .cancel_context = telling->options->cancel_context};
    struct child_result result = child_run(&task, output, sizeof output);
    free(environment);
    hook_said(output, result.size, said, sizeof said);
    if (hook_judge(telling, words[0], &result, said, err) < 0)
        return -1;
    if (said[0] != '\0')
        log_info(telling->options->log, "hook of queue '%.100s', entry %s%s", telling->hook->queue,
                 telling->delivery->entry->id, said);
    return 0;
}

/* ---- Webhook --------------------------------------------------------------------------------- */

#define HOOK_HEADERS 8u
#define HOOK_HEADER_MAX 512u

struct hook_headers {
    char texts[HOOK_HEADERS][HOOK_HEADER_MAX];
    const char *items[HOOK_HEADERS + 1];
    size_t count;
};

/* A value of ours, or made printable: no line end gets in. */
PRINTF_LIKE(2, 3)
static void headers_add(struct hook_headers *headers, const char *fmt, ...)
{
    char *text = headers->texts[headers->count];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, HOOK_HEADER_MAX, fmt, args);
    va_end(args);
    headers->items[headers->count++] = text;
    headers->items[headers->count] = NULL;
}

static int headers_sign(struct hook_headers *headers, const struct hook_telling *telling,
                        struct error *err)
{
    const struct queue_hook *hook = telling->hook;
    AUTO(secret) secret = NULL;
    char id[HOOK_SECRET_ID_MAX], signature[VAULT_SIGNATURE_MAX];
    if (hook->secret == NULL)
        return 0;
    hook_secret_id(hook->queue, id);
    if (vault_unseal(telling->options->vault, id, hook->secret, hook->secret_size, &secret, err) <
            0 ||
        vault_sign(secret, telling->key, telling->options->now_s, buffer_text(&telling->body),
                   telling->body.len, signature, err) < 0)
        return -1;
    headers_add(headers, "Webhook-Signature: %s", signature);
    return 0;
}

static int headers_fill(struct hook_headers *headers, const struct hook_telling *telling,
                        struct error *err)
{
    char queue[HOOK_HEADER_MAX / 2];
    text_printable(queue, sizeof queue, telling->hook->queue, strlen(telling->hook->queue));
    headers_add(headers, "Content-Type: application/json");
    headers_add(headers, "Webhook-Id: %s", telling->key);
    headers_add(headers, "Idempotency-Key: %s", telling->key);
    headers_add(headers, "Webhook-Timestamp: %" PRId64, telling->options->now_s);
    headers_add(headers, "X-Mailchute-Event: %s", telling->event);
    headers_add(headers, "X-Mailchute-Queue: %s", queue);
    headers_add(headers, "X-Mailchute-Attempt: %" PRIu32, telling->delivery->tries + 1);
    return headers_sign(headers, telling, err);
}

static int hook_post(struct hook_telling *telling, struct error *err)
{
    struct hook_headers headers = {.count = 0};
    struct post_answer answer = {0};
    if (headers_fill(&headers, telling, err) < 0)
        return -1;
    const struct post post = {.url = telling->hook->target,
                                   .headers = headers.items,
                                   .body = buffer_text(&telling->body),
                                   .body_size = telling->body.len,
                                   .limit_ms = telling->options->limit_ms,
                                   .ca_file = telling->options->ca_file,
                                   .cancelled = telling->options->cancelled,
                                   .cancel_context = telling->options->cancel_context};
    if (post_send(&post, &answer, err) < 0)
        return -1;
    if (answer.status >= 200 && answer.status < 300)
        return 0;
    char host[256];
    post_url_host(telling->hook->target, host, sizeof host);
    telling->answer->never = answer.status == 410;
    telling->answer->retry_after_s = answer.retry_after_s;
    return error_set(err, ERROR_LINK, "'%s' answers with status %ld%s", host, answer.status,
                     answer.status >= 300 && answer.status < 400
                         ? "; it is not followed elsewhere, set its new address" : "");
}

/* ---- Either ---------------------------------------------------------------------------------- */

int hook_tell(const struct queue_hook *hook, const struct queue_delivery *delivery,
              const struct hook_options *options, struct hook_answer *out_answer,
              struct error *err)
{
    struct hook_telling telling = {.hook = hook,
                                   .delivery = delivery,
                                   .options = options,
                                   .answer = out_answer,
                                   .event = delivery->moved ? "moved" : "created"};
    *out_answer = (struct hook_answer){.never = false};
    queue_delivery_key(delivery, hook->kind, telling.key);
    buffer_init(&telling.body, HOOK_BODY_MAX);
    int bad = hook_body(delivery->entry, &telling.body, err);
    if (bad == 0)
        bad = hook->kind == QUEUE_HOOK_COMMAND ? hook_run(&telling, err) : hook_post(&telling, err);
    buffer_done(&telling.body);
    return bad;
}
