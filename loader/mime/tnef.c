/* SPDX-License-Identifier: Apache-2.0 */
/* tnef.c - winmail.dat taken apart. See tnef.h; MS-OXTNEF s.2.1.
 *
 *     SIGNATURE -> HEADER -> DATA -> CHECKSUM -> HEADER ...
 *
 * An attribute is kept (short texts and numbers), a part of the body, bytes of a file, or a list of
 * properties (tnef-props.h) of which each is one of these again. attAttachRenddata begins a file;
 * all of level 2 behind it belongs to it. One table says what is what. */
#include <config.h>
#include "tnef.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "charset.h"
#include "codepage.h"
#include "problem.h"
#include "text.h"
#include "tnef-body.h"
#include "tnef-props.h"

#define TNEF_SIGNATURE 0x223E9F78u
#define TNEF_HEADER 9u      /* level, id, type, length */
#define TNEF_OBJECT_HEAD 20u /* interface of an object, and the signature behind it */
#define TNEF_NESTED_TEXT_MAX (512u * 1024) /* as TNEF_TEXT_MAX, in message objects inside */
#define TNEF_RENDDATA 0x9002u
#define TNEF_SHOWN_IN_BODY 4u /* PR_ATTACH_FLAGS: attMhtmlRef */

enum tnef_state { TNEF_AT_SIGNATURE, TNEF_AT_HEADER, TNEF_IN_DATA, TNEF_AT_CHECKSUM, TNEF_AT_END };

/* What becomes of a value. */
enum tnef_use { TNEF_IGNORE, TNEF_KEEP, TNEF_TO_BODY, TNEF_TO_FILE, TNEF_TO_OBJECT, TNEF_TO_PROPS };

/* Where a kept value belongs. */
enum tnef_target {
    TNEF_LONG_NAME, /* names: the best comes first */
    TNEF_TITLE,
    TNEF_SHORT_NAME,
    TNEF_TRANSPORT_NAME,
    TNEF_DISPLAY_NAME,
    TNEF_CONTENT_TYPE,
    TNEF_CONTENT_ID,
    TNEF_FILE_TEXTS, /* how many of them */
    TNEF_FILE_FLAGS,
    TNEF_FILE_HIDDEN,
    TNEF_SUBJECT,
    TNEF_CLASS,
    TNEF_LOCATION,
    TNEF_START,
    TNEF_END,
    TNEF_OEM_PAGE,
    TNEF_INTERNET_PAGE
};

enum tnef_where { TNEF_ATTRIBUTE, TNEF_OF_MESSAGE, TNEF_OF_FILE };

