/* SPDX-License-Identifier: Apache-2.0 */
/* post.c - one HTTP request with a body. See post.h. */
#include <config.h>
#include "post.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "text.h"

#define POST_HOST_MAX 256

/* ---- Where to ------------------------------------------------------------------------------- */

/* What is looked at of a URL. */
struct post_url {
    CURLU *parsed;
    char *scheme, *host, *user;
};

static const char post_doing[] = "posting to a webhook";

static void post_url_done(struct post_url *url)
{
    curl_free(url->scheme);
    curl_free(url->host);
    curl_free(url->user);
    curl_url_cleanup(url->parsed);
}

static CURLUcode post_url_read(const char *text, struct post_url *out_url)
{
    CURLU *parsed = out_url->parsed = curl_url();
    CURLUcode code =
        parsed == NULL ? CURLUE_OUT_OF_MEMORY : curl_url_set(parsed, CURLUPART_URL, text, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(parsed, CURLUPART_SCHEME, &out_url->scheme, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(parsed, CURLUPART_HOST, &out_url->host, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(parsed, CURLUPART_USER, &out_url->user, 0);
    return code == CURLUE_NO_USER ? CURLUE_OK : code;
}

/* By its name alone: what it resolves to is looked at when it is. */
static bool post_names_loopback(const char *host)
{
    struct in_addr four;
    return text_equal_nocase(host, "localhost") || text_equal(host, "[::1]") ||
           (inet_pton(AF_INET, host, &four) == 1 && (ntohl(four.s_addr) >> 24) == 127);
}

int post_check_url(const char *text, struct error *err)
{
    __attribute__((cleanup(post_url_done))) struct post_url url = {0};
    CURLUcode code = post_url_read(text, &url);
    if (code == CURLUE_OUT_OF_MEMORY)
        return error_oom(err, post_doing);
    if (code != CURLUE_OK)
        return error_set(err, ERROR_USAGE, "that is no URL; write https://host/path");
    if (url.user != NULL)
        return error_set(err, ERROR_USAGE, "a URL must not hold a user name or password; sign by a "
                         "secret instead");
    if (text_equal(url.scheme, "https"))
        return 0;
    if (!text_equal(url.scheme, "http"))
        return error_set(err, ERROR_USAGE, "'%.20s' is not for posting to; write https://host/path",
                         url.scheme);
    return post_names_loopback(url.host)
               ? 0
               : error_set(err, ERROR_USAGE,
                           "without TLS only a loopback address can be posted to; "
                           "write https://%.200s/...",
                           url.host);
}

void post_url_host(const char *text, char *out_host, size_t size)
{
    __attribute__((cleanup(post_url_done))) struct post_url url = {0};
    text_copy(out_host, size, post_url_read(text, &url) != CURLUE_OK ? "" : url.host);
}

/* ---- Addresses ------------------------------------------------------------------------------- */

static bool post_is_loopback4(uint32_t address)
{
    return address >> 24 == 127;
}

/* 0.0.0.0/8, 169.254.0.0/16, 224.0.0.0/4 and above */
static bool post_is_nobodys4(uint32_t address)
{
    return address >> 24 == 0 || address >> 16 == 0xA9FE || address >> 28 >= 0xE;
}

static bool post_may_connect4(uint32_t address, bool plain)
{
    return plain ? post_is_loopback4(address) : !post_is_nobodys4(address);
}

static bool post_may_connect6(const struct in6_addr *address, bool plain)
{
    uint32_t four;
    memcpy(&four, address->s6_addr + 12, sizeof four);
    if (IN6_IS_ADDR_V4MAPPED(address))
        return post_may_connect4(ntohl(four), plain);
    if (plain)
        return IN6_IS_ADDR_LOOPBACK(address);
    return !IN6_IS_ADDR_UNSPECIFIED(address) && !IN6_IS_ADDR_LINKLOCAL(address) &&
           !IN6_IS_ADDR_MULTICAST(address);
}

struct post_run {
    const struct post *post;
    bool plain;
    bool refused_address;
    size_t answer_size;
};

static bool post_may_connect(const struct curl_sockaddr *to, bool plain)
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    if (to->family == AF_INET) {
        memcpy(&four, &to->addr, sizeof four);
        return post_may_connect4(ntohl(four.sin_addr.s_addr), plain);
    }
    if (to->family != AF_INET6 || to->addrlen < sizeof six)
        return false;
    memcpy(&six, &to->addr, sizeof six);
    return post_may_connect6(&six.sin6_addr, plain);
}

/* The address as it was resolved, however it was written. */
static curl_socket_t post_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct post_run *run = context;
    (void)purpose;
    if (!post_may_connect(to, run->plain)) {
        run->refused_address = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* ---- The request ----------------------------------------------------------------------------- */

static size_t post_read_answer(char *bytes, size_t size, size_t count, void *context)
{
    struct post_run *run = context;
    (void)bytes;
    run->answer_size += size * count;
    return run->answer_size <= POST_ANSWER_KEPT ? size * count : 0; /* the status has come before */
}

static int post_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct post_run *run = context;
    const struct post *post = run->post;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return post->cancelled != NULL && post->cancelled(post->cancel_context) != 0;
}

/* -1, as below: libcurl copies texts, and has no memory for one. */
static int post_set_rules(CURL *easy, struct post_run *run)
{
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, post_open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, run);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a silent name server holds up no one's end */
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)POST_CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, post_read_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, run);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, post_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, run);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    const char *protocol = run->plain ? "http" : "https";
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocol) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_USERAGENT, "mailchute/" PACKAGE_VERSION) ==
                       CURLE_OK
               ? 0
               : -1;
}

