/* SPDX-License-Identifier: Apache-2.0 */
/* mime-parser-test.c - promises of loader/mime/mime-parser.h: what is told of each structure, and
 * that it is told alike however the message is cut. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <string.h>

#include "buffer.h"
#include "mime-parser.h"
#include "problem.h"

/* A message as one line: "(type|body ... )", children inside, "m" before an attached message. */
struct story {
    struct buffer text;
    int left; /* calls until the handler says stop; -1: never */
};

static int story_begin(void *context, struct mime_part *part)
{
    struct story *s = context;
    ck_assert_ptr_nonnull(part->type);
    ck_assert_ptr_nonnull(part->disposition);
    if (s->left == 0)
        return -1;
    s->left--;
    return buffer_printf(&s->text, "(%s%s|", part->kind == MIME_MESSAGE ? "m:" : "",
                         part->type->value);
}

static int story_body(void *context, struct mime_part *part, const uint8_t *bytes, size_t count)
{
    struct story *s = context;
    ck_assert_uint_gt(count, 0);
    ck_assert_ptr_null(part->type);
    return part->kind == MIME_MESSAGE ? 0 : buffer_append(&s->text, bytes, count);
}

static int story_end(void *context, struct mime_part *part)
{
    struct story *s = context;
    (void)part;
    return buffer_append_text(&s->text, ")");
}

/* The story of a message fed in pieces: @cut bytes, then @step at a time. Yours: free(). */
static char *story_of(const char *message, size_t len, size_t cut, size_t step)
{
    struct story s = {.left = -1};
    struct mail_texts problems = {0};
    const struct mime_handler handler = {story_begin, story_body, story_end, &s};
    buffer_init(&s.text, 1u << 26);
    AUTO(mime_parser) p = mime_parser_new(&handler, &problems);
    ck_assert_ptr_nonnull(p);
    for (size_t at = 0; at < len;) {
        size_t n = at < cut ? cut - at : step;
        n = n < len - at ? n : len - at;
        char *piece = malloc(n); /* of exact size: the sanitizer sees a byte too far */
        memcpy(piece, message + at, n);
        ck_assert_int_eq(mime_parser_feed(p, (const uint8_t *)piece, n), 0);
        free(piece);
        at += n;
    }
    ck_assert_int_eq(mime_parser_finish(p), 0);
    mail_texts_done(&problems);
    return buffer_take(&s.text);
}

#define MIXED "Content-Type: multipart/mixed; boundary=b\n\n"

