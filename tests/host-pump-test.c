/* SPDX-License-Identifier: Apache-2.0 */
/* host-pump-test.c - promises of host/pump: what is settled is durable, whatever fails.
 *
 * The loader is a script in this process; queue_put(), queue_commit() and queue_rollback() are
 * wrapped, so that each step is written down in the order in which it is taken, and can be made to
 * fail. */
#include <config.h>
#include "check-main.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "log.h"
#include "pump.h"
#include "write-all.h"

#define ITEMS_MAX 600

/* What happens, in one text: "put 1;put 2;commit;settle 0 1 2;" */
static struct buffer story;

/* ---- The scripted loader --------------------------------------------------------------------- */

struct script {
    struct loader_addresses to_list; /* of each */
    uint32_t items;          /* handed out before it is drained */
    uint32_t bad_at;         /* this one has an error, 0: none */
    uint32_t fail_at;        /* next() number n fails, 0: never */
    uint32_t fail_class;
    uint32_t settle_fails;   /* with this class, 0: not */
    uint32_t waits;          /* wait() calls before it asks to stop */
    uint64_t raw_size;       /* told of each item */
    bool unread;             /* none of them has its bytes */
    uint64_t filed;          /* bytes of text that each of them has in a file */
    bool again;              /* a new pass after each time it was drained, as real loaders do */
    int filed_fd;
    uint32_t handed, asked;
    struct loader_item made[ITEMS_MAX];
    struct loader_mail mail[ITEMS_MAX];
};

static enum loader_next script_next(void *handle, const struct loader_item **out_item,
                                    struct loader_error *err)
{
    struct script *script = handle;
    if (++script->asked == script->fail_at) {
        err->error_class = script->fail_class;
        (void)snprintf(err->text, sizeof err->text, "scripted failure; go on");
        return LOADER_NEXT_FAILED;
    }
    if (script->handed == script->items) {
        script->handed = script->again ? 0 : script->handed;
        return LOADER_NEXT_DRAINED;
    }
    uint32_t n = script->handed++;
    script->mail[n] = (struct loader_mail){.struct_size = sizeof script->mail[n], .subject = "s"};
    script->mail[n].to_list = script->to_list;
    script->mail[n].html_file =
        (struct loader_text_file){.size = script->filed, .fd = script->filed_fd};
    script->made[n] =
        (struct loader_item){.struct_size = sizeof script->made[n],
                             .token = n + 1,
                             .item_class = "Mail",
                             .origin = {"ann@h", "INBOX", 7, n + 1, NULL},
                             .error = n + 1 == script->bad_at ? "too large" : NULL,
                             .mail = &script->mail[n],
                             .raw_bytes = script->unread ? NULL : (const uint8_t *)"x",
                             .raw_size = script->raw_size,
                             .raw_fd = -1};
    *out_item = &script->made[n];
    return LOADER_NEXT_ITEM;
}

static int script_settle(void *handle, const uint64_t *tokens, uint64_t count, uint32_t fate,
                         struct loader_error *err)
{
    struct script *script = handle;
    buffer_printf(&story, "settle %u", fate);
    for (uint64_t i = 0; i < count && i < 4; i++)
        buffer_printf(&story, " %u", (unsigned)tokens[i]);
    buffer_append_text(&story, ";");
    err->error_class = script->settle_fails;
    (void)snprintf(err->text, sizeof err->text, "scripted settle failure; go on");
    return script->settle_fails == 0 ? 0 : -1;
}

static void script_close(void *handle)
{
    (void)handle;
}

static int script_wait(void *handle, struct loader_wait *out_wait, struct loader_error *err)
{
    struct script *script = handle;
    (void)err;
    buffer_append_text(&story, "wait;");
    script->waits--;
    script->items++; /* one more has come meanwhile */
    out_wait->timeout_ms = 0;
    return 0;
}

static const struct loader_plugin script_plugin = {
    LOADER_PLUGIN_HEAD, .name = "Script", .next = script_next, .settle = script_settle,
    .close = script_close, .wait = script_wait};

