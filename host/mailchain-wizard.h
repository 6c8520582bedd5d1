/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-wizard.h - the questions of mailchute mailchain --configure: on standard output,
 * answered line by line on standard input. An empty line takes what stands in brackets. */
#ifndef MAILCHUTE_HOST_MAILCHAIN_WIZARD_H
#define MAILCHUTE_HOST_MAILCHAIN_WIZARD_H

#include "mailchain-config.h"

enum mailchain_answer {
    MAILCHAIN_SAVE,
    MAILCHAIN_CANCEL, /* this half stays as it was */
    MAILCHAIN_LEFT    /* the input ended, or cannot be read: err tells */
};

/** mailchain_wizard_imap - server, user name, port, SSL; then Save or Cancel. */
enum mailchain_answer mailchain_wizard_imap(struct mailchain_config *config, struct error *err);

/** mailchain_wizard_mailchain - host name, https or http, a port of its own, folders, main networks
 * in the inbox, interval; then Save or Cancel. */
enum mailchain_answer mailchain_wizard_mailchain(struct mailchain_config *config,
                                                 struct error *err);

#endif
