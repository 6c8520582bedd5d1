/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-entry.c - finding, listing and changing entries. See queue-sqlite.h.
 *
 * A list is a merge: for each work queue (or the one source) and each state that is wanted there is
 * a stream of entries in an index of its own, and the next entry is the first of all their next
 * ones. So any filter costs what it shows, however many entries it does not show. */
#include <config.h>
#include "queue-sqlite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "queue-entry.h"
#include "queue-file.h"

static const char entry_reading[] = "reading entries";

/* ---- One entry ------------------------------------------------------------------------------- */

/* A text of the row, borrowed; an entry that is only looked at needs no copies. */
static char *entry_text(sqlite3_stmt *row, int at)
{
    const unsigned char *text = sqlite3_column_text(row, at);
    char *out;
    memcpy(&out, &text, sizeof out);
    return out;
}

/* The columns of SQL_ENTRY_GET. */
static struct queue_entry entry_of(sqlite3_stmt *row)
{
    struct queue_entry entry = {
        .class = entry_text(row, 1),
        .queue = entry_text(row, 2),
        .source = entry_text(row, 3),
        .state = (enum queue_state)sqlite3_column_int(row, 4),
        .attempts = (uint32_t)sqlite3_column_int64(row, 5),
        .fence = (uint64_t)sqlite3_column_int64(row, 6),
        .created_s = sqlite3_column_int64(row, 7),
        .due_s = sqlite3_column_int64(row, 8),
        .lease_until_s = sqlite3_column_int64(row, 9),
        .loader = entry_text(row, 10),
        .account = entry_text(row, 11),
        .mailbox = entry_text(row, 12),
        .uidvalidity = (uint32_t)sqlite3_column_int64(row, 13),
        .uid = (uint32_t)sqlite3_column_int64(row, 14),
        .key = entry_text(row, 15),
        .error = entry_text(row, 16),
        .sender = entry_text(row, 17),
        .subject = entry_text(row, 18),
        .date_received = entry_text(row, 19),
        .has_raw = sqlite3_column_int(row, 20) != QUEUE_SQLITE_NOWHERE,
        .raw_size = (uint64_t)sqlite3_column_int64(row, 21),
    };
    const void *id = sqlite3_column_blob(row, 0), *digest = sqlite3_column_blob(row, 22);
    if (id != NULL && digest != NULL) { /* their sizes are checked by the schema */
        queue_id_text(id, entry.id);
        memcpy(entry.raw_sha256, digest, sizeof entry.raw_sha256);
    }
    return entry;
}

/* A text that must be there is missing only when SQLite ran out of memory for its NUL. */
static bool entry_is_whole(const struct queue_entry *entry)
{
    return entry->class != NULL && entry->queue != NULL && entry->source != NULL &&
           entry->loader != NULL && entry->account != NULL && entry->mailbox != NULL &&
           entry->key != NULL && entry->id[0] != '\0';
}

typedef int entry_visit(void *context, const struct queue_entry *entry);

static int entry_show_content(struct queue_sqlite *store, int64_t n, struct queue_entry *entry,
                              entry_visit *visit, void *context, struct error *err)
{
    sqlite3_stmt *get = queue_sqlite_use(&store->db, SQL_CONTENT_GET);
    queue_sqlite_bind_int(get, 1, n);
    AUTO_DONE(buffer) large;
    buffer_init(&large, QUEUE_CONTENT_MAX);
    int got = queue_sqlite_step(&store->db, get, entry_reading, err);
    if (got > 0) {
        entry->content = entry_text(get, 0);
        entry->content_size = (size_t)sqlite3_column_bytes(get, 0);
        uint64_t size = entry->content == NULL ? 0 : queue_sqlite_content_size(entry->content);
        if (entry->content == NULL)
            got = error_oom(err, entry_reading);
        else if (size > 0)
            got = queue_sqlite_content_read(store, n, size, &large, err);
    }
    if (large.len > 0) {
        entry->content = large.data;
        entry->content_size = large.len;
    }
    int result = got < 0 ? -1 : visit(context, entry) != 0 ? 1 : 0;
    queue_sqlite_end(get);
    return result;
}

