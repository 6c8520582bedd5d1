/* SPDX-License-Identifier: Apache-2.0 */
/* imap-folder.c - find the server's name for a folder. See imap-folder.h. */
#include <config.h>
#include "imap-folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imap-utf7.h"
#include "text.h"

/* ---- Names ----------------------------------------------------------------------------------- */

/* Is the first level of this name INBOX, in any case? */
static bool imap_name_is_inbox(const char *name, char delimiter)
{
    return text_starts_nocase(name, "INBOX") &&
           (name[5] == '\0' || (delimiter != '\0' && (name[5] == delimiter || name[5] == '/')));
}

/* Text as it goes over the wire. -1: it cannot. */
static int imap_name_encode(struct buffer *out, const char *text, bool utf8)
{
    if (!utf8)
        return imap_utf7_encode(out, text);
    if (!text_is_utf8(text, strlen(text)) || text_has_control(text))
        return -1;
    return buffer_append_text(out, text);
}

/* ... and back. -1: it is no name; @out may then hold a part. */
static int imap_name_decode(struct buffer *out, struct span wire, bool utf8)
{
    if (!utf8)
        return imap_utf7_decode(out, wire.bytes, wire.len);
    if (!text_is_utf8(wire.bytes, wire.len) || memchr(wire.bytes, '\0', wire.len) != NULL ||
        buffer_append(out, wire.bytes, wire.len) < 0)
        return -1;
    return text_has_control(buffer_text(out)) ? -1 : 0;
}

/* One candidate: @prefix and path, '/' as @slash, INBOX in capitals. NULL: it cannot be one, or
 * *oom. */
static char *imap_name_make(const struct imap_levels *levels, const char *prefix, const char *path,
                            char slash, bool *oom)
{
    struct buffer text, wire;
    buffer_init(&text, IMAP_FOLDER_NAME_MAX);
    buffer_init(&wire, IMAP_FOLDER_NAME_MAX);
    bool room = buffer_reserve(&text, IMAP_FOLDER_NAME_MAX) == 0 &&
                buffer_reserve(&wire, IMAP_FOLDER_NAME_MAX) == 0;
    *oom = *oom || !room;
    bool fine = room && buffer_append_text(&text, prefix) == 0 &&
                buffer_append_text(&text, path) == 0;
    for (size_t i = strlen(prefix); fine && slash != '\0' && i < text.len; i++)
        text.data[i] = text.data[i] == '/' ? slash : text.data[i];
    if (fine && imap_name_is_inbox(buffer_text(&text), levels->delimiter))
        memcpy(text.data, "INBOX", 5);
    fine = fine && imap_name_encode(&wire, buffer_text(&text), levels->utf8) == 0 && wire.len > 0;
    buffer_done(&text);
    char *name = fine ? buffer_take(&wire) : NULL;
    buffer_done(&wire);
    return name;
}

int imap_folder_names(const char *path, const struct imap_levels *levels,
                      char *out_names[IMAP_FOLDER_CANDIDATES], struct error *err)
{
    char *names[IMAP_FOLDER_CANDIDATES], shown[200];
    const char *prefix = levels->prefix;
    const char delimiter = levels->delimiter;
    bool prefixed = prefix[0] != '\0' && !imap_name_is_inbox(path, delimiter) &&
                    !text_starts_nocase(path, prefix);
    bool oom = false;
    int count = 0;
    names[0] = imap_name_make(levels, "", path, '\0', &oom);
    names[1] = imap_name_make(levels, "", path, delimiter, &oom);
    names[2] = prefixed ? imap_name_make(levels, prefix, path, delimiter, &oom) : NULL;
    bool fine = names[0] != NULL && names[1] != NULL && (!prefixed || names[2] != NULL);
    for (size_t i = 0; i < IMAP_FOLDER_CANDIDATES; i++) {
        bool twice = names[i] == NULL || !fine;
        for (int j = 0; j < count && !twice; j++)
            twice = strcmp(names[i], out_names[j]) == 0;
        if (twice)
            free(names[i]);
        else
            out_names[count++] = names[i];
    }
    if (fine)
        return count;
    if (oom)
        return error_oom(err, "looking for folders");
    text_printable(shown, sizeof shown, path, strlen(path));
    return error_set(err, ERROR_USAGE,
                     "'%s' cannot be the name of a folder (empty, too long, or with "
                     "control characters); correct it in the connection string",
                     shown);
}

