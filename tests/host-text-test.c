/* SPDX-License-Identifier: Apache-2.0 */
/* host-text-test.c - promises of the host's reading and showing: options, suggestions, amounts,
 * tables, progress, the log, names of accounts. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "amount.h"
#include "deliver-account.h"
#include "journal.h"
#include "loader-plugin.h"
#include "log.h"
#include "md5.h"
#include "options.h"
#include "progress.h"
#include "suggest.h"
#include "table.h"
#include "terminal.h"
#include "text.h"

struct given {
    bool flag, json;
    uint32_t verbose;
    const char *user;
    uint64_t limit, lease;
};

static const struct option_row rows[] = {
    {"flag", 'f', OPTION_FLAG, offsetof(struct given, flag), NULL, "a flag"},
    {"json", 0, OPTION_FLAG, offsetof(struct given, json), NULL, "JSON"},
    {"verbose", 'v', OPTION_COUNT, offsetof(struct given, verbose), NULL, "tell more"},
    {"user", 'u', OPTION_TEXT, offsetof(struct given, user), "NAME", "user name"},
    {"password-file", 0, OPTION_TEXT, offsetof(struct given, user), "FILE", "password"},
    {"limit", 0, OPTION_NUMBER, offsetof(struct given, limit), "N", "at most"},
    {"lease", 0, OPTION_DURATION, offsetof(struct given, lease), "TIME", "so long"},
};
static const struct option_table table = {"try", "[OPTION ...] THING", "Tries.", rows,
                                          sizeof rows / sizeof rows[0]};

#define WORDS_MAX 8
static struct given given;
static struct error err;
static char store[WORDS_MAX][64], *words[WORDS_MAX];
static int left;

static int read_words(const char *const *from)
{
    int count = 0;
    while (from[count] != NULL)
        count++;
    for (int i = 0; i < count; i++) {
        /* analyse: set, it was counted */
        text_copy(store[i], sizeof store[i], from[i]);
        words[i] = store[i];
    }
    memset(&given, 0, sizeof given);
    memset(&err, 0, sizeof err);
    return options_read(&table, count, words, &given, &left, &err);
}
#define READ(...) read_words((const char *const[]){__VA_ARGS__, NULL})

START_TEST(options_and_arguments_may_mix)
{
    ck_assert_int_eq(READ("one", "--user", "ann", "two", "-fvv", "--limit=12", "-"), 0);
    ck_assert_int_eq(left, 3);
    ck_assert_str_eq(words[0], "one");
    ck_assert_str_eq(words[1], "two");
    ck_assert_str_eq(words[2], "-");
    ck_assert_str_eq(given.user, "ann");
    ck_assert(given.flag);
    ck_assert_uint_eq(given.verbose, 2);
    ck_assert_uint_eq(given.limit, 12);
}
END_TEST

START_TEST(two_dashes_end_the_options)
{
    ck_assert_int_eq(READ("--", "--user", "-f"), 0);
    ck_assert_int_eq(left, 2);
    ck_assert_str_eq(words[0], "--user");
    ck_assert(!given.flag);
}
END_TEST

START_TEST(a_value_may_begin_with_a_dash_and_may_be_empty)
{
    ck_assert_int_eq(READ("--user", "-f", "--lease=5min"), 0);
    ck_assert_str_eq(given.user, "-f");
    ck_assert_uint_eq(given.lease, 300000);
    ck_assert_int_eq(READ("--user="), 0);
    ck_assert_str_eq(given.user, "");
    ck_assert_int_eq(READ("-uann"), 0);
    ck_assert_str_eq(given.user, "ann");
}
END_TEST

static const struct {
    const char *words[3], *tells;
} wrong[] = {
    {{"--usr", "x"}, "did you mean --user?"},
    {{"--jsn"}, "did you mean --json?"},
    {{"--password=very-secret"}, "did you mean --password-file?"},
    {{"--zzz"}, "--help"},
    {{"-x"}, "'-x'"},
    {{"--user"}, "needs a value"},
    {{"-u"}, "needs a value"},
    {{"--flag=1"}, "takes no value"},
    {{"--limit", "0"}, "number"},
    {{"--limit", "-1"}, "number"},
    {{"--limit", "12x"}, "number"},
    {{"--lease", "soon"}, "time"},
    {{"--\x1b[31m"}, "\\x1B"},
};

START_TEST(a_wrong_option_is_named_and_its_value_never)
{
    ck_assert_int_eq(read_words(wrong[_i].words), -1);
    ck_assert_int_eq(err.class, ERROR_USAGE);
    ck_assert_msg(strstr(err.text, wrong[_i].tells) != NULL, "%s", err.text);
    ck_assert_ptr_null(strstr(err.text, "very-secret"));
}
END_TEST

