/* SPDX-License-Identifier: Apache-2.0 */
/* mail.c - a message becomes the content of an entry. See mail.h.
 *
 * mime-parser tells of parts; here is decided what each of them is. A part of the message itself is
 * body (mail-body) or attachment (mail-attachment), never both; a multipart is only looked at for
 * what it tells about the mail. What is inside an attached message belongs to that attachment. What
 * is inside an opaque signature (mail-smime) comes with its part, as if it stood there; winmail.dat
 * is opened at the end (mail-tnef). Both stay attachments too. */
#include <config.h>
#include "mail.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "header-address.h"
#include "header-id.h"
#include "mail-attachment.h"
#include "mail-body.h"
#include "mail-fields.h"
#include "mail-files.h"
#include "mail-memory.h"
#include "mail-report.h"
#include "mail-smime.h"
#include "mail-tnef.h"
#include "mime-header.h"
#include "mime-parser.h"
#include "nameless.h"
#include "problem.h"
#include "text-walk.h"
#include "text.h"

#define CHUNK (16u * 1024)               /* encoded bytes that are decoded at a time */
#define PREAMBLE_MAX (1024u * 1024)      /* bytes kept of text before a first boundary */
#define UNWRAPS_MAX 8u                   /* signatures opened in one mail; more stay closed */
#define LEAVES_MAX ((MAIL_DEPTH_MAX + 1) * (UNWRAPS_MAX + 1)) /* parts open at the same time */

_Static_assert(MAIL_SMIME_ROOM >= CHUNK + MIME_DECODE_PENDING, "a chunk is decoded into it");

/* One part while it is open. */
struct leaf {
    struct mime_decoder decoder;
    bool body;                             /* its bytes are the open piece of the body */
    struct mail_files *files;              /* between it and the body: looks for files in text */
    bool preamble;                         /* they are, but only if no part follows */
    size_t preamble_left;                  /* bytes still kept of it */
    bool preamble_cut;                     /* there were more */
    bool related;                          /* multipart/related */
    bool refers;                           /* its document came, and can refer to parts */
    char *start;                           /* the Content-ID of that document, or NULL */
    uint32_t group;                        /* alternatives that its children belong to */
    struct mail_attachment_writer *writer; /* they are an attachment */
    struct mail_smime *smime;              /* looks for a message in them, or NULL */
    struct spool *tnef;                    /* they wait here as well to be opened, or NULL */
    const struct part_handler *handler;    /* who looks at them besides */
    void *state;                           /* the handler's */
};

struct mail_parser {
    struct mail_options options;
    struct mail *mail;
    struct mail_body body;
    struct mail_attachments attachments;
    struct mail_tnef tnef;
    struct mime_handler handler; /* ours, for mime and for the parsers inside signatures */
    struct mime_parser *mime;
    struct leaf *leaves[LEAVES_MAX]; /* open ones, the outermost first */
    size_t depth;
    unsigned unwraps;     /* parts so far that may be signatures */
    unsigned inside;      /* parsers at work inside each other */
    uint32_t groups;      /* groups of alternatives so far */
    struct error failure; /* of the spool; else ERROR_NONE */
    bool null_path; /* Return-Path is "<>" */
    uint8_t decoded[CHUNK + MIME_DECODE_PENDING]; /* last: it is not cleared */
};

/* Parts that somebody looks into, besides being body or attachment. */
struct part_handler {
    const char *type;
    void *(*open)(struct mail *mail);
    int (*write)(void *state, const uint8_t *bytes, size_t count); /* decoded */
    int (*close)(void *state); /* all bytes were written */
    void (*free)(void *state);
};

static const struct part_handler part_handlers[] = {
    {"message/delivery-status", mail_report_open, mail_report_write, mail_report_close,
     mail_report_free},
    {"message/global-delivery-status", mail_report_open, mail_report_write, mail_report_close,
     mail_report_free},
};

static const struct part_handler *part_handler_for(const char *type)
{
    for (size_t i = 0; i < sizeof part_handlers / sizeof part_handlers[0]; i++) {
        if (strcmp(type, part_handlers[i].type) == 0)
            return &part_handlers[i];
    }
    return NULL;
}

/* ---- what a part is ---- */

static const char *part_filename(const struct mime_part *part)
{
    const char *const names[] = {
        header_value_get(part->disposition, "filename"), header_value_get(part->type, "name"),
        header_value_get(part->type, "filename"), /* some take one field for the other */
        header_value_get(part->disposition, "name"),
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i] != NULL && names[i][0] != '\0')
            return names[i];
    return NULL;
}

