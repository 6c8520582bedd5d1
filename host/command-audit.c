/* SPDX-License-Identifier: Apache-2.0 */
/* command-audit.c - mailchute audit: mailbox, dropbox, badmail and queue held against each other.
 * Nothing is changed. Exit code 0 only if they agree, 65 if they do not. */
#include <config.h>
#include "command.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "amount.h"
#include "audit.h"
#include "cancel.h"
#include "host-table.h"
#include "json-line.h"
#include "loader-error.h"
#include "output.h"
#include "parse.h"
#include "progress.h"
#include "source.h"
#include "table.h"
#include "terminal.h"
#include "text.h"

#define AUDIT_LINE_MAX 65536u
#define AUDIT_SINCE_MAX_MS (100ull * 366 * 86400 * 1000)
#define AUDIT_SUMMARY_MAX 2048u

struct audit_command {
    /* From the command line. */
    struct command_common common;
    struct source source;
    const char *since;
    bool strict, deep;
    /* Open while it runs. */
    const struct clock *clock;
    struct log log;
    struct queue *queue;
    struct cancel cancel;
    struct progress progress;
    struct host_table table;
    struct plugin *reader; /* of raw messages; NULL: none is read */
    struct audit_settings settings;
    struct audit *audit;
    uint64_t started_ms, seen, bytes;
    char held[QUEUE_MAILBOX_WHY]; /* why the mailbox is held; "": it is not */
    size_t width; /* of the terminal on standard output, 0: none */
    int output_failed;
    struct error output_error;
};

#define FIELD(member) offsetof(struct audit_command, member)
static const struct option_row audit_options[] = {
    SOURCE_OPTIONS(struct audit_command, source),
    COMMAND_OPTION_QUEUE(struct audit_command, common),
    {"since", 0, OPTION_TEXT, FIELD(since), "DATE",
     "leave out what is older: 2026-01-31, or 30d before now"},
    {"strict", 0, OPTION_FLAG, FIELD(strict), NULL,
     "tell mail that waits, is deleted, not moved or not copied as well"},
    {"deep", 0, OPTION_FLAG, FIELD(deep), NULL,
     "read each message of an entry, in the queue and at the source"},
    COMMAND_OPTION_JSON(struct audit_command, common),
    COMMAND_OPTIONS_LOG(struct audit_command, common),
    COMMAND_OPTION_HELP(struct audit_command, common),
};

static const struct option_table audit_table = {
    "audit", "CONNECTION-STRING --user NAME [OPTION ...]",
    "Holds mailbox, dropbox, badmail and queue against each other and changes nothing.\n"
    "Prints each message without an entry and each entry without a message: exit code 0 only if\n"
    "there is none, else 65. What waits in the mailbox is no disagreement, but with --strict.",
    audit_options, sizeof audit_options / sizeof audit_options[0]};

/* "2026-01-31", midnight UTC, or "30d" before @now_s. */
static int audit_read_since(const char *text, int64_t now_s, int64_t *out_since_s,
                            struct error *err)
{
    char date[32];
    uint64_t ms;
    *out_since_s = 0;
    if (text == NULL)
        return 0;
    if (text_to_duration(text, AUDIT_SINCE_MAX_MS, &ms) == 0) {
        *out_since_s = now_s - (int64_t)(ms / 1000);
        return 0;
    }
    int n = snprintf(date, sizeof date, "%.11sT00:00:00Z", text);
    if (n == (int)strlen("2026-01-31T00:00:00Z"))
        *out_since_s = audit_unix_s(date);
    return *out_since_s != 0 ? 0
                             : error_set(err, ERROR_USAGE,
                                         "audit: --since wants a date such as "
                                         "2026-01-31, or an age such as 30d");
}

/* ---- Telling --------------------------------------------------------------------------------- */

