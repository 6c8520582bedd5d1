/* SPDX-License-Identifier: Apache-2.0 */
/* imap-pickup-fixture.h - a pick-up from a scripted server (imap-script.h), by a host that keeps
 * its ledger in memory: what the suites over the whole dialogue share.
 *
 *     static const struct script_rule rules[] = {FOUND_ONE, LIST_ONE, BODY_ONE, MOVE_ONE};
 *     struct host *h = RUN(rules, FULL, "", "5 ");
 *     TRACE(h, "note 5 ATTEMPTED", "UID MOVE 5", "-EXPUNGE");
 *     host_stop(h); */
#ifndef MAILCHUTE_TESTS_IMAP_PICKUP_FIXTURE_H
#define MAILCHUTE_TESTS_IMAP_PICKUP_FIXTURE_H

#include <pthread.h>

#include "imap-pickup.h"
#include "imap-script.h"

#define UIDS 1300

/* ---- A host ---------------------------------------------------------------------------------- */

struct host {
    struct imap_host table;
    struct script_server *server;
    struct imap_settings *settings;
    struct imap_pickup *pickup;
    struct imap_record ledger[UIDS];
    uint64_t now_ms, step_ms; /* the clock, and how far it moves when it is looked at ... */
    int64_t now_s; /* of the other clock */
    const char *step_at; /* ... as soon as this stands in the trace; NULL: at once */
    unsigned int notes;  /* calls of note() */
    bool cancelled, note_fails;
    const char *cancel_at; /* cancelled as soon as this stands in the trace; NULL: not by that */
    unsigned int spared;   /* ... and this was asked so many times more */
    unsigned int told;     /* how often we were asked since, and said so */
    const char *note_after; /* note() waits for this in the trace, for a while; NULL: for nothing */
    uint32_t keeps; /* note() fails when it is to take back the attempt of this UID */
    pthread_t thread; /* the test's */
    bool foreign;     /* a call came from another */
    unsigned threads; /* of this process, at most, while the body of message 5 was awaited */
    struct error err;
    struct error trouble; /* as it was told last; class ERROR_NONE: none */
    char log[4000];
};

/* A server by this script, and a pick-up with these settings: @start ends where the server's port
 * is wanted, @more stands behind it. What is returned is yours: host_stop(). */
struct host *host_start_as(const struct script *script, const char *start, const char *more,
                           bool read_only);
struct host *host_start_at(const struct script *script, const char *start, const char *more);

/* The same without TLS on loopback, for this user. */
struct host *host_start_as_user(const struct script *script, const char *user, const char *secret);

/* The same without TLS on loopback: @more is the rest of the connection string. */
struct host *host_start(const struct script *script, const char *more);

/* The same, with options.pieces. */
struct host *host_start_pieces(const struct script *script, uint32_t pieces);

void host_stop(struct host *h);

/* Everything that is there, as a host would: stored, then settled, until drained. Tells the UIDs,
 * bad ones with their '!', and the failure if there was one; valid until the next call. */
const char *host_run(struct host *h);

/* The three in one: a host that was run, and saw what is wanted. */
struct host *run_script(const struct script_rule *rules, size_t count, const char *capabilities,
                        const char *more, const char *want);
#define RUN(rules, capabilities, more, want)                                                       \
    run_script(rules, sizeof rules / sizeof rules[0], capabilities, more, want)

/* These come in this order in the trace; a piece that begins with '-' does not come at all. */
void expect_trace(struct host *h, const char *const *pieces, size_t count);
#define TRACE(h, ...)                                                                              \
    do {                                                                                           \
        static const char *const pieces_[] = {__VA_ARGS__};                                        \
        expect_trace(h, pieces_, sizeof pieces_ / sizeof pieces_[0]);                              \
    } while (0)

/* ---- Replies --------------------------------------------------------------------------------- */

#define FULL "MOVE UIDPLUS IDLE"
#define LISTED(uid)                                                                                \
    "* 1 FETCH (UID " #uid                                                                         \
    " FLAGS () RFC822.SIZE 20 INTERNALDATE \"01-Mar-2026 12:00:00 +0000\")\r\n"
#define BODY(uid) "* 1 FETCH (UID " #uid " BODY[] {?}\r\nSubject: " #uid "\r\n\r\nbody\r\n\1)\r\n"
#define OK "@ OK done\r\n"

#define FOUND_ONE                                                                                  \
    {                                                                                              \
        "SEARCH", "* SEARCH 5\r\n" OK                                                              \
    }
#define LIST_ONE                                                                                   \
    {                                                                                              \
        "RFC822.SIZE", LISTED(5) OK                                                                \
    }
#define BODY_ONE                                                                                   \
    {                                                                                              \
        "BODY.PEEK[]", BODY(5) OK                                                                  \
    }
#define MOVE_ONE                                                                                   \
    {                                                                                              \
        "UID MOVE 5", "* OK [COPYUID 9 5 105] moved\r\n* 1 EXPUNGE\r\n" OK                         \
    }

#endif
