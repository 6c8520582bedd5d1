/* SPDX-License-Identifier: Apache-2.0 */
/* imap-looks.c - what tells messages apart. See imap-looks.h. */
#include <config.h>
#include "imap-looks.h"

#include <string.h>

#include "text.h"

#define IMAP_LOOKS_LETTERS 500u /* of a subject that count */

/* One window on its way. */
struct imap_asked {
    struct imap_look *looks;
    size_t count;
    enum imap_looks_item what;
    struct error *out_bad;      /* NULL: a BAD is a failure */
    struct digest *digest;      /* of the message that is arriving */
    struct mail_parser *header; /* NULL: none is arriving */
    size_t header_bytes;
    bool body; /* what came in the FETCH that is being read is complete: told, sha256 */
    struct imap_look told;
    uint8_t sha256[DIGEST_SIZE];
};

/* ---- Likeness -------------------------------------------------------------------------------- */

/* The letters and digits of @text, up to its end or @end, in small letters; bytes of other
 * alphabets as they are. Returns how many; what does not fit is left out. */
static size_t imap_looks_letters(const char *text, const char *end, char *out, size_t most)
{
    size_t count = 0;
    for (; *text != '\0' && text != end && count < most; text++) {
        char c = text_lower(*text);
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (uint8_t)c >= 0x80)
            out[count++] = c;
    }
    out[count] = '\0';
    return count;
}

void imap_looks_tell(const struct mail *mail, struct imap_look *out)
{
    char letters[IMAP_LOOKS_LETTERS + 1];
    const char *to = mail->to_list.count > 0 ? mail->to_list.items[0].address : NULL;
    out->message_id = text_fingerprint(mail->message_id);
    (void)imap_looks_letters(mail->subject != NULL ? mail->subject : "", NULL, letters,
                             IMAP_LOOKS_LETTERS);
    out->subject = text_fingerprint(letters);
    if (to == NULL)
        to = "";
    size_t size = imap_looks_letters(to, strrchr(to, '@'), letters, IMAP_LOOKS_LETTERS);
    out->recipient = text_fingerprint(
        letters + (size > IMAP_LOOKS_RECIPIENT ? size - IMAP_LOOKS_RECIPIENT : 0));
}

/* ---- Windows --------------------------------------------------------------------------------- */

static struct imap_look *imap_looks_find(struct imap_look *looks, size_t count, uint32_t uid)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (looks[middle].uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && looks[low].uid == uid ? &looks[low] : NULL;
}

/* ---- What came ------------------------------------------------------------------------------- */

static int imap_asked_start(struct imap_asked *asked, struct error *err)
{
    const struct mail_options plain = {0};
    asked->body = false;
    asked->header_bytes = 0;
    mail_parser_free(asked->header);
    asked->header = NULL;
    if (asked->what == IMAP_LOOKS_SHA256)
        return digest_finish(asked->digest, asked->sha256) == 0 /* start afresh */
                   ? 0
                   : error_oom(err, "looking at messages");
    asked->header = mail_parser_new(&plain);
    return asked->header != NULL ? 0 : error_oom(err, "looking at messages");
}

static int imap_asked_bytes(struct imap_asked *asked, struct span bytes, struct error *err)
{
    if (asked->what == IMAP_LOOKS_SHA256)
        return digest_add(asked->digest, bytes.bytes, bytes.len) == 0
                   ? 0
                   : error_oom(err, "looking at messages");
    size_t room = IMAP_LOOKS_HEADER_MAX - asked->header_bytes;
    size_t some = bytes.len < room ? bytes.len : room;
    asked->header_bytes += some;
    return asked->header == NULL ? 0
                                 : mail_parser_feed(asked->header, bytes.bytes, some, err);
}

static int imap_asked_end(struct imap_asked *asked, struct error *err)
{
    struct mail *mail = NULL;
    asked->body = true;
    if (asked->what == IMAP_LOOKS_SHA256)
        return digest_finish(asked->digest, asked->sha256) == 0
                   ? 0
                   : error_oom(err, "looking at messages");
    if (asked->header == NULL)
        return 0;
    if (mail_parser_finish(asked->header, &mail, err) < 0)
        return -1;
    imap_looks_tell(mail, &asked->told);
    mail_free(mail);
    mail_parser_free(asked->header);
    asked->header = NULL;
    return 0;
}

