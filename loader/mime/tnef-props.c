/* SPDX-License-Identifier: Apache-2.0 */
/* tnef-props.c - see tnef-props.h. */
#include <config.h>
#include "tnef-props.h"

#include <string.h>

#include "tnef.h"

#define TNEF_TYPE_SEVERAL 0x1000u /* flag: a property of several values */
#define TNEF_TYPE_VARIABLE UINT32_MAX

void tnef_props_init(struct tnef_props *p, const struct tnef_props_sink *sink)
{
    memset(p, 0, sizeof *p);
    p->sink = *sink;
}

static uint32_t tnef_props_u32(const struct tnef_props *p)
{
    const uint8_t *b = p->field;
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* Bytes of a value with its padding; TNEF_TYPE_VARIABLE: a length stands before it. */
static bool tnef_props_size(uint16_t type, uint32_t *out_size)
{
    switch (type) {
    case 0x0000: /* unspecified */
    case 0x0001: /* null */
        *out_size = 0;
        return true;
    case 0x0002: /* int16 */
    case TNEF_TYPE_INT32:
    case 0x0004: /* float */
    case 0x000A: /* error */
    case TNEF_TYPE_BOOLEAN:
        *out_size = 4;
        return true;
    case 0x0005: /* double */
    case 0x0006: /* currency */
    case 0x0007: /* application time */
    case 0x0014: /* int64 */
    case 0x0040: /* time */
        *out_size = 8;
        return true;
    case 0x0048: /* class id */
        *out_size = 16;
        return true;
    case TNEF_TYPE_OBJECT:
    case TNEF_TYPE_STRING8:
    case TNEF_TYPE_UNICODE:
    case TNEF_TYPE_BINARY:
        *out_size = TNEF_TYPE_VARIABLE;
        return true;
    default:
        return false;
    }
}

static void tnef_props_break(struct tnef_props *p)
{
    p->broken = true;
    p->state = TNEF_PROPS_END;
}

static void tnef_props_next_property(struct tnef_props *p)
{
    p->state = p->count > 0 ? TNEF_PROPS_TAG : TNEF_PROPS_END;
}

static int tnef_props_start_value(struct tnef_props *p, uint32_t size)
{
    p->left = size;
    p->padding = (4 - size % 4) % 4;
    p->state = TNEF_PROPS_VALUE;
    return p->telling ? p->sink.start(p->sink.context, p->id, p->type) : 0;
}

/* The next value of this property, or the next property. */
static int tnef_props_next_value(struct tnef_props *p)
{
    uint32_t size = 0;
    if (p->values == 0) {
        tnef_props_next_property(p);
        return 0;
    }
    p->values--;
    tnef_props_size(p->type, &size);
    if (size != TNEF_TYPE_VARIABLE)
        return tnef_props_start_value(p, size);
    p->state = TNEF_PROPS_LENGTH;
    return 0;
}

static int tnef_props_end_value(struct tnef_props *p)
{
    bool told = p->telling;
    p->telling = false;
    if (told && p->sink.end(p->sink.context) < 0)
        return -1;
    p->left = p->padding;
    p->state = TNEF_PROPS_PADDING;
    return 0;
}

/* Behind the name, if any: fixed single values follow at once. */
static int tnef_props_behind_name(struct tnef_props *p)
{
    bool several = (p->type & TNEF_TYPE_SEVERAL) != 0;
    uint32_t size;
    p->type &= (uint16_t)~TNEF_TYPE_SEVERAL;
    if (!tnef_props_size(p->type, &size) || (several && size == 0)) {
        tnef_props_break(p); /* also four billion values of nothing */
        return 0;
    }
    p->telling = p->id < TNEF_PROPS_NAMED || p->known_name;
    p->values = 1;
    if (!several && size != TNEF_TYPE_VARIABLE)
        return tnef_props_next_value(p);
    p->state = TNEF_PROPS_VALUES;
    return 0;
}

static int tnef_props_tag(struct tnef_props *p)
{
    uint32_t tag = tnef_props_u32(p);
    p->count--;
    p->type = (uint16_t)tag;
    p->id = (uint16_t)(tag >> 16);
    p->known_name = false;
    if (p->id < TNEF_PROPS_NAMED)
        return tnef_props_behind_name(p);
    p->state = TNEF_PROPS_GUID;
    return 0;
}

/* A name as text: its bytes are skipped as padding of a property whose values are still to be told.
 */
static void tnef_props_name(struct tnef_props *p)
{
    uint32_t size = tnef_props_u32(p);
    if (size > TNEF_NAME_MAX) {
        tnef_props_break(p);
        return;
    }
    p->left = (size + 3) / 4 * 4;
    p->state = TNEF_PROPS_PADDING;
    p->values = UINT32_MAX; /* behind it comes what stands behind a name */
}

static size_t tnef_props_field_size(const struct tnef_props *p)
{
    return p->state == TNEF_PROPS_GUID ? 16 : 4;
}

/* A number of the list is complete. */
static int tnef_props_field(struct tnef_props *p)
{
    static const uint8_t appointment[16] = {0x02, 0x20, 0x06, 0, 0, 0, 0, 0,
                                            0xC0, 0,    0,    0, 0, 0, 0, 0x46};
    switch (p->state) {
    case TNEF_PROPS_COUNT:
        p->count = tnef_props_u32(p);
        if (p->count > TNEF_PROPERTIES_MAX) {
            p->broken = true;
            p->count = TNEF_PROPERTIES_MAX;
        }
        tnef_props_next_property(p);
        return 0;
    case TNEF_PROPS_TAG:
        return tnef_props_tag(p);
    case TNEF_PROPS_GUID:
        p->appointment = memcmp(p->field, appointment, sizeof appointment) == 0;
        p->state = TNEF_PROPS_KIND;
        return 0;
    case TNEF_PROPS_KIND:
        p->state = tnef_props_u32(p) == 0 ? TNEF_PROPS_NUMBER : TNEF_PROPS_NAME;
        return 0;
    case TNEF_PROPS_NUMBER:
        p->known_name = p->appointment && tnef_props_u32(p) >= TNEF_PROPS_NAMED &&
                        tnef_props_u32(p) <= UINT16_MAX;
        p->id = p->known_name ? (uint16_t)tnef_props_u32(p) : p->id;
        return tnef_props_behind_name(p);
    case TNEF_PROPS_NAME:
        tnef_props_name(p);
        return 0;
    case TNEF_PROPS_VALUES:
        p->values = tnef_props_u32(p);
        return tnef_props_next_value(p);
    case TNEF_PROPS_LENGTH:
        return tnef_props_start_value(p, tnef_props_u32(p));
    default:
        return 0;
    }
}

static int tnef_props_behind_padding(struct tnef_props *p)
{
    if (p->values == UINT32_MAX)
        return tnef_props_behind_name(p);
    return tnef_props_next_value(p);
}

/* Bytes of a value or of padding, as many as are there. */
static int tnef_props_contents(struct tnef_props *p, const uint8_t *bytes, size_t count)
{
    if (p->state == TNEF_PROPS_VALUE && p->telling && count > 0 &&
        p->sink.bytes(p->sink.context, bytes, count) < 0)
        return -1;
    p->left -= (uint32_t)count;
    if (p->left > 0)
        return 0;
    return p->state == TNEF_PROPS_VALUE ? tnef_props_end_value(p) : tnef_props_behind_padding(p);
}

int tnef_props_feed(struct tnef_props *p, const uint8_t *bytes, size_t count)
{
    size_t i = 0;
    while (p->state != TNEF_PROPS_END) {
        if (p->state == TNEF_PROPS_VALUE || p->state == TNEF_PROPS_PADDING) {
            size_t take = count - i < p->left ? count - i : p->left;
            if (take == 0 && p->left > 0)
                return 0;
            if (tnef_props_contents(p, bytes + i, take) < 0)
                return -1;
            i += take;
        } else if (i < count) {
            p->field[p->have++] = bytes[i++];
            if (p->have < tnef_props_field_size(p))
                continue;
            p->have = 0;
            if (tnef_props_field(p) < 0)
                return -1;
        } else {
            return 0;
        }
    }
    return 0;
}

int tnef_props_finish(struct tnef_props *p)
{
    if (p->state == TNEF_PROPS_END)
        return 0;
    bool inside = p->state == TNEF_PROPS_VALUE && p->telling;
    p->broken = true;
    p->state = TNEF_PROPS_END;
    return inside ? p->sink.end(p->sink.context) : 0;
}
