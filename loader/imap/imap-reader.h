/* SPDX-License-Identifier: Apache-2.0 */
/* imap-reader.h - a thread that receives while the host stores.
 *
 *   server ─> stream ─> parser ─> bodies: digest, spool, MIME ─┐           thread of the reader
 *                          └────> all other events ────────────┴─> arrivals (bounded)
 *                                                                     │     thread of the host's
 *                  known, note <─ session, pick-up, moves <───────────┘     calls
 *
 * What costs time and needs nobody is done here: receiving, TLS, reading responses, taking bodies
 * apart. All that decides, and all that calls the host, stays in the thread of the loader's calls,
 * which takes the arrivals in the server's order, exactly as it would have taken the events itself.
 * A whole body is not an event any more: it comes with the FETCH response that it belongs to.
 *
 * What is not taken yet is bounded (IMAP_ARRIVALS_*): then nothing is received, the kernel's
 * buffers fill, and the server waits. So a slow disk slows the server and nothing grows. The reader
 * lives while bodies are on their way; a mailbox that has nothing new holds no thread.
 *
 * From imap_reader_start() to imap_reader_stop() parser and receiving are the reader's; sending is
 * done between imap_reader_lock() and _unlock(), since a TLS stream is one object. All functions
 * are for the thread of the loader's calls. */
#ifndef MAILCHUTE_LOADER_IMAP_READER_H
#define MAILCHUTE_LOADER_IMAP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "imap-response.h"
#include "imap-window.h"
#include "stream.h"

/* Memory of what is not taken yet, about: with what the windows hold a batch of small mail, so that
 * the next one is there when the host has stored one. */
#define IMAP_ARRIVALS_BYTES (3u * 256 * 1024)
#define IMAP_ARRIVALS_MAX 2048u                /* and their number */
#define IMAP_READER_INPUT (128u * 1024)        /* bytes received at once */

/* One event, with all it points to. Yours: imap_arrivals_free(). */
struct imap_arrival {
    struct imap_arrival *next;
    struct imap_event event; /* .body: of a FETCH response that brought a whole one, else NULL */
    struct imap_body body;
    size_t memory;
    char bytes[]; /* what the spans point to */
};

/* In the server's order. */
struct imap_arrivals {
    struct imap_arrival *first, **end;
    size_t count, memory;
};

void imap_arrivals_init(struct imap_arrivals *list);
void imap_arrivals_free(struct imap_arrivals *list);

/** imap_arrivals_take - the first one: yours, imap_arrival_free(); NULL: there is none. */
struct imap_arrival *imap_arrivals_take(struct imap_arrivals *list);
void imap_arrival_free(struct imap_arrival *arrival);

enum imap_reader_state {
    IMAP_READER_RUNS,
    IMAP_READER_ENDED, /* the server closed the connection */
    IMAP_READER_FAILED /* err tells */
};

struct imap_reader;

/** imap_reader_start - @stream and @parser are borrowed until imap_reader_stop(); the parser's
 * events must go to imap_reader_event(). @body tells how bodies are read; what it holds is not
 * looked at. */
int imap_reader_start(struct stream *stream, struct imap_parser *parser,
                      const struct imap_body *body, struct imap_reader **out_reader,
                      struct error *err);

/** imap_reader_event - an event of the parser, in the reader's thread. */
int imap_reader_event(struct imap_reader *reader, const struct imap_event *event,
                      struct error *err);

/** imap_reader_take - what has arrived up to the next answer to a command (*out_arrivals: yours),
 * all where there is none, and how many bytes were received since the last time. So what an answer
 * makes ready can be done with before more is held. A state that is not RUNS is told once nothing
 * more will come. */
enum imap_reader_state imap_reader_take(struct imap_reader *reader,
                                        struct imap_arrivals *out_arrivals, size_t *out_received,
                                        struct error *err);

/** imap_reader_wait - until something has arrived or the reader is at its end, at most @ms. */
void imap_reader_wait(struct imap_reader *reader, uint32_t ms);

/** imap_reader_allow - imap_parser_allow(), before the next bytes. */
void imap_reader_allow(struct imap_reader *reader);

void imap_reader_lock(struct imap_reader *reader);
void imap_reader_unlock(struct imap_reader *reader);

/** imap_reader_stop - end the thread, wherever it stands (well within a second); imap_reader_take()
 * still gives what has arrived, bit by bit. Calling it again is fine. */
void imap_reader_stop(struct imap_reader *reader);
void imap_reader_free(struct imap_reader *reader); /* stops it; NULL is fine */

#endif
