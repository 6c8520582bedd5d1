/* SPDX-License-Identifier: Apache-2.0 */
/* imap-session.h - one logged-in dialogue with an IMAP server: commands out, answers in.
 *
 * Commands are sent without waiting for the answers of those before them; each has its own
 * functions for its data and its tagged answer. Those functions run inside imap_session_turn(), in
 * the server's order; they may send further commands, but not wait.
 *
 *     imap_session_open      connect, log in, ask for the capabilities
 *     imap_session_send      queue a command            imap_session_run    send it and wait for it
 *     imap_session_turn      wait until something came  imap_session_peek   take what is there
 *     imap_session_select    SELECT or EXAMINE
 *     imap_session_idle      IDLE, and imap_session_wake to end it
 *
 * Deadlines count only time spent waiting here, by the host's clock: no byte for settings' timeout
 * (a MOVE or COPY may take IMAP_MOVE_MS), less than IMAP_FLOOR_BYTES in IMAP_FLOOR_MS while bodies
 * or headers come, or no tagged answer for ten times the timeout though bytes drip. cancelled() is
 * asked every IMAP_POLL_MS, waiting or taking in what came, and in each turn that brought bytes (1
 * MB at most); what was answered by then counts, and moves can still be ordered. After any other
 * failure the session can only be closed. One session, one thread; a second one,
 * imap_session_read_ahead(), only receives and takes bodies apart. */
#ifndef MAILCHUTE_LOADER_IMAP_SESSION_H
#define MAILCHUTE_LOADER_IMAP_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "error.h"
#include "imap-command.h"
#include "imap-host.h"
#include "imap-response.h"
#include "imap-settings.h"
#include "stream.h"

#define IMAP_POLL_MS 250u
#define IMAP_MOVE_MS 300000u
#define IMAP_FLOOR_MS 60000u
#define IMAP_FLOOR_BYTES (60u * 1024)
#define IMAP_IDLE_MS 540000u /* IDLE is renewed after 9 minutes (RFC 2177: before 29) */
#define IMAP_OUTSTANDING_MAX 64u
#define IMAP_PUT_MAX (256u * 1024) /* bytes of a literal that wait to be sent */
#define IMAP_OUTPUT_MAX (4u * 1024 * 1024)

/* What the server can do, of what matters here. */
#define IMAP_CAN_MOVE 1u       /* RFC 6851 */
#define IMAP_CAN_UIDPLUS 2u    /* RFC 4315 */
#define IMAP_CAN_IDLE 4u       /* RFC 2177 */
#define IMAP_CAN_ESEARCH 8u    /* RFC 4731 */
#define IMAP_CAN_NAMESPACE 16u /* RFC 2342 */
#define IMAP_CAN_ID 32u        /* RFC 2971 */
#define IMAP_CAN_REV2 64u      /* RFC 9051 alone: holds most of these, names are UTF-8 */
#define IMAP_CAN_GMAIL 128u    /* X-GM-EXT-1 */
#define IMAP_CAN_LIST_EXTENDED 256u /* RFC 5258 */
#define IMAP_CAN_SPECIAL_USE 512u   /* RFC 6154 */
#define IMAP_CAN_LIST_STATUS 1024u  /* RFC 5819 */
#define IMAP_CAN_CONDSTORE 2048u    /* RFC 7162, also where QRESYNC is all that is told */
#define IMAP_CAN_LITERAL_PLUS 65536u   /* RFC 7888 */
#define IMAP_CAN_LITERAL_MINUS 131072u /* RFC 7888, and in RFC 9051 */
#define IMAP_CAN_MULTIAPPEND 262144u   /* RFC 3502 */

/* The selected mailbox. */
struct imap_selected {
    uint32_t exists, uidvalidity, uidnext;
    bool read_only;
    bool keywords; /* new keywords may be set (PERMANENTFLAGS \*) */
    bool fleeting; /* UIDNOTSTICKY */
};

struct imap_session;

/* One command on its way. Functions may be NULL; context comes first. */
struct imap_call {
    const char *what; /* "UID MOVE", for error texts; static */
    void *context;
    /* Untagged data: take it (*out_taken) or leave it to the next. */
    int (*data)(void *context, const struct imap_event *event, bool *out_taken, struct error *err);
    /* Its tagged answer: OK, NO or BAD. NULL: anything but OK is an error. */
    int (*done)(void *context, const struct imap_event *answer, struct error *err);
    uint32_t patience_ms; /* 0: the settings' timeout */
    bool bulk;            /* bodies come: the speed floor counts */
};

/** imap_session_open - settings and host are borrowed until imap_session_close(); the secret during
 * this call only. *out_session is yours. */
int imap_session_open(const struct imap_settings *settings, const char *user, const char *secret,
                      const struct imap_host *host, struct imap_session **out_session,
                      struct error *err);

/** imap_session_close - LOGOUT if that can be sent at once, then the end. */
void imap_session_close(struct imap_session *session);
AUTO_DEFINE(imap_session, imap_session_close);

/** imap_session_listen - who gets the data no command takes. */
void imap_session_listen(struct imap_session *session, imap_event_function *function,
                         void *context);

uint32_t imap_session_can(const struct imap_session *session);
const struct imap_selected *imap_session_selected(const struct imap_session *session);
void imap_session_facts(const struct imap_session *session, struct stream_facts *out_facts);
int imap_session_fd(const struct imap_session *session);

