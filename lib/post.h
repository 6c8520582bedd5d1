/* SPDX-License-Identifier: Apache-2.0 */
/* post.h - one HTTP request with a body, and what came of it. A door to libcurl.
 *
 * https with a verified certificate; http to a loopback address only. Redirects are not followed,
 * no proxy of the environment is used, nothing is read from ~/.netrc, and what the answer says
 * beyond its status is not kept. Addresses that no service of one's own has are refused once they
 * are resolved: link-local ones (where clouds have their metadata), multicast, unspecified. Any
 * thread. */
#ifndef MAILCHUTE_LIB_POST_H
#define MAILCHUTE_LIB_POST_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define POST_CONNECT_MS 10000u
#define POST_ANSWER_KEPT 65536u    /* bytes of an answer that are read; what is beyond ends it */
#define POST_RETRY_AFTER_MAX 86400u /* seconds */

struct post {
    const char *url;
    const char *const *headers; /* "Name: value", ends in NULL */
    const char *body;
    size_t body_size;
    uint32_t limit_ms;   /* for all of it */
    const char *ca_file; /* authorities to trust, PEM; NULL: those of the system */
    int (*cancelled)(void *context); /* NULL: never */
    void *cancel_context;
};

struct post_answer {
    long status;            /* 200 ... */
    uint32_t retry_after_s; /* 0: it was not told */
};

/** post_send - 0 when there was an answer, whatever its status. ERROR_CONFIG for a URL that is none
 * or may not be, and for a certificate that is not trusted; ERROR_UNREACHABLE, ERROR_LINK for what
 * may be otherwise next time; ERROR_CANCELLED. No error tells more of the URL than its host. */
int post_send(const struct post *post, struct post_answer *out_answer, struct error *err);

/** post_check_url - whether post_send() would try it at all, as far as that can be told without a
 * look-up. ERROR_USAGE says what is wrong. */
int post_check_url(const char *url, struct error *err);

/** post_url_host - the host, for messages: ours to keep, of @size bytes; "" where it is no URL. */
void post_url_host(const char *url, char *out_host, size_t size);

#endif
