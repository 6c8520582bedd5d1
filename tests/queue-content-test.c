/* SPDX-License-Identifier: Apache-2.0 */
/* queue-content-test.c - content that comes as a file is that which comes in memory, of any size,
 * in every back end; SQLite needs no more memory for it the larger it is; and queues of before. */
#include <config.h>
#include "check-main.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "queue-fixture.h"
#include "queue-sql.h"
#include "queue-hook.h"
#include "queue-sqlite.h"

#define PIECE QUEUE_SQLITE_PIECE
#define LARGE (10u << 20)

static struct queue_fixture f;

#define START() queue_fixture_init(&f, _i)

static void teardown(void)
{
    queue_fixture_done(&f);
}

/* ---- What SQLite takes of memory ------------------------------------------------------------- */

static struct {
    sqlite3_mem_methods real;
    uint64_t now, most, largest; /* bytes: in use, the most of that, of one piece */
} taken;

static void taken_change(int before, int after)
{
    taken.now = taken.now - (uint64_t)before + (uint64_t)after;
    taken.most = taken.now > taken.most ? taken.now : taken.most;
    taken.largest = (uint64_t)after > taken.largest ? (uint64_t)after : taken.largest;
}

static void *taken_malloc(int size)
{
    void *bytes = taken.real.xMalloc(size);
    if (bytes != NULL)
        taken_change(0, taken.real.xSize(bytes));
    return bytes;
}

static void taken_free(void *bytes)
{
    if (bytes != NULL)
        taken_change(taken.real.xSize(bytes), 0);
    taken.real.xFree(bytes);
}

static void *taken_realloc(void *bytes, int size)
{
    int before = bytes == NULL ? 0 : taken.real.xSize(bytes);
    void *moved = taken.real.xRealloc(bytes, size);
    if (moved != NULL)
        taken_change(before, taken.real.xSize(moved));
    return moved;
}

/* Before SQLite is used, once in a process. */
static void taken_watch(void)
{
    if (taken.real.xMalloc != NULL)
        return;
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &taken.real), SQLITE_OK);
    sqlite3_mem_methods watched = taken.real;
    watched.xMalloc = taken_malloc;
    watched.xFree = taken_free;
    watched.xRealloc = taken_realloc;
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &watched), SQLITE_OK);
}

/* ---- Content --------------------------------------------------------------------------------- */

static const uint32_t sizes[] = {1,     65535,     65536,     65537,         PIECE - 1,
                                 PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 1, 3 * PIECE + 7,
                                 LARGE};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* Text without a short period. */
static char *text_of(uint32_t uid, size_t size)
{
    char *text = malloc(size + 1);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)(' ' + (i + i / 89 * 7 + i / PIECE * 3 + uid) % 90);
    text[size] = '\0';
    return text;
}

