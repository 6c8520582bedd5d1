/* SPDX-License-Identifier: Apache-2.0 */
/* imap-pickup-fetch.c - windows of bodies, and the count of attempts. See imap-pickup.h. */
#include <config.h>
#include "imap-pickup-private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(IMAP_WINDOW_MAX <= IMAP_RECORDS_MAX && IMAP_RETRY_MAX <= IMAP_RECORDS_MAX,
              "one note takes the attempts of a window back, and those of what is asked for again");
static_assert(IMAP_MOVES_OUTSTANDING + IMAP_WINDOWS + 1 <= IMAP_OUTSTANDING_MAX,
              "moves, windows and a listing may be on their way at the same time");

/* ---- Bodies ---------------------------------------------------------------------------------- */

/* The message whose body this is, in the windows on their way; @out_window (may be NULL): which. */
static struct imap_entry *imap_pickup_awaited(struct imap_pickup *p, uint32_t uid,
                                              struct imap_window **out_window)
{
    for (size_t i = 0; i < p->window_count; i++) {
        struct imap_window *w = &p->windows[(p->first_window + i) % IMAP_WINDOWS];
        struct imap_entry *entry =
            w->state == IMAP_WINDOW_SENT ? imap_entry_find(w->entries, w->count, uid) : NULL;
        if (entry == NULL || entry->complete || entry->error != NULL)
            continue;
        if (out_window != NULL)
            *out_window = w;
        return entry;
    }
    return NULL;
}

/* Bytes of what mails were taken apart to, in windows that are not handed out to the end. */
static uint64_t imap_pickup_kept_by_others(const struct imap_pickup *p,
                                           const struct imap_window *window)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < p->window_count; i++) {
        const struct imap_window *w = &p->windows[(p->first_window + i) % IMAP_WINDOWS];
        sum += w != window ? w->parsed : 0;
    }
    return sum;
}

bool imap_pickup_awaits_any(const struct imap_pickup *p)
{
    for (size_t i = 0; i < IMAP_WINDOWS; i++)
        if (p->windows[i].state == IMAP_WINDOW_SENT)
            return true;
    return false;
}

static int imap_pickup_body(struct imap_pickup *p, const struct imap_event *event,
                            struct error *err)
{
    bool known = (event->fetch.has & IMAP_FETCH_UID) != 0;
    p->header_open = event->section == IMAP_SECTION_HEADER;
    if (p->header_open)
        buffer_clear(&p->header);
    if (event->section != IMAP_SECTION_WHOLE) {
        imap_body_done(&p->body);
        return 0;
    }
    bool wanted =
        known ? imap_pickup_awaited(p, event->fetch.uid, NULL) != NULL : imap_pickup_awaits_any(p);
    return imap_body_start(&p->body, event->size, wanted, err);
}

static int imap_pickup_bytes(struct imap_pickup *p, struct span bytes, struct error *err)
{
    if (!p->header_open)
        return imap_body_bytes(&p->body, bytes, err);
    size_t room = IMAP_HEADER_MAX - p->header.len;
    if (buffer_append(&p->header, bytes.bytes, bytes.len < room ? bytes.len : room) < 0)
        return error_oom(err, "reading a header");
    return 0;
}

/* Did less come than there is? Nothing at all is what some servers give out of a message that was
 * expunged (RFC 2180 s.4.1.3). What is too short is asked for once more: as short again, it is what
 * the server has, whose sizes are wrong. */
static bool imap_pickup_is_cut(struct imap_pickup *p, struct imap_entry *entry)
{
    uint64_t size = p->body.size;
    if (p->body.spool == NULL || !imap_entry_is_short(entry, size))
        return false;
    if (size == 0)
        return true;
    if (entry->came == size)
        p->short_count++;
    bool believed = p->short_count >= IMAP_SHORT_MAX || p->retry_count == IMAP_RETRY_MAX;
    if (entry->came == size || (entry->came == 0 && believed))
        return false;
    entry->came = size;
    return true;
}