static int post_set_post(CURL *easy, const struct post *post, struct curl_slist *headers)
{
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body_size);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, post->body);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)post->limit_ms);
    if (curl_easy_setopt(easy, CURLOPT_URL, post->url) != CURLE_OK)
        return -1;
    if (post->ca_file == NULL)
        return 0;
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* those of the system are not trusted too */
    return curl_easy_setopt(easy, CURLOPT_CAINFO, post->ca_file) == CURLE_OK ? 0 : -1;
}

static int post_fail(const struct post_run *run, CURLcode code, struct error *err)
{
    char host[POST_HOST_MAX];
    post_url_host(run->post->url, host, sizeof host);
    if (run->refused_address)
        return error_set(err, ERROR_CONFIG, "'%s' has an address that is not posted to", host);
    switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
        return error_set(err, ERROR_CANCELLED, "stopped while posting to '%s'", host);
    case CURLE_OUT_OF_MEMORY:
        return error_oom(err, post_doing);
    case CURLE_SSL_CACERT_BADFILE:
        return error_set(err, ERROR_CONFIG, "'%.200s' cannot be read as certificates; name a PEM "
                         "file of authorities", run->post->ca_file != NULL
                         ? run->post->ca_file : "the system's file of authorities");
    case CURLE_PEER_FAILED_VERIFICATION:
        return error_set(err, ERROR_CONFIG, "the certificate of '%s' is not trusted: %s", host,
                         curl_easy_strerror(code));
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        return error_set(err, ERROR_UNREACHABLE, "'%s' is not reached: %s", host,
                         curl_easy_strerror(code));
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
        return error_set(err, ERROR_CONFIG, "the webhook's URL is none");
    default:
        return error_set(err, ERROR_LINK, "posting to '%s' failed: %s", host,
                         curl_easy_strerror(code));
    }
}

static struct curl_slist *post_headers(const struct post *post)
{
    struct curl_slist *list =
        curl_slist_append(NULL, "Expect:"); /* no round trip for a small body */
    for (size_t i = 0; list != NULL && post->headers[i] != NULL; i++) {
        struct curl_slist *longer = curl_slist_append(list, post->headers[i]);
        if (longer == NULL)
            curl_slist_free_all(list);
        list = longer;
    }
    return list;
}

static int post_perform(CURL *easy, struct post_run *run, struct post_answer *out_answer,
                        struct error *err)
{
    curl_off_t after = 0;
    CURLcode code = curl_easy_perform(easy);
    out_answer->status = 0;
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &out_answer->status);
    bool answered = code == CURLE_OK || (code == CURLE_WRITE_ERROR && out_answer->status != 0);
    if (!answered)
        return post_fail(run, code, err);
    (void)curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &after);
    after = after < 0 ? 0 : after;
    out_answer->retry_after_s =
        after < (curl_off_t)POST_RETRY_AFTER_MAX ? (uint32_t)after : POST_RETRY_AFTER_MAX;
    return 0;
}

int post_send(const struct post *post, struct post_answer *out_answer, struct error *err)
{
    struct post_run run = {.post = post, .plain = text_starts_nocase(post->url, "http:")};
    if (post_check_url(post->url, err) < 0)
        return err->class == ERROR_BUG ? -1
                                       : error_set(err, ERROR_CONFIG,
                                                   "the webhook's URL is none that is posted to; "
                                                   "set it anew");
    CURL *easy = curl_easy_init();
    struct curl_slist *headers = post_headers(post);
    int bad = easy == NULL || headers == NULL || post_set_rules(easy, &run) < 0 ||
                      post_set_post(easy, post, headers) < 0
                  ? error_oom(err, post_doing)
                  : post_perform(easy, &run, out_answer, err);
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
    return bad;
}
