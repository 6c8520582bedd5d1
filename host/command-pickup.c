/* SPDX-License-Identifier: Apache-2.0 */
/* command-pickup.c - mailchute pickup: mail from a source into the work queue.
 *
 * One session is one handle of the loader. Without --watch there is one session; with it a session
 * that fails is followed by another when retry.h says so. */
#include <config.h>
#include "command.h"

#include <malloc.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "amount.h"
#include "cancel.h"
#include "entry.h"
#include "fault.h"
#include "host-table.h"
#include "json-line.h"
#include "loader-error.h"
#include "output.h"
#include "progress.h"
#include "pump.h"
#include "retry.h"
#include "source.h"
#include "table.h"
#include "terminal.h"
#include "text.h"

#define PICKUP_QUEUE_NAME "default"
#define PICKUP_LINE_MAX 65536u            /* bytes of one line about an entry */
#define PICKUP_LINES 16384u               /* bytes of lines that are written at once, or more */
#define PICKUP_MAPPED_MIN (128 * 1024)    /* larger pieces of memory are mapped one by one */

struct pickup {
    /* From the command line. */
    struct command_common common;
    struct source source;
    const char *queue_name;
    uint64_t limit;
    bool dry_run, watch, accept_new_uids;
    /* Open while it runs. */
    const struct clock *clock;
    struct log log;
    struct queue *queue;  /* entries go here; in a dry run one in memory, which stays empty */
    struct queue *ledger; /* what is known already: the same, in a dry run the real one */
    struct cancel cancel;
    struct progress progress;
    struct host_table table;
    struct pump pump;
    bool reached; /* the source was there, and told what it has */
    uint64_t started_ms;
    size_t width; /* of the terminal on standard output, 0: none */
    struct buffer lines; /* about entries of this batch, not written yet */
    int output_failed;
    struct error output_error;
};

#define FIELD(member) offsetof(struct pickup, member)
static const struct option_row pickup_rows[] = {
    SOURCE_OPTIONS(struct pickup, source),
    {"source", 0, OPTION_TEXT, FIELD(source.name), "NAME",
     "name of the source in the entries (the loader's, in lower case)"},
    COMMAND_OPTION_QUEUE(struct pickup, common),
    {"queue-name", 0, OPTION_TEXT, FIELD(queue_name), "NAME",
     "work queue of the entries (default)"},
    {"dry-run", 'n', OPTION_FLAG, FIELD(dry_run), NULL,
     "show what would be picked up, change nothing"},
    {"limit", 0, OPTION_NUMBER, FIELD(limit), "N", "pick up N messages at most"},
    {"watch", 0, OPTION_FLAG, FIELD(watch), NULL, "wait for new mail until a signal comes"},
    {"accept-new-uids", 0, OPTION_FLAG, FIELD(accept_new_uids), NULL,
     "release a held mailbox: what is not known again is new mail"},
    COMMAND_OPTION_JSON(struct pickup, common),
    COMMAND_OPTIONS_LOG(struct pickup, common),
    COMMAND_OPTION_HELP(struct pickup, common),
};

static const struct option_table pickup_table = {
    "pickup", "CONNECTION-STRING --user NAME [OPTION ...]",
    "Makes each message an entry of the work queue, then moves it to the archive folder.",
    pickup_rows, sizeof pickup_rows / sizeof pickup_rows[0]};

/* ---- Telling of each entry ------------------------------------------------------------------- */

static int pickup_print(const struct buffer *piece, void *context, struct error *err)
{
    (void)context;
    return output_bytes(piece, err);
}

/* As it stands in the queue; a dry run has nothing there. Its content is the item's: it may be
 * large, and goes out in pieces. */
static int pickup_write_entry(const struct pickup *p, const struct pump_event *event,
                              struct error *err)
{
    if (!p->dry_run) {
        AUTO(queue_entry) stored = NULL;
        return queue_get_envelope(p->queue, event->id, &stored, err) < 0
                   ? -1
                   : entry_write_stored(stored, event->item, pickup_print, NULL, err);
    }
    struct entry_envelope envelope = {.id = event->id,
                                      .queue = p->queue_name,
                                      .source = p->source.name,
                                      .loader = p->source.plugin->table.name,
                                      .key = event->key};
    return entry_write_item(event->item, &envelope, pickup_print, NULL, err);
}

static int pickup_show_json(struct pickup *p, const struct pump_event *event, struct error *err)
{
    if (p->width != 0)
        progress_hide(&p->progress);
    return pickup_write_entry(p, event, err);
}