static int imap_pickup_fetched(struct imap_pickup *p, const struct imap_event *event,
                               struct error *err)
{
    const struct imap_fetch *fetch = &event->fetch;
    bool known = (fetch->has & IMAP_FETCH_UID) != 0;
    if (fetch->has & IMAP_FETCH_WHOLE) {
        struct imap_window *window = NULL;
        struct imap_entry *entry = known ? imap_pickup_awaited(p, fetch->uid, &window) : NULL;
        if (entry != NULL)
            entry->answered = true;
        if (event->body != NULL)
            imap_body_move(event->body, &p->body);
        if (entry != NULL && p->body.complete && !imap_window_holds(window, p->body.size)) {
            entry->size = p->body.size; /* it is asked for again, by this */
            imap_body_done(&p->body);
            return 0;
        }
        if (entry != NULL && p->body.complete && imap_pickup_is_cut(p, entry)) {
            imap_body_done(&p->body);
            return 0;
        }
        if (imap_body_give(&p->body, entry, err) < 0)
            return -1;
        if (entry != NULL && entry->complete)
            imap_window_keep(window, imap_pickup_kept_by_others(p, window), entry);
        return 0;
    }
    return known ? imap_pickup_listed(p, fetch, err) : 0;
}

int imap_pickup_on_event(void *context, const struct imap_event *event, struct error *err)
{
    struct imap_pickup *p = context;
    switch (event->kind) {
    case IMAP_EVENT_BODY:
        return imap_pickup_body(p, event, err);
    case IMAP_EVENT_BODY_BYTES:
        return imap_pickup_bytes(p, event->text, err);
    case IMAP_EVENT_BODY_END:
        p->header_open = false;
        return imap_body_end(&p->body, err);
    case IMAP_EVENT_FETCH: {
        int r = imap_pickup_fetched(p, event, err);
        buffer_clear(&p->header); /* the next one's may be NIL, and then nothing of it comes */
        return r;
    }
    default:
        return 0;
    }
}

/* ---- Windows --------------------------------------------------------------------------------- */

/* Which of a window's entries are to be fetched. */
static bool imap_entry_fetches(const struct imap_entry *entry)
{
    return entry->error == NULL;
}

/* Tried before, and that time did not come to an end: it goes alone, settled before the next is
 * asked for, so that only the message that kills us is counted to the end. After the first time,
 * where there are many, some go in a small window: a kill from outside costs the others few round
 * trips. */
static bool imap_entry_is_suspect(const struct imap_entry *entry)
{
    return imap_entry_fetches(entry) && entry->attempts > 0;
}

