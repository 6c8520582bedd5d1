/* SPDX-License-Identifier: Apache-2.0 */
/* api-queue.c - work queues, loaders, and the stream of events. */
#include <config.h>
#include "api.h"

#include "plugin.h"
#include "queue-policy.h"
#include "text.h"

/* ---- Queues ---------------------------------------------------------------------------------- */

struct queue_names {
    json_t *list; /* of names; NULL: memory ran out */
};

static int queue_name_each(void *context, const struct queue_named *named)
{
    struct queue_names *names = context;
    AUTO_JSON out = json_object();
    if (json_line_set(out, "name", json_line_text(named->name)) == 0 &&
        json_line_set(out, "errorQueue", json_boolean(named->is_error_queue)) == 0 &&
        json_array_append(names->list, out) == 0)
        return 0;
    json_decref(TAKE(names->list));
    return 1;
}

static int queue_counts(struct queue *queue, json_t *out, struct error *err)
{
    struct queue_stats stats = {0};
    const char *name = json_string_value(json_object_get(out, "name"));
    if (queue_stats(queue, name, &stats, err) < 0)
        return -1;
    int bad = 0;
    for (enum queue_state state = QUEUE_NEW; state <= QUEUE_BAD; state++)
        bad |= json_line_set(out, queue_state_name(state), json_line_size(stats.by_state[state]));
    bad |= json_line_set(out, "bytes", json_line_size(stats.raw_bytes)) |
           json_line_set(out, "oldestNew", api_time(stats.oldest_new_s));
    return bad < 0 ? error_oom(err, "telling of work queues") : 0;
}

void api_queue_list(struct api_call *call)
{
    struct queue_names names = {json_array()};
    struct error err;
    int bad = queue_named_each(call->queue, queue_name_each, &names, &err);
    size_t i;
    json_t *one;
    json_array_foreach (names.list, i, one)
        if (bad == 0)
            bad = queue_counts(call->queue, one, &err);
    if (bad == 0) {
        api_json(call, 200, names.list);
        return;
    }
    json_decref(names.list);
    api_error(call, &err);
}

/* ---- Loaders --------------------------------------------------------------------------------- */

static json_t *loader_option(const struct loader_option *option)
{
    AUTO_JSON out = json_object();
    if (json_line_set(out, "key", json_line_text(option->key)) < 0 ||
        json_line_set(out, "type", json_line_text(option->type)) < 0 ||
        json_line_set(out, "default", json_line_text(option->default_value)) < 0 ||
        json_line_set(out, "choices", json_line_text(option->choices)) < 0 ||
        json_line_set(out, "required", json_boolean(option->required != 0)) < 0 ||
        json_line_set(out, "help", json_line_text(option->help)) < 0)
        return NULL;
    return TAKE(out);
}

/* Files of the machine are nobody's business here: the path is not told. */
static json_t *loader_json(const struct loader_plugin *table)
{
    AUTO_JSON out = json_object();
    AUTO_JSON options = json_array();
    for (uint64_t i = 0; i < table->option_count; i++)
        if (json_array_append_new(options, loader_option(&table->options[i])) < 0)
            return NULL;
    if (json_line_set(out, "name", json_line_text(table->name)) < 0 ||
        json_line_set(out, "version", json_line_text(table->version)) < 0 ||
        json_line_set(out, "summary", json_line_text(table->summary)) < 0 ||
        json_line_set(out, "settable", json_boolean(text_equal_nocase(table->name, "IMAP"))) < 0 ||
        json_line_set(out, "options", TAKE(options)) < 0)
        return NULL;
    return TAKE(out);
}

static int loader_each(void *context, const char *path, const struct plugin *plugin,
                       const struct error *err)
{
    json_t **list = context;
    (void)path;
    (void)err; /* mailchute loaders tells what is wrong with it */
    if (plugin == NULL || json_array_append_new(*list, loader_json(&plugin->table)) == 0)
        return 0;
    json_decref(TAKE(*list));
    return 1;
}

void api_loaders(struct api_call *call)
{
    json_t *list = json_array();
    (void)plugin_each(loader_each, &list);
    api_json(call, 200, list);
}

/* ---- Events ---------------------------------------------------------------------------------- */

void api_events(struct api_call *call)
{
    struct http_answer *answer = call->answer;
    const char *last = http_request_header(call->request, "Last-Event-ID");
    answer->type = "text/event-stream";
    answer->stream = true;
    access_hearer(&call->who, &answer->hearer);
    if (last != NULL)
        (void)text_to_u64(last, UINT64_MAX, &answer->events_after);
    (void)buffer_append_text(&answer->body, "retry: 2000\n\n");
}
