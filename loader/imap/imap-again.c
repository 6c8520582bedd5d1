/* SPDX-License-Identifier: Apache-2.0 */
/* imap-again.c - messages that were seen before. See imap-again.h. */
#include <config.h>
#include "imap-again.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "imap-hold.h"
#include "imap-likes.h"
#include "imap-pickup-private.h"
#include "imap-same.h"

static const char imap_again_doing[] = "looking at messages seen before";

/* What a look may turn out to be: tags. */
#define IMAP_TAG_BACK 1u
#define IMAP_TAG_AGAIN 2u
#define IMAP_TAG_RENAMED 4u
#define IMAP_TAG_SAME 8u  /* with AGAIN: it is the message that was moved ... */
#define IMAP_TAG_OTHER 16u /* ... or another one; neither: that cannot be told */
#define IMAP_TAG_STAYED 32u

int imap_again_begin(struct imap_pickup *p, struct error *err)
{
    struct imap_mailbox state = {.uidvalidity = 0};
    struct imap_again *again = &p->again;
    again->history = true;
    if (p->host->mailbox == NULL)
        return 0;
    if (p->host->mailbox(p->host->context, p->folders.mailbox.path, &state, err) < 0)
        return -1;
    again->history = state.uidvalidity != 0;
    if (state.uidvalidity == imap_session_selected(p->session)->uidvalidity)
        again->highest = state.highest_uid;
    return 0;
}

void imap_again_done(struct imap_again *again)
{
    free(again->gone);
    imap_set_done(&again->told);
    imap_set_done(&again->sure);
    *again = (struct imap_again){0};
}

int imap_again_add_gone(struct imap_again *again, uint32_t uid, uint64_t size,
                        uint64_t message_id, struct error *err)
{
    if (again->gone_count == again->gone_capacity) {
        size_t capacity = again->gone_capacity == 0 ? 16 : again->gone_capacity * 2;
        struct imap_gone *gone = reallocarray(again->gone, capacity, sizeof *gone);
        if (gone == NULL)
            return error_oom(err, imap_again_doing);
        again->gone = gone;
        again->gone_capacity = capacity;
    }
    again->gone[again->gone_count++] = (struct imap_gone){uid, size, message_id};
    return 0;
}

/* ---- Which are to be looked at --------------------------------------------------------------- */

/* What bears our keyword is none: it lay here when it was picked up, by whomsoever. */
static bool imap_again_is_stranger(const struct imap_record *record, const struct imap_entry *entry)
{
    return record->step < IMAP_STEP_STORED && !entry->marked;
}

/* An original beside its copy: where COPYUID did not name that, both were left. */
static bool imap_again_is_beside_copy(const struct imap_record *record,
                                      const struct imap_entry *entry)
{
    return entry->marked && record->target != NULL && record->target_uid == 0;
}

static bool imap_again_may_be_gone(const struct imap_again *again, const struct imap_entry *entry)
{
    for (size_t i = 0; i < again->gone_count; i++)
        if (entry->uid > again->gone[i].uid && imap_looks_near(entry->size, again->gone[i].size))
            return true;
    return false;
}

static size_t imap_again_count(const struct imap_again *again, uint32_t tags)
{
    size_t count = 0;
    for (size_t i = 0; i < again->count; i++)
        count += (again->looks[i].tag & tags) != 0 ? 1 : 0;
    return count;
}

/* Those that may be back: is a message on record so much like them? */
static int imap_again_compare(struct imap_pickup *p, enum imap_likeness likeness, struct error *err)
{
    struct imap_again *again = &p->again;
    const struct imap_likes_which which = {imap_session_selected(p->session)->uidvalidity,
                                           again->before};
    return imap_likes_compare(p->host, &which, again->looks, again->count, IMAP_TAG_BACK, likeness,
                              err);
}

/* Too few to be a restored mailbox: those that came back are new. */
static void imap_again_drop_few(struct imap_again *again)
{
    bool many = imap_hold_too_many(imap_again_count(again, IMAP_TAG_BACK | IMAP_TAG_AGAIN),
                                   again->listed);
    size_t kept = 0;
    for (size_t i = 0; i < again->count; i++) {
        struct imap_look *look = &again->looks[i];
        look->tag &= many ? UINT32_MAX : ~IMAP_TAG_BACK;
        if (look->tag != 0)
            again->looks[kept++] = *look;
    }
    again->count = kept;
}

