/* SPDX-License-Identifier: Apache-2.0 */
/* secret.c - a password on its way. See secret.h. */
#include <config.h>
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "child.h"

struct secret {
    size_t size; /* bytes in use, without the NUL */
    char text[]; /* SECRET_MAX + 1 and one byte to notice more */
};

#define SECRET_END_MS 2000u /* for a command to end after its line */
#define SECRET_SHELL_SIGNAL                                                                        \
    128 /* a shell's exit code for a command that a signal ended, less that */
#define SECRET_ROOM (sizeof(struct secret) + SECRET_MAX + 2)

/* Core dumps and debuggers must not see what comes next. A failure leaves us no worse than
 * before. */
void secret_guard_process(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static struct secret *secret_new(void)
{
    secret_guard_process();
    void *pages =
        mmap(NULL, SECRET_ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
    (void)mlock(pages, SECRET_ROOM); /* a small RLIMIT_MEMLOCK is no reason to give up */
    (void)madvise(pages, SECRET_ROOM, MADV_DONTDUMP);
    return pages;
}

void secret_free(struct secret *secret)
{
    if (secret == NULL)
        return;
    explicit_bzero(secret, SECRET_ROOM);
    munmap(secret, SECRET_ROOM);
}

/* Everything up to the end of @fd, or the end of a line for a terminal, which hands out lines. */
static int secret_fill(struct secret *secret, int fd, bool one_line, const char *where,
                       struct error *err)
{
    for (;;) {
        ssize_t n = read(fd, secret->text + secret->size, SECRET_MAX + 1 - secret->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, ERROR_CONFIG, "the password cannot be read from %s: %s; check "
                             "the file and its rights", where, strerror(errno));
        secret->size += (size_t)n;
        if (secret->size > SECRET_MAX)
            return error_set(err, ERROR_CONFIG, "the password from %s is longer than %u bytes; is "
                             "that the right file?", where, SECRET_MAX);
        if (n == 0 || (one_line && secret->text[secret->size - 1] == '\n'))
            return 0;
    }
}

static int secret_check(struct secret *secret, const char *where, struct error *err)
{
    if (secret->size > 0 && secret->text[secret->size - 1] == '\n')
        secret->size--;
    if (secret->size > 0 && secret->text[secret->size - 1] == '\r')
        secret->size--;
    explicit_bzero(secret->text + secret->size, SECRET_MAX + 2 - secret->size);
    if (secret->size == 0)
        return error_set(err, ERROR_CONFIG, "the password from %s is empty; put it there", where);
    if (memchr(secret->text, '\0', secret->size) != NULL)
        return error_set(err, ERROR_CONFIG, "the password from %s holds a NUL byte; is that the "
                         "right file?", where);
    return 0;
}

static int secret_read(int fd, bool one_line, const char *where, struct secret **out_secret,
                       struct error *err)
{
    AUTO(secret) secret = secret_new();
    if (secret == NULL)
        return error_oom(err, "making room for the password");
    if (secret_fill(secret, fd, one_line, where, err) < 0 || secret_check(secret, where, err) < 0)
        return -1;
    *out_secret = TAKE(secret);
    return 0;
}

int secret_from_file(const char *path, struct secret **out_secret, bool *out_wide,
                     struct error *err)
{
    bool standard_input = strcmp(path, "-") == 0;
    char where[300];
    if (standard_input)
        (void)snprintf(where, sizeof where, "standard input");
    else
        (void)snprintf(where, sizeof where, "'%s'", path);
    AUTO_FD opened = -1;
    if (!standard_input && (opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)) < 0)
        return error_set(err, ERROR_CONFIG, "the password file %s cannot be opened: %s; check its "
                         "name and rights", where, strerror(errno));
    int fd = standard_input ? STDIN_FILENO : opened;
    struct stat status;
    bool wide = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                (status.st_mode & (S_IRWXG | S_IRWXO)) != 0;
    if (secret_read(fd, isatty(fd) == 1, where, out_secret, err) < 0)
        return -1;
    if (out_wide != NULL)
        *out_wide = wide;
    return 0;
}

int secret_from_credentials(const char *name, struct secret **out_secret, struct error *err)
{
    *out_secret = NULL;
    const char *folder = secure_getenv("CREDENTIALS_DIRECTORY");
    if (folder == NULL || folder[0] != '/')
        return 0;
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof path || access(path, F_OK) != 0)
        return 0;
    return secret_from_file(path, out_secret, NULL, err);
}

int secret_from_bytes(const void *bytes, size_t count, const char *where,
                      struct secret **out_secret, struct error *err)
{
    AUTO(secret) secret = secret_new();
    if (secret == NULL)
        return error_oom(err, "making room for the password");
    if (count > SECRET_MAX)
        return error_set(err, ERROR_CONFIG, "the password from %s is longer than %u bytes", where,
                         SECRET_MAX);
    memcpy(secret->text, bytes, count);
    secret->size = count;
    if (secret_check(secret, where, err) < 0)
        return -1;
    *out_secret = TAKE(secret);
    return 0;
}