static const struct story_row {
    const char *message, *want;
} rows[] = {
    {"", "(text/plain|)"},
    {"\n", "(text/plain|)"},
    {"\nhello", "(text/plain|hello)"},
    {"Subject: x", "(text/plain|)"},
    {"Subject: x\n\n", "(text/plain|)"},
    {"Subject: x\r\n\r\nhello\r\n", "(text/plain|hello\r\n)"},
    {"Content-Type: image/PNG; name=x\n\n\001\002", "(image/png|\001\002)"},
    {"Content-Type:\n text/html\n\nhello\n", "(text/html|hello\n)"},
    /* mixed, its preamble and epilogue */
    {MIXED "pre\n--b\n\none\n--b\n\ntwo\n--b--\nepi\n",
     "(multipart/mixed|pre(text/plain|one)(text/plain|two))"},
    {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n\r\n--b  \r\n\r\n--b--",
     "(multipart/mixed|(text/plain|one\r\n)(text/plain|))"},
    /* a boundary right behind the header, parts without a header, without anything */
    {MIXED "--b\n--b\nA: b\n--b\n\n--b--\n",
     "(multipart/mixed|(text/plain|)(text/plain|)(text/plain|))"},
    /* lines that only look like boundaries */
    {MIXED "--b\n\n--bc\n --b\nx--b\n--B\n-\n--\n\n--b--x\n",
     "(multipart/mixed|(text/plain|--bc\n --b\nx--b\n--B\n-\n--\n))"},
    {MIXED "--b\n\na\r--b\n\rb\n\r\n--b--", "(multipart/mixed|(text/plain|a\r--b\n\rb\n))"},
    /* no end, or the end of an outer part first */
    {MIXED "--b\n\nno end\n", "(multipart/mixed|(text/plain|no end\n))"},
    {MIXED "--b\nContent-Type: multipart/related; boundary=c\n\n--c\n\nin\n--b\n\nout\n--b--\n",
     "(multipart/mixed|(multipart/related|(text/plain|in))(text/plain|out))"},
    {MIXED "--b\nContent-Type: multipart/related; boundary=c\n\n--b--\n--c\n",
     "(multipart/mixed|(multipart/related|))"},
    /* the same boundary within: the innermost comes first */
    {MIXED "--b\nContent-Type: multipart/related; boundary=b\n\n--b\n\nx\n--b--\ny\n--b\n\nz\n",
     "(multipart/mixed|(multipart/related|(text/plain|x))(text/plain|z\n))"},
    /* one boundary is the beginning of another */
    {"Content-Type: multipart/mixed; boundary=bb\n\n--bb\n"
     "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n--bb\n\ny\n--bb--\n",
     "(multipart/mixed|(multipart/mixed|(text/plain|x))(text/plain|y))"},
    /* no boundary, or never used */
    {"Content-Type: multipart/mixed\n\n--b\n\nx", "(multipart/mixed|--b\n\nx)"},
    {"Content-Type: multipart/mixed; boundary=\"\"\n\n--\n", "(multipart/mixed|--\n)"},
    {MIXED "just text\n", "(multipart/mixed|just text\n)"},
    /* messages in messages */
    {"Content-Type: message/rfc822\n\nSubject: in\n\nbody", "(m:message/rfc822|(text/plain|body))"},
    {"Content-Type: message/rfc822\n\n", "(m:message/rfc822|(text/plain|))"},
    {"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nAAAA",
     "(message/rfc822|AAAA)"},
    {"Content-Type: multipart/digest; boundary=b\n\n--b\n\nA: b\n\nx\n--b\nContent-Type: "
     "text/x\n\ny",
     "(multipart/digest|(m:message/rfc822|(text/plain|x))(text/x|y))"},
    {MIXED "--b\nContent-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=c\n\n"
           "--c\n\nin\n--b\n\nout",
     "(multipart/mixed|(m:message/rfc822|(multipart/mixed|(text/plain|in)))(text/plain|out))"},
    {MIXED "--b\nContent-Type: message/rfc822\n\nSubject: cut off\n--b\n\nout",
     "(multipart/mixed|(m:message/rfc822|(text/plain|))(text/plain|out))"},
    /* header blocks that are none, or no more */
    {"hello\nworld\n", "(text/plain|hello\nworld\n)"},
    {"hello", "(text/plain|hello)"},
    {"A: b\nhello\nworld\n", "(text/plain|hello\nworld\n)"},
    {"A: b\nhello\n\nworld\n", "(text/plain|hello\n\nworld\n)"},
    {"garbage\nContent-Type: text/x\n\nbody", "(text/x|body)"},
    {"A: b\ngarbage, all\nof it\nSubject: x\nContent-Type: text/x\n\nbody", "(text/x|body)"},
    {"A: b\ngarbage\n and more\nB: c\n more\nContent-Type: text/x\n\nbody", "(text/x|body)"},
    {"A: b\nIt is so:\nnot: a field\n\nbody", "(text/plain|body)"},
    {"A: b\nDear all,\nsee http://example.org\nnote: this\n\nbye",
     "(text/plain|Dear all,\nsee http://example.org\nnote: this\n\nbye)"},
    {"X-Odd name: x\nContent-Type: text/x\n\nbody", "(text/x|body)"},
    {" fold of nothing\nContent-Type: text/x\n\nbody", "(text/x|body)"},
    {"Content-Type : text/x\n\nbody", "(text/x|body)"},
    {"From ann@example.org Sat Jan  3 01:05:34 1996\nContent-Type: text/x\n\nbody",
     "(text/x|body)"},
    {">From ann@example.org\nContent-Type: text/x\n\nFrom here\n", "(text/x|From here\n)"},
    {"Content-Type: text/x\nContent-Type: text/y\n\n", "(text/x|)"},
    {"Content-Type: text\n\nx", "(text/plain|x)"},
    {"Content-Type: X-sun-attachment\n\nx", "(application/octet-stream|x)"},
    {"Content-Type: multipart/mixed;\nboundary=\"b\"\n\n--b\n\nx",
     "(multipart/mixed|(text/plain|x))"},
    {"Content-Type: multipart/mixed; boundary=\"b \"\n\n--b \n\nx\n--b\n--b --\n",
     "(multipart/mixed|(text/plain|x\n--b))"},
    {"Content-Type: text/x\r\r\n\r\r\nbody", "(text/x|body)"},
    /* CR alone */
    {"Content-Type: text/x\r\rbo\rdy\r", "(text/x|bo\ndy\n)"},
    {"A: b\rContent-Type: multipart/mixed; boundary=b\r\r--b\r\rx\r--b--\r",
     "(multipart/mixed|(text/plain|x))"},
};

