/* SPDX-License-Identifier: Apache-2.0 */
/* tnef-test.c - promises of tnef.h: files and body come out of winmail.dat, hostile or not. */
#include <config.h>
#include "check-main.h"

#include <string.h>

#include "buffer.h"
#include "problem.h"
#include "text.h"
#include "tnef-writer.h"
#include "nameless.h"
#include "tnef.h"

/* -- more than tnef-writer.h writes -- */

static void put_page(struct buffer *b, uint32_t page)
{
    AUTO_DONE(buffer) value;
    buffer_init(&value, 8);
    put_u32(&value, page);
    put_u32(&value, 0);
    put_attribute(b, 1, 0x9007, value.data, value.len);
}

struct props {
    struct buffer bytes;
    uint32_t count;
};

static void props_start(struct props *p)
{
    *p = (struct props){0};
    buffer_init(&p->bytes, 1 << 26);
}

/* A property whose length is told: text (NUL included by the caller), binary, object. */
static void put_property(struct props *p, uint32_t tag, const void *bytes, size_t count)
{
    p->count++;
    put_u32(&p->bytes, tag);
    put_u32(&p->bytes, 1);
    put_u32(&p->bytes, (uint32_t)count);
    buffer_append(&p->bytes, bytes, count);
    buffer_append(&p->bytes, "\0\0\0", (4 - count % 4) % 4);
}

static void put_text_property(struct props *p, uint32_t tag, const char *text)
{
    put_property(p, tag, text, strlen(text) + 1);
}

static void put_number_property(struct props *p, uint32_t tag, uint32_t value)
{
    p->count++;
    put_u32(&p->bytes, tag);
    put_u32(&p->bytes, value);
}

static void put_props(struct buffer *b, uint8_t level, struct props *p)
{
    AUTO_DONE(buffer) all;
    buffer_init(&all, 1 << 26);
    put_u32(&all, p->count);
    buffer_append(&all, buffer_text(&p->bytes), p->bytes.len);
    put_attribute(b, level, level == 1 ? 0x9003 : 0x9005, all.data, all.len);
    buffer_done(&p->bytes);
}

/* -- what comes out -- */

struct seen {
    struct buffer files; /* "[bytes|name|type|content id|inline]" for each; '-' where not said */
    struct tnef_message message;
    struct mail_texts problems;
    bool is_tnef;
};

static int take_bytes(void *context, const uint8_t *bytes, size_t count)
{
    ck_assert_uint_gt(count, 0);
    struct buffer *b = context;
    if (b->len == 0 || b->data[b->len - 1] == '\n')
        buffer_append_byte(b, '[');
    return buffer_append(b, bytes, count);
}

static const char *or_dash(const char *text)
{
    return text != NULL ? text : "-";
}

static int take_end(void *context, const struct tnef_file *file)
{
    struct buffer *b = context;
    if (b->len == 0 || b->data[b->len - 1] == '\n')
        buffer_append_byte(b, '[');
    return buffer_printf(b, "|%s|%s|%s|%s]\n", or_dash(file->name), or_dash(file->content_type),
                         or_dash(file->content_id), file->in_body ? "inline" : "-");
}

static void seen_done(struct seen *s)
{
    buffer_done(&s->files);
    tnef_message_done(&s->message);
    mail_texts_done(&s->problems);
}

/* In two pieces (cut == count: in one; 0: byte by byte). */
static void read_tnef(const struct buffer *b, size_t count, size_t cut, struct seen *out)
{
    struct error err;
    *out = (struct seen){0};
    buffer_init(&out->files, 1 << 26);
    struct tnef_sink sink = {take_bytes, take_end, &out->files};
    AUTO(tnef) t = tnef_new(&sink, nameless_folder(NULL), &out->problems);
    const uint8_t *bytes = (const uint8_t *)b->data;
    int failed = 0;
    for (size_t i = 0; cut == 0 && i < count; i++)
        failed |= tnef_feed(t, bytes + i, 1, &err);
    if (cut > 0)
        failed |= tnef_feed(t, bytes, cut, &err) | tnef_feed(t, bytes + cut, count - cut, &err);
    failed |= tnef_finish(t, &out->message, &out->is_tnef, &err);
    ck_assert_msg(failed == 0, "%s", err.text);
}

