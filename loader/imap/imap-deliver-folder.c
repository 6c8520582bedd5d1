/* SPDX-License-Identifier: Apache-2.0 */
/* imap-deliver-folder.c - the folder of a path, made where it is missing. See
 * imap-deliver-private.h.
 *
 * The whole path is asked for in one CREATE: where folders are files, a level that was made by
 * itself can have none below it. Only where the server refuses that, levels are made one by one,
 * each with a separator at its end, which says that there will be more below it (RFC 9051
 * s.6.3.4). */
#include <config.h>
#include "imap-deliver-private.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

/* ---- Remembering ----------------------------------------------------------------------------- */

static void folder_free(struct deliver_folder *at)
{
    if (at == NULL)
        return;
    imap_folder_done(&at->folder);
    imap_set_done(&at->ours);
    free(at->path);
    free(at);
}

static struct deliver_folder *folder_recall(struct imap_deliver *d, const char *path)
{
    for (size_t i = 0; i < IMAP_DELIVER_FOLDERS && d->folders[i] != NULL; i++)
        if (text_equal(d->folders[i]->path, path))
            return d->folders[i];
    return NULL;
}

/* In place of the oldest. */
static void folder_remember(struct imap_deliver *d, struct deliver_folder *made)
{
    struct deliver_folder **place = &d->folders[d->folder_at];
    folder_free(*place);
    *place = made;
    d->folder_at = (d->folder_at + 1) % IMAP_DELIVER_FOLDERS;
}

void imap_deliver_forget_folders(struct imap_deliver *d)
{
    for (size_t i = 0; i < IMAP_DELIVER_FOLDERS; i++) {
        folder_free(d->folders[i]);
        d->folders[i] = NULL;
    }
}

/* ---- Names ----------------------------------------------------------------------------------- */

/* @path, in which levels behind @root hold no separator of the server's. */
static void folder_keep_levels(const struct imap_deliver *d, char *path, size_t root)
{
    char separator = d->levels.delimiter;
    for (size_t i = 0; path[i] != '\0'; i++)
        if (i >= root && separator != '\0' && separator != '/' && path[i] == separator)
            path[i] = '_';
}

/* ... and nothing but letters, digits and what no server minds. Whether that changed it. */
static bool folder_tame(char *path, size_t root)
{
    bool changed = false;
    for (size_t i = 0; path[i] != '\0'; i++) {
        char c = text_lower(path[i]);
        if (i < root || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (uint8_t)c >= 0x80 ||
            strchr("/-_@+= ", c) != NULL)
            continue;
        path[i] = '_';
        changed = true;
    }
    return changed;
}

/* Where the levels below INBOX begin; 0: it is no path below INBOX. */
static size_t folder_below_inbox(const char *path)
{
    return text_starts_nocase(path, "INBOX/") && path[6] != '\0' ? 6 : 0;
}

/* ---- Finding --------------------------------------------------------------------------------- */

/* A path that can be no folder's name is refused before anything is sent of it. */
static enum deliver_step folder_refuse(const struct imap_deliver *d, const char *path,
                                       struct error *err)
{
    char shown[100];
    text_printable(shown, sizeof shown, path, strlen(path));
    error_set(err, ERROR_CONFIG,
              "%s: the folder's path has %zu bytes and cannot be a name there "
              "(%u bytes as the server writes it, no control characters): choose a shorter "
              "template; it is '%s'",
              d->settings->host, strlen(path), IMAP_FOLDER_NAME_MAX, shown);
    return DELIVER_LEFT;
}

int imap_deliver_ask_again(struct imap_deliver *d, struct deliver_folder *at, struct error *err)
{
    struct imap_folder now;
    if (imap_folder_find(d->session, at->path, &now, err) < 0)
        return -1;
    at->folder.exists = now.exists;
    imap_folder_done(&now);
    return 0;
}

enum deliver_step imap_deliver_find(struct imap_deliver *d, const char *path,
                                    struct deliver_folder **out_folder, struct error *err)
{
    if ((*out_folder = folder_recall(d, path)) != NULL)
        return !(*out_folder)->folder.exists && imap_deliver_ask_again(d, *out_folder, err) < 0
                   ? DELIVER_FAILED
                   : DELIVER_FINE;
    if (path[0] == '\0' || strlen(path) > IMAP_FOLDER_NAME_MAX)
        return folder_refuse(d, path, err);
    struct deliver_folder *made = calloc(1, sizeof *made);
    if (made == NULL || (made->path = strdup(path)) == NULL) {
        folder_free(made);
        error_oom(err, "looking for folders");
        return DELIVER_FAILED;
    }
    imap_set_init(&made->ours);
    if (imap_folder_find(d->session, path, &made->folder, err) < 0) {
        folder_free(made);
        return err->class == ERROR_USAGE ? folder_refuse(d, path, err) : DELIVER_FAILED;
    }
    folder_remember(d, made);
    *out_folder = made;
    return DELIVER_FINE;
}

