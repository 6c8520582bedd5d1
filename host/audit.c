/* SPDX-License-Identifier: Apache-2.0 */
/* audit.c - hold a survey of the source against the queue: what is seen. See audit.h. */
#include <config.h>
#include "audit.h"

#include <stdlib.h>
#include <string.h>

#include "audit-private.h"
#include "clock.h"
#include "cursor.h"
#include "text.h"

static const char audit_holding[] = "holding mail against the queue";

/* ---- Life ------------------------------------------------------------------------------------ */

struct audit *audit_new(const struct audit_settings *settings)
{
    struct audit *audit = calloc(1, sizeof *audit);
    if (audit != NULL)
        audit->settings = settings;
    return audit;
}

void audit_free(struct audit *audit)
{
    if (audit == NULL)
        return;
    for (size_t i = 0; i < AUDIT_PLACES; i++)
        free(audit->targets[i].path);
    for (size_t i = 0; i < audit->mailbox_count; i++)
        free(audit->mailboxes[i].path);
    free(audit->mailboxes);
    free(audit->by_number);
    for (size_t i = 0; i < audit->stray_count; i++)
        free(audit->strays[i].key);
    free(audit->strays);
    while (audit->foreign != NULL) {
        struct audit_foreign *next = audit->foreign->next;
        audit_foreign_free(audit->foreign);
        audit->foreign = next;
    }
    free(audit->account);
    audit_rows_done(&audit->rows);
    free(audit);
}

const struct audit_counts *audit_counts(const struct audit *audit)
{
    return &audit->counts;
}

uint64_t audit_disagreements(const struct audit_counts *counts)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < AUDIT_KINDS; i++)
        sum += counts->found[i];
    return sum;
}

int audit_failed(const struct audit *audit, struct error *err)
{
    if (!audit->failed)
        return 0;
    *err = audit->err;
    return -1;
}

const char *audit_kind_name(enum audit_kind kind)
{
    static const char *const names[AUDIT_KINDS] = {
        [AUDIT_NO_ENTRY] = "no-entry",   [AUDIT_NO_MESSAGE] = "no-message",
        [AUDIT_TWICE] = "twice",         [AUDIT_STILL_THERE] = "still-there",
        [AUDIT_LEDGER] = "ledger",       [AUDIT_DAMAGED] = "damaged",
        [AUDIT_WAITING] = "waiting",     [AUDIT_UNFINISHED] = "unfinished",
        [AUDIT_ELSEWHERE] = "elsewhere", [AUDIT_NO_COPY] = "no-copy",
        [AUDIT_DELETED] = "deleted",     [AUDIT_FOREIGN] = "foreign",
    };
    return names[kind];
}

/* Something failed: no more of it. */
static uint32_t audit_stop(struct audit *audit)
{
    audit->failed = true;
    return LOADER_ANSWER_STOP;
}

/* ---- Dates ----------------------------------------------------------------------------------- */

static bool audit_number(struct cursor *c, uint64_t max, char behind, uint64_t *out_number)
{
    const char text[] = {behind, '\0'};
    return cursor_number(c, max, out_number) == PARSE_OK && cursor_text(c, text) == PARSE_OK;
}

int64_t audit_unix_s(const char *date)
{
    uint64_t year, month, day, hour, minute, second = 0, by_hours = 0, by_minutes = 0;
    char end[AUDIT_DATE_MAX + 1];
    if (date == NULL || strlen(date) >= AUDIT_DATE_MAX)
        return 0;
    /* A number is complete only where something follows. */
    size_t len = strlen(date);
    memcpy(end, date, len); /* analyse: bytes for a cursor, not text that ends in NUL */
    end[len] = ' ';
    struct cursor c = cursor_over(end, len + 1);
    if (!audit_number(&c, 9999, '-', &year) || !audit_number(&c, 12, '-', &month) ||
        !audit_number(&c, 31, 'T', &day) || !audit_number(&c, 23, ':', &hour) ||
        !audit_number(&c, 59, ':', &minute) || cursor_number(&c, 60, &second) != PARSE_OK)
        return 0;
    int64_t at = clock_unix_from_date((int32_t)year, (uint32_t)month, (uint32_t)day, (uint32_t)hour,
                                      (uint32_t)minute, (uint32_t)second);
    bool east = cursor_text(&c, "+") == PARSE_OK;
    if ((east || cursor_text(&c, "-") == PARSE_OK) && audit_number(&c, 23, ':', &by_hours))
        (void)cursor_number(&c, 59, &by_minutes);
    int64_t offset_s = (int64_t)(by_hours * 3600 + by_minutes * 60);
    return east ? at - offset_s : at + offset_s;
}

