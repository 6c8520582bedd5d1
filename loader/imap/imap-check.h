/* SPDX-License-Identifier: Apache-2.0 */
/* imap-check.h - try everything a pick-up needs, tell each step, change nothing. */
#ifndef MAILCHUTE_LOADER_IMAP_CHECK_H
#define MAILCHUTE_LOADER_IMAP_CHECK_H

#include "error.h"
#include "imap-host.h"
#include "imap-settings.h"

/* As enum loader_check_state. */
enum imap_check_state { IMAP_CHECK_OK = 0, IMAP_CHECK_WARNING = 1, IMAP_CHECK_FAILED = 2 };

typedef void imap_check_report(void *context, const char *step, enum imap_check_state state,
                               const char *text);

/** imap_check - connect, log in, look at the server's abilities, the mailbox and the folders, count
 * what a pick-up would find. Steps: "connection", "login", "abilities", "mailbox", "dropbox",
 * "badmail", "search"; with the key folders "connection", "login", "abilities", "folder" for each
 * that would be taken, "left out" for each that would not, "folders" for all of them. 0 when a
 * pick-up would work, else -1 with err, which was reported too. */
int imap_check(const struct imap_settings *settings, const char *user, const char *secret,
               const struct imap_host *host, imap_check_report *report, void *context,
               struct error *err);

#endif
