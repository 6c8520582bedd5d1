/* SPDX-License-Identifier: Apache-2.0 */
/* http-listen.c - what an HTTP server starts from. See http-listen.h. */
#include <config.h>
#include "http-listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cleanup.h"
#include "text.h"

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

/* What an address means. */
struct http_where {
    union {
        struct sockaddr any;
        struct sockaddr_in six4;
        struct sockaddr_in6 six6;
    } to;
    socklen_t size;
    struct http_listener listener;
};

static int http_resolve(const char *where, struct http_where *out, struct error *err)
{
    uint16_t port;
    char host[INET6_ADDRSTRLEN + 2];
    *out = (struct http_where){.size = sizeof out->to.six4};
    out->to.six4.sin_family = AF_INET;
    if (http_read_address(where, host, sizeof host, &port) < 0)
        return error_set(err, ERROR_CONFIG, "'%.80s' is no address to listen at; write "
                         "127.0.0.1:8425", where);
    text_copy(out->listener.address, sizeof out->listener.address, host);
    out->to.six4.sin_port = htons(port);
    bool six = host[0] == '[' && host[strlen(host) - 1] == ']';
    if (six) {
        host[strlen(host) - 1] = '\0';
        out->size = sizeof out->to.six6;
        out->to.six6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
    }
    if (inet_pton(six ? AF_INET6 : AF_INET, host + six,
                  six ? (void *)&out->to.six6.sin6_addr : &out->to.six4.sin_addr) != 1)
        return error_set(err, ERROR_CONFIG, "'%.80s' is no address to listen at; write "
                         "127.0.0.1:8425", where);
    return 0;
}

int http_listen_check(const char *where, struct error *err)
{
    struct http_where ignored;
    return http_resolve(where, &ignored, err);
}

static int http_bind(const char *where, struct http_listener *listener, int *out_fd,
                     struct error *err)
{
    struct http_where at;
    if (http_resolve(where, &at, err) < 0)
        return -1;
    *listener = at.listener;
    AUTO_FD fd = socket(at.to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, &at.to.any, at.size) < 0)
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
    if (at.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&at)->sin6_port);
    /* analyse: all of it was zero before getsockname(), and that filled in what the family has */
    return ntohs(((struct sockaddr_in *)&at)->sin_port);
}

bool http_listen_is_local(const char *where)
{
    char host[INET6_ADDRSTRLEN + 2];
    struct in_addr four;
    uint16_t port;
    if (http_read_address(where, host, sizeof host, &port) < 0)
        return false;
    return text_equal(host, "[::1]") ||
           (inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127);
}

int http_listen_open(const char *where, struct http_listener *out_listener, int *out_fd,
                     struct error *err)
{
    int opened;
    if (http_bind(where, out_listener, &opened, err) < 0)
        return -1;
    AUTO_FD fd = opened;
    if (listen(fd, SOMAXCONN) < 0)
        return error_set(err, ERROR_CONFIG, "cannot listen at '%.80s': %s; choose another by "
                         "--listen", where, strerror(errno));
    out_listener->port = http_port_of(fd);
    *out_fd = TAKE_FD(fd);
    return 0;
}

void http_listen_peer_text(const struct sockaddr *peer, char *out, size_t size)
{
    const void *bytes = NULL;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (peer != NULL && peer->sa_family == AF_INET) {
        memcpy(&v4, peer, sizeof v4);
        bytes = &v4.sin_addr;
    } else if (peer != NULL && peer->sa_family == AF_INET6) {
        memcpy(&v6, peer, sizeof v6);
        bytes = &v6.sin6_addr;
    }
    if (bytes == NULL || inet_ntop(peer->sa_family, bytes, out, (socklen_t)size) == NULL)
        out[0] = '\0';
}

int http_listen_read_pem(const char *path, struct buffer *out, struct error *err)
{
    ssize_t n = 1;
    if (path[0] == '\0')
        return 0;
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return error_set(err, ERROR_CONFIG, "'%.300s' cannot be opened: %s; check its name and "
                         "rights", path, strerror(errno));
    while (n > 0 && buffer_reserve(out, 4096) == 0) {
        n = read(fd, out->data + out->len, 4096);
        if (n > 0)
            buffer_added(out, (size_t)n);
    }
    if (n != 0 || strstr(buffer_text(out), "-----BEGIN ") == NULL)
        return error_set(err, ERROR_CONFIG, "'%.300s' is no PEM file; check that it is the right "
                         "one", path);
    return 0;
}
