/* SPDX-License-Identifier: Apache-2.0 */
/* imap-settings.h - the connection string of the IMAP loader.
 *
 * Every key, its type, default and help stands in one table, from which the string is read and the
 * plug-in's option descriptors are made. Pure; any thread. */
#ifndef MAILCHUTE_LOADER_IMAP_SETTINGS_H
#define MAILCHUTE_LOADER_IMAP_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "connection-string.h"
#include "error.h"

enum imap_starttls { IMAP_STARTTLS_AUTO, IMAP_STARTTLS_REQUIRED, IMAP_STARTTLS_NEVER };
enum imap_after { IMAP_AFTER_MOVE, IMAP_AFTER_LEAVE, IMAP_AFTER_DELETE, IMAP_AFTER_FLAG };

/* Text is the struct's own, NULL where there is none. */
struct imap_settings {
    char *url;     /* as given */
    char *host;    /* name or address alone, an IPv6 address without brackets */
    uint32_t port; /* 1..65535 */
    bool ssl;      /* TLS from the first byte */
    uint32_t starttls; /* enum imap_starttls */
    char *mailbox, *dropbox, *badmail; /* Unicode, '/' between levels */
    char
        *folders; /* patterns (imap-pattern.h); not NULL: these instead of mailbox, left in place */
    char *skip_folders; /* patterns, NULL: none */
    char *skip_special; /* "Junk,Trash": special uses (RFC 6154), or "None" */
    bool attach_html, sanitize;
    bool allow_insecure_cert;
    char *ca_file, *pinned_key;
    char *min_tls; /* "1.2" or "1.3" (1.0 and 1.1 are refused) */
    uint32_t after; /* enum imap_after */
    char *search;   /* IMAP SEARCH criteria, no control characters */
    char *accept, *skip;
    uint64_t max_size; /* bytes, <= 1 GB */
    uint32_t batch;    /* messages per window, 0 = tuned by the loader */
    bool idle;
    uint64_t poll_ms, timeout_ms;
    char *proxy;
    char *auth; /* "Auto" or a SASL mechanism as libcurl names it */
    bool guarded; /* set by imap_settings_guard() */
};

/** imap_settings_read - read @connection and hold every rule of it: unknown, duplicate or missing
 * keys, bad values, dropbox = mailbox, dropbox = badmail, badmail = mailbox, folders with what
 * moves mail or names one mailbox, user or password inside, url forms (host, imap://host:port,
 * imaps://host:port, [::1]) against port and ssl. ERROR_USAGE names key and position. */
int imap_settings_read(const char *connection, struct imap_settings **out_settings,
                       struct error *err);
void imap_settings_free(struct imap_settings *settings);
AUTO_DEFINE(imap_settings, imap_settings_free);

/** imap_settings_guard - whoever wrote these is not trusted with this machine and its networks:
 * only servers with a public address are connected to. ERROR_USAGE where they name a file or a
 * proxy. */
int imap_settings_guard(struct imap_settings *settings, struct error *err);

/** imap_settings_account - who is logged in where, for origin.account and messages: "user@host",
 * with
 * ":port" only where the port is neither 143 nor 993; the host in lower case. Yours: free(). */
char *imap_settings_account(const struct imap_settings *settings, const char *user);

/** imap_settings_keys - the table. Static. */
const struct connection_key *imap_settings_keys(size_t *out_count);

#endif
