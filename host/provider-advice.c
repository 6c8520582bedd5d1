/* SPDX-License-Identifier: Apache-2.0 */
/* provider-advice.c - see provider-advice.h. */
#include <config.h>
#include "provider-advice.h"

#include <string.h>

#include "connection-text.h"
#include "text.h"

/* Log-ins alone: whatever else fails is the same everywhere. */
static const struct {
    const char *domain, *advice;
} provider_logins[] = {
    {"gmail.com", "Gmail takes no account password here: turn on 2-Step Verification, make an app "
                  "password at myaccount.google.com/apppasswords, and use that"},
    {"googlemail.com", "Gmail takes no account password here: turn on 2-Step Verification, make an "
                       "app password at myaccount.google.com/apppasswords, and use that"},
    {"outlook.com",
     "Microsoft takes no passwords over IMAP any more: use auth=XOAuth2 with a token"},
    {"office365.com", "Microsoft 365 takes no passwords over IMAP: use auth=XOAuth2 with a token "
                      "(Exchange administrators can also allow an app alone)"},
    {"yahoo.com", "Yahoo takes no account password here: make an app password under Account "
                  "Security, and use that"},
    {"aol.com", "AOL takes no account password here: make an app password under Account Security, "
                "and use that"},
    {"me.com", "iCloud takes no account password here: make an app-specific password at "
               "account.apple.com; the user name is the part before the @"},
    {"icloud.com", "iCloud takes no account password here: make an app-specific password at "
                   "account.apple.com; the user name is the part before the @"},
    {"fastmail.com",
     "Fastmail takes no account password here: make an app password under Settings, "
     "Privacy & Security, and use that"},
    {"gmx.net", "GMX lets programs in only after 'POP3/IMAP' was allowed in its settings"},
    {"web.de", "web.de lets programs in only after 'POP3/IMAP' was allowed in its settings"},
};

static bool provider_is(const char *host, const char *domain)
{
    size_t host_size = strlen(host), domain_size = strlen(domain);
    if (host_size < domain_size ||
        !text_equal_nocase(host + host_size - domain_size, domain))
        return false;
    return host_size == domain_size || host[host_size - domain_size - 1] == '.';
}

static const char *provider_login(const char *url)
{
    char host[CONNECTION_HOST_MAX];
    connection_host(url, host);
    for (size_t i = 0; i < sizeof provider_logins / sizeof provider_logins[0]; i++)
        if (provider_is(host, provider_logins[i].domain))
            return provider_logins[i].advice;
    return "look at user name and password; many providers want an app password instead of the "
           "account's own";
}

const char *provider_advice(const char *url, enum error_class class)
{
    switch (class) {
    case ERROR_UNREACHABLE:
        return "look at host and port (993 with TLS, 143 without), and at firewalls between";
    case ERROR_CERTIFICATE:
        return "give the authority's certificate by caFile=FILE, use the name the certificate is "
               "for, or, in a network that you trust, --allow-insecure-cert";
    case ERROR_CREDENTIALS:
        return provider_login(url == NULL ? "" : url);
    case ERROR_CONFIG:
        return "mailchute check shows the folders that are there; a mailbox is named by --mailbox";
    case ERROR_PAUSE:
        return "the server wants to be left alone for a while: try again later";
    case ERROR_USAGE:
        return "mend the connection string; mailchute loaders shows its keys";
    default:
        return "mailchute check tells more, step by step";
    }
}
