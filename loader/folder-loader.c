/* SPDX-License-Identifier: Apache-2.0 */
/* folder-loader.c - External Source "Folder": picks up mail that lies as files in a folder.
 *
 * The smallest loader there is, to be read before writing another: settings, handing out, settling,
 * the table. What it knows of files stands in folder.h. Whoever puts mail there writes it under a
 * name that begins with '.', or next door, and renames it when it is complete. */
#include <config.h>
#include "loader-item.h"

#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digest.h"
#include "folder.h"
#include "text.h"

#define FOLDER_WINDOW 64u      /* files that are asked about, and noted, at once */
#define FOLDER_ATTEMPTS_MAX 3u /* attempts without an end, after which a file is set aside unread */

/* ---- Settings: a struct, and the table of keys that fills it ----------------------------------
 */

struct folder_settings {
    char *path, *pattern, *dropbox, *badmail;
    bool attach_html, sanitize;
    uint64_t max_size;
};

#define FIELD(name) offsetof(struct folder_settings, name)
static const struct connection_key folder_keys[] = {
    {"path", CONNECTION_TEXT, FIELD(path), .help = "folder with incoming mail, one file each"},
    {"pattern", CONNECTION_TEXT, FIELD(pattern), .default_value = "*.eml",
     .help = "names of the files to take, as in a shell; never those that begin with '.'"},
    {"dropbox", CONNECTION_TEXT, FIELD(dropbox), .default_value = "done",
     .help = "subfolder that picked-up mail is moved to; made if missing"},
    {"badmail", CONNECTION_TEXT, FIELD(badmail), .default_value = "bad",
     .help = "subfolder for mail that could not be loaded; made if missing"},
    {"attachHtml", CONNECTION_BOOLEAN, FIELD(attach_html), .default_value = "False",
     .help = "True: the HTML version, if there is one, becomes the attachment original.html"},
    {"sanitize", CONNECTION_BOOLEAN, FIELD(sanitize), .default_value = "False",
     .help = "True: characters that XML 1.0 forbids are dropped from text fields"},
    {"maxSize", CONNECTION_SIZE, FIELD(max_size), .default_value = "50MB", .min = 1,
     .max = (uint64_t)1 << 30, .help = "larger mail goes to badmail unread"},
};
#define FOLDER_KEYS (sizeof folder_keys / sizeof folder_keys[0])

/* A handle: made by open(), or by parse(), which needs settings and item alone. */
struct folder_loader {
    struct loader_host host;
    struct folder_settings settings;
    char *account;
    bool read_only, limited;
    uint64_t left; /* items that may still be handed out, where limited */
    struct folder *folder;
    struct folder_files files; /* of this pass; the next one is at, in no pass nothing is there */
    size_t at;
    bool in_pass;
    struct loader_record window[FOLDER_WINDOW]; /* what the host knows of files at and behind */
    bool noted[FOLDER_WINDOW]; /* of these: an attempt was noted, and it was not handed out */
    struct folder_item *items;                  /* handed out, not settled */
    void *seen; /* tsearch(3) tree of the keys handed out and not moved: none comes twice */
    uint64_t last_token;
    struct loader_item_box *parsed;
};

struct folder_item {
    struct folder_item *next;
    struct loader_item_box *box;
    char *name;
};

/* One path component: a subfolder cannot lead out of the folder. */
static int folder_loader_check_subfolder(const char *key, const char *name, struct error *err)
{
    if (strchr(name, '/') == NULL && !text_equal(name, ".") && !text_equal(name, ".."))
        return 0;
    return error_set(err, ERROR_USAGE, "key '%s' must be the name of a subfolder, without '/'",
                     key);
}

