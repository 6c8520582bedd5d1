/* SPDX-License-Identifier: Apache-2.0 */
/* host-filed-test.c - texts of a mail that lie in files (struct loader_text_file): the entry is
 * that of a mail whose texts lie in memory, memory that is said to hold them is never looked at,
 * and what fails on the way is not the mail's fault. */
#include <config.h>
#include "check-main.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "entry.h"
#include "json-line.h"
#include "loader-mail.h"
#include "pump.h"
#include "queue-fixture.h"
#include "queue-sqlite.h"

#define LARGE (10u << 20)

static struct error err;
static const char *forbidden; /* whoever looks there dies */

static const char *const problems[] = {"charset 'foo' unknown, read as windows-1252"};

static void setup(void)
{
    void *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(page != MAP_FAILED);
    forbidden = page;
}

/* ---- Texts ----------------------------------------------------------------------------------- */

/* What the texts are made of: characters of each length, those that are escaped, and no UTF-8. */
static const char *const units[] = {
    "plain text\r\n",           "\xC3\xA9",     "\xE2\x82\xAC\"\x01", "\xF0\x9F\x98\x80",
    "\xE2\x80\xA8\x7F\xC2\x85", "\\\t\xFF\xC3", "\xF0\x9F\x98",       "\xED\xA0\x80\xE2\x82",
};
enum { UNITS = sizeof units / sizeof units[0] };

/* @size bytes: @shift times 'x', then the unit again and again. Yours. */
static char *text_of(size_t unit, size_t shift, size_t size)
{
    size_t length = strlen(units[unit]);
    char *text = malloc(size + 1);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < size; i++)
        text[i] = i < shift ? 'x' : units[unit][(i - shift) % length];
    text[size] = '\0';
    return text;
}

static int file_of(const char *text, size_t size)
{
    int fd = memfd_create("text", MFD_CLOEXEC);
    ck_assert(fd >= 0 && write(fd, text, size) == (ssize_t)size);
    return fd;
}

/* A mail in both shapes. */
struct both {
    char *text;
    int fd;
    struct loader_mail memory, filed;
};

static void both_init(struct both *both, char *text)
{
    size_t size = strlen(text);
    *both = (struct both){.text = text, .fd = file_of(text, size)};
    both->memory = (struct loader_mail){.struct_size = sizeof both->memory,
                                        .subject = "s",
                                        .message_body = text,
                                        .html = text,
                                        .problems = {problems, 1}};
    both->filed = both->memory;
    both->filed.message_body = both->filed.html = forbidden;
    both->filed.message_body_file = both->filed.html_file =
        (struct loader_text_file){.size = size, .fd = both->fd};
}

static void both_done(struct both *both)
{
    close(both->fd);
    free(both->text);
}

static struct loader_item item_of(const struct loader_mail *mail, uint32_t uid)
{
    return (struct loader_item){.struct_size = sizeof(struct loader_item),
                                .token = uid,
                                .item_class = "Mail",
                                .origin = {"ann@h", "INBOX", 7, uid, NULL},
                                .mail = mail,
                                .raw_bytes = (const uint8_t *)"x",
                                .raw_size = 1,
                                .raw_fd = -1};
}

/* ---- Entries --------------------------------------------------------------------------------- */

/* The same of both: as much content as @most, or why there is none. */
static void check_content(const struct both *both, size_t most)
{
    struct loader_item memory = item_of(&both->memory, 1), filed = item_of(&both->filed, 1);
    struct error why_memory = {0}, why_filed = {0};
    struct buffer want;
    uint64_t size = 0;
    int fd = file_of("what was there before", 21);
    buffer_init(&want, most);
    ck_assert(!entry_is_filed(&memory) && entry_is_filed(&filed));
    int failed = entry_content_text(&memory, &want, &why_memory);
    ck_assert_int_eq(entry_content_file(&filed, most, fd, &size, &why_filed), failed);
    if (failed == 0) {
        char *got = malloc(want.len + 1);
        ck_assert_uint_eq(size, want.len);
        ck_assert_int_eq(lseek(fd, 0, SEEK_END), (off_t)want.len);
        ck_assert_int_eq(pread(fd, got, want.len, 0), (ssize_t)want.len);
        ck_assert(memcmp(got, want.data, want.len) == 0);
        free(got);
    }
    ck_assert_int_eq(why_memory.class, why_filed.class);
    ck_assert_str_eq(why_memory.text, why_filed.text);
    buffer_done(&want);
    close(fd);
}

