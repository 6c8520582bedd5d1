/* SPDX-License-Identifier: Apache-2.0 */
/* queue-origin.c - names of messages as one text. See queue.h and queue-origin.h. */
#include <config.h>
#include "queue-origin.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

/* Text of a limited size that is being written; over stays set once something did not fit. */
struct key_text {
    char *out; /* QUEUE_KEY_MAX bytes */
    size_t len;
    bool over;
};

static void key_add(struct key_text *key, const char *bytes, size_t count)
{
    if (key->over || count >= QUEUE_KEY_MAX - key->len) {
        key->over = true;
        return;
    }
    memcpy(key->out + key->len, bytes, count);
    key->len += count;
}

static void key_add_escaped(struct key_text *key, char c)
{
    char hex[4];
    (void)snprintf(hex, sizeof hex, "%%%02X", (unsigned)(unsigned char)c);
    key_add(key, hex, 3);
}

/* A part that is followed by others: it may not hold what parts them. */
static void key_add_part(struct key_text *key, const char *part, bool no_digit_first)
{
    if (no_digit_first && part[0] >= '0' && part[0] <= '9')
        key_add_escaped(key, *part++);
    for (; *part != '\0'; part++) {
        if (*part == ':' || *part == '%')
            key_add_escaped(key, *part);
        else
            key_add(key, part, 1);
    }
    key_add(key, ":", 1);
}

static void key_add_number(struct key_text *key, uint32_t number)
{
    char digits[16];
    int count = snprintf(digits, sizeof digits, "%u:", number);
    key_add(key, digits, (size_t)count);
}

static bool origin_lacks(const char *part)
{
    return part == NULL || part[0] == '\0';
}

int queue_origin_normal(const struct queue_origin *origin, struct queue_origin *out_normal,
                        struct error *err)
{
    if (origin_lacks(origin->loader) || origin_lacks(origin->account) ||
        origin_lacks(origin->mailbox) || (origin->uid == 0 && origin_lacks(origin->key)))
        return error_set(
            err, ERROR_BUG,
            "a message without loader, account, mailbox or key has no name of its own; "
            "report this as a bug of its loader");
    *out_normal = *origin;
    if (origin->uid != 0)
        out_normal->key = "";
    else
        out_normal->uidvalidity = 0;
    return 0;
}

int queue_origin_key(const struct queue_origin *origin, char out_key[QUEUE_KEY_MAX],
                     struct error *err)
{
    struct queue_origin name;
    if (queue_origin_normal(origin, &name, err) < 0)
        return -1;
    char text[QUEUE_KEY_MAX];
    struct key_text key = {text, 0, false};
    key_add_part(&key, name.loader, false);
    for (size_t i = 0; i < key.len; i++)
        text[i] = text_lower(text[i]);
    key_add_part(&key, name.account, false);
    if (name.uid != 0) {
        key_add_number(&key, name.uidvalidity);
        key_add_number(&key, name.uid);
        key_add(&key, name.mailbox, strlen(name.mailbox));
    } else {
        key_add_part(&key, name.mailbox, true);
        key_add(&key, name.key, strlen(name.key));
    }
    if (key.over)
        return error_set(err, ERROR_CONFIG,
                         "the name of a message in folder '%.80s' of '%.80s' is longer than %u "
                         "bytes; give the folder a shorter name",
                         name.mailbox, name.account, QUEUE_KEY_MAX - 1);
    memcpy(out_key, text, key.len);
    out_key[key.len] = '\0';
    return 0;
}