/** imap_session_outstanding - commands that wait for their answer. */
size_t imap_session_outstanding(const struct imap_session *session);

/** imap_session_news - EXISTS has grown since the last imap_session_forget_news(), which whoever
 * looks calls before it sends its search: what comes later is news again. */
bool imap_session_news(const struct imap_session *session);
void imap_session_forget_news(struct imap_session *session);

/** imap_session_send - end @command, put it in the queue; @call is copied. @command is done
 * with. */
int imap_session_send(struct imap_session *session, struct imap_command *command,
                      const struct imap_call *call, struct error *err);

/** imap_session_run - send and wait. Without call->done an answer that is not OK is an error. After
 * a failure nothing of @call is used any more, also when the answer still comes. */
int imap_session_run(struct imap_session *session, struct imap_command *command,
                     const struct imap_call *call, struct error *err);

/** imap_session_put - up to IMAP_PUT_MAX bytes behind what was sent last: those of a literal that a
 * command announced, and what ends that command. Returns when nearly all are on their way; takes
 * what comes meanwhile. Not with read_ahead. imap_session_continued - how many "+" have come so
 * far: a literal that was announced without "+" in its braces waits for one more, or for the
 * answer. */
int imap_session_put(struct imap_session *session, const void *bytes, size_t count,
                     struct error *err);
uint32_t imap_session_continued(const struct imap_session *session);

/** imap_session_flush - send what can be sent now; takes nothing. */
int imap_session_flush(struct imap_session *session, struct error *err);

/** imap_session_turn - send what waits, take what came; when nothing did, wait until something
 * does. imap_session_peek - the same without waiting. */
int imap_session_turn(struct imap_session *session, struct error *err);
int imap_session_peek(struct imap_session *session, struct error *err);

/** imap_session_select - @wire is the name in modified UTF-7. ERROR_CONFIG when it is not there.
 * One that is broken off by a stop ends the session: nobody knows what is selected. */
int imap_session_select(struct imap_session *session, const char *wire, bool read_only,
                        struct error *err);

/** imap_session_examine - the same with EXAMINE, where a folder that cannot be opened is no
 * failure: *out_open is false then, *out_why tells why, and the session goes on with none selected.
 */
int imap_session_examine(struct imap_session *session, const char *wire, bool *out_open,
                         struct error *out_why, struct error *err);

/** imap_session_is_in - is this folder selected, with this UIDVALIDITY? Orders with UIDs are for it
 * then. */
bool imap_session_is_in(const struct imap_session *session, const char *wire, uint32_t uidvalidity);

/** imap_session_is_open - no failure has ended it so far. */
bool imap_session_is_open(const struct imap_session *session);

/** imap_session_idle - IDLE, until the server says it does. imap_session_wake ends it; both do
 * nothing when it is so already. */
int imap_session_idle(struct imap_session *session, struct error *err);
int imap_session_wake(struct imap_session *session, struct error *err);
bool imap_session_idling(const struct imap_session *session);

/** imap_session_read_ahead - from now on bytes are received, and bodies read as @like tells, by a
 * thread of the session's own (imap-reader.h); calling it again is fine. imap_session_read_no_more
 * ends it and takes what it has received. Nobody may be waiting for an IDLE meanwhile. */
struct imap_body;
int imap_session_read_ahead(struct imap_session *session, const struct imap_body *like,
                            struct error *err);
bool imap_session_reads_ahead(const struct imap_session *session);
int imap_session_read_no_more(struct imap_session *session, struct error *err);

/** imap_session_drop_buffers - give back the memory for reading and for commands until it is needed
 * again; what waits to be sent stays. */
void imap_session_drop_buffers(struct imap_session *session);

/** imap_answer_capabilities - the IMAP_CAN_* in a list of capabilities. */
uint32_t imap_answer_capabilities(struct span list);

/** imap_answer_asks_pause - a NO that is about us, not about the folder: we ask for too much. */
bool imap_answer_asks_pause(const struct imap_event *answer);

/** imap_answer_heed - a refusal that is nobody's trouble: 0; but for one that asks us to slow down,
 * which is ERROR_PAUSE and -1. */
int imap_answer_heed(const struct imap_event *answer, const char *what, struct error *err);

/** imap_answer_folder_error - imap_answer_error() about one folder of several: only what asks for a
 * pause is ERROR_PAUSE. */
int imap_answer_folder_error(const struct imap_event *answer, enum error_class class,
                             const char *what, const char *hint, struct error *err);

/** imap_answer_messages_error - imap_answer_error() about some messages that were to be fetched or
 * moved: SERVERBUG, INUSE and LIMIT may be of one of them, and are of @class. */
int imap_answer_messages_error(const struct imap_event *answer, enum error_class class,
                               const char *what, const char *hint, struct error *err);

/** imap_answer_error - what a NO or BAD means: throttling is ERROR_PAUSE (with the server's own
 * "Suggested Backoff Time"), BAD is ERROR_PROTOCOL, rights, quota and names are ERROR_CONFIG, all
 * else @class. @hint is the next step for a person. Returns -1. */
int imap_answer_error(const struct imap_event *answer, enum error_class class, const char *what,
                      const char *hint, struct error *err);

#endif
