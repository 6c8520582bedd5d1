/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-settings.c - the keys of the Mailchain loader. See mailchain-settings.h. */
#include <config.h>
#include "mailchain-settings.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "text.h"

#define MAILCHAIN_PORT 8080u /* where a client listens by default */
#define MAILCHAIN_HOST_MAX 253u
#define MAILCHAIN_ANSWER_DEFAULT "32MB" /* read, it takes three times as much, and some more */
#define SECOND_MS 1000u
#define HOUR_MS (3600u * SECOND_MS)

#define FIELD(name) offsetof(struct mailchain_settings, name)
#define LOGIN_HINT "a Mailchain client asks for no login; take it out"

static const struct connection_key mailchain_keys[] = {
    {"url", CONNECTION_TEXT, FIELD(url), .default_value = "127.0.0.1",
     .help =
         "host name or address of the Mailchain client; also http://host:port, https://host:port"},
    {"port", CONNECTION_NUMBER, FIELD(port), .min = 1, .max = 65535,
     .help = "port of the client; 8080 when left out"},
    {"ssl", CONNECTION_BOOLEAN, FIELD(ssl), .default_value = "False",
     .help = "True: https; False: http, to a loopback or private address only"},
    {"attachHtml", CONNECTION_BOOLEAN, FIELD(attach_html), .default_value = "False",
     .help = "True: the HTML version, if there is one, becomes the attachment original.html"},
    {"sanitize", CONNECTION_BOOLEAN, FIELD(sanitize), .default_value = "False",
     .help = "True: characters that XML 1.0 forbids are dropped from text fields"},
    {"footer", CONNECTION_BOOLEAN, FIELD(footer), .default_value = "False",
     .help = "True: a line at the end of each message tells how it was delivered"},
    {"poll", CONNECTION_DURATION, FIELD(poll_ms), .default_value = "5min",
     .min = MAILCHAIN_POLL_MIN_MS, .max = 24 * HOUR_MS, .help = "look for new messages this often"},
    {"page", CONNECTION_NUMBER, FIELD(page), .default_value = "100", .min = 1, .max = 1000,
     .help = "messages asked for at once; fewer where their answer would be above maxAnswer"},
    {"maxAnswer", CONNECTION_SIZE, FIELD(max_answer), .default_value = MAILCHAIN_ANSWER_DEFAULT,
     .min = 1024, .max = (uint64_t)1 << 30, .help = "a longer answer of the client is not read"},
    {"timeout", CONNECTION_DURATION, FIELD(timeout_ms), .default_value = "60s", .min = SECOND_MS,
     .max = HOUR_MS, .help = "an answer that takes longer is given up"},
    {"allowInsecureCert", CONNECTION_BOOLEAN, FIELD(allow_insecure_cert), .default_value = "False",
     .help = "True: accept any certificate; anybody on the way can then read and change messages"},
    {"caFile", CONNECTION_TEXT, FIELD(ca_file),
     .help = "file with the certificate authorities to trust, PEM; else those of the system"},
    {"minTls", CONNECTION_TEXT, FIELD(min_tls), .default_value = "1.2", .choices = "1.2|1.3",
     .help = "oldest TLS version to accept"},
    {"user", CONNECTION_REFUSED, .help = LOGIN_HINT},
    {"password", CONNECTION_REFUSED, .help = LOGIN_HINT},
};
#define MAILCHAIN_KEYS (sizeof mailchain_keys / sizeof mailchain_keys[0])

/* The url taken apart. */
struct mailchain_url {
    bool http, https;
    char host[MAILCHAIN_HOST_MAX + 1]; /* without brackets */
    uint64_t port; /* 0: none */
};

static bool settings_host_is_sound(const char *host)
{
    struct in6_addr v6;
    if (strchr(host, ':') != NULL)
        return inet_pton(AF_INET6, host, &v6) == 1;
    for (const char *at = host; *at != '\0'; at++) {
        char c = text_lower(*at);
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_')
            return false;
    }
    return host[0] != '\0' && host[0] != '.' && host[0] != '-';
}

