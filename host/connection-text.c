/* SPDX-License-Identifier: Apache-2.0 */
/* connection-text.c - single keys of a connection string. See connection-text.h. */
#include <config.h>
#include "connection-text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "cleanup.h"
#include "text.h"

#define CONNECTION_TEXT_MAX 65536u

/* One part between two ';': where it stands, and what it says. */
struct connection_part {
    const char *start, *end; /* without the ';' */
    const char *key;
    size_t key_size;
    const char *value; /* trimmed, with its quotes */
    size_t value_size;
};

static void connection_trim(const char **start, const char **end)
{
    while (*start < *end && text_is_space(**start))
        ++*start;
    while (*end > *start && text_is_space((*end)[-1]))
        --*end;
}

/* The ';' that ends the part, or the text's end: one inside a quoted value does not count. */
static const char *connection_part_end(const char *at)
{
    bool in_value = false, fresh = false;
    for (char quote = '\0'; *at != '\0'; at++) {
        if (quote != '\0') {
            if (*at == quote && at[1] == quote)
                at++; /* a doubled one stands for itself */
            else if (*at == quote)
                quote = '\0';
            continue;
        }
        if (*at == ';')
            return at;
        if (fresh && (*at == '"' || *at == '\''))
            quote = *at;
        fresh = fresh && text_is_space(*at);
        if (*at == '=' && !in_value)
            in_value = fresh = true;
    }
    return at;
}

/* The part at *at, which moves behind its ';'. False at the end. */
static bool connection_next(const char **at, struct connection_part *out_part)
{
    if (**at == '\0')
        return false;
    struct connection_part part = {.start = *at, .end = connection_part_end(*at)};
    const char *equals = memchr(part.start, '=', (size_t)(part.end - part.start));
    const char *key_end = equals == NULL ? part.end : equals;
    const char *value = equals == NULL ? part.end : equals + 1, *value_end = part.end;
    part.key = part.start;
    connection_trim(&part.key, &key_end);
    connection_trim(&value, &value_end);
    part.key_size = (size_t)(key_end - part.key);
    part.value = value;
    part.value_size = (size_t)(value_end - value);
    *at = *part.end == ';' ? part.end + 1 : part.end;
    *out_part = part;
    return true;
}

static bool connection_part_is(const struct connection_part *part, const char *key)
{
    return part->key_size == strlen(key) && text_starts_nocase(part->key, key);
}

static int connection_unquote(const struct connection_part *part, char **out_value)
{
    const char *at = part->value, *end = at + part->value_size;
    AUTO_DONE(buffer) out;
    buffer_init(&out, CONNECTION_TEXT_MAX);
    char quote = at < end && (*at == '"' || *at == '\'') ? *at : '\0';
    int bad = 0;
    if (quote != '\0' && end - at >= 2 && end[-1] == quote) {
        at++;
        end--;
    } else {
        quote = '\0';
    }
    for (; at < end; at++) {
        bad |= buffer_append_byte(&out, (uint8_t)*at);
        if (quote != '\0' && *at == quote)
            at++; /* a doubled one */
    }
    *out_value = bad < 0 ? NULL : buffer_take(&out);
    return *out_value == NULL ? -1 : 0;
}

int connection_get(const char *connection, const char *key, char **out_value, struct error *err)
{
    struct connection_part part;
    *out_value = NULL;
    while (connection_next(&connection, &part))
        if (connection_part_is(&part, key))
            return connection_unquote(&part, out_value) < 0
                       ? error_oom(err, "reading a connection string")
                       : 0;
    return 0;
}

static bool connection_part_is_free(const struct connection_part *part,
                                    const char *const *free_keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (connection_part_is(part, free_keys[i]))
            return true;
    return part->key_size == 0 && part->value_size == 0; /* ";;" */
}

static bool connection_same_key(const struct connection_part *a, const struct connection_part *b)
{
    bool same = a->key_size == b->key_size;
    for (size_t i = 0; same && i < a->key_size; i++)
        same = text_lower(a->key[i]) == text_lower(b->key[i]);
    return same;
}

/* Whether @whole has a part of this key, with the same value: the first that it has. */
static bool connection_has(const char *whole, const struct connection_part *part)
{
    struct connection_part other;
    while (connection_next(&whole, &other)) {
        if (!connection_same_key(&other, part))
            continue;
        AUTO_TEXT value = NULL;
        AUTO_TEXT wanted = NULL;
        return connection_unquote(&other, &value) == 0 && connection_unquote(part, &wanted) == 0 &&
               strcmp(value, wanted) == 0;
    }
    return false;
}

static bool connection_within(const char *a, const char *b, const char *const *free_keys,
                              size_t count)
{
    struct connection_part part;
    while (connection_next(&a, &part))
        if (!connection_part_is_free(&part, free_keys, count) && !connection_has(b, &part))
            return false;
    return true;
}

bool connection_same(const char *a, const char *b, const char *const *free_keys, size_t count)
{
    return connection_within(a, b, free_keys, count) && connection_within(b, a, free_keys, count);
}

static bool connection_needs_quotes(const char *value)
{
    size_t size = strlen(value);
    return size > 0 && (strpbrk(value, ";'\"") != NULL || text_is_space(value[0]) ||
                        text_is_space(value[size - 1]));
}

static int connection_append(struct buffer *out, const char *key, const char *value)
{
    int bad = out->len > 0 ? buffer_append_byte(out, ';') : 0;
    bad |= buffer_printf(out, "%s=", key);
    if (!connection_needs_quotes(value))
        return bad | buffer_append_text(out, value);
    bad |= buffer_append_byte(out, '"');
    for (; *value != '\0'; value++)
        bad |= buffer_append_text(out, *value == '"' ? "\"\"" : (char[]){*value, '\0'});
    return bad | buffer_append_byte(out, '"');
}

static int connection_append_part(struct buffer *out, const struct connection_part *part)
{
    int bad = out->len > 0 ? buffer_append_byte(out, ';') : 0;
    return bad | buffer_append(out, part->start, (size_t)(part->end - part->start));
}

int connection_set(const char *connection, const char *key, const char *value,
                   char **out_connection, struct error *err)
{
    AUTO_DONE(buffer) out;
    buffer_init(&out, CONNECTION_TEXT_MAX);
    struct connection_part part;
    int bad = 0;
    while (connection_next(&connection, &part)) {
        if (!connection_part_is(&part, key)) {
            bad |= connection_append_part(&out, &part);
        } else if (value != NULL) {
            bad |= connection_append(&out, key, value);
            value = NULL; /* of several, the first is replaced and the others go */
        }
    }
    if (value != NULL)
        bad |= connection_append(&out, key, value);
    char *text = bad < 0 ? NULL : buffer_take(&out);
    if (text == NULL)
        return buffer_is_full(&out)
                   ? error_set(err, ERROR_USAGE, "the connection string is longer than %u bytes",
                               CONNECTION_TEXT_MAX)
                   : error_oom(err, "changing a connection string");
    *out_connection = text;
    return 0;
}

void connection_host(const char *url, char out_host[CONNECTION_HOST_MAX])
{
    const char *scheme = strstr(url, "://"), *name = scheme == NULL ? url : scheme + 3;
    bool bracket = *name == '[';
    name += bracket;
    size_t size = strcspn(name, bracket ? "]" : ":/");
    if (!bracket && name[size] == ':' && strchr(name + size + 1, ':') != NULL)
        size = strcspn(name, "/"); /* an address of IPv6 */
    (void)snprintf(out_host, CONNECTION_HOST_MAX, "%.*s",
                   size < CONNECTION_HOST_MAX ? (int)size : 0, name);
}
