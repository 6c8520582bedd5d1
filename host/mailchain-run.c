/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-run.c - see mailchain-run.h. */
#include <config.h>
#include "mailchain-run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "deliver.h"
#include "host-table.h"
#include "loader-error.h"
#include "pump.h"
#include "text.h"
#include "write-all.h"

#define RUN_MINUTE_MS 60000u
#define RUN_PAUSE_MAX_MS 900000u    /* where the interval is shorter */
#define RUN_REFUSED_MS 3600000u     /* between tries of a password that was refused */
#define RUN_REFUSED_TRIES 3u        /* refusals before that */

/* One of the two things to do. */
struct run_part {
    struct retry_history history;
    uint64_t due_ms; /* when it is to be done (again); UINT64_MAX: when the other one is done */
};

struct run_state {
    struct host_table table; /* first: the loader's calls come with it */
    struct mailchain_run *run;
    void *chain; /* the open loader of the client, NULL: none */
    struct run_part looking, delivering;
};

/* ---- The log file ---------------------------------------------------------------------------- */

static char *run_join(const char *a, const char *between, const char *b)
{
    char *text = NULL;
    return asprintf(&text, "%s%s%s", a, between, b) < 0 ? NULL : text;
}

/* Opened for each line: whoever renames it gets a new one. A line that cannot be written is no
 * reason to stop. */
static void run_tell(const struct mailchain_run *run, const char *text)
{
    char when[64];
    struct tm local;
    time_t now = time(NULL);
    if (localtime_r(&now, &local) == NULL ||
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S %z", &local) == 0)
        return;
    AUTO_TEXT path = run_join(run->folder, "/", MAILCHAIN_LOG_FILE);
    AUTO_TEXT line = run_join(when, " ", text);
    if (path == NULL || line == NULL)
        return;
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || write_all(fd, line, strlen(line)) < 0 ||
        write_all(fd, "\n", 1) < 0)
        log_warning(run->log, "'%s' cannot be written: %s", path, strerror(errno));
    log_info(run->log, "%s", text);
}

static void run_tell_error(const struct mailchain_run *run, const struct error *err)
{
    char text[ERROR_TEXT_MAX + 16];
    if (err->class == ERROR_CANCELLED)
        return;
    (void)snprintf(text, sizeof text, "Error: %s", err->text);
    run_tell(run, text);
    log_warning(run->log, "%s", err->text);
}

/* ---- One round ------------------------------------------------------------------------------- */

static void run_set_table(const struct mailchain_run *run, const struct source *source,
                          struct queue *queue, struct host_table *out_table)
{
    *out_table = (struct host_table){.clock = clock_system(),
                                     .log = run->log,
                                     .cancelled = cancel_now,
                                     .cancel_context = run->cancel,
                                     .queue = queue,
                                     .loader_name = source->plugin->table.name};
    host_table_init(out_table);
}

static int run_open(const struct source *source, const struct host_table *table, uint32_t flags,
                    void **out_handle, struct error *err)
{
    const struct loader_plugin *plugin = &source->plugin->table;
    struct loader_settings settings;
    struct loader_error theirs;
    source_settings(source, flags, 0, &settings);
    loader_error_clear(&theirs);
    if (plugin->open(&table->loader, &settings, out_handle, &theirs) == 0)
        return 0;
    return loader_error_read(&theirs, plugin->name, err);
}

/* A place that fails while others do not is told by the loader alone. */
static void run_heard(void *context, uint32_t level, const char *text)
{
    const struct run_state *state = context;
    struct error err = {0};
    if (level > LOADER_LOG_WARNING) {
        log_event(state->run->log, level, text);
        return;
    }
    text_copy(err.text, sizeof err.text, text);
    run_tell_error(state->run, &err);
}

static int run_open_chain(struct run_state *state, struct error *err)
{
    const struct mailchain_run *run = state->run;
    if (state->chain != NULL)
        return 0;
    run_set_table(run, run->chain, run->queue, &state->table);
    state->table.loader.log = run_heard;
    if (run_open(run->chain, &state->table, 0, &state->chain, err) == 0)
        return 0;
    state->chain = NULL;
    host_table_done(&state->table);
    return -1;
}

static void run_close_chain(struct run_state *state)
{
    if (state->chain == NULL)
        return;
    state->run->chain->plugin->table.close(state->chain);
    state->chain = NULL;
    host_table_done(&state->table);
}

