/* SPDX-License-Identifier: Apache-2.0 */
/* spool-test.c - one message's bytes: in memory, in a file without a name, on a disk that refuses.
 *
 * The linker puts __wrap_open() before open() (see lib.mk), to be a file system without O_TMPFILE.
 */
#include <config.h>
#include "check-main.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool.h"
#include "spool-writer.h"

static bool refuse_direct; /* a file system without O_DIRECT */
static int refuse_tmpfile; /* errno for O_TMPFILE, 0: let it through */
static unsigned tmpfiles_refused;
#define FOLDER "/tmp/spool-test-XXXXXX"
static char folder[] = FOLDER;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
    if ((flags & O_TMPFILE) == O_TMPFILE && refuse_tmpfile != 0) {
        tmpfiles_refused++;
        errno = refuse_tmpfile;
        return -1;
    }
    if ((flags & O_DIRECT) != 0 && refuse_direct) {
        errno = EINVAL;
        return -1;
    }
    va_list args;
    va_start(args, flags);
    mode_t mode = va_arg(args, mode_t);
    va_end(args);
    return __real_open(path, flags, mode);
}

static bool takes_nothing; /* a disk that says so instead of failing */
ssize_t __real_pwrite(int fd, const void *bytes, size_t count, off_t at);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t count, off_t at);

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t count, off_t at)
{
    return takes_nothing ? 0 : __real_pwrite(fd, bytes, count, at);
}

static void make_folder(void)
{
    memcpy(folder, FOLDER, sizeof folder); /* anew: valgrind runs all tests in one process */
    refuse_tmpfile = 0;
    tmpfiles_refused = 0;
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
    ck_assert_int_eq(rmdir(folder), 0); /* fails when a file is left behind */
}

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 31 + (i >> 8));
}

/* Write @size known bytes in pieces of @piece. */
static int fill(struct spool *spool, size_t size, size_t piece, struct error *err)
{
    uint8_t bytes[8192];
    for (size_t at = 0; at < size;) {
        size_t n = piece < size - at ? piece : size - at;
        for (size_t i = 0; i < n; i++)
            bytes[i] = byte_at(at + i);
        if (spool_write(spool, bytes, n, err) < 0)
            return -1;
        at += n;
    }
    return 0;
}

static void expect_bytes(const struct spool *spool, size_t size)
{
    ck_assert_uint_eq(spool_size(spool), size);
    uint8_t *bytes = malloc(size + 1);
    if (spool_fd(spool) >= 0) {
        struct stat st;
        ck_assert_int_eq(fstat(spool_fd(spool), &st), 0);
        ck_assert_int_eq(st.st_size, (off_t)size);
        ck_assert_int_eq(st.st_mode & 0777, 0600);
        ck_assert_int_eq(pread(spool_fd(spool), bytes, size + 1, 0), (ssize_t)size);
    } else {
        memcpy(bytes, spool_bytes(spool), size);
    }
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != byte_at(i))
            ck_abort_msg("byte %zu differs", i);
    free(bytes);
}

static void expect_digest(const uint8_t digest[DIGEST_SIZE], size_t size)
{
    AUTO(digest) alone = digest_new();
    uint8_t want[DIGEST_SIZE];
    uint8_t *bytes = malloc(size + 1);
    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_at(i);
    ck_assert_int_eq(digest_add(alone, bytes, size), 0);
    ck_assert_int_eq(digest_finish(alone, want), 0);
    ck_assert_mem_eq(digest, want, DIGEST_SIZE);
    free(bytes);
}

static const struct size_row {
    size_t size;
    uint64_t expected;
    bool in_file;
} size_rows[] = {
    {0, 0, false},
    {1, 0, false},
    {SPOOL_MEMORY_MAX - 1, 0, false},
    {SPOOL_MEMORY_MAX, 0, false},
    {SPOOL_MEMORY_MAX + 1, 0, true},
    {SPOOL_MEMORY_MAX, SPOOL_MEMORY_MAX, false},
    {SPOOL_MEMORY_MAX + 1, SPOOL_MEMORY_MAX + 1, true},
    {10, SPOOL_MEMORY_MAX + 1, true}, /* the hint was wrong: harmless */
    {10, UINT64_MAX, true},
    {SPOOL_MEMORY_MAX * 3 + 7, 1, true},
};

