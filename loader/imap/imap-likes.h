/* SPDX-License-Identifier: Apache-2.0 */
/* imap-likes.h - messages that may have been settled before: the ledger is asked, for some hundred
 * at a time. */
#ifndef MAILCHUTE_LOADER_IMAP_LIKES_H
#define MAILCHUTE_LOADER_IMAP_LIKES_H

#include <stddef.h>

#include "error.h"
#include "imap-host.h"
#include "imap-looks.h"

/* Which settled messages count: not those with this uidvalidity and a UID above @before. */
struct imap_likes_which {
    uint32_t uidvalidity, before;
};

/** imap_likes_compare - of @looks those that bear @tag keep it if a settled message that counts is
 * so much like them, as far as the host can tell (lookalikes() in loader-plugin.h). */
int imap_likes_compare(const struct imap_host *host, const struct imap_likes_which *which,
                       struct imap_look *looks, size_t count, uint32_t tag,
                       enum imap_likeness likeness, struct error *err);

#endif
