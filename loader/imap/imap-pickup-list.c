/* SPDX-License-Identifier: Apache-2.0 */
/* imap-pickup-list.c - from SEARCH to a listing of what is to be fetched. See imap-pickup.h. */
#include <config.h>
#include "imap-pickup-private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define IMAP_SEARCH_ROOM 8u /* of what may be held, the part that a sort must free */

/* ---- Searching ------------------------------------------------------------------------------- */

/* What begins at @first, and all behind it, is left to a later search. */
static void imap_search_leave(struct imap_pickup *p, uint32_t first,
                              const struct imap_range *ranges, size_t count)
{
    p->beyond = first < p->beyond ? first : p->beyond;
    for (size_t i = 0; i < count; i++)
        p->beyond_count += (uint64_t)ranges[i].last - ranges[i].first + 1;
}

/* As much is held as may be. What comes behind all of it is left to a later search; else the server
 * tells in no order, and the higher half is left, unless putting it in order has freed an eighth:
 * a sort is paid for by an eighth of what may be held, whatever the server tells. */
static void imap_search_make_room(struct imap_pickup *p, uint32_t next)
{
    struct imap_set *todo = &p->todo;
    imap_set_sort(todo);
    bool full = todo->count >= p->pieces;
    if (!full && p->pieces - todo->count >= p->pieces / IMAP_SEARCH_ROOM)
        return;
    bool behind = full && next > todo->ranges[todo->count - 1].last;
    size_t kept = behind ? todo->count : todo->count / 2;
    imap_search_leave(p, behind ? next : todo->ranges[kept].first, todo->ranges + kept,
                      todo->count - kept);
    todo->count = kept;
}

/* The lowest UIDs are held, in whatever order they come; of a search that goes on with the last one
 * not what that one had found, whatever the server answers. */
static int imap_search_data(void *context, const struct imap_event *event, bool *out_taken,
                            struct error *err)
{
    struct imap_pickup *p = context;
    struct imap_range range = {event->range.first, event->range.last};
    if (event->kind != IMAP_EVENT_SEARCH)
        return 0;
    *out_taken = true;
    if (range.last < p->search_from)
        return 0;
    range.first = range.first > p->search_from ? range.first : p->search_from;
    if (p->todo.count >= p->pieces && range.first < p->beyond)
        imap_search_make_room(p, range.first);
    if (range.first >= p->beyond)
        imap_search_leave(p, range.first, &range, 1);
    else if (imap_set_add(&p->todo, range.first, range.last) < 0)
        return error_oom(err, "searching");
    return 0;
}

/* It need not be listed again; the ledger knows what does not fit, if more slowly. */
static int imap_pickup_handle(struct imap_pickup *p, uint32_t first, uint32_t last)
{
    if (p->handled.count >= p->pieces)
        imap_set_clear(&p->handled);
    return imap_set_add(&p->handled, first, last);
}

/* The server said NO. For one of several folders that is the end of this folder alone, unless it
 * asks for a pause. */
static int imap_pickup_answered_no(struct imap_pickup *p, const struct imap_event *answer,
                                   enum error_class class, const char *what, const char *hint,
                                   struct error *err)
{
    if (p->options.session == NULL)
        return imap_answer_error(answer, class, what, hint, err);
    (void)imap_answer_folder_error(answer, class, what, hint, err);
    if (answer->status != IMAP_NO || err->class == ERROR_PAUSE)
        return -1;
    p->refusal = *err;
    p->refused = true;
    return 0;
}

/* For a progress bar; who gave us a session counts for itself. */
static void imap_pickup_expect(struct imap_pickup *p, uint64_t messages)
{
    p->expected = messages;
    if (p->options.session == NULL)
        p->host->progress(p->host->context, messages);
}

