/* SPDX-License-Identifier: Apache-2.0 */
/* imap-pickup.c - the way of mail out of one mailbox. See imap-pickup.h. */
#include <config.h>
#include "imap-pickup.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imap-move.h"
#include "imap-reconcile.h"
#include "imap-rules.h"
#include "imap-window.h"
#include "text.h"

#define IMAP_WINDOWS 3u        /* one being handed out, two on their way */
#define IMAP_WINDOW_COUNT 256u /* messages of a window, where batch does not say */
#define IMAP_SUSPECTS_MAX 16u  /* messages of a window that were tried once before, in vain */

struct imap_pickup {
    struct imap_pickup_options options;
    const struct imap_settings *settings;
    const struct imap_host *host;
    char *user, *secret;
    struct imap_rules rules;
    struct imap_session *session; /* NULL until the first next() */
    struct imap_folders folders;
    struct imap_moves *moves;

    struct imap_set todo;    /* found, not listed yet */
    struct imap_set handled; /* listed in this session: not to be listed again */
    bool searched, searching, overflow;
    uint64_t found; /* by the last search, for progress() */
    uint64_t next_poll_ms;

    struct imap_entry listing[IMAP_WINDOW_MAX]; /* asked for */
    size_t listing_count;
    bool listing_sent, listing_ready;
    struct imap_entry listed[IMAP_WINDOW_MAX]; /* to be fetched, from listed_next on */
    size_t listed_count, listed_next;
    struct imap_entry *retry; /* bodies that did not come */
    size_t retry_count;

    struct imap_window windows[IMAP_WINDOWS]; /* a ring; oldest at first_window */
    size_t first_window, window_count;
    struct imap_body body;
    struct buffer header; /* of the message being listed, for the rules */
    bool header_open;

    uint64_t planned;        /* messages in windows or handed out, against options.limit */
    uint64_t out;            /* handed out, not settled */
    bool suspects;           /* the last window holds messages that were tried before */
    struct imap_entry given; /* what the last message's borrowed texts belong to */
    char date[CLOCK_RFC3339_MAX];
};

/* ---- Secrets --------------------------------------------------------------------------------- */

static void imap_pickup_forget_secret(struct imap_pickup *p)
{
    if (p->secret != NULL)
        explicit_bzero(p->secret, strlen(p->secret));
    free(p->secret);
    p->secret = NULL;
}

/* ---- Searching ------------------------------------------------------------------------------- */

static int imap_search_data(void *context, const struct imap_event *event, bool *out_taken,
                            struct error *err)
{
    struct imap_pickup *p = context;
    (void)err;
    if (event->kind != IMAP_EVENT_SEARCH)
        return 0;
    *out_taken = true;
    if (imap_set_add(&p->todo, event->range.first, event->range.last) < 0)
        p->overflow = true; /* more than a million pieces: the rest is found by a later search */
    return 0;
}

static int imap_search_done(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_pickup *p = context;
    p->searching = false;
    if (answer->status != IMAP_OK)
        return imap_answer_error(answer,
                                 p->settings->search != NULL ? ERROR_CONFIG : ERROR_PROTOCOL,
                                 "UID SEARCH", "check search in the connection string", err);
    uint64_t found = imap_set_size(&p->todo);
    if (found > (uint64_t)imap_session_selected(p->session)->exists + IMAP_SET_RANGES_MAX)
        return error_set(err, ERROR_PROTOCOL,
                         "the server finds more messages (%" PRIu64 ") than there are "
                         "in the mailbox; try again later, or tell its administrator",
                         found);
    if (imap_set_subtract(&p->todo, &p->handled) < 0)
        return error_oom(err, "searching");
    p->found = imap_set_size(&p->todo);
    p->host->progress(p->host->context, p->planned + p->found);
    return 0;
}

void imap_pickup_search_command(struct imap_session *session, const struct imap_settings *settings,
                                struct imap_command *out_command)
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
    if (imap_session_selected(session)->keywords)
        imap_command_add(out_command, " UNKEYWORD " IMAP_KEYWORD);
    if (search != NULL) {
        imap_command_add(out_command, " ");
        imap_command_add(out_command, search);
    }
}

