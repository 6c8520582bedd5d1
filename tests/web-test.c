/* SPDX-License-Identifier: Apache-2.0 */
/* web-test.c - the parts of the REST interface that need no server: routes against the document,
 * problems, passwords and tokens, how often somebody may try, what a list shows. */
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
#include "pass.h"
#include "web-problem.h"
#include "rate.h"
#include "route.h"
#include "source-content.h"
#include "source-recent.h"
#include "sync-state.h"
#include "text.h"
#include "trail.h"
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
    json_object_foreach (json_object_get(whole, "paths"), path, item)
        json_object_foreach (item, method, operation)
            told++;
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
            ck_assert_msg(to_do != told && strlen(to_do) > 10, "class %d: %s", class, told);
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

/* ---- Passwords and tokens -------------------------------------------------------------------- */

START_TEST(a_password_is_known_by_its_hash_alone)
{
    char hash[PASS_HASH_SIZE], again[PASS_HASH_SIZE];
    struct error err;
    ck_assert_int_eq(pass_start(&err), 0);
    ck_assert_int_eq(pass_hash("four words of mine", hash, &err), 0);
    ck_assert_int_eq(pass_hash("four words of mine", again, &err), 0);
    ck_assert(text_starts_nocase(hash, "$argon2id$"));
    ck_assert_str_ne(hash, again);
    ck_assert(pass_check(hash, "four words of mine"));
    ck_assert(!pass_check(hash, "four words of min"));
    ck_assert(!pass_check(hash, ""));
    ck_assert(!pass_check(NULL, "four words of mine"));
    ck_assert(!pass_check("", ""));
    ck_assert(!pass_check("$argon2id$broken", "four words of mine"));
    ck_assert_int_eq(pass_hash("123456789", hash, &err), -1);
    ck_assert_int_eq(err.class, ERROR_USAGE);
    char big[PASS_TEXT_MAX + 2];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    ck_assert_int_eq(pass_hash(big, hash, &err), -1);
    ck_assert(!pass_check(hash, big));
    ck_assert(!pass_check(NULL, big));
}
END_TEST

START_TEST(tokens_are_long_different_and_have_a_digest_for_each_use)
{
    char a[PASS_TOKEN_SIZE], b[PASS_TOKEN_SIZE];
    uint8_t one[PASS_DIGEST_SIZE], two[PASS_DIGEST_SIZE];
    pass_token(a);
    pass_token(b);
    ck_assert_uint_eq(strlen(a), 43);
    ck_assert_str_ne(a, b);
    ck_assert_uint_eq(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
                      43);
    pass_digest(a, "session", one);
    pass_digest(a, "session", two);
    ck_assert_mem_eq(one, two, sizeof one);
    pass_digest(a, "key", two);
    ck_assert_mem_ne(one, two, sizeof one);
    ck_assert(pass_equal(a, a) && !pass_equal(a, b) && !pass_equal(NULL, a) &&
              !pass_equal(NULL, NULL) && !pass_equal("", a));
}
END_TEST

/* ---- Tries ----------------------------------------------------------------------------------- */

static struct rate rate;
static struct rate_try last;

static unsigned tries(const char *account, const char *from, uint64_t now_ms)
{
    unsigned count = 0;
    while (count < 100 && rate_try(&rate, account, from, now_ms, &last) == 0)
        count++;
    return count;
}

static uint64_t try(const char *account, const char *from, uint64_t now_ms)
{
    return rate_try(&rate, account, from, now_ms, &last);
}

static void rate_setup(void)
{
    struct error err;
    ck_assert_int_eq(pass_start(&err), 0);
    rate_init(&rate);
    memset(rate.key, 7, sizeof rate.key); /* the same in each run */
}

START_TEST(an_account_is_tried_five_times_and_then_after_ever_longer_waits)
{
    uint64_t now_ms = 100000, want_ms = RATE_WAIT_MS;
    for (unsigned round = 0; round < 7; round++) {
        char from[32];
        (void)snprintf(from, sizeof from, "192.0.2.%u", round);
        ck_assert_uint_eq(tries(round % 2 == 0 ? "ann" : "ANN", from, now_ms), RATE_ACCOUNT_TRIES);
        uint64_t wait_ms = try("ann", "198.51.100.1", now_ms);
        ck_assert_uint_eq(wait_ms, want_ms);
        ck_assert_uint_eq(try("ann", "198.51.100.1", now_ms + wait_ms - 1), 1);
        now_ms += wait_ms;
        want_ms = want_ms * 2 < RATE_WAIT_MAX_MS ? want_ms * 2 : RATE_WAIT_MAX_MS;
    }
    ck_assert_uint_eq(tries("ben", "192.0.2.99", now_ms), RATE_ACCOUNT_TRIES);
}
END_TEST