/* Call @visit with entry @n, which borrows it. 1: it said stop. */
static int entry_show(struct queue_sqlite *store, int64_t n, bool with_content, entry_visit *visit,
                      void *context, struct error *err)
{
    sqlite3_stmt *get = queue_sqlite_use(&store->db, SQL_ENTRY_GET);
    queue_sqlite_bind_int(get, 1, n);
    int got = queue_sqlite_step(&store->db, get, entry_reading, err);
    if (got <= 0)
        return got;
    struct queue_entry entry = entry_of(get);
    int result;
    if (!entry_is_whole(&entry))
        result = error_oom(err, entry_reading);
    else if (with_content)
        result = entry_show_content(store, n, &entry, visit, context, err);
    else
        result = visit(context, &entry) != 0 ? 1 : 0;
    queue_sqlite_end(get);
    return result;
}

static int entry_take_copy(void *context, const struct queue_entry *entry)
{
    struct queue_entry **out_entry = context;
    *out_entry = queue_entry_copy(entry);
    return 1;
}

static struct queue_sqlite_found *entry_found(struct queue_sqlite *store,
                                              const uint8_t id[QUEUE_UUID_SIZE])
{
    return &store->found[((unsigned)id[0] << 8 | id[1]) & (QUEUE_SQLITE_FOUND - 1)];
}

static void entry_remember(struct queue_sqlite *store, const uint8_t id[QUEUE_UUID_SIZE], int64_t n)
{
    struct queue_sqlite_found *found = entry_found(store, id);
    memcpy(found->id, id, sizeof found->id);
    found->n = n;
}

int queue_sqlite_entry_read(struct queue_sqlite *store, int64_t n, bool with_content,
                            struct queue_entry **out_entry, struct error *err)
{
    struct queue_entry *entry = NULL;
    int got = entry_show(store, n, with_content, entry_take_copy, &entry, err);
    if (got < 0)
        return -1;
    if (got == 0)
        return error_set(err, ERROR_STORE, "an entry of '%s' is no longer there; try again",
                         store->db.path);
    if (entry == NULL)
        return error_oom(err, entry_reading);
    struct queue_id_range id;
    if (queue_id_range_of(entry->id, &id) == 0)
        entry_remember(store, id.first, n);
    *out_entry = entry;
    return 0;
}

/* ---- By id ----------------------------------------------------------------------------------- */

/* The entries of one run with an id in this range: how many, 2 for several. */
static int entry_find_in_run(struct queue_sqlite *store, int64_t run,
                             const struct queue_id_range *range, int64_t *out_n, struct error *err)
{
    sqlite3_stmt *get = queue_sqlite_use(&store->db, SQL_ENTRY_BY_ID);
    queue_sqlite_bind_int(get, 1, run);
    queue_sqlite_bind_bytes(get, 2, range->first, sizeof range->first);
    queue_sqlite_bind_bytes(get, 3, range->last, sizeof range->last);
    int matches = 0, got;
    while ((got = queue_sqlite_step(&store->db, get, entry_reading, err)) > 0) {
        *out_n = sqlite3_column_int64(get, 0);
        matches++;
    }
    return got < 0 ? -1 : matches;
}

/* How many entries there are in this range, 2 for several. Newest first: they are asked for most.
 */
static int entry_find(struct queue_sqlite *store, const struct queue_id_range *range,
                      int64_t *out_n, struct error *err)
{
    bool whole = memcmp(range->first, range->last, sizeof range->first) == 0;
    int64_t last = 0;
    if (queue_sqlite_number(&store->db, queue_sqlite_use(&store->db, SQL_ENTRY_LAST), entry_reading,
                            &last, err) < 0)
        return -1;
    int matches = 0;
    for (int64_t run = last >> QUEUE_SQLITE_RUN_SHIFT; run >= 0 && matches < (whole ? 1 : 2);
         run--) {
        int found = entry_find_in_run(store, run, range, out_n, err);
        if (found < 0)
            return -1;
        matches += found;
    }
    return matches < 2 ? matches : 2;
}

