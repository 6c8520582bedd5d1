/* SPDX-License-Identifier: Apache-2.0 */
/* imap-survey-test.c - promises of imap-survey.h, held against servers that are good, forgetful and
 * lying (imap-script.h). */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imap-script.h"
#include "imap-survey.h"

/* ---- Memory that runs out -------------------------------------------------------------------- */

static _Thread_local uint32_t fail_in; /* growths of this thread until one fails; 0: none does */

/* The linker sends ours through this one (--wrap). */
void *__real_realloc(void *at, size_t size);
void *__wrap_realloc(void *at, size_t size);
void *__wrap_realloc(void *at, size_t size)
{
    return fail_in > 0 && --fail_in == 0 ? NULL : __real_realloc(at, size);
}

/* ---- What is told ---------------------------------------------------------------------------- */

/* What was told (system-audit.py sees to our mark): "F0 F1" the folders, '-' behind one that is
 * missing, then messages "D5" (uid 5 in the dropbox), "D5#" with its digest, "!" for \Deleted, "*"
 * for our mark. */
struct survey {
    char story[400];
    const char *can; /* before: capabilities of the server; NULL: MOVE and UIDPLUS */
    uint32_t answer, mailbox_flags;
    uint64_t last;
    uint32_t fail_in; /* before: which growth is to fail, 0: none; after: how many were left */
    uint8_t sha256[32];
    struct imap_host host;
    struct error err;
    char *trace;
};

static void tell(struct survey *s, const char *text)
{
    size_t len = strlen(s->story);
    (void)snprintf(s->story + len, sizeof s->story - len, "%s%s", len > 0 ? " " : "", text);
}

static uint32_t on_folder(void *context, const struct imap_surveyed_folder *folder)
{
    char text[20];
    struct survey *s = context;
    ck_assert_ptr_nonnull(folder->path);
    s->mailbox_flags |= folder->place == IMAP_PLACE_MAILBOX ? folder->flags : 0;
    (void)snprintf(text, sizeof text, "F%u%s", (unsigned)folder->place,
                   folder->flags & IMAP_FOLDER_MISSING ? "-" : "");
    if ((folder->flags & IMAP_FOLDER_MISSING) == 0) {
        ck_assert_uint_eq(folder->uidvalidity, 9);
        ck_assert_uint_eq(folder->uidnext, 100);
    }
    tell(context, text);
    return IMAP_ANSWER_GO_ON;
}

static uint32_t on_message(void *context, const struct imap_seen *seen)
{
    struct survey *s = context;
    bool again = seen->sha256 != NULL;
    char text[40];
    ck_assert_int_eq(again, (seen->flags & IMAP_SEEN_SHA256) != 0);
    ck_assert(again ? seen->number <= s->last : seen->number == s->last + 1);
    s->last = again ? s->last : seen->number;
    (void)snprintf(text, sizeof text, "%c%u%s%s%s", "MDB"[seen->place], seen -> uid,
                   again ? "#" : "", seen->flags &IMAP_SEEN_DELETED ? "!" : "",
                   seen->flags &IMAP_SEEN_MARKED ? "*" : "");
    tell(s, text);
    if (again)
        memcpy(s->sha256, seen->sha256, sizeof s->sha256);
    return s->answer;
}

static bool never(void *context)
{
    (void)context;
    return false;
}

static void no_log(void *context, enum imap_log level, const char *text)
{
    (void)context, (void)level, (void)text;
}

static void no_progress(void *context, uint64_t messages)
{
    (void)context, (void)messages;
}

/* A survey of what these rules serve; "!" and the class behind what was told where it failed. */
static void run(struct survey *s, const struct script_rule *rules, size_t count, const char *more,
                uint32_t answer)
{
    struct script script = {NULL, s->can != NULL ? s->can : "MOVE UIDPLUS", rules, count, 0};
    struct imap_settings *settings;
    char connection[200];
    unsigned int port;
    struct script_server *server = script_start(&script, &port);
    const struct imap_surveyor surveyor = {s, on_folder, on_message};
    *s = (struct survey){.answer = answer, .fail_in = s->fail_in};
    s->host = (struct imap_host){
        .clock = *clock_system(), .cancelled = never, .log = no_log, .progress = no_progress};
    (void)snprintf(connection, sizeof connection, "url=127.0.0.1;starttls=Never;port=%u;%s", port,
                   more);
    ck_assert_msg(imap_settings_read(connection, &settings, &s->err) == 0, "%s", s->err.text);
    fail_in = s->fail_in;
    int failed = imap_survey(settings, "ann", "sesame", &s->host, &surveyor, &s->err);
    s->fail_in = fail_in;
    fail_in = 0;
    if (failed < 0) {
        char text[60];
        (void)snprintf(text, sizeof text, "failed: %s", error_class_name(s->err.class));
        tell(s, text);
    }
    imap_settings_free(settings);
    s->trace = script_trace(server);
    script_stop(server);
}

