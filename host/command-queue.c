/* SPDX-License-Identifier: Apache-2.0 */
/* command-queue.c - mailchute queue: list, show, save and work off entries, configure work queues.
 *
 * An entry is named by its id or an unambiguous start of it. */
#include <config.h>
#include "command.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "amount.h"
#include "entry.h"
#include "json-line.h"
#include "output.h"
#include "parse.h"
#include "plugin.h"
#include "queue-configure.h"
#include "queue-hook.h"
#include "queue-show.h"
#include "render.h"
#include "save.h"
#include "suggest.h"
#include "table.h"
#include "terminal.h"
#include "text.h"

#define QUEUE_SHOWN_MAX (UINT64_C(512) << 20) /* bytes of one entry as a person reads it */
#define QUEUE_SHORT_ID 8u                      /* characters of an id in a list */
#define QUEUE_LEASE_MS 300000u
#define QUEUE_LEASE_MAX_MS (UINT64_C(1000) * UINT32_MAX)

struct queue_command {
    struct command_common common;
    const char *queue_name, *source, *state, *why;
    uint64_t limit, lease_ms;
    bool newest_first;
    struct log log;
    struct queue *queue;
    size_t width; /* of the terminal, 0: none */
    char **arguments;
    int argument_count;
};

#define FIELD(member) offsetof(struct queue_command, member)
static const struct option_row queue_rows[] = {
    COMMAND_OPTION_QUEUE(struct queue_command, common),
    {"queue-name", 0, OPTION_TEXT, FIELD(queue_name), "NAME", "list, take, stats: this work queue"},
    {"source", 0, OPTION_TEXT, FIELD(source), "NAME", "list: of this source"},
    {"state", 0, OPTION_TEXT, FIELD(state), "STATE", "list: new, taken, done, failed or bad"},
    {"limit", 0, OPTION_NUMBER, FIELD(limit), "N", "list: N entries at most"},
    {"newest", 0, OPTION_FLAG, FIELD(newest_first), NULL, "list: newest first"},
    {"lease", 0, OPTION_DURATION, FIELD(lease_ms), "TIME", "take: for so long (5min)"},
    {"why", 0, OPTION_TEXT, FIELD(why), "TEXT", "fail: the reason"},
    COMMAND_OPTION_JSON(struct queue_command, common),
    COMMAND_OPTIONS_LOG(struct queue_command, common),
    COMMAND_OPTION_HELP(struct queue_command, common),
};

static const struct option_table queue_table = {
    "queue",
    "list | show ID | save ID DIR | take | done ID | fail ID --why TEXT | retry ID |\n"
    "       move ID NAME | stats | queues | redeliver NAME | settings | configure NAME "
    "KEY=VALUE...",
    "Lists entries, shows one, saves one with its attachments, takes the next, ends its work;\n"
    "shows work queues, and sets what becomes of entries that fail in one and how fast it is "
    "taken.",
    queue_rows, sizeof queue_rows / sizeof queue_rows[0]};

/* ---- list ------------------------------------------------------------------------------------ */

static const struct table_column queue_columns[] = {
    {"ID", QUEUE_SHORT_ID}, {"STATE", 6}, {"DATE", 16}, {"SENDER", 24}, {"SUBJECT", 0}};
#define QUEUE_COLUMNS (sizeof queue_columns / sizeof queue_columns[0])

struct queue_list_context {
    const struct queue_command *command;
    struct error *err;
    int failed;
};

static int queue_show_row(const struct queue_command *q, const struct queue_entry *entry,
                          struct error *err)
{
    char date[17], created[CLOCK_RFC3339_MAX];
    clock_rfc3339(entry->created_s, 0, created);
    table_date(entry->date_received == NULL ? created : entry->date_received, date);
    const char *cells[QUEUE_COLUMNS] = {entry->id, queue_state_name(entry->state), date,
                                        entry->sender,
                                        entry->error != NULL && entry->subject == NULL
                                            ? entry->error : entry->subject};
    char short_id[QUEUE_SHORT_ID + 1];
    text_copy(short_id, sizeof short_id, entry->id);
    if (q->width != 0)
        cells[0] = short_id;
    AUTO_DONE(buffer) line;
    buffer_init(&line, QUEUE_COLUMNS * TABLE_CELL_MAX * 4);
    if (table_append_row(&line, queue_columns, QUEUE_COLUMNS, cells, q->width) < 0)
        return error_oom(err, "showing an entry");
    return output_bytes(&line, err);
}

