/* SPDX-License-Identifier: Apache-2.0 */
/* web-test.c - the parts of the REST interface that need no server: routes against the document,
 * problems, what a list shows. */
#include <config.h>
#include "check-main.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "check-progress.h"
#include "entry-summary.h"
#include "html-frame.h"
#include "json-line.h"
#include "web-problem.h"
#include "route.h"
#include "source-content.h"
#include "source-recent.h"
#include "sync-state.h"
#include "text.h"
#include "unpack.h"

/* ---- Routes ---------------------------------------------------------------------------------- */

static json_t *document(void)
{
    json_t *whole = json_load_file(SRCDIR "/../docs/openapi.json", JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(whole);
    return whole;
}

static const json_t *operation_of(const json_t *whole, const struct route *route)
{
    char path[128] = "/", method[16];
    text_copy(path + 1, sizeof path - 1, route->path);
    text_copy(method, sizeof method, http_method_name(route->method));
    for (char *at = method; *at != '\0'; at++)
        *at = text_lower(*at);
    return json_object_get(json_object_get(json_object_get(whole, "paths"), path), method);
}

START_TEST(the_document_and_the_table_tell_of_the_same_operations_and_rights)
{
    AUTO_JSON whole = document();
    size_t rows = 0, told = 0;
    for (const struct route *route = route_table(); route->path != NULL; route++, rows++) {
        const json_t *operation = operation_of(whole, route);
        ck_assert_msg(operation != NULL, "%s %s is not told of", http_method_name(route->method),
                      route->path);
        ck_assert_str_eq(json_string_value(json_object_get(operation, "x-role")),
                         access_role_name(route->role));
        ck_assert_msg((json_object_get(operation, "requestBody") != NULL) == route->body, "%s",
                      route->path);
        ck_assert_msg(json_array_size(json_object_get(operation, "security")) ==
                          (route->role == ACCESS_NOBODY ? 0u : 3u), "%s", route->path);
        bool written = route->method != HTTP_GET || strncmp(route->path, "entries/", 8) == 0;
        ck_assert_msg((route->audit != NULL) == written, "%s %s: what changes or shows a message "
                      "is written down", http_method_name(route->method), route->path);
    }
    const char *path, *method;
    json_t *item, *operation;
    json_object_foreach(json_object_get(whole, "paths"), path, item) /* analyse: jansson's */
        json_object_foreach(item, method, operation) told++;
    ck_assert_uint_eq(rows, told);
}
END_TEST

START_TEST(only_signing_in_needs_nobody)
{
    for (const struct route *route = route_table(); route->path != NULL; route++)
        if (route->role == ACCESS_NOBODY)
            ck_assert_msg(strcmp(route->path, "auth/setup") == 0 ||
                              strcmp(route->path, "auth/login") == 0, "%s", route->path);
}
END_TEST

START_TEST(a_path_is_found_with_its_parts_or_not_at_all)
{
    struct route_match match = route_find(HTTP_GET, "/api/v1/entries/abc/attachments/2");
    ck_assert_ptr_nonnull(match.route);
    ck_assert_str_eq(match.parts[0], "abc");
    ck_assert_str_eq(match.parts[1], "2");
    match = route_find(HTTP_HEAD, "/api/v1/entries/abc");
    ck_assert_str_eq(match.route->path, "entries/{id}");
    match = route_find(HTTP_POST, "/api/v1/entries/take");
    ck_assert_str_eq(match.route->path, "entries/take");
    match = route_find(HTTP_POST, "/api/v1/entries");
    ck_assert(match.route == NULL && match.path_known);
    ck_assert_str_eq(match.allowed, "GET");
    match = route_find(HTTP_OTHER, "/api/v1/ingestion-sources/x");
    ck_assert(match.route == NULL && match.path_known);
    ck_assert_str_eq(match.allowed, "GET, PUT, DELETE");
    static const char *const strangers[] = {"", "entries/", "entries//raw", "entry", "entries/a/b",
                                            "users/a/", "/users", "ingestion-sources/"};
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        char path[64] = ROUTE_START;
        text_copy(path + strlen(path), sizeof path - strlen(path), strangers[i]);
        match = route_find(HTTP_GET, path);
        ck_assert_msg(match.route == NULL && !match.path_known, "%s", path);
    }
    char lengthy[400] = ROUTE_START "entries/";
    memset(lengthy + strlen(lengthy), 'a', ROUTE_PART_SIZE);
    ck_assert_ptr_null(route_find(HTTP_GET, lengthy).route);
}
END_TEST

