/* SPDX-License-Identifier: Apache-2.0 */
/* http-client.h - ask an HTTP server, one question at a time. The one door to libcurl for HTTP.
 *
 * An answer is either whole, within its limit and its time, or an error; whatever status the server
 * gives is an answer. What libcurl leaves to us is done here as in stream.h:
 *
 *  - http:// goes to loopback and private addresses only, judged by the address that is about to be
 *    connected, before a byte is sent; https:// anywhere, with the certificate checked.
 *  - Nobody is led elsewhere: redirects are answers (3xx), not followed. Proxies of the environment
 *    are not looked at. No cookies, no compression, no credentials but those in @headers.
 *  - An answer that is larger than its limit, drips, or never ends is ended by us; cancelled() is
 *    heeded within 200 ms.
 *
 * A client keeps its connection from one question to the next. One client, one thread; clients
 * share nothing. */
#ifndef MAILCHUTE_LOADER_LIB_HTTP_CLIENT_H
#define MAILCHUTE_LOADER_LIB_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"

#define HTTP_CLIENT_CONNECT_MS 10000u       /* name look-up, TCP and TLS */
#define HTTP_CLIENT_PAUSE_MAX_S 86400u      /* seconds of a Retry-After that are believed */

/* Borrowed until http_client_close(). NULL text: not set. */
struct http_client_settings {
    uint32_t timeout_ms; /* a whole question with its answer; 0: none */
    uint32_t silence_ms; /* no byte for this long ends it; 0: none */
    bool allow_insecure_cert;
    const char *ca_file, *min_tls;
    const struct clock *clock;
    bool (*cancelled)(void *context); /* may be NULL */
    void *context;
};

/* Borrowed for the call. */
struct http_client_request {
    const char *method;         /* "GET", "POST", "PUT" */
    const char *url; /* http:// or https://; all but ASCII is written %XX by the caller */
    const char *const *headers; /* "Name: value", ends with NULL; NULL: none */
    const void *body;           /* NULL: none */
    size_t body_size;
};

struct http_client_answer {
    uint32_t status;  /* 100..599 */
    uint32_t pause_s; /* Retry-After in seconds, 0: none */
    struct buffer body; /* buffer_init() by the caller: its limit is the answer's */
};

struct http_client;

/** http_client_open - nothing is sent yet. *out_client is yours: http_client_close(). */
int http_client_open(const struct http_client_settings *settings, struct http_client **out_client,
                     struct error *err);
void http_client_close(struct http_client *client); /* NULL is fine */
AUTO_DEFINE(http_client, http_client_close);

/** http_client_run - one question. The answer's body is cleared before. ERROR_UNREACHABLE (no
 * connection; http:// to a public address is ERROR_CONFIG), ERROR_CERTIFICATE, ERROR_LINK (it broke
 * off, or was too slow), ERROR_PROTOCOL (no HTTP, or too large), ERROR_USAGE (url),
 * ERROR_CANCELLED. Errors name host and port, never the rest of the url or a header. */
int http_client_run(struct http_client *client, const struct http_client_request *request,
                    struct http_client_answer *answer, struct error *err);

/** http_client_escape - append @text fit to be a value in a query: all but letters, digits and
 * "-._~" as %XX (RFC 3986 s.2.3). */
int http_client_escape(struct buffer *out, const char *text);

#endif