static int gather(const struct buffer *piece, void *context, struct error *why)
{
    (void)why;
    return buffer_append(context, buffer_text(piece), piece->len);
}

static int gather_small(const struct buffer *piece, void *context, struct error *why)
{
    ck_assert_uint_lt(piece->len, 1u << 20);
    return gather(piece, context, why);
}

static void check_line(const struct both *both)
{
    struct loader_item memory = item_of(&both->memory, 1), filed = item_of(&both->filed, 1);
    struct entry_envelope envelope = {.id = "0f-1"};
    struct buffer want, got;
    buffer_init(&want, SIZE_MAX);
    buffer_init(&got, SIZE_MAX);
    ck_assert_int_eq(entry_write_item(&memory, &envelope, gather, &want, &err), 0);
    ck_assert_int_eq(entry_write_item(&filed, &envelope, gather_small, &got, &err), 0);
    ck_assert_uint_eq(got.len, want.len);
    ck_assert(memcmp(got.data, want.data, want.len) == 0);
    buffer_done(&want);
    buffer_done(&got);
}

START_TEST(text_in_a_file_makes_the_entry_that_text_in_memory_makes)
{
    static const size_t sizes[] = {1,     2,     3,     4,     5,     65533, 65534,
                                   65535, 65536, 65537, 65538, 65539, 131073};
    for (size_t shift = 0; shift < 4; shift++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            struct both both;
            both_init(&both, text_of((size_t)_i, shift, sizes[i]));
            check_content(&both, QUEUE_CONTENT_MAX);
            check_line(&both);
            both_done(&both);
        }
}
END_TEST

START_TEST(ten_megabytes_in_a_file_make_the_same_entry_in_small_pieces)
{
    struct both both;
    both_init(&both, text_of(2, 1, LARGE));
    check_content(&both, QUEUE_CONTENT_MAX);
    check_line(&both);
    both_done(&both);
}
END_TEST

START_TEST(one_text_may_lie_in_a_file_and_the_other_in_memory)
{
    struct both both;
    both_init(&both, text_of(2, 1, 100000));
    both.filed.html = both.text;
    both.filed.html_file.size = 0;
    check_content(&both, QUEUE_CONTENT_MAX);
    both.filed = both.memory;
    both.filed.html = forbidden;
    both.filed.html_file = (struct loader_text_file){.size = 100000, .fd = both.fd};
    check_content(&both, QUEUE_CONTENT_MAX);
    both.filed.message_body = both.memory.message_body = NULL;
    check_content(&both, QUEUE_CONTENT_MAX);
    both_done(&both);
}
END_TEST

/* At the limit, and around it. */
static void check_limit(const struct both *both)
{
    struct loader_item memory = item_of(&both->memory, 1);
    struct buffer all;
    buffer_init(&all, SIZE_MAX);
    ck_assert_int_eq(entry_content_text(&memory, &all, &err), 0);
    for (size_t most = all.len - 2; most < all.len + 3; most++)
        check_content(both, most);
    buffer_done(&all);
}

/* With what tells of it, and down to nothing that could be left out. */
START_TEST(content_too_large_loses_html_then_text_at_the_same_byte_as_in_memory)
{
    struct both both;
    both_init(&both, text_of(0, 0, 100000));
    check_limit(&both);
    for (size_t most = 100000; most < 102000; most++)
        if (most % 100 == 0 || (most > 100500 && most < 101500 && most % 10 == 0))
            check_content(&both, most);
    for (size_t most = 0; most < 1000; most += 20)
        check_content(&both, most);
    both.memory.html = both.filed.html = NULL;
    both.filed.html_file.size = 0;
    check_limit(&both);
    both_done(&both);
}
END_TEST

