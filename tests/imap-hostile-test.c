/* SPDX-License-Identifier: Apache-2.0 */
/* imap-hostile-test.c - promises about servers and networks that mean harm (docs/guarantees.md has
 * the table): whatever they say, and in whatever phase, a pick-up ends with an error that has a
 * name, by its deadline on the test's clock, without having sent a password in the clear, moved a
 * message that it does not have, or grown. Memory is looked at in builds without sanitizers. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "buffer.h"
#include "imap-pickup-fixture.h"

#define GROWTH_MAX_KB (64L * 1024)
#define CLOCK_STEP_MS 100000 /* each look at the clock is so much later than the one before ... */
#define DRIP_STEP_MS                                                                               \
    10000                  /* ... and where bytes come all the time, so that silence is no reason  \
                            */
#define LOGIN_STEP_MS 5000 /* the same where a phase has 30 s */

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define MEMORY_IS_MEASURED false
#elif defined __has_feature
#define MEMORY_IS_MEASURED (!__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer))
#else
#define MEMORY_IS_MEASURED true
#endif

static long peak_kb(void)
{
    struct rusage usage;
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

/* ---- In every phase -------------------------------------------------------------------------- */

/* The phases of a session, by what stands in their command alone. */
static const char *const phases[] = {"LIST",        "STATUS",      "SELECT",   "SEARCH",
                                     "RFC822.SIZE", "BODY.PEEK[]", "UID MOVE", "5 (UID)"};

#define LONG "1234567890123456789012345678901234567890123456789012345678901234567890123456789\r\n"

struct attack {
    const char *reply, *want; /* "link|protocol": one of these */
    const char *text;         /* stands in the error; NULL: any does */
};

#define SILENT "no answer to"
#define DRIPS "is still not answered"
#define SLOW "less than 1 kB a second"
#define UNASKED "that were not asked for"

static const struct attack attacks[] = {
    {"* BYE so long\r\n\2", "link"},
    {"* BYE so long\r\n", "link"},
    {"\2", "link"},
    {"\3", "link", SILENT},
    {"* OK half a li\3", "link", SILENT},
    {"\5* OK one byte at a time, for as long as you like, and longer still", "link", DRIPS},
    {"* OK a line without end \4aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "protocol"},
    {"\4* X-NOISE " LONG, "protocol"},
    {"* X-NOISE {99999999999999999999}\r\n", "link"}, /* no literal, just noise; then nothing */
    {"* X-NOISE {4294967296}\r\n", "protocol"},
    {"* X-NOISE {-1}\r\n", "link"},
    {"* 1 FETCH (UID 5 BODY[] {4294967295}\r\n", "protocol"},
    {"* 1 FETCH (UID 0 FLAGS ())\r\n", "protocol"},
    {"* 1 FETCH (UID 4294967296 FLAGS ())\r\n", "protocol"},
    {"* 1 FETCH ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((\r\n",
     "protocol"},
    {"aaaaaa1 OK forged\r\n", "protocol"},
    {"no IMAP at all\r\n", "protocol"},
};

/* What a phase answers when it is not attacked. */
static const struct script_rule usual[] = {
    FOUND_ONE, LIST_ONE, BODY_ONE, {"UID MOVE 5", OK}, {"UID FETCH 5 (UID)", OK}};
#define USUAL (sizeof usual / sizeof usual[0])

static bool is_one_of(const char *seen, const char *want)
{
    const char *name = strstr(seen, "failed: ");
    return name != NULL && strstr(want, name + strlen("failed: ")) != NULL;
}

static void attack_in(const char *phase, const struct attack *attack)
{
    struct script_rule rules[USUAL + 1] = {{phase, attack->reply}};
    memcpy(rules + 1, usual, sizeof usual);
    const struct script script = {NULL, "MOVE UIDPLUS", rules, USUAL + 1, 0};
    struct host *h = host_start(&script, "timeout=60s");
    h->step_ms = strpbrk(attack->reply, "\2\4") != NULL ? 0 /* a limit or the server ends those */
                 : strchr(attack->reply, '\5') != NULL  ? DRIP_STEP_MS
                                                        : CLOCK_STEP_MS;
    h->step_at = phase;
    const char *seen = host_run(h);
    ck_assert_msg(is_one_of(seen, attack->want), "%s '%.60s': %s: %s", phase, attack->reply, seen,
                  h->err.text);
    ck_assert_msg(h->err.text[0] != '\0', "%s '%.60s'", phase, attack->reply);
    const char *text = attack->text == NULL ? "" : attack->text;
    if (strcmp(text, DRIPS) == 0 && strcmp(phase, "BODY.PEEK[]") == 0)
        text = SLOW; /* while bodies come, it is their speed that counts */
    ck_assert_msg(strstr(h->err.text, text) != NULL, "%s '%.60s': %s", phase, attack->reply,
                  h->err.text);
    imap_pickup_close(TAKE(h->pickup));
    /* one attempt at most counts: of the message that was on its way when the session ended */
    ck_assert(h->ledger[5].step >= IMAP_STEP_STORED || h->ledger[5].attempts <= 1);
    TRACE(h, "-note 5 MOVED", "-EXPUNGE", "-CLOSE");
    host_stop(h);
}

START_TEST(whatever_a_server_says_in_whatever_phase_ends_in_an_error_with_a_name)
{
    long before = peak_kb();
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++)
        attack_in(phases[i], &attacks[_i]);
    ck_assert(!MEMORY_IS_MEASURED || peak_kb() - before < GROWTH_MAX_KB);
}
END_TEST

/* ---- Bodies ---------------------------------------------------------------------------------- */

START_TEST(a_body_that_comes_too_slowly_or_without_end_is_given_up)
{
    static const struct attack rows[] = {
        {"* 1 FETCH (UID 5 BODY[] {40000}\r\n\5one byte a second, and it will take a while", "link",
         SLOW},
        {"* 1 FETCH (UID 5 BODY[] {40000}\r\nand then nothing\3", "link", SILENT},
        {"* 1 FETCH (UID 5 BODY[] {40000}\r\nand then the end\2", "link", "closed the connection"},
        {"\4* 1 FETCH (UID 6 BODY[] {3}\r\nabc)\r\n", "protocol", UNASKED},
        {"\4* 1 FETCH (BODY[] {3}\r\nabc)\r\n", "protocol", UNASKED},
    };
    long before = peak_kb();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        attack_in("BODY.PEEK[]", &rows[i]);
    ck_assert(!MEMORY_IS_MEASURED || peak_kb() - before < GROWTH_MAX_KB);
}
END_TEST

START_TEST(no_answer_in_a_body_is_believed)
{
    static const struct script_rule rules[] = {
        FOUND_ONE,
        LIST_ONE,
        {"BODY.PEEK[]",
         "* 1 FETCH (UID 5 BODY[] {?}\r\n@ OK FETCH completed\r\n* BYE bye\r\n)\r\n@ NO\r\n"
         "\1)\r\n" OK},
        MOVE_ONE};
    struct host *h = RUN(rules, FULL, "", "5 ");
    TRACE(h, "UID MOVE 5", "note 5 MOVED target 105");
    host_stop(h);
}
END_TEST

/* ---- COPYUID ------------------------------------------------------------------------------------
 */

#define STORED_COUNT 1250u
#define COPYUID_BYTES 65000u /* of a line */
#define COPYUID_LINES 120u   /* before one tagged answer */

/* 8 MB of lines that name the same again and again: as @from, in as many runs as fit. */
static void add_copyuid(struct buffer *out, const char *from, bool ranges)
{
    struct buffer line;
    buffer_init(&line, COPYUID_BYTES);
    buffer_printf(&line, "* OK [COPYUID 9 %s", from);
    while (line.len < (ranges ? COPYUID_BYTES / 2 : COPYUID_BYTES - 100))
        buffer_printf(&line, ",%s", from);
    buffer_append_text(&line, " 1:4294967295");
    while (ranges && line.len < COPYUID_BYTES - 100)
        buffer_append_text(&line, ",1:4294967295");
    buffer_append_text(&line, "] x\r\n");
    for (size_t i = 0; i < COPYUID_LINES; i++)
        buffer_append(out, line.data, line.len);
    buffer_append_text(out, OK);
    buffer_done(&line);
}

/* Were it what came, times the messages of each order on its way, this would take a minute. */
START_TEST(however_often_a_server_names_the_same_copies_the_work_goes_by_what_it_says)
{
    static const char *const names[] = {"1", "1251", "1:4294967295"};
    struct buffer there, copies;
    buffer_init(&there, 1u << 20);
    buffer_init(&copies, 16u << 20);
    for (uint32_t uid = 1; uid <= STORED_COUNT; uid++)
        buffer_printf(&there, "* %u FETCH (UID %u)\r\n", uid, uid);
    buffer_append_text(&there, OK);
    add_copyuid(&copies, names[_i], _i == 2);
    const struct script_rule rules[] = {{"(UID)", buffer_text(&there)},
                                        {"(UID)", buffer_text(&there)},
                                        {"(UID)", buffer_text(&there)},
                                        {"*UID MOVE", buffer_text(&copies)},
                                        {"*(UID)", OK}};
    const struct script script = {NULL, FULL, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "");
    for (uint32_t uid = 1; uid <= STORED_COUNT; uid++)
        h->ledger[uid] =
            (struct imap_record){.uidvalidity = 7, .uid = uid, .step = IMAP_STEP_STORED};
    ck_assert_str_eq(host_run(h), "");
    TRACE(h, "UID MOVE 1001:1250 ", "UID MOVE 1:1000 ", "note 1250 MOVED");
    host_stop(h);
    buffer_done(&there);
    buffer_done(&copies);
}
END_TEST

/* ---- What it says ----------------------------------------------------------------------------- */

/* A password is taken out of texts where it is whole: of what is cut no beginning of it stays. */
START_TEST(a_password_that_the_server_says_back_is_whole_or_not_there_wherever_it_stands)
{
    static const char *const forms[][2] = {
        {"@ NO ", "\r\n"}, {"* BYE ", "\r\n\2"}, {"* OK [ALERT] ", "\r\n" OK}};
    for (size_t i = 0; i < 3; i++)
        for (int before = 180; before < 202; before++) {
            char said[300], reply[340];
            int at = snprintf(said, sizeof said, "%*s", before, "no ");
            for (int k = 0; k + 3 < before; k++)
                said[k] = k % 4 == 3 ? ' ' : 'x';
            (void)snprintf(said + at, sizeof said - (size_t)at, "sesame is not what I said");
            (void)snprintf(reply, sizeof reply, "%s%s%s", forms[i][0], said, forms[i][1]);
            const struct script_rule rules[] = {{"SEARCH", reply}};
            const struct script script = {NULL, FULL, rules, 1, 0};
            struct host *h = host_start(&script, "");
            (void)host_run(h);
            const char *text = i == 2 ? h->log : h->err.text;
            const char *told = strstr(text, "ses");
            ck_assert_msg(told == NULL || strncmp(told, "sesame ", 7) == 0, "%s", text);
            ck_assert_msg(strstr(text, "xxx xxx") != NULL, "%s", text);
            host_stop(h);
        }
}
END_TEST

/* ---- Less than there is ---------------------------------------------------------------------- */

#define EMPTY_FIVE "* 1 FETCH (UID 5 BODY[] \"\")\r\n"
#define CUT_FIVE "* 1 FETCH (UID 5 BODY[] {?}\r\nSubject: 5\1)\r\n"
#define CUT_MORE_FIVE "* 1 FETCH (UID 5 BODY[] {?}\r\nSubj\1)\r\n"
#define TWO                                                                                        \
    {"SEARCH", "* SEARCH 5 6\r\n" OK}, {"RFC822.SIZE", LISTED(5) LISTED(6) OK}, {"*UID MOVE", OK}, \
    {                                                                                              \
        "*(UID)", OK                                                                               \
    }

START_TEST(a_message_of_which_nothing_comes_stays_where_it_is_and_the_others_go)
{
    static const struct script_rule rules[] = {
        TWO, {"FETCH 5:6 (UID BODY", EMPTY_FIVE BODY(6) OK}, {"*FETCH 5 (UID BODY", EMPTY_FIVE OK}};
    struct host *h = RUN(rules, FULL, "", "6 ");
    TRACE(h, "UID MOVE 6 ", "-UID MOVE 5");
    ck_assert_ptr_nonnull(
        strstr(h->log, "message 5 of 'INBOX' is listed, but the server does not"));
    ck_assert_uint_eq(h->ledger[5].attempts, 0);
    ck_assert_int_eq(h->trouble.class, ERROR_LINK); /* the run ends with 75 */
    ck_assert_ptr_nonnull(strstr(h->trouble.text, "message 5 first: nothing of it comes"));
    host_stop(h);
}
END_TEST

START_TEST(a_message_that_went_while_it_was_asked_for_is_no_trouble)
{
    static const struct script_rule rules[] = {
        {"RFC822.SIZE", LISTED(5) "* 1 FETCH (UID 5 FLAGS (\\Seen))\r\n" LISTED(6) OK},
        TWO,
        {"FETCH 5:6 (UID BODY", BODY(6) OK},
        {"*FETCH 5 (UID BODY", OK}};
    struct host *h = RUN(rules, FULL, "", "6 ");
    ck_assert_int_eq(h->trouble.class, ERROR_NONE);
    host_stop(h);
}
END_TEST

static unsigned count_in_trace(const struct host *h, const char *text)
{
    char *trace = script_trace(h->server);
    unsigned count = 0;
    for (const char *at = trace; (at = strstr(at, text)) != NULL; at++)
        count++;
    free(trace);
    return count;
}

/* Looked for at each minute of twenty, as when new mail comes all the time. */
START_TEST(a_message_that_is_not_given_out_is_asked_for_after_growing_pauses)
{
    static const struct script_rule rules[] = {{"*SEARCH UNDELETED", "* SEARCH 5\r\n" OK},
                                               {"*FETCH 5 (UID FLAGS", LISTED(5) OK},
                                               {"*FETCH 5 (UID BODY", EMPTY_FIVE OK}};
    struct host *h = RUN(rules, FULL, "poll=1min", "");
    for (unsigned minute = 0; minute < 20; minute++) {
        h->now_ms += IMAP_REFUSED_MS;
        ck_assert_str_eq(host_run(h), "");
        ck_assert_int_eq(h->trouble.class, ERROR_LINK);
    }
    ck_assert_uint_eq(count_in_trace(h, "UID SEARCH"), 21);
    /* at 0, 1, 2, 4, 8 and 16 minutes */
    ck_assert_uint_eq(count_in_trace(h, "(UID BODY"), 6 * IMAP_TRIES_MAX);
    host_stop(h);
}
END_TEST

/* One of another queue's lies before it, so that each search is done in two pieces. */
START_TEST(nor_is_it_asked_for_more_often_where_a_mailbox_is_searched_in_pieces)
{
    static const struct script_rule rules[] = {
        {"*SEARCH UNDELETED UID", "* SEARCH 5\r\n" OK},
        {"*SEARCH UNDELETED", "* SEARCH 3 5\r\n" OK},
        {"*FETCH 3 (UID FLAGS",
         "* 1 FETCH (UID 3 FLAGS ($MailchutePickedUp) RFC822.SIZE 20)\r\n" OK},
        {"*FETCH 5 (UID FLAGS", LISTED(5) OK},
        {"*FETCH 5 (UID BODY", EMPTY_FIVE OK}};
    static struct script script = {NULL, FULL, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start_pieces(&script, 1);
    for (unsigned minute = 0; minute <= 20; minute++) {
        ck_assert_str_eq(host_run(h), "");
        ck_assert_int_eq(h->trouble.class, ERROR_LINK);
        h->now_ms += IMAP_REFUSED_MS * 5; /* the poll */
    }
    /* at 0, 5, 10, 15, 20, 30, 50 and 85 minutes, about */
    ck_assert_uint_le(count_in_trace(h, "(UID BODY"), 8 * IMAP_TRIES_MAX);
    host_stop(h);
}
END_TEST

START_TEST(another_one_that_is_not_given_out_waits_for_no_more_than_the_next_search)
{
    static const char five[] = "* SEARCH 5\r\n" OK;
    static const struct script_rule rules[] = {
        {"SEARCH UNDELETED", five},
        {"SEARCH UNDELETED", five},
        {"SEARCH UNDELETED", five},
        {"SEARCH UNDELETED", five},
        {"SEARCH UNDELETED", five},
        {"*SEARCH UNDELETED", "* SEARCH 5 6\r\n" OK},
        {"*FETCH 5 (UID FLAGS", LISTED(5) OK},
        {"*FETCH 6 (UID FLAGS", LISTED(6) OK},
        {"*FETCH 5:6 (UID FLAGS", LISTED(5) LISTED(6) OK},
        {"*FETCH 5 (UID BODY", EMPTY_FIVE OK},
        {"FETCH 6 (UID BODY", "* 1 FETCH (UID 6 BODY[] \"\")\r\n" OK},
        {"FETCH 6 (UID BODY", "* 1 FETCH (UID 6 BODY[] \"\")\r\n" OK},
        {"FETCH 6 (UID BODY", "* 1 FETCH (UID 6 BODY[] \"\")\r\n" OK},
        {"*FETCH 5:6 (UID BODY", EMPTY_FIVE BODY(6) OK},
        {"UID MOVE 6", "@ OK [COPYUID 9 6 106] moved\r\n"}};
    struct host *h = RUN(rules, FULL, "poll=1min", "");
    for (unsigned minute = 1; minute < 6; minute++) {
        h->now_ms += IMAP_REFUSED_MS;
        ck_assert_str_eq(host_run(h), "");
    }
    h->now_ms += IMAP_REFUSED_MS;
    ck_assert_str_eq(host_run(h), "6 ");
    host_stop(h);
}
END_TEST

START_TEST(a_message_that_comes_cut_is_asked_for_again_and_loaded_when_it_comes_whole)
{
    static const struct script_rule rules[] = {
        TWO, {"FETCH 5:6 (UID BODY", CUT_FIVE BODY(6) OK}, {"FETCH 5 (UID BODY", BODY(5) OK}};
    struct host *h = RUN(rules, FULL, "", "6 5 ");
    /* While it is not asked for no attempt stands: a death counts for those on their way. */
    TRACE(h, "note 5 ATTEMPTED", "note 5 withdraw", "note 5 ATTEMPTED", "FETCH 5 (UID BODY");
    host_stop(h);
}
END_TEST

#define ALONE_COUNT 30u /* more than are on their way at a time */

/* Each goes alone; the first one comes cut, once. */
START_TEST(a_message_that_comes_cut_is_asked_for_again_before_what_was_not_asked_for_yet)
{
    static char matches[ALONE_COUNT + 1][30], replies[ALONE_COUNT + 1][120];
    struct script_rule rules[ALONE_COUNT + 5];
    struct buffer sizes;
    buffer_init(&sizes, 1 << 16);
    for (unsigned i = 0; i <= ALONE_COUNT; i++) {
        unsigned uid = i == 0 ? 1 : i;
        (void)snprintf(matches[i], sizeof matches[i], "FETCH %u (UID BODY", uid);
        (void)snprintf(replies[i], sizeof replies[i],
                       "* 1 FETCH (UID %u BODY[] {?}\r\nSubject: 5%s\1)\r\n" OK, uid,
                       i == 0 ? "" : "\r\n\r\nbody\r\n");
        rules[i] = (struct script_rule){matches[i], replies[i]};
        if (i > 0)
            ck_assert_int_eq(
                buffer_printf(&sizes, "* 1 FETCH (UID %u FLAGS () RFC822.SIZE 20)\r\n", i), 0);
    }
    ck_assert_int_eq(buffer_append_text(&sizes, OK), 0);
    rules[ALONE_COUNT + 1] = (struct script_rule){"SEARCH", "* SEARCH 1:30\r\n" OK};
    rules[ALONE_COUNT + 2] = (struct script_rule){"*RFC822.SIZE", buffer_text(&sizes)};
    rules[ALONE_COUNT + 3] = (struct script_rule){"*UID MOVE", OK};
    rules[ALONE_COUNT + 4] = (struct script_rule){"*(UID)", OK};
    const struct script script = {NULL, FULL, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "batch=1");
    (void)host_run(h);
    TRACE(h, "FETCH 1 (UID BODY", "FETCH 1 (UID BODY", "FETCH 30 (UID BODY");
    for (unsigned uid = 1; uid <= ALONE_COUNT; uid++)
        ck_assert_msg(h->ledger[uid].step == IMAP_STEP_MOVED, "%u", uid);
    host_stop(h);
    buffer_done(&sizes);
}
END_TEST

/* In one window they would stand in no order, and be taken for others than were asked for. */
#define EMPTY(uid) "* 1 FETCH (UID " #uid " BODY[] \"\")\r\n"
START_TEST(what_did_not_come_is_asked_for_again_in_ascending_order)
{
    static const struct script_rule rules[] = {
        {"SEARCH", "* SEARCH 1:6\r\n" OK},
        {"RFC822.SIZE", LISTED(1) LISTED(2) LISTED(3) LISTED(4) LISTED(5) LISTED(6) OK},
        {"FETCH 1:2 (UID BODY", EMPTY(1) BODY(2) OK},
        {"FETCH 3:4 (UID BODY", EMPTY(3) BODY(4) OK},
        {"FETCH 5:6 (UID BODY", EMPTY(5) BODY(6) OK},
        {"FETCH 1,3 (UID BODY", EMPTY(1) EMPTY(3) OK},
        {"FETCH 5 (UID BODY", BODY(5) OK},
        {"FETCH 1,3 (UID BODY", BODY(1) BODY(3) OK},
        {"*UID MOVE", OK},
        {"*(UID)", OK}};
    struct host *h = RUN(rules, FULL, "batch=2", "2 4 6 5 1 3 ");
    host_stop(h);
}
END_TEST

START_TEST(a_message_that_comes_as_short_again_is_all_that_the_server_has)
{
    static const struct script_rule rules[] = {
        TWO, {"FETCH 5:6 (UID BODY", CUT_FIVE BODY(6) OK}, {"FETCH 5 (UID BODY", CUT_FIVE OK}};
    struct host *h = RUN(rules, FULL, "", "6 5 ");
    host_stop(h);
}
END_TEST

START_TEST(a_message_that_comes_cut_elsewhere_each_time_stays_where_it_is)
{
    static const struct script_rule rules[] = {TWO,
                                               {"FETCH 5:6 (UID BODY", CUT_FIVE BODY(6) OK},
                                               {"FETCH 5 (UID BODY", CUT_MORE_FIVE OK},
                                               {"FETCH 5 (UID BODY", CUT_FIVE OK}};
    struct host *h = RUN(rules, FULL, "", "6 ");
    TRACE(h, "-UID MOVE 5");
    ck_assert_int_eq(h->trouble.class, ERROR_LINK);
    host_stop(h);
}
END_TEST

START_TEST(a_message_whose_size_is_not_told_is_asked_about_twice_left_and_told)
{
    static const struct script_rule rules[] = {
        {"SEARCH", "* SEARCH 5 6\r\n" OK},
        {"*5 (UID FLAGS RFC822.SIZE", "* 1 FETCH (UID 5 FLAGS ())\r\n" OK},
        {"RFC822.SIZE", "* 1 FETCH (UID 5 FLAGS ())\r\n" LISTED(6) OK},
        {"FETCH 6 (UID BODY", BODY(6) OK},
        {"*UID MOVE", OK},
        {"*(UID)", OK}};
    struct host *h = RUN(rules, FULL, "", "6 ");
    ck_assert_ptr_nonnull(strstr(h->log, "size of 1 messages that it found in 'INBOX', message 5"));
    ck_assert_int_eq(h->trouble.class, ERROR_LINK);
    ck_assert_ptr_nonnull(strstr(h->trouble.text, "message 5 first: its size is not told"));
    host_stop(h);
}
END_TEST

/* A server whose sizes are wrong altogether: each of a thousand messages has a tenth of what it says. */
START_TEST(where_sizes_are_wrong_altogether_few_messages_are_asked_for_twice)
{
    struct buffer sizes, bodies;
    buffer_init(&sizes, 1 << 20);
    buffer_init(&bodies, 1 << 20);
    for (unsigned uid = 1; uid <= 1000; uid++) {
        ck_assert_int_eq(
            buffer_printf(&sizes, "* %u FETCH (UID %u FLAGS () RFC822.SIZE 200)\r\n", uid, uid), 0);
        ck_assert_int_eq(buffer_printf(&bodies,
                                       "* %u FETCH (UID %u BODY[] {20}\r\n"
                                       "Subject: 5\r\n\r\nbody\r\n)\r\n",
                                       uid, uid),
                         0);
    }
    ck_assert_int_eq(buffer_append_text(&sizes, OK), 0);
    ck_assert_int_eq(buffer_append_text(&bodies, OK), 0);
    const struct script_rule rules[] = {{"SEARCH", "* SEARCH 1:1000\r\n" OK},
                                        {"*RFC822.SIZE", buffer_text(&sizes)},
                                        {"*BODY.PEEK[]", buffer_text(&bodies)},
                                        {"*UID MOVE", OK},
                                        {"*(UID)", OK}};
    const struct script script = {NULL, FULL, rules, 5, 0};
    struct host *h = host_start(&script, "");
    (void)host_run(h);
    for (unsigned uid = 1; uid <= 1000; uid++)
        ck_assert_msg(h->ledger[uid].step == IMAP_STEP_MOVED, "%u", uid);
    host_stop(h);
    buffer_done(&sizes);
    buffer_done(&bodies);
}
END_TEST

/* ---- Rules ----------------------------------------------------------------------------------- */

START_TEST(a_header_that_is_nil_is_judged_as_empty_and_not_as_that_of_the_message_before)
{
    static const struct script_rule rules[] = {
        {"SEARCH", "* SEARCH 5 6\r\n" OK},
        {"BODY.PEEK[HEADER]",
         "* 1 FETCH (UID 5 RFC822.SIZE 20 BODY[HEADER] {?}\r\nSubject: mine\r\n\r\n\1)\r\n"
         "* 2 FETCH (UID 6 RFC822.SIZE 20 BODY[HEADER] NIL)\r\n" OK},
        {"FETCH 5 (UID BODY.PEEK[])", BODY(5) OK},
        {"FETCH 6 (UID BODY.PEEK[])", BODY(6) OK},
        {"*UID MOVE", OK},
        {"*(UID)", OK}};
    struct host *h = RUN(rules, FULL, "accept=Subject:/mine/", "5 ");
    host_stop(h);
    h = RUN(rules, FULL, "skip=Subject:/mine/", "6 ");
    host_stop(h);
}
END_TEST

#define HEADED(uid)                                                                                \
    "* 1 FETCH (UID " #uid                                                                         \
    " FLAGS () RFC822.SIZE 20 BODY[HEADER] {?}\r\nSubject: mine\r\n\r\n\1)\r\n"

START_TEST(a_header_that_a_rule_waits_for_and_that_does_not_come_is_asked_for_again)
{
    static const struct script_rule rules[] = {{"SEARCH", "* SEARCH 5 6\r\n" OK},
                                               {"FETCH 5:6 (UID FLAGS", LISTED(5) HEADED(6) OK},
                                               {"FETCH 6 (UID BODY", BODY(6) OK},
                                               {"FETCH 5 (UID FLAGS", HEADED(5) OK},
                                               {"FETCH 5 (UID BODY", BODY(5) OK},
                                               {"*UID MOVE", OK},
                                               {"*(UID)", OK}};
    struct host *h = RUN(rules, FULL, "accept=Subject:/mine/", "6 5 ");
    ck_assert_int_eq(h->trouble.class, ERROR_NONE);
    host_stop(h);
}
END_TEST

/* Message 6 is one that the rule leaves for good. */
START_TEST(a_header_that_never_comes_is_told_and_asked_for_after_growing_pauses)
{
    static const struct script_rule rules[] = {
        {"*SEARCH UNDELETED", "* SEARCH 5 6\r\n" OK},
        {"FETCH 5:6 (UID FLAGS", LISTED(5) "* 2 FETCH (UID 6 FLAGS () RFC822.SIZE 20 BODY[HEADER] "
                                           "\"\")\r\n" OK},
        {"*FETCH 5 (UID FLAGS", LISTED(5) OK}};
    struct host *h = RUN(rules, FULL, "poll=1min;accept=Subject:/mine/", "");
    for (unsigned minute = 0; minute < 20; minute++) {
        ck_assert_int_eq(h->trouble.class, ERROR_LINK); /* the run ends with 75 */
        ck_assert_ptr_nonnull(strstr(h->trouble.text, "message 5 first: its header is not told"));
        h->now_ms += IMAP_REFUSED_MS;
        ck_assert_str_eq(host_run(h), "");
    }
    char *trace = script_trace(h->server);
    unsigned listings = 0, of_both = 0;
    for (const char *at = trace; (at = strstr(at, "(UID FLAGS")) != NULL; at++)
        listings++;
    for (const char *at = trace; (at = strstr(at, "5:6 (UID FLAGS")) != NULL; at++)
        of_both++;
    ck_assert_uint_eq(listings, 6 * 2); /* at 0, 1, 2, 4, 8 and 16 minutes */
    ck_assert_uint_eq(of_both, 1);
    free(trace);
    host_stop(h);
}
END_TEST

START_TEST(a_message_that_was_marked_as_deleted_is_picked_up_when_that_is_taken_back)
{
    static const struct script_rule rules[] = {
        FOUND_ONE, /* while it is not marked, or not any more */
        {"FETCH 5 (UID FLAGS", "* 1 FETCH (UID 5 FLAGS (\\Deleted) RFC822.SIZE 20)\r\n" OK},
        {"SEARCH", OK},
        FOUND_ONE,
        LIST_ONE,
        BODY_ONE,
        MOVE_ONE};
    struct host *h = RUN(rules, FULL, "poll=1min", "");
    ck_assert_int_eq(h->trouble.class, ERROR_NONE); /* whoever deletes mail is no trouble */
    h->now_ms += IMAP_REFUSED_MS;
    ck_assert_str_eq(host_run(h), "");
    h->now_ms += IMAP_REFUSED_MS;
    ck_assert_str_eq(host_run(h), "5 ");
    host_stop(h);
}
END_TEST

/* By their speed, like bodies: how long 500 headers take tells nothing. */
START_TEST(headers_for_a_rule_that_come_too_slowly_are_given_up)
{
    static const struct script_rule rules[] = {
        FOUND_ONE,
        {"BODY.PEEK[HEADER]",
         "* 1 FETCH (UID 5 RFC822.SIZE 20 BODY[HEADER] {40000}\r\n\5one byte a second, and more"}};
    static const struct script script = {NULL, FULL, rules, 2, 0};
    struct host *h = host_start(&script, "timeout=60s;accept=Subject:/mine/");
    h->step_ms = DRIP_STEP_MS;
    h->step_at = "BODY.PEEK[HEADER]";
    ck_assert_str_eq(host_run(h), "failed: link");
    ck_assert_msg(strstr(h->err.text, SLOW) != NULL, "%s", h->err.text);
    host_stop(h);
}
END_TEST

/* ---- Before the log-in ----------------------------------------------------------------------- */

#define NO_PASSWORD "-LOGIN", "-AUTHENTICATE"

START_TEST(without_the_encryption_that_is_wanted_no_password_is_sent)
{
    static const struct {
        const char *greeting, *capabilities, *starttls;
    } rows[] = {
        {NULL, "", ""}, /* stripped from the capabilities */
        {NULL, "STARTTLS", "@ NO not today\r\n"},
        {NULL, "STARTTLS", "@ BAD what\r\n"},
        {NULL, "STARTTLS", "@ OK go on\r\n* OK injected\r\n"}, /* said before there is TLS */
        {NULL, "STARTTLS", "@ OK go on\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n@ OK in\r\n"},
        {NULL, "STARTTLS", "@ OK go on\r\nno TLS at all, only text\r\n"},
        {NULL, "STARTTLS", "* BYE\r\n\2"},
        {"* PREAUTH you are in\r\n", "STARTTLS", ""}, /* skips both */
        {"* PREAUTH you are in\r\n", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct script_rule rules[] = {{"STARTTLS", rows[i].starttls}};
        const struct script script = {rows[i].greeting, rows[i].capabilities, rules, 1, 0};
        struct host *h = host_start_at(&script, "url=127.0.0.1;starttls=Required;port=", "");
        const char *seen = host_run(h);
        ck_assert_msg(is_one_of(seen, "protocol|config|link|unreachable"), "row %zu: %s: %s", i,
                      seen, h->err.text);
        TRACE(h, NO_PASSWORD, "-SELECT");
        host_stop(h);
    }
}
END_TEST

START_TEST(a_server_that_never_gets_to_the_log_in_is_given_up)
{
    static const struct {
        const char *greeting, *login, *want;
    } rows[] = {
        {"\3", "", "unreachable"},
        {"* O\3", "", "unreachable"},
        {"\5* OK hello, one byte at a time, which takes longer than anybody waits", "",
         "unreachable"},
        {"\4* OK hello for ever and ever", "", "unreachable|protocol"},
        {NULL, "\3", "unreachable"},
        {NULL, "\4* OK still here\r\n", "unreachable|protocol"},
        {NULL, "\4no end", "unreachable|protocol"},
        {NULL, "\2", "unreachable|protocol|link"},
        {NULL, "* BYE\r\n\2", "link"},
    };
    long before = peak_kb();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct script_rule rules[] = {{"LOGIN", rows[i].login}};
        const struct script script = {rows[i].greeting, "", rules, 1, 0};
        struct host *h = host_start(&script, "");
        h->step_ms = LOGIN_STEP_MS;
        const char *seen = host_run(h);
        ck_assert_msg(is_one_of(seen, rows[i].want), "row %zu: %s: %s", i, seen, h->err.text);
        TRACE(h, "-SELECT");
        host_stop(h);
    }
    ck_assert(!MEMORY_IS_MEASURED || peak_kb() - before < GROWTH_MAX_KB);
}
END_TEST

/* ---- What would become a command ------------------------------------------------------------- */

START_TEST(no_line_end_or_control_byte_reaches_the_server_in_credentials_or_names)
{
    static const char *const keys[] = {"mailbox", "dropbox", "badmail", "search", "auth"};
    for (int byte = 1; byte <= 0x7F; byte++) {
        char text[40], connection[120];
        if (byte >= 0x20 && byte != 0x7F)
            continue;
        (void)snprintf(text, sizeof text, "x%cA9 DELETE INBOX", byte);
        for (size_t i = 0; i < 2; i++) {
            const struct script script = {NULL, "", NULL, 0, 0};
            struct host *h =
                host_start_as_user(&script, i == 0 ? text : "ann", i == 1 ? text : "sesame");
            ck_assert_str_eq(host_run(h), "failed: usage");
            ck_assert_ptr_null(strstr(h->err.text, "DELETE INBOX"));
            TRACE(h, NO_PASSWORD, "-DELETE");
            host_stop(h);
        }
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
            struct imap_settings *settings = NULL;
            struct error err = {0};
            (void)snprintf(connection, sizeof connection, "url=127.0.0.1;%s='%s'", keys[i], text);
            ck_assert_msg(imap_settings_read(connection, &settings, &err) < 0, "%s, byte %d",
                          keys[i], byte);
        }
    }
}
END_TEST

/* ---- Pauses ---------------------------------------------------------------------------------- */

START_TEST(a_pause_that_the_server_asks_for_is_heeded_wherever_it_comes)
{
    static const char *const asked[] = {"@ NO [THROTTLED] slow down\r\n",
                                        "@ NO Suggested Backoff Time: 4500 milliseconds\r\n"};
    static const char *const at[] = {"CAPABILITY", "STATUS \"DROPBOX\"", "STATUS \"BADMAIL\"",
                                     "CREATE \"DROPBOX\"", "SUBSCRIBE \"DROPBOX\""};
    for (size_t i = 0; i < 2 * sizeof at / sizeof at[0]; i++) {
        const struct script_rule rules[] = {{at[i / 2], asked[i % 2]},
                                            {i / 2 < 3 ? "none" : "LIST \"\" \"DROPBOX\"", OK},
                                            {"CREATE", OK},
                                            {"*SUBSCRIBE", OK},
                                            FOUND_ONE,
                                            LIST_ONE,
                                            BODY_ONE,
                                            MOVE_ONE};
        struct host *h = RUN(rules, FULL, "", "failed: pause");
        ck_assert_uint_eq(h->err.pause_s, i % 2 == 0 ? 0 : 5);
        TRACE(h, "-FETCH");
        host_stop(h);
    }
}
END_TEST

START_TEST(a_pause_that_is_asked_for_while_a_folder_is_made_again_is_heeded)
{
    static const char *const at[] = {"CREATE \"DROPBOX\"", "STATUS \"DROPBOX\""};
    for (size_t i = 0; i < 2; i++) {
        const struct script_rule rules[] = {
            {"STATUS \"DROPBOX\"", "* STATUS $ (UIDNEXT 100 UIDVALIDITY 9)\r\n" OK},
            {at[i], "@ NO [THROTTLED] slow down\r\n"},
            {"CREATE", OK},
            {"*STATUS", OK},
            FOUND_ONE,
            LIST_ONE,
            BODY_ONE,
            {"UID MOVE", "@ NO [TRYCREATE] none\r\n"},
            {"UID MOVE", "@ OK [COPYUID 9 5 105] moved\r\n"}};
        struct host *h = RUN(rules, FULL, "", "5 failed: pause");
        TRACE(h, "note 5 MOVING", "-MOVED");
        host_stop(h);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("imap-hostile");
    TCase *t = tcase_create("servers");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, whatever_a_server_says_in_whatever_phase_ends_in_an_error_with_a_name, 0,
                        (int)(sizeof attacks / sizeof attacks[0]));
    tcase_add_test(t, a_body_that_comes_too_slowly_or_without_end_is_given_up);
    tcase_add_test(t, no_answer_in_a_body_is_believed);
    tcase_add_test(t, without_the_encryption_that_is_wanted_no_password_is_sent);
    tcase_add_test(t, a_server_that_never_gets_to_the_log_in_is_given_up);
    tcase_add_test(t, no_line_end_or_control_byte_reaches_the_server_in_credentials_or_names);
    suite_add_tcase(s, t);
    TCase *answers = tcase_create("answers");
    tcase_set_timeout(answers, 120);
    tcase_add_loop_test(
        answers, however_often_a_server_names_the_same_copies_the_work_goes_by_what_it_says, 0, 3);
    tcase_add_test(answers,
                   a_header_that_a_rule_waits_for_and_that_does_not_come_is_asked_for_again);
    tcase_add_test(answers, a_header_that_never_comes_is_told_and_asked_for_after_growing_pauses);
    tcase_add_test(answers,
                   a_message_that_was_marked_as_deleted_is_picked_up_when_that_is_taken_back);
    tcase_add_test(answers, headers_for_a_rule_that_come_too_slowly_are_given_up);
    tcase_add_test(answers,
                   a_header_that_is_nil_is_judged_as_empty_and_not_as_that_of_the_message_before);
    tcase_add_test(answers,
                   a_password_that_the_server_says_back_is_whole_or_not_there_wherever_it_stands);
    tcase_add_test(answers, a_message_of_which_nothing_comes_stays_where_it_is_and_the_others_go);
    tcase_add_test(answers, a_message_that_went_while_it_was_asked_for_is_no_trouble);
    tcase_add_test(answers, a_message_that_is_not_given_out_is_asked_for_after_growing_pauses);
    tcase_add_test(answers, nor_is_it_asked_for_more_often_where_a_mailbox_is_searched_in_pieces);
    tcase_add_test(answers,
                   another_one_that_is_not_given_out_waits_for_no_more_than_the_next_search);
    tcase_add_test(answers,
                   a_message_that_comes_cut_is_asked_for_again_and_loaded_when_it_comes_whole);
    tcase_add_test(answers,
                   a_message_that_comes_cut_is_asked_for_again_before_what_was_not_asked_for_yet);
    tcase_add_test(answers, what_did_not_come_is_asked_for_again_in_ascending_order);
    tcase_add_test(answers, a_message_that_comes_as_short_again_is_all_that_the_server_has);
    tcase_add_test(answers, a_message_that_comes_cut_elsewhere_each_time_stays_where_it_is);
    tcase_add_test(answers, a_message_whose_size_is_not_told_is_asked_about_twice_left_and_told);
    tcase_add_test(answers, where_sizes_are_wrong_altogether_few_messages_are_asked_for_twice);
    tcase_add_test(answers, a_pause_that_the_server_asks_for_is_heeded_wherever_it_comes);
    tcase_add_test(answers, a_pause_that_is_asked_for_while_a_folder_is_made_again_is_heeded);
    suite_add_tcase(s, answers);
    return s;
}

CHECK_MAIN(suite)
