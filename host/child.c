/* SPDX-License-Identifier: Apache-2.0 */
/* child.c - run another program, with an end in sight. See child.h. */
#include <config.h>
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"

#define CHILD_STATUS_UNKNOWN 0xff00 /* exit code 255: what is not known is no success */
#define CHILD_DRAIN_MS                                                                             \
    200u /* for output that came before it ended, where others keep its pipe open */

/* One that runs. */
struct child {
    const struct child_task *task;
    struct child_result *result;
    char *output;
    size_t capacity, written; /* written: of the input */
    pid_t pid;
    int in, out; /* our ends; -1: closed */
    uint64_t end_ms;
};

static uint64_t child_now_ms(void)
{
    return clock_monotonic_ms(clock_system());
}

/* ---- Starting -------------------------------------------------------------------------------- */

/* 0 or an errno: each of them takes memory. */
static int child_set_files(posix_spawn_file_actions_t *files, const struct child_task *task, int in,
                           int out)
{
    int failed =
        in >= 0 ? posix_spawn_file_actions_adddup2(files, in, STDIN_FILENO)
                : posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (failed == 0)
        failed = posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
    if (failed == 0 && task->with_errors)
        failed = posix_spawn_file_actions_adddup2(files, out, STDERR_FILENO);
    else if (failed == 0)
        failed = posix_spawn_file_actions_addopen(files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
#ifdef HAVE_POSIX_SPAWN_FILE_ACTIONS_ADDCLOSEFROM_NP
    /* libcurl's wake-up pairs, for one, are not close-on-exec. */
    if (failed == 0)
        failed = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
#endif
    return failed;
}

/* @in and @out: the child's ends. */
static int child_spawn(struct child *child, int in, int out)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE); /* we ignore these, and what is ignored stays so */
    sigaddset(&usual, SIGXFSZ);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&how);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &usual);
    posix_spawnattr_setpgroup(&how, 0);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                       POSIX_SPAWN_SETPGROUP);
    int failed = child_set_files(&files, child->task, in, out);
    if (failed == 0)
        failed = posix_spawn(&child->pid, child->task->words[0], &files, &how, child->task->words,
                             child->task->environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    return failed;
}

/* 0 or an errno. */
static int child_start(struct child *child)
{
    int in[2] = {-1, -1}, out[2];
    if (pipe2(out, O_CLOEXEC) < 0)
        return errno;
    if (child->task->input != NULL && pipe2(in, O_CLOEXEC) < 0) {
        int why = errno;
        close(out[0]);
        close(out[1]);
        return why;
    }
    int failed = child_spawn(child, in[0], out[1]);
    if (in[0] >= 0)
        close(in[0]);
    close(out[1]);
    child->in = in[1];
    child->out = out[0];
    if (child->in >= 0)
        (void)fcntl(child->in, F_SETFL, O_NONBLOCK);
    (void)fcntl(child->out, F_SETFL, O_NONBLOCK);
    return failed;
}

static void child_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- Talking --------------------------------------------------------------------------------- */

/* What it does not want to read is its own affair: EPIPE (SIGPIPE is ignored) is no failure. */
static void child_write(struct child *child)
{
    const struct child_task *task = child->task;
    ssize_t n = write(child->in, (const char *)task->input + child->written,
                      task->input_size - child->written);
    if (n > 0)
        child->written += (size_t)n;
    if ((n < 0 && errno != EAGAIN && errno != EINTR) || child->written == task->input_size)
        child_close(&child->in);
}

static void child_read(struct child *child)
{
    char more[4096];
    struct child_result *result = child->result;
    bool full = result->size == child->capacity;
    if (full && child->task->one_line) { /* it may be a secret: none of it goes anywhere else */
        result->cut = true;
        child_close(&child->out);
        return;
    }
    char *to = full ? more : child->output + result->size;
    ssize_t n = read(child->out, to, full ? sizeof more : child->capacity - result->size);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        child_close(&child->out);
        return;
    }
    result->cut = result->cut || full;
    if (!full)
        result->size += (size_t)n;
    if (!child->task->one_line)
        return;
    const char *line_end = memchr(child->output, '\n', result->size);
    if (line_end != NULL)
        result->size = (size_t)(line_end - child->output);
    if (line_end != NULL)
        child_close(&child->out);
}

