/* SPDX-License-Identifier: Apache-2.0 */
/* header-test.c - promises of header-text.h, header-address.h, header-date.h, header-value.h,
 * header-id.h, filename.h and problem.h. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <string.h>

#include "buffer.h"
#include "filename.h"
#include "header-address.h"
#include "header-date.h"
#include "header-id.h"
#include "header-text.h"
#include "header-value.h"
#include "problem.h"
#include "text.h"

static struct span span_of(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

static const struct text_row {
    const char *value, *want;
} text_rows[] = {
    {"", ""},
    {" Hello world \r\n", "Hello world"},
    {"a\r\n b\r\n\tc", "a b c"},
    {"a \r\n \r\n  b", "a b"},
    {"=?utf-8?Q?Gr=C3=BC=C3=9Fe_aus?= Wien", "Grüße aus Wien"},
    {"=?UTF-8?B?w6Q=?= =?utf-8?b?w7Y=?=", "äö"},
    {"=?utf-8?Q?a?=\r\n =?utf-8?Q?b?= c =?utf-8?Q?d?=", "ab c d"},
    {"=?utf-8?B?w?= =?utf-8?B?6Q=?=", "ä"},     /* base64 cut anywhere */
    {"=?utf-8?Q?=C3?= =?utf-8?Q?=A4?=", "ä"},   /* a character cut */
    {"=?utf-8?B?w6Q?=", "ä"},                   /* no padding */
    {"=?utf-8?B?w6Q=?==?utf-8?B?w7Y=?=", "äö"}, /* no space between */
    {"x=?utf-8?Q?=C3=A4?=y", "xäy"},            /* none around */
    {"=?utf-8?Q?a b?=", "a b"},                 /* a space inside */
    {"=?utf-8?B?w6\r\n Q=?=", "ä"},             /* a fold inside */
    {"=?iso-8859-1*de?Q?=E4?=", "ä"},           /* RFC 2231 s.5 */
    {"=?iso-2022-jp?B?GyRCJDMkcxsoQg==?=", "こん"},
    {"=?foo?Q?caf=E9?=", "café"},
    {"=?us-ascii?Q?caf=C3=A9?=", "café"},
    {"=?utf-8?Q?a=0D=0ABcc:=20x=00?=", "a Bcc: x"}, /* no line ends, no NUL */
    {"=?utf-8?Q?=1B[31mred=07?=", "[31mred"},
    {"=?utf-8?Q?50=ZZ?=", "50=ZZ"},
    {"=?utf-8?Q?cut off", "cut off"},
    {"=?utf-8?Q?cut=C3=", "cut\xC3\x83"},
    {"=?utf-8?Q?one =?utf-8?Q?two?=", "one two"},
    {"=?utf-8?X?a?=", "=?utf-8?X?a?="},
    {"=?utf-8?", "=?utf-8?"},
    {"=?", "=?"},
    {"1=2? really =?no", "1=2? really =?no"},
    {"=?=?utf-8?Q?a?=", "=?a"},
    {"Gr\xC3\xBC\xC3\x9F"
     "e",
     "Grüße"}, /* RFC 6532 */
    {"Gr\xFC\xDF"
     "e",
     "Grüße"}, /* raw Latin-1 */
    {"=?utf-8?Q?"
     "?= a",
     "a"},
    {"=?utf-8?Q?what?now?=", "what?now"},
    {"=?utf-8?Q?a?=  =?iso-8859-1?Q?=E4?=", "aä"},
};

START_TEST(an_unstructured_field_reads_as_a_person_reads_it)
{
    const struct text_row *row = &text_rows[_i];
    struct buffer out;
    buffer_init(&out, 1000);
    ck_assert_int_eq(header_decode_text(span_of(row->value), &out, NULL), 0);
    ck_assert_str_eq(buffer_text(&out), row->want);
    buffer_done(&out);
}
END_TEST

START_TEST(no_two_bytes_anywhere_in_a_field_let_a_control_character_out)
{
    static const uint8_t second[] = "\0\t\n\r\x1B x?=\x7F\x80\x85\x9F\xC2\xE2\xFF";
    for (unsigned int a = 0; a < 256; a++) {
        for (size_t i = 0; i < sizeof second; i++) {
            unsigned int b = second[i];
            char value[40];
            struct buffer out;
            int n = snprintf(value, sizeof value, "=?utf-8?Q?x=%02X=%02Xy?= %c%cz", a, b, (int)a,
                             (int)b);
            buffer_init(&out, 1000);
            ck_assert_int_eq(
                header_decode_text((struct span){(const uint8_t *)value, (size_t)n}, &out, NULL),
                0);
            ck_assert(text_is_utf8(buffer_text(&out), out.len));
            for (size_t k = 0; k < out.len; k++)
                ck_assert((uint8_t)out.data[k] >= 0x20 && out.data[k] != 0x7F);
            buffer_done(&out);
        }
    }
}
END_TEST