/* ---- The queue, watched ---------------------------------------------------------------------- */

static struct {
    uint32_t commit_fails;  /* so many commits fail ... */
    enum queue_commit_result commit_result;
    bool commit_works_all_the_same; /* ... or only say so */
    uint32_t put_fails_uid; /* this one is not taken, with this class */
    enum error_class put_class;
    bool put_takes_it_as_bad;
} faults;

int __real_queue_takes(const struct queue_item *, struct error *);
enum queue_put_result __real_queue_put(struct queue *, const struct queue_item *, struct error *);
enum queue_commit_result __real_queue_commit(struct queue *, struct error *);
void __real_queue_rollback(struct queue *);

enum queue_put_result __wrap_queue_put(struct queue *queue, const struct queue_item *item,
                                       struct error *err)
{
    buffer_printf(&story, "put %u%s;", item->origin.uid, item->error == NULL ? "" : " bad");
    if (item->origin.uid == faults.put_fails_uid &&
        !(faults.put_takes_it_as_bad && item->error != NULL)) {
        error_set(err, faults.put_class, "scripted put failure; go on");
        __real_queue_rollback(queue);
        return QUEUE_PUT_FAILED;
    }
    return __real_queue_put(queue, item, err);
}

int __wrap_queue_takes(const struct queue_item *item, struct error *err)
{
    if (item->origin.uid == faults.put_fails_uid &&
        !(faults.put_takes_it_as_bad && item->error != NULL))
        return error_set(err, faults.put_class, "scripted put failure; go on");
    return __real_queue_takes(item, err);
}

enum queue_commit_result __wrap_queue_commit(struct queue *queue, struct error *err)
{
    buffer_append_text(&story, "commit;");
    if (faults.commit_fails == 0)
        return __real_queue_commit(queue, err);
    faults.commit_fails--;
    error_set(err, ERROR_STORE, "scripted commit failure; make room");
    if (faults.commit_works_all_the_same)
        __real_queue_commit(queue, err);
    else
        __real_queue_rollback(queue);
    return faults.commit_result;
}

void __wrap_queue_rollback(struct queue *queue)
{
    buffer_append_text(&story, "rollback;");
    __real_queue_rollback(queue);
}

/* ---- One pump -------------------------------------------------------------------------------- */

static struct script script;
static struct pump pump;
static struct error err;
static uint64_t now_ms;
static int stop;

static uint64_t test_ms(void *context)
{
    (void)context;
    return now_ms;
}

static int64_t test_s(void *context)
{
    (void)context;
    return 1772366400;
}

static const struct clock test_clock = {test_ms, test_s, NULL};

static int test_cancelled(void *context)
{
    (void)context;
    return stop;
}

static int test_stored(void *context, const struct pump_event *event)
{
    (void)context;
    buffer_printf(&story, "tell %u%s;", event->item->origin.uid, event->duplicate ? " again" : "");
    return 0;
}

static int test_told(void *context)
{
    buffer_append_text(&story, "told;");
    return context != NULL;
}

static void set_up(void)
{
    buffer_init(&story, 1u << 20);
    memset(&script, 0, sizeof script);
    memset(&faults, 0, sizeof faults);
    memset(&err, 0, sizeof err);
    stop = 0;
    script.raw_size = 1;
    pump = (struct pump){.plugin = &script_plugin, .handle = &script, .clock = &test_clock,
                         .queue_name = "default", .source = "script", .cancel_fd = -1,
                         .cancelled = test_cancelled};
    ck_assert_int_eq(queue_open("memory:", NULL, &test_clock, &pump.queue, &err), 0);
}

static void tear_down(void)
{
    queue_close(pump.queue);
    buffer_done(&story);
}

static uint64_t entries(enum queue_state state)
{
    struct queue_stats stats;
    ck_assert_int_eq(queue_stats(pump.queue, NULL, &stats, &err), 0);
    return stats.by_state[state];
}

#define ck_assert_story(want) ck_assert_str_eq(buffer_text(&story), want)

