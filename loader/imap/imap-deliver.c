/* SPDX-License-Identifier: Apache-2.0 */
/* imap-deliver.c - see imap-deliver.h. */
#include <config.h>
#include "imap-deliver.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "imap-folder.h"
#include "imap-looks.h"
#include "text.h"

#define DELIVER_ID_MAX 250u /* bytes of a Message-ID that is searched for */
#define DELIVER_HITS_MAX 1000u /* of a search, the newest, whose Message-ID is read */
#define DELIVER_LITERAL_MINUS 4096u /* bytes that LITERAL- lets go without "+" (RFC 7888 s.5) */

/* A folder, as this connection saw it first. */
struct deliver_folder {
    char *path; /* as the caller wrote it */
    struct imap_folder folder;
    bool looked;      /* uidnext and empty tell how it was */
    bool empty;       /* nothing was in it: nothing to look for */
    uint32_t uidnext; /* 0: the server did not tell */
};

struct imap_deliver {
    const struct imap_settings *settings;
    const struct imap_host *host;
    char *user, *secret; /* until we are connected */
    struct imap_session *session;
    struct deliver_folder *folders[IMAP_DELIVER_FOLDERS];
    size_t folder_count;
    const struct deliver_folder *examined;
};

/* ---- Opening and closing --------------------------------------------------------------------- */

static void deliver_forget_secret(struct imap_deliver *d)
{
    if (d->secret != NULL)
        explicit_bzero(d->secret, strlen(d->secret));
    free(d->secret);
    d->secret = NULL;
}

int imap_deliver_open(const struct imap_settings *settings, const char *user, const char *secret,
                      const struct imap_host *host, struct imap_deliver **out_deliver,
                      struct error *err)
{
    AUTO(imap_deliver) d = calloc(1, sizeof *d);
    if (d == NULL)
        return error_oom(err, "opening an account");
    d->settings = settings;
    d->host = host;
    d->user = strdup(user != NULL ? user : "");
    d->secret = strdup(secret != NULL ? secret : "");
    if (d->user == NULL || d->secret == NULL)
        return error_oom(err, "opening an account");
    *out_deliver = TAKE(d);
    return 0;
}

static void deliver_folder_free(struct deliver_folder *at)
{
    if (at == NULL)
        return;
    imap_folder_done(&at->folder);
    free(at->path);
    free(at);
}
AUTO_DEFINE(deliver_folder, deliver_folder_free);

void imap_deliver_close(struct imap_deliver *d)
{
    if (d == NULL)
        return;
    deliver_forget_secret(d);
    free(d->user);
    imap_session_close(d->session);
    for (size_t i = 0; i < d->folder_count; i++)
        deliver_folder_free(d->folders[i]);
    free(d);
}

static int deliver_connect(struct imap_deliver *d, struct error *err)
{
    if (d->session != NULL)
        return 0;
    int failed = imap_session_open(d->settings, d->user, d->secret, d->host, &d->session, err);
    deliver_forget_secret(d);
    return failed;
}

/* ---- Folders --------------------------------------------------------------------------------- */

/* The folder of this path, made if it is missing. */
static int deliver_folder_find(struct imap_deliver *d, const char *path,
                               struct deliver_folder **out_folder, struct error *err)
{
    for (size_t i = 0; i < d->folder_count; i++) {
        *out_folder = d->folders[i];
        if (text_equal(d->folders[i]->path, path))
            return 0;
    }
    if (d->folder_count == IMAP_DELIVER_FOLDERS)
        return error_set(err, ERROR_CONFIG, "%s: more than %u folders are delivered to; choose a "
                         "template with fewer", d->settings->host, IMAP_DELIVER_FOLDERS);
    AUTO(deliver_folder) made = calloc(1, sizeof *made);
    if (made == NULL || (made->path = strdup(path)) == NULL)
        return error_oom(err, "looking for folders");
    if (imap_folder_find(d->session, path, &made->folder, err) < 0)
        return -1;
    made->looked = made->empty = !made->folder.exists;
    if (imap_folder_create(d->session, &made->folder, "folder", err) < 0)
        return -1;
    *out_folder = made;
    d->folders[d->folder_count++] = TAKE(made);
    return 0;
}

