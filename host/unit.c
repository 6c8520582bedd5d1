/* SPDX-License-Identifier: Apache-2.0 */
/* unit.c - one source at work. See unit.h. */
#include <config.h>
#include "unit-private.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "connection-text.h"
#include "deliver-keys.h"
#include "loader-error.h"
#include "source-secret.h"
#include "text.h"

void unit_set_source(struct unit *unit, struct queue_source *source)
{
    queue_source_free(unit->source);
    unit->source = source;
    unit->delivers = deliver_keys_deliver(source->connection);
    memset(&unit->delivery, 0, sizeof unit->delivery);
}

struct unit *unit_new(struct queue_source *source, const struct clock *clock)
{
    struct unit *unit = calloc(1, sizeof *unit);
    if (unit == NULL) {
        queue_source_free(source);
        return NULL;
    }
    unit_set_source(unit, source);
    unit->turn.wait_fd = -1;
    unit->table.clock = clock;
    return unit;
}

void unit_free(struct unit *unit)
{
    if (unit == NULL)
        return;
    secret_free(unit->asked);
    free(unit->turn.cursor);
    plugin_close(unit->plugin);
    queue_source_free(unit->source);
    free(unit);
}

void unit_forget_plugin(struct unit *unit)
{
    plugin_close(TAKE(unit->plugin));
}

void unit_set_log(struct unit *unit, const struct log *log)
{
    unit->log = *log;
    unit->log.source = unit->source->name;
    unit->log.shadow = &unit->shadow; /* a server may say it as long as it is there */
}

/* ---- Stopping -------------------------------------------------------------------------------- */

int unit_asked_to_stop(void *context)
{
    return atomic_load(&((struct unit *)context)->stop);
}

/* What the loader is told: a batch whose entries are durable may still be settled. */
static int unit_cancelled(void *context)
{
    struct unit *unit = context;
    return atomic_load(&unit->stop) &&
           clock_monotonic_ms(unit->table.clock) >= atomic_load(&unit->grace_until_ms);
}

static void unit_grant_grace(void *context)
{
    struct unit *unit = context;
    atomic_store(&unit->grace_until_ms, clock_monotonic_ms(unit->table.clock) + UNIT_GRACE_MS);
}

/* ---- Opening and closing --------------------------------------------------------------------- */

void unit_close(struct unit *unit)
{
    if (unit->handle != NULL)
        unit->plugin->table.close(TAKE(unit->handle));
    host_table_done(&unit->table);
    queue_claims_done(&unit->claims);
    unit->shadow = (struct secret_shadow){0};
    unit->close_first = false;
}

static void unit_tell_left(struct unit *unit)
{
    atomic_store(&unit->left, unit->expected > unit->seen ? unit->expected - unit->seen : 0);
}

static void unit_expect(void *context, uint64_t messages)
{
    struct unit *unit = context;
    unit->expected = messages;
    unit_tell_left(unit);
}

static void unit_set_table(struct unit *unit, struct unit_worker *worker)
{
    unit->table = (struct host_table){.clock = worker->clock,
                                      .log = &unit->log,
                                      .cancelled = unit_cancelled,
                                      .cancel_context = unit,
                                      .queue = worker->queue,
                                      .claims = &unit->claims,
                                      .loader_name = unit->plugin->table.name,
                                      .progress = unit_expect,
                                      .progress_context = unit};
    host_table_init(&unit->table);
}

/* The interval of the source is the loader's poll, where it has one and the string sets none. Keys
 * of the host's are left out. */
static int unit_connection(const struct unit *unit, char **out_connection, struct error *err)
{
    const struct loader_plugin *plugin = &unit->plugin->table;
    const struct queue_source *source = unit->source;
    AUTO(deliver_keys) keys = NULL;
    AUTO_TEXT set = NULL;
    bool has_poll = false;
    char interval[32];
    for (uint64_t i = 0; i < plugin->option_count; i++)
        has_poll = has_poll || text_equal_nocase(plugin->options[i].key, "poll");
    if (deliver_keys_read(source->connection, &keys, err) < 0 ||
        connection_get(keys->connection, "poll", &set, err) < 0)
        return -1;
    (void)snprintf(interval, sizeof interval, "%llus", (unsigned long long)source->interval_s);
    return connection_set(keys->connection, "poll",
                          set != NULL ? set : has_poll ? interval : NULL, out_connection, err);
}