static int imap_search_done(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_pickup *p = context;
    p->searching = false;
    if (answer->status != IMAP_OK)
        return imap_pickup_answered_no(p, answer,
                                       p->settings->search != NULL ? ERROR_CONFIG : ERROR_PROTOCOL,
                                       "UID SEARCH", "check search in the connection string", err);
    uint64_t found = imap_set_size(&p->todo) + p->beyond_count;
    if (found > (uint64_t)imap_session_selected(p->session)->exists + IMAP_SET_RANGES_MAX)
        return error_set(err, ERROR_PROTOCOL,
                         "the server finds more messages (%" PRIu64 ") than there are "
                         "in the mailbox; try again later, or tell its administrator",
                         found);
    p->search_from = p->beyond <= UINT32_MAX ? (uint32_t)p->beyond : 0;
    if (imap_set_subtract(&p->todo, &p->handled) < 0 ||
        imap_set_subtract(&p->todo, &p->missed) < 0 ||
        imap_set_subtract(&p->todo, &p->reconciled) < 0)
        return error_oom(err, "searching");
    p->found = imap_set_size(&p->todo);
    imap_pickup_expect(p, p->planned - p->planned_before + p->found + p->beyond_count);
    return 0;
}

/* Mail that after=Flag left is to be moved now: of what bears our keyword the ledger tells it from
 * originals beside their copies. Not after=Delete: the ledger does not tell what stayed from what
 * was deleted. */
static bool imap_pickup_takes_marked(const struct imap_pickup *p)
{
    return !p->options.read_only && p->settings->after == IMAP_AFTER_MOVE &&
           imap_moves_leave(p->settings, imap_session_can(p->session));
}

void imap_pickup_search_command(struct imap_session *session, const struct imap_settings *settings,
                                bool marked, struct imap_command *out_command)
{
    const char *search = settings->search;
    bool esearch = (imap_session_can(session) & IMAP_CAN_ESEARCH) != 0;
    bool eight_bit = false;
    for (const char *at = search; at != NULL && *at != '\0'; at++)
        eight_bit = eight_bit || (*at & 0x80) != 0;
    imap_command_init(out_command, "UID SEARCH ");
    imap_command_add(out_command, esearch ? "RETURN (ALL) " : "");
    imap_command_add(out_command, eight_bit ? "CHARSET UTF-8 " : "");
    imap_command_add(out_command, "UNDELETED");
    /* An archive takes what another source has picked up, too. */
    if (imap_session_selected(session)->keywords && settings->folders == NULL && !marked)
        imap_command_add(out_command, " UNKEYWORD " IMAP_KEYWORD);
    if (search != NULL) {
        imap_command_add(out_command, " ");
        imap_command_add(out_command, search);
    }
}

/* What was missed is looked for again when its pause is over; until then it stays left. */
static int imap_pickup_begin_pass(struct imap_pickup *p, struct error *err)
{
    p->brought = false;
    p->again.before = p->again.highest;
    if (clock_monotonic_ms(&p->host->clock) < p->missed_ms)
        return 0;
    if (imap_set_subtract(&p->handled, &p->missed) < 0)
        return error_oom(err, "searching");
    imap_set_clear(&p->missed);
    p->missed_due = true;
    p->left_count = 0;
    return 0;
}

void imap_pickup_plan_missed(struct imap_pickup *p)
{
    uint64_t size = imap_set_size(&p->missed);
    if (size > p->missed_before && !p->missed_due)
        p->missed_ms = 0; /* another one: it waits for no more than the next search */
    p->missed_before = size;
    if (size == 0)
        p->missed_pause_ms = 0;
    if (size == 0 || !p->missed_due)
        return;
    p->missed_due = false;
    p->missed_ms = clock_monotonic_ms(&p->host->clock) + p->missed_pause_ms;
    p->missed_pause_ms = imap_pickup_longer_pause(p->missed_pause_ms);
}

