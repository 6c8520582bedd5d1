/* SPDX-License-Identifier: Apache-2.0 */
/* api-entry.c - entries: lists and searches, one of them with all that belongs to it, and working
 * them off.
 *
 * What came in a message is never answered in a way that a browser would run: raw and attachments
 * are downloads, HTML comes in a sandbox that loads nothing. */
#include <config.h>
#include "api.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "entry.h"
#include "entry-summary.h"
#include "html-frame.h"
#include "parse.h"
#include "save.h"
#include "text.h"
#include "write-all.h"

#define ENTRY_LEASE_S 300u
#define ENTRY_LEASE_MAX_S 86400u

/* ---- Lists ----------------------------------------------------------------------------------- */

struct entry_page {
    json_t *items;     /* NULL: memory ran out */
    const char *search; /* NULL: none */
    uint64_t limit, looked_at;
    char last[QUEUE_ID_TEXT];
    bool more;
};

static int entry_page_each(void *context, const struct queue_entry *entry)
{
    struct entry_page *page = context;
    bool searched_enough = page->search != NULL && page->looked_at == API_SEARCH_MAX;
    if (json_array_size(page->items) == page->limit || searched_enough) {
        page->more = true;
        return 1;
    }
    page->looked_at++;
    text_copy(page->last, sizeof page->last, entry->id);
    if (page->search != NULL && !entry_summary_matches(entry, page->search))
        return 0;
    if (json_array_append_new(page->items, entry_summary_json(entry)) == 0)
        return 0;
    json_decref(TAKE(page->items));
    return 1;
}

/* -1: answered. */
static int entry_filter(struct api_call *call, struct queue_filter *out_filter)
{
    const struct http_request *request = call->request;
    const char *state = http_request_query(request, "state");
    const char *order = http_request_query(request, "order");
    *out_filter = (struct queue_filter){.queue = http_request_query(request, "queue"),
                                        .source = http_request_query(request, "source"),
                                        .after = http_request_query(request, "after"),
                                        .newest_first = !text_equal(order, "oldest"),
                                        .by_state = state != NULL};
    if (state == NULL || queue_state_from_name(state, &out_filter->state) == 0)
        return 0;
    api_fail(call, 400, "there is no such state", "give new, taken, done, failed or bad");
    return -1;
}

void api_entry_list(struct api_call *call)
{
    const char *search = http_request_query(call->request, "q");
    struct entry_page page = {.search = search != NULL && search[0] != '\0' ? search : NULL};
    struct queue_filter filter;
    struct error err;
    if (api_limit(call, API_PAGE, &page.limit) < 0 || entry_filter(call, &filter) < 0)
        return;
    page.items = json_array();
    if (queue_list(call->queue, &filter, entry_page_each, &page, &err) < 0) {
        json_decref(page.items);
        api_error(call, &err);
        return;
    }
    AUTO_JSON out = json_object();
    if (page.items == NULL || json_line_set(out, "items", page.items) < 0 ||
        json_line_set(out, "next", json_line_text(page.more ? page.last : NULL)) < 0)
        json_decref(TAKE(out));
    api_json(call, 200, TAKE(out));
}

/* ---- One entry ------------------------------------------------------------------------------- */

/* NULL: answered. */
static struct queue_entry *entry_of(struct api_call *call)
{
    struct queue_entry *entry;
    struct error err;
    if (strlen(call->match.parts[0]) == QUEUE_ID_TEXT - 1 &&
        queue_get(call->queue, call->match.parts[0], &entry, &err) == 0)
        return entry;
    if (strlen(call->match.parts[0]) != QUEUE_ID_TEXT - 1 || err.class == ERROR_USAGE)
        api_fail(call, 404, "there is no such entry", "look at the list");
    else
        api_error(call, &err);
    return NULL;
}

static void entry_show(struct api_call *call, const struct queue_entry *entry)
{
    json_t *out;
    struct error err;
    if (entry_from_queue(entry, &out, &err) < 0)
        api_error(call, &err);
    else if (json_line_set(out, "fence", json_line_size(entry->fence)) < 0)
        json_decref(out), api_json(call, 200, NULL);
    else
        api_json(call, 200, out);
}

void api_entry_get(struct api_call *call)
{
    AUTO(queue_entry) entry = entry_of(call);
    if (entry != NULL)
        entry_show(call, entry);
}

