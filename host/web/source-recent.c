/* SPDX-License-Identifier: Apache-2.0 */
/* source-recent.c - what the newest entries of a source tell. See source-recent.h. */
#include <config.h>
#include "source-recent.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "json-line.h"
#include "text.h"

#define BUCKETS_MAX 9u

/* A number falls into the first that it does not exceed, else into one behind the last. */
struct buckets {
    const uint64_t *up_to;
    size_t count;
    uint64_t fallen[BUCKETS_MAX];
};

static const uint64_t recent_waits_s[] = {1, 2, 5, 15, 60, 300, 3600, 86400};
static const uint64_t recent_sizes[] = {10000, 100000, 1000000, 10000000};

struct recent_folder {
    char *name; /* NULL in the place for all others */
    uint64_t count, bytes;
};

struct source_recent {
    int64_t live_s;
    uint64_t entries;
    struct buckets waits, sizes;
    uint64_t wait_s[SOURCE_RECENT_MAX];
    size_t wait_count;
    struct recent_folder folders[SOURCE_RECENT_FOLDERS + 1];
    size_t folder_count;
};

struct source_recent *source_recent_new(int64_t live_s)
{
    struct source_recent *recent = calloc(1, sizeof *recent);
    if (recent == NULL)
        return NULL;
    recent->live_s = live_s;
    recent->waits = (struct buckets){.up_to = recent_waits_s,
                                     .count = sizeof recent_waits_s / sizeof recent_waits_s[0]};
    recent->sizes = (struct buckets){.up_to = recent_sizes,
                                     .count = sizeof recent_sizes / sizeof recent_sizes[0]};
    return recent;
}

void source_recent_free(struct source_recent *recent)
{
    if (recent == NULL)
        return;
    for (size_t i = 0; i < recent->folder_count; i++)
        free(recent->folders[i].name);
    free(recent);
}

/* ---- Times ----------------------------------------------------------------------------------- */

/* @digits digits at @text; false when they are not. */
static bool recent_digits(const char *text, size_t digits, uint32_t *out_number)
{
    uint32_t number = 0;
    for (size_t i = 0; i < digits; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        number = number * 10 + (uint32_t)(text[i] - '0');
    }
    *out_number = number;
    return true;
}

/* "Z", "+02:00"; false when it is none. */
static bool recent_offset(const char *text, int64_t *out_s)
{
    uint32_t hours, minutes;
    *out_s = 0;
    if (text_equal(text, "Z"))
        return true;
    if (strlen(text) != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':' ||
        !recent_digits(text + 1, 2, &hours) || !recent_digits(text + 4, 2, &minutes))
        return false;
    *out_s = (int64_t)(hours * 3600 + minutes * 60) * (text[0] == '-' ? -1 : 1);
    return true;
}

bool source_recent_time(const char *text, int64_t *out_unix_s)
{
    static const char pattern[] = "dddd-dd-ddTdd:dd:dd";
    uint32_t year, month, day, hour, minute, second;
    int64_t offset_s;
    if (text == NULL || strlen(text) < sizeof pattern - 1)
        return false;
    for (size_t i = 0; i < sizeof pattern - 1; i++)
        if (pattern[i] != 'd' && text[i] != pattern[i])
            return false;
    if (!recent_digits(text, 4, &year) || !recent_digits(text + 5, 2, &month) ||
        !recent_digits(text + 8, 2, &day) || !recent_digits(text + 11, 2, &hour) ||
        !recent_digits(text + 14, 2, &minute) || !recent_digits(text + 17, 2, &second) ||
        month == 0 || month > 12 || day == 0 || day > 31 ||
        !recent_offset(text + sizeof pattern - 1, &offset_s))
        return false;
    *out_unix_s = clock_unix_from_date((int32_t)year, month, day, hour, minute, second) - offset_s;
    return true;
}

/* ---- Adding ---------------------------------------------------------------------------------- */

static void buckets_add(struct buckets *buckets, uint64_t value)
{
    size_t at = 0;
    while (at < buckets->count && value > buckets->up_to[at])
        at++;
    buckets->fallen[at]++;
}