/* Was it ours? Others on their way may have asked for messages too. */
static bool imap_asked_fetched(struct imap_asked *asked, const struct imap_fetch *fetch)
{
    struct imap_look *look = fetch->has & IMAP_FETCH_UID
                                 ? imap_looks_find(asked->looks, asked->count, fetch->uid)
                                 : NULL;
    bool body = asked->body;
    asked->body = false;
    if (look == NULL || !look->wanted)
        return body;
    if (asked->what == IMAP_LOOKS_SIZE && (fetch->has & IMAP_FETCH_SIZE) != 0) {
        look->size = fetch->size;
        look->there = true;
    } else if (asked->what == IMAP_LOOKS_MESSAGE_ID && body) {
        look->message_id = asked->told.message_id;
        look->there = true;
    } else if (asked->what == IMAP_LOOKS_LIKENESS && body) {
        look->message_id = asked->told.message_id;
        look->subject = asked->told.subject;
        look->recipient = asked->told.recipient;
        look->size = (fetch->has & IMAP_FETCH_SIZE) != 0 ? fetch->size : 0;
        look->there = true;
    } else if (asked->what == IMAP_LOOKS_SHA256 && body) {
        memcpy(look->sha256, asked->sha256, sizeof look->sha256);
        look->has_sha256 = look->there = true;
    } else {
        return body;
    }
    return true;
}

static int imap_asked_data(void *context, const struct imap_event *event, bool *out_taken,
                           struct error *err)
{
    struct imap_asked *asked = context;
    *out_taken = true;
    switch (event->kind) {
    case IMAP_EVENT_BODY:
        return imap_asked_start(asked, err);
    case IMAP_EVENT_BODY_BYTES:
        return imap_asked_bytes(asked, event->text, err);
    case IMAP_EVENT_BODY_END:
        return imap_asked_end(asked, err);
    case IMAP_EVENT_FETCH:
        *out_taken = imap_asked_fetched(asked, &event->fetch);
        return 0;
    default:
        *out_taken = false;
        return 0;
    }
}

