/* SPDX-License-Identifier: Apache-2.0 */
/* address.c - whose network an address belongs to. See address.h. */
#include <config.h>
#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

struct address_v4_net {
    uint32_t net;
    unsigned bits;
};

/* What nobody reaches through the Internet (RFC 6890 and its registry). */
static const struct address_v4_net address_v4_special[] = {
    {0x00000000, 8},  /* this network, unspecified */
    {0x0A000000, 8},  /* private */
    {0x64400000, 10}, /* carrier-grade NAT */
    {0x7F000000, 8},  /* loopback */
    {0xA9FE0000, 16}, /* link-local; metadata services */
    {0xAC100000, 12}, /* private */
    {0xC0000000, 24}, /* protocol assignments */
    {0xC0000200, 24}, /* documentation */
    {0xC0586300, 24}, /* 6to4 relays */
    {0xC0A80000, 16}, /* private */
    {0xC6120000, 15}, /* benchmarks */
    {0xC6336400, 24}, /* documentation */
    {0xCB007100, 24}, /* documentation */
    {0xE0000000, 3},  /* multicast, reserved, broadcast */
};

static bool address_v4_is_public(uint32_t host_order)
{
    for (size_t i = 0; i < sizeof address_v4_special / sizeof address_v4_special[0]; i++)
        if ((host_order ^ address_v4_special[i].net) >> (32 - address_v4_special[i].bits) == 0)
            return false;
    return true;
}

/* The four bytes at @at as an IPv4 address. */
static bool address_inner_is_public(const uint8_t *at)
{
    return address_v4_is_public((uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
                                (uint32_t)at[2] << 8 | at[3]);
}

/* Of IPv6 only 2000::/3 is given out. */
static bool address_v6_is_public(const uint8_t a[16])
{
    static const uint8_t nat64[12] = {0x00, 0x64, 0xFF, 0x9B};
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    if (memcmp(a, mapped, sizeof mapped) == 0 || memcmp(a, nat64, sizeof nat64) == 0)
        return address_inner_is_public(a + 12);
    if (a[0] == 0x20 && a[1] == 0x02) /* 6to4 */
        return address_inner_is_public(a + 2);
    if (a[0] == 0x20 && a[1] == 0x01 && a[2] < 0x02) /* 2001::/23: Teredo and the like */
        return false;
    if (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0D && a[3] == 0xB8) /* documentation */
        return false;
    return (a[0] & 0xE0) == 0x20;
}

bool address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        return address_v4_is_public(ntohl(v4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        return address_v6_is_public(v6.sin6_addr.s6_addr);
    }
    return false;
}
