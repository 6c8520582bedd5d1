/* SPDX-License-Identifier: Apache-2.0 */
/* source-command-set.c - mailchute source add, edit, test. See source-command.h.
 *
 * A source is tested before it is written: by the loader's own check, which connects, logs in,
 * looks for the folders and changes nothing. A test that fails writes nothing, unless --force says
 * so. */
#include <config.h>
#include "source-command.h"

#include <stdlib.h>
#include <string.h>

#include "connection-text.h"
#include "host-table.h"
#include "loader-error.h"
#include "provider-advice.h"
#include "source-secret.h"
#include "steps.h"
#include "text.h"
#include "vault.h"

/* ---- Settings from options ------------------------------------------------------------------- */

static int set_text(char **field, const char *text, struct error *err)
{
    char *copy = strdup(text);
    if (copy == NULL)
        return error_oom(err, "setting a source up");
    free(*field);
    *field = copy;
    return 0;
}

static int set_key(struct queue_source *source, const char *key, const char *value,
                   struct error *err)
{
    char *changed;
    if (connection_set(source->connection, key, value, &changed, err) < 0)
        return -1;
    free(source->connection);
    source->connection = changed;
    return 0;
}

static int set_keys(const struct source_command *c, struct queue_source *source, struct error *err)
{
    const struct {
        const char *key, *value;
    } keys[] = {
        {"url", c->host},         {"port", c->port},       {"ssl", c->ssl},
        {"mailbox", c->mailbox},  {"dropbox", c->dropbox}, {"badmail", c->badmail},
        {"folders", c->folders},  {"skipFolders", c->skip_folders},
        {"skipSpecial", c->skip_special},
        {"allowInsecureCert", c->insecure ? "True" : NULL},
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (keys[i].value != NULL && set_key(source, keys[i].key, keys[i].value, err) < 0)
            return -1;
    if (c->secure && set_key(source, "allowInsecureCert", NULL, err) < 0)
        return -1;
    return 0;
}

static int set_interval(const struct source_command *c, struct queue_source *source,
                        struct error *err)
{
    if (c->interval_ms == 0)
        return 0;
    if (c->interval_ms < SOURCE_INTERVAL_MIN_MS)
        return error_set(err, ERROR_USAGE,
                         "an interval below %u s only burdens the server; mail is "
                         "told at once where it has IDLE",
                         SOURCE_INTERVAL_MIN_MS / 1000);
    if (c->interval_ms > SOURCE_INTERVAL_MAX_MS)
        return error_set(err, ERROR_USAGE,
                         "an interval above %u days is none that anybody waits for; "
                         "pause the source instead",
                         SOURCE_INTERVAL_MAX_MS / 86400000);
    source->interval_s = c->interval_ms / 1000;
    return 0;
}

/* All that was given, over what there is. */
static int set_all(const struct source_command *c, struct queue_source *source, struct error *err)
{
    if (c->given.connection != NULL &&
        set_text(&source->connection, c->given.connection, err) < 0)
        return -1;
    if (c->given.user != NULL && c->given.user[0] != '\0' &&
        set_text(&source->user, c->given.user, err) < 0)
        return -1;
    if (c->given.loader != NULL && set_text(&source->loader, c->given.loader, err) < 0)
        return -1;
    if (c->queue_name != NULL && set_text(&source->queue, c->queue_name, err) < 0)
        return -1;
    return set_keys(c, source, err) < 0 ? -1 : set_interval(c, source, err);
}

/* ---- The password ---------------------------------------------------------------------------- */

/* Which of the ways was given; SOURCE_SECRET_KINDS for none of them. */
static int password_way(const struct source_command *c, enum source_secret_kind *out_kind,
                        const char **out_text, struct error *err)
{
    const struct {
        const char *text;
        enum source_secret_kind kind;
    } ways[] = {
        {c->password_command, SOURCE_SECRET_COMMAND},
        {c->password_from, SOURCE_SECRET_FILE},
        {c->password_env, SOURCE_SECRET_ENVIRONMENT},
        {c->password_credential, SOURCE_SECRET_CREDENTIAL},
        {c->ask ? "" : NULL, SOURCE_SECRET_ASK},
        {c->given.password_file, SOURCE_SECRET_STORED},
    };
    unsigned given = 0;
    *out_kind = SOURCE_SECRET_KINDS;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (ways[i].text == NULL)
            continue;
        given++;
        *out_kind = ways[i].kind;
        *out_text = ways[i].text;
    }
    return given <= 1 ? 0
                      : error_set(err, ERROR_USAGE, "a source has one password: give one of the "
                                  "options --password-... and --ask-password");
}