static void check_same(const char *got, const char *want, const char *what, size_t cut)
{
    ck_assert_msg(strcmp(or_dash(got), or_dash(want)) == 0, "%s, cut at %zu: '%s', not '%s'", what,
                  cut, or_dash(got), or_dash(want));
}

/* Every split gives the same; b is given up. */
static void check_tnef(struct buffer *b, const char *files, const char *text, const char *html)
{
    for (size_t cut = 0; cut <= b->len; cut++) {
        struct seen s;
        read_tnef(b, b->len, cut, &s);
        ck_assert(s.is_tnef);
        check_same(buffer_text(&s.files), files, "files", cut);
        check_same(s.message.text, text, "text", cut);
        check_same(s.message.html, html, "html", cut);
        seen_done(&s);
    }
    buffer_done(b);
}

START_TEST(files_come_out_with_their_titles)
{
    struct buffer b;
    put_start(&b);
    put_page(&b, 1251);
    put_text_attribute(&b, 1, 0x800C, "body \xCF");
    put_file(&b, "a.txt", "hello");
    put_file(&b, "\xCF.txt", "");
    put_file(&b, "", "x");
    check_tnef(&b, "[hello|a.txt|-|-|-]\n[|\xD0\x9F.txt|-|-|-]\n[x|-|-|-|-]\n", "body \xD0\x9F",
               NULL);
}
END_TEST

START_TEST(properties_of_a_file_say_more_than_its_title)
{
    struct buffer b;
    struct props p;
    put_start(&b);
    put_page(&b, 1252);
    put_file(&b, "LONGNA~1.TXT", "hello");
    props_start(&p);
    put_text_property(&p, 0x3704001E, "LONGNA~1.TXT");
    put_property(&p, 0x3707001F, "l\0o\0n\0g\0\x3A\x26.\0t\0", 14);
    put_text_property(&p, 0x370E001E, "Text/Plain");
    put_property(&p, 0x3712001F, "<\0i\0@\0h\0>\0\0\0", 12);
    put_number_property(&p, 0x37140003, 4);
    put_props(&b, 2, &p);
    put_file(&b, "b", "x");
    check_tnef(&b, "[hello|long\xE2\x98\xBA.t|text/plain|i@h|inline]\n[x|b|-|-|-]\n", NULL, NULL);
}
END_TEST

START_TEST(bytes_of_a_file_can_stand_in_a_property)
{
    struct buffer b;
    struct props p;
    put_start(&b);
    put_attribute(&b, 2, 0x9002, "", 0);
    props_start(&p);
    put_text_property(&p, 0x3001001E, "shown");
    put_property(&p, 0x37010102, "data in here", 12);
    put_number_property(&p, 0x7FFE000B, 1);
    put_props(&b, 2, &p);
    check_tnef(&b, "[data in here|shown|-|-|inline]\n", NULL, NULL);
}
END_TEST

START_TEST(named_and_multiple_properties_are_stepped_over)
{
    struct buffer b;
    struct props p;
    put_start(&b);
    props_start(&p);
    p.count = 5;
    put_u32(&p.bytes, 0x8001001F); /* named by a number */
    buffer_append(&p.bytes, "0123456789abcdef", 16);
    put_u32(&p.bytes, 0);
    put_u32(&p.bytes, 0x8501);
    put_u32(&p.bytes, 1);
    put_u32(&p.bytes, 2);
    put_u32(&p.bytes, 0x41);
    put_u32(&p.bytes, 0x80020003); /* named by a text */
    buffer_append(&p.bytes, "0123456789abcdef", 16);
    put_u32(&p.bytes, 1);
    put_u32(&p.bytes, 6);
    buffer_append(&p.bytes, "a\0b\0\0\0\0\0", 8);
    put_u32(&p.bytes, 42);
    put_u32(&p.bytes, 0x1000101E); /* several values: the first is told */
    put_u32(&p.bytes, 2);
    put_u32(&p.bytes, 3);
    buffer_append(&p.bytes, "one\0", 4);
    put_u32(&p.bytes, 5);
    buffer_append(&p.bytes, "other\0\0\0", 8);
    put_u32(&p.bytes, 0x00031002); /* several short numbers, 4 bytes each */
    put_u32(&p.bytes, 2);
    put_u32(&p.bytes, 1);
    put_u32(&p.bytes, 2);
    put_u32(&p.bytes, 0x00390040); /* a time */
    put_u32(&p.bytes, 1);
    put_u32(&p.bytes, 2);
    put_text_property(&p, 0x1013001E, "<b>");
    put_props(&b, 1, &p);
    check_tnef(&b, "", "one", "<b>");
}
END_TEST

