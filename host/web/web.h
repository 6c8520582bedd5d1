/* SPDX-License-Identifier: Apache-2.0 */
/* web.h - the REST interface of a daemon and its page, behind its HTTP server.
 *
 * The daemon hands on what web_has() names; each thread of the server has a queue of its own here.
 * Nothing of the daemon's own state is touched: what people order is written into the queue's
 * database, where the daemon finds it within a quarter of a second, as it finds what the command
 * writes. */
#ifndef MAILCHUTE_HOST_WEB_WEB_H
#define MAILCHUTE_HOST_WEB_WEB_H

#include "clock.h"
#include "http-server.h"
#include "log.h"
#include "queue.h"

struct web_options {
    const struct clock *clock;
    struct log *log;
    const char *queue_url;
    int (*open_queue)(const char *url, struct queue **out_queue, struct error *err);
    bool secure;        /* browsers reach it by TLS: its own, or that of a proxy */
    bool private_hosts; /* web users may name servers of private networks, and any port */
    const char *ports;  /* that they may name, "143 993" */
};

struct web;

/** web_new - options are borrowed until web_free(). */
int web_new(const struct web_options *options, struct web **out_web, struct error *err);
void web_free(struct web *web); /* after the server; NULL is fine */
AUTO_DEFINE(web, web_free);

/** web_listening - from here on events are published at @server. */
void web_listening(struct web *web, struct http_server *server);

/** web_setup_token - where there is no user yet: a token that makes the first one, to be shown to
 * whoever started the daemon; "" where there are users. An older one ends. The page takes it at
 * /#/setup/TOKEN: what stands behind # is never sent, nor logged. */
int web_setup_token(struct queue *queue, const struct clock *clock, char *out_token, size_t size,
                    bool always, struct error *err);

/** web_has - whether a request for this path is the web's: the page's, or the interface's. */
bool web_has(const char *path);

/** web_sees - whether @request shows that its sender may see at least what a viewer sees; else the
 * answer says what he is to show. */
bool web_sees(struct web *web, unsigned thread, const struct http_request *request,
              struct http_answer *answer);

/* What the server calls. */
enum http_lane web_route(const struct http_request *request);
void web_answer(struct web *web, unsigned thread, const struct http_request *request,
                struct http_answer *answer);
void web_tick(struct web *web);

#endif