START_TEST(an_address_is_heard_twenty_times_whatever_it_calls_itself)
{
    unsigned count = 0;
    for (; count < 100; count++) {
        char name[16];
        (void)snprintf(name, sizeof name, "user%u", count);
        if (try(name, "192.0.2.1", 100000) != 0)
            break;
    }
    ck_assert_uint_eq(count, RATE_FROM_TRIES);
    ck_assert_uint_eq(try("other", "192.0.2.2", 100000), 0);
    ck_assert_uint_eq(tries("again", "192.0.2.1", 100000 + RATE_WINDOW_MS), RATE_ACCOUNT_TRIES);
}
END_TEST

START_TEST(all_addresses_of_one_network_have_twenty_tries_together)
{
    static const char *const same[] = {"2001:db8:1:2::1", "2001:db8:1:2:ffff::", "2001:DB8:1:2::9"};
    static const char *const mapped[] = {"192.0.2.1", "::ffff:192.0.2.1"};
    char name[16];
    for (unsigned i = 0; i < RATE_FROM_TRIES; i++) {
        (void)snprintf(name, sizeof name, "user%u", i);
        ck_assert_uint_eq(try(name, same[i % 3], 100000), 0);
        ck_assert_uint_eq(try(name, mapped[i % 2], 100000), 0);
    }
    ck_assert_uint_gt(try("one", "2001:db8:1:2:abcd::1", 100000), 0);
    ck_assert_uint_gt(try("one", "::ffff:192.0.2.1", 100000), 0);
    ck_assert_uint_eq(try("one", "2001:db8:1:3::1", 100000), 0);
    ck_assert_uint_eq(try("one", "192.0.2.2", 100000), 0);
}
END_TEST

START_TEST(what_was_right_does_not_count)
{
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_uint_eq(try("ann", "192.0.2.1", 100000), 0);
        rate_right(&rate, &last, 100000);
        ck_assert_uint_eq(try(NULL, "192.0.2.1", 100000), 0);
        rate_right(&rate, &last, 100000);
    }
    ck_assert_uint_eq(tries("ann", "192.0.2.2", 100000), RATE_ACCOUNT_TRIES);
    ck_assert_uint_eq(tries("ben", "192.0.2.1", 100000), RATE_ACCOUNT_TRIES);
}
END_TEST

START_TEST(who_signed_in_from_a_network_is_locked_out_there_by_nobody_elsewhere)
{
    ck_assert_uint_eq(try("ann", "2001:db8::1", 100000), 0);
    rate_right(&rate, &last, 100000);
    ck_assert_uint_eq(tries("ann", "192.0.2.66", 100000), RATE_ACCOUNT_TRIES); /* a guesser */
    ck_assert_uint_gt(try("ann", "192.0.2.67", 100000), 0);
    for (unsigned i = 0; i < RATE_FROM_TRIES + 1; i++) { /* beside her */
        char name[16];
        (void)snprintf(name, sizeof name, "user%u", i);
        (void)try(name, "2001:db8::9", 100000);
    }
    ck_assert_uint_gt(try("ben", "2001:db8::9", 100000), 0);
    ck_assert_uint_eq(try("Ann", "2001:db8::2", 100000), 0);
    rate_right(&rate, &last, 100000);
    ck_assert_uint_eq(tries("ann", "2001:db8::3", 100000), RATE_ACCOUNT_TRIES); /* no more there */
}
END_TEST

static void many_names(unsigned count, unsigned each, uint64_t now_ms)
{
    for (unsigned i = 0; i < count * each; i++) {
        char name[24], from[48];
        (void)snprintf(name, sizeof name, "stranger%u", i / each);
        (void)snprintf(from, sizeof from, "2001:db8:%x:%x::1", 0x1000 + i / 65536, i % 65536);
        (void)try(name, from, now_ms);
    }
}