/* The password that is typed or read now is stored, sealed, unless it is to be asked for again. */
static int password_set(struct source_command *c, struct queue_source *source,
                        const struct vault *vault, enum source_secret_kind kind, const char *text,
                        struct error *err)
{
    bool is_typed = kind == SOURCE_SECRET_STORED || kind == SOURCE_SECRET_ASK;
    if (!is_typed)
        return source_secret_set(source, kind, text, vault, NULL, err) < 0 ||
                       source_secret_read(source, vault, NULL, NULL, &c->given.secret, err) < 0
                   ? -1
                   : 0;
    if (c->given.secret == NULL)
        return error_set(err, ERROR_USAGE, "no password was given for source '%s'; use "
                         "--password-file FILE, or - for standard input", source->name);
    return source_secret_set(source, kind, NULL, vault, c->given.secret, err);
}

/* Open the loader; where a password is read or typed now, ask for it. */
static int password_open(struct source_command *c, const struct queue_source *source, bool is_typed,
                         struct error *err)
{
    deliver_keys_free(TAKE(c->keys)); /* an edit may open it twice */
    if (deliver_keys_read(source->connection, &c->keys, err) < 0)
        return -1;
    c->given.connection = c->keys->connection;
    c->given.loader = source->loader;
    c->given.name = source->name;
    c->given.user = source->user;
    if (is_typed && source->user != NULL)
        return source_open(&c->given, &c->log, err);
    return plugin_open(source->loader, &c->given.plugin, err);
}

static int password_new(struct source_command *c, struct queue_source *source,
                        const struct vault *vault, struct error *err)
{
    enum source_secret_kind kind;
    const char *text = NULL;
    if (password_way(c, &kind, &text, err) < 0)
        return -1;
    if (source->user == NULL && kind == SOURCE_SECRET_KINDS) {
        return password_open(c, source, false, err) < 0
                   ? -1
                   : source_secret_set(source, SOURCE_SECRET_NONE, NULL, vault, NULL, err);
    }
    if (kind == SOURCE_SECRET_KINDS)
        kind = SOURCE_SECRET_STORED; /* asked for on the terminal */
    bool is_typed = kind == SOURCE_SECRET_STORED || kind == SOURCE_SECRET_ASK;
    return password_open(c, source, is_typed, err) < 0
               ? -1
               : password_set(c, source, vault, kind, text, err);
}

/* An edit without a word of it keeps the one there is. So does an empty password: a form that was
 * sent back as it was shown. */
static int password_kept(struct source_command *c, const struct queue_source *source,
                         const struct vault *vault, struct error *err)
{
    if (password_open(c, source, false, err) < 0)
        return -1;
    if (text_equal(source->secret_kind, source_secret_name(SOURCE_SECRET_ASK)) &&
        source->user != NULL)
        return source_open(&c->given, &c->log, err);
    return source_secret_read(source, vault, NULL, NULL, &c->given.secret, err);
}

static bool password_is_empty(const struct source_command *c, struct error *err)
{
    return c->given.password_file != NULL && err->class == ERROR_CONFIG &&
           strstr(err->text, " is empty;") != NULL;
}

/* ---- The test -------------------------------------------------------------------------------- */

static const char *test_word(enum error_class class)
{
    switch (class) {
    case ERROR_UNREACHABLE:
        return "the server cannot be reached";
    case ERROR_CERTIFICATE:
        return "the certificate is not trusted";
    case ERROR_CREDENTIALS:
        return "user name or password was refused";
    case ERROR_CONFIG:
        return "mailbox, folder or file is not there";
    default:
        return "the test failed";
    }
}

static void test_explain(const struct queue_source *source, struct error *err)
{
    AUTO_TEXT host = NULL;
    struct error ignored, whole;
    (void)connection_get(source->connection, "url", &host, &ignored);
    error_set(&whole, err->class, "%s: %.250s; %s", test_word(err->class), err->text,
              provider_advice(host, err->class));
    whole.pause_s = err->pause_s;
    *err = whole;
}

static int test_run(struct source_command *c, const struct queue_source *source, struct error *err)
{
    const struct loader_plugin *plugin = &c->given.plugin->table;
    struct steps steps;
    steps_init(&steps, c->common.json, c->common.quiet);
    steps.secret = c->log.secret = c->given.secret;
    if (c->keys->template != NULL && plugin->deliver == NULL)
        return error_set(err, ERROR_USAGE, "loader '%s' cannot deliver; take the key '" DELIVER_KEY
                         "' out, or use IMAP", plugin->name);
    if (plugin->check == NULL)
        return 0;
    struct host_table table = {.clock = clock_system(),
                               .log = &c->log,
                               .loader_name = plugin->name,
                               .read_only = true};
    host_table_init(&table);
    struct loader_settings settings;
    source_settings(&c->given, LOADER_READ_ONLY, 0, &settings);
    struct loader_error theirs;
    loader_error_clear(&theirs);
    int failed = plugin->check(&table.loader, &settings, steps_report, &steps, &theirs);
    host_table_done(&table);
    if (failed == 0)
        return 0;
    loader_error_read(&theirs, plugin->name, err);
    source_hide(&c->given, err);
    test_explain(source, err);
    return -1;
}