static int queue_show_json(const struct queue_entry *stored, struct error *err)
{
    AUTO_JSON entry = NULL;
    return entry_from_queue(stored, &entry, err) < 0 ? -1 : output_json(entry, err);
}

static int queue_list_each(void *context_, const struct queue_entry *entry)
{
    struct queue_list_context *context = context_;
    context->failed = context->command->common.json
                          ? queue_show_json(entry, context->err)
                          : queue_show_row(context->command, entry, context->err);
    return context->failed;
}

static int queue_read_state(const char *name, enum queue_state *out_state, struct error *err)
{
    if (queue_state_from_name(name, out_state) == 0)
        return 0;
    struct suggest suggest;
    suggest_start(&suggest, name);
    for (enum queue_state state = QUEUE_NEW; state <= QUEUE_BAD; state++)
        suggest_offer(&suggest, queue_state_name(state));
    const char *near = suggest_best(&suggest);
    char shown[64];
    text_printable(shown, sizeof shown, name, strlen(name));
    if (near != NULL)
        return error_set(err, ERROR_USAGE, "queue list: there is no state '%s'; did you mean '%s'?",
                         shown, near);
    return error_set(err, ERROR_USAGE, "queue list: there is no state '%s'; give new, taken, done, "
                     "failed or bad", shown);
}

static int queue_run_list(struct queue_command *q, struct error *err)
{
    struct queue_filter filter = {.queue = q->queue_name,
                                  .source = q->source,
                                  .by_state = q->state != NULL,
                                  .newest_first = q->newest_first,
                                  .with_content = q->common.json,
                                  .limit = q->limit};
    if (q->state != NULL && queue_read_state(q->state, &filter.state, err) < 0)
        return -1;
    AUTO_DONE(buffer) head;
    buffer_init(&head, TABLE_CELL_MAX);
    if (!q->common.json && (table_append_head(&head, queue_columns, QUEUE_COLUMNS, q->width) < 0 ||
                            output_bytes(&head, err) < 0))
        return -1;
    struct queue_list_context context = {q, err, 0};
    if (queue_list(q->queue, &filter, queue_list_each, &context, err) < 0)
        return -1;
    return context.failed;
}

/* ---- show, save ------------------------------------------------------------------------------ */

static int queue_show_entry(const struct queue_command *q, const struct queue_entry *stored,
                            struct error *err)
{
    if (q->common.json)
        return queue_show_json(stored, err);
    AUTO_JSON entry = NULL;
    if (entry_from_queue(stored, &entry, err) < 0)
        return -1;
    AUTO_DONE(buffer) out;
    buffer_init(&out, QUEUE_SHOWN_MAX);
    if (render_append_entry(&out, entry) < 0)
        return error_oom(err, "showing an entry");
    return output_bytes(&out, err);
}

static int queue_run_show(struct queue_command *q, struct error *err)
{
    AUTO(queue_entry) entry = NULL;
    if (queue_get(q->queue, q->arguments[0], &entry, err) < 0)
        return -1;
    return queue_show_entry(q, entry, err);
}

static const char *queue_digest_of(const json_t *list, size_t index)
{
    return render_text(json_array_get(list, index), "sha256");
}

/* What was read from the raw message now must be what the entry told when it was made. */
static int queue_compare(const struct queue_entry *stored, const json_t *now, const json_t *then,
                         struct error *err)
{
    if (!text_equal(render_text(json_object_get(now, "raw"), "sha256"),
                    render_text(json_object_get(then, "raw"), "sha256")))
        return error_set(err, ERROR_STORE,
                         "entry %s: the raw message is not the one that was stored; "
                         "restore the queue from a backup",
                         stored->id);
    const json_t *found = json_object_get(now, "attachments");
    const json_t *told = json_object_get(then, "attachments");
    for (size_t i = 0; i < json_array_size(told); i++)
        if (!text_equal(queue_digest_of(found, i), queue_digest_of(told, i)))
            return error_set(err, ERROR_STORE,
                             "entry %s: attachment %zu is not the one that the entry "
                             "tells of; use message.eml",
                             stored->id, i + 1);
    return 0;
}