START_TEST(the_help_shows_every_option)
{
    struct buffer out;
    buffer_init(&out, 65536);
    ck_assert_int_eq(options_append_help(&out, &table), 0);
    for (size_t i = 0; i < table.count; i++)
        ck_assert_ptr_nonnull(strstr(buffer_text(&out), rows[i].name));
    buffer_done(&out);
}
END_TEST

static const struct {
    const char *word, *near;
} mistyped[] = {
    {"pikcup", "pickup"}, {"pick", "pickup"}, {"PICKUP", "pickup"}, {"queu", "queue"},
    {"loader", "loaders"}, {"chek", "check"}, {"p", NULL},          {"serve", NULL},
    {"", NULL},
};

START_TEST(a_mistyped_word_finds_its_neighbour_and_no_stranger)
{
    static const char *const names[] = {"pickup", "check", "queue", "loaders"};
    struct suggest s;
    suggest_start(&s, mistyped[_i].word);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        suggest_offer(&s, names[i]);
    ck_assert_pstr_eq(suggest_best(&s), mistyped[_i].near);
}
END_TEST

static const struct {
    int (*append)(struct buffer *out, uint64_t number);
    uint64_t number;
    const char *text;
} amounts[] = {
    {amount_append_count, 0, "0"},
    {amount_append_count, 999, "999"},
    {amount_append_count, 1000, "1,000"},
    {amount_append_count, UINT64_MAX, "18,446,744,073,709,551,615"},
    {amount_append_size, 0, "0 B"},
    {amount_append_size, 1023, "1023 B"},
    {amount_append_size, 1024, "1.0 kB"},
    {amount_append_size, 12 * 1024 * 1024 + 350000, "12.3 MB"},
    {amount_append_size, 1024 * 1024 - 1, "1023.9 kB"},
    {amount_append_size, UINT64_MAX, "15.9 EB"},
    {amount_append_time, 0, "0.0 s"},
    {amount_append_time, 950, "0.9 s"},
    {amount_append_time, 61000, "61 s"},
    {amount_append_time, 600000, "10 min"},
    {amount_append_time, 7200000, "2 h"},
};

START_TEST(amounts_are_written_as_people_read_them)
{
    struct buffer out;
    buffer_init(&out, 64);
    ck_assert_int_eq(amounts[_i].append(&out, amounts[_i].number), 0);
    ck_assert_str_eq(buffer_text(&out), amounts[_i].text);
    buffer_done(&out);
}
END_TEST

static const struct {
    const char *text;
    size_t columns;
    const char *cell;
} cells[] = {
    {"abc", 5, "abc  "},       {"abcde", 5, "abcde"},    {"abcdef", 5, "abcd~"},
    {NULL, 3, "   "},          {"", 0, ""},              {"abc", 1, "~"},
    {"\xC3\xA4\xC3\xB6\xC3\xBC", 3, "\xC3\xA4\xC3\xB6\xC3\xBC"},
    {"\xC3\xA4\xC3\xB6\xC3\xBC", 2, "\xC3\xA4~"},
    {"a\xCC\x88z", 3, "a\xCC\x88z "}, /* combining: no column of its own */
    {"\x1b[1m", 8, "\\x1B[1m "},
};

START_TEST(a_cell_fills_its_columns_exactly)
{
    struct buffer out;
    buffer_init(&out, 256);
    ck_assert_int_eq(terminal_append_cell(&out, cells[_i].text, cells[_i].columns), 0);
    ck_assert_str_eq(buffer_text(&out), cells[_i].cell);
    buffer_done(&out);
}
END_TEST

START_TEST(a_row_fits_the_terminal_and_has_tabs_elsewhere)
{
    static const struct table_column columns[] = {{"ID", 4}, {"SUBJECT", 0}};
    static const char *const row[] = {"123456", "a subject\twith a tab"};
    struct buffer out;
    buffer_init(&out, 256);
    ck_assert_int_eq(table_append_head(&out, columns, 2, 14), 0);
    ck_assert_int_eq(table_append_row(&out, columns, 2, row, 14), 0);
    ck_assert_str_eq(buffer_text(&out), "ID    SUBJECT\n123~  a subje~\n");
    buffer_clear(&out);
    ck_assert_int_eq(table_append_head(&out, columns, 2, 0), 0);
    ck_assert_int_eq(table_append_row(&out, columns, 2, row, 0), 0);
    ck_assert_str_eq(buffer_text(&out), "123456\ta subject\\x09with a tab\n");
    buffer_done(&out);
}
END_TEST