static bool child_is_over(const struct child *child)
{
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
           info.si_pid == child->pid;
}

static bool child_is_cancelled(const struct child *child)
{
    const struct child_task *task = child->task;
    return task->cancelled != NULL && task->cancelled(task->cancel_context) != 0;
}

/* One that says nothing more (its output goes to a file, say) may still read; who holds its input
 * when it is over reads for himself. */
static bool child_is_talking(const struct child *child, bool over)
{
    return child->out >= 0 || (child->in >= 0 && !over && !child->task->one_line);
}

/* Where it ended while others keep its pipe open, they are not waited for. */
static enum child_end child_talk(struct child *child)
{
    bool over = false;
    while (child_is_talking(child, over)) {
        uint64_t now_ms = child_now_ms();
        if (child_is_cancelled(child))
            return CHILD_CANCELLED;
        if (now_ms >= child->end_ms)
            return over ? CHILD_ENDED : CHILD_LATE;
        if (!over && child_is_over(child)) {
            over = true;
            if (child->end_ms - now_ms > CHILD_DRAIN_MS)
                child->end_ms = now_ms + CHILD_DRAIN_MS;
        }
        uint64_t left = child->end_ms - now_ms;
        struct pollfd fds[] = {{child->out, POLLIN, 0}, {child->in, POLLOUT, 0}};
        if (poll(fds, 2, (int)(left < CHILD_SLICE_MS ? left : CHILD_SLICE_MS)) <= 0)
            continue;
        if (fds[1].revents != 0)
            child_write(child);
        if (fds[0].revents != 0)
            child_read(child);
    }
    return CHILD_ENDED;
}

/* ---- Ending ---------------------------------------------------------------------------------- */

static void child_moment(void)
{
    const struct timespec moment = {0, 5000000};
    nanosleep(&moment, NULL);
}

static enum child_end child_await(struct child *child)
{
    while (!child_is_over(child)) {
        if (child_is_cancelled(child))
            return CHILD_CANCELLED;
        if (child_now_ms() >= child->end_ms)
            return CHILD_LATE;
        child_moment();
    }
    return CHILD_ENDED;
}

/* With all it started. It is not reaped before, so that its number is nobody else's. */
static void child_end(struct child *child)
{
    uint64_t end_ms = child_now_ms() + CHILD_GRACE_MS;
    (void)kill(-child->pid, SIGTERM);
    while (!child_is_over(child) && child_now_ms() < end_ms)
        child_moment();
    (void)kill(-child->pid, SIGKILL);
}

struct child_result child_run(const struct child_task *task, char *output, size_t capacity)
{
    struct child_result result = {.end = CHILD_NOT_STARTED};
    struct child child = {.task = task, .result = &result, .output = output, .capacity = capacity,
                          .in = -1, .out = -1};
    child.end_ms = child_now_ms() + task->limit_ms;
    result.errno_ = child_start(&child);
    if (result.errno_ == 0) {
        result.end = child_talk(&child);
        result.told = result.end == CHILD_ENDED;
        child_close(&child.out);
        child_close(&child.in);
        if (result.end == CHILD_ENDED && task->one_line)
            child.end_ms = child_now_ms() + task->end_ms;
        if (result.end == CHILD_ENDED)
            result.end = child_await(&child);
        if (result.end != CHILD_ENDED)
            child_end(&child);
        result.status = CHILD_STATUS_UNKNOWN;
        while (waitpid(child.pid, &result.status, 0) < 0 && errno == EINTR)
            ;
    }
    child_close(&child.out);
    child_close(&child.in);
    return result;
}
