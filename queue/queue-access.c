/* SPDX-License-Identifier: Apache-2.0 */
/* queue-access.c - users, tokens, audit: limits and ids. See queue-access.h. */
#include <config.h>
#include "queue-access.h"

#include <string.h>

#include "queue-backend.h"
#include "text.h"

static const struct queue_access_backend *access_of(struct queue *queue, struct error *err)
{
    const struct queue_access_backend *access = queue_backend_of(queue)->access;
    if (access == NULL)
        error_set(err, ERROR_CONFIG, "this queue keeps no users; use one that is sqlite:FOLDER");
    else if (!queue_in_batch(queue))
        return access;
    else
        error_set(err, ERROR_BUG, "users were to be worked with inside an open batch");
    return NULL;
}

static int access_check_text(const char *what, const char *text, bool may_be_empty,
                             struct error *err)
{
    if (!may_be_empty && text[0] == '\0')
        return error_set(err, ERROR_USAGE, "%s is missing; give one", what);
    if (!text_is_utf8(text, strlen(text)) || text_has_control(text))
        return error_set(err, ERROR_USAGE, "%s holds characters that no text should; type it again",
                         what);
    return 0;
}

static int access_check_user(const struct queue_user *user, struct error *err)
{
    if (access_check_text("the name of the user", user->name, false, err) < 0)
        return -1;
    return access_check_text("the hashed password", user->password, true, err);
}

static int access_gone(const char *what, struct error *err)
{
    return error_set(err, ERROR_USAGE, "that %s is gone already", what);
}

static void access_new_id(char out_id[QUEUE_ID_TEXT])
{
    uint8_t id[QUEUE_UUID_SIZE];
    queue_id_random(id);
    queue_id_text(id, out_id);
}

/* ---- Users ----------------------------------------------------------------------------------- */

int queue_user_add(struct queue *queue, struct queue_user *user, struct error *err)
{
    const struct queue_access_backend *access = access_of(queue, err);
    bool done;
    if (access == NULL || access_check_user(user, err) < 0)
        return -1;
    access_new_id(user->id);
    user->created_s = queue_now_s(queue);
    if (access->user_add(queue_store(queue), user, &done, err) < 0)
        return -1;
    return done ? 0
                : error_set(err, ERROR_USAGE, "there is a user '%s' already; choose another name",
                            user->name);
}

int queue_user_change(struct queue *queue, const struct queue_user *user, uint32_t kept_kind,
                      struct error *err)
{
    const struct queue_access_backend *access = access_of(queue, err);
    bool done;
    if (access == NULL || access_check_user(user, err) < 0 ||
        access->user_change(queue_store(queue), user, kept_kind, &done, err) < 0)
        return -1;
    return done ? 0 : access_gone("user", err);
}

int queue_user_remove(struct queue *queue, const char *id, struct error *err)
{
    const struct queue_access_backend *access = access_of(queue, err);
    bool done;
    if (access == NULL || access->user_remove(queue_store(queue), id, &done, err) < 0)
        return -1;
    return done ? 0 : access_gone("user", err);
}

int queue_user_find(struct queue *queue, const char *id, const char *name,
                    struct queue_user *out_user, bool *out_found, struct error *err)
{
    const struct queue_access_backend *access = access_of(queue, err);
    return access == NULL
               ? -1
               : access->user_find(queue_store(queue), id, name, out_user, out_found, err);
}

int queue_user_each(struct queue *queue, int (*each)(void *context, const struct queue_user *user),
                    void *context, struct error *err)
{
    const struct queue_access_backend *access = access_of(queue, err);
    return access == NULL ? -1 : access->user_each(queue_store(queue), each, context, err);
}

/* ---- Tokens ---------------------------------------------------------------------------------- */

int queue_token_add(struct queue *queue, struct queue_token *token, struct error *err)
{
    const struct queue_access_backend *access = access_of(queue, err);
    bool done;
    if (access == NULL || access_check_text("the name of the token", token->name, true, err) < 0)
        return -1;
    access_new_id(token->id);
    token->created_s = queue_now_s(queue);
    if (access->token_add(queue_store(queue), token, &done, err) < 0)
        return -1;
    return done ? 0
                : error_set(err, ERROR_USAGE, "that user is gone, or has %u keys already; remove "
                            "some", QUEUE_TOKENS_MAX);
}

int queue_token_find(struct queue *queue, const uint8_t digest[QUEUE_TOKEN_DIGEST_SIZE],
                     struct queue_token *out_token, bool *out_found, struct error *err)
{
    const struct queue_access_backend *access = access_of(queue, err);
    return access == NULL ? -1
                          : access->token_find(queue_store(queue), digest, queue_now_s(queue),
                                               out_token, out_found, err);
}

int queue_token_used(struct queue *queue, const char *id, int64_t used_s, struct error *err)
{
    const struct queue_access_backend *access = access_of(queue, err);
    return access == NULL ? -1 : access->token_used(queue_store(queue), id, used_s, err);
}

int queue_token_remove(struct queue *queue, const char *id, bool *out_removed, struct error *err)
{
    const struct queue_access_backend *access = access_of(queue, err);
    return access == NULL ? -1 : access->token_remove(queue_store(queue), id, out_removed, err);
}

int queue_token_each(struct queue *queue, uint32_t kind, const char *user_id,
                     int (*each)(void *context, const struct queue_token *token), void *context,
                     struct error *err)
{
    const struct queue_access_backend *access = access_of(queue, err);
    return access == NULL ? -1
                          : access->token_each(queue_store(queue), kind, user_id,
                                               queue_now_s(queue), each, context, err);
}

/* ---- Audit ----------------------------------------------------------------------------------- */

int queue_audit_add(struct queue *queue, const struct queue_audit *line, struct error *err)
{
    const struct queue_access_backend *access = access_of(queue, err);
    struct queue_audit clean = {.time_s = queue_now_s(queue), .result = line->result};
    if (access == NULL)
        return -1;
    text_printable(clean.who, sizeof clean.who, line->who, strlen(line->who));
    text_printable(clean.from, sizeof clean.from, line->from, strlen(line->from));
    text_printable(clean.what, sizeof clean.what, line->what, strlen(line->what));
    text_printable(clean.object, sizeof clean.object, line->object, strlen(line->object));
    return access->audit_add(queue_store(queue), &clean, err);
}

int queue_audit_each(struct queue *queue, uint64_t before, uint64_t limit,
                     int (*each)(void *context, const struct queue_audit *line), void *context,
                     struct error *err)
{
    const struct queue_access_backend *access = access_of(queue, err);
    if (before == 0 || before > INT64_MAX)
        before = INT64_MAX;
    if (limit == 0 || limit > QUEUE_AUDIT_MAX)
        limit = QUEUE_AUDIT_MAX;
    return access == NULL
               ? -1
               : access->audit_each(queue_store(queue), before, limit, each, context, err);
}
