/* SPDX-License-Identifier: Apache-2.0 */
/* api-stats.c - what came from a source: by day from the queue's own counts, and what its newest
 * entries tell.
 *
 * Fields that other clients know have their names. Attachments and threads are counted in the
 * newest entries alone (source-content.h), and countedEmails says how many those were; attachments
 * lie in their messages, so that emailBytes is all there is. */
#include <config.h>
#include "api.h"

#include <stdlib.h>

#include "source-content.h"
#include "source-form.h"
#include "source-recent.h"
#include "text.h"

#define SOURCE_STATS_DAYS 30

static int64_t today(const struct api_call *call)
{
    return clock_unix_s(web_lent(call->web)->clock) / 86400;
}

struct source_stats {
    uint64_t entries, bad, raw_bytes;
    int64_t first_day, last_day, shown_from;
    json_t *recent;
    json_t *newest; /* of source-recent.h */
    struct source_content *content;
};

static json_t *stats_day(const struct queue_source_day *day)
{
    char date[CLOCK_RFC3339_MAX];
    AUTO_JSON out = json_object();
    clock_rfc3339(day->day * 86400, 0, date);
    date[10] = '\0';
    if (json_line_set(out, "date", json_line_text(date)) < 0 ||
        json_line_set(out, "count", json_line_size(day->entries)) < 0 ||
        json_line_set(out, "bad", json_line_size(day->bad)) < 0 ||
        json_line_set(out, "bytes", json_line_size(day->raw_bytes)) < 0)
        return NULL;
    return TAKE(out);
}

static int stats_each(void *context, const struct queue_source_day *day)
{
    struct source_stats *stats = context;
    if (stats->entries == 0)
        stats->first_day = day->day;
    stats->last_day = day->day;
    stats->entries += day->entries;
    stats->bad += day->bad;
    stats->raw_bytes += day->raw_bytes;
    if (day->day < stats->shown_from || json_array_append_new(stats->recent, stats_day(day)) == 0)
        return 0;
    json_decref(TAKE(stats->recent));
    return 1;
}

static int stats_sync(const struct queue_source *source, json_t *out)
{
    AUTO_JSON shown = source_form_json(source);
    static const char *const keys[] = {"lastSyncStartedAt", "lastSyncFinishedAt",
                                       "lastSyncStatusMessage"};
    int bad = 0;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        bad |= json_line_set(out, keys[i], json_incref(json_object_get(shown, keys[i])));
    return bad | json_line_set(out, "provider", json_incref(json_object_get(shown, "provider"))) |
           json_line_set(out, "status", json_incref(json_object_get(shown, "status")));
}

static int stats_content(struct source_stats *stats, json_t *out)
{
    struct source_content *content = stats->content;
    return json_line_set(out, "countedEmails", json_line_size(content->entries)) |
           json_line_set(out, "threadCount", json_line_size(source_content_threads(content))) |
           json_line_set(out, "attachmentCount", json_line_size(content->attachments)) |
           json_line_set(out, "attachmentBytes", json_line_size(content->attachment_bytes)) |
           json_line_set(out, "emailsWithAttachments", json_line_size(content->with_attachments));
}

/* What is kept is found without an index; journals and holds are nothing that a queue has. */
static int stats_totals(const struct source_stats *stats, json_t *out)
{
    return json_line_set(out, "totalEmails", json_line_size(stats->entries)) |
           json_line_set(out, "badEmails", json_line_size(stats->bad)) |
           json_line_set(out, "mailboxCount", json_integer(1)) |
           json_line_set(out, "emailBytes", json_line_size(stats->raw_bytes)) |
           json_line_set(out, "totalBytes", json_line_size(stats->raw_bytes)) |
           json_line_set(out, "indexedCount", json_line_size(stats->entries)) |
           json_line_set(out, "journaledCount", json_integer(0)) |
           json_line_set(out, "legalHoldCount", json_integer(0));
}

static json_t *stats_json(const struct queue_source *source, struct source_stats *stats)
{
    AUTO_JSON out = json_object();
    AUTO_JSON mailbox = json_object();
    bool any = stats->entries > 0;
    if (json_line_set(mailbox, "userEmail", json_line_text(source->user)) < 0 ||
        json_line_set(mailbox, "emailCount", json_line_size(stats->entries)) < 0 ||
        json_line_set(mailbox, "bytes", json_line_size(stats->raw_bytes)) < 0 ||
        json_line_set(out, "sourceId", json_line_text(source->id)) < 0 ||
        json_line_set(out, "name", json_line_text(source->name)) < 0 ||
        stats_sync(source, out) < 0 || stats_totals(stats, out) < 0 ||
        stats_content(stats, out) < 0 ||
        json_line_set(out, "firstEmailAt", any ? api_time(stats->first_day * 86400) : json_null()) <
            0 ||
        json_line_set(out, "lastEmailAt", any ? api_time(stats->last_day * 86400) : json_null()) <
            0 ||
        json_line_set(out, "mailboxes", json_pack("[O]", mailbox)) < 0 ||
        json_line_set(out, "children", json_array()) < 0 ||
        json_line_set(out, "recentActivity", TAKE(stats->recent)) < 0 ||
        json_line_set(out, "recentEntries", TAKE(stats->newest)) < 0)
        return NULL;
    return TAKE(out);
}

/* The newest entries, one walk: with their content as long as that may be read, then without. */
struct stats_walk {
    struct source_recent *recent;
    struct source_content *content;
    char last[QUEUE_ID_TEXT]; /* "": none yet */
    bool more;                /* the rest without content */
};

static int stats_entry(void *context, const struct queue_entry *entry)
{
    struct stats_walk *walk = context;
    return source_recent_add(walk->recent, entry) ? 0 : 1;
}

static int stats_entry_read(void *context, const struct queue_entry *entry)
{
    struct stats_walk *walk = context;
    walk->more = !source_content_add(walk->content, entry);
    if (walk->more)
        return 1;
    text_copy(walk->last, sizeof walk->last, entry->id);
    return stats_entry(context, entry);
}

static int stats_newest(struct api_call *call, const struct queue_source *source,
                        struct source_stats *stats, struct error *err)
{
    AUTO(source_recent) recent = source_recent_new(source->report.import_ended_s);
    struct stats_walk walk = {.recent = recent,
                              .content = stats->content = calloc(1, sizeof *stats->content)};
    struct queue_filter filter = {.source = source->name, .newest_first = true,
                                  .with_content = true, .limit = SOURCE_RECENT_MAX};
    if (recent == NULL || stats->content == NULL)
        return error_oom(err, "telling of a source");
    if (queue_list(call->queue, &filter, stats_entry_read, &walk, err) < 0)
        return -1;
    filter.with_content = false;
    filter.after = walk.last[0] == '\0' ? NULL : walk.last;
    if (walk.more && queue_list(call->queue, &filter, stats_entry, &walk, err) < 0)
        return -1;
    stats->newest = source_recent_json(recent);
    return 0;
}

void api_source_stats(struct api_call *call)
{
    AUTO(queue_source) source = api_source_of(call);
    struct error err;
    if (source == NULL)
        return;
    struct source_stats stats = {.shown_from = today(call) - SOURCE_STATS_DAYS + 1,
                                 .recent = json_array()};
    if (queue_source_days(call->queue, source->name, 0, stats_each, &stats, &err) < 0 ||
        stats_newest(call, source, &stats, &err) < 0)
        api_error(call, &err);
    else
        api_json(call, 200, stats_json(source, &stats));
    json_decref(stats.recent);
    json_decref(stats.newest);
    free(stats.content);
}