static int audit_show_json(const struct audit_finding *finding, struct error *err)
{
    AUTO_JSON line = json_object();
    bool uids = finding->key == NULL && finding->uid != 0;
    json_t *uidvalidity = uids ? json_integer(finding->uidvalidity) : json_null();
    json_t *uid = uids ? json_integer(finding->uid) : json_null();
    if (json_line_set(line, "kind", json_line_text(audit_kind_name(finding->kind))) < 0 ||
        json_line_set(line, "folder", json_line_text(finding->folder)) < 0 ||
        json_line_set(line, "uidvalidity", uidvalidity) < 0 ||
        json_line_set(line, "uid", uid) < 0 ||
        json_line_set(line, "key", json_line_text(finding->key)) < 0 ||
        json_line_set(line, "size", json_line_size(finding->size)) < 0 ||
        json_line_set(line, "date", json_line_text(finding->date)) < 0 ||
        json_line_set(line, "entry", json_line_text(finding->entry)) < 0 ||
        json_line_set(line, "why", json_line_text(finding->why)) < 0)
        return error_oom(err, "telling a disagreement");
    return output_json(line, err);
}

/* kind, folder, UID, size, date, entry, why */
static int audit_show_line(const struct audit_command *c, const struct audit_finding *finding,
                           struct error *err)
{
    static const struct table_column columns[] = {{"KIND", 11}, {"FOLDER", 16}, {"UID", 10},
                                                  {"SIZE", 9},  {"DATE", 16},   {"ENTRY", 36},
                                                  {"WHY", 0}};
    char date[17], uid[16] = "";
    AUTO_DONE(buffer) line, size;
    buffer_init(&line, AUDIT_LINE_MAX);
    buffer_init(&size, 32);
    table_date(finding->date, date);
    if (finding->uid != 0)
        (void)snprintf(uid, sizeof uid, "%u", finding->uid);
    int bad = amount_append_size(&size, finding->size);
    const char *cells[] = {audit_kind_name(finding->kind),
                           finding->folder,
                           finding->key != NULL ? finding->key : uid,
                           buffer_text(&size),
                           date,
                           finding->entry,
                           finding->why};
    bad |= table_append_row(&line, columns, sizeof cells / sizeof cells[0], cells, c->width);
    return bad < 0 ? error_oom(err, "telling a disagreement") : output_bytes(&line, err);
}

static int audit_found(void *context, const struct audit_finding *finding)
{
    struct audit_command *c = context;
    if (c->width != 0)
        progress_hide(&c->progress);
    c->output_failed = c->common.json ? audit_show_json(finding, &c->output_error)
                                      : audit_show_line(c, finding, &c->output_error);
    return c->output_failed;
}

/* "1,204 messages and 1,200 entries: 1,190 agree, 10 wait, 4 without entry; 1.2 s" */
static int audit_append_summary(struct buffer *out, const struct audit_command *c)
{
    const struct audit_counts *n = audit_counts(c->audit);
    const struct {
        uint64_t count;
        const char *text;
    } parts[] = {
        {n->agreed, " agree"},
        {n->waiting, " wait"},
        {n->unfinished, " not moved yet"},
        {n->left, " left in the mailbox"},
        {n->no_copy, " without a copy in the archive"},
        {n->gone, " deleted as told"},
        {n->removed, " taken out since"},
        {n->elsewhere, " in other folders"},
        {n->foreign, " with an entry of another account"},
        {n->others, " deleted by others"},
        {n->later, " came meanwhile"},
        {n->older, " too old to be judged"},
        {n->found[AUDIT_NO_ENTRY], " WITHOUT AN ENTRY"},
        {n->found[AUDIT_NO_MESSAGE], " ENTRIES WITHOUT A MESSAGE"},
        {n->found[AUDIT_TWICE], " TWICE"},
        {n->found[AUDIT_STILL_THERE], " STILL IN THE MAILBOX"},
        {n->found[AUDIT_LEDGER], " LEDGER AND ENTRY APART"},
        {n->found[AUDIT_DAMAGED], " DAMAGED"},
    };
    uint64_t messages = 0;
    for (size_t i = 0; i < sizeof n->places / sizeof n->places[0]; i++)
        messages += n->places[i];
    int bad = amount_append_count(out, messages) | buffer_append_text(out, " messages, ");
    bad |= amount_append_count(out, n->entries) | buffer_append_text(out, " entries: ");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (i > 0 && parts[i].count == 0)
            continue;
        bad |= buffer_append_text(out, i > 0 ? ", " : "");
        bad |= amount_append_count(out, parts[i].count) | buffer_append_text(out, parts[i].text);
    }
    bad |= buffer_append_text(out, "; ");
    bad |= amount_append_time(out, clock_monotonic_ms(c->clock) - c->started_ms);
    return bad | buffer_append_byte(out, '\n');
}

