/* SPDX-License-Identifier: Apache-2.0 */
/* imap-response-test.c - promises of the IMAP response parser. Each case is fed whole, byte by
 * byte, and cut at every place: the events must always be the same. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <string.h>

#include "buffer.h"
#include "imap-response.h"
#include "text.h"

/* ---- Events as text -------------------------------------------------------------------------- */

struct heard {
    struct buffer log;
    bool in_body;
};

static void heard_add(struct heard *heard, const char *what, struct span text)
{
    ck_assert_int_eq(buffer_printf(&heard->log, "%s[", what), 0);
    ck_assert_int_eq(text_append_printable(&heard->log, text.bytes, text.len, SIZE_MAX), 0);
    ck_assert_int_eq(buffer_append_text(&heard->log, "]"), 0);
}

static void heard_fetch(struct heard *heard, const struct imap_event *e)
{
    const struct imap_fetch *f = &e->fetch;
    buffer_printf(&heard->log, "fetch %u", e->number);
    if (f->has & IMAP_FETCH_UID)
        buffer_printf(&heard->log, " uid=%u", f->uid);
    if (f->has & IMAP_FETCH_SIZE)
        buffer_printf(&heard->log, " size=%llu", (unsigned long long)f->size);
    if (f->has & IMAP_FETCH_FLAGS)
        buffer_printf(&heard->log, " flags=%u", f->flags);
    if (f->has & IMAP_FETCH_DATE)
        buffer_printf(&heard->log, " date=%lld%+d", (long long)f->date_s, f->date_offset_min);
    if (f->has & IMAP_FETCH_WHOLE)
        buffer_append_text(&heard->log, " whole");
    if (f->has & IMAP_FETCH_WHOLE_NIL)
        buffer_append_text(&heard->log, " nil");
    if (f->has & IMAP_FETCH_HEADER)
        buffer_append_text(&heard->log, " header");
}

static void heard_status(struct heard *heard, const struct imap_event *e)
{
    static const char *const statuses[] = {"OK", "NO", "BAD", "BYE", "PREAUTH"};
    if (e->kind == IMAP_EVENT_TAGGED)
        heard_add(heard, "tag", e->tag);
    buffer_printf(&heard->log, "%s code=%d", statuses[e->status], e->code != IMAP_CODE_NONE);
    heard_add(heard, " args", e->args);
    heard_add(heard, " text", e->text);
}

/* Of folders: LIST, NAMESPACE, STATUS. */
static void heard_folder(struct heard *heard, const struct imap_event *e)
{
    char delimiter = e->delimiter != '\0' ? e->delimiter : '-';
    if (e->kind == IMAP_EVENT_LIST)
        buffer_printf(&heard->log, "list flags=%u del=%c", e->list_flags, delimiter);
    else if (e->kind == IMAP_EVENT_NAMESPACE)
        buffer_printf(&heard->log, "namespace del=%c", delimiter);
    else
        buffer_printf(&heard->log, "status %u next=%u validity=%u", e->number, e->uidnext,
                      e->uidvalidity);
    heard_add(heard, "", e->text);
}

/* All that is one short line. */
static void heard_line(struct heard *heard, const struct imap_event *e)
{
    switch (e->kind) {
    case IMAP_EVENT_CONTINUE:
        heard_add(heard, "+", e->text);
        break;
    case IMAP_EVENT_CAPABILITY:
        heard_add(heard, "capability", e->text);
        break;
    case IMAP_EVENT_EXISTS:
        buffer_printf(&heard->log, "exists %u", e->number);
        break;
    case IMAP_EVENT_EXPUNGE:
        buffer_printf(&heard->log, "expunge %u", e->number);
        break;
    case IMAP_EVENT_VANISHED:
        heard_add(heard, "vanished", e->text);
        break;
    case IMAP_EVENT_SEARCH:
        buffer_printf(&heard->log, "search %u:%u", e->range.first, e->range.last);
        break;
    default:
        buffer_append_text(&heard->log, "other");
        break;
    }
}

