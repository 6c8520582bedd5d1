/* SPDX-License-Identifier: Apache-2.0 */
/* http-server.c - a small HTTP server on loopback. See http-server.h. */
#include <config.h>
#include "http-server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cleanup.h"
#include "text.h"

struct http_server {
    struct MHD_Daemon *daemon;
    void (*answer)(void *context, const struct http_request *request,
                   struct http_answer *out_answer);
    void *context;
    char address[INET6_ADDRSTRLEN + 2]; /* as it stands in a Host header */
    unsigned port;
};

/* ---- Answering ------------------------------------------------------------------------------- */

/* The host of a Host header, without its port. */
static bool http_host_is(const char *header, const char *name)
{
    size_t size = strlen(name);
    return text_starts_nocase(header, name) && (header[size] == '\0' || header[size] == ':');
}

static bool http_host_is_ours(const struct http_server *server, const char *header)
{
    return header == NULL || http_host_is(header, "localhost") ||
           http_host_is(header, "127.0.0.1") || http_host_is(header, "[::1]") ||
           http_host_is(header, server->address);
}

static enum MHD_Result http_send(struct MHD_Connection *connection, int code, const char *type,
                                 const struct buffer *body)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body->len, body->data, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    (void)MHD_add_response_header(response, "Content-Type", type);
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    (void)MHD_add_response_header(response, "Content-Security-Policy", "default-src 'none'");
    enum MHD_Result queued = MHD_queue_response(connection, (unsigned)code, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result http_refuse(struct MHD_Connection *connection, int code, const char *why)
{
    AUTO_DONE(buffer) body;
    buffer_init(&body, 256);
    (void)buffer_append_text(&body, why);
    return http_send(connection, code, "text/plain; charset=utf-8", &body);
}

static enum MHD_Result http_handle(void *context, struct MHD_Connection *connection,
                                   const char *path, const char *method, const char *version,
                                   const char *upload, size_t *upload_size, void **state)
{
    struct http_server *server = context;
    (void)version;
    (void)upload;
    (void)state;
    if (!text_equal(method, "GET") && !text_equal(method, "HEAD"))
        return http_refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    if (*upload_size != 0)
        return MHD_NO;
    if (!http_host_is_ours(server, MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host")))
        return http_refuse(connection, MHD_HTTP_FORBIDDEN, "this is another host\n");
    const struct http_request request = {
        path, MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "source")};
    struct http_answer answer = {.code = MHD_HTTP_OK, .type = "application/json"};
    buffer_init(&answer.body, HTTP_ANSWER_MAX);
    server->answer(server->context, &request, &answer);
    enum MHD_Result sent = http_send(connection, answer.code, answer.type, &answer.body);
    buffer_done(&answer.body);
    return sent;
}

/* ---- Listening ------------------------------------------------------------------------------- */

/* "127.0.0.1:8425", "[::1]:8425", "localhost:8425". */
static int http_read_address(const char *where, char *out_host, size_t size, uint16_t *out_port)
{
    const char *colon = strrchr(where, ':');
    uint64_t port;
    if (colon == NULL || text_to_u64(colon + 1, 65535, &port) < 0 ||
        (size_t)(colon - where) >= size)
        return -1;
    memcpy(out_host, where, (size_t)(colon - where));
    out_host[colon - where] = '\0';
    if (text_equal_nocase(out_host, "localhost"))
        text_copy(out_host, size, "127.0.0.1");
    *out_port = (uint16_t)port;
    return 0;
}

static int http_bind(const char *where, struct http_server *server, int *out_fd,
                     struct error *err)
{
    struct sockaddr_in six4 = {.sin_family = AF_INET};
    struct sockaddr_in6 six6 = {.sin6_family = AF_INET6};
    const struct sockaddr *to = (const struct sockaddr *)&six4;
    socklen_t size = sizeof six4;
    uint16_t port;
    char host[INET6_ADDRSTRLEN + 2];
    if (http_read_address(where, host, sizeof host, &port) < 0)
        return error_set(err, ERROR_CONFIG, "'%.80s' is no address to listen at; write "
                         "127.0.0.1:8425", where);
    text_copy(server->address, sizeof server->address, host);
    six4.sin_port = six6.sin6_port = htons(port);
    if (host[0] == '[' && host[strlen(host) - 1] == ']') {
        host[strlen(host) - 1] = '\0';
        to = (const struct sockaddr *)&six6;
        size = sizeof six6;
    }
    if (inet_pton(to->sa_family, host + (to->sa_family == AF_INET6),
                  to->sa_family == AF_INET6 ? (void *)&six6.sin6_addr : &six4.sin_addr) != 1)
        return error_set(err, ERROR_CONFIG, "'%.80s' is no address to listen at; write "
                         "127.0.0.1:8425", where);
    AUTO_FD fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, to, size) < 0)
        return error_set(err, ERROR_CONFIG, "cannot listen at '%.80s': %s; choose another by "
                         "--listen", where, strerror(errno));
    *out_fd = TAKE_FD(fd);
    return 0;
}

static unsigned http_port_of(int fd)
{
    struct sockaddr_storage at = {0};
    socklen_t size = sizeof at;
    if (getsockname(fd, (struct sockaddr *)&at, &size) < 0)
        return 0;
    return at.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&at)->sin6_port)
                                    : ntohs(((struct sockaddr_in *)&at)->sin_port);
}

int http_server_new(const char *listen_at,
                    void (*answer)(void *context, const struct http_request *request,
                                   struct http_answer *out_answer),
                    void *context, struct http_server **out_server, struct error *err)
{
    AUTO(http_server) server = calloc(1, sizeof *server);
    AUTO_FD fd = -1;
    if (server == NULL)
        return error_oom(err, "starting the HTTP server");
    server->answer = answer;
    server->context = context;
    if (http_bind(listen_at, server, &fd, err) < 0)
        return -1;
    server->port = http_port_of(fd);
    if (listen(fd, 64) == 0) /* AUTO: not select(), which knows 1,024 descriptors */
        server->daemon = MHD_start_daemon(
            MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, http_handle, server,
            MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, HTTP_CONNECTIONS_MAX,
            MHD_OPTION_CONNECTION_TIMEOUT, HTTP_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
            (size_t)HTTP_HEAD_MAX, MHD_OPTION_END);
    if (server->daemon == NULL)
        return error_set(err, ERROR_BUG, "the HTTP server does not start at '%.80s'", listen_at);
    (void)TAKE_FD(fd); /* closed with the daemon */
    *out_server = TAKE(server);
    return 0;
}

unsigned http_server_port(const struct http_server *server)
{
    return server->port;
}

void http_server_free(struct http_server *server)
{
    if (server == NULL)
        return;
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon);
    free(server);
}
