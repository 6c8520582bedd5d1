/* SPDX-License-Identifier: Apache-2.0 */
/* imap-deliver.h - put messages into folders of an account by APPEND (RFC 9051 s.6.3.12).
 *
 *     connect ─> per folder: make it if it is missing, level by level ─> look whether a message is
 *     there already (EXAMINE, UID SEARCH, UID FETCH) ─> APPEND ─> OK, NO
 *
 * Looking is bounded to what was in the folder when this connection saw it first; a folder that was
 * empty is not searched. SEARCH finds ids within longer ones, and messages of one size: of what it
 * finds (the newest 1000) one counts that is the same, byte for byte, or with by_id one whose
 * Message-ID is the same, whole. Messages of one folder go in one APPEND where the server has
 * MULTIAPPEND (RFC 3502: all or none), without waiting for "+" where it has LITERAL+ (RFC 7888).
 * Folders are named as in imap-folder.h; every level that is made is subscribed to.
 *
 * Nothing is kept: what was delivered before, and in which order steps are noted, is the caller's.
 * One handle, one thread; after a failure a handle can only be closed. */
#ifndef MAILCHUTE_LOADER_IMAP_DELIVER_H
#define MAILCHUTE_LOADER_IMAP_DELIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "error.h"
#include "imap-host.h"
#include "imap-literal.h"
#include "imap-settings.h"

#define IMAP_APPEND_MESSAGES 64u                /* in one APPEND */
#define IMAP_APPEND_BYTES (4ull * 1024 * 1024)  /* in one APPEND, or one larger message */
#define IMAP_DELIVER_FOLDERS 512u               /* remembered by one connection */
#define IMAP_DELIVER_LEVELS 16u                 /* of a folder's path that are made one by one */

/* As enum loader_delivered. */
enum imap_delivered {
    IMAP_DELIVERED_NOT = 0,
    IMAP_DELIVERED_APPENDED = 1,
    IMAP_DELIVERED_FOUND = 2,
    IMAP_DELIVERED_REFUSED = 3
};

/* One message. Texts and bytes are borrowed for the call. */
struct imap_delivery {
    const char *folder;   /* Unicode, '/' between levels */
    bool look;            /* it may be there already */
    bool by_id;           /* its id alone tells; else all its bytes */
    const char *ids[2];   /* what its Message-ID field may hold; NULL: none */
    const char *date;     /* RFC 3339: INTERNALDATE; NULL: the server's clock */
    struct imap_literal raw;
    enum imap_delivered result; /* set here */
    struct error why;           /* REFUSED: what the server said. NOT: why it cannot be now; class
                                   ERROR_NONE: nobody knows */
    uint64_t wire_size;         /* ours */
    bool grouped;               /* ours */
};

struct imap_deliver;

/** imap_deliver_open - settings and host are borrowed until imap_deliver_close(); keeps a copy of
 * the secret until the first connection is made. Nothing is sent. */
int imap_deliver_open(const struct imap_settings *settings, const char *user, const char *secret,
                      const struct imap_host *host, struct imap_deliver **out_deliver,
                      struct error *err);
void imap_deliver_close(struct imap_deliver *deliver); /* NULL is fine */
AUTO_DEFINE(imap_deliver, imap_deliver_close);

/** imap_deliver_run - all of @items, folder by folder. What stops one message only (a server that
 * does not take it) is REFUSED. What stops one folder only (it cannot be made, or named, or opened)
 * leaves its messages NOT, with why. -1 when nothing goes on (quota and rights too): results tell
 * what came of each so far, NOT that it is not there or that nobody knows. */
int imap_deliver_run(struct imap_deliver *deliver, struct imap_delivery *items, size_t count,
                     struct error *err);

/** imap_deliver_look - which of @items, all by_id and without raw, are in their folders: FOUND or
 * NOT. Nothing is changed; a folder that is not there has none. NOT with why: its folder cannot be
 * looked into. */
int imap_deliver_look(struct imap_deliver *deliver, struct imap_delivery *items, size_t count,
                      struct error *err);

/** imap_date_time - @rfc3339 as date-time of RFC 9051 s.9, in quotes. -1: it is not one. Pure. */
int imap_date_time(const char *rfc3339, char out[32]);

#endif
