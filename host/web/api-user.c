/* SPDX-License-Identifier: Apache-2.0 */
/* api-user.c - signing in and out, users, API keys, the audit. */
#include <config.h>
#include "api.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

#define API_DAY_S 86400

static int64_t now_s(const struct api_call *call)
{
    return clock_unix_s(web_lent(call->web)->clock);
}

/* A text that must be there; NULL: failed. */
static const char *user_text(struct api_call *call, const char *key)
{
    const char *text;
    if (api_text(call, call->body, key, &text) < 0)
        return NULL;
    if (text == NULL || text[0] == '\0') {
        char what[100];
        (void)snprintf(what, sizeof what, "'%s' is missing", key);
        api_fail(call, 400, what, "send it");
        return NULL;
    }
    return text;
}

/* ---- Sessions -------------------------------------------------------------------------------- */

static void session_cookie(struct api_call *call, const char *token)
{
    char cookie[256];
    bool secure = web_secure(call->web);
    (void)snprintf(cookie, sizeof cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s",
                   access_cookie_name(secure), token, secure ? "; Secure" : "",
                   token[0] == '\0' ? "; Max-Age=0" : "");
    (void)http_answer_header(call->answer, "Set-Cookie", cookie);
}

static json_t *session_json(const char *name, uint32_t role, const char *csrf)
{
    AUTO_JSON out = json_object();
    if (json_line_set(out, "name", json_line_text(name)) < 0 ||
        json_line_set(out, "role", json_line_text(access_role_name(role))) < 0 ||
        json_line_set(out, "csrf", json_line_text(csrf[0] == '\0' ? NULL : csrf)) < 0)
        return NULL;
    return TAKE(out);
}

/* Always a new one: whoever had planted another has nothing of it. */
static void session_begin(struct api_call *call, const struct queue_user *user)
{
    char token[PASS_TOKEN_SIZE], csrf[PASS_TOKEN_SIZE];
    struct queue_token made;
    struct error err;
    if (access_issue(call->queue, ACCESS_SESSION, user->id, "", user->role,
                     now_s(call) + ACCESS_SESSION_S, token, &made, &err) < 0) {
        api_error(call, &err);
        return;
    }
    text_copy(call->who.name, sizeof call->who.name, user->name);
    session_cookie(call, token);
    access_csrf(token, csrf);
    api_json(call, 200, session_json(user->name, user->role, csrf));
    explicit_bzero(token, sizeof token);
}

/* -1: too fast. */
static int session_rate(struct api_call *call, const char *account, struct rate_try *out_try)
{
    char seconds[32];
    uint64_t wait_ms = web_rate_try(call->web, account, call->request->from, out_try);
    if (wait_ms == 0)
        return 0;
    (void)snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)(wait_ms + 999) / 1000);
    (void)http_answer_header(call->answer, "Retry-After", seconds);
    api_fail(call, 429, "too many tries", "wait as long as Retry-After says");
    return -1;
}

/* -1: failed. Unknown users take as long as known ones. */
static int session_user(struct api_call *call, const char *name, const char *password,
                        struct queue_user *out_user)
{
    struct error err;
    bool found;
    if (queue_user_find(call->queue, NULL, name, out_user, &found, &err) < 0) {
        api_error(call, &err);
        return -1;
    }
    if (found && call->object[0] != '\0')
        text_copy(call->object, sizeof call->object, name);
    if (pass_check(found ? out_user->password : NULL, password))
        return 0;
    api_fail(call, 401, "user name or password is wrong", "check both; an admin can set a new one");
    return -1;
}

void api_login(struct api_call *call)
{
    struct queue_user user;
    struct rate_try try;
    const char *name = user_text(call, "name");
    const char *password = name == NULL ? NULL : user_text(call, "password");
    if (password == NULL)
        return;
    text_copy(call->object, sizeof call->object, "(unknown)"); /* some type their password there */
    if (session_rate(call, name, &try) < 0 || session_user(call, name, password, &user) < 0)
        return;
    web_rate_right(call->web, &try);
    session_begin(call, &user);
}

void api_logout(struct api_call *call)
{
    struct error err;
    bool removed;
    if (call->who.kind != ACCESS_SESSION) {
        api_fail(call, 409, "a key has no session", "delete the key if it is to end");
        return;
    }
    if (queue_token_remove(call->queue, call->who.token_id, &removed, &err) < 0) {
        api_error(call, &err);
        return;
    }
    web_access_ended(call);
    session_cookie(call, "");
    call->answer->code = 204;
}

