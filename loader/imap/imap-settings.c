/* SPDX-License-Identifier: Apache-2.0 */
/* imap-settings.c - the keys of the IMAP loader, and the rules between them. See imap-settings.h.
 *
 * The table says what a single value may be; the functions below it what holds between values. */
#include <config.h>
#include "imap-settings.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "cursor.h"
#include "filter.h"
#include "imap-pattern.h"
#include "text.h"

#define IMAP_PORT 143u  /* RFC 9051 s.2.1 */
#define IMAPS_PORT 993u /* RFC 8314 s.3.2 */
#define IMAP_HOST_MAX 253u /* bytes of a host name (RFC 1035 s.2.3.4, without the root) */
#define IMAP_FOLDER_MAX 1000u
#define IMAP_SIZE_MAX ((uint64_t)1 << 30)
#define IMAP_BATCH_MAX 500u
#define IMAP_PIN_SIZE 44u /* base64 of 32 bytes */

#define SECOND_MS 1000u
#define HOUR_MS (3600u * SECOND_MS)

#define FIELD(name) offsetof(struct imap_settings, name)
#define USER_HINT                                                                                  \
    "give the user name in its own field (of the source; on the command line --user NAME)"
#define SECRET_HINT                                                                                \
    "give the password in its own field (of the source; on the command line --password-file FILE)"

