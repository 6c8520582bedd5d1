/* SPDX-License-Identifier: Apache-2.0 */
/* loader-item-test.c - what stands between the contract and our modules: old and new hosts, errors,
 * items that own what they point to, parse(). */
#include <config.h>
#include "check-main.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader-item.h"

#define NOBODY ((struct loader_host){.struct_size = sizeof(struct loader_host), \
                                     .api_version = LOADER_API_VERSION})

/* ---- Errors ---------------------------------------------------------------------------------- */

START_TEST(an_error_reaches_no_further_than_the_host_made_room)
{
    struct error err;
    error_set(&err, ERROR_PAUSE, "come back later");
    err.pause_s = 17;
    for (uint32_t size = 4; size <= sizeof(struct loader_error); size += 4) {
        uint8_t *room = malloc(size); /* exact: one byte too far is seen */
        struct loader_error *out = (struct loader_error *)(void *)room;
        out->struct_size = size;
        ck_assert_int_eq(loader_error_from(&err, out), -1);
        ck_assert_uint_eq(out->struct_size, size);
        if (size >= 8)
            ck_assert_uint_eq(out->error_class, LOADER_ERROR_PAUSE);
        if (size >= 12)
            ck_assert_uint_eq(out->pause_s, 17);
        if (size >= 16)
            ck_assert_ptr_nonnull(memchr(room + 12, '\0', size - 12));
        free(room);
    }
}
END_TEST

START_TEST(an_error_goes_over_whole_and_nowhere_when_nobody_listens)
{
    struct error err;
    struct loader_error out = {.struct_size = sizeof out};
    error_set(&err, ERROR_CREDENTIALS, "refused");
    ck_assert_int_eq(loader_error_from(&err, &out), -1);
    ck_assert_uint_eq(out.error_class, LOADER_ERROR_CREDENTIALS);
    ck_assert_str_eq(out.text, "refused");
    ck_assert_int_eq(loader_error_from(&err, NULL), -1);
    ck_assert_int_eq(loader_error_from(NULL, &out), -1);
}
END_TEST

/* ---- Host ------------------------------------------------------------------------------------ */

struct told {
    unsigned logs, notes, known, cancelled;
    char line[256];
    int fail;
};

static void told_log(void *context, uint32_t level, const char *text)
{
    struct told *told = context;
    told->logs += level == LOADER_LOG_WARNING;
    snprintf(told->line, sizeof told->line, "%s", text);
}

static int told_cancelled(void *context)
{
    return ((struct told *)context)->cancelled != 0;
}

static int told_known(void *context, struct loader_record *records, uint64_t count,
                      struct loader_error *err)
{
    struct told *told = context;
    told->known += (unsigned)count;
    for (uint64_t i = 0; i < count; i++)
        records[i].step = LOADER_STEP_STORED;
    if (told->fail == 0)
        return 0;
    err->error_class = LOADER_ERROR_STORE;
    snprintf(err->text, sizeof err->text, "disk full");
    return -1;
}

static int64_t told_unix_s(void *context)
{
    (void)context;
    return 42;
}

START_TEST(an_older_hosts_shorter_table_is_filled_up_with_nothing)
{
    size_t size = offsetof(struct loader_host, known);
    struct loader_host whole = NOBODY, copy;
    whole.log = told_log;
    whole.spool_dir = "/spool";
    whole.struct_size = (uint32_t)size;
    void *theirs = malloc(size); /* exact: a look behind its end is seen */
    memcpy(theirs, &whole, size);
    ck_assert_int_eq(loader_host_copy(theirs, &copy, NULL), 0);
    free(theirs);
    ck_assert(copy.log == told_log);
    ck_assert_str_eq(copy.spool_dir, "/spool");
    ck_assert(copy.known == NULL && copy.note == NULL && copy.progress == NULL);
}
END_TEST

START_TEST(a_newer_hosts_longer_table_is_read_as_far_as_it_is_known)
{
    struct {
        struct loader_host host;
        void *later[4];
    } theirs = {.host = NOBODY};
    theirs.host.struct_size = sizeof theirs;
    theirs.host.log = told_log;
    struct {
        struct loader_host copy;
        uint8_t guard[32];
    } ours;
    memset(&ours, 0xAA, sizeof ours);
    memset(theirs.later, 0x55, sizeof theirs.later);
    ck_assert_int_eq(loader_host_copy(&theirs.host, &ours.copy, NULL), 0);
    ck_assert(ours.copy.log == told_log);
    for (size_t i = 0; i < sizeof ours.guard; i++)
        ck_assert_uint_eq(ours.guard[i], 0xAA);
}
END_TEST

