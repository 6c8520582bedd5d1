/* SPDX-License-Identifier: Apache-2.0 */
/* command-source.c - mailchute source: the mailboxes that the daemon picks up from.
 *
 * Every verb works on the queue's database, whether a daemon runs or not. One that runs looks at
 * the epoch of the sources four times a second, so that a pause acts within one; there is no
 * socket whose rights could be wrong, and nothing to keep alike in two places. */
#include <config.h>
#include "source-command.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "amount.h"
#include "json-line.h"
#include "output.h"
#include "serve.h"
#include "source-json.h"
#include "source-state.h"
#include "suggest.h"
#include "table.h"
#include "terminal.h"
#include "text.h"

#define SOURCE_LINE_MAX (QUEUE_SOURCE_CONNECTION_MAX * 4)
#define SOURCE_CHANGE_TRIES 5u

#define FIELD(member) offsetof(struct source_command, member)
static const struct option_row source_rows[] = {
    SOURCE_OPTIONS(struct source_command, given),
    {"host", 0, OPTION_TEXT, FIELD(host), "NAME", "server, instead of a connection string"},
    {"port", 0, OPTION_TEXT, FIELD(port), "N", "its port"},
    {"ssl", 0, OPTION_TEXT, FIELD(ssl), "BOOL", "TLS from the first byte (True with --host)"},
    {"allow-insecure-cert", 0, OPTION_FLAG, FIELD(insecure), NULL, "take any certificate"},
    {"verify-cert", 0, OPTION_FLAG, FIELD(secure), NULL, "edit: only trusted ones again"},
    {"mailbox", 0, OPTION_TEXT, FIELD(mailbox), "FOLDER", "folder with incoming mail"},
    {"dropbox", 0, OPTION_TEXT, FIELD(dropbox), "FOLDER", "archive folder"},
    {"badmail", 0, OPTION_TEXT, FIELD(badmail), "FOLDER", "folder for mail with problems"},
    {"folders", 0, OPTION_TEXT, FIELD(folders), "NAMES",
     "archive these, leave their mail: *, a/*,b"},
    {"skip-folders", 0, OPTION_TEXT, FIELD(skip_folders), "NAMES", "of those, leave these out"},
    {"skip-special", 0, OPTION_TEXT, FIELD(skip_special), "USES",
     "of those, leave out Junk,Trash,..."},
    {"interval", 0, OPTION_DURATION, FIELD(interval_ms), "TIME", "between sweeps (5min)"},
    {"queue-name", 0, OPTION_TEXT, FIELD(queue_name), "NAME", "work queue of its entries"},
    {"password-command", 0, OPTION_TEXT, FIELD(password_command), "LINE",
     "each time, what it prints"},
    {"password-from", 0, OPTION_TEXT, FIELD(password_from), "FILE", "each time, its content"},
    {"password-env", 0, OPTION_TEXT, FIELD(password_env), "VARIABLE", "each time, its value"},
    {"password-credential", 0, OPTION_TEXT, FIELD(password_credential), "NAME",
     "each time, the systemd credential"},
    {"ask-password", 0, OPTION_FLAG, FIELD(ask), NULL, "store none: ask when the daemon starts"},
    {"force", 0, OPTION_FLAG, FIELD(force), NULL, "add or edit although the test fails"},
    {"yes", 'y', OPTION_FLAG, FIELD(yes), NULL, "remove without asking"},
    {"accept-new-uids", 0, OPTION_FLAG, FIELD(accept_new_uids), NULL,
     "resume: you looked, release what is held"},
    COMMAND_OPTION_QUEUE(struct source_command, common),
    COMMAND_OPTION_JSON(struct source_command, common),
    COMMAND_OPTIONS_LOG(struct source_command, common),
    COMMAND_OPTION_HELP(struct source_command, common),
};

static const struct option_table source_table = {
    "source",
    "add NAME [CONNECTION-STRING] --user USER | list | show NAME |\n"
    "       edit NAME [CONNECTION-STRING] | test NAME | pause NAME | resume NAME | sync NAME |\n"
    "       remove NAME  [OPTION ...]",
    "Sets up the mailboxes that the daemon (mailchute serve) picks up from.", source_rows,
    sizeof source_rows / sizeof source_rows[0]};