/* ---- Making ---------------------------------------------------------------------------------- */

/* What came of a CREATE. */
struct folder_creation {
    bool made;
    bool there; /* it was, though LIST does not tell of it, or did not yet */
    struct error refusal;
};

/* A refusal is about this folder: the server goes on. So is one that names no time ([LIMIT]: no
 * more folders); were it the whole server, the next command fails. */
static int folder_create_done(void *context, const struct imap_event *answer, struct error *err)
{
    struct folder_creation *creation = context;
    (void)err;
    creation->made = answer->status == IMAP_OK;
    creation->there = !creation->made && answer->code == IMAP_CODE_ALREADYEXISTS;
    if (creation->made || creation->there)
        return 0;
    (void)imap_answer_error(answer, ERROR_CONFIG, "CREATE",
                            "make the folder by hand, or name another", &creation->refusal);
    if (creation->refusal.class == ERROR_PROTOCOL || creation->refusal.pause_s == 0)
        creation->refusal.class = ERROR_CONFIG;
    return 0;
}

static int folder_create(struct imap_deliver *d, const char *wire, size_t size, const char *end,
                         struct folder_creation *creation, struct error *err)
{
    struct imap_call call = {.what = "CREATE", .context = creation, .done = folder_create_done};
    struct imap_command command;
    char name[IMAP_FOLDER_NAME_MAX + 2];
    if (size >= sizeof name - strlen(end))
        return error_set(err, ERROR_CONFIG,
                         "%s: the name of a folder has %zu bytes, %u can be; "
                         "choose another template",
                         d->settings->host, size, IMAP_FOLDER_NAME_MAX);
    memcpy(name, wire, size);
    memcpy(name + size, end, strlen(end) + 1);
    imap_command_init(&command, "CREATE ");
    imap_command_quoted(&command, name);
    return imap_session_run(d->session, &command, &call, err);
}

/* Levels that are there, or that the server makes by itself, say no: the last one tells. */
static int folder_create_levels(struct imap_deliver *d, const char *wire,
                                struct folder_creation *creation, struct error *err)
{
    const char separator[2] = {d->levels.delimiter, '\0'};
    size_t size = strlen(wire);
    for (size_t i = 1; i < size && separator[0] != '\0'; i++)
        if (wire[i] == separator[0] && folder_create(d, wire, i, separator, creation, err) < 0)
            return -1;
    return folder_create(d, wire, size, "", creation, err);
}

/* Only so that mail programs show it: a refusal is nobody's trouble. */
static int folder_subscribe_done(void *context, const struct imap_event *answer, struct error *err)
{
    (void)context;
    return imap_answer_heed(answer, "SUBSCRIBE", err);
}

static int folder_subscribe(struct imap_deliver *d, struct deliver_folder *at, struct error *err)
{
    struct imap_call call = {.what = "SUBSCRIBE", .done = folder_subscribe_done};
    struct imap_command command;
    at->folder.exists = true;
    imap_command_init(&command, "SUBSCRIBE ");
    imap_command_quoted(&command, at->folder.wire);
    return imap_session_run(d->session, &command, &call, err);
}

static enum deliver_step folder_make(struct imap_deliver *d, struct deliver_folder *at,
                                     struct error *err)
{
    struct folder_creation creation = {0};
    const char *wire = at->folder.wire;
    if (folder_create(d, wire, strlen(wire), "", &creation, err) < 0 ||
        (!creation.made && !creation.there && creation.refusal.class == ERROR_CONFIG &&
         folder_create_levels(d, wire, &creation, err) < 0))
        return DELIVER_FAILED;
    if (!creation.made && !creation.there) {
        *err = creation.refusal;
        error_prefix(err, "%s: folder '%s' cannot be made as '%s'", d->settings->host, at->path,
                     wire);
        return err->class == ERROR_CONFIG ? DELIVER_LEFT : DELIVER_FAILED;
    }
    at->fresh = creation.made;
    imap_set_clear(&at->ours);
    at->uidvalidity = at->appended = 0;
    at->uidnext = creation.made ? 1 : 0;
    return folder_subscribe(d, at, err) < 0 ? DELIVER_FAILED : DELIVER_FINE;
}

