/* SPDX-License-Identifier: Apache-2.0 */
/* imap-deliver-look.c - which messages are there already. See imap-deliver-private.h.
 *
 * A search finds what may be one of them: by a piece of what stands in the Message-ID field, or by
 * the size where nothing there can be searched for. What it finds is never believed, and each find
 * is one message's at most:
 *
 *   the same bytes      SHA-256 of what BODY.PEEK[] gives and of what we would send
 *   the same likeness   what an older program made of it: ids[1] is all of its Message-ID, and the
 *                       subject's letters and the end of the first recipient are the same
 *                       (imap_looks_tell()). Whoever knows only the id cannot forestall a message
 *
 * All of the folder is looked at, as it is now, but for what this connection put there or found
 * before. Where UIDNEXT has grown by what was appended, nobody else's came meanwhile. */
#include <config.h>
#include "imap-deliver-private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imap-looks.h"
#include "text.h"

#define LOOK_HITS_MAX 1000u          /* of a search, the newest, that are looked at */
#define LOOK_BYTES_MAX (64ull << 20) /* of these, the newest, that are compared */
#define LOOK_SEARCH_MAX 7000u        /* bytes of one search: servers take 8,000 */
#define LOOK_WINDOW_MAX 1500u        /* of these, for the UIDs */
#define LOOK_ID_MAX 250u             /* bytes of an id that are searched for */
#define LOOK_ID_MIN 3u
#define LOOK_FORMER_MAX 1000u /* bytes of ids[1] that count */
#define LOOK_TAKEN 1u         /* tag of a find that is somebody's */

/* One message that may be there. */
struct look_wanted {
    struct imap_delivery *item;
    struct imap_look own;     /* what it would look like there */
    bool bare;                /* we have no bytes of it: its ids alone tell */
    uint64_t former;          /* fingerprint of ids[1] */
    char id[LOOK_ID_MAX + 1]; /* a piece of its Message-ID field; "": there is none to search for */
};

/* ---- What stands in the message -------------------------------------------------------------- */

