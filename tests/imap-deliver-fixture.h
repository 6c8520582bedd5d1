/* SPDX-License-Identifier: Apache-2.0 */
/* imap-deliver-fixture.h - three messages for a scripted server: what the suites over deliveries
 * share. Before each test messages(). */
#ifndef MAILCHUTE_TESTS_IMAP_DELIVER_FIXTURE_H
#define MAILCHUTE_TESTS_IMAP_DELIVER_FIXTURE_H

#include "imap-deliver.h"
#include "imap-pickup-fixture.h"

#define ALL "LITERAL+ MULTIAPPEND"
#define MESSAGES 3

extern struct imap_delivery items[MESSAGES];
extern struct script script;
extern struct error err;

/* Three messages for "Inbox/a", the second with lines as files have them. */
void messages(void);

/* imap_deliver_run() or imap_deliver_look(). */
typedef int work(struct imap_deliver *deliver, struct imap_delivery *of, size_t count,
                 struct error *why);

/* Yours: host_stop(). */
struct host *deliver_these(work *with, struct imap_delivery *of, size_t of_count,
                           const struct script_rule *rules, size_t count, const char *can,
                           int want);
struct host *deliver(const struct script_rule *rules, size_t count, const char *can, int want);
#define DELIVER(rules, can, want) deliver(rules, sizeof rules / sizeof rules[0], can, want)

void results(struct host *h, int first, int second, int third);

#define EMPTY                                                                                      \
    {                                                                                              \
        "*EXAMINE", "* 0 EXISTS\r\n* OK [UIDVALIDITY 9] x\r\n" OK                                  \
    }
#define EIGHT                                                                                      \
    {                                                                                              \
        "*EXAMINE", "* 7 EXISTS\r\n* OK [UIDVALIDITY 9] x\r\n* OK [UIDNEXT 8] x\r\n" OK            \
    }

#endif