START_TEST(a_host_of_another_contract_is_refused_and_none_is_fine)
{
    struct loader_host theirs = NOBODY, copy;
    struct error err = {0};
    theirs.api_version = 2;
    ck_assert_int_eq(loader_host_copy(&theirs, &copy, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "version 1"));
    theirs = (struct loader_host){.struct_size = 4};
    ck_assert_int_eq(loader_host_copy(&theirs, &copy, &err), -1);
    ck_assert_int_eq(loader_host_copy(NULL, &copy, &err), 0);
    ck_assert(copy.log == NULL);
}
END_TEST

START_TEST(a_host_without_functions_is_served_with_the_stated_fallbacks)
{
    struct loader_host host = NOBODY;
    struct loader_record record = {.origin = {.key = "k"}, .step = LOADER_STEP_STORED,
                                   .attempts = 7};
    struct error err = {0};
    size_t count = 99;
    loader_host_log(&host, LOADER_LOG_ERROR, "nobody reads %d", 1);
    loader_host_progress(&host, 5);
    ck_assert(!loader_host_cancelled(&host, &err));
    ck_assert_int_eq(loader_host_known(&host, &record, 1, &err), 0);
    ck_assert_uint_eq(record.step, LOADER_STEP_UNKNOWN);
    ck_assert_uint_eq(record.attempts, 0);
    ck_assert_str_eq(record.origin.key, "k");
    ck_assert_int_eq(loader_host_note(&host, &record, 1, &err), 0);
    ck_assert_int_eq(loader_host_unsettled(&host, "a", "m", NULL, &record, 1, &count, &err), 0);
    ck_assert_uint_eq(count, 0);
    struct clock clock = loader_host_clock(&host);
    ck_assert_int_gt(clock_unix_s(&clock), 1700000000);
    ck_assert_uint_gt(clock_monotonic_ms(&clock), 0);
}
END_TEST

START_TEST(the_hosts_functions_are_called_and_their_failures_passed_on)
{
    struct told told = {0};
    struct loader_host host = NOBODY;
    host.context = &told;
    host.log = told_log;
    host.cancelled = told_cancelled;
    host.known = told_known;
    host.unix_s = told_unix_s;
    struct loader_record record = {.origin = {.key = "k"}};
    struct error err = {0};
    loader_host_log(&host, LOADER_LOG_WARNING, "one\nline %d", 1);
    ck_assert_uint_eq(told.logs, 1);
    ck_assert_str_eq(told.line, "one\\x0Aline 1");
    ck_assert_int_eq(loader_host_known(&host, &record, 1, &err), 0);
    ck_assert_uint_eq(record.step, LOADER_STEP_STORED);
    told.fail = 1;
    ck_assert_int_eq(loader_host_known(&host, &record, 1, &err), -1);
    ck_assert_int_eq((int)err.class, ERROR_STORE);
    ck_assert_str_eq(err.text, "disk full");
    told.cancelled = 1;
    ck_assert(loader_host_cancelled(&host, &err));
    ck_assert_int_eq((int)err.class, ERROR_CANCELLED);
    struct clock clock = loader_host_clock(&host);
    ck_assert_int_eq(clock_unix_s(&clock), 42);
    ck_assert_uint_gt(clock_monotonic_ms(&clock), 0);
}
END_TEST

/* ---- Items ----------------------------------------------------------------------------------- */

static const char mail_text[] = "From: Ann Lee <ann@example.org>\r\n"
                                "To: a@example.com, Bob <b@example.com>\r\n"
                                "Subject: two files\r\n"
                                "References: <1@example.org> <2@example.org>\r\n"
                                "MIME-Version: 1.0\r\n"
                                "Content-Type: multipart/mixed; boundary=x\r\n\r\n"
                                "--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
                                "--x\r\nContent-Type: application/pdf; name=a.pdf\r\n"
                                "Content-Disposition: attachment\r\n\r\none\r\n"
                                "--x\r\nContent-Type: application/pdf; name=b.pdf\r\n"
                                "Content-Disposition: attachment\r\n\r\ntwo!\r\n"
                                "--x--\r\n";

static int file_with(const char *text, size_t size)
{
    int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, size), (ssize_t)size);
    return fd;
}

struct sunk {
    char bytes[3][16];
    size_t count[3];
    int stop;
};

static int sunk_take(void *context, uint32_t ordinal, const uint8_t *bytes, uint64_t count)
{
    struct sunk *sunk = context;
    ck_assert_uint_lt(ordinal, 3);
    ck_assert_uint_le(sunk->count[ordinal] + count, sizeof sunk->bytes[0]);
    if (count > 0)
        memcpy(sunk->bytes[ordinal] + sunk->count[ordinal], bytes, count);
    sunk->count[ordinal] += count;
    return sunk->stop;
}

