/* SPDX-License-Identifier: Apache-2.0 */
/* http-client.c - see http-client.h.
 *
 * One easy handle in a multi handle of its own, driven in short polls, so that deadlines and
 * cancelled() are ours. */
#include <config.h>
#include "http-client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "stream-guard.h"
#include "stream.h"
#include "text.h"

#define HTTP_CLIENT_POLL_MS 200 /* how long cancelled() may wait */
#define HTTP_CLIENT_WHERE_MAX 300u

struct http_client {
    struct http_client_settings settings;
    CURL *easy;
    CURLM *multi;
    struct http_client_answer *answer; /* of the question that is under way */
    bool plain, plain_refused, too_large;
    uint64_t last_ms; /* when the last byte came */
    char where[HTTP_CLIENT_WHERE_MAX];
    char curl_text[CURL_ERROR_SIZE];
};

/* ---- What libcurl calls ---------------------------------------------------------------------- */

/* A socket is wanted for this address: the last moment to refuse plain text to a public one. */
static curl_socket_t http_client_on_socket(void *context, curlsocktype purpose,
                                    struct curl_sockaddr *address)
{
    struct http_client *client = context;
    (void)purpose;
    if (client->plain && !stream_address_is_local(&address->addr)) {
        client->plain_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t http_client_on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct http_client *client = context;
    client->last_ms = clock_monotonic_ms(client->settings.clock);
    if (buffer_append(&client->answer->body, bytes, size * count) == 0)
        return size * count;
    client->too_large = buffer_is_full(&client->answer->body);
    return 0; /* ends it */
}

/* ---- Options --------------------------------------------------------------------------------- */

/* -1: libcurl copies texts, and has no memory for one. */
static int http_client_set_up(struct http_client *client)
{
    const struct http_client_settings *s = &client->settings;
    CURL *e = client->easy;
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT,
                     1L); /* or closing waits for a name server that is silent */
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CLIENT_CONNECT_MS);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, client->curl_text);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, http_client_on_socket);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, client);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, http_client_on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, s->allow_insecure_cert ? 0L : 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, s->allow_insecure_cert ? 0L : 2L);
    curl_easy_setopt(
        e, CURLOPT_SSLVERSION,
        (long)(text_equal(s->min_tls, "1.3") ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2));
    if (curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
        curl_easy_setopt(e, CURLOPT_PROXY, "") != CURLE_OK ||
        curl_easy_setopt(e, CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION) != CURLE_OK)
        return -1;
    if (s->ca_file == NULL)
        return 0;
    curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    return curl_easy_setopt(e, CURLOPT_CAINFO, s->ca_file) == CURLE_OK ? 0 : -1;
}

int http_client_open(const struct http_client_settings *settings, struct http_client **out_client,
              struct error *err)
{
    if (settings->ca_file != NULL && access(settings->ca_file, R_OK) != 0)
        return error_set(err, ERROR_CONFIG, "caFile '%s' cannot be read; check path and "
                         "permissions", settings->ca_file);
    AUTO(http_client) client = calloc(1, sizeof *client);
    if (client == NULL)
        return error_oom(err, "connecting");
    client->settings = *settings;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    client->easy = curl_easy_init();
    client->multi = curl_multi_init();
    if (client->easy == NULL || client->multi == NULL || http_client_set_up(client) < 0)
        return error_oom(err, "connecting");
    *out_client = TAKE(client);
    return 0;
}

void http_client_close(struct http_client *client)
{
    struct stream_guard guard;
    if (client == NULL)
        return;
    stream_guard_enter(&guard);
    curl_easy_cleanup(client->easy);
    curl_multi_cleanup(client->multi);
    curl_global_cleanup();
    stream_guard_leave(&guard);
    free(client);
}

/* ---- Errors ---------------------------------------------------------------------------------- */

static int http_client_no_connection(const struct http_client *client, CURLcode code,
                                     struct error *err)
{
    const char *why = client->curl_text[0] != '\0' ? client->curl_text : curl_easy_strerror(code);
    if (client->plain_refused)
        return error_set(err, ERROR_CONFIG,
                         "%s: without TLS only a loopback or private address is talked to, and "
                         "this is neither: nothing was sent; use https (ssl=True)", client->where);
    if (code == CURLE_COULDNT_RESOLVE_HOST)
        return error_set(err, ERROR_UNREACHABLE, "%s: host not found (%s); check the name",
                         client->where, why);
    return error_set(err, ERROR_UNREACHABLE,
                     "%s: no connection (%s); check host, port and that the server runs",
                     client->where, why);
}