/* @bulk: strangers are so many that they may be messages put back. */
static uint32_t imap_again_tag(struct imap_pickup *p, const struct imap_record *record,
                               const struct imap_entry *entry, bool bulk)
{
    struct imap_again *again = &p->again;
    uint32_t can = imap_session_can(p->session);
    if (record->step == IMAP_STEP_MOVED && !p->options.read_only &&
        imap_moves_leave(p->settings, can) && !imap_set_has(&again->told, entry->uid)) {
        if (imap_again_is_beside_copy(record, entry))
            return 0;
        if (!imap_moves_stayed(p->settings, can, record))
            return IMAP_TAG_AGAIN;
        return record->target == NULL ? IMAP_TAG_STAYED : 0;
    }
    if (!imap_again_is_stranger(record, entry))
        return 0;
    return (bulk ? IMAP_TAG_BACK : 0) |
           (imap_again_may_be_gone(again, entry) ? IMAP_TAG_RENAMED : 0);
}

int imap_again_collect(struct imap_pickup *p, const struct imap_record *records, struct error *err)
{
    struct imap_again *again = &p->again;
    uint64_t strangers = 0;
    again->count = 0;
    again->listed = p->listing_count;
    again->looks = p->room->looks;
    if (p->host->lookalikes == NULL || p->host->evidence == NULL)
        return 0;
    for (size_t i = 0; i < p->listing_count; i++)
        strangers += imap_again_is_stranger(&records[i], &p->listing[i]) ? 1 : 0;
    /* analyse: imap_again_begin() set it */
    bool bulk = strangers > IMAP_BACK_MAX && !p->accept && (again->history || again->before != 0);
    for (size_t i = 0; i < p->listing_count; i++) {
        const struct imap_entry *entry = &p->listing[i];
        uint32_t tag = imap_again_tag(p, &records[i], entry, bulk);
        if (tag != 0)
            again->looks[again->count++] =
                (struct imap_look){.uid = entry->uid, .size = entry->size, .tag = tag};
    }
    if (imap_again_compare(p, IMAP_LIKENESS_SIZE, err) < 0)
        return -1;
    imap_again_drop_few(again);
    return 0;
}

/* ---- Looking --------------------------------------------------------------------------------- */

static int imap_again_ask(struct imap_pickup *p, uint32_t tags, enum imap_looks_item what,
                          struct error *err)
{
    struct imap_again *again = &p->again;
    if (imap_again_count(again, tags) == 0)
        return 0;
    for (size_t i = 0; i < again->count; i++)
        again->looks[i].wanted = (again->looks[i].tag & tags) != 0;
    return imap_looks_ask(p->session, again->looks, again->count, what, err);
}

/* Those with new UIDs are new messages for us, those with their own are not. */
static int imap_again_hold_restored(struct imap_pickup *p, size_t again, size_t back,
                                    struct error *err)
{
    const char *then =
        back == 0
            ? "run pickup once with --accept-new-uids: they have the UIDs and entries that they "
              "had, and are moved once more"
        : again == 0
            ? "take out of it what is not to be processed again, then run pickup once with "
              "--accept-new-uids: what is left is picked up"
            : "take out of it what is not to be processed again, then run pickup once with "
              "--accept-new-uids: what has the UID that it had is moved once more, what has "
              "another is picked up";
    return imap_hold_set(p->host, &p->folders.mailbox, NULL, IMAP_HOLD_RESTORED, err,
                         "%zu of %" PRIu64
                         " messages listed were picked up and moved before, so it was "
                         "probably restored from a backup; %s",
                         again + back, p->again.listed, then);
}