START_TEST(a_nul_in_a_file_becomes_a_mark_and_ends_no_text)
{
    static const char text[] = "one\0two\0";
    struct loader_mail mail = {.struct_size = sizeof mail, .message_body = forbidden};
    mail.message_body_file.fd = file_of(text, sizeof text - 1);
    mail.message_body_file.size = sizeof text - 1;
    struct loader_item item = item_of(&mail, 1);
    struct entry_envelope envelope = {.id = "0f-1"};
    AUTO_JSON entry = NULL;
    ck_assert_int_eq(entry_from_item(&item, &envelope, &entry, &err), 0);
    ck_assert_str_eq(json_string_value(json_object_get(entry, "message_body")),
                     "one\xEF\xBF\xBDtwo\xEF\xBF\xBD");
    close(mail.message_body_file.fd);
}
END_TEST

/* ---- Files that are not what they should be -------------------------------------------------- */

enum { FILE_NONE, FILE_CLOSED, FILE_PIPE, FILE_SHORT, FILE_UNREADABLE, FILES };

static const struct {
    enum error_class class;
    const char *says;
} broken[FILES] = {
    [FILE_NONE] = {ERROR_BUG, "descriptor -1 is no file with the 100000 bytes of text"},
    [FILE_CLOSED] = {ERROR_BUG, "is no file with the 100000 bytes of text"},
    [FILE_PIPE] = {ERROR_BUG, "is no file with the 100000 bytes of text"},
    [FILE_SHORT] = {ERROR_BUG, "report this as a bug of its loader"},
    [FILE_UNREADABLE] = {ERROR_STORE, "cannot be read at byte 0 of 100000: Bad file descriptor"},
};

/* Its descriptor is yours. */
static struct loader_text_file broken_file(int how)
{
    struct loader_text_file file = {.size = 100000, .fd = -1};
    char path[64];
    int ends[2];
    if (how == FILE_SHORT || how == FILE_CLOSED || how == FILE_UNREADABLE) {
        file.fd = memfd_create("text", MFD_CLOEXEC);
        ck_assert_int_eq(ftruncate(file.fd, how == FILE_SHORT ? 99999 : 100000), 0);
    }
    if (how == FILE_CLOSED)
        close(file.fd);
    if (how == FILE_UNREADABLE) {
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file.fd);
        int readable = file.fd;
        file.fd = open(path, O_WRONLY | O_CLOEXEC);
        close(readable);
    }
    if (how == FILE_PIPE) {
        ck_assert_int_eq(pipe(ends), 0);
        close(ends[1]);
        file.fd = ends[0];
    }
    return file;
}

START_TEST(a_file_that_is_not_as_told_is_its_loaders_fault_and_one_that_fails_the_disks)
{
    struct entry_envelope envelope = {.id = "0f-1"};
    struct buffer line;
    uint64_t size;
    int fd = memfd_create("content", MFD_CLOEXEC);
    buffer_init(&line, SIZE_MAX);
    for (int html = 0; html < 2; html++) {
        struct loader_mail mail = {.struct_size = sizeof mail, .html = forbidden};
        *(html ? &mail.html_file : &mail.message_body_file) = broken_file(_i);
        struct loader_item item = item_of(&mail, 1);
        if (!html)
            mail.html = NULL;
        ck_assert_int_eq(entry_content_file(&item, QUEUE_CONTENT_MAX, fd, &size, &err), -1);
        ck_assert_msg(err.class == broken[_i].class && strstr(err.text, broken[_i].says) != NULL,
                      "%d: %s", err.class, err.text);
        memset(&err, 0, sizeof err);
        ck_assert_int_eq(entry_write_item(&item, &envelope, gather, &line, &err), -1);
        ck_assert_msg(err.class == broken[_i].class, "%d: %s", err.class, err.text);
        if (_i != FILE_CLOSED && _i != FILE_NONE)
            close(html ? mail.html_file.fd : mail.message_body_file.fd);
    }
    buffer_done(&line);
    close(fd);
}
END_TEST