/* ---- From a command -------------------------------------------------------------------------- */

/* Of a command whose output was taken. One that goes on printing is ended by SIGPIPE, which a shell
 * in between tells as an exit code: that is no failure. */
static bool secret_command_failed(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) != 0 &&
           WEXITSTATUS(status) != SECRET_SHELL_SIGNAL + SIGPIPE;
}

static int secret_judge_command(const struct child_result *result, uint32_t limit_ms,
                                struct error *err)
{
    if (result->end == CHILD_NOT_STARTED)
        return error_set(err, ERROR_CONFIG, "the command for the password cannot be started: %s",
                         strerror(result->errno_));
    if (result->end == CHILD_CANCELLED)
        return error_set(err, ERROR_CANCELLED, "stopped while the command for the password ran");
    if (!result->told || result->cut || result->size == SECRET_MAX)
        return error_set(err, ERROR_CONFIG, "the command for the password printed no line within "
                         "%u seconds, or too long a one; try it by hand", limit_ms / 1000);
    if (secret_command_failed(result->status))
        return error_set(err, ERROR_CONFIG,
                         "the command for the password failed with exit code %d; "
                         "try it by hand",
                         WEXITSTATUS(result->status));
    return 0;
}

int secret_from_command(const char *command, uint32_t limit_ms, int (*cancelled)(void *context),
                        void *cancel_context, struct secret **out_secret, struct error *err)
{
    AUTO(secret) secret = secret_new();
    AUTO_TEXT line = strdup(command);
    if (secret == NULL || line == NULL)
        return error_oom(err, "making room for the password");
    char shell[] = "/bin/sh", option[] = "-c";
    char *const words[] = {shell, option, line, NULL};
    const struct child_task task = {.words = words,
                                    .environment = environ,
                                    .one_line = true,
                                    .limit_ms = limit_ms,
                                    .end_ms = SECRET_END_MS,
                                    .cancelled = cancelled,
                                    .cancel_context = cancel_context};
    struct child_result result = child_run(&task, secret->text, SECRET_MAX);
    secret->size = result.size;
    if (secret_judge_command(&result, limit_ms, err) < 0 ||
        secret_check(secret, "the command", err) < 0)
        return -1;
    *out_secret = TAKE(secret);
    return 0;
}

/* ---- From the terminal ----------------------------------------------------------------------- */

static void secret_set_terminal(int fd, const struct termios *state)
{
    while (tcsetattr(fd, TCSAFLUSH, state) < 0 && errno == EINTR)
        ;
}

/* Wait for a line. -1: one of the signals came that are blocked while the echo is off. */
static int secret_await_line(int terminal, int signals)
{
    struct pollfd fds[] = {{terminal, POLLIN, 0}, {signals, POLLIN, 0}};
    while (poll(fds, 2, -1) < 0 && errno == EINTR)
        ;
    return fds[1].revents != 0 ? -1 : 0;
}

/* With the echo off and signals blocked: whatever happens, the caller turns both back. */
static int secret_ask(int terminal, const char *prompt, const sigset_t *stops,
                      struct secret **out_secret, struct error *err)
{
    AUTO_FD signals = signalfd(-1, stops, SFD_CLOEXEC);
    dprintf(terminal, "%s", prompt);
    if (secret_await_line(terminal, signals) < 0)
        return error_set(err, ERROR_CANCELLED, "stopped while asking for the password; run again");
    return secret_read(terminal, true, "the terminal", out_secret, err);
}

int secret_from_terminal(const char *prompt, struct secret **out_secret, struct error *err)
{
    AUTO_FD fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    struct termios before;
    if (fd < 0 || tcgetattr(fd, &before) < 0)
        return error_set(err, ERROR_USAGE, "no password was given and there is no terminal to ask "
                         "for it; use --password-file FILE, or - for standard input");
    sigset_t stops, old;
    sigemptyset(&stops);
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaddset(&stops, signals[i]);
    sigprocmask(SIG_BLOCK, &stops, &old);
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
    silent.c_lflag |= ICANON | ECHONL | ISIG;
    secret_set_terminal(fd, &silent);
    int bad = secret_ask(fd, prompt, &stops, out_secret, err);
    secret_set_terminal(fd, &before);
    sigprocmask(SIG_SETMASK, &old, NULL); /* a signal that came is delivered here */
    return bad;
}

const char *secret_text(const struct secret *secret)
{
    return secret == NULL ? NULL : secret->text;
}

void secret_hide(const struct secret *secret, char *text)
{
    static const char mark[] = "***";
    if (secret->size < SECRET_HIDE_MIN)
        return;
    for (char *at = text; (at = strstr(at, secret->text)) != NULL; at += sizeof mark - 1) {
        memcpy(at, mark, sizeof mark - 1);
        char *rest = at + secret->size;
        memmove(at + sizeof mark - 1, rest, strlen(rest) + 1);
    }
}