/* ---- list, show ------------------------------------------------------------------------------ */

static const struct table_column source_columns[] = {
    {"NAME", 20}, {"STATUS", 29}, {"QUEUED", 9}, {"LEFT", 7}, {"CONTACT", 16}, {"LAST MESSAGE", 0}};
#define SOURCE_COLUMNS (sizeof source_columns / sizeof source_columns[0])

static void source_date(int64_t unix_s, char out[17])
{
    char text[CLOCK_RFC3339_MAX];
    clock_rfc3339(unix_s, 0, text);
    table_date(unix_s == 0 ? NULL : text, out);
}

/* "active, idle"; "active, throttled until 14:05" */
static void source_status_text(const struct source_command *c, const struct queue_source *source,
                               char *out, size_t size)
{
    const char *status = source_status_shown(source);
    const char *detail = source_detail_shown(source, c->served);
    char until[17], both[80];
    bool waits = text_equal(detail, source_detail_name(SOURCE_THROTTLED)) &&
                 source->report.next_try_s != 0;
    if (detail == NULL) {
        text_copy(out, size, status);
        return;
    }
    source_date(source->report.next_try_s, until); /* its end is the time of day */
    (void)snprintf(both, sizeof both, "%.20s, %.20s%s%s", status, detail, waits ? " until " : "",
                   waits ? strrchr(until, ' ') + 1 : "");
    text_copy(out, size, both);
}

static int source_show_row(const struct source_command *c, const struct queue_source *source,
                           struct error *err)
{
    char status[64], contact[17];
    AUTO_DONE(buffer) queued, left, line;
    buffer_init(&queued, 32);
    buffer_init(&left, 32);
    buffer_init(&line, SOURCE_LINE_MAX);
    int bad = amount_append_count(&queued, source->queued) |
              amount_append_count(&left, source->report.left);
    source_status_text(c, source, status, sizeof status);
    source_date(source->report.last_contact_s, contact);
    const char *cells[SOURCE_COLUMNS] = {source->name,        status,  buffer_text(&queued),
                                         buffer_text(&left), contact, source->report.last_message};
    bad |= table_append_row(&line, source_columns, SOURCE_COLUMNS, cells, c->width);
    return bad < 0 ? error_oom(err, "showing a source") : output_bytes(&line, err);
}

static int source_show_json(const struct source_command *c, const struct queue_source *source,
                            struct error *err)
{
    AUTO_JSON line = NULL;
    return source_json(source, c->served, &line, err) < 0 ? -1 : output_json(line, err);
}

static int source_append_line(struct buffer *out, const char *key, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return 0;
    return buffer_printf(out, "%-14s ", key) |
           text_append_printable(out, text, strlen(text), SOURCE_LINE_MAX / 4) |
           buffer_append_byte(out, '\n');
}

static int source_append_time(struct buffer *out, const char *key, int64_t unix_s)
{
    char text[CLOCK_RFC3339_MAX];
    clock_rfc3339(unix_s, 0, text);
    return unix_s == 0 ? 0 : source_append_line(out, key, text);
}

static int source_append_counts(struct buffer *out, const struct queue_source *source)
{
    uint64_t left = source->report.left;
    int bad = buffer_printf(out, "%-14s ", "counts");
    bad |= amount_append_count(out, source->queued + source->bad + left);
    bad |= buffer_append_text(out, " found, ") | amount_append_count(out, source->queued);
    bad |= buffer_append_text(out, " queued, ") | amount_append_count(out, source->bad);
    bad |= buffer_append_text(out, " bad, ") | amount_append_count(out, left);
    return bad | buffer_append_text(out, " left\n");
}

/* "11.5 a second, 14 min left" */
static int source_append_rate(struct buffer *out, const struct source_command *c,
                              const struct queue_source *source)
{
    uint64_t rate = source_rate_shown(source, c->served);
    if (rate == 0)
        return 0;
    return buffer_printf(out, "%-14s %llu.%llu a second, ", "import",
                         (unsigned long long)rate / 1000, (unsigned long long)rate % 1000 / 100) |
           amount_append_time(out, source_seconds_left(source, rate) * 1000) |
           buffer_append_text(out, " left\n");
}

