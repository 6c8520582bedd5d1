/* SPDX-License-Identifier: Apache-2.0 */
/* imap-epoch-test.c - promises about messages that come under another UID, or come back: a mailbox
 * numbered anew, restored from a backup, whose UIDs do not last or are given twice; each rule at its
 * border. A scripted server (imap-script.h), and a host over a real queue. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "digest.h"
#include "imap-hold.h"
#include "imap-pickup.h"
#include "imap-script.h"
#include "queue.h"

#define SCOPE "IMAP", "ann@example.org", "INBOX"
#define MESSAGES 600
#define TEXT_MAX (4u << 20)
#define RULES 9

/* ---- Messages -------------------------------------------------------------------------------- */

/* Message k, always the same and all of one size; variant 1 has other bytes, and the same Message-ID
 * and size; variant 2 is four bytes longer. */
static size_t message_text(unsigned k, unsigned variant, char *out, size_t size)
{
    static const char *const bodies[] = {"one body", "two body", "one body ...."}; /* and a hundred zeros */
    return (size_t)snprintf(out, size,
                            "Message-ID: <m%04u@x>\r\nSubject: s%04u\r\n\r\n%s\r\n%0100d\r\n", k,
                            k, bodies[variant], 0);
}

struct message {
    uint32_t uid;
    unsigned k, variant;
};

/* ---- The server ------------------------------------------------------------------------------ */

struct world {
    struct message messages[MESSAGES]; /* that are in the mailbox, ascending UIDs */
    size_t count;
    uint32_t uidvalidity, uidnext;
    const char *capabilities; /* NULL: all */
    struct queue *queue;
    struct clock clock;
    int64_t now_s;
    bool accept, read_only;
    struct error err;
    char log[8000];
    char *trace; /* of the last session */
    size_t handed; /* messages handed out in it */
    size_t notes;  /* times that the ledger was written to */
    struct script_server *server;
};

static struct world w;

static void put_message(uint32_t uid, unsigned k, unsigned variant)
{
    w.messages[w.count++] = (struct message){uid, k, variant};
}

enum reply { REPLY_SEARCH, REPLY_UIDS, REPLY_SIZES, REPLY_IDS, REPLY_LISTING, REPLY_BODIES };

static void reply_message(struct buffer *out, enum reply which, const struct message *m)
{
    char text[300];
    size_t size = message_text(m->k, m->variant, text, sizeof text);
    switch (which) {
    case REPLY_SEARCH:
        buffer_printf(out, " %u", m->uid);
        break;
    case REPLY_UIDS:
        buffer_printf(out, "* 1 FETCH (UID %u)\r\n", m->uid);
        break;
    case REPLY_SIZES:
        buffer_printf(out, "* 1 FETCH (UID %u RFC822.SIZE %zu)\r\n", m->uid, size);
        break;
    case REPLY_IDS:
        buffer_printf(out,
                      "* 1 FETCH (UID %u BODY[HEADER.FIELDS (MESSAGE-ID)] {?}\r\nMessage-ID: "
                      "<m%04u@x>\r\n\r\n\1)\r\n",
                      m->uid, m->k);
        break;
    case REPLY_LISTING:
        buffer_printf(out, "* 1 FETCH (UID %u FLAGS () RFC822.SIZE %zu INTERNALDATE "
                           "\"01-Mar-2026 12:00:00 +0000\")\r\n", m->uid, size);
        break;
    case REPLY_BODIES:
        buffer_printf(out, "* 1 FETCH (UID %u BODY[] {?}\r\n%s\1)\r\n", m->uid, text);
        break;
    }
}

/* Yours: free(). */
static char *reply(enum reply which)
{
    struct buffer out;
    buffer_init(&out, TEXT_MAX);
    if (which == REPLY_SEARCH)
        buffer_append_text(&out, "* SEARCH");
    for (size_t i = 0; i < w.count; i++)
        reply_message(&out, which, &w.messages[i]);
    buffer_append_text(&out, which == REPLY_SEARCH ? "\r\n@ OK\r\n" : "@ OK\r\n");
    char *text = strdup(buffer_text(&out));
    buffer_done(&out);
    return text;
}

/* ---- The host, over a queue ------------------------------------------------------------------ */

static uint64_t host_ms(void *context)
{
    (void)context;
    return 0;
}

