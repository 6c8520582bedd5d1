/* SPDX-License-Identifier: Apache-2.0 */
/* command-mailchain.c - mailchute mailchain: the Mailchain connector for IMAP. Set up by questions,
 * kept in config.json, run until a signal comes. */
#include <config.h>
#include "command.h"

#include <stdlib.h>
#include <string.h>

#include "cancel.h"
#include "host-table.h"
#include "loader-error.h"
#include "mailchain-config.h"
#include "mailchain-run.h"
#include "mailchain-wizard.h"
#include "output.h"
#include "source.h"
#include "steps.h"

struct mailchain_command {
    struct command_common common;
    bool run, configure, test, print, once, footer;
    const char *dir, *password_file, *imap_options, *client_options;
    char *folder;
    struct mailchain_config config;
    char *imap_connection, *chain_connection;
    struct source imap, chain;
    struct log log;
    struct cancel cancel;
    struct queue *queue;
};

#define FIELD(member) offsetof(struct mailchain_command, member)
static const struct option_row mailchain_rows[] = {
    {"run", 'r', OPTION_FLAG, FIELD(run), NULL, "deliver messages until a signal comes (default)"},
    {"configure", 'c', OPTION_FLAG, FIELD(configure), NULL, "ask for the settings and keep them"},
    {"test-connection", 't', OPTION_FLAG, FIELD(test), NULL,
     "try the mail server and the Mailchain client"},
    {"print-config", 'p', OPTION_FLAG, FIELD(print), NULL, "show the settings"},
    {"once", 0, OPTION_FLAG, FIELD(once), NULL, "with --run: one round, then end"},
    {"footer", 0, OPTION_FLAG, FIELD(footer), NULL,
     "with --run: a last line in each message tells who delivered it"},
    {"dir", 0, OPTION_TEXT, FIELD(dir), "FOLDER",
     "the connector's folder (~/" MAILCHAIN_CONFIG_FOLDER ")"},
    {"password-file", 0, OPTION_TEXT, FIELD(password_file), "FILE",
     "file with the mail password, - is standard input; else it is asked for"},
    {"imap-options", 0, OPTION_TEXT, FIELD(imap_options), "KEYS",
     "more of the mail server's connection string, such as caFile=/etc/ca.pem"},
    {"client-options", 0, OPTION_TEXT, FIELD(client_options), "KEYS",
     "more of the Mailchain client's connection string, such as caFile=/etc/ca.pem"},
    COMMAND_OPTION_QUEUE(struct mailchain_command, common),
    COMMAND_OPTIONS_LOG(struct mailchain_command, common),
    COMMAND_OPTION_HELP(struct mailchain_command, common),
};

static const struct option_table mailchain_table = {
    "mailchain", "[--configure | --run | --test-connection | --print-config] [OPTION ...]",
    "Puts Mailchain messages into folders of a mail account.", mailchain_rows,
    sizeof mailchain_rows / sizeof mailchain_rows[0]};

/* ---- Both ends ------------------------------------------------------------------------------- */

static int mailchain_open_imap(struct mailchain_command *c, struct error *err)
{
    if (c->imap.plugin != NULL)
        return 0;
    if (mailchain_config_imap(&c->config, c->imap_options, &c->imap_connection, err) < 0)
        return -1;
    c->imap = (struct source){.connection = c->imap_connection,
                              .user = c->config.username,
                              .password_file = c->password_file,
                              .loader = "IMAP"};
    return source_open(&c->imap, &c->log, err);
}

static int mailchain_open_chain(struct mailchain_command *c, struct error *err)
{
    const struct secret *hidden = c->log.secret;
    if (c->chain.plugin != NULL)
        return 0;
    if (mailchain_config_mailchain(&c->config, c->footer, c->client_options, &c->chain_connection,
                                   err) < 0)
        return -1;
    c->chain = (struct source){.connection = c->chain_connection, .loader = "Mailchain"};
    int bad = source_open(&c->chain, &c->log, err);
    c->log.secret = hidden; /* it has none of its own */
    return bad;
}

static void mailchain_close(struct mailchain_command *c)
{
    c->log.secret = NULL;
    source_done(&c->imap);
    source_done(&c->chain);
    free(c->imap_connection);
    free(c->chain_connection);
    c->imap_connection = c->chain_connection = NULL;
}