START_TEST(content_whose_file_cannot_be_written_is_the_disks_fault)
{
    struct both both;
    uint64_t size;
    both_init(&both, text_of(0, 0, 100000));
    struct loader_item item = item_of(&both.filed, 1);
    int full = open("/dev/full", O_RDWR | O_CLOEXEC),
        null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(entry_content_file(&item, QUEUE_CONTENT_MAX, full, &size, &err), -1);
    ck_assert_int_eq(err.class, ERROR_STORE);
    ck_assert_int_eq(entry_content_file(&item, QUEUE_CONTENT_MAX, null, &size, &err), -1);
    ck_assert_int_eq(err.class, ERROR_STORE);
    close(full);
    close(null);
    both_done(&both);
}
END_TEST

/* ---- The pump -------------------------------------------------------------------------------- */

static struct queue_fixture f;
static struct pump pump;

static struct {
    struct loader_item items[4];
    uint32_t count, handed, settled[3];
} script;

static enum loader_next script_next(void *handle, const struct loader_item **out_item,
                                    struct loader_error *why)
{
    (void)handle;
    (void)why;
    if (script.handed == script.count)
        return LOADER_NEXT_DRAINED;
    *out_item = &script.items[script.handed++];
    return LOADER_NEXT_ITEM;
}

static int script_settle(void *handle, const uint64_t *tokens, uint64_t count, uint32_t fate,
                         struct loader_error *why)
{
    (void)handle;
    (void)tokens;
    (void)why;
    script.settled[fate] += (uint32_t)count;
    return 0;
}

static const struct loader_plugin script_plugin = {LOADER_PLUGIN_HEAD, .name = "Script",
                                                   .next = script_next, .settle = script_settle};

/* A pick-up of these mails, UIDs 1 and so on. */
static int pick_up(const struct loader_mail *const *mails, uint32_t count)
{
    memset(&script, 0, sizeof script);
    for (uint32_t i = 0; i < count; i++)
        script.items[i] = item_of(mails[i], i + 1);
    script.count = count;
    pump = (struct pump){.plugin = &script_plugin,
                         .handle = &script,
                         .queue = f.queue,
                         .clock = &f.clock,
                         .queue_name = "default",
                         .source = "script",
                         .cancel_fd = -1};
    return pump_run(&pump, &err);
}

static struct queue_entry *entry_of(uint32_t uid)
{
    struct queue_origin origin = {"Script", "ann@h", "INBOX", 7, uid, NULL};
    char key[QUEUE_KEY_MAX], id[QUEUE_ID_TEXT];
    struct queue_entry *entry = NULL;
    ck_assert_int_eq(queue_origin_key(&origin, key, NULL), 0);
    queue_entry_id(key, id);
    ck_well(&f, queue_get(f.queue, id, &entry, &f.err));
    return entry;
}

static const size_t pump_sizes[] = {1, 65536, QUEUE_SQLITE_PIECE / 2 - 300, QUEUE_SQLITE_PIECE,
                                    LARGE};
enum { PUMP_SIZES = sizeof pump_sizes / sizeof pump_sizes[0] };

START_TEST(a_mail_picked_up_is_the_same_entry_whether_its_text_lies_in_memory_or_in_a_file)
{
    queue_fixture_init(&f, _i / PUMP_SIZES);
    struct both both;
    both_init(&both, text_of(2, 1, pump_sizes[_i % PUMP_SIZES]));
    const struct loader_mail *const mails[] = {&both.memory, &both.filed};
    ck_well(&f, pick_up(mails, 2));
    ck_assert_uint_eq(script.settled[LOADER_FATE_QUEUED], 2);
    AUTO(queue_entry) memory = entry_of(1);
    AUTO(queue_entry) filed = entry_of(2);
    ck_assert_uint_eq(memory->content_size, filed->content_size);
    ck_assert(memcmp(memory->content, filed->content, memory->content_size + 1) == 0);
    ck_assert(memory->state == QUEUE_NEW && filed->state == QUEUE_NEW);
    both_done(&both);
    queue_fixture_done(&f);
}
END_TEST

