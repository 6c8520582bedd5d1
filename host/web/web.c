/* SPDX-License-Identifier: Apache-2.0 */
/* web.c - the REST interface: from a request to its handler, and what handlers share. See web.h and
 * api.h. */
#include <config.h>
#include "web.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "event.h"
#include "static-file.h"
#include "trail.h"
#include "web-problem.h"
#include "text.h"

struct web {
    struct web_options options;
    struct web_lent lent;
    struct vault *vault;
    struct check_progress *tests;
    struct unpack *unpack;
    struct trail *trail;
    struct queue *queues[HTTP_THREADS]; /* each of one thread, opened when it is needed first */
    struct web_events *events;
    _Atomic(struct http_server *) server;
    pthread_mutex_t lock; /* over rate */
    struct rate rate;
};

const struct web_lent *web_lent(const struct web *web)
{
    return &web->lent;
}

bool web_secure(const struct web *web)
{
    return web->options.secure;
}

uint64_t web_rate_try(struct web *web, const char *account, const char *from,
                      struct rate_try *out_try)
{
    pthread_mutex_lock(&web->lock);
    uint64_t wait_ms =
        rate_try(&web->rate, account, from, clock_monotonic_ms(web->lent.clock), out_try);
    pthread_mutex_unlock(&web->lock);
    return wait_ms;
}

void web_rate_right(struct web *web, const struct rate_try *right)
{
    pthread_mutex_lock(&web->lock);
    rate_right(&web->rate, right, clock_monotonic_ms(web->lent.clock));
    pthread_mutex_unlock(&web->lock);
}

static bool web_hears(void *context, const struct http_hearer *hearer)
{
    const struct api_call *call = context;
    return access_hears(call->queue, hearer, clock_unix_s(call->web->lent.clock));
}

void web_access_ended(struct api_call *call)
{
    struct http_server *server = call->web->server;
    if (server != NULL)
        http_server_hearers(server, web_hears, call);
}

/* ---- Answers --------------------------------------------------------------------------------- */

static struct buffer *api_problem(struct api_call *call, int code)
{
    call->answer->code = code;
    call->answer->type = "application/problem+json";
    buffer_clear(&call->answer->body);
    return &call->answer->body;
}

void api_fail(struct api_call *call, int code, const char *what, const char *to_do)
{
    (void)web_problem_append(api_problem(call, code), code, what, to_do);
}

void api_error_as(struct api_call *call, int code, const struct error *err)
{
    (void)web_problem_append_error(api_problem(call, code), code, err);
}

void api_error(struct api_call *call, const struct error *err)
{
    /* analyse: set, by what failed */
    if (err->class == ERROR_BUG || err->class == ERROR_STORE || err->class == ERROR_CREATE)
        log_error(call->web->lent.log, err);
    api_error_as(call, web_problem_code(err->class), err);
}

void api_json(struct api_call *call, int code, json_t *value)
{
    AUTO_JSON own = value;
    call->answer->code = code;
    if (own == NULL || json_line_append(&call->answer->body, own) < 0 ||
        buffer_append_byte(&call->answer->body, '\n') < 0)
        api_fail(call, 500, "the answer is too large, or memory ran out", "ask for less");
}

/* ---- What is asked for ----------------------------------------------------------------------- */

int api_limit(struct api_call *call, uint64_t standard, uint64_t *out_limit)
{
    const char *text = http_request_query(call->request, "limit");
    *out_limit = standard;
    if (text == NULL || (text_to_u64(text, API_PAGE_MAX, out_limit) == 0 && *out_limit > 0))
        return 0;
    api_fail(call, 400, "limit is no number from 1 to 200", "ask for the next page with after");
    return -1;
}

static int api_bad_type(struct api_call *call, const char *key, const char *want)
{
    char what[200];
    (void)snprintf(what, sizeof what, "'%s' is not %s", key, want);
    api_fail(call, 400, what, "see docs/openapi.json");
    return -1;
}

int api_text(struct api_call *call, const json_t *object, const char *key, const char **out_text)
{
    const json_t *value = json_object_get(object, key);
    *out_text = NULL;
    if (value == NULL || json_is_null(value))
        return 0;
    if (!json_is_string(value) ||
        strlen(json_string_value(value)) != json_string_length(value)) /* a NUL inside */
        return api_bad_type(call, key, "a text");
    *out_text = json_string_value(value);
    return 0;
}

int api_number(struct api_call *call, const json_t *object, const char *key, uint64_t most,
               uint64_t *out_number)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL || json_is_null(value))
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uint64_t)json_integer_value(value) > most)
        return api_bad_type(call, key, "a number in its range");
    *out_number = (uint64_t)json_integer_value(value);
    return 0;
}

int api_boolean(struct api_call *call, const json_t *object, const char *key, bool *out_value)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL || json_is_null(value))
        return 0;
    if (!json_is_boolean(value))
        return api_bad_type(call, key, "true or false");
    *out_value = json_is_true(value);
    return 0;
}

json_t *api_time(int64_t unix_s)
{
    char text[CLOCK_RFC3339_MAX];
    if (unix_s == 0)
        return json_null();
    clock_rfc3339(unix_s, 0, text);
    return json_line_text(text);
}