static const struct address_row {
    const char *value, *want; /* "name <address>" joined with "|", - for none */
} address_rows[] = {
    {"ann@example.org", "-<ann@example.org>"},
    {"Ann Example <ann@example.org>", "Ann Example<ann@example.org>"},
    {"\"Example, Ann\" <ann@example.org>", "Example, Ann<ann@example.org>"},
    {"\"Ann \\\"A\\\" E.\" <ann@example.org>", "Ann \"A\" E.<ann@example.org>"},
    {"a@x, b@y", "-<a@x>|-<b@y>"},
    {"a@x; b@y", "-<a@x>|-<b@y>"},
    {"a@x (Ann)", "Ann<a@x>"},
    {"a@x (Ann (the\\) first))", "Ann (the) first)<a@x>"},
    {"<a@x> (Ann)", "Ann<a@x>"},
    {"(c) Ann (d) <(e)a(f)@x>", "Ann<a@x>"},
    {"(before) a@x", "-<a@x>"},
    {"a@x . y", "-<a@x.y>"},
    {"<a@x(>", "-<a@x(>"},
    {"root, Ann Lee <a@x>, postmaster", "root, Ann Lee<a@x>|-<postmaster>"},
    {"root (Charlie), a@x", "Charlie<root>|-<a@x>"},
    {"Ann Lee, \"Bob\"", "Ann Lee<->|Bob<->"},
    {"Friends: a@x, Bob <b@y>;, c@z", "-<a@x>|Bob<b@y>|-<c@z>"},
    {"undisclosed-recipients:;", ""},
    {"undisclosed-recipients: ;", ""},
    {"A: a@x;B: b@y;", "-<a@x>|-<b@y>"},
    {"<@r1,@r2:a@x>", "-<a@x>"},
    {"Ann <@r1:a@x>", "Ann<a@x>"},
    {"Dr. J. Doe <j@x>", "Dr. J. Doe<j@x>"},
    {"Doe, John <j@x>", "Doe, John<j@x>"},
    {"Doe, John <j@x>, Roe, Jane <r@x>", "Doe, John<j@x>|Roe, Jane<r@x>"},
    {"J\xC3\xBCrgen <j@x>", "Jürgen<j@x>"},
    {"J\xFCrgen <j@x>", "Jürgen<j@x>"},
    {"=?utf-8?Q?J=C3=BCrgen?= M <j@x>", "Jürgen M<j@x>"},
    {"\"=?utf-8?Q?J=C3=BCrgen?=\" <j@x>", "Jürgen<j@x>"},
    {"=?utf-8?Q?Doe, John?= <j@x>", "Doe, John<j@x>"},
    {"=?utf-8?B?w6Q=?= =?utf-8?B?w7Y=?= <j@x>", "äö<j@x>"},
    {"j@x (=?utf-8?Q?J=C3=BCrgen?=)", "Jürgen<j@x>"},
    {"Ann <ann@x", "Ann<ann@x>"},
    {"Ann <ann@x, Bob <bob@y>", "Ann<ann@x>|Bob<bob@y>"},
    {"<<ann@x>>", "-<ann@x>"},
    {"Ann <work> <ann@x>", "Ann <work><ann@x>"},
    {"=?utf-8?Q?\"J=C3=BCrgen_M\"?= <j@x>", "Jürgen M<j@x>"},
    {"\"Ann <ann@x>", "Ann<ann@x>"},
    {"\"joe doe\"@x", "-<\"joe doe\"@x>"},
    {"joe @ x . org", "-<joe@x.org>"},
    {"Joe Doe joe@x.org", "Joe Doe<joe@x.org>"},
    {"joe@[IPv6:2001:db8::1]", "-<joe@[IPv6:2001:db8::1]>"},
    {"mailto:joe@x", "-<joe@x>"},
    {"<mailto:joe@x>", "-<joe@x>"},
    {"Ann\r\n <ann@x>,\r\n\tb@y", "Ann<ann@x>|-<b@y>"},
    {"", ""},
    {", ,;:,", ""},
    {"<>", ""},
    {"root", "-<root>"},
    {"a@x <a@x>, \"B@Y\" <b@y>, 'c@z' <c@z>, d@x (d@x)", "-<a@x>|-<b@y>|-<c@z>|-<d@x>"},
    {"Doe\\, Ann <a@x>, \\\"Bob\\\" <b@y>, DOM\\carl <c@z>",
     "Doe, Ann<a@x>|Bob<b@y>|DOM\\carl<c@z>"},
    {"\"Ann E.\" ann@x, \"Bob\" \"B\" b@y, \"c d\" @z",
     "Ann E.<ann@x>|Bob\" \"B<b@y>|-<\"c d\"@z>"},
    {"Ann E. [mailto:ann@x], [MAILTO:bob@y], Carl <mailto:c@z>",
     "Ann E.<ann@x>|-<bob@y>|Carl<c@z>"},
    {"ann@x>, Bob <b@y>, c@z>>", "-<ann@x>|Bob<b@y>|-<c@z>"},
    {"http://x.org Shop <a@x>, https://y.org <b@y>", "http://x.org Shop<a@x>|https://y.org<b@y>"},
    {"Ann (ann@x), Bob B (b@y), Carl (at work, c@z)", "Ann<ann@x>|Bob B<b@y>|at work, c@z<Carl>"},
    {"a@x <b@x>, 'a' <a@x>", "a@x<b@x>|'a'<a@x>"},
    {"Ann <>", "Ann<->"},
    {"Ann (a <a@x>", "Ann (a<a@x>"},
    {"jos\xC3\xA9@ex\xC3\xA4mple.org", "-<josé@exämple.org>"},
};

