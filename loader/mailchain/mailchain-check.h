/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-check.h - ask a client what a pick-up would ask first, tell each step. */
#ifndef MAILCHUTE_LOADER_MAILCHAIN_CHECK_H
#define MAILCHUTE_LOADER_MAILCHAIN_CHECK_H

#include "error.h"
#include "mailchain-client.h"

/* As enum loader_check_state. */
enum mailchain_check_state {
    MAILCHAIN_CHECK_OK = 0,
    MAILCHAIN_CHECK_WARNING = 1,
    MAILCHAIN_CHECK_FAILED = 2
};

typedef void mailchain_check_report(void *context, const char *step, uint32_t state,
                                    const char *text);

/** mailchain_check - steps: "client", "network" for each that does not tell its addresses,
 * "addresses". @report may be NULL. 0 when a pick-up would work, else -1 with err, which was
 * reported too. */
int mailchain_check(struct mailchain_client *client, const struct mailchain_settings *settings,
                    mailchain_check_report *report, void *context, struct error *err);

#endif
