/* SPDX-License-Identifier: Apache-2.0 */
/* imap-same.c - the message that was stored, or another one under its UID. See imap-same.h. */
#include <config.h>
#include "imap-same.h"

#include <string.h>

#include "buffer.h"
#include "imap-hold.h"
#include "imap-set.h"

#define IMAP_SAME_TOLD_MAX 80u /* bytes of the UIDs that a person is told */

/* ---- Asking ---------------------------------------------------------------------------------- */

/* What can be said without its bytes; @out_doubt: they would tell. */
static enum imap_same imap_same_by_header(const struct imap_evidence *known,
                                          const struct imap_look *look, bool *out_doubt)
{
    bool named = known->message_id != 0 && known->message_id == look->message_id;
    *out_doubt = false;
    if (known->step == IMAP_STEP_UNKNOWN)
        return IMAP_SAME_YES; /* nothing was kept of it */
    if (!look->there)
        return IMAP_SAME_UNTOLD;
    if (named && imap_looks_near(known->size, look->size))
        return IMAP_SAME_YES;
    *out_doubt = known->has_sha256;
    if (named || (known->message_id == 0 && known->size == look->size))
        return IMAP_SAME_YES;
    /* Of one that was not read only a size is known, and the server may have told another. */
    return known->message_id == 0 && !known->has_sha256 ? IMAP_SAME_UNTOLD : IMAP_SAME_OTHER;
}

static enum imap_same imap_same_by_digest(const struct imap_evidence *known,
                                          const struct imap_look *look)
{
    if (!look->has_sha256)
        return IMAP_SAME_UNTOLD;
    return memcmp(known->sha256, look->sha256, sizeof known->sha256) == 0 ? IMAP_SAME_YES
                                                                          : IMAP_SAME_OTHER;
}

static int imap_same_read(struct imap_session *session, const struct imap_host *host,
                          struct imap_look *looks, size_t count, struct imap_evidence *out_known,
                          struct error *bad, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        out_known[i] = (struct imap_evidence){
            .uidvalidity = imap_session_selected(session)->uidvalidity, .uid = looks[i].uid};
        looks[i] = (struct imap_look){.uid = looks[i].uid, .wanted = true};
    }
    if (host->evidence(host->context, out_known, count, err) < 0 ||
        imap_looks_try(session, looks, count, IMAP_LOOKS_SIZE, bad, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        looks[i].wanted = looks[i].there && out_known[i].message_id != 0;
    return imap_looks_try(session, looks, count, IMAP_LOOKS_MESSAGE_ID, bad, err);
}

static int imap_same_compare(struct imap_session *session, const struct imap_host *host,
                             struct imap_look *looks, size_t count, struct error *bad,
                             struct error *err)
{
    struct imap_evidence known[IMAP_RECORDS_MAX];
    if (imap_same_read(session, host, looks, count, known, bad, err) < 0)
        return -1;
    if (bad != NULL && bad->class != ERROR_NONE)
        return 0;
    for (size_t i = 0; i < count; i++)
        looks[i].tag = imap_same_by_header(&known[i], &looks[i], &looks[i].wanted);
    if (imap_looks_try(session, looks, count, IMAP_LOOKS_SHA256, bad, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (looks[i].wanted)
            looks[i].tag = imap_same_by_digest(&known[i], &looks[i]);
    return 0;
}

int imap_same_ask(struct imap_session *session, const struct imap_host *host,
                  struct imap_look *looks, size_t count, struct error *err)
{
    return imap_same_compare(session, host, looks, count, NULL, err);
}

int imap_same_try(struct imap_session *session, const struct imap_host *host,
                  struct imap_look *looks, size_t count, struct error *out_bad, struct error *err)
{
    *out_bad = (struct error){.class = ERROR_NONE};
    return imap_same_compare(session, host, looks, count, out_bad, err);
}

/* ---- Holding --------------------------------------------------------------------------------- */

/* "6:8,10", as a command would have them; what is too long ends in "...". */
static void imap_same_write_uids(const struct imap_look *looks, size_t count, uint32_t tag,
                                 struct buffer *out)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t first = looks[i].uid, last = first;
        if ((looks[i].tag & tag) == 0)
            continue;
        while (i + 1 < count && (looks[i + 1].tag & tag) != 0 && looks[i + 1].uid == last + 1)
            last = looks[++i].uid;
        if (out->len > IMAP_SAME_TOLD_MAX) {
            (void)buffer_append_text(out, ",...");
            return;
        }
        (void)buffer_printf(out, "%s%u", out->len > 0 ? "," : "", first);
        if (last != first)
            (void)buffer_printf(out, ":%u", last);
    }
}

int imap_same_hold(const struct imap_host *host, const struct imap_folder *mailbox,
                   const struct imap_look *looks, size_t count, uint32_t tag, struct error *err)
{
    struct buffer uids;
    size_t others = 0;
    for (size_t i = 0; i < count; i++)
        others += (looks[i].tag & tag) != 0 ? 1 : 0;
    buffer_init(&uids, IMAP_SAME_TOLD_MAX * 2);
    imap_same_write_uids(looks, count, tag, &uids);
    int result = imap_hold_set(
        host, mailbox, NULL, IMAP_HOLD_REUSED, err,
        "%zu messages in it (UID %s) are others than those that were picked up under these UIDs; "
        "it was "
        "probably restored from a backup: move them to another folder and back into it, so that "
        "they "
        "get new UIDs, then run pickup once with --accept-new-uids: they are picked up",
        others, buffer_text(&uids));
    buffer_done(&uids);
    return result;
}
