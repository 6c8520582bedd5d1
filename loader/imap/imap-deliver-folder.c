/* SPDX-License-Identifier: Apache-2.0 */
/* imap-deliver-folder.c - the folders that messages are put into. See imap-deliver-private.h. */
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
    if (d->examined == *place)
        d->examined = NULL;
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

/* ---- Finding --------------------------------------------------------------------------------- */

/* A path that can be no folder's name is refused before anything is sent of it. */
static enum deliver_step folder_refuse(const struct imap_deliver *d, const char *path,
                                       struct error *err)
{
    char shown[100];
    text_printable(shown, sizeof shown, path, strlen(path));
    error_set(err, ERROR_CONFIG, "%s: the folder's path has %zu bytes and cannot be a name there "
              "(%u bytes as the server writes it, no control characters): choose a shorter "
              "template; it is '%s'", d->settings->host, strlen(path), IMAP_FOLDER_NAME_MAX, shown);
    return DELIVER_LEFT;
}

enum deliver_step imap_deliver_find(struct imap_deliver *d, const char *path,
                                    struct deliver_folder **out_folder, struct error *err)
{
    if ((*out_folder = folder_recall(d, path)) != NULL)
        return DELIVER_FINE;
    if (path[0] == '\0' || strlen(path) > IMAP_FOLDER_NAME_MAX)
        return folder_refuse(d, path, err);
    struct deliver_folder *made = calloc(1, sizeof *made);
    if (made == NULL || (made->path = strdup(path)) == NULL) {
        folder_free(made);
        error_oom(err, "looking for folders");
        return DELIVER_FAILED;
    }
    if (imap_folder_find(d->session, path, &made->folder, err) < 0) {
        folder_free(made);
        return err->class == ERROR_USAGE ? folder_refuse(d, path, err) : DELIVER_FAILED;
    }
    made->looked = made->empty = !made->folder.exists;
    folder_remember(d, made);
    *out_folder = made;
    return DELIVER_FINE;
}

/* ---- Making ---------------------------------------------------------------------------------- */

/* A refusal is about this folder: the server goes on. So is one that names no time ([LIMIT]: no
 * more folders); were it the whole server, the next command fails. */
static enum deliver_step folder_create(struct imap_deliver *d, struct deliver_folder *at,
                                       struct error *err)
{
    if (imap_folder_create(d->session, &at->folder, "folder", err) == 0)
        return DELIVER_FINE;
    return err->class == ERROR_CONFIG || (err->class == ERROR_PAUSE && err->pause_s == 0)
               ? DELIVER_LEFT
               : DELIVER_FAILED;
}

static enum deliver_step folder_find_or_make(struct imap_deliver *d, const char *path,
                                             struct deliver_folder **out_folder, struct error *err)
{
    enum deliver_step step = imap_deliver_find(d, path, out_folder, err);
    return step == DELIVER_FINE ? folder_create(d, *out_folder, err) : step;
}

/* One of the levels above that cannot be made is no trouble: the folder itself tells. */
enum deliver_step imap_deliver_make(struct imap_deliver *d, const char *path,
                                    struct deliver_folder **out_folder, struct error *err)
{
    char level[IMAP_FOLDER_NAME_MAX + 1];
    size_t size = strlen(path);
    unsigned levels = 0;
    if (size == 0 || size > IMAP_FOLDER_NAME_MAX)
        return folder_refuse(d, path, err);
    for (size_t i = 1; i < size && levels < IMAP_DELIVER_LEVELS; i++) {
        if (path[i] != '/')
            continue;
        memcpy(level, path, i);
        level[i] = '\0';
        levels++;
        if (folder_find_or_make(d, level, out_folder, err) == DELIVER_FAILED)
            return DELIVER_FAILED;
    }
    return folder_find_or_make(d, path, out_folder, err);
}

enum deliver_step imap_deliver_make_again(struct imap_deliver *d, struct deliver_folder *at,
                                          struct error *err)
{
    at->folder.exists = false;
    at->looked = at->empty = true;
    d->examined = NULL;
    return folder_create(d, at, err);
}
