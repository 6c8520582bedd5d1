/* SPDX-License-Identifier: Apache-2.0 */
/* http-check.c - where a request comes from, and which part it wants. See http-check.h. */
#include <config.h>
#include "http-check.h"

#include <string.h>

#include "text.h"

/* ---- What a request is ----------------------------------------------------------------------- */

/* token = 1*tchar (RFC 9110 s.5.6.2). */
static bool http_is_token(const char *name, size_t size)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < size; i++) {
        char c = text_lower(name[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
            memchr(others, c, sizeof others - 1) == NULL)
            return false;
    }
    return size > 0;
}

static bool http_is_name(const char *name, size_t size, const char *wanted)
{
    return size == strlen(wanted) && text_starts_nocase(name, wanted);
}

/* The library puts the next line of a folded field behind its name. */
static bool http_is_glued(const char *name, size_t size, const char *start)
{
    return size > strlen(start) && text_starts_nocase(name, start);
}

void http_check_field(struct http_head *head, const char *name, size_t name_size, const char *value,
                      size_t value_size)
{
    head->bad_name = head->bad_name || !http_is_token(name, name_size) ||
                     http_is_glued(name, name_size, "Content-Length") ||
                     http_is_glued(name, name_size, "Transfer-Encoding");
    for (size_t i = 0; i < value_size; i++)
        head->bad_value = head->bad_value || value[i] == '\0' || value[i] == '\r' ||
                          value[i] == '\n';
    head->hosts += http_is_name(name, name_size, "Host");
    head->lengths += http_is_name(name, name_size, "Content-Length");
    if (!http_is_name(name, name_size, "Transfer-Encoding"))
        return;
    head->codings++;
    head->bad_coding = head->bad_coding || !http_is_name(value, value_size, "chunked");
}

const char *http_check_head(const struct http_head *head, const char *version)
{
    return head->bad_name      ? "the name of a header field is none"
           : head->bad_value   ? "a header field holds a NUL or the end of a line"
           : head->hosts > 1   ? "there are two Host fields"
           : head->lengths > 1 ? "there are two Content-Length fields"
           : head->codings > 1 || head->bad_coding ? "only chunked is known as Transfer-Encoding"
           : head->codings > 0 && head->lengths > 0
               ? "the body has both a length and a Transfer-Encoding"
           : head->codings > 0 && strcmp(version, "HTTP/1.1") != 0
               ? "Transfer-Encoding is of HTTP/1.1"
               : NULL;
}

/* ---- Host and Origin ------------------------------------------------------------------------- */

/* @header is @name of @size bytes, alone or with a port. */
static bool http_host_is(const char *header, const char *name, size_t size)
{
    if (size == 0 || strlen(header) < size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (text_lower(header[i]) != text_lower(name[i]))
            return false;
    const char *port = header + size;
    return *port == '\0' || (*port == ':' && port[1 + strspn(port + 1, "0123456789")] == '\0');
}

bool http_check_host(const char *header, const char *address, const char *names)
{
    static const char *const own[] = {"localhost", "127.0.0.1", "[::1]"};
    if (header == NULL)
        return true;
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (http_host_is(header, own[i], strlen(own[i])))
            return true;
    if (http_host_is(header, address, strlen(address)))
        return true;
    for (names += strspn(names, " "); *names != '\0'; names += strspn(names, " ")) {
        size_t size = strcspn(names, " ");
        if (http_host_is(header, names, size))
            return true;
        names += size;
    }
    return false;
}

bool http_check_site(const char *host, const char *origin, const char *site)
{
    if (site != NULL && !text_equal(site, "same-origin") && !text_equal(site, "none"))
        return false;
    if (origin == NULL)
        return true;
    const char *authority = text_starts_nocase(origin, "https://")  ? origin + 8
                            : text_starts_nocase(origin, "http://") ? origin + 7
                                                                    : NULL;
    return authority != NULL && host != NULL && text_equal_nocase(authority, host);
}

/* ---- Ranges ---------------------------------------------------------------------------------- */

/* Digits at *text; false when there are none, or too many. */
static bool http_range_number(const char **text, uint64_t *out_number)
{
    char digits[20];
    size_t size = strspn(*text, "0123456789");
    if (size == 0 || size >= sizeof digits)
        return false;
    memcpy(digits, *text, size);
    digits[size] = '\0';
    *text += size;
    return text_to_u64(digits, INT64_MAX, out_number) == 0;
}

enum http_range http_check_range(const char *header, uint64_t size, uint64_t *out_first,
                                 uint64_t *out_count)
{
    uint64_t first, last = UINT64_MAX;
    if (header == NULL || !text_starts_nocase(header, "bytes="))
        return HTTP_RANGE_NONE;
    const char *at = header + strlen("bytes=");
    bool from_end = *at == '-';
    at += from_end;
    if (!http_range_number(&at, &first))
        return HTTP_RANGE_NONE;
    if (!from_end && (*at++ != '-' || (*at != '\0' && !http_range_number(&at, &last))))
        return HTTP_RANGE_NONE;
    if (*at != '\0' || last < first)
        return HTTP_RANGE_NONE;
    if (from_end) { /* the last @first bytes */
        last = UINT64_MAX;
        first = first == 0 ? size : first < size ? size - first : 0;
    }
    if (first >= size)
        return HTTP_RANGE_BAD;
    *out_first = first;
    *out_count = (last < size - 1 ? last : size - 1) - first + 1;
    return HTTP_RANGE_PART;
}

bool http_check_etag(const char *header, const char *etag)
{
    size_t size = strlen(etag);
    if (header == NULL)
        return false;
    if (text_equal(header, "*"))
        return true;
    for (const char *at = strstr(header, etag); at != NULL; at = strstr(at + size, etag))
        if (at[size] == '\0' || at[size] == ',' || at[size] == ' ')
            return true;
    return false;
}
