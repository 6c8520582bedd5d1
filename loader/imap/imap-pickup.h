/* SPDX-License-Identifier: Apache-2.0 */
/* imap-pickup.h - the way of mail out of one mailbox: search, list, fetch, hand out, settle, wait.
 *
 *   SEARCH ─> todo ─> listing ─> what the ledger does not know ─> windows of bodies ─> next()
 *     (UIDs)        (sizes, dates)     │                         (several on their way)    │
 *                                      └─ what it knows as stored ──> moves <── settle() ──┘
 *
 * Every stage is asked for ahead, so that the server always has work, and a thread (imap-reader.h)
 * takes in what was asked for while the host stores what it was handed. Every stage is bounded: one
 * listing and some windows of at most IMAP_WINDOW_MAX messages, IMAP_WINDOW_BYTES and
 * IMAP_WINDOW_MEMORY (or one larger message) are held. Of a mailbox whose UIDs have very many gaps
 * the lowest are found first, the others by a later search. Messages come with the lowest UID first.
 * "New" is whatever is in the mailbox and not in the ledger: neither \Seen nor the highest UID seen
 * so far is asked.
 *
 * One handle, one thread; the reader's lives from the first window of a pass until it is drained,
 * and calls nobody. After a failure a handle can only be closed. */
#ifndef MAILCHUTE_LOADER_IMAP_PICKUP_H
#define MAILCHUTE_LOADER_IMAP_PICKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "cleanup.h"
#include "digest.h"
#include "error.h"
#include "imap-folder.h"
#include "imap-host.h"
#include "imap-session.h"
#include "imap-settings.h"
#include "mail.h"
#include "spool.h"

#define IMAP_ATTEMPTS_MAX 3u /* attempts without an end after which a message is set aside */
#define IMAP_REFUSED_MS 60000u       /* until what was refused is tried again, doubled ... */
#define IMAP_REFUSED_MAX_MS 3600000u /* ... up to this */
#define IMAP_PICKUP_PIECES 100000u /* runs of UIDs, 8 bytes each, of what was found and listed */
#define IMAP_TRIES_MAX 3u    /* times a body that does not come is asked for in one session */

/* What is to be done. Borrowed until imap_pickup_close(), but secret: during imap_pickup_open()
 * only. */
struct imap_pickup_options {
    const struct imap_settings *settings;
    const struct imap_host *host;
    const char *user, *secret;
    bool read_only;
    bool accept_new_uids; /* a person looked at a held mailbox: release it (imap-hold.h) */
    bool watch; /* refused moves are no failure: told, and tried again after growing pauses */
    uint64_t limit; /* 0: none */
    uint32_t pieces; /* UIDs in so many runs are held at a time; 0: IMAP_PICKUP_PIECES */
    /* One folder of several (imap-tour.h), NULL: the settings' mailbox, by a session of its own.
     * Both are borrowed; the folder is opened with EXAMINE, and its mail left where it is. */
    struct imap_session *session;
    const struct imap_folder *folder;
    struct imap_set *handled; /* UIDs that need not be looked at: taken over, see _leave() */
    uint32_t handled_uidvalidity; /* under which they were */
    uint64_t out;             /* messages of other folders that were handed out and not settled */
};

/* One message. mail and spool are the receiver's: mail_free(), spool_free(). */
struct imap_message {
    uint32_t uidvalidity, uid;
    uint64_t raw_size;
    bool noted;                /* an attempt was, which is taken back when it is released */
    const char *error;         /* why it could not be loaded, or NULL; until the next call */
    const char *date_received; /* RFC 3339, or NULL; until the next call */
    struct mail *mail;         /* NULL: not loaded */
    struct spool *spool;       /* NULL: not loaded */
    uint8_t sha256[DIGEST_SIZE];
};

/** imap_pickup_mailbox - the mailbox's path (imap-folder.h), once connected; before: as the
 * settings name it. Borrowed. */
struct imap_pickup;
const char *imap_pickup_mailbox(const struct imap_pickup *pickup);

/** imap_pickup_search_command - start the UID SEARCH of a pick-up: everything but what is deleted,
 * what we marked ourselves, unless it is wanted @marked, too, and what the settings leave out. */
void imap_pickup_search_command(struct imap_session *session, const struct imap_settings *settings,
                                bool marked, struct imap_command *out_command);

enum imap_pickup_result { IMAP_PICKUP_MESSAGE, IMAP_PICKUP_DRAINED, IMAP_PICKUP_FAILED };

/** imap_pickup_open - read the rules; keeps a copy of the secret until the first connection is
 * made. Nothing is sent. *out_pickup is yours: imap_pickup_close(). */
int imap_pickup_open(const struct imap_pickup_options *options, struct imap_pickup **out_pickup,
                     struct error *err);
void imap_pickup_close(struct imap_pickup *pickup); /* NULL is fine */
AUTO_DEFINE(imap_pickup, imap_pickup_close);

/** imap_pickup_next - the next message. The first call connects. DRAINED: none now, and all that
 * was settled is done with. */
enum imap_pickup_result imap_pickup_next(struct imap_pickup *pickup,
                                         struct imap_message *out_message, struct error *err);

/** imap_pickup_settle - these UIDs, handed out before, have this fate (enum imap_fate). */
int imap_pickup_settle(struct imap_pickup *pickup, const uint32_t *uids, size_t count,
                       uint32_t fate, struct error *err);

/** imap_pickup_is_done - all that was found is handed out and settled as far as it was settled by
 * the host; after DRAINED false means that the host must settle first. */
bool imap_pickup_is_done(const struct imap_pickup *pickup);

/** imap_pickup_left - after DRAINED: are there some that the server listed and does not give out? They
 * stay where they are, and are asked for again by the next pass, then after growing pauses. */
bool imap_pickup_left(const struct imap_pickup *pickup, struct error *out_why);

/** imap_pickup_is_anothers - after FAILED: because another pick-up has claimed the mailbox, of which
 * the server knows nothing. */
bool imap_pickup_is_anothers(const struct imap_pickup *pickup);

/** imap_pickup_waiting - messages that are found and not handed out, as far as known. */
uint64_t imap_pickup_waiting(const struct imap_pickup *pickup);

/** imap_pickup_others_settled - so many messages of other folders (options.out) are settled. */
void imap_pickup_others_settled(struct imap_pickup *pickup, uint64_t count);

/** imap_pickup_leave - one folder of several is done with: what was looked at in it goes to
 * @handled, the UIDVALIDITY of that to *uidvalidity; both stay as they are where some of it was not
 * handed out. True: nothing of it is left to be looked for again. */
bool imap_pickup_leave(struct imap_pickup *pickup, struct imap_set *handled,
                       uint32_t *uidvalidity);

/** imap_pickup_wait - after DRAINED: what to poll for, and for how long: until the next poll, or
 * until moves that were refused are tried again. */
int imap_pickup_wait(struct imap_pickup *pickup, int *out_fd, uint32_t *out_timeout_ms,
                     struct error *err);

#endif