static int heard_event(void *context, const struct imap_event *e, struct error *err)
{
    struct heard *heard = context;
    (void)err;
    switch (e->kind) {
    case IMAP_EVENT_BODY_BYTES: /* pieces depend on the cut: join them */
        buffer_append(&heard->log, e->text.bytes, e->text.len);
        return 0;
    case IMAP_EVENT_BODY:
        buffer_printf(&heard->log, "body %d size=%llu uid=%u{", e->section,
                      (unsigned long long)e->size, e->fetch.uid);
        return 0;
    case IMAP_EVENT_BODY_END:
        buffer_append_text(&heard->log, "}");
        break;
    case IMAP_EVENT_FETCH:
        heard_fetch(heard, e);
        break;
    case IMAP_EVENT_TAGGED:
    case IMAP_EVENT_STATUS:
        heard_status(heard, e);
        break;
    case IMAP_EVENT_LIST:
    case IMAP_EVENT_NAMESPACE:
    case IMAP_EVENT_MAILBOX:
        heard_folder(heard, e);
        break;
    default:
        heard_line(heard, e);
        break;
    }
    buffer_append_text(&heard->log, ";");
    return 0;
}

static struct imap_parser *parser_start(struct heard *heard, bool lenient)
{
    *heard = (struct heard){0};
    buffer_init(&heard->log, 1 << 20);
    struct imap_parser *parser = imap_parser_new(heard_event, heard, lenient);
    ck_assert_ptr_nonnull(parser);
    return parser;
}

/* Feed [0,cut) and [cut,len) - or byte by byte where cut is SIZE_MAX - and compare. */
static void expect_cut(const char *wire, size_t len, const char *want, bool lenient, size_t cut)
{
    struct heard heard;
    struct error err = {0};
    AUTO(imap_parser) parser = parser_start(&heard, lenient);
    int r = 0;
    if (cut == SIZE_MAX) {
        for (size_t i = 0; i < len && r == 0; i++)
            r = imap_parser_feed(parser, wire + i, 1, &err);
    } else {
        r = imap_parser_feed(parser, wire, cut, &err);
        if (r == 0)
            r = imap_parser_feed(parser, wire + cut, len - cut, &err);
    }
    if (r < 0) {
        ck_assert_int_eq(err.class, ERROR_PROTOCOL);
        buffer_append_text(&heard.log, "broken");
    }
    ck_assert_msg(strcmp(buffer_text(&heard.log), want) == 0, "cut at %zd:\n%s\nwanted:\n%s",
                  (ssize_t)cut, buffer_text(&heard.log), want);
    buffer_done(&heard.log);
}

static void expect(const char *wire, size_t len, const char *want, bool lenient)
{
    for (size_t cut = 0; cut <= len; cut++)
        expect_cut(wire, len, want, lenient, cut);
    expect_cut(wire, len, want, lenient, SIZE_MAX);
}

struct row {
    const char *wire, *want;
};

static void expect_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect(rows[i].wire, strlen(rows[i].wire), rows[i].want, false);
}
#define EXPECT_ROWS(rows) expect_rows(rows, sizeof rows / sizeof rows[0])

/* ---- Lines ----------------------------------------------------------------------------------- */

START_TEST(status_responses_come_with_code_arguments_and_text)
{
    static const struct row rows[] = {
        {"* OK [UIDVALIDITY 3857529045] UIDs valid\r\n",
         "OK code=1 args[3857529045] text[UIDs valid];"},
        {"a1 OK [READ-WRITE] SELECT done\r\n", "tag[a1]OK code=1 args[] text[SELECT done];"},
        {"a1 NO\r\n", "tag[a1]NO code=0 args[] text[];"},
        {"x BAD syntax {5}\r\n", "tag[x]BAD code=0 args[] text[syntax {5}];"},
        {"* BYE gone [away\r\n", "BYE code=0 args[] text[gone [away];"},
        {"* OK [broken\n", "OK code=0 args[] text[[broken];"},
        {"* ok [alert] hi\r\n", "OK code=1 args[] text[hi];"},
        {"+ idling\r\n+\r\n", "+[idling];+[];"},
        {"a OK [COPYUID 7 1:3,9 4:6,8] Moved\n",
         "tag[a]OK code=1 args[7 1:3,9 4:6,8] text[Moved];"},
    };
    EXPECT_ROWS(rows);
}
END_TEST

