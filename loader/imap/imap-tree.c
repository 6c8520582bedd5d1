/* SPDX-License-Identifier: Apache-2.0 */
/* imap-tree.c - all folders of an account, and which of them an archive takes. See imap-tree.h. */
#include <config.h>
#include "imap-tree.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

#define IMAP_STATUS_AHEAD 32u /* STATUS commands on their way; < IMAP_OUTSTANDING_MAX */

#define IMAP_STATUS_BACK 100u /* folders listed since, among which a STATUS finds its own */

static const char imap_tree_doing[] = "listing folders";

void imap_tree_done(struct imap_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        free(tree->items[i].wire);
        free(tree->items[i].path);
    }
    free(tree->items);
    imap_patterns_done(&tree->folders);
    imap_patterns_done(&tree->skip);
    *tree = (struct imap_tree){0};
}

const char *imap_choice_why(enum imap_choice choice)
{
    static const char *const why[] = {
        [IMAP_CHOICE_TAKEN] = "is taken",
        [IMAP_CHOICE_NO_MAIL] = "cannot hold mail",
        [IMAP_CHOICE_NOT_ASKED] = "no pattern of folders is about it",
        [IMAP_CHOICE_SKIPPED] = "left out by skipFolders",
        [IMAP_CHOICE_SPECIAL] = "left out by skipSpecial",
        [IMAP_CHOICE_IN_ALL] = "its mail is in the folder with all mail, which is taken",
        [IMAP_CHOICE_TWIN] = "another folder has the same name, but for the separator",
    };
    return why[choice];
}

/* ---- Order ----------------------------------------------------------------------------------- */

/* By path; of folders with one path the one that has no '/' for a character goes first: that is
 * known from the server's name alone, so that it stays so. */
static int imap_branch_compare(const void *a, const void *b)
{
    const struct imap_branch *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    if (order == 0)
        order = (strchr(x->wire, '/') != NULL) - (strchr(y->wire, '/') != NULL);
    return order != 0 ? order : strcmp(x->wire, y->wire);
}

static struct imap_branch *imap_tree_search(const struct imap_tree *tree, const char *path,
                                            size_t size)
{
    size_t low = 0, high = tree->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strncmp(tree->items[middle].path, path, size);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < tree->count && strncmp(tree->items[low].path, path, size) == 0 &&
                   tree->items[low].path[size] == '\0'
               ? &tree->items[low]
               : NULL;
}

struct imap_branch *imap_tree_find(const struct imap_tree *tree, const char *path)
{
    return imap_tree_search(tree, path, strlen(path));
}

/* Of a folder that LIST tells twice what either line tells is true, but that it cannot hold mail:
 * where that were wrong, its mail would be left unseen; where it is true, the server refuses to open
 * it. */
static void imap_branch_merge(struct imap_branch *into, struct imap_branch *from)
{
    uint32_t no_mail = into->flags & from->flags & IMAP_LIST_NOSELECT;
    into->flags = ((into->flags | from->flags) & ~IMAP_LIST_NOSELECT) | no_mail;
    if (into->state.has == 0)
        into->state = from->state;
    free(from->wire);
    free(from->path);
}

/* They are in order: one that was told twice stands beside itself. */
static void imap_tree_unite(struct imap_tree *tree)
{
    size_t kept = 0;
    for (size_t i = 0; i < tree->count; i++)
        if (kept > 0 && strcmp(tree->items[kept - 1].wire, tree->items[i].wire) == 0)
            imap_branch_merge(&tree->items[kept - 1], &tree->items[i]);
        else
            tree->items[kept++] = tree->items[i];
    tree->count = kept;
}

/* ---- Choosing -------------------------------------------------------------------------------- */

/* Does a pattern mean it: by its path, or behind the prefix of the personal namespace? */
static bool imap_tree_matches(const struct imap_tree *tree, const struct imap_pattern *pattern,
                              const char *path)
{
    size_t size = strlen(tree->levels.prefix);
    return imap_pattern_matches(pattern, path) ||
           (size > 0 && strncmp(path, tree->levels.prefix, size) == 0 && path[size] != '\0' &&
            imap_pattern_matches(pattern, path + size));
}

