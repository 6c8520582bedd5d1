/* SPDX-License-Identifier: Apache-2.0 */
/* bench-drain - the least that a client can do with a mailbox: the limit that others are held to.
 *
 *     bench-drain PORT USER PASSWORD [--tls CA-FILE] [--move FOLDER]
 *
 * Logs in to localhost, asks for every message at once (UID FETCH 1:* (UID BODY.PEEK[])), counts
 * what comes and throws it away; then, with --move, UID MOVE of all. One connection, a buffer of
 * 256 KiB, literals skipped by their length. Prints {"messages": N, "bytes": N, "seconds": N}, the
 * seconds from the connection to the last answer. */
#include <config.h>

#include <arpa/inet.h>
#include <err.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define IN_BYTES (256u * 1024)
#define LINE_BYTES 8192u

struct link {
    int fd;
    SSL_CTX *context;
    SSL *tls;              /* NULL: plain */
    size_t at, end;        /* what is unread in @in */
    uint64_t bodies, bytes; /* literals seen, and their bytes */
    char in[IN_BYTES];
    char line[LINE_BYTES]; /* the last line read, without its literals */
};

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

static void link_tls(struct link *link, const char *ca_file)
{
    link->context = SSL_CTX_new(TLS_client_method());
    if (link->context == NULL || SSL_CTX_load_verify_locations(link->context, ca_file, NULL) != 1)
        errx(78, "%s: it has no certificates", ca_file);
    SSL_CTX_set_verify(link->context, SSL_VERIFY_PEER, NULL);
    link->tls = SSL_new(link->context);
    if (link->tls == NULL || SSL_set1_host(link->tls, "localhost") != 1 ||
        SSL_set_fd(link->tls, link->fd) != 1 || SSL_connect(link->tls) != 1)
        errx(76, "TLS fails; is the certificate for localhost?");
}

static void link_open(struct link *link, uint16_t port, const char *ca_file)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    link->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (link->fd < 0 || connect(link->fd, (struct sockaddr *)&to, sizeof to) < 0)
        err(69, "port %u", port);
    (void)setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (ca_file != NULL)
        link_tls(link, ca_file);
}

static void link_fill(struct link *link)
{
    ssize_t n = link->tls != NULL ? SSL_read(link->tls, link->in, IN_BYTES)
                                  : read(link->fd, link->in, IN_BYTES);
    if (n <= 0)
        errx(75, "the connection is lost");
    link->at = 0;
    link->end = (size_t)n;
}

__attribute__((format(printf, 2, 3))) static void link_send(struct link *link, const char *format,
                                                            ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int count = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ssize_t n = link->tls != NULL ? SSL_write(link->tls, text, count)
                                  : write(link->fd, text, (size_t)count);
    if (n != count)
        errx(75, "the connection is lost");
}

/* ---- Lines and literals ---------------------------------------------------------------------- */

static void link_skip(struct link *link, uint64_t count)
{
    while (count > 0) {
        if (link->at == link->end)
            link_fill(link);
        size_t step = link->end - link->at;
        step = step < count ? step : (size_t)count;
        link->at += step;
        count -= step;
    }
}

/* Up to the next LF, appended to link->line at @used. What does not fit is dropped. */
static size_t link_piece(struct link *link, size_t used)
{
    for (;;) {
        if (link->at == link->end)
            link_fill(link);
        const char *from = link->in + link->at;
        const char *lf = memchr(from, '\n', link->end - link->at);
        size_t count = (lf == NULL ? link->end - link->at : (size_t)(lf - from) + 1);
        size_t room = LINE_BYTES - 1 - used;
        memcpy(link->line + used, from, count < room ? count : room);
        used += count < room ? count : room;
        link->at += count;
        if (lf != NULL) {
            link->line[used] = '\0';
            return used;
        }
    }
}

/* Whether the line ends in {N} CRLF. */
static bool line_literal(const char *line, size_t count, uint64_t *out_size)
{
    if (count < 5 || memcmp(line + count - 3, "}\r\n", 3) != 0)
        return false;
    const char *open = memrchr(line, '{', count);
    if (open == NULL)
        return false;
    *out_size = strtoull(open + 1, NULL, 10);
    return true;
}

static void link_line(struct link *link)
{
    uint64_t size;
    size_t used = link_piece(link, 0);
    while (line_literal(link->line, used, &size)) {
        link->bodies++;
        link->bytes += size;
        link_skip(link, size);
        used = link_piece(link, used);
    }
}

static void link_until(struct link *link, const char *tag)
{
    size_t count = strlen(tag);
    do {
        link_line(link);
    } while (strncmp(link->line, tag, count) != 0);
    if (strncmp(link->line + count, " OK", 3) != 0)
        errx(76, "the server says %s", link->line);
}

/* ---- The dialogue ---------------------------------------------------------------------------- */

static void drain(struct link *link, const char *user, const char *password, const char *folder)
{
    link_line(link);
    link_send(link, "a LOGIN \"%s\" \"%s\"\r\n", user, password);
    link_until(link, "a");
    if (folder != NULL) {
        link_send(link, "b CREATE \"%s\"\r\n", folder);
        link_line(link); /* it may be there */
        while (strncmp(link->line, "b ", 2) != 0)
            link_line(link);
    }
    link_send(link, "c SELECT INBOX\r\n");
    link_until(link, "c");
    link_send(link, "d UID FETCH 1:* (UID BODY.PEEK[])\r\n");
    link_until(link, "d");
    if (folder != NULL) { /* not before: a server may run both at once, and forget to fetch */
        link_send(link, "e UID MOVE 1:* \"%s\"\r\n", folder);
        link_until(link, "e");
    }
    link_send(link, "f LOGOUT\r\n");
    link_until(link, "f");
}

int main(int argc, char **argv)
{
    static struct link link;
    const char *ca_file = NULL, *folder = NULL;
    if (argc < 4 || argc % 2 != 0)
        errx(64, "usage: bench-drain PORT USER PASSWORD [--tls CA-FILE] [--move FOLDER]");
    for (int i = 4; i < argc; i += 2) {
        if (strcmp(argv[i], "--tls") == 0)
            ca_file = argv[i + 1];
        else if (strcmp(argv[i], "--move") == 0)
            folder = argv[i + 1];
        else
            errx(64, "unknown option '%s'", argv[i]);
    }
    double start = now();
    link_open(&link, (uint16_t)strtoul(argv[1], NULL, 10), ca_file);
    drain(&link, argv[2], argv[3], folder);
    (void)printf("{\"messages\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"seconds\": %.6f}\n",
                 link.bodies, link.bytes, now() - start);
    SSL_free(link.tls);
    SSL_CTX_free(link.context);
    (void)close(link.fd);
    return 0;
}