START_TEST(data_responses_are_read_with_quoted_strings_and_literals)
{
    static const struct row rows[] = {
        {"* CAPABILITY IMAP4rev1 MOVE\r\n", "capability[IMAP4rev1 MOVE];"},
        {"* LIST (\\HasNoChildren \\Noselect) \"/\" INBOX\r\n", "list flags=1 del=/[INBOX];"},
        {"* LIST () \".\" \"a \\\"b\\\\ c\"\r\n", "list flags=0 del=.[a \"b\\ c];"},
        {"* LIST () NIL {7}\r\nab c\r\nd\r\n", "list flags=0 del=-[ab c\\x0D\\x0Ad];"},
        {"* LIST (\\Noinferiors) \"\\\\\" x (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n",
         "list flags=2 del=\\[x];"},
        {"* NAMESPACE ((\"INBOX.\" \".\")) NIL NIL\r\n", "namespace del=.[INBOX.];"},
        {"* NAMESPACE NIL NIL NIL\r\n", "other;"},
        {"* STATUS {3}\r\nfoo (MESSAGES 2 UIDNEXT 9 UIDVALIDITY 4)\r\n",
         "status 2 next=9 validity=4[foo];"},
        {"* 23 EXISTS\r\n* 1 RECENT\r\n* 44 EXPUNGE\r\n", "exists 23;other;expunge 44;"},
        {"* VANISHED (EARLIER) 41,43:116\r\n", "vanished[41,43:116];"},
        {"* FLAGS (\\Answered)\r\n* ID NIL\r\n* X-NEW {4}\r\n\r\n)\r a\r\n", "other;other;other;"},
    };
    EXPECT_ROWS(rows);
}
END_TEST

START_TEST(what_a_literal_ends_in_announces_no_other)
{
    static const struct row rows[] = {
        {"* LIST () \"/\" {6}\r\nfoo{5}\r\n* 1 EXISTS\r\n", "list flags=0 del=/[foo{5}];exists 1;"},
        {"* LIST () \"/\" {4}\r\nfo{5}\r\n* 1 EXISTS\r\n", "list flags=0 del=/[fo{5];exists 1;"},
        {"* LIST () \"/\" {0}\r\n\r\n* 1 EXISTS\r\n", "list flags=0 del=/[];exists 1;"},
        {"* LIST () \"/\" {2}\r\na\r\n* 1 EXISTS\r\n", "list flags=0 del=/[a\\x0D];exists 1;"},
        {"* X-NEW {3}\r\n{9} {3}\r\n{9}\r\n* 1 EXISTS\r\n", "other;exists 1;"},
        {"* X-NEW {3}\r\n{9}{2}\r\nab\r\n* 1 EXISTS\r\n", "other;exists 1;"},
    };
    EXPECT_ROWS(rows);
}
END_TEST