static struct span look_span(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

static bool look_can_search(char c)
{
    return c > ' ' && c < 0x7F && strchr("\"\\(),;", c) == NULL;
}

/* The longest piece of @field that a search finds as it is. Encoded words are decoded by some. */
static void look_find_piece(struct span field, char out[LOOK_ID_MAX + 1])
{
    size_t best = 0, best_size = 0, start = 0;
    for (size_t i = 0; i <= field.len; i++) {
        if (i + 1 < field.len && field.bytes[i] == '=' && field.bytes[i + 1] == '?')
            return;
        if (i < field.len && look_can_search((char)field.bytes[i]))
            continue;
        if (i - start > best_size) {
            best = start;
            best_size = i - start;
        }
        start = i + 1;
    }
    if (best_size < LOOK_ID_MIN)
        return;
    best_size = best_size < LOOK_ID_MAX ? best_size : LOOK_ID_MAX;
    memcpy(out, field.bytes + best, best_size);
    out[best_size] = '\0';
}

/* The line behind the one that begins at @at, with those that go on with it. */
static size_t look_next_field(struct span header, size_t at)
{
    do {
        const uint8_t *end = memchr(header.bytes + at, '\n', header.len - at);
        at = end == NULL ? header.len : (size_t)(end - header.bytes) + 1;
    } while (at < header.len && (header.bytes[at] == ' ' || header.bytes[at] == '\t'));
    return at;
}

/* @out becomes a piece of the first Message-ID field. */
static void look_read_id(struct span header, char out[LOOK_ID_MAX + 1])
{
    static const char name[] = "message-id";
    out[0] = '\0';
    for (size_t at = 0, next; at < header.len; at = next) {
        next = look_next_field(header, at);
        struct cursor line = cursor_over(header.bytes + at, next - at);
        if (cursor_text_nocase(&line, name) != PARSE_OK)
            continue;
        while (cursor_peek(&line) == ' ' || cursor_peek(&line) == '\t')
            (void)cursor_next(&line);
        if (cursor_peek(&line) != ':')
            continue;
        (void)cursor_next(&line);
        look_find_piece((struct span){line.bytes + line.pos, line.len - line.pos}, out);
        return;
    }
}

/* Of an id as a host gives it: without angle brackets and spaces. */
static uint64_t look_fingerprint(const char *id)
{
    char bare[LOOK_FORMER_MAX + 1];
    size_t size = 0;
    for (; id != NULL && *id != '\0'; id++)
        if (size < LOOK_FORMER_MAX && *id != ' ' && *id != '<' && *id != '>')
            bare[size++] = *id;
    bare[size] = '\0';
    return text_fingerprint(bare);
}

static int look_read_header(struct look_wanted *wanted, struct span header, struct error *err)
{
    const struct mail_options plain = {0};
    AUTO(mail_parser) parser = mail_parser_new(&plain);
    AUTO(mail) mail = NULL;
    if (parser == NULL)
        return error_oom(err, "looking at messages");
    if (mail_parser_feed(parser, header.bytes, header.len, err) < 0 ||
        mail_parser_finish(parser, &mail, err) < 0)
        return -1;
    imap_looks_tell(mail, &wanted->own);
    look_read_id(header, wanted->id);
    return 0;
}

static int look_want(struct look_wanted *wanted, struct imap_delivery *item, struct error *err)
{
    AUTO_DONE(buffer) header;
    buffer_init(&header, IMAP_LOOKS_HEADER_MAX);
    *wanted = (struct look_wanted){
        .item = item, .own = {.size = item->wire_size}, .bare = item->raw.size == 0};
    if (item->by_id)
        wanted->former = look_fingerprint(item->ids[1]);
    if (wanted->bare) {
        wanted->own.message_id = look_fingerprint(item->ids[0]);
        if (item->ids[0] != NULL)
            look_find_piece(look_span(item->ids[0]), wanted->id);
        return 0;
    }
    if (imap_literal_header(&item->raw, &header, err) < 0)
        return -1;
    return look_read_header(wanted,
                            (struct span){(const uint8_t *)buffer_text(&header), header.len}, err);
}

/* ---- Searching ------------------------------------------------------------------------------- */

/* Searches that are written: "UID 1:7 OR <key> OR <key>", and the key that comes last. */
struct look_search {
    struct imap_session *session;
    struct imap_set hits;
    struct buffer window, text, last;
};

static void look_search_init(struct look_search *search, struct imap_session *session)
{
    *search = (struct look_search){.session = session};
    imap_set_init(&search->hits);
    buffer_init(&search->window, LOOK_WINDOW_MAX);
    buffer_init(&search->text, LOOK_SEARCH_MAX);
    buffer_init(&search->last, LOOK_SEARCH_MAX);
}

static void look_search_done(struct look_search *search)
{
    imap_set_done(&search->hits);
    buffer_done(&search->window);
    buffer_done(&search->text);
    buffer_done(&search->last);
}

static int look_search_run(struct look_search *search, struct error *err)
{
    AUTO_DONE(buffer) all;
    buffer_init(&all, LOOK_SEARCH_MAX + LOOK_WINDOW_MAX);
    if (search->last.len == 0)
        return 0;
    if (buffer_append_text(&all, buffer_text(&search->window)) < 0 ||
        buffer_append_text(&all, buffer_text(&search->text)) < 0 ||
        buffer_append_text(&all, buffer_text(&search->last)) < 0)
        return error_oom(err, "looking at messages");
    buffer_clear(&search->text);
    buffer_clear(&search->last);
    return imap_looks_search(search->session, buffer_text(&all), &search->hits, NULL, err);
}

/* One more key; those before it go out once they fill a line. */
static int look_search_add(struct look_search *search, const char *key, struct error *err)
{
    size_t size = search->window.len + search->text.len + search->last.len + strlen(key);
    if (size + sizeof "OR " > LOOK_SEARCH_MAX && look_search_run(search, err) < 0)
        return -1;
    bool first = search->last.len == 0;
    if ((!first && (buffer_printf(&search->text, "OR %s ", buffer_text(&search->last)) < 0)) ||
        (buffer_clear(&search->last), buffer_append_text(&search->last, key) < 0))
        return error_oom(err, "looking at messages");
    return 0;
}

static int look_search_add_id(struct look_search *search, const char *id, struct error *err)
{
    char key[LOOK_ID_MAX + 32];
    (void)snprintf(key, sizeof key, "HEADER Message-ID \"%s\"", id);
    return look_search_add(search, key, err);
}

static int look_search_add_wanted(struct look_search *search, const struct look_wanted *wanted,
                                  struct error *err)
{
    char key[80], former[LOOK_ID_MAX + 1] = "";
    const char *id = wanted->item->by_id ? wanted->item->ids[1] : NULL;
    uint64_t size = wanted->item->wire_size;
    (void)snprintf(key, sizeof key, "(LARGER %" PRIu64 " SMALLER %" PRIu64 ")",
                   size > 0 ? size - 1 : 0, size + 1);
    if (wanted->id[0] == '\0' ? look_search_add(search, key, err) < 0
                              : look_search_add_id(search, wanted->id, err) < 0)
        return -1;
    if (id != NULL)
        look_find_piece(look_span(id), former);
    return former[0] == '\0' || text_equal(former, wanted->id)
               ? 0
               : look_search_add_id(search, former, err);
}

/* "UID 1:5,9:12 ": what is in the folder and not known to be others'. False: nothing. */
static bool look_window(struct imap_deliver *d, struct deliver_folder *at, struct buffer *out)
{
    uint32_t next = imap_session_selected(d->session)->uidnext;
    uint32_t last = next == 0 ? UINT32_MAX : next - 1, from = 1;
    imap_set_sort(&at->ours);
    bool bad = last == 0 || buffer_append_text(out, "UID ") < 0, any = false;
    for (size_t i = 0; i < at->ours.count && from <= last && !bad; i++) {
        const struct imap_range *range = &at->ours.ranges[i];
        if (range->first > from) {
            bad = buffer_printf(out, "%s%" PRIu32 ":%" PRIu32, any ? "," : "", from,
                                range->first - 1) < 0;
            any = true;
        }
        from = range->last < UINT32_MAX ? range->last + 1 : UINT32_MAX;
    }
    if (last == 0 || (!any && from > last && !bad))
        return false;
    if (!bad && from <= last)
        bad = buffer_printf(out, "%s%" PRIu32 ":", any ? "," : "", from) < 0 ||
              (next == 0 ? buffer_append_text(out, "*") : buffer_printf(out, "%" PRIu32, last)) < 0;
    if (bad || buffer_append_text(out, " ") < 0)
        buffer_clear(out); /* too many ranges: all of it */
    return true;
}

/* ---- Comparing ------------------------------------------------------------------------------- */

/* The newest of @hits that are not @ours, ascending, from the place that is returned to the end of
 * @looks. */
static size_t look_newest(struct imap_set *hits, struct imap_set *ours,
                          struct imap_look looks[LOOK_HITS_MAX])
{
    size_t place = LOOK_HITS_MAX;
    imap_set_sort(hits);
    for (size_t i = hits->count; i > 0; i--)
        for (uint32_t uid = hits->ranges[i - 1].last; place > 0 && uid >= hits->ranges[i - 1].first;
             uid--)
            if (!imap_set_has(ours, uid))
                looks[--place] = (struct imap_look){.uid = uid, .wanted = true};
    return place;
}

static bool look_has_id(const struct look_wanted *wanted, const struct imap_look *look)
{
    return look->message_id != 0 && (look->message_id == wanted->own.message_id ||
                                     (wanted->former != 0 && look->message_id == wanted->former));
}

static bool look_is_like(const struct look_wanted *wanted, const struct imap_look *look)
{
    if (wanted->bare)
        return look_has_id(wanted, look);
    return wanted->former != 0 && look->message_id == wanted->former &&
           look->subject == wanted->own.subject &&
           (look->recipient == wanted->own.recipient || look->recipient == 0 ||
            wanted->own.recipient == 0);
}

static bool look_is_same(const struct look_wanted *wanted, const struct imap_look *look)
{
    return look->has_sha256 && memcmp(look->sha256, wanted->own.sha256, sizeof look->sha256) == 0;
}

/* Each that is not found takes the first of @looks that is it. */
static void look_match(const struct look_wanted *wanted, size_t count, struct imap_look *looks,
                       size_t hits,
                       bool (*is)(const struct look_wanted *wanted, const struct imap_look *look))
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < hits && wanted[i].item->result == IMAP_DELIVERED_NOT; k++)
            if (looks[k].tag != LOOK_TAKEN && is(&wanted[i], &looks[k])) {
                looks[k].tag = LOOK_TAKEN;
                wanted[i].item->result = IMAP_DELIVERED_FOUND;
            }
}

