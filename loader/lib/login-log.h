/* SPDX-License-Identifier: Apache-2.0 */
/* login-log.h - what an IMAP server said until it let us in, boiled down to what errors need.
 *
 * libcurl folds every refusal into one code. Its header callback shows us the server's own lines
 * (RFC 9051 s.7.1): fed here, they tell a wrong password from a server that is busy. Bounded: a few
 * flags and the last refusal. Nothing here is trusted for anything but error texts, and for the
 * question whether STARTTLS was offered at all, where the answer can only lead to a refusal or, to
 * a loopback or private address, to plain text. Pure. */
#ifndef MAILCHUTE_LOADER_LIB_LOGIN_LOG_H
#define MAILCHUTE_LOADER_LIB_LOGIN_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cursor.h"
#include "error.h"

#define LOGIN_LOG_TEXT_MAX 200u /* bytes kept of a refusal, its NUL included */
#define LOGIN_PAUSE_MAX_S 86400u /* seconds of a pause that are believed */

struct login_log {
    uint32_t lines;    /* how many came */
    bool capabilities; /* a list of capabilities came */
    bool starttls;     /* STARTTLS was in one */
    bool plain;        /* AUTH=PLAIN or AUTH=LOGIN was in one */
    bool preauth;      /* RFC 9051 s.7.1.4: logged in before we said who we are */
    bool bye;          /* RFC 9051 s.7.1.5 */
    bool refused;      /* a tagged NO or BAD came */
    char
        text[LOGIN_LOG_TEXT_MAX]; /* of the last NO, BAD or BYE, printable; "" when there is none */
    char code[32];                /* its response code in capitals, "AUTHENTICATIONFAILED"; or "" */
    uint32_t pause_s;             /* login_pause_s() of it */
};

/** login_log_line - one line of the server, with or without its CR LF. */
void login_log_line(struct login_log *log, const void *bytes, size_t count);

/** login_pause_s - the pause that a text of the server asks for, "Suggested Backoff Time: 299961
 * milliseconds" (Exchange Online), in whole seconds, LOGIN_PAUSE_MAX_S at most; 0: none. */
uint32_t login_pause_s(struct span text);

/** login_log_tells - does the text kept hold the secret, as it is or in base64, alone or among
 * other data as AUTHENTICATE's arguments have it; or does it end with the beginning of one of these
 * (four bytes and more), where it was cut off? */
bool login_log_tells(const struct login_log *log, const char *secret);

/** login_log_class - what a refused login means: ERROR_CREDENTIALS; ERROR_PAUSE where the server
 * asks us to come back later ([UNAVAILABLE], [INUSE], [LIMIT], throttling, a time); ERROR_LINK
 * after a BYE. */
enum error_class login_log_class(const struct login_log *log);

/** login_log_asks_pause - the last refusal names a time, or is throttling: heeded also where it was
 * of no login, and whatever came of the login. */
bool login_log_asks_pause(const struct login_log *log);

#endif