int imap_pickup_search(struct imap_pickup *p, struct error *err)
{
    struct imap_call call = {
        .what = "UID SEARCH", .context = p, .data = imap_search_data, .done = imap_search_done};
    struct imap_command command;
    char from[40];
    imap_pickup_search_command(p->session, p->settings, imap_pickup_takes_marked(p), &command);
    if (p->search_from != 0) {
        (void)snprintf(from, sizeof from, " UID %u:*", p->search_from);
        imap_command_add(&command, from);
    }
    /* A search that goes on does so with what lay there at the last one. */
    if ((p->search_from == 0 && imap_pickup_begin_pass(p, err) < 0) ||
        imap_set_subtract(&p->handled, &p->unlisted) < 0 ||
        imap_set_subtract(&p->handled, &p->later) < 0) {
        imap_command_done(&command);
        return error_oom(err, "searching");
    }
    imap_set_clear(&p->unlisted);
    imap_set_clear(&p->later);
    imap_set_clear(&p->todo);
    p->beyond = UINT64_MAX;
    p->beyond_count = 0;
    p->listing_again = p->listing_refused = p->listed_any = false;
    p->turn = 0;
    p->searched = p->searching = true;
    p->struck = 0;
    imap_session_forget_news(p->session);
    p->next_poll_ms = clock_monotonic_ms(&p->host->clock) + p->settings->poll_ms;
    return imap_session_send(p->session, &command, &call, err);
}

/* ---- What one of several folders need not be asked for --------------------------------------- */

/* A walk along todo, from the first that the ledger was not asked about. */
struct imap_strike {
    size_t at;     /* range of todo ... */
    uint32_t next; /* ... or, in it, the UID from which on it is to be gone through */
    size_t ahead;  /* strangers so far */
    struct imap_set known;
};

/* What was asked about before are strangers, and stand in front. */
static void imap_strike_begin(const struct imap_pickup *p, struct imap_strike *strike)
{
    const struct imap_set *todo = &p->todo;
    *strike = (struct imap_strike){.next = p->struck + 1};
    imap_set_init(&strike->known);
    while (strike->at < todo->count && strike->ahead < IMAP_WINDOW_MAX) {
        const struct imap_range *range = &todo->ranges[strike->at];
        if (range->first > p->struck)
            return;
        uint32_t last = range->last < p->struck ? range->last : p->struck;
        strike->ahead += (size_t)last - range->first + 1;
        if (last < range->last)
            return;
        strike->at++;
    }
}

/* The next UIDs; returns how many. */
static size_t imap_strike_take(struct imap_pickup *p, struct imap_strike *strike,
                               struct imap_record *out)
{
    uint32_t uidvalidity = imap_session_selected(p->session)->uidvalidity;
    size_t count = 0;
    for (; strike->at < p->todo.count; strike->at++) {
        const struct imap_range *range = &p->todo.ranges[strike->at];
        uint64_t uid = range->first > strike->next ? range->first : strike->next;
        for (; uid <= range->last && count < IMAP_RECORDS_MAX; uid++)
            out[count++] = (struct imap_record){.uidvalidity = uidvalidity, .uid = (uint32_t)uid};
        if (uid <= range->last)
            break;
    }
    if (count > 0)
        p->struck = out[count - 1].uid;
    strike->next = p->struck < UINT32_MAX ? p->struck + 1 : UINT32_MAX;
    return count;
}