bool imap_folder_same(const char *a, const char *b)
{
    return strcmp(a, b) == 0 || (text_equal_nocase(a, "INBOX") && text_equal_nocase(b, "INBOX"));
}

/* ---- Asking the server ----------------------------------------------------------------------- */

static int imap_levels_data(void *context, const struct imap_event *event, bool *out_taken,
                            struct error *err)
{
    struct imap_levels *levels = context;
    struct buffer text;
    if (event->kind == IMAP_EVENT_LIST) {
        *out_taken = true;
        if (levels->delimiter == '\0')
            levels->delimiter = event->delimiter;
    } else if (event->kind == IMAP_EVENT_NAMESPACE) {
        *out_taken = true;
        levels->delimiter = event->delimiter;
        buffer_init(&text, sizeof levels->prefix - 1);
        if (buffer_reserve(&text, sizeof levels->prefix - 1) < 0)
            return error_oom(err, "looking for folders");
        if (imap_name_decode(&text, event->text, levels->utf8) == 0)
            text_copy(levels->prefix, sizeof levels->prefix, buffer_text(&text));
        buffer_done(&text);
    }
    return 0;
}

int imap_levels_ask(struct imap_session *session, struct imap_levels *levels, struct error *err)
{
    struct imap_call call = {.what = "LIST", .context = levels, .data = imap_levels_data};
    struct imap_command command;
    *levels = (struct imap_levels){.utf8 = (imap_session_can(session) & IMAP_CAN_REV2) != 0};
    imap_command_init(&command, "LIST \"\" \"\"");
    if ((imap_session_can(session) & IMAP_CAN_NAMESPACE) == 0)
        return imap_session_run(session, &command, &call, err);
    if (imap_session_send(session, &command, &call, err) < 0)
        return -1;
    call.what = "NAMESPACE";
    imap_command_init(&command, "NAMESPACE");
    return imap_session_run(session, &command, &call, err);
}

/* The names of one folder, and which of them the server knows. */
struct imap_lookup {
    char *names[IMAP_FOLDER_CANDIDATES];
    bool there[IMAP_FOLDER_CANDIDATES];
    int count;
};

static void imap_lookup_done(struct imap_lookup *lookup)
{
    for (int i = 0; i < lookup->count; i++)
        free(lookup->names[i]);
    lookup->count = 0;
}

static bool imap_name_matches(struct span listed, const char *name)
{
    size_t len = strlen(name);
    return (listed.len == len && memcmp(listed.bytes, name, len) == 0) ||
           (text_equal_nocase(name, "INBOX") && span_is(listed, "INBOX"));
}

/* A name with '*' or '%' brings more than itself: only the name itself counts. */
static int imap_lookup_data(void *context, const struct imap_event *event, bool *out_taken,
                            struct error *err)
{
    struct imap_lookup *lookups = context;
    (void)err;
    if (event->kind != IMAP_EVENT_LIST)
        return 0;
    *out_taken = true;
    if ((event->list_flags & IMAP_LIST_NOSELECT) != 0)
        return 0;
    for (int f = 0; f < 3; f++)
        for (int i = 0; i < lookups[f].count; i++)
            if (imap_name_matches(event->text, lookups[f].names[i]))
                lookups[f].there[i] = true;
    return 0;
}

/* All candidates in one go. */
static int imap_lookup_ask(struct imap_session *session, struct imap_lookup *lookups,
                           struct error *err)
{
    struct imap_call call = {.what = "LIST", .context = lookups, .data = imap_lookup_data};
    struct imap_command command;
    for (int f = 0; f < 3; f++) {
        for (int i = 0; i < lookups[f].count; i++) {
            imap_command_init(&command, "LIST \"\" ");
            imap_command_quoted(&command, lookups[f].names[i]);
            if (imap_session_send(session, &command, &call, err) < 0)
                return -1;
        }
    }
    while (imap_session_outstanding(session) > 0)
        if (imap_session_turn(session, err) < 0)
            return -1;
    return 0;
}

/* ---- Resolving ------------------------------------------------------------------------------- */

/* The server's name as people read it. One that is not written as it has to be stands for itself.
 */
char *imap_folder_path(const char *wire, char delimiter, bool utf8)
{
    struct buffer text;
    buffer_init(&text, IMAP_FOLDER_NAME_MAX);
    if (buffer_reserve(&text, IMAP_FOLDER_NAME_MAX) < 0)
        return NULL; /* else it may get another name than it has */
    if (imap_name_decode(&text, (struct span){(const uint8_t *)wire, strlen(wire)}, utf8) < 0) {
        buffer_clear(&text);
        (void)text_append_printable(&text, wire, strlen(wire), IMAP_FOLDER_NAME_MAX);
    }
    for (size_t i = 0; i < text.len; i++)
        text.data[i] = delimiter != '\0' && text.data[i] == delimiter ? '/' : text.data[i];
    return buffer_take(&text);
}

