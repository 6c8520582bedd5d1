/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-api.h - what the Mailchain client's HTTP API answers, read. The one door to jansson.
 *
 * Three generations of clients answer differently, and all are read the same way: addresses as bare
 * hex, as hex with 0x, and as objects; a list that is null instead of empty. What a member should
 * not be (a number where a text belongs) is as if it were not there; a list that holds something
 * else is read without it. An answer that is no JSON, or lacks its list, is ERROR_PROTOCOL. A NUL
 * in a text is kept: texts are spans. Content types are not looked at: clients send the wrong ones.
 * Read, an answer takes up to three times its size, and 120 bytes more for each value: values are
 * counted before, so that memory has a bound. Pure. */
#ifndef MAILCHUTE_LOADER_MAILCHAIN_API_H
#define MAILCHUTE_LOADER_MAILCHAIN_API_H

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"
#include "cursor.h"
#include "error.h"

#define MAILCHAIN_NETWORKS_MAX 256u    /* of all protocols; what is more is left out */
#define MAILCHAIN_ADDRESSES_MAX 10000u /* of one network, likewise */
#define MAILCHAIN_FIELDS_MAX 64u       /* of one message, likewise */
#define MAILCHAIN_VALUES_MAX 500000u   /* of one answer; one that has more is not read */
#define MAILCHAIN_NAME_MAX 128u        /* bytes of the name of a protocol, network or address */

/* {protocol, network}, or {value as the client writes it, the same as everybody writes it}. */
struct mailchain_pair {
    char *first, *second;
};

struct mailchain_pairs {
    struct mailchain_pair *items;
    size_t count;
    size_t left_out; /* that the answer has besides: their names cannot be, or they are too many */
};
void mailchain_pairs_done(struct mailchain_pairs *pairs);

/** mailchain_read_networks, _addresses - the answers of /protocols and /addresses. *out_pairs is
 * zeroed before, and yours: mailchain_pairs_done(). Names that could lead elsewhere (control
 * characters,
 * '/', too long, empty) are left out. Addresses that are hex have one "0x" and small letters in
 * their second form, whatever they came with. */
int mailchain_read_networks(const void *bytes, size_t count, struct mailchain_pairs *out_pairs,
                            struct error *err);
int mailchain_read_addresses(const void *bytes, size_t count, struct mailchain_pairs *out_pairs,
                             struct error *err);

/* Something else that a message has: "block-id", "0xc801". */
struct mailchain_field {
    const char *name;
    struct span value;
};

/* One message. All borrowed from its page; what is not there has no bytes (NULL). */
struct mailchain_message {
    bool ok; /* its status says so; else nothing but status counts */
    struct span status;
    struct span from, to, date, message_id, content_type, reply_to; /* of its headers */
    struct span subject, body;
    struct mailchain_field fields[MAILCHAIN_FIELDS_MAX]; /* the other headers, then what stands
                                                            beside them */
    size_t field_count;
};

struct mailchain_page;

/** mailchain_read_is_broken - it begins and ends as an object does, and is no JSON: something in it
 * cannot be read (half a character, a number out of range, a NUL in a name), and without that the
 * rest can. Linear. */
bool mailchain_read_is_broken(const void *bytes, size_t count);

/** mailchain_page_read - the answer of /messages. *out_page is yours: mailchain_page_free(). */
int mailchain_page_read(const void *bytes, size_t count, struct mailchain_page **out_page,
                        struct error *err);
void mailchain_page_free(struct mailchain_page *page);
AUTO_DEFINE(mailchain_page, mailchain_page_free);

size_t mailchain_page_count(const struct mailchain_page *page);

/** mailchain_page_message - message @at (< count), in the order of the answer. */
void mailchain_page_message(const struct mailchain_page *page, size_t at,
                            struct mailchain_message *out_message);

/** mailchain_read_is_large - it has more than MAILCHAIN_VALUES_MAX values. */
bool mailchain_read_is_large(const void *bytes, size_t count);

/** mailchain_read_error - what an error's answer says, printable: its message, or its first bytes.
 */
void mailchain_read_error(const void *bytes, size_t count, char *out, size_t size);

/** mailchain_read_version - the answer of /version, printable; "?" when it is none. */
void mailchain_read_version(const void *bytes, size_t count, char *out, size_t size);

#endif