/* ---- Telling --------------------------------------------------------------------------------- */

static bool audit_is_older(const struct audit *audit, int64_t when_s)
{
    int64_t since_s = audit->settings->since_s;
    return since_s != 0 && when_s != 0 && when_s < since_s;
}

int audit_tell(struct audit *audit, const struct audit_finding *finding, int64_t when_s)
{
    const struct audit_settings *s = audit->settings;
    if (audit_is_older(audit, when_s)) {
        audit->counts.older++;
        return 0;
    }
    audit->counts.found[finding->kind]++;
    if (s->tell(s->context, finding) == 0)
        return 0;
    audit->err = (struct error){0};
    audit->failed = true;
    return -1;
}

static uint32_t audit_tell_seen(struct audit *audit, enum audit_kind kind,
                                const struct loader_seen *seen, const struct audit_row *row,
                                const char *why)
{
    const struct audit_finding finding = {
        .kind = kind,
        .folder = seen->origin.mailbox,
        .uidvalidity = seen->origin.uidvalidity,
        .uid = seen->origin.uid,
        .key = seen->origin.uid == 0 ? seen->origin.key : NULL,
        .size = seen->size,
        .date = seen->date_received,
        .entry = row != NULL && row->entries > 0 ? row->id : NULL,
        .why = why,
    };
    return audit_tell(audit, &finding, audit_unix_s(seen->date_received)) < 0 ? LOADER_ANSWER_STOP
                                                                              : LOADER_ANSWER_GO_ON;
}

/* ---- Folders --------------------------------------------------------------------------------- */

static int audit_text_set(char **out, const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL)
        return -1;
    free(*out);
    *out = copy;
    return 0;
}

/* NULL: out of memory. */
static struct audit_place *audit_add_mailbox(struct audit *audit)
{
    size_t count = audit->mailbox_count;
    if ((count & (count - 1)) == 0) { /* full at each power of two */
        struct audit_place *grown = reallocarray(audit->mailboxes, count > 0 ? count * 2 : 1,
                                                 sizeof *grown);
        if (grown == NULL)
            return NULL;
        audit->mailboxes = grown;
    }
    audit->mailboxes[count] = (struct audit_place){0};
    audit->mailbox_count++;
    return &audit->mailboxes[count];
}

uint32_t audit_folder(void *audit_, const struct loader_folder *folder)
{
    struct audit *audit = audit_;
    if (folder->place >= AUDIT_PLACES)
        return LOADER_ANSWER_GO_ON;
    if (audit->read || folder->path == NULL || folder->account == NULL) {
        error_set(&audit->err, ERROR_BUG,
                  "the loader breaks the contract in survey; ask its maker");
        return audit_stop(audit);
    }
    struct audit_place *place = folder->place == LOADER_PLACE_MAILBOX
                                    ? audit_add_mailbox(audit)
                                    : &audit->targets[folder->place];
    if (place == NULL || audit_text_set(&place->path, folder->path) < 0 ||
        audit_text_set(&audit->account, folder->account) < 0) {
        error_oom(&audit->err, audit_holding);
        return audit_stop(audit);
    }
    place->missing = (folder->flags & LOADER_FOLDER_MISSING) != 0;
    place->keeps = (folder->flags & LOADER_FOLDER_KEEPS) != 0;
    place->keeps_unnamed = (folder->flags & LOADER_FOLDER_KEEPS_UNNAMED) != 0;
    place->deletes = (folder->flags & LOADER_FOLDER_DELETES) != 0;
    place->archived = (folder->flags & LOADER_FOLDER_ARCHIVED) != 0;
    place->uidvalidity = folder->uidvalidity;
    place->uidnext = folder->uidnext;
    return LOADER_ANSWER_GO_ON;
}