/* These were attempted, and it was not their fault that nothing came of it: they do not count. */
int imap_pickup_withdraw(struct imap_pickup *p, const uint32_t *uids, size_t count,
                         struct error *err)
{
    struct imap_record records[IMAP_RECORDS_MAX];
    if (p->session == NULL || p->options.read_only || count == 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        records[i] =
            (struct imap_record){.uidvalidity = imap_session_selected(p->session)->uidvalidity,
                                 .uid = uids[i],
                                 .step = IMAP_STEP_UNKNOWN};
    return p->host->note(p->host->context, records, count, err);
}

void imap_pickup_leave_behind(struct imap_pickup *p, uint32_t uid, const struct error *why)
{
    if (p->left_count++ == 0) {
        p->left_uid = uid;
        p->left_why = *why;
    }
}

/* It is asked for no more in this pass. What the server neither says NO to nor tells anything of
 * has most likely gone; all else stays where it is, and that is the pass's failure. */
static int imap_pickup_give_up(struct imap_pickup *p, struct imap_entry *entry,
                               const struct error *no, struct error *err)
{
    struct error why;
    imap_host_log(p->host, IMAP_LOG_WARNING,
                  "message %u of '%s' is listed, but the server does not "
                  "give it out, or not whole, or it went meanwhile; left for a later run",
                  entry->uid, p->folders.mailbox.name);
    imap_entry_done(entry);
    error_set(
        &why, ERROR_LINK,
        "nothing of it comes, or less than the server told, another part each time; try again "
        "later, or tell the server's administrator");
    if (no != NULL || entry->answered)
        imap_pickup_leave_behind(p, entry->uid, no != NULL ? no : &why);
    if (imap_set_add(&p->missed, entry->uid, entry->uid) < 0)
        return error_oom(err, "fetching mail");
    return entry->noted ? imap_pickup_withdraw(p, &entry->uid, 1, err) : 0;
}

/* A body that was asked for and did not come whole, though the server says all is well, or with its
 * NO (@no, else NULL): later again, in the end it stays where it is. Never badmail: this is not the
 * mail's fault. */
static int imap_pickup_missing(struct imap_pickup *p, struct imap_entry *entry,
                               const struct error *no, struct error *err)
{
    p->planned--;
    entry->refused = entry->refused || no != NULL;
    if (++entry->tries >= IMAP_TRIES_MAX || p->retry_count == IMAP_RETRY_MAX)
        return imap_pickup_give_up(p, entry, no, err);
    struct imap_entry *retry = realloc(p->retry, (p->retry_count + 1) * sizeof *retry);
    if (retry == NULL)
        return error_oom(err, "fetching mail");
    p->retry = retry;
    p->retry[p->retry_count++] = *entry;
    if (!entry->noted)
        return 0;
    p->retry[p->retry_count - 1].noted = false; /* noted anew when it is asked for again */
    return imap_pickup_withdraw(p, &entry->uid, 1, err);
}

static int imap_window_done(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_window *w = context;
    struct imap_pickup *p = w->owner;
    struct error no;
    if (answer->status == IMAP_BAD)
        return imap_answer_error(answer, ERROR_PROTOCOL, "UID FETCH", "try again later", err);
    if (answer->status ==
        IMAP_NO) { /* what came with a NO does not count; pauses end the session */
        (void)imap_answer_messages_error(answer, ERROR_LINK, "UID FETCH", "try again later", &no);
        if (no.class == ERROR_PAUSE) {
            *err = no;
            return -1;
        }
        imap_host_log(p->host, IMAP_LOG_WARNING, "%s", no.text);
        w->parsed = 0;
    }
    size_t kept = 0;
    for (size_t i = 0; i < w->count; i++) {
        struct imap_entry entry = w->entries[i];
        w->entries[i] = (struct imap_entry){0}; /* it lies in one place, also on failure */
        if (imap_entry_fetches(&entry) && answer->status == IMAP_NO) {
            imap_entry_done(&entry);
            entry.complete = false;
        }
        if (entry.complete || entry.error != NULL) {
            w->entries[kept++] = entry;
        } else if (imap_pickup_missing(p, &entry, answer->status == IMAP_NO ? &no : NULL, err) <
                   0) {
            w->entries[i] = entry;
            return -1;
        }
    }
    w->count = kept;
    w->state = IMAP_WINDOW_READY;
    return 0;
}

/* What is to be noted as ATTEMPTED. */
struct imap_attempts {
    struct imap_record records[IMAP_RECORDS_MAX];
    struct imap_entry *entries[IMAP_RECORDS_MAX]; /* theirs */
    size_t count;
};

static void imap_attempts_add(struct imap_attempts *attempts, const struct imap_pickup *p,
                              struct imap_entry *entry)
{
    if (!imap_entry_fetches(entry) || entry->noted)
        return;
    attempts->entries[attempts->count] = entry;
    attempts->records[attempts->count++] =
        (struct imap_record){.uidvalidity = imap_session_selected(p->session)->uidvalidity,
                             .uid = entry->uid,
                             .step = IMAP_STEP_ATTEMPTED};
}

/* Those of the next windows, in the same flush: of a listing of small mail one is left. Not of
 * suspects, of whom none may be counted for what another one did. */
static void imap_attempts_add_next(struct imap_attempts *attempts, struct imap_pickup *p)
{
    uint64_t most = IMAP_RECORDS_MAX - attempts->count;
    if (p->options.limit != 0 && p->options.limit - p->planned < most)
        most = p->options.limit - p->planned;
    for (size_t i = p->listed_next; i < p->listed_count && i - p->listed_next < most; i++)
        if (!imap_entry_is_suspect(&p->listed[i]))
            imap_attempts_add(attempts, p, &p->listed[i]);
}

/* Note ATTEMPTED: after three notes without an end a message counts as one that kills us. */
static int imap_window_note(struct imap_pickup *p, struct imap_window *w, struct error *err)
{
    struct imap_attempts attempts;
    attempts.count = 0;
    if (p->options.read_only)
        return 0;
    for (size_t i = 0; i < w->count; i++)
        imap_attempts_add(&attempts, p, &w->entries[i]);
    if (attempts.count == 0)
        return 0;
    if (!p->suspects)
        imap_attempts_add_next(&attempts, p);
    int noted = p->host->note(p->host->context, attempts.records, attempts.count, err);
    if (imap_pickup_claimed(p, noted, err) < 0)
        return -1; /* none of them is taken back: it may be that of a run that died */
    for (size_t i = 0; i < attempts.count; i++)
        attempts.entries[i]->noted = true;
    return 0;
}

/* One small message and nothing behind it, as new mail mostly comes: there is nothing that a thread
 * could do beside receiving it. Nothing else is asked for before it is here. */
static bool imap_window_is_lone(const struct imap_pickup *p, const struct imap_window *w)
{
    return w->count == 1 && w->bytes <= SPOOL_MEMORY_MAX && p->window_count == 1 &&
           p->todo.count == 0 && p->listed_next == p->listed_count && p->retry_count == 0 &&
           !p->searching && !p->listing_sent && !p->listing_ready;
}

static int imap_window_ask(struct imap_pickup *p, struct imap_window *w, struct imap_set *set,
                           struct error *err)
{
    struct imap_call call = {
        .what = "UID FETCH", .context = w, .done = imap_window_done, .bulk = true};
    struct imap_command command;
    imap_command_init(&command, "UID FETCH ");
    imap_command_set(&command, set);
    imap_command_add(&command, " (UID BODY.PEEK[])");
    return imap_session_send(p->session, &command, &call, err);
}

/* Attempts are noted before a byte of a body is looked at. Where a thread receives, that is before
 * it is asked for; a lone one is received by nobody but us, later: the server reads it meanwhile.
 */
static int imap_window_note_and_ask(struct imap_pickup *p, struct imap_window *w,
                                    struct imap_set *set, struct error *err)
{
    bool lone = imap_window_is_lone(p, w);
    if (lone && !imap_session_reads_ahead(p->session))
        return imap_window_ask(p, w, set, err) < 0 || imap_session_flush(p->session, err) < 0
                   ? -1
                   : imap_window_note(p, w, err);
    if (imap_window_note(p, w, err) < 0 ||
        (!lone && imap_session_read_ahead(p->session, &p->body, err) < 0))
        return -1;
    return imap_window_ask(p, w, set, err);
}

static int imap_window_send(struct imap_pickup *p, struct imap_window *w, struct error *err)
{
    struct imap_set set;
    bool fine = true;
    imap_set_init(&set);
    for (size_t i = 0; i < w->count; i++)
        if (imap_entry_fetches(&w->entries[i]))
            fine = imap_set_add(&set, w->entries[i].uid, w->entries[i].uid) == 0 && fine;
    if (set.count == 0) {
        w->state = IMAP_WINDOW_READY;
        return fine ? 0 : error_oom(err, "fetching mail");
    }
    w->state = IMAP_WINDOW_SENT;
    w->order = ++p->orders;
    int r = imap_window_note_and_ask(p, w, &set, err);
    imap_set_done(&set);
    return r;
}

bool imap_suspects_go_alone(uint32_t attempts, size_t count)
{
    return attempts > 1 || count <= IMAP_SUSPECTS_MAX;
}

bool imap_pickup_limit_reached(const struct imap_pickup *p)
{
    return p->options.limit != 0 && p->planned >= p->options.limit;
}

/* Messages that a window may hold which begins with this one. What came with a NO is asked for
 * alone: a NO to many does not tell which of them it is about. */
static size_t imap_window_most(const struct imap_pickup *p, const struct imap_entry *first)
{
    size_t most = p->settings->batch != 0 ? p->settings->batch : IMAP_WINDOW_COUNT;
    if (imap_entry_is_suspect(first))
        most = imap_suspects_go_alone(first->attempts, p->listed_count) ? 1 : IMAP_SUSPECTS_MAX;
    if (first->refused)
        most = 1;
    return most < IMAP_WINDOW_MAX ? most : IMAP_WINDOW_MAX;
}

/* What its raw bytes will take of memory; those of a large one go to a file. */
static uint64_t imap_entry_memory(const struct imap_entry *entry)
{
    return entry->size <= SPOOL_MEMORY_MAX ? entry->size : 0;
}

/* Does this one fit into the window? */
static bool imap_window_fits(const struct imap_pickup *p, const struct imap_window *w,
                             const struct imap_entry *entry)
{
    if (imap_pickup_limit_reached(p))
        return false;
    if (w->count == 0) /* suspects only when all others, and suspects before them, are done with */
        return !(p->suspects || imap_entry_is_suspect(entry)) ||
               (p->window_count == 0 && p->out == 0);
    if (w->count >= imap_window_most(p, &w->entries[0]) || w->count >= imap_window_most(p, entry) ||
        imap_entry_is_suspect(entry) != imap_entry_is_suspect(&w->entries[0]))
        return false;
    return !imap_entry_fetches(entry) ||
           (w->bytes <= IMAP_WINDOW_BYTES && entry->size <= IMAP_WINDOW_BYTES - w->bytes &&
            w->memory + imap_entry_memory(entry) <= IMAP_WINDOW_MEMORY);
}

/* Nothing can be asked for before the host has settled what it holds. */
bool imap_pickup_waits_for_host(const struct imap_pickup *p)
{
    const struct imap_entry *next = p->listed_next < p->listed_count ? &p->listed[p->listed_next]
                                    : p->retry_count > 0             ? &p->retry[0]
                                                                     : NULL;
    return p->out > 0 && p->window_count == 0 && !imap_moves_busy(p->moves) && next != NULL &&
           (p->suspects || imap_entry_is_suspect(next));
}

static void imap_window_put(struct imap_pickup *p, struct imap_window *w,
                            const struct imap_entry *entry)
{
    w->entries[w->count++] = *entry;
    if (imap_entry_fetches(entry)) {
        w->bytes += entry->size;
        w->memory += imap_entry_memory(entry);
    }
    p->planned++;
}

/* The next window, from what is listed; when that is done with, from what did not come before. What
 * came too short is asked for again at once, until it is known whether the sizes or the bodies are
 * wrong: behind all others, a mailbox of wrong sizes would be fetched twice. */
int imap_pickup_fill_window(struct imap_pickup *p, struct error *err)
{
    struct imap_window *w = &p->windows[(p->first_window + p->window_count) % IMAP_WINDOWS];
    w->owner = p;
    w->count = w->next = 0;
    w->bytes = w->memory = w->held = w->parsed = 0;
    bool again = p->retry_count > 0 && p->retry[0].came != 0 && p->short_count < IMAP_SHORT_MAX;
    if (again && p->window_count > 0)
        return 0;
    while (!again && p->listed_next < p->listed_count &&
           imap_window_fits(p, w, &p->listed[p->listed_next]))
        imap_window_put(p, w, &p->listed[p->listed_next++]);
    bool last = p->todo.count == 0 && !p->listing_sent && !p->listing_ready && !p->searching &&
                p->listed_next == p->listed_count && p->window_count == 0;
    size_t at = 0;
    if (w->count == 0 && (last || again)) /* in the order of UIDs: windows were */
        while (at < p->retry_count && imap_window_fits(p, w, &p->retry[at]) &&
               (w->count == 0 || p->retry[at].uid > w->entries[w->count - 1].uid))
            imap_window_put(p, w, &p->retry[at++]);
    if (at > 0) {
        p->retry_count -= at;
        memmove(p->retry, p->retry + at, p->retry_count * sizeof *p->retry);
    }
    if (w->count == 0)
        return 0;
    p->window_count++;
    p->suspects = imap_entry_is_suspect(&w->entries[0]);
    return imap_window_send(p, w, err);
}

bool imap_pickup_asks_no_more(const struct imap_pickup *p)
{
    return !p->searching && p->todo.count == 0 && !p->listing_sent && !p->listing_ready &&
           p->listed_next == p->listed_count && p->retry_count == 0;
}

int imap_pickup_take_turns(struct imap_pickup *p, struct error *err)
{
    if (p->later.count == 0 || p->window_count > 0 || !imap_pickup_asks_no_more(p))
        return 0;
    p->turn++;
    return imap_set_take(&p->later, UINT32_MAX, &p->todo) < 0 ? error_oom(err, "fetching mail") : 0;
}

/* ---- When it breaks -------------------------------------------------------------------------- */

/* The body that comes next, as far as can be told: servers answer in order. Where all of a window
 * came without an answer, its last. */
static const struct imap_entry *imap_pickup_expected(const struct imap_pickup *p,
                                                     const struct imap_window **out_window)
{
    const struct imap_entry *last = NULL;
    for (size_t i = 0; i < p->window_count; i++) {
        const struct imap_window *w = &p->windows[(p->first_window + i) % IMAP_WINDOWS];
        for (size_t k = 0; k < w->count && w->state == IMAP_WINDOW_SENT; k++) {
            const struct imap_entry *entry = &w->entries[k];
            bool here = !imap_entry_fetches(entry) || entry->complete;
            if (here && last != NULL && *out_window != w)
                continue;
            last = entry;
            *out_window = w;
            if (!here)
                return last;
        }
    }
    return last;
}

/* The one that is listed next, if that was asked for before the bodies that are on their way. */
static struct imap_entry *imap_pickup_listed_next(struct imap_pickup *p,
                                                  const struct imap_window *bodies)
{
    if (!p->listing_sent || (bodies != NULL && bodies->order < p->listing_order))
        return NULL;
    for (size_t i = 0; i < p->listing_count; i++)
        if (!p->listing[i].listed)
            return &p->listing[i];
    return NULL;
}

/* Nothing was noted of it before it was listed. What is stored is not put off: whether it is still
 * there is asked first of all. */
static bool imap_pickup_note_listed(struct imap_pickup *p, const struct imap_entry *entry)
{
    struct error ignored;
    struct imap_record record = {.uidvalidity = imap_session_selected(p->session)->uidvalidity,
                                 .uid = entry->uid,
                                 .step = IMAP_STEP_ATTEMPTED};
    if (p->options.read_only || entry->stored)
        return false;
    if (entry->attempts > 1)
        return true;
    return p->host->note(p->host->context, &record, 1, &ignored) == 0;
}

/* No body was on its way: one of those that were being moved may be why. */
static void imap_pickup_blame_moves(const struct imap_pickup *p, struct error *err)
{
    uint32_t first = 0;
    size_t count = p->moves != NULL ? imap_moves_under_way(p->moves, &first) : 0;
    if (count == 1)
        error_prefix(err,
                     "message %u of '%s' was being moved, the next session moves it behind "
                     "new mail",
                     first, p->folders.mailbox.name);
    else if (count > 1)
        error_prefix(err,
                     "%zu messages of '%s' were being moved, message %u first; the next "
                     "session moves them behind new mail",
                     count, p->folders.mailbox.name, first);
}

/* One that was tried before, in a window of many or where it is listed, moves up to those that go
 * alone in any case: there it keeps no other back. */
void imap_pickup_blame(struct imap_pickup *p, struct error *err)
{
    const struct imap_window *window = NULL;
    if ((err->class != ERROR_LINK && err->class != ERROR_PROTOCOL) || p->blamed != NULL)
        return;
    const struct imap_entry *entry = imap_pickup_expected(p, &window);
    const struct imap_entry *listed = imap_pickup_listed_next(p, window);
    bool last = false;
    if (listed != NULL) {
        last = imap_pickup_note_listed(p, listed);
        entry = p->blamed = listed;
    } else if (entry != NULL) {
        last = entry->noted;
        if (last && (entry->attempts == 0 || (entry->attempts == 1 && window->count > 1)))
            p->blamed = entry;
    }
    if (entry != NULL)
        error_prefix(err, "message %u of '%s' was on its way%s", entry->uid,
                     p->folders.mailbox.name,
                     last ? ", the next session asks for it behind all others" : "");
    else
        imap_pickup_blame_moves(p, err);
}

static void imap_pickup_withdraw_entries(struct imap_pickup *p, const struct imap_entry *entries,
                                         size_t first, size_t end)
{
    uint32_t uids[IMAP_RECORDS_MAX];
    size_t noted = 0;
    struct error err;
    for (size_t i = first; i < end; i++)
        if (entries[i].noted && &entries[i] != p->blamed)
            uids[noted++] = entries[i].uid;
    if (imap_pickup_withdraw(p, uids, noted, &err) < 0)
        imap_host_log(p->host, IMAP_LOG_WARNING, "attempts could not be taken back: %s", err.text);
}

/* All that is on its way, or is to be asked for again, and was not handed out. The session may be
 * broken: only the ledger is told. */
void imap_pickup_withdraw_windows(struct imap_pickup *p)
{
    for (size_t i = 0; i < p->window_count; i++) {
        const struct imap_window *w = &p->windows[(p->first_window + i) % IMAP_WINDOWS];
        imap_pickup_withdraw_entries(p, w->entries, w->next, w->count);
    }
    imap_pickup_withdraw_entries(p, p->listed, p->listed_next, p->listed_count);
    imap_pickup_withdraw_entries(p, p->retry, 0, p->retry_count);
}
