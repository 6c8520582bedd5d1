/* SPDX-License-Identifier: Apache-2.0 */
/* entry.c - the Mail entry as JSON. See entry.h. */
#include <config.h>
#include "entry.h"

#include <inttypes.h>
#include <stdint.h>
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

/* ---- Content --------------------------------------------------------------------------------- */

/* All of these return -1 when the buffer takes no more. @key stands with its quotes and colon, and
 * the comma before it. */
static int entry_write_text(struct buffer *out, const char *key, const char *text)
{
    return buffer_append_text(out, key) < 0 ? -1 : json_line_write_text(out, text);
}

static int entry_write_texts(struct buffer *out, const struct loader_texts *texts)
{
    for (uint64_t i = 0; i < texts->count; i++)
        if ((i > 0 && buffer_append_byte(out, ',') < 0) ||
            json_line_write_text(out, texts->items[i]) < 0)
            return -1;
    return 0;
}

static int entry_write_addresses(struct buffer *out, const char *key,
                                 const struct loader_addresses *list)
{
    if (buffer_append_text(out, key) < 0)
        return -1;
    for (uint64_t i = 0; i < list->count; i++)
        if (entry_write_text(out, i > 0 ? ",{\"name\":" : "{\"name\":", list->items[i].name) < 0 ||
            entry_write_text(out, ",\"address\":", list->items[i].address) < 0 ||
            buffer_append_byte(out, '}') < 0)
            return -1;
    return buffer_append_byte(out, ']');
}

static int entry_write_people(struct buffer *out, const struct loader_mail *mail)
{
    if (entry_write_text(out, "{\"sender\":", mail->sender) < 0 ||
        entry_write_text(out, ",\"recipient\":", mail->recipient) < 0 ||
        entry_write_text(out, ",\"cc\":", mail->cc) < 0 ||
        entry_write_text(out, ",\"bcc\":", mail->bcc) < 0 ||
        entry_write_addresses(out, ",\"addresses\":{\"from\":[", &mail->from_list) < 0 ||
        entry_write_addresses(out, ",\"to\":[", &mail->to_list) < 0 ||
        entry_write_addresses(out, ",\"cc\":[", &mail->cc_list) < 0 ||
        entry_write_addresses(out, ",\"bcc\":[", &mail->bcc_list) < 0 ||
        entry_write_addresses(out, ",\"reply_to\":[", &mail->reply_to_list) < 0)
        return -1;
    return buffer_append_byte(out, '}');
}

static int entry_write_attachment(struct buffer *out, const struct loader_attachment *a,
                                  uint64_t ordinal)
{
    char digest[ENTRY_DIGEST_TEXT];
    entry_digest_text(a->sha256, digest);
    if (buffer_printf(out, "%s{\"ordinal\":%" PRIu64, ordinal > 1 ? "," : "", ordinal) < 0 ||
        entry_write_text(out, ",\"filename\":", a->filename) < 0 ||
        entry_write_text(out, ",\"content_type\":", a->content_type) < 0 ||
        entry_write_text(out, ",\"disposition\":", a->disposition) < 0 ||
        entry_write_text(out, ",\"content_id\":", a->content_id) < 0)
        return -1;
    uint64_t size = a->size < INT64_MAX ? a->size : INT64_MAX;
    return buffer_printf(out, ",\"size\":%" PRIu64 ",\"sha256\":\"%s\"}", size, digest);
}

static int entry_write_attachments(struct buffer *out, const struct loader_mail *mail)
{
    if (buffer_append_text(out, ",\"attachments\":[") < 0)
        return -1;
    for (uint64_t i = 0; i < mail->attachment_count; i++)
        if (entry_write_attachment(out, &mail->attachments[i], i + 1) < 0)
            return -1;
    return buffer_append_byte(out, ']');
}

