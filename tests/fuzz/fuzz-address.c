/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-address.c - any bytes as a list of addresses: UTF-8 without control characters, no empty
 * item, limits hold, work is in proportion, and the list as text holds each of them. */
#include <config.h>
#include "oracle.h"

#include <string.h>

#include "header-address.h"
#include "problem.h"

#define EXPANSION 6u /* bytes of text that a byte of the field may become */

static void check_items(const struct mail_addresses *list, size_t size, const char *text)
{
    MUST(list->count <= MAIL_ADDRESSES_MAX);
    for (size_t i = 0; i < list->count; i++) {
        const struct mail_address *item = &list->items[i];
        oracle_line(item->name, size * EXPANSION);
        oracle_line(item->address, size * EXPANSION);
        MUST(item->name != NULL || item->address != NULL);
        MUST(item->address == NULL || item->address[0] != '\0');
        const char *shown = item->address != NULL ? item->address : item->name;
        MUST(strstr(text, shown) != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mail_addresses list = {0};
    struct mail_texts problems = {0};
    struct buffer text;
    uint64_t before = oracle_work();
    buffer_init(&text, ORACLE_LOG_MAX);
    MUST(header_parse_addresses((struct span){data, size}, &list, &problems) == 0);
    MUST(header_addresses_text(&list, &text) == 0);
    oracle_linear(before, size, 1000);
    oracle_line(buffer_text(&text), size * EXPANSION + 16);
    MUST(strlen(buffer_text(&text)) == text.len);
    check_items(&list, size, buffer_text(&text));
    oracle_problems(&problems);
    mail_addresses_done(&list);
    mail_texts_done(&problems);
    buffer_done(&text);
    return 0;
}
