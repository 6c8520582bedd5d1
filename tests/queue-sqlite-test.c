/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-test.c - the SQLite back end alone: files, who may read them, schemas, costs. */
#include <config.h>
#include "check-main.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue-append.h"
#include "queue-fixture.h"
#include "queue-policy.h"
#include "queue-sql.h"
#include "queue-sqlite-schema.h"
#include "queue-sqlite.h"

static struct queue_fixture f;

#define FLUSHES_MAX 256

static struct {
    atomic_uint count;
    ino_t files[FLUSHES_MAX];
    atomic_int fail; /* errno for the next one, 0: it is done */
} flushes;

/* In place of the C library's: from any thread. */
int fdatasync(int fd)
{
    struct stat info;
    int why = atomic_exchange(&flushes.fail, 0);
    unsigned at = atomic_fetch_add(&flushes.count, 1);
    if (at < FLUSHES_MAX && fstat(fd, &info) == 0)
        flushes.files[at] = info.st_ino;
    errno = why;
    return why != 0 ? -1 : (int)syscall(SYS_fdatasync, fd);
}

static unsigned times_flushed(const char *path)
{
    struct stat info;
    unsigned times = 0;
    ck_assert_msg(stat(path, &info) == 0, "%s", path);
    for (unsigned i = 0; i < flushes.count && i < FLUSHES_MAX; i++)
        times += flushes.files[i] == info.st_ino;
    return times;
}

static void setup(void)
{
    umask(0); /* modes are ours, not the shell's */
    queue_fixture_init(&f, QUEUE_FIXTURE_SQLITE);
}

static void teardown(void)
{
    queue_fixture_done(&f);
}

static struct queue_sqlite *store(void)
{
    return queue_store(f.queue);
}

/* A path in the queue's folder. Static text, two at a time. */
static const char *path_of(const char *name)
{
    static char paths[2][512];
    static unsigned turn;
    char *path = paths[turn++ % 2];
    (void)snprintf(path, sizeof paths[0], "%s/q/%s", f.dir, name);
    return path;
}

static const char *raw_path(uint32_t uid)
{
    char id[QUEUE_ID_TEXT], name[64];
    queue_fixture_id(uid, id);
    (void)snprintf(name, sizeof name, "raw/%s", id);
    return path_of(name);
}

static unsigned mode_of(const char *path)
{
    struct stat info;
    ck_assert_msg(lstat(path, &info) == 0, "%s", path);
    return (unsigned)info.st_mode & 07777;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static int file_without_name(uint64_t size)
{
    int fd = open(f.dir, O_TMPFILE | O_RDWR, 0644);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
    return fd;
}

/* A message of @size bytes in a file; its descriptor is yours. */
static struct queue_item item_in_file(uint32_t uid, uint64_t size)
{
    struct queue_item item = queue_fixture_item(uid);
    item.raw_bytes = NULL;
    item.raw_size = size;
    item.raw_fd = file_without_name(size);
    return item;
}

/* ---- Files ----------------------------------------------------------------------------------- */

START_TEST(nobody_else_can_read_any_of_it)
{
    struct queue_item item = item_in_file(1, QUEUE_INLINE_MAX + 1);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    close(item.raw_fd);
    ck_assert_uint_eq(mode_of(path_of("")), 0700);
    ck_assert_uint_eq(mode_of(path_of("raw")), 0700);
    ck_assert_uint_eq(mode_of(path_of("spool")), 0700);
    ck_assert_uint_eq(mode_of(path_of("queue.db")), 0600);
    ck_assert_uint_eq(mode_of(path_of("queue.db-wal")), 0600);
    ck_assert_uint_eq(mode_of(path_of("queue.db-shm")), 0600);
    ck_assert_uint_eq(mode_of(raw_path(1)), 0600);
}
END_TEST

START_TEST(missing_folders_above_are_made)
{
    char url[200];
    struct queue *queue = NULL;
    (void)snprintf(url, sizeof url, "sqlite:%s/a/b//c/", f.dir);
    ck_well(&f, queue_open(url, NULL, &f.clock, &queue, &f.err));
    queue_close(queue);
    (void)snprintf(url, sizeof url, "%s/a/b/c/queue.db", f.dir);
    ck_assert(exists(url));
}
END_TEST

static int open_again(void)
{
    struct queue *queue = NULL;
    int result = queue_open(f.url, NULL, &f.clock, &queue, &f.err);
    queue_close(queue);
    return result;
}

START_TEST(a_folder_that_others_can_write_is_refused)
{
    static const mode_t modes[] = {0720, 0702, 0777};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        ck_assert_int_eq(chmod(path_of(""), modes[i]), 0);
        ck_assert_int_eq(open_again(), -1);
        ck_assert_int_eq(f.err.class, ERROR_CONFIG);
        ck_assert_ptr_nonnull(strstr(f.err.text, "chmod 700"));
    }
    ck_assert_int_eq(chmod(path_of(""), 0750), 0);
    ck_assert_int_eq(open_again(), 0);
}
END_TEST