START_TEST(a_parsed_file_becomes_a_whole_item)
{
    struct loader_host host = NOBODY;
    struct mail_options options = {0};
    AUTO(loader_item_box) box = NULL;
    AUTO_FD fd = file_with(mail_text, sizeof mail_text - 1);
    struct error err = {0};
    ck_assert_msg(loader_parse(&host, &options, fd, NULL, &box, &err) == 0, "%s", err.text);
    const struct loader_item *item = loader_item_of(box);
    ck_assert_uint_eq(item->struct_size, sizeof *item);
    ck_assert_uint_eq(item->token, 1);
    ck_assert_str_eq(item->item_class, "Mail");
    ck_assert_ptr_null(item->error);
    ck_assert_uint_eq(item->origin.uid, 0);
    ck_assert_uint_eq(strlen(item->origin.key), 64);
    ck_assert_uint_eq(item->raw_size, sizeof mail_text - 1);
    ck_assert_mem_eq(item->raw_bytes, mail_text, sizeof mail_text - 1);
    ck_assert_int_eq(item->raw_fd, -1);
    char hex[65];
    for (size_t i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", item->raw_sha256[i]);
    ck_assert_str_eq(item->origin.key, hex);
    const struct loader_mail *mail = item->mail;
    ck_assert_uint_eq(mail->struct_size, sizeof *mail);
    ck_assert_str_eq(mail->subject, "two files");
    ck_assert_uint_eq(mail->from_list.count, 1);
    ck_assert_str_eq(mail->from_list.items[0].name, "Ann Lee");
    ck_assert_str_eq(mail->from_list.items[0].address, "ann@example.org");
    ck_assert_uint_eq(mail->to_list.count, 2);
    ck_assert_str_eq(mail->to_list.items[1].address, "b@example.com");
    ck_assert_uint_eq(mail->references.count, 2);
    ck_assert_str_eq(mail->references.items[1], "2@example.org");
    ck_assert_uint_eq(mail->attachment_count, 2);
    ck_assert_str_eq(mail->attachments[1].filename, "b.pdf");
    ck_assert_str_eq(mail->attachments[1].content_type, "application/pdf");
    ck_assert_uint_eq(mail->attachments[1].size, 4);
}
END_TEST

START_TEST(a_sink_gets_the_bytes_of_each_attachment_and_can_stop)
{
    struct loader_host host = NOBODY;
    struct mail_options options = {0};
    struct sunk sunk = {0};
    struct loader_sink sink = {.struct_size = sizeof sink, .context = &sunk,
                               .attachment = sunk_take};
    AUTO(loader_item_box) box = NULL;
    AUTO(loader_item_box) none = NULL;
    AUTO_FD fd = file_with(mail_text, sizeof mail_text - 1);
    struct error err = {0};
    ck_assert_int_eq(loader_parse(&host, &options, fd, &sink, &box, &err), 0);
    ck_assert_uint_eq(sunk.count[1], 3);
    ck_assert_mem_eq(sunk.bytes[1], "one", 3);
    ck_assert_uint_eq(sunk.count[2], 4);
    ck_assert_mem_eq(sunk.bytes[2], "two!", 4);
    sunk = (struct sunk){.stop = 1};
    ck_assert_int_eq(loader_parse(&host, &options, fd, &sink, &none, &err), -1);
    ck_assert_int_eq((int)err.class, ERROR_CANCELLED);
}
END_TEST

START_TEST(a_pipe_is_read_to_its_end)
{
    struct loader_host host = NOBODY;
    struct mail_options options = {0};
    AUTO(loader_item_box) box = NULL;
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], mail_text, sizeof mail_text - 1),
                     (ssize_t)sizeof mail_text - 1);
    close(ends[1]);
    ck_assert_int_eq(loader_parse(&host, &options, ends[0], NULL, &box, NULL), 0);
    ck_assert_uint_eq(loader_item_of(box)->raw_size, sizeof mail_text - 1);
    close(ends[0]);
}
END_TEST

