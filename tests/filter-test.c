/* SPDX-License-Identifier: Apache-2.0 */
/* filter-test.c - rules over header fields, and the limits that keep them short. */
#include <config.h>
#include "check-main.h"

#include <stdlib.h>
#include <string.h>

#include "filter.h"

static const struct match_row {
    const char *rule, *name, *value;
    enum filter_result want;
} match_rows[] = {
    {"Subject:/invoice/", "subject", "your invoice 17", FILTER_YES},
    {"Subject:/invoice/", "Subject", "your Invoice 17", FILTER_NO},
    {"Subject:/invoice/i", "SUBJECT", "your Invoice 17", FILTER_YES},
    {"Subject:/invoice/", "X-Subject", "invoice", FILTER_NO},
    {"Subject: /^re:/i", "Subject", "RE: x", FILTER_YES},
    {"*:/invoice/", "X-Anything", "invoice", FILTER_YES},
    {"List-Id:/a/b/", "List-Id", "a/b", FILTER_YES},
    {"Subject:/\xC3\xA4" "RGER/i", "Subject", "\xC3\x84rger", FILTER_YES},
    {"Subject:/^.$/", "Subject", "\xE6\x97\xA5", FILTER_YES},
    {"Subject:/b/", "Subject", "\xFF\xFE b", FILTER_YES},
    {"Subject:/x$/", "Subject", "", FILTER_NO},
};

START_TEST(a_rule_matches_its_field_and_no_other)
{
    const struct match_row *row = &match_rows[_i];
    AUTO(filter) filter = NULL;
    struct error err = {0};
    ck_assert_msg(filter_new(row->rule, &filter, &err) == 0, "%s: %s", row->rule, err.text);
    ck_assert_msg(filter_match(filter, row->name, row->value, strlen(row->value)) == row->want,
                  "%s on %s: %s", row->rule, row->name, row->value);
}
END_TEST

static const struct bad_row {
    const char *rule, *error;
} bad_rows[] = {
    {"", "does not start with the name of a header field and ':'"},
    {"Subject", "does not start with the name of a header field and ':'"},
    {":/x/", "does not start with the name"},
    {"Sub ject:/x/", "does not start with the name"},
    {"Subject:x", "has no expression between two slashes"},
    {"Subject:/x", "has no expression between two slashes"},
    {"Subject://", "has an empty expression"},
    {"Subject:/x/g", "has an unknown flag"},
    {"Subject:/x/ii", "has an unknown flag"},
    {"Subject:/a(b/",
     "rule 'Subject:/a(b/': the expression is wrong at position 13: missing closing"},
    {"Subject:/\\C/", "the expression is wrong at position"},
};

START_TEST(a_bad_rule_is_told_by_its_place)
{
    AUTO(filter) filter = NULL;
    struct error err = {0};
    ck_assert_int_eq(filter_new(bad_rows[_i].rule, &filter, &err), -1);
    ck_assert_msg(strstr(err.text, bad_rows[_i].error) != NULL, "%s", err.text);
    ck_assert_int_eq((int)err.class, ERROR_USAGE);
}
END_TEST

/* Without limits each of these takes time exponential in the length of the value. */
START_TEST(an_expression_that_explodes_ends_at_a_limit)
{
    static const char *const rules[] = {
        "Subject:/^(a+)+$/", "Subject:/^(a|aa)+$/", "Subject:/^(a|a?)+$/",
        "Subject:/(.*)*(.*)*(.*)*(.*)*(.*)*[xy]/", "Subject:/^((a+)(b?))*\\2[cd]$/",
    };
    AUTO(filter) filter = NULL;
    char value[4000];
    memset(value, 'a', sizeof value);
    value[sizeof value - 1] = '!';
    ck_assert_int_eq(filter_new(rules[_i], &filter, NULL), 0);
    ck_assert_int_eq((int)filter_match(filter, "Subject", value, sizeof value), FILTER_LIMIT);
}
END_TEST

START_TEST(a_filter_hit_by_a_limit_can_be_used_again)
{
    AUTO(filter) filter = NULL;
    char value[64];
    memset(value, 'a', sizeof value);
    value[sizeof value - 1] = '!';
    ck_assert_int_eq(filter_new("Subject:/^(a+)+$/", &filter, NULL), 0);
    ck_assert_int_eq((int)filter_match(filter, "Subject", value, sizeof value), FILTER_LIMIT);
    ck_assert_int_eq((int)filter_match(filter, "Subject", "aaa", 3), FILTER_YES);
}
END_TEST

START_TEST(only_the_first_bytes_of_a_field_are_looked_at)
{
    AUTO(filter) filter = NULL;
    char *value = malloc(FILTER_SUBJECT_MAX + 1);
    memset(value, 'a', FILTER_SUBJECT_MAX + 1);
    ck_assert_int_eq(filter_new("Subject:/b/", &filter, NULL), 0);
    value[FILTER_SUBJECT_MAX] = 'b';
    ck_assert_int_eq((int)filter_match(filter, "Subject", value, FILTER_SUBJECT_MAX + 1),
                     FILTER_NO);
    value[FILTER_SUBJECT_MAX - 1] = 'b';
    ck_assert_int_eq((int)filter_match(filter, "Subject", value, FILTER_SUBJECT_MAX + 1),
                     FILTER_YES);
    free(value);
}
END_TEST

START_TEST(a_filter_tells_its_field)
{
    AUTO(filter) filter = NULL;
    ck_assert_int_eq(filter_new("List-Id:/x/", &filter, NULL), 0);
    ck_assert_str_eq(filter_header(filter), "List-Id");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("filter");
    TCase *t = tcase_create("filter");
    tcase_add_loop_test(t, a_rule_matches_its_field_and_no_other, 0,
                        (int)(sizeof match_rows / sizeof match_rows[0]));
    tcase_add_loop_test(t, a_bad_rule_is_told_by_its_place, 0,
                        (int)(sizeof bad_rows / sizeof bad_rows[0]));
    tcase_add_loop_test(t, an_expression_that_explodes_ends_at_a_limit, 0, 5);
    tcase_add_test(t, a_filter_hit_by_a_limit_can_be_used_again);
    tcase_add_test(t, only_the_first_bytes_of_a_field_are_looked_at);
    tcase_add_test(t, a_filter_tells_its_field);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