static int64_t host_s(void *context)
{
    (void)context;
    return w.now_s;
}

static bool host_cancelled(void *context)
{
    (void)context;
    return false;
}

static void host_log(void *context, enum imap_log level, const char *text)
{
    (void)context;
    (void)level;
    size_t used = strlen(w.log);
    (void)snprintf(w.log + used, sizeof w.log - used, "%s\n", text);
}

static void host_progress(void *context, uint64_t messages)
{
    (void)context;
    (void)messages;
}

static struct queue_record to_queue(const struct imap_record *record)
{
    return (struct queue_record){.origin = {SCOPE, record->uidvalidity, record->uid, NULL},
                                 .step = (enum queue_step)record->step,
                                 .fate = record->fate,
                                 .target_uidvalidity = record->target_uidvalidity,
                                 .target_uid = record->target_uid,
                                 .target = record->target};
}

static struct imap_record from_queue(const struct queue_record *record)
{
    return (struct imap_record){.uidvalidity = record->origin.uidvalidity,
                                .uid = record->origin.uid,
                                .step = record->step,
                                .attempts = record->attempts,
                                .fate = record->fate,
                                .target_uidvalidity = record->target_uidvalidity,
                                .target_uid = record->target_uid,
                                .target = record->target};
}

static int host_known(void *context, struct imap_record *records, size_t count, struct error *err)
{
    (void)context;
    for (size_t i = 0; i < count; i++) {
        struct queue_record record = to_queue(&records[i]);
        if (queue_known(w.queue, &record, 1, err) < 0)
            return -1;
        records[i] = from_queue(&record);
        records[i].target = NULL;
    }
    return 0;
}

static int host_note(void *context, const struct imap_record *records, size_t count,
                     struct error *err)
{
    (void)context;
    w.notes++;
    for (size_t i = 0; i < count; i++) {
        struct queue_record record = to_queue(&records[i]);
        if (queue_note(w.queue, &record, 1, err) < 0)
            return -1;
    }
    return 0;
}

static int host_unsettled(void *context, const struct imap_record *after, struct imap_record *out,
                          size_t capacity, size_t *out_count, struct error *err)
{
    (void)context;
    struct queue_record found[IMAP_RECORDS_MAX], behind;
    if (after != NULL)
        behind = to_queue(after);
    if (queue_unsettled(w.queue, SCOPE, after != NULL ? &behind.origin : NULL, found, capacity,
                        out_count, err) < 0)
        return -1;
    for (size_t i = 0; i < *out_count; i++)
        out[i] = from_queue(&found[i]);
    return 0;
}

static struct imap_evidence evidence_from(const struct queue_evidence *from)
{
    struct imap_evidence to = {.uidvalidity = from->origin.uidvalidity,
                               .uid = from->origin.uid,
                               .step = from->step,
                               .has_sha256 = from->has_digest,
                               .size = from->size,
                               .message_id = from->message_id};
    memcpy(to.sha256, from->sha256, sizeof to.sha256);
    return to;
}

static int host_evidence(void *context, struct imap_evidence *items, size_t count,
                         struct error *err)
{
    (void)context;
    for (size_t i = 0; i < count; i++) {
        struct queue_evidence item = {
            .origin = {SCOPE, items[i].uidvalidity, items[i].uid, NULL}};
        if (queue_evidence(w.queue, &item, 1, err) < 0)
            return -1;
        items[i] = evidence_from(&item);
    }
    return 0;
}

static int host_settled_like(void *context, uint64_t size, struct imap_evidence *out,
                             size_t capacity, size_t *out_count, struct error *err)
{
    (void)context;
    static struct queue_evidence found[IMAP_LIKE_MAX];
    if (queue_settled_like(w.queue, SCOPE, size, found, capacity, out_count, err) < 0)
        return -1;
    for (size_t i = 0; i < *out_count; i++)
        out[i] = evidence_from(&found[i]);
    return 0;
}

static int host_mailbox(void *context, const char *path, struct imap_mailbox *out,
                        struct error *err)
{
    (void)context;
    struct queue_mailbox state;
    ck_assert_str_eq(path, "INBOX");
    if (queue_mailbox_get(w.queue, SCOPE, &state, err) < 0)
        return -1;
    *out = (struct imap_mailbox){.uidvalidity = state.uidvalidity,
                                 .highest_uid = state.highest_uid,
                                 .held = state.held,
                                 .held_s = state.held_s};
    memcpy(out->changed_s, state.changed_s, sizeof out->changed_s);
    memcpy(out->why, state.why, sizeof out->why);
    return 0;
}

