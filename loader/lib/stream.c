/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - transport and login by libcurl, the dialogue by others. See stream.h.
 *
 * Each attempt to connect is one easy handle, driven here in short polls so that deadlines and
 * cancelled() are ours. It stays in its multi handle until the end (taking it out would close the
 * connection), which stream-shard.h shares out. */
#include <config.h>
#include "stream.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "address.h"
#include "buffer.h"
#include "login-log.h"
#include "stream-guard.h"
#include "stream-shard.h"
#include "stream-tls.h"
#include "text.h"

#define STREAM_POLL_MS 200         /* how long cancelled() may wait */
#define STREAM_KEEPALIVE_S 60L /* silence until the first probe; others follow in a third of that */
#define STREAM_PROBES 3u       /* that may get lost */
/* TCP_USER_TIMEOUT: sent bytes may stay unacknowledged. With keepalive Linux counts the silence
 * before the first probe as well: as short as that, one lost packet would end a connection that
 * only waits. */
#define STREAM_DEAD_PEER_MS                                                                        \
    (STREAM_KEEPALIVE_S * 1000u + STREAM_PROBES * STREAM_KEEPALIVE_S * 1000u / 3)
#define STREAM_WHERE_MAX 300

/* Which of the phases of connecting has been reached. */
enum stream_phase { STREAM_CONNECTING, STREAM_SHAKING, STREAM_GREETING, STREAM_LOGGING_IN };

struct stream {
    struct stream_member member;
    size_t early; /* of the member's early bytes, those that were received already */
    bool plain;         /* no TLS will be used */
    bool plain_refused; /* plain text to a public address: we refused it */
    bool public_only, private_refused; /* an address that is not public: we refused it */
    bool verified;
    bool bare_login; /* LOGIN_OPTIONS left unset */
    bool ahead;      /* many records are taken at once */
    int fd;
    struct login_log log;
    char security[100];
    char address[INET6_ADDRSTRLEN + 8];
    char where[STREAM_WHERE_MAX];
    char curl_text[CURL_ERROR_SIZE];
};

/* ---- Addresses ------------------------------------------------------------------------------- */

static bool stream_ipv4_is_local(uint32_t host_order)
{
    return host_order >> 24 == 127 || host_order >> 24 == 10 || host_order >> 20 == 0xAC1 ||
           host_order >> 16 == 0xC0A8 || host_order >> 16 == 0xA9FE;
}

static bool stream_ipv6_is_local(const struct in6_addr *a)
{
    if (IN6_IS_ADDR_V4MAPPED(a))
        return stream_ipv4_is_local((uint32_t)a->s6_addr[12] << 24 |
                                    (uint32_t)a->s6_addr[13] << 16 | (uint32_t)a->s6_addr[14] << 8 |
                                    a->s6_addr[15]);
    return IN6_IS_ADDR_LOOPBACK(a) || IN6_IS_ADDR_LINKLOCAL(a) || (a->s6_addr[0] & 0xFE) == 0xFC;
}

bool stream_address_is_local(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        return stream_ipv4_is_local(ntohl(v4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        return stream_ipv6_is_local(&v6.sin6_addr);
    }
    return false;
}

static void stream_note_address(struct stream *stream, const struct sockaddr *address)
{
    const void *bytes = NULL;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        bytes = &v4.sin_addr;
    } else if (address->sa_family == AF_INET6) {
        memcpy(&v6, address, sizeof v6);
        bytes = &v6.sin6_addr;
    }
    if (bytes == NULL ||
        inet_ntop(address->sa_family, bytes, stream->address, sizeof stream->address) == NULL)
        stream->address[0] = '\0';
}

/* Behind a proxy nobody sees the server's address: only one that is written out can be judged. */
static bool stream_host_is_local(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return stream_ipv4_is_local(ntohl(v4.s_addr));
    return inet_pton(AF_INET6, host, &v6) == 1 && stream_ipv6_is_local(&v6);
}

/* ---- What libcurl calls ---------------------------------------------------------------------- */

/* A socket is wanted for this address: the last moment to refuse plain text to a public one, and
 * for those who may name public ones only, any other. */