/* ---- From a request to its handler ----------------------------------------------------------- */

static bool api_is_json(const char *type)
{
    static const char json[] = "application/json";
    return type != NULL && text_starts_nocase(type, json) &&
           (type[sizeof json - 1] == '\0' || type[sizeof json - 1] == ';');
}

/* -1: failed. */
static int api_read_body(struct api_call *call, json_t **out_body)
{
    const struct http_request *request = call->request;
    json_error_t why;
    char what[200];
    if (request->body_size == 0)
        return 0;
    if (!call->match.route->body || !api_is_json(http_request_header(request, "Content-Type"))) {
        api_fail(call, 415, call->match.route->body ? "the body is not application/json"
                                                    : "this takes no body",
                 "send JSON, and say so in Content-Type");
        return -1;
    }
    if (web_problem_json_depth(request->body, request->body_size) > API_DEPTH_MAX) {
        api_fail(call, 400, "the body is nested too deep", "32 levels are enough");
        return -1;
    }
    *out_body = json_loadb(request->body, request->body_size, JSON_REJECT_DUPLICATES, &why);
    if (*out_body != NULL && json_is_object(*out_body))
        return 0;
    if (*out_body == NULL)
        (void)snprintf(what, sizeof what, "the body is no JSON: %.150s", why.text);
    api_fail(call, 400, *out_body != NULL ? "the body is no JSON object" : what,
             "see docs/openapi.json");
    return -1;
}

/* The one place where it is looked at who may do what. -1: not this one. */
static int api_may(struct api_call *call)
{
    const struct route *route = call->match.route;
    bool changes = call->request->method != HTTP_GET && call->request->method != HTTP_HEAD;
    if (route->role == ACCESS_NOBODY)
        return 0;
    if (call->who.role == ACCESS_NOBODY) {
        (void)http_answer_header(call->answer, "WWW-Authenticate", "Bearer");
        api_fail(call, 401, "nobody is signed in, or the session or key has ended",
                 "sign in, or send Authorization: Bearer KEY");
        return -1;
    }
    if (call->who.role < route->role) {
        api_fail(call, 403, "your role does not allow this", "ask an admin");
        return -1;
    }
    if (call->who.kind == ACCESS_SESSION && changes &&
        !pass_equal(http_request_header(call->request, "X-CSRF-Token"), call->who.csrf)) {
        api_fail(call, 403, "the CSRF token is missing or that of another session",
                 "send X-CSRF-Token as auth/me tells it");
        return -1;
    }
    return 0;
}

/* ---- What is written down -------------------------------------------------------------------- */

static enum trail_kind api_trail_kind(const struct route *route)
{
    return route->audit == NULL       ? TRAIL_LOOKED
           : route->method == HTTP_GET ? TRAIL_SHOWN
                                       : TRAIL_CHANGED;
}

static void api_trail_write(struct api_call *call, const struct queue_audit *line)
{
    struct error err;
    if (queue_audit_add(call->queue, line, &err) < 0)
        log_error(call->web->lent.log, &err);
}

static void api_trail_left_out(struct api_call *call, uint64_t count)
{
    struct queue_audit line = {.what = "refused"};
    (void)snprintf(line.object, sizeof line.object, "%" PRIu64 " more requests", count);
    api_trail_write(call, &line);
}

static void api_trail(struct api_call *call)
{
    const struct route *route = call->match.route;
    struct queue_audit line = {.result = (uint32_t)call->answer->code};
    uint64_t left_out;
    text_copy(line.who, sizeof line.who, call->who.name);
    text_copy(line.from, sizeof line.from, call->request->from);
    if (route->audit != NULL)
        text_copy(line.what, sizeof line.what, route->audit);
    else
        (void)snprintf(line.what, sizeof line.what, "%s %s", http_method_name(route->method),
                       route->path);
    if (call->object[0] != '\0')
        text_copy(line.object, sizeof line.object, call->object);
    else
        (void)snprintf(line.object, sizeof line.object, "%s%s%s", call->match.parts[0],
                       call->match.parts[1][0] == '\0' ? "" : "/", call->match.parts[1]);
    if (!trail_wants(call->web->trail, &line, api_trail_kind(route),
                     access_shows(call->request, call->web->options.secure),
                     clock_monotonic_ms(call->web->lent.clock), &left_out))
        return;
    if (left_out > 0)
        api_trail_left_out(call, left_out);
    api_trail_write(call, &line);
}

static void api_do(struct api_call *call)
{
    AUTO_JSON body = NULL;
    if (api_may(call) < 0 || api_read_body(call, &body) < 0)
        return;
    call->body = body;
    call->match.route->handle(call);
    call->body = NULL;
}

static int api_ask_who(struct api_call *call, struct error *err)
{
    return access_who(call->queue, call->request, call->web->options.secure,
                      call->match.route->quiet, clock_unix_s(call->web->lent.clock), &call->who,
                      err);
}

static void api_run(struct api_call *call)
{
    struct error err;
    if (api_ask_who(call, &err) < 0) {
        api_error(call, &err);
        return;
    }
    api_do(call);
    api_trail(call);
}