static int imap_folder_choose(struct imap_folder *folder, const char *path,
                              const struct imap_lookup *lookup, const struct imap_levels *levels,
                              struct error *err)
{
    int chosen = lookup->count - 1;
    for (int i = lookup->count - 1; i >= 0; i--)
        if (lookup->there[i])
            chosen = i;
    folder->name = strdup(path);
    folder->wire = strdup(lookup->names[chosen]);
    folder->path = imap_folder_path(lookup->names[chosen], levels->delimiter, levels->utf8);
    folder->exists = lookup->there[chosen];
    folder->delimiter = levels->delimiter;
    if (folder->name == NULL || folder->wire == NULL || folder->path == NULL)
        return error_oom(err, "looking for folders");
    return 0;
}

static int imap_folders_check(const struct imap_folders *folders, const char *host,
                              struct error *err)
{
    const struct imap_folder *mailbox = &folders->mailbox;
    if (!mailbox->exists)
        return error_set(err, ERROR_CONFIG,
                         "%s: there is no folder '%s' (looked for '%s'); check mailbox "
                         "in the connection string",
                         host, mailbox->name, mailbox->wire);
    if (imap_folder_same(mailbox->wire, folders->dropbox.wire))
        return error_set(err, ERROR_CONFIG,
                         "%s: mailbox '%s' and dropbox '%s' are the same folder, mail "
                         "would be picked up again and again; name another dropbox",
                         host, mailbox->name, folders->dropbox.name);
    if (imap_folder_same(mailbox->wire, folders->badmail.wire))
        return error_set(err, ERROR_CONFIG,
                         "%s: mailbox '%s' and badmail '%s' are the same folder, bad "
                         "mail would come again and again; name another badmail",
                         host, mailbox->name, folders->badmail.name);
    if (imap_folder_same(folders->dropbox.wire, folders->badmail.wire))
        return error_set(err, ERROR_CONFIG,
                         "%s: dropbox '%s' and badmail '%s' are the same folder; name "
                         "two",
                         host, folders->dropbox.name, folders->badmail.name);
    return 0;
}

int imap_folders_resolve(struct imap_session *session, const struct imap_settings *settings,
                         struct imap_folders *out, struct error *err)
{
    const char *const paths[3] = {settings->mailbox, settings->dropbox, settings->badmail};
    struct imap_folder *const folders[3] = {&out->mailbox, &out->dropbox, &out->badmail};
    struct imap_lookup lookups[3] = {0};
    struct imap_levels levels;
    *out = (struct imap_folders){0};
    int r = imap_levels_ask(session, &levels, err);
    for (int f = 0; r == 0 && f < 3; f++) {
        int count = imap_folder_names(paths[f], &levels, lookups[f].names, err);
        lookups[f].count = count < 0 ? 0 : count;
        r = count < 0 ? -1 : 0;
    }
    if (r == 0)
        r = imap_lookup_ask(session, lookups, err);
    for (int f = 0; r == 0 && f < 3; f++)
        r = imap_folder_choose(folders[f], paths[f], &lookups[f], &levels, err);
    for (int f = 0; f < 3; f++)
        imap_lookup_done(&lookups[f]);
    return r == 0 ? imap_folders_check(out, settings->host, err) : -1;
}

int imap_folder_find(struct imap_session *session, const char *path, struct imap_folder *out,
                     struct error *err)
{
    struct imap_lookup lookups[3] = {0}; /* of which the first is used */
    struct imap_levels levels;
    *out = (struct imap_folder){0};
    if (imap_levels_ask(session, &levels, err) < 0)
        return -1;
    int count = imap_folder_names(path, &levels, lookups[0].names, err);
    if (count < 0)
        return -1;
    lookups[0].count = count;
    int r = imap_lookup_ask(session, lookups, err);
    if (r == 0)
        r = imap_folder_choose(out, path, &lookups[0], &levels, err);
    imap_lookup_done(&lookups[0]);
    return r;
}

void imap_folder_done(struct imap_folder *folder)
{
    free(folder->name);
    free(folder->wire);
    free(folder->path);
    *folder = (struct imap_folder){0};
}

