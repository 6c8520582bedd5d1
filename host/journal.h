/* SPDX-License-Identifier: Apache-2.0 */
/* journal.h - lines for systemd's journal with fields of their own, by its native protocol
 * (systemd.io/JOURNAL_NATIVE_PROTOCOL): one datagram a line, for which no library is needed. */
#ifndef MAILCHUTE_HOST_JOURNAL_H
#define MAILCHUTE_HOST_JOURNAL_H

#include <stdbool.h>

#include "buffer.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/** journal_reads - does what is written to @fd go to the journal ($JOURNAL_STREAM)? A variable that
 * was inherited by somebody whose output goes elsewhere says no. */
bool journal_reads(int fd);

/** journal_connect - yours: close(). -1: it is not there. */
int journal_connect(const char *path);

/** journal_append_field - NAME=value; what is not printable in @value is made visible. */
int journal_append_field(struct buffer *fields, const char *name, const char *value);

/** journal_send - one line, of these fields. -1 when it did not arrive: does not wait. */
int journal_send(int journal, const struct buffer *fields);

#endif
