/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-client.c - see mailchain-client.h. */
#include <config.h>
#include "mailchain-client.h"

#include <inttypes.h>
#include <stdlib.h>

#include "text.h"

#define CLIENT_URL_MAX 4096u

struct mailchain_client {
    const struct mailchain_settings *settings;
    struct http_client_settings http_client_settings;
    struct http_client *http;
    struct http_client_answer answer;
};

int mailchain_client_open(const struct mailchain_settings *settings, const struct clock *clock,
                          bool (*cancelled)(void *context), void *context,
                          struct mailchain_client **out_client, struct error *err)
{
    AUTO(mailchain_client) client = calloc(1, sizeof *client);
    if (client == NULL)
        return error_oom(err, "opening a Mailchain client");
    client->settings = settings;
    client->http_client_settings =
        (struct http_client_settings){.timeout_ms = (uint32_t)settings->timeout_ms,
                               .allow_insecure_cert = settings->allow_insecure_cert,
                               .ca_file = settings->ca_file,
                               .min_tls = settings->min_tls,
                               .clock = clock,
                               .cancelled = cancelled,
                               .context = context};
    buffer_init(&client->answer.body, (size_t)settings->max_answer);
    if (http_client_open(&client->http_client_settings, &client->http, err) < 0)
        return -1;
    *out_client = TAKE(client);
    return 0;
}

