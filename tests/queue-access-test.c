/* SPDX-License-Identifier: Apache-2.0 */
/* queue-access-test.c - what queue-access.h promises: users, tokens, audit. */
#include <config.h>
#include "check-main.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "queue-access.h"
#include "queue-fixture.h"
#include "queue-source.h"

static struct queue_fixture f;

static void setup(void)
{
    queue_fixture_init(&f, QUEUE_FIXTURE_SQLITE);
    f.now_s = 1000;
}

static void teardown(void)
{
    queue_fixture_done(&f);
}

static struct queue_user add_user(const char *name, uint32_t role)
{
    struct queue_user user = {.role = role, .password = "$argon2id$x"};
    (void)snprintf(user.name, sizeof user.name, "%s", name);
    ck_well(&f, queue_user_add(f.queue, &user, &f.err));
    return user;
}

/* A token whose digest is this byte again and again. */
static struct queue_token add_token(const char *user_id, uint32_t kind, uint8_t digest,
                                    int64_t ends_s)
{
    struct queue_token token = {.kind = kind, .role = 2, .name = "laptop", .ends_s = ends_s};
    memset(token.digest, digest, sizeof token.digest);
    (void)snprintf(token.user_id, sizeof token.user_id, "%s", user_id);
    ck_well(&f, queue_token_add(f.queue, &token, &f.err));
    return token;
}

static bool find_token(uint8_t digest, struct queue_token *out)
{
    uint8_t wanted[QUEUE_TOKEN_DIGEST_SIZE];
    bool found;
    memset(wanted, digest, sizeof wanted);
    ck_well(&f, queue_token_find(f.queue, wanted, out, &found, &f.err));
    return found;
}

START_TEST(a_user_comes_back_by_name_in_any_case_and_by_id)
{
    struct queue_user ann = add_user("Ann", 3), got;
    bool found;
    queue_fixture_reopen(&f);
    ck_well(&f, queue_user_find(f.queue, NULL, "aNN", &got, &found, &f.err));
    ck_assert(found);
    ck_assert_str_eq(got.name, "Ann");
    ck_assert_str_eq(got.id, ann.id);
    ck_assert_str_eq(got.password, "$argon2id$x");
    ck_assert(got.role == 3 && got.created_s == 1000);
    ck_well(&f, queue_user_find(f.queue, ann.id, NULL, &got, &found, &f.err));
    ck_assert(found);
    ck_well(&f, queue_user_find(f.queue, NULL, "ben", &got, &found, &f.err));
    ck_assert(!found);
}
END_TEST