START_TEST(html_that_no_queue_takes_is_left_out_and_told)
{
    queue_fixture_init(&f, QUEUE_FIXTURE_SQLITE);
    struct loader_mail mail = {
        .struct_size = sizeof mail, .message_body = "short", .html = forbidden};
    const struct loader_mail *const mails[] = {&mail};
    mail.html_file.size = QUEUE_CONTENT_MAX;
    mail.html_file.fd = memfd_create("html", MFD_CLOEXEC);
    ck_assert_int_eq(ftruncate(mail.html_file.fd, QUEUE_CONTENT_MAX), 0);
    ck_well(&f, pick_up(mails, 1));
    AUTO(queue_entry) entry = entry_of(1);
    ck_assert_ptr_nonnull(strstr(entry->content, "\"message_body\":\"short\",\"html\":null"));
    ck_assert_ptr_nonnull(strstr(entry->content, "html left out"));
    close(mail.html_file.fd);
    queue_fixture_done(&f);
}
END_TEST

/* Nothing became of it, and all is well with it once the fault is gone. */
static void check_nobody_blamed(struct both *both)
{
    const struct loader_mail *const mails[] = {&both->filed};
    ck_assert(script.settled[LOADER_FATE_QUEUED] == 0 && script.settled[LOADER_FATE_BAD] == 0);
    ck_assert_uint_eq(queue_fixture_count(&f), 0);
    ck_well(&f, pick_up(mails, 1));
    AUTO(queue_entry) entry = entry_of(1);
    ck_assert_int_eq(entry->state, QUEUE_NEW);
    ck_assert_uint_eq(script.settled[LOADER_FATE_QUEUED], 1);
}

START_TEST(a_text_that_cannot_be_read_ends_the_run_and_sets_no_mail_aside)
{
    queue_fixture_init(&f, _i / FILES);
    struct both both;
    both_init(&both, text_of(0, 0, 100000));
    struct loader_mail mail = both.filed;
    const struct loader_mail *const mails[] = {&mail};
    mail.html_file = broken_file(_i % FILES);
    ck_assert_int_eq(pick_up(mails, 1), -1);
    ck_assert_int_eq(err.class, broken[_i % FILES].class);
    check_nobody_blamed(&both);
    both_done(&both);
    queue_fixture_done(&f);
}
END_TEST

static void limit_files(rlim_t most)
{
    struct rlimit limit;
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = most;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_spool_folder_that_takes_no_more_is_the_disks_fault_and_sets_no_mail_aside)
{
    queue_fixture_init(&f, _i);
    struct both both;
    both_init(&both, text_of(0, 0, 200000));
    const struct loader_mail *const mails[] = {&both.filed};
    limit_files(150000);
    ck_assert_int_eq(pick_up(mails, 1), -1);
    limit_files(RLIM_INFINITY);
    ck_assert_int_eq(err.class, ERROR_STORE);
    ck_assert_ptr_nonnull(strstr(err.text, "content cannot be written: File too large"));
    check_nobody_blamed(&both);
    both_done(&both);
    queue_fixture_done(&f);
}
END_TEST

/* A thousand attachments with names of their own: some 600 kB of content without a text. */
static struct loader_mail mail_of_many(struct loader_attachment *attachments, uint64_t count)
{
    static char id[600];
    memset(id, 'i', sizeof id - 1);
    for (uint64_t i = 0; i < count; i++)
        attachments[i] = (struct loader_attachment){
            .filename = "a.pdf", .content_type = "application/pdf", .content_id = id};
    return (struct loader_mail){.struct_size = sizeof(struct loader_mail),
                                .attachments = attachments,
                                .attachment_count = count,
                                .message_body_file = {.fd = -1},
                                .html_file = {.fd = -1}};
}

