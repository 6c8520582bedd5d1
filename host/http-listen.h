/* SPDX-License-Identifier: Apache-2.0 */
/* http-listen.h - what an HTTP server starts from: a socket that listens, and PEM files. */
#ifndef MAILCHUTE_HOST_HTTP_LISTEN_H
#define MAILCHUTE_HOST_HTTP_LISTEN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"
#include "error.h"

struct http_listener {
    char address[INET6_ADDRSTRLEN + 2]; /* as it stands in a Host header: "[::1]" */
    unsigned port;
};

/** http_listen_open - listen at @where, "127.0.0.1:8425", "[::1]:8425", "localhost:8425"; port 0:
 * any that is free. *out_fd is yours. ERROR_CONFIG when that cannot be. */
int http_listen_open(const char *where, struct http_listener *out_listener, int *out_fd,
                     struct error *err);

/** http_listen_check - whether @where is an address at all: ERROR_CONFIG. */
int http_listen_check(const char *where, struct error *err);

/** http_listen_peer_text - an address as a person writes it; "" for none. */
void http_listen_peer_text(const struct sockaddr *peer, char *out, size_t size);

/** http_listen_read_pem - the content of the file @path; nothing for "". ERROR_CONFIG when it
 * cannot be read, or is no PEM file. */
int http_listen_read_pem(const char *path, struct buffer *out, struct error *err);

/** http_listen_is_local - only this machine can connect to what http_listen() makes of @where. */
bool http_listen_is_local(const char *where);

#endif
