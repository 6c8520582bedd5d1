/* SPDX-License-Identifier: Apache-2.0 */
/* serve-hook.c - hooks of work queues, told by threads of their own. See serve-private.h, hook.h.
 *
 * What is to be told lies in the queue (queue-hook.h); here is when, and by whom. Hooks share
 * nothing with the sources but the queue: a receiver that hangs costs one of their few threads, and
 * the pick-up nothing. A hook is told by one thread at a time, oldest first, some at a turn, and
 * what came of a turn is written down at once: little of the disk goes to it.
 *
 * A delivery that fails ends its turn, and rests its hook for a pause that doubles until something
 * arrives: a receiver that is down is asked for one entry now and then, not for all of them. The
 * delivery itself waits longer each time and is given up after hook-tries. */
#include <config.h>
#include "serve-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hook.h"
#include "queue-hook.h"
#include "text.h"

#define HOOK_TURN 32u            /* deliveries of one turn */
#define HOOK_TURN_MS 1000u       /* no other is begun after so long */
#define HOOK_GRACE_MS 2000u      /* for one that is under way when the daemon leaves */

/* How deliveries are made, as the settings were when the turn began. */
struct hook_rules {
    uint32_t limit_ms, tries;
    uint64_t first_ms, max_ms;
    char ca_file[SERVE_TEXT_MAX];
};

struct serve_hook {
    struct workers_job job;
    struct queue_hook now; /* as it stands in the queue; texts are owned */
    bool seen, in_flight;
    uint64_t failures, not_before_ms; /* since something arrived; it rests until */

    /* The turn's. */
    struct queue_hook turn; /* a copy */
    struct hook_rules rules;
    struct log log;
    atomic_uint_least64_t stop_ms; /* when what is under way is to be ended; 0: not */
    uint64_t arrived;
    bool failed, given_up, not_written;
    uint32_t retry_after_s;
    struct error err;
};

/* ---- Copies ---------------------------------------------------------------------------------- */

static void hook_clear(struct queue_hook *hook)
{
    free(TAKE(hook->target));
    free(TAKE(hook->secret));
    free(TAKE(hook->error));
}

/* All but the error's text. */
static int hook_copy(const struct queue_hook *from, struct queue_hook *out)
{
    struct queue_hook copy = *from;
    copy.error = NULL;
    copy.target = strdup(from->target);
    copy.secret = from->secret == NULL ? NULL : malloc(from->secret_size + 1);
    if (copy.target == NULL || (from->secret != NULL && copy.secret == NULL)) {
        hook_clear(&copy);
        return -1;
    }
    if (from->secret != NULL)
        memcpy(copy.secret, from->secret, from->secret_size);
    hook_clear(out);
    *out = copy;
    return 0;
}

static void serve_hook_free(struct serve_hook *hook)
{
    if (hook == NULL)
        return;
    hook_clear(&hook->now);
    hook_clear(&hook->turn);
    free(hook);
}

/* ---- A turn, in a thread --------------------------------------------------------------------- */

/* What came of a turn, to be written down. */
struct hook_results {
    struct queue_delivery_outcome items[HOOK_TURN];
    size_t count;
};

static int hook_is_stopped(void *context)
{
    const struct serve_hook *hook = context;
    uint64_t stop_ms = atomic_load(&hook->stop_ms);
    return stop_ms != 0 && clock_monotonic_ms(clock_system()) >= stop_ms;
}

static struct queue_delivery_outcome hook_failed(struct serve_hook *hook,
                                                 const struct queue_delivery *delivery,
                                                 const struct hook_answer *answer, int64_t now_s)
{
    const struct hook_rules *rules = &hook->rules;
    uint64_t pause_ms =
        retry_pause(rules->first_ms, rules->max_ms, delivery->tries + 1, arc4random());
    hook->failed = true;
    hook->retry_after_s = answer->retry_after_s;
    hook->given_up = answer->never || delivery->tries + 1 >= rules->tries;
    int64_t pause_s = (int64_t)(pause_ms / 1000);
    if (pause_s < answer->retry_after_s)
        pause_s = answer->retry_after_s;
    return (struct queue_delivery_outcome){
        .number = delivery->number,
        .hook = delivery->hook,
        .outcome = hook->given_up ? QUEUE_GIVEN_UP : QUEUE_AGAIN,
        .due_s = now_s + pause_s,
        .error = hook->err.text,
    };
}

