/* SPDX-License-Identifier: Apache-2.0 */
/* host-plugin-test.c - promises about plug-ins, old and new ones, and about what they are
 * handed. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host-table.h"
#include "loader-error.h"
#include "plugin.h"
#include "queue-fixture.h"
#include "text.h"

static struct error err;

/* ---- Tables of other builds ------------------------------------------------------------------ */

static int fake_open(const struct loader_host *host, const struct loader_settings *settings,
                     void **out_handle, struct loader_error *theirs)
{
    (void)host;
    (void)settings;
    (void)theirs;
    *out_handle = NULL;
    return 0;
}

static enum loader_next fake_next(void *handle, const struct loader_item **out_item,
                                  struct loader_error *theirs)
{
    (void)handle;
    (void)out_item;
    (void)theirs;
    return LOADER_NEXT_DRAINED;
}

static int fake_settle(void *handle, const uint64_t *tokens, uint64_t count, uint32_t fate,
                       struct loader_error *theirs)
{
    (void)handle;
    (void)tokens;
    (void)count;
    (void)fate;
    (void)theirs;
    return 0;
}

static void fake_close(void *handle)
{
    (void)handle;
}

static int fake_wait(void *handle, struct loader_wait *out_wait, struct loader_error *theirs)
{
    (void)handle;
    (void)out_wait;
    (void)theirs;
    return 0;
}

static const struct loader_plugin good = {LOADER_PLUGIN_HEAD, .name = "Fake", .open = fake_open,
                                          .next = fake_next, .settle = fake_settle,
                                          .close = fake_close, .wait = fake_wait};

START_TEST(a_table_of_our_own_size_is_taken_as_it_is)
{
    struct loader_plugin got;
    ck_assert_int_eq(plugin_adopt(&good, &got, &err), 0);
    ck_assert_int_eq(memcmp(&got, &good, sizeof got), 0);
}
END_TEST

START_TEST(what_a_shorter_table_lacks_is_zero)
{
    struct loader_plugin theirs = good, got;
    theirs.struct_size = offsetof(struct loader_plugin, wait);
    memset(&got, 0x55, sizeof got);
    ck_assert_int_eq(plugin_adopt(&theirs, &got, &err), 0);
    ck_assert(got.close == fake_close);
    ck_assert_ptr_null(got.wait);
    ck_assert_ptr_null(got.parse);
    ck_assert_ptr_null(got.check);
}
END_TEST

START_TEST(of_a_longer_table_the_known_start_is_taken)
{
    struct {
        struct loader_plugin known;
        void *unknown[8];
    } theirs = {good, {&theirs}};
    struct loader_plugin got;
    theirs.known.struct_size = sizeof theirs;
    ck_assert_int_eq(plugin_adopt(&theirs.known, &got, &err), 0);
    ck_assert(got.wait == fake_wait);
    ck_assert_uint_eq(got.struct_size, sizeof got);
}
END_TEST

START_TEST(a_table_that_cannot_be_used_is_refused_and_says_so)
{
    struct loader_plugin broken[6];
    for (size_t i = 0; i < 6; i++)
        broken[i] = good;
    broken[0].api_version = LOADER_API_VERSION + 1;
    broken[1].struct_size = offsetof(struct loader_plugin, wait) - 1;
    broken[2].name = "../evil";
    broken[3].name = NULL;
    broken[4].settle = NULL;
    broken[5].option_count = 1;
    for (size_t i = 0; i < 6; i++) {
        struct loader_plugin got;
        ck_assert_msg(plugin_adopt(&broken[i], &got, &err) == -1, "table %zu", i);
        ck_assert_int_eq(err.class, ERROR_CONFIG);
    }
    ck_assert_int_eq(plugin_adopt(NULL, &broken[0], &err), -1);
}
END_TEST

/* ---- Files ----------------------------------------------------------------------------------- */

static char folder[64], file[128];

static void make_file(void)
{
    text_copy(folder, sizeof folder, "/tmp/mailchute-plugin-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/x.so", folder);
    FILE *out = fopen(file, "w");
    ck_assert_ptr_nonnull(out);
    fputs("no library", out);
    fclose(out);
}

static void remove_file(void)
{
    unlink(file);
    rmdir(folder);
}

static void assert_refused(const char *name, enum error_class class, const char *word)
{
    struct plugin *plugin = NULL;
    ck_assert_int_eq(plugin_open(name, &plugin, &err), -1);
    ck_assert_ptr_null(plugin);
    ck_assert_int_eq(err.class, class);
    ck_assert_msg(strstr(err.text, word) != NULL, "%s", err.text);
}

