/* SPDX-License-Identifier: Apache-2.0 */
/* queue-source-test.c - what queue-source.h promises, of every back end alike. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue-fixture.h"
#include "queue-source.h"

/* Each test runs once per back end: _i is its number. */
static struct queue_fixture f;

static void teardown(void)
{
    queue_fixture_done(&f);
}

#define START() queue_fixture_init(&f, _i)

/* A source as a person would set it. Yours. */
static struct queue_source *source_of(const char *name)
{
    static const uint8_t secret[] = {0, 1, 2, 0xFF};
    struct queue_source *source = queue_source_new();
    source->name = strdup(name);
    source->loader = strdup("IMAP");
    source->connection = strdup("url=mail.example.org;ssl=True");
    source->queue = strdup("default");
    source->user = strdup("ann");
    source->secret_kind = strdup("stored");
    source->secret_size = sizeof secret;
    source->secret = memcpy(malloc(sizeof secret), secret, sizeof secret);
    source->interval_s = 300;
    return source;
}

static void add(const char *name)
{
    AUTO(queue_source) source = source_of(name);
    ck_well(&f, queue_source_add(f.queue, source, &f.err));
}

static struct queue_source *get(const char *name)
{
    struct queue_source *source = NULL;
    ck_well(&f, queue_source_get(f.queue, name, &source, &f.err));
    return source;
}

static uint64_t epoch(void)
{
    uint64_t now = 0;
    ck_well(&f, queue_source_epoch(f.queue, &now, &f.err));
    return now;
}

static int write_name(void *context, const struct queue_source *source)
{
    char *text = context;
    size_t len = strlen(text);
    (void)snprintf(text + len, 256 - len, "%s%s", len == 0 ? "" : " ", source->name);
    return strcmp(source->name, "stop") == 0;
}

static const char *names(void)
{
    static char text[256];
    text[0] = '\0';
    ck_well(&f, queue_source_each(f.queue, write_name, text, &f.err));
    return text;
}