static bool type_is(const struct mime_part *part, const char *type)
{
    return strcmp(part->type->value, type) == 0;
}

enum role { ROLE_BODY, ROLE_ATTACHMENT, ROLE_BOTH };

/* The id without white space and angle brackets around it. */
static struct span bare_id(struct span id)
{
    while (id.len > 0 && (text_is_space((char)id.bytes[0]) || id.bytes[0] == '<'))
        id = (struct span){id.bytes + 1, id.len - 1};
    while (id.len > 0 && (text_is_space((char)id.bytes[id.len - 1]) || id.bytes[id.len - 1] == '>'))
        id.len--;
    return id;
}

static bool is_start(struct span id, const char *start)
{
    struct span want = bare_id((struct span){(const uint8_t *)start, strlen(start)});
    id = bare_id(id);
    return want.len > 0 && id.len == want.len && memcmp(id.bytes, want.bytes, id.len) == 0;
}

/* In multipart/related (RFC 2387) a later part to which the document can refer belongs to it. Plain
 * text refers to nothing. */
static bool belongs_to_document(const struct mime_part *part, const struct leaf *around)
{
    struct span value;
    if (around == NULL || !around->related || !around->refers)
        return false;
    if (mime_field_find(part->header, "Content-ID", &value))
        return around->start == NULL || !is_start(value, around->start);
    return mime_field_find(part->header, "Content-Location", &value);
}

/* text/plain and text/html are body unless they say otherwise: by disposition, by a name, or by
 * belonging to another document. With a name, but the first of its multipart, a part is both:
 * programs send their whole text so. */
static enum role part_role(const struct mime_part *part, const struct leaf *around,
                           enum mail_body_kind *out)
{
    bool html = type_is(part, "text/html");
    bool text = type_is(part, "text/plain") || part->unparted;
    if (part->opaque || (!html && !text) || strcmp(part->disposition->value, "attachment") == 0 ||
        belongs_to_document(part, around))
        return ROLE_ATTACHMENT;
    *out = html ? MAIL_BODY_HTML : MAIL_BODY_TEXT;
    if (part_filename(part) == NULL)
        return ROLE_BODY;
    return part->index == 0 ? ROLE_BOTH : ROLE_ATTACHMENT;
}

/* What type and parameters tell about the whole mail. */
static void part_flags(struct mail_parser *p, const struct mime_part *part)
{
    const char *report = header_value_get(part->type, "report-type");
    const char *smime = header_value_get(part->type, "smime-type");
    uint32_t flags = 0;
    if (type_is(part, "multipart/signed"))
        flags |= MAIL_SIGNED;
    if (type_is(part, "multipart/encrypted"))
        flags |= MAIL_ENCRYPTED;
    if (type_is(part, "multipart/report")) {
        /* Read receipts (RFC 8098 s.3) have a null return path too: it counts only for reports
         * that do not say what they are. */
        bool delivery =
            report != NULL ? text_equal_nocase(report, "delivery-status") : p->null_path;
        flags |= delivery ? MAIL_BOUNCE : 0u;
    }
    if (type_is(part, "application/pkcs7-mime") || type_is(part, "application/x-pkcs7-mime")) {
        if (smime != NULL && text_equal_nocase(smime, "signed-data"))
            flags |= MAIL_SIGNED;
        if (smime != NULL && (text_equal_nocase(smime, "enveloped-data") ||
                              text_equal_nocase(smime, "authEnveloped-data")))
            flags |= MAIL_ENCRYPTED;
    }
    p->mail->flags |= flags;
}

/* A piece of a message that was cut up (RFC 2046 s.5.2.2): whoever reads it should know. */
static int tell_partial(struct mail_parser *p, const struct mime_part *part)
{
    const char *number = header_value_get(part->type, "number");
    const char *total = header_value_get(part->type, "total");
    if (!type_is(part, "message/partial"))
        return 0;
    return problem_add(&p->mail->problems, "piece %.9s of %.9s of a message, not put together",
                       number != NULL ? number : "?", total != NULL ? total : "?");
}

/* ---- a part begins ---- */

