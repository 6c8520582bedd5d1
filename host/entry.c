/* SPDX-License-Identifier: Apache-2.0 */
/* entry.c - the Mail entry as JSON. See entry.h. */
#include <config.h>
#include "entry.h"

#include <string.h>

#include "json-line.h"
#include "text.h"

#define ENTRY_DIGEST_TEXT 65u

/* The keys of the content in their order; raw stands before flags. */
static const struct {
    const char *key;
    bool list;
} entry_keys[] = {
    {"sender", false},        {"recipient", false},   {"cc", false},
    {"bcc", false},           {"addresses", false},   {"subject", false},
    {"date_sent", false},     {"date_received", false}, {"message_id", false},
    {"in_reply_to", false},   {"references", true},   {"message_body", false},
    {"html", false},          {"attachments", true},  {"flags", false},
    {"problems", true},
};

/* What of the content is left out because it is too large. */
enum entry_part { ENTRY_ALL, ENTRY_WITHOUT_HTML, ENTRY_WITHOUT_TEXT };

static void entry_digest_text(const uint8_t digest[32], char out[ENTRY_DIGEST_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 32; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[64] = '\0';
}

static json_t *entry_digest(const uint8_t digest[32])
{
    char text[ENTRY_DIGEST_TEXT];
    entry_digest_text(digest, text);
    return json_line_text(text);
}

static json_t *entry_texts(const struct loader_texts *texts)
{
    AUTO_JSON list = json_array();
    for (uint64_t i = 0; list != NULL && i < texts->count; i++)
        if (json_array_append_new(list, json_line_text(texts->items[i])) < 0)
            return NULL;
    return TAKE(list);
}

static json_t *entry_address_list(const struct loader_addresses *addresses)
{
    AUTO_JSON list = json_array();
    for (uint64_t i = 0; list != NULL && i < addresses->count; i++) {
        json_t *one = json_object();
        if (json_array_append_new(list, one) < 0 ||
            json_line_set(one, "name", json_line_text(addresses->items[i].name)) < 0 ||
            json_line_set(one, "address", json_line_text(addresses->items[i].address)) < 0)
            return NULL;
    }
    return TAKE(list);
}

static json_t *entry_addresses(const struct loader_mail *mail)
{
    AUTO_JSON all = json_object();
    if (json_line_set(all, "from", entry_address_list(&mail->from_list)) < 0 ||
        json_line_set(all, "to", entry_address_list(&mail->to_list)) < 0 ||
        json_line_set(all, "cc", entry_address_list(&mail->cc_list)) < 0 ||
        json_line_set(all, "bcc", entry_address_list(&mail->bcc_list)) < 0 ||
        json_line_set(all, "reply_to", entry_address_list(&mail->reply_to_list)) < 0)
        return NULL;
    return TAKE(all);
}

static json_t *entry_attachment(const struct loader_attachment *a, uint64_t ordinal)
{
    AUTO_JSON one = json_object();
    if (json_line_set(one, "ordinal", json_line_size(ordinal)) < 0 ||
        json_line_set(one, "filename", json_line_text(a->filename)) < 0 ||
        json_line_set(one, "content_type", json_line_text(a->content_type)) < 0 ||
        json_line_set(one, "disposition", json_line_text(a->disposition)) < 0 ||
        json_line_set(one, "content_id", json_line_text(a->content_id)) < 0 ||
        json_line_set(one, "size", json_line_size(a->size)) < 0 ||
        json_line_set(one, "sha256", entry_digest(a->sha256)) < 0)
        return NULL;
    return TAKE(one);
}

static json_t *entry_attachments(const struct loader_mail *mail)
{
    AUTO_JSON list = json_array();
    for (uint64_t i = 0; list != NULL && i < mail->attachment_count; i++)
        if (json_array_append_new(list, entry_attachment(&mail->attachments[i], i + 1)) < 0)
            return NULL;
    return TAKE(list);
}

static json_t *entry_flags(uint32_t flags)
{
    static const struct {
        const char *key;
        uint32_t bit;
    } names[] = {{"auto", LOADER_MAIL_AUTO},
                 {"bounce", LOADER_MAIL_BOUNCE},
                 {"list", LOADER_MAIL_LIST},
                 {"signed", LOADER_MAIL_SIGNED},
                 {"encrypted", LOADER_MAIL_ENCRYPTED}};
    AUTO_JSON all = json_object();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_line_set(all, names[i].key, json_boolean((flags & names[i].bit) != 0)) < 0)
            return NULL;
    return TAKE(all);
}

