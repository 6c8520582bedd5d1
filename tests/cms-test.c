/* SPDX-License-Identifier: Apache-2.0 */
/* cms-test.c - promises of cms.h: the message inside a signature comes out, whatever its BER. */
#include <config.h>
#include "check-main.h"

#include <string.h>

#include "buffer.h"
#include "cms.h"

#define INNER "Content-Type: text/plain\r\n\r\nsigned words\r\n"

/* Made by "openssl cms -sign -nodetach -nocerts -noattr" over INNER; the second with -stream, which
 * writes indefinite lengths and a constructed OCTET STRING. */
static const uint8_t definite[] = {
    0x30, 0x81, 0xef, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02, 0xa0, 0x81,
    0xe1, 0x30, 0x81, 0xde, 0x02, 0x01, 0x01, 0x31, 0x0d, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48,
    0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x30, 0x39, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
    0x01, 0x07, 0x01, 0xa0, 0x2c, 0x04, 0x2a, 0x43, 0x6f, 0x6e, 0x74, 0x65, 0x6e, 0x74, 0x2d, 0x54,
    0x79, 0x70, 0x65, 0x3a, 0x20, 0x74, 0x65, 0x78, 0x74, 0x2f, 0x70, 0x6c, 0x61, 0x69, 0x6e, 0x0d,
    0x0a, 0x0d, 0x0a, 0x73, 0x69, 0x67, 0x6e, 0x65, 0x64, 0x20, 0x77, 0x6f, 0x72, 0x64, 0x73, 0x0d,
    0x0a, 0x31, 0x81, 0x8e, 0x30, 0x81, 0x8b, 0x02, 0x01, 0x01, 0x30, 0x24, 0x30, 0x0c, 0x31, 0x0a,
    0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x01, 0x61, 0x02, 0x14, 0x5f, 0x24, 0x8e, 0xbf,
    0x12, 0x87, 0xbd, 0xcb, 0x15, 0x41, 0x3c, 0x14, 0xa0, 0xc0, 0xc0, 0x16, 0x16, 0xc8, 0x9f, 0xb0,
    0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x30, 0x0a, 0x06,
    0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02, 0x04, 0x47, 0x30, 0x45, 0x02, 0x20, 0x53,
    0x7f, 0xac, 0x52, 0x71, 0x48, 0x7e, 0xc5, 0xaf, 0x4b, 0xd3, 0xc2, 0x2d, 0x85, 0x34, 0x71, 0x5f,
    0xb9, 0x51, 0xc7, 0x15, 0x00, 0x4a, 0x75, 0x64, 0xac, 0x85, 0xc0, 0x29, 0xec, 0x52, 0x01, 0x02,
    0x21, 0x00, 0x8d, 0x5e, 0x28, 0x8b, 0x3a, 0x7e, 0xc2, 0x3e, 0xf5, 0xc0, 0xb9, 0x65, 0x96, 0xb5,
    0xe7, 0xa4, 0x03, 0x2f, 0x10, 0xdd, 0x07, 0x8f, 0x7b, 0x05, 0x65, 0x95, 0x14, 0xc7, 0xf3, 0xdc,
    0xfa, 0x4e,
};
static const uint8_t streamed[] = {
    0x30, 0x80, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02, 0xa0, 0x80, 0x30,
    0x80, 0x02, 0x01, 0x01, 0x31, 0x0d, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03,
    0x04, 0x02, 0x01, 0x30, 0x80, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01,
    0xa0, 0x80, 0x24, 0x80, 0x04, 0x2a, 0x43, 0x6f, 0x6e, 0x74, 0x65, 0x6e, 0x74, 0x2d, 0x54, 0x79,
    0x70, 0x65, 0x3a, 0x20, 0x74, 0x65, 0x78, 0x74, 0x2f, 0x70, 0x6c, 0x61, 0x69, 0x6e, 0x0d, 0x0a,
    0x0d, 0x0a, 0x73, 0x69, 0x67, 0x6e, 0x65, 0x64, 0x20, 0x77, 0x6f, 0x72, 0x64, 0x73, 0x0d, 0x0a,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x31, 0x81, 0x8f, 0x30, 0x81, 0x8c, 0x02, 0x01, 0x01, 0x30,
    0x24, 0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x01, 0x61, 0x02,
    0x14, 0x5f, 0x24, 0x8e, 0xbf, 0x12, 0x87, 0xbd, 0xcb, 0x15, 0x41, 0x3c, 0x14, 0xa0, 0xc0, 0xc0,
    0x16, 0x16, 0xc8, 0x9f, 0xb0, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
    0x02, 0x01, 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02, 0x04, 0x48,
    0x30, 0x46, 0x02, 0x21, 0x00, 0x90, 0x64, 0xf8, 0x26, 0xbf, 0xd3, 0xcf, 0x15, 0x7d, 0x1f, 0xb9,
    0xcf, 0x6b, 0xa8, 0xe2, 0x1e, 0xd6, 0xa2, 0x4e, 0x23, 0x23, 0x26, 0xba, 0x18, 0xde, 0x2e, 0xff,
    0x03, 0x30, 0xe3, 0x29, 0x0a, 0x02, 0x21, 0x00, 0x89, 0xbe, 0x67, 0xca, 0x89, 0x1f, 0xfa, 0x07,
    0x67, 0xa8, 0x90, 0x3e, 0x44, 0x60, 0x63, 0x60, 0x52, 0x8a, 0x04, 0x89, 0x2a, 0x2e, 0xba, 0x89,
    0x9f, 0x91, 0x0a, 0x6f, 0xf0, 0xa7, 0x04, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

static int take(void *context, const uint8_t *bytes, size_t count)
{
    return buffer_append(context, bytes, count);
}

static int refuse(void *context, const uint8_t *bytes, size_t count)
{
    (void)context, (void)bytes, (void)count;
    return -1;
}

struct seen {
    struct buffer inner;
    enum cms_kind kind;
    bool has_content, is_whole;
};

/* The first @count bytes, fed in two pieces (@cut == count: in one, 0: byte by byte). */
static void unwrap(const uint8_t *bytes, size_t count, size_t cut, struct seen *out_seen)
{
    buffer_init(&out_seen->inner, 1 << 20);
    AUTO(cms_unwrap) u = cms_unwrap_new(take, &out_seen->inner);
    ck_assert_ptr_nonnull(u);
    if (cut == 0) {
        for (size_t i = 0; i < count; i++)
            ck_assert_int_eq(cms_unwrap_feed(u, bytes + i, 1), 0);
    } else {
        ck_assert_int_eq(cms_unwrap_feed(u, bytes, cut), 0);
        ck_assert_int_eq(cms_unwrap_feed(u, bytes + cut, count - cut), 0);
    }
    out_seen->kind = cms_unwrap_kind(u);
    out_seen->has_content = cms_unwrap_has_content(u);
    out_seen->is_whole = cms_unwrap_is_whole(u);
}

static void check_unwraps(const uint8_t *bytes, size_t count, const char *want)
{
    for (size_t cut = 0; cut <= count; cut++) {
        struct seen seen;
        unwrap(bytes, count, cut, &seen);
        ck_assert_int_eq((int)seen.kind, CMS_SIGNED);
        ck_assert_str_eq(buffer_text(&seen.inner), want);
        ck_assert(seen.has_content && seen.is_whole);
        buffer_done(&seen.inner);
    }
}

START_TEST(definite_and_indefinite_lengths_give_the_message_at_every_split)
{
    check_unwraps(definite, sizeof definite, INNER);
    check_unwraps(streamed, sizeof streamed, INNER);
}
END_TEST

/* A TLV around what stands in the buffer; @octets: how many for the length, 0 = indefinite. */
static void wrap(struct buffer *b, uint8_t tag, unsigned octets)
{
    uint8_t head[10] = {tag, 0x80};
    size_t len = 2;
    if (octets > 0)
        head[1] = (uint8_t)(0x80 | octets);
    for (unsigned i = octets; i > 0; i--)
        head[len++] = (uint8_t)(b->len >> (8 * (i - 1)));
    ck_assert_int_eq(buffer_reserve(b, len), 0);
    memmove(b->data + len, b->data, b->len);
    memcpy(b->data, head, len);
    buffer_added(b, len);
    if (octets == 0)
        ck_assert_int_eq(buffer_append(b, "\0\0", 2), 0);
}

static void put_before(struct buffer *b, const void *bytes, size_t count)
{
    ck_assert_int_eq(buffer_reserve(b, count), 0);
    memmove(b->data + count, b->data, b->len);
    memcpy(b->data, bytes, count);
    buffer_added(b, count);
}

#define OID_DATA "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
#define OID_SIGNED "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"

/* SignedData around the content (tag and length included) in the buffer. */
static void sign(struct buffer *b, unsigned octets)
{
    wrap(b, 0xA0, octets);
    put_before(b, OID_DATA, sizeof OID_DATA - 1);
    wrap(b, 0x30, octets);
    put_before(b, "\x02\x01\x01\x31\x00", 5);
    wrap(b, 0x30, octets);
    wrap(b, 0xA0, octets);
    put_before(b, OID_SIGNED, sizeof OID_SIGNED - 1);
    wrap(b, 0x30, octets);
}

START_TEST(octet_strings_nested_in_octet_strings_are_joined)
{
    for (unsigned octets = 0; octets <= 7; octets++) {
        struct buffer b;
        buffer_init(&b, 4096);
        ck_assert_int_eq(buffer_append_text(&b, "ab"), 0);
        wrap(&b, 0x04, 1);
        put_before(&b, "\x04\x00", 2);
        wrap(&b, 0x24, octets);
        ck_assert_int_eq(buffer_append(&b, "\x04\x02" "cd", 4), 0);
        wrap(&b, 0x24, octets);
        sign(&b, octets);
        check_unwraps((const uint8_t *)b.data, b.len, "abcd");
        buffer_done(&b);
    }
}
END_TEST

START_TEST(an_empty_message_is_whole)
{
    struct buffer b;
    buffer_init(&b, 4096);
    ck_assert_int_eq(buffer_append(&b, "\x04\x00", 2), 0);
    sign(&b, 2);
    check_unwraps((const uint8_t *)b.data, b.len, "");
    buffer_done(&b);
}
END_TEST

START_TEST(what_is_cut_off_gives_its_beginning_and_is_not_whole)
{
    const size_t end = 96; /* of the content in streamed, its end mark excluded */
    for (size_t count = 0; count < end; count++) {
        struct seen seen;
        unwrap(streamed, count, count, &seen);
        ck_assert(!seen.is_whole);
        ck_assert_uint_le(seen.inner.len, sizeof INNER - 1);
        ck_assert_int_eq(memcmp(buffer_text(&seen.inner), INNER, seen.inner.len), 0);
        buffer_done(&seen.inner);
    }
}
END_TEST

START_TEST(a_length_beyond_the_value_around_it_ends_with_that_and_is_not_whole)
{
    struct buffer b;
    struct seen seen;
    buffer_init(&b, 4096);
    ck_assert_int_eq(buffer_append(&b, "\x04\x87\x7f\xff\xff\xff\xff\xff\xff" "abc", 12), 0);
    sign(&b, 2);
    ck_assert_int_eq(buffer_append_text(&b, "not this"), 0);
    unwrap((const uint8_t *)b.data, b.len, b.len, &seen);
    ck_assert_str_eq(buffer_text(&seen.inner), "abc");
    ck_assert(!seen.is_whole);
    buffer_done(&seen.inner);
    buffer_done(&b);
}
END_TEST

static const struct kind_row {
    const char *why;
    const char *bytes;
    size_t count;
    enum cms_kind kind;
} kind_rows[] = {
    {"enveloped", "\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x80", 15,
     CMS_ENCRYPTED},
    {"encrypted", "\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06\xa0\x80", 15,
     CMS_ENCRYPTED},
    {"authEnveloped", "\x30\x80\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17\xa0", 16,
     CMS_ENCRYPTED},
    {"compressed", "\x30\x80\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09\xa0", 16,
     CMS_COMPRESSED},
    {"plain data", "\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x80", 15, CMS_NONE},
    {"an OID longer than any of ours",
     "\x30\x80\x06\x14"
     "01234567890123456789",
     24, CMS_NONE},
    {"text", "From: someone\r\n\r\nno CMS at all", 30, CMS_NONE},
    {"nothing", "", 0, CMS_NONE},
    {"a primitive of indefinite length", "\x30\x80\x06\x80\x00\x00", 6, CMS_NONE},
    {"a length of a length of 127 octets", "\x30\xff", 2, CMS_NONE},
    {"a tag number without end", "\x3f\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10, CMS_NONE},
};

START_TEST(the_kind_is_told_and_only_signed_data_gives_content)
{
    const struct kind_row *row = &kind_rows[_i];
    struct seen seen;
    unwrap((const uint8_t *)row->bytes, row->count, 0, &seen);
    ck_assert_msg(seen.kind == row->kind, "%s", row->why);
    ck_assert(!seen.has_content && !seen.is_whole);
    ck_assert_uint_eq(seen.inner.len, 0);
    buffer_done(&seen.inner);
}
END_TEST

START_TEST(a_detached_signature_has_no_content)
{
    struct buffer b;
    struct seen seen;
    buffer_init(&b, 4096);
    put_before(&b, OID_DATA, sizeof OID_DATA - 1);
    wrap(&b, 0x30, 1);
    put_before(&b, "\x02\x01\x01\x31\x00", 5);
    wrap(&b, 0x30, 1);
    wrap(&b, 0xA0, 1);
    put_before(&b, OID_SIGNED, sizeof OID_SIGNED - 1);
    wrap(&b, 0x30, 1);
    unwrap((const uint8_t *)b.data, b.len, b.len, &seen);
    ck_assert_int_eq((int)seen.kind, CMS_SIGNED);
    ck_assert(!seen.has_content);
    buffer_done(&seen.inner);
    buffer_done(&b);
}
END_TEST

START_TEST(nesting_without_end_is_given_up_in_constant_memory)
{
    AUTO(cms_unwrap) u = cms_unwrap_new(refuse, NULL);
    int failed = 0; /* not ck_assert: it writes to a pipe each time */
    for (unsigned i = 0; i < 1000000; i++)
        failed |= cms_unwrap_feed(u, (const uint8_t *)"\x30\x80", 2);
    ck_assert_int_eq(failed, 0);
    ck_assert(!cms_unwrap_has_content(u));
}
END_TEST

START_TEST(octet_strings_of_one_byte_by_the_million_come_out_in_linear_time)
{
    struct buffer b;
    struct seen seen;
    buffer_init(&b, 1 << 24);
    for (unsigned i = 0; i < 1000000; i++)
        buffer_append(&b, "\x04\x01x", 3);
    wrap(&b, 0x24, 0);
    sign(&b, 0);
    unwrap((const uint8_t *)b.data, b.len, b.len, &seen);
    ck_assert_uint_eq(seen.inner.len, 1000000);
    ck_assert(seen.is_whole);
    buffer_done(&seen.inner);
    buffer_done(&b);
}
END_TEST

START_TEST(any_byte_changed_is_read_without_harm)
{
    static const uint8_t values[] = {0x00, 0x04, 0x1F, 0x24, 0x30, 0x7F, 0x80, 0x84, 0x87, 0xFF};
    uint8_t copy[sizeof streamed];
    for (size_t at = 0; at < sizeof streamed; at++)
        for (size_t i = 0; i < sizeof values; i++) {
            struct seen seen;
            memcpy(copy, streamed, sizeof copy);
            copy[at] = values[i];
            unwrap(copy, sizeof copy, sizeof copy, &seen);
            ck_assert_uint_le(seen.inner.len, sizeof copy);
            buffer_done(&seen.inner);
        }
}
END_TEST

START_TEST(a_taker_that_says_stop_stops_the_walk)
{
    AUTO(cms_unwrap) u = cms_unwrap_new(refuse, NULL);
    ck_assert_int_eq(cms_unwrap_feed(u, definite, sizeof definite), -1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("cms");
    TCase *t = tcase_create("cms");
    tcase_add_test(t, definite_and_indefinite_lengths_give_the_message_at_every_split);
    tcase_add_test(t, octet_strings_nested_in_octet_strings_are_joined);
    tcase_add_test(t, an_empty_message_is_whole);
    tcase_add_test(t, what_is_cut_off_gives_its_beginning_and_is_not_whole);
    tcase_add_test(t, a_length_beyond_the_value_around_it_ends_with_that_and_is_not_whole);
    tcase_add_loop_test(t, the_kind_is_told_and_only_signed_data_gives_content, 0,
                        sizeof kind_rows / sizeof *kind_rows);
    tcase_add_test(t, a_detached_signature_has_no_content);
    tcase_add_test(t, nesting_without_end_is_given_up_in_constant_memory);
    tcase_add_test(t, octet_strings_of_one_byte_by_the_million_come_out_in_linear_time);
    tcase_add_test(t, any_byte_changed_is_read_without_harm);
    tcase_add_test(t, a_taker_that_says_stop_stops_the_walk);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
