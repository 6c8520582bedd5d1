/* SPDX-License-Identifier: Apache-2.0 */
/* imap-window.c - bodies on their way. See imap-window.h. */
#include <config.h>
#include "imap-window.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "fault.h"
#include "problem.h"
#include "spool-writer.h"

#define IMAP_PART_PIECE (64u * 1024) /* bytes that are read back at once */

void imap_entry_done(struct imap_entry *entry)
{
    free(entry->error);
    spool_free(entry->spool);
    mail_free(entry->mail);
    entry->error = NULL;
    entry->spool = NULL;
    entry->mail = NULL;
    entry->apart_later = false;
}

bool imap_window_holds(struct imap_window *window, uint64_t size)
{
    if (window->held > 0 && size > IMAP_WINDOW_HELD - window->held)
        return false;
    window->held += size < IMAP_WINDOW_HELD - window->held ? size : IMAP_WINDOW_HELD - window->held;
    return true;
}

bool imap_entry_is_short(const struct imap_entry *entry, uint64_t size)
{
    return size < entry->size - entry->size / 20;
}

/* One that keeps much of a message back is worth a word. */
static int imap_entry_compare_size(const struct imap_entry *entry, struct mail *mail,
                                   struct error *err)
{
    uint64_t size = spool_size(entry->spool);
    if (mail == NULL || !imap_entry_is_short(entry, size))
        return 0;
    return problem_add(&mail->problems,
                       "the server gave out %" PRIu64 " bytes of a message that has %" PRIu64
                       ", as it says",
                       size, entry->size) == 0
               ? 0
               : error_oom(err, "fetching mail");
}

void imap_window_keep(struct imap_window *window, uint64_t others, struct imap_entry *entry)
{
    entry->apart_later = false;
    if (entry->mail == NULL)
        return;
    uint64_t kept = window->parsed + others, memory = mail_memory(entry->mail);
    bool cheap = spool_fd(entry->spool) >= 0 && memory <= IMAP_PARSED_CHEAP;
    uint64_t most = cheap ? 2 * IMAP_WINDOWS_PARSED : IMAP_WINDOWS_PARSED;
    entry->apart_later = kept > 0 && kept + memory > most;
    if (entry->apart_later)
        mail_free(TAKE(entry->mail));
    else
        window->parsed += memory;
}

static int imap_entry_unread(const struct imap_entry *entry, const char *why, struct error *err)
{
    return error_set(err, ERROR_STORE,
                     "message %u was received and cannot be read back: %s; check the disk of the "
                     "spool folder",
                     entry->uid, why);
}

static int imap_entry_feed_file(const struct imap_entry *entry, struct mail_parser *parser,
                                const struct imap_host *host, struct error *err)
{
    AUTO_TEXT bytes = malloc(IMAP_PART_PIECE);
    if (bytes == NULL)
        return error_oom(err, "reading mail");
    for (uint64_t at = 0; at < spool_size(entry->spool);) {
        if (host->cancelled(host->context))
            return error_set(err, ERROR_CANCELLED, "cancelled");
        ssize_t n = pread(spool_fd(entry->spool), bytes, IMAP_PART_PIECE, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return imap_entry_unread(
                entry, n < 0 ? strerror(errno) : "its file is shorter than it was", err);
        if (mail_parser_feed(parser, (const uint8_t *)bytes, (size_t)n, err) < 0)
            return -1;
        at += (uint64_t)n;
    }
    return 0;
}

int imap_entry_part(struct imap_entry *entry, const struct mail_options *options,
                    const struct imap_host *host, struct error *err)
{
    if (!entry->apart_later)
        return 0;
    AUTO(mail_parser) parser = mail_parser_new(options);
    AUTO(mail) mail = NULL;
    if (parser == NULL)
        return error_oom(err, "reading mail");
    const uint8_t *bytes = spool_bytes(entry->spool);
    int fed = bytes != NULL ? mail_parser_feed(parser, bytes, (size_t)spool_size(entry->spool), err)
                            : imap_entry_feed_file(entry, parser, host, err);
    if (fed < 0 || mail_parser_finish(parser, &mail, err) < 0 ||
        imap_entry_compare_size(entry, mail, err) < 0)
        return -1;
    entry->mail = TAKE(mail);
    entry->apart_later = false;
    return 0;
}

struct imap_entry *imap_entry_find(struct imap_entry *entries, size_t count, uint32_t uid)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entries[middle].uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && entries[low].uid == uid ? &entries[low] : NULL;
}