static void leaf_free(struct leaf *leaf)
{
    if (leaf == NULL)
        return;
    mail_files_free(leaf->files);
    mail_attachment_writer_free(leaf->writer);
    mail_smime_free(leaf->smime);
    free(leaf->start);
    if (leaf->handler != NULL && leaf->state != NULL)
        leaf->handler->free(leaf->state);
    free(leaf);
}
AUTO_DEFINE(leaf, leaf_free);

static int open_attachment(struct mail_parser *p, struct leaf *leaf, const struct mime_part *part)
{
    struct mail_texts ids = {0};
    struct span value;
    if (mime_field_find(part->header, "Content-ID", &value) &&
        header_parse_ids(value, &ids, 1) < 0) {
        mail_texts_done(&ids);
        return -1;
    }
    leaf->writer = mail_attachment_open(&p->attachments, &(struct mail_attachment_head){
        .filename = part_filename(part),
        .content_type = part->type->value,
        .disposition = part->disposition->value,
        .content_id = ids.count > 0 ? ids.items[0] : NULL,
    });
    mail_texts_done(&ids);
    return leaf->writer != NULL ? 0 : -1;
}

static int open_body(struct mail_parser *p, const struct mime_part *part, enum mail_body_kind kind,
                     uint32_t group)
{
    bool plain = type_is(part, "text/plain");
    return mail_body_open(&p->body, &(struct mail_body_head){
        .kind = kind,
        .group = group,
        .flow = mail_flow_named(plain ? header_value_get(part->type, "format") : NULL,
                                header_value_get(part->type, "delsp")),
        .charset = header_value_get(part->type, "charset"),
        .guess = part->charset_hint,
    });
}

/* A multipart's own bytes stand before its first boundary: "This is a multi-part message". They are
 * kept for the case that no part follows, because the boundary is not the one announced. */
static int open_multipart(struct mail_parser *p, struct leaf *leaf, const struct mime_part *part,
                          struct leaf *around)
{
    uint32_t group = around != NULL ? around->group : 0;
    const char *start = header_value_get(part->type, "start");
    if (around != NULL)
        around->refers = true;
    leaf->group = group;
    if (group == 0 && type_is(part, "multipart/alternative"))
        leaf->group = ++p->groups;
    leaf->related = type_is(part, "multipart/related");
    if (leaf->related && start != NULL && (leaf->start = strdup(start)) == NULL)
        return -1;
    leaf->preamble = true;
    leaf->preamble_left = PREAMBLE_MAX;
    return open_body(p, part, MAIL_BODY_TEXT, group);
}

/* An attachment that may be a container. */
static int open_container(struct mail_parser *p, struct leaf *leaf, const struct mime_part *part)
{
    const char *type = part->type->value, *name = part_filename(part);
    if (part->opaque)
        return 0;
    if (mail_tnef_is(type, name))
        return mail_tnef_open(&p->tnef, &leaf->tnef, &p->failure);
    if (!mail_smime_is(type, name))
        return 0;
    if (p->unwraps == UNWRAPS_MAX)
        return problem_add(&p->mail->problems, "more than %u signatures: the rest is not opened",
                           UNWRAPS_MAX);
    p->unwraps++;
    leaf->smime = mail_smime_new(&p->handler, &p->mail->problems);
    return leaf->smime != NULL ? 0 : -1;
}

/* Which alternatives a text belongs to. In multipart/related a plain text before the HTML is its
 * alternative, too: to the document itself nothing refers. */
static uint32_t leaf_group(struct mail_parser *p, enum mail_body_kind kind, struct leaf *around)
{
    if (around == NULL)
        return 0;
    bool document = around->related && !around->refers;
    if (document && around->group == 0 && kind == MAIL_BODY_TEXT)
        around->group = ++p->groups;
    around->refers = around->refers || kind == MAIL_BODY_HTML;
    return around->related && !document ? 0 : around->group;
}

static int open_leaf(struct mail_parser *p, struct leaf *leaf, const struct mime_part *part,
                     struct leaf *around)
{
    enum mail_body_kind kind = MAIL_BODY_TEXT;
    leaf->handler = part_handler_for(part->type->value);
    if (leaf->handler != NULL && (leaf->state = leaf->handler->open(p->mail)) == NULL)
        return -1;
    enum role role = part_role(part, around, &kind);
    if (role != ROLE_BODY && open_attachment(p, leaf, part) < 0)
        return -1;
    leaf->body = role != ROLE_ATTACHMENT;
    if (!leaf->body)
        return open_container(p, leaf, part);
    uint32_t group = leaf_group(p, kind, around);
    if (role == ROLE_BODY && kind == MAIL_BODY_TEXT &&
        (leaf->files = mail_files_new(&p->body, &p->attachments)) == NULL)
        return -1;
    return open_body(p, part, kind, group);
}