static int imap_strike_window(struct imap_pickup *p, struct imap_strike *strike, struct error *err)
{
    struct imap_record records[IMAP_RECORDS_MAX];
    size_t count = imap_strike_take(p, strike, records);
    if (p->host->cancelled(p->host->context))
        return error_set(err, ERROR_CANCELLED, "cancelled");
    if (p->host->known(p->host->context, records, count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        uint32_t uid = records[i].uid;
        if (records[i].step < IMAP_STEP_STORED)
            strike->ahead++;
        else if (imap_pickup_handle(p, uid, uid) < 0 || imap_set_add(&strike->known, uid, uid) < 0)
            return error_oom(err, "searching");
        else if (records[i].step == IMAP_STEP_MOVED)
            imap_again_see(&p->again, uid);
    }
    return 0;
}

int imap_pickup_strike(struct imap_pickup *p, struct error *err)
{
    struct imap_strike strike;
    int failed = 0;
    if (p->options.session == NULL || p->searching || p->listing_sent || p->listing_ready)
        return 0;
    imap_set_sort(&p->todo);
    imap_strike_begin(p, &strike);
    while (failed == 0 && strike.ahead < IMAP_WINDOW_MAX && strike.at < p->todo.count)
        failed = imap_strike_window(p, &strike, err);
    if (failed == 0 && strike.known.count > 0 && imap_set_subtract(&p->todo, &strike.known) < 0)
        failed = error_oom(err, "searching");
    imap_set_done(&strike.known);
    return failed;
}

/* ---- Data of messages ------------------------------------------------------------------------ */

/* A rule looks at the header that came before the end of this FETCH response: none for NIL. */
static int imap_pickup_apply_rules(struct imap_pickup *p, struct imap_entry *entry,
                                   struct error *err)
{
    struct span header = {(const uint8_t *)buffer_text(&p->header), p->header.len};
    bool take = true, undecided = false;
    if (imap_rules_take(&p->rules, header, &take, &undecided, err) < 0)
        return -1;
    if (undecided)
        imap_host_log(p->host, IMAP_LOG_WARNING,
                      "message %u: a rule (accept, skip) ran into the limits of "
                      "its expression, which counts as no match",
                      entry->uid);
    entry->left = !take;
    return 0;
}

int imap_pickup_listed(struct imap_pickup *p, const struct imap_fetch *fetch, struct error *err)
{
    struct imap_entry *entry = imap_entry_find(p->listing, p->listing_count, fetch->uid);
    if (!p->listing_sent || entry == NULL)
        return 0; /* unasked */
    bool sized = (fetch->has & IMAP_FETCH_SIZE) != 0;
    bool deleted = (fetch->flags & IMAP_FLAG_DELETED) != 0;
    bool headless =
        sized && !deleted && imap_rules_any(&p->rules) && (fetch->has & IMAP_FETCH_HEADER) == 0;
    entry->answered = !entry->listed && (!sized || headless);
    entry->headless = !entry->listed && headless;
    if (!sized || headless)
        return 0; /* or the news of a flag */
    entry->listed = true;
    entry->deleted = deleted;
    entry->size = fetch->size;
    entry->has_date = (fetch->has & IMAP_FETCH_DATE) != 0;
    entry->date_s = fetch->date_s;
    entry->date_offset_min = fetch->date_offset_min;
    entry->left = false;
    entry->marked = (fetch->flags & IMAP_FLAG_MARKED) != 0 && p->settings->folders == NULL;
    return !imap_rules_any(&p->rules) || deleted ? 0 : imap_pickup_apply_rules(p, entry, err);
}

/* ---- Room ---------------------------------------------------------------------------------------
 */

int imap_pickup_make_room(struct imap_pickup *p, struct error *err)
{
    if (p->room != NULL)
        return 0;
    p->room = malloc(sizeof *p->room); /* an entry is written before it is counted */
    if (p->room == NULL)
        return error_oom(err, "listing mail");
    p->listing = p->room->listing;
    p->listed = p->room->listed;
    for (size_t i = 0; i < IMAP_WINDOWS; i++)
        p->windows[i].entries = p->room->windows[i];
    return 0;
}

void imap_pickup_drop_room(struct imap_pickup *p)
{
    free(TAKE(p->room));
    p->listing = p->listed = NULL;
    for (size_t i = 0; i < IMAP_WINDOWS; i++)
        p->windows[i].entries = NULL;
}

/* ---- Listing --------------------------------------------------------------------------------- */

/* Why this one is not to be fetched, or NULL. */
static int imap_entry_judge(const struct imap_pickup *p, struct imap_entry *entry,
                            struct error *err)
{
    int n = 0;
    if (entry->attempts >= IMAP_ATTEMPTS_MAX)
        n = asprintf(&entry->error,
                     "%u attempts to load message %u did not come to an end; it is set "
                     "aside, look at it in the badmail folder",
                     entry->attempts, entry->uid);
    else if (entry->size > p->settings->max_size)
        n = asprintf(&entry->error,
                     "message has %" PRIu64 " bytes, maxSize allows %" PRIu64
                     "; raise maxSize to load it",
                     entry->size, p->settings->max_size);
    if (n >= 0)
        return 0;
    entry->error = NULL;
    return error_oom(err, "listing mail");
}

/* It is stored, and not moved yet. One whose move is under way is another run's, which was here
 * while this one waited: its copy may be there, and is looked for before it is ordered again. */
static int imap_listing_move(struct imap_pickup *p, const struct imap_record *record,
                             struct error *err)
{
    p->others_moves = p->others_moves || record->step == IMAP_STEP_MOVING;
    return record->step == IMAP_STEP_MOVING ? 0 : imap_moves_add(p->moves, record, err);
}

/* What the ledger says of each message in the listing. */
static int imap_listing_known(struct imap_pickup *p, struct error *err)
{
    const struct imap_selected *selected = imap_session_selected(p->session);
    struct imap_record records[IMAP_WINDOW_MAX];
    uint64_t known = 0;
    for (size_t i = 0; i < p->listing_count; i++)
        records[i] =
            (struct imap_record){.uidvalidity = selected->uidvalidity, .uid = p->listing[i].uid};
    if (p->listing_count > 0 &&
        p->host->known(p->host->context, records, p->listing_count, err) < 0)
        return -1;
    for (size_t i = 0; i < p->listing_count; i++) {
        struct imap_entry *entry = &p->listing[i];
        if (records[i].step >= IMAP_STEP_STORED) {
            entry->left = true;
            known++;
            if (records[i].step == IMAP_STEP_MOVED)
                imap_again_see(&p->again, entry->uid);
            if (records[i].step < IMAP_STEP_MOVED && !p->options.read_only &&
                imap_listing_move(p, &records[i], err) < 0)
                return -1;
        } else if (entry->marked) { /* another queue's, or ours before the queue was lost */
            entry->left = true;
            known++;
        }
        entry->attempts = records[i].step == IMAP_STEP_UNKNOWN ? 0 : records[i].attempts;
        if (imap_entry_judge(p, entry, err) < 0)
            return -1;
        if (p->options.read_only)
            entry->attempts = 0; /* nothing is counted, so nothing has to go alone */
    }
    if (known > 0)
        imap_pickup_expect(p, p->expected - (known < p->expected ? known : p->expected));
    return imap_again_collect(p, records, err);
}

/* Out of the listing: what did not come (it is gone), and what is to be left. */
static void imap_listing_keep(struct imap_pickup *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->listing_count; i++) {
        if (p->listing[i].listed && !p->listing[i].left && !p->listing[i].deleted)
            p->listing[kept++] = p->listing[i];
        else
            imap_entry_done(&p->listing[i]);
    }
    p->listing_count = kept;
}

