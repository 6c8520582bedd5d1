/* SPDX-License-Identifier: Apache-2.0 */
/* trail.c - which requests are written into the audit. See trail.h. */
#include <config.h>
#include "trail.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pass.h"

#define TRAIL_CELLS 1024u
#define TRAIL_SETS 256u /* of TRAIL_TOGETHER messages each */
#define TRAIL_MINUTE_MS 60000u
#define TRAIL_HOUR_MS 3600000u
#define TRAIL_TEXT_MAX 1200u

struct trail_seen {
    uint64_t what; /* 0: nothing yet */
    uint64_t since_ms;
};

struct trail {
    pthread_mutex_t lock; /* over all below but the key */
    uint8_t key[PASS_KEY_SIZE];
    struct trail_seen seen[TRAIL_SETS][TRAIL_TOGETHER]; /* a later one takes the oldest's place */
    uint8_t each[TRAIL_CELLS];           /* refusals of this minute; who share a cell share it */
    uint64_t minute_ms, hour_ms;         /* when these began */
    unsigned strangers;                  /* of this hour */
    uint64_t left_out;
};

int trail_new(struct trail **out_trail, struct error *err)
{
    struct trail *trail = calloc(1, sizeof *trail);
    if (trail == NULL)
        return error_oom(err, "starting the REST interface");
    pthread_mutex_init(&trail->lock, NULL);
    pass_key(trail->key);
    *out_trail = trail;
    return 0;
}

void trail_free(struct trail *trail)
{
    if (trail == NULL)
        return;
    pthread_mutex_destroy(&trail->lock);
    free(trail);
}

/* Where @what is noted already, or else where it is to be. */
static struct trail_seen *trail_place(struct trail *trail, uint64_t what)
{
    struct trail_seen *set = trail->seen[what % TRAIL_SETS];
    struct trail_seen *place = &set[0];
    for (unsigned i = 0; i < TRAIL_TOGETHER; i++) {
        if (set[i].what == what)
            return &set[i];
        if (set[i].since_ms < place->since_ms)
            place = &set[i];
    }
    return place;
}

static bool trail_shown(struct trail *trail, const struct queue_audit *line, uint64_t now_ms)
{
    char text[TRAIL_TEXT_MAX];
    if (line->result >= 300)
        return false; /* there was nothing to see */
    (void)snprintf(text, sizeof text, "%.300s\n%.100s\n%.100s\n%.300s", line->who, line->from,
                   line->what, line->object);
    uint64_t what = pass_keyed(trail->key, text);
    struct trail_seen *seen = trail_place(trail, what);
    /* Two who ask at once may come in another order than their clocks were read. */
    if (seen->what == what && now_ms < seen->since_ms + TRAIL_AGAIN_MS)
        return false;
    *seen = (struct trail_seen){what, now_ms};
    return true;
}

static void trail_turn(struct trail *trail, uint64_t now_ms)
{
    if (now_ms - trail->minute_ms >= TRAIL_MINUTE_MS) {
        trail->minute_ms = now_ms;
        memset(trail->each, 0, sizeof trail->each);
    }
    if (now_ms - trail->hour_ms >= TRAIL_HOUR_MS) {
        trail->hour_ms = now_ms;
        trail->strangers = 0;
    }
}

static bool trail_refused(struct trail *trail, const struct queue_audit *line, uint64_t now_ms)
{
    bool stranger = line->who[0] == '\0';
    uint64_t who = pass_keyed(trail->key, stranger ? line->from : line->who);
    uint8_t *each = &trail->each[who % TRAIL_CELLS];
    trail_turn(trail, now_ms);
    if (*each == TRAIL_EACH || (stranger && trail->strangers == TRAIL_STRANGERS)) {
        trail->left_out++;
        return false;
    }
    ++*each;
    trail->strangers += stranger;
    return true;
}

static bool trail_decide(struct trail *trail, const struct queue_audit *line, enum trail_kind kind,
                         bool shown, uint64_t now_ms)
{
    bool refused = line->result == 401 || line->result == 403 || line->result == 429 ||
                   (line->who[0] == '\0' && line->result >= 400);
    if (refused)
        return (kind != TRAIL_LOOKED || shown) && trail_refused(trail, line, now_ms);
    return kind == TRAIL_CHANGED || (kind == TRAIL_SHOWN && trail_shown(trail, line, now_ms));
}

bool trail_wants(struct trail *trail, const struct queue_audit *line, enum trail_kind kind,
                 bool shown, uint64_t now_ms, uint64_t *out_left_out)
{
    pthread_mutex_lock(&trail->lock);
    bool wanted = trail_decide(trail, line, kind, shown, now_ms);
    *out_left_out = wanted ? trail->left_out : 0;
    trail->left_out -= *out_left_out;
    pthread_mutex_unlock(&trail->lock);
    return wanted;
}
