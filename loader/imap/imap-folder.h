/* SPDX-License-Identifier: Apache-2.0 */
/* imap-folder.h - find the server's name for a folder as the user writes it.
 *
 * The user writes Unicode, with '/' between levels or with the server's own separator. For
 * "Done/2026" on a server with separator '.' and personal namespace "INBOX." these names are tried
 * in order, and the first that the server lists is taken:
 *
 *     Done/2026          exactly as written: an existing folder of that name always wins
 *     Done.2026          '/' as the server's separator
 *     INBOX.Done.2026    behind the prefix of the personal namespace
 *
 * On the wire names are modified UTF-7 (RFC 3501 s.5.1.3), but UTF-8 where the server speaks
 * IMAP4rev2 alone (RFC 9051 s.5.1): one that speaks both means the former until it is asked for the
 * latter, and we do not ask.
 *
 * INBOX, also as first level, is the same in any case of letters (RFC 9051 s.5.1). Nothing is
 * guessed beyond that: a folder that only shares its last level with what was written is another
 * folder, and mail moved there would be lost to its owner.
 *
 * A missing dropbox or badmail is made under the last of these names, with all its levels, and
 * subscribed to. A missing mailbox never is. */
#ifndef MAILCHUTE_LOADER_IMAP_FOLDER_H
#define MAILCHUTE_LOADER_IMAP_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "imap-session.h"

#define IMAP_FOLDER_CANDIDATES 3u
#define IMAP_FOLDER_NAME_MAX 1000u /* bytes of a name on the wire */

struct imap_folder {
    char *name; /* as the user wrote it */
    char *wire; /* the server's name, as it goes over the wire */
    char *path; /* the same in Unicode with '/' between levels, for the ledger and for people: one
                    folder has one path, however the user writes it */
    bool exists;
    char delimiter;       /* '\0': the server has no levels */
    uint32_t uidvalidity; /* of the last STATUS, 0 = not known */
    uint32_t uidnext;
};

struct imap_folders {
    struct imap_folder mailbox, dropbox, badmail;
};

/* What LIST "" "", NAMESPACE and the capabilities tell. */
struct imap_levels {
    char delimiter;                    /* '\0': the server has no levels */
    bool utf8;                         /* names on the wire are UTF-8, not modified UTF-7 */
    char prefix[IMAP_FOLDER_NAME_MAX]; /* of the personal namespace, UTF-8 */
};

/** imap_folder_names - what to try for @path, best first: up to IMAP_FOLDER_CANDIDATES names as
 * they go over the wire, no two the same, each yours: free(). Pure. Returns how many, -1: @path
 * cannot be a folder's name, or out of memory. */
int imap_folder_names(const char *path, const struct imap_levels *levels,
                      char *out_names[IMAP_FOLDER_CANDIDATES], struct error *err);

/** imap_levels_ask - ask for them. */
int imap_levels_ask(struct imap_session *session, struct imap_levels *out_levels,
                    struct error *err);

/** imap_folder_path - a name on the wire (UTF-8: @utf8) as struct imap_folder has it in path.
 * Yours: free(). NULL: out of memory. */
char *imap_folder_path(const char *wire, char delimiter, bool utf8);

/** imap_folder_same - do two names on the wire mean one folder? */
bool imap_folder_same(const char *a, const char *b);

/** imap_folders_resolve - find mailbox, dropbox and badmail of the settings. ERROR_CONFIG when
 * mailbox is not there, or when two of them are one. Dropbox and badmail may be missing. *out is
 * overwritten; yours: imap_folders_done(). */
int imap_folders_resolve(struct imap_session *session, const struct imap_settings *settings,
                         struct imap_folders *out, struct error *err);
void imap_folders_done(struct imap_folders *folders);

/** imap_folder_find - find one folder by its path. It may be missing. *out is overwritten; yours:
 * imap_folder_done(), after a failure too. */
int imap_folder_find(struct imap_session *session, const char *path, struct imap_folder *out,
                     struct error *err);
void imap_folder_done(struct imap_folder *folder);

/** imap_folder_create - make it, with its levels, and subscribe to it. Fine if it is there. */
int imap_folder_create(struct imap_session *session, struct imap_folder *folder, const char *key,
                       struct error *err);

/** imap_folder_status - ask for UIDVALIDITY and UIDNEXT; what cannot be had is 0. */
int imap_folder_status(struct imap_session *session, struct imap_folder *folder, struct error *err);

/** imap_folder_status_command - the same for who waits for the answer in its own way.
 * imap_folder_is_told - is this what it tells? Then uidnext and uidvalidity of @event are the
 * folder's. */
void imap_folder_status_command(const struct imap_folder *folder, struct imap_command *out_command);
bool imap_folder_is_told(const struct imap_folder *folder, const struct imap_event *event);

#endif
