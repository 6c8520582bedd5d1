/* SPDX-License-Identifier: Apache-2.0 */
/* queue-test.c - what queue.h promises, of every back end alike. */
#include <config.h>
#include "check-main.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue-fixture.h"

/* Each test runs once per back end: _i is its number. */
static struct queue_fixture f;

static void teardown(void)
{
    queue_fixture_done(&f);
}

#define START() queue_fixture_init(&f, _i)

static enum queue_put_result put(const struct queue_item *item)
{
    return queue_put(f.queue, item, &f.err);
}

/* ---- Putting --------------------------------------------------------------------------------- */

START_TEST(an_origin_has_one_entry_however_often_it_is_put)
{
    START();
    struct queue_item item = queue_fixture_item(1);
    ck_assert_int_eq(put(&item), QUEUE_PUT_ADDED);
    ck_assert_int_eq(put(&item), QUEUE_PUT_DUPLICATE);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    ck_assert_int_eq(put(&item), QUEUE_PUT_DUPLICATE);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    ck_assert_uint_eq(queue_fixture_count(&f), 1);
}
END_TEST

START_TEST(a_duplicate_changes_nothing)
{
    START();
    queue_fixture_add(&f, 1, 1);
    queue_fixture_note(&f, 1, QUEUE_STEP_MOVING);
    struct queue_item item = queue_fixture_item(1);
    item.subject = "another";
    item.error = "another";
    item.queue = "another";
    ck_assert_int_eq(put(&item), QUEUE_PUT_DUPLICATE);
    queue_fixture_note(&f, 2, QUEUE_STEP_ATTEMPTED); /* no batch is open */
    AUTO(queue_entry) entry = NULL;
    char id[QUEUE_ID_TEXT];
    queue_fixture_id(1, id);
    ck_well(&f, queue_get(f.queue, id, &entry, &f.err));
    ck_assert_str_eq(entry->subject, "hello");
    ck_assert_str_eq(entry->queue, "default");
    ck_assert_ptr_null(entry->error);
    ck_assert_int_eq(queue_fixture_record(&f, 1).step, QUEUE_STEP_MOVING);
}
END_TEST

