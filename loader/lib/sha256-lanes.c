/* SPDX-License-Identifier: Apache-2.0 */
/* sha256-lanes.c - SHA-256 by the SHA extensions of x86. See sha256-lanes.h.
 *
 * SHA256RNDS2 does two rounds on a hash that lies in two registers, ABEF and CDGH, each the other's
 * turn; SHA256MSG1 and SHA256MSG2 extend the message schedule by four words (Intel 64 and IA-32
 * Architectures Software Developer's Manual, volume 2). */
#include <config.h>
#include "sha256-lanes.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>

#define ROUNDS 64u
#define FOURS (ROUNDS / 4)            /* rounds are done by four */
#define SCHEDULED ((ROUNDS - 16) / 4) /* of them extend the schedule */
#define LANES __attribute__((target("sha,sse4.1")))

/* s.4.2.2 */
static const uint32_t constants[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* A hash as the instructions want it. */
struct halves {
    __m128i abef, cdgh;
};

static bool ask_processor(void)
{
    unsigned int a, b, c, d;
    return __builtin_cpu_supports("sse4.1") && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 &&
           (b & bit_SHA) != 0;
}

/* Asked once: in a virtual machine it is the hypervisor who answers, which takes microseconds. */
bool sha256_lanes_can(void)
{
    enum { UNKNOWN, NO, YES };
    static atomic_int known = UNKNOWN;
    int can = atomic_load_explicit(&known, memory_order_relaxed);
    if (can == UNKNOWN) {
        can = ask_processor() ? YES : NO;
        atomic_store_explicit(&known, can, memory_order_relaxed);
    }
    return can == YES;
}

LANES static inline struct halves halves_load(const uint32_t *hash)
{
    __m128i dcba = _mm_loadu_si128((const __m128i_u *)(const void *)hash);
    __m128i hgfe = _mm_loadu_si128((const __m128i_u *)(const void *)(hash + 4));
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xB1), efgh = _mm_shuffle_epi32(hgfe, 0x1B);
    return (struct halves){_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xF0)};
}

LANES static inline void halves_store(struct halves halves, uint32_t *hash)
{
    __m128i feba = _mm_shuffle_epi32(halves.abef, 0x1B);
    __m128i dchg = _mm_shuffle_epi32(halves.cdgh, 0xB1);
    _mm_storeu_si128((__m128i_u *)(void *)hash, _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128((__m128i_u *)(void *)(hash + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* Four rounds of one message, the @four-th; @words is a ring of the last sixteen of its schedule. */
LANES static inline __attribute__((always_inline)) void
four_rounds(struct halves *halves, __m128i words[4], unsigned int four)
{
    __m128i *now = &words[four % 4], before = words[(four + 3) % 4];
    __m128i sum = _mm_add_epi32(
        *now, _mm_loadu_si128((const __m128i_u *)(const void *)(constants + 4 * (size_t)four)));
    halves->cdgh = _mm_sha256rnds2_epu32(halves->cdgh, halves->abef, sum);
    if (four < SCHEDULED)
        *now =
            _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(*now, words[(four + 1) % 4]),
                                               _mm_alignr_epi8(before, words[(four + 2) % 4], 4)),
                                 before);
    halves->abef = _mm_sha256rnds2_epu32(halves->abef, halves->cdgh, _mm_shuffle_epi32(sum, 0x0E));
}

/* One block of each of @count messages; @count is known when this is compiled. */
LANES static inline __attribute__((always_inline)) void
block(struct sha256_lane *lanes, struct halves *halves, unsigned int count)
{
    const __m128i big_endian = _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    __m128i words[2][4];
    struct halves before[2];
    for (unsigned int i = 0; i < count; i++) {
        before[i] = halves[i];
        for (unsigned int k = 0; k < 4; k++)
            words[i][k] = _mm_shuffle_epi8(
                _mm_loadu_si128((const __m128i_u *)(const void *)(lanes[i].bytes + 16 * (size_t)k)),
                big_endian);
        lanes[i].bytes += SHA256_BLOCK;
    }
#pragma GCC unroll 16
    for (unsigned int four = 0; four < FOURS; four++) {
#pragma GCC unroll 2
        for (unsigned int i = 0; i < count; i++)
            four_rounds(&halves[i], words[i], four);
    }
    for (unsigned int i = 0; i < count; i++) {
        halves[i].abef = _mm_add_epi32(halves[i].abef, before[i].abef);
        halves[i].cdgh = _mm_add_epi32(halves[i].cdgh, before[i].cdgh);
    }
}

LANES void sha256_lanes_one(struct sha256_lane *lane, size_t blocks)
{
    struct halves halves = halves_load(lane->hash);
    while (blocks-- > 0)
        block(lane, &halves, 1);
    halves_store(halves, lane->hash);
}

LANES void sha256_lanes_two(struct sha256_lane lanes[2], size_t blocks)
{
    struct halves halves[2] = {halves_load(lanes[0].hash), halves_load(lanes[1].hash)};
    while (blocks-- > 0)
        block(lanes, halves, 2);
    halves_store(halves[0], lanes[0].hash);
    halves_store(halves[1], lanes[1].hash);
}

#else

bool sha256_lanes_can(void)
{
    return false;
}

void sha256_lanes_one(struct sha256_lane *lane, size_t blocks)
{
    (void)lane;
    (void)blocks;
}

void sha256_lanes_two(struct sha256_lane lanes[2], size_t blocks)
{
    (void)lanes;
    (void)blocks;
}

#endif
