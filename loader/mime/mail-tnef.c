/* SPDX-License-Identifier: Apache-2.0 */
/* mail-tnef.c - see mail-tnef.h. */
#include <config.h>
#include "mail-tnef.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mail-meeting.h"
#include "nameless.h"
#include "problem.h"
#include "text.h"
#include "tnef.h"

#define MAIL_TNEF_PIECE (8u * 1024) /* bytes read from a spool at a time */
#define MAIL_TNEF_GROUP UINT32_MAX  /* its text and HTML are alternatives; no part has it */

/* The file that is coming out. */
struct mail_tnef_reader {
    struct mail_attachments *attachments;
    struct mail_attachment_writer *writer; /* NULL: between two files */
};

void mail_tnef_done(struct mail_tnef *list)
{
    while (list->count > 0)
        spool_free(list->spools[--list->count]);
}

bool mail_tnef_is(const char *content_type, const char *filename)
{
    if (strcmp(content_type, "application/ms-tnef") == 0 ||
        strcmp(content_type, "application/vnd.ms-tnef") == 0)
        return true;
    return filename != NULL && (text_equal_nocase(filename, "winmail.dat") ||
                                text_equal_nocase(filename, "win.dat"));
}

int mail_tnef_open(struct mail_tnef *list, struct spool **out_spool, struct error *err)
{
    *out_spool = NULL;
    if (list->count == MAIL_TNEF_MAX) {
        if (problem_add(list->problems, "more than %u winmail.dat: the rest is not opened",
                        MAIL_TNEF_MAX) < 0)
            return error_oom(err, "reading a message");
        return 0;
    }
    if (spool_new(list->dir, 0, &list->spools[list->count], err) < 0)
        return -1;
    *out_spool = list->spools[list->count++];
    return 0;
}

static int mail_tnef_start_file(struct mail_tnef_reader *r)
{
    if (r->writer == NULL)
        r->writer = mail_attachment_open(r->attachments, NULL);
    return r->writer != NULL ? 0 : -1;
}

static int mail_tnef_bytes(void *context, const uint8_t *bytes, size_t count)
{
    struct mail_tnef_reader *r = context;
    if (mail_tnef_start_file(r) < 0)
        return -1;
    return mail_attachment_write(r->writer, bytes, count);
}

static int mail_tnef_end(void *context, const struct tnef_file *file)
{
    struct mail_tnef_reader *r = context;
    if (mail_tnef_start_file(r) < 0)
        return -1;
    AUTO(mail_attachment_writer) writer = TAKE(r->writer);
    const struct mail_attachment_head head = {
        .filename = file->name,
        .content_type =
            file->content_type != NULL ? file->content_type : "application/octet-stream",
        .disposition = file->in_body ? "inline" : "attachment",
        .content_id = file->content_id,
    };
    if (mail_attachment_describe(writer, &head) < 0)
        return -1;
    return mail_attachment_close(writer);
}

