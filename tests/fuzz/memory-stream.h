/* SPDX-License-Identifier: Apache-2.0 */
/* memory-stream.h - a server in memory, for fuzz targets that hold a whole dialogue.
 *
 * memory-stream.c is linked in the place of loader/lib/stream.c. Whoever opens a stream finds the
 * server in stream_settings.context, so a struct memory_server is the first member of what the
 * target gives as imap_host.context. No socket, no thread, no waiting: when the server has nothing
 * to say, and has been asked twice, it closes the connection. */
#ifndef MAILCHUTE_TESTS_MEMORY_STREAM_H
#define MAILCHUTE_TESTS_MEMORY_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"

#define MEMORY_COMMANDS_MAX 600u /* then the server closes the connection */
#define MEMORY_SAID_MAX (4u << 20)

struct memory_server {
    /* One line that came in, without its end; what is to be said goes to server->said. */
    void (*answer)(struct memory_server *server, const char *line);
    void (*giving)(struct memory_server *server); /* before bytes are given; NULL: nobody asks */
    struct buffer said; /* everything, from the beginning */
    size_t piece;       /* bytes given at once, 0: all there are */
    bool closed;        /* nothing more will be said */
    unsigned int commands;
    struct buffer line; /* the command that is coming in */
    size_t given;
    unsigned int asked; /* in vain, or behind the end */
};

void memory_server_init(struct memory_server *server,
                        void (*answer)(struct memory_server *server, const char *line));
void memory_server_done(struct memory_server *server);

#endif
