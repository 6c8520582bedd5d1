/* SPDX-License-Identifier: Apache-2.0 */
/* large-text-test.c - texts of megabytes: they lie in files, a window of them is in memory, and
 * what comes out is what would come out of memory. */
#include <config.h>
#include "check-main.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "buffer.h"
#include "file-memory.h"
#include "html-text.h"
#include "mail-body.h"
#include "mail-flow.h"
#include "mail.h"
#include "text-walk.h"
#include "text.h"

#define LARGE (4u << 20)              /* bytes of a text that is walked over */
#define HELD_MAX (3u * BUFFER_WINDOW) /* of it in memory: the kernel takes 64 kB around a byte */
#define NOWHERE "/no-such-folder" /* no file can be made there */

/* One that has such files (file-memory.h): not every file system has. */
static const char *folder(void)
{
    const char *const folders[] = {"/dev/shm", getenv("TMPDIR"), "/tmp", "."};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        AUTO(file_memory)
        memory = folders[i] == NULL ? NULL : file_memory_new(folders[i], "", 0, 4096);
        if (memory != NULL)
            return folders[i];
    }
    ck_abort_msg("neither /dev/shm nor $TMPDIR nor /tmp is on ext4, XFS or tmpfs");
}

/* Bytes in memory of the mapping that begins at @at. */
static size_t resident(const void *at)
{
    char line[512], want[32];
    size_t kilobytes = SIZE_MAX / 1024;
    bool inside = false;
    FILE *maps = fopen("/proc/self/smaps", "r");
    ck_assert_ptr_nonnull(maps);
    (void)snprintf(want, sizeof want, "%lx-", (unsigned long)(uintptr_t)at);
    while (fgets(line, sizeof line, maps) != NULL) {
        inside = strncmp(line, want, strlen(want)) == 0 || (inside && strchr(line, '-') == NULL);
        if (inside && strncmp(line, "Rss:", 4) == 0) {
            kilobytes = strtoul(line + 4, NULL, 10);
            break;
        }
    }
    (void)fclose(maps);
    return kilobytes * 1024;
}

/* The most that was in memory of any mapping: just before it was let go of. */
static size_t most_held;
int __real_madvise(void *at, size_t size, int advice);
int __wrap_madvise(void *at, size_t size, int advice);
int __wrap_madvise(void *at, size_t size, int advice)
{
    size_t held = advice == MADV_DONTNEED ? resident(at) : 0;
    most_held = held > most_held ? held : most_held;
    return __real_madvise(at, size, advice);
}

static void check_window(const struct buffer *b, const char *what)
{
    size_t held = resident(b->data);
    held = held > most_held ? held : most_held;
    ck_assert_msg(held <= HELD_MAX, "%s: %zu kB are in memory", what, held / 1024);
}

/* Each assertion costs a line to the runner: for loops of a million. */
static void append(struct buffer *b, const char *text)
{
    if (buffer_append_text(b, text) < 0)
        ck_abort_msg("a buffer of %zu bytes took no more", b->len);
}

/* @start, and @piece over and over. */
static struct buffer large_of(const char *start, const char *piece, size_t size)
{
    struct buffer b;
    buffer_init(&b, size + 64);
    buffer_file(&b, folder(), MAIL_TEXT_MEMORY_MAX);
    append(&b, start);
    while (b.len < size)
        append(&b, piece);
    ck_assert_ptr_nonnull(b.file);
    return b;
}

START_TEST(a_buffer_in_a_file_holds_what_one_in_memory_holds)
{
    struct buffer filed, held;
    buffer_init(&held, LARGE);
    buffer_init(&filed, LARGE);
    buffer_file(&filed, folder(), 1000);
    for (unsigned i = 0; i < 150000; i++) {
        char line[32];
        (void)snprintf(line, sizeof line, "line %u\n", i);
        append(&held, line);
        append(&filed, line);
    }
    check_window(&filed, "appended");
    buffer_truncate(&held, 1000000);
    buffer_truncate(&filed, 1000000);
    ck_assert_int_eq(buffer_append(&held, held.data, 900000), 0);
    AUTO_TEXT copy = strndup(filed.data, 900000);
    buffer_passed(&filed);
    most_held = 0;
    ck_assert_int_eq(buffer_append(&filed, copy, 900000), 0); /* at once: still window by window */
    check_window(&filed, "appended at once");
    ck_assert_uint_eq(filed.len, held.len);
    ck_assert_int_eq(memcmp(filed.data, held.data, held.len + 1), 0);
    ck_assert_int_eq(buffer_append(&filed, copy, 900000), 0);
    ck_assert_int_eq(buffer_append(&filed, held.data, held.len), -1);
    ck_assert(buffer_is_full(&filed));
    buffer_done(&filed);
    buffer_done(&held);
}
END_TEST

