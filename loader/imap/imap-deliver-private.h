/* SPDX-License-Identifier: Apache-2.0 */
/* imap-deliver-private.h - what the files of imap-deliver.h share:
 *
 *   imap-deliver.c         a run, folder by folder, and APPEND
 *   imap-deliver-folder.c  the folder of a path, made where it is missing
 *   imap-deliver-look.c    which of the messages are there already */
#ifndef MAILCHUTE_LOADER_IMAP_DELIVER_PRIVATE_H
#define MAILCHUTE_LOADER_IMAP_DELIVER_PRIVATE_H

#include "imap-deliver.h"
#include "imap-folder.h"
#include "imap-set.h"

/* A folder of this connection, or a level above one. */
struct deliver_folder {
    char *path; /* as the caller wrote it, or what was made of that */
    struct imap_folder folder;
    bool fresh; /* made by us, and nobody has looked into it since */
    /* What we know to be there for other entries: appended here, or found. */
    struct imap_set ours;
    uint32_t uidvalidity; /* theirs; 0: not known yet */
    uint32_t uidnext;     /* when it was looked into last; 0: not known ... */
    uint32_t appended;    /* ... and what we put there since */
};

struct imap_deliver {
    const struct imap_settings *settings;
    const struct imap_host *host;
    char *user, *secret; /* until we are connected */
    struct imap_session *session;
    struct imap_levels levels;
    struct deliver_folder *folders[IMAP_DELIVER_FOLDERS]; /* a ring: the oldest gives way */
    size_t folder_at;                                     /* the next one's place */
};

/* What came of a step with a folder. */
enum deliver_step {
    DELIVER_FAILED = -1, /* the session can only be closed: err tells */
    DELIVER_FINE,
    DELIVER_LEFT /* this folder cannot be used now, err tells why; others can */
};

/** imap_deliver_find - the folder of this path as the server has it; it may be missing, and is asked
 * for again then: another program may make it while this connection lasts. *out_folder
 * is borrowed until IMAP_DELIVER_FOLDERS others were asked for. */
enum deliver_step imap_deliver_find(struct imap_deliver *d, const char *path,
                                    struct deliver_folder **out_folder, struct error *err);

/** imap_deliver_ask_again - whether it is there now: at->folder.exists. */
int imap_deliver_ask_again(struct imap_deliver *d, struct deliver_folder *at, struct error *err);

/** imap_deliver_make - the same, made where it is missing, with the levels above it. Behind @root
 * bytes of @path levels hold no separator: what the server takes for one becomes '_' there, and
 * where it refuses such a name all signs but a few do. Below INBOX, of which the server says that
 * no folder can be there, it is made beside INBOX. */
enum deliver_step imap_deliver_make(struct imap_deliver *d, const char *path, size_t root,
                                    struct deliver_folder **out_folder, struct error *err);

/** imap_deliver_make_again - somebody removed it meanwhile: now it is fresh. Not fresh: the server
 * says that it is there all the same. */
enum deliver_step imap_deliver_make_again(struct imap_deliver *d, struct deliver_folder *at,
                                          struct error *err);

void imap_deliver_forget_folders(struct imap_deliver *d);

/** imap_deliver_search_there - which of these, all of one folder and NOT, are there: their result
 * becomes IMAP_DELIVERED_FOUND. */
enum deliver_step imap_deliver_search_there(struct imap_deliver *d, struct deliver_folder *at,
                                            struct imap_delivery *const *items, size_t count,
                                            struct error *err);

#endif
