/* SPDX-License-Identifier: Apache-2.0 */
/* imap-connect.c - see imap-connect.h. */
#include <config.h>
#include "imap-connect.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

int imap_connect(const struct imap_settings *s, const char *user, const char *secret,
                 const struct imap_host *host, struct stream **out_stream, struct error *err)
{
    static const enum stream_security security[] = {[IMAP_STARTTLS_AUTO] = STREAM_AUTO,
                                                    [IMAP_STARTTLS_REQUIRED] = STREAM_STARTTLS,
                                                    [IMAP_STARTTLS_NEVER] = STREAM_PLAIN};
    struct stream_settings stream = {
        .host = s->host,
        .port = s->port,
        .security = s->ssl ? STREAM_TLS : security[s->starttls],
        .allow_insecure_cert = s->allow_insecure_cert,
        .public_only = s->guarded,
        .ca_file = s->ca_file,
        .pinned_key = s->pinned_key,
        .min_tls = s->min_tls,
        .proxy = s->proxy,
        .auth = s->auth,
        .user = user,
        .secret = secret,
        .timeout_ms = s->timeout_ms,
        .clock = &host->clock,
        .cancelled = host->cancelled,
        .context = host->context,
    };
    return stream_open(&stream, out_stream, err);
}

int imap_connect_prefix(char out_prefix[IMAP_TAG_PREFIX + 1], struct error *err)
{
    uint8_t random[IMAP_TAG_PREFIX];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return error_set(err, ERROR_BUG, "the system gives no random numbers: %s", strerror(errno));
    for (size_t i = 0; i < sizeof random; i++)
        out_prefix[i] = (char)('a' + random[i] % 26);
    out_prefix[sizeof random] = '\0';
    return 0;
}

int imap_connect_identify(struct imap_session *session, struct error *err)
{
    struct imap_call call = {.what = "ID"};
    struct imap_command command;
    if ((imap_session_can(session) & IMAP_CAN_ID) == 0)
        return 0;
    imap_command_init(&command, "ID (\"name\" \"mailchute\" \"version\" \"" PACKAGE_VERSION "\")");
    return imap_session_send(session, &command, &call, err);
}