/* A part follows: what stood before it was only a preamble. */
static void parent_has_part(struct mail_parser *p, const struct mime_part *part)
{
    struct leaf *around = part->parent != NULL ? part->parent->user : NULL;
    if (around == NULL || !around->preamble)
        return;
    around->preamble = false;
    mail_body_forget(&p->body);
}

static int part_begin(void *context, struct mime_part *part)
{
    struct mail_parser *p = context;
    if (part->parent == NULL && p->inside == 0 &&
        mail_fields_read(p->mail, part->header, &p->null_path) < 0)
        return -1;
    if (part->messages > 0)
        return 0;
    parent_has_part(p, part);
    part_flags(p, part);
    if (tell_partial(p, part) < 0)
        return -1;
    AUTO(leaf) leaf = calloc(1, sizeof *leaf);
    if (leaf == NULL)
        return -1;
    struct leaf *around = part->parent != NULL ? part->parent->user : NULL;
    mime_decoder_init(&leaf->decoder, part->encoding);
    int result = part->kind == MIME_MULTIPART ? open_multipart(p, leaf, part, around)
                                              : open_leaf(p, leaf, part, around);
    if (result < 0)
        return -1;
    part->user = p->leaves[p->depth++] = TAKE(leaf);
    return 0;
}

/* ---- its bytes ---- */

static int preamble_bytes(struct mail_parser *p, struct leaf *leaf, const uint8_t *bytes,
                          size_t count)
{
    size_t n = count < leaf->preamble_left ? count : leaf->preamble_left;
    leaf->preamble_left -= n;
    leaf->preamble_cut |= n < count;
    return n > 0 ? mail_body_write(&p->body, bytes, n) : 0;
}

/* The parts inside a signature begin and end in here; their leaves stand above this one. */
static int smime_bytes(struct mail_parser *p, struct leaf *leaf, const uint8_t *bytes, size_t count)
{
    p->inside++;
    int result = mail_smime_write(leaf->smime, bytes, count);
    p->inside--;
    return result;
}

static int leaf_bytes(struct mail_parser *p, struct leaf *leaf, const uint8_t *bytes, size_t count)
{
    if (leaf->preamble)
        return preamble_bytes(p, leaf, bytes, count);
    if (leaf->files != NULL)
        return mail_files_write(leaf->files, bytes, count);
    if (leaf->body && mail_body_write(&p->body, bytes, count) < 0)
        return -1;
    if (leaf->writer != NULL && mail_attachment_write(leaf->writer, bytes, count) < 0)
        return -1;
    if (leaf->smime != NULL && smime_bytes(p, leaf, bytes, count) < 0)
        return -1;
    if (leaf->tnef != NULL && spool_write(leaf->tnef, bytes, count, &p->failure) < 0)
        return -1;
    return leaf->state != NULL ? leaf->handler->write(leaf->state, bytes, count) : 0;
}

/* Where this part is decoded. What is inside a signature comes while that is decoded itself. */
static uint8_t *leaf_room(struct mail_parser *p, struct leaf *leaf)
{
    return leaf->smime != NULL ? mail_smime_room(leaf->smime) : p->decoded;
}

static int part_body(void *context, struct mime_part *part, const uint8_t *bytes, size_t count)
{
    struct mail_parser *p = context;
    struct leaf *leaf = part->user;
    if (leaf == NULL)
        return 0;
    if (part->encoding == MIME_IDENTITY)
        return leaf_bytes(p, leaf, bytes, count);
    for (size_t at = 0; at < count;) {
        size_t n = count - at < CHUNK ? count - at : CHUNK;
        uint8_t *room = leaf_room(p, leaf);
        size_t made = mime_decoder_feed(&leaf->decoder, bytes + at, n, room);
        if (leaf_bytes(p, leaf, room, made) < 0)
            return -1;
        at += n;
    }
    return 0;
}

/* ---- its end ---- */

static int close_body(struct mail_parser *p)
{
    if (mail_body_close(&p->body) < 0)
        return -1;
    /* PGP in the text itself (RFC 9580 s.7, s.6.2) */
    if (mail_body_last_has(&p->body, "-----BEGIN PGP SIGNED MESSAGE-----"))
        p->mail->flags |= MAIL_SIGNED;
    if (mail_body_last_has(&p->body, "-----BEGIN PGP MESSAGE-----"))
        p->mail->flags |= MAIL_ENCRYPTED;
    return 0;
}

