/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-imap-dialogue.c - a whole pick-up against a server that says what the input says.
 *
 * The first line of the input is letters that choose the scene (scene_letter()). What follows is
 * cut at '|' into one answer for each command. In an answer
 *
 *     nothing at all   is what a good server says (usual-server.h)
 *     ^                the same, among other things
 *     @                at the start of a line, is the command's tag
 *     $                is the last quoted string of the command
 *     `                closes the connection
 *
 * Held against it: no body is received without a note that it is attempted; each message is handed
 * out once, and only whole; nothing leaves the mailbox that the host has not settled and that is
 * not noted; no bare EXPUNGE, CLOSE or second command in a line; a failure is never called our bug.
 */
#include <config.h>
#include "memory-stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "digest.h"
#include "imap-again.h"
#include "imap-pickup.h"
#include "text.h"
#include "usual-server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LEDGER_MAX 64u
#define ROUNDS_MAX 6
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "broken promise: %s\n", #condition);                                   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* What the host knows of a message. */
struct known {
    struct imap_record record;
    struct imap_evidence evidence; /* what it is known by, from STORED on */
    bool settled, out;             /* it may leave the mailbox; it was handed out */
    bool renamed;                  /* it goes on under another name */
};

struct scene {
    struct memory_server server; /* first: see memory-stream.h */
    struct imap_host host;
    struct buffer connection, capabilities;
    struct cursor script;
    char prefix[7];              /* of the client's tags */
    uint32_t awaited;            /* its body was asked for before it was noted; 0: none */
    struct usual_server usual;
    struct known ledger[LEDGER_MAX];
    size_t ledger_count;
    struct imap_mailbox mailbox; /* what is known of it, where it knows again */
    bool read_only, after_move, accept, watch, knows_again, old_target, near;
    uint32_t pieces;
    enum imap_fate fate;
    uint64_t limit, now_ms;
    unsigned int notes_left, looks_left; /* until the disk is full, the user cancels */
};

/* ---- The ledger ------------------------------------------------------------------------------ */

static struct known *ledger_find(struct scene *s, uint32_t uidvalidity, uint32_t uid)
{
    for (size_t i = 0; i < s->ledger_count; i++)
        if (s->ledger[i].record.uid == uid &&
            (uidvalidity == 0 || s->ledger[i].record.uidvalidity == uidvalidity))
            return &s->ledger[i];
    return NULL;
}

static struct known *ledger_add(struct scene *s, uint32_t uidvalidity, uint32_t uid)
{
    struct known *known = ledger_find(s, uidvalidity, uid);
    if (known != NULL || s->ledger_count == LEDGER_MAX)
        return known;
    known = &s->ledger[s->ledger_count++];
    known->record = (struct imap_record){.uidvalidity = uidvalidity, .uid = uid};
    return known;
}

static int host_known(void *context, struct imap_record *records, size_t count, struct error *err)
{
    struct scene *s = context;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const struct known *known = ledger_find(s, records[i].uidvalidity, records[i].uid);
        if (known != NULL)
            records[i] = known->record;
    }
    return 0;
}

static void ledger_take(struct known *known, const struct imap_record *record)
{
    struct imap_record *mine = &known->record;
    if (record->step == IMAP_STEP_UNKNOWN) {
        MUST(mine->attempts > 0);
        mine->attempts--;
    } else if (record->step == IMAP_STEP_ATTEMPTED) {
        /* Of one that is moved once more its moves are counted. */
        MUST(mine->step <= IMAP_STEP_ATTEMPTED ||
             (known->settled && mine->step == IMAP_STEP_MOVED));
        mine->attempts++;
        mine->step = mine->step == IMAP_STEP_MOVED ? IMAP_STEP_MOVED : IMAP_STEP_ATTEMPTED;
    } else {
        MUST(known->settled);
        /* Stored is the host's to say; a move that was refused leads back to it. */
        MUST(record->step != IMAP_STEP_STORED || mine->step <= IMAP_STEP_MOVING);
        MUST(mine->step >= IMAP_STEP_STORED && !known->renamed);
        MUST(mine->step < IMAP_STEP_MOVED || mine->attempts > IMAP_ATTEMPTS_MAX ||
             record->step == IMAP_STEP_MOVED);
        mine->step = record->step;
        mine->target_uid = record->target_uid;
        mine->target_uidvalidity = record->target_uidvalidity;
    }
}

static int host_note(void *context, const struct imap_record *records, size_t count,
                     struct error *err)
{
    struct scene *s = context;
    MUST(count > 0 && count <= IMAP_RECORDS_MAX && !s->read_only);
    if (s->notes_left == 0 || s->ledger_count + count > LEDGER_MAX)
        return error_set(err, ERROR_STORE, "disk full");
    s->notes_left--;
    for (size_t i = 0; i < count; i++) {
        MUST(records[i].uid != 0 && records[i].uidvalidity != 0);
        ledger_take(ledger_add(s, records[i].uidvalidity, records[i].uid), &records[i]);
    }
    return 0;
}

/* All on the first page. */
static int host_unsettled(void *context, const struct imap_record *after, struct imap_record *out,
                          size_t capacity, size_t *out_count, struct error *err)
{
    struct scene *s = context;
    (void)err;
    *out_count = 0;
    MUST(after == NULL && capacity >= LEDGER_MAX);
    for (size_t i = 0; i < s->ledger_count; i++) {
        const struct imap_record *record = &s->ledger[i].record;
        if (record->step >= IMAP_STEP_STORED && record->step < IMAP_STEP_MOVED)
            out[(*out_count)++] = *record;
    }
    return 0;
}

/* ---- Messages that come under another name --------------------------------------------------- */

static int host_settled(void *context, const struct imap_record *after, struct imap_record *out,
                        size_t capacity, size_t *out_count, struct error *err)
{
    struct scene *s = context;
    (void)err;
    *out_count = 0;
    MUST(after == NULL && capacity >= LEDGER_MAX);
    for (size_t i = 0; i < s->ledger_count; i++)
        if (s->ledger[i].record.step == IMAP_STEP_MOVED && !s->ledger[i].renamed)
            out[(*out_count)++] = s->ledger[i].record;
    return 0;
}

static int host_evidence(void *context, struct imap_evidence *items, size_t count,
                         struct error *err)
{
    struct scene *s = context;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const struct known *known = ledger_find(s, items[i].uidvalidity, items[i].uid);
        uint32_t uidvalidity = items[i].uidvalidity, uid = items[i].uid;
        if (known == NULL || known->record.step < IMAP_STEP_STORED)
            continue;
        items[i] = known->evidence;
        items[i].uidvalidity = uidvalidity;
        items[i].uid = uid;
        items[i].step = known->record.step;
    }
    return 0;
}

static bool is_like(const struct imap_evidence *known, const struct imap_lookalike *item)
{
    return known->size == item->size &&
           (item->likeness < IMAP_LIKENESS_MESSAGE_ID || known->message_id == 0 ||
            known->message_id == item->message_id) &&
           (item->likeness < IMAP_LIKENESS_SHA256 ||
            memcmp(known->sha256, item->sha256, sizeof item->sha256) == 0);
}

static int host_lookalikes(void *context, uint32_t uidvalidity, uint32_t above,
                           struct imap_lookalike *items, size_t count, struct error *err)
{
    struct scene *s = context;
    (void)err;
    MUST(count > 0 && count <= IMAP_RECORDS_MAX);
    for (size_t i = 0; i < count; i++) {
        MUST(items[i].likeness >= IMAP_LIKENESS_SIZE && items[i].likeness <= IMAP_LIKENESS_SHA256);
        for (size_t k = 0; k < s->ledger_count; k++) {
            const struct imap_record *record = &s->ledger[k].record;
            if (record->step == IMAP_STEP_MOVED &&
                !(record->uidvalidity == uidvalidity && record->uid > above) &&
                is_like(&s->ledger[k].evidence, &items[i]))
                items[i].found = 1;
            s->near = s->near || (items[i].found && items[i].likeness == IMAP_LIKENESS_MESSAGE_ID);
        }
    }
    return 0;
}

static int host_mailbox(void *context, const char *path, struct imap_mailbox *out,
                        struct error *err)
{
    const struct scene *s = context;
    (void)err;
    MUST(path[0] != '\0');
    *out = s->mailbox;
    out->highest_uid = 0;
    for (size_t i = 0; i < s->ledger_count; i++)
        if (s->ledger[i].record.uidvalidity == out->uidvalidity &&
            s->ledger[i].record.uid > out->highest_uid)
            out->highest_uid = s->ledger[i].record.uid;
    return 0;
}

static int adopt_one(struct scene *s, const struct imap_adoption *item, struct error *err)
{
    struct known *from = ledger_find(s, item->from_uidvalidity, item->from_uid), *to;
    MUST(from != NULL && from->record.step >= IMAP_STEP_STORED && item->to_uid != 0);
    if (from->renamed)
        return 0;
    to = ledger_add(s, item->to_uidvalidity, item->to_uid);
    if (to == NULL)
        return error_set(err, ERROR_STORE, "disk full");
    if (to->record.step >= IMAP_STEP_STORED && !to->renamed)
        return error_set(err, ERROR_HELD, "the name is another message's");
    *to = *from;
    to->record.uidvalidity = item->to_uidvalidity;
    to->record.uid = item->to_uid;
    to->record.attempts = 0;
    from->renamed = true;
    from->record.step = IMAP_STEP_MOVED;
    return 0;
}

static int host_adopt(void *context, const struct imap_adoption *items, size_t count,
                      const struct imap_mailbox *state, struct error *err)
{
    struct scene *s = context;
    MUST(!s->read_only && (count > 0 || state != NULL));
    for (size_t i = 0; i < count; i++)
        if (adopt_one(s, &items[i], err) < 0)
            return -1;
    if (state != NULL) {
        MUST(state->held == IMAP_HOLD_NONE || state->why[0] != '\0');
        MUST(!text_has_control(state->why) && text_is_utf8(state->why, strlen(state->why)));
        s->mailbox = *state;
    }
    return 0;
}

/* ---- The rest of the host -------------------------------------------------------------------- */

static uint64_t host_ms(void *context)
{
    return ((struct scene *)context)->now_ms += 3;
}

static int64_t host_s(void *context)
{
    (void)context;
    return 1772366400;
}

static bool host_cancelled(void *context)
{
    struct scene *s = context;
    s->looks_left -= s->looks_left > 0;
    return s->looks_left == 0;
}

static void host_log(void *context, enum imap_log level, const char *text)
{
    (void)context;
    (void)level;
    MUST(!text_has_control(text) && text_is_utf8(text, strlen(text)));
}

static void host_progress(void *context, uint64_t messages)
{
    (void)context;
    (void)messages;
}

/* ---- What may be asked of the server --------------------------------------------------------- */

/* Calls @function for each UID of the set that @text begins with. */
static void for_each_uid(struct scene *s, const char *text,
                         void (*function)(struct scene *s, uint32_t uid))
{
    struct cursor c = cursor_over(text, strlen(text));
    do {
        uint64_t first = usual_set_number(&c), last = first;
        if (cursor_byte(&c, ':') == PARSE_OK)
            last = usual_set_number(&c);
        MUST(first <= last && last - first < LEDGER_MAX); /* the host was told of each */
        for (; first <= last; first++)
            function(s, (uint32_t)first);
    } while (cursor_byte(&c, ',') == PARSE_OK);
}

static bool ledger_allows(const struct scene *s, uint32_t uid, enum imap_step at_least)
{
    for (size_t i = 0; i < s->ledger_count; i++)
        if (s->ledger[i].record.uid == uid && s->ledger[i].settled &&
            s->ledger[i].record.step >= at_least && s->ledger[i].record.step < IMAP_STEP_MOVED)
            return true;
    return false;
}

static void may_copy(struct scene *s, uint32_t uid)
{
    MUST(ledger_allows(s, uid, IMAP_STEP_MOVING));
}

static void may_mark(struct scene *s, uint32_t uid)
{
    MUST(ledger_allows(s, uid, IMAP_STEP_STORED));
}

static void may_delete(struct scene *s, uint32_t uid)
{
    bool copied = s->after_move || s->fate == IMAP_FATE_BAD;
    MUST(ledger_allows(s, uid, copied ? IMAP_STEP_COPIED : IMAP_STEP_DELETING));
}

static void may_expunge(struct scene *s, uint32_t uid)
{
    MUST(ledger_allows(s, uid, IMAP_STEP_DELETING));
}

/* Under whatever numbering: what was taken back under one may be attempted under the next. */
static bool ledger_attempts(const struct scene *s, uint32_t uid)
{
    for (size_t i = 0; i < s->ledger_count; i++)
        if (s->ledger[i].record.uid == uid && s->ledger[i].record.attempts > 0)
            return true;
    return false;
}

/* A lone one may be asked for first, and is noted before anything is received. Of what may have
 * been there before a digest is made as it comes, and nothing else is done with it. */
static void may_fetch(struct scene *s, uint32_t uid)
{
    if (s->read_only || s->near || ledger_attempts(s, uid))
        return;
    for (size_t i = 0; i < s->ledger_count; i++)
        if (s->knows_again && s->ledger[i].record.uid == uid &&
            s->ledger[i].record.step >= IMAP_STEP_STORED)
            return;
    MUST(s->awaited == 0);
    s->awaited = uid;
}

static void scene_giving(struct memory_server *server)
{
    struct scene *s = (struct scene *)server;
    MUST(s->awaited == 0 || ledger_attempts(s, s->awaited));
    s->awaited = 0;
}

/* @text is a command behind its tag. */
static void check_command(struct scene *s, const char *text)
{
    static const struct {
        const char *begin, *within;
        void (*function)(struct scene *s, uint32_t uid);
        bool changes;
    } checks[] = {
        {"UID MOVE ", "", may_copy, true},       {"UID COPY ", "", may_copy, true},
        {"UID EXPUNGE ", "", may_expunge, true}, {"UID STORE ", "(\\Deleted)", may_delete, true},
        {"UID STORE ", "", may_mark, true},      {"UID FETCH ", "BODY.PEEK[])", may_fetch, false},
    };
    MUST(!text_starts_nocase(text, "EXPUNGE") && !text_starts_nocase(text, "CLOSE") &&
         !text_starts_nocase(text, "DELETE") && !text_starts_nocase(text, "RENAME"));
    MUST(!s->read_only || !text_starts_nocase(text, "SELECT"));
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (!text_starts_nocase(text, checks[i].begin) || strstr(text, checks[i].within) == NULL)
            continue;
        MUST(!checks[i].changes || !s->read_only);
        if (!s->read_only)
            for_each_uid(s, text + strlen(checks[i].begin), checks[i].function);
        return;
    }
}

/* ---- What the input says --------------------------------------------------------------------- */

static void scene_answer(struct memory_server *server, const char *line)
{
    struct scene *s = (struct scene *)server;
    struct cursor *c = &s->script;
    const char *text = strchr(line, ' ');
    char tag[32];
    bool start = true;
    int byte = cursor_next(c);
    if (strcmp(line, "DONE") == 0)
        return;
    MUST(text != NULL && text - line > 6 && text - line < 20 && text[1] != '\0');
    text_copy(tag, sizeof tag, line);
    tag[text - line] = '\0';
    if (s->prefix[0] == '\0')
        memcpy(s->prefix, tag, 6);
    MUST(memcmp(s->prefix, tag, 6) == 0);
    check_command(s, text + 1);
    if (byte < 0 || byte == '|')
        usual_answer(&s->usual, tag, text + 1);
    for (; byte >= 0 && byte != '|'; byte = cursor_next(c)) {
        struct span name = usual_last_quoted(text + 1);
        if (byte == '@' && start)
            buffer_append_text(&server->said, tag);
        else if (byte == '^')
            usual_answer(&s->usual, tag, text + 1);
        else if (byte == '$')
            buffer_append(&server->said, name.bytes, name.len);
        else if (byte == '`')
            server->closed = true;
        else
            buffer_append_byte(&server->said, (uint8_t)byte);
        start = byte == '\n';
    }
}

