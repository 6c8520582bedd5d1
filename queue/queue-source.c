/* SPDX-License-Identifier: Apache-2.0 */
/* queue-source.c - what a source may be, over any back end. See queue-source.h. */
#include <config.h>
#include "queue-source.h"

#include <stdlib.h>
#include <string.h>

#include "queue-backend.h"
#include "queue-entry.h"
#include "queue-id.h"
#include "text.h"

static void source_report_done(struct queue_source_report *report)
{
    free(report->status);
    free(report->detail);
    free(report->status_message);
    free(report->last_message);
    free(report->cursor);
}

void queue_source_free(struct queue_source *source)
{
    if (source == NULL)
        return;
    free(source->name);
    free(source->loader);
    free(source->connection);
    free(source->queue);
    free(source->user);
    free(source->secret_kind);
    if (source->secret != NULL)
        explicit_bzero(source->secret, source->secret_size);
    free(source->secret);
    source_report_done(&source->report);
    free(source);
}

struct queue_source *queue_source_new(void)
{
    return calloc(1, sizeof(struct queue_source));
}

void queue_source_id(char out_id[QUEUE_ID_TEXT])
{
    uint8_t id[QUEUE_UUID_SIZE];
    queue_id_random(id);
    queue_id_text(id, out_id);
}

/* ---- What may be written --------------------------------------------------------------------- */

static int source_check_text(const char *what, const char *text, size_t max, struct error *err)
{
    if (text == NULL || text[0] == '\0')
        return error_set(err, ERROR_USAGE, "a source lacks its %s; give one", what);
    if (strlen(text) > max)
        return error_set(err, ERROR_USAGE, "the %s of a source may have %zu bytes, not %zu; give a "
                         "shorter one", what, max, strlen(text));
    if (!text_is_utf8(text, strlen(text)) || text_has_control(text))
        return error_set(err, ERROR_USAGE, "the %s of a source holds characters that no text "
                         "should; type it again", what);
    return 0;
}

static int source_check_name(const char *name, struct error *err)
{
    struct queue_id_range range;
    if (source_check_text("name", name, QUEUE_SOURCE_NAME_MAX, err) < 0)
        return -1;
    if (name[0] == '-' || name[0] == ' ' || name[strlen(name) - 1] == ' ')
        return error_set(err, ERROR_USAGE, "the name of a source may not begin with '-', nor begin "
                         "or end with a space; choose another");
    if (strlen(name) == QUEUE_ID_TEXT - 1 && queue_id_range_of(name, &range) == 0)
        return error_set(err, ERROR_USAGE, "the name '%s' looks like the id of a source; choose "
                         "another", name);
    return 0;
}

static int source_check(const struct queue_source *source, struct error *err)
{
    if (source_check_name(source->name, err) < 0 ||
        source_check_text("loader", source->loader, QUEUE_SOURCE_TEXT_MAX, err) < 0 ||
        source_check_text("queue", source->queue, QUEUE_SOURCE_TEXT_MAX, err) < 0 ||
        source_check_text("kind of secret", source->secret_kind, QUEUE_SOURCE_TEXT_MAX, err) < 0 ||
        source_check_text("connection string", source->connection, QUEUE_SOURCE_CONNECTION_MAX,
                          err) < 0)
        return -1;
    if (source->user != NULL &&
        source_check_text("user name", source->user, QUEUE_SOURCE_TEXT_MAX, err) < 0)
        return -1;
    if (source->secret_size > QUEUE_SOURCE_SECRET_MAX)
        return error_set(err, ERROR_USAGE, "the secret of a source may have %u bytes at most",
                         QUEUE_SOURCE_SECRET_MAX);
    return 0;
}

static int source_check_batch(const struct queue *queue, struct error *err)
{
    return queue_in_batch(queue)
               ? error_set(err, ERROR_BUG, "a source was to be written inside an open batch")
               : 0;
}

static int source_binary_id(const char *id, uint8_t out_id[QUEUE_UUID_SIZE], struct error *err)
{
    struct queue_id_range range;
    if (strlen(id) != QUEUE_ID_TEXT - 1 || queue_id_range_of(id, &range) < 0)
        return error_set(err, ERROR_BUG, "'%.40s' is no id of a source", id);
    memcpy(out_id, range.first, QUEUE_UUID_SIZE);
    return 0;
}

/* ---- Changing -------------------------------------------------------------------------------- */

int queue_source_add(struct queue *queue, struct queue_source *source, struct error *err)
{
    uint8_t id[QUEUE_UUID_SIZE];
    bool done;
    if (source->id[0] == '\0')
        queue_source_id(source->id);
    source->version = 1;
    source->created_s = queue_now_s(queue);
    if (source_check_batch(queue, err) < 0 || source_check(source, err) < 0 ||
        source_binary_id(source->id, id, err) < 0 ||
        queue_backend_of(queue)->source_add(queue_store(queue), source, &done, err) < 0)
        return -1;
    if (!done)
        return error_set(err, ERROR_USAGE,
                         "there is a source '%s' already; choose another name, or "
                         "change it by mailchute source edit",
                         source->name);
    return 0;
}

