/* SPDX-License-Identifier: Apache-2.0 */
/* command-serve.c - mailchute serve: the daemon in the foreground. mailchute-serve(8) is its
 * manual. */
#include <config.h>
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access.h"
#include "http-listen.h"
#include "http-server.h"
#include "journal.h"
#include "output.h"
#include "pass.h"
#include "route.h"
#include "serve.h"
#include "text.h"
#include "web.h"

#define SERVE_REFUSED_MS 60000u
#define SERVE_CONFIG "/etc/mailchute.conf" /* read when it is there and none is named */

struct serve_command {
    struct command_common common;
    const char *listen, *config;
    bool print_config;
    struct log log;
    struct serve_settings settings;
    struct serve *serve;
    struct http_server *http;
    struct web_options web_options;
    char web_ports[SERVE_TEXT_MAX];
    bool metrics_open;
    unsigned refused; /* requests, since the start; with what follows the HTTP thread's */
    uint64_t refused_until_ms; /* the log tells none of them before */
    struct web *web; /* NULL: there is none */
};

#define FIELD(member) offsetof(struct serve_command, member)
static const struct option_row serve_rows[] = {
    COMMAND_OPTION_QUEUE(struct serve_command, common),
    {"listen", 0, OPTION_TEXT, FIELD(listen), "ADDRESS:PORT",
     "metrics, health, REST (127.0.0.1:8425; '' for none)"},
    {"config", 'c', OPTION_TEXT, FIELD(config), "FILE", "settings (" SERVE_CONFIG " if there)"},
    {"print-config", 0, OPTION_FLAG, FIELD(print_config), NULL, "show all settings and end"},
    COMMAND_OPTIONS_LOG(struct serve_command, common),
    COMMAND_OPTION_HELP(struct serve_command, common),
};

static const struct option_table serve_table = {
    "serve", "[OPTION ...]",
    "Keeps the sources at work until it is stopped: imports, then picks new mail up as it comes.",
    serve_rows, sizeof serve_rows / sizeof serve_rows[0]};

static int serve_print_config(struct error *err)
{
    AUTO_DONE(buffer) out;
    buffer_init(&out, 65536);
    return serve_settings_append_sample(&out) < 0 ? error_oom(err, "printing the settings")
                                                  : output_bytes(&out, err);
}

static bool serve_level_given(const struct serve_command *c)
{
    return c->common.quiet || c->common.verbose > 0;
}

/* The command line over the file over what is built in. */
static int serve_read_settings(struct serve_command *c, struct error *err)
{
    serve_settings_init(&c->settings);
    if (c->config == NULL && access(SERVE_CONFIG, F_OK) == 0)
        c->config = SERVE_CONFIG;
    if (c->config != NULL && serve_settings_read(&c->settings, c->config, err) < 0)
        return -1;
    if (c->listen != NULL)
        text_copy(c->settings.listen, sizeof c->settings.listen, c->listen);
    command_log(&c->log, &c->common);
    if (!serve_level_given(c))
        c->log.level = (uint32_t)c->settings.log_level;
    c->log.format = (enum log_format)c->settings.log_format;
    log_open_journal(&c->log);
    return 0;
}

static int serve_open_queue(const char *url, struct queue **out_queue, struct error *err)
{
    return command_open_queue(url, COMMAND_QUEUE_MAKE, out_queue, err);
}

/* ---- HTTP ------------------------------------------------------------------------------------ */

static bool serve_is_web(const struct serve_command *c, const struct http_request *request)
{
    return c->web != NULL && web_has(request->path);
}

/* Names of sources and how they fare: not for everybody who gets here. */
static bool serve_is_closed(const struct serve_command *c, const struct http_request *request)
{
    bool tells = text_equal(request->path, "/metrics") ||
                 (text_equal(request->path, "/healthz") &&
                  http_request_query(request, "source") != NULL);
    return tells && !c->metrics_open && !http_forwarded_is_local(request->from);
}

static enum http_lane serve_route(void *context, struct http_request *request)
{
    const struct serve_command *c = context;
    return serve_is_web(c, request)                             ? web_route(request)
           : c->web != NULL && serve_is_closed(c, request) ? HTTP_QUICK
                                                                : HTTP_AT_ONCE;
}

/* Answered when it is false. */
static bool serve_may_watch(struct serve_command *c, unsigned thread,
                            const struct http_request *request, struct http_answer *answer)
{
    if (!serve_is_closed(c, request))
        return true;
    if (c->web != NULL)
        return web_sees(c->web, thread, request, answer);
    http_answer_refuse(answer, 403, "Forbidden", "this is told on this machine alone",
                       "ask there, or have the administrator set metrics = open");
    return false;
}