START_TEST(a_body_is_read_in_the_code_page_told_behind_it)
{
    struct buffer b;
    struct props p;
    put_start(&b);
    put_page(&b, 1252);
    props_start(&p);
    put_property(&p, 0x1000001F, "t\0x\0t\0\xAC\x20", 8);
    put_property(&p, 0x10130102, "<p>\xCF</p>", 8);
    put_number_property(&p, 0x3FDE0003, 1251);
    put_text_property(&p, 0x001A001E, "IPM.Note");
    put_text_property(&p, 0x0037001E, "subject \xE4");
    put_props(&b, 1, &p);
    struct seen s;
    read_tnef(&b, b.len, b.len, &s);
    check_same(s.message.subject, "subject \xC3\xA4", "subject", 0);
    check_same(s.message.message_class, "IPM.Note", "class", 0);
    ck_assert_uint_eq(s.problems.count, 0);
    seen_done(&s);
    check_tnef(&b, "", "txt\xE2\x82\xAC", "<p>\xD0\x9F</p>");
}
END_TEST

/* RTF as a compressor that knows no references would write it. */
static void put_rtf(struct props *p, const char *rtf)
{
    AUTO_DONE(buffer) z;
    buffer_init(&z, 1 << 26);
    put_u32(&z, (uint32_t)strlen(rtf) + 12);
    put_u32(&z, (uint32_t)strlen(rtf));
    buffer_append(&z, "LZFu\0\0\0\0", 8);
    for (size_t i = 0, len = strlen(rtf); i < len; i++) {
        if (i % 8 == 0)
            buffer_append_byte(&z, 0);
        buffer_append_byte(&z, (uint8_t)rtf[i]);
    }
    put_property(p, 0x10090102, z.data, z.len);
}

START_TEST(compressed_rtf_gives_the_html_in_it)
{
    struct buffer b;
    struct props p;
    put_start(&b);
    props_start(&p);
    put_rtf(&p, "{\\rtf1\\ansi\\fromhtml1 {\\*\\htmltag64 <p>}\\htmlrtf x\\htmlrtf0 \\'e4"
                "{\\*\\htmltag72 </p>}}");
    put_props(&b, 1, &p);
    check_tnef(&b, "", NULL, "<p>\xC3\xA4</p>");
}
END_TEST

START_TEST(compressed_rtf_that_was_never_html_gives_text)
{
    struct buffer b;
    struct props p;
    put_start(&b);
    props_start(&p);
    put_rtf(&p, "{\\rtf1\\ansi Hello\\par}");
    put_props(&b, 1, &p);
    check_tnef(&b, "", "Hello\n", NULL);
}
END_TEST

START_TEST(html_of_its_own_counts_more_than_that_inside_rtf)
{
    struct buffer b;
    struct props p;
    put_start(&b);
    props_start(&p);
    put_rtf(&p, "{\\rtf1\\fromhtml1 rtf}");
    put_rtf(&p, "{\\rtf1\\fromhtml1 again}");
    put_text_property(&p, 0x1013001E, "html");
    put_props(&b, 1, &p);
    check_tnef(&b, "", NULL, "html");
}
END_TEST

static const char iid_message[] = "\x07\x03\x02\0\0\0\0\0\xC0\0\0\0\0\0\0\x46";