/* ---- The scene ------------------------------------------------------------------------------- */

/* Three messages of an earlier run: one of each step that is to be finished. */
static void scene_unsettled(struct scene *s)
{
    for (uint32_t i = 0; i < 3; i++) {
        struct known *known =
            ledger_add(s, s->mailbox.uidvalidity != 0 ? s->mailbox.uidvalidity : 7, 5 + i);
        known->record.step = IMAP_STEP_MOVING + i;
        known->record.target_uid = 100;
        known->record.target_uidvalidity = 9;
        known->settled = known->out = true;
        char text[80];
        AUTO(digest) digest = digest_new();
        int n = snprintf(text, sizeof text, "Subject: x\r\nMessage-ID: <m%u@x>\r\n\r\nwords\r\n",
                         5 + i);
        known->evidence.has_sha256 = digest != NULL &&
                                     digest_add(digest, (const uint8_t *)text, (size_t)n) == 0 &&
                                     digest_finish(digest, known->evidence.sha256) == 0;
        known->record.target = s->old_target ? "Old" : "DROPBOX";
        known->evidence.size = strlen("Subject: x\r\nMessage-ID: <m5@x>\r\n\r\nwords\r\n");
        known->evidence.message_id = text_fingerprint(i == 0 ? "m5@x" : i == 1 ? "m6@x" : "m7@x");
    }
}