START_TEST(an_address_list_reads_as_mail_programs_read_it)
{
    const struct address_row *row = &address_rows[_i];
    struct mail_addresses list = {0};
    struct buffer got;
    buffer_init(&got, 1000);
    ck_assert_int_eq(header_parse_addresses(span_of(row->value), &list, NULL), 0);
    for (size_t i = 0; i < list.count; i++) {
        const struct mail_address *a = &list.items[i];
        ck_assert_int_eq(buffer_printf(&got, "%s%s<%s>", i > 0 ? "|" : "", a->name ? a->name : "-",
                                       a->address ? a->address : "-"),
                         0);
    }
    ck_assert_str_eq(buffer_text(&got), row->want);
    buffer_done(&got);
    mail_addresses_done(&list);
}
END_TEST

START_TEST(an_address_list_as_text_joins_with_semicolons)
{
    struct mail_addresses list = {0};
    struct buffer out;
    buffer_init(&out, 1000);
    ck_assert_int_eq(
        header_parse_addresses(span_of("Ann <a@x>, b@y, \"C@z\" <c@z>, root"), &list, NULL), 0);
    ck_assert_int_eq(header_addresses_text(&list, &out), 0);
    ck_assert_str_eq(buffer_text(&out), "Ann <a@x>; b@y; c@z; root");
    buffer_done(&out);
    mail_addresses_done(&list);
}
END_TEST

static struct buffer repeated(const char *piece, size_t times)
{
    struct buffer b;
    buffer_init(&b, SIZE_MAX);
    int bad = 0;
    for (size_t i = 0; i < times; i++)
        bad |= buffer_append_text(&b, piece);
    ck_assert_int_eq(bad, 0); /* once: Check writes a line to a file for every assertion */
    return b;
}

static const char *const hostile_pieces[] = {
    "a:",  "(",       "((",     ")",   "<",      ">",   "\"",   "\\",         "a@b,",
    "a,",  "=?a?q?<", "=?a?q?", "\"a", "(a)",    "<a",  "a b ", "=?utf-8?B?", "x*0=\"",
    ";x=", "=",       "%",      "'",   ";x*=a'", "\" ", "; \"", "@",          ";a*1*=%",
};

START_TEST(hostile_repetition_costs_no_more_than_memory_for_it_and_ends)
{
    struct buffer value = repeated(hostile_pieces[_i], 100000);
    struct span span = {(const uint8_t *)value.data, value.len};
    struct mail_addresses list = {0};
    struct header_value parsed;
    struct mail_texts ids = {0}, problems = {0};
    struct buffer out;
    char date[CLOCK_RFC3339_MAX];
    buffer_init(&out, SIZE_MAX);
    ck_assert_int_eq(header_parse_addresses(span, &list, &problems), 0);
    ck_assert_uint_le(list.count, MAIL_ADDRESSES_MAX);
    ck_assert_int_eq(header_parse_value(span, &parsed, &problems), 0);
    ck_assert_uint_le(parsed.count, MAIL_PARAMETERS_MAX);
    ck_assert_int_eq(header_parse_ids(span, &ids, MAIL_REFERENCES_MAX), 0);
    ck_assert_int_eq(header_decode_text(span, &out, &problems), 0);
    ck_assert_int_eq(header_parse_date(span, date), -1);
    ck_assert_uint_le(problems.count, MAIL_PROBLEMS_MAX + 1);
    mail_addresses_done(&list);
    header_value_done(&parsed);
    mail_texts_done(&ids);
    mail_texts_done(&problems);
    buffer_done(&out);
    buffer_done(&value);
}
END_TEST

