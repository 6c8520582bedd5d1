/* SPDX-License-Identifier: Apache-2.0 */
/* web-access-test.c - who gets in: passwords and tokens, how often somebody may try, what is
 * written down of it. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <string.h>

#include "pass.h"
#include "rate.h"
#include "text.h"
#include "trail.h"

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

static unsigned hashed; /* passwords */
int __real_crypto_pwhash(unsigned char *, unsigned long long, const char *, unsigned long long,
                         const unsigned char *, unsigned long long, size_t, int);
int __wrap_crypto_pwhash(unsigned char *, unsigned long long, const char *, unsigned long long,
                         const unsigned char *, unsigned long long, size_t, int);
int __wrap_crypto_pwhash(unsigned char *out, unsigned long long size, const char *password,
                         unsigned long long length, const unsigned char *salt,
                         unsigned long long ops, size_t memory, int kind)
{
    hashed++;
    return __real_crypto_pwhash(out, size, password, length, salt, ops, memory, kind);
}

int __real_crypto_pwhash_str_verify(const char *, const char *, unsigned long long);
int __wrap_crypto_pwhash_str_verify(const char *, const char *, unsigned long long);
int __wrap_crypto_pwhash_str_verify(const char *hash, const char *password,
                                    unsigned long long length)
{
    hashed++;
    return __real_crypto_pwhash_str_verify(hash, password, length);
}

START_TEST(whoever_is_guessed_at_and_by_whatever_as_many_passwords_are_hashed)
{
    static char lengthy[PASS_TEXT_MAX + 2];
    const char *const guesses[] = {"", "guess", "four words of mine", lengthy};
    char hash[PASS_HASH_SIZE];
    struct error err;
    memset(lengthy, 'x', sizeof lengthy - 1);
    ck_assert_int_eq(pass_start(&err), 0);
    ck_assert_int_eq(pass_hash("four words of mine", hash, &err), 0);
    for (size_t i = 0; i < sizeof guesses / sizeof guesses[0]; i++) {
        unsigned counts[3] = {0};
        const char *const whom[3] = {hash, NULL, ""};
        for (size_t k = 0; k < 3; k++) {
            hashed = 0;
            (void)pass_check(whom[k], guesses[i]);
            counts[k] = hashed;
        }
        ck_assert_msg(counts[0] == counts[1] && counts[1] == counts[2], "guess %zu: %u %u %u", i,
                      counts[0], counts[1], counts[2]);
        ck_assert_uint_eq(counts[0], guesses[i] != lengthy);
    }
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
    memset(&rate, 0, sizeof rate);
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
    ck_assert(
        !wants("ann", "192.0.2.1", 206, TRAIL_SHOWN, 999)); /* asked at once, by another thread */
    ck_assert(wants("ben", "192.0.2.1", 200, TRAIL_SHOWN, 2000));
    ck_assert(wants("ann", "192.0.2.2", 200, TRAIL_SHOWN, 2000));
    ck_assert(!wants("cid", "192.0.2.1", 404, TRAIL_SHOWN, 2000)); /* there was none */
    ck_assert(wants("ann", "192.0.2.1", 200, TRAIL_SHOWN, 1000 + TRAIL_AGAIN_MS));
}
END_TEST

START_TEST(what_is_looked_at_together_is_written_once_whatever_the_key)
{
    for (unsigned key = 0; key < 1000; key++) {
        trail_teardown();
        trail_setup();
        for (unsigned i = 0; i < 3 * TRAIL_TOGETHER; i++) {
            char who[2] = {(char)('a' + i % TRAIL_TOGETHER), '\0'};
            ck_assert_int_eq(wants(who, "192.0.2.1", 200, TRAIL_SHOWN, 1000 + i),
                             i < TRAIL_TOGETHER);
        }
    }
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

static Suite *suite(void)
{
    Suite *s = suite_create("web-access");
    TCase *t = tcase_create("pass");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_password_is_known_by_its_hash_alone);
    tcase_add_test(t, whoever_is_guessed_at_and_by_whatever_as_many_passwords_are_hashed);
    tcase_add_test(t, tokens_are_long_different_and_have_a_digest_for_each_use);
    suite_add_tcase(s, t);
    TCase *w = tcase_create("trail");
    tcase_add_checked_fixture(w, trail_setup, trail_teardown);
    tcase_add_test(w, what_changes_is_always_written_and_what_only_looks_never);
    tcase_add_test(w, a_message_that_is_shown_again_soon_is_written_once_for_each_who_sees_it);
    tcase_add_test(w, what_is_looked_at_together_is_written_once_whatever_the_key);
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