static int imap_pickup_search(struct imap_pickup *p, struct error *err)
{
    struct imap_call call = {
        .what = "UID SEARCH", .context = p, .data = imap_search_data, .done = imap_search_done};
    struct imap_command command;
    imap_pickup_search_command(p->session, p->settings, &command);
    imap_set_clear(&p->todo);
    p->overflow = false;
    p->searched = p->searching = true;
    p->next_poll_ms = clock_monotonic_ms(&p->host->clock) + p->settings->poll_ms;
    return imap_session_send(p->session, &command, &call, err);
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

/* What the ledger says of each message in the listing. */
static int imap_listing_known(struct imap_pickup *p, struct error *err)
{
    const struct imap_selected *selected = imap_session_selected(p->session);
    struct imap_record records[IMAP_WINDOW_MAX];
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
            if (records[i].step < IMAP_STEP_MOVED && !p->options.read_only &&
                imap_moves_add(p->moves, &records[i], err) < 0)
                return -1;
        }
        entry->attempts = records[i].step == IMAP_STEP_UNKNOWN ? 0 : records[i].attempts;
        if (imap_entry_judge(p, entry, err) < 0)
            return -1;
    }
    return 0;
}

/* Out of the listing: what did not come (it is gone), and what is to be left. */
static void imap_listing_keep(struct imap_pickup *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->listing_count; i++) {
        if (p->listing[i].listed && !p->listing[i].left)
            p->listing[kept++] = p->listing[i];
        else
            imap_entry_done(&p->listing[i]);
    }
    p->listing_count = kept;
}

static int imap_listing_done(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_pickup *p = context;
    p->listing_sent = false;
    if (answer->status != IMAP_OK)
        return imap_answer_error(answer, ERROR_PROTOCOL, "listing mail", "try again later", err);
    imap_listing_keep(p);
    if (imap_listing_known(p, err) < 0)
        return -1;
    imap_listing_keep(p);
    p->listing_ready = true;
    return 0;
}

/* Ask for the data of the next UIDs. */
static int imap_listing_send(struct imap_pickup *p, struct error *err)
{
    struct imap_call call = {.what = "UID FETCH", .context = p, .done = imap_listing_done};
    struct imap_command command;
    struct imap_set window;
    imap_set_init(&window);
    if (imap_set_take(&p->todo, IMAP_WINDOW_MAX, &window) < 0)
        return error_oom(err, "listing mail");
    imap_command_init(&command, "UID FETCH ");
    imap_command_set(&command, &window);
    imap_command_add(&command, imap_rules_any(&p->rules)
                                   ? " (UID FLAGS RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER])"
                                   : " (UID FLAGS RFC822.SIZE INTERNALDATE)");
    p->listing_count = 0;
    for (size_t i = 0; i < window.count; i++) {
        if (imap_set_add(&p->handled, window.ranges[i].first, window.ranges[i].last) < 0)
            imap_set_clear(&p->handled); /* the ledger knows them too, if more slowly */
        for (uint64_t uid = window.ranges[i].first; uid <= window.ranges[i].last; uid++)
            p->listing[p->listing_count++] = (struct imap_entry){.uid = (uint32_t)uid};
    }
    imap_set_done(&window);
    p->listing_sent = true;
    return imap_session_send(p->session, &command, &call, err);
}

/* ---- Data of messages ------------------------------------------------------------------------ */

/* A rule looks at the header that came before the end of this FETCH response. */
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

static int imap_pickup_listed(struct imap_pickup *p, const struct imap_fetch *fetch,
                              struct error *err)
{
    struct imap_entry *entry = imap_entry_find(p->listing, p->listing_count, fetch->uid);
    if (!p->listing_sent || entry == NULL || (fetch->has & IMAP_FETCH_SIZE) == 0)
        return 0; /* unasked, or the news of a flag */
    entry->listed = true;
    entry->size = fetch->size;
    entry->has_date = (fetch->has & IMAP_FETCH_DATE) != 0;
    entry->date_s = fetch->date_s;
    entry->date_offset_min = fetch->date_offset_min;
    entry->left = (fetch->flags & IMAP_FLAG_DELETED) != 0;
    if (!imap_rules_any(&p->rules) || entry->left)
        return 0;
    entry->left = (fetch->has & IMAP_FETCH_HEADER) == 0; /* no header: not now */
    return entry->left ? 0 : imap_pickup_apply_rules(p, entry, err);
}