START_TEST(addresses_beyond_the_limit_are_told_and_left_out)
{
    struct buffer value = repeated("a@b,", MAIL_ADDRESSES_MAX + 1);
    struct mail_addresses list = {0};
    struct mail_texts problems = {0};
    ck_assert_int_eq(
        header_parse_addresses((struct span){(const uint8_t *)value.data, value.len - 4}, &list,
                               &problems),
        0);
    ck_assert_uint_eq(list.count, MAIL_ADDRESSES_MAX);
    ck_assert_uint_eq(problems.count, 0);
    ck_assert_int_eq(header_parse_addresses(span_of("b@c"), &list, &problems), 0);
    ck_assert_uint_eq(list.count, MAIL_ADDRESSES_MAX);
    ck_assert_uint_eq(problems.count, 1);
    mail_addresses_done(&list);
    mail_texts_done(&problems);
    buffer_done(&value);
}
END_TEST

static const struct date_row {
    const char *value, *want; /* "": no date */
} date_rows[] = {
    {"Sun, 1 Mar 2026 12:00:00 +0200", "2026-03-01T12:00:00+02:00"},
    {"1 Mar 2026 12:00 +0200", "2026-03-01T12:00:00+02:00"},
    {"Sun, 01 Mar 2026 12:00:00 GMT", "2026-03-01T12:00:00Z"},
    {"Sun, 1 Mar 2026 12:00:00 -0000", "2026-03-01T12:00:00Z"},
    {"Sun, 1 Mar 2026 12:00:00 +0200 (CEST)", "2026-03-01T12:00:00+02:00"},
    {"Sun, 1 Mar 2026 12:00:00 CEST", "2026-03-01T12:00:00+02:00"},
    {"Sun, 1 Mar 2026 12:00:00 EST", "2026-03-01T12:00:00-05:00"},
    {"Sun, 1 Mar 2026 12:00:00 GMT+2", "2026-03-01T12:00:00+02:00"},
    {"Sun, 1 Mar 2026 12:00:00 UT", "2026-03-01T12:00:00Z"},
    {"Sun, 1 Mar 2026 12:00:00 +05:30", "2026-03-01T12:00:00+05:30"},
    {"Sun, 1 Mar 2026 12:00:00 A", "2026-03-01T12:00:00Z"},
    {"Sun, 1 Mar 2026 12:00:00 nonsense", "2026-03-01T12:00:00Z"},
    {"Sun, 1 Mar 26 12:00:00 +0000", "2026-03-01T12:00:00Z"},
    {"1 Mar 99 12:00:00 +0000", "1999-03-01T12:00:00Z"},
    {"1 Mar 126 12:00:00 +0000", "2026-03-01T12:00:00Z"},
    {"Sun,1 Mar 2026 12:00:00 +0000", "2026-03-01T12:00:00Z"},
    {"Sun (day), 1 (d) Mar 2026 12 : 00 : 00 +0000", "2026-03-01T12:00:00Z"},
    {"Sun Mar  1 12:00:00 2026", "2026-03-01T12:00:00Z"},
    {"Sun Mar  1 12:00:00 CET 2026", "2026-03-01T12:00:00+01:00"},
    {"Sunday, March 1, 2026 12:00 PM", "2026-03-01T12:00:00Z"},
    {"Sunday, March 1, 2026 12:05:06 AM -0800", "2026-03-01T00:05:06-08:00"},
    {"2026-03-01T12:00:00+02:00", "2026-03-01T12:00:00+02:00"},
    {"2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"},
    {"2026-03-01 12:00:00.123 -0330", "2026-03-01T12:00:00-03:30"},
    {"20260301T120000Z", "2026-03-01T12:00:00Z"},
    {"01-Mar-2026 12:00:00 +0000", "2026-03-01T12:00:00Z"},
    {"Sun, 01-Mar-26 12:00:00 GMT", "2026-03-01T12:00:00Z"},
    {"1.3.2026 12:00", "2026-03-01T12:00:00Z"},
    {"3/1/2026 12:00:00 PM", "2026-03-01T12:00:00Z"},
    {"29 Feb 2024 23:59:60 +0000", "2024-03-01T00:00:00Z"},
    {"Sun, 1 Mar 2026 12:00:00 +9999", "2026-03-01T12:00:00Z"},
    {"Sun, 1 Mar 2026", "2026-03-01T00:00:00Z"},
    /* obs-zone (RFC 5322 s.4.3) */
    {"1 Mar 2026 12:00:00 EDT", "2026-03-01T12:00:00-04:00"},
    {"1 Mar 2026 12:00:00 CST", "2026-03-01T12:00:00-06:00"},
    {"1 Mar 2026 12:00:00 CDT", "2026-03-01T12:00:00-05:00"},
    {"1 Mar 2026 12:00:00 MST", "2026-03-01T12:00:00-07:00"},
    {"1 Mar 2026 12:00:00 MDT", "2026-03-01T12:00:00-06:00"},
    {"1 Mar 2026 12:00:00 PST", "2026-03-01T12:00:00-08:00"},
    {"1 Mar 2026 12:00:00 pdt", "2026-03-01T12:00:00-07:00"},
    {"1 Mar 2026 12:00:00 Z", "2026-03-01T12:00:00Z"},
    {"1 Mar 2026 12:00:00 J", "2026-03-01T12:00:00Z"},
    {"1 Mar 2026 12:00:00 y", "2026-03-01T12:00:00Z"},
    /* RFC 850, ctime, Date.toString(), and what gateways make of zones */
    {"Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37Z"},
    {"Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37Z"},
    {"Sun Mar 01 2026 12:00:00 GMT+0200 (Central European Standard Time)",
     "2026-03-01T12:00:00+02:00"},
    {"Sun, 1 Mar 2026 12:00:00 GMT+0200", "2026-03-01T12:00:00+02:00"},
    {"Sun, 1 Mar 2026 12:00:00 GMT-05:30", "2026-03-01T12:00:00-05:30"},
    {"Sun, 1 Mar 2026 12:00:00 UTC+2", "2026-03-01T12:00:00+02:00"},
    {"Sun, 1 Mar 2026 12:00:00 -0500 EST", "2026-03-01T12:00:00-05:00"},
    {"Sun, 1 Mar 2026 12:00:00 MSK", "2026-03-01T12:00:00+03:00"},
    {"Sun, 1 Mar 2026 12:00:00 YEKT", "2026-03-01T12:00:00+05:00"},
    {"Sun, 1 Mar 2026 12:00:00 JST", "2026-03-01T12:00:00+09:00"},
    {"Sun, 1 Mar 2026 12:00:00 MESZ", "2026-03-01T12:00:00+02:00"},
    {"Sun, 1 Mar 2026 12:00:00 +1400", "2026-03-01T12:00:00+14:00"},
    {"Sun, 1 Mar 2026 12:00:00 -1200", "2026-03-01T12:00:00-12:00"},
    /* comments, wrong weekday, end of the day */
    {"(a) Sun, (b (c)) 1 Mar 2026 (d) 12:00:00 (e) +0000 (f", "2026-03-01T12:00:00Z"},
    {"Fri, 1 Mar 2026 12:00:00 +0000", "2026-03-01T12:00:00Z"},
    {"Xyz, 1 Mar 2026 12:00:00 +0000", "2026-03-01T12:00:00Z"},
    {"1 Mar 2026 24:00:00 +0000", "2026-03-02T00:00:00Z"},
    {"31 Dec 2026 24:00 +0100", "2027-01-01T00:00:00+01:00"},
    {"1 Mar 49 12:00:00 +0000", "2049-03-01T12:00:00Z"},
    {"1 Mar 50 12:00:00 +0000", "1950-03-01T12:00:00Z"},
    {"29 Feb 2026 12:00:00 +0000", "2026-03-01T12:00:00Z"},
    /* mailers that write in their user's language; a weekday may look like a month */
    {"Mo, 02 M\xC3\xA4rz 2026 12:00:00 +0100", "2026-03-02T12:00:00+01:00"},
    {"Do, 15 Okt 2026 12:00:00 +0200", "2026-10-15T12:00:00+02:00"},
    {"Di, 1 Dez 2026 12:00:00 +0100", "2026-12-01T12:00:00+01:00"},
    {"mar, 7 avr 2026 12:00:00 +0200", "2026-04-07T12:00:00+02:00"},
    {"ven, 14 ao\xFBt 2026 12:00:00 +0200", "2026-08-14T12:00:00+02:00"},
    {"lun, 5 ene 2026 12:00:00 -0300", "2026-01-05T12:00:00-03:00"},
    {"gio, 2 lug 2026 12:00:00 +0200", "2026-07-02T12:00:00+02:00"},
    {"Tue, Apr 7 2026 12:00", "2026-04-07T12:00:00Z"},
    {"30 Feb 2026 12:00:00 +0000", ""},
    {"32 Mar 2026 12:00:00 +0000", ""},
    {"1 Foo 2026 12:00:00", ""},
    {"1 Mar 2026 25:00:00 +0000", ""},
    {"", ""},
    {"yesterday", ""},
    {"\xFF\xFE", ""},
};