static void serve_answer(void *context, unsigned thread, const struct http_request *request,
                         struct http_answer *answer)
{
    struct serve_command *c = context;
    struct buffer *body = &answer->body;
    const char *source = http_request_query(request, "source");
    if (serve_is_web(c, request)) {
        web_answer(c->web, thread, request, answer);
        return;
    }
    if (request->method != HTTP_GET && request->method != HTTP_HEAD) {
        http_answer_refuse(answer, 405, "Method Not Allowed", "that cannot be done here",
                           "use GET or HEAD");
        return;
    }
    if (!serve_may_watch(c, thread, request, answer))
        return;
    if (text_equal(request->path, "/metrics")) {
        answer->type = "text/plain; version=0.0.4; charset=utf-8";
        answer->code = serve_append_metrics(c->serve, body) < 0 ? 500 : 200;
    } else if (text_equal(request->path, "/livez")) {
        answer->code = serve_append_health(c->serve, SERVE_LIVE, NULL, body);
    } else if (text_equal(request->path, "/readyz")) {
        answer->code = serve_append_health(c->serve, SERVE_READY, NULL, body);
    } else if (text_equal(request->path, "/healthz")) {
        answer->code = source == NULL ? serve_append_health(c->serve, SERVE_READY, NULL, body)
                                      : serve_append_health(c->serve, SERVE_SOURCE, source, body);
    } else {
        http_answer_refuse(answer, 404, "Not Found", "there is nothing of that name",
                           "there are /metrics, /livez, /readyz and /healthz?source=NAME");
    }
}

/* Attempts from browsers at this machine among them: in the log, one a minute with how many more
 * there were. */
static void serve_refused(void *context, const struct http_request *request, const char *why)
{
    struct serve_command *c = context;
    const char *host = http_request_header(request, "Host");
    const char *origin = http_request_header(request, "Origin");
    uint64_t now_ms = clock_monotonic_ms(clock_system());
    c->refused++;
    if (now_ms < c->refused_until_ms)
        return;
    log_warning(&c->log, "refused a request of %.45s: %s; host '%.80s', origin '%.80s', %u in all",
                request->from, why, host == NULL ? "" : host, origin == NULL ? "" : origin,
                c->refused);
    c->refused_until_ms = now_ms + SERVE_REFUSED_MS;
}

static void serve_web_tick(void *context)
{
    const struct serve_command *c = context;
    if (c->web != NULL)
        web_tick(c->web);
}

/* Settings may be read anew, what the web has stays. */
static int serve_start_web(struct serve_command *c, const char *url, struct error *err)
{
    if (c->settings.web == 0 || c->settings.listen[0] == '\0')
        return 0;
    text_copy(c->web_ports, sizeof c->web_ports, c->settings.web_ports);
    c->web_options = (struct web_options){
        .clock = clock_system(),
        .log = &c->log,
        .queue_url = url,
        .open_queue = serve_open_queue,
        .secure = c->settings.web_proxy != 0 || c->settings.web_certificate[0] != '\0',
        .private_hosts = c->settings.private_hosts != 0,
        .ports = c->web_ports};
    return web_new(&c->web_options, &c->web, err);
}

static int serve_tell_setup_command(const struct serve_command *c, struct queue *queue,
                                    struct error *err)
{
    bool has_users;
    if (access_has_users(queue, &has_users, err) < 0)
        return -1;
    if (!has_users)
        log_info(&c->log, "there is no user yet: mailchute user add makes one, mailchute user "
                 "setup-token a token for POST %sauth/setup", ROUTE_START);
    return 0;
}

/* Where browsers find it: under the first name that it may be called by, of a proxy where there is
 * one; else at the address that it listens to. */
static void serve_where(const struct serve_command *c, char *out, size_t size)
{
    const char *name = c->settings.web_hosts + strspn(c->settings.web_hosts, " ");
    int length = (int)strcspn(name, " ");
    const char *scheme = c->web_options.secure ? "https" : "http";
    if (c->settings.web_proxy != 0 && length > 0)
        (void)snprintf(out, size, "https://%.*s", length, name);
    else if (length > 0)
        (void)snprintf(out, size, "%s://%.*s:%u", scheme, length, name, http_server_port(c->http));
    else
        (void)snprintf(out, size, "%s://%s:%u",
                       c->settings.web_certificate[0] != '\0' ? "https" : "http",
                       http_server_host(c->http), http_server_port(c->http));
}

/* To standard error, not to the log: it lets somebody in, and logs are kept. So is what systemd
 * takes from standard error: there it is only told how to get one. */
