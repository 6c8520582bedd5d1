/* SPDX-License-Identifier: Apache-2.0 */
/* api.h - what the handlers of the REST interface share. Internal to web/.
 *
 * A request is found in one table (route.c), the right to it is looked at in one place (web.c,
 * api_may), and its handler gets a struct api_call. Handlers fill the answer, or fail:
 *
 *     return api_fail(call, 404, "there is no such source", "look at the list")
 *     return api_error(call, &err)      the status follows from the class of the error
 *
 * Problems are RFC 9457, and each says what to do about it; `message` in them is what clients of
 * other interfaces look for. */
#ifndef MAILCHUTE_HOST_WEB_API_H
#define MAILCHUTE_HOST_WEB_API_H

#include <jansson.h>

#include "access.h"
#include "check-progress.h"
#include "clock.h"
#include "http-server.h"
#include "json-line.h"
#include "log.h"
#include "queue-source.h"
#include "rate.h"
#include "route.h"
#include "unpack.h"
#include "vault.h"

#define API_PAGE_MAX 200u
#define API_PAGE 50u
#define API_DEPTH_MAX 32u   /* of JSON that is sent to us */
#define API_SEARCH_MAX 1000u /* entries that one page of a search looks through */

struct web;

struct api_call {
    struct web *web;
    const struct http_request *request;
    struct http_answer *answer;
    struct queue *queue; /* this thread's */
    struct access_who who;
    struct route_match match;
    json_t *body; /* an object, NULL where there was none; borrowed */
    char object[QUEUE_AUDIT_TEXT_MAX + 1]; /* for the audit; "": the first part of the path */
};

/* What a daemon lends to its page. */
struct web_lent {
    const struct clock *clock;
    struct check_progress *tests;
    struct unpack *unpack;
    const struct vault *vault;
    struct log *log;
    bool private_hosts; /* web users may name servers of private networks */
    const char *ports;  /* that they may name, "143 993" */
};
const struct web_lent *web_lent(const struct web *web);
bool web_secure(const struct web *web);

/** web_access_ended - somebody's session, key or rights have: who listens by them stops. */
void web_access_ended(struct api_call *call);

/** web_rate_try, _right - rate.h under the web's lock. */
uint64_t web_rate_try(struct web *web, const char *account, const char *from,
                      struct rate_try *out_try);
void web_rate_right(struct web *web, const struct rate_try *right);

/* ---- Answers. All return -1 or 0 as the name says; a handler returns what they return. --------
 */

/** api_json - @value is given; NULL: out of memory. */
void api_json(struct api_call *call, int code, json_t *value);
void api_fail(struct api_call *call, int code, const char *what, const char *to_do)
    __attribute__((nonnull));
void api_error(struct api_call *call, const struct error *err);
void api_error_as(struct api_call *call, int code, const struct error *err);

/* ---- What is asked for ----------------------------------------------------------------------- */

/** api_limit - the query argument limit, 1..API_PAGE_MAX; -1: failed. */
int api_limit(struct api_call *call, uint64_t standard, uint64_t *out_limit);

/** api_text - body[key]: NULL where it is absent or null. -1: failed, it is no text. */
int api_text(struct api_call *call, const json_t *object, const char *key, const char **out_text);
int api_number(struct api_call *call, const json_t *object, const char *key, uint64_t most,
               uint64_t *out_number); /* untouched where it is absent */
int api_boolean(struct api_call *call, const json_t *object, const char *key, bool *out_value);

/** api_time - RFC 3339, or null for 0. */
json_t *api_time(int64_t unix_s);

/** api_source_of - the source that the path names; NULL: answered. Yours. */
struct queue_source *api_source_of(struct api_call *call);

/* ---- Handlers, by file ----------------------------------------------------------------------- */

typedef void api_handler(struct api_call *call);
api_handler api_source_list, api_source_create, api_source_get, api_source_update,
    api_source_delete, api_source_import, api_source_pause, api_source_resume, api_source_sync;
api_handler api_source_stats;
api_handler api_test, api_test_steps, api_loaders;
api_handler api_entry_list, api_entry_get, api_entry_raw, api_entry_html, api_entry_attachment,
    api_entry_take, api_entry_done, api_entry_fail, api_entry_retry;
api_handler api_queue_list, api_events;
api_handler api_setup, api_setup_needed, api_login, api_logout, api_me, api_password;
api_handler api_user_list, api_user_create, api_user_delete, api_key_list, api_key_create,
    api_key_delete, api_audit;

#endif