/* Those whose bytes may be somebody's are wanted, the newest first. Whether there are any. */
static bool look_choose(const struct look_wanted *wanted, size_t count, struct imap_look *looks,
                        size_t hits)
{
    uint64_t bytes = 0;
    bool any = false;
    for (size_t k = hits; k > 0; k--) {
        struct imap_look *look = &looks[k - 1];
        look->wanted = false;
        for (size_t i = 0; i < count && look->tag != LOOK_TAKEN && !look->wanted; i++)
            look->wanted =
                wanted[i].item->result == IMAP_DELIVERED_NOT &&
                (look->size == wanted[i].item->wire_size || look_has_id(&wanted[i], look));
        if (look->wanted)
            bytes += look->size;
        look->wanted = look->wanted && (bytes <= LOOK_BYTES_MAX || bytes == look->size);
        any = any || look->wanted;
    }
    return any;
}

static int look_compare_bytes(struct imap_deliver *d, struct look_wanted *wanted, size_t count,
                              struct imap_look *looks, size_t hits, struct error *err)
{
    if (!look_choose(wanted, count, looks, hits))
        return 0;
    for (size_t i = 0; i < count; i++)
        if (wanted[i].item->result == IMAP_DELIVERED_NOT &&
            imap_literal_digest(&wanted[i].item->raw, wanted[i].own.sha256, err) < 0)
            return -1;
    if (imap_looks_ask(d->session, looks, hits, IMAP_LOOKS_SHA256, err) < 0)
        return -1;
    look_match(wanted, count, looks, hits, look_is_same);
    return 0;
}

