/* SPDX-License-Identifier: Apache-2.0 */
/* access.h - who is asking, and what he may do.
 *
 *     role       may
 *     viewer     see sources, entries, statistics
 *     operator   and work entries off; import, sync, pause and resume sources
 *     admin      and set sources up, change and delete them; users, keys, the audit
 *
 * A browser shows a session (a cookie, with the CSRF token that belongs to it when something is to
 * change), a program an API key (Authorization: Bearer, or X-API-KEY). A session ends ACCESS_IDLE_S
 * after its last request that counts, ACCESS_SESSION_S after its start, and with the user's
 * password. A key ends on its day; it never may more than its user. Listening to events is no
 * request that counts, nor is what says X-Unattended: a page asks that by itself. */
#ifndef MAILCHUTE_HOST_WEB_ACCESS_H
#define MAILCHUTE_HOST_WEB_ACCESS_H

#include "http-server.h"
#include "pass.h"
#include "queue-access.h"

#define ACCESS_IDLE_S (30 * 60)
#define ACCESS_SESSION_S (12 * 3600)
#define ACCESS_SETUP_S 3600
#define ACCESS_USED_S 60 /* that it was used is written down so often at most */
#define ACCESS_KEY_DAYS_MAX 730u

enum access_role { ACCESS_NOBODY, ACCESS_VIEWER, ACCESS_OPERATOR, ACCESS_ADMIN };
const char *access_role_name(uint32_t role); /* static */
int access_role_from_name(const char *name, uint32_t *out_role);

enum access_kind { ACCESS_SESSION = 1, ACCESS_KEY = 2, ACCESS_SETUP = 3 };

struct access_who {
    uint32_t role; /* ACCESS_NOBODY: nobody that we know */
    enum access_kind kind;
    char user_id[QUEUE_ID_TEXT], token_id[QUEUE_ID_TEXT];
    char name[2 * QUEUE_USER_NAME_MAX + 16]; /* "ann", "ann (key build)" */
    char user_name[QUEUE_USER_NAME_MAX + 1];
    char csrf[PASS_TOKEN_SIZE]; /* of a session */
    uint8_t digest[PASS_DIGEST_SIZE]; /* of what was shown */
    int64_t ends_s;             /* when the session or the key ends */
};

/** access_who - from what the request shows; nobody is no failure. @now_s: the queue's clock.
 * @quiet: to ask this is no sign of life. */
int access_who(struct queue *queue, const struct http_request *request, bool secure, bool quiet,
               int64_t now_s, struct access_who *out_who, struct error *err);

/** access_hearer - who listens, for access_hears(): whether he still may, by the same proof and
 * with the same rights. Where the queue cannot be read, he may. */
void access_hearer(const struct access_who *who, struct http_hearer *out_hearer);
bool access_hears(struct queue *queue, const struct http_hearer *hearer, int64_t now_s);

/** access_shows - whether the request shows anything at all to say who asks. */
bool access_shows(const struct http_request *request, bool secure);

/** access_issue - a new token of this kind; *out_token is shown once. */
int access_issue(struct queue *queue, enum access_kind kind, const char *user_id, const char *name,
                 uint32_t role, int64_t ends_s, char out_token[PASS_TOKEN_SIZE],
                 struct queue_token *out_made, struct error *err);

/** access_cookie_name - "__Host-mailchute" where the connection is encrypted, "mailchute" on plain
 * loopback, where browsers refuse the former. */
const char *access_cookie_name(bool secure);

/** access_csrf - the token that goes with a session. */
void access_csrf(const char *session, char out_csrf[PASS_TOKEN_SIZE]);

/** access_has_users - whether there is anybody who could sign in. */
int access_has_users(struct queue *queue, bool *out_has, struct error *err);

#endif
