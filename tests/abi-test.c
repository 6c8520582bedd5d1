/* SPDX-License-Identifier: Apache-2.0 */
/* abi-test.c - loaders built against version 1.0 of the contract, and hosts that are older or newer
 * than a loader, keep working together. */
#include <config.h>
#include "check-main.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "abi-row.h"
#include "loader-mail.h"
#include "loader-plugin.h"
#include "plugin.h"

static const struct abi_row abi_new[] = {
#include "abi-fields.h"
};

START_TEST(every_field_of_1_0_lies_where_it_lay)
{
    ck_assert_uint_eq(abi_old_count, sizeof abi_new / sizeof abi_new[0]);
    for (size_t i = 0; i < abi_old_count; i++) {
        const struct abi_row *was = &abi_old[i], *is = &abi_new[i];
        ck_assert_str_eq(was->name, is->name);
        ck_assert_msg(was->offset == is->offset, "%s moved", was->name);
        ck_assert_msg(was->grows ? is->size >= was->size : is->size == was->size,
                      "%s: size %zu -> %zu", was->name, was->size, is->size);
    }
}
END_TEST

/* The loader's subjects by a plain for loop, until drained. */
static void drive(const struct loader_plugin *table, const struct loader_host *host, unsigned want)
{
    struct loader_settings settings = {.struct_size = sizeof settings, .connection = "3"};
    struct loader_error err = {.struct_size = sizeof err};
    const struct loader_item *item = NULL;
    void *handle = NULL;
    unsigned count = 0;
    ck_assert_int_eq(table->open(host, &settings, &handle, &err), 0);
    for (; table->next(handle, &item, &err) == LOADER_NEXT_ITEM; count++) {
        ck_assert_str_eq(item->item_class, "Mail");
        const struct loader_mail mail = loader_mail_read(item->mail);
        ck_assert(loader_mail_is_good(item->mail) && mail.subject == item->mail->subject);
        ck_assert(mail.message_body_file.size == 0 && mail.html_file.size == 0);
        ck_assert_int_eq(strncmp(item->mail->subject, "item ", 5), 0);
        ck_assert_int_eq(table->settle(handle, &item->token, 1, LOADER_FATE_QUEUED, &err), 0);
    }
    ck_assert_uint_eq(count, want);
    table->close(handle);
}

START_TEST(our_host_drives_an_old_loader_with_a_shorter_or_longer_table)
{
    static const char *const paths[] = {"./.libs/old-plugin-short.so",
                                        "./.libs/old-plugin-long.so"};
    const struct loader_host host = {.struct_size = sizeof host,
                                     .api_version = LOADER_API_VERSION};
    AUTO(plugin) plugin = NULL;
    struct error err = {0};
    ck_assert_msg(plugin_open(paths[_i], &plugin, &err) == 0, "%s", err.text);
    ck_assert_str_eq(plugin->table.name, "Old");
    ck_assert(plugin->table.wait == NULL && plugin->table.parse == NULL &&
              plugin->table.check == NULL && plugin->table.survey == NULL);
    drive(&plugin->table, &host, 3);
}
END_TEST

static const struct loader_plugin *load_folder(void)
{
    void *library = dlopen("../loader/.libs/folder.so", RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(library != NULL, "%s", dlerror());
    loader_plugin_function *function;
    *(void **)&function = dlsym(library, LOADER_PLUGIN_SYMBOL);
    return function();
}

static int open_and_drain(const struct loader_host *host, const struct loader_settings *settings)
{
    const struct loader_plugin *table = load_folder();
    struct loader_error err = {.struct_size = sizeof err};
    const struct loader_item *item;
    void *handle = NULL;
    if (table->open(host, settings, &handle, &err) < 0)
        return -1;
    enum loader_next next = table->next(handle, &item, &err);
    table->close(handle);
    return next == LOADER_NEXT_DRAINED ? 0 : -1;
}

/* The first @size bytes in memory of that size: one byte too far is seen by the sanitizer. */
static void *exactly(const void *whole, size_t size)
{
    void *copy = malloc(size);
    memcpy(copy, whole, size);
    return copy;
}

START_TEST(our_loader_reads_no_further_than_an_older_host_and_its_settings_go)
{
    struct loader_host host = {.api_version = LOADER_API_VERSION};
    struct loader_settings settings = {.struct_size = offsetof(struct loader_settings, user),
                                       .connection = "path=.;pattern=*.no-such-file"};
    void *short_settings = exactly(&settings, settings.struct_size);
    for (size_t size = offsetof(struct loader_host, context); size <= sizeof host; size += 8) {
        host.struct_size = (uint32_t)size;
        void *short_host = exactly(&host, size);
        ck_assert_int_eq(open_and_drain(short_host, short_settings), 0);
        free(short_host);
    }
    free(short_settings);
}
END_TEST

START_TEST(our_loader_ignores_what_a_newer_host_has_more)
{
    struct {
        struct loader_host host;
        uint8_t more[64];
    } later = {.host = {.struct_size = sizeof later, .api_version = LOADER_API_VERSION}};
    struct {
        struct loader_settings settings;
        uint8_t more[64];
    } given = {.settings = {.struct_size = sizeof given,
                            .connection = "path=.;pattern=*.no-such-file"}};
    memset(later.more, 0x5A, sizeof later.more);
    memset(given.more, 0x5A, sizeof given.more);
    ck_assert_int_eq(open_and_drain(&later.host, &given.settings), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("abi");
    TCase *t = tcase_create("abi");
    tcase_add_test(t, every_field_of_1_0_lies_where_it_lay);
    tcase_add_loop_test(t, our_host_drives_an_old_loader_with_a_shorter_or_longer_table, 0, 2);
    tcase_add_test(t, our_loader_reads_no_further_than_an_older_host_and_its_settings_go);
    tcase_add_test(t, our_loader_ignores_what_a_newer_host_has_more);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
