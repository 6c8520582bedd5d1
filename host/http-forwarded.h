/* SPDX-License-Identifier: Apache-2.0 */
/* http-forwarded.h - for whom a proxy asks. Pure.
 *
 * Whoever asks may write what he likes into X-Forwarded-For or Forwarded (RFC 7239); a proxy adds
 * whom it got that from behind it. So the list is read from its end, and only as far as those who
 * wrote it are proxies that we were told of: the first that is none of them is the client. */
#ifndef MAILCHUTE_HOST_HTTP_FORWARDED_H
#define MAILCHUTE_HOST_HTTP_FORWARDED_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#define HTTP_CLIENT_SIZE INET6_ADDRSTRLEN

enum http_forwarded { HTTP_X_FORWARDED_FOR, HTTP_FORWARDED };

/** http_forwarded_name - of the header: "X-Forwarded-For", "Forwarded". */
const char *http_forwarded_name(enum http_forwarded kind);

/** http_forwarded_proxies - whether @proxies is addresses and networks ("192.0.2.7", "10.0.0.0/8",
 * "2001:db8::/32") with spaces between. */
bool http_forwarded_proxies(const char *proxies);

/** http_forwarded_client - @peer, or whom it asks for, if it is one of @proxies. @list: the header,
 * NULL where there is none; what cannot be read ends it. IPv4 in IPv6 is written as IPv4. "unknown"
 * where a stranger has come to write the end of Forwarded. */
void http_forwarded_client(const char *peer, const char *proxies, enum http_forwarded kind,
                           const char *list, char out_client[HTTP_CLIENT_SIZE]);

/** http_forwarded_is_local - a client on this machine. */
bool http_forwarded_is_local(const char *client);

#endif