static void audit_summary(struct audit_command *c)
{
    AUTO_DONE(buffer) line;
    buffer_init(&line, AUDIT_SUMMARY_MAX);
    progress_hide(&c->progress);
    if (c->common.quiet || audit_append_summary(&line, c) < 0)
        return;
    ssize_t written = write(STDERR_FILENO, buffer_text(&line), line.len);
    (void)written;
}

/* ---- The survey ------------------------------------------------------------------------------ */

/* It is no disagreement, but whoever asks should know. A failure is told by the audit itself. */
static void audit_look_for_hold(struct audit_command *c, const struct loader_folder *folder)
{
    struct queue_mailbox state;
    struct error ignored;
    if (queue_mailbox_get(c->queue, c->settings.loader, folder->account, folder->path, &state,
                          &ignored) == 0 &&
        state.held != LOADER_HOLD_NONE)
        text_copy(c->held, sizeof c->held, state.why);
}

static uint32_t audit_saw_folder(void *context, const struct loader_folder *folder)
{
    struct audit_command *c = context;
    if (folder->struct_size < sizeof *folder)
        return LOADER_ANSWER_STOP;
    if (folder->place == LOADER_PLACE_MAILBOX)
        audit_look_for_hold(c, folder);
    return audit_folder(c->audit, folder);
}

static uint32_t audit_saw_message(void *context, const struct loader_seen *seen)
{
    struct audit_command *c = context;
    if (seen->struct_size < sizeof *seen)
        return LOADER_ANSWER_STOP;
    bool again = (seen->flags & LOADER_SEEN_SHA256) != 0;
    c->seen += again ? 0 : 1;
    c->bytes += again ? seen->size : 0;
    progress_done(&c->progress, c->seen, c->bytes);
    return audit_message(c->audit, seen);
}

static void audit_expect(void *context, uint64_t messages)
{
    struct audit_command *c = context;
    progress_total(&c->progress, messages);
}

/* A raw message is read as the loader that reads files does it. */
static int audit_digest_raw(void *context, int fd, uint64_t *out_size,
                            uint8_t out_sha256[QUEUE_DIGEST_SIZE], struct error *err)
{
    struct audit_command *c = context;
    struct parse parse;
    if (cancel_now(&c->cancel))
        return error_set(err, ERROR_CANCELLED, "audit was stopped");
    int failed = parse_message(&parse, c->reader, &c->log, fd, NULL, NULL, err);
    if (failed == 0) {
        *out_size = parse.item->raw_size;
        memcpy(out_sha256, parse.item->raw_sha256, QUEUE_DIGEST_SIZE);
    }
    parse_done(&parse);
    return failed;
}

static int audit_survey(struct audit_command *c, struct error *err)
{
    const struct loader_plugin *plugin = &c->source.plugin->table;
    const struct loader_surveyor surveyor = {.struct_size = sizeof surveyor,
                                             .context = c,
                                             .folder = audit_saw_folder,
                                             .message = audit_saw_message};
    struct loader_settings settings;
    struct loader_error theirs;
    loader_error_clear(&theirs);
    source_settings(&c->source, LOADER_READ_ONLY, 0, &settings);
    if (plugin->survey(&c->table.loader, &settings, &surveyor, &theirs) != 0) {
        if (audit_failed(c->audit, err) < 0)
            return -1;
        loader_error_read(&theirs, plugin->name, err);
        return source_hide(&c->source, err);
    }
    return audit_finish(c->audit, err);
}

