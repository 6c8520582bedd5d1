/* SPDX-License-Identifier: Apache-2.0 */
/* entry.c - the Mail entry as JSON. See entry.h. */
#include <config.h>
#include "entry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "json-line.h"
#include "loader-mail.h"
#include "text.h"
#include "write-all.h"

#define ENTRY_DIGEST_TEXT 65u
#define ENTRY_PIECE 65536u              /* bytes of text that are written at once */
#define ENTRY_ENVELOPE_MAX (16u << 20) /* bytes of it as JSON */

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

/* ---- Writing --------------------------------------------------------------------------------- */

/* Where an entry goes: into one buffer, or, with a taker, through it in pieces. */
struct entry_out {
    struct buffer *bytes;
    entry_take *take; /* NULL: all stays in bytes */
    void *context;
    struct error *err; /* of the taker, and of texts in files */
    bool told;         /* one of them failed: err is filled */
};

/* Hand on what has gathered. */
static int entry_pass(struct entry_out *out)
{
    if (out->take == NULL)
        return 0;
    if (out->take(out->bytes, out->context, out->err) < 0) {
        out->told = true;
        return -1;
    }
    buffer_clear(out->bytes);
    return 0;
}

/* All of these return -1 when the buffer or the taker takes no more, or a text cannot be read. @key
 * stands with its quotes and colon, and the comma before it. */
static int entry_write_text(struct entry_out *out, const char *key, const char *text)
{
    if (buffer_append_text(out->bytes, key) < 0)
        return -1;
    if (text == NULL)
        return buffer_append_text(out->bytes, "null");
    if (buffer_append_byte(out->bytes, '"') < 0)
        return -1;
    for (size_t left = strlen(text), done; left > 0; text += done, left -= done) {
        if (json_line_write_piece(out->bytes, text, left, ENTRY_PIECE, &done) < 0 ||
            (out->bytes->len >= ENTRY_PIECE && entry_pass(out) < 0))
            return -1;
    }
    return buffer_append_byte(out->bytes, '"');
}

/* All of the text but the bytes that the next piece is to begin with. */
static int entry_write_piece(struct entry_out *out, const struct loader_text_piece *piece,
                             size_t *out_used)
{
    size_t most = piece->last ? piece->count : piece->count - LOADER_TEXT_AHEAD;
    if (json_line_write_piece(out->bytes, piece->bytes, piece->count, most, out_used) < 0)
        return -1;
    return out->bytes->len >= ENTRY_PIECE ? entry_pass(out) : 0;
}

/* What lies in @file, and where that has no size @text. */
static int entry_write_large(struct entry_out *out, const char *key, const char *text,
                             const struct loader_text_file *file)
{
    AUTO(loader_text) from = NULL;
    struct loader_text_piece piece = {.count = 0};
    size_t used = 0;
    if (file->size == 0)
        return entry_write_text(out, key, text);
    if (buffer_append_text(out->bytes, key) < 0 || buffer_append_byte(out->bytes, '"') < 0)
        return -1;
    out->told = loader_text_open(file, &from, out->err) < 0;
    do {
        out->told = out->told || loader_text_next(from, used, &piece, out->err) < 0;
        if (out->told || entry_write_piece(out, &piece, &used) < 0)
            return -1;
    } while (piece.count > 0);
    return buffer_append_byte(out->bytes, '"');
}

/* ---- The envelope ---------------------------------------------------------------------------- */

/* What is beyond INT64_MAX stays there: readers of JSON know no more. */
static int entry_write_number(struct entry_out *out, const char *key, uint64_t number)
{
    return buffer_printf(out->bytes, "%s%" PRIu64, key, number < INT64_MAX ? number : INT64_MAX);
}

static int entry_write_raw(struct entry_out *out, const char *key, const struct entry_envelope *e)
{
    char digest[ENTRY_DIGEST_TEXT];
    bool has_digest = e->has_raw && e->raw_sha256 != NULL;
    if (has_digest)
        entry_digest_text(e->raw_sha256, digest);
    if (buffer_append_text(out->bytes, key) < 0 ||
        entry_write_number(out, "{\"size\":", e->raw_size) < 0 ||
        /* analyse: digest is given only where it was filled */
        entry_write_text(out, ",\"sha256\":", has_digest ? digest : NULL) < 0)
        return -1;
    return buffer_append_byte(out->bytes, '}');
}