static int host_adopt(void *context, const struct imap_adoption *items, size_t count,
                      const struct imap_mailbox *state, struct error *err)
{
    (void)context;
    struct queue_mailbox ours = {0};
    if (state != NULL) {
        ours.uidvalidity = state->uidvalidity;
        ours.held = state->held;
        ours.held_s = state->held_s;
        memcpy(ours.changed_s, state->changed_s, sizeof ours.changed_s);
        memcpy(ours.why, state->why, sizeof ours.why);
    }
    return queue_adopt(w.queue, SCOPE, (const struct queue_adoption *)(const void *)items, count,
                       state != NULL ? &ours : NULL, err);
}

/* ---- What happened before -------------------------------------------------------------------- */

static void ours_sha256(const char *text, size_t size, uint8_t out[DIGEST_SIZE])
{
    struct digest *digest = digest_new();
    ck_assert_int_eq(digest_add(digest, (const uint8_t *)text, size), 0);
    ck_assert_int_eq(digest_finish(digest, out), 0);
    digest_free(digest);
}

static void store(uint32_t uidvalidity, uint32_t uid, unsigned k, unsigned variant)
{
    char text[300], id[40];
    size_t size = message_text(k, variant, text, sizeof text);
    (void)snprintf(id, sizeof id, "m%04u@x", k);
    struct queue_item item = {.origin = {SCOPE, uidvalidity, uid, NULL},
                              .class = "Mail",
                              .queue = "default",
                              .source = "imap",
                              .raw_bytes = (const uint8_t *)text,
                              .raw_size = size,
                              .raw_fd = -1,
                              .message_id = id};
    ours_sha256(text, size, item.raw_sha256);
    ck_assert_msg(queue_put(w.queue, &item, &w.err) != QUEUE_PUT_FAILED, "%s", w.err.text);
    ck_assert_int_eq(queue_commit(w.queue, &w.err), QUEUE_COMMITTED);
}

/* Message k was stored under this name and has come to this step. */
static void before(uint32_t uidvalidity, uint32_t uid, unsigned k, enum imap_step step)
{
    const struct imap_record record = {.uidvalidity = uidvalidity, .uid = uid, .step = step};
    store(uidvalidity, uid, k, 0);
    if (step != IMAP_STEP_STORED)
        ck_assert_int_eq(host_note(NULL, &record, 1, &w.err), 0);
}

static uint32_t step_of(uint32_t uidvalidity, uint32_t uid)
{
    struct imap_record record = {.uidvalidity = uidvalidity, .uid = uid};
    ck_assert_int_eq(host_known(NULL, &record, 1, &w.err), 0);
    return record.step;
}

static struct imap_mailbox mailbox(void)
{
    struct imap_mailbox state;
    ck_assert_int_eq(host_mailbox(NULL, "INBOX", &state, &w.err), 0);
    return state;
}

static int count_entry(void *context, const struct queue_entry *entry)
{
    (void)entry;
    ++*(size_t *)context;
    return 0;
}

static size_t entries(void)
{
    size_t count = 0;
    const struct queue_filter all = {0};
    ck_assert_int_eq(queue_list(w.queue, &all, count_entry, &count, &w.err), 0);
    return count;
}

/* ---- Sessions -------------------------------------------------------------------------------- */

/* As a host would: 0 when all is drained, else the class of the failure. */
static enum error_class session_drive(struct imap_pickup *pickup)
{
    uint32_t uids[MESSAGES];
    size_t count = 0;
    for (;;) {
        struct imap_message message;
        enum imap_pickup_result r = imap_pickup_next(pickup, &message, &w.err);
        if (r == IMAP_PICKUP_FAILED)
            return w.err.class;
        if (r == IMAP_PICKUP_DRAINED && count == 0)
            return ERROR_NONE;
        if (r == IMAP_PICKUP_DRAINED) {
            for (size_t i = 0; i < count; i++) /* what is stored is the message of that UID */
                for (size_t j = 0; j < w.count; j++)
                    if (w.messages[j].uid == uids[i])
                        store(w.uidvalidity, uids[i], w.messages[j].k, w.messages[j].variant);
            if (imap_pickup_settle(pickup, uids, count, IMAP_FATE_QUEUED, &w.err) < 0)
                return w.err.class;
            count = 0;
            continue;
        }
        uids[count++] = message.uid;
        w.handed++;
        mail_free(message.mail);
        spool_free(message.spool);
    }
}

