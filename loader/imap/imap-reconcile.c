/* SPDX-License-Identifier: Apache-2.0 */
/* imap-reconcile.c - finish what an earlier session left undone. See imap-reconcile.h. */
#include <config.h>
#include "imap-reconcile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "imap-same.h"

/* What tells two messages apart without fetching them. */
struct imap_reconcile_looks {
    uint64_t size;
    int64_t date_s;
    uint8_t header[DIGEST_SIZE];
};

/* One record of the ledger, and what became of it. */
struct imap_unsettled {
    struct imap_record record; /* its target is the path of that folder, elsewhere, or NULL */
    char *elsewhere;           /* ours: a target that is not the folder of today; NULL: it is */
    bool there;                /* still in the mailbox */
    bool unknown;              /* the server did not say whether it is */
    bool awaited;              /* gone, and may come under another UID */
    bool left;                 /* where it is, for this time: what was to be known first is not */
    bool looked;               /* looks came, and nothing in the target leaves a doubt */
    bool found;                /* gone, and one in the target is taken for it */
    struct imap_reconcile_looks looks;
    struct imap_evidence known; /* where there is MOVE, of those that are MOVING */
};

struct imap_reconcile {
    struct imap_session *session;
    const struct imap_settings *settings;
    const struct imap_host *host;
    struct imap_folders *folders;
    struct imap_moves *moves;
    struct imap_set *reconciled;
    struct imap_again *again;
    struct digest *digest; /* of the header that is arriving */
    uint8_t header[DIGEST_SIZE];
    bool header_came;    /* in the FETCH that is being read: header is its digest, not for NIL */
    uint32_t lowest;     /* while looking in a target: from here on */
    enum imap_fate fate; /* while looking in a target: whose */
    bool in_target;
    bool by_move;       /* the server has MOVE */
    bool refused;       /* the server said NO to the last look ... */
    struct error why;   /* ... and what */
    uint64_t strangers; /* records of another UIDVALIDITY */
    size_t count;
    struct imap_unsettled items[IMAP_RECORDS_MAX]; /* ascending UIDs */
};

static struct imap_unsettled *imap_reconcile_find(struct imap_reconcile *r, uint32_t uid)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->items[i].record.uid == uid)
            return &r->items[i];
    return NULL;
}

static struct imap_reconcile_looks imap_reconcile_looks_of(const struct imap_reconcile *r,
                                                           const struct imap_fetch *fetch)
{
    struct imap_reconcile_looks looks = {.size = fetch->size, .date_s = fetch->date_s};
    memcpy(looks.header, r->header, sizeof looks.header);
    return looks;
}

static bool imap_reconcile_looks_same(const struct imap_reconcile_looks *a,
                                      const struct imap_reconcile_looks *b)
{
    return a->size == b->size && a->date_s == b->date_s &&
           memcmp(a->header, b->header, sizeof a->header) == 0;
}

/* The lowest UID that its copy can have in the target of @fate, numbered so; 0: it is looked for in
 * no such place. Where the server did not tell what its next UID was, or has numbered the target
 * anew since, any may be its copy. */
static uint32_t imap_unsettled_from(const struct imap_unsettled *item, enum imap_fate fate,
                                    uint32_t uidvalidity)
{
    const struct imap_record *record = &item->record;
    if (!item->there || record->step != IMAP_STEP_MOVING || record->fate != fate ||
        item->elsewhere != NULL)
        return 0;
    return record->target_uid != 0 && record->target_uidvalidity == uidvalidity ? record->target_uid
                                                                                : 1;
}

/* Is it rather the copy of one that is gone? A MOVE of several may have been done by half, of one
 * of two that are the same. */
static bool imap_reconcile_is_of_gone(struct imap_reconcile *r, const struct imap_unsettled *like)
{
    for (size_t i = 0; i < r->count && r->by_move && like->known.has_sha256; i++) {
        struct imap_unsettled *item = &r->items[i];
        if (item->there || item->found || item->elsewhere != NULL || !item->known.has_sha256 ||
            item->record.fate != r->fate || item->known.size != like->known.size ||
            memcmp(item->known.sha256, like->known.sha256, sizeof like->known.sha256) != 0)
            continue;
        item->found = true;
        return true;
    }
    return false;
}

