/* SPDX-License-Identifier: Apache-2.0 */
/* mail-fields.c - see mail-fields.h. One small function per field, one table. */
#include <config.h>
#include "mail-fields.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "header-address.h"
#include "header-date.h"
#include "header-id.h"
#include "header-text.h"
#include "header-value.h"
#include "mime-header.h"
#include "problem.h"
#include "text.h"

struct fields {
    struct mail *mail;
    struct mail_addresses sender; /* of the field Sender */
    size_t addresses;             /* kept so far, in all lists */
    bool report;                  /* multipart/report: tells of failures itself */
    bool has_failed;
    struct span failed;           /* value of X-Failed-Recipients, if there is one */
    bool null_path;
};

/* ---- fields ---- */

static struct span trimmed(struct span value)
{
    while (value.len > 0 && text_is_space((char)value.bytes[0])) {
        value.bytes++;
        value.len--;
    }
    while (value.len > 0 && text_is_space((char)value.bytes[value.len - 1]))
        value.len--;
    return value;
}

static int read_subject(struct fields *f, struct span value)
{
    if (f->mail->subject != NULL)
        return problem_add(&f->mail->problems, "several Subject fields: the first one counts");
    f->mail->subject = header_take_text(value, MAIL_HEADER_BLOCK_MAX, &f->mail->problems);
    return f->mail->subject != NULL ? 0 : -1;
}

static int read_addresses(struct fields *f, struct span value, struct mail_addresses *list)
{
    size_t before = list->count, left = MAIL_ADDRESSES_MAX - f->addresses;
    int result = header_parse_addresses(value, list, &f->mail->problems);
    if (list->count - before > left) {
        header_addresses_cut(list, before + left);
        if (problem_add(&f->mail->problems, "more than %u addresses: the rest is not listed",
                        MAIL_ADDRESSES_MAX) < 0)
            result = -1;
    }
    f->addresses += list->count - before;
    return result;
}

static int read_from(struct fields *f, struct span value)
{
    if (f->mail->from_list.count > 0)
        return problem_add(&f->mail->problems, "several From fields: the first one counts");
    return read_addresses(f, value, &f->mail->from_list);
}

static int read_sender(struct fields *f, struct span value)
{
    return f->sender.count > 0 ? 0 : read_addresses(f, value, &f->sender);
}

static int read_to(struct fields *f, struct span value)
{
    return read_addresses(f, value, &f->mail->to_list);
}

static int read_cc(struct fields *f, struct span value)
{
    return read_addresses(f, value, &f->mail->cc_list);
}

static int read_bcc(struct fields *f, struct span value)
{
    return read_addresses(f, value, &f->mail->bcc_list);
}

static int read_reply_to(struct fields *f, struct span value)
{
    return read_addresses(f, value, &f->mail->reply_to_list);
}

static int read_date(struct fields *f, struct span value)
{
    char date[CLOCK_RFC3339_MAX];
    if (f->mail->date_sent != NULL)
        return 0;
    value = trimmed(value);
    if (header_parse_date(value, date) < 0)
        return problem_add(&f->mail->problems, "date '%.*s' cannot be read",
                           (int)(value.len < 60 ? value.len : 60), (const char *)value.bytes);
    f->mail->date_sent = strdup(date); /* analyse: no leak, the mail keeps it */
    return f->mail->date_sent != NULL ? 0 : -1;
}

/* The first id of the field, once. */
static int read_one_id(struct span value, char **out)
{
    struct mail_texts ids = {0};
    int result = *out == NULL ? header_parse_ids(value, &ids, 1) : 0;
    if (ids.count > 0)
        *out = TAKE(ids.items[0]);
    mail_texts_done(&ids);
    return result;
}

static int read_message_id(struct fields *f, struct span value)
{
    return read_one_id(value, &f->mail->message_id);
}

static int read_in_reply_to(struct fields *f, struct span value)
{
    return read_one_id(value, &f->mail->in_reply_to);
}

static int read_references(struct fields *f, struct span value)
{
    return header_parse_ids(value, &f->mail->references, MAIL_REFERENCES_MAX);
}

/* ---- what they tell ---- */

static int read_return_path(struct fields *f, struct span value)
{
    f->null_path = span_is(trimmed(value), "<>");
    return 0;
}

/* auto-submitted-field = [CFWS] ("no" or anything else) [CFWS], parameters may follow (RFC 3834
 * s.5). */
