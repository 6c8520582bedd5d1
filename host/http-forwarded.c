/* SPDX-License-Identifier: Apache-2.0 */
/* http-forwarded.c - for whom a proxy asks. See http-forwarded.h. */
#include <config.h>
#include "http-forwarded.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "text.h"

#define FORWARDED_NODE_MAX 128u /* bytes of one entry's address, port and quotes included */

struct forwarded_ip {
    uint8_t bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
};

static const uint8_t forwarded_v4[12] = {[10] = 0xFF, [11] = 0xFF};

static bool forwarded_read_ip(const char *text, struct forwarded_ip *out)
{
    if (inet_pton(AF_INET6, text, out->bytes) == 1)
        return true;
    memcpy(out->bytes, forwarded_v4, sizeof forwarded_v4);
    return inet_pton(AF_INET, text, out->bytes + sizeof forwarded_v4) == 1;
}

static void forwarded_write_ip(const struct forwarded_ip *ip, char out[HTTP_CLIENT_SIZE])
{
    if (memcmp(ip->bytes, forwarded_v4, sizeof forwarded_v4) == 0)
        (void)inet_ntop(AF_INET, ip->bytes + sizeof forwarded_v4, out, HTTP_CLIENT_SIZE);
    else
        (void)inet_ntop(AF_INET6, ip->bytes, out, HTTP_CLIENT_SIZE);
}

/* ---- Proxies --------------------------------------------------------------------------------- */

struct forwarded_net {
    struct forwarded_ip ip;
    unsigned bits; /* of the 128 */
};

/* One word of @size bytes. */
static bool forwarded_read_net(const char *word, size_t size, struct forwarded_net *out)
{
    char text[INET6_ADDRSTRLEN + 4];
    uint64_t bits;
    if (size >= sizeof text)
        return false;
    memcpy(text, word, size);
    text[size] = '\0';
    char *slash = strchr(text, '/');
    unsigned most = strchr(text, ':') != NULL ? 128 : 32;
    out->bits = 128;
    if (slash != NULL) {
        *slash = '\0';
        if (text_to_u64(slash + 1, most, &bits) < 0)
            return false;
        out->bits = 128 - most + (unsigned)bits;
    }
    return forwarded_read_ip(text, &out->ip);
}

static bool forwarded_within(const struct forwarded_ip *ip, const struct forwarded_net *net)
{
    unsigned whole = net->bits / 8, rest = net->bits % 8;
    if (memcmp(ip->bytes, net->ip.bytes, whole) != 0)
        return false;
    return rest == 0 || (ip->bytes[whole] ^ net->ip.bytes[whole]) >> (8 - rest) == 0;
}

static bool forwarded_is_proxy(const struct forwarded_ip *ip, const char *proxies)
{
    struct forwarded_net net;
    for (proxies += strspn(proxies, " "); *proxies != '\0'; proxies += strspn(proxies, " ")) {
        size_t size = strcspn(proxies, " ");
        if (forwarded_read_net(proxies, size, &net) && forwarded_within(ip, &net))
            return true;
        proxies += size;
    }
    return false;
}

bool http_forwarded_proxies(const char *proxies)
{
    struct forwarded_net net;
    for (proxies += strspn(proxies, " "); *proxies != '\0'; proxies += strspn(proxies, " ")) {
        size_t size = strcspn(proxies, " ");
        if (!forwarded_read_net(proxies, size, &net))
            return false;
        proxies += size;
    }
    return true;
}

/* ---- The list -------------------------------------------------------------------------------- */

struct forwarded_span {
    const char *start, *end;
};

static void forwarded_trim(struct forwarded_span *span)
{
    while (span->start < span->end && text_is_space(*span->start))
        span->start++;
    while (span->end > span->start && text_is_space(span->end[-1]))
        span->end--;
}

/* The last entry; *list is what stands before it, false when there is none. From the end, quotes or
 * not: what a stranger opened before must not swallow what a proxy added behind it. */
