/* SPDX-License-Identifier: Apache-2.0 */
/* loader-item.c - joins the contract and our modules. See loader-item.h.
 *
 * Structs of both sides that stand in arrays are laid out alike, which the assertions below hold,
 * so that lists are handed out as they are, not copied. */
#include <config.h>
#include "loader-item.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "file-memory.h"
#include "text.h"

#define LOADER_PIECE (64u * 1024) /* bytes read at once */
#define LOADER_LOG_MAX 1024u      /* bytes of a log line */

#define SAME_NUMBER(name) static_assert((int)ERROR_##name == (int)LOADER_ERROR_##name, #name)
SAME_NUMBER(NONE);
SAME_NUMBER(MAIL);
SAME_NUMBER(UNREACHABLE);
SAME_NUMBER(LINK);
SAME_NUMBER(PAUSE);
SAME_NUMBER(PROTOCOL);
SAME_NUMBER(CERTIFICATE);
SAME_NUMBER(CREDENTIALS);
SAME_NUMBER(CONFIG);
SAME_NUMBER(USAGE);
SAME_NUMBER(CREATE);
SAME_NUMBER(STORE);
SAME_NUMBER(CANCELLED);
SAME_NUMBER(BUG);
SAME_NUMBER(HELD);

#define SAME_FLAG(name) static_assert((unsigned)MAIL_##name == LOADER_MAIL_##name, #name)
SAME_FLAG(AUTO);
SAME_FLAG(BOUNCE);
SAME_FLAG(LIST);
SAME_FLAG(SIGNED);
SAME_FLAG(ENCRYPTED);