/* The folder with the levels above it. One of those that cannot be made is no trouble: the folder
 * itself tells. */
static int deliver_folder_get(struct imap_deliver *d, const char *path,
                              struct deliver_folder **out_folder, struct error *err)
{
    char level[IMAP_FOLDER_NAME_MAX + 1];
    size_t size = strlen(path);
    unsigned levels = 0;
    if (size == 0 || size > IMAP_FOLDER_NAME_MAX)
        return error_set(err, ERROR_CONFIG, "%s: a folder's path has %zu bytes, 1 to %u can be; "
                         "choose another template", d->settings->host, size, IMAP_FOLDER_NAME_MAX);
    for (size_t i = 1; i < size && levels < IMAP_DELIVER_LEVELS; i++) {
        if (path[i] != '/')
            continue;
        memcpy(level, path, i);
        level[i] = '\0';
        levels++;
        if (deliver_folder_find(d, level, out_folder, err) < 0 && err->class != ERROR_CONFIG)
            return -1;
    }
    return deliver_folder_find(d, path, out_folder, err);
}

/* ---- Looking --------------------------------------------------------------------------------- */

/* Somebody removed the folder meanwhile: it is made again, and then empty. */
static int deliver_folder_again(struct imap_deliver *d, struct deliver_folder *at,
                                struct error *err)
{
    at->folder.exists = false;
    at->looked = at->empty = true;
    d->examined = NULL;
    return imap_folder_create(d->session, &at->folder, "folder", err);
}

static int deliver_examine(struct imap_deliver *d, struct deliver_folder *at, struct error *err)
{
    if (d->examined == at || at->empty)
        return 0;
    d->examined = NULL;
    if (imap_session_select(d->session, at->folder.wire, true, err) < 0)
        return -1;
    d->examined = at;
    const struct imap_selected *selected = imap_session_selected(d->session);
    if (!at->looked) {
        at->looked = true;
        at->empty = selected->exists == 0;
        at->uidnext = selected->uidnext;
    }
    return 0;
}

/* What can stand in a quoted string, and be found again. */
static bool deliver_id_is_usable(const char *id)
{
    size_t size = id == NULL ? 0 : strlen(id);
    for (size_t i = 0; i < size; i++)
        if ((uint8_t)id[i] < 0x20 || (uint8_t)id[i] > 0x7E)
            return false;
    return size > 0 && size <= DELIVER_ID_MAX;
}

static void deliver_add_header(struct imap_command *command, const char *id)
{
    imap_command_add(command, "HEADER Message-ID ");
    imap_command_quoted(command, id);
}

/* ( id and size ), or with by_id the id alone; a message without id: one of its size without any.
 */
static void deliver_add_criteria(struct imap_command *command, const struct imap_delivery *item)
{
    bool first = deliver_id_is_usable(item->ids[0]), second = deliver_id_is_usable(item->ids[1]);
    char size[80];
    imap_command_add(command, "(");
    if (first && second)
        imap_command_add(command, "OR ");
    if (first)
        deliver_add_header(command, item->ids[0]);
    if (first && second)
        imap_command_add(command, " ");
    if (second)
        deliver_add_header(command, item->ids[1]);
    if (!first && !second)
        imap_command_add(command, "NOT HEADER Message-ID \"\"");
    if (!item->by_id || (!first && !second)) {
        (void)snprintf(size, sizeof size, " LARGER %" PRIu64 " SMALLER %" PRIu64,
                       item->wire_size > 0 ? item->wire_size - 1 : 0, item->wire_size + 1);
        imap_command_add(command, size);
    }
    imap_command_add(command, ")");
}