START_TEST(progress_tells_how_far_how_fast_and_how_long)
{
    struct progress p = {.fd = -1, .started_ms = 1000, .done = 512, .total = 1000,
                         .bytes = 12 * 1024 * 1024};
    struct buffer out;
    buffer_init(&out, 1024);
    ck_assert_int_eq(progress_append(&out, &p, 3000, 200), 0);
    ck_assert_str_eq(buffer_text(&out), "[####################....................] 512 of 1,000 "
                                        "(12.0 MB), 256/s, 1.9 s left");
    for (size_t width = 0; width < 100; width++) {
        buffer_clear(&out);
        ck_assert_int_eq(progress_append(&out, &p, 3000, width), 0);
        ck_assert_uint_le(out.len, width);
    }
    buffer_clear(&out);
    p.total = 0;
    ck_assert_int_eq(progress_append(&out, &p, 1001, 80), 0);
    ck_assert_str_eq(buffer_text(&out), "512 (12.0 MB)");
    buffer_done(&out);
}
END_TEST

/* ---- The log --------------------------------------------------------------------------------- */

/* A journal of our own, and a pipe for what does not reach it. */
struct logged {
    int journal, written[2];
    char name[64];
    struct log log;
};

static void logged_init(struct logged *l)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(l->name, sizeof l->name, "@mailchute-test-journal-%d", (int)getpid());
    memcpy(at.sun_path + 1, l->name + 1, strlen(l->name) - 1); /* an abstract one */
    l->journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(l->journal, 0);
    ck_assert_int_eq(bind(l->journal, (const struct sockaddr *)&at,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(l->name))),
                     0);
    ck_assert_int_eq(pipe(l->written), 0);
    l->log = (struct log){.fd = l->written[1], .format = LOG_AUTO, .level = LOADER_LOG_INFO};
    l->log.journal = journal_connect(l->name);
    ck_assert_int_gt(l->log.journal, 0);
}

static void logged_done(struct logged *l)
{
    close(l->journal);
    close(l->log.journal);
    close(l->written[0]);
    close(l->written[1]);
}

static const char *logged_read(int fd)
{
    static char text[4096];
    ssize_t n = read(fd, text, sizeof text - 1);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

START_TEST(the_journal_gets_level_and_source_as_fields_and_no_text_can_add_another)
{
    struct logged l;
    logged_init(&l);
    log_info(&l.log, "serving %d sources", 3);
    ck_assert_str_eq(logged_read(l.journal), "MESSAGE=serving 3 sources\nPRIORITY=6\n"
                                             "SYSLOG_IDENTIFIER=mailchute\n");
    l.log.source = "office";
    log_event(&l.log, LOADER_LOG_WARNING, "the server says 'x\nPRIORITY=0'");
    const char *got = logged_read(l.journal);
    ck_assert_ptr_nonnull(strstr(got, "\nPRIORITY=4\n"));
    ck_assert_ptr_nonnull(strstr(got, "\nMAILCHUTE_SOURCE=office\n"));
    ck_assert_ptr_null(strstr(got, "\nPRIORITY=0"));
    log_event(&l.log, LOADER_LOG_DEBUG, "not wanted");
    ck_assert_str_eq(logged_read(l.journal), "");
    logged_done(&l);
}
END_TEST

START_TEST(what_the_journal_does_not_take_is_written_as_logfmt)
{
    struct logged l;
    logged_init(&l);
    close(l.journal);
    l.journal = -1;
    log_info(&l.log, "still here");
    ck_assert_ptr_nonnull(strstr(logged_read(l.written[0]), " level=info msg=\"still here\"\n"));
    l.log.format = LOG_JSON; /* asked for: the journal is not */
    log_info(&l.log, "json");
    ck_assert_int_eq(logged_read(l.written[0])[0], '{');
    logged_done(&l);
}
END_TEST

START_TEST(standard_error_that_leads_elsewhere_is_not_taken_for_the_journal)
{
    int ends[2];
    struct stat about;
    char stream[64];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(fstat(ends[1], &about), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)about.st_dev,
             (unsigned long long)about.st_ino);
    unsetenv("JOURNAL_STREAM");
    ck_assert(!journal_reads(ends[1]));
    setenv("JOURNAL_STREAM", stream, 1);
    ck_assert(journal_reads(ends[1]));
    ck_assert(!journal_reads(STDERR_FILENO)); /* inherited from who wrote to the journal */
    unsetenv("JOURNAL_STREAM");
    close(ends[0]);
    close(ends[1]);
}
END_TEST

