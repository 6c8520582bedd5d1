/* SPDX-License-Identifier: Apache-2.0 */
/* md5.h - MD5 (RFC 1321), to find what older programs stored by it. Nothing is kept safe by it:
 * whoever wants can make two texts of one digest. Pure. */
#ifndef MAILCHUTE_HOST_MD5_H
#define MAILCHUTE_HOST_MD5_H

#include <stddef.h>
#include <stdint.h>

#define MD5_SIZE 16u

void md5(const void *bytes, size_t count, uint8_t out[MD5_SIZE]);

#endif