static const struct connection_key imap_keys[] = {
    {"url", CONNECTION_TEXT, FIELD(url), .required = true,
     .help = "host name or address of the server; also imap://host:port, imaps://host:port, [::1]"},
    {"port", CONNECTION_NUMBER, FIELD(port), .min = 1, .max = 65535,
     .help = "port of the server; 993 with ssl, else 143"},
    {"ssl", CONNECTION_BOOLEAN, FIELD(ssl), .default_value = "False",
     .help = "True: TLS from the first byte; False: STARTTLS when offered"},
    {"mailbox", CONNECTION_TEXT, FIELD(mailbox), .default_value = "INBOX",
     .help = "folder with incoming mail; '/' parts levels, whatever the server uses"},
    {"dropbox", CONNECTION_TEXT, FIELD(dropbox), .default_value = "DROPBOX",
     .help = "folder that picked-up mail is moved to; made if missing"},
    {"badmail", CONNECTION_TEXT, FIELD(badmail), .default_value = "BADMAIL",
     .help = "folder for mail that could not be loaded; made if missing"},
    {"folders", CONNECTION_TEXT, FIELD(folders),
     .help = "archive these folders, all left as they are, in place of mailbox: names and patterns "
             "with commas between, such as INBOX,Projects/*; * is any characters, % those of one "
             "level, * alone all folders"},
    {"skipFolders", CONNECTION_TEXT, FIELD(skip_folders),
     .help = "of these folders none: names and patterns as in folders"},
    {"skipSpecial", CONNECTION_TEXT, FIELD(skip_special),
     .default_value = "Junk,Trash,Drafts,Flagged,Important",
     .help =
         "folders for this purpose are left out unless folders names them without * and %: some "
         "of " IMAP_SPECIAL_WORDS ", or None"},
    {"attachHtml", CONNECTION_BOOLEAN, FIELD(attach_html), .default_value = "False",
     .help = "True: the HTML version, if there is one, becomes the attachment original.html"},
    {"sanitize", CONNECTION_BOOLEAN, FIELD(sanitize), .default_value = "False",
     .help = "True: characters that XML 1.0 forbids are dropped from text fields"},
    {"starttls", CONNECTION_CHOICE, FIELD(starttls), .default_value = "Auto",
     .choices = "Auto|Required|Never",
     .help = "Auto: without TLS only to a loopback or private address; Required: never without"},
    {"allowInsecureCert", CONNECTION_BOOLEAN, FIELD(allow_insecure_cert), .default_value = "False",
     .help = "True: accept any certificate; anybody on the way can then read and change the mail"},
    {"caFile", CONNECTION_TEXT, FIELD(ca_file),
     .help = "file with the certificate authorities to trust, PEM; else those of the system"},
    {"pinnedKey", CONNECTION_TEXT, FIELD(pinned_key),
     .help = "sha256//... of the server's public key; several are parted by ';', in quotes"},
    {"minTls", CONNECTION_TEXT, FIELD(min_tls), .default_value = "1.2", .choices = "1.2|1.3",
     .help = "oldest TLS version to accept"},
    {"after", CONNECTION_CHOICE, FIELD(after), .default_value = "Move",
     .choices = "Move|Leave|Delete|Flag",
     .help = "what becomes of picked-up mail; Leave: remember it and touch nothing"},
    {"search", CONNECTION_TEXT, FIELD(search),
     .help = "IMAP SEARCH criteria that choose the mail, such as SINCE 1-Jan-2026 UNSEEN"},
    {"accept", CONNECTION_TEXT, FIELD(accept),
     .help = "Header:/expression/ (PCRE2): mail to take; the rest stays in place"},
    {"skip", CONNECTION_TEXT, FIELD(skip),
     .help = "Header:/expression/ (PCRE2): mail to leave in place"},
    {"maxSize", CONNECTION_SIZE, FIELD(max_size), .default_value = "50MB", .min = 1,
     .max = IMAP_SIZE_MAX, .help = "larger mail goes to badmail without being downloaded"},
    {"batch", CONNECTION_NUMBER, FIELD(batch), .min = 1, .max = IMAP_BATCH_MAX,
     .help = "messages fetched in one go; chosen by the loader when left out"},
    {"idle", CONNECTION_BOOLEAN, FIELD(idle), .default_value = "True",
     .help = "True: wait for new mail with IDLE, beside the poll"},
    {"poll", CONNECTION_DURATION, FIELD(poll_ms), .default_value = "5min", .min = SECOND_MS,
     .max = 24 * HOUR_MS, .help = "look for new mail this often"},
    {"timeout", CONNECTION_DURATION, FIELD(timeout_ms), .default_value = "60s", .min = SECOND_MS,
     .max = HOUR_MS, .help = "no progress for this long ends the attempt"},
    {"proxy", CONNECTION_TEXT, FIELD(proxy), .secret = true,
     .help = "proxy on the way to the server: socks5h://host:port or http://host:port"},
    {"auth", CONNECTION_TEXT, FIELD(auth), .default_value = "Auto",
     .choices = "Auto|PLAIN|LOGIN|CRAM-MD5|DIGEST-MD5|SCRAM-SHA-1|SCRAM-SHA-256|NTLM|GSSAPI|"
                "EXTERNAL|XOAUTH2|OAUTHBEARER",
     .help = "SASL mechanism to log in with"},
    {"user", CONNECTION_REFUSED, .help = USER_HINT},
    {"userName", CONNECTION_REFUSED, .help = USER_HINT},
    {"login", CONNECTION_REFUSED, .help = USER_HINT},
    {"password", CONNECTION_REFUSED, .help = SECRET_HINT},
    {"passwd", CONNECTION_REFUSED, .help = SECRET_HINT},
    {"pass", CONNECTION_REFUSED, .help = SECRET_HINT},
    {"pwd", CONNECTION_REFUSED, .help = SECRET_HINT},
    {"secret", CONNECTION_REFUSED, .help = SECRET_HINT},
    {"token", CONNECTION_REFUSED, .help = SECRET_HINT},
};

#define IMAP_KEYS (sizeof imap_keys / sizeof imap_keys[0])

static bool imap_settings_gave(uint64_t given, size_t offset)
{
    for (size_t i = 0; i < IMAP_KEYS; i++)
        if (imap_keys[i].type != CONNECTION_REFUSED && imap_keys[i].offset == offset)
            return (given >> i & 1) != 0;
    return false;
}

/* ---- url, port, ssl ---------------------------------------------------------------------------
 */

/* The url taken apart; borrowed from it. */
struct imap_url {
    bool imap, imaps;       /* by its scheme; neither: there is none */
    struct span host;       /* without brackets */
    bool has_port;
    uint64_t port;
};