START_TEST(no_flood_of_names_lets_anybody_start_anew)
{
    for (unsigned i = 0; i < 30; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "user%u", i);
        (void)try(name, "192.0.2.1", 100000);
    }
    ck_assert_uint_eq(tries("ann", "192.0.2.2", 100000), RATE_ACCOUNT_TRIES);
    ck_assert_uint_eq(try("ann", "192.0.2.3", 100000), RATE_WAIT_MS);
    many_names(100000, 1, 100001);
    ck_assert_uint_gt(try("ann", "192.0.2.3", 100002), 0);
    ck_assert_uint_gt(try("new", "192.0.2.1", 100002), 0);
}
END_TEST

START_TEST(a_thousand_names_that_wait_keep_hardly_anybody_else_waiting)
{
    unsigned waiting = 0;
    many_names(1000, RATE_ACCOUNT_TRIES + 1, 100000);
    for (unsigned i = 0; i < 10000; i++) {
        char name[24], from[24];
        (void)snprintf(name, sizeof name, "other%u", i);
        (void)snprintf(from, sizeof from, "198.18.%u.%u", i / 256, i % 256);
        waiting += rate_try(&rate, name, from, 100001, &last) != 0;
        if (last.account != 0)
            rate_right(&rate, &last, 100001);
    }
    ck_assert_uint_le(waiting, 3);
}
END_TEST

START_TEST(a_hash_by_another_key_is_another)
{
    uint8_t one[PASS_KEY_SIZE], two[PASS_KEY_SIZE];
    pass_key(one);
    pass_key(two);
    ck_assert_uint_eq(pass_keyed(one, "192.0.2.1"), pass_keyed(one, "192.0.2.1"));
    ck_assert_uint_ne(pass_keyed(one, "192.0.2.1"), pass_keyed(two, "192.0.2.1"));
    ck_assert_uint_ne(pass_keyed(one, "192.0.2.1"), pass_keyed(one, "192.0.2.2"));
}
END_TEST

/* ---- What is written down -------------------------------------------------------------------- */

static struct trail *trail;
static uint64_t left_out;

static void trail_setup(void)
{
    struct error err;
    ck_assert_int_eq(pass_start(&err), 0);
    ck_assert_int_eq(trail_new(&trail, &err), 0);
}

static void trail_teardown(void)
{
    trail_free(TAKE(trail));
}

static bool wants(const char *who, const char *from, unsigned result, enum trail_kind kind,
                  uint64_t now_ms)
{
    struct queue_audit line = {.result = result, .what = "what", .object = "one"};
    text_copy(line.who, sizeof line.who, who);
    text_copy(line.from, sizeof line.from, from);
    return trail_wants(trail, &line, kind, true, now_ms, &left_out);
}

START_TEST(what_changes_is_always_written_and_what_only_looks_never)
{
    for (unsigned i = 0; i < 3 * TRAIL_STRANGERS; i++) {
        ck_assert(wants("ann", "192.0.2.1", i % 2 == 0 ? 200 : 409, TRAIL_CHANGED, 1000));
        ck_assert(!wants("ann", "192.0.2.1", 200, TRAIL_LOOKED, 1000));
        ck_assert(!wants("ann", "192.0.2.1", 404, TRAIL_LOOKED, 1000));
    }
}
END_TEST

START_TEST(a_message_that_is_shown_again_soon_is_written_once_for_each_who_sees_it)
{
    ck_assert(wants("ann", "192.0.2.1", 200, TRAIL_SHOWN, 1000));
    ck_assert(!wants("ann", "192.0.2.1", 206, TRAIL_SHOWN, 2000));
    ck_assert(wants("ben", "192.0.2.1", 200, TRAIL_SHOWN, 2000));
    ck_assert(wants("ann", "192.0.2.2", 200, TRAIL_SHOWN, 2000));
    ck_assert(!wants("cid", "192.0.2.1", 404, TRAIL_SHOWN, 2000)); /* there was none */
    ck_assert(wants("ann", "192.0.2.1", 200, TRAIL_SHOWN, 1000 + TRAIL_AGAIN_MS));
}
END_TEST

