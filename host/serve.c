/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c - the daemon's loop: signals, descriptors, ticks, and the end. See serve.h. */
#include <config.h>
#include "serve.h"

#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "serve-private.h"
#include "text.h"

#define SERVE_EVENTS 256
#define SERVE_CLAIM_TRIES 10u
#define SERVE_TRIM_TURNS 100u /* the heap is looked at behind so many turns at least */
#define SERVE_STATUS_MS 5000u /* the service manager is told how many are how so often at most */

uint64_t serve_ms(const struct serve *serve)
{
    return clock_monotonic_ms(serve->options.clock);
}

struct source_now serve_now(const struct serve *serve)
{
    return (struct source_now){clock_unix_s(serve->options.clock), serve_ms(serve)};
}

/* ---- Signals --------------------------------------------------------------------------------- */

static int serve_watch_signals(struct serve *serve, struct error *err)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaddset(&set, signals[i]);
    sigprocmask(SIG_BLOCK, &set, NULL); /* before any thread: they inherit it */
    serve->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    serve->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return serve->signal_fd < 0 || serve->epoll_fd < 0
               ? error_set(err, ERROR_BUG, "no descriptor is left: %s; raise LimitNOFILE",
                           strerror(errno))
               : 0;
}

static void serve_stop(struct serve *serve)
{
    if (serve->stopping)
        return;
    serve->stopping = true;
    serve->stop_until_ms = serve_ms(serve) + SERVE_LEAVE_MS - 500;
    notify_send(&serve->notify, "STOPPING=1");
    log_info(serve->options.log, "stopping: batches in hand are finished");
    serve_hooks_stop(serve);
    for (size_t i = 0; i < serve->count; i++) {
        serve_halt(serve, serve->items[i]);
        served_changed(serve->items[i]); /* that it rests is told of each */
    }
}

static void serve_reload(struct serve *serve)
{
    struct error err;
    notify_reloading(&serve->notify);
    if (serve->options.settings_path != NULL) {
        struct serve_settings fresh = *serve->options.settings;
        if (serve_settings_read(&fresh, serve->options.settings_path, &err) < 0) {
            log_error(serve->options.log, &err); /* the old ones stay */
        } else {
            fresh.workers = serve->options.settings->workers; /* these take a restart */
            fresh.hooks = serve->options.settings->hooks;
            fresh.private_hosts = serve->options.settings->private_hosts;
            text_copy(fresh.listen, sizeof fresh.listen, serve->options.settings->listen);
            text_copy(fresh.queue, sizeof fresh.queue, serve->options.settings->queue);
            *serve->options.settings = fresh;
            if (!serve->options.level_given)
                serve->options.log->level = (uint32_t)fresh.log_level;
            serve->options.log->format = (enum log_format)fresh.log_format;
            serve->limits = serve_settings_limits(&fresh);
        }
    }
    if (serve_load(serve, true, &err) < 0)
        log_error(serve->options.log, &err);
    log_info(serve->options.log, "reloaded");
    notify_send(&serve->notify, "READY=1");
}

static void serve_sync_all(struct serve *serve)
{
    for (size_t i = 0; i < serve->count; i++)
        if (serve->items[i]->state.status != SOURCE_PAUSED &&
            serve->items[i]->state.status != SOURCE_HELD)
            serve_sync(serve, serve->items[i]);
}

static void serve_read_signals(struct serve *serve)
{
    struct signalfd_siginfo info;
    while (read(serve->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP && !serve->stopping)
            serve_reload(serve);
        else if (info.ssi_signo == SIGUSR1 && !serve->stopping)
            serve_sync_all(serve);
        else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            serve_stop(serve);
    }
}

/* ---- Events ---------------------------------------------------------------------------------- */

static void serve_collect(struct serve *serve)
{
    struct workers_job *job;
    while ((job = workers_collect(serve->workers)) != NULL) {
        if (job == &serve->tell.job)
            serve_tell_ended(serve);
        else
            serve_turn_ended(serve, job->context);
    }
}

static void serve_collect_hooks(struct serve *serve)
{
    struct workers_job *job;
    while ((job = workers_collect(serve->hook_workers)) != NULL)
        serve_hook_ended(serve, job);
}

static int serve_add_fd(struct serve *serve, int fd, void *what, struct error *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = what}};
    return epoll_ctl(serve->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0
               ? 0
               : error_set(err, ERROR_BUG, "a descriptor cannot be polled: %s", strerror(errno));
}

/* The descriptors of our own are told apart by what their events point to. */
static void serve_event(struct serve *serve, const struct epoll_event *event)
{
    if (event->data.ptr == &serve->signal_fd)
        serve_read_signals(serve);
    else if (event->data.ptr == serve)
        serve_collect(serve);
    else if (event->data.ptr == &serve->hook_workers)
        serve_collect_hooks(serve);
    else
        serve_polled(serve, event->data.ptr);
}

