/* SPDX-License-Identifier: Apache-2.0 */
/* deliver-folder.h - which folder an entry goes to: a template, level by level. Pure.
 *
 * "Protocol>Network>Address" is a level for each word, below the root folder ("Inbox"). The words,
 * in any case:
 *
 *     Protocol  Network   of an entry whose mailbox is called "ethereum.mainnet"; of any other the
 *                         loader in small letters, and the mailbox
 *     Address             the account of its origin
 *     Loader  Account  Mailbox  Source  Queue  Sender  Year  Month
 *     'text'              the text itself
 *
 * No value makes levels of its own, but Mailbox, which keeps those it has. Characters that no
 * folder's name should hold become '_', and so do dots of which a level consists. What else a
 * server does not take is the loader's to replace. */
#ifndef MAILCHUTE_HOST_DELIVER_FOLDER_H
#define MAILCHUTE_HOST_DELIVER_FOLDER_H

#include <stdbool.h>

#include "error.h"
#include "queue.h"

#define DELIVER_FOLDER_DEFAULT "Protocol>Network>Address"
#define DELIVER_FOLDER_ROOT "Inbox"
#define DELIVER_LEVEL_MAX 200u /* bytes of one level; what is longer is cut */
#define DELIVER_LEVELS_MAX 16u /* of a template */
#define DELIVER_ROOT_MAX 500u  /* bytes of the root */
#define DELIVER_FORMER_MAX 5u  /* folders where an older program may have put an entry */

struct deliver_folder {
    const char *template, *root;
    bool mainnet_to_root; /* an entry of a network "mainnet", or "...-mainnet", goes to root itself
                           */
};

/** deliver_folder_check - ERROR_USAGE names the word that is none, or what is too long. */
int deliver_folder_check(const struct deliver_folder *folder, struct error *err);

/** deliver_folder_path - the path of @entry, '/' between levels; yours: free(). @date (RFC 3339) is
 * for Year and Month. The folder was checked. -1: out of memory. */
int deliver_folder_path(const struct deliver_folder *folder, const struct queue_entry *entry,
                        const char *date, char **out_path, struct error *err);

/** deliver_folder_former - where the Mailchain connector of 2020, or this one without its queue, may
 * have put @entry, in whatever layout: folder @at (< DELIVER_FORMER_MAX). The old one wrote "0x"
 * before an Ethereum address that has one: "0x0x...". *out_path is yours: free(); NULL: there is no
 * such folder for this entry. -1: out of memory. */
int deliver_folder_former(const struct queue_entry *entry, unsigned at, char **out_path,
                          struct error *err);

#endif