/* A person's word releases what was moved before; a UID that means two messages it does not. */
static int imap_again_hold_back(struct imap_pickup *p, struct error *err)
{
    size_t again = imap_again_count(&p->again, IMAP_TAG_AGAIN);
    size_t back = imap_again_count(&p->again, IMAP_TAG_BACK | IMAP_TAG_AGAIN) - again;
    if (imap_again_count(&p->again, IMAP_TAG_OTHER) > 0)
        return imap_same_hold(p->host, &p->folders.mailbox, p->again.looks, p->again.count,
                              IMAP_TAG_OTHER, err);
    return p->accept || !imap_hold_too_many(again + back, p->again.listed)
               ? 0
               : imap_again_hold_restored(p, again, back, err);
}

/* ---- Renamed --------------------------------------------------------------------------------- */

static void imap_again_leave(struct imap_pickup *p, uint32_t uid)
{
    struct imap_entry *entry = imap_entry_find(p->listing, p->listing_count, uid);
    if (entry != NULL)
        entry->left = true;
}

static struct imap_gone *imap_again_find_gone(struct imap_again *again,
                                              const struct imap_look *look)
{
    for (size_t i = 0; i < again->gone_count; i++)
        if (again->gone[i].message_id == look->message_id && look->uid > again->gone[i].uid &&
            imap_looks_near(look->size, again->gone[i].size))
            return &again->gone[i];
    return NULL;
}

static int imap_again_rename(struct imap_pickup *p, struct imap_look *look, struct error *err)
{
    struct imap_again *again = &p->again;
    struct imap_gone *gone =
        look->tag & IMAP_TAG_RENAMED ? imap_again_find_gone(again, look) : NULL;
    if (gone == NULL)
        return 0;
    uint32_t uidvalidity = imap_session_selected(p->session)->uidvalidity;
    struct imap_adoption item = {uidvalidity, gone->uid, uidvalidity, look->uid};
    struct imap_record record = {
        .uidvalidity = uidvalidity, .uid = look->uid, .step = IMAP_STEP_STORED};
    if (p->host->adopt != NULL) {
        if (p->host->adopt(p->host->context, &item, 1, NULL, err) < 0 ||
            p->host->known(p->host->context, &record, 1, err) < 0 ||
            imap_moves_add(p->moves, &record, err) < 0)
            return -1;
    }
    imap_host_log(p->host, IMAP_LOG_WARNING,
                  "message %u of '%s', which is stored and could not be moved, has changed and is "
                  "message %u now; it keeps its entry",
                  gone->uid, p->folders.mailbox.name, look->uid);
    imap_again_leave(p, look->uid);
    *gone = again->gone[--again->gone_count];
    look->tag = 0;
    return 0;
}

/* ---- Again ----------------------------------------------------------------------------------- */

/* Is it the message that the ledger means, or another one? */
static int imap_again_weigh(struct imap_pickup *p, struct imap_look *look, struct error *err)
{
    struct imap_evidence known = {
        .uidvalidity = imap_session_selected(p->session)->uidvalidity, .uid = look->uid};
    if ((look->tag & IMAP_TAG_AGAIN) == 0)
        return 0;
    if (p->host->evidence(p->host->context, &known, 1, err) < 0)
        return -1;
    if (known.step == IMAP_STEP_UNKNOWN || !known.has_sha256 || !look->has_sha256)
        return 0;
    look->tag |= memcmp(known.sha256, look->sha256, sizeof known.sha256) == 0 ? IMAP_TAG_SAME
                                                                              : IMAP_TAG_OTHER;
    return 0;
}

/* It counts, and lowers no step. The first time its attempts are filled up to where no pick-up goes
 * beyond, all in one flush. */
static int imap_again_note(struct imap_pickup *p, const struct imap_record *record,
                           struct error *err)
{
    struct imap_record notes[IMAP_ATTEMPTS_MAX + 1];
    size_t count = 1;
    if (record->attempts < IMAP_ATTEMPTS_MAX)
        count += IMAP_ATTEMPTS_MAX - record->attempts;
    for (size_t i = 0; i < count; i++)
        notes[i] = (struct imap_record){.uidvalidity = record->uidvalidity,
                                        .uid = record->uid,
                                        .step = IMAP_STEP_ATTEMPTED};
    return p->host->note(p->host->context, notes, count, err);
}