START_TEST(dates_of_the_standards_and_of_real_mailers_are_read)
{
    char got[CLOCK_RFC3339_MAX];
    int r = header_parse_date(span_of(date_rows[_i].value), got);
    ck_assert_str_eq(got, date_rows[_i].want);
    ck_assert_int_eq(r, got[0] != '\0' ? 0 : -1);
}
END_TEST

static const struct value_row {
    const char *value, *want; /* value|name=value|... */
} value_rows[] = {
    {"text/plain", "text/plain"},
    {"Text/PLAIN; Charset=UTF-8", "text/plain|charset=UTF-8"},
    {"text/plain; charset=\"utf-8\"; format=flowed", "text/plain|charset=utf-8|format=flowed"},
    {"text/plain; charset=us-ascii (Plain text)", "text/plain|charset=us-ascii"},
    {"text / plain (c) ; (d) charset (e) = x", "text/plain"},
    {"text/plain; charset = \"a\"", "text/plain|charset=a"},
    {"attachment; filename=a b.pdf", "attachment|filename=a b.pdf"},
    {"attachment; filename=a (1).pdf; size=3", "attachment|filename=a (1).pdf|size=3"},
    {"attachment; filename=\"a;b.pdf\"", "attachment|filename=a;b.pdf"},
    {"attachment; filename=\"a \\\"b\\\".pdf\"", "attachment|filename=a \"b\".pdf"},
    {"attachment; filename=\"C:\\dir\\x.pdf\"", "attachment|filename=C:\\dir\\x.pdf"},
    {"attachment; filename=\"\\\\host\\(dir)\\x.pdf\"", "attachment|filename=\\host\\(dir)\\x.pdf"},
    {"attachment; filename=\"a\\ \\(1\\).pdf\"", "attachment|filename=a (1).pdf"},
    {"attachment; filename=\"C:\\dir\\(1).pdf\"", "attachment|filename=C:\\dir\\(1).pdf"},
    {"attachment; filename=\"a\"b\".pdf\"; size=3", "attachment|filename=a\"b\".pdf|size=3"},
    {"attachment; filename=\"a.pdf", "attachment|filename=a.pdf"},
    {"text/plain charset=utf-8 name=x", "text/plain|charset=utf-8|name=x"},
    {"text/plain; name=\"a\" charset=\"b\"", "text/plain|name=a|charset=b"},
    {"a; filename*=utf-8''%C3%A4.pdf", "a|filename=ä.pdf"},
    {"a; filename*=iso-8859-1'de'%E4%20b.pdf", "a|filename=ä b.pdf"},
    {"a; filename*0=\"ab\"; filename*1=\"cd\"", "a|filename=abcd"},
    {"a; filename*1=cd; filename*0=ab", "a|filename=abcd"},
    {"a; filename*0*=utf-8''%C3; filename*1*=%A4; filename*2=\".pdf\"", "a|filename=ä.pdf"},
    {"a; filename=x; filename*=utf-8''%C3%A4", "a|filename=ä"},
    {"a; filename*=%C3%A4", "a|filename=ä"},
    {"a; filename=\"utf-8''%C3%A4\"", "a|filename=ä"},
    {"a; filename=\"=?utf-8?Q?=C3=A4?=.pdf\"", "a|filename=ä.pdf"},
    {"a; filename*=utf-8''=?utf-8?Q?=C3=A4?=", "a|filename=ä"},
    {"a; filename==?utf-8?Q?=C3=A4?=", "a|filename=ä"},
    {"a; filename*0=\"=?utf-8?B?w6\"; filename*1=\"Q=?=\"", "a|filename=ä"},
    {"a; filename=\"\xC3\xA4.pdf\"", "a|filename=ä.pdf"},
    {"a; filename=\"\xE4.pdf\"", "a|filename=ä.pdf"},
    {"a; filename=\"a\r\n b\"", "a|filename=a b"},
    {"a; filename*0*=utf-8''a; filename*0*=utf-8''b; filename*2=c", "a|filename=ac"},
    {"a; x=1; x=2", "a|x=1"},
    {"a; x=; y=\"\"", "a|x=|y="},
    {"a; ; ;x=1;;", "a|x=1"},
    {"", ""},
    {";x=1", "|x=1"},
    {"multipart/mixed; boundary=\"=_a b=\"", "multipart/mixed|boundary==_a b="},
    {"multipart/mixed; boundary=----=_Part_1?=", "multipart/mixed|boundary=----=_Part_1?="},
    {"attachment; filen\xD4me=b; filename=c",
     "attachment|filename=c"}, /* never a name that is not UTF-8 */
};

