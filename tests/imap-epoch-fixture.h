/* SPDX-License-Identifier: Apache-2.0 */
/* imap-epoch-fixture.h - one mailbox whose messages are numbered as a test wants, on a scripted
 * server (imap-script.h), and a host over a real queue that remembers what was there before.
 *
 *     worked_in(7);
 *     before(7, 3, 3, IMAP_STEP_STORED);      message 3 was stored as UID 3 of UIDVALIDITY 7
 *     put_message(4, 3, 0);                   it is in the mailbox (UIDVALIDITY 8) as UID 4
 *     ck_session(ERROR_NONE);
 *     SAYS("UID MOVE 4"); */
#ifndef MAILCHUTE_TESTS_IMAP_EPOCH_FIXTURE_H
#define MAILCHUTE_TESTS_IMAP_EPOCH_FIXTURE_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "imap-pickup.h"
#include "imap-script.h"
#include "queue.h"

#define SCOPE "IMAP", "ann@example.org", "INBOX"
#define MESSAGES 600

struct message {
    uint32_t uid;
    unsigned k, variant; /* of its text */
};

struct world {
    struct message messages[MESSAGES]; /* that are in the mailbox, ascending UIDs */
    size_t count;
    uint32_t marked; /* those up to this UID bear our keyword */
    uint32_t uidvalidity, uidnext;
    const char *capabilities; /* NULL: all */
    const char *more;         /* of the connection string; NULL: nothing */
    struct queue *queue;
    struct clock clock;
    int64_t now_s;
    bool accept, read_only;
    bool shared; /* the mailbox is one of several folders, visited by a session of somebody else */
    uint32_t flood_of; /* the ledger has so many settled rows of this UIDVALIDITY, before all others
                          ... */
    uint32_t flood; /* ... of which nothing else is known, but of UIDs up to MESSAGES; 0: none */
    bool flood_unmoved; /* they are stored and not settled */
    void (*meanwhile)(void); /* what another run does, once, as soon as our host has told what it
                                knows of the mailbox; NULL: nothing */
    struct error err;
    char log[8000];
    char *trace;   /* of the last session */
    size_t handed; /* messages handed out in it */
    size_t notes;  /* times that the ledger was written to */
    size_t batch;  /* messages that are settled at a time; 0: all */
    uint32_t pieces; /* runs of UIDs that are held at a time; 0: as many as are usual */
    struct script_server *server;
};

extern struct world w;

/* A world with an empty mailbox (UIDVALIDITY 8) and an empty queue: checked fixture of each test.
 */
void setup(void);
void teardown(void);

/* Message k is in the mailbox: always the same text, all of one size. Variant 1 has other bytes,
 * and the same Message-ID and size; variant 2 is four bytes longer. */
void put_message(uint32_t uid, unsigned k, unsigned variant);

#define NAMELESS 9000u /* messages from this k on have no Message-ID */

/* Message k was stored under this name and has come to this step, by the settings of w.more. */
void before(uint32_t uidvalidity, uint32_t uid, unsigned k, enum imap_step step);

/* It was stored, and left in the mailbox, as after=Leave has it. */
void stayed(uint32_t uidvalidity, uint32_t uid, unsigned k);

/* The same of a message that was not read: nothing is known but the size that was told. */
void stayed_unread(uint32_t uidvalidity, uint32_t uid, uint64_t size);

/* This stands in the ledger. */
void note(const struct imap_record *record);

/* The mailbox was worked in under this UIDVALIDITY. */
void worked_in(uint32_t uidvalidity);

/* One session with the mailbox as it is in w. @first: rules that come before the others. Its end:
 * ERROR_NONE when all is drained. */
enum error_class session_with_rules(const struct script_rule *first, size_t count);
enum error_class session_with(const struct script_rule *first); /* one, or NULL */
void ck_session(enum error_class want);

/* What is known afterwards. */
uint32_t step_of(uint32_t uidvalidity, uint32_t uid);
struct imap_mailbox mailbox(void);
size_t entries(void);

#define SAYS(text) ck_assert_msg(strstr(w.trace, text) != NULL, "'%s' is not in\n%s", text, w.trace)
#define SILENT(text) ck_assert_msg(strstr(w.trace, text) == NULL, "'%s' is in\n%s", text, w.trace)

#endif
