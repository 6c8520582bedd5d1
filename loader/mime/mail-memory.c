/* SPDX-License-Identifier: Apache-2.0 */
/* mail-memory.c - the memory of a parsed mail. See mail-memory.h. */
#include <config.h>
#include "mail-memory.h"

#include <stdlib.h>
#include <string.h>

#include "problem.h"
#include "text-walk.h"

#define PIECE_COST 32u      /* bytes that malloc() adds to each of its pieces, about */
#define FILE_COST 65536u    /* bytes of a text in a file that are in memory, about */
#define PACK_PIECES_MIN 32u /* fewer are not worth it: most mails have fewer */
#define PACK_PIECE_MAX 96u  /* bytes on average; to larger ones malloc() adds little */

/* ---- The small texts ------------------------------------------------------------------------- */

typedef void piece_visit(void *context, char **piece); /* one that is there */

static void visit(char **piece, piece_visit *each, void *context)
{
    if (*piece != NULL)
        each(context, piece);
}

static void visit_addresses(struct mail_addresses *list, piece_visit *each, void *context)
{
    for (size_t i = 0; i < list->count; i++) {
        visit(&list->items[i].name, each, context);
        visit(&list->items[i].address, each, context);
    }
}

static void visit_attachment(struct mail_attachment *a, piece_visit *each, void *context)
{
    visit(&a->filename, each, context);
    visit(&a->content_type, each, context);
    visit(&a->disposition, each, context);
    visit(&a->content_id, each, context);
}

/* Those of which a mail may have thousands. */
static void visit_pieces(struct mail *mail, piece_visit *each, void *context)
{
    visit_addresses(&mail->from_list, each, context);
    visit_addresses(&mail->to_list, each, context);
    visit_addresses(&mail->cc_list, each, context);
    visit_addresses(&mail->bcc_list, each, context);
    visit_addresses(&mail->reply_to_list, each, context);
    for (size_t i = 0; i < mail->references.count; i++)
        visit(&mail->references.items[i], each, context);
    for (size_t i = 0; i < mail->attachment_count; i++)
        visit_attachment(&mail->attachments[i], each, context);
}

struct pieces {
    size_t count, size; /* size: with their NULs */
};

static void piece_count(void *context, char **piece)
{
    struct pieces *sum = context;
    sum->count++;
    sum->size += strlen(*piece) + 1;
}

static void piece_move(void *context, char **piece)
{
    char **end = context;
    size_t size = strlen(*piece) + 1;
    char *moved = memcpy(*end, *piece, size);
    free(*piece);
    *piece = moved;
    *end += size;
}

static void piece_free(void *context, char **piece)
{
    (void)context;
    free(*piece);
}

/* Lists double as they grow. */
static void mail_fit(struct mail *mail)
{
    size_t count = mail->attachment_count;
    void *fit = count >= PACK_PIECES_MIN
                    ? reallocarray(mail->attachments, count, sizeof mail->attachments[0])
                    : NULL;
    if (fit != NULL)
        mail->attachments = fit;
}

void mail_pack(struct mail *mail)
{
    struct pieces sum = {0};
    mail_fit(mail);
    visit_pieces(mail, piece_count, &sum);
    if (sum.count < PACK_PIECES_MIN || sum.size > sum.count * PACK_PIECE_MAX ||
        (mail->pack = malloc(sum.size)) == NULL)
        return;
    char *end = mail->pack;
    visit_pieces(mail, piece_move, &end);
}

/* ---- All of it ------------------------------------------------------------------------------- */

static size_t memory_of(const char *text)
{
    return text != NULL ? strlen(text) + PIECE_COST : 0;
}

static size_t memory_of_text(size_t size, const struct file_memory *file)
{
    return file == NULL || size < FILE_COST ? size : FILE_COST;
}

static size_t memory_of_pieces(const struct mail *mail)
{
    struct pieces sum = {0};
    visit_pieces((struct mail *)(uintptr_t)mail, piece_count, &sum); /* it only looks */
    return sum.size + (mail->pack == NULL ? sum.count * PIECE_COST : PIECE_COST);
}

size_t mail_memory(const struct mail *mail)
{
    const char *const texts[] = {mail->sender, mail->recipient, mail->cc, mail->bcc, mail->subject};
    size_t addresses = mail->from_list.count + mail->to_list.count + mail->cc_list.count +
                       mail->bcc_list.count + mail->reply_to_list.count;
    size_t sum = sizeof *mail + memory_of_text(mail->message_body_size, mail->message_body_file) +
                 memory_of_text(mail->html_size, mail->html_file) + memory_of_pieces(mail) +
                 addresses * sizeof(struct mail_address) +
                 (mail->references.count + mail->problems.count) * sizeof(char *) +
                 mail->attachment_count * sizeof mail->attachments[0];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        sum += memory_of(texts[i]);
    for (size_t i = 0; i < mail->problems.count; i++)
        sum += memory_of(mail->problems.items[i]);
    return sum;
}

void mail_free(struct mail *mail)
{
    if (mail == NULL)
        return;
    char *texts[] = {mail->sender,  mail->recipient, mail->cc,         mail->bcc,
                     mail->subject, mail->date_sent, mail->message_id, mail->in_reply_to};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    text_walk_free(mail->message_body, mail->message_body_file);
    text_walk_free(mail->html, mail->html_file);
    if (mail->pack == NULL)
        visit_pieces(mail, piece_free, NULL);
    struct mail_addresses *lists[] = {&mail->from_list, &mail->to_list, &mail->cc_list,
                                      &mail->bcc_list, &mail->reply_to_list};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        free(lists[i]->items);
    free(mail->references.items);
    free(mail->attachments);
    free(mail->pack);
    mail_texts_done(&mail->problems);
    free(mail);
}
