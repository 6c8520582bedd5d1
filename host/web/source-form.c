/* SPDX-License-Identifier: Apache-2.0 */
/* source-form.c - a source as web clients write and read it. See source-form.h. */
#include <config.h>
#include "source-form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connection-text.h"
#include "deliver-keys.h"
#include "source-command.h"
#include "source-json.h"
#include "source-secret.h"
#include "source-state.h"
#include "sync-state.h"
#include "text.h"

#define FORM_LOADER "IMAP" /* keeps to LOADER_GUARDED */
#define FORM_INTERVAL_MAX (30u * 86400u)
#define FORM_PROVIDER "generic_imap"
#define FORM_NO_USER "00000000-0000-0000-0000-000000000000" /* sources have no owner: the nil UUID */

/* ---- Showing --------------------------------------------------------------------------------- */

/* In the words of other clients. */
static const char *form_status(const struct queue_source *source)
{
    const char *detail = source_detail_shown(source, true);
    switch (source_status_from_name(source_status_shown(source))) {
    case SOURCE_PENDING:
        return "auth_success";
    case SOURCE_IMPORTING:
        return "importing";
    case SOURCE_PAUSED:
        return "paused";
    case SOURCE_ERROR:
    case SOURCE_HELD:
        return "error";
    default:
        return text_equal(detail, source_detail_name(SOURCE_SYNCING)) ? "syncing" : "active";
    }
}

static const char *form_message(const struct queue_source *source)
{
    const char *why = source_message_shown(source, true);
    return why != NULL ? why : source->report.last_message;
}

/* The last thing that is known to have changed. */
static int64_t form_updated_s(const struct queue_source *source)
{
    const struct queue_source_report *told = &source->report;
    const int64_t times[] = {told->status_since_s, told->last_contact_s, told->last_success_s,
                             told->import_started_s, told->import_ended_s};
    int64_t latest = source->created_s;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        latest = times[i] > latest ? times[i] : latest;
    return latest;
}

static int form_append_theirs(const struct queue_source *source, json_t *out)
{
    const struct queue_source_report *told = &source->report;
    return json_line_set(out, "id", json_line_text(source->id)) |
           json_line_set(out, "userId", json_line_text(FORM_NO_USER)) |
           json_line_set(out, "name", json_line_text(source->name)) |
           json_line_set(out, "provider", json_line_text(FORM_PROVIDER)) |
           json_line_set(out, "status", json_line_text(form_status(source))) |
           json_line_set(out, "lastSyncStartedAt", api_time(told->last_contact_s)) |
           json_line_set(out, "lastSyncFinishedAt", api_time(told->last_success_s)) |
           json_line_set(out, "lastSyncStatusMessage", json_line_text(form_message(source))) |
           json_line_set(out, "syncState", sync_state_json(told->cursor)) |
           json_line_set(out, "preserveOriginalFile", json_true()) |
           json_line_set(out, "mergedIntoId", json_null()) |
           json_line_set(out, "createdAt", api_time(source->created_s)) |
           json_line_set(out, "updatedAt", api_time(form_updated_s(source)));
}