/* -1 unless the test is well or does not matter; then it is only told. */
static int test_before(struct source_command *c, const struct queue_source *source,
                       struct error *err)
{
    bool json = c->common.json, quiet = c->common.quiet;
    c->common.quiet = quiet || json; /* the source itself is what is told */
    int bad = test_run(c, source, err);
    c->common.quiet = quiet;
    if (bad == 0)
        return 0;
    if (err->class == ERROR_USAGE || !c->force) {
        struct error why = *err;
        error_set(err, why.class, "%.440s; nothing was changed%s", why.text,
                  why.class == ERROR_USAGE ? "" : " (--force does it all the same)");
        return -1;
    }
    log_warning(&c->log, "%s", err->text);
    return 0;
}

/* ---- The verbs ------------------------------------------------------------------------------- */

static int add_fill(struct source_command *c, struct queue_source *source, struct error *err)
{
    queue_source_id(source->id);
    source->interval_s = SOURCE_INTERVAL_MS / 1000;
    if (set_text(&source->name, c->arguments[0], err) < 0 ||
        set_text(&source->loader, SOURCE_LOADER_DEFAULT, err) < 0 ||
        set_text(&source->queue, SOURCE_QUEUE_NAME, err) < 0 ||
        set_text(&source->connection, "", err) < 0)
        return -1;
    if (c->host != NULL && c->ssl == NULL && c->given.connection == NULL)
        c->ssl = "True";
    if (set_all(c, source, err) < 0)
        return -1;
    if (source->connection[0] == '\0')
        return error_set(err, ERROR_USAGE, "source add: where is the mailbox? give a connection "
                         "string, or --host NAME");
    return 0;
}

/* Told before anybody types a password. */
static int add_check_name(const struct source_command *c, struct error *err)
{
    AUTO(queue_source) there = NULL;
    struct error none;
    if (queue_source_get(c->queue, c->arguments[0], &there, &none) < 0)
        return none.class == ERROR_USAGE ? 0 : (*err = none, -1);
    return error_set(err, ERROR_USAGE, "there is a source '%s' already; choose another name, or "
                     "change it by mailchute source edit", there->name);
}

int source_command_add(struct source_command *c, struct error *err)
{
    AUTO(queue_source) source = queue_source_new();
    AUTO(vault) vault = NULL;
    if (source == NULL)
        return error_oom(err, "setting a source up");
    c->given.connection = c->count > 1 ? c->arguments[1] : NULL;
    if (add_fill(c, source, err) < 0 || add_check_name(c, err) < 0 ||
        vault_open(queue_folder(c->queue), &vault, err) < 0 ||
        password_new(c, source, vault, err) < 0 || test_before(c, source, err) < 0 ||
        queue_source_add(c->queue, source, err) < 0)
        return -1;
    return c->common.json ? source_command_show(c, source, err) : 0;
}

static int edit_password(struct source_command *c, struct queue_source *source,
                         const struct vault *vault, struct error *err)
{
    enum source_secret_kind kind;
    const char *text = NULL;
    if (password_way(c, &kind, &text, err) < 0)
        return -1;
    if (kind == SOURCE_SECRET_KINDS)
        return password_kept(c, source, vault, err);
    if (password_new(c, source, vault, err) == 0)
        return 0;
    if (!password_is_empty(c, err))
        return -1;
    source_done(&c->given);
    return password_kept(c, source, vault, err);
}

/* What the administrator writes need not be guarded. */
static int edit_settings(const struct source_command *c, struct queue_source *source,
                         struct error *err)
{
    AUTO_TEXT before = strdup(source->connection);
    if (before == NULL)
        return error_oom(err, "changing a source");
    if (set_all(c, source, err) < 0)
        return -1;
    source->guarded = source->guarded && text_equal(before, source->connection);
    return 0;
}

int source_command_edit(struct source_command *c, struct error *err)
{
    AUTO(queue_source) source = NULL;
    AUTO(vault) vault = NULL;
    c->given.connection = c->count > 1 ? c->arguments[1] : NULL;
    if (queue_source_get(c->queue, c->arguments[0], &source, err) < 0 ||
        edit_settings(c, source, err) < 0 || vault_open(queue_folder(c->queue), &vault, err) < 0 ||
        edit_password(c, source, vault, err) < 0 || test_before(c, source, err) < 0 ||
        queue_source_change(c->queue, source, err) < 0)
        return -1;
    return c->common.json ? source_command_show(c, source, err) : 0;
}

int source_command_test(struct source_command *c, struct error *err)
{
    AUTO(queue_source) source = NULL;
    AUTO(vault) vault = NULL;
    if (queue_source_get(c->queue, c->arguments[0], &source, err) < 0 ||
        vault_open(queue_folder(c->queue), &vault, err) < 0 ||
        password_kept(c, source, vault, err) < 0)
        return -1;
    return test_run(c, source, err);
}