/* ---- Problems -------------------------------------------------------------------------------- */

START_TEST(a_problem_says_what_and_what_to_do)
{
    AUTO_DONE(buffer) out;
    buffer_init(&out, 4096);
    ck_assert_int_eq(web_problem_append(&out, 409, "it is \"there\"\n\x9B", "choose another"), 0);
    AUTO_JSON read = json_loadb(out.data, out.len, 0, NULL);
    ck_assert_ptr_nonnull(read);
    ck_assert_str_eq(json_string_value(json_object_get(read, "type")), "about:blank");
    ck_assert_str_eq(json_string_value(json_object_get(read, "title")), "Conflict");
    ck_assert_int_eq(json_integer_value(json_object_get(read, "status")), 409);
    ck_assert_str_eq(json_string_value(json_object_get(read, "to_do")), "choose another");
    ck_assert_ptr_nonnull(
        strstr(json_string_value(json_object_get(read, "message")), "; choose another"));
}
END_TEST

/* What is told of an error: "detail|to_do". */
static void problem_told(enum error_class class, const char *text, char *out, size_t size)
{
    AUTO_DONE(buffer) bytes;
    struct error err = {.class = class};
    text_copy(err.text, sizeof err.text, text);
    buffer_init(&bytes, 4096);
    ck_assert_int_eq(web_problem_append_error(&bytes, web_problem_code(class), &err), 0);
    AUTO_JSON read = json_loadb(bytes.data, bytes.len, 0, NULL);
    const char *detail = json_string_value(json_object_get(read, "detail"));
    const char *to_do = json_string_value(json_object_get(read, "to_do"));
    ck_assert(detail != NULL && to_do != NULL);
    (void)snprintf(out, size, "%s|%s", detail, to_do);
}

START_TEST(each_error_says_what_to_do_by_its_text_or_else_by_its_class)
{
    char told[2 * ERROR_TEXT_MAX];
    problem_told(ERROR_USAGE, "port 'x' is no number; use 993; or 143", told, sizeof told);
    ck_assert_str_eq(told, "port 'x' is no number|use 993; or 143");
    problem_told(ERROR_STORE, "the disk is full; free some space", told, sizeof told);
    ck_assert_str_eq(told, "the disk is full|free some space");
    static const char *const bare[] = {"it failed", "it failed; ", "; x", ""};
    for (int class = ERROR_NONE; class <= ERROR_HELD; class++)
        for (size_t i = 0; i < sizeof bare / sizeof bare[0]; i++) {
            problem_told((enum error_class)class, bare[i], told, sizeof told);
            const char *to_do = strchr(told, '|');
            ck_assert_msg(to_do != NULL && to_do != told && strlen(to_do) > 10, "class %d: %s",
                          class, told);
        }
}
END_TEST

START_TEST(each_class_of_errors_has_a_status)
{
    for (int class = ERROR_NONE; class <= ERROR_HELD; class++) {
        int code = web_problem_code((enum error_class)class);
        ck_assert(code == 400 || code == 500 || code == 503);
        ck_assert_str_ne(web_problem_title(code), "Error");
    }
    ck_assert_int_eq(web_problem_code(ERROR_USAGE), 400);
    ck_assert_int_eq(web_problem_code(ERROR_CREDENTIALS), 400);
    ck_assert_int_eq(web_problem_code(ERROR_STORE), 503);
    ck_assert_int_eq(web_problem_code(ERROR_BUG), 500);
}
END_TEST

