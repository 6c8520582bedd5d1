/* SPDX-License-Identifier: Apache-2.0 */
/* html-test.c - promises of html-text.h: HTML becomes text a person can read, in linear time. */
#include <config.h>
#include "check-main.h"

#include <string.h>

#include "buffer.h"
#include "html-entities.h"
#include "html-text.h"
#include "text.h"

static const struct html_row {
    const char *html, *want;
} html_rows[] = {
    {"", ""},
    {"plain", "plain"},
    {"  a \n\t b  ", "a b"},
    {"<p>One</p><p>Two</p>", "One\n\nTwo"},
    {"<div>One</div><div>Two</div>", "One\nTwo"},
    {"<div><div>One</div></div>\n<div>Two</div>", "One\nTwo"},
    {"a<br>b<br/>c<br />d", "a\nb\nc\nd"},
    {"a<br><br><br><br><br>b", "a\n\n\nb"},
    {"a<p>&nbsp;</p>b", "a\n\nb"},
    {"a&nbsp;&nbsp;b", "a  b"},
    {"<b>a</b><i>b</i> <u> c</u>", "ab c"},
    {"<h1>T</h1>text", "T\n\ntext"},
    {"<html><head><title>T</title><style>p{}</style></head><body>x</body></html>", "x"},
    {"a<script>if (a<b) alert('</p>')</script>b", "ab"},
    {"a<STYLE>x</style >b", "ab"},
    {"a<style>never closed", "a"},
    {"a<!-- b --> c<!---->d<!>e<!doctype html>f<?php x ?>g", "a cdefg"},
    {"a<![if !mso]>b<![endif]>c<!--[if mso]>no<![endif]-->", "abc"},
    {"a<!-- never closed", "a"},
    {"1 < 2 <3 a<b", "1 < 2 <3 a<b"},
    {"a<b title=\"x>y\">c", "ac"},
    {"a<b title=\"x>y", "ay"},
    {"a<b title='>c</b>d", "acd"},
    {"&lt;p&gt; &amp;amp; &quot;&#228;&#xE4;&auml;", "<p> &amp; \"äää"},
    {"&copy 2026 &AMP &nosuch; &; & &#; &#x;", "© 2026 & &nosuch; &; & &#; &#x;"},
    {"&#128;&#0;&#xD800;&#99999999;&#7;", "€\uFFFD\uFFFD\uFFFD"},
    {"&hellip;&euro;&NotEqualTilde;", "…€≂̸"},
    {"<a href=\"http://x/y\">here</a>", "here <http://x/y>"},
    {"<a href=\"http://x/y\">here</a>, and", "here <http://x/y>, and"},
    {"<a href='http://x/?a=1&amp;b=2'>x </a>y", "x <http://x/?a=1&b=2> y"},
    {"<a href=http://x/y>http://x/y</a>", "http://x/y"},
    {"<a href=\"https://www.x.org/\">x.org</a>", "x.org"},
    {"<a href=\"mailto:a@b\">a@b</a>", "a@b"},
    {"<a href=\"mailto:a@b\">Ann</a>", "Ann <mailto:a@b>"},
    {"<a href=\"#top\">up</a> <a href=\"javascript:x()\">js</a> <a name=x>n</a>", "up js n"},
    {"<a href=\"http://x\"><img src=1 alt=\"Logo\"></a>", "Logo <http://x>"},
    {"<a href=\"http://x\"><img src=1></a>b", "b"},
    {"<a href=\"http://x\">a<a href=\"http://y\">b</a>", "a <http://x>b <http://y>"},
    {"<p><a href=\"http://x\">a</a></p>b", "a <http://x>\n\nb"},
    {"<a href=\"http://x\"><p>a</p></a>b", "a <http://x>\n\nb"},
    {"<img alt=\"A &amp; B\">", "A & B"},
    {"<ul><li>a</li><li>b<li>c</ul>d", "* a\n* b\n* c\n\nd"},
    {"<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"},
    {"<ol start=5><li>a<li value=9>b<li>c</ol>", "5. a\n9. b\n10. c"},
    {"x<ul><li>a<ul><li>b</ul><li><p>c</p></ul>", "x\n\n* a\n  * b\n* c"},
    {"<ul><li>a<br>b</ul>", "* a\n  b"},
    {"<ul><li></li><li>b</ul>", "* b"},
    {"<li>lone", "* lone"},
    {"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>e", "a\tb\nc\td\ne"},
    {"<table><tr><th> a <th>b\n<tr><td></td><td>d</table>", "a\tb\nd"},
    {"<table><tr><td><p>a</p></td><td><p>b</p></td></tr><tr><td>c</table>", "a\tb\nc"},
    {"<table><tr><td><p>a</p><p>b</p></td><td>c</td></tr></table>", "a\n\nb\n\nc"},
    {"<table><tr><td><table><tr><td>a</table></td><td>b</td></tr></table>c", "a\tb\nc"},
    {"<table><tr><td>a<br>b</td><td>c</td></tr></table>", "a\nb\tc"},
    {"a<blockquote>b<br>c<blockquote>d</blockquote></blockquote>e", "a\n\n> b\n> c\n>\n> > d\n\ne"},
    {"<pre>\n a\n\n  b\tc</pre>d", " a\n\n  b        c\n\nd"},
    {"a<hr>b", "a\n----------------------------------------\nb"},
    {"<dl><dt>a<dd>b</dl>c", "a\nb\n\nc"},
    {"a\xC2\xAD"
     "b\xE2\x80\x8B"
     "c",
     "abc"},
    {"a\x01\x7F"
     "b",
     "ab"},
    {"</p></div></ul></blockquote></pre>a", "a"},
    {"<", "<"},
    {"</", "</"},
    {"<a", "<a"},
    {"&", "&"},
};

