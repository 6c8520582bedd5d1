/* SPDX-License-Identifier: Apache-2.0 */
/* imap-pickup-fixture.c - a host with a ledger in memory, and a scripted server (see the header).
 */
#include <config.h>
#include "imap-pickup-fixture.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t host_ms(void *context)
{
    struct host *h = context;
    return h->now_ms += h->step_at == NULL ? h->step_ms : 0;
}

static int64_t host_s(void *context)
{
    const struct host *h = context;
    return h->now_s;
}

static unsigned host_threads(void)
{
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    ck_assert_ptr_nonnull(tasks);
    for (const struct dirent *task; (task = readdir(tasks)) != NULL;)
        count += task->d_name[0] != '.';
    closedir(tasks);
    return count;
}

static bool host_has_come_to(struct host *h, const char *piece)
{
    char *trace = script_trace(h->server);
    bool there = strstr(trace, piece) != NULL;
    free(trace);
    return there;
}

static bool host_cancelled(void *context)
{
    struct host *h = context;
    if (h->step_at != NULL && host_has_come_to(h, h->step_at))
        h->step_at = NULL;
    if (h->cancel_at != NULL && !h->cancelled)
        h->cancelled = host_has_come_to(h, h->cancel_at) && h->spared-- == 0;
    h->told += h->cancelled ? 1 : 0;
    unsigned now = h->ledger[5].step == IMAP_STEP_ATTEMPTED ? host_threads() : 0;
    h->threads = now > h->threads ? now : h->threads;
    return h->cancelled;
}

static void host_log(void *context, enum imap_log level, const char *text)
{
    struct host *h = context;
    (void)level;
    if (!pthread_equal(pthread_self(), h->thread)) {
        h->foreign = true;
        return;
    }
    size_t used = strlen(h->log);
    (void)snprintf(h->log + used, sizeof h->log - used, "%s\n", text);
}

static int host_known(void *context, struct imap_record *records, size_t count, struct error *err)
{
    struct host *h = context;
    (void)err;
    for (size_t i = 0; i < count; i++)
        if (records[i].uid < UIDS && h->ledger[records[i].uid].uid != 0)
            records[i] = h->ledger[records[i].uid];
    return 0;
}

static void host_wait_for(struct host *h, const char *piece)
{
    for (unsigned waited_ms = 0; waited_ms < 10000 && !host_has_come_to(h, piece); waited_ms++)
        (void)usleep(1000);
}

static int host_note(void *context, const struct imap_record *records, size_t count,
                     struct error *err)
{
    static const char *const names[] = {"withdraw", "ATTEMPTED", "STORED", "MOVING",
                                        "COPIED",   "DELETING",  "MOVED"};
    struct host *h = context;
    char line[100];
    ck_assert_uint_le(count, IMAP_RECORDS_MAX);
    h->notes++;
    if (h->note_fails)
        return error_set(err, ERROR_STORE, "disk full");
    if (h->note_after != NULL)
        host_wait_for(h, h->note_after);
    for (size_t i = 0; i < count; i++) {
        if (records[i].step == IMAP_STEP_UNKNOWN && records[i].uid == h->keeps)
            return error_set(err, ERROR_STORE, "disk full");
        struct imap_record *at = &h->ledger[records[i].uid % UIDS];
        (void)snprintf(line, sizeof line, "note %u %s target %u in %.40s", records[i].uid,
                       names[records[i].step], records[i].target_uid,
                       records[i].target != NULL ? records[i].target : "no folder");
        script_note(h->server, line);
        at->uid = records[i].uid;
        at->uidvalidity = records[i].uidvalidity;
        if (records[i].step <= IMAP_STEP_ATTEMPTED) {
            at->attempts += records[i].step == IMAP_STEP_ATTEMPTED ? 1 : UINT32_MAX;
            at->step = at->step < IMAP_STEP_ATTEMPTED ? IMAP_STEP_ATTEMPTED : at->step;
            continue;
        }
        at->step = records[i].step;
        at->target_uid = records[i].target_uid;
        at->target_uidvalidity = records[i].target_uidvalidity;
    }
    return 0;
}

static int host_unsettled(void *context, const struct imap_record *after, struct imap_record *out,
                          size_t capacity, size_t *out_count, struct error *err)
{
    struct host *h = context;
    (void)err;
    *out_count = 0;
    for (uint32_t uid = after == NULL ? 1 : after->uid + 1; uid < UIDS && *out_count < capacity;
         uid++)
        if (h->ledger[uid].step >= IMAP_STEP_STORED && h->ledger[uid].step < IMAP_STEP_MOVED)
            out[(*out_count)++] = h->ledger[uid];
    return 0;
}

static void host_progress(void *context, uint64_t messages)
{
    (void)context;
    (void)messages;
}

