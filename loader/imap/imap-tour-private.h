/* SPDX-License-Identifier: Apache-2.0 */
/* imap-tour-private.h - what the files of the tour share; nobody else includes it.
 *
 *   imap-tour.c        the walk: connect, sweep, visit, hand out, settle, wait
 *   imap-tour-stops.c  the folders on the way, what is remembered of each, what is wrong with some
 */
#ifndef MAILCHUTE_LOADER_IMAP_TOUR_PRIVATE_H
#define MAILCHUTE_LOADER_IMAP_TOUR_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "imap-folder.h"
#include "imap-host.h"
#include "imap-set.h"
#include "imap-settings.h"
#include "imap-tree.h"

/* A folder on the way. */
struct imap_stop {
    struct imap_folder folder; /* wire, path and delimiter; the stop's own */
    struct imap_state state;   /* as this sweep's STATUS told */
    struct imap_state seen;    /* as it was before it was last drained; has 0: it was not */
    uint64_t seen_ms;
    struct imap_set handled;   /* UIDs that need not be looked at again ... */
    uint32_t handled_uidvalidity; /* ... under this UIDVALIDITY */
    enum error_class trouble;  /* of this sweep, told below; ERROR_NONE: none */
    char *told;                /* the trouble that was told last, NULL: none */
};

struct imap_stops {
    struct imap_stop *items; /* the home first, the others by path */
    size_t count;
    struct error lack; /* a folder that is named and not there; class ERROR_NONE: none */
    char *lack_told;
};

void imap_stops_done(struct imap_stops *stops);

/** imap_stops_renew - the folders that @tree takes; what is remembered of those that were there
 * before is kept, those that went are told. ERROR_CONFIG when there is none. */
int imap_stops_renew(struct imap_stops *stops, const struct imap_host *host,
                     const struct imap_tree *tree, struct error *err);

/** imap_stop_may_have_news - is it to be opened? */
bool imap_stop_may_have_news(const struct imap_stop *stop, const struct imap_settings *settings,
                             uint64_t now_ms);

/** imap_stop_expects - messages that may be new in it, as far as can be told from outside. */
uint64_t imap_stop_expects(const struct imap_stop *stop);

/** imap_stop_set_aside - it cannot be picked up from in this sweep: told, unless it was before. */
void imap_stop_set_aside(struct imap_stop *stop, const struct imap_host *host,
                         const struct error *why);

/** imap_stops_judge - the sweep is over: tell the host what of the source is in trouble. -1 with
 * err when all of it is. */
int imap_stops_judge(struct imap_stops *stops, const struct imap_host *host, struct error *err);

#endif