/* What was searched for and found, and is not listed: mostly it went meanwhile. It is asked for
 * once more in this pass, when all else is listed, and then left for the next. */
static int imap_listing_miss(struct imap_pickup *p, struct error *err)
{
    struct imap_set *missed = p->listing_again ? &p->missed : &p->unlisted;
    uint32_t first = 0;
    size_t count = 0;
    struct error why;
    for (size_t i = 0; i < p->listing_count; i++) {
        uint32_t uid = p->listing[i].uid;
        p->listed_any = p->listed_any || p->listing[i].listed;
        if (p->listing[i].listed)
            continue;
        first = count++ == 0 ? uid : first;
        error_set(&why, ERROR_LINK,
                  "its %s is not told; try again later, or tell the server's administrator",
                  p->listing[i].headless ? "header" : "size");
        if (p->listing_again && p->listing[i].answered)
            imap_pickup_leave_behind(p, uid, &why);
        if (imap_set_add(missed, uid, uid) < 0)
            return error_oom(err, "listing mail");
    }
    if (p->listing_again && count > 0)
        imap_host_log(p->host, IMAP_LOG_WARNING,
                      "the server does not tell the %s of %zu messages that it found in '%s', "
                      "message %u first, or they went meanwhile; left for a later run",
                      imap_rules_any(&p->rules) ? "size and header" : "size", count,
                      p->folders.mailbox.name, first);
    return 0;
}