/* The same message: move it once more, unless that did not help before. */
static int imap_again_move(struct imap_pickup *p, const struct imap_look *look, struct error *err)
{
    struct imap_record record = {
        .uidvalidity = imap_session_selected(p->session)->uidvalidity, .uid = look->uid};
    if (p->host->known(p->host->context, &record, 1, err) < 0)
        return -1;
    bool once_more = record.attempts < IMAP_ATTEMPTS_MAX + IMAP_AGAIN_MAX;
    imap_host_log(p->host, once_more ? IMAP_LOG_WARNING : IMAP_LOG_ERROR,
                  "message %u was moved, and is in '%s' again; its entry is safe; %s", look->uid,
                  p->folders.mailbox.name,
                  once_more ? "it is moved once more"
                            : "moving it does not help, see what puts it back");
    if (!once_more)
        return 0;
    if (imap_again_note(p, &record, err) < 0)
        return -1;
    record.step = IMAP_STEP_STORED;
    return imap_moves_add(p->moves, &record, err);
}

static int imap_again_judge(struct imap_pickup *p, const struct imap_look *look, struct error *err)
{
    if ((look->tag & IMAP_TAG_AGAIN) == 0)
        return 0;
    if (imap_set_add(&p->again.told, look->uid, look->uid) < 0)
        return error_oom(err, imap_again_doing);
    if (look->tag & IMAP_TAG_SAME)
        return imap_again_move(p, look, err);
    imap_host_log(p->host, IMAP_LOG_ERROR,
                  "message %u was moved, and is in '%s' again; whether it is the same cannot be "
                  "told, so it is left there; look at it, and run 'mailchute audit'",
                  look->uid, p->folders.mailbox.name);
    return 0;
}

/* ---- Stayed ---------------------------------------------------------------------------------- */

/* It was to stay, and is to be moved now: as one that is stored. */
static int imap_again_move_stayed(struct imap_pickup *p, const struct imap_look *look,
                                  struct error *err)
{
    struct imap_record record = {.uidvalidity = imap_session_selected(p->session)->uidvalidity,
                                 .uid = look->uid};
    if (look->tag == IMAP_SAME_UNTOLD)
        imap_host_log(
            p->host, IMAP_LOG_ERROR,
            "message %u, which was left in '%s' on purpose, stays there: it cannot be "
            "told whether it is still the same, as the server does not give it out, or it "
            "was too large to be read; look at it, and run 'mailchute audit'",
            look->uid, p->folders.mailbox.name);
    if (imap_set_add(&p->again.told, look->uid, look->uid) < 0)
        return error_oom(err, imap_again_doing);
    if (look->tag == IMAP_SAME_UNTOLD)
        return 0;
    if (p->host->known(p->host->context, &record, 1, err) < 0)
        return -1;
    record.step = IMAP_STEP_STORED;
    return imap_moves_add(p->moves, &record, err);
}

