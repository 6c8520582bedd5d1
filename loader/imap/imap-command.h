/* SPDX-License-Identifier: Apache-2.0 */
/* imap-command.h - write IMAP commands (RFC 9051 s.6) into a buffer.
 *
 * Pure: no socket, no clock. A command is written piece by piece; what cannot be sent (NUL, CR, LF
 * in a string; more than IMAP_COMMAND_MAX bytes) is remembered and told by imap_command_end(),
 * which the caller cannot do without, and so is that memory ran out. Strings always go quoted:
 * mailbox names are ASCII by then (imap-utf7.h), or UTF-8, which goes quoted where it is allowed at
 * all (RFC 9051 s.9, QUOTED-CHAR), so that no literal, and no waiting for "+", is ever needed. */
#ifndef MAILCHUTE_LOADER_IMAP_COMMAND_H
#define MAILCHUTE_LOADER_IMAP_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"
#include "error.h"
#include "imap-set.h"

#define IMAP_COMMAND_MAX 65536u /* bytes: what Dovecot takes as one line */

struct imap_command {
    struct buffer bytes; /* without tag; ends in CR LF after imap_command_end() */
    bool refused; /* it cannot be sent */
    bool oom;     /* memory ran out, for it or for the caller's set of UIDs */
};

/** imap_command_init - start with @text ("UID FETCH "). */
void imap_command_init(struct imap_command *command, const char *text);
void imap_command_done(struct imap_command *command);

/** imap_command_add - @text as it is: ours, or SEARCH criteria. No NUL, CR, LF. */
void imap_command_add(struct imap_command *command, const char *text);

/** imap_command_quoted - @text as quoted string (RFC 9051 s.4.3). */
void imap_command_quoted(struct imap_command *command, const char *text);

/** imap_command_set - a set of UIDs as ranges, not empty: "1:3,7". */
void imap_command_set(struct imap_command *command, struct imap_set *set);

/** imap_command_end - CR LF. -1: the command cannot be sent. */
int imap_command_end(struct imap_command *command, struct error *err);

#endif