static int folder_loader_read_settings(struct folder_loader *loader,
                                       const struct loader_settings *given, struct error *err)
{
    struct folder_settings *s = &loader->settings;
    if ((given->flags & LOADER_GUARDED) != 0)
        return error_set(err, ERROR_USAGE, "folders of this machine may only be named by the "
                         "administrator, on the command line");
    const char *connection = given->connection != NULL ? given->connection : "";
    if (connection_string_read(connection, folder_keys, FOLDER_KEYS, s, NULL, err) < 0 ||
        folder_loader_check_subfolder("dropbox", s->dropbox, err) < 0 ||
        folder_loader_check_subfolder("badmail", s->badmail, err) < 0)
        return -1;
    if (text_equal(s->dropbox, s->badmail))
        return error_set(err, ERROR_USAGE, "dropbox and badmail are the same subfolder, bad mail "
                         "could not be told from good; name another");
    loader->read_only = (given->flags & LOADER_READ_ONLY) != 0;
    loader->limited = given->limit != 0;
    loader->left = given->limit;
    loader->account = strdup(given->account != NULL ? given->account : "local");
    return loader->account == NULL ? error_oom(err, "opening a folder") : 0;
}

static struct mail_options folder_loader_mail_options(const struct folder_loader *loader)
{
    return (struct mail_options){loader->settings.attach_html, loader->settings.sanitize, NULL};
}

/* ---- Keys that were handed out; what is released, or read only, stays among them ----------------
 */

static int folder_loader_compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int folder_loader_remember(struct folder_loader *loader, const char *key)
{
    char *own = strdup(key);
    if (own != NULL && tsearch(own, &loader->seen, folder_loader_compare) != NULL)
        return 0;
    free(own);
    return -1;
}

static void folder_loader_forget(struct folder_loader *loader, const char *key)
{
    void *node = tfind(key, &loader->seen, folder_loader_compare);
    if (node == NULL)
        return;
    char *own = *(char **)node;
    (void)tdelete(key, &loader->seen, folder_loader_compare);
    free(own);
}

/* These went back unharmed: what was counted as an attempt was none. A failure costs a try, no
 * more. */
static void folder_loader_take_back(const struct folder_loader *loader,
                                    const struct folder_item *items)
{
    struct loader_record records[FOLDER_WINDOW];
    while (items != NULL && !loader->read_only) {
        size_t count = 0;
        for (; items != NULL && count < FOLDER_WINDOW; items = items->next)
            records[count++] = (struct loader_record){loader_item_of(items->box)->origin,
                                                      .step = LOADER_STEP_UNKNOWN};
        (void)loader_host_note(&loader->host, records, count, NULL);
    }
}

/* Of the files that were asked about these were not reached, or left for later: the attempt that
 * was noted ahead was none. */
static void folder_loader_end_window(struct folder_loader *loader)
{
    struct loader_record records[FOLDER_WINDOW];
    size_t count = 0;
    for (size_t i = 0; i < FOLDER_WINDOW; i++)
        if (loader->noted[i])
            records[count++] = (struct loader_record){loader->window[i].origin,
                                                      .step = LOADER_STEP_UNKNOWN};
    memset(loader->noted, 0, sizeof loader->noted);
    if (count > 0 && !loader->read_only)
        (void)loader_host_note(&loader->host, records, count, NULL);
}

/* ---- Making and freeing a handle --------------------------------------------------------------
 */

static void folder_loader_free_items(struct folder_item *items)
{
    while (items != NULL) {
        struct folder_item *item = items;
        items = item->next;
        loader_item_box_free(item->box);
        free(item->name);
        free(item);
    }
}

static void folder_loader_free(struct folder_loader *loader)
{
    if (loader == NULL)
        return;
    folder_loader_take_back(loader, loader->items);
    folder_loader_free_items(loader->items);
    folder_loader_end_window(loader);
    tdestroy(loader->seen, free);
    folder_files_done(&loader->files);
    folder_close(loader->folder);
    loader_item_box_free(loader->parsed);
    connection_string_free(folder_keys, FOLDER_KEYS, &loader->settings);
    free(loader->account);
    free(loader);
}
AUTO_DEFINE(folder_loader, folder_loader_free);

static int folder_loader_new(const struct loader_host *host, const struct loader_settings *settings,
                             struct folder_loader **out_loader, struct error *err)
{
    struct loader_settings given;
    loader_settings_copy(settings, &given);
    AUTO(folder_loader) loader = calloc(1, sizeof *loader);
    if (loader == NULL)
        return error_oom(err, "opening a folder");
    if (loader_host_copy(host, &loader->host, err) < 0 ||
        folder_loader_read_settings(loader, &given, err) < 0)
        return -1;
    *out_loader = TAKE(loader);
    return 0;
}

