/* SPDX-License-Identifier: Apache-2.0 */
/* cms.c - a walker over BER that streams eContent out. See cms.h.
 *
 * The way to the content (RFC 5652 s.3, s.5.1, s.5.2), each value a child of the one above:
 *
 *     0  SEQUENCE ContentInfo
 *     1    OID contentType, [0]
 *     2      SEQUENCE SignedData
 *     3        INTEGER version, SET digestAlgorithms, SEQUENCE encapContentInfo, ...
 *     4          OID eContentType, [0]
 *     5            OCTET STRING, or constructed: OCTET STRINGs inside, nested as one likes
 *
 * A value off that way is skipped by its length; where its length is indefinite it is walked. Ends
 * are kept as offsets, and none lies behind the end of the value around it. */
#include <config.h>
#include "cms.h"

#include <stdlib.h>
#include <string.h>

#define CMS_OID_MAX 16u          /* bytes of an object identifier kept; ours have 9 or 11 */
#define CMS_FOREVER UINT64_MAX   /* an end that only two zero octets tell */
#define CMS_LENGTH_OCTETS_MAX 7u /* no wrap: an offset plus a length stays below 2^63 */

/* Identifier octets (X.690 s.8.1.2). */
#define BER_END 0x00u
#define BER_OCTETS 0x04u
#define BER_OID 0x06u
#define BER_SEQUENCE 0x30u
#define BER_EXPLICIT_0 0xA0u
#define BER_CONSTRUCTED 0x20u
#define BER_LONG_TAG 0x1Fu /* a tag number of several octets follows */

enum cms_state {
    CMS_TAG,      /* the first identifier octet */
    CMS_LONG_TAG, /* further octets of a tag number */
    CMS_LENGTH,   /* the first length octet */
    CMS_LONG_LENGTH,
    CMS_SKIP,    /* contents nobody wants, up to value_end */
    CMS_KEEP,    /* contents of contentType, up to value_end */
    CMS_CONTENT, /* contents of eContent, up to value_end */
    CMS_END      /* complete, or broken: the rest is swallowed */
};

struct cms_level {
    uint64_t end;     /* offset behind it, CMS_FOREVER for indefinite length */
    uint64_t limit;   /* offset behind the innermost definite value around it, or itself */
    bool on_way;      /* one of the values in the picture above */
    bool octets;      /* a constructed OCTET STRING of the content */
    uint8_t children; /* seen so far, stops counting at 255 */
};

struct cms_unwrap {
    cms_take take;
    void *context;
    enum cms_state state;
    enum cms_kind kind;
    bool has_content, is_whole;
    uint8_t tag, length_octets, oid_len;
    bool cut;           /* a length said more than the value around it has */
    bool indefinite;    /* the length just read */
    uint64_t length;    /* the length just read */
    uint64_t at;        /* offset of the next byte */
    uint64_t value_end; /* of the contents being read */
    unsigned depth;     /* levels in use */
    struct cms_level levels[CMS_DEPTH_MAX];
    uint8_t oid[CMS_OID_MAX];
};

struct cms_unwrap *cms_unwrap_new(cms_take take, void *context)
{
    struct cms_unwrap *u = calloc(1, sizeof *u);
    if (u == NULL)
        return NULL;
    u->take = take;
    u->context = context;
    return u;
}

void cms_unwrap_free(struct cms_unwrap *u)
{
    free(u);
}

/* contentType, without tag and length: 1.2.840.113549.1.7.x and 1.2.840.113549.1.9.16.1.x */
static enum cms_kind cms_kind_of(const uint8_t *oid, size_t len)
{
    static const uint8_t pkcs7[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07};
    static const uint8_t smime[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x01};
    if (len == sizeof pkcs7 + 1 && memcmp(oid, pkcs7, sizeof pkcs7) == 0) {
        uint8_t last = oid[sizeof pkcs7];
        return last == 2 ? CMS_SIGNED : last == 3 || last == 6 ? CMS_ENCRYPTED : CMS_NONE;
    }
    if (len == sizeof smime + 1 && memcmp(oid, smime, sizeof smime) == 0) {
        uint8_t last = oid[sizeof smime];
        return last == 9 ? CMS_COMPRESSED : last == 23 ? CMS_ENCRYPTED : CMS_NONE;
    }
    return CMS_NONE;
}

static struct cms_level *cms_parent(struct cms_unwrap *u)
{
    return u->depth > 0 ? &u->levels[u->depth - 1] : NULL;
}

/* The value whose header has been read is the next one on the way to the content. */
static bool cms_is_on_way(struct cms_unwrap *u)
{
    static const struct {
        uint8_t tag, child; /* what it must be, and as which child of its parent */
    } way[] = {{BER_SEQUENCE, 1},
               {BER_EXPLICIT_0, 2},
               {BER_SEQUENCE, 1},
               {BER_SEQUENCE, 3},
               {BER_EXPLICIT_0, 2}};
    if (u->depth >= sizeof way / sizeof *way || u->tag != way[u->depth].tag)
        return false;
    const struct cms_level *parent = cms_parent(u);
    if (parent == NULL)
        return true;
    return u->kind == CMS_SIGNED && parent->on_way && parent->children == way[u->depth].child;
}

/* It is the content, or a piece of a constructed one. */
static bool cms_is_content(struct cms_unwrap *u)
{
    const struct cms_level *parent = cms_parent(u);
    if (parent == NULL || (u->tag != BER_OCTETS && u->tag != (BER_OCTETS | BER_CONSTRUCTED)))
        return false;
    return parent->octets || (u->depth == 5 && parent->on_way && parent->children == 1);
}