START_TEST(much_content_goes_through_a_file_whatever_it_is_made_of)
{
    static struct loader_attachment attachments[1000];
    const struct loader_mail mail = mail_of_many(attachments, 1000);
    const struct loader_mail *const mails[] = {&mail};
    const struct loader_item item = item_of(&mail, 1);
    struct buffer want;
    buffer_init(&want, QUEUE_CONTENT_MAX);
    ck_assert_int_eq(entry_content_text(&item, &want, &err), 0);
    ck_assert_uint_gt(loader_mail_memory(&mail), PUMP_CONTENT_MEMORY);
    queue_fixture_init(&f, _i);
    limit_files(150000);
    ck_assert_int_eq(pick_up(mails, 1), -1);
    limit_files(RLIM_INFINITY);
    ck_assert_ptr_nonnull(strstr(err.text, "content cannot be written: File too large"));
    ck_well(&f, pick_up(mails, 1));
    AUTO(queue_entry) entry = entry_of(1);
    ck_assert_uint_eq(entry->content_size, want.len);
    ck_assert(memcmp(entry->content, want.data, want.len) == 0);
    queue_fixture_done(&f);
    buffer_done(&want);
}
END_TEST

START_TEST(a_spool_folder_that_is_gone_is_named)
{
    queue_fixture_init(&f, QUEUE_FIXTURE_SQLITE);
    struct both both;
    both_init(&both, text_of(0, 0, 200000));
    const struct loader_mail *const mails[] = {&both.filed};
    ck_assert_int_eq(rmdir(queue_spool_dir(f.queue)), 0);
    ck_assert_int_eq(pick_up(mails, 1), -1);
    ck_assert_int_eq(err.class, ERROR_STORE);
    ck_assert_ptr_nonnull(strstr(err.text, queue_spool_dir(f.queue)));
    ck_assert_int_eq(mkdir(queue_spool_dir(f.queue), 0700), 0);
    check_nobody_blamed(&both);
    both_done(&both);
    queue_fixture_done(&f);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("texts in files");
    TCase *entries = tcase_create("entries");
    tcase_set_timeout(entries, 120);
    tcase_add_checked_fixture(entries, setup, NULL);
    tcase_add_loop_test(entries, text_in_a_file_makes_the_entry_that_text_in_memory_makes, 0,
                        UNITS);
    tcase_add_test(entries, ten_megabytes_in_a_file_make_the_same_entry_in_small_pieces);
    tcase_add_test(entries, one_text_may_lie_in_a_file_and_the_other_in_memory);
    tcase_add_test(entries, content_too_large_loses_html_then_text_at_the_same_byte_as_in_memory);
    tcase_add_test(entries, a_nul_in_a_file_becomes_a_mark_and_ends_no_text);
    tcase_add_loop_test(
        entries, a_file_that_is_not_as_told_is_its_loaders_fault_and_one_that_fails_the_disks, 0,
        FILES);
    tcase_add_test(entries, content_whose_file_cannot_be_written_is_the_disks_fault);
    suite_add_tcase(all, entries);
    TCase *pumps = tcase_create("pump");
    tcase_set_timeout(pumps, 120);
    tcase_add_checked_fixture(pumps, setup, NULL);
    tcase_add_loop_test(
        pumps, a_mail_picked_up_is_the_same_entry_whether_its_text_lies_in_memory_or_in_a_file, 0,
        QUEUE_FIXTURE_KINDS * PUMP_SIZES);
    tcase_add_test(pumps, html_that_no_queue_takes_is_left_out_and_told);
    tcase_add_loop_test(pumps, a_text_that_cannot_be_read_ends_the_run_and_sets_no_mail_aside, 0,
                        QUEUE_FIXTURE_KINDS * FILES);
    tcase_add_loop_test(pumps,
                        a_spool_folder_that_takes_no_more_is_the_disks_fault_and_sets_no_mail_aside,
                        0, QUEUE_FIXTURE_KINDS);
    tcase_add_loop_test(pumps, much_content_goes_through_a_file_whatever_it_is_made_of, 0, 2);
    tcase_add_test(pumps, a_spool_folder_that_is_gone_is_named);
    suite_add_tcase(all, pumps);
    return all;
}

CHECK_MAIN(suite)
