/* SPDX-License-Identifier: Apache-2.0 */
/* queue-fixture.h - a queue in a folder of its own, a clock that is set by hand, items to put. */
#ifndef MAILCHUTE_TESTS_QUEUE_FIXTURE_H
#define MAILCHUTE_TESTS_QUEUE_FIXTURE_H

#include <check.h>

#include "queue.h"

extern const char *const queue_fixture_kinds[]; /* "memory", "sqlite" */
#define QUEUE_FIXTURE_MEMORY 0
#define QUEUE_FIXTURE_SQLITE 1
#define QUEUE_FIXTURE_KINDS 2

struct queue_fixture {
    char dir[128]; /* removed by queue_fixture_done() */
    char url[160]; /* the queue's */
    bool keeps;    /* what was committed is there after close and reopen */
    int64_t now_s; /* what the clock shows */
    struct clock clock;
    struct queue *queue;
    struct error err;
};

void queue_fixture_init(struct queue_fixture *fixture, int kind);
void queue_fixture_done(struct queue_fixture *fixture);
void queue_fixture_remove(const char *folder); /* with all that is in it */
void queue_fixture_reopen(struct queue_fixture *fixture);

/** queue_fixture_item - message @uid of ann's INBOX with a small raw message. Borrows static text.
 */
struct queue_item queue_fixture_item(uint32_t uid);

/** queue_fixture_add - put and commit messages @first to @last. */
void queue_fixture_add(struct queue_fixture *fixture, uint32_t first, uint32_t last);

/** queue_fixture_id - the entry id of message @uid. */
void queue_fixture_id(uint32_t uid, char out_id[QUEUE_ID_TEXT]);

/** queue_fixture_count - how many entries there are. */
size_t queue_fixture_count(struct queue_fixture *fixture);

/** queue_fixture_uids - the UIDs that this filter shows, as "3 1 2". Static text. */
const char *queue_fixture_uids(struct queue_fixture *fixture, const struct queue_filter *filter);

/** queue_fixture_step - what the ledger says of message @uid. */
struct queue_record queue_fixture_record(struct queue_fixture *fixture, uint32_t uid);

/** queue_fixture_note - note one step of message @uid. */
void queue_fixture_note(struct queue_fixture *fixture, uint32_t uid, enum queue_step step);

#define ck_well(fixture, call) ck_assert_msg((call) == 0, "%s: %s", #call, (fixture)->err.text)

#endif
