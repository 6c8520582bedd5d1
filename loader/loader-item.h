/* SPDX-License-Identifier: Apache-2.0 */
/* loader-item.h - what stands between the contract and our modules: host, errors, items, parse().
 *
 * The modules below know nothing of <mailchute/loader-plugin.h>; the top file of each loader joins
 * the two with what is here:
 *
 *     loader_host_copy()    the host's table, old or new, and loader_host_*(): callers with
 *                           fallbacks
 *     loader_error_from()   struct error -> struct loader_error
 *     loader_item_read()    an open file -> mail and raw bytes
 *     loader_item_new()     mail, raw bytes and names -> one struct loader_item, and its owner
 *     loader_parse()        the last two, as a plug-in's parse() needs them
 *     loader_options_from() the table of keys -> option descriptors
 *
 * Nothing here keeps state but the structs handed in; the threads of the contract apply. */
#ifndef MAILCHUTE_LOADER_LOADER_ITEM_H
#define MAILCHUTE_LOADER_LOADER_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "clock.h"
#include "connection-string.h"
#include "error.h"
#include "loader-plugin.h"
#include "mail.h"
#include "spool.h"

/* ---- Errors ---------------------------------------------------------------------------------- */

/** loader_error_from - tell the host: @err into @out, no further than its struct_size reaches.
 * Either may be NULL. Always returns -1, so that an entry point fails in one line. */
int loader_error_from(const struct error *err, struct loader_error *out);

/* ---- Host ------------------------------------------------------------------------------------ */

/** loader_host_copy - what is there of the host's table, the rest zero. -1 when it speaks another
 * version of the contract. What it points to stays the host's and lives until close(). */
int loader_host_copy(const struct loader_host *theirs, struct loader_host *out, struct error *err);

/** loader_settings_copy - the same for settings; NULL: all zero. The texts are borrowed for the
 * call. */
void loader_settings_copy(const struct loader_settings *theirs, struct loader_settings *out);

/** loader_surveyor_copy - the same for a surveyor. */
void loader_surveyor_copy(const struct loader_surveyor *theirs, struct loader_surveyor *out);

/** loader_host_log - one line; control characters are made visible. */
void loader_host_log(const struct loader_host *host, enum loader_log_level level, const char *fmt,
                     ...) PRINTF_LIKE(3, 4);

/** loader_host_clock - the host's clock, or the system's. Borrows the host's context. */
struct clock loader_host_clock(const struct loader_host *host);

/** loader_host_cancelled - the user wants to stop: err is filled with ERROR_CANCELLED. */
bool loader_host_cancelled(const struct loader_host *host, struct error *err);

/** loader_host_known, _note, _unsettled, _settled, _progress - as in the contract. Without the
 * function: strangers all; nothing kept; none; nothing. */
int loader_host_known(const struct loader_host *host, struct loader_record *records, size_t count,
                      struct error *err);
int loader_host_note(const struct loader_host *host, const struct loader_record *records,
                     size_t count, struct error *err);
int loader_host_unsettled(const struct loader_host *host, const char *account, const char *mailbox,
                          const struct loader_origin *after, struct loader_record *out_records,
                          size_t capacity, size_t *out_count, struct error *err);
int loader_host_settled(const struct loader_host *host, const char *account, const char *mailbox,
                        const struct loader_origin *after, struct loader_record *out_records,
                        size_t capacity, size_t *out_count, struct error *err);
void loader_host_trouble(const struct loader_host *host, const struct error *why); /* NULL: none */
void loader_host_progress(const struct loader_host *host, uint64_t messages);

/** loader_host_evidence, _lookalikes, _mailbox, _adopt - the same. Without the function: no
 * evidence; none; nothing known; nothing kept. */
int loader_host_evidence(const struct loader_host *host, struct loader_evidence *items,
                         size_t count, struct error *err);
int loader_host_lookalikes(const struct loader_host *host, const char *account, const char *mailbox,
                           uint32_t uidvalidity, uint32_t above, struct loader_lookalike *items,
                           size_t count, struct error *err);
int loader_host_mailbox(const struct loader_host *host, const char *account, const char *mailbox,
                        struct loader_mailbox *out_state, struct error *err);
int loader_host_adopt(const struct loader_host *host, const char *account, const char *mailbox,
                      const struct loader_adoption *items, size_t count,
                      const struct loader_mailbox *state, struct error *err);

/* ---- Items ----------------------------------------------------------------------------------- */

/* What an item is made of. Texts are borrowed (and copied). mail and spool are given:
 * loader_item_new() takes them, also when it fails; loader_item_parts_done() frees what was not
 * taken. */
struct loader_item_parts {
    uint64_t token;
    const char *account, *mailbox, *key;
    uint32_t uidvalidity, uid;
    const char *date_received; /* RFC 3339, NULL: not known */
    const char *error;         /* NULL: all is well */
    uint64_t raw_size;         /* told by the source, for an item without spool */
    struct mail *mail;         /* NULL: there is none */
    struct spool *spool;       /* finished; NULL: raw bytes are not there */
    uint8_t sha256[DIGEST_SIZE];
};
void loader_item_parts_done(struct loader_item_parts *parts);

/* Owns all that one struct loader_item points to. */
struct loader_item_box;

/** loader_item_new - *out_box is yours: loader_item_box_free(). */
int loader_item_new(struct loader_item_parts *parts, struct loader_item_box **out_box,
                    struct error *err);
void loader_item_box_free(struct loader_item_box *box);
AUTO_DEFINE(loader_item_box, loader_item_box_free);

/** loader_item_of - the item as the host gets it: borrowed until the box is freed. */
const struct loader_item *loader_item_of(const struct loader_item_box *box);

/** loader_item_read - read @fd from its start to its end through the mail parser into a spool: sets
 * mail, spool and sha256 of @parts. A pipe is read from where it stands. ERROR_MAIL when the file
 * cannot be read (this item only), ERROR_STORE or ERROR_CREATE for the spool. */
int loader_item_read(int fd, const struct loader_host *host, const struct mail_options *options,
                     struct loader_item_parts *parts, struct error *err);

/** loader_parse - the plug-in's parse(): one item from @fd, its token 1, its key the digest in hex.
 * The sink of @options is replaced by @sink (NULL: nobody). *out_box is yours. */
int loader_parse(const struct loader_host *host, const struct mail_options *options, int fd,
                 const struct loader_sink *sink, struct loader_item_box **out_box,
                 struct error *err);

/* ---- Options --------------------------------------------------------------------------------- */

/** loader_options_from - a descriptor for each key that may be given. Returns how many there are;
 * of these up to @capacity are written. They borrow from the table. */
size_t loader_options_from(const struct connection_key *keys, size_t count,
                           struct loader_option *out_options, size_t capacity);

#endif