/* An entry made with attachHtml=True has one attachment more than its raw message. */
static const char *queue_connection_of(const json_t *entry)
{
    const json_t *list = json_object_get(entry, "attachments");
    size_t count = json_array_size(list);
    const char *last = count == 0 ? NULL : render_text(json_array_get(list, count - 1), "filename");
    return text_equal(last, "original.html") && render_text(entry, "html") != NULL
               ? "attachHtml=True" : NULL;
}

static int queue_save_attachments(struct queue_command *q, const struct queue_entry *stored,
                                  const struct plugin *plugin, int raw, struct save *save,
                                  struct error *err)
{
    AUTO_JSON entry = NULL;
    if (entry_from_queue(stored, &entry, err) < 0)
        return -1;
    struct parse parse = {0};
    int bad = parse_message(&parse, plugin, &q->log, raw, queue_connection_of(entry),
                            save_sink(save), err);
    AUTO_JSON now = NULL;
    struct entry_envelope envelope = {.loader = plugin->table.name};
    if (save_finish(save, bad < 0 ? NULL : parse.item->mail, err) < 0 ||
        (bad == 0 && entry_from_item(parse.item, &envelope, &now, err) < 0))
        bad = -1;
    parse_done(&parse);
    /* A bad entry may tell of nothing; then there is nothing to compare but the bytes. */
    return bad < 0 ? -1 : queue_compare(stored, now, entry, err);
}

static int queue_save(struct queue_command *q, const struct queue_entry *stored, struct error *err)
{
    AUTO(save) save = NULL;
    AUTO(plugin) plugin = NULL;
    int opened;
    if (queue_raw(q->queue, stored->id, &opened, err) < 0)
        return -1;
    AUTO_FD raw = opened;
    struct error ignored; /* the loader that made the entry wants its whole connection string */
    if (plugin_open(PARSE_LOADER, &plugin, &ignored) < 0 &&
        plugin_open(stored->loader, &plugin, err) < 0)
        return -1;
    if (save_open(q->arguments[1], NULL, &save, err) < 0 ||
        save_file(save, "message.eml", raw, err) < 0)
        return -1;
    return queue_save_attachments(q, stored, plugin, raw, save, err);
}

static int queue_run_save(struct queue_command *q, struct error *err)
{
    AUTO(queue_entry) entry = NULL;
    if (queue_get(q->queue, q->arguments[0], &entry, err) < 0)
        return -1;
    if (!entry->has_raw)
        return error_set(err, ERROR_CONFIG,
                         "entry %s has no raw message: it was never downloaded; look "
                         "in the badmail folder",
                         entry->id);
    return queue_save(q, entry, err);
}

/* ---- take, done, fail, retry ----------------------------------------------------------------- */

static int queue_run_take(struct queue_command *q, struct error *err)
{
    AUTO(queue_entry) entry = NULL;
    if (q->lease_ms > QUEUE_LEASE_MAX_MS)
        q->lease_ms = QUEUE_LEASE_MAX_MS;
    uint32_t lease_s = (uint32_t)((q->lease_ms + 999) / 1000);
    if (queue_take(q->queue, q->queue_name, lease_s, &entry, err) < 0)
        return -1;
    return entry == NULL ? 0 : queue_show_entry(q, entry, err); /* no work is no error */
}

/* With --json what has become of the entry, else nothing: it is done. */
static int queue_show_changed(struct queue_command *q, const char *id, struct error *err)
{
    AUTO(queue_entry) entry = NULL;
    if (!q->common.json)
        return 0;
    if (queue_get(q->queue, id, &entry, err) < 0)
        return -1;
    return queue_show_json(entry, err);
}

static int queue_run_done(struct queue_command *q, struct error *err)
{
    if (queue_done(q->queue, q->arguments[0], 0, err) < 0)
        return -1;
    return queue_show_changed(q, q->arguments[0], err);
}