/* Those of a batch at once: a call for each took 3 % of what storing small mail takes. */
static int pickup_write_lines(struct pickup *p, struct error *err)
{
    if (p->lines.len == 0)
        return 0;
    if (p->width != 0)
        progress_hide(&p->progress);
    int failed = output_bytes(&p->lines, err);
    buffer_clear(&p->lines);
    return failed;
}

/* date, sender, what it carries, subject or why it is bad */
static int pickup_show_line(struct pickup *p, const struct pump_event *event, struct error *err)
{
    static const struct table_column columns[] = {
        {"DATE", 16}, {"SENDER", 28}, {"FILES", 5}, {"SUBJECT", 0}};
    const struct loader_mail *mail = event->item->mail;
    const char *received = mail == NULL ? NULL : mail->date_received;
    char date[17];
    table_date(received == NULL && mail != NULL ? mail->date_sent : received, date);
    AUTO_DONE(buffer) files, last;
    buffer_init(&files, 32);
    buffer_init(&last, PICKUP_LINE_MAX);
    int bad = 0;
    if (mail != NULL && mail->attachment_count > 0)
        bad |= amount_append_count(&files, mail->attachment_count);
    if (event->error != NULL)
        bad |= buffer_printf(&last, "bad: %.*s", TABLE_CELL_MAX, event->error);
    else if (event->skipped)
        bad |= buffer_append_text(&last, "no work: ");
    if (event->error == NULL && mail != NULL && mail->subject != NULL)
        bad |= buffer_printf(&last, "%.*s", TABLE_CELL_MAX, mail->subject);
    const char *cells[] = {date, mail == NULL ? NULL : mail->sender, buffer_text(&files),
                           buffer_text(&last)};
    bad |= table_append_row(&p->lines, columns, 4, cells, p->width);
    if (bad < 0)
        return error_oom(err, "showing an entry");
    return p->lines.len < PICKUP_LINES ? 0 : pickup_write_lines(p, err);
}

static int pickup_stored(void *context, const struct pump_event *event)
{
    struct pickup *p = context;
    const struct pump_counts *counts = &p->pump.counts;
    if (p->output_failed < 0)
        return -1;
    if (!event->duplicate)
        p->output_failed = p->common.json ? pickup_show_json(p, event, &p->output_error)
                                          : pickup_show_line(p, event, &p->output_error);
    progress_done(&p->progress, counts->stored + counts->bad, counts->stored_bytes);
    return p->output_failed;
}

static int pickup_told(void *context)
{
    struct pickup *p = context;
    if (p->output_failed == 0)
        p->output_failed = pickup_write_lines(p, &p->output_error);
    return p->output_failed;
}

/* ---- Sessions -------------------------------------------------------------------------------- */

static void pickup_expect(void *context, uint64_t messages)
{
    struct pickup *p = context;
    p->reached = true;
    uint64_t before = p->pump.counts.stored + p->pump.counts.bad - p->pump.counts.pass;
    uint64_t total = before + messages;
    p->pump.expected = messages;
    progress_total(&p->progress, p->limit != 0 && p->limit < total ? p->limit : total);
}

static void pickup_set_up_pump(struct pickup *p)
{
    p->pump.plugin = &p->source.plugin->table;
    p->pump.queue = p->queue;
    p->pump.clock = p->clock;
    p->pump.queue_name = p->queue_name;
    p->pump.source = p->source.name;
    p->pump.limit = p->limit;
    p->pump.dry_run = p->dry_run;
    p->pump.watch = p->watch;
    p->pump.cancel_fd = p->cancel.fd;
    p->pump.cancelled = cancel_asked;
    p->pump.finishing = cancel_grace;
    p->pump.cancel_context = &p->cancel;
    p->pump.stored = pickup_stored;
    p->pump.told = pickup_told;
    p->pump.stored_context = p;
    p->pump.log = &p->log;
}

static int pickup_session(struct pickup *p, struct error *err)
{
    const struct loader_plugin *plugin = &p->source.plugin->table;
    struct loader_settings settings;
    uint32_t flags = (p->dry_run ? LOADER_READ_ONLY : 0) |
                     (p->accept_new_uids ? LOADER_ACCEPT_NEW_UIDS : 0) |
                     (p->watch ? LOADER_WATCH : 0);
    source_settings(&p->source, flags,
                    p->limit == 0 ? 0 : p->limit - p->pump.taken, &settings);
    struct loader_error theirs;
    loader_error_clear(&theirs);
    void *handle = NULL;
    if (plugin->open(&p->table.loader, &settings, &handle, &theirs) != 0)
        return loader_error_read(&theirs, plugin->name, err);
    p->pump.handle = handle;
    p->pump.counts.pass = 0;
    p->pump.expected = 0;
    int bad = pump_run(&p->pump, err);
    fault_point("close");
    plugin->close(handle);
    fault_point("closed");
    return bad;
}

