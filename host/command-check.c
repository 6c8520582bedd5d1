/* SPDX-License-Identifier: Apache-2.0 */
/* command-check.c - mailchute check: would a pick-up work? Each step is told as it is taken;
 * nothing is changed. The exit code is that of the step that failed. */
#include <config.h>
#include "command.h"

#include "cancel.h"
#include "host-table.h"
#include "loader-error.h"
#include "source.h"
#include "steps.h"

struct check {
    struct command_common common;
    struct source source;
    struct log log;
    struct cancel cancel;
    struct queue *queue; /* what is known of the mailbox */
    struct host_table table;
    struct steps steps;
};

#define FIELD(member) offsetof(struct check, member)
static const struct option_row check_rows[] = {
    SOURCE_OPTIONS(struct check, source),
    COMMAND_OPTION_QUEUE(struct check, common),
    COMMAND_OPTION_JSON(struct check, common),
    COMMAND_OPTIONS_LOG(struct check, common),
    COMMAND_OPTION_HELP(struct check, common),
};

static const struct option_table check_table = {
    "check", "CONNECTION-STRING --user NAME [OPTION ...]",
    "Tries everything that a pick-up would need, step by step, and changes nothing.", check_rows,
    sizeof check_rows / sizeof check_rows[0]};

static int check_run(struct check *c, struct error *err)
{
    if (source_open(&c->source, &c->log, err) < 0 ||
        cancel_init(&c->cancel, clock_system(), err) < 0 ||
        command_open_queue(c->common.queue_url, COMMAND_QUEUE_IF_THERE, &c->queue, err) < 0)
        return -1;
    const struct loader_plugin *plugin = &c->source.plugin->table;
    if (plugin->check == NULL)
        return error_set(err, ERROR_USAGE, "loader '%s' cannot check; use pickup --dry-run",
                         plugin->name);
    c->table = (struct host_table){.clock = clock_system(),
                                   .log = &c->log,
                                   .cancelled = cancel_now,
                                   .cancel_context = &c->cancel,
                                   .queue = c->queue,
                                   .loader_name = plugin->name,
                                   .read_only = true};
    host_table_init(&c->table);
    c->steps.secret = c->source.secret;
    struct loader_settings settings;
    source_settings(&c->source, LOADER_READ_ONLY, 0, &settings);
    struct loader_error theirs;
    loader_error_clear(&theirs);
    if (plugin->check(&c->table.loader, &settings, steps_report, &c->steps, &theirs) == 0)
        return 0;
    loader_error_read(&theirs, plugin->name, err);
    return source_hide(&c->source, err);
}

int command_check(int argc, char **argv)
{
    struct check c = {.cancel = CANCEL_NONE};
    struct error err;
    int count, exit_code;
    if (command_options(&check_table, argc, argv, &c, &c.common, &count, &exit_code) < 0)
        return exit_code;
    if (count != 1) {
        error_set(&err, ERROR_USAGE,
                  "check: one connection string is wanted; write mailchute check "
                  "'url=...' --user NAME");
        return command_fail(&err);
    }
    c.source.connection = argv[0];
    command_log(&c.log, &c.common);
    steps_init(&c.steps, c.common.json, false);
    int bad = check_run(&c, &err);
    exit_code = bad < 0               ? command_fail(&err)
                : c.steps.output_failed < 0 ? command_fail(&c.steps.output_error)
                                      : 0;
    host_table_done(&c.table);
    queue_close(c.queue);
    cancel_done(&c.cancel);
    source_done(&c.source);
    return exit_code;
}