START_TEST(bytes_come_back_as_written_from_memory_or_file)
{
    const struct size_row *row = &size_rows[_i];
    static const size_t pieces[] = {8192, 4093};
    for (size_t i = 0; i < 2; i++) {
        AUTO(spool) spool = NULL;
        uint8_t digest[DIGEST_SIZE];
        struct error err = {0};
        ck_assert_int_eq(spool_new(folder, row->expected, &spool, &err), 0);
        ck_assert_int_eq(fill(spool, row->size, pieces[i], &err), 0);
        ck_assert_int_eq(spool_finish(spool, digest, &err), 0);
        ck_assert_int_eq(spool_fd(spool) >= 0, row->in_file);
        ck_assert_int_eq(spool_bytes(spool) == NULL, row->in_file);
        expect_bytes(spool, row->size);
        expect_digest(digest, row->size);
    }
}
END_TEST

/* The bytes at @at of a message are received where the spool has room, at most @piece of them; how
 * many. */
static size_t receive(struct spool *spool, size_t at, size_t piece)
{
    struct error err = {0};
    size_t room = 0;
    uint8_t *place = spool_room(spool, &room);
    ck_assert_ptr_nonnull(place);
    ck_assert_uint_gt(room, 0);
    size_t n = piece < room ? piece : room;
    for (size_t i = 0; i < n; i++)
        place[i] = byte_at(at + i);
    ck_assert_int_eq(spool_write(spool, place, n, &err), 0);
    return n;
}

START_TEST(bytes_received_where_the_spool_has_room_are_those_that_are_written)
{
    static const size_t pieces[] = {1000, 100000, SPOOL_BLOCK, SPOOL_BLOCK + 1};
    AUTO(spool) spool = NULL;
    uint8_t digest[DIGEST_SIZE];
    struct error err = {0};
    size_t size = 0;
    AUTO(spool_writer) writer = spool_writer_new(true);
    ck_assert_int_eq(spool_new(folder, SPOOL_MEMORY_MAX + 1, &spool, &err), 0);
    spool_lend(spool, writer);
    while (size < 7 * SPOOL_BLOCK + 123)
        size += receive(spool, size, pieces[_i]);
    ck_assert_int_eq(spool_finish(spool, digest, &err), 0);
    expect_bytes(spool, size);
    expect_digest(digest, size);
}
END_TEST

START_TEST(room_that_is_not_used_changes_nothing)
{
    AUTO(spool) spool = NULL;
    uint8_t digest[DIGEST_SIZE];
    struct error err = {0};
    size_t room, size = SPOOL_BLOCK * 2;
    ck_assert_int_eq(spool_new(folder, 0, &spool, &err), 0);
    ck_assert_ptr_null(spool_room(spool, &room)); /* in memory, as far as it goes */
    ck_assert_int_eq(fill(spool, size, 8192, &err), 0);
    memset(spool_room(spool, &room), 'x', 100);
    ck_assert_int_eq(spool_finish(spool, digest, &err), 0);
    expect_bytes(spool, size);
    expect_digest(digest, size);
}
END_TEST

START_TEST(a_full_disk_gives_no_room_for_ever_and_is_told_by_the_next_write)
{
    AUTO(spool) spool = NULL;
    uint8_t *place = NULL;
    struct error err = {0};
    size_t room, count = 0;
    ck_assert_int_eq(spool_new(folder, SPOOL_MEMORY_MAX + 1, &spool, &err), 0);
    takes_nothing = true;
    while ((place = spool_room(spool, &room)) != NULL && count++ < 100)
        ck_assert_int_eq(spool_write(spool, place, room, &err), 0);
    ck_assert_uint_eq(count, 1); /* a spool without a writer of its own knows at once */
    ck_assert_int_eq(spool_write(spool, (const uint8_t *)"x", 1, &err), -1);
    ck_assert_int_eq((int)err.class, ERROR_STORE);
    ck_assert_ptr_null(spool_room(spool, &room));
    takes_nothing = false;
}
END_TEST