/* No part came: what stood there is all there is to read. */
static int close_preamble(struct mail_parser *p, const struct leaf *leaf)
{
    if (mail_body_close(&p->body) < 0)
        return -1;
    if (leaf->preamble_cut &&
        problem_add(&p->mail->problems, "multipart without parts: cut behind %u MB",
                    PREAMBLE_MAX / 1048576) < 0)
        return -1;
    if (!mail_body_last_is_blank(&p->body))
        return problem_add(&p->mail->problems, "multipart without parts: read as text");
    mail_body_forget(&p->body);
    return 0;
}

/* What is inside has been read; what it was tells about the mail. */
static int close_smime(struct mail_parser *p, struct leaf *leaf)
{
    p->inside++;
    int result = mail_smime_finish(leaf->smime);
    p->inside--;
    enum cms_kind kind = mail_smime_kind(leaf->smime);
    p->mail->flags |= kind == CMS_SIGNED      ? MAIL_SIGNED
                      : kind == CMS_ENCRYPTED ? MAIL_ENCRYPTED
                                              : 0u;
    if (result == 0 && kind == CMS_COMPRESSED) /* libcrypto is mostly built without zlib */
        result = problem_add(&p->mail->problems, "compressed message (RFC 3274), not opened");
    return result;
}

static int leaf_close(struct mail_parser *p, struct leaf *leaf)
{
    bool decoded = leaf->preamble || leaf->body || leaf->writer != NULL;
    uint8_t *room = leaf_room(p, leaf);
    size_t made = decoded ? mime_decoder_finish(&leaf->decoder, room) : 0;
    const char *problem = decoded ? mime_decoder_problem(&leaf->decoder) : NULL;
    if ((made > 0 && leaf_bytes(p, leaf, room, made) < 0) ||
        (problem != NULL && problem_add(&p->mail->problems, "%s", problem) < 0))
        return -1;
    if (leaf->preamble && close_preamble(p, leaf) < 0)
        return -1;
    if (leaf->files != NULL && mail_files_close(leaf->files) < 0)
        return -1;
    if (leaf->smime != NULL && close_smime(p, leaf) < 0)
        return -1;
    if (leaf->body && close_body(p) < 0)
        return -1;
    if (leaf->writer != NULL && mail_attachment_close(leaf->writer) < 0)
        return -1;
    return leaf->state != NULL ? leaf->handler->close(leaf->state) : 0;
}

static int part_end(void *context, struct mime_part *part)
{
    struct mail_parser *p = context;
    if (part->user == NULL)
        return 0;
    struct leaf *leaf = part->user;
    part->user = NULL;
    if (leaf_close(p, leaf) < 0) /* parts inside it are above it until here */
        return -1;
    leaf_free(p->leaves[--p->depth]);
    return 0;
}

/* ---- the mail is complete ---- */

static int write_html(const struct mail *mail, struct mail_attachment_writer *writer)
{
    struct buffer html = text_walk_over(mail->html, mail->html_size, mail->html_file);
    struct span piece = {0};
    while (text_walk_next(&html, &piece))
        if (mail_attachment_write(writer, piece.bytes, piece.len) < 0)
            return -1;
    return 0;
}

static int attach_html(struct mail_parser *p)
{
    if (!p->options.attach_html || p->mail->html == NULL)
        return 0;
    AUTO(mail_attachment_writer) writer =
        mail_attachment_open(&p->attachments, &(struct mail_attachment_head){
            .filename = "original.html",
            .content_type = "text/html",
            .disposition = "attachment",
        });
    if (writer == NULL || write_html(p->mail, writer) < 0)
        return -1;
    return mail_attachment_close(writer);
}

/* Char (XML 1.0 s.2.2) is tab, line ends, and from U+0020 up all but U+FFFE and U+FFFF. Returns the
 * new length. */
static size_t sanitize_bytes(char *text, struct text_walk *walk)
{
    char *to = text;
    for (const char *from = text; from != NULL && *from != '\0'; from++) {
        uint8_t c = (uint8_t)*from;
        text_walk_at(walk, from);
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
            continue;
        if (c == 0xEF && (uint8_t)from[1] == 0xBF && (uint8_t)from[2] >= 0xBE) {
            from += 2;
            continue;
        }
        *to++ = *from;
    }
    if (text != NULL)
        *to = '\0';
    return (size_t)(to - text);
}

