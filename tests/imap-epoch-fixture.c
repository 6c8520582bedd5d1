/* SPDX-License-Identifier: Apache-2.0 */
/* imap-epoch-fixture.c - a mailbox, its server, and a host over a queue (see the header). */
#include <config.h>
#include "imap-epoch-fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "buffer.h"
#include "digest.h"

#define TEXT_MAX (4u << 20)
#define RULES_MAX 20

/* ---- Messages -------------------------------------------------------------------------------- */

static size_t message_text(unsigned k, unsigned variant, char *out, size_t size)
{
    static const char *const bodies[] = {"one body", "two body",
                                         "one body ...."}; /* and a hundred zeros */
    int named = k < NAMELESS ? snprintf(out, size, "Message-ID: <m%04u@x>\r\n", k) : 0;
    return (size_t)named + (size_t)snprintf(out + named, size - (size_t)named,
                                            "Subject: s%04u\r\n\r\n%s\r\n%0100d\r\n", k,
                                            bodies[variant], 0);
}

/* ---- The server ------------------------------------------------------------------------------ */

struct world w;

void put_message(uint32_t uid, unsigned k, unsigned variant)
{
    w.messages[w.count++] = (struct message){uid, k, variant};
}

enum reply {
    REPLY_SEARCH,
    REPLY_UNMARKED,
    REPLY_UIDS,
    REPLY_SIZES,
    REPLY_IDS,
    REPLY_LISTING,
    REPLY_LOOKS,
    REPLY_BODIES
};

static void reply_message(struct buffer *out, enum reply which, const struct message *m)
{
    char text[300];
    size_t size = message_text(m->k, m->variant, text, sizeof text);
    switch (which) {
    case REPLY_SEARCH:
        buffer_printf(out, " %u", m->uid);
        break;
    case REPLY_UNMARKED:
        if (m->uid > w.marked)
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
                      "* 1 FETCH (UID %u BODY[HEADER.FIELDS (MESSAGE-ID)] {?}\r\n%.*s\r\n\1)\r\n",
                      m->uid, m->k < NAMELESS ? 22 : 0, text);
        break;
    case REPLY_LISTING:
        buffer_printf(out,
                      "* 1 FETCH (UID %u FLAGS (%s) RFC822.SIZE %zu INTERNALDATE "
                      "\"01-Mar-2026 12:00:00 +0000\")\r\n",
                      m->uid, m->uid <= w.marked ? IMAP_KEYWORD : "", size);
        break;
    case REPLY_LOOKS:
        buffer_printf(out,
                      "* 1 FETCH (UID %u RFC822.SIZE %zu INTERNALDATE "
                      "\"01-Mar-2026 12:00:00 +0000\" BODY[HEADER] {?}\r\nSubject: %u\r\n"
                      "\r\n\1)\r\n",
                      m->uid, size, m->k);
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
    bool search = which == REPLY_SEARCH || which == REPLY_UNMARKED;
    buffer_init(&out, TEXT_MAX);
    if (search)
        buffer_append_text(&out, "* SEARCH");
    for (size_t i = 0; i < w.count; i++)
        reply_message(&out, which, &w.messages[i]);
    buffer_append_text(&out, search ? "\r\n@ OK\r\n" : "@ OK\r\n");
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
        records[i].target = record.target != NULL ? "DROPBOX" : NULL; /* the other was borrowed */
    }
    return 0;
}

/* One of the flood of which nothing is known. */
static bool host_is_flood(uint32_t uidvalidity, uint32_t uid)
{
    return uidvalidity == w.flood_of && uid > MESSAGES && uid <= w.flood;
}

static int host_note(void *context, const struct imap_record *records, size_t count,
                     struct error *err)
{
    (void)context;
    w.notes++;
    for (size_t i = 0; i < count; i++) {
        struct queue_record record = to_queue(&records[i]);
        if (host_is_flood(records[i].uidvalidity, records[i].uid))
            continue;
        if (queue_note(w.queue, &record, 1, err) < 0)
            return -1;
    }
    return 0;
}