static bool forwarded_last(struct forwarded_span *list, struct forwarded_span *out)
{
    if (list->end == list->start)
        return false;
    const char *at = list->end;
    while (at > list->start && at[-1] != ',')
        at--;
    *out = (struct forwarded_span){at, list->end};
    list->end = at > list->start ? at - 1 : at;
    return true;
}

/* Is the comma that this entry begins behind inside of quotes? Then a stranger wrote all of it, into
 * something else that the proxy passes on. */
static bool forwarded_is_torn(struct forwarded_span entry)
{
    bool quoted = false;
    for (const char *at = entry.start; at < entry.end; at++)
        if (quoted && *at == '\\' && at + 1 < entry.end)
            at++;
        else if (*at == '"')
            quoted = !quoted;
    return quoted;
}

/* What stands behind for= in an entry of Forwarded; false when that is not there. */
static bool forwarded_for(struct forwarded_span *entry)
{
    while (entry->start < entry->end) {
        const char *end = memchr(entry->start, ';', (size_t)(entry->end - entry->start));
        struct forwarded_span pair = {entry->start, end == NULL ? entry->end : end};
        entry->start = end == NULL ? entry->end : end + 1;
        forwarded_trim(&pair);
        if (pair.end - pair.start < 4 || !text_starts_nocase(pair.start, "for="))
            continue;
        *entry = (struct forwarded_span){pair.start + 4, pair.end};
        return true;
    }
    return false;
}

/* 192.0.2.1, 192.0.2.1:47011, 2001:db8::1, [2001:db8::1]:47011, each quoted or not. */
static bool forwarded_node(struct forwarded_span node, struct forwarded_ip *out)
{
    char text[FORWARDED_NODE_MAX];
    if (node.end - node.start >= 2 && *node.start == '"' && node.end[-1] == '"')
        node = (struct forwarded_span){node.start + 1, node.end - 1};
    size_t size = (size_t)(node.end - node.start);
    if (size == 0 || size >= sizeof text)
        return false;
    memcpy(text, node.start, size);
    text[size] = '\0';
    char *at = text, *close = strchr(text, ']'), *colon = strchr(text, ':');
    if (*at == '[') {
        if (close == NULL || (close[1] != '\0' && close[1] != ':'))
            return false;
        *close = '\0';
        at++;
    } else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        *colon = '\0';
    }
    return forwarded_read_ip(at, out);
}

const char *http_forwarded_name(enum http_forwarded kind)
{
    return kind == HTTP_FORWARDED ? "Forwarded" : "X-Forwarded-For";
}

void http_forwarded_client(const char *peer, const char *proxies, enum http_forwarded kind,
                           const char *list, char out_client[HTTP_CLIENT_SIZE])
{
    struct forwarded_span rest = {list, list == NULL ? NULL : list + strlen(list)}, entry;
    struct forwarded_ip client, next;
    if (!forwarded_read_ip(peer, &client)) {
        text_copy(out_client, HTTP_CLIENT_SIZE, peer);
        return;
    }
    while (list != NULL && forwarded_is_proxy(&client, proxies) && forwarded_last(&rest, &entry)) {
        forwarded_trim(&entry);
        if (kind == HTTP_FORWARDED && forwarded_is_torn(entry)) {
            text_copy(out_client, HTTP_CLIENT_SIZE, "unknown");
            return;
        }
        if ((kind == HTTP_FORWARDED && !forwarded_for(&entry)) || !forwarded_node(entry, &next))
            break;
        client = next;
    }
    forwarded_write_ip(&client, out_client);
}

bool http_forwarded_is_local(const char *client)
{
    static const struct forwarded_ip six = {.bytes = {[15] = 1}};
    struct forwarded_ip ip;
    if (!forwarded_read_ip(client, &ip))
        return false;
    return memcmp(&ip, &six, sizeof ip) == 0 ||
           (memcmp(ip.bytes, forwarded_v4, sizeof forwarded_v4) == 0 && ip.bytes[12] == 127);
}