static const struct tnef_row {
    enum tnef_where where;
    uint16_t id;
    enum tnef_use use;
    unsigned target; /* enum tnef_target or enum tnef_part */
} tnef_rows[] = {
    {TNEF_ATTRIBUTE, 0x8004, TNEF_KEEP, TNEF_SUBJECT},
    {TNEF_ATTRIBUTE, 0x8008, TNEF_KEEP, TNEF_CLASS},
    {TNEF_ATTRIBUTE, 0x800C, TNEF_TO_BODY, TNEF_OLD_TEXT},
    {TNEF_ATTRIBUTE, 0x800F, TNEF_TO_FILE, 0},
    {TNEF_ATTRIBUTE, 0x8010, TNEF_KEEP, TNEF_TITLE},
    {TNEF_ATTRIBUTE, 0x9001, TNEF_KEEP, TNEF_TRANSPORT_NAME},
    {TNEF_ATTRIBUTE, 0x9003, TNEF_TO_PROPS, 0},
    {TNEF_ATTRIBUTE, 0x9005, TNEF_TO_PROPS, 0},
    {TNEF_ATTRIBUTE, 0x9007, TNEF_KEEP, TNEF_OEM_PAGE},
    {TNEF_OF_MESSAGE, 0x001A, TNEF_KEEP, TNEF_CLASS},         /* PR_MESSAGE_CLASS */
    {TNEF_OF_MESSAGE, 0x0037, TNEF_KEEP, TNEF_SUBJECT},       /* PR_SUBJECT */
    {TNEF_OF_MESSAGE, 0x0060, TNEF_KEEP, TNEF_START},         /* PR_START_DATE */
    {TNEF_OF_MESSAGE, 0x0061, TNEF_KEEP, TNEF_END},           /* PR_END_DATE */
    {TNEF_OF_MESSAGE, 0x8208, TNEF_KEEP, TNEF_LOCATION},      /* PidLidLocation */
    {TNEF_OF_MESSAGE, 0x820D, TNEF_KEEP, TNEF_START},         /* PidLidAppointmentStartWhole */
    {TNEF_OF_MESSAGE, 0x820E, TNEF_KEEP, TNEF_END},           /* PidLidAppointmentEndWhole */
    {TNEF_OF_MESSAGE, 0x1000, TNEF_TO_BODY, TNEF_TEXT},       /* PR_BODY */
    {TNEF_OF_MESSAGE, 0x1009, TNEF_TO_BODY, TNEF_RTF},        /* PR_RTF_COMPRESSED */
    {TNEF_OF_MESSAGE, 0x1013, TNEF_TO_BODY, TNEF_HTML},       /* PR_HTML, PR_BODY_HTML */
    {TNEF_OF_MESSAGE, 0x3FDE, TNEF_KEEP, TNEF_INTERNET_PAGE}, /* PR_INTERNET_CPID */
    {TNEF_OF_FILE, 0x3001, TNEF_KEEP, TNEF_DISPLAY_NAME},     /* PR_DISPLAY_NAME */
    {TNEF_OF_FILE, 0x3701, TNEF_TO_FILE, 0},                  /* PR_ATTACH_DATA_BIN or _OBJ */
    {TNEF_OF_FILE, 0x3704, TNEF_KEEP, TNEF_SHORT_NAME},       /* PR_ATTACH_FILENAME */
    {TNEF_OF_FILE, 0x3707, TNEF_KEEP, TNEF_LONG_NAME},        /* PR_ATTACH_LONG_FILENAME */
    {TNEF_OF_FILE, 0x370E, TNEF_KEEP, TNEF_CONTENT_TYPE},     /* PR_ATTACH_MIME_TAG */
    {TNEF_OF_FILE, 0x3712, TNEF_KEEP, TNEF_CONTENT_ID},       /* PR_ATTACH_CONTENT_ID */
    {TNEF_OF_FILE, 0x3714, TNEF_KEEP, TNEF_FILE_FLAGS},       /* PR_ATTACH_FLAGS */
    {TNEF_OF_FILE, 0x7FFE, TNEF_KEEP, TNEF_FILE_HIDDEN},      /* PR_ATTACHMENT_HIDDEN */
};

/* What a parser and those of the messages inside it have in common. */
struct tnef_shared {
    struct tnef_sink sink;
    struct mail_texts *problems;
    unsigned files;
    const char *dir; /* for what is large; borrowed */
    size_t rtf_left; /* bytes that may still come out of compressed RTF */
    bool stopped; /* the sink said so */
};

/* The file whose attributes are read. */
struct tnef_open {
    bool open;
    bool ignored;  /* beyond TNEF_FILES_MAX */
    bool has_data; /* there were bytes, even if none */
    bool walked;   /* a message object that has been told already */
    uint64_t size;
    bool in_body;
    char *texts[TNEF_FILE_TEXTS];
};

struct tnef {
    struct tnef_shared *shared; /* own, or that of the outermost */
    struct tnef_shared own;
    unsigned depth;
    enum tnef_state state;
    bool is_tnef;
    unsigned attributes;
    uint32_t left; /* bytes of the attribute still to come */
    uint8_t have;  /* bytes in field */
    uint8_t field[TNEF_HEADER];
    bool in_file;  /* the attribute is of level 2 */
    const struct tnef_row *attribute, *property; /* what is under way, NULL: nobody wants it */
    enum tnef_use attribute_use, property_use;
    uint16_t type; /* of the value under way */
    struct tnef_props props;
    struct buffer value;
    uint32_t oem_page, internet_page; /* 0: not said */
    char *message_class, *subject, *location;
    uint64_t start, end;
    struct tnef_body body;
    struct tnef_open file;
    uint8_t head[TNEF_OBJECT_HEAD]; /* of an object */
    uint8_t head_len;
    struct tnef *child; /* the message object under way */
};

static int tnef_take(struct tnef *t, const uint8_t *bytes, size_t count);
static int tnef_close(struct tnef *t, struct tnef_message *out_message);

