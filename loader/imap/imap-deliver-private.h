/* SPDX-License-Identifier: Apache-2.0 */
/* imap-deliver-private.h - what the files of imap-deliver.h share:
 *
 *     imap-deliver.c          messages, folder by folder, by APPEND
 *     imap-deliver-folder.c   folders: found, made, remembered
 *     imap-deliver-look.c     whether a message is in a folder already */
#ifndef MAILCHUTE_LOADER_IMAP_DELIVER_PRIVATE_H
#define MAILCHUTE_LOADER_IMAP_DELIVER_PRIVATE_H

#include "imap-deliver.h"
#include "imap-folder.h"

/* A folder, as this connection saw it first; where more than IMAP_DELIVER_FOLDERS are in use, as it
 * saw it since it was forgotten. */
struct deliver_folder {
    char *path; /* as the caller wrote it */
    struct imap_folder folder;
    bool looked;      /* uidnext and empty tell how it was */
    bool empty;       /* nothing was in it: nothing to look for */
    uint32_t uidnext; /* 0: the server did not tell */
};

struct imap_deliver {
    const struct imap_settings *settings;
    const struct imap_host *host;
    char *user, *secret; /* until we are connected */
    struct imap_session *session;
    struct deliver_folder *folders[IMAP_DELIVER_FOLDERS]; /* a ring: the oldest gives way */
    size_t folder_at;                                     /* the next one's place */
    const struct deliver_folder *examined;
};

/* What came of a step with a folder. */
enum deliver_step {
    DELIVER_FAILED = -1, /* the session can only be closed: err tells */
    DELIVER_FINE,
    DELIVER_LEFT /* this folder cannot be used now, err tells why; others can */
};

/** imap_deliver_find - the folder of this path as the server has it; it may be missing. *out_folder
 * is borrowed until IMAP_DELIVER_FOLDERS others were asked for. */
enum deliver_step imap_deliver_find(struct imap_deliver *d, const char *path,
                                    struct deliver_folder **out_folder, struct error *err);

/** imap_deliver_make - the same, made if it is missing, with the levels above it. */
enum deliver_step imap_deliver_make(struct imap_deliver *d, const char *path,
                                    struct deliver_folder **out_folder, struct error *err);

/** imap_deliver_make_again - somebody removed it meanwhile: now it is empty. */
enum deliver_step imap_deliver_make_again(struct imap_deliver *d, struct deliver_folder *at,
                                          struct error *err);

void imap_deliver_forget_folders(struct imap_deliver *d);

/** imap_deliver_search_there - which of these, all of one folder, are there: result is
 * IMAP_DELIVERED_FOUND then, and left as it was for the others. */
enum deliver_step imap_deliver_search_there(struct imap_deliver *d, struct deliver_folder *at,
                                            struct imap_delivery *const *items, size_t count,
                                            struct error *err);

#endif