START_TEST(a_buffer_goes_on_in_memory_where_no_file_can_be_made_or_its_disk_is_full)
{
    struct buffer b;
    struct rlimit most, before;
    buffer_init(&b, LARGE);
    buffer_file(&b, NOWHERE, 1000);
    while (b.len < 100000)
        append(&b, "0123456789");
    ck_assert_ptr_null(b.file);
    buffer_done(&b);
    /* A file that may not grow is what a full disk is. */
    b = large_of("", "0123456789", 1u << 20);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    most = before;
    most.rlim_cur = 1u << 20;
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &most), 0);
    b.limit = LARGE;
    while (b.len < LARGE / 2)
        append(&b, "0123456789");
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert_ptr_null(b.file);
    size_t same = 0;
    while (same < b.len && b.data[same] == '0' + (int)(same % 10))
        same++;
    ck_assert_uint_eq(same, b.len);
    buffer_done(&b);
}
END_TEST

START_TEST(half_of_the_descriptors_are_left_to_what_has_no_other_way)
{
    struct rlimit before, few;
    struct buffer b;
    int next = dup(STDOUT_FILENO);
    close(next);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    for (int spare = 0; spare <= 1; spare++) {
        few = (struct rlimit){.rlim_cur = 2 * (rlim_t)(next + spare), .rlim_max = before.rlim_max};
        const char *dir = folder();
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
        buffer_init(&b, LARGE);
        buffer_file(&b, dir, 1000);
        while (b.len < 100000)
            append(&b, "0123456789");
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
        ck_assert_int_eq(b.file != NULL, spare);
        buffer_done(&b);
    }
}
END_TEST

START_TEST(a_buffer_stays_in_memory_as_long_as_it_may)
{
    for (size_t first = 1; first < 3000; first += 997)
        for (size_t more = 0; more <= 1; more++) {
            struct buffer b;
            buffer_init(&b, LARGE);
            buffer_file(&b, folder(), 5000);
            AUTO_TEXT bytes = calloc(1, 5000);
            ck_assert_int_eq(buffer_append(&b, bytes, first), 0);
            while (b.len < 4999)
                ck_assert_int_eq(buffer_append(&b, bytes, 1), 0);
            ck_assert_ptr_null(b.file);
            ck_assert_int_eq(buffer_append(&b, bytes, more), 0);
            ck_assert(more == 0 || b.file != NULL);
            buffer_done(&b);
        }
}
END_TEST

/* A walk over a large text. */
static size_t walk_find(struct buffer *b, struct text_walk *walk)
{
    return text_walk_find(walk, b->data, b->data + b->len, '#') == NULL ? b->len : 0;
}

static size_t walk_find_text(struct buffer *b, struct text_walk *walk)
{
    return text_walk_find_text(walk, b->data, b->data + b->len, "words#") == NULL ? b->len : 0;
}

static size_t walk_move(struct buffer *b, struct text_walk *walk)
{
    text_walk_move(walk, b->data, b->data + 7, b->len - 7);
    return b->len;
}

static size_t walk_append(struct buffer *b, struct text_walk *walk)
{
    struct buffer out;
    buffer_init(&out, LARGE + 64);
    ck_assert_int_eq(text_walk_append(walk, b->data, b->len, &out), 0);
    ck_assert_int_eq(memcmp(out.data, b->data, 5000), 0);
    ck_assert_int_eq(memcmp(out.data + b->len - 5000, b->data + b->len - 5000, 5000), 0);
    size_t len = out.len;
    buffer_done(&out);
    return len;
}

static size_t walk_flow(struct buffer *b, struct text_walk *walk)
{
    return mail_flow_join(MAIL_FLOW_SPACE, b->data, b->len, walk) > 0 ? b->len : 0;
}

static size_t walk_html(struct buffer *b, struct text_walk *walk)
{
    struct buffer out;
    buffer_init(&out, 2 * LARGE);
    buffer_file(&out, folder(), MAIL_TEXT_MEMORY_MAX);
    ck_assert_int_eq(html_to_text(b->data, b->len, walk, &out), 0);
    if (out.file != NULL)
        check_window(&out, "text of HTML");
    buffer_done(&out);
    return b->len;
}

