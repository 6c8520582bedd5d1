/* SPDX-License-Identifier: Apache-2.0 */
/* tnef-props.h - a list of MAPI properties, as attributes of TNEF hold it, read as a stream
 * (MS-OXTNEF s.2.1.3.4). Pieces of any size give the same result; memory is the struct. */
#ifndef MAILCHUTE_MIME_TNEF_PROPS_H
#define MAILCHUTE_MIME_TNEF_PROPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TNEF_PROPS_NAMED 0x8000u /* ids from here have a name of their own */

/* Types of values (MS-OXCDATA s.2.11.1), the flag for several values taken off. */
#define TNEF_TYPE_INT32 0x0003u
#define TNEF_TYPE_BOOLEAN 0x000Bu
#define TNEF_TYPE_TIME 0x0040u
#define TNEF_TYPE_OBJECT 0x000Du
#define TNEF_TYPE_STRING8 0x001Eu
#define TNEF_TYPE_UNICODE 0x001Fu
#define TNEF_TYPE_BINARY 0x0102u

/* Of named properties those of appointments (PSETID_Appointment, MS-OXPROPS s.1.3.2) are told, by
 * their number; it is never that of another property. Others are passed over. Of a property with
 * several values only the first is told. Each returns -1 to stop. */
struct tnef_props_sink {
    int (*start)(void *context, uint16_t id, uint16_t type);
    int (*bytes)(void *context, const uint8_t *bytes, size_t count); /* padding left out */
    int (*end)(void *context); /* also where the list is cut off inside the value */
    void *context;
};

enum tnef_props_state {
    TNEF_PROPS_COUNT,   /* how many properties */
    TNEF_PROPS_TAG,     /* type and id */
    TNEF_PROPS_GUID,    /* of a named one */
    TNEF_PROPS_KIND,    /* is its name a number or a text? */
    TNEF_PROPS_NUMBER,
    TNEF_PROPS_NAME,    /* length of the text */
    TNEF_PROPS_VALUES,  /* how many values */
    TNEF_PROPS_LENGTH,  /* of the next value */
    TNEF_PROPS_VALUE,   /* left bytes of it */
    TNEF_PROPS_PADDING, /* left bytes that say nothing */
    TNEF_PROPS_END      /* complete, or broken */
};

struct tnef_props {
    struct tnef_props_sink sink;
    enum tnef_props_state state;
    bool broken;        /* a type that nobody knows, or too many: the rest is lost */
    bool telling;       /* this value goes to the sink */
    bool appointment;   /* the name under way is of that set */
    bool known_name;    /* and its number has become the id */
    uint32_t count;     /* properties still to come */
    uint32_t values;    /* values of this one still to come */
    uint32_t left;      /* bytes of the value, or of padding */
    uint32_t padding;   /* bytes behind the value */
    uint16_t id, type;
    uint8_t have;       /* bytes in field */
    uint8_t field[16];
};

/** tnef_props_init - start; the sink is copied. */
void tnef_props_init(struct tnef_props *p, const struct tnef_props_sink *sink);

/** tnef_props_feed - the next bytes. -1 only when the sink said so. */
int tnef_props_feed(struct tnef_props *p, const uint8_t *bytes, size_t count);

/** tnef_props_finish - no more will come: a value under way ends. Sets broken where the list is
 * cut. */
int tnef_props_finish(struct tnef_props *p);

#endif