/* The message whose body this is, in the windows on their way. */
static struct imap_entry *imap_pickup_awaited(struct imap_pickup *p, uint32_t uid)
{
    for (size_t i = 0; i < p->window_count; i++) {
        struct imap_window *w = &p->windows[(p->first_window + i) % IMAP_WINDOWS];
        struct imap_entry *entry =
            w->state == IMAP_WINDOW_SENT ? imap_entry_find(w->entries, w->count, uid) : NULL;
        if (entry != NULL && !entry->complete && entry->error == NULL)
            return entry;
    }
    return NULL;
}

static bool imap_pickup_awaits_any(const struct imap_pickup *p)
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
    if (event->section != IMAP_SECTION_WHOLE)
        return imap_body_start(&p->body, 0, false, err);
    bool wanted =
        known ? imap_pickup_awaited(p, event->fetch.uid) != NULL : imap_pickup_awaits_any(p);
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

static int imap_pickup_fetched(struct imap_pickup *p, const struct imap_fetch *fetch,
                               struct error *err)
{
    bool known = (fetch->has & IMAP_FETCH_UID) != 0;
    if (fetch->has & IMAP_FETCH_WHOLE) {
        struct imap_entry *entry = known ? imap_pickup_awaited(p, fetch->uid) : NULL;
        return imap_body_give(&p->body, entry, err);
    }
    return known ? imap_pickup_listed(p, fetch, err) : 0;
}

static int imap_pickup_on_event(void *context, const struct imap_event *event, struct error *err)
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
    case IMAP_EVENT_FETCH:
        return imap_pickup_fetched(p, &event->fetch, err);
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

