/* SPDX-License-Identifier: Apache-2.0 */
/* imap-tour-stops.c - the folders on the way of a tour. See imap-tour-private.h. */
#include <config.h>
#include "imap-tour-private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imap-tour.h"
#include "text.h"

static void imap_stop_done(struct imap_stop *stop)
{
    free(stop->folder.wire);
    free(stop->folder.path);
    free(stop->told);
    imap_set_done(&stop->handled);
}

static void imap_stops_free(struct imap_stop *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        imap_stop_done(&items[i]);
    free(items);
}

void imap_stops_done(struct imap_stops *stops)
{
    imap_stops_free(stops->items, stops->count);
    free(stops->lack_told);
    *stops = (struct imap_stops){0};
}

/* ---- What is told ---------------------------------------------------------------------------- */

/* Once as long as it stays the same. */
static void imap_stops_tell(const struct imap_host *host, char **told, const struct error *why)
{
    if (*told != NULL && strcmp(*told, why->text) == 0)
        return;
    imap_host_log(host, IMAP_LOG_WARNING, "%s", why->text);
    free(*told);
    *told = strdup(why->text); /* NULL: then it is told again */
}

void imap_stop_set_aside(struct imap_stop *stop, const struct imap_host *host,
                         const struct error *why)
{
    struct error trouble = *why;
    stop->trouble = why->class;
    stop->seen = (struct imap_state){0};
    if (strstr(why->text, stop->folder.path) == NULL)
        error_prefix(&trouble, "folder '%.100s'", stop->folder.path);
    imap_stops_tell(host, &stop->told, &trouble);
}

/* What is kept of ten thousand folders is a class and a text, which most do not have. */
static void imap_stop_trouble(const struct imap_stop *stop, struct error *out)
{
    error_set(out, stop->trouble, "%s",
              stop->told != NULL ? stop->told : "a folder could not be picked up from");
}

int imap_stops_judge(struct imap_stops *stops, const struct imap_host *host, struct error *err)
{
    struct error told = stops->lack;
    size_t troubled = 0;
    for (size_t i = 0; i < stops->count; i++)
        if (stops->items[i].trouble != ERROR_NONE && troubled++ == 0)
            imap_stop_trouble(&stops->items[i], &told);
    if (troubled > 0 && troubled == stops->count) {
        *err = told;
        return -1;
    }
    if (host->trouble == NULL)
        return 0;
    bool any = told.class != ERROR_NONE;
    if (troubled > 1)
        error_prefix(&told, "%zu of %zu folders could not be picked up from, among them", troubled,
                     stops->count);
    host->trouble(host->context, any ? &told : NULL);
    return 0;
}

/* ---- Which there are ------------------------------------------------------------------------- */

static int imap_stop_compare(const void *a, const void *b)
{
    const struct imap_stop *x = a, *y = b;
    return strcmp(x->folder.path, y->folder.path);
}

/* The one of that name on the server, whose memory goes with it. */
static struct imap_stop *imap_stops_find(struct imap_stop *items, size_t count,
                                         const struct imap_branch *branch)
{
    const struct imap_stop key = {.folder = {.path = branch->path}};
    struct imap_stop *found =
        count == 0 ? NULL : bsearch(&key, items, count, sizeof *items, imap_stop_compare);
    return found != NULL && found->folder.wire != NULL &&
                   strcmp(found->folder.wire, branch->wire) == 0
               ? found
               : NULL;
}

static int imap_stop_make(struct imap_stop *stop, struct imap_stop *before,
                          const struct imap_branch *branch, char delimiter, struct error *err)
{
    if (before != NULL) {
        free(before->folder.path); /* its wire being NULL says that it went on */
        char *wire = TAKE(before->folder.wire);
        *stop = *before;
        before->folder.path = strdup(branch->path); /* it still is looked for by that */
        before->told = NULL; /* analyse: no leak, imap_stops_free() frees it */
        imap_set_init(&before->handled);
        stop->folder = (struct imap_folder){.wire = wire};
    } else {
        *stop = (struct imap_stop){.folder = {.wire = strdup(branch->wire)}};
        imap_set_init(&stop->handled); /* analyse: the same */
    }
    stop->folder.path = strdup(branch->path);
    stop->folder.exists = true;
    stop->folder.delimiter = delimiter;
    stop->state = branch->state;
    stop->trouble = ERROR_NONE;
    /* analyse: the same */
    if (stop->folder.path == NULL || stop->folder.wire == NULL ||
        (before != NULL && before->folder.path == NULL))
        return error_oom(err, "listing folders");
    return 0;
}