void tnef_message_done(struct tnef_message *message)
{
    free(message->message_class);
    free(message->subject);
    free(message->location);
    text_walk_free(message->text, message->text_file);
    text_walk_free(message->html, message->html_file);
    *message = (struct tnef_message){0};
}

static struct tnef *tnef_make(struct tnef_shared *shared, const char *dir, unsigned depth)
{
    struct tnef *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->shared = shared != NULL ? shared : &t->own;
    t->depth = depth;
    buffer_init(&t->value, TNEF_NAME_MAX);
    t->own.dir = dir;
    t->own.rtf_left = (size_t)TNEF_TEXT_MAX * TNEF_RTF_FACTOR;
    tnef_body_init(&t->body, depth == 0 ? TNEF_TEXT_MAX : TNEF_NESTED_TEXT_MAX, dir,
                   &t->shared->rtf_left);
    return t;
}

struct tnef *tnef_new(const struct tnef_sink *sink, const char *dir, struct mail_texts *problems)
{
    struct tnef *t = tnef_make(NULL, dir, 0);
    if (t == NULL)
        return NULL;
    t->own.sink = *sink;
    t->own.problems = problems;
    return t;
}

static void tnef_forget_file(struct tnef *t)
{
    for (int i = 0; i < TNEF_FILE_TEXTS; i++)
        free(t->file.texts[i]);
    t->file = (struct tnef_open){0};
}

void tnef_free(struct tnef *tnef)
{
    if (tnef == NULL)
        return;
    tnef_free(tnef->child); /* at most TNEF_DEPTH_MAX deep */
    tnef_forget_file(tnef);
    tnef_body_done(&tnef->body);
    buffer_done(&tnef->value);
    free(tnef->message_class);
    free(tnef->subject);
    free(tnef->location);
    free(tnef);
}