/* false: the turn ends with this one. */
static bool hook_deliver(struct serve_hook *hook, const struct unit_worker *worker,
                         const struct queue_delivery *delivery, struct hook_results *results)
{
    struct hook_answer answer;
    const struct hook_options options = {
        .limit_ms = hook->rules.limit_ms,
        .ca_file = hook->rules.ca_file[0] == '\0' ? NULL : hook->rules.ca_file,
        .vault = worker->vault,
        .log = &hook->log,
        .now_s = clock_unix_s(worker->clock),
        .cancelled = hook_is_stopped,
        .cancel_context = hook,
    };
    int bad = hook_tell(&hook->turn, delivery, &options, &answer, &hook->err);
    if (bad < 0 && hook->err.class == ERROR_CANCELLED)
        return false; /* no failure of its: it stays as it was */
    if (bad < 0) {
        results->items[results->count++] = hook_failed(hook, delivery, &answer, options.now_s);
        return false;
    }
    hook->arrived++;
    results->items[results->count++] = (struct queue_delivery_outcome){
        .number = delivery->number, .hook = delivery->hook, .outcome = QUEUE_ARRIVED};
    return results->count < HOOK_TURN;
}

static void hook_run_turn(struct serve_hook *hook, struct unit_worker *worker)
{
    struct hook_results results = {.count = 0};
    struct queue_delivery_place at = {0};
    uint64_t end_ms = clock_monotonic_ms(worker->clock) + HOOK_TURN_MS;
    bool more = true;
    while (more && atomic_load(&hook->stop_ms) == 0) {
        AUTO(queue_delivery) delivery = NULL;
        if (queue_delivery_next(worker->queue, hook->turn.number, &at, &delivery, &hook->err) < 0) {
            hook->not_written = true;
            break;
        }
        more = delivery != NULL && hook_deliver(hook, worker, delivery, &results) &&
               clock_monotonic_ms(worker->clock) < end_ms;
    }
    struct error err;
    if (queue_delivery_tell(worker->queue, results.items, results.count, &err) == 0)
        return;
    hook->not_written = true; /* they will arrive again */
    hook->err = err;
}

static void hook_run_job(struct workers_job *job, struct unit_worker *worker)
{
    struct serve_hook *hook = job->context;
    if (worker != NULL) {
        hook_run_turn(hook, worker);
        return;
    }
    hook->not_written = true;
    error_set(&hook->err, ERROR_STORE, "the queue cannot be opened; see the log");
}

/* ---- Giving out ------------------------------------------------------------------------------ */

static struct hook_rules hook_rules_of(const struct serve_settings *settings)
{
    struct hook_rules rules = {.limit_ms = (uint32_t)settings->hook_timeout_ms,
                               .tries = (uint32_t)settings->hook_tries,
                               .first_ms = settings->hook_retry_first_ms,
                               .max_ms = settings->hook_retry_max_ms};
    text_copy(rules.ca_file, sizeof rules.ca_file, settings->hook_ca_file);
    return rules;
}

static void serve_hook_start(struct serve *serve, struct serve_hook *hook)
{
    struct error err;
    if (hook_copy(&hook->now, &hook->turn) < 0)
        return; /* at another tick */
    hook->rules = hook_rules_of(serve->options.settings);
    hook->log = *serve->options.log;
    hook->arrived = 0;
    hook->failed = hook->given_up = hook->not_written = false;
    hook->retry_after_s = 0;
    atomic_store(&hook->stop_ms, 0);
    hook->job = (struct workers_job){.run = hook_run_job, .context = hook};
    if (workers_give(serve->hook_workers, &hook->job, &err) < 0) {
        log_error(serve->options.log, &err);
        return;
    }
    hook->in_flight = true;
    serve->hooks_working++;
}

/* One thread is there for each hook that may be at work: no one that hangs keeps another waiting,
 * up to the limit. */
void serve_hooks_dispatch(struct serve *serve)
{
    int64_t now_s = clock_unix_s(serve->options.clock);
    uint64_t now_ms = serve_ms(serve);
    for (size_t i = 0; i < serve->hook_count && !serve->stopping; i++) {
        struct serve_hook *hook = serve->hooks[i];
        if (hook->seen && !hook->in_flight && hook->now.due_s != 0 && hook->now.due_s <= now_s &&
            now_ms >= hook->not_before_ms)
            serve_hook_start(serve, hook);
    }
}

/* ---- What there is --------------------------------------------------------------------------- */

struct hook_look {
    struct serve *serve;
    bool out_of_memory;
};

static struct serve_hook *serve_hook_find(const struct serve *serve, uint64_t number)
{
    for (size_t i = 0; i < serve->hook_count; i++)
        if (serve->hooks[i]->now.number == number)
            return serve->hooks[i];
    return NULL;
}

static struct serve_hook *serve_hook_add(struct serve *serve)
{
    struct serve_hook *hook = calloc(1, sizeof *hook);
    struct serve_hook **items = /* analyse: pointers */
        reallocarray(serve->hooks, serve->hook_count + 1, sizeof *serve->hooks);
    if (items != NULL)
        serve->hooks = items;
    if (hook == NULL || items == NULL) {
        free(hook); /* analyse: no leak, items is in serve->hooks */
        return NULL;
    }
    serve->hooks[serve->hook_count++] = hook;
    return hook;
}