START_TEST(items_are_put_then_committed_then_told_then_settled)
{
    script.items = 2;
    pump.stored = test_stored;
    ck_assert_int_eq(pump_run(&pump, &err), 0);
    ck_assert_story("put 1;put 2;commit;tell 1;tell 2;settle 0 1 2;");
    ck_assert_uint_eq(entries(QUEUE_NEW), 2);
    ck_assert_uint_eq(pump.counts.stored, 2);
    ck_assert_uint_eq(pump.counts.stored_bytes, 2);
}
END_TEST

START_TEST(a_batch_that_was_told_of_is_ended_by_word_before_it_is_settled)
{
    script.items = 2;
    pump.stored = test_stored;
    pump.told = test_told;
    ck_assert_int_eq(pump_run(&pump, &err), 0);
    ck_assert_story("put 1;put 2;commit;tell 1;tell 2;told;settle 0 1 2;");
}
END_TEST

START_TEST(who_is_told_of_a_batch_may_end_the_run_behind_it)
{
    script.items = 2 * PUMP_BATCH_ITEMS;
    pump.told = test_told;
    pump.stored_context = &script;
    ck_assert_int_eq(pump_run(&pump, &err), 0);
    ck_assert_uint_eq(pump.counts.stored, PUMP_BATCH_ITEMS);
    ck_assert_uint_eq(entries(QUEUE_NEW), PUMP_BATCH_ITEMS);
}
END_TEST

START_TEST(nothing_to_pick_up_is_no_error_and_touches_no_queue)
{
    ck_assert_int_eq(pump_run(&pump, &err), 0);
    ck_assert_story("");
}
END_TEST

START_TEST(a_commit_that_fails_settles_nothing)
{
    script.items = 2;
    faults.commit_fails = 1;
    faults.commit_result = QUEUE_COMMIT_FAILED;
    ck_assert_int_eq(pump_run(&pump, &err), -1);
    ck_assert_int_eq(err.class, ERROR_STORE);
    ck_assert_story("put 1;put 2;commit;");
    ck_assert_uint_eq(pump.counts.stored, 0);
}
END_TEST

START_TEST(a_commit_that_does_not_say_is_repeated_and_doubles_nothing)
{
    for (int worked = 0; worked <= 1; worked++) {
        tear_down();
        set_up();
        script.items = 2;
        pump.stored = test_stored;
        faults.commit_fails = 1;
        faults.commit_result = QUEUE_COMMIT_UNSURE;
        faults.commit_works_all_the_same = worked == 1;
        ck_assert_int_eq(pump_run(&pump, &err), 0);
        ck_assert_story("put 1;put 2;commit;put 1;put 2;commit;tell 1;tell 2;settle 0 1 2;");
        ck_assert_uint_eq(entries(QUEUE_NEW), 2);
        ck_assert_uint_eq(pump.counts.stored, 2);
    }
}
END_TEST

START_TEST(a_commit_that_never_says_ends_with_an_error_and_settles_nothing)
{
    script.items = 1;
    faults.commit_fails = 100;
    faults.commit_result = QUEUE_COMMIT_UNSURE;
    ck_assert_int_eq(pump_run(&pump, &err), -1);
    ck_assert_int_eq(err.class, ERROR_STORE);
    ck_assert_story("put 1;commit;put 1;commit;put 1;commit;");
}
END_TEST

START_TEST(a_failure_of_the_loader_keeps_and_settles_what_was_in_hand)
{
    script.items = 3;
    script.fail_at = 3;
    script.fail_class = LOADER_ERROR_CONFIG;
    ck_assert_int_eq(pump_run(&pump, &err), -1);
    ck_assert_int_eq(err.class, ERROR_CONFIG);
    ck_assert_str_eq(err.text, "scripted failure; go on");
    ck_assert_story("put 1;put 2;commit;settle 0 1 2;");
}
END_TEST

