/* SPDX-License-Identifier: Apache-2.0 */
/* queue-access.h - who may look into a queue over the network: users, what proves them, and what
 * they did. Kept in the queue's own database, so that one folder holds all there is.
 *
 *     user   a name, a role, and a password as a hash that its maker understands
 *     token  what somebody shows to prove who he is: only its digest is kept. Its kind tells what
 *            it is for: a session, an API key, a set-up link. Ends by itself, and with its user
 *     audit  one line for each thing that was done; only ever added to, the oldest are dropped
 *
 * What kinds and roles mean is the host's business. A queue in memory keeps none of it
 * (ERROR_CONFIG). Text is valid UTF-8 without control characters. Threads and ownership as in
 * queue.h. */
#ifndef MAILCHUTE_QUEUE_QUEUE_ACCESS_H
#define MAILCHUTE_QUEUE_QUEUE_ACCESS_H

#include "queue.h"

#define QUEUE_USER_NAME_MAX 64u      /* bytes of a user's name, and of a token's */
#define QUEUE_USER_PASSWORD_MAX 256u /* bytes of a hashed password */
#define QUEUE_TOKEN_DIGEST_SIZE 32u
#define QUEUE_TOKENS_MAX 1000u       /* of one user and kind; more are refused */
#define QUEUE_AUDIT_TEXT_MAX 512u    /* bytes of each text of a line */
#define QUEUE_AUDIT_MAX 100000u      /* lines kept */

struct queue_user {
    char id[QUEUE_ID_TEXT]; /* given by queue_user_add() */
    char name[QUEUE_USER_NAME_MAX + 1]; /* one of a kind, ASCII case ignored */
    char password[QUEUE_USER_PASSWORD_MAX + 1]; /* hashed; "": none works */
    uint32_t role;
    int64_t created_s;
};

struct queue_token {
    char id[QUEUE_ID_TEXT]; /* given by queue_token_add(): names it without proving anything */
    uint32_t kind, role;
    uint8_t digest[QUEUE_TOKEN_DIGEST_SIZE];
    char user_id[QUEUE_ID_TEXT]; /* "": nobody's yet */
    char name[QUEUE_USER_NAME_MAX + 1];
    int64_t created_s, ends_s; /* of no use from ends_s on */
    int64_t used_s;            /* 0: never */
};

struct queue_audit {
    uint64_t number; /* rises; given by queue_audit_add() */
    int64_t time_s;  /* likewise */
    char who[QUEUE_AUDIT_TEXT_MAX + 1], from[QUEUE_AUDIT_TEXT_MAX + 1];
    char what[QUEUE_AUDIT_TEXT_MAX + 1], object[QUEUE_AUDIT_TEXT_MAX + 1];
    uint32_t result; /* such as a status code */
};

/** queue_user_add - durable when it returns; fills in id and created_s. ERROR_USAGE when there is
 * one of that name, or a text breaks its limit. */
int queue_user_add(struct queue *queue, struct queue_user *user, struct error *err);

/** queue_user_change - password and role of the user of this id; its tokens of all kinds but
 * @kept_kind end. ERROR_USAGE when it is gone. */
int queue_user_change(struct queue *queue, const struct queue_user *user, uint32_t kept_kind,
                      struct error *err);

/** queue_user_remove - with all its tokens. ERROR_USAGE when it is gone. */
int queue_user_remove(struct queue *queue, const char *id, struct error *err);

/** queue_user_find - by @id, or if that is NULL by @name. *out_found is false when there is none.
 */
int queue_user_find(struct queue *queue, const char *id, const char *name,
                    struct queue_user *out_user, bool *out_found, struct error *err);

/** queue_user_each - by name; not 0 from @each stops. */
int queue_user_each(struct queue *queue, int (*each)(void *context, const struct queue_user *user),
                    void *context, struct error *err);

/** queue_token_add - durable when it returns; fills in id and created_s. Tokens that have ended are
 * dropped on the way. ERROR_USAGE when its user is gone or has QUEUE_TOKENS_MAX of the kind. */
int queue_token_add(struct queue *queue, struct queue_token *token, struct error *err);

/** queue_token_find - the token of this digest that has not ended. */
int queue_token_find(struct queue *queue, const uint8_t digest[QUEUE_TOKEN_DIGEST_SIZE],
                     struct queue_token *out_token, bool *out_found, struct error *err);

/** queue_token_used - note that it was used at @used_s. One that is gone is fine. */
int queue_token_used(struct queue *queue, const char *id, int64_t used_s, struct error *err);

/** queue_token_remove - *out_removed is false when it was gone already: of two who remove it at the
 * same time one hears true. */
int queue_token_remove(struct queue *queue, const char *id, bool *out_removed, struct error *err);

/** queue_token_each - of this kind, of one user (@user_id NULL: of all), oldest first; not 0 from
 * @each stops. Those that have ended are not told. */
int queue_token_each(struct queue *queue, uint32_t kind, const char *user_id,
                     int (*each)(void *context, const struct queue_token *token), void *context,
                     struct error *err);

/** queue_audit_add - durable when it returns. Texts beyond their limit are cut, what should stand
 * in no line of text is replaced. */
int queue_audit_add(struct queue *queue, const struct queue_audit *line, struct error *err);

/** queue_audit_each - newest first, those with a number below @before (0: from the newest), @limit
 * of them; not 0 from @each stops. */
int queue_audit_each(struct queue *queue, uint64_t before, uint64_t limit,
                     int (*each)(void *context, const struct queue_audit *line), void *context,
                     struct error *err);

#endif