static int entry_write_origin(struct entry_out *out, const struct entry_envelope *e)
{
    if (entry_write_text(out, ",\"origin\":{\"loader\":", e->loader) < 0 ||
        entry_write_text(out, ",\"account\":", e->account) < 0 ||
        entry_write_text(out, ",\"mailbox\":", e->mailbox) < 0 ||
        entry_write_number(out, ",\"uidvalidity\":", e->uidvalidity) < 0 ||
        entry_write_number(out, ",\"uid\":", e->uid) < 0 ||
        entry_write_text(out, ",\"key\":", e->key) < 0)
        return -1;
    return buffer_append_byte(out->bytes, '}');
}

/* From file to origin, nothing before or behind. */
static int entry_write_envelope(struct entry_out *out, const struct entry_envelope *e)
{
    if ((e->file != NULL && entry_write_text(out, "\"file\":", e->file) < 0) ||
        entry_write_text(out, e->file != NULL ? ",\"id\":" : "\"id\":", e->id) < 0 ||
        entry_write_text(out, ",\"class\":", e->entry_class) < 0 ||
        entry_write_text(out, ",\"queue\":", e->queue) < 0 ||
        entry_write_text(out, ",\"source\":", e->source) < 0 ||
        entry_write_text(out, ",\"state\":", e->state) < 0 ||
        entry_write_text(out, ",\"error\":", e->error) < 0 ||
        entry_write_number(out, ",\"attempts\":", e->attempts) < 0 ||
        entry_write_text(out, ",\"created\":", e->created) < 0)
        return -1;
    return entry_write_origin(out, e);
}

/* ---- Content --------------------------------------------------------------------------------- */

static int entry_write_texts(struct entry_out *out, const struct loader_texts *texts)
{
    for (uint64_t i = 0; i < texts->count; i++)
        if (entry_write_text(out, i > 0 ? "," : "", texts->items[i]) < 0)
            return -1;
    return 0;
}

static int entry_write_addresses(struct entry_out *out, const char *key,
                                 const struct loader_addresses *list)
{
    if (buffer_append_text(out->bytes, key) < 0)
        return -1;
    for (uint64_t i = 0; i < list->count; i++)
        if (entry_write_text(out, i > 0 ? ",{\"name\":" : "{\"name\":", list->items[i].name) < 0 ||
            entry_write_text(out, ",\"address\":", list->items[i].address) < 0 ||
            buffer_append_byte(out->bytes, '}') < 0)
            return -1;
    return buffer_append_byte(out->bytes, ']');
}

static int entry_write_people(struct entry_out *out, const struct loader_mail *mail)
{
    if (entry_write_text(out, "\"sender\":", mail->sender) < 0 ||
        entry_write_text(out, ",\"recipient\":", mail->recipient) < 0 ||
        entry_write_text(out, ",\"cc\":", mail->cc) < 0 ||
        entry_write_text(out, ",\"bcc\":", mail->bcc) < 0 ||
        entry_write_addresses(out, ",\"addresses\":{\"from\":[", &mail->from_list) < 0 ||
        entry_write_addresses(out, ",\"to\":[", &mail->to_list) < 0 ||
        entry_write_addresses(out, ",\"cc\":[", &mail->cc_list) < 0 ||
        entry_write_addresses(out, ",\"bcc\":[", &mail->bcc_list) < 0 ||
        entry_write_addresses(out, ",\"reply_to\":[", &mail->reply_to_list) < 0)
        return -1;
    return buffer_append_byte(out->bytes, '}');
}

