/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-store.h - what the connector of 2020 wrote down of the messages that it had delivered,
 * so that those which their owner deleted since do not come again.
 *
 * mailchain_connector_imap.pstore beside config.json: a PStore, which is one hash in Ruby's Marshal
 * format. Its keys are "append_" and the MD5 of a Message-ID, 32 hexadecimal digits; they stand in
 * the file as they are, whether as strings or as symbols, and are looked for as such. It is only
 * read. */
#ifndef MAILCHUTE_HOST_MAILCHAIN_STORE_H
#define MAILCHUTE_HOST_MAILCHAIN_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"
#include "error.h"

#define MAILCHAIN_STORE_FILE "mailchain_connector_imap.pstore"
#define MAILCHAIN_STORE_MAX (256u << 20) /* bytes of the file */

struct mailchain_store;

/** mailchain_store_read - of @folder; a file that is not there is one with nothing in it.
 * ERROR_CONFIG for one that cannot be read. *out_store is yours: mailchain_store_free(). */
int mailchain_store_read(const char *folder, struct mailchain_store **out_store, struct error *err);
void mailchain_store_free(struct mailchain_store *store); /* NULL is fine */
AUTO_DEFINE(mailchain_store, mailchain_store_free);

size_t mailchain_store_count(const struct mailchain_store *store);

/** mailchain_store_has - whether a message of this id was delivered. */
bool mailchain_store_has(const struct mailchain_store *store, const char *message_id);

#endif