START_TEST(a_name_belongs_to_one_user_whatever_its_case)
{
    struct queue_user second = {.name = "ANN"};
    add_user("ann", 1);
    ck_assert_int_eq(queue_user_add(f.queue, &second, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_USAGE);
    ck_assert_ptr_nonnull(strstr(f.err.text, "'ANN'"));
}
END_TEST

START_TEST(a_name_that_is_no_text_is_refused)
{
    static const char *const names[] = {"", "a\nb", "a\x7F", "\xC3"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct queue_user user = {.role = 1};
        (void)snprintf(user.name, sizeof user.name, "%s", names[i]);
        ck_assert_int_eq(queue_user_add(f.queue, &user, &f.err), -1);
        ck_assert_int_eq(f.err.class, ERROR_USAGE);
    }
}
END_TEST

START_TEST(a_changed_password_ends_all_that_proved_the_user_but_keys)
{
    struct queue_user ann = add_user("ann", 3), ben = add_user("ben", 1), got;
    struct queue_token token;
    bool found;
    add_token(ann.id, 1, 0xA1, 5000);
    add_token(ann.id, 2, 0xA2, 5000);
    add_token(ben.id, 1, 0xB1, 5000);
    (void)snprintf(ann.password, sizeof ann.password, "other");
    ann.role = 2;
    ck_well(&f, queue_user_change(f.queue, &ann, 2, &f.err));
    ck_well(&f, queue_user_find(f.queue, ann.id, NULL, &got, &found, &f.err));
    ck_assert_str_eq(got.password, "other");
    ck_assert_uint_eq(got.role, 2);
    ck_assert(!find_token(0xA1, &token));
    ck_assert(find_token(0xA2, &token));
    ck_assert(find_token(0xB1, &token));
}
END_TEST

START_TEST(who_is_removed_leaves_no_token)
{
    struct queue_user ann = add_user("ann", 3);
    struct queue_token token;
    add_token(ann.id, 1, 0xA1, 5000);
    ck_well(&f, queue_user_remove(f.queue, ann.id, &f.err));
    ck_assert(!find_token(0xA1, &token));
    ck_assert_int_eq(queue_user_remove(f.queue, ann.id, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_USAGE);
    ck_assert_int_eq(queue_user_change(f.queue, &ann, 0, &f.err), -1);
    token = (struct queue_token){.kind = 1, .ends_s = 5000};
    (void)snprintf(token.user_id, sizeof token.user_id, "%s", ann.id);
    ck_assert_int_eq(queue_token_add(f.queue, &token, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_USAGE);
}
END_TEST

START_TEST(a_token_is_of_use_until_it_ends_and_not_a_second_longer)
{
    struct queue_token got, added = add_token("", 7, 0x55, 2000);
    f.now_s = 1999;
    ck_assert(find_token(0x55, &got));
    ck_assert_str_eq(got.id, added.id);
    ck_assert_str_eq(got.name, "laptop");
    ck_assert_str_eq(got.user_id, "");
    ck_assert(got.kind == 7 && got.role == 2 && got.created_s == 1000 && got.used_s == 0);
    ck_well(&f, queue_token_used(f.queue, got.id, 1999, &f.err));
    ck_well(&f, queue_token_used(f.queue, got.id, 1500, &f.err)); /* told late */
    ck_assert(find_token(0x55, &got) && got.used_s == 1999);
    f.now_s = 2000;
    ck_assert(!find_token(0x55, &got));
    f.now_s = 1999; /* clocks are set back; it is there until somebody sweeps */
    ck_assert(find_token(0x55, &got));
    f.now_s = 2000;
    add_token("", 7, 0x56, 3000);
    f.now_s = 1999;
    ck_assert(!find_token(0x55, &got));
}
END_TEST

START_TEST(of_two_who_use_a_token_up_one_is_told_so)
{
    struct queue_token added = add_token("", 7, 0x55, 2000);
    bool removed;
    ck_well(&f, queue_token_remove(f.queue, added.id, &removed, &f.err));
    ck_assert(removed);
    ck_well(&f, queue_token_remove(f.queue, added.id, &removed, &f.err));
    ck_assert(!removed);
    ck_well(&f, queue_token_used(f.queue, added.id, 1500, &f.err)); /* gone: fine */
}
END_TEST

static int write_digest(void *context, const struct queue_token *token)
{
    char *text = context;
    size_t len = strlen(text);
    (void)snprintf(text + len, 64 - len, "%x ", token->digest[0]);
    return 0;
}

START_TEST(tokens_are_told_by_kind_and_user_oldest_first)
{
    struct queue_user ann = add_user("ann", 3), ben = add_user("ben", 1);
    char all[64] = "", own[64] = "";
    add_token(ann.id, 1, 0xA1, 5000);
    f.now_s = 1001;
    add_token(ben.id, 1, 0xB1, 5000);
    add_token(ann.id, 2, 0xA2, 5000);
    f.now_s = 1002;
    add_token(ann.id, 1, 0xA3, 5000);
    add_token(ann.id, 1, 0xA4, 1002); /* ended */
    ck_well(&f, queue_token_each(f.queue, 1, NULL, write_digest, all, &f.err));
    ck_well(&f, queue_token_each(f.queue, 1, ann.id, write_digest, own, &f.err));
    ck_assert_str_eq(all, "a1 b1 a3 ");
    ck_assert_str_eq(own, "a1 a3 ");
}
END_TEST

struct lines {
    char text[256];
    uint64_t last;
};

static int write_line(void *context, const struct queue_audit *line)
{
    struct lines *lines = context;
    size_t len = strlen(lines->text);
    (void)snprintf(lines->text + len, sizeof lines->text - len, "%lld:%s:%s:%s:%s:%u ",
                   (long long)line->time_s, line->who, line->from, line->what, line->object,
                   line->result);
    lines->last = line->number;
    return 0;
}

static void add_line(const char *who)
{
    struct queue_audit line = {.from = "::1", .what = "source.create", .object = "office",
                               .result = 201};
    (void)snprintf(line.who, sizeof line.who, "%s", who);
    ck_well(&f, queue_audit_add(f.queue, &line, &f.err));
    f.now_s++;
}

START_TEST(the_audit_is_told_newest_first_in_pages)
{
    struct lines first = {.last = 0}, second = {.last = 0};
    add_line("ann");
    add_line("ben");
    add_line("x\ny\x1b");
    ck_well(&f, queue_audit_each(f.queue, 0, 2, write_line, &first, &f.err));
    ck_assert_str_eq(first.text, "1002:x\\x0Ay\\x1B:::1:source.create:office:201 "
                                 "1001:ben:::1:source.create:office:201 ");
    ck_well(&f, queue_audit_each(f.queue, first.last, 2, write_line, &second, &f.err));
    ck_assert_str_eq(second.text, "1000:ann:::1:source.create:office:201 ");
}
END_TEST

START_TEST(a_queue_in_memory_says_that_it_keeps_no_users)
{
    struct queue_user user = {.name = "ann"};
    bool found;
    queue_fixture_done(&f);
    queue_fixture_init(&f, QUEUE_FIXTURE_MEMORY);
    ck_assert_int_eq(queue_user_add(f.queue, &user, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_CONFIG);
    ck_assert_int_eq(queue_user_find(f.queue, NULL, "ann", &user, &found, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_CONFIG);
}
END_TEST

static void open_old(const char *sql_path)
{
    static char sql[65536];
    char path[200];
    sqlite3 *db = NULL;
    queue_close(f.queue);
    f.queue = NULL;
    (void)snprintf(path, sizeof path, "%s/q/queue.db", f.dir);
    ck_assert_int_eq(unlink(path), 0);
    FILE *file = fopen(sql_path, "r");
    ck_assert_ptr_nonnull(file);
    sql[fread(sql, 1, sizeof sql - 1, file)] = '\0';
    fclose(file);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    ck_well(&f, queue_open(f.url, NULL, &f.clock, &f.queue, &f.err));
}

static int sum_days(void *context, const struct queue_source_day *day)
{
    struct queue_source_day *sum = context;
    ck_assert_int_eq(day->day, 1772366400 / 86400);
    sum->entries += day->entries;
    sum->bad += day->bad;
    sum->raw_bytes += day->raw_bytes;
    return 0;
}

START_TEST(a_queue_of_schema_6_opens_with_its_sources_and_their_days_counted)
{
    open_old(SRCDIR "/data/queue-v6.sql");
    AUTO(queue_source) office = NULL;
    ck_well(&f, queue_source_get(f.queue, "office", &office, &f.err));
    ck_assert(!office->guarded && office->syncs == 2 && office->created_s == 1772366000);
    ck_assert_uint_eq(office->queued, 4);
    ck_assert_str_eq(office->report.last_message, "OK; 5 items.");
    struct queue_source_day sum = {.day = 0};
    ck_well(&f, queue_source_days(f.queue, "office", 0, sum_days, &sum, &f.err));
    ck_assert(sum.entries == 5 && sum.bad == 1 && sum.raw_bytes == 100);
    office->guarded = true;
    ck_well(&f, queue_source_change(f.queue, office, &f.err));
    add_user("ann", 3);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("queue access");
    TCase *t = tcase_create("access");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_user_comes_back_by_name_in_any_case_and_by_id);
    tcase_add_test(t, a_name_belongs_to_one_user_whatever_its_case);
    tcase_add_test(t, a_name_that_is_no_text_is_refused);
    tcase_add_test(t, a_changed_password_ends_all_that_proved_the_user_but_keys);
    tcase_add_test(t, who_is_removed_leaves_no_token);
    tcase_add_test(t, a_token_is_of_use_until_it_ends_and_not_a_second_longer);
    tcase_add_test(t, of_two_who_use_a_token_up_one_is_told_so);
    tcase_add_test(t, tokens_are_told_by_kind_and_user_oldest_first);
    tcase_add_test(t, the_audit_is_told_newest_first_in_pages);
    tcase_add_test(t, a_queue_in_memory_says_that_it_keeps_no_users);
    tcase_add_test(t, a_queue_of_schema_6_opens_with_its_sources_and_their_days_counted);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
