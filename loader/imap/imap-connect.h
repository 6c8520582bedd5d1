/* SPDX-License-Identifier: Apache-2.0 */
/* imap-connect.h - what a session does before its first command: settings become a stream, tags get
 * their prefix, the server is told who we are. */
#ifndef MAILCHUTE_LOADER_IMAP_CONNECT_H
#define MAILCHUTE_LOADER_IMAP_CONNECT_H

#include "error.h"
#include "imap-session.h"

#define IMAP_TAG_PREFIX 6u /* letters in front of a tag's number */

/** imap_connect - connect and log in, as stream_open() tells. *out_stream is yours. */
int imap_connect(const struct imap_settings *settings, const char *user, const char *secret,
                 const struct imap_host *host, struct stream **out_stream, struct error *err);

/** imap_connect_prefix - random letters: a mail that was written to forge a tag has to guess them.
 */
int imap_connect_prefix(char out_prefix[IMAP_TAG_PREFIX + 1], struct error *err);

/** imap_connect_identify - send ID (RFC 2971) where the server has it: some providers (163.com) let
 * nobody in who does not say who he is. */
int imap_connect_identify(struct imap_session *session, struct error *err);

#endif