/* RFC 6266, with the name in ASCII and, where that is not all of it, in UTF-8. */
static void entry_download(struct api_call *call, const char *name)
{
    AUTO_DONE(buffer) out;
    char clean[SAVE_NAME_MAX];
    bool ascii = true;
    save_clean_name(name, clean, sizeof clean);
    buffer_init(&out, HTTP_HEADER_SIZE - 1);
    int bad = buffer_append_text(&out, "attachment; filename=\"");
    for (const char *at = clean; *at != '\0'; at++) {
        bool plain = (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x7F && *at != '"' &&
                     *at != '\\' && *at != '%';
        ascii = ascii && plain;
        bad |= buffer_append_byte(&out, plain ? (uint8_t)*at : '_');
    }
    bad |= buffer_append_byte(&out, '"');
    size_t whole = out.len;
    if (!ascii && bad == 0) {
        bad |= buffer_append_text(&out, "; filename*=UTF-8''");
        for (const char *at = clean; *at != '\0'; at++)
            bad |= buffer_printf(&out, "%%%02X", (unsigned char)*at);
    }
    if (bad != 0)
        buffer_truncate(&out, whole <= out.len ? whole : 0);
    (void)http_answer_header(call->answer, "Content-Disposition",
                             out.len > 0 ? buffer_text(&out) : "attachment");
}

static void entry_answer_file(struct api_call *call, int fd, const char *type)
{
    struct stat info;
    struct error err;
    if (fstat(fd, &info) < 0) {
        close(fd);
        error_set(&err, ERROR_STORE, "a file of the queue cannot be read; check its disk");
        api_error(call, &err);
        return;
    }
    call->answer->fd = fd;
    call->answer->fd_size = (uint64_t)info.st_size;
    call->answer->type = type;
    call->answer->policy = "sandbox; default-src 'none'";
}

void api_entry_raw(struct api_call *call)
{
    AUTO(queue_entry) entry = entry_of(call);
    struct error err;
    char name[QUEUE_ID_TEXT + 8];
    int fd;
    if (entry == NULL)
        return;
    if (!entry->has_raw) {
        api_fail(call, 404, "this message was never downloaded", "look in the badmail folder");
        return;
    }
    if (queue_raw(call->queue, entry->id, &fd, &err) < 0) {
        api_error(call, &err);
        return;
    }
    (void)snprintf(name, sizeof name, "%s.eml", entry->id);
    entry_download(call, name);
    entry_answer_file(call, fd, "message/rfc822");
}

void api_entry_html(struct api_call *call)
{
    AUTO(queue_entry) entry = entry_of(call);
    AUTO_JSON content = NULL;
    if (entry == NULL)
        return;
    content = entry->content == NULL ? NULL
                                     : json_loadb(entry->content, entry->content_size, 0, NULL);
    const char *html = json_string_value(json_object_get(content, "html"));
    if (html == NULL) {
        api_fail(call, 404, "this message has no HTML", "show message_body");
        return;
    }
    call->answer->type = "text/html; charset=utf-8";
    call->answer->policy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; "
                           "img-src data:; frame-ancestors 'self'";
    (void)http_answer_header(call->answer, "X-DNS-Prefetch-Control", "off");
    if (html_frame_append(&call->answer->body, html) < 0)
        api_fail(call, 500, "memory ran out", "try again");
}

/* ---- Attachments ----------------------------------------------------------------------------- */

struct entry_part {
    struct api_call *call;
    uint32_t ordinal;
    int fd;
    uint64_t left; /* of the room that was taken */
    bool found;
    struct error err; /* of class NONE: nothing failed here */
};

/* Room for @size bytes more, until the answer has gone. */
static int entry_part_room(struct entry_part *part, uint64_t size)
{
    struct http_answer *answer = part->call->answer;
    struct unpack *unpack = web_lent(part->call->web)->unpack;
    if (unpack_take(unpack, part->fd, size, &part->err) < 0) {
        if (part->err.class == ERROR_PAUSE)
            (void)http_answer_header(answer, "Retry-After", "10");
        return -1;
    }
    part->left += size;
    answer->held += size;
    answer->ended = unpack_release;
    answer->ended_context = unpack;
    return 0;
}

/* What an older release wrote down may be less than there is. */
static int entry_part_take(void *context, uint32_t ordinal, const uint8_t *bytes, uint64_t count)
{
    struct entry_part *part = context;
    if (ordinal != part->ordinal)
        return 0;
    part->found = true;
    if (count > part->left && entry_part_room(part, count - part->left) < 0)
        return -1;
    part->left -= count;
    return write_all(part->fd, bytes, (size_t)count);
}

/* The HTML version as an attachment is there where the entry tells of it. */
static const char *entry_options(const json_t *list)
{
    const json_t *last = json_array_get(list, json_array_size(list) - 1);
    return text_equal(json_string_value(json_object_get(last, "filename")), "original.html")
               ? "attachHtml=True" : NULL;
}

static int entry_part_read(struct api_call *call, const struct queue_entry *entry,
                           const json_t *list, struct entry_part *part, struct error *err)
{
    AUTO(plugin) plugin = NULL;
    struct parse parse = {0};
    struct log log = *web_lent(call->web)->log;
    const struct loader_sink sink = {.struct_size = sizeof sink, .context = part,
                                     .attachment = entry_part_take};
    int opened;
    if (plugin_open(PARSE_LOADER, &plugin, err) < 0 ||
        queue_raw(call->queue, entry->id, &opened, err) < 0)
        return -1;
    AUTO_FD raw = opened;
    int bad = parse_message(&parse, plugin, &log, raw, entry_options(list), &sink, err);
    parse_done(&parse);
    return bad;
}

/* The attachment of this call, as the entry tells of it; NULL: answered. */
static const json_t *entry_part_of(struct api_call *call, const json_t *list, uint64_t *out_ordinal)
{
    const json_t *one = NULL;
    if (text_to_u64(call->match.parts[1], SAVE_ORDINALS_MAX, out_ordinal) == 0 && *out_ordinal > 0)
        one = json_array_get(list, (size_t)*out_ordinal - 1);
    if (one == NULL)
        api_fail(call, 404, "there is no such attachment", "the entry lists those there are");
    return one;
}

void api_entry_attachment(struct api_call *call)
{
    AUTO(queue_entry) entry = entry_of(call);
    AUTO_JSON content = NULL;
    struct error err;
    uint64_t ordinal;
    if (entry == NULL)
        return;
    if (entry->content != NULL && entry->has_raw)
        content = json_loadb(entry->content, entry->content_size, 0, NULL);
    const json_t *list = json_object_get(content, "attachments");
    const json_t *one = entry_part_of(call, list, &ordinal);
    if (one == NULL)
        return;
    json_int_t size = json_integer_value(json_object_get(one, "size"));
    AUTO_FD fd = unpack_file(queue_spool_dir(call->queue), &err);
    struct entry_part part = {.call = call, .ordinal = (uint32_t)ordinal, .fd = fd,
                              .err = {.class = ERROR_NONE}};
    if (fd < 0 || entry_part_room(&part, size > 0 ? (uint64_t)size : 0) < 0 ||
        entry_part_read(call, entry, list, &part, &err) < 0) {
        api_error(call, part.err.class != ERROR_NONE ? &part.err : &err);
        return;
    }
    if (!part.found) {
        api_fail(call, 404, "the message has no such attachment", "take the raw message");
        return;
    }
    const char *name = json_string_value(json_object_get(one, "filename"));
    entry_download(call, name == NULL ? "attachment" : name);
    entry_answer_file(call, TAKE_FD(fd), "application/octet-stream");
}

/* ---- Working --------------------------------------------------------------------------------- */

void api_entry_take(struct api_call *call)
{
    AUTO(queue_entry) entry = NULL;
    const char *name;
    uint64_t lease_s = ENTRY_LEASE_S;
    struct error err;
    if (api_text(call, call->body, "queue", &name) < 0 ||
        api_number(call, call->body, "lease", ENTRY_LEASE_MAX_S, &lease_s) < 0)
        return;
    if (queue_take(call->queue, name, (uint32_t)(lease_s == 0 ? 1 : lease_s), &entry, &err) < 0) {
        api_error(call, &err);
    } else if (entry == NULL) {
        call->answer->code = 204; /* no work */
    } else {
        text_copy(call->object, sizeof call->object, entry->id);
        entry_show(call, entry);
    }
}

/* What has become of it. */
static void entry_changed(struct api_call *call, int failed, const struct error *err)
{
    if (failed < 0 && err->class == ERROR_USAGE) {
        api_error_as(call, 409, err);
        return;
    }
    if (failed < 0) {
        api_error(call, err);
        return;
    }
    AUTO(queue_entry) entry = entry_of(call);
    if (entry != NULL)
        entry_show(call, entry);
}

void api_entry_done(struct api_call *call)
{
    AUTO(queue_entry) entry = entry_of(call);
    struct error err;
    uint64_t fence = 0;
    if (entry != NULL && api_number(call, call->body, "fence", INT64_MAX, &fence) == 0)
        entry_changed(call, queue_done(call->queue, entry->id, fence, &err), &err);
}

void api_entry_fail(struct api_call *call)
{
    AUTO(queue_entry) entry = entry_of(call);
    struct error err;
    uint64_t fence = 0;
    const char *why;
    if (entry == NULL || api_text(call, call->body, "why", &why) < 0 ||
        api_number(call, call->body, "fence", INT64_MAX, &fence) < 0)
        return;
    if (why == NULL || why[0] == '\0')
        api_fail(call, 400, "the reason is missing", "send why");
    else
        entry_changed(call, queue_fail(call->queue, entry->id, fence, why, &err), &err);
}

void api_entry_retry(struct api_call *call)
{
    AUTO(queue_entry) entry = entry_of(call);
    struct error err;
    if (entry != NULL)
        entry_changed(call, queue_retry(call->queue, entry->id, &err), &err);
}