typedef int queue_walk(struct queue *queue, const char *loader, const char *account,
                       const char *mailbox, const struct queue_origin *after,
                       struct queue_record *out_records, size_t capacity, size_t *out_count,
                       struct error *err);

static int host_page(queue_walk *walk, const struct imap_record *after, struct imap_record *out,
                     size_t capacity, size_t *out_count, struct error *err)
{
    struct queue_record found[IMAP_RECORDS_MAX], behind;
    if (after != NULL)
        behind = to_queue(after);
    if (walk(w.queue, SCOPE, after != NULL ? &behind.origin : NULL, found, capacity, out_count,
             err) < 0)
        return -1;
    for (size_t i = 0; i < *out_count; i++)
        out[i] = from_queue(&found[i]);
    return 0;
}

/* The next page of the flood; false: of the others, then from *after on. */
static bool host_flood(enum imap_step step, const struct imap_record **after,
                       struct imap_record *out, size_t capacity, size_t *out_count)
{
    if (w.flood_unmoved != (step == IMAP_STEP_STORED) ||
        (*after != NULL && (*after)->uidvalidity != w.flood_of))
        return false;
    uint32_t uid = *after != NULL ? (*after)->uid + 1 : 1;
    for (*out_count = 0; *out_count < capacity && uid <= w.flood; ++*out_count, uid++)
        out[*out_count] = (struct imap_record){.uidvalidity = w.flood_of, .uid = uid, .step = step};
    if (*out_count > 0)
        return true;
    if (w.flood > 0)
        *after = NULL;
    return false;
}

static int host_unsettled(void *context, const struct imap_record *after, struct imap_record *out,
                          size_t capacity, size_t *out_count, struct error *err)
{
    (void)context;
    if (host_flood(IMAP_STEP_STORED, &after, out, capacity, out_count))
        return 0;
    return host_page(queue_unsettled, after, out, capacity, out_count, err);
}

static int host_settled(void *context, const struct imap_record *after, struct imap_record *out,
                        size_t capacity, size_t *out_count, struct error *err)
{
    (void)context;
    if (host_flood(IMAP_STEP_MOVED, &after, out, capacity, out_count))
        return 0;
    return host_page(queue_settled, after, out, capacity, out_count, err);
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
        if (host_is_flood(items[i].uidvalidity, items[i].uid))
            continue;
        struct queue_evidence item = {
            .origin = {SCOPE, items[i].uidvalidity, items[i].uid, NULL}};
        if (queue_evidence(w.queue, &item, 1, err) < 0)
            return -1;
        items[i] = evidence_from(&item);
    }
    return 0;
}

static int host_lookalikes(void *context, uint32_t uidvalidity, uint32_t above,
                           struct imap_lookalike *items, size_t count, struct error *err)
{
    (void)context;
    return queue_lookalikes(w.queue, SCOPE, uidvalidity, above,
                            (struct queue_lookalike *)(void *)items, count, err);
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
    if (w.meanwhile != NULL)
        w.meanwhile();
    w.meanwhile = NULL;
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
                              .message_id = k < NAMELESS ? id : NULL};
    ours_sha256(text, size, item.raw_sha256);
    ck_assert_msg(queue_put(w.queue, &item, &w.err) != QUEUE_PUT_FAILED, "%s", w.err.text);
    ck_assert_int_eq(queue_commit(w.queue, &w.err), QUEUE_COMMITTED);
}

void note(const struct imap_record *record)
{
    ck_assert_int_eq(host_note(NULL, record, 1, &w.err), 0);
}

void before(uint32_t uidvalidity, uint32_t uid, unsigned k, enum imap_step step)
{
    bool moved = step == IMAP_STEP_MOVED && (w.more == NULL || strstr(w.more, "after=") == NULL);
    const struct imap_record record = {.uidvalidity = uidvalidity,
                                       .uid = uid,
                                       .step = step,
                                       .target_uidvalidity = moved ? 9 : 0,
                                       .target_uid = moved ? 10000 + uid : 0,
                                       .target = moved ? "DROPBOX" : NULL};
    store(uidvalidity, uid, k, 0);
    if (step != IMAP_STEP_STORED)
        note(&record);
}