static void sanitize_text(char *text)
{
    (void)sanitize_bytes(text, NULL);
}

static void sanitize_large(char *text, size_t *size, struct file_memory *file)
{
    struct buffer b = text_walk_over(text, *size, file);
    struct text_walk walk = {.text = &b, .last = text};
    *size = sanitize_bytes(text, &walk);
    buffer_passed(&b);
}

static void sanitize_addresses(struct mail_addresses *list)
{
    for (size_t i = 0; i < list->count; i++) {
        sanitize_text(list->items[i].name);
        sanitize_text(list->items[i].address);
    }
}

static void sanitize(struct mail *m)
{
    char *texts[] = {m->sender,  m->recipient,  m->cc,         m->bcc,
                     m->subject, m->message_id, m->in_reply_to};
    struct mail_addresses *lists[] = {&m->from_list, &m->to_list, &m->cc_list, &m->bcc_list,
                                      &m->reply_to_list};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        sanitize_text(texts[i]);
    sanitize_large(m->message_body, &m->message_body_size, m->message_body_file);
    sanitize_large(m->html, &m->html_size, m->html_file);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        sanitize_addresses(lists[i]);
    for (size_t i = 0; i < m->references.count; i++)
        sanitize_text(m->references.items[i]);
    for (size_t i = 0; i < m->attachment_count; i++) {
        sanitize_text(m->attachments[i].filename);
        sanitize_text(m->attachments[i].content_id);
    }
}

/* ---- the door ---- */

struct mail_parser *mail_parser_new(const struct mail_options *options)
{
    static const struct mail_options defaults;
    AUTO(mail_parser) p = malloc(sizeof *p);
    if (p == NULL)
        return NULL;
    memset(p, 0, offsetof(struct mail_parser, decoded));
    if ((p->mail = calloc(1, sizeof *p->mail)) == NULL)
        return NULL;
    p->options = options != NULL ? *options : defaults;
    mail_body_init(&p->body, nameless_folder(p->options.spool_dir), &p->mail->problems);
    p->attachments = (struct mail_attachments){.mail = p->mail, .sink = p->options.sink};
    p->tnef = (struct mail_tnef){.dir = p->options.spool_dir, .problems = &p->mail->problems};
    p->handler = (struct mime_handler){part_begin, part_body, part_end, p};
    p->mime = mime_parser_new(&p->handler, &p->mail->problems);
    return p->mime != NULL ? TAKE(p) : NULL;
}

void mail_parser_free(struct mail_parser *p)
{
    if (p == NULL)
        return;
    while (p->depth > 0)
        leaf_free(p->leaves[--p->depth]);
    mime_parser_free(p->mime);
    mail_body_done(&p->body);
    mail_tnef_done(&p->tnef);
    mail_free(p->mail);
    free(p);
}

static int failed(const struct mail_parser *p, struct error *err)
{
    if (p->attachments.cancelled)
        return error_set(err, ERROR_CANCELLED, "reading a message was stopped");
    if (p->failure.class == ERROR_NONE)
        return error_oom(err, "reading a message");
    return error_set(err, p->failure.class, "%s", p->failure.text);
}

int mail_parser_feed(struct mail_parser *p, const uint8_t *bytes, size_t count, struct error *err)
{
    return mime_parser_feed(p->mime, bytes, count) < 0 ? failed(p, err) : 0;
}

int mail_parser_feed_spooled(struct mail_parser *p, struct spool *spool, const uint8_t *bytes,
                             size_t count, struct error *err)
{
    p->attachments.beside = spool_digest(spool);
    int result = spool_write_lent(spool, bytes, count, err);
    if (result == 0)
        result = mail_parser_feed(p, bytes, count, err);
    spool_work(spool); /* @bytes are the caller's again */
    return result;
}

int mail_parser_finish(struct mail_parser *p, struct mail **out_mail, struct error *err)
{
    if (mime_parser_finish(p->mime) < 0 ||
        mail_tnef_finish(&p->tnef, &p->attachments, &p->body, &p->failure) < 0 ||
        mail_body_finish(&p->body, p->mail) < 0)
        return failed(p, err);
    if (p->options.sanitize)
        sanitize(p->mail);
    if (attach_html(p) < 0)
        return failed(p, err);
    mail_pack(p->mail);
    *out_mail = TAKE(p->mail);
    return 0;
}