START_TEST(a_field_with_parameters_is_read_whole_and_decoded)
{
    struct header_value v;
    struct buffer got;
    buffer_init(&got, 1000);
    ck_assert_int_eq(header_parse_value(span_of(value_rows[_i].value), &v, NULL), 0);
    ck_assert_int_eq(buffer_append_text(&got, v.value), 0);
    for (size_t i = 0; i < v.count; i++)
        ck_assert_int_eq(buffer_printf(&got, "|%s=%s", v.parameters[i].name, v.parameters[i].value),
                         0);
    ck_assert_str_eq(buffer_text(&got), value_rows[_i].want);
    ck_assert_ptr_null(header_value_get(&v, "none"));
    buffer_done(&got);
    header_value_done(&v);
}
END_TEST

START_TEST(parameters_beyond_the_limit_are_told_and_left_out)
{
    struct buffer value;
    struct header_value v;
    struct mail_texts problems = {0};
    buffer_init(&value, SIZE_MAX);
    ck_assert_int_eq(buffer_append_text(&value, "a"), 0);
    for (unsigned int i = 0; i < MAIL_PARAMETERS_MAX + 1; i++)
        ck_assert_int_eq(buffer_printf(&value, "; p%u=%u", i, i), 0);
    ck_assert_int_eq(
        header_parse_value((struct span){(const uint8_t *)value.data, value.len}, &v, &problems),
        0);
    ck_assert_uint_eq(v.count, MAIL_PARAMETERS_MAX);
    ck_assert_uint_eq(problems.count, 1);
    header_value_done(&v);
    mail_texts_done(&problems);
    buffer_done(&value);
}
END_TEST

