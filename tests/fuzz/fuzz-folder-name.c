/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-folder-name.c - names of folders, from users and from servers.
 *
 * The first line of the input is the folder as the user wrote it; the rest is cut at '|' into what
 * the server says to LIST "" "", to NAMESPACE, and to each LIST behind them. Held against it:
 * modified UTF-7 goes there and back to the same bytes, both ways; candidates are different and
 * fit into one line; what is chosen was listed, or is not said to exist. Names are modified UTF-7
 * on the wire for one server, UTF-8 for another. */
#include <config.h>
#include "memory-stream.h"

#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "imap-folder.h"
#include "imap-utf7.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

/* ---- Modified UTF-7 -------------------------------------------------------------------------- */

/* Strict both ways (imap-utf7.h). */
static void check_utf7(const uint8_t *bytes, size_t size)
{
    struct buffer text, wire;
    buffer_init(&text, 4 * size + 16);
    buffer_init(&wire, 4 * size + 16);
    if (imap_utf7_decode(&text, bytes, size) == 0 &&
        imap_utf7_encode(&wire, buffer_text(&text)) == 0)
        must(wire.len == size && (size == 0 || memcmp(wire.data, bytes, size) == 0));
    must(text_is_utf8(buffer_text(&text), text.len));
    buffer_done(&text);
    buffer_done(&wire);
}

static void check_text(const char *user)
{
    struct buffer text, wire;
    size_t size = strlen(user);
    buffer_init(&text, 4 * size + 16);
    buffer_init(&wire, 8 * size + 16);
    if (imap_utf7_encode(&wire, user) == 0) {
        must(imap_utf7_decode(&text, buffer_text(&wire), wire.len) == 0);
        must(strcmp(buffer_text(&text), user) == 0);
    }
    buffer_done(&text);
    buffer_done(&wire);
}

static void check_names(const char *user, char delimiter, const char *prefix, bool utf8)
{
    char *names[IMAP_FOLDER_CANDIDATES];
    struct imap_levels levels = {.delimiter = delimiter, .utf8 = utf8};
    struct error err = {0};
    text_copy(levels.prefix, sizeof levels.prefix, prefix);
    int count = imap_folder_names(user, &levels, names, &err);
    must(count <= (int)IMAP_FOLDER_CANDIDATES && count != 0);
    must(count > 0 || (err.class == ERROR_USAGE && !text_has_control(err.text) &&
                       text_is_utf8(err.text, strlen(err.text))));
    for (int i = 0; i < count; i++) {
        must(names[i][0] != '\0' && strlen(names[i]) <= IMAP_FOLDER_NAME_MAX);
        must(!text_has_control(names[i]));
        for (int j = 0; j < i; j++)
            must(strcmp(names[i], names[j]) != 0);
    }
    for (int i = 0; i < count; i++)
        free(names[i]);
}

/* ---- A server that lists --------------------------------------------------------------------- */

struct scene {
    struct memory_server server; /* first: see memory-stream.h */
    struct imap_host host;
    struct cursor script;
    bool utf8;
};

static void scene_answer(struct memory_server *server, const char *line)
{
    struct scene *s = (struct scene *)server;
    const char *text = strchr(line, ' ');
    int byte = -1;
    must(text != NULL);
    if (strcmp(text, " CAPABILITY") == 0)
        buffer_append_text(&server->said, s->utf8 ? "* CAPABILITY IMAP4rev2\r\n"
                                                  : "* CAPABILITY IMAP4rev1 NAMESPACE\r\n");
    else
        byte = cursor_next(&s->script);
    for (; byte >= 0 && byte != '|'; byte = cursor_next(&s->script))
        buffer_append_byte(&server->said, (uint8_t)byte);
    buffer_printf(&server->said, "%.*s OK\r\n", (int)(text - line), line);
}

static uint64_t host_ms(void *context)
{
    (void)context;
    return 0;
}

static int64_t host_s(void *context)
{
    (void)context;
    return 0;
}

static bool host_cancelled(void *context)
{
    (void)context;
    return false;
}

static void host_log(void *context, enum imap_log level, const char *text)
{
    (void)context;
    (void)level;
    must(!text_has_control(text));
}

static void check_folder(const struct scene *s, const struct imap_folder *folder)
{
    size_t len = strlen(folder->wire);
    must(len > 0 && len <= IMAP_FOLDER_NAME_MAX && !text_has_control(folder->wire));
    must(!text_has_control(folder->path) && text_is_utf8(folder->path, strlen(folder->path)));
    bool escaped = memchr(s->server.said.data, '\\', s->server.said.len) != NULL;
    must(!folder->exists || escaped || text_equal_nocase(folder->wire, "INBOX") ||
         memmem(s->server.said.data, s->server.said.len, folder->wire, len) != NULL);
}

static void resolve(struct scene *s, const struct imap_settings *settings)
{
    AUTO(imap_session) session = NULL;
    struct imap_folders folders;
    struct error err = {0};
    must(imap_session_open(settings, "ann", "sesame", &s->host, &session, &err) == 0);
    if (imap_folders_resolve(session, settings, &folders, &err) == 0) {
        must(folders.mailbox.exists);
        must(!imap_folder_same(folders.mailbox.wire, folders.dropbox.wire));
        must(!imap_folder_same(folders.mailbox.wire, folders.badmail.wire));
        must(!imap_folder_same(folders.dropbox.wire, folders.badmail.wire));
        check_folder(s, &folders.mailbox);
        check_folder(s, &folders.dropbox);
        check_folder(s, &folders.badmail);
    } else {
        must(err.class != ERROR_NONE && err.class != ERROR_BUG);
        must(!text_has_control(err.text) && text_is_utf8(err.text, strlen(err.text)));
    }
    imap_folders_done(&folders);
}

static void check_resolve(const char *user, struct cursor script, bool utf8)
{
    static struct scene scene;
    struct imap_settings settings = {.host = (char[]){"h"},
                                     .mailbox = (char[]){"INBOX"},
                                     .dropbox = strdup(user),
                                     .badmail = (char[]){"Bad/mail"},
                                     .port = 143,
                                     .timeout_ms = 1000};
    must(settings.dropbox != NULL);
    scene.script = script;
    scene.utf8 = utf8;
    memory_server_init(&scene.server, scene_answer);
    scene.host = (struct imap_host){.context = &scene,
                                    .clock = {host_ms, host_s, NULL},
                                    .cancelled = host_cancelled,
                                    .log = host_log};
    resolve(&scene, &settings);
    memory_server_done(&scene.server);
    free(settings.dropbox);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_over(data, size);
    struct span line = {data, size};
    if (cursor_until(&c, '\n', size, &line) == PARSE_OK)
        (void)cursor_next(&c);
    else
        c.pos = c.len;
    char *user = strndup((const char *)line.bytes, line.len);
    must(user != NULL);
    check_utf7(line.bytes, line.len);
    check_text(user);
    for (int utf8 = 0; utf8 < 2; utf8++) {
        check_names(user, '.', "INBOX.", utf8 == 1);
        check_names(user, '/', "", utf8 == 1);
        check_names(user, '\0', "&ANY", utf8 == 1);
        check_resolve(user, c, utf8 == 1);
    }
    free(user);
    return 0;
}