static json_t *entry_problems(const struct loader_mail *mail, enum entry_part part)
{
    AUTO_JSON list = entry_texts(&mail->problems);
    if (list == NULL)
        return NULL;
    if (part >= ENTRY_WITHOUT_HTML &&
        json_array_append_new(list, json_string("html left out: the entry would be larger than the "
                                                "queue takes; the raw message has it")) < 0)
        return NULL;
    if (part >= ENTRY_WITHOUT_TEXT &&
        json_array_append_new(list, json_string("message_body left out for the same reason")) < 0)
        return NULL;
    return TAKE(list);
}

static json_t *entry_mail(const struct loader_mail *mail, enum entry_part part)
{
    AUTO_JSON c = json_object();
    const char *body = part >= ENTRY_WITHOUT_TEXT ? NULL : mail->message_body;
    const char *html = part >= ENTRY_WITHOUT_HTML ? NULL : mail->html;
    if (json_line_set(c, "sender", json_line_text(mail->sender)) < 0 ||
        json_line_set(c, "recipient", json_line_text(mail->recipient)) < 0 ||
        json_line_set(c, "cc", json_line_text(mail->cc)) < 0 ||
        json_line_set(c, "bcc", json_line_text(mail->bcc)) < 0 ||
        json_line_set(c, "addresses", entry_addresses(mail)) < 0 ||
        json_line_set(c, "subject", json_line_text(mail->subject)) < 0 ||
        json_line_set(c, "date_sent", json_line_text(mail->date_sent)) < 0 ||
        json_line_set(c, "date_received", json_line_text(mail->date_received)) < 0 ||
        json_line_set(c, "message_id", json_line_text(mail->message_id)) < 0 ||
        json_line_set(c, "in_reply_to", json_line_text(mail->in_reply_to)) < 0 ||
        json_line_set(c, "references", entry_texts(&mail->references)) < 0 ||
        json_line_set(c, "message_body", json_line_text(body)) < 0 ||
        json_line_set(c, "html", json_line_text(html)) < 0 ||
        json_line_set(c, "attachments", entry_attachments(mail)) < 0 ||
        json_line_set(c, "flags", entry_flags(mail->flags)) < 0 ||
        json_line_set(c, "problems", entry_problems(mail, part)) < 0)
        return NULL;
    return TAKE(c);
}

static json_t *entry_content_part(const struct loader_item *item, enum entry_part part)
{
    static const struct loader_mail nothing = {.struct_size = sizeof nothing};
    return entry_mail(item->mail == NULL ? &nothing : item->mail, part);
}

int entry_content(const struct loader_item *item, json_t **out_content, struct error *err)
{
    json_t *content = entry_content_part(item, ENTRY_ALL);
    if (content == NULL)
        return error_oom(err, "writing an entry");
    *out_content = content;
    return 0;
}

int entry_content_text(const struct loader_item *item, struct buffer *out, struct error *err)
{
    for (enum entry_part part = ENTRY_ALL; part <= ENTRY_WITHOUT_TEXT; part++) {
        AUTO_JSON content = entry_content_part(item, part);
        if (content == NULL)
            return error_oom(err, "writing an entry");
        buffer_clear(out);
        if (json_line_append(out, content) == 0)
            return 0;
        if (!buffer_is_full(out))
            return error_oom(err, "writing an entry");
    }
    return error_set(err, ERROR_MAIL,
                     "the entry is larger than the queue takes even without its text; "
                     "see the raw message");
}

static json_t *entry_origin(const struct entry_envelope *e)
{
    AUTO_JSON origin = json_object();
    if (json_line_set(origin, "loader", json_line_text(e->loader)) < 0 ||
        json_line_set(origin, "account", json_line_text(e->account)) < 0 ||
        json_line_set(origin, "mailbox", json_line_text(e->mailbox)) < 0 ||
        json_line_set(origin, "uidvalidity", json_line_size(e->uidvalidity)) < 0 ||
        json_line_set(origin, "uid", json_line_size(e->uid)) < 0 ||
        json_line_set(origin, "key", json_line_text(e->key)) < 0)
        return NULL;
    return TAKE(origin);
}

static json_t *entry_raw(const struct entry_envelope *e)
{
    AUTO_JSON raw = json_object();
    json_t *digest =
        e->has_raw && e->raw_sha256 != NULL ? entry_digest(e->raw_sha256) : json_null();
    if (json_line_set(raw, "size", json_line_size(e->raw_size)) < 0 ||
        json_line_set(raw, "sha256", digest) < 0)
        return NULL;
    return TAKE(raw);
}