/* Marked as deleted since it was found: that may be taken back, and then it is to be found again.
 * More than may be held are left to the next session. */
static int imap_listing_miss_deleted(struct imap_pickup *p, struct error *err)
{
    for (size_t i = 0; i < p->listing_count; i++) {
        const struct imap_entry *entry = &p->listing[i];
        if (entry->deleted && p->missed.count < p->pieces &&
            imap_set_add(&p->missed, entry->uid, entry->uid) < 0)
            return error_oom(err, "listing mail");
    }
    return 0;
}

/* All is listed: now for what was missed. */
static int imap_listing_repeat(struct imap_pickup *p, struct error *err)
{
    if (p->todo.count > 0 || p->unlisted.count == 0)
        return 0;
    p->listing_again = true;
    if (imap_set_take(&p->unlisted, UINT32_MAX, &p->todo) < 0)
        return error_oom(err, "listing mail");
    return 0;
}

/* A server may say NO when some of them were expunged by somebody else (RFC 2180 s.4.1.2), or when
 * it cannot read one of them: what came counts, and the others are asked for once more, each alone.
 * Nothing at all in that way either is a failure. */
static int imap_listing_refused(struct imap_pickup *p, const struct imap_event *answer,
                                struct error *err)
{
    struct error why;
    (void)imap_answer_messages_error(answer, ERROR_LINK, "listing mail", "try again later", &why);
    p->listing_refused = true;
    if (answer->status == IMAP_NO && why.class != ERROR_PAUSE &&
        (!p->listing_again || p->listed_any || p->todo.count > 0)) {
        if (p->listing_again && !p->listing[0].listed && !p->listing[0].answered)
            imap_pickup_leave_behind(p, p->listing[0].uid, &why);
        return 0;
    }
    return imap_pickup_answered_no(p, answer, ERROR_PROTOCOL, "listing mail", "try again later",
                                   err);
}

static int imap_listing_done(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_pickup *p = context;
    p->listing_sent = false;
    if (imap_listing_miss(p, err) < 0 || imap_listing_miss_deleted(p, err) < 0 ||
        (answer->status != IMAP_OK && imap_listing_refused(p, answer, err) < 0) ||
        imap_listing_repeat(p, err) < 0)
        return -1;
    imap_listing_keep(p);
    if (imap_listing_known(p, err) < 0)
        return -1;
    imap_listing_keep(p);
    p->listing_ready = p->again.count == 0;
    p->listing_sent = !p->listing_ready; /* it is complete when that was looked at */
    return 0;
}

int imap_listing_inspect(struct imap_pickup *p, struct error *err)
{
    for (size_t i = 0; i < IMAP_WINDOWS; i++)
        if (p->windows[i].state == IMAP_WINDOW_SENT)
            return 0;
    /* Whole messages may be looked at: those are not for the reader. */
    if (imap_session_read_no_more(p->session, err) < 0 || imap_again_inspect(p, err) < 0)
        return -1;
    imap_listing_keep(p);
    p->listing_sent = false;
    p->listing_ready = true;
    return 0;
}

/* The next UIDs, of which nothing else is known: where the server said NO before, and of those that
 * were tried twice, one alone. */