static int entry_write_attachment(struct entry_out *out, const struct loader_attachment *a,
                                  uint64_t ordinal)
{
    char digest[ENTRY_DIGEST_TEXT];
    entry_digest_text(a->sha256, digest);
    if (buffer_printf(out->bytes, "%s{\"ordinal\":%" PRIu64, ordinal > 1 ? "," : "", ordinal) < 0 ||
        entry_write_text(out, ",\"filename\":", a->filename) < 0 ||
        entry_write_text(out, ",\"content_type\":", a->content_type) < 0 ||
        entry_write_text(out, ",\"disposition\":", a->disposition) < 0 ||
        entry_write_text(out, ",\"content_id\":", a->content_id) < 0)
        return -1;
    uint64_t size = a->size < INT64_MAX ? a->size : INT64_MAX;
    return buffer_printf(out->bytes, ",\"size\":%" PRIu64 ",\"sha256\":\"%s\"}", size, digest);
}

static int entry_write_attachments(struct entry_out *out, const struct loader_mail *mail)
{
    if (buffer_append_text(out->bytes, ",\"attachments\":[") < 0)
        return -1;
    for (uint64_t i = 0; i < mail->attachment_count; i++)
        if (entry_write_attachment(out, &mail->attachments[i], i + 1) < 0)
            return -1;
    return buffer_append_byte(out->bytes, ']');
}

static int entry_write_flags(struct entry_out *out, uint32_t flags)
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
        if (buffer_append_text(out->bytes, names[i].key) < 0 ||
            buffer_append_text(out->bytes, (flags & names[i].bit) != 0 ? "true" : "false") < 0)
            return -1;
    return buffer_append_byte(out->bytes, '}');
}

static int entry_write_problems(struct entry_out *out, const struct loader_mail *mail,
                                enum entry_part part)
{
    static const char *const missing[] = {
        [ENTRY_WITHOUT_HTML] = "html left out: the entry would be larger than the queue takes; the "
                               "raw message has it",
        [ENTRY_WITHOUT_TEXT] = "message_body left out for the same reason"};
    uint64_t count = mail->problems.count;
    if (buffer_append_text(out->bytes, ",\"problems\":[") < 0 ||
        entry_write_texts(out, &mail->problems) < 0)
        return -1;
    for (enum entry_part left = ENTRY_WITHOUT_HTML; left <= part; left++)
        if (entry_write_text(out, count++ > 0 ? "," : "", missing[left]) < 0)
            return -1;
    return buffer_append_text(out->bytes, "]}");
}

static int entry_write_body(struct entry_out *out, const struct loader_mail *mail,
                            enum entry_part part)
{
    static const struct loader_text_file none = {.size = 0};
    bool body = part < ENTRY_WITHOUT_TEXT, html = part < ENTRY_WITHOUT_HTML;
    if (entry_write_text(out, ",\"subject\":", mail->subject) < 0 ||
        entry_write_text(out, ",\"date_sent\":", mail->date_sent) < 0 ||
        entry_write_text(out, ",\"date_received\":", mail->date_received) < 0 ||
        entry_write_text(out, ",\"message_id\":", mail->message_id) < 0 ||
        entry_write_text(out, ",\"in_reply_to\":", mail->in_reply_to) < 0 ||
        buffer_append_text(out->bytes, ",\"references\":[") < 0 ||
        entry_write_texts(out, &mail->references) < 0 ||
        entry_write_large(out, "],\"message_body\":", body ? mail->message_body : NULL,
                          body ? &mail->message_body_file : &none) < 0)
        return -1;
    return entry_write_large(out, ",\"html\":", html ? mail->html : NULL,
                             html ? &mail->html_file : &none);
}

/* What the item itself has; @envelope NULL: without raw. */
static int entry_write(struct entry_out *out, const struct loader_item *item,
                       const struct entry_envelope *envelope, enum entry_part part)
{
    const struct loader_mail mail = loader_mail_read(item->mail);
    if (entry_write_people(out, &mail) < 0 || entry_write_body(out, &mail, part) < 0 ||
        entry_write_attachments(out, &mail) < 0 ||
        (envelope != NULL && entry_write_raw(out, ",\"raw\":", envelope) < 0) ||
        entry_write_flags(out, mail.flags) < 0)
        return -1;
    return entry_write_problems(out, &mail, part);
}

static int entry_too_large(struct error *err)
{
    return error_set(err, ERROR_MAIL,
                     "the entry is larger than the queue takes even without its text; "
                     "see the raw message");
}