void stayed(uint32_t uidvalidity, uint32_t uid, unsigned k)
{
    const struct imap_record record = {
        .uidvalidity = uidvalidity, .uid = uid, .step = IMAP_STEP_MOVED};
    store(uidvalidity, uid, k, 0);
    note(&record);
}

void stayed_unread(uint32_t uidvalidity, uint32_t uid, uint64_t size)
{
    const struct imap_record record = {
        .uidvalidity = uidvalidity, .uid = uid, .step = IMAP_STEP_MOVED};
    const struct queue_item item = {.origin = {SCOPE, uidvalidity, uid, NULL},
                                    .class = "Mail",
                                    .queue = "default",
                                    .source = "imap",
                                    .error = "too large",
                                    .raw_size = size,
                                    .raw_fd = -1};
    ck_assert_msg(queue_put(w.queue, &item, &w.err) != QUEUE_PUT_FAILED, "%s", w.err.text);
    ck_assert_int_eq(queue_commit(w.queue, &w.err), QUEUE_COMMITTED);
    note(&record);
}

uint32_t step_of(uint32_t uidvalidity, uint32_t uid)
{
    struct imap_record record = {.uidvalidity = uidvalidity, .uid = uid};
    ck_assert_int_eq(host_known(NULL, &record, 1, &w.err), 0);
    return record.step;
}

struct imap_mailbox mailbox(void)
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

size_t entries(void)
{
    size_t count = 0;
    const struct queue_filter all = {0};
    ck_assert_int_eq(queue_list(w.queue, &all, count_entry, &count, &w.err), 0);
    return count;
}

/* ---- Sessions -------------------------------------------------------------------------------- */

/* What is stored is the message of that UID. */
static int session_settle(struct imap_pickup *pickup, const uint32_t *uids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < w.count; j++)
            if (w.messages[j].uid == uids[i])
                store(w.uidvalidity, uids[i], w.messages[j].k, w.messages[j].variant);
    return imap_pickup_settle(pickup, uids, count, IMAP_FATE_QUEUED, &w.err);
}

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
        if (r == IMAP_PICKUP_MESSAGE) {
            uids[count++] = message.uid;
            w.handed++;
            mail_free(message.mail);
            spool_free(message.spool);
            if (w.batch == 0 || count < w.batch)
                continue;
        }
        if (session_settle(pickup, uids, count) < 0)
            return w.err.class;
        count = 0;
    }
}

static const struct imap_host host_table = {.cancelled = host_cancelled,
                                            .log = host_log,
                                            .known = host_known,
                                            .note = host_note,
                                            .unsettled = host_unsettled,
                                            .progress = host_progress,
                                            .evidence = host_evidence,
                                            .lookalikes = host_lookalikes,
                                            .mailbox = host_mailbox,
                                            .adopt = host_adopt,
                                            .settled = host_settled};

/* A pick-up from the server at this port. */
static enum error_class session_at(unsigned int port)
{
    char connection[200];
    struct imap_host table = host_table;
    struct imap_settings *settings;
    struct imap_pickup *pickup;
    table.clock = w.clock;
    if (w.read_only)
        table.adopt = NULL;
    (void)snprintf(connection, sizeof connection, "url=127.0.0.1;starttls=Never;port=%u;%s", port,
                   w.more != NULL ? w.more : "");
    ck_assert_int_eq(imap_settings_read(connection, &settings, &w.err), 0);
    struct imap_pickup_options options = {.settings = settings,
                                          .host = &table,
                                          .user = "ann",
                                          .secret = "sesame",
                                          .read_only = w.read_only,
                                          .accept_new_uids = w.accept,
                                          .pieces = w.pieces};
    static char name[] = "INBOX";
    static const struct imap_folder inbox = {
        .wire = name, .path = name, .exists = true, .delimiter = '/'};
    AUTO(imap_session) session = NULL;
    if (w.shared) {
        ck_assert_int_eq(imap_session_open(settings, "ann", "sesame", &table, &session, &w.err), 0);
        options.session = session;
        options.folder = &inbox;
    }
    ck_assert_int_eq(imap_pickup_open(&options, &pickup, &w.err), 0);
    w.handed = 0;
    w.log[0] = '\0';
    enum error_class class = session_drive(pickup);
    imap_pickup_close(pickup);
    imap_session_close(TAKE(session));
    imap_settings_free(settings);
    return class;
}

