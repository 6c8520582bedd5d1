/* SPDX-License-Identifier: Apache-2.0 */
/* imap-pickup.c - the way of mail out of one mailbox. See imap-pickup.h. */
#include <config.h>
#include "imap-pickup-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "imap-epoch.h"
#include "imap-reconcile.h"
#include "text.h"

/* ---- Secrets --------------------------------------------------------------------------------- */

static void imap_pickup_forget_secret(struct imap_pickup *p)
{
    if (p->secret != NULL)
        explicit_bzero(p->secret, strlen(p->secret));
    free(p->secret);
    p->secret = NULL;
}

/* ---- Planning -------------------------------------------------------------------------------- */

/* Is there room for another window? */
static bool imap_pickup_has_window(const struct imap_pickup *p)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < p->window_count; i++)
        bytes += p->windows[(p->first_window + i) % IMAP_WINDOWS].bytes;
    return p->window_count < IMAP_WINDOWS_LARGE ||
           (p->window_count < IMAP_WINDOWS && bytes < IMAP_WINDOWS_BYTES);
}

static int imap_pickup_list_next(struct imap_pickup *p, struct error *err)
{
    if (p->searching || p->listing_sent || p->listing_ready)
        return 0;
    if (imap_pickup_strike(p, err) < 0)
        return -1;
    return p->todo.count > 0 ? imap_listing_send(p, err) : 0;
}

/* All that was found is handed out and done with, but for what goes last. */
static bool imap_pickup_is_through(const struct imap_pickup *p)
{
    if (p->searching || p->window_count > 0 || imap_moves_busy(p->moves))
        return false;
    return imap_pickup_limit_reached(p) || (imap_pickup_asks_no_more(p) && p->later.count == 0);
}

/* New mail is through, and what an earlier session may have ordered waits: its order may end this one,
 * too. */
static bool imap_pickup_comes_to_last(const struct imap_pickup *p)
{
    return imap_moves_wait(p->moves) && imap_pickup_is_through(p) &&
           (p->search_from == 0 || imap_pickup_limit_reached(p));
}

/* Moves that another run began here, while this one waited, are to be looked into. */
static bool imap_pickup_comes_to_others(const struct imap_pickup *p)
{
    return p->others_moves && imap_pickup_is_through(p) && !imap_moves_wait(p->moves);
}

/* Ask for all that may be asked for now. */
static int imap_pickup_plan(struct imap_pickup *p, struct error *err)
{
    if (imap_moves_start(p->moves, imap_pickup_awaits_any(p), err) < 0)
        return -1;
    if (!p->searched && imap_pickup_search(p, err) < 0)
        return -1;
    if (imap_pickup_strike(p, err) < 0)
        return -1;
    if (p->again.count > 0 && imap_listing_inspect(p, err) < 0)
        return -1;
    if (imap_pickup_limit_reached(p))
        return 0;
    if (imap_pickup_take_turns(p, err) < 0)
        return -1;
    for (;;) {
        size_t windows = p->window_count;
        if (p->listing_ready && p->listed_next == p->listed_count)
            imap_listing_adopt(p);
        if (imap_pickup_list_next(p, err) < 0)
            return -1;
        if (imap_pickup_has_window(p) && imap_pickup_fill_window(p, err) < 0)
            return -1;
        if (p->window_count == windows)
            return 0;
    }
}

/* ---- Handing out ----------------------------------------------------------------------------- */

