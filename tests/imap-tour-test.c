/* SPDX-License-Identifier: Apache-2.0 */
/* imap-tour-test.c - promises of imap-tour.h, held against a server that lists, refuses and grows
 * (imap-script.h), by a host that keeps a ledger per folder. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imap-script.h"
#include "imap-tour.h"

#define ROWS 100
#define OK "@ OK done\r\n"
#define MANY "IDLE SPECIAL-USE LIST-EXTENDED LIST-STATUS ESEARCH CONDSTORE"

/* What the ledger knows of one message. */
struct row {
    char path[40];
    uint32_t uidvalidity, uid, step, attempts;
};

struct host {
    struct imap_host table;
    struct imap_settings *settings;
    struct imap_tour *tour;
    struct script_server *server;
    struct row rows[ROWS];
    size_t count;
    uint64_t now_ms, progress;
    unsigned fetched; /* ATTEMPTED was noted so often */
    size_t asked;     /* messages that known() was asked about */
    uint32_t known_from, known_to; /* the even UIDs of these are MOVED, besides the rows */
    char trouble[ERROR_TEXT_MAX], log[4000];
    struct error err;
};

static uint64_t host_ms(void *context)
{
    return ((struct host *)context)->now_ms;
}

static int64_t host_s(void *context)
{
    (void)context;
    return 0;
}

static bool host_cancelled(void *context)
{
    (void)context;
    return false;
}

static void host_log(void *context, enum imap_log level, const char *text)
{
    struct host *h = context;
    size_t used = strlen(h->log);
    (void)level;
    (void)snprintf(h->log + used, sizeof h->log - used, "%s\n", text);
}

static struct row *host_row(struct host *h, uint32_t uidvalidity, uint32_t uid, bool make)
{
    const char *path = imap_tour_mailbox(h->tour);
    for (size_t i = 0; i < h->count; i++)
        if (strcmp(h->rows[i].path, path) == 0 && h->rows[i].uid == uid &&
            h->rows[i].uidvalidity == uidvalidity)
            return &h->rows[i];
    if (!make)
        return NULL;
    ck_assert_uint_lt(h->count, ROWS);
    struct row *row = &h->rows[h->count++];
    *row = (struct row){.uidvalidity = uidvalidity, .uid = uid};
    (void)snprintf(row->path, sizeof row->path, "%s", path);
    return row;
}

static int host_known(void *context, struct imap_record *records, size_t count, struct error *err)
{
    const struct host *h = context;
    (void)err;
    ((struct host *)context)->asked += count;
    for (size_t i = 0; i < count; i++) {
        const struct row *row = host_row(context, records[i].uidvalidity, records[i].uid, false);
        records[i].step = row != NULL ? row->step : IMAP_STEP_UNKNOWN;
        if (records[i].uid % 2 == 0 && records[i].uid >= h->known_from &&
            records[i].uid <= h->known_to)
            records[i].step = IMAP_STEP_MOVED;
        records[i].attempts = row != NULL ? row->attempts : 0;
    }
    return 0;
}

static int host_note(void *context, const struct imap_record *records, size_t count,
                     struct error *err)
{
    struct host *h = context;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        struct row *row = host_row(h, records[i].uidvalidity, records[i].uid, true);
        if (records[i].step == IMAP_STEP_UNKNOWN) {
            row->attempts--;
        } else if (records[i].step == IMAP_STEP_ATTEMPTED) {
            row->attempts++;
            h->fetched++;
        }
        row->step = records[i].step > row->step ? records[i].step : row->step;
    }
    return 0;
}

static int host_unsettled(void *context, const struct imap_record *after, struct imap_record *out,
                          size_t capacity, size_t *out_count, struct error *err)
{
    struct host *h = context;
    (void)err;
    *out_count = 0;
    for (size_t i = 0; i < h->count && after == NULL && *out_count < capacity; i++)
        if (strcmp(h->rows[i].path, imap_tour_mailbox(h->tour)) == 0 &&
            h->rows[i].step >= IMAP_STEP_STORED && h->rows[i].step < IMAP_STEP_MOVED)
            out[(*out_count)++] = (struct imap_record){.uidvalidity = h->rows[i].uidvalidity,
                                                       .uid = h->rows[i].uid,
                                                       .step = h->rows[i].step};
    return 0;
}

static void host_progress(void *context, uint64_t messages)
{
    ((struct host *)context)->progress = messages;
}

static void host_trouble(void *context, const struct error *why)
{
    struct host *h = context;
    (void)snprintf(h->trouble, sizeof h->trouble, "%s", why != NULL ? why->text : "");
}

static void host_open(struct host *h, bool read_only)
{
    struct imap_pickup_options options = {.settings = h->settings,
                                          .host = &h->table,
                                          .user = "ann",
                                          .secret = "sesame",
                                          .read_only = read_only};
    ck_assert_int_eq(imap_tour_open(&options, &h->tour, &h->err), 0);
}

