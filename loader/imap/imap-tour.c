/* SPDX-License-Identifier: Apache-2.0 */
/* imap-tour.c - the way of mail out of a source. See imap-tour.h.
 *
 * A message's token is the number of the visit it was handed out in, and its UID. A visit is
 * remembered until all its messages are settled, which may be when the tour is folders further. */
#include <config.h>
#include "imap-tour.h"

#include <stdlib.h>
#include <string.h>

#include "imap-rules.h"
#include "imap-tour-private.h"

/*   START ─> SWEEP ─all visited─> SWEPT ─all settled─> HOME
 *              ^                    │                    │
 *              └──── it is time ────┴────────────────────┘ */
enum imap_tour_state { IMAP_TOUR_START, IMAP_TOUR_SWEEP, IMAP_TOUR_SWEPT, IMAP_TOUR_HOME };

struct imap_visit {
    uint32_t number, uidvalidity;
    uint64_t out; /* handed out, not settled */
    char *path;
};

struct imap_tour {
    struct imap_pickup_options options;
    const struct imap_settings *settings;
    const struct imap_host *host;
    struct imap_pickup *pickup; /* of the mailbox, or of the folder being visited; else NULL */
    const char *path;           /* of the folder that is talked about */

    /* With folders: */
    char *user, *secret;
    struct imap_session *session;
    enum imap_tour_state state;
    struct imap_stops stops;
    size_t next;               /* of stops, in this sweep */
    struct imap_stop *stop;    /* that is being visited */
    bool homeless;             /* the home cannot be opened, in this sweep */
    uint64_t next_sweep_ms;
    struct imap_visit
        *visits; /* with messages out; the last one is the current, while there is one */
    size_t visit_count;
    uint32_t visit_number;
    uint64_t out;              /* of all visits */
    uint64_t handed;           /* messages in all, against options.limit */
    uint64_t passed,
        later; /* for progress(): handed out since DRAINED, expected in folders to come */
    bool counted;              /* progress() was told about this visit */
    uint64_t *spared;          /* tokens that are out, of messages for which no attempt was noted */
    size_t spared_count, spared_capacity;
};

/* ---- Opening --------------------------------------------------------------------------------- */

static bool imap_tour_walks(const struct imap_tour *tour)
{
    return tour->settings->folders != NULL;
}

static void imap_tour_forget_secret(struct imap_tour *tour)
{
    if (tour->secret != NULL)
        explicit_bzero(tour->secret, strlen(tour->secret));
    free(tour->secret);
    tour->secret = NULL;
}

int imap_tour_open(const struct imap_pickup_options *options, struct imap_tour **out_tour,
                   struct error *err)
{
    struct imap_rules rules;
    AUTO(imap_tour) tour = calloc(1, sizeof *tour);
    if (tour == NULL)
        return error_oom(err, "opening a mailbox");
    tour->options = *options;
    tour->settings = options->settings;
    tour->host = options->host;
    if (!imap_tour_walks(tour)) {
        if (imap_pickup_open(options, &tour->pickup, err) < 0)
            return -1;
        *out_tour = TAKE(tour);
        return 0;
    }
    if (imap_rules_init(&rules, options->settings, err) < 0)
        return -1;
    imap_rules_done(&rules); /* they are right: each visit makes its own */
    tour->user = strdup(options->user != NULL ? options->user : "");
    tour->secret = strdup(options->secret != NULL ? options->secret : "");
    if (tour->user == NULL || tour->secret == NULL)
        return error_oom(err, "opening a mailbox");
    tour->options.user = tour->options.secret = NULL;
    *out_tour = TAKE(tour);
    return 0;
}

/* As for a single mailbox: the secret is wiped as soon as it is not needed any more. */
static int imap_tour_connect(struct imap_tour *tour, struct error *err)
{
    const struct imap_settings *s = tour->settings;
    if (tour->secret == NULL)
        return error_set(err, ERROR_LINK, "%s: the connection failed before; open it again",
                         s->host);
    if (s->allow_insecure_cert)
        imap_host_log(tour->host, IMAP_LOG_WARNING,
                      "allowInsecureCert: the certificate of '%s' is not checked, anybody on the "
                      "way can read and change everything", s->host);
    int failed =
        imap_session_open(s, tour->user, tour->secret, tour->host, &tour->session, err);
    if (failed == 0 || err->class != ERROR_PAUSE)
        imap_tour_forget_secret(tour);
    return failed;
}