START_TEST(a_lost_link_keeps_what_was_in_hand_and_leaves_settling_to_the_next_run)
{
    static const uint32_t classes[] = {LOADER_ERROR_LINK, LOADER_ERROR_PROTOCOL, LOADER_ERROR_BUG,
                                       99};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        tear_down();
        set_up();
        script.items = 3;
        script.fail_at = 2;
        script.fail_class = classes[i];
        ck_assert_int_eq(pump_run(&pump, &err), -1);
        ck_assert_story("put 1;commit;");
        ck_assert_uint_eq(entries(QUEUE_NEW), 1);
    }
    ck_assert_int_eq(err.class, ERROR_BUG); /* a class nobody knows */
}
END_TEST

START_TEST(a_bad_item_becomes_a_bad_entry_and_goes_to_badmail_alone)
{
    script.items = 3;
    script.bad_at = 2;
    ck_assert_int_eq(pump_run(&pump, &err), 0);
    ck_assert_story("put 1;put 2 bad;put 3;commit;settle 0 1 3;settle 1 2;");
    ck_assert_uint_eq(entries(QUEUE_BAD), 1);
    ck_assert_uint_eq(pump.counts.bad, 1);
    ck_assert_uint_eq(pump.counts.stored, 2);
}
END_TEST

START_TEST(a_message_that_is_not_read_may_be_of_any_size)
{
    script.items = 2;
    script.bad_at = 1;
    script.unread = true;
    script.raw_size = INT64_MAX;
    ck_assert_int_eq(pump_run(&pump, &err), 0);
    ck_assert_uint_eq(entries(QUEUE_BAD), 1);
}
END_TEST

START_TEST(more_bytes_than_a_queue_keeps_break_the_contract)
{
    script.items = 1;
    script.raw_size = (uint64_t)QUEUE_RAW_MAX + 1;
    ck_assert_int_eq(pump_run(&pump, &err), -1);
    ck_assert_int_eq(err.class, ERROR_BUG);
}
END_TEST

START_TEST(an_item_the_queue_cannot_take_becomes_a_bad_entry)
{
    script.items = 2;
    faults.put_fails_uid = 1;
    faults.put_class = ERROR_MAIL;
    faults.put_takes_it_as_bad = true;
    ck_assert_int_eq(pump_run(&pump, &err), 0);
    ck_assert_story("put 1;rollback;put 1 bad;put 2;commit;settle 0 2;settle 1 1;");
    ck_assert_uint_eq(entries(QUEUE_BAD), 1);
}
END_TEST

START_TEST(an_item_the_queue_can_never_take_stays_where_it_is_and_stops_nobody)
{
    script.items = 2;
    faults.put_fails_uid = 1;
    faults.put_class = ERROR_MAIL;
    ck_assert_int_eq(pump_run(&pump, &err), 0);
    ck_assert_story("put 1;rollback;put 1 bad;rollback;put 2;commit;settle 0 2;settle 2 1;");
    ck_assert_uint_eq(pump.counts.released, 1);
}
END_TEST

START_TEST(why_an_item_stays_where_it_is_is_told_once)
{
    char told[256] = "";
    AUTO_FD fd = memfd_create("log", MFD_CLOEXEC);
    const struct log log = {.fd = fd, .level = LOADER_LOG_WARNING};
    pump.log = &log;
    script.items = 2;
    faults.put_fails_uid = 1;
    faults.put_class = ERROR_MAIL;
    faults.commit_fails = 1; /* and then once again, as all of the batch */
    faults.commit_result = QUEUE_COMMIT_UNSURE;
    ck_assert_int_eq(pump_run(&pump, &err), 0);
    ck_assert_int_gt(pread(fd, told, sizeof told - 1, 0), 0);
    ck_assert_str_eq(told,
                     "mailchute: warning: message 1 of 'INBOX' is left where it is, the queue "
                     "cannot take it: scripted put failure; go on\n");
}
END_TEST