static void pickup_pause(struct pickup *p, uint64_t ms)
{
    uint64_t end_ms = clock_monotonic_ms(p->clock) + ms;
    for (uint64_t now = 0;
         (now = clock_monotonic_ms(p->clock)) < end_ms && !cancel_asked(&p->cancel);) {
        struct pollfd stop = {p->cancel.fd, POLLIN, 0};
        poll(&stop, 1, (int)(end_ms - now < PUMP_SLICE_MS ? end_ms - now : PUMP_SLICE_MS));
    }
}

/* Is there to be another session after this failure? A source that was never reached is told at
 * once: often it is a typing error. Where the queue is not the one any more into which this run has
 * put mail, what it knows of that mail is wrong. */
static bool pickup_goes_on(struct pickup *p, const struct error *err)
{
    struct error ignored;
    return p->watch && queue_check(p->queue, &ignored) == 0 &&
           (p->reached || err->class == ERROR_PAUSE) && p->output_failed == 0 &&
           !cancel_asked(&p->cancel) && err->class != ERROR_CANCELLED &&
           err->class != ERROR_USAGE && err->class != ERROR_BUG;
}

/* Until the next try. What a person must mend is told once, as long as it stays the same. */
static void pickup_wait_to_retry(struct pickup *p, const struct error *err,
                                 struct retry_history *history, char told[ERROR_TEXT_MAX])
{
    struct retry_plan plan =
        retry_failed(history, &retry_limits_default, err, arc4random(),
                     clock_monotonic_ms(p->clock));
    if (plan.kind != RETRY_PERSON || !text_equal_but_numbers(told, err->text))
        log_warning(&p->log, "%s; trying again in %llu s", err->text,
                    (unsigned long long)((plan.wait_ms + 999) / 1000));
    text_copy(told, ERROR_TEXT_MAX, plan.kind == RETRY_PERSON ? err->text : "");
    pickup_pause(p, plan.wait_ms);
}

static int pickup_sessions(struct pickup *p, struct error *err)
{
    struct retry_history history = {0};
    char told[ERROR_TEXT_MAX] = "";
    for (;;) {
        uint64_t sweeps = p->pump.sweeps, stored = p->pump.counts.stored;
        uint64_t began_ms = clock_monotonic_ms(p->clock);
        int bad = pickup_session(p, err);
        if (bad == 0)
            return 0;
        source_hide(&p->source, err);
        if (p->pump.sweeps != sweeps) { /* all was well in between */
            retry_well(&history, p->pump.counts.stored > stored, began_ms);
            told[0] = '\0';
            p->accept_new_uids = false; /* that was for what lay there then */
        }
        if (!pickup_goes_on(p, err))
            return bad;
        pickup_wait_to_retry(p, err, &history, told);
        if (cancel_asked(&p->cancel))
            return error_set(err, ERROR_CANCELLED, "stopped as asked; run again to go on");
    }
}

/* ---- The end --------------------------------------------------------------------------------- */

/* "1,000 picked up (12.3 MB), 3 bad, 0 left; 0.9 s" */
static int pickup_append_summary(struct buffer *out, const struct pickup *p)
{
    const struct pump_counts *counts = &p->pump.counts;
    uint64_t waiting = p->pump.expected > counts->pass ? p->pump.expected - counts->pass : 0;
    int bad = amount_append_count(out, counts->stored);
    bad |= buffer_append_text(out, p->dry_run ? " would be picked up (" : " picked up (");
    bad |= amount_append_size(out, counts->stored_bytes) | buffer_append_text(out, "), ");
    bad |= amount_append_count(out, counts->bad) | buffer_append_text(out, " bad, ");
    bad |= amount_append_count(out, waiting + counts->released);
    bad |= buffer_append_text(out, " left; ");
    bad |= amount_append_time(out, clock_monotonic_ms(p->clock) - p->started_ms);
    return bad | buffer_append_text(out, p->dry_run ? "; nothing was changed\n" : "\n");
}

static void pickup_summary(struct pickup *p)
{
    AUTO_DONE(buffer) line;
    buffer_init(&line, 512);
    progress_hide(&p->progress);
    if (p->common.quiet || pickup_append_summary(&line, p) < 0)
        return;
    ssize_t written = write(STDERR_FILENO, buffer_text(&line), line.len);
    (void)written;
}