/* As many that were moved, of which the mailbox may have been restored. */
static void scene_moved(struct scene *s)
{
    scene_unsettled(s);
    for (size_t i = 0; i < s->ledger_count; i++)
        s->ledger[i].record.step = IMAP_STEP_MOVED;
}

/* It knows again what comes under another name; the last time this was the numbering. */
static void scene_knows_again(struct scene *s, uint32_t uidvalidity)
{
    s->knows_again = true;
    s->mailbox.uidvalidity = uidvalidity;
}

static void scene_letter(struct scene *s, int letter)
{
    static const struct {
        int letter;
        const char *capability, *setting;
    } meanings[] = {
        {'M', " MOVE", ""},
        {'U', " UIDPLUS", ""},
        {'I', " IDLE", ""},
        {'E', " ESEARCH", ""},
        {'N', " NAMESPACE", ""},
        {'D', " ID", ""},
        {'2', " IMAP4rev2", ""},
        {'d', "", ";after=Delete"},
        {'f', "", ";after=Flag"},
        {'v', "", ";after=Leave"},
        {'h', "", ";accept=subject:x"},
        {'m', "", ";maxSize=1KB"},
        {'o', "", ";dropbox=Done/\xC3\xA4\"&/x"},
        {'t', "", ";batch=1"},
    };
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        if (meanings[i].letter != letter)
            continue;
        buffer_append_text(&s->capabilities, meanings[i].capability);
        buffer_append_text(&s->connection, meanings[i].setting);
        s->after_move = s->after_move && strstr(meanings[i].setting, "after") == NULL;
    }
    s->old_target = s->old_target || letter == 'O';
    if (letter == 's' && s->ledger_count == 0)
        scene_unsettled(s);
    if (letter == 'S' && s->ledger_count == 0)
        scene_moved(s);
    if (letter == 'k' || letter == 'K')
        scene_knows_again(s, letter == 'k' ? 7 : 6);
    s->accept = s->accept || letter == 'a';
    s->watch = s->watch || letter == 'W';
    s->pieces = letter == 'P' ? 1 : s->pieces;
    s->read_only = s->read_only || letter == 'r';
    s->limit = letter == 'l' ? 2 : s->limit;
    s->fate = letter == 'b' ? IMAP_FATE_BAD : letter == 'w' ? IMAP_FATE_RELEASE : s->fate;
    s->server.piece = letter == 'p' ? 1 : letter == 'q' ? 17 : s->server.piece;
    s->notes_left = letter >= '3' && letter <= '6' ? (unsigned int)(letter - '3') : s->notes_left;
    s->looks_left = letter >= '7' && letter <= '9' ? (unsigned int)(letter - '4') : s->looks_left;
}