static int deliver_search_data(void *context, const struct imap_event *event, bool *out_taken,
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

/* What of the folder, as it was when it was seen first, may be one of these. An id that stands
 * within a longer one is found too (RFC 9051 s.6.4.4). */
static int deliver_search(struct imap_deliver *d, const struct deliver_folder *at,
                          struct imap_delivery *const *items, size_t count, struct imap_set *hits,
                          struct error *err)
{
    struct imap_call call = {.what = "UID SEARCH", .context = hits, .data = deliver_search_data};
    struct imap_command command;
    char below[40] = "";
    if (at->uidnext == 1)
        return 0;
    if (at->uidnext != 0)
        (void)snprintf(below, sizeof below, "UID 1:%" PRIu32 " ", at->uidnext - 1);
    imap_command_init(&command, "UID SEARCH ");
    imap_command_add(&command, below);
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count)
            imap_command_add(&command, "OR ");
        deliver_add_criteria(&command, items[i]);
        if (i + 1 < count)
            imap_command_add(&command, " ");
    }
    return imap_session_run(d->session, &command, &call, err);
}

/* That of an id as imap_looks_ask() tells it: without angle brackets and space. 0: it is none. */
static uint64_t deliver_id_fingerprint(const char *id)
{
    char bare[DELIVER_ID_MAX + 1];
    size_t size = 0;
    if (!deliver_id_is_usable(id))
        return 0;
    for (; *id != '\0'; id++)
        if (*id != ' ' && *id != '<' && *id != '>')
            bare[size++] = *id;
    bare[size] = '\0';
    return text_fingerprint(bare);
}

/* The newest of @hits, ascending, from the place that is returned to the end of @looks. */
static size_t deliver_newest(struct imap_set *hits, struct imap_look looks[DELIVER_HITS_MAX])
{
    size_t place = DELIVER_HITS_MAX;
    imap_set_sort(hits);
    for (size_t i = hits->count; i > 0; i--)
        for (uint32_t uid = hits->ranges[i - 1].last;
             place > 0 && uid >= hits->ranges[i - 1].first; uid--)
            looks[--place] = (struct imap_look){.uid = uid, .wanted = true};
    return place;
}

/* Has one of @hits one of the ids of @item, whole? */
static int deliver_compare(struct imap_deliver *d, const struct imap_delivery *item,
                           struct imap_set *hits, bool *out_found, struct error *err)
{
    uint64_t first = deliver_id_fingerprint(item->ids[0]);
    uint64_t second = deliver_id_fingerprint(item->ids[1]);
    *out_found = false;
    struct imap_look *looks = calloc(DELIVER_HITS_MAX, sizeof *looks);
    if (looks == NULL)
        return error_oom(err, "looking at messages");
    size_t place = deliver_newest(hits, looks);
    int failed = imap_looks_ask(d->session, looks + place, DELIVER_HITS_MAX - place,
                                IMAP_LOOKS_MESSAGE_ID, err);
    for (size_t i = place; i < DELIVER_HITS_MAX && failed == 0; i++)
        if (looks[i].message_id != 0 &&
            (looks[i].message_id == first || looks[i].message_id == second))
            *out_found = true;
    free(looks);
    return failed;
}

static int deliver_is_there(struct imap_deliver *d, const struct deliver_folder *at,
                            struct imap_delivery *item, bool *out_found, struct error *err)
{
    struct imap_set hits;
    imap_set_init(&hits);
    int failed = deliver_search(d, at, &item, 1, &hits, err);
    *out_found = hits.count > 0;
    if (failed == 0 && *out_found &&
        (deliver_id_is_usable(item->ids[0]) || deliver_id_is_usable(item->ids[1])))
        failed = deliver_compare(d, item, &hits, out_found, err);
    imap_set_done(&hits);
    return failed;
}

