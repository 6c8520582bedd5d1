/* SPDX-License-Identifier: Apache-2.0 */
/* command-loaders.c - mailchute loaders: the plug-ins that are found and what options each has. */
#include <config.h>
#include "command.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json-line.h"
#include "output.h"
#include "plugin.h"
#include "text.h"

#define LOADERS_TEXT_MAX (1u << 20) /* bytes told of one loader */

struct loaders {
    struct command_common common;
    struct log log;
    uint32_t found;
    struct error err;
};

static const struct option_row loaders_rows[] = {
    COMMAND_OPTION_JSON(struct loaders, common),
    COMMAND_OPTIONS_LOG(struct loaders, common),
    COMMAND_OPTION_HELP(struct loaders, common),
};

static const struct option_table loaders_table = {
    "loaders", "[--json]",
    "Lists the plug-ins that are found and the keys of their connection strings.", loaders_rows,
    sizeof loaders_rows / sizeof loaders_rows[0]};

static json_t *loaders_option(const struct loader_option *option)
{
    AUTO_JSON one = json_object();
    if (json_line_set(one, "key", json_line_text(option->key)) < 0 ||
        json_line_set(one, "type", json_line_text(option->type)) < 0 ||
        json_line_set(one, "default", json_line_text(option->default_value)) < 0 ||
        json_line_set(one, "choices", json_line_text(option->choices)) < 0 ||
        json_line_set(one, "required", json_boolean(option->required != 0)) < 0 ||
        json_line_set(one, "help", json_line_text(option->help)) < 0)
        return NULL;
    return TAKE(one);
}

static int loaders_show_json(const struct plugin *plugin, struct error *err)
{
    const struct loader_plugin *table = &plugin->table;
    AUTO_JSON one = json_object();
    AUTO_JSON options = json_array();
    for (uint64_t i = 0; i < table->option_count; i++)
        if (json_array_append_new(options, loaders_option(&table->options[i])) < 0)
            return error_oom(err, "listing options");
    if (json_line_set(one, "name", json_line_text(table->name)) < 0 ||
        json_line_set(one, "version", json_line_text(table->version)) < 0 ||
        json_line_set(one, "summary", json_line_text(table->summary)) < 0 ||
        json_line_set(one, "path", json_line_text(plugin->path)) < 0 ||
        json_line_set(one, "options", TAKE(options)) < 0)
        return error_oom(err, "listing loaders");
    return output_json(one, err);
}

static int loaders_append_option(struct buffer *out, const struct loader_option *option)
{
    int bad = buffer_printf(out, "  %-18s %-9s", option->key, option->type);
    if (option->required != 0)
        bad |= buffer_append_text(out, " (must be given)");
    else if (option->default_value != NULL)
        bad |= buffer_printf(out, " [%s]", option->default_value);
    bad |= buffer_printf(out, " %s", option->help == NULL ? "" : option->help);
    if (option->choices != NULL)
        bad |= buffer_printf(out, " (%s)", option->choices);
    return bad | buffer_append_byte(out, '\n');
}

static int loaders_show_text(const struct plugin *plugin, bool first, struct error *err)
{
    const struct loader_plugin *table = &plugin->table;
    AUTO_DONE(buffer) out;
    buffer_init(&out, LOADERS_TEXT_MAX);
    int bad = buffer_printf(&out, "%s%s %s  %s\n  %s\n", first ? "" : "\n", table->name,
                            table->version == NULL ? "" : table->version,
                            table->summary == NULL ? "" : table->summary, plugin->path);
    for (uint64_t i = 0; i < table->option_count; i++)
        bad |= loaders_append_option(&out, &table->options[i]);
    return bad < 0 ? error_oom(err, "listing a loader") : output_bytes(&out, err);
}

static int loaders_each(void *context, const char *path, const struct plugin *plugin,
                        const struct error *why)
{
    struct loaders *l = context;
    (void)path; /* the error names it */
    if (plugin == NULL) {
        log_warning(&l->log, "%s", why->text);
        return 0;
    }
    l->found++;
    return l->common.json ? loaders_show_json(plugin, &l->err)
                          : loaders_show_text(plugin, l->found == 1, &l->err);
}

int command_loaders(int argc, char **argv)
{
    struct loaders l = {.found = 0};
    int count, exit_code;
    if (command_options(&loaders_table, argc, argv, &l, &l.common, &count, &exit_code) < 0)
        return exit_code;
    command_log(&l.log, &l.common);
    if (count > 0)
        error_set(&l.err, ERROR_USAGE,
                  "loaders: no argument is wanted; see mailchute loaders --help");
    else if (plugin_each(loaders_each, &l) == 0 && l.found == 0)
        error_set(&l.err, ERROR_CONFIG,
                  "no loader was found in %s; install mailchute, or name a folder "
                  "by MAILCHUTE_PLUGIN_DIR",
                  PLUGINDIR);
    else if (l.err.text[0] == '\0')
        return 0;
    return command_fail(&l.err);
}
