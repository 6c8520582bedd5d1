/* SPDX-License-Identifier: Apache-2.0 */
/* command.c - what all commands share. See command.h. */
#include <config.h>
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader-plugin.h"
#include "output.h"
#include "suggest.h"
#include "text.h"

#define COMMAND_HELP_MAX 65536u
#define COMMAND_URL_PREFIX "sqlite:"

int command_fail(const struct error *err)
{
    const struct log log = {.fd = STDERR_FILENO};
    if (err->class == ERROR_NONE)
        return 0;
    log_error(&log, err);
    return error_exit_code(err->class);
}

/* ---- Choosing a command ---------------------------------------------------------------------- */

static int command_overview(const struct command *commands)
{
    AUTO_DONE(buffer) out;
    buffer_init(&out, COMMAND_HELP_MAX);
    int bad =
        buffer_append_text(&out, "usage: mailchute COMMAND [ARGUMENT ...]\n\n"
                                 "Picks e-mail up and hands each message to a work queue.\n\n");
    for (; commands->name != NULL; commands++)
        bad |= buffer_printf(&out, "  %-9s %s\n", commands->name, commands->summary);
    bad |= buffer_append_text(&out,
                              "\nmailchute COMMAND --help tells more; mailchute(1) tells all.\n");
    struct error err;
    if (bad < 0 ? error_oom(&err, "writing the help") : output_bytes(&out, &err))
        return command_fail(&err);
    return 0;
}

static int command_unknown(const struct command *commands, const char *word)
{
    char shown[64];
    text_printable(shown, sizeof shown, word, strlen(word));
    struct suggest suggest;
    suggest_start(&suggest, word);
    for (; commands->name != NULL; commands++)
        suggest_offer(&suggest, commands->name);
    const char *near = suggest_best(&suggest);
    struct error err;
    if (near != NULL)
        error_set(&err, ERROR_USAGE, "there is no command '%s'; did you mean '%s'?", shown, near);
    else
        error_set(&err, ERROR_USAGE, "there is no command '%s'; mailchute --help lists them",
                  shown);
    return command_fail(&err);
}

/* Where 0, 1 or 2 is closed, the next file would take its place, and a line for the log would end
 * up in a message. What stands there instead fails when it is used, as a closed one would. */
static void command_hold_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY); /* the lowest: fd */
}

int command_run(const struct command *commands, int argc, char **argv)
{
    struct error err;
    command_hold_descriptors();
    (void)signal(SIGPIPE, SIG_IGN); /* a reader that has gone is told by write() ... */
    (void)signal(SIGXFSZ, SIG_IGN); /* ... and so is a file that may not grow */
    (void)signal(SIGCHLD, SIG_DFL); /* where it is ignored, how a hook ended is never known */
    umask(S_IRWXG | S_IRWXO);
    if (argc < 2) {
        error_set(&err, ERROR_USAGE, "no command given; mailchute --help lists them");
        return command_fail(&err);
    }
    if (text_equal(argv[1], "--help") || text_equal(argv[1], "-h") || text_equal(argv[1], "help"))
        return command_overview(commands);
    if (text_equal(argv[1], "--version"))
        return output_text(PACKAGE_NAME " " PACKAGE_VERSION "\n", &err) < 0 ? command_fail(&err)
                                                                            : 0;
    for (const struct command *at = commands; at->name != NULL; at++)
        if (text_equal(argv[1], at->name))
            return at->run(argc - 2, argv + 2);
    return command_unknown(commands, argv[1]);
}

/* ---- Options --------------------------------------------------------------------------------- */

static int command_show_help(const struct option_table *table, struct error *err)
{
    AUTO_DONE(buffer) out;
    buffer_init(&out, COMMAND_HELP_MAX);
    if (options_append_help(&out, table) < 0)
        return error_oom(err, "writing the help");
    return output_bytes(&out, err);
}

int command_options(const struct option_table *table, int argc, char **argv, void *out,
                    const struct command_common *common, int *out_arguments, int *out_exit_code)
{
    struct error err;
    if (options_read(table, argc, argv, out, out_arguments, &err) < 0) {
        *out_exit_code = command_fail(&err);
        return -1;
    }
    if (!common->help)
        return 0;
    *out_exit_code = command_show_help(table, &err) < 0 ? command_fail(&err) : 0;
    return -1;
}

void command_log(struct log *log, const struct command_common *common)
{
    *log = (struct log){.fd = STDERR_FILENO};
    log->level = common->quiet          ? LOADER_LOG_ERROR
                 : common->verbose == 0 ? LOADER_LOG_WARNING
                 : common->verbose == 1 ? LOADER_LOG_INFO
                                        : LOADER_LOG_DEBUG;
}

/* ---- The queue ------------------------------------------------------------------------------- */

static int command_default_folder(char out_folder[PATH_MAX], struct error *err)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int n;
    if (state != NULL && state[0] == '/') /* the base directory specification ignores others */
        n = snprintf(out_folder, PATH_MAX, "%s/mailchute", state);
    else if (geteuid() == 0)
        n = snprintf(out_folder, PATH_MAX, "/var/lib/mailchute");
    else if (home != NULL && home[0] == '/')
        n = snprintf(out_folder, PATH_MAX, "%s/.local/state/mailchute", home);
    else
        return error_set(err, ERROR_USAGE, "no place for the queue: HOME is not set; name one by "
                         "--queue sqlite:FOLDER");
    if (n < 0 || n >= PATH_MAX)
        return error_set(err, ERROR_USAGE,
                         "no place for the queue: the name of the home folder is too "
                         "long; name one by --queue sqlite:FOLDER");
    return 0;
}

/* The folders above the default one; the queue makes the last itself. */
static int command_make_parents(const char *folder, struct error *err)
{
    char path[PATH_MAX];
    text_copy(path, sizeof path, folder);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, S_IRWXU) < 0 && errno != EEXIST)
            return error_set(err, ERROR_CREATE,
                             "folder '%s' for the queue cannot be made: %s; name "
                             "another by --queue sqlite:FOLDER",
                             path, strerror(errno));
        *slash = '/';
    }
    return 0;
}

/* The folder of a sqlite: URL is there; other queues tell themselves. */
static bool command_queue_is_there(const char *url, const char *default_folder)
{
    size_t prefix = strlen(COMMAND_URL_PREFIX);
    if (!text_starts_nocase(url, COMMAND_URL_PREFIX))
        return true;
    return access(url[prefix] == '\0' ? default_folder : url + prefix, F_OK) == 0;
}

int command_open_queue(const char *url, enum command_queue_use use, struct queue **out_queue,
                       struct error *err)
{
    char folder[PATH_MAX] = "";
    const char *wanted = url == NULL ? COMMAND_URL_PREFIX : url;
    bool is_default = text_equal(wanted, COMMAND_URL_PREFIX);
    if (is_default && command_default_folder(folder, err) < 0)
        return -1;
    if (use == COMMAND_QUEUE_MAKE) {
        if (is_default && command_make_parents(folder, err) < 0)
            return -1;
    } else if (!command_queue_is_there(wanted, folder)) {
        if (!is_default && use == COMMAND_QUEUE_EXISTING)
            return error_set(err, ERROR_CONFIG, "there is no queue at '%s'; check the name, or let "
                             "mailchute pickup make one", wanted);
        wanted = "memory:";
    }
    return queue_open(wanted, folder, clock_system(), out_queue, err);
}