/* A file that is a message object holding @inner. */
static void put_object(struct buffer *b, const char *name, const struct buffer *inner)
{
    struct props p;
    AUTO_DONE(buffer) object;
    buffer_init(&object, 1 << 26);
    buffer_append(&object, iid_message, 16);
    buffer_append(&object, inner->data, inner->len);
    put_attribute(b, 2, 0x9002, "", 0);
    props_start(&p);
    put_text_property(&p, 0x3001001E, name);
    put_property(&p, 0x3701000D, object.data, object.len);
    put_props(b, 2, &p);
}

START_TEST(many_message_objects_share_one_limit_of_rtf)
{
    struct buffer rtf, inner, b;
    struct props p;
    struct seen s;
    buffer_init(&rtf, 1 << 20);
    buffer_append_text(&rtf, "{\\rtf1 ");
    for (unsigned i = 0; i < 50000; i++)
        buffer_append_text(&rtf, "0123456789");
    put_start(&inner);
    props_start(&p);
    put_rtf(&p, rtf.data);
    put_props(&inner, 1, &p);
    put_start(&b);
    for (unsigned i = 0; i < 20; i++)
        put_object(&b, "o", &inner);
    read_tnef(&b, b.len, b.len, &s);
    ck_assert_uint_lt(s.files.len, 2 * TNEF_TEXT_MAX + 20 * 40);
    ck_assert_uint_gt(s.files.len, 2 * TNEF_TEXT_MAX - 20 * 40);
    ck_assert_uint_gt(s.problems.count, 0);
    seen_done(&s);
    buffer_done(&b);
    buffer_done(&inner);
    buffer_done(&rtf);
}
END_TEST

START_TEST(a_message_object_gives_its_files_and_its_body_as_a_file)
{
    struct buffer inner, b;
    put_start(&inner);
    put_text_attribute(&inner, 1, 0x8004, "inner subject");
    put_text_attribute(&inner, 1, 0x800C, "inner text");
    put_file(&inner, "a.txt", "hello");
    put_start(&b);
    put_text_attribute(&b, 1, 0x800C, "outer text");
    put_object(&b, "forwarded", &inner);
    put_file(&b, "b.txt", "x");
    buffer_done(&inner);
    check_tnef(&b, "[hello|a.txt|-|-|-]\n[inner text|inner subject.txt|text/plain|-|-]\n"
               "[x|b.txt|-|-|-]\n", "outer text", NULL);
}
END_TEST

START_TEST(an_object_that_is_no_message_is_a_file_of_its_bytes)
{
    struct buffer b;
    struct props p;
    put_start(&b);
    put_attribute(&b, 2, 0x9002, "", 0);
    props_start(&p);
    put_property(&p, 0x3701000D, "0123456789abcdefOLE bytes", 25);
    put_text_property(&p, 0x3704001E, "x.doc");
    put_props(&b, 2, &p);
    check_tnef(&b, "[OLE bytes|x.doc|-|-|-]\n", NULL, NULL);
}
END_TEST

START_TEST(message_objects_nested_too_deep_are_a_file)
{
    struct buffer b;
    struct seen s;
    put_start(&b);
    put_file(&b, "deep", "x");
    for (unsigned i = 0; i < 3 * TNEF_DEPTH_MAX; i++) {
        struct buffer outer;
        put_start(&outer);
        put_object(&outer, "level", &b);
        buffer_done(&b);
        b = outer;
    }
    read_tnef(&b, b.len, b.len, &s);
    ck_assert_ptr_nonnull(strstr(s.files.data + s.files.len - 40, "|level|application/ms-tnef|"));
    seen_done(&s);
    buffer_done(&b);
}
END_TEST

/* One of everything, to be cut and changed. */
static void put_sample(struct buffer *b)
{
    struct buffer inner;
    struct props p;
    put_start(&inner);
    put_text_attribute(&inner, 1, 0x800C, "inner");
    put_file(&inner, "i", "in");
    put_start(b);
    put_page(b, 1252);
    props_start(&p);
    put_text_property(&p, 0x0037001E, "s");
    put_property(&p, 0x1000001F, "t\0\0", 4);
    put_rtf(&p, "{\\rtf1\\fromhtml1 r}");
    put_props(b, 1, &p);
    put_file(b, "f.txt", "some bytes");
    put_object(b, "o", &inner);
    put_file(b, "g.txt", "more");
    buffer_done(&inner);
}

