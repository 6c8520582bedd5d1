/* SPDX-License-Identifier: Apache-2.0 */
/* imap-window-test.c - what mails are taken apart to is kept in so much memory of a window, however
 * many addresses, references and attachments they have; and it is the same when they are taken
 * apart a second time. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "imap-window.h"

#define FIELDS 990u
#define MAILS 60u /* of 4 kB: as many as a window holds */

static struct error err;
static const struct mail_options options = {.attach_html = true, .sanitize = true};
static bool stopped;

static bool is_stopped(void *context)
{
    (void)context;
    return stopped;
}

static const struct imap_host host = {.cancelled = is_stopped};

static void append(struct buffer *b, const char *text)
{
    ck_assert_int_eq(buffer_append(b, text, strlen(text)), 0);
}

/* Addresses, names for every third; references; and as many attachments where @attached. */
static void write_mail(struct buffer *b, bool attached, size_t text)
{
    char line[80];
    buffer_clear(b);
    append(b, "Subject: many\r\nFrom: Ann <ann@example.org>\r\nAuto-Submitted: auto-replied\r\n"
              "Content-Type: multipart/mixed; boundary=q\r\nTo: x@y");
    for (unsigned i = 0; i < FIELDS; i++) {
        const char *fold = i % 30 == 0 ? "\r\n" : "";
        if (i % 3 == 0)
            (void)snprintf(line, sizeof line, ",%s N%u <a%u@b>", fold, i, i);
        else
            (void)snprintf(line, sizeof line, ",%s a%u@b", fold, i);
        append(b, line);
    }
    append(b, "\r\nReferences:");
    for (unsigned i = 0; i < FIELDS / 10; i++) {
        (void)snprintf(line, sizeof line, "%s <r%u@b>", i % 30 == 0 ? "\r\n" : "", i);
        append(b, line);
    }
    append(b, "\r\n\r\n--q\r\n\r\n");
    for (size_t from = b->len; b->len - from < text;)
        append(b, "The printer prints nothing.\r\n");
    append(b, "--q\r\nContent-Type: text/html\r\n\r\n<p>It <b>prints</b>.\r\n");
    for (unsigned i = 0; attached && i < FIELDS; i++) {
        (void)snprintf(line, sizeof line,
                       "--q\r\nContent-Type: a/b\r\nContent-ID: <c@d>\r\n\r\n%u\r\n", i);
        append(b, line);
    }
    append(b, "--q--\r\n");
}

/* It comes, of @told bytes as the server said. */
static void receive(struct imap_entry *entry, const struct buffer *b, uint64_t told)
{
    struct imap_body body = {.max_size = UINT64_MAX, .options = options};
    struct span all = {(const uint8_t *)b->data, b->len};
    *entry = (struct imap_entry){.uid = 7, .size = told};
    ck_assert_int_eq(imap_body_start(&body, b->len, true, &err), 0);
    ck_assert_int_eq(imap_body_bytes(&body, all, &err), 0);
    ck_assert_int_eq(imap_body_end(&body, &err), 0);
    ck_assert_int_eq(imap_body_give(&body, entry, &err), 0);
    ck_assert(entry->complete && entry->mail != NULL);
}

static void check_addresses(const struct mail *mail)
{
    char name[20], address[20];
    ck_assert_uint_eq(mail->to_list.count, FIELDS + 1);
    for (unsigned i = 0; i < FIELDS; i++) {
        const struct mail_address *got = &mail->to_list.items[i + 1];
        (void)snprintf(name, sizeof name, "N%u", i);
        (void)snprintf(address, sizeof address, "a%u@b", i);
        ck_assert_str_eq(got->address, address);
        if (i % 3 == 0)
            ck_assert_str_eq(got->name, name);
        else
            ck_assert_ptr_null(got->name);
    }
}

static void check_mail(const struct mail *mail, bool attached)
{
    char id[40];
    check_addresses(mail);
    ck_assert_uint_eq(mail->references.count, FIELDS / 10);
    for (unsigned i = 0; i < FIELDS / 10; i++) {
        (void)snprintf(id, sizeof id, "r%u@b", i);
        ck_assert_str_eq(mail->references.items[i], id);
    }
    ck_assert_uint_eq(mail->attachment_count, (attached ? FIELDS : 0) + 1);
    for (size_t i = 0; i + 1 < mail->attachment_count; i++) {
        ck_assert_str_eq(mail->attachments[i].content_type, "a/b");
        ck_assert_str_eq(mail->attachments[i].content_id, "c@d");
        ck_assert_ptr_null(mail->attachments[i].disposition);
        (void)snprintf(id, sizeof id, "noname%zu", i + 1);
        ck_assert_int_eq(strncmp(mail->attachments[i].filename, id, strlen(id)), 0);
    }
}

static void check_same_text(const char *a, const char *b)
{
    ck_assert((a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0));
}