/* A message of @size bytes by @writer, ended; the caller's. */
static struct spool *ended(struct spool_writer *writer, size_t size)
{
    struct spool *spool = NULL;
    struct error err = {0};
    ck_assert_int_eq(spool_new(folder, size, &spool, &err), 0);
    spool_lend(spool, writer);
    ck_assert_int_eq(fill(spool, size, 8000, &err), 0);
    ck_assert_int_eq(spool_end(spool, &err), 0);
    return spool;
}

static const size_t lent_sizes[] = {SPOOL_BLOCK * 9 + 11, 10, SPOOL_BLOCK + 1, SPOOL_BLOCK * 4,
                                    SPOOL_MEMORY_MAX + 1, 0};
#define LENT (sizeof lent_sizes / sizeof lent_sizes[0])

START_TEST(a_writer_takes_one_spool_after_the_other_and_all_are_whole_when_it_is_gone)
{
    struct spool *spools[LENT];
    struct spool_writer *writer = spool_writer_new(_i == 1);
    for (size_t i = 0; i < LENT; i++)
        spools[i] = ended(writer, lent_sizes[i]);
    spool_writer_free(writer);
    for (size_t i = 0; i < LENT; i++) {
        uint8_t digest[DIGEST_SIZE];
        ck_assert_int_eq(spool_finish(spools[i], digest, NULL), 0);
        ck_assert_int_eq(spool_fd(spools[i]) >= 0, lent_sizes[i] > SPOOL_MEMORY_MAX);
        expect_bytes(spools[i], lent_sizes[i]);
        expect_digest(digest, lent_sizes[i]);
        spool_free(spools[i]);
    }
}
END_TEST

START_TEST(a_spool_that_is_given_up_leaves_its_writer_to_the_next)
{
    AUTO(spool_writer) writer = spool_writer_new(true);
    for (size_t i = 0; i < 3 * SPOOL_BLOCKS; i++) {
        AUTO(spool) spool = NULL;
        size_t size = SPOOL_BLOCK * (i % 3 + 1) + 7;
        ck_assert_int_eq(spool_new(folder, size, &spool, NULL), 0);
        spool_lend(spool, writer);
        ck_assert_int_eq(fill(spool, size, 8000, NULL), 0);
    }
    AUTO(spool) last = ended(writer, SPOOL_BLOCK * 5);
    uint8_t digest[DIGEST_SIZE];
    ck_assert_int_eq(spool_finish(last, digest, NULL), 0);
    expect_bytes(last, SPOOL_BLOCK * 5);
    expect_digest(digest, SPOOL_BLOCK * 5);
}
END_TEST

START_TEST(what_a_writer_could_not_write_is_told_of_that_spool_alone)
{
    signal(SIGXFSZ, SIG_IGN);
    AUTO(spool_writer) writer = spool_writer_new(_i == 1);
    AUTO(spool) small = NULL;
    AUTO(spool) large = NULL;
    uint8_t digest[DIGEST_SIZE];
    struct error err = {0};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){1u << 20, 1u << 20}), 0);
    ck_assert_int_eq(spool_new(folder, 3u << 20, &large, &err), 0);
    spool_lend(large, writer);
    ck_assert(fill(large, 3u << 20, 8192, &err) < 0 || spool_finish(large, digest, &err) < 0);
    ck_assert_int_eq((int)err.class, ERROR_STORE);
    ck_assert_ptr_nonnull(strstr(err.text, folder));
    spool_free(TAKE(large));
    small = ended(writer, 1u << 19);
    ck_assert_int_eq(spool_finish(small, digest, &err), 0);
    expect_bytes(small, 1u << 19);
}
END_TEST

