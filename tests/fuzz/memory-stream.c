/* SPDX-License-Identifier: Apache-2.0 */
/* memory-stream.c - a server in memory. See memory-stream.h and stream.h. */
#include <config.h>
#include "memory-stream.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stream.h"

#define MEMORY_PATIENCE 2u       /* times in vain before the server closes */
#define MEMORY_BEHIND_END 10000u /* receives behind the end that no bounded client makes */
#define MEMORY_LINE_MAX (1u << 20)

struct stream {
    struct memory_server *server;
    int fd; /* of /dev/null: poll() finds it ready, always */
};

void memory_server_init(struct memory_server *server,
                        void (*answer)(struct memory_server *server, const char *line))
{
    *server = (struct memory_server){.answer = answer};
    buffer_init(&server->said, MEMORY_SAID_MAX);
    buffer_init(&server->line, MEMORY_LINE_MAX);
}

void memory_server_done(struct memory_server *server)
{
    buffer_done(&server->said);
    buffer_done(&server->line);
}

int stream_open(const struct stream_settings *settings, struct stream **out_stream,
                struct error *err)
{
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return error_oom(err, "connecting");
    stream->server = settings->context;
    stream->fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    *out_stream = stream;
    return 0;
}

void stream_close(struct stream *stream)
{
    if (stream == NULL)
        return;
    close(stream->fd);
    free(stream);
}

void stream_facts(const struct stream *stream, struct stream_facts *out_facts)
{
    (void)stream;
    *out_facts = (struct stream_facts){"127.0.0.1", "plain text", false, false};
}

int stream_fd(const struct stream *stream)
{
    return stream->fd;
}

enum stream_result stream_send(struct stream *stream, const void *bytes, size_t count,
                               size_t *out_sent, struct error *err)
{
    struct memory_server *server = stream->server;
    const char *at = bytes;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        bool end = at[i] == '\n' && server->line.len > 0 &&
                   server->line.data[server->line.len - 1] == '\r';
        if (!end) {
            buffer_append_byte(&server->line, (uint8_t)at[i]);
            continue;
        }
        buffer_truncate(&server->line, server->line.len - 1);
        if (!server->closed && ++server->commands <= MEMORY_COMMANDS_MAX)
            server->answer(server, buffer_text(&server->line));
        else
            server->closed = true;
        server->asked = 0;
        buffer_clear(&server->line);
    }
    *out_sent = count;
    return STREAM_OK;
}

void stream_expect_much(struct stream *stream)
{
    (void)stream;
}

enum stream_result stream_receive(struct stream *stream, void *bytes, size_t capacity,
                                  size_t *out_count, struct error *err)
{
    struct memory_server *server = stream->server;
    size_t left = server->said.len - server->given;
    (void)err;
    if (server->asked > MEMORY_BEHIND_END)
        abort(); /* the client does not see that the connection is gone */
    bool pause = server->piece != 0 && server->given % 4 == 3 && server->asked == 0;
    if (left == 0 || pause)
        return server->asked++ < MEMORY_PATIENCE && !(server->closed && left == 0) ? STREAM_AGAIN
                                                                                   : STREAM_END;
    size_t count = server->piece != 0 && server->piece < left ? server->piece : left;
    count = count < capacity ? count : capacity;
    if (server->giving != NULL)
        server->giving(server);
    memcpy(bytes, server->said.data + server->given, count);
    server->given += count;
    server->asked = 0;
    *out_count = count;
    return STREAM_OK;
}
