/* SPDX-License-Identifier: Apache-2.0 */
/* queue-configure.c - settings of work queues, read and shown. See queue-configure.h. */
#include <config.h>
#include "queue-configure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "condition.h"
#include "json-line.h"
#include "hook.h"
#include "output.h"
#include "queue-hook.h"
#include "suggest.h"
#include "text.h"

#define CONFIGURE_RETRIES 3u
#define CONFIGURE_INTERVAL_S 60u
#define CONFIGURE_BASE_MILLI 2000u
#define CONFIGURE_KEY_MAX 32u /* bytes of a key, NUL included */

/* ---- Reading --------------------------------------------------------------------------------- */

static int configure_number(const char *text, uint32_t max, uint32_t *out_number)
{
    uint64_t number;
    if (text_to_u64(text, max, &number) < 0)
        return -1;
    *out_number = (uint32_t)number;
    return 0;
}

/* Whole seconds: less than one counts as one. */
static int configure_duration(const char *text, uint32_t *out_s)
{
    uint64_t ms;
    if (text_to_duration(text, QUEUE_DELAY_MAX_S * UINT64_C(1000), &ms) < 0 || ms == 0)
        return -1;
    *out_s = (uint32_t)((ms + 999) / 1000);
    return 0;
}

/* "2", "1.5", "1.125": a number with three digits behind the point at most, in thousandths. */
static int configure_milli(const char *text, uint32_t *out_milli)
{
    char digits[16] = "";
    size_t size = strcspn(text, "."), behind = text[size] == '.' ? strlen(text + size + 1) : 0;
    if (size == 0 || size > 3 || behind > 3 || (text[size] == '.' && behind == 0))
        return -1;
    (void)snprintf(digits, sizeof digits, "%.*s%s%.*s", (int)size, text,
                   behind == 0 ? "" : text + size + 1, 3 - (int)behind, "000");
    return configure_number(digits, QUEUE_BASE_MILLI_MAX, out_milli);
}

/* What is being read. */
struct configure {
    struct queue_policy *policy;
    struct queue_configure_hooks *hooks;
};

static int configure_retry(struct configure *c, const char *value, struct error *err)
{
    (void)err;
    return queue_retry_from_name(value, &c->policy->retry);
}

static int configure_retries(struct configure *c, const char *value, struct error *err)
{
    (void)err;
    return configure_number(value, QUEUE_RETRIES_MAX, &c->policy->retries);
}

static int configure_interval(struct configure *c, const char *value, struct error *err)
{
    (void)err;
    return configure_duration(value, &c->policy->retry_s);
}

static int configure_base(struct configure *c, const char *value, struct error *err)
{
    (void)err;
    return configure_milli(value, &c->policy->base_milli);
}

static int configure_error_queue(struct configure *c, const char *value, struct error *err)
{
    (void)err;
    if (strlen(value) > QUEUE_NAME_MAX)
        return -1;
    text_copy(c->policy->error_queue, sizeof c->policy->error_queue, value);
    return 0;
}

static int configure_items(struct configure *c, const char *value, struct error *err)
{
    (void)err;
    return configure_number(value, QUEUE_THROTTLE_ITEMS_MAX, &c->policy->throttle_items);
}

static int configure_throttle(struct configure *c, const char *value, struct error *err)
{
    (void)err;
    return configure_duration(value, &c->policy->throttle_s);
}

/* What is wrong with it is told in full. */
static int configure_condition(struct configure *c, const char *value, struct error *err)
{
    AUTO(condition) condition = NULL;
    if (value[0] != '\0' && condition_new(value, &condition, err) < 0)
        return -1;
    if (strlen(value) > QUEUE_CONDITION_MAX)
        return error_set(err, ERROR_USAGE, "a condition may have %u bytes, not %zu",
                         QUEUE_CONDITION_MAX, strlen(value));
    text_copy(c->policy->condition, sizeof c->policy->condition, value);
    return 0;
}

static int configure_hook(struct configure *c, const char *value, struct error *err)
{
    c->hooks->command = value;
    return value[0] == '\0' ? 0 : hook_check(QUEUE_HOOK_COMMAND, value, err);
}

static int configure_webhook(struct configure *c, const char *value, struct error *err)
{
    c->hooks->webhook = value;
    return value[0] == '\0' ? 0 : hook_check(QUEUE_HOOK_WEBHOOK, value, err);
}

static int configure_secret(struct configure *c, const char *value, struct error *err)
{
    (void)err;
    c->hooks->secret_file = value;
    return 0;
}