/* ---- Visits ---------------------------------------------------------------------------------- */

static struct imap_visit *imap_tour_visit(struct imap_tour *tour)
{
    return &tour->visits[tour->visit_count - 1];
}

static int imap_tour_add_visit(struct imap_tour *tour, const struct imap_stop *stop,
                               struct error *err)
{
    struct imap_visit *visits =
        reallocarray(tour->visits, tour->visit_count + 1, sizeof *visits);
    if (visits != NULL)
        tour->visits = visits;
    char *path = strdup(stop->folder.path);
    if (visits == NULL || path == NULL) {
        free(path);
        return error_oom(err, "opening a folder");
    }
    if (++tour->visit_number == 0)
        tour->visit_number = 1;
    visits[tour->visit_count++] =
        (struct imap_visit){.number = tour->visit_number, .path = path};
    tour->path = path;
    return 0;
}

static void imap_tour_drop_visit(struct imap_tour *tour, struct imap_visit *visit)
{
    if (tour->path == visit->path)
        tour->path = NULL;
    free(visit->path);
    size_t at = (size_t)(visit - tour->visits);
    tour->visit_count--;
    memmove(visit, visit + 1, (tour->visit_count - at) * sizeof *visit);
}

static int imap_tour_enter(struct imap_tour *tour, struct imap_stop *stop, struct error *err)
{
    struct imap_pickup_options options = tour->options;
    options.session = tour->session;
    options.folder = &stop->folder;
    options.handled = &stop->handled;
    options.handled_uidvalidity = stop->handled_uidvalidity;
    options.out = tour->out;
    if (options.limit != 0)
        options.limit -= tour->handed;
    if (imap_tour_add_visit(tour, stop, err) < 0)
        return -1;
    if (imap_pickup_open(&options, &tour->pickup, err) < 0) {
        imap_tour_drop_visit(tour, imap_tour_visit(tour));
        return -1;
    }
    tour->stop = stop;
    tour->counted = false;
    return 0;
}

/* The visit is over. */
static void imap_tour_leave(struct imap_tour *tour)
{
    struct imap_stop *stop = tour->stop;
    struct imap_visit *visit = imap_tour_visit(tour);
    if (imap_pickup_leave(tour->pickup, &stop->handled, &stop->handled_uidvalidity) &&
        stop->trouble == ERROR_NONE) {
        stop->seen = stop->state;
        stop->seen_ms = clock_monotonic_ms(&tour->host->clock);
        free(TAKE(stop->told)); /* all is well again */
    } else {
        stop->seen = (struct imap_state){0};
    }
    imap_pickup_close(TAKE(tour->pickup));
    tour->stop = NULL;
    if (visit->out == 0)
        imap_tour_drop_visit(tour, visit);
}

/* Something failed in a folder: is it this folder's trouble alone? Then the others go on. */
static int imap_tour_set_aside(struct imap_tour *tour, struct error *err)
{
    struct imap_session *session = tour->session;
    bool alone = err->class == ERROR_CONFIG || err->class == ERROR_HELD ||
                 err->class == ERROR_PROTOCOL || err->class == ERROR_MAIL ||
                 imap_pickup_is_anothers(tour->pickup);
    if (!alone || !imap_session_is_open(session))
        return -1;
    imap_stop_set_aside(tour->stop, tour->host, err);
    if (imap_session_read_no_more(session, err) < 0)
        return -1;
    while (imap_session_outstanding(session) > 0) /* answers that the pick-up still gets */
        if (imap_session_turn(session, err) < 0)
            return -1;
    tour->homeless = tour->homeless || tour->stop == &tour->stops.items[0];
    imap_tour_leave(tour);
    return 0;
}

/* ---- Sweeps ---------------------------------------------------------------------------------- */

static void imap_tour_tell_progress(struct imap_tour *tour)
{
    uint64_t waiting = tour->pickup != NULL ? imap_pickup_waiting(tour->pickup) : 0;
    tour->host->progress(tour->host->context, tour->passed + waiting + tour->later);
}

