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
    return failed;
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

static bool deliver_is_about_the_message(const struct deliver_answer *answer)
{
    return answer->why.class == ERROR_MAIL || answer->why.class == ERROR_PROTOCOL;
}

/* Some messages in one APPEND; where one of them is refused, each in its own. */
static enum deliver_step deliver_some(struct imap_deliver *d, struct deliver_folder *at,
                                      struct imap_delivery *const *items, size_t count,
                                      struct error *err)
{
    struct deliver_answer answer;
    enum deliver_step step = deliver_append_twice(d, at, items, count, &answer, err);
    if (step != DELIVER_FINE)
        return step;
    if (answer.why.class == ERROR_NONE) {
        for (size_t i = 0; i < count; i++)
            items[i]->result = IMAP_DELIVERED_APPENDED;
        return DELIVER_FINE;
    }
    if (!deliver_is_about_the_message(&answer)) {
        *err = answer.why;
        error_prefix(err, "%s: folder '%s'", d->settings->host, at->folder.path);
        return DELIVER_FAILED;
    }
    if (count == 1) {
        items[0]->result = IMAP_DELIVERED_REFUSED;
        items[0]->why = answer.why;
        return DELIVER_FINE;
    }
    for (size_t i = 0; i < count && step == DELIVER_FINE; i++)
        step = deliver_some(d, at, &items[i], 1, err); /* which goes no deeper */
    return step;
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

static bool deliver_is_to_look_for(const struct imap_delivery *item)
{
    return item->look;
}

static bool deliver_is_to_send(const struct imap_delivery *item)
{
    return item->result == IMAP_DELIVERED_NOT;
}

/* What is done with those of one folder. @room has as many places. */
typedef enum deliver_step deliver_work(struct imap_deliver *d, struct imap_delivery *const *items,
                                       size_t count, struct imap_delivery **room,
                                       struct error *err);

static enum deliver_step deliver_put(struct imap_deliver *d, struct imap_delivery *const *items,
                                     size_t count, struct imap_delivery **room, struct error *err)
{
    struct deliver_folder *at;
    /* analyse: there is one at least, see deliver_groups() */
    enum deliver_step step = imap_deliver_make(d, items[0]->folder, &at, err);
    if (step == DELIVER_FINE)
        step = imap_deliver_search_there(
            d, at, room, deliver_choose(items, count, deliver_is_to_look_for, room), err);
    size_t wanted = deliver_choose(items, count, deliver_is_to_send, room);
    for (size_t i = 0, some; i < wanted && step == DELIVER_FINE; i += some) {
        some = deliver_how_many(d, room + i, wanted - i);
        step = deliver_some(d, at, room + i, some, err);
    }
    return step;
}

/* Only what can be told by its id. */
static bool deliver_is_to_find(const struct imap_delivery *item)
{
    return item->by_id;
}

static enum deliver_step deliver_find(struct imap_deliver *d, struct imap_delivery *const *items,
                                      size_t count, struct imap_delivery **room, struct error *err)
{
    struct deliver_folder *at;
    enum deliver_step step = imap_deliver_find(d, items[0]->folder, &at, err);
    if (step != DELIVER_FINE || !at->folder.exists)
        return step;
    return imap_deliver_search_there(
        d, at, room, deliver_choose(items, count, deliver_is_to_find, room), err);
}

/* Folder by folder; one that cannot be used keeps no other back. */
static int deliver_groups(struct imap_deliver *d, struct imap_delivery *items, size_t count,
                          deliver_work *work, struct imap_delivery **group, struct error *err)
{
    for (size_t first = 0; first < count; first++) {
        size_t members = 0;
        if (items[first].grouped)
            continue;
        for (size_t i = first; i < count; i++)
            if (text_equal(items[i].folder, items[first].folder)) {
                items[i].grouped = true;
                group[members++] = &items[i];
            }
        struct error why = {0};
        switch (work(d, group, members, group + count, &why)) {
        case DELIVER_FAILED:
            *err = why;
            return -1;
        case DELIVER_FINE:
            break;
        case DELIVER_LEFT:
            for (size_t i = 0; i < members; i++)
                if (group[i]->result == IMAP_DELIVERED_NOT)
                    group[i]->why = why;
            break;
        }
    }
    return 0;
}

static int deliver_all(struct imap_deliver *d, struct imap_delivery *items, size_t count,
                       deliver_work *work, struct error *err)
{
    struct imap_delivery **group = calloc(2 * count, sizeof(struct imap_delivery *));
    if (group == NULL)
        return error_oom(err, "delivering mail");
    for (size_t i = 0; i < count; i++) {
        items[i].result = IMAP_DELIVERED_NOT;
        items[i].why = (struct error){0};
        items[i].grouped = false;
    }
    int failed = deliver_connect(d, err);
    if (failed == 0)
        failed = deliver_groups(d, items, count, work, group, err);
    free(group);
    return failed;
}

int imap_deliver_run(struct imap_deliver *d, struct imap_delivery *items, size_t count,
                     struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (imap_literal_measure(&items[i].raw, &items[i].wire_size, err) < 0)
            return -1;
    return count == 0 ? 0 : deliver_all(d, items, count, deliver_put, err);
}

int imap_deliver_look(struct imap_deliver *d, struct imap_delivery *items, size_t count,
                      struct error *err)
{
    return count == 0 ? 0 : deliver_all(d, items, count, deliver_find, err);
}