/* set() fails with an error of its own, or with none: then what it wants is told. */
static const struct configure_key {
    const char *name, *wants;
    int (*set)(struct configure *c, const char *value, struct error *err);
    const char *standard; /* NULL: none */
    const char *help;
} configure_keys[] = {
    {"retry", "none, linear or exponential", configure_retry, "none",
     "whether an entry that failed, or whose lease ran out, is to be taken again later"},
    {"retries", "a number up to 1000000", configure_retries, "3", "so many times at most"},
    {"interval", "a time such as 30s, 5min or 2h, up to 30d", configure_interval, "1min",
     "between tries; exponential ones wait a multiple of it"},
    {"base", "a number from 1.001 to 100, such as 2 or 1.5", configure_base, "2",
     "the k-th exponential retry waits base^(k-1) to base^k intervals"},
    {"error-queue", "the name of a work queue, or nothing", configure_error_queue, NULL,
     "where an entry goes whose retries are used up; without it, it stays failed"},
    {"throttle-items", "a number up to 1000000, 0 for no throttling", configure_items, "0",
     "so many entries may be taken in an interval"},
    {"throttle-interval", "a time such as 1s or 1min, up to 30d", configure_throttle, "1min",
     "that interval"},
    {"condition", "Field:/expression/, or nothing", configure_condition, NULL,
     "which mail makes work; what does not is put as done"},
    {"hook", "a command line that begins with a whole path, or nothing", configure_hook, NULL,
     "a command that mailchute serve tells of each entry that comes"},
    {"webhook", "https://host/path, or nothing", configure_webhook, NULL,
     "a URL that is posted each entry that comes"},
    {"webhook-secret-file", "a file, or - for standard input", configure_secret, NULL,
     "what the webhook is signed with; read once and sealed in the queue"},
};
#define CONFIGURE_KEYS (sizeof configure_keys / sizeof configure_keys[0])

static int configure_unknown(const char *key, struct error *err)
{
    char shown[64];
    struct suggest suggest;
    suggest_start(&suggest, key);
    for (size_t i = 0; i < CONFIGURE_KEYS; i++)
        suggest_offer(&suggest, configure_keys[i].name);
    const char *near = suggest_best(&suggest);
    text_printable(shown, sizeof shown, key, strlen(key));
    return error_set(err, ERROR_USAGE, "queue configure: there is no setting '%s'; %s%s%s", shown,
                     near == NULL ? "see mailchute(1)" : "did you mean '", near == NULL ? "" : near,
                     near == NULL ? "" : "'?");
}

static int configure_one(struct configure *c, const char *setting, struct error *err)
{
    char key[CONFIGURE_KEY_MAX], shown[64];
    size_t size = strcspn(setting, "=");
    text_printable(shown, sizeof shown, setting, strlen(setting));
    if (setting[size] != '=')
        return error_set(err, ERROR_USAGE, "queue configure: '%s' is no setting; write key=value",
                         shown);
    (void)snprintf(key, sizeof key, "%.*s", size < sizeof key ? (int)size : (int)sizeof key - 1,
                   setting);
    for (size_t i = 0; i < CONFIGURE_KEYS; i++) {
        if (!text_equal_nocase(key, configure_keys[i].name))
            continue;
        err->text[0] = '\0';
        if (configure_keys[i].set(c, setting + size + 1, err) == 0)
            return 0;
        return err->text[0] != '\0' ? -1
                                    : error_set(err, ERROR_USAGE, "queue configure: '%s': give %s",
                                                shown, configure_keys[i].wants);
    }
    return configure_unknown(key, err);
}

/* What has to be there and was never given. */
static void configure_complete(struct queue_policy *policy)
{
    if (policy->retry != QUEUE_RETRY_NONE && policy->retries == 0)
        policy->retries = CONFIGURE_RETRIES;
    if (policy->retry != QUEUE_RETRY_NONE && policy->retry_s == 0)
        policy->retry_s = CONFIGURE_INTERVAL_S;
    if (policy->retry == QUEUE_RETRY_EXPONENTIAL && policy->base_milli == 0)
        policy->base_milli = CONFIGURE_BASE_MILLI;
    if (policy->throttle_items != 0 && policy->throttle_s == 0)
        policy->throttle_s = CONFIGURE_INTERVAL_S;
}

int queue_configure_read(struct queue_policy *policy, struct queue_configure_hooks *hooks,
                         char *const *settings, int count, struct error *err)
{
    struct configure configure = {policy, hooks};
    for (int i = 0; i < count; i++)
        if (configure_one(&configure, settings[i], err) < 0)
            return -1;
    configure_complete(policy);
    return 0;
}

/* ---- Hooks ----------------------------------------------------------------------------------- */

/* The webhook of a queue: as it is (yours), then with the secret that it is to have. */
struct configure_webhook {
    const char *name;
    const char *wanted; /* what is to be its address, borrowed; NULL: it stays as it is */
    char *target;
    uint8_t *secret;
    size_t secret_size;
    bool out_of_memory;
};

static void configure_webhook_done(struct configure_webhook *now)
{
    free(now->target);
    free(now->secret);
}