START_TEST(released_items_are_not_asked_for_for_ever)
{
    for (int dry = 0; dry <= 1; dry++) {
        tear_down();
        set_up();
        script.items = 1;
        script.again = true;
        pump.dry_run = dry == 1;
        faults.put_fails_uid = dry == 1 ? 0 : 1;
        faults.put_class = ERROR_MAIL;
        ck_assert_int_eq(pump_run(&pump, &err), 0);
        ck_assert_uint_eq(script.asked, 2);
    }
}
END_TEST

START_TEST(a_full_disk_is_never_the_mails_fault)
{
    script.items = 2;
    faults.put_fails_uid = 2;
    faults.put_class = ERROR_STORE;
    ck_assert_int_eq(pump_run(&pump, &err), -1);
    ck_assert_int_eq(err.class, ERROR_STORE);
    ck_assert_ptr_null(strstr(buffer_text(&story), "settle"));
    ck_assert_uint_eq(entries(QUEUE_NEW) + entries(QUEUE_BAD), 0);
}
END_TEST

START_TEST(an_entry_that_is_there_already_is_settled_with_the_fate_it_got_then)
{
    script.items = 2;
    script.bad_at = 2;
    ck_assert_int_eq(pump_run(&pump, &err), 0);
    struct queue *same = pump.queue;
    buffer_clear(&story);
    memset(&script, 0, sizeof script);
    script.items = 2; /* the second one loads this time: its entry is bad all the same */
    script.raw_size = 1;
    pump = (struct pump){.plugin = &script_plugin, .handle = &script, .clock = &test_clock,
                         .queue_name = "default", .source = "script", .cancel_fd = -1,
                         .queue = same};
    ck_assert_int_eq(pump_run(&pump, &err), 0);
    ck_assert_story("put 1;put 2;commit;settle 0 1;settle 1 2;");
    ck_assert_uint_eq(pump.counts.duplicates, 2);
    ck_assert_uint_eq(pump.counts.stored, 0);
}
END_TEST

START_TEST(a_dry_run_commits_nothing_and_only_releases)
{
    script.items = 3;
    script.bad_at = 2;
    pump.dry_run = true;
    ck_assert_int_eq(pump_run(&pump, &err), 0);
    ck_assert_story("settle 2 1 2 3;"); /* nothing was put that would have to be held */
    ck_assert_uint_eq(pump.counts.stored, 2);
    ck_assert_uint_eq(entries(QUEUE_NEW) + entries(QUEUE_BAD), 0);
}
END_TEST

START_TEST(a_dry_run_judges_items_as_a_run_would)
{
    script.items = 2;
    pump.dry_run = true;
    faults.put_fails_uid = 1;
    faults.put_class = ERROR_MAIL;
    faults.put_takes_it_as_bad = true;
    ck_assert_int_eq(pump_run(&pump, &err), 0);
    ck_assert(pump.counts.stored == 1 && pump.counts.bad == 1);
    tear_down();
    set_up();
    script.items = 2;
    pump.dry_run = true;
    faults.put_fails_uid = 1;
    faults.put_class = ERROR_BUG;
    ck_assert_int_eq(pump_run(&pump, &err), -1);
    ck_assert_int_eq(err.class, ERROR_BUG);
}
END_TEST

static uint32_t count_in_story(const char *word)
{
    uint32_t n = 0;
    for (const char *at = buffer_text(&story); (at = strstr(at, word)) != NULL; at++)
        n++;
    return n;
}

START_TEST(a_batch_ends_at_its_number_of_items)
{
    script.items = PUMP_BATCH_ITEMS + 1;
    ck_assert_int_eq(pump_run(&pump, &err), 0);
    ck_assert_uint_eq(count_in_story("commit;"), 2);
    ck_assert_uint_eq(pump.counts.stored, PUMP_BATCH_ITEMS + 1);
}
END_TEST

START_TEST(a_batch_ends_at_its_number_of_bytes)
{
    script.items = 4;
    script.raw_size = PUMP_BATCH_BYTES / 2;
    faults.put_fails_uid = 1; /* before anybody reads bytes that are not there */
    faults.put_class = ERROR_STORE;
    ck_assert_int_eq(pump_run(&pump, &err), -1);
    ck_assert_uint_eq(script.handed, 2);
}
END_TEST