static void expect(const struct script_rule *rules, size_t count, uint32_t answer, const char *want)
{
    struct survey s = {.fail_in = 0};
    run(&s, rules, count, "", answer);
    ck_assert_msg(strcmp(s.story, want) == 0, "told '%s', wanted '%s': %s\n%s", s.story, want,
                  s.err.text, s.trace);
    static const char *const never_sent[] = {" SELECT", "STORE", "COPY",   "MOVE ",    "EXPUNGE",
                                             "CREATE",  "CLOSE", " BODY[", "SUBSCRIBE"};
    for (size_t i = 0; i < sizeof never_sent / sizeof never_sent[0]; i++)
        ck_assert_msg(strstr(s.trace, never_sent[i]) == NULL, "%s in\n%s", never_sent[i], s.trace);
    free(s.trace);
}
#define EXPECT(rules, answer, want) expect(rules, sizeof rules / sizeof rules[0], answer, want)

#define OK "@ OK done\r\n"
#define LISTED(uid, flags)                                                                         \
    "* 1 FETCH (UID " #uid " FLAGS (" flags                                                        \
    ") RFC822.SIZE 20 INTERNALDATE \"01-Mar-2026 12:00:00 +0000\")\r\n"
#define BODY(uid) "* 1 FETCH (UID " #uid " BODY[] {3}\r\nabc)\r\n"

START_TEST(folders_are_told_first_then_what_is_in_them)
{
    static const struct script_rule rules[] = {
        {"UID SEARCH", "* SEARCH 5 7\r\n" OK},
        {"RFC822.SIZE", LISTED(5, "\\Deleted") LISTED(7, "\\Seen") OK},
        {"UID SEARCH", "* SEARCH 105\r\n" OK},
        {"RFC822.SIZE", LISTED(105, "") OK}};
    EXPECT(rules, IMAP_ANSWER_GO_ON, "F0 F1 F2 M5! M7 D105");
}
END_TEST

START_TEST(a_folder_that_is_missing_is_told_so_and_not_made)
{
    static const struct script_rule rules[] = {{"*LIST \"\" \"BADMAIL\"", OK}};
    EXPECT(rules, IMAP_ANSWER_GO_ON, "F0 F1 F2-");
}
END_TEST

START_TEST(which_originals_stay_is_told_by_the_settings_and_what_the_server_can)
{
    static const struct {
        const char *more, *can;
        uint32_t flags;
    } rows[] = {{"", "MOVE UIDPLUS", 0},
                {"", "MOVE", 0},
                {"", "UIDPLUS", IMAP_FOLDER_KEEPS_UNNAMED}, /* no MOVE, and no COPYUID */
                {"", "IDLE", IMAP_FOLDER_KEEPS},
                {"after=Leave", "MOVE UIDPLUS", IMAP_FOLDER_KEEPS},
                {"after=Flag", "UIDPLUS", IMAP_FOLDER_KEEPS},
                {"after=Delete", "UIDPLUS", IMAP_FOLDER_DELETES},
                {"after=Delete", "MOVE", IMAP_FOLDER_DELETES | IMAP_FOLDER_KEEPS}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct survey s = {.can = rows[i].can};
        run(&s, NULL, 0, rows[i].more, IMAP_ANSWER_GO_ON);
        ck_assert_str_eq(s.story, "F0 F1 F2");
        ck_assert_msg(s.mailbox_flags == rows[i].flags, "%zu: %u", i, s.mailbox_flags);
        free(s.trace);
    }
}
END_TEST

START_TEST(a_body_is_fetched_only_for_whoever_wants_its_digest)
{
    static const struct script_rule rules[] = {{"UID SEARCH", "* SEARCH 5\r\n" OK},
                                               {"RFC822.SIZE", LISTED(5, "") OK},
                                               {"BODY.PEEK[]", BODY(5) OK}};
    static const uint8_t abc[4] = {0xBA, 0x78, 0x16, 0xBF}; /* FIPS 180-4: SHA-256("abc") */
    struct survey s = {.fail_in = 0};
    run(&s, rules, 3, "", IMAP_ANSWER_SHA256);
    ck_assert_str_eq(s.story, "F0 F1 F2 M5 M5#");
    ck_assert_mem_eq(s.sha256, abc, sizeof abc);
    free(s.trace);
    run(&s, rules, 2, "", IMAP_ANSWER_GO_ON);
    ck_assert_ptr_null(strstr(s.trace, "BODY"));
    free(s.trace);
}
END_TEST

START_TEST(only_a_whole_body_of_that_message_and_a_tagged_ok_make_a_digest)
{
    static const char *const replies[] = {OK,
                                          "* 1 FETCH (UID 5 BODY[] NIL)\r\n" OK,
                                          BODY(6) OK,
                                          "* 1 FETCH (BODY[] {3}\r\nabc)\r\n" OK,
                                          "* 1 FETCH (UID 5 FLAGS ())\r\n" OK,
                                          BODY(5) "@ NO cannot read it\r\n"};
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        const struct script_rule rules[] = {{"UID SEARCH", "* SEARCH 5\r\n" OK},
                                            {"RFC822.SIZE", LISTED(5, "") OK},
                                            {"*BODY.PEEK[]", replies[i]}};
        EXPECT(rules, IMAP_ANSWER_SHA256, "F0 F1 F2 M5");
    }
}
END_TEST

