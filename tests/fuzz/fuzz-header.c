/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-header.c - any bytes as the value of a field: as text (RFC 2047), with parameters (RFC
 * 2231), as a date, as message ids, and what comes out as a file name. Text is UTF-8 without
 * control characters, limits hold, work is in proportion. */
#include <config.h>
#include "oracle.h"

#include <stdlib.h>
#include <string.h>

#include "filename.h"
#include "header-date.h"
#include "header-id.h"
#include "header-text.h"
#include "header-value.h"
#include "problem.h"
#include "text.h"

#define EXPANSION 6u /* bytes of text that a byte of the field may become */

/* One safe component, and nothing is left to clean. */
static void check_filename(const char *name)
{
    char *clean = filename_clean(name);
    MUST(clean != NULL);
    oracle_line(clean, MAIL_FILENAME_MAX);
    MUST(strpbrk(clean, "/\\") == NULL && strcmp(clean, "..") != 0 && strcmp(clean, ".") != 0);
    char *again = filename_clean(clean);
    MUST(again != NULL && strcmp(clean, again) == 0);
    free(again);
    free(clean);
}

static void check_text(struct span value)
{
    struct mail_texts problems = {0};
    struct buffer out;
    buffer_init(&out, value.len * EXPANSION + 16);
    MUST(header_decode_text(value, &out, &problems) == 0);
    MUST(!buffer_is_full(&out));
    oracle_line(buffer_text(&out), out.len);
    MUST(strlen(buffer_text(&out)) == out.len);
    char *beginning = header_take_text(value, out.len / 2, NULL);
    MUST(beginning != NULL);
    oracle_line(beginning, out.len / 2);
    check_filename(buffer_text(&out));
    oracle_problems(&problems);
    free(beginning);
    buffer_done(&out);
    mail_texts_done(&problems);
}

static bool is_lower(const char *text)
{
    for (; *text != '\0'; text++) {
        if (text_lower(*text) != *text)
            return false;
    }
    return true;
}

static void check_value(struct span value)
{
    struct mail_texts problems = {0};
    struct header_value parsed;
    MUST(header_parse_value(value, &parsed, &problems) == 0);
    oracle_line(parsed.value, value.len * EXPANSION);
    MUST(parsed.value != NULL && is_lower(parsed.value));
    MUST(parsed.count <= MAIL_PARAMETERS_MAX);
    for (size_t i = 0; i < parsed.count; i++) {
        const struct header_parameter *p = &parsed.parameters[i];
        oracle_line(p->name, value.len * EXPANSION);
        if (strcmp(p->name, "boundary") != 0) /* compared with bytes of the body */
            oracle_line(p->value, value.len * EXPANSION);
        MUST(is_lower(p->name) && header_value_get(&parsed, p->name) != NULL);
        check_filename(p->value);
    }
    oracle_problems(&problems);
    header_value_done(&parsed);
    mail_texts_done(&problems);
}

static void check_ids(struct span value)
{
    struct mail_texts ids = {0};
    MUST(header_parse_ids(value, &ids, 7) == 0);
    MUST(ids.count <= 7);
    for (size_t i = 0; i < ids.count; i++) {
        oracle_line(ids.items[i], value.len * EXPANSION);
        MUST(ids.items[i][0] != '\0' && strpbrk(ids.items[i], "<> \t\r\n") == NULL);
    }
    mail_texts_done(&ids);
}

/* A date that came out reads as itself. */
static void check_date(struct span value)
{
    char date[CLOCK_RFC3339_MAX], again[CLOCK_RFC3339_MAX];
    if (header_parse_date(value, date) < 0) {
        MUST(date[0] == '\0');
        return;
    }
    size_t len = strlen(date);
    MUST(len == strlen("2026-03-01T12:00:00+02:00") || len == strlen("2026-03-01T12:00:00Z"));
    struct span text = {(const uint8_t *)date, len};
    MUST(header_parse_date(text, again) == 0 && strcmp(date, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span value = {data, size};
    uint64_t before = oracle_work();
    check_text(value);
    check_value(value);
    check_ids(value);
    check_date(value);
    oracle_linear(before, size, 2000);
    return 0;
}