static int unit_use_handle(struct unit *unit, const struct secret *secret, uint32_t flags,
                           unit_use use, struct error *err)
{
    AUTO_TEXT connection = NULL;
    if (unit_connection(unit, &connection, err) < 0)
        return -1;
    const struct loader_settings settings = {.struct_size = sizeof settings,
                                             .flags = flags | (unit->guarded ? LOADER_GUARDED : 0),
                                             .connection = connection,
                                             .user = unit->source->user,
                                             .secret = secret_text(secret)};
    struct loader_error theirs;
    loader_error_clear(&theirs);
    if (secret_shadow_cast(secret, &unit->shadow, err) < 0)
        return -1;
    return use(unit, &settings, &theirs) == 0
               ? 0
               : loader_error_read(&theirs, unit->plugin->table.name, err);
}

/* The password is here only as long as the loader is being opened; it wipes its copy once it is
 * in. Its shadow stays until the unit is closed. */
int unit_use_loader(struct unit *unit, struct unit_worker *worker, uint32_t flags, unit_use use,
                    struct error *err)
{
    AUTO(secret) secret = NULL;
    if (unit->plugin == NULL && plugin_open(unit->source->loader, &unit->plugin, err) < 0)
        return -1;
    unit_set_table(unit, worker);
    if (unit->asked == NULL && source_secret_read(unit->source, worker->vault, unit_asked_to_stop,
                                                  unit, &secret, err) < 0)
        return -1;
    if (unit->asked == NULL && secret == NULL && unit->source->user != NULL)
        return error_set(err, ERROR_CONFIG, "source '%s': its password is not stored; start "
                         "mailchute serve on a terminal to be asked for it", unit->source->name);
    return unit_use_handle(unit, unit->asked != NULL ? unit->asked : secret, flags, use, err);
}

static int unit_use_open(struct unit *unit, const struct loader_settings *settings,
                         struct loader_error *theirs)
{
    if (unit->plugin->table.open(&unit->table.loader, settings, &unit->handle, theirs) == 0)
        return 0;
    unit->handle = NULL;
    return -1;
}

int unit_open(struct unit *unit, struct unit_worker *worker, uint32_t flags, struct error *err)
{
    unit->expected = unit->seen = 0;
    unit->turn.logged_in = true;
    return unit_use_loader(unit, worker, flags, unit_use_open, err);
}

/* ---- Failing --------------------------------------------------------------------------------- */

#define UNIT_DESCRIPTORS 8u /* that a log-in may take at once */

/* What a try that failed had open is closed by now, so one that is free means nothing. One thread
 * after the other: together they would take what each looks for. */
static bool unit_lacks_descriptors(void)
{
    static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
    int fds[UNIT_DESCRIPTORS];
    size_t count = 0;
    pthread_mutex_lock(&turn);
    while (count < UNIT_DESCRIPTORS &&
           (fds[count] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO)) >= 0)
        count++;
    bool lacks = count < UNIT_DESCRIPTORS && errno == EMFILE;
    while (count > 0)
        close(fds[--count]);
    pthread_mutex_unlock(&turn);
    return lacks;
}

/* What the server said, or a person has to mend, is so with any number of descriptors. */
static bool unit_needs_descriptors(enum error_class class)
{
    return class == ERROR_UNREACHABLE || class == ERROR_LINK || class == ERROR_STORE ||
           class == ERROR_CREATE || class == ERROR_CONFIG || class == ERROR_BUG;
}

void unit_blame_descriptors(struct error *err)
{
    struct rlimit files = {0, 0};
    if (!unit_needs_descriptors(err->class) || !unit_lacks_descriptors())
        return;
    (void)getrlimit(RLIMIT_NOFILE, &files);
    error_set(err, ERROR_STORE,
              "no descriptors are left, %llu are allowed; raise LimitNOFILE, or serve fewer sources",
              (unsigned long long)files.rlim_cur);
}

/* ---- The turn -------------------------------------------------------------------------------- */

struct unit_share {
    struct unit *unit;
    struct pump *pump;
    uint64_t end_ms;
    char cursor[UNIT_CURSOR_MAX];
};