int queue_sqlite_n_of_id(struct queue_sqlite *store, const uint8_t id[QUEUE_UUID_SIZE],
                         int64_t *out_n, struct error *err)
{
    const struct queue_sqlite_found *found = entry_found(store, id);
    if (found->n != 0 && memcmp(found->id, id, sizeof found->id) == 0) {
        *out_n = found->n;
        return 1;
    }
    struct queue_id_range range;
    memcpy(range.first, id, sizeof range.first);
    memcpy(range.last, id, sizeof range.last);
    int matches = entry_find(store, &range, out_n, err);
    if (matches == 1)
        entry_remember(store, id, *out_n);
    return matches;
}

int queue_sqlite_find(void *store_, const struct queue_id_range *range, bool with_content,
                      struct queue_entry **out_entry, unsigned *out_matches, struct error *err)
{
    struct queue_sqlite *store = store_;
    int64_t n;
    *out_entry = NULL;
    if (queue_sqlite_read_begin(store, err) < 0)
        return -1;
    int matches = memcmp(range->first, range->last, sizeof range->first) == 0
                      ? queue_sqlite_n_of_id(store, range->first, &n, err)
                      : entry_find(store, range, &n, err);
    int failed = matches < 0 ? -1 : 0;
    if (matches == 1)
        failed = queue_sqlite_entry_read(store, n, with_content, out_entry, err);
    queue_sqlite_read_end(store);
    if (failed == 0)
        *out_matches = (unsigned)matches;
    return failed;
}

/* ---- Lists ----------------------------------------------------------------------------------- */

struct entry_stream {
    int64_t of; /* queue or source */
    enum queue_state state;
    int64_t next; /* n of the entry that comes next, 0: no more */
};

/* All that a list merges. */
struct entry_streams {
    enum queue_sqlite_sql sql; /* SQL_NEXT_... */
    bool down;
    struct entry_stream *items;
    size_t count, capacity;
};

static void entry_streams_done(struct entry_streams *streams)
{
    free(streams->items);
}

static int entry_stream_step(struct queue_sqlite *store, const struct entry_streams *streams,
                             struct entry_stream *stream, int64_t from, struct error *err)
{
    sqlite3_stmt *get = queue_sqlite_use(&store->db, streams->sql);
    queue_sqlite_bind_int(get, 1, from);
    if (streams->sql != SQL_NEXT_ANY_UP && streams->sql != SQL_NEXT_ANY_DOWN) {
        queue_sqlite_bind_int(get, 2, stream->of);
        queue_sqlite_bind_int(get, 3, stream->state);
    }
    int got = queue_sqlite_number(&store->db, get, entry_reading, &stream->next, err);
    if (got == 0)
        stream->next = 0;
    return got < 0 ? -1 : 0;
}

static int entry_streams_add(struct entry_streams *streams, int64_t of, enum queue_state state,
                             struct error *err)
{
    if (streams->count == streams->capacity) {
        size_t capacity = streams->capacity == 0 ? 8 : streams->capacity * 2;
        struct entry_stream *items = realloc(streams->items, capacity * sizeof *items);
        if (items == NULL)
            return error_oom(err, entry_reading);
        streams->items = items;
        streams->capacity = capacity;
    }
    streams->items[streams->count++] = (struct entry_stream){of, state, 0};
    return 0;
}

static int entry_streams_add_states(struct entry_streams *streams, int64_t of,
                                    const struct queue_filter *filter, struct error *err)
{
    for (unsigned state = QUEUE_NEW; state <= QUEUE_BAD; state++)
        if ((!filter->by_state || filter->state == state) &&
            entry_streams_add(streams, of, (enum queue_state)state, err) < 0)
            return -1;
    return 0;
}

