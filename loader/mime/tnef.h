/* SPDX-License-Identifier: Apache-2.0 */
/* tnef.h - winmail.dat taken apart: files and body of a message as Outlook packs them (MS-OXTNEF).
 *
 * A push parser: feed the decoded bytes of the part in pieces of any size, every split gives the
 * same result. Bytes of files inside go to a sink while they pass, so memory does not depend on the
 * size of the part; only texts (body, subject, names) are kept, each up to its limit below, bodies
 * of more than MAIL_TEXT_MEMORY_MAX in files. Their character set can be told behind them, so that
 * raw and decoded text exist together for a moment.
 *
 * An embedded message object is walked, down to TNEF_DEPTH_MAX: its files come out in their order,
 * its body as a file named after its subject. Beyond that depth it is one file of type
 * application/ms-tnef, as any object that is no message is one file of its bytes (OLE).
 *
 * Hostile and broken input is no error: checksums are not checked (Exchange itself wrote wrong
 * ones), what is cut off ends where it ends, lengths beyond the end end there too; the problems
 * tell it. Time is linear. Not thread-safe; parsers share nothing. */
#ifndef MAILCHUTE_MIME_TNEF_H
#define MAILCHUTE_MIME_TNEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "error.h"
#include "mail.h"

/* Limits. What goes beyond is told in problems; the raw message always keeps everything. */
#define TNEF_ATTRIBUTES_MAX 20000u           /* attributes of one stream that are read */
#define TNEF_PROPERTIES_MAX 20000u           /* MAPI properties of one attribute that are read */
#define TNEF_FILES_MAX 1000u                 /* files taken out of one part, nested ones counted */
#define TNEF_DEPTH_MAX 5u                    /* message objects inside message objects */
#define TNEF_NAME_MAX 1024u                  /* bytes read of a name, subject or type */
#define TNEF_TEXT_MAX (4u * 1024 * 1024)     /* bytes read of each body, and kept of it in UTF-8 */

/* What is known of a file at its end. Borrowed during the call; UTF-8 without NUL; NULL: not said.
 */
struct tnef_file {
    const char *name;         /* as the sender wrote it, may hold a path: filename_clean() it */
    const char *content_type; /* PR_ATTACH_MIME_TAG, lower case */
    const char *content_id;   /* without angle brackets */
    bool in_body;             /* hidden, or shown inside the body: disposition "inline" */
};

/* Files come one after the other, never mixed: bytes() any number of times, then end() once
 * (without bytes() for an empty file). Names stand behind the bytes in TNEF, so they come with
 * end(). Return -1 to stop (fill no error: it becomes ERROR_CANCELLED). */
struct tnef_sink {
    int (*bytes)(void *context, const uint8_t *bytes, size_t count);
    int (*end)(void *context, const struct tnef_file *file);
    void *context;
};

/* What the stream says of the message itself. The texts are yours: tnef_message_done(). */
struct tnef_message {
    char *message_class; /* "IPM.Note", "IPM.Schedule.Meeting.Request", ..., or NULL */
    char *subject;       /* or NULL */
    char *location;      /* of an appointment, or NULL */
    uint64_t start, end; /* likewise: 100 ns since 1601-01-01 UTC (MS-DTYP s.2.3.3); 0: not said */
    char *text;          /* plain body (PR_BODY, attBody, else plain RTF as text), or NULL */
    char *html;          /* PR_HTML, else the HTML inside compressed RTF, or NULL */
    size_t text_size, html_size;               /* bytes of these */
    struct file_memory *text_file, *html_file; /* not NULL: they lie in it (text-walk.h) */
};
void tnef_message_done(struct tnef_message *message);

struct tnef;

/** tnef_new - a parser for one part. @sink is copied. @dir, the folder for what is large, and
 * @problems (NULL: nobody wants to know) are borrowed until tnef_free(). NULL only out of memory.
 */
struct tnef *tnef_new(const struct tnef_sink *sink, const char *dir, struct mail_texts *problems);
void tnef_free(struct tnef *tnef);
AUTO_DEFINE(tnef, tnef_free);

/** tnef_feed - the next bytes. -1: memory, or the sink said stop; the parser can then only be
 * freed. Bytes that are no TNEF at all are swallowed; see tnef_finish(). */
int tnef_feed(struct tnef *tnef, const uint8_t *bytes, size_t count, struct error *err);

/** tnef_finish - no more will come: the file under way ends, *out_message is filled (all NULL where
 * the bytes were no TNEF, and *out_is_tnef is false: keep the part as it is). Once only. */
int tnef_finish(struct tnef *tnef, struct tnef_message *out_message, bool *out_is_tnef,
                struct error *err);

#endif
