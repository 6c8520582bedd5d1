/* SPDX-License-Identifier: Apache-2.0 */
/* rtf-lzfu.h - compressed RTF (PR_RTF_COMPRESSED, MS-OXRTFCP) unpacked as a stream.
 *
 * Memory is the struct (a window of 4 kB); time is linear: a byte in gives at most 8.5 bytes out,
 * and never more than @limit in all. Every split gives the same result. The checksum is not
 * checked: a body that is nearly right is better than none. */
#ifndef MAILCHUTE_MIME_RTF_LZFU_H
#define MAILCHUTE_MIME_RTF_LZFU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTF_LZFU_WINDOW 4096u /* bytes of the dictionary (MS-OXRTFCP s.2.1.1) */
#define RTF_LZFU_HEADER 16u   /* bytes before the contents: two sizes, the kind, a checksum */

enum rtf_lzfu_state {
    RTF_LZFU_IN_HEADER,
    RTF_LZFU_PLAIN, /* "MELA": not compressed */
    RTF_LZFU_FLAGS, /* the next byte tells the kinds of the 8 tokens behind it */
    RTF_LZFU_TOKEN,
    RTF_LZFU_HALF, /* the first byte of a reference is in held */
    RTF_LZFU_END   /* complete, or broken */
};

struct rtf_lzfu {
    enum rtf_lzfu_state state;
    bool broken;    /* what came is no compressed RTF */
    bool cut;       /* the limit was reached, the rest is left out */
    bool sized;     /* left is what a stored text said it has: behind it stands padding */
    uint8_t header[RTF_LZFU_HEADER];
    uint8_t have;   /* bytes of the header */
    uint8_t flags, tokens; /* tokens: how many of these flags are left */
    uint8_t held;
    uint16_t at;    /* where the next byte goes in the window */
    size_t left;    /* bytes that may still come out */
    size_t made;    /* bytes that came out */
    uint8_t window[RTF_LZFU_WINDOW];
};

/* Takes what comes out; -1 stops. */
typedef int (*rtf_lzfu_take)(void *context, const uint8_t *bytes, size_t count);

/** rtf_lzfu_init - start; no more than @limit bytes will come out. */
void rtf_lzfu_init(struct rtf_lzfu *z, size_t limit);

/** rtf_lzfu_feed - unpack the next bytes. -1 only when @take said so. */
int rtf_lzfu_feed(struct rtf_lzfu *z, const uint8_t *bytes, size_t count, rtf_lzfu_take take,
                  void *context);

#endif