void mailchain_client_close(struct mailchain_client *client)
{
    if (client == NULL)
        return;
    http_client_close(client->http);
    buffer_done(&client->answer.body);
    free(client);
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static int client_refused(const struct mailchain_client *client, struct error *err)
{
    const struct http_client_answer *a = &client->answer;
    char said[160];
    mailchain_read_error(a->body.data, a->body.len, said, sizeof said);
    if (a->status == 429 || (a->status == 503 && a->pause_s > 0)) {
        error_set(err, ERROR_PAUSE, "the client asks us to come back later (%u), it says '%s'",
                  a->status, said);
        if (err != NULL)
            err->pause_s = a->pause_s;
        return -1;
    }
    if (a->status == 406 || a->status >= 500)
        return error_set(err, ERROR_LINK, "the client answers %u, it says '%s'; try again later",
                         a->status, said);
    return error_set(err, ERROR_PROTOCOL,
                     "the client answers %u, it says '%s'; check url and port, "
                     "and that this is a Mailchain client",
                     a->status, said);
}

/* Ask for base + @path, and have a whole answer of status 200. */
static int client_ask(struct mailchain_client *client, const struct buffer *path,
                      const char *what, struct error *err)
{
    AUTO_DONE(buffer) url;
    buffer_init(&url, CLIENT_URL_MAX);
    if (buffer_printf(&url, "%s%s", client->settings->base, buffer_text(path)) < 0)
        return error_set(err, ERROR_USAGE, "%s: the address to ask is longer than %u bytes", what,
                         CLIENT_URL_MAX);
    const struct http_client_request request = {.method = "GET", .url = url.data};
    int bad = http_client_run(client->http, &request, &client->answer, err);
    if (bad == 0 && client->answer.status != 200)
        bad = client_refused(client, err);
    if (bad < 0)
        error_prefix(err, "%s", what);
    return bad;
}

static int client_ask_plain(struct mailchain_client *client, const char *path, struct error *err)
{
    AUTO_DONE(buffer) text;
    buffer_init(&text, CLIENT_URL_MAX);
    if (buffer_append_text(&text, path) < 0)
        return error_oom(err, "asking a Mailchain client");
    return client_ask(client, &text, path, err);
}

static int client_add(struct buffer *path, const char *key, const char *value)
{
    return buffer_append_text(path, key) < 0 ? -1 : http_client_escape(path, value);
}

/* ---- Questions ------------------------------------------------------------------------------- */

int mailchain_client_version(struct mailchain_client *client,
                             char out_version[MAILCHAIN_VERSION_MAX], struct error *err)
{
    if (client_ask_plain(client, "/version", err) < 0)
        return -1;
    mailchain_read_version(client->answer.body.data, client->answer.body.len, out_version,
                           MAILCHAIN_VERSION_MAX);
    return 0;
}

int mailchain_client_networks(struct mailchain_client *client, struct mailchain_pairs *out_pairs,
                              struct error *err)
{
    *out_pairs = (struct mailchain_pairs){0};
    if (client_ask_plain(client, "/protocols", err) < 0)
        return -1;
    return mailchain_read_networks(client->answer.body.data, client->answer.body.len, out_pairs,
                                   err);
}

int mailchain_client_addresses(struct mailchain_client *client,
                               const struct mailchain_pair *network,
                               struct mailchain_pairs *out_pairs, struct error *err)
{
    AUTO_DONE(buffer) path;
    buffer_init(&path, CLIENT_URL_MAX);
    *out_pairs = (struct mailchain_pairs){0};
    if (client_add(&path, "/addresses?protocol=", network->first) < 0 ||
        client_add(&path, "&network=", network->second) < 0)
        return error_oom(err, "asking a Mailchain client");
    if (client_ask(client, &path, "/addresses", err) < 0)
        return -1;
    return mailchain_read_addresses(client->answer.body.data, client->answer.body.len, out_pairs,
                                    err);
}

enum client_fault { CLIENT_OTHER, CLIENT_LARGE, CLIENT_BROKEN };

/* Of an answer that could not be read. */
static enum client_fault client_fault(struct mailchain_paging *at, const struct buffer *body)
{
    if (mailchain_read_is_large(body->data, body->len))
        return CLIENT_LARGE;
    if (!mailchain_read_is_broken(body->data, body->len))
        return CLIENT_OTHER;
    at->paged = at->paged || body->len < at->longest;
    at->longest = body->len > at->longest ? body->len : at->longest;
    return CLIENT_BROKEN;
}

/* One question. *out_fault: why it failed, where fewer messages at once may help. */
static int client_ask_page(struct mailchain_client *client, const struct mailchain_pair *network,
                           const struct mailchain_pair *address, struct mailchain_paging *at,
                           struct mailchain_page **out_page, enum client_fault *out_fault,
                           struct error *err)
{
    AUTO_DONE(buffer) path;
    struct buffer *body = &client->answer.body;
    buffer_init(&path, CLIENT_URL_MAX);
    *out_fault = CLIENT_OTHER;
    if (client_add(&path, "/messages?address=", address->first) < 0 ||
        client_add(&path, "&protocol=", network->first) < 0 ||
        client_add(&path, "&network=", network->second) < 0 ||
        buffer_printf(&path, "%s&limit=%u&skip=%" PRIu64,
                      at->skip == 0 && !at->fetched ? "&fetch=true" : "", at->size, at->skip) < 0)
        return error_oom(err, "asking a Mailchain client");
    int failed = client_ask(client, &path, "/messages", err);
    if (failed < 0 && buffer_is_full(body))
        *out_fault = CLIENT_LARGE;
    if (failed == 0 && (failed = mailchain_page_read(body->data, body->len, out_page, err)) < 0)
        *out_fault = client_fault(at, body);
    at->fetched = at->fetched || failed == 0 || *out_fault != CLIENT_OTHER;
    buffer_clear(body);
    buffer_spare(body);
    return failed;
}

int mailchain_client_page(struct mailchain_client *client, const struct mailchain_pair *network,
                          const struct mailchain_pair *address, struct mailchain_paging *at,
                          struct mailchain_page **out_page, struct error *err)
{
    enum client_fault fault;
    struct mailchain_paging try = *at;
    for (uint32_t over = 0;;) {
        int failed = client_ask_page(client, network, address, &try, out_page, &fault, err);
        at->fetched = try.fetched;
        if (failed == 0) {
            *at = try;
            return 0;
        }
        if (fault == CLIENT_OTHER ||
            over == (try.paged ? MAILCHAIN_BROKEN_MAX : MAILCHAIN_OVER_MAX))
            return -1;
        if (try.size > 1) {
            try.size /= 2;
        } else {
            over++;
            ++*(fault == CLIENT_LARGE ? &try.over : &try.broken);
            try.skip++;
        }
    }
}

void mailchain_paging_next(struct mailchain_paging *at, size_t count, uint32_t most)
{
    at->skip += count;
    at->size = at->size > most / 2 ? most : 2 * at->size;
}