/* What two parses of the same bytes say. */
static void check_same(const struct mail *a, const struct mail *b)
{
    check_same_text(a->sender, b->sender);
    check_same_text(a->recipient, b->recipient);
    check_same_text(a->subject, b->subject);
    check_same_text(a->message_body, b->message_body);
    check_same_text(a->html, b->html);
    ck_assert(a->flags == b->flags && a->problems.count == b->problems.count);
    ck_assert_uint_eq(a->attachment_count, b->attachment_count);
    for (size_t i = 0; i < a->attachment_count; i++) {
        const struct mail_attachment *x = &a->attachments[i], *y = &b->attachments[i];
        check_same_text(x->filename, y->filename);
        ck_assert(x->size == y->size && memcmp(x->sha256, y->sha256, sizeof x->sha256) == 0);
    }
}

START_TEST(short_texts_take_little_more_than_their_bytes)
{
    struct imap_entry entry;
    struct buffer b;
    buffer_init(&b, 1u << 20);
    write_mail(&b, _i == 1, 100);
    receive(&entry, &b, b.len);
    check_mail(entry.mail, _i == 1);
    /* malloc() alone would take 32 bytes for each of 1,400 or 4,400 texts */
    size_t structs = (FIELDS + 1) * sizeof(struct mail_address) +
                     entry.mail->attachment_count * sizeof(struct mail_attachment);
    ck_assert_uint_le(mail_memory(entry.mail), structs + 2 * b.len);
    imap_entry_done(&entry);
    buffer_done(&b);
}
END_TEST

static const struct window_row {
    const char *what;
    bool attached;
    size_t text;
    unsigned count;
    uint64_t others;
} rows[] = {
    {"addresses, in memory", false, 100, MAILS, 0},
    {"attachments, too", true, 100, 9, 500000},
    {"the raw bytes lie in files", true, 300000, 5, 1000000},
};

/* How many were forgotten; what all that were not take is counted in @out_kept. */
static unsigned keep_all(const struct window_row *row, struct imap_entry *entries,
                         const struct buffer *b, size_t *out_kept)
{
    struct imap_window window = {.entries = entries, .count = row->count};
    unsigned forgotten = 0;
    *out_kept = 0;
    for (unsigned i = 0; i < row->count; i++) {
        receive(&entries[i], b, b->len);
        imap_window_keep(&window, row->others, &entries[i]);
        ck_assert_int_eq(entries[i].apart_later, entries[i].mail == NULL);
        forgotten += entries[i].apart_later;
        *out_kept += entries[i].mail != NULL ? mail_memory(entries[i].mail) : 0;
    }
    return forgotten;
}

START_TEST(a_window_keeps_so_much_of_what_mails_were_taken_apart_to_and_takes_the_rest_apart_again)
{
    const struct window_row *row = &rows[_i];
    static struct imap_entry entries[MAILS];
    struct buffer b;
    size_t kept;
    buffer_init(&b, 1u << 20);
    write_mail(&b, row->attached, row->text);
    unsigned forgotten = keep_all(row, entries, &b, &kept);
    ck_assert_msg(forgotten > 0 && forgotten < row->count, "%s: %u", row->what, forgotten);
    ck_assert_uint_le(kept + row->others, IMAP_WINDOWS_PARSED);
    for (unsigned i = 0; i < row->count; i++) {
        ck_assert_int_eq(imap_entry_part(&entries[i], &options, &host, &err), 0);
        ck_assert(!entries[i].apart_later);
        check_mail(entries[i].mail, row->attached);
        ck_assert_uint_eq(entries[i].mail->problems.count, 0);
        check_same(entries[i].mail, entries[0].mail); /* which was kept */
    }
    for (unsigned i = 0; i < row->count; i++)
        imap_entry_done(&entries[i]);
    buffer_done(&b);
}
END_TEST

/* One comes while @others are kept: is it kept, too? */
static bool is_kept(uint64_t others, bool attached, size_t text)
{
    struct imap_entry entry;
    struct imap_window window = {.entries = &entry, .count = 1};
    struct buffer b;
    buffer_init(&b, 1u << 20);
    write_mail(&b, attached, text);
    receive(&entry, &b, b.len);
    imap_window_keep(&window, others, &entry);
    bool kept = entry.mail != NULL;
    ck_assert_uint_eq(window.parsed, kept ? mail_memory(entry.mail) : 0);
    imap_entry_done(&entry);
    buffer_done(&b);
    return kept;
}

START_TEST(the_first_is_kept_and_what_would_have_to_be_read_from_a_file_for_little)
{
    ck_assert(is_kept(0, true, 100));
    ck_assert(!is_kept(IMAP_WINDOWS_PARSED, true, 100));
    ck_assert(!is_kept(IMAP_WINDOWS_PARSED, false, 100));
    ck_assert(!is_kept(IMAP_WINDOWS_PARSED, true, 300000)); /* in a file, but it is much */
    ck_assert(is_kept(IMAP_WINDOWS_PARSED, false, 300000));
    ck_assert(!is_kept(2 * IMAP_WINDOWS_PARSED, false, 300000)); /* not without an end */
}
END_TEST