START_TEST(each_structure_is_told_alike_wherever_it_is_cut)
{
    const struct story_row *row = &rows[_i];
    size_t len = strlen(row->message);
    for (size_t cut = 0; cut <= len; cut++) {
        char *got = story_of(row->message, len, cut, len + 1);
        ck_assert_msg(strcmp(got, row->want) == 0, "cut after %zu: '%s', want '%s'", cut, got,
                      row->want);
        free(got);
    }
    for (size_t step = 1; step < 4; step++) {
        char *got = story_of(row->message, len, 0, step);
        ck_assert_msg(strcmp(got, row->want) == 0, "%zu at a time: '%s'", step, got);
        free(got);
    }
}
END_TEST

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

START_TEST(any_mixture_of_lines_is_told_alike_in_pieces)
{
    static const char *const lines[] = {
        "Content-Type: multipart/mixed; boundary=b\n",
        "Content-Type: multipart/mixed; boundary=bb\r\n",
        "Content-Type: message/rfc822\n",
        "\n",
        "\r\n",
        "\n",
        "--b\n",
        "--bb\r\n",
        "--b--\n",
        "--bb--",
        "text\n",
        " fold\n",
        "a: b\n",
        "-",
        "--",
        "\r",
        "X: y\r",
        "no end",
    };
    uint32_t seed = 1000u + (uint32_t)_i;
    for (int round = 0; round < 300; round++) {
        struct buffer b;
        buffer_init(&b, 65536);
        for (uint32_t n = next_random(&seed) % 24; n > 0; n--)
            buffer_append_text(&b, lines[next_random(&seed) % (sizeof lines / sizeof lines[0])]);
        char *whole = story_of(buffer_text(&b), b.len, 0, b.len + 1);
        size_t cut = next_random(&seed) % (b.len + 1), step = 1 + next_random(&seed) % 5;
        char *pieces = story_of(buffer_text(&b), b.len, cut, step);
        ck_assert_msg(strcmp(whole, pieces) == 0, "%zu, %zu: '%s': '%s', '%s'", cut, step,
                      buffer_text(&b), whole, pieces);
        free(whole);
        free(pieces);
        buffer_done(&b);
    }
}
END_TEST