START_TEST(text_in_a_file_counts_as_the_piece_of_it_that_is_in_memory)
{
    script.filed = 1u << 18;
    script.filed_fd = memfd_create("text", MFD_CLOEXEC);
    ck_assert_int_eq(ftruncate(script.filed_fd, 1 << 18), 0);
    script.items = 21; /* of 65,537 bytes each, 20 are more than a batch may have */
    ck_assert_int_eq(pump_run(&pump, &err), 0);
    const char *commit = strstr(buffer_text(&story), "commit;");
    ck_assert_int_eq(strncmp(commit - strlen("put 20;"), "put 20;commit;", 14), 0);
    ck_assert_ptr_nonnull(strstr(commit, "put 21;commit;"));
    close(script.filed_fd);
}
END_TEST

static void file_of(size_t size)
{
    AUTO_TEXT text = malloc(size);
    memset(text, 'x', size);
    script.filed = size;
    script.filed_fd = memfd_create("text", MFD_CLOEXEC);
    ck_assert_int_eq(write_all(script.filed_fd, text, size), 0);
}

START_TEST(texts_in_files_are_no_more_in_a_batch_than_messages_in_files)
{
    file_of(9u << 20);
    script.items = 5;
    ck_assert_int_eq(pump_run(&pump, &err), 0);
    const char *commit = strstr(buffer_text(&story), "commit;");
    ck_assert_int_eq(strncmp(commit - strlen("put 4;"), "put 4;commit;", 13), 0);
    close(script.filed_fd);
}
END_TEST

/* A mail of 4 kB may have a thousand of them, 80 kB in memory. */
START_TEST(a_batch_may_be_full_of_addresses)
{
    static struct loader_address many[1000];
    for (size_t i = 0; i < 1000; i++)
        many[i] = (struct loader_address){.address = "a@b"};
    script.to_list = (struct loader_addresses){many, 1000};
    script.items = PUMP_BATCH_ITEMS - 1;
    ck_assert_int_eq(pump_run(&pump, &err), 0);
    const char *commit = strstr(buffer_text(&story), "commit;");
    ck_assert(commit != NULL && commit < strstr(buffer_text(&story), "put 30;"));
}
END_TEST

START_TEST(where_there_is_no_descriptor_left_the_content_of_a_filed_text_is_made_in_memory)
{
    struct rlimit before, none;
    file_of(100000);
    script.items = 1;
    int next = dup(script.filed_fd);
    close(next);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    int result = pump_run(&pump, &err);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_msg(result == 0, "%s", err.text);
    ck_assert_uint_eq(pump.counts.stored, 1);
    close(script.filed_fd);
}
END_TEST

/* The mail of version 1.0 in memory of just that size: one byte too far is seen by the sanitizer.
 */
static struct loader_mail *old_mail;
static enum loader_next old_next(void *handle, const struct loader_item **out_item,
                                 struct loader_error *why)
{
    enum loader_next result = script_next(handle, out_item, why);
    if (result != LOADER_NEXT_ITEM)
        return result;
    size_t n = script.handed - 1;
    memcpy(old_mail, &script.mail[n], offsetof(struct loader_mail, message_body_file));
    old_mail->struct_size = (uint32_t)offsetof(struct loader_mail, message_body_file);
    old_mail->message_body = "words";
    script.made[n].mail = old_mail;
    return result;
}

static enum loader_next short_next(void *handle, const struct loader_item **out_item,
                                   struct loader_error *why)
{
    enum loader_next result = old_next(handle, out_item, why);
    old_mail->struct_size--;
    return result;
}

static int keep_content(void *context, const struct queue_entry *entry)
{
    return buffer_append(context, entry->content, entry->content_size);
}