/* RFC 1321 A.5, and lengths at the borders of its blocks. */
static const struct {
    const char *text;
    size_t times;
    const char *digest;
} digests[] = {
    {"", 0, "d41d8cd98f00b204e9800998ecf8427e"},
    {"a", 1, "0cc175b9c0f1b6a831c399e269772661"},
    {"abc", 1, "900150983cd24fb0d6963f7d28e17f72"},
    {"message digest", 1, "f96b697d7cb7938d525a2f31aaf161d0"},
    {"1234567890", 8, "57edf4a22be3c955ac49da2e2107b67a"},
    {"x", 55, "04364420e25c512fd958a70738aa8f72"},
    {"x", 56, "668a72d5ba17f08e62dabcafad6db14b"},
    {"x", 63, "7dc2ca208106a2f703567bdff99d8981"},
    {"x", 64, "c1bb4f81d892b2d57947682aeb252456"},
    {"x", 119, "ab347a5f68c8a443cfcddc633f12c24f"},
    {"x", 120, "fb98667f98096de92620b64f46e1c5b5"},
    {"x", 1000, "398533d48111e9f664b1f64cb10c4b63"},
};

START_TEST(md5_digests_are_those_of_rfc_1321)
{
    struct buffer text;
    uint8_t digest[MD5_SIZE];
    char hex[2 * MD5_SIZE + 1];
    buffer_init(&text, 10000);
    for (size_t i = 0; i < digests[_i].times; i++)
        ck_assert_int_eq(buffer_append_text(&text, digests[_i].text), 0);
    md5(buffer_text(&text), text.len, digest);
    for (size_t i = 0; i < MD5_SIZE; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    ck_assert_str_eq(hex, digests[_i].digest);
    buffer_done(&text);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* As a loader tells it, and as the ledger of deliver knows it. */
static const struct {
    const char *told, *known;
} accounts[] = {
    {"ann@mail.example.org", "ann@mail.example.org"},
    {"Ann@Example.org@Mail.example.org.", "ann@example.org@mail.example.org"},
    {"ann@mail.example.org:1143", "ann@mail.example.org"},
    {"ann@127.0.0.1:1143", "ann@localhost"},
    {"ANN@127.1.2.3", "ann@localhost"},
    {"ann@[::1]:10993", "ann@localhost"},
    {"ann@[::1]", "ann@localhost"},
    {"ann@LOCALHOST", "ann@localhost"},
    {"ann@127.example.org", "ann@127.example.org"},
    {"ann@[2001:db8::1]:993", "ann@[2001:db8::1]"},
    {"\xc3\x84nn@mail.example.org", "\xc3\x84nn@mail.example.org"},
    {"mail.example.org:x", "mail.example.org:x"},
    {"@", "@"},
    {"", ""},
};

START_TEST(an_account_has_one_name_through_whichever_port_and_name_of_this_machine)
{
    AUTO_TEXT name = deliver_account_name(accounts[_i].told);
    ck_assert_str_eq(name, accounts[_i].known);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("host-text");
    TCase *cases = tcase_create("host-text");
    tcase_add_test(cases, options_and_arguments_may_mix);
    tcase_add_test(cases, two_dashes_end_the_options);
    tcase_add_test(cases, a_value_may_begin_with_a_dash_and_may_be_empty);
    tcase_add_loop_test(cases, a_wrong_option_is_named_and_its_value_never, 0, COUNT(wrong));
    tcase_add_test(cases, the_help_shows_every_option);
    tcase_add_loop_test(cases, a_mistyped_word_finds_its_neighbour_and_no_stranger, 0,
                        COUNT(mistyped));
    tcase_add_loop_test(cases, amounts_are_written_as_people_read_them, 0, COUNT(amounts));
    tcase_add_loop_test(cases, a_cell_fills_its_columns_exactly, 0, COUNT(cells));
    tcase_add_test(cases, a_row_fits_the_terminal_and_has_tabs_elsewhere);
    tcase_add_loop_test(cases, md5_digests_are_those_of_rfc_1321, 0, COUNT(digests));
    tcase_add_test(cases, progress_tells_how_far_how_fast_and_how_long);
    tcase_add_test(cases, the_journal_gets_level_and_source_as_fields_and_no_text_can_add_another);
    tcase_add_test(cases, what_the_journal_does_not_take_is_written_as_logfmt);
    tcase_add_test(cases, standard_error_that_leads_elsewhere_is_not_taken_for_the_journal);
    tcase_add_loop_test(cases,
                        an_account_has_one_name_through_whichever_port_and_name_of_this_machine, 0,
                        COUNT(accounts));
    suite_add_tcase(all, cases);
    return all;
}

CHECK_MAIN(suite)
