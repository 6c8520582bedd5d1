/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - where to pick mail up, as a command line tells it. See source.h. */
#include <config.h>
#include "source.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "loader-error.h"
#include "terminal.h"
#include "text.h"

void source_settings(const struct source *source, uint32_t flags, uint64_t limit,
                     struct loader_settings *out_settings)
{
    *out_settings = (struct loader_settings){
        .struct_size = sizeof *out_settings,
        .flags = flags,
        .connection = source->connection,
        .user = source->user,
        .secret = secret_text(source->secret),
        .limit = limit,
    };
}

int source_hide(const struct source *source, struct error *err)
{
    if (source->secret != NULL)
        secret_hide(source->secret, err->text);
    return -1;
}

/* What can be wrong without a password: the loader reads its settings when it is opened. */
static int source_probe(const struct source *source, struct error *err)
{
    const struct loader_plugin *plugin = &source->plugin->table;
    const struct loader_host host = {.struct_size = sizeof host, .api_version = LOADER_API_VERSION};
    struct loader_settings settings;
    source_settings(source, LOADER_READ_ONLY, 0, &settings);
    void *handle = NULL;
    struct loader_error theirs;
    loader_error_clear(&theirs);
    if (plugin->open(&host, &settings, &handle, &theirs) == 0) {
        plugin->close(handle);
        return 0;
    }
    loader_error_read(&theirs, plugin->name, err);
    return err->class == ERROR_CREDENTIALS ? 0 : -1;
}

static int source_ask(struct source *source, struct error *err)
{
    char prompt[256], user[128];
    const char *whose = source->user == NULL ? source->default_name : source->user;
    if (source_probe(source, err) < 0)
        return -1;
    text_printable(user, sizeof user, whose, strlen(whose));
    (void)snprintf(prompt, sizeof prompt, "Password of %s: ", user);
    return secret_from_terminal(prompt, &source->secret, err);
}

static int source_read_secret(struct source *source, const struct log *log, struct error *err)
{
    bool wide = false;
    if (text_equal(source->password_file, "-") && terminal_is(STDIN_FILENO))
        return source_ask(source, err);
    if (source->password_file != NULL) {
        if (secret_from_file(source->password_file, &source->secret, &wide, err) < 0)
            return -1;
        if (wide)
            log_warning(log, "others may read the password file '%s'; run chmod 600 on it",
                        source->password_file);
        return 0;
    }
    if (source->user == NULL)
        return 0;
    if (secret_from_credentials(SOURCE_CREDENTIAL, &source->secret, err) < 0)
        return -1;
    return source->secret != NULL ? 0 : source_ask(source, err);
}

int source_open(struct source *source, struct log *log, struct error *err)
{
    const char *loader = source->loader == NULL ? SOURCE_LOADER_DEFAULT : source->loader;
    if (plugin_open(loader, &source->plugin, err) < 0)
        return -1;
    const char *name = source->plugin->table.name;
    for (size_t i = 0; name[i] != '\0' && i + 1 < sizeof source->default_name; i++)
        source->default_name[i] = text_lower(name[i]);
    if (source->name == NULL)
        source->name = source->default_name;
    if (source_read_secret(source, log, err) < 0)
        return -1;
    log->secret = source->secret;
    return 0;
}

void source_done(struct source *source)
{
    secret_free(source->secret);
    plugin_close(source->plugin);
    source->secret = NULL;
    source->plugin = NULL;
}
