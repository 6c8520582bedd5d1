/* SPDX-License-Identifier: Apache-2.0 */
/* command-deliver.c - mailchute deliver: entries of the queue into folders of a mail account. */
#include <config.h>
#include "command.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "amount.h"
#include "cancel.h"
#include "deliver-account.h"
#include "deliver.h"
#include "host-table.h"
#include "loader-error.h"
#include "output.h"
#include "source.h"
#include "table.h"
#include "text.h"

#define COMMAND_LINE_MAX 65536u

struct deliver_command {
    struct command_common common;
    struct source source; /* the account to deliver to */
    struct deliver_folder folder;
    const char *account; /* in the ledger; NULL: the usual name */
    char *target;
    struct deliver deliver;
    struct log log;
    struct cancel cancel;
    struct host_table table;
    uint64_t started_ms;
    int output_failed;
    struct error output_error;
};

#define FIELD(member) offsetof(struct deliver_command, member)
static const struct option_row deliver_rows[] = {
    SOURCE_OPTIONS(struct deliver_command, source),
    {"folder", 0, OPTION_TEXT, FIELD(folder.template), "TEMPLATE",
     "levels of the folder (" DELIVER_FOLDER_DEFAULT ")"},
    {"root", 0, OPTION_TEXT, FIELD(folder.root), "FOLDER",
     "where the levels begin (" DELIVER_FOLDER_ROOT ")"},
    {"mainnet-to-inbox", 0, OPTION_FLAG, FIELD(folder.mainnet_to_root), NULL,
     "what is of a main network goes to the root folder itself"},
    {"account", 0, OPTION_TEXT, FIELD(account), "NAME",
     "the account's name in the ledger (user@server, without port)"},
    COMMAND_OPTION_QUEUE(struct deliver_command, common),
    {"queue-name", 0, OPTION_TEXT, FIELD(deliver.queue_name), "NAME",
     "only entries of this work queue"},
    {"source", 0, OPTION_TEXT, FIELD(deliver.source), "NAME", "only entries of this source"},
    {"dry-run", 'n', OPTION_FLAG, FIELD(deliver.dry_run), NULL,
     "show what would be delivered, change nothing"},
    COMMAND_OPTIONS_LOG(struct deliver_command, common),
    COMMAND_OPTION_HELP(struct deliver_command, common),
};

static const struct option_table deliver_table = {
    "deliver", "CONNECTION-STRING --user NAME [OPTION ...]",
    "Puts entries of the queue into folders of a mail account, each once.", deliver_rows,
    sizeof deliver_rows / sizeof deliver_rows[0]};

/* date, folder, subject */
static void deliver_command_told(void *context, const struct queue_entry *entry, const char *folder)
{
    static const struct table_column columns[] = {{"DATE", 16}, {"FOLDER", 40}, {"SUBJECT", 0}};
    struct deliver_command *c = context;
    char date[17];
    AUTO_DONE(buffer) line;
    buffer_init(&line, COMMAND_LINE_MAX);
    table_date(entry->date_received, date);
    const char *cells[] = {date, folder, entry->subject};
    if (c->output_failed == 0 && table_append_row(&line, columns, 3, cells, 0) == 0)
        c->output_failed = output_bytes(&line, &c->output_error);
}

static void deliver_command_summary(const struct deliver_command *c)
{
    AUTO_DONE(buffer) line;
    const struct deliver_counts *n = &c->deliver.counts;
    buffer_init(&line, 512);
    int bad = amount_append_count(&line, n->appended);
    bad |= buffer_append_text(&line, c->deliver.dry_run ? " would be delivered, " : " delivered, ");
    bad |= amount_append_count(&line, n->found);
    bad |= buffer_append_text(&line, " were there, ");
    bad |= amount_append_count(&line, n->refused + n->aside);
    bad |= buffer_append_text(&line, " refused, ");
    bad |= amount_append_count(&line, n->bodiless);
    bad |= buffer_append_text(&line, " without a message; ");
    bad |= amount_append_time(&line, clock_monotonic_ms(clock_system()) - c->started_ms);
    bad |= buffer_append_text(&line, c->deliver.dry_run ? "; nothing was changed\n" : "\n");
    if (bad == 0 && !c->common.quiet) {
        ssize_t written = write(STDERR_FILENO, buffer_text(&line), line.len);
        (void)written;
    }
}