static int mailchain_missing(const struct mailchain_command *c, struct error *err)
{
    if (c->config.has_imap && c->config.has_mailchain)
        return 0;
    if (c->config.root != NULL && c->config.lacks != NULL)
        return error_set(err, ERROR_CONFIG, "key '%s' in '%s/config.json' is missing, or nothing "
                         "that can be used; run mailchute mailchain --configure", c->config.lacks,
                         c->folder);
    return error_set(err, ERROR_CONFIG, "there is no config.json in '%s'; run mailchute mailchain "
                     "--configure", c->folder);
}

/* ---- Trying ---------------------------------------------------------------------------------- */

static int mailchain_try(struct mailchain_command *c, struct source *source, struct error *err)
{
    const struct loader_plugin *plugin = &source->plugin->table;
    struct loader_settings settings;
    struct loader_error theirs;
    struct host_table table = {.clock = clock_system(),
                               .log = &c->log,
                               .cancelled = cancel_now,
                               .cancel_context = &c->cancel,
                               .loader_name = plugin->name,
                               .read_only = true};
    struct steps steps;
    steps_init(&steps, false, c->common.quiet);
    steps.secret = source->secret;
    host_table_init(&table);
    source_settings(source, LOADER_READ_ONLY, 0, &settings);
    loader_error_clear(&theirs);
    int bad = plugin->check(&table.loader, &settings, steps_report, &steps, &theirs);
    host_table_done(&table);
    if (bad == 0)
        return 0;
    loader_error_read(&theirs, plugin->name, err);
    return source_hide(source, err);
}

/* Signals are watched while it is tried only: whoever is asked something leaves by Ctrl-C. */
static int mailchain_check(struct mailchain_command *c, struct source *source, struct error *err)
{
    if (cancel_init(&c->cancel, clock_system(), err) < 0)
        return -1;
    int bad = mailchain_try(c, source, err);
    cancel_done(&c->cancel);
    return bad;
}

static int mailchain_test_imap(struct mailchain_command *c, struct error *err)
{
    return mailchain_open_imap(c, err) < 0 ? -1 : mailchain_check(c, &c->imap, err);
}

static int mailchain_test_chain(struct mailchain_command *c, struct error *err)
{
    return mailchain_open_chain(c, err) < 0 ? -1 : mailchain_check(c, &c->chain, err);
}

/* First the mail server, then the client; each failure is told on its own. */
static int mailchain_test(struct mailchain_command *c, struct error *err)
{
    struct error other = {0};
    if (mailchain_missing(c, err) < 0)
        return -1;
    int imap = mailchain_test_imap(c, err);
    if (imap < 0 && err->class == ERROR_CANCELLED)
        return -1;
    if (imap < 0)
        (void)command_fail(err);
    if (mailchain_test_chain(c, imap < 0 ? &other : err) == 0 && imap == 0)
        return output_text("Both connections work.\n", err);
    if (imap == 0)
        return -1;
    if (other.class != ERROR_NONE)
        (void)command_fail(&other);
    return error_set(err, err->class, "the test failed; mend it with mailchute mailchain "
                     "--configure");
}

/* ---- Setting up ------------------------------------------------------------------------------ */

/* What was saved is tried; that it does not work is told, and no reason to stop. */
static int mailchain_saved(struct mailchain_command *c,
                           int (*test)(struct mailchain_command *c, struct error *err),
                           struct error *err)
{
    struct error why = {0};
    if (mailchain_config_write(c->folder, &c->config, err) < 0 ||
        output_text("Saved. Trying the connection ...\n", err) < 0)
        return -1;
    if (test(c, &why) == 0)
        return output_text("It works.\n", err);
    if (why.class == ERROR_CANCELLED) {
        *err = why;
        return -1;
    }
    (void)command_fail(&why);
    return 0;
}

static int mailchain_configure(struct mailchain_command *c, struct error *err)
{
    enum mailchain_answer answer = mailchain_wizard_imap(&c->config, err);
    if (answer == MAILCHAIN_LEFT)
        return -1;
    c->config.has_imap = answer == MAILCHAIN_SAVE;
    if (answer == MAILCHAIN_SAVE && mailchain_saved(c, mailchain_test_imap, err) < 0)
        return -1;
    answer = mailchain_wizard_mailchain(&c->config, err);
    if (answer == MAILCHAIN_LEFT)
        return -1;
    c->config.has_mailchain = answer == MAILCHAIN_SAVE;
    if (answer == MAILCHAIN_SAVE && mailchain_saved(c, mailchain_test_chain, err) < 0)
        return -1;
    return !c->config.has_imap && !c->config.has_mailchain
               ? output_text("Nothing was saved.\n", err)
               : 0;
}

