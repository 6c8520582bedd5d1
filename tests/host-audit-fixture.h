/* SPDX-License-Identifier: Apache-2.0 */
/* host-audit-fixture.h - a queue and a survey for host/audit, and what comes of them.
 *
 * The queue is in memory, the survey a list of messages. A message's raw bytes are the text of its
 * number, so that its size and its digest (here: the text itself) follow from it.
 *
 *     archive(1, "one", 11);      picked up from INBOX, and moved to DROPBOX
 *     see(D, 11, "one");          it is there
 *     ck_assert_str_eq(verdict(), ""); */
#ifndef MAILCHUTE_TESTS_HOST_AUDIT_FIXTURE_H
#define MAILCHUTE_TESTS_HOST_AUDIT_FIXTURE_H

#include <check.h>
#include <stdint.h>

#include "audit.h"

#define EPOCH 7u  /* UIDVALIDITY of the mailbox */
#define TARGET 9u /* and of DROPBOX and BADMAIL */
#define NEXT 100u /* UIDNEXT of all three */

extern struct queue *queue;
extern struct error err;
extern struct audit_settings settings;
extern struct audit *audit;
extern char story[2048];     /* "no-entry DROPBOX 3;" for each disagreement */
extern uint64_t told;        /* messages, by the survey */
extern unsigned downloads;   /* digests that were asked for */
extern unsigned stop_after;  /* disagreements; 0: never */
extern const char *raw_text; /* what a raw message is read as, NULL: as it is */
extern uint32_t mailbox_flags, mailbox_epoch, target_epoch, put_epoch;

/* Checked fixture of each test: an empty queue, nothing seen. */
void set_up(void);
void tear_down(void);

void digest_of(const char *text, uint8_t out[QUEUE_DIGEST_SIZE]);

/* The entry of message @uid, of which the raw bytes are @text; NULL: bad mail of which there are
 * none. */
void put(uint32_t uid, const char *text);
void note(uint32_t uid, enum queue_step step, const char *target, uint32_t target_uid);

/* Picked up and moved. */
void archive(uint32_t uid, const char *text, uint32_t target_uid);

/* The survey: its folders (the first message tells them), then messages. */
void begin(void);
void see_flagged(uint32_t place, uint32_t uid, const char *text, uint32_t flags);
void see(uint32_t place, uint32_t uid, const char *text);
#define M LOADER_PLACE_MAILBOX
#define D LOADER_PLACE_DROPBOX
#define B LOADER_PLACE_BADMAIL

/* All that is told in the end. */
const char *verdict(void);
#define COUNT(field) audit_counts(audit)->field

/* Another survey of the same queue. */
void again(void);

#endif