static bool imap_tree_any(const struct imap_tree *tree, const struct imap_patterns *patterns,
                          const char *path, bool exact)
{
    for (size_t i = 0; i < patterns->count; i++)
        if ((patterns->items[i].exact || !exact) &&
            imap_tree_matches(tree, &patterns->items[i], path))
            return true;
    return false;
}

/* The last level of a path on the first level: of the account, of its namespace, of INBOX, or of
 * Gmail's own; NULL: it is deeper. */
static const char *imap_tree_first_level(const struct imap_tree *tree, const char *path)
{
    const char *const above[] = {tree->levels.prefix, "INBOX/", "[Gmail]/", "[Google Mail]/"};
    for (size_t i = 0; i < sizeof above / sizeof above[0]; i++) {
        size_t size = strlen(above[i]);
        if (size > 0 && strncmp(path, above[i], size) == 0)
            path += size;
    }
    return strchr(path, '/') == NULL ? path : NULL;
}

/* Uses that no folder bears are known by names. */
static void imap_tree_name_uses(struct imap_tree *tree)
{
    uint32_t borne = 0;
    for (size_t i = 0; i < tree->count; i++)
        borne |= tree->items[i].flags & IMAP_LIST_USES;
    for (size_t i = 0; i < tree->count; i++) {
        const char *name = imap_tree_first_level(tree, tree->items[i].path);
        if (name != NULL)
            tree->items[i].flags |= imap_special_by_name(name) & ~borne;
    }
}

/* What is below Junk is junk too. */
static void imap_tree_inherit_uses(struct imap_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) { /* what is above comes first */
        struct imap_branch *branch = &tree->items[i];
        const char *slash = strrchr(branch->path, '/');
        const struct imap_branch *above =
            slash == NULL ? NULL
                          : imap_tree_search(tree, branch->path, (size_t)(slash - branch->path));
        if (above != NULL)
            branch->flags |=
                above->flags & (IMAP_LIST_JUNK | IMAP_LIST_TRASH | IMAP_LIST_DRAFTS);
    }
}

static enum imap_choice imap_branch_choose(const struct imap_tree *tree,
                                           const struct imap_branch *branch)
{
    if ((branch->flags & IMAP_LIST_NOSELECT) != 0)
        return IMAP_CHOICE_NO_MAIL;
    if (!imap_tree_any(tree, &tree->folders, branch->path, false))
        return IMAP_CHOICE_NOT_ASKED;
    if (imap_tree_any(tree, &tree->skip, branch->path, false))
        return IMAP_CHOICE_SKIPPED;
    if ((branch->flags & tree->skip_uses) != 0 &&
        !imap_tree_any(tree, &tree->folders, branch->path, true))
        return IMAP_CHOICE_SPECIAL;
    return IMAP_CHOICE_TAKEN;
}

static void imap_tree_prefer_all(struct imap_tree *tree)
{
    bool all = false;
    for (size_t i = 0; i < tree->count; i++)
        all = all || (tree->items[i].choice == IMAP_CHOICE_TAKEN &&
                      (tree->items[i].flags & IMAP_LIST_ALL) != 0);
    for (size_t i = 0; all && i < tree->count; i++)
        if (tree->items[i].choice == IMAP_CHOICE_TAKEN &&
            (tree->items[i].flags & (IMAP_LIST_ALL | IMAP_LIST_JUNK | IMAP_LIST_TRASH)) == 0)
            tree->items[i].choice = IMAP_CHOICE_IN_ALL;
}

int imap_tree_choose(struct imap_tree *tree, struct error *err)
{
    (void)err;
    if (tree->count > 0)
        qsort(tree->items, tree->count, sizeof *tree->items, imap_branch_compare);
    imap_tree_unite(tree);
    imap_patterns_adapt(&tree->folders, tree->levels.delimiter);
    imap_patterns_adapt(&tree->skip, tree->levels.delimiter);
    for (char *at = tree->levels.prefix; *at != '\0'; at++)
        *at = *at == tree->levels.delimiter ? '/' : *at;
    imap_tree_name_uses(tree);
    imap_tree_inherit_uses(tree);
    for (size_t i = 0; i < tree->count; i++)
        tree->items[i].choice = imap_branch_choose(tree, &tree->items[i]);
    imap_tree_prefer_all(tree);
    tree->taken = 0;
    for (size_t i = 0; i < tree->count; i++) {
        if (i > 0 && tree->items[i].choice == IMAP_CHOICE_TAKEN &&
            strcmp(tree->items[i].path, tree->items[i - 1].path) == 0)
            tree->items[i].choice = IMAP_CHOICE_TWIN;
        tree->taken += tree->items[i].choice == IMAP_CHOICE_TAKEN ? 1 : 0;
    }
    return 0;
}