static void serve_status(struct serve *serve)
{
    unsigned by[SOURCE_STATUSES] = {0}, with[SOURCE_DETAILS] = {0};
    for (size_t i = 0; i < serve->count; i++) {
        by[serve->items[i]->state.status]++;
        with[serve->items[i]->state.detail]++;
    }
    notify_send(&serve->notify, "STATUS=%zu sources: %u active, %u importing, %u in error, %u "
                "paused, %u held; %u of them degraded, %u throttled", serve->count,
                by[SOURCE_ACTIVE], by[SOURCE_PENDING] + by[SOURCE_IMPORTING], by[SOURCE_ERROR],
                by[SOURCE_PAUSED], by[SOURCE_HELD], with[SOURCE_DEGRADED], with[SOURCE_THROTTLED]);
}

/* What many turns left in the heap goes back to the system, once few are at work. */
static void serve_trim(struct serve *serve)
{
    unsigned threads = workers_threads(serve->workers);
    bool fewer = threads < serve->threads; /* each had a connection to the database */
    serve->threads = threads;
    if (serve->ready_first != NULL || serve->working > serve->options.settings->workers / 4)
        return;
    if (!fewer && serve->turns < SERVE_TRIM_TURNS + serve->count / 2)
        return;
    serve->turns = 0;
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}

/* Units know of mail that is in the queue which they have put it into: none of them may go on with
 * another one, nor is it known what else was replaced. Whoever starts the daemon again starts anew. */
static void serve_check_queue(struct serve *serve)
{
    struct error err;
    if (serve->lost.class != ERROR_NONE || queue_check(serve->queue, &err) == 0)
        return;
    serve->lost = err;
    serve_stop(serve);
}

static void serve_tick(struct serve *serve)
{
    uint64_t now_ms = serve_ms(serve);
    struct error err;
    if (now_ms < serve->tick_ms)
        return;
    serve->tick_ms = now_ms + SERVE_TICK_MS;
    atomic_store(&serve->beat_ms, now_ms);
    serve_check_queue(serve);
    bool failed = !serve->stopping && (serve_load(serve, false, &err) < 0 ||
                                       serve_hooks_load(serve, &err) < 0);
    if (failed && !serve->read_fails)
        log_error(serve->options.log, &err);
    serve->read_fails = failed;
    if (!serve->stopping)
        serve_deadlines(serve);
    serve_settle_gone(serve);
    if (serve->notify.watchdog_ms > 0 && now_ms >= serve->watchdog_ms) {
        serve->watchdog_ms = now_ms + serve->notify.watchdog_ms;
        notify_send(&serve->notify, "WATCHDOG=1");
    }
    if (now_ms >= serve->status_ms) {
        serve->status_ms = now_ms + SERVE_STATUS_MS;
        serve_status(serve);
        serve_trim(serve);
    }
}

static bool serve_is_at_rest(const struct serve *serve)
{
    return serve->stopping && serve->working == 0 && serve->hooks_working == 0 &&
           serve->ready_first == NULL;
}

static bool serve_has_left(const struct serve *serve)
{
    return (serve_is_at_rest(serve) && !serve->tell.in_flight) ||
           (serve->stopping && serve_ms(serve) >= serve->stop_until_ms);
}

static int serve_turn_loop(struct serve *serve)
{
    struct epoll_event events[SERVE_EVENTS];
    uint64_t now_ms = serve_ms(serve);
    int wait_ms = now_ms >= serve->tick_ms ? 0 : (int)(serve->tick_ms - now_ms);
    int count = epoll_wait(serve->epoll_fd, events, SERVE_EVENTS, wait_ms);
    if (count < 0 && errno != EINTR)
        return -1;
    pthread_mutex_lock(&serve->lock);
    for (int i = 0; i < count; i++)
        serve_event(serve, &events[i]);
    serve_tick(serve);
    serve_dispatch(serve);
    serve_hooks_dispatch(serve);
    if (serve_is_at_rest(serve))
        serve->tell_ms = 0; /* the last ones are due at once */
    serve_tell(serve);
    pthread_mutex_unlock(&serve->lock);
    return 0;
}

int serve_run(struct serve *serve, struct error *err)
{
    notify_send(&serve->notify, "READY=1");
    log_info(serve->options.log, "serving %zu sources", serve->count);
    while (!serve_has_left(serve))
        if (serve_turn_loop(serve) < 0)
            return error_set(err, ERROR_BUG, "waiting for events failed: %s", strerror(errno));
    if (serve->lost.class != ERROR_NONE) {
        *err = serve->lost;
        return -1;
    }
    return 0;
}