static void recent_add_wait(struct source_recent *recent, const struct queue_entry *entry)
{
    int64_t came_s;
    if (recent->live_s == 0 || !source_recent_time(entry->date_received, &came_s) ||
        came_s < recent->live_s)
        return;
    uint64_t wait_s = entry->created_s > came_s ? (uint64_t)(entry->created_s - came_s) : 0;
    buckets_add(&recent->waits, wait_s);
    recent->wait_s[recent->wait_count++] = wait_s;
}

/* Those beyond SOURCE_RECENT_FOLDERS share the last place. */
static void recent_add_folder(struct source_recent *recent, const struct queue_entry *entry)
{
    const char *name = entry->mailbox == NULL ? "" : entry->mailbox;
    size_t at = 0;
    while (at < recent->folder_count && !text_equal(recent->folders[at].name, name) &&
           at < SOURCE_RECENT_FOLDERS)
        at++;
    if (at == recent->folder_count) {
        recent->folder_count++;
        recent->folders[at].name = at < SOURCE_RECENT_FOLDERS ? strdup(name) : NULL;
    }
    recent->folders[at].count++;
    recent->folders[at].bytes += entry->raw_size;
}

bool source_recent_add(struct source_recent *recent, const struct queue_entry *entry)
{
    if (recent->entries == SOURCE_RECENT_MAX)
        return false;
    recent->entries++;
    buckets_add(&recent->sizes, entry->raw_size);
    recent_add_wait(recent, entry);
    recent_add_folder(recent, entry);
    return true;
}

/* ---- Telling --------------------------------------------------------------------------------- */

static json_t *buckets_json(const struct buckets *buckets)
{
    AUTO_JSON out = json_array();
    for (size_t i = 0; i <= buckets->count; i++) {
        AUTO_JSON one = json_object();
        json_t *up_to = i < buckets->count ? json_line_size(buckets->up_to[i]) : json_null();
        if (json_line_set(one, "upTo", up_to) < 0 ||
            json_line_set(one, "count", json_line_size(buckets->fallen[i])) < 0 ||
            json_array_append(out, one) < 0)
            return NULL;
    }
    return TAKE(out);
}

static int recent_compare(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return *left < *right ? -1 : *left > *right;
}

/* The wait that @percent of all do not exceed; null where there is none. */
static json_t *recent_wait(const struct source_recent *recent, size_t percent)
{
    if (recent->wait_count == 0)
        return json_null();
    return json_line_size(recent->wait_s[(recent->wait_count - 1) * percent / 100]);
}

static json_t *recent_latency(struct source_recent *recent)
{
    AUTO_JSON out = json_object();
    qsort(recent->wait_s, recent->wait_count, sizeof recent->wait_s[0], recent_compare);
    if (json_line_set(out, "count", json_line_size(recent->wait_count)) < 0 ||
        json_line_set(out, "median", recent_wait(recent, 50)) < 0 ||
        json_line_set(out, "p90", recent_wait(recent, 90)) < 0 ||
        json_line_set(out, "longest", recent_wait(recent, 100)) < 0 ||
        json_line_set(out, "spread", buckets_json(&recent->waits)) < 0)
        return NULL;
    return TAKE(out);
}

static json_t *recent_folders(const struct source_recent *recent)
{
    AUTO_JSON out = json_array();
    for (size_t i = 0; i < recent->folder_count; i++) {
        const struct recent_folder *folder = &recent->folders[i];
        AUTO_JSON one = json_object();
        if (json_line_set(one, "name", json_line_text(folder->name)) < 0 ||
            json_line_set(one, "count", json_line_size(folder->count)) < 0 ||
            json_line_set(one, "bytes", json_line_size(folder->bytes)) < 0 ||
            json_array_append(out, one) < 0)
            return NULL;
    }
    return TAKE(out);
}

json_t *source_recent_json(struct source_recent *recent)
{
    AUTO_JSON out = json_object();
    if (json_line_set(out, "entries", json_line_size(recent->entries)) < 0 ||
        json_line_set(out, "latency", recent_latency(recent)) < 0 ||
        json_line_set(out, "sizes", buckets_json(&recent->sizes)) < 0 ||
        json_line_set(out, "folders", recent_folders(recent)) < 0)
        return NULL;
    return TAKE(out);
}
