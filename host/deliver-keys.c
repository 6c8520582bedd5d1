/* SPDX-License-Identifier: Apache-2.0 */
/* deliver-keys.c - see deliver-keys.h. */
#include <config.h>
#include "deliver-keys.h"

#include <stdlib.h>
#include <string.h>

#include "connection-text.h"
#include "queue-append.h"
#include "text.h"

#define DELIVER_ROOT_KEY "deliverRoot"
#define DELIVER_MAINNET_KEY "mainnetToInbox"
#define DELIVER_ACCOUNT_KEY "deliverAccount"

void deliver_keys_free(struct deliver_keys *keys)
{
    if (keys == NULL)
        return;
    free(keys->connection);
    free(keys->template);
    free(keys->root);
    free(keys->account);
    free(keys);
}

/* The value of @key, which leaves the string; NULL where it is not there. */
static int keys_take(struct deliver_keys *keys, const char *key, char **out_value,
                     struct error *err)
{
    char *rest;
    if (connection_get(keys->connection, key, out_value, err) < 0)
        return -1;
    if (*out_value == NULL)
        return 0;
    if (connection_set(keys->connection, key, NULL, &rest, err) < 0)
        return -1;
    free(keys->connection);
    keys->connection = rest;
    return 0;
}

static int keys_take_folder(struct deliver_keys *keys, struct error *err)
{
    AUTO_TEXT mainnet = NULL;
    if (keys_take(keys, DELIVER_ROOT_KEY, &keys->root, err) < 0 ||
        keys_take(keys, DELIVER_ACCOUNT_KEY, &keys->account, err) < 0 ||
        keys_take(keys, DELIVER_MAINNET_KEY, &mainnet, err) < 0)
        return -1;
    bool to_root = false;
    if (keys->account != NULL && queue_append_check(keys->account, err) < 0)
        return -1;
    if (mainnet != NULL && text_to_bool(mainnet, &to_root) < 0)
        return error_set(err, ERROR_USAGE,
                         "key '" DELIVER_MAINNET_KEY "' is neither True nor False");
    bool usual = keys->template[0] == '\0';
    keys->folder = (struct deliver_folder){usual ? DELIVER_FOLDER_DEFAULT : keys->template,
                                           keys->root != NULL ? keys->root : DELIVER_FOLDER_ROOT,
                                           to_root};
    struct error why;
    return deliver_folder_check(&keys->folder, &why) == 0
               ? 0
               : error_set(err, ERROR_USAGE, "keys '" DELIVER_KEY "' and '" DELIVER_ROOT_KEY
                           "' are like --folder and --root of mailchute deliver: %.300s", why.text);
}

int deliver_keys_read(const char *connection, struct deliver_keys **out_keys, struct error *err)
{
    AUTO(deliver_keys) keys = calloc(1, sizeof *keys);
    if (keys == NULL || (keys->connection = strdup(connection)) == NULL)
        return error_oom(err, "reading a connection string");
    if (keys_take(keys, DELIVER_KEY, &keys->template, err) < 0 ||
        (keys->template != NULL && keys_take_folder(keys, err) < 0))
        return -1;
    *out_keys = TAKE(keys);
    return 0;
}

bool deliver_keys_deliver(const char *connection)
{
    AUTO_TEXT value = NULL;
    struct error none;
    return connection_get(connection, DELIVER_KEY, &value, &none) == 0 && value != NULL;
}
