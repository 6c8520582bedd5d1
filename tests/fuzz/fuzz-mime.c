/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-mime.c - any bytes are a mail, and the same mail in whatever pieces they come.
 *
 * The oracle: it succeeds; all text is valid UTF-8 within its limits; names are safe; each
 * attachment is given whole to the sink; the whole entry is the same wherever the input is cut,
 * and work is in proportion. The last byte of the input, which is part of the mail, tells where
 * it is cut. */
#include <config.h>
#include "oracle.h"

#include <string.h>

#include "digest.h"
#include "problem.h"
#include "text.h"

#define FIELD_MAX (MAIL_HEADER_BLOCK_MAX * 6u)
#define SEEN 4096u /* attachments whose bytes are counted */

struct sizes {
    uint64_t bytes[SEEN];
};

static int sink(void *context, uint32_t ordinal, const uint8_t *bytes, size_t count)
{
    struct sizes *sizes = context;
    (void)bytes;
    MUST(ordinal > 0);
    if (ordinal < SEEN)
        sizes->bytes[ordinal] += count;
    return 0;
}

static int feed(void *context, const uint8_t *bytes, size_t count)
{
    struct error err;
    return mail_parser_feed(context, bytes, count, &err);
}

static struct mail *read_mail(const uint8_t *data, size_t size, uint8_t cut)
{
    static struct sizes sizes;
    struct error err;
    struct mail *mail = NULL;
    const struct mail_sink taker = {sink, &sizes};
    const struct mail_options options = {.attach_html = true, .sink = &taker};
    memset(&sizes, 0, sizeof sizes);
    AUTO(mail_parser) p = mail_parser_new(&options);
    MUST(p != NULL);
    MUST(oracle_feed(data, size, cut, feed, p) == 0);
    MUST(mail_parser_finish(p, &mail, &err) == 0);
    for (size_t i = 0; i < mail->attachment_count && i + 1 < SEEN; i++)
        MUST(mail->attachments[i].size == sizes.bytes[i + 1]);
    return mail;
}

static void log_field(struct buffer *log, const char *what, const char *text, size_t max)
{
    oracle_text(text, max);
    oracle_log(log, "%s: %s", what, text != NULL ? text : "(none)");
}

static void log_addresses(struct buffer *log, const char *what, const struct mail_addresses *list)
{
    MUST(list->count <= MAIL_ADDRESSES_MAX);
    for (size_t i = 0; i < list->count; i++) {
        log_field(log, what, list->items[i].name, FIELD_MAX);
        log_field(log, what, list->items[i].address, FIELD_MAX);
    }
}

static void log_attachment(struct buffer *log, const struct mail_attachment *a)
{
    MUST(a->filename != NULL && a->filename[0] != '\0' && a->content_type != NULL);
    MUST(strchr(a->filename, '/') == NULL && strcmp(a->filename, "..") != 0);
    oracle_line(a->filename, MAIL_FILENAME_MAX);
    log_field(log, "file", a->filename, MAIL_FILENAME_MAX);
    log_field(log, "type", a->content_type, FIELD_MAX);
    log_field(log, "disposition", a->disposition, FIELD_MAX);
    log_field(log, "content id", a->content_id, FIELD_MAX);
    oracle_log(log, "%ju ", (uintmax_t)a->size);
    oracle_log_bytes(log, a->sha256, MAIL_DIGEST_SIZE);
}

static void log_mail(struct buffer *log, const struct mail *m)
{
    const char *fields[] = {m->sender,  m->recipient, m->cc,         m->bcc,
                            m->subject, m->date_sent, m->message_id, m->in_reply_to};
    const struct mail_addresses *lists[] = {&m->from_list, &m->to_list, &m->cc_list, &m->bcc_list,
                                            &m->reply_to_list};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        oracle_line(fields[i], FIELD_MAX);
        log_field(log, "field", fields[i], FIELD_MAX);
    }
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        log_addresses(log, "address", lists[i]);
    log_field(log, "body", m->message_body, MAIL_TEXT_MAX);
    log_field(log, "html", m->html, MAIL_TEXT_MAX);
    for (size_t i = 0; i < m->attachment_count; i++)
        log_attachment(log, &m->attachments[i]);
    MUST(m->references.count <= MAIL_REFERENCES_MAX);
    oracle_log_texts(log, &m->references);
    oracle_problems(&m->problems);
    oracle_log_texts(log, &m->problems);
    oracle_log(log, "flags %x", m->flags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t cut = size > 0 && data[size - 1] != 0 ? data[size - 1] : 1;
    struct buffer log_whole, log_pieces;
    uint64_t before = oracle_work();
    AUTO(mail) whole = read_mail(data, size, 0);
    oracle_linear(before, size, 6000);
    AUTO(mail) pieces = read_mail(data, size, cut);
    buffer_init(&log_whole, ORACLE_LOG_MAX);
    buffer_init(&log_pieces, ORACLE_LOG_MAX);
    log_mail(&log_whole, whole);
    log_mail(&log_pieces, pieces);
    oracle_same(&log_whole, &log_pieces);
    buffer_done(&log_whole);
    buffer_done(&log_pieces);
    return 0;
}
