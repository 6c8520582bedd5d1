/* SPDX-License-Identifier: Apache-2.0 */
/* imap-check.c - try everything a pick-up needs. See imap-check.h. */
#include <config.h>
#include "imap-check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "imap-folder.h"
#include "imap-pickup.h"
#include "imap-session.h"
#include "imap-tree.h"

struct imap_check {
    const struct imap_settings *settings;
    const struct imap_host *host;
    imap_check_report *report;
    void *context;
    struct imap_session *session;
    struct imap_folders folders;
    uint64_t found;
};

PRINTF_LIKE(4, 5)
static void imap_check_tell(const struct imap_check *check, const char *step,
                            enum imap_check_state state, const char *fmt, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    check->report(check->context, step, state, text);
}

static int imap_check_failed(const struct imap_check *check, const char *step,
                             const struct error *err)
{
    check->report(check->context, step, IMAP_CHECK_FAILED, err->text);
    return -1;
}

static void imap_check_connection(const struct imap_check *check)
{
    struct stream_facts facts;
    imap_session_facts(check->session, &facts);
    const char *trust = !facts.encrypted  ? "allowed because the address is local"
                        : !facts.verified ? "the certificate is NOT checked (allowInsecureCert)"
                                          : "the certificate is good";
    imap_check_tell(check, "connection",
                    facts.encrypted && facts.verified ? IMAP_CHECK_OK : IMAP_CHECK_WARNING,
                    "connected to %s port %u at %s, %s, %s", check->settings->host,
                    check->settings->port, facts.address, facts.security, trust);
}

static void imap_check_abilities(const struct imap_check *check)
{
    uint32_t can = imap_session_can(check->session);
    bool leaves = check->settings->after == IMAP_AFTER_LEAVE;
    bool safe = leaves || (can & (IMAP_CAN_MOVE | IMAP_CAN_UIDPLUS)) != 0;
    const char *way = leaves               ? "mail stays where it is"
                      : can & IMAP_CAN_MOVE      ? "mail is moved by MOVE"
                      : can & IMAP_CAN_UIDPLUS ? "mail is moved by COPY and UID EXPUNGE (UIDPLUS)"
                                               : "neither MOVE nor UIDPLUS: mail is copied and "
                                                 "marked, the original stays";
    imap_check_tell(check, "abilities", safe ? IMAP_CHECK_OK : IMAP_CHECK_WARNING,
                    "%s; new mail is found by %s", way,
                    can & IMAP_CAN_IDLE && check->settings->idle ? "IDLE and polling" : "polling");
}

static void imap_check_target(const struct imap_check *check, const char *step,
                              const struct imap_folder *folder)
{
    if (folder->exists)
        imap_check_tell(check, step, IMAP_CHECK_OK, "'%s' is there as '%s'", folder->name,
                        folder->wire);
    else
        imap_check_tell(check, step, IMAP_CHECK_OK, "'%s' is not there, it would be made as '%s'",
                        folder->name, folder->wire);
}

static int imap_check_mailbox(struct imap_check *check, struct error *err)
{
    const struct imap_selected *selected = imap_session_selected(check->session);
    if (imap_folders_resolve(check->session, check->settings, &check->folders, err) < 0 ||
        imap_session_select(check->session, check->folders.mailbox.wire, true, err) < 0)
        return imap_check_failed(check, "mailbox", err);
    imap_check_tell(check, "mailbox", selected->fleeting ? IMAP_CHECK_WARNING : IMAP_CHECK_OK,
                    "'%s' is there as '%s': %u messages, UIDVALIDITY %u%s",
                    check->folders.mailbox.name, check->folders.mailbox.wire, selected->exists,
                    selected->uidvalidity,
                    selected->fleeting ? "; the server does not keep UIDs between sessions" : "");
    if (check->settings->after == IMAP_AFTER_LEAVE)
        return 0;
    if (check->settings->after == IMAP_AFTER_MOVE)
        imap_check_target(check, "dropbox", &check->folders.dropbox);
    imap_check_target(check, "badmail", &check->folders.badmail);
    return 0;
}

/* What the host knows of the mailbox: nothing is picked up from one that is held. */
static int imap_check_held(const struct imap_check *check, struct error *err)
{
    const struct imap_selected *selected = imap_session_selected(check->session);
    struct imap_mailbox state = {0};
    if (check->host->mailbox == NULL)
        return 0;
    if (check->host->mailbox(check->host->context, check->folders.mailbox.path, &state, err) < 0 ||
        (state.held != IMAP_HOLD_NONE && error_set(err, ERROR_HELD, "%s", state.why) < 0))
        return imap_check_failed(check, "held", err);
    if (state.uidvalidity != 0 && state.uidvalidity != selected->uidvalidity)
        imap_check_tell(check, "numbering", IMAP_CHECK_WARNING,
                        "it was numbered anew (UIDVALIDITY %u, now %u): a pick-up looks first for "
                        "messages that are stored and not moved",
                        state.uidvalidity, selected->uidvalidity);
    return 0;
}

/* A dry run, but for the bodies: search and count. */
static int imap_check_search_data(void *context, const struct imap_event *event, bool *out_taken,
                                  struct error *err)
{
    struct imap_check *check = context;
    (void)err;
    if (event->kind != IMAP_EVENT_SEARCH)
        return 0;
    *out_taken = true;
    check->found += (uint64_t)event->range.last - event->range.first + 1;
    return 0;
}

