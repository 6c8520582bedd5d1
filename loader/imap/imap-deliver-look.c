/* SPDX-License-Identifier: Apache-2.0 */
/* imap-deliver-look.c - whether a message is in a folder already. See imap-deliver-private.h.
 *
 *     one search for many ─> found anything? one for each ─> Message-IDs of what it finds ─> and
 *     unless the id alone tells: the digests of what is left
 *
 * A search finds ids within longer ones (RFC 9051 s.6.4.4), and two messages may share id and size:
 * what is taken for a message is that message, byte for byte, or one whose whole Message-ID is an
 * id that is never used again. */
#include <config.h>
#include "imap-deliver-private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imap-looks.h"
#include "text.h"

#define LOOK_ID_MAX 512u       /* bytes of a Message-ID that is searched for */
#define LOOK_HITS_MAX 1000u    /* of a search, the newest, that are looked at */
#define LOOK_COMMAND_MAX 8000u /* bytes of a search: what servers take (RFC 2683 s.3.2.1.5) */
#define LOOK_AROUND_MAX 160u   /* of them, for tag, UIDs and line end */

static enum deliver_step look_examine(struct imap_deliver *d, struct deliver_folder *at,
                                      struct error *err)
{
    bool open;
    struct error why;
    if (d->examined == at)
        return DELIVER_FINE;
    d->examined = NULL;
    if (imap_session_examine(d->session, at->folder.wire, &open, &why, err) < 0)
        return DELIVER_FAILED;
    if (!open) {
        *err = why;
        error_prefix(err, "%s: folder '%.100s'", d->settings->host, at->path);
        return DELIVER_LEFT;
    }
    d->examined = at;
    const struct imap_selected *selected = imap_session_selected(d->session);
    if (!at->looked) {
        at->looked = true;
        at->empty = selected->exists == 0;
        at->uidnext = selected->uidnext;
    }
    return DELIVER_FINE;
}

/* ---- What is searched for -------------------------------------------------------------------- */

/* What can stand in a quoted string, and be found again. */
static bool look_id_is_usable(const char *id)
{
    size_t size = id == NULL ? 0 : strlen(id);
    for (size_t i = 0; i < size; i++)
        if ((uint8_t)id[i] < 0x20 || (uint8_t)id[i] > 0x7E)
            return false;
    return size > 0 && size <= LOOK_ID_MAX;
}

static bool look_has_id(const struct imap_delivery *item)
{
    return look_id_is_usable(item->ids[0]) || look_id_is_usable(item->ids[1]);
}

static void look_add_header(struct imap_command *command, const char *id)
{
    imap_command_add(command, "HEADER Message-ID ");
    imap_command_quoted(command, id);
}

/* ( id and size ), or with by_id the id alone; a message without id: one of its size without any;
 * one whose id cannot be searched for: one of its size. */
static void look_add_criteria(struct imap_command *command, const struct imap_delivery *item)
{
    bool first = look_id_is_usable(item->ids[0]), second = look_id_is_usable(item->ids[1]);
    char size[80];
    imap_command_add(command, "(");
    if (first && second)
        imap_command_add(command, "OR ");
    if (first)
        look_add_header(command, item->ids[0]);
    if (first && second)
        imap_command_add(command, " ");
    if (second)
        look_add_header(command, item->ids[1]);
    bool none = item->ids[0] == NULL && item->ids[1] == NULL;
    if (none)
        imap_command_add(command, "NOT HEADER Message-ID \"\"");
    if (!item->by_id || !look_has_id(item)) {
        (void)snprintf(size, sizeof size, "%sLARGER %" PRIu64 " SMALLER %" PRIu64,
                       first || second || none ? " " : "",
                       item->wire_size > 0 ? item->wire_size - 1 : 0, item->wire_size + 1);
        imap_command_add(command, size);
    }
    imap_command_add(command, ")");
}

/* Append what is searched for as "a", "OR a b", "OR a OR b c": of @items as many as the command has
 * room for, one at least. Returns how many. */
static size_t look_add_some(struct imap_command *command, struct imap_delivery *const *items,
                            size_t count)
{
    struct imap_command last, next;
    size_t some = 1;
    imap_command_init(&last, "");
    look_add_criteria(&last, items[0]);
    for (; some < count; some++) {
        imap_command_init(&next, "");
        look_add_criteria(&next, items[some]);
        if (command->bytes.len + last.bytes.len + next.bytes.len + LOOK_AROUND_MAX >
            LOOK_COMMAND_MAX) {
            imap_command_done(&next);
            break;
        }
        imap_command_add(command, "OR ");
        imap_command_add(command, buffer_text(&last.bytes));
        imap_command_add(command, " ");
        imap_command_done(&last);
        last = next;
    }
    imap_command_add(command, buffer_text(&last.bytes));
    imap_command_done(&last);
    return some;
}

/* ---- Searching ------------------------------------------------------------------------------- */

static int look_search_data(void *context, const struct imap_event *event, bool *out_taken,
                            struct error *err)
{
    struct imap_set *hits = context;
    if (event->kind != IMAP_EVENT_SEARCH)
        return 0;
    *out_taken = true;
    return imap_set_add(hits, event->range.first, event->range.last) == 0
               ? 0
               : error_set(err, ERROR_PROTOCOL, "a search finds too many messages to remember; try "
                           "again later, or tell the server's administrator");
}

/* What of the folder, as it was when it was seen first, may be one of the first of @items:
 * *out_some of them. */
