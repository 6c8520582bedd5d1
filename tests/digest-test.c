/* SPDX-License-Identifier: Apache-2.0 */
/* digest-test.c - SHA-256: what the standard says, what libcrypto says, alone and beside another.
 *
 * The linker puts __wrap_sha256_lanes_can() before sha256_lanes_can() (see lib.mk), to be a
 * processor without the instructions. */
#include <config.h>
#include "check-main.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "sha256-lanes.h"

static bool plain_processor;
bool __real_sha256_lanes_can(void);
bool __wrap_sha256_lanes_can(void);

bool __wrap_sha256_lanes_can(void)
{
    return !plain_processor && __real_sha256_lanes_can();
}

static void processor_of(int which)
{
    plain_processor = which != 0;
}

static uint8_t known[300000];

static void make_bytes(void)
{
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof known; i++) {
        seed = seed * 1664525 + 1013904223;
        known[i] = (uint8_t)(seed >> 24);
    }
}

static void expect(struct digest *digest, const uint8_t *bytes, size_t count)
{
    uint8_t want[DIGEST_SIZE], have[DIGEST_SIZE];
    ck_assert_int_eq(EVP_Digest(bytes, count, want, NULL, EVP_sha256(), NULL), 1);
    ck_assert_int_eq(digest_finish(digest, have), 0);
    ck_assert_mem_eq(have, want, DIGEST_SIZE);
}

/* The examples of FIPS 180-2, appendix B, and the empty message. */
static const struct {
    const char *text;
    unsigned int times;
    const char *hex;
} vectors[] = {
    {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"aaaaaaaaaa", 100000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

START_TEST(the_examples_of_the_standard_have_the_digests_it_tells)
{
    AUTO(digest) digest = NULL;
    uint8_t have[DIGEST_SIZE];
    char hex[2 * DIGEST_SIZE + 1];
    processor_of(_i % 2);
    digest = digest_new();
    for (unsigned int i = 0; i < vectors[_i / 2].times; i++)
        ck_assert_int_eq(
            digest_add(digest, (const uint8_t *)vectors[_i / 2].text, strlen(vectors[_i / 2].text)),
            0);
    ck_assert_int_eq(digest_finish(digest, have), 0);
    for (size_t i = 0; i < DIGEST_SIZE; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", have[i]);
    ck_assert_str_eq(hex, vectors[_i / 2].hex);
}
END_TEST

START_TEST(every_size_and_every_cut_gives_the_digest_of_all_bytes)
{
    AUTO(digest) digest = NULL;
    processor_of(_i);
    digest = digest_new();
    for (size_t size = 0; size <= 260; size++) {
        for (size_t cut = 0; cut <= size; cut++) {
            ck_assert_int_eq(digest_add(digest, known, cut), 0);
            ck_assert_int_eq(digest_add(digest, known + cut, size - cut), 0);
            expect(digest, known, size);
        }
    }
}
END_TEST

/* The next piece of at most @max bytes of @size, of which @at are done. */
static size_t piece_of(unsigned int *seed, size_t max, size_t at, size_t size)
{
    size_t piece = (size_t)rand_r(seed) % (max + 1);
    return piece < size - at ? piece : size - at;
}

/* A message is lent in pieces; meanwhile its attachment gets some, more or less than that. */
static void side_by_side(unsigned int *seed, struct digest *message, struct digest *attachment)
{
    size_t given = 0, max = (size_t)1 << rand_r(seed) % 18, most = max * 32;
    most = most < sizeof known ? most : sizeof known;
    size_t message_size = (size_t)rand_r(seed) % most;
    size_t attachment_size = (size_t)rand_r(seed) % most;
    uint8_t *room = malloc(max);
    ck_assert_ptr_nonnull(room);
    for (size_t lent = 0; lent < message_size;) {
        size_t piece = piece_of(seed, max, lent, message_size);
        memcpy(room, known + lent, piece);
        ck_assert_int_eq(digest_lend(message, room, piece), 0);
        lent += piece;
        for (unsigned int turns = (unsigned int)rand_r(seed) % 4; turns > 0; turns--) {
            size_t more = piece_of(seed, max, given, attachment_size);
            ck_assert_int_eq(digest_add(attachment, known + given, more), 0);
            given += more;
        }
        digest_work(message);
        memset(room, 0, max); /* it was only lent */
    }
    free(room);
    expect(attachment, known, given);
    expect(message, known, message_size);
}

START_TEST(two_side_by_side_have_the_digests_that_each_has_alone)
{
    AUTO(digest) message = NULL;
    AUTO(digest) attachment = NULL;
    unsigned int seed = 7;
    processor_of(_i);
    message = digest_new();
    attachment = digest_new_beside(message);
    for (unsigned int i = 0; i < 300; i++)
        side_by_side(&seed, message, attachment);
}
END_TEST

START_TEST(what_was_lent_is_in_the_digest_whatever_is_called_next)
{
    AUTO(digest) digest = NULL;
    processor_of(_i);
    digest = digest_new();
    for (size_t cut = 0; cut <= 200; cut++) {
        ck_assert_int_eq(digest_lend(digest, known, cut), 0);
        ck_assert_int_eq(digest_lend(digest, known + cut, 100), 0);
        ck_assert_int_eq(digest_add(digest, known + cut + 100, 150), 0);
        ck_assert_int_eq(digest_lend(digest, known + cut + 250, 77), 0);
        expect(digest, known, cut + 327);
    }
}
END_TEST

START_TEST(an_attachment_may_be_freed_after_its_message)
{
    processor_of(0);
    struct digest *message = digest_new();
    struct digest *attachment = digest_new_beside(message);
    ck_assert_int_eq(digest_lend(message, known, 1000), 0);
    ck_assert_int_eq(digest_add(attachment, known, 500), 0);
    digest_free(message);
    digest_free(attachment);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("digest");
    TCase *t = tcase_create("digest");
    tcase_add_checked_fixture(t, make_bytes, NULL);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, the_examples_of_the_standard_have_the_digests_it_tells, 0,
                        2 * (int)(sizeof vectors / sizeof vectors[0]));
    tcase_add_loop_test(t, every_size_and_every_cut_gives_the_digest_of_all_bytes, 0, 2);
    tcase_add_loop_test(t, two_side_by_side_have_the_digests_that_each_has_alone, 0, 2);
    tcase_add_loop_test(t, what_was_lent_is_in_the_digest_whatever_is_called_next, 0, 2);
    tcase_add_test(t, an_attachment_may_be_freed_after_its_message);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