/* One session with the mailbox as it is in w. @first: a rule that comes before the others, or NULL. */
static enum error_class session_with(const struct script_rule *first)
{
    char select[400], connection[200];
    (void)snprintf(select, sizeof select,
                   "* %zu EXISTS\r\n* OK [UIDVALIDITY %u] x\r\n* OK [UIDNEXT %u] x\r\n"
                   "* OK [PERMANENTFLAGS (\\Deleted \\*)] x\r\n@ OK [READ-WRITE] done\r\n",
                   w.count, w.uidvalidity, w.uidnext);
    char *texts[] = {reply(REPLY_SEARCH), reply(REPLY_UIDS),    reply(REPLY_SIZES),
                     reply(REPLY_IDS),    reply(REPLY_LISTING), reply(REPLY_BODIES)};
    const struct script_rule rules[RULES] = {
        first != NULL ? *first : (struct script_rule){"no such command", ""},
        {"*SELECT", select},
        {"*UID SEARCH", texts[REPLY_SEARCH]},
        {"*UID MOVE", "@ OK [COPYUID 9 1:9999 10001:19999] moved\r\n"},
        {"*(UID)", texts[REPLY_UIDS]},
        {"*(UID RFC822.SIZE)", texts[REPLY_SIZES]},
        {"*HEADER.FIELDS", texts[REPLY_IDS]},
        {"*INTERNALDATE)", texts[REPLY_LISTING]},
        {"*BODY.PEEK[]", texts[REPLY_BODIES]},
    };
    const struct script script = {
        NULL, w.capabilities != NULL ? w.capabilities : "MOVE UIDPLUS", rules, RULES, 0};
    struct imap_host table = {.clock = w.clock,
                              .cancelled = host_cancelled,
                              .log = host_log,
                              .known = host_known,
                              .note = host_note,
                              .unsettled = host_unsettled,
                              .progress = host_progress,
                              .evidence = host_evidence,
                              .settled_like = host_settled_like,
                              .mailbox = host_mailbox,
                              .adopt = host_adopt};
    if (w.read_only)
        table.adopt = NULL;
    struct imap_settings *settings;
    struct imap_pickup *pickup;
    unsigned int port;
    w.server = script_start(&script, &port);
    (void)snprintf(connection, sizeof connection, "url=127.0.0.1;starttls=Never;port=%u", port);
    ck_assert_int_eq(imap_settings_read(connection, &settings, &w.err), 0);
    struct imap_pickup_options options = {.settings = settings,
                                          .host = &table,
                                          .user = "ann",
                                          .secret = "sesame",
                                          .read_only = w.read_only,
                                          .accept_new_uids = w.accept};
    ck_assert_int_eq(imap_pickup_open(&options, &pickup, &w.err), 0);
    w.handed = 0;
    w.log[0] = '\0';
    enum error_class class = session_drive(pickup);
    imap_pickup_close(pickup);
    imap_settings_free(settings);
    free(w.trace);
    w.trace = script_trace(w.server);
    script_stop(w.server);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    return class;
}

static enum error_class session(void)
{
    return session_with(NULL);
}

static void setup(void)
{
    w = (struct world){.uidvalidity = 8, .uidnext = 9000, .now_s = 1772366400};
    w.clock = (struct clock){host_ms, host_s, NULL};
    ck_assert_int_eq(queue_open("memory:", NULL, &w.clock, &w.queue, &w.err), 0);
}

static void teardown(void)
{
    queue_close(w.queue);
    free(w.trace);
}

static void ck_session(enum error_class want)
{
    enum error_class got = session();
    ck_assert_msg(got == want, "%s: %s\n%s\n%s", error_class_name(got), w.err.text, w.log, w.trace);
}

#define SAYS(text) ck_assert_msg(strstr(w.trace, text) != NULL, "'%s' is not in\n%s", text, w.trace)
#define SILENT(text) ck_assert_msg(strstr(w.trace, text) == NULL, "'%s' is in\n%s", text, w.trace)