const struct audit_place *audit_mailbox_of(const struct audit *audit, const struct audit_row *row)
{
    return audit->by_number[row->mailbox];
}

/* So that a row finds its mailbox. Names of mailboxes that no row has are none's. */
static int audit_number_mailboxes(struct audit *audit)
{
    audit->by_number = calloc(audit->rows.name_count + 1, sizeof(struct audit_place *));
    if (audit->by_number == NULL)
        return error_oom(&audit->err, audit_holding);
    for (size_t i = 0; i < audit->mailbox_count; i++) {
        struct audit_place *mailbox = &audit->mailboxes[i];
        mailbox->number = audit_rows_number(&audit->rows, mailbox->path);
        if (mailbox->number != 0)
            audit->by_number[mailbox->number] = mailbox;
    }
    return 0;
}

/* Once, between folders and messages. */
static int audit_read(struct audit *audit)
{
    struct audit_rows *rows = &audit->rows;
    if (audit->read)
        return 0;
    if (audit->mailbox_count == 0)
        return error_set(&audit->err, ERROR_BUG,
                         "the loader breaks the contract in survey; ask its maker");
    if (audit_rows_read(rows, audit->settings->queue, audit->settings->loader, audit->account,
                        &audit->err) < 0 ||
        audit_number_mailboxes(audit) < 0)
        return -1;
    audit->read = true;
    for (size_t i = 0; i < rows->count; i++) {
        const struct audit_row *row = &rows->items[i];
        struct audit_place *mailbox = audit->by_number[row->mailbox];
        audit->counts.entries += row->entries;
        if (mailbox == NULL || !row->in_ledger || row->uidvalidity == mailbox->uidvalidity)
            continue;
        mailbox->old_rows = true;
        mailbox->old_stays = mailbox->old_stays || audit_may_be_old(mailbox, row);
    }
    return 0;
}

/* ---- Strays ---------------------------------------------------------------------------------- */

/* Could it be the message of another account's entry, by its size? Of what would not be told that is
 * not asked. */
static bool audit_may_be_foreign(const struct audit *audit, const struct loader_seen *seen)
{
    return (seen->place != LOADER_PLACE_MAILBOX || (seen->flags & LOADER_SEEN_MARKED)) &&
           audit_rows_may_be_other(&audit->rows, seen->size) &&
           !audit_is_older(audit, audit_unix_s(seen->date_received));
}

/* Could it be the message of an entry, by its size? */
static bool audit_is_candidate(const struct audit *audit, uint64_t size)
{
    struct audit_row *const *rows;
    size_t count = audit_rows_of_size(&audit->rows, size, &rows);
    for (size_t i = 0; i < count; i++)
        if (rows[i]->entries > 0 && rows[i]->has_raw)
            return true;
    return false;
}

static int audit_make_room(struct audit *audit)
{
    if (audit->stray_count < audit->stray_capacity)
        return 0;
    size_t capacity = audit->stray_capacity == 0 ? 64 : audit->stray_capacity * 2;
    struct audit_stray *strays = reallocarray(audit->strays, capacity, sizeof *strays);
    if (strays == NULL)
        return error_oom(&audit->err, audit_holding);
    audit->strays = strays;
    audit->stray_capacity = capacity;
    return 0;
}

