/* SPDX-License-Identifier: Apache-2.0 */
/* imap-survey.h - walk through mailbox, dropbox and badmail and tell what is there, changing
 * nothing.
 *
 * With the key folders each folder that a pick-up takes is a mailbox, and there are no other
 * places. Folders are opened with EXAMINE. UIDs, flags, sizes and dates come in windows of
 * IMAP_SURVEY_WINDOW messages; a body (BODY.PEEK[]) is fetched only where the receiver asks for its
 * digest, and never held: it goes through SHA-256 as it comes. Memory: one window, and the UIDs of
 * one folder as ranges. */
#ifndef MAILCHUTE_LOADER_IMAP_SURVEY_H
#define MAILCHUTE_LOADER_IMAP_SURVEY_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "imap-host.h"
#include "imap-settings.h"

#define IMAP_SURVEY_WINDOW 500u              /* messages listed at once */
#define IMAP_SURVEY_BYTES (4u * 1024 * 1024) /* of bodies in one command; one larger goes alone */

/* As enum loader_place, LOADER_FOLDER_*, LOADER_SEEN_*, enum loader_answer. */
enum imap_place { IMAP_PLACE_MAILBOX = 0, IMAP_PLACE_DROPBOX = 1, IMAP_PLACE_BADMAIL = 2 };
#define IMAP_PLACES 3u
#define IMAP_FOLDER_MISSING 1u
#define IMAP_FOLDER_KEEPS 2u
#define IMAP_FOLDER_DELETES 4u
#define IMAP_FOLDER_ARCHIVED 8u
#define IMAP_FOLDER_KEEPS_UNNAMED 16u
#define IMAP_SEEN_DELETED 1u
#define IMAP_SEEN_MARKED 2u
#define IMAP_SEEN_SHA256 4u
enum imap_answer { IMAP_ANSWER_GO_ON = 0, IMAP_ANSWER_SHA256 = 1, IMAP_ANSWER_STOP = 2 };

struct imap_surveyed_folder {
    enum imap_place place;
    uint32_t flags, uidvalidity, uidnext; /* uidvalidity, uidnext: 0 = not known */
    const char *path;
};

struct imap_seen {
    enum imap_place place;
    uint32_t flags, uidvalidity, uid;
    uint64_t number; /* 1, 2, ... of the survey */
    uint64_t size;
    const char *path;
    const char *date_received; /* RFC 3339, NULL: not known */
    const uint8_t *sha256;     /* NULL: not asked for */
};

/* Borrowed arguments. folder() is called for all places before the first message(); see
 * struct loader_surveyor. Unknown answers are IMAP_ANSWER_GO_ON. */
struct imap_surveyor {
    void *context;
    uint32_t (*folder)(void *context, const struct imap_surveyed_folder *folder);
    uint32_t (*message)(void *context, const struct imap_seen *seen);
};

/** imap_survey - a session of its own. 0, or -1 with err. */
int imap_survey(const struct imap_settings *settings, const char *user, const char *secret,
                const struct imap_host *host, const struct imap_surveyor *surveyor,
                struct error *err);

#endif