static int imap_listing_take(struct imap_pickup *p, struct error *err)
{
    bool alone = (p->listing_again && p->listing_refused) || p->turn > 1;
    struct imap_set window;
    imap_set_init(&window);
    if (imap_set_take(&p->todo, alone ? 1 : IMAP_WINDOW_MAX, &window) < 0)
        return error_oom(err, "listing mail");
    p->listing_count = 0;
    for (size_t i = 0; i < window.count; i++) {
        if (imap_pickup_handle(p, window.ranges[i].first, window.ranges[i].last) < 0)
            imap_set_clear(&p->handled);
        if (window.ranges[i].last > p->again.highest)
            p->again.highest = window.ranges[i].last;
        for (uint64_t uid = window.ranges[i].first; uid <= window.ranges[i].last; uid++)
            p->listing[p->listing_count++] = (struct imap_entry){.uid = (uint32_t)uid};
    }
    imap_set_done(&window);
    return 0;
}

/* Out of the listing: those whose turn comes later, because they were tried more often. What cannot
 * be read may end the session when it is listed, too. */
static int imap_listing_put_off(struct imap_pickup *p, struct error *err)
{
    struct imap_record records[IMAP_WINDOW_MAX];
    size_t kept = 0;
    if (p->options.read_only)
        return 0;
    for (size_t i = 0; i < p->listing_count; i++)
        records[i] =
            (struct imap_record){.uidvalidity = imap_session_selected(p->session)->uidvalidity,
                                 .uid = p->listing[i].uid};
    if (p->host->known(p->host->context, records, p->listing_count, err) < 0)
        return -1;
    for (size_t i = 0; i < p->listing_count; i++) {
        struct imap_entry *entry = &p->listing[i];
        entry->stored = records[i].step >= IMAP_STEP_STORED;
        entry->attempts = records[i].step == IMAP_STEP_ATTEMPTED ? records[i].attempts : 0;
        if (entry->attempts <= p->turn || entry->attempts >= IMAP_ATTEMPTS_MAX)
            p->listing[kept++] = *entry;
        else if (imap_set_add(&p->later, entry->uid, entry->uid) < 0)
            return error_oom(err, "listing mail");
    }
    p->listing_count = kept;
    return 0;
}

/* Ask for the data of the next UIDs. */
int imap_listing_send(struct imap_pickup *p, struct error *err)
{
    struct imap_call call = {.what = "UID FETCH",
                             .context = p,
                             .done = imap_listing_done,
                             .bulk = imap_rules_any(&p->rules)}; /* headers come */
    struct imap_command command;
    struct imap_set set;
    if (imap_pickup_make_room(p, err) < 0 || imap_listing_take(p, err) < 0 ||
        imap_listing_put_off(p, err) < 0)
        return -1;
    if (p->listing_count == 0)
        return imap_listing_repeat(p, err);
    imap_set_init(&set);
    imap_command_init(&command, "UID FETCH ");
    for (size_t i = 0; i < p->listing_count; i++)
        if (imap_set_add(&set, p->listing[i].uid, p->listing[i].uid) < 0)
            command.oom = true;
    imap_command_set(&command, &set);
    imap_set_done(&set);
    imap_command_add(&command, imap_rules_any(&p->rules)
                                   ? " (UID FLAGS RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER])"
                                   : " (UID FLAGS RFC822.SIZE INTERNALDATE)");
    p->listing_sent = true;
    p->listing_order = ++p->orders;
    return imap_session_send(p->session, &command, &call, err);
}

void imap_listing_adopt(struct imap_pickup *p)
{
    size_t count = p->listing_count;
    bool alone = p->turn > 0 && count > 0 && imap_suspects_go_alone(p->turn, count);
    size_t start = alone ? clock_draw(&p->host->clock, count) : 0;
    for (size_t i = 0; i < count; i++)
        p->listed[i] = p->listing[(start + i) % count];
    p->listed_count = count;
    p->listed_next = 0;
    p->listing_count = 0;
    p->listing_ready = false;
}