static int read_auto(struct fields *f, struct span value)
{
    struct header_value word;
    if (header_parse_value(value, &word, NULL) < 0)
        return -1;
    if (word.value[0] != '\0' && !text_equal(word.value, "no"))
        f->mail->flags |= MAIL_AUTO;
    header_value_done(&word);
    return 0;
}

static int read_precedence(struct fields *f, struct span value)
{
    value = trimmed(value);
    if (span_is(value, "auto_reply") || span_is(value, "auto-reply"))
        f->mail->flags |= MAIL_AUTO;
    if (span_is(value, "list"))
        f->mail->flags |= MAIL_LIST;
    return 0;
}

static int read_list(struct fields *f, struct span value)
{
    (void)value;
    f->mail->flags |= MAIL_LIST;
    return 0;
}

/* Exim, and Gmail of old, name in it who could not be reached. */
static int read_failed(struct fields *f, struct span value)
{
    f->has_failed = true;
    f->failed = value;
    return 0;
}

static int read_type(struct fields *f, struct span value)
{
    struct cursor c = cursor_over(trimmed(value).bytes, trimmed(value).len);
    f->report = cursor_text_nocase(&c, "multipart/report") == PARSE_OK;
    return 0;
}

static int tell_failed(struct fields *f)
{
    struct mail_addresses list = {0};
    if (!f->has_failed)
        return 0;
    f->mail->flags |= MAIL_BOUNCE;
    int result = f->report ? 0 : header_parse_addresses(f->failed, &list, NULL);
    for (size_t i = 0; result == 0 && i < list.count && i < MAIL_PROBLEMS_MAX; i++)
        if (list.items[i].address != NULL)
            result = problem_add(&f->mail->problems, "delivery to '%.256s' failed",
                                 list.items[i].address);
    mail_addresses_done(&list);
    return result;
}

static const struct {
    const char *name;
    int (*read)(struct fields *f, struct span value);
} readers[] = {
    {"Subject", read_subject},
    {"From", read_from},
    {"Sender", read_sender},
    {"To", read_to},
    {"Cc", read_cc},
    {"Bcc", read_bcc},
    {"Reply-To", read_reply_to},
    {"Date", read_date},
    {"Message-ID", read_message_id},
    {"In-Reply-To", read_in_reply_to},
    {"References", read_references},
    {"Return-Path", read_return_path},
    {"Auto-Submitted", read_auto},
    {"X-Autoreply", read_auto},
    {"X-Autorespond", read_auto},
    {"Precedence", read_precedence},
    {"X-Failed-Recipients", read_failed},
    {"Content-Type", read_type},
    {"List-Id", read_list},
    {"List-Post", read_list},
    {"List-Help", read_list},
    {"List-Subscribe", read_list},
    {"List-Unsubscribe", read_list},
    {"List-Owner", read_list},
    {"List-Archive", read_list},
};

static int read_field(struct fields *f, const struct mime_field *field)
{
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        if (span_is(field->name, readers[i].name))
            return readers[i].read(f, field->value);
    }
    return 0;
}

/* The list as text; no addresses, no text. */
static int addresses_text(const struct mail_addresses *list, char **out)
{
    struct buffer b;
    if (list->count == 0)
        return 0;
    buffer_init(&b, MAIL_HEADER_BLOCK_MAX * 2);
    int result = header_addresses_text(list, &b);
    if (result == 0 && b.len > 0 && (*out = buffer_take(&b)) == NULL)
        result = -1;
    buffer_done(&b);
    return result;
}

int mail_fields_read(struct mail *mail, struct span header, bool *out_null_path)
{
    struct fields f = {.mail = mail};
    struct cursor c = cursor_over(header.bytes, header.len);
    struct mime_field field;
    int result = 0;
    while (result == 0 && mime_field_next(&c, &field))
        result = read_field(&f, &field);
    const struct mail_addresses *from = mail->from_list.count > 0 ? &mail->from_list : &f.sender;
    if (result < 0 || tell_failed(&f) < 0 || addresses_text(from, &mail->sender) < 0 ||
        addresses_text(&mail->to_list, &mail->recipient) < 0 ||
        addresses_text(&mail->cc_list, &mail->cc) < 0 ||
        addresses_text(&mail->bcc_list, &mail->bcc) < 0)
        result = -1;
    mail_addresses_done(&f.sender);
    *out_null_path = f.null_path;
    return result;
}
