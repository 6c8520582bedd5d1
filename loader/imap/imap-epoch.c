/* SPDX-License-Identifier: Apache-2.0 */
/* imap-epoch.c - a mailbox that was numbered anew. See imap-epoch.h. */
#include <config.h>
#include "imap-epoch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "imap-hold.h"
#include "imap-looks.h"
#include "imap-move.h"

static const char imap_epoch_doing[] = "looking for stored messages again";

/* What a message says that it is one of the rows with these. */
struct imap_claim {
    uint64_t message_id, size;
    bool contradicted; /* a message that is no other's says so, with other bytes */
};

struct imap_epoch {
    struct imap_session *session;
    const struct imap_settings *settings;
    const struct imap_host *host;
    const struct imap_folder *mailbox;
    struct imap_mailbox state;
    struct imap_evidence *rows; /* of another numbering, may be in the mailbox, with a digest */
    uint32_t *found;            /* for each row the UID it has now, 0: not found */
    size_t row_count, row_capacity, stayed_count; /* stayed: done with, and still in it */
    bool older; /* of those the ones from before the last numbering are read, else its own */
    bool stays; /* by the settings: then those that stayed should still be in it */
    uint64_t listed; /* messages in the mailbox */
    struct imap_look *looks;   /* messages that may be one of them, ascending UIDs ... */
    size_t look_count;         /* ... up to IMAP_EPOCH_LOOKS_MAX: it is not settled yet */
    uint64_t *sizes, *ids;     /* sizes and Message-IDs of the rows, ascending */
    struct imap_claim *claims; /* of the rows with a Message-ID, ascending, each once */
    size_t claim_count;
};

static void imap_epoch_done(struct imap_epoch *e)
{
    free(e->rows);
    free(e->found);
    free(e->looks);
    free(e->sizes);
    free(e->ids);
    free(e->claims);
}

/* ---- What is looked for ---------------------------------------------------------------------- */

static int imap_epoch_add_row(struct imap_epoch *e, const struct imap_record *record,
                              struct error *err)
{
    if (e->row_count == e->row_capacity) {
        size_t capacity = e->row_capacity == 0 ? 64 : e->row_capacity * 2;
        struct imap_evidence *rows = reallocarray(e->rows, capacity, sizeof *rows);
        if (rows == NULL)
            return error_oom(err, imap_epoch_doing);
        e->rows = rows;
        e->row_capacity = capacity;
    }
    e->rows[e->row_count++] =
        (struct imap_evidence){.uidvalidity = record->uidvalidity, .uid = record->uid};
    return 0;
}

/* Of another numbering, and it may be in the mailbox: what went to a folder is not. */
static bool imap_epoch_wants(const struct imap_epoch *e, const struct imap_record *record)
{
    if (record->uidvalidity == imap_session_selected(e->session)->uidvalidity)
        return false;
    if (record->step != IMAP_STEP_MOVED)
        return true;
    if (e->older != (record->uidvalidity != e->state.uidvalidity))
        return false;
    return e->stays ? record->target == NULL || e->settings->after == IMAP_AFTER_MOVE
                    : imap_moves_stayed(e->settings, imap_session_can(e->session), record);
}

/* unsettled() or settled() of the host. */
typedef int imap_epoch_walk(void *context, const struct imap_record *after,
                            struct imap_record *out_records, size_t capacity, size_t *out_count,
                            struct error *err);

static int imap_epoch_read_page(struct imap_epoch *e, imap_epoch_walk *walk,
                                const struct imap_record *behind, struct imap_record *out_last,
                                size_t *out_count, struct error *err)
{
    struct imap_record records[IMAP_RECORDS_MAX];
    if (walk(e->host->context, behind, records, IMAP_RECORDS_MAX, out_count, err) < 0)
        return -1;
    for (size_t i = 0; i < *out_count; i++)
        if (imap_epoch_wants(e, &records[i]) && imap_epoch_add_row(e, &records[i], err) < 0)
            return -1;
    if (*out_count > 0)
        *out_last = records[*out_count - 1];
    out_last->target = NULL;
    return 0;
}