static int imap_url_scheme(const char **text, struct imap_url *url, struct error *err)
{
    url->imap = text_starts_nocase(*text, "imap://");
    url->imaps = text_starts_nocase(*text, "imaps://");
    if (!url->imap && !url->imaps && strstr(*text, "://") != NULL)
        return error_set(err, ERROR_USAGE,
                         "only imap:// and imaps:// can be picked up from; write url=imap://host");
    *text += url->imap ? strlen("imap://") : url->imaps ? strlen("imaps://") : 0;
    return 0;
}

/* host = "[" IPv6 "]" / name, up to a ":" or "/"; or IPv6 without brackets, where no port follows
 */
static int imap_url_host(struct cursor *at, struct imap_url *url, struct error *err)
{
    const char *rest = (const char *)at->bytes + at->pos;
    size_t size = strcspn(rest, ":/");
    struct in6_addr address;
    if (rest[0] == '[') {
        size_t inside = strcspn(rest + 1, "]");
        if (rest[1 + inside] != ']' || inside == 0)
            return error_set(err, ERROR_USAGE, "the ']' behind the address is missing");
        url->host = (struct span){(const uint8_t *)rest + 1, inside};
        at->pos += inside + 2;
        return 0;
    }
    if (!url->imap && !url->imaps && inet_pton(AF_INET6, rest, &address) == 1)
        size = strlen(rest);
    url->host = (struct span){(const uint8_t *)rest, size};
    at->pos += size;
    return 0;
}

/* Neither the port nor what follows is repeated: it may be a piece of a password. */
static int imap_url_rest(struct cursor *at, struct imap_url *url, struct error *err)
{
    if (cursor_peek(at) == ':') {
        if (!url->imap && !url->imaps)
            return error_set(
                err, ERROR_USAGE,
                "a port needs its own key; write port=NUMBER, or url=imap://host:port");
        at->pos++;
        if (cursor_number(at, 65535, &url->port) != PARSE_OK || url->port == 0)
            return error_set(err, ERROR_USAGE,
                             "the port in it is not a number from 1 to 65535; correct it");
        url->has_port = true;
    }
    if ((url->imap || url->imaps) && cursor_peek(at) == '/')
        at->pos++;
    if (cursor_peek(at) != '\0')
        return error_set(
            err, ERROR_USAGE,
            "there is more than a host and a port in it; a folder belongs into the key "
            "mailbox");
    return 0;
}

/* url = [ "imap://" / "imaps://" ] host [ ":" port ] [ "/" ]; the NUL belongs to the cursor's
 * bytes, so that it ends host and number. */
static int imap_url_split(const char *text, struct imap_url *url, struct error *err)
{
    if (imap_url_scheme(&text, url, err) < 0)
        return -1;
    struct cursor at = cursor_over(text, strlen(text) + 1);
    if (imap_url_host(&at, url, err) < 0)
        return -1;
    return imap_url_rest(&at, url, err);
}

static bool imap_is_ipv6(const char *host)
{
    return strchr(host, ':') != NULL;
}

/* An IPv6 address, a zone behind it allowed (RFC 4007 s.11); or a name: letters, digits, "-", "."
 * and
 * "_" (RFC 1123 s.2.1 and habit), and UTF-8, which libcurl turns into IDNA. */
static bool imap_host_is_sound(const char *host)
{
    if (imap_is_ipv6(host)) {
        char address[INET6_ADDRSTRLEN] = "";
        struct in6_addr binary;
        size_t size = strcspn(host, "%");
        if (size >= sizeof address || (host[size] == '%' && host[size + 1] == '\0'))
            return false;
        memcpy(address, host, size);
        return inet_pton(AF_INET6, address, &binary) == 1 &&
               strspn(host + size, "%-._abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789") == strlen(host + size);
    }
    for (const char *at = host; *at != '\0'; at++) {
        char c = text_lower(*at);
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' &&
            (uint8_t)c < 0x80)
            return false;
    }
    return host[0] != '\0' && host[0] != '.' && host[0] != '-' && strlen(host) <= IMAP_HOST_MAX;
}