static int deliver_command_open(struct deliver_command *c, struct error *err)
{
    const struct loader_plugin *plugin = &c->source.plugin->table;
    struct loader_settings settings;
    struct loader_error theirs;
    if (plugin->deliver == NULL || plugin->account == NULL)
        return error_set(err, ERROR_USAGE, "loader '%s' cannot deliver; use IMAP", plugin->name);
    c->table = (struct host_table){.clock = clock_system(),
                                   .log = &c->log,
                                   .cancelled = cancel_now,
                                   .cancel_context = &c->cancel,
                                   .loader_name = plugin->name};
    host_table_init(&c->table);
    source_settings(&c->source, LOADER_DELIVER, 0, &settings);
    loader_error_clear(&theirs);
    if (plugin->open(&c->table.loader, &settings, &c->deliver.handle, &theirs) != 0) {
        loader_error_read(&theirs, plugin->name, err);
        return source_hide(&c->source, err);
    }
    c->deliver.plugin = plugin;
    return 0;
}

/* Whose account it is: the ledger is kept by that name. */
static int deliver_command_claim(struct deliver_command *c, struct error *err)
{
    const char *account = c->deliver.plugin->account(c->deliver.handle);
    int bad = 0;
    if (!c->deliver.dry_run)
        bad = deliver_claim(c->deliver.queue, account, c->account, &c->target, err);
    else if ((c->target = c->account != NULL ? strdup(c->account)
                                             : deliver_account_name(account)) == NULL)
        bad = error_oom(err, "opening an account");
    c->deliver.target = c->target;
    return bad;
}

static int deliver_command_run(struct deliver_command *c, struct error *err)
{
    if (deliver_folder_check(&c->folder, err) < 0 || source_open(&c->source, &c->log, err) < 0 ||
        cancel_init(&c->cancel, clock_system(), err) < 0 ||
        command_open_queue(c->common.queue_url, COMMAND_QUEUE_EXISTING, &c->deliver.queue, err) <
            0 ||
        deliver_command_open(c, err) < 0)
        return -1;
    queue_heed(c->deliver.queue, cancel_asked, &c->cancel);
    if (deliver_command_claim(c, err) < 0)
        return -1;
    c->deliver.folder = &c->folder;
    c->deliver.log = &c->log;
    c->deliver.cancelled = cancel_asked;
    c->deliver.cancel_context = &c->cancel;
    c->deliver.told = c->deliver.dry_run ? deliver_command_told : NULL;
    c->deliver.told_context = c;
    if (deliver_run(&c->deliver, err) == 0)
        return 0;
    return source_hide(&c->source, err);
}

static int deliver_command_end(struct deliver_command *c, int bad, struct error *err)
{
    const struct deliver_counts *n = &c->deliver.counts;
    if (c->output_failed < 0)
        return command_fail(&c->output_error);
    if (bad == 0) {
        deliver_command_summary(c);
        return n->refused + n->aside > 0 ? error_exit_code(ERROR_MAIL) : 0;
    }
    struct error whole = *err;
    if (n->appended + n->found > 0 && !c->deliver.dry_run)
        error_set(&whole, err->class, "%.440s (%llu delivered before that)", err->text,
                  (unsigned long long)(n->appended + n->found));
    return command_fail(&whole);
}

int command_deliver(int argc, char **argv)
{
    struct deliver_command c = {.folder = {DELIVER_FOLDER_DEFAULT, DELIVER_FOLDER_ROOT, false},
                                .cancel = CANCEL_NONE};
    struct error err = {0};
    int count, exit_code;
    if (command_options(&deliver_table, argc, argv, &c, &c.common, &count, &exit_code) < 0)
        return exit_code;
    if (count != 1) {
        error_set(&err, ERROR_USAGE, "deliver: one connection string is wanted; write mailchute "
                  "deliver 'url=...' --user NAME");
        return command_fail(&err);
    }
    c.source.connection = argv[0];
    c.started_ms = clock_monotonic_ms(clock_system());
    command_log(&c.log, &c.common);
    int bad = deliver_command_run(&c, &err);
    exit_code = deliver_command_end(&c, bad, &err);
    if (c.deliver.handle != NULL)
        c.deliver.plugin->close(c.deliver.handle);
    host_table_done(&c.table);
    cancel_done(&c.cancel);
    queue_close(c.deliver.queue);
    free(c.target);
    source_done(&c.source);
    return exit_code;
}
