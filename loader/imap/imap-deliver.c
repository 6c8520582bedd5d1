/* SPDX-License-Identifier: Apache-2.0 */
/* imap-deliver.c - see imap-deliver.h. */
#include <config.h>
#include "imap-deliver.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "imap-deliver-private.h"
#include "text.h"

#define DELIVER_LITERAL_MINUS 4096u /* bytes that LITERAL- lets go without "+" (RFC 7888 s.5) */
#define DELIVER_BUGS_MAX 3u         /* SERVERBUG in a row: it is the server */

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

void imap_deliver_close(struct imap_deliver *d)
{
    if (d == NULL)
        return;
    deliver_forget_secret(d);
    free(d->user);
    imap_session_close(d->session);
    imap_deliver_forget_folders(d);
    free(d);
}

static int deliver_connect(struct imap_deliver *d, struct error *err)
{
    if (d->session != NULL)
        return 0;
    int failed = imap_session_open(d->settings, d->user, d->secret, d->host, &d->session, err);
    deliver_forget_secret(d);
    return failed < 0 ? -1 : imap_levels_ask(d->session, &d->levels, err);
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

static const char *deliver_hint(enum imap_code code)
{
    switch (code) {
    case IMAP_CODE_OVERQUOTA:
        return "make room in the mailbox, or ask for more";
    case IMAP_CODE_NOPERM:
    case IMAP_CODE_NONEXISTENT:
    case IMAP_CODE_TRYCREATE:
    case IMAP_CODE_READ_ONLY:
        return "see who may write into the folder, or name another";
    default:
        return "look at the message";
    }
}

/* LIMIT is "try again later" of all other commands. */
static void deliver_answer_limit(const struct imap_event *event, struct error *why)
{
    char said[200];
    text_said(said, sizeof said, event->text.bytes, event->text.len);
    error_set(why, ERROR_MAIL, "APPEND failed, the server says '%s'; the message may be larger "
              "than it takes", said);
}

static int deliver_append_done(void *context, const struct imap_event *event, struct error *err)
{
    struct deliver_answer *answer = context;
    (void)err;
    answer->done = true;
    answer->code = event->code;
    if (event->status == IMAP_OK)
        return 0;
    (void)imap_answer_error(event, ERROR_MAIL, "APPEND", deliver_hint(event->code), &answer->why);
    if (event->code == IMAP_CODE_LIMIT && answer->why.pause_s == 0)
        deliver_answer_limit(event, &answer->why);
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
static enum deliver_step deliver_append_twice(struct imap_deliver *d, struct deliver_folder *at,
                                              struct imap_delivery *const *items, size_t count,
                                              struct deliver_answer *answer, struct error *err)
{
    if (deliver_append(d, at, items, count, answer, err) < 0)
        return DELIVER_FAILED;
    if (answer->why.class == ERROR_NONE ||
        (answer->code != IMAP_CODE_TRYCREATE && answer->code != IMAP_CODE_NONEXISTENT))
        return DELIVER_FINE;
    enum deliver_step made = imap_deliver_make_again(d, at, err);
    if (made != DELIVER_FINE)
        return made;
    return deliver_append(d, at, items, count, answer, err) < 0 ? DELIVER_FAILED : DELIVER_FINE;
}

/* ---- What a refusal means -------------------------------------------------------------------- */

/* What a run has learnt from refusals. */
struct deliver_run {
    const struct imap_delivery *too_big; /* the smallest for which this folder had no room, or NULL */
    bool singly; /* a refusal of many does not tell whose it is */
    unsigned bugs;
    struct imap_delivery *items;
    size_t count;
};

enum deliver_blame {
    BLAME_NOBODY,  /* try again later: all stop */
    BLAME_FOLDER,
    BLAME_ROOM,    /* no room for one of this size: smaller ones are tried */
    BLAME_DOUBT,   /* the message, if another is taken after it; else nobody knows */
    BLAME_MESSAGE
};

static enum deliver_blame deliver_blame(const struct deliver_answer *answer)
{
    if (answer->why.class == ERROR_PAUSE && answer->why.pause_s > 0)
        return BLAME_NOBODY;
    switch (answer->code) {
    case IMAP_CODE_OVERQUOTA:
        return BLAME_ROOM;
    case IMAP_CODE_LIMIT:
    case IMAP_CODE_SERVERBUG:
        return BLAME_DOUBT;
    case IMAP_CODE_NOPERM:
    case IMAP_CODE_NONEXISTENT:
    case IMAP_CODE_TRYCREATE:
    case IMAP_CODE_READ_ONLY:
        return BLAME_FOLDER;
    default:
        return answer->why.class == ERROR_MAIL || answer->why.class == ERROR_PROTOCOL
                   ? BLAME_MESSAGE
                   : BLAME_NOBODY;
    }
}

/* Nothing came of it so far, and it was not left. */
static bool deliver_is_open(const struct imap_delivery *item)
{
    return item->result == IMAP_DELIVERED_NOT && item->why.class == ERROR_NONE;
}

/* Those that are open stay NOT, for this reason. */
static void deliver_leave(struct imap_delivery *const *items, size_t count, const struct error *why)
{
    for (size_t i = 0; i < count; i++)
        if (deliver_is_open(items[i]))
            items[i]->why = *why;
}

/* Those that were doubted are refused: another was taken after them. A limit may be the folder's:
 * one that another folder takes tells nothing. */
static void deliver_taken(struct deliver_run *run, struct deliver_folder *at,
                          struct imap_delivery *const *items, size_t count)
{
    at->appended += (uint32_t)count;
    run->bugs = 0;
    for (size_t i = 0; i < count; i++)
        items[i]->result = IMAP_DELIVERED_APPENDED;
    for (size_t i = 0; i < run->count; i++)
        if (run->items[i].doubted &&
            (!run->items[i].limited || text_equal(run->items[i].folder, items[0]->folder)))
            run->items[i].result = IMAP_DELIVERED_REFUSED;
}

/* One message, alone in its APPEND, was refused. */
static int deliver_refused(struct deliver_run *run, struct imap_delivery *item,
                           const struct deliver_answer *answer, enum deliver_blame blame,
                           struct error *err)
{
    item->why = answer->why;
    if (answer->code == IMAP_CODE_SERVERBUG && ++run->bugs >= DELIVER_BUGS_MAX) {
        *err = answer->why;
        return -1;
    }
    if (blame == BLAME_MESSAGE)
        item->result = IMAP_DELIVERED_REFUSED;
    item->doubted = blame == BLAME_DOUBT;
    item->limited = answer->code == IMAP_CODE_LIMIT;
    if (blame == BLAME_ROOM || answer->code == IMAP_CODE_LIMIT)
        run->too_big = item;
    return 0;
}

/* There was no room for one that is not larger. */
static bool deliver_is_too_big(const struct deliver_run *run, const struct imap_delivery *item)
{
    return run->too_big != NULL && item->wire_size >= run->too_big->wire_size;
}

/* ---- One folder ------------------------------------------------------------------------------ */

/* Some messages in one APPEND. Where many are refused and nobody knows whose fault it is they stay
 * open, and are to go one by one. */
static enum deliver_step deliver_some(struct imap_deliver *d, struct deliver_folder *at,
                                      struct deliver_run *run, struct imap_delivery *const *items,
                                      size_t count, struct error *err)
{
    struct deliver_answer answer;
    enum deliver_step step = deliver_append_twice(d, at, items, count, &answer, err);
    if (step != DELIVER_FINE)
        return step;
    if (answer.why.class == ERROR_NONE) {
        deliver_taken(run, at, items, count);
        return DELIVER_FINE;
    }
    error_prefix(&answer.why, "%s: folder '%s'", d->settings->host, at->folder.path);
    enum deliver_blame blame = deliver_blame(&answer);
    if (blame == BLAME_NOBODY || blame == BLAME_FOLDER) {
        *err = answer.why;
        return blame == BLAME_FOLDER ? DELIVER_LEFT : DELIVER_FAILED;
    }
    run->singly = run->singly || count > 1;
    if (count > 1)
        return DELIVER_FINE;
    return deliver_refused(run, items[0], &answer, blame, err) < 0 ? DELIVER_FAILED : DELIVER_FINE;
}

/* How many from the first on go in one APPEND. */
static size_t deliver_how_many(const struct imap_deliver *d, const struct deliver_run *run,
                               struct imap_delivery *const *items, size_t count)
{
    uint64_t bytes = items[0]->wire_size;
    size_t some = 1;
    if (run->singly || (imap_session_can(d->session) & IMAP_CAN_MULTIAPPEND) == 0)
        return 1;
    while (some < count && some < IMAP_APPEND_MESSAGES &&
           bytes + items[some]->wire_size <= IMAP_APPEND_BYTES &&
           !deliver_is_too_big(run, items[some]))
        bytes += items[some++]->wire_size;
    return some;
}

static enum deliver_step deliver_append_all(struct imap_deliver *d, struct deliver_folder *at,
                                            struct deliver_run *run,
                                            struct imap_delivery *const *items, size_t count,
                                            struct error *err)
{
    enum deliver_step step = DELIVER_FINE;
    for (size_t i = 0, some; i < count && step == DELIVER_FINE;) {
        if (deliver_is_too_big(run, items[i]))
            deliver_leave(&items[i], 1, &run->too_big->why);
        if (!deliver_is_open(items[i])) {
            i++;
            continue;
        }
        some = deliver_how_many(d, run, items + i, count - i);
        step = deliver_some(d, at, run, items + i, some, err);
    }
    return step;
}

/* ---- All of them ----------------------------------------------------------------------------- */

/* Of @items those that @wanted() is true for, into @room. */
static size_t deliver_choose(struct imap_delivery *const *items, size_t count,
                             bool (*wanted)(const struct imap_delivery *item),
                             struct imap_delivery **room)
{
    size_t chosen = 0;
    for (size_t i = 0; i < count; i++)
        if (wanted(items[i]))
            room[chosen++] = items[i];
    return chosen;
}

/* So many at once. */
static enum deliver_step deliver_search(struct imap_deliver *d, struct deliver_folder *at,
                                        struct imap_delivery *const *items, size_t count,
                                        struct error *err)
{
    enum deliver_step step = DELIVER_FINE;
    for (size_t i = 0; i < count && step == DELIVER_FINE; i += IMAP_APPEND_MESSAGES) {
        size_t left = count - i;
        step = imap_deliver_search_there(
            d, at, items + i, left < IMAP_APPEND_MESSAGES ? left : IMAP_APPEND_MESSAGES, err);
    }
    return step;
}

static bool deliver_is_to_look_for(const struct imap_delivery *item)
{
    return item->look;
}

static enum deliver_step deliver_search_all(struct imap_deliver *d, struct deliver_folder *at,
                                            struct imap_delivery *const *items, size_t count,
                                            struct imap_delivery **room, struct error *err)
{
    return deliver_search(d, at, room, deliver_choose(items, count, deliver_is_to_look_for, room),
                          err);
}

/* Which are there already. Then the folder is there, and one that LIST and EXAMINE hide has none
 * that are to be looked for. */
static enum deliver_step deliver_look_first(struct imap_deliver *d, struct deliver_folder *at,
                                            struct imap_delivery *const *items, size_t count,
                                            struct imap_delivery **room, struct error *err)
{
    enum deliver_step step = deliver_search_all(d, at, items, count, room, err);
    if (step != DELIVER_FINE || at->folder.exists)
        return step;
    step = imap_deliver_make_again(d, at, err);
    if (step == DELIVER_FINE)
        step = deliver_search_all(d, at, items, count, room, err);
    if (step != DELIVER_FINE || at->folder.exists)
        return step;
    error_set(err, ERROR_CONFIG, "%s: folder '%.100s' is there and cannot be looked into: see who "
              "may read it, or name another", d->settings->host, at->path);
    return DELIVER_LEFT;
}

/* What is done with those of one folder. @room has as many places. */
typedef enum deliver_step deliver_work(struct imap_deliver *d, struct deliver_run *run,
                                       struct imap_delivery *const *items, size_t count,
                                       struct imap_delivery **room, struct error *err);

static enum deliver_step deliver_put(struct imap_deliver *d, struct deliver_run *run,
                                     struct imap_delivery *const *items, size_t count,
                                     struct imap_delivery **room, struct error *err)
{
    struct deliver_folder *at;
    /* analyse: there is one at least, see deliver_groups() */
    enum deliver_step step = imap_deliver_make(d, items[0]->folder, items[0]->root, &at, err);
    if (step == DELIVER_FINE)
        step = deliver_look_first(d, at, items, count, room, err);
    if (step != DELIVER_FINE)
        return step;
    at->fresh = false;
    run->too_big = NULL; /* other folders have limits, and maybe a quota, of their own */
    size_t wanted = deliver_choose(items, count, deliver_is_open, room);
    return deliver_append_all(d, at, run, room, wanted, err);
}

/* Only what can be told by its id. */
static bool deliver_is_to_find(const struct imap_delivery *item)
{
    return item->by_id;
}

static enum deliver_step deliver_find(struct imap_deliver *d, struct deliver_run *run,
                                      struct imap_delivery *const *items, size_t count,
                                      struct imap_delivery **room, struct error *err)
{
    struct deliver_folder *at;
    (void)run;
    /* analyse: there is one at least, see deliver_groups() */
    enum deliver_step step = imap_deliver_find(d, items[0]->folder, &at, err);
    if (step != DELIVER_FINE || !at->folder.exists)
        return step;
    return deliver_search(d, at, room, deliver_choose(items, count, deliver_is_to_find, room), err);
}

/* Folder by folder; one that cannot be used keeps no other back. */
static int deliver_groups(struct imap_deliver *d, struct deliver_run *run, deliver_work *work,
                          struct imap_delivery **group, struct error *err)
{
    for (size_t first = 0; first < run->count; first++) {
        const struct imap_delivery *leader = &run->items[first];
        size_t members = 0;
        if (leader->grouped)
            continue;
        for (size_t i = first; i < run->count; i++)
            if (!run->items[i].grouped && text_equal(run->items[i].folder, leader->folder) &&
                run->items[i].root == leader->root) {
                run->items[i].grouped = true;
                group[members++] = &run->items[i];
            }
        struct error why = {0};
        switch (work(d, run, group, members, group + run->count, &why)) {
        case DELIVER_FAILED:
            *err = why;
            return -1;
        case DELIVER_FINE:
            break;
        case DELIVER_LEFT:
            deliver_leave(group, members, &why);
            break;
        }
    }
    return 0;
}

static int deliver_all(struct imap_deliver *d, struct imap_delivery *items, size_t count,
                       deliver_work *work, struct error *err)
{
    struct deliver_run run = {.items = items, .count = count};
    if (count == 0)
        return 0;
    for (size_t i = 0; i < count; i++) {
        items[i].result = IMAP_DELIVERED_NOT;
        items[i].why = (struct error){0};
        items[i].doubted = items[i].limited = false;
        items[i].grouped = imap_literal_measure(&items[i].raw, &items[i].wire_size,
                                                &items[i].why) < 0; /* it goes nowhere */
    }
    struct imap_delivery **group = calloc(2 * count, sizeof(struct imap_delivery *));
    if (group == NULL)
        return error_oom(err, "delivering mail");
    int failed = deliver_connect(d, err);
    if (failed == 0)
        failed = deliver_groups(d, &run, work, group, err);
    free(group);
    return failed;
}

int imap_deliver_run(struct imap_deliver *d, struct imap_delivery *items, size_t count,
                     struct error *err)
{
    return deliver_all(d, items, count, deliver_put, err);
}

int imap_deliver_look(struct imap_deliver *d, struct imap_delivery *items, size_t count,
                      struct error *err)
{
    return deliver_all(d, items, count, deliver_find, err);
}