/* Up to @most rows in all, and one page. */
static int imap_epoch_read_all(struct imap_epoch *e, imap_epoch_walk *walk, size_t most,
                               struct error *err)
{
    struct imap_record after = {0};
    size_t count = IMAP_RECORDS_MAX;
    while (count == IMAP_RECORDS_MAX && e->row_count <= most)
        if (imap_epoch_read_page(e, walk, after.uid != 0 ? &after : NULL, &after, &count, err) < 0)
            return -1;
    return 0;
}

/* Those of the last numbering lay in the mailbox when it was looked at last: none of them may be
 * left out. The older ones were not found again then, and may come back; they get the room that is
 * left. */
static int imap_epoch_read_stayed(struct imap_epoch *e, bool accept, struct error *err)
{
    size_t most = e->row_count + IMAP_EPOCH_STAYED_MAX;
    if (imap_epoch_read_all(e, e->host->settled, most, err) < 0)
        return -1;
    if (e->row_count > most && !accept)
        return imap_hold_set(
            e->host, e->mailbox, &e->state, IMAP_HOLD_NUMBERS, err,
            "it was numbered anew (UIDVALIDITY %u, now %u), and more than %u messages that were "
            "picked "
            "up may still be in it, too many to be looked for; take them out of it, then run "
            "pickup "
            "once with --accept-new-uids: those beyond the first %u are new mail then",
            e->state.uidvalidity, imap_session_selected(e->session)->uidvalidity,
            IMAP_EPOCH_STAYED_MAX, IMAP_EPOCH_STAYED_MAX);
    e->older = true;
    if (imap_epoch_read_all(e, e->host->settled, most, err) < 0)
        return -1;
    if (e->row_count > most)
        imap_host_log(e->host, IMAP_LOG_WARNING,
                      "more than %u messages were picked up and stayed in '%s': those of older "
                      "numberings are not all looked for",
                      IMAP_EPOCH_STAYED_MAX, e->mailbox->name);
    return 0;
}

/* Nothing is moved out of a mailbox that is held, so that they do not get fewer by themselves. */
static int imap_epoch_hold_unmoved(struct imap_epoch *e, struct error *err)
{
    return imap_hold_set(
        e->host, e->mailbox, &e->state, IMAP_HOLD_NUMBERS, err,
        "it was numbered anew (UIDVALIDITY %u, now %u), and more than %u stored messages that were "
        "not moved may still be in it, too many to be looked for; move them to the archive folder "
        "by hand, then run pickup once with --accept-new-uids: what is still there beyond the "
        "first %u is new mail then",
        e->state.uidvalidity, imap_session_selected(e->session)->uidvalidity, IMAP_EPOCH_ROWS_MAX,
        IMAP_EPOCH_ROWS_MAX);
}

static int imap_epoch_read_rows(struct imap_epoch *e, bool accept, struct error *err)
{
    e->stays = !imap_moves_leave(e->settings, imap_session_can(e->session));
    if (imap_epoch_read_all(e, e->host->unsettled, IMAP_EPOCH_ROWS_MAX, err) < 0)
        return -1;
    if (e->row_count > IMAP_EPOCH_ROWS_MAX && !accept)
        return imap_epoch_hold_unmoved(e, err);
    return e->host->settled != NULL ? imap_epoch_read_stayed(e, accept, err) : 0;
}