static int imap_tour_begin_sweep(struct imap_tour *tour, struct error *err)
{
    struct imap_tree tree;
    uint64_t now = clock_monotonic_ms(&tour->host->clock);
    if (imap_session_wake(tour->session, err) < 0)
        return -1;
    int failed = imap_tree_read(tour->session, tour->settings, &tree, err);
    if (failed == 0)
        failed = imap_stops_renew(&tour->stops, tour->host, &tree, err);
    imap_tree_done(&tree);
    if (failed < 0)
        return -1;
    tour->state = IMAP_TOUR_SWEEP;
    tour->next_sweep_ms = now + tour->settings->poll_ms;
    tour->next = 0;
    tour->homeless = false;
    tour->later = 0;
    for (size_t i = 0; i < tour->stops.count; i++)
        if (imap_stop_may_have_news(&tour->stops.items[i], tour->settings, now))
            tour->later += imap_stop_expects(&tour->stops.items[i]);
    imap_tour_tell_progress(tour);
    return 0;
}

static int imap_tour_end_sweep(struct imap_tour *tour, struct error *err)
{
    tour->state = IMAP_TOUR_SWEPT;
    tour->later = 0;
    imap_tour_tell_progress(tour); /* what the ledger knew all of was expected until now */
    tour->options.accept_new_uids = false; /* that was for what lay there then */
    return imap_stops_judge(&tour->stops, tour->host, err);
}

/* To the next folder that may have news; when there is none, the sweep is over. */
static int imap_tour_walk(struct imap_tour *tour, struct error *err)
{
    uint64_t now = clock_monotonic_ms(&tour->host->clock);
    while (tour->next < tour->stops.count) {
        struct imap_stop *stop = &tour->stops.items[tour->next++];
        if (!imap_stop_may_have_news(stop, tour->settings, now))
            continue;
        uint64_t expected = imap_stop_expects(stop);
        tour->later -= expected < tour->later ? expected : tour->later;
        return imap_tour_enter(tour, stop, err);
    }
    return imap_tour_end_sweep(tour, err);
}

static bool imap_tour_is_due(const struct imap_tour *tour)
{
    return clock_monotonic_ms(&tour->host->clock) >= tour->next_sweep_ms;
}

/* In a dry run nobody would know there what was handed out before. */
static bool imap_tour_goes_home(const struct imap_tour *tour)
{
    return tour->state == IMAP_TOUR_SWEPT && !tour->homeless && !tour->options.read_only;
}

/* No folder is being visited: what now? */
static int imap_tour_go_on(struct imap_tour *tour, bool *out_drained, struct error *err)
{
    *out_drained = false;
    switch (tour->state) {
    case IMAP_TOUR_START:
        return imap_tour_begin_sweep(tour, err);
    case IMAP_TOUR_SWEEP:
        return imap_tour_walk(tour, err);
    case IMAP_TOUR_SWEPT:
    case IMAP_TOUR_HOME: /* that could not be opened */
        break;
    }
    if (imap_tour_is_due(tour) && tour->out == 0)
        return imap_tour_begin_sweep(tour, err);
    if (imap_tour_goes_home(tour) && tour->out == 0) {
        tour->state = IMAP_TOUR_HOME;
        return imap_tour_enter(tour, &tour->stops.items[0], err);
    }
    *out_drained = true;
    return 0;
}

/* ---- Handing out ----------------------------------------------------------------------------- */

/* Without memory for it an attempt is taken back that was not noted: it is tried once more. */
static void imap_tour_spare(struct imap_tour *tour, uint64_t token)
{
    if (tour->spared_count == tour->spared_capacity) {
        size_t capacity = tour->spared_capacity == 0 ? 16 : tour->spared_capacity * 2;
        uint64_t *spared = reallocarray(tour->spared, capacity, sizeof *spared);
        if (spared == NULL)
            return;
        tour->spared = spared;
        tour->spared_capacity = capacity;
    }
    tour->spared[tour->spared_count++] = token;
}

/* Is it one of them? It is not out any more. */
static bool imap_tour_unspare(struct imap_tour *tour, uint64_t token)
{
    size_t at = 0;
    while (at < tour->spared_count && tour->spared[at] != token)
        at++;
    if (at == tour->spared_count)
        return false;
    tour->spared[at] = tour->spared[--tour->spared_count];
    return true;
}

static enum imap_pickup_result imap_tour_hand_out(struct imap_tour *tour,
                                                  const struct imap_message *message,
                                                  uint64_t *out_token)
{
    struct imap_visit *visit = imap_tour_visit(tour);
    visit->uidvalidity = message->uidvalidity;
    visit->out++;
    tour->out++;
    tour->handed++;
    tour->passed++;
    tour->path = visit->path;
    *out_token = (uint64_t)visit->number << 32 | message->uid;
    if (!tour->counted)
        imap_tour_tell_progress(tour);
    tour->counted = true;
    return IMAP_PICKUP_MESSAGE;
}