static int mailchain_print(struct mailchain_command *c, struct error *err)
{
    if (mailchain_missing(c, err) < 0)
        return -1;
    mailchain_config_hide(c->config.root); /* an old one may have some */
    char *text = json_dumps(c->config.root, JSON_INDENT(2));
    if (text == NULL)
        return error_oom(err, "showing the settings");
    int bad = output_text(text, err) < 0 || output_text("\n", err) < 0 ? -1 : 0;
    free(text);
    return bad;
}

/* ---- Running --------------------------------------------------------------------------------- */

static int mailchain_go(struct mailchain_command *c, struct error *err)
{
    char *url = NULL;
    if (mailchain_missing(c, err) < 0 || mailchain_open_imap(c, err) < 0 ||
        mailchain_open_chain(c, err) < 0 ||
        cancel_init(&c->cancel, clock_system(), err) < 0) /* behind the question for a password */
        return -1;
    if (c->common.queue_url == NULL && asprintf(&url, "sqlite:%s/queue", c->folder) < 0)
        return error_oom(err, "opening the queue");
    int bad = command_open_queue(c->common.queue_url != NULL ? c->common.queue_url : url,
                                 COMMAND_QUEUE_MAKE, &c->queue, err);
    if (c->common.queue_url == NULL)
        free(url);
    AUTO(mailchain_store) store = NULL;
    if (bad < 0 || mailchain_store_read(c->folder, &store, err) < 0)
        return -1;
    if (mailchain_store_count(store) > 0)
        log_info(&c->log, "%zu messages were delivered by the connector of 2020",
                 mailchain_store_count(store));
    struct mailchain_run run = {.folder = c->folder,
                                .config = &c->config,
                                .imap = &c->imap,
                                .chain = &c->chain,
                                .queue = c->queue,
                                .store = store,
                                .log = &c->log,
                                .cancel = &c->cancel,
                                .once = c->once};
    return mailchain_run(&run, err);
}

/* Whoever is about to answer all questions is not kept from it by what stood there before. */
static int mailchain_read(struct mailchain_command *c, struct error *err)
{
    if (mailchain_config_read(c->folder, &c->config, err) == 0)
        return 0;
    if (!c->configure || err->class != ERROR_CONFIG)
        return -1;
    struct error why = *err;
    *err = (struct error){0};
    if (mailchain_config_set_aside(c->folder, err) < 0)
        return -1;
    log_warning(&c->log, "%s; it is kept as config.json.bad, and all is asked for anew. It may "
                "hold a password: delete it when it is of no more use", why.text);
    return 0;
}

static int mailchain_do(struct mailchain_command *c, struct error *err)
{
    if (c->run + c->configure + c->test + c->print > 1)
        return error_set(err, ERROR_USAGE, "mailchain: --run, --configure, --test-connection and "
                         "--print-config: one at a time");
    if (mailchain_config_folder(c->dir, &c->folder, err) < 0 || mailchain_read(c, err) < 0)
        return -1;
    if (c->print)
        return mailchain_print(c, err);
    return c->configure ? mailchain_configure(c, err)
           : c->test    ? mailchain_test(c, err)
                        : mailchain_go(c, err);
}

int command_mailchain(int argc, char **argv)
{
    struct mailchain_command c = {.cancel = CANCEL_NONE};
    struct error err = {0};
    int count, exit_code;
    if (command_options(&mailchain_table, argc, argv, &c, &c.common, &count, &exit_code) < 0)
        return exit_code;
    if (count != 0) {
        error_set(&err, ERROR_USAGE, "mailchain: no argument is wanted; the settings are made by "
                  "--configure");
        return command_fail(&err);
    }
    command_log(&c.log, &c.common);
    int bad = mailchain_do(&c, &err);
    exit_code = bad < 0 ? command_fail(&err) : 0;
    queue_close(c.queue);
    cancel_done(&c.cancel);
    mailchain_close(&c);
    mailchain_config_done(&c.config);
    free(c.folder);
    return exit_code;
}