static void scene_init(struct scene *s, const uint8_t *data, size_t size)
{
    *s = (struct scene){.after_move = true, .notes_left = 1000, .looks_left = 1000000};
    memory_server_init(&s->server, scene_answer);
    s->server.giving = scene_giving;
    buffer_init(&s->connection, 4000);
    buffer_init(&s->capabilities, 4000);
    buffer_append_text(&s->connection, "url=127.0.0.1;starttls=Never");
    buffer_append_text(&s->capabilities, "IMAP4rev1");
    s->script = cursor_over(data, size);
    for (int letter = cursor_next(&s->script); letter >= 0 && letter != '\n';
         letter = cursor_next(&s->script))
        scene_letter(s, letter);
    s->usual = (struct usual_server){&s->server.said, buffer_text(&s->capabilities), 7, 0};
    s->host = (struct imap_host){.context = s,
                                 .clock = {host_ms, host_s, s},
                                 .cancelled = host_cancelled,
                                 .log = host_log,
                                 .known = host_known,
                                 .note = host_note,
                                 .unsettled = host_unsettled,
                                 .progress = host_progress};
    if (!s->knows_again)
        return;
    s->host.evidence = host_evidence;
    s->host.lookalikes = host_lookalikes;
    s->host.mailbox = host_mailbox;
    s->host.adopt = s->read_only ? NULL : host_adopt;
    s->host.settled = host_settled;
}

