/* SPDX-License-Identifier: Apache-2.0 */
/* command-parse.c - mailchute parse: the entry that each file would become.
 *
 * One file after the other, in the order given; a file that cannot be read does not stop the
 * others, and makes the exit code 65 as bad mail does. */
#include <config.h>
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "entry.h"
#include "json-line.h"
#include "loader-mail.h"
#include "output.h"
#include "parse.h"
#include "plugin.h"
#include "render.h"
#include "save.h"
#include "text.h"

#define PARSE_HEAD_MAX (64u << 20)             /* bytes shown of an entry but for its text */
#define PARSE_TRIES 10000u                     /* folders of one name in one run */

struct parse_command {
    struct command_common common;
    const char *save, *loader;
    bool attach_html, sanitize;
    struct log log;
    struct plugin *plugin;
    char **files; /* base names of those before are looked up here */
    int at;       /* the one being read */
    int bad;      /* how many could not be read */
};

#define FIELD(member) offsetof(struct parse_command, member)
static const struct option_row parse_rows[] = {
    COMMAND_OPTION_JSON(struct parse_command, common),
    {"save", 0, OPTION_TEXT, FIELD(save), "DIR", "write attachments to DIR/FILE/ORDINAL-NAME"},
    {"attach-html", 0, OPTION_FLAG, FIELD(attach_html), NULL,
     "the HTML version becomes the attachment original.html"},
    {"sanitize", 0, OPTION_FLAG, FIELD(sanitize), NULL,
     "drop characters that XML 1.0 forbids from text fields"},
    {"loader", 0, OPTION_TEXT, FIELD(loader), "NAME", "a loader that can read files (Folder)"},
    COMMAND_OPTIONS_LOG(struct parse_command, common),
    COMMAND_OPTION_HELP(struct parse_command, common),
};

static const struct option_table parse_table = {
    "parse", "[--json] [--save DIR] FILE ...",
    "Shows the entry that each file would become: no server, no queue. - is standard input.",
    parse_rows, sizeof parse_rows / sizeof parse_rows[0]};

/* The last component of a path, "stdin" for "-". */
static const char *parse_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return text_equal(path, "-") ? "stdin" : slash == NULL ? path : slash + 1;
}

/* DIR/<base name>; a second file of that name in this run gets ".2" behind it, and so on. */
static int parse_open_save(const struct parse_command *c, struct save **out_save, struct error *err)
{
    const char *base = parse_base_name(c->files[c->at]);
    char clean[SAVE_NAME_MAX - 8];
    uint32_t same = 1;
    for (int i = 0; i < c->at; i++)
        same += text_equal(parse_base_name(c->files[i]), base) ? 1 : 0;
    save_clean_name(base, clean, sizeof clean);
    if (same == 1)
        return save_open(c->save, clean, out_save, err);
    AUTO_DONE(buffer) name;
    buffer_init(&name, SAVE_NAME_MAX);
    if (same > PARSE_TRIES || buffer_printf(&name, "%s.%u", clean, same) < 0)
        return error_set(err, ERROR_USAGE, "too many files are called '%s'; save them in several "
                         "runs", clean);
    return save_open(c->save, buffer_text(&name), out_save, err);
}

static const char *parse_connection(const struct parse_command *c)
{
    if (c->attach_html)
        return c->sanitize ? "attachHtml=True;sanitize=True" : "attachHtml=True";
    return c->sanitize ? "sanitize=True" : NULL;
}

/* The file's item; its attachments are saved on the way when that was asked for. */
static int parse_item_of(struct parse_command *c, struct parse *parse, int fd, struct error *err)
{
    AUTO(save) save = NULL;
    if (c->save != NULL && parse_open_save(c, &save, err) < 0)
        return -1;
    int bad = parse_message(parse, c->plugin, &c->log, fd, parse_connection(c),
                            save == NULL ? NULL : save_sink(save), err);
    if (save != NULL && save_finish(save, bad < 0 ? NULL : parse->item->mail, err) < 0)
        return -1;
    return bad;
}

static int parse_open_file(const char *path, struct error *err)
{
    int fd = text_equal(path, "-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                   : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return error_set(err, ERROR_MAIL, "cannot be read: %s; check its name and rights",
                         strerror(errno));
    return fd;
}

static int parse_read(struct parse_command *c, struct parse *parse, struct error *err)
{
    AUTO_FD fd = parse_open_file(c->files[c->at], err);
    if (fd < 0)
        return -1;
    int bad = parse_item_of(c, parse, fd, err);
    if (bad == 0 && parse->item->error != NULL)
        c->bad++;
    return bad;
}

static int parse_print(const struct buffer *piece, void *context, struct error *err)
{
    (void)context;
    return output_bytes(piece, err);
}