/* These were attempted, and it was not their fault that nothing came of it: they do not count. */
static int imap_pickup_withdraw(struct imap_pickup *p, const uint32_t *uids, size_t count,
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

/* A body that was asked for and did not come, though the server says all is well: later again, in
 * the end it stays where it is. Never badmail: this is not the mail's fault. */
static int imap_pickup_missing(struct imap_pickup *p, struct imap_entry *entry, struct error *err)
{
    p->planned--;
    if (++entry->tries >= IMAP_TRIES_MAX) {
        imap_host_log(p->host, IMAP_LOG_WARNING,
                      "message %u of '%s' is listed, but the server does not "
                      "give it out, or it went meanwhile; left for a later run",
                      entry->uid, p->folders.mailbox.name);
        imap_entry_done(entry);
        return entry->noted ? imap_pickup_withdraw(p, &entry->uid, 1, err) : 0;
    }
    struct imap_entry *retry = realloc(p->retry, (p->retry_count + 1) * sizeof *retry);
    if (retry == NULL)
        return error_oom(err, "fetching mail");
    p->retry = retry;
    p->retry[p->retry_count++] = *entry;
    return 0;
}

static int imap_window_done(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_window *w = context;
    struct imap_pickup *p = w->owner;
    if (answer->status == IMAP_BAD)
        return imap_answer_error(answer, ERROR_PROTOCOL, "UID FETCH", "try again later", err);
    if (answer->status ==
        IMAP_NO) { /* what came with a NO does not count; pauses end the session */
        (void)imap_answer_error(answer, ERROR_LINK, "UID FETCH", "try again later", err);
        if (err->class == ERROR_PAUSE)
            return -1;
        imap_host_log(p->host, IMAP_LOG_WARNING, "%s", err->text);
    }
    size_t kept = 0;
    for (size_t i = 0; i < w->count; i++) {
        struct imap_entry *entry = &w->entries[i];
        if (imap_entry_fetches(entry) && answer->status == IMAP_NO) {
            imap_entry_done(entry);
            entry->complete = false;
        }
        if (entry->complete || entry->error != NULL)
            w->entries[kept++] = *entry;
        else if (imap_pickup_missing(p, entry, err) < 0)
            return -1;
    }
    w->count = kept;
    w->state = IMAP_WINDOW_READY;
    return 0;
}

/* Note ATTEMPTED: after three notes without an end a message counts as one that kills us. */
static int imap_window_note(struct imap_pickup *p, struct imap_window *w, struct error *err)
{
    struct imap_record records[IMAP_WINDOW_MAX];
    size_t count = 0;
    for (size_t i = 0; i < w->count; i++)
        if (imap_entry_fetches(&w->entries[i]) && !w->entries[i].noted) {
            w->entries[i].noted = true;
            records[count++] =
                (struct imap_record){.uidvalidity = imap_session_selected(p->session)->uidvalidity,
                                     .uid = w->entries[i].uid,
                                     .step = IMAP_STEP_ATTEMPTED};
        }
    if (p->options.read_only || count == 0)
        return 0;
    return p->host->note(p->host->context, records, count, err);
}

static int imap_window_send(struct imap_pickup *p, struct imap_window *w, struct error *err)
{
    struct imap_call call = {
        .what = "UID FETCH", .context = w, .done = imap_window_done, .bulk = true};
    struct imap_command command;
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
    if (imap_window_note(p, w, err) < 0) {
        imap_set_done(&set);
        return -1;
    }
    imap_command_init(&command, "UID FETCH ");
    imap_command_set(&command, &set);
    imap_command_add(&command, " (UID BODY.PEEK[])");
    imap_set_done(&set);
    return imap_session_send(p->session, &command, &call, err);
}

static bool imap_pickup_limit_reached(const struct imap_pickup *p)
{
    return p->options.limit != 0 && p->planned >= p->options.limit;
}

/* How many messages that were tried so often may be on their way together. One that kills us is
 * found by halving: it goes with many, then with few, then alone, and nothing beside it is
 * counted. */
static size_t imap_window_most(const struct imap_pickup *p, uint32_t attempts)
{
    size_t most = p->settings->batch != 0 ? p->settings->batch : IMAP_WINDOW_COUNT;
    size_t limit = attempts == 0 ? IMAP_WINDOW_MAX : attempts == 1 ? IMAP_SUSPECTS_MAX : 1;
    return most < limit ? most : limit;
}

static bool imap_entry_is_suspect(const struct imap_entry *entry)
{
    return imap_entry_fetches(entry) && entry->attempts > 0;
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
    if (imap_entry_is_suspect(entry) != imap_entry_is_suspect(&w->entries[0]) ||
        (imap_entry_is_suspect(entry) && entry->attempts != w->entries[0].attempts) ||
        w->count >= imap_window_most(p, imap_entry_is_suspect(entry) ? entry->attempts : 0))
        return false;
    return !imap_entry_fetches(entry) || w->bytes + entry->size <= IMAP_WINDOW_BYTES;
}

/* Nothing can be asked for before the host has settled what it holds. */
static bool imap_pickup_waits_for_host(const struct imap_pickup *p)
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
    w->bytes += imap_entry_fetches(entry) ? entry->size : 0;
    p->planned++;
}