static int source_append_all(struct buffer *out, const struct source_command *c,
                             const struct queue_source *source)
{
    const struct queue_source_report *told = &source->report;
    char status[64];
    source_status_text(c, source, status, sizeof status);
    int bad = source_append_line(out, "name", source->name);
    bad |= source_append_line(out, "status", status);
    bad |= source_append_line(out, "why", source_message_shown(source, c->served));
    bad |= source_append_line(out, "last message", told->last_message);
    bad |= source_append_counts(out, source);
    bad |= source_append_rate(out, c, source);
    bad |= source_append_time(out, "last contact", told->last_contact_s);
    bad |= source_append_time(out, "last success", told->last_success_s);
    bad |= source_append_time(out, "next try", told->next_try_s);
    bad |= source_append_time(out, "imported", told->import_ended_s);
    bad |= source_append_line(out, "loader", source->loader);
    bad |= source_append_line(out, "connection", source->connection);
    bad |= source_append_line(out, "user", source->user);
    bad |= source_append_line(out, "password", source->secret_kind);
    bad |= source_append_line(out, "queue", source->queue);
    bad |= buffer_printf(out, "%-14s %llu s\n", "interval", (unsigned long long)source->interval_s);
    bad |= source_append_time(out, "created", source->created_s);
    return bad | source_append_line(out, "id", source->id);
}

int source_command_show(const struct source_command *c, const struct queue_source *source,
                        struct error *err)
{
    if (c->common.json)
        return source_show_json(c, source, err);
    AUTO_DONE(buffer) out;
    buffer_init(&out, SOURCE_LINE_MAX * 4);
    return source_append_all(&out, c, source) < 0 ? error_oom(err, "showing a source")
                                               : output_bytes(&out, err);
}

struct source_list {
    const struct source_command *command;
    struct error *err;
    int failed;
};

static int source_list_each(void *context, const struct queue_source *source)
{
    struct source_list *list = context;
    list->failed = list->command->common.json
                       ? source_show_json(list->command, source, list->err)
                       : source_show_row(list->command, source, list->err);
    return list->failed;
}

static int source_run_list(struct source_command *c, struct error *err)
{
    struct source_list list = {c, err, 0};
    AUTO_DONE(buffer) head;
    buffer_init(&head, SOURCE_LINE_MAX);
    if (!c->common.json &&
        (table_append_head(&head, source_columns, SOURCE_COLUMNS, c->width) < 0 ||
         output_bytes(&head, err) < 0))
        return -1;
    return queue_source_each(c->queue, source_list_each, &list, err) < 0 ? -1 : list.failed;
}

static int source_run_show(struct source_command *c, struct error *err)
{
    AUTO(queue_source) source = NULL;
    return queue_source_get(c->queue, c->arguments[0], &source, err) < 0
               ? -1
               : source_command_show(c, source, err);
}

/* ---- pause, resume, sync, remove ------------------------------------------------------------- */

static void source_set_paused(struct queue_source *source)
{
    source->paused = true;
}

static void source_set_resumed(struct queue_source *source)
{
    source->paused = false;
}

static void source_set_sync(struct queue_source *source)
{
    source->syncs++;
}

/* A daemon may be connected still, with what it knew of a folder that was held. */
static void source_set_released(struct queue_source *source)
{
    source->paused = false;
    source->syncs++;
}

/* Somebody else may be editing it: their change is kept, and this one made in theirs. */
static int source_change(struct source_command *c, void (*set)(struct queue_source *source),
                         struct error *err)
{
    for (unsigned try = 1;; try++) {
        AUTO(queue_source) source = NULL;
        if (queue_source_get(c->queue, c->arguments[0], &source, err) < 0)
            return -1;
        set(source);
        if (queue_source_change(c->queue, source, err) == 0)
            return c->common.json ? source_command_show(c, source, err) : 0;
        if (err->class != ERROR_USAGE || try == SOURCE_CHANGE_TRIES)
            return -1;
    }
}

static int source_run_pause(struct source_command *c, struct error *err)
{
    return source_change(c, source_set_paused, err);
}

static int source_run_resume(struct source_command *c, struct error *err)
{
    if (!c->accept_new_uids)
        return source_change(c, source_set_resumed, err);
    return source_command_release(c, err) < 0 ? -1 : source_change(c, source_set_released, err);
}