static int configure_webhook_visit(void *context, const struct queue_hook *hook)
{
    struct configure_webhook *now = context;
    if (hook->kind != QUEUE_HOOK_WEBHOOK || !text_equal(hook->queue, now->name))
        return 0;
    now->target = strdup(hook->target);
    now->secret = hook->secret == NULL ? NULL : malloc(hook->secret_size + 1);
    now->out_of_memory = now->target == NULL || (hook->secret != NULL && now->secret == NULL);
    if (now->secret != NULL)
        memcpy(now->secret, hook->secret, hook->secret_size);
    now->secret_size = hook->secret_size;
    return 1;
}

/* The secret in @file, sealed for the webhook of the queue @name. */
static int configure_seal(struct queue *queue, const char *name, const char *file,
                          struct configure_webhook *now, struct error *err)
{
    AUTO(secret) secret = NULL;
    AUTO(vault) vault = NULL;
    char id[HOOK_SECRET_ID_MAX];
    free(TAKE(now->secret));
    now->secret_size = 0;
    if (file[0] == '\0')
        return 0;
    hook_secret_id(name, id);
    return secret_from_file(file, &secret, NULL, err) < 0 ||
                   vault_open(queue_folder(queue), &vault, err) < 0 ||
                   vault_seal(vault, id, secret, &now->secret, &now->secret_size, err) < 0
               ? -1
               : 0;
}

/* A webhook with another address keeps its secret, unless one is named. Nothing is written yet. */
static int configure_prepare(struct queue *queue, const char *name,
                             const struct queue_configure_hooks *hooks,
                             struct configure_webhook *now, struct error *err)
{
    if (hooks->webhook == NULL && hooks->secret_file == NULL)
        return 0;
    if (queue_hook_each(queue, configure_webhook_visit, now, err) < 0)
        return -1;
    if (now->out_of_memory)
        return error_oom(err, "reading a webhook");
    now->wanted = hooks->webhook != NULL ? hooks->webhook : now->target;
    if (now->wanted == NULL)
        return error_set(err, ERROR_USAGE,
                         "the work queue '%.100s' has no webhook to be signed; give "
                         "webhook=https://... too",
                         name);
    return hooks->secret_file == NULL || now->wanted[0] == '\0'
               ? 0
               : configure_seal(queue, name, hooks->secret_file, now, err);
}

static int configure_set_hooks(struct queue *queue, const char *command,
                               const struct configure_webhook *webhook, struct error *err)
{
    const char *name = webhook->name, *url = webhook->wanted;
    if (command != NULL && queue_hook_set(queue, name, QUEUE_HOOK_COMMAND,
                                          command[0] == '\0' ? NULL : command, NULL, 0, err) < 0)
        return -1;
    return url == NULL
               ? 0
               : queue_hook_set(queue, name, QUEUE_HOOK_WEBHOOK, url[0] == '\0' ? NULL : url,
                                webhook->secret, webhook->secret_size, err);
}

int queue_configure_run(struct queue *queue, const char *name, char *const *settings, int count,
                        struct error *err)
{
    struct queue_named named;
    struct queue_configure_hooks hooks = {NULL, NULL, NULL};
    AUTO_DONE(configure_webhook) webhook = {.name = name};
    if (queue_named_get(queue, name, &named, err) < 0 ||
        queue_configure_read(&named.policy, &hooks, settings, count, err) < 0 ||
        configure_prepare(queue, name, &hooks, &webhook, err) < 0 ||
        queue_configure(queue, name, &named.policy, err) < 0)
        return -1;
    return configure_set_hooks(queue, hooks.command, &webhook, err);
}

/* ---- The settings themselves ----------------------------------------------------------------- */

static int configure_tell_json(const struct configure_key *key, struct error *err)
{
    AUTO_JSON line = json_object();
    int bad = json_line_set(line, "key", json_line_text(key->name)) |
              json_line_set(line, "default", json_line_text(key->standard)) |
              json_line_set(line, "value", json_line_text(key->wants)) |
              json_line_set(line, "help", json_line_text(key->help));
    return bad < 0 ? error_oom(err, "telling settings") : output_json(line, err);
}

static int configure_tell_text(const struct configure_key *key, struct error *err)
{
    AUTO_DONE(buffer) line;
    buffer_init(&line, 1024);
    const char *standard = key->standard == NULL ? "" : key->standard;
    return buffer_printf(&line, "  %-20s %s%s%s%s\n  %-20s %s\n", key->name,
                         standard[0] == '\0' ? "" : "[", standard,
                         standard[0] == '\0' ? "" : "] ", key->help, "", key->wants) < 0
               ? error_oom(err, "telling settings")
               : output_bytes(&line, err);
}

int queue_configure_tell(bool json, struct error *err)
{
    for (size_t i = 0; i < CONFIGURE_KEYS; i++)
        if ((json ? configure_tell_json(&configure_keys[i], err)
                  : configure_tell_text(&configure_keys[i], err)) < 0)
            return -1;
    return 0;
}
