/* SPDX-License-Identifier: Apache-2.0 */
/* entry.h - the Mail entry as JSON.
 *
 * An entry is its envelope (id, queue, state, origin ...), which the queue keeps in columns, its
 * content (sender ... problems), which the queue keeps as one JSON object, and raw, what is known
 * of the message's bytes. Keys always stand in the same order and are always there: absent text is
 * null, absent lists are []. Text is valid UTF-8 without NUL, whatever a loader hands out.
 *
 * Text that lies in a file (struct loader_text_file) is read from there, a piece at a time, and
 * never looked at in memory; a NUL in it becomes U+FFFD. A file that is not as it was told is an
 * error of its loader, ERROR_BUG, one that cannot be read ERROR_STORE.
 *
 * JSON values that come out are yours: json_decref(). */
#ifndef MAILCHUTE_HOST_ENTRY_H
#define MAILCHUTE_HOST_ENTRY_H

#include <jansson.h>
#include <stdbool.h>

#include "buffer.h"
#include "error.h"
#include "loader-plugin.h"
#include "queue.h"

/* All borrowed; NULL is told as null. */
struct entry_envelope {
    const char *file; /* not NULL: first key of what parse prints */
    const char *id, *entry_class, *queue, *source, *state, *error;
    uint64_t attempts;
    const char *created; /* RFC 3339 */
    const char *loader, *account, *mailbox;
    const char *key; /* queue_origin_key(); of a parsed file what the loader calls it */
    uint32_t uidvalidity, uid;
    bool has_raw;
    uint64_t raw_size;
    const uint8_t *raw_sha256; /* 32 bytes, used when has_raw */
};

/** entry_content_text - the content of an item, without its raw bytes, for the queue: at most what
 * @out may hold (QUEUE_CONTENT_MAX): html, then message_body is left out of one that is larger (and
 * problems tell it). @out is cleared first. */
int entry_content_text(const struct loader_item *item, struct buffer *out, struct error *err);

/** entry_is_filed - a text of the item lies in a file: content of it is to go to one, too. */
bool entry_is_filed(const struct loader_item *item);

/** entry_content_file - the same as entry_content_text(), at most @most bytes of it, into the file
 * @fd from offset 0, in pieces of some 64 kB; what @fd held before is gone. ERROR_STORE where it
 * cannot be written. */
int entry_content_file(const struct loader_item *item, uint64_t most, int fd, uint64_t *out_size,
                       struct error *err);

/** entry_json - envelope, content (an object, borrowed; NULL: all null) and raw in one. */
int entry_json(const struct entry_envelope *envelope, const json_t *content, json_t **out_entry,
               struct error *err);

/** entry_from_queue - an entry as the queue keeps it, its content included. */
int entry_from_queue(const struct queue_entry *stored, json_t **out_entry, struct error *err);

/** entry_write_item - an item as it would become an entry, as one line of JSON. @envelope supplies
 * what an item does not know: file, id, queue, source, created, loader; the rest is filled in.
 * @take gets it in pieces of some 64 kB, whatever the size of its texts, each valid during the call
 * only; what fails there (-1, err filled) fails here. */
typedef int entry_take(const struct buffer *piece, void *context, struct error *err);
int entry_write_item(const struct loader_item *item, struct entry_envelope *envelope,
                     entry_take *take, void *context, struct error *err);

/** entry_write_stored - the same of an item that became the entry @stored, whose content is not
 * looked at. */
int entry_write_stored(const struct queue_entry *stored, const struct loader_item *item,
                       entry_take *take, void *context, struct error *err);

/** entry_from_item - the same as a value; all of it is held. */
int entry_from_item(const struct loader_item *item, struct entry_envelope *envelope,
                    json_t **out_entry, struct error *err);

#endif