START_TEST(the_depth_of_json_is_seen_before_it_is_read)
{
    static const struct {
        const char *text;
        unsigned depth;
    } rows[] = {
        {"", 0}, {"7", 0}, {"{}", 1}, {"[[]]", 2}, {"[[],[],{}]", 2}, {"[\"[[[\"]", 1},
        {"[\"\\\"[[\"]", 1}, {"[\"\\\\\",[]]", 2}, {"]]]][", 1}, {"{\"a\":[{\"b\":{}}]}", 4},
        {"[\"\\", 1}, {"[\"\\\\\\\"[", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(web_problem_json_depth(rows[i].text, strlen(rows[i].text)) == rows[i].depth,
                      "%s", rows[i].text);
}
END_TEST

/* ---- Lists ----------------------------------------------------------------------------------- */

START_TEST(a_search_looks_at_what_a_list_shows)
{
    char subject[] = "Invoice 42", sender[] = "Ann <ann@example.org>";
    struct queue_entry entry = {.subject = subject, .sender = sender};
    text_copy(entry.id, sizeof entry.id, "ecff7c0b-3670-529c-8836-fadbe93da5e1");
    static const char *const found[] = {"invoice", "42", "ANN@", "ecff7c0b", "e 4", "2"};
    static const char *const absent[] = {"invoices", "ben", "  ", "42x"};
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++)
        ck_assert_msg(entry_summary_matches(&entry, found[i]), "%s", found[i]);
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        ck_assert_msg(!entry_summary_matches(&entry, absent[i]), "%s", absent[i]);
}
END_TEST

/* ---- Statistics ------------------------------------------------------------------------------ */

START_TEST(a_time_is_read_with_its_offset_or_not_at_all)
{
    static const struct {
        const char *text;
        int64_t unix_s; /* -1: it is none */
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-03-01T12:00:00+02:00", 1772359200},
        {"2026-03-01T12:00:00-05:30", 1772386200},
        {"2026-02-30T12:00:00", -1},
        {"2026-13-01T12:00:00Z", -1},
        {"2026-03-00T12:00:00Z", -1},
        {"2026-03-01 12:00:00Z", -1},
        {"2026-03-01T12:00:00+2:00", -1},
        {"2026-03-01T12:00:00+02:00x", -1},
        {"2026-03-01T12:0", -1},
        {"", -1},
        {NULL, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t got = -1;
        bool read = source_recent_time(rows[i].text, &got);
        ck_assert_msg(read == (rows[i].unix_s >= 0), "row %zu", i);
        ck_assert_msg(got == rows[i].unix_s, "row %zu: %lld", i, (long long)got);
    }
}
END_TEST

/* ---- Room to unpack -------------------------------------------------------------------------- */

START_TEST(no_more_is_unpacked_than_there_is_room_for_and_what_was_sent_makes_room)
{
    AUTO(unpack) unpack = NULL;
    struct error err;
    ck_assert_int_eq(unpack_new(&unpack, &err), 0);
    AUTO_FD fd = unpack_file(NULL, &err);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(unpack_take(unpack, fd, 1, &err), 0);
    ck_assert_int_eq(unpack_take(unpack, fd, UNPACK_MAX, &err), -1);
    ck_assert_int_eq(err.class, ERROR_PAUSE);
    ck_assert_int_eq(unpack_take(unpack, fd, UINT64_MAX, &err), -1);
    ck_assert_int_eq(err.class, ERROR_PAUSE);
    ck_assert_int_eq(unpack_take(unpack, fd, 2, &err), 0);
    unpack_release(unpack, 2);
    unpack_release(unpack, 1);
    for (unsigned i = 0; i < 3; i++) { /* alone it may be as large as the disk */
        ck_assert_int_eq(unpack_take(unpack, fd, INT64_MAX, &err), -1);
        ck_assert_int_eq(err.class, ERROR_STORE);
        ck_assert_ptr_nonnull(strstr(err.text, "; free some space"));
    }
    ck_assert_int_eq(unpack_take(unpack, fd, 1, &err), 0);
    unpack_release(unpack, 1);
    ck_assert_int_eq(unpack_file("/there/is/no/such/folder", &err), -1);
    ck_assert_int_eq(err.class, ERROR_STORE);
}
END_TEST

/* ---- What other clients know ----------------------------------------------------------------- */

START_TEST(how_far_a_source_has_come_is_read_from_its_last_key)
{
    static const struct {
        const char *cursor, *told;
    } rows[] = {
        {"imap:ann@mail.example.org:17:4711:INBOX", "{\"imap\":{\"INBOX\":{\"maxUid\":4711}}}"},
        {"IMAP:ann@127.0.0.1:1143:17:4:A:B/1", "{\"imap\":{\"A:B/1\":{\"maxUid\":4}}}"},
        {"imap:a:1@[2001:10:20:30::1]:1:4294967295:7", "{\"imap\":{\"7\":{\"maxUid\":4294967295}}}"},
        {"imap:ann@a:5:b:6:7:x", "{\"imap\":{\"x\":{\"maxUid\":7}}}"},
        {NULL, "{}"}, {"", "{}"}, {"imap", "{}"}, {"imap:", "{}"}, {"imap:a:1", "{}"},
        {"imap:a:1:2", "{}"}, {"imap:a:1:b", "{}"}, {"imap:a:4294967296:1:x", "{}"},
        {"imap:a@[::1:1:2:x", "{}"}, {"folder:/srv/mail:1:2:x", "{}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO_JSON state = sync_state_json(rows[i].cursor);
        char *told = json_dumps(state, JSON_COMPACT);
        ck_assert_str_eq(told, rows[i].told);
        free(told);
    }
}
END_TEST

static void content_entry(struct source_content *content, const char *id, char *text, bool counted)
{
    struct queue_entry entry = {.content = text, .content_size = strlen(text)};
    text_copy(entry.id, sizeof entry.id, id);
    ck_assert_msg(source_content_add(content, &entry) == counted, "%s", text);
}

START_TEST(attachments_and_threads_are_counted_in_the_newest_entries_and_no_further)
{
    AUTO_TEXT large = malloc(SOURCE_CONTENT_BYTES);
    struct source_content *content = calloc(1, sizeof *content);
    char first[] = "{\"message_id\":\"<a@b>\",\"references\":[],\"attachments\":[]}",
         answer[] = "{\"message_id\":\"<c@b>\",\"in_reply_to\":\"<a@b>\",\"attachments\":"
                    "[{\"size\":5},{\"size\":-1},{\"size\":\"x\"},7]}",
         third[] = "{\"references\":[\"<a@b>\",\"<c@b>\"],\"in_reply_to\":\"<c@b>\"}",
         alone[] = "{}", broken[] = "{\"attachments\":[";
    ck_assert(content != NULL && large != NULL);
    content_entry(content, "1", first, true);
    content_entry(content, "2", answer, true);
    content_entry(content, "3", third, true);
    ck_assert_uint_eq(source_content_threads(content), 1);
    content_entry(content, "4", alone, true);
    content_entry(content, "5", broken, true);
    ck_assert_uint_eq(source_content_threads(content), 3);
    ck_assert_uint_eq(content->attachments, 4);
    ck_assert_uint_eq(content->attachment_bytes, 5);
    ck_assert_uint_eq(content->with_attachments, 1);
    memset(large, ' ', SOURCE_CONTENT_BYTES - 1);
    large[SOURCE_CONTENT_BYTES - 1] = '\0';
    content_entry(content, "6", large, false);
    ck_assert_uint_eq(content->entries, 5);
    while (content->entries < SOURCE_CONTENT_MAX)
        content_entry(content, "7", alone, true);
    content_entry(content, "8", alone, false);
    free(content);
}
END_TEST

static int64_t spread_sum(const json_t *spread)
{
    int64_t sum = 0;
    size_t i;
    json_t *one;
    json_array_foreach ((json_t *)(uintptr_t)spread, i, one)
        sum += json_integer_value(json_object_get(one, "count"));
    return sum;
}

START_TEST(mail_from_before_the_import_tells_nothing_of_how_long_it_takes)
{
    char inbox[] = "INBOX", sent[] = "Sent", old[] = "2020-01-01T00:00:00Z",
         new[] = "2026-03-01T12:00:00+02:00";
    struct queue_entry entry = {.mailbox = inbox, .date_received = old, .raw_size = 10000,
                                .created_s = 1772359203};
    AUTO(source_recent) recent = source_recent_new(1772359000);
    ck_assert(source_recent_add(recent, &entry));
    entry.date_received = new;
    entry.mailbox = sent;
    entry.raw_size = 10001;
    ck_assert(source_recent_add(recent, &entry));
    AUTO_JSON told = source_recent_json(recent);
    const json_t *latency = json_object_get(told, "latency"),
                 *sizes = json_object_get(told, "sizes");
    ck_assert_int_eq(json_integer_value(json_object_get(told, "entries")), 2);
    ck_assert_int_eq(json_integer_value(json_object_get(latency, "count")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(latency, "median")), 3);
    ck_assert_int_eq(json_integer_value(json_object_get(latency, "longest")), 3);
    ck_assert_int_eq(spread_sum(json_object_get(latency, "spread")), 1);
    ck_assert_int_eq(spread_sum(sizes), 2);
    for (size_t i = 0; i < 2; i++) /* at its limit a size is in the first, above it in the next */
        ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(sizes, i), "count")), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(told, "folders")), 2);
}
END_TEST

