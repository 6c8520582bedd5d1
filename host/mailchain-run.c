/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-run.c - see mailchain-run.h. */
#include <config.h>
#include "mailchain-run.h"

#include <errno.h>
#include <fcntl.h>
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

#define RUN_FIRST_RETRY_MS 5000u

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
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || write_all(fd, line, strlen(line)) < 0 ||
        write_all(fd, "\n", 1) < 0)
        log_warning(run->log, "'%s' cannot be written: %s", path, strerror(errno));
    log_info(run->log, "%s", text);
}

static void run_tell_error(const struct mailchain_run *run, const struct error *err)
{
    char text[ERROR_TEXT_MAX + 16];
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

/* From the client into the queue. */
static int run_pick_up(const struct mailchain_run *run, struct error *err)
{
    struct host_table table;
    struct pump *pump = calloc(1, sizeof *pump);
    if (pump == NULL)
        return error_oom(err, "picking up messages");
    run_set_table(run, run->chain, run->queue, &table);
    *pump = (struct pump){.plugin = &run->chain->plugin->table,
                          .queue = run->queue,
                          .clock = clock_system(),
                          .queue_name = MAILCHAIN_QUEUE_NAME,
                          .source = run->chain->name,
                          .cancel_fd = run->cancel->fd,
                          .cancelled = cancel_asked,
                          .finishing = cancel_grace,
                          .cancel_context = run->cancel};
    int bad = run_open(run->chain, &table, 0, &pump->handle, err);
    if (bad == 0) {
        bad = pump_run(pump, err);
        pump->plugin->close(pump->handle);
    }
    host_table_done(&table);
    free(pump);
    return bad;
}

/* A message is known by its Message-ID alone: its key (mailchain-store.h). */
static bool run_is_known(void *context, const struct queue_entry *entry)
{
    const struct mailchain_run *run = context;
    return entry->uid == 0 && entry->key != NULL && mailchain_store_has(run->store, entry->key);
}

/* From the queue into the mailbox. */
static int run_deliver(struct mailchain_run *run, struct error *err)
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
        deliver.target = deliver.plugin->account(deliver.handle);
        bad = deliver_claim(run->queue, deliver.target, err);
        if (bad == 0)
            bad = deliver_run(&deliver, err);
        deliver.plugin->close(deliver.handle);
    }
    host_table_done(&table);
    return bad < 0 ? source_hide(run->imap, err) : 0;
}

/* What was picked up before is delivered also when the client does not answer now. */
static int run_round(struct mailchain_run *run, struct error *err)
{
    struct error other;
    run_tell(run, "Checking messages");
    int picked = run_pick_up(run, err);
    if (picked < 0)
        run_tell_error(run, err);
    int delivered = run_deliver(run, picked < 0 ? &other : err);
    if (delivered < 0)
        run_tell_error(run, picked < 0 ? &other : err);
    if (picked == 0 && delivered == 0)
        run_tell(run, "Done");
    return picked < 0 || delivered < 0 ? -1 : 0;
}

/* ---- Rounds ---------------------------------------------------------------------------------- */

static void run_sleep(const struct mailchain_run *run, uint64_t ms)
{
    uint64_t end_ms = clock_monotonic_ms(clock_system()) + ms;
    for (uint64_t now = 0; (now = clock_monotonic_ms(clock_system())) < end_ms &&
                           !cancel_asked(run->cancel);) {
        struct pollfd stop = {run->cancel->fd, POLLIN, 0};
        poll(&stop, 1, (int)(end_ms - now < PUMP_SLICE_MS ? end_ms - now : PUMP_SLICE_MS));
    }
}

/* After a failure sooner, but not for what a person must mend. */
static uint64_t run_pause(const struct mailchain_run *run, const struct error *err,
                          uint32_t failures)
{
    uint64_t interval_ms = (uint64_t)run->config->interval_s * 1000;
    if (failures == 0 || error_reach(err->class) == ERROR_REACH_SETUP)
        return interval_ms;
    uint64_t pause_ms = (uint64_t)RUN_FIRST_RETRY_MS << (failures < 10 ? failures - 1 : 10);
    uint64_t asked_ms = (uint64_t)err->pause_s * 1000;
    pause_ms = pause_ms < interval_ms ? pause_ms : interval_ms;
    return pause_ms > asked_ms ? pause_ms : asked_ms;
}

int mailchain_run(struct mailchain_run *run, struct error *err)
{
    uint32_t failures = 0;
    while (!cancel_asked(run->cancel)) {
        struct error why = {0};
        int bad = run_round(run, &why);
        failures = bad < 0 ? failures + 1 : 0;
        if (run->once) {
            *err = why;
            return bad;
        }
        run_sleep(run, run_pause(run, &why, failures));
    }
    return 0;
}