static int source_run_sync(struct source_command *c, struct error *err)
{
    return source_change(c, source_set_sync, err);
}

static bool source_confirmed(const struct queue_source *source)
{
    char name[80], answer[16] = "";
    text_printable(name, sizeof name, source->name, strlen(source->name));
    dprintf(STDERR_FILENO, "Remove source '%s' with its password? Its entries stay. [y/N] ", name);
    ssize_t n = read(STDIN_FILENO, answer, sizeof answer - 1);
    return n > 0 && (answer[0] == 'y' || answer[0] == 'Y');
}

static int source_run_remove(struct source_command *c, struct error *err)
{
    AUTO(queue_source) source = NULL;
    if (queue_source_get(c->queue, c->arguments[0], &source, err) < 0)
        return -1;
    if (!c->yes && !terminal_is(STDIN_FILENO))
        return error_set(err, ERROR_USAGE, "source remove: there is nobody to ask; say --yes if "
                         "'%s' is to be removed with its password", source->name);
    if (!c->yes && !source_confirmed(source))
        return error_set(err, ERROR_CANCELLED, "source '%s' was not removed", source->name);
    return queue_source_remove(c->queue, source->id, err);
}

/* ---- The command ----------------------------------------------------------------------------- */

static const struct source_verb {
    const char *name;
    int least, most; /* arguments */
    enum command_queue_use use;
    int (*run)(struct source_command *c, struct error *err);
} source_verbs[] = {
    {"add", 1, 2, COMMAND_QUEUE_MAKE, source_command_add},
    {"list", 0, 0, COMMAND_QUEUE_EXISTING, source_run_list},
    {"show", 1, 1, COMMAND_QUEUE_EXISTING, source_run_show},
    {"edit", 1, 2, COMMAND_QUEUE_EXISTING, source_command_edit},
    {"test", 1, 1, COMMAND_QUEUE_EXISTING, source_command_test},
    {"pause", 1, 1, COMMAND_QUEUE_EXISTING, source_run_pause},
    {"resume", 1, 1, COMMAND_QUEUE_EXISTING, source_run_resume},
    {"sync", 1, 1, COMMAND_QUEUE_EXISTING, source_run_sync},
    {"remove", 1, 1, COMMAND_QUEUE_EXISTING, source_run_remove},
};

static const struct source_verb *source_find_verb(int count, char **arguments, struct error *err)
{
    struct suggest suggest;
    suggest_start(&suggest, count == 0 ? "" : arguments[0]);
    for (size_t i = 0; count > 0 && i < sizeof source_verbs / sizeof source_verbs[0]; i++) {
        const struct source_verb *verb = &source_verbs[i];
        suggest_offer(&suggest, verb->name);
        if (!text_equal(arguments[0], verb->name))
            continue;
        if (count - 1 >= verb->least && count - 1 <= verb->most)
            return verb;
        error_set(err, ERROR_USAGE, "source %s: %s; see mailchute source --help", verb->name,
                  count - 1 < verb->least ? "the source's name is missing" : "that is too much");
        return NULL;
    }
    const char *near = suggest_best(&suggest);
    error_set(err, ERROR_USAGE, "source: what is to be done? %s%s%s",
              near == NULL ? "see mailchute source --help" : "did you mean '",
              near == NULL ? "" : near, near == NULL ? "" : "'?");
    return NULL;
}

int command_source(int argc, char **argv)
{
    struct source_command c = {0};
    struct error err;
    int count, exit_code;
    if (command_options(&source_table, argc, argv, &c, &c.common, &count, &exit_code) < 0)
        return exit_code;
    const struct source_verb *verb = source_find_verb(count, argv, &err);
    if (verb == NULL)
        return command_fail(&err);
    command_log(&c.log, &c.common);
    c.arguments = argv + 1;
    c.count = count - 1;
    c.width = terminal_is(STDOUT_FILENO) ? terminal_width(STDOUT_FILENO) : 0;
    int bad = command_open_queue(c.common.queue_url, verb->use, &c.queue, &err);
    if (bad == 0)
        c.served = serve_is_running(c.queue);
    if (bad == 0)
        bad = verb->run(&c, &err);
    queue_close(c.queue);
    source_done(&c.given);
    deliver_keys_free(c.keys);
    return bad < 0 ? command_fail(&err) : 0;
}
