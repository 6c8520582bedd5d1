/* SPDX-License-Identifier: Apache-2.0 */
/* imap-likes.h - the settled messages of one size, as the ledger has them: is one of them this one?
 *
 * They are read in growing pieces, the newest first, until all questions are answered or none is
 * left, IMAP_LIKE_MAX at most: work and memory are in proportion to how many there are of that
 * size. */
#ifndef MAILCHUTE_LOADER_IMAP_LIKES_H
#define MAILCHUTE_LOADER_IMAP_LIKES_H

#include <stddef.h>

#include "error.h"
#include "imap-host.h"
#include "imap-looks.h"

enum imap_likes_by { IMAP_LIKES_MESSAGE_ID, IMAP_LIKES_SHA256 };

/* Which of them count: not those with this uidvalidity and a UID above @before. */
struct imap_likes_which {
    uint32_t uidvalidity, before;
};

/** imap_likes_compare - of @looks those that bear @tag keep it if a settled message of their size
 * that counts has their Message-ID (or none is known of one), or their digest. */
int imap_likes_compare(const struct imap_host *host, const struct imap_likes_which *which,
                       struct imap_look *looks, size_t count, uint32_t tag, enum imap_likes_by by,
                       struct error *err);

#endif