void imap_folders_done(struct imap_folders *folders)
{
    imap_folder_done(&folders->mailbox);
    imap_folder_done(&folders->dropbox);
    imap_folder_done(&folders->badmail);
}

/* ---- Creating -------------------------------------------------------------------------------- */

/* What came of a CREATE. */
struct imap_creation {
    bool made;
    struct error refusal;
};

static int imap_create_done(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_creation *creation = context;
    creation->made = answer->status == IMAP_OK || answer->code == IMAP_CODE_ALREADYEXISTS;
    if (!creation->made)
        (void)imap_answer_error(answer, ERROR_CONFIG, "CREATE",
                                "make the folder by hand, or name another", &creation->refusal);
    return imap_answer_heed(answer, "CREATE", err);
}

static int imap_folder_create_name(struct imap_session *session, const char *wire,
                                   struct imap_creation *creation, struct error *err)
{
    struct imap_call call = {.what = "CREATE", .context = creation, .done = imap_create_done};
    struct imap_command command;
    imap_command_init(&command, "CREATE ");
    imap_command_quoted(&command, wire);
    return imap_session_run(session, &command, &call, err);
}

/* A server that does not make upper levels by itself: one by one; those that are there say no. */
static int imap_folder_create_levels(struct imap_session *session, const struct imap_folder *folder,
                                     struct imap_creation *creation, struct error *err)
{
    char name[IMAP_FOLDER_NAME_MAX + 1];
    size_t len = strlen(folder->wire);
    if (folder->delimiter == '\0' || len >= sizeof name)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if (folder->wire[i] != folder->delimiter)
            continue;
        memcpy(name, folder->wire, i);
        name[i] = '\0';
        if (imap_folder_create_name(session, name, creation, err) < 0)
            return -1;
    }
    return imap_folder_create_name(session, folder->wire, creation, err);
}

/* Only so that mail programs show it: a refusal is nobody's trouble. */
static int imap_subscribe_done(void *context, const struct imap_event *answer, struct error *err)
{
    (void)context;
    return imap_answer_heed(answer, "SUBSCRIBE", err);
}

int imap_folder_create(struct imap_session *session, struct imap_folder *folder, const char *key,
                       struct error *err)
{
    struct imap_creation creation = {0};
    struct imap_call call = {.what = "SUBSCRIBE", .done = imap_subscribe_done};
    struct imap_command command;
    if (folder->exists)
        return 0;
    if (imap_folder_create_name(session, folder->wire, &creation, err) < 0)
        return -1;
    if (!creation.made && imap_folder_create_levels(session, folder, &creation, err) < 0)
        return -1;
    if (!creation.made) {
        *err = creation.refusal;
        error_prefix(err, "%s '%s' cannot be made as '%s'", key, folder->name, folder->wire);
        return -1;
    }
    folder->exists = true;
    imap_command_init(&command, "SUBSCRIBE ");
    imap_command_quoted(&command, folder->wire);
    return imap_session_send(session, &command, &call, err);
}

/* ---- Status ---------------------------------------------------------------------------------- */

bool imap_folder_is_told(const struct imap_folder *folder, const struct imap_event *event)
{
    return event->kind == IMAP_EVENT_MAILBOX && imap_name_matches(event->text, folder->wire);
}

static int imap_folder_status_data(void *context, const struct imap_event *event, bool *out_taken,
                                   struct error *err)
{
    struct imap_folder *folder = context;
    (void)err;
    if (!imap_folder_is_told(folder, event))
        return 0;
    *out_taken = true;
    folder->uidnext = event->uidnext;
    folder->uidvalidity = event->uidvalidity;
    return 0;
}

static int imap_folder_status_done(void *context, const struct imap_event *answer,
                                   struct error *err)
{
    (void)context;
    return imap_answer_heed(answer, "STATUS", err);
}

void imap_folder_status_command(const struct imap_folder *folder, struct imap_command *out_command)
{
    imap_command_init(out_command, "STATUS ");
    imap_command_quoted(out_command, folder->wire);
    imap_command_add(out_command, " (UIDNEXT UIDVALIDITY)");
}

int imap_folder_status(struct imap_session *session, struct imap_folder *folder, struct error *err)
{
    struct imap_call call = {.what = "STATUS",
                             .context = folder,
                             .data = imap_folder_status_data,
                             .done = imap_folder_status_done};
    struct imap_command command;
    folder->uidnext = folder->uidvalidity = 0;
    imap_folder_status_command(folder, &command);
    return imap_session_run(session, &command, &call, err);
}