static struct host *host_start(const struct script *script, const char *keys, bool read_only)
{
    struct host *h = calloc(1, sizeof *h);
    char connection[400];
    unsigned int port;
    h->server = script_start(script, &port);
    h->table = (struct imap_host){.context = h,
                                  .clock = {host_ms, host_s, h},
                                  .cancelled = host_cancelled,
                                  .log = host_log,
                                  .known = host_known,
                                  .note = host_note,
                                  .unsettled = host_unsettled,
                                  .progress = host_progress,
                                  .trouble = host_trouble};
    (void)snprintf(connection, sizeof connection, "url=127.0.0.1;starttls=Never;port=%u;%s", port,
                   keys);
    ck_assert_msg(imap_settings_read(connection, &h->settings, &h->err) == 0, "%s", h->err.text);
    host_open(h, read_only);
    return h;
}

static void host_stop(struct host *h)
{
    imap_tour_close(h->tour);
    imap_settings_free(h->settings);
    script_stop(h->server);
    free(h);
}

/* All there is, as a host would: stored, then settled once @batch are in hand, until drained. Tells
 * "INBOX:5 ", valid until the next call. */
static const char *host_run(struct host *h, size_t batch)
{
    static char seen[2000];
    uint64_t tokens[ROWS];
    size_t count = 0;
    seen[0] = '\0';
    for (;;) {
        struct imap_message message;
        uint64_t token = 0;
        size_t used = strlen(seen);
        enum imap_pickup_result r = imap_tour_next(h->tour, &message, &token, &h->err);
        if (r == IMAP_PICKUP_MESSAGE) {
            (void)snprintf(seen + used, sizeof seen - used, "%s:%u ", imap_tour_mailbox(h->tour),
                           message.uid);
            host_row(h, message.uidvalidity, message.uid, true)->step = IMAP_STEP_STORED;
            mail_free(message.mail);
            spool_free(message.spool);
            ck_assert_uint_ne(token, 0);
            for (size_t i = 0; i < count; i++)
                ck_assert_uint_ne(tokens[i], token);
            tokens[count++] = token;
        } else if (r == IMAP_PICKUP_FAILED) {
            (void)snprintf(seen + used, sizeof seen - used, "failed: %s",
                           error_class_name(h->err.class));
            return seen;
        }
        if (count > 0 && (r == IMAP_PICKUP_DRAINED || count == batch)) {
            ck_assert_int_eq(
                imap_tour_settle(h->tour, tokens, count, IMAP_FATE_QUEUED, &h->err), 0);
            count = 0;
        } else if (r == IMAP_PICKUP_DRAINED) {
            return seen;
        }
    }
}

static void host_wants(struct host *h, const char *want)
{
    const char *seen = host_run(h, 7);
    ck_assert_msg(strcmp(seen, want) == 0, "seen '%s', wanted '%s': %s\n%s\n%s", seen, want,
                  h->err.text, h->log, script_trace(h->server));
    for (size_t i = 0; i < h->count; i++)
        if (h->rows[i].step >= IMAP_STEP_STORED)
            ck_assert_uint_eq(h->rows[i].step, IMAP_STEP_MOVED);
}

/* How often the server got it. */
static size_t host_sent(struct host *h, const char *piece)
{
    char *trace = script_trace(h->server);
    size_t count = 0;
    for (const char *at = trace; (at = strstr(at, piece)) != NULL; at += strlen(piece))
        count++;
    free(trace);
    return count;
}