static void host_trouble(void *context, const struct error *why)
{
    struct host *h = context;
    h->trouble = why != NULL ? *why : (struct error){0};
}

static struct host *host_make(const struct script *script, const char *start, const char *more,
                              const struct imap_pickup_options *how)
{
    struct host *h = calloc(1, sizeof *h);
    char connection[600];
    unsigned int port;
    h->thread = pthread_self();
    h->server = script_start(script, &port);
    h->table = (struct imap_host){
        .context = h,
        .clock = {host_ms, host_s, h},
        .cancelled = host_cancelled,
        .log = host_log,
        .known = host_known,
        .note = host_note,
        .unsettled = host_unsettled,
        .progress = host_progress,
        .trouble = host_trouble,
    };
    (void)snprintf(connection, sizeof connection, "%s%u;%s", start, port, more);
    ck_assert_msg(imap_settings_read(connection, &h->settings, &h->err) == 0, "%s", h->err.text);
    struct imap_pickup_options options = *how;
    options.settings = h->settings;
    options.host = &h->table;
    ck_assert_int_eq(imap_pickup_open(&options, &h->pickup, &h->err), 0);
    return h;
}

struct host *host_start_as(const struct script *script, const char *start, const char *more,
                           bool read_only)
{
    const struct imap_pickup_options how = {
        .user = "ann", .secret = "sesame", .read_only = read_only};
    return host_make(script, start, more, &how);
}

struct host *host_start_as_user(const struct script *script, const char *user, const char *secret)
{
    const struct imap_pickup_options how = {.user = user, .secret = secret};
    return host_make(script, "url=127.0.0.1;starttls=Never;port=", "", &how);
}

struct host *host_start_at(const struct script *script, const char *start, const char *more)
{
    return host_start_as(script, start, more, false);
}

struct host *host_start(const struct script *script, const char *more)
{
    return host_start_at(script, "url=127.0.0.1;starttls=Never;port=", more);
}

struct host *host_start_pieces(const struct script *script, uint32_t pieces)
{
    const struct imap_pickup_options how = {.user = "ann", .secret = "sesame", .pieces = pieces};
    return host_make(script, "url=127.0.0.1;starttls=Never;port=", "", &how);
}

void host_stop(struct host *h)
{
    imap_pickup_close(h->pickup);
    imap_settings_free(h->settings);
    script_stop(h->server);
    free(h);
}

const char *host_run(struct host *h)
{
    static char seen[1000];
    uint32_t uids[UIDS];
    size_t count = 0;
    seen[0] = '\0';
    for (;;) {
        struct imap_message message;
        size_t used = strlen(seen);
        enum imap_pickup_result r = imap_pickup_next(h->pickup, &message, &h->err);
        if (r == IMAP_PICKUP_MESSAGE) {
            (void)snprintf(seen + used, sizeof seen - used, "%u%s ", message.uid,
                           message.error != NULL ? "!" : "");
            h->ledger[message.uid].uid = message.uid;
            h->ledger[message.uid].uidvalidity = message.uidvalidity;
            h->ledger[message.uid].step = IMAP_STEP_STORED;
            mail_free(message.mail);
            spool_free(message.spool);
            uids[count++] = message.uid;
            continue;
        }
        if (r == IMAP_PICKUP_DRAINED && count > 0) {
            if (imap_pickup_settle(h->pickup, uids, count, IMAP_FATE_QUEUED, &h->err) == 0) {
                count = 0;
                continue;
            }
            r = IMAP_PICKUP_FAILED;
        }
        if (r == IMAP_PICKUP_FAILED)
            (void)snprintf(seen + used, sizeof seen - used, "failed: %s",
                           error_class_name(h->err.class));
        return seen;
    }
}

struct host *run_script(const struct script_rule *rules, size_t count, const char *capabilities,
                        const char *more, const char *want)
{
    static struct script script;
    script = (struct script){NULL, capabilities, rules, count};
    struct host *h = host_start(&script, more);
    const char *seen = host_run(h);
    ck_assert_msg(strcmp(seen, want) == 0, "seen '%s', wanted '%s': %s\n%s\n%s", seen, want,
                  h->err.text, h->log, script_trace(h->server));
    return h;
}

void expect_trace(struct host *h, const char *const *pieces, size_t count)
{
    char *trace = script_trace(h->server);
    const char *at = trace;
    for (size_t i = 0; i < count; i++) {
        if (pieces[i][0] == '-') {
            ck_assert_msg(strstr(trace, pieces[i] + 1) == NULL, "'%s' is in\n%s", pieces[i] + 1,
                          trace);
            continue;
        }
        const char *found = strstr(at, pieces[i]);
        ck_assert_msg(found != NULL, "'%s' does not come in\n%s", pieces[i], at);
        at = found + strlen(pieces[i]);
    }
    free(trace);
}