/* NO: some of them are gone or not given out; what came counts. */
static int imap_asked_done(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_asked *asked = context;
    if (answer->status == IMAP_OK)
        return 0;
    struct error why;
    (void)imap_answer_messages_error(answer, ERROR_MAIL, "looking at messages", "try again later",
                                     &why);
    if (answer->status == IMAP_NO && why.class != ERROR_PAUSE)
        return 0;
    bool bad = answer->status == IMAP_BAD && asked->out_bad != NULL && why.class != ERROR_PAUSE;
    *(bad ? asked->out_bad : err) = why;
    return bad ? 0 : -1;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static const char *const imap_looks_items[] = {
    [IMAP_LOOKS_SIZE] = " (UID RFC822.SIZE)",
    [IMAP_LOOKS_MESSAGE_ID] = " (UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])",
    [IMAP_LOOKS_LIKENESS] = " (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID SUBJECT TO)])",
    [IMAP_LOOKS_SHA256] = " (UID BODY.PEEK[])",
};

/* How many of @looks make one window; @out_set gets the wanted among them. */
static size_t imap_looks_window(const struct imap_look *looks, size_t count,
                                enum imap_looks_item what, struct imap_set *out_set, bool *out_full)
{
    uint64_t bytes = 0;
    size_t taken = 0, at = 0;
    for (; at < count && taken < IMAP_LOOKS_WINDOW; at++) {
        if (!looks[at].wanted)
            continue;
        if (what == IMAP_LOOKS_SHA256 && taken > 0 && bytes + looks[at].size > IMAP_LOOKS_BYTES)
            break;
        bytes += looks[at].size;
        if (imap_set_add(out_set, looks[at].uid, looks[at].uid) < 0)
            *out_full = true;
        taken++;
    }
    return at;
}

static int imap_looks_ask_window(struct imap_session *session, struct imap_asked *asked,
                                 struct imap_set *set, struct error *err)
{
    struct imap_call call = {.what = "UID FETCH",
                             .context = asked,
                             .data = imap_asked_data,
                             .done = imap_asked_done,
                             .bulk = asked->what == IMAP_LOOKS_SHA256};
    struct imap_command command;
    imap_command_init(&command, "UID FETCH ");
    imap_command_set(&command, set);
    imap_command_add(&command, imap_looks_items[asked->what]);
    return imap_session_run(session, &command, &call, err);
}

int imap_looks_try(struct imap_session *session, struct imap_look *looks, size_t count,
                   enum imap_looks_item what, struct error *out_bad, struct error *err)
{
    struct imap_asked asked = {.what = what, .out_bad = out_bad};
    bool bad = out_bad != NULL && out_bad->class != ERROR_NONE;
    AUTO(digest) digest = digest_new();
    int result = digest != NULL ? 0 : error_oom(err, "looking at messages");
    asked.digest = digest;
    for (size_t at = 0; at < count && result == 0 && !bad;) {
        struct imap_set set;
        bool full = false;
        imap_set_init(&set);
        asked.looks = looks + at;
        asked.count = imap_looks_window(looks + at, count - at, what, &set, &full);
        at += asked.count;
        if (full)
            result = error_oom(err, "looking at messages");
        else if (set.count > 0)
            result = imap_looks_ask_window(session, &asked, &set, err);
        imap_set_done(&set);
        bad = out_bad != NULL && out_bad->class != ERROR_NONE;
    }
    mail_parser_free(asked.header);
    return result;
}

int imap_looks_ask(struct imap_session *session, struct imap_look *looks, size_t count,
                   enum imap_looks_item what, struct error *err)
{
    return imap_looks_try(session, looks, count, what, NULL, err);
}

/* ---- Searching ------------------------------------------------------------------------------- */

struct imap_looking {
    struct imap_set *out;
    struct error *out_no; /* NULL: a NO is a failure */
    bool full;
};

static int imap_looking_data(void *context, const struct imap_event *event, bool *out_taken,
                             struct error *err)
{
    struct imap_looking *looking = context;
    if (event->kind != IMAP_EVENT_SEARCH)
        return 0;
    *out_taken = true;
    if (imap_set_add(looking->out, event->range.first, event->range.last) == 0)
        return 0;
    looking->full = imap_set_is_full(looking->out);
    return looking->full ? 0 : error_oom(err, "searching");
}

static int imap_looking_done(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_looking *looking = context;
    if (answer->status == IMAP_OK)
        return 0;
    struct error *why = looking->out_no;
    (void)imap_answer_messages_error(answer, ERROR_LINK, "searching", "try again later", why);
    if (answer->status == IMAP_NO && why->class != ERROR_PAUSE)
        return 0;
    *err = *why;
    return -1;
}

int imap_looks_search(struct imap_session *session, const char *criteria, struct imap_set *out,
                      struct error *out_no, struct error *err)
{
    struct imap_looking looking = {out, out_no, false};
    struct imap_call call = {.what = "UID SEARCH",
                             .context = &looking,
                             .data = imap_looking_data,
                             .done = out_no != NULL ? imap_looking_done : NULL};
    struct imap_command command;
    bool esearch = (imap_session_can(session) & IMAP_CAN_ESEARCH) != 0;
    imap_command_init(&command, "UID SEARCH ");
    imap_command_add(&command, esearch ? "RETURN (ALL) " : "");
    imap_command_add(&command, criteria);
    if (out_no != NULL)
        *out_no = (struct error){.class = ERROR_NONE};
    if (imap_session_run(session, &command, &call, err) < 0)
        return -1;
    uint64_t most = (uint64_t)imap_session_selected(session)->exists + IMAP_SET_RANGES_MAX;
    if (looking.full || imap_set_size(out) > most)
        return error_set(err, ERROR_PROTOCOL,
                         "the server finds more messages than there are in the folder; try again "
                         "later, or tell its administrator");
    return 0;
}

bool imap_looks_near(uint64_t a, uint64_t b)
{
    uint64_t low = a < b ? a : b, high = a < b ? b : a;
    return high - low <= high / 20;
}