static int imap_check_search(struct imap_check *check, struct error *err)
{
    struct imap_call call = {
        .what = "UID SEARCH", .context = check, .data = imap_check_search_data};
    struct imap_command command;
    imap_pickup_search_command(check->session, check->settings, false, &command);
    if (imap_session_run(check->session, &command, &call, err) < 0)
        return imap_check_failed(check, "search", err);
    imap_check_tell(check, "search", IMAP_CHECK_OK,
                    "a pick-up would find %" PRIu64 " messages, less "
                    "those already picked up%s",
                    check->found,
                    check->settings->accept != NULL || check->settings->skip != NULL
                        ? " and those the rules leave out"
                        : "");
    return 0;
}

/* ---- Several folders ------------------------------------------------------------------------- */

/* May it be opened, and how much is in it? */
static bool imap_check_folder(const struct imap_check *check, const struct imap_branch *branch,
                              struct error *err)
{
    struct error why;
    bool open = false;
    const char *use = imap_special_name(branch->flags);
    if (imap_session_examine(check->session, branch->wire, &open, &why, err) < 0)
        return false;
    const struct imap_selected *selected = imap_session_selected(check->session);
    if (!open)
        imap_check_tell(check, "folder", IMAP_CHECK_WARNING, "'%.200s' cannot be opened: %.250s",
                        branch->path, why.text);
    else
        imap_check_tell(check, "folder", selected->fleeting ? IMAP_CHECK_WARNING : IMAP_CHECK_OK,
                        "'%.300s': %u messages, UIDVALIDITY %u%s%s%s%s", branch->path,
                        selected->exists, selected->uidvalidity, use[0] != '\0' ? " (\\" : "", use,
                        use[0] != '\0' ? ")" : "",
                        selected->fleeting ? "; the server does not keep UIDs between sessions"
                                           : "");
    return true;
}

static void imap_check_left_out(const struct imap_check *check, const struct imap_branch *branch)
{
    const char *use = branch->choice == IMAP_CHOICE_SPECIAL ? imap_special_name(branch->flags) : "";
    imap_check_tell(check, "left out",
                    branch->choice == IMAP_CHOICE_TWIN ? IMAP_CHECK_WARNING : IMAP_CHECK_OK,
                    "'%.300s': %s%s%s", branch->path, imap_choice_why(branch->choice),
                    use[0] != '\0' ? ", it is for " : "", use);
}

static int imap_check_tree(struct imap_check *check, const struct imap_tree *tree,
                           struct error *err)
{
    size_t at = 0;
    const char *missing;
    for (size_t i = 0; i < tree->count; i++) {
        const struct imap_branch *branch = &tree->items[i];
        if (branch->choice != IMAP_CHOICE_TAKEN)
            imap_check_left_out(check, branch);
        else if (!imap_check_folder(check, branch, err))
            return imap_check_failed(check, "folder", err);
    }
    while ((missing = imap_tree_missing(tree, &at)) != NULL)
        imap_check_tell(check, "folder", IMAP_CHECK_WARNING,
                        "there is no folder '%.200s' that can hold mail; check folders", missing);
    if (tree->taken == 0) {
        error_set(err, ERROR_CONFIG,
                  "none of %zu folders would be taken; check folders, skipFolders "
                  "and skipSpecial",
                  tree->count);
        return imap_check_failed(check, "folders", err);
    }
    imap_check_tell(check, "folders", IMAP_CHECK_OK,
                    "a pick-up would take %zu of %zu folders with %" PRIu64
                    " messages, less those already picked up%s; it changes nothing in them",
                    tree->taken, tree->count, tree->messages,
                    check->settings->search != NULL || check->settings->accept != NULL ||
                            check->settings->skip != NULL
                        ? " and those that search and the rules leave out"
                        : "");
    return 0;
}

static int imap_check_folders(struct imap_check *check, struct error *err)
{
    struct imap_tree tree;
    int failed = imap_tree_read(check->session, check->settings, &tree, err);
    failed = failed < 0 ? imap_check_failed(check, "folders", err)
                        : imap_check_tree(check, &tree, err);
    imap_tree_done(&tree);
    return failed;
}

int imap_check(const struct imap_settings *settings, const char *user, const char *secret,
               const struct imap_host *host, imap_check_report *report, void *context,
               struct error *err)
{
    struct imap_check check = {
        .settings = settings, .host = host, .report = report, .context = context};
    AUTO(imap_session) session = NULL;
    if (imap_session_open(settings, user, secret, host, &session, err) < 0)
        return imap_check_failed(&check, err->class == ERROR_CREDENTIALS ? "login" : "connection",
                                 err);
    check.session = session;
    imap_check_connection(&check);
    imap_check_tell(&check, "login", IMAP_CHECK_OK, "'%s' is logged in", user);
    imap_check_abilities(&check);
    if (settings->folders != NULL)
        return imap_check_folders(&check, err);
    int r = imap_check_mailbox(&check, err);
    if (r == 0)
        r = imap_check_held(&check, err);
    if (r == 0)
        r = imap_check_search(&check, err);
    imap_folders_done(&check.folders);
    return r;
}