void api_me(struct api_call *call)
{
    api_json(call, 200, session_json(call->who.user_name, call->who.role, call->who.csrf));
}

/* Whether a page is to ask for the set-up token rather than for a password. */
void api_setup_needed(struct api_call *call)
{
    struct error err;
    bool has;
    if (access_has_users(call->queue, &has, &err) < 0) {
        api_error(call, &err);
        return;
    }
    json_t *out = json_object();
    if (json_line_set(out, "needed", json_boolean(!has)) < 0)
        json_decref(TAKE(out));
    api_json(call, 200, out);
}

/* -1: told. */
static int user_name_check(struct api_call *call, const char *name)
{
    struct queue_user user;
    struct error err;
    bool found;
    if (strlen(name) > QUEUE_USER_NAME_MAX)
        api_fail(call, 400, "the name is longer than 64 bytes", "choose a shorter one");
    else if (queue_user_find(call->queue, NULL, name, &user, &found, &err) < 0)
        api_error(call, &err);
    else if (found)
        api_fail(call, 409, "there is a user of that name already", "choose another name");
    else
        return 0;
    return -1;
}

static int setup_gone(struct api_call *call)
{
    api_fail(call, 410, "that token was used, or its hour is over",
             "mailchute user setup-token prints another");
    return -1;
}

/* 0: the token is good; -1: failed. Who has none gets no password hashed, and does not learn which
 * names there are. */
static int setup_find(struct api_call *call, const char *token, struct queue_token *out_found)
{
    uint8_t digest[PASS_DIGEST_SIZE];
    struct error err;
    bool is_there;
    pass_digest(token, "setup", digest);
    if (queue_token_find(call->queue, digest, out_found, &is_there, &err) == 0)
        return is_there ? 0 : setup_gone(call);
    api_error(call, &err);
    return -1;
}

/* 0: the token is used up now; of two who do that at the same time one hears so. */
static int setup_take(struct api_call *call, const struct queue_token *token)
{
    struct error err;
    bool removed;
    if (queue_token_remove(call->queue, token->id, &removed, &err) == 0)
        return removed ? 0 : setup_gone(call);
    api_error(call, &err);
    return -1;
}

/* A user in @out_user, made; -1: failed. */
static int user_make(struct api_call *call, const char *name, const char *hash, uint32_t role,
                     struct queue_user *out_user)
{
    struct error err;
    *out_user = (struct queue_user){.role = role};
    if (strlen(name) > QUEUE_USER_NAME_MAX) {
        api_fail(call, 400, "the name is longer than 64 bytes", "choose a shorter one");
        return -1;
    }
    text_copy(out_user->name, sizeof out_user->name, name);
    text_copy(out_user->password, sizeof out_user->password, hash);
    if (queue_user_add(call->queue, out_user, &err) == 0)
        return 0;
    if (strstr(err.text, " already;") != NULL)
        api_error_as(call, 409, &err);
    else
        api_error(call, &err);
    return -1;
}

void api_setup(struct api_call *call)
{
    char hash[PASS_HASH_SIZE];
    struct queue_user user;
    struct queue_token found;
    struct rate_try try;
    struct error err;
    const char *token = user_text(call, "token");
    const char *name = token == NULL ? NULL : user_text(call, "name");
    const char *password = name == NULL ? NULL : user_text(call, "password");
    if (password == NULL)
        return;
    text_copy(call->object, sizeof call->object, name);
    if (session_rate(call, NULL, &try) < 0 || setup_find(call, token, &found) < 0)
        return;
    web_rate_right(call->web, &try);
    if (pass_hash(password, hash, &err) < 0) { /* a mistake does not use the token up */
        api_error(call, &err);
        return;
    }
    if (user_name_check(call, name) == 0 && setup_take(call, &found) == 0 &&
        user_make(call, name, hash, ACCESS_ADMIN, &user) == 0)
        session_begin(call, &user);
}

