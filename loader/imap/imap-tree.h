/* SPDX-License-Identifier: Apache-2.0 */
/* imap-tree.h - all folders of an account, and which of them an archive takes.
 *
 * LIST "" "*" tells the folders and what they are for; how much is in those that are taken comes in
 * the same answer (LIST-STATUS, RFC 5819) or from pipelined STATUS commands. Nothing is opened.
 *
 * The choice, rule by rule; the first that holds decides:
 *
 *     told twice                   one folder
 *     \Noselect, \NonExistent      cannot hold mail
 *     no pattern of folders        not asked for
 *     a pattern of skipFolders     left out
 *     a use of skipSpecial         left out, unless folders names it exactly; so are folders below
 *                                  it. Where no folder of the account bears a use, those of the
 *                                  first level with a usual name count (imap-pattern.h)
 *     another taken one is \All    left out, as that shows its mail (Gmail): no mail twice, once
 *                                  per label; but \Junk and \Trash, which \All does not show
 *     another has the same path    left out: the ledger could not tell their mail apart */
#ifndef MAILCHUTE_LOADER_IMAP_TREE_H
#define MAILCHUTE_LOADER_IMAP_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "imap-folder.h"
#include "imap-pattern.h"
#include "imap-session.h"
#include "imap-settings.h"

#define IMAP_TREE_MAX                                                                              \
    20000u /* folders of an account: their LIST and STATUS fit IMAP_UNTAGGED_MAX */

enum imap_choice {
    IMAP_CHOICE_TAKEN,
    IMAP_CHOICE_NO_MAIL,
    IMAP_CHOICE_NOT_ASKED,
    IMAP_CHOICE_SKIPPED,
    IMAP_CHOICE_SPECIAL,
    IMAP_CHOICE_IN_ALL,
    IMAP_CHOICE_TWIN
};

/* What STATUS told of a folder: all zero where it told nothing. */
struct imap_state {
    uint32_t has; /* IMAP_STATUS_* */
    uint32_t uidvalidity, uidnext, messages;
    uint64_t modseq;
};

/* One folder. Texts are the tree's. */
struct imap_branch {
    char *wire, *path; /* as in struct imap_folder */
    uint32_t flags;    /* IMAP_LIST_*; after the choice also by name, and from the folder above */
    enum imap_choice choice;
    struct imap_state state;
};

struct imap_tree {
    struct imap_levels levels;
    struct imap_branch *items; /* by path */
    size_t count, capacity;
    size_t taken;
    uint64_t messages; /* in those that are taken, as far as told */
    struct imap_patterns folders, skip;
    uint32_t skip_uses;
    bool has_status; /* LIST told it */
};

/** imap_tree_read - ask the server, choose, ask how much is in what was chosen. @out is
 * overwritten; yours: imap_tree_done(), after a failure too. After any failure, ERROR_CANCELLED
 * included, the session can only be closed: commands may be outstanding whose answers would go to
 * @out. */
int imap_tree_read(struct imap_session *session, const struct imap_settings *settings,
                   struct imap_tree *out, struct error *err);
void imap_tree_done(struct imap_tree *tree);

/** imap_tree_choose - set choice, taken; levels, items (wire, path, flags, any order) and the
 * patterns are there. Pure. -1: out of memory. */
int imap_tree_choose(struct imap_tree *tree, struct error *err);

/** imap_tree_missing - a folder that is named exactly and is not there, or cannot hold mail: the
 * next one from *at on, which moves; NULL: none is left. */
const char *imap_tree_missing(const struct imap_tree *tree, size_t *at);

/** imap_tree_find - the folder of this path, or NULL. */
struct imap_branch *imap_tree_find(const struct imap_tree *tree, const char *path);

/** imap_choice_why - in words, for people: "left out by skipFolders"; static. */
const char *imap_choice_why(enum imap_choice choice);

#endif