START_TEST(search_answers_come_number_by_number)
{
    static const struct row rows[] = {
        {"* SEARCH\r\n", ""},
        {"* SEARCH 2 84 882\r\n* 1 EXISTS\r\n", "search 2:2;search 84:84;search 882:882;exists 1;"},
        {"* search 4294967295\n", "search 4294967295:4294967295;"},
        {"* SEARCH 2 5 (MODSEQ 917162500)\r\n", "search 2:2;search 5:5;"},
        {"* SEARCH 2 (MODSEQ 9223372036854775807) 5\r\n* 1 EXISTS\r\n",
         "search 2:2;search 5:5;exists 1;"},
        {"* SEARCH 2 (MODSEQ 12345678901\n* SEARCH 5\n", "search 2:2;search 5:5;"},
        {"* ESEARCH (TAG \"A7\") UID ALL 2 MODSEQ 12345678901\r\n", "search 2:2;"},
        {"* ESEARCH (TAG \"A7\") UID MIN 2 COUNT 3 ALL 2,10:11,20:15\r\n",
         "search 2:2;search 10:11;search 15:20;"},
        {"* ESEARCH (TAG \"A7\") UID\r\n", ""},
        {"* SEARCH 0\r\n", "broken"},
        {"* SEARCH 4294967296\r\n", "broken"},
        {"* SEARCH 12345678901\r\n", "broken"},
        {"* SEARCH 1:\r\n", "broken"},
        {"* SEARCH 1x\r\n", "broken"},
        {"* SEARCH 1)\r\n", "broken"},
    };
    EXPECT_ROWS(rows);
}
END_TEST

START_TEST(a_search_line_longer_than_any_buffer_is_no_trouble)
{
    struct heard heard;
    struct error err = {0};
    AUTO(imap_parser) parser = parser_start(&heard, false);
    buffer_init(&heard.log, 64u << 20);
    ck_assert_int_eq(imap_parser_feed(parser, "* SEARCH", 8, &err), 0);
    for (uint32_t uid = 1; uid <= 100000; uid++) {
        char number[16];
        int n = snprintf(number, sizeof number, " %u", uid);
        ck_assert_int_eq(imap_parser_feed(parser, number, (size_t)n, &err), 0);
    }
    ck_assert_int_eq(imap_parser_feed(parser, "\r\n", 2, &err), 0);
    ck_assert_ptr_nonnull(strstr(buffer_text(&heard.log), "search 100000:100000;"));
    buffer_done(&heard.log);
}
END_TEST

/* ---- FETCH ----------------------------------------------------------------------------------- */

START_TEST(fetch_items_come_in_any_order_and_unknown_ones_are_skipped)
{
    static const struct row rows[] = {
        {"* 7 FETCH (UID 5 FLAGS (\\Seen \\Deleted $x) RFC822.SIZE 99)\r\n",
         "fetch 7 uid=5 size=99 flags=3;"},
        {"* 7 FETCH (FLAGS () UID 5)\r\n", "fetch 7 uid=5 flags=0;"},
        {"* 7 FETCH ()\r\n", "fetch 7;"},
        {"* 7 FETCH (INTERNALDATE \" 7-Mar-2026 12:30:00 +0130\" UID 5)\r\n",
         "fetch 7 uid=5 date=1772881200+90;"},
        {"* 7 FETCH (INTERNALDATE \"yesterday\" UID 5)\r\n", "fetch 7 uid=5;"},
        {"* 7 FETCH (BODYSTRUCTURE (\"TEXT\" (\"a)\" NIL) {3}\r\n(((\n3) X-A NIL X-B {2}\r\n)) UID "
         "5)\r\n",
         "broken"},
        {"* 7 FETCH (BODYSTRUCTURE (\"TEXT\" (\"a)\" NIL) {3}\r\n((( 3) X-A NIL X-B {2}\r\n)) UID "
         "5)\r\n",
         "fetch 7 uid=5;"},
        {"* 7 FETCH (MODSEQ (12) ENVELOPE (\"x\\\"\" NIL ((NIL NIL \"a\" \"b\"))) UID 5)\r\n",
         "fetch 7 uid=5;"},
    };
    EXPECT_ROWS(rows);
}
END_TEST

