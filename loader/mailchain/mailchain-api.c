/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-api.c - see mailchain-api.h. */
#include <config.h>
#include "mailchain-api.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

struct mailchain_page {
    json_t *root, *messages; /* messages is root's */
};

/* ---- JSON ------------------------------------------------------------------------------------ */

/* Each value but the first stands behind one of ",:[{", outside of texts. */
bool mailchain_read_is_large(const void *bytes, size_t count)
{
    const char *text = bytes;
    size_t values = 0;
    bool inside = false;
    for (size_t i = 0; i < count; i++) {
        if (inside && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            inside = !inside;
        else if (!inside)
            values += text[i] == ',' || text[i] == ':' || text[i] == '[' || text[i] == '{';
    }
    return values > MAILCHAIN_VALUES_MAX;
}

bool mailchain_read_is_broken(const void *bytes, size_t count)
{
    const char *text = bytes;
    size_t start = 0;
    while (count > 0 && text_is_space(text[count - 1]))
        count--;
    while (start < count && text_is_space(text[start]))
        start++;
    if (count - start < 2 || text[start] != '{' || text[count - 1] != '}' ||
        mailchain_read_is_large(bytes, count))
        return false;
    json_t *root = json_loadb(bytes, count, JSON_ALLOW_NUL, NULL);
    json_decref(root);
    return root == NULL;
}

static json_t *api_load(const void *bytes, size_t count, const char *what, struct error *err)
{
    json_error_t why;
    if (mailchain_read_is_large(bytes, count)) {
        error_set(err, ERROR_PROTOCOL, "the answer to %s has more than %u values; it is not read",
                  what, MAILCHAIN_VALUES_MAX);
        return NULL;
    }
    json_t *root = json_loadb(bytes, count, JSON_ALLOW_NUL, &why);
    if (root != NULL)
        return root;
    char shown[120];
    text_printable(shown, sizeof shown, why.text, strlen(why.text));
    (void)error_set(err, ERROR_PROTOCOL, "the answer to %s is no JSON (%s, at byte %d of %zu)",
                    what, shown, why.position, count);
    return NULL;
}

static struct span api_text(const json_t *value)
{
    return json_is_string(value)
               ? (struct span){(const uint8_t *)json_string_value(value), json_string_length(value)}
               : (struct span){NULL, 0};
}

static struct span api_member(const json_t *object, const char *key)
{
    return api_text(json_object_get(object, key));
}

/* The list @key of an answer. Old clients say null for an empty one: then it is NULL. */
static int api_list(const json_t *root, const char *key, json_t **out_list, struct error *err)
{
    json_t *list = json_object_get(root, key);
    *out_list = json_is_array(list) ? list : NULL;
    if (*out_list != NULL || json_is_null(list))
        return 0;
    return error_set(err, ERROR_PROTOCOL, "the answer has no list of %s; check that this is a "
                     "Mailchain client", key);
}

/* ---- Names ----------------------------------------------------------------------------------- */

/* What may become part of a query, a folder's name and an origin. */
static bool api_name_is_sound(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.bytes[i] <= 0x20 || name.bytes[i] == 0x7F || name.bytes[i] == '/')
            return false;
    return name.len > 0 && name.len <= MAILCHAIN_NAME_MAX && text_is_utf8(name.bytes, name.len);
}

void mailchain_pairs_done(struct mailchain_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        free(pairs->items[i].first);
        free(pairs->items[i].second);
    }
    free(pairs->items);
    *pairs = (struct mailchain_pairs){0};
}

static int api_pair_add(struct mailchain_pairs *pairs, struct span first, struct span second)
{
    struct mailchain_pair *items = realloc(pairs->items, (pairs->count + 1) * sizeof *items);
    if (items == NULL)
        return -1;
    pairs->items = items;
    struct mailchain_pair *pair = &items[pairs->count];
    *pair = (struct mailchain_pair){span_copy(first), span_copy(second)};
    pairs->count++; /* half a pair too is freed with the others */
    return pair->first == NULL || pair->second == NULL ? -1 : 0;
}

static int api_networks_of(const json_t *protocol, struct mailchain_pairs *pairs)
{
    struct span name = api_member(protocol, "name");
    const json_t *networks = json_object_get(protocol, "networks");
    for (size_t i = 0; i < json_array_size(networks); i++) {
        struct span network = api_member(json_array_get(networks, i), "name");
        if (!api_name_is_sound(name) || !api_name_is_sound(network) ||
            pairs->count >= MAILCHAIN_NETWORKS_MAX)
            pairs->left_out++;
        else if (api_pair_add(pairs, name, network) < 0)
            return -1;
    }
    return 0;
}

int mailchain_read_networks(const void *bytes, size_t count, struct mailchain_pairs *out_pairs,
                            struct error *err)
{
    json_t *protocols;
    *out_pairs = (struct mailchain_pairs){0};
    json_t *root = api_load(bytes, count, "/protocols", err);
    if (root == NULL)
        return -1;
    int failed = api_list(root, "protocols", &protocols, err);
    for (size_t i = 0; failed == 0 && i < json_array_size(protocols); i++)
        if (api_networks_of(json_array_get(protocols, i), out_pairs) < 0)
            failed = error_oom(err, "reading the networks");
    json_decref(root);
    return failed;
}

static bool api_is_hex(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text_lower((char)text.bytes[i]);
        if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
            return false;
    }
    return text.len > 0;
}

/* Hex without or with any number of 0x: one 0x, small letters. All else is left as it is: its
 * letters' case may matter. @out has room for MAILCHAIN_NAME_MAX + 3 bytes. */