/* Is any of these there, as far as a search can tell? */
static int deliver_may_be_there(struct imap_deliver *d, const struct deliver_folder *at,
                                struct imap_delivery *const *items, size_t count, bool *out_may,
                                struct error *err)
{
    struct imap_set hits;
    imap_set_init(&hits);
    int failed = deliver_search(d, at, items, count, &hits, err);
    *out_may = hits.count > 0;
    imap_set_done(&hits);
    return failed;
}

/* One search for all; only where that finds something, one for each. */
static int deliver_look(struct imap_deliver *d, struct deliver_folder *at,
                        struct imap_delivery *const *items, size_t count, struct error *err)
{
    bool may = true;
    if (count == 0 || deliver_examine(d, at, err) < 0)
        return count == 0 ? 0 : -1;
    if (at->empty)
        return 0;
    if (count > 1 && deliver_may_be_there(d, at, items, count, &may, err) < 0)
        return -1;
    for (size_t i = 0; i < count && may; i++) {
        bool found;
        if (deliver_is_there(d, at, items[i], &found, err) < 0)
            return -1;
        if (found)
            items[i]->result = IMAP_DELIVERED_FOUND;
    }
    return 0;
}

/* ---- Appending ------------------------------------------------------------------------------- */

static const char *const deliver_months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static unsigned deliver_two_digits(const char *at)
{
    return (unsigned)(at[0] - '0') * 10 + (unsigned)(at[1] - '0');
}

/* Does @text begin like @shape, where 'd' stands for a digit? */
static bool deliver_has_shape(const char *text, const char *shape)
{
    for (; *shape != '\0'; shape++, text++)
        if (*shape == 'd' ? *text < '0' || *text > '9' : *text != *shape)
            return false;
    return true;
}

int imap_date_time(const char *rfc3339, char out[32])
{
    if (!deliver_has_shape(rfc3339, "dddd-dd-ddTdd:dd:dd"))
        return -1;
    unsigned month = deliver_two_digits(rfc3339 + 5), day = deliver_two_digits(rfc3339 + 8);
    unsigned hour = deliver_two_digits(rfc3339 + 11), minute = deliver_two_digits(rfc3339 + 14);
    unsigned second = deliver_two_digits(rfc3339 + 17);
    const char *zone = rfc3339 + 19;
    if (*zone == '.')
        zone += 1 + strspn(zone + 1, "0123456789");
    bool utc = (*zone == 'Z' || *zone == 'z') && zone[1] == '\0';
    bool offset = deliver_has_shape(zone + (*zone == '+' || *zone == '-'), "dd:dd") &&
                  (*zone == '+' || *zone == '-') && zone[6] == '\0';
    if ((!utc && !offset) || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 ||
        minute > 59 || second > 60)
        return -1;
    (void)snprintf(out, 32, "\"%2u-%s-%.4s %02u:%02u:%02u %c%.2s%.2s\"", day,
                   deliver_months[month - 1], rfc3339, hour, minute, second > 59 ? 59 : second,
                   utc ? '+' : *zone, utc ? "00" : zone + 1, utc ? "00" : zone + 4);
    return 0;
}

/* What became of one APPEND. */
struct deliver_answer {
    bool done;
    enum imap_code code;
    struct error why; /* class ERROR_NONE: it is well */
};

static int deliver_append_done(void *context, const struct imap_event *event, struct error *err)
{
    struct deliver_answer *answer = context;
    (void)err;
    answer->done = true;
    answer->code = event->code;
    if (event->status != IMAP_OK)
        (void)imap_answer_error(event, ERROR_MAIL, "APPEND", "look at the message", &answer->why);
    return 0;
}

static bool deliver_goes_at_once(const struct imap_deliver *d, uint64_t size)
{
    uint32_t can = imap_session_can(d->session);
    return (can & IMAP_CAN_LITERAL_PLUS) != 0 ||
           ((can & IMAP_CAN_LITERAL_MINUS) != 0 && size <= DELIVER_LITERAL_MINUS);
}

