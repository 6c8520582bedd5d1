/* SPDX-License-Identifier: Apache-2.0 */
/* queue-show.c - work queues as they are shown. See queue-show.h. */
#include <config.h>
#include "queue-show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "json-line.h"
#include "output.h"
#include "queue-hook.h"
#include "table.h"
#include "text.h"

/* One work queue, and its hooks. */
struct show_item {
    struct queue_named named;
    json_t *hooks[QUEUE_HOOK_KINDS]; /* NULL: none */
    uint64_t pending, failed;        /* deliveries of both */
    bool hooked;
};

/* All that are to be shown: the queue may not be asked while it is walked. */
struct show_list {
    const char *only; /* NULL: all */
    struct show_item *items;
    size_t count, capacity;
    bool out_of_memory;
};

static void show_list_done(struct show_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        for (unsigned kind = 0; kind < QUEUE_HOOK_KINDS; kind++)
            json_decref(list->items[i].hooks[kind]);
    free(list->items);
}

static int show_list_visit(void *context, const struct queue_named *named)
{
    struct show_list *list = context;
    if (list->only != NULL && !text_equal(list->only, named->name))
        return 0;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        struct show_item *items = realloc(list->items, capacity * sizeof *items);
        list->out_of_memory = items == NULL;
        if (items == NULL)
            return 1;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = (struct show_item){.named = *named};
    return 0;
}

static json_t *show_hook_json(const struct queue_hook *hook)
{
    char time[CLOCK_RFC3339_MAX];
    clock_rfc3339(hook->error_s, 0, time);
    AUTO_JSON out = json_object();
    int bad = json_line_set(out, "target", json_line_text(hook->target)) |
              json_line_set(out, "signed", json_boolean(hook->secret != NULL)) |
              json_line_set(out, "pending", json_line_size(hook->pending)) |
              json_line_set(out, "failed", json_line_size(hook->failed)) |
              json_line_set(out, "delivered", json_line_size(hook->delivered)) |
              json_line_set(out, "error", json_line_text(hook->error)) |
              json_line_set(out, "error_at",
                            json_line_text(hook->error == NULL ? NULL : time));
    return bad < 0 ? NULL : TAKE(out);
}

static int show_hook_visit(void *context, const struct queue_hook *hook)
{
    struct show_list *list = context;
    for (size_t i = 0; i < list->count; i++) {
        struct show_item *item = &list->items[i];
        if (!text_equal(item->named.name, hook->queue) || item->hooks[hook->kind] != NULL)
            continue;
        item->hooked = true;
        item->pending += hook->pending;
        item->failed += hook->failed;
        item->hooks[hook->kind] = show_hook_json(hook);
        list->out_of_memory = item->hooks[hook->kind] == NULL;
        return list->out_of_memory;
    }
    return 0;
}

static json_t *show_hook(const struct show_item *item, enum queue_hook_kind kind)
{
    return item->hooks[kind] == NULL ? json_null() : json_incref(item->hooks[kind]);
}

static json_t *show_base_json(uint32_t milli)
{
    return milli == 0 ? json_null() : json_real(milli / 1000.0);
}

static int show_json(const struct show_item *item, const struct queue_stats *stats,
                     struct error *err)
{
    const struct queue_named *named = &item->named;
    const struct queue_policy *policy = &named->policy;
    const char *aside = policy->error_queue[0] == '\0' ? NULL : policy->error_queue;
    const char *condition = policy->condition[0] == '\0' ? NULL : policy->condition;
    AUTO_JSON line = json_object();
    int bad = json_line_set(line, "name", json_line_text(named->name)) |
              json_line_set(line, "retry", json_line_text(queue_retry_name(policy->retry))) |
              json_line_set(line, "retries", json_line_size(policy->retries)) |
              json_line_set(line, "interval", json_line_size(policy->retry_s)) |
              json_line_set(line, "base", show_base_json(policy->base_milli)) |
              json_line_set(line, "error_queue", json_line_text(aside)) |
              json_line_set(line, "throttle_items", json_line_size(policy->throttle_items)) |
              json_line_set(line, "throttle_interval", json_line_size(policy->throttle_s)) |
              json_line_set(line, "is_error_queue", json_boolean(named->is_error_queue)) |
              json_line_set(line, "condition", json_line_text(condition)) |
              json_line_set(line, "skipped", json_line_size(named->skipped)) |
              json_line_set(line, "hook", show_hook(item, QUEUE_HOOK_COMMAND)) |
              json_line_set(line, "webhook", show_hook(item, QUEUE_HOOK_WEBHOOK));
    for (enum queue_state state = QUEUE_NEW; state <= QUEUE_BAD; state++)
        bad |= json_line_set(line, queue_state_name(state), json_line_size(stats->by_state[state]));
    return bad < 0 ? error_oom(err, "telling of a work queue") : output_json(line, err);
}