/* [ "http://" / "https://" ] host [ ":" port ] [ "/" [ "api" [ "/" ] ] ] */
static int settings_split(const char *text, struct mailchain_url *url)
{
    struct cursor at = cursor_over(text, strlen(text) + 1); /* its NUL ends host and number */
    struct in6_addr v6;
    url->http = cursor_text_nocase(&at, "http://") == PARSE_OK;
    url->https = !url->http && cursor_text_nocase(&at, "https://") == PARSE_OK;
    const char *rest = text + at.pos;
    bool brackets = rest[0] == '[';
    size_t size = brackets                               ? strcspn(rest + 1, "]")
                  : inet_pton(AF_INET6, rest, &v6) == 1 ? strlen(rest)
                                                         : strcspn(rest, ":/");
    if (size >= sizeof url->host || (brackets && rest[1 + size] != ']'))
        return -1;
    memcpy(url->host, rest + brackets, size);
    url->host[size] = '\0';
    at.pos += size + (brackets ? 2 : 0);
    if (cursor_text(&at, ":") == PARSE_OK &&
        (cursor_number(&at, 65535, &url->port) != PARSE_OK || url->port == 0))
        return -1;
    (void)cursor_text(&at, "/api");
    (void)cursor_text(&at, "/");
    return cursor_peek(&at) == '\0' && settings_host_is_sound(url->host) ? 0 : -1;
}

static int settings_take_url(struct mailchain_settings *s, bool ssl_given, struct error *err)
{
    struct mailchain_url url = {.port = 0};
    if (settings_split(s->url, &url) < 0)
        return error_set(err, ERROR_USAGE, "key 'url' is not the name or address of a host; write "
                         "url=127.0.0.1, or url=http://host:port");
    if (url.http && s->ssl)
        return error_set(err, ERROR_USAGE, "key 'url' says http and key 'ssl' says https; take one "
                         "of them out");
    if (url.https && ssl_given && !s->ssl)
        return error_set(err, ERROR_USAGE, "key 'url' says https and key 'ssl' says http; take one "
                         "of them out");
    if (url.port != 0 && s->port != 0 && s->port != url.port)
        return error_set(err, ERROR_USAGE, "key 'url' names port %u, key 'port' names %u; take one "
                         "of them out", (uint32_t)url.port, s->port);
    s->ssl = s->ssl || url.https;
    s->port = url.port != 0 ? (uint32_t)url.port : s->port != 0 ? s->port : MAILCHAIN_PORT;
    bool v6 = strchr(url.host, ':') != NULL;
    if (asprintf(&s->base, "%s://%s%s%s:%u/api", s->ssl ? "https" : "http", v6 ? "[" : "",
                 url.host, v6 ? "]" : "", s->port) >= 0)
        return 0;
    s->base = NULL;
    return error_oom(err, "reading the connection string");
}

int mailchain_settings_read(const char *connection, struct mailchain_settings **out_settings,
                            struct error *err)
{
    uint64_t given;
    AUTO(mailchain_settings) s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_oom(err, "reading the connection string");
    if (connection_string_read(connection, mailchain_keys, MAILCHAIN_KEYS, s, &given, err) < 0)
        return -1;
    bool ssl_given = false;
    for (size_t i = 0; i < MAILCHAIN_KEYS; i++)
        ssl_given =
            ssl_given || (text_equal(mailchain_keys[i].key, "ssl") && (given >> i & 1) != 0);
    if (settings_take_url(s, ssl_given, err) < 0)
        return -1;
    *out_settings = TAKE(s);
    return 0;
}

void mailchain_settings_free(struct mailchain_settings *settings)
{
    if (settings == NULL)
        return;
    connection_string_free(mailchain_keys, MAILCHAIN_KEYS, settings);
    free(settings->base);
    free(settings);
}

const struct connection_key *mailchain_settings_keys(size_t *out_count)
{
    *out_count = MAILCHAIN_KEYS;
    return mailchain_keys;
}