/* 1: handed out; 0: none is ready; -1: failed, and it stays ours. */
static int imap_pickup_hand_out(struct imap_pickup *p, struct imap_message *out, struct error *err)
{
    while (p->window_count > 0) {
        struct imap_window *w = &p->windows[p->first_window];
        if (w->state != IMAP_WINDOW_READY)
            return 0;
        if (w->next < w->count) {
            if (imap_entry_part(&w->entries[w->next], &p->body.options, p->host, err) < 0)
                return -1;
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
        return 0;
    struct imap_entry *entry = &p->given;
    clock_rfc3339(entry->date_s, entry->date_offset_min, p->date);
    *out = (struct imap_message){
        .uidvalidity = imap_session_selected(p->session)->uidvalidity,
        .uid = entry->uid,
        .noted = entry->noted,
        .raw_size = entry->spool != NULL ? spool_size(entry->spool) : entry->size,
        .error = entry->error,
        .date_received = entry->has_date && p->date[0] != '\0' ? p->date : NULL};
    out->mail = TAKE(entry->mail);
    out->spool = TAKE(entry->spool);
    memcpy(out->sha256, entry->sha256, sizeof out->sha256);
    entry->uid = 0;
    p->out++;
    p->brought = true;
    return 1;
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

int imap_pickup_claimed(struct imap_pickup *p, int answered, const struct error *err)
{
    p->claimed = p->claimed || (answered < 0 && err->class == ERROR_PAUSE);
    return answered;
}

bool imap_pickup_is_anothers(const struct imap_pickup *p)
{
    return p->claimed;
}

/* One of several folders: the session is there, and nothing is ever changed in it. */
static int imap_pickup_examine(struct imap_pickup *p, struct imap_mailbox *out_before,
                               struct error *err)
{
    const struct imap_folder *folder = p->options.folder;
    bool open = false;
    p->folders.mailbox = (struct imap_folder){.name = strdup(folder->path),
                                              .wire = strdup(folder->wire),
                                              .path = strdup(folder->path),
                                              .exists = true,
                                              .delimiter = folder->delimiter};
    if (p->folders.mailbox.name == NULL || p->folders.mailbox.wire == NULL ||
        p->folders.mailbox.path == NULL)
        return error_oom(err, "opening a folder");
    int begun = imap_epoch_begin(p->host, &p->folders.mailbox, out_before, err);
    if (imap_pickup_claimed(p, begun, err) < 0 ||
        imap_session_examine(p->session, folder->wire, &open, &p->refusal, err) < 0)
        return -1;
    if (!open) {
        *err = p->refusal;
        return -1;
    }
    if (imap_session_selected(p->session)->uidvalidity != p->options.handled_uidvalidity)
        imap_set_clear(&p->handled);
    p->options.handled_uidvalidity = imap_session_selected(p->session)->uidvalidity;
    if (imap_session_selected(p->session)->fleeting)
        imap_host_log(p->host, IMAP_LOG_WARNING,
                      "the server does not keep UIDs of '%s' between sessions: mail in it may be "
                      "picked up again", folder->path);
    return 0;
}

/* *out_before is what was known before the server was asked. */
static int imap_pickup_open_mailbox(struct imap_pickup *p, struct imap_mailbox *out_before,
                                    struct error *err)
{
    if (p->options.session != NULL) {
        p->session = p->options.session;
        return imap_pickup_examine(p, out_before, err);
    }
    return imap_session_open(p->settings, p->user, p->secret, p->host, &p->session, err) < 0 ||
                   imap_pickup_prepare_folders(p, err) < 0 ||
                   imap_epoch_begin(p->host, &p->folders.mailbox, out_before, err) < 0 ||
                   imap_pickup_select(p, err) < 0
               ? -1
               : 0;
}

static int imap_pickup_enter(struct imap_pickup *p, struct error *err)
{
    struct imap_mailbox before;
    if (imap_pickup_open_mailbox(p, &before, err) < 0)
        return -1;
    p->moves = imap_moves_new(p->session, p->settings, p->host, &p->folders);
    if (p->moves == NULL)
        return error_oom(err, "opening a mailbox");
    if (imap_again_begin(p, err) < 0 ||
        imap_epoch(p->session, p->settings, p->host, &p->folders.mailbox, &before, p->accept, err) <
            0)
        return -1;
    if (!p->options.read_only && imap_reconcile(p->session, p->settings, p->host, &p->folders,
                                                p->moves, &p->reconciled, &p->again, err) < 0)
        return -1;
    imap_session_listen(p->session, imap_pickup_on_event, p);
    return 0;
}

/* A session that is shared goes on, and nobody listens. */
static void imap_pickup_end_session(struct imap_pickup *p)
{
    imap_moves_free(TAKE(p->moves));
    if (p->options.session == NULL)
        imap_session_close(TAKE(p->session));
    else if (p->session != NULL)
        imap_session_listen(TAKE(p->session), NULL, NULL);
}

static void imap_pickup_retreat(struct imap_pickup *p)
{
    imap_pickup_end_session(p);
    imap_folders_done(&p->folders);
    if (p->options.session == NULL)
        imap_set_clear(&p->handled);
    imap_set_clear(&p->reconciled);
    imap_again_done(&p->again);
}

/* The secret is wiped as soon as it is not needed any more: when we are in, or cannot get in. After
 * a pause the host may call again. */
static int imap_pickup_connect(struct imap_pickup *p, struct error *err)
{
    if (p->secret == NULL)
        return error_set(err, ERROR_LINK, "%s: the connection failed before; open it again",
                         p->settings->host);
    if (p->settings->allow_insecure_cert && p->options.session == NULL)
        imap_host_log(p->host, IMAP_LOG_WARNING,
                      "allowInsecureCert: the certificate of '%s' is not checked, anybody on the "
                      "way can read and change everything",
                      p->settings->host);
    int r = imap_pickup_enter(p, err);
    if (r < 0)
        imap_pickup_retreat(p);
    if (r == 0 || err->class != ERROR_PAUSE)
        imap_pickup_forget_secret(p);
    return r;
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
    p->accept = options->accept_new_uids;
    p->out = options->out;
    p->pieces = options->pieces != 0 ? options->pieces : IMAP_PICKUP_PIECES;
    p->body.spool_dir = options->host->spool_dir;
    p->body.options = (struct mail_options){.attach_html = options->settings->attach_html,
                                            .sanitize = options->settings->sanitize,
                                            .spool_dir = options->host->spool_dir};
    p->body.max_size = options->settings->max_size;
    buffer_init(&p->header, IMAP_HEADER_MAX);
    if (imap_rules_init(&p->rules, options->settings, err) < 0)
        return -1;
    p->user = strdup(options->user != NULL ? options->user : "");
    p->secret = strdup(options->secret != NULL ? options->secret : "");
    if (p->user == NULL || p->secret == NULL)
        return error_oom(err, "opening a mailbox");
    p->options.user = p->options.secret = NULL;
    if (options->handled != NULL) {
        p->handled = *options->handled;
        imap_set_init(options->handled);
    }
    *out_pickup = TAKE(p);
    return 0;
}

/* ---- The pass -------------------------------------------------------------------------------- */

bool imap_pickup_is_done(const struct imap_pickup *p)
{
    return imap_pickup_is_through(p) && !p->others_moves && !imap_moves_wait(p->moves);
}

/* The server ended IDLE itself. One that does so at once would make us search as fast as the
 * network is. */
static void imap_pickup_idle_ended(struct imap_pickup *p, uint64_t now)
{
    p->idles = false;
    p->idles_short = now - p->idle_since_ms < IMAP_IDLE_SHORT_MS ? p->idles_short + 1 : 0;
    if (p->idles_short == IMAP_IDLES_SHORT)
        imap_host_log(p->host, IMAP_LOG_WARNING,
                      "the server ends IDLE at once: new mail in '%s' is found by polling instead",
                      p->folders.mailbox.name);
}

/* ---- Refused moves --------------------------------------------------------------------------- */

uint32_t imap_pickup_longer_pause(uint32_t pause_ms)
{
    uint64_t longer_ms = pause_ms == 0 ? IMAP_REFUSED_MS : pause_ms * UINT64_C(2);
    return longer_ms < IMAP_REFUSED_MAX_MS ? (uint32_t)longer_ms : IMAP_REFUSED_MAX_MS;
}

/* They are told once, as long as the reason stays the same: what the server says may tell the time. */
static void imap_pickup_plan_retry(struct imap_pickup *p, uint64_t refused, const struct error *why)
{
    if (!text_equal_but_numbers(p->refused_why.text, why->text))
        imap_host_log(p->host, IMAP_LOG_ERROR,
                      "%" PRIu64 " stored messages could not be moved out of '%s', and are tried "
                      "again from time to time: %s",
                      refused, p->folders.mailbox.name, why->text);
    p->refused_why = *why;
    p->refused_count = refused;
    if (p->refused_ms != 0)
        return; /* planned already */
    p->refused_pause_ms = imap_pickup_longer_pause(p->refused_pause_ms);
    p->refused_ms = clock_monotonic_ms(&p->host->clock) + p->refused_pause_ms;
}

/* The pass is over: were moves refused? While more of the mailbox is to be searched it is not: a
 * full archive keeps back no mail that is found later. */
static int imap_pickup_refusals(struct imap_pickup *p, struct error *err)
{
    struct error why;
    if (p->search_from != 0 && !imap_pickup_limit_reached(p))
        return 0;
    uint64_t refused = imap_moves_refused(p->moves, &why);
    if (refused > 0 && p->options.watch && !imap_pickup_limit_reached(p)) {
        imap_pickup_plan_retry(p, refused, &why);
        return 0;
    }
    if (refused > 0) {
        *err = why;
        error_prefix(err, "%" PRIu64 " stored messages could not be moved out of '%s'", refused,
                     p->folders.mailbox.name);
        return -1;
    }
    if (p->refused_pause_ms != 0)
        imap_host_log(p->host, IMAP_LOG_WARNING,
                      "the stored messages that could not be moved out of '%s' are moved now",
                      p->folders.mailbox.name);
    p->refused_pause_ms = 0;
    p->refused_count = 0;
    p->refused_why = (struct error){0};
    return 0;
}

bool imap_pickup_left(const struct imap_pickup *p, struct error *out_why)
{
    if (p->left_count == 0)
        return false;
    *out_why = p->left_why;
    error_prefix(out_why, "%" PRIu64 " messages stay in '%s' that the server does not give out, "
                 "message %u first", p->left_count, p->folders.mailbox.name, p->left_uid);
    return true;
}

/* Where both are so, what a person has to mend. */
static bool imap_pickup_trouble(const struct imap_pickup *p, struct error *out_why)
{
    if (p->refused_count == 0)
        return imap_pickup_left(p, out_why);
    *out_why = p->refused_why;
    error_prefix(out_why, "%" PRIu64 " stored messages could not be moved out of '%s'",
                 p->refused_count, p->folders.mailbox.name);
    return true;
}

/* The pass is over: what was left, or is tried again, is told, each single one was logged. Of
 * several folders whoever goes through them tells it. */
static void imap_pickup_tell_trouble(struct imap_pickup *p)
{
    struct error why;
    bool any = imap_pickup_trouble(p, &why);
    if ((any || p->trouble_told) && p->options.session == NULL && p->host->trouble != NULL)
        p->host->trouble(p->host->context, any ? &why : NULL);
    p->trouble_told = any;
}

/* As the next session would: where the server copies, a copy may be there in spite of the refusal.
 */
static int imap_pickup_retry_moves(struct imap_pickup *p, struct error *err)
{
    p->refused_ms = 0;
    imap_moves_retry(p->moves);
    return imap_reconcile(p->session, p->settings, p->host, &p->folders, p->moves,
                          &p->reconciled, &p->again, err);
}

/* Nothing is under way, and all that was handed out is settled: what an earlier session or another
 * run may have ordered has its turn. The others' is looked into as at the start; what is announced
 * meanwhile is forgotten when the mailbox is opened anew, so it is searched again. */
static int imap_pickup_go_back(struct imap_pickup *p, struct error *err)
{
    if (imap_moves_wait(p->moves))
        return imap_moves_start_last(p->moves, err);
    p->others_moves = false;
    p->searched = false;
    return imap_session_read_no_more(p->session, err) < 0 ? -1 : imap_pickup_retry_moves(p, err);
}

/* A stop that came while the archive was looked into left us there: whoever goes on would take its
 * mail for new. */
static int imap_pickup_check_place(struct imap_pickup *p, struct error *err)
{
    if (p->options.session != NULL || !imap_session_is_open(p->session) ||
        imap_session_is_in(p->session, p->folders.mailbox.wire,
                           imap_session_selected(p->session)->uidvalidity))
        return 0;
    return error_set(
        err, ERROR_LINK,
        "%s: the search for moved mail was broken off in another folder; open '%s' again",
        p->settings->host, p->folders.mailbox.name);
}

/* ---- One pass -------------------------------------------------------------------------------- */

/* Back from waiting: is there a reason to look? Without one IDLE goes on, or is begun afresh by the
 * next wait. */
static int imap_pickup_awake(struct imap_pickup *p, bool *out_look, struct error *err)
{
    bool idling = imap_session_idling(p->session);
    if (imap_session_peek(p->session, err) < 0)
        return -1;
    uint64_t now = clock_monotonic_ms(&p->host->clock);
    if (p->idles && !imap_session_idling(p->session))
        imap_pickup_idle_ended(p, now);
    bool retry = p->refused_ms != 0 && now >= p->refused_ms;
    bool look = !idling || imap_session_news(p->session) || now >= p->next_poll_ms || retry;
    if ((look || now >= p->idle_end_ms) && imap_session_wake(p->session, err) < 0)
        return -1;
    if (retry && imap_pickup_retry_moves(p, err) < 0)
        return -1;
    p->idles = p->idles && imap_session_idling(p->session);
    *out_look = look || imap_session_news(p->session);
    p->searched = p->searched && !*out_look;
    return 0;
}

/* All that was found is done with, and what was left or refused is told. What was too much to be
 * held belongs to the same pass. */
static int imap_pickup_pass_over(struct imap_pickup *p, struct error *err)
{
    bool over = imap_pickup_limit_reached(p) || p->search_from == 0;
    if (over)
        imap_pickup_plan_missed(p);
    if (imap_session_read_no_more(p->session, err) < 0)
        return -1;
    int refused = imap_pickup_refusals(p, err);
    if (over)
        imap_pickup_tell_trouble(p);
    if (refused < 0)
        return -1;
    if (imap_pickup_limit_reached(p) || p->search_from != 0)
        return 0;
    p->accept = false;
    p->news_empty = p->brought || !imap_session_news(p->session) ? 0 : p->news_empty + 1;
    p->planned_before = p->planned;
    return imap_again_settle(p, err);
}

/* Is there more to be found at once? What is announced by a server whose last announcement brought
 * nothing is for the next run, or for when the host has waited: it may have others to see to. */
static bool imap_pickup_searches_on(const struct imap_pickup *p)
{
    return p->search_from != 0 || (imap_session_news(p->session) && p->brought);
}

static enum imap_pickup_result imap_pickup_go_on(struct imap_pickup *p,
                                                 struct imap_message *out_message,
                                                 struct error *err)
{
    bool look = true;
    if (p->session == NULL && imap_pickup_connect(p, err) < 0)
        return IMAP_PICKUP_FAILED;
    if (imap_pickup_check_place(p, err) < 0)
        return IMAP_PICKUP_FAILED;
    if (imap_pickup_is_done(p) && p->searched &&
        (imap_session_read_no_more(p->session, err) < 0 || imap_pickup_awake(p, &look, err) < 0))
        return IMAP_PICKUP_FAILED;
    if (!look)
        return IMAP_PICKUP_DRAINED;
    for (;;) {
        if (imap_pickup_plan(p, err) < 0 || imap_session_flush(p->session, err) < 0)
            return IMAP_PICKUP_FAILED; /* what is ready stays ours, and its attempt is taken back */
        if (p->refused) {
            *err = p->refusal;
            return IMAP_PICKUP_FAILED;
        }
        int handed = imap_pickup_hand_out(p, out_message, err);
        if (handed != 0)
            return handed > 0 ? IMAP_PICKUP_MESSAGE : IMAP_PICKUP_FAILED;
        if (p->host->cancelled(p->host->context)) {
            error_set(err, ERROR_CANCELLED, "cancelled");
            return IMAP_PICKUP_FAILED;
        }
        if (imap_pickup_comes_to_last(p) || imap_pickup_comes_to_others(p)) {
            if (p->out > 0)
                return IMAP_PICKUP_DRAINED; /* what is not settled is not stored for certain */
            if (imap_pickup_go_back(p, err) < 0)
                return IMAP_PICKUP_FAILED;
            continue;
        }
        if (imap_pickup_is_through(p)) {
            if (imap_pickup_pass_over(p, err) < 0)
                return IMAP_PICKUP_FAILED;
            if (imap_pickup_limit_reached(p) || !imap_pickup_searches_on(p))
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

enum imap_pickup_result imap_pickup_next(struct imap_pickup *p, struct imap_message *out_message,
                                         struct error *err)
{
    enum imap_pickup_result result = imap_pickup_go_on(p, out_message, err);
    if (result == IMAP_PICKUP_FAILED)
        imap_pickup_blame(p, err);
    return result;
}

int imap_pickup_settle(struct imap_pickup *p, const uint32_t *uids, size_t count, uint32_t fate,
                       struct error *err)
{
    p->out -= count < p->out ? count : p->out;
    if (fate == IMAP_FATE_RELEASE)
        return imap_pickup_withdraw(p, uids, count, err);
    if (p->session == NULL || p->options.read_only || fate == IMAP_FATE_SPARE)
        return 0;
    for (size_t i = 0; i < count; i++) {
        struct imap_record record = {.uid = uids[i], .step = IMAP_STEP_STORED, .fate = fate};
        if (imap_moves_add(p->moves, &record, err) < 0)
            return -1;
    }
    if (imap_moves_start(p->moves, imap_pickup_awaits_any(p), err) == 0 &&
        imap_session_flush(p->session, err) == 0)
        return 0;
    imap_pickup_blame(p, err);
    return -1;
}

uint64_t imap_pickup_waiting(const struct imap_pickup *p)
{
    uint64_t count = p->listing_count + p->listed_count - p->listed_next + p->retry_count;
    for (size_t i = 0; i < p->later.count; i++)
        count += (uint64_t)p->later.ranges[i].last - p->later.ranges[i].first + 1;
    for (size_t i = 0; i < p->todo.count; i++)
        count += (uint64_t)p->todo.ranges[i].last - p->todo.ranges[i].first + 1;
    for (size_t i = 0; i < IMAP_WINDOWS; i++)
        count += p->windows[i].count - p->windows[i].next;
    return count;
}

void imap_pickup_others_settled(struct imap_pickup *p, uint64_t count)
{
    p->out -= count < p->out ? count : p->out;
}

bool imap_pickup_leave(struct imap_pickup *p, struct imap_set *handled, uint32_t *uidvalidity)
{
    bool opened = p->session != NULL;
    bool done = opened && imap_pickup_is_done(p) && !imap_pickup_limit_reached(p);
    bool all = done && p->missed.count == 0;
    if ((opened && !done) || imap_set_subtract(&p->handled, &p->missed) < 0)
        return false; /* some of it was not handed out */
    imap_set_done(handled);
    *handled = p->handled;
    *uidvalidity = p->options.handled_uidvalidity;
    imap_set_init(&p->handled);
    return all;
}

const char *imap_pickup_mailbox(const struct imap_pickup *p)
{
    return p->folders.mailbox.path != NULL ? p->folders.mailbox.path : p->settings->mailbox;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

int imap_pickup_wait(struct imap_pickup *p, int *out_fd, uint32_t *out_timeout_ms,
                     struct error *err)
{
    uint64_t now = clock_monotonic_ms(&p->host->clock);
    *out_fd = -1;
    *out_timeout_ms = 0;
    if (p->session == NULL || !imap_pickup_is_done(p))
        return 0;
    if (!imap_session_idling(p->session))
        p->idle_end_ms = now + IMAP_IDLE_MS;
    bool idle = p->settings->idle && !imap_session_news(p->session) &&
                p->idles_short < IMAP_IDLES_SHORT &&
                (imap_session_can(p->session) & IMAP_CAN_IDLE) != 0;
    if (idle && !p->idles) {
        p->idles = true;
        p->idle_since_ms = now;
    }
    if (idle && imap_session_idle(p->session, err) < 0)
        return -1;
    if (p->listing_count == 0 && p->listed_next == p->listed_count) /* not so behind a limit */
        imap_pickup_drop_room(p);
    buffer_clear(&p->header);
    buffer_spare(&p->header);
    imap_session_drop_buffers(p->session);
    *out_fd = imap_session_fd(p->session);
    uint64_t end = p->next_poll_ms < p->idle_end_ms ? p->next_poll_ms : p->idle_end_ms;
    end = p->refused_ms != 0 && p->refused_ms < end ? p->refused_ms : end;
    bool news = imap_session_news(p->session); /* it may come while IDLE begins: nothing to poll */
    if (end > now && !news)
        *out_timeout_ms = (uint32_t)(end - now);
    if (news && p->news_empty >= IMAP_NEWS_EMPTY) { /* announced for ever: not as fast as it can */
        *out_timeout_ms = IMAP_NEWS_PAUSE_MS;
        *out_fd = -1;
    }
    return 0;
}

/* ---- Closing --------------------------------------------------------------------------------- */

static void imap_pickup_free_entries(struct imap_entry *entries, size_t from, size_t count)
{
    for (size_t i = from; i < count; i++)
        imap_entry_done(&entries[i]);
}

/* Moves that waited for others to join them: nothing will. Nobody waits for the answer either; what
 * is noted as MOVING is looked for by the next run. */
static void imap_pickup_order_rest(struct imap_pickup *p)
{
    struct error ignored;
    if (p->moves != NULL && p->session != NULL && imap_session_is_open(p->session))
        (void)imap_moves_start(p->moves, false, &ignored);
}

void imap_pickup_close(struct imap_pickup *p)
{
    if (p == NULL)
        return;
    imap_pickup_forget_secret(p);
    imap_pickup_withdraw_windows(p);
    imap_pickup_order_rest(p);
    free(p->user);
    imap_pickup_end_session(p);
    for (size_t i = 0; i < IMAP_WINDOWS; i++)
        imap_pickup_free_entries(p->windows[i].entries, p->windows[i].next, p->windows[i].count);
    imap_pickup_free_entries(p->listing, 0, p->listing_count);
    imap_pickup_free_entries(p->listed, p->listed_next, p->listed_count);
    imap_pickup_free_entries(p->retry, 0, p->retry_count);
    free(p->retry);
    imap_pickup_drop_room(p);
    imap_entry_done(&p->given);
    imap_body_close(&p->body);
    buffer_done(&p->header);
    imap_set_done(&p->todo);
    imap_set_done(&p->handled);
    imap_set_done(&p->reconciled);
    imap_set_done(&p->missed);
    imap_set_done(&p->unlisted);
    imap_set_done(&p->later);
    imap_again_done(&p->again);
    imap_folders_done(&p->folders);
    imap_rules_done(&p->rules);
    free(p);
}