void imap_body_done(struct imap_body *body)
{
    spool_free(body->spool);
    mail_parser_free(body->parser);
    mail_free(body->mail);
    free(body->error);
    body->spool = NULL;
    body->parser = NULL;
    body->mail = NULL;
    body->error = NULL;
    body->open = body->complete = false;
}

void imap_body_close(struct imap_body *body)
{
    imap_body_done(body);
    spool_writer_free(TAKE(body->writer));
}

/* The listing told a smaller size, or none: the literal is the truth. */
static int imap_body_too_large(struct imap_body *body, uint64_t size, struct error *err)
{
    if (asprintf(&body->error,
                 "message has %" PRIu64 " bytes, maxSize allows %" PRIu64
                 "; raise maxSize to load it",
                 size, body->max_size) >= 0)
        return 0;
    body->error = NULL;
    return error_oom(err, "receiving mail");
}

/* A body that nobody asked for: how many are too many? */
static int imap_body_stranger(struct imap_body *body, uint64_t size, struct error *err)
{
    body->strangers++;
    body->strangers_bytes += size;
    if (body->strangers <= IMAP_STRANGERS_MAX && body->strangers_bytes <= IMAP_STRANGERS_BYTES)
        return 0;
    return error_set(
        err, ERROR_PROTOCOL,
        "the server sends messages that were not asked for, more than %u or %llu MB; try "
        "again later, or tell its administrator",
        IMAP_STRANGERS_MAX, IMAP_STRANGERS_BYTES >> 20);
}

int imap_body_start(struct imap_body *body, uint64_t size, bool wanted, struct error *err)
{
    imap_body_done(body);
    if (!wanted)
        return imap_body_stranger(body, size, err);
    body->open = true;
    body->size = size;
    if (size > body->max_size)
        return imap_body_too_large(body, size, err);
    body->parser = mail_parser_new(&body->options);
    if (body->parser == NULL)
        return error_oom(err, "receiving mail");
    if (spool_new(body->spool_dir, size, &body->spool, err) < 0)
        return -1;
    spool_lend(body->spool, body->writer);
    return 0;
}

int imap_body_bytes(struct imap_body *body, struct span bytes, struct error *err)
{
    if (body->spool == NULL)
        return 0;
    return mail_parser_feed_spooled(body->parser, body->spool, bytes.bytes, bytes.len, err);
}

uint8_t *imap_body_room(struct imap_body *body, size_t *out_count)
{
    return body->open && !body->complete && body->spool != NULL ? spool_room(body->spool, out_count)
                                                                : NULL;
}

int imap_body_end(struct imap_body *body, struct error *err)
{
    if (!body->open)
        return 0;
    body->complete = true;
    if (body->spool == NULL)
        return 0;
    if (spool_end(body->spool, err) < 0)
        return -1;
    return mail_parser_finish(body->parser, &body->mail, err);
}

void imap_body_move(struct imap_body *from, struct imap_body *to)
{
    imap_body_done(to);
    to->open = from->open;
    to->complete = from->complete;
    to->size = from->size;
    to->spool = TAKE(from->spool);
    to->mail = TAKE(from->mail);
    to->error = TAKE(from->error);
    imap_body_done(from);
}

int imap_body_give(struct imap_body *body, struct imap_entry *entry, struct error *err)
{
    if (body->complete)
        fault_point("body");
    if (body->complete && entry == NULL && imap_body_stranger(body, body->size, err) < 0)
        return -1;
    bool given = body->complete && entry != NULL && !entry->complete;
    if (given && body->spool != NULL && spool_finish(body->spool, entry->sha256, err) < 0)
        return -1;
    if (given) {
        entry->complete = true;
        entry->spool = TAKE(body->spool);
        entry->mail = TAKE(body->mail);
        if (entry->error == NULL)
            entry->error = TAKE(body->error);
    }
    imap_body_done(body);
    return given && entry->spool != NULL ? imap_entry_compare_size(entry, entry->mail, err) : 0;
}