/* A message of the target: the copy of at most one of ours. */
static void imap_reconcile_twin(struct imap_reconcile *r, const struct imap_fetch *fetch)
{
    struct imap_reconcile_looks looks = imap_reconcile_looks_of(r, fetch);
    uint32_t uidvalidity = imap_session_selected(r->session)->uidvalidity;
    for (size_t i = 0; i < r->count; i++) {
        struct imap_unsettled *item = &r->items[i];
        uint32_t from = imap_unsettled_from(item, r->fate, uidvalidity);
        if (from != 0 && fetch->uid >= from && imap_reconcile_looks_same(&looks, &item->looks)) {
            if (imap_reconcile_is_of_gone(r, item))
                return;
            item->record.step = IMAP_STEP_COPIED;
            item->record.target_uid = fetch->uid;
            item->record.target_uidvalidity = uidvalidity;
            return;
        }
    }
}

/* A message of the target of which only the size is told: it may be the copy of each that has it.
 */
static void imap_reconcile_doubt(struct imap_reconcile *r, const struct imap_fetch *fetch)
{
    for (size_t i = 0; i < r->count; i++)
        if (fetch->uid >= r->lowest && r->items[i].record.fate == r->fate &&
            r->items[i].looks.size == fetch->size)
            r->items[i].looked = false;
}

static void imap_reconcile_fetched(struct imap_reconcile *r, const struct imap_fetch *fetch)
{
    struct imap_unsettled *item;
    const uint32_t told = IMAP_FETCH_SIZE | IMAP_FETCH_DATE;
    /* else it is news of its flags, or all we asked, or too little to delete an original by */
    bool looks = (fetch->has & told) == told && r->header_came;
    r->header_came = false;
    if ((fetch->has & IMAP_FETCH_UID) == 0)
        return;
    if (r->in_target) {
        if (looks)
            imap_reconcile_twin(r, fetch);
        else if ((fetch->has & IMAP_FETCH_SIZE) != 0)
            imap_reconcile_doubt(r, fetch);
    } else if ((item = imap_reconcile_find(r, fetch->uid)) != NULL) {
        item->there = true;
        item->looked = item->looked || looks;
        if (looks)
            item->looks = imap_reconcile_looks_of(r, fetch);
    }
}

static int imap_reconcile_data(void *context, const struct imap_event *event, bool *out_taken,
                               struct error *err)
{
    struct imap_reconcile *r = context;
    int fine = 0;
    *out_taken = true;
    switch (event->kind) {
    case IMAP_EVENT_BODY:
        r->header_came = event->section == IMAP_SECTION_HEADER;
        fine = digest_finish(r->digest, r->header); /* start afresh */
        break;
    case IMAP_EVENT_BODY_BYTES:
        fine = digest_add(r->digest, event->text.bytes, event->text.len);
        break;
    case IMAP_EVENT_BODY_END:
        fine = digest_finish(r->digest, r->header);
        break;
    case IMAP_EVENT_FETCH:
        imap_reconcile_fetched(r, &event->fetch);
        break;
    default:
        *out_taken = false;
        break;
    }
    return fine == 0 ? 0 : error_oom(err, "looking for moved mail");
}

/* A server may say NO when some of them were expunged by somebody else (RFC 2180 s.4.1.2). */
static int imap_reconcile_looked(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_reconcile *r = context;
    r->refused = answer->status != IMAP_OK;
    if (!r->refused)
        return 0;
    (void)imap_answer_messages_error(answer, ERROR_LINK, "looking for moved mail",
                                     "try again later", &r->why);
    if (answer->status == IMAP_NO && r->why.class != ERROR_PAUSE)
        return 0;
    *err = r->why;
    return -1;
}