START_TEST(what_is_cut_off_ends_where_it_ends)
{
    struct buffer b;
    put_sample(&b);
    for (size_t count = 0; count < b.len; count++) {
        struct seen s;
        read_tnef(&b, count, count, &s);
        ck_assert(s.is_tnef == (count >= 6));
        ck_assert(text_is_utf8(or_dash(s.message.html), strlen(or_dash(s.message.html))));
        seen_done(&s);
    }
    buffer_done(&b);
}
END_TEST

START_TEST(a_file_that_is_cut_off_keeps_its_beginning_and_a_problem_tells)
{
    struct buffer b;
    struct seen s;
    put_start(&b);
    put_file(&b, "f.txt", "some bytes");
    read_tnef(&b, b.len - 2 - 6, b.len - 2 - 6, &s);
    ck_assert_str_eq(buffer_text(&s.files), "[some|f.txt|-|-|-]\n");
    ck_assert_uint_eq(s.problems.count, 1);
    ck_assert_ptr_nonnull(strstr(s.problems.items[0], "cut off"));
    seen_done(&s);
    buffer_done(&b);
}
END_TEST

START_TEST(any_byte_changed_is_read_without_harm)
{
    static const uint8_t values[] = {0x00, 0x01, 0x7F, 0x80, 0xFF};
    struct buffer b;
    put_sample(&b);
    for (size_t at = 6; at < b.len; at++)
        for (size_t i = 0; i < sizeof values; i++) {
            struct seen s;
            char was = b.data[at];
            b.data[at] = (char)values[i];
            read_tnef(&b, b.len, b.len, &s);
            ck_assert_uint_le(s.files.len, 2 * b.len);
            seen_done(&s);
            b.data[at] = was;
        }
    buffer_done(&b);
}
END_TEST

START_TEST(bytes_that_are_no_tnef_say_so)
{
    struct buffer b;
    struct seen s;
    buffer_init(&b, 100);
    buffer_append_text(&b, "From: someone\n\nno TNEF\n");
    read_tnef(&b, b.len, b.len, &s);
    ck_assert(!s.is_tnef);
    ck_assert_uint_eq(s.files.len + s.problems.count, 0);
    seen_done(&s);
    buffer_done(&b);
}
END_TEST

START_TEST(more_files_than_the_limit_are_left_out_and_a_problem_tells)
{
    for (unsigned extra = 0; extra <= 1; extra++) {
        struct buffer b;
        struct seen s;
        size_t lines = 0;
        put_start(&b);
        for (unsigned i = 0; i < TNEF_FILES_MAX + extra; i++)
            put_file(&b, "f", "x");
        read_tnef(&b, b.len, b.len, &s);
        for (size_t i = 0; i < s.files.len; i++)
            lines += s.files.data[i] == '\n';
        ck_assert_uint_eq(lines, TNEF_FILES_MAX);
        ck_assert_uint_eq(s.problems.count, extra);
        seen_done(&s);
        buffer_done(&b);
    }
}
END_TEST

START_TEST(a_body_longer_than_the_limit_is_cut_and_a_problem_tells)
{
    for (unsigned extra = 0; extra <= 1; extra++) {
        struct buffer b, text;
        struct props p;
        struct seen s;
        buffer_init(&text, TNEF_TEXT_MAX + 1);
        buffer_reserve(&text, TNEF_TEXT_MAX + extra);
        memset(text.data, 'x', TNEF_TEXT_MAX + extra);
        buffer_added(&text, TNEF_TEXT_MAX + extra);
        put_start(&b);
        props_start(&p);
        put_property(&p, 0x1000001E, text.data, text.len);
        put_props(&b, 1, &p);
        read_tnef(&b, b.len, b.len, &s);
        ck_assert_uint_eq(strlen(s.message.text), TNEF_TEXT_MAX);
        ck_assert_uint_eq(s.problems.count, extra);
        seen_done(&s);
        buffer_done(&text);
        buffer_done(&b);
    }
}
END_TEST