static curl_socket_t stream_on_socket(void *context, curlsocktype purpose,
                                      struct curl_sockaddr *address)
{
    struct stream *stream = context;
    (void)purpose;
    stream_note_address(stream, &address->addr);
    if (stream->public_only && !address_is_public(&address->addr)) {
        stream->private_refused = true;
        return CURL_SOCKET_BAD;
    }
    if (stream->plain && !stream_address_is_local(&address->addr)) {
        stream->plain_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int stream_on_socket_options(void *context, curl_socket_t fd, curlsocktype purpose)
{
    (void)context;
    (void)purpose;
    unsigned int timeout_ms = STREAM_DEAD_PEER_MS;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
    return CURL_SOCKOPT_OK;
}

static size_t stream_on_line(char *bytes, size_t size, size_t count, void *context)
{
    struct stream *stream = context;
    login_log_line(&stream->log, bytes, size * count);
    return size * count;
}

/* Of libcurl's chatter only the one line that tells protocol and cipher is wanted; all else, and
 * above all what was sent, is dropped here unseen. */
static int stream_on_chatter(CURL *easy, curl_infotype type, char *bytes, size_t count,
                             void *context)
{
    static const char start[] = "SSL connection using ";
    struct stream *stream = context;
    (void)easy;
    if (type != CURLINFO_TEXT || count < sizeof start ||
        memcmp(bytes, start, sizeof start - 1) != 0)
        return 0;
    size_t len = count - (sizeof start - 1);
    while (len > 0 && (uint8_t)bytes[sizeof start - 1 + len - 1] < 0x20)
        len--;
    text_printable(stream->security, sizeof stream->security, bytes + sizeof start - 1, len);
    return 0;
}

/* ---- Options --------------------------------------------------------------------------------- */

/* IPv6 addresses stand in brackets, all else is checked to be a name or an address. */
static int stream_url(const struct stream_settings *s, char *out, size_t size)
{
    const char *scheme = s->security == STREAM_TLS ? "imaps" : "imap";
    bool v6 = strchr(s->host, ':') != NULL;
    int n = snprintf(out, size, v6 ? "%s://[%s]:%u/" : "%s://%s:%u/", scheme, s->host, s->port);
    return n > 0 && (size_t)n < size ? 0 : -1;
}

/* libcurl copies texts, for which it may have no memory. */
static CURLcode stream_set_basics(struct stream *stream, const char *url)
{
    CURL *e = stream->member.easy;
    curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(
        e, CURLOPT_CONNECTTIMEOUT_MS,
        (long)(STREAM_CONNECT_MS + STREAM_TLS_MS + STREAM_GREETING_MS + STREAM_LOGIN_MS));
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, STREAM_KEEPALIVE_S);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, STREAM_KEEPALIVE_S / 3);
    curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT,
                     1L); /* or closing waits for a name server that is silent */
    /* No log-in resumes another one's TLS session: each checks the certificate, and none holds
     * tickets that nobody will use. */
    curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, stream->curl_text);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, stream_on_socket);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, stream);
    curl_easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, stream_on_socket_options);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, stream_on_line);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, stream);
    curl_easy_setopt(e, CURLOPT_DEBUGFUNCTION, stream_on_chatter);
    curl_easy_setopt(e, CURLOPT_DEBUGDATA, stream);
    curl_easy_setopt(e, CURLOPT_VERBOSE, 1L);
    CURLcode code = curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "imap,imaps");
    return code != CURLE_OK ? code : curl_easy_setopt(e, CURLOPT_URL, url);
}

/* Debian's libcurl reads its whole CA bundle for every connection (25 ms, 0.9 MB) unless it has the
 * hashed folder alone. From 8.17 on NULL means "the default again". */
static CURLcode stream_set_ca(CURL *e, const char *ca_file)
{
    const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
    if (ca_file != NULL) {
        curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
        return curl_easy_setopt(e, CURLOPT_CAINFO, ca_file);
    }
    if (version->version_num < 0x081100 && version->age >= CURLVERSION_SEVENTH &&
        version->capath != NULL)
        curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
    return CURLE_OK;
}