#define SAME_PLACE(ours, theirs, field)                                                            \
    static_assert(offsetof(struct ours, field) == offsetof(struct theirs, field) &&                \
                      sizeof(struct ours) == sizeof(struct theirs), #ours "." #field)
SAME_PLACE(mail_address, loader_address, name);
SAME_PLACE(mail_address, loader_address, address);
SAME_PLACE(mail_attachment, loader_attachment, filename);
SAME_PLACE(mail_attachment, loader_attachment, content_type);
SAME_PLACE(mail_attachment, loader_attachment, disposition);
SAME_PLACE(mail_attachment, loader_attachment, content_id);
SAME_PLACE(mail_attachment, loader_attachment, size);
SAME_PLACE(mail_attachment, loader_attachment, sha256);
static_assert(DIGEST_SIZE == sizeof((struct loader_item *)0)->raw_sha256, "digest");
static_assert(ERROR_TEXT_MAX <= sizeof((struct loader_error *)0)->text, "error text");

/* ---- Errors ---------------------------------------------------------------------------------- */

int loader_error_from(const struct error *err, struct loader_error *out)
{
    if (err == NULL || out == NULL || out->struct_size < sizeof out->struct_size)
        return -1;
    struct loader_error full = {.struct_size = out->struct_size,
                                .error_class = (uint32_t)err->class,
                                .pause_s = err->pause_s};
    size_t room = out->struct_size < sizeof full ? out->struct_size : sizeof full;
    if (room > offsetof(struct loader_error, text))
        text_copy(full.text, room - offsetof(struct loader_error, text), err->text);
    memcpy(out, &full, room);
    return -1;
}

/* A host's function failed: its error as ours. */
static int loader_error_to(const struct loader_error *theirs, struct error *err)
{
    enum error_class class = theirs->error_class > ERROR_NONE && theirs->error_class <= ERROR_HELD
                                 ? (enum error_class)theirs->error_class
                                 : ERROR_BUG;
    error_set(err, class, "%.*s", (int)sizeof theirs->text,
              theirs->text[0] != '\0' ? theirs->text : "the host failed and did not say why");
    if (err != NULL)
        err->pause_s = theirs->pause_s;
    return -1;
}

/* ---- Host ------------------------------------------------------------------------------------ */

int loader_host_copy(const struct loader_host *theirs, struct loader_host *out, struct error *err)
{
    *out = (struct loader_host){0};
    if (theirs == NULL)
        return 0;
    size_t have = theirs->struct_size;
    if (have < offsetof(struct loader_host, context) || theirs->api_version != LOADER_API_VERSION)
        return error_set(err, ERROR_BUG,
                         "this loader speaks version %u of the contract, its host another; install "
                         "both from one release", LOADER_API_VERSION);
    memcpy(out, theirs, have < sizeof *out ? have : sizeof *out);
    return 0;
}

void loader_settings_copy(const struct loader_settings *theirs, struct loader_settings *out)
{
    *out = (struct loader_settings){0};
    if (theirs != NULL)
        memcpy(out, theirs, theirs->struct_size < sizeof *out ? theirs->struct_size : sizeof *out);
}

void loader_surveyor_copy(const struct loader_surveyor *theirs, struct loader_surveyor *out)
{
    *out = (struct loader_surveyor){0};
    if (theirs != NULL)
        memcpy(out, theirs, theirs->struct_size < sizeof *out ? theirs->struct_size : sizeof *out);
}

void loader_host_log(const struct loader_host *host, enum loader_log_level level, const char *fmt,
                     ...)
{
    if (host->log == NULL)
        return;
    char raw[LOADER_LOG_MAX], line[LOADER_LOG_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(raw, sizeof raw, fmt, args);
    va_end(args);
    text_printable(line, sizeof line, raw, strlen(raw));
    host->log(host->context, (uint32_t)level, line);
}

struct clock loader_host_clock(const struct loader_host *host)
{
    struct clock clock = *clock_system();
    clock.context = host->context; /* the system's functions do not look at it */
    if (host->monotonic_ms != NULL)
        clock.monotonic_ms = host->monotonic_ms;
    if (host->unix_s != NULL)
        clock.unix_s = host->unix_s;
    return clock;
}

bool loader_host_cancelled(const struct loader_host *host, struct error *err)
{
    if (host->cancelled == NULL || host->cancelled(host->context) == 0)
        return false;
    error_set(err, ERROR_CANCELLED, "stopped as asked");
    return true;
}

int loader_host_known(const struct loader_host *host, struct loader_record *records, size_t count,
                      struct error *err)
{
    struct loader_error theirs = {.struct_size = sizeof theirs};
    if (host->known != NULL)
        return host->known(host->context, records, count, &theirs) < 0
                   ? loader_error_to(&theirs, err)
                   : 0;
    for (size_t i = 0; i < count; i++)
        records[i] = (struct loader_record){.origin = records[i].origin};
    return 0;
}

int loader_host_note(const struct loader_host *host, const struct loader_record *records,
                     size_t count, struct error *err)
{
    struct loader_error theirs = {.struct_size = sizeof theirs};
    if (host->note == NULL || count == 0 ||
        host->note(host->context, records, count, &theirs) >= 0)
        return 0;
    return loader_error_to(&theirs, err);
}

/* unsettled() and settled() of the contract. */
typedef int loader_host_walk(void *context, const char *account, const char *mailbox,
                             const struct loader_origin *after, struct loader_record *out_records,
                             uint64_t capacity, uint64_t *out_count, struct loader_error *err);

static int loader_host_page(const struct loader_host *host, loader_host_walk *walk,
                            const char *account, const char *mailbox,
                            const struct loader_origin *after, struct loader_record *out_records,
                            size_t capacity, size_t *out_count, struct error *err)
{
    struct loader_error theirs = {.struct_size = sizeof theirs};
    uint64_t count = 0;
    if (walk != NULL && walk(host->context, account, mailbox, after, out_records, capacity, &count,
                             &theirs) < 0)
        return loader_error_to(&theirs, err);
    *out_count = count < capacity ? (size_t)count : capacity;
    return 0;
}

int loader_host_unsettled(const struct loader_host *host, const char *account, const char *mailbox,
                          const struct loader_origin *after, struct loader_record *out_records,
                          size_t capacity, size_t *out_count, struct error *err)
{
    return loader_host_page(host, host->unsettled, account, mailbox, after, out_records, capacity,
                            out_count, err);
}

int loader_host_settled(const struct loader_host *host, const char *account, const char *mailbox,
                        const struct loader_origin *after, struct loader_record *out_records,
                        size_t capacity, size_t *out_count, struct error *err)
{
    return loader_host_page(host, host->settled, account, mailbox, after, out_records, capacity,
                            out_count, err);
}

static int loader_host_answered(int failed, const struct loader_error *theirs, struct error *err)
{
    return failed < 0 ? loader_error_to(theirs, err) : 0;
}

int loader_host_evidence(const struct loader_host *host, struct loader_evidence *items,
                         size_t count, struct error *err)
{
    struct loader_error theirs = {.struct_size = sizeof theirs};
    if (host->evidence != NULL)
        return loader_host_answered(host->evidence(host->context, items, count, &theirs), &theirs,
                                    err);
    for (size_t i = 0; i < count; i++)
        items[i] = (struct loader_evidence){.origin = items[i].origin};
    return 0;
}

int loader_host_lookalikes(const struct loader_host *host, const char *account, const char *mailbox,
                           uint32_t uidvalidity, uint32_t above, struct loader_lookalike *items,
                           size_t count, struct error *err)
{
    struct loader_error theirs = {.struct_size = sizeof theirs};
    for (size_t i = 0; i < count; i++)
        items[i].found = 0;
    return host->lookalikes == NULL
               ? 0
               : loader_host_answered(host->lookalikes(host->context, account, mailbox, uidvalidity,
                                                       above, items, count, &theirs),
                                      &theirs, err);
}

int loader_host_mailbox(const struct loader_host *host, const char *account, const char *mailbox,
                        struct loader_mailbox *out_state, struct error *err)
{
    struct loader_error theirs = {.struct_size = sizeof theirs};
    *out_state = (struct loader_mailbox){.struct_size = sizeof *out_state};
    return host->mailbox == NULL
               ? 0
               : loader_host_answered(
                     host->mailbox(host->context, account, mailbox, out_state, &theirs), &theirs,
                     err);
}

int loader_host_adopt(const struct loader_host *host, const char *account, const char *mailbox,
                      const struct loader_adoption *items, size_t count,
                      const struct loader_mailbox *state, struct error *err)
{
    struct loader_error theirs = {.struct_size = sizeof theirs};
    return host->adopt == NULL
               ? 0
               : loader_host_answered(host->adopt(host->context, account, mailbox, items, count,
                                                  state, &theirs),
                                      &theirs, err);
}

void loader_host_trouble(const struct loader_host *host, const struct error *why)
{
    struct loader_error theirs = {.struct_size = sizeof theirs};
    if (host->trouble == NULL)
        return;
    if (why != NULL)
        (void)loader_error_from(why, &theirs);
    host->trouble(host->context, theirs.error_class, why != NULL ? theirs.text : NULL);
}

void loader_host_progress(const struct loader_host *host, uint64_t messages)
{
    if (host->progress != NULL)
        host->progress(host->context, messages);
}

/* ---- Items ----------------------------------------------------------------------------------- */

struct loader_item_box {
    struct loader_item item;
    struct loader_mail view;
    struct mail *mail;
    struct spool *spool;
    char *account, *mailbox, *key, *date_received, *error;
};

void loader_item_parts_done(struct loader_item_parts *parts)
{
    mail_free(parts->mail);
    spool_free(parts->spool);
    parts->mail = NULL;
    parts->spool = NULL;
}

static struct loader_addresses loader_addresses_of(const struct mail_addresses *list)
{
    return (struct loader_addresses){(const struct loader_address *)(const void *)list->items,
                                     list->count};
}

static struct loader_texts loader_texts_of(const struct mail_texts *list)
{
    return (struct loader_texts){(const char *const *)list->items, list->count};
}

static struct loader_text_file loader_text_file_of(const struct file_memory *file, size_t size)
{
    return file == NULL ? (struct loader_text_file){.fd = -1}
                        : (struct loader_text_file){.size = size, .fd = file_memory_fd(file)};
}

static struct loader_mail loader_mail_of(const struct mail *mail, const char *date_received)
{
    return (struct loader_mail){
        .struct_size = sizeof(struct loader_mail),
        .flags = mail->flags,
        .sender = mail->sender,
        .recipient = mail->recipient,
        .cc = mail->cc,
        .bcc = mail->bcc,
        .from_list = loader_addresses_of(&mail->from_list),
        .to_list = loader_addresses_of(&mail->to_list),
        .cc_list = loader_addresses_of(&mail->cc_list),
        .bcc_list = loader_addresses_of(&mail->bcc_list),
        .reply_to_list = loader_addresses_of(&mail->reply_to_list),
        .subject = mail->subject,
        .date_sent = mail->date_sent,
        .date_received = date_received,
        .message_id = mail->message_id,
        .in_reply_to = mail->in_reply_to,
        .references = loader_texts_of(&mail->references),
        .message_body = mail->message_body,
        .html = mail->html,
        .attachments = (const struct loader_attachment *)(const void *)mail->attachments,
        .attachment_count = mail->attachment_count,
        .problems = loader_texts_of(&mail->problems),
        .message_body_file = loader_text_file_of(mail->message_body_file, mail->message_body_size),
        .html_file = loader_text_file_of(mail->html_file, mail->html_size),
    };
}

static void loader_item_fill(struct loader_item_box *box, const struct loader_item_parts *parts)
{
    struct loader_item *item = &box->item;
    *item = (struct loader_item){
        .struct_size = sizeof *item,
        .token = parts->token,
        .item_class = "Mail",
        .origin = {box->account, box->mailbox, parts->uidvalidity, parts->uid, box->key},
        .error = box->error,
        .raw_size = parts->raw_size,
        .raw_fd = -1,
    };
    if (box->mail != NULL) {
        box->view = loader_mail_of(box->mail, box->date_received);
        item->mail = &box->view;
    }
    if (box->spool != NULL) {
        item->raw_bytes = spool_bytes(box->spool);
        item->raw_size = spool_size(box->spool);
        item->raw_fd = spool_fd(box->spool);
        memcpy(item->raw_sha256, parts->sha256, sizeof item->raw_sha256);
    }
}

/* Copies @text, NULL as NULL. -1 out of memory. */
static int loader_copy_text(char **out, const char *text)
{
    *out = text != NULL ? strdup(text) : NULL;
    return *out == NULL && text != NULL ? -1 : 0;
}

int loader_item_new(struct loader_item_parts *parts, struct loader_item_box **out_box,
                    struct error *err)
{
    AUTO(loader_item_box) box = calloc(1, sizeof *box);
    if (box == NULL) {
        loader_item_parts_done(parts);
        return error_oom(err, "making an item");
    }
    box->mail = TAKE(parts->mail);
    box->spool = TAKE(parts->spool);
    if (loader_copy_text(&box->account, parts->account) < 0 ||
        loader_copy_text(&box->mailbox, parts->mailbox) < 0 ||
        loader_copy_text(&box->key, parts->key) < 0 ||
        loader_copy_text(&box->date_received, parts->date_received) < 0 ||
        loader_copy_text(&box->error, parts->error) < 0)
        return error_oom(err, "making an item");
    loader_item_fill(box, parts);
    *out_box = TAKE(box);
    return 0;
}

void loader_item_box_free(struct loader_item_box *box)
{
    if (box == NULL)
        return;
    mail_free(box->mail);
    spool_free(box->spool);
    free(box->account);
    free(box->mailbox);
    free(box->key);
    free(box->date_received);
    free(box->error);
    free(box);
}

const struct loader_item *loader_item_of(const struct loader_item_box *box)
{
    return &box->item;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* The bytes at @at; of what cannot seek the next ones. */
static ssize_t loader_read_piece(int fd, uint64_t at, uint8_t *bytes)
{
    for (;;) {
        ssize_t n = pread(fd, bytes, LOADER_PIECE, (off_t)at);
        if (n < 0 && errno == ESPIPE)
            n = read(fd, bytes, LOADER_PIECE);
        if (n >= 0 || errno != EINTR)
            return n;
    }
}

static int loader_read_all(int fd, const struct loader_host *host, struct mail_parser *parser,
                           struct spool *spool, struct error *err)
{
    AUTO_TEXT bytes = malloc(LOADER_PIECE);
    if (bytes == NULL)
        return error_oom(err, "reading a file");
    for (;;) {
        if (loader_host_cancelled(host, err))
            return -1;
        ssize_t n = loader_read_piece(fd, spool_size(spool), (uint8_t *)bytes);
        if (n < 0)
            return error_set(err, ERROR_MAIL, "cannot read the file: %s; look after its disk",
                             strerror(errno));
        if (n == 0)
            return 0;
        if (mail_parser_feed_spooled(parser, spool, (const uint8_t *)bytes, (size_t)n, err) < 0)
            return -1;
    }
}

int loader_item_read(int fd, const struct loader_host *host, const struct mail_options *options,
                     struct loader_item_parts *parts, struct error *err)
{
    struct mail_options with_dir = *options;
    with_dir.spool_dir = host->spool_dir;
    AUTO(mail_parser) parser = mail_parser_new(&with_dir);
    AUTO(spool) spool = NULL;
    if (parser == NULL)
        return error_oom(err, "reading a mail");
    if (spool_new(host->spool_dir, 0, &spool, err) < 0 ||
        loader_read_all(fd, host, parser, spool, err) < 0 ||
        spool_finish(spool, parts->sha256, err) < 0)
        return -1;
    if (mail_parser_finish(parser, &parts->mail, err) < 0)
        return -1;
    parts->spool = TAKE(spool);
    return 0;
}

/* The contract's sink behind the parser's. */
static int loader_sink_pass(void *context, uint32_t ordinal, const uint8_t *bytes, size_t count)
{
    const struct loader_sink *sink = context;
    return sink->attachment(sink->context, ordinal, bytes, count) == 0 ? 0 : -1;
}

int loader_parse(const struct loader_host *host, const struct mail_options *options, int fd,
                 const struct loader_sink *sink, struct loader_item_box **out_box,
                 struct error *err)
{
    struct loader_sink theirs = {0};
    if (sink != NULL)
        memcpy(&theirs, sink,
               sink->struct_size < sizeof theirs ? sink->struct_size : sizeof theirs);
    const struct mail_sink pass = {loader_sink_pass, &theirs};
    struct mail_options with_sink = *options;
    with_sink.sink = theirs.attachment != NULL ? &pass : NULL;
    AUTO_DONE(loader_item_parts) parts = {.token = 1};
    if (loader_item_read(fd, host, &with_sink, &parts, err) < 0)
        return -1;
    char key[2 * DIGEST_SIZE + 1];
    for (size_t i = 0; i < DIGEST_SIZE; i++)
        (void)snprintf(key + 2 * i, 3, "%02x", parts.sha256[i]);
    parts.key = key;
    return loader_item_new(&parts, out_box, err);
}

/* ---- Options --------------------------------------------------------------------------------- */

static const char *loader_option_type(const struct connection_key *key)
{
    static const char *const names[] = {
        [CONNECTION_TEXT] = "text",       [CONNECTION_NUMBER] = "number",
        [CONNECTION_BOOLEAN] = "boolean", [CONNECTION_SIZE] = "size",
        [CONNECTION_DURATION] = "duration", [CONNECTION_CHOICE] = "choice",
    };
    return key->choices != NULL ? "choice" : names[key->type];
}

size_t loader_options_from(const struct connection_key *keys, size_t count,
                           struct loader_option *out_options, size_t capacity)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (keys[i].type == CONNECTION_REFUSED)
            continue;
        if (used < capacity)
            out_options[used] = (struct loader_option){
                keys[i].key,     loader_option_type(&keys[i]), keys[i].default_value,
                keys[i].choices, keys[i].help,                 keys[i].required ? 1 : 0, 0};
        used++;
    }
    return used;
}