START_TEST(a_body_comes_as_literal_literal8_quoted_or_nil)
{
    static const struct row rows[] = {
        {"* 1 FETCH (UID 5 BODY[] {5}\r\nhello)\r\n",
         "body 0 size=5 uid=5{hello};fetch 1 uid=5 whole;"},
        {"* 1 FETCH (BODY[] {5}\r\nhello UID 5)\r\n",
         "body 0 size=5 uid=0{hello};fetch 1 uid=5 whole;"},
        {"* 1 FETCH (BODY[] ~{2}\r\nhi UID 5)\r\n", "body 0 size=2 uid=0{hi};fetch 1 uid=5 whole;"},
        {"* 1 FETCH (BODY[] {0}\r\n UID 5)\r\n", "body 0 size=0 uid=0{};fetch 1 uid=5 whole;"},
        {"* 1 FETCH (UID 5 BODY[] {0}\r\n)\r\n", "body 0 size=0 uid=5{};fetch 1 uid=5 whole;"},
        {"* 1 FETCH (UID 5 BODY[] \"a\\\"b\")\r\n",
         "body 0 size=3 uid=5{a\"b};fetch 1 uid=5 whole;"},
        {"* 1 FETCH (UID 5 BODY[] \"\")\r\n", "body 0 size=0 uid=5{};fetch 1 uid=5 whole;"},
        {"* 1 FETCH (UID 5 BODY[] NIL)\r\n", "fetch 1 uid=5 nil;"},
        {"* 1 FETCH (BODY[HEADER] {4}\r\na:b\n UID 5)\r\n",
         "body 1 size=4 uid=0{a:b\n};fetch 1 uid=5 header;"},
        {"* 1 FETCH (BODY[HEADER.FIELDS (A B)] {2}\r\n)) RFC822 {1}\r\nx UID 5)\r\n",
         "body 2 size=2 uid=0{))};body 0 size=1 uid=0{x};fetch 1 uid=5 whole;"},
        {"* 1 FETCH (BODY[]<0> {1}\r\nx UID 5)\r\n", "body 2 size=1 uid=0{x};fetch 1 uid=5;"},
    };
    EXPECT_ROWS(rows);
}
END_TEST

START_TEST(nothing_inside_a_literal_is_taken_for_a_response)
{
    static const char wire[] =
        "* 1 FETCH (UID 5 BODY[] {37}\r\na1 OK done\r\n* BYE x\r\n)\r\n* 2 EXPUNGE\r\n)\r\n"
        "a1 OK really\r\n";
    expect(
        wire, sizeof wire - 1,
        "body 0 size=37 uid=5{a1 OK done\r\n* BYE x\r\n)\r\n* 2 EXPUNGE\r\n};fetch 1 uid=5 whole;"
        "tag[a1]OK code=0 args[] text[really];",
        false);
}
END_TEST

START_TEST(a_nul_in_a_literal_is_a_byte_like_others)
{
    static const char wire[] = "* 1 FETCH (UID 5 BODY[] {3}\r\na\0b)\r\n";
    struct heard heard;
    AUTO(imap_parser) parser = parser_start(&heard, false);
    ck_assert_int_eq(imap_parser_feed(parser, wire, sizeof wire - 1, NULL), 0);
    ck_assert_int_eq(memcmp(heard.log.data, "body 0 size=3 uid=5{a\0b};fetch", 30), 0);
    buffer_done(&heard.log);
}
END_TEST

/* ---- Hostile --------------------------------------------------------------------------------- */

START_TEST(what_is_no_response_is_a_protocol_error)
{
    static const struct row rows[] = {
        {"hello\r\n", "broken"},
        {"* \r\n", "broken"},
        {"\r\n", "broken"},
        {"a1 BYE x\r\n", "broken"},
        {"* 1 FETCH UID 5\r\n", "broken"},
        {"* 1 FETCH (UID 5\r\n", "broken"},
        {"* 1 FETCH (UID 0)\r\n", "broken"},
        {"* 1 FETCH (UID -1)\r\n", "broken"},
        {"* 1 FETCH (UID 4294967296)\r\n", "broken"},
        {"* 1 FETCH (UID 5) x\r\n", "broken"},
        {"* 1 FETCH (BODY[] atom)\r\n", "broken"},
        {"* 1 FETCH (BODY[] {-1}\r\n", "broken"},
        {"* 1 FETCH (BODY[] {9223372036854775807}\r\n", "broken"},
        {"* 1 FETCH (BODY[] {99999999999999999999999}\r\n", "broken"},
        {"* 1 FETCH (BODY[] {5} x\r\n", "broken"},
        {"* 1 FETCH (BODY[] \"open\r\n", "broken"},
        {"* 1 FETCH (X (((\r\n", "broken"},
        {"* LIST () \"/\"\r\n", "broken"},
        {"* LIST () \"//\" x\r\n", "broken"},
        {"* LIST () \"/\" {70000}\r\n", "broken"},
        {"* STATUS x (MESSAGES z)\r\n", "broken"},
    };
    EXPECT_ROWS(rows);
}
END_TEST