/* From the client into the queue. */
static int run_pick_up(struct run_state *state, struct error *err)
{
    const struct mailchain_run *run = state->run;
    if (run_open_chain(state, err) < 0)
        return -1;
    struct pump *pump = calloc(1, sizeof *pump);
    if (pump == NULL)
        return error_oom(err, "picking up messages");
    *pump = (struct pump){.plugin = &run->chain->plugin->table,
                          .handle = state->chain,
                          .queue = run->queue,
                          .clock = clock_system(),
                          .queue_name = MAILCHAIN_QUEUE_NAME,
                          .source = run->chain->name,
                          .cancel_fd = run->cancel->fd,
                          .cancelled = cancel_asked,
                          .finishing = cancel_grace,
                          .cancel_context = run->cancel,
                          .log = run->log};
    int bad = pump_run(pump, err);
    bool released = pump->counts.released > 0; /* this handle does not hand them out again */
    free(pump);
    if (released || (bad < 0 && err->class != ERROR_PAUSE)) /* after a failure it is of no use */
        run_close_chain(state);
    return bad;
}

/* A message is known by its Message-ID alone: its key (mailchain-store.h). */
static bool run_is_known(void *context, const struct queue_entry *entry)
{
    const struct mailchain_run *run = context;
    return entry->uid == 0 && entry->key != NULL && mailchain_store_has(run->store, entry->key);
}

/* From the queue into the mailbox. @refused: how many the server does not take. */
static int run_deliver(struct mailchain_run *run, uint64_t *refused, struct error *err)
{
    struct host_table table;
    const struct deliver_folder folder = {run->config->by_address ? "Address>Protocol>Network"
                                                                  : "Protocol>Network>Address",
                                          DELIVER_FOLDER_ROOT, run->config->mainnet_to_inbox};
    struct deliver deliver = {.plugin = &run->imap->plugin->table,
                              .queue = run->queue,
                              .folder = &folder,
                              .queue_name = MAILCHAIN_QUEUE_NAME,
                              .log = run->log,
                              .cancelled = cancel_asked,
                              .cancel_context = run->cancel,
                              .known = run_is_known,
                              .known_context = run};
    run_set_table(run, run->imap, NULL, &table);
    int bad = run_open(run->imap, &table, LOADER_DELIVER, &deliver.handle, err);
    if (bad == 0) {
        AUTO_TEXT target = NULL;
        bad = deliver_claim(run->queue, deliver.plugin->account(deliver.handle), NULL, &target,
                            err);
        deliver.target = target;
        if (bad == 0)
            bad = deliver_run(&deliver, err);
        deliver.plugin->close(deliver.handle);
    }
    host_table_done(&table);
    *refused = deliver.counts.refused + deliver.counts.aside;
    return bad < 0 ? source_hide(run->imap, err) : 0;
}

/* ---- Rounds ---------------------------------------------------------------------------------- */

uint64_t mailchain_run_pause(struct retry_history *history, uint32_t interval_s,
                             const struct error *err, uint64_t now_ms)
{
    uint64_t interval_ms = (uint64_t)interval_s * 1000;
    const struct retry_limits limits = {
        .first_ms = RUN_MINUTE_MS,
        .max_ms = interval_ms > RUN_PAUSE_MAX_MS ? interval_ms : RUN_PAUSE_MAX_MS,
        .person_ms = interval_ms,
        .refused_ms = interval_ms > RUN_REFUSED_MS ? interval_ms : RUN_REFUSED_MS,
        .refused_tries = RUN_REFUSED_TRIES};
    uint64_t least_ms = err->class == ERROR_CREDENTIALS ? interval_ms : RUN_MINUTE_MS;
    uint32_t all = error_reach(err->class) == ERROR_REACH_LINK ? UINT32_MAX : 0; /* no jitter */
    uint64_t pause_ms = retry_failed(history, &limits, err, all, now_ms).wait_ms;
    return pause_ms > least_ms ? pause_ms : least_ms;
}

static void run_tell_refused(const struct mailchain_run *run, uint64_t pause_ms)
{
    char text[200];
    (void)snprintf(text, sizeof text, "The password is tried again in %u minutes only, so that the "
                   "account is not locked: start again with the right one, or mend its file",
                   (unsigned int)(pause_ms / RUN_MINUTE_MS));
    run_tell(run, text);
    log_warning(run->log, "%s", text);
}