static int serve_tell_setup(const struct serve_command *c, const char *url, struct error *err)
{
    AUTO(queue) queue = NULL;
    char token[PASS_TOKEN_SIZE], where[SERVE_TEXT_MAX + 32];
    if (c->web == NULL)
        return 0;
    if (serve_open_queue(url, &queue, err) < 0)
        return -1;
    if (journal_reads(STDERR_FILENO))
        return serve_tell_setup_command(c, queue, err);
    if (web_setup_token(queue, clock_system(), token, sizeof token, false, err) < 0)
        return -1;
    serve_where(c, where, sizeof where);
    if (token[0] != '\0')
        dprintf(STDERR_FILENO,
                "There is no user yet. Who opens this link makes the first one, once, "
                "within an hour:\n\n    %s/#/setup/%s\n\nSo does mailchute user add, and POST "
                "%sauth/setup with this token: %s\n",
                where, token, ROUTE_START, token);
    explicit_bzero(token, sizeof token);
    return 0;
}

/* What users show and see goes by TLS, or stays on this machine, or they were told. */
static bool serve_is_safe(const struct serve_command *c)
{
    return c->web == NULL || c->web_options.secure || c->settings.web_plain != 0 ||
           http_listen_is_local(c->settings.listen);
}

static int serve_start_http(struct serve_command *c, struct error *err)
{
    if (c->settings.listen[0] == '\0')
        return 0;
    const struct http_options options = {.listen = c->settings.listen,
                                         .hosts = c->settings.web_hosts,
                                         .proxies = c->settings.web_proxy != 0
                                                        ? c->settings.web_proxy_address
                                                        : "",
                                         .forwarded = (enum http_forwarded)
                                                          c->settings.web_proxy_header,
                                         .certificate = c->settings.web_certificate,
                                         .key = c->settings.web_key,
                                         .route = serve_route,
                                         .answer = serve_answer,
                                         .refused = serve_refused,
                                         .tick = serve_web_tick,
                                         .context = c};
    if (!http_forwarded_proxies(options.proxies))
        return error_set(err, ERROR_CONFIG, "web-proxy-address '%.80s' is no list of addresses; "
                         "write 127.0.0.1 10.0.0.0/8", options.proxies);
    if (http_listen_check(c->settings.listen, err) < 0)
        return -1;
    if (!serve_is_safe(c))
        return error_set(err, ERROR_CONFIG, "listening at '%.80s', which other machines reach, "
                         "without TLS: whoever is on the way reads passwords, sessions and mail; "
                         "set web-certificate and web-key, or web-proxy, or listen at 127.0.0.1, "
                         "or accept that by web-plain = yes", c->settings.listen);
    c->metrics_open = c->settings.metrics_open != 0;
    if (http_server_new(&options, &c->http, err) < 0)
        return -1;
    log_info(&c->log, "listening at %.80s, port %u", c->settings.listen,
             http_server_port(c->http));
    if (!http_listen_is_local(c->settings.listen))
        log_warning(&c->log, "listening at '%.80s', which other machines reach%s",
                    c->settings.listen, c->web != NULL && !c->web_options.secure
                        ? ", without TLS: whoever is on the way reads passwords, sessions and mail"
                        : "");
    if (c->web != NULL)
        web_listening(c->web, c->http);
    return 0;
}

/* ---- The command ----------------------------------------------------------------------------- */

static int serve_command_run(struct serve_command *c, struct error *err)
{
    if (c->print_config)
        return serve_print_config(err);
    if (serve_read_settings(c, err) < 0)
        return -1;
    const char *url = c->common.queue_url != NULL      ? c->common.queue_url
                      : c->settings.queue[0] != '\0' ? c->settings.queue
                                                     : NULL;
    const struct serve_options options = {.settings = &c->settings,
                                          .settings_path = c->config,
                                          .level_given = serve_level_given(c),
                                          .queue_url = url,
                                          .clock = clock_system(),
                                          .log = &c->log,
                                          .open_queue = serve_open_queue};
    if (url != NULL && text_starts_nocase(url, "memory:"))
        return error_set(err, ERROR_USAGE, "serve needs a queue that others can open; use "
                         "sqlite:FOLDER");
    if (serve_new(&options, &c->serve, err) < 0 || serve_start_web(c, url, err) < 0 ||
        serve_start_http(c, err) < 0 || serve_tell_setup(c, url, err) < 0)
        return -1;
    return serve_run(c->serve, err);
}

int command_serve(int argc, char **argv)
{
    struct serve_command c = {0};
    struct error err;
    int count, exit_code;
    if (command_options(&serve_table, argc, argv, &c, &c.common, &count, &exit_code) < 0)
        return exit_code;
    if (count != 0) {
        error_set(&err, ERROR_USAGE, "serve takes no arguments; sources are set up by mailchute "
                  "source add");
        return command_fail(&err);
    }
    int bad = serve_command_run(&c, &err);
    http_server_free(c.http);
    web_free(c.web);
    bool all_ended = serve_free(c.serve);
    exit_code = bad < 0 ? command_fail(&err) : 0;
    if (!all_ended)
        _exit(exit_code); /* libraries that a thread is in must not be taken down around it */
    return exit_code;
}