START_TEST(the_tail_of_a_lost_line_is_forgiven_once_and_only_at_the_start)
{
    static const char wire[] = "fire\r\n* 1 EXISTS\r\n";
    static const char twice[] = "fire\r\nfire\r\n";
    expect(wire, sizeof wire - 1, "other;exists 1;", true);
    expect(twice, sizeof twice - 1, "other;broken", true);
    expect(wire, sizeof wire - 1, "broken", false);
}
END_TEST

static int feed_again(struct imap_parser *parser, const char *piece, uint64_t times,
                      struct error *err)
{
    size_t len = strlen(piece);
    for (uint64_t i = 0; i < times; i++)
        if (imap_parser_feed(parser, piece, len, err) < 0)
            return -1;
    return 0;
}

START_TEST(a_line_ends_at_its_limit)
{
    struct heard heard;
    struct error err = {0};
    static char line[IMAP_LINE_MAX + 8];
    for (size_t over = 0; over < 2; over++) {
        AUTO(imap_parser) parser = parser_start(&heard, false);
        memset(line, 'x', sizeof line);
        memcpy(line, "* OK ", 5);
        memcpy(line + IMAP_LINE_MAX + over, "\n", 1);
        ck_assert_int_eq(imap_parser_feed(parser, line, IMAP_LINE_MAX + over + 1, &err),
                         over == 0 ? 0 : -1);
        buffer_done(&heard.log);
    }
    ck_assert_int_eq(err.class, ERROR_PROTOCOL);
    AUTO(imap_parser) endless = parser_start(&heard, false);
    ck_assert_int_eq(feed_again(endless, "xxxxxxxxxxxxxxxx", IMAP_LINE_MAX / 16 + 2, &err), -1);
    buffer_done(&heard.log);
}
END_TEST

static int deaf(void *context, const struct imap_event *event, struct error *err)
{
    (void)context;
    (void)event;
    (void)err;
    return 0;
}

START_TEST(untagged_data_without_end_is_stopped_and_a_tagged_answer_starts_the_count_anew)
{
    struct error err = {0};
    AUTO(imap_parser) parser = imap_parser_new(deaf, NULL, false);
    static const char line[] = "* OK ................................................\r\n";
    uint64_t most = IMAP_UNTAGGED_MAX / (sizeof line - 1);
    ck_assert_int_eq(feed_again(parser, line, most, &err), 0);
    ck_assert_int_eq(feed_again(parser, "a OK x\r\n", 1, &err), 0);
    ck_assert_int_eq(feed_again(parser, line, most, &err), 0);
    ck_assert_int_eq(feed_again(parser, line, 2, &err), -1);
    ck_assert_int_eq(err.class, ERROR_PROTOCOL);
}
END_TEST

START_TEST(many_small_literals_cost_linear_time)
{
    struct error err = {0};
    AUTO(imap_parser) parser = imap_parser_new(deaf, NULL, false);
    ck_assert_int_eq(feed_again(parser, "* 1 FETCH (X (", 1, &err), 0);
    ck_assert_int_eq(feed_again(parser, "{1}\r\nx ", 500000, &err), 0);
    ck_assert_int_eq(feed_again(parser, ") UID 1)\r\n", 1, &err), 0);
}
END_TEST