int entry_content_text(const struct loader_item *item, struct buffer *out, struct error *err)
{
    for (enum entry_part part = ENTRY_ALL; part <= ENTRY_WITHOUT_TEXT; part++) {
        buffer_clear(out);
        struct entry_out to = {.bytes = out, .err = err};
        if (buffer_append_byte(out, '{') == 0 && entry_write(&to, item, NULL, part) == 0)
            return 0;
        if (to.told)
            return -1;
        if (!buffer_is_full(out))
            return error_oom(err, "writing an entry");
    }
    return entry_too_large(err);
}

/* ---- Content in a file ----------------------------------------------------------------------- */

bool entry_is_filed(const struct loader_item *item)
{
    const struct loader_mail mail = loader_mail_read(item->mail);
    return mail.message_body_file.size > 0 || mail.html_file.size > 0;
}

struct entry_file {
    int fd;
    uint64_t size, most;
    bool full; /* it was to become larger than most */
};

static int entry_file_append(const struct buffer *piece, void *context, struct error *err)
{
    struct entry_file *file = context;
    file->full = piece->len > file->most - file->size;
    if (file->full)
        return -1; /* what that means is told once nothing is left to be left out */
    if (write_all(file->fd, buffer_text(piece), piece->len) < 0)
        return error_set(err, ERROR_STORE,
                         "the file of an entry's content cannot be written: %s; make room on the "
                         "disk of the queue",
                         strerror(errno));
    file->size += piece->len;
    return 0;
}

static int entry_file_write(struct entry_file *file, const struct loader_item *item,
                            enum entry_part part, struct error *err)
{
    AUTO_DONE(buffer) bytes;
    buffer_init(&bytes, SIZE_MAX); /* a piece and what is written between two of them */
    struct entry_out out = {
        .bytes = &bytes, .take = entry_file_append, .context = file, .err = err};
    if (ftruncate(file->fd, 0) < 0 || lseek(file->fd, 0, SEEK_SET) < 0)
        return error_set(err, ERROR_STORE,
                         "the file of an entry's content cannot be emptied: %s; "
                         "check the disk of the queue",
                         strerror(errno));
    if (buffer_append_byte(&bytes, '{') < 0 || entry_write(&out, item, NULL, part) < 0 ||
        entry_pass(&out) < 0)
        return out.told ? -1 : error_oom(err, "writing an entry");
    return 0;
}

int entry_content_file(const struct loader_item *item, uint64_t most, int fd, uint64_t *out_size,
                       struct error *err)
{
    struct entry_file file = {.full = true};
    int bad = -1;
    for (enum entry_part part = ENTRY_ALL; file.full && part <= ENTRY_WITHOUT_TEXT; part++) {
        file = (struct entry_file){.fd = fd, .most = most};
        bad = entry_file_write(&file, item, part, err);
    }
    if (bad < 0)
        return file.full ? entry_too_large(err) : -1;
    *out_size = file.size;
    return 0;
}

/* ---- The whole entry ------------------------------------------------------------------------- */

/* An object of the envelope, and raw of its own for where it stands. */
static json_t *entry_envelope_json(const struct entry_envelope *envelope, json_t **out_raw)
{
    AUTO_DONE(buffer) text;
    buffer_init(&text, ENTRY_ENVELOPE_MAX);
    struct entry_out out = {.bytes = &text};
    if (buffer_append_byte(&text, '{') < 0 || entry_write_envelope(&out, envelope) < 0 ||
        entry_write_raw(&out, ",\"raw\":", envelope) < 0 || buffer_append_byte(&text, '}') < 0)
        return NULL;
    json_t *entry = json_loadb(text.data, text.len, 0, NULL);
    *out_raw = json_incref(json_object_get(entry, "raw"));
    json_object_del(entry, "raw");
    return entry;
}

