/* SPDX-License-Identifier: Apache-2.0 */
/* deliver-account.h - by which name the ledger of deliver knows an account.
 *
 * A loader names an account by user and server, "Ann@127.0.0.1:1143". Whoever turns on TLS, goes
 * through another port or writes the names otherwise has the same mailbox, and what was delivered
 * there must not come again: the ledger's name is in small letters, without port and without a dot
 * at the end of the server's name, and each name of this machine is "localhost". Two servers behind
 * one name, told apart by their ports alone, or users told apart by the case of letters alone, are
 * one account to it: a person who has such names it (--account). */
#ifndef MAILCHUTE_HOST_DELIVER_ACCOUNT_H
#define MAILCHUTE_HOST_DELIVER_ACCOUNT_H

#include "error.h"
#include "queue.h"

/** deliver_account_name - the ledger's name of @account. Yours: free(). NULL: out of memory. Pure.
 */
char *deliver_account_name(const char *account);

/** deliver_account_adopt - what an older version wrote down under @account itself counts for
 * @target. Whoever delivers to @target has claimed it. */
int deliver_account_adopt(struct queue *queue, const char *account, const char *target,
                          struct error *err);

#endif