/* append-message = [SP flags] [SP date-time] SP literal (RFC 3502 s.6.3.11), up to the literal */
static void deliver_head(const struct imap_deliver *d, const struct imap_delivery *item,
                         char out[80])
{
    char date[32] = "";
    bool dated = item->date != NULL && imap_date_time(item->date, date) == 0;
    (void)snprintf(out, 80, " %s%s{%" PRIu64 "%s}", date, dated ? " " : "", item->wire_size,
                   deliver_goes_at_once(d, item->wire_size) ? "+" : "");
}

/* Until the server wants the literal, or has answered without it. */
static int deliver_await(const struct imap_deliver *d, const struct imap_delivery *item,
                         uint32_t before, const struct deliver_answer *answer, struct error *err)
{
    while (!deliver_goes_at_once(d, item->wire_size) && !answer->done &&
           imap_session_continued(d->session) == before)
        if (imap_session_turn(d->session, err) < 0)
            return -1;
    return 0;
}

/* The first message stands behind the command, the others behind the message before. */
static int deliver_send(struct imap_deliver *d, struct imap_delivery *const *items, size_t count,
                        uint32_t before, const struct deliver_answer *answer, struct error *err)
{
    char head[80];
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            before = imap_session_continued(d->session);
            deliver_head(d, items[i], head);
            if (imap_session_put(d->session, head, strlen(head), err) < 0 ||
                imap_session_put(d->session, "\r\n", 2, err) < 0)
                return -1;
        }
        if (deliver_await(d, items[i], before, answer, err) < 0)
            return -1;
        if (answer->done && !deliver_goes_at_once(d, items[i]->wire_size))
            return 0; /* refused before its bytes went */
        if (imap_literal_send(d->session, &items[i]->raw, err) < 0)
            return -1;
        fault_point("literal sent");
    }
    return imap_session_put(d->session, "\r\n", 2, err);
}

static int deliver_append(struct imap_deliver *d, const struct deliver_folder *at,
                          struct imap_delivery *const *items, size_t count,
                          struct deliver_answer *answer, struct error *err)
{
    struct imap_call call = {.what = "APPEND",
                             .context = answer,
                             .done = deliver_append_done,
                             .patience_ms = IMAP_MOVE_MS};
    struct imap_command command;
    char head[80];
    uint32_t before = imap_session_continued(d->session);
    *answer = (struct deliver_answer){.done = false};
    deliver_head(d, items[0], head);
    imap_command_init(&command, "APPEND ");
    imap_command_quoted(&command, at->folder.wire);
    imap_command_add(&command, head);
    if (imap_session_send(d->session, &command, &call, err) < 0 ||
        deliver_send(d, items, count, before, answer, err) < 0)
        return -1;
    while (!answer->done)
        if (imap_session_turn(d->session, err) < 0)
            return -1;
    return 0;
}

/* Once more where the folder had gone. */
static int deliver_append_twice(struct imap_deliver *d, struct deliver_folder *at,
                                struct imap_delivery *const *items, size_t count,
                                struct deliver_answer *answer, struct error *err)
{
    if (deliver_append(d, at, items, count, answer, err) < 0)
        return -1;
    if (answer->why.class == ERROR_NONE ||
        (answer->code != IMAP_CODE_TRYCREATE && answer->code != IMAP_CODE_NONEXISTENT))
        return 0;
    if (deliver_folder_again(d, at, err) < 0)
        return -1;
    return deliver_append(d, at, items, count, answer, err);
}

static bool deliver_is_about_the_message(const struct deliver_answer *answer)
{
    return answer->why.class == ERROR_MAIL || answer->why.class == ERROR_PROTOCOL;
}