/* The mailbox was worked in under this UIDVALIDITY. */
static void worked_in(uint32_t uidvalidity)
{
    const struct queue_mailbox state = {.uidvalidity = uidvalidity};
    ck_assert_int_eq(queue_mailbox_set(w.queue, SCOPE, &state, &w.err), 0);
}

/* ---- Nothing happened ------------------------------------------------------------------------ */

START_TEST(a_usual_pass_asks_nothing_more_and_remembers_its_numbering)
{
    for (uint32_t i = 1; i <= 30; i++)
        put_message(i, i, 0);
    for (uint32_t i = 101; i <= 130; i++)
        before(8, i, i, IMAP_STEP_MOVED); /* moved before, of the same size */
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 30);
    ck_assert_uint_eq(mailbox().uidvalidity, 8);
    SILENT("SEARCH ALL");
    w.count = 0; /* the next finds 20 more: too few to be looked at */
    for (uint32_t i = 201; i <= 220; i++)
        put_message(i, i, 0);
    ck_session(ERROR_NONE);
    SILENT("HEADER.FIELDS");
}
END_TEST

START_TEST(mail_of_a_size_seen_before_costs_one_question_for_message_ids)
{
    for (uint32_t i = 1; i <= 30; i++) {
        before(8, i, i, IMAP_STEP_MOVED);
        put_message(100 + i, 100 + i, 0);
    }
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 30);
    SAYS("HEADER.FIELDS (MESSAGE-ID)");
    const char *body = strstr(w.trace, "BODY.PEEK[])");
    ck_assert(body != NULL && strstr(body + 1, "BODY.PEEK[])") == NULL);
}
END_TEST

/* ---- Numbered anew --------------------------------------------------------------------------- */

START_TEST(a_new_numbering_is_accepted_from_twenty_or_eighty_in_a_hundred_on)
{
    static const struct {
        unsigned expected, found;
        bool accepted;
    } rows[] = {{30, 20, true}, {30, 19, false}, {5, 4, true},  {19, 15, false},
                {20, 16, true}, {24, 19, false}, {1, 0, false}, {100, 20, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        teardown();
        setup();
        worked_in(7);
        for (uint32_t k = 1; k <= rows[i].expected; k++)
            before(7, k, k, IMAP_STEP_STORED);
        for (uint32_t k = 1; k <= rows[i].found; k++)
            put_message(500 + k, k, 0);
        put_message(800, 501, 0);
        ck_session(rows[i].accepted ? ERROR_NONE : ERROR_HELD);
        ck_assert_uint_eq(w.handed, rows[i].accepted ? 1 : 0);
        ck_assert_uint_eq(entries(), rows[i].expected + (rows[i].accepted ? 1 : 0));
        ck_assert_uint_eq(mailbox().uidvalidity, rows[i].accepted ? 8 : 7);
        ck_assert_uint_eq(mailbox().held, rows[i].accepted ? IMAP_HOLD_NONE : IMAP_HOLD_NUMBERS);
        if (rows[i].accepted) {
            ck_assert_uint_eq(step_of(8, 501), IMAP_STEP_MOVED);
            ck_assert_uint_eq(step_of(7, rows[i].expected), IMAP_STEP_MOVED);
        }
    }
}
END_TEST

START_TEST(a_new_numbering_without_anything_unmoved_costs_nothing)
{
    worked_in(7);
    before(7, 1, 1, IMAP_STEP_MOVED);
    put_message(1, 2, 0);
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 1);
    ck_assert_uint_eq(mailbox().uidvalidity, 8);
    SILENT("SEARCH ALL");
}
END_TEST

START_TEST(a_message_found_again_goes_on_from_its_step_and_has_one_entry)
{
    worked_in(7);
    before(7, 3, 3, IMAP_STEP_MOVING);
    put_message(3, 4, 0); /* another one has its old UID */
    put_message(4, 3, 0);
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 1);
    ck_assert_uint_eq(entries(), 2);
    ck_assert_uint_eq(step_of(8, 4), IMAP_STEP_MOVED);
    ck_assert_ptr_nonnull(strstr(w.log, "1 were found again"));
    SAYS("UID MOVE 4");
}
END_TEST

