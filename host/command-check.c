/* SPDX-License-Identifier: Apache-2.0 */
/* command-check.c - mailchute check: would a pick-up work? Each step is told as it is taken;
 * nothing is changed. The exit code is that of the step that failed. */
#include <config.h>
#include "command.h"

#include <string.h>
#include <unistd.h>

#include "cancel.h"
#include "host-table.h"
#include "json-line.h"
#include "loader-error.h"
#include "output.h"
#include "source.h"
#include "terminal.h"
#include "text.h"

#define CHECK_LINE_MAX 8192u

struct check {
    struct command_common common;
    struct source source;
    struct log log;
    struct cancel cancel;
    struct host_table table;
    bool signs, color; /* what standard output can show */
    struct error output_error;
    int output_failed;
};

#define FIELD(member) offsetof(struct check, member)
static const struct option_row check_rows[] = {
    SOURCE_OPTIONS(struct check, source),
    COMMAND_OPTION_JSON(struct check, common),
    COMMAND_OPTIONS_LOG(struct check, common),
    COMMAND_OPTION_HELP(struct check, common),
};

static const struct option_table check_table = {
    "check", "CONNECTION-STRING --user NAME [OPTION ...]",
    "Tries everything that a pick-up would need, step by step, and changes nothing.", check_rows,
    sizeof check_rows / sizeof check_rows[0]};

/* In the order of enum loader_check_state; one that we do not know is told as a warning. */
static const struct {
    const char *name, *sign, *word, *color;
} check_states[] = {
    {"ok", "\xE2\x9C\x93", "ok:     ", "\033[32m"},
    {"warning", "!", "warning:", "\033[33m"},
    {"failed", "\xE2\x9C\x97", "failed: ", "\033[31m"},
};

static int check_show_json(const char *step, size_t state, const char *text, struct error *err)
{
    AUTO_JSON line = json_object();
    if (json_line_set(line, "step", json_line_text(step)) < 0 ||
        json_line_set(line, "state", json_line_text(check_states[state].name)) < 0 ||
        json_line_set(line, "text", json_line_text(text)) < 0)
        return error_oom(err, "telling a step");
    return output_json(line, err);
}

static int check_show_line(const struct check *c, const char *step, size_t state,
                           const char *text, struct error *err)
{
    AUTO_DONE(buffer) line;
    buffer_init(&line, CHECK_LINE_MAX);
    const char *mark = c->signs ? check_states[state].sign : check_states[state].word;
    int bad = buffer_printf(&line, "%s%s%s ", c->color ? check_states[state].color : "", mark,
                            c->color ? "\033[0m" : "");
    bad |= text_append_printable(&line, step, strlen(step), CHECK_LINE_MAX / 16);
    if (text != NULL && text[0] != '\0')
        bad |= buffer_append_text(&line, ": ") |
               text_append_printable(&line, text, strlen(text), CHECK_LINE_MAX / 16);
    bad |= buffer_append_byte(&line, '\n');
    return bad < 0 ? error_oom(err, "telling a step") : output_bytes(&line, err);
}

static void check_report(void *context, const char *step, uint32_t state, const char *text)
{
    struct check *c = context;
    size_t known = state <= LOADER_CHECK_FAILED ? state : LOADER_CHECK_WARNING;
    char shown[ERROR_TEXT_MAX];
    text_copy(shown, sizeof shown, text == NULL ? "" : text);
    if (c->source.secret != NULL)
        secret_hide(c->source.secret, shown);
    if (c->output_failed == 0)
        c->output_failed =
            c->common.json
                ? check_show_json(step == NULL ? "" : step, known, shown, &c->output_error)
                : check_show_line(c, step == NULL ? "" : step, known, shown, &c->output_error);
}

static int check_run(struct check *c, struct error *err)
{
    if (source_open(&c->source, &c->log, err) < 0 ||
        cancel_init(&c->cancel, clock_system(), err) < 0)
        return -1;
    const struct loader_plugin *plugin = &c->source.plugin->table;
    if (plugin->check == NULL)
        return error_set(err, ERROR_USAGE, "loader '%s' cannot check; use pickup --dry-run",
                         plugin->name);
    c->table = (struct host_table){.clock = clock_system(),
                                   .log = &c->log,
                                   .cancel = &c->cancel,
                                   .loader_name = plugin->name,
                                   .read_only = true};
    host_table_init(&c->table);
    struct loader_settings settings;
    source_settings(&c->source, LOADER_READ_ONLY, 0, &settings);
    struct loader_error theirs;
    loader_error_clear(&theirs);
    if (plugin->check(&c->table.loader, &settings, check_report, c, &theirs) == 0)
        return 0;
    loader_error_read(&theirs, plugin->name, err);
    return source_hide(&c->source, err);
}

int command_check(int argc, char **argv)
{
    struct check c = {.cancel = {.fd = -1}};
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
    c.signs = terminal_is(STDOUT_FILENO) && terminal_has_utf8();
    c.color = terminal_has_color(STDOUT_FILENO);
    int bad = check_run(&c, &err);
    exit_code = bad < 0               ? command_fail(&err)
                : c.output_failed < 0 ? command_fail(&c.output_error)
                                      : 0;
    host_table_done(&c.table);
    cancel_done(&c.cancel);
    source_done(&c.source);
    return exit_code;
}