START_TEST(a_thousand_entries_are_enough_and_folders_beyond_twenty_share_a_line)
{
    char name[16], date[] = "2026-03-01T12:00:00Z";
    struct queue_entry entry = {.mailbox = name, .date_received = date, .raw_size = 1};
    AUTO(source_recent) recent = source_recent_new(1);
    for (unsigned i = 0; i < SOURCE_RECENT_MAX; i++) {
        (void)snprintf(name, sizeof name, "box %u", i % 25);
        ck_assert(source_recent_add(recent, &entry));
    }
    ck_assert(!source_recent_add(recent, &entry));
    AUTO_JSON told = source_recent_json(recent);
    const json_t *folders = json_object_get(told, "folders");
    ck_assert_uint_eq(json_array_size(folders), SOURCE_RECENT_FOLDERS + 1);
    ck_assert_int_eq(spread_sum(folders), SOURCE_RECENT_MAX);
    const json_t *others = json_array_get(folders, SOURCE_RECENT_FOLDERS);
    ck_assert(json_is_null(json_object_get(others, "name")));
    ck_assert_int_eq(json_integer_value(json_object_get(others, "count")), 5 * 40);
}
END_TEST

/* ---- Tests that are running ------------------------------------------------------------------ */

START_TEST(a_running_test_tells_its_steps_under_its_name_until_it_ends)
{
    AUTO(check_progress) progress = NULL;
    struct error err;
    AUTO_JSON step = json_pack("{s:s}", "step", "login");
    ck_assert_int_eq(check_progress_new(&progress, &err), 0);
    int run = check_progress_begin(progress, "mine");
    ck_assert_int_ge(run, 0);
    ck_assert_int_lt(check_progress_begin(progress, "mine"), 0); /* taken */
    ck_assert_int_lt(check_progress_begin(progress, ""), 0);
    ck_assert_int_lt(check_progress_begin(progress, NULL), 0);
    check_progress_step(progress, -1, step);
    check_progress_step(progress, run, step);
    AUTO_JSON steps = check_progress_steps(progress, "mine");
    ck_assert_uint_eq(json_array_size(steps), 1);
    ck_assert_ptr_null(check_progress_steps(progress, "yours"));
    ck_assert_ptr_null(check_progress_steps(progress, ""));
    check_progress_end(progress, run);
    ck_assert_ptr_null(check_progress_steps(progress, "mine"));
}
END_TEST

