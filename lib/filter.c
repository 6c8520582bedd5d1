/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c - "Header:/regex/" by PCRE2. See filter.h. */
#include <config.h>
#include "filter.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

struct filter {
    char *header;
    pcre2_code *code;
    pcre2_match_context *limits;
};

/* The pieces of a rule, borrowed from it. */
struct filter_rule {
    const char *header, *pattern, *flags;
    size_t header_size, pattern_size;
};

static int filter_bad_rule(const char *rule, const char *what, struct error *err)
{
    char quoted[128];
    text_printable(quoted, sizeof quoted, rule, strlen(rule));
    return error_set(err, ERROR_USAGE,
                     "rule '%s' %s; write Header:/expression/ or Header:/expression/i", quoted,
                     what);
}

/* field-name = 1*ftext, %d33-57 / %d59-126 (RFC 5322 s.3.6.8), or "*" */
static int filter_split(const char *rule, struct filter_rule *out, struct error *err)
{
    size_t n = 0;
    while (rule[n] > ' ' && rule[n] < 0x7F && rule[n] != ':')
        n++;
    if (n == 0 || rule[n] != ':')
        return filter_bad_rule(rule, "does not start with the name of a header field and ':'", err);
    const char *start = rule + n + 1;
    while (*start == ' ')
        start++;
    const char *end = strrchr(start, '/');
    if (*start != '/' || end == start)
        return filter_bad_rule(rule, "has no expression between two slashes", err);
    if (end == start + 1)
        return filter_bad_rule(rule, "has an empty expression, which every mail matches", err);
    if (!text_equal(end, "/") && !text_equal(end, "/i"))
        return filter_bad_rule(
            rule, "has an unknown flag behind the last slash ('i' is the only one)", err);
    *out = (struct filter_rule){rule, start + 1, end + 1, n, (size_t)(end - start - 1)};
    return 0;
}

static int filter_compile(struct filter *filter, const char *rule, const struct filter_rule *pieces,
                          struct error *err)
{
    uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
    if (pieces->flags[0] == 'i')
        options |= PCRE2_CASELESS;
    int code;
    PCRE2_SIZE at;
    filter->code = pcre2_compile((PCRE2_SPTR)pieces->pattern, pieces->pattern_size, options, &code,
                                 &at, NULL);
    if (filter->code == NULL) {
        PCRE2_UCHAR why[160] = "";
        (void)pcre2_get_error_message(code, why, sizeof why);
        size_t position = (size_t)(pieces->pattern - rule) + at + 1;
        char quoted[128];
        text_printable(quoted, sizeof quoted, rule, strlen(rule));
        return error_set(err, ERROR_USAGE, "rule '%s': the expression is wrong at position %zu: %s",
                         quoted, position, (const char *)why);
    }
    (void)pcre2_jit_compile(filter->code, PCRE2_JIT_COMPLETE); /* where it may not, it interprets */
    return 0;
}

int filter_new(const char *rule, struct filter **out_filter, struct error *err)
{
    struct filter_rule pieces = {0};
    if (filter_split(rule, &pieces, err) < 0)
        return -1;
    AUTO(filter) filter = calloc(1, sizeof *filter);
    if (filter == NULL)
        return error_oom(err, "reading a rule");
    filter->header = strndup(pieces.header, pieces.header_size);
    filter->limits = pcre2_match_context_create(NULL);
    if (filter->header == NULL || filter->limits == NULL)
        return error_oom(err, "reading a rule");
    if (filter_compile(filter, rule, &pieces, err) < 0)
        return -1;
    (void)pcre2_set_match_limit(filter->limits, FILTER_MATCH_LIMIT);
    (void)pcre2_set_depth_limit(filter->limits, FILTER_DEPTH_LIMIT);
    (void)pcre2_set_heap_limit(filter->limits, FILTER_HEAP_LIMIT_KB);
    *out_filter = TAKE(filter);
    return 0;
}

void filter_free(struct filter *filter)
{
    if (filter == NULL)
        return;
    pcre2_match_context_free(filter->limits);
    pcre2_code_free(filter->code);
    free(filter->header);
    free(filter);
}

const char *filter_header(const struct filter *filter)
{
    return filter->header;
}

enum filter_result filter_match(const struct filter *filter, const char *name, const char *value,
                                size_t value_size)
{
    if (!text_equal(filter->header, "*") && !text_equal_nocase(filter->header, name))
        return FILTER_NO;
    size_t size = value_size < FILTER_SUBJECT_MAX ? value_size : FILTER_SUBJECT_MAX;
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    if (data == NULL)
        return FILTER_LIMIT;
    int found = pcre2_match(filter->code, (PCRE2_SPTR)value, size, 0, 0, data, filter->limits);
    pcre2_match_data_free(data);
    if (found == PCRE2_ERROR_NOMATCH)
        return FILTER_NO;
    return found >= 0 ? FILTER_YES : FILTER_LIMIT;
}
