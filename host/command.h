/* SPDX-License-Identifier: Apache-2.0 */
/* command.h - what all commands share: their table, the common options, how they fail, the
 * queue. */
#ifndef MAILCHUTE_HOST_COMMAND_H
#define MAILCHUTE_HOST_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "log.h"
#include "options.h"
#include "queue.h"

/* run gets what stands behind the command's name and returns the exit code. */
struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
};

/** command_run - find argv[1] in @commands (ends with name NULL) and run it; --help, --version. */
int command_run(const struct command *commands, int argc, char **argv);

int command_pickup(int argc, char **argv);
int command_check(int argc, char **argv);
int command_audit(int argc, char **argv);
int command_parse(int argc, char **argv);
int command_queue(int argc, char **argv);
int command_loaders(int argc, char **argv);
int command_source(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_deliver(int argc, char **argv);
int command_mailchain(int argc, char **argv);
int command_user(int argc, char **argv);

/* Options that most commands have. */
struct command_common {
    bool help, json, quiet;
    uint32_t verbose;
    const char *queue_url;
};

#define COMMAND_OPTION_HELP(type, member)                                                          \
    {"help", 'h', OPTION_FLAG, offsetof(type, member.help), NULL, "show this and end"}
#define COMMAND_OPTION_JSON(type, member)                                                          \
    {"json", 0, OPTION_FLAG, offsetof(type, member.json), NULL, "one JSON object a line"}
#define COMMAND_OPTIONS_LOG(type, member)                                                          \
    {"quiet", 'q', OPTION_FLAG, offsetof(type, member.quiet), NULL, "no progress, no summary"},    \
        {"verbose", 'v', OPTION_COUNT, offsetof(type, member.verbose), NULL,                       \
         "tell more; -vv tells everything"}
#define COMMAND_OPTION_QUEUE(type, member)                                                         \
    {"queue", 0, OPTION_TEXT, offsetof(type, member.queue_url), "URL",                             \
     "the work queue: sqlite:FOLDER (see mailchute(1) for the default)"}

/** command_options - read the options of @table into @out, whose common ones are @common. 0: go on
 * with *out_arguments; else the command ends with *out_exit_code: help was shown, or an error
 * told. */
int command_options(const struct option_table *table, int argc, char **argv, void *out,
                    const struct command_common *common, int *out_arguments, int *out_exit_code);

/** command_log - a log on standard error as -q and -v say. */
void command_log(struct log *log, const struct command_common *common);

/** command_fail - tell @err in one line on standard error and return its exit code. ERROR_NONE (the
 * reader of standard output has gone) ends quietly with 0. */
int command_fail(const struct error *err);

enum command_queue_use {
    COMMAND_QUEUE_MAKE,     /* made when it is not there */
    COMMAND_QUEUE_EXISTING, /* the default one that is not there is empty, a named one an error */
    COMMAND_QUEUE_IF_THERE  /* one that is not there is empty */
};

/** command_open_queue - the queue --queue names, or the default one: sqlite: in
 * $XDG_STATE_HOME/mailchute, else /var/lib/mailchute for root, ~/.local/state/mailchute for
 * others. */
int command_open_queue(const char *url, enum command_queue_use use, struct queue **out_queue,
                       struct error *err);

#endif