/* What stands above the text. */
static int parse_show_head(const struct parse_command *c, const struct loader_item *item,
                           struct error *err)
{
    struct entry_envelope envelope = {.file = c->files[c->at], .loader = c->plugin->table.name};
    struct loader_mail head = loader_mail_read(item->mail);
    struct loader_item brief = *item;
    head.message_body = head.html = NULL;
    head.message_body_file = head.html_file = (struct loader_text_file){0};
    brief.mail = &head;
    AUTO_JSON entry = NULL;
    AUTO_DONE(buffer) out;
    buffer_init(&out, PARSE_HEAD_MAX);
    if (entry_from_item(&brief, &envelope, &entry, err) < 0)
        return -1;
    if ((c->at > 0 && buffer_append_text(&out, "\n") < 0) || render_append_entry(&out, entry) < 0)
        return error_oom(err, "showing an entry");
    return output_bytes(&out, err);
}

/* Write out some @most bytes from the start of *text, which moves behind them, and @out before. */
static int parse_show_piece(struct buffer *out, const char **text, size_t most, struct error *err)
{
    if (render_append_text(out, text, most) < 0)
        return error_oom(err, "showing an entry");
    int bad = output_bytes(out, err);
    buffer_clear(out);
    return bad;
}

/* What is looked at at once is less than twice the most that is shown. */
static int parse_show_file(struct buffer *out, const struct loader_text_file *file,
                           struct error *err)
{
    AUTO(loader_text) text = NULL;
    struct loader_text_piece piece = {.count = 0};
    size_t used = 0;
    if (loader_text_open(file, &text, err) < 0)
        return -1;
    while (loader_text_next(text, used, &piece, err) == 0) {
        const char *at = piece.bytes;
        if (piece.count == 0)
            return 0;
        size_t most = piece.last ? RENDER_PIECE : piece.count / 2 - LOADER_TEXT_AHEAD;
        if (parse_show_piece(out, &at, most, err) < 0)
            return -1;
        used = (size_t)(at - piece.bytes);
    }
    return -1;
}

/* In pieces: it may be large. */
static int parse_show_text(const struct loader_mail *mail, struct error *err)
{
    const char *text = mail->message_body;
    AUTO_DONE(buffer) out;
    buffer_init(&out, PARSE_HEAD_MAX);
    if (buffer_append_byte(&out, '\n') < 0)
        return error_oom(err, "showing an entry");
    if (mail->message_body_file.size > 0) {
        if (parse_show_file(&out, &mail->message_body_file, err) < 0)
            return -1;
    } else {
        while (*text != '\0')
            if (parse_show_piece(&out, &text, RENDER_PIECE, err) < 0)
                return -1;
    }
    return buffer_append_byte(&out, '\n') < 0 ? error_oom(err, "showing an entry")
                                              : output_bytes(&out, err);
}

static int parse_show(const struct parse_command *c, const struct parse *parse, struct error *err)
{
    struct entry_envelope envelope = {.file = c->files[c->at], .loader = c->plugin->table.name};
    const struct loader_item *item = parse->item;
    if (c->common.json)
        return entry_write_item(item, &envelope, parse_print, NULL, err);
    if (parse_show_head(c, item, err) < 0)
        return -1;
    const struct loader_mail mail = loader_mail_read(item->mail);
    bool has_text = mail.message_body != NULL || mail.message_body_file.size > 0;
    return has_text ? parse_show_text(&mail, err) : 0;
}

/* With --json the place of the file's line says that it could not be read, else standard error. */
static int parse_tell_unread(struct parse_command *c, struct error *why, struct error *err)
{
    c->bad++;
    if (!c->common.json) {
        error_prefix(why, "'%s'", c->files[c->at]);
        log_error(&c->log, why);
        return 0;
    }
    AUTO_JSON line = json_object();
    if (json_line_set(line, "file", json_line_text(c->files[c->at])) < 0 ||
        json_line_set(line, "error", json_line_text(why->text)) < 0)
        return error_oom(err, "writing a line of JSON");
    return output_json(line, err);
}

static int parse_one(struct parse_command *c, struct error *err)
{
    struct parse parse = {0};
    struct error why = {0};
    int bad = parse_read(c, &parse, &why);
    if (bad == 0)
        bad = parse_show(c, &parse, err);
    else if (why.class == ERROR_MAIL || why.class == ERROR_CONFIG)
        bad = parse_tell_unread(c, &why, err);
    else
        *err = why; /* not this file's fault: a disk that is full, a bug */
    parse_done(&parse);
    return bad;
}

static int parse_all(struct parse_command *c, int count, struct error *err)
{
    if (plugin_open(c->loader == NULL ? PARSE_LOADER : c->loader, &c->plugin, err) < 0)
        return -1;
    for (c->at = 0; c->at < count; c->at++)
        if (parse_one(c, err) < 0)
            return -1;
    return 0;
}

int command_parse(int argc, char **argv)
{
    struct parse_command c = {.files = argv};
    struct error err;
    int count, exit_code;
    if (command_options(&parse_table, argc, argv, &c, &c.common, &count, &exit_code) < 0)
        return exit_code;
    if (count == 0) {
        error_set(&err, ERROR_USAGE,
                  "parse: no file given; write mailchute parse FILE.eml, or - for "
                  "standard input");
        return command_fail(&err);
    }
    command_log(&c.log, &c.common);
    int bad = parse_all(&c, count, &err);
    plugin_close(c.plugin);
    return bad < 0 ? command_fail(&err) : c.bad > 0 ? error_exit_code(ERROR_MAIL) : 0;
}