/* The place a message is in, as it was told; messages of one mailbox come together. */
static const struct audit_place *audit_place_of(struct audit *audit, const struct loader_seen *seen)
{
    const char *path = seen->origin.mailbox;
    if (seen->place != LOADER_PLACE_MAILBOX)
        return &audit->targets[seen->place];
    if (audit->last != NULL && strcmp(audit->last->path, path) == 0)
        return audit->last;
    for (size_t i = 0; i < audit->mailbox_count; i++)
        if (strcmp(audit->mailboxes[i].path, path) == 0)
            return audit->last = &audit->mailboxes[i];
    return NULL;
}

/* To be judged in the end, with its digest where that can help. */
static uint32_t audit_keep(struct audit *audit, const struct loader_seen *seen,
                           struct audit_row *hint)
{
    const struct audit_place *at = audit_place_of(audit, seen);
    uint32_t uidnext = at != NULL ? at->uidnext : 0;
    struct audit_stray stray = {
        .number = seen->number,
        .size = seen->size,
        .hint = hint,
        .uidvalidity = seen->origin.uidvalidity,
        .uid = seen->origin.uid,
        .at = at,
        .place = (uint8_t)seen->place,
        .deleted = (seen->flags & LOADER_SEEN_DELETED) != 0,
        .marked = (seen->flags & LOADER_SEEN_MARKED) != 0,
        .later = uidnext != 0 && seen->origin.uid >= uidnext,
    };
    text_copy(stray.date, sizeof stray.date,
              seen->date_received == NULL ? "" : seen->date_received);
    if (seen->origin.uid == 0 && seen->origin.key != NULL &&
        (stray.key = strdup(seen->origin.key)) == NULL) {
        error_oom(&audit->err, audit_holding);
        return audit_stop(audit);
    }
    if (audit_make_room(audit) < 0) {
        free(stray.key);
        return audit_stop(audit);
    }
    stray.asked = (hint != NULL && hint->has_raw && hint->entries > 0) ||
                  audit_is_candidate(audit, seen->size) || audit_may_be_foreign(audit, seen);
    audit->strays[audit->stray_count++] = stray;
    return stray.asked ? LOADER_ANSWER_SHA256 : LOADER_ANSWER_GO_ON;
}

/* The digest of one that was asked for. */
static uint32_t audit_digested(struct audit *audit, const struct loader_seen *seen)
{
    size_t low = 0, high = audit->stray_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (audit->strays[middle].number < seen->number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < audit->stray_count && audit->strays[low].number == seen->number) {
        audit->strays[low].digested = true;
        memcpy(audit->strays[low].sha256, seen->sha256, sizeof audit->strays[low].sha256);
    }
    return LOADER_ANSWER_GO_ON;
}

/* ---- Messages -------------------------------------------------------------------------------- */

/* The row this message of a mailbox has, *out_row NULL: none. */
static int audit_row_of(struct audit *audit, const struct loader_seen *seen,
                        struct audit_row **out_row)
{
    const struct loader_origin *origin = &seen->origin;
    const struct audit_place *at = audit_place_of(audit, seen);
    const struct queue_origin ours = {audit->settings->loader, origin->account, origin->mailbox,
                                      origin->uidvalidity,     origin->uid,     origin->key};
    char key[QUEUE_KEY_MAX], id[QUEUE_ID_TEXT];
    if (queue_origin_key(&ours, key, &audit->err) < 0)
        return -1;
    queue_entry_id(key, id);
    *out_row = audit_rows_find(&audit->rows, id);
    if (*out_row == NULL && at != NULL) /* its entry may bear the name it had once */
        *out_row =
            audit_rows_named(&audit->rows, at->number, origin->uidvalidity, origin->uid);
    return 0;
}

