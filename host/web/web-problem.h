/* SPDX-License-Identifier: Apache-2.0 */
/* web-problem.h - problems as RFC 9457 has them, and the depth of JSON before it is read. Pure.
 *
 *     {"type":"about:blank","title":"Not Found","status":404,"detail":"...","to_do":"...",
 *      "message":"..."}
 *
 * message repeats detail, for clients that look for it there. */
#ifndef MAILCHUTE_HOST_WEB_WEB_PROBLEM_H
#define MAILCHUTE_HOST_WEB_WEB_PROBLEM_H

#include <stddef.h>

#include "buffer.h"
#include "error.h"

/** web_problem_append - @to_do: what can be done about it, NULL where @what tells it. */
int web_problem_append(struct buffer *out, int code, const char *what, const char *to_do);

/** web_problem_code - the status that goes with a failure: 400 for what whoever asks can mend (a
 * server that he named and that lets nobody in among it), 503 for what passes, 500 for what is
 * ours. */
int web_problem_code(enum error_class class);

const char *web_problem_title(int code); /* of a status; static */

/** web_problem_json_depth - how deep arrays and objects are nested in these bytes, whatever they
 * are. */
unsigned web_problem_json_depth(const char *bytes, size_t size);

#endif