/* @looks: with what tells them apart. */
static int imap_reconcile_fetch(struct imap_reconcile *r, struct imap_set *set, bool looks,
                                struct error *err)
{
    struct imap_call call = {.what = "UID FETCH",
                             .context = r,
                             .data = imap_reconcile_data,
                             .done = imap_reconcile_looked,
                             .bulk = true};
    struct imap_command command;
    imap_command_init(&command, "UID FETCH ");
    imap_command_set(&command, set);
    imap_command_add(&command,
                     looks ? " (UID RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER])" : " (UID)");
    return imap_session_run(r->session, &command, &call, err);
}

/* Those of our records that were not seen yet. */
static int imap_reconcile_ask(struct imap_reconcile *r, bool looks, struct error *err)
{
    struct imap_set set;
    int result = 0;
    r->refused = false;
    imap_set_init(&set);
    for (size_t i = 0; i < r->count && result == 0; i++)
        if (!r->items[i].there &&
            imap_set_add(&set, r->items[i].record.uid, r->items[i].record.uid) < 0)
            result = error_oom(err, "looking for moved mail");
    if (result == 0 && set.count > 0)
        result = imap_reconcile_fetch(r, &set, looks, err);
    imap_set_done(&set);
    return result;
}

/* Which of our records are still there, with what tells them apart where a twin is to be looked
 * for? After a NO, by whose end the server has told what is gone, once more; what is not named then
 * either is neither there nor gone, and is left for a later look. */
static int imap_reconcile_look(struct imap_reconcile *r, bool looks, struct error *err)
{
    size_t unknown = 0;
    if (imap_reconcile_ask(r, looks, err) < 0 ||
        (r->refused && imap_reconcile_ask(r, looks, err) < 0))
        return -1;
    for (size_t i = 0; i < r->count && r->refused; i++) {
        r->items[i].unknown = !r->items[i].there;
        unknown += r->items[i].unknown ? 1 : 0;
    }
    if (unknown > 0)
        imap_host_log(
            r->host, IMAP_LOG_WARNING,
            "the server does not say whether %zu stored messages are still in '%s'; they are "
            "looked for again later",
            unknown, r->folders->mailbox.name);
    return 0;
}

/* What was ordered into a folder that is the target no longer, and did not go there, is ordered
 * anew, as the ledger says from now on. A copy that it may have there is not looked for. */
static int imap_reconcile_turn(struct imap_reconcile *r, struct error *err)
{
    struct imap_record turned[IMAP_RECORDS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++) {
        struct imap_unsettled *item = &r->items[i];
        if (item->elsewhere == NULL || !item->there || item->left ||
            item->record.step != IMAP_STEP_MOVING)
            continue;
        item->record.step = IMAP_STEP_STORED;
        item->record.target_uid = item->record.target_uidvalidity = 0;
        item->record.target = NULL;
        turned[count++] = item->record;
    }
    if (count == 0)
        return 0;
    imap_host_log(
        r->host, IMAP_LOG_WARNING,
        "%zu stored messages are still in '%s' that were on their way into another folder, "
        "which earlier settings named; they go as the settings say now, and a copy of some may lie "
        "there",
        count, r->folders->mailbox.name);
    return r->host->note(r->host->context, turned, count, err);
}

/* ---- Looking in the target ------------------------------------------------------------------- */

/* The lowest UID a copy of ours can have there; 0: none is looked for. */
static uint32_t imap_reconcile_lowest(const struct imap_reconcile *r, enum imap_fate fate,
                                      uint32_t uidvalidity)
{
    uint32_t lowest = 0;
    for (size_t i = 0; i < r->count; i++) {
        uint32_t from = imap_unsettled_from(&r->items[i], fate, uidvalidity);
        if (from != 0 && (lowest == 0 || from < lowest))
            lowest = from;
    }
    return lowest;
}

/* Whether these were copied cannot be seen: they are neither copied again nor deleted now. Where
 * there is MOVE they are moved: the next order, too, is most likely a MOVE that was not done. */