static int queue_run_fail(struct queue_command *q, struct error *err)
{
    if (q->why == NULL || !text_is_utf8(q->why, strlen(q->why)))
        return error_set(err, ERROR_USAGE,
                         "queue fail: the reason is missing, or no UTF-8; write --why "
                         "TEXT");
    if (queue_fail(q->queue, q->arguments[0], 0, q->why, err) < 0)
        return -1;
    return queue_show_changed(q, q->arguments[0], err);
}

static int queue_run_retry(struct queue_command *q, struct error *err)
{
    if (queue_retry(q->queue, q->arguments[0], err) < 0)
        return -1;
    return queue_show_changed(q, q->arguments[0], err);
}

static int queue_run_move(struct queue_command *q, struct error *err)
{
    if (queue_move(q->queue, q->arguments[0], q->arguments[1], err) < 0)
        return -1;
    return queue_show_changed(q, q->arguments[0], err);
}

/* ---- stats ----------------------------------------------------------------------------------- */

static int queue_stats_json(const struct queue_stats *stats, const char *oldest, struct error *err)
{
    AUTO_JSON line = json_object();
    for (enum queue_state state = QUEUE_NEW; state <= QUEUE_BAD; state++)
        if (json_line_set(line, queue_state_name(state), json_line_size(stats->by_state[state])) <
            0)
            return error_oom(err, "telling numbers");
    if (json_line_set(line, "raw_bytes", json_line_size(stats->raw_bytes)) < 0 ||
        json_line_set(line, "oldest_new", json_line_text(oldest)) < 0 ||
        json_line_set(line, "unsettled", json_line_size(stats->unsettled)) < 0)
        return error_oom(err, "telling numbers");
    return output_json(line, err);
}

static int queue_stats_text(const struct queue_stats *stats, const char *oldest, struct error *err)
{
    AUTO_DONE(buffer) out;
    buffer_init(&out, TABLE_CELL_MAX);
    int bad = 0;
    for (enum queue_state state = QUEUE_NEW; state <= QUEUE_BAD; state++)
        bad |= buffer_printf(&out, "%-11s ", queue_state_name(state)) |
               amount_append_count(&out, stats->by_state[state]) | buffer_append_byte(&out, '\n');
    bad |= buffer_append_text(&out, "raw size    ") | amount_append_size(&out, stats->raw_bytes);
    bad |= buffer_printf(&out, "\noldest new  %s\nnot settled ", oldest == NULL ? "-" : oldest);
    bad |= amount_append_count(&out, stats->unsettled) | buffer_append_byte(&out, '\n');
    return bad < 0 ? error_oom(err, "telling numbers") : output_bytes(&out, err);
}

static int queue_run_stats(struct queue_command *q, struct error *err)
{
    struct queue_stats stats = {0};
    if (queue_stats(q->queue, q->queue_name, &stats, err) < 0)
        return -1;
    char time[CLOCK_RFC3339_MAX];
    clock_rfc3339(stats.oldest_new_s, 0, time);
    const char *oldest = stats.oldest_new_s == 0 ? NULL : time;
    return q->common.json ? queue_stats_json(&stats, oldest, err)
                          : queue_stats_text(&stats, oldest, err);
}

/* ---- queues, configure ----------------------------------------------------------------------- */

static int queue_run_queues(struct queue_command *q, struct error *err)
{
    return queue_show(q->queue, NULL, q->common.json, q->width, err);
}

static int queue_run_settings(struct queue_command *q, struct error *err)
{
    return queue_configure_tell(q->common.json, err);
}

static int queue_run_configure(struct queue_command *q, struct error *err)
{
    const char *name = q->arguments[0];
    if (queue_configure_run(q->queue, name, q->arguments + 1, q->argument_count - 1, err) < 0)
        return -1;
    return q->common.json ? queue_show(q->queue, name, true, 0, err) : 0;
}