static int http_client_failed(const struct http_client *client, CURLcode code, struct error *err)
{
    const char *why = client->curl_text[0] != '\0' ? client->curl_text : curl_easy_strerror(code);
    curl_off_t connected = 0;
    curl_easy_getinfo(client->easy, CURLINFO_CONNECT_TIME_T, &connected);
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        return error_set(err, ERROR_CERTIFICATE,
                         "%s: the server's certificate is not trusted (%s); give its CA with "
                         "caFile, or accept any with allowInsecureCert=True", client->where, why);
    case CURLE_SSL_CACERT_BADFILE:
        return error_set(err, ERROR_CONFIG, "%s: caFile '%s' cannot be read as certificates; "
                         "check the file", client->where,
                         client->settings.ca_file != NULL ? client->settings.ca_file : "(system)");
    case CURLE_OUT_OF_MEMORY:
        return error_oom(err, "asking a server");
    case CURLE_URL_MALFORMAT:
        return error_set(err, ERROR_USAGE, "%s: this is not the address of an HTTP server; write "
                         "http:// or https:// and a host", client->where);
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        return http_client_no_connection(client, code, err);
    case CURLE_WRITE_ERROR:
        return client->too_large
                   ? error_set(err, ERROR_PROTOCOL, "%s: the answer has more than %zu bytes; it "
                               "is not read any further", client->where,
                               client->answer->body.limit)
                   : error_oom(err, "reading an answer");
    default:
        break;
    }
    if (code == CURLE_OPERATION_TIMEDOUT && connected == 0)
        return http_client_no_connection(client, code, err);
    if (code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_UNSUPPORTED_PROTOCOL ||
        code == CURLE_SSL_CONNECT_ERROR)
        return error_set(err, ERROR_PROTOCOL, "%s: the server does not speak HTTP as asked (%s); "
                         "check port, and http or https (ssl)", client->where, why);
    return error_set(err, ERROR_LINK, "%s: the answer broke off (%s); try again later",
                     client->where, why);
}

/* ---- One question ---------------------------------------------------------------------------- */

static int http_client_too_late(const struct http_client *client, uint32_t ms, struct error *err)
{
    return error_set(err, ERROR_LINK, "%s: no complete answer within %u s; try again later, or "
                     "raise timeout", client->where, ms / 1000);
}

static int http_client_check_time(const struct http_client *client, uint64_t since_ms,
                                  struct error *err)
{
    const struct http_client_settings *s = &client->settings;
    uint64_t now_ms = clock_monotonic_ms(s->clock);
    if (s->cancelled != NULL && s->cancelled(s->context))
        return error_set(err, ERROR_CANCELLED, "%s: cancelled", client->where);
    if (s->timeout_ms != 0 && now_ms - since_ms > s->timeout_ms)
        return http_client_too_late(client, s->timeout_ms, err);
    if (s->silence_ms != 0 && now_ms - client->last_ms > s->silence_ms)
        return http_client_too_late(client, s->silence_ms, err);
    return 0;
}

/* Until libcurl is done: 0 with its code, or -1 when time ran out or the user said stop. */
static int http_client_drive(struct http_client *client, CURLcode *out_code, struct error *err)
{
    uint64_t since_ms = clock_monotonic_ms(client->settings.clock);
    client->last_ms = since_ms;
    for (;;) {
        int running = 0, left = 0;
        if (curl_multi_perform(client->multi, &running) != CURLM_OK)
            return error_oom(err, "asking a server");
        const CURLMsg *msg = curl_multi_info_read(client->multi, &left);
        if (msg != NULL && msg->msg == CURLMSG_DONE) {
            *out_code = msg->data.result;
            return 0;
        }
        if (http_client_check_time(client, since_ms, err) < 0)
            return -1;
        if (curl_multi_poll(client->multi, NULL, 0, HTTP_CLIENT_POLL_MS, NULL) != CURLM_OK)
            return error_oom(err, "asking a server");
    }
}