static int folder_loader_open(const struct loader_host *host,
                              const struct loader_settings *settings,
                              struct folder_loader **out_loader, struct error *err)
{
    AUTO(folder_loader) loader = NULL;
    if (folder_loader_new(host, settings, &loader, err) < 0)
        return -1;
    if (loader->settings.path == NULL)
        return error_set(err, ERROR_USAGE, "key 'path' is missing; add path=/folder/with/mail");
    if (folder_open(loader->settings.path, &loader->folder, err) < 0)
        return -1;
    *out_loader = TAKE(loader);
    return 0;
}

/* ---- Settling ----------------------------------------------------------------------------------
 */

/* Entry durable, so the file may move. One that was changed meanwhile is another mail and stays. */
static int folder_loader_move(const struct folder_loader *loader, const char *name,
                              const char *key, uint32_t fate, struct error *err)
{
    const struct folder_settings *s = &loader->settings;
    switch (folder_move(loader->folder, name, key,
                        fate == LOADER_FATE_BAD ? s->badmail : s->dropbox, err)) {
    case FOLDER_CHANGED:
        loader_host_log(&loader->host, LOADER_LOG_WARNING,
                        "'%s' in '%s' was changed or taken after it was picked up; left as it is",
                        name, folder_path(loader->folder));
        return 0;
    case FOLDER_MOVED:
        return 0;
    case FOLDER_MOVE_FAILED:
        break;
    }
    return -1;
}

/* Out of the list, or NULL. */
static struct folder_item *folder_loader_take_item(struct folder_loader *loader, uint64_t token)
{
    for (struct folder_item **at = &loader->items; *at != NULL; at = &(*at)->next) {
        struct folder_item *item = *at;
        if (loader_item_of(item->box)->token == token) {
            *at = item->next;
            return item;
        }
    }
    return NULL;
}

static struct folder_item *folder_loader_take_items(struct folder_loader *loader,
                                                    const uint64_t *tokens, uint64_t count,
                                                    size_t *out_taken)
{
    struct folder_item *taken = NULL;
    *out_taken = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct folder_item *item = folder_loader_take_item(loader, tokens[i]);
        if (item == NULL)
            continue; /* never handed out, or settled before */
        item->next = taken;
        taken = item;
        ++*out_taken;
    }
    return taken;
}

/* One that cannot be moved does not keep the others; the first failure is told. */
static int folder_loader_settle(struct folder_loader *loader, const struct folder_item *items,
                                size_t count, uint32_t fate, struct error *err)
{
    struct loader_record *records = calloc(count + 1, sizeof *records);
    if (records == NULL)
        return error_oom(err, "settling mail");
    int result = 0;
    size_t moved = 0;
    for (const struct folder_item *item = items; item != NULL; item = item->next) {
        const struct loader_origin *origin = &loader_item_of(item->box)->origin;
        if (folder_loader_move(loader, item->name, origin->key, fate, result == 0 ? err : NULL) < 0)
            result = -1;
        else
            records[moved++] =
                (struct loader_record){*origin, .step = LOADER_STEP_MOVED, .fate = fate};
        folder_loader_forget(loader, origin->key);
    }
    if (loader_host_note(&loader->host, records, moved, result == 0 ? err : NULL) < 0)
        result = -1;
    free(records);
    return result;
}

/* ---- Handing out -------------------------------------------------------------------------------
 */

static int folder_loader_note(const struct folder_loader *loader, struct loader_record *record,
                              enum loader_step step, struct error *err)
{
    record->step = step;
    return loader->read_only ? 0 : loader_host_note(&loader->host, record, 1, err);
}

/* Ask about the next files, and note that they will be tried: all new ones by one flush to disk.
 * One that was tried before is noted on its own, so that a crash counts against it alone. */
