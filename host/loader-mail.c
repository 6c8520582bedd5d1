/* SPDX-License-Identifier: Apache-2.0 */
/* loader-mail.c - what a loader tells of a mail. See loader-mail.h. */
#include <config.h>
#include "loader-mail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "queue-file.h"

bool loader_mail_is_good(const struct loader_mail *mail)
{
    return mail == NULL || mail->struct_size >= offsetof(struct loader_mail, message_body_file);
}

struct loader_mail loader_mail_read(const struct loader_mail *theirs)
{
    struct loader_mail mail = {.struct_size = sizeof mail};
    if (theirs == NULL)
        return mail;
    memcpy(&mail, theirs, theirs->struct_size < sizeof mail ? theirs->struct_size : sizeof mail);
    mail.struct_size = sizeof mail;
    return mail;
}

/* ---- Its memory ------------------------------------------------------------------------------ */

#define PIECE_COST 32u /* bytes of memory for a piece of text besides its own */

static size_t length_of(const char *text)
{
    return text != NULL ? strlen(text) : 0;
}

static size_t memory_of_text(const char *text, const struct loader_text_file *file)
{
    if (file->size > 0) /* it is not looked at: no more than a piece of it ever is here */
        return file->size < LOADER_TEXT_PIECE ? (size_t)file->size : LOADER_TEXT_PIECE;
    return length_of(text);
}

static size_t memory_of_texts(const struct loader_texts *texts)
{
    size_t sum = 0;
    for (uint64_t i = 0; i < texts->count; i++)
        sum += PIECE_COST + length_of(texts->items[i]);
    return sum;
}

static size_t memory_of_addresses(const struct loader_addresses *list)
{
    size_t sum = 0;
    for (uint64_t i = 0; i < list->count; i++)
        sum += 2 * PIECE_COST + length_of(list->items[i].name) + length_of(list->items[i].address);
    return sum;
}

static size_t memory_of_attachments(const struct loader_mail *mail)
{
    size_t sum = 0;
    for (uint64_t i = 0; i < mail->attachment_count; i++) {
        const struct loader_attachment *a = &mail->attachments[i];
        sum += sizeof *a + 4 * PIECE_COST + length_of(a->filename) + length_of(a->content_type) +
               length_of(a->disposition) + length_of(a->content_id);
    }
    return sum;
}

size_t loader_mail_memory(const struct loader_mail *mail)
{
    return memory_of_text(mail->message_body, &mail->message_body_file) +
           memory_of_text(mail->html, &mail->html_file) + memory_of_texts(&mail->references) +
           memory_of_texts(&mail->problems) + memory_of_addresses(&mail->from_list) +
           memory_of_addresses(&mail->to_list) + memory_of_addresses(&mail->cc_list) +
           memory_of_addresses(&mail->bcc_list) + memory_of_addresses(&mail->reply_to_list) +
           memory_of_attachments(mail) + length_of(mail->sender) + length_of(mail->recipient) +
           length_of(mail->cc) + length_of(mail->bcc) + length_of(mail->subject) +
           length_of(mail->message_id) + length_of(mail->in_reply_to);
}

/* ---- A text in a file ------------------------------------------------------------------------ */

struct loader_text {
    struct loader_text_file file;
    uint64_t at;  /* of the file: what lies before was read */
    size_t count; /* bytes that are here */
    char bytes[LOADER_TEXT_PIECE + 1];
};

static int loader_text_unread(const struct loader_text_file *file, uint64_t at, struct error *err)
{
    return error_set(err, ERROR_STORE,
                     "the file of a message's text cannot be read at byte %llu of %llu: %s; check "
                     "the disk of the spool folder",
                     (unsigned long long)at, (unsigned long long)file->size, strerror(errno));
}

int loader_text_open(const struct loader_text_file *file, struct loader_text **out_text,
                     struct error *err)
{
    struct stat info = {.st_size = 0};
    if (fstat(file->fd, &info) < 0 && errno != EBADF)
        return loader_text_unread(file, 0, err);
    if (!S_ISREG(info.st_mode) || info.st_size < 0 || (uint64_t)info.st_size < file->size)
        return error_set(
            err, ERROR_BUG,
            "descriptor %d is no file with the %llu bytes of text that it should hold; "
            "report this as a bug of its loader",
            (int)file->fd, (unsigned long long)file->size);
    AUTO(loader_text) text = calloc(1, sizeof *text);
    if (text == NULL)
        return error_oom(err, "reading a text");
    text->file = *file;
    *out_text = TAKE(text);
    return 0;
}

void loader_text_free(struct loader_text *text)
{
    free(text);
}

static void loader_text_hide_nul(char *bytes, size_t count)
{
    char *end = bytes + count;
    while (bytes < end && (bytes = memchr(bytes, '\0', (size_t)(end - bytes))) != NULL)
        *bytes++ = (char)0xFF;
}

int loader_text_next(struct loader_text *text, size_t used, struct loader_text_piece *out_piece,
                     struct error *err)
{
    uint64_t left = text->file.size - text->at;
    size_t kept = text->count - used, room = LOADER_TEXT_PIECE - kept;
    size_t more = left < room ? (size_t)left : room;
    memmove(text->bytes, text->bytes + used, kept);
    if (queue_file_read(text->file.fd, text->at, text->bytes + kept, more) < 0)
        return loader_text_unread(&text->file, text->at, err);
    loader_text_hide_nul(text->bytes + kept, more);
    text->at += more;
    text->count = kept + more;
    text->bytes[text->count] = '\0';
    *out_piece = (struct loader_text_piece){text->bytes, text->count, text->at == text->file.size};
    return 0;
}