/* Told of each entry once it is durable. */
static int unit_stored(void *context, const struct pump_event *event)
{
    struct unit_share *share = context;
    struct unit_turn *turn = &share->unit->turn;
    share->unit->seen++;
    unit_tell_left(share->unit);
    turn->contact = true;
    text_copy(share->cursor, sizeof share->cursor, event->key);
    return clock_monotonic_ms(share->pump->clock) >= share->end_ms;
}

static void unit_set_pump(struct unit *unit, struct unit_worker *worker, struct unit_share *share)
{
    worker->pump = (struct pump){.plugin = &unit->plugin->table,
                                 .handle = unit->handle,
                                 .queue = worker->queue,
                                 .clock = worker->clock,
                                 .queue_name = unit->source->queue,
                                 .source = unit->source->name,
                                 .cancel_fd = -1,
                                 .cancelled = unit_asked_to_stop,
                                 .finishing = unit_grant_grace,
                                 .cancel_context = unit,
                                 .stored = unit_stored,
                                 .stored_context = share,
                                 .log = &unit->log};
    share->unit = unit;
    share->pump = &worker->pump;
    share->end_ms = clock_monotonic_ms(worker->clock) + UNIT_TURN_MS;
}

/* All is picked up: what is there to poll for? A mailbox that waits is nobody's until there is
 * work. */
static int unit_wait(struct unit *unit, struct error *err)
{
    const struct loader_plugin *plugin = &unit->plugin->table;
    uint64_t most = UINT32_MAX / 1000, wanted = unit->source->interval_s;
    uint64_t seconds = wanted < most ? wanted : most;
    struct loader_wait wait = {.struct_size = sizeof wait,
                               .fd = -1,
                               .timeout_ms = (uint32_t)(seconds * 1000)};
    struct loader_error theirs;
    loader_error_clear(&theirs);
    if (plugin->wait != NULL && plugin->wait(unit->handle, &wait, &theirs) != 0)
        return loader_error_read(&theirs, plugin->name, err);
    queue_claims_done(&unit->claims);
    host_table_spare(&unit->table);
    unit->turn.end = UNIT_DRAINED;
    unit->turn.wait_fd = wait.fd;
    unit->turn.wait_events = wait.events;
    unit->turn.wait_ms = wait.timeout_ms;
    return 0;
}

static int unit_work(struct unit *unit, struct unit_worker *worker, struct error *err)
{
    struct unit_share share;
    uint32_t flags = LOADER_WATCH | (unit->releases ? LOADER_ACCEPT_NEW_UIDS : 0);
    if (unit->handle == NULL && unit_open(unit, worker, flags, err) < 0)
        return -1;
    unit_set_pump(unit, worker, &share);
    share.cursor[0] = '\0';
    int bad = pump_run(&worker->pump, err);
    unit->turn.cursor = share.cursor[0] == '\0' ? NULL : strdup(share.cursor);
    const struct pump_counts *counts = &worker->pump.counts;
    unit->turn.items = counts->stored + counts->bad;
    unit->turn.contact = unit->turn.contact || bad == 0;
    if (bad < 0)
        return -1;
    unit->turn.end = UNIT_SHARE_USED;
    if (worker->pump.sweeps == 0)
        return 0;
    atomic_store(&unit->left, counts->released);
    unit->expected = unit->seen = 0; /* the pass is over */
    return unit_wait(unit, err);
}

void unit_turn(struct unit *unit, struct unit_worker *worker)
{
    unit->turn = (struct unit_turn){.end = UNIT_CLOSED, .wait_fd = -1};
    unit->table.queue = worker->queue; /* the last turn's is another worker's */
    if (unit->close_first) {
        unit_close(unit);
        unit->delivery.walk_ms = 0;
    }
    if (unit_asked_to_stop(unit)) {
        unit_close(unit);
        return;
    }
    if ((unit->delivers ? unit_deliver(unit, worker, &unit->turn.err)
                        : unit_work(unit, worker, &unit->turn.err)) == 0)
        return;
    secret_shadow_hide(&unit->shadow, unit->turn.err.text);
    unit_blame_descriptors(&unit->turn.err);
    unit->turn.end = unit->turn.err.class == ERROR_CANCELLED ? UNIT_CLOSED : UNIT_FAILED;
    unit_close(unit);
}