static const struct id_row {
    const char *value, *want; /* joined with "|" */
} id_rows[] = {
    {"<a@b>", "a@b"},
    {" <a@b>\r\n <c@d>", "a@b|c@d"},
    {"<a@b><c@d>", "a@b|c@d"},
    {"<<a@b>>", "a@b"},
    {"a@b", "a@b"},
    {"a@b c@d, e@f", "a@b|c@d|e@f"},
    {"<a\r\n @b>", "a@b"},
    {"<a@b", "a@b"},
    {"Your message of \"today\" <a@b>", "a@b"},
    {"<no-domain>", "no-domain"},
    {"nothing", "nothing"},
    {"", ""},
    {"<>", ""},
};

START_TEST(message_ids_come_without_brackets)
{
    struct mail_texts ids = {0};
    struct buffer got;
    buffer_init(&got, 1000);
    ck_assert_int_eq(header_parse_ids(span_of(id_rows[_i].value), &ids, 10), 0);
    for (size_t i = 0; i < ids.count; i++)
        ck_assert_int_eq(buffer_printf(&got, "%s%s", i > 0 ? "|" : "", ids.items[i]), 0);
    ck_assert_str_eq(buffer_text(&got), id_rows[_i].want);
    buffer_done(&got);
    mail_texts_done(&ids);
}
END_TEST

START_TEST(no_more_ids_come_than_asked_for)
{
    struct mail_texts ids = {0};
    ck_assert_int_eq(header_parse_ids(span_of("<a@b> <c@d> <e@f>"), &ids, 2), 0);
    ck_assert_uint_eq(ids.count, 2);
    mail_texts_done(&ids);
}
END_TEST