START_TEST(only_the_digest_confirms_and_what_contradicts_holds)
{
    worked_in(7);
    for (uint32_t k = 1; k <= 30; k++) {
        before(7, k, k, IMAP_STEP_STORED);
        put_message(500 + k, k, k == 30 ? 1 : 0); /* same Message-ID and size, other bytes */
    }
    ck_session(ERROR_HELD);
    ck_assert_ptr_nonnull(strstr(w.err.text, "29 were found again, 1 were altered"));
    ck_assert_uint_eq(step_of(8, 501), IMAP_STEP_UNKNOWN);
    SILENT("UID MOVE");
}
END_TEST

START_TEST(equal_messages_are_found_one_for_one)
{
    worked_in(7);
    before(7, 1, 1, IMAP_STEP_STORED);
    before(7, 2, 1, IMAP_STEP_STORED);
    for (uint32_t uid = 11; uid <= 13; uid++)
        put_message(uid, 1, 0);
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 1); /* the third is a third message */
    ck_assert_uint_eq(entries(), 3);
}
END_TEST

START_TEST(a_hold_stays_until_a_person_releases_it_and_then_the_rest_is_new)
{
    worked_in(7);
    for (uint32_t k = 1; k <= 3; k++)
        before(7, k, k, IMAP_STEP_STORED);
    put_message(11, 1, 0);
    put_message(12, 2, 1);
    ck_session(ERROR_HELD);
    char why[ERROR_TEXT_MAX];
    memcpy(why, w.err.text, sizeof why);
    ck_assert_ptr_nonnull(strstr(why, "--accept-new-uids"));
    for (int again = 0; again < 2; again++) {
        ck_session(ERROR_HELD);
        ck_assert_str_eq(w.err.text, why);
        SILENT("SEARCH");
    }
    w.accept = true;
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 1);
    ck_assert_uint_eq(step_of(8, 11), IMAP_STEP_MOVED);
    ck_assert_uint_eq(step_of(7, 3), IMAP_STEP_MOVED);
    w.accept = false;
    w.count = 0;
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(mailbox().held, IMAP_HOLD_NONE);
}
END_TEST

START_TEST(a_dry_run_tells_of_a_new_numbering_and_keeps_nothing)
{
    worked_in(7);
    before(7, 1, 1, IMAP_STEP_STORED);
    put_message(11, 2, 0);
    w.read_only = true;
    ck_assert_int_eq(session_with(&(struct script_rule){
                         "*EXAMINE", "* 1 EXISTS\r\n* OK [UIDVALIDITY 8] x\r\n@ OK [READ-ONLY] "
                                     "done\r\n"}),
                     ERROR_NONE);
    ck_assert_ptr_nonnull(strstr(w.log, "numbered anew"));
    ck_assert_uint_eq(mailbox().uidvalidity, 7);
}
END_TEST

START_TEST(the_third_new_numbering_within_a_day_holds)
{
    worked_in(8);
    for (unsigned change = 1; change <= 3; change++) {
        w.now_s += IMAP_FLAPPING_S / 2;
        w.uidvalidity = 8 + change;
        ck_session(change < 3 ? ERROR_NONE : ERROR_HELD);
    }
    ck_assert_uint_eq(mailbox().held, IMAP_HOLD_FLAPPING);
    w.accept = true;
    ck_session(ERROR_NONE);
    w.accept = false;
    w.uidvalidity = 20; /* the count has started afresh */
    ck_session(ERROR_NONE);
}
END_TEST

START_TEST(three_new_numberings_in_more_than_a_day_do_not_hold)
{
    worked_in(8);
    for (unsigned change = 1; change <= 5; change++) {
        w.now_s += IMAP_FLAPPING_S / 2 + 1;
        w.uidvalidity = 8 + change;
        ck_session(ERROR_NONE);
    }
}
END_TEST

START_TEST(a_next_uid_that_was_seen_before_holds)
{
    worked_in(8);
    before(8, 40, 1, IMAP_STEP_MOVED);
    w.uidnext = 41;
    ck_session(ERROR_NONE);
    w.uidnext = 40;
    ck_session(ERROR_HELD);
    ck_assert_uint_eq(mailbox().held, IMAP_HOLD_REUSED);
    w.accept = true; /* does not help as long as it is so */
    ck_session(ERROR_HELD);
    w.uidvalidity = 9; /* as the reason says */
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(mailbox().held, IMAP_HOLD_NONE);
}
END_TEST