static struct span api_address_normal(struct span value, bool hex, char *out)
{
    struct span digits = value;
    while (digits.len >= 2 && digits.bytes[0] == '0' && (digits.bytes[1] | 0x20) == 'x')
        digits = (struct span){digits.bytes + 2, digits.len - 2};
    bool prefixed = digits.len < value.len;
    if (!api_is_hex(digits) || !(hex || prefixed))
        return value;
    out[0] = '0';
    out[1] = 'x';
    for (size_t i = 0; i < digits.len; i++)
        out[2 + i] = text_lower((char)digits.bytes[i]);
    return (struct span){(const uint8_t *)out, digits.len + 2};
}

/* A text (up to v0.0.55, always hex), or an object with value and encoding. */
static int api_address_add(const json_t *item, struct mailchain_pairs *pairs)
{
    char room[MAILCHAIN_NAME_MAX + 3];
    bool object = json_is_object(item);
    struct span value = object ? api_member(item, "value") : api_text(item);
    struct span encoding = api_member(item, "encoding");
    if (!api_name_is_sound(value) || pairs->count >= MAILCHAIN_ADDRESSES_MAX) {
        pairs->left_out++;
        return 0;
    }
    bool hex = !object || (encoding.len >= 3 && memcmp(encoding.bytes, "hex", 3) == 0);
    return api_pair_add(pairs, value, api_address_normal(value, hex, room));
}

int mailchain_read_addresses(const void *bytes, size_t count, struct mailchain_pairs *out_pairs,
                             struct error *err)
{
    json_t *addresses;
    *out_pairs = (struct mailchain_pairs){0};
    json_t *root = api_load(bytes, count, "/addresses", err);
    if (root == NULL)
        return -1;
    int failed = api_list(root, "addresses", &addresses, err);
    for (size_t i = 0; failed == 0 && i < json_array_size(addresses); i++)
        if (api_address_add(json_array_get(addresses, i), out_pairs) < 0)
            failed = error_oom(err, "reading the addresses");
    json_decref(root);
    return failed;
}

/* ---- Messages -------------------------------------------------------------------------------- */

int mailchain_page_read(const void *bytes, size_t count, struct mailchain_page **out_page,
                        struct error *err)
{
    AUTO(mailchain_page) page = calloc(1, sizeof *page);
    if (page == NULL)
        return error_oom(err, "reading messages");
    page->root = api_load(bytes, count, "/messages", err);
    if (page->root == NULL || api_list(page->root, "messages", &page->messages, err) < 0)
        return -1;
    *out_page = TAKE(page);
    return 0;
}

void mailchain_page_free(struct mailchain_page *page)
{
    if (page == NULL)
        return;
    json_decref(page->root);
    free(page);
}

size_t mailchain_page_count(const struct mailchain_page *page)
{
    return json_array_size(page->messages);
}

/* Members that have a place of their own, or tell nothing about the message. */
static const char *const api_known_headers[] = {"from", "to", "date", "message-id", "content-type",
                                                "reply-to"};
static const char *const api_known_members[] = {"headers", "body", "subject", "status",
                                                "status-code", "read"};

static bool api_is_among(const char *key, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(key, names[i]))
            return true;
    return false;
}

static void api_add_fields(json_t *object, const char *const *known, size_t known_count,
                           struct mailchain_message *message)
{
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        const char *key = json_object_iter_key(at);
        struct span value = api_text(json_object_iter_value(at));
        if (value.len > 0 && !api_is_among(key, known, known_count) &&
            message->field_count < MAILCHAIN_FIELDS_MAX)
            message->fields[message->field_count++] = (struct mailchain_field){key, value};
    }
}

void mailchain_page_message(const struct mailchain_page *page, size_t at,
                            struct mailchain_message *out_message)
{
    json_t *item = json_array_get(page->messages, at);
    json_t *headers = json_object_get(item, "headers");
    *out_message = (struct mailchain_message){
        .status = api_member(item, "status"),
        .from = api_member(headers, "from"),
        .to = api_member(headers, "to"),
        .date = api_member(headers, "date"),
        .message_id = api_member(headers, "message-id"),
        .content_type = api_member(headers, "content-type"),
        .reply_to = api_member(headers, "reply-to"),
        .subject = api_member(item, "subject"),
        .body = api_member(item, "body"),
    };
    out_message->ok =
        out_message->status.len == 2 && memcmp(out_message->status.bytes, "ok", 2) == 0;
    api_add_fields(headers, api_known_headers,
                   sizeof api_known_headers / sizeof api_known_headers[0], out_message);
    api_add_fields(item, api_known_members,
                   sizeof api_known_members / sizeof api_known_members[0], out_message);
}

/* ---- What is shown to people ----------------------------------------------------------------- */

static void api_show_member(const void *bytes, size_t count, const char *key, const char *otherwise,
                            char *out, size_t size)
{
    json_t *root = mailchain_read_is_large(bytes, count)
                       ? NULL
                       : json_loadb(bytes, count, JSON_ALLOW_NUL, NULL);
    struct span text = api_member(root, key);
    if (text.len > 0)
        text_printable(out, size, text.bytes, text.len);
    else
        text_copy(out, size, otherwise);
    json_decref(root);
}

void mailchain_read_error(const void *bytes, size_t count, char *out, size_t size)
{
    char start[100];
    size_t len = count;
    while (len > 0 && text_is_space(((const char *)bytes)[len - 1]))
        len--;
    text_printable(start, sizeof start, len == 0 ? "" : bytes, len < 80 ? len : 80);
    api_show_member(bytes, count, "message", start, out, size);
}

void mailchain_read_version(const void *bytes, size_t count, char *out, size_t size)
{
    api_show_member(bytes, count, "version", "?", out, size);
}