START_TEST(refusals_are_written_so_far_and_those_left_out_are_counted)
{
    unsigned written = 0;
    for (unsigned i = 0; i < 50; i++)
        written += wants("ann", "192.0.2.1", 403, TRAIL_LOOKED, 1000);
    ck_assert_uint_eq(written, TRAIL_EACH);
    ck_assert(wants("ann", "192.0.2.1", 204, TRAIL_CHANGED, 1001));
    ck_assert_uint_eq(left_out, 50 - TRAIL_EACH);
    ck_assert(wants("ann", "192.0.2.1", 204, TRAIL_CHANGED, 1002));
    ck_assert_uint_eq(left_out, 0);
    ck_assert(wants("ann", "192.0.2.1", 403, TRAIL_LOOKED, 61000));
    written = 0;
    for (unsigned i = 0; i < 5000; i++) {
        char from[32];
        (void)snprintf(from, sizeof from, "198.51.%u.%u", i / 250, i % 250);
        written += wants("", from, i % 3 == 0 ? 401 : i % 3 == 1 ? 429 : 400, TRAIL_CHANGED, 62000);
    }
    ck_assert_uint_eq(written, TRAIL_STRANGERS);
    ck_assert(wants("ann", "192.0.2.1", 403, TRAIL_CHANGED, 62000)); /* they are no strangers */
    ck_assert_uint_eq(left_out, 5000 - TRAIL_STRANGERS);
    ck_assert(wants("", "192.0.2.9", 401, TRAIL_CHANGED, 3700000));
}
END_TEST

START_TEST(who_shows_nothing_and_only_looks_is_not_written)
{
    struct queue_audit line = {.result = 401, .what = "GET auth/me", .from = "192.0.2.1"};
    ck_assert(!trail_wants(trail, &line, TRAIL_LOOKED, false, 1000, &left_out));
    ck_assert(trail_wants(trail, &line, TRAIL_LOOKED, true, 1000, &left_out));
    ck_assert(trail_wants(trail, &line, TRAIL_SHOWN, false, 1000, &left_out));
    ck_assert(trail_wants(trail, &line, TRAIL_CHANGED, false, 1000, &left_out));
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
    tcase_add_test(t, a_password_is_known_by_its_hash_alone);
    tcase_add_test(t, tokens_are_long_different_and_have_a_digest_for_each_use);
    tcase_add_test(t, a_search_looks_at_what_a_list_shows);
    tcase_add_test(t, a_time_is_read_with_its_offset_or_not_at_all);
    tcase_add_test(t, mail_from_before_the_import_tells_nothing_of_how_long_it_takes);
    tcase_add_test(t, a_thousand_entries_are_enough_and_folders_beyond_twenty_share_a_line);
    tcase_add_test(t, a_running_test_tells_its_steps_under_its_name_until_it_ends);
    tcase_add_test(t, more_tests_than_there_is_room_for_run_untold);
    tcase_add_test(t, elements_that_call_strangers_lose_their_names_and_nothing_else_changes);
    suite_add_tcase(s, t);
    TCase *w = tcase_create("trail");
    tcase_add_checked_fixture(w, trail_setup, trail_teardown);
    tcase_add_test(w, what_changes_is_always_written_and_what_only_looks_never);
    tcase_add_test(w, a_message_that_is_shown_again_soon_is_written_once_for_each_who_sees_it);
    tcase_add_test(w, refusals_are_written_so_far_and_those_left_out_are_counted);
    tcase_add_test(w, who_shows_nothing_and_only_looks_is_not_written);
    suite_add_tcase(s, w);
    TCase *r = tcase_create("rate");
    tcase_set_timeout(r, 60);
    tcase_add_checked_fixture(r, rate_setup, NULL);
    tcase_add_test(r, an_account_is_tried_five_times_and_then_after_ever_longer_waits);
    tcase_add_test(r, an_address_is_heard_twenty_times_whatever_it_calls_itself);
    tcase_add_test(r, all_addresses_of_one_network_have_twenty_tries_together);
    tcase_add_test(r, what_was_right_does_not_count);
    tcase_add_test(r, who_signed_in_from_a_network_is_locked_out_there_by_nobody_elsewhere);
    tcase_add_test(r, no_flood_of_names_lets_anybody_start_anew);
    tcase_add_test(r, a_thousand_names_that_wait_keep_hardly_anybody_else_waiting);
    tcase_add_test(r, a_hash_by_another_key_is_another);
    suite_add_tcase(s, r);
    return s;
}

CHECK_MAIN(suite)