/* ---- The command ----------------------------------------------------------------------------- */

static int audit_open(struct audit_command *c, struct error *err)
{
    int64_t since_s;
    if (audit_read_since(c->since, clock_unix_s(c->clock), &since_s, err) < 0 ||
        source_open(&c->source, &c->log, err) < 0 || cancel_init(&c->cancel, c->clock, err) < 0)
        return -1;
    const struct loader_plugin *plugin = &c->source.plugin->table;
    if (plugin->survey == NULL)
        return error_set(err, ERROR_USAGE,
                         "loader '%s' cannot tell what is at its source, so there "
                         "is nothing to hold against the queue",
                         plugin->name);
    if (command_open_queue(c->common.queue_url, COMMAND_QUEUE_EXISTING, &c->queue, err) < 0 ||
        (c->deep && plugin_open(PARSE_LOADER, &c->reader, err) < 0))
        return -1;
    queue_heed(c->queue, cancel_now, &c->cancel);
    output_heed(cancel_asked, &c->cancel);
    c->settings = (struct audit_settings){.queue = c->queue,
                                          .loader = plugin->name,
                                          .since_s = since_s,
                                          .strict = c->strict,
                                          .deep = c->deep,
                                          .context = c,
                                          .tell = audit_found,
                                          .digest = audit_digest_raw};
    c->audit = audit_new(&c->settings);
    if (c->audit == NULL)
        return error_oom(err, "starting the audit");
    progress_init(&c->progress, c->clock, c->common.quiet ? -1 : STDERR_FILENO);
    c->log.progress = &c->progress;
    c->width = terminal_is(STDOUT_FILENO) ? terminal_width(STDOUT_FILENO) : 0;
    c->table = (struct host_table){.clock = c->clock,
                                   .log = &c->log,
                                   .cancelled = cancel_now,
                                   .cancel_context = &c->cancel,
                                   .loader_name = plugin->name,
                                   .read_only = true,
                                   .progress = audit_expect,
                                   .progress_context = c};
    host_table_init(&c->table);
    c->started_ms = clock_monotonic_ms(c->clock);
    return 0;
}

static int audit_run(struct audit_command *c)
{
    struct error err = {0};
    int bad = audit_open(c, &err) < 0 || audit_survey(c, &err) < 0 ? -1 : 0;
    progress_hide(&c->progress);
    if (c->output_failed < 0)
        return command_fail(&c->output_error);
    if (bad < 0)
        return command_fail(&err);
    audit_summary(c);
    if (c->held[0] != '\0')
        log_warning(&c->log, "%s", c->held);
    return audit_disagreements(audit_counts(c->audit)) > 0 ? error_exit_code(ERROR_MAIL) : 0;
}

int command_audit(int argc, char **argv)
{
    struct audit_command c = {
        .clock = clock_system(), .cancel = CANCEL_NONE, .progress = {.fd = -1}};
    struct error err;
    int count, exit_code;
    if (command_options(&audit_table, argc, argv, &c, &c.common, &count, &exit_code) < 0)
        return exit_code;
    if (count != 1) {
        error_set(&err, ERROR_USAGE,
                  "audit: one connection string is wanted; write mailchute audit "
                  "'url=...' --user NAME");
        return command_fail(&err);
    }
    c.source.connection = argv[0];
    command_log(&c.log, &c.common);
    exit_code = audit_run(&c);
    audit_free(c.audit);
    host_table_done(&c.table);
    output_heed(NULL, NULL);
    cancel_done(&c.cancel);
    queue_close(c.queue);
    plugin_close(c.reader);
    source_done(&c.source);
    return exit_code;
}