static const struct table_column show_columns[] = {
    {"NAME", 20}, {"NEW", 8}, {"TAKEN", 8}, {"FAILED", 8}, {"RETRY", 30}, {"THROTTLE", 16},
    {"HOOKS", 22}, {"ERROR QUEUE", 0}};
#define SHOW_COLUMNS (sizeof show_columns / sizeof show_columns[0])
#define SHOW_CELL 96u

static void show_retry(const struct queue_policy *policy, char out[SHOW_CELL])
{
    int size = snprintf(out, SHOW_CELL, "%s", queue_retry_name(policy->retry));
    if (policy->retry == QUEUE_RETRY_NONE)
        return;
    size += snprintf(out + size, SHOW_CELL - (size_t)size, ", %u times, %us", policy->retries,
                     policy->retry_s);
    if (policy->retry == QUEUE_RETRY_EXPONENTIAL)
        (void)snprintf(out + size, SHOW_CELL - (size_t)size, ", base %g",
                       policy->base_milli / 1000.0);
}

/* "-", or how many deliveries are to come and how many were given up. */
static void show_hooks_text(const struct show_item *item, char out[SHOW_CELL])
{
    int size = snprintf(out, SHOW_CELL, "%s", item->hooked ? "" : "-");
    if (item->hooked)
        size = snprintf(out, SHOW_CELL, "%" PRIu64 " pending", item->pending);
    if (item->failed > 0)
        (void)snprintf(out + size, SHOW_CELL - (size_t)size, ", %" PRIu64 " failed", item->failed);
}

static int show_row(const struct show_item *item, const struct queue_stats *stats, size_t width,
                    struct error *err)
{
    const struct queue_named *named = &item->named;
    static const enum queue_state states[] = {QUEUE_NEW, QUEUE_TAKEN, QUEUE_FAILED};
    const struct queue_policy *policy = &named->policy;
    char counts[3][24], retry[SHOW_CELL], throttle[SHOW_CELL] = "-", hooks[SHOW_CELL];
    for (size_t i = 0; i < 3; i++)
        (void)snprintf(counts[i], sizeof counts[i], "%" PRIu64, stats->by_state[states[i]]);
    show_retry(policy, retry);
    show_hooks_text(item, hooks);
    if (policy->throttle_items != 0)
        (void)snprintf(throttle, sizeof throttle, "%u in %us", policy->throttle_items,
                       policy->throttle_s);
    const char *cells[SHOW_COLUMNS] = {
        named->name, counts[0], counts[1], counts[2], retry, throttle, hooks,
        policy->error_queue[0] == '\0' ? "-" : policy->error_queue};
    AUTO_DONE(buffer) line;
    buffer_init(&line, SHOW_COLUMNS * TABLE_CELL_MAX * 4);
    if (table_append_row(&line, show_columns, SHOW_COLUMNS, cells, width) < 0)
        return error_oom(err, "showing a work queue");
    return output_bytes(&line, err);
}

static int show_head(size_t width, struct error *err)
{
    AUTO_DONE(buffer) head;
    buffer_init(&head, TABLE_CELL_MAX);
    return table_append_head(&head, show_columns, SHOW_COLUMNS, width) < 0
               ? error_oom(err, "showing work queues")
               : output_bytes(&head, err);
}

int queue_show(struct queue *queue, const char *name, bool json, size_t width,
                         struct error *err)
{
    AUTO_DONE(show_list) list = {.only = name};
    if (queue_named_each(queue, show_list_visit, &list, err) < 0 ||
        (!list.out_of_memory && queue_hook_each(queue, show_hook_visit, &list, err) < 0))
        return -1;
    if (list.out_of_memory)
        return error_oom(err, "reading the work queues");
    if (!json && show_head(width, err) < 0)
        return -1;
    for (size_t i = 0; i < list.count; i++) {
        struct queue_stats stats = {.raw_bytes = 0};
        if (queue_stats(queue, list.items[i].named.name, &stats, err) < 0)
            return -1;
        int bad = json ? show_json(&list.items[i], &stats, err)
                       : show_row(&list.items[i], &stats, width, err);
        if (bad < 0)
            return -1;
    }
    return 0;
}