/* The work queue numbered next after @id: 1, or 0 when there is none. */
static int entry_next_queue(struct queue_sqlite *store, int64_t *id, struct error *err)
{
    sqlite3_stmt *next = queue_sqlite_use(&store->db, SQL_QUEUE_EACH);
    queue_sqlite_bind_int(next, 1, *id);
    return queue_sqlite_number(&store->db, next, entry_reading, id, err);
}

static int entry_streams_add_queues(struct queue_sqlite *store, struct entry_streams *streams,
                                    const struct queue_filter *filter, struct error *err)
{
    int64_t id = 0;
    int got;
    while ((got = entry_next_queue(store, &id, err)) > 0)
        if (entry_streams_add_states(streams, id, filter, err) < 0)
            return -1;
    return got;
}

/* The streams that hold what the filter lets through. A name nobody has used has none. */
static int entry_streams_of(struct queue_sqlite *store, const struct queue_filter *filter,
                            struct entry_streams *streams, struct error *err)
{
    int64_t id;
    bool down = filter->newest_first;
    streams->down = down;
    if (filter->source == NULL && filter->queue == NULL && !filter->by_state) {
        streams->sql = down ? SQL_NEXT_ANY_DOWN : SQL_NEXT_ANY_UP;
        return entry_streams_add(streams, 0, QUEUE_NEW, err);
    }
    streams->sql = down ? SQL_NEXT_QUEUE_DOWN : SQL_NEXT_QUEUE_UP;
    if (filter->source == NULL && filter->queue == NULL)
        return entry_streams_add_queues(store, streams, filter, err);
    int got;
    if (filter->source != NULL) {
        streams->sql = down ? SQL_NEXT_SOURCE_DOWN : SQL_NEXT_SOURCE_UP;
        got = queue_sqlite_word_find(store, QUEUE_SQLITE_USE_SOURCE, filter->source, &id, err);
    } else {
        got = queue_sqlite_word_find(store, QUEUE_SQLITE_USE_QUEUE, filter->queue, &id, err);
    }
    return got <= 0 ? got : entry_streams_add_states(streams, id, filter, err);
}

/* The stream with the next entry, NULL at the end. */
static struct entry_stream *entry_streams_first(const struct entry_streams *streams)
{
    struct entry_stream *first = NULL;
    for (size_t i = 0; i < streams->count; i++) {
        struct entry_stream *stream = &streams->items[i];
        if (stream->next == 0)
            continue;
        if (first == NULL ||
            (streams->down ? stream->next > first->next : stream->next < first->next))
            first = stream;
    }
    return first;
}

struct entry_list {
    const struct queue_filter *filter;
    entry_visit *each;
    void *context;
    uint64_t told;
};

static int entry_list_visit(void *context, const struct queue_entry *entry)
{
    struct entry_list *list = context;
    /* Where a source was asked for, the streams are that source's, in whatever queue. */
    if (list->filter->queue != NULL && strcmp(list->filter->queue, entry->queue) != 0)
        return 0;
    list->told++;
    return list->each(list->context, entry) != 0 || list->told == list->filter->limit;
}

static int entry_list_merge(struct queue_sqlite *store, struct entry_list *list, int64_t from,
                            struct error *err)
{
    AUTO_DONE(entry_streams) streams = {.count = 0};
    if (entry_streams_of(store, list->filter, &streams, err) < 0)
        return -1;
    for (size_t i = 0; i < streams.count; i++)
        if (entry_stream_step(store, &streams, &streams.items[i], from, err) < 0)
            return -1;
    struct entry_stream *next;
    while ((next = entry_streams_first(&streams)) != NULL) {
        int stop =
            entry_show(store, next->next, list->filter->with_content, entry_list_visit, list, err);
        if (stop != 0)
            return stop < 0 ? -1 : 0;
        if (entry_stream_step(store, &streams, next, next->next, err) < 0)
            return -1;
    }
    return 0;
}