START_TEST(a_file_that_everybody_may_write_is_never_loaded)
{
    chmod(file, 0666);
    assert_refused(file, ERROR_CONFIG, "everybody may write");
    chmod(file, 0600);
    chmod(folder, 0777);
    assert_refused(file, ERROR_CONFIG, "everybody may write");
    chmod(folder, 01777); /* as /tmp: others cannot replace our file there */
    assert_refused(file, ERROR_CONFIG, "cannot be loaded");
    chmod(folder, 0700);
    assert_refused(file, ERROR_CONFIG, "cannot be loaded");
}
END_TEST

START_TEST(a_file_of_somebody_else_is_never_loaded)
{
    if (geteuid() != 0 || chown(file, 12345, 12345) < 0)
        return; /* only root can try */
    assert_refused(file, ERROR_CONFIG, "another user");
}
END_TEST

START_TEST(a_loader_that_is_not_there_is_named)
{
    assert_refused("/nowhere/x.so", ERROR_CONFIG, "/nowhere/x.so");
    assert_refused("NoSuchLoader", ERROR_USAGE, "'NoSuchLoader'");
    assert_refused("..", ERROR_USAGE, "'..'");
    assert_refused("", ERROR_USAGE, "''");
}
END_TEST

/* ---- Errors between both forms --------------------------------------------------------------- */

START_TEST(an_error_keeps_class_pause_and_text_on_its_way)
{
    struct loader_error theirs = {sizeof theirs, LOADER_ERROR_PAUSE, 30, "wait"};
    ck_assert_int_eq(loader_error_read(&theirs, "Fake", &err), -1);
    ck_assert_int_eq(err.class, ERROR_PAUSE);
    ck_assert_uint_eq(err.pause_s, 30);
    ck_assert_str_eq(err.text, "wait");
    struct loader_error back;
    loader_error_clear(&back);
    ck_assert_int_eq(loader_error_write(&err, &back), -1);
    ck_assert_int_eq(memcmp(&back.error_class, &theirs.error_class, 8), 0);
    ck_assert_str_eq(back.text, "wait");
}
END_TEST

START_TEST(an_error_of_an_unknown_class_or_without_text_or_end_is_still_told)
{
    struct loader_error theirs = {.struct_size = sizeof theirs, .error_class = 999};
    loader_error_read(&theirs, "Fake", &err);
    ck_assert_int_eq(err.class, ERROR_BUG);
    ck_assert_ptr_nonnull(strstr(err.text, "'Fake'"));
    memset(theirs.text, 'x', sizeof theirs.text);
    loader_error_read(&theirs, "Fake", &err);
    ck_assert_uint_lt(strlen(err.text), sizeof err.text);
}
END_TEST

START_TEST(an_error_fits_the_room_of_an_older_loader)
{
    struct loader_error theirs;
    memset(&theirs, 0x55, sizeof theirs);
    theirs.struct_size = offsetof(struct loader_error, text) + 8;
    error_set(&err, ERROR_STORE, "a long text");
    loader_error_write(&err, &theirs);
    ck_assert_str_eq(theirs.text, "a long ");
    ck_assert_int_eq(theirs.text[8], 0x55);
    loader_error_write(&err, NULL);
}
END_TEST

/* ---- The host's table ------------------------------------------------------------------------ */

static struct queue *queue;
static struct host_table table;

static void open_table(bool read_only)
{
    ck_assert_int_eq(queue_open("memory:", NULL, clock_system(), &queue, &err), 0);
    table = (struct host_table){.clock = clock_system(), .queue = queue, .loader_name = "Fake",
                                .read_only = read_only};
    host_table_init(&table);
}

static void close_table(void)
{
    host_table_done(&table);
    queue_close(queue);
}

START_TEST(a_step_that_was_noted_is_known_and_left_to_settle)
{
    open_table(false);
    const struct loader_host *host = &table.loader;
    struct loader_error theirs;
    loader_error_clear(&theirs);
    struct loader_record note = {.origin = {"ann@h", "INBOX", 7, 42, NULL},
                                 .step = LOADER_STEP_MOVING, .target = "DROPBOX",
                                 .target_uidvalidity = 9, .target_uid = 100};
    ck_assert_int_eq(host->note(host->context, &note, 1, &theirs), 0);
    struct loader_record known[2] = {{.origin = {"ann@h", "INBOX", 7, 41, NULL}, .step = 99},
                                     {.origin = {"ann@h", "INBOX", 7, 42, NULL}}};
    ck_assert_int_eq(host->known(host->context, known, 2, &theirs), 0);
    ck_assert_uint_eq(known[0].step, LOADER_STEP_UNKNOWN);
    ck_assert_uint_eq(known[1].step, LOADER_STEP_MOVING);
    ck_assert_uint_eq(known[1].target_uid, 100);
    ck_assert_str_eq(known[1].target, "DROPBOX");
    struct loader_record left[4];
    uint64_t count = 0;
    ck_assert_int_eq(host->unsettled(host->context, "ann@h", "INBOX", NULL, left, 4, &count,
                                     &theirs), 0);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(left[0].origin.uid, 42);
    ck_assert_str_eq(left[0].origin.account, "ann@h");
    ck_assert_int_eq(host->unsettled(host->context, "ann@h", "INBOX", &left[0].origin, left, 4,
                                     &count, &theirs), 0);
    ck_assert_uint_eq(count, 0);
    close_table();
}
END_TEST

