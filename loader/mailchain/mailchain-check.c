/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-check.c - see mailchain-check.h. */
#include <config.h>
#include "mailchain-check.h"

#include <stdarg.h>
#include <stdio.h>

struct check {
    struct mailchain_client *client;
    mailchain_check_report *report;
    void *context;
    size_t addresses, left_out;
};

PRINTF_LIKE(4, 5)
static void check_tell(const struct check *check, const char *step,
                       enum mailchain_check_state state, const char *fmt, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (check->report != NULL)
        check->report(check->context, step, (uint32_t)state, text);
}

/* A network that fails is a warning: a pick-up would go on with the others. */
static void check_network(struct check *check, const struct mailchain_pair *network)
{
    struct mailchain_pairs addresses;
    struct error err = {0};
    if (mailchain_client_addresses(check->client, network, &addresses, &err) < 0)
        check_tell(check, "network", MAILCHAIN_CHECK_WARNING, "%s.%s: %s", network->first,
                   network->second, err.text);
    check->addresses += addresses.count;
    check->left_out += addresses.left_out;
    mailchain_pairs_done(&addresses);
}

static int check_client(struct check *check, const struct mailchain_settings *settings,
                        struct error *err)
{
    char version[MAILCHAIN_VERSION_MAX];
    struct mailchain_pairs networks;
    if (mailchain_client_version(check->client, version, err) < 0)
        return -1;
    check_tell(check, "client", MAILCHAIN_CHECK_OK, "%s is there, version %s", settings->base,
               version);
    int failed = mailchain_client_networks(check->client, &networks, err);
    for (size_t i = 0; i < networks.count && failed == 0; i++)
        check_network(check, &networks.items[i]);
    check->left_out += networks.left_out;
    bool good = check->addresses > 0 && check->left_out == 0;
    if (failed == 0)
        check_tell(check, "addresses", good ? MAILCHAIN_CHECK_OK : MAILCHAIN_CHECK_WARNING,
                   "%zu addresses in %zu networks, %zu left out for their names or number",
                   check->addresses, networks.count, check->left_out);
    mailchain_pairs_done(&networks);
    return failed;
}

int mailchain_check(struct mailchain_client *client, const struct mailchain_settings *settings,
                    mailchain_check_report *report, void *context, struct error *err)
{
    struct check check = {.client = client, .report = report, .context = context};
    if (check_client(&check, settings, err) == 0)
        return 0;
    check_tell(&check, "client", MAILCHAIN_CHECK_FAILED, "%s", err->text);
    return -1;
}