int queue_sqlite_list(void *store_, const struct queue_filter *filter, const uint8_t *after,
                      int (*each)(void *context, const struct queue_entry *entry), void *context,
                      struct error *err)
{
    struct queue_sqlite *store = store_;
    struct entry_list list = {filter, each, context, 0};
    int64_t from = filter->newest_first ? INT64_MAX : 0;
    if (queue_sqlite_read_begin(store, err) < 0)
        return -1;
    int got = after == NULL ? 1 : queue_sqlite_n_of_id(store, after, &from, err);
    int failed = got < 0 ? -1 : 0;
    if (got == 0)
        failed =
            error_set(err, ERROR_USAGE, "there is no entry '%s' to continue behind", filter->after);
    if (got > 0)
        failed = entry_list_merge(store, &list, from, err);
    queue_sqlite_read_end(store);
    return failed;
}

/* ---- Working --------------------------------------------------------------------------------- */

/* Lower *n to that of this queue's entry that is due, where there is an older one. */
static int entry_due_in(struct queue_sqlite *store, enum queue_sqlite_sql sql, int64_t queue,
                        int64_t now_s, int64_t *n, struct error *err)
{
    int64_t found;
    sqlite3_stmt *get = queue_sqlite_use(&store->db, sql);
    queue_sqlite_bind_int(get, 1, queue);
    if (sql != SQL_DUE_NEW)
        queue_sqlite_bind_int(get, 2, now_s);
    int got = queue_sqlite_number(&store->db, get, entry_reading, &found, err);
    if (got > 0 && found < *n)
        *n = found;
    return got < 0 ? -1 : 0;
}

/* The next queue of which may be taken, or @queue_name if that is one: 1, or 0. *queue is 0 first.
 */
static int entry_next_open(struct queue_sqlite *store, const char *queue_name, int64_t now_s,
                           int64_t *queue, struct error *err)
{
    if (queue_name != NULL && *queue != 0)
        return 0; /* that was the one */
    int got = queue_name == NULL ? 1
                                 : queue_sqlite_word_find(store, QUEUE_SQLITE_USE_QUEUE, queue_name,
                                                          queue, err);
    if (got <= 0)
        return got;
    sqlite3_stmt *get = queue_sqlite_use(&store->db, queue_name == NULL ? SQL_QUEUE_NEXT_OPEN
                                                                        : SQL_QUEUE_OPEN);
    queue_sqlite_bind_int(get, 1, *queue);
    queue_sqlite_bind_int(get, 2, now_s);
    return queue_sqlite_number(&store->db, get, entry_reading, queue, err);
}

static int entry_due(struct queue_sqlite *store, const char *queue_name, int64_t now_s, int64_t *n,
                     struct error *err)
{
    int64_t queue = 0;
    int got;
    while ((got = entry_next_open(store, queue_name, now_s, &queue, err)) > 0)
        if (entry_due_in(store, SQL_DUE_NEW, queue, now_s, n, err) < 0 ||
            entry_due_in(store, SQL_DUE_LATER, queue, now_s, n, err) < 0 ||
            entry_due_in(store, SQL_DUE_TAKEN, queue, now_s, n, err) < 0)
            return -1;
    return got;
}

int queue_sqlite_due(void *store_, const char *queue_name, int64_t now_s,
                     struct queue_entry **out_entry, struct error *err)
{
    struct queue_sqlite *store = store_;
    int64_t n = INT64_MAX;
    *out_entry = NULL;
    if (queue_sqlite_read_begin(store, err) < 0)
        return -1;
    int failed = entry_due(store, queue_name, now_s, &n, err);
    if (failed == 0 && n != INT64_MAX)
        failed = queue_sqlite_entry_read(store, n, true, out_entry, err);
    queue_sqlite_read_end(store);
    return failed;
}