static struct queue *web_queue(struct web *web, unsigned thread, struct error *err)
{
    struct queue **queue = &web->queues[thread];
    if (*queue == NULL && web->options.open_queue(web->options.queue_url, queue, err) < 0)
        return NULL;
    return *queue;
}

bool web_has(const char *path)
{
    return strncmp(path, ROUTE_START, strlen(ROUTE_START)) == 0 || static_file_find(path) != NULL;
}

enum http_lane web_route(const struct http_request *request)
{
    if (static_file_find(request->path) != NULL)
        return HTTP_AT_ONCE;
    const struct route_match match = route_find(request->method, request->path);
    return match.route == NULL ? HTTP_AT_ONCE : match.route->lane;
}

static const struct route web_watch = {.path = "metrics", .role = ACCESS_VIEWER};

bool web_sees(struct web *web, unsigned thread, const struct http_request *request,
              struct http_answer *answer)
{
    struct error err;
    struct api_call call = {.web = web, .request = request, .answer = answer,
                            .match = {.route = &web_watch}};
    if ((call.queue = web_queue(web, thread, &err)) == NULL || api_ask_who(&call, &err) < 0) {
        api_error(&call, &err);
        return false;
    }
    if (api_may(&call) == 0)
        return true;
    api_trail(&call);
    return false;
}

void web_answer(struct web *web, unsigned thread, const struct http_request *request,
                struct http_answer *answer)
{
    struct error err;
    struct api_call call = {.web = web, .request = request, .answer = answer};
    if (static_file_answer(request, answer))
        return;
    if (static_file_find(request->path) == NULL)
        call.match = route_find(request->method, request->path);
    if (call.match.route == NULL && call.match.path_known) {
        (void)http_answer_header(answer, "Allow", call.match.allowed);
        api_fail(&call, 405, "that cannot be done here", "Allow tells what can");
    } else if (call.match.route == NULL) {
        api_fail(&call, 404, "there is nothing of that name", "see docs/openapi.json");
    } else if ((call.queue = web_queue(web, thread, &err)) == NULL) {
        api_error(&call, &err);
    } else {
        api_run(&call);
    }
}

void web_tick(struct web *web)
{
    if (web->events != NULL)
        web_events_tick(web->events);
}

void web_listening(struct web *web, struct http_server *server)
{
    web->server = server;
    web_events_listening(web->events, server);
}

/* ---- Start and end --------------------------------------------------------------------------- */

static int web_open(struct web *web, struct error *err)
{
    struct queue *queue = web_queue(web, 0, err);
    if (queue == NULL || pass_start(err) < 0 ||
        vault_open(queue_folder(queue), &web->vault, err) < 0 ||
        check_progress_new(&web->tests, err) < 0 || unpack_new(&web->unpack, err) < 0 ||
        trail_new(&web->trail, err) < 0)
        return -1;
    rate_init(&web->rate);
    web->lent = (struct web_lent){.clock = web->options.clock,
                                  .tests = web->tests,
                                  .unpack = web->unpack,
                                  .vault = web->vault,
                                  .log = web->options.log,
                                  .private_hosts = web->options.private_hosts,
                                  .ports = web->options.ports};
    return web_events_new(&web->options, &web->events, err);
}

int web_new(const struct web_options *options, struct web **out_web, struct error *err)
{
    AUTO(web) web = calloc(1, sizeof *web);
    if (web == NULL)
        return error_oom(err, "starting the REST interface");
    web->options = *options;
    pthread_mutex_init(&web->lock, NULL);
    if (web_open(web, err) < 0)
        return -1;
    *out_web = TAKE(web);
    return 0;
}

void web_free(struct web *web)
{
    if (web == NULL)
        return;
    web_events_free(web->events);
    for (unsigned i = 0; i < HTTP_THREADS; i++)
        queue_close(web->queues[i]);
    check_progress_free(web->tests);
    unpack_free(web->unpack);
    trail_free(web->trail);
    vault_close(web->vault);
    pthread_mutex_destroy(&web->lock);
    free(web);
}

static int web_end_setup(void *context, const struct queue_token *token)
{
    text_copy(context, QUEUE_ID_TEXT, token->id);
    return 1;
}

int web_setup_token(struct queue *queue, const struct clock *clock, char *out_token, size_t size,
                    bool always, struct error *err)
{
    char token[PASS_TOKEN_SIZE], old[QUEUE_ID_TEXT] = "";
    struct queue_token made;
    bool has, removed;
    out_token[0] = '\0';
    if (access_has_users(queue, &has, err) < 0)
        return -1;
    if (has && !always)
        return 0;
    if (queue_token_each(queue, ACCESS_SETUP, NULL, web_end_setup, old, err) < 0 ||
        (old[0] != '\0' && queue_token_remove(queue, old, &removed, err) < 0) ||
        access_issue(queue, ACCESS_SETUP, "", "", ACCESS_ADMIN,
                     clock_unix_s(clock) + ACCESS_SETUP_S, token, &made, err) < 0)
        return -1;
    text_copy(out_token, size, token);
    return 0;
}
