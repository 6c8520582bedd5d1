/* SPDX-License-Identifier: Apache-2.0 */
/* imap-likes.c - the settled messages of one size. See imap-likes.h. */
#include <config.h>
#include "imap-likes.h"

#include <stdlib.h>
#include <string.h>

#define IMAP_LIKES_FIRST 512u /* asked for at first: mostly all there are */
#define IMAP_LIKES_GROWTH 16u

/* Those of one size, in the order of what is compared. */
struct imap_likes {
    struct imap_likes_which which;
    struct imap_evidence *items;
    size_t count;
    enum imap_likes_by by;
    bool nameless; /* of one no Message-ID is known: it may be any */
};

static int imap_likes_order_id(const void *a, const void *b)
{
    const struct imap_evidence *x = a, *y = b;
    return (x->message_id > y->message_id) - (x->message_id < y->message_id);
}

static int imap_likes_order_sha256(const void *a, const void *b)
{
    const struct imap_evidence *x = a, *y = b;
    return memcmp(x->sha256, y->sha256, sizeof x->sha256);
}

static bool imap_likes_have(const struct imap_likes *likes, const struct imap_look *look)
{
    struct imap_evidence want = {.message_id = look->message_id};
    memcpy(want.sha256, look->sha256, sizeof want.sha256);
    if (likes->count == 0)
        return false;
    if (likes->by == IMAP_LIKES_SHA256)
        return look->has_sha256 && bsearch(&want, likes->items, likes->count, sizeof want,
                                           imap_likes_order_sha256) != NULL;
    return likes->nameless || bsearch(&want, likes->items, likes->count, sizeof want,
                                      imap_likes_order_id) != NULL;
}

/* Only those that count. */
static void imap_likes_drop_others(struct imap_likes *likes)
{
    size_t kept = 0;
    for (size_t i = 0; i < likes->count; i++)
        if (likes->items[i].uidvalidity != likes->which.uidvalidity ||
            likes->items[i].uid <= likes->which.before)
            likes->items[kept++] = likes->items[i];
    likes->count = kept;
}

/* The newest of this size; *out_all: there are no more. */
static int imap_likes_read(struct imap_likes *likes, const struct imap_host *host, uint64_t size,
                           size_t most, bool *out_all, struct error *err)
{
    struct imap_evidence *items = reallocarray(likes->items, most, sizeof *items);
    if (items == NULL)
        return error_oom(err, "looking at messages seen before");
    likes->items = items;
    if (host->settled_like(host->context, size, items, most, &likes->count, err) < 0)
        return -1;
    *out_all = likes->count < most || most >= IMAP_LIKE_MAX;
    imap_likes_drop_others(likes);
    if (likes->count > 0)
        qsort(items, likes->count, sizeof *items,
              likes->by == IMAP_LIKES_SHA256 ? imap_likes_order_sha256 : imap_likes_order_id);
    likes->nameless = likes->count > 0 && items[0].message_id == 0;
    return 0;
}

/* Do all looks of this size have one? The others lose their tag, once all are read. */
static bool imap_likes_judge(const struct imap_likes *likes, struct imap_look *looks, size_t count,
                             uint64_t size, uint32_t tag, bool all)
{
    bool answered = true;
    for (size_t i = 0; i < count; i++) {
        if ((looks[i].tag & tag) == 0 || looks[i].size != size || imap_likes_have(likes, &looks[i]))
            continue;
        answered = false;
        looks[i].tag &= all ? ~tag : UINT32_MAX;
    }
    return answered;
}

static int imap_likes_compare_size(struct imap_likes *likes, const struct imap_host *host,
                                   struct imap_look *looks, size_t count, uint64_t size,
                                   uint32_t tag, struct error *err)
{
    bool all = false, answered = false;
    for (size_t most = IMAP_LIKES_FIRST; !all && !answered; most *= IMAP_LIKES_GROWTH) {
        most = most < IMAP_LIKE_MAX ? most : IMAP_LIKE_MAX;
        if (imap_likes_read(likes, host, size, most, &all, err) < 0)
            return -1;
        answered = imap_likes_judge(likes, looks, count, size, tag, all);
    }
    return 0;
}

/* Was this size asked for already, for one that stands before? */
static bool imap_likes_is_asked(const struct imap_look *looks, size_t at, const uint32_t *before)
{
    for (size_t i = 0; i < at; i++)
        if (before[i] != 0 && looks[i].size == looks[at].size)
            return true;
    return false;
}

int imap_likes_compare(const struct imap_host *host, const struct imap_likes_which *which,
                       struct imap_look *looks, size_t count, uint32_t tag, enum imap_likes_by by,
                       struct error *err)
{
    struct imap_likes likes = {.which = *which, .by = by};
    uint32_t *before = calloc(count + 1, sizeof *before);
    int result = before != NULL ? 0 : error_oom(err, "looking at messages seen before");
    for (size_t i = 0; i < count && result == 0; i++)
        before[i] = looks[i].tag & tag;
    for (size_t i = 0; i < count && result == 0; i++)
        if (before[i] != 0 && !imap_likes_is_asked(looks, i, before))
            result = imap_likes_compare_size(&likes, host, looks, count, looks[i].size, tag, err);
    free(likes.items);
    free(before);
    return result;
}
