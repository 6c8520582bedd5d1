/* SPDX-License-Identifier: Apache-2.0 */
/* queue-configure.c - settings of work queues, read and shown. See queue-configure.h. */
#include <config.h>
#include "queue-configure.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "condition.h"
#include "json-line.h"
#include "output.h"
#include "suggest.h"
#include "table.h"
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

static int configure_retry(struct queue_policy *policy, const char *value, struct error *err)
{
    (void)err;
    return queue_retry_from_name(value, &policy->retry);
}

static int configure_retries(struct queue_policy *policy, const char *value, struct error *err)
{
    (void)err;
    return configure_number(value, QUEUE_RETRIES_MAX, &policy->retries);
}

static int configure_interval(struct queue_policy *policy, const char *value, struct error *err)
{
    (void)err;
    return configure_duration(value, &policy->retry_s);
}

static int configure_base(struct queue_policy *policy, const char *value, struct error *err)
{
    (void)err;
    return configure_milli(value, &policy->base_milli);
}

static int configure_error_queue(struct queue_policy *policy, const char *value, struct error *err)
{
    (void)err;
    if (strlen(value) > QUEUE_NAME_MAX)
        return -1;
    text_copy(policy->error_queue, sizeof policy->error_queue, value);
    return 0;
}

static int configure_items(struct queue_policy *policy, const char *value, struct error *err)
{
    (void)err;
    return configure_number(value, QUEUE_THROTTLE_ITEMS_MAX, &policy->throttle_items);
}

static int configure_throttle(struct queue_policy *policy, const char *value, struct error *err)
{
    (void)err;
    return configure_duration(value, &policy->throttle_s);
}

/* What is wrong with it is told in full. */
static int configure_condition(struct queue_policy *policy, const char *value, struct error *err)
{
    AUTO(condition) condition = NULL;
    if (value[0] != '\0' && condition_new(value, &condition, err) < 0)
        return -1;
    if (strlen(value) > QUEUE_CONDITION_MAX)
        return error_set(err, ERROR_USAGE, "a condition may have %u bytes, not %zu",
                         QUEUE_CONDITION_MAX, strlen(value));
    text_copy(policy->condition, sizeof policy->condition, value);
    return 0;
}