static void cms_pop(struct cms_unwrap *u)
{
    bool octets = u->levels[--u->depth].octets;
    if (octets && !u->levels[u->depth - 1].octets)
        u->is_whole = true;
}

/* A value is complete, and so may those around it be. */
static void cms_close(struct cms_unwrap *u)
{
    while (u->depth > 0 && u->at >= u->levels[u->depth - 1].end)
        cms_pop(u);
    u->state = u->depth > 0 ? CMS_TAG : CMS_END;
}

static void cms_descend(struct cms_unwrap *u, uint64_t limit)
{
    if (u->depth == CMS_DEPTH_MAX) {
        u->state = CMS_END;
        return;
    }
    bool octets = cms_is_content(u), on_way = cms_is_on_way(u);
    uint64_t end = u->indefinite ? CMS_FOREVER : u->value_end;
    u->levels[u->depth++] = (struct cms_level){end, u->indefinite ? limit : end, on_way, octets, 0};
    u->has_content |= octets;
    cms_close(u);
}

/* Tag and length are there: what is to be done with the contents. */
static void cms_value(struct cms_unwrap *u)
{
    struct cms_level *parent = cms_parent(u);
    uint64_t limit = parent != NULL ? parent->limit : CMS_FOREVER;
    if (u->at > limit) {
        u->state = CMS_END;
        return;
    }
    if (u->tag == BER_END && parent != NULL && parent->end == CMS_FOREVER) {
        cms_pop(u);
        cms_close(u);
        return;
    }
    if (parent != NULL && parent->children < UINT8_MAX)
        parent->children++;
    u->cut |= u->length > limit - u->at;
    u->value_end = u->length > limit - u->at ? limit : u->at + u->length;
    bool constructed = (u->tag & BER_CONSTRUCTED) != 0;
    if (u->indefinite && !constructed) {
        u->state = CMS_END; /* X.690 s.8.1.3.2 */
    } else if (constructed && (u->indefinite || cms_is_on_way(u) || cms_is_content(u))) {
        cms_descend(u, limit);
    } else if (cms_is_content(u)) {
        u->has_content = true;
        u->state = CMS_CONTENT;
    } else if (u->depth == 1 && u->tag == BER_OID && u->levels[0].children == 1) {
        u->state = CMS_KEEP;
    } else {
        u->state = CMS_SKIP;
    }
}

static void cms_length(struct cms_unwrap *u, uint8_t octet)
{
    u->indefinite = octet == 0x80;
    u->length = octet < 0x80 ? octet : 0;
    u->length_octets = octet > 0x80 ? octet & 0x7F : 0;
    if (u->length_octets > CMS_LENGTH_OCTETS_MAX)
        u->state = CMS_END;
    else if (u->length_octets > 0)
        u->state = CMS_LONG_LENGTH;
    else
        cms_value(u);
}

/* One octet of a header. */
static void cms_header(struct cms_unwrap *u, uint8_t octet)
{
    u->at++;
    switch (u->state) {
    case CMS_TAG:
        u->tag = octet;
        u->state = (octet & BER_LONG_TAG) == BER_LONG_TAG ? CMS_LONG_TAG : CMS_LENGTH;
        break;
    case CMS_LONG_TAG:
        u->state = (octet & 0x80) != 0 ? CMS_LONG_TAG : CMS_LENGTH;
        break;
    case CMS_LENGTH:
        cms_length(u, octet);
        break;
    case CMS_LONG_LENGTH:
        u->length = u->length << 8 | octet;
        if (--u->length_octets == 0)
            cms_value(u);
        break;
    default:
        break;
    }
}

/* The end of contents that were read, not walked. */
static void cms_value_end(struct cms_unwrap *u)
{
    if (u->state == CMS_KEEP)
        u->kind = cms_kind_of(u->oid, u->oid_len);
    /* analyse: content always has a parent, see cms_is_content() */
    if (u->state == CMS_CONTENT && !cms_parent(u)->octets)
        u->is_whole = true;
    cms_close(u);
}

/* As many bytes of the contents as are there. Returns how many, or -1. */
static int cms_contents(struct cms_unwrap *u, const uint8_t *bytes, size_t count, size_t *out_used)
{
    uint64_t left = u->value_end - u->at;
    size_t used = left < count ? (size_t)left : count;
    if (u->state == CMS_CONTENT && used > 0 && u->take(u->context, bytes, used) < 0)
        return -1;
    for (size_t i = 0; u->state == CMS_KEEP && i < used; i++) {
        if (u->oid_len < CMS_OID_MAX)
            u->oid[u->oid_len++] = bytes[i];
    }
    u->at += used;
    *out_used = used;
    return 0;
}

static bool cms_in_contents(const struct cms_unwrap *u)
{
    return u->state == CMS_SKIP || u->state == CMS_KEEP || u->state == CMS_CONTENT;
}

int cms_unwrap_feed(struct cms_unwrap *u, const uint8_t *bytes, size_t count)
{
    size_t i = 0;
    while (u->state != CMS_END) {
        if (cms_in_contents(u)) {
            size_t used = 0;
            if (u->at < u->value_end && cms_contents(u, bytes + i, count - i, &used) < 0)
                return -1;
            i += used;
            if (u->at < u->value_end)
                return 0;
            cms_value_end(u);
        } else if (i < count) {
            cms_header(u, bytes[i++]);
        } else {
            return 0;
        }
    }
    return 0;
}

enum cms_kind cms_unwrap_kind(const struct cms_unwrap *u)
{
    return u->kind;
}

bool cms_unwrap_has_content(const struct cms_unwrap *u)
{
    return u->has_content;
}

bool cms_unwrap_is_whole(const struct cms_unwrap *u)
{
    return u->is_whole && !u->cut;
}