START_TEST(a_file_system_without_direct_writing_takes_the_common_way)
{
    AUTO(spool) spool = NULL;
    uint8_t digest[DIGEST_SIZE];
    refuse_direct = _i == 1;
    ck_assert_int_eq(spool_new(folder, 0, &spool, NULL), 0);
    ck_assert_int_eq(fill(spool, 3 * SPOOL_MEMORY_MAX + 17, 8191, NULL), 0);
    ck_assert_int_eq(spool_finish(spool, digest, NULL), 0);
    ck_assert_int_eq(fcntl(spool_fd(spool), F_GETFL) & O_DIRECT, 0); /* whoever reads it may */
    expect_bytes(spool, 3 * SPOOL_MEMORY_MAX + 17);
}
END_TEST

START_TEST(the_digest_is_sha256_of_all_bytes)
{
    static const uint8_t abc[DIGEST_SIZE] = {/* FIPS 180-4, example "abc" */
                                             0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                             0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                             0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                                             0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    AUTO(spool) spool = NULL;
    uint8_t digest[DIGEST_SIZE];
    ck_assert_int_eq(spool_new(folder, 0, &spool, NULL), 0);
    ck_assert_int_eq(spool_write(spool, (const uint8_t *)"a", 1, NULL), 0);
    ck_assert_int_eq(spool_write(spool, (const uint8_t *)"bc", 2, NULL), 0);
    ck_assert_int_eq(spool_finish(spool, digest, NULL), 0);
    ck_assert_mem_eq(digest, abc, DIGEST_SIZE);
}
END_TEST

START_TEST(a_file_system_without_unnamed_files_leaves_no_name_behind)
{
    static const int refusals[] = {EOPNOTSUPP, EISDIR};
    AUTO(spool) spool = NULL;
    uint8_t digest[DIGEST_SIZE];
    struct error err = {0};
    refuse_tmpfile = refusals[_i];
    ck_assert_int_eq(spool_new(folder, 0, &spool, &err), 0);
    ck_assert_int_eq(fill(spool, SPOOL_MEMORY_MAX + 1, 8192, &err), 0);
    ck_assert_int_eq(spool_finish(spool, digest, &err), 0);
    ck_assert_uint_eq(tmpfiles_refused, 1); /* else the test tested nothing */
    expect_bytes(spool, SPOOL_MEMORY_MAX + 1);
    DIR *dir = opendir(folder);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        ck_assert_msg(entry->d_name[0] == '.' && strlen(entry->d_name) <= 2, "%s", entry->d_name);
    closedir(dir);
}
END_TEST

START_TEST(an_unnamed_file_can_be_given_a_name_by_the_queue)
{
    AUTO(spool) spool = NULL;
    uint8_t digest[DIGEST_SIZE];
    char from[64], to[128];
    ck_assert_int_eq(spool_new(folder, SPOOL_MEMORY_MAX + 1, &spool, NULL), 0);
    ck_assert_int_eq(fill(spool, 10, 10, NULL), 0);
    ck_assert_int_eq(spool_finish(spool, digest, NULL), 0);
    snprintf(from, sizeof from, "/proc/self/fd/%d", spool_fd(spool));
    snprintf(to, sizeof to, "%s/kept", folder);
    ck_assert_int_eq(linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW), 0);
    ck_assert_int_eq(unlink(to), 0);
}
END_TEST

START_TEST(a_full_disk_is_told_with_the_folder_and_a_remedy)
{
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){1u << 20, 1u << 20}), 0);
    AUTO(spool) spool = NULL;
    uint8_t digest[DIGEST_SIZE];
    struct error err = {0};
    ck_assert_int_eq(spool_new(folder, 0, &spool, &err), 0);
    bool failed = fill(spool, 2u << 20, 8192, &err) < 0 || spool_finish(spool, digest, &err) < 0;
    ck_assert(failed);
    ck_assert_int_eq((int)err.class, ERROR_STORE);
    ck_assert_ptr_nonnull(strstr(err.text, folder));
    ck_assert_ptr_nonnull(strstr(err.text, "make room"));
}
END_TEST