/* In the mailbox, and the queue does not know it. */
static uint32_t audit_stranger(struct audit *audit, const struct loader_seen *seen)
{
    const struct audit_place *at = audit_place_of(audit, seen);
    bool marked = (seen->flags & LOADER_SEEN_MARKED) != 0;
    if ((at != NULL && (marked ? at->old_rows : at->old_stays)) ||
        audit_may_be_foreign(audit, seen))
        return audit_keep(audit, seen, NULL);
    if (marked)
        return audit_tell_seen(audit, AUDIT_NO_ENTRY, seen, NULL, audit_why_marked);
    bool deleted = (seen->flags & LOADER_SEEN_DELETED) != 0;
    uint64_t *count = deleted ? &audit->counts.others : &audit->counts.waiting;
    ++*count;
    if (!audit->settings->strict)
        return LOADER_ANSWER_GO_ON;
    return deleted ? audit_tell_seen(audit, AUDIT_DELETED, seen, NULL, audit_why_deleted)
                   : audit_tell_seen(audit, AUDIT_WAITING, seen, NULL, audit_why_waiting);
}

/* Its UID says whose message it is; that is believed where the size agrees, and never with deep.
 * Of what was never fetched there is but a size, and not always that. */
static bool audit_is_doubtful(const struct audit *audit, const struct audit_row *row,
                              const struct loader_seen *seen)
{
    return row->has_raw ? audit->settings->deep || row->size != seen->size
                        : row->size != 0 && row->size != seen->size;
}

static uint32_t audit_in_mailbox(struct audit *audit, const struct loader_seen *seen)
{
    struct audit_row *row;
    if (audit_row_of(audit, seen, &row) < 0)
        return audit_stop(audit);
    if (row == NULL)
        return audit_stranger(audit, seen);
    if (row->entries == 0) {
        row->in_mailbox = row->told = true;
        return audit_tell_seen(audit, AUDIT_NO_ENTRY, seen, row,
                               "the ledger says that its entry was stored, and it is not there");
    }
    if (audit_is_doubtful(audit, row, seen))
        return audit_keep(audit, seen, row);
    audit->counts.agreed++;
    const char *why;
    bool marked = (seen->flags & (LOADER_SEEN_DELETED | LOADER_SEEN_MARKED)) != 0;
    enum audit_kind kind = audit_original(audit, row, marked, &why);
    return kind == AUDIT_KINDS ? LOADER_ANSWER_GO_ON : audit_tell_seen(audit, kind, seen, row, why);
}

/* Where picked-up mail lies: is it the copy the ledger tells of? */
static uint32_t audit_in_archive(struct audit *audit, const struct loader_seen *seen)
{
    uint16_t folder = audit_rows_number(&audit->rows, seen->origin.mailbox);
    struct audit_row *const *rows = NULL, *hint = NULL;
    size_t count = audit_rows_of_target(&audit->rows, folder, seen->origin.uidvalidity,
                                        seen->origin.uid, &rows);
    for (size_t i = 0; i < count; i++) {
        struct audit_row *row = rows[i];
        bool fits = row->entries > 0 && row->copies == 0 &&
                    (row->size == seen->size || (row->size == 0 && !row->has_raw));
        if (hint == NULL || fits)
            hint = row;
        if (!fits || (audit->settings->deep && row->has_raw))
            continue;
        row->copies = 1;
        audit->counts.agreed++;
        return LOADER_ANSWER_GO_ON;
    }
    return audit_keep(audit, seen, hint);
}

uint32_t audit_message(void *audit_, const struct loader_seen *seen)
{
    struct audit *audit = audit_;
    if (audit->failed)
        return LOADER_ANSWER_STOP;
    if (seen->place >= AUDIT_PLACES)
        return LOADER_ANSWER_GO_ON;
    if (audit_read(audit) < 0)
        return audit_stop(audit);
    if (seen->flags & LOADER_SEEN_SHA256)
        return audit_digested(audit, seen);
    audit->counts.places[seen->place]++;
    return seen->place == LOADER_PLACE_MAILBOX ? audit_in_mailbox(audit, seen)
                                               : audit_in_archive(audit, seen);
}

/* ---- The end --------------------------------------------------------------------------------- */

int audit_finish(struct audit *audit, struct error *err)
{
    if (!audit->failed && (audit_read(audit) < 0 || audit_judge(audit) < 0))
        audit->failed = true;
    return audit_failed(audit, err);
}