/* The next window, from what is listed; when that is done with, from what did not come before. */
static int imap_pickup_fill_window(struct imap_pickup *p, struct error *err)
{
    struct imap_window *w = &p->windows[(p->first_window + p->window_count) % IMAP_WINDOWS];
    w->owner = p;
    w->count = w->next = 0;
    w->bytes = 0;
    while (p->listed_next < p->listed_count && imap_window_fits(p, w, &p->listed[p->listed_next]))
        imap_window_put(p, w, &p->listed[p->listed_next++]);
    bool last = p->todo.count == 0 && !p->listing_sent && !p->listing_ready && !p->searching &&
                p->listed_next == p->listed_count && p->window_count == 0;
    size_t at = 0;
    if (w->count == 0 && last) /* in the order of UIDs: windows were */
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

/* Ask for all that may be asked for now. */
static int imap_pickup_plan(struct imap_pickup *p, struct error *err)
{
    if (imap_moves_start(p->moves, err) < 0)
        return -1;
    if (!p->searched && imap_pickup_search(p, err) < 0)
        return -1;
    if (imap_pickup_limit_reached(p))
        return 0;
    for (;;) {
        size_t windows = p->window_count;
        if (p->listing_ready && p->listed_next == p->listed_count) {
            memcpy(p->listed, p->listing, p->listing_count * sizeof p->listing[0]);
            p->listed_count = p->listing_count;
            p->listed_next = p->listing_count = 0;
            p->listing_ready = false;
        }
        if (!p->searching && !p->listing_sent && !p->listing_ready && p->todo.count > 0 &&
            imap_listing_send(p, err) < 0)
            return -1;
        if (p->window_count < IMAP_WINDOWS && imap_pickup_fill_window(p, err) < 0)
            return -1;
        if (p->window_count == windows)
            return 0;
    }
}

/* ---- Handing out ----------------------------------------------------------------------------- */

static bool imap_pickup_hand_out(struct imap_pickup *p, struct imap_message *out)
{
    while (p->window_count > 0) {
        struct imap_window *w = &p->windows[p->first_window];
        if (w->state != IMAP_WINDOW_READY)
            return false;
        if (w->next < w->count) {
            imap_entry_done(&p->given);
            p->given = w->entries[w->next++];
            break;
        }
        w->state = IMAP_WINDOW_EMPTY;
        w->count = w->next = 0;
        p->first_window = (p->first_window + 1) % IMAP_WINDOWS;
        p->window_count--;
    }
    if (p->given.uid == 0)
        return false;
    struct imap_entry *entry = &p->given;
    clock_rfc3339(entry->date_s, entry->date_offset_min, p->date);
    *out = (struct imap_message){
        .uidvalidity = imap_session_selected(p->session)->uidvalidity,
        .uid = entry->uid,
        .raw_size = entry->spool != NULL ? spool_size(entry->spool) : entry->size,
        .error = entry->error,
        .date_received = entry->has_date && p->date[0] != '\0' ? p->date : NULL,
        .mail = TAKE(entry->mail),
        .spool = TAKE(entry->spool)};
    memcpy(out->sha256, entry->sha256, sizeof out->sha256);
    entry->uid = 0;
    p->out++;
    return true;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static int imap_pickup_prepare_folders(struct imap_pickup *p, struct error *err)
{
    struct imap_folders *f = &p->folders;
    if (imap_folders_resolve(p->session, p->settings, f, err) < 0)
        return -1;
    if (p->options.read_only || p->settings->after == IMAP_AFTER_LEAVE)
        return 0;
    bool drops = p->settings->after == IMAP_AFTER_MOVE;
    if ((drops && imap_folder_create(p->session, &f->dropbox, "dropbox", err) < 0) ||
        imap_folder_create(p->session, &f->badmail, "badmail", err) < 0 ||
        (drops && imap_folder_status(p->session, &f->dropbox, err) < 0))
        return -1;
    return imap_folder_status(p->session, &f->badmail, err);
}

static int imap_pickup_select(struct imap_pickup *p, struct error *err)
{
    const struct imap_selected *selected = imap_session_selected(p->session);
    if (imap_session_select(p->session, p->folders.mailbox.wire, p->options.read_only, err) < 0)
        return -1;
    if (selected->fleeting)
        imap_host_log(p->host, IMAP_LOG_WARNING,
                      "the server does not keep UIDs of '%s' between sessions: "
                      "mail that stays there may be picked up again",
                      p->folders.mailbox.name);
    if (selected->read_only && !p->options.read_only && p->settings->after != IMAP_AFTER_LEAVE)
        return error_set(err, ERROR_CONFIG,
                         "'%s' can only be read by this user, mail cannot be moved out "
                         "of it; get the rights, or use after=Leave",
                         p->folders.mailbox.name);
    return 0;
}

static int imap_pickup_connect(struct imap_pickup *p, struct error *err)
{
    if (p->settings->allow_insecure_cert)
        imap_host_log(p->host, IMAP_LOG_WARNING,
                      "allowInsecureCert: the certificate of '%s' is not "
                      "checked, anybody on the way can read and change everything",
                      p->settings->host);
    int r = imap_session_open(p->settings, p->user, p->secret, p->host, &p->session, err);
    imap_pickup_forget_secret(p);
    if (r < 0 || imap_pickup_prepare_folders(p, err) < 0 || imap_pickup_select(p, err) < 0)
        return -1;
    p->moves = imap_moves_new(p->session, p->settings, p->host, &p->folders);
    if (p->moves == NULL)
        return error_oom(err, "opening a mailbox");
    if (!p->options.read_only && imap_reconcile(p->session, p->settings, p->host, &p->folders,
                                                p->moves, &p->handled, err) < 0)
        return -1;
    imap_session_listen(p->session, imap_pickup_on_event, p);
    return 0;
}

int imap_pickup_open(const struct imap_pickup_options *options, struct imap_pickup **out_pickup,
                     struct error *err)
{
    AUTO(imap_pickup) p = calloc(1, sizeof *p);
    if (p == NULL)
        return error_oom(err, "opening a mailbox");
    p->options = *options;
    p->settings = options->settings;
    p->host = options->host;
    p->body.spool_dir = options->host->spool_dir;
    p->body.options =
        (struct mail_options){options->settings->attach_html, options->settings->sanitize, NULL};
    p->body.max_size = options->settings->max_size;
    buffer_init(&p->header, IMAP_HEADER_MAX);
    if (imap_rules_init(&p->rules, options->settings, err) < 0)
        return -1;
    p->user = strdup(options->user != NULL ? options->user : "");
    p->secret = strdup(options->secret != NULL ? options->secret : "");
    if (p->user == NULL || p->secret == NULL)
        return error_oom(err, "opening a mailbox");
    p->options.user = p->options.secret = NULL;
    *out_pickup = TAKE(p);
    return 0;
}

/* ---- The pass -------------------------------------------------------------------------------- */

static bool imap_pickup_is_done(const struct imap_pickup *p)
{
    if (p->searching || p->window_count > 0 || imap_moves_busy(p->moves))
        return false;
    return imap_pickup_limit_reached(p) ||
           (p->todo.count == 0 && !p->listing_sent && !p->listing_ready &&
            p->listed_next == p->listed_count && p->retry_count == 0);
}

/* Back from waiting: is there a reason to look? */
static int imap_pickup_awake(struct imap_pickup *p, bool *out_look, struct error *err)
{
    bool idling = imap_session_idling(p->session);
    if (imap_session_peek(p->session, err) < 0)
        return -1;
    *out_look = !idling || imap_session_news(p->session) ||
                clock_monotonic_ms(&p->host->clock) >= p->next_poll_ms;
    if (!*out_look)
        return 0;
    p->searched = false;
    return imap_session_wake(p->session, err);
}

static int imap_pickup_tell_refused(const struct imap_pickup *p, struct error *err)
{
    struct error why;
    uint64_t refused = imap_moves_refused(p->moves, &why);
    if (refused == 0)
        return 0;
    *err = why;
    error_prefix(err, "%" PRIu64 " stored messages could not be moved out of '%s'", refused,
                 p->folders.mailbox.name);
    return -1;
}

enum imap_pickup_result imap_pickup_next(struct imap_pickup *p, struct imap_message *out_message,
                                         struct error *err)
{
    bool look = true;
    if (p->session == NULL && imap_pickup_connect(p, err) < 0)
        return IMAP_PICKUP_FAILED;
    if (imap_pickup_is_done(p) && p->searched && imap_pickup_awake(p, &look, err) < 0)
        return IMAP_PICKUP_FAILED;
    if (!look)
        return IMAP_PICKUP_DRAINED;
    for (;;) {
        if (imap_pickup_plan(p, err) < 0)
            return IMAP_PICKUP_FAILED;
        if (imap_pickup_hand_out(p, out_message))
            return imap_session_flush(p->session, err) < 0 ? IMAP_PICKUP_FAILED
                                                           : IMAP_PICKUP_MESSAGE;
        if (p->host->cancelled(p->host->context)) {
            error_set(err, ERROR_CANCELLED, "cancelled");
            return IMAP_PICKUP_FAILED;
        }
        if (imap_pickup_is_done(p)) {
            if (imap_pickup_tell_refused(p, err) < 0)
                return IMAP_PICKUP_FAILED;
            if (imap_pickup_limit_reached(p) || !(imap_session_news(p->session) || p->overflow))
                return IMAP_PICKUP_DRAINED;
            p->searched = false;
            continue;
        }
        if (imap_pickup_waits_for_host(p))
            return IMAP_PICKUP_DRAINED;
        if (imap_session_outstanding(p->session) > 0 && imap_session_turn(p->session, err) < 0)
            return IMAP_PICKUP_FAILED;
    }
}

/* All that is on its way and was not handed out. The session may be broken: only the ledger is
 * told. */
static void imap_pickup_withdraw_windows(struct imap_pickup *p)
{
    uint32_t uids[IMAP_WINDOW_MAX];
    struct error err;
    for (size_t i = 0; i < p->window_count; i++) {
        const struct imap_window *w = &p->windows[(p->first_window + i) % IMAP_WINDOWS];
        size_t count = 0;
        for (size_t j = w->next; j < w->count; j++)
            if (w->entries[j].noted)
                uids[count++] = w->entries[j].uid;
        if (imap_pickup_withdraw(p, uids, count, &err) < 0)
            imap_host_log(p->host, IMAP_LOG_WARNING, "attempts could not be taken back: %s",
                          err.text);
    }
}

int imap_pickup_settle(struct imap_pickup *p, const uint32_t *uids, size_t count, uint32_t fate,
                       struct error *err)
{
    p->out -= count < p->out ? count : p->out;
    if (fate == IMAP_FATE_RELEASE)
        return imap_pickup_withdraw(p, uids, count, err);
    if (p->session == NULL || p->options.read_only)
        return 0;
    for (size_t i = 0; i < count; i++) {
        struct imap_record record = {.uid = uids[i], .step = IMAP_STEP_STORED, .fate = fate};
        if (imap_moves_add(p->moves, &record, err) < 0)
            return -1;
    }
    if (imap_moves_start(p->moves, err) < 0)
        return -1;
    return imap_session_flush(p->session, err);
}

const char *imap_pickup_mailbox(const struct imap_pickup *p)
{
    return p->folders.mailbox.path != NULL ? p->folders.mailbox.path : p->settings->mailbox;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

int imap_pickup_wait(struct imap_pickup *p, int *out_fd, uint32_t *out_timeout_ms,
                     struct error *err)
{
    uint64_t now = clock_monotonic_ms(&p->host->clock), left;
    *out_fd = -1;
    *out_timeout_ms = 0;
    if (p->session == NULL || !imap_pickup_is_done(p))
        return 0;
    if (p->settings->idle && (imap_session_can(p->session) & IMAP_CAN_IDLE) != 0 &&
        imap_session_idle(p->session, err) < 0)
        return -1;
    imap_session_drop_buffers(p->session);
    *out_fd = imap_session_fd(p->session);
    left = p->next_poll_ms > now ? p->next_poll_ms - now : 0;
    *out_timeout_ms = (uint32_t)(left < IMAP_IDLE_MS ? left : IMAP_IDLE_MS);
    return 0;
}

/* ---- Closing --------------------------------------------------------------------------------- */

static void imap_pickup_free_entries(struct imap_entry *entries, size_t from, size_t count)
{
    for (size_t i = from; i < count; i++)
        imap_entry_done(&entries[i]);
}

void imap_pickup_close(struct imap_pickup *p)
{
    if (p == NULL)
        return;
    imap_pickup_forget_secret(p);
    imap_pickup_withdraw_windows(p);
    free(p->user);
    imap_moves_free(p->moves);
    imap_session_close(p->session);
    for (size_t i = 0; i < IMAP_WINDOWS; i++)
        imap_pickup_free_entries(p->windows[i].entries, p->windows[i].next, p->windows[i].count);
    imap_pickup_free_entries(p->listing, 0, p->listing_count);
    imap_pickup_free_entries(p->listed, p->listed_next, p->listed_count);
    imap_pickup_free_entries(p->retry, 0, p->retry_count);
    free(p->retry);
    imap_entry_done(&p->given);
    imap_body_done(&p->body);
    buffer_done(&p->header);
    imap_set_done(&p->todo);
    imap_set_done(&p->handled);
    imap_folders_done(&p->folders);
    imap_rules_done(&p->rules);
    free(p);
}
