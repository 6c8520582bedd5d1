/* SPDX-License-Identifier: Apache-2.0 */
/* web-problem.c - problems as RFC 9457 has them. See problem.h. */
#include <config.h>
#include "web-problem.h"

#include <stdbool.h>

#include "json-line.h"

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
    if (json_line_set(problem, "type", json_line_text("about:blank")) < 0 ||
        json_line_set(problem, "title", json_line_text(web_problem_title(code))) < 0 ||
        json_line_set(problem, "status", json_integer(code)) < 0 ||
        json_line_set(problem, "detail", json_line_text(what)) < 0 ||
        (to_do != NULL && json_line_set(problem, "to_do", json_line_text(to_do)) < 0) ||
        json_line_set(problem, "message", json_line_text(what)) < 0 ||
        json_line_append(out, problem) < 0)
        return -1;
    return buffer_append_byte(out, '\n');
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