/* A file without a name; its descriptor is yours. */
static int file_of(const void *bytes, size_t size)
{
    int fd = open(f.dir, O_TMPFILE | O_RDWR, 0600);
    ck_assert(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    return fd;
}

/* Message @uid with content of @size bytes, in a file; its descriptor is yours. */
static struct queue_item item_filed(uint32_t uid, size_t size)
{
    char *text = text_of(uid, size);
    struct queue_item item = queue_fixture_item(uid);
    item.content_fd = file_of(text, size);
    item.content_filed = size;
    free(text);
    return item;
}

static enum queue_put_result put_filed(uint32_t uid, size_t size)
{
    struct queue_item item = item_filed(uid, size);
    enum queue_put_result result = queue_put(f.queue, &item, &f.err);
    ck_assert_int_ge(fcntl(item.content_fd, F_GETFD), 0); /* still the caller's */
    close(item.content_fd);
    return result;
}

static void add_filed(uint32_t uid, size_t size)
{
    ck_assert_msg(put_filed(uid, size) == QUEUE_PUT_ADDED, "%s", f.err.text);
    ck_well(&f, queue_commit(f.queue, &f.err));
}

static void check_content(const struct queue_entry *entry, size_t size)
{
    char *want = text_of(entry->uid, size);
    ck_assert_uint_eq(entry->content_size, size);
    ck_assert(memcmp(entry->content, want, size + 1) == 0); /* with its NUL */
    free(want);
}

static void check_entry(uint32_t uid, size_t size)
{
    char id[QUEUE_ID_TEXT];
    AUTO(queue_entry) entry = NULL;
    queue_fixture_id(uid, id);
    ck_well(&f, queue_get(f.queue, id, &entry, &f.err));
    check_content(entry, size);
}

static int check_listed(void *context, const struct queue_entry *entry)
{
    size_t *count = context;
    check_content(entry, sizes[(*count)++]);
    return 0;
}

static int check_without(void *context, const struct queue_entry *entry)
{
    size_t *count = context;
    ck_assert(entry->content == NULL && entry->uid == ++*count);
    return 0;
}

START_TEST(content_in_a_file_comes_back_as_that_in_memory_whatever_its_size)
{
    START();
    for (uint32_t i = 0; i < SIZES; i++) /* the open batch is seen, too */
        ck_assert_msg(put_filed(i + 1, sizes[i]) == QUEUE_PUT_ADDED, "%s", f.err.text);
    for (uint32_t turn = 0; turn < 2; turn++) {
        size_t listed = 0, without = 0;
        struct queue_filter filter = {.with_content = true};
        ck_well(&f, queue_commit(f.queue, &f.err));
        for (uint32_t i = 0; i < SIZES; i++)
            check_entry(i + 1, sizes[i]);
        ck_well(&f, queue_list(f.queue, &filter, check_listed, &listed, &f.err));
        filter.with_content = false;
        ck_well(&f, queue_list(f.queue, &filter, check_without, &without, &f.err));
        ck_assert(listed == SIZES && without == SIZES);
        if (f.keeps)
            queue_fixture_reopen(&f);
    }
}
END_TEST

START_TEST(who_takes_work_and_who_is_told_of_it_has_the_large_content)
{
    START();
    ck_well(&f,
            queue_hook_set(f.queue, "default", QUEUE_HOOK_COMMAND, "/bin/true", NULL, 0, &f.err));
    add_filed(1, LARGE);
    AUTO(queue_entry) entry = NULL;
    ck_well(&f, queue_take(f.queue, NULL, 60, &entry, &f.err));
    check_content(entry, LARGE);
    struct queue_delivery_place start = {0};
    AUTO(queue_delivery) delivery = NULL;
    ck_well(&f, queue_delivery_next(f.queue, 1, &start, &delivery, &f.err));
    check_content(delivery->entry, LARGE);
    ck_well(&f, queue_done(f.queue, entry->id, entry->fence, &f.err));
    check_entry(1, LARGE);
}
END_TEST

START_TEST(large_content_stands_beside_small_and_neither_gets_the_others)
{
    START();
    queue_fixture_add(&f, 1, 1);
    add_filed(2, 2 * PIECE + 1);
    queue_fixture_add(&f, 3, 3);
    add_filed(4, PIECE + 1);
    check_entry(2, 2 * PIECE + 1);
    check_entry(4, PIECE + 1);
    char id[QUEUE_ID_TEXT];
    AUTO(queue_entry) small = NULL;
    queue_fixture_id(3, id);
    ck_well(&f, queue_get(f.queue, id, &small, &f.err));
    ck_assert_str_eq(small->content, "{\"subject\":\"hello\"}");
}
END_TEST

/* And its batch with it. */
static void check_refused(struct queue_item *item, enum error_class class, const char *says)
{
    size_t count = queue_fixture_count(&f);
    struct queue_item before = queue_fixture_item(item->origin.uid + 100);
    ck_assert_int_eq(queue_put(f.queue, &before, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_put(f.queue, item, &f.err), QUEUE_PUT_FAILED);
    ck_assert_msg(f.err.class == class && strstr(f.err.text, says) != NULL, "%d: %s", f.err.class,
                  f.err.text);
    ck_well(&f, queue_commit(f.queue, &f.err));
    ck_assert_uint_eq(queue_fixture_count(&f), count);
}

START_TEST(a_content_file_that_is_none_or_too_short_is_its_makers_bug)
{
    START();
    struct queue_item item = item_filed(1, 2 * PIECE);
    item.content_filed++;
    check_refused(&item, ERROR_BUG, "less than the 262145 bytes");
    close(item.content_fd);
    item = queue_fixture_item(2);
    item.content_filed = 1;
    item.content_fd = -1;
    check_refused(&item, ERROR_BUG, "less than the 1 bytes");
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    item = queue_fixture_item(3);
    item.content_filed = 1;
    item.content_fd = ends[0];
    check_refused(&item, ERROR_BUG, "less than the 1 bytes");
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(content_above_the_limit_is_the_mails_fault_and_at_the_limit_well)
{
    START();
    struct queue_item item = queue_fixture_item(1);
    item.content_fd = file_of("x", 1);
    item.content_filed = QUEUE_CONTENT_MAX + 1u;
    ck_assert_int_eq(ftruncate(item.content_fd, QUEUE_CONTENT_MAX + 1), 0);
    check_refused(&item, ERROR_MAIL, "above the limit");
    item.content_filed = QUEUE_CONTENT_MAX;
    ck_assert_msg(queue_put(f.queue, &item, &f.err) == QUEUE_PUT_ADDED, "%s", f.err.text);
    close(item.content_fd);
}
END_TEST

START_TEST(a_content_file_that_cannot_be_read_is_the_disks_fault)
{
    START();
    char path[200];
    (void)snprintf(path, sizeof path, "%s/content", f.dir);
    for (uint32_t i = 0; i < 2; i++) {
        struct queue_item item = queue_fixture_item(i + 1);
        item.content_filed = i == 0 ? 100 : 2 * PIECE;
        item.content_fd = open(path, O_CREAT | O_WRONLY, 0600); /* nobody can read from it */
        ck_assert_int_eq(ftruncate(item.content_fd, (off_t)item.content_filed), 0);
        check_refused(&item, ERROR_STORE, "cannot read the file of an entry's content");
        close(item.content_fd);
    }
}
END_TEST

/* ---- SQLite ---------------------------------------------------------------------------------- */

static void start_sqlite(void)
{
    taken_watch();
    queue_fixture_init(&f, QUEUE_FIXTURE_SQLITE);
}

/* The most that SQLite has of memory beyond what it had before, for content of @size bytes. */
static uint64_t most_taken(uint32_t uid, size_t size)
{
    struct queue_item item = item_filed(uid, size);
    taken.most = taken.now;
    taken.largest = 0;
    uint64_t before = taken.now;
    ck_assert_msg(queue_put(f.queue, &item, &f.err) == QUEUE_PUT_ADDED, "%s", f.err.text);
    ck_well(&f, queue_commit(f.queue, &f.err));
    close(item.content_fd);
    return taken.most - before;
}

START_TEST(ten_megabytes_of_content_take_no_more_memory_than_one)
{
    start_sqlite();
    (void)most_taken(1, 1u << 20); /* the page cache fills */
    (void)most_taken(2, 4u << 20);
    uint64_t large = most_taken(3, LARGE);
    ck_assert_uint_lt(taken.largest, 2u * PIECE);
    ck_assert_uint_lt(large, 8u * PIECE);
    ck_assert_uint_lt(taken.most, 4u << 20);
}
END_TEST

START_TEST(content_of_one_piece_stands_in_its_row_and_larger_in_pieces)
{
    start_sqlite();
    add_filed(1, PIECE);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT count(*) FROM piece"), 0);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT length(content) FROM body WHERE n = 1"), PIECE);
    add_filed(2, 2 * PIECE + 1);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT count(*) FROM piece WHERE n = 2"), 3);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT content = '262145' FROM body WHERE n = 2"), 1);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT sum(length(bytes)) FROM piece"), 2 * PIECE + 1);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}
