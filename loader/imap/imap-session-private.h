/* SPDX-License-Identifier: Apache-2.0 */
/* imap-session-private.h - what the files of the session share; nobody else includes it.
 *
 *   imap-session.c   bytes, events, deadlines, commands; opening and closing
 *   imap-select.c    SELECT, EXAMINE, IDLE */
#ifndef MAILCHUTE_LOADER_IMAP_SESSION_PRIVATE_H
#define MAILCHUTE_LOADER_IMAP_SESSION_PRIVATE_H

#include "buffer.h"
#include "imap-connect.h"
#include "imap-session.h"

/*                    ┌──────────────────────────────┐
 *   CLOSED -> OPEN -> SELECTING -> SELECTED -> IDLE_ASKED -> IDLE -> IDLE_ENDING -> SELECTED
 *               ^         │  ^         │
 *               └── NO ───┘  └─────────┘      A failure, BYE (RFC 9051 s.7.1.5) or the end of the
 *                                             stream leads to CLOSED from anywhere. */
enum imap_session_state {
    IMAP_CLOSED,
    IMAP_OPEN,
    IMAP_SELECTING,
    IMAP_SELECTED,
    IMAP_IDLE_ASKED,
    IMAP_IDLE,
    IMAP_IDLE_ENDING
};

struct imap_outstanding {
    uint32_t number; /* of the tag */
    struct imap_call call;
};

struct imap_session {
    const struct imap_settings *settings;
    const struct imap_host *host;
    struct stream *stream;
    struct imap_parser *parser;
    struct imap_reader *reader; /* NULL: bytes are received in the caller's thread */
    enum imap_session_state state;
    uint32_t can;
    struct imap_selected selected;
    char *chosen; /* the wire name of what is, or is being, selected; NULL: nothing was yet */
    bool news;
    imap_event_function *listener;
    void *listener_context;
    char prefix[IMAP_TAG_PREFIX + 1]; /* of the tags: random, so that no mail can know one */
    uint32_t next_number, answers, continued;
    bool done_sent; /* DONE may cross the end of IDLE, and be taken for a command */
    struct imap_outstanding outstanding[IMAP_OUTSTANDING_MAX]; /* oldest first */
    size_t outstanding_count;
    struct buffer sending, waiting; /* sending's bytes stay where they are until all are gone */
    size_t sent;
    uint8_t *input;
    uint64_t silent_ms; /* waited since the last byte */
    uint64_t answer_ms; /* waited since the last tagged answer */
    uint64_t floor_ms, floor_bytes;
};

/** imap_session_enter - the only place that writes session->state. */
void imap_session_enter(struct imap_session *session, enum imap_session_state next);

/** imap_session_fail - it can only be closed from now on. Returns -1. */
int imap_session_fail(struct imap_session *session);

#endif
