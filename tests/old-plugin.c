/* SPDX-License-Identifier: Apache-2.0 */
/* old-plugin.c - a loader that was built against version 1.0 of the contract and is never rebuilt.
 *
 * It hands out as many items as its connection string says in digits. Built twice: with the
 * shortest table that 1.0 allows (OLD_PLUGIN_SHORT: nothing behind close), and with one that goes
 * on with fields no host has heard of. */
#include "data/loader-plugin-1.0.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct old_loader {
    unsigned left, settled;
    struct loader_item item;
    struct loader_mail mail;
    char subject[32];
};

static const char old_raw[] = "Subject: old\r\n\r\n";

static int old_open(const struct loader_host *host, const struct loader_settings *settings,
                    void **out_handle, struct loader_error *err)
{
    (void)host;
    char *end;
    unsigned long count = strtoul(settings->connection, &end, 10);
    if (*end != '\0') {
        err->error_class = LOADER_ERROR_USAGE;
        snprintf(err->text, sizeof err->text, "the connection string is not a number");
        return -1;
    }
    struct old_loader *loader = calloc(1, sizeof *loader);
    if (loader == NULL)
        return -1;
    loader->left = (unsigned)count;
    *out_handle = loader;
    return 0;
}

static enum loader_next old_next(void *handle, const struct loader_item **out_item,
                                 struct loader_error *err)
{
    struct old_loader *loader = handle;
    (void)err;
    if (loader->left == 0)
        return LOADER_NEXT_DRAINED;
    snprintf(loader->subject, sizeof loader->subject, "item %u", loader->left);
    loader->mail = (struct loader_mail){.struct_size = sizeof loader->mail,
                                        .subject = loader->subject};
    loader->item = (struct loader_item){.struct_size = sizeof loader->item,
                                        .token = loader->left,
                                        .item_class = "Mail",
                                        .origin = {"old", "box", 0, 0, loader->subject},
                                        .mail = &loader->mail,
                                        .raw_bytes = (const uint8_t *)old_raw,
                                        .raw_size = sizeof old_raw - 1,
                                        .raw_fd = -1};
    loader->left--;
    *out_item = &loader->item;
    return LOADER_NEXT_ITEM;
}

static int old_settle(void *handle, const uint64_t *tokens, uint64_t count, uint32_t fate,
                      struct loader_error *err)
{
    (void)tokens, (void)fate, (void)err;
    ((struct old_loader *)handle)->settled += (unsigned)count;
    return 0;
}

static void old_close(void *handle)
{
    free(handle);
}

#define OLD_FIELDS                                                                                 \
    .api_version = 1, .name = "Old", .version = "1.0", .summary = "hands out numbered items",      \
    .open = old_open, .next = old_next, .settle = old_settle, .close = old_close

#ifdef OLD_PLUGIN_SHORT
const struct loader_plugin *mailchute_loader_plugin(void)
{
    /* Exactly as long as it says: a host that looks further is caught by the sanitizer. */
    static struct loader_plugin *table;
    static const struct loader_plugin whole = {
        .struct_size = offsetof(struct loader_plugin, wait), OLD_FIELDS};
    if (table == NULL)
        table = malloc(whole.struct_size);
    if (table != NULL)
        memcpy(table, &whole, whole.struct_size);
    return table;
}
#else
struct later_plugin {
    struct loader_plugin plugin;
    void (*never_heard_of)(void);
    uint64_t more[8];
};

const struct loader_plugin *mailchute_loader_plugin(void)
{
    static const struct later_plugin table = {
        .plugin = {.struct_size = sizeof table, OLD_FIELDS}, .more = {1, 2, 3}};
    return &table.plugin;
}
#endif
