/* SPDX-License-Identifier: Apache-2.0 */
/* imap-likes.c - messages that may have been settled before. See imap-likes.h. */
#include <config.h>
#include "imap-likes.h"

#include <string.h>

/* Up to IMAP_RECORDS_MAX looks. */
static int imap_likes_compare_some(const struct imap_host *host,
                                   const struct imap_likes_which *which, struct imap_look *looks,
                                   size_t count, uint32_t tag, enum imap_likeness likeness,
                                   struct error *err)
{
    struct imap_lookalike items[IMAP_RECORDS_MAX];
    struct imap_look *asked[IMAP_RECORDS_MAX];
    size_t asked_count = 0;
    for (struct imap_look *look = looks; look < looks + count; look++) {
        if ((look->tag & tag) == 0)
            continue;
        asked[asked_count] = look;
        items[asked_count] = (struct imap_lookalike){
            .size = look->size, .message_id = look->message_id, .likeness = likeness};
        memcpy(items[asked_count++].sha256, look->sha256, sizeof look->sha256);
    }
    if (asked_count > 0 && host->lookalikes(host->context, which->uidvalidity, which->before, items,
                                            asked_count, err) < 0)
        return -1;
    for (size_t i = 0; i < asked_count; i++) /* analyse: so many are set */
        if (items[i].found == 0 || (likeness == IMAP_LIKENESS_SHA256 && !asked[i]->has_sha256))
            asked[i]->tag &= ~tag;
    return 0;
}

int imap_likes_compare(const struct imap_host *host, const struct imap_likes_which *which,
                       struct imap_look *looks, size_t count, uint32_t tag,
                       enum imap_likeness likeness, struct error *err)
{
    for (size_t at = 0; at < count; at += IMAP_RECORDS_MAX) {
        size_t some = count - at < IMAP_RECORDS_MAX ? count - at : IMAP_RECORDS_MAX;
        if (imap_likes_compare_some(host, which, &looks[at], some, tag, likeness, err) < 0)
            return -1;
    }
    return 0;
}