static enum imap_pickup_result imap_tour_drained(struct imap_tour *tour)
{
    if (tour->out == 0)
        tour->passed = 0;
    return IMAP_PICKUP_DRAINED;
}

/* The folder being visited has nothing more to hand out. True: nor has anybody, for now. */
static bool imap_tour_visited(struct imap_tour *tour)
{
    if (!imap_pickup_is_done(tour->pickup) || tour->state == IMAP_TOUR_HOME)
        return true;
    struct error why;
    if (imap_pickup_left(tour->pickup, &why))
        imap_stop_set_aside(tour->stop, tour->host, &why);
    imap_tour_leave(tour);
    return false;
}

static bool imap_tour_limit_reached(const struct imap_tour *tour)
{
    return tour->options.limit != 0 && tour->handed >= tour->options.limit;
}

static enum imap_pickup_result imap_tour_step(struct imap_tour *tour, bool *out_drained,
                                              struct imap_message *out_message, struct error *err)
{
    *out_drained = false;
    if (tour->state == IMAP_TOUR_HOME && tour->pickup != NULL && imap_tour_is_due(tour) &&
        tour->out == 0 && imap_pickup_is_done(tour->pickup))
        imap_tour_leave(tour);
    if (tour->pickup == NULL)
        return imap_tour_go_on(tour, out_drained, err) < 0 ? IMAP_PICKUP_FAILED
                                                           : IMAP_PICKUP_DRAINED;
    switch (imap_pickup_next(tour->pickup, out_message, err)) {
    case IMAP_PICKUP_MESSAGE:
        return IMAP_PICKUP_MESSAGE;
    case IMAP_PICKUP_DRAINED:
        *out_drained = imap_tour_visited(tour);
        return IMAP_PICKUP_DRAINED;
    case IMAP_PICKUP_FAILED:
        break;
    }
    return imap_tour_set_aside(tour, err) < 0 ? IMAP_PICKUP_FAILED : IMAP_PICKUP_DRAINED;
}

static enum imap_pickup_result imap_tour_next_of_folders(struct imap_tour *tour,
                                                         struct imap_message *out_message,
                                                         uint64_t *out_token, struct error *err)
{
    if (tour->session == NULL && imap_tour_connect(tour, err) < 0)
        return IMAP_PICKUP_FAILED;
    for (;;) {
        bool drained = imap_tour_limit_reached(tour);
        enum imap_pickup_result result = IMAP_PICKUP_DRAINED;
        if (!drained)
            result = imap_tour_step(tour, &drained, out_message, err);
        if (result == IMAP_PICKUP_MESSAGE)
            return imap_tour_hand_out(tour, out_message, out_token);
        if (result == IMAP_PICKUP_FAILED)
            return result;
        if (drained)
            return imap_tour_drained(tour);
    }
}

enum imap_pickup_result imap_tour_next(struct imap_tour *tour, struct imap_message *out_message,
                                       uint64_t *out_token, struct error *err)
{
    bool walks = imap_tour_walks(tour);
    enum imap_pickup_result result =
        walks ? imap_tour_next_of_folders(tour, out_message, out_token, err)
              : imap_pickup_next(tour->pickup, out_message, err);
    if (result == IMAP_PICKUP_MESSAGE && !walks)
        *out_token = out_message->uid;
    if (result == IMAP_PICKUP_MESSAGE && !out_message->noted)
        imap_tour_spare(tour, *out_token);
    return result;
}

const char *imap_tour_mailbox(const struct imap_tour *tour)
{
    if (!imap_tour_walks(tour))
        return imap_pickup_mailbox(tour->pickup);
    return tour->path != NULL ? tour->path : "INBOX";
}

/* ---- Settling -------------------------------------------------------------------------------- */

/* Messages of a folder that was left: they stay where they are, so only the ledger is told. */
static int imap_tour_note(struct imap_tour *tour, const struct imap_visit *visit,
                          const uint32_t *uids, size_t count, uint32_t fate, struct error *err)
{
    struct imap_record records[IMAP_RECORDS_MAX];
    const char *path = tour->path;
    if (tour->options.read_only || fate == IMAP_FATE_SPARE)
        return 0;
    for (size_t i = 0; i < count; i++)
        records[i] = (struct imap_record){
            .uidvalidity = visit->uidvalidity,
            .uid = uids[i],
            .step = fate == IMAP_FATE_RELEASE ? IMAP_STEP_UNKNOWN : IMAP_STEP_MOVED,
            .fate = fate == IMAP_FATE_RELEASE ? IMAP_FATE_QUEUED : fate};
    tour->path = visit->path;
    int failed = tour->host->note(tour->host->context, records, count, err);
    tour->path = path;
    return failed;
}