START_TEST(a_file_in_the_place_of_the_folder_is_told)
{
    char url[200];
    struct queue *queue = NULL;
    (void)snprintf(url, sizeof url, "sqlite:%s", path_of("queue.db"));
    ck_assert_int_eq(queue_open(url, NULL, &f.clock, &queue, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_CREATE);
}
END_TEST

START_TEST(a_large_file_without_name_is_linked_and_one_with_a_name_is_copied)
{
    struct queue_item nameless = item_in_file(1, QUEUE_INLINE_MAX + 1);
    struct queue_item named = queue_fixture_item(2);
    named.raw_bytes = NULL;
    named.raw_size = QUEUE_INLINE_MAX + 1;
    named.raw_fd = open(path_of("spool/named"), O_RDWR | O_CREAT, 0600);
    ck_assert_int_eq(ftruncate(named.raw_fd, (off_t)named.raw_size), 0);
    ck_assert_int_eq(queue_put(f.queue, &nameless, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_put(f.queue, &named, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    struct stat given, kept;
    ck_assert_int_eq(fstat(nameless.raw_fd, &given), 0);
    ck_assert_int_eq(stat(raw_path(1), &kept), 0);
    ck_assert(given.st_ino == kept.st_ino && given.st_dev == kept.st_dev);
    ck_assert_int_eq(fstat(named.raw_fd, &given), 0);
    ck_assert_int_eq(stat(raw_path(2), &kept), 0);
    ck_assert(given.st_ino != kept.st_ino);
    ck_assert_int_eq(kept.st_size, given.st_size);
    close(nameless.raw_fd);
    close(named.raw_fd);
}
END_TEST

START_TEST(a_message_at_the_limit_is_a_row_and_one_above_it_a_file)
{
    for (uint32_t uid = 1; uid <= 2; uid++) {
        struct queue_item item = item_in_file(uid, QUEUE_INLINE_MAX + uid - 1);
        ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
        close(item.raw_fd);
    }
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    ck_assert(!exists(raw_path(1)));
    ck_assert(exists(raw_path(2)));
}
END_TEST

START_TEST(files_of_a_batch_go_with_its_rollback_and_those_before_stay)
{
    for (uint32_t uid = 1; uid <= 3; uid++) {
        struct queue_item item = item_in_file(uid, QUEUE_INLINE_MAX + 1);
        ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
        close(item.raw_fd);
        if (uid == 1)
            ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    }
    ck_assert(exists(raw_path(3)));
    queue_rollback(f.queue);
    ck_assert(exists(raw_path(1)));
    ck_assert(!exists(raw_path(2)));
    ck_assert(!exists(raw_path(3)));
}
END_TEST

START_TEST(a_file_left_by_a_batch_that_died_is_replaced)
{
    struct queue_item item = item_in_file(1, QUEUE_INLINE_MAX + 1);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    queue_rollback(f.queue);
    int stray = open(raw_path(1), O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(stray, 0);
    close(stray);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    close(item.raw_fd);
    struct stat kept;
    ck_assert_int_eq(stat(raw_path(1), &kept), 0);
    ck_assert_int_eq(kept.st_size, QUEUE_INLINE_MAX + 1);
}
END_TEST

START_TEST(files_of_a_batch_of_any_size_are_flushed_once_each)
{
    enum { MANY = QUEUE_SQLITE_RAW_OPEN + 5 };
    for (uint32_t uid = 1; uid <= MANY; uid++) {
        struct queue_item item = item_in_file(uid, QUEUE_INLINE_MAX + 1);
        ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
        close(item.raw_fd);
    }
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    for (uint32_t uid = 1; uid <= MANY; uid++)
        ck_assert_uint_eq(times_flushed(raw_path(uid)), 1);
}
END_TEST

START_TEST(a_batch_of_which_one_file_cannot_be_flushed_is_not_stored)
{
    for (uint32_t uid = 1; uid <= 20; uid++) {
        struct queue_item item = item_in_file(uid, QUEUE_INLINE_MAX + 1);
        ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
        close(item.raw_fd);
    }
    flushes.fail = EDQUOT;
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMIT_FAILED);
    ck_assert_ptr_nonnull(strstr(f.err.text, strerror(EDQUOT)));
    for (uint32_t uid = 1; uid <= 20; uid++)
        ck_assert(!exists(raw_path(uid)));
    ck_assert_uint_eq(queue_fixture_count(&f), 0);
}
END_TEST

START_TEST(a_message_whose_file_is_gone_or_cut_is_told_by_name)
{
    struct queue_item item = item_in_file(1, QUEUE_INLINE_MAX + 1);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    close(item.raw_fd);
    char id[QUEUE_ID_TEXT];
    int fd = -1;
    queue_fixture_id(1, id);
    ck_assert_int_eq(truncate(raw_path(1), 5), 0);
    ck_assert_int_eq(queue_raw(f.queue, id, &fd, &f.err), -1);
    ck_assert_ptr_nonnull(strstr(f.err.text, id));
    ck_assert_int_eq(unlink(raw_path(1)), 0);
    ck_assert_int_eq(queue_raw(f.queue, id, &fd, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_STORE);
    ck_assert_int_eq(fd, -1);
}
END_TEST

/* Folders that mailchute made before all files lay in one. */
START_TEST(where_no_descriptor_is_left_that_is_told_and_not_the_disk)
{
    struct queue_item item = item_in_file(1, QUEUE_INLINE_MAX + 1);
    struct rlimit before, none;
    char id[QUEUE_ID_TEXT];
    int fd = -1;
    queue_fixture_id(1, id);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    close(item.raw_fd);
    int next = dup(STDOUT_FILENO);
    close(next);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    int result = queue_raw(f.queue, id, &fd, &f.err);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(result, -1);
    ck_assert_ptr_nonnull(strstr(f.err.text, "Too many open files; allow more open files"));
}
END_TEST

START_TEST(a_file_in_a_folder_by_the_first_digits_of_its_id_is_found_there)
{
    struct queue_item item = item_in_file(1, QUEUE_INLINE_MAX + 1);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    close(item.raw_fd);
    char id[QUEUE_ID_TEXT], name[64];
    int fd = -1;
    queue_fixture_id(1, id);
    (void)snprintf(name, sizeof name, "raw/%.2s", id);
    ck_assert_int_eq(mkdir(path_of(name), 0700), 0);
    (void)snprintf(name, sizeof name, "raw/%.2s/%.2s", id, id + 2);
    ck_assert_int_eq(mkdir(path_of(name), 0700), 0);
    (void)snprintf(name, sizeof name, "raw/%.2s/%.2s/%s", id, id + 2, id);
    ck_assert_int_eq(rename(raw_path(1), path_of(name)), 0);
    queue_fixture_reopen(&f);
    ck_well(&f, queue_raw(f.queue, id, &fd, &f.err));
    close(fd);
}
END_TEST

static void touch(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

START_TEST(stray_spool_files_are_removed_at_open_unless_somebody_uses_the_spool)
{
    AUTO_TEXT expected = realpath(path_of("spool"), NULL);
    ck_assert_ptr_nonnull(expected);
    ck_assert_str_eq(queue_spool_dir(f.queue), expected);
    touch(path_of("spool/stray"));
    ck_assert_int_eq(open_again(), 0); /* f.queue may be writing it just now */
    ck_assert(exists(path_of("spool/stray")));
    queue_fixture_reopen(&f);
    ck_assert(!exists(path_of("spool/stray")));
}
END_TEST

START_TEST(a_mailbox_is_claimed_by_one_at_a_time_until_its_queue_is_closed)
{
    struct queue *other = NULL;
    ck_well(&f, queue_open(f.url, NULL, &f.clock, &other, &f.err));
    for (int twice = 0; twice < 2; twice++)
        ck_well(&f, queue_claim(f.queue, "IMAP", "ann@example.org", "INBOX", &f.err));
    ck_assert_int_eq(queue_claim(other, "imap", "ann@example.org", "INBOX", &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_PAUSE);
    ck_assert_ptr_nonnull(strstr(f.err.text, "'INBOX' of 'ann@example.org'"));
    ck_well(&f, queue_claim(other, "IMAP", "ann@example.org", "INBOX/2", &f.err));
    ck_well(&f, queue_claim(other, "Folder", "ann@example.org", "INBOX", &f.err));
    queue_fixture_reopen(&f);
    ck_well(&f, queue_claim(other, "IMAP", "ann@example.org", "INBOX", &f.err));
    ck_assert_int_eq(queue_claim(f.queue, "IMAP", "ann@example.org", "INBOX", &f.err), -1);
    queue_close(other);
}
END_TEST

START_TEST(a_queue_that_somebody_else_is_stuck_opening_is_told_in_time)
{
    int fd = open(path_of("."), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    struct queue_sqlite_folder folder = {.lock_ms = 50};
    ck_assert_int_eq(queue_sqlite_folder_open(&folder, path_of("."), &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_STORE);
    ck_assert_ptr_nonnull(strstr(f.err.text, "another process is opening the queue"));
    queue_sqlite_folder_close(&folder);
    ck_assert_int_eq(flock(fd, LOCK_UN), 0);
    ck_well(&f, queue_sqlite_folder_open(&folder, path_of("."), &f.err));
    queue_sqlite_folder_close(&folder);
    close(fd);
}
END_TEST

START_TEST(the_disks_reserve_is_not_touched)
{
    queue_fixture_add(&f, 1, 1);
    store()->folder.reserve_min = UINT64_MAX / 2;
    struct queue_item item = queue_fixture_item(2);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_FAILED);
    ck_assert_int_eq(f.err.class, ERROR_STORE);
    ck_assert_ptr_nonnull(strstr(f.err.text, "MB free"));
    ck_assert_ptr_nonnull(strstr(f.err.text, "free some space"));
    queue_fixture_note(&f, 1, QUEUE_STEP_MOVED); /* what was begun may be ended */
    store()->folder.reserve_min = 0;
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
}
END_TEST

START_TEST(the_disk_is_looked_at_again_while_a_batch_grows)
{
    struct queue_item item = item_in_file(1, QUEUE_INLINE_MAX);
    uint32_t uid = 1;
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    store()->folder.reserve_min = UINT64_MAX / 2;
    enum queue_put_result result;
    do {
        item.origin.uid = ++uid;
        result = queue_put(f.queue, &item, &f.err);
    } while (result == QUEUE_PUT_ADDED && uid < 100);
    close(item.raw_fd);
    ck_assert_int_eq(result, QUEUE_PUT_FAILED);
    ck_assert_uint_le(uid, QUEUE_SQLITE_SPACE_EVERY / QUEUE_INLINE_MAX + 1);
    ck_assert_uint_eq(queue_fixture_count(&f), 0);
}
END_TEST

/* ---- Schema ---------------------------------------------------------------------------------- */

START_TEST(a_newer_schema_is_refused_by_both_versions_and_left_alone)
{
    queue_fixture_add(&f, 1, 1);
    queue_close(f.queue);
    f.queue = NULL;
    queue_sql_run(&f, "PRAGMA user_version = 700");
    ck_assert_int_eq(open_again(), -1);
    ck_assert_int_eq(f.err.class, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(f.err.text, "schema 700"));
    ck_assert_ptr_nonnull(strstr(f.err.text, "knows schemas up to"));
    ck_assert_int_eq(queue_sql_number(&f, "PRAGMA user_version"), 700);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT count(*) FROM entry"), 1);
}
END_TEST

START_TEST(a_database_of_another_program_is_refused_and_left_alone)
{
    queue_close(f.queue);
    f.queue = NULL;
    ck_assert_int_eq(unlink(path_of("queue.db")), 0);
    queue_sql_run(&f, "CREATE TABLE diary (day)");
    ck_assert_int_eq(open_again(), -1);
    ck_assert_int_eq(f.err.class, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(f.err.text, "another program"));
    ck_assert_int_eq(queue_sql_number(&f, "SELECT count(*) FROM sqlite_schema"), 1);
    ck_assert_int_eq(
        queue_sql_number(&f, "SELECT journal_mode = 'delete' FROM pragma_journal_mode"), 1);
}
END_TEST

START_TEST(what_is_no_database_is_refused)
{
    queue_close(f.queue);
    f.queue = NULL;
    FILE *file = fopen(path_of("queue.db"), "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is a text, not a database\n", file);
    fclose(file);
    ck_assert_int_eq(open_again(), -1);
    ck_assert_int_eq(f.err.class, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(f.err.text, "damaged"));
}
END_TEST

START_TEST(a_database_is_durable_and_ours_by_its_header)
{
    ck_assert_int_eq(queue_sql_number(&f, "PRAGMA user_version"), QUEUE_SQLITE_SCHEMA);
    ck_assert_int_eq(queue_sql_number(&f, "PRAGMA application_id"), QUEUE_SQLITE_APPLICATION);
    ck_assert_int_eq(queue_sql_number(&f, "PRAGMA page_size"), QUEUE_SQLITE_PAGE);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"),
                     1);
    sqlite3_stmt *statement = NULL;
    ck_assert_int_eq(
        sqlite3_prepare_v2(store()->db.handle, "PRAGMA synchronous", -1, &statement, NULL),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int(statement, 0), 2);
    sqlite3_finalize(statement);
}
END_TEST

/* An idle connection is cheap: all of them took half a megabyte. */
START_TEST(statements_are_prepared_when_they_are_used_and_kept)
{
    queue_fixture_reopen(&f);
    for (unsigned which = 0; which < SQL_COUNT; which++)
        ck_assert_msg((store()->db.statements[which] == NULL) == (which > SQL_ROLLBACK), "%s",
                      queue_sqlite_sql_text((enum queue_sqlite_sql)which));
    queue_fixture_add(&f, 1, 1);
    sqlite3_stmt *add = store()->db.statements[SQL_ENTRY_ADD];
    ck_assert_ptr_nonnull(add);
    queue_fixture_add(&f, 2, 2);
    ck_assert_ptr_eq(store()->db.statements[SQL_ENTRY_ADD], add);
}
END_TEST

/* Not even where the failure of one is forgotten because of another one that is well. */
START_TEST(a_statement_that_cannot_be_prepared_is_told_and_nothing_else_suffers)
{
    const struct queue_append note = {.place = 1, .step = QUEUE_APPEND_BEGUN};
    queue_fixture_add(&f, 1, 1);
    queue_sql_run(&f, "DROP TABLE append");
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(queue_append_note(f.queue, "ann@mail.example.org", &note, 1, &f.err), -1);
        ck_assert_int_eq(f.err.class, ERROR_BUG);
        ck_assert_ptr_nonnull(strstr(f.err.text, "append"));
        queue_fixture_add(&f, 2 + (uint32_t)i, 2 + (uint32_t)i);
    }
    ck_assert_uint_eq(queue_fixture_count(&f), 3);
    ck_assert_ptr_null(queue_sqlite_use(&store()->db, SQL_APPEND_NOTE));
    ck_assert_ptr_nonnull(queue_sqlite_use(&store()->db, SQL_SORTED));
    ck_assert_int_eq(queue_sqlite_run(&store()->db, NULL, "testing", &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_BUG);
}
END_TEST

START_TEST(entries_are_found_across_runs_of_ids)
{
    queue_fixture_add(&f, 1, 3);
    /* As if 3 * 8192 entries lay between. */
    queue_sql_run(&f, "PRAGMA foreign_keys = OFF; UPDATE entry SET n = 30000 WHERE uid = 3;"
                      "UPDATE body SET n = 30000 WHERE n = 3");
    queue_fixture_reopen(&f);
    for (uint32_t uid = 1; uid <= 3; uid++) {
        char id[QUEUE_ID_TEXT];
        AUTO(queue_entry) entry = NULL;
        queue_fixture_id(uid, id);
        ck_well(&f, queue_get(f.queue, id, &entry, &f.err));
        ck_assert_uint_eq(entry->uid, uid);
    }
}
END_TEST

/* Open the queue that was dumped to @path by an older version. */
static void open_old(const char *path)
{
    queue_close(f.queue);
    f.queue = NULL;
    ck_assert_int_eq(unlink(path_of("queue.db")), 0);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    static char sql[65536];
    size_t size = fread(sql, 1, sizeof sql - 1, file);
    fclose(file);
    sql[size] = '\0';
    queue_sql_run(&f, sql);
    ck_well(&f, queue_open(f.url, NULL, &f.clock, &f.queue, &f.err));
}

START_TEST(a_queue_of_schema_3_opens_and_its_entries_go_by_a_policy)
{
    open_old(SRCDIR "/data/queue-v3.sql");
    ck_assert_int_eq(queue_sql_number(&f, "PRAGMA user_version"), QUEUE_SQLITE_SCHEMA);
    const struct queue_filter all = {0};
    ck_assert_str_eq(queue_fixture_uids(&f, &all), "1 2 3 4 5 0");
    const struct queue_policy policy = {.error_queue = "errors"};
    ck_well(&f, queue_configure(f.queue, "second", &policy, &f.err));
    AUTO(queue_entry) entry = NULL;
    ck_well(&f, queue_take(f.queue, "second", 60, &entry, &f.err));
    ck_assert_uint_eq(entry->uid, 5);
    ck_well(&f, queue_fail(f.queue, entry->id, entry->fence, "why", &f.err));
    const struct queue_filter there = {.queue = "errors"};
    ck_assert_str_eq(queue_fixture_uids(&f, &there), "5");
    ck_assert_int_eq(
        queue_sql_number(
            &f, "SELECT count(*) FROM (SELECT queue, state, entries FROM tally WHERE entries > 0"
                " EXCEPT SELECT queue, state, count(*) FROM entry GROUP BY queue, state)"),
        0);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT sum(entries) FROM tally"), 6);
}
END_TEST

START_TEST(a_queue_of_schema_1_opens_with_all_it_held)
{
    open_old(SRCDIR "/data/queue-v1.sql");
    const struct queue_filter all = {0};
    ck_assert_str_eq(queue_fixture_uids(&f, &all), "1 2 3 4 5 0");
    ck_assert_int_eq(queue_fixture_record(&f, 1).step, QUEUE_STEP_MOVED);
    ck_assert_str_eq(queue_fixture_record(&f, 1).target, "DROPBOX");
    ck_assert_uint_eq(queue_fixture_record(&f, 9).attempts, 2);
    struct queue_mailbox mailbox; /* as schema 3 knows it */
    ck_well(&f, queue_mailbox_get(f.queue, "IMAP", "ann@mail.example.org", "INBOX", &mailbox,
                                  &f.err));
    ck_assert(mailbox.uidvalidity == 7 && mailbox.highest_uid == 9 && mailbox.held == 0);
    struct queue_evidence known = {.origin = queue_fixture_item(2).origin};
    ck_well(&f, queue_evidence(f.queue, &known, 1, &f.err));
    ck_assert(known.has_digest && known.size == 25 && known.message_id == 0);
    char id[QUEUE_ID_TEXT];
    queue_fixture_id(2, id);
    AUTO(queue_entry) failed = NULL;
    ck_well(&f, queue_get(f.queue, id, &failed, &f.err));
    ck_assert_int_eq(failed->state, QUEUE_FAILED);
    ck_assert_str_eq(failed->error, "no invoice number");
    int fd;
    ck_well(&f, queue_raw(f.queue, id, &fd, &f.err));
    close(fd);
    struct queue_stats stats;
    ck_well(&f, queue_stats(f.queue, NULL, &stats, &f.err));
    for (unsigned state = QUEUE_NEW; state <= QUEUE_BAD; state++)
        ck_assert_uint_eq(stats.by_state[state], state == QUEUE_NEW ? 2 : 1);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT sum(queued) FROM source_tally"),
                     5); /* counted afterwards */
    ck_assert_int_eq(queue_sql_number(&f, "SELECT sum(bad) FROM source_tally"), 1);
}
END_TEST

/* ---- Several processes ----------------------------------------------------------------------- */

static int stopped_count(void *context)
{
    unsigned *count = context;
    ++*count;
    return 1;
}

/* As above, and taken back at the look behind those that end the wait: it stands for the whole
 * wait. */
static int stopped_while_waiting(void *context)
{
    unsigned *count = context;
    return ++*count <= 101;
}

START_TEST(another_process_that_writes_for_long_is_named_and_delays_no_stop)
{
    struct queue *other = NULL;
    ck_well(&f, queue_open(f.url, NULL, &f.clock, &other, &f.err));
    struct queue_item item = queue_fixture_item(1);
    ck_assert_int_eq(queue_put(other, &item, &f.err), QUEUE_PUT_ADDED);
    unsigned looks = 0; /* one each 10 ms; a stop leaves a second */
    queue_heed(f.queue, stopped_count, &looks);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_FAILED);
    ck_assert_msg(looks > 1 && looks <= 102, "%u", looks);
    ck_assert_int_eq(f.err.class, ERROR_CANCELLED);
    ck_assert_ptr_nonnull(strstr(f.err.text, "stopped while another process was writing"));
    ck_assert_ptr_null(strstr(f.err.text, "10 seconds"));
    looks = 0;
    queue_heed(f.queue, stopped_while_waiting, &looks);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_FAILED);
    ck_assert_int_eq(f.err.class, ERROR_STORE);
    ck_assert_ptr_nonnull(strstr(f.err.text, "another process is writing"));
    queue_heed(f.queue, stopped_count, &looks);
    const struct queue_record record = {.origin = item.origin, .step = QUEUE_STEP_MOVING};
    ck_assert_int_eq(queue_note(f.queue, &record, 1, &f.err), -1);
    ck_assert_uint_eq(queue_fixture_count(&f), 0); /* reading goes on */
    ck_assert_int_eq(queue_commit(other, &f.err), QUEUE_COMMITTED);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_DUPLICATE);
    queue_close(other);
}
END_TEST

/* What another process sees of the queue, which it opens and closes. */
static size_t entries_seen_elsewhere(void)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        f.queue = NULL; /* the parent's */
        int opened = queue_open(f.url, NULL, &f.clock, &f.queue, &f.err);
        size_t count = opened == 0 ? queue_fixture_count(&f) : 99;
        queue_close(f.queue);
        _exit((int)count);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return (size_t)WEXITSTATUS(status);
}

START_TEST(two_handles_of_one_process_lose_nothing_to_another_process)
{
    struct queue *second = NULL;
    ck_well(&f, queue_open(f.url, NULL, &f.clock, &second, &f.err));
    ck_assert_uint_eq(entries_seen_elsewhere(), 0); /* not the last one: the log stays */
    queue_fixture_add(&f, 1, 1);
    ck_assert_uint_eq(entries_seen_elsewhere(), 1);
    queue_close(second);
    queue_fixture_add(&f, 2, 2);
    ck_assert_uint_eq(entries_seen_elsewhere(), 2);
    queue_fixture_reopen(&f);
    ck_assert_uint_eq(queue_fixture_count(&f), 2);
}
END_TEST

START_TEST(a_duplicate_alone_keeps_nobody_waiting)
{
    queue_fixture_add(&f, 1, 1);
    struct queue_item item = queue_fixture_item(1);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_DUPLICATE);
    ck_assert(!queue_sqlite_in_transaction(&store()->db));
}
END_TEST

START_TEST(an_entry_goes_to_one_of_several_workers)
{
    enum { ENTRIES = 40 };
    queue_fixture_add(&f, 1, ENTRIES);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    struct queue *queue = f.queue;
    if (child == 0 && queue_open(f.url, NULL, &f.clock, &queue, NULL) < 0)
        _exit(255);
    int taken = 0;
    for (;;) {
        struct queue_entry *entry = NULL;
        if (queue_take(queue, NULL, 60, &entry, NULL) < 0)
            _exit(254);
        if (entry == NULL)
            break;
        taken++;
        if (queue_done(queue, entry->id, entry->fence, NULL) < 0)
            _exit(253);
        queue_entry_free(entry);
    }
    if (child == 0)
        _exit(taken);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status) + taken, ENTRIES);
}
END_TEST