START_TEST(in_a_dry_run_nothing_is_noted_and_nothing_left_to_settle)
{
    open_table(true);
    ck_assert_ptr_nonnull(table.loader.known);
    ck_assert_ptr_null(table.loader.note);
    ck_assert_ptr_null(table.loader.unsettled);
    close_table();
}
END_TEST

/* Where two processes ask, one has it: it was asked before the server was. */
START_TEST(who_asks_about_a_mailbox_has_it_alone_and_who_only_looks_waits_for_nobody)
{
    struct queue_fixture f;
    struct queue_claims theirs = {0};
    struct loader_error why;
    struct loader_mailbox state = {.struct_size = sizeof state};
    queue_fixture_init(&f, QUEUE_FIXTURE_SQLITE);
    for (int looks = 0; looks < 2; looks++) {
        table = (struct host_table){
            .clock = &f.clock, .queue = f.queue, .loader_name = "IMAP", .read_only = looks != 0};
        host_table_init(&table);
        loader_error_clear(&why);
        ck_well(&f, queue_claims_take(&theirs, f.queue, "IMAP", "ann", "INBOX", &f.err));
        int failed = table.loader.mailbox(&table, "ann", "INBOX", &state, &why);
        ck_assert_int_eq(failed, looks != 0 ? 0 : -1);
        ck_assert_uint_eq(why.error_class, looks != 0 ? LOADER_ERROR_NONE : LOADER_ERROR_PAUSE);
        queue_claims_done(&theirs);
        ck_assert_int_eq(table.loader.mailbox(&table, "ann", "INBOX", &state, &why), 0);
        failed = queue_claims_take(&theirs, f.queue, "IMAP", "ann", "INBOX", &f.err);
        ck_assert_int_eq(failed, looks != 0 ? 0 : -1);
        queue_claims_done(&theirs);
        queue_fixture_reopen(&f); /* which gives up what it has */
        host_table_done(&table);
    }
    queue_fixture_done(&f);
}
END_TEST

START_TEST(too_many_records_at_once_are_an_error_and_no_crash)
{
    open_table(false);
    struct loader_error theirs;
    loader_error_clear(&theirs);
    struct loader_record one = {.origin = {"ann@h", "INBOX", 7, 1, NULL}};
    ck_assert_int_eq(table.loader.known(table.loader.context, &one, UINT64_MAX, &theirs), -1);
    ck_assert_uint_eq(theirs.error_class, LOADER_ERROR_BUG);
    close_table();
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("plugin");
    TCase *cases = tcase_create("plugin");
    tcase_add_test(cases, a_table_of_our_own_size_is_taken_as_it_is);
    tcase_add_test(cases, what_a_shorter_table_lacks_is_zero);
    tcase_add_test(cases, of_a_longer_table_the_known_start_is_taken);
    tcase_add_test(cases, a_table_that_cannot_be_used_is_refused_and_says_so);
    tcase_add_test(cases, an_error_keeps_class_pause_and_text_on_its_way);
    tcase_add_test(cases, an_error_of_an_unknown_class_or_without_text_or_end_is_still_told);
    tcase_add_test(cases, an_error_fits_the_room_of_an_older_loader);
    tcase_add_test(cases, a_step_that_was_noted_is_known_and_left_to_settle);
    tcase_add_test(cases, in_a_dry_run_nothing_is_noted_and_nothing_left_to_settle);
    tcase_add_test(cases,
                   who_asks_about_a_mailbox_has_it_alone_and_who_only_looks_waits_for_nobody);
    tcase_add_test(cases, too_many_records_at_once_are_an_error_and_no_crash);
    suite_add_tcase(all, cases);
    TCase *files = tcase_create("files");
    tcase_add_checked_fixture(files, make_file, remove_file);
    tcase_add_test(files, a_file_that_everybody_may_write_is_never_loaded);
    tcase_add_test(files, a_file_of_somebody_else_is_never_loaded);
    tcase_add_test(files, a_loader_that_is_not_there_is_named);
    suite_add_tcase(all, files);
    return all;
}

CHECK_MAIN(suite)