/* ---- Come back ------------------------------------------------------------------------------- */

/* So many messages that were moved come back among so many that are listed. */
static void come_back(unsigned back, unsigned listed)
{
    worked_in(8);
    for (uint32_t k = 1; k <= back; k++) {
        before(k % 2 == 0 ? 8 : 7, k, k, IMAP_STEP_MOVED); /* of whatever numbering */
        put_message(1000 + k, k, 0);
    }
    for (uint32_t k = back + 1; k <= listed; k++)
        put_message(1000 + k, k, 0);
}

START_TEST(up_to_twenty_that_come_back_are_processed_again)
{
    come_back(20, 20);
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 20);
    ck_assert_uint_eq(entries(), 40);
}
END_TEST

START_TEST(twenty_one_that_come_back_hold_until_a_person_says_so)
{
    come_back(21, 21);
    ck_session(ERROR_HELD);
    ck_assert_uint_eq(mailbox().held, IMAP_HOLD_RESTORED);
    ck_assert_ptr_nonnull(strstr(w.err.text, "21 of 21 messages"));
    ck_assert_uint_eq(w.handed, 0);
    ck_assert_uint_eq(entries(), 21);
    w.accept = true;
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 21);
}
END_TEST

START_TEST(a_tenth_that_comes_back_is_processed_again_and_more_holds)
{
    come_back(21, 210);
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 210);
    teardown();
    setup();
    come_back(21, 209);
    ck_session(ERROR_HELD);
}
END_TEST

START_TEST(other_mail_with_ids_and_sizes_seen_before_has_not_come_back)
{
    worked_in(8);
    for (uint32_t k = 1; k <= 30; k++) {
        before(8, k, k, IMAP_STEP_MOVED);
        put_message(1000 + k, k, 1);
    }
    ck_session(ERROR_NONE);
    ck_assert_uint_eq(w.handed, 30);
}
END_TEST

START_TEST(a_moved_message_that_is_there_again_is_moved_again_but_not_for_ever)
{
    worked_in(8);
    before(8, 5, 5, IMAP_STEP_MOVED);
    put_message(5, 5, 0);
    for (unsigned pass = 0; pass < 5; pass++) {
        ck_session(ERROR_NONE);
        ck_assert_uint_eq(w.handed, 0);
        ck_assert_ptr_nonnull(strstr(w.log, "message 5 was moved, and is in 'INBOX' again"));
        if (pass < 3)
            SAYS("UID MOVE 5");
        else
            SILENT("UID MOVE 5");
        ck_assert_uint_eq(step_of(8, 5), IMAP_STEP_MOVED);
    }
    ck_assert_uint_eq(entries(), 1);
}
END_TEST

START_TEST(another_message_under_the_uid_of_a_moved_one_holds)
{
    worked_in(8);
    before(8, 5, 5, IMAP_STEP_MOVED);
    put_message(5, 6, 0);
    ck_session(ERROR_HELD);
    ck_assert_uint_eq(mailbox().held, IMAP_HOLD_REUSED);
    SILENT("UID MOVE");
}
END_TEST

START_TEST(a_message_that_stays_as_the_server_wants_is_no_news)
{
    worked_in(8);
    before(8, 5, 5, IMAP_STEP_MOVED);
    put_message(5, 5, 0);
    w.capabilities = ""; /* the original stays, marked */
    ck_session(ERROR_NONE);
    SILENT("BODY.PEEK[]");
    ck_assert_ptr_null(strstr(w.log, "again"));
}
END_TEST

/* ---- Changed --------------------------------------------------------------------------------- */

START_TEST(a_stored_message_that_changed_its_uid_keeps_its_entry)
{
    worked_in(8);
    before(8, 5, 5, IMAP_STEP_STORED); /* its move was refused */
    put_message(9, 5, 2);             /* changed: four bytes more */
    put_message(10, 6, 0);
    const struct script_rule gone = {"UID FETCH 5 (UID)", "@ OK\r\n"};
    ck_assert_int_eq(session_with(&gone), ERROR_NONE);
    ck_assert_uint_eq(w.handed, 1);
    ck_assert_uint_eq(entries(), 2);
    ck_assert_uint_eq(step_of(8, 9), IMAP_STEP_MOVED);
    ck_assert_ptr_nonnull(strstr(w.log, "it keeps its entry"));
    struct queue_mailbox state;
    ck_assert_int_eq(queue_mailbox_get(w.queue, SCOPE, &state, &w.err), 0);
    ck_assert_uint_eq(state.adopted, 1);
    SAYS("UID MOVE 9");
}
END_TEST

