/* SPDX-License-Identifier: Apache-2.0 */
/* imap-deliver.h - put messages into folders of an account by APPEND (RFC 9051 s.6.3.12).
 *
 *     connect ─> per folder: make it if it is missing, with its levels ─> look which messages are
 *     there already (EXAMINE, UID SEARCH, UID FETCH) ─> APPEND ─> OK, NO
 *
 * A look reads the folder as it is then. It counts a message as found only if one lies there that
 * has the same bytes, and is counted for no other message (imap-deliver-look.c). Messages of one
 * folder go in one APPEND where the server has MULTIAPPEND (RFC 3502: all or none), without waiting
 * for "+" where it has LITERAL+ (RFC 7888); where many are refused, they go one by one. Folders are
 * named as in imap-folder.h; every level that is made is subscribed to.
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
#define IMAP_DELIVER_LEVELS 16u                 /* of a folder's path that are subscribed to */

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
    size_t root;          /* bytes of it that a person wrote; 0: all. In levels behind them what
                             the server takes for a separator, or refuses, is replaced */
    bool look;            /* it may be there already */
    bool by_id;           /* with look: its id is never used again, see imap-deliver-look.c */
    const char *ids[2];   /* its Message-ID; with by_id what it was before; NULL: none */
    const char *date;     /* RFC 3339: INTERNALDATE; NULL: the server's clock */
    struct imap_literal raw;
    enum imap_delivered result; /* set here */
    struct error why;           /* REFUSED: what the server said. NOT: why it cannot be now; class
                                   ERROR_NONE: nobody knows */
    uint64_t wire_size;         /* ours */
    bool grouped, doubted, limited; /* ours */
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
 * does not take it) is REFUSED. What stops it for a reason that is not its own leaves it NOT, with
 * why: its folder cannot be made, named, opened or written, there is no room, or its bytes cannot
 * be read; others go on. -1 when nothing goes on: results tell what came of each so far, NOT that
 * it is not there or that nobody knows. */
int imap_deliver_run(struct imap_deliver *deliver, struct imap_delivery *items, size_t count,
                     struct error *err);

/** imap_deliver_look - which of @items, all by_id, are in their folders: FOUND or NOT; without raw
 * (size 0) their ids alone tell. Nothing is changed; a folder that is not there has none. NOT with
 * why: its folder cannot be looked into. */
int imap_deliver_look(struct imap_deliver *deliver, struct imap_delivery *items, size_t count,
                      struct error *err);

/** imap_date_time - @rfc3339 as date-time of RFC 9051 s.9, in quotes. -1: it is not one. Pure. */
int imap_date_time(const char *rfc3339, char out[32]);

#endif