START_TEST(lengths_and_counts_that_lie_end_at_the_end)
{
    struct buffer b;
    struct seen s;
    put_start(&b); /* four billion values of four bytes */
    buffer_append(&b, "\1\x03\x90\6\0\xFF\xFF\xFF\xFF", 9);
    put_u32(&b, 1);
    put_u32(&b, 0x00391003);
    put_u32(&b, UINT32_MAX);
    read_tnef(&b, b.len, b.len, &s);
    ck_assert_uint_gt(s.problems.count, 0);
    seen_done(&s);
    buffer_done(&b);
    put_start(&b); /* four billion values of nothing */
    buffer_append(&b, "\1\x03\x90\6\0\xFF\xFF\xFF\xFF", 9);
    put_u32(&b, UINT32_MAX);
    put_u32(&b, 0x00391001);
    put_u32(&b, UINT32_MAX);
    read_tnef(&b, b.len, b.len, &s);
    ck_assert_uint_gt(s.problems.count, 0);
    seen_done(&s);
    buffer_done(&b);
}
END_TEST

START_TEST(many_attributes_and_objects_are_read_in_linear_time)
{
    struct buffer b, inner;
    struct seen s;
    put_start(&inner);
    put_start(&b);
    for (unsigned i = 0; i < TNEF_ATTRIBUTES_MAX / 2 + 10; i++)
        put_object(&b, "o", &inner);
    read_tnef(&b, b.len, b.len, &s);
    ck_assert_uint_eq(s.files.len, 0);
    ck_assert_uint_gt(s.problems.count, 0); /* too many attributes */
    seen_done(&s);
    buffer_done(&b);
    buffer_done(&inner);
}
END_TEST

static int refuse_bytes(void *context, const uint8_t *bytes, size_t count)
{
    (void)context, (void)bytes, (void)count;
    return -1;
}

START_TEST(a_sink_that_says_stop_stops_the_parser)
{
    struct buffer b;
    struct error err;
    put_start(&b);
    put_file(&b, "f", "x");
    struct tnef_sink sink = {refuse_bytes, take_end, NULL};
    AUTO(tnef) t = tnef_new(&sink, nameless_folder(NULL), NULL);
    ck_assert_int_eq(tnef_feed(t, (const uint8_t *)b.data, b.len, &err), -1);
    ck_assert_int_eq((int)err.class, ERROR_CANCELLED);
    buffer_done(&b);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("tnef");
    TCase *t = tcase_create("tnef");
    tcase_add_test(t, files_come_out_with_their_titles);
    tcase_add_test(t, properties_of_a_file_say_more_than_its_title);
    tcase_add_test(t, bytes_of_a_file_can_stand_in_a_property);
    tcase_add_test(t, named_and_multiple_properties_are_stepped_over);
    tcase_add_test(t, a_body_is_read_in_the_code_page_told_behind_it);
    tcase_add_test(t, compressed_rtf_gives_the_html_in_it);
    tcase_add_test(t, compressed_rtf_that_was_never_html_gives_text);
    tcase_add_test(t, html_of_its_own_counts_more_than_that_inside_rtf);
    tcase_add_test(t, many_message_objects_share_one_limit_of_rtf);
    tcase_add_test(t, a_message_object_gives_its_files_and_its_body_as_a_file);
    tcase_add_test(t, an_object_that_is_no_message_is_a_file_of_its_bytes);
    tcase_add_test(t, message_objects_nested_too_deep_are_a_file);
    tcase_add_test(t, what_is_cut_off_ends_where_it_ends);
    tcase_add_test(t, a_file_that_is_cut_off_keeps_its_beginning_and_a_problem_tells);
    tcase_add_test(t, any_byte_changed_is_read_without_harm);
    tcase_add_test(t, bytes_that_are_no_tnef_say_so);
    tcase_add_test(t, more_files_than_the_limit_are_left_out_and_a_problem_tells);
    tcase_add_test(t, a_body_longer_than_the_limit_is_cut_and_a_problem_tells);
    tcase_add_test(t, lengths_and_counts_that_lie_end_at_the_end);
    tcase_add_test(t, many_attributes_and_objects_are_read_in_linear_time);
    tcase_add_test(t, a_sink_that_says_stop_stops_the_parser);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