/* Lines around the size that may be held back: what is decided must not depend on the pieces. */
START_TEST(long_lines_are_told_alike_in_pieces)
{
    static const struct {
        const char *before, *after;
        char fill;
    } shapes[] = {
        {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b", "\n\ny\n--b--\n", ' '},
        {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--", "\n--b\n\ny", 'b'},
        {"Subject: x\n", "\nA: b\n\nbody", 'g'},
        {"Subject: x\n", ": b\n\nbody", 'n'},
        {"Subject: ", "\nContent-Type: text/x\n\nbody", 's'},
        {"", "\r\n\r\nbody", '\r'},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        for (size_t fill = 4080; fill < 4104; fill++) {
            struct buffer b;
            buffer_init(&b, 65536);
            buffer_append_text(&b, shapes[i].before);
            for (size_t n = 0; n < fill; n++)
                buffer_append_byte(&b, (uint8_t)shapes[i].fill);
            buffer_append_text(&b, shapes[i].after);
            char *whole = story_of(buffer_text(&b), b.len, 0, b.len);
            char *small = story_of(buffer_text(&b), b.len, 0, 7);
            char *large = story_of(buffer_text(&b), b.len, 4090, 4097);
            ck_assert_msg(strcmp(whole, small) == 0, "shape %zu, %zu, small", i, fill);
            ck_assert_msg(strcmp(whole, large) == 0, "shape %zu, %zu, large", i, fill);
            free(whole);
            free(small);
            free(large);
            buffer_done(&b);
        }
    }
}
END_TEST

struct counts {
    unsigned begins, ends, deepest, opaque, messages;
    uint64_t bytes, message_bytes;
};

static int count_begin(void *context, struct mime_part *part)
{
    struct counts *c = context;
    unsigned depth = 0;
    for (const struct mime_part *at = part; at != NULL; at = at->parent)
        depth++;
    c->begins++;
    c->deepest = depth > c->deepest ? depth : c->deepest;
    /* analyse: a part that begins is never NULL */
    c->opaque += part->opaque ? 1 : 0;
    c->messages += part->kind == MIME_MESSAGE ? 1 : 0;
    return 0;
}

static int count_body(void *context, struct mime_part *part, const uint8_t *bytes, size_t count)
{
    struct counts *c = context;
    (void)bytes;
    *(part->kind == MIME_MESSAGE ? &c->message_bytes : &c->bytes) += count;
    return 0;
}

static int count_end(void *context, struct mime_part *part)
{
    struct counts *c = context;
    (void)part;
    c->ends++;
    return 0;
}

static struct counts counts_of(const struct buffer *b, struct mail_texts *problems)
{
    struct counts c = {0};
    const struct mime_handler handler = {count_begin, count_body, count_end, &c};
    AUTO(mime_parser) p = mime_parser_new(&handler, problems);
    for (size_t at = 0; at < b->len; at += 65536)
        ck_assert_int_eq(mime_parser_feed(p, (const uint8_t *)b->data + at,
                                          b->len - at < 65536 ? b->len - at : 65536),
                         0);
    ck_assert_int_eq(mime_parser_finish(p), 0);
    ck_assert_uint_eq(c.begins, c.ends);
    return c;
}

static bool told(const struct mail_texts *problems, const char *piece)
{
    for (size_t i = 0; i < problems->count; i++) {
        if (strstr(problems->items[i], piece) != NULL)
            return true;
    }
    return false;
}

START_TEST(nesting_stops_at_the_limit_and_what_is_deeper_is_one_part)
{
    for (unsigned depth = MAIL_DEPTH_MAX - 2; depth <= MAIL_DEPTH_MAX + 200; depth++) {
        struct mail_texts problems = {0};
        struct buffer b;
        buffer_init(&b, 1u << 20);
        for (unsigned i = 0; i < depth; i++)
            buffer_printf(&b, "Content-Type: multipart/mixed; boundary=b%u\n\n--b%u\n", i, i);
        buffer_append_text(&b, "\nhello");
        struct counts c = counts_of(&b, &problems);
        ck_assert_uint_eq(c.deepest, depth < MAIL_DEPTH_MAX ? depth + 1 : MAIL_DEPTH_MAX);
        ck_assert_uint_eq(c.opaque, depth < MAIL_DEPTH_MAX ? 0 : 1);
        ck_assert_int_eq(told(&problems, "nested deeper"), depth >= MAIL_DEPTH_MAX);
        mail_texts_done(&problems);
        buffer_done(&b);
    }
}
END_TEST

START_TEST(parts_stop_at_the_limit_and_all_that_is_left_is_one_part)
{
    static const unsigned parts[] = {MAIL_PARTS_MAX - 2, MAIL_PARTS_MAX - 1, MAIL_PARTS_MAX,
                                     100000};
    for (size_t i = 0; i < 4; i++) {
        struct mail_texts problems = {0};
        struct buffer b;
        buffer_init(&b, 1u << 24);
        buffer_append_text(&b, MIXED);
        for (unsigned n = 0; n < parts[i]; n++)
            buffer_append_text(&b, "--b\n");
        struct counts c = counts_of(&b, &problems);
        bool over = parts[i] >= MAIL_PARTS_MAX;
        ck_assert_uint_eq(c.begins, over ? MAIL_PARTS_MAX + 1 : parts[i] + 1);
        ck_assert_int_eq(told(&problems, "more than 1000 parts"), over);
        if (over)
            ck_assert_uint_eq(c.bytes, 4 * (uint64_t)(parts[i] - MAIL_PARTS_MAX));
        mail_texts_done(&problems);
        buffer_done(&b);
    }
}
END_TEST

START_TEST(parts_inside_an_attached_message_do_not_swallow_what_follows_it)
{
    struct mail_texts problems = {0};
    struct buffer b;
    buffer_init(&b, 1u << 24);
    buffer_append_text(&b, MIXED "--b\nContent-Type: message/rfc822\n\n");
    size_t start = b.len;
    buffer_append_text(&b, "Content-Type: multipart/mixed; boundary=c\n\n");
    for (unsigned n = 0; n < 5000; n++)
        buffer_append_text(&b, "--c\n\nx\n");
    size_t end = b.len - 1;
    buffer_append_text(&b, "--b--\n");
    struct counts c = counts_of(&b, &problems);
    ck_assert_uint_eq(c.message_bytes, end - start);
    ck_assert_uint_eq(c.opaque, 0);
    ck_assert(told(&problems, "more than 1000 parts"));
    mail_texts_done(&problems);
    buffer_done(&b);
}
END_TEST

START_TEST(an_attached_message_is_told_whole_byte_for_byte)
{
    static const char inner[] = "From x\nSubject: in\ngarbage\nContent-Type: multipart/mixed; "
                                "boundary=c\n\npre\n--c\n\none\r\n--c\n\ntwo\n--c--\nepi\n";
    struct mail_texts problems = {0};
    struct buffer b;
    buffer_init(&b, 65536);
    buffer_printf(&b, MIXED "--b\nContent-Type: message/rfc822\n\n%s\n--b--\n", inner);
    struct counts c = counts_of(&b, &problems);
    ck_assert_uint_eq(c.messages, 1);
    ck_assert_uint_eq(c.message_bytes, sizeof inner - 1);
    mail_texts_done(&problems);
    buffer_done(&b);
}
END_TEST

/* Where the message ends in a boundary of its own, or in its header, and no body comes between. */
START_TEST(the_line_end_before_a_boundary_is_not_the_attached_messages)
{
    static const char *const inners[] = {
        "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\none\r\n--c--",
        "Content-Type: multipart/mixed; boundary=c\n\n--c\nA: b", "Subject: in",
        "Subject: in\n", "Subject: in\n\nbody\n\r\n",
    };
    for (size_t i = 0; i < sizeof inners / sizeof inners[0]; i++) {
        struct mail_texts problems = {0};
        struct buffer b;
        buffer_init(&b, 65536);
        buffer_printf(&b, MIXED "--b\nContent-Type: message/rfc822\n\n%s\r\n--b--\n", inners[i]);
        struct counts c = counts_of(&b, &problems);
        ck_assert_uint_eq(c.message_bytes, strlen(inners[i]));
        mail_texts_done(&problems);
        buffer_done(&b);
    }
}
END_TEST

START_TEST(a_header_block_stops_at_its_limits_and_tells_so)
{
    struct mail_texts problems = {0};
    struct buffer b;
    buffer_init(&b, 1u << 25);
    for (unsigned n = 0; n < 1000000; n++)
        buffer_append_text(&b, "A: b\n");
    buffer_append_text(&b, "\nbody\n");
    struct counts c = counts_of(&b, &problems);
    ck_assert_uint_eq(c.bytes, 5);
    ck_assert(told(&problems, "header fields"));
    mail_texts_done(&problems);
    buffer_clear(&b);
    buffer_append_text(&b, "Subject: ");
    for (unsigned n = 0; n < 10 * 1024 * 1024; n++)
        buffer_append_byte(&b, 's');
    buffer_append_text(&b, "\nTo: a@example.org\n\nbody\n");
    c = counts_of(&b, &problems);
    ck_assert_uint_eq(c.bytes, 5);
    ck_assert(told(&problems, "header block longer than 256 kB"));
    mail_texts_done(&problems);
    buffer_done(&b);
}
END_TEST

START_TEST(fifty_boundaries_that_differ_in_their_last_byte_are_told_apart)
{
    struct mail_texts problems = {0};
    struct buffer b;
    char common[900];
    memset(common, 'x', sizeof common - 1);
    common[sizeof common - 1] = '\0';
    buffer_init(&b, 1u << 24);
    for (unsigned i = 0; i < MAIL_DEPTH_MAX - 1; i++)
        buffer_printf(&b, "Content-Type: multipart/mixed; boundary=\"%s%02u\"\n\n--%s%02u\n",
                      common, i, common, i);
    buffer_append_text(&b, "\n");
    for (unsigned n = 0; n < 2000; n++)
        buffer_printf(&b, "--%s99\n", common);
    struct counts c = counts_of(&b, &problems);
    ck_assert_uint_eq(c.deepest, MAIL_DEPTH_MAX);
    ck_assert_uint_eq(c.bytes, 2000 * (2 + sizeof common - 1 + 3));
    mail_texts_done(&problems);
    buffer_done(&b);
}
END_TEST

START_TEST(fields_that_stand_there_twice_are_told)
{
    static const char *const names[] = {"Content-Type", "Content-Disposition",
                                        "Content-Transfer-Encoding"};
    for (size_t i = 0; i < 3; i++) {
        struct mail_texts problems = {0};
        struct buffer b;
        buffer_init(&b, 65536);
        buffer_printf(&b, "%s: 7bit\n%s: 7bit\n\nx", names[i], names[i]);
        (void)counts_of(&b, &problems);
        ck_assert(told(&problems, names[i]));
        mail_texts_done(&problems);
        buffer_done(&b);
    }
}
END_TEST

START_TEST(a_handler_that_says_stop_is_heard_and_nothing_leaks)
{
    static const char message[] =
        MIXED "--b\n\none\n--b\nContent-Type: message/rfc822\n\n\nx\n--b--\n";
    for (int left = 0; left < 4; left++) {
        struct story s = {.left = left};
        struct mail_texts problems = {0};
        const struct mime_handler handler = {story_begin, story_body, story_end, &s};
        buffer_init(&s.text, 65536);
        AUTO(mime_parser) p = mime_parser_new(&handler, &problems);
        ck_assert_int_eq(mime_parser_feed(p, (const uint8_t *)message, sizeof message - 1), -1);
        mail_texts_done(&problems);
        buffer_done(&s.text);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("mime-parser");
    TCase *t = tcase_create("structure");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, each_structure_is_told_alike_wherever_it_is_cut, 0,
                        sizeof rows / sizeof rows[0]);
    tcase_add_loop_test(t, any_mixture_of_lines_is_told_alike_in_pieces, 0, 8);
    tcase_add_test(t, long_lines_are_told_alike_in_pieces);
    tcase_add_test(t, nesting_stops_at_the_limit_and_what_is_deeper_is_one_part);
    tcase_add_test(t, parts_stop_at_the_limit_and_all_that_is_left_is_one_part);
    tcase_add_test(t, parts_inside_an_attached_message_do_not_swallow_what_follows_it);
    tcase_add_test(t, an_attached_message_is_told_whole_byte_for_byte);
    tcase_add_test(t, the_line_end_before_a_boundary_is_not_the_attached_messages);
    tcase_add_test(t, a_header_block_stops_at_its_limits_and_tells_so);
    tcase_add_test(t, fifty_boundaries_that_differ_in_their_last_byte_are_told_apart);
    tcase_add_test(t, fields_that_stand_there_twice_are_told);
    tcase_add_test(t, a_handler_that_says_stop_is_heard_and_nothing_leaks);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
