/* SPDX-License-Identifier: Apache-2.0 */
/* sync-state.c - how far a source has come, in the words of other clients. See sync-state.h.
 *
 * An account is user@host, or user@host:port where the port is another than usual; a mailbox may be
 * anything. So UIDVALIDITY and UID are the last two of the first numbers in a row. */
#include <config.h>
#include "sync-state.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "json-line.h"
#include "text.h"

/* A number and the colon behind it; false: it is none. */
static bool sync_state_number(const char **at, uint32_t *out_number)
{
    uint64_t number = 0;
    const char *digit = *at;
    for (; *digit >= '0' && *digit <= '9' && number <= UINT32_MAX; digit++)
        number = number * 10 + (uint64_t)(*digit - '0');
    if (digit == *at || *digit != ':' || number > UINT32_MAX)
        return false;
    *at = digit + 1;
    *out_number = (uint32_t)number;
    return true;
}

/* The mailbox, and a UID in it; NULL: this is no key of that kind. */
static const char *sync_state_read(const char *cursor, uint32_t *out_uid)
{
    if (cursor == NULL || !text_starts_nocase(cursor, "imap:"))
        return NULL;
    const char *literal = strstr(cursor, "@["); /* an address with colons of its own */
    const char *at = literal == NULL ? cursor : strchr(literal, ']');
    while (at != NULL && (at = strchr(at, ':')) != NULL) {
        unsigned numbers = 0;
        at++;
        while (sync_state_number(&at, out_uid))
            numbers++;
        if (numbers >= 2)
            return at;
        if (numbers > 0)
            at--; /* the colon behind it begins the next part */
    }
    return NULL;
}

json_t *sync_state_json(const char *cursor)
{
    AUTO_JSON out = json_object();
    AUTO_JSON folders = json_object();
    AUTO_JSON folder = json_object();
    uint32_t uid;
    const char *mailbox = sync_state_read(cursor, &uid);
    if (mailbox == NULL)
        return TAKE(out);
    if (json_line_set(folder, "maxUid", json_integer(uid)) < 0 ||
        json_line_set(folders, mailbox, TAKE(folder)) < 0 ||
        json_line_set(out, "imap", TAKE(folders)) < 0)
        return NULL;
    return TAKE(out);
}