/* ---- Start and end --------------------------------------------------------------------------- */

/* An idle source holds a descriptor or three. */
static void serve_raise_limits(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static int serve_claim(struct queue_claims *claims, struct queue *queue, struct error *err)
{
    return queue_claims_take(claims, queue, "mailchute", "serve", "daemon", err);
}

bool serve_is_running(struct queue *queue)
{
    struct queue_claims claims = {0};
    struct error err;
    bool is_free = serve_claim(&claims, queue, &err) == 0;
    queue_claims_done(&claims);
    return !is_free && err.class == ERROR_PAUSE;
}

/* A command may be looking whether one runs: it has the claim for a moment. */
static int serve_be_the_one(struct serve *serve, struct error *err)
{
    const struct timespec moment = {0, 20000000};
    for (unsigned try = 0; try < SERVE_CLAIM_TRIES; try++) {
        if (serve_claim(&serve->claims, serve->queue, err) == 0)
            return 0;
        if (err->class != ERROR_PAUSE)
            return -1;
        (void)nanosleep(&moment, NULL);
    }
    return error_set(err, ERROR_PAUSE, "another mailchute serve has this queue; stop it first, or "
                     "name another queue by --queue");
}

static int serve_open(struct serve *serve, struct error *err)
{
    const struct serve_options *options = &serve->options;
    serve_raise_limits();
    if (options->open_queue(options->queue_url, &serve->queue, err) < 0 ||
        serve_be_the_one(serve, err) < 0 ||
        vault_open(queue_folder(serve->queue), &serve->vault, err) < 0)
        return -1;
    serve->asking = true; /* before signals are blocked: Ctrl-C is to end a question */
    if (serve_load(serve, true, err) < 0 || serve_watch_signals(serve, err) < 0)
        return -1;
    serve->asking = false;
    const struct workers_options workers = {.most = serve_threads_most(serve) + 1,
                                            .queue_url = options->queue_url,
                                            .queue = serve->queue,
                                            .clock = options->clock,
                                            .vault = serve->vault,
                                            .log = options->log,
                                            .open_queue = options->open_queue};
    struct workers_options hooks = workers;
    hooks.most = (unsigned)options->settings->hooks;
    if (workers_new(&workers, &serve->workers, err) < 0 ||
        workers_new(&hooks, &serve->hook_workers, err) < 0 ||
        serve_add_fd(serve, workers_fd(serve->hook_workers), &serve->hook_workers, err) < 0 ||
        serve_add_fd(serve, serve->signal_fd, &serve->signal_fd, err) < 0 ||
        serve_add_fd(serve, workers_fd(serve->workers), serve, err) < 0)
        return -1;
    atomic_store(&serve->beat_ms, serve_ms(serve));
    return 0;
}

int serve_new(const struct serve_options *options, struct serve **out_serve, struct error *err)
{
    struct serve *serve = calloc(1, sizeof *serve);
    if (serve == NULL)
        return error_oom(err, "starting the daemon");
    serve->options = *options;
    serve->limits = serve_settings_limits(options->settings);
    serve->epoll_fd = serve->signal_fd = -1;
    serve->ready_last = &serve->ready_first;
    pthread_mutex_init(&serve->lock, NULL);
    notify_open(&serve->notify);
    if (serve_open(serve, err) < 0) {
        (void)serve_free(serve);
        return -1;
    }
    *out_serve = serve;
    return 0;
}

static void serve_close_all(struct serve *serve)
{
    for (size_t i = 0; i < serve->count; i++) {
        unit_close(serve->items[i]->unit); /* at once: it was told to stop */
        served_free(serve->items[i]);
    }
    serve_hooks_free(serve);
    while (serve->hosts != NULL) {
        struct serve_host *host = serve->hosts;
        serve->hosts = host->next;
        free(host->name);
        free(host);
    }
    free(serve->items);
    vault_close(serve->vault);
    queue_claims_done(&serve->claims);
    queue_close(serve->queue);
}

bool serve_free(struct serve *serve)
{
    if (serve == NULL)
        return true;
    notify_close(&serve->notify);
    bool ended = workers_free(serve->workers, 500);
    if (!workers_free(serve->hook_workers, 500) || !ended) {
        log_warning(serve->options.log, "a loader, a hook, or a write to the queue does not end; "
                    "left without it, nothing is lost");
        return false; /* it uses all of this still */
    }
    serve_close_all(serve);
    if (serve->epoll_fd >= 0)
        close(serve->epoll_fd);
    if (serve->signal_fd >= 0)
        close(serve->signal_fd);
    pthread_mutex_destroy(&serve->lock);
    free(serve);
    return true;
}