/* Some messages in one APPEND; where one of them is refused, each in its own. */
static int deliver_some(struct imap_deliver *d, struct deliver_folder *at,
                        struct imap_delivery *const *items, size_t count, struct error *err)
{
    struct deliver_answer answer;
    if (deliver_append_twice(d, at, items, count, &answer, err) < 0)
        return -1;
    if (answer.why.class == ERROR_NONE) {
        for (size_t i = 0; i < count; i++)
            items[i]->result = IMAP_DELIVERED_APPENDED;
        return 0;
    }
    if (!deliver_is_about_the_message(&answer)) {
        *err = answer.why;
        error_prefix(err, "%s: folder '%s'", d->settings->host, at->folder.path);
        return -1;
    }
    if (count == 1) {
        items[0]->result = IMAP_DELIVERED_REFUSED;
        items[0]->why = answer.why;
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        if (deliver_some(d, at, &items[i], 1, err) < 0) /* which goes no deeper */
            return -1;
    return 0;
}

static size_t deliver_how_many(const struct imap_deliver *d, struct imap_delivery *const *items,
                               size_t count)
{
    uint64_t bytes = items[0]->wire_size;
    size_t some = 1;
    if ((imap_session_can(d->session) & IMAP_CAN_MULTIAPPEND) == 0)
        return 1;
    while (some < count && some < IMAP_APPEND_MESSAGES &&
           bytes + items[some]->wire_size <= IMAP_APPEND_BYTES)
        bytes += items[some++]->wire_size;
    return some;
}

/* ---- All of them ----------------------------------------------------------------------------- */

/* Those of one folder. @room has as many places. */
static int deliver_group(struct imap_deliver *d, struct imap_delivery *const *items, size_t count,
                         struct imap_delivery **room, struct error *err)
{
    struct deliver_folder *at;
    size_t wanted = 0;
    /* analyse: there is one at least, see deliver_groups() */
    if (deliver_folder_get(d, items[0]->folder, &at, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (items[i]->look)
            room[wanted++] = items[i];
    for (size_t i = 0; i < wanted; i += IMAP_APPEND_MESSAGES)
        if (deliver_look(d, at, room + i,
                         wanted - i < IMAP_APPEND_MESSAGES ? wanted - i : IMAP_APPEND_MESSAGES,
                         err) < 0)
            return -1;
    wanted = 0;
    for (size_t i = 0; i < count; i++)
        if (items[i]->result == IMAP_DELIVERED_NOT)
            room[wanted++] = items[i];
    for (size_t i = 0, some; i < wanted; i += some) {
        some = deliver_how_many(d, room + i, wanted - i);
        if (deliver_some(d, at, room + i, some, err) < 0)
            return -1;
    }
    return 0;
}

static int deliver_groups(struct imap_deliver *d, struct imap_delivery *items, size_t count,
                          struct imap_delivery **group, struct error *err)
{
    for (size_t first = 0; first < count; first++) {
        size_t members = 0;
        if (items[first].result != IMAP_DELIVERED_NOT)
            continue;
        for (size_t i = first; i < count; i++)
            if (text_equal(items[i].folder, items[first].folder))
                group[members++] = &items[i];
        if (deliver_group(d, group, members, group + count, err) < 0)
            return -1;
    }
    return 0;
}

int imap_deliver_run(struct imap_deliver *d, struct imap_delivery *items, size_t count,
                     struct error *err)
{
    if (count == 0)
        return 0;
    for (size_t i = 0; i < count; i++) {
        items[i].result = IMAP_DELIVERED_NOT;
        if (imap_literal_measure(&items[i].raw, &items[i].wire_size, err) < 0)
            return -1;
    }
    struct imap_delivery **group = calloc(2 * count, sizeof(struct imap_delivery *));
    if (group == NULL)
        return error_oom(err, "delivering mail");
    int failed = deliver_connect(d, err) < 0 || deliver_groups(d, items, count, group, err) < 0;
    free(group);
    return failed ? -1 : 0;
}