static void imap_reconcile_leave(struct imap_reconcile *r, const struct imap_folder *folder,
                                 bool all, const struct error *why)
{
    size_t left = 0;
    for (size_t i = 0; i < r->count && !r->by_move; i++) {
        struct imap_unsettled *item = &r->items[i];
        if (!item->there || item->left || item->record.step != IMAP_STEP_MOVING ||
            item->record.fate != r->fate || (item->looked && !all))
            continue;
        item->left = true;
        imap_moves_refuse(r->moves, why);
        left++;
    }
    if (left > 0)
        imap_host_log(r->host, IMAP_LOG_ERROR,
                      "%zu stored messages stay in '%s': it cannot be seen whether they are in "
                      "'%s' already: %s",
                      left, r->folders->mailbox.name, folder->name, why->text);
}

/* Messages that may be copies, by what tells them apart, in windows: a busy archive may have got a
 * hundred thousand others meanwhile. After a NO once more: then the server has told what is gone.
 */
static int imap_reconcile_windows(struct imap_reconcile *r, struct imap_set *found,
                                  struct error *err)
{
    int result = 0;
    bool refused = false;
    while (result == 0 && found->count > 0) {
        struct imap_set window;
        imap_set_init(&window);
        if (imap_set_take(found, IMAP_LOOKS_WINDOW, &window) < 0) {
            result = error_oom(err, "looking for moved mail");
        } else {
            result = imap_reconcile_fetch(r, &window, true, err);
            if (result == 0 && r->refused)
                result = imap_reconcile_fetch(r, &window, true, err);
            refused = refused || r->refused;
        }
        imap_set_done(&window);
    }
    r->refused = refused;
    return result;
}

/* The server leaves out what came before, or has a size that none of ours has. */
static int imap_reconcile_search(struct imap_reconcile *r, struct error *err)
{
    uint64_t least = UINT64_MAX, most = 0;
    char criteria[120];
    struct imap_set found;
    for (size_t i = 0; i < r->count; i++) {
        const struct imap_unsettled *item = &r->items[i];
        if (!item->there || item->record.step != IMAP_STEP_MOVING)
            continue;
        least = item->looks.size < least ? item->looks.size : least;
        most = item->looks.size > most ? item->looks.size : most;
    }
    (void)snprintf(criteria, sizeof criteria, "UID %u:* SMALLER %" PRIu64, r->lowest, most + 1);
    if (least > 0 && least <= most)
        (void)snprintf(criteria, sizeof criteria, "UID %u:* LARGER %" PRIu64 " SMALLER %" PRIu64,
                       r->lowest, least - 1, most + 1);
    struct error no;
    imap_set_init(&found);
    int result = imap_looks_search(r->session, criteria, &found, &no, err);
    if (result == 0)
        result = imap_reconcile_windows(r, &found, err);
    if (no.class != ERROR_NONE) { /* then what it found is not all there is */
        r->refused = true;
        r->why = no;
    }
    imap_set_done(&found);
    return result;
}

static int imap_reconcile_target(struct imap_reconcile *r, const struct imap_folder *folder,
                                 enum imap_fate fate, struct error *err)
{
    if (!folder->exists || imap_reconcile_lowest(r, fate, 0) == 0)
        return 0;
    struct error why;
    bool open = false;
    r->in_target = true; /* whatever comes of it, the mailbox is to be selected again */
    r->fate = fate;
    if (imap_session_examine(r->session, folder->wire, &open, &why, err) < 0)
        return -1;
    if (!open) {
        imap_reconcile_leave(r, folder, true, &why);
        return 0;
    }
    uint32_t uidvalidity = imap_session_selected(r->session)->uidvalidity;
    r->lowest = imap_reconcile_lowest(r, fate, uidvalidity);
    if (r->lowest == 0 || imap_session_selected(r->session)->exists == 0)
        return 0;
    if (imap_reconcile_search(r, err) < 0)
        return -1;
    if (!r->refused)
        error_set(&r->why, ERROR_LINK,
                  "the server does not tell their size, date and header; try again later");
    imap_reconcile_leave(r, folder, r->refused, &r->why);
    return 0;
}