static int entry_add_envelope(json_t *entry, const struct entry_envelope *e)
{
    if (e->file != NULL && json_line_set(entry, "file", json_line_text(e->file)) < 0)
        return -1;
    if (json_line_set(entry, "id", json_line_text(e->id)) < 0 ||
        json_line_set(entry, "class", json_line_text(e->entry_class)) < 0 ||
        json_line_set(entry, "queue", json_line_text(e->queue)) < 0 ||
        json_line_set(entry, "source", json_line_text(e->source)) < 0 ||
        json_line_set(entry, "state", json_line_text(e->state)) < 0 ||
        json_line_set(entry, "error", json_line_text(e->error)) < 0 ||
        json_line_set(entry, "attempts", json_line_size(e->attempts)) < 0 ||
        json_line_set(entry, "created", json_line_text(e->created)) < 0 ||
        json_line_set(entry, "origin", entry_origin(e)) < 0)
        return -1;
    return 0;
}

int entry_json(const struct entry_envelope *envelope, const json_t *content, json_t **out_entry,
               struct error *err)
{
    AUTO_JSON entry = json_object();
    if (entry_add_envelope(entry, envelope) < 0)
        return error_oom(err, "writing an entry");
    for (size_t i = 0; i < sizeof entry_keys / sizeof entry_keys[0]; i++) {
        const char *key = entry_keys[i].key;
        json_t *value = json_object_get(content, key);
        if (value != NULL)
            json_incref(value);
        else
            value = entry_keys[i].list ? json_array() : json_null();
        if ((text_equal(key, "flags") && json_line_set(entry, "raw", entry_raw(envelope)) < 0) ||
            json_line_set(entry, key, value) < 0)
            return error_oom(err, "writing an entry");
    }
    *out_entry = TAKE(entry);
    return 0;
}

int entry_from_queue(const struct queue_entry *stored, json_t **out_entry, struct error *err)
{
    json_error_t why = {0};
    AUTO_JSON content = NULL;
    if (stored->content != NULL) {
        content = json_loadb(stored->content, stored->content_size, 0, &why);
        if (content == NULL)
            return error_set(err, ERROR_STORE,
                             "entry %s cannot be read: its content is no JSON (%s); "
                             "restore the queue from a backup, or save its raw message",
                             stored->id, why.text);
    }
    char created[CLOCK_RFC3339_MAX], key[QUEUE_KEY_MAX];
    clock_rfc3339(stored->created_s, 0, created);
    const struct queue_origin origin = {stored->loader,      stored->account, stored->mailbox,
                                        stored->uidvalidity, stored->uid,     stored->key};
    struct error ignored; /* put() made the same key */
    bool has_key = queue_origin_key(&origin, key, &ignored) == 0;
    const struct entry_envelope envelope = {
        .id = stored->id,
        .entry_class = stored->class,
        .queue = stored->queue,
        .source = stored->source,
        .state = queue_state_name(stored->state),
        .error = stored->error,
        .attempts = stored->attempts,
        .created = created,
        .loader = stored->loader,
        .account = stored->account,
        .mailbox = stored->mailbox,
        .key = has_key ? key : NULL,
        .uidvalidity = stored->uidvalidity,
        .uid = stored->uid,
        .has_raw = stored->has_raw,
        .raw_size = stored->raw_size,
        .raw_sha256 = stored->raw_sha256,
    };
    return entry_json(&envelope, content, out_entry, err);
}

int entry_from_item(const struct loader_item *item, struct entry_envelope *envelope,
                    json_t **out_entry, struct error *err)
{
    envelope->entry_class = item->item_class;
    envelope->state = queue_state_name(item->error == NULL ? QUEUE_NEW : QUEUE_BAD);
    envelope->error = item->error;
    envelope->account = item->origin.account;
    envelope->mailbox = item->origin.mailbox;
    envelope->uidvalidity = item->origin.uidvalidity;
    envelope->uid = item->origin.uid;
    if (envelope->key == NULL)
        envelope->key = item->origin.key;
    envelope->has_raw = item->raw_bytes != NULL || item->raw_fd >= 0;
    envelope->raw_size = item->raw_size;
    envelope->raw_sha256 = item->raw_sha256;
    AUTO_JSON content = NULL;
    if (entry_content(item, &content, err) < 0)
        return -1;
    return entry_json(envelope, content, out_entry, err);
}
