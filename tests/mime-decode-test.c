/* SPDX-License-Identifier: Apache-2.0 */
/* mime-decode-test.c - promises of loader/mime/mime-decode.h. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <string.h>

#include "mime-decode.h"

#define OUT_MAX 4096

static size_t decode_piece(struct mime_decoder *d, const char *in, size_t len, char *out)
{
    /* Copies of exact size, so that the sanitizer sees a byte read or written too much. */
    uint8_t *bytes = malloc(len + 1), *room = malloc(len + MIME_DECODE_PENDING);
    memcpy(bytes, in, len);
    size_t n = mime_decoder_feed(d, bytes, len, room);
    ck_assert_uint_le(n, len + MIME_DECODE_PENDING);
    memcpy(out, room, n);
    free(bytes);
    free(room);
    return n;
}

static size_t decode_split(enum mime_encoding encoding, const char *in, size_t len, size_t cut,
                           char *out, uint32_t *out_repairs)
{
    struct mime_decoder d;
    uint8_t rest[MIME_DECODE_PENDING];
    mime_decoder_init(&d, encoding);
    size_t n = decode_piece(&d, in, cut, out);
    n += decode_piece(&d, in + cut, len - cut, out + n);
    size_t last = mime_decoder_finish(&d, rest);
    memcpy(out + n, rest, last);
    *out_repairs = d.repairs;
    ck_assert_int_eq(d.repairs != 0, mime_decoder_problem(&d) != NULL);
    return n + last;
}

static const struct decode_row {
    enum mime_encoding encoding;
    const char *in, *want;
    uint32_t repairs;
} rows[] = {
    {MIME_BASE64, "", "", 0},
    {MIME_BASE64, "SGVsbG8=", "Hello", 0},
    {MIME_BASE64, "SGVs\r\nbG8=\r\n", "Hello", 0},
    {MIME_BASE64, "S G\tV\ns\rbG8=", "Hello", 0},
    {MIME_BASE64, "SGVsbG8gd29ybGQsIGhlbGxvIG1vb24=", "Hello world, hello moon", 0},
    {MIME_BASE64, "SGVsbG8gd29y!bGQsIGhl-bGxvIG1vb24=", "Hello world, hello moon",
     MIME_REPAIR_STRAY},
    {MIME_BASE64, "SGVsbG8", "Hello", MIME_REPAIR_CUT},
    {MIME_BASE64, "SGVsbA", "Hell", MIME_REPAIR_CUT},
    {MIME_BASE64, "SGVsb", "Hel", MIME_REPAIR_CUT},
    {MIME_BASE64, "SGVsbA==SGVsbG8=", "HellHello", 0},
    {MIME_BASE64, "SGVsbA==\r\n____\r\nlist footer, unsubscribe\r\n", "Hell", MIME_REPAIR_TRAILING},
    {MIME_BASE64, "=SGVsbA==", "Hell", 0},
    {MIME_BASE64, "who am I, they ask\nand go\n", "who am I, they ask\nand go\n",
     MIME_REPAIR_NONE},
    {MIME_BASE64, "that is what some people ask\n", "that is what some people ask\n",
     MIME_REPAIR_NONE},
    /* RFC 2045 s.6.8: white space means nothing, wherever it stands. */
    {MIME_BASE64, "SGVsbG8gd29ybGQsIGhlbGxvIG1vb24sIGh lbGxvIHN0YXJz\n",
     "Hello world, hello moon, hello stars", 0},
    {MIME_QUOTED_PRINTABLE, "", "", 0},
    {MIME_QUOTED_PRINTABLE, "caf=C3=A9", "caf\xC3\xA9", 0},
    {MIME_QUOTED_PRINTABLE, "caf=c3=a9\r\n", "caf\xC3\xA9\r\n", 0},
    {MIME_QUOTED_PRINTABLE, "one=\r\ntwo=\nthree", "onetwothree", 0},
    {MIME_QUOTED_PRINTABLE, "one= \t\r\ntwo", "onetwo", 0},
    {MIME_QUOTED_PRINTABLE, "one  \t\r\ntwo \nthree  ", "one\r\ntwo\nthree", 0},
    {MIME_QUOTED_PRINTABLE, "one =\r\ntwo  x\r\n", "one two  x\r\n", 0},
    {MIME_QUOTED_PRINTABLE, "1=2=ZZ=4", "1=2=ZZ=4", MIME_REPAIR_ESCAPE},
    {MIME_QUOTED_PRINTABLE, "a=", "a", 0},
    {MIME_QUOTED_PRINTABLE, "a==41", "a=A", MIME_REPAIR_ESCAPE},
    {MIME_QUOTED_PRINTABLE, "1=4\n2=4\r\n3=\n", "1=4\n2=4\r\n3", MIME_REPAIR_ESCAPE},
    {MIME_QUOTED_PRINTABLE, "a\rb \r\r\n c", "a\rb\r\n c", 0},
    {MIME_QUOTED_PRINTABLE, "a=\r\r\nb", "ab", 0},
    {MIME_UUENCODE, "begin 644 a.txt\n%:&5L;&\\\n`\nend\n", "hello", 0},
    {MIME_UUENCODE, "text\r\nbegin 644 a\r\n%:&5L;&\\ \r\n \r\nend\r\nmore\r\n", "hello", 0},
    {MIME_UUENCODE, "begin 644 a\n%:&5L", "hel", MIME_REPAIR_CUT},
    {MIME_IDENTITY, "as =41 it is\r\n", "as =41 it is\r\n", 0},
};

