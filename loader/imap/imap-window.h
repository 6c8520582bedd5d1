/* SPDX-License-Identifier: Apache-2.0 */
/* imap-window.h - messages whose bodies were asked for in one UID FETCH, and how they arrive.
 *
 * A body's bytes go from the parser's events straight into a spool and the mail parser. It belongs
 * to the message whose UID stands in the same FETCH response, before or behind it. A message counts
 * as complete only when its UID, all of its literal and the command's tagged OK have come; a window
 * is handed out only then. What comes for a UID that was not asked for is thrown away.
 *
 * What a mail was taken apart to can take many times its bytes. Where there is no room for it, it
 * is forgotten, and made again from the raw bytes when the message is handed out: a complete entry
 * without mail and error is one of those (apart_later). */
#ifndef MAILCHUTE_LOADER_IMAP_WINDOW_H
#define MAILCHUTE_LOADER_IMAP_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "error.h"
#include "imap-host.h"
#include "imap-response.h"
#include "imap-set.h"
#include "mail.h"
#include "spool.h"

#define IMAP_WINDOW_MAX 500u                 /* messages of a window, and of a listing */
#define IMAP_WINDOW_BYTES (3u * 512 * 1024) /* of its bodies: all may be texts; larger goes alone */
#define IMAP_WINDOW_MEMORY (256u * 1024)    /* of those that do not go to files (spool.h) */
#define IMAP_WINDOW_HELD (2u * 1024 * 1024) /* of all as they come; more is asked for again */
/* Of what mails were taken apart to (mail_memory()), in all windows together: there are servers
 * that answer several commands behind the data of all of them. Twice as much where it is little of
 * each message and would have to be read from a file again. */
#define IMAP_WINDOWS_PARSED (3u * 512 * 1024)
#define IMAP_PARSED_CHEAP (128u * 1024)
#define IMAP_STRANGERS_MAX 10000u /* bodies of UIDs nobody asked for, in one session ... */
#define IMAP_STRANGERS_BYTES IMAP_SKIPPED_MAX /* ... and bytes of them */

/* One message on its way. */
struct imap_entry {
    uint32_t uid, attempts;
    unsigned int
        tries; /* times its body was asked for and did not come, or not whole as it seems */
    bool refused;       /* the server said NO to a window that it was in */
    bool listed;        /* its data came */
    bool answered;      /* it is there: the server told of it, if not what it was asked for */
    bool stored;        /* says the ledger */
    bool headless;      /* ... without the header that a rule looks at */
    bool left;          /* a rule, or the ledger, says: leave it where it is */
    bool deleted;       /* when it was listed: not now, that may be taken back */
    bool marked;        /* it bears our keyword: picked up once, and left on purpose */
    bool has_date, complete;
    bool noted; /* ATTEMPTED was noted and is not answered for yet */
    int32_t date_offset_min;
    int64_t date_s;
    uint64_t size;
    uint64_t came;       /* bytes of a body that was too short to be believed at once; 0: none */
    char *error;         /* why it cannot be loaded; NULL: all is well so far */
    struct spool *spool; /* from here on: when it is complete */
    struct mail *mail;   /* NULL also where apart_later */
    bool apart_later;    /* imap_entry_part() makes mail, from spool */
    uint8_t sha256[DIGEST_SIZE];
};

/** imap_entry_is_short - is a body of @size bytes much less than the server told? (Many tell sizes
 * that are not those of the bytes; so this is a twentieth.) */
bool imap_entry_is_short(const struct imap_entry *entry, uint64_t size);

/** imap_entry_done - free what it holds. */
void imap_entry_done(struct imap_entry *entry);

enum imap_window_state { IMAP_WINDOW_EMPTY, IMAP_WINDOW_SENT, IMAP_WINDOW_READY };

struct imap_window {
    void *owner; /* whoever gets its answer */
    enum imap_window_state state;
    size_t count, next; /* next: to be handed out */
    uint64_t order;     /* when it was asked for */
    uint64_t bytes, memory; /* of the bodies asked for; of those that do not go to files */
    uint64_t held, parsed;  /* of those that came; of what they were taken apart to */
    struct imap_entry *entries; /* ascending UIDs; the owner's, room for IMAP_WINDOW_MAX */
};

/** imap_window_holds - is there room for this one's body of @size bytes? Servers tell wrong sizes,
 * and one may be in any case. If so, it is counted. */
bool imap_window_holds(struct imap_window *window, uint64_t size);

/** imap_window_keep - @entry came. What it was taken apart to is counted, or forgotten where it has
 * no room beside that of this window and of @others, bytes of the other ones (IMAP_WINDOWS_PARSED).
 * Where nothing else is kept it is kept in any case. */
void imap_window_keep(struct imap_window *window, uint64_t others, struct imap_entry *entry);

/** imap_entry_part - take it apart again where that was forgotten, as @options say; a stop is
 * heeded. ERROR_STORE: its raw bytes cannot be read back. On failure it is as it was. */
int imap_entry_part(struct imap_entry *entry, const struct mail_options *options,
                    const struct imap_host *host, struct error *err);

/** imap_entry_find - in ascending entries; NULL: not there. */
struct imap_entry *imap_entry_find(struct imap_entry *entries, size_t count, uint32_t uid);

/* The body that is arriving. There is one at a time. */
struct imap_body {
    const char *spool_dir;
    struct mail_options options;
    uint64_t max_size;
    bool open, complete;
    struct spool_writer *writer; /* of large ones; NULL: whoever feeds them */
    struct spool *spool;
    struct mail_parser *parser;
    struct mail *mail;
    char *error;
    uint64_t size; /* as it was announced */
    uint32_t strangers;
    uint64_t strangers_bytes;
};

/** imap_body_start - @size bytes are announced; @wanted: somebody may want them. ERROR_PROTOCOL
 * when too many came that nobody does. */
int imap_body_start(struct imap_body *body, uint64_t size, bool wanted, struct error *err);
int imap_body_bytes(struct imap_body *body, struct span bytes, struct error *err);
int imap_body_end(struct imap_body *body, struct error *err);

/** imap_body_room - where its next bytes may be received, *out_count of them at most, so that
 * imap_body_bytes() need not copy them. NULL: nowhere. Borrowed until the next call. */
uint8_t *imap_body_room(struct imap_body *body, size_t *out_count);

/** imap_body_move - what came in @from becomes what came in @to. */
void imap_body_move(struct imap_body *from, struct imap_body *to);

/** imap_body_give - the FETCH response is complete: what came goes to @entry (NULL: to nobody). */
int imap_body_give(struct imap_body *body, struct imap_entry *entry, struct error *err);
void imap_body_done(struct imap_body *body); /* what came; another one may follow */
void imap_body_close(struct imap_body *body); /* none will */

#endif
