/* SPDX-License-Identifier: Apache-2.0 */
/* deliver-keys.h - a source that delivers: keys of its connection string that are the host's.
 *
 *     deliver         the template of the folders (deliver-folder.h), or nothing for the usual one.
 *                     A source that has this key goes the other way: entries of its work queue are
 *                     put into folders of its account, each once
 *     deliverRoot     where the levels begin; Inbox
 *     mainnetToInbox  True: what is of a main network goes to the root itself; False
 *     deliverAccount  the ledger's name of the account (deliver-account.h), where that which it
 *                     has by user and server is not the right one
 *
 * The loader never sees them; without the first the others are left for it to complain of. Pure. */
#ifndef MAILCHUTE_HOST_DELIVER_KEYS_H
#define MAILCHUTE_HOST_DELIVER_KEYS_H

#include <stdbool.h>

#include "cleanup.h"
#include "deliver-folder.h"
#include "error.h"

#define DELIVER_KEY "deliver"

struct deliver_keys {
    char *connection;             /* what is left for the loader */
    char *template, *root;        /* NULL where it does not deliver */
    char *account;                /* NULL: the usual one */
    struct deliver_folder folder; /* borrows from those */
};

/** deliver_keys_read - *out_keys is yours: deliver_keys_free(). ERROR_USAGE names what cannot be.
 */
int deliver_keys_read(const char *connection, struct deliver_keys **out_keys, struct error *err);
void deliver_keys_free(struct deliver_keys *keys); /* NULL is fine */
AUTO_DEFINE(deliver_keys, deliver_keys_free);

/** deliver_keys_deliver - whether it has the key. */
bool deliver_keys_deliver(const char *connection);

#endif