START_TEST(origins_that_differ_in_one_part_have_entries_of_their_own)
{
    START();
    struct queue_item items[7];
    for (int i = 0; i < 7; i++)
        items[i] = queue_fixture_item(5);
    items[1].origin.account = "bob@mail.example.org";
    items[2].origin.mailbox = "INBOX/2";
    items[3].origin.uidvalidity = 8;
    items[4].origin.uid = 6;
    items[5].origin.loader = "Other";
    items[6].origin.uid = 0;
    items[6].origin.key = "5";
    for (int i = 0; i < 7; i++)
        ck_assert_int_eq(put(&items[i]), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    ck_assert_uint_eq(queue_fixture_count(&f), 7);
}
END_TEST

START_TEST(what_does_not_belong_to_an_origin_does_not_make_another_one)
{
    START();
    struct queue_item item = queue_fixture_item(5);
    ck_assert_int_eq(put(&item), QUEUE_PUT_ADDED);
    item.origin.key = "ignored where there is a UID";
    ck_assert_int_eq(put(&item), QUEUE_PUT_DUPLICATE);
    item.origin.loader = "imap";
    ck_assert_int_eq(put(&item), QUEUE_PUT_DUPLICATE);
    item.origin.uid = 0;
    ck_assert_int_eq(put(&item), QUEUE_PUT_ADDED);
    item.origin.uidvalidity = 99;
    ck_assert_int_eq(put(&item), QUEUE_PUT_DUPLICATE);
}
END_TEST

START_TEST(nothing_of_a_batch_is_there_after_its_rollback)
{
    START();
    queue_fixture_add(&f, 1, 1);
    queue_fixture_note(&f, 2, QUEUE_STEP_ATTEMPTED);
    struct queue_item item = queue_fixture_item(2);
    item.queue = "made by the batch";
    item.source = "made by the batch";
    ck_assert_int_eq(put(&item), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_fixture_record(&f, 2).step, QUEUE_STEP_STORED);
    queue_rollback(f.queue);
    ck_assert_uint_eq(queue_fixture_count(&f), 1);
    ck_assert_int_eq(queue_fixture_record(&f, 2).step, QUEUE_STEP_ATTEMPTED);
    ck_assert_int_eq(put(&item), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    const struct queue_filter filter = {.queue = "made by the batch"};
    ck_assert_str_eq(queue_fixture_uids(&f, &filter), "2");
}
END_TEST

START_TEST(an_entry_comes_back_as_it_was_put)
{
    START();
    struct queue_item item = queue_fixture_item(4294967295u);
    item.origin.uidvalidity = 4294967294u;
    item.origin.mailbox = "\xC3\x84rchiv/2026";
    ck_assert_int_eq(put(&item), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    char key[QUEUE_KEY_MAX], id[QUEUE_ID_TEXT];
    ck_well(&f, queue_origin_key(&item.origin, key, &f.err));
    queue_entry_id(key, id);
    AUTO(queue_entry) entry = NULL;
    ck_well(&f, queue_get(f.queue, id, &entry, &f.err));
    ck_assert_str_eq(entry->id, id);
    ck_assert_str_eq(entry->class, "Mail");
    ck_assert_str_eq(entry->queue, "default");
    ck_assert_str_eq(entry->source, "office");
    ck_assert_int_eq(entry->state, QUEUE_NEW);
    ck_assert_ptr_null(entry->error);
    ck_assert_int_eq(entry->created_s, 1000);
    ck_assert_str_eq(entry->loader, "IMAP");
    ck_assert_str_eq(entry->account, "ann@mail.example.org");
    ck_assert_str_eq(entry->mailbox, "\xC3\x84rchiv/2026");
    ck_assert_uint_eq(entry->uid, 4294967295u);
    ck_assert_uint_eq(entry->uidvalidity, 4294967294u);
    ck_assert_str_eq(entry->content, item.content);
    ck_assert_uint_eq(entry->content_size, item.content_size);
    ck_assert_str_eq(entry->sender, item.sender);
    ck_assert_str_eq(entry->subject, item.subject);
    ck_assert_str_eq(entry->date_received, item.date_received);
    ck_assert(entry->has_raw);
    ck_assert_uint_eq(entry->raw_size, item.raw_size);
    ck_assert_mem_eq(entry->raw_sha256, item.raw_sha256, QUEUE_DIGEST_SIZE);
}
END_TEST

START_TEST(what_may_be_missing_may_be_missing)
{
    START();
    struct queue_item item = queue_fixture_item(1);
    item.sender = item.subject = item.date_received = item.content = NULL;
    item.error = "larger than 'maxSize'";
    item.raw_bytes = NULL;
    item.raw_size = 123456;
    ck_assert_int_eq(put(&item), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    char id[QUEUE_ID_TEXT];
    queue_fixture_id(1, id);
    AUTO(queue_entry) entry = NULL;
    ck_well(&f, queue_get(f.queue, id, &entry, &f.err));
    ck_assert_int_eq(entry->state, QUEUE_BAD);
    ck_assert_str_eq(entry->error, "larger than 'maxSize'");
    ck_assert_str_eq(entry->content, "{}");
    ck_assert_ptr_null(entry->sender);
    ck_assert(!entry->has_raw);
    ck_assert_uint_eq(entry->raw_size, 123456);
    int fd;
    ck_assert_int_eq(queue_raw(f.queue, id, &fd, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_USAGE);
    struct queue_record record = queue_fixture_record(&f, 1);
    ck_assert_int_eq(record.step, QUEUE_STEP_STORED);
    ck_assert_uint_eq(record.fate, QUEUE_FATE_BAD);
}
END_TEST

/* By put and by the question alone, in the same words. */
static void check_not_taken(const struct queue_item *item, enum error_class class)
{
    struct error why;
    ck_assert_int_eq(put(item), QUEUE_PUT_FAILED);
    ck_assert_int_eq(f.err.class, class);
    ck_assert_int_eq(queue_takes(item, &why), -1);
    ck_assert_int_eq(why.class, class);
    ck_assert_str_eq(why.text, f.err.text);
}

START_TEST(an_item_over_a_limit_fails_and_takes_its_batch_with_it)
{
    START();
    struct queue_item item = queue_fixture_item(1);
    ck_assert_int_eq(queue_takes(&item, &f.err), 0);
    ck_assert_uint_eq(queue_fixture_count(&f), 0); /* to ask keeps nothing */
    ck_assert_int_eq(put(&item), QUEUE_PUT_ADDED);
    item = queue_fixture_item(2);
    item.raw_size = QUEUE_RAW_MAX + 1ull;
    check_not_taken(&item, ERROR_MAIL);
    ck_assert_uint_eq(queue_fixture_count(&f), 0);
    item = queue_fixture_item(2);
    item.content_size = QUEUE_CONTENT_MAX + 1ull;
    check_not_taken(&item, ERROR_MAIL);
    item = queue_fixture_item(2);
    item.origin.mailbox = "";
    check_not_taken(&item, ERROR_BUG);
}
END_TEST

/* ---- Names ----------------------------------------------------------------------------------- */

static const struct key_row {
    struct queue_origin origin;
    const char *key, *id; /* id: python3 -c 'import uuid; uuid.uuid5(namespace, key)' */
} key_rows[] = {
    {{"IMAP", "ann@mail.example.org", "INBOX", 7, 42, NULL},
     "imap:ann@mail.example.org:7:42:INBOX",
     "9a7e1b09-b2bf-5a80-a38a-cbec3c18e485"},
    {{"IMAP", "ann@mail.example.org", "\xC3\x84rchiv/2026", 1, 4294967295u, NULL},
     "imap:ann@mail.example.org:1:4294967295:\xC3\x84rchiv/2026",
     "becbdc09-dbb7-5abc-8bc4-1323a89c9994"},
    {{"Folder", "ann", "/srv/mail", 0, 0, "2026-03-01.eml"},
     "folder:ann:/srv/mail:2026-03-01.eml",
     "0fc84c23-dfa4-54f1-b3c7-3f660546aa40"},
};

START_TEST(an_entry_id_is_the_uuid_v5_of_its_origins_key)
{
    for (size_t i = 0; i < sizeof key_rows / sizeof key_rows[0]; i++) {
        char key[QUEUE_KEY_MAX], id[QUEUE_ID_TEXT];
        ck_assert_int_eq(queue_origin_key(&key_rows[i].origin, key, NULL), 0);
        ck_assert_str_eq(key, key_rows[i].key);
        queue_entry_id(key, id);
        ck_assert_str_eq(id, key_rows[i].id);
    }
}
END_TEST

START_TEST(no_names_with_colons_make_two_origins_share_a_key)
{
    static const struct queue_origin origins[] = {
        {"IMAP", "a", "x:3:4:y", 1, 2, NULL}, {"IMAP", "a:1:2:x", "y", 3, 4, NULL},
        {"IMAP", "a", "1:2", 0, 0, "y"},      {"IMAP", "a", "1", 0, 0, "2:y"},
        {"IMAP", "a", "y", 1, 2, NULL},       {"IMAP", "a:1", "2", 0, 0, "y"},
        {"IMAP", "a%3A1", "2", 0, 0, "y"},    {"IMAP", "a", "%31", 0, 0, "2:y"},
    };
    enum { COUNT = sizeof origins / sizeof origins[0] };
    char keys[COUNT][QUEUE_KEY_MAX];
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert_int_eq(queue_origin_key(&origins[i], keys[i], NULL), 0);
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(keys[i], keys[j]);
    }
}
END_TEST

START_TEST(a_key_may_fill_its_room_and_no_more)
{
    char mailbox[QUEUE_KEY_MAX + 1], key[QUEUE_KEY_MAX];
    memset(mailbox, 'm', sizeof mailbox);
    static const char rest[] = "imap:a:1:2:";
    struct queue_origin origin = {"IMAP", "a", mailbox, 1, 2, NULL};
    struct error err;
    mailbox[QUEUE_KEY_MAX - sizeof rest] = '\0';
    ck_assert_int_eq(queue_origin_key(&origin, key, &err), 0);
    ck_assert_uint_eq(strlen(key), QUEUE_KEY_MAX - 1);
    mailbox[QUEUE_KEY_MAX - sizeof rest] = 'm';
    mailbox[QUEUE_KEY_MAX - sizeof rest + 1] = '\0';
    ck_assert_int_eq(queue_origin_key(&origin, key, &err), -1);
    ck_assert_int_eq(err.class, ERROR_CONFIG);
}
END_TEST

START_TEST(each_state_has_a_name_that_leads_back_to_it)
{
    static const char *const names[] = {"new", "taken", "done", "failed", "bad"};
    for (unsigned i = 0; i <= QUEUE_BAD; i++) {
        enum queue_state state;
        ck_assert_str_eq(queue_state_name((enum queue_state)i), names[i]);
        ck_assert_int_eq(queue_state_from_name(names[i], &state), 0);
        ck_assert_uint_eq(state, i);
    }
    enum queue_state untouched = QUEUE_BAD;
    ck_assert_int_eq(queue_state_from_name("news", &untouched), -1);
    ck_assert_int_eq(untouched, QUEUE_BAD);
}
END_TEST

START_TEST(an_entry_is_found_by_an_unambiguous_start_of_its_id)
{
    START();
    queue_fixture_add(&f, 1, 2000); /* some two share their first five digits */
    char id[QUEUE_ID_TEXT];
    unsigned several = 0, one = 0;
    for (uint32_t uid = 1; uid <= 2000; uid++) {
        queue_fixture_id(uid, id);
        id[4] = '\0';
        AUTO(queue_entry) entry = NULL;
        if (queue_get(f.queue, id, &entry, &f.err) == 0) {
            ck_assert_uint_eq(entry->uid, uid);
            one++;
        } else {
            ck_assert_int_eq(f.err.class, ERROR_USAGE);
            ck_assert_ptr_nonnull(strstr(f.err.text, "several"));
            several++;
        }
    }
    ck_assert_uint_gt(one, 0);
    ck_assert_uint_gt(several, 0);
    queue_fixture_id(7, id);
    for (char *at = id; *at != '\0'; at++)
        if (*at >= 'a')
            *at = (char)(*at - 'a' + 'A');
    AUTO(queue_entry) entry = NULL;
    ck_well(&f, queue_get(f.queue, id, &entry, &f.err));
    ck_assert_uint_eq(entry->uid, 7);
}
END_TEST

static const char *const wrong_ids[] = {
    "",
    "abc",
    "xyzt",
    "0000-",
    "00000000_0000",
    "000000000",
    "00000000-0000-0000-0000-0000000000000",
    "%",
    "        ",
};

START_TEST(what_is_no_id_finds_nothing_and_says_so)
{
    START();
    queue_fixture_add(&f, 1, 3);
    for (size_t i = 0; i < sizeof wrong_ids / sizeof wrong_ids[0]; i++) {
        AUTO(queue_entry) entry = NULL;
        ck_assert_int_eq(queue_get(f.queue, wrong_ids[i], &entry, &f.err), -1);
        ck_assert_int_eq(f.err.class, ERROR_USAGE);
    }
    AUTO(queue_entry) entry = NULL;
    ck_assert_int_eq(queue_get(f.queue, "00000000-0000-0000-0000-000000000000", &entry, &f.err),
                     -1);
    ck_assert_ptr_nonnull(strstr(f.err.text, "no entry"));
}
END_TEST

/* ---- Lists ----------------------------------------------------------------------------------- */

/* UIDs 1 to 8: queue a or b, source x or y, every fourth bad. */
static void add_mixed(void)
{
    for (uint32_t uid = 1; uid <= 8; uid++) {
        struct queue_item item = queue_fixture_item(uid);
        item.queue = uid % 2 == 0 ? "b" : "a";
        item.source = uid > 4 ? "y" : "x";
        item.error = uid % 4 == 0 ? "broken" : NULL;
        ck_assert_int_eq(put(&item), QUEUE_PUT_ADDED);
    }
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
}

static const struct list_row {
    struct queue_filter filter;
    const char *up, *down;
} list_rows[] = {
    {{0}, "1 2 3 4 5 6 7 8", "8 7 6 5 4 3 2 1"},
    {{.queue = "a"}, "1 3 5 7", "7 5 3 1"},
    {{.queue = "b"}, "2 4 6 8", "8 6 4 2"},
    {{.queue = "c"}, "", ""},
    {{.source = "y"}, "5 6 7 8", "8 7 6 5"},
    {{.source = "z"}, "", ""},
    {{.source = "x", .queue = "b"}, "2 4", "4 2"},
    {{.source = "x", .queue = "c"}, "", ""},
    {{.by_state = true, .state = QUEUE_NEW}, "1 2 3 5 6 7", "7 6 5 3 2 1"},
    {{.by_state = true, .state = QUEUE_BAD}, "4 8", "8 4"},
    {{.by_state = true, .state = QUEUE_DONE}, "", ""},
    {{.by_state = true, .state = QUEUE_BAD, .source = "x", .queue = "b"}, "4", "4"},
    {{.by_state = true, .state = QUEUE_NEW, .source = "y", .queue = "b"}, "6", "6"},
};

START_TEST(a_list_shows_what_its_filter_lets_through_in_either_order)
{
    START();
    add_mixed();
    for (size_t i = 0; i < sizeof list_rows / sizeof list_rows[0]; i++) {
        struct queue_filter filter = list_rows[i].filter;
        ck_assert_msg(strcmp(queue_fixture_uids(&f, &filter), list_rows[i].up) == 0, "row %zu", i);
        filter.newest_first = true;
        ck_assert_msg(strcmp(queue_fixture_uids(&f, &filter), list_rows[i].down) == 0, "row %zu",
                      i);
    }
}
END_TEST

START_TEST(a_list_in_pages_of_any_size_shows_each_entry_once)
{
    START();
    add_mixed();
    for (size_t row = 0; row < sizeof list_rows / sizeof list_rows[0]; row++) {
        for (unsigned turn = 0; turn < 2 * 9; turn++) {
            struct queue_filter filter = list_rows[row].filter;
            filter.newest_first = turn % 2 == 1;
            filter.limit = 1 + turn / 2;
            char seen[64] = "", after[QUEUE_ID_TEXT];
            for (const char *page; *(page = queue_fixture_uids(&f, &filter)) != '\0';) {
                (void)snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s%s",
                               seen[0] == '\0' ? "" : " ", page);
                queue_fixture_id((uint32_t)(page[strlen(page) - 1] - '0'), after);
                filter.after = after;
            }
            ck_assert_str_eq(seen, turn % 2 == 1 ? list_rows[row].down : list_rows[row].up);
        }
    }
}
END_TEST

START_TEST(a_list_cannot_continue_behind_what_is_not_there)
{
    START();
    queue_fixture_add(&f, 1, 2);
    struct queue_filter filter = {.after = "00000000-0000-0000-0000-000000000000"};
    ck_assert_int_eq(queue_list(f.queue, &filter, NULL, NULL, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_USAGE);
    filter.after = "0000";
    ck_assert_int_eq(queue_list(f.queue, &filter, NULL, NULL, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_USAGE);
}
END_TEST

static int stop_at_third(void *context, const struct queue_entry *entry)
{
    ck_assert_ptr_null(entry->content); /* was not asked for */
    return ++*(int *)context == 3;
}

static int check_content(void *context, const struct queue_entry *entry)
{
    ck_assert_str_eq(entry->content, "{\"subject\":\"hello\"}");
    ++*(int *)context;
    return 0;
}

START_TEST(a_list_stops_when_told_to_and_reads_content_only_when_asked)
{
    START();
    queue_fixture_add(&f, 1, 5);
    int count = 0;
    struct queue_filter filter = {0};
    ck_well(&f, queue_list(f.queue, &filter, stop_at_third, &count, &f.err));
    ck_assert_int_eq(count, 3);
    filter.with_content = true;
    count = 0;
    ck_well(&f, queue_list(f.queue, &filter, check_content, &count, &f.err));
    ck_assert_int_eq(count, 5);
}
END_TEST

/* ---- Raw bytes ------------------------------------------------------------------------------- */

static const uint64_t raw_sizes[] = {
    0, 1, QUEUE_INLINE_MAX - 1, QUEUE_INLINE_MAX, QUEUE_INLINE_MAX + 1, 3u * QUEUE_INLINE_MAX + 7};
enum { RAW_SIZES = sizeof raw_sizes / sizeof raw_sizes[0] };

/* All bytes there are, NUL too, without a short period. */
static uint8_t *raw_pattern(uint64_t size)
{
    uint8_t *bytes = malloc((size_t)size + 1);
    ck_assert_ptr_nonnull(bytes);
    for (uint64_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i ^ (i >> 8) * 7 ^ (i >> 16));
    return bytes;
}

static void check_raw(uint32_t uid, uint64_t size)
{
    char id[QUEUE_ID_TEXT];
    queue_fixture_id(uid, id);
    int fd = -1;
    ck_well(&f, queue_raw(f.queue, id, &fd, &f.err));
    uint8_t *want = raw_pattern(size), *got = raw_pattern(size + 1);
    uint64_t at = 0;
    for (ssize_t n; (n = read(fd, got + at, (size_t)(size + 1 - at))) > 0;)
        at += (uint64_t)n;
    ck_assert_uint_eq(at, size);
    ck_assert(size == 0 || memcmp(want, got, (size_t)size) == 0);
    ck_assert_int_lt((int)write(fd, "x", 1), 0); /* read only */
    close(fd);
    free(want);
    free(got);
}

START_TEST(raw_bytes_in_memory_come_back_exactly)
{
    START();
    for (uint32_t i = 0; i < RAW_SIZES; i++) {
        uint8_t *bytes = raw_pattern(raw_sizes[i]);
        struct queue_item item = queue_fixture_item(i + 1);
        item.raw_bytes = bytes;
        item.raw_size = raw_sizes[i];
        ck_assert_msg(put(&item) == QUEUE_PUT_ADDED, "%s", f.err.text);
        free(bytes);
    }
    ck_well(&f, queue_commit(f.queue, &f.err));
    if (f.keeps)
        queue_fixture_reopen(&f);
    for (uint32_t i = 0; i < RAW_SIZES; i++)
        check_raw(i + 1, raw_sizes[i]);
}
END_TEST

/* With a name or without one, or in another file system. */
static int raw_file(unsigned how, uint64_t size)
{
    static const char *const dirs[] = {".", ".", "/dev/shm"};
    char path[] = "queue-raw-XXXXXX";
    int fd = how == 0 ? mkstemp(path) : open(dirs[how], O_TMPFILE | O_RDWR, 0600);
    ck_assert_int_ge(fd, 0);
    if (how == 0)
        ck_assert_int_eq(unlink(path), 0);
    uint8_t *bytes = raw_pattern(size);
    ck_assert_int_eq(write(fd, bytes, (size_t)size), (ssize_t)size);
    free(bytes);
    return fd;
}

START_TEST(raw_bytes_in_a_file_come_back_exactly)
{
    START();
    uint32_t uid = 1;
    for (unsigned how = 0; how < 3; how++)
        for (size_t i = 0; i < RAW_SIZES; i++) {
            struct queue_item item = queue_fixture_item(uid++);
            item.raw_bytes = NULL;
            item.raw_size = raw_sizes[i];
            item.raw_fd = raw_file(how, raw_sizes[i]);
            ck_assert_msg(put(&item) == QUEUE_PUT_ADDED, "%s", f.err.text);
            ck_assert_int_ge(fcntl(item.raw_fd, F_GETFD), 0); /* still the caller's */
            close(item.raw_fd);
        }
    ck_well(&f, queue_commit(f.queue, &f.err));
    for (uint32_t i = 0; i < 3 * RAW_SIZES; i++)
        check_raw(i + 1, raw_sizes[i % RAW_SIZES]);
}
END_TEST

START_TEST(a_raw_file_shorter_than_told_is_refused)
{
    START();
    struct queue_item item = queue_fixture_item(1);
    item.raw_bytes = NULL;
    item.raw_size = 10;
    item.raw_fd = raw_file(1, 9);
    check_not_taken(&item, ERROR_BUG);
    close(item.raw_fd);
}
END_TEST

/* ---- Keeping --------------------------------------------------------------------------------- */

START_TEST(what_was_committed_is_there_after_close_and_reopen)
{
    START();
    if (!f.keeps)
        return;
    queue_fixture_add(&f, 1, 3);
    queue_fixture_note(&f, 2, QUEUE_STEP_MOVING);
    struct queue_item item = queue_fixture_item(4);
    ck_assert_int_eq(put(&item), QUEUE_PUT_ADDED); /* and left open */
    queue_fixture_reopen(&f);
    ck_assert_uint_eq(queue_fixture_count(&f), 3);
    ck_assert_int_eq(queue_fixture_record(&f, 2).step, QUEUE_STEP_MOVING);
    ck_assert_int_eq(queue_fixture_record(&f, 4).step, QUEUE_STEP_UNKNOWN);
    ck_assert_int_eq(put(&item), QUEUE_PUT_ADDED);
    item = queue_fixture_item(1);
    ck_assert_int_eq(put(&item), QUEUE_PUT_DUPLICATE);
}
END_TEST

/* What a process does that dies without a word; its exit code tells whether it could. */
static void die_after(void (*work)(struct queue *queue))
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct queue *queue;
        if (queue_open(f.url, NULL, &f.clock, &queue, NULL) < 0)
            _exit(1);
        work(queue);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

static void put_large_and_small(struct queue *queue)
{
    for (uint32_t uid = 1; uid <= 2; uid++) {
        struct queue_item item = queue_fixture_item(uid);
        if (uid == 2)
            item.raw_size = QUEUE_INLINE_MAX + 1;
        uint8_t *bytes = raw_pattern(item.raw_size);
        item.raw_bytes = bytes;
        if (queue_put(queue, &item, NULL) != QUEUE_PUT_ADDED)
            _exit(2);
        free(bytes);
    }
}

static void put_and_commit(struct queue *queue)
{
    put_large_and_small(queue);
    if (queue_commit(queue, NULL) != QUEUE_COMMITTED)
        _exit(3);
}

START_TEST(what_was_committed_is_there_when_the_process_died_without_close)
{
    START();
    if (!f.keeps)
        return;
    die_after(put_and_commit);
    queue_fixture_reopen(&f);
    ck_assert_uint_eq(queue_fixture_count(&f), 2);
    check_raw(2, QUEUE_INLINE_MAX + 1);
}
END_TEST

START_TEST(what_was_not_committed_is_gone_when_the_process_died_and_can_be_put_again)
{
    START();
    if (!f.keeps)
        return;
    die_after(put_large_and_small);
    ck_assert_uint_eq(queue_fixture_count(&f), 0);
    put_and_commit(f.queue);
    check_raw(2, QUEUE_INLINE_MAX + 1);
}
END_TEST

enum { RACE_ITEMS = 60 };

static void put_race(struct queue *queue)
{
    for (uint32_t uid = 1; uid <= RACE_ITEMS; uid++) {
        struct queue_item item = queue_fixture_item(uid);
        if (queue_put(queue, &item, NULL) == QUEUE_PUT_FAILED)
            _exit(2);
        if (uid % 3 == 0 && queue_commit(queue, NULL) != QUEUE_COMMITTED)
            _exit(3);
    }
}

START_TEST(two_processes_that_put_the_same_make_one_entry_of_each)
{
    START();
    if (!f.keeps)
        return;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    struct queue *queue;
    if (child == 0) {
        if (queue_open(f.url, NULL, &f.clock, &queue, NULL) < 0)
            _exit(1);
        put_race(queue);
        queue_close(queue);
        _exit(0);
    }
    put_race(f.queue);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(queue_fixture_count(&f), RACE_ITEMS);
}
END_TEST

START_TEST(a_url_of_no_known_kind_is_refused_with_those_there_are)
{
    struct queue *queue = NULL;
    struct error err;
    static const char *const urls[] = {"", "sqlite", "sqlit:x", "postgres:x", "memoryx:"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        ck_assert_int_eq(queue_open(urls[i], ".", clock_system(), &queue, &err), -1);
        ck_assert_int_eq(err.class, ERROR_USAGE);
        ck_assert_ptr_nonnull(strstr(err.text, "sqlite:FOLDER"));
    }
    ck_assert_int_eq(queue_open("sqlite:", NULL, clock_system(), &queue, &err), -1);
    ck_assert_int_eq(err.class, ERROR_USAGE);
    ck_assert_ptr_null(queue);
    queue_close(NULL);
}
END_TEST

/* ---- Sums ------------------------------------------------------------------------------------ */

START_TEST(stats_tell_what_there_is)
{
    START();
    add_mixed();
    f.now_s = 2000;
    queue_fixture_add(&f, 9, 9);
    queue_fixture_note(&f, 1, QUEUE_STEP_MOVED);
    struct queue_stats stats;
    ck_well(&f, queue_stats(f.queue, NULL, &stats, &f.err));
    ck_assert_uint_eq(stats.by_state[QUEUE_NEW], 7);
    ck_assert_uint_eq(stats.by_state[QUEUE_BAD], 2);
    ck_assert_uint_eq(stats.by_state[QUEUE_DONE], 0);
    ck_assert_uint_eq(stats.raw_bytes, 9 * queue_fixture_item(1).raw_size);
    ck_assert_int_eq(stats.oldest_new_s, 1000);
    ck_assert_uint_eq(stats.unsettled, 8);
    ck_well(&f, queue_stats(f.queue, "default", &stats, &f.err));
    ck_assert_uint_eq(stats.by_state[QUEUE_NEW], 1);
    ck_assert_int_eq(stats.oldest_new_s, 2000);
    ck_well(&f, queue_stats(f.queue, "nobody's", &stats, &f.err));
    ck_assert_uint_eq(stats.by_state[QUEUE_NEW], 0);
    ck_assert_int_eq(stats.oldest_new_s, 0);
}
END_TEST

static Suite *suite(void)
{
    /* Not about one back end. */
    const TTest *const plain_tests[] = {
        an_entry_id_is_the_uuid_v5_of_its_origins_key,
        no_names_with_colons_make_two_origins_share_a_key,
        a_key_may_fill_its_room_and_no_more,
        each_state_has_a_name_that_leads_back_to_it,
        a_url_of_no_known_kind_is_refused_with_those_there_are,
    };
    /* Run over each back end. */
    const TTest *const kind_tests[] = {
        an_origin_has_one_entry_however_often_it_is_put,
        a_duplicate_changes_nothing,
        origins_that_differ_in_one_part_have_entries_of_their_own,
        what_does_not_belong_to_an_origin_does_not_make_another_one,
        nothing_of_a_batch_is_there_after_its_rollback,
        an_entry_comes_back_as_it_was_put,
        what_may_be_missing_may_be_missing,
        an_item_over_a_limit_fails_and_takes_its_batch_with_it,
        an_entry_is_found_by_an_unambiguous_start_of_its_id,
        what_is_no_id_finds_nothing_and_says_so,
        a_list_shows_what_its_filter_lets_through_in_either_order,
        a_list_in_pages_of_any_size_shows_each_entry_once,
        a_list_cannot_continue_behind_what_is_not_there,
        a_list_stops_when_told_to_and_reads_content_only_when_asked,
        raw_bytes_in_memory_come_back_exactly,
        raw_bytes_in_a_file_come_back_exactly,
        a_raw_file_shorter_than_told_is_refused,
        what_was_committed_is_there_after_close_and_reopen,
        what_was_committed_is_there_when_the_process_died_without_close,
        what_was_not_committed_is_gone_when_the_process_died_and_can_be_put_again,
        two_processes_that_put_the_same_make_one_entry_of_each,
        stats_tell_what_there_is,
    };
    Suite *s = suite_create("queue");
    TCase *plain = tcase_create("names");
    for (size_t i = 0; i < sizeof plain_tests / sizeof plain_tests[0]; i++)
        tcase_add_test(plain, plain_tests[i]);
    suite_add_tcase(s, plain);
    TCase *kinds = tcase_create("back ends");
    tcase_add_checked_fixture(kinds, NULL, teardown);
    for (size_t i = 0; i < sizeof kind_tests / sizeof kind_tests[0]; i++)
        tcase_add_loop_test(kinds, kind_tests[i], 0, QUEUE_FIXTURE_KINDS);
    suite_add_tcase(s, kinds);
    return s;
}

CHECK_MAIN(suite)
