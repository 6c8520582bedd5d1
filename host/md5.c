/* SPDX-License-Identifier: Apache-2.0 */
/* md5.c - see md5.h. Names of the steps are those of RFC 1321 s.3. */
#include <config.h>
#include "md5.h"

#include <string.h>

#define MD5_BLOCK 64u

/* The integer part of 4294967296 times abs(sin(i)), i from 1 on (s.3.4). */
static const uint32_t md5_table[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
static const uint8_t md5_turns[4][4] = {
    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static uint32_t md5_rotate(uint32_t value, uint8_t by)
{
    return value << by | value >> (32 - by);
}

/* F, G, H and I of b, c and d in round @round, and which word of the block goes in at step @i. */
static uint32_t md5_mix(unsigned round, const uint32_t s[4], unsigned i, unsigned *out_word)
{
    switch (round) {
    case 0:
        *out_word = i;
        return (s[1] & s[2]) | (~s[1] & s[3]);
    case 1:
        *out_word = (5 * i + 1) % 16;
        return (s[1] & s[3]) | (s[2] & ~s[3]);
    case 2:
        *out_word = (3 * i + 5) % 16;
        return s[1] ^ s[2] ^ s[3];
    default:
        *out_word = 7 * i % 16;
        return s[2] ^ (s[1] | ~s[3]);
    }
}

static void md5_block(uint32_t state[4], const uint8_t block[MD5_BLOCK])
{
    uint32_t x[16], s[4];
    for (size_t i = 0; i < 16; i++)
        x[i] = (uint32_t)block[4 * i] | (uint32_t)block[4 * i + 1] << 8 |
               (uint32_t)block[4 * i + 2] << 16 | (uint32_t)block[4 * i + 3] << 24;
    memcpy(s, state, sizeof s);
    for (unsigned i = 0; i < 64; i++) {
        unsigned word, round = i / 16;
        uint32_t sum = s[0] + md5_mix(round, s, i, &word) + md5_table[i];
        sum = s[1] + md5_rotate(sum + x[word], md5_turns[round][i % 4]);
        s[0] = s[3];
        s[3] = s[2];
        s[2] = s[1];
        s[1] = sum;
    }
    for (size_t i = 0; i < 4; i++)
        state[i] += s[i];
}

void md5(const void *bytes, size_t count, uint8_t out[MD5_SIZE])
{
    uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    const uint8_t *at = bytes;
    size_t left = count;
    for (; left >= MD5_BLOCK; at += MD5_BLOCK, left -= MD5_BLOCK)
        md5_block(state, at);
    uint8_t end[2 * MD5_BLOCK] = {0}; /* the rest, a bit, and the length in bits (s.3.1, s.3.2) */
    size_t size = left < MD5_BLOCK - 8 ? MD5_BLOCK : 2 * MD5_BLOCK;
    if (left > 0)
        memcpy(end, at, left);
    end[left] = 0x80;
    for (size_t i = 0; i < 8; i++)
        end[size - 8 + i] = (uint8_t)((uint64_t)count * 8 >> 8 * i);
    for (size_t i = 0; i < size; i += MD5_BLOCK)
        md5_block(state, end + i);
    for (size_t i = 0; i < MD5_SIZE; i++)
        out[i] = (uint8_t)(state[i / 4] >> 8 * (i % 4));
}
