/* SPDX-License-Identifier: Apache-2.0 */
/* imap-survey.c - tell what is in mailbox, dropbox and badmail. See imap-survey.h.
 *
 *   folders: LIST, STATUS ─> folder() for each
 *   each:    EXAMINE ─> UID SEARCH ─> windows of: UID FETCH (sizes ...) ─> message() for each
 *                                       └─ UID FETCH (BODY.PEEK[]) of those asked for ─> message()
 */
#include <config.h>
#include "imap-survey.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "imap-folder.h"
#include "imap-session.h"
#include "imap-set.h"
#include "imap-tree.h"

/* One message of the window. */
struct imap_surveyed {
    uint32_t uid;
    uint64_t number;
    struct imap_fetch fetch; /* has: what came of it */
    bool wanted, digested;
    uint8_t sha256[DIGEST_SIZE];
};

struct imap_survey {
    const struct imap_settings *settings;
    const struct imap_host *host;
    const struct imap_surveyor *surveyor;
    struct imap_session *session;
    struct imap_folders folders;
    struct digest *digest;
    struct imap_set todo; /* UIDs of the folder that were not listed yet */
    enum imap_place place;
    const struct imap_folder *folder; /* that is open */
    uint64_t number, expected;
    bool overflow; /* the UIDs of a folder are too scattered to be kept */
    bool refused;  /* the server said NO to a FETCH of bodies */
    bool body; /* a whole body has come in the FETCH that is being read: sha256 is its digest */
    uint8_t sha256[DIGEST_SIZE];
    size_t count;
    struct imap_surveyed items[IMAP_SURVEY_WINDOW]; /* ascending UIDs */
};

static void imap_survey_free(struct imap_survey *s)
{
    if (s == NULL)
        return;
    imap_session_close(s->session);
    imap_folders_done(&s->folders);
    imap_set_done(&s->todo);
    digest_free(s->digest);
    free(s);
}
AUTO_DEFINE(imap_survey, imap_survey_free);

static int imap_survey_stopped(struct error *err)
{
    return error_set(err, ERROR_CANCELLED, "the survey was stopped");
}

/* ---- What came ------------------------------------------------------------------------------- */

static struct imap_surveyed *imap_survey_find(struct imap_survey *s, uint32_t uid)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->items[middle].uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->count && s->items[low].uid == uid ? &s->items[low] : NULL;
}

/* A FETCH response is complete. Flags may also come unasked, for a message of any window. */
static void imap_survey_fetched(struct imap_survey *s, const struct imap_fetch *fetch)
{
    struct imap_surveyed *item =
        fetch->has & IMAP_FETCH_UID ? imap_survey_find(s, fetch->uid) : NULL;
    bool body = s->body;
    s->body = false;
    if (item == NULL)
        return;
    if (body && item->wanted) {
        memcpy(item->sha256, s->sha256, sizeof item->sha256);
        item->digested = true;
    }
    if (fetch->has & IMAP_FETCH_FLAGS)
        item->fetch.flags = fetch->flags;
    if (fetch->has & IMAP_FETCH_SIZE)
        item->fetch.size = fetch->size;
    if (fetch->has & IMAP_FETCH_DATE) {
        item->fetch.date_s = fetch->date_s;
        item->fetch.date_offset_min = fetch->date_offset_min;
    }
    item->fetch.has |= fetch->has;
}

static int imap_survey_data(void *context, const struct imap_event *event, bool *out_taken,
                            struct error *err)
{
    struct imap_survey *s = context;
    int fine = 0;
    *out_taken = true;
    switch (event->kind) {
    case IMAP_EVENT_BODY:
        s->body = false;
        fine = digest_finish(s->digest, s->sha256); /* start afresh */
        break;
    case IMAP_EVENT_BODY_BYTES:
        fine = digest_add(s->digest, event->text.bytes, event->text.len);
        break;
    case IMAP_EVENT_BODY_END:
        fine = digest_finish(s->digest, s->sha256);
        s->body = true;
        break;
    case IMAP_EVENT_FETCH:
        imap_survey_fetched(s, &event->fetch);
        break;
    case IMAP_EVENT_SEARCH:
        fine = imap_set_add(&s->todo, event->range.first, event->range.last);
        s->overflow = s->overflow || (fine < 0 && imap_set_is_full(&s->todo));
        fine = s->overflow ? 0 : fine;
        break;
    default:
        *out_taken = false;
        break;
    }
    return fine == 0 ? 0 : error_oom(err, "looking at mail");
}

/* ---- Telling it ------------------------------------------------------------------------------ */