static int entry_change_row(struct queue_sqlite *store, int64_t n,
                            const struct queue_change *change, int64_t queue, bool *out_changed,
                            struct error *err)
{
    sqlite3_stmt *set = queue_sqlite_use(&store->db, SQL_ENTRY_CHANGE);
    queue_sqlite_bind_int(set, 1, n);
    queue_sqlite_bind_int(set, 2, change->to);
    queue_sqlite_bind_int(set, 3, (int64_t)change->fence);
    queue_sqlite_bind_int(set, 4, change->attempts);
    queue_sqlite_bind_int(set, 5, change->lease_until_s);
    queue_sqlite_bind_text(set, 6, change->error);
    queue_sqlite_bind_int(set, 7, change->from);
    queue_sqlite_bind_int(set, 8, (int64_t)change->from_fence);
    queue_sqlite_bind_int(set, 9, change->due_s);
    queue_sqlite_bind_int(set, 10, queue);
    if (queue_sqlite_run(&store->db, set, "changing an entry", err) < 0)
        return -1;
    *out_changed = sqlite3_changes(store->db.handle) > 0;
    return 0;
}

static int entry_change_window(struct queue_sqlite *store, int64_t n,
                               const struct queue_change *change, bool *out_changed,
                               struct error *err)
{
    sqlite3_stmt *set = queue_sqlite_use(&store->db, SQL_NAMED_COUNT);
    queue_sqlite_bind_int(set, 1, n);
    queue_sqlite_bind_int(set, 2, change->window->start_s);
    queue_sqlite_bind_int(set, 3, change->window->open_s);
    queue_sqlite_bind_int(set, 4, change->window->taken);
    queue_sqlite_bind_int(set, 5, change->from_window->start_s);
    queue_sqlite_bind_int(set, 6, change->from_window->open_s);
    queue_sqlite_bind_int(set, 7, change->from_window->taken);
    if (queue_sqlite_run(&store->db, set, "counting what was taken", err) < 0)
        return -1;
    *out_changed = sqlite3_changes(store->db.handle) > 0;
    return 0;
}

static int entry_change(struct queue_sqlite *store, const uint8_t id[QUEUE_UUID_SIZE],
                        const struct queue_change *change, bool *out_changed, struct error *err)
{
    int64_t n, queue = 0;
    int got = queue_sqlite_n_of_id(store, id, &n, err);
    if (got <= 0)
        return got;
    if (change->queue != NULL &&
        queue_sqlite_word_get(store, QUEUE_SQLITE_USE_QUEUE, change->queue, &queue, err) < 0)
        return -1;
    if (change->window != NULL) {
        if (entry_change_window(store, n, change, out_changed, err) < 0)
            return -1;
        if (!*out_changed)
            return 0;
    }
    return entry_change_row(store, n, change, queue, out_changed, err);
}

int queue_sqlite_change(void *store_, const uint8_t id[QUEUE_UUID_SIZE],
                        const struct queue_change *change, bool *out_changed, struct error *err)
{
    struct queue_sqlite *store = store_;
    bool changed = false;
    if (queue_sqlite_db_ready(&store->db, err) < 0 ||
        queue_sqlite_begin(&store->db, SQL_BEGIN_WRITE, err) < 0)
        return -1;
    int failed = entry_change(store, id, change, &changed, err);
    if (failed == 0 && changed)
        failed = queue_sqlite_commit(&store->db, err);
    if (failed < 0 || !changed) {
        queue_sqlite_rollback(&store->db);
        queue_sqlite_forget(store);
    }
    if (failed == 0)
        *out_changed = changed;
    return failed;
}

/* ---- Raw bytes and sums ---------------------------------------------------------------------- */

static int entry_raw(struct queue_sqlite *store, int64_t n, const uint8_t id[QUEUE_UUID_SIZE],
                     int *out_fd, struct error *err)
{
    sqlite3_stmt *get = queue_sqlite_use(&store->db, SQL_RAW_GET);
    queue_sqlite_bind_int(get, 1, n);
    int got = queue_sqlite_step(&store->db, get, "reading a message", err);
    if (got <= 0)
        return got < 0 ? -1 : error_set(err, ERROR_BUG, "an entry lost its content");
    int failed = 0;
    uint64_t size = (uint64_t)sqlite3_column_int64(get, 1);
    if (sqlite3_column_int(get, 0) == QUEUE_SQLITE_FILE)
        failed = queue_sqlite_raw_open(&store->raw, id, size, out_fd, err);
    else if ((uint64_t)sqlite3_column_bytes(get, 2) != size)
        failed = error_set(err, ERROR_STORE,
                           "the database holds %d bytes of a message instead of %llu; put back a "
                           "copy of its folder",
                           sqlite3_column_bytes(get, 2), (unsigned long long)size);
    else if (queue_file_of_bytes(sqlite3_column_blob(get, 2), (size_t)sqlite3_column_bytes(get, 2),
                                 out_fd) < 0)
        failed = error_set(err, ERROR_STORE, "cannot hand out a message: %s", strerror(errno));
    queue_sqlite_end(get);
    return failed;
}