START_TEST(html_reads_as_a_mail_reader_shows_it)
{
    const struct html_row *row = &html_rows[_i];
    struct buffer out;
    buffer_init(&out, 10000);
    ck_assert_int_eq(html_to_text(row->html, strlen(row->html), NULL, &out), 0);
    ck_assert_str_eq(buffer_text(&out), row->want);
    buffer_done(&out);
}
END_TEST

static const char *const hostile_pieces[] = {
    "<",
    "</",
    "<!--",
    "<!",
    "<?",
    "<a href=\"",
    "<a href=",
    "<a ",
    "&",
    "&#",
    "&#x1",
    "&a",
    "&amp",
    "<ul><li>",
    "<ol><li>x",
    "<blockquote>",
    "<blockquote>x<br>",
    "<pre>\n",
    "<br>",
    "<p>",
    "<td>x",
    "<table><tr><td>x",
    "<script>",
    "<style ",
    "</ul>",
    "<a href=http://x>x",
    "</a>",
    "&nbsp;",
    " ",
    "<b a='",
    "=\"",
    ">",
    "x",
    "<img alt=\"<img alt='",
    "\xC2\xA0",
    "\xE2",
    "-->",
    "<hr>",
};

/* The text may grow by what each piece shows, never faster than the input: twice the input gives at
 * most twice the output, and limits hold the margins. */
START_TEST(hostile_repetition_ends_and_its_text_grows_no_faster_than_the_html)
{
    const char *piece = hostile_pieces[_i];
    size_t sizes[2];
    for (size_t round = 0; round < 2; round++) {
        size_t times = round == 0 ? 20000 : 40000;
        struct buffer html, out;
        buffer_init(&html, SIZE_MAX);
        buffer_init(&out, 64u << 20);
        for (size_t i = 0; i < times; i++)
            ck_assert_int_eq(buffer_append_text(&html, piece), 0);
        ck_assert_int_eq(html_to_text(html.data, html.len, NULL, &out), 0);
        ck_assert(!buffer_is_full(&out));
        sizes[round] = out.len;
        buffer_done(&html);
        buffer_done(&out);
    }
    ck_assert_uint_le(sizes[1], 2 * sizes[0] + 1000);
}
END_TEST

START_TEST(text_stays_valid_utf8_and_a_full_buffer_keeps_a_beginning)
{
    static const char html[] = "<p>äöü</p><ul><li>€uro</ul><blockquote>ß&auml;</blockquote>";
    struct buffer whole;
    buffer_init(&whole, 1000);
    ck_assert_int_eq(html_to_text(html, sizeof html - 1, NULL, &whole), 0);
    for (size_t limit = 0; limit < whole.len; limit++) {
        struct buffer out;
        buffer_init(&out, limit);
        ck_assert_int_eq(html_to_text(html, sizeof html - 1, NULL, &out), 0);
        ck_assert(buffer_is_full(&out));
        ck_assert(text_is_utf8(buffer_text(&out), out.len));
        ck_assert_int_eq(memcmp(buffer_text(&out), whole.data, out.len), 0);
        buffer_done(&out);
    }
    buffer_done(&whole);
}
END_TEST

START_TEST(html_cut_anywhere_is_still_text)
{
    static const char html[] = "<p title=\"x\">a &auml; <a href=\"http://x\">y</a><!-- c --><style>"
                               "z</style><pre>\n q</pre>";
    for (size_t cut = 0; cut < sizeof html; cut++) {
        struct buffer out;
        buffer_init(&out, 1000);
        ck_assert_int_eq(html_to_text(html, cut, NULL, &out), 0);
        ck_assert(text_is_utf8(buffer_text(&out), out.len));
        buffer_done(&out);
    }
}
END_TEST

START_TEST(the_table_of_entities_is_sorted_and_each_is_text)
{
    size_t count = 0;
    for (const char *last = "", *name; (name = html_entity_at(count)) != NULL;
         last = name, count++) {
        ck_assert_str_lt(last, name);
        ck_assert_uint_lt(strlen(name), HTML_ENTITY_MAX);
        ck_assert(text_is_utf8(html_entity(name), strlen(html_entity(name))));
        ck_assert_str_ne(html_entity(name), "");
    }
    ck_assert_uint_gt(count, 2000);
    ck_assert_ptr_null(html_entity("nosuch"));
    ck_assert(html_entity_is_legacy("auml") && !html_entity_is_legacy("hellip"));
}
END_TEST

#define LOOP(test, rows) tcase_add_loop_test(t, test, 0, (int)(sizeof(rows) / sizeof((rows)[0])))

static Suite *suite(void)
{
    Suite *s = suite_create("html");
    TCase *t = tcase_create("html");
    LOOP(html_reads_as_a_mail_reader_shows_it, html_rows);
    LOOP(hostile_repetition_ends_and_its_text_grows_no_faster_than_the_html, hostile_pieces);
    tcase_add_test(t, text_stays_valid_utf8_and_a_full_buffer_keeps_a_beginning);
    tcase_add_test(t, html_cut_anywhere_is_still_text);
    tcase_add_test(t, the_table_of_entities_is_sorted_and_each_is_text);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