static void scene_done(struct scene *s)
{
    memory_server_done(&s->server);
    buffer_done(&s->connection);
    buffer_done(&s->capabilities);
}

/* ---- The pass -------------------------------------------------------------------------------- */

/* Was just this said, as a literal or a quoted string? Escapes make a quoted string longer. */
static bool was_said_whole(const struct scene *s, const uint8_t *bytes, size_t size)
{
    const char *said = buffer_text(&s->server.said), *at = said, *end = said + s->server.given;
    char lead[40];
    if (size == 0 || memchr(said, '\\', s->server.given) != NULL)
        return true;
    int n = snprintf(lead, sizeof lead, "{%zu}", size);
    while ((at = memmem(at, (size_t)(end - at), bytes, size)) != NULL) {
        const char *before = at;
        if (at > said && at[-1] == '"' && at + size < end && at[size] == '"')
            return true;
        before -= before > said && before[-1] == '\n';
        before -= before > said && before[-1] == '\r';
        if (before != at && before - said >= n && memcmp(before - n, lead, (size_t)n) == 0)
            return true;
        at++;
    }
    return false;
}

static void take_message(struct scene *s, struct imap_message *message)
{
    MUST(message->uid != 0 && message->uidvalidity != 0);
    MUST(message->mail == NULL || message->spool != NULL);
    MUST(message->error != NULL || message->mail != NULL);
    MUST(message->error == NULL || !text_has_control(message->error));
    if (message->spool != NULL) {
        MUST(spool_size(message->spool) == message->raw_size && spool_fd(message->spool) < 0);
        MUST(was_said_whole(s, spool_bytes(message->spool), (size_t)message->raw_size));
    }
    struct known *known = ledger_add(s, message->uidvalidity, message->uid);
    if (known != NULL) {
        known->evidence.size = message->raw_size;
        known->evidence.has_sha256 = message->spool != NULL;
        memcpy(known->evidence.sha256, message->sha256, sizeof message->sha256);
    }
    mail_free(message->mail);
    spool_free(message->spool);
    if (known == NULL)
        return;
    MUST(!known->out);
    known->out = true;
    known->record.step = s->read_only ? known->record.step : IMAP_STEP_STORED;
}

