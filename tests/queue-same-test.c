/* SPDX-License-Identifier: Apache-2.0 */
/* queue-same-test.c - a queue whose files are moved, deleted or replaced while it is open. */
#include <config.h>
#include "check-main.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "queue-file.h"
#include "queue-fixture.h"

static struct queue_fixture f;

/* A path in the test's folder. Static text, four at a time. */
static const char *path_of(const char *name)
{
    static char paths[4][512];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", f.dir, name);
    return path;
}

static void rename_file(const char *from, const char *to)
{
    ck_assert_msg(rename(path_of(from), path_of(to)) == 0, "%s", from);
}

/* As mv and rsync do it: a whole file takes the place of the old one. */
static void replace_by_copy(const char *name)
{
    struct stat info;
    int from = open(path_of(name), O_RDONLY | O_CLOEXEC);
    int to = open(path_of("copy"), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert(from >= 0 && to >= 0 && fstat(from, &info) == 0);
    ck_assert_int_eq(queue_file_copy(from, to, (uint64_t)info.st_size), 0);
    close(to);
    close(from);
    rename_file("copy", name);
}

static void delete_all(void)
{
    static const char *const names[] = {"q/queue.db", "q/queue.db-wal", "q/queue.db-shm"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_int_eq(unlink(path_of(names[i])), 0);
}

static void delete_database(void)
{
    ck_assert_int_eq(unlink(path_of("q/queue.db")), 0);
}

static void move_folder(void)
{
    rename_file("q", "elsewhere");
}

static void replace_database(void)
{
    replace_by_copy("q/queue.db");
}

static void replace_log(void)
{
    replace_by_copy("q/queue.db-wal");
}

static void delete_log(void)
{
    ck_assert_int_eq(unlink(path_of("q/queue.db-wal")), 0);
}

static void move_raw(void)
{
    rename_file("q/raw", "q/raw-old");
}

static void replace_raw(void)
{
    move_raw();
    ck_assert_int_eq(mkdir(path_of("q/raw"), 0700), 0);
}

static const struct loss {
    void (*happen)(void);
    const char *path; /* that is named */
} losses[] = {
    {delete_all, "/q/queue.db'"},
    {delete_database, "/q/queue.db'"},
    {move_folder, "/q/queue.db'"},
    {replace_database, "/q/queue.db'"},
    {replace_log, "/q/queue.db-wal'"},
    {delete_log, "/q/queue.db-wal'"},
    {move_raw, "/q/raw'"},
    {replace_raw, "/q/raw'"},
};
#define LOSSES (int)(sizeof losses / sizeof losses[0])

static void setup(void)
{
    queue_fixture_init(&f, QUEUE_FIXTURE_SQLITE);
}

static void teardown(void)
{
    queue_fixture_done(&f);
}

static void ck_told(const struct loss *loss)
{
    ck_assert_int_eq(f.err.class, ERROR_STORE);
    ck_assert_msg(strstr(f.err.text, loss->path) != NULL, "%s", f.err.text);
    ck_assert_msg(strstr(f.err.text, "stop mailchute before") != NULL, "%s", f.err.text);
}

static void ck_lost(const struct loss *loss)
{
    f.err = (struct error){0};
    ck_assert_int_eq(queue_check(f.queue, &f.err), -1);
    ck_told(loss);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

START_TEST(what_is_committed_into_files_that_are_not_in_their_place_is_not_stored)
{
    queue_fixture_add(&f, 1, 2);
    ck_well(&f, queue_check(f.queue, &f.err));
    struct queue_item item = queue_fixture_item(3);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    losses[_i].happen();
    ck_assert_int_ne(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    ck_told(&losses[_i]);
    ck_lost(&losses[_i]);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_FAILED);
    ck_told(&losses[_i]);
}
END_TEST

START_TEST(no_change_begins_in_files_that_are_not_in_their_place)
{
    queue_fixture_add(&f, 1, 2);
    losses[_i].happen();
    struct queue_item item = queue_fixture_item(3);
    struct queue_record record = {.origin = item.origin, .step = QUEUE_STEP_MOVING};
    record.origin.uid = 2;
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_FAILED);
    ck_told(&losses[_i]);
    queue_rollback(f.queue);
    ck_assert_int_eq(queue_note(f.queue, &record, 1, &f.err), -1);
    ck_told(&losses[_i]);
    record.step = QUEUE_STEP_MOVED; /* which is not flushed at once */
    ck_assert_int_eq(queue_note(f.queue, &record, 1, &f.err), -1);
    ck_told(&losses[_i]);
}
END_TEST

START_TEST(a_copy_that_was_put_in_its_place_is_left_as_it_is)
{
    queue_fixture_add(&f, 1, 2);
    queue_fixture_reopen(&f); /* all is in the database, nothing in its log */
    struct queue_item item = queue_fixture_item(3);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    delete_all(); /* as a copy of the folder is put back */
    ck_assert_int_ne(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    struct queue *fresh = NULL;
    ck_well(&f, queue_open(f.url, NULL, &f.clock, &fresh, &f.err));
    queue_close(f.queue);
    f.queue = fresh;
    queue_fixture_add(&f, 7, 7);
    queue_fixture_reopen(&f);
    ck_assert_uint_eq(queue_fixture_count(&f), 1);
}
END_TEST

START_TEST(a_folder_that_is_moved_back_goes_on_with_all_that_was_committed)
{
    queue_fixture_add(&f, 1, 1);
    struct queue_item item = queue_fixture_item(2);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    move_folder();
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMIT_UNSURE);
    rename_file("elsewhere", "q");
    ck_well(&f, queue_check(f.queue, &f.err));
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_DUPLICATE);
    queue_fixture_add(&f, 3, 3);
    ck_assert_uint_eq(queue_fixture_count(&f), 3);
}
END_TEST

START_TEST(a_queue_that_is_named_by_a_link_or_from_another_folder_is_the_same)
{
    char here[512], url[600];
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    ck_assert_int_eq(symlink("q", path_of("link")), 0);
    queue_close(f.queue);
    f.queue = NULL;
    (void)snprintf(url, sizeof url, "sqlite:%s", path_of("link"));
    ck_well(&f, queue_open(url, NULL, &f.clock, &f.queue, &f.err));
    ck_assert_int_eq(chdir("/"), 0);
    queue_fixture_add(&f, 1, 2);
    ck_well(&f, queue_check(f.queue, &f.err));
    ck_assert_int_eq(chdir(here), 0);
}
END_TEST

/* A link to itself stands where the folder was: nobody can say what is behind it. */
START_TEST(what_cannot_be_seen_for_a_moment_is_not_lost_and_nothing_is_committed_meanwhile)
{
    queue_fixture_add(&f, 1, 2);
    rename_file("q", "elsewhere");
    ck_assert_int_eq(symlink("q", path_of("q")), 0);
    ck_well(&f, queue_check(f.queue, &f.err));
    struct queue_item item = queue_fixture_item(3);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_FAILED);
    ck_assert_ptr_nonnull(strstr(f.err.text, "cannot see whether"));
    queue_rollback(f.queue);
    ck_assert_int_eq(unlink(path_of("q")), 0);
    rename_file("elsewhere", "q");
    queue_fixture_add(&f, 3, 3);
    ck_assert_uint_eq(queue_fixture_count(&f), 3);
}
END_TEST

START_TEST(a_queue_in_memory_cannot_be_moved)
{
    queue_fixture_done(&f);
    queue_fixture_init(&f, QUEUE_FIXTURE_MEMORY);
    ck_well(&f, queue_check(f.queue, &f.err));
}
END_TEST

static Suite *suite(void)
{
    const TTest *const tests[] = {
        a_copy_that_was_put_in_its_place_is_left_as_it_is,
        a_folder_that_is_moved_back_goes_on_with_all_that_was_committed,
        a_queue_that_is_named_by_a_link_or_from_another_folder_is_the_same,
        what_cannot_be_seen_for_a_moment_is_not_lost_and_nothing_is_committed_meanwhile,
        a_queue_in_memory_cannot_be_moved,
    };
    Suite *s = suite_create("queue same");
    TCase *all = tcase_create("same");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_loop_test(all, what_is_committed_into_files_that_are_not_in_their_place_is_not_stored,
                        0, LOSSES);
    tcase_add_loop_test(all, no_change_begins_in_files_that_are_not_in_their_place, 0, LOSSES);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(all, tests[i]);
    suite_add_tcase(s, all);
    return s;
}

CHECK_MAIN(suite)