/* Forgotten, answered NO, and then it is larger than the server told, and than maxSize. */
START_TEST(what_is_asked_for_again_begins_anew)
{
    struct imap_entry entry;
    struct imap_window window = {.entries = &entry, .count = 1};
    struct imap_body body = {.max_size = 10};
    struct buffer b;
    buffer_init(&b, 1u << 20);
    write_mail(&b, true, 100);
    receive(&entry, &b, b.len);
    imap_window_keep(&window, IMAP_WINDOWS_PARSED, &entry);
    ck_assert(entry.apart_later);
    imap_entry_done(&entry);
    entry.complete = false;
    ck_assert_int_eq(imap_body_start(&body, b.len, true, &err), 0);
    ck_assert_int_eq(imap_body_end(&body, &err), 0);
    ck_assert_int_eq(imap_body_give(&body, &entry, &err), 0);
    imap_window_keep(&window, 2 * IMAP_WINDOWS_PARSED, &entry);
    ck_assert_int_eq(imap_entry_part(&entry, &options, &host, &err), 0);
    ck_assert(entry.complete && entry.error != NULL && entry.mail == NULL && !entry.apart_later);
    imap_entry_done(&entry);
    buffer_done(&b);
}
END_TEST

START_TEST(what_the_server_kept_back_is_told_of_one_that_is_taken_apart_again_too)
{
    struct imap_entry entry;
    struct imap_window window = {.entries = &entry, .count = 1};
    struct buffer b;
    buffer_init(&b, 1u << 20);
    write_mail(&b, false, 100);
    receive(&entry, &b, 2 * b.len);
    imap_window_keep(&window, IMAP_WINDOWS_PARSED, &entry);
    ck_assert(entry.apart_later);
    ck_assert_int_eq(imap_entry_part(&entry, &options, &host, &err), 0);
    ck_assert_uint_eq(entry.mail->problems.count, 1);
    ck_assert_ptr_nonnull(strstr(entry.mail->problems.items[0], "the server gave out"));
    imap_entry_done(&entry);
    buffer_done(&b);
}
END_TEST

/* One whose raw bytes lie in a file, and which was forgotten. */
static void receive_filed(struct imap_entry *entry)
{
    struct imap_window window = {.entries = entry, .count = 1};
    struct buffer b;
    buffer_init(&b, 1u << 20);
    write_mail(&b, true, 300000);
    receive(entry, &b, b.len);
    imap_window_keep(&window, IMAP_WINDOWS_PARSED, entry);
    ck_assert(entry->apart_later && spool_fd(entry->spool) >= 0);
    buffer_done(&b);
}

START_TEST(a_file_that_became_shorter_is_the_disks_fault)
{
    struct imap_entry entry;
    receive_filed(&entry);
    ck_assert_int_eq(ftruncate(spool_fd(entry.spool), 100000), 0);
    ck_assert_int_eq(imap_entry_part(&entry, &options, &host, &err), -1);
    ck_assert_int_eq(err.class, ERROR_STORE);
    ck_assert_str_eq(err.text,
                     "message 7 was received and cannot be read back: its file is shorter "
                     "than it was; check the disk of the spool folder");
    ck_assert(entry.apart_later && entry.mail == NULL); /* as it was */
    imap_entry_done(&entry);
}
END_TEST

START_TEST(a_stop_is_heeded_while_a_file_is_read_again)
{
    struct imap_entry entry;
    receive_filed(&entry);
    stopped = true;
    ck_assert_int_eq(imap_entry_part(&entry, &options, &host, &err), -1);
    ck_assert_int_eq(err.class, ERROR_CANCELLED);
    ck_assert(entry.apart_later && entry.mail == NULL);
    stopped = false;
    ck_assert_int_eq(imap_entry_part(&entry, &options, &host, &err), 0);
    check_mail(entry.mail, true);
    imap_entry_done(&entry);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("imap-window");
    TCase *t = tcase_create("imap-window");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, short_texts_take_little_more_than_their_bytes, 0, 2);
    tcase_add_loop_test(
        t, a_window_keeps_so_much_of_what_mails_were_taken_apart_to_and_takes_the_rest_apart_again,
        0, (int)(sizeof rows / sizeof rows[0]));
    tcase_add_test(t, the_first_is_kept_and_what_would_have_to_be_read_from_a_file_for_little);
    tcase_add_test(t, what_is_asked_for_again_begins_anew);
    tcase_add_test(t, what_the_server_kept_back_is_told_of_one_that_is_taken_apart_again_too);
    tcase_add_test(t, a_file_that_became_shorter_is_the_disks_fault);
    tcase_add_test(t, a_stop_is_heeded_while_a_file_is_read_again);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