enum error_class session_with(const struct script_rule *first)
{
    return session_with_rules(first, first != NULL ? 1 : 0);
}

enum error_class session_with_rules(const struct script_rule *first, size_t first_count)
{
    char select[400];
    (void)snprintf(select, sizeof select,
                   "* %zu EXISTS\r\n* OK [UIDVALIDITY %u] x\r\n* OK [UIDNEXT %u] x\r\n"
                   "* OK [PERMANENTFLAGS (\\Deleted \\*)] x\r\n@ OK [READ-WRITE] done\r\n",
                   w.count, w.uidvalidity, w.uidnext);
    char *texts[] = {reply(REPLY_SEARCH), reply(REPLY_UNMARKED), reply(REPLY_UIDS),
                     reply(REPLY_SIZES),  reply(REPLY_IDS),      reply(REPLY_LISTING),
                     reply(REPLY_LOOKS),  reply(REPLY_BODIES)};
    const struct script_rule usual[] = {
        {"*SELECT", select},
        {"*EXAMINE", select},
        {"* SMALLER ", "* SEARCH\r\n@ OK\r\n"}, /* in the archive, for a copy */
        {"*UNKEYWORD", texts[REPLY_UNMARKED]},
        {"*UID SEARCH", texts[REPLY_SEARCH]},
        {"*UID MOVE", "@ OK [COPYUID 9 1:9999 10001:19999] moved\r\n"},
        {"*UID STORE", "@ OK done\r\n"},
        {"*(UID)", texts[REPLY_UIDS]},
        {"*(UID RFC822.SIZE)", texts[REPLY_SIZES]},
        {"*HEADER.FIELDS", texts[REPLY_IDS]},
        {"*INTERNALDATE)", texts[REPLY_LISTING]},
        {"*BODY.PEEK[HEADER])", texts[REPLY_LOOKS]},
        {"*BODY.PEEK[]", texts[REPLY_BODIES]},
    };
    struct script_rule rules[RULES_MAX];
    const size_t usual_count = sizeof usual / sizeof usual[0];
    ck_assert_uint_le(first_count + usual_count, RULES_MAX);
    for (size_t i = 0; i < first_count; i++)
        rules[i] = first[i]; /* analyse: without rules there are none to be copied */
    memcpy(rules + first_count, usual, sizeof usual);
    const struct script script = {NULL, w.capabilities != NULL ? w.capabilities : "MOVE UIDPLUS",
                                  rules, first_count + usual_count, 0};
    unsigned int port;
    w.server = script_start(&script, &port);
    enum error_class class = session_at(port);
    free(w.trace);
    w.trace = script_trace(w.server);
    script_stop(w.server);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    return class; /* analyse: usual[].reply are these texts, which are freed */
}

void setup(void)
{
    w = (struct world){.uidvalidity = 8, .uidnext = 9000, .now_s = 1772366400};
    w.clock = (struct clock){host_ms, host_s, NULL};
    ck_assert_int_eq(queue_open("memory:", NULL, &w.clock, &w.queue, &w.err), 0);
}

void teardown(void)
{
    queue_close(w.queue);
    free(w.trace);
}

void ck_session(enum error_class want)
{
    enum error_class got = session_with(NULL);
    ck_assert_msg(got == want, "%s: %s\n%s\n%s", error_class_name(got), w.err.text, w.log, w.trace);
}

void worked_in(uint32_t uidvalidity)
{
    const struct queue_mailbox state = {.uidvalidity = uidvalidity};
    ck_assert_int_eq(queue_mailbox_set(w.queue, SCOPE, &state, &w.err), 0);
}