/* set() fails with an error of its own, or with none: then what it wants is told. */
static const struct configure_key {
    const char *name, *wants;
    int (*set)(struct queue_policy *policy, const char *value, struct error *err);
} configure_keys[] = {
    {"retry", "none, linear or exponential", configure_retry},
    {"retries", "a number up to 1000000", configure_retries},
    {"interval", "a time such as 30s, 5min or 2h, up to 30d", configure_interval},
    {"base", "a number from 1.001 to 100, such as 2 or 1.5", configure_base},
    {"error-queue", "the name of a work queue, or nothing", configure_error_queue},
    {"throttle-items", "a number up to 1000000, 0 for no throttling", configure_items},
    {"throttle-interval", "a time such as 1s or 1min, up to 30d", configure_throttle},
    {"condition", "Field:/expression/, or nothing", configure_condition},
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

static int configure_one(struct queue_policy *policy, const char *setting, struct error *err)
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
        if (configure_keys[i].set(policy, setting + size + 1, err) == 0)
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

int queue_configure_read(struct queue_policy *policy, char *const *settings, int count,
                         struct error *err)
{
    for (int i = 0; i < count; i++)
        if (configure_one(policy, settings[i], err) < 0)
            return -1;
    configure_complete(policy);
    return 0;
}

int queue_configure_run(struct queue *queue, const char *name, char *const *settings, int count,
                        struct error *err)
{
    struct queue_named named;
    if (queue_named_get(queue, name, &named, err) < 0 ||
        queue_configure_read(&named.policy, settings, count, err) < 0)
        return -1;
    return queue_configure(queue, name, &named.policy, err);
}

/* ---- Showing --------------------------------------------------------------------------------- */

/* All that are to be shown: the queue may not be asked while it is walked. */
struct configure_list {
    const char *only; /* NULL: all */
    struct queue_named *items;
    size_t count, capacity;
    bool out_of_memory;
};

static void configure_list_done(struct configure_list *list)
{
    free(list->items);
}

static int configure_list_visit(void *context, const struct queue_named *named)
{
    struct configure_list *list = context;
    if (list->only != NULL && !text_equal(list->only, named->name))
        return 0;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        struct queue_named *items = realloc(list->items, capacity * sizeof *items);
        list->out_of_memory = items == NULL;
        if (items == NULL)
            return 1;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *named;
    return 0;
}

static json_t *configure_base_json(uint32_t milli)
{
    return milli == 0 ? json_null() : json_real(milli / 1000.0);
}

static int configure_show_json(const struct queue_named *named, const struct queue_stats *stats,
                               struct error *err)
{
    const struct queue_policy *policy = &named->policy;
    const char *aside = policy->error_queue[0] == '\0' ? NULL : policy->error_queue;
    const char *condition = policy->condition[0] == '\0' ? NULL : policy->condition;
    AUTO_JSON line = json_object();
    int bad = json_line_set(line, "name", json_line_text(named->name)) |
              json_line_set(line, "retry", json_line_text(queue_retry_name(policy->retry))) |
              json_line_set(line, "retries", json_line_size(policy->retries)) |
              json_line_set(line, "interval", json_line_size(policy->retry_s)) |
              json_line_set(line, "base", configure_base_json(policy->base_milli)) |
              json_line_set(line, "error_queue", json_line_text(aside)) |
              json_line_set(line, "throttle_items", json_line_size(policy->throttle_items)) |
              json_line_set(line, "throttle_interval", json_line_size(policy->throttle_s)) |
              json_line_set(line, "is_error_queue", json_boolean(named->is_error_queue)) |
              json_line_set(line, "condition", json_line_text(condition)) |
              json_line_set(line, "skipped", json_line_size(named->skipped));
    for (enum queue_state state = QUEUE_NEW; state <= QUEUE_BAD; state++)
        bad |= json_line_set(line, queue_state_name(state), json_line_size(stats->by_state[state]));
    return bad < 0 ? error_oom(err, "telling of a work queue") : output_json(line, err);
}

static const struct table_column configure_columns[] = {
    {"NAME", 20}, {"NEW", 8}, {"TAKEN", 8}, {"FAILED", 8}, {"RETRY", 30}, {"THROTTLE", 16},
    {"ERROR QUEUE", 0}};
#define CONFIGURE_COLUMNS (sizeof configure_columns / sizeof configure_columns[0])
#define CONFIGURE_CELL 96u

static void configure_retry_text(const struct queue_policy *policy, char out[CONFIGURE_CELL])
{
    int size = snprintf(out, CONFIGURE_CELL, "%s", queue_retry_name(policy->retry));
    if (policy->retry == QUEUE_RETRY_NONE)
        return;
    size += snprintf(out + size, CONFIGURE_CELL - (size_t)size, ", %u times, %us", policy->retries,
                     policy->retry_s);
    if (policy->retry == QUEUE_RETRY_EXPONENTIAL)
        (void)snprintf(out + size, CONFIGURE_CELL - (size_t)size, ", base %g",
                       policy->base_milli / 1000.0);
}

static int configure_show_row(const struct queue_named *named, const struct queue_stats *stats,
                              size_t width, struct error *err)
{
    static const enum queue_state states[] = {QUEUE_NEW, QUEUE_TAKEN, QUEUE_FAILED};
    const struct queue_policy *policy = &named->policy;
    char counts[3][24], retry[CONFIGURE_CELL], throttle[CONFIGURE_CELL] = "-";
    for (size_t i = 0; i < 3; i++)
        (void)snprintf(counts[i], sizeof counts[i], "%" PRIu64, stats->by_state[states[i]]);
    configure_retry_text(policy, retry);
    if (policy->throttle_items != 0)
        (void)snprintf(throttle, sizeof throttle, "%u in %us", policy->throttle_items,
                       policy->throttle_s);
    const char *cells[CONFIGURE_COLUMNS] = {
        named->name, counts[0], counts[1], counts[2], retry, throttle,
        policy->error_queue[0] == '\0' ? "-" : policy->error_queue};
    AUTO_DONE(buffer) line;
    buffer_init(&line, CONFIGURE_COLUMNS * TABLE_CELL_MAX * 4);
    if (table_append_row(&line, configure_columns, CONFIGURE_COLUMNS, cells, width) < 0)
        return error_oom(err, "showing a work queue");
    return output_bytes(&line, err);
}

static int configure_show_head(size_t width, struct error *err)
{
    AUTO_DONE(buffer) head;
    buffer_init(&head, TABLE_CELL_MAX);
    return table_append_head(&head, configure_columns, CONFIGURE_COLUMNS, width) < 0
               ? error_oom(err, "showing work queues")
               : output_bytes(&head, err);
}

int queue_configure_show(struct queue *queue, const char *name, bool json, size_t width,
                         struct error *err)
{
    AUTO_DONE(configure_list) list = {.only = name};
    if (queue_named_each(queue, configure_list_visit, &list, err) < 0)
        return -1;
    if (list.out_of_memory)
        return error_oom(err, "reading the work queues");
    if (!json && configure_show_head(width, err) < 0)
        return -1;
    for (size_t i = 0; i < list.count; i++) {
        struct queue_stats stats = {.raw_bytes = 0};
        if (queue_stats(queue, list.items[i].name, &stats, err) < 0)
            return -1;
        int bad = json ? configure_show_json(&list.items[i], &stats, err)
                       : configure_show_row(&list.items[i], &stats, width, err);
        if (bad < 0)
            return -1;
    }
    return 0;
}