START_TEST(a_disk_that_takes_nothing_is_told_and_not_asked_for_ever)
{
    AUTO(spool) spool = NULL;
    uint8_t digest[DIGEST_SIZE];
    struct error err = {0};
    ck_assert_int_eq(spool_new(folder, 0, &spool, &err), 0);
    takes_nothing = true;
    bool failed = fill(spool, SPOOL_MEMORY_MAX * 3, 8192, &err) < 0 ||
                  spool_finish(spool, digest, &err) < 0;
    takes_nothing = false;
    ck_assert(failed);
    ck_assert_int_eq((int)err.class, ERROR_STORE);
}
END_TEST

START_TEST(where_no_descriptor_is_left_that_is_told_and_not_the_folder)
{
    struct rlimit before, none;
    struct spool *spool = NULL;
    struct error err = {0};
    int next = dup(STDOUT_FILENO);
    close(next);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    int result = spool_new("/tmp", SPOOL_MEMORY_MAX + 1, &spool, &err);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(result, -1);
    ck_assert_ptr_nonnull(strstr(err.text, "allow more open files"));
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_told_and_needed_only_for_large_mail)
{
    AUTO(spool) spool = NULL;
    AUTO(spool) large = NULL;
    uint8_t digest[DIGEST_SIZE];
    struct error err = {0};
    ck_assert_int_eq(spool_new("/nonexistent/spool", 100, &spool, &err), 0);
    ck_assert_int_eq(fill(spool, 100, 10, &err), 0);
    ck_assert_int_eq(spool_finish(spool, digest, &err), 0);
    ck_assert_int_eq(spool_new("/nonexistent/spool", SPOOL_MEMORY_MAX + 1, &large, &err), -1);
    ck_assert_int_eq((int)err.class, ERROR_CREATE);
    ck_assert_ptr_nonnull(strstr(err.text, "'/nonexistent/spool'"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("spool");
    TCase *t = tcase_create("spool");
    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_loop_test(t, bytes_come_back_as_written_from_memory_or_file, 0,
                        (int)(sizeof size_rows / sizeof size_rows[0]));
    tcase_add_loop_test(
        t, a_writer_takes_one_spool_after_the_other_and_all_are_whole_when_it_is_gone, 0, 2);
    tcase_add_loop_test(t, bytes_received_where_the_spool_has_room_are_those_that_are_written, 0,
                        4);
    tcase_add_test(t, room_that_is_not_used_changes_nothing);
    tcase_add_test(t, a_full_disk_gives_no_room_for_ever_and_is_told_by_the_next_write);
    tcase_add_test(t, a_spool_that_is_given_up_leaves_its_writer_to_the_next);
    tcase_add_loop_test(t, what_a_writer_could_not_write_is_told_of_that_spool_alone, 0, 2);
    tcase_add_loop_test(t, a_file_system_without_direct_writing_takes_the_common_way, 0, 2);
    tcase_add_test(t, the_digest_is_sha256_of_all_bytes);
    tcase_add_loop_test(t, a_file_system_without_unnamed_files_leaves_no_name_behind, 0, 2);
    tcase_add_test(t, an_unnamed_file_can_be_given_a_name_by_the_queue);
    tcase_add_test(t, a_full_disk_is_told_with_the_folder_and_a_remedy);
    tcase_add_test(t, a_disk_that_takes_nothing_is_told_and_not_asked_for_ever);
    tcase_add_test(t, where_no_descriptor_is_left_that_is_told_and_not_the_folder);
    tcase_add_test(t, a_folder_that_is_not_there_is_told_and_needed_only_for_large_mail);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