int queue_sqlite_raw_get(void *store_, const uint8_t id[QUEUE_UUID_SIZE], int *out_fd,
                         struct error *err)
{
    struct queue_sqlite *store = store_;
    int64_t n;
    if (queue_sqlite_read_begin(store, err) < 0)
        return -1;
    int got = queue_sqlite_n_of_id(store, id, &n, err);
    int failed = got > 0 ? entry_raw(store, n, id, out_fd, err) : -1;
    if (got == 0)
        error_set(err, ERROR_USAGE, "the entry is no longer there");
    queue_sqlite_read_end(store);
    return failed;
}

static int entry_oldest_visit(void *context, const struct queue_entry *entry)
{
    int64_t *oldest_s = context;
    if (*oldest_s == 0 || entry->created_s < *oldest_s)
        *oldest_s = entry->created_s;
    return 0;
}

static int entry_stats_of(struct queue_sqlite *store, int64_t queue, struct queue_stats *stats,
                          struct error *err)
{
    sqlite3_stmt *tally = queue_sqlite_use(&store->db, SQL_TALLY);
    queue_sqlite_bind_int(tally, 1, queue);
    int got;
    while ((got = queue_sqlite_step(&store->db, tally, entry_reading, err)) > 0) {
        int state = sqlite3_column_int(tally, 0);
        if (state >= QUEUE_NEW && state <= QUEUE_BAD)
            stats->by_state[state] += (uint64_t)sqlite3_column_int64(tally, 1);
        stats->raw_bytes += (uint64_t)sqlite3_column_int64(tally, 2);
    }
    if (got < 0)
        return -1;
    const struct entry_streams oldest = {.sql = SQL_NEXT_QUEUE_UP};
    struct entry_stream fresh = {queue, QUEUE_NEW, 0};
    if (entry_stream_step(store, &oldest, &fresh, 0, err) < 0)
        return -1;
    return fresh.next == 0 ? 0
                           : entry_show(store, fresh.next, false, entry_oldest_visit,
                                        &stats->oldest_new_s, err);
}

static int entry_stats(struct queue_sqlite *store, const char *queue_name,
                       struct queue_stats *stats, struct error *err)
{
    int64_t queue = 0, unsettled = 0;
    int got = queue_name == NULL
                  ? entry_next_queue(store, &queue, err)
                  : queue_sqlite_word_find(store, QUEUE_SQLITE_USE_QUEUE, queue_name, &queue, err);
    while (got > 0) {
        if (entry_stats_of(store, queue, stats, err) < 0)
            return -1;
        got = queue_name == NULL ? entry_next_queue(store, &queue, err) : 0;
    }
    if (got < 0 ||
        queue_sqlite_number(&store->db, queue_sqlite_use(&store->db, SQL_UNSETTLED_COUNT),
                            entry_reading, &unsettled, err) < 0)
        return -1;
    stats->unsettled = (uint64_t)unsettled;
    return 0;
}

int queue_sqlite_stats(void *store_, const char *queue_name, struct queue_stats *out_stats,
                       struct error *err)
{
    struct queue_sqlite *store = store_;
    struct queue_stats stats = {.raw_bytes = 0};
    if (queue_sqlite_read_begin(store, err) < 0)
        return -1;
    int failed = entry_stats(store, queue_name, &stats, err);
    queue_sqlite_read_end(store);
    if (failed == 0)
        *out_stats = stats;
    return failed;
}
