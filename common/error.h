/* SPDX-License-Identifier: Apache-2.0 */
/* error.h - what went wrong, how far it reaches, and what the user should do about it.
 *
 * Whoever detects a failure fills one struct error and returns -1 (or its own failure value);
 * nobody prints or exits below the host. A text says what failed, where (account, host, mailbox,
 * UID; or file and line) and what to do next: lower case, no full stop, input in single quotes,
 * never a secret. Everything here is safe in every thread: no state but the struct handed in. */
#ifndef MAILCHUTE_COMMON_ERROR_H
#define MAILCHUTE_COMMON_ERROR_H

#include <stddef.h>
#include <stdint.h>

#define ERROR_TEXT_MAX 512 /* bytes of an error's text, its NUL included */

#define PRINTF_LIKE(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

/* What kind of failure it is. The numbers are those of enum loader_error_class in
 * <mailchute/loader-plugin.h> and never change. */
enum error_class {
    ERROR_NONE = 0,
    ERROR_MAIL = 1,        /* this mail only: set it aside, go on with the next */
    ERROR_UNREACHABLE = 2, /* no connection came about: try again later */
    ERROR_LINK = 3,        /* the connection broke: reconnect, pauses growing */
    ERROR_PAUSE = 4,       /* the server asks us to slow down: wait pause_s seconds */
    ERROR_PROTOCOL = 5,    /* the server does not keep to its protocol: reconnect, pauses growing */
    ERROR_CERTIFICATE = 6, /* the server's certificate is not trusted: a person must act */
    ERROR_CREDENTIALS = 7, /* user name or password refused: a person must act */
    ERROR_CONFIG = 8,      /* mailbox, folder, file or right missing: a person must act */
    ERROR_USAGE = 9,       /* command line or connection string: a person must act */
    ERROR_CREATE = 10,     /* a file or folder of ours cannot be made: never the mail's fault */
    ERROR_STORE = 11,      /* disk or database failed: never the mail's fault, try again later */
    ERROR_CANCELLED = 12,  /* the user asked us to stop */
    ERROR_BUG = 13,        /* ours: out of memory, a broken assumption */
    ERROR_HELD = 14        /* a mailbox is held until a person has looked at it */
};

/* How far a failure reaches: this decides what the host does. */
enum error_reach {
    ERROR_REACH_MAIL,  /* badmail, go on */
    ERROR_REACH_LINK,  /* reconnect with growing pauses */
    ERROR_REACH_PAUSE, /* wait as long as the server says */
    ERROR_REACH_SETUP  /* retrying cannot help, a person can */
};

struct error {
    enum error_class class;
    uint32_t pause_s; /* ERROR_PAUSE: seconds the server asked for, 0 = it named no time */
    char text[ERROR_TEXT_MAX];
};

/** error_set - fill err (NULL: nowhere) and return -1, so that a function fails in one line.
 * A longer text is cut at a character, with " ...". */
int error_set(struct error *err, enum error_class class, const char *fmt, ...) PRINTF_LIKE(3, 4);

/** error_oom - the same for memory that ran out, @where names what was being done. */
int error_oom(struct error *err, const char *where);

#ifdef ANALYSE /* make analyse looks at one file at a time: tell it that these are -1 */
static inline int error_is_minus_one(int result)
{
    (void)result;
    return -1;
}
#define error_set(...) error_is_minus_one((error_set)(__VA_ARGS__))
#define error_oom(...) error_is_minus_one((error_oom)(__VA_ARGS__))
#endif

/** error_remedy - what to do where @why (errno) kept a file from being opened: more descriptors,
 * where those are lacking, else @otherwise. Static, or @otherwise. */
const char *error_remedy(int why, const char *otherwise);

/** error_prefix - put "<text>: " before an error's text, to say where it happened. */
void error_prefix(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** error_reach - how far this class reaches. */
enum error_reach error_reach(enum error_class class);

/** error_exit_code - the exit code of a command that ends with this class (sysexits.h numbers). */
int error_exit_code(enum error_class class);

/** error_class_name - a word for logs and JSON, such as "credentials". Static. */
const char *error_class_name(enum error_class class);

#endif