/* Messages of one visit. */
static int imap_tour_settle_visit(struct imap_tour *tour, uint32_t number, const uint32_t *uids,
                                  size_t count, uint32_t fate, struct error *err)
{
    size_t at = 0;
    while (at < tour->visit_count && tour->visits[at].number != number)
        at++;
    if (at == tour->visit_count)
        return 0; /* never handed out, or settled before */
    struct imap_visit *visit = &tour->visits[at];
    bool current = tour->pickup != NULL && visit == imap_tour_visit(tour);
    int failed = current ? imap_pickup_settle(tour->pickup, uids, count, fate, err)
                         : imap_tour_note(tour, visit, uids, count, fate, err);
    visit->out -= count < visit->out ? count : visit->out;
    tour->out -= count < tour->out ? count : tour->out;
    if (current)
        return failed;
    if (tour->pickup != NULL)
        imap_pickup_others_settled(tour->pickup, count);
    if (visit->out == 0)
        imap_tour_drop_visit(tour, visit);
    return failed;
}

/* Messages of one folder, all spared or none. */
static int imap_tour_settle_run(struct imap_tour *tour, const uint64_t *tokens, size_t count,
                                uint32_t fate, struct error *err)
{
    uint32_t uids[IMAP_RECORDS_MAX];
    for (size_t i = 0; i < count; i++)
        uids[i] = (uint32_t)tokens[i];
    return imap_tour_walks(tour)
               ? imap_tour_settle_visit(tour, (uint32_t)(tokens[0] >> 32), uids, count, fate, err)
               : imap_pickup_settle(tour->pickup, uids, count, fate, err);
}

int imap_tour_settle(struct imap_tour *tour, const uint64_t *tokens, size_t count, uint32_t fate,
                     struct error *err)
{
    bool spared[IMAP_RECORDS_MAX];
    for (size_t i = 0; i < count; i++)
        spared[i] = imap_tour_unspare(tour, tokens[i]) && fate == IMAP_FATE_RELEASE;
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && tokens[end] >> 32 == tokens[first] >> 32 &&
                              spared[end] == spared[first];)
            end++;
        if (imap_tour_settle_run(tour, tokens + first, end - first,
                                 spared[first] ? IMAP_FATE_SPARE : fate, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

static int imap_tour_wait_for_folders(struct imap_tour *tour, int *out_fd,
                                      uint32_t *out_timeout_ms, struct error *err)
{
    uint64_t now = clock_monotonic_ms(&tour->host->clock);
    uint64_t left = tour->next_sweep_ms > now ? tour->next_sweep_ms - now : 0;
    *out_fd = -1;
    *out_timeout_ms = 0;
    if (tour->session == NULL || tour->state == IMAP_TOUR_START ||
        tour->state == IMAP_TOUR_SWEEP)
        return 0;
    if (tour->pickup == NULL && imap_tour_goes_home(tour))
        return 0;
    *out_timeout_ms = (uint32_t)left;
    if (tour->pickup == NULL) {
        imap_session_drop_buffers(tour->session);
        return 0;
    }
    if (imap_pickup_wait(tour->pickup, out_fd, out_timeout_ms, err) < 0)
        return -1;
    *out_timeout_ms = *out_timeout_ms < left ? *out_timeout_ms : (uint32_t)left;
    return 0;
}

int imap_tour_wait(struct imap_tour *tour, int *out_fd, uint32_t *out_timeout_ms,
                   struct error *err)
{
    return imap_tour_walks(tour)
               ? imap_tour_wait_for_folders(tour, out_fd, out_timeout_ms, err)
               : imap_pickup_wait(tour->pickup, out_fd, out_timeout_ms, err);
}

void imap_tour_close(struct imap_tour *tour)
{
    if (tour == NULL)
        return;
    imap_tour_forget_secret(tour);
    imap_pickup_close(tour->pickup);
    imap_session_close(tour->session);
    for (size_t i = 0; i < tour->visit_count; i++)
        free(tour->visits[i].path);
    free(tour->visits);
    free(tour->spared);
    imap_stops_done(&tour->stops);
    free(tour->user);
    free(tour);
}
