/* SPDX-License-Identifier: Apache-2.0 */
/* source-command.h - what the files of mailchute source share. Internal.
 *
 * command-source.c     which verb; list, show, pause, resume, sync, remove
 * source-command-set.c add, edit, test: settings from options, and whether they work
 * source-release.c     resume --accept-new-uids */
#ifndef MAILCHUTE_HOST_SOURCE_COMMAND_H
#define MAILCHUTE_HOST_SOURCE_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "command.h"
#include "deliver-keys.h"
#include "log.h"
#include "queue-source.h"
#include "queue.h"
#include "source.h"

#define SOURCE_INTERVAL_MS 300000u     /* where none is given */
#define SOURCE_INTERVAL_MIN_MS 10000u
#define SOURCE_INTERVAL_MAX_MS 2592000000u /* 30 days */
#define SOURCE_QUEUE_NAME "default"

struct source_command {
    struct command_common common;
    /* From the command line; NULL, 0 or false where not given. */
    struct source given; /* connection, user, password_file, loader; opened for a test */
    struct deliver_keys *keys; /* of the source that is opened: given.connection is among them */
    const char *host, *port, *ssl, *mailbox, *dropbox, *badmail, *queue_name;
    const char *folders, *skip_folders, *skip_special;
    const char *password_command, *password_from, *password_env, *password_credential;
    uint64_t interval_ms;
    bool insecure, secure, ask, force, yes, accept_new_uids;
    bool served; /* a daemon serves this queue */
    struct log log;
    struct queue *queue;
    size_t width; /* of the terminal on standard output, 0: none */
    char **arguments;
    int count;
};

int source_command_add(struct source_command *c, struct error *err);
int source_command_edit(struct source_command *c, struct error *err);
int source_command_test(struct source_command *c, struct error *err);

/** source_command_release - a person looked at the mailbox that the source holds: pick it up once,
 * here, so that nothing is held any more, into its own work queue and under its own name. */
int source_command_release(struct source_command *c, struct error *err);

/** source_command_show - tell of a source on standard output, as --json says. */
int source_command_show(const struct source_command *c, const struct queue_source *source,
                        struct error *err);

#endif