static int imap_settings_take_host(struct imap_settings *s, const struct imap_url *url,
                                   struct error *err)
{
    s->host = span_copy(url->host);
    if (s->host == NULL)
        return error_oom(err, "reading the connection string");
    if (!imap_host_is_sound(s->host))
        return error_set(
            err, ERROR_USAGE,
            "this is not the name or address of a host; write url=mail.example.org, or "
            "url=[2001:db8::1]");
    return 0;
}

static int imap_settings_take_url(struct imap_settings *s, uint64_t given, struct error *err)
{
    if (strchr(s->url, '@') != NULL)
        return error_set(err, ERROR_USAGE,
                         "a user name or password does not belong into it; take them out, up to "
                         "and with the '@', and give them in their own fields (of the source; on "
                         "the command line --user NAME --password-file FILE)");
    struct imap_url url = {0};
    if (imap_url_split(s->url, &url, err) < 0 || imap_settings_take_host(s, &url, err) < 0)
        return -1;
    if (url.imaps && imap_settings_gave(given, FIELD(ssl)) && !s->ssl)
        return error_set(err, ERROR_USAGE,
                         "imaps:// means TLS, but ssl=False is given too; take one of them out");
    s->ssl = s->ssl || url.imaps;
    if (url.has_port && s->port != 0 && s->port != url.port)
        return error_set(err, ERROR_USAGE,
                         "it names port %u, the key port names %u; take one of them out",
                         (uint32_t)url.port, s->port);
    if (url.has_port)
        s->port = (uint32_t)url.port;
    if (s->port == 0)
        s->port = s->ssl ? IMAPS_PORT : IMAP_PORT;
    return 0;
}

static int imap_settings_check_tls(struct imap_settings *s, uint64_t given, struct error *err)
{
    (void)given;
    if (s->ssl && s->starttls == IMAP_STARTTLS_REQUIRED)
        return error_set(err, ERROR_USAGE,
                         "STARTTLS cannot be had where TLS runs from the first byte (ssl=True); "
                         "take one of them out");
    return 0;
}

/* ---- Folders ----------------------------------------------------------------------------------
 */

static int imap_folder_check(const char *name, struct error *err)
{
    char quoted[64];
    text_printable(quoted, sizeof quoted, name, strlen(name));
    size_t size = strlen(name);
    if (size > IMAP_FOLDER_MAX)
        return error_set(err, ERROR_USAGE, "a folder name has at most %u bytes", IMAP_FOLDER_MAX);
    if (name[0] == '/' || name[size - 1] == '/' || strstr(name, "//") != NULL)
        return error_set(err, ERROR_USAGE,
                         "'%s' has a level without a name; write it like Archive/2026", quoted);
    return 0;
}

static int imap_settings_check_mailbox(struct imap_settings *s, uint64_t given, struct error *err)
{
    (void)given;
    return imap_folder_check(s->mailbox, err);
}

/* Some servers tell folders apart by case and some do not; what may be one is treated as one. */
static int imap_settings_check_dropbox(struct imap_settings *s, uint64_t given, struct error *err)
{
    (void)given;
    if (text_equal_nocase(s->dropbox, s->mailbox))
        return error_set(
            err, ERROR_USAGE,
            "dropbox and mailbox are the same folder, picked-up mail would come again; "
            "name another");
    return imap_folder_check(s->dropbox, err);
}

static int imap_settings_check_badmail(struct imap_settings *s, uint64_t given, struct error *err)
{
    (void)given;
    if (text_equal_nocase(s->badmail, s->mailbox))
        return error_set(err, ERROR_USAGE,
                         "badmail and mailbox are the same folder, bad mail would come again; name "
                         "another");
    if (text_equal_nocase(s->badmail, s->dropbox))
        return error_set(err, ERROR_USAGE,
                         "badmail and dropbox are the same folder, bad mail could not be told from "
                         "good; name another");
    return imap_folder_check(s->badmail, err);
}

/* ---- Several folders --------------------------------------------------------------------------
 */

/* What one key says that has no sense where several folders are archived. */
static int imap_settings_conflict(uint64_t given, size_t offset, const char *what,
                                  struct error *err)
{
    return imap_settings_gave(given, offset) ? error_set(err, ERROR_USAGE, "%s", what) : 0;
}