/* Both targets, and back to the mailbox. */
static int imap_reconcile_targets(struct imap_reconcile *r, struct error *err)
{
    uint32_t uidvalidity = imap_session_selected(r->session)->uidvalidity;
    if (imap_reconcile_target(r, &r->folders->dropbox, IMAP_FATE_QUEUED, err) < 0 ||
        imap_reconcile_target(r, &r->folders->badmail, IMAP_FATE_BAD, err) < 0)
        return -1;
    if (!r->in_target)
        return 0;
    r->in_target = false;
    if (imap_session_select(r->session, r->folders->mailbox.wire, false, err) < 0)
        return -1;
    if (imap_session_selected(r->session)->uidvalidity != uidvalidity)
        return error_set(err, ERROR_LINK,
                         "%s: '%s' was numbered anew while we looked (UIDVALIDITY); try "
                         "again",
                         r->settings->host, r->folders->mailbox.name);
    return 0;
}

/* ---- One page of the ledger ------------------------------------------------------------------ */

static void imap_reconcile_tell_untold(struct imap_reconcile *r, uint32_t uid)
{
    struct error why;
    imap_reconcile_find(r, uid)->left = true;
    error_set(
        &why, ERROR_LINK,
        "it cannot be told whether message %u is the one that was stored under this UID, as the "
        "server does not give it out, or it was too large to be read and has another size now; "
        "look "
        "at it, and run 'mailchute audit'",
        uid);
    imap_host_log(r->host, IMAP_LOG_ERROR, "message %u stays in '%s': %s", uid,
                  r->folders->mailbox.name, why.text);
    imap_moves_refuse(r->moves, &why);
}

/* Is each that is there the message that was stored? UIDs may have been given twice. Once in a
 * session is enough. */
