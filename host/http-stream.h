/* SPDX-License-Identifier: Apache-2.0 */
/* http-stream.h - the event streams of an HTTP server: who listens, what is told, and who has to
 * stop listening. Internal to http-server.c; the second half of the door to libmicrohttpd.
 *
 * The last HTTP_EVENTS_KEPT events are kept, each once; a stream is a place among them. One that
 * has nothing to send is suspended and costs nothing. Any thread, but for _respond. */
#ifndef MAILCHUTE_HOST_HTTP_STREAM_H
#define MAILCHUTE_HOST_HTTP_STREAM_H

#include <microhttpd.h>

#include "http-server.h"

struct http_streams;

int http_streams_new(struct http_streams **out_streams, struct error *err);
void http_streams_free(struct http_streams *streams); /* no stream may be left; NULL is fine */
AUTO_DEFINE(http_streams, http_streams_free);

enum http_room { HTTP_ROOM, HTTP_ROOM_NONE, HTTP_ROOM_NONE_FOR_HIM };
enum http_room http_streams_room(struct http_streams *streams, const struct http_hearer *hearer);

/** http_streams_respond - a stream that begins with @answer's body, which it takes. In the server's
 * thread. NULL: out of memory. */
struct MHD_Response *http_streams_respond(struct http_streams *streams,
                                          struct MHD_Connection *connection,
                                          struct http_answer *answer);

/** http_streams_publish - @numbered: with an id, so that whoever comes again knows where he was. */
uint64_t http_streams_publish(struct http_streams *streams, const char *event, size_t size,
                              bool numbered);
unsigned http_streams_count(struct http_streams *streams);

/* As http_server_hearers(). */
void http_streams_hearers(struct http_streams *streams,
                          bool (*may)(void *context, const struct http_hearer *hearer),
                          void *context);

/** http_streams_end - all of them, for good: none is suspended from here on. */
void http_streams_end(struct http_streams *streams);

#endif