static int imap_epoch_compare_number(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int imap_epoch_compare_row(const void *a, const void *b)
{
    const struct imap_evidence *x = a, *y = b;
    int order = memcmp(x->sha256, y->sha256, sizeof x->sha256);
    int stayed = (x->step == IMAP_STEP_MOVED) - (y->step == IMAP_STEP_MOVED); /* those behind */
    if (order != 0 || stayed != 0)
        return order != 0 ? order : stayed;
    return x->uidvalidity != y->uidvalidity ? (x->uidvalidity > y->uidvalidity ? 1 : -1)
                                            : (x->uid > y->uid) - (x->uid < y->uid);
}

static int imap_epoch_compare_claim(const void *a, const void *b)
{
    const struct imap_claim *x = a, *y = b;
    int order = imap_epoch_compare_number(&x->message_id, &y->message_id);
    return order != 0 ? order : imap_epoch_compare_number(&x->size, &y->size);
}

static struct imap_claim *imap_epoch_find_claim(struct imap_epoch *e, uint64_t message_id,
                                                uint64_t size)
{
    const struct imap_claim key = {message_id, size, false};
    return e->claim_count == 0 ? NULL
                               : bsearch(&key, e->claims, e->claim_count, sizeof *e->claims,
                                         imap_epoch_compare_claim);
}

static void imap_epoch_read_claims(struct imap_epoch *e)
{
    size_t count = 0;
    for (size_t i = 0; i < e->row_count; i++)
        if (e->rows[i].message_id != 0)
            e->claims[count++] = (struct imap_claim){e->rows[i].message_id, e->rows[i].size, false};
    if (count > 0)
        qsort(e->claims, count, sizeof *e->claims, imap_epoch_compare_claim);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || imap_epoch_compare_claim(&e->claims[i - 1], &e->claims[i]) != 0)
            e->claims[e->claim_count++] = e->claims[i];
}