static uint32_t tnef_u32(const uint8_t *b)
{
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* -- files -- */

static int tnef_sink_bytes(struct tnef *t, const uint8_t *bytes, size_t count)
{
    struct tnef_shared *s = t->shared;
    if (count == 0 || s->sink.bytes(s->sink.context, bytes, count) == 0)
        return 0;
    s->stopped = true;
    return -1;
}

static int tnef_sink_end(struct tnef *t, const struct tnef_file *file)
{
    struct tnef_shared *s = t->shared;
    if (s->sink.end(s->sink.context, file) == 0)
        return 0;
    s->stopped = true;
    return -1;
}

/* Room for one more file; *out_room false: there were too many. */
static int tnef_count_file(struct tnef *t, bool *out_room)
{
    *out_room = t->shared->files < TNEF_FILES_MAX;
    if (!*out_room)
        return problem_add(t->shared->problems, "winmail.dat has more than %u files, the rest is "
                           "left out", TNEF_FILES_MAX);
    t->shared->files++;
    return 0;
}

static int tnef_file_bytes(struct tnef *t, const uint8_t *bytes, size_t count)
{
    if (t->file.ignored)
        return 0;
    t->file.size += count;
    return tnef_sink_bytes(t, bytes, count);
}

/* The first bytes of a file; the second time only if there were none before. */
static int tnef_file_start(struct tnef *t, bool *out_wanted)
{
    bool room = true;
    *out_wanted = t->file.open && t->file.size == 0 && !t->file.walked;
    if (!*out_wanted || t->file.has_data)
        return 0;
    t->file.has_data = true;
    if (tnef_count_file(t, &room) < 0)
        return -1;
    t->file.ignored = !room;
    return 0;
}

static const char *tnef_file_name(const struct tnef *t)
{
    for (int i = TNEF_LONG_NAME; i <= TNEF_DISPLAY_NAME; i++)
        if (t->file.texts[i] != NULL)
            return t->file.texts[i];
    return NULL;
}

static int tnef_file_end(struct tnef *t)
{
    struct tnef_open *f = &t->file;
    int result = 0;
    struct tnef_file file = {.name = tnef_file_name(t),
                             .content_type = f->texts[TNEF_CONTENT_TYPE],
                             .content_id = f->texts[TNEF_CONTENT_ID],
                             .in_body = f->in_body};
    if (f->has_data && !f->ignored && !f->walked)
        result = tnef_sink_end(t, &file);
    else if (f->open && !f->has_data && !f->walked && file.name != NULL)
        result = problem_add(t->shared->problems, "file '%s' has no bytes in winmail.dat",
                             file.name);
    tnef_forget_file(t);
    return result;
}

/* -- message objects inside -- */

static int tnef_sink_text(struct tnef *t, struct buffer *text)
{
    struct span piece = {0};
    while (text_walk_next(text, &piece))
        if (tnef_sink_bytes(t, piece.bytes, piece.len) < 0)
            return -1;
    return 0;
}

/* Its body becomes a file that a person can open. */
static int tnef_tell_body(struct tnef *t, const struct tnef_message *m)
{
    bool html = m->html != NULL;
    struct buffer text = html ? text_walk_over(m->html, m->html_size, m->html_file)
                              : text_walk_over(m->text, m->text_size, m->text_file);
    const char *outer = tnef_file_name(t);
    const char *subject = m->subject != NULL ? m->subject : outer != NULL ? outer : "message";
    bool room;
    if (text.data == NULL)
        return 0;
    if (tnef_count_file(t, &room) < 0)
        return -1;
    if (!room)
        return 0;
    AUTO_DONE(buffer) name;
    buffer_init(&name, 4 * TNEF_NAME_MAX);
    if (buffer_printf(&name, "%s.%s", subject, html ? "html" : "txt") < 0)
        return -1;
    struct tnef_file file = {.name = buffer_text(&name),
                             .content_type = html ? "text/html" : "text/plain"};
    if (tnef_sink_text(t, &text) < 0)
        return -1;
    return tnef_sink_end(t, &file);
}

/* The head of an object is complete: is it a message to be walked, or just bytes? */
static int tnef_object_head(struct tnef *t)
{
    static const uint8_t message[16] = {0x07, 0x03, 0x02, 0, 0, 0, 0, 0,
                                        0xC0, 0,    0,    0, 0, 0, 0, 0x46};
    bool is_message = t->head_len == TNEF_OBJECT_HEAD &&
                      memcmp(t->head, message, sizeof message) == 0 &&
                      tnef_u32(t->head + 16) == TNEF_SIGNATURE;
    const uint8_t *contents = t->head + sizeof message;
    size_t count = t->head_len > sizeof message ? t->head_len - sizeof message : 0;
    bool wanted;
    if (is_message && t->depth < TNEF_DEPTH_MAX) {
        t->file.walked = true;
        t->child = tnef_make(t->shared, t->shared->dir, t->depth + 1);
        if (t->child == NULL)
            return -1;
        t->child->oem_page = t->oem_page;
        return tnef_take(t->child, contents, count);
    }
    if (is_message && t->file.texts[TNEF_CONTENT_TYPE] == NULL &&
        (t->file.texts[TNEF_CONTENT_TYPE] = strdup("application/ms-tnef")) == NULL)
        return -1;
    if (tnef_file_start(t, &wanted) < 0)
        return -1;
    return tnef_file_bytes(t, contents, count);
}

static int tnef_object_bytes(struct tnef *t, const uint8_t *bytes, size_t count)
{
    while (count > 0 && t->head_len < TNEF_OBJECT_HEAD) {
        t->head[t->head_len++] = *bytes++;
        count--;
        if (t->head_len == TNEF_OBJECT_HEAD && tnef_object_head(t) < 0)
            return -1;
    }
    if (count == 0)
        return 0;
    return t->child != NULL ? tnef_take(t->child, bytes, count) : tnef_file_bytes(t, bytes, count);
}

static int tnef_object_end(struct tnef *t)
{
    if (t->head_len < TNEF_OBJECT_HEAD)
        return tnef_object_head(t);
    if (t->child == NULL)
        return 0;
    AUTO(tnef) child = TAKE(t->child);
    struct tnef_message message = {0};
    int result = tnef_close(child, &message);
    if (result == 0)
        result = tnef_tell_body(t, &message);
    tnef_message_done(&message);
    return result;
}

/* -- kept values -- */

/* The value as UTF-8 without spaces and NULs at its end; NULL where it is empty or no text. */
static int tnef_value_text(struct tnef *t, char **out_text)
{
    char label[CODEPAGE_LABEL_MAX], problem[CHARSET_PROBLEM_MAX];
    bool unicode = t->type == TNEF_TYPE_UNICODE;
    *out_text = NULL;
    if (!unicode && t->type != TNEF_TYPE_STRING8)
        return 0;
    codepage_label(unicode ? 1200 : t->oem_page, label);
    AUTO_DONE(buffer) utf8;
    buffer_init(&utf8, 3 * TNEF_NAME_MAX);
    struct span bytes = {(const uint8_t *)buffer_text(&t->value), t->value.len};
    const char *known = unicode || t->oem_page != 0 ? label : NULL;
    if (charset_to_utf8(known, bytes, &utf8, problem) < 0)
        return -1;
    while (utf8.len > 0 && text_is_space(utf8.data[utf8.len - 1]))
        buffer_truncate(&utf8, utf8.len - 1);
    if (utf8.len == 0)
        return 0;
    *out_text = buffer_take(&utf8);
    return *out_text != NULL ? 0 : -1;
}

static uint32_t tnef_value_number(const struct tnef *t)
{
    return t->value.len >= 4 ? tnef_u32((const uint8_t *)t->value.data) : 0;
}

/* "<a@b>" becomes "a@b"; types are lower case. */
static void tnef_tidy(char *text, enum tnef_target target)
{
    size_t len = strlen(text);
    for (size_t i = 0; target == TNEF_CONTENT_TYPE && i < len; i++)
        text[i] = text_lower(text[i]);
    if (target == TNEF_CONTENT_ID && len > 2 && text[0] == '<' && text[len - 1] == '>') {
        memmove(text, text + 1, len - 2);
        text[len - 2] = '\0';
    }
}

/* A text goes where it belongs; what properties say counts more than what attributes say. */
static int tnef_keep_text(struct tnef *t, enum tnef_target target, bool from_property)
{
    char **at = target == TNEF_SUBJECT    ? &t->subject
                : target == TNEF_CLASS    ? &t->message_class
                : target == TNEF_LOCATION ? &t->location
                                          : &t->file.texts[target];
    AUTO_TEXT text = NULL;
    if (target < TNEF_FILE_TEXTS && !t->file.open)
        return 0;
    if (tnef_value_text(t, &text) < 0)
        return -1;
    if (text == NULL || (*at != NULL && !from_property))
        return 0;
    tnef_tidy(text, target);
    free(*at);
    *at = TAKE(text);
    return 0;
}

/* The first time that is told counts. */
static void tnef_keep_time(const struct tnef *t, uint64_t *time)
{
    const uint8_t *b = (const uint8_t *)t->value.data;
    if (*time == 0 && t->type == TNEF_TYPE_TIME && t->value.len == 8)
        *time = tnef_u32(b) | (uint64_t)tnef_u32(b + 4) << 32;
}

static int tnef_keep(struct tnef *t, enum tnef_target target, bool from_property)
{
    switch (target) {
    case TNEF_START:
        tnef_keep_time(t, &t->start);
        return 0;
    case TNEF_END:
        tnef_keep_time(t, &t->end);
        return 0;
    case TNEF_OEM_PAGE:
        t->oem_page = tnef_value_number(t);
        return 0;
    case TNEF_INTERNET_PAGE:
        t->internet_page = tnef_value_number(t);
        return 0;
    case TNEF_FILE_FLAGS:
        t->file.in_body |= (tnef_value_number(t) & TNEF_SHOWN_IN_BODY) != 0;
        return 0;
    case TNEF_FILE_HIDDEN:
        t->file.in_body |= (tnef_value_number(t) & 0xFFFF) != 0;
        return 0;
    default:
        return tnef_keep_text(t, target, from_property);
    }
}

/* -- values: of attributes and of properties -- */

static const struct tnef_row *tnef_find(enum tnef_where where, uint16_t id)
{
    for (size_t i = 0; i < sizeof tnef_rows / sizeof *tnef_rows; i++)
        if (tnef_rows[i].where == where && tnef_rows[i].id == id)
            return &tnef_rows[i];
    return NULL;
}

/* What becomes of a value of this row and of t->type. */
static int tnef_value_start(struct tnef *t, const struct tnef_row *row, enum tnef_use *out_use)
{
    bool wanted = true;
    *out_use = row == NULL ? TNEF_IGNORE : row->use;
    switch (*out_use) {
    case TNEF_KEEP:
        buffer_clear(&t->value);
        return 0;
    case TNEF_TO_BODY:
        wanted = t->type == TNEF_TYPE_UNICODE || t->type == TNEF_TYPE_STRING8 ||
                 t->type == TNEF_TYPE_BINARY;
        if (wanted && tnef_body_start(&t->body, (enum tnef_part)row->target,
                                      t->type == TNEF_TYPE_UNICODE, &wanted) < 0)
            return -1;
        break;
    case TNEF_TO_FILE:
        if (t->type == TNEF_TYPE_OBJECT) {
            *out_use = TNEF_TO_OBJECT;
            t->head_len = 0;
            wanted = t->file.open && t->file.size == 0 && !t->file.walked;
        } else if (tnef_file_start(t, &wanted) < 0) {
            return -1;
        }
        break;
    default:
        break;
    }
    if (!wanted)
        *out_use = TNEF_IGNORE;
    return 0;
}

static int tnef_value_bytes(struct tnef *t, const struct tnef_row *row, enum tnef_use use,
                            const uint8_t *bytes, size_t count)
{
    size_t room;
    switch (use) {
    case TNEF_KEEP:
        room = t->value.limit - t->value.len;
        return buffer_append(&t->value, bytes, count < room ? count : room);
    case TNEF_TO_BODY:
        return tnef_body_bytes(&t->body, (enum tnef_part)row->target, bytes, count);
    case TNEF_TO_FILE:
        return tnef_file_bytes(t, bytes, count);
    case TNEF_TO_OBJECT:
        return tnef_object_bytes(t, bytes, count);
    case TNEF_TO_PROPS:
        return tnef_props_feed(&t->props, bytes, count);
    case TNEF_IGNORE:
        break;
    }
    return 0;
}

static int tnef_value_end(struct tnef *t, const struct tnef_row *row, enum tnef_use use)
{
    switch (use) {
    case TNEF_KEEP:
        return tnef_keep(t, (enum tnef_target)row->target, row->where != TNEF_ATTRIBUTE);
    case TNEF_TO_BODY:
        return tnef_body_end(&t->body, (enum tnef_part)row->target);
    case TNEF_TO_OBJECT:
        return tnef_object_end(t);
    case TNEF_TO_PROPS:
        if (tnef_props_finish(&t->props) < 0)
            return -1;
        return t->props.broken ? problem_add(t->shared->problems, "winmail.dat has a broken list "
                                             "of properties, some are left out") : 0;
    default:
        return 0;
    }
}

static int tnef_property_start(void *context, uint16_t id, uint16_t type)
{
    struct tnef *t = context;
    t->property = tnef_find(t->in_file ? TNEF_OF_FILE : TNEF_OF_MESSAGE, id);
    t->type = type;
    return tnef_value_start(t, t->property, &t->property_use);
}

static int tnef_property_bytes(void *context, const uint8_t *bytes, size_t count)
{
    struct tnef *t = context;
    return tnef_value_bytes(t, t->property, t->property_use, bytes, count);
}

static int tnef_property_end(void *context)
{
    struct tnef *t = context;
    return tnef_value_end(t, t->property, t->property_use);
}

/* -- attributes -- */

static int tnef_break(struct tnef *t)
{
    t->state = TNEF_AT_END;
    return problem_add(t->shared->problems,
                       "winmail.dat is broken, what stands behind attribute %u is left out",
                       t->attributes);
}

/* level, id, type, length are in field. */
static int tnef_header(struct tnef *t)
{
    uint8_t level = t->field[0];
    uint16_t id = (uint16_t)(t->field[1] | t->field[2] << 8);
    if ((level != 1 && level != 2) || t->attributes == TNEF_ATTRIBUTES_MAX)
        return tnef_break(t);
    t->attributes++;
    t->left = tnef_u32(t->field + 5);
    t->state = TNEF_IN_DATA;
    t->in_file = level == 2;
    if (id == TNEF_RENDDATA && tnef_file_end(t) < 0)
        return -1;
    t->file.open |= t->in_file;
    t->attribute = tnef_find(TNEF_ATTRIBUTE, id);
    t->type = TNEF_TYPE_STRING8; /* attributes know no Unicode */
    if (t->attribute != NULL && t->attribute->use == TNEF_TO_PROPS) {
        struct tnef_props_sink sink = {tnef_property_start, tnef_property_bytes, tnef_property_end,
                                       t};
        tnef_props_init(&t->props, &sink);
    }
    return tnef_value_start(t, t->attribute, &t->attribute_use);
}

static int tnef_attribute_end(struct tnef *t)
{
    t->state = TNEF_AT_CHECKSUM;
    return tnef_value_end(t, t->attribute, t->attribute_use);
}

static size_t tnef_field_size(const struct tnef *t)
{
    return t->state == TNEF_AT_SIGNATURE ? 6 : t->state == TNEF_AT_CHECKSUM ? 2 : TNEF_HEADER;
}

/* Signature and key, a header, or a checksum is complete. */
static int tnef_field(struct tnef *t)
{
    switch (t->state) {
    case TNEF_AT_SIGNATURE:
        t->is_tnef = tnef_u32(t->field) == TNEF_SIGNATURE;
        t->state = t->is_tnef ? TNEF_AT_HEADER : TNEF_AT_END;
        return 0;
    case TNEF_AT_HEADER:
        return tnef_header(t);
    default:
        t->state = TNEF_AT_HEADER;
        return 0;
    }
}

/* All of tnef_feed() but the error's text: -1 is memory, or shared->stopped. */
static int tnef_take(struct tnef *t, const uint8_t *bytes, size_t count)
{
    size_t i = 0;
    while (t->state != TNEF_AT_END) {
        if (t->state == TNEF_IN_DATA) {
            size_t take = count - i < t->left ? count - i : t->left;
            if (take == 0 && t->left > 0)
                return 0;
            t->left -= (uint32_t)take;
            if (tnef_value_bytes(t, t->attribute, t->attribute_use, bytes + i, take) < 0 ||
                (t->left == 0 && tnef_attribute_end(t) < 0))
                return -1;
            i += take;
        } else if (i < count) {
            t->field[t->have++] = bytes[i++];
            if (t->have < tnef_field_size(t))
                continue;
            t->have = 0;
            if (tnef_field(t) < 0)
                return -1;
        } else {
            return 0;
        }
    }
    return 0;
}

/* What was open ends here. */
static int tnef_close_open(struct tnef *t)
{
    bool inside = t->state == TNEF_IN_DATA;
    bool cut = inside || (t->state == TNEF_AT_HEADER && t->have > 0 && t->field[0] != 0 &&
                          t->field[0] <= 2);
    if (inside && tnef_attribute_end(t) < 0)
        return -1;
    t->state = TNEF_AT_END;
    if (tnef_file_end(t) < 0)
        return -1;
    return cut ? problem_add(t->shared->problems, "winmail.dat is cut off, its last attribute is "
                             "not complete") : 0;
}

static int tnef_close(struct tnef *t, struct tnef_message *out_message)
{
    struct tnef_message m = {0};
    struct tnef_text text, html;
    uint32_t html_page = t->internet_page != 0 ? t->internet_page : t->oem_page;
    if (tnef_close_open(t) < 0 ||
        tnef_body_finish(&t->body, t->oem_page, html_page, &text, &html) < 0)
        return -1;
    m.text = text.text;
    m.text_size = text.size;
    m.text_file = text.file;
    m.html = html.text;
    m.html_size = html.size;
    m.html_file = html.file;
    m.message_class = TAKE(t->message_class);
    m.subject = TAKE(t->subject);
    m.location = TAKE(t->location);
    m.start = t->start;
    m.end = t->end;
    *out_message = m;
    if (t->body.bad_rtf && m.html == NULL && m.text == NULL &&
        problem_add(t->shared->problems, "the body in winmail.dat is no compressed RTF") < 0)
        return -1;
    return t->body.cut ? problem_add(t->shared->problems, "the body in winmail.dat is longer than "
                                     "%zu kB, the rest is left out", t->body.limit / 1024) : 0;
}

static int tnef_fail(const struct tnef *t, struct error *err)
{
    if (t->shared->stopped)
        return error_set(err, ERROR_CANCELLED, "stopped while winmail.dat was read");
    return error_oom(err, "reading winmail.dat");
}

int tnef_feed(struct tnef *tnef, const uint8_t *bytes, size_t count, struct error *err)
{
    return tnef_take(tnef, bytes, count) < 0 ? tnef_fail(tnef, err) : 0;
}

int tnef_finish(struct tnef *tnef, struct tnef_message *out_message, bool *out_is_tnef,
                struct error *err)
{
    struct tnef_message message = {0};
    if (tnef_close(tnef, &message) < 0) {
        tnef_message_done(&message);
        return tnef_fail(tnef, err);
    }
    *out_message = message;
    *out_is_tnef = tnef->is_tnef;
    return 0;
}