END_TEST

START_TEST(of_a_batch_that_was_rolled_back_or_a_duplicate_no_piece_is_left)
{
    start_sqlite();
    ck_assert_int_eq(put_filed(1, LARGE), QUEUE_PUT_ADDED); /* more than the page cache holds */
    queue_rollback(f.queue);
    ck_assert_int_eq(queue_sql_number(&f, "SELECT count(*) FROM piece"), 0);
    add_filed(1, 3 * PIECE);
    ck_assert_int_eq(put_filed(1, LARGE), QUEUE_PUT_DUPLICATE);
    ck_well(&f, queue_commit(f.queue, &f.err));
    ck_assert_int_eq(queue_sql_number(&f, "SELECT count(*) FROM piece"), 3);
    check_entry(1, 3 * PIECE);
}
END_TEST

START_TEST(content_that_lost_a_piece_is_told_and_never_shown_without_it)
{
    static const char *const losses[] = {"at = 0", "at = 131072", "at = 262144", "n = 1"};
    char sql[100];
    start_sqlite();
    add_filed(1, 3 * PIECE);
    (void)snprintf(sql, sizeof sql, "DELETE FROM piece WHERE %s", losses[_i]);
    queue_sql_run(&f, sql);
    char id[QUEUE_ID_TEXT];
    AUTO(queue_entry) entry = NULL;
    queue_fixture_id(1, id);
    ck_assert_int_eq(queue_get(f.queue, id, &entry, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_STORE);
    ck_assert_ptr_nonnull(strstr(f.err.text, "lacks a piece"));
    ck_well(&f, queue_get_envelope(f.queue, id, &entry, &f.err)); /* what needs it not goes on */
    ck_well(&f, queue_move(f.queue, id, "other", &f.err));
    queue_fixture_add(&f, 2, 2);
}
END_TEST

/* Pages that were read for it. */
static int pages_of_large(unsigned number)
{
    const struct queue_sqlite *store = queue_store(f.queue);
    int before = 0, after = 0, ignored = 0;
    char id[QUEUE_ID_TEXT];
    AUTO(queue_entry) entry = NULL;
    sqlite3_db_status(store->db.handle, SQLITE_DBSTATUS_CACHE_MISS, &before, &ignored, 0);
    add_filed(number, 5 * PIECE);
    queue_fixture_id(number, id);
    ck_well(&f, queue_get(f.queue, id, &entry, &f.err));
    sqlite3_db_status(store->db.handle, SQLITE_DBSTATUS_CACHE_MISS, &after, &ignored, 0);
    return after - before;
}

START_TEST(large_content_costs_the_same_behind_any_number_of_pieces)
{
    start_sqlite();
    add_filed(1, 5 * PIECE);
    int few = pages_of_large(2);
    queue_sql_run(&f,
                  "WITH RECURSIVE c(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM c WHERE i < 500)"
                  " INSERT INTO piece SELECT 1, i * 131072, zeroblob(131072) FROM c");
    (void)pages_of_large(3); /* what somebody else wrote is read anew */
    int many = pages_of_large(4);
    ck_assert_msg(many <= few + few / 4, "%d pages behind few, %d behind many", few, many);
}
END_TEST

START_TEST(a_queue_of_schema_10_opens_with_its_content_and_takes_large_content)
{
    start_sqlite();
    char path[200];
    static char sql[65536];
    queue_close(f.queue);
    f.queue = NULL;
    (void)snprintf(path, sizeof path, "%s/q/queue.db", f.dir);
    ck_assert_int_eq(unlink(path), 0);
    FILE *file = fopen(SRCDIR "/data/queue-v10.sql", "r");
    ck_assert_ptr_nonnull(file);
    sql[fread(sql, 1, sizeof sql - 1, file)] = '\0';
    fclose(file);
    queue_sql_run(&f, sql);
    ck_assert_int_eq(queue_sql_number(&f, "PRAGMA user_version"), 10);
    ck_well(&f, queue_open(f.url, NULL, &f.clock, &f.queue, &f.err));
    ck_assert_int_eq(queue_sql_number(&f, "PRAGMA user_version"), 11);
    const struct queue_filter all = {0};
    ck_assert_str_eq(queue_fixture_uids(&f, &all), "1 2 3 4 5 0");
    char id[QUEUE_ID_TEXT];
    AUTO(queue_entry) old = NULL;
    queue_fixture_id(2, id);
    ck_well(&f, queue_get(f.queue, id, &old, &f.err));
    ck_assert_str_eq(old->content, "{\"subject\":\"hello\"}");
    add_filed(50, LARGE);
    check_entry(50, LARGE);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("content as a file");
    TCase *kinds = tcase_create("kinds");
    tcase_set_timeout(kinds, 120);
    tcase_add_checked_fixture(kinds, NULL, teardown);
#define EACH(test) tcase_add_loop_test(kinds, test, 0, QUEUE_FIXTURE_KINDS)
    EACH(content_in_a_file_comes_back_as_that_in_memory_whatever_its_size);
    EACH(who_takes_work_and_who_is_told_of_it_has_the_large_content);
    EACH(large_content_stands_beside_small_and_neither_gets_the_others);
    EACH(a_content_file_that_is_none_or_too_short_is_its_makers_bug);
    EACH(content_above_the_limit_is_the_mails_fault_and_at_the_limit_well);
    EACH(a_content_file_that_cannot_be_read_is_the_disks_fault);
    suite_add_tcase(s, kinds);
    TCase *sqlite = tcase_create("sqlite");
    tcase_add_checked_fixture(sqlite, NULL, teardown);
    tcase_add_test(sqlite, ten_megabytes_of_content_take_no_more_memory_than_one);
    tcase_add_test(sqlite, content_of_one_piece_stands_in_its_row_and_larger_in_pieces);
    tcase_add_test(sqlite, of_a_batch_that_was_rolled_back_or_a_duplicate_no_piece_is_left);
    tcase_add_loop_test(sqlite, content_that_lost_a_piece_is_told_and_never_shown_without_it, 0, 4);
    tcase_add_test(sqlite, large_content_costs_the_same_behind_any_number_of_pieces);
    tcase_add_test(sqlite, a_queue_of_schema_10_opens_with_its_content_and_takes_large_content);
    suite_add_tcase(s, sqlite);
    return s;
}

CHECK_MAIN(suite)