/* What was done before it failed belongs into the one line that tells the failure. */
static int pickup_tell_failure(struct pickup *p, struct error *err)
{
    uint64_t done = p->pump.counts.stored + p->pump.counts.bad;
    progress_hide(&p->progress);
    if (done == 0 || p->dry_run)
        return command_fail(err);
    struct error whole;
    error_set(&whole, err->class, "%.440s (%llu picked up before that)", err->text,
              (unsigned long long)done);
    return command_fail(&whole);
}

static int pickup_end(struct pickup *p, int bad, struct error *err)
{
    if (p->output_failed < 0) {
        progress_hide(&p->progress);
        return command_fail(&p->output_error);
    }
    if (bad < 0 && !(p->watch && err->class == ERROR_CANCELLED))
        return pickup_tell_failure(p, err);
    pickup_summary(p);
    if (p->pump.counts.bad > 0)
        return error_exit_code(ERROR_MAIL);
    /* A part of the source was left out, as the log told: that is no success. */
    return p->table.trouble_class != ERROR_NONE ? error_exit_code(p->table.trouble_class) : 0;
}

/* ---- The command ----------------------------------------------------------------------------- */

static int pickup_open_queues(struct pickup *p, struct error *err)
{
    const char *url = p->common.queue_url;
    if (!p->dry_run) {
        p->ledger = NULL;
        return command_open_queue(url, COMMAND_QUEUE_MAKE, &p->queue, err);
    }
    if (command_open_queue(url, COMMAND_QUEUE_IF_THERE, &p->ledger, err) < 0)
        return -1;
    return queue_open("memory:", NULL, p->clock, &p->queue, err);
}

static int pickup_open(struct pickup *p, struct error *err)
{
    if (source_open(&p->source, &p->log, err) < 0 || pickup_open_queues(p, err) < 0 ||
        cancel_init(&p->cancel, p->clock, err) < 0)
        return -1;
    queue_heed(p->queue, cancel_now, &p->cancel);
    output_heed(cancel_asked, &p->cancel);
    progress_init(&p->progress, p->clock, p->common.quiet ? -1 : STDERR_FILENO);
    p->log.progress = &p->progress;
    buffer_init(&p->lines, PICKUP_LINES + PICKUP_LINE_MAX);
    p->width = terminal_is(STDOUT_FILENO) ? terminal_width(STDOUT_FILENO) : 0;
    p->table = (struct host_table){.clock = p->clock,
                                   .log = &p->log,
                                   .cancelled = cancel_now,
                                   .cancel_context = &p->cancel,
                                   .queue = p->dry_run ? p->ledger : p->queue,
                                   .loader_name = p->source.plugin->table.name,
                                   .read_only = p->dry_run,
                                   .progress = pickup_expect,
                                   .progress_context = p};
    host_table_init(&p->table);
    pickup_set_up_pump(p);
    p->started_ms = clock_monotonic_ms(p->clock);
    return 0;
}

static void pickup_done(struct pickup *p)
{
    buffer_done(&p->lines);
    host_table_done(&p->table);
    output_heed(NULL, NULL);
    cancel_done(&p->cancel);
    queue_close(p->queue);
    queue_close(p->ledger);
    source_done(&p->source);
}

static int pickup_run(struct pickup *p)
{
    struct error err = {0};
    if (pickup_open(p, &err) < 0)
        return command_fail(&err);
    int bad = pickup_sessions(p, &err);
    return pickup_end(p, bad, &err);
}

/* The loader's thread makes what this one frees: of a heap for each, both would keep the holes. And
 * what is large goes back to the system when it is freed; else glibc puts ever larger pieces into the
 * heap, where they leave holes, too. */
static void pickup_set_heap(void)
{
#ifdef M_ARENA_MAX
    (void)mallopt(M_ARENA_MAX, 1);
#endif
#ifdef M_MMAP_THRESHOLD
    (void)mallopt(M_MMAP_THRESHOLD, PICKUP_MAPPED_MIN);
#endif
}

int command_pickup(int argc, char **argv)
{
    struct pickup p = {
        .queue_name = PICKUP_QUEUE_NAME, .clock = clock_system(), .cancel = CANCEL_NONE};
    struct error err;
    int count, exit_code;
    if (command_options(&pickup_table, argc, argv, &p, &p.common, &count, &exit_code) < 0)
        return exit_code;
    if (count != 1) {
        error_set(&err, ERROR_USAGE,
                  count == 0 ? "pickup: no connection string given; write mailchute "
                               "pickup 'url=...' --user NAME"
                             : "pickup: one connection string is wanted, more was "
                               "given; put it in quotes");
        return command_fail(&err);
    }
    p.source.connection = argv[0];
    command_log(&p.log, &p.common);
    pickup_set_heap();
    exit_code = pickup_run(&p);
    pickup_done(&p);
    return exit_code;
}