static int imap_reconcile_check(struct imap_reconcile *r, struct error *err)
{
    struct imap_look looks[IMAP_RECORDS_MAX];
    size_t count = 0, others = 0;
    for (size_t i = 0; i < r->count && r->host->evidence != NULL; i++)
        if (r->items[i].there && !imap_set_has(&r->again->sure, r->items[i].record.uid))
            looks[count++] = (struct imap_look){.uid = r->items[i].record.uid};
    if (count > 0 && imap_same_ask(r->session, r->host, looks, count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        others += looks[i].tag == IMAP_SAME_OTHER ? 1 : 0;
    if (others > 0)
        return imap_same_hold(r->host, &r->folders->mailbox, looks, count, IMAP_SAME_OTHER, err);
    for (size_t i = 0; i < count; i++) {
        if (looks[i].tag == IMAP_SAME_UNTOLD)
            imap_reconcile_tell_untold(r, looks[i].uid);
        else if (imap_set_add(&r->again->sure, looks[i].uid, looks[i].uid) < 0)
            return error_oom(err, "looking for moved mail");
    }
    return 0;
}

/* Which of those that are gone were never ordered to go? What they are known by tells whether they
 * can be known again. */
static int imap_reconcile_await(struct imap_reconcile *r, struct error *err)
{
    for (size_t i = 0; i < r->count && r->host->evidence != NULL; i++) {
        struct imap_unsettled *item = &r->items[i];
        struct imap_evidence known = {.uidvalidity = item->record.uidvalidity,
                                      .uid = item->record.uid};
        if (item->there || item->unknown || item->record.step != IMAP_STEP_STORED)
            continue;
        if (r->host->evidence(r->host->context, &known, 1, err) < 0)
            return -1;
        item->awaited = known.step != IMAP_STEP_UNKNOWN && known.message_id != 0;
        if (item->awaited &&
            imap_again_add_gone(r->again, known.uid, known.size, known.message_id, err) < 0)
            return -1;
    }
    return 0;
}

/* Note what is no longer there as MOVED, and what has a twin as COPIED. Where to is told by the
 * ledger alone: what was to be deleted, or what somebody else took, went to no folder of ours. */
static int imap_reconcile_note(struct imap_reconcile *r, struct error *err)
{
    struct imap_record records[IMAP_RECORDS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++) {
        const struct imap_unsettled *item = &r->items[i];
        if ((item->there && item->record.step != IMAP_STEP_COPIED) || item->awaited ||
            item->unknown)
            continue;
        records[count] = item->record;
        if (!item->there) {
            if (item->record.step < IMAP_STEP_COPIED)
                records[count].target_uid = 0; /* it was but a lower bound */
            records[count].step = IMAP_STEP_MOVED;
        }
        count++;
    }
    return count > 0 ? r->host->note(r->host->context, records, count, err) : 0;
}

/* What may have been ordered already may have ended the session that did, and goes behind new mail.
 * Of a flag nothing is noted before it is ordered. */
static int imap_reconcile_move(struct imap_reconcile *r, const struct imap_record *record,
                               struct error *err)
{
    bool ordered = record->step != IMAP_STEP_STORED || r->settings->after == IMAP_AFTER_FLAG;
    return ordered ? imap_moves_add_last(r->moves, record, err)
                   : imap_moves_add(r->moves, record, err);
}

/* Are copies to be looked for? How they were ordered to move is not noted; a server may have
 * learned MOVE since. One that has MOVE alone could not delete an original whose copy was found. */
static bool imap_reconcile_looks_for_copies(const struct imap_reconcile *r)
{
    bool moving = false;
    for (size_t i = 0; i < r->count; i++)
        moving = moving || r->items[i].record.step == IMAP_STEP_MOVING;
    return moving && r->settings->after != IMAP_AFTER_LEAVE &&
           (!r->by_move || (imap_session_can(r->session) & IMAP_CAN_UIDPLUS) != 0);
}

/* What is known of those that are MOVING: imap_reconcile_is_of_gone(). */
static int imap_reconcile_know(struct imap_reconcile *r, struct error *err)
{
    struct imap_evidence known[IMAP_RECORDS_MAX];
    for (size_t i = 0; i < r->count; i++)
        known[i] = (struct imap_evidence){.uidvalidity = r->items[i].record.uidvalidity,
                                          .uid = r->items[i].record.uid};
    if (r->host->evidence == NULL || r->host->evidence(r->host->context, known, r->count, err) < 0)
        return r->host->evidence == NULL ? 0 : -1;
    for (size_t i = 0; i < r->count; i++)
        if (r->items[i].record.step == IMAP_STEP_MOVING && known[i].step != IMAP_STEP_UNKNOWN)
            r->items[i].known = known[i];
    return 0;
}

static int imap_reconcile_copies(struct imap_reconcile *r, struct error *err)
{
    return r->by_move && imap_reconcile_know(r, err) < 0 ? -1 : imap_reconcile_targets(r, err);
}

static int imap_reconcile_page(struct imap_reconcile *r, struct error *err)
{
    bool looks = imap_reconcile_looks_for_copies(r);
    if (imap_reconcile_look(r, looks, err) < 0 || imap_reconcile_check(r, err) < 0 ||
        imap_reconcile_turn(r, err) < 0 || (looks && imap_reconcile_copies(r, err) < 0) ||
        imap_reconcile_await(r, err) < 0 || imap_reconcile_note(r, err) < 0)
        return -1;
    size_t gone = 0;
    for (size_t i = 0; i < r->count; i++) {
        const struct imap_record *record = &r->items[i].record;
        if (imap_set_add(r->reconciled, record->uid, record->uid) < 0)
            return error_oom(err, "looking for moved mail");
        if (!r->items[i].there)
            gone += r->items[i].unknown ? 0 : 1;
        else if (!r->items[i].left && imap_reconcile_move(r, record, err) < 0)
            return -1;
    }
    imap_host_log(r->host, IMAP_LOG_INFO,
                  "of %zu stored messages that were left in '%s' before, %zu are "
                  "gone from there, the others are moved now",
                  r->count, r->folders->mailbox.name, gone);
    return 0;
}

static void imap_reconcile_forget(struct imap_reconcile *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->items[i].elsewhere);
    r->count = 0;
}

static int imap_reconcile_keep(struct imap_reconcile *r, const struct imap_record *record,
                               struct error *err)
{
    const struct imap_folder *today =
        record->fate == IMAP_FATE_BAD ? &r->folders->badmail : &r->folders->dropbox;
    struct imap_unsettled *item = &r->items[r->count++];
    *item = (struct imap_unsettled){.record = *record};
    if (record->target == NULL || strcmp(record->target, today->path) == 0) {
        item->record.target = record->target == NULL ? NULL : today->path;
        return 0;
    }
    item->record.target = item->elsewhere = strdup(record->target);
    return item->elsewhere != NULL ? 0 : error_oom(err, "looking for moved mail");
}

/* The next page behind *after (step 0: from the start), which moves on. Records of another
 * numbering are counted, and done with where the host knows of numberings. */
static int imap_reconcile_read(struct imap_reconcile *r, struct imap_record *after,
                               size_t *out_read, struct error *err)
{
    struct imap_record records[IMAP_RECORDS_MAX];
    uint32_t uidvalidity = imap_session_selected(r->session)->uidvalidity;
    imap_reconcile_forget(r);
    if (r->host->unsettled(r->host->context, after->step != IMAP_STEP_UNKNOWN ? after : NULL,
                           records, IMAP_RECORDS_MAX, out_read, err) < 0)
        return -1;
    if (*out_read > 0)
        *after = records[*out_read - 1];
    after->target = NULL;
    size_t lost = 0;
    for (size_t i = 0; i < *out_read; i++) {
        if (records[i].uidvalidity == uidvalidity) {
            if (imap_reconcile_keep(r, &records[i], err) < 0)
                return -1;
            continue;
        }
        if (records[i].step < IMAP_STEP_COPIED)
            records[i].target_uid = 0; /* it was but a lower bound */
        records[i].step = IMAP_STEP_MOVED;
        records[lost++] = records[i];
    }
    r->strangers += lost;
    return lost > 0 && r->host->mailbox != NULL
               ? r->host->note(r->host->context, records, lost, err)
               : 0;
}

int imap_reconcile(struct imap_session *session, const struct imap_settings *settings,
                   const struct imap_host *host, struct imap_folders *folders,
                   struct imap_moves *moves, struct imap_set *reconciled, struct imap_again *again,
                   struct error *err)
{
    struct imap_record after = {0};
    size_t read = 0;
    int result = 0;
    struct imap_reconcile *r = calloc(1, sizeof *r);
    AUTO(digest) digest = digest_new();
    if (r == NULL || digest == NULL) {
        free(r);
        return error_oom(err, "looking for moved mail");
    }
    *r = (struct imap_reconcile){.session = session,
                                 .settings = settings,
                                 .host = host,
                                 .folders = folders,
                                 .moves = moves,
                                 .reconciled = reconciled,
                                 .again = again,
                                 .by_move = (imap_session_can(session) & IMAP_CAN_MOVE) != 0,
                                 .digest = digest};
    do {
        result = imap_reconcile_read(r, &after, &read, err);
        if (result == 0 && r->count > 0)
            result = imap_reconcile_page(r, err);
    } while (result == 0 && read == IMAP_RECORDS_MAX);
    if (r->strangers > 0)
        imap_host_log(host, IMAP_LOG_WARNING,
                      "'%s' was numbered anew (UIDVALIDITY) since %" PRIu64
                      " messages were stored and not yet moved: %s",
                      folders->mailbox.name, r->strangers,
                      host->mailbox != NULL ? "they are not in it any more"
                                            : "they cannot be told from new mail");
    imap_reconcile_forget(r);
    free(r);
    return result;
}