void api_password(struct api_call *call)
{
    struct queue_user user;
    struct rate_try try;
    struct error err;
    const char *old = user_text(call, "old"), *fresh = old == NULL ? NULL : user_text(call, "new");
    if (fresh == NULL || session_rate(call, call->who.user_name, &try) < 0 ||
        session_user(call, call->who.user_name, old, &user) < 0)
        return;
    web_rate_right(call->web, &try);
    if (pass_hash(fresh, user.password, &err) < 0 ||
        queue_user_change(call->queue, &user, ACCESS_KEY, &err) < 0) {
        api_error(call, &err);
        return;
    }
    web_access_ended(call);
    session_begin(call, &user); /* all others have ended */
}

/* ---- Users ----------------------------------------------------------------------------------- */

static json_t *user_json(const struct queue_user *user)
{
    AUTO_JSON out = json_object();
    if (json_line_set(out, "id", json_line_text(user->id)) < 0 ||
        json_line_set(out, "name", json_line_text(user->name)) < 0 ||
        json_line_set(out, "role", json_line_text(access_role_name(user->role))) < 0 ||
        json_line_set(out, "createdAt", api_time(user->created_s)) < 0)
        return NULL;
    return TAKE(out);
}

/* A list that is being gathered; NULL once memory ran out. */
static int gather(json_t **list, json_t *one)
{
    if (one != NULL && json_array_append_new(*list, one) == 0)
        return 0;
    json_decref(TAKE(*list));
    return -1;
}

static int user_each(void *context, const struct queue_user *user)
{
    return gather(context, user_json(user));
}

void api_user_list(struct api_call *call)
{
    struct error err;
    json_t *list = json_array();
    if (queue_user_each(call->queue, user_each, &list, &err) < 0) {
        json_decref(list);
        api_error(call, &err);
        return;
    }
    api_json(call, 200, list);
}

/* -1: failed. */
static int role_read(struct api_call *call, uint32_t *out_role)
{
    const char *role = user_text(call, "role");
    if (role == NULL)
        return -1;
    if (access_role_from_name(role, out_role) == 0)
        return 0;
    api_fail(call, 400, "there is no such role", "give viewer, operator or admin");
    return -1;
}

void api_user_create(struct api_call *call)
{
    char hash[PASS_HASH_SIZE];
    struct queue_user user;
    struct error err;
    uint32_t role;
    const char *name = user_text(call, "name");
    const char *password = name == NULL ? NULL : user_text(call, "password");
    if (password == NULL || role_read(call, &role) < 0)
        return;
    text_copy(call->object, sizeof call->object, name);
    if (pass_hash(password, hash, &err) < 0) {
        api_error(call, &err);
        return;
    }
    if (user_make(call, name, hash, role, &user) == 0)
        api_json(call, 201, user_json(&user));
}