static CURLcode stream_set_tls(struct stream *stream, const struct stream_settings *s)
{
    CURL *e = stream->member.easy;
    bool verify = !s->allow_insecure_cert;
    curl_easy_setopt(e, CURLOPT_USE_SSL, (long)(stream->plain ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
    curl_easy_setopt(
        e, CURLOPT_SSLVERSION,
        (long)(text_equal(s->min_tls, "1.3") ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2));
    stream->verified = verify && !stream->plain;
    CURLcode code = stream_set_ca(e, s->ca_file);
    if (s->pinned_key == NULL || code != CURLE_OK)
        return code;
    return curl_easy_setopt(e, CURLOPT_PINNEDPUBLICKEY, s->pinned_key);
}

/* libcurl's own order would try CRAM-MD5 before PLAIN; behind TLS, PLAIN is what every server
 * has. */
static CURLcode stream_set_login(struct stream *stream, const struct stream_settings *s)
{
    CURL *e = stream->member.easy;
    char options[64];
    bool automatic = s->auth == NULL || text_equal_nocase(s->auth, "Auto");
    bool bearer =
        text_equal_nocase(s->auth, "XOAuth2") || text_equal_nocase(s->auth, "OAuthBearer");
    const char *secret = s->secret != NULL ? s->secret : "";
    CURLcode code = curl_easy_setopt(e, CURLOPT_USERNAME, s->user);
    if (code == CURLE_OK)
        code = curl_easy_setopt(e, bearer ? CURLOPT_XOAUTH2_BEARER : CURLOPT_PASSWORD, secret);
    if (code != CURLE_OK || (automatic && (stream->plain || stream->bare_login)))
        return code;
    int n = snprintf(options, sizeof options, "AUTH=%s", automatic ? "PLAIN;AUTH=LOGIN" : s->auth);
    if (n < 0 || (size_t)n >= sizeof options)
        return CURLE_BAD_FUNCTION_ARGUMENT;
    for (char *at = options; *at != '\0'; at++)
        *at = *at >= 'a' && *at <= 'z' ? (char)(*at - ('a' - 'A')) : *at;
    return curl_easy_setopt(e, CURLOPT_LOGIN_OPTIONS, options);
}

static int stream_prepare(struct stream *stream, const struct stream_settings *s, struct error *err)
{
    char url[STREAM_WHERE_MAX];
    CURL *e = stream->member.easy = curl_easy_init();
    if (e == NULL)
        return error_oom(err, "connecting");
    if (stream_url(s, url, sizeof url) < 0)
        return error_set(err, ERROR_USAGE, "host name is too long; check url");
    CURLcode basics = stream_set_basics(stream, url);
    CURLcode proxy = curl_easy_setopt(e, CURLOPT_PROXY, s->proxy != NULL ? s->proxy : "");
    CURLcode tls = stream_set_tls(stream, s), login = stream_set_login(stream, s);
    if (basics == CURLE_OUT_OF_MEMORY || proxy == CURLE_OUT_OF_MEMORY ||
        tls == CURLE_OUT_OF_MEMORY || login == CURLE_OUT_OF_MEMORY)
        return error_oom(err, "connecting");
    if (basics != CURLE_OK)
        return error_set(err, ERROR_CONFIG,
                         "this libcurl cannot talk to IMAP servers (%s); install one that can",
                         curl_easy_strerror(basics));
    if (proxy != CURLE_OK)
        return error_set(err, ERROR_USAGE,
                         "proxy '%s' cannot be used; write socks5h://host:port "
                         "or http://host:port",
                         s->proxy);
    if (tls != CURLE_OK && s->pinned_key == NULL)
        return error_set(err, ERROR_CONFIG,
                         "caFile '%s' cannot be used by this libcurl (%s); leave it out, or "
                         "install a libcurl that can",
                         s->ca_file, curl_easy_strerror(tls));
    if (tls != CURLE_OK)
        return error_set(err, ERROR_USAGE,
                         "pinnedKey '%s' cannot be used; write sha256// and the "
                         "digest of the key in base64",
                         s->pinned_key);
    if (login != CURLE_OK)
        return error_set(err, ERROR_USAGE,
                         "auth '%s' is not known to libcurl; use Auto, Plain, Login, "
                         "Cram-MD5, XOAuth2 or OAuthBearer",
                         s->auth);
    return 0;
}

/* ---- Driving the connection ------------------------------------------------------------------ */

static enum stream_phase stream_phase(const struct stream *stream, bool tls_first)
{
    curl_off_t connected = 0, shaken = 0;
    stream_member_lock(&stream->member);
    curl_easy_getinfo(stream->member.easy, CURLINFO_CONNECT_TIME_T, &connected);
    curl_easy_getinfo(stream->member.easy, CURLINFO_APPCONNECT_TIME_T, &shaken);
    bool greeted = stream->log.lines > 0;
    stream_member_unlock(&stream->member);
    if (greeted)
        return STREAM_LOGGING_IN;
    if (connected == 0)
        return STREAM_CONNECTING;
    return tls_first && shaken == 0 ? STREAM_SHAKING : STREAM_GREETING;
}

/* How long this phase may take. */
static uint64_t stream_limit_ms(const struct stream_settings *s, enum stream_phase phase)
{
    static const uint64_t limit_ms[] = {STREAM_CONNECT_MS, STREAM_TLS_MS, STREAM_GREETING_MS,
                                        STREAM_LOGIN_MS};
    return s->timeout_ms > 0 && s->timeout_ms < limit_ms[phase] ? s->timeout_ms : limit_ms[phase];
}

static int stream_too_late(const struct stream *stream, const struct stream_settings *s,
                           enum stream_phase phase, struct error *err)
{
    static const char *const what[] = {
        [STREAM_CONNECTING] = "no connection came about",
        [STREAM_SHAKING] = "the TLS handshake did not end",
        [STREAM_GREETING] = "the server did not greet us",
        [STREAM_LOGGING_IN] = "the login did not end",
    };
    return error_set(err, ERROR_UNREACHABLE,
                     "%s: %s within %u s; check host, port and ssl, or try "
                     "again later",
                     stream->where, what[phase], (unsigned)(stream_limit_ms(s, phase) / 1000));
}

/* Until libcurl is done: 0 with its code, or -1 when time ran out or the user said stop. */
static int stream_drive(struct stream *stream, const struct stream_settings *s, CURLcode *out_code,
                        struct error *err)
{
    enum stream_phase phase = STREAM_CONNECTING;
    uint64_t since = clock_monotonic_ms(s->clock);
    bool done = false;
    if (stream_member_join(&stream->member) < 0)
        return error_oom(err, "connecting");
    while (!done) {
        if (s->cancelled != NULL && s->cancelled(s->context))
            return error_set(err, ERROR_CANCELLED, "%s: cancelled while connecting", stream->where);
        enum stream_phase now = stream_phase(stream, s->security == STREAM_TLS);
        if (now != phase) {
            phase = now;
            since = clock_monotonic_ms(s->clock);
        } else if (clock_monotonic_ms(s->clock) - since > stream_limit_ms(s, phase)) {
            return stream_too_late(stream, s, phase, err);
        }
        if (stream_member_step(&stream->member, STREAM_POLL_MS, &done) < 0)
            return error_oom(err, "connecting");
    }
    *out_code = (CURLcode)stream->member.code;
    return 0;
}

/* ---- Errors ---------------------------------------------------------------------------------- */

static int stream_refused_behind_proxy(const struct stream *stream, struct error *err)
{
    return error_set(
        err, ERROR_CONFIG,
        "%s: without encryption only an address that is local is talked to, and behind "
        "the proxy this name may be anywhere: nothing was sent; use ssl=True (port 993)",
        stream->where);
}

static int stream_refused_plain(const struct stream *stream, struct error *err)
{
    if (!stream->plain_refused)
        return error_set(err, ERROR_PROTOCOL,
                         "%s: the server offers no encryption (STARTTLS), or broke it "
                         "off: nothing was sent; use ssl=True (port 993)",
                         stream->where);
    return error_set(
        err, ERROR_CONFIG,
        "%s: the server offers no encryption (STARTTLS) here, and %s "
        "is not a loopback or private address: nothing was sent; use ssl=True (port 993)",
        stream->where, stream->address[0] != '\0' ? stream->address : "the proxy");
}

/* The server said NO or BYE while we logged in. */
static int stream_login_failed(const struct stream *stream, const struct stream_settings *s,
                               struct error *err)
{
    const char *said = stream->log.text[0] != '\0' ? stream->log.text : "nothing";
    if (s->secret != NULL && login_log_tells(&stream->log, s->secret))
        said = "(withheld)";
    enum error_class class = login_log_class(&stream->log);
    if (class != ERROR_CREDENTIALS) {
        error_set(err, class,
                  "%s: the server does not let us in now, it says '%s'; try again later",
                  stream->where, said);
        if (err != NULL)
            err->pause_s = stream->log.pause_s;
        return -1;
    }
    if (!stream->log.refused)
        return error_set(err, ERROR_CREDENTIALS,
                         "%s: no way to log in that both sides know; set auth to "
                         "one the server offers, or use ssl=True",
                         stream->where);
    return error_set(err, ERROR_CREDENTIALS,
                     "%s: user '%s' or the password was refused, the server says "
                     "'%s'; check both (many providers want an app password, or auth=XOAuth2)",
                     stream->where, s->user, said);
}

static int stream_certificate_failed(const struct stream *stream, struct error *err)
{
    return error_set(
        err, ERROR_CERTIFICATE,
        "%s: the server's certificate is not trusted (%s); give its "
        "CA with caFile, its key with pinnedKey, or accept any with allowInsecureCert=True",
        stream->where, stream->curl_text);
}

static int stream_no_connection(const struct stream *stream, CURLcode code, struct error *err)
{
    const char *why = stream->curl_text[0] != '\0' ? stream->curl_text : curl_easy_strerror(code);
    if (stream->private_refused)
        return error_set(err, ERROR_CONFIG,
                         "%s: only servers with a public address may be named here; name another, "
                         "or have the administrator allow private-hosts",
                         stream->where);
    if (stream->plain_refused)
        return stream_refused_plain(stream, err);
    if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY)
        return error_set(err, ERROR_UNREACHABLE, "%s: host not found (%s); check url%s",
                         stream->where, why,
                         code == CURLE_COULDNT_RESOLVE_PROXY ? " and proxy" : "");
    return error_set(err, ERROR_UNREACHABLE,
                     "%s: no connection (%s); check host, port and that the "
                     "server runs",
                     stream->where, why);
}

/* libcurl gave up: say why in our words. */
static int stream_failed(const struct stream *stream, const struct stream_settings *s,
                         CURLcode code, struct error *err)
{
    const char *why = stream->curl_text[0] != '\0' ? stream->curl_text : curl_easy_strerror(code);
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_ISSUER_ERROR:
        return stream_certificate_failed(stream, err);
    case CURLE_SSL_CACERT_BADFILE:
        return error_set(err, ERROR_CONFIG,
                         "%s: caFile '%s' cannot be read as certificates; check the "
                         "file",
                         stream->where, s->ca_file != NULL ? s->ca_file : "(system)");
    case CURLE_USE_SSL_FAILED:
        return login_log_asks_pause(&stream->log) ? stream_login_failed(stream, s, err)
                                                  : stream_refused_plain(stream, err);
    case CURLE_LOGIN_DENIED:
        return stream_login_failed(stream, s, err);
    case CURLE_SSL_CONNECT_ERROR:
        return error_set(err, ERROR_PROTOCOL,
                         "%s: TLS handshake failed (%s); check that ssl fits the port "
                         "(True for 993, False for 143), and minTls",
                         stream->where, why);
    case CURLE_OUT_OF_MEMORY:
        return error_oom(err, "connecting");
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
    case CURLE_OPERATION_TIMEDOUT:
        return stream_no_connection(stream, code, err);
    default:
        break;
    }
    if (stream->log.bye)
        return stream_login_failed(stream, s, err);
    if (stream->log.lines == 0)
        return error_set(err, ERROR_UNREACHABLE,
                         "%s: the connection ended before the server said a word "
                         "(%s); check port and ssl",
                         stream->where, why);
    return error_set(err, ERROR_PROTOCOL,
                     "%s: the server broke the protocol while we logged in (%s); "
                     "check that this is an IMAP server",
                     stream->where, why);
}