START_TEST(an_item_of_a_loader_of_1_0_becomes_an_entry_as_it_did)
{
    static const struct queue_filter all = {.with_content = true};
    struct loader_plugin old = script_plugin;
    struct buffer content;
    old_mail = malloc(offsetof(struct loader_mail, message_body_file));
    old.next = old_next;
    pump.plugin = &old;
    script.items = 1;
    ck_assert_msg(pump_run(&pump, &err) == 0, "%s", err.text);
    ck_assert_story("put 1;commit;settle 0 1;");
    buffer_init(&content, 1u << 20);
    ck_assert_int_eq(queue_list(pump.queue, &all, keep_content, &content, &err), 0);
    ck_assert_ptr_nonnull(
        strstr(buffer_text(&content), "\"message_body\":\"words\",\"html\":null"));
    buffer_done(&content);
    free(old_mail);
}
END_TEST

START_TEST(an_item_with_less_than_1_0_had_breaks_the_contract)
{
    struct loader_plugin old = script_plugin;
    old_mail = malloc(sizeof *old_mail);
    old.next = short_next;
    pump.plugin = &old;
    script.items = 1;
    ck_assert_int_eq(pump_run(&pump, &err), -1);
    ck_assert_int_eq(err.class, ERROR_BUG);
    free(old_mail);
}
END_TEST

START_TEST(a_batch_ends_with_an_item_that_comes_long_behind_its_first)
{
    script.items = 1;
    now_ms = 0;
    pump.batch_since_ms = 0;
    const struct loader_item *item;
    struct loader_error theirs;
    script_next(&script, &item, &theirs);
    script.items = 2;
    pump.slots[0] = (struct pump_slot){.item = item};
    pump.slot_count = 1;
    now_ms = PUMP_BATCH_MS;
    script.fail_at = 3;
    script.fail_class = LOADER_ERROR_LINK;
    ck_assert_int_eq(pump_run(&pump, &err), -1);
    ck_assert_story("put 1;put 2;commit;settle 0 1 2;");
}
END_TEST

START_TEST(the_limit_is_kept_even_if_the_loader_does_not_know_it)
{
    script.items = 5;
    pump.limit = 2;
    ck_assert_int_eq(pump_run(&pump, &err), 0);
    ck_assert_story("put 1;put 2;commit;settle 0 1 2;settle 2 3;");
    ck_assert_uint_eq(pump.counts.stored, 2);
}
END_TEST

START_TEST(a_request_to_stop_finishes_what_is_in_hand)
{
    script.items = 5;
    stop = 1;
    const struct loader_item *item;
    struct loader_error theirs;
    script_next(&script, &item, &theirs);
    pump.slots[0] = (struct pump_slot){.item = item};
    pump.slot_count = 1;
    ck_assert_int_eq(pump_run(&pump, &err), -1);
    ck_assert_int_eq(err.class, ERROR_CANCELLED);
    ck_assert_story("put 1;commit;settle 0 1;");
}
END_TEST

START_TEST(watching_waits_when_all_is_drained_and_goes_on)
{
    script.items = 1;
    pump.watch = true;
    pump.limit = 3;
    ck_assert_int_eq(pump_run(&pump, &err), 0);
    ck_assert_story("put 1;commit;settle 0 1;wait;put 2;commit;settle 0 2;wait;put 3;commit;"
                    "settle 0 3;");
    ck_assert_uint_eq(pump.sweeps, 3);
}
END_TEST

START_TEST(a_settle_that_fails_is_told_and_the_entries_stay)
{
    script.items = 2;
    script.bad_at = 2;
    script.settle_fails = LOADER_ERROR_LINK;
    ck_assert_int_eq(pump_run(&pump, &err), -1);
    ck_assert_int_eq(err.class, ERROR_LINK);
    ck_assert_story("put 1;put 2 bad;commit;settle 0 1;settle 1 2;");
    ck_assert_uint_eq(entries(QUEUE_NEW), 1);
}
END_TEST

static enum loader_next broken_next(void *handle, const struct loader_item **out_item,
                                    struct loader_error *theirs)
{
    enum loader_next result = script_next(handle, out_item, theirs);
    if (result == LOADER_NEXT_ITEM && script.handed == 2)
        script.made[1].token = 0;
    return result;
}