static int imap_again_ask_stayed(struct imap_pickup *p, struct imap_look *looks, size_t count,
                                 struct error *err)
{
    size_t others = 0, moved = 0;
    if (imap_same_ask(p->session, p->host, looks, count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        others += looks[i].tag == IMAP_SAME_OTHER ? 1 : 0;
        moved += looks[i].tag == IMAP_SAME_YES ? 1 : 0;
    }
    if (others > 0)
        return imap_same_hold(p->host, &p->folders.mailbox, looks, count, IMAP_SAME_OTHER, err);
    for (size_t i = 0; i < count; i++)
        if (imap_again_move_stayed(p, &looks[i], err) < 0)
            return -1;
    if (moved > 0)
        imap_host_log(p->host, IMAP_LOG_INFO,
                      "%zu messages that were picked up and left in '%s' before are moved now",
                      moved, p->folders.mailbox.name);
    return 0;
}

static int imap_again_go_on_with_stayed(struct imap_pickup *p, struct error *err)
{
    const struct imap_again *again = &p->again;
    struct imap_look looks[IMAP_RECORDS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < again->count; i++) {
        if (again->looks[i].tag & IMAP_TAG_STAYED)
            looks[count++] = again->looks[i];
        if (count == IMAP_RECORDS_MAX || (i + 1 == again->count && count > 0)) {
            if (imap_again_ask_stayed(p, looks, count, err) < 0)
                return -1;
            count = 0;
        }
    }
    return 0;
}

/* ---- Reused ---------------------------------------------------------------------------------- */

void imap_again_see(struct imap_again *again, uint32_t uid)
{
    again->top = uid > again->top ? uid : again->top;
}

/* Those up to the highest that are done with, and others than they were: @look is. What ends the
 * session over the others of them does not keep it from holding. */
static int imap_again_hold_reused(struct imap_pickup *p, const struct imap_look *look,
                                  struct error *err)
{
    struct imap_record records[IMAP_RECORDS_MAX];
    struct imap_look looks[IMAP_RECORDS_MAX];
    uint32_t top = p->again.top, most = top < IMAP_RECORDS_MAX ? top : IMAP_RECORDS_MAX;
    size_t count = 0;
    for (uint32_t i = 0; i < most; i++)
        records[i] =
            (struct imap_record){.uidvalidity = imap_session_selected(p->session)->uidvalidity,
                                 .uid = top - most + 1 + i};
    if (p->host->known(p->host->context, records, most, err) < 0)
        return -1;
    for (uint32_t i = 0; i < most; i++)
        if (records[i].step == IMAP_STEP_MOVED)
            looks[count++] = (struct imap_look){.uid = records[i].uid};
    if (imap_same_ask(p->session, p->host, looks, count, err) == 0)
        return imap_same_hold(p->host, &p->folders.mailbox, looks, count, IMAP_SAME_OTHER, err);
    if (err->class == ERROR_LINK || err->class == ERROR_PROTOCOL) {
        struct error held;
        (void)imap_same_hold(p->host, &p->folders.mailbox, look, 1, IMAP_SAME_OTHER, &held);
    }
    return -1;
}

/* Of several folders one visit of four looks: where the look ends the session, the others bring the
 * folders behind this one their turn. */
static bool imap_again_is_time(const struct imap_pickup *p)
{
    return p->options.session == NULL || clock_draw(&p->host->clock, IMAP_TOP_EVERY) == 0;
}

/* Looks that did not come to an end are counted as those that are moved once more are. After some
 * it is left out, which is counted, too, so that it is said once. */
static int imap_again_may_look(struct imap_pickup *p, const struct imap_record *top, bool *out_may,
                               struct error *err)
{
    *out_may = top->attempts < IMAP_ATTEMPTS_MAX + IMAP_TOP_TRIES;
    if (top->attempts != IMAP_ATTEMPTS_MAX + IMAP_TOP_TRIES)
        return 0;
    imap_host_log(p->host, IMAP_LOG_WARNING,
                  "message %u, the last that was picked up and left in '%s', is looked at no more, "
                  "as that failed before: should its UID have been given a second time, nothing "
                  "tells; look at it, and run 'mailchute audit'",
                  top->uid, p->folders.mailbox.name);
    return imap_again_note(p, top, err);
}

/* It ended the session, or it may have been any broken line. */
static int imap_again_look_failed(struct imap_pickup *p, const struct imap_record *top,
                                  struct error *err)
{
    struct error ignored;
    if (err->class != ERROR_LINK && err->class != ERROR_PROTOCOL)
        return -1;
    (void)imap_again_note(p, top, &ignored);
    error_prefix(err, "message %u, which was picked up and left in '%s', was looked at", top->uid,
                 p->folders.mailbox.name);
    return -1;
}

static int imap_again_look_refused(struct imap_pickup *p, const struct imap_record *top,
                                   const struct error *bad, struct error *err)
{
    imap_host_log(p->host, IMAP_LOG_WARNING,
                  "message %u, which was picked up and left in '%s', could not be looked at: %s",
                  top->uid, p->folders.mailbox.name, bad->text);
    return imap_again_note(p, top, err);
}

/* All is well: what was counted is taken back. */
static int imap_again_looked(struct imap_pickup *p, const struct imap_record *top,
                             struct error *err)
{
    struct imap_record notes[IMAP_TOP_TRIES];
    size_t count = 0;
    for (uint32_t i = IMAP_ATTEMPTS_MAX; i < top->attempts && count < IMAP_TOP_TRIES; i++)
        notes[count++] = (struct imap_record){
            .uidvalidity = top->uidvalidity, .uid = top->uid, .step = IMAP_STEP_UNKNOWN};
    return count == 0 ? 0 : p->host->note(p->host->context, notes, count, err);
}

/* A message with the Message-ID of the stored one is that one, however the server changed it. */
static int imap_again_look_at_top(struct imap_pickup *p, const struct imap_record *top,
                                  struct error *err)
{
    struct imap_look look = {.uid = top->uid};
    struct imap_evidence known = {.uidvalidity = top->uidvalidity, .uid = top->uid};
    struct error bad;
    if (p->host->evidence(p->host->context, &known, 1, err) < 0)
        return -1;
    if (imap_same_try(p->session, p->host, &look, 1, &bad, err) < 0)
        return imap_again_look_failed(p, top, err);
    if (bad.class != ERROR_NONE)
        return imap_again_look_refused(p, top, &bad, err);
    bool named = known.message_id != 0 && known.message_id == look.message_id;
    if (look.tag == IMAP_SAME_OTHER && !named)
        return imap_again_hold_reused(p, &look, err);
    return imap_again_looked(p, top, err);
}

static int imap_again_check_top(struct imap_pickup *p, struct error *err)
{
    struct imap_again *again = &p->again;
    struct imap_record top = {.uidvalidity = imap_session_selected(p->session)->uidvalidity,
                              .uid = again->top};
    bool may = false;
    if (again->top == 0 || again->top_checked || p->options.read_only ||
        p->host->evidence == NULL || !imap_again_is_time(p) ||
        imap_moves_leave(p->settings, imap_session_can(p->session)))
        return 0;
    again->top_checked = true;
    if (p->host->known(p->host->context, &top, 1, err) < 0 ||
        imap_again_may_look(p, &top, &may, err) < 0)
        return -1;
    return may ? imap_again_look_at_top(p, &top, err) : 0;
}

/* ---- All of it ------------------------------------------------------------------------------- */

int imap_again_inspect(struct imap_pickup *p, struct error *err)
{
    struct imap_again *again = &p->again;
    if (imap_again_ask(p, IMAP_TAG_BACK | IMAP_TAG_RENAMED, IMAP_LOOKS_MESSAGE_ID, err) < 0)
        return -1;
    for (size_t i = 0; i < again->count; i++)
        if (imap_again_rename(p, &again->looks[i], err) < 0)
            return -1;
    if (imap_again_compare(p, IMAP_LIKENESS_MESSAGE_ID, err) < 0)
        return -1;
    imap_again_drop_few(again);
    if (imap_again_ask(p, IMAP_TAG_BACK | IMAP_TAG_AGAIN, IMAP_LOOKS_SHA256, err) < 0 ||
        imap_again_compare(p, IMAP_LIKENESS_SHA256, err) < 0)
        return -1;
    for (size_t i = 0; i < again->count; i++)
        if (imap_again_weigh(p, &again->looks[i], err) < 0)
            return -1;
    if (imap_again_hold_back(p, err) < 0)
        return -1;
    for (size_t i = 0; i < again->count; i++)
        if (imap_again_judge(p, &again->looks[i], err) < 0)
            return -1;
    if (imap_again_go_on_with_stayed(p, err) < 0)
        return -1;
    again->count = 0;
    return 0;
}

int imap_again_settle(struct imap_pickup *p, struct error *err)
{
    struct imap_again *again = &p->again;
    while (again->gone_count > 0) {
        struct imap_record records[IMAP_RECORDS_MAX];
        size_t count = again->gone_count < IMAP_RECORDS_MAX ? again->gone_count : IMAP_RECORDS_MAX;
        for (size_t i = 0; i < count; i++)
            records[i] = (struct imap_record){
                .uidvalidity = imap_session_selected(p->session)->uidvalidity,
                .uid = again->gone[again->gone_count - count + i].uid,
                .step = IMAP_STEP_MOVED};
        if (p->host->note(p->host->context, records, count, err) < 0)
            return -1;
        again->gone_count -= count;
    }
    return imap_again_check_top(p, err);
}