static const struct walk_row {
    const char *what, *start, *piece, *end;
    size_t (*walk)(struct buffer *b, struct text_walk *walk);
} walks[] = {
    {"a byte", "", "words words ", "", walk_find},
    {"a text", "", "words words ", "", walk_find_text},
    {"a move", "", "words words ", "", walk_move},
    {"a copy", "", "caf\xC3\xA9 ", "", walk_append},
    {"flowed lines", "", "words words \n", "", walk_flow},
    {"a flowed line without end", "", "words words ", "", walk_flow},
    {"paragraphs", "", "<p>words &amp; <b>words</b>", "", walk_html},
    {"a word without end", "<p>", "words", "", walk_html},
    {"a picture in its own address", "<img src='data:", "AAAA", "", walk_html},
    {"an address without quotes", "<img src=data:", "AAAA", "", walk_html},
    {"attributes without end", "<a ", "href='x' ", "", walk_html},
    {"a tag without end", "<a ", "aaaa", "", walk_html},
    {"a comment", "<p>a<!--", "words - ", "", walk_html},
    {"a script", "<script>", "if (a < b) ", "", walk_html},
    {"blanks", "<p>", " \n", "", walk_html},
    {"references by name", "<p>", "&eacute;&amp;", "", walk_html},
    {"references by number", "<p>", "&#x4e2d;&#25991;", "", walk_html},
    {"a number without end", "<p>&#", "0000", "65;", walk_html},
    {"a name without end", "<a", "aaaa", ">x", walk_html},
    {"blanks in a tag", "<a ", "    ", "href=x>y", walk_html},
    {"slashes in a tag", "<img ", "////", "alt=x>y", walk_html},
    {"blanks before a value", "<img alt=", "    ", "x>y", walk_html},
    {"a link of stars", "<a href='http://x.example/'>", "****", "</a>", walk_html},
    {"comments", "<p>", "<!--x--><!y>", "", walk_html},
};

START_TEST(whoever_walks_over_a_large_text_has_a_window_of_it_in_memory)
{
    const struct walk_row *row = &walks[_i];
    struct buffer b = large_of(row->start, row->piece, LARGE);
    append(&b, row->end);
    buffer_passed(&b);
    most_held = 0;
    struct text_walk walk = {.text = &b, .last = b.data};
    ck_assert_uint_eq(row->walk(&b, &walk), b.len);
    check_window(&b, row->what);
    buffer_done(&b);
}
END_TEST

START_TEST(what_is_looked_for_is_found_across_the_border_of_a_window)
{
    struct buffer b = large_of("", ".", 3 * BUFFER_WINDOW);
    for (size_t at = BUFFER_WINDOW - 8; at <= BUFFER_WINDOW + 8; at++) {
        struct text_walk walk = {.text = &b, .last = b.data};
        memcpy(b.data + at, "needle", 6);
        ck_assert_ptr_eq(text_walk_find_text(&walk, b.data, b.data + b.len, "needle"), b.data + at);
        ck_assert_ptr_eq(text_walk_find(&walk, b.data, b.data + b.len, 'n'), b.data + at);
        ck_assert_ptr_null(text_walk_find_text(&walk, b.data, b.data + at + 5, "needle"));
        memcpy(b.data + at, "......", 6);
    }
    buffer_done(&b);
}
END_TEST

/* ---- Mail ------------------------------------------------------------------------------------ */

#define PLAIN "Content-Type: text/plain\r\n\r\n"
#define HTML "Content-Type: text/html\r\n\r\n"
#define TWO "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"

static const struct mail_row {
    const char *what, *head, *piece, *between, *second;
} mails[] = {
    {"plain", PLAIN, "caf\xC3\xA9 and more words\r\n", "", ""},
    {"bare line ends", PLAIN, "one\rtwo\nthree\r\n\r\r", "", ""},
    {"flowed", "Content-Type: text/plain; format=flowed; delsp=yes\r\n\r\n",
     "words that go \r\non\r\n> and \r\n> on\r\n-- \r\n", "", ""},
    {"latin-1", "Content-Type: text/plain; charset=iso-8859-1\r\n\r\n", "\xE4\xF6\xFC\xDF\r\n", "",
     ""},
    {"blank", PLAIN, "  \t\r\n", "", ""},
    {"HTML", HTML, "<p>words &eacute; <a href='http://x.example/'>link</a> \x01\xEF\xBF\xBF\r\n",
     "", ""},
    {"text and the same as HTML", TWO PLAIN, "the same words\r\n", "\r\n--b\r\n" HTML,
     "<p>the <b>same</b> words\r\n"},
    {"text and other HTML", TWO PLAIN, "these words\r\n", "\r\n--b\r\n" HTML, "<p>those\r\n"},
    {"signed in the text", PLAIN "-----BEGIN PGP SIGNED MESSAGE-----\r\n\r\n", "words\r\n", "", ""},
    {"more than is kept", PLAIN, "caf\xC3\xA9 and a long line of words that say nothing\r\n", "",
     ""},
};