START_TEST(an_item_that_breaks_the_contract_ends_the_run_and_keeps_the_others)
{
    struct loader_plugin broken = script_plugin;
    broken.next = broken_next;
    pump.plugin = &broken;
    script.items = 2;
    ck_assert_int_eq(pump_run(&pump, &err), -1);
    ck_assert_int_eq(err.class, ERROR_BUG);
    ck_assert_story("put 1;commit;");
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("pump");
    TCase *cases = tcase_create("pump");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, items_are_put_then_committed_then_told_then_settled);
    tcase_add_test(cases, a_batch_that_was_told_of_is_ended_by_word_before_it_is_settled);
    tcase_add_test(cases, who_is_told_of_a_batch_may_end_the_run_behind_it);
    tcase_add_test(cases, nothing_to_pick_up_is_no_error_and_touches_no_queue);
    tcase_add_test(cases, a_commit_that_fails_settles_nothing);
    tcase_add_test(cases, a_commit_that_does_not_say_is_repeated_and_doubles_nothing);
    tcase_add_test(cases, a_commit_that_never_says_ends_with_an_error_and_settles_nothing);
    tcase_add_test(cases, a_failure_of_the_loader_keeps_and_settles_what_was_in_hand);
    tcase_add_test(cases, a_lost_link_keeps_what_was_in_hand_and_leaves_settling_to_the_next_run);
    tcase_add_test(cases, a_bad_item_becomes_a_bad_entry_and_goes_to_badmail_alone);
    tcase_add_test(cases, a_message_that_is_not_read_may_be_of_any_size);
    tcase_add_test(cases, more_bytes_than_a_queue_keeps_break_the_contract);
    tcase_add_test(cases, an_item_the_queue_cannot_take_becomes_a_bad_entry);
    tcase_add_test(cases, an_item_the_queue_can_never_take_stays_where_it_is_and_stops_nobody);
    tcase_add_test(cases, why_an_item_stays_where_it_is_is_told_once);
    tcase_add_test(cases, released_items_are_not_asked_for_for_ever);
    tcase_add_test(cases, a_full_disk_is_never_the_mails_fault);
    tcase_add_test(cases, an_entry_that_is_there_already_is_settled_with_the_fate_it_got_then);
    tcase_add_test(cases, a_dry_run_commits_nothing_and_only_releases);
    tcase_add_test(cases, a_dry_run_judges_items_as_a_run_would);
    tcase_add_test(cases, a_batch_ends_at_its_number_of_items);
    tcase_add_test(cases, a_batch_ends_at_its_number_of_bytes);
    tcase_add_test(cases, text_in_a_file_counts_as_the_piece_of_it_that_is_in_memory);
    tcase_add_test(cases, texts_in_files_are_no_more_in_a_batch_than_messages_in_files);
    tcase_add_test(cases, a_batch_may_be_full_of_addresses);
    tcase_add_test(cases,
                   where_there_is_no_descriptor_left_the_content_of_a_filed_text_is_made_in_memory);
    tcase_add_test(cases, an_item_of_a_loader_of_1_0_becomes_an_entry_as_it_did);
    tcase_add_test(cases, an_item_with_less_than_1_0_had_breaks_the_contract);
    tcase_add_test(cases, a_batch_ends_with_an_item_that_comes_long_behind_its_first);
    tcase_add_test(cases, the_limit_is_kept_even_if_the_loader_does_not_know_it);
    tcase_add_test(cases, a_request_to_stop_finishes_what_is_in_hand);
    tcase_add_test(cases, watching_waits_when_all_is_drained_and_goes_on);
    tcase_add_test(cases, a_settle_that_fails_is_told_and_the_entries_stay);
    tcase_add_test(cases, an_item_that_breaks_the_contract_ends_the_run_and_keeps_the_others);
    suite_add_tcase(all, cases);
    return all;
}

CHECK_MAIN(suite)