static int imap_survey_tell(struct imap_survey *s, struct imap_surveyed *item, bool again,
                            struct error *err)
{
    const struct imap_fetch *fetch = &item->fetch;
    char date[CLOCK_RFC3339_MAX] = "";
    if (fetch->has & IMAP_FETCH_DATE)
        clock_rfc3339(fetch->date_s, fetch->date_offset_min, date);
    struct imap_seen seen = {
        .place = s->place,
        .flags = (fetch->flags & IMAP_FLAG_DELETED ? IMAP_SEEN_DELETED : 0) |
                 (fetch->flags & IMAP_FLAG_MARKED ? IMAP_SEEN_MARKED : 0) |
                 (again ? IMAP_SEEN_SHA256 : 0),
        .uidvalidity = s->folder->uidvalidity,
        .uid = item->uid,
        .number = item->number,
        .size = fetch->size,
        .path = s->folder->path,
        .date_received = date[0] != '\0' ? date : NULL,
        .sha256 = again ? item->sha256 : NULL,
    };
    uint32_t answer = s->surveyor->message(s->surveyor->context, &seen);
    item->wanted = !again && answer == IMAP_ANSWER_SHA256;
    return answer == IMAP_ANSWER_STOP ? imap_survey_stopped(err) : 0;
}

/* ---- Windows --------------------------------------------------------------------------------- */

/* A NO to a FETCH of bodies: one of them went, or the server cannot read it. */
static int imap_survey_bodies_done(void *context, const struct imap_event *answer,
                                   struct error *err)
{
    struct imap_survey *s = context;
    struct error why;
    if (answer->status == IMAP_OK)
        return 0;
    (void)imap_answer_messages_error(answer, ERROR_MAIL, "UID FETCH", "try again later", &why);
    if (why.class != ERROR_MAIL && why.class != ERROR_CONFIG) {
        *err = why;
        return -1;
    }
    s->refused = true;
    return 0;
}

/* What a UID FETCH is for. */
enum imap_survey_fetch { IMAP_SURVEY_LIST, IMAP_SURVEY_LIST_AGAIN, IMAP_SURVEY_BODIES };

static bool imap_survey_concerns(const struct imap_surveyed *item, enum imap_survey_fetch what)
{
    return what == IMAP_SURVEY_LIST         ? true
           : what == IMAP_SURVEY_LIST_AGAIN ? (item->fetch.has & IMAP_FETCH_SIZE) == 0
                                            : item->wanted;
}

/* UID FETCH of those of items first to end - 1 that it concerns, if there are any. */
static int imap_survey_fetch(struct imap_survey *s, size_t first, size_t end,
                             enum imap_survey_fetch what, struct error *err)
{
    bool bodies = what == IMAP_SURVEY_BODIES, any = false;
    struct imap_call call = {.what = "UID FETCH",
                             .context = s,
                             .data = imap_survey_data,
                             .done = bodies ? imap_survey_bodies_done : NULL,
                             .bulk = true};
    struct imap_command command;
    struct imap_set set;
    imap_set_init(&set);
    imap_command_init(&command, "UID FETCH ");
    for (size_t i = first; i < end; i++) {
        if (!imap_survey_concerns(&s->items[i], what))
            continue;
        any = true;
        if (imap_set_add(&set, s->items[i].uid, s->items[i].uid) < 0)
            command.oom = true;
    }
    if (any)
        imap_command_set(&command, &set);
    imap_set_done(&set);
    imap_command_add(&command,
                     bodies ? " (UID BODY.PEEK[])" : " (UID FLAGS RFC822.SIZE INTERNALDATE)");
    if (any)
        return imap_session_run(s->session, &command, &call, err);
    imap_command_done(&command);
    return 0;
}

/* How far the bodies from item @at on go together; at least one goes. */
static size_t imap_survey_chunk(const struct imap_survey *s, size_t at)
{
    uint64_t bytes = 0;
    bool any = false;
    for (; at < s->count; at++) {
        const struct imap_surveyed *item = &s->items[at];
        if (!item->wanted)
            continue;
        if (any && (bytes > IMAP_SURVEY_BYTES || item->fetch.size > IMAP_SURVEY_BYTES - bytes))
            break;
        bytes += item->fetch.size;
        any = true;
    }
    return at;
}

/* Only a tagged OK makes a digest count: after a NO each message is asked for alone. */
static int imap_survey_bodies(struct imap_survey *s, size_t first, size_t end, struct error *err)
{
    s->refused = false;
    if (imap_survey_fetch(s, first, end, IMAP_SURVEY_BODIES, err) < 0)
        return -1;
    if (!s->refused)
        return 0;
    for (size_t i = first; i < end; i++) {
        s->refused = s->items[i].digested = false;
        if (imap_survey_fetch(s, i, i + 1, IMAP_SURVEY_BODIES, err) < 0)
            return -1;
        s->items[i].digested = s->items[i].digested && !s->refused;
    }
    return 0;
}