static int look_search(struct imap_deliver *d, const struct deliver_folder *at,
                       struct imap_delivery *const *items, size_t count, size_t *out_some,
                       struct imap_set *hits, struct error *err)
{
    struct imap_call call = {.what = "UID SEARCH", .context = hits, .data = look_search_data};
    struct imap_command command;
    char below[40] = "";
    if (at->uidnext != 0)
        (void)snprintf(below, sizeof below, "UID 1:%" PRIu32 " ", at->uidnext - 1);
    imap_command_init(&command, "UID SEARCH ");
    imap_command_add(&command, below);
    *out_some = look_add_some(&command, items, count);
    return imap_session_run(d->session, &command, &call, err);
}

/* ---- Comparing ------------------------------------------------------------------------------- */

/* That of an id as imap_looks_ask() tells it: without angle brackets and space. 0: it is none. */
static uint64_t look_id_fingerprint(const char *id)
{
    char bare[LOOK_ID_MAX + 1];
    size_t size = 0;
    if (!look_id_is_usable(id))
        return 0;
    for (; *id != '\0'; id++)
        if (*id != ' ' && *id != '<' && *id != '>')
            bare[size++] = *id;
    bare[size] = '\0';
    return text_fingerprint(bare);
}

/* What a search found, the newest of it, ascending from @first on. */
struct look_hits {
    struct imap_look looks[LOOK_HITS_MAX];
    size_t first;
};

static void look_take_newest(struct imap_set *found, uint64_t size, struct look_hits *hits)
{
    hits->first = LOOK_HITS_MAX;
    imap_set_sort(found);
    for (size_t i = found->count; i > 0; i--)
        for (uint32_t uid = found->ranges[i - 1].last;
             hits->first > 0 && uid >= found->ranges[i - 1].first; uid--)
            hits->looks[--hits->first] =
                (struct imap_look){.uid = uid, .wanted = true, .size = size};
}

static int look_ask(struct imap_deliver *d, struct look_hits *hits, enum imap_looks_item what,
                    struct error *err)
{
    return imap_looks_ask(d->session, hits->looks + hits->first, LOOK_HITS_MAX - hits->first, what,
                          err);
}

/* Wanted are those that have one of the ids, whole; how many? */
static size_t look_keep_ids(struct look_hits *hits, const struct imap_delivery *item)
{
    uint64_t first = look_id_fingerprint(item->ids[0]), second = look_id_fingerprint(item->ids[1]);
    size_t kept = 0;
    for (size_t i = hits->first; i < LOOK_HITS_MAX; i++) {
        struct imap_look *look = &hits->looks[i];
        look->wanted = look->message_id != 0 &&
                       (look->message_id == first || look->message_id == second);
        kept += look->wanted;
    }
    return kept;
}

static bool look_has_digest(const struct look_hits *hits, const uint8_t sha256[DIGEST_SIZE])
{
    for (size_t i = hits->first; i < LOOK_HITS_MAX; i++)
        if (hits->looks[i].wanted && hits->looks[i].has_sha256 &&
            memcmp(hits->looks[i].sha256, sha256, DIGEST_SIZE) == 0)
            return true;
    return false;
}

static int look_compare(struct imap_deliver *d, const struct imap_delivery *item,
                        struct look_hits *hits, bool *out_found, struct error *err)
{
    uint8_t sha256[DIGEST_SIZE];
    *out_found = false;
    if (look_has_id(item)) {
        if (look_ask(d, hits, IMAP_LOOKS_MESSAGE_ID, err) < 0)
            return -1;
        bool any = look_keep_ids(hits, item) > 0;
        *out_found = any && item->by_id;
        if (!any || item->by_id)
            return 0;
    }
    if (imap_literal_digest(&item->raw, sha256, err) < 0 ||
        look_ask(d, hits, IMAP_LOOKS_SHA256, err) < 0)
        return -1;
    *out_found = look_has_digest(hits, sha256);
    return 0;
}

static int look_for_one(struct imap_deliver *d, const struct deliver_folder *at,
                        struct imap_delivery *item, bool *out_found, struct error *err)
{
    size_t one;
    struct imap_set found;
    imap_set_init(&found);
    *out_found = false;
    int failed = look_search(d, at, &item, 1, &one, &found, err);
    if (failed == 0 && found.count > 0) {
        struct look_hits *hits = calloc(1, sizeof *hits);
        if (hits == NULL) {
            failed = error_oom(err, "looking at messages");
        } else {
            look_take_newest(&found, item->wire_size, hits);
            failed = look_compare(d, item, hits, out_found, err);
        }
        free(hits);
    }
    imap_set_done(&found);
    return failed;
}

/* ---- All of them ----------------------------------------------------------------------------- */

/* One search for as many as it has room for; only where that finds something, one for each. */
static int look_for_some(struct imap_deliver *d, const struct deliver_folder *at,
                         struct imap_delivery *const *items, size_t count, size_t *out_some,
                         struct error *err)
{
    struct imap_set found;
    imap_set_init(&found);
    *out_some = 1;
    int failed = count > 1 ? look_search(d, at, items, count, out_some, &found, err) : 0;
    bool may = count == 1 || found.count > 0;
    imap_set_done(&found);
    for (size_t i = 0; i < *out_some && may && failed == 0; i++) {
        bool there;
        failed = look_for_one(d, at, items[i], &there, err);
        if (failed == 0 && there)
            items[i]->result = IMAP_DELIVERED_FOUND;
    }
    return failed;
}

enum deliver_step imap_deliver_search_there(struct imap_deliver *d, struct deliver_folder *at,
                                            struct imap_delivery *const *items, size_t count,
                                            struct error *err)
{
    if (count == 0 || at->empty)
        return DELIVER_FINE;
    enum deliver_step step = look_examine(d, at, err);
    if (step != DELIVER_FINE || at->empty || at->uidnext == 1)
        return step;
    for (size_t i = 0, some; i < count; i += some)
        if (look_for_some(d, at, items + i, count - i, &some, err) < 0)
            return DELIVER_FAILED;
    return DELIVER_FINE;
}