int queue_source_change(struct queue *queue, struct queue_source *source, struct error *err)
{
    uint8_t id[QUEUE_UUID_SIZE];
    bool done;
    if (source_check_batch(queue, err) < 0 || source_check(source, err) < 0 ||
        source_binary_id(source->id, id, err) < 0 ||
        queue_backend_of(queue)->source_change(queue_store(queue), source, &done, err) < 0)
        return -1;
    if (!done)
        return error_set(err, ERROR_USAGE,
                         "somebody else changed or removed source '%s' meanwhile; "
                         "look at it, then do it again",
                         source->name);
    source->version++;
    return 0;
}

int queue_source_remove(struct queue *queue, const char *id_text, struct error *err)
{
    uint8_t id[QUEUE_UUID_SIZE];
    bool done;
    if (source_check_batch(queue, err) < 0 || source_binary_id(id_text, id, err) < 0 ||
        queue_backend_of(queue)->source_remove(queue_store(queue), id, &done, err) < 0)
        return -1;
    return done ? 0
                : error_set(err, ERROR_USAGE, "that source is gone already; mailchute source list "
                            "shows those there are");
}

int queue_source_tell(struct queue *queue, const struct queue_source_report *reports, size_t count,
                      struct error *err)
{
    uint8_t id[QUEUE_UUID_SIZE];
    if (source_check_batch(queue, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (source_binary_id(reports[i].id, id, err) < 0)
            return -1;
        if (reports[i].status == NULL)
            return error_set(err, ERROR_BUG, "a report lacks its status");
    }
    return count == 0 ? 0
                      : queue_backend_of(queue)->source_tell(queue_store(queue), reports, count,
                                                             err);
}

/* ---- Looking --------------------------------------------------------------------------------- */

int queue_source_each(struct queue *queue,
                      int (*each)(void *context, const struct queue_source *source), void *context,
                      struct error *err)
{
    return queue_source_each_after(queue, "", each, context, err);
}

int queue_source_each_after(struct queue *queue, const char *after,
                            int (*each)(void *context, const struct queue_source *source),
                            void *context, struct error *err)
{
    return queue_backend_of(queue)->source_each(queue_store(queue), after, each, context, err);
}

int queue_source_days(struct queue *queue, const char *name, int64_t first_day,
                      int (*each)(void *context, const struct queue_source_day *day), void *context,
                      struct error *err)
{
    return queue_backend_of(queue)->source_days(queue_store(queue), name, first_day, each, context,
                                                err);
}

int queue_source_epoch(struct queue *queue, uint64_t *out_epoch, struct error *err)
{
    return queue_backend_of(queue)->source_epoch(queue_store(queue), out_epoch, err);
}

static int source_copy_texts(const struct queue_source *from, struct queue_source *to)
{
    const struct queue_source_report *told = &from->report;
    int failed = 0; /* all are tried, so that each text is the copy's own, or NULL */
    failed |= queue_text_copy(from->name, &to->name);
    failed |= queue_text_copy(from->loader, &to->loader);
    failed |= queue_text_copy(from->connection, &to->connection);
    failed |= queue_text_copy(from->queue, &to->queue);
    failed |= queue_text_copy(from->user, &to->user);
    failed |= queue_text_copy(from->secret_kind, &to->secret_kind);
    failed |= queue_text_copy(told->status, &to->report.status);
    failed |= queue_text_copy(told->detail, &to->report.detail);
    failed |= queue_text_copy(told->status_message, &to->report.status_message);
    failed |= queue_text_copy(told->last_message, &to->report.last_message);
    failed |= queue_text_copy(told->cursor, &to->report.cursor);
    return failed;
}

struct queue_source *queue_source_copy(const struct queue_source *from)
{
    AUTO(queue_source) copy = queue_source_new();
    if (copy == NULL)
        return NULL;
    *copy = *from;
    copy->secret = NULL;
    memcpy(copy->report.id, from->id, sizeof copy->report.id);
    if (source_copy_texts(from, copy) != 0)
        return NULL;
    if (from->secret != NULL) {
        copy->secret = malloc(from->secret_size + 1);
        if (copy->secret == NULL)
            return NULL;
        memcpy(copy->secret, from->secret, from->secret_size);
    }
    return TAKE(copy);
}

int queue_source_get(struct queue *queue, const char *name, struct queue_source **out_source,
                     struct error *err)
{
    struct queue_id_range range;
    bool is_id = strlen(name) == QUEUE_ID_TEXT - 1 && queue_id_range_of(name, &range) == 0;
    struct queue_source *found; /* no name looks like an id */
    if (queue_backend_of(queue)->source_find(queue_store(queue), is_id ? range.first : NULL, name,
                                             &found, err) < 0)
        return -1;
    if (found == NULL)
        return error_set(err, ERROR_USAGE,
                         "there is no source '%.80s'; mailchute source list shows "
                         "those there are",
                         name);
    *out_source = found;
    return 0;
}