/* Several folders are left in place: mail that was moved out of its folder would be in no folder.
 */
static int imap_settings_check_folders(struct imap_settings *s, uint64_t given, struct error *err)
{
    struct imap_patterns patterns;
    if (s->folders == NULL)
        return 0;
    int failed = imap_patterns_read(s->folders, &patterns, err);
    imap_patterns_done(&patterns);
    if (failed < 0 ||
        imap_settings_conflict(given, FIELD(mailbox),
                               "mailbox is one folder, folders are several; put the mailbox among "
                               "the folders, and take the key mailbox out", err) < 0 ||
        imap_settings_conflict(given, FIELD(dropbox),
                               "mail of folders stays where it is, nothing goes to a dropbox; take "
                               "dropbox out, or use mailbox instead of folders", err) < 0 ||
        imap_settings_conflict(given, FIELD(badmail),
                               "mail of folders stays where it is, nothing goes to badmail; take "
                               "badmail out, or use mailbox instead of folders", err) < 0)
        return -1;
    if (imap_settings_gave(given, FIELD(after)) && s->after != IMAP_AFTER_LEAVE)
        return error_set(
            err, ERROR_USAGE,
            "mail of folders stays where it is, so after can only be Leave; take after "
            "out, or use mailbox instead of folders");
    s->after = IMAP_AFTER_LEAVE;
    return 0;
}

static int imap_settings_check_skip_folders(struct imap_settings *s, uint64_t given,
                                            struct error *err)
{
    struct imap_patterns patterns;
    (void)given;
    if (s->skip_folders != NULL && s->folders == NULL)
        return error_set(err, ERROR_USAGE,
                         "folders are left out of those that folders chooses; write folders=* too");
    int failed = imap_patterns_read(s->skip_folders, &patterns, err);
    imap_patterns_done(&patterns);
    return failed;
}

static int imap_settings_check_skip_special(struct imap_settings *s, uint64_t given,
                                            struct error *err)
{
    uint32_t uses;
    if (s->folders == NULL && imap_settings_gave(given, FIELD(skip_special)))
        return error_set(err, ERROR_USAGE,
                         "folders are left out of those that folders chooses; write folders=* too");
    return imap_special_read(s->skip_special, &uses, err);
}

/* ---- Rules, keys, proxies ----------------------------------------------------------------------
 */

static int imap_rule_check(const char *rule, struct error *err)
{
    struct filter *filter = NULL;
    if (rule != NULL && filter_new(rule, &filter, err) < 0)
        return -1;
    filter_free(filter);
    return 0;
}

static int imap_settings_check_accept(struct imap_settings *s, uint64_t given, struct error *err)
{
    (void)given;
    return imap_rule_check(s->accept, err);
}

static int imap_settings_check_skip(struct imap_settings *s, uint64_t given, struct error *err)
{
    (void)given;
    return imap_rule_check(s->skip, err);
}

/* "sha256//" and 32 bytes in base64, several parted by ";" (as CURLOPT_PINNEDPUBLICKEY) */
static bool imap_pin_is_sound(const char *pins)
{
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char scheme[] = "sha256//";
    for (;;) {
        if (strncmp(pins, scheme, sizeof scheme - 1) != 0)
            return false;
        pins += sizeof scheme - 1;
        if (strspn(pins, base64) != IMAP_PIN_SIZE - 1 || pins[IMAP_PIN_SIZE - 1] != '=')
            return false;
        pins += IMAP_PIN_SIZE;
        if (*pins == '\0')
            return true;
        if (*pins++ != ';')
            return false;
    }
}

static int imap_settings_check_pin(struct imap_settings *s, uint64_t given, struct error *err)
{
    (void)given;
    if (s->pinned_key != NULL && !imap_pin_is_sound(s->pinned_key))
        return error_set(err, ERROR_USAGE,
                         "write sha256// and the 44 characters of base64 of the SHA-256 of the "
                         "server's public key; several in quotes, parted by ';'");
    return 0;
}