static int entry_write_flags(struct buffer *out, uint32_t flags)
{
    static const struct {
        const char *key;
        uint32_t bit;
    } names[] = {{",\"flags\":{\"auto\":", LOADER_MAIL_AUTO},
                 {",\"bounce\":", LOADER_MAIL_BOUNCE},
                 {",\"list\":", LOADER_MAIL_LIST},
                 {",\"signed\":", LOADER_MAIL_SIGNED},
                 {",\"encrypted\":", LOADER_MAIL_ENCRYPTED}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (buffer_append_text(out, names[i].key) < 0 ||
            buffer_append_text(out, (flags & names[i].bit) != 0 ? "true" : "false") < 0)
            return -1;
    return buffer_append_byte(out, '}');
}

static int entry_write_problems(struct buffer *out, const struct loader_mail *mail,
                                enum entry_part part)
{
    static const char *const missing[] = {
        [ENTRY_WITHOUT_HTML] = "html left out: the entry would be larger than the queue takes; the "
                               "raw message has it",
        [ENTRY_WITHOUT_TEXT] = "message_body left out for the same reason"};
    uint64_t count = mail->problems.count;
    if (buffer_append_text(out, ",\"problems\":[") < 0 || entry_write_texts(out, &mail->problems) < 0)
        return -1;
    for (enum entry_part left = ENTRY_WITHOUT_HTML; left <= part; left++)
        if (entry_write_text(out, count++ > 0 ? "," : "", missing[left]) < 0)
            return -1;
    return buffer_append_text(out, "]}");
}

static int entry_write_body(struct buffer *out, const struct loader_mail *mail,
                            enum entry_part part)
{
    const char *body = part >= ENTRY_WITHOUT_TEXT ? NULL : mail->message_body;
    const char *html = part >= ENTRY_WITHOUT_HTML ? NULL : mail->html;
    if (entry_write_text(out, ",\"subject\":", mail->subject) < 0 ||
        entry_write_text(out, ",\"date_sent\":", mail->date_sent) < 0 ||
        entry_write_text(out, ",\"date_received\":", mail->date_received) < 0 ||
        entry_write_text(out, ",\"message_id\":", mail->message_id) < 0 ||
        entry_write_text(out, ",\"in_reply_to\":", mail->in_reply_to) < 0 ||
        buffer_append_text(out, ",\"references\":[") < 0 ||
        entry_write_texts(out, &mail->references) < 0 ||
        entry_write_text(out, "],\"message_body\":", body) < 0)
        return -1;
    return entry_write_text(out, ",\"html\":", html);
}

static int entry_write(struct buffer *out, const struct loader_item *item, enum entry_part part)
{
    static const struct loader_mail nothing = {.struct_size = sizeof nothing};
    const struct loader_mail *mail = item->mail == NULL ? &nothing : item->mail;
    if (entry_write_people(out, mail) < 0 || entry_write_body(out, mail, part) < 0 ||
        entry_write_attachments(out, mail) < 0 || entry_write_flags(out, mail->flags) < 0)
        return -1;
    return entry_write_problems(out, mail, part);
}

int entry_content_text(const struct loader_item *item, struct buffer *out, struct error *err)
{
    for (enum entry_part part = ENTRY_ALL; part <= ENTRY_WITHOUT_TEXT; part++) {
        buffer_clear(out);
        if (entry_write(out, item, part) == 0)
            return 0;
        if (!buffer_is_full(out))
            return error_oom(err, "writing an entry");
    }
    return error_set(err, ERROR_MAIL,
                     "the entry is larger than the queue takes even without its text; "
                     "see the raw message");
}

int entry_content(const struct loader_item *item, json_t **out_content, struct error *err)
{
    AUTO_DONE(buffer) text;
    buffer_init(&text, SIZE_MAX);
    json_t *content = NULL;
    if (entry_write(&text, item, ENTRY_ALL) == 0)
        content = json_loadb(buffer_text(&text), text.len, 0, NULL);
    if (content == NULL)
        return error_oom(err, "writing an entry");
    *out_content = content;
    return 0;
}

/* ---- The whole entry ------------------------------------------------------------------------- */

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
