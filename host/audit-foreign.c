/* SPDX-License-Identifier: Apache-2.0 */
/* audit-foreign.c - strays whose entry is one of another account. See audit-private.h.
 *
 * Two accounts may share an archive, and one account may have been named in two ways. The queue is
 * read once more for that, where there is a stray left that may be one of theirs: memory is that of
 * the strays, whatever the queue holds. */
#include <config.h>
#include "audit-private.h"

#include <stdlib.h>
#include <string.h>

static const char foreign_looking[] = "looking for mail of other accounts";

struct foreign_search {
    struct audit *audit;
    struct audit_stray **strays; /* by digest */
    size_t count;
    bool failed;
};

void audit_foreign_free(struct audit_foreign *foreign)
{
    if (foreign == NULL)
        return;
    free(foreign->loader);
    free(foreign->account);
    free(foreign->mailbox);
    free(foreign->key);
    free(foreign->target);
    free(foreign);
}

/* ---- Finding --------------------------------------------------------------------------------- */

static int foreign_compare(const void *a, const void *b)
{
    const struct audit_stray *left = *(struct audit_stray *const *)a;
    const struct audit_stray *right = *(struct audit_stray *const *)b;
    return memcmp(left->sha256, right->sha256, sizeof left->sha256);
}

/* The first stray of this digest, or NULL. */
static struct audit_stray *foreign_first(const struct foreign_search *search, const uint8_t *sha256)
{
    size_t low = 0, high = search->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(search->strays[middle]->sha256, sha256, QUEUE_DIGEST_SIZE) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < search->count &&
                   memcmp(search->strays[low]->sha256, sha256, QUEUE_DIGEST_SIZE) == 0
               ? search->strays[low]
               : NULL;
}

/* NULL out of memory. */
static struct audit_foreign *foreign_new(const struct queue_entry *entry)
{
    struct audit_foreign *foreign = calloc(1, sizeof *foreign);
    if (foreign == NULL)
        return NULL;
    foreign->loader = strdup(entry->loader);
    foreign->account = strdup(entry->account);
    foreign->mailbox = strdup(entry->mailbox);
    foreign->key = entry->key == NULL ? NULL : strdup(entry->key);
    if (foreign->loader == NULL || foreign->account == NULL || foreign->mailbox == NULL ||
        (entry->key != NULL && foreign->key == NULL)) {
        audit_foreign_free(foreign);
        return NULL;
    }
    foreign->uidvalidity = entry->uidvalidity;
    foreign->uid = entry->uid;
    memcpy(foreign->id, entry->id, sizeof foreign->id);
    return foreign;
}

static int foreign_visit(void *context, const struct queue_entry *entry)
{
    struct foreign_search *search = context;
    struct audit *audit = search->audit;
    if (!entry->has_raw || audit_rows_is_ours(entry, audit->settings->loader, audit->account))
        return 0;
    struct audit_stray *first = foreign_first(search, entry->raw_sha256);
    if (first == NULL)
        return 0;
    if (first->foreign == NULL) {
        first->foreign = foreign_new(entry);
        /* analyse: it is the audit's, which frees its list */
        search->failed = first->foreign == NULL;
        if (search->failed)
            return -1;
        first->foreign->next = audit->foreign;
        audit->foreign = first->foreign;
    }
    first->foreign->left++;
    return 0;
}

/* ---- Where it is ----------------------------------------------------------------------------- */

/* The folder it was moved to, of the first one of each digest. */
static int foreign_place(struct audit *audit, struct audit_foreign *foreign)
{
    struct queue_record record = {.origin = {foreign->loader, foreign->account, foreign->mailbox,
                                             foreign->uidvalidity, foreign->uid, foreign->key}};
    if (queue_known(audit->settings->queue, &record, 1, &audit->err) < 0)
        return -1;
    if (record.step < QUEUE_STEP_COPIED || record.target == NULL)
        return 0;
    foreign->target_uidvalidity = record.target_uid == 0 ? 0 : record.target_uidvalidity;
    foreign->target = strdup(record.target);
    /* analyse: it is freed with the audit's list */
    return foreign->target != NULL ? 0 : error_oom(&audit->err, foreign_looking);
}

/* Does its account have the archive that this stray is in? */
static bool foreign_shares(const struct audit_foreign *foreign, const struct audit_stray *stray)
{
    return foreign->target != NULL && stray->at != NULL &&
           strcmp(foreign->target, stray->at->path) == 0 &&
           (foreign->target_uidvalidity == 0 || foreign->target_uidvalidity == stray->uidvalidity);
}

bool audit_foreign_explains(const struct audit_stray *stray, bool has_twin)
{
    struct audit_foreign *foreign = stray->foreign;
    if (foreign == NULL || foreign->left == 0 || (has_twin && !foreign_shares(foreign, stray)))
        return false;
    foreign->left--;
    return true;
}

/* ---- All of them ----------------------------------------------------------------------------- */

/* In the archive, or marked, and no row's; not where our own ledger is told to lack its entry. */
static bool foreign_may_be(const struct audit_stray *stray)
{
    return stray->match == NULL && stray->digested &&
           (stray->hint == NULL || stray->hint->entries > 0) &&
           (stray->place != LOADER_PLACE_MAILBOX || (stray->marked && stray->hint == NULL));
}

static int foreign_read(struct foreign_search *search)
{
    struct audit *audit = search->audit;
    const struct queue_filter all = {.limit = 0};
    if (queue_list(audit->settings->queue, &all, foreign_visit, search, &audit->err) < 0)
        return -1;
    if (search->failed)
        return error_oom(&audit->err, foreign_looking);
    for (size_t i = 1; i < search->count; i++)
        if (search->strays[i]->foreign == NULL &&
            foreign_compare(&search->strays[i - 1], &search->strays[i]) == 0)
            search->strays[i]->foreign = search->strays[i - 1]->foreign;
    for (struct audit_foreign *at = audit->foreign; at != NULL; at = at->next)
        if (foreign_place(audit, at) < 0)
            return -1;
    return 0;
}

int audit_find_foreign(struct audit *audit)
{
    struct foreign_search search = {.audit = audit};
    search.strays = calloc(audit->stray_count + 1, sizeof(struct audit_stray *));
    if (search.strays == NULL)
        return error_oom(&audit->err, foreign_looking);
    for (size_t i = 0; i < audit->stray_count; i++)
        if (foreign_may_be(&audit->strays[i]) &&
            audit_rows_may_be_other(&audit->rows, audit->strays[i].size))
            search.strays[search.count++] = &audit->strays[i];
    qsort(search.strays, search.count, sizeof(struct audit_stray *), foreign_compare);
    int failed = search.count > 0 ? foreign_read(&search) : 0;
    free(search.strays);
    return failed;
}
