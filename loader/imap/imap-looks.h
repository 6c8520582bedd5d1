/* SPDX-License-Identifier: Apache-2.0 */
/* imap-looks.h - what tells messages of the selected mailbox apart: size, Message-ID, digest.
 *
 * Each is asked for only where the one before it leaves a doubt, since each costs more: a number, a
 * line, the whole message (which goes through SHA-256 as it comes and is kept nowhere). Messages
 * are asked for in windows, so that no answer gets long. The calls wait for their answers: no body
 * of anybody else may be on its way. */
#ifndef MAILCHUTE_LOADER_IMAP_LOOKS_H
#define MAILCHUTE_LOADER_IMAP_LOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "error.h"
#include "imap-session.h"
#include "imap-set.h"
#include "mail.h"

#define IMAP_LOOKS_WINDOW 500u                /* messages asked for at once */
#define IMAP_LOOKS_BYTES (4u * 1024 * 1024)   /* of whole messages; one larger goes alone */
#define IMAP_LOOKS_HEADER_MAX 65536u          /* bytes of a header that are read */
#define IMAP_LOOKS_RECIPIENT 20u

struct imap_look {
    uint32_t uid;
    uint32_t tag;        /* the caller's */
    bool wanted;         /* the next call asks for it */
    bool there;          /* it was answered for */
    bool has_sha256;
    uint64_t size;       /* as the server tells it */
    uint64_t message_id; /* text_fingerprint() of its Message-ID, 0: it has none */
    uint64_t subject, recipient; /* the same of their letters and digits, see imap_looks_tell() */
    uint8_t sha256[DIGEST_SIZE];
};

/* LIKENESS is size, message_id, subject and recipient. */
enum imap_looks_item {
    IMAP_LOOKS_SIZE,
    IMAP_LOOKS_MESSAGE_ID,
    IMAP_LOOKS_LIKENESS,
    IMAP_LOOKS_SHA256
};

/** imap_looks_ask - fill in one thing of all that are wanted. @looks have ascending UIDs. What does
 * not come (the message is gone, the server does not give it out) stays as it was. */
int imap_looks_ask(struct imap_session *session, struct imap_look *looks, size_t count,
                   enum imap_looks_item what, struct error *err);

/** imap_looks_try - the same, but a BAD is no failure: it is told in @out_bad, which stays as it was
 * where there is none, and nothing more is asked for. */
int imap_looks_try(struct imap_session *session, struct imap_look *looks, size_t count,
                   enum imap_looks_item what, struct error *out_bad, struct error *err);

/** imap_looks_tell - message_id, subject and recipient of @mail. Of a subject letters and digits
 * count, in any case, of the first recipient the last IMAP_LOOKS_RECIPIENT of them before the '@':
 * programs that write the same message differ in blanks, signs and what stands before an address.
 */
void imap_looks_tell(const struct mail *mail, struct imap_look *out);

/** imap_looks_search - the UIDs that "UID SEARCH <criteria>" finds, added to @out. With @out_no a
 * NO is no failure, unless it asks for a pause, but told there (ERROR_NONE: there was none). */
int imap_looks_search(struct imap_session *session, const char *criteria, struct imap_set *out,
                      struct error *out_no, struct error *err);

/** imap_looks_near - do two sizes differ by 5 % at most? */
bool imap_looks_near(uint64_t a, uint64_t b);

#endif