START_TEST(more_tests_than_there_is_room_for_run_untold)
{
    AUTO(check_progress) progress = NULL;
    struct error err;
    char name[CHECK_PROGRESS_NAME_MAX + 2];
    ck_assert_int_eq(check_progress_new(&progress, &err), 0);
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ck_assert_int_lt(check_progress_begin(progress, name), 0); /* one byte too long */
    for (unsigned i = 0; i < CHECK_PROGRESS_RUNS; i++) {
        (void)snprintf(name, sizeof name, "run %u", i);
        ck_assert_int_ge(check_progress_begin(progress, name), 0);
    }
    ck_assert_int_lt(check_progress_begin(progress, "one more"), 0);
    check_progress_end(progress, 3);
    ck_assert_int_eq(check_progress_begin(progress, "one more"), 3);
}
END_TEST

/* ---- HTML ------------------------------------------------------------------------------------ */

START_TEST(elements_that_call_strangers_lose_their_names_and_nothing_else_changes)
{
    static const struct {
        const char *html, *want;
    } rows[] = {
        {"<link rel=preconnect href=x>", "<x-link rel=preconnect href=x>"},
        {"<LiNk/rel=a><META a><Base\nb>", "<x-LiNk/rel=a><x-META a><x-Base\nb>"},
        {"<<link>", "<<x-link>"},
        {"<IFRAME src=a><frameset><object><embed><portal>",
         "<x-IFRAME src=a><x-frameset><x-object><x-embed><x-portal>"},
        {"a<", "a<"},
        {"", ""},
        {"</link>< link><li nk>&lt;link>", "</link>< link><li nk>&lt;link>"},
        {"<p title='<link>'>links</p>", "<p title='<x-link>'>links</p>"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO_DONE(buffer) out;
        buffer_init(&out, 4096);
        ck_assert_int_eq(html_frame_append(&out, rows[i].html), 0);
        ck_assert_str_eq(out.len == 0 ? "" : buffer_text(&out), rows[i].want);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("web");
    TCase *t = tcase_create("web");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, the_document_and_the_table_tell_of_the_same_operations_and_rights);
    tcase_add_test(t, only_signing_in_needs_nobody);
    tcase_add_test(t, a_path_is_found_with_its_parts_or_not_at_all);
    tcase_add_test(t, a_problem_says_what_and_what_to_do);
    tcase_add_test(t, each_error_says_what_to_do_by_its_text_or_else_by_its_class);
    tcase_add_test(t, each_class_of_errors_has_a_status);
    tcase_add_test(t, no_more_is_unpacked_than_there_is_room_for_and_what_was_sent_makes_room);
    tcase_add_test(t, how_far_a_source_has_come_is_read_from_its_last_key);
    tcase_add_test(t, attachments_and_threads_are_counted_in_the_newest_entries_and_no_further);
    tcase_add_test(t, the_depth_of_json_is_seen_before_it_is_read);
    tcase_add_test(t, a_search_looks_at_what_a_list_shows);
    tcase_add_test(t, a_time_is_read_with_its_offset_or_not_at_all);
    tcase_add_test(t, mail_from_before_the_import_tells_nothing_of_how_long_it_takes);
    tcase_add_test(t, a_thousand_entries_are_enough_and_folders_beyond_twenty_share_a_line);
    tcase_add_test(t, a_running_test_tells_its_steps_under_its_name_until_it_ends);
    tcase_add_test(t, more_tests_than_there_is_room_for_run_untold);
    tcase_add_test(t, elements_that_call_strangers_lose_their_names_and_nothing_else_changes);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