/* What the rows are known by. One without digest could never be confirmed: it is not looked for. */
static int imap_epoch_read_evidence(struct imap_epoch *e, struct error *err)
{
    size_t kept = 0;
    for (size_t at = 0; at < e->row_count; at += IMAP_RECORDS_MAX) {
        size_t some = e->row_count - at < IMAP_RECORDS_MAX ? e->row_count - at : IMAP_RECORDS_MAX;
        if (e->host->evidence(e->host->context, e->rows + at, some, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < e->row_count; i++)
        if (e->rows[i].step != IMAP_STEP_UNKNOWN && e->rows[i].has_sha256)
            e->rows[kept++] = e->rows[i];
    e->row_count = kept;
    e->found = calloc(kept + 1, sizeof *e->found);
    e->sizes = calloc(kept + 1, sizeof *e->sizes);
    e->ids = calloc(kept + 1, sizeof *e->ids);
    e->claims = calloc(kept + 1, sizeof *e->claims);
    if (e->found == NULL || e->sizes == NULL || e->ids == NULL || e->claims == NULL)
        return error_oom(err, imap_epoch_doing);
    for (size_t i = 0; i < kept; i++) {
        e->stayed_count += e->rows[i].step == IMAP_STEP_MOVED ? 1 : 0;
        e->sizes[i] = e->rows[i].size;
        e->ids[i] = e->rows[i].message_id;
    }
    if (kept > 0) {
        qsort(e->sizes, kept, sizeof *e->sizes, imap_epoch_compare_number);
        qsort(e->ids, kept, sizeof *e->ids, imap_epoch_compare_number);
        qsort(e->rows, kept, sizeof *e->rows, imap_epoch_compare_row);
    }
    imap_epoch_read_claims(e);
    return 0;
}

/* ---- What is found --------------------------------------------------------------------------- */

/* Does it claim to be one of the rows? Where there are some without a Message-ID on record the size
 * alone is enough of a claim. */
static bool imap_epoch_claims_any(const struct imap_epoch *e, const struct imap_look *look)
{
    bool nameless = e->ids[0] == 0 && bsearch(&look->size, e->sizes, e->row_count, sizeof *e->sizes,
                                              imap_epoch_compare_number) != NULL;
    return nameless ||
           (look->message_id != 0 && bsearch(&look->message_id, e->ids, e->row_count,
                                             sizeof *e->ids, imap_epoch_compare_number) != NULL);
}

/* The row with this digest that is not found yet: of equal messages the oldest first, so that among
 * them those that are found stand before those that are not. */
static bool imap_epoch_confirm(struct imap_epoch *e, const struct imap_look *look)
{
    size_t low = 0, high = e->row_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(e->rows[middle].sha256, look->sha256, sizeof look->sha256);
        if (order < 0 || (order == 0 && e->found[middle] != 0))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == e->row_count || memcmp(e->rows[low].sha256, look->sha256, sizeof look->sha256) != 0)
        return false;
    e->found[low] = look->uid;
    return true;
}

/* Its bytes are here: it is one of the rows, or it contradicts those that it claims to be. */
static void imap_epoch_judge(struct imap_epoch *e, const struct imap_look *look)
{
    if (imap_epoch_confirm(e, look) || look->message_id == 0)
        return;
    struct imap_claim *claim = imap_epoch_find_claim(e, look->message_id, look->size);
    if (claim != NULL)
        claim->contradicted = true;
}

/* Which are they? Of equal messages the lowest UIDs come first: so they do here, however many are
 * settled at a time. */
static int imap_epoch_match(struct imap_epoch *e, struct error *err)
{
    size_t count = e->look_count;
    e->look_count = 0;
    if (imap_looks_ask(e->session, e->looks, count, IMAP_LOOKS_MESSAGE_ID, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        e->looks[i].wanted = imap_epoch_claims_any(e, &e->looks[i]);
    if (imap_looks_ask(e->session, e->looks, count, IMAP_LOOKS_SHA256, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (e->looks[i].wanted && e->looks[i].has_sha256)
            imap_epoch_judge(e, &e->looks[i]);
    return 0;
}

/* ---- Where it is looked for ------------------------------------------------------------------ */

static bool imap_epoch_has_size(const struct imap_epoch *e, uint64_t size)
{
    size_t low = 0, high = e->row_count;
    while (low < high) { /* the first that is not smaller and far away */
        size_t middle = low + (high - low) / 2;
        if (e->sizes[middle] < size && !imap_looks_near(e->sizes[middle], size))
            low = middle + 1;
        else
            high = middle;
    }
    return low < e->row_count && imap_looks_near(e->sizes[low], size);
}

/* It may be one of them. */
static int imap_epoch_add_look(struct imap_epoch *e, const struct imap_look *look,
                               struct error *err)
{
    if (e->look_count == IMAP_EPOCH_LOOKS_MAX && imap_epoch_match(e, err) < 0)
        return -1;
    e->looks[e->look_count++] = *look;
    return 0;
}

/* One window of the mailbox: those with the size of a row stay. */
static int imap_epoch_list_window(struct imap_epoch *e, struct imap_set *window, struct error *err)
{
    struct imap_look looks[IMAP_LOOKS_WINDOW];
    size_t count = 0;
    for (size_t i = 0; i < window->count; i++)
        for (uint64_t uid = window->ranges[i].first; uid <= window->ranges[i].last; uid++)
            looks[count++] = (struct imap_look){.uid = (uint32_t)uid, .wanted = true};
    if (imap_looks_ask(e->session, looks, count, IMAP_LOOKS_SIZE, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        e->listed += looks[i].there ? 1 : 0;
        if (looks[i].there && imap_epoch_has_size(e, looks[i].size) &&
            imap_epoch_add_look(e, &looks[i], err) < 0)
            return -1;
    }
    return 0;
}

static int imap_epoch_list(struct imap_epoch *e, struct error *err)
{
    struct imap_set all;
    int result;
    imap_set_init(&all);
    result = imap_looks_search(e->session, "ALL", &all, NULL, err);
    while (result == 0 && all.count > 0) {
        struct imap_set window;
        imap_set_init(&window);
        if (imap_set_take(&all, IMAP_LOOKS_WINDOW, &window) < 0)
            result = error_oom(err, imap_epoch_doing);
        else
            result = imap_epoch_list_window(e, &window, err);
        imap_set_done(&window);
    }
    imap_set_done(&all);
    return result;
}

static int imap_epoch_look(struct imap_epoch *e, struct error *err)
{
    e->looks = calloc(IMAP_EPOCH_LOOKS_MAX, sizeof *e->looks);
    if (e->looks == NULL)
        return error_oom(err, imap_epoch_doing);
    return imap_epoch_list(e, err) < 0 || imap_epoch_match(e, err) < 0 ? -1 : 0;
}

/* ---- What that makes ------------------------------------------------------------------------- */

static uint64_t imap_epoch_count_found(const struct imap_epoch *e, bool stayed)
{
    uint64_t found = 0;
    for (size_t i = 0; i < e->row_count; i++)
        found += e->found[i] != 0 && stayed == (e->rows[i].step == IMAP_STEP_MOVED) ? 1 : 0;
    return found;
}

/* Rows that were not found though a message with their size and Message-ID, which is no other's, is
 * there with other bytes. */
static uint64_t imap_epoch_count_contradicted(struct imap_epoch *e)
{
    uint64_t count = 0;
    for (size_t i = 0; i < e->row_count; i++) {
        const struct imap_evidence *row = &e->rows[i];
        const struct imap_claim *claim = imap_epoch_find_claim(e, row->message_id, row->size);
        count += e->found[i] == 0 && claim != NULL && claim->contradicted ? 1 : 0;
    }
    return count;
}

/* ---- What follows from it -------------------------------------------------------------------- */

static int imap_epoch_adopt(struct imap_epoch *e, struct error *err)
{
    uint32_t uidvalidity = imap_session_selected(e->session)->uidvalidity;
    struct imap_adoption *items = calloc(e->row_count + 1, sizeof *items);
    size_t count = 0;
    if (items == NULL)
        return error_oom(err, imap_epoch_doing);
    for (size_t i = 0; i < e->row_count; i++)
        if (e->found[i] != 0)
            items[count++] = (struct imap_adoption){e->rows[i].uidvalidity, e->rows[i].uid,
                                                    uidvalidity, e->found[i]};
    imap_host_log(e->host, IMAP_LOG_WARNING,
                  "'%s' was numbered anew (UIDVALIDITY %u, now %u); of %zu stored messages that "
                  "may still be in it %zu were found again and keep their entries",
                  e->mailbox->name, e->state.uidvalidity, uidvalidity, e->row_count, count);
    e->state.uidvalidity = uidvalidity;
    e->state.held = IMAP_HOLD_NONE;
    int result = e->host->adopt(e->host->context, items, count, &e->state, err);
    free(items);
    return result;
}

static int imap_epoch_decide(struct imap_epoch *e, bool accept, struct error *err)
{
    uint32_t uidvalidity = imap_session_selected(e->session)->uidvalidity;
    uint64_t unmoved = e->row_count - e->stayed_count,
             unmoved_found = imap_epoch_count_found(e, false);
    uint64_t stayed = e->stayed_count < e->listed ? e->stayed_count : e->listed;
    uint64_t stayed_found = imap_epoch_count_found(e, true);
    if (!e->stays) /* whoever was told to move mail since may have been */
        stayed = stayed_found;
    uint64_t contradicted = imap_epoch_count_contradicted(e);
    if (accept || (imap_hold_found_enough(unmoved, unmoved_found, contradicted) &&
                   imap_hold_found_enough(stayed, stayed_found, contradicted)))
        return imap_epoch_adopt(e, err);
    return imap_hold_set(
        e->host, e->mailbox, &e->state, IMAP_HOLD_NUMBERS, err,
        "it was numbered anew (UIDVALIDITY %u, now %u), and of %" PRIu64 " stored messages that "
        "should still be in it %" PRIu64 " were found again, %" PRIu64
        " were altered; see whether it is "
        "the right mailbox, then run pickup once with --accept-new-uids: what was not found again "
        "is new mail then",
        e->state.uidvalidity, uidvalidity, unmoved + stayed, unmoved_found + stayed_found,
        contradicted);
}

/* This change is written down with whatever is decided; after a release the count starts afresh. */
static void imap_epoch_count_change(struct imap_epoch *e, bool accept)
{
    int64_t *at = e->state.changed_s;
    if (accept)
        at[1] = at[2] = 0;
    else
        for (size_t i = IMAP_CHANGES - 1; i > 0; i--)
            at[i] = at[i - 1];
    at[0] = clock_unix_s(&e->host->clock);
}

static bool imap_epoch_is_flapping(const struct imap_epoch *e)
{
    const int64_t *at = e->state.changed_s;
    return at[IMAP_CHANGES - 1] != 0 && at[0] - at[IMAP_CHANGES - 1] <= IMAP_FLAPPING_S;
}

static int imap_epoch_changed(struct imap_epoch *e, bool accept, struct error *err)
{
    if (e->host->adopt == NULL) {
        imap_host_log(e->host, IMAP_LOG_WARNING,
                      "'%s' was numbered anew (UIDVALIDITY): a pick-up that is no dry run looks "
                      "for stored messages in it first",
                      e->mailbox->name);
        return 0;
    }
    imap_epoch_count_change(e, accept);
    if (imap_epoch_is_flapping(e))
        return imap_hold_set(
            e->host, e->mailbox, &e->state, IMAP_HOLD_FLAPPING, err,
            "the server numbered it anew (UIDVALIDITY) %u times within a day, so messages cannot "
            "be "
            "told apart for long; tell its administrator, then run pickup once with "
            "--accept-new-uids",
            IMAP_CHANGES);
    if (imap_epoch_read_rows(e, accept, err) < 0 || imap_epoch_read_evidence(e, err) < 0 ||
        (e->row_count > 0 && imap_epoch_look(e, err) < 0))
        return -1;
    return imap_epoch_decide(e, accept, err);
}

/* UIDNEXT can only grow (RFC 9051 s.2.3.1.1). */
static int imap_epoch_reused(struct imap_epoch *e, struct error *err)
{
    return imap_hold_set(
        e->host, e->mailbox, &e->state, IMAP_HOLD_REUSED, err,
        "the server gives its next message UID %u, but message %u was there before, so UIDs mean "
        "two messages; it was probably restored from a backup: have its administrator give it a "
        "new UIDVALIDITY, then run pickup once with --accept-new-uids",
        imap_session_selected(e->session)->uidnext, e->state.highest_uid);
}

int imap_epoch_begin(const struct imap_host *host, const struct imap_folder *mailbox,
                     struct imap_mailbox *out_before, struct error *err)
{
    *out_before = (struct imap_mailbox){.uidvalidity = 0};
    return host->mailbox != NULL ? host->mailbox(host->context, mailbox->path, out_before, err) : 0;
}

int imap_epoch(struct imap_session *session, const struct imap_settings *settings,
               const struct imap_host *host, const struct imap_folder *mailbox,
               const struct imap_mailbox *before, bool accept, struct error *err)
{
    const struct imap_selected *selected = imap_session_selected(session);
    struct imap_epoch e = {.session = session,
                           .settings = settings,
                           .host = host,
                           .mailbox = mailbox,
                           .state = *before};
    if (host->mailbox == NULL || host->evidence == NULL)
        return 0;
    if (e.state.held != IMAP_HOLD_NONE && !accept)
        return error_set(err, ERROR_HELD, "%s", e.state.why);
    if (e.state.uidvalidity != 0 && e.state.uidvalidity != selected->uidvalidity) {
        int result = imap_epoch_changed(&e, accept, err);
        imap_epoch_done(&e);
        return result;
    }
    if (selected->uidnext != 0 && selected->uidnext <= e.state.highest_uid)
        return imap_epoch_reused(&e, err);
    if (host->adopt == NULL ||
        (e.state.uidvalidity == selected->uidvalidity && e.state.held == IMAP_HOLD_NONE))
        return 0;
    e.state.uidvalidity = selected->uidvalidity;
    e.state.held = IMAP_HOLD_NONE;
    return host->adopt(host->context, NULL, 0, &e.state, err);
}