enum deliver_step imap_deliver_make_again(struct imap_deliver *d, struct deliver_folder *at,
                                          struct error *err)
{
    at->folder.exists = false;
    return folder_make(d, at, err);
}

/* ---- A path ---------------------------------------------------------------------------------- */

/* The levels above it that are missing, the highest first. Those that cannot be told of are no
 * trouble. */
static int folder_find_above(struct imap_deliver *d, const char *path,
                             struct deliver_folder *above[IMAP_DELIVER_LEVELS], size_t *out_count,
                             struct error *err)
{
    char level[IMAP_FOLDER_NAME_MAX + 1];
    size_t size = strlen(path), levels = 0;
    *out_count = 0;
    for (size_t i = 1; i < size && levels < IMAP_DELIVER_LEVELS; i++) {
        if (path[i] != '/')
            continue;
        memcpy(level, path, i);
        level[i] = '\0';
        levels++;
        enum deliver_step step = imap_deliver_find(d, level, &above[*out_count], err);
        if (step == DELIVER_FAILED)
            return -1;
        if (step == DELIVER_FINE && !above[*out_count]->folder.exists)
            ++*out_count;
    }
    return 0;
}

/* This path, as it is; made where it is missing. */
static enum deliver_step folder_try(struct imap_deliver *d, const char *path,
                                    struct deliver_folder **out_folder, struct error *err)
{
    struct deliver_folder *above[IMAP_DELIVER_LEVELS];
    size_t count = 0;
    enum deliver_step step = imap_deliver_find(d, path, out_folder, err);
    if (step != DELIVER_FINE || (*out_folder)->folder.exists)
        return step;
    if (folder_find_above(d, path, above, &count, err) < 0)
        return DELIVER_FAILED;
    step = folder_make(d, *out_folder, err);
    for (size_t i = 0; i < count && step == DELIVER_FINE; i++)
        if (folder_subscribe(d, above[i], err) < 0)
            return DELIVER_FAILED;
    return step;
}

/* The path, and where the server refuses that its tame form; then the error names the path. */
static enum deliver_step folder_try_twice(struct imap_deliver *d, char *path, size_t root,
                                          struct deliver_folder **out_folder, struct error *err)
{
    struct error second;
    enum deliver_step step = folder_try(d, path, out_folder, err);
    if (step != DELIVER_LEFT || !folder_tame(path, root))
        return step;
    step = folder_try(d, path, out_folder, &second);
    if (step == DELIVER_FAILED)
        *err = second;
    return step;
}

/* *out_none: the server says that INBOX has no folders below it, and never will. */
static int folder_ask_inbox_data(void *context, const struct imap_event *event, bool *out_taken,
                                 struct error *err)
{
    bool *none = context;
    (void)err;
    if (event->kind != IMAP_EVENT_LIST)
        return 0;
    *out_taken = true;
    *none = (event->list_flags & IMAP_LIST_NOINFERIORS) != 0;
    return 0;
}

static int folder_ask_inbox(struct imap_deliver *d, bool *out_none, struct error *err)
{
    struct imap_call call = {.what = "LIST", .context = out_none, .data = folder_ask_inbox_data};
    struct imap_command command;
    *out_none = false;
    imap_command_init(&command, "LIST \"\" \"INBOX\"");
    return imap_session_run(d->session, &command, &call, err);
}

enum deliver_step imap_deliver_make(struct imap_deliver *d, const char *path, size_t root,
                                    struct deliver_folder **out_folder, struct error *err)
{
    size_t size = strlen(path), below = folder_below_inbox(path);
    char name[IMAP_FOLDER_NAME_MAX + 1];
    bool none;
    if (size == 0 || size > IMAP_FOLDER_NAME_MAX)
        return folder_refuse(d, path, err);
    root = root == 0 || root > size ? size : root;
    memcpy(name, path, size + 1);
    folder_keep_levels(d, name, root);
    enum deliver_step step = folder_try_twice(d, name, root, out_folder, err);
    if (below == 0 || step != DELIVER_LEFT)
        return step;
    struct error why = *err;
    if (folder_ask_inbox(d, &none, err) < 0)
        return DELIVER_FAILED;
    if (none) {
        memcpy(name, path + below, size - below + 1);
        root = root > below ? root - below : 0;
        folder_keep_levels(d, name, root);
        step = folder_try_twice(d, name, root, out_folder, err);
    }
    if (step == DELIVER_LEFT)
        *err = why;
    return step;
}
