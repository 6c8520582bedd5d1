/* SPDX-License-Identifier: Apache-2.0 */
/* http-check.h - what a request's head says about where it comes from, and which part it wants.
 * Pure. */
#ifndef MAILCHUTE_HOST_HTTP_CHECK_H
#define MAILCHUTE_HOST_HTTP_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What counts of a request's head so that everybody on the way reads the same request in it. */
struct http_head {
    unsigned hosts, lengths, codings; /* how often Host, Content-Length, Transfer-Encoding stand */
    bool bad_name, bad_value, bad_coding;
};

/** http_check_field - one more field of @head, which was all zero. */
void http_check_field(struct http_head *head, const char *name, size_t name_size, const char *value,
                      size_t value_size);

/** http_check_head - why a request with this head is not answered (RFC 9112 s.3.2, s.5.1, s.6.3): a
 * proxy in front might find another end, or another host, in it than we do, and hand us what a
 * stranger wrote as if it were the next one's request. NULL: it is plain. @version: "HTTP/1.1". */
const char *http_check_head(const struct http_head *head, const char *version);

/** http_check_host - whether a Host header names this machine: localhost, 127.0.0.1, [::1],
 * @address (where it listens, as in a Host header), or one of @names, which have spaces between
 * them; each with any port. No header at all (HTTP/1.0) is fine: browsers send one. */
bool http_check_host(const char *header, const char *address, const char *names);

/** http_check_site - whether a request that changes something comes from our own page, or from no
 * page at all. @host: the Host header; @origin, @site: the headers Origin and Sec-Fetch-Site, NULL
 * where there is none. */
bool http_check_site(const char *host, const char *origin, const char *site);

enum http_range { HTTP_RANGE_NONE, HTTP_RANGE_PART, HTTP_RANGE_BAD };

/** http_check_range - which bytes of @size are wanted (RFC 9110 s.14.2): all (NONE) where the
 * header is absent, not understood, or names several parts; PART; or BAD where there are none of
 * them. */
enum http_range http_check_range(const char *header, uint64_t size, uint64_t *out_first,
                                 uint64_t *out_count);

/** http_check_etag - whether an If-None-Match header names @etag ("\"abc\""). */
bool http_check_etag(const char *header, const char *etag);

#endif