/* "host port n" of the url, for errors: what stands behind them may be a secret. */
static int http_client_note_where(struct http_client *client, const char *url, struct error *err)
{
    char *host = NULL, *port = NULL, *scheme = NULL;
    CURLU *parts = curl_url();
    CURLUcode code =
        parts == NULL ? CURLUE_OUT_OF_MEMORY : curl_url_set(parts, CURLUPART_URL, url, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(parts, CURLUPART_HOST, &host, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    if (code == CURLUE_OK)
        code = curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0);
    bool good = code == CURLUE_OK && (text_equal(scheme, "http") || text_equal(scheme, "https"));
    if (good) {
        char shown[200];
        text_printable(shown, sizeof shown, host, strlen(host));
        (void)snprintf(client->where, sizeof client->where, "%s port %s", shown, port);
        client->plain = text_equal(scheme, "http");
    }
    curl_free(host);
    curl_free(port);
    curl_free(scheme);
    curl_url_cleanup(parts);
    if (code == CURLUE_OUT_OF_MEMORY)
        return error_oom(err, "asking a server");
    return good ? 0
                : error_set(err, ERROR_USAGE, "this is not the address of an HTTP server; write "
                            "http:// or https:// and a host");
}

static int http_client_ask(struct http_client *client, const struct http_client_request *request,
                    struct curl_slist **headers)
{
    CURL *e = client->easy;
    bool get = text_equal(request->method, "GET");
    for (const char *const *at = request->headers; at != NULL && *at != NULL; at++) {
        struct curl_slist *longer = curl_slist_append(*headers, *at);
        if (longer == NULL)
            return -1;
        *headers = longer;
    }
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, *headers);
    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, request->body == NULL ? "" : request->body);
    if (curl_easy_setopt(e, CURLOPT_URL, request->url) != CURLE_OK ||
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, get ? NULL : request->method) != CURLE_OK)
        return -1;
    if (get) /* last: a body makes it a POST */
        curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
    return 0;
}

static int http_client_take(struct http_client *client, struct http_client_answer *answer,
                            struct error *err)
{
    long status = 0;
    curl_off_t pause_s = 0;
    curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(client->easy, CURLINFO_RETRY_AFTER, &pause_s);
    if (status < 100 || status > 599)
        return error_set(err, ERROR_PROTOCOL, "%s: the server answers with status %ld; check that "
                         "this is an HTTP server", client->where, status);
    answer->status = (uint32_t)status;
    answer->pause_s = pause_s <= 0                      ? 0
                      : pause_s > (curl_off_t)HTTP_CLIENT_PAUSE_MAX_S ? HTTP_CLIENT_PAUSE_MAX_S
                                                        : (uint32_t)pause_s;
    return 0;
}

int http_client_run(struct http_client *client, const struct http_client_request *request,
             struct http_client_answer *answer, struct error *err)
{
    struct stream_guard guard;
    struct curl_slist *headers = NULL;
    CURLcode code = CURLE_OK;
    client->answer = answer;
    client->plain_refused = client->too_large = false;
    client->curl_text[0] = '\0';
    answer->body.refused = false;
    buffer_clear(&answer->body);
    if (http_client_note_where(client, request->url, err) < 0)
        return -1;
    int result = http_client_ask(client, request, &headers);
    if (result == 0 && curl_multi_add_handle(client->multi, client->easy) != CURLM_OK)
        result = -1;
    if (result < 0) {
        curl_slist_free_all(headers);
        return error_oom(err, "asking a server");
    }
    stream_guard_enter(&guard);
    result = http_client_drive(client, &code, err);
    if (result == 0)
        result = code != CURLE_OK ? http_client_failed(client, code, err)
                                  : http_client_take(client, answer, err);
    curl_multi_remove_handle(client->multi, client->easy);
    stream_guard_leave(&guard);
    curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    client->answer = NULL;
    return result;
}

int http_client_escape(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        uint8_t c = (uint8_t)*text;
        char low = text_lower(*text);
        bool plain = (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '.' || c == '_' || c == '~';
        if ((plain ? buffer_append_byte(out, c) : buffer_printf(out, "%%%02X", c)) < 0)
            return -1;
    }
    return 0;
}