static int look_compare(struct imap_deliver *d, struct deliver_folder *at,
                        struct look_wanted *wanted, size_t count, struct imap_look *looks,
                        size_t hits, struct error *err)
{
    if (imap_looks_ask(d->session, looks, hits, IMAP_LOOKS_LIKENESS, err) < 0)
        return -1;
    look_match(wanted, count, looks, hits, look_is_like);
    if (look_compare_bytes(d, wanted, count, looks, hits, err) < 0)
        return -1;
    for (size_t k = 0; k < hits; k++)
        if (looks[k].tag == LOOK_TAKEN && imap_set_add(&at->ours, looks[k].uid, looks[k].uid) < 0)
            return error_oom(err, "looking at messages");
    return 0;
}

/* ---- Looking --------------------------------------------------------------------------------- */

/* What was appended since the last look is ours where nobody else's came. */
static int look_know_ours(struct deliver_folder *at, const struct imap_selected *selected,
                          struct error *err)
{
    bool same = at->uidvalidity == 0 || at->uidvalidity == selected->uidvalidity;
    bool ours = same && at->uidnext != 0 && at->appended > 0 &&
                selected->uidnext == at->uidnext + (uint64_t)at->appended;
    if (!same)
        imap_set_clear(&at->ours);
    if (ours && imap_set_add(&at->ours, at->uidnext, selected->uidnext - 1) < 0)
        return error_oom(err, "looking at messages");
    at->uidvalidity = selected->uidvalidity;
    at->uidnext = selected->uidnext;
    at->appended = 0;
    return 0;
}

/* EXAMINE, anew each time: what came meanwhile counts. One that went has nothing in it. */
static enum deliver_step look_open(struct imap_deliver *d, struct deliver_folder *at,
                                   struct error *err)
{
    bool open;
    struct error why;
    if (imap_session_examine(d->session, at->folder.wire, &open, &why, err) < 0)
        return DELIVER_FAILED;
    if (open)
        return look_know_ours(at, imap_session_selected(d->session), err) < 0 ? DELIVER_FAILED
                                                                              : DELIVER_FINE;
    if (why.class != ERROR_PAUSE && imap_deliver_ask_again(d, at, err) < 0)
        return DELIVER_FAILED;
    if (!at->folder.exists)
        return DELIVER_FINE;
    *err = why;
    error_prefix(err, "%s: folder '%.100s'", d->settings->host, at->path);
    return why.class == ERROR_PAUSE ? DELIVER_FAILED : DELIVER_LEFT;
}

static int look_through(struct imap_deliver *d, struct deliver_folder *at,
                        struct look_wanted *wanted, size_t count, struct error *err)
{
    struct look_search search;
    struct imap_look *looks = NULL;
    look_search_init(&search, d->session);
    int failed = 0;
    if (look_window(d, at, &search.window)) {
        for (size_t i = 0; i < count && failed == 0; i++)
            failed = look_search_add_wanted(&search, &wanted[i], err);
        if (failed == 0)
            failed = look_search_run(&search, err);
    }
    if (failed == 0 && search.hits.count > 0) {
        looks = calloc(LOOK_HITS_MAX, sizeof *looks);
        size_t place = looks == NULL ? 0 : look_newest(&search.hits, &at->ours, looks);
        failed = looks == NULL ? error_oom(err, "looking at messages")
                               : look_compare(d, at, wanted, count, looks + place,
                                              LOOK_HITS_MAX - place, err);
    }
    free(looks);
    look_search_done(&search);
    return failed;
}

enum deliver_step imap_deliver_search_there(struct imap_deliver *d, struct deliver_folder *at,
                                            struct imap_delivery *const *items, size_t count,
                                            struct error *err)
{
    if (count == 0 || at->fresh)
        return DELIVER_FINE;
    enum deliver_step step = look_open(d, at, err);
    if (step != DELIVER_FINE || !at->folder.exists ||
        imap_session_selected(d->session)->exists == 0)
        return step;
    struct look_wanted *wanted = calloc(count, sizeof *wanted);
    int failed = wanted == NULL ? error_oom(err, "looking at messages") : 0;
    for (size_t i = 0; i < count && failed == 0; i++)
        failed = look_want(&wanted[i], items[i], err);
    if (failed == 0)
        failed = look_through(d, at, wanted, count, err);
    free(wanted);
    return failed < 0 ? DELIVER_FAILED : DELIVER_FINE;
}