static void refused(struct queue_source *source, const char *word)
{
    ck_assert_int_eq(queue_source_add(f.queue, source, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_USAGE);
    ck_assert_msg(strstr(f.err.text, word) != NULL, "'%s' is not in: %s", word, f.err.text);
    ck_assert_str_eq(names(), "");
}

START_TEST(a_source_comes_back_as_it_was_added)
{
    START();
    f.now_s = 5000;
    add("office");
    if (f.keeps)
        queue_fixture_reopen(&f);
    AUTO(queue_source) source = get("office");
    AUTO(queue_source) by_id = get(source->id);
    ck_assert_str_eq(by_id->name, "office");
    ck_assert_uint_eq(strlen(source->id), QUEUE_ID_TEXT - 1);
    ck_assert_uint_eq(source->version, 1);
    ck_assert_int_eq(source->created_s, 5000);
    ck_assert_str_eq(source->loader, "IMAP");
    ck_assert_str_eq(source->connection, "url=mail.example.org;ssl=True");
    ck_assert_str_eq(source->queue, "default");
    ck_assert_str_eq(source->user, "ann");
    ck_assert_str_eq(source->secret_kind, "stored");
    ck_assert_uint_eq(source->secret_size, 4);
    ck_assert_mem_eq(source->secret, "\0\1\2\377", 4);
    ck_assert_uint_eq(source->interval_s, 300);
    ck_assert(!source->paused);
    ck_assert_uint_eq(source->queued + source->bad, 0);
    ck_assert_ptr_null(source->report.status);
    ck_assert_str_eq(source->report.id, source->id);
}
END_TEST

START_TEST(a_name_belongs_to_one_source)
{
    START();
    add("office");
    AUTO(queue_source) second = source_of("office");
    ck_assert_int_eq(queue_source_add(f.queue, second, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_USAGE);
    ck_assert_ptr_nonnull(strstr(f.err.text, "office"));
    ck_assert_str_eq(names(), "office");
}
END_TEST

START_TEST(sources_are_told_by_name_until_told_to_stop)
{
    START();
    add("stop");
    add("zoo");
    add("office");
    add("archive");
    ck_assert_str_eq(names(), "archive office stop");
}
END_TEST

START_TEST(a_field_over_its_limit_is_refused_and_named)
{
    START();
    char name[QUEUE_SOURCE_NAME_MAX + 2];
    memset(name, 'n', sizeof name);
    name[QUEUE_SOURCE_NAME_MAX + 1] = '\0';
    AUTO(queue_source) long_name = source_of(name);
    refused(long_name, "name");
    AUTO(queue_source) no_name = source_of("");
    refused(no_name, "name");
    AUTO(queue_source) option = source_of("--force");
    refused(option, "'-'");
    AUTO(queue_source) line_end = source_of("two\nlines");
    refused(line_end, "name");
    AUTO(queue_source) like_an_id = source_of("7b8598e2-eb78-41a3-88f8-1f7da017073d");
    refused(like_an_id, "id");
    AUTO(queue_source) connection = source_of("office");
    free(connection->connection);
    connection->connection = calloc(1, QUEUE_SOURCE_CONNECTION_MAX + 2);
    memset(connection->connection, 'c', QUEUE_SOURCE_CONNECTION_MAX + 1);
    refused(connection, "connection string");
    AUTO(queue_source) no_loader = source_of("office");
    no_loader->loader[0] = '\0';
    refused(no_loader, "loader");
    name[QUEUE_SOURCE_NAME_MAX] = '\0';
    add(name); /* at the limit */
}
END_TEST

START_TEST(a_change_replaces_the_settings_and_raises_the_version)
{
    START();
    add("office");
    AUTO(queue_source) source = get("office");
    free(source->connection);
    source->connection = strdup("url=imap.example.net");
    free(source->user);
    source->user = NULL;
    source->paused = true;
    source->syncs = 3;
    ck_well(&f, queue_source_change(f.queue, source, &f.err));
    ck_assert_uint_eq(source->version, 2);
    AUTO(queue_source) after = get("office");
    ck_assert_uint_eq(after->version, 2);
    ck_assert_str_eq(after->connection, "url=imap.example.net");
    ck_assert_ptr_null(after->user);
    ck_assert(after->paused);
    ck_assert_uint_eq(after->syncs, 3);
    ck_assert_uint_eq(after->secret_size, 4);
    ck_assert_int_eq(after->created_s, 1000);
}
END_TEST

START_TEST(of_two_changes_of_one_version_the_second_is_refused)
{
    START();
    add("office");
    AUTO(queue_source) mine = get("office");
    AUTO(queue_source) theirs = get("office");
    theirs->paused = true;
    ck_well(&f, queue_source_change(f.queue, theirs, &f.err));
    mine->interval_s = 1;
    ck_assert_int_eq(queue_source_change(f.queue, mine, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_USAGE);
    AUTO(queue_source) after = get("office");
    ck_assert(after->paused);
    ck_assert_uint_eq(after->interval_s, 300);
}
END_TEST

START_TEST(a_name_never_changes)
{
    START();
    add("office");
    AUTO(queue_source) source = get("office");
    free(source->name);
    source->name = strdup("home");
    ck_assert_int_eq(queue_source_change(f.queue, source, &f.err), -1);
    ck_assert_str_eq(names(), "office");
}
END_TEST

START_TEST(what_is_removed_is_gone_and_its_name_free)
{
    START();
    add("office");
    AUTO(queue_source) source = get("office");
    ck_well(&f, queue_source_remove(f.queue, source->id, &f.err));
    ck_assert_str_eq(names(), "");
    ck_assert_int_eq(queue_source_remove(f.queue, source->id, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_USAGE);
    ck_assert_int_eq(queue_source_change(f.queue, source, &f.err), -1);
    add("office");
    AUTO(queue_source) second = get("office");
    ck_assert_str_ne(second->id, source->id);
    ck_assert_ptr_null(second->report.status);
}
END_TEST

START_TEST(an_unknown_source_is_named)
{
    START();
    struct queue_source *source = NULL;
    ck_assert_int_eq(queue_source_get(f.queue, "nowhere", &source, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_USAGE);
    ck_assert_ptr_nonnull(strstr(f.err.text, "nowhere"));
}
END_TEST

START_TEST(each_change_of_settings_has_its_epoch_and_a_report_has_none)
{
    START();
    uint64_t before = epoch();
    add("office");
    uint64_t added = epoch();
    ck_assert_uint_ne(added, before);
    AUTO(queue_source) source = get("office");
    ck_well(&f, queue_source_change(f.queue, source, &f.err));
    uint64_t changed = epoch();
    ck_assert_uint_ne(changed, added);
    struct queue_source_report report = {.status = source->loader};
    memcpy(report.id, source->id, sizeof report.id);
    ck_well(&f, queue_source_tell(f.queue, &report, 1, &f.err));
    queue_fixture_add(&f, 1, 3);
    ck_assert_uint_eq(epoch(), changed);
    ck_well(&f, queue_source_remove(f.queue, source->id, &f.err));
    ck_assert_uint_ne(epoch(), changed);
}
END_TEST

START_TEST(a_report_is_told_again_as_it_was_and_leaves_the_settings_alone)
{
    START();
    add("office");
    AUTO(queue_source) source = get("office");
    char active[] = "active", idle[] = "idle", ok[] = "OK; 3 items.", why[] = "why", key[] = "key";
    struct queue_source_report report = {.status = active, .detail = idle, .status_message = why,
                                         .last_message = ok, .cursor = key, .status_since_s = 1,
                                         .last_contact_s = 2, .last_success_s = 3,
                                         .next_try_s = 4, .import_started_s = 5,
                                         .import_ended_s = 6, .left = 7, .failures = 8,
                                         .rate_milli = 9};
    memcpy(report.id, source->id, sizeof report.id);
    ck_well(&f, queue_source_tell(f.queue, &report, 1, &f.err));
    report.status_message = NULL;
    report.left = 70;
    ck_well(&f, queue_source_tell(f.queue, &report, 1, &f.err)); /* the later one counts */
    if (f.keeps)
        queue_fixture_reopen(&f);
    AUTO(queue_source) after = get("office");
    ck_assert_str_eq(after->report.status, "active");
    ck_assert_str_eq(after->report.detail, "idle");
    ck_assert_ptr_null(after->report.status_message);
    ck_assert_str_eq(after->report.last_message, "OK; 3 items.");
    ck_assert_str_eq(after->report.cursor, "key");
    ck_assert_int_eq(after->report.status_since_s, 1);
    ck_assert_int_eq(after->report.last_contact_s, 2);
    ck_assert_int_eq(after->report.last_success_s, 3);
    ck_assert_int_eq(after->report.next_try_s, 4);
    ck_assert_int_eq(after->report.import_started_s, 5);
    ck_assert_int_eq(after->report.import_ended_s, 6);
    ck_assert_uint_eq(after->report.left, 70);
    ck_assert_uint_eq(after->report.failures, 8);
    ck_assert_uint_eq(after->report.rate_milli, 9);
    ck_assert_uint_eq(after->version, 1);
    ck_well(&f, queue_source_change(f.queue, source, &f.err)); /* and the other way round */
    AUTO(queue_source) changed = get("office");
    ck_assert_str_eq(changed->report.detail, "idle");
}
END_TEST

START_TEST(a_report_of_a_source_that_is_gone_is_dropped)
{
    START();
    add("office");
    char status[] = "active";
    struct queue_source_report reports[2] = {{.status = status}, {.status = status}};
    AUTO(queue_source) source = get("office");
    queue_source_id(reports[0].id);
    memcpy(reports[1].id, source->id, sizeof reports[1].id);
    ck_well(&f, queue_source_tell(f.queue, reports, 2, &f.err));
    AUTO(queue_source) after = get("office");
    ck_assert_str_eq(after->report.status, "active");
}
END_TEST

START_TEST(what_came_from_a_source_is_counted_when_it_is_committed)
{
    START();
    add("office");
    queue_fixture_add(&f, 1, 3);
    struct queue_item bad = queue_fixture_item(4), lost = queue_fixture_item(5),
                      other = queue_fixture_item(6);
    bad.error = "why";
    other.source = "elsewhere";
    ck_assert_int_eq(queue_put(f.queue, &bad, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_put(f.queue, &other, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    ck_assert_int_eq(queue_put(f.queue, &lost, &f.err), QUEUE_PUT_ADDED);
    queue_rollback(f.queue);
    queue_fixture_add(&f, 7, 7);
    AUTO(queue_entry) taken = NULL;
    ck_well(&f,
            queue_take(f.queue, NULL, 60, &taken, &f.err)); /* what becomes of them is not asked */
    char id[QUEUE_ID_TEXT];
    queue_fixture_id(4, id);
    ck_well(&f, queue_retry(f.queue, id, &f.err));
    AUTO(queue_source) source = get("office");
    ck_assert_uint_eq(source->queued, 4);
    ck_assert_uint_eq(source->bad, 1);
}
END_TEST

START_TEST(nothing_is_written_inside_an_open_batch)
{
    START();
    struct queue_item item = queue_fixture_item(1);
    AUTO(queue_source) source = source_of("office");
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_source_add(f.queue, source, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_BUG);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    ck_well(&f, queue_source_add(f.queue, source, &f.err));
}
END_TEST

START_TEST(a_claim_of_its_own_life_keeps_everybody_else_out_until_it_is_dropped)
{
    START();
    struct queue_claims one = {0}, two = {0};
    ck_well(&f, queue_claims_take(&one, f.queue, "IMAP", "ann", "INBOX", &f.err));
    ck_well(&f, queue_claims_take(&one, f.queue, "IMAP", "ann", "INBOX", &f.err));
    ck_well(&f, queue_claims_take(&two, f.queue, "IMAP", "ann", "Work", &f.err));
    if (f.keeps) {
        ck_assert_int_eq(queue_claims_take(&two, f.queue, "IMAP", "ann", "INBOX", &f.err), -1);
        ck_assert_int_eq(f.err.class, ERROR_PAUSE);
        ck_assert_int_eq(queue_claim(f.queue, "IMAP", "ann", "INBOX", &f.err), -1);
    }
    queue_claims_done(&one);
    ck_well(&f, queue_claims_take(&two, f.queue, "IMAP", "ann", "INBOX", &f.err));
    queue_claims_done(&two);
    ck_well(&f, queue_claim(f.queue, "IMAP", "ann", "INBOX", &f.err));
}
END_TEST

START_TEST(of_many_claims_the_first_and_the_latest_are_kept)
{
    START();
    struct queue_claims one = {0}, two = {0};
    char mailbox[20];
    for (unsigned i = 0; i <= QUEUE_CLAIMS_MAX; i++) {
        (void)snprintf(mailbox, sizeof mailbox, "Folder %u", i);
        ck_well(&f, queue_claims_take(&one, f.queue, "IMAP", "ann", mailbox, &f.err));
    }
    ck_assert_uint_eq(one.count, QUEUE_CLAIMS_MAX);
    ck_well(&f, queue_claims_take(&two, f.queue, "IMAP", "ann", "Folder 1", &f.err));
    if (f.keeps) {
        ck_assert_int_eq(queue_claims_take(&two, f.queue, "IMAP", "ann", "Folder 0", &f.err), -1);
        ck_assert_int_eq(queue_claims_take(&two, f.queue, "IMAP", "ann", "Folder 2", &f.err), -1);
        ck_assert_int_eq(queue_claims_take(&two, f.queue, "IMAP", "ann", mailbox, &f.err), -1);
    }
    queue_claims_done(&two);
    queue_claims_done(&one);
}
END_TEST

START_TEST(names_behind_another_are_told_alone)
{
    START();
    char text[256] = "";
    add("b");
    add("a");
    add("c");
    ck_well(&f, queue_source_each_after(f.queue, "a", write_name, text, &f.err));
    ck_assert_str_eq(text, "b c");
    text[0] = '\0';
    ck_well(&f, queue_source_each_after(f.queue, "aa", write_name, text, &f.err));
    ck_assert_str_eq(text, "b c");
    text[0] = '\0';
    ck_well(&f, queue_source_each_after(f.queue, "c", write_name, text, &f.err));
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(that_nobody_trusted_wrote_it_is_kept)
{
    START();
    AUTO(queue_source) source = source_of("office");
    source->guarded = true;
    ck_well(&f, queue_source_add(f.queue, source, &f.err));
    if (f.keeps)
        queue_fixture_reopen(&f);
    AUTO(queue_source) got = get("office");
    ck_assert(got->guarded && !got->paused);
    got->guarded = false;
    ck_well(&f, queue_source_change(f.queue, got, &f.err));
    AUTO(queue_source) again = get("office");
    ck_assert(!again->guarded);
}
END_TEST

static int write_day(void *context, const struct queue_source_day *day)
{
    char *text = context;
    size_t len = strlen(text);
    (void)snprintf(text + len, 256 - len, "%lld:%llu:%llu ", (long long)day->day,
                   (unsigned long long)day->entries, (unsigned long long)day->bad);
    return 0;
}

START_TEST(what_came_is_told_by_day)
{
    START();
    char text[256] = "";
    f.now_s = 3 * 86400 - 1;
    queue_fixture_add(&f, 1, 2);
    f.now_s = 3 * 86400;
    queue_fixture_add(&f, 3, 3);
    struct queue_item bad = queue_fixture_item(4);
    bad.error = "why";
    ck_assert_int_eq(queue_put(f.queue, &bad, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    ck_well(&f, queue_source_days(f.queue, bad.source, 0, write_day, text, &f.err));
    ck_assert_str_eq(text, "2:2:0 3:2:1 ");
    text[0] = '\0';
    ck_well(&f, queue_source_days(f.queue, bad.source, 3, write_day, text, &f.err));
    ck_assert_str_eq(text, "3:2:1 ");
    text[0] = '\0';
    ck_well(&f, queue_source_days(f.queue, "nobody", 0, write_day, text, &f.err));
    ck_assert_str_eq(text, "");
}
END_TEST

static Suite *suite(void)
{
    const TTest *const tests[] = {
        a_source_comes_back_as_it_was_added,
        a_name_belongs_to_one_source,
        sources_are_told_by_name_until_told_to_stop,
        a_field_over_its_limit_is_refused_and_named,
        a_change_replaces_the_settings_and_raises_the_version,
        of_two_changes_of_one_version_the_second_is_refused,
        a_name_never_changes,
        what_is_removed_is_gone_and_its_name_free,
        an_unknown_source_is_named,
        each_change_of_settings_has_its_epoch_and_a_report_has_none,
        a_report_is_told_again_as_it_was_and_leaves_the_settings_alone,
        a_report_of_a_source_that_is_gone_is_dropped,
        what_came_from_a_source_is_counted_when_it_is_committed,
        nothing_is_written_inside_an_open_batch,
        names_behind_another_are_told_alone,
        that_nobody_trusted_wrote_it_is_kept,
        what_came_is_told_by_day,
        a_claim_of_its_own_life_keeps_everybody_else_out_until_it_is_dropped,
        of_many_claims_the_first_and_the_latest_are_kept,
    };
    Suite *s = suite_create("queue-source");
    TCase *kinds = tcase_create("back ends");
    tcase_add_checked_fixture(kinds, NULL, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_loop_test(kinds, tests[i], 0, QUEUE_FIXTURE_KINDS);
    suite_add_tcase(s, kinds);
    return s;
}

CHECK_MAIN(suite)