/* Nothing else ever goes to the server of an archive. */
static void host_only_looked(struct host *h)
{
    static const char *const allowed[] = {"LOGIN ...",  "CAPABILITY", "ID (",       "NAMESPACE",
                                          "LIST \"\" ", "STATUS \"",  "EXAMINE \"", "UID SEARCH ",
                                          "UID FETCH ", "IDLE",       "DONE",       "LOGOUT"};
    char *trace = script_trace(h->server), *save = NULL;
    for (char *line = strtok_r(trace, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        bool fine = false;
        for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
            fine = fine || strncmp(line, allowed[i], strlen(allowed[i])) == 0;
        ck_assert_msg(fine && strstr(line, "BODY[") == NULL, "sent: %s", line);
    }
    free(trace);
}

/* ---- Replies --------------------------------------------------------------------------------- */

#define LIST_STATUS(name, flags, messages, uidnext, uidvalidity, modseq)                           \
    "* LIST (" flags ") \"/\" \"" name "\"\r\n* STATUS \"" name "\" (MESSAGES " #messages          \
    " UIDNEXT " #uidnext " UIDVALIDITY " #uidvalidity " HIGHESTMODSEQ " #modseq ")\r\n"
#define OPENED(exists, uidvalidity)                                                                \
    "* " #exists " EXISTS\r\n* OK [UIDVALIDITY " #uidvalidity "] x\r\n@ OK [READ-ONLY] done\r\n"
#define FOUND(set) "* ESEARCH UID ALL " set "\r\n" OK
#define LISTED(uid)                                                                                \
    "* 1 FETCH (UID " #uid                                                                         \
    " FLAGS () RFC822.SIZE 20 INTERNALDATE \"01-Mar-2026 12:00:00 +0000\")\r\n"
#define BODY(uid) "* 1 FETCH (UID " #uid " BODY[] {?}\r\nSubject: " #uid "\r\n\r\nbody\r\n\1)\r\n"
#define FETCHED(uid) {"UID FETCH " #uid " (UID FLAGS", LISTED(uid) OK},                            \
                     {"UID FETCH " #uid " (UID BODY", BODY(uid) OK}

#define TWO_FOLDERS                                                                                \
    LIST_STATUS("INBOX", "", 1, 6, 7, 40)                                                          \
    LIST_STATUS("Archive", "", 1, 743000010, 8, 50) LIST_STATUS("Junk", "\\Junk", 9, 9, 9, 9) OK

/* INBOX opened again as home. */
#define HOME(set) {"EXAMINE \"INBOX\"", OPENED(1, 7)}, {"UID SEARCH", FOUND(set)}
#define NOTHING {"UID SEARCH", "* ESEARCH UID\r\n" OK}

#define TWO_VISITS                                                                                 \
    {"EXAMINE \"INBOX\"", OPENED(1, 7)}, {"UID SEARCH", FOUND("5")}, FETCHED(5),                   \
        {"EXAMINE \"Archive\"", OPENED(1, 8)}, {"UID SEARCH", FOUND("743000009")},                 \
        FETCHED(743000009)

START_TEST(each_folder_is_picked_up_read_only_and_its_messages_bear_its_name)
{
    static const struct script_rule rules[] = {
        {"LIST \"\" \"*\"", TWO_FOLDERS}, TWO_VISITS, HOME("5")};
    static const struct script script = {NULL, MANY, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "folders=*", false);
    host_wants(h, "INBOX:5 Archive:743000009 ");
    ck_assert_uint_eq(host_sent(h, "RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY "
                                   "HIGHESTMODSEQ))"), 1);
    ck_assert_uint_eq(host_sent(h, "STATUS \""), 0); /* all was in the answer to LIST */
    ck_assert_uint_eq(host_sent(h, "Junk"), 0);
    ck_assert_uint_eq(h->progress, 2);
    ck_assert_str_eq(h->trouble, "");
    host_only_looked(h);
    host_stop(h);
}
END_TEST

START_TEST(a_dry_run_hands_out_each_message_once_and_notes_nothing)
{
    static const struct script_rule rules[] = {{"*LIST \"\" \"*\"", TWO_FOLDERS}, TWO_VISITS};
    static const struct script script = {NULL, MANY, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "folders=*", true);
    ck_assert_str_eq(host_run(h, 1), "INBOX:5 Archive:743000009 ");
    ck_assert_uint_eq(h->fetched, 0);
    host_only_looked(h);
    host_stop(h);
}
END_TEST

START_TEST(a_server_without_the_extensions_is_asked_for_each_folder_by_status)
{
    static const struct script_rule rules[] = {
        {"LIST \"\" \"*\"", "* LIST () \"/\" INBOX\r\n* LIST () \"/\" Spam\r\n"
                            "* LIST () \"/\" \"Leer\"\r\n* LIST () \"/\" \"Archive\"\r\n" OK},
        {"STATUS \"INBOX\"", "* STATUS INBOX (MESSAGES 1 UIDNEXT 6 UIDVALIDITY 7)\r\n" OK},
        {"STATUS \"Leer\"", "* STATUS \"Leer\" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 6)\r\n" OK},
        {"STATUS \"Archive\"", "* STATUS Archive (MESSAGES 1 UIDNEXT 9 UIDVALIDITY 8)\r\n" OK},
        {"EXAMINE \"Archive\"", OPENED(1, 8)},
        {"EXAMINE \"INBOX\"", OPENED(1, 7)},
        {"UID SEARCH", "* SEARCH 5\r\n" OK},
        FETCHED(5),
        {"UID SEARCH", "* SEARCH 8\r\n" OK},
        FETCHED(8),
        {"EXAMINE \"INBOX\"", OPENED(1, 7)},
        {"UID SEARCH", "* SEARCH 5\r\n" OK}};
    static const struct script script = {NULL, "", rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "folders=*", false);
    host_wants(h, "INBOX:5 Archive:8 ");
    ck_assert_uint_eq(host_sent(h, "HIGHESTMODSEQ"), 0);
    ck_assert_uint_eq(host_sent(h, "RETURN"), 0);
    ck_assert_uint_eq(host_sent(h, "EXAMINE \"Leer\""), 0);
    ck_assert_uint_eq(host_sent(h, "Spam"), 0); /* by its name */
    host_only_looked(h);
    host_stop(h);
}
END_TEST

START_TEST(what_the_ledger_knows_is_not_asked_for)
{
    static const struct script_rule rules[] = {
        {"LIST \"\" \"*\"", LIST_STATUS("INBOX", "", 3, 10, 7, 40) OK},
        {"EXAMINE \"INBOX\"", OPENED(3, 7)},
        {"UID SEARCH", FOUND("5,7,9")},
        FETCHED(7),
        HOME("5,7,9")};
    static const struct script script = {NULL, MANY, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "folders=*", false);
    h->rows[h->count++] = (struct row){"INBOX", 7, 5, IMAP_STEP_MOVED, 1};
    h->rows[h->count++] = (struct row){"INBOX", 7, 9, IMAP_STEP_MOVED, 1};
    h->rows[h->count++] = (struct row){"Archive", 7, 7, IMAP_STEP_MOVED, 1}; /* another folder's */
    host_wants(h, "INBOX:7 ");
    ck_assert_uint_eq(host_sent(h, "UID FETCH"), 2);
    ck_assert_uint_eq(h->fetched, 1);
    ck_assert_uint_eq(h->progress, 1);
    host_stop(h);
}
END_TEST

/* Each listing costs the server an answer: what it claims to have beyond that costs us nothing. */
START_TEST(the_ledger_is_asked_about_what_is_listed_next_and_not_about_all_that_a_server_claims)
{
    static const struct script_rule rules[] = {
        {"LIST \"\" \"*\"", LIST_STATUS("INBOX", "", 1000000, 1000001, 7, 40) OK},
        {"EXAMINE \"INBOX\"", OPENED(1000000, 7)},
        {"UID SEARCH", FOUND("1:1000000")},
        {"UID FETCH", OK},
        {"UID FETCH", "\2"}};
    static const struct script script = {NULL, MANY, rules, sizeof rules / sizeof rules[0], 0};
    for (uint32_t known = 0; known <= 3000; known += 3000) {
        struct host *h = host_start(&script, "folders=*", false);
        h->known_to = known;
        ck_assert_str_eq(host_run(h, 7), "failed: link");
        ck_assert_uint_eq(host_sent(h, "UID FETCH"), 2);
        ck_assert_uint_eq(host_sent(h, known == 0 ? "UID FETCH 1:500 (" : "UID FETCH 1,3,5,"), 1);
        ck_assert_uint_eq(host_sent(h, known == 0 ? "FETCH 501:1000 (" : "FETCH 1001,1003,"), 1);
        /* To find a thousand strangers; and for each of these again, to put those off that were
         * tried before. */
        ck_assert_uint_eq(h->asked, (known == 0 ? 1000 : 2000) + 1000);
        host_stop(h);
    }
}
END_TEST

START_TEST(strangers_among_known_messages_are_listed_in_full_listings_and_the_known_ones_never)
{
    static const struct script_rule rules[] = {
        {"LIST \"\" \"*\"", LIST_STATUS("INBOX", "", 5000, 5001, 7, 40) OK},
        {"EXAMINE \"INBOX\"", OPENED(5000, 7)},
        {"UID SEARCH", FOUND("1:5000")},
        {"*UID FETCH", OK}, /* they went meanwhile */
        HOME("1:5000")};
    static const struct script script = {NULL, MANY, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "folders=*", false);
    h->known_from = 1001;
    h->known_to = 4000;
    host_wants(h, "");
    ck_assert_uint_eq(host_sent(h, "1002"), 0);
    ck_assert_uint_eq(host_sent(h, ",2500,"), 0);
    ck_assert_uint_eq(host_sent(h, "4000"), 0);
    ck_assert_uint_eq(host_sent(h, ",2501,"), 4); /* twice, as it did not come; and so at home */
    ck_assert_uint_eq(host_sent(h, "UID FETCH"), 4 * 7);
    host_stop(h);
}
END_TEST

/* 100 messages, at 743,000,000 and each a million apart: what is sent is what 100 messages need. */
START_TEST(sparse_uids_cost_nothing)
{
    static char found[4000], listed[16000];
    (void)snprintf(found, sizeof found, "* ESEARCH UID ALL ");
    for (unsigned i = 0; i < 60; i++) {
        size_t used = strlen(found), more = strlen(listed);
        (void)snprintf(found + used, sizeof found - used, "%s%u", i > 0 ? "," : "",
                       743000000 + i * 1000000);
        (void)snprintf(listed + more, sizeof listed - more,
                       "* 1 FETCH (UID %u FLAGS () RFC822.SIZE 20 INTERNALDATE "
                       "\"01-Mar-2026 12:00:00 +0000\")\r\n", 743000000 + i * 1000000);
    }
    (void)strncat(found, "\r\n" OK, sizeof found - strlen(found) - 1);
    (void)strncat(listed, OK, sizeof listed - strlen(listed) - 1);
    const struct script_rule rules[] = {
        {"LIST \"\" \"*\"",
         LIST_STATUS("INBOX", "", 0, 6, 7, 40) LIST_STATUS("Far", "", 60, 803000001, 7, 40) OK},
        {"EXAMINE \"Far\"", OPENED(60, 7)},
        {"UID SEARCH", found},
        {"(UID FLAGS", listed},
        {"*UID BODY", OK}};
    const struct script script = {NULL, MANY, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "folders=*;batch=100", false);
    (void)host_run(h, 7);
    char *trace = script_trace(h->server);
    ck_assert_uint_eq(host_sent(h, "UID SEARCH"), 2); /* one at home */
    ck_assert_uint_eq(host_sent(h, "(UID FLAGS"), 1);
    ck_assert_uint_eq(host_sent(h, ":"), 0); /* no range of UIDs */
    ck_assert_uint_lt(strlen(trace), 5000);
    free(trace);
    host_stop(h);
}
END_TEST

START_TEST(a_folder_that_did_not_change_is_not_opened_until_it_does_or_a_day_is_over)
{
#define UNCHANGED LIST_STATUS("INBOX", "", 1, 6, 7, 40) LIST_STATUS("Archive", "", 1, 9, 8, 50) OK
    static const struct script_rule rules[] = {
        {"LIST \"\" \"*\"", UNCHANGED},
        {"EXAMINE \"INBOX\"", OPENED(1, 7)},
        {"UID SEARCH", FOUND("5")},
        FETCHED(5),
        {"EXAMINE \"Archive\"", OPENED(1, 8)},
        {"UID SEARCH", FOUND("8")},
        FETCHED(8),
        HOME("5"),
        {"LIST \"\" \"*\"", UNCHANGED},
        HOME("5"),
        {"LIST \"\" \"*\"",
         LIST_STATUS("INBOX", "", 1, 6, 7, 40) LIST_STATUS("Archive", "", 1, 9, 8, 51) OK},
        {"EXAMINE \"Archive\"", OPENED(1, 8)},
        {"UID SEARCH", FOUND("8")},
        HOME("5"),
        {"LIST \"\" \"*\"",
         LIST_STATUS("INBOX", "", 1, 6, 7, 40) LIST_STATUS("Archive", "", 1, 9, 8, 51) OK},
        {"EXAMINE \"Archive\"", OPENED(1, 8)},
        {"UID SEARCH", FOUND("8")},
        HOME("5")};
    static const struct script script = {NULL, MANY, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "folders=*", false);
    host_wants(h, "INBOX:5 Archive:8 ");
    h->now_ms += 300000;
    host_wants(h, "");
    ck_assert_uint_eq(host_sent(h, "LIST \"\" \"*\""), 2);
    ck_assert_uint_eq(host_sent(h, "EXAMINE \"Archive\""), 1);
    h->now_ms += 300000;
    host_wants(h, ""); /* a flag changed: looked at, nothing is fetched twice */
    ck_assert_uint_eq(host_sent(h, "EXAMINE \"Archive\""), 2);
    h->now_ms += IMAP_TOUR_BELIEF_MS;
    host_wants(h, "");
    ck_assert_uint_eq(host_sent(h, "EXAMINE \"Archive\""), 3);
    ck_assert_uint_eq(h->fetched, 2);
    host_only_looked(h);
    host_stop(h);
}
END_TEST

START_TEST(a_folder_that_cannot_be_opened_stops_no_other_and_is_told_once)
{
    static const struct script_rule rules[] = {
        {"*LIST \"\" \"*\"", LIST_STATUS("INBOX", "", 1, 6, 7, 40)
             LIST_STATUS("Bad", "", 1, 6, 7, 40) LIST_STATUS("Worse", "", 1, 6, 7, 40)
                 LIST_STATUS("Zoo", "", 1, 9, 8, 50) OK},
        {"EXAMINE \"INBOX\"", OPENED(1, 7)},
        {"UID SEARCH", FOUND("5")},
        FETCHED(5),
        {"*EXAMINE \"Bad\"", "@ NO [SERVERBUG] Internal error occurred\r\n"},
        {"*EXAMINE \"Worse\"", OPENED(1, 7)},
        {"UID SEARCH", "@ NO cannot read the index\r\n"},
        {"*EXAMINE \"Zoo\"", OPENED(1, 8)},
        {"UID SEARCH", FOUND("8")},
        FETCHED(8),
        HOME("5"),
        {"UID SEARCH", "@ NO cannot read the index\r\n"},
        HOME("5")};
    static const struct script script = {NULL, MANY, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "folders=*", false);
    host_wants(h, "INBOX:5 Zoo:8 ");
    ck_assert_msg(strstr(h->trouble, "2 of 4 folders") != NULL, "%s", h->trouble);
    ck_assert_ptr_nonnull(strstr(h->trouble, "'Bad'"));
    ck_assert_ptr_nonnull(strstr(h->log, "'Worse': UID SEARCH failed"));
    h->now_ms += 300000;
    size_t told = strlen(h->log);
    host_wants(h, "");
    ck_assert_uint_eq(strlen(h->log), told);
    ck_assert_uint_eq(host_sent(h, "EXAMINE \"Bad\""), 2); /* it is tried again */
    ck_assert_ptr_nonnull(strstr(h->trouble, "2 of 4"));
    host_only_looked(h);
    host_stop(h);
}
END_TEST

START_TEST(when_no_folder_can_be_picked_up_from_the_source_has_failed)
{
    static const struct script_rule rules[] = {
        {"*LIST \"\" \"*\"", LIST_STATUS("INBOX", "", 1, 6, 7, 40) OK},
        {"*EXAMINE", "@ NO [NOPERM] go away\r\n"}};
    static const struct script script = {NULL, MANY, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "folders=*", false);
    ck_assert_str_eq(host_run(h, 7), "failed: config");
    ck_assert_ptr_nonnull(strstr(h->err.text, "go away"));
    host_stop(h);
}
END_TEST

START_TEST(a_server_that_asks_for_a_pause_gets_it_from_the_whole_source)
{
    static const struct script_rule rules[] = {
        {"*LIST \"\" \"*\"",
         LIST_STATUS("INBOX", "", 1, 6, 7, 40) LIST_STATUS("Zoo", "", 1, 9, 8, 50) OK},
        {"*EXAMINE", "@ NO [THROTTLED] slower\r\n"}};
    static const struct script script = {NULL, MANY, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "folders=*", false);
    ck_assert_str_eq(host_run(h, 7), "failed: pause");
    ck_assert_uint_eq(host_sent(h, "EXAMINE"), 1);
    host_stop(h);
}
END_TEST

START_TEST(a_name_that_is_not_there_is_told_and_none_at_all_is_a_failure)
{
    static const struct script_rule rules[] = {
        {"*LIST \"\" \"*\"", "* LIST () \"/\" INBOX\r\n" OK},
        {"*STATUS \"INBOX\"", "* STATUS INBOX (MESSAGES 0 UIDNEXT 6 UIDVALIDITY 7)\r\n" OK}};
    static const struct script script = {NULL, MANY, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "folders=INBOX,Work", false);
    host_wants(h, "");
    ck_assert_ptr_nonnull(strstr(h->trouble, "there is no folder 'Work'"));
    ck_assert_uint_eq(host_sent(h, "STATUS"), 1); /* of the chosen one, not of all */
    host_stop(h);
    h = host_start(&script, "folders=Work", false);
    ck_assert_str_eq(host_run(h, 7), "failed: config");
    host_stop(h);
}
END_TEST

START_TEST(a_folder_that_went_is_told_and_one_that_came_is_picked_up)
{
    static const struct script_rule rules[] = {
        {"LIST \"\" \"*\"",
         LIST_STATUS("INBOX", "", 0, 6, 7, 40) LIST_STATUS("Old", "", 1, 9, 8, 50) OK},
        {"EXAMINE \"Old\"", OPENED(1, 8)},
        {"UID SEARCH", FOUND("8")},
        FETCHED(8),
        NOTHING, /* at home */
        {"LIST \"\" \"*\"",
         LIST_STATUS("INBOX", "", 0, 6, 7, 40) LIST_STATUS("M&APw-ll-New", "", 1, 9, 8, 50) OK},
        {"EXAMINE \"M&APw-ll-New\"", OPENED(1, 8)},
        {"UID SEARCH", FOUND("8")},
        FETCHED(8)};
    static const struct script script = {NULL, MANY, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "folders=*", false);
    host_wants(h, "Old:8 ");
    h->now_ms += 300000;
    host_wants(h, "Müll-New:8 ");
    ck_assert_ptr_nonnull(strstr(h->log, "'Old' is no longer there"));
    host_stop(h);
}
END_TEST

START_TEST(a_folder_numbered_anew_is_opened_and_what_was_known_of_its_uids_does_not_count)
{
    static const struct script_rule rules[] = {
        {"LIST \"\" \"*\"", LIST_STATUS("INBOX", "", 1, 6, 7, 40) OK},
        {"EXAMINE", OPENED(1, 7)},
        {"UID SEARCH", FOUND("5")},
        FETCHED(5),
        HOME("5"),
        {"LIST \"\" \"*\"", LIST_STATUS("INBOX", "", 1, 6, 77, 40) OK},
        {"EXAMINE", OPENED(1, 77)},
        {"UID SEARCH", FOUND("5")},
        FETCHED(5),
        {"EXAMINE", OPENED(1, 77)},
        {"UID SEARCH", FOUND("5")}};
    static const struct script script = {NULL, MANY, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "folders=*", false);
    host_wants(h, "INBOX:5 ");
    h->now_ms += 300000;
    host_wants(h, "INBOX:5 ");
    ck_assert_uint_eq(h->rows[1].uidvalidity, 77);
    host_stop(h);
}
END_TEST

START_TEST(the_ledger_is_asked_once_about_a_folder_that_it_knows_in_full)
{
    static const struct script_rule rules[] = {
        {"LIST \"\" \"*\"",
         LIST_STATUS("INBOX", "", 2, 7, 7, 40) LIST_STATUS("Archive", "", 3, 10, 8, 50) OK},
        {"EXAMINE \"INBOX\"", OPENED(2, 7)},
        {"UID SEARCH", FOUND("5:6")},
        {"EXAMINE \"Archive\"", OPENED(3, 8)},
        {"UID SEARCH", FOUND("7:9")},
        HOME("5:6"),
        {"LIST \"\" \"*\"", /* flags changed */
         LIST_STATUS("INBOX", "", 2, 7, 7, 41) LIST_STATUS("Archive", "", 3, 10, 8, 51) OK},
        {"EXAMINE \"INBOX\"", OPENED(2, 7)},
        {"UID SEARCH", FOUND("5:6")},
        {"EXAMINE \"Archive\"", OPENED(3, 8)},
        {"UID SEARCH", FOUND("7:9")},
        HOME("5:6")};
    static const struct script script = {NULL, MANY, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "folders=*", false);
    for (uint32_t uid = 5; uid <= 6; uid++)
        h->rows[h->count++] = (struct row){"INBOX", 7, uid, IMAP_STEP_MOVED, 1};
    for (uint32_t uid = 7; uid <= 9; uid++)
        h->rows[h->count++] = (struct row){"Archive", 8, uid, IMAP_STEP_MOVED, 1};
    host_wants(h, "");
    ck_assert_uint_eq(h->asked, 5);
    h->now_ms += 300000;
    host_wants(h, "");
    ck_assert_uint_eq(host_sent(h, "UID SEARCH"), 6);
    ck_assert_uint_eq(h->asked, 5); /* by the second sweep: nothing */
    host_stop(h);
}
END_TEST

/* What was learned under the numbering between says nothing of the first one. */
START_TEST(a_folder_that_returns_to_an_earlier_numbering_loses_no_new_mail)
{
    static const struct script_rule rules[] = {
        {"LIST \"\" \"*\"",
         LIST_STATUS("INBOX", "", 0, 1, 3, 40) LIST_STATUS("Archive", "", 1, 6, 7, 50) OK},
        {"EXAMINE \"Archive\"", OPENED(1, 7)},
        {"UID SEARCH", FOUND("5")},
        FETCHED(5),
        NOTHING, /* at home */
        {"LIST \"\" \"*\"",
         LIST_STATUS("INBOX", "", 0, 1, 3, 40) LIST_STATUS("Archive", "", 2, 7, 77, 51) OK},
        {"EXAMINE \"Archive\"", OPENED(2, 77)},
        {"UID SEARCH", FOUND("5:6")},
        NOTHING,
        {"LIST \"\" \"*\"",
         LIST_STATUS("INBOX", "", 0, 1, 3, 40) LIST_STATUS("Archive", "", 2, 7, 7, 52) OK},
        {"EXAMINE \"Archive\"", OPENED(2, 7)},
        {"UID SEARCH", FOUND("5:6")},
        FETCHED(6)};
    static const struct script script = {NULL, MANY, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "folders=*", false);
    for (uint32_t uid = 5; uid <= 6; uid++)
        h->rows[h->count++] = (struct row){"Archive", 77, uid, IMAP_STEP_MOVED, 1};
    host_wants(h, "Archive:5 ");
    h->now_ms += 300000;
    host_wants(h, "");
    h->now_ms += 300000;
    host_wants(h, "Archive:6 ");
    host_stop(h);
}
END_TEST

START_TEST(when_the_host_waits_new_mail_in_the_inbox_is_told_by_idle_and_the_rest_by_the_next_sweep)
{
    static const struct script_rule rules[] = {
        {"LIST \"\" \"*\"",
         LIST_STATUS("INBOX", "", 0, 6, 7, 40) LIST_STATUS("Zoo", "", 0, 9, 8, 50) OK},
        {"EXAMINE \"INBOX\"", OPENED(0, 7)},
        {"UID SEARCH", "* ESEARCH UID\r\n" OK},
        {"IDLE", "+ idling\r\n* 1 EXISTS\r\n"},
        {"DONE", OK},
        {"UID SEARCH", FOUND("6")},
        FETCHED(6),
        {"UID SEARCH", FOUND("6")}, /* once more, since it was not waited for */
        {"IDLE", "+ idling\r\n"},
        {"DONE", OK},
        {"LIST \"\" \"*\"",
         LIST_STATUS("INBOX", "", 0, 7, 7, 41) LIST_STATUS("Zoo", "", 1, 10, 8, 51) OK},
        {"EXAMINE \"Zoo\"", OPENED(1, 8)},
        {"UID SEARCH", FOUND("9")},
        FETCHED(9)};
    static const struct script script = {NULL, MANY, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "folders=*", false);
    int fd = 0;
    uint32_t timeout = 1;
    host_wants(h, "");
    ck_assert_int_eq(imap_tour_wait(h->tour, &fd, &timeout, &h->err), 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_uint_eq(timeout, 0); /* news came as IDLE began */
    host_wants(h, "INBOX:6 ");
    ck_assert_int_eq(imap_tour_wait(h->tour, &fd, &timeout, &h->err), 0);
    ck_assert_uint_gt(timeout, 0);
    ck_assert_uint_le(timeout, 300000);
    ck_assert_uint_eq(host_sent(h, "LIST \"\" \"*\""), 1);
    h->now_ms += 300000;
    host_wants(h, "Zoo:9 ");
    host_only_looked(h);
    host_stop(h);
}
END_TEST

START_TEST(messages_of_several_folders_may_be_settled_at_once_and_released_ones_do_not_come_again)
{
    static const struct script_rule rules[] = {{"*LIST \"\" \"*\"", TWO_FOLDERS},
                                               TWO_VISITS, HOME("5")};
    static const struct script script = {NULL, MANY, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "folders=*", false);
    struct imap_message message;
    uint64_t tokens[2];
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(imap_tour_next(h->tour, &message, &tokens[i], &h->err),
                         IMAP_PICKUP_MESSAGE);
        mail_free(message.mail);
        spool_free(message.spool);
    }
    ck_assert_int_eq(imap_tour_settle(h->tour, tokens, 1, IMAP_FATE_RELEASE, &h->err), 0);
    ck_assert_int_eq(imap_tour_settle(h->tour, tokens + 1, 1, IMAP_FATE_QUEUED, &h->err), 0);
    ck_assert_uint_eq(h->rows[0].attempts, 0); /* taken back */
    ck_assert_uint_eq(h->rows[1].step, IMAP_STEP_MOVED);
    ck_assert_str_eq(h->rows[1].path, "Archive");
    h->now_ms += IMAP_TOUR_BELIEF_MS;
    ck_assert_str_eq(host_run(h, 7), "");
    host_stop(h);
}
END_TEST

START_TEST(a_message_that_is_set_aside_loses_no_attempt_when_it_is_released)
{
    static const struct script_rule rules[] = {{"*LIST \"\" \"*\"", TWO_FOLDERS}, TWO_VISITS};
    static const struct script script = {NULL, MANY, rules, sizeof rules / sizeof rules[0], 0};
    struct host *h = host_start(&script, "folders=*", false);
    struct imap_message message;
    uint64_t token;
    h->rows[h->count++] = (struct row){"INBOX", 7, 5, IMAP_STEP_ATTEMPTED, IMAP_ATTEMPTS_MAX};
    ck_assert_int_eq(imap_tour_next(h->tour, &message, &token, &h->err), IMAP_PICKUP_MESSAGE);
    ck_assert_ptr_nonnull(message.error);
    ck_assert_int_eq(imap_tour_settle(h->tour, &token, 1, IMAP_FATE_RELEASE, &h->err), 0);
    ck_assert_uint_eq(h->rows[0].attempts, IMAP_ATTEMPTS_MAX);
    host_stop(h);
}
END_TEST

static Suite *suite(void)
{
    const TTest *const tests[] = {
        each_folder_is_picked_up_read_only_and_its_messages_bear_its_name,
        a_dry_run_hands_out_each_message_once_and_notes_nothing,
        a_server_without_the_extensions_is_asked_for_each_folder_by_status,
        what_the_ledger_knows_is_not_asked_for,
        the_ledger_is_asked_about_what_is_listed_next_and_not_about_all_that_a_server_claims,
        strangers_among_known_messages_are_listed_in_full_listings_and_the_known_ones_never,
        sparse_uids_cost_nothing,
        a_folder_that_did_not_change_is_not_opened_until_it_does_or_a_day_is_over,
        a_folder_that_cannot_be_opened_stops_no_other_and_is_told_once,
        when_no_folder_can_be_picked_up_from_the_source_has_failed,
        a_server_that_asks_for_a_pause_gets_it_from_the_whole_source,
        a_name_that_is_not_there_is_told_and_none_at_all_is_a_failure,
        a_folder_that_went_is_told_and_one_that_came_is_picked_up,
        a_folder_numbered_anew_is_opened_and_what_was_known_of_its_uids_does_not_count,
        the_ledger_is_asked_once_about_a_folder_that_it_knows_in_full,
        a_message_that_is_set_aside_loses_no_attempt_when_it_is_released,
        a_folder_that_returns_to_an_earlier_numbering_loses_no_new_mail,
        when_the_host_waits_new_mail_in_the_inbox_is_told_by_idle_and_the_rest_by_the_next_sweep,
        messages_of_several_folders_may_be_settled_at_once_and_released_ones_do_not_come_again,
    };
    Suite *s = suite_create("imap-tour");
    TCase *all = tcase_create("all");
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(all, tests[i]);
    suite_add_tcase(s, all);
    return s;
}
CHECK_MAIN(suite)