START_TEST(a_large_message_is_handed_out_as_a_file)
{
    struct loader_host host = NOBODY;
    struct mail_options options = {0};
    AUTO(loader_item_box) box = NULL;
    char *text = malloc(SPOOL_MEMORY_MAX + 1);
    memset(text, '\n', SPOOL_MEMORY_MAX + 1);
    memcpy(text, mail_text, sizeof mail_text - 1);
    AUTO_FD fd = file_with(text, SPOOL_MEMORY_MAX + 1);
    ck_assert_int_eq(loader_parse(&host, &options, fd, NULL, &box, NULL), 0);
    const struct loader_item *item = loader_item_of(box);
    ck_assert_ptr_null(item->raw_bytes);
    ck_assert_int_ge(item->raw_fd, 0);
    ck_assert_uint_eq(item->raw_size, SPOOL_MEMORY_MAX + 1);
    free(text);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_fails_for_this_item_only)
{
    struct loader_host host = NOBODY;
    struct mail_options options = {0};
    AUTO(loader_item_box) box = NULL;
    AUTO_FD fd = open("/tmp", O_RDONLY | O_DIRECTORY);
    struct error err = {0};
    ck_assert_int_eq(loader_parse(&host, &options, fd, NULL, &box, &err), -1);
    ck_assert_int_eq((int)err.class, ERROR_MAIL);
}
END_TEST

START_TEST(a_host_that_wants_to_stop_ends_the_reading)
{
    struct told told = {.cancelled = 1};
    struct loader_host host = NOBODY;
    host.context = &told;
    host.cancelled = told_cancelled;
    struct mail_options options = {0};
    AUTO(loader_item_box) box = NULL;
    AUTO_FD fd = file_with(mail_text, sizeof mail_text - 1);
    struct error err = {0};
    ck_assert_int_eq(loader_parse(&host, &options, fd, NULL, &box, &err), -1);
    ck_assert_int_eq((int)err.class, ERROR_CANCELLED);
}
END_TEST

START_TEST(an_item_without_mail_tells_why_and_how_large_it_was)
{
    struct loader_item_parts parts = {.token = 9, .account = "ann@h", .mailbox = "INBOX", .uid = 7,
                                      .uidvalidity = 3, .error = "too large", .raw_size = 1000};
    AUTO(loader_item_box) box = NULL;
    ck_assert_int_eq(loader_item_new(&parts, &box, NULL), 0);
    const struct loader_item *item = loader_item_of(box);
    ck_assert(item->mail == NULL && item->raw_bytes == NULL && item->raw_fd == -1);
    ck_assert_str_eq(item->error, "too large");
    ck_assert_uint_eq(item->raw_size, 1000);
    ck_assert_uint_eq(item->origin.uid, 7);
    ck_assert_str_eq(item->origin.account, "ann@h");
    ck_assert_ptr_null(item->origin.key);
}
END_TEST

START_TEST(every_key_that_may_be_given_is_described)
{
    static const struct connection_key keys[] = {
        {"a", CONNECTION_TEXT, 0, .required = true, .help = "text"},
        {"b", CONNECTION_REFUSED, .help = "not here"},
        {"c", CONNECTION_CHOICE, 0, .default_value = "X", .choices = "X|Y", .help = "choice"},
        {"d", CONNECTION_TEXT, 0, .choices = "1|2", .help = "also a choice"},
    };
    struct loader_option options[2];
    ck_assert_uint_eq(loader_options_from(keys, 4, options, 2), 3);
    ck_assert_str_eq(options[0].key, "a");
    ck_assert_str_eq(options[0].type, "text");
    ck_assert_uint_eq(options[0].required, 1);
    ck_assert_str_eq(options[1].key, "c");
    ck_assert_str_eq(options[1].type, "choice");
    ck_assert_str_eq(options[1].choices, "X|Y");
    ck_assert_str_eq(options[1].default_value, "X");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("loader-item");
    TCase *t = tcase_create("loader-item");
    tcase_add_test(t, an_error_reaches_no_further_than_the_host_made_room);
    tcase_add_test(t, an_error_goes_over_whole_and_nowhere_when_nobody_listens);
    tcase_add_test(t, an_older_hosts_shorter_table_is_filled_up_with_nothing);
    tcase_add_test(t, a_newer_hosts_longer_table_is_read_as_far_as_it_is_known);
    tcase_add_test(t, a_host_of_another_contract_is_refused_and_none_is_fine);
    tcase_add_test(t, a_host_without_functions_is_served_with_the_stated_fallbacks);
    tcase_add_test(t, the_hosts_functions_are_called_and_their_failures_passed_on);
    tcase_add_test(t, a_parsed_file_becomes_a_whole_item);
    tcase_add_test(t, a_sink_gets_the_bytes_of_each_attachment_and_can_stop);
    tcase_add_test(t, a_pipe_is_read_to_its_end);
    tcase_add_test(t, a_large_message_is_handed_out_as_a_file);
    tcase_add_test(t, a_file_that_cannot_be_read_fails_for_this_item_only);
    tcase_add_test(t, a_host_that_wants_to_stop_ends_the_reading);
    tcase_add_test(t, an_item_without_mail_tells_why_and_how_large_it_was);
    tcase_add_test(t, every_key_that_may_be_given_is_described);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