const char *imap_tree_missing(const struct imap_tree *tree, size_t *at)
{
    while (*at < tree->folders.count) {
        const struct imap_pattern *pattern = &tree->folders.items[(*at)++];
        bool there = !pattern->exact;
        for (size_t i = 0; !there && i < tree->count; i++)
            there = (tree->items[i].flags & IMAP_LIST_NOSELECT) == 0 &&
                    imap_tree_matches(tree, pattern, tree->items[i].path);
        if (!there)
            return pattern->text;
    }
    return NULL;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static int imap_tree_room(struct imap_tree *tree, struct error *err)
{
    if (tree->count < tree->capacity)
        return 0;
    if (tree->count == IMAP_TREE_MAX)
        return error_set(err, ERROR_CONFIG,
                         "the account has more than %u folders; pick up from fewer of them, each "
                         "with a source of its own (mailbox)",
                         IMAP_TREE_MAX);
    size_t capacity = tree->capacity == 0 ? 64 : tree->capacity * 2;
    struct imap_branch *items = reallocarray(tree->items, capacity, sizeof *items);
    if (items == NULL)
        return error_oom(err, imap_tree_doing);
    tree->items = items;
    tree->capacity = capacity;
    return 0;
}

/* A folder that LIST tells. One whose name we could not send back cannot be opened: it cannot hold
 * mail for us. */
static int imap_tree_add(struct imap_tree *tree, const struct imap_event *event, struct error *err)
{
    if (event->text.len == 0 || event->text.len > IMAP_FOLDER_NAME_MAX)
        return 0;
    if (imap_tree_room(tree, err) < 0)
        return -1;
    struct imap_branch branch = {.wire = span_copy(event->text), .flags = event->list_flags};
    if (branch.wire != NULL)
        branch.path = span_is(event->text, "INBOX")
                          ? strdup("INBOX")
                          : imap_folder_path(branch.wire, event->delimiter, tree->levels.utf8);
    if (branch.path == NULL) {
        free(branch.wire);
        return error_oom(err, imap_tree_doing);
    }
    if (memchr(event->text.bytes, '\0', event->text.len) != NULL || text_has_control(branch.wire))
        branch.flags |= IMAP_LIST_NOSELECT;
    tree->items[tree->count++] = branch; /* analyse: no leak, the tree keeps both texts */
    return 0;
}

static struct imap_state imap_state_of(const struct imap_event *event)
{
    return (struct imap_state){.has = event->status_has,
                               .uidvalidity = event->uidvalidity,
                               .uidnext = event->uidnext,
                               .messages = event->number,
                               .modseq = event->modseq};
}

/* A STATUS that comes in the middle of LIST is about the folder that was listed last, or one
 * shortly before (RFC 5819 s.2 leaves the order open). One that comes later is asked for again. */
static void imap_tree_status_listed(struct imap_tree *tree, const struct imap_event *event)
{
    size_t first = tree->count > IMAP_STATUS_BACK ? tree->count - IMAP_STATUS_BACK : 0;
    for (size_t i = tree->count; i > first; i--) {
        struct imap_branch *branch = &tree->items[i - 1];
        if (strlen(branch->wire) == event->text.len &&
            memcmp(branch->wire, event->text.bytes, event->text.len) == 0) {
            branch->state = imap_state_of(event);
            return;
        }
    }
}

static int imap_tree_data(void *context, const struct imap_event *event, bool *out_taken,
                          struct error *err)
{
    struct imap_tree *tree = context;
    if (event->kind == IMAP_EVENT_LIST) {
        *out_taken = true;
        return imap_tree_add(tree, event, err);
    }
    if (event->kind == IMAP_EVENT_MAILBOX) {
        *out_taken = true;
        imap_tree_status_listed(tree, event);
    }
    return 0;
}

static const char *imap_status_items(uint32_t can)
{
    return can & IMAP_CAN_CONDSTORE ? "(MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"
                                    : "(MESSAGES UIDNEXT UIDVALIDITY)";
}

/* Is the state of all folders worth having: are more than a few names asked for? */
static bool imap_tree_is_wide(const struct imap_tree *tree)
{
    for (size_t i = 0; i < tree->folders.count; i++)
        if (!tree->folders.items[i].exact)
            return true;
    return false;
}

static int imap_tree_list(struct imap_session *session, struct imap_tree *tree, struct error *err)
{
    struct imap_call call = {.what = "LIST", .context = tree, .data = imap_tree_data};
    struct imap_command command;
    uint32_t can = imap_session_can(session);
    bool extended = (can & IMAP_CAN_LIST_EXTENDED) != 0;
    bool uses = extended && (can & IMAP_CAN_SPECIAL_USE) != 0;
    tree->has_status = (can & IMAP_CAN_LIST_STATUS) != 0 && imap_tree_is_wide(tree);
    imap_command_init(&command, "LIST \"\" \"*\"");
    if (uses || tree->has_status) {
        imap_command_add(&command, " RETURN (");
        imap_command_add(&command, uses ? "SPECIAL-USE" : "");
        imap_command_add(&command, uses && tree->has_status ? " " : "");
        if (tree->has_status) {
            imap_command_add(&command, "STATUS ");
            imap_command_add(&command, imap_status_items(can));
        }
        imap_command_add(&command, ")");
    }
    return imap_session_run(session, &command, &call, err);
}

/* ---- How much is in them --------------------------------------------------------------------- */

static int imap_branch_data(void *context, const struct imap_event *event, bool *out_taken,
                            struct error *err)
{
    struct imap_branch *branch = context;
    (void)err;
    if (event->kind != IMAP_EVENT_MAILBOX || strlen(branch->wire) != event->text.len ||
        memcmp(branch->wire, event->text.bytes, event->text.len) != 0)
        return 0;
    *out_taken = true;
    branch->state = imap_state_of(event);
    return 0;
}

/* A folder that tells nothing of itself is opened to see. */
static int imap_branch_done(void *context, const struct imap_event *answer, struct error *err)
{
    struct imap_branch *branch = context;
    struct error why;
    if (answer->status == IMAP_OK)
        return 0;
    (void)imap_answer_folder_error(answer, ERROR_CONFIG, "STATUS", "check its access rights", &why);
    branch->state = (struct imap_state){0};
    if (why.class != ERROR_PAUSE)
        return 0;
    *err = why;
    return -1;
}

static int imap_tree_status(struct imap_session *session, struct imap_tree *tree, struct error *err)
{
    for (size_t i = 0; i < tree->count; i++) {
        struct imap_branch *branch = &tree->items[i];
        struct imap_call call = {.what = "STATUS",
                                 .context = branch,
                                 .data = imap_branch_data,
                                 .done = imap_branch_done};
        struct imap_command command;
        if (branch->choice != IMAP_CHOICE_TAKEN || branch->state.has != 0)
            continue;
        imap_command_init(&command, "STATUS ");
        imap_command_quoted(&command, branch->wire);
        imap_command_add(&command, " ");
        imap_command_add(&command, imap_status_items(imap_session_can(session)));
        if (imap_session_send(session, &command, &call, err) < 0)
            return -1;
        while (imap_session_outstanding(session) >= IMAP_STATUS_AHEAD)
            if (imap_session_turn(session, err) < 0)
                return -1;
    }
    while (imap_session_outstanding(session) > 0)
        if (imap_session_turn(session, err) < 0)
            return -1;
    return 0;
}

int imap_tree_read(struct imap_session *session, const struct imap_settings *settings,
                   struct imap_tree *out, struct error *err)
{
    *out = (struct imap_tree){0};
    if (imap_patterns_read(settings->folders, &out->folders, err) < 0 ||
        imap_patterns_read(settings->skip_folders, &out->skip, err) < 0 ||
        imap_special_read(settings->skip_special, &out->skip_uses, err) < 0 ||
        imap_levels_ask(session, &out->levels, err) < 0 ||
        imap_tree_list(session, out, err) < 0 || imap_tree_choose(out, err) < 0 ||
        imap_tree_status(session, out, err) < 0)
        return -1;
    for (size_t i = 0; i < out->count; i++)
        if (out->items[i].choice == IMAP_CHOICE_TAKEN)
            out->messages += out->items[i].state.messages;
    return 0;
}