/* Everything that is out gets its fate. */
static int settle_all(struct scene *s, struct imap_pickup *pickup, struct error *err)
{
    uint32_t uids[LEDGER_MAX];
    size_t count = 0;
    for (size_t i = 0; i < s->ledger_count; i++) {
        struct known *known = &s->ledger[i];
        if (!known->out || known->settled)
            continue;
        uids[count++] = known->record.uid;
        known->settled = s->fate != IMAP_FATE_RELEASE;
        known->record.fate = s->fate;
        if (s->fate == IMAP_FATE_RELEASE) {
            known->out = false;
            known->record.step = IMAP_STEP_ATTEMPTED;
        }
    }
    return count > 0 ? imap_pickup_settle(pickup, uids, count, s->fate, err) : 0;
}

static enum imap_pickup_result run_round(struct scene *s, struct imap_pickup *pickup,
                                         struct error *err)
{
    for (size_t i = 0; i < s->ledger_count && s->read_only && s->pieces != 0; i++)
        s->ledger[i].out = false; /* too many to be remembered from one search to the next */
    for (unsigned int i = 0; i < 2 * LEDGER_MAX; i++) {
        struct imap_message message;
        enum imap_pickup_result r = imap_pickup_next(pickup, &message, err);
        if (r != IMAP_PICKUP_MESSAGE)
            return r;
        take_message(s, &message);
    }
    return IMAP_PICKUP_DRAINED;
}

static void run_pickup(struct scene *s, struct imap_pickup *pickup, struct error *err)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        int fd;
        uint32_t timeout_ms;
        if (run_round(s, pickup, err) == IMAP_PICKUP_FAILED || settle_all(s, pickup, err) < 0 ||
            (round > 2 && imap_pickup_wait(pickup, &fd, &timeout_ms, err) < 0)) {
            MUST(err->class != ERROR_NONE && err->class != ERROR_BUG && err->text[0] != '\0');
            MUST(!text_has_control(err->text) && text_is_utf8(err->text, strlen(err->text)));
            return;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct scene scene;
    struct error err = {0};
    scene_init(&scene, data, size);
    AUTO(imap_settings) settings = NULL;
    if (imap_settings_read(buffer_text(&scene.connection), &settings, &err) == 0) {
        AUTO(imap_pickup) pickup = NULL;
        struct imap_pickup_options options = {.settings = settings,
                                              .host = &scene.host,
                                              .user = "ann",
                                              .secret = "sesame",
                                              .read_only = scene.read_only,
                                              .accept_new_uids = scene.accept,
                                              .watch = scene.watch,
                                              .pieces = scene.pieces,
                                              .limit = scene.limit};
        MUST(imap_pickup_open(&options, &pickup, &err) == 0);
        run_pickup(&scene, pickup, &err);
    }
    scene_done(&scene);
    return 0;
}