void api_user_delete(struct api_call *call)
{
    struct queue_user user;
    struct error err;
    bool found;
    if (text_equal_nocase(call->match.parts[0], call->who.user_id)) {
        api_fail(call, 409, "that is you", "have another admin remove you");
        return;
    }
    if (queue_user_find(call->queue, call->match.parts[0], NULL, &user, &found, &err) < 0 ||
        (found && queue_user_remove(call->queue, user.id, &err) < 0)) {
        api_error(call, &err);
        return;
    }
    if (!found) {
        api_fail(call, 404, "there is no such user", "look at the list");
        return;
    }
    web_access_ended(call);
    text_copy(call->object, sizeof call->object, user.name);
    call->answer->code = 204;
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static json_t *key_json(const struct queue_token *token)
{
    AUTO_JSON out = json_object();
    if (json_line_set(out, "id", json_line_text(token->id)) < 0 ||
        json_line_set(out, "name", json_line_text(token->name)) < 0 ||
        json_line_set(out, "role", json_line_text(access_role_name(token->role))) < 0 ||
        json_line_set(out, "userId", json_line_text(token->user_id)) < 0 ||
        json_line_set(out, "createdAt", api_time(token->created_s)) < 0 ||
        json_line_set(out, "expiresAt", api_time(token->ends_s)) < 0 ||
        json_line_set(out, "usedAt", api_time(token->used_s)) < 0)
        return NULL;
    return TAKE(out);
}

static int key_each(void *context, const struct queue_token *token)
{
    return gather(context, key_json(token));
}

void api_key_list(struct api_call *call)
{
    struct error err;
    json_t *list = json_array();
    bool all = call->who.role == ACCESS_ADMIN;
    if (queue_token_each(call->queue, ACCESS_KEY, all ? NULL : call->who.user_id, key_each, &list,
                         &err) < 0) {
        json_decref(list);
        api_error(call, &err);
        return;
    }
    api_json(call, 200, list);
}

static int key_read(struct api_call *call, uint32_t *out_role, uint64_t *out_days)
{
    *out_days = 90;
    if (role_read(call, out_role) < 0 ||
        api_number(call, call->body, "days", ACCESS_KEY_DAYS_MAX, out_days) < 0)
        return -1;
    if (*out_days == 0)
        api_fail(call, 400, "a key lasts 1 to 730 days", "give days");
    else if (*out_role > call->who.role)
        api_fail(call, 403, "a key may not more than you may", "give a lower role");
    else
        return 0;
    return -1;
}

void api_key_create(struct api_call *call)
{
    char token[PASS_TOKEN_SIZE];
    struct queue_token made;
    struct error err;
    uint32_t role;
    uint64_t days;
    const char *name = user_text(call, "name");
    if (name == NULL || key_read(call, &role, &days) < 0)
        return;
    text_copy(call->object, sizeof call->object, name);
    if (strlen(name) > QUEUE_USER_NAME_MAX) {
        api_fail(call, 400, "the name is longer than 64 bytes", "choose a shorter one");
        return;
    }
    int64_t ends_s = now_s(call) + (int64_t)days * API_DAY_S;
    if (call->who.kind == ACCESS_KEY && ends_s > call->who.ends_s)
        ends_s = call->who.ends_s; /* else a key that was lost would never end */
    if (access_issue(call->queue, ACCESS_KEY, call->who.user_id, name, role, ends_s, token, &made,
                     &err) < 0) {
        api_error(call, &err);
        return;
    }
    AUTO_JSON out = key_json(&made);
    if (json_line_set(out, "key", json_line_text(token)) < 0)
        json_decref(TAKE(out));
    api_json(call, 201, TAKE(out));
    explicit_bzero(token, sizeof token);
}

struct key_search {
    const char *id;
    bool found;
};

static int key_search(void *context, const struct queue_token *token)
{
    struct key_search *search = context;
    search->found = text_equal_nocase(token->id, search->id);
    return search->found;
}

void api_key_delete(struct api_call *call)
{
    struct key_search search = {.id = call->match.parts[0]};
    struct error err;
    bool all = call->who.role == ACCESS_ADMIN, removed = false;
    if (queue_token_each(call->queue, ACCESS_KEY, all ? NULL : call->who.user_id, key_search,
                         &search, &err) < 0 ||
        (search.found && queue_token_remove(call->queue, search.id, &removed, &err) < 0)) {
        api_error(call, &err);
        return;
    }
    if (!removed) { /* somebody else's is not there either */
        api_fail(call, 404, "there is no such key", "look at the list");
        return;
    }
    web_access_ended(call);
    call->answer->code = 204;
}

/* ---- Audit ----------------------------------------------------------------------------------- */

static int audit_each(void *context, const struct queue_audit *line)
{
    AUTO_JSON out = json_object();
    if (json_line_set(out, "number", json_line_size(line->number)) < 0 ||
        json_line_set(out, "time", api_time(line->time_s)) < 0 ||
        json_line_set(out, "who", json_line_text(line->who)) < 0 ||
        json_line_set(out, "from", json_line_text(line->from)) < 0 ||
        json_line_set(out, "what", json_line_text(line->what)) < 0 ||
        json_line_set(out, "object", json_line_text(line->object)) < 0 ||
        json_line_set(out, "result", json_line_size(line->result)) < 0)
        return gather(context, NULL);
    return gather(context, TAKE(out));
}

void api_audit(struct api_call *call)
{
    struct error err;
    uint64_t limit, before = 0;
    const char *text = http_request_query(call->request, "before");
    if (api_limit(call, API_PAGE, &limit) < 0)
        return;
    if (text != NULL && text_to_u64(text, INT64_MAX, &before) < 0) {
        api_fail(call, 400, "before is no number of a line", "take the last one of the page");
        return;
    }
    json_t *list = json_array();
    if (queue_audit_each(call->queue, before, limit, audit_each, &list, &err) < 0) {
        json_decref(list);
        api_error(call, &err);
        return;
    }
    api_json(call, 200, list);
}