START_TEST(each_row_decodes_alike_wherever_it_is_cut)
{
    const struct decode_row *row = &rows[_i];
    size_t len = strlen(row->in);
    char out[OUT_MAX];
    for (size_t cut = 0; cut <= len; cut++) {
        uint32_t repairs;
        size_t n = decode_split(row->encoding, row->in, len, cut, out, &repairs);
        out[n] = '\0';
        ck_assert_msg(strcmp(out, row->want) == 0, "'%s' cut after %zu: '%s', want '%s'", row->in,
                      cut, out, row->want);
        ck_assert_msg(repairs == row->repairs, "'%s' cut after %zu: repairs %u", row->in, cut,
                      repairs);
    }
}
END_TEST

/* A fixed sequence that looks random. */
static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static size_t encode_base64(const uint8_t *in, size_t len, size_t line, char *out)
{
    static const char a[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0, column = 0;
    for (size_t i = 0; i < len; i += 3) {
        /* analyse: the caller sets as many as it says */
        uint32_t v = (uint32_t)in[i] << 16 | (i + 1 < len ? (uint32_t)in[i + 1] << 8 : 0u) |
                     (i + 2 < len ? in[i + 2] : 0u);
        char group[4] = {a[v >> 18], a[v >> 12 & 63], i + 1 < len ? a[v >> 6 & 63] : '=',
                         i + 2 < len ? a[v & 63] : '='};
        for (size_t k = 0; k < 4; k++) {
            out[n++] = group[k];
            if (++column == line) {
                out[n++] = '\n';
                column = 0;
            }
        }
    }
    return n;
}

START_TEST(base64_of_any_length_in_lines_of_any_length_comes_back)
{
    uint8_t in[300];
    char text[1000], out[OUT_MAX];
    uint32_t seed = 7, repairs;
    for (size_t len = 0; len < sizeof in; len++) {
        for (size_t i = 0; i < len; i++)
            in[i] = (uint8_t)next_random(&seed);
        size_t n = encode_base64(in, len, 1 + next_random(&seed) % 80, text);
        size_t cut = n > 0 ? next_random(&seed) % n : 0;
        ck_assert_uint_eq(decode_split(MIME_BASE64, text, n, cut, out, &repairs), len);
        ck_assert_uint_eq(repairs, 0);
        ck_assert(len == 0 || memcmp(in, out, len) == 0);
    }
}
END_TEST

/* Long lines are decoded many characters a turn, single bytes one by one. */
START_TEST(any_byte_anywhere_in_a_long_line_is_read_as_it_is_one_by_one)
{
    char in[100], at_once[2 * OUT_MAX], one_by_one[2 * OUT_MAX];
    uint32_t repairs;
    for (size_t place = 0; place < sizeof in; place++) {
        for (size_t i = 0; i < sizeof in; i++)
            in[i] = (char)('A' + i % 26);
        in[place] = (char)_i;
        size_t len = decode_split(MIME_BASE64, in, sizeof in, sizeof in, at_once, &repairs);
        struct mime_decoder d;
        size_t made = 0;
        mime_decoder_init(&d, MIME_BASE64);
        for (size_t i = 0; i < sizeof in; i++)
            made += decode_piece(&d, in + i, 1, one_by_one + made);
        made += mime_decoder_finish(&d, (uint8_t *)one_by_one + made);
        ck_assert_mem_eq(at_once, one_by_one, made);
        ck_assert_uint_eq(len, made);
        ck_assert_uint_eq(repairs, d.repairs);
    }
}
END_TEST

START_TEST(white_space_longer_than_may_be_held_is_kept_wherever_it_is_cut)
{
    char in[2 * MIME_DECODE_PENDING + 8], out[OUT_MAX];
    for (size_t spaces = MIME_DECODE_PENDING - 1; spaces <= MIME_DECODE_PENDING + 1; spaces++) {
        size_t len = 0;
        in[len++] = 'a';
        memset(in + len, ' ', spaces);
        len += spaces;
        in[len++] = '\n';
        size_t want = spaces <= MIME_DECODE_PENDING ? 2 : len;
        for (size_t cut = 0; cut <= len; cut++) {
            uint32_t repairs;
            size_t n = decode_split(MIME_QUOTED_PRINTABLE, in, len, cut, out, &repairs);
            ck_assert_msg(n == want, "%zu spaces cut after %zu: %zu", spaces, cut, n);
        }
    }
}
END_TEST

START_TEST(any_bytes_in_pieces_decode_as_they_do_at_once)
{
    static const char alphabet[] = "=\r\n \tA4fZ+/-!begin end`M";
    char in[200], whole[OUT_MAX], cut_up[OUT_MAX];
    uint32_t seed = (uint32_t)_i;
    for (int round = 0; round < 500; round++) {
        size_t len = next_random(&seed) % sizeof in;
        for (size_t i = 0; i < len; i++)
            in[i] = alphabet[next_random(&seed) % (sizeof alphabet - 1)];
        for (int e = MIME_IDENTITY; e <= MIME_UUENCODE; e++) {
            uint32_t a, b;
            size_t cut = len > 0 ? next_random(&seed) % len : 0;
            size_t n = decode_split((enum mime_encoding)e, in, len, 0, whole, &a);
            size_t m = decode_split((enum mime_encoding)e, in, len, cut, cut_up, &b);
            ck_assert_msg(n == m && memcmp(whole, cut_up, n) == 0, "encoding %d, '%.*s', cut %zu",
                          e, (int)len, in, cut);
            ck_assert_uint_eq(a, b);
        }
    }
}
END_TEST

static const struct name_row {
    const char *name;
    enum mime_encoding want;
    bool known;
} name_rows[] = {
    {"base64", MIME_BASE64, true},
    {" BASE64 ", MIME_BASE64, true},
    {"\"base64\"", MIME_BASE64, true},
    {"Quoted-Printable; charset=utf-8", MIME_QUOTED_PRINTABLE, true},
    {"quoted-printable(comment)", MIME_QUOTED_PRINTABLE, true},
    {" (by (any) mailer)\r\n (of ours) base64 (RFC 4648)", MIME_BASE64, true},
    {"(base64", MIME_IDENTITY, true},
    {"x-uuencode", MIME_UUENCODE, true},
    {"8Bit", MIME_IDENTITY, true},
    {"", MIME_IDENTITY, true},
    {"base85", MIME_IDENTITY, false},
};

START_TEST(an_encoding_is_known_by_its_name_in_any_case)
{
    const struct name_row *row = &name_rows[_i];
    bool known;
    ck_assert_int_eq(mime_encoding_named((const uint8_t *)row->name, strlen(row->name), &known),
                     row->want);
    ck_assert_int_eq(known, row->known);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("mime-decode");
    TCase *t = tcase_create("decode");
    tcase_add_loop_test(t, each_row_decodes_alike_wherever_it_is_cut, 0,
                        sizeof rows / sizeof rows[0]);
    tcase_add_test(t, base64_of_any_length_in_lines_of_any_length_comes_back);
    tcase_add_loop_test(t, any_byte_anywhere_in_a_long_line_is_read_as_it_is_one_by_one, 0, 256);
    tcase_add_test(t, white_space_longer_than_may_be_held_is_kept_wherever_it_is_cut);
    tcase_add_loop_test(t, any_bytes_in_pieces_decode_as_they_do_at_once, 0, 8);
    tcase_add_loop_test(t, an_encoding_is_known_by_its_name_in_any_case, 0,
                        sizeof name_rows / sizeof name_rows[0]);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