START_TEST(copyuid_tells_runs_in_the_servers_order_and_nothing_beyond_what_it_holds)
{
    struct imap_copyuid u;
    struct imap_copyuid_run run;
    static const char args[] = "38505 304,319:320 3956:3958";
    ck_assert_int_eq(imap_copyuid_init(&u, (struct span){(const uint8_t *)args, sizeof args - 1}),
                     0);
    ck_assert_uint_eq(u.uidvalidity, 38505);
    ck_assert(imap_copyuid_next(&u, &run));
    ck_assert(run.from == 304 && run.to == 3956 && run.count == 1);
    ck_assert(imap_copyuid_next(&u, &run));
    ck_assert(run.from == 319 && run.to == 3957 && run.count == 2);
    ck_assert(!imap_copyuid_next(&u, &run));
    static const char *const broken[] = {"", "1", "1 2", "1 2 ", "x 1 2", "1  2", "4294967296 1 2"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        ck_assert_int_eq(
            imap_copyuid_init(&u, (struct span){(const uint8_t *)broken[i], strlen(broken[i])}),
            -1);
    static const char huge[] = "1 1:4294967295 1:4294967295";
    ck_assert_int_eq(imap_copyuid_init(&u, (struct span){(const uint8_t *)huge, sizeof huge - 1}),
                     0);
    ck_assert(imap_copyuid_next(&u, &run));
    ck_assert_uint_eq(run.count, UINT32_MAX);
}
END_TEST

START_TEST(a_capability_is_a_whole_word)
{
    static const char text[] = "IMAP4rev1  AUTH=PLAIN move X-UIDPLUS";
    struct span list = {(const uint8_t *)text, sizeof text - 1};
    ck_assert(imap_capability_has(list, "MOVE"));
    ck_assert(imap_capability_has(list, "AUTH=PLAIN"));
    ck_assert(!imap_capability_has(list, "UIDPLUS"));
    ck_assert(!imap_capability_has(list, "IMAP4"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("imap-response");
    TCase *lines = tcase_create("lines");
    tcase_add_test(lines, status_responses_come_with_code_arguments_and_text);
    tcase_add_test(lines, data_responses_are_read_with_quoted_strings_and_literals);
    tcase_add_test(lines, what_a_literal_ends_in_announces_no_other);
    tcase_add_test(lines, search_answers_come_number_by_number);
    tcase_add_test(lines, a_search_line_longer_than_any_buffer_is_no_trouble);
    tcase_add_test(lines, copyuid_tells_runs_in_the_servers_order_and_nothing_beyond_what_it_holds);
    tcase_add_test(lines, a_capability_is_a_whole_word);
    suite_add_tcase(s, lines);
    TCase *fetch = tcase_create("fetch");
    tcase_add_test(fetch, fetch_items_come_in_any_order_and_unknown_ones_are_skipped);
    tcase_add_test(fetch, a_body_comes_as_literal_literal8_quoted_or_nil);
    tcase_add_test(fetch, nothing_inside_a_literal_is_taken_for_a_response);
    tcase_add_test(fetch, a_nul_in_a_literal_is_a_byte_like_others);
    suite_add_tcase(s, fetch);
    TCase *hostile = tcase_create("hostile");
    tcase_set_timeout(hostile, 60);
    tcase_add_test(hostile, what_is_no_response_is_a_protocol_error);
    tcase_add_test(hostile, the_tail_of_a_lost_line_is_forgiven_once_and_only_at_the_start);
    tcase_add_test(hostile, a_line_ends_at_its_limit);
    tcase_add_test(hostile,
                   untagged_data_without_end_is_stopped_and_a_tagged_answer_starts_the_count_anew);
    tcase_add_test(hostile, many_small_literals_cost_linear_time);
    suite_add_tcase(s, hostile);
    return s;
}

CHECK_MAIN(suite)
