/* SPDX-License-Identifier: Apache-2.0 */
/* deliver-account.c - see deliver-account.h. */
#include <config.h>
#include "deliver-account.h"

#include <stdlib.h>
#include <string.h>

#include "queue-append.h"
#include "text.h"

/* Where the server's name begins: behind the last '@', since a user may have one too. */
static char *account_server(char *name)
{
    char *at = strrchr(name, '@');
    return at == NULL ? name : at + 1;
}

/* "server:143", "[::1]:143" and "server." without what is behind the server's name. */
static void account_drop_port(char *server)
{
    char *end = server[0] == '[' ? strchr(server, ']') : NULL;
    char *colon = end != NULL ? end + 1 : strrchr(server, ':');
    if (colon != NULL && *colon == ':' && colon[1 + strspn(colon + 1, "0123456789")] == '\0')
        *colon = '\0';
    size_t size = strlen(server);
    if (size > 1 && server[size - 1] == '.')
        server[size - 1] = '\0';
}

static bool account_is_here(const char *server)
{
    return text_equal(server, "localhost") || text_equal(server, "[::1]") ||
           text_equal(server, "localhost.localdomain") ||
           (strncmp(server, "127.", 4) == 0 &&
            server[strspn(server, "0123456789.")] == '\0');
}

char *deliver_account_name(const char *account)
{
    static const char here[] = "localhost";
    size_t size = strlen(account);
    char *name = malloc(size + sizeof here);
    if (name == NULL)
        return NULL;
    for (size_t i = 0; i <= size; i++)
        name[i] = text_lower(account[i]);
    char *server = account_server(name);
    account_drop_port(server);
    if (account_is_here(server))
        memcpy(server, here, sizeof here);
    return name;
}

int deliver_account_adopt(struct queue *queue, const char *account, const char *target,
                          struct error *err)
{
    return text_equal(account, target) ? 0 : queue_append_adopt(queue, account, target, err);
}