/* Another target is tried at once. */
static void serve_hook_compare(struct serve_hook *hook, const struct queue_hook *given)
{
    if (hook->now.target != NULL && !text_equal(hook->now.target, given->target)) {
        hook->failures = 0;
        hook->not_before_ms = 0;
    }
}

static int serve_hook_visit(void *context, const struct queue_hook *given)
{
    struct hook_look *look = context;
    struct serve_hook *hook = serve_hook_find(look->serve, given->number);
    if (hook == NULL)
        hook = serve_hook_add(look->serve);
    look->out_of_memory = hook == NULL;
    if (hook == NULL)
        return 1;
    serve_hook_compare(hook, given);
    hook->seen = true;
    look->out_of_memory = hook_copy(given, &hook->now) < 0;
    if (look->out_of_memory)
        hook->now.number = given->number;
    return look->out_of_memory;
}

/* Those that are no longer set go as soon as nobody has them. */
static void serve_hooks_settle(struct serve *serve)
{
    size_t kept = 0;
    for (size_t i = 0; i < serve->hook_count; i++) {
        struct serve_hook *hook = serve->hooks[i];
        if (!hook->seen && hook->in_flight)
            atomic_store(&hook->stop_ms, 1); /* since ever */
        if (!hook->seen && !hook->in_flight)
            serve_hook_free(hook);
        else
            serve->hooks[kept++] = hook;
    }
    serve->hook_count = kept;
}

int serve_hooks_load(struct serve *serve, struct error *err)
{
    struct hook_look look = {.serve = serve};
    for (size_t i = 0; i < serve->hook_count; i++)
        serve->hooks[i]->seen = false;
    int bad = queue_hook_each(serve->queue, serve_hook_visit, &look, err);
    if (bad == 0 && look.out_of_memory)
        bad = error_oom(err, "reading the hooks");
    for (size_t i = 0; bad < 0 && i < serve->hook_count; i++)
        serve->hooks[i]->seen = serve->hooks[i]->now.target != NULL; /* nothing is known of them */
    serve_hooks_settle(serve);
    return bad;
}

/* ---- The end of a turn ----------------------------------------------------------------------- */

static void serve_hook_rest(struct serve *serve, struct serve_hook *hook)
{
    const struct hook_rules *rules = &hook->rules;
    if (hook->arrived > 0)
        hook->failures = 0;
    if (!hook->failed && !hook->not_written)
        return;
    hook->failures++;
    uint32_t times = hook->failures < UINT32_MAX ? (uint32_t)hook->failures : UINT32_MAX;
    uint64_t pause_ms = retry_pause(rules->first_ms, rules->max_ms, times, arc4random());
    uint64_t asked_ms = hook->retry_after_s * UINT64_C(1000);
    hook->not_before_ms = serve_ms(serve) + (pause_ms > asked_ms ? pause_ms : asked_ms);
}

static void serve_hook_tell(const struct serve *serve, const struct serve_hook *hook)
{
    const char *kind = queue_hook_kind_name(hook->turn.kind);
    if (hook->failed || hook->not_written)
        log_warning(serve->options.log, "%s of queue '%.100s': %.300s%s", kind, hook->turn.queue,
                    hook->err.text,
                    hook->given_up ? "; given up, mailchute queue redeliver tries it again" : "");
    else if (hook->arrived > 0 && hook->failures > 0)
        log_info(serve->options.log, "%s of queue '%.100s': it answers again", kind,
                 hook->turn.queue);
}

void serve_hook_ended(struct serve *serve, struct workers_job *job)
{
    struct serve_hook *hook = job->context;
    struct error err;
    hook->in_flight = false;
    serve->hooks_working--;
    serve_hook_tell(serve, hook);
    serve_hook_rest(serve, hook);
    if (!serve->stopping && serve_hooks_load(serve, &err) < 0)
        log_error(serve->options.log, &err);
}

void serve_hooks_stop(struct serve *serve)
{
    for (size_t i = 0; i < serve->hook_count; i++)
        atomic_store(&serve->hooks[i]->stop_ms,
                     clock_monotonic_ms(clock_system()) + HOOK_GRACE_MS);
}

void serve_hooks_free(struct serve *serve)
{
    for (size_t i = 0; i < serve->hook_count; i++)
        serve_hook_free(serve->hooks[i]);
    free(TAKE(serve->hooks));
    serve->hook_count = 0;
}

int serve_hooks_each(const struct serve *serve,
                     int (*each)(void *context, const struct queue_hook *hook), void *context)
{
    int bad = 0;
    for (size_t i = 0; i < serve->hook_count; i++)
        if (serve->hooks[i]->seen)
            bad |= each(context, &serve->hooks[i]->now);
    return bad;
}
