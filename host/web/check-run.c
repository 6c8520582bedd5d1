/* SPDX-License-Identifier: Apache-2.0 */
/* check-run.c - test a source's settings for a web page. See check-run.h. */
#include <config.h>
#include "check-run.h"

#include <string.h>

#include "connection-text.h"
#include "deliver-keys.h"
#include "host-table.h"
#include "json-line.h"
#include "loader-error.h"
#include "plugin.h"
#include "provider-advice.h"
#include "text.h"

#define CHECK_STEPS_MAX 100u

struct check_steps {
    json_t *list;
    const struct secret *secret;
    struct check_follower follower;
};

static void check_step(void *context, const char *step, uint32_t state, const char *text)
{
    static const char *const names[] = {"ok", "warning", "failed"};
    struct check_steps *steps = context;
    char shown[ERROR_TEXT_MAX];
    AUTO_JSON one = json_object();
    text_copy(shown, sizeof shown, text == NULL ? "" : text);
    if (steps->secret != NULL)
        secret_hide(steps->secret, shown);
    if (json_line_set(one, "step", json_line_text(step == NULL ? "" : step)) == 0 &&
        json_line_set(one, "state",
                      json_line_text(names[state <= LOADER_CHECK_FAILED ? state : 1])) == 0 &&
        json_line_set(one, "text", json_line_text(shown)) == 0 &&
        json_array_size(steps->list) < CHECK_STEPS_MAX) {
        (void)json_array_append(steps->list, one);
        if (steps->follower.progress != NULL)
            check_progress_step(steps->follower.progress, steps->follower.run, one);
    }
}

/* What is wrong, and what to do: what the provider wants, where it is known, else what the loader
 * says, else what helps everywhere. */
static void check_explain(const struct queue_source *source, const struct secret *secret,
                          struct error *err)
{
    AUTO_TEXT host = NULL;
    struct error ignored, whole;
    (void)connection_get(source->connection, "url", &host, &ignored);
    if (secret != NULL)
        secret_hide(secret, err->text);
    const char *advice = provider_advice(host, err->class);
    if (text_equal(advice, provider_advice("", err->class)) && strstr(err->text, "; ") != NULL)
        return;
    error_set(&whole, err->class, "%.300s; %s", err->text, advice);
    *err = whole;
}

static int check_plugin(const struct loader_plugin *plugin, const struct queue_source *source,
                        const struct secret *secret, bool guarded, const struct clock *clock,
                        struct log *log, struct check_steps *steps, struct error *err)
{
    AUTO(deliver_keys) keys = NULL;
    if (deliver_keys_read(source->connection, &keys, err) < 0)
        return -1;
    struct host_table table = {.clock = clock, .log = log, .loader_name = plugin->name,
                               .read_only = true};
    const struct loader_settings settings = {
        .struct_size = sizeof settings,
        .flags = LOADER_READ_ONLY | (guarded ? LOADER_GUARDED : 0),
        .connection = keys->connection,
        .user = source->user,
        .secret = secret == NULL ? NULL : secret_text(secret)};
    struct loader_error theirs;
    if (plugin->check == NULL)
        return 0;
    loader_error_clear(&theirs);
    host_table_init(&table);
    int failed = plugin->check(&table.loader, &settings, check_step, steps, &theirs);
    host_table_done(&table);
    if (failed != 0)
        loader_error_read(&theirs, plugin->name, err);
    return failed != 0 ? -1 : 0;
}

int check_run(const struct queue_source *source, const struct secret *secret, bool guarded,
              const struct clock *clock, const struct log *log, struct check_follower follower,
              json_t **out_steps, struct error *err)
{
    AUTO(plugin) plugin = NULL;
    struct log own = *log;
    struct check_steps steps = {json_array(), secret, follower};
    *out_steps = steps.list;
    if (steps.list == NULL)
        return error_oom(err, "testing a source");
    own.source = source->name;
    own.secret = secret;
    if (plugin_open(source->loader, &plugin, err) < 0)
        return -1;
    if (check_plugin(&plugin->table, source, secret, guarded, clock, &own, &steps, err) == 0)
        return 0;
    check_explain(source, secret, err);
    return -1;
}
