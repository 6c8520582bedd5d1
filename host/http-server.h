/* SPDX-License-Identifier: Apache-2.0 */
/* http-server.h - a small HTTP server on loopback. The one door to libmicrohttpd.
 *
 * It has a thread of its own, in which it answers one request after another. Limits: 64
 * connections, 16 kB of a request's head, no body, 10 s without progress. A Host header that names
 * anything but this machine (or the address it listens on) is refused: a page elsewhere must not
 * be able to ask through a visitor's browser. Only GET and HEAD. */
#ifndef MAILCHUTE_HOST_HTTP_SERVER_H
#define MAILCHUTE_HOST_HTTP_SERVER_H

#include "buffer.h"
#include "cleanup.h"
#include "error.h"

#define HTTP_CONNECTIONS_MAX 64u
#define HTTP_HEAD_MAX 16384u
#define HTTP_TIMEOUT_S 10u
#define HTTP_ANSWER_MAX (64u << 20)

struct http_request {
    const char *path;   /* "/metrics" */
    const char *source; /* query argument "source", NULL: none */
};

struct http_answer {
    int code;           /* 200 before */
    const char *type;   /* "application/json" before; static */
    struct buffer body;
};

struct http_server;

/** http_server_new - listen at @listen, "127.0.0.1:8425" or "[::1]:8425", port 0 for any that is
 * free.
 * @answer is called in the server's thread; 404 is its business too. ERROR_CONFIG when it cannot
 * listen there. */
int http_server_new(const char *listen,
                    void (*answer)(void *context, const struct http_request *request,
                                   struct http_answer *out_answer),
                    void *context, struct http_server **out_server, struct error *err);
void http_server_free(struct http_server *server); /* ends its thread; NULL is fine */
AUTO_DEFINE(http_server, http_server_free);
unsigned http_server_port(const struct http_server *server);

#endif