START_TEST(a_stored_message_that_is_gone_and_did_not_come_again_was_moved)
{
    worked_in(8);
    before(8, 5, 5, IMAP_STEP_STORED);
    put_message(9, 6, 0); /* of its size, another one */
    const struct script_rule gone = {"UID FETCH 5 (UID)", "@ OK\r\n"};
    ck_assert_int_eq(session_with(&gone), ERROR_NONE);
    ck_assert_uint_eq(w.handed, 1);
    ck_assert_uint_eq(step_of(8, 5), IMAP_STEP_MOVED);
}
END_TEST

START_TEST(hundreds_that_are_gone_are_written_down_at_once)
{
    worked_in(8);
    for (uint32_t k = 1; k <= 501; k++)
        before(8, k, k, IMAP_STEP_STORED);
    w.notes = 0;
    const struct script_rule gone = {"* (UID)", "@ OK\r\n"};
    ck_assert_int_eq(session_with(&gone), ERROR_NONE);
    ck_assert_uint_eq(w.notes, 2);
    ck_assert_uint_eq(step_of(8, 1), IMAP_STEP_MOVED);
    ck_assert_uint_eq(step_of(8, 501), IMAP_STEP_MOVED);
}
END_TEST

START_TEST(a_message_with_a_lower_uid_is_not_the_changed_one)
{
    worked_in(8);
    before(8, 5, 5, IMAP_STEP_STORED);
    put_message(4, 5, 0);
    const struct script_rule gone = {"UID FETCH 5 (UID)", "@ OK\r\n"};
    ck_assert_int_eq(session_with(&gone), ERROR_NONE);
    ck_assert_uint_eq(w.handed, 1);
    ck_assert_uint_eq(entries(), 2);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("imap-epoch");
    TCase *t = tcase_create("epoch");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_usual_pass_asks_nothing_more_and_remembers_its_numbering);
    tcase_add_test(t, mail_of_a_size_seen_before_costs_one_question_for_message_ids);
    tcase_add_test(t, a_new_numbering_is_accepted_from_twenty_or_eighty_in_a_hundred_on);
    tcase_add_test(t, a_new_numbering_without_anything_unmoved_costs_nothing);
    tcase_add_test(t, a_message_found_again_goes_on_from_its_step_and_has_one_entry);
    tcase_add_test(t, only_the_digest_confirms_and_what_contradicts_holds);
    tcase_add_test(t, equal_messages_are_found_one_for_one);
    tcase_add_test(t, a_hold_stays_until_a_person_releases_it_and_then_the_rest_is_new);
    tcase_add_test(t, a_dry_run_tells_of_a_new_numbering_and_keeps_nothing);
    tcase_add_test(t, the_third_new_numbering_within_a_day_holds);
    tcase_add_test(t, three_new_numberings_in_more_than_a_day_do_not_hold);
    tcase_add_test(t, a_next_uid_that_was_seen_before_holds);
    tcase_add_test(t, up_to_twenty_that_come_back_are_processed_again);
    tcase_add_test(t, twenty_one_that_come_back_hold_until_a_person_says_so);
    tcase_add_test(t, a_tenth_that_comes_back_is_processed_again_and_more_holds);
    tcase_add_test(t, other_mail_with_ids_and_sizes_seen_before_has_not_come_back);
    tcase_add_test(t, a_moved_message_that_is_there_again_is_moved_again_but_not_for_ever);
    tcase_add_test(t, another_message_under_the_uid_of_a_moved_one_holds);
    tcase_add_test(t, a_message_that_stays_as_the_server_wants_is_no_news);
    tcase_add_test(t, a_stored_message_that_changed_its_uid_keeps_its_entry);
    tcase_add_test(t, a_stored_message_that_is_gone_and_did_not_come_again_was_moved);
    tcase_add_test(t, hundreds_that_are_gone_are_written_down_at_once);
    tcase_add_test(t, a_message_with_a_lower_uid_is_not_the_changed_one);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