int entry_json(const struct entry_envelope *envelope, const json_t *content, json_t **out_entry,
               struct error *err)
{
    AUTO_JSON raw = NULL;
    AUTO_JSON entry = entry_envelope_json(envelope, &raw);
    if (entry == NULL)
        return error_oom(err, "writing an entry");
    for (size_t i = 0; i < sizeof entry_keys / sizeof entry_keys[0]; i++) {
        const char *key = entry_keys[i].key;
        json_t *value = json_object_get(content, key);
        if (value != NULL)
            json_incref(value);
        else
            value = entry_keys[i].list ? json_array() : json_null();
        if ((text_equal(key, "flags") && json_line_set(entry, "raw", TAKE(raw)) < 0) ||
            json_line_set(entry, key, value) < 0)
            return error_oom(err, "writing an entry");
    }
    *out_entry = TAKE(entry);
    return 0;
}

/* What an envelope needs besides what is stored. */
struct entry_stored_texts {
    char created[CLOCK_RFC3339_MAX], key[QUEUE_KEY_MAX];
};

static struct entry_envelope entry_envelope_of(const struct queue_entry *stored,
                                               struct entry_stored_texts *texts)
{
    clock_rfc3339(stored->created_s, 0, texts->created);
    const struct queue_origin origin = {stored->loader,      stored->account, stored->mailbox,
                                        stored->uidvalidity, stored->uid,     stored->key};
    struct error ignored; /* put() made the same key */
    bool has_key = queue_origin_key(&origin, texts->key, &ignored) == 0;
    return (struct entry_envelope){
        .id = stored->id,
        .entry_class = stored->class,
        .queue = stored->queue,
        .source = stored->source,
        .state = queue_state_name(stored->state),
        .error = stored->error,
        .attempts = stored->attempts,
        .created = texts->created,
        .loader = stored->loader,
        .account = stored->account,
        .mailbox = stored->mailbox,
        .key = has_key ? texts->key : NULL,
        .uidvalidity = stored->uidvalidity,
        .uid = stored->uid,
        .has_raw = stored->has_raw,
        .raw_size = stored->raw_size,
        .raw_sha256 = stored->raw_sha256,
    };
}

/* Envelope and content as one line. */
static int entry_write_line(const struct entry_envelope *envelope, const struct loader_item *item,
                            entry_take *take, void *context, struct error *err)
{
    AUTO_DONE(buffer) bytes;
    buffer_init(&bytes, SIZE_MAX); /* a piece and what is written between two of them */
    struct entry_out out = {.bytes = &bytes, .take = take, .context = context, .err = err};
    if (buffer_append_byte(&bytes, '{') < 0 || entry_write_envelope(&out, envelope) < 0 ||
        buffer_append_byte(&bytes, ',') < 0 || entry_write(&out, item, envelope, ENTRY_ALL) < 0 ||
        buffer_append_byte(&bytes, '\n') < 0 || entry_pass(&out) < 0)
        return out.told ? -1 : error_oom(err, "writing an entry");
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
    struct entry_stored_texts texts;
    const struct entry_envelope envelope = entry_envelope_of(stored, &texts);
    return entry_json(&envelope, content, out_entry, err);
}

int entry_write_stored(const struct queue_entry *stored, const struct loader_item *item,
                       entry_take *take, void *context, struct error *err)
{
    struct entry_stored_texts texts;
    const struct entry_envelope envelope = entry_envelope_of(stored, &texts);
    return entry_write_line(&envelope, item, take, context, err);
}

static void entry_fill_envelope(struct entry_envelope *envelope, const struct loader_item *item)
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
}

int entry_write_item(const struct loader_item *item, struct entry_envelope *envelope,
                     entry_take *take, void *context, struct error *err)
{
    entry_fill_envelope(envelope, item);
    return entry_write_line(envelope, item, take, context, err);
}

static int entry_gather(const struct buffer *piece, void *context, struct error *err)
{
    if (buffer_append(context, buffer_text(piece), piece->len) == 0)
        return 0;
    return error_oom(err, "writing an entry");
}

int entry_from_item(const struct loader_item *item, struct entry_envelope *envelope,
                    json_t **out_entry, struct error *err)
{
    AUTO_DONE(buffer) line;
    buffer_init(&line, SIZE_MAX);
    if (entry_write_item(item, envelope, entry_gather, &line, err) < 0)
        return -1;
    json_t *entry = json_loadb(line.data, line.len, 0, NULL);
    if (entry == NULL)
        return error_oom(err, "writing an entry");
    *out_entry = entry;
    return 0;
}