/* INBOX, if it is there, goes first: new mail comes in there. */
static void imap_stops_put_home_first(struct imap_stops *stops)
{
    for (size_t i = 0; i < stops->count; i++) {
        if (strcmp(stops->items[i].folder.path, "INBOX") != 0)
            continue;
        struct imap_stop home = stops->items[i];
        memmove(stops->items + 1, stops->items, i * sizeof *stops->items);
        stops->items[0] = home;
        return;
    }
}

/* What is named and cannot be had. */
static void imap_stops_find_lack(struct imap_stops *stops, const struct imap_host *host,
                                 const struct imap_tree *tree)
{
    size_t at = 0;
    const char *missing = imap_tree_missing(tree, &at);
    stops->lack = (struct error){0};
    if (missing != NULL)
        error_set(&stops->lack, ERROR_CONFIG,
                  "there is no folder '%.200s' that can hold mail; check folders in the connection "
                  "string",
                  missing);
    for (size_t i = 0; missing == NULL && i < tree->count; i++)
        if (tree->items[i].choice == IMAP_CHOICE_TWIN) {
            error_set(
                &stops->lack, ERROR_CONFIG,
                "two folders are called '%.200s', of which one has the '/' in its name; rename "
                "one: only one of them is picked up from",
                tree->items[i].path);
            break;
        }
    if (stops->lack.class != ERROR_NONE)
        imap_stops_tell(host, &stops->lack_told, &stops->lack);
}

static void imap_stops_tell_gone(const struct imap_host *host, const struct imap_stop *before,
                                 size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (before[i].folder.wire != NULL)
            imap_host_log(host, IMAP_LOG_WARNING,
                          "folder '%s' is no longer there, or no longer chosen; what was picked up "
                          "from it stays in the queue",
                          before[i].folder.path);
}

int imap_stops_renew(struct imap_stops *stops, const struct imap_host *host,
                     const struct imap_tree *tree, struct error *err)
{
    struct imap_stop *before = stops->items;
    size_t before_count = stops->count;
    int failed = 0;
    if (tree->taken == 0)
        return error_set(err, ERROR_CONFIG,
                         "of %zu folders of the account none is chosen by folders, skipFolders and "
                         "skipSpecial; 'mailchute check' tells why",
                         tree->count);
    if (before_count > 0)
        qsort(before, before_count, sizeof *before, imap_stop_compare);
    stops->items = calloc(tree->taken, sizeof *stops->items);
    stops->count = 0;
    if (stops->items == NULL)
        failed = error_oom(err, "listing folders");
    for (size_t i = 0; failed == 0 && i < tree->count; i++) {
        const struct imap_branch *branch = &tree->items[i];
        if (branch->choice == IMAP_CHOICE_TAKEN)
            failed = imap_stop_make(&stops->items[stops->count++],
                                    imap_stops_find(before, before_count, branch), branch,
                                    tree->levels.delimiter, err);
    }
    if (failed == 0) {
        imap_stops_tell_gone(host, before, before_count);
        imap_stops_put_home_first(stops);
        imap_stops_find_lack(stops, host, tree);
    }
    imap_stops_free(before, before_count);
    return failed;
}

/* ---- Which may have news --------------------------------------------------------------------- */

#define IMAP_STATUS_TELLING (IMAP_STATUS_MESSAGES | IMAP_STATUS_UIDNEXT | IMAP_STATUS_UIDVALIDITY)

bool imap_stop_may_have_news(const struct imap_stop *stop, const struct imap_settings *settings,
                             uint64_t now_ms)
{
    const struct imap_state *is = &stop->state, *was = &stop->seen;
    if ((is->has & IMAP_STATUS_MESSAGES) != 0 && is->messages == 0)
        return false;
    if ((is->has & was->has & IMAP_STATUS_TELLING) != IMAP_STATUS_TELLING ||
        now_ms - stop->seen_ms >= IMAP_TOUR_BELIEF_MS || is->uidvalidity != was->uidvalidity ||
        is->uidnext != was->uidnext || is->messages != was->messages)
        return true;
    if ((is->has & was->has & IMAP_STATUS_MODSEQ) != 0)
        return is->modseq != was->modseq;
    return settings->search != NULL;
}

uint64_t imap_stop_expects(const struct imap_stop *stop)
{
    const struct imap_state *is = &stop->state, *was = &stop->seen;
    if ((was->has & IMAP_STATUS_UIDNEXT) == 0 || is->uidvalidity != was->uidvalidity ||
        is->uidnext < was->uidnext)
        return is->messages;
    uint64_t came = is->uidnext - was->uidnext;
    return came < is->messages ? came : is->messages;
}