/* The bodies that are wanted, some at a time, and their digests. */
static int imap_survey_digests(struct imap_survey *s, struct error *err)
{
    for (size_t at = 0, end; at < s->count; at = end) {
        end = imap_survey_chunk(s, at);
        if (imap_survey_bodies(s, at, end, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < s->count; i++)
        if (s->items[i].digested && imap_survey_tell(s, &s->items[i], true, err) < 0)
            return -1;
    return 0;
}

/* The next items, of which nothing is known but their UIDs. */
static int imap_survey_take(struct imap_survey *s, struct error *err)
{
    struct imap_set window;
    imap_set_init(&window);
    int failed = imap_set_take(&s->todo, IMAP_SURVEY_WINDOW, &window);
    s->count = 0;
    for (size_t i = 0; failed == 0 && i < window.count; i++)
        for (uint64_t uid = window.ranges[i].first;
             uid <= window.ranges[i].last && s->count < IMAP_SURVEY_WINDOW; uid++)
            s->items[s->count++] = (struct imap_surveyed){.uid = (uint32_t)uid};
    imap_set_done(&window);
    return failed < 0 ? error_oom(err, "looking at mail") : 0;
}

/* What a server leaves out of its answer is asked for once more before it counts as gone. */
static int imap_survey_window(struct imap_survey *s, struct error *err)
{
    if (imap_survey_take(s, err) < 0 ||
        imap_survey_fetch(s, 0, s->count, IMAP_SURVEY_LIST, err) < 0 ||
        imap_survey_fetch(s, 0, s->count, IMAP_SURVEY_LIST_AGAIN, err) < 0)
        return -1;
    for (size_t i = 0; i < s->count; i++) {
        if ((s->items[i].fetch.has & IMAP_FETCH_SIZE) == 0)
            continue;
        s->items[i].number = ++s->number;
        if (imap_survey_tell(s, &s->items[i], false, err) < 0)
            return -1;
    }
    return imap_survey_digests(s, err);
}

/* ---- Folders --------------------------------------------------------------------------------- */

static int imap_survey_search(struct imap_survey *s, struct error *err)
{
    struct imap_call call = {.what = "UID SEARCH", .context = s, .data = imap_survey_data};
    struct imap_command command;
    bool esearch = (imap_session_can(s->session) & IMAP_CAN_ESEARCH) != 0;
    imap_set_clear(&s->todo);
    s->overflow = false;
    imap_command_init(&command, esearch ? "UID SEARCH RETURN (ALL) ALL" : "UID SEARCH ALL");
    if (imap_session_run(s->session, &command, &call, err) < 0)
        return -1;
    uint64_t found = imap_set_size(&s->todo);
    if (s->overflow ||
        found > (uint64_t)imap_session_selected(s->session)->exists + IMAP_SET_RANGES_MAX)
        return error_set(err, ERROR_PROTOCOL,
                         "the server finds more messages (%" PRIu64 ") in '%s' than "
                         "there are, or more than can be looked through; tell its administrator",
                         found, s->folder->name);
    s->expected += found;
    s->host->progress(s->host->context, s->expected);
    return 0;
}

static int imap_survey_folder(struct imap_survey *s, enum imap_place place,
                              const struct imap_folder *folder, struct error *err)
{
    if (!folder->exists)
        return 0;
    s->place = place;
    s->folder = folder;
    if (imap_session_select(s->session, folder->wire, true, err) < 0)
        return -1;
    if (imap_session_selected(s->session)->uidvalidity != folder->uidvalidity)
        return error_set(err, ERROR_LINK,
                         "'%s' was numbered anew while we looked (UIDVALIDITY); try "
                         "again",
                         folder->name);
    if (imap_session_selected(s->session)->exists == 0)
        return 0;
    if (imap_survey_search(s, err) < 0)
        return -1;
    while (imap_set_size(&s->todo) > 0)
        if (imap_survey_window(s, err) < 0)
            return -1;
    return 0;
}

/* What becomes of picked-up mail in the mailbox (imap-move.h). */
static uint32_t imap_survey_fashion(const struct imap_survey *s)
{
    bool moves = (imap_session_can(s->session) & IMAP_CAN_MOVE) != 0;
    bool expunges = (imap_session_can(s->session) & IMAP_CAN_UIDPLUS) != 0;
    if (s->settings->folders != NULL)
        return IMAP_FOLDER_KEEPS | IMAP_FOLDER_ARCHIVED;
    switch ((enum imap_after)s->settings->after) {
    case IMAP_AFTER_LEAVE:
    case IMAP_AFTER_FLAG:
        return IMAP_FOLDER_KEEPS;
    case IMAP_AFTER_DELETE:
        return IMAP_FOLDER_DELETES | (expunges ? 0 : IMAP_FOLDER_KEEPS);
    case IMAP_AFTER_MOVE:
        break;
    }
    return moves ? 0 : expunges ? IMAP_FOLDER_KEEPS_UNNAMED : IMAP_FOLDER_KEEPS;
}

static int imap_survey_announce(struct imap_survey *s, enum imap_place place,
                                struct imap_folder *folder, struct error *err)
{
    if (folder->exists && folder->uidvalidity == 0 &&
        imap_folder_status(s->session, folder, err) < 0)
        return -1;
    if (folder->exists && folder->uidvalidity == 0 &&
        imap_session_select(s->session, folder->wire, true, err) < 0)
        return -1;
    if (folder->exists && folder->uidvalidity == 0) { /* STATUS gave none */
        folder->uidvalidity = imap_session_selected(s->session)->uidvalidity;
        folder->uidnext = imap_session_selected(s->session)->uidnext;
    }
    const struct imap_surveyed_folder told = {
        .place = place,
        .flags = (folder->exists ? 0 : IMAP_FOLDER_MISSING) |
                 (place == IMAP_PLACE_MAILBOX ? imap_survey_fashion(s) : 0),
        .uidvalidity = folder->uidvalidity,
        .uidnext = folder->uidnext,
        .path = folder->path,
    };
    return s->surveyor->folder(s->surveyor->context, &told) == IMAP_ANSWER_STOP
               ? imap_survey_stopped(err)
               : 0;
}

static int imap_survey_places(struct imap_survey *s, struct error *err)
{
    if (imap_folders_resolve(s->session, s->settings, &s->folders, err) < 0)
        return -1;
    struct imap_folder *folders[IMAP_PLACES] = {&s->folders.mailbox, &s->folders.dropbox,
                                                &s->folders.badmail};
    for (unsigned i = 0; i < IMAP_PLACES; i++)
        if (imap_survey_announce(s, (enum imap_place)i, folders[i], err) < 0)
            return -1;
    for (unsigned i = 0; i < IMAP_PLACES; i++)
        if (imap_survey_folder(s, (enum imap_place)i, folders[i], err) < 0)
            return -1;
    return 0;
}

/* The texts are the tree's. */
static struct imap_folder imap_survey_branch(const struct imap_tree *tree, size_t at)
{
    const struct imap_branch *branch = &tree->items[at];
    return (struct imap_folder){.name = branch->path,
                                .wire = branch->wire,
                                .path = branch->path,
                                .exists = true,
                                .delimiter = tree->levels.delimiter,
                                .uidvalidity = branch->state.uidvalidity,
                                .uidnext = branch->state.uidnext};
}

/* All folders that are taken, in order: to be told, or to be looked through. */
static int imap_survey_walk(struct imap_survey *s, struct imap_tree *tree, bool tell,
                            struct error *err)
{
    for (size_t i = 0; i < tree->count; i++) {
        struct imap_folder folder = imap_survey_branch(tree, i);
        if (tree->items[i].choice != IMAP_CHOICE_TAKEN)
            continue;
        if ((tell ? imap_survey_announce(s, IMAP_PLACE_MAILBOX, &folder, err)
                  : imap_survey_folder(s, IMAP_PLACE_MAILBOX, &folder, err)) < 0)
            return -1;
        tree->items[i].state.uidvalidity = folder.uidvalidity; /* as it was told */
    }
    return 0;
}

static int imap_survey_tree(struct imap_survey *s, struct error *err)
{
    struct imap_tree tree;
    int failed = imap_tree_read(s->session, s->settings, &tree, err);
    if (failed == 0 && tree.taken == 0)
        failed = error_set(err, ERROR_CONFIG,
                           "none of %zu folders is chosen by folders, skipFolders and skipSpecial; "
                           "'mailchute check' tells why", tree.count);
    if (failed == 0)
        failed = imap_survey_walk(s, &tree, true, err);
    if (failed == 0)
        failed = imap_survey_walk(s, &tree, false, err);
    imap_tree_done(&tree);
    return failed;
}

int imap_survey(const struct imap_settings *settings, const char *user, const char *secret,
                const struct imap_host *host, const struct imap_surveyor *surveyor,
                struct error *err)
{
    AUTO(imap_survey) s = calloc(1, sizeof *s);
    if (s == NULL || (s->digest = digest_new()) == NULL)
        return error_oom(err, "looking at mail");
    s->settings = settings;
    s->host = host;
    s->surveyor = surveyor;
    imap_set_init(&s->todo);
    if (imap_session_open(settings, user, secret, host, &s->session, err) < 0)
        return -1;
    return settings->folders != NULL ? imap_survey_tree(s, err) : imap_survey_places(s, err);
}
