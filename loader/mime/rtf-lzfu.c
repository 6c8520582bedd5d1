/* SPDX-License-Identifier: Apache-2.0 */
/* rtf-lzfu.c - compressed RTF unpacked. See rtf-lzfu.h; MS-OXRTFCP s.2.1, s.3.1. */
#include <config.h>
#include "rtf-lzfu.h"

#include <string.h>

#define RTF_LZFU_COMPRESSED 0x75465A4Cu /* "LZFu" */
#define RTF_LZFU_STORED 0x414C454Du     /* "MELA" */
#define RTF_LZFU_PIECE 512u             /* bytes gathered before they are given away */
#define RTF_LZFU_LONGEST 17u            /* bytes of the longest reference */

/* What both sides have in the window before the first byte (s.2.1.2.1). */
static const char rtf_lzfu_preset[] =
    "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    "\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0"
    "\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/* Bytes on their way out. */
struct rtf_lzfu_out {
    struct rtf_lzfu *z;
    rtf_lzfu_take take;
    void *context;
    size_t len;
    uint8_t bytes[RTF_LZFU_PIECE];
};

void rtf_lzfu_init(struct rtf_lzfu *z, size_t limit)
{
    memset(z, 0, sizeof *z);
    z->left = limit;
    memcpy(z->window, rtf_lzfu_preset, sizeof rtf_lzfu_preset - 1);
    z->at = sizeof rtf_lzfu_preset - 1;
}

static uint32_t rtf_lzfu_u32(const uint8_t *b)
{
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static int rtf_lzfu_flush(struct rtf_lzfu_out *out)
{
    size_t len = out->len;
    out->len = 0;
    return len > 0 ? out->take(out->context, out->bytes, len) : 0;
}

/* One byte out; the window is kept by whoever calls. */
static int rtf_lzfu_put(struct rtf_lzfu_out *out, uint8_t byte)
{
    if (out->z->left == 0) {
        out->z->cut = !out->z->sized;
        out->z->state = RTF_LZFU_END;
        return 0;
    }
    out->z->left--;
    out->z->made++;
    out->bytes[out->len++] = byte;
    return out->len == sizeof out->bytes ? rtf_lzfu_flush(out) : 0;
}

static int rtf_lzfu_literal(struct rtf_lzfu_out *out, uint8_t byte)
{
    struct rtf_lzfu *z = out->z;
    z->window[z->at] = byte;
    z->at = (z->at + 1) % RTF_LZFU_WINDOW;
    return rtf_lzfu_put(out, byte);
}

/* 12 bits of offset, 4 bits of length less 2; a reference to the place of writing is the end. */
static int rtf_lzfu_reference(struct rtf_lzfu_out *out, uint16_t reference)
{
    struct rtf_lzfu *z = out->z;
    uint16_t from = reference >> 4;
    if (from == z->at) {
        z->state = RTF_LZFU_END;
        return 0;
    }
    for (unsigned n = (reference & 0xFu) + 2; n > 0 && z->state != RTF_LZFU_END; n--) {
        if (rtf_lzfu_literal(out, z->window[from]) < 0)
            return -1;
        from = (from + 1) % RTF_LZFU_WINDOW;
    }
    return 0;
}

/* The size of the contents it tells is a hint that nobody needs; the kind decides. */
static void rtf_lzfu_read_header(struct rtf_lzfu *z)
{
    uint32_t kind = rtf_lzfu_u32(z->header + 8);
    uint32_t raw_size = rtf_lzfu_u32(z->header + 4);
    if (kind == RTF_LZFU_COMPRESSED) {
        z->state = RTF_LZFU_FLAGS;
    } else if (kind == RTF_LZFU_STORED) {
        z->state = RTF_LZFU_PLAIN;
        z->sized = raw_size <= z->left;
        z->left = z->sized ? raw_size : z->left;
    } else {
        z->broken = true;
        z->state = RTF_LZFU_END;
    }
}

static void rtf_lzfu_token_done(struct rtf_lzfu *z)
{
    if (z->state == RTF_LZFU_END)
        return;
    z->flags >>= 1;
    z->state = --z->tokens > 0 ? RTF_LZFU_TOKEN : RTF_LZFU_FLAGS;
}

static int rtf_lzfu_byte(struct rtf_lzfu_out *out, uint8_t byte)
{
    struct rtf_lzfu *z = out->z;
    int result = 0;
    switch (z->state) {
    case RTF_LZFU_IN_HEADER:
        z->header[z->have++] = byte;
        if (z->have == RTF_LZFU_HEADER)
            rtf_lzfu_read_header(z);
        break;
    case RTF_LZFU_PLAIN:
        result = rtf_lzfu_put(out, byte);
        break;
    case RTF_LZFU_FLAGS:
        z->flags = byte;
        z->tokens = 8;
        z->state = RTF_LZFU_TOKEN;
        break;
    case RTF_LZFU_TOKEN:
        if ((z->flags & 1) != 0) {
            z->held = byte;
            z->state = RTF_LZFU_HALF;
            break;
        }
        result = rtf_lzfu_literal(out, byte);
        rtf_lzfu_token_done(z);
        break;
    case RTF_LZFU_HALF:
        result = rtf_lzfu_reference(out, (uint16_t)(z->held << 8 | byte));
        rtf_lzfu_token_done(z);
        break;
    case RTF_LZFU_END:
        break;
    }
    return result;
}

int rtf_lzfu_feed(struct rtf_lzfu *z, const uint8_t *bytes, size_t count, rtf_lzfu_take take,
                  void *context)
{
    struct rtf_lzfu_out out = {.z = z, .take = take, .context = context};
    for (size_t i = 0; i < count && z->state != RTF_LZFU_END; i++)
        if (rtf_lzfu_byte(&out, bytes[i]) < 0)
            return -1;
    return rtf_lzfu_flush(&out);
}