static struct mail *mail_of(const struct mail_row *row, size_t size, const char *dir)
{
    struct error err;
    struct mail *mail = NULL;
    struct buffer b;
    const struct mail_options options = {.attach_html = true, .sanitize = true, .spool_dir = dir};
    AUTO(mail_parser) p = mail_parser_new(&options);
    buffer_init(&b, 64u << 20);
    append(&b, row->head);
    for (size_t from = b.len; b.len - from < size;)
        append(&b, row->piece);
    append(&b, row->between);
    for (size_t from = b.len; row->second[0] != '\0' && b.len - from < size;)
        append(&b, row->second);
    for (size_t at = 0, n; at < b.len; at += n) {
        n = b.len - at < 60000 ? b.len - at : 60000;
        ck_assert_int_eq(mail_parser_feed(p, (const uint8_t *)b.data + at, n, &err), 0);
    }
    ck_assert_int_eq(mail_parser_finish(p, &mail, &err), 0);
    buffer_done(&b);
    return mail;
}

static void check_same(const char *a, const char *b, const char *what)
{
    ck_assert_msg((a == NULL) == (b == NULL), "%s", what);
    ck_assert_msg(a == NULL || strcmp(a, b) == 0, "%s", what);
}

static void check_same_mail(const struct mail *a, const struct mail *b, const char *what)
{
    check_same(a->message_body, b->message_body, what);
    check_same(a->html, b->html, what);
    ck_assert_uint_eq(a->message_body_size, b->message_body_size);
    ck_assert_uint_eq(a->html_size, b->html_size);
    ck_assert_uint_eq(a->flags, b->flags);
    ck_assert_uint_eq(a->attachment_count, b->attachment_count);
    for (size_t i = 0; i < a->attachment_count; i++)
        ck_assert_int_eq(
            memcmp(a->attachments[i].sha256, b->attachments[i].sha256, MAIL_DIGEST_SIZE), 0);
    ck_assert_uint_eq(a->problems.count, b->problems.count);
}

START_TEST(a_mail_says_the_same_whether_its_texts_lie_in_files_or_in_memory)
{
    const struct mail_row *row = &mails[_i / 2];
    size_t size = strcmp(row->what, "more than is kept") == 0 ? MAIL_TEXT_MAX + 100 : 1500000;
    size = _i % 2 == 0 ? size : MAIL_TEXT_MEMORY_MAX;
    AUTO(mail) filed = mail_of(row, size, folder());
    AUTO(mail) held = mail_of(row, size, NOWHERE);
    ck_assert_ptr_null(held->message_body_file);
    ck_assert_ptr_null(held->html_file);
    ck_assert(size < 1000000 || filed->message_body_file != NULL || filed->html_file != NULL);
    ck_assert_uint_le(most_held, HELD_MAX);
    check_same_mail(filed, held, row->what);
    ck_assert_uint_eq(held->message_body_size, strlen(held->message_body));
    ck_assert_uint_ge(mail_memory(held), held->message_body_size + held->html_size);
}
END_TEST

START_TEST(a_mail_that_is_handed_over_holds_little_of_a_large_text)
{
    AUTO(mail) mail = mail_of(&mails[7], LARGE, folder());
    ck_assert_ptr_nonnull(mail->message_body_file);
    ck_assert_ptr_nonnull(mail->html_file);
    ck_assert_uint_le(resident(mail->message_body), HELD_MAX);
    ck_assert_uint_le(resident(mail->html), HELD_MAX);
    ck_assert_uint_le(most_held, HELD_MAX);
    ck_assert_uint_le(mail_memory(mail), BUFFER_WINDOW);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("large-text");
    TCase *t = tcase_create("large-text");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, a_buffer_in_a_file_holds_what_one_in_memory_holds);
    tcase_add_test(t, a_buffer_goes_on_in_memory_where_no_file_can_be_made_or_its_disk_is_full);
    tcase_add_test(t, half_of_the_descriptors_are_left_to_what_has_no_other_way);
    tcase_add_test(t, a_buffer_stays_in_memory_as_long_as_it_may);
    tcase_add_loop_test(t, whoever_walks_over_a_large_text_has_a_window_of_it_in_memory, 0,
                        sizeof walks / sizeof walks[0]);
    tcase_add_test(t, what_is_looked_for_is_found_across_the_border_of_a_window);
    tcase_add_loop_test(t, a_mail_says_the_same_whether_its_texts_lie_in_files_or_in_memory, 0,
                        2 * (int)(sizeof mails / sizeof mails[0]));
    tcase_add_test(t, a_mail_that_is_handed_over_holds_little_of_a_large_text);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