static int folder_loader_begin_window(struct folder_loader *loader, struct error *err)
{
    size_t left = loader->files.count - loader->at, fresh = 0;
    size_t count = left < FOLDER_WINDOW ? left : FOLDER_WINDOW;
    struct loader_record tried[FOLDER_WINDOW];
    folder_loader_end_window(loader);
    for (size_t i = 0; i < count; i++)
        loader->window[i] = (struct loader_record){
            {loader->account, folder_path(loader->folder), 0, 0,
             loader->files.items[loader->at + i].key}, .step = LOADER_STEP_UNKNOWN};
    if (loader_host_known(&loader->host, loader->window, count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        loader->window[i].target = NULL; /* borrowed until the next call of the host */
        if (loader->window[i].step == LOADER_STEP_UNKNOWN) {
            tried[fresh] = loader->window[i];
            tried[fresh++].step = LOADER_STEP_ATTEMPTED;
        }
    }
    if (loader->read_only || fresh == 0)
        return 0;
    if (loader_host_note(&loader->host, tried, fresh, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        loader->noted[i] = loader->window[i].step == LOADER_STEP_UNKNOWN;
    return 0;
}

/* Stored in an earlier life, which ended before the file was moved. */
static int folder_loader_finish(const struct folder_loader *loader, const struct folder_file *file,
                                struct loader_record *record, struct error *err)
{
    if (!loader->read_only &&
        folder_loader_move(loader, file->name, file->key, record->fate, err) < 0)
        return -1;
    return folder_loader_note(loader, record, LOADER_STEP_MOVED, err);
}

/* Why this one cannot be loaded goes to @trouble; what stops all, -1, too. */
static int folder_loader_read(const struct folder_loader *loader, int fd,
                              const struct folder_file *file, uint32_t attempts,
                              struct loader_item_parts *parts, struct error *trouble)
{
    const struct mail_options options = folder_loader_mail_options(loader);
    parts->raw_size = file->size;
    if (attempts >= FOLDER_ATTEMPTS_MAX)
        error_set(trouble, ERROR_MAIL,
                  "%u attempts to load '%.100s' did not come to an end; look at the file", attempts,
                  file->name);
    else if (file->size > loader->settings.max_size)
        error_set(trouble, ERROR_MAIL,
                  "'%.100s' has %" PRIu64 " bytes, maxSize allows %" PRIu64
                  "; raise it, or cut the "
                  "mail",
                  file->name, file->size, loader->settings.max_size);
    else if (loader_item_read(fd, &loader->host, &options, parts, trouble) < 0 &&
             trouble->class != ERROR_MAIL)
        return -1;
    return 0;
}

static int folder_loader_keep(struct folder_loader *loader, const char *name,
                              struct loader_item_parts *parts, const struct loader_item **out_item,
                              struct error *err)
{
    struct folder_item *item = calloc(1, sizeof *item);
    if (item == NULL)
        return error_oom(err, "handing out a mail");
    item->name = strdup(name);
    if (item->name == NULL || folder_loader_remember(loader, parts->key) < 0 ||
        loader_item_new(parts, &item->box, err) < 0) {
        folder_loader_free_items(item);
        return error_oom(err, "handing out a mail");
    }
    item->next = loader->items;
    loader->items = item;
    loader->left -= loader->limited ? 1 : 0;
    *out_item = loader_item_of(item->box);
    return 0;
}

enum folder_outcome { FOLDER_OFFERED, FOLDER_PASSED_OVER, FOLDER_FAILED };

/* A file that went, or that somebody still writes to, is left for the next pass. */
static enum folder_outcome folder_loader_offer(struct folder_loader *loader,
                                               const struct folder_file *file,
                                               struct loader_record *record,
                                               const struct loader_item **out_item,
                                               struct error *err)
{
    if (record->step >= LOADER_STEP_STORED)
        return folder_loader_finish(loader, file, record, err) < 0 ? FOLDER_FAILED
                                                                   : FOLDER_PASSED_OVER;
    uint32_t attempts = record->attempts;
    bool *noted = &loader->noted[record - loader->window];
    if (attempts > 0 && attempts < FOLDER_ATTEMPTS_MAX) {
        if (folder_loader_note(loader, record, LOADER_STEP_ATTEMPTED, err) < 0)
            return FOLDER_FAILED;
        *noted = true;
    }
    AUTO_FD fd = folder_file_open(loader->folder, file);
    if (fd < 0 || !folder_file_is_same(file, fd)) {
        loader_host_log(&loader->host, LOADER_LOG_WARNING, "'%s' in '%s' is left for later: %s",
                        file->name, folder_path(loader->folder),
                        fd < 0 ? strerror(errno) : "it is being changed");
        return FOLDER_PASSED_OVER;
    }
    char received[CLOCK_RFC3339_MAX];
    clock_rfc3339(file->mtime_ns / 1000000000, 0, received);
    AUTO_DONE(loader_item_parts) parts = {
        .token = ++loader->last_token, .account = loader->account,
        .mailbox = folder_path(loader->folder), .key = file->key, .date_received = received};
    struct error trouble = {0};
    if (folder_loader_read(loader, fd, file, attempts, &parts, &trouble) < 0) {
        *err = trouble; /* not the mail's fault: its attempt is taken back with the window's */
        return FOLDER_FAILED;
    }
    if (!folder_file_is_same(file, fd))
        return FOLDER_PASSED_OVER;
    parts.error = trouble.class != ERROR_NONE ? trouble.text : NULL;
    if (folder_loader_keep(loader, file->name, &parts, out_item, err) < 0)
        return FOLDER_FAILED;
    *noted = false;
    return FOLDER_OFFERED;
}

static enum folder_outcome folder_loader_step(struct folder_loader *loader,
                                              const struct loader_item **out_item,
                                              struct error *err)
{
    size_t place = loader->at % FOLDER_WINDOW;
    if (loader_host_cancelled(&loader->host, err) ||
        (place == 0 && folder_loader_begin_window(loader, err) < 0))
        return FOLDER_FAILED;
    const struct folder_file *file = &loader->files.items[loader->at++];
    if (tfind(file->key, &loader->seen, folder_loader_compare) != NULL)
        return FOLDER_PASSED_OVER;
    return folder_loader_offer(loader, file, &loader->window[place], out_item, err);
}

/* ---- Entry points: what the host calls ---------------------------------------------------------
 */

static int folder_entry_open(const struct loader_host *host, const struct loader_settings *settings,
                             void **out_handle, struct loader_error *out_err)
{
    struct folder_loader *loader;
    struct error err;
    if (folder_loader_open(host, settings, &loader, &err) < 0)
        return loader_error_from(&err, out_err);
    *out_handle = loader;
    return 0;
}

static enum loader_next folder_entry_next(void *handle, const struct loader_item **out_item,
                                          struct loader_error *out_err)
{
    struct folder_loader *loader = handle;
    struct error err;
    enum folder_outcome outcome = FOLDER_PASSED_OVER;
    if (!loader->in_pass) {
        if (folder_list(loader->folder, loader->settings.pattern, &loader->files, &err) < 0)
            outcome = FOLDER_FAILED;
        loader_host_progress(&loader->host, loader->files.count);
        loader->in_pass = true;
    }
    while (outcome == FOLDER_PASSED_OVER && loader->at < loader->files.count &&
           (!loader->limited || loader->left > 0))
        outcome = folder_loader_step(loader, out_item, &err);
    if (outcome == FOLDER_OFFERED)
        return LOADER_NEXT_ITEM;
    folder_loader_end_window(loader);
    folder_files_done(&loader->files);
    loader->at = 0;
    loader->in_pass = false;
    if (outcome == FOLDER_PASSED_OVER)
        return LOADER_NEXT_DRAINED;
    (void)loader_error_from(&err, out_err);
    return LOADER_NEXT_FAILED;
}

static int folder_entry_settle(void *handle, const uint64_t *tokens, uint64_t count, uint32_t fate,
                               struct loader_error *out_err)
{
    struct folder_loader *loader = handle;
    struct error err;
    size_t taken;
    int result = 0;
    struct folder_item *items = folder_loader_take_items(loader, tokens, count, &taken);
    if (fate == LOADER_FATE_RELEASE)
        folder_loader_take_back(loader, items);
    else if (!loader->read_only)
        result = folder_loader_settle(loader, items, taken, fate, &err);
    folder_loader_free_items(items);
    return result < 0 ? loader_error_from(&err, out_err) : 0;
}

static void folder_entry_close(void *handle)
{
    folder_loader_free(handle);
}

static int folder_entry_parse(const struct loader_host *host,
                              const struct loader_settings *settings, int32_t fd,
                              const struct loader_sink *sink, void **out_handle,
                              const struct loader_item **out_item, struct loader_error *out_err)
{
    AUTO(folder_loader) loader = NULL;
    struct error err;
    if (folder_loader_new(host, settings, &loader, &err) < 0)
        return loader_error_from(&err, out_err);
    const struct mail_options options = folder_loader_mail_options(loader);
    if (loader_parse(&loader->host, &options, fd, sink, &loader->parsed, &err) < 0)
        return loader_error_from(&err, out_err);
    *out_item = loader_item_of(loader->parsed);
    *out_handle = TAKE(loader);
    return 0;
}

static int folder_entry_check(const struct loader_host *host,
                              const struct loader_settings *settings,
                              void (*report)(void *context, const char *step, uint32_t state,
                                             const char *text),
                              void *report_context, struct loader_error *out_err)
{
    AUTO(folder_loader) loader = NULL;
    struct error err;
    bool good = folder_loader_open(host, settings, &loader, &err) == 0 &&
                folder_check_writable(loader->folder, &err) == 0;
    if (report != NULL)
        report(report_context, "folder", good ? LOADER_CHECK_OK : LOADER_CHECK_FAILED,
               good ? "it can be read, and files can be moved" : err.text);
    return good ? 0 : loader_error_from(&err, out_err);
}

/* ---- Survey ---------------------------------------------------------------------------------- */

/* One place of the survey. */
struct folder_place {
    const struct folder_loader *loader;
    const struct loader_surveyor *surveyor;
    struct folder *folder; /* NULL: it is not there */
    const char *pattern;
    uint32_t place;
    uint64_t *number; /* of the last message told */
};

static int folder_place_stopped(struct error *err)
{
    return error_set(err, ERROR_CANCELLED, "the survey was stopped");
}

/* A file that cannot be read, or is changed meanwhile, has no digest: false. */
static bool folder_place_digest(const struct folder_place *at, const struct folder_file *file,
                                uint8_t out_sha256[DIGEST_SIZE])
{
    uint8_t bytes[16384];
    ssize_t n = -1;
    AUTO(digest) digest = digest_new();
    AUTO_FD fd = folder_file_open(at->folder, file);
    if (fd < 0 || digest == NULL)
        return false;
    while ((n = read(fd, bytes, sizeof bytes)) > 0)
        if (digest_add(digest, bytes, (size_t)n) < 0)
            return false;
    return n == 0 && folder_file_is_same(file, fd) && digest_finish(digest, out_sha256) == 0;
}

static int folder_place_tell(const struct folder_place *at, const struct folder_file *file,
                             struct error *err)
{
    char received[CLOCK_RFC3339_MAX];
    clock_rfc3339(file->mtime_ns / 1000000000, 0, received);
    struct loader_seen seen = {
        .struct_size = sizeof seen,
        .place = at->place,
        .number = ++*at->number,
        .origin = {at->loader->account, folder_path(at->folder), 0, 0, file->key},
        .size = file->size,
        .date_received = received};
    uint32_t answer = at->surveyor->message(at->surveyor->context, &seen);
    if (answer == LOADER_ANSWER_SHA256 && folder_place_digest(at, file, seen.sha256)) {
        seen.flags = LOADER_SEEN_SHA256;
        answer = at->surveyor->message(at->surveyor->context, &seen);
    }
    return answer == LOADER_ANSWER_STOP ? folder_place_stopped(err) : 0;
}

static int folder_place_walk(const struct folder_place *at, struct error *err)
{
    struct folder_files files = {0};
    if (at->folder == NULL || at->surveyor->message == NULL)
        return 0;
    int result = folder_list(at->folder, at->pattern, &files, err);
    for (size_t i = 0; result == 0 && i < files.count; i++)
        result = loader_host_cancelled(&at->loader->host, err)
                     ? -1
                     : folder_place_tell(at, &files.items[i], err);
    folder_files_done(&files);
    return result;
}

static int folder_place_announce(const struct folder_place *at, struct error *err)
{
    const struct loader_folder told = {
        .struct_size = sizeof told,
        .place = at->place,
        .flags = at->folder == NULL ? LOADER_FOLDER_MISSING : 0,
        .account = at->loader->account,
        .path = at->folder != NULL ? folder_path(at->folder) : folder_path(at->loader->folder)};
    return at->surveyor->folder != NULL && at->surveyor->folder(at->surveyor->context, &told) ==
                                               LOADER_ANSWER_STOP
               ? folder_place_stopped(err)
               : 0;
}

/* *out_folder is NULL when there is no such subfolder. */
static int folder_place_open(const struct folder_loader *loader, const char *subfolder,
                             struct folder **out_folder, struct error *err)
{
    char *path = NULL;
    *out_folder = NULL;
    if (asprintf(&path, "%s/%s", folder_path(loader->folder), subfolder) < 0)
        return error_oom(err, "opening a folder");
    int result = access(path, F_OK) < 0 && errno == ENOENT ? 0 : folder_open(path, out_folder, err);
    free(path);
    return result;
}

/* A file may get a suffix when it is moved, so all that lies in a subfolder counts. */
static int folder_loader_survey(const struct folder_loader *loader,
                                const struct loader_surveyor *surveyor, struct error *err)
{
    AUTO(folder) dropbox = NULL;
    AUTO(folder) badmail = NULL;
    uint64_t number = 0;
    if (folder_place_open(loader, loader->settings.dropbox, &dropbox, err) < 0 ||
        folder_place_open(loader, loader->settings.badmail, &badmail, err) < 0)
        return -1;
    const struct folder_place places[] = {
        {loader, surveyor, loader->folder, loader->settings.pattern, LOADER_PLACE_MAILBOX, &number},
        {loader, surveyor, dropbox, "*", LOADER_PLACE_DROPBOX, &number},
        {loader, surveyor, badmail, "*", LOADER_PLACE_BADMAIL, &number}};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (folder_place_announce(&places[i], err) < 0)
            return -1;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (folder_place_walk(&places[i], err) < 0)
            return -1;
    return 0;
}

static int folder_entry_survey(const struct loader_host *host,
                               const struct loader_settings *settings,
                               const struct loader_surveyor *surveyor,
                               struct loader_error *out_err)
{
    AUTO(folder_loader) loader = NULL;
    struct loader_surveyor theirs;
    struct error err;
    loader_surveyor_copy(surveyor, &theirs);
    if (folder_loader_open(host, settings, &loader, &err) < 0 ||
        folder_loader_survey(loader, &theirs, &err) < 0)
        return loader_error_from(&err, out_err);
    return 0;
}

static struct loader_option folder_options[FOLDER_KEYS];

/* Runs when the plug-in is loaded, before anybody can look; constant from then on. */
__attribute__((constructor)) static void folder_entry_describe(void)
{
    (void)loader_options_from(folder_keys, FOLDER_KEYS, folder_options, FOLDER_KEYS);
}

const struct loader_plugin *mailchute_loader_plugin(void)
{
    static const struct loader_plugin plugin = {
        LOADER_PLUGIN_HEAD,
        .name = "Folder",
        .version = PACKAGE_VERSION,
        .summary = "mail that lies as files in a folder",
        .options = folder_options,
        .option_count = FOLDER_KEYS,
        .open = folder_entry_open,
        .next = folder_entry_next,
        .settle = folder_entry_settle,
        .close = folder_entry_close,
        .parse = folder_entry_parse,
        .check = folder_entry_check,
        .survey = folder_entry_survey,
    };
    return &plugin;
}
