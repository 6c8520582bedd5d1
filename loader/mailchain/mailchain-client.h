/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-client.h - ask a Mailchain client (its HTTP API) what there is.
 *
 * Errors are those of http-client.h and mailchain-api.h, and what the client says of itself:
 * ERROR_LINK for 406 (no key, fetching failed) and 5xx, ERROR_PAUSE for 429 and 503 with a time,
 * ERROR_PROTOCOL for all else that is not 200. Each names what was asked for. One client, one
 * thread. */
#ifndef MAILCHUTE_LOADER_MAILCHAIN_CLIENT_H
#define MAILCHUTE_LOADER_MAILCHAIN_CLIENT_H

#include "http-client.h"
#include "mailchain-api.h"
#include "mailchain-settings.h"

#define MAILCHAIN_VERSION_MAX 64u /* bytes of a version as text, NUL included */

struct mailchain_client;

/** mailchain_client_open - nothing is sent yet. settings and clock are borrowed. *out_client is
 * yours: mailchain_client_close(). */
int mailchain_client_open(const struct mailchain_settings *settings, const struct clock *clock,
                          bool (*cancelled)(void *context), void *context,
                          struct mailchain_client **out_client, struct error *err);
void mailchain_client_close(struct mailchain_client *client);
AUTO_DEFINE(mailchain_client, mailchain_client_close);

int mailchain_client_version(struct mailchain_client *client,
                             char out_version[MAILCHAIN_VERSION_MAX], struct error *err);
int mailchain_client_networks(struct mailchain_client *client, struct mailchain_pairs *out_pairs,
                              struct error *err);

/** mailchain_client_addresses - of network {protocol, network}. */
int mailchain_client_addresses(struct mailchain_client *client,
                               const struct mailchain_pair *network,
                               struct mailchain_pairs *out_pairs, struct error *err);

/** mailchain_client_page - the messages from number @skip on, @limit of them where the client knows
 * pages, else all of them. For the first page the client is told to fetch what is new. */
int mailchain_client_page(struct mailchain_client *client, const struct mailchain_pair *network,
                          const struct mailchain_pair *address, uint32_t limit, uint64_t skip,
                          struct mailchain_page **out_page, struct error *err);

#endif