static const struct name_row {
    const char *name, *want;
} name_rows[] = {
    {"a.pdf", "a.pdf"},
    {"../../etc/passwd", "passwd"},
    {"..\\..\\boot.ini", "boot.ini"},
    {"/etc/passwd", "passwd"},
    {"C:\\dir\\a.txt", "a.txt"},
    {"\\\\host\\share\\a.txt", "a.txt"},
    {".", ""},
    {"..", ""},
    {"../..", ""},
    {"...", ""},
    {"", ""},
    {"/", "_"},
    {" a.txt ", "a.txt"},
    {"a.txt. .", "a.txt"},
    {"CON", "_CON"},
    {"con.txt", "_con.txt"},
    {"Lpt1 .txt", "_Lpt1 .txt"},
    {"console.txt", "console.txt"},
    {"a\r\nX: y\tz", "aX: y_z"},
    {"a\u202Egpj.exe", "agpj.exe"},
    {"\u2066a\u2069\u200E.txt", "a.txt"},
    {"a\xC2\x85"
     "b",
     "ab"},
    {"\u202E", ""},
    {"\xFF.txt", "_.txt"},
    {"Grüße.txt", "Grüße.txt"},
    {".bashrc", ".bashrc"},
    {"Re: what?.eml", "Re: what?.eml"},
};

START_TEST(a_file_name_is_one_safe_component)
{
    AUTO_TEXT got = filename_clean(name_rows[_i].name);
    ck_assert_str_eq(got, name_rows[_i].want);
}
END_TEST

START_TEST(a_long_file_name_keeps_its_extension_and_whole_characters)
{
    struct buffer name = repeated("ä", 200);
    ck_assert_int_eq(buffer_append_text(&name, ".pdf"), 0);
    AUTO_TEXT got = filename_clean(buffer_text(&name));
    ck_assert_uint_eq(strlen(got), 254);
    ck_assert_str_eq(got + 250, ".pdf");
    ck_assert(text_is_utf8(got, 254));
    buffer_done(&name);
    name = repeated("a", 300);
    AUTO_TEXT plain = filename_clean(buffer_text(&name));
    ck_assert_uint_eq(strlen(plain), MAIL_FILENAME_MAX);
    buffer_done(&name);
}
END_TEST

START_TEST(every_type_has_an_extension)
{
    ck_assert_str_eq(filename_extension("application/pdf"), ".pdf");
    ck_assert_str_eq(filename_extension("TEXT/HTML"), ".html");
    ck_assert_str_eq(filename_extension("message/rfc822"), ".eml");
    ck_assert_str_eq(filename_extension("text/x-unheard-of"), ".txt");
    ck_assert_str_eq(filename_extension("x/y"), ".bin");
    ck_assert_str_eq(filename_extension(""), ".bin");
}
END_TEST

START_TEST(a_problem_is_told_once_printable_and_the_rest_is_summed_up)
{
    struct mail_texts problems = {0};
    ck_assert_int_eq(problem_add(NULL, "nobody"), 0);
    for (int twice = 0; twice < 2; twice++)
        ck_assert_int_eq(problem_add(&problems, "bad '%s'", "\xFF\r\n"), 0);
    ck_assert_uint_eq(problems.count, 1);
    ck_assert_str_eq(problems.items[0], "bad '\\xFF\\x0D\\x0A'");
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(problem_add(&problems, "problem %d", i), 0);
    ck_assert_uint_eq(problems.count, MAIL_PROBLEMS_MAX + 1);
    ck_assert_str_eq(problems.items[MAIL_PROBLEMS_MAX], "more problems: not listed");
    mail_texts_done(&problems);
}
END_TEST

#define LOOP(test, rows) tcase_add_loop_test(t, test, 0, (int)(sizeof(rows) / sizeof((rows)[0])))

static Suite *suite(void)
{
    Suite *s = suite_create("header");
    TCase *t = tcase_create("header");
    LOOP(an_unstructured_field_reads_as_a_person_reads_it, text_rows);
    tcase_add_test(t, no_two_bytes_anywhere_in_a_field_let_a_control_character_out);
    LOOP(an_address_list_reads_as_mail_programs_read_it, address_rows);
    tcase_add_test(t, an_address_list_as_text_joins_with_semicolons);
    LOOP(hostile_repetition_costs_no_more_than_memory_for_it_and_ends, hostile_pieces);
    tcase_add_test(t, addresses_beyond_the_limit_are_told_and_left_out);
    LOOP(dates_of_the_standards_and_of_real_mailers_are_read, date_rows);
    LOOP(a_field_with_parameters_is_read_whole_and_decoded, value_rows);
    tcase_add_test(t, parameters_beyond_the_limit_are_told_and_left_out);
    LOOP(message_ids_come_without_brackets, id_rows);
    tcase_add_test(t, no_more_ids_come_than_asked_for);
    LOOP(a_file_name_is_one_safe_component, name_rows);
    tcase_add_test(t, a_long_file_name_keeps_its_extension_and_whole_characters);
    tcase_add_test(t, every_type_has_an_extension);
    tcase_add_test(t, a_problem_is_told_once_printable_and_the_rest_is_summed_up);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
