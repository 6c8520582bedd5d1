/* SPDX-License-Identifier: Apache-2.0 */
/* web-problem.h - problems as RFC 9457 has them, and the depth of JSON before it is read. Pure.
 *
 *     {"type":"about:blank","title":"Not Found","status":404,"detail":"...","to_do":"...",
 *      "message":"..."}
 *
 * Each says what to do about it, in to_do. message is both, for clients that show that alone. */
#ifndef MAILCHUTE_HOST_WEB_WEB_PROBLEM_H
#define MAILCHUTE_HOST_WEB_WEB_PROBLEM_H

#include <stddef.h>

#include "buffer.h"
#include "error.h"

/** web_problem_append - @what went wrong, and what there is @to_do about it. Neither is empty. */
int web_problem_append(struct buffer *out, int code, const char *what, const char *to_do)
    __attribute__((nonnull));

/** web_problem_append_error - the same of an error: its text is "what; what to do", and where it
 * does not tell that, its class does. */
int web_problem_append_error(struct buffer *out, int code, const struct error *err)
    __attribute__((nonnull));

/** web_problem_code - the status that goes with a failure: 400 for what whoever asks can mend (a
 * server that he named and that lets nobody in among it), 503 for what passes, 500 for what is
 * ours. */
int web_problem_code(enum error_class class);

const char *web_problem_title(int code); /* of a status; static */

/** web_problem_json_depth - how deep arrays and objects are nested in these bytes, whatever they
 * are. */
unsigned web_problem_json_depth(const char *bytes, size_t size);

#endif