START_TEST(one_body_that_is_refused_does_not_take_its_neighbours_along)
{
    static const struct script_rule rules[] = {
        {"UID SEARCH", "* SEARCH 5 6 7\r\n" OK},
        {"RFC822.SIZE", LISTED(5, "") LISTED(6, "") LISTED(7, "") OK},
        {"UID FETCH 5:7 (UID BODY", BODY(5) "@ NO some went\r\n"},
        {"UID FETCH 5 (UID BODY", BODY(5) OK},
        {"UID FETCH 6 (UID BODY", "@ NO it went\r\n"},
        {"UID FETCH 7 (UID BODY", BODY(7) OK}};
    EXPECT(rules, IMAP_ANSWER_SHA256, "F0 F1 F2 M5 M6 M7 M5# M7#");
}
END_TEST

START_TEST(what_is_left_out_of_an_answer_is_asked_for_again_before_it_is_gone)
{
    static const struct script_rule rules[] = {
        {"UID SEARCH", "* SEARCH 5 6 7\r\n" OK},
        {"UID FETCH 5:7", LISTED(6, "") "* 3 FETCH (UID 7 FLAGS (\\Seen))\r\n" OK},
        {"UID FETCH 5,7", LISTED(7, "") "* 1 EXPUNGE\r\n" OK}};
    EXPECT(rules, IMAP_ANSWER_GO_ON, "F0 F1 F2 M6 M7");
}
END_TEST

START_TEST(whoever_is_told_may_stop_it)
{
    static const struct script_rule rules[] = {{"UID SEARCH", "* SEARCH 5 6\r\n" OK},
                                               {"RFC822.SIZE", LISTED(5, "") LISTED(6, "") OK}};
    EXPECT(rules, IMAP_ANSWER_STOP, "F0 F1 F2 M5 failed: cancelled");
}
END_TEST

START_TEST(a_survey_that_cannot_be_whole_fails_and_says_how)
{
    static const struct {
        const char *match, *reply, *want;
    } rows[] = {
        {"UID SEARCH", "* ESEARCH (TAG \"x\") UID ALL 1:4294967295\r\n" OK, "protocol"},
        {"UID SEARCH", "@ NO [THROTTLED] slow down\r\n", "pause"},
        {"UID SEARCH", "* BYE gone\r\n", "link"},
        {"EXAMINE", "* 3 EXISTS\r\n* OK [UIDVALIDITY 8] x\r\n" OK, "link"},
        {"EXAMINE", "@ NO [NOPERM] not yours\r\n", "config"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct script_rule rules[] = {{rows[i].match, rows[i].reply}};
        char want[60];
        (void)snprintf(want, sizeof want, "F0 F1 F2 failed: %s", rows[i].want);
        EXPECT(rules, IMAP_ANSWER_GO_ON, want);
    }
}
END_TEST

START_TEST(memory_that_runs_out_is_told_as_such)
{
    static const struct script_rule rules[] = {{"UID SEARCH", "* SEARCH 5 7 9\r\n" OK},
                                               {"*RFC822.SIZE", LISTED(5, "") LISTED(7, "") OK}};
    bool failed = true;
    for (uint32_t n = 1; failed; n++) {
        struct survey s = {.fail_in = n};
        run(&s, rules, 2, "", IMAP_ANSWER_GO_ON);
        failed = s.fail_in == 0;
        ck_assert_msg(strstr(s.story, "failed") == NULL ||
                          strstr(s.err.text, "out of memory") != NULL, "%u: %s", n, s.err.text);
        ck_assert_msg(failed || n > 20, "%u growths", n);
        free(s.trace);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("imap-survey");
    TCase *t = tcase_create("survey");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, folders_are_told_first_then_what_is_in_them);
    tcase_add_test(t, a_folder_that_is_missing_is_told_so_and_not_made);
    tcase_add_test(t, which_originals_stay_is_told_by_the_settings_and_what_the_server_can);
    tcase_add_test(t, a_body_is_fetched_only_for_whoever_wants_its_digest);
    tcase_add_test(t, only_a_whole_body_of_that_message_and_a_tagged_ok_make_a_digest);
    tcase_add_test(t, one_body_that_is_refused_does_not_take_its_neighbours_along);
    tcase_add_test(t, what_is_left_out_of_an_answer_is_asked_for_again_before_it_is_gone);
    tcase_add_test(t, whoever_is_told_may_stop_it);
    tcase_add_test(t, a_survey_that_cannot_be_whole_fails_and_says_how);
    tcase_add_test(t, memory_that_runs_out_is_told_as_such);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