static int imap_settings_check_proxy(struct imap_settings *s, uint64_t given, struct error *err)
{
    static const char *const schemes[] = {"socks5h://", "socks5://", "socks4a://", "socks4://",
                                          "http://", "https://"};
    (void)given;
    if (s->proxy == NULL)
        return 0;
    if (strchr(s->proxy, '@') != NULL)
        return error_set(err, ERROR_USAGE,
                         "a user name or password does not belong into it, a connection string is "
                         "not kept secret; let the proxy admit this host without");
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (text_starts_nocase(s->proxy, schemes[i]) && s->proxy[strlen(schemes[i])] != '\0')
            return 0;
    return error_set(err, ERROR_USAGE,
                     "write socks5h://host:port or http://host:port (also socks5, socks4a, socks4, "
                     "https)");
}

/* ---- All together ------------------------------------------------------------------------------
 */

/* What holds between values, in the order in which a person would look; an error is put behind the
 * key and its position. */
static const struct {
    const char *key;
    int (*check)(struct imap_settings *s, uint64_t given, struct error *err);
} imap_rules[] = {
    {"url", imap_settings_take_url},          {"starttls", imap_settings_check_tls},
    {"mailbox", imap_settings_check_mailbox}, {"dropbox", imap_settings_check_dropbox},
    {"badmail", imap_settings_check_badmail}, {"folders", imap_settings_check_folders},
    {"skipFolders", imap_settings_check_skip_folders},
    {"skipSpecial", imap_settings_check_skip_special},
    {"accept", imap_settings_check_accept},
    {"skip", imap_settings_check_skip},       {"pinnedKey", imap_settings_check_pin},
    {"proxy", imap_settings_check_proxy},
};

static void imap_settings_locate(const char *connection, const char *key, struct error *err)
{
    size_t position = connection_string_position(connection, key);
    if (position != 0)
        error_prefix(err, "key '%s' at position %zu", key, position);
    else
        error_prefix(err, "key '%s' (by default)", key);
}

int imap_settings_read(const char *connection, struct imap_settings **out_settings,
                       struct error *err)
{
    AUTO(imap_settings) s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_oom(err, "reading the connection string");
    uint64_t given;
    if (connection_string_read(connection, imap_keys, IMAP_KEYS, s, &given, err) < 0)
        return -1;
    for (size_t i = 0; i < sizeof imap_rules / sizeof imap_rules[0]; i++) {
        if (imap_rules[i].check(s, given, err) < 0) {
            imap_settings_locate(connection, imap_rules[i].key, err);
            return -1;
        }
    }
    *out_settings = TAKE(s);
    return 0;
}

void imap_settings_free(struct imap_settings *settings)
{
    if (settings == NULL)
        return;
    connection_string_free(imap_keys, IMAP_KEYS, settings);
    free(settings->host);
    free(settings);
}

int imap_settings_guard(struct imap_settings *settings, struct error *err)
{
    const char *key = settings->ca_file != NULL ? "caFile"
                      : settings->proxy != NULL ? "proxy"
                                                : NULL;
    if (key != NULL)
        return error_set(err, ERROR_USAGE, "key '%s' may only be set by the administrator, on the "
                         "command line; take it out", key);
    settings->guarded = true;
    return 0;
}

char *imap_settings_account(const struct imap_settings *settings, const char *user)
{
    AUTO_DONE(buffer) account;
    buffer_init(&account, SIZE_MAX);
    bool brackets = imap_is_ipv6(settings->host);
    if ((user != NULL && buffer_printf(&account, "%s@", user) < 0) ||
        (brackets && buffer_append_byte(&account, '[') < 0))
        return NULL;
    for (const char *at = settings->host; *at != '\0'; at++)
        if (buffer_append_byte(&account, (uint8_t)text_lower(*at)) < 0)
            return NULL;
    if ((brackets && buffer_append_byte(&account, ']') < 0) ||
        (settings->port != IMAP_PORT && settings->port != IMAPS_PORT &&
         buffer_printf(&account, ":%u", settings->port) < 0))
        return NULL;
    return buffer_take(&account);
}

const struct connection_key *imap_settings_keys(size_t *out_count)
{
    *out_count = IMAP_KEYS;
    return imap_keys;
}
