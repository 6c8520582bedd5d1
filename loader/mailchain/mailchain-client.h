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

/* Where reading an address's messages is; begin with its size alone. */
struct mailchain_paging {
    uint32_t size;  /* messages asked for at once */
    uint64_t skip;  /* those before the page */
    bool fetched;   /* the client was told to fetch what is new */
    uint64_t over;  /* messages that were stepped over, as one alone is too large an answer, */
    uint64_t broken; /* or one that cannot be read */
    size_t longest; /* bytes of the answers that could not: shorter ones show that it knows pages */
    bool paged;
};

#define MAILCHAIN_OVER_MAX 3u /* of them in a row; more: the client knows no pages */
#define MAILCHAIN_BROKEN_MAX 1000u /* likewise, of one that does */

/** mailchain_client_page - the messages from at->skip on, at->size of them where the client knows
 * pages, else all of them. For the first page the client is told to fetch what is new. A page whose
 * answer is too large (maxAnswer, MAILCHAIN_VALUES_MAX), or broken (mailchain_read_is_broken()), is
 * asked for again with half its size, and so on; a message that is so alone is stepped over. */
int mailchain_client_page(struct mailchain_client *client, const struct mailchain_pair *network,
                          const struct mailchain_pair *address, struct mailchain_paging *at,
                          struct mailchain_page **out_page, struct error *err);

/** mailchain_paging_next - the page had @count messages: on to the next one, of up to twice as many
 * again, @most at most. */
void mailchain_paging_next(struct mailchain_paging *at, size_t count, uint32_t most);

#endif