/* ---- Opening --------------------------------------------------------------------------------- */

static int stream_connected(struct stream *stream, const struct stream_settings *s,
                            struct error *err)
{
    CURL *e = stream->member.easy;
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (stream->log.preauth)
        return error_set(err, ERROR_PROTOCOL,
                         "%s: the server says we are logged in already (PREAUTH), "
                         "which skips encryption and login; refused: use ssl=True or ask its "
                         "administrator",
                         stream->where);
    if (login_log_asks_pause(&stream->log)) /* with the answer to CAPABILITY, say */
        return stream_login_failed(stream, s, err);
    stream_member_lock(&stream->member);
    bool good = curl_easy_getinfo(e, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK &&
                fd != CURL_SOCKET_BAD;
    curl_easy_setopt(e, CURLOPT_BUFFERSIZE, (long)STREAM_RECEIVE_MAX);
    curl_easy_setopt(e, CURLOPT_PASSWORD, NULL);
    curl_easy_setopt(e, CURLOPT_XOAUTH2_BEARER, NULL);
    curl_easy_setopt(e, CURLOPT_VERBOSE, 0L);
    stream_member_unlock(&stream->member);
    if (!good)
        return error_set(err, ERROR_LINK,
                         "%s: the connection ended right after the login; try again "
                         "later",
                         stream->where);
    stream->fd = fd;
    return 0;
}

/* One connection. What the server said stays in *out_log either way. */
static int stream_attempt(const struct stream_settings *s, bool plain, bool bare_login,
                          struct stream **out_stream, struct login_log *out_log, CURLcode *out_code,
                          struct error *err)
{
    struct stream_guard guard;
    AUTO(stream) stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return error_oom(err, "connecting");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    stream->fd = -1;
    stream->plain = plain;
    stream->bare_login = bare_login;
    stream->public_only = s->public_only;
    (void)snprintf(stream->where, sizeof stream->where, "%s port %u", s->host, s->port);
    text_copy(stream->security, sizeof stream->security, plain ? "plain text" : "TLS");
    if (s->public_only && s->proxy != NULL) /* nobody sees where it leads to */
        return error_set(
            err, ERROR_CONFIG,
            "%s: no proxy may be named here; take out proxy, or have the administrator "
            "allow private-hosts",
            stream->where);
    if (plain && s->proxy != NULL && !stream_host_is_local(s->host))
        return stream_refused_behind_proxy(stream, err);
    if (stream_prepare(stream, s, err) < 0)
        return -1;
    stream_guard_enter(&guard);
    int result = stream_drive(stream, s, out_code, err);
    stream_guard_leave(&guard);
    stream_member_lock(&stream->member); /* one that was given up may still be heard from */
    *out_log = stream->log;
    stream_member_unlock(&stream->member);
    if (result < 0)
        return -1;
    if (*out_code != CURLE_OK)
        return stream_failed(stream, s, *out_code, err);
    if (stream_connected(stream, s, err) < 0)
        return -1;
    *out_stream = TAKE(stream);
    return 0;
}

static int stream_check(const struct stream_settings *s, struct error *err)
{
    if (s->user == NULL || s->user[0] == '\0')
        return error_set(err, ERROR_USAGE, "no user name given for %s; give one with --user",
                         s->host);
    if (text_has_control(s->user) || (s->secret != NULL && text_has_control(s->secret)))
        return error_set(err, ERROR_USAGE,
                         "user name or password for %s holds a control character (a "
                         "line end at its end?); remove it",
                         s->host);
    if (s->host[0] == '\0' || s->host[strcspn(s->host, " /@?#%\\\"'<>[]")] != '\0' ||
        text_has_control(s->host))
        return error_set(err, ERROR_USAGE,
                         "url holds no host name that can be used; write a name such as "
                         "mail.example.org");
    if (s->ca_file != NULL && access(s->ca_file, R_OK) != 0)
        return error_set(err, ERROR_CONFIG,
                         "caFile '%s' cannot be read; check path and permissions", s->ca_file);
    return 0;
}

int stream_open(const struct stream_settings *s, struct stream **out_stream, struct error *err)
{
    struct login_log log = {0};
    CURLcode code = CURLE_OK;
    if (stream_check(s, err) < 0)
        return -1;
    bool plain = s->security == STREAM_PLAIN;
    if (stream_attempt(s, plain, false, out_stream, &log, &code, err) == 0)
        return 0;
    /* Not one mechanism of ours was offered: the LOGIN command is left, behind TLS only. */
    if (code == CURLE_LOGIN_DENIED && !plain && !log.refused && !log.bye && !log.plain)
        return stream_attempt(s, plain, true, out_stream, &log, &code, err);
    /* The server offers no STARTTLS, and says so itself: plain text, if the address is local. */
    if (code == CURLE_USE_SSL_FAILED && s->security == STREAM_AUTO && log.capabilities &&
        !log.starttls && !log.preauth)
        return stream_attempt(s, true, false, out_stream, &log, &code, err);
    return -1;
}

void stream_close(struct stream *stream)
{
    struct stream_guard guard;
    if (stream == NULL)
        return;
    stream_guard_enter(&guard);
    stream_member_leave(&stream->member);
    curl_global_cleanup();
    stream_guard_leave(&guard);
    free(stream);
}

/* ---- The stream ------------------------------------------------------------------------------ */

void stream_facts(const struct stream *stream, struct stream_facts *out_facts)
{
    *out_facts = (struct stream_facts){.address = stream->address,
                                       .security = stream->security,
                                       .encrypted = !stream->plain,
                                       .verified = stream->verified};
}

int stream_fd(const struct stream *stream)
{
    return stream->fd;
}

static enum stream_result stream_broken(const struct stream *stream, CURLcode code,
                                        const char *what, struct error *err)
{
    if (code == CURLE_OUT_OF_MEMORY)
        error_oom(err, what);
    else
        error_set(err, ERROR_LINK, "%s: the connection broke while %s (%s); try again later",
                  stream->where, what,
                  stream->curl_text[0] != '\0' ? stream->curl_text : "no reason given");
    return STREAM_FAILED;
}

enum stream_result stream_send(struct stream *stream, const void *bytes, size_t count,
                               size_t *out_sent, struct error *err)
{
    struct stream_guard guard;
    size_t sent = 0;
    stream_guard_enter(&guard);
    stream_member_lock(&stream->member);
    CURLcode code = curl_easy_send(stream->member.easy, bytes, count, &sent);
    stream_member_unlock(&stream->member);
    stream_guard_leave(&guard);
    if (code == CURLE_AGAIN || (code == CURLE_OK && sent == 0))
        return STREAM_AGAIN;
    if (code != CURLE_OK)
        return stream_broken(stream, code, "sending", err);
    *out_sent = sent;
    return STREAM_OK;
}

/* What came with the end of the login (stream-shard.h). */
static size_t stream_take_early(struct stream *stream, void *bytes, size_t capacity)
{
    size_t left = stream->member.early_count - stream->early;
    size_t count = left < capacity ? left : capacity;
    memcpy(bytes, stream->member.early + stream->early, count);
    stream->early += count;
    return count;
}

/* TLS gives out one record at a time, of 16 kB at most and often of less. */
static CURLcode stream_take_records(struct stream *stream, char *bytes, size_t capacity,
                                    size_t *out_count)
{
    CURLcode code = CURLE_OK;
    *out_count = 0;
    while (code == CURLE_OK && *out_count < capacity) {
        size_t count = 0;
        code = curl_easy_recv(stream->member.easy, bytes + *out_count, capacity - *out_count,
                              &count);
        *out_count += count;
        if (count == 0)
            break;
    }
    return *out_count > 0 ? CURLE_OK : code; /* what is wrong is told again by the next call */
}

void stream_expect_much(struct stream *stream)
{
    if (stream->plain || stream->ahead)
        return;
    stream_member_lock(&stream->member);
    stream_tls_read_ahead(stream->member.easy);
    stream_member_unlock(&stream->member);
    stream->ahead = true;
}

enum stream_result stream_receive(struct stream *stream, void *bytes, size_t capacity,
                                  size_t *out_count, struct error *err)
{
    struct stream_guard guard;
    size_t count = 0;
    if (stream->early < stream->member.early_count) {
        *out_count = stream_take_early(stream, bytes, capacity);
        return STREAM_OK;
    }
    if (!stream->plain)
        stream_guard_enter(&guard); /* TLS may answer while it reads */
    stream_member_lock(&stream->member);
    CURLcode code = stream->plain
                        ? curl_easy_recv(stream->member.easy, bytes, capacity, &count)
                        : stream_take_records(stream, bytes, capacity, &count);
    stream_member_unlock(&stream->member);
    if (!stream->plain)
        stream_guard_leave(&guard);
    if (code == CURLE_AGAIN)
        return STREAM_AGAIN;
    if (code != CURLE_OK)
        return stream_broken(stream, code, "receiving", err);
    if (count == 0)
        return STREAM_END;
    *out_count = count;
    return STREAM_OK;
}
