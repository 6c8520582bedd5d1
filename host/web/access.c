/* SPDX-License-Identifier: Apache-2.0 */
/* access.c - who is asking, and what he may do. See access.h. */
#include <config.h>
#include "access.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

_Static_assert(sizeof((struct http_hearer *)0)->proof == PASS_DIGEST_SIZE, "a digest is a proof");
_Static_assert(sizeof((struct http_hearer *)0)->who >= QUEUE_ID_TEXT, "room for who listens");

static const char *const access_roles[] = {"nobody", "viewer", "operator", "admin"};

const char *access_role_name(uint32_t role)
{
    return access_roles[role <= ACCESS_ADMIN ? role : ACCESS_NOBODY];
}

int access_role_from_name(const char *name, uint32_t *out_role)
{
    for (uint32_t role = ACCESS_VIEWER; role <= ACCESS_ADMIN; role++) {
        if (!text_equal(name, access_roles[role]))
            continue;
        *out_role = role;
        return 0;
    }
    return -1;
}

const char *access_cookie_name(bool secure)
{
    return secure ? "__Host-mailchute" : "mailchute";
}

static const char *access_use(enum access_kind kind)
{
    return kind == ACCESS_SESSION ? "session" : kind == ACCESS_KEY ? "key" : "setup";
}

void access_csrf(const char *session, char out_csrf[PASS_TOKEN_SIZE])
{
    uint8_t digest[PASS_DIGEST_SIZE];
    pass_digest(session, "csrf", digest);
    pass_text(digest, out_csrf);
}

/* What the request shows, and as what. A key goes before a cookie. */
static const char *access_shown(const struct http_request *request, bool secure,
                                enum access_kind *out_kind)
{
    const char *bearer = http_request_header(request, "Authorization");
    const char *key = http_request_header(request, "X-API-KEY");
    *out_kind = ACCESS_KEY;
    if (key != NULL)
        return key;
    if (bearer != NULL && text_starts_nocase(bearer, "Bearer "))
        return bearer + strlen("Bearer ");
    *out_kind = ACCESS_SESSION;
    return http_request_cookie(request, access_cookie_name(secure));
}

bool access_shows(const struct http_request *request, bool secure)
{
    enum access_kind kind;
    return access_shown(request, secure, &kind) != NULL;
}

static int64_t access_used_s(const struct queue_token *token)
{
    return token->used_s > token->created_s ? token->used_s : token->created_s;
}

static bool access_is_idle(const struct queue_token *token, int64_t now_s)
{
    return token->kind == ACCESS_SESSION && now_s - access_used_s(token) >= ACCESS_IDLE_S;
}

/* A session is kept by what its user does; of a key it is only told when it was used. */
static int access_idle(struct queue *queue, const struct queue_token *token, bool quiet,
                       int64_t now_s, bool *out_idle, struct error *err)
{
    bool removed;
    *out_idle = access_is_idle(token, now_s);
    if (*out_idle)
        return queue_token_remove(queue, token->id, &removed, err);
    if (quiet && token->kind == ACCESS_SESSION)
        return 0;
    if (now_s - access_used_s(token) >= ACCESS_USED_S || token->used_s == 0)
        return queue_token_used(queue, token->id, now_s, err);
    return 0;
}

static uint32_t access_role(const struct queue_token *token, const struct queue_user *user)
{
    return token->kind == ACCESS_KEY && token->role < user->role ? token->role : user->role;
}

static void access_fill(const struct queue_token *token, const struct queue_user *user,
                        const char *shown, struct access_who *out)
{
    bool is_key = token->kind == ACCESS_KEY;
    out->kind = (enum access_kind)token->kind;
    out->role = access_role(token, user);
    memcpy(out->digest, token->digest, sizeof out->digest);
    text_copy(out->user_id, sizeof out->user_id, user->id);
    text_copy(out->token_id, sizeof out->token_id, token->id);
    out->ends_s = token->ends_s;
    text_copy(out->user_name, sizeof out->user_name, user->name);
    (void)snprintf(out->name, sizeof out->name, is_key ? "%s (key %s)" : "%s", user->name,
                   token->name);
    if (!is_key)
        access_csrf(shown, out->csrf);
}

int access_who(struct queue *queue, const struct http_request *request, bool secure, bool quiet,
               int64_t now_s, struct access_who *out_who, struct error *err)
{
    uint8_t digest[PASS_DIGEST_SIZE];
    struct queue_token token;
    struct queue_user user;
    enum access_kind kind;
    bool found, idle;
    memset(out_who, 0, sizeof *out_who);
    const char *shown = access_shown(request, secure, &kind);
    if (shown == NULL || strlen(shown) != PASS_TOKEN_SIZE - 1)
        return 0;
    pass_digest(shown, access_use(kind), digest);
    if (queue_token_find(queue, digest, &token, &found, err) < 0)
        return -1;
    if (!found || token.kind != kind)
        return 0;
    quiet = quiet || http_request_header(request, "X-Unattended") != NULL;
    if (access_idle(queue, &token, quiet, now_s, &idle, err) < 0 ||
        (!idle && queue_user_find(queue, token.user_id, NULL, &user, &found, err) < 0))
        return -1;
    if (!idle && found)
        access_fill(&token, &user, shown, out_who);
    return 0;
}

void access_hearer(const struct access_who *who, struct http_hearer *out_hearer)
{
    *out_hearer = (struct http_hearer){.rights = who->role};
    text_copy(out_hearer->who, sizeof out_hearer->who, who->user_id);
    memcpy(out_hearer->proof, who->digest, sizeof out_hearer->proof);
}

bool access_hears(struct queue *queue, const struct http_hearer *hearer, int64_t now_s)
{
    struct queue_token token;
    struct queue_user user;
    struct error err;
    bool found;
    if (queue_token_find(queue, hearer->proof, &token, &found, &err) < 0)
        return true;
    if (!found || access_is_idle(&token, now_s))
        return false;
    if (queue_user_find(queue, token.user_id, NULL, &user, &found, &err) < 0)
        return true;
    return found && access_role(&token, &user) == hearer->rights;
}

int access_issue(struct queue *queue, enum access_kind kind, const char *user_id, const char *name,
                 uint32_t role, int64_t ends_s, char out_token[PASS_TOKEN_SIZE],
                 struct queue_token *out_made, struct error *err)
{
    struct queue_token token = {.kind = kind, .role = role, .ends_s = ends_s};
    text_copy(token.user_id, sizeof token.user_id, user_id);
    text_copy(token.name, sizeof token.name, name);
    pass_token(out_token);
    pass_digest(out_token, access_use(kind), token.digest);
    if (queue_token_add(queue, &token, err) < 0)
        return -1;
    *out_made = token;
    return 0;
}

static int access_any(void *context, const struct queue_user *user)
{
    (void)user;
    *(bool *)context = true;
    return 1;
}

int access_has_users(struct queue *queue, bool *out_has, struct error *err)
{
    *out_has = false;
    return queue_user_each(queue, access_any, out_has, err);
}