static Suite *suite(void)
{
    const TTest *const tests[] = {
        nobody_else_can_read_any_of_it,
        missing_folders_above_are_made,
        a_folder_that_others_can_write_is_refused,
        a_file_in_the_place_of_the_folder_is_told,
        a_large_file_without_name_is_linked_and_one_with_a_name_is_copied,
        a_message_at_the_limit_is_a_row_and_one_above_it_a_file,
        files_of_a_batch_go_with_its_rollback_and_those_before_stay,
        a_file_left_by_a_batch_that_died_is_replaced,
        files_of_a_batch_of_any_size_are_flushed_once_each,
        a_batch_of_which_one_file_cannot_be_flushed_is_not_stored,
        a_message_whose_file_is_gone_or_cut_is_told_by_name,
        where_no_descriptor_is_left_that_is_told_and_not_the_disk,
        a_file_in_a_folder_by_the_first_digits_of_its_id_is_found_there,
        stray_spool_files_are_removed_at_open_unless_somebody_uses_the_spool,
        a_mailbox_is_claimed_by_one_at_a_time_until_its_queue_is_closed,
        a_queue_that_somebody_else_is_stuck_opening_is_told_in_time,
        the_disks_reserve_is_not_touched,
        the_disk_is_looked_at_again_while_a_batch_grows,
        a_newer_schema_is_refused_by_both_versions_and_left_alone,
        a_database_of_another_program_is_refused_and_left_alone,
        what_is_no_database_is_refused,
        a_database_is_durable_and_ours_by_its_header,
        statements_are_prepared_when_they_are_used_and_kept,
        a_statement_that_cannot_be_prepared_is_told_and_nothing_else_suffers,
        entries_are_found_across_runs_of_ids,
        a_queue_of_schema_1_opens_with_all_it_held,
        a_queue_of_schema_3_opens_and_its_entries_go_by_a_policy,
        another_process_that_writes_for_long_is_named_and_delays_no_stop,
        two_handles_of_one_process_lose_nothing_to_another_process,
        a_duplicate_alone_keeps_nobody_waiting,
        an_entry_goes_to_one_of_several_workers,
    };
    Suite *s = suite_create("queue sqlite");
    TCase *all = tcase_create("sqlite");
    tcase_add_checked_fixture(all, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(all, tests[i]);
    suite_add_tcase(s, all);
    return s;
}

CHECK_MAIN(suite)