json_t *source_form_json(const struct queue_source *source)
{
    AUTO_JSON ours = NULL;
    AUTO_JSON out = json_object();
    struct error err;
    if (out == NULL || form_append_theirs(source, out) < 0 ||
        source_json(source, true, &ours, &err) < 0 ||
        json_line_set(out, "state", json_incref(json_object_get(ours, "status"))) < 0 ||
        json_line_set(out, "paused", json_boolean(source->paused)) < 0 ||
        json_object_update_missing(out, ours) < 0)
        return NULL;
    return TAKE(out);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static int form_fail(struct api_call *call, const char *what, const char *to_do)
{
    api_fail(call, 400, what, to_do);
    return -1;
}

static int form_set_text(struct api_call *call, char **field, const char *text)
{
    struct error err;
    char *copy = strdup(text);
    if (copy == NULL) {
        error_oom(&err, "reading a form");
        api_error(call, &err);
        return -1;
    }
    free(*field);
    *field = copy;
    return 0;
}

/* body[key] into *field, unless it is absent or blank. */
static int form_take(struct api_call *call, const json_t *body, const char *key, char **field)
{
    const char *text;
    if (api_text(call, body, key, &text) < 0)
        return -1;
    return text == NULL || text[0] == '\0' ? 0 : form_set_text(call, field, text);
}

static int form_key(struct api_call *call, struct queue_source *source, const char *key,
                    const char *value)
{
    struct error err;
    char *changed;
    if (connection_set(source->connection, key, value, &changed, &err) < 0) {
        api_error(call, &err);
        return -1;
    }
    free(source->connection);
    source->connection = changed;
    return 0;
}

static int form_port(struct api_call *call, const json_t *config, struct queue_source *source)
{
    uint64_t port = 0;
    char text[8];
    if (api_number(call, config, "port", 65535, &port) < 0)
        return -1;
    (void)snprintf(text, sizeof text, "%u", (unsigned)port);
    return port == 0 ? 0 : form_key(call, source, "port", text);
}

static int form_flag(struct api_call *call, const json_t *config, const char *field,
                     struct queue_source *source, const char *key, const char *off)
{
    bool on = false;
    if (json_object_get(config, field) == NULL)
        return 0;
    return api_boolean(call, config, field, &on) < 0
               ? -1
               : form_key(call, source, key, on ? "True" : off);
}

/* body[key] where it is given. */
static int form_provider(struct api_call *call, const json_t *body, const char *key)
{
    const char *provider;
    if (api_text(call, body, key, &provider) < 0)
        return -1;
    return provider == NULL || text_equal(provider, FORM_PROVIDER)
               ? 0 : form_fail(call, "this provider is not known", "use " FORM_PROVIDER);
}

/* What other clients may send and what cannot be otherwise here. */
static int form_theirs(struct api_call *call, const json_t *body)
{
    const char *merged;
    bool kept; /* true or false: the message is kept as it came, and the answer says so */
    if (form_provider(call, body, "provider") < 0 ||
        api_boolean(call, body, "preserveOriginalFile", &kept) < 0 ||
        api_text(call, body, "mergedIntoId", &merged) < 0)
        return -1;
    return merged == NULL ? 0 : form_fail(call, "sources are not merged here",
                                          "leave mergedIntoId out, and give both the same queue");
}

static int form_config(struct api_call *call, const json_t *config, struct queue_source *source,
                       const char **out_password)
{
    const char *host, *password;
    if (config == NULL || json_is_null(config))
        return 0;
    if (!json_is_object(config))
        return form_fail(call, "'providerConfig' is no object", "see docs/openapi.json");
    if (form_provider(call, config, "type") < 0 || api_text(call, config, "host", &host) < 0 ||
        (host != NULL && host[0] != '\0' && form_key(call, source, "url", host) < 0) ||
        form_port(call, config, source) < 0 ||
        form_flag(call, config, "secure", source, "ssl", "False") < 0 ||
        form_flag(call, config, "allowInsecureCert", source, "allowInsecureCert", NULL) < 0 ||
        form_take(call, config, "username", &source->user) < 0 ||
        api_text(call, config, "password", &password) < 0)
        return -1;
    if (password != NULL && password[0] != '\0')
        *out_password = password;
    return 0;
}

static int form_plain(struct api_call *call, const json_t *body, struct queue_source *source,
                      const char **out_password)
{
    uint64_t interval_s = source->interval_s;
    const char *password;
    if (form_take(call, body, "connection", &source->connection) < 0 ||
        form_take(call, body, "queue", &source->queue) < 0 ||
        form_take(call, body, "loader", &source->loader) < 0 ||
        form_take(call, body, "user", &source->user) < 0 ||
        api_number(call, body, "interval", FORM_INTERVAL_MAX, &interval_s) < 0 ||
        api_text(call, body, "password", &password) < 0)
        return -1;
    if (interval_s * 1000 < SOURCE_INTERVAL_MIN_MS)
        return form_fail(call, "an interval below 10 s only burdens the server",
                         "mail is told at once where it has IDLE");
    source->interval_s = interval_s;
    /* A source that was read and is sent back says where its password is from. */
    enum source_secret_kind kind;
    if (password != NULL && password[0] != '\0' && source_secret_kind(password, &kind) < 0)
        *out_password = password;
    return 0;
}

/* ---- What may not be set here ---------------------------------------------------------------- */

/* A key that must not be there. */
static int form_refuse_key(struct api_call *call, const struct queue_source *source,
                           const char *key)
{
    AUTO_TEXT value = NULL;
    struct error err;
    char what[100];
    if (connection_get(source->connection, key, &value, &err) < 0) {
        api_error(call, &err);
        return -1;
    }
    (void)snprintf(what, sizeof what, "'%s' may only be set by the administrator", key);
    return value == NULL ? 0 : form_fail(call, what, "use mailchute source edit on the machine");
}

static bool form_port_listed(const char *ports, const char *port)
{
    size_t size = strlen(port);
    for (ports += strspn(ports, " "); *ports != '\0'; ports += strspn(ports, " ")) {
        size_t have = strcspn(ports, " ");
        if (have == size && memcmp(ports, port, size) == 0)
            return true;
        ports += have;
    }
    return false;
}

static int form_check_server(struct api_call *call, const struct queue_source *source)
{
    AUTO_TEXT url = NULL;
    AUTO_TEXT port = NULL;
    struct error err;
    if (connection_get(source->connection, "url", &url, &err) < 0 ||
        connection_get(source->connection, "port", &port, &err) < 0) {
        api_error(call, &err);
        return -1;
    }
    if (url == NULL || url[0] == '\0')
        return form_fail(call, "the server is missing", "give providerConfig.host, or url=");
    if (url[strcspn(url, ":/@[]")] != '\0')
        return form_fail(call, "the server is to be a host name or an IPv4 address alone",
                         "give the port as port");
    if (port != NULL && !form_port_listed(web_lent(call->web)->ports, port))
        return form_fail(call, "this port is not one of those allowed here",
                         "use 993 or 143, or have the administrator set web-ports");
    return 0;
}

static int form_check(struct api_call *call, const struct queue_source *source)
{
    if (!text_equal_nocase(source->loader, FORM_LOADER))
        return form_fail(call, "sources of this loader are set up by the administrator",
                         "use mailchute source add on the machine, or the loader IMAP");
    if (form_refuse_key(call, source, "caFile") < 0 || form_refuse_key(call, source, "proxy") < 0 ||
        form_refuse_key(call, source, DELIVER_KEY) < 0)
        return -1;
    return web_lent(call->web)->private_hosts ? 0 : form_check_server(call, source);
}

int source_form_read(struct api_call *call, const json_t *body, struct queue_source *source,
                     const char **out_password)
{
    *out_password = "";
    if (form_theirs(call, body) < 0 || form_plain(call, body, source, out_password) < 0 ||
        form_config(call, json_object_get(body, "providerConfig"), source, out_password) < 0)
        return -1;
    source->guarded = true;
    return form_check(call, source);
}

/* Where mail lies, which of it is taken and what becomes of it. Whatever else there is, or will be,
 * may decide who gets to see the password. */
static const char *const form_harmless[] = {
    "mailbox", "dropbox", "badmail", "folders", "skipFolders", "skipSpecial", "attachHtml",
    "sanitize", "after", "search", "accept", "skip", "maxSize", "batch", "idle", "poll", "timeout",
};

bool source_form_same_server(const struct queue_source *before, const struct queue_source *after)
{
    return text_equal(before->user, after->user) && text_equal(before->loader, after->loader) &&
           connection_same(before->connection, after->connection, form_harmless,
                           sizeof form_harmless / sizeof form_harmless[0]);
}
