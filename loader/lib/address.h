/* SPDX-License-Identifier: Apache-2.0 */
/* address.h - whose network an address belongs to. Pure.
 *
 * An address that carries another (IPv4-mapped, 6to4, NAT64) is what that one is: spelling changes
 * nothing. @address is a struct sockaddr; families other than IPv4 and IPv6 are neither. */
#ifndef MAILCHUTE_LOADER_LIB_ADDRESS_H
#define MAILCHUTE_LOADER_LIB_ADDRESS_H

#include <stdbool.h>

struct sockaddr;

/** address_is_public - anybody in the Internet could be meant: not this machine, no private or
 * link-local network, no multicast, nothing that is reserved (IANA special-purpose registries). */
bool address_is_public(const struct sockaddr *address);

#endif