/* It failed: that is told, and when it is done again. */
static int run_failed(const struct mailchain_run *run, struct run_part *part,
                      const struct error *err)
{
    uint64_t now_ms = clock_monotonic_ms(clock_system());
    uint64_t pause_ms =
        mailchain_run_pause(&part->history, run->config->interval_s, err, now_ms);
    part->due_ms = now_ms + pause_ms;
    run_tell_error(run, err);
    if (err->class == ERROR_CREDENTIALS)
        run_tell_refused(run, pause_ms);
    return -1;
}

/* It went well: it is done again at this time. */
static void run_went_well(struct run_part *part, uint64_t due_ms)
{
    part->history = (struct retry_history){0};
    part->due_ms = due_ms;
}

static bool run_is_due(const struct run_part *part)
{
    return clock_monotonic_ms(clock_system()) >= part->due_ms;
}

/* Also what the loader left out makes a round that is not well. */
static int run_look(struct run_state *state, struct error *err)
{
    run_tell(state->run, "Checking messages");
    if (run_pick_up(state, err) < 0)
        return run_failed(state->run, &state->looking, err);
    run_went_well(&state->looking, clock_monotonic_ms(clock_system()) +
                                       (uint64_t)state->run->config->interval_s * 1000);
    if (state->table.trouble_class == ERROR_NONE)
        return 0;
    error_set(err, state->table.trouble_class, "%s",
              state->table.trouble != NULL ? state->table.trouble : "a part was left out");
    run_tell_error(state->run, err);
    return -1;
}

/* One that was refused is read anew, where it is in a file. */
static int run_read_password(const struct run_state *state, struct error *err)
{
    struct source *source = state->run->imap;
    bool file = source->password_file != NULL && !text_equal(source->password_file, "-");
    if (!file || (source->plugin != NULL && state->delivering.history.refusals == 0))
        return 0;
    state->run->log->secret = NULL;
    source_done(source);
    return source_open(source, state->run->log, err);
}

/* Messages that the server does not take make a round that is not well, and no pause longer. */
static int run_put(struct run_state *state, struct error *err)
{
    uint64_t refused = 0;
    if (run_read_password(state, err) < 0 || run_deliver(state->run, &refused, err) < 0)
        return run_failed(state->run, &state->delivering, err);
    run_went_well(&state->delivering, UINT64_MAX);
    if (refused == 0)
        return 0;
    error_set(err, ERROR_MAIL,
              "%" PRIu64 " messages are refused by the mail server, and left in the queue after %u "
              "tries; standard error tells which and why when they are tried",
              refused, DELIVER_TRIES);
    run_tell_error(state->run, err);
    return -1;
}

/* What was picked up before is delivered also when the client does not answer now. Done is what
 * ends well. The failure that is told is that of looking, if there is one. */
static int run_round(struct run_state *state, struct error *err)
{
    struct error other = {0};
    bool looks = run_is_due(&state->looking);
    int looked = looks ? run_look(state, err) : 0;
    bool puts = run_is_due(&state->delivering) || (looks && state->delivering.due_ms == UINT64_MAX);
    int put = puts ? run_put(state, looked < 0 ? &other : err) : 0;
    if (puts && put == 0 && looked == 0 && state->looking.history.failures == 0)
        run_tell(state->run, "Done");
    return looked < 0 || put < 0 ? -1 : 0;
}

static void run_sleep(const struct run_state *state)
{
    const struct cancel *cancel = state->run->cancel;
    uint64_t end_ms = state->looking.due_ms < state->delivering.due_ms ? state->looking.due_ms
                                                                       : state->delivering.due_ms;
    for (uint64_t now = 0; (now = clock_monotonic_ms(clock_system())) < end_ms &&
                           !cancel_asked(state->run->cancel);) {
        struct pollfd stop = {cancel->fd, POLLIN, 0};
        poll(&stop, 1, (int)(end_ms - now < PUMP_SLICE_MS ? end_ms - now : PUMP_SLICE_MS));
    }
}

int mailchain_run(struct mailchain_run *run, struct error *err)
{
    struct run_state state = {.run = run};
    int bad = 0;
    while (!cancel_asked(run->cancel)) {
        struct error why = {0};
        bad = run_round(&state, &why);
        if (run->once || queue_check(run->queue, &why) < 0) {
            bad = run->once ? bad : -1;
            *err = why;
            break;
        }
        bad = 0;
        run_sleep(&state);
    }
    run_close_chain(&state);
    return bad;
}
