/* SPDX-License-Identifier: Apache-2.0 */
/* mail-files.c - see mail-files.h. */
#include <config.h>
#include "mail-files.h"

#include <stdbool.h>
#include <stdlib.h>

#include "header-text.h"
#include "problem.h"
#include "uuencode.h"

#define NAME_MAX_BYTES 1024u /* of a name in UTF-8, before it is made safe */

struct mail_files {
    struct mail_body *body;
    struct mail_attachments *attachments;
    struct uuencode_filter *filter;
    struct mail_attachment_writer *writer; /* of the file under way */
    bool told;                             /* that there are too many */
};

static int files_text(void *context, const uint8_t *bytes, size_t count)
{
    struct mail_files *files = context;
    return mail_body_write(files->body, bytes, count);
}

static int files_begin(void *context, struct span name)
{
    struct mail_files *files = context;
    if (files->attachments->mail->attachment_count >= MAIL_PARTS_MAX) {
        bool told = files->told;
        files->told = true;
        return told ? 0 : problem_add(files->body->problems, "more than %u files: the rest is not "
                                      "taken out", MAIL_PARTS_MAX);
    }
    AUTO_TEXT filename = header_take_text(name, NAME_MAX_BYTES, files->body->problems);
    if (filename == NULL)
        return -1;
    const struct mail_attachment_head head = {
        .filename = filename,
        .content_type = "application/octet-stream",
    };
    files->writer = mail_attachment_open(files->attachments, &head);
    return files->writer != NULL ? 0 : -1;
}

static int files_bytes(void *context, const uint8_t *bytes, size_t count)
{
    struct mail_files *files = context;
    return files->writer != NULL ? mail_attachment_write(files->writer, bytes, count) : 0;
}

static int files_end(void *context, bool whole)
{
    struct mail_files *files = context;
    if (files->writer == NULL)
        return 0;
    AUTO(mail_attachment_writer) writer = TAKE(files->writer);
    if (!whole && problem_add(files->body->problems, "file inside the text is cut off") < 0)
        return -1;
    return mail_attachment_close(writer);
}

struct mail_files *mail_files_new(struct mail_body *body, struct mail_attachments *attachments)
{
    AUTO(mail_files) files = calloc(1, sizeof *files);
    if (files == NULL)
        return NULL;
    files->body = body;
    files->attachments = attachments;
    const struct uuencode_sink sink = {files_text, files_begin, files_bytes, files_end, files};
    files->filter = uuencode_filter_new(&sink);
    return files->filter != NULL ? TAKE(files) : NULL;
}

void mail_files_free(struct mail_files *files)
{
    if (files == NULL)
        return;
    uuencode_filter_free(files->filter);
    mail_attachment_writer_free(files->writer);
    free(files);
}

int mail_files_write(struct mail_files *files, const uint8_t *bytes, size_t count)
{
    return uuencode_filter_feed(files->filter, bytes, count);
}

int mail_files_close(struct mail_files *files)
{
    return uuencode_filter_finish(files->filter);
}