/* What was given up is told again. */
static int queue_run_redeliver(struct queue_command *q, struct error *err)
{
    uint64_t count = 0;
    AUTO_DONE(buffer) out;
    buffer_init(&out, TABLE_CELL_MAX);
    if (queue_delivery_again(q->queue, q->arguments[0], &count, err) < 0)
        return -1;
    if (buffer_printf(&out, q->common.json ? "{\"again\":%" PRIu64 "}\n" : "%" PRIu64
                      " to be told again\n", count) < 0)
        return error_oom(err, "telling numbers");
    return output_bytes(&out, err);
}

/* ---- The command ----------------------------------------------------------------------------- */

static const struct queue_verb {
    const char *name;
    int arguments; /* so many, */
    bool more;     /* or more */
    const char *usage;
    int (*run)(struct queue_command *q, struct error *err);
} queue_verbs[] = {
    {"list", 0, false, "queue list", queue_run_list},
    {"show", 1, false, "queue show ID", queue_run_show},
    {"save", 2, false, "queue save ID DIR", queue_run_save},
    {"take", 0, false, "queue take", queue_run_take},
    {"done", 1, false, "queue done ID", queue_run_done},
    {"fail", 1, false, "queue fail ID --why TEXT", queue_run_fail},
    {"retry", 1, false, "queue retry ID", queue_run_retry},
    {"move", 2, false, "queue move ID NAME", queue_run_move},
    {"stats", 0, false, "queue stats", queue_run_stats},
    {"queues", 0, false, "queue queues", queue_run_queues},
    {"settings", 0, false, "queue settings", queue_run_settings},
    {"redeliver", 1, false, "queue redeliver NAME", queue_run_redeliver},
    {"configure", 2, true, "queue configure NAME KEY=VALUE...", queue_run_configure},
};

static const struct queue_verb *queue_find_verb(int count, char **arguments, struct error *err)
{
    if (count == 0) {
        error_set(err, ERROR_USAGE, "queue: what is to be done? see mailchute queue --help");
        return NULL;
    }
    struct suggest suggest;
    suggest_start(&suggest, arguments[0]);
    for (size_t i = 0; i < sizeof queue_verbs / sizeof queue_verbs[0]; i++) {
        const struct queue_verb *verb = &queue_verbs[i];
        suggest_offer(&suggest, verb->name);
        if (!text_equal(arguments[0], verb->name))
            continue;
        if (count - 1 == verb->arguments || (verb->more && count - 1 > verb->arguments))
            return verb;
        error_set(err, ERROR_USAGE, "queue %s: %s; write mailchute %s", verb->name,
                  count - 1 < verb->arguments ? "something is missing" : "that is too much",
                  verb->usage);
        return NULL;
    }
    char shown[64];
    const char *near = suggest_best(&suggest);
    text_printable(shown, sizeof shown, arguments[0], strlen(arguments[0]));
    error_set(err, ERROR_USAGE, "queue: there is no '%s'; %s%s%s", shown,
              near == NULL ? "see mailchute queue --help" : "did you mean '",
              near == NULL ? "" : near, near == NULL ? "" : "'?");
    return NULL;
}

int command_queue(int argc, char **argv)
{
    struct queue_command q = {.lease_ms = QUEUE_LEASE_MS};
    struct error err;
    int count, exit_code;
    if (command_options(&queue_table, argc, argv, &q, &q.common, &count, &exit_code) < 0)
        return exit_code;
    const struct queue_verb *verb = queue_find_verb(count, argv, &err);
    if (verb == NULL)
        return command_fail(&err);
    command_log(&q.log, &q.common);
    q.arguments = argv + 1;
    q.argument_count = count - 1;
    q.width = terminal_is(STDOUT_FILENO) ? terminal_width(STDOUT_FILENO) : 0;
    enum command_queue_use use =
        verb->run == queue_run_configure  ? COMMAND_QUEUE_MAKE
        : verb->run == queue_run_settings ? COMMAND_QUEUE_IF_THERE
                                          : COMMAND_QUEUE_EXISTING;
    int bad = command_open_queue(q.common.queue_url, use, &q.queue, &err);
    if (bad == 0)
        bad = verb->run(&q, &err);
    queue_close(q.queue);
    return bad < 0 ? command_fail(&err) : 0;
}
