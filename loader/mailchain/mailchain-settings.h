/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-settings.h - the connection string of the Mailchain loader. Pure; any thread. */
#ifndef MAILCHUTE_LOADER_MAILCHAIN_SETTINGS_H
#define MAILCHUTE_LOADER_MAILCHAIN_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "connection-string.h"
#include "error.h"

#define MAILCHAIN_POLL_MIN_MS 60000u /* clients ask the chain: not more often than this */

/* Text is the struct's own, NULL where there is none. */
struct mailchain_settings {
    char *url;     /* as given: a host, or http://host:port, https://host:port */
    char *base;    /* "http://127.0.0.1:8080/api" */
    uint32_t port; /* 1..65535 */
    bool ssl, allow_insecure_cert;
    char *ca_file, *min_tls;
    bool attach_html, sanitize, footer;
    uint32_t page; /* messages asked for at once */
    uint64_t max_answer; /* bytes of one answer */
    uint64_t poll_ms, timeout_ms;
};

/** mailchain_settings_read - ERROR_USAGE names key and position. */
int mailchain_settings_read(const char *connection, struct mailchain_settings **out_settings,
                            struct error *err);
void mailchain_settings_free(struct mailchain_settings *settings);
AUTO_DEFINE(mailchain_settings, mailchain_settings_free);

/** mailchain_settings_keys - the table. Static. */
const struct connection_key *mailchain_settings_keys(size_t *out_count);

#endif
