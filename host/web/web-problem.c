/* SPDX-License-Identifier: Apache-2.0 */
/* web-problem.c - problems as RFC 9457 has them. See problem.h. */
#include <config.h>
#include "web-problem.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "json-line.h"
#include "text.h"

const char *web_problem_title(int code)
{
    static const struct {
        int code;
        const char *title;
    } titles[] = {
        {400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"},
        {405, "Method Not Allowed"}, {409, "Conflict"}, {410, "Gone"},
        {415, "Unsupported Media Type"}, {429, "Too Many Requests"},
        {500, "Internal Server Error"}, {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        if (titles[i].code == code)
            return titles[i].title;
    return "Error";
}

int web_problem_append(struct buffer *out, int code, const char *what, const char *to_do)
{
    AUTO_JSON problem = json_object();
    char message[2 * ERROR_TEXT_MAX];
    (void)snprintf(message, sizeof message, "%.500s; %.500s", what, to_do);
    if (json_line_set(problem, "type", json_line_text("about:blank")) < 0 ||
        json_line_set(problem, "title", json_line_text(web_problem_title(code))) < 0 ||
        json_line_set(problem, "status", json_integer(code)) < 0 ||
        json_line_set(problem, "detail", json_line_text(what)) < 0 ||
        json_line_set(problem, "to_do", json_line_text(to_do)) < 0 ||
        json_line_set(problem, "message", json_line_text(message)) < 0 ||
        json_line_append(out, problem) < 0)
        return -1;
    return buffer_append_byte(out, '\n');
}

/* For errors whose text does not tell. */
static const char *web_problem_to_do(enum error_class class)
{
    switch (class) {
    case ERROR_UNREACHABLE:
    case ERROR_LINK:
    case ERROR_PROTOCOL:
        return "look at host and port, then try again";
    case ERROR_PAUSE:
    case ERROR_CANCELLED:
        return "try again in a minute";
    case ERROR_CERTIFICATE:
        return "look at the certificate, and at the host name that it is to be for";
    case ERROR_CREDENTIALS:
        return "look at user name and password";
    case ERROR_STORE:
    case ERROR_CREATE:
        return "look at the disk of the queue, whether it is full and may be written to, then try "
               "again";
    case ERROR_BUG:
    case ERROR_NONE:
        return "try again; if it stays, report it with the lines of the daemon's log";
    case ERROR_HELD:
        return "release the mailbox when it is as it should be";
    default:
        return "change what was sent: docs/openapi.json describes it";
    }
}

int web_problem_append_error(struct buffer *out, int code, const struct error *err)
{
    char what[ERROR_TEXT_MAX];
    text_copy(what, sizeof what, err->text[0] != '\0' ? err->text : error_class_name(err->class));
    char *to_do = strstr(what + 1, "; ");
    if (to_do == NULL || to_do[2] == '\0')
        return web_problem_append(out, code, what, web_problem_to_do(err->class));
    *to_do = '\0';
    return web_problem_append(out, code, what, to_do + 2);
}

int web_problem_code(enum error_class class)
{
    switch (class) {
    case ERROR_BUG:
    case ERROR_CREATE:
    case ERROR_NONE:
        return 500;
    case ERROR_STORE:
    case ERROR_PAUSE:
    case ERROR_CANCELLED:
        return 503;
    default:
        return 400;
    }
}

unsigned web_problem_json_depth(const char *bytes, size_t size)
{
    unsigned depth = 0, deepest = 0;
    bool in_text = false;
    for (size_t i = 0; i < size; i++) {
        char c = bytes[i];
        if (in_text && c == '\\')
            i++;
        else if (c == '"')
            in_text = !in_text;
        else if (!in_text && (c == '[' || c == '{') && ++depth > deepest)
            deepest = depth;
        else if (!in_text && (c == ']' || c == '}') && depth > 0)
            depth--;
    }
    return deepest;
}