static int mail_tnef_feed(struct tnef *tnef, const struct spool *spool, struct error *err)
{
    uint8_t piece[MAIL_TNEF_PIECE];
    uint64_t at = 0, size = spool_size(spool);
    if (spool_bytes(spool) != NULL)
        return tnef_feed(tnef, spool_bytes(spool), (size_t)size, err);
    while (at < size) {
        ssize_t n = pread(spool_fd(spool), piece, sizeof piece, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set(err, ERROR_STORE, "cannot read back from the spool folder: %s",
                             n < 0 ? strerror(errno) : "the file ends early");
        if (tnef_feed(tnef, piece, (size_t)n, err) < 0)
            return -1;
        at += (uint64_t)n;
    }
    return 0;
}

static int mail_tnef_add_text(struct mail_body *body, enum mail_body_kind kind, struct buffer text)
{
    if (text.data == NULL)
        return 0;
    const struct mail_body_head head = {
        .kind = kind,
        .group = MAIL_TNEF_GROUP,
        .charset = "utf-8",
    };
    if (mail_body_open(body, &head) < 0)
        return -1;
    struct span piece = {0};
    while (text_walk_next(&text, &piece))
        if (mail_body_write(body, piece.bytes, piece.len) < 0)
            return -1;
    return mail_body_close(body);
}

static int mail_tnef_add_body(struct mail_body *body, const struct tnef_message *message)
{
    if ((message->text == NULL && message->html == NULL) || !mail_body_is_blank(body))
        return 0;
    while (body->count > 0)
        mail_body_forget(body);
    if (mail_tnef_add_text(body, MAIL_BODY_TEXT,
                           text_walk_over(message->text, message->text_size, message->text_file)) <
        0)
        return -1;
    return mail_tnef_add_text(
        body, MAIL_BODY_HTML,
        text_walk_over(message->html, message->html_size, message->html_file));
}

/* A meeting becomes a file that calendars read. Its name for ever is the digest of winmail.dat. */
static int mail_tnef_add_meeting(struct mail_attachments *attachments,
                                 const struct tnef_message *message,
                                 const uint8_t digest[DIGEST_SIZE])
{
    char uid[33];
    AUTO_DONE(buffer) file;
    buffer_init(&file, MAIL_MEETING_MAX);
    if (!mail_meeting_is(message))
        return 0;
    for (size_t i = 0; i < 16; i++)
        (void)snprintf(uid + 2 * i, 3, "%02x", digest[i]);
    if (mail_meeting_write(message, uid, &file) < 0)
        return -1;
    AUTO(mail_attachment_writer) writer =
        mail_attachment_open(attachments, &(struct mail_attachment_head){
            .filename = "meeting.ics",
            .content_type = "text/calendar",
            .disposition = "attachment",
        });
    if (writer == NULL ||
        mail_attachment_write(writer, (const uint8_t *)buffer_text(&file), file.len) < 0)
        return -1;
    return mail_attachment_close(writer);
}

/* What is read besides the files goes to the mail. */
struct mail_tnef_found {
    struct mail_texts *problems;
    struct mail_attachments *attachments;
    struct mail_body *body;
    uint8_t digest[DIGEST_SIZE];
};

static int mail_tnef_read(struct tnef *tnef, const struct spool *spool,
                          const struct mail_tnef_found *found, struct error *err)
{
    struct tnef_message message = {0};
    bool is_tnef;
    if (mail_tnef_feed(tnef, spool, err) < 0 || tnef_finish(tnef, &message, &is_tnef, err) < 0)
        return -1;
    int result = mail_tnef_add_body(found->body, &message);
    if (result == 0)
        result = mail_tnef_add_meeting(found->attachments, &message, found->digest);
    if (result == 0 && !is_tnef)
        result = problem_add(found->problems, "winmail.dat is no TNEF: not opened");
    tnef_message_done(&message);
    return result == 0 ? 0 : error_oom(err, "reading winmail.dat");
}

static int mail_tnef_finish_one(struct mail_tnef *list, struct spool *spool,
                                struct mail_attachments *attachments, struct mail_body *body,
                                struct error *err)
{
    struct mail_tnef_found found = {list->problems, attachments, body, {0}};
    struct mail_tnef_reader reader = {.attachments = attachments};
    const struct tnef_sink sink = {mail_tnef_bytes, mail_tnef_end, &reader};
    AUTO(tnef) tnef = tnef_new(&sink, nameless_folder(list->dir), list->problems);
    if (tnef == NULL)
        return error_oom(err, "reading winmail.dat");
    int result = spool_finish(spool, found.digest, err);
    if (result == 0)
        result = mail_tnef_read(tnef, spool, &found, err);
    mail_attachment_writer_free(reader.writer);
    return result;
}

int mail_tnef_finish(struct mail_tnef *list, struct mail_attachments *attachments,
                     struct mail_body *body, struct error *err)
{
    for (size_t i = 0; i < list->count; i++)
        if (mail_tnef_finish_one(list, list->spools[i], attachments, body, err) < 0)
            return -1;
    return 0;
}
